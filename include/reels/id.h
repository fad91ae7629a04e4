/* Owns 64-bit IDs that sort by time: the generator, the leases that keep two processes from ever
 * minting the same number, and the decoding of IDs of any Snowflake-like layout. Usable alone. */
#ifndef REELS_ID_H
#define REELS_ID_H

#include <reels/backend/catalog.h>
#include <reels/base.h>

REELS_BEGIN_DECLS

enum {
    REELS_ID_TIME_BITS = 41,     /**< default: 69 years of milliseconds */
    REELS_ID_REGION_BITS = 5,    /**< default: the upper half of the 10 bits that name a node */
    REELS_ID_NODE_BITS = 10,     /**< default: region and node in region together */
    REELS_ID_SEQUENCE_BITS = 12, /**< default: 4,096 IDs per millisecond and node */
    REELS_ID_TEXT_LEN = 13,      /**< characters of the text form, without the NUL */
    REELS_ID_BATCH_MAX = 1048576 /**< most IDs of one reels_id_next_many() */
};

/** Default epoch, 2025-01-01T00:00:00Z: 41 bits last until September 2094. */
#define REELS_ID_EPOCH_UNIX_US INT64_C(1735689600000000)

enum {
    REELS_ID_LAYOUT_EPOCH_1970 = 1 /**< flag: an epoch_unix_us of 0 means 1970, not the default */
};

/**
 * Where the parts of an ID lie, from the top bit down: milliseconds since the epoch, region, node
 * in the region, sequence. All zero plus struct_size is the default layout 41/10/12. As soon as one
 * of the four bit counts is set, all four are taken as they stand: a count of 0 then means "no such
 * part".
 *
 * A layout never changes once IDs have been minted with it. With 53 bits or fewer in total (such as
 * 41/4/8) IDs also survive in JSON numbers and doubles.
 */
typedef struct reels_id_layout {
    uint32_t struct_size;
    uint32_t flags;         /**< REELS_ID_LAYOUT_* */
    uint32_t time_bits;     /**< 16-63 */
    uint32_t region_bits;   /**< 0-node_bits: the upper ones of node_bits */
    uint32_t node_bits;     /**< 0-31 */
    uint32_t sequence_bits; /**< 1-31; the four parts need 64 bits at most, 63 to be minted */
    int64_t epoch_unix_us;  /**< a whole millisecond; 0 = REELS_ID_EPOCH_UNIX_US */
} reels_id_layout;

/** What an ID says. */
typedef struct reels_id_parts {
    uint32_t struct_size;
    uint32_t region;
    uint32_t node; /**< in its region */
    uint32_t sequence;
    int64_t time_unix_us; /**< start of its millisecond */
} reels_id_parts;

enum {
    REELS_ID_NODE_LEASED = 1 /**< the lease chooses the node number; the wanted one is not read */
};

/** What a generator asks of its lease. */
typedef struct reels_id_lease_request {
    uint32_t struct_size;
    uint32_t flags;       /**< REELS_ID_NODE_LEASED or 0 */
    uint32_t region;      /**< region of the node */
    uint32_t node;        /**< the node wanted, without REELS_ID_NODE_LEASED */
    uint32_t nodes_count; /**< node numbers lie below it */
    uint32_t reserved0;
    int64_t duration_us; /**< how far ahead each extension will reach */
} reels_id_lease_request;

/** What a lease answers. */
typedef struct reels_id_lease {
    uint32_t struct_size;
    uint32_t node;         /**< node number in the region, below nodes_count */
    int64_t floor_unix_us; /**< the last persisted limit of this region and node: mint nothing
                              below; 0 = never used */
} reels_id_lease;

/**
 * Guards a node number: whoever holds it mints only IDs whose time lies below the limit that was
 * last persisted, and the next holder starts at that limit, so that a process that was paused, or a
 * clock that stepped, cannot repeat an ID. Slots are called by threads that are inside a call on
 * the generator, never two at once; all may block; none may call back into the generator.
 */
typedef struct reels_id_lease_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    /** must: takes a node, alone. BUSY when somebody holds it; LIMIT when no node is free. `out`
     * arrives with struct_size set. Called again, perhaps giving another node, after extend said
     * STALE. */
    reels_status (*acquire)(void *impl,
                            const reels_call *call,
                            const reels_id_lease_request *request,
                            reels_id_lease *out,
                            reels_error *err);
    /** must: persists a higher limit; durable on return. STALE when somebody took the node: the
     * generator acquires anew. Any failure is tried again while IDs are asked for. */
    reels_status (*extend)(void *impl,
                           const reels_call *call,
                           int64_t until_unix_us,
                           reels_error *err);
    /** may: gives the node back; IDs below until_unix_us may exist, none above. NULL: the limit
     * stays as it was persisted. */
    void (*release)(void *impl, int64_t until_unix_us);
    /** may: called once, when the generator is freed, after release. */
    void (*destroy)(void *impl);
} reels_id_lease_vtable;

