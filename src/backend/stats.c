/* Owns the front door of the stats port: what passes here is well formed, so that a backend need
 * not check it again. */
#include <string.h>

#include <reels/backend/stats.h>

#include "backend/port.h"
#include "backend/stats_internal.h"
#include "base/buffer_internal.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    NAME_LEN_MAX = 255
};

struct reels_stats {
    reels_ctx *ctx;
    void *impl;
    reels_stats_vtable vtable;
};

#define SLOT(member)                                                                               \
    {                                                                                              \
        offsetof(reels_stats_vtable, member), #member                                              \
    }

static const reels__slot MUSTS[] = {
    SLOT(destroy),
    SLOT(writer_open),
    SLOT(apply),
    SLOT(read),
    SLOT(purge),
};

reels_status reels_stats_new(reels_ctx *ctx,
                             const reels_stats_vtable *vtable,
                             void *impl,
                             reels_stats **out,
                             reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    reels_stats_vtable copy;
    REELS_TRY(reels__vtable_copy(vtable,
                                 sizeof copy,
                                 &copy,
                                 sizeof copy,
                                 "reels_stats_vtable",
                                 MUSTS,
                                 REELS__COUNT(MUSTS),
                                 err));
    reels_stats *stats = reels__mem_zalloc(ctx, sizeof *stats);
    if (stats == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "stats: no memory");
    }
    stats->ctx = ctx;
    stats->vtable = copy;
    stats->impl = impl;
    *out = stats;
    return REELS_OK;
}

reels_status reels_stats_open(reels_ctx *ctx, const char *url, reels_stats **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    void *port = NULL;
    reels_status status = reels__scheme_open(ctx, REELS_PORT_STATS, url, &port, err);
    *out = port;
    return status;
}

void reels_stats_free(reels_stats *stats)
{
    if (stats != NULL) {
        stats->vtable.destroy(stats->impl);
        reels__mem_free(stats->ctx, stats);
    }
}

reels_status reels_stats_writer_open(reels_stats *stats,
                                     const reels_call *call,
                                     const char *group,
                                     uint32_t partition,
                                     const char *holder,
                                     reels_stats_writer *out_writer,
                                     reels_buf *state,
                                     reels_error *err)
{
    REELS_REQUIRE(stats != NULL, err, "stats is NULL");
    REELS_REQUIRE(out_writer != NULL, err, "out_writer is NULL");
    REELS_TRY(reels__name_check(group, NAME_LEN_MAX, "group", err));
    REELS_TRY(reels__name_check(holder, NAME_LEN_MAX, "holder", err));
    reels_buf *taken = state;
    if (taken == NULL) {
        REELS_TRY(reels_buf_new(stats->ctx, REELS_STATS_STATE_BYTES_MAX, &taken, err));
    }
    reels_buf_clear(taken);
    reels_stats_writer writer = {0};
    reels_status status =
        stats->vtable.writer_open(stats->impl, call, group, partition, holder, &writer, taken, err);
    if (status == REELS_OK) {
        *out_writer = writer;
    } else {
        reels_buf_clear(taken);
    }
    if (state == NULL) {
        reels_buf_free(taken);
    }
    return status;
}

static reels_status batch_check(const reels_stats_batch *batch, reels_error *err)
{
    REELS_TRY(reels__name_check(batch->group, NAME_LEN_MAX, "batch: group", err));
    REELS_REQUIRE(batch->begin_offset <= batch->end_offset && batch->end_offset <= INT64_MAX,
                  err,
                  "batch: offsets do not lie in order below 2^63");
    REELS_REQUIRE(batch->deltas_count <= REELS_STATS_DELTAS_MAX &&
                      (batch->deltas != NULL || batch->deltas_count == 0),
                  err,
                  "batch: deltas is NULL or has more than 262144");
    REELS_REQUIRE(batch->state_len <= REELS_STATS_STATE_BYTES_MAX &&
                      (batch->state != NULL || batch->state_len == 0),
                  err,
                  "batch: state is NULL or longer than 16 MiB");
    for (size_t i = 0; i < batch->deltas_count; i++) {
        int64_t amount = batch->deltas[i].amount;
        REELS_REQUIRE(amount >= -REELS__STATS_AMOUNT_MAX && amount <= REELS__STATS_AMOUNT_MAX,
                      err,
                      "batch: an amount is not -2^62..2^62");
    }
    return REELS_OK;
}

