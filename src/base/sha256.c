/* SHA-256 as FIPS 180-4 sections 4.1.2, 5.3.3 and 6.2 write it. */
#include "sha256.h"

#include <string.h>

#include "base/bytes.h"

/* FIPS 180-4, 4.2.2. */
static const uint32_t round_constants[64] = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2};

static uint32_t rotate(uint32_t value, unsigned bits)
{
    return (value >> bits) | (value << (32 - bits));
}

static void schedule_fill(uint32_t w[64], const uint8_t *block)
{
    for (size_t i = 0; i < 16; i++) {
        w[i] = reels__be32_get(block + 4 * i);
    }
    for (size_t i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
}

static void block_process(uint32_t state[8], const uint8_t *block)
{
    uint32_t w[64];
    uint32_t v[8];
    schedule_fill(w, block);
    memcpy(v, state, sizeof v);
    for (size_t i = 0; i < 64; i++) {
        uint32_t s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t1 = v[7] + s1 + choice + round_constants[i] + w[i];
        uint32_t s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
        uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        v[7] = v[6];
        v[6] = v[5];
        v[5] = v[4];
        v[4] = v[3] + t1;
        v[3] = v[2];
        v[2] = v[1];
        v[1] = v[0];
        v[0] = t1 + s0 + majority;
    }
    for (size_t i = 0; i < 8; i++) {
        state[i] += v[i];
    }
}

void reels__sha256_init(struct reels__sha256 *sha)
{
    static const uint32_t start[8] = {0x6A09E667,
                                      0xBB67AE85,
                                      0x3C6EF372,
                                      0xA54FF53A,
                                      0x510E527F,
                                      0x9B05688C,
                                      0x1F83D9AB,
                                      0x5BE0CD19};
    memcpy(sha->state, start, sizeof start);
    sha->len = 0;
}

void reels__sha256_update(struct reels__sha256 *sha, const void *data, size_t len)
{
    const uint8_t *at = data;
    size_t used = (size_t)(sha->len % REELS__SHA256_BLOCK_BYTES);
    sha->len += len;
    if (used > 0 && len >= REELS__SHA256_BLOCK_BYTES - used) {
        size_t part = REELS__SHA256_BLOCK_BYTES - used;
        memcpy(sha->block + used, at, part);
        block_process(sha->state, sha->block);
        at += part;
        len -= part;
        used = 0;
    }
    while (len >= REELS__SHA256_BLOCK_BYTES) {
        block_process(sha->state, at);
        at += REELS__SHA256_BLOCK_BYTES;
        len -= REELS__SHA256_BLOCK_BYTES;
    }
    if (len > 0) {
        memcpy(sha->block + used, at, len);
    }
}

void reels__sha256_finish(struct reels__sha256 *sha, uint8_t out[REELS__SHA256_BYTES])
{
    uint8_t tail[REELS__SHA256_BLOCK_BYTES * 2] = {0x80};
    uint64_t bits = sha->len * 8;
    size_t used = (size_t)(sha->len % REELS__SHA256_BLOCK_BYTES);
    size_t pad = (used < 56 ? 56 : 120) - used;
    reels__be64_put(tail + pad, bits);
    reels__sha256_update(sha, tail, pad + 8);
    for (size_t i = 0; i < 8; i++) {
        reels__be32_put(out + 4 * i, sha->state[i]);
    }
}

void reels__sha256(const void *data, size_t len, uint8_t out[REELS__SHA256_BYTES])
{
    struct reels__sha256 sha;
    reels__sha256_init(&sha);
    reels__sha256_update(&sha, data, len);
    reels__sha256_finish(&sha, out);
}

void reels__hmac_sha256_init(struct reels__hmac_sha256 *hmac, const void *key, size_t key_len)
{
    uint8_t block[REELS__SHA256_BLOCK_BYTES] = {0};
    if (key_len > sizeof block) {
        reels__sha256(key, key_len, block);
    } else if (key_len > 0) {
        memcpy(block, key, key_len);
    }
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] ^= 0x36;
    }
    reels__sha256_init(&hmac->inner);
    reels__sha256_update(&hmac->inner, block, sizeof block);
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] ^= 0x36 ^ 0x5C;
    }
    reels__sha256_init(&hmac->outer);
    reels__sha256_update(&hmac->outer, block, sizeof block);
    reels__secret_wipe(block, sizeof block);
}

void reels__hmac_sha256_update(struct reels__hmac_sha256 *hmac, const void *data, size_t len)
{
    reels__sha256_update(&hmac->inner, data, len);
}

void reels__hmac_sha256_finish(struct reels__hmac_sha256 *hmac, uint8_t out[REELS__SHA256_BYTES])
{
    uint8_t digest[REELS__SHA256_BYTES];
    reels__sha256_finish(&hmac->inner, digest);
    reels__sha256_update(&hmac->outer, digest, sizeof digest);
    reels__sha256_finish(&hmac->outer, out);
    reels__secret_wipe(hmac, sizeof *hmac);
}

void reels__hmac_sha256(
    const void *key, size_t key_len, const void *data, size_t len, uint8_t out[REELS__SHA256_BYTES])
{
    struct reels__hmac_sha256 hmac;
    reels__hmac_sha256_init(&hmac, key, key_len);
    reels__hmac_sha256_update(&hmac, data, len);
    reels__hmac_sha256_finish(&hmac, out);
}

int reels__secret_equal(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *left = a;
    const volatile uint8_t *right = b;
    unsigned difference = 0;
    for (size_t i = 0; i < len; i++) {
        difference |= (unsigned)(left[i] ^ right[i]);
    }
    return difference == 0;
}

void reels__secret_wipe(void *data, size_t len)
{
    volatile uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        bytes[i] = 0;
    }
}
