/* Owns the feed: an index of what may be shown, candidate sources over it, what a viewer has seen,
 * a score, and sessions that are served in pages without repeats. Version 1 of the score is
 * documented in src/feed/README.md and stands behind the model port. */
#ifndef REELS_FEED_H
#define REELS_FEED_H

#include <reels/backend.h>
#include <reels/counter.h>
#include <reels/event.h>
#include <reels/id.h>
#include <reels/reel.h>
#include <reels/social.h>

REELS_BEGIN_DECLS

enum {
    REELS_FEED_PAGE_ITEMS = 20,
    REELS_FEED_SESSION_ITEMS_MAX = 100
};

enum {
    REELS_FEED_SOURCE_FOLLOWED = 1,
    REELS_FEED_SOURCE_TRENDING = 2,
    REELS_FEED_SOURCE_FRESH = 4
};

/** What a feed is made over; all are retained and must outlive it. */
typedef struct reels_feed_parts {
    uint32_t struct_size;
    uint32_t reserved0;
    reels_catalog *catalog;
    reels_queue *queue;
    reels_stats *stats;
    reels_cache *cache;
    reels_id_generator *ids;
    reels_reel_store *reels;
    reels_social *social;
    reels_model *model; /**< NULL = the documented default score */
} reels_feed_parts;

/** Options of reels_feed_new(). */
typedef struct reels_feed_options {
    uint32_t struct_size;
    uint32_t partitions_count;      /**< of each topic; 0 = 16 */
    uint32_t candidates_per_source; /**< 1..500; 0 = 400 */
    uint32_t session_items_max;     /**< 20..REELS_FEED_SESSION_ITEMS_MAX; 0 = 60 */
    int64_t session_expires_us;     /**< a cursor older than that begins a new session; 0 = 1 h */
    uint32_t trending_hours;  /**< how far back engagement counts for the trending source; 0 = 48 */
    uint32_t index_reels_max; /**< reels in the index, the newest are kept; 0 = 200000 */
    const char *holder;       /**< names the consumers; NULL = made at random */
} reels_feed_options;

/** A feed. @threadsafety internally locked, but for reels_feed_step() */
typedef struct reels_feed reels_feed;

/**
 * Opens a feed; declares its tables. The index is built by the first steps.
 *
 * @param      ctx      context
 * @param      parts    what it stands on
 * @param      options  NULL = defaults
 * @param[out] out      the feed, NULL on failure
 * @param[out] err      detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_CONFLICT; REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_feed_new(reels_ctx *ctx,
                                      const reels_feed_parts *parts,
                                      const reels_feed_options *options,
                                      reels_feed **out,
                                      reels_error *err);

/**
 * Frees a feed.
 *
 * @param feed  NULL does nothing
 * @ownership     takes feed
 * @threadsafety  one thread, when no call uses it
 * @since 0.1
 */
REELS_API void reels_feed_free(reels_feed *feed);

/**
 * Learns: reads the topics "reel", "engage" and "person" and brings the index, the trends and the
 * viewers' histories up to date.
 *
 * @param      feed         feed
 * @param      budget_us    wall-clock bound of this step; waiting for events counts
 * @param[out] out_next_due when it wants to be called again, on reels_ctx_now_mono_us()
 * @param[out] err          detail on failure; may be NULL
 * @return REELS_OK; failures of the backends: step again later; REELS_ERR_NO_MEMORY
 * @ownership     none
 * @threadsafety  one thread at a time; pages may be read meanwhile
 * @since 0.1
 */
REELS_API reels_status reels_feed_step(reels_feed *feed,
                                       int64_t budget_us,
                                       int64_t *out_next_due,
                                       reels_error *err);

/** Who asks. */
typedef struct reels_feed_request {
    uint32_t struct_size;
    uint32_t items_max; /**< 1..REELS_FEED_PAGE_ITEMS; 0 = REELS_FEED_PAGE_ITEMS */
    uint64_t viewer_id;
    const char *cursor; /**< as the last page gave it; NULL or "" begins a session */
    char region[8];     /**< NUL-terminated; may be empty */
} reels_feed_request;

/** One item of a page. */
typedef struct reels_feed_item {
    uint32_t struct_size;
    uint32_t sources; /**< REELS_FEED_SOURCE_* that named it */
    uint64_t reel_id;
    uint64_t creator_id;
    double score;
    uint32_t position; /**< in the session, from 0 */
    uint32_t reserved0;
} reels_feed_item;

/**
 * Gives the next page of a session: reels that are READY and public, not the viewer's own, not
 * watched, and not by creators who are muted, blocked or have blocked the viewer; none twice within
 * a session. A cursor whose
 * session has expired, or is not this viewer's, begins a new one.
 *
 * @param      feed       feed
 * @param      call       deadline and cancel; may be NULL
 * @param      request    who asks
 * @param[out] out        items; out[0].struct_size tells the size of each and must be the caller's
 * sizeof(reels_feed_item)
 * @param      capacity   at least the number of items asked for
 * @param[out] out_count  how many were written; fewer than asked for when there is no more to show
 * @param      cursor     cleared, then holds the cursor for the next page as text; empty at the end
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG, also for a cursor that was not made here or for somebody
 * else; REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread; cursor one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_feed_page(reels_feed *feed,
                                       const reels_call *call,
                                       const reels_feed_request *request,
                                       reels_feed_item *out,
                                       size_t capacity,
                                       size_t *out_count,
                                       reels_buf *cursor,
                                       reels_error *err);

/**
 * Takes note at once that a viewer has seen reels, so that his next page knows it before the topic
 * "person" has been read: hosts call it with the events they admit.
 *
 * @param      feed        feed
 * @param      call        deadline and cancel; may be NULL
 * @param      viewer_id   viewer
 * @param      reel_ids    what was seen
 * @param      reels_count 0..1000
 * @param[out] err         detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_feed_seen(reels_feed *feed,
                                       const reels_call *call,
                                       uint64_t viewer_id,
                                       const uint64_t *reel_ids,
                                       size_t reels_count,
                                       reels_error *err);

REELS_END_DECLS

#endif
