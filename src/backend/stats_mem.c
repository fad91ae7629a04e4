/* Owns the stats store in memory: one sorted array of counters under one lock. It forgets
 * everything at free. It is the reference against which other stores are compared, and fits tests
 * and tools; a batch costs time in proportion to all counters when it adds new ones. */
#include <stdlib.h>
#include <string.h>

#include "backend/embedded.h"
#include "backend/record_internal.h"
#include "backend/stats_internal.h"
#include "base/checked.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

struct cell {
    int64_t entity_id;
    int64_t window_unix_us;
    int64_t amount;
    uint32_t counter;
    uint32_t partition;
};

struct partition {
    struct partition *next;
    uint64_t epoch;
    uint64_t offset;
    uint8_t *state;
    size_t state_len;
    uint32_t number;
};

struct group {
    struct group *next;
    char *name;
    struct partition *partitions;
    struct cell *cells; /* sorted by cell_compare, no two equal */
    size_t cells_count;
    size_t cells_capacity;
};

struct store {
    reels_ctx *ctx;
    pthread_mutex_t lock;
    struct group *groups;
};

static int compare_i64(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int cell_compare(const struct cell *a, const struct cell *b)
{
    int order = compare_i64(a->entity_id, b->entity_id);
    order = order != 0 ? order : compare_i64(a->window_unix_us, b->window_unix_us);
    order = order != 0 ? order : compare_i64(a->counter, b->counter);
    return order != 0 ? order : compare_i64(a->partition, b->partition);
}

static int cell_compare_sort(const void *a, const void *b)
{
    return cell_compare(a, b);
}

/* First position that is not before `wanted`. */
static size_t cell_find(const struct group *group, const struct cell *wanted)
{
    size_t low = 0;
    size_t high = group->cells_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cell_compare(&group->cells[middle], wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void partition_free(struct store *store, struct partition *partition)
{
    reels__mem_free(store->ctx, partition->state);
    reels__mem_free(store->ctx, partition);
}

static void store_destroy(void *impl)
{
    struct store *store = impl;
    while (store->groups != NULL) {
        struct group *group = store->groups;
        store->groups = group->next;
        while (group->partitions != NULL) {
            struct partition *partition = group->partitions;
            group->partitions = partition->next;
            partition_free(store, partition);
        }
        reels__mem_free(store->ctx, group->cells);
        reels__mem_free(store->ctx, group->name);
        reels__mem_free(store->ctx, group);
    }
    (void)pthread_mutex_destroy(&store->lock);
    reels__mem_free(store->ctx, store);
}

static struct group *group_find(struct store *store, const char *name)
{
    struct group *it = store->groups;
    while (it != NULL && strcmp(it->name, name) != 0) {
        it = it->next;
    }
    return it;
}

static struct partition *partition_find(struct group *group, uint32_t number)
{
    struct partition *it = group != NULL ? group->partitions : NULL;
    while (it != NULL && it->number != number) {
        it = it->next;
    }
    return it;
}

static struct group *group_get(struct store *store, const char *name)
{
    struct group *group = group_find(store, name);
    if (group != NULL) {
        return group;
    }
    group = reels__mem_zalloc(store->ctx, sizeof *group);
    char *copy = reels__mem_strdup(store->ctx, name);
    if (group == NULL || copy == NULL) {
        reels__mem_free(store->ctx, group);
        reels__mem_free(store->ctx, copy);
        return NULL;
    }
    group->name = copy;
    group->next = store->groups;
    store->groups = group;
    return group;
}

static struct partition *partition_get(struct store *store, const char *name, uint32_t number)
{
    struct group *group = group_get(store, name);
    struct partition *partition = partition_find(group, number);
    if (group == NULL || partition != NULL) {
        return partition;
    }
    partition = reels__mem_zalloc(store->ctx, sizeof *partition);
    if (partition != NULL) {
        partition->number = number;
        partition->next = group->partitions;
        group->partitions = partition;
    }
    return partition;
}

static reels_status store_writer_open(void *impl,
                                      const reels_call *call,
                                      const char *group,
                                      uint32_t partition,
                                      const char *holder,
                                      reels_stats_writer *out_writer,
                                      reels_buf *state,
                                      reels_error *err)
{
    struct store *store = impl;
    (void)holder;
    REELS_TRY(reels__call_check(store->ctx, call, err));
    pthread_mutex_lock(&store->lock);
    reels_status status = REELS_OK;
    struct partition *found = partition_get(store, group, partition);
    if (found == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "stats: no memory for a partition");
    } else {
        status = reels_buf_append(state, found->state, found->state_len, err);
    }
    if (status == REELS_OK) {
        found->epoch++;
        out_writer->epoch = found->epoch;
        out_writer->offset = found->offset;
    }
    pthread_mutex_unlock(&store->lock);
    return status;
}

/* Sorts the deltas of a batch as cells and adds those that meet. LIMIT when a sum leaves the bound.
 */
static reels_status
batch_cells(const reels_stats_batch *batch, struct cell *cells, size_t *out_count, reels_error *err)
{
    for (size_t i = 0; i < batch->deltas_count; i++) {
        const reels_stats_delta *delta = &batch->deltas[i];
        cells[i] = (struct cell){.entity_id = delta->entity_id,
                                 .window_unix_us = delta->window_unix_us,
                                 .amount = delta->amount,
                                 .counter = delta->counter,
                                 .partition = batch->partition};
    }
    if (batch->deltas_count > 0) {
        qsort(cells, batch->deltas_count, sizeof *cells, cell_compare_sort);
    }
    size_t count = 0;
    for (size_t i = 0; i < batch->deltas_count; i++) {
        if (count > 0 && cell_compare(&cells[count - 1], &cells[i]) == 0) {
            if (!reels__i64_add(
                    cells[count - 1].amount, cells[i].amount, &cells[count - 1].amount)) {
                return reels__fail(err, REELS_ERR_LIMIT, "stats: a sum passes int64");
            }
        } else {
            cells[count++] = cells[i];
        }
    }
    *out_count = count;
    return REELS_OK;
}

/* Whether all sums stay within the bound; counts the cells that are new. */
static int
cells_fit(const struct group *group, const struct cell *cells, size_t cells_count, size_t *out_new)
{
    *out_new = 0;
    for (size_t i = 0; i < cells_count; i++) {
        size_t at = cell_find(group, &cells[i]);
        int is_there = at < group->cells_count && cell_compare(&group->cells[at], &cells[i]) == 0;
        int64_t sum = is_there ? group->cells[at].amount : 0;
        *out_new += is_there ? 0 : 1;
        if (!reels__i64_add(sum, cells[i].amount, &sum) || sum > REELS__STATS_AMOUNT_MAX ||
            sum < -REELS__STATS_AMOUNT_MAX) {
            return 0;
        }
    }
    return 1;
}

/* Merges sorted cells from the end, in place; the array has room for the new ones. */
static void cells_merge(struct group *group, const struct cell *cells, size_t count, size_t added)
{
    size_t from = group->cells_count;
    size_t to = from + added;
    group->cells_count = to;
    size_t left = count;
    while (left > 0) {
        int order = from > 0 ? cell_compare(&group->cells[from - 1], &cells[left - 1]) : -1;
        if (order > 0) {
            group->cells[--to] = group->cells[--from];
        } else if (order == 0) {
            struct cell sum = group->cells[--from];
            sum.amount += cells[--left].amount;
            group->cells[--to] = sum;
        } else {
            group->cells[--to] = cells[--left];
        }
    }
}

static reels_status state_take(struct store *store,
                               const reels_stats_batch *batch,
                               struct partition *partition,
                               reels_error *err)
{
    uint8_t *state = reels__mem_alloc(store->ctx, batch->state_len);
    if (state == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "stats: no memory for the state");
    }
    if (batch->state_len > 0) {
        memcpy(state, batch->state, batch->state_len);
    }
    reels__mem_free(store->ctx, partition->state);
    partition->state = state;
    partition->state_len = batch->state_len;
    return REELS_OK;
}

/* Adds what a batch brings and takes over its state; nothing changes on failure. */
static reels_status batch_take(struct store *store,
                               const reels_stats_batch *batch,
                               struct group *group,
                               struct partition *partition,
                               struct cell *cells,
                               reels_error *err)
{
    size_t count = 0;
    size_t added = 0;
    REELS_TRY(batch_cells(batch, cells, &count, err));
    if (!cells_fit(group, cells, count, &added)) {
        return REELS_ERR_LIMIT;
    }
    void *block = group->cells;
    reels_status status = reels__array_reserve(
        store->ctx, &block, &group->cells_capacity, group->cells_count + added, sizeof *cells, err);
    group->cells = block;
    REELS_TRY(status);
    if (batch->state != NULL) {
        REELS_TRY(state_take(store, batch, partition, err));
    }
    partition->offset = batch->end_offset;
    cells_merge(group, cells, count, added);
    return REELS_OK;
}

/* Fails only when memory does; what the port says about a batch goes to result. */
static reels_status batch_apply(struct store *store,
                                const reels_stats_batch *batch,
                                reels_stats_result *result,
                                reels_error *err)
{
    struct group *group = group_find(store, batch->group);
    struct partition *partition = partition_find(group, batch->partition);
    *result = (reels_stats_result){.status = REELS_OK};
    if (partition == NULL) {
        result->status = REELS_ERR_STALE;
        return REELS_OK;
    }
    if (partition->epoch != batch->epoch) {
        result->status = REELS_ERR_STALE;
    } else if (partition->offset != batch->begin_offset) {
        result->status = REELS_ERR_CONFLICT;
    } else {
        struct cell *cells = reels__mem_calloc(store->ctx, batch->deltas_count, sizeof *cells);
        if (cells == NULL) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "stats: no memory for a batch");
        }
        result->status = batch_take(store, batch, group, partition, cells, err);
        reels__mem_free(store->ctx, cells);
    }
    result->offset = partition->offset;
    return result->status == REELS_ERR_NO_MEMORY ? REELS_ERR_NO_MEMORY : REELS_OK;
}

