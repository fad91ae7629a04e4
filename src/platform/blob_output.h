/* Owns the way of produced files into a blob store under a prefix: parts of 8 MiB go out while a
 * file grows, where the store takes parts, and small files by one put. Small text files (playlists)
 * are kept for whoever wants to read them afterwards. One thread at a time. */
#ifndef REELS_SRC_PLATFORM_BLOB_OUTPUT_H
#define REELS_SRC_PLATFORM_BLOB_OUTPUT_H

#include <reels/backend.h>
#include <reels/hls/output.h>

enum {
    REELS__BLOB_OUTPUT_KEPT_MAX = 32,
    REELS__BLOB_OUTPUT_KEPT_BYTES = 256 * 1024,
    REELS__BLOB_OUTPUT_PREFIX_BYTES = 64
};

/* A finished file: its size, and its bytes when it is a small text. */
struct reels__kept_file {
    char name[REELS_OUTPUT_NAME_BYTES_MAX + 1];
    uint64_t bytes;
    reels_buf *text; /* NULL when it was not kept */
};

struct reels__blob_output {
    reels_ctx *ctx;
    reels_blob *blob;
    char prefix[REELS__BLOB_OUTPUT_PREFIX_BYTES];
    struct reels__kept_file kept[REELS__BLOB_OUTPUT_KEPT_MAX];
    size_t kept_count;
};

/* prefix ends with '/'. */
void reels__blob_output_init(struct reels__blob_output *output,
                             reels_ctx *ctx,
                             reels_blob *blob,
                             const char *prefix);
void reels__blob_output_dispose(struct reels__blob_output *output);

/* The table; its impl is the struct. */
const reels_output_vtable *reels__blob_output_table(void);

/* The finished file of that name, or NULL. */
const struct reels__kept_file *reels__blob_output_find(const struct reels__blob_output *output,
                                                       const char *name);

/* Removes every object under a prefix. */
reels_status reels__blob_remove_prefix(
    reels_ctx *ctx, reels_blob *blob, const reels_call *call, const char *prefix, reels_error *err);

#endif
