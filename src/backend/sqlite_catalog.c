/* Owns the catalog on SQLite: commits with their conditions, tokens and events, and the sweeping of
 * what has expired. Everything that a commit touches is in one transaction. */
#include "sqlite_catalog.h"

#include <string.h>

#include "backend/embedded.h"
#include "backend/port.h"
#include "base/buffer_internal.h"
#include "base/error.h"
#include "base/mem.h"

#define TOKEN_LIFE_US INT64_C(86400000000)
#define SWEEP_EVERY_US INT64_C(1000000)

enum {
    APPLICATION_ID = 0x524c4361, /* "RLCa" */
    TOKEN_BYTES = 16,
    SWEEP_ROWS_MAX = 256, /* of one table at a time, so that no commit waits long */
    VERSIONS_STEP = 4096  /* versions that a restart may leave unused */
};

/* Every step is run once on every store, in its order, and never changed afterwards. */
static const char *const STEPS[] = {
    "CREATE TABLE _state(id INTEGER PRIMARY KEY CHECK(id=1),version INTEGER NOT NULL) STRICT;"
    "INSERT INTO _state(id,version) VALUES(1,0);"
    "CREATE TABLE _tables(name TEXT PRIMARY KEY,version INTEGER NOT NULL,descriptor BLOB NOT NULL)"
    " STRICT,WITHOUT ROWID;"
    "CREATE TABLE _tokens(shard BLOB NOT NULL,token BLOB NOT NULL,time INTEGER NOT NULL,"
    "status INTEGER NOT NULL,failed_op INTEGER NOT NULL,version INTEGER NOT NULL,"
    "PRIMARY KEY(shard,token)) STRICT,WITHOUT ROWID;"
    "CREATE INDEX _tokens_time ON _tokens(time);"
    "CREATE TABLE _shards(shard BLOB PRIMARY KEY,sequence INTEGER NOT NULL,claimed INTEGER NOT "
    "NULL,"
    "lease INTEGER NOT NULL,holder TEXT) STRICT,WITHOUT ROWID;"
    "CREATE TABLE _outbox(id INTEGER PRIMARY KEY,shard BLOB NOT NULL,sequence INTEGER NOT NULL,"
    "time INTEGER NOT NULL,topic TEXT NOT NULL,key BLOB NOT NULL,payload BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX _outbox_shard ON _outbox(shard,sequence);"
    "CREATE TABLE _leases(name TEXT PRIMARY KEY,holder TEXT,fence INTEGER NOT NULL,"
    "until INTEGER NOT NULL) STRICT,WITHOUT ROWID;",
};

static const reels__sqlite_kind KIND = {
    .name = "catalog",
    .application_id = APPLICATION_ID,
    .steps_count = REELS__COUNT(STEPS),
    .steps = STEPS,
};

struct commits {
    reels__sqlite_catalog *catalog;
    const reels_commit *items;
    size_t count;
    reels_commit_result *results;
    int64_t now_unix_us;
};

/* One commit on its way. */
struct commit {
    reels__sqlite_catalog *catalog;
    const reels_commit *in;
    reels_commit_result *out;
    int64_t now_unix_us;
    int64_t version;
    size_t shard_len;
    uint8_t shard[REELS__SHARD_BYTES_MAX];
};

/* ---- tokens ---- */

static reels_status
token_find(reels__sqlite_conn *conn, const struct commit *commit, int *out_found, reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    REELS_TRY(reels__sqlite_prepare(
        conn,
        "SELECT status,failed_op,version FROM _tokens WHERE shard=?1 AND token=?2 AND time>?3",
        &statement,
        err));
    reels__sqlite_bind_bytes(statement, 1, commit->shard, commit->shard_len);
    reels__sqlite_bind_bytes(statement, 2, commit->in->token, TOKEN_BYTES);
    (void)sqlite3_bind_int64(statement, 3, commit->now_unix_us - TOKEN_LIFE_US);
    REELS_TRY(reels__sqlite_next(conn, statement, out_found, err));
    if (*out_found) {
        *commit->out =
            (reels_commit_result){.status = sqlite3_column_int(statement, 0),
                                  .failed_op = (uint32_t)sqlite3_column_int64(statement, 1),
                                  .version = (uint64_t)sqlite3_column_int64(statement, 2),
                                  .repeated = 1};
        reels__sqlite_done(statement);
    }
    return REELS_OK;
}

