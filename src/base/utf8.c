/* UTF-8 as RFC 3629 section 4 writes it: the table of well-formed byte sequences, nothing else. */
#include "utf8.h"

#include <string.h>

static int is_tail(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

size_t reels__utf8_char_len(const uint8_t *data, size_t len)
{
    if (len == 0) {
        return 0;
    }
    uint8_t lead = data[0];
    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xC2 || lead > 0xF4 || len < 2) {
        return 0; /* a tail byte, an overlong two-byte form, above U+10FFFF, or cut short */
    }
    /* The second byte alone decides on overlong forms, surrogates and the upper end. */
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (data[1] < low || data[1] > high) {
        return 0;
    }
    size_t need = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (len < need) {
        return 0;
    }
    for (size_t i = 2; i < need; i++) {
        if (!is_tail(data[i])) {
            return 0;
        }
    }
    return need;
}

size_t reels__utf8_decode(const uint8_t *data, size_t len, uint32_t *out_code_point)
{
    static const uint8_t lead_mask[5] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    size_t n = reels__utf8_char_len(data, len);
    if (n == 0) {
        return 0;
    }
    uint32_t code_point = data[0] & lead_mask[n];
    for (size_t i = 1; i < n; i++) {
        code_point = (code_point << 6) | (data[i] & 0x3FU);
    }
    *out_code_point = code_point;
    return n;
}

size_t reels__utf8_encode(uint32_t code_point, uint8_t out[4])
{
    if (code_point < 0x80) {
        out[0] = (uint8_t)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        out[0] = (uint8_t)(0xC0 | (code_point >> 6));
        out[1] = (uint8_t)(0x80 | (code_point & 0x3F));
        return 2;
    }
    if (code_point >= 0xD800 && code_point <= 0xDFFF) {
        return 0;
    }
    if (code_point < 0x10000) {
        out[0] = (uint8_t)(0xE0 | (code_point >> 12));
        out[1] = (uint8_t)(0x80 | ((code_point >> 6) & 0x3F));
        out[2] = (uint8_t)(0x80 | (code_point & 0x3F));
        return 3;
    }
    if (code_point > 0x10FFFF) {
        return 0;
    }
    out[0] = (uint8_t)(0xF0 | (code_point >> 18));
    out[1] = (uint8_t)(0x80 | ((code_point >> 12) & 0x3F));
    out[2] = (uint8_t)(0x80 | ((code_point >> 6) & 0x3F));
    out[3] = (uint8_t)(0x80 | (code_point & 0x3F));
    return 4;
}

size_t reels__utf8_count(const uint8_t *data, size_t len)
{
    size_t count = 0;
    size_t at = 0;
    while (at < len) {
        size_t n = reels__utf8_char_len(data + at, len - at);
        if (n == 0) {
            return SIZE_MAX;
        }
        at += n;
        count++;
    }
    return count;
}

int reels__utf8_valid(const uint8_t *data, size_t len)
{
    return reels__utf8_count(data, len) != SIZE_MAX;
}

int reels__utf8_valid_text(const char *text)
{
    return reels__utf8_valid((const uint8_t *)text, strlen(text));
}

size_t reels__utf8_cut(const char *text, size_t len)
{
    const uint8_t *data = (const uint8_t *)text;
    size_t start = len;
    /* A character has at most three tail bytes in front of which its lead stands. */
    while (start > 0 && len - start < 3 && is_tail(data[start - 1])) {
        start--;
    }
    if (start == 0 || data[start - 1] < 0xC0) {
        return len;
    }
    start--;
    return reels__utf8_char_len(data + start, len - start) == 0 ? start : len;
}

void reels__utf8_clean(char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        size_t n = reels__utf8_char_len((const uint8_t *)text + at, len - at);
        uint8_t byte = (uint8_t)text[at];
        if (n == 0 || byte < 0x20 || byte == 0x7F) {
            text[at] = '?';
            n = 1;
        }
        at += n;
    }
}
