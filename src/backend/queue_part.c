/* Owns the writing side of a partition. Appends that arrive while a write is under way wait
 * together; whoever comes first to a partition nobody writes to becomes its writer, takes all that
 * wait, writes them in one go, syncs once and tells everybody. No lock is held meanwhile.
 *
 * A write that failed leaves the file torn: it is cut off before the next one, so that nothing that
 * was refused can come between records that were acknowledged. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backend/dir.h"
#include "backend/queue_log.h"
#include "backend/record_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    PART_NAME_BYTES = 16,
    BATCH_RAW_BYTES = 1024 * 1024,     /* appends are joined into batches up to it */
    WRITE_RAW_BYTES = 4 * 1024 * 1024, /* appends are taken for one write up to it */
    BASE_DIGITS = 20
};

reels_status
reels__codec_take(struct reels__queue_log *store, struct reels__codec_item **out, reels_error *err)
{
    pthread_mutex_lock(&store->lock);
    struct reels__codec_item *item = store->codecs;
    if (item != NULL) {
        store->codecs = item->next;
    }
    pthread_mutex_unlock(&store->lock);
    if (item == NULL) {
        item = reels__mem_zalloc(store->ctx, sizeof *item);
        reels_status status = item != NULL
                                  ? reels__queue_codec_new(store->ctx, &item->codec, err)
                                  : reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
        if (status == REELS_OK) {
            status =
                reels_buf_new(store->ctx, (size_t)4 * REELS__BATCH_RAW_BYTES_MAX, &item->buf, err);
        }
        if (status < 0) {
            if (item != NULL) {
                reels__queue_codec_free(item->codec);
                reels__mem_free(store->ctx, item);
            }
            return status;
        }
    }
    reels_buf_clear(item->buf);
    *out = item;
    return REELS_OK;
}

void reels__codec_give(struct reels__queue_log *store, struct reels__codec_item *item)
{
    pthread_mutex_lock(&store->lock);
    item->next = store->codecs;
    store->codecs = item;
    pthread_mutex_unlock(&store->lock);
}

reels_status reels__part_init(struct reels__log_part *part,
                              struct reels__log *log,
                              uint32_t number,
                              reels_error *err)
{
    char name[PART_NAME_BYTES];
    (void)snprintf(name, sizeof name, "p%04" PRIu32, number);
    part->log = log;
    part->last = &part->first;
    part->path = reels__path_join(log->store->ctx, log->path, name, NULL);
    if (part->path == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    if (pthread_mutex_init(&part->lock, NULL) == 0) {
        if (pthread_cond_init(&part->written, NULL) == 0) {
            return REELS_OK;
        }
        pthread_mutex_destroy(&part->lock);
    }
    reels__mem_free(log->store->ctx, part->path);
    return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no lock");
}

void reels__part_dispose(struct reels__log_part *part)
{
    reels_ctx *ctx = part->log->store->ctx;
    reels__segment_close(&part->active);
    for (size_t i = 0; i < part->segments_count; i++) {
        reels__mem_free(ctx, part->segments[i].index.entries);
    }
    reels__mem_free(ctx, part->segments);
    reels__mem_free(ctx, part->path);
    pthread_cond_destroy(&part->written);
    pthread_mutex_destroy(&part->lock);
}

/* Under the lock, or before anybody else knows the partition. */
static reels_status
segment_append(struct reels__log_part *part, const struct reels__segment *segment, reels_error *err)
{
    void *segments = part->segments;
    REELS_TRY(reels__array_reserve(part->log->store->ctx,
                                   &segments,
                                   &part->segments_capacity,
                                   part->segments_count + 1,
                                   sizeof *segment,
                                   err));
    part->segments = segments;
    part->segments[part->segments_count++] = *segment;
    return REELS_OK;
}

/* Reads "<20 digits>.seg": 1, or 0 for another name. */
static int base_of_name(const char *name, uint64_t *out)
{
    uint64_t base = 0;
    for (size_t i = 0; i < BASE_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9' || base > UINT64_MAX / 20) {
            return 0;
        }
        base = base * 10 + (uint64_t)(name[i] - '0');
    }
    *out = base;
    return strcmp(name + BASE_DIGITS, ".seg") == 0;
}

static reels_status segments_list(struct reels__log_part *part, reels_error *err)
{
    reels_ctx *ctx = part->log->store->ctx;
    struct reels__listing listing = {0};
    reels_status status = reels__listing_read(&listing, ctx, part->path, 1, err);
    for (size_t i = 0; i < listing.count && status == REELS_OK; i++) {
        struct reels__segment segment = {0};
        reels_fs_info info = {0};
        const char *name = reels__listing_name(&listing, i);
        if (!base_of_name(name, &segment.base)) {
            continue;
        }
        char *path = reels__path_join(ctx, part->path, name, NULL);
        status = path != NULL ? ctx->fs.info(ctx->fs.user, path, &info, err)
                              : reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
        reels__mem_free(ctx, path);
        segment.size_bytes = info.size_bytes;
        segment.written_unix_us = info.modified_unix_us;
        if (status == REELS_OK) {
            status = segment_append(part, &segment, err);
        }
    }
    reels__listing_dispose(&listing);
    return status;
}

