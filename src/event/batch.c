/* Owns the making of a commit's events; see batch.h. */
#include "batch.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "event_internal.h"

reels_status
reels__event_batch_init(struct reels__event_batch *batch, reels_ctx *ctx, reels_error *err)
{
    memset(batch, 0, sizeof(*batch));
    return reels_buf_new(
        ctx, (size_t)REELS__EVENT_BATCH_MAX * REELS__EVENT_BYTES_MAX, &batch->payloads, err);
}

void reels__event_batch_dispose(struct reels__event_batch *batch)
{
    reels_buf_free(batch->payloads);
    batch->payloads = NULL;
    batch->count = 0;
}

reels_status
reels__event_batch_add(struct reels__event_batch *batch, const reels_event *event, reels_error *err)
{
    size_t begin = reels_buf_len(batch->payloads);
    uint32_t topics = reels_event_topics(event->type);
    REELS_TRY(reels_event_encode(event, batch->payloads, err));
    for (uint32_t topic = REELS_TOPIC_REEL; topic <= REELS_TOPIC_PERSON; topic <<= 1) {
        if ((topics & topic) == 0) {
            continue;
        }
        REELS_INVARIANT(batch->count < REELS__EVENT_BATCH_MAX, err);
        size_t at = batch->count++;
        reels__le64_put(batch->keys[at], reels_event_key(event, topic));
        batch->payload_offsets[at] = begin;
        batch->events[at] =
            (reels_event_out){.topic = reels_event_topic_name(topic),
                              .key = batch->keys[at],
                              .key_len = sizeof(batch->keys[at]),
                              .payload_len = reels_buf_len(batch->payloads) - begin};
    }
    return REELS_OK;
}

void reels__event_batch_attach(struct reels__event_batch *batch, reels_commit *commit)
{
    /* Only now do the payloads stay where they are. */
    for (size_t i = 0; i < batch->count; i++) {
        batch->events[i].payload = reels_buf_data(batch->payloads) + batch->payload_offsets[i];
    }
    commit->events = batch->events;
    commit->events_count = batch->count;
}