static reels_status
token_keep(reels__sqlite_conn *conn, const struct commit *commit, reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    REELS_TRY(reels__sqlite_prepare(
        conn,
        "INSERT INTO _tokens(shard,token,time,status,failed_op,version) VALUES(?1,?2,?3,?4,?5,?6) "
        "ON CONFLICT DO UPDATE SET time=excluded.time,status=excluded.status,"
        "failed_op=excluded.failed_op,version=excluded.version",
        &statement,
        err));
    reels__sqlite_bind_bytes(statement, 1, commit->shard, commit->shard_len);
    reels__sqlite_bind_bytes(statement, 2, commit->in->token, TOKEN_BYTES);
    (void)sqlite3_bind_int64(statement, 3, commit->now_unix_us);
    (void)sqlite3_bind_int64(statement, 4, commit->out->status);
    (void)sqlite3_bind_int64(statement, 5, commit->out->failed_op);
    (void)sqlite3_bind_int64(statement, 6, (sqlite3_int64)commit->out->version);
    return reels__sqlite_run(conn, statement, err);
}

/* ---- operations ---- */

static void key_bind(sqlite3_stmt *statement, const reels_op *op)
{
    for (uint32_t i = 0; i < op->table->key_columns_count; i++) {
        const reels_value *value =
            op->kind == REELS_OP_PUT ? &op->values[op->table->key_columns[i]] : &op->values[i];
        reels__sqlite_bind(statement, (int)i + 1, value);
    }
}

/* Where an IF_COLUMN condition looks, its table's first key column otherwise. */
static const reels_column *condition_column(const reels_op *op)
{
    uint32_t column =
        op->condition == REELS_IF_COLUMN ? op->condition_column : op->table->key_columns[0];
    return &op->table->columns[column];
}

static reels_status condition_prepare(reels__sqlite_conn *conn,
                                      struct commit *commit,
                                      const reels_op *op,
                                      sqlite3_stmt **out,
                                      reels_error *err)
{
    const reels_table *def = op->table;
    reels_buf *sql = NULL;
    REELS_TRY(reels_buf_new(commit->catalog->ctx, 0, &sql, err));
    reels_status status = reels__buf_append_format(
        sql, err, "SELECT \"_version\",\"%s\" FROM \"%s\"", condition_column(op)->name, def->name);
    for (uint32_t i = 0; status == REELS_OK && i < def->key_columns_count; i++) {
        status = reels__buf_append_format(sql,
                                          err,
                                          "%s\"%s\"=?%u",
                                          i > 0 ? " AND " : " WHERE ",
                                          def->columns[def->key_columns[i]].name,
                                          (unsigned)i + 1);
    }
    if (status == REELS_OK) {
        status = reels__sqlite_prepare(conn, (const char *)reels_buf_data(sql), out, err);
    }
    reels_buf_free(sql);
    return status;
}

/* Looks at the row as it is now. CONFLICT goes to a result and has no message. */
static reels_status condition_check(reels__sqlite_conn *conn,
                                    struct commit *commit,
                                    const reels_op *op,
                                    reels_error *err)
{
    if (op->condition == REELS_IF_ALWAYS) {
        return REELS_OK;
    }
    sqlite3_stmt *statement = NULL;
    int has_row = 0;
    REELS_TRY(condition_prepare(conn, commit, op, &statement, err));
    key_bind(statement, op);
    REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    if (!has_row) {
        return op->condition == REELS_IF_ABSENT ? REELS_OK : REELS_ERR_CONFLICT;
    }
    reels_value value = {0};
    reels_status status = reels__sqlite_column(statement, 1, condition_column(op), &value, err);
    int holds = op->condition == REELS_IF_PRESENT;
    if (op->condition == REELS_IF_VERSION) {
        holds = (uint64_t)sqlite3_column_int64(statement, 0) == op->version;
    } else if (op->condition == REELS_IF_COLUMN) {
        holds = status == REELS_OK && reels__value_compare(&value, &op->condition_value) == 0;
    }
    reels__sqlite_done(statement);
    if (status < 0) {
        return status;
    }
    return holds ? REELS_OK : REELS_ERR_CONFLICT;
}

