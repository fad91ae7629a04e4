/* Owns the adding up of deltas between two stores: an array of distinct (entity, counter, window)
 * cells, found through a hash index. One thread at a time. */
#ifndef REELS_SRC_COUNTER_AGGREGATE_H
#define REELS_SRC_COUNTER_AGGREGATE_H

#include <reels/backend.h>

struct reels__aggregate {
    const reels_ctx *ctx;
    reels_stats_delta *cells;
    size_t cells_count;
    size_t cells_capacity;
    uint32_t *index;   /* position in cells + 1; 0 = empty */
    size_t index_size; /* power of two, at least twice cells_capacity */
    uint64_t seed;
};

/* The zero state with ctx and seed set is a valid, empty aggregate. */
void reels__aggregate_init(struct reels__aggregate *aggregate, const reels_ctx *ctx, uint64_t seed);
void reels__aggregate_dispose(struct reels__aggregate *aggregate);

/* Makes room for `more` further cells, so that the adds that follow cannot fail. LIMIT past
 * REELS_STATS_DELTAS_MAX: store first. */
reels_status
reels__aggregate_reserve(struct reels__aggregate *aggregate, size_t more, reels_error *err);

/* Adds; room must have been reserved. Amounts are small enough that sums of a batch cannot
 * overflow. */
void reels__aggregate_add(struct reels__aggregate *aggregate,
                          uint64_t entity_id,
                          uint32_t counter,
                          int64_t window_unix_us,
                          int64_t amount);

/* Forgets the cells and keeps the memory. */
void reels__aggregate_clear(struct reels__aggregate *aggregate);

#endif
