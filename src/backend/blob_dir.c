/* Owns the directory blob store: putting (a synced file under a temporary name becomes the object
 * by a rename, then its folder is synced), getting, removing and opening.
 *
 * The folder is locked against other processes, and the making of one key is done by one call at a
 * time, so looking first and renaming afterwards replaces nothing. */
#include "blob_dir.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backend/dir.h"
#include "backend/embedded.h"
#include "backend/port.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    FORMAT_VERSION = 1,
    TEMP_NAME_BYTES = 24,
    KNOWN_MAX = 1 << 16,   /* folders remembered as durable; then all are forgotten */
    PUBLISH_TRIES_MAX = 64 /* each lost to a removal that took an empty folder away meanwhile */
};

char *reels__blob_path(struct reels__blob_dir *dir, const char *key)
{
    return reels__path_join(dir->ctx, dir->root, key, NULL);
}

/* Objects never change, so size and time tell one from what stood there before it was removed. */
void reels__blob_info_fill(reels_blob_info *out, const reels_fs_info *info)
{
    out->size_bytes = info->size_bytes;
    out->modified_unix_us = info->modified_unix_us;
    (void)snprintf(out->etag,
                   sizeof out->etag,
                   "%" PRIx64 "-%" PRIx64,
                   (uint64_t)info->modified_unix_us,
                   info->size_bytes);
}

/* Under the mutex. */
static int claim_is_held(const struct reels__blob_dir *dir, const struct reels__blob_claim *claim)
{
    for (const struct reels__blob_claim *it = dir->claims; it != NULL; it = it->next) {
        int overlaps = it->number == claim->number || it->number == 0 || claim->number == 0;
        if (it->kind == claim->kind && overlaps && strcmp(it->name, claim->name) == 0) {
            return 1;
        }
    }
    return 0;
}

reels_status reels__blob_claim_take(struct reels__blob_dir *dir,
                                    struct reels__blob_claim *claim,
                                    int wait,
                                    reels_error *err)
{
    pthread_mutex_lock(&dir->mutex);
    int held = claim_is_held(dir, claim);
    /* Whoever holds it is within a few file operations and waits for nobody. */
    while (held && wait) {
        pthread_cond_wait(&dir->claim_ended, &dir->mutex);
        held = claim_is_held(dir, claim);
    }
    if (!held) {
        claim->next = dir->claims;
        dir->claims = claim;
    }
    pthread_mutex_unlock(&dir->mutex);
    return held ? reels__fail(err, REELS_ERR_BUSY, "another call is at it") : REELS_OK;
}

void reels__blob_claim_drop(struct reels__blob_dir *dir, struct reels__blob_claim *claim)
{
    pthread_mutex_lock(&dir->mutex);
    struct reels__blob_claim **at = &dir->claims;
    while (*at != claim) {
        at = &(*at)->next;
    }
    *at = claim->next;
    pthread_cond_broadcast(&dir->claim_ended);
    pthread_mutex_unlock(&dir->mutex);
}

/* Gives 1 to *out_equal when both files have the same bytes. */
static reels_status files_compare(reels_ctx *ctx,
                                  void *const files[2],
                                  uint64_t size_bytes,
                                  uint8_t *space,
                                  int *out_equal,
                                  reels_error *err)
{
    size_t half = REELS__BLOB_IO_BYTES / 2;
    *out_equal = 1;
    for (uint64_t at = 0; at < size_bytes && *out_equal;) {
        size_t want = size_bytes - at < half ? (size_t)(size_bytes - at) : half;
        size_t lens[2] = {0, 0};
        for (size_t i = 0; i < 2; i++) {
            REELS_TRY(
                ctx->fs.read_at(ctx->fs.user, files[i], at, space + i * half, want, &lens[i], err));
        }
        *out_equal = lens[0] == want && lens[1] == want && memcmp(space, space + half, want) == 0;
        at += want;
    }
    return REELS_OK;
}

