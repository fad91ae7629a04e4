/* Owns the front door of the queue port: names, limits, and which partition a key belongs to, which
 * is the same in every backend. */
#include <pthread.h>
#include <string.h>

#include <reels/backend/open.h>
#include <reels/backend/queue.h>

#include "backend/port.h"
#include "backend/record_internal.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"

enum {
    VTABLE_V1 = sizeof(reels_queue_vtable),
    JOIN_V1 = sizeof(reels_queue_join),
    TOPICS_MAX = 65536,
    POLL_BYTES_DEFAULT = 1024 * 1024
};

#define LEASE_DEFAULT_US ((int64_t)30 * 1000000)
#define LEASE_MIN_US ((int64_t)100 * 1000)
#define LEASE_MAX_US ((int64_t)3600 * 1000000)

struct reels_queue {
    reels_ctx *ctx;
    reels_queue_vtable vtable;
    void *impl;
    uint32_t features;
    pthread_mutex_t lock;
    struct reels__map_bytes partitions; /* under lock: topic -> number, as a pointer */
};

static const reels__slot MUSTS[] = {
    {offsetof(reels_queue_vtable, destroy), "destroy"},
    {offsetof(reels_queue_vtable, topic_open), "topic_open"},
    {offsetof(reels_queue_vtable, append), "append"},
    {offsetof(reels_queue_vtable, group_join), "group_join"},
    {offsetof(reels_queue_vtable, group_leave), "group_leave"},
    {offsetof(reels_queue_vtable, assignment), "assignment"},
    {offsetof(reels_queue_vtable, poll), "poll"},
    {offsetof(reels_queue_vtable, seek), "seek"},
};

static reels_status queue_init(reels_queue *queue, reels_error *err)
{
    REELS_TRY(reels__map_bytes_init(&queue->partitions, queue->ctx, TOPICS_MAX, err));
    if (pthread_mutex_init(&queue->lock, NULL) != 0) {
        reels__map_bytes_dispose(&queue->partitions);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no lock");
    }
    return REELS_OK;
}

