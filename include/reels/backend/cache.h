/* Owns the cache port: values, hashes and sorted sets that may be forgotten at any time. Nothing
 * that is only here may matter: an implementation that forgets at once is legal, and everything
 * built on the cache works with it. */
#ifndef REELS_BACKEND_CACHE_H
#define REELS_BACKEND_CACHE_H

#include <reels/backend/record.h>

REELS_BEGIN_DECLS

enum {
    REELS_CACHE_KEY_BYTES_MAX = 1024,
    REELS_CACHE_VALUE_BYTES_MAX = 1048576, /**< one value, field or member: 1 MiB, members 1 KiB */
    REELS_CACHE_MEMBER_BYTES_MAX = 1024,
    REELS_CACHE_BATCH_MAX = 10000, /**< keys, fields or members of one call */
    REELS_CACHE_ZSET_MAX = 100000  /**< members of one sorted set */
};

/** How a write is made. NULL means all zero. */
typedef struct reels_cache_write {
    uint32_t struct_size;
    uint32_t reserved0;
    int64_t ttl_us; /**< forgotten so long after this write; 0 = when room is needed */
    /** What is there with a higher version stays as it is (the write is passed over, which is OK);
     * 0 = no version: always written. One key has one version, whatever it holds. */
    uint64_t version;
} reels_cache_write;

/** A key and its value. */
typedef struct reels_cache_item {
    const uint8_t *key;
    size_t key_len; /**< 1..1024 */
    const uint8_t *value;
    size_t value_len;
} reels_cache_item;

/** A field of a hash and its value. */
typedef struct reels_cache_field {
    const uint8_t *key; /**< of the hash */
    size_t key_len;     /**< 1..1024 */
    const uint8_t *field;
    size_t field_len; /**< 1..1024 */
    const uint8_t *value;
    size_t value_len;
} reels_cache_field;

/** A member of a sorted set. */
typedef struct reels_cache_member {
    const uint8_t *member;
    size_t member_len; /**< 1..1024 */
    double score;      /**< finite */
} reels_cache_member;

/** Asks for a stretch of a sorted set. */
typedef struct reels_cache_range {
    uint32_t struct_size;
    uint32_t ascending; /**< 0 = highest score first */
    uint64_t skip;      /**< members passed over */
    uint32_t limit;     /**< 1..REELS_CACHE_BATCH_MAX */
    uint32_t reserved0;
} reels_cache_range;

/** Bytes by pointer and length: a key, field or member. */
typedef struct reels_cache_name {
    const uint8_t *data;
    size_t len; /**< 1..1024 */
} reels_cache_name;

/**
 * The cache port. Every slot is a must, may block on a network but not for long, is called from any
 * thread and overlaps with others; none may call back. Pointers are borrowed for the call; limits
 * have been checked. Consistency: a read gives what some earlier write left, or nothing. One write
 * is atomic per key. A key holds one kind of thing; a write of another kind replaces it, a read of
 * another kind finds nothing.
 */
