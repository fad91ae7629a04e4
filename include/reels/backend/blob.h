/* Owns the blob port: immutable objects by key. An object is there in full or not at all, never
 * changes once it is there, and is durable when its put has returned. */
#ifndef REELS_BACKEND_BLOB_H
#define REELS_BACKEND_BLOB_H

#include <reels/base.h>

REELS_BEGIN_DECLS

enum {
    REELS_BLOB_KEY_BYTES_MAX = 1024,    /**< a key, without its NUL */
    REELS_BLOB_SEGMENT_BYTES_MAX = 255, /**< what stands between two slashes of a key */
    REELS_BLOB_ETAG_BYTES_MAX = 127,    /**< an etag, without its NUL */
    REELS_BLOB_UPLOAD_BYTES_MAX = 1023, /**< the name of a multipart upload, without its NUL */
    REELS_BLOB_PARTS_MAX = 10000,       /**< parts of one multipart upload */
    REELS_BLOB_BATCH_MAX = 1000,        /**< keys of one remove, entries of one list */
    REELS_BLOB_PART_BYTES_MIN = 5242880 /**< every part but the last has at least 5 MiB */
};

enum {
    REELS_DIGEST_NONE = 0,
    REELS_DIGEST_SHA256 = 1, /**< 32 bytes */
    REELS_DIGEST_CRC32C = 2, /**< 4 bytes, big-endian; Castagnoli, as RFC 3720 and S3 have it */
    REELS_DIGEST_XXH3_64 = 3 /**< 8 bytes, big-endian (XXH64_canonical_t); seed 0 */
};

/** A checksum of some bytes. What is behind the bytes of its kind is zero. */
typedef struct reels_digest {
    uint32_t kind; /**< REELS_DIGEST_* */
    uint32_t reserved0;
    uint8_t bytes[32];
} reels_digest;

/** Where the bytes of an object or part come from. */
typedef struct reels_blob_source {
    uint32_t struct_size;
    uint32_t reserved0;
    uint64_t length_bytes; /**< reader gives exactly that many */
    reels_reader_fn reader;
    void *reader_user;
    reels_digest digest; /**< what the bytes must have; kind NONE = not known */
} reels_blob_source;

/** What a store knows of an object. */
typedef struct reels_blob_info {
    uint32_t struct_size;
    uint32_t reserved0;
    uint64_t size_bytes;
    int64_t modified_unix_us;
    char etag[128]; /**< printable ASCII without quotes; another one when other bytes stand there */
} reels_blob_info;

/** Called by list for each object; another status than REELS_OK ends the listing with it. */
typedef reels_status (*reels_blob_entry_fn)(void *user,
                                            const char *key,
                                            const reels_blob_info *info);

/** One acknowledged part of a multipart upload. */
typedef struct reels_blob_part {
    uint32_t number; /**< 1..REELS_BLOB_PARTS_MAX */
    uint32_t reserved0;
    uint64_t size_bytes;
    reels_digest digest; /**< as it was given with the part; kind NONE when none was */
} reels_blob_part;

/** Called by part_list for each part, by number; another status than REELS_OK ends the listing. */
typedef reels_status (*reels_blob_part_fn)(void *user, const reels_blob_part *part);

enum {
    REELS_BLOB_URL_GET = 1,
    REELS_BLOB_URL_PUT = 2,
    REELS_BLOB_URL_PART = 3 /**< one URL for each part number of the range */
};

/** Asks for URLs that a client may use directly. */
typedef struct reels_blob_url_request {
    uint32_t struct_size;
    uint32_t method; /**< REELS_BLOB_URL_* */
    const char *key;
    const char *upload; /**< PART only */
    uint32_t part_first;
    uint32_t parts_count;
    int64_t expires_unix_us;
} reels_blob_url_request;

enum {
    REELS_BLOB_HAS_PARTS = 1, /**< all five part slots are there */
    REELS_BLOB_HAS_URL = 2
};

/**
 * The blob port. All slots may block, calls come from any thread and overlap, none may call back
 * into the store. Pointers are borrowed for the call. Keys, limits and struct sizes have been
 * checked by the library; readers and sinks that are handed in check lengths and digests by
 * themselves: a slot passes their failures on unchanged and leaves nothing behind. Consistency:
 * read-after-write. What put or part_commit has acknowledged is durable and seen by every get, head
 * and list that begins afterwards, on any thread.
 */
