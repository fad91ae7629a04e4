/* Owns the making of a commit's events: each is encoded once and addressed to every topic on which
 * its type travels. One thread at a time. */
#ifndef REELS_SRC_EVENT_BATCH_H
#define REELS_SRC_EVENT_BATCH_H

#include <reels/event.h>

enum {
    REELS__EVENT_BATCH_MAX = 8 /* (event, topic) pairs of one commit */
};

struct reels__event_batch {
    reels_buf *payloads;
    size_t count;
    reels_event_out events[REELS__EVENT_BATCH_MAX];
    size_t payload_offsets[REELS__EVENT_BATCH_MAX];
    uint8_t keys[REELS__EVENT_BATCH_MAX][8];
};

/* The zero state may be disposed. */
reels_status
reels__event_batch_init(struct reels__event_batch *batch, reels_ctx *ctx, reels_error *err);
void reels__event_batch_dispose(struct reels__event_batch *batch);

reels_status reels__event_batch_add(struct reels__event_batch *batch,
                                    const reels_event *event,
                                    reels_error *err);

/* Hands the events to a commit; they are borrowed until the next add or dispose. */
void reels__event_batch_attach(struct reels__event_batch *batch, reels_commit *commit);

#endif
