/* Owns hexadecimal and base64 text (RFC 4648). Decoding is strict: one text for one byte string. */
#ifndef REELS_SRC_BASE_ENCODE_H
#define REELS_SRC_BASE_ENCODE_H

#include <stddef.h>
#include <stdint.h>

/* Writes 2 * len lower-case digits and a NUL. */
void reels__hex_encode(const uint8_t *data, size_t len, char *out);
/* Reads text_len digits, upper or lower case, into text_len / 2 bytes: 1, or 0 when malformed. */
int reels__hex_decode(const char *text, size_t text_len, uint8_t *out);

enum {
    REELS__BASE64 = 0,    /* RFC 4648 section 4, padded */
    REELS__BASE64_URL = 1 /* section 5, without padding, as JWS uses it */
};

/* Length of the text without its NUL; SIZE_MAX when it cannot be represented. */
size_t reels__base64_len(size_t len, int kind);
/* Writes the text and a NUL; gives its length. */
size_t reels__base64_encode(const uint8_t *data, size_t len, int kind, char *out);
/* Upper bound of the bytes that text_len characters decode to. */
size_t reels__base64_decoded_max(size_t text_len);
/* 1 and *out_len, or 0 for foreign characters, wrong padding or bits that are not zero at the end.
 */
int reels__base64_decode(
    const char *text, size_t text_len, int kind, uint8_t *out, size_t *out_len);

#endif
