/* Owns the taking in of what viewers' clients report. */
#include <string.h>

#include "base/bytes.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "platform_internal.h"
#include "social/relation.h"

enum {
    EVENTS_MAX = 500,
    TOPICS = 2, /* clients' events go to "engage" and "person" */
    EVENT_BYTES = 512
};

#define SOURCE_OF_CLIENTS (~(UINT64_C(1) << 63))

static const reels_metric metric_admitted = {
    "reels_ingest_events", "Events that clients reported.", "outcome", REELS_METRIC_COUNTER, 0};

/* What one call carries. */
struct ingest {
    reels_platform *platform;
    const reels_call *call;
    uint64_t person_id;
    int64_t now_unix_us;
    size_t count;
    reels_event *events;
    uint64_t *ids;     /* up to one per event; too many for the stack */
    reels_reel *reels; /* one per event */
    uint8_t *apart;    /* from the reel's creator, by a block */
    reels_status *statuses;
    reels_buf *payloads;
    size_t *begins;
    size_t *lens;
    reels_record *records;
    uint8_t (*keys)[8];
};

static void ingest_dispose(struct ingest *ingest)
{
    const reels_ctx *ctx = ingest->platform->ctx;
    reels_buf_free(ingest->payloads);
    reels__mem_free(ctx, ingest->events);
    reels__mem_free(ctx, ingest->ids);
    reels__mem_free(ctx, ingest->reels);
    reels__mem_free(ctx, ingest->apart);
    reels__mem_free(ctx, ingest->begins);
    reels__mem_free(ctx, ingest->lens);
    reels__mem_free(ctx, ingest->records);
    reels__mem_free(ctx, ingest->keys);
}

static reels_status ingest_init(struct ingest *ingest, reels_error *err)
{
    reels_ctx *ctx = ingest->platform->ctx;
    size_t count = ingest->count;
    ingest->events = reels__mem_calloc(ctx, count, sizeof(*ingest->events));
    ingest->ids = reels__mem_calloc(ctx, count, sizeof(*ingest->ids));
    ingest->reels = reels__mem_calloc(ctx, count, sizeof(*ingest->reels));
    ingest->apart = reels__mem_zalloc(ctx, count);
    ingest->begins = reels__mem_calloc(ctx, count, sizeof(*ingest->begins));
    ingest->lens = reels__mem_calloc(ctx, count, sizeof(*ingest->lens));
    ingest->records = reels__mem_calloc(ctx, count, sizeof(*ingest->records));
    ingest->keys = reels__mem_calloc(ctx, count, sizeof(*ingest->keys));
    if (ingest->events == NULL || ingest->ids == NULL || ingest->reels == NULL ||
        ingest->apart == NULL || ingest->begins == NULL || ingest->lens == NULL ||
        ingest->records == NULL || ingest->keys == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for %zu events", count);
    }
    return reels_buf_new(ctx, count * EVENT_BYTES, &ingest->payloads, err);
}

/* Clients number their sessions as they like: mixed with who they are, nobody can number in
 * another's name, nor in the relay's. */
static uint64_t source_of(uint64_t person_id, uint64_t session)
{
    uint8_t bytes[16];
    reels__le64_put(bytes, person_id);
    reels__le64_put(bytes + 8, session);
    uint64_t source = reels__xxh3_64(bytes, sizeof(bytes), 0) & SOURCE_OF_CLIENTS;
    return source != 0 ? source : 1;
}

static reels_status read_reels(struct ingest *ingest, reels_error *err)
{
    for (size_t i = 0; i < ingest->count; i++) {
        ingest->ids[i] = ingest->events[i].reel_id;
    }
    ingest->reels[0].struct_size = sizeof(ingest->reels[0]);
    REELS_TRY(reels_reel_get(
        ingest->platform->reels, ingest->call, ingest->ids, ingest->count, ingest->reels, err));
    for (size_t i = 0; i < ingest->count; i++) {
        ingest->ids[i] = ingest->reels[i].creator_id;
    }
    return reels__social_apart(ingest->platform->social,
                               ingest->call,
                               ingest->person_id,
                               ingest->ids,
                               ingest->count,
                               ingest->apart,
                               err);
}

