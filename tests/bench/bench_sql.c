/* How many durable commits and counter updates a second the SQLite backends take.
 *
 * The peer is SQLite as a program uses it by itself: WAL, synchronous=FULL, one prepared statement
 * and one transaction per row; with threads, a connection each and BEGIN IMMEDIATE. Both write the
 * same row into the same folder in turn, for the same time. Every figure is of acknowledged, synced
 * work. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <reels/backend.h>

enum {
    THREADS_MAX = 8,
    RUN_MS = 400,
    ROUNDS = 7,
    BODY_BYTES = 200,
    CALL_COMMITS = 64,
    BATCH_ENTITIES = 1000,
    BATCH_COUNTERS = 4,
    BATCH_DELTAS = BATCH_ENTITIES * BATCH_COUNTERS * 2
};

static char folder[] = "bench-sql-XXXXXX";
static reels_ctx *ctx;
static int64_t until_ns;
static atomic_long next_id;

static int64_t now_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* A benchmark without its store measures nothing. */
static void must(int condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "bench_sql: %s\n", what);
        exit(0);
    }
}

static void report(const char *metric, double value, const char *unit, double peer_value)
{
    (void)printf("{\"bench\": \"sql\", \"metric\": \"%s\", \"value\": %.1f, \"unit\": \"%s\", "
                 "\"peer\": \"sqlite, one transaction each\", \"peer_value\": %.1f, "
                 "\"ratio\": %.3f}\n",
                 metric,
                 value,
                 unit,
                 peer_value,
                 peer_value > 0 ? value / peer_value : 0);
    (void)fflush(stdout);
}

/* Runs work on threads for RUN_MS; work gives how much it has done. Gives that per second. */
static double rate(void *(*work)(void *), void *arg, int threads_count)
{
    pthread_t threads[THREADS_MAX];
    long done = 0;
    int64_t start_ns = now_ns();
    until_ns = start_ns + (int64_t)RUN_MS * 1000000;
    for (int i = 0; i < threads_count; i++) {
        must(pthread_create(&threads[i], NULL, work, arg) == 0, "no thread");
    }
    for (int i = 0; i < threads_count; i++) {
        void *count = NULL;
        (void)pthread_join(threads[i], &count);
        done += (long)(intptr_t)count;
    }
    return (double)done * 1e9 / (double)(now_ns() - start_ns);
}

static int double_compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Ours and the peer in turn, since a disk is shared and has moods; the medians are reported. */
static void compare(const char *metric,
                    const char *unit,
                    void *(*work)(void *),
                    void *arg,
                    void *(*peer)(void *),
                    int threads_count)
{
    double ours[ROUNDS];
    double theirs[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        ours[i] = rate(work, arg, threads_count);
        theirs[i] = rate(peer, NULL, threads_count);
    }
    qsort(ours, ROUNDS, sizeof ours[0], double_compare);
    qsort(theirs, ROUNDS, sizeof theirs[0], double_compare);
    report(metric, ours[ROUNDS / 2], unit, theirs[ROUNDS / 2]);
}

/* ---- the peer ---- */

static sqlite3 *peer_open(void)
{
    char path[64];
    sqlite3 *db = NULL;
    (void)snprintf(path, sizeof path, "%s/peer.db", folder);
    must(sqlite3_open(path, &db) == SQLITE_OK, "peer: open");
    (void)sqlite3_busy_timeout(db, 60000);
    must(sqlite3_exec(db,
                      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                      "CREATE TABLE IF NOT EXISTS t(owner INTEGER NOT NULL,id INTEGER NOT NULL,"
                      "body BLOB NOT NULL,PRIMARY KEY(owner,id)) STRICT, WITHOUT ROWID;"
                      "CREATE TABLE IF NOT EXISTS c(id INTEGER PRIMARY KEY,amount INTEGER);",
                      NULL,
                      NULL,
                      NULL) == SQLITE_OK,
         "peer: tables");
    return db;
}