typedef struct reels_cache_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    /** must; once, after a successful registration */
    void (*destroy)(void *impl);

    /** must. Sets values. */
    reels_status (*put)(void *impl,
                        const reels_call *call,
                        const reels_cache_item *items,
                        size_t items_count,
                        const reels_cache_write *write,
                        reels_error *err);

    /** must. Appends one row per key: its value (BYTES) and the key's version (1 for one that was
     * written without), or a missing row. */
    reels_status (*get)(void *impl,
                        const reels_call *call,
                        const reels_cache_name *keys,
                        size_t keys_count,
                        reels_rows *rows,
                        reels_error *err);

    /** must. Forgets keys. With a version, only those that are not newer, and older writes of them
     * are passed over for as long as the time to live of the write. */
    reels_status (*remove)(void *impl,
                           const reels_call *call,
                           const reels_cache_name *keys,
                           size_t keys_count,
                           const reels_cache_write *write,
                           reels_error *err);

    /** must. Sets fields of one or many hashes; other fields stay. */
    reels_status (*hput)(void *impl,
                         const reels_call *call,
                         const reels_cache_field *fields,
                         size_t fields_count,
                         const reels_cache_write *write,
                         reels_error *err);

    /** must. Appends one row per key: one value per field (BYTES, NULL for a field that is not
     * there) and the key's version, or a missing row when there is no such hash. */
    reels_status (*hget)(void *impl,
                         const reels_call *call,
                         const reels_cache_name *keys,
                         size_t keys_count,
                         const reels_cache_name *fields,
                         size_t fields_count,
                         reels_rows *rows,
                         reels_error *err);

    /** must. Sets members with their scores (a known member gets the new one), then keeps the
     * keep_count with the highest scores. */
    reels_status (*zput)(void *impl,
                         const reels_call *call,
                         const reels_cache_name *key,
                         const reels_cache_member *members,
                         size_t members_count,
                         uint32_t keep_count,
                         const reels_cache_write *write,
                         reels_error *err);

    /** must. Appends one row per member: member (BYTES), score (FLOAT64), by score and then by the
     * bytes of the member, both in the direction of the range. Nothing when there is no such set.
     */
    reels_status (*zrange)(void *impl,
                           const reels_call *call,
                           const reels_cache_name *key,
                           const reels_cache_range *range,
                           reels_rows *rows,
                           reels_error *err);

    /** must. Takes members out; those that are not there are no failure. */
    reels_status (*zremove)(void *impl,
                            const reels_call *call,
                            const reels_cache_name *key,
                            const reels_cache_name *members,
                            size_t members_count,
                            const reels_cache_write *write,
                            reels_error *err);
} reels_cache_vtable;

/** A cache. @threadsafety internally locked */
typedef struct reels_cache reels_cache;

/**
 * Makes a cache from a host's table.
 *
 * @param      ctx     context
 * @param      vtable  copied
 * @param      impl    handed to every slot
 * @param[out] out     the cache, NULL on failure
 * @param[out] err     detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG when a must slot is missing; REELS_ERR_UNSUPPORTED for a
 * newer table; REELS_ERR_NO_MEMORY
 * @ownership     takes impl on success: destroy is called once by reels_cache_free()
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_cache_new(reels_ctx *ctx,
                                       const reels_cache_vtable *vtable,
                                       void *impl,
                                       reels_cache **out,
                                       reels_error *err);

/**
 * Opens a cache by URL: "mem:" (in this process, up to 64 MiB), "mem:?bytes=N" (another bound, from
 * 64 KiB), "none:" (forgets at once), or a scheme an adapter has registered.
 *
 * @param      ctx  context
 * @param      url  scheme and rest
 * @param[out] out  the cache, NULL on failure
 * @param[out] err  detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for a malformed URL; REELS_ERR_UNSUPPORTED for an unknown
 * scheme; REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_cache_open(reels_ctx *ctx,
                                        const char *url,
                                        reels_cache **out,
                                        reels_error *err);

/**
 * Frees a cache.
 *
 * @param cache  NULL does nothing
 * @ownership     takes cache
 * @threadsafety  one thread, when no call uses it
 * @since 0.1
 */
REELS_API void reels_cache_free(reels_cache *cache);

