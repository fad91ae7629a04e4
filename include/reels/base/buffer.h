/* Owns the growing byte buffer in which outputs of unknown size are handed back. */
#ifndef REELS_BASE_BUFFER_H
#define REELS_BASE_BUFFER_H

#include <reels/base/ctx.h>

REELS_BEGIN_DECLS

/**
 * Bytes that grow up to a stated limit, with a NUL always after the end.
 *
 * @threadsafety one thread at a time
 */
typedef struct reels_buf reels_buf;

/**
 * Makes an empty buffer.
 *
 * @param      ctx        context
 * @param      bytes_max  it never holds more; 0 = 64 MiB
 * @param[out] out        the buffer, NULL on failure
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_buf_new(reels_ctx *ctx,
                                     size_t bytes_max,
                                     reels_buf **out,
                                     reels_error *err);

/**
 * Frees a buffer.
 *
 * @param buf  NULL does nothing
 * @ownership     takes buf
 * @threadsafety  one thread at a time per buffer
 * @since 0.1
 */
REELS_API void reels_buf_free(reels_buf *buf);

/**
 * Appends bytes; all or none.
 *
 * @param      buf   buffer
 * @param      data  bytes; may be NULL when len is 0
 * @param      len   how many
 * @param[out] err   detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_LIMIT past bytes_max; REELS_ERR_NO_MEMORY
 * @ownership     data is copied
 * @threadsafety  one thread at a time per buffer
 * @since 0.1
 */
REELS_API reels_status reels_buf_append(reels_buf *buf,
                                        const uint8_t *data,
                                        size_t len,
                                        reels_error *err);

/**
 * Forgets the bytes and keeps the memory.
 *
 * @param buf  buffer
 * @ownership     none
 * @threadsafety  one thread at a time per buffer
 * @since 0.1
 */
REELS_API void reels_buf_clear(reels_buf *buf);

/**
 * Gives the bytes, with a NUL after the last one.
 *
 * @param buf  buffer
 * @return never NULL
 * @ownership     borrowed until the next append, clear or free
 * @threadsafety  one thread at a time per buffer
 * @since 0.1
 */
REELS_API const uint8_t *reels_buf_data(const reels_buf *buf);

/**
 * Gives the number of bytes, without the NUL.
 *
 * @param buf  buffer
 * @return bytes
 * @ownership     none
 * @threadsafety  one thread at a time per buffer
 * @since 0.1
 */
REELS_API size_t reels_buf_len(const reels_buf *buf);

/** Gives bytes to the library: writes up to capacity and says how many; 0 bytes = the end. */
typedef reels_status (*reels_reader_fn)(
    void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err);

/** Takes bytes from the library, all of them or failure. data is borrowed for the call. */
typedef reels_status (*reels_sink_fn)(void *user,
                                      const uint8_t *data,
                                      size_t len,
                                      reels_error *err);

REELS_END_DECLS

#endif
