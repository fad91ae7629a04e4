/* Owns the output into a directory. A file grows under a hidden temporary name that ends in random
 * digits, is synced, renamed and its name synced; only then does anybody see it. */
#include <stdio.h>
#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "output_internal.h"

enum {
    PATH_BYTES_MAX = 4096,
    SUFFIX_BYTES = 6
};

struct directory {
    reels_output base;
    char *path;
    uint32_t made; /* 1 when the directory was not there before */
};

struct file {
    void *handle;
    uint64_t bytes;
    char name[REELS_OUTPUT_NAME_BYTES_MAX + 1];
    char temporary[REELS_OUTPUT_NAME_BYTES_MAX + 32];
};

static char *path_join(const struct directory *dir, const char *name, reels_error *err)
{
    size_t len = strlen(dir->path) + 1 + strlen(name) + 1;
    char *path = reels__mem_alloc(dir->base.ctx, len);
    if (path == NULL) {
        (void)reels__fail(err, REELS_ERR_NO_MEMORY, "output: no memory for a path");
        return NULL;
    }
    (void)snprintf(path, len, "%s/%s", dir->path, name);
    return path;
}

static reels_status name_temporary(struct directory *dir, struct file *file, reels_error *err)
{
    uint8_t random[SUFFIX_BYTES];
    char digits[2 * SUFFIX_BYTES + 1];
    REELS_TRY(reels__random_fill(dir->base.ctx, random, sizeof random, err));
    for (size_t i = 0; i < sizeof random; i++) {
        (void)snprintf(digits + 2 * i, 3, "%02x", random[i]);
    }
    (void)snprintf(file->temporary, sizeof file->temporary, ".%s.%s", file->name, digits);
    return REELS_OK;
}

static reels_status refuse_existing(struct directory *dir, const char *name, reels_error *err)
{
    if ((dir->base.flags & REELS_OUTPUT_REPLACE) != 0) {
        return REELS_OK;
    }
    char *path = path_join(dir, name, err);
    if (path == NULL) {
        return REELS_ERR_NO_MEMORY;
    }
    reels_fs *fs = &dir->base.ctx->fs;
    reels_fs_info info = {0};
    reels_error found = REELS__ERROR_INIT;
    reels_status status = fs->info(fs->user, path, &info, &found);
    reels__mem_free(dir->base.ctx, path);
    if (status == REELS_OK) {
        return reels__fail(err, REELS_ERR_EXISTS, "output: %s is there already", name);
    }
    if (status != REELS_ERR_NOT_FOUND) {
        return reels__fail(err, status, "output: %s: %s", name, found.message);
    }
    return REELS_OK;
}

static reels_status directory_begin(
    void *impl, const char *name, const char *content_type, void **out_file, reels_error *err)
{
    struct directory *dir = impl;
    reels_fs *fs = &dir->base.ctx->fs;
    (void)content_type;
    *out_file = NULL;
    REELS_REQUIRE(reels_output_name_is_valid(name), err, "output: the file name is not valid");
    REELS_TRY(refuse_existing(dir, name, err));
    REELS_TRY(reels__output_names_reserve(&dir->base, err));
    struct file *file = reels__mem_zalloc(dir->base.ctx, sizeof *file);
    if (file == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "output: no memory for a file");
    }
    char *path = NULL;
    memcpy(file->name, name, strlen(name) + 1);
    reels_status status = name_temporary(dir, file, err);
    if (status == REELS_OK) {
        path = path_join(dir, file->temporary, err);
        status = path != NULL ? REELS_OK : REELS_ERR_NO_MEMORY;
    }
    if (status == REELS_OK) {
        uint32_t flags = REELS_FS_WRITE | REELS_FS_CREATE | REELS_FS_EXCLUSIVE;
        status = fs->open(fs->user, path, flags, &file->handle, err);
    }
    reels__mem_free(dir->base.ctx, path);
    if (status != REELS_OK) {
        reels__mem_free(dir->base.ctx, file);
        return status;
    }
    dir->base.files_open++;
    *out_file = file;
    return REELS_OK;
}

static reels_status
directory_write(void *impl, void *opaque, const uint8_t *data, size_t len, reels_error *err)
{
    struct directory *dir = impl;
    struct file *file = opaque;
    reels_fs *fs = &dir->base.ctx->fs;
    REELS_TRY(fs->write_at(fs->user, file->handle, file->bytes, data, len, err));
    file->bytes += len;
    return REELS_OK;
}

/* Best effort: the file is being given up, and what made that so is reported elsewhere. */
static void remove_name(struct directory *dir, const char *name)
{
    reels_fs *fs = &dir->base.ctx->fs;
    char *path = path_join(dir, name, NULL);
    if (path != NULL) {
        (void)fs->remove(fs->user, path, NULL);
        reels__mem_free(dir->base.ctx, path);
    }
}

static void directory_abort(void *impl, void *opaque)
{
    struct directory *dir = impl;
    struct file *file = opaque;
    reels_fs *fs = &dir->base.ctx->fs;
    if (file->handle != NULL) {
        fs->close(fs->user, file->handle);
    }
    remove_name(dir, file->temporary);
    reels__mem_free(dir->base.ctx, file);
    dir->base.files_open--;
}

