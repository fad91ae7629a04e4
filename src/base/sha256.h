/* Owns SHA-256 (FIPS 180-4), HMAC-SHA256 (RFC 2104), and the comparing and wiping of secrets. No
 * memory is taken; nothing here can fail. */
#ifndef REELS_SRC_BASE_SHA256_H
#define REELS_SRC_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum {
    REELS__SHA256_BYTES = 32,
    REELS__SHA256_BLOCK_BYTES = 64
};

struct reels__sha256 {
    uint32_t state[8];
    uint64_t len; /* bytes so far */
    uint8_t block[REELS__SHA256_BLOCK_BYTES];
};

struct reels__hmac_sha256 {
    struct reels__sha256 inner;
    struct reels__sha256 outer;
};

void reels__sha256_init(struct reels__sha256 *sha);
void reels__sha256_update(struct reels__sha256 *sha, const void *data, size_t len);
/* Ends the digest; the struct must be initialised again before it is used again. */
void reels__sha256_finish(struct reels__sha256 *sha, uint8_t out[REELS__SHA256_BYTES]);
void reels__sha256(const void *data, size_t len, uint8_t out[REELS__SHA256_BYTES]);

void reels__hmac_sha256_init(struct reels__hmac_sha256 *hmac, const void *key, size_t key_len);
void reels__hmac_sha256_update(struct reels__hmac_sha256 *hmac, const void *data, size_t len);
/* Ends the code and wipes the key from the struct. */
void reels__hmac_sha256_finish(struct reels__hmac_sha256 *hmac, uint8_t out[REELS__SHA256_BYTES]);
void reels__hmac_sha256(const void *key,
                        size_t key_len,
                        const void *data,
                        size_t len,
                        uint8_t out[REELS__SHA256_BYTES]);

/* 1 when equal; the time depends on len alone. */
int reels__secret_equal(const void *a, const void *b, size_t len);

/* Overwrites with zeros in a way that is not optimised away. */
void reels__secret_wipe(void *data, size_t len);

#endif
