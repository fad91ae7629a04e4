/* Owns the whole: one configuration opens every port and engine, and the long-running roles are
 * stepped or run. A host that wants one engine only uses that engine's header instead. */
#ifndef REELS_PLATFORM_H
#define REELS_PLATFORM_H

#include <reels/backend.h>
#include <reels/counter.h>
#include <reels/event.h>
#include <reels/feed.h>
#include <reels/id.h>
#include <reels/prefetch.h>
#include <reels/reel.h>
#include <reels/social.h>
#include <reels/upload.h>

REELS_BEGIN_DECLS

/** The configuration; all zero plus struct_size and data_path is a valid one with every default
 * embedded. Copied. */
typedef struct reels_platform_config {
    uint32_t struct_size;
    uint32_t region;               /**< of this node, within the ID layout */
    const char *data_path;         /**< folder for the embedded defaults; made when missing */
    const char *catalog_url;       /**< NULL = "sqlite:DATA/catalog.db" */
    const char *stats_url;         /**< NULL = "sqlite:DATA/stats.db" */
    const char *blob_url;          /**< NULL = "file:DATA/blob" */
    const char *queue_url;         /**< NULL = "file:DATA/queue" */
    const char *cache_url;         /**< NULL = "mem:" */
    const char *media_worker_path; /**< NULL = where it was installed */
    uint32_t partitions_count;     /**< of each topic, fixed for ever; 0 = 16 */
    uint32_t media_jobs_max;       /**< transcodes at once in this process; 0 = 1 */
    uint32_t media_threads_count;  /**< of each transcode; 0 = 2 */
    uint32_t media_attempts_max;   /**< before a reel is FAILED; 0 = 3 */
    int64_t media_lease_us; /**< a worker silent for so long is dead; 1 s to 24 h, 0 = 30 s */
    int64_t media_duration_us_max; /**< of an upload; 0 = 90 s */
    int64_t counter_window_us;     /**< 0 = 1 s */
    int64_t token_valid_us;        /**< of media tokens, at most 15 min; 0 = 15 min */
    const uint8_t *token_key; /**< 32 bytes or more; NULL = made once and kept in the catalog */
    size_t token_key_len;
    reels_upload_options upload; /**< struct_size 0 = defaults; its check is set by the platform */
    reels_feed_options feed;     /**< struct_size 0 = defaults */
} reels_platform_config;

/** Everything wired. @threadsafety internally locked, but for each role */
typedef struct reels_platform reels_platform;

/**
 * Opens a platform.
 *
 * @param      ctx     context; retained
 * @param      config  configuration
 * @param[out] out     the platform, NULL on failure
 * @param[out] err     detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_BUSY when another process has the data folder; REELS_ERR_INVALID_ARG;
 * REELS_ERR_UNSUPPORTED for a URL scheme nobody has registered; REELS_ERR_CORRUPT; REELS_ERR_IO;
 * REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_platform_open(reels_ctx *ctx,
                                           const reels_platform_config *config,
                                           reels_platform **out,
                                           reels_error *err);

/**
 * Opens a platform from a JSON object whose members are named like the fields of
 * reels_platform_config.
 *
 * @param      ctx   context; retained
 * @param      json  UTF-8, up to 64 KiB; an unknown member is refused by name
 * @param      len   bytes
 * @param[out] out   the platform, NULL on failure
 * @param[out] err   detail on failure; may be NULL
 * @return as reels_platform_open(); REELS_ERR_CORRUPT for broken JSON
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_platform_open_json(
    reels_ctx *ctx, const char *json, size_t len, reels_platform **out, reels_error *err);

/**
 * Closes a platform: what was added up is stored, running transcodes are given up and will be done
 * again.
 *
 * @param platform  NULL does nothing
 * @ownership     takes platform
 * @threadsafety  one thread, when no call uses it and no role runs
 * @since 0.1
 */
REELS_API void reels_platform_free(reels_platform *platform);