reels_status reels_queue_new(reels_ctx *ctx,
                             const reels_queue_vtable *vtable,
                             void *impl,
                             reels_queue **out,
                             reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    reels_queue_vtable copy = {0};
    REELS_TRY(reels__vtable_copy(vtable,
                                 VTABLE_V1,
                                 &copy,
                                 sizeof copy,
                                 "reels_queue_vtable",
                                 MUSTS,
                                 REELS__COUNT(MUSTS),
                                 err));
    REELS_REQUIRE((copy.offset_store == NULL) == (copy.offset_load == NULL),
                  err,
                  "reels_queue_vtable: offset_store and offset_load come together");
    reels_queue *queue = reels__mem_zalloc(ctx, sizeof *queue);
    if (queue == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    queue->ctx = ctx;
    queue->vtable = copy;
    queue->impl = impl;
    queue->features = (copy.lag != NULL ? REELS_QUEUE_HAS_LAG : 0u) |
                      (copy.offset_store != NULL ? REELS_QUEUE_HAS_OFFSETS : 0u);
    reels_status status = queue_init(queue, err);
    if (status < 0) {
        reels__mem_free(ctx, queue);
        return status;
    }
    *out = queue;
    return REELS_OK;
}

reels_status reels_queue_open(reels_ctx *ctx, const char *url, reels_queue **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    void *port = NULL;
    REELS_TRY(reels__scheme_open(ctx, REELS_PORT_QUEUE, url, &port, err));
    *out = port;
    return REELS_OK;
}

void reels_queue_free(reels_queue *queue)
{
    if (queue != NULL) {
        queue->vtable.destroy(queue->impl);
        reels__map_bytes_dispose(&queue->partitions);
        pthread_mutex_destroy(&queue->lock);
        reels__mem_free(queue->ctx, queue);
    }
}

uint32_t reels_queue_features(const reels_queue *queue)
{
    return queue != NULL ? queue->features : 0;
}

uint32_t reels_queue_partition(const uint8_t *key, size_t len, uint32_t partitions)
{
    return partitions > 1 ? (uint32_t)(reels__xxh64(key, len) % partitions) : 0;
}

/* Asks the backend and remembers the answer. */
static reels_status topic_open(reels_queue *queue,
                               const reels_call *call,
                               const char *topic,
                               uint32_t partitions,
                               uint32_t *out_partitions,
                               reels_error *err)
{
    uint32_t found = 0;
    REELS_TRY(queue->vtable.topic_open(queue->impl, call, topic, partitions, &found, err));
    REELS_REQUIRE(found >= 1 && found <= REELS_QUEUE_PARTITIONS_MAX &&
                      (partitions == 0 || partitions == found),
                  err,
                  "the backend gave an impossible number of partitions");
    pthread_mutex_lock(&queue->lock);
    reels_status status = reels__map_bytes_put(
        &queue->partitions, topic, strlen(topic), (void *)(uintptr_t)found, NULL, err);
    pthread_mutex_unlock(&queue->lock);
    REELS_TRY(status);
    *out_partitions = found;
    return REELS_OK;
}

reels_status reels_queue_topic_open(reels_queue *queue,
                                    const reels_call *call,
                                    const char *topic,
                                    uint32_t partitions,
                                    uint32_t *out_partitions,
                                    reels_error *err)
{
    REELS_REQUIRE(queue != NULL, err, "queue is NULL");
    REELS_TRY(reels__queue_name_check(topic, "topic", err));
    REELS_REQUIRE(partitions <= REELS_QUEUE_PARTITIONS_MAX, err, "partitions is above 1024");
    REELS_TRY(reels__call_check(queue->ctx, call, err));
    uint32_t found = 0;
    REELS_TRY(topic_open(queue, call, topic, partitions, &found, err));
    if (out_partitions != NULL) {
        *out_partitions = found;
    }
    return REELS_OK;
}

static reels_status records_check(const reels_record *records, size_t count, reels_error *err)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const reels_record *record = &records[i];
        REELS_REQUIRE(record->key != NULL && record->key_len >= 1 &&
                          record->key_len <= REELS_QUEUE_RECORD_KEY_BYTES_MAX,
                      err,
                      "a record's key has not 1 to 1024 bytes");
        REELS_REQUIRE(
            record->payload != NULL || record->payload_len == 0, err, "a record's payload is NULL");
        REELS_REQUIRE(record->time_unix_us >= 0, err, "a record's time is before 1970");
        if (record->payload_len > REELS_QUEUE_RECORD_PAYLOAD_BYTES_MAX) {
            return reels__fail(err, REELS_ERR_LIMIT, "a record's payload is above 1 MiB");
        }
        bytes += record->key_len + record->payload_len;
    }
    if (bytes > REELS_QUEUE_BATCH_BYTES_MAX) {
        return reels__fail(err, REELS_ERR_LIMIT, "the records have more than 16 MiB together");
    }
    return REELS_OK;
}

static reels_status partitions_of(reels_queue *queue,
                                  const reels_call *call,
                                  const char *topic,
                                  uint32_t *out_partitions,
                                  reels_error *err)
{
    pthread_mutex_lock(&queue->lock);
    void *known = reels__map_bytes_get(&queue->partitions, topic, strlen(topic));
    pthread_mutex_unlock(&queue->lock);
    if (known != NULL) {
        *out_partitions = (uint32_t)(uintptr_t)known;
        return REELS_OK;
    }
    return topic_open(queue, call, topic, 0, out_partitions, err);
}

