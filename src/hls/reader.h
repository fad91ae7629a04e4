/* Owns reading of big-endian numbers and of bits from memory that is checked against its end. */
#ifndef REELS_SRC_HLS_READER_H
#define REELS_SRC_HLS_READER_H

#include <stddef.h>
#include <stdint.h>

/* A window of borrowed bytes. Reading past the end gives 0 and sets `failed`, so that a parser can
 * check once after a group of fields. */
struct reels__bytes {
    const uint8_t *data;
    size_t len;
    size_t at;
    int failed;
};

struct reels__bytes reels__bytes_of(const uint8_t *data, size_t len);
size_t reels__bytes_left(const struct reels__bytes *in);
uint8_t reels__bytes_u8(struct reels__bytes *in);
uint16_t reels__bytes_u16(struct reels__bytes *in);
uint32_t reels__bytes_u32(struct reels__bytes *in);
uint64_t reels__bytes_u64(struct reels__bytes *in);
void reels__bytes_skip(struct reels__bytes *in, size_t count);
/* The next count bytes as a window of their own; an empty one, and `failed`, when they are not
 * there. */
struct reels__bytes reels__bytes_take(struct reels__bytes *in, size_t count);

/* The same for bits, most significant first. */
struct reels__bits {
    const uint8_t *data;
    size_t bits_count;
    size_t at;
    int failed;
};

struct reels__bits reels__bits_of(const uint8_t *data, size_t len);
/* count is 0 to 32. */
uint32_t reels__bits_read(struct reels__bits *in, unsigned count);
/* Exp-Golomb codes (H.264 section 9.1); more than 32 leading zeros is a failure. */
uint32_t reels__bits_ue(struct reels__bits *in);
int32_t reels__bits_se(struct reels__bits *in);

#endif
