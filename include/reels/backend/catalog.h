/* Owns the catalog port: rows of declared tables, committed per shard together with the events they
 * cause. The catalog knows no domain: engines declare their tables as constant descriptors. */
#ifndef REELS_BACKEND_CATALOG_H
#define REELS_BACKEND_CATALOG_H

#include <reels/backend/record.h>

REELS_BEGIN_DECLS

enum {
    REELS_TABLE_COLUMNS_MAX = 64,
    REELS_TABLE_KEY_COLUMNS_MAX = 8,
    REELS_TABLE_INDEXES_MAX = 16,
    REELS_INDEX_COLUMNS_MAX = 8,
    REELS_KEY_BYTES_MAX = 1024,        /**< text or bytes in one key column */
    REELS_VALUE_BYTES_MAX = 1048576,   /**< text or bytes in any other column */
    REELS_COMMITS_MAX = 1024,          /**< commits in one call */
    REELS_COMMIT_OPS_MAX = 1024,       /**< operations in one commit */
    REELS_COMMIT_EVENTS_MAX = 1024,    /**< events in one commit */
    REELS_COMMIT_BYTES_MAX = 67108864, /**< values and events of one commit together */
    REELS_EVENT_KEY_BYTES_MAX = 1024,
    REELS_EVENT_PAYLOAD_BYTES_MAX = 1048576,
    REELS_GET_KEYS_MAX = 10000,
    REELS_SCAN_LIMIT_MAX = 10000
};

enum {
    REELS_COLUMN_NULLABLE =
        1 /**< REELS_TYPE_NULL is a legal value; key and shard columns never are */
};

/** One column of a table. */
typedef struct reels_column {
    const char *name; /**< [a-z][a-z0-9_]{0,47} */
    uint32_t type;    /**< REELS_TYPE_* but NULL */
    uint32_t flags;   /**< REELS_COLUMN_* */
} reels_column;

enum {
    /** unique within a shard; a clash is REELS_ERR_CONFLICT; as in SQL a NULL clashes with nothing
     */
    REELS_INDEX_UNIQUE = 1
};

/** An order other than the primary key in which a table can be scanned. Ties are broken by the
 * primary key. */
typedef struct reels_index_def {
    const char *name;        /**< [a-z][a-z0-9_]{0,47} */
    const uint32_t *columns; /**< positions in the table's columns */
    uint32_t columns_count;  /**< 1..8 */
    uint32_t flags;          /**< REELS_INDEX_* */
} reels_index_def;

/** Descriptor of a table: constant data that outlives every catalog it was declared to. A later
 * version may append nullable columns and add indexes; nothing else may change. Names that begin
 * with "sqlite_" or "pg_" are refused. */
typedef struct reels_table {
    uint32_t struct_size;
    uint32_t version; /**< raised by its owner when columns or indexes are added */
    const char *name; /**< [a-z][a-z0-9_]{0,47} */
    const reels_column *columns;
    const uint32_t
        *key_columns; /**< primary key, unique over the whole table; the shard column leads it */
    const reels_index_def *indexes;
    uint32_t columns_count;     /**< 1..64 */
    uint32_t key_columns_count; /**< 1..8 */
    uint32_t indexes_count;     /**< 0..16 */
    uint32_t shard_column;      /**< rows with one value of it live together and commit together */
    uint32_t ttl_column; /**< a TIME column past which the row may vanish; UINT32_MAX = none */
    uint32_t reserved0;
} reels_table;

enum {
    REELS_OP_PUT = 1,    /**< writes the whole row */
    REELS_OP_DELETE = 2, /**< a missing row is not an error unless the condition says so */
    REELS_OP_CHECK = 3   /**< only the condition */
};

enum {
    REELS_IF_ALWAYS = 0,
    REELS_IF_ABSENT = 1,
    REELS_IF_PRESENT = 2,
    REELS_IF_VERSION = 3, /**< the row's version equals `version` */
    REELS_IF_COLUMN =
        4 /**< the row is there and its column `condition_column` equals `condition_value` */
};

/** One operation of a commit. All operations of a commit belong to its shard and take effect in
 * their order: a condition sees what the operations before it have done. */