/* The newest file holds nothing: it was made and never written to, so it goes. The offsets that
 * came before are known from the file before it, which must be there if there were any. */
static reels_status last_discard(struct reels__log_part *part, reels_error *err)
{
    reels_ctx *ctx = part->log->store->ctx;
    struct reels__segment *last = &part->segments[part->segments_count - 1];
    char name[REELS__SEGMENT_NAME_BYTES];
    (void)snprintf(name, sizeof name, "%020" PRIu64 ".seg", last->base);
    if (part->segments_count == 1 && last->base > 0) {
        return reels__fail(
            err, REELS_ERR_CORRUPT, "the only segment holds nothing: %s/%s", part->path, name);
    }
    char *path = reels__path_join(ctx, part->path, name, NULL);
    if (path == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    reels_status status = reels__file_remove(ctx, path, err);
    if (status == REELS_OK) {
        status = reels__dir_sync_parent(ctx, path, err);
    }
    reels__mem_free(ctx, path);
    if (status == REELS_OK) {
        reels__mem_free(ctx, last->index.entries);
        part->segments_count--;
    }
    return status;
}

/* Opens the newest file and reads it through. */
static reels_status last_recover(struct reels__log_part *part, reels_error *err)
{
    reels_ctx *ctx = part->log->store->ctx;
    struct reels__segment *last = &part->segments[part->segments_count - 1];
    struct reels__recovery found = {0};
    if (last->size_bytes <= REELS__SEGMENT_HEADER_BYTES) {
        return last_discard(part, err);
    }
    REELS_TRY(reels__segment_open(
        &part->active, ctx, part->path, last->base, REELS_FS_READ | REELS_FS_WRITE, err));
    reels_status status = reels__segment_recover(&part->active, &found, err);
    if (status == REELS_OK) {
        last->size_bytes = found.size_bytes;
        last->index = found.index;
        last->indexed = 1;
        part->end = found.end;
    }
    if (status < 0 || found.end == last->base) {
        reels__segment_close(&part->active);
    }
    if (status == REELS_OK && found.end == last->base) {
        status = last_discard(part, err);
    }
    return status;
}

reels_status reels__part_load(struct reels__log_part *part, reels_error *err)
{
    REELS_TRY(segments_list(part, err));
    /* A discarded file shows the one before it, which was closed in full. */
    while (part->segments_count > 0 && part->active.file == NULL) {
        REELS_TRY(last_recover(part, err));
    }
    return REELS_OK;
}

/* Cuts off what a failed write may have left. */
static reels_status part_repair(struct reels__log_part *part, uint64_t size_bytes, reels_error *err)
{
    reels_ctx *ctx = part->log->store->ctx;
    REELS_TRY(ctx->fs.truncate(ctx->fs.user, part->active.file, size_bytes, err));
    REELS_TRY(ctx->fs.sync(ctx->fs.user, part->active.file, err));
    part->torn = 0;
    return REELS_OK;
}

/* The writer begins a new file. */
static reels_status part_roll(struct reels__log_part *part, uint64_t base, reels_error *err)
{
    struct reels__queue_log *store = part->log->store;
    struct reels__segment_file made = {0};
    REELS_TRY(reels__segment_make(&made, store->ctx, part->path, base, err));
    struct reels__segment segment = {.base = base,
                                     .size_bytes = REELS__SEGMENT_HEADER_BYTES,
                                     .written_unix_us = reels_ctx_now_unix_us(store->ctx),
                                     .indexed = 1};
    pthread_mutex_lock(&part->lock);
    reels_status status = segment_append(part, &segment, err);
    pthread_mutex_unlock(&part->lock);
    if (status < 0) {
        /* The file is made anew by the next try. */
        reels__segment_close(&made);
        return status;
    }
    reels__segment_close(&part->active);
    part->active = made;
    part->torn = 0;
    return REELS_OK;
}

/* One batch in the making. */
struct joined {
    struct reels__batch_header header;
    const struct reels__append *first;
    const struct reels__append *end; /* behind the last one */
    size_t raw_len;
};

/* Takes appends from `from` on while they fit into a batch: one at least. */
static void batch_join(struct joined *out, const struct reels__append *from, uint64_t base)
{
    memset(out, 0, sizeof *out);
    out->first = from;
    out->header.base = base;
    out->header.time_min_unix_us = from->time_min_unix_us;
    out->header.time_max_unix_us = from->time_max_unix_us;
    const struct reels__append *it = from;
    while (it != NULL && (it == from || out->raw_len + it->raw_len <= BATCH_RAW_BYTES)) {
        out->raw_len += it->raw_len;
        out->header.records_count += it->records_count;
        if (it->time_min_unix_us < out->header.time_min_unix_us) {
            out->header.time_min_unix_us = it->time_min_unix_us;
        }
        if (it->time_max_unix_us > out->header.time_max_unix_us) {
            out->header.time_max_unix_us = it->time_max_unix_us;
        }
        it = it->next;
    }
    out->end = it;
}

/* Appends the encoded batch to the bytes that will be written. */
static reels_status batch_encode(struct joined *batch,
                                 struct reels__codec_item *item,
                                 uint64_t seed,
                                 uint64_t position,
                                 reels_ctx *ctx,
                                 reels_error *err)
{
    const uint8_t *raw = batch->first->raw;
    uint8_t *joined = NULL;
    if (batch->first->next != batch->end) {
        joined = reels__mem_alloc(ctx, batch->raw_len);
        if (joined == NULL) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
        }
        uint8_t *at = joined;
        for (const struct reels__append *it = batch->first; it != batch->end; it = it->next) {
            memcpy(at, it->raw, it->raw_len);
            at += it->raw_len;
        }
        raw = joined;
    }
    reels_status status = reels__batch_encode(
        item->codec, &batch->header, raw, batch->raw_len, seed, position, item->buf, err);
    reels__mem_free(ctx, joined);
    return status;
}

