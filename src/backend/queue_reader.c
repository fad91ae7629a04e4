/* Owns the reading side of a partition: a cursor keeps one file open and the last batch decoded, so
 * that a consumer that reads on reads each batch once. What is durable is the only thing that is
 * read. */
#include <string.h>

#include "backend/queue_log.h"
#include "backend/record_internal.h"
#include "base/error.h"
#include "base/mem.h"

struct cursor {
    struct reels__segment_file file; /* closed at first */
    uint64_t position;               /* of the next batch */
    uint64_t offset;                 /* of its first record */
    reels_buf *raw;                  /* the last batch, decoded */
    uint64_t raw_next;               /* offset of the next record in it */
    uint64_t raw_end;
    size_t raw_at;
    struct reels__queue_codec *codec;
};

/* The file that holds an offset, as it is now. */
struct place {
    uint64_t base;
    uint64_t size_bytes;
    uint64_t end; /* offset behind the file's last record */
    int is_indexed;
    struct reels__index_entry entry;
};

void reels__part_cursor_free(struct reels__queue_log *store, void *cursor_)
{
    struct cursor *cursor = cursor_;
    reels__segment_close(&cursor->file);
    reels_buf_free(cursor->raw);
    reels__queue_codec_free(cursor->codec);
    reels__mem_free(store->ctx, cursor);
}