/**
 * Mints IDs.
 *
 * Without a lease nothing is remembered: after a restart no ID repeats only if the clock has not
 * gone back and nobody else uses the region and node. That is the host's promise to keep.
 *
 * @threadsafety any number of threads at once, without locks
 */
typedef struct reels_id_generator reels_id_generator;

/** Options of reels_id_generator_new(); all zero plus struct_size is region 0, node 0, no lease. */
typedef struct reels_id_options {
    uint32_t struct_size;
    uint32_t flags;                     /**< REELS_ID_NODE_LEASED, or 0: `node` is the node */
    uint32_t region;                    /**< below 1 << region_bits */
    uint32_t node;                      /**< below 1 << (node_bits - region_bits) */
    const reels_id_layout *layout;      /**< copied; NULL = default */
    const reels_id_lease_vtable *lease; /**< copied; NULL = none, see reels_id_generator */
    void *lease_impl;                   /**< taken on success */
    int64_t
        lease_duration_us; /**< 0 = 10 s; 10 ms to 1 day. A crash costs at most this much time */
    int64_t ahead_max_us;  /**< 0 = 1 h: how far IDs may run ahead of a clock that was set back */
} reels_id_options;

/**
 * Makes a generator and takes its lease.
 *
 * @param      ctx      context; its clock and its sleep are used
 * @param      options  NULL gives the defaults
 * @param      call     deadline and cancel for the lease; may be NULL
 * @param[out] out      the generator, NULL on failure
 * @param[out] err      detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for a layout, region, node or duration out of range;
 *         REELS_ERR_UNSUPPORTED for options of a newer version; REELS_ERR_BUSY when the node is
 * held; REELS_ERR_LIMIT when no node is free or the time of the layout is used up; REELS_ERR_STATE
 * when the clock is more than ahead_max_us behind the lease's floor (retriable: time heals it);
 *         REELS_ERR_NO_MEMORY; what the lease returns
 * @ownership     the caller owns *out; lease_impl belongs to the generator on success only
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_id_generator_new(reels_ctx *ctx,
                                              const reels_id_options *options,
                                              const reels_call *call,
                                              reels_id_generator **out,
                                              reels_error *err);

/**
 * Frees a generator and gives its lease back.
 *
 * @param generator  NULL does nothing
 * @ownership     takes generator, releases and destroys the lease
 * @threadsafety  one thread, once, when no call uses it
 * @since 0.1
 */
REELS_API void reels_id_generator_free(reels_id_generator *generator);

/**
 * Gives the present node number in its region, given or leased.
 *
 * @param generator  generator
 * @return the node number
 * @ownership     none
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API uint32_t reels_id_generator_node(const reels_id_generator *generator);

/**
 * Mints one ID, above every one that this generator minted before.
 *
 * When the sequence of a millisecond is used up, the call sleeps until the next one. When the clock
 * stands behind the last ID (it was set back, or the lease began ahead of it), IDs go on from the
 * last time, one millisecond of it per millisecond of the monotonic clock, so that the distance
 * never grows. Now and then a call extends the lease on its own thread; others mint on meanwhile.
 *
 * @param      generator  generator
 * @param      call       deadline and cancel for waits and the lease; may be NULL
 * @param[out] out_id     the ID
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_STATE when the clock is more than ahead_max_us behind;
 * REELS_ERR_LIMIT when the time of the layout is used up; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED;
 * REELS_ERR_HOST when the clock's sleep does not let time pass; what the lease returns when the
 * persisted limit is reached and cannot be extended (BUSY when another process took the node over)
 * @ownership     none
 * @threadsafety  any number of threads
 * @since 0.1
 */
REELS_API reels_status reels_id_next(reels_id_generator *generator,
                                     const reels_call *call,
                                     uint64_t *out_id,
                                     reels_error *err);

/**
 * Mints many IDs in ascending order with few reads of the clock; otherwise as reels_id_next().
 *
 * @param      generator  generator
 * @param      call       deadline and cancel for waits and the lease; may be NULL
 * @param      ids_count  how many, up to REELS_ID_BATCH_MAX
 * @param[out] out_ids    room for ids_count IDs; after a failure it holds nothing of use
 * @param[out] err        detail on failure; may be NULL
 * @return as reels_id_next(); REELS_ERR_INVALID_ARG above REELS_ID_BATCH_MAX
 * @ownership     none
 * @threadsafety  any number of threads
 * @since 0.1
 */
