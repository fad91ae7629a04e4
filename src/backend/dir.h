/* Owns what the backends that keep folders share: paths, folders made durably, small files written
 * atomically, the format mark and the lock against other processes. All disk goes through ctx->fs.
 */
#ifndef REELS_SRC_BACKEND_DIR_H
#define REELS_SRC_BACKEND_DIR_H

#include <reels/base.h>

/* Joins parts by slashes into a new string; NULL when memory is refused. The last argument is NULL.
 */
char *reels__path_join(reels_ctx *ctx, const char *first, ...);

/* Length of the path of the folder that holds `path`: 0 for "name", 1 for "/name". */
size_t reels__path_parent_len(const char *path);

/* sync_dir of the folder that holds `path`. */
reels_status reels__dir_sync_parent(reels_ctx *ctx, const char *path, reels_error *err);

/* Makes a folder and those above it that are missing; each name is durable on return, also where
 * somebody has just made it. Something else of that name is CONFLICT. */
reels_status reels__dir_make_durable(reels_ctx *ctx, const char *path, reels_error *err);

/* Reads a whole file of at most bytes_max bytes (CORRUPT beyond). NOT_FOUND. */
reels_status reels__file_read_small(
    reels_ctx *ctx, const char *path, size_t bytes_max, reels_buf *out, reels_error *err);

/* Replaces a file atomically and durably, by a second name with "~" behind it. One writer of a
 * path at a time. */
reels_status reels__file_write_small(
    reels_ctx *ctx, const char *path, const uint8_t *data, size_t len, reels_error *err);

/* Removes a file that may be missing; the name is not synced. */
reels_status reels__file_remove(reels_ctx *ctx, const char *path, reels_error *err);

/* Opens a store's folder: makes it, locks "<root>/.reels/lock" (BUSY when somebody has it), and
 * reads or writes "<root>/.reels/format", which holds "<name> <version>\n": another name is
 * CORRUPT, a higher version UNSUPPORTED. The lock holds until *out_lock is closed. */
reels_status reels__store_claim(reels_ctx *ctx,
                                const char *root,
                                const char *name,
                                uint32_t version,
                                void **out_lock,
                                reels_error *err);

/* Lists the names of a folder, sorted by their bytes, each with a NUL, folders with a "/" before
 * it. */
struct reels__listing {
    reels_ctx *ctx;
    reels_buf *text;
    size_t *starts;
    size_t count;
    size_t capacity;
    int skip_hidden; /* names that begin with a dot, and what is neither file nor folder */
    reels_error *err;
};

/* The zero state may be disposed. A missing folder is an empty listing. */
reels_status reels__listing_read(struct reels__listing *listing,
                                 reels_ctx *ctx,
                                 const char *path,
                                 int skip_hidden,
                                 reels_error *err);
const char *reels__listing_name(const struct reels__listing *listing, size_t index);
void reels__listing_dispose(struct reels__listing *listing);

#endif
