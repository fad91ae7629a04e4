/* Owns the stats store on SQLite. The rows of an entity lie together, its totals first, so that
 * reading is one seek for each entity and window; the partition comes last in the key, which only
 * this store may do: it is not spread over machines. */
#include <string.h>

#include "backend/embedded.h"
#include "backend/port.h"
#include "backend/sqlite_store.h"
#include "backend/stats_internal.h"
#include "base/checked.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    APPLICATION_ID = 0x524c5374 /* "RLSt" */
};

/* Every step is run once on every store, in its order, and never changed afterwards. The bound of
 * an amount is 2^62: whatever passes int64 fails it too, as a number that is no integer. */
static const char *const STEPS[] = {
    "CREATE TABLE _groups(id INTEGER PRIMARY KEY,name TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE _partitions(group_id INTEGER NOT NULL,partition INTEGER NOT NULL,"
    "epoch INTEGER NOT NULL,offset INTEGER NOT NULL,holder TEXT NOT NULL,state BLOB NOT NULL,"
    "UNIQUE(group_id,partition)) STRICT;"
    "CREATE TABLE counters(group_id INTEGER NOT NULL,entity_id INTEGER NOT NULL,"
    "window INTEGER NOT NULL,counter INTEGER NOT NULL,partition INTEGER NOT NULL,"
    "amount INTEGER NOT NULL CHECK(amount BETWEEN -4611686018427387904 AND 4611686018427387904),"
    "PRIMARY KEY(group_id,entity_id,window,counter,partition)) STRICT,WITHOUT ROWID;",
};

static const reels__sqlite_kind KIND = {
    .name = "stats store",
    .application_id = APPLICATION_ID,
    .steps_count = REELS__COUNT(STEPS),
    .steps = STEPS,
};

struct store {
    reels_ctx *ctx;
    reels__sqlite *sqlite;
};

/* The number of a group, or 0. */
static reels_status
group_find(reels__sqlite_conn *conn, const char *name, int64_t *out_id, reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    int has_row = 0;
    *out_id = 0;
    REELS_TRY(reels__sqlite_prepare(conn, "SELECT id FROM _groups WHERE name=?1", &statement, err));
    reels__sqlite_bind_text(statement, 1, name);
    REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    if (has_row) {
        *out_id = sqlite3_column_int64(statement, 0);
        reels__sqlite_done(statement);
    }
    return REELS_OK;
}

static reels_status
group_get(reels__sqlite_conn *conn, const char *name, int64_t *out_id, reels_error *err)
{
    REELS_TRY(group_find(conn, name, out_id, err));
    if (*out_id != 0) {
        return REELS_OK;
    }
    sqlite3_stmt *statement = NULL;
    REELS_TRY(reels__sqlite_prepare(conn, "INSERT INTO _groups(name) VALUES(?1)", &statement, err));
    reels__sqlite_bind_text(statement, 1, name);
    REELS_TRY(reels__sqlite_run(conn, statement, err));
    return group_find(conn, name, out_id, err);
}

/* ---- writer_open ---- */

struct writer {
    const char *group;
    const char *holder;
    uint32_t partition;
    reels_stats_writer out;
    reels_buf *state;
};

static reels_status writer_work(reels__sqlite_conn *conn, void *arg, reels_error *err)
{
    struct writer *writer = arg;
    sqlite3_stmt *statement = NULL;
    int64_t group_id = 0;
    int has_row = 0;
    reels_buf_clear(writer->state);
    REELS_TRY(group_get(conn, writer->group, &group_id, err));
    REELS_TRY(reels__sqlite_prepare(
        conn,
        "INSERT INTO _partitions(group_id,partition,epoch,offset,holder,state) "
        "VALUES(?1,?2,1,0,?3,x'') ON CONFLICT(group_id,partition) DO UPDATE SET "
        "epoch=epoch+1,holder=excluded.holder RETURNING epoch,offset,state",
        &statement,
        err));
    (void)sqlite3_bind_int64(statement, 1, group_id);
    (void)sqlite3_bind_int64(statement, 2, writer->partition);
    reels__sqlite_bind_text(statement, 3, writer->holder);
    REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    REELS_INVARIANT(has_row, err);
    writer->out.epoch = (uint64_t)sqlite3_column_int64(statement, 0);
    writer->out.offset = (uint64_t)sqlite3_column_int64(statement, 1);
    const uint8_t *state = sqlite3_column_blob(statement, 2);
    size_t state_len = (size_t)sqlite3_column_bytes(statement, 2);
    reels_status status = REELS_OK;
    if (state == NULL && state_len > 0) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "stats: SQLite has no memory");
    } else {
        status = reels_buf_append(writer->state, state, state_len, err);
    }
    if (status < 0) {
        reels__sqlite_done(statement);
        return status;
    }
    return reels__sqlite_run(conn, statement, err);
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
    struct writer writer = {
        .group = group, .holder = holder, .partition = partition, .state = state};
    REELS_TRY(reels__sqlite_write(store->sqlite, call, writer_work, &writer, err));
    *out_writer = writer.out;
    return REELS_OK;
}

