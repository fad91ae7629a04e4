/* Owns the way from SQLite to the file system of a context: one SQLite VFS per store, which knows
 * that store's files and no others. */
#ifndef REELS_SRC_BACKEND_SQLITE_VFS_H
#define REELS_SRC_BACKEND_SQLITE_VFS_H

#include <reels/base.h>

/* The name by which connections of this VFS open the store's main file, whatever its path is:
 * nothing in a path can be taken for a URI or for ":memory:". */
#define REELS__SQLITE_FILE "reels.db"

typedef struct reels__sqlite_vfs reels__sqlite_vfs;

/* Makes the file when it is missing, takes its lock (BUSY when another process or store has it) and
 * registers the VFS with SQLite under a name of its own. */
reels_status
reels__sqlite_vfs_new(reels_ctx *ctx, const char *path, reels__sqlite_vfs **out, reels_error *err);

/* All connections must have been closed. NULL does nothing. */
void reels__sqlite_vfs_free(reels__sqlite_vfs *vfs);

const char *reels__sqlite_vfs_name(const reels__sqlite_vfs *vfs);

/* errno behind the latest failure of a file operation, or 0. */
int reels__sqlite_vfs_errno(const reels__sqlite_vfs *vfs);

#endif