REELS_API reels_status reels_id_next_many(reels_id_generator *generator,
                                          const reels_call *call,
                                          size_t ids_count,
                                          uint64_t *out_ids,
                                          reels_error *err);

/**
 * Takes an ID apart.
 *
 * @param      layout     layout it was minted with; NULL = default
 * @param      id         the ID
 * @param[out] out_parts  its parts; struct_size set by the caller
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for an illegal layout or an ID with bits above it
 * @ownership     none
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_id_parse(const reels_id_layout *layout,
                                      uint64_t id,
                                      reels_id_parts *out_parts,
                                      reels_error *err);

/**
 * Gives the bounds for a scan by time: every ID minted in [from, until) lies in [*out_first,
 * *out_last]. Whole milliseconds are taken, so that some IDs of the first and last one may lie
 * outside the range.
 *
 * @param      layout         layout; NULL = default
 * @param      from_unix_us   start; before the epoch means the epoch
 * @param      until_unix_us  end, not part of the range; past the last millisecond means the last
 * @param[out] out_first      smallest possible ID
 * @param[out] out_last       largest possible ID
 * @param[out] err            detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for an illegal layout or from >= until; REELS_ERR_LIMIT
 * when the whole range lies outside the layout's time
 * @ownership     none
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_id_range(const reels_id_layout *layout,
                                      int64_t from_unix_us,
                                      int64_t until_unix_us,
                                      uint64_t *out_first,
                                      uint64_t *out_last,
                                      reels_error *err);

/**
 * Writes the text form: 13 characters of Crockford's base 32 (0-9, A-Z without I, L, O, U) and a
 * NUL. Texts sort as their numbers do, and JSON, JavaScript and URLs leave them alone.
 *
 * @param      id        the ID
 * @param[out] out_text  the text
 * @param      capacity  bytes at out_text, REELS_ID_TEXT_LEN + 1 or more
 * @param[out] err       detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_BUFFER_TOO_SMALL
 * @ownership     none
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_id_text_write(uint64_t id,
                                           char *out_text,
                                           size_t capacity,
                                           reels_error *err);

/**
 * Reads the text form, strictly: exactly what reels_id_text_write() writes and nothing else.
 *
 * @param      text      characters; need not end with a NUL
 * @param      text_len  how many
 * @param[out] out_id    the ID
 * @param[out] err       detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_CORRUPT for another length, character or case, or a number above 64
 * bits
 * @ownership     text is borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_id_text_read(const char *text,
                                          size_t text_len,
                                          uint64_t *out_id,
                                          reels_error *err);

/**
 * Makes a lease kept in a state file, for one node. The file is locked while the lease is held: a
 * second process gets REELS_ERR_BUSY. A torn write leaves the limit before it, which is the one
 * that counts. Whoever deletes the file, or uses two files for one region and node, gives up the
 * promise.
 *
 * @param      ctx        context; its file system is used
 * @param      path       the file, made when missing; its folder must be there
 * @param[out] out_lease  table for reels_id_options.lease, NULL on failure
 * @param[out] out_impl   what belongs to it, NULL on failure
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for an empty path; REELS_ERR_NO_MEMORY
 * @ownership     *out_lease is static; *out_impl belongs to the caller until a generator takes it,
 * and is otherwise freed by (*out_lease)->destroy
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_id_lease_file_new(reels_ctx *ctx,
                                               const char *path,
                                               const reels_id_lease_vtable **out_lease,
                                               void **out_impl,
                                               reels_error *err);

/**
 * Makes a lease kept in a catalog, which is shared by the processes of all regions that mint with
 * it: a named catalog lease says who holds a node, and a row of the table "id_nodes" holds the
 * limit. The table is declared by the first acquire.
 *
 * @param      ctx        context; its random source names the holder
 * @param      catalog    retained: must outlive the generator
 * @param[out] out_lease  table for reels_id_options.lease, NULL on failure
 * @param[out] out_impl   what belongs to it, NULL on failure
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_NO_MEMORY; REELS_ERR_HOST when the random source fails
 * @ownership     as reels_id_lease_file_new()
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_id_lease_catalog_new(reels_ctx *ctx,
                                                  reels_catalog *catalog,
                                                  const reels_id_lease_vtable **out_lease,
                                                  void **out_impl,
                                                  reels_error *err);

/**
 * Gives the descriptor of the table in which reels_id_lease_catalog_new() keeps its nodes.
 *
 * @return a static table
 * @ownership     the table is static
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API const reels_table *reels_id_node_table(void);

REELS_END_DECLS

#endif