/* Encodes all appends of a list into the item's buffer, and gives them their offsets. */
static reels_status list_encode(struct reels__log_part *part,
                                struct reels__append *list,
                                uint64_t size_bytes,
                                uint64_t base,
                                struct reels__codec_item *item,
                                struct reels__segment_index *index,
                                reels_error *err)
{
    reels_ctx *ctx = part->log->store->ctx;
    const struct reels__append *from = list;
    while (from != NULL) {
        struct joined batch;
        batch_join(&batch, from, base);
        batch.header.synced_bytes = size_bytes;
        uint64_t position = size_bytes + reels_buf_len(item->buf);
        REELS_TRY(batch_encode(&batch, item, part->active.header.seed, position, ctx, err));
        REELS_TRY(reels__index_add(ctx, index, base, position, err));
        base += batch.header.records_count;
        from = batch.end;
    }
    return REELS_OK;
}

/* What the writer needs to know, read under the lock before it begins. */
struct write {
    uint64_t base;       /* offset of the first record */
    uint64_t size_bytes; /* of the newest file */
    size_t segments_count;
};

static reels_status
file_prepare(struct reels__log_part *part, struct write *write, reels_error *err)
{
    uint64_t limit = part->log->store->segment_bytes;
    if (part->active.file != NULL && part->torn) {
        REELS_TRY(part_repair(part, write->size_bytes, err));
    }
    if (part->active.file == NULL || write->size_bytes >= limit) {
        REELS_TRY(part_roll(part, write->base, err));
        write->size_bytes = REELS__SEGMENT_HEADER_BYTES;
    }
    return REELS_OK;
}

static reels_status bytes_write(struct reels__log_part *part,
                                const struct write *write,
                                const reels_buf *bytes,
                                reels_error *err)
{
    reels_ctx *ctx = part->log->store->ctx;
    reels_status status = ctx->fs.write_at(ctx->fs.user,
                                           part->active.file,
                                           write->size_bytes,
                                           reels_buf_data(bytes),
                                           reels_buf_len(bytes),
                                           err);
    if (status == REELS_OK) {
        status = ctx->fs.sync(ctx->fs.user, part->active.file, err);
    }
    part->torn = status != REELS_OK;
    return status;
}

/* Under the lock: what was written is there now. index entries were made before, as they may fail.
 */
static void write_publish(struct reels__log_part *part,
                          struct reels__append *list,
                          uint64_t size_bytes,
                          const struct reels__segment_index *index)
{
    struct reels__segment *active = &part->segments[part->segments_count - 1];
    active->size_bytes = size_bytes;
    active->written_unix_us = reels_ctx_now_unix_us(part->log->store->ctx);
    for (size_t i = 0; i < index->count; i++) {
        /* An index with a gap finds things all the same. */
        (void)reels__index_add(part->log->store->ctx,
                               &active->index,
                               index->entries[i].offset,
                               index->entries[i].position,
                               NULL);
    }
    for (struct reels__append *it = list; it != NULL; it = it->next) {
        it->base = part->end;
        part->end += it->records_count;
    }
}