static reels_status store_apply(void *impl,
                                const reels_call *call,
                                const reels_stats_batch *batches,
                                size_t batches_count,
                                reels_stats_result *results,
                                reels_error *err)
{
    struct store *store = impl;
    REELS_TRY(reels__call_check(store->ctx, call, err));
    reels_stats_result *made = reels__mem_calloc(store->ctx, batches_count, sizeof *made);
    if (made == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "stats: no memory for results");
    }
    reels_status status = REELS_OK;
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; status == REELS_OK && i < batches_count; i++) {
        status = batch_apply(store, &batches[i], &made[i], err);
    }
    pthread_mutex_unlock(&store->lock);
    if (status == REELS_OK) {
        memcpy(results, made, batches_count * sizeof *made);
    }
    reels__mem_free(store->ctx, made);
    return status;
}

/* Adds up one counter of one window over all partitions. */
static reels_status
cell_sum(const struct group *group, struct cell wanted, int64_t *out, reels_error *err)
{
    wanted.partition = 0;
    for (size_t at = cell_find(group, &wanted); at < group->cells_count; at++) {
        const struct cell *cell = &group->cells[at];
        if (cell->entity_id != wanted.entity_id || cell->counter != wanted.counter ||
            cell->window_unix_us != wanted.window_unix_us) {
            break;
        }
        if (!reels__i64_add(*out, cell->amount, out)) {
            return reels__fail(err, REELS_ERR_LIMIT, "stats: a sum passes int64");
        }
    }
    return REELS_OK;
}

