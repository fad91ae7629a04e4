/* CRC32C eight bytes at a time (Kounavis and Berry, "slicing-by-8"); the tables are made at build
 * time by crc32c_table.py. */
#include "hash.h"

#include <xxhash.h>

#include "base/bytes.h"
#include "crc32c_table.h"

uint64_t reels__xxh3_64(const void *data, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(len > 0 ? data : "", len, seed);
}

uint64_t reels__xxh64(const void *data, size_t len)
{
    return XXH64(len > 0 ? data : "", len, 0);
}

uint64_t reels__xxh64_of_id(uint64_t id)
{
    uint8_t bytes[8];
    reels__le64_put(bytes, id);
    return XXH64(bytes, sizeof bytes, 0);
}

uint32_t reels__crc32c(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *at = data;
    crc = ~crc;
    while (len >= 8) {
        uint32_t low = crc ^ reels__le32_get(at);
        uint32_t high = reels__le32_get(at + 4);
        crc = crc32c_table[7][low & 0xFF] ^ crc32c_table[6][(low >> 8) & 0xFF] ^
              crc32c_table[5][(low >> 16) & 0xFF] ^ crc32c_table[4][low >> 24] ^
              crc32c_table[3][high & 0xFF] ^ crc32c_table[2][(high >> 8) & 0xFF] ^
              crc32c_table[1][(high >> 16) & 0xFF] ^ crc32c_table[0][high >> 24];
        at += 8;
        len -= 8;
    }
    while (len > 0) {
        crc = (crc >> 8) ^ crc32c_table[0][(crc ^ *at) & 0xFF];
        at++;
        len--;
    }
    return ~crc;
}
