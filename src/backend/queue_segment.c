/* Owns single segment files: opening, reading batches, and recovery.
 *
 * What tells a torn tail from damage: a writer writes behind what is synced, syncs, and only then
 * acknowledges; each batch says how much of the file was synced when it was written. So where the
 * first bad batch stands at P and a sound one behind it says that more than P was synced, P was
 * acknowledged: that is damage. Without such a witness nobody was told of P, and the tail goes. (A
 * bad last batch has no witness: the end of the newest file is where damage to an acknowledged
 * batch looks like a torn one.) */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backend/dir.h"
#include "backend/queue_log.h"
#include "backend/record_internal.h"
#include "base/buffer_internal.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    WINDOW_BYTES = 128 * 1024,
    WINDOW_BYTES_MAX = REELS__BATCH_RAW_BYTES_MAX + WINDOW_BYTES
};

reels_status reels__index_add(reels_ctx *ctx,
                              struct reels__segment_index *index,
                              uint64_t offset,
                              uint64_t position,
                              reels_error *err)
{
    if (index->count > 0 &&
        position - index->entries[index->count - 1].position < REELS__INDEX_STEP_BYTES) {
        return REELS_OK;
    }
    void *entries = index->entries;
    REELS_TRY(reels__array_reserve(
        ctx, &entries, &index->capacity, index->count + 1, sizeof *index->entries, err));
    index->entries = entries;
    index->entries[index->count++] =
        (struct reels__index_entry){.offset = offset, .position = position};
    return REELS_OK;
}

struct reels__index_entry
reels__index_find(const struct reels__segment_index *index, uint64_t base, uint64_t offset)
{
    size_t low = 0;
    size_t high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->entries[middle].offset <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return (struct reels__index_entry){.offset = base, .position = REELS__SEGMENT_HEADER_BYTES};
    }
    return index->entries[low - 1];
}

static reels_status
damaged(const struct reels__segment_file *segment, uint64_t position, reels_error *err)
{
    return reels__fail(
        err, REELS_ERR_CORRUPT, "damaged batch at byte %" PRIu64 ": %s", position, segment->path);
}