static reels_status cursor_make(struct reels__queue_log *store, void **out, reels_error *err)
{
    if (*out != NULL) {
        return REELS_OK;
    }
    struct cursor *cursor = reels__mem_zalloc(store->ctx, sizeof *cursor);
    if (cursor == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    reels_status status = reels_buf_new(store->ctx, REELS__BATCH_RAW_BYTES_MAX, &cursor->raw, err);
    if (status == REELS_OK) {
        status = reels__queue_codec_new(store->ctx, &cursor->codec, err);
    }
    if (status < 0) {
        reels__part_cursor_free(store, cursor);
        return status;
    }
    *out = cursor;
    return REELS_OK;
}

/* 1 and the place of an offset, or 0 at the end of the log. Moves the offset up to what is kept. */
static int place_find(struct reels__log_part *part, uint64_t *offset, struct place *out)
{
    pthread_mutex_lock(&part->lock);
    size_t count = part->segments_count;
    if (count > 0 && *offset < part->segments[0].base) {
        *offset = part->segments[0].base;
    }
    int found = count > 0 && *offset < part->end;
    if (found) {
        size_t at = count - 1;
        while (part->segments[at].base > *offset) {
            at--;
        }
        const struct reels__segment *segment = &part->segments[at];
        out->base = segment->base;
        out->size_bytes = segment->size_bytes;
        out->end = at + 1 < count ? part->segments[at + 1].base : part->end;
        out->is_indexed = segment->indexed;
        out->entry = reels__index_find(&segment->index, segment->base, *offset);
    }
    pthread_mutex_unlock(&part->lock);
    return found;
}

/* Gives a closed file its index, unless somebody was faster or it was removed. */
static void
index_publish(struct reels__log_part *part, uint64_t base, struct reels__segment_index *index)
{
    pthread_mutex_lock(&part->lock);
    for (size_t i = 0; i < part->segments_count; i++) {
        struct reels__segment *segment = &part->segments[i];
        if (segment->base == base && !segment->indexed) {
            segment->index = *index;
            segment->indexed = 1;
            memset(index, 0, sizeof *index);
        }
    }
    pthread_mutex_unlock(&part->lock);
}

/* Walks over the headers of a closed file that was not read in this process yet: every batch must
 * follow on the one before, and the file must end where the next one begins. */
static reels_status index_build(struct reels__log_part *part,
                                struct reels__segment_file *file,
                                const struct place *place,
                                reels_error *err)
{
    reels_ctx *ctx = part->log->store->ctx;
    struct reels__segment_index index = {0};
    uint64_t position = REELS__SEGMENT_HEADER_BYTES;
    uint64_t offset = place->base;
    reels_status status = REELS_OK;
    while (status == REELS_OK && position < place->size_bytes) {
        struct reels__batch_header header;
        status = reels__segment_batch(file, position, place->size_bytes, offset, &header, err);
        if (status == REELS_OK) {
            status = reels__index_add(ctx, &index, offset, position, err);
        }
        if (status == REELS_OK) {
            offset += header.records_count;
            position += REELS__BATCH_HEADER_BYTES + header.body_bytes;
        }
    }
    if (status == REELS_OK && offset != place->end) {
        status = reels__fail(
            err, REELS_ERR_CORRUPT, "records are missing behind the end of: %s", file->path);
    }
    if (status == REELS_OK) {
        index_publish(part, place->base, &index);
    }
    reels__mem_free(ctx, index.entries);
    return status;
}

/* Puts the cursor on the batch at or before an offset. */
static reels_status cursor_seek(struct reels__log_part *part,
                                struct cursor *cursor,
                                uint64_t *offset,
                                struct place *place,
                                reels_error *err)
{
    reels_ctx *ctx = part->log->store->ctx;
    if (cursor->file.file == NULL || cursor->file.header.base != place->base) {
        reels__segment_close(&cursor->file);
        cursor->offset = UINT64_MAX;
        REELS_TRY(
            reels__segment_open(&cursor->file, ctx, part->path, place->base, REELS_FS_READ, err));
    }
    if (!place->is_indexed) {
        REELS_TRY(index_build(part, &cursor->file, place, err));
        if (!place_find(part, offset, place) || place->base != cursor->file.header.base) {
            return REELS_ERR_NOT_FOUND;
        }
    }
    /* Reading on is the rule; otherwise the index says where to begin. */
    if (cursor->offset > *offset || place->entry.offset > cursor->offset) {
        cursor->offset = place->entry.offset;
        cursor->position = place->entry.position;
    }
    return REELS_OK;
}

/* Decodes the batch that holds an offset. */
static reels_status
batch_load(struct cursor *cursor, const struct place *place, uint64_t offset, reels_error *err)
{
    struct reels__batch_header header;
    const uint8_t *body = NULL;
    cursor->raw_end = 0;
    for (;;) {
        REELS_TRY(reels__segment_batch(
            &cursor->file, cursor->position, place->size_bytes, cursor->offset, &header, err));
        if (offset < cursor->offset + header.records_count) {
            break;
        }
        cursor->offset += header.records_count;
        cursor->position += REELS__BATCH_HEADER_BYTES + header.body_bytes;
    }
    REELS_TRY(reels__segment_body(&cursor->file, cursor->position, &header, &body, err));
    reels_status status = reels__batch_decode(cursor->codec, &header, body, cursor->raw, err);
    if (status < 0) {
        reels__error_prefix(err, cursor->file.path);
        return status;
    }
    cursor->raw_next = cursor->offset;
    cursor->raw_end = cursor->offset + header.records_count;
    cursor->raw_at = 0;
    cursor->offset = cursor->raw_end;
    cursor->position += REELS__BATCH_HEADER_BYTES + header.body_bytes;
    return REELS_OK;
}

/* Gives the next record of the decoded batch and steps over it. */
static reels_status record_next(struct cursor *cursor, reels_record *out, reels_error *err)
{
    const uint8_t *data = reels_buf_data(cursor->raw) + cursor->raw_at;
    size_t len = reels__record_read(data, reels_buf_len(cursor->raw) - cursor->raw_at, out);
    if (len == 0) {
        return reels__fail(
            err, REELS_ERR_CORRUPT, "a batch holds a malformed record: %s", cursor->file.path);
    }
    out->offset = cursor->raw_next;
    cursor->raw_at += len;
    cursor->raw_next++;
    return REELS_OK;
}

/* Hands records of the decoded batch over. REELS_END when there is no more room for one. */
static reels_status records_give(struct cursor *cursor,
                                 struct reels__queue_read *read,
                                 reels_records *records,
                                 reels_error *err)
{
    while (cursor->raw_next < cursor->raw_end) {
        size_t before = cursor->raw_at;
        reels_record record = {
            .partition = read->partition, .epoch = read->epoch, .topic = read->topic};
        REELS_TRY(record_next(cursor, &record, err));
        if (record.offset < read->next) {
            continue;
        }
        uint64_t bytes = record.key_len + record.payload_len;
        int fits = read->records_max > 0 && (read->is_first || bytes <= read->bytes_max);
        reels_error *detail = read->is_first ? err : NULL;
        reels_status status = fits ? reels_records_add(records, &record, detail) : REELS_END;
        if (status != REELS_OK) {
            cursor->raw_at = before;
            cursor->raw_next--;
            /* A list that takes no more is a failure only when it has taken nothing. */
            return status < 0 && !read->is_first ? REELS_END : status;
        }
        read->is_first = 0;
        read->records_max--;
        read->bytes_max -= bytes < read->bytes_max ? bytes : read->bytes_max;
        read->next = record.offset + 1;
    }
    return REELS_OK;
}

static int raw_holds(const struct cursor *cursor, uint64_t offset)
{
    return offset >= cursor->raw_next && offset < cursor->raw_end;
}

reels_status reels__part_read(struct reels__log_part *part,
                              struct reels__queue_read *read,
                              reels_records *records,
                              reels_error *err)
{
    struct reels__queue_log *store = part->log->store;
    REELS_TRY(cursor_make(store, read->cursor, err));
    struct cursor *cursor = *read->cursor;
    reels_status status = REELS_OK;
    while (status == REELS_OK && read->records_max > 0) {
        struct place place = {0};
        if (!raw_holds(cursor, read->next)) {
            if (!place_find(part, &read->next, &place)) {
                return REELS_OK;
            }
            status = cursor_seek(part, cursor, &read->next, &place, err);
            if (status == REELS_OK) {
                status = batch_load(cursor, &place, read->next, err);
            }
        }
        if (status == REELS_OK) {
            status = records_give(cursor, read, records, err);
        }
        if (status == REELS_ERR_NOT_FOUND) {
            /* The file was past what is kept and is gone: go on with the oldest one there is. */
            uint64_t base = place.base;
            int still = place_find(part, &read->next, &place) && place.base == base;
            status =
                still ? reels__fail(err, REELS_ERR_CORRUPT, "a segment is missing: %s", part->path)
                      : REELS_OK;
        }
    }
    /* What was read before a failure is given first; the next poll meets it again. */
    return status == REELS_END || !read->is_first ? REELS_OK : status;
}
