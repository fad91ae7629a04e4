/* Owns folders and small files of the backends. A name is durable only after its folder was synced,
 * and a folder only after the one above it was. */
#include "dir.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/buffer_internal.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    FORMAT_BYTES_MAX = 128,
    LISTING_BYTES_MAX = 1 << 30 /* names of one folder */
};

/* No key and no name of a topic or group holds this character. */
#define DRAFT_SUFFIX "~"

char *reels__path_join(reels_ctx *ctx, const char *first, ...)
{
    va_list args;
    size_t len = strlen(first);
    va_start(args, first);
    for (const char *part = va_arg(args, const char *); part != NULL;
         part = va_arg(args, const char *)) {
        len += 1 + strlen(part);
    }
    va_end(args);
    char *path = reels__mem_alloc(ctx, len + 1);
    if (path == NULL) {
        return NULL;
    }
    size_t at = strlen(first);
    memcpy(path, first, at);
    va_start(args, first);
    for (const char *part = va_arg(args, const char *); part != NULL;
         part = va_arg(args, const char *)) {
        size_t part_len = strlen(part);
        path[at] = '/';
        memcpy(path + at + 1, part, part_len);
        at += 1 + part_len;
    }
    va_end(args);
    path[at] = '\0';
    return path;
}

size_t reels__path_parent_len(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    while (len > 0 && path[len - 1] != '/') {
        len--;
    }
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    return len;
}

/* The folder that holds `path` as a string of its own; "." for a plain name. */
static char *parent_of(reels_ctx *ctx, const char *path)
{
    size_t len = reels__path_parent_len(path);
    if (len == 0) {
        return reels__mem_strdup(ctx, ".");
    }
    char *parent = reels__mem_alloc(ctx, len + 1);
    if (parent != NULL) {
        memcpy(parent, path, len);
        parent[len] = '\0';
    }
    return parent;
}

reels_status reels__dir_sync_parent(reels_ctx *ctx, const char *path, reels_error *err)
{
    char *parent = parent_of(ctx, path);
    if (parent == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "path: no memory");
    }
    reels_status status = ctx->fs.sync_dir(ctx->fs.user, parent, err);
    reels__mem_free(ctx, parent);
    return status;
}

/* Makes the one folder `path` unless it is there, and makes its name durable in any case. */
static reels_status dir_make_one(reels_ctx *ctx, const char *path, int is_root, reels_error *err)
{
    reels_status status = ctx->fs.make_dir(ctx->fs.user, path, err);
    if (status == REELS_ERR_EXISTS) {
        reels_fs_info info = {0};
        status = ctx->fs.info(ctx->fs.user, path, &info, err);
        /* A root may be a link to a folder: that is the host's choice. Below it, nothing is. */
        int linked = is_root && info.kind == REELS_FS_KIND_OTHER &&
                     ctx->fs.sync_dir(ctx->fs.user, path, NULL) == REELS_OK;
        if (status == REELS_OK && info.kind != REELS_FS_KIND_DIRECTORY && !linked) {
            return reels__fail(err, REELS_ERR_CONFLICT, "not a folder: %s", path);
        }
    }
    if (status < 0) {
        return status;
    }
    return reels__dir_sync_parent(ctx, path, err);
}

/* The name of a folder above the store's own: synced as well, since whoever made it may have died
 * before; but a folder that we may not even read was not made by us. */
static reels_status dir_sync_above(reels_ctx *ctx, const char *path, reels_error *err)
{
    reels_error detail = REELS__ERROR_INIT;
    reels_status status = reels__dir_sync_parent(ctx, path, &detail);
    if (status < 0 && (detail.sys_errno == EACCES || detail.sys_errno == EPERM)) {
        return REELS_OK;
    }
    if (status < 0 && err != NULL) {
        *err = detail;
    }
    return status;
}

/* One step of the way down: text is the path so far. */
static reels_status
dir_make_step(reels_ctx *ctx, const char *text, int is_last, int is_root, reels_error *err)
{
    reels_fs_info info = {0};
    /* A symbolic link above the root is the host's own choice, so what is there is followed. */
    if (!is_last && ctx->fs.info(ctx->fs.user, text, &info, NULL) == REELS_OK) {
        return dir_sync_above(ctx, text, err);
    }
    return dir_make_one(ctx, text, is_root, err);
}

static reels_status dirs_make(reels_ctx *ctx, const char *path, int is_root, reels_error *err)
{
    char *text = reels__mem_strdup(ctx, path);
    if (text == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "path: no memory");
    }
    size_t len = strlen(text);
    while (len > 1 && text[len - 1] == '/') {
        text[--len] = '\0';
    }
    reels_status status = REELS_OK;
    for (size_t at = 1; status == REELS_OK && at <= len; at++) {
        char kept = text[at];
        if ((kept == '/' && text[at - 1] != '/') || kept == '\0') {
            text[at] = '\0';
            status = dir_make_step(ctx, text, at == len, is_root && at == len, err);
            text[at] = kept;
        }
    }
    reels__mem_free(ctx, text);
    return status;
}

