/* Owns numbers as text, whatever the locale: plain decimal, as JSON writes them. Reading takes the
 * whole text: OK; CORRUPT when it is not such a number; LIMIT when it is out of range. */
#ifndef REELS_SRC_BASE_NUMBER_H
#define REELS_SRC_BASE_NUMBER_H

#include <reels/base.h>

enum {
    REELS__NUMBER_TEXT_BYTES = 32 /* room for any number and its NUL */
};

/* Write the text and a NUL into REELS__NUMBER_TEXT_BYTES; give the length. */
size_t reels__u64_to_text(uint64_t value, char *out);
size_t reels__i64_to_text(int64_t value, char *out);
/* The shortest text that reads back as the same double, in the form ECMAScript uses; 0 and an empty
 * text for infinities and NaN, which JSON cannot hold. */
size_t reels__double_to_text(double value, char *out);

/* Digits only, "0" or without leading zeros; i64 takes a '-' in front. */
reels_status reels__u64_from_text(const char *text, size_t len, uint64_t *out);
reels_status reels__i64_from_text(const char *text, size_t len, int64_t *out);
/* The grammar of JSON; rounds to the nearest double, ties to even; too small gives zero. */
reels_status reels__double_from_text(const char *text, size_t len, double *out);

/* Length of the JSON number at the start of text, or 0; *out_is_integer tells whether it has
 * neither a fraction nor an exponent. */
size_t reels__number_scan(const char *text, size_t len, int *out_is_integer);

#endif
