/* Owns the cells and their index; see aggregate.h. */
#include "aggregate.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

enum {
    CELLS_FIRST = 256
};

void reels__aggregate_init(struct reels__aggregate *aggregate, const reels_ctx *ctx, uint64_t seed)
{
    memset(aggregate, 0, sizeof(*aggregate));
    aggregate->ctx = ctx;
    aggregate->seed = seed;
}

void reels__aggregate_dispose(struct reels__aggregate *aggregate)
{
    reels__mem_free(aggregate->ctx, aggregate->cells);
    reels__mem_free(aggregate->ctx, aggregate->index);
    reels__aggregate_init(aggregate, aggregate->ctx, aggregate->seed);
}

/* A mix of three 64-bit numbers (multiply and fold, as in wyhash); the seed keeps clients from
 * choosing reels that collide. */
static uint64_t hash_cell(uint64_t seed, uint64_t entity_id, uint32_t counter, int64_t window)
{
    uint64_t hash = seed ^ (entity_id * UINT64_C(0x9E3779B97F4A7C15));
    hash ^= hash >> 32;
    hash = (hash ^ (uint64_t)window ^ ((uint64_t)counter << 56)) * UINT64_C(0xD6E8FEB86659FD93);
    hash ^= hash >> 32;
    return hash * UINT64_C(0xD6E8FEB86659FD93) >> 16;
}

static void index_rebuild(struct reels__aggregate *aggregate)
{
    size_t mask = aggregate->index_size - 1;
    memset(aggregate->index, 0, aggregate->index_size * sizeof(aggregate->index[0]));
    for (size_t i = 0; i < aggregate->cells_count; i++) {
        const reels_stats_delta *cell = &aggregate->cells[i];
        size_t at =
            hash_cell(
                aggregate->seed, (uint64_t)cell->entity_id, cell->counter, cell->window_unix_us) &
            mask;
        while (aggregate->index[at] != 0) {
            at = (at + 1) & mask;
        }
        aggregate->index[at] = (uint32_t)(i + 1);
    }
}

reels_status
reels__aggregate_reserve(struct reels__aggregate *aggregate, size_t more, reels_error *err)
{
    size_t needed = aggregate->cells_count + more;
    if (needed <= aggregate->cells_capacity) {
        return REELS_OK;
    }
    if (needed > REELS_STATS_DELTAS_MAX) {
        return reels__fail(
            err, REELS_ERR_LIMIT, "a batch holds at most %d deltas", REELS_STATS_DELTAS_MAX);
    }
    size_t capacity = aggregate->cells_capacity == 0 ? CELLS_FIRST : aggregate->cells_capacity;
    while (capacity < needed) {
        capacity *= 2;
    }
    uint32_t *index = reels__mem_calloc(aggregate->ctx, capacity * 2, sizeof(*index));
    reels_stats_delta *cells =
        reels__mem_realloc(aggregate->ctx, aggregate->cells, capacity * sizeof(*cells));
    if (cells != NULL) {
        aggregate->cells = cells;
    }
    if (cells == NULL || index == NULL) {
        reels__mem_free(aggregate->ctx, index);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for %zu deltas", capacity);
    }
    reels__mem_free(aggregate->ctx, aggregate->index);
    aggregate->cells_capacity = capacity;
    aggregate->index = index;
    aggregate->index_size = capacity * 2;
    index_rebuild(aggregate);
    return REELS_OK;
}

void reels__aggregate_add(struct reels__aggregate *aggregate,
                          uint64_t entity_id,
                          uint32_t counter,
                          int64_t window_unix_us,
                          int64_t amount)
{
    size_t mask = aggregate->index_size - 1;
    size_t at = hash_cell(aggregate->seed, entity_id, counter, window_unix_us) & mask;
    while (aggregate->index[at] != 0) {
        reels_stats_delta *cell = &aggregate->cells[aggregate->index[at] - 1];
        if (cell->entity_id == (int64_t)entity_id && cell->counter == counter &&
            cell->window_unix_us == window_unix_us) {
            cell->amount += amount;
            return;
        }
        at = (at + 1) & mask;
    }
    aggregate->cells[aggregate->cells_count] = (reels_stats_delta){.entity_id = (int64_t)entity_id,
                                                                   .window_unix_us = window_unix_us,
                                                                   .amount = amount,
                                                                   .counter = counter};
    aggregate->cells_count++;
    aggregate->index[at] = (uint32_t)aggregate->cells_count;
}

void reels__aggregate_clear(struct reels__aggregate *aggregate)
{
    aggregate->cells_count = 0;
    if (aggregate->index != NULL) {
        memset(aggregate->index, 0, aggregate->index_size * sizeof(aggregate->index[0]));
    }
}
