#include "sql_world.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const reels_column columns[] = {
    {"owner", REELS_TYPE_ID, 0},
    {"id", REELS_TYPE_ID, 0},
    {"body", REELS_TYPE_BYTES, 0},
};
static const uint32_t key_columns[] = {0, 1};
static const uint32_t body_columns[] = {2};
static const reels_index_def indexes[] = {{"by_body", body_columns, 1, 0}};
const reels_table world_table = {
    .struct_size = sizeof(reels_table),
    .version = 1,
    .name = "world",
    .columns = columns,
    .key_columns = key_columns,
    .indexes = indexes,
    .columns_count = 3,
    .key_columns_count = 2,
    .indexes_count = 1,
    .shard_column = 0,
    .ttl_column = UINT32_MAX,
};

enum {
    OWNERS = 3,
    SECOND_ROW = 100
};

int world_steps = WORLD_STEPS;
size_t world_body_bytes = WORLD_BODY_BYTES;
void (*world_before_close)(void);

static void before_close(void)
{
    if (world_before_close != NULL) {
        world_before_close();
    }
}

static uint8_t *body_make(int step)
{
    static uint8_t body[WORLD_BODY_BYTES_LARGE];
    memset(body, step + 1, world_body_bytes);
    return body;
}

static reels_error error_new(void)
{
    reels_error err = {.struct_size = sizeof err};
    return err;
}

static void told_failure(struct world_told *told, reels_status status, const reels_error *err)
{
    told->failures_count++;
    told->last_failure = status;
    told->last_errno = err->sys_errno;
    ck_assert_int_eq(err->status, status);
    ck_assert_str_ne(err->message, "");
}

/* ---- catalog ---- */

static reels_value id_value(int64_t id)
{
    reels_value value = {.type = REELS_TYPE_ID, .integer = id};
    return value;
}

reels_status
world_commit(reels_catalog *catalog, int step, reels_commit_result *out, reels_error *err)
{
    reels_value rows[2][3];
    reels_op ops[2];
    memset(ops, 0, sizeof ops);
    for (int i = 0; i < 2; i++) {
        reels_value bytes = {
            .type = REELS_TYPE_BYTES, .data = body_make(step), .len = world_body_bytes};
        rows[i][0] = id_value(step % OWNERS);
        rows[i][1] = id_value(step + i * SECOND_ROW);
        rows[i][2] = bytes;
        ops[i].table = &world_table;
        ops[i].values = rows[i];
        ops[i].kind = REELS_OP_PUT;
        ops[i].condition = REELS_IF_ABSENT;
    }
    uint8_t payload = (uint8_t)step;
    reels_event_out event = {
        .topic = "world", .key = &payload, .key_len = 1, .payload = &payload, .payload_len = 1};
    reels_commit commit = {.struct_size = sizeof commit,
                           .has_token = 1,
                           .shard = rows[0][0],
                           .ops = ops,
                           .ops_count = 2,
                           .events = &event,
                           .events_count = 1};
    memset(commit.token, step + 1, sizeof commit.token);
    return reels_catalog_commit(catalog, NULL, &commit, 1, out, err);
}

static reels_catalog *
catalog_open(reels_ctx *ctx, const char *url, int tries, struct world_told *told)
{
    const reels_table *table = &world_table;
    for (int i = 0; i < tries; i++) {
        reels_error err = error_new();
        reels_catalog *catalog = NULL;
        reels_status status = reels_catalog_open(ctx, url, &catalog, &err);
        if (status == REELS_OK) {
            status = reels_catalog_declare(catalog, NULL, &table, 1, &err);
        }
        if (status == REELS_OK) {
            told->opened = 1;
            return catalog;
        }
        told_failure(told, status, &err);
        reels_catalog_free(catalog);
    }
    return NULL;
}

static void catalog_run(reels_ctx *ctx, const char *url, int tries, struct world_told *told)
{
    reels_catalog *catalog = catalog_open(ctx, url, tries, told);
    for (int step = 0; catalog != NULL && step < world_steps; step++) {
        for (int i = 0; i < tries && !told->acknowledged[step]; i++) {
            reels_error err = error_new();
            reels_commit_result result = {0};
            reels_status status = world_commit(catalog, step, &result, &err);
            if (status == REELS_OK) {
                ck_assert_int_eq(result.status, REELS_OK);
                told->acknowledged[step] = 1;
            } else {
                told_failure(told, status, &err);
            }
        }
    }
    before_close();
    reels_catalog_free(catalog);
}

