/* Owns what the library knows of UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above
 * U+10FFFF. */
#ifndef REELS_SRC_BASE_UTF8_H
#define REELS_SRC_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length in bytes (1 to 4) of the well-formed character at data, or 0 when there is none. */
size_t reels__utf8_char_len(const uint8_t *data, size_t len);

/* Decodes the character at data: its length in bytes, or 0 when it is malformed. */
size_t reels__utf8_decode(const uint8_t *data, size_t len, uint32_t *out_code_point);

/* Writes 1 to 4 bytes; 0 for a surrogate or a number above U+10FFFF. */
size_t reels__utf8_encode(uint32_t code_point, uint8_t out[4]);

/* 1 when all of data is well-formed, else 0. Empty is valid, NUL is a character. */
int reels__utf8_valid(const uint8_t *data, size_t len);

/* The same for a NUL-terminated string. */
int reels__utf8_valid_text(const char *text);

/* Number of code points of valid text, or SIZE_MAX when it is malformed. */
size_t reels__utf8_count(const uint8_t *data, size_t len);

/* Largest length <= len at which text can be cut without splitting a character. */
size_t reels__utf8_cut(const char *text, size_t len);

/* Replaces malformed bytes and control characters by '?', so that text can go to a log line. */
void reels__utf8_clean(char *text, size_t len);

#endif