typedef struct reels_op {
    const reels_table *table; /**< the very descriptor that was declared */
    const reels_value
        *values; /**< PUT: every column in order; DELETE and CHECK: the key columns in key order */
    uint64_t version;            /**< for IF_VERSION */
    reels_value condition_value; /**< for IF_COLUMN */
    uint32_t condition_column;   /**< for IF_COLUMN */
    uint32_t kind;               /**< REELS_OP_* */
    uint32_t condition;          /**< REELS_IF_* */
    uint32_t reserved0;
} reels_op;

/** An event that is published if, and only if, the commit takes effect. */
typedef struct reels_event_out {
    const char *topic; /**< [a-z][a-z0-9._-]*, up to 200 bytes, as the queue has them */
    const uint8_t *key;
    size_t key_len; /**< 1..1024 */
    const uint8_t *payload;
    size_t payload_len; /**< up to 1 MiB */
} reels_event_out;

/** A commit: atomic within its shard. In an array each has the same struct_size, and that is the
 * stride. */
typedef struct reels_commit {
    uint32_t struct_size;
    /** 1: the same token seen for this shard within 24 hours returns its first result, a CONFLICT
     * too, and nothing is done again */
    uint32_t has_token;
    reels_value shard; /**< value of the shard column of every row touched */
    const reels_op *ops;
    size_t ops_count; /**< 0..1024 */
    const reels_event_out *events;
    size_t events_count; /**< 0..1024 */
    uint8_t token[16];   /**< operation token, unique to the caller's intent */
} reels_commit;

/** What became of one commit. */
typedef struct reels_commit_result {
    int32_t status;     /**< REELS_OK; REELS_ERR_CONFLICT: nothing of this commit took effect */
    uint32_t failed_op; /**< with CONFLICT: index of the operation whose condition or unique index
                           failed */
    uint32_t repeated;  /**< 1: the token was known, this is the first result again */
    uint32_t reserved0;
    uint64_t version; /**< with OK: version now carried by every row this commit has put; grows
                         within a shard */
} reels_commit_result;

/** A scan: rows of a table or index under a prefix of its order. */
typedef struct reels_scan {
    uint32_t struct_size;
    uint32_t descending; /**< 1: from the end */
    const reels_table *table;
    const char *index;         /**< NULL = primary key */
    const reels_value *prefix; /**< values of the leading columns that must be equal */
    size_t prefix_count;
    const uint8_t *after; /**< cursor of an earlier scan with the same table, index, prefix and
                             direction; NULL = from the start */
    size_t after_len;
    uint32_t limit; /**< 1..10000 */
    uint32_t reserved0;
} reels_scan;

/**
 * The catalog port. All slots may block, calls come from any thread and overlap; none may call
 * back. Consistency: a commit is durable when it returns; get, scan and outbox_claim on any thread
 * see every commit that returned before they began.
 */
typedef struct reels_catalog_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    void (*destroy)(void *impl); /**< must; once, after a successful registration */

    /** must. Makes or migrates tables: adding a nullable column or an index is a migration,
     * anything else is REELS_ERR_CONFLICT with a message that says what differs. Idempotent.
     * Descriptors are retained. */
    reels_status (*declare)(void *impl,
                            const reels_call *call,
                            const reels_table *const *tables,
                            size_t tables_count,
                            reels_error *err);

    /** must. Several commits in one call stand each alone; one sync may serve all. A failure of the
     * call itself means that each commit either took effect in full or not at all. results[i] is
     * written for each on REELS_OK. A put that does not change a single column still gets a new
     * version. */
    reels_status (*commit)(void *impl,
                           const reels_call *call,
                           const reels_commit *commits,
                           size_t commits_count,
                           reels_commit_result *results,
                           reels_error *err);

    /** must. keys holds keys_count times the table's key columns. Appends one entry per key,
     * missing ones marked. */
    reels_status (*get)(void *impl,
                        const reels_call *call,
                        const reels_table *table,
                        const reels_value *keys,
                        size_t keys_count,
                        reels_rows *rows,
                        reels_error *err);

    /** must. Appends up to limit rows in order; writes to next a cursor after the last row, or
     * nothing at the end. */
    reels_status (*scan)(void *impl,
                         const reels_call *call,
                         const reels_scan *scan,
                         reels_rows *rows,
                         reels_buf *next,
                         reels_error *err);

    /** must. Hands out unacknowledged events, oldest first per shard, under a lease of lease_us:
     * nobody else gets events of those shards meanwhile. (shard, sequence) of an event never
     * changes; sequences grow by one per shard. The
     * holder itself is given again what it has not acknowledged; once all that was claimed of a
     * shard is acknowledged, the shard is free for anybody. */
    reels_status (*outbox_claim)(void *impl,
                                 const reels_call *call,
                                 const char *holder,
                                 int64_t lease_us,
                                 uint32_t limit,
                                 reels_records *records,
                                 reels_error *err);

    /** must. Forgets claimed events that were published; unknown ones are ignored. STALE when the
     * lease was lost. */
    reels_status (*outbox_ack)(void *impl,
                               const reels_call *call,
                               const char *holder,
                               const reels_record *records,
                               size_t records_count,
                               reels_error *err);

    /** must. Takes a named lease that is free or has expired: gives a fence number that only ever
     * grows for that name. BUSY when another holder has it. The same holder again renews it under a
     * new fence. */
    reels_status (*lease_acquire)(void *impl,
                                  const reels_call *call,
                                  const char *name,
                                  const char *holder,
                                  int64_t duration_us,
                                  uint64_t *out_fence,
                                  reels_error *err);

    /** must. STALE when the fence is not the current one or the lease has expired. */
    reels_status (*lease_renew)(void *impl,
                                const reels_call *call,
                                const char *name,
                                uint64_t fence,
                                int64_t duration_us,
                                reels_error *err);

    /** must. OK also when somebody else has it by now, which is what the caller wanted. */
    reels_status (*lease_release)(
        void *impl, const reels_call *call, const char *name, uint64_t fence, reels_error *err);
} reels_catalog_vtable;

