/* Owns the bounded readers of numbers and bits. */
#include "reader.h"

struct reels__bytes reels__bytes_of(const uint8_t *data, size_t len)
{
    return (struct reels__bytes){.data = data, .len = len};
}

size_t reels__bytes_left(const struct reels__bytes *in)
{
    return in->len - in->at;
}

static uint64_t read_number(struct reels__bytes *in, size_t count)
{
    if (reels__bytes_left(in) < count) {
        in->failed = 1;
        in->at = in->len;
        return 0;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        value = value << 8 | in->data[in->at++];
    }
    return value;
}

uint8_t reels__bytes_u8(struct reels__bytes *in)
{
    return (uint8_t)read_number(in, 1);
}

uint16_t reels__bytes_u16(struct reels__bytes *in)
{
    return (uint16_t)read_number(in, 2);
}

uint32_t reels__bytes_u32(struct reels__bytes *in)
{
    return (uint32_t)read_number(in, 4);
}

uint64_t reels__bytes_u64(struct reels__bytes *in)
{
    return read_number(in, 8);
}

void reels__bytes_skip(struct reels__bytes *in, size_t count)
{
    (void)reels__bytes_take(in, count);
}

struct reels__bytes reels__bytes_take(struct reels__bytes *in, size_t count)
{
    if (reels__bytes_left(in) < count) {
        in->failed = 1;
        in->at = in->len;
        return reels__bytes_of(in->data, 0);
    }
    struct reels__bytes window = reels__bytes_of(in->data + in->at, count);
    in->at += count;
    return window;
}

struct reels__bits reels__bits_of(const uint8_t *data, size_t len)
{
    size_t len_max = SIZE_MAX / 8;
    return (struct reels__bits){.data = data, .bits_count = (len < len_max ? len : len_max) * 8};
}

uint32_t reels__bits_read(struct reels__bits *in, unsigned count)
{
    if (in->bits_count - in->at < count) {
        in->failed = 1;
        in->at = in->bits_count;
        return 0;
    }
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++, in->at++) {
        value = value << 1 | (in->data[in->at / 8] >> (7 - in->at % 8) & 1U);
    }
    return value;
}

uint32_t reels__bits_ue(struct reels__bits *in)
{
    unsigned zeros = 0;
    while (!in->failed && zeros <= 32 && reels__bits_read(in, 1) == 0) {
        zeros++;
    }
    if (in->failed || zeros >= 32) {
        /* 32 zeros would code a number above 2^32 - 2, which no syntax element allows. */
        in->failed = 1;
        return 0;
    }
    return (uint32_t)((1ULL << zeros) - 1 + reels__bits_read(in, zeros));
}

int32_t reels__bits_se(struct reels__bits *in)
{
    uint32_t code = reels__bits_ue(in);
    int64_t magnitude = ((int64_t)code + 1) / 2;
    return (int32_t)(code % 2 == 1 ? magnitude : -magnitude);
}
