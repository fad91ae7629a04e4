/* Owns the checksums and hashes that are not secrets: xxHash (through libxxhash) and CRC32C. */
#ifndef REELS_SRC_BASE_HASH_H
#define REELS_SRC_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* XXH3, 64 bits: checks of our own files. */
uint64_t reels__xxh3_64(const void *data, size_t len, uint64_t seed);

/* XXH64 with seed 0: partition = reels__xxh64(key) mod n. */
uint64_t reels__xxh64(const void *data, size_t len);

/* XXH64 with seed 0 of the 8 little-endian bytes of an ID, the partition key of events. */
uint64_t reels__xxh64_of_id(uint64_t id);

/* CRC32C (Castagnoli, RFC 3720 B.4). Start with 0; feed the result back to go on. */
uint32_t reels__crc32c(uint32_t crc, const void *data, size_t len);

#endif
