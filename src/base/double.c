/* Doubles to and from decimal text, exact and without the locale. Reading divides whole numbers and
 * rounds once; writing is the free-format algorithm of Steele and White as Burger and Dybvig give
 * it
 * ("Printing Floating-Point Numbers Quickly and Accurately", 1996). */
#include <string.h>

#include "base/number.h"

enum {
    BIG_LIMBS = 128, /* 4,096 bits; see the bounds at DIGITS_MAX */
    MANTISSA_BITS = 53,
    EXPONENT_MIN = -1022,
    EXPONENT_MAX = 1023,
    /* No double needs more digits to be told from its neighbours' midpoint (767); a further one
     * stands for all that were dropped. 769 digits are below 2^2555; the least exponent that does
     * not give zero is -324 - 769, and 10^1093 is below 2^3631; 64 bits more still fit. */
    DIGITS_MAX = 768,
    DECIMAL_POINT_MAX = 310,  /* 0.1e310 is beyond the largest double */
    DECIMAL_POINT_MIN = -323, /* below 0.1e-323 everything is nearer to zero */
    EXPONENT_TEXT_MAX = 100000000,
    POINT_BEYOND = 2 * EXPONENT_TEXT_MAX /* far beyond every limit */
};

/* A natural number; limb[count - 1] is not 0. */
struct big {
    size_t count;
    uint32_t limb[BIG_LIMBS];
};

static void big_set(struct big *big, uint64_t value)
{
    big->count = 0;
    while (value != 0) {
        big->limb[big->count++] = (uint32_t)value;
        value >>= 32;
    }
}

/* big = big * factor + addend. The callers' bounds keep it below BIG_LIMBS. */
static void big_multiply(struct big *big, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;
    for (size_t i = 0; i < big->count; i++) {
        carry += (uint64_t)big->limb[i] * factor;
        big->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0 && big->count < BIG_LIMBS) {
        big->limb[big->count++] = (uint32_t)carry;
    }
}

static void big_multiply_power10(struct big *big, int power)
{
    for (; power >= 9; power -= 9) {
        big_multiply(big, 1000000000, 0);
    }
    for (; power > 0; power--) {
        big_multiply(big, 10, 0);
    }
}

static int big_bits(const struct big *big)
{
    if (big->count == 0) {
        return 0;
    }
    int bits = (int)(big->count - 1) * 32;
    for (uint32_t top = big->limb[big->count - 1]; top != 0; top >>= 1) {
        bits++;
    }
    return bits;
}

static void big_shift_left(struct big *big, int shift)
{
    size_t limbs = (size_t)shift / 32;
    unsigned bits = (unsigned)shift % 32;
    if (big->count == 0 || big->count + limbs + 1 > BIG_LIMBS) {
        return;
    }
    if (limbs > 0) {
        memmove(big->limb + limbs, big->limb, big->count * sizeof big->limb[0]);
        memset(big->limb, 0, limbs * sizeof big->limb[0]);
        big->count += limbs;
    }
    if (bits > 0) {
        uint32_t carry = 0;
        for (size_t i = limbs; i < big->count; i++) {
            uint32_t limb = big->limb[i];
            big->limb[i] = (limb << bits) | carry;
            carry = limb >> (32 - bits);
        }
        if (carry != 0) {
            big->limb[big->count++] = carry;
        }
    }
}

static int big_compare(const struct big *a, const struct big *b)
{
    if (a->count != b->count) {
        return a->count < b->count ? -1 : 1;
    }
    for (size_t i = a->count; i > 0; i--) {
        if (a->limb[i - 1] != b->limb[i - 1]) {
            return a->limb[i - 1] < b->limb[i - 1] ? -1 : 1;
        }
    }
    return 0;
}

/* a -= b, where a >= b. */
static void big_subtract(struct big *a, const struct big *b)
{
    uint64_t borrow = 0;
    for (size_t i = 0; i < a->count; i++) {
        uint64_t take = borrow + (i < b->count ? b->limb[i] : 0);
        borrow = a->limb[i] < take ? 1 : 0;
        a->limb[i] = (uint32_t)(a->limb[i] - take);
    }
    while (a->count > 0 && a->limb[a->count - 1] == 0) {
        a->count--;
    }
}