reels_status reels_queue_append(reels_queue *queue,
                                const reels_call *call,
                                const char *topic,
                                reels_record *records,
                                size_t records_count,
                                reels_error *err)
{
    REELS_REQUIRE(queue != NULL, err, "queue is NULL");
    REELS_TRY(reels__queue_name_check(topic, "topic", err));
    REELS_REQUIRE(
        records_count <= REELS_QUEUE_BATCH_RECORDS_MAX, err, "records_count is above 10000");
    REELS_REQUIRE(records != NULL || records_count == 0, err, "records is NULL");
    REELS_TRY(records_check(records, records_count, err));
    REELS_TRY(reels__call_check(queue->ctx, call, err));
    uint32_t partitions = 0;
    REELS_TRY(partitions_of(queue, call, topic, &partitions, err));
    if (records_count == 0) {
        return REELS_OK;
    }
    int64_t now = reels_ctx_now_unix_us(queue->ctx);
    for (size_t i = 0; i < records_count; i++) {
        reels_record *record = &records[i];
        record->partition = reels_queue_partition(record->key, record->key_len, partitions);
        record->time_unix_us = record->time_unix_us != 0 ? record->time_unix_us : now;
    }
    return queue->vtable.append(queue->impl, call, topic, records, records_count, err);
}

reels_status reels_queue_group_join(reels_queue *queue,
                                    const reels_call *call,
                                    const reels_queue_join *join,
                                    uint64_t *out_consumer,
                                    reels_error *err)
{
    REELS_REQUIRE(queue != NULL && out_consumer != NULL, err, "queue or out_consumer is NULL");
    REELS_REQUIRE(join != NULL, err, "join is NULL");
    reels_queue_join full = {0};
    REELS_TRY(reels__options_read(join, JOIN_V1, &full, sizeof full, "reels_queue_join", err));
    REELS_TRY(reels__queue_name_check(full.topic, "topic", err));
    REELS_TRY(reels__queue_name_check(full.group, "group", err));
    REELS_TRY(reels__queue_name_check(full.consumer, "consumer", err));
    full.lease_us = full.lease_us != 0 ? full.lease_us : LEASE_DEFAULT_US;
    REELS_REQUIRE(full.lease_us >= LEASE_MIN_US && full.lease_us <= LEASE_MAX_US,
                  err,
                  "lease_us is not 100 ms to 1 h");
    REELS_TRY(reels__call_check(queue->ctx, call, err));
    uint64_t consumer = 0;
    REELS_TRY(queue->vtable.group_join(queue->impl, call, &full, &consumer, err));
    *out_consumer = consumer;
    return REELS_OK;
}

reels_status reels_queue_group_leave(reels_queue *queue,
                                     const reels_call *call,
                                     uint64_t consumer,
                                     reels_error *err)
{
    REELS_REQUIRE(queue != NULL, err, "queue is NULL");
    REELS_TRY(reels__call_check(queue->ctx, call, err));
    return queue->vtable.group_leave(queue->impl, call, consumer, err);
}

reels_status reels_queue_assigned(reels_queue *queue,
                                  const reels_call *call,
                                  uint64_t consumer,
                                  reels_queue_assignment *out_assignments,
                                  size_t capacity,
                                  size_t *out_count,
                                  reels_error *err)
{
    REELS_REQUIRE(queue != NULL && out_count != NULL, err, "queue or out_count is NULL");
    REELS_REQUIRE(out_assignments != NULL || capacity == 0, err, "out_assignments is NULL");
    REELS_TRY(reels__call_check(queue->ctx, call, err));
    return queue->vtable.assignment(
        queue->impl, call, consumer, out_assignments, capacity, out_count, err);
}

reels_status reels_queue_poll(reels_queue *queue,
                              const reels_call *call,
                              uint64_t consumer,
                              uint32_t records_max,
                              uint64_t bytes_max,
                              reels_records *records,
                              uint32_t *out_changed,
                              reels_error *err)
{
    REELS_REQUIRE(queue != NULL, err, "queue is NULL");
    REELS_REQUIRE(records != NULL && out_changed != NULL, err, "records or out_changed is NULL");
    REELS_REQUIRE(records_max >= 1 && records_max <= REELS_QUEUE_BATCH_RECORDS_MAX,
                  err,
                  "records_max is not 1 to 10000");
    REELS_REQUIRE(call == NULL || call->struct_size >= sizeof(reels_call),
                  err,
                  "call: struct_size is too small");
    reels_records_clear(records);
    uint32_t changed = 0;
    /* A deadline that has passed is no failure here: what is there at once is given. */
    reels_status status = queue->vtable.poll(queue->impl,
                                             call,
                                             consumer,
                                             records_max,
                                             bytes_max != 0 ? bytes_max : POLL_BYTES_DEFAULT,
                                             records,
                                             &changed,
                                             err);
    if (status < 0) {
        reels__records_truncate(records, 0);
        return status;
    }
    *out_changed = changed;
    return REELS_OK;
}

