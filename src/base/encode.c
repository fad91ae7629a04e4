/* Hexadecimal and base64 by RFC 4648, sections 4, 5 and 8; section 3.5 on canonical text. */
#include "encode.h"

#include "base/checked.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_alphabet[2][65] = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

void reels__hex_encode(const uint8_t *data, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = hex_digits[data[i] >> 4];
        out[2 * i + 1] = hex_digits[data[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

int reels__hex_decode(const char *text, size_t text_len, uint8_t *out)
{
    if (text_len % 2 != 0) {
        return 0;
    }
    for (size_t i = 0; i < text_len; i += 2) {
        int high = hex_value(text[i]);
        int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) {
            return 0;
        }
        out[i / 2] = (uint8_t)(high * 16 + low);
    }
    return 1;
}

size_t reels__base64_len(size_t len, int kind)
{
    size_t groups = len / 3;
    size_t rest = len % 3;
    size_t tail = rest == 0 ? 0 : kind == REELS__BASE64 ? 4 : rest + 1;
    size_t text = 0;
    if (!reels__size_mul(groups, 4, &text) || !reels__size_add(text, tail, &text)) {
        return SIZE_MAX;
    }
    return text;
}

size_t reels__base64_encode(const uint8_t *data, size_t len, int kind, char *out)
{
    const char *alphabet = base64_alphabet[kind];
    size_t at = 0;
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t group = (uint32_t)data[i] << 16;
        group |= n > 1 ? (uint32_t)data[i + 1] << 8 : 0;
        group |= n > 2 ? data[i + 2] : 0;
        for (size_t k = 0; k <= n; k++) {
            out[at++] = alphabet[(group >> (18 - 6 * k)) & 63];
        }
        for (size_t k = n; kind == REELS__BASE64 && k < 3; k++) {
            out[at++] = '=';
        }
    }
    out[at] = '\0';
    return at;
}

size_t reels__base64_decoded_max(size_t text_len)
{
    return text_len / 4 * 3 + 3;
}

static int base64_value(char character, int kind)
{
    if (character >= 'A' && character <= 'Z') {
        return character - 'A';
    }
    if (character >= 'a' && character <= 'z') {
        return character - 'a' + 26;
    }
    if (character >= '0' && character <= '9') {
        return character - '0' + 52;
    }
    if (character == base64_alphabet[kind][62]) {
        return 62;
    }
    return character == base64_alphabet[kind][63] ? 63 : -1;
}

int reels__base64_decode(const char *text, size_t text_len, int kind, uint8_t *out, size_t *out_len)
{
    if (kind == REELS__BASE64) {
        if (text_len % 4 != 0) {
            return 0;
        }
        /* At most two signs of padding; what is left is decoded as without padding. */
        for (int i = 0; i < 2 && text_len > 0 && text[text_len - 1] == '='; i++) {
            text_len--;
        }
    }
    if (text_len % 4 == 1) {
        return 0;
    }
    uint32_t bits = 0;
    unsigned bits_count = 0;
    size_t at = 0;
    for (size_t i = 0; i < text_len; i++) {
        int value = base64_value(text[i], kind);
        if (value < 0) {
            return 0;
        }
        bits = (bits << 6) | (uint32_t)value;
        bits_count += 6;
        if (bits_count >= 8) {
            bits_count -= 8;
            out[at++] = (uint8_t)(bits >> bits_count);
            bits &= (UINT32_C(1) << bits_count) - 1;
        }
    }
    if (bits != 0) {
        return 0; /* not canonical: two texts would mean the same bytes */
    }
    *out_len = at;
    return 1;
}