/* ---- apply ---- */

struct batches {
    const reels_stats_batch *items;
    size_t count;
    reels_stats_result *results;
};

/* What is stored of a partition: its row, or 0 when it was never opened. */
static reels_status partition_find(reels__sqlite_conn *conn,
                                   const reels_stats_batch *batch,
                                   int64_t group_id,
                                   int64_t *out_row,
                                   reels_stats_writer *out,
                                   reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    int has_row = 0;
    *out_row = 0;
    REELS_TRY(reels__sqlite_prepare(
        conn,
        "SELECT rowid,epoch,offset FROM _partitions WHERE group_id=?1 AND partition=?2",
        &statement,
        err));
    (void)sqlite3_bind_int64(statement, 1, group_id);
    (void)sqlite3_bind_int64(statement, 2, batch->partition);
    REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    if (has_row) {
        *out_row = sqlite3_column_int64(statement, 0);
        out->epoch = (uint64_t)sqlite3_column_int64(statement, 1);
        out->offset = (uint64_t)sqlite3_column_int64(statement, 2);
        reels__sqlite_done(statement);
    }
    return REELS_OK;
}

static reels_status deltas_add(reels__sqlite_conn *conn,
                               const reels_stats_batch *batch,
                               int64_t group_id,
                               reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    REELS_TRY(reels__sqlite_prepare(
        conn,
        "INSERT INTO counters(group_id,entity_id,window,counter,partition,amount) "
        "VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT DO UPDATE SET amount=amount+excluded.amount",
        &statement,
        err));
    for (size_t i = 0; i < batch->deltas_count; i++) {
        const reels_stats_delta *delta = &batch->deltas[i];
        (void)sqlite3_bind_int64(statement, 1, group_id);
        (void)sqlite3_bind_int64(statement, 2, delta->entity_id);
        (void)sqlite3_bind_int64(statement, 3, delta->window_unix_us);
        (void)sqlite3_bind_int64(statement, 4, delta->counter);
        (void)sqlite3_bind_int64(statement, 5, batch->partition);
        (void)sqlite3_bind_int64(statement, 6, delta->amount);
        REELS_TRY(reels__sqlite_run(conn, statement, err));
    }
    return REELS_OK;
}

static reels_status position_keep(reels__sqlite_conn *conn,
                                  const reels_stats_batch *batch,
                                  int64_t row,
                                  reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    /* A row of the same length is written over in place, so that a large state that stays costs
     * reading and not writing. */
    const char *sql = batch->state == NULL
                          ? "UPDATE _partitions SET offset=?1 WHERE rowid=?2"
                          : "UPDATE _partitions SET offset=?1,state=?3 WHERE rowid=?2";
    REELS_TRY(reels__sqlite_prepare(conn, sql, &statement, err));
    (void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)batch->end_offset);
    (void)sqlite3_bind_int64(statement, 2, row);
    if (batch->state != NULL) {
        reels__sqlite_bind_bytes(statement, 3, batch->state, batch->state_len);
    }
    return reels__sqlite_run(conn, statement, err);
}

/* Takes a batch whole, or says in the result why not. */
static reels_status batch_apply(reels__sqlite_conn *conn,
                                const reels_stats_batch *batch,
                                reels_stats_result *result,
                                reels_error *err)
{
    int64_t group_id = 0;
    int64_t row = 0;
    reels_stats_writer stored = {0};
    REELS_TRY(group_find(conn, batch->group, &group_id, err));
    REELS_TRY(partition_find(conn, batch, group_id, &row, &stored, err));
    *result = (reels_stats_result){.status = REELS_OK, .offset = stored.offset};
    if (row == 0 || stored.epoch != batch->epoch) {
        result->status = REELS_ERR_STALE;
        return REELS_OK;
    }
    if (stored.offset != batch->begin_offset) {
        result->status = REELS_ERR_CONFLICT;
        return REELS_OK;
    }
    REELS_TRY(reels__sqlite_part_begin(conn, err));
    reels_status status = deltas_add(conn, batch, group_id, err);
    if (status == REELS_ERR_LIMIT) {
        result->status = REELS_ERR_LIMIT;
        return reels__sqlite_part_end(conn, 0, err);
    }
    status = status < 0 ? status : position_keep(conn, batch, row, err);
    if (status < 0) {
        return status; /* the whole work is taken back */
    }
    result->offset = batch->end_offset;
    return reels__sqlite_part_end(conn, 1, err);
}

static reels_status batches_work(reels__sqlite_conn *conn, void *arg, reels_error *err)
{
    const struct batches *batches = arg;
    for (size_t i = 0; i < batches->count; i++) {
        REELS_TRY(batch_apply(conn, &batches->items[i], &batches->results[i], err));
    }
    return REELS_OK;
}

static reels_status store_apply(void *impl,
                                const reels_call *call,
                                const reels_stats_batch *items,
                                size_t count,
                                reels_stats_result *results,
                                reels_error *err)
{
    struct store *store = impl;
    struct batches batches = {.items = items, .count = count};
    batches.results = reels__mem_calloc(store->ctx, count, sizeof *results);
    if (batches.results == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "stats: no memory for results");
    }
    reels_status status = reels__sqlite_write(store->sqlite, call, batches_work, &batches, err);
    if (status == REELS_OK) {
        memcpy(results, batches.results, count * sizeof *results);
    }
    reels__mem_free(store->ctx, batches.results);
    return status;
}

