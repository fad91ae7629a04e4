/* Owns relations (like, save, follow, mute, block) as sets and comments as lists. The row is the
 * truth: a relation is there once or not at all, and its event is published if, and only if, the
 * row changed. */
#ifndef REELS_SOCIAL_H
#define REELS_SOCIAL_H

#include <reels/backend.h>
#include <reels/id.h>
#include <reels/reel.h>

REELS_BEGIN_DECLS

enum {
    REELS_RELATION_LIKE = 1,   /**< person to reel */
    REELS_RELATION_SAVE = 2,   /**< person to reel */
    REELS_RELATION_FOLLOW = 3, /**< person to person */
    REELS_RELATION_MUTE = 4,   /**< person to person */
    REELS_RELATION_BLOCK = 5   /**< person to person; also ends follows in both directions */
};

enum {
    REELS_COMMENT_BYTES_MAX = 2000
};

/** Relations and comments over a catalog. @threadsafety internally locked */
typedef struct reels_social reels_social;

/**
 * Opens relations and comments; declares their tables.
 *
 * @param      ctx      context
 * @param      catalog  retained; must outlive the object
 * @param      ids      gives IDs to comments; retained
 * @param      reels    asked whose reel it is and whether it can be seen; retained
 * @param[out] out      the object, NULL on failure
 * @param[out] err      detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_CONFLICT when a stored table differs; REELS_ERR_IO;
 * REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_social_new(reels_ctx *ctx,
                                        reels_catalog *catalog,
                                        reels_id_generator *ids,
                                        reels_reel_store *reels,
                                        reels_social **out,
                                        reels_error *err);

/**
 * Frees the object.
 *
 * @param social  NULL does nothing
 * @ownership     takes social
 * @threadsafety  one thread, when no call uses it
 * @since 0.1
 */
REELS_API void reels_social_free(reels_social *social);

/**
 * Sets or clears a relation. Doing it again changes nothing and publishes nothing.
 *
 * @param      social       social
 * @param      call         deadline and cancel; may be NULL
 * @param      kind         REELS_RELATION_*
 * @param      from_id      person
 * @param      to_id        reel or person
 * @param      on           1 = set, 0 = clear
 * @param[out] out_changed  1 when it was not so before; may be NULL
 * @param[out] err          detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_NOT_FOUND for a reel that does not exist or that the person may not
 * see; REELS_ERR_INVALID_ARG for a relation with oneself; REELS_ERR_NOT_FOUND also to follow,
 * like or save across a block, whichever of the two has set it; REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_relation_set(reels_social *social,
                                          const reels_call *call,
                                          uint32_t kind,
                                          uint64_t from_id,
                                          uint64_t to_id,
                                          int32_t on,
                                          int32_t *out_changed,
                                          reels_error *err);

/**
 * Asks for many relations of one person at once.
 *
 * @param      social    social
 * @param      call      deadline and cancel; may be NULL
 * @param      kind      REELS_RELATION_*
 * @param      from_id   person
 * @param      to_ids    reels or persons
 * @param      to_count  0..10000
 * @param[out] out       to_count bytes: 1 where the relation is there, else 0
 * @param[out] err       detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_relation_has(reels_social *social,
                                          const reels_call *call,
                                          uint32_t kind,
                                          uint64_t from_id,
                                          const uint64_t *to_ids,
                                          size_t to_count,
                                          uint8_t *out,
                                          reels_error *err);

/**
 * Lists the targets of a person's relations, newest first.
 *
 * @param      social     social
 * @param      call       deadline and cancel; may be NULL
 * @param      kind       REELS_RELATION_*
 * @param      from_id    person
 * @param      cursor     in: where the last page ended, empty at first; out: where this one ended,
 * empty at the end
 * @param[out] out        IDs
 * @param      capacity   1..10000
 * @param[out] out_count  how many were written
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread; cursor one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_relation_list(reels_social *social,
                                           const reels_call *call,
                                           uint32_t kind,
                                           uint64_t from_id,
                                           reels_buf *cursor,
                                           uint64_t *out,
                                           size_t capacity,
                                           size_t *out_count,
                                           reels_error *err);

/** A comment. */
typedef struct reels_comment {
    uint32_t struct_size;
    uint32_t reserved0;
    uint64_t id;
    uint64_t reel_id;
    uint64_t person_id;
    int64_t created_unix_us;
    char text[2008]; /**< NUL-terminated UTF-8, up to REELS_COMMENT_BYTES_MAX bytes */
} reels_comment;

/**
 * Adds a comment to a reel.
 *
 * @param      social     social
 * @param      call       deadline and cancel; may be NULL
 * @param      reel_id    reel
 * @param      person_id  who writes
 * @param      text       NUL-terminated UTF-8, 1..REELS_COMMENT_BYTES_MAX bytes, not only white
 * space
 * @param      token      16 bytes: the same token again gives the same comment; NULL = none
 * @param[out] out        the comment as stored, up to out->struct_size
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_NOT_FOUND, also when the creator and the person are apart by a
 * block; REELS_ERR_INVALID_ARG; REELS_ERR_LIMIT for text that is too long; REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_comment_add(reels_social *social,
                                         const reels_call *call,
                                         uint64_t reel_id,
                                         uint64_t person_id,
                                         const char *text,
                                         const uint8_t *token,
                                         reels_comment *out,
                                         reels_error *err);

/**
 * Removes a comment: its author or the reel's creator may.
 *
 * @param      social      social
 * @param      call        deadline and cancel; may be NULL
 * @param      reel_id     reel
 * @param      comment_id  comment
 * @param      person_id   who asks
 * @param[out] err         detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_NOT_FOUND, also for somebody else's comment that the person may not
 * see; REELS_ERR_DENIED; REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_comment_remove(reels_social *social,
                                            const reels_call *call,
                                            uint64_t reel_id,
                                            uint64_t comment_id,
                                            uint64_t person_id,
                                            reels_error *err);

/**
 * Lists the comments of a reel, newest first, without those of persons whom the viewer has blocked
 * or muted or who have blocked the viewer. When the viewer and its creator are apart by a
 * block, there is no such reel.
 *
 * @param      social     social
 * @param      call       deadline and cancel; may be NULL
 * @param      reel_id    reel
 * @param      viewer_id  who reads; 0 = nobody in particular
 * @param      cursor     in: where the last page ended, empty at first; out: where this one ended,
 * empty at the end
 * @param[out] out        records; out[0].struct_size tells the size of each and must be the
 * caller's sizeof(reels_comment)
 * @param      capacity   1..1000
 * @param[out] out_count  how many were written
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_NOT_FOUND; REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread; cursor one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_comment_list(reels_social *social,
                                          const reels_call *call,
                                          uint64_t reel_id,
                                          uint64_t viewer_id,
                                          reels_buf *cursor,
                                          reels_comment *out,
                                          size_t capacity,
                                          size_t *out_count,
                                          reels_error *err);

REELS_END_DECLS

#endif