/** A catalog. @threadsafety internally locked */
typedef struct reels_catalog reels_catalog;

/**
 * Makes a catalog from a host's table.
 *
 * @param      ctx     context
 * @param      vtable  copied
 * @param      impl    handed to every slot
 * @param[out] out     the catalog, NULL on failure
 * @param[out] err     detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG when a must slot is missing; REELS_ERR_UNSUPPORTED for a
 * newer table; REELS_ERR_NO_MEMORY
 * @ownership     takes impl on success: destroy is called once by reels_catalog_free()
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_catalog_new(reels_ctx *ctx,
                                         const reels_catalog_vtable *vtable,
                                         void *impl,
                                         reels_catalog **out,
                                         reels_error *err);

/**
 * Opens a catalog by URL: "sqlite:PATH" (a file made when missing; one process at a time, others
 * get REELS_ERR_BUSY), "mem:" (forgets at free), or a scheme an adapter has registered.
 *
 * @param      ctx  context
 * @param      url  scheme and rest
 * @param[out] out  the catalog, NULL on failure
 * @param[out] err  detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_UNSUPPORTED for an unknown scheme; REELS_ERR_BUSY; REELS_ERR_IO;
 * REELS_ERR_CORRUPT; REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_catalog_open(reels_ctx *ctx,
                                          const char *url,
                                          reels_catalog **out,
                                          reels_error *err);

/**
 * Frees a catalog.
 *
 * @param catalog  NULL does nothing
 * @ownership     takes catalog
 * @threadsafety  one thread, when no call uses it
 * @since 0.1
 */
REELS_API void reels_catalog_free(reels_catalog *catalog);

