/* Owns multipart uploads of the directory blob store. A part is written to its place in one file
 * and synced; only then its slot, which says size and checksums, is written and synced: a valid
 * slot is an acknowledged part. Committing gives the file its name as an object: no byte is copied.
 */
#include <string.h>

#include "backend/blob_dir.h"
#include "backend/digest.h"
#include "backend/dir.h"
#include "base/buffer_internal.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"

enum {
    NAME_RANDOM_BYTES = 16,
    META_MAGIC = 0x50554C52, /* "RLUP" */
    META_VERSION = 1,
    META_FIXED_BYTES = 4 + 4 + 8 + 8 + 4,
    META_BYTES_MAX = META_FIXED_BYTES + REELS_BLOB_KEY_BYTES_MAX + 8,
    SLOT_BYTES = 128,
    SLOT_MAGIC = 0x54505452, /* "RTPT" */
    SLOT_HASHED_BYTES = SLOT_BYTES - 8,
    SLOTS_AT_ONCE = 16
};

#define COMMIT_REMEMBERED_US ((int64_t)24 * 3600 * 1000000)
#define SWEEP_EVERY_US ((int64_t)3600 * 1000000)

struct slot {
    uint64_t size_bytes;
    uint64_t hash; /* xxh3 of the part, whatever digest came with it */
    reels_digest digest;
};

/* An upload that was found. The zero state may be disposed. */
struct upload {
    struct reels__blob_dir *dir;
    char *path;
    char *meta_path;
    char *parts_path;
    char *data_path;
    uint64_t part_size_bytes;
    void *parts_file;
    void *data_file;
};

static void upload_dispose(struct upload *upload)
{
    if (upload->dir == NULL) {
        return;
    }
    reels_ctx *ctx = upload->dir->ctx;
    if (upload->parts_file != NULL) {
        ctx->fs.close(ctx->fs.user, upload->parts_file);
    }
    if (upload->data_file != NULL) {
        ctx->fs.close(ctx->fs.user, upload->data_file);
    }
    reels__mem_free(ctx, upload->path);
    reels__mem_free(ctx, upload->meta_path);
    reels__mem_free(ctx, upload->parts_path);
    reels__mem_free(ctx, upload->data_path);
    memset(upload, 0, sizeof *upload);
}