/* OK when the files are the same, EXISTS when not. */
static reels_status
files_must_be_equal(reels_ctx *ctx, const char *draft, const char *path, reels_error *err)
{
    void *files[2] = {NULL, NULL};
    reels_fs_info infos[2] = {0};
    int equal = 0;
    uint8_t *space = NULL;
    reels_status status = ctx->fs.open(ctx->fs.user, draft, REELS_FS_READ, &files[0], err);
    if (status == REELS_OK) {
        status = ctx->fs.open(ctx->fs.user, path, REELS_FS_READ, &files[1], err);
    }
    for (size_t i = 0; i < 2 && status == REELS_OK; i++) {
        status = ctx->fs.file_info(ctx->fs.user, files[i], &infos[i], err);
    }
    if (status == REELS_OK && infos[0].size_bytes == infos[1].size_bytes) {
        space = reels__mem_alloc(ctx, REELS__BLOB_IO_BYTES);
        status = space != NULL ? files_compare(ctx, files, infos[0].size_bytes, space, &equal, err)
                               : reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    if (status == REELS_OK && !equal) {
        status = reels__fail(err, REELS_ERR_EXISTS, "the key holds other bytes");
    }
    for (size_t i = 0; i < 2; i++) {
        if (files[i] != NULL) {
            ctx->fs.close(ctx->fs.user, files[i]);
        }
    }
    reels__mem_free(ctx, space);
    return status;
}

/* Gives the draft the object's name. The old name is left when keeps_draft asks for it and can be
 * had. */
static reels_status
draft_name(reels_ctx *ctx, const char *draft, const char *path, int keeps_draft, reels_error *err)
{
    if (keeps_draft && ctx->fs.link != NULL) {
        return ctx->fs.link(ctx->fs.user, draft, path, err);
    }
    return ctx->fs.rename(ctx->fs.user, draft, path, err);
}

/* What stands at the object's place: OK and kind 0 when nothing does. An empty folder, which a
 * failed put may have left, is taken away. */
static reels_status place_look(struct reels__blob_dir *dir,
                               const char *key,
                               const char *path,
                               reels_fs_info *out_info,
                               reels_error *err)
{
    reels_ctx *ctx = dir->ctx;
    reels_fs_info info = {0};
    reels_status status = ctx->fs.info(ctx->fs.user, path, &info, err);
    if (status == REELS_OK && info.kind == REELS_FS_KIND_DIRECTORY &&
        ctx->fs.remove(ctx->fs.user, path, NULL) == REELS_OK) {
        reels__blob_tree_forget(dir, key);
        status = REELS_ERR_NOT_FOUND;
    }
    if (status == REELS_ERR_NOT_FOUND) {
        memset(out_info, 0, sizeof *out_info);
        return REELS_OK;
    }
    if (status == REELS_OK && info.kind != REELS_FS_KIND_FILE) {
        return reels__fail(
            err, REELS_ERR_CONFLICT, "the key is the folder of other keys, or no regular file");
    }
    *out_info = info;
    return status;
}

/* One try, under the claim of the key. NOT_FOUND: a folder vanished under our feet. */
static reels_status publish_once(struct reels__blob_dir *dir,
                                 const char *draft,
                                 const char *key,
                                 const char *path,
                                 int keeps_draft,
                                 reels_fs_info *out_info,
                                 reels_error *err)
{
    reels_ctx *ctx = dir->ctx;
    reels_fs_info info = {0};
    REELS_TRY(reels__blob_tree_make(dir, key, err));
    REELS_TRY(place_look(dir, key, path, &info, err));
    if (info.kind != 0) {
        REELS_TRY(files_must_be_equal(ctx, draft, path, err));
    } else {
        REELS_TRY(ctx->fs.info(ctx->fs.user, draft, &info, err));
        REELS_TRY(draft_name(ctx, draft, path, keeps_draft, err));
    }
    *out_info = info;
    /* Once the object stands, its folder goes only after somebody removed the object: the put came
     * before that remove, and a second try would look for a draft that has its new name already. */
    reels_status status = reels__dir_sync_parent(ctx, path, err);
    return status == REELS_ERR_NOT_FOUND ? REELS_OK : status;
}

reels_status reels__blob_publish(struct reels__blob_dir *dir,
                                 const char *draft,
                                 const char *key,
                                 int keeps_draft,
                                 reels_blob_info *out_info,
                                 reels_error *err)
{
    char *path = reels__blob_path(dir, key);
    if (path == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    struct reels__blob_claim claim = {.name = key, .kind = REELS__BLOB_CLAIM_KEY};
    (void)reels__blob_claim_take(dir, &claim, 1, NULL);
    reels_fs_info info = {0};
    reels_status status = REELS_ERR_NOT_FOUND;
    for (int i = 0; i < PUBLISH_TRIES_MAX && status == REELS_ERR_NOT_FOUND; i++) {
        if (i > 0) {
            reels__blob_tree_forget(dir, key);
        }
        status = publish_once(dir, draft, key, path, keeps_draft, &info, err);
    }
    if (status == REELS_ERR_NOT_FOUND) {
        status = reels__fail(err, REELS_ERR_IO, "the folder of the key vanishes again and again");
    }
    reels__blob_claim_drop(dir, &claim);
    if (status == REELS_OK) {
        reels__blob_info_fill(out_info, &info);
    }
    reels__mem_free(dir->ctx, path);
    return status;
}

/* Copies a source to a file, which is synced. */
static reels_status source_copy(reels_ctx *ctx,
                                const reels_call *call,
                                const reels_blob_source *source,
                                void *file,
                                uint8_t *space,
                                reels_error *err)
{
    uint64_t at = 0;
    size_t len = 0;
    do {
        REELS_TRY(reels__call_check(ctx, call, err));
        REELS_TRY(source->reader(source->reader_user, space, REELS__BLOB_IO_BYTES, &len, err));
        if (len > 0) {
            REELS_TRY(ctx->fs.write_at(ctx->fs.user, file, at, space, len, err));
        }
        at += len;
    } while (len > 0);
    return ctx->fs.sync(ctx->fs.user, file, err);
}

/* Compares a source with the object that is there. */
static reels_status source_compare(reels_ctx *ctx,
                                   const reels_call *call,
                                   const reels_blob_source *source,
                                   void *file,
                                   uint8_t *space,
                                   reels_error *err)
{
    size_t half = REELS__BLOB_IO_BYTES / 2;
    uint64_t at = 0;
    size_t len = 0;
    do {
        REELS_TRY(reels__call_check(ctx, call, err));
        REELS_TRY(source->reader(source->reader_user, space, half, &len, err));
        size_t have = 0;
        REELS_TRY(ctx->fs.read_at(ctx->fs.user, file, at, space + half, len, &have, err));
        if (have != len || memcmp(space, space + half, len) != 0) {
            return reels__fail(err, REELS_ERR_EXISTS, "the key holds other bytes");
        }
        at += len;
    } while (len > 0);
    return REELS_OK;
}

/* The key is there: the same bytes are welcome. *out_gone: somebody has removed it meanwhile, and
 * nothing was read from the source. */
static reels_status put_again(struct reels__blob_dir *dir,
                              const reels_call *call,
                              const char *path,
                              const reels_blob_source *source,
                              int *out_gone,
                              reels_error *err)
{
    reels_ctx *ctx = dir->ctx;
    void *file = NULL;
    uint8_t *space = reels__mem_alloc(ctx, REELS__BLOB_IO_BYTES);
    if (space == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    reels_status status = ctx->fs.open(ctx->fs.user, path, REELS_FS_READ, &file, err);
    *out_gone = status == REELS_ERR_NOT_FOUND;
    if (status == REELS_OK) {
        status = source_compare(ctx, call, source, file, space, err);
        ctx->fs.close(ctx->fs.user, file);
    }
    reels__mem_free(ctx, space);
    /* Whoever put it may have died before its name was durable; and it may be removed by now. */
    if (status == REELS_OK) {
        status = reels__dir_sync_parent(ctx, path, err);
        status = status == REELS_ERR_NOT_FOUND ? REELS_OK : status;
    }
    return status;
}

/* A new name in the temporary folder. */
static char *temp_path(struct reels__blob_dir *dir)
{
    char name[TEMP_NAME_BYTES];
    pthread_mutex_lock(&dir->mutex);
    uint64_t number = dir->temp_next++;
    pthread_mutex_unlock(&dir->mutex);
    (void)snprintf(name, sizeof name, "%" PRIu64, number);
    return reels__path_join(dir->ctx, dir->tmp_path, name, NULL);
}

static reels_status put_new(struct reels__blob_dir *dir,
                            const reels_call *call,
                            const char *key,
                            const reels_blob_source *source,
                            reels_blob_info *out_info,
                            reels_error *err)
{
    reels_ctx *ctx = dir->ctx;
    void *file = NULL;
    reels_status status = REELS_OK;
    char *draft = temp_path(dir);
    uint8_t *space = reels__mem_alloc(ctx, REELS__BLOB_IO_BYTES);
    if (draft == NULL || space == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
        goto out;
    }
    status = ctx->fs.open(
        ctx->fs.user, draft, REELS_FS_WRITE | REELS_FS_CREATE | REELS_FS_TRUNCATE, &file, err);
    if (status == REELS_OK) {
        status = source_copy(ctx, call, source, file, space, err);
        ctx->fs.close(ctx->fs.user, file);
        if (status == REELS_OK) {
            status = reels__blob_publish(dir, draft, key, 0, out_info, err);
        }
    }
    /* After a rename there is nothing to remove, which is no failure. */
    (void)ctx->fs.remove(ctx->fs.user, draft, NULL);
out:
    reels__mem_free(ctx, draft);
    reels__mem_free(ctx, space);
    return status;
}

static reels_status blob_dir_put(void *impl,
                                 const reels_call *call,
                                 const char *key,
                                 const reels_blob_source *source,
                                 reels_blob_info *out_info,
                                 reels_error *err)
{
    struct reels__blob_dir *dir = impl;
    char *path = reels__blob_path(dir, key);
    if (path == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    reels_fs_info info = {0};
    reels_status status = reels__blob_tree_find(dir, path, &info, err);
    int gone = status == REELS_ERR_NOT_FOUND;
    if (status == REELS_OK && info.size_bytes != source->length_bytes) {
        status = reels__fail(err, REELS_ERR_EXISTS, "the key holds other bytes");
    } else if (status == REELS_OK) {
        status = put_again(dir, call, path, source, &gone, err);
        reels__blob_info_fill(out_info, &info);
    }
    if (gone) {
        status = put_new(dir, call, key, source, out_info, err);
    }
    reels__mem_free(dir->ctx, path);
    return status;
}

struct range {
    uint64_t at;
    uint64_t end;
};

static reels_status file_send(reels_ctx *ctx,
                              const reels_call *call,
                              void *file,
                              struct range range,
                              reels_sink_fn sink,
                              void *sink_user,
                              reels_error *err)
{
    uint8_t *space = NULL;
    reels_status status = REELS_OK;
    if (range.at < range.end) {
        space = reels__mem_alloc(ctx, REELS__BLOB_IO_BYTES);
        if (space == NULL) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
        }
    }
    while (range.at < range.end && status == REELS_OK) {
        uint64_t left = range.end - range.at;
        size_t want = left < REELS__BLOB_IO_BYTES ? (size_t)left : REELS__BLOB_IO_BYTES;
        size_t len = 0;
        status = reels__call_check(ctx, call, err);
        if (status == REELS_OK) {
            status = ctx->fs.read_at(ctx->fs.user, file, range.at, space, want, &len, err);
        }
        if (status == REELS_OK && len != want) {
            status = reels__fail(err, REELS_ERR_CORRUPT, "the object has lost its end");
        }
        if (status == REELS_OK) {
            status = sink(sink_user, space, len, err);
        }
        range.at += len;
    }
    reels__mem_free(ctx, space);
    return status;
}

static reels_status blob_dir_get(void *impl,
                                 const reels_call *call,
                                 const char *key,
                                 uint64_t offset,
                                 uint64_t length_bytes,
                                 reels_sink_fn sink,
                                 void *sink_user,
                                 reels_blob_info *out_info,
                                 reels_error *err)
{
    struct reels__blob_dir *dir = impl;
    reels_ctx *ctx = dir->ctx;
    char *path = reels__blob_path(dir, key);
    if (path == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    void *file = NULL;
    reels_fs_info info = {0};
    reels_status status = reels__blob_tree_find(dir, path, &info, err);
    if (status == REELS_OK) {
        status = ctx->fs.open(ctx->fs.user, path, REELS_FS_READ, &file, err);
    }
    if (status == REELS_OK) {
        status = ctx->fs.file_info(ctx->fs.user, file, &info, err);
    }
    if (status == REELS_OK) {
        reels__blob_info_fill(out_info, &info);
        struct range range = {.at = offset, .end = info.size_bytes};
        if (range.at < range.end && length_bytes < range.end - range.at) {
            range.end = range.at + length_bytes;
        }
        status = file_send(ctx, call, file, range, sink, sink_user, err);
    }
    if (file != NULL) {
        ctx->fs.close(ctx->fs.user, file);
    }
    reels__mem_free(ctx, path);
    return status;
}

static reels_status blob_dir_head(void *impl,
                                  const reels_call *call,
                                  const char *key,
                                  reels_blob_info *out_info,
                                  reels_error *err)
{
    (void)call;
    struct reels__blob_dir *dir = impl;
    char *path = reels__blob_path(dir, key);
    if (path == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    reels_fs_info info = {0};
    reels_status status = reels__blob_tree_find(dir, path, &info, err);
    if (status == REELS_OK) {
        reels__blob_info_fill(out_info, &info);
    }
    reels__mem_free(dir->ctx, path);
    return status;
}

/* Length of the folder part of a key, with its slash. */
static size_t folder_len(const char *key)
{
    const char *slash = strrchr(key, '/');
    return slash != NULL ? (size_t)(slash - key) + 1 : 0;
}

/* Takes one name away; the folder is synced unless the next key lies in it too. */
static reels_status
remove_one(struct reels__blob_dir *dir, const char *key, int syncs, reels_error *err)
{
    reels_ctx *ctx = dir->ctx;
    char *path = reels__blob_path(dir, key);
    if (path == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    reels_fs_info info = {0};
    reels_status status = reels__blob_tree_find(dir, path, &info, err);
    if (status == REELS_OK) {
        status = ctx->fs.remove(ctx->fs.user, path, err);
    }
    /* A name that is gone may be so without being durable yet: the sync is owed in any case. */
    if (status == REELS_OK || status == REELS_ERR_NOT_FOUND) {
        status = syncs ? reels__dir_sync_parent(ctx, path, err) : REELS_OK;
        status = status == REELS_ERR_NOT_FOUND ? REELS_OK : status;
    }
    if (status == REELS_OK && syncs) {
        reels__blob_tree_prune(dir, key);
    }
    reels__mem_free(ctx, path);
    return status;
}

static reels_status blob_dir_remove(void *impl,
                                    const reels_call *call,
                                    const char *const *keys,
                                    size_t keys_count,
                                    reels_error *err)
{
    struct reels__blob_dir *dir = impl;
    for (size_t i = 0; i < keys_count; i++) {
        size_t len = folder_len(keys[i]);
        int same_next = i + 1 < keys_count && folder_len(keys[i + 1]) == len &&
                        strncmp(keys[i], keys[i + 1], len) == 0;
        REELS_TRY(reels__call_check(dir->ctx, call, err));
        REELS_TRY(remove_one(dir, keys[i], !same_next, err));
    }
    return REELS_OK;
}

static void blob_dir_destroy(void *impl)
{
    struct reels__blob_dir *dir = impl;
    reels_ctx *ctx = dir->ctx;
    if (dir->lock_file != NULL) {
        ctx->fs.close(ctx->fs.user, dir->lock_file);
    }
    reels__map_bytes_dispose(&dir->known);
    pthread_cond_destroy(&dir->claim_ended);
    pthread_mutex_destroy(&dir->mutex);
    reels__mem_free(ctx, dir->root);
    reels__mem_free(ctx, dir->tmp_path);
    reels__mem_free(ctx, dir->upload_path);
    reels__mem_free(ctx, dir);
}

static const reels_blob_vtable VTABLE = {
    .struct_size = sizeof(reels_blob_vtable),
    .destroy = blob_dir_destroy,
    .put = blob_dir_put,
    .get = blob_dir_get,
    .head = blob_dir_head,
    .remove = blob_dir_remove,
    .list = reels__blob_tree_list,
    .part_begin = reels__blob_parts_begin,
    .part_put = reels__blob_parts_put,
    .part_list = reels__blob_parts_list,
    .part_commit = reels__blob_parts_commit,
    .part_abort = reels__blob_parts_abort,
};

static reels_status temps_sweep(struct reels__blob_dir *dir, reels_error *err)
{
    struct reels__listing listing = {0};
    reels_status status = reels__listing_read(&listing, dir->ctx, dir->tmp_path, 1, err);
    for (size_t i = 0; i < listing.count && status == REELS_OK; i++) {
        char *path =
            reels__path_join(dir->ctx, dir->tmp_path, reels__listing_name(&listing, i), NULL);
        status = path != NULL ? reels__file_remove(dir->ctx, path, err)
                              : reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
        reels__mem_free(dir->ctx, path);
    }
    reels__listing_dispose(&listing);
    return status;
}

static reels_status blob_dir_claim(struct reels__blob_dir *dir, const char *root, reels_error *err)
{
    reels_ctx *ctx = dir->ctx;
    dir->root = reels__mem_strdup(ctx, root);
    dir->tmp_path = reels__path_join(ctx, root, ".reels/tmp", NULL);
    dir->upload_path = reels__path_join(ctx, root, ".reels/upload", NULL);
    if (dir->root == NULL || dir->tmp_path == NULL || dir->upload_path == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    REELS_TRY(reels__map_bytes_init(&dir->known, ctx, KNOWN_MAX, err));
    REELS_TRY(reels__store_claim(ctx, root, "reels-blob", FORMAT_VERSION, &dir->lock_file, err));
    REELS_TRY(reels__dir_make_durable(ctx, dir->tmp_path, err));
    REELS_TRY(reels__dir_make_durable(ctx, dir->upload_path, err));
    REELS_TRY(temps_sweep(dir, err));
    return reels__blob_parts_sweep(dir, err);
}

reels_status
reels__blob_dir_open(void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err)
{
    (void)user;
    const char *root = reels__url_rest(url);
    REELS_REQUIRE(root[0] != '\0', err, "url \"file:\" names no folder");
    struct reels__blob_dir *dir = reels__mem_zalloc(ctx, sizeof *dir);
    if (dir == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    dir->ctx = ctx;
    if (pthread_mutex_init(&dir->mutex, NULL) != 0) {
        reels__mem_free(ctx, dir);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no lock");
    }
    if (pthread_cond_init(&dir->claim_ended, NULL) != 0) {
        pthread_mutex_destroy(&dir->mutex);
        reels__mem_free(ctx, dir);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no lock");
    }
    reels_blob *blob = NULL;
    reels_status status = blob_dir_claim(dir, root, err);
    if (status == REELS_OK) {
        status = reels_blob_new(ctx, &VTABLE, dir, &blob, err);
    }
    if (status != REELS_OK) {
        blob_dir_destroy(dir);
        return status;
    }
    *out_port = blob;
    return REELS_OK;
}
