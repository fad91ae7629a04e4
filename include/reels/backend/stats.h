/* Owns the stats port: counters that are exact because a batch of additions, the offset up to which
 * its events were read and the state that recognises repeats are stored together or not at all.
 * Stats know no domain: which counters there are is declared by the engine that counts. */
#ifndef REELS_BACKEND_STATS_H
#define REELS_BACKEND_STATS_H

#include <reels/base.h>

REELS_BEGIN_DECLS

enum {
    REELS_STATS_BATCHES_MAX = 1024,         /**< batches in one call */
    REELS_STATS_DELTAS_MAX = 262144,        /**< deltas in one batch */
    REELS_STATS_STATE_BYTES_MAX = 16777216, /**< dedupe state of one partition */
    REELS_STATS_ENTITIES_MAX = 10000,       /**< entities in one read or purge */
    REELS_STATS_COUNTERS_MAX = 256,         /**< counters in one read */
    REELS_STATS_WINDOWS_MAX = 1024,         /**< windows in one read */
    REELS_STATS_CELLS_MAX = 1048576         /**< entities x counters x windows in one read */
};

/** An amount to add to one counter. Several deltas of a batch may meet in one counter: all are
 * added. */
typedef struct reels_stats_delta {
    int64_t entity_id;      /**< what is counted for: a reel, a sound, a creator; any number */
    int64_t window_unix_us; /**< start of the window of event time, as the engine cuts it (an hour);
                               0 = the total of all time. The port adds to what it is told, so an
                               engine that wants both gives two deltas */
    int64_t amount;         /**< -2^62..2^62 */
    uint32_t counter;       /**< number declared by the counting engine */
    uint32_t reserved0;
} reels_stats_delta;

/** What a writer must know to go on where the last one stopped. */
typedef struct reels_stats_writer {
    uint64_t epoch;  /**< grows with each opening of the partition; earlier ones are refused from
                        then on */
    uint64_t offset; /**< the first position that has not been counted yet; 0 for a new partition */
} reels_stats_writer;

/** A batch: the events of one partition from begin to end, added up. In an array each has the same
 * struct_size, and that is the stride. */
typedef struct reels_stats_batch {
    uint32_t struct_size;
    uint32_t partition;
    const char *group;     /**< consumer group; each has counters, offsets and writers of its own */
    uint64_t epoch;        /**< as writer_open gave it */
    uint64_t begin_offset; /**< must be the stored offset */
    uint64_t end_offset;   /**< becomes the stored offset; not below begin_offset */
    const reels_stats_delta *deltas;
    size_t deltas_count;  /**< 0..REELS_STATS_DELTAS_MAX */
    const uint8_t *state; /**< replaces the stored dedupe state: whatever the consumer needs to know
                             a repeat; NULL = what is stored stays */
    size_t state_len;     /**< 0..REELS_STATS_STATE_BYTES_MAX */
} reels_stats_batch;

/** What became of one batch. */
typedef struct reels_stats_result {
    int32_t status; /**< REELS_OK; REELS_ERR_CONFLICT: begin_offset is not the stored offset;
                       REELS_ERR_STALE: a newer epoch was opened, or this one never was;
                       REELS_ERR_LIMIT: a counter would leave -2^62..2^62. But for OK, nothing of
                       the batch took effect */
    uint32_t reserved0;
    uint64_t offset; /**< stored offset as it is now; tells with CONFLICT whether this very batch
                        was taken before */
} reels_stats_result;

/** What to read: the product of three lists. */
typedef struct reels_stats_query {
    uint32_t struct_size;
    uint32_t reserved0;
    const char *group;
    const int64_t *entity_ids;
    size_t entities_count; /**< 0..REELS_STATS_ENTITIES_MAX */
    const uint32_t *counters;
    size_t counters_count;          /**< 1..REELS_STATS_COUNTERS_MAX */
    const int64_t *windows_unix_us; /**< window starts; 0 = the total of all time */
    size_t windows_count;           /**< 1..REELS_STATS_WINDOWS_MAX */
} reels_stats_query;

/**
 * The stats port. All slots may block, calls come from any thread and overlap; none may call back.
 * Pointers are borrowed for the call. Consistency: writer_open, apply and purge are durable when
 * they return; read on any thread sees every batch that was taken before it began, each in full for
 * any one entity.
 */