/**
 * Gives the uploads.
 *
 * @param platform  platform
 * @return never NULL
 * @ownership     borrowed until the platform is freed
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_uploads *reels_platform_uploads(reels_platform *platform);

/**
 * Gives the reels.
 *
 * @param platform  platform
 * @return never NULL
 * @ownership     borrowed until the platform is freed
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_reel_store *reels_platform_reels(reels_platform *platform);

/**
 * Gives relations and comments.
 *
 * @param platform  platform
 * @return never NULL
 * @ownership     borrowed until the platform is freed
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_social *reels_platform_social(reels_platform *platform);

/**
 * Gives the feed.
 *
 * @param platform  platform
 * @return never NULL
 * @ownership     borrowed until the platform is freed
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_feed *reels_platform_feed(reels_platform *platform);

/**
 * Gives the counters' store.
 *
 * @param platform  platform
 * @return never NULL
 * @ownership     borrowed until the platform is freed
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_stats *reels_platform_stats(reels_platform *platform);

/**
 * Gives the blob store, from which a host serves media.
 *
 * @param platform  platform
 * @return never NULL
 * @ownership     borrowed until the platform is freed
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_blob *reels_platform_blob(reels_platform *platform);

/**
 * Gives the catalog, in which a host may declare tables of its own.
 *
 * @param platform  platform
 * @return never NULL
 * @ownership     borrowed until the platform is freed
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_catalog *reels_platform_catalog(reels_platform *platform);

/**
 * Gives the ID generator.
 *
 * @param platform  platform
 * @return never NULL
 * @ownership     borrowed until the platform is freed
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_id_generator *reels_platform_ids(reels_platform *platform);

/**
 * Takes what viewers' clients report. Each event is judged alone (reels_event_admit(), and the reel
 * must be there); the admitted ones are durable on return, and the viewer's own feed knows of them
 * at once. creator_id, duration_us and time_unix_us are filled in here; person_id must be the
 * caller's.
 *
 * @param      platform     platform
 * @param      call         deadline and cancel; may be NULL
 * @param      person_id    who reports
 * @param      events       records; events[0].struct_size tells the size of each
 * @param      events_count 1..500
 * @param[out] out_statuses one per event: REELS_OK or why it was refused
 * @param[out] err          detail on failure of the call, or of the first refused event; may be
 * NULL
 * @return REELS_OK when each was judged (look at out_statuses); REELS_ERR_INVALID_ARG;
 * REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_platform_events_add(reels_platform *platform,
                                                 const reels_call *call,
                                                 uint64_t person_id,
                                                 const reels_event *events,
                                                 size_t events_count,
                                                 reels_status *out_statuses,
                                                 reels_error *err);

/**
 * Makes the token that lets a client read the files of a reel's generation, to be put into the path
 * of its URLs. Only for a reel that viewer_id may see.
 *
 * @param      platform   platform
 * @param      reel       as read
 * @param      viewer_id  viewer; 0 = anybody
 * @param[out] out        at least 128 bytes; NUL-terminated, URL-safe
 * @param      capacity   its size
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_DENIED when the viewer may not see it; REELS_ERR_STATE when it is not
 * READY; REELS_ERR_BUFFER_TOO_SMALL
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_platform_media_token(reels_platform *platform,
                                                  const reels_reel *reel,
                                                  uint64_t viewer_id,
                                                  char *out,
                                                  size_t capacity,
                                                  reels_error *err);

/**
 * Checks a token for a blob key, as an edge does for each request. A reel that was taken down
 * within the last 15 minutes is refused although its token has not expired.
 *
 * @param      platform  platform
 * @param      token     from the URL
 * @param      key       blob key that is asked for
 * @param[out] err       detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_DENIED, also when it has expired
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_platform_media_check(reels_platform *platform,
                                                  const char *token,
                                                  const char *key,
                                                  reels_error *err);

/**
 * Removes a reel: its creator's wish. It leaves feeds at once; its files are swept by the
 * maintenance role.
 *
 * @param      platform   platform
 * @param      call       deadline and cancel; may be NULL
 * @param      reel_id    reel
 * @param      person_id  who asks
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_NOT_FOUND, also for somebody else's reel that the person may not see;
 * REELS_ERR_DENIED; REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_platform_reel_remove(reels_platform *platform,
                                                  const reels_call *call,
                                                  uint64_t reel_id,
                                                  uint64_t person_id,
                                                  reels_error *err);

enum {
    REELS_ROLE_RELAY = 1,   /**< publishes the outbox to the queue */
    REELS_ROLE_MEDIA = 2,   /**< transcodes */
    REELS_ROLE_COUNTER = 4, /**< adds up */
    REELS_ROLE_FEED = 8,    /**< learns what can be shown and what was seen */
    REELS_ROLE_MAINTENANCE =
        16, /**< expires uploads, takes up reels of dead workers, sweeps files */
    REELS_ROLES_ALL = 31
};