static reels_status
upload_paths(struct upload *upload, struct reels__blob_dir *dir, const char *name, reels_error *err)
{
    upload->dir = dir;
    upload->path = reels__path_join(dir->ctx, dir->upload_path, name, NULL);
    upload->meta_path = reels__path_join(dir->ctx, dir->upload_path, name, "meta", NULL);
    upload->parts_path = reels__path_join(dir->ctx, dir->upload_path, name, "parts", NULL);
    upload->data_path = reels__path_join(dir->ctx, dir->upload_path, name, "data", NULL);
    if (upload->path == NULL || upload->meta_path == NULL || upload->parts_path == NULL ||
        upload->data_path == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    return REELS_OK;
}

static reels_status unknown_upload(reels_error *err)
{
    return reels__fail(err, REELS_ERR_NOT_FOUND, "this upload is unknown or over");
}

static size_t meta_write(uint8_t *out, const char *key, uint64_t part_size, int64_t now)
{
    size_t key_len = strlen(key);
    reels__le32_put(out, META_MAGIC);
    reels__le32_put(out + 4, META_VERSION);
    reels__le64_put(out + 8, part_size);
    reels__le64_put(out + 16, (uint64_t)now);
    reels__le32_put(out + 24, (uint32_t)key_len);
    memcpy(out + META_FIXED_BYTES, key, key_len);
    size_t len = META_FIXED_BYTES + key_len;
    reels__le64_put(out + len, reels__xxh3_64(out, len, 0));
    return len + 8;
}

/* Reads what begin has written; NOT_FOUND when the upload is for another key. */
static reels_status meta_read(
    const uint8_t *data, size_t len, const char *key, uint64_t *out_part_size, reels_error *err)
{
    if (len < META_FIXED_BYTES + 8 || reels__le32_get(data) != META_MAGIC ||
        reels__le64_get(data + len - 8) != reels__xxh3_64(data, len - 8, 0)) {
        return reels__fail(err, REELS_ERR_CORRUPT, "the description of the upload is damaged");
    }
    if (reels__le32_get(data + 4) > META_VERSION) {
        return reels__fail(err, REELS_ERR_UNSUPPORTED, "the upload is of a newer version");
    }
    size_t key_len = reels__le32_get(data + 24);
    if (key_len != len - META_FIXED_BYTES - 8 || key_len != strlen(key) ||
        memcmp(data + META_FIXED_BYTES, key, key_len) != 0) {
        return unknown_upload(err);
    }
    *out_part_size = reels__le64_get(data + 8);
    return REELS_OK;
}

static int name_is_ours(const char *name)
{
    size_t len = strspn(name, "0123456789abcdef");
    return len == (size_t)2 * NAME_RANDOM_BYTES && name[len] == '\0';
}

/* Opens an upload with its slots. data_file stays NULL when it was committed. */
static reels_status upload_find(struct upload *upload,
                                struct reels__blob_dir *dir,
                                const char *key,
                                const char *name,
                                reels_error *err)
{
    if (!name_is_ours(name)) {
        return unknown_upload(err);
    }
    REELS_TRY(upload_paths(upload, dir, name, err));
    reels_ctx *ctx = dir->ctx;
    reels_buf *meta = NULL;
    REELS_TRY(reels_buf_new(ctx, META_BYTES_MAX, &meta, err));
    reels_status status = reels__file_read_small(ctx, upload->meta_path, META_BYTES_MAX, meta, err);
    if (status == REELS_OK) {
        status = meta_read(
            reels_buf_data(meta), reels_buf_len(meta), key, &upload->part_size_bytes, err);
    }
    reels_buf_free(meta);
    uint32_t flags = REELS_FS_READ | REELS_FS_WRITE;
    if (status == REELS_OK) {
        status = ctx->fs.open(ctx->fs.user, upload->parts_path, flags, &upload->parts_file, err);
    }
    if (status == REELS_OK) {
        status = ctx->fs.open(ctx->fs.user, upload->data_path, flags, &upload->data_file, err);
        status = status == REELS_ERR_NOT_FOUND ? REELS_OK : status;
    }
    return status == REELS_ERR_NOT_FOUND ? unknown_upload(err) : status;
}

/* The same for an upload that must still be open. */
static reels_status upload_find_open(struct upload *upload,
                                     struct reels__blob_dir *dir,
                                     const char *key,
                                     const char *name,
                                     reels_error *err)
{
    REELS_TRY(upload_find(upload, dir, key, name, err));
    return upload->data_file != NULL ? REELS_OK : unknown_upload(err);
}

static void slot_write(uint8_t out[SLOT_BYTES], uint32_t number, const struct slot *slot)
{
    memset(out, 0, SLOT_BYTES);
    reels__le32_put(out, SLOT_MAGIC);
    reels__le32_put(out + 4, number);
    reels__le64_put(out + 8, slot->size_bytes);
    reels__le64_put(out + 16, slot->hash);
    reels__le32_put(out + 24, slot->digest.kind);
    memcpy(out + 32, slot->digest.bytes, sizeof slot->digest.bytes);
    reels__le64_put(out + SLOT_HASHED_BYTES, reels__xxh3_64(out, SLOT_HASHED_BYTES, number));
}

/* 1 for a slot that was written in full: an acknowledged part, or one that was about to be. */
static int slot_read(const uint8_t data[SLOT_BYTES], uint32_t number, struct slot *out)
{
    if (reels__le32_get(data) != SLOT_MAGIC || reels__le32_get(data + 4) != number ||
        reels__le64_get(data + SLOT_HASHED_BYTES) !=
            reels__xxh3_64(data, SLOT_HASHED_BYTES, number)) {
        return 0;
    }
    out->size_bytes = reels__le64_get(data + 8);
    out->hash = reels__le64_get(data + 16);
    out->digest.kind = reels__le32_get(data + 24);
    out->digest.reserved0 = 0;
    memcpy(out->digest.bytes, data + 32, sizeof out->digest.bytes);
    return 1;
}

static uint64_t slot_offset(uint32_t number)
{
    return (uint64_t)(number - 1) * SLOT_BYTES;
}

static reels_status slot_load(
    struct upload *upload, uint32_t number, int *out_there, struct slot *out, reels_error *err)
{
    reels_ctx *ctx = upload->dir->ctx;
    uint8_t data[SLOT_BYTES] = {0};
    size_t len = 0;
    REELS_TRY(ctx->fs.read_at(
        ctx->fs.user, upload->parts_file, slot_offset(number), data, sizeof data, &len, err));
    *out_there = len == sizeof data && slot_read(data, number, out);
    return REELS_OK;
}

static reels_status
slot_store(struct upload *upload, uint32_t number, const struct slot *slot, reels_error *err)
{
    reels_ctx *ctx = upload->dir->ctx;
    uint8_t data[SLOT_BYTES];
    slot_write(data, number, slot);
    REELS_TRY(ctx->fs.write_at(
        ctx->fs.user, upload->parts_file, slot_offset(number), data, sizeof data, err));
    return ctx->fs.sync(ctx->fs.user, upload->parts_file, err);
}

/* Makes an empty file whose name is synced with the folder later. */
static reels_status file_make(reels_ctx *ctx, const char *path, reels_error *err)
{
    void *file = NULL;
    REELS_TRY(ctx->fs.open(
        ctx->fs.user, path, REELS_FS_WRITE | REELS_FS_CREATE | REELS_FS_EXCLUSIVE, &file, err));
    reels_status status = ctx->fs.sync(ctx->fs.user, file, err);
    ctx->fs.close(ctx->fs.user, file);
    return status;
}

/* The description comes last: without it the folder is no upload, and swept. */
static reels_status
upload_make(struct upload *upload, const char *key, uint64_t part_size_bytes, reels_error *err)
{
    reels_ctx *ctx = upload->dir->ctx;
    uint8_t meta[META_BYTES_MAX];
    size_t len = meta_write(meta, key, part_size_bytes, reels_ctx_now_unix_us(ctx));
    REELS_TRY(ctx->fs.make_dir(ctx->fs.user, upload->path, err));
    REELS_TRY(reels__dir_sync_parent(ctx, upload->path, err));
    REELS_TRY(file_make(ctx, upload->parts_path, err));
    REELS_TRY(file_make(ctx, upload->data_path, err));
    return reels__file_write_small(ctx, upload->meta_path, meta, len, err);
}

/* Removes what there is of an upload, the description first; its folder's name is synced. */
static reels_status upload_unmake(struct upload *upload, reels_error *err)
{
    reels_ctx *ctx = upload->dir->ctx;
    REELS_TRY(reels__file_remove(ctx, upload->meta_path, err));
    char *draft = reels__path_join(ctx, upload->path, "meta~", NULL);
    if (draft == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    reels_status status = reels__file_remove(ctx, draft, err);
    reels__mem_free(ctx, draft);
    REELS_TRY(status);
    REELS_TRY(reels__file_remove(ctx, upload->parts_path, err));
    REELS_TRY(reels__file_remove(ctx, upload->data_path, err));
    REELS_TRY(reels__file_remove(ctx, upload->path, err));
    return reels__dir_sync_parent(ctx, upload->path, err);
}

static void sweep_when_due(struct reels__blob_dir *dir)
{
    int64_t now = reels_ctx_now_mono_us(dir->ctx);
    pthread_mutex_lock(&dir->mutex);
    int due = now - dir->sweep_mono_us >= SWEEP_EVERY_US;
    if (due) {
        dir->sweep_mono_us = now;
    }
    pthread_mutex_unlock(&dir->mutex);
    if (due) {
        /* What cannot be swept now will be another time. */
        (void)reels__blob_parts_sweep(dir, NULL);
    }
}

reels_status reels__blob_parts_begin(void *impl,
                                     const reels_call *call,
                                     const char *key,
                                     uint64_t part_size_bytes,
                                     reels_buf *out_upload,
                                     reels_error *err)
{
    (void)call;
    struct reels__blob_dir *dir = impl;
    uint8_t random[NAME_RANDOM_BYTES];
    char name[2 * NAME_RANDOM_BYTES + 1];
    sweep_when_due(dir);
    REELS_TRY(reels__random_fill(dir->ctx, random, sizeof random, err));
    reels__hex_encode(random, sizeof random, name);
    /* The name is given first: what cannot be told must not be made. */
    REELS_TRY(reels__buf_append_text(out_upload, name, err));
    struct upload upload = {0};
    struct reels__blob_claim claim = {.name = name, .kind = REELS__BLOB_CLAIM_UPLOAD};
    REELS_TRY(reels__blob_claim_take(dir, &claim, 0, err));
    reels_status status = upload_paths(&upload, dir, name, err);
    if (status == REELS_OK) {
        status = upload_make(&upload, key, part_size_bytes, err);
        if (status != REELS_OK) {
            (void)upload_unmake(&upload, NULL);
        }
    }
    reels__blob_claim_drop(dir, &claim);
    upload_dispose(&upload);
    return status;
}

/* Where the bytes of a part go: into the file, or nowhere when the part is there already. */
struct part_copy {
    struct upload *upload;
    const reels_call *call;
    const reels_blob_source *source;
    struct reels__digest_stream stream;
    uint8_t *space;
    uint64_t offset;
    int writes;
};

static reels_status part_copy_run(struct part_copy *copy, reels_error *err)
{
    reels_ctx *ctx = copy->upload->dir->ctx;
    size_t len = 0;
    do {
        REELS_TRY(reels__call_check(ctx, copy->call, err));
        REELS_TRY(copy->source->reader(
            copy->source->reader_user, copy->space, REELS__BLOB_IO_BYTES, &len, err));
        reels__digest_update(&copy->stream, copy->space, len);
        if (copy->writes && len > 0) {
            REELS_TRY(ctx->fs.write_at(
                ctx->fs.user, copy->upload->data_file, copy->offset, copy->space, len, err));
        }
        copy->offset += len;
    } while (len > 0);
    return copy->writes ? ctx->fs.sync(ctx->fs.user, copy->upload->data_file, err) : REELS_OK;
}

/* Reads the part through, writing it when asked to, and gives its xxh3. */
static reels_status part_copy(struct part_copy *copy, uint64_t *out_hash, reels_error *err)
{
    reels_ctx *ctx = copy->upload->dir->ctx;
    reels_digest digest = {0};
    reels_status status = reels__digest_init(&copy->stream, ctx, REELS_DIGEST_XXH3_64, err);
    copy->space = status == REELS_OK ? reels__mem_alloc(ctx, REELS__BLOB_IO_BYTES) : NULL;
    if (status == REELS_OK && copy->space == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    if (status == REELS_OK) {
        status = part_copy_run(copy, err);
    }
    if (status == REELS_OK) {
        reels__digest_finish(&copy->stream, &digest);
        *out_hash = reels__be64_get(digest.bytes);
    }
    reels__digest_dispose(&copy->stream);
    reels__mem_free(ctx, copy->space);
    return status;
}

/* Under the claim of the part. */
static reels_status part_put_claimed(struct upload *upload,
                                     const reels_call *call,
                                     uint32_t number,
                                     const reels_blob_source *source,
                                     reels_error *err)
{
    struct slot old = {0};
    int there = 0;
    if (source->length_bytes > upload->part_size_bytes) {
        return reels__fail(err, REELS_ERR_LIMIT, "the part is larger than the upload's parts");
    }
    REELS_TRY(slot_load(upload, number, &there, &old, err));
    if (there && old.size_bytes != source->length_bytes) {
        return reels__fail(err, REELS_ERR_EXISTS, "the part is there with other bytes");
    }
    struct part_copy copy = {
        .upload = upload,
        .call = call,
        .source = source,
        .offset = (uint64_t)(number - 1) * upload->part_size_bytes,
        .writes = !there,
    };
    struct slot slot = {.size_bytes = source->length_bytes, .digest = source->digest};
    REELS_TRY(part_copy(&copy, &slot.hash, err));
    if (!there) {
        return slot_store(upload, number, &slot, err);
    }
    if (slot.hash != old.hash) {
        return reels__fail(err, REELS_ERR_EXISTS, "the part is there with other bytes");
    }
    /* The sync of the slot may have failed when it was written. A second sync alone would save
     * nothing then, so it is written again. */
    return slot_store(upload, number, &old, err);
}

reels_status reels__blob_parts_put(void *impl,
                                   const reels_call *call,
                                   const char *key,
                                   const char *upload,
                                   uint32_t number,
                                   const reels_blob_source *source,
                                   reels_error *err)
{
    struct reels__blob_dir *dir = impl;
    struct upload found = {0};
    struct reels__blob_claim claim = {
        .name = upload, .kind = REELS__BLOB_CLAIM_UPLOAD, .number = number};
    REELS_TRY(reels__blob_claim_take(dir, &claim, 0, err));
    reels_status status = upload_find_open(&found, dir, key, upload, err);
    if (status == REELS_OK) {
        status = part_put_claimed(&found, call, number, source, err);
    }
    upload_dispose(&found);
    reels__blob_claim_drop(dir, &claim);
    return status;
}

/* Walks through the slots in order. */
struct slots_walk {
    struct upload *upload;
    uint32_t number; /* of the slot that was read last */
    uint32_t first;  /* number of the first one in data */
    size_t count;
    uint8_t data[SLOTS_AT_ONCE * SLOT_BYTES];
};

/* REELS_END after the last one. */
static reels_status slots_next(struct slots_walk *walk, struct slot *out, reels_error *err)
{
    reels_ctx *ctx = walk->upload->dir->ctx;
    while (walk->number < REELS_BLOB_PARTS_MAX) {
        uint32_t number = walk->number + 1;
        if (walk->first == 0 || number >= walk->first + walk->count) {
            size_t len = 0;
            REELS_TRY(ctx->fs.read_at(ctx->fs.user,
                                      walk->upload->parts_file,
                                      slot_offset(number),
                                      walk->data,
                                      sizeof walk->data,
                                      &len,
                                      err));
            walk->first = number;
            walk->count = len / SLOT_BYTES;
            if (walk->count == 0) {
                break;
            }
        }
        walk->number = number;
        if (slot_read(walk->data + (size_t)(number - walk->first) * SLOT_BYTES, number, out)) {
            return REELS_OK;
        }
    }
    return REELS_END;
}

reels_status reels__blob_parts_list(void *impl,
                                    const reels_call *call,
                                    const char *key,
                                    const char *upload,
                                    uint32_t after,
                                    uint32_t limit,
                                    reels_blob_part_fn part,
                                    void *part_user,
                                    reels_error *err)
{
    (void)call;
    struct upload found = {0};
    struct slot slot = {0};
    struct slots_walk walk = {.upload = &found, .number = after};
    reels_status status = upload_find_open(&found, impl, key, upload, err);
    for (uint32_t i = 0; i < limit && status == REELS_OK; i++) {
        status = slots_next(&walk, &slot, err);
        if (status == REELS_OK) {
            reels_blob_part told = {
                .number = walk.number, .size_bytes = slot.size_bytes, .digest = slot.digest};
            status = part(part_user, &told);
        }
    }
    upload_dispose(&found);
    return status == REELS_END ? REELS_OK : status;
}

/* Sum of the parts, which must be 1..parts_count, full but for the last. */
static reels_status
parts_measure(struct upload *upload, uint32_t parts_count, uint64_t *out_size, reels_error *err)
{
    struct slots_walk walk = {.upload = upload};
    struct slot slot = {0};
    uint64_t size = 0;
    for (uint32_t i = 1; i <= parts_count; i++) {
        reels_status status = slots_next(&walk, &slot, err);
        if (status < 0) {
            return status;
        }
        if (status == REELS_END || walk.number != i) {
            return reels__fail(err, REELS_ERR_STATE, "part %u is missing", (unsigned)i);
        }
        if (i < parts_count && slot.size_bytes != upload->part_size_bytes) {
            return reels__fail(err, REELS_ERR_STATE, "part %u is too short", (unsigned)i);
        }
        size += slot.size_bytes;
    }
    reels_status status = slots_next(&walk, &slot, err);
    if (status == REELS_OK) {
        return reels__fail(err, REELS_ERR_STATE, "part %u was put as well", (unsigned)walk.number);
    }
    *out_size = size;
    return status == REELS_END ? REELS_OK : status;
}

/* It was committed before: the object is there unless somebody has removed it. */
static reels_status commit_again(struct reels__blob_dir *dir,
                                 const char *key,
                                 uint64_t size_bytes,
                                 reels_blob_info *out_info,
                                 reels_error *err)
{
    char *path = reels__blob_path(dir, key);
    if (path == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    reels_fs_info info = {0};
    reels_status status = reels__blob_tree_find(dir, path, &info, err);
    if (status == REELS_OK && info.size_bytes != size_bytes) {
        status = reels__fail(err, REELS_ERR_EXISTS, "the key holds other bytes");
    }
    if (status == REELS_OK) {
        status = reels__dir_sync_parent(dir->ctx, path, err);
    }
    if (status == REELS_OK) {
        reels__blob_info_fill(out_info, &info);
    }
    reels__mem_free(dir->ctx, path);
    return status;
}

/* Cuts off what a failed part may have written behind the end; part syncs covered the rest. Always,
 * as the sync of an earlier try may have failed. */
static reels_status data_finish(struct upload *upload, uint64_t size_bytes, reels_error *err)
{
    reels_ctx *ctx = upload->dir->ctx;
    reels_fs_info info = {0};
    REELS_TRY(ctx->fs.file_info(ctx->fs.user, upload->data_file, &info, err));
    if (info.size_bytes < size_bytes) {
        return reels__fail(err, REELS_ERR_CORRUPT, "the bytes of acknowledged parts are gone");
    }
    REELS_TRY(ctx->fs.truncate(ctx->fs.user, upload->data_file, size_bytes, err));
    return ctx->fs.sync(ctx->fs.user, upload->data_file, err);
}

static reels_status commit_claimed(struct upload *upload,
                                   const char *key,
                                   uint32_t parts_count,
                                   reels_blob_info *out_info,
                                   reels_error *err)
{
    struct reels__blob_dir *dir = upload->dir;
    reels_ctx *ctx = dir->ctx;
    uint64_t size = 0;
    REELS_TRY(parts_measure(upload, parts_count, &size, err));
    if (upload->data_file == NULL) {
        return commit_again(dir, key, size, out_info, err);
    }
    REELS_TRY(data_finish(upload, size, err));
    REELS_TRY(reels__blob_publish(dir, upload->data_path, key, 1, out_info, err));
    /* The object is durable. Should this fail, the next commit finds the same bytes under the key.
     */
    REELS_TRY(reels__file_remove(ctx, upload->data_path, err));
    return ctx->fs.sync_dir(ctx->fs.user, upload->path, err);
}

reels_status reels__blob_parts_commit(void *impl,
                                      const reels_call *call,
                                      const char *key,
                                      const char *upload,
                                      uint32_t parts_count,
                                      reels_blob_info *out_info,
                                      reels_error *err)
{
    (void)call;
    struct reels__blob_dir *dir = impl;
    struct upload found = {0};
    struct reels__blob_claim claim = {.name = upload, .kind = REELS__BLOB_CLAIM_UPLOAD};
    REELS_TRY(reels__blob_claim_take(dir, &claim, 0, err));
    reels_status status = upload_find(&found, dir, key, upload, err);
    if (status == REELS_OK) {
        status = commit_claimed(&found, key, parts_count, out_info, err);
    }
    upload_dispose(&found);
    reels__blob_claim_drop(dir, &claim);
    return status;
}

reels_status reels__blob_parts_abort(
    void *impl, const reels_call *call, const char *key, const char *upload, reels_error *err)
{
    (void)call;
    struct reels__blob_dir *dir = impl;
    struct upload found = {0};
    struct reels__blob_claim claim = {.name = upload, .kind = REELS__BLOB_CLAIM_UPLOAD};
    REELS_TRY(reels__blob_claim_take(dir, &claim, 0, err));
    reels_status status = upload_find_open(&found, dir, key, upload, err);
    if (status == REELS_OK) {
        status = upload_unmake(&found, err);
    } else if (status == REELS_ERR_NOT_FOUND) {
        status = REELS_OK;
    }
    upload_dispose(&found);
    reels__blob_claim_drop(dir, &claim);
    return status;
}

/* 1 when the upload may go: it has no description, or was committed long ago. */
static reels_status
upload_is_over(struct upload *upload, int64_t now_unix_us, int *out_over, reels_error *err)
{
    reels_ctx *ctx = upload->dir->ctx;
    reels_fs_info info = {0};
    *out_over = 1;
    reels_status status = ctx->fs.info(ctx->fs.user, upload->meta_path, &info, err);
    if (status == REELS_OK) {
        *out_over = 0;
        status = ctx->fs.info(ctx->fs.user, upload->data_path, &info, err);
        if (status == REELS_ERR_NOT_FOUND) {
            /* The folder was changed last when the commit took the data away. */
            status = ctx->fs.info(ctx->fs.user, upload->path, &info, err);
            *out_over =
                status == REELS_OK && now_unix_us - info.modified_unix_us > COMMIT_REMEMBERED_US;
        }
    }
    return status == REELS_ERR_NOT_FOUND ? REELS_OK : status;
}

static reels_status
sweep_one(struct reels__blob_dir *dir, const char *name, int64_t now_unix_us, reels_error *err)
{
    struct upload upload = {0};
    struct reels__blob_claim claim = {.name = name, .kind = REELS__BLOB_CLAIM_UPLOAD};
    if (reels__blob_claim_take(dir, &claim, 0, NULL) != REELS_OK) {
        return REELS_OK; /* in use, so not over */
    }
    int over = 0;
    reels_status status = upload_paths(&upload, dir, name, err);
    if (status == REELS_OK) {
        status = upload_is_over(&upload, now_unix_us, &over, err);
    }
    if (status == REELS_OK && over) {
        status = upload_unmake(&upload, err);
    }
    upload_dispose(&upload);
    reels__blob_claim_drop(dir, &claim);
    return status;
}

reels_status reels__blob_parts_sweep(struct reels__blob_dir *dir, reels_error *err)
{
    int64_t now = reels_ctx_now_unix_us(dir->ctx);
    char name[2 * NAME_RANDOM_BYTES + 1];
    struct reels__listing listing = {0};
    reels_status status = reels__listing_read(&listing, dir->ctx, dir->upload_path, 1, err);
    for (size_t i = 0; i < listing.count && status == REELS_OK; i++) {
        const char *found = reels__listing_name(&listing, i);
        size_t len = strlen(found);
        if (len == sizeof name && found[len - 1] == '/') {
            memcpy(name, found, sizeof name - 1);
            name[sizeof name - 1] = '\0';
            status = name_is_ours(name) ? sweep_one(dir, name, now, err) : REELS_OK;
        }
    }
    reels__listing_dispose(&listing);
    return status;
}