/**
 * Declares tables; see reels_catalog_vtable.declare.
 *
 * @param      catalog       catalog
 * @param      call          deadline and cancel; may be NULL
 * @param      tables        descriptors
 * @param      tables_count  how many
 * @param[out] err           detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for a malformed descriptor; REELS_ERR_CONFLICT when a
 * stored table differs; REELS_ERR_IO
 * @ownership     retains the descriptors until the catalog is freed
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_catalog_declare(reels_catalog *catalog,
                                             const reels_call *call,
                                             const reels_table *const *tables,
                                             size_t tables_count,
                                             reels_error *err);

/**
 * Commits; see reels_catalog_vtable.commit. Values are checked against the descriptors first:
 * types, keys, UTF-8, that every operation belongs to the shard.
 *
 * @param      catalog        catalog
 * @param      call           deadline and cancel; may be NULL
 * @param      commits        each stands alone
 * @param      commits_count  1..1024
 * @param[out] results        one per commit
 * @param[out] err            detail on failure of the call; may be NULL
 * @return REELS_OK when every result was written (look at each); REELS_ERR_INVALID_ARG;
 * REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_catalog_commit(reels_catalog *catalog,
                                            const reels_call *call,
                                            const reels_commit *commits,
                                            size_t commits_count,
                                            reels_commit_result *results,
                                            reels_error *err);

/**
 * Gets rows by primary key.
 *
 * @param      catalog     catalog
 * @param      call        deadline and cancel; may be NULL
 * @param      table       the very descriptor that was declared
 * @param      keys        keys_count times the key columns
 * @param      keys_count  0..10000
 * @param      rows        one entry is appended per key, missing ones marked
 * @param[out] err         detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_LIMIT when rows is full;
 * REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread; rows one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_catalog_get(reels_catalog *catalog,
                                         const reels_call *call,
                                         const reels_table *table,
                                         const reels_value *keys,
                                         size_t keys_count,
                                         reels_rows *rows,
                                         reels_error *err);

/**
 * Scans a table or index in order.
 *
 * @param      catalog  catalog
 * @param      call     deadline and cancel; may be NULL
 * @param      scan     what to scan
 * @param      rows     up to limit rows are appended; fewer, with a cursor, when rows is full
 * @param      next     cleared, then holds the cursor for the next page; empty at the end; may be
 * NULL
 * @param[out] err      detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG, also for a cursor of another scan; REELS_ERR_IO;
 * REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread; rows and next one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_catalog_scan(reels_catalog *catalog,
                                          const reels_call *call,
                                          const reels_scan *scan,
                                          reels_rows *rows,
                                          reels_buf *next,
                                          reels_error *err);

/**
 * Claims events of the outbox; see reels_catalog_vtable.outbox_claim.
 *
 * @param      catalog   catalog
 * @param      call      deadline and cancel; may be NULL
 * @param      holder    who claims
 * @param      lease_us  how long nobody else gets them
 * @param      limit     1..10000
 * @param      records   the events are appended
 * @param[out] err       detail on failure; may be NULL
 * @return REELS_OK, also when there are none; REELS_ERR_INVALID_ARG; REELS_ERR_IO;
 * REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread; records one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_catalog_outbox_claim(reels_catalog *catalog,
                                                  const reels_call *call,
                                                  const char *holder,
                                                  int64_t lease_us,
                                                  uint32_t limit,
                                                  reels_records *records,
                                                  reels_error *err);

/**
 * Acknowledges published events; see reels_catalog_vtable.outbox_ack.
 *
 * @param      catalog        catalog
 * @param      call           deadline and cancel; may be NULL
 * @param      holder         who claimed them
 * @param      records        as claimed
 * @param      records_count  how many
 * @param[out] err            detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_STALE when the lease was lost; REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_catalog_outbox_ack(reels_catalog *catalog,
                                                const reels_call *call,
                                                const char *holder,
                                                const reels_record *records,
                                                size_t records_count,
                                                reels_error *err);

/**
 * Takes a named lease; see reels_catalog_vtable.lease_acquire.
 *
 * @param      catalog      catalog
 * @param      call         deadline and cancel; may be NULL
 * @param      name         1..255 bytes
 * @param      holder       1..255 bytes
 * @param      duration_us  1 ms to 24 h
 * @param[out] out_fence    the fence number
 * @param[out] err          detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_BUSY when another holder has it; REELS_ERR_INVALID_ARG; REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_catalog_lease_acquire(reels_catalog *catalog,
                                                   const reels_call *call,
                                                   const char *name,
                                                   const char *holder,
                                                   int64_t duration_us,
                                                   uint64_t *out_fence,
                                                   reels_error *err);

/**
 * Prolongs a lease.
 *
 * @param      catalog      catalog
 * @param      call         deadline and cancel; may be NULL
 * @param      name         lease
 * @param      fence        as acquired
 * @param      duration_us  from now
 * @param[out] err          detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_STALE when it is no longer ours; REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_catalog_lease_renew(reels_catalog *catalog,
                                                 const reels_call *call,
                                                 const char *name,
                                                 uint64_t fence,
                                                 int64_t duration_us,
                                                 reels_error *err);

/**
 * Gives a lease back; REELS_OK also when somebody else has it by now.
 *
 * @param      catalog  catalog
 * @param      call     deadline and cancel; may be NULL
 * @param      name     lease
 * @param      fence    as acquired
 * @param[out] err      detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_catalog_lease_release(reels_catalog *catalog,
                                                   const reels_call *call,
                                                   const char *name,
                                                   uint64_t fence,
                                                   reels_error *err);

REELS_END_DECLS

#endif