/* Judges one event and fills in what the server knows. */
static reels_status admit(struct ingest *ingest, size_t i, reels_error *err)
{
    reels_event *event = &ingest->events[i];
    const reels_reel *reel = &ingest->reels[i];
    event->person_id = ingest->person_id;
    event->duration_us = reel->duration_us;
    REELS_TRY(reels_event_admit(event, ingest->now_unix_us, err));
    int visible = reel->state == REELS_REEL_READY && (reel->visibility == REELS_VISIBILITY_PUBLIC ||
                                                      reel->creator_id == ingest->person_id);
    if (!visible || ingest->apart[i]) {
        return reels__fail(err, REELS_ERR_NOT_FOUND, "there is no such reel");
    }
    event->creator_id = reel->creator_id;
    event->time_unix_us = ingest->now_unix_us;
    event->source = source_of(ingest->person_id, event->source);
    event->target_id = 0;
    event->generation = reel->generation;
    event->revision = reel->revision;
    ingest->begins[i] = reels_buf_len(ingest->payloads);
    REELS_TRY(reels_event_encode(event, ingest->payloads, err));
    ingest->lens[i] = reels_buf_len(ingest->payloads) - ingest->begins[i];
    return REELS_OK;
}

static void admit_all(struct ingest *ingest, reels_error *err)
{
    int told = 0;
    for (size_t i = 0; i < ingest->count; i++) {
        ingest->statuses[i] = admit(ingest, i, told ? NULL : err);
        told |= ingest->statuses[i] != REELS_OK;
        reels__metric_add(ingest->platform->ctx,
                          &metric_admitted,
                          ingest->statuses[i] == REELS_OK ? "admitted" : "refused",
                          1);
    }
}

static reels_status publish(struct ingest *ingest, uint32_t topic, reels_error *err)
{
    size_t made = 0;
    for (size_t i = 0; i < ingest->count; i++) {
        if (ingest->statuses[i] != REELS_OK ||
            (reels_event_topics(ingest->events[i].type) & topic) == 0) {
            continue;
        }
        reels__le64_put(ingest->keys[made], reels_event_key(&ingest->events[i], topic));
        ingest->records[made] =
            (reels_record){.time_unix_us = ingest->now_unix_us,
                           .key = ingest->keys[made],
                           .key_len = sizeof(ingest->keys[made]),
                           .payload = reels_buf_data(ingest->payloads) + ingest->begins[i],
                           .payload_len = ingest->lens[i]};
        made++;
    }
    if (made == 0) {
        return REELS_OK;
    }
    return reels_queue_append(ingest->platform->queue,
                              ingest->call,
                              reels_event_topic_name(topic),
                              ingest->records,
                              made,
                              err);
}

/* The viewer's own feed knows at once. That the cache forgets is no failure. */
static void tell_feed(struct ingest *ingest)
{
    size_t made = 0;
    for (size_t i = 0; i < ingest->count; i++) {
        if (ingest->statuses[i] == REELS_OK) {
            ingest->ids[made++] = ingest->events[i].reel_id;
        }
    }
    (void)reels_feed_seen(
        ingest->platform->feed, ingest->call, ingest->person_id, ingest->ids, made, NULL);
}

static reels_status run(struct ingest *ingest, const reels_event *events, reels_error *err)
{
    REELS_TRY(ingest_init(ingest, err));
    memcpy(ingest->events, events, ingest->count * sizeof(*events));
    REELS_TRY(read_reels(ingest, err));
    admit_all(ingest, err);
    /* The count first: a client that hears of a failure sends all again, and repeats are known
     * there. */
    REELS_TRY(publish(ingest, REELS_TOPIC_ENGAGE, err));
    REELS_TRY(publish(ingest, REELS_TOPIC_PERSON, err));
    tell_feed(ingest);
    return REELS_OK;
}

reels_status reels_platform_events_add(reels_platform *platform,
                                       const reels_call *call,
                                       uint64_t person_id,
                                       const reels_event *events,
                                       size_t events_count,
                                       reels_status *out_statuses,
                                       reels_error *err)
{
    REELS_REQUIRE(platform != NULL && events != NULL && out_statuses != NULL,
                  err,
                  "platform, events and out_statuses are needed");
    REELS_REQUIRE(events_count >= 1 && events_count <= EVENTS_MAX, err, "events_count is 1..500");
    REELS_REQUIRE(person_id > 0 && person_id <= INT64_MAX, err, "person_id must be a 63-bit ID");
    for (size_t i = 0; i < events_count; i++) {
        REELS_REQUIRE(events[i].struct_size == sizeof(events[i]),
                      err,
                      "events[i].struct_size is not sizeof(reels_event)");
    }
    struct ingest ingest = {.platform = platform,
                            .call = call,
                            .person_id = person_id,
                            .now_unix_us = reels_ctx_now_unix_us(platform->ctx),
                            .count = events_count,
                            .statuses = out_statuses};
    reels_status status = run(&ingest, events, err);
    ingest_dispose(&ingest);
    return status;
}
