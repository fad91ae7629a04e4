/* Owns resumable uploads: begin, put parts, where did I stop, commit once, abort, expire. Only
 * bytes that are durable are acknowledged. Parts are up to 8 MiB; they may be put in any order and
 * at once, or written as one stream at an offset, as tus does. */
#ifndef REELS_UPLOAD_H
#define REELS_UPLOAD_H

#include <reels/backend.h>
#include <reels/id.h>
#include <reels/reel.h>

REELS_BEGIN_DECLS

enum {
    REELS_UPLOAD_PART_BYTES =
        8388608, /**< 8 MiB: every part but the last has this size when parts are put by number */
    REELS_UPLOAD_PARTS_MAX = 10000,
    REELS_UPLOAD_STREAM_WINDOW_BYTES =
        8388608 /**< a stream's write is made durable piece by piece of at most this size */
};

/**
 * Looks at the first bytes of an upload as soon as they are durable, so that what will be refused
 * is refused at the earliest byte possible (a duration over the limit, a file that is no media).
 *
 * @param      user        as given with the options
 * @param      prefix      all bytes from the start of the file that are there
 * @param      prefix_len  up to the options' check_bytes_max
 * @param      length      length of the whole file; UINT64_MAX when not known yet
 * @param[out] err         the reason; becomes the answer to the client
 * @return REELS_OK: go on, ask no more; REELS_END: cannot tell yet, ask again
 * when there is twice as much or all of it;
 * UNSUPPORTED, LIMIT, CORRUPT, ENCRYPTED, DENIED and INVALID_ARG refuse the upload and erase it;
 * with any other failure it could not be judged: this write takes nothing, and may be tried again
 */
typedef reels_status (*reels_upload_check_fn)(
    void *user, const uint8_t *prefix, size_t prefix_len, uint64_t length, reels_error *err);

/** Options of reels_uploads_new(). */
typedef struct reels_upload_options {
    uint32_t struct_size;
    uint32_t per_person_max;     /**< unfinished uploads of one person; 0 = 16 */
    uint64_t bytes_max;          /**< of one file; 0 = 512 MiB */
    int64_t expires_after_us;    /**< without a new byte; 0 = 24 h */
    uint64_t check_bytes_max;    /**< the check sees at most this prefix; 0 = 2 MiB */
    reels_upload_check_fn check; /**< NULL = none */
    void *check_user;
} reels_upload_options;

/** Uploads over a catalog and a blob store. @threadsafety internally locked */
typedef struct reels_uploads reels_uploads;

/**
 * Opens the uploads of a catalog and a blob store; declares their tables.
 *
 * @param      ctx      context
 * @param      catalog  retained; must outlive the object
 * @param      blob     retained; must outlive the object
 * @param      ids      gives new IDs; retained
 * @param      reels    where new reels are written; retained
 * @param      options  NULL = defaults
 * @param[out] out      the object, NULL on failure
 * @param[out] err      detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_CONFLICT when a stored table differs;
 * REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_uploads_new(reels_ctx *ctx,
                                         reels_catalog *catalog,
                                         reels_blob *blob,
                                         reels_id_generator *ids,
                                         reels_reel_store *reels,
                                         const reels_upload_options *options,
                                         reels_uploads **out,
                                         reels_error *err);

/**
 * Frees the object.
 *
 * @param uploads  NULL does nothing
 * @ownership     takes uploads
 * @threadsafety  one thread, when no call uses it
 * @since 0.1
 */
REELS_API void reels_uploads_free(reels_uploads *uploads);

/** What a client says when it begins. Text is NUL-terminated UTF-8. */
typedef struct reels_upload_begin_request {
    uint32_t struct_size;
    uint32_t visibility;  /**< REELS_VISIBILITY_* */
    uint64_t person_id;   /**< the creator */
    uint64_t length;      /**< of the file; UINT64_MAX = told later */
    const char *filename; /**< up to REELS_FILENAME_BYTES_MAX bytes; may be NULL */
    const char *caption;  /**< up to REELS_CAPTION_BYTES_MAX bytes; may be NULL */
    uint8_t token[16]; /**< all zero = none; the same token of the same person again gives the same
                          upload */
} reels_upload_begin_request;