/* 1 when both rows of a step are there, 0 when none is. */
static int step_is_there(reels_ctx *ctx, reels_catalog *catalog, int step)
{
    reels_error err = error_new();
    reels_rows *rows = NULL;
    const reels_value keys[] = {id_value(step % OWNERS),
                                id_value(step),
                                id_value(step % OWNERS),
                                id_value(step + SECOND_ROW)};
    ck_assert_int_eq(reels_rows_new(ctx, 0, &rows, &err), REELS_OK);
    ck_assert_int_eq(reels_catalog_get(catalog, NULL, &world_table, keys, 2, rows, &err), REELS_OK);
    int first = reels_rows_get(rows, 0, NULL) != NULL;
    int second = reels_rows_get(rows, 1, NULL) != NULL;
    ck_assert_msg(first == second, "step %d took effect in part", step);
    for (size_t i = 0; first && i < 2; i++) {
        const reels_value *row = reels_rows_get(rows, i, NULL);
        ck_assert_uint_eq(row[2].len, world_body_bytes);
        ck_assert_int_eq(row[2].data[0], step + 1);
        ck_assert_int_eq(row[2].data[world_body_bytes - 1], step + 1);
    }
    reels_rows_free(rows);
    return first;
}

/* Each step that is there has exactly one event, in an unbroken sequence of its shard. */
static void events_verify(reels_ctx *ctx, reels_catalog *catalog, const int there[WORLD_STEPS])
{
    reels_error err = error_new();
    reels_records *records = NULL;
    uint64_t next[OWNERS] = {0};
    int published[WORLD_STEPS] = {0};
    ck_assert_int_eq(reels_records_new(ctx, 0, &records, &err), REELS_OK);
    ck_assert_int_eq(
        reels_catalog_outbox_claim(catalog, NULL, "verify", 60000000, 1000, records, &err),
        REELS_OK);
    for (size_t i = 0; i < reels_records_count(records); i++) {
        reels_record record;
        ck_assert_int_eq(reels_records_get(records, i, &record), REELS_OK);
        int step = record.payload[0];
        ck_assert_int_lt(step, WORLD_STEPS);
        published[step]++;
        uint64_t *expected = &next[step % OWNERS];
        ck_assert_msg(*expected == 0 || record.offset == *expected, "a sequence has a gap");
        *expected = record.offset + 1;
    }
    for (int step = 0; step < world_steps; step++) {
        ck_assert_msg(
            published[step] == there[step], "step %d has %d events", step, published[step]);
    }
    reels_records_free(records);
}

/* The index agrees with the rows. */
static void index_verify(reels_ctx *ctx, reels_catalog *catalog, int rows_expected)
{
    reels_error err = error_new();
    reels_rows *rows = NULL;
    reels_scan scan = {
        .struct_size = sizeof scan, .table = &world_table, .index = "by_body", .limit = 1000};
    ck_assert_int_eq(reels_rows_new(ctx, 0, &rows, &err), REELS_OK);
    ck_assert_int_eq(reels_catalog_scan(catalog, NULL, &scan, rows, NULL, &err), REELS_OK);
    ck_assert_int_eq((int)reels_rows_count(rows), rows_expected);
    reels_rows_free(rows);
}

static void catalog_verify(reels_ctx *ctx, const char *url, const struct world_told *told)
{
    struct world_told now = {0};
    reels_catalog *catalog = catalog_open(ctx, url, 1, &now);
    ck_assert_msg(
        catalog != NULL, "the store does not open: %s", reels_status_name(now.last_failure));
    int there[WORLD_STEPS];
    int count = 0;
    for (int step = 0; step < world_steps; step++) {
        there[step] = step_is_there(ctx, catalog, step);
        count += there[step];
        ck_assert_msg(there[step] || !told->acknowledged[step], "step %d was lost", step);
    }
    index_verify(ctx, catalog, 2 * count);
    events_verify(ctx, catalog, there);
    /* It still works: all that is missing can be done now, and what is there is not done twice. */
    for (int step = 0; step < world_steps; step++) {
        reels_error err = error_new();
        reels_commit_result result = {0};
        ck_assert_int_eq(world_commit(catalog, step, &result, &err), REELS_OK);
        ck_assert_int_eq(result.status, REELS_OK);
        ck_assert_int_eq((int)result.repeated, there[step]);
        there[step] = 1;
    }
    events_verify(ctx, catalog, there);
    reels_catalog_free(catalog);
}

const struct world world_catalog = {
    .name = "catalog",
    .url = "sqlite:/catalog.db",
    .run = catalog_run,
    .verify = catalog_verify,
};

/* ---- stats ---- */

