/* Owns reels_records. Records are kept as offsets into one block of bytes and get their pointers
 * when they are asked for, so that the block may move. */
#include <string.h>

#include "backend/record_internal.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    BYTES_MAX_DEFAULT = 64 * 1024 * 1024
};

/* The bytes of a record lie one after the other: topic with its NUL, key, payload, shard. */
struct stored {
    reels_record record; /* lengths and numbers; its pointers mean nothing */
    size_t bytes_first;
    size_t topic_size; /* with the NUL */
    int has_shard;
};

struct reels_records {
    reels_ctx *ctx;
    struct stored *items;
    uint8_t *bytes;
    size_t items_count;
    size_t items_capacity;
    size_t bytes_len;
    size_t bytes_capacity;
    size_t bytes_max;
};

reels_status
reels_records_new(reels_ctx *ctx, size_t bytes_max, reels_records **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    reels_records *records = reels__mem_zalloc(ctx, sizeof *records);
    if (records == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "records: no memory");
    }
    records->ctx = ctx;
    records->bytes_max = bytes_max != 0 ? bytes_max : BYTES_MAX_DEFAULT;
    *out = records;
    return REELS_OK;
}

void reels_records_free(reels_records *records)
{
    if (records == NULL) {
        return;
    }
    reels__mem_free(records->ctx, records->items);
    reels__mem_free(records->ctx, records->bytes);
    reels__mem_free(records->ctx, records);
}

void reels__records_truncate(reels_records *records, size_t count)
{
    if (count < records->items_count) {
        records->bytes_len = records->items[count].bytes_first;
        records->items_count = count;
    }
}

void reels_records_clear(reels_records *records)
{
    if (records != NULL) {
        reels__records_truncate(records, 0);
    }
}

static void bytes_add(reels_records *records, const void *data, size_t len)
{
    if (len > 0) {
        memcpy(records->bytes + records->bytes_len, data, len);
        records->bytes_len += len;
    }
}

static reels_status records_reserve(reels_records *records, size_t len, reels_error *err)
{
    size_t used = records->items_count * sizeof(struct stored) + records->bytes_len;
    size_t room = used < records->bytes_max ? records->bytes_max - used : 0;
    if (room < sizeof(struct stored) || len > room - sizeof(struct stored)) {
        return reels__fail(
            err, REELS_ERR_LIMIT, "records: %zu bytes are their maximum", records->bytes_max);
    }
    void *block = records->items;
    reels_status status = reels__array_reserve(records->ctx,
                                               &block,
                                               &records->items_capacity,
                                               records->items_count + 1,
                                               sizeof(struct stored),
                                               err);
    records->items = block;
    REELS_TRY(status);
    block = records->bytes;
    status = reels__array_reserve(
        records->ctx, &block, &records->bytes_capacity, records->bytes_len + len, 1, err);
    records->bytes = block;
    return status;
}

reels_status reels_records_add(reels_records *records, const reels_record *record, reels_error *err)
{
    REELS_REQUIRE(records != NULL && record != NULL, err, "records or record is NULL");
    REELS_REQUIRE(record->topic != NULL, err, "record: topic is NULL");
    const size_t len_max = SIZE_MAX / 8;
    size_t topic_size = strlen(record->topic) + 1;
    size_t shard_len = record->shard != NULL ? record->shard_len : 0;
    REELS_REQUIRE(record->key_len < len_max && record->payload_len < len_max && shard_len < len_max,
                  err,
                  "record: a length is out of range");
    REELS_TRY(records_reserve(
        records, topic_size + record->key_len + record->payload_len + shard_len, err));
    struct stored *item = &records->items[records->items_count++];
    *item = (struct stored){.record = *record,
                            .bytes_first = records->bytes_len,
                            .topic_size = topic_size,
                            .has_shard = record->shard != NULL};
    item->record.shard_len = shard_len;
    bytes_add(records, record->topic, topic_size);
    bytes_add(records, record->key, record->key_len);
    bytes_add(records, record->payload, record->payload_len);
    bytes_add(records, record->shard, shard_len);
    return REELS_OK;
}

size_t reels_records_count(const reels_records *records)
{
    return records != NULL ? records->items_count : 0;
}

reels_status reels_records_get(const reels_records *records, size_t index, reels_record *out_record)
{
    if (records == NULL || out_record == NULL || index >= records->items_count) {
        return REELS_ERR_INVALID_ARG;
    }
    const struct stored *item = &records->items[index];
    const uint8_t *bytes = records->bytes + item->bytes_first;
    *out_record = item->record;
    out_record->topic = (const char *)bytes;
    out_record->key = bytes + item->topic_size;
    out_record->payload = out_record->key + item->record.key_len;
    out_record->shard = item->has_shard ? out_record->payload + item->record.payload_len : NULL;
    return REELS_OK;
}