/**
 * Begins an upload: gives the ID of the new reel, which is also the ID of the upload.
 *
 * @param      uploads     uploads
 * @param      call        deadline and cancel; may be NULL
 * @param      request     what is coming
 * @param[out] out_reel_id the new ID
 * @param[out] err         detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_LIMIT when length or the number of unfinished uploads is too large;
 * REELS_ERR_INVALID_ARG for text that is too long or not UTF-8; REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_upload_begin(reels_uploads *uploads,
                                          const reels_call *call,
                                          const reels_upload_begin_request *request,
                                          uint64_t *out_reel_id,
                                          reels_error *err);

/** Where an upload stands. */
typedef struct reels_upload_info {
    uint32_t struct_size;
    uint32_t parts_count; /**< durable parts */
    uint64_t reel_id;
    uint64_t person_id;
    uint64_t length;        /**< UINT64_MAX = not told yet */
    uint64_t offset;        /**< every byte below it is durable: a stream goes on here */
    uint64_t bytes_durable; /**< also counts parts beyond a hole */
    int64_t created_unix_us;
    int64_t expires_unix_us;
    uint32_t committed; /**< 1: the reel is UPLOADED or further */
    uint32_t reserved0;
} reels_upload_info;

/**
 * Tells where an upload stands.
 *
 * @param      uploads    uploads
 * @param      call       deadline and cancel; may be NULL
 * @param      reel_id    upload
 * @param      person_id  who asks; somebody else's upload is NOT_FOUND
 * @param[out] out        filled up to out->struct_size
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_NOT_FOUND, also when it was aborted or has expired; REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_upload_get(reels_uploads *uploads,
                                        const reels_call *call,
                                        uint64_t reel_id,
                                        uint64_t person_id,
                                        reels_upload_info *out,
                                        reels_error *err);

/**
 * Lists the durable parts: where a client stopped.
 *
 * @param      uploads    uploads
 * @param      call       deadline and cancel; may be NULL
 * @param      reel_id    upload
 * @param      person_id  who asks
 * @param[out] offsets    offsets of the parts in ascending order
 * @param[out] sizes      their sizes in bytes
 * @param      capacity   of both arrays; REELS_UPLOAD_PARTS_MAX is always enough
 * @param[out] out_count  how many there are
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_NOT_FOUND; REELS_ERR_BUFFER_TOO_SMALL with the needed out_count;
 * REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_upload_parts(reels_uploads *uploads,
                                          const reels_call *call,
                                          uint64_t reel_id,
                                          uint64_t person_id,
                                          uint64_t *offsets,
                                          uint64_t *sizes,
                                          size_t capacity,
                                          size_t *out_count,
                                          reels_error *err);

/**
 * Sets the length of an upload that began without one.
 *
 * @param      uploads    uploads
 * @param      call       deadline and cancel; may be NULL
 * @param      reel_id    upload
 * @param      person_id  who asks
 * @param      length     bytes
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK, also when it is the length already; REELS_ERR_CONFLICT when another was told;
 * REELS_ERR_LIMIT; REELS_ERR_NOT_FOUND; REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_upload_set_length(reels_uploads *uploads,
                                               const reels_call *call,
                                               uint64_t reel_id,
                                               uint64_t person_id,
                                               uint64_t length,
                                               reels_error *err);

/**
 * Puts part `number` (from 0): the bytes from number * REELS_UPLOAD_PART_BYTES on. Durable on
 * return. The same part with the same bytes again is OK.
 *
 * @param      uploads    uploads
 * @param      call       deadline and cancel; may be NULL
 * @param      reel_id    upload
 * @param      person_id  who asks
 * @param      number     of the part
 * @param      data       its bytes
 * @param      len        REELS_UPLOAD_PART_BYTES, less for the last
 * @param      digest     checksum the bytes must have; NULL = none given
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_CORRUPT when the checksum differs (nothing is kept); REELS_ERR_EXISTS
 * when the part is there with other bytes; REELS_ERR_LIMIT past the length or a limit;
 * REELS_ERR_STATE after commit; REELS_ERR_NOT_FOUND; REELS_ERR_UNSUPPORTED or another status of the
 * check function when the file is refused (the upload is then gone); REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread; parts of one upload may be put at once
 * @since 0.1
 */