reels_status reels__dir_make_durable(reels_ctx *ctx, const char *path, reels_error *err)
{
    return dirs_make(ctx, path, 0, err);
}

reels_status reels__file_read_small(
    reels_ctx *ctx, const char *path, size_t bytes_max, reels_buf *out, reels_error *err)
{
    void *file = NULL;
    REELS_TRY(ctx->fs.open(ctx->fs.user, path, REELS_FS_READ, &file, err));
    reels_fs_info info = {0};
    uint8_t *data = NULL;
    size_t len = 0;
    size_t before = reels_buf_len(out);
    reels_status status = ctx->fs.file_info(ctx->fs.user, file, &info, err);
    if (status == REELS_OK && info.size_bytes > bytes_max) {
        status = reels__fail(err, REELS_ERR_CORRUPT, "larger than it can be: %s", path);
    }
    if (status == REELS_OK) {
        status = reels__buf_extend(out, (size_t)info.size_bytes, &data, err);
    }
    if (status == REELS_OK) {
        status = ctx->fs.read_at(ctx->fs.user, file, 0, data, (size_t)info.size_bytes, &len, err);
        reels__buf_truncate(out, before + (status == REELS_OK ? len : 0));
    }
    ctx->fs.close(ctx->fs.user, file);
    return status;
}

static reels_status file_write_and_sync(
    reels_ctx *ctx, const char *path, const uint8_t *data, size_t len, reels_error *err)
{
    void *file = NULL;
    REELS_TRY(ctx->fs.open(
        ctx->fs.user, path, REELS_FS_WRITE | REELS_FS_CREATE | REELS_FS_TRUNCATE, &file, err));
    reels_status status = ctx->fs.write_at(ctx->fs.user, file, 0, data, len, err);
    if (status == REELS_OK) {
        status = ctx->fs.sync(ctx->fs.user, file, err);
    }
    ctx->fs.close(ctx->fs.user, file);
    return status;
}

reels_status reels__file_write_small(
    reels_ctx *ctx, const char *path, const uint8_t *data, size_t len, reels_error *err)
{
    size_t path_len = strlen(path);
    char *draft = reels__mem_alloc(ctx, path_len + sizeof DRAFT_SUFFIX);
    if (draft == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "path: no memory");
    }
    memcpy(draft, path, path_len);
    memcpy(draft + path_len, DRAFT_SUFFIX, sizeof DRAFT_SUFFIX);
    reels_status status = file_write_and_sync(ctx, draft, data, len, err);
    if (status == REELS_OK) {
        status = ctx->fs.rename(ctx->fs.user, draft, path, err);
    }
    if (status == REELS_OK) {
        status = reels__dir_sync_parent(ctx, path, err);
    } else {
        (void)ctx->fs.remove(ctx->fs.user, draft, NULL);
    }
    reels__mem_free(ctx, draft);
    return status;
}

reels_status reels__file_remove(reels_ctx *ctx, const char *path, reels_error *err)
{
    reels_status status = ctx->fs.remove(ctx->fs.user, path, err);
    return status == REELS_ERR_NOT_FOUND ? REELS_OK : status;
}

/* A decimal number of up to 9 digits that fills the text up to a newline; 0 when it is none. */
static uint32_t version_of(const char *text)
{
    uint32_t version = 0;
    size_t at = 0;
    for (; at < 9 && text[at] >= '0' && text[at] <= '9'; at++) {
        version = version * 10 + (uint32_t)(text[at] - '0');
    }
    return at > 0 && text[at] == '\n' && text[at + 1] == '\0' ? version : 0;
}

static reels_status format_check(
    const char *found, const char *name, uint32_t version, const char *path, reels_error *err)
{
    size_t name_len = strlen(name);
    uint32_t is = 0;
    if (strncmp(found, name, name_len) == 0 && found[name_len] == ' ') {
        is = version_of(found + name_len + 1);
    }
    if (is == 0) {
        return reels__fail(err, REELS_ERR_CORRUPT, "does not say \"%s\": %s", name, path);
    }
    if (is > version) {
        return reels__fail(err,
                           REELS_ERR_UNSUPPORTED,
                           "%s of version %u, this library knows up to %u: %s",
                           name,
                           (unsigned)is,
                           (unsigned)version,
                           path);
    }
    return REELS_OK;
}

static reels_status
format_claim(reels_ctx *ctx, const char *path, const char *name, uint32_t version, reels_error *err)
{
    reels_buf *buf = NULL;
    REELS_TRY(reels_buf_new(ctx, FORMAT_BYTES_MAX, &buf, err));
    reels_status status = reels__file_read_small(ctx, path, FORMAT_BYTES_MAX, buf, err);
    if (status == REELS_OK) {
        status = format_check((const char *)reels_buf_data(buf), name, version, path, err);
    } else if (status == REELS_ERR_NOT_FOUND) {
        status = reels__buf_append_format(buf, err, "%s %u\n", name, (unsigned)version);
        if (status == REELS_OK) {
            status =
                reels__file_write_small(ctx, path, reels_buf_data(buf), reels_buf_len(buf), err);
        }
    }
    reels_buf_free(buf);
    return status;
}