typedef struct reels_blob_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    /** must; once, after a successful registration */
    void (*destroy)(void *impl);

    /** must. Stores an object, atomically and durably. The key with the same bytes is OK and
     * changes nothing; with other bytes EXISTS. CONFLICT when the store cannot hold both this key
     * and another one that is a folder of it. out_info is written on OK. */
    reels_status (*put)(void *impl,
                        const reels_call *call,
                        const char *key,
                        const reels_blob_source *source,
                        reels_blob_info *out_info,
                        reels_error *err);

    /** must. Gives length bytes from offset on to the sink, in order; what lies behind the end is
     * not given. out_info (never NULL) is written before the first byte. NOT_FOUND. */
    reels_status (*get)(void *impl,
                        const reels_call *call,
                        const char *key,
                        uint64_t offset,
                        uint64_t length_bytes,
                        reels_sink_fn sink,
                        void *sink_user,
                        reels_blob_info *out_info,
                        reels_error *err);

    /** must. NOT_FOUND. */
    reels_status (*head)(void *impl,
                         const reels_call *call,
                         const char *key,
                         reels_blob_info *out_info,
                         reels_error *err);

    /** must. Removes objects; one that is not there is no failure. Durable on return. After a
     * failure any of them may be gone, none is damaged. */
    reels_status (*remove)(void *impl,
                           const reels_call *call,
                           const char *const *keys,
                           size_t keys_count,
                           reels_error *err);

    /** must. Gives up to limit objects whose keys begin with prefix and stand behind `after` (""
     * = from the start, never NULL), in order of their bytes. */
    reels_status (*list)(void *impl,
                         const reels_call *call,
                         const char *prefix,
                         const char *after,
                         uint32_t limit,
                         reels_blob_entry_fn entry,
                         void *entry_user,
                         reels_error *err);

    /** may, with the other four part slots. Begins an upload of parts of part_size_bytes each, the
     * last one shorter or equal, and appends the upload's name (text, no NUL) to out_upload.
     * Durable. Fallback: the upload engine puts parts as objects of their own and joins them by a
     * put. */
    reels_status (*part_begin)(void *impl,
                               const reels_call *call,
                               const char *key,
                               uint64_t part_size_bytes,
                               reels_buf *out_upload,
                               reels_error *err);

    /** may. Stores a part, in any order and overlapping with others; durable on return. An
     * acknowledged part never changes: the same bytes again are OK, others EXISTS. BUSY while the
     * same part is being put by another call. NOT_FOUND for an upload that is unknown or over. */
    reels_status (*part_put)(void *impl,
                             const reels_call *call,
                             const char *key,
                             const char *upload,
                             uint32_t number,
                             const reels_blob_source *source,
                             reels_error *err);

    /** may. Gives the acknowledged parts with numbers above `after`, by number, up to limit.
     * NOT_FOUND for an upload that is unknown or over. */
    reels_status (*part_list)(void *impl,
                              const reels_call *call,
                              const char *key,
                              const char *upload,
                              uint32_t after,
                              uint32_t limit,
                              reels_blob_part_fn part,
                              void *part_user,
                              reels_error *err);

    /** may. Makes the object of parts 1..parts_count, which must be all that were acknowledged,
     * else STATE. Atomic and durable; the same commit again within 24 hours is OK with the same
     * info. When the key is there already the rule of put holds. NOT_FOUND for an unknown upload.
     */
    reels_status (*part_commit)(void *impl,
                                const reels_call *call,
                                const char *key,
                                const char *upload,
                                uint32_t parts_count,
                                reels_blob_info *out_info,
                                reels_error *err);

    /** may. Forgets an upload and its parts; OK also when it is unknown or committed. */
    reels_status (*part_abort)(
        void *impl, const reels_call *call, const char *key, const char *upload, reels_error *err);

    /** may. Appends one URL per line, each ended by "\n". Fallback: bytes go through the host. */
    reels_status (*url)(void *impl,
                        const reels_call *call,
                        const reels_blob_url_request *request,
                        reels_buf *out_urls,
                        reels_error *err);
} reels_blob_vtable;

/** A blob store. @threadsafety internally locked */
typedef struct reels_blob reels_blob;

