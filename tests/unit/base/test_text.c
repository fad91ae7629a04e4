/* UTF-8, checked arithmetic, byte order, numbers, hexadecimal and base64. */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/encode.h"
#include "base/number.h"
#include "base/utf8.h"
#include "test_check.h"

struct utf8_case {
    const char *bytes;
    size_t len;
    int valid;
};

/* RFC 3629 section 4 at every edge of its table. */
static const struct utf8_case utf8_cases[] = {
    {"", 0, 1},
    {"\0", 1, 1},
    {"\x7F", 1, 1},
    {"\x80", 1, 0},
    {"\xBF", 1, 0},
    {"\xC0\x80", 2, 0},
    {"\xC1\xBF", 2, 0},
    {"\xC2\x80", 2, 1},
    {"\xC2\x7F", 2, 0},
    {"\xC2\xC0", 2, 0},
    {"\xC2", 1, 0},
    {"\xDF\xBF", 2, 1},
    {"\xE0\x80\x80", 3, 0},
    {"\xE0\x9F\xBF", 3, 0},
    {"\xE0\xA0\x80", 3, 1},
    {"\xE0\xA0", 2, 0},
    {"\xED\x9F\xBF", 3, 1},
    {"\xED\xA0\x80", 3, 0},
    {"\xED\xBF\xBF", 3, 0},
    {"\xEE\x80\x80", 3, 1},
    {"\xEF\xBF\xBF", 3, 1},
    {"\xF0\x80\x80\x80", 4, 0},
    {"\xF0\x8F\xBF\xBF", 4, 0},
    {"\xF0\x90\x80\x80", 4, 1},
    {"\xF0\x90\x80", 3, 0},
    {"\xF4\x8F\xBF\xBF", 4, 1},
    {"\xF4\x90\x80\x80", 4, 0},
    {"\xF5\x80\x80\x80", 4, 0},
    {"\xF8\x88\x80\x80\x80", 5, 0},
    {"\xFE", 1, 0},
    {"\xFF", 1, 0},
    {"a\xE2\x82\xAC\xF0\x9F\x8E\xAC", 8, 1},
};

START_TEST(test_utf8_follows_the_table_of_the_rfc)
{
    const struct utf8_case *c = &utf8_cases[_i];
    ck_assert_int_eq(reels__utf8_valid((const uint8_t *)c->bytes, c->len), c->valid);
    ck_assert_int_eq(reels__utf8_count((const uint8_t *)c->bytes, c->len) != SIZE_MAX, c->valid);
}
END_TEST

START_TEST(test_utf8_every_code_point_comes_back)
{
    for (uint32_t code_point = 0; code_point <= 0x110000; code_point++) {
        uint8_t bytes[4];
        uint32_t back = 0;
        size_t n = reels__utf8_encode(code_point, bytes);
        int exists = code_point < 0x110000 && (code_point < 0xD800 || code_point > 0xDFFF);
        int right = exists ? n != 0 && reels__utf8_decode(bytes, n, &back) == n : n == 0;
        /* One assertion in a million rounds costs more than the round. */
        if (!right || (exists && back != code_point)) {
            ck_abort_msg("U+%04X", (unsigned)code_point);
        }
    }
}
END_TEST

