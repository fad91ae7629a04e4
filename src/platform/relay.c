/* Owns the relay: events that were committed with their rows go to the queue, oldest first per
 * shard. Each is numbered by its place in the outbox (source = a hash of the shard, sequence =
 * place), so that a repeat after a crash between append and acknowledgement is known as one by
 * whoever counts. */
#include <string.h>

#include "base/checked.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "platform_internal.h"

enum {
    BATCH = 256,
    RECORDS_BYTES_MAX = 4 * 1024 * 1024,
    PAYLOADS_BYTES_MAX = 8 * 1024 * 1024,
    IDLE_US = 20000
};

#define LEASE_US INT64_C(10000000)
#define SOURCE_OF_RELAY (UINT64_C(1) << 63)

static const reels_metric metric_published = {
    "reels_relay_events", "Events published from the outbox.", NULL, REELS_METRIC_COUNTER, 0};

reels_status reels__relay_init(reels_platform *platform, reels_error *err)
{
    struct reels__relay *relay = &platform->relay;
    REELS_TRY(reels_records_new(platform->ctx, RECORDS_BYTES_MAX, &relay->claimed, err));
    REELS_TRY(reels_buf_new(platform->ctx, PAYLOADS_BYTES_MAX, &relay->payloads, err));
    relay->appended = reels__mem_calloc(platform->ctx, BATCH, sizeof(*relay->appended));
    if (relay->appended == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for the relay");
    }
    return REELS_OK;
}

void reels__relay_dispose(reels_platform *platform)
{
    reels__mem_free(platform->ctx, platform->relay.appended);
    reels_buf_free(platform->relay.payloads);
    reels_records_free(platform->relay.claimed);
    memset(&platform->relay, 0, sizeof(platform->relay));
}

uint64_t reels__relay_source(const uint8_t *shard, size_t shard_len)
{
    return reels__xxh3_64(shard, shard_len, 0) | SOURCE_OF_RELAY;
}

/* A host's own topics may carry what looks like an Event and is none. */
static int topic_is_ours(const char *topic)
{
    for (uint32_t bit = REELS_TOPIC_REEL; bit <= REELS_TOPIC_PERSON; bit <<= 1) {
        if (strcmp(topic, reels_event_topic_name(bit)) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Numbers one event. What is a host's own goes out as it is. */
static reels_status number_event(struct reels__relay *relay,
                                 const reels_record *record,
                                 size_t *out_begin,
                                 size_t *out_len,
                                 reels_error *err)
{
    reels_event event = {.struct_size = sizeof(event)};
    *out_begin = reels_buf_len(relay->payloads);
    if (topic_is_ours(record->topic) &&
        reels_event_decode(record->payload, record->payload_len, &event, NULL) == REELS_OK &&
        reels_event_type_name(event.type) != NULL) {
        event.source = reels__relay_source(record->shard, record->shard_len);
        event.sequence = record->offset + 1;
        REELS_TRY(reels_event_encode(&event, relay->payloads, err));
    } else {
        REELS_TRY(reels_buf_append(relay->payloads, record->payload, record->payload_len, err));
    }
    *out_len = reels_buf_len(relay->payloads) - *out_begin;
    return REELS_OK;
}

/* Appends those of the claimed events that go to one topic, in their order. */
static reels_status
publish_topic(reels_platform *platform, const char *topic, size_t count, reels_error *err)
{
    struct reels__relay *relay = &platform->relay;
    size_t begins[BATCH];
    size_t made = 0;
    reels_buf_clear(relay->payloads);
    for (size_t i = 0; i < count; i++) {
        reels_record record;
        size_t len = 0;
        REELS_TRY(reels_records_get(relay->claimed, i, &record));
        if (strcmp(record.topic, topic) != 0) {
            continue;
        }
        REELS_TRY(number_event(relay, &record, &begins[made], &len, err));
        relay->appended[made] = (reels_record){.time_unix_us = record.time_unix_us,
                                               .key = record.key,
                                               .key_len = record.key_len,
                                               .payload_len = len};
        made++;
    }
    for (size_t i = 0; i < made; i++) {
        relay->appended[i].payload = reels_buf_data(relay->payloads) + begins[i];
    }
    reels_status status =
        reels_queue_append(platform->queue, NULL, topic, relay->appended, made, err);
    if (status == REELS_ERR_NOT_FOUND && !topic_is_ours(topic)) {
        /* A host's topic that nobody has opened yet must not keep all other events waiting. */
        REELS_TRY(reels_queue_topic_open(
            platform->queue, NULL, topic, platform->config.partitions_count, NULL, err));
        status = reels_queue_append(platform->queue, NULL, topic, relay->appended, made, err);
    }
    return status;
}

/* Appends everything that was claimed, topic by topic, then acknowledges it. */
static reels_status publish(reels_platform *platform, reels_error *err)
{
    struct reels__relay *relay = &platform->relay;
    size_t count = reels_records_count(relay->claimed);
    for (size_t i = 0; i < count; i++) {
        reels_record record;
        int first = 1;
        REELS_TRY(reels_records_get(relay->claimed, i, &record));
        for (size_t k = 0; k < i && first; k++) {
            reels_record earlier;
            REELS_TRY(reels_records_get(relay->claimed, k, &earlier));
            first = strcmp(earlier.topic, record.topic) != 0;
        }
        if (first) {
            REELS_TRY(publish_topic(platform, record.topic, count, err));
        }
    }
    for (size_t i = 0; i < count; i++) {
        REELS_TRY(reels_records_get(relay->claimed, i, &relay->appended[i]));
    }
    reels_status status = reels_catalog_outbox_ack(
        platform->catalog, NULL, platform->holder, relay->appended, count, err);
    if (status == REELS_ERR_STALE) {
        /* Too slow: another relay has them now and repeats them, which consumers know. */
        status = REELS_OK;
    }
    if (status == REELS_OK) {
        reels__metric_add(platform->ctx, &metric_published, NULL, (int64_t)count);
    }
    return status;
}

reels_status reels__relay_step(reels_platform *platform,
                               int64_t budget_us,
                               int64_t *out_next_due,
                               reels_error *err)
{
    struct reels__relay *relay = &platform->relay;
    int64_t end = reels__i64_add_saturated(reels_ctx_now_mono_us(platform->ctx), budget_us);
    size_t count = 0;
    do {
        if (!relay->pending) {
            reels_records_clear(relay->claimed);
            REELS_TRY(reels_catalog_outbox_claim(
                platform->catalog, NULL, platform->holder, LEASE_US, BATCH, relay->claimed, err));
        }
        count = reels_records_count(relay->claimed);
        if (count > 0) {
            /* Kept until it has worked: a failure is tried again with the same records. */
            relay->pending = 1;
            REELS_TRY(publish(platform, err));
            relay->pending = 0;
        }
    } while (count > 0 && reels_ctx_now_mono_us(platform->ctx) < end);
    int64_t now = reels_ctx_now_mono_us(platform->ctx);
    *out_next_due = count > 0 ? now : now + IDLE_US;
    return REELS_OK;
}
