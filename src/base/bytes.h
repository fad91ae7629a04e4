/* Owns the reading and writing of fixed-width numbers in a stated byte order, at any alignment. */
#ifndef REELS_SRC_BASE_BYTES_H
#define REELS_SRC_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t reels__le_get(const uint8_t *data, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) {
        value |= (uint64_t)data[i] << (8 * i);
    }
    return value;
}

static inline void reels__le_put(uint8_t *data, size_t width, uint64_t value)
{
    for (size_t i = 0; i < width; i++) {
        data[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline uint64_t reels__be_get(const uint8_t *data, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) {
        value = (value << 8) | data[i];
    }
    return value;
}

static inline void reels__be_put(uint8_t *data, size_t width, uint64_t value)
{
    for (size_t i = 0; i < width; i++) {
        data[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    }
}

static inline uint32_t reels__le32_get(const uint8_t *data)
{
    return (uint32_t)reels__le_get(data, 4);
}

static inline uint64_t reels__le64_get(const uint8_t *data)
{
    return reels__le_get(data, 8);
}

static inline void reels__le32_put(uint8_t *data, uint32_t value)
{
    reels__le_put(data, 4, value);
}

static inline void reels__le64_put(uint8_t *data, uint64_t value)
{
    reels__le_put(data, 8, value);
}

static inline uint32_t reels__be32_get(const uint8_t *data)
{
    return (uint32_t)reels__be_get(data, 4);
}

static inline uint64_t reels__be64_get(const uint8_t *data)
{
    return reels__be_get(data, 8);
}

static inline void reels__be32_put(uint8_t *data, uint32_t value)
{
    reels__be_put(data, 4, value);
}

static inline void reels__be64_put(uint8_t *data, uint64_t value)
{
    reels__be_put(data, 8, value);
}

#endif