/* Writes a list for everybody. The lock is not held. */
static reels_status list_write(struct reels__log_part *part,
                               struct reels__append *list,
                               struct write write,
                               reels_error *err)
{
    struct reels__queue_log *store = part->log->store;
    struct reels__codec_item *item = NULL;
    struct reels__segment_index index = {0};
    REELS_TRY(reels__codec_take(store, &item, err));
    reels_status status = file_prepare(part, &write, err);
    if (status == REELS_OK) {
        status = list_encode(part, list, write.size_bytes, write.base, item, &index, err);
    }
    if (status == REELS_OK) {
        status = bytes_write(part, &write, item->buf, err);
    }
    if (status == REELS_OK) {
        pthread_mutex_lock(&part->lock);
        write_publish(part, list, write.size_bytes + reels_buf_len(item->buf), &index);
        pthread_mutex_unlock(&part->lock);
    }
    reels__mem_free(store->ctx, index.entries);
    reels__codec_give(store, item);
    return status;
}

/* Under the lock: takes the oldest segment out of the list when it is past what is kept. */
static int oldest_take(struct reels__log_part *part, int64_t now, struct reels__segment *out)
{
    const struct reels__queue_log *store = part->log->store;
    if (part->segments_count < 2 || (store->retain_bytes == 0 && store->retain_us == 0)) {
        return 0;
    }
    uint64_t bytes = 0;
    for (size_t i = 0; i + 1 < part->segments_count; i++) {
        bytes += part->segments[i].size_bytes;
    }
    int too_many = store->retain_bytes != 0 && bytes > store->retain_bytes;
    int too_old =
        store->retain_us != 0 && now - part->segments[0].written_unix_us > store->retain_us;
    if (!too_many && !too_old) {
        return 0;
    }
    *out = part->segments[0];
    part->segments_count--;
    memmove(part->segments, part->segments + 1, part->segments_count * sizeof *part->segments);
    return 1;
}

/* Removes what is past what is kept. What cannot be removed now is found again at the next open. */
static void part_retain(struct reels__log_part *part)
{
    reels_ctx *ctx = part->log->store->ctx;
    int64_t now = reels_ctx_now_unix_us(ctx);
    struct reels__segment gone = {0};
    for (int more = 1; more;) {
        pthread_mutex_lock(&part->lock);
        more = oldest_take(part, now, &gone);
        pthread_mutex_unlock(&part->lock);
        if (more) {
            char name[REELS__SEGMENT_NAME_BYTES];
            (void)snprintf(name, sizeof name, "%020" PRIu64 ".seg", gone.base);
            char *path = reels__path_join(ctx, part->path, name, NULL);
            if (path != NULL) {
                (void)ctx->fs.remove(ctx->fs.user, path, NULL);
            }
            reels__mem_free(ctx, path);
            reels__mem_free(ctx, gone.index.entries);
        }
    }
}

void reels__part_submit(struct reels__log_part *part, struct reels__append *append)
{
    append->next = NULL;
    append->done = 0;
    append->err = (reels_error)REELS__ERROR_INIT;
    pthread_mutex_lock(&part->lock);
    *part->last = append;
    part->last = &append->next;
    pthread_mutex_unlock(&part->lock);
}

/* Under the lock: takes what waits, up to a bound, one at least. */
static struct reels__append *list_take(struct reels__log_part *part)
{
    struct reels__append *list = part->first;
    struct reels__append *end = list;
    size_t raw_len = end->raw_len;
    while (end->next != NULL && raw_len + end->next->raw_len <= WRITE_RAW_BYTES) {
        end = end->next;
        raw_len += end->raw_len;
    }
    part->first = end->next;
    if (part->first == NULL) {
        part->last = &part->first;
    }
    end->next = NULL;
    return list;
}

/* Writes one list as the partition's writer. Under the lock, which is let go meanwhile. */
static void part_lead(struct reels__log_part *part)
{
    struct reels__append *list = list_take(part);
    size_t count = part->segments_count;
    struct write write = {
        .base = part->end,
        .size_bytes = count > 0 ? part->segments[count - 1].size_bytes : 0,
        .segments_count = count,
    };
    reels_error err = REELS__ERROR_INIT;
    part->writing = 1;
    pthread_mutex_unlock(&part->lock);
    reels_status status = list_write(part, list, write, &err);
    if (status == REELS_OK) {
        part_retain(part);
    }
    pthread_mutex_lock(&part->lock);
    part->writing = 0;
    while (list != NULL) {
        struct reels__append *append = list;
        list = list->next;
        append->status = status;
        append->err = err;
        append->done = 1; /* it may be gone from here on */
    }
    pthread_cond_broadcast(&part->written);
}

void reels__part_wait(struct reels__log_part *part, struct reels__append *append)
{
    pthread_mutex_lock(&part->lock);
    while (!append->done) {
        if (part->writing) {
            pthread_cond_wait(&part->written, &part->lock);
        } else {
            part_lead(part);
        }
    }
    pthread_mutex_unlock(&part->lock);
}
