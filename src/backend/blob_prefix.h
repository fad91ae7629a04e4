/* Owns the removing of everything under a prefix of a blob store. */
#ifndef REELS_SRC_BACKEND_BLOB_PREFIX_H
#define REELS_SRC_BACKEND_BLOB_PREFIX_H

#include <reels/backend.h>

/* Removes every object under a prefix. */
reels_status reels__blob_remove_prefix(
    reels_ctx *ctx, reels_blob *blob, const reels_call *call, const char *prefix, reels_error *err);

#endif