/* ---- read ---- */

struct read {
    const reels_stats_query *query;
    int64_t *out_amounts;
};

/* Adds the row's amount wherever the query asks for its counter. */
static reels_status amount_add(const struct read *read,
                               size_t entity,
                               size_t window,
                               int64_t counter,
                               int64_t amount,
                               reels_error *err)
{
    const reels_stats_query *query = read->query;
    for (size_t c = 0; c < query->counters_count; c++) {
        if (query->counters[c] == counter) {
            size_t cell = (entity * query->counters_count + c) * query->windows_count + window;
            int64_t *out = &read->out_amounts[cell];
            if (!reels__i64_add(*out, amount, out)) {
                return reels__fail(err, REELS_ERR_LIMIT, "stats: a sum passes int64");
            }
        }
    }
    return REELS_OK;
}

/* Reads all counters of an entity in one window: they lie together. */
static reels_status window_read(reels__sqlite_conn *conn,
                                sqlite3_stmt *statement,
                                const struct read *read,
                                size_t entity,
                                size_t window,
                                reels_error *err)
{
    int has_row = 0;
    (void)sqlite3_bind_int64(statement, 2, read->query->entity_ids[entity]);
    (void)sqlite3_bind_int64(statement, 3, read->query->windows_unix_us[window]);
    REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    while (has_row) {
        reels_status status = amount_add(read,
                                         entity,
                                         window,
                                         sqlite3_column_int64(statement, 0),
                                         sqlite3_column_int64(statement, 1),
                                         err);
        if (status < 0) {
            reels__sqlite_done(statement);
            return status;
        }
        REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    }
    return REELS_OK;
}

static reels_status read_work(reels__sqlite_conn *conn, void *arg, reels_error *err)
{
    const struct read *read = arg;
    const reels_stats_query *query = read->query;
    int64_t group_id = 0;
    sqlite3_stmt *statement = NULL;
    REELS_TRY(group_find(conn, query->group, &group_id, err));
    if (group_id == 0) {
        return REELS_OK;
    }
    REELS_TRY(reels__sqlite_prepare(
        conn,
        "SELECT counter,amount FROM counters WHERE group_id=?1 AND entity_id=?2 AND window=?3",
        &statement,
        err));
    for (size_t e = 0; e < query->entities_count; e++) {
        for (size_t w = 0; w < query->windows_count; w++) {
            (void)sqlite3_bind_int64(statement, 1, group_id);
            REELS_TRY(window_read(conn, statement, read, e, w, err));
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
    struct read read = {.query = query, .out_amounts = out_amounts};
    return reels__sqlite_read(store->sqlite, call, read_work, &read, err);
}

/* ---- purge ---- */

struct purge {
    const int64_t *entity_ids;
    size_t entities_count;
};

static reels_status purge_work(reels__sqlite_conn *conn, void *arg, reels_error *err)
{
    const struct purge *purge = arg;
    sqlite3_stmt *statement = NULL;
    REELS_TRY(reels__sqlite_prepare(
        conn,
        "DELETE FROM counters WHERE group_id IN (SELECT id FROM _groups) AND entity_id=?1",
        &statement,
        err));
    for (size_t i = 0; i < purge->entities_count; i++) {
        (void)sqlite3_bind_int64(statement, 1, purge->entity_ids[i]);
        REELS_TRY(reels__sqlite_run(conn, statement, err));
    }
    return REELS_OK;
}

static reels_status store_purge(void *impl,
                                const reels_call *call,
                                const int64_t *entity_ids,
                                size_t entities_count,
                                reels_error *err)
{
    struct store *store = impl;
    struct purge purge = {.entity_ids = entity_ids, .entities_count = entities_count};
    return reels__sqlite_write(store->sqlite, call, purge_work, &purge, err);
}

/* ---- opening ---- */

static void store_destroy(void *impl)
{
    struct store *store = impl;
    reels__sqlite_close(store->sqlite);
    reels__mem_free(store->ctx, store);
}

static const reels_stats_vtable VTABLE = {
    .struct_size = sizeof(reels_stats_vtable),
    .destroy = store_destroy,
    .writer_open = store_writer_open,
    .apply = store_apply,
    .read = store_read,
    .purge = store_purge,
};

reels_status reels__stats_sqlite_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err)
{
    (void)user;
    struct store *store = reels__mem_zalloc(ctx, sizeof *store);
    if (store == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "stats: no memory");
    }
    store->ctx = ctx;
    reels_stats *port = NULL;
    reels_status status = reels__sqlite_open(ctx, &KIND, reels__url_rest(url), &store->sqlite, err);
    status = status < 0 ? status : reels_stats_new(ctx, &VTABLE, store, &port, err);
    if (status < 0) {
        store_destroy(store);
        return status;
    }
    *out_port = port;
    return REELS_OK;
}