static reels_status
op_apply(reels__sqlite_conn *conn, struct commit *commit, const reels_op *op, reels_error *err)
{
    const reels__sqlite_table *table = reels__sqlite_table_find(commit->catalog, op->table);
    REELS_REQUIRE(table != NULL, err, "table is not declared");
    REELS_TRY(condition_check(conn, commit, op, err));
    sqlite3_stmt *statement = NULL;
    if (op->kind == REELS_OP_PUT) {
        uint32_t count = table->def->columns_count;
        REELS_TRY(reels__sqlite_prepare(conn, table->put_sql, &statement, err));
        for (uint32_t i = 0; i < count; i++) {
            reels__sqlite_bind(statement, (int)i + 1, &op->values[i]);
        }
        (void)sqlite3_bind_int64(statement, (int)count + 1, commit->version);
        return reels__sqlite_run(conn, statement, err);
    }
    if (op->kind == REELS_OP_DELETE) {
        REELS_TRY(reels__sqlite_prepare(conn, table->delete_sql, &statement, err));
        key_bind(statement, op);
        return reels__sqlite_run(conn, statement, err);
    }
    return REELS_OK;
}

/* ---- events ---- */

/* Takes the next sequences of the shard: *out_first is the first of `count`. */
static reels_status sequences_take(reels__sqlite_conn *conn,
                                   const struct commit *commit,
                                   size_t count,
                                   int64_t *out_first,
                                   reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    int has_row = 0;
    REELS_TRY(reels__sqlite_prepare(
        conn,
        "INSERT INTO _shards(shard,sequence,claimed,lease) VALUES(?1,?2,0,0) "
        "ON CONFLICT(shard) DO UPDATE SET sequence=sequence+excluded.sequence RETURNING sequence",
        &statement,
        err));
    reels__sqlite_bind_bytes(statement, 1, commit->shard, commit->shard_len);
    (void)sqlite3_bind_int64(statement, 2, (sqlite3_int64)count);
    REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    REELS_INVARIANT(has_row, err);
    *out_first = sqlite3_column_int64(statement, 0) - (int64_t)count + 1;
    return reels__sqlite_run(conn, statement, err);
}

static reels_status
events_add(reels__sqlite_conn *conn, const struct commit *commit, reels_error *err)
{
    size_t count = commit->in->events_count;
    int64_t sequence = 0;
    if (count == 0) {
        return REELS_OK;
    }
    REELS_TRY(sequences_take(conn, commit, count, &sequence, err));
    for (size_t i = 0; i < count; i++) {
        const reels_event_out *event = &commit->in->events[i];
        sqlite3_stmt *statement = NULL;
        REELS_TRY(
            reels__sqlite_prepare(conn,
                                  "INSERT INTO _outbox(shard,sequence,time,topic,key,payload) "
                                  "VALUES(?1,?2,?3,?4,?5,?6)",
                                  &statement,
                                  err));
        reels__sqlite_bind_bytes(statement, 1, commit->shard, commit->shard_len);
        (void)sqlite3_bind_int64(statement, 2, sequence + (int64_t)i);
        (void)sqlite3_bind_int64(statement, 3, commit->now_unix_us);
        reels__sqlite_bind_text(statement, 4, event->topic);
        reels__sqlite_bind_bytes(statement, 5, event->key, event->key_len);
        reels__sqlite_bind_bytes(statement, 6, event->payload, event->payload_len);
        REELS_TRY(reels__sqlite_run(conn, statement, err));
    }
    return REELS_OK;
}

/* ---- commits ---- */

static reels_status body_apply(reels__sqlite_conn *conn, struct commit *commit, reels_error *err)
{
    for (size_t i = 0; i < commit->in->ops_count; i++) {
        reels_status status = op_apply(conn, commit, &commit->in->ops[i], err);
        if (status < 0) {
            commit->out->failed_op = (uint32_t)i;
            return status;
        }
    }
    commit->out->version = (uint64_t)commit->version;
    return events_add(conn, commit, err);
}

