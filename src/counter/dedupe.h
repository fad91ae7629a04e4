/* Owns the knowing of repeats: for each source of events (a client's session, an outbox shard) the
 * highest sequence taken and which of the 512 below it were. What is older than that counts as a
 * repeat. The least recently heard sources are forgotten past a limit. What is
 * known depends on the events and their order alone: a state of an earlier offset, and the events
 * from there on, give the same. One thread at a time. */
#ifndef REELS_SRC_COUNTER_DEDUPE_H
#define REELS_SRC_COUNTER_DEDUPE_H

#include <reels/base.h>

#include "base/map.h"

enum {
    REELS__DEDUPE_WINDOW = 512 /* sequences remembered below the highest of a source */
};

struct reels__dedupe_source;

struct reels__dedupe {
    const reels_ctx *ctx;
    struct reels__map_u64 by_source; /* source -> position in sources */
    struct reels__dedupe_source *sources;
    size_t sources_count;
    size_t sources_capacity;
    size_t sources_max;
    uint64_t tick; /* grows with each event taken: what is least recent */
};

reels_status reels__dedupe_init(struct reels__dedupe *dedupe,
                                const reels_ctx *ctx,
                                size_t sources_max,
                                reels_error *err);
void reels__dedupe_dispose(struct reels__dedupe *dedupe);

/* *out_fresh is 1 when (source, sequence) was not taken before, and it is taken now. */
reels_status reels__dedupe_take(struct reels__dedupe *dedupe,
                                uint64_t source,
                                uint64_t sequence,
                                int *out_fresh,
                                reels_error *err);

/* State bytes: version, the offset up to which the state knows the events of its partition, then
 * the sources from the least recent to the most. */
reels_status reels__dedupe_write(struct reels__dedupe *dedupe,
                                 uint64_t offset,
                                 reels_buf *buf,
                                 reels_error *err);
/* Into an empty dedupe; no bytes = no state, up to 0. CORRUPT for anything that write does not
 * write. */
reels_status reels__dedupe_read(struct reels__dedupe *dedupe,
                                const uint8_t *data,
                                size_t len,
                                uint64_t *out_offset,
                                reels_error *err);

#endif
