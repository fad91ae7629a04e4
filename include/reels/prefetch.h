/* Owns the plan of what a client should fetch ahead: for the next reels the exact byte ranges that
 * a player needs to show the first segment of a chosen rung. */
#ifndef REELS_PREFETCH_H
#define REELS_PREFETCH_H

#include <reels/backend.h>
#include <reels/reel.h>

REELS_BEGIN_DECLS

enum {
    REELS_PREFETCH_REELS = 3,       /**< how many reels ahead a plan reaches */
    REELS_PREFETCH_ENTRIES_MAX = 24 /**< entries of a whole plan at most */
};

enum {
    REELS_RENDITION_VIDEO = 1,
    REELS_RENDITION_AUDIO = 2
};

/** One rendition of a generation as the worker packaged it. */
typedef struct reels_rendition {
    uint32_t struct_size;
    uint32_t kind;  /**< REELS_RENDITION_* */
    uint32_t width; /**< 0 for audio */
    uint32_t height;
    uint64_t bandwidth_bps; /**< measured peak */
    uint64_t start_bytes;   /**< from offset 0: init segment and first media segment */
    uint64_t bytes;         /**< of the whole file */
    char playlist[32];      /**< file name under the media prefix */
    char file[32];          /**< file name under the media prefix */
} reels_rendition;

/**
 * Gives the descriptor of the table in which renditions are kept.
 *
 * @return the descriptor
 * @ownership     static
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API const reels_table *reels_rendition_table(void);

/**
 * Stores the renditions of a generation, before its reel becomes READY.
 *
 * @param      ctx              context
 * @param      catalog          catalog, with the table declared
 * @param      call             deadline and cancel; may be NULL
 * @param      reel_id          reel
 * @param      generation       generation
 * @param      renditions       records
 * @param      renditions_count 1..16
 * @param[out] err              detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_renditions_put(reels_ctx *ctx,
                                            reels_catalog *catalog,
                                            const reels_call *call,
                                            uint64_t reel_id,
                                            uint32_t generation,
                                            const reels_rendition *renditions,
                                            size_t renditions_count,
                                            reels_error *err);

/**
 * Removes the renditions of all generations of a reel but one.
 *
 * @param      ctx              context
 * @param      catalog          catalog, with the table declared
 * @param      call             deadline and cancel; may be NULL
 * @param      reel_id          reel; one without renditions is no failure
 * @param      kept_generation  the one that stays; 0 = none
 * @param[out] err              detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_renditions_remove(reels_ctx *ctx,
                                               reels_catalog *catalog,
                                               const reels_call *call,
                                               uint64_t reel_id,
                                               uint32_t kept_generation,
                                               reels_error *err);

/** One thing to fetch, in the order in which to fetch. */
typedef struct reels_prefetch_entry {
    uint32_t struct_size;
    uint32_t reel_index; /**< in the list of reels handed in */
    uint64_t reel_id;
    uint64_t offset;
    uint64_t bytes; /**< 0 = the whole file (playlists) */
    char file[32];  /**< file name under the media prefix of the reel's generation */
} reels_prefetch_entry;

/** What the plan may assume of the client. */
typedef struct reels_prefetch_request {
    uint32_t struct_size;
    uint32_t short_side_max; /**< of the client's screen; 0 = 1080 */
    uint64_t throughput_bps; /**< as the client measured; 0 = unknown, the second lowest rung is
                                planned */
    uint64_t bytes_max;      /**< of the whole plan; 0 = 4 MiB */
} reels_prefetch_request;

/**
 * Plans for up to REELS_PREFETCH_REELS reels: for each the master playlist, the playlists and the
 * start of the sound and of the best rung that 70% of the throughput carries; the first reel first,
 * whole reels only within bytes_max (the first is always planned).
 *
 * @param      ctx         context
 * @param      catalog     catalog
 * @param      call        deadline and cancel; may be NULL
 * @param      reels       what comes next, as read; struct_size of each set
 * @param      reels_count 0..REELS_PREFETCH_REELS; more are ignored
 * @param      request     NULL = defaults
 * @param[out] out         entries; out[0].struct_size tells the size of each
 * @param      capacity    REELS_PREFETCH_ENTRIES_MAX is always enough
 * @param[out] out_count   how many were written
 * @param[out] err         detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_BUFFER_TOO_SMALL; REELS_ERR_INVALID_ARG; REELS_ERR_IO;
 * REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_prefetch_plan(reels_ctx *ctx,
                                           reels_catalog *catalog,
                                           const reels_call *call,
                                           const reels_reel *reels,
                                           size_t reels_count,
                                           const reels_prefetch_request *request,
                                           reels_prefetch_entry *out,
                                           size_t capacity,
                                           size_t *out_count,
                                           reels_error *err);

REELS_END_DECLS

#endif