static reels_status segment_path(struct reels__segment_file *segment,
                                 reels_ctx *ctx,
                                 const char *folder,
                                 uint64_t base,
                                 reels_error *err)
{
    char name[REELS__SEGMENT_NAME_BYTES];
    (void)snprintf(name, sizeof name, "%020" PRIu64 ".seg", base);
    memset(segment, 0, sizeof *segment);
    segment->ctx = ctx;
    segment->path = reels__path_join(ctx, folder, name, NULL);
    if (segment->path == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    return reels_buf_new(ctx, WINDOW_BYTES_MAX, &segment->window, err);
}

void reels__segment_close(struct reels__segment_file *segment)
{
    if (segment->ctx == NULL) {
        return;
    }
    if (segment->file != NULL) {
        segment->ctx->fs.close(segment->ctx->fs.user, segment->file);
    }
    reels_buf_free(segment->window);
    reels__mem_free(segment->ctx, segment->path);
    memset(segment, 0, sizeof *segment);
}

static reels_status
header_load(struct reels__segment_file *segment, uint64_t base, reels_error *err)
{
    reels_ctx *ctx = segment->ctx;
    uint8_t data[REELS__SEGMENT_HEADER_BYTES];
    size_t len = 0;
    REELS_TRY(ctx->fs.read_at(ctx->fs.user, segment->file, 0, data, sizeof data, &len, err));
    reels_status status = reels__segment_header_read(data, len, &segment->header, err);
    if (status == REELS_OK && segment->header.base != base) {
        status = reels__fail(err, REELS_ERR_CORRUPT, "its name and its header differ");
    }
    if (status < 0) {
        reels__error_prefix(err, segment->path);
    }
    return status;
}

reels_status reels__segment_open(struct reels__segment_file *segment,
                                 reels_ctx *ctx,
                                 const char *folder,
                                 uint64_t base,
                                 uint32_t flags,
                                 reels_error *err)
{
    reels_status status = segment_path(segment, ctx, folder, base, err);
    if (status == REELS_OK) {
        status = ctx->fs.open(ctx->fs.user, segment->path, flags, &segment->file, err);
    }
    if (status == REELS_OK) {
        status = header_load(segment, base, err);
    }
    if (status < 0) {
        reels__segment_close(segment);
    }
    return status;
}

static reels_status header_store(struct reels__segment_file *segment, reels_error *err)
{
    reels_ctx *ctx = segment->ctx;
    uint8_t data[REELS__SEGMENT_HEADER_BYTES];
    uint8_t seed[sizeof segment->header.seed];
    REELS_TRY(reels__random_fill(ctx, seed, sizeof seed, err));
    segment->header.seed = reels__le64_get(seed);
    segment->header.made_unix_us = reels_ctx_now_unix_us(ctx);
    reels__segment_header_write(data, &segment->header);
    REELS_TRY(ctx->fs.write_at(ctx->fs.user, segment->file, 0, data, sizeof data, err));
    REELS_TRY(ctx->fs.sync(ctx->fs.user, segment->file, err));
    return reels__dir_sync_parent(ctx, segment->path, err);
}

reels_status reels__segment_make(struct reels__segment_file *segment,
                                 reels_ctx *ctx,
                                 const char *folder,
                                 uint64_t base,
                                 reels_error *err)
{
    uint32_t flags = REELS_FS_READ | REELS_FS_WRITE | REELS_FS_CREATE | REELS_FS_TRUNCATE;
    reels_status status = segment_path(segment, ctx, folder, base, err);
    if (status == REELS_OK) {
        status = ctx->fs.open(ctx->fs.user, segment->path, flags, &segment->file, err);
    }
    if (status == REELS_OK) {
        segment->header.base = base;
        status = header_store(segment, err);
    }
    if (status < 0) {
        reels__segment_close(segment);
    }
    return status;
}

/* Gives len bytes at a position, borrowed until the next call. */
static reels_status window_get(struct reels__segment_file *segment,
                               uint64_t position,
                               size_t len,
                               const uint8_t **out,
                               reels_error *err)
{
    reels_ctx *ctx = segment->ctx;
    uint64_t skip = position - segment->window_at;
    size_t have = reels_buf_len(segment->window);
    if (position >= segment->window_at && skip <= have && len <= have - skip) {
        *out = reels_buf_data(segment->window) + skip;
        return REELS_OK;
    }
    if (position > segment->limit_bytes || len > segment->limit_bytes - position) {
        return damaged(segment, position, err);
    }
    uint64_t left = segment->limit_bytes - position;
    size_t want = left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES;
    want = len > want ? len : want;
    uint8_t *data = NULL;
    size_t got = 0;
    reels_buf_clear(segment->window);
    segment->window_at = position;
    REELS_TRY(reels__buf_extend(segment->window, want, &data, err));
    reels_status status =
        ctx->fs.read_at(ctx->fs.user, segment->file, position, data, want, &got, err);
    reels__buf_truncate(segment->window, status == REELS_OK ? got : 0);
    if (status == REELS_OK && got < len) {
        return damaged(segment, position, err);
    }
    *out = data;
    return status;
}

/* What was read ahead may have been written to since. */
static void window_forget(struct reels__segment_file *segment)
{
    reels_buf_clear(segment->window);
}

reels_status reels__segment_batch(struct reels__segment_file *segment,
                                  uint64_t position,
                                  uint64_t size_bytes,
                                  uint64_t base,
                                  struct reels__batch_header *out,
                                  reels_error *err)
{
    const uint8_t *data = NULL;
    segment->limit_bytes = size_bytes;
    REELS_TRY(window_get(segment, position, REELS__BATCH_HEADER_BYTES, &data, err));
    if (!reels__batch_header_read(data, segment->header.seed, position, out) || out->base != base ||
        out->synced_bytes > position ||
        out->body_bytes > size_bytes - position - REELS__BATCH_HEADER_BYTES) {
        return damaged(segment, position, err);
    }
    return REELS_OK;
}

reels_status reels__segment_body(struct reels__segment_file *segment,
                                 uint64_t position,
                                 const struct reels__batch_header *header,
                                 const uint8_t **out_body,
                                 reels_error *err)
{
    return window_get(
        segment, position + REELS__BATCH_HEADER_BYTES, header->body_bytes, out_body, err);
}

/* Looks behind a bad batch for a sound header that says it was synced. */
static reels_status
witness_find(struct reels__segment_file *segment, uint64_t bad, uint64_t size, reels_error *err)
{
    struct reels__batch_header header;
    const uint8_t *data = NULL;
    for (uint64_t at = bad + 1; at + REELS__BATCH_HEADER_BYTES <= size;) {
        uint64_t left = size - at;
        size_t len = left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES;
        REELS_TRY(window_get(segment, at, len, &data, err));
        size_t last = len - REELS__BATCH_HEADER_BYTES;
        for (size_t i = 0; i <= last; i++) {
            if (data[i] == 'R' && data[i + 1] == 'L' &&
                reels__batch_header_read(data + i, segment->header.seed, at + i, &header) &&
                header.synced_bytes > bad) {
                return damaged(segment, bad, err);
            }
        }
        at += last + 1;
    }
    return REELS_OK;
}

/* Walks over sound batches; *out_synced is how much is known to have been synced. */
static reels_status recover_walk(struct reels__segment_file *segment,
                                 struct reels__queue_codec *codec,
                                 uint64_t size,
                                 struct reels__recovery *out,
                                 uint64_t *out_synced,
                                 reels_error *err)
{
    reels_buf *raw = NULL;
    REELS_TRY(reels_buf_new(segment->ctx, REELS__BATCH_RAW_BYTES_MAX, &raw, err));
    reels_status status = REELS_OK;
    while (status == REELS_OK && out->size_bytes < size) {
        struct reels__batch_header header;
        const uint8_t *body = NULL;
        status = reels__segment_batch(segment, out->size_bytes, size, out->end, &header, err);
        if (status == REELS_OK) {
            status = reels__segment_body(segment, out->size_bytes, &header, &body, err);
        }
        if (status == REELS_OK) {
            status = reels__batch_decode(codec, &header, body, raw, err);
        }
        if (status == REELS_OK) {
            status = reels__index_add(segment->ctx, &out->index, header.base, out->size_bytes, err);
        }
        if (status == REELS_OK) {
            *out_synced = header.synced_bytes;
            out->end += header.records_count;
            out->size_bytes += REELS__BATCH_HEADER_BYTES + header.body_bytes;
        }
    }
    reels_buf_free(raw);
    return status;
}

/* Writes the bytes of the last write once more and syncs: when the sync after it failed, the system
 * may hold them to be clean although the disk never got them, and another sync alone would save
 * nothing. */
static reels_status
tail_rewrite(struct reels__segment_file *segment, uint64_t from, uint64_t end, reels_error *err)
{
    reels_ctx *ctx = segment->ctx;
    while (from < end) {
        const uint8_t *data = NULL;
        size_t len = end - from < WINDOW_BYTES ? (size_t)(end - from) : WINDOW_BYTES;
        REELS_TRY(window_get(segment, from, len, &data, err));
        REELS_TRY(ctx->fs.write_at(ctx->fs.user, segment->file, from, data, len, err));
        from += len;
    }
    return ctx->fs.sync(ctx->fs.user, segment->file, err);
}

reels_status reels__segment_recover(struct reels__segment_file *segment,
                                    struct reels__recovery *out,
                                    reels_error *err)
{
    reels_ctx *ctx = segment->ctx;
    reels_fs_info info = {0};
    uint64_t synced = REELS__SEGMENT_HEADER_BYTES;
    struct reels__queue_codec *codec = NULL;
    *out = (struct reels__recovery){.size_bytes = REELS__SEGMENT_HEADER_BYTES,
                                    .end = segment->header.base};
    REELS_TRY(ctx->fs.file_info(ctx->fs.user, segment->file, &info, err));
    REELS_TRY(reels__queue_codec_new(ctx, &codec, err));
    reels_status status = recover_walk(segment, codec, info.size_bytes, out, &synced, err);
    reels__queue_codec_free(codec);
    if (status == REELS_ERR_CORRUPT) {
        status = witness_find(segment, out->size_bytes, info.size_bytes, err);
    }
    if (status == REELS_OK && info.size_bytes > out->size_bytes) {
        status = ctx->fs.truncate(ctx->fs.user, segment->file, out->size_bytes, err);
        window_forget(segment);
    }
    if (status == REELS_OK) {
        status = tail_rewrite(segment, synced, out->size_bytes, err);
    }
    if (status < 0) {
        reels__mem_free(ctx, out->index.entries);
        memset(out, 0, sizeof *out);
    }
    return status;
}