/**
 * Steps one role on the calling thread.
 *
 * @param      platform     platform
 * @param      role         one REELS_ROLE_* bit
 * @param      budget_us    wall-clock bound of this step
 * @param[out] out_next_due when it wants to be called again, on reels_ctx_now_mono_us()
 * @param[out] err          detail on failure; may be NULL
 * @return REELS_OK; failures of the backends: step again later, nothing is lost;
 * REELS_ERR_UNSUPPORTED for a role this build lacks; REELS_ERR_NO_MEMORY
 * @ownership     none
 * @threadsafety  one thread at a time per role; different roles may be stepped at once
 * @since 0.1
 */
REELS_API reels_status reels_platform_step(reels_platform *platform,
                                           uint32_t role,
                                           int64_t budget_us,
                                           int64_t *out_next_due,
                                           reels_error *err);

/**
 * Runs roles until the call is cancelled or its deadline passes: a loop over steps on the given
 * number of threads. A failing step is logged and tried again, waiting longer each time up to 5 s.
 *
 * @param      platform       platform
 * @param      call           its cancel flag ends the loop; may not be NULL
 * @param      roles          REELS_ROLE_* bits
 * @param      threads_count  1 = the calling thread only; at most 64
 * @param[out] err            detail on failure; may be NULL
 * @return REELS_OK when it was ended; REELS_ERR_INVALID_ARG; REELS_ERR_NO_MEMORY;
 * REELS_ERR_INTERNAL
 * @ownership     borrowed for the call
 * @threadsafety  one call at a time per role
 * @since 0.1
 */
REELS_API reels_status reels_platform_run(reels_platform *platform,
                                          const reels_call *call,
                                          uint32_t roles,
                                          uint32_t threads_count,
                                          reels_error *err);

/**
 * Steps roles until none of them has anything to do: what tests and small tools want.
 *
 * @param      platform  platform
 * @param      call      deadline and cancel; may be NULL
 * @param      roles     REELS_ROLE_* bits
 * @param[out] err       detail on failure; may be NULL
 * @return REELS_OK when idle; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED; the failure of a step
 * @ownership     borrowed for the call
 * @threadsafety  one call at a time per role
 * @since 0.1
 */
REELS_API reels_status reels_platform_settle(reels_platform *platform,
                                             const reels_call *call,
                                             uint32_t roles,
                                             reels_error *err);

/**
 * Tells whether a platform is fit to serve: one entry per port as a JSON object.
 *
 * @param      platform  platform
 * @param      call      deadline and cancel; may be NULL
 * @param      json      the object is appended
 * @param[out] err       detail on failure; may be NULL
 * @return REELS_OK when every port answers; the first port's failure otherwise, with the object
 * written all the same
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_platform_health(reels_platform *platform,
                                             const reels_call *call,
                                             reels_buf *json,
                                             reels_error *err);

/**
 * Writes the descriptors of the tables, topics and counters in use as a JSON object.
 *
 * @param      ctx   context
 * @param      json  the object is appended
 * @param[out] err   detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_LIMIT; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread; json one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_platform_schema(reels_ctx *ctx, reels_buf *json, reels_error *err);

REELS_END_DECLS

#endif
