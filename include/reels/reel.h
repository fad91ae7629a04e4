/* Owns the reel: its row, its states and the compare-and-set by which it goes from one to the next.
 * Upload makes reels, the worker moves them on, feed and hosts read them. Nobody else writes the
 * row. */
#ifndef REELS_REEL_H
#define REELS_REEL_H

#include <reels/backend.h>
#include <reels/event.h>

REELS_BEGIN_DECLS

enum {
    REELS_REEL_NONE = 0,       /**< there is no such reel */
    REELS_REEL_INIT = 1,       /**< bytes are coming in */
    REELS_REEL_UPLOADED = 2,   /**< waits for a worker */
    REELS_REEL_PROCESSING = 3, /**< a worker holds its lease */
    REELS_REEL_READY = 4,      /**< playable */
    REELS_REEL_FAILED = 5,     /**< reason says why; may go back to UPLOADED */
    REELS_REEL_HELD = 6,       /**< waits for review */
    REELS_REEL_BLOCKED = 7,    /**< taken down */
    REELS_REEL_DELETED = 8     /**< for ever */
};

enum {
    REELS_VISIBILITY_PUBLIC = 0,
    REELS_VISIBILITY_PRIVATE = 1 /**< plays for its creator only */
};

enum {
    REELS_CAPTION_BYTES_MAX = 2200,
    REELS_FILENAME_BYTES_MAX = 255
};

/** A reel as its row tells. Text is NUL-terminated UTF-8. */
typedef struct reels_reel {
    uint32_t struct_size;
    uint32_t state; /**< REELS_REEL_*; NONE when there is no such reel */
    uint64_t id;
    uint64_t creator_id;
    uint64_t version;    /**< row version, for compare-and-set */
    uint32_t generation; /**< grows with each attempt at processing; files live under its prefix */
    uint32_t revision;   /**< grows with each master playlist of a generation */
    uint32_t visibility; /**< REELS_VISIBILITY_* */
    uint32_t attempts_count; /**< how often processing began */
    int64_t created_unix_us;
    int64_t ready_unix_us; /**< 0 = never was */
    int64_t duration_us;
    uint64_t source_bytes; /**< size of the upload */
    uint32_t width;        /**< of the top rung, upright */
    uint32_t height;
    uint32_t progress_permille; /**< of processing */
    uint32_t reserved0;
    char reason[64];    /**< of FAILED, HELD, BLOCKED: a status name or policy word */
    char detail[256];   /**< one sentence for the creator */
    char filename[256]; /**< as the client named it; never used as a path */
    char caption[2208];
} reels_reel;

/** The reels of a catalog. @threadsafety internally locked */
typedef struct reels_reel_store reels_reel_store;

/**
 * Opens the reels of a catalog; declares their table.
 *
 * @param      ctx      context
 * @param      catalog  retained; must outlive the store
 * @param[out] out      the store, NULL on failure
 * @param[out] err      detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_CONFLICT when a stored table differs; REELS_ERR_IO;
 * REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_reel_store_new(reels_ctx *ctx,
                                            reels_catalog *catalog,
                                            reels_reel_store **out,
                                            reels_error *err);

/**
 * Frees a store.
 *
 * @param store  NULL does nothing
 * @ownership     takes store
 * @threadsafety  one thread, when no call uses it
 * @since 0.1
 */
REELS_API void reels_reel_store_free(reels_reel_store *store);

/**
 * Gives the descriptor of the reels table, for hosts that query their own database.
 *
 * @return the descriptor
 * @ownership     static
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API const reels_table *reels_reel_table(void);

/**
 * Reads reels.
 *
 * @param      store      store
 * @param      call       deadline and cancel; may be NULL
 * @param      ids        reel IDs
 * @param      ids_count  0..1000
 * @param[out] out        ids_count records; state is REELS_REEL_NONE where there is none.
 * out[0].struct_size tells the size of each and must be sizeof(reels_reel) of the caller
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_reel_get(reels_reel_store *store,
                                      const reels_call *call,
                                      const uint64_t *ids,
                                      size_t ids_count,
                                      reels_reel *out,
                                      reels_error *err);

/**
 * Makes the row of a new reel in state INIT; its id, creator_id, visibility, caption and filename
 * are read.
 *
 * @param      store  store
 * @param      call   deadline and cancel; may be NULL
 * @param      reel   the new reel
 * @param[out] err    detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_EXISTS; REELS_ERR_INVALID_ARG for text that is too long or not UTF-8;
 * REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_reel_add(reels_reel_store *store,
                                      const reels_call *call,
                                      const reels_reel *reel,
                                      reels_error *err);

/**
 * Writes a reel's row if nobody has written it since it was read (reel->version), with the events
 * that this causes. The step from the stored state to reel->state must be one the state machine
 * allows; staying in a state is allowed (progress, caption, visibility). Publishes REEL_UPLOADED,
 * REEL_READY, REEL_FAILED, REEL_CHANGED or REEL_DELETED as the step demands.
 *
 * @param         store  store
 * @param         call   deadline and cancel; may be NULL
 * @param[in,out] reel   the row as it shall be; version is raised on success
 * @param[out]    err    detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_CONFLICT when somebody else wrote it meanwhile: read again;
 * REELS_ERR_STATE for a step that is not allowed; REELS_ERR_NOT_FOUND; REELS_ERR_INVALID_ARG;
 * REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_reel_update(reels_reel_store *store,
                                         const reels_call *call,
                                         reels_reel *reel,
                                         reels_error *err);

/**
 * Tells whether one state may follow another.
 *
 * @param from  REELS_REEL_*
 * @param to    REELS_REEL_*
 * @return 1 when allowed
 * @ownership     none
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API int32_t reels_reel_step_allowed(uint32_t from, uint32_t to);

/**
 * Gives the name of a state, such as "PROCESSING".
 *
 * @param state  any number
 * @return a static string; "UNKNOWN" when it is not a state
 * @ownership     the string is static
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API const char *reels_reel_state_name(uint32_t state);

enum {
    REELS_REEL_ORDER_CREATOR = 1, /**< reels of creator `key`, newest first */
    REELS_REEL_ORDER_STATE =
        2 /**< reels in state `key`, oldest first: what workers and sweeps walk */
};

/**
 * Lists reels in an order, page by page.
 *
 * @param      store     store
 * @param      call      deadline and cancel; may be NULL
 * @param      order     REELS_REEL_ORDER_*
 * @param      key       creator ID or state
 * @param      cursor    in: where the last page ended, empty at first; out: where this one ended,
 * empty at the end
 * @param[out] out       up to capacity records; out[0].struct_size as in reels_reel_get()
 * @param      capacity  1..1000
 * @param[out] out_count how many were written
 * @param[out] err       detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG, also for a foreign cursor; REELS_ERR_IO;
 * REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread; cursor one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_reel_list(reels_reel_store *store,
                                       const reels_call *call,
                                       uint32_t order,
                                       uint64_t key,
                                       reels_buf *cursor,
                                       reels_reel *out,
                                       size_t capacity,
                                       size_t *out_count,
                                       reels_error *err);

/**
 * Writes the blob prefix under which the files of a generation live, such as "m/0B5.../3/".
 *
 * @param      reel_id     reel
 * @param      generation  generation
 * @param[out] out         at least 40 bytes; NUL-terminated
 * @param      capacity    its size
 * @return REELS_OK; REELS_ERR_BUFFER_TOO_SMALL
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_reel_media_prefix(uint64_t reel_id,
                                               uint32_t generation,
                                               char *out,
                                               size_t capacity);

REELS_END_DECLS

#endif