reels_status reels__store_claim(reels_ctx *ctx,
                                const char *root,
                                const char *name,
                                uint32_t version,
                                void **out_lock,
                                reels_error *err)
{
    *out_lock = NULL;
    void *lock = NULL;
    reels_status status = REELS_ERR_NO_MEMORY;
    char *hidden = reels__path_join(ctx, root, ".reels", NULL);
    char *lock_path = reels__path_join(ctx, root, ".reels/lock", NULL);
    char *format_path = reels__path_join(ctx, root, ".reels/format", NULL);
    if (hidden == NULL || lock_path == NULL || format_path == NULL) {
        (void)reels__fail(err, REELS_ERR_NO_MEMORY, "path: no memory");
        goto out;
    }
    status = dirs_make(ctx, root, 1, err);
    if (status == REELS_OK) {
        status = reels__dir_make_durable(ctx, hidden, err);
    }
    if (status == REELS_OK) {
        status = ctx->fs.open(
            ctx->fs.user, lock_path, REELS_FS_READ | REELS_FS_WRITE | REELS_FS_CREATE, &lock, err);
    }
    if (status == REELS_OK) {
        status = ctx->fs.lock(ctx->fs.user, lock, err);
        if (status == REELS_ERR_BUSY) {
            (void)reels__fail(err, status, "somebody else has it open: %s", root);
        }
    }
    if (status == REELS_OK) {
        status = format_claim(ctx, format_path, name, version, err);
    }
    if (status == REELS_OK) {
        *out_lock = lock;
        lock = NULL;
    }
out:
    if (lock != NULL) {
        ctx->fs.close(ctx->fs.user, lock);
    }
    reels__mem_free(ctx, hidden);
    reels__mem_free(ctx, lock_path);
    reels__mem_free(ctx, format_path);
    return status;
}

static reels_status listing_entry(void *user, const char *name, const reels_fs_info *info)
{
    struct reels__listing *listing = user;
    int plain = info->kind == REELS_FS_KIND_FILE || info->kind == REELS_FS_KIND_DIRECTORY;
    if (listing->skip_hidden && (name[0] == '.' || !plain)) {
        return REELS_OK;
    }
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity == 0 ? 32 : listing->capacity * 2;
        size_t *starts =
            reels__mem_realloc(listing->ctx, listing->starts, capacity * sizeof *starts);
        if (starts == NULL) {
            return reels__fail(listing->err, REELS_ERR_NO_MEMORY, "listing: no memory");
        }
        listing->starts = starts;
        listing->capacity = capacity;
    }
    size_t start = reels_buf_len(listing->text);
    size_t len = strlen(name);
    uint8_t *data = NULL;
    size_t slash = info->kind == REELS_FS_KIND_DIRECTORY;
    REELS_TRY(reels__buf_extend(listing->text, len + slash + 1, &data, listing->err));
    memcpy(data, name, len);
    if (slash) {
        data[len] = '/';
    }
    data[len + slash] = '\0';
    listing->starts[listing->count++] = start;
    return REELS_OK;
}

const char *reels__listing_name(const struct reels__listing *listing, size_t index)
{
    return (const char *)reels_buf_data(listing->text) + listing->starts[index];
}

/* Heap sort: qsort has no argument for the text, and its worst case is not bounded. */
static void listing_sift(struct reels__listing *listing, size_t root, size_t count)
{
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && strcmp(reels__listing_name(listing, child),
                                        reels__listing_name(listing, child + 1)) < 0) {
            child++;
        }
        if (strcmp(reels__listing_name(listing, root), reels__listing_name(listing, child)) >= 0) {
            return;
        }
        size_t kept = listing->starts[root];
        listing->starts[root] = listing->starts[child];
        listing->starts[child] = kept;
        root = child;
    }
}

static void listing_sort(struct reels__listing *listing)
{
    size_t count = listing->count;
    for (size_t i = count / 2; i > 0; i--) {
        listing_sift(listing, i - 1, count);
    }
    for (size_t end = count; end > 1; end--) {
        size_t kept = listing->starts[0];
        listing->starts[0] = listing->starts[end - 1];
        listing->starts[end - 1] = kept;
        listing_sift(listing, 0, end - 1);
    }
}

reels_status reels__listing_read(struct reels__listing *listing,
                                 reels_ctx *ctx,
                                 const char *path,
                                 int skip_hidden,
                                 reels_error *err)
{
    memset(listing, 0, sizeof *listing);
    listing->ctx = ctx;
    listing->skip_hidden = skip_hidden;
    listing->err = err;
    REELS_TRY(reels_buf_new(ctx, LISTING_BYTES_MAX, &listing->text, err));
    reels_status status = ctx->fs.list(ctx->fs.user, path, listing_entry, listing, err);
    listing->err = NULL;
    if (status == REELS_ERR_NOT_FOUND) {
        return REELS_OK;
    }
    listing_sort(listing);
    return status;
}

void reels__listing_dispose(struct reels__listing *listing)
{
    reels_buf_free(listing->text);
    if (listing->starts != NULL) {
        reels__mem_free(listing->ctx, listing->starts);
    }
    memset(listing, 0, sizeof *listing);
}
