/* Owns the folders of the directory blob store: looking keys up without following links, making
 * folders durably, taking empty ones away, and listing in the order of keys.
 *
 * `known` remembers folders whose names are durable, so that a put syncs its own folder alone. A
 * folder enters it only if no folder was taken away between its making and its entering. */
#include <string.h>

#include "backend/blob_dir.h"
#include "backend/dir.h"
#include "base/error.h"
#include "base/mem.h"

reels_status reels__blob_tree_find(struct reels__blob_dir *dir,
                                   char *path,
                                   reels_fs_info *out_info,
                                   reels_error *err)
{
    reels_ctx *ctx = dir->ctx;
    reels_fs_info info = {0};
    char *at = path + strlen(dir->root) + 1;
    for (at = strchr(at, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        reels_status status = ctx->fs.info(ctx->fs.user, path, &info, err);
        *at = '/';
        if (status < 0) {
            return status;
        }
        if (info.kind != REELS_FS_KIND_DIRECTORY) {
            return reels__fail(err, REELS_ERR_NOT_FOUND, "no such object");
        }
    }
    REELS_TRY(ctx->fs.info(ctx->fs.user, path, &info, err));
    if (info.kind != REELS_FS_KIND_FILE) {
        return reels__fail(err, REELS_ERR_NOT_FOUND, "no such object");
    }
    *out_info = info;
    return REELS_OK;
}

/* Makes the folder that is the first len bytes of key. */
static reels_status
folder_make(struct reels__blob_dir *dir, const char *key, size_t len, reels_error *err)
{
    pthread_mutex_lock(&dir->mutex);
    int known = reels__map_bytes_has(&dir->known, key, len);
    int quiet = dir->prunes_active == 0;
    uint64_t prunes = dir->prunes_count;
    pthread_mutex_unlock(&dir->mutex);
    if (known) {
        return REELS_OK;
    }
    char folder[REELS_BLOB_KEY_BYTES_MAX + 1];
    memcpy(folder, key, len);
    folder[len] = '\0';
    char *path = reels__blob_path(dir, folder);
    if (path == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    reels_ctx *ctx = dir->ctx;
    reels_fs_info info = {0};
    reels_status status = ctx->fs.make_dir(ctx->fs.user, path, err);
    if (status == REELS_ERR_EXISTS) {
        status = ctx->fs.info(ctx->fs.user, path, &info, err);
        if (status == REELS_OK && info.kind != REELS_FS_KIND_DIRECTORY) {
            status = reels__fail(err, REELS_ERR_CONFLICT, "an object is in the way of a folder");
        }
    }
    if (status == REELS_OK) {
        status = reels__dir_sync_parent(ctx, path, err);
    }
    reels__mem_free(ctx, path);
    if (status == REELS_OK && quiet) {
        pthread_mutex_lock(&dir->mutex);
        if (dir->prunes_active == 0 && dir->prunes_count == prunes) {
            /* What cannot be remembered is only made again. */
            if (reels__map_bytes_put(&dir->known, key, len, dir, NULL, NULL) == REELS_ERR_LIMIT) {
                reels__map_bytes_clear(&dir->known);
            }
        }
        pthread_mutex_unlock(&dir->mutex);
    }
    return status;
}

reels_status reels__blob_tree_make(struct reels__blob_dir *dir, const char *key, reels_error *err)
{
    for (const char *at = strchr(key, '/'); at != NULL; at = strchr(at + 1, '/')) {
        REELS_TRY(folder_make(dir, key, (size_t)(at - key), err));
    }
    return REELS_OK;
}

void reels__blob_tree_forget(struct reels__blob_dir *dir, const char *key)
{
    pthread_mutex_lock(&dir->mutex);
    for (const char *at = strchr(key, '/'); at != NULL; at = strchr(at + 1, '/')) {
        (void)reels__map_bytes_remove(&dir->known, key, (size_t)(at - key));
    }
    pthread_mutex_unlock(&dir->mutex);
}

/* Removes a folder if it is one and empty. Under the claim of its name no object can take its place
 * between looking and removing. */
static int folder_remove(struct reels__blob_dir *dir, const char *folder, const char *path)
{
    reels_ctx *ctx = dir->ctx;
    reels_fs_info info = {0};
    struct reels__blob_claim claim = {.name = folder, .kind = REELS__BLOB_CLAIM_KEY};
    (void)reels__blob_claim_take(dir, &claim, 1, NULL);
    int gone = ctx->fs.info(ctx->fs.user, path, &info, NULL) == REELS_OK &&
               info.kind == REELS_FS_KIND_DIRECTORY &&
               ctx->fs.remove(ctx->fs.user, path, NULL) == REELS_OK;
    reels__blob_claim_drop(dir, &claim);
    return gone;
}

/* 1 when the folder was empty and is gone. */
static int folder_prune(struct reels__blob_dir *dir, const char *folder)
{
    char *path = reels__blob_path(dir, folder);
    if (path == NULL) {
        return 0;
    }
    pthread_mutex_lock(&dir->mutex);
    dir->prunes_active++;
    pthread_mutex_unlock(&dir->mutex);

    int gone = folder_remove(dir, folder, path);

    pthread_mutex_lock(&dir->mutex);
    dir->prunes_active--;
    if (gone) {
        dir->prunes_count++;
        (void)reels__map_bytes_remove(&dir->known, folder, strlen(folder));
    }
    pthread_mutex_unlock(&dir->mutex);
    reels__mem_free(dir->ctx, path);
    return gone;
}

void reels__blob_tree_prune(struct reels__blob_dir *dir, const char *key)
{
    char folder[REELS_BLOB_KEY_BYTES_MAX + 1];
    memcpy(folder, key, strlen(key) + 1);
    char *slash = strrchr(folder, '/');
    while (slash != NULL) {
        *slash = '\0';
        if (!folder_prune(dir, folder)) {
            return;
        }
        slash = strrchr(folder, '/');
    }
}

/* One folder on the way down. */
struct level {
    struct reels__listing listing;
    size_t next;
    size_t key_len; /* length of the folder in the key, with its slash */
};

struct walk {
    struct reels__blob_dir *dir;
    struct level *levels;
    size_t levels_count;
    size_t levels_capacity;
    char key[REELS_BLOB_KEY_BYTES_MAX + 1];
    const char *prefix;
    const char *after;
};

static reels_status walk_enter(struct walk *walk, size_t key_len, reels_error *err)
{
    reels_ctx *ctx = walk->dir->ctx;
    if (walk->levels_count == walk->levels_capacity) {
        size_t capacity = walk->levels_capacity == 0 ? 8 : walk->levels_capacity * 2;
        struct level *levels = reels__mem_realloc(ctx, walk->levels, capacity * sizeof *levels);
        if (levels == NULL) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
        }
        walk->levels = levels;
        walk->levels_capacity = capacity;
    }
    walk->key[key_len] = '\0';
    char *path = reels__blob_path(walk->dir, walk->key);
    if (path == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    path[strlen(path) - 1] = '\0'; /* the slash behind the root or the folder */
    struct level *level = &walk->levels[walk->levels_count];
    memset(level, 0, sizeof *level);
    level->key_len = key_len;
    reels_status status = reels__listing_read(&level->listing, ctx, path, 1, err);
    reels__mem_free(ctx, path);
    /* Counted even after a failure, so that it is disposed of. */
    walk->levels_count++;
    return status;
}

/* 1 when keys that begin with the folder `key` may be asked for. */
static int folder_is_wanted(const struct walk *walk, size_t len)
{
    size_t prefix_len = strlen(walk->prefix);
    if (strncmp(walk->key, walk->prefix, len < prefix_len ? len : prefix_len) != 0) {
        return 0;
    }
    return strncmp(walk->key, walk->after, len) >= 0;
}

static reels_status walk_entry(struct walk *walk,
                               reels_blob_entry_fn entry,
                               void *entry_user,
                               uint32_t *left,
                               reels_error *err)
{
    if (strncmp(walk->key, walk->prefix, strlen(walk->prefix)) != 0 ||
        strcmp(walk->key, walk->after) <= 0 || !reels_blob_key_is_valid(walk->key)) {
        return REELS_OK;
    }
    reels_ctx *ctx = walk->dir->ctx;
    char *path = reels__blob_path(walk->dir, walk->key);
    if (path == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    reels_fs_info found = {0};
    reels_status status = ctx->fs.info(ctx->fs.user, path, &found, err);
    reels__mem_free(ctx, path);
    if (status == REELS_ERR_NOT_FOUND) {
        return REELS_OK;
    }
    if (status == REELS_OK) {
        reels_blob_info info = {.struct_size = sizeof info};
        reels__blob_info_fill(&info, &found);
        (*left)--;
        status = entry(entry_user, walk->key, &info);
    }
    return status;
}

/* Handles the next name of the lowest folder, or leaves it. */
static reels_status walk_step(struct walk *walk,
                              reels_blob_entry_fn entry,
                              void *entry_user,
                              uint32_t *left,
                              reels_error *err)
{
    struct level *level = &walk->levels[walk->levels_count - 1];
    if (level->next == level->listing.count) {
        reels__listing_dispose(&level->listing);
        walk->levels_count--;
        return REELS_OK;
    }
    const char *name = reels__listing_name(&level->listing, level->next++);
    size_t name_len = strlen(name);
    size_t len = level->key_len + name_len;
    if (len > REELS_BLOB_KEY_BYTES_MAX) {
        return REELS_OK;
    }
    memcpy(walk->key + level->key_len, name, name_len + 1);
    if (name[name_len - 1] != '/') {
        return walk_entry(walk, entry, entry_user, left, err);
    }
    return folder_is_wanted(walk, len) ? walk_enter(walk, len, err) : REELS_OK;
}

reels_status reels__blob_tree_list(void *impl,
                                   const reels_call *call,
                                   const char *prefix,
                                   const char *after,
                                   uint32_t limit,
                                   reels_blob_entry_fn entry,
                                   void *entry_user,
                                   reels_error *err)
{
    struct reels__blob_dir *dir = impl;
    struct walk walk = {.dir = dir, .prefix = prefix, .after = after};
    uint32_t left = limit;
    reels_status status = walk_enter(&walk, 0, err);
    while (status == REELS_OK && walk.levels_count > 0 && left > 0) {
        status = reels__call_check(dir->ctx, call, err);
        if (status == REELS_OK) {
            status = walk_step(&walk, entry, entry_user, &left, err);
        }
    }
    while (walk.levels_count > 0) {
        reels__listing_dispose(&walk.levels[--walk.levels_count].listing);
    }
    reels__mem_free(dir->ctx, walk.levels);
    return status;
}
