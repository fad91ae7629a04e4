/* Owns counting: consumers that add up the events of the topic "engage" for a few seconds and store
 * the deltas together with the offset they reach to, so that a counter equals the number of its
 * accepted events after a kill at any point. */
#ifndef REELS_COUNTER_H
#define REELS_COUNTER_H

#include <reels/backend.h>
#include <reels/event.h>

REELS_BEGIN_DECLS

enum {
    REELS_COUNTER_VIEWS = 1,       /**< of a reel: playbacks that passed 3 s */
    REELS_COUNTER_COMPLETIONS = 2, /**< of a reel */
    REELS_COUNTER_IMPRESSIONS = 3, /**< of a reel */
    REELS_COUNTER_REPLAYS = 4,     /**< of a reel */
    REELS_COUNTER_SKIPS = 5,       /**< of a reel */
    REELS_COUNTER_WATCH_MS = 6,    /**< of a reel: milliseconds watched */
    REELS_COUNTER_LIKES = 7,       /**< of a reel */
    REELS_COUNTER_SAVES = 8,       /**< of a reel */
    REELS_COUNTER_COMMENTS = 9,    /**< of a reel */
    REELS_COUNTER_SHARES = 10,     /**< of a reel */
    REELS_COUNTER_REPORTS = 11,    /**< of a reel */
    REELS_COUNTER_FOLLOWERS = 12   /**< of a person */
};

/** Options of reels_counter_new(). */
typedef struct reels_counter_options {
    uint32_t struct_size;
    uint32_t partitions_count; /**< of the topic "engage"; 0 = 16 */
    int64_t window_us; /**< deltas are stored this often at the latest, 1 ms..60 s; 0 = 1 s */
    uint32_t batch_events_max; /**< or when so many events have been added up; 0 = 50000, at most
                                  100000 */
    uint32_t
        sources_max; /**< event sources remembered per partition for knowing repeats; 0 = 16384 */
    const char *holder; /**< names this consumer; NULL = made at random */
} reels_counter_options;

/** A counting consumer. @threadsafety one thread at a time */
typedef struct reels_counter reels_counter;

/**
 * Makes a counting consumer of the topic "engage" in the group "counter".
 *
 * @param      ctx      context
 * @param      queue    retained; must outlive the object
 * @param      stats    retained; must outlive the object
 * @param      options  NULL = defaults
 * @param[out] out      the consumer, NULL on failure
 * @param[out] err      detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_CONFLICT when the topic has another number of
 * partitions; REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_counter_new(reels_ctx *ctx,
                                         reels_queue *queue,
                                         reels_stats *stats,
                                         const reels_counter_options *options,
                                         reels_counter **out,
                                         reels_error *err);

/**
 * Frees a consumer; what was read and not yet stored is read again by the next one.
 *
 * @param counter  NULL does nothing
 * @ownership     takes counter
 * @threadsafety  one thread, once
 * @since 0.1
 */
REELS_API void reels_counter_free(reels_counter *counter);

/**
 * Reads, adds up and stores when a window is full.
 *
 * @param      counter      consumer
 * @param      budget_us    wall-clock bound of this step; waiting for events counts
 * @param[out] out_next_due when it wants to be called again, on reels_ctx_now_mono_us()
 * @param[out] err          detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_IO and other failures of the backends: step again later, nothing is
 * lost; REELS_ERR_NO_MEMORY
 * @ownership     none
 * @threadsafety  one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_counter_step(reels_counter *counter,
                                          int64_t budget_us,
                                          int64_t *out_next_due,
                                          reels_error *err);

/**
 * Stores at once what has been added up.
 *
 * @param      counter  consumer
 * @param[out] err      detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     none
 * @threadsafety  one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_counter_flush(reels_counter *counter, reels_error *err);

/**
 * Reads totals, many at once.
 *
 * @param      stats          store
 * @param      call           deadline and cancel; may be NULL
 * @param      entities       reel or person IDs
 * @param      entities_count 0..10000
 * @param      counters       REELS_COUNTER_*
 * @param      counters_count 1..32
 * @param[out] out            entities_count x counters_count totals, row by row
 * @param[out] err            detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_counter_read(reels_stats *stats,
                                          const reels_call *call,
                                          const uint64_t *entities,
                                          size_t entities_count,
                                          const uint32_t *counters,
                                          size_t counters_count,
                                          int64_t *out,
                                          reels_error *err);

/**
 * Gives the name of a counter, such as "views", as used in JSON.
 *
 * @param counter  REELS_COUNTER_*
 * @return a static string; NULL for an unknown number
 * @ownership     the string is static
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API const char *reels_counter_name(uint32_t counter);

REELS_END_DECLS

#endif