/* Becomes the writer and checks that the state belongs to the offset. */
static reels_status
writer_open(reels_ctx *ctx, reels_stats *stats, reels_stats_writer *out, reels_error *err)
{
    reels_buf *state = NULL;
    reels_status status = reels_buf_new(ctx, 0, &state, err);
    if (status == REELS_OK) {
        status = reels_stats_writer_open(stats, NULL, "world", 1, "test", out, state, err);
    }
    if (status == REELS_OK && out->offset > 0) {
        ck_assert_uint_eq(reels_buf_len(state), world_body_bytes);
        ck_assert_uint_eq(reels_buf_data(state)[0], out->offset);
    }
    reels_buf_free(state);
    return status;
}

static reels_stats *stats_open(reels_ctx *ctx, const char *url, int tries, struct world_told *told)
{
    for (int i = 0; i < tries; i++) {
        reels_error err = error_new();
        reels_stats *stats = NULL;
        reels_status status = reels_stats_open(ctx, url, &stats, &err);
        if (status == REELS_OK) {
            told->opened = 1;
            return stats;
        }
        told_failure(told, status, &err);
    }
    return NULL;
}

static reels_status stats_step(reels_ctx *ctx, reels_stats *stats, int step, reels_error *err)
{
    reels_stats_writer writer = {0};
    reels_status status = writer_open(ctx, stats, &writer, err);
    if (status < 0 || writer.offset > (uint64_t)step) {
        return status; /* a try whose answer was lost was taken */
    }
    ck_assert_uint_eq(writer.offset, (uint64_t)step);
    const reels_stats_delta deltas[] = {
        {.entity_id = 1, .counter = 1, .amount = 1},
        {.entity_id = step, .counter = 2, .amount = 10},
    };
    reels_stats_batch batch = {.struct_size = sizeof batch,
                               .partition = 1,
                               .group = "world",
                               .epoch = writer.epoch,
                               .begin_offset = (uint64_t)step,
                               .end_offset = (uint64_t)step + 1,
                               .deltas = deltas,
                               .deltas_count = 2,
                               .state = body_make(step),
                               .state_len = world_body_bytes};
    reels_stats_result result = {0};
    status = reels_stats_apply(stats, NULL, &batch, 1, &result, err);
    ck_assert(status < 0 || result.status == REELS_OK);
    return status;
}

static void stats_run(reels_ctx *ctx, const char *url, int tries, struct world_told *told)
{
    reels_stats *stats = stats_open(ctx, url, tries, told);
    int alive = stats != NULL;
    for (int step = 0; alive && step < world_steps; step++) {
        for (int i = 0; i < tries && !told->acknowledged[step]; i++) {
            reels_error err = error_new();
            reels_status status = stats_step(ctx, stats, step, &err);
            if (status == REELS_OK) {
                told->acknowledged[step] = 1;
            } else {
                told_failure(told, status, &err);
            }
        }
        alive = told->acknowledged[step]; /* a consumer does not go on past a gap */
    }
    before_close();
    reels_stats_free(stats);
}

static int64_t amount_read(reels_stats *stats, int64_t entity_id, uint32_t counter)
{
    reels_error err = error_new();
    const int64_t window = 0;
    int64_t amount = -1;
    reels_stats_query query = {.struct_size = sizeof query,
                               .group = "world",
                               .entity_ids = &entity_id,
                               .entities_count = 1,
                               .counters = &counter,
                               .counters_count = 1,
                               .windows_unix_us = &window,
                               .windows_count = 1};
    ck_assert_int_eq(reels_stats_read(stats, NULL, &query, &amount, &err), REELS_OK);
    return amount;
}

static void stats_verify(reels_ctx *ctx, const char *url, const struct world_told *told)
{
    struct world_told now = {0};
    reels_error err = error_new();
    reels_stats *stats = stats_open(ctx, url, 1, &now);
    ck_assert_msg(
        stats != NULL, "the store does not open: %s", reels_status_name(now.last_failure));
    reels_stats_writer writer = {0};
    ck_assert_int_eq(writer_open(ctx, stats, &writer, &err), REELS_OK);
    /* Counts, offset and state agree, and nothing that was acknowledged is missing. */
    ck_assert_int_eq(amount_read(stats, 1, 1), (int64_t)writer.offset);
    for (int step = 0; step < world_steps; step++) {
        int there = (uint64_t)step < writer.offset;
        ck_assert_msg(there || !told->acknowledged[step], "step %d was lost", step);
        ck_assert_int_eq(amount_read(stats, step, 2), there ? 10 : 0);
    }
    for (int step = (int)writer.offset; step < world_steps; step++) {
        ck_assert_int_eq(stats_step(ctx, stats, step, &err), REELS_OK);
    }
    ck_assert_int_eq(amount_read(stats, 1, 1), world_steps);
    reels_stats_free(stats);
}

const struct world world_stats = {
    .name = "stats",
    .url = "sqlite:/stats.db",
    .run = stats_run,
    .verify = stats_verify,
};