static void *peer_commits(void *arg)
{
    (void)arg;
    sqlite3 *db = peer_open();
    sqlite3_stmt *insert = NULL;
    char body[BODY_BYTES];
    memset(body, 'b', sizeof body);
    must(sqlite3_prepare_v2(db, "INSERT INTO t VALUES(1,?1,?2)", -1, &insert, NULL) == SQLITE_OK,
         "peer: statement");
    long done = 0;
    while (now_ns() < until_ns) {
        must(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK, "peer: begin");
        (void)sqlite3_bind_int64(insert, 1, atomic_fetch_add(&next_id, 1));
        (void)sqlite3_bind_blob(insert, 2, body, sizeof body, SQLITE_STATIC);
        must(sqlite3_step(insert) == SQLITE_DONE, "peer: insert");
        (void)sqlite3_reset(insert);
        must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK, "peer: commit");
        done++;
    }
    (void)sqlite3_finalize(insert);
    (void)sqlite3_close(db);
    return (void *)(intptr_t)done;
}

static void *peer_updates(void *arg)
{
    (void)arg;
    sqlite3 *db = peer_open();
    sqlite3_stmt *update = NULL;
    must(sqlite3_prepare_v2(db,
                            "INSERT INTO c VALUES(?1,1) ON CONFLICT DO UPDATE SET amount=amount+1",
                            -1,
                            &update,
                            NULL) == SQLITE_OK,
         "peer: statement");
    long done = 0;
    while (now_ns() < until_ns) {
        (void)sqlite3_bind_int64(update, 1, done % BATCH_ENTITIES);
        must(sqlite3_step(update) == SQLITE_DONE, "peer: update");
        (void)sqlite3_reset(update);
        done++;
    }
    (void)sqlite3_finalize(update);
    (void)sqlite3_close(db);
    return (void *)(intptr_t)done;
}

/* ---- catalog ---- */

static const reels_column columns[] = {
    {"owner", REELS_TYPE_ID, 0},
    {"id", REELS_TYPE_ID, 0},
    {"body", REELS_TYPE_BYTES, 0},
};
static const uint32_t key_columns[] = {0, 1};
static const reels_table table = {
    .struct_size = sizeof(reels_table),
    .version = 1,
    .name = "t",
    .columns = columns,
    .key_columns = key_columns,
    .columns_count = 3,
    .key_columns_count = 2,
    .shard_column = 0,
    .ttl_column = UINT32_MAX,
};

struct row {
    reels_value values[3];
    reels_op op;
};

static void commit_make(struct row *row, reels_commit *commit)
{
    static const uint8_t body[BODY_BYTES] = {'b'};
    const reels_value owner = {.type = REELS_TYPE_ID, .integer = 1};
    const reels_value id = {.type = REELS_TYPE_ID, .integer = atomic_fetch_add(&next_id, 1)};
    const reels_value bytes = {.type = REELS_TYPE_BYTES, .data = body, .len = sizeof body};
    row->values[0] = owner;
    row->values[1] = id;
    row->values[2] = bytes;
    row->op = (reels_op){.table = &table, .values = row->values, .kind = REELS_OP_PUT};
    *commit = (reels_commit){
        .struct_size = sizeof *commit, .shard = owner, .ops = &row->op, .ops_count = 1};
}

static long commits_run(reels_catalog *catalog, size_t per_call)
{
    struct row rows[CALL_COMMITS];
    reels_commit commits[CALL_COMMITS];
    reels_commit_result results[CALL_COMMITS];
    long done = 0;
    while (now_ns() < until_ns) {
        for (size_t i = 0; i < per_call; i++) {
            commit_make(&rows[i], &commits[i]);
        }
        must(reels_catalog_commit(catalog, NULL, commits, per_call, results, NULL) == REELS_OK,
             "commit");
        done += (long)per_call;
    }
    return done;
}

static void *catalog_commits(void *arg)
{
    return (void *)(intptr_t)commits_run(arg, 1);
}

static void *catalog_commits_many(void *arg)
{
    return (void *)(intptr_t)commits_run(arg, CALL_COMMITS);
}

static void *catalog_gets(void *arg)
{
    reels_rows *rows = NULL;
    long done = 0;
    must(reels_rows_new(ctx, 0, &rows, NULL) == REELS_OK, "rows");
    while (now_ns() < until_ns) {
        const reels_value key[] = {{.type = REELS_TYPE_ID, .integer = 1},
                                   {.type = REELS_TYPE_ID, .integer = done % 1000}};
        reels_rows_clear(rows);
        must(reels_catalog_get(arg, NULL, &table, key, 1, rows, NULL) == REELS_OK, "get");
        done++;
    }
    reels_rows_free(rows);
    return (void *)(intptr_t)done;
}