static reels_status commit_apply(reels__sqlite_conn *conn, struct commit *commit, reels_error *err)
{
    *commit->out = (reels_commit_result){.status = REELS_OK};
    if (commit->in->has_token) {
        int found = 0;
        REELS_TRY(token_find(conn, commit, &found, err));
        if (found) {
            return REELS_OK;
        }
    }
    REELS_TRY(reels__sqlite_part_begin(conn, err));
    reels_status status = body_apply(conn, commit, err);
    if (status == REELS_ERR_CONFLICT) {
        commit->out->status = REELS_ERR_CONFLICT;
        commit->out->version = 0;
    } else if (status < 0) {
        return status; /* the whole work is taken back */
    }
    REELS_TRY(reels__sqlite_part_end(conn, status == REELS_OK, err));
    return commit->in->has_token ? token_keep(conn, commit, err) : REELS_OK;
}

/* What is stored: no version above it was ever given. */
static reels_status version_load(reels__sqlite_conn *conn, int64_t *out_version, reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    int has_row = 0;
    REELS_TRY(
        reels__sqlite_prepare(conn, "SELECT version FROM _state WHERE id=1", &statement, err));
    REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    if (!has_row) {
        return reels__fail(err, REELS_ERR_CORRUPT, "catalog: its state is missing");
    }
    *out_version = sqlite3_column_int64(statement, 0);
    reels__sqlite_done(statement);
    return REELS_OK;
}

/* Makes sure that the next `count` versions lie below the stored one, which is raised in large
 * steps, so that not every commit writes its page. It is read anew since a transaction that was
 * lost took its step back. */
static reels_status versions_reserve(reels__sqlite_conn *conn,
                                     const reels__sqlite_catalog *catalog,
                                     size_t count,
                                     reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    int64_t stored = 0;
    int64_t wanted = catalog->version + (int64_t)count;
    REELS_TRY(version_load(conn, &stored, err));
    if (wanted <= stored) {
        return REELS_OK;
    }
    REELS_TRY(
        reels__sqlite_prepare(conn, "UPDATE _state SET version=?1 WHERE id=1", &statement, err));
    (void)sqlite3_bind_int64(statement, 1, wanted + VERSIONS_STEP);
    return reels__sqlite_run(conn, statement, err);
}

/* ---- sweeping ---- */

/* *more becomes 1 when as many rows were deleted as one go may: others may have expired too. */
static reels_status sweep(
    reels__sqlite_conn *conn, const char *sql, int64_t before_unix_us, int *more, reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    REELS_TRY(reels__sqlite_prepare(conn, sql, &statement, err));
    (void)sqlite3_bind_int64(statement, 1, before_unix_us);
    (void)sqlite3_bind_int64(statement, 2, SWEEP_ROWS_MAX);
    REELS_TRY(reels__sqlite_run(conn, statement, err));
    *more |= reels__sqlite_changes(conn) >= SWEEP_ROWS_MAX;
    return REELS_OK;
}

/* Deletes some of what has expired, as a part of somebody's commit: once a second, and with every
 * commit while there is more than one go deletes. So what commits add can never outgrow it. */
static reels_status
expired_sweep(reels__sqlite_conn *conn, const struct commits *commits, reels_error *err)
{
    reels__sqlite_catalog *catalog = commits->catalog;
    int64_t now_unix_us = commits->now_unix_us;
    if (now_unix_us - catalog->swept_unix_us < SWEEP_EVERY_US &&
        now_unix_us >= catalog->swept_unix_us) {
        return REELS_OK;
    }
    int more = 0;
    catalog->swept_unix_us = now_unix_us;
    const reels__sqlite_table *it = atomic_load_explicit(&catalog->tables, memory_order_acquire);
    for (; it != NULL; it = it->next) {
        if (it->sweep_sql != NULL) {
            REELS_TRY(sweep(conn, it->sweep_sql, now_unix_us, &more, err));
        }
    }
    REELS_TRY(sweep(conn,
                    "DELETE FROM _tokens WHERE (shard,token) IN "
                    "(SELECT shard,token FROM _tokens WHERE time<=?1 LIMIT ?2)",
                    now_unix_us - TOKEN_LIFE_US,
                    &more,
                    err));
    if (more) {
        catalog->swept_unix_us = now_unix_us - SWEEP_EVERY_US;
    }
    return REELS_OK;
}