START_TEST(test_utf8_cut_never_splits)
{
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8E\xAC";
    static const size_t cut[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
    for (size_t len = 0; len < sizeof cut / sizeof cut[0]; len++) {
        ck_assert_uint_eq(reels__utf8_cut(text, len), cut[len]);
    }
    /* What is broken already stays as long as it was: tails without a lead. */
    ck_assert_uint_eq(reels__utf8_cut("\x80\x80\x80\x80\x80", 5), 5);
}
END_TEST

START_TEST(test_checked_size_arithmetic)
{
    size_t out = 7;
    ck_assert(reels__size_add(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
    ck_assert(!reels__size_add(SIZE_MAX, 1, &out) && out == SIZE_MAX);
    ck_assert(reels__size_mul(SIZE_MAX, 1, &out) && out == SIZE_MAX);
    ck_assert(reels__size_mul(SIZE_MAX, 0, &out) && out == 0);
    ck_assert(!reels__size_mul(SIZE_MAX / 2 + 1, 2, &out) && out == 0);
    uint64_t wide = 0;
    ck_assert(reels__u64_add(UINT64_MAX, 0, &wide) && wide == UINT64_MAX);
    ck_assert(!reels__u64_add(UINT64_MAX, 1, &wide));
    ck_assert(reels__u64_mul(UINT32_MAX, UINT32_MAX, &wide));
    ck_assert(!reels__u64_mul(UINT64_C(1) << 32, UINT64_C(1) << 32, &wide));
}
END_TEST

START_TEST(test_checked_signed_arithmetic)
{
    int64_t out = 7;
    ck_assert(reels__i64_add(INT64_MAX, INT64_MIN, &out) && out == -1);
    ck_assert(!reels__i64_add(INT64_MAX, 1, &out) && out == -1);
    ck_assert(!reels__i64_add(INT64_MIN, -1, &out));
    ck_assert(reels__i64_sub(INT64_MIN, -1, &out) && out == INT64_MIN + 1);
    ck_assert(!reels__i64_sub(INT64_MIN, 1, &out));
    ck_assert(!reels__i64_sub(0, INT64_MIN, &out));
    ck_assert(!reels__i64_sub(INT64_MAX, -1, &out));
    ck_assert_int_eq(reels__i64_add_saturated(40, 2), 42);
    ck_assert_int_eq(reels__i64_add_saturated(INT64_MAX, INT64_MIN), -1);
    ck_assert_int_eq(reels__i64_add_saturated(1, INT64_MAX), INT64_MAX);
    ck_assert_int_eq(reels__i64_add_saturated(INT64_MAX, 1), INT64_MAX);
    ck_assert_int_eq(reels__i64_add_saturated(-1, INT64_MIN), INT64_MIN);
}
END_TEST

/* Every pair of interesting numbers, against a wider type. */
START_TEST(test_checked_multiplication_agrees_with_a_wider_one)
{
    static const int64_t edges[] = {INT64_MIN,
                                    INT64_MIN + 1,
                                    INT64_MIN / 2,
                                    INT64_MIN / 3,
                                    -3037000500,
                                    -4294967296,
                                    -3,
                                    -2,
                                    -1,
                                    0,
                                    1,
                                    2,
                                    3,
                                    4294967296,
                                    3037000499,
                                    3037000500,
                                    INT64_MAX / 3,
                                    INT64_MAX / 2,
                                    INT64_MAX - 1,
                                    INT64_MAX};
    size_t count = sizeof edges / sizeof edges[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            int64_t out = 0;
            int64_t wide = 0;
            int fits = !__builtin_mul_overflow(edges[i], edges[k], &wide);
            ck_assert_int_eq(reels__i64_mul(edges[i], edges[k], &out), fits);
            ck_assert(!fits || out == wide);
        }
    }
}
END_TEST

START_TEST(test_checked_narrowing)
{
    int32_t i32 = 0;
    uint32_t u32 = 0;
    int64_t i64 = 0;
    size_t size = 0;
    ck_assert(reels__i64_to_i32(INT32_MIN, &i32) && i32 == INT32_MIN);
    ck_assert(!reels__i64_to_i32((int64_t)INT32_MAX + 1, &i32));
    ck_assert(!reels__i64_to_i32((int64_t)INT32_MIN - 1, &i32));
    ck_assert(reels__i64_to_u32(UINT32_MAX, &u32) && u32 == UINT32_MAX);
    ck_assert(!reels__i64_to_u32(-1, &u32));
    ck_assert(!reels__u64_to_u32((uint64_t)UINT32_MAX + 1, &u32));
    ck_assert(!reels__u64_to_i64(UINT64_MAX, &i64));
    ck_assert(reels__u64_to_i64(INT64_MAX, &i64) && i64 == INT64_MAX);
    ck_assert(reels__u64_to_size(SIZE_MAX, &size) && size == SIZE_MAX);
}
END_TEST

START_TEST(test_bytes_in_both_orders)
{
    uint8_t data[9] = {0};
    reels__le64_put(data + 1, UINT64_C(0x0102030405060708));
    ck_assert_mem_eq(data, "\0\x08\x07\x06\x05\x04\x03\x02\x01", 9);
    ck_assert_uint_eq(reels__le64_get(data + 1), UINT64_C(0x0102030405060708));
    ck_assert_uint_eq(reels__be64_get(data + 1), UINT64_C(0x0807060504030201));
    reels__be32_put(data, 0xA1B2C3D4);
    ck_assert_uint_eq(reels__be32_get(data), 0xA1B2C3D4);
    ck_assert_uint_eq(reels__le32_get(data), 0xD4C3B2A1);
}
END_TEST

struct integer_case {
    const char *text;
    reels_status status;
    int64_t value;
};

static const struct integer_case integer_cases[] = {
    {"0", REELS_OK, 0},
    {"-0", REELS_OK, 0},
    {"7", REELS_OK, 7},
    {"-1", REELS_OK, -1},
    {"9223372036854775807", REELS_OK, INT64_MAX},
    {"-9223372036854775808", REELS_OK, INT64_MIN},
    {"9223372036854775808", REELS_ERR_LIMIT, 0},
    {"-9223372036854775809", REELS_ERR_LIMIT, 0},
    {"99999999999999999999999", REELS_ERR_LIMIT, 0},
    {"", REELS_ERR_CORRUPT, 0},
    {"-", REELS_ERR_CORRUPT, 0},
    {"+1", REELS_ERR_CORRUPT, 0},
    {"01", REELS_ERR_CORRUPT, 0},
    {" 1", REELS_ERR_CORRUPT, 0},
    {"1 ", REELS_ERR_CORRUPT, 0},
    {"1.0", REELS_ERR_CORRUPT, 0},
    {"1e3", REELS_ERR_CORRUPT, 0},
    {"0x10", REELS_ERR_CORRUPT, 0},
    {"--1", REELS_ERR_CORRUPT, 0},
};

START_TEST(test_number_integers_are_read_whole_or_not_at_all)
{
    const struct integer_case *c = &integer_cases[_i];
    int64_t value = 77;
    ck_assert_int_eq(reels__i64_from_text(c->text, strlen(c->text), &value), c->status);
    ck_assert_int_eq(value, c->status == REELS_OK ? c->value : 77);
}
END_TEST

START_TEST(test_number_integers_come_back)
{
    static const uint64_t values[] = {0, 1, 9, 10, 99, 100, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[REELS__NUMBER_TEXT_BYTES];
        uint64_t back = 0;
        int64_t signed_back = 0;
        size_t len = reels__u64_to_text(values[i], text);
        ck_assert_uint_eq(len, strlen(text));
        ck_assert_int_eq(reels__u64_from_text(text, len, &back), REELS_OK);
        ck_assert(back == values[i]);
        int64_t negative = -(int64_t)(values[i] / 2);
        len = reels__i64_to_text(negative, text);
        ck_assert_int_eq(reels__i64_from_text(text, len, &signed_back), REELS_OK);
        ck_assert(signed_back == negative);
    }
    char text[REELS__NUMBER_TEXT_BYTES];
    (void)reels__i64_to_text(INT64_MIN, text);
    ck_assert_str_eq(text, "-9223372036854775808");
    uint64_t out = 0;
    ck_assert_int_eq(reels__u64_from_text("18446744073709551616", 20, &out), REELS_ERR_LIMIT);
    ck_assert_int_eq(reels__u64_from_text("-1", 2, &out), REELS_ERR_CORRUPT);
}
END_TEST

struct double_case {
    const char *text;
    const char *shortest;
};

static const struct double_case double_cases[] = {
    {"0", "0"},
    {"-0", "-0"},
    {"1.50", "1.5"},
    {"100", "100"},
    {"0.1", "0.1"},
    {"1e23", "1e+23"},
    {"123456789012345680000", "123456789012345680000"},
    {"1e21", "1e+21"},
    {"0.000001", "0.000001"},
    {"0.0000001", "1e-7"},
    {"1.7976931348623157e308", "1.7976931348623157e+308"},
    {"2.2250738585072014e-308", "2.2250738585072014e-308"},
    {"2.2250738585072011e-308", "2.225073858507201e-308"},
    {"4.9e-324", "5e-324"},
    {"2.4703282292062328e-324", "5e-324"},
    {"2.4703282292062327e-324", "0"},
    {"1e-400", "0"},
    {"-1e-400", "-0"},
    {"0e999999999999", "0"},
    {"9007199254740993", "9007199254740992"},
    {"9007199254740993.00000000000000000000000000000000001", "9007199254740994"},
    {"179769313486231580793728971405301e276", "1.7976931348623157e+308"},
};

START_TEST(test_number_doubles_at_the_edges)
{
    const struct double_case *c = &double_cases[_i];
    double value = 7;
    char text[REELS__NUMBER_TEXT_BYTES];
    ck_assert_int_eq(reels__double_from_text(c->text, strlen(c->text), &value), REELS_OK);
    size_t len = reels__double_to_text(value, text);
    ck_assert_str_eq(text, c->shortest);
    ck_assert_uint_eq(len, strlen(text));
}
END_TEST

START_TEST(test_number_doubles_out_of_range_or_malformed)
{
    static const char *const too_large[] = {
        "1e309", "-1.7976931348623159e308", "1e99999999999999999999"};
    static const char *const malformed[] = {
        "", "-", ".5", "1.", "1e", "1e+", "+1", "01", "inf", "nan", "0x1p3", "1,5", "1 "};
    double value = 7;
    for (size_t i = 0; i < sizeof too_large / sizeof too_large[0]; i++) {
        ck_assert_int_eq(reels__double_from_text(too_large[i], strlen(too_large[i]), &value),
                         REELS_ERR_LIMIT);
    }
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        ck_assert_int_eq(reels__double_from_text(malformed[i], strlen(malformed[i]), &value),
                         REELS_ERR_CORRUPT);
    }
    ck_assert(value == 7);
    char text[REELS__NUMBER_TEXT_BYTES] = "x";
    ck_assert_uint_eq(reels__double_to_text((double)INFINITY, text), 0);
    ck_assert_uint_eq(reels__double_to_text((double)NAN, text), 0);
    ck_assert_str_eq(text, "");
}
END_TEST

static double double_random(struct test_random *random, int kind)
{
    uint64_t bits = test_random_u64(random);
    double value = 0;
    if (kind == 1) {
        bits &= (UINT64_C(1) << 52) - 1; /* subnormal */
    } else if (kind == 2) {
        bits = test_random_below(random, 2047) << 52; /* a power of two */
    } else if (kind == 3) {
        return (double)(int64_t)(bits >> test_random_below(random, 64)) / 1000.0;
    }
    memcpy(&value, &bits, sizeof value);
    return isfinite(value) ? value : 1.0;
}

START_TEST(test_number_doubles_agree_with_libc)
{
    struct test_random random;
    test_random_init(&random, (uint64_t)_i);
    for (int round = 0; round < 3000; round++) {
        double value = double_random(&random, _i);
        double back = 0;
        char text[REELS__NUMBER_TEXT_BYTES];
        char longest[40];
        size_t len = reels__double_to_text(value, text);
        reels_status status = reels__double_from_text(text, len, &back);
        if (status != REELS_OK || strtod(text, NULL) != value ||
            memcmp(&back, &value, sizeof value) != 0) {
            ck_abort_msg("%.17g became %s", value, text);
        }
        int n = snprintf(longest, sizeof longest, "%.*e", (int)(round % 25), value);
        double expected = strtod(longest, NULL);
        status = reels__double_from_text(longest, (size_t)n, &back);
        if (isinf(expected) ? status != REELS_ERR_LIMIT : status != REELS_OK || back != expected) {
            ck_abort_msg("%s was read as %.17g", longest, back);
        }
    }
}
END_TEST

/* Writes a + b in all its digits. Both are printed exactly and added as one adds on paper: no type
 * of the machine has to hold the sum. */
static int decimal_sum(double a, double b, char *out, size_t capacity)
{
    char other[1200];
    int len = snprintf(out, capacity, "%0240.200f", a);
    ck_assert_int_eq(snprintf(other, sizeof other, "%0240.200f", b), len);
    int carry = 0;
    for (int i = len - 1; i >= 0; i--) {
        if (out[i] != '.') {
            int digit = out[i] - '0' + other[i] - '0' + carry;
            out[i] = (char)('0' + digit % 10);
            carry = digit / 10;
        }
    }
    int zeros = (int)strspn(out, "0");
    zeros -= out[zeros] == '.';
    memmove(out, out + zeros, (size_t)(len - zeros) + 1);
    return len - zeros;
}

/* Midpoints between two doubles, in all their digits, are where rounding goes wrong. */
START_TEST(test_number_midpoints_round_to_even)
{
    struct test_random random;
    test_random_init(&random, 9);
    for (int round = 0; round < 500; round++) {
        double low = ldexp(1.0 + (double)test_random_below(&random, 1U << 30) / (1U << 30),
                           (int)test_random_below(&random, 60) - 50);
        double high = nextafter(low, 2 * low);
        char text[1200];
        int n = decimal_sum(low, (high - low) / 2, text, sizeof text);
        double value = 0;
        ck_assert_int_eq(reels__double_from_text(text, (size_t)n, &value), REELS_OK);
        ck_assert_msg(value == strtod(text, NULL), "%s", text);
        text[n - 1] = '1'; /* just above it */
        ck_assert_int_eq(reels__double_from_text(text, (size_t)n, &value), REELS_OK);
        ck_assert(value == high);
    }
}
END_TEST

START_TEST(test_number_ignores_the_locale)
{
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL && setlocale(LC_ALL, "de_DE") == NULL &&
        setlocale(LC_ALL, "fr_FR.UTF-8") == NULL) {
        test_skip("numbers under a comma locale: none is installed");
        return;
    }
    char text[REELS__NUMBER_TEXT_BYTES];
    double value = 0;
    (void)reels__double_to_text(0.5, text);
    ck_assert_str_eq(text, "0.5");
    ck_assert_int_eq(reels__double_from_text("0.5", 3, &value), REELS_OK);
    ck_assert(value == 0.5);
    ck_assert_int_eq(reels__double_from_text("0,5", 3, &value), REELS_ERR_CORRUPT);
}
END_TEST