typedef struct reels_stats_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    /** must; once, after a successful registration */
    void (*destroy)(void *impl);

    /** must. Makes the caller the writer of (group, partition): in one step raises the epoch by at
     * least one, so that batches of earlier epochs are STALE from then on, and gives the stored
     * offset. Appends the stored dedupe state to state. holder is kept for people to read. */
    reels_status (*writer_open)(void *impl,
                                const reels_call *call,
                                const char *group,
                                uint32_t partition,
                                const char *holder,
                                reels_stats_writer *out_writer,
                                reels_buf *state,
                                reels_error *err);

    /** must. Several batches in one call stand each alone and are taken in their order; one sync
     * may serve all. A failure of the call itself means that each batch was taken in full or not at
     * all: writer_open tells. results[i] is written for each on REELS_OK. */
    reels_status (*apply)(void *impl,
                          const reels_call *call,
                          const reels_stats_batch *batches,
                          size_t batches_count,
                          reels_stats_result *results,
                          reels_error *err);

    /** must. Writes the sum over all partitions of each counter to
     * out_amounts[(entity * counters_count + counter) * windows_count + window], all 0 when the
     * slot is called. LIMIT when a sum passes int64. */
    reels_status (*read)(void *impl,
                         const reels_call *call,
                         const reels_stats_query *query,
                         int64_t *out_amounts,
                         reels_error *err);

    /** must. Forgets the counters of these entities in every group and window. Idempotent. Later
     * batches count from 0 again. */
    reels_status (*purge)(void *impl,
                          const reels_call *call,
                          const int64_t *entity_ids,
                          size_t entities_count,
                          reels_error *err);
} reels_stats_vtable;

/** A stats store. @threadsafety internally locked */
typedef struct reels_stats reels_stats;

/**
 * Makes a stats store from a host's table.
 *
 * @param      ctx     context
 * @param      vtable  copied
 * @param      impl    handed to every slot
 * @param[out] out     the store, NULL on failure
 * @param[out] err     detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG when a must slot is missing; REELS_ERR_UNSUPPORTED for a
 * newer table; REELS_ERR_NO_MEMORY
 * @ownership     takes impl on success: destroy is called once by reels_stats_free()
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_stats_new(reels_ctx *ctx,
                                       const reels_stats_vtable *vtable,
                                       void *impl,
                                       reels_stats **out,
                                       reels_error *err);

/**
 * Opens a stats store by URL: "sqlite:PATH" (a file made when missing, another one than the
 * catalog's; one process at a time, others get REELS_ERR_BUSY), "mem:" (forgets at free), or a
 * scheme an adapter has registered.
 *
 * @param      ctx  context
 * @param      url  scheme and rest
 * @param[out] out  the store, NULL on failure
 * @param[out] err  detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_UNSUPPORTED for an unknown scheme or a file of a newer version;
 * REELS_ERR_BUSY; REELS_ERR_IO; REELS_ERR_CORRUPT; REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_stats_open(reels_ctx *ctx,
                                        const char *url,
                                        reels_stats **out,
                                        reels_error *err);

/**
 * Frees a stats store.
 *
 * @param stats  NULL does nothing
 * @ownership     takes stats
 * @threadsafety  one thread, when no call uses it
 * @since 0.1
 */
REELS_API void reels_stats_free(reels_stats *stats);

/**
 * Becomes the writer of a partition; see reels_stats_vtable.writer_open.
 *
 * @param      stats       store
 * @param      call        deadline and cancel; may be NULL
 * @param      group       consumer group, 1..255 bytes
 * @param      partition   number of the partition
 * @param      holder      who writes, 1..255 bytes
 * @param[out] out_writer  epoch and stored offset
 * @param      state       cleared, then holds the stored dedupe state; may be NULL
 * @param[out] err         detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_LIMIT when state is too small;
 * REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread; state one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_stats_writer_open(reels_stats *stats,
                                               const reels_call *call,
                                               const char *group,
                                               uint32_t partition,
                                               const char *holder,
                                               reels_stats_writer *out_writer,
                                               reels_buf *state,
                                               reels_error *err);

/**
 * Applies batches; see reels_stats_vtable.apply.
 *
 * @param      stats          store
 * @param      call           deadline and cancel; may be NULL
 * @param      batches        each stands alone
 * @param      batches_count  1..REELS_STATS_BATCHES_MAX
 * @param[out] results        one per batch
 * @param[out] err            detail on failure of the call; may be NULL
 * @return REELS_OK when every result was written (look at each); REELS_ERR_INVALID_ARG;
 * REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_stats_apply(reels_stats *stats,
                                         const reels_call *call,
                                         const reels_stats_batch *batches,
                                         size_t batches_count,
                                         reels_stats_result *results,
                                         reels_error *err);

/**
 * Reads counters summed over partitions; see reels_stats_vtable.read.
 *
 * @param      stats        store
 * @param      call         deadline and cancel; may be NULL
 * @param      query        entities, counters and windows
 * @param[out] out_amounts  entities_count * counters_count * windows_count numbers
 * @param[out] err          detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_LIMIT when a sum passes int64; REELS_ERR_IO;
 * REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_stats_read(reels_stats *stats,
                                        const reels_call *call,
                                        const reels_stats_query *query,
                                        int64_t *out_amounts,
                                        reels_error *err);

/**
 * Forgets entities; see reels_stats_vtable.purge.
 *
 * @param      stats           store
 * @param      call            deadline and cancel; may be NULL
 * @param      entity_ids      which
 * @param      entities_count  0..REELS_STATS_ENTITIES_MAX
 * @param[out] err             detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED;
 * REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_stats_purge(reels_stats *stats,
                                         const reels_call *call,
                                         const int64_t *entity_ids,
                                         size_t entities_count,
                                         reels_error *err);

REELS_END_DECLS

#endif