reels_status reels_stats_apply(reels_stats *stats,
                               const reels_call *call,
                               const reels_stats_batch *batches,
                               size_t batches_count,
                               reels_stats_result *results,
                               reels_error *err)
{
    REELS_REQUIRE(stats != NULL, err, "stats is NULL");
    REELS_REQUIRE(batches != NULL && results != NULL, err, "batches or results is NULL");
    REELS_REQUIRE(batches_count >= 1 && batches_count <= REELS_STATS_BATCHES_MAX,
                  err,
                  "batches_count is not 1..1024");
    void *copy = NULL;
    REELS_TRY(reels__array_read(stats->ctx,
                                batches,
                                batches_count,
                                sizeof(reels_stats_batch),
                                sizeof(reels_stats_batch),
                                "reels_stats_batch",
                                &copy,
                                err));
    const reels_stats_batch *known = copy != NULL ? copy : batches;
    reels_status status = REELS_OK;
    for (size_t i = 0; status == REELS_OK && i < batches_count; i++) {
        status = batch_check(&known[i], err);
    }
    if (status == REELS_OK) {
        status = stats->vtable.apply(stats->impl, call, known, batches_count, results, err);
    }
    reels__mem_free(stats->ctx, copy);
    return status;
}

static reels_status query_check(const reels_stats_query *query, reels_error *err)
{
    REELS_TRY(reels__name_check(query->group, NAME_LEN_MAX, "query: group", err));
    REELS_REQUIRE(query->entities_count <= REELS_STATS_ENTITIES_MAX &&
                      (query->entity_ids != NULL || query->entities_count == 0),
                  err,
                  "query: entity_ids is NULL or has more than 10000");
    REELS_REQUIRE(query->counters != NULL && query->counters_count >= 1 &&
                      query->counters_count <= REELS_STATS_COUNTERS_MAX,
                  err,
                  "query: counters are not 1..256");
    REELS_REQUIRE(query->windows_unix_us != NULL && query->windows_count >= 1 &&
                      query->windows_count <= REELS_STATS_WINDOWS_MAX,
                  err,
                  "query: windows are not 1..1024");
    size_t columns_count = query->counters_count * query->windows_count;
    REELS_REQUIRE(query->entities_count <= REELS_STATS_CELLS_MAX / columns_count,
                  err,
                  "query: asks for more than 1048576 numbers");
    return REELS_OK;
}

reels_status reels_stats_read(reels_stats *stats,
                              const reels_call *call,
                              const reels_stats_query *query,
                              int64_t *out_amounts,
                              reels_error *err)
{
    REELS_REQUIRE(stats != NULL, err, "stats is NULL");
    REELS_REQUIRE(query != NULL, err, "query is NULL");
    reels_stats_query known;
    REELS_TRY(
        reels__options_read(query, sizeof known, &known, sizeof known, "reels_stats_query", err));
    REELS_TRY(query_check(&known, err));
    if (known.entities_count == 0) {
        return REELS_OK;
    }
    REELS_REQUIRE(out_amounts != NULL, err, "out_amounts is NULL");
    size_t cells = known.entities_count * known.counters_count * known.windows_count;
    /* Aside, so that a failure leaves the caller's numbers alone. */
    int64_t *amounts = reels__mem_calloc(stats->ctx, cells, sizeof *amounts);
    if (amounts == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "stats: no memory for %zu numbers", cells);
    }
    reels_status status = stats->vtable.read(stats->impl, call, &known, amounts, err);
    if (status == REELS_OK) {
        memcpy(out_amounts, amounts, cells * sizeof *amounts);
    }
    reels__mem_free(stats->ctx, amounts);
    return status;
}

reels_status reels_stats_purge(reels_stats *stats,
                               const reels_call *call,
                               const int64_t *entity_ids,
                               size_t entities_count,
                               reels_error *err)
{
    REELS_REQUIRE(stats != NULL, err, "stats is NULL");
    REELS_REQUIRE(entities_count <= REELS_STATS_ENTITIES_MAX &&
                      (entity_ids != NULL || entities_count == 0),
                  err,
                  "entity_ids is NULL or has more than 10000");
    if (entities_count == 0) {
        return REELS_OK;
    }
    return stats->vtable.purge(stats->impl, call, entity_ids, entities_count, err);
}
