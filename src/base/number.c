/* The grammar of numbers (RFC 8259 section 6) and integers as text; doubles are in double.c. */
#include "number.h"

#include <string.h>

static int is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static size_t digits_scan(const char *text, size_t len, size_t at)
{
    while (at < len && is_digit(text[at])) {
        at++;
    }
    return at;
}

size_t reels__number_scan(const char *text, size_t len, int *out_is_integer)
{
    *out_is_integer = 1;
    size_t at = len > 0 && text[0] == '-' ? 1 : 0;
    size_t end = digits_scan(text, len, at);
    if (end == at) {
        return 0;
    }
    /* A leading zero stands alone. */
    at = text[at] == '0' ? at + 1 : end;
    if (at < len && text[at] == '.') {
        *out_is_integer = 0;
        end = digits_scan(text, len, at + 1);
        if (end == at + 1) {
            return 0;
        }
        at = end;
    }
    if (at < len && (text[at] == 'e' || text[at] == 'E')) {
        *out_is_integer = 0;
        at++;
        at += at < len && (text[at] == '+' || text[at] == '-') ? 1 : 0;
        end = digits_scan(text, len, at);
        if (end == at) {
            return 0;
        }
        at = end;
    }
    return at;
}

size_t reels__u64_to_text(uint64_t value, char *out)
{
    char reversed[20];
    size_t len = 0;
    do {
        reversed[len++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    for (size_t i = 0; i < len; i++) {
        out[i] = reversed[len - 1 - i];
    }
    out[len] = '\0';
    return len;
}

size_t reels__i64_to_text(int64_t value, char *out)
{
    if (value >= 0) {
        return reels__u64_to_text((uint64_t)value, out);
    }
    out[0] = '-';
    return 1 + reels__u64_to_text(0 - (uint64_t)value, out + 1);
}

reels_status reels__u64_from_text(const char *text, size_t len, uint64_t *out)
{
    if (len == 0 || digits_scan(text, len, 0) != len || (text[0] == '0' && len > 1)) {
        return REELS_ERR_CORRUPT;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return REELS_ERR_LIMIT;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return REELS_OK;
}

reels_status reels__i64_from_text(const char *text, size_t len, int64_t *out)
{
    int negative = len > 0 && text[0] == '-';
    size_t skip = negative ? 1 : 0;
    uint64_t magnitude = 0;
    reels_status status = reels__u64_from_text(text + skip, len - skip, &magnitude);
    if (status != REELS_OK) {
        return status;
    }
    uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    if (magnitude > most) {
        return REELS_ERR_LIMIT;
    }
    /* INT64_MIN has no positive counterpart. */
    if (!negative) {
        *out = (int64_t)magnitude;
    } else {
        *out = magnitude == most ? INT64_MIN : -(int64_t)magnitude;
    }
    return REELS_OK;
}
