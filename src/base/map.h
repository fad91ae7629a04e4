/* Owns the hash maps: numbers to numbers (or pointers), and byte strings to pointers. Open
 * addressing under xxh3 with a seed from the context's random source, so that nobody outside can
 * choose keys that collide. A zeroed map may be disposed. One thread at a time. */
#ifndef REELS_SRC_BASE_MAP_H
#define REELS_SRC_BASE_MAP_H

#include <reels/base.h>

struct reels__map_slot {
    uint64_t hash;  /* 0 = empty */
    uint64_t key;   /* the number, or the address of the copied bytes */
    uint64_t value; /* the number, or a pointer */
    size_t key_len; /* bytes of the key; unused for numbers */
};

/* What both kinds share. */
struct reels__map {
    const reels_ctx *ctx;
    struct reels__map_slot *slots;
    size_t slots_count; /* 0 or a power of two */
    size_t items_count;
    size_t items_max;
    uint64_t seed;
};

/* uint64_t -> uint64_t. Pointers go through (uint64_t)(uintptr_t). */
struct reels__map_u64 {
    struct reels__map map;
};

/* bytes -> pointer. Keys are copied; values belong to the caller. */
struct reels__map_bytes {
    struct reels__map map;
};

/* items_max bounds the number of keys (LIMIT beyond); 0 = 16 million. Takes no memory yet. */
reels_status reels__map_u64_init(struct reels__map_u64 *map,
                                 const reels_ctx *ctx,
                                 size_t items_max,
                                 reels_error *err);
void reels__map_u64_dispose(struct reels__map_u64 *map);
void reels__map_u64_clear(struct reels__map_u64 *map); /* keeps the memory */
size_t reels__map_u64_count(const struct reels__map_u64 *map);
/* Sets or replaces. */
reels_status
reels__map_u64_put(struct reels__map_u64 *map, uint64_t key, uint64_t value, reels_error *err);
/* Finds or adds with value 0; *out_value is valid until the next put, upsert or remove. */
reels_status reels__map_u64_upsert(struct reels__map_u64 *map,
                                   uint64_t key,
                                   uint64_t **out_value,
                                   reels_error *err);
/* 1 and *out_value (may be NULL) when found, else 0. */
int reels__map_u64_get(const struct reels__map_u64 *map, uint64_t key, uint64_t *out_value);
/* 1 when it was there; *out_old may be NULL. */
int reels__map_u64_remove(struct reels__map_u64 *map, uint64_t key, uint64_t *out_old);
/* Walks in no order: *cursor starts at 0; 0 = finished. The map must not change meanwhile. */
int reels__map_u64_next(const struct reels__map_u64 *map,
                        size_t *cursor,
                        uint64_t *out_key,
                        uint64_t *out_value);

reels_status reels__map_bytes_init(struct reels__map_bytes *map,
                                   const reels_ctx *ctx,
                                   size_t items_max,
                                   reels_error *err);
void reels__map_bytes_dispose(struct reels__map_bytes *map);
void reels__map_bytes_clear(struct reels__map_bytes *map);
size_t reels__map_bytes_count(const struct reels__map_bytes *map);
/* Sets or replaces; *out_old (may be NULL) gets the value that was there, or NULL. */
reels_status reels__map_bytes_put(struct reels__map_bytes *map,
                                  const void *key,
                                  size_t key_len,
                                  void *value,
                                  void **out_old,
                                  reels_error *err);
/* The value, or NULL when the key is not there. */
void *reels__map_bytes_get(const struct reels__map_bytes *map, const void *key, size_t key_len);
/* 1 when the key is there, even with a NULL value. */
int reels__map_bytes_has(const struct reels__map_bytes *map, const void *key, size_t key_len);
/* Gives the value back, or NULL. */
void *reels__map_bytes_remove(struct reels__map_bytes *map, const void *key, size_t key_len);
int reels__map_bytes_next(const struct reels__map_bytes *map,
                          size_t *cursor,
                          const uint8_t **out_key,
                          size_t *out_key_len,
                          void **out_value);

#endif
