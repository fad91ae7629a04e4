/* Owns the bytes of one medium, wherever they are: a path opened through the file-system hook of
 * the context, memory, or a host's read callback. */
#ifndef REELS_SRC_MEDIA_SOURCE_H
#define REELS_SRC_MEDIA_SOURCE_H

#include <reels/media.h>

typedef struct reels__media_source {
    reels_ctx *ctx;
    void *file;          /* of the fs hook, when opened by path */
    const uint8_t *data; /* borrowed, when in memory */
    reels_media_read_fn read_at;
    void *user;
    uint64_t size_bytes;
} reels__media_source;

/* Opens an input; LIMIT when it is larger than bytes_max. The zero state may be closed. */
reels_status reels__media_source_open(reels__media_source *source,
                                      reels_ctx *ctx,
                                      const reels_media_input *input,
                                      uint64_t bytes_max,
                                      reels_error *err);

/* Reads up to len bytes; fewer only at the end. */
reels_status reels__media_source_read(reels__media_source *source,
                                      uint64_t offset,
                                      uint8_t *data,
                                      size_t len,
                                      size_t *out_len,
                                      reels_error *err);

void reels__media_source_close(reels__media_source *source);

#endif