static reels_status group_read(const struct group *group,
                               const reels_stats_query *query,
                               int64_t *out_amounts,
                               reels_error *err)
{
    int64_t *out = out_amounts;
    for (size_t e = 0; e < query->entities_count; e++) {
        for (size_t c = 0; c < query->counters_count; c++) {
            for (size_t w = 0; w < query->windows_count; w++) {
                struct cell wanted = {.entity_id = query->entity_ids[e],
                                      .window_unix_us = query->windows_unix_us[w],
                                      .counter = query->counters[c]};
                REELS_TRY(cell_sum(group, wanted, out++, err));
            }
        }
    }
    return REELS_OK;
}

static reels_status store_read(void *impl,
                               const reels_call *call,
                               const reels_stats_query *query,
                               int64_t *out_amounts,
                               reels_error *err)
{
    struct store *store = impl;
    REELS_TRY(reels__call_check(store->ctx, call, err));
    pthread_mutex_lock(&store->lock);
    const struct group *group = group_find(store, query->group);
    reels_status status = REELS_OK;
    if (group != NULL) {
        status = group_read(group, query, out_amounts, err);
    }
    pthread_mutex_unlock(&store->lock);
    return status;
}

static void entity_purge(struct group *group, int64_t entity_id)
{
    struct cell first = {.entity_id = entity_id, .window_unix_us = INT64_MIN};
    size_t begin = cell_find(group, &first);
    size_t end = begin;
    while (end < group->cells_count && group->cells[end].entity_id == entity_id) {
        end++;
    }
    if (end > begin) {
        memmove(&group->cells[begin],
                &group->cells[end],
                (group->cells_count - end) * sizeof *group->cells);
        group->cells_count -= end - begin;
    }
}

static reels_status store_purge(void *impl,
                                const reels_call *call,
                                const int64_t *entity_ids,
                                size_t entities_count,
                                reels_error *err)
{
    struct store *store = impl;
    REELS_TRY(reels__call_check(store->ctx, call, err));
    pthread_mutex_lock(&store->lock);
    for (struct group *group = store->groups; group != NULL; group = group->next) {
        for (size_t i = 0; i < entities_count; i++) {
            entity_purge(group, entity_ids[i]);
        }
    }
    pthread_mutex_unlock(&store->lock);
    return REELS_OK;
}

static const reels_stats_vtable VTABLE = {
    .struct_size = sizeof(reels_stats_vtable),
    .destroy = store_destroy,
    .writer_open = store_writer_open,
    .apply = store_apply,
    .read = store_read,
    .purge = store_purge,
};

reels_status reels__stats_mem_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err)
{
    (void)user;
    (void)url;
    struct store *store = reels__mem_zalloc(ctx, sizeof *store);
    if (store == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "stats: no memory");
    }
    store->ctx = ctx;
    if (pthread_mutex_init(&store->lock, NULL) != 0) {
        reels__mem_free(ctx, store);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "stats: the system refused a lock");
    }
    reels_stats *stats = NULL;
    reels_status status = reels_stats_new(ctx, &VTABLE, store, &stats, err);
    if (status < 0) {
        store_destroy(store);
        return status;
    }
    *out_port = stats;
    return REELS_OK;
}
