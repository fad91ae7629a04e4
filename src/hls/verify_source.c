/* Owns the reading of a tree from a directory. The file read last stays open, because a playlist
 * names ranges of one file again and again. Symbolic links are not followed at any level. */
#include <stdio.h>
#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "verify_internal.h"

enum {
    PATH_BYTES_MAX = 8192
};

struct directory {
    reels_ctx *ctx;
    char *path; /* root, a slash, and room for a name */
    size_t root_len;
    void *file; /* open, or NULL */
    uint64_t file_bytes;
    char file_name[REELS__VERIFY_PATH_BYTES_MAX];
};

static void close_file(struct directory *dir)
{
    reels_fs *fs = &dir->ctx->fs;
    if (dir->file != NULL) {
        fs->close(fs->user, dir->file);
    }
    dir->file = NULL;
    dir->file_name[0] = '\0';
}

/* Every folder on the way is a folder, and the end is a file. */
static reels_status check_kinds(struct directory *dir, reels_error *err)
{
    reels_fs *fs = &dir->ctx->fs;
    char *at = dir->path + dir->root_len + 1;
    for (;;) {
        reels_fs_info info = {0};
        char *slash = strchr(at, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
        reels_status status = fs->info(fs->user, dir->path, &info, err);
        if (slash != NULL) {
            *slash = '/';
        }
        REELS_TRY(status);
        uint32_t kind = slash != NULL ? REELS_FS_KIND_DIRECTORY : REELS_FS_KIND_FILE;
        if (info.kind != kind) {
            return reels__fail(err, REELS_ERR_UNSUPPORTED, "it is not a regular file");
        }
        if (slash == NULL) {
            dir->file_bytes = info.size_bytes;
            return REELS_OK;
        }
        at = slash + 1;
    }
}

static reels_status open_file(struct directory *dir, const char *name, reels_error *err)
{
    reels_fs *fs = &dir->ctx->fs;
    if (dir->file != NULL && strcmp(dir->file_name, name) == 0) {
        return REELS_OK;
    }
    close_file(dir);
    REELS_REQUIRE(strlen(name) < sizeof dir->file_name, err, "verify: the name is too long");
    (void)snprintf(dir->path + dir->root_len, REELS__VERIFY_PATH_BYTES_MAX + 1, "/%s", name);
    REELS_TRY(check_kinds(dir, err));
    REELS_TRY(fs->open(fs->user, dir->path, REELS_FS_READ, &dir->file, err));
    memcpy(dir->file_name, name, strlen(name) + 1);
    return REELS_OK;
}

static reels_status
directory_size(void *impl, const char *name, uint64_t *out_bytes, reels_error *err)
{
    struct directory *dir = impl;
    REELS_TRY(open_file(dir, name, err));
    *out_bytes = dir->file_bytes;
    return REELS_OK;
}

static reels_status directory_read(
    void *impl, const char *name, uint64_t offset, uint8_t *data, size_t len, reels_error *err)
{
    struct directory *dir = impl;
    reels_fs *fs = &dir->ctx->fs;
    size_t got = 0;
    REELS_TRY(open_file(dir, name, err));
    REELS_TRY(fs->read_at(fs->user, dir->file, offset, data, len, &got, err));
    if (got != len) {
        return reels__fail(err, REELS_ERR_IO, "the file ended while it was read");
    }
    return REELS_OK;
}

reels_status reels__verify_directory_source(reels_ctx *ctx,
                                            const char *path,
                                            reels_verify_source_vtable *out_table,
                                            void **out_impl,
                                            reels_error *err)
{
    reels_fs_info info = {0};
    size_t len = strlen(path);
    REELS_REQUIRE(len > 0 && len < PATH_BYTES_MAX, err, "verify: the path is not 1 to 8191 bytes");
    REELS_TRY(ctx->fs.info(ctx->fs.user, path, &info, err));
    if (info.kind == REELS_FS_KIND_FILE) {
        return reels__fail(err, REELS_ERR_NOT_FOUND, "verify: %s is not a directory", path);
    }
    struct directory *dir = reels__mem_zalloc(ctx, sizeof *dir);
    if (dir == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "verify: no memory");
    }
    dir->ctx = ctx;
    dir->root_len = len;
    dir->path = reels__mem_alloc(ctx, len + 1 + REELS__VERIFY_PATH_BYTES_MAX + 1);
    if (dir->path == NULL) {
        reels__verify_directory_dispose(dir);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "verify: no memory");
    }
    memcpy(dir->path, path, len + 1);
    *out_table = (reels_verify_source_vtable){
        .struct_size = sizeof *out_table, .size = directory_size, .read = directory_read};
    *out_impl = dir;
    return REELS_OK;
}

void reels__verify_directory_dispose(void *impl)
{
    struct directory *dir = impl;
    close_file(dir);
    reels__mem_free(dir->ctx, dir->path);
    reels__mem_free(dir->ctx, dir);
}
