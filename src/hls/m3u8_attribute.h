/* Owns the attribute lists of playlists (RFC 8216 section 4.2) and the numbers in them. */
#ifndef REELS_SRC_HLS_M3U8_ATTRIBUTE_H
#define REELS_SRC_HLS_M3U8_ATTRIBUTE_H

#include "m3u8.h"

enum {
    REELS__ATTRIBUTES_MAX = 64
};

struct reels__attribute {
    struct reels__text name;
    struct reels__text value; /* without the quotation marks */
    uint32_t quoted;
    uint32_t reserved0;
};

struct reels__attributes {
    struct reels__attribute items[REELS__ATTRIBUTES_MAX];
    size_t count;
};

/* Reads a list: its form, names that repeat, and the types of the attributes that the
 * specification names. Findings say the tag and the line. */
void reels__attributes_read(struct reels__text list,
                            const char *tag,
                            uint32_t line,
                            struct reels__finder *finder,
                            struct reels__attributes *out);

/* The value, or {NULL, 0}. */
struct reels__text reels__attribute_get(const struct reels__attributes *attributes,
                                        const char *name);

/* Whole numbers and decimals, all of the text: 1, or 0 when it is something else or too large. */
int reels__text_u64(struct reels__text text, uint64_t *out);
int reels__text_hex64(struct reels__text text, uint64_t *out);
/* Millionths, rounded to nearest. */
int reels__text_decimal(struct reels__text text, int64_t *out_micro);
int reels__text_resolution(struct reels__text text, uint32_t *out_width, uint32_t *out_height);
/* "len" or "len@offset"; without an offset *out_has_offset is 0. */
int reels__text_range(struct reels__text text,
                      uint64_t *out_len,
                      uint64_t *out_offset,
                      int *out_has_offset);

#endif