/**
 * Makes a blob store from a host's table.
 *
 * @param      ctx     context
 * @param      vtable  copied
 * @param      impl    handed to every slot
 * @param[out] out     the store, NULL on failure
 * @param[out] err     detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG when a must slot is missing or only some of the part
 * slots are there; REELS_ERR_UNSUPPORTED for a newer table; REELS_ERR_NO_MEMORY
 * @ownership     takes impl on success: destroy is called once by reels_blob_free()
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_blob_new(reels_ctx *ctx,
                                      const reels_blob_vtable *vtable,
                                      void *impl,
                                      reels_blob **out,
                                      reels_error *err);

/**
 * Opens a blob store by URL: "file:PATH" (a folder, made when missing; one opener at a time, others
 * get REELS_ERR_BUSY), "mem:" (forgets at free), or a scheme an adapter has registered.
 *
 * @param      ctx  context
 * @param      url  scheme and rest
 * @param[out] out  the store, NULL on failure
 * @param[out] err  detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for a malformed URL; REELS_ERR_UNSUPPORTED for an unknown
 * scheme or a folder written by a newer version; REELS_ERR_BUSY; REELS_ERR_IO; REELS_ERR_CORRUPT;
 *         REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_blob_open(reels_ctx *ctx,
                                       const char *url,
                                       reels_blob **out,
                                       reels_error *err);

/**
 * Frees a blob store.
 *
 * @param blob  NULL does nothing
 * @ownership     takes blob
 * @threadsafety  one thread, when no call uses it
 * @since 0.1
 */
REELS_API void reels_blob_free(reels_blob *blob);