START_TEST(test_hex_both_ways)
{
    uint8_t bytes[256];
    uint8_t back[256];
    char text[513];
    for (int i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)i;
    }
    reels__hex_encode(bytes, 256, text);
    ck_assert_int_eq(strncmp(text, "000102", 6), 0);
    ck_assert_int_eq(reels__hex_decode(text, 512, back), 1);
    ck_assert_mem_eq(bytes, back, 256);
    ck_assert_int_eq(reels__hex_decode("aBcD", 4, back), 1);
    ck_assert_mem_eq(back, "\xAB\xCD", 2);
    ck_assert_int_eq(reels__hex_decode("abc", 3, back), 0);
    ck_assert_int_eq(reels__hex_decode("0g", 2, back), 0);
    ck_assert_int_eq(reels__hex_decode("", 0, back), 1);
}
END_TEST

/* RFC 4648 section 10. */
START_TEST(test_base64_vectors)
{
    static const char *const plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
    static const char *const padded[] = {
        "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    char text[16];
    uint8_t back[16];
    size_t back_len = 0;
    size_t len = strlen(plain[_i]);
    ck_assert_uint_eq(reels__base64_encode((const uint8_t *)plain[_i], len, REELS__BASE64, text),
                      strlen(padded[_i]));
    ck_assert_str_eq(text, padded[_i]);
    ck_assert_uint_eq(reels__base64_len(len, REELS__BASE64), strlen(text));
    ck_assert(reels__base64_decode(text, strlen(text), REELS__BASE64, back, &back_len));
    ck_assert_uint_eq(back_len, len);
    ck_assert(memcmp(back, plain[_i], len) == 0);
    size_t url_len = reels__base64_encode((const uint8_t *)plain[_i], len, REELS__BASE64_URL, text);
    ck_assert_uint_eq(url_len, reels__base64_len(len, REELS__BASE64_URL));
    ck_assert_ptr_null(strchr(text, '='));
    ck_assert(reels__base64_decode(text, url_len, REELS__BASE64_URL, back, &back_len));
    ck_assert_uint_eq(back_len, len);
}
END_TEST

struct base64_case {
    const char *text;
    int kind;
};

static const struct base64_case base64_bad[] = {
    {"Zg=", REELS__BASE64},
    {"Zg", REELS__BASE64},
    {"Z===", REELS__BASE64},
    {"====", REELS__BASE64},
    {"Zh==", REELS__BASE64},
    {"Zm9=", REELS__BASE64},
    {"Zm9v\n", REELS__BASE64},
    {"Zm 9", REELS__BASE64},
    {"-_-_", REELS__BASE64},
    {"Zg=a", REELS__BASE64},
    {"Zg==", REELS__BASE64_URL},
    {"Z", REELS__BASE64_URL},
    {"Zh", REELS__BASE64_URL},
    {"+/+/", REELS__BASE64_URL},
    {"Zm9vZ", REELS__BASE64_URL},
};

START_TEST(test_base64_refuses_a_second_form)
{
    uint8_t back[16];
    size_t back_len = 0;
    ck_assert(!reels__base64_decode(
        base64_bad[_i].text, strlen(base64_bad[_i].text), base64_bad[_i].kind, back, &back_len));
}
END_TEST

START_TEST(test_base64_random_bytes_come_back)
{
    struct test_random random;
    test_random_init(&random, 3);
    uint8_t bytes[100];
    uint8_t back[128];
    char text[160];
    for (size_t len = 0; len <= sizeof bytes; len++) {
        for (int kind = REELS__BASE64; kind <= REELS__BASE64_URL; kind++) {
            size_t back_len = 0;
            ck_assert_int_eq(random.table.fill(&random, bytes, len), REELS_OK);
            size_t text_len = reels__base64_encode(bytes, len, kind, text);
            ck_assert_uint_eq(text_len, strlen(text));
            ck_assert(reels__base64_decode(text, text_len, kind, back, &back_len));
            ck_assert_uint_eq(back_len, len);
            ck_assert(memcmp(bytes, back, len) == 0);
            ck_assert_uint_ge(reels__base64_decoded_max(text_len), len);
        }
    }
    ck_assert_uint_eq(reels__base64_len(SIZE_MAX, REELS__BASE64), SIZE_MAX);
}
END_TEST

#define CASES(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *tcase = tcase_create("text");
    tcase_add_loop_test(tcase, test_utf8_follows_the_table_of_the_rfc, 0, CASES(utf8_cases));
    tcase_add_test(tcase, test_utf8_every_code_point_comes_back);
    tcase_add_test(tcase, test_utf8_cut_never_splits);
    tcase_add_test(tcase, test_checked_size_arithmetic);
    tcase_add_test(tcase, test_checked_signed_arithmetic);
    tcase_add_test(tcase, test_checked_multiplication_agrees_with_a_wider_one);
    tcase_add_test(tcase, test_checked_narrowing);
    tcase_add_test(tcase, test_bytes_in_both_orders);
    tcase_add_loop_test(
        tcase, test_number_integers_are_read_whole_or_not_at_all, 0, CASES(integer_cases));
    tcase_add_test(tcase, test_number_integers_come_back);
    tcase_add_loop_test(tcase, test_number_doubles_at_the_edges, 0, CASES(double_cases));
    tcase_add_test(tcase, test_number_doubles_out_of_range_or_malformed);
    tcase_add_loop_test(tcase, test_number_doubles_agree_with_libc, 0, 4);
    tcase_add_test(tcase, test_number_midpoints_round_to_even);
    tcase_add_test(tcase, test_number_ignores_the_locale);
    tcase_add_test(tcase, test_hex_both_ways);
    tcase_add_loop_test(tcase, test_base64_vectors, 0, 7);
    tcase_add_loop_test(tcase, test_base64_refuses_a_second_form, 0, CASES(base64_bad));
    tcase_add_test(tcase, test_base64_random_bytes_come_back);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