static reels_status
offsets_check(const reels_queue_offset *offsets, size_t offsets_count, reels_error *err)
{
    REELS_REQUIRE(offsets_count <= REELS_QUEUE_PARTITIONS_MAX, err, "offsets_count is above 1024");
    REELS_REQUIRE(offsets != NULL || offsets_count == 0, err, "offsets is NULL");
    return REELS_OK;
}

reels_status reels_queue_seek(reels_queue *queue,
                              const reels_call *call,
                              uint64_t consumer,
                              const reels_queue_offset *offsets,
                              size_t offsets_count,
                              reels_error *err)
{
    REELS_REQUIRE(queue != NULL, err, "queue is NULL");
    REELS_TRY(offsets_check(offsets, offsets_count, err));
    REELS_TRY(reels__call_check(queue->ctx, call, err));
    return queue->vtable.seek(queue->impl, call, consumer, offsets, offsets_count, err);
}

reels_status reels_queue_lags(reels_queue *queue,
                              const reels_call *call,
                              const char *topic,
                              const char *group,
                              reels_queue_lag *out_lags,
                              size_t capacity,
                              size_t *out_count,
                              reels_error *err)
{
    REELS_REQUIRE(queue != NULL && out_count != NULL, err, "queue or out_count is NULL");
    if (queue->vtable.lag == NULL) {
        return reels__fail(err, REELS_ERR_UNSUPPORTED, "this queue tells no lags");
    }
    REELS_TRY(reels__queue_name_check(topic, "topic", err));
    if (group != NULL) {
        REELS_TRY(reels__queue_name_check(group, "group", err));
    }
    REELS_REQUIRE(out_lags != NULL || capacity == 0, err, "out_lags is NULL");
    REELS_TRY(reels__call_check(queue->ctx, call, err));
    return queue->vtable.lag(queue->impl, call, topic, group, out_lags, capacity, out_count, err);
}

static reels_status offsets_supported(const reels_queue *queue, reels_error *err)
{
    REELS_REQUIRE(queue != NULL, err, "queue is NULL");
    if ((queue->features & REELS_QUEUE_HAS_OFFSETS) == 0) {
        return reels__fail(err, REELS_ERR_UNSUPPORTED, "this queue stores no offsets");
    }
    return REELS_OK;
}

reels_status reels_queue_offset_store(reels_queue *queue,
                                      const reels_call *call,
                                      uint64_t consumer,
                                      const reels_queue_offset *offsets,
                                      size_t offsets_count,
                                      reels_error *err)
{
    REELS_TRY(offsets_supported(queue, err));
    REELS_TRY(offsets_check(offsets, offsets_count, err));
    REELS_TRY(reels__call_check(queue->ctx, call, err));
    return queue->vtable.offset_store(queue->impl, call, consumer, offsets, offsets_count, err);
}

reels_status reels_queue_offset_load(reels_queue *queue,
                                     const reels_call *call,
                                     const char *topic,
                                     const char *group,
                                     reels_queue_offset *offsets,
                                     size_t offsets_count,
                                     reels_error *err)
{
    REELS_TRY(offsets_supported(queue, err));
    REELS_TRY(reels__queue_name_check(topic, "topic", err));
    REELS_TRY(reels__queue_name_check(group, "group", err));
    REELS_TRY(offsets_check(offsets, offsets_count, err));
    REELS_TRY(reels__call_check(queue->ctx, call, err));
    return queue->vtable.offset_load(queue->impl, call, topic, group, offsets, offsets_count, err);
}