/* a + b compared with c. */
static int big_compare_sum(const struct big *a, const struct big *b, const struct big *c)
{
    struct big sum;
    uint64_t carry = 0;
    sum.count = a->count;
    memcpy(sum.limb, a->limb, a->count * sizeof a->limb[0]);
    for (size_t i = 0; i < b->count || carry != 0; i++) {
        if (i == sum.count) {
            if (i == BIG_LIMBS) {
                return 1;
            }
            sum.limb[sum.count++] = 0;
        }
        carry += (uint64_t)sum.limb[i] + (i < b->count ? b->limb[i] : 0);
        sum.limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return big_compare(&sum, c);
}

/* A decimal number: 0.d1d2...dn * 10^point, as far as digits were kept. */
struct decimal {
    char digits[DIGITS_MAX + 1];
    int count;
    int point;
    int negative;
};

static int exponent_read(const char *text, size_t len)
{
    int negative = len > 0 && text[0] == '-';
    size_t at = len > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    int value = 0;
    for (; at < len; at++) {
        /* Far beyond every limit already: the exact value does not matter any more. */
        value = value < EXPONENT_TEXT_MAX ? value * 10 + (text[at] - '0') : value;
    }
    return negative ? -value : value;
}

/* Takes a text of the right grammar apart. */
static void decimal_read(const char *text, size_t len, struct decimal *out)
{
    size_t at = text[0] == '-' ? 1 : 0;
    int64_t point = 0;
    int seen_point = 0;
    int dropped = 0;
    out->negative = at == 1;
    out->count = 0;
    for (; at < len && text[at] != 'e' && text[at] != 'E'; at++) {
        char character = text[at];
        if (character == '.') {
            seen_point = 1;
            continue;
        }
        int leading_zero = character == '0' && out->count == 0;
        if (!leading_zero && out->count < DIGITS_MAX) {
            out->digits[out->count++] = character;
        } else if (character != '0') {
            dropped = 1;
        }
        if (!seen_point && !leading_zero) {
            point++;
        } else if (seen_point && leading_zero) {
            point--;
        }
    }
    if (dropped) {
        out->digits[out->count++] = '1';
    }
    point += at < len ? exponent_read(text + at + 1, len - at - 1) : 0;
    if (point > POINT_BEYOND) {
        point = POINT_BEYOND;
    }
    out->point = point < -POINT_BEYOND ? -POINT_BEYOND : (int)point;
}

/* Rounds quotient * 2^-shift, with *sticky telling of what was cut off, to the bits of a double. */
static uint64_t double_bits(uint64_t quotient, int sticky, int shift)
{
    int bits = 0;
    for (uint64_t rest = quotient; rest != 0; rest >>= 1) {
        bits++;
    }
    int exponent = bits - 1 - shift;
    int keep = exponent >= EXPONENT_MIN ? MANTISSA_BITS : MANTISSA_BITS - (EXPONENT_MIN - exponent);
    int drop = bits - keep;
    /* The quotient has 63 or 64 bits, so that 10 or more are dropped. */
    if (keep < 0 || drop < 1 || drop > 64) {
        return 0;
    }
    uint64_t mantissa = drop < 64 ? quotient >> drop : 0;
    uint64_t rest = drop < 64 ? quotient & ((UINT64_C(1) << drop) - 1) : quotient;
    uint64_t half = UINT64_C(1) << (drop - 1);
    if (rest > half || (rest == half && (sticky || (mantissa & 1) != 0))) {
        mantissa++;
    }
    if (exponent < EXPONENT_MIN) {
        return mantissa; /* a carry makes it the least normal number, as it should */
    }
    /* The same for a carry into the exponent. */
    int field = exponent - EXPONENT_MIN + 1;
    return ((uint64_t)field << (MANTISSA_BITS - 1)) +
           (mantissa - (UINT64_C(1) << (MANTISSA_BITS - 1)));
}

/* Divides the decimal by long division into 63 or 64 bits and rounds them. */
static uint64_t decimal_to_bits(const struct decimal *decimal)
{
    struct big numerator;
    struct big denominator;
    big_set(&numerator, 0);
    big_set(&denominator, 1);
    for (int i = 0; i < decimal->count; i++) {
        if (numerator.count == 0) {
            big_set(&numerator, (uint64_t)(decimal->digits[i] - '0'));
        } else {
            big_multiply(&numerator, 10, (uint32_t)(decimal->digits[i] - '0'));
        }
    }
    int power = decimal->point - decimal->count;
    big_multiply_power10(power >= 0 ? &numerator : &denominator, power >= 0 ? power : -power);
    int shift = 63 + big_bits(&denominator) - big_bits(&numerator);
    /* The quotient is found bit by bit from the top, so the denominator starts 63 bits higher. */
    big_shift_left(shift >= 0 ? &numerator : &denominator, shift >= 0 ? shift : -shift);
    uint64_t quotient = 0;
    struct big scaled = denominator;
    big_shift_left(&scaled, 63);
    for (int bit = 0; bit < 64; bit++) {
        quotient <<= 1;
        if (big_compare(&numerator, &scaled) >= 0) {
            big_subtract(&numerator, &scaled);
            quotient |= 1;
        }
        big_shift_left(&numerator, 1);
    }
    return double_bits(quotient, numerator.count != 0, shift);
}

/* Powers of ten that a double holds exactly. */
static const double exact_powers[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                        1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                        1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Few digits and a small exponent: one exact operation rounds right (Clinger 1990). */
static int decimal_is_easy(const struct decimal *decimal, double *out)
{
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ == 0
    int power = decimal->point - decimal->count;
    if (decimal->count > 15 || power < -22 || power > 22) {
        return 0;
    }
    int64_t whole = 0;
    for (int i = 0; i < decimal->count; i++) {
        whole = whole * 10 + (decimal->digits[i] - '0');
    }
    *out = power >= 0 ? (double)whole * exact_powers[power] : (double)whole / exact_powers[-power];
    return 1;
#else
    (void)decimal;
    (void)out;
    (void)exact_powers;
    return 0;
#endif
}

reels_status reels__double_from_text(const char *text, size_t len, double *out)
{
    int is_integer = 0;
    if (len == 0 || reels__number_scan(text, len, &is_integer) != len) {
        return REELS_ERR_CORRUPT;
    }
    struct decimal decimal;
    decimal_read(text, len, &decimal);
    double value = 0;
    if (decimal.count == 0 || decimal.point < DECIMAL_POINT_MIN) {
        value = 0;
    } else if (decimal.point > DECIMAL_POINT_MAX) {
        return REELS_ERR_LIMIT;
    } else if (!decimal_is_easy(&decimal, &value)) {
        uint64_t bits = decimal_to_bits(&decimal);
        if (bits >> (MANTISSA_BITS - 1) > EXPONENT_MAX - EXPONENT_MIN + 1) {
            return REELS_ERR_LIMIT;
        }
        memcpy(&value, &bits, sizeof value);
    }
    *out = decimal.negative ? -value : value;
    return REELS_OK;
}

/* The four numbers of the algorithm: value = r / s, and half the gaps to the neighbours over s. */
struct shortest {
    struct big r;
    struct big s;
    struct big above;
    struct big below;
    int is_even; /* the ends of the interval round to this double, too */
};

static void shortest_start(struct shortest *state, uint64_t mantissa, int exponent, int is_lowest)
{
    /* At a power of two the gap below is half as wide. */
    int narrow = mantissa == UINT64_C(1) << (MANTISSA_BITS - 1) && !is_lowest;
    big_set(&state->r, mantissa);
    big_set(&state->s, 1);
    big_set(&state->above, 1);
    big_set(&state->below, 1);
    big_shift_left(&state->r, narrow ? 2 : 1);
    big_shift_left(&state->s, narrow ? 2 : 1);
    big_shift_left(&state->above, narrow ? 1 : 0);
    if (exponent >= 0) {
        big_shift_left(&state->r, exponent);
        big_shift_left(&state->above, exponent);
        big_shift_left(&state->below, exponent);
    } else {
        big_shift_left(&state->s, -exponent);
    }
    state->is_even = (mantissa & 1) == 0;
}

static int is_above_top(const struct shortest *state)
{
    int order = big_compare_sum(&state->r, &state->above, &state->s);
    return state->is_even ? order >= 0 : order > 0;
}

static int is_below_bottom(const struct shortest *state)
{
    int order = big_compare(&state->r, &state->below);
    return state->is_even ? order <= 0 : order < 0;
}

/* floor(exponent * log10(2)) + 1: the place of the decimal point, or one too small. */
static int point_estimate(int exponent)
{
    int64_t product = (int64_t)exponent * 1292913986; /* log10(2) * 2^32, rounded down */
    int64_t unit = INT64_C(1) << 32;
    return (int)(product >= 0 ? product / unit : -((-product + unit - 1) / unit)) + 1;
}

static void shortest_times10(struct shortest *state)
{
    big_multiply(&state->r, 10, 0);
    big_multiply(&state->above, 10, 0);
    big_multiply(&state->below, 10, 0);
}

/* Scales so that the first digit comes next; gives the place of the decimal point. */
static int shortest_scale(struct shortest *state, int exponent_of_top_bit)
{
    int point = point_estimate(exponent_of_top_bit);
    if (point >= 0) {
        big_multiply_power10(&state->s, point);
    } else {
        big_multiply_power10(&state->r, -point);
        big_multiply_power10(&state->above, -point);
        big_multiply_power10(&state->below, -point);
    }
    if (is_above_top(state)) {
        return point + 1;
    }
    shortest_times10(state);
    return point;
}

static int shortest_digits(struct shortest *state, char digits[20])
{
    int count = 0;
    while (count < 18) {
        int digit = 0;
        while (big_compare(&state->r, &state->s) >= 0) {
            big_subtract(&state->r, &state->s);
            digit++;
        }
        int low = is_below_bottom(state);
        int high = is_above_top(state);
        if (low && high) {
            high = big_compare_sum(&state->r, &state->r, &state->s) >= 0;
        }
        digits[count++] = (char)('0' + digit + (high ? 1 : 0));
        if (low || high) {
            break;
        }
        shortest_times10(state);
    }
    return count;
}

static size_t fill(char *out, size_t at, char character, int count)
{
    for (int i = 0; i < count; i++) {
        out[at++] = character;
    }
    return at;
}

/* Puts digits and point together as ECMAScript's Number::toString does. */
static size_t decimal_write(const char *digits, int count, int point, char *out, size_t at)
{
    size_t n = (size_t)count;
    if (point >= count && point <= 21) {
        memcpy(out + at, digits, n);
        return fill(out, at + n, '0', point - count);
    }
    if (point > 0 && point <= 21) {
        memcpy(out + at, digits, (size_t)point);
        at += (size_t)point;
        out[at++] = '.';
        memcpy(out + at, digits + point, n - (size_t)point);
        return at + n - (size_t)point;
    }
    if (point > -6 && point <= 0) {
        at = fill(out, at, '0', 1);
        out[at++] = '.';
        at = fill(out, at, '0', -point);
        memcpy(out + at, digits, n);
        return at + n;
    }
    out[at++] = digits[0];
    if (n > 1) {
        out[at++] = '.';
        memcpy(out + at, digits + 1, n - 1);
        at += n - 1;
    }
    out[at++] = 'e';
    out[at++] = point > 0 ? '+' : '-';
    int exponent = point > 0 ? point - 1 : 1 - point;
    return at + reels__u64_to_text((uint64_t)exponent, out + at);
}

size_t reels__double_to_text(double value, char *out)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & ((UINT64_C(1) << (MANTISSA_BITS - 1)) - 1);
    int field = (int)((bits >> (MANTISSA_BITS - 1)) & 0x7FF);
    size_t at = 0;
    out[0] = '\0';
    if (field == 0x7FF) {
        return 0;
    }
    if (bits >> 63 != 0) {
        out[at++] = '-';
    }
    if (field == 0 && fraction == 0) {
        out[at++] = '0';
        out[at] = '\0';
        return at;
    }
    uint64_t mantissa = field == 0 ? fraction : fraction | (UINT64_C(1) << (MANTISSA_BITS - 1));
    int exponent = (field == 0 ? 1 : field) + EXPONENT_MIN - MANTISSA_BITS;
    int top = exponent - 1;
    for (uint64_t rest = mantissa; rest != 0; rest >>= 1) {
        top++;
    }
    struct shortest state;
    char digits[20];
    shortest_start(&state, mantissa, exponent, field <= 1);
    int point = shortest_scale(&state, top);
    int count = shortest_digits(&state, digits);
    at = decimal_write(digits, count, point, out, at);
    out[at] = '\0';
    return at;
}