static reels_status commits_work(reels__sqlite_conn *conn, void *arg, reels_error *err)
{
    const struct commits *commits = arg;
    reels__sqlite_catalog *catalog = commits->catalog;
    REELS_TRY(expired_sweep(conn, commits, err));
    REELS_TRY(versions_reserve(conn, catalog, commits->count, err));
    for (size_t i = 0; i < commits->count; i++) {
        /* Versions that a failure leaves unused stay unused. */
        struct commit commit = {.catalog = catalog,
                                .in = &commits->items[i],
                                .out = &commits->results[i],
                                .now_unix_us = commits->now_unix_us,
                                .version = ++catalog->version};
        commit.shard_len = reels__shard_encode(&commit.in->shard, commit.shard);
        REELS_TRY(commit_apply(conn, &commit, err));
    }
    return REELS_OK;
}

static reels_status catalog_commit(void *impl,
                                   const reels_call *call,
                                   const reels_commit *items,
                                   size_t count,
                                   reels_commit_result *results,
                                   reels_error *err)
{
    reels__sqlite_catalog *catalog = impl;
    struct commits commits = {.catalog = catalog,
                              .items = items,
                              .count = count,
                              .now_unix_us = reels_ctx_now_unix_us(catalog->ctx)};
    commits.results = reels__mem_calloc(catalog->ctx, count, sizeof *results);
    if (commits.results == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "commit: no memory");
    }
    reels_status status = reels__sqlite_write(catalog->store, call, commits_work, &commits, err);
    if (status == REELS_OK) {
        memcpy(results, commits.results, count * sizeof *results);
    }
    reels__mem_free(catalog->ctx, commits.results);
    return status;
}

/* ---- opening ---- */

static void catalog_destroy(void *impl)
{
    reels__sqlite_catalog *catalog = impl;
    reels__sqlite_close(catalog->store);
    reels__sqlite_tables_free(catalog);
    (void)pthread_mutex_destroy(&catalog->declare_lock);
    reels__mem_free(catalog->ctx, catalog);
}

static reels_status state_load(reels__sqlite_conn *conn, void *arg, reels_error *err)
{
    reels__sqlite_catalog *catalog = arg;
    return version_load(conn, &catalog->version, err);
}

static const reels_catalog_vtable VTABLE = {
    .struct_size = sizeof(reels_catalog_vtable),
    .destroy = catalog_destroy,
    .declare = reels__sqlite_declare,
    .commit = catalog_commit,
    .get = reels__sqlite_get,
    .scan = reels__sqlite_scan,
    .outbox_claim = reels__sqlite_outbox_claim,
    .outbox_ack = reels__sqlite_outbox_ack,
    .lease_acquire = reels__sqlite_lease_acquire,
    .lease_renew = reels__sqlite_lease_renew,
    .lease_release = reels__sqlite_lease_release,
};

reels_status reels__catalog_sqlite_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err)
{
    (void)user;
    reels__sqlite_catalog *catalog = reels__mem_zalloc(ctx, sizeof *catalog);
    if (catalog == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "catalog: no memory");
    }
    catalog->ctx = ctx;
    if (pthread_mutex_init(&catalog->declare_lock, NULL) != 0) {
        reels__mem_free(ctx, catalog);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "catalog: the system refused a lock");
    }
    reels_catalog *port = NULL;
    reels_status status =
        reels__sqlite_open(ctx, &KIND, reels__url_rest(url), &catalog->store, err);
    if (status == REELS_OK) {
        status = reels__sqlite_read(catalog->store, NULL, state_load, catalog, err);
    }
    status = status < 0 ? status : reels_catalog_new(ctx, &VTABLE, catalog, &port, err);
    if (status < 0) {
        catalog_destroy(catalog);
        return status;
    }
    *out_port = port;
    return REELS_OK;
}
