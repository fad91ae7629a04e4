/* Owns what the files of the cache in memory share. Keys are spread over shards, each under a lock
 * of its own and with its part of the bound; within a shard entries stand in a list, the one used
 * last in front, and fall off its end when there is no room. */
#ifndef REELS_SRC_BACKEND_CACHE_MEM_H
#define REELS_SRC_BACKEND_CACHE_MEM_H

#include <pthread.h>

#include <reels/backend/cache.h>

#include "base/ctx_internal.h"
#include "base/map.h"

enum {
    REELS__CACHE_NOTHING = 0, /* removed under a version that keeps older writes away */
    REELS__CACHE_VALUE = 1,
    REELS__CACHE_HASH = 2,
    REELS__CACHE_ZSET = 3
};

struct reels__cache_field {
    size_t field_len;
    size_t value_len;
    uint8_t bytes[]; /* field, value */
};

struct reels__cache_member {
    double score;
    size_t len;
    uint8_t bytes[];
};

struct reels__cache_entry {
    struct reels__cache_entry *newer;
    struct reels__cache_entry *older;
    uint8_t *key;
    size_t key_len;
    uint64_t version;
    int64_t expires_mono_us; /* INT64_MAX = never */
    size_t bytes;            /* what it counts for */
    uint32_t kind;
    /* VALUE */
    uint8_t *value;
    size_t value_len;
    /* HASH, by the bytes of the field */
    struct reels__cache_field **fields;
    /* ZSET, by score and then by the bytes of the member; and by member */
    struct reels__cache_member **members;
    struct reels__map_bytes by_member;
    size_t count;
    size_t capacity;
};

struct reels__cache_shard {
    reels_ctx *ctx;
    pthread_mutex_t lock;
    struct reels__map_bytes entries;
    struct reels__cache_entry *newest;
    struct reels__cache_entry *oldest;
    size_t bytes;
    size_t bytes_max;
    int64_t now_mono_us; /* of the call under way */
};

/* All under the lock of the shard. */

/* The entry of a key, or NULL when there is none or its time is over. */
struct reels__cache_entry *
reels__cache_find(struct reels__cache_shard *shard, const uint8_t *key, size_t key_len);
/* The entry for a write of that kind, made or changed to it; NULL in *out when the write is older
 * than what is there and so passed over. */
reels_status reels__cache_begin(struct reels__cache_shard *shard,
                                const uint8_t *key,
                                size_t key_len,
                                uint32_t kind,
                                const reels_cache_write *write,
                                struct reels__cache_entry **out,
                                reels_error *err);
/* Counts what has been added or taken away. */
void reels__cache_count(struct reels__cache_shard *shard,
                        struct reels__cache_entry *entry,
                        size_t added,
                        size_t removed);
/* Forgets the oldest until what is there fits. The entries of the shard may be gone afterwards. */
void reels__cache_fit(struct reels__cache_shard *shard);

/* cache_mem_sets.c */
reels_status reels__cache_field_put(struct reels__cache_shard *shard,
                                    struct reels__cache_entry *entry,
                                    const reels_cache_field *field,
                                    reels_error *err);
const struct reels__cache_field *reels__cache_field_get(const struct reels__cache_entry *entry,
                                                        const reels_cache_name *field);
reels_status reels__cache_member_put(struct reels__cache_shard *shard,
                                     struct reels__cache_entry *entry,
                                     const reels_cache_member *member,
                                     reels_error *err);
void reels__cache_member_remove(struct reels__cache_shard *shard,
                                struct reels__cache_entry *entry,
                                const reels_cache_name *member);
/* Keeps the members with the highest scores. */
void reels__cache_members_keep(struct reels__cache_shard *shard,
                               struct reels__cache_entry *entry,
                               size_t keep_count);
/* Frees what the entry holds, whatever its kind. */
void reels__cache_content_free(reels_ctx *ctx, struct reels__cache_entry *entry);

#endif