/**
 * Tells which optional slots the store has.
 *
 * @param blob  store
 * @return REELS_BLOB_HAS_* flags
 * @ownership     none
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API uint32_t reels_blob_features(const reels_blob *blob);

/**
 * Tells whether text is a legal key: 1 to 1024 bytes of [a-zA-Z0-9._/-], in segments between
 * slashes of 1 to 255 bytes of which none begins with a dot. So no key leaves its folder or hides
 * in it.
 *
 * @param key  NUL-terminated text
 * @return 1 when it is, else 0
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API int32_t reels_blob_key_is_valid(const char *key);

/**
 * Puts an object; see reels_blob_vtable.put. Length and digest are checked while the bytes pass.
 *
 * @param      blob      store
 * @param      call      deadline and cancel; may be NULL
 * @param      key       see reels_blob_key_is_valid()
 * @param      source    the bytes
 * @param[out] out_info  size, etag and time; may be NULL
 * @param[out] err       detail on failure; may be NULL
 * @return REELS_OK, also when the same bytes are there already; REELS_ERR_EXISTS when others are;
 *         REELS_ERR_CORRUPT when the bytes do not have the digest; REELS_ERR_INVALID_ARG, also when
 * the reader gives too few bytes; REELS_ERR_CONFLICT; REELS_ERR_IO; REELS_ERR_TIMEOUT;
 *         REELS_ERR_CANCELLED; REELS_ERR_NO_MEMORY; or what the reader returned
 * @ownership     borrowed for the call; the reader is called on this thread
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_blob_put(reels_blob *blob,
                                      const reels_call *call,
                                      const char *key,
                                      const reels_blob_source *source,
                                      reels_blob_info *out_info,
                                      reels_error *err);

/**
 * Puts an object from memory: reels_blob_put() with a reader over data.
 *
 * @param      blob      store
 * @param      call      deadline and cancel; may be NULL
 * @param      key       see reels_blob_key_is_valid()
 * @param      data      bytes; may be NULL when len is 0
 * @param      len       how many
 * @param[out] out_info  size, etag and time; may be NULL
 * @param[out] err       detail on failure; may be NULL
 * @return as reels_blob_put()
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_blob_put_bytes(reels_blob *blob,
                                            const reels_call *call,
                                            const char *key,
                                            const uint8_t *data,
                                            size_t len,
                                            reels_blob_info *out_info,
                                            reels_error *err);

/**
 * Gets bytes of an object; what lies behind its end is not given.
 *
 * @param      blob          store
 * @param      call          deadline and cancel; may be NULL
 * @param      key           object
 * @param      offset        first byte
 * @param      length_bytes  how many at most; UINT64_MAX = to the end
 * @param      sink          takes the bytes, in order
 * @param      sink_user     handed to sink
 * @param[out] out_info      size, etag and time, written before the first byte is given; may be
 * NULL
 * @param[out] err           detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_NOT_FOUND; REELS_ERR_INVALID_ARG; REELS_ERR_CORRUPT when the store
 * gave fewer bytes than it should; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED; or what
 * the sink returned
 * @ownership     borrowed for the call; the sink is called on this thread
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_blob_get(reels_blob *blob,
                                      const reels_call *call,
                                      const char *key,
                                      uint64_t offset,
                                      uint64_t length_bytes,
                                      reels_sink_fn sink,
                                      void *sink_user,
                                      reels_blob_info *out_info,
                                      reels_error *err);

/**
 * Appends a whole object to a buffer: reels_blob_get() with a sink into it.
 *
 * @param      blob  store
 * @param      call  deadline and cancel; may be NULL
 * @param      key   object
 * @param      buf   the bytes are appended; as it was on failure
 * @param[out] err   detail on failure; may be NULL
 * @return as reels_blob_get(); REELS_ERR_LIMIT when the buffer may not hold it
 * @ownership     borrowed for the call
 * @threadsafety  any thread; buf one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_blob_get_bytes(
    reels_blob *blob, const reels_call *call, const char *key, reels_buf *buf, reels_error *err);

/**
 * Reads bytes of an object into memory: reels_blob_get() with a sink that copies.
 *
 * @param      blob      store
 * @param      call      deadline and cancel; may be NULL
 * @param      key       object
 * @param      offset    first byte
 * @param[out] data      takes the bytes; room for capacity bytes; NULL only with a capacity of 0
 * @param      capacity  how many at most
 * @param[out] out_len   bytes read, fewer than capacity only where the object ends; 0 on failure
 * @param[out] err       detail on failure; may be NULL
 * @return as reels_blob_get()
 * @ownership     data belongs to the caller; on failure its contents are undefined
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_blob_read(reels_blob *blob,
                                       const reels_call *call,
                                       const char *key,
                                       uint64_t offset,
                                       uint8_t *data,
                                       size_t capacity,
                                       size_t *out_len,
                                       reels_error *err);

/**
 * Tells size, etag and time of an object.
 *
 * @param      blob      store
 * @param      call      deadline and cancel; may be NULL
 * @param      key       object
 * @param[out] out_info  filled up to its struct_size
 * @param[out] err       detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_NOT_FOUND; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT;
 * REELS_ERR_CANCELLED
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_blob_head(reels_blob *blob,
                                       const reels_call *call,
                                       const char *key,
                                       reels_blob_info *out_info,
                                       reels_error *err);

/**
 * Removes objects; one that is not there is no failure.
 *
 * @param      blob        store
 * @param      call        deadline and cancel; may be NULL
 * @param      keys        objects
 * @param      keys_count  0..REELS_BLOB_BATCH_MAX
 * @param[out] err         detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED;
 * after a failure any of them may be gone
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_blob_remove(reels_blob *blob,
                                         const reels_call *call,
                                         const char *const *keys,
                                         size_t keys_count,
                                         reels_error *err);

/**
 * Lists objects in order of their keys' bytes. The next page begins after the last key of this one;
 * what is put or removed meanwhile may or may not be seen.
 *
 * @param      blob        store
 * @param      call        deadline and cancel; may be NULL
 * @param      prefix      keys begin with it; "" = all. Same characters as a key
 * @param      after       keys stand behind it; NULL = from the start
 * @param      limit       1..REELS_BLOB_BATCH_MAX
 * @param      entry       called for each object
 * @param      entry_user  handed to entry
 * @param[out] err         detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED;
 * REELS_ERR_NO_MEMORY; or what entry returned
 * @ownership     borrowed for the call; entry is called on this thread
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_blob_list(reels_blob *blob,
                                       const reels_call *call,
                                       const char *prefix,
                                       const char *after,
                                       uint32_t limit,
                                       reels_blob_entry_fn entry,
                                       void *entry_user,
                                       reels_error *err);

/**
 * Begins a multipart upload.
 *
 * @param      blob             store with REELS_BLOB_HAS_PARTS
 * @param      call             deadline and cancel; may be NULL
 * @param      key              object that will be made
 * @param      part_size_bytes  size of every part but the last, 5 MiB to 5 GiB
 * @param      out_upload       cleared, then holds the upload's name
 * @param[out] err              detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_UNSUPPORTED without REELS_BLOB_HAS_PARTS; REELS_ERR_INVALID_ARG;
 * REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread; out_upload one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_blob_part_begin(reels_blob *blob,
                                             const reels_call *call,
                                             const char *key,
                                             uint64_t part_size_bytes,
                                             reels_buf *out_upload,
                                             reels_error *err);

/**
 * Puts a part, in any order; durable on return.
 *
 * @param      blob    store
 * @param      call    deadline and cancel; may be NULL
 * @param      key     as begun
 * @param      upload  as begun
 * @param      number  1..REELS_BLOB_PARTS_MAX
 * @param      source  the bytes, with the digest the client sent or none
 * @param[out] err     detail on failure; may be NULL
 * @return REELS_OK, also when the same bytes are there already; REELS_ERR_EXISTS when others are;
 *         REELS_ERR_CORRUPT when the bytes do not have the digest; REELS_ERR_BUSY while the same
 * part is being put; REELS_ERR_NOT_FOUND for an unknown upload; REELS_ERR_LIMIT for more bytes than
 * a part has; REELS_ERR_UNSUPPORTED; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT;
 * REELS_ERR_CANCELLED; REELS_ERR_NO_MEMORY; or what the reader returned
 * @ownership     borrowed for the call; the reader is called on this thread
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_blob_part_put(reels_blob *blob,
                                           const reels_call *call,
                                           const char *key,
                                           const char *upload,
                                           uint32_t number,
                                           const reels_blob_source *source,
                                           reels_error *err);

/**
 * Tells which parts are acknowledged, so that a client can go on where it stopped.
 *
 * @param      blob       store
 * @param      call       deadline and cancel; may be NULL
 * @param      key        as begun
 * @param      upload     as begun
 * @param      after      only numbers above it; 0 = from the start
 * @param      limit      1..REELS_BLOB_PARTS_MAX
 * @param      part       called for each, by number
 * @param      part_user  handed to part
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_NOT_FOUND for an upload that is unknown or over;
 * REELS_ERR_UNSUPPORTED; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT;
 * REELS_ERR_CANCELLED; or what part returned
 * @ownership     borrowed for the call; part is called on this thread
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_blob_part_list(reels_blob *blob,
                                            const reels_call *call,
                                            const char *key,
                                            const char *upload,
                                            uint32_t after,
                                            uint32_t limit,
                                            reels_blob_part_fn part,
                                            void *part_user,
                                            reels_error *err);

/**
 * Makes the object of all its parts, atomically; the same commit again within 24 hours gives the
 * same answer.
 *
 * @param      blob         store
 * @param      call         deadline and cancel; may be NULL
 * @param      key          as begun
 * @param      upload       as begun
 * @param      parts_count  parts 1..parts_count make the object
 * @param[out] out_info     size, etag and time; may be NULL
 * @param[out] err          detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_STATE when a part is missing, too short or too many are there;
 *         REELS_ERR_EXISTS when the key holds other bytes; REELS_ERR_NOT_FOUND for an unknown
 * upload; REELS_ERR_CONFLICT; REELS_ERR_UNSUPPORTED; REELS_ERR_INVALID_ARG; REELS_ERR_IO;
 * REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_blob_part_commit(reels_blob *blob,
                                              const reels_call *call,
                                              const char *key,
                                              const char *upload,
                                              uint32_t parts_count,
                                              reels_blob_info *out_info,
                                              reels_error *err);

/**
 * Forgets an upload and its parts; OK also when it is unknown or committed.
 *
 * @param      blob    store
 * @param      call    deadline and cancel; may be NULL
 * @param      key     as begun
 * @param      upload  as begun
 * @param[out] err     detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_BUSY while a part is being put; REELS_ERR_UNSUPPORTED;
 * REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_blob_part_abort(reels_blob *blob,
                                             const reels_call *call,
                                             const char *key,
                                             const char *upload,
                                             reels_error *err);

/**
 * Asks the store for URLs that a client may use directly.
 *
 * @param      blob      store with REELS_BLOB_HAS_URL
 * @param      call      deadline and cancel; may be NULL
 * @param      request   what for
 * @param      out_urls  cleared, then holds one URL per line
 * @param[out] err       detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_UNSUPPORTED without REELS_BLOB_HAS_URL; REELS_ERR_INVALID_ARG;
 * REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread; out_urls one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_blob_url(reels_blob *blob,
                                      const reels_call *call,
                                      const reels_blob_url_request *request,
                                      reels_buf *out_urls,
                                      reels_error *err);

REELS_END_DECLS

#endif