static reels_status directory_finish(void *impl, void *opaque, reels_error *err)
{
    struct directory *dir = impl;
    struct file *file = opaque;
    reels_fs *fs = &dir->base.ctx->fs;
    int renamed = 0;
    char *from = path_join(dir, file->temporary, err);
    char *to = path_join(dir, file->name, err);
    reels_status status = from != NULL && to != NULL ? REELS_OK : REELS_ERR_NO_MEMORY;
    if (status == REELS_OK) {
        status = fs->sync(fs->user, file->handle, err);
    }
    fs->close(fs->user, file->handle);
    file->handle = NULL;
    if (status == REELS_OK) {
        status = fs->rename(fs->user, from, to, err);
        renamed = status == REELS_OK;
    }
    if (status == REELS_OK) {
        status = fs->sync_dir(fs->user, dir->path, err);
    }
    reels__mem_free(dir->base.ctx, from);
    reels__mem_free(dir->base.ctx, to);
    if (!renamed) {
        directory_abort(impl, opaque);
        return status;
    }
    /* The name stands even when syncing it failed, so that discard finds it. */
    reels__output_names_add(&dir->base, file->name);
    dir->base.bytes += file->bytes;
    dir->base.files_open--;
    reels__mem_free(dir->base.ctx, file);
    return status;
}

static reels_status directory_remove_all(reels_output *output, reels_error *err)
{
    struct directory *dir = (struct directory *)output;
    reels_fs *fs = &output->ctx->fs;
    reels_status first = REELS_OK;
    for (size_t i = 0; i < output->finished.count; i++) {
        char *path = path_join(dir, output->finished.items[i], first == REELS_OK ? err : NULL);
        reels_error detail = REELS__ERROR_INIT;
        reels_status status =
            path != NULL ? fs->remove(fs->user, path, &detail) : (reels_status)REELS_ERR_NO_MEMORY;
        if (status != REELS_OK && status != REELS_ERR_NOT_FOUND && first == REELS_OK) {
            first = reels__fail(
                err, status, "output: %s stays: %s", output->finished.items[i], detail.message);
        }
        reels__mem_free(output->ctx, path);
    }
    if (dir->made) {
        /* Not empty when somebody else put something there: it stays then. */
        (void)fs->remove(fs->user, dir->path, NULL);
    }
    return first;
}

static void directory_dispose(reels_output *output)
{
    struct directory *dir = (struct directory *)output;
    reels_ctx *ctx = output->ctx;
    reels__mem_free(ctx, dir->path);
    reels__mem_free(ctx, dir);
}

/* The name of a new directory is durable once its parent is synced. */
static reels_status sync_parent(struct directory *dir, reels_error *err)
{
    reels_fs *fs = &dir->base.ctx->fs;
    char *parent = reels__mem_strdup(dir->base.ctx, dir->path);
    if (parent == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "output: no memory for a path");
    }
    size_t len = strlen(parent);
    while (len > 1 && parent[len - 1] == '/') {
        len--;
    }
    while (len > 0 && parent[len - 1] != '/') {
        len--;
    }
    while (len > 1 && parent[len - 1] == '/') {
        len--;
    }
    parent[len] = '\0';
    reels_status status = fs->sync_dir(fs->user, len > 0 ? parent : ".", err);
    reels__mem_free(dir->base.ctx, parent);
    return status;
}

static reels_status open_directory(struct directory *dir, reels_error *err)
{
    reels_fs *fs = &dir->base.ctx->fs;
    reels_fs_info info = {0};
    reels_status status = fs->make_dir(fs->user, dir->path, err);
    if (status == REELS_OK) {
        dir->made = 1;
        status = sync_parent(dir, err);
        if (status != REELS_OK) {
            (void)fs->remove(fs->user, dir->path, NULL);
        }
        return status;
    }
    if (status != REELS_ERR_EXISTS) {
        return status;
    }
    REELS_TRY(fs->info(fs->user, dir->path, &info, err));
    if (info.kind == REELS_FS_KIND_FILE) {
        return reels__fail(err, REELS_ERR_EXISTS, "output: %s is not a directory", dir->path);
    }
    return REELS_OK;
}

reels_status reels_output_directory_new(
    reels_ctx *ctx, const char *path, uint32_t flags, reels_output **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "output: out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL && path != NULL && path[0] != '\0', err, "output: no path");
    REELS_REQUIRE(strlen(path) < PATH_BYTES_MAX, err, "output: the path is longer than 4095 bytes");
    REELS_REQUIRE((flags & ~(uint32_t)REELS_OUTPUT_REPLACE) == 0, err, "output: unknown flags");
    struct directory *dir = reels__mem_zalloc(ctx, sizeof *dir);
    if (dir == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "output: no memory");
    }
    dir->base = (reels_output){.ctx = ctx,
                               .table = {.struct_size = sizeof dir->base.table,
                                         .begin = directory_begin,
                                         .write = directory_write,
                                         .finish = directory_finish,
                                         .abort = directory_abort},
                               .remove_all = directory_remove_all,
                               .dispose = directory_dispose,
                               .flags = flags};
    dir->path = reels__mem_strdup(ctx, path);
    reels_status status = dir->path != NULL
                              ? open_directory(dir, err)
                              : reels__fail(err, REELS_ERR_NO_MEMORY, "output: no memory");
    if (status != REELS_OK) {
        directory_dispose(&dir->base);
        return status;
    }
    *out = &dir->base;
    return REELS_OK;
}