REELS_API reels_status reels_upload_part_put(reels_uploads *uploads,
                                             const reels_call *call,
                                             uint64_t reel_id,
                                             uint64_t person_id,
                                             uint32_t number,
                                             const uint8_t *data,
                                             size_t len,
                                             const reels_digest *digest,
                                             reels_error *err);

/**
 * Writes bytes at an offset, which must be where the upload stands (reels_upload_info.offset).
 * Durable on return, up to *out_offset, also when the reader fails half way: what was read is kept.
 *
 * @param      uploads     uploads
 * @param      call        deadline and cancel; may be NULL
 * @param      reel_id     upload
 * @param      person_id   who asks
 * @param      offset      where the bytes belong
 * @param      reader      gives the bytes; 0 bytes = the end of this write
 * @param      reader_user handed to reader
 * @param      digest      checksum of all bytes of this write; NULL = none given. With a digest the
 * write is all or nothing: nothing is kept unless the reader succeeds and the checksum matches. One
 * of kind REELS_DIGEST_NONE leaves the judging to the reader, for checksums that are not known here
 * @param[out] out_offset  where the upload stands now; written on success and when the reader
 * failed
 * @param[out] err         detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_CONFLICT for another offset; REELS_ERR_BUSY when another write of
 * this upload runs; REELS_ERR_CORRUPT when the checksum differs; REELS_ERR_LIMIT past the length or
 * a limit; REELS_ERR_STATE after commit; REELS_ERR_NOT_FOUND; what the reader or the check function
 * returned; REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_upload_write(reels_uploads *uploads,
                                          const reels_call *call,
                                          uint64_t reel_id,
                                          uint64_t person_id,
                                          uint64_t offset,
                                          reels_reader_fn reader,
                                          void *reader_user,
                                          const reels_digest *digest,
                                          uint64_t *out_offset,
                                          reels_error *err);

/**
 * Commits an upload once: the parts become one blob, the reel becomes UPLOADED, and REEL_UPLOADED
 * is published with it. Committing again is OK.
 *
 * @param      uploads    uploads
 * @param      call       deadline and cancel; may be NULL
 * @param      reel_id    upload
 * @param      person_id  who asks
 * @param      digest     SHA-256 of the whole file; NULL = none given
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_STATE when bytes are missing; REELS_ERR_CORRUPT when the digest
 * differs; REELS_ERR_NOT_FOUND; REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_upload_commit(reels_uploads *uploads,
                                           const reels_call *call,
                                           uint64_t reel_id,
                                           uint64_t person_id,
                                           const reels_digest *digest,
                                           reels_error *err);

/**
 * Aborts an upload: its parts and rows are gone on return. Aborting again is NOT_FOUND.
 *
 * @param      uploads    uploads
 * @param      call       deadline and cancel; may be NULL
 * @param      reel_id    upload
 * @param      person_id  who asks
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_NOT_FOUND; REELS_ERR_STATE after commit; REELS_ERR_BUSY when it
 * is being written too often at this moment; REELS_ERR_IO
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_upload_abort(reels_uploads *uploads,
                                          const reels_call *call,
                                          uint64_t reel_id,
                                          uint64_t person_id,
                                          reels_error *err);

/**
 * Removes uploads that have expired, and what crashes have left: a role to be stepped.
 *
 * @param      uploads      uploads
 * @param      budget_us    wall-clock bound of this step
 * @param[out] out_next_due when it wants to be called again, on reels_ctx_now_mono_us()
 * @param[out] err          detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     none
 * @threadsafety  one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_uploads_expire_step(reels_uploads *uploads,
                                                 int64_t budget_us,
                                                 int64_t *out_next_due,
                                                 reels_error *err);

/**
 * Writes the blob key under which the committed file of a reel lies.
 *
 * @param      reel_id   reel
 * @param[out] out       at least 40 bytes; NUL-terminated
 * @param      capacity  its size
 * @return REELS_OK; REELS_ERR_BUFFER_TOO_SMALL
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_upload_blob_key(uint64_t reel_id, char *out, size_t capacity);

REELS_END_DECLS

#endif