/**
 * Sets values.
 *
 * @param      cache        cache
 * @param      call         deadline and cancel; may be NULL
 * @param      items        keys of 1..1024 bytes, values of up to 1 MiB
 * @param      items_count  0..REELS_CACHE_BATCH_MAX
 * @param      write        time to live and version; may be NULL
 * @param[out] err          detail on failure; may be NULL
 * @return REELS_OK, also when all were passed over or forgotten; REELS_ERR_INVALID_ARG;
 * REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_cache_put(reels_cache *cache,
                                       const reels_call *call,
                                       const reels_cache_item *items,
                                       size_t items_count,
                                       const reels_cache_write *write,
                                       reels_error *err);

/**
 * Gets values.
 *
 * @param      cache       cache
 * @param      call        deadline and cancel; may be NULL
 * @param      keys        keys
 * @param      keys_count  0..REELS_CACHE_BATCH_MAX
 * @param      rows        one row is appended per key: its value and version, or marked missing
 * @param[out] err         detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED;
 * REELS_ERR_LIMIT when rows is full; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread; rows one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_cache_get(reels_cache *cache,
                                       const reels_call *call,
                                       const reels_cache_name *keys,
                                       size_t keys_count,
                                       reels_rows *rows,
                                       reels_error *err);

/**
 * Forgets keys of any kind; see reels_cache_vtable.remove.
 *
 * @param      cache       cache
 * @param      call        deadline and cancel; may be NULL
 * @param      keys        keys
 * @param      keys_count  0..REELS_CACHE_BATCH_MAX
 * @param      write       version, and how long it keeps older writes away; may be NULL
 * @param[out] err         detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED;
 * REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_cache_remove(reels_cache *cache,
                                          const reels_call *call,
                                          const reels_cache_name *keys,
                                          size_t keys_count,
                                          const reels_cache_write *write,
                                          reels_error *err);

/**
 * Sets fields of hashes; other fields stay.
 *
 * @param      cache         cache
 * @param      call          deadline and cancel; may be NULL
 * @param      fields        key, field and value of each
 * @param      fields_count  0..REELS_CACHE_BATCH_MAX
 * @param      write         time to live and version of each key; may be NULL
 * @param[out] err           detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED;
 * REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_cache_hput(reels_cache *cache,
                                        const reels_call *call,
                                        const reels_cache_field *fields,
                                        size_t fields_count,
                                        const reels_cache_write *write,
                                        reels_error *err);

/**
 * Gets the same fields of many hashes.
 *
 * @param      cache         cache
 * @param      call          deadline and cancel; may be NULL
 * @param      keys          hashes
 * @param      keys_count    0..REELS_CACHE_BATCH_MAX
 * @param      fields        fields
 * @param      fields_count  1..64
 * @param      rows          one row is appended per key: one value per field and the version, or
 * marked missing
 * @param[out] err           detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED;
 * REELS_ERR_LIMIT when rows is full; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread; rows one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_cache_hget(reels_cache *cache,
                                        const reels_call *call,
                                        const reels_cache_name *keys,
                                        size_t keys_count,
                                        const reels_cache_name *fields,
                                        size_t fields_count,
                                        reels_rows *rows,
                                        reels_error *err);

/**
 * Sets members of a sorted set and keeps the best.
 *
 * @param      cache          cache
 * @param      call           deadline and cancel; may be NULL
 * @param      key            sorted set
 * @param      members        members with finite scores
 * @param      members_count  0..REELS_CACHE_BATCH_MAX
 * @param      keep_count     so many with the highest scores stay; 1..REELS_CACHE_ZSET_MAX, 0 = the
 * maximum
 * @param      write          time to live and version; may be NULL
 * @param[out] err            detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED;
 * REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_cache_zput(reels_cache *cache,
                                        const reels_call *call,
                                        const reels_cache_name *key,
                                        const reels_cache_member *members,
                                        size_t members_count,
                                        uint32_t keep_count,
                                        const reels_cache_write *write,
                                        reels_error *err);

/**
 * Reads a stretch of a sorted set.
 *
 * @param      cache  cache
 * @param      call   deadline and cancel; may be NULL
 * @param      key    sorted set
 * @param      range  direction, skip and limit
 * @param      rows   one row is appended per member: member and score
 * @param[out] err    detail on failure; may be NULL
 * @return REELS_OK, also when there is no such set; REELS_ERR_INVALID_ARG; REELS_ERR_IO;
 * REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED; REELS_ERR_LIMIT when rows is full; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread; rows one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_cache_zrange(reels_cache *cache,
                                          const reels_call *call,
                                          const reels_cache_name *key,
                                          const reels_cache_range *range,
                                          reels_rows *rows,
                                          reels_error *err);

/**
 * Takes members out of a sorted set.
 *
 * @param      cache          cache
 * @param      call           deadline and cancel; may be NULL
 * @param      key            sorted set
 * @param      members        members
 * @param      members_count  0..REELS_CACHE_BATCH_MAX
 * @param      write          version; may be NULL. Its time to live is not used
 * @param[out] err            detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED;
 * REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_cache_zremove(reels_cache *cache,
                                           const reels_call *call,
                                           const reels_cache_name *key,
                                           const reels_cache_name *members,
                                           size_t members_count,
                                           const reels_cache_write *write,
                                           reels_error *err);

REELS_END_DECLS

#endif