static void *peer_gets(void *arg)
{
    (void)arg;
    sqlite3 *db = peer_open();
    sqlite3_stmt *select = NULL;
    long done = 0;
    must(sqlite3_prepare_v2(db, "SELECT * FROM t WHERE owner=1 AND id=?1", -1, &select, NULL) ==
             SQLITE_OK,
         "peer: select");
    while (now_ns() < until_ns) {
        (void)sqlite3_bind_int64(select, 1, done % 1000);
        (void)sqlite3_step(select);
        (void)sqlite3_column_blob(select, 2);
        (void)sqlite3_reset(select);
        done++;
    }
    (void)sqlite3_finalize(select);
    (void)sqlite3_close(db);
    return (void *)(intptr_t)done;
}

static void catalog_bench(void)
{
    char url[64];
    reels_catalog *catalog = NULL;
    const reels_table *tables = &table;
    (void)snprintf(url, sizeof url, "sqlite:%s/catalog.db", folder);
    must(reels_catalog_open(ctx, url, &catalog, NULL) == REELS_OK, "open");
    must(reels_catalog_declare(catalog, NULL, &tables, 1, NULL) == REELS_OK, "declare");
    compare("commits_1_thread", "commits/s", catalog_commits, catalog, peer_commits, 1);
    compare(
        "commits_1_thread_64_a_call", "commits/s", catalog_commits_many, catalog, peer_commits, 1);
    compare("commits_8_threads", "commits/s", catalog_commits, catalog, peer_commits, THREADS_MAX);
    compare("gets_1_thread", "rows/s", catalog_gets, catalog, peer_gets, 1);
    compare("gets_8_threads", "rows/s", catalog_gets, catalog, peer_gets, THREADS_MAX);
    reels_catalog_free(catalog);
}

/* ---- stats ---- */

static void *stats_updates(void *arg)
{
    static reels_stats_delta deltas[BATCH_DELTAS];
    reels_stats_writer writer = {0};
    long done = 0;
    for (int i = 0; i < BATCH_DELTAS; i++) {
        int is_hour = i % 2;
        deltas[i] = (reels_stats_delta){.entity_id = i / (2 * BATCH_COUNTERS),
                                        .window_unix_us = is_hour * INT64_C(3600000000),
                                        .amount = 1,
                                        .counter = (uint32_t)(i / 2 % BATCH_COUNTERS)};
    }
    must(reels_stats_writer_open(arg, NULL, "bench", 0, "bench", &writer, NULL, NULL) == REELS_OK,
         "writer");
    for (uint64_t offset = writer.offset; now_ns() < until_ns; offset++) {
        reels_stats_batch batch = {.struct_size = sizeof batch,
                                   .group = "bench",
                                   .epoch = writer.epoch,
                                   .begin_offset = offset,
                                   .end_offset = offset + 1,
                                   .deltas = deltas,
                                   .deltas_count = BATCH_DELTAS};
        reels_stats_result result = {0};
        must(reels_stats_apply(arg, NULL, &batch, 1, &result, NULL) == REELS_OK &&
                 result.status == REELS_OK,
             "apply");
        done += BATCH_DELTAS;
    }
    return (void *)(intptr_t)done;
}

static void stats_bench(void)
{
    char url[64];
    reels_stats *stats = NULL;
    (void)snprintf(url, sizeof url, "sqlite:%s/stats.db", folder);
    must(reels_stats_open(ctx, url, &stats, NULL) == REELS_OK, "open");
    compare("stats_apply_8000_a_batch", "updates/s", stats_updates, stats, peer_updates, 1);
    reels_stats_free(stats);
}

static void folder_remove(void)
{
    static const char *const names[] = {"peer.db", "catalog.db", "stats.db"};
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (size_t k = 0; k < sizeof suffixes / sizeof suffixes[0]; k++) {
            char path[96];
            (void)snprintf(path, sizeof path, "%s/%s%s", folder, names[i], suffixes[k]);
            (void)unlink(path);
        }
    }
    (void)rmdir(folder);
}

int main(void)
{
    must(mkdtemp(folder) != NULL, "no folder");
    must(reels_ctx_new(NULL, &ctx, NULL) == REELS_OK, "no context");
    catalog_bench();
    stats_bench();
    reels_ctx_free(ctx);
    folder_remove();
    return 0;
}
