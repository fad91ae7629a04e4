/* Owns a store: its one writing connection and its readers.
 *
 * Group commit: threads that write put their work in a queue; the first one that finds no leader
 * leads: it takes what waits, runs it in one transaction, each work in a savepoint of its own, and
 * commits, so that one sync serves all. Nobody is told anything before the sync. Work that makes
 * SQLite give up the whole transaction (disk full, no memory) fails alone: the others are run again
 * without it.
 *
 * Invariants: `lock` guards the queue and the pool and is held for no call of SQLite or the host;
 * the writer belongs to the leader; a reader belongs to the thread that took it. */
#include "sqlite_store.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "backend/sqlite_conn.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    GROUP_MAX = 256,
    READERS_MAX = 16,              /* each with a page cache of up to 4 MB */
    CHECKPOINT_PAGES = 1000,       /* 4 MiB of log: SQLite's own default */
    CHECKPOINT_FULL_PAGES = 16384, /* 64 MiB: readers are waited for */
    SQLITE_VERSION_MIN = 3037000   /* STRICT tables */
};

struct request {
    struct request *next;
    const reels_call *call;
    reels__sqlite_work work;
    void *arg;
    reels_error err;
    reels_status status;
    int alone;
    int done;
};

struct reels__sqlite {
    reels_ctx *ctx;
    const reels__sqlite_kind *kind;
    char *path;
    reels__sqlite_vfs *vfs;
    reels__sqlite_conn writer;
    atomic_int log_pages; /* of the write-ahead log after the latest commit */

    pthread_mutex_t lock;
    pthread_cond_t led;   /* a leader has finished */
    pthread_cond_t freed; /* a reader is free, or one more may be made */
    struct request *queue;
    struct request **queue_end;
    int has_leader;
    reels__sqlite_conn *idle[READERS_MAX];
    int idle_count;
    int readers_count; /* idle or in use */
};

/* ---- opening ---- */

static reels_status
pragma_get(reels__sqlite_conn *conn, const char *sql, int64_t *out, reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    int has_row = 0;
    REELS_TRY(reels__sqlite_prepare(conn, sql, &statement, err));
    REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    *out = has_row ? sqlite3_column_int64(statement, 0) : 0;
    if (has_row) {
        reels__sqlite_done(statement);
    }
    return REELS_OK;
}

static reels_status
pragma_set(reels__sqlite_conn *conn, const char *name, int32_t value, reels_error *err)
{
    char sql[64];
    (void)snprintf(sql, sizeof sql, "PRAGMA %s=%d", name, (int)value);
    return reels__sqlite_exec(conn, sql, err);
}

/* Whether the file is ours and of a format we know, before anything is written to it. *out_format
 * is 0 for a new file. */
static reels_status format_check(reels__sqlite *store, int64_t *out_format, reels_error *err)
{
    reels__sqlite_conn *conn = &store->writer;
    const reels__sqlite_kind *kind = store->kind;
    int64_t application_id = 0;
    int64_t format = 0;
    int64_t objects_count = 0;
    REELS_TRY(pragma_get(conn, "PRAGMA application_id", &application_id, err));
    REELS_TRY(pragma_get(conn, "PRAGMA user_version", &format, err));
    REELS_TRY(pragma_get(conn, "SELECT count(*) FROM sqlite_schema", &objects_count, err));
    int is_new = application_id == 0 && format == 0 && objects_count == 0;
    if (!is_new && application_id != kind->application_id) {
        return reels__fail(
            err, REELS_ERR_UNSUPPORTED, "%s: is a database, but no %s", store->path, kind->name);
    }
    if (format > kind->steps_count) {
        return reels__fail(err,
                           REELS_ERR_UNSUPPORTED,
                           "%s: is a %s of format %lld, this library knows up to %u",
                           store->path,
                           kind->name,
                           (long long)format,
                           (unsigned)kind->steps_count);
    }
    if (format < 0 || (format == 0 && !is_new)) {
        return reels__fail(err, REELS_ERR_CORRUPT, "%s: has no format version", store->path);
    }
    *out_format = format;
    return REELS_OK;
}

struct upgrade {
    const reels__sqlite_kind *kind;
    int64_t from;
};

/* Brings the file to the present format. */
static reels_status format_upgrade(reels__sqlite_conn *conn, void *arg, reels_error *err)
{
    const struct upgrade *upgrade = arg;
    const reels__sqlite_kind *kind = upgrade->kind;
    for (int64_t step = upgrade->from; step < kind->steps_count; step++) {
        REELS_TRY(reels__sqlite_exec(conn, kind->steps[step], err));
    }
    REELS_TRY(pragma_set(conn, "application_id", kind->application_id, err));
    return pragma_set(conn, "user_version", (int32_t)kind->steps_count, err);
}

static int on_commit(void *user, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    reels__sqlite *store = user;
    atomic_store(&store->log_pages, pages);
    return SQLITE_OK;
}

/* What an earlier process left may be in the system's cache alone: a sync that failed there counts
 * as done for every later one, and what would be appended behind such a hole in the log would fall
 * with it. So all that recovery has found is written into the main file and synced, and the log
 * begins anew. */
static reels_status settle(reels__sqlite *store, reels_error *err)
{
    int code =
        sqlite3_wal_checkpoint_v2(store->writer.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return code == SQLITE_OK ? REELS_OK : reels__sqlite_fail(&store->writer, code, err);
}

static reels_status writer_open(reels__sqlite *store, reels_error *err)
{
    struct upgrade upgrade = {.kind = store->kind};
    store->writer = (reels__sqlite_conn){.ctx = store->ctx, .vfs = store->vfs, .path = store->path};
    REELS_TRY(reels__sqlite_conn_open(&store->writer, err));
    REELS_TRY(format_check(store, &upgrade.from, err));
    REELS_TRY(reels__sqlite_conn_writer(&store->writer, err));
    REELS_TRY(settle(store, err));
    (void)sqlite3_wal_hook(store->writer.db, on_commit, store);
    if (upgrade.from == store->kind->steps_count) {
        return REELS_OK;
    }
    return reels__sqlite_write(store, NULL, format_upgrade, &upgrade, err);
}

static reels_status library_check(const char *path, reels_error *err)
{
    if (sqlite3_libversion_number() < SQLITE_VERSION_MIN || sqlite3_threadsafe() == 0) {
        return reels__fail(err,
                           REELS_ERR_UNSUPPORTED,
                           "%s: SQLite %s is too old or was built without threads",
                           path,
                           sqlite3_libversion());
    }
    return REELS_OK;
}

static reels_status locks_init(reels__sqlite *store)
{
    if (pthread_mutex_init(&store->lock, NULL) != 0) {
        return REELS_ERR_NO_MEMORY;
    }
    if (pthread_cond_init(&store->led, NULL) != 0) {
        (void)pthread_mutex_destroy(&store->lock);
        return REELS_ERR_NO_MEMORY;
    }
    if (pthread_cond_init(&store->freed, NULL) != 0) {
        (void)pthread_cond_destroy(&store->led);
        (void)pthread_mutex_destroy(&store->lock);
        return REELS_ERR_NO_MEMORY;
    }
    return REELS_OK;
}

reels_status reels__sqlite_open(reels_ctx *ctx,
                                const reels__sqlite_kind *kind,
                                const char *path,
                                reels__sqlite **out,
                                reels_error *err)
{
    *out = NULL;
    REELS_REQUIRE(path[0] != '\0', err, "sqlite: the URL has no path");
    REELS_TRY(library_check(path, err));
    reels__sqlite *store = reels__mem_zalloc(ctx, sizeof *store);
    if (store == NULL || locks_init(store) < 0) {
        reels__mem_free(ctx, store);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "%s: no memory", path);
    }
    store->ctx = ctx;
    store->kind = kind;
    store->queue_end = &store->queue;
    store->path = reels__mem_strdup(ctx, path);
    reels_status status = REELS_OK;
    if (store->path == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "%s: no memory", path);
    }
    status = status < 0 ? status : reels__sqlite_vfs_new(ctx, path, &store->vfs, err);
    status = status < 0 ? status : writer_open(store, err);
    if (status < 0) {
        reels__sqlite_close(store);
        return status;
    }
    *out = store;
    return REELS_OK;
}

void reels__sqlite_close(reels__sqlite *store)
{
    if (store == NULL) {
        return;
    }
    for (int i = 0; i < store->idle_count; i++) {
        reels__sqlite_conn_close(store->idle[i]);
        reels__mem_free(store->ctx, store->idle[i]);
    }
    /* The last one out moves the log into the main file. */
    reels__sqlite_conn_close(&store->writer);
    reels__sqlite_vfs_free(store->vfs);
    (void)pthread_cond_destroy(&store->freed);
    (void)pthread_cond_destroy(&store->led);
    (void)pthread_mutex_destroy(&store->lock);
    reels__mem_free(store->ctx, store->path);
    reels__mem_free(store->ctx, store);
}

/* ---- writing ---- */

/* Moves the log into the main file once it is long. A failure changes nothing but the log's length:
 * what is committed stays in the log, and the next time tries again. */
static void checkpoint(reels__sqlite *store)
{
    int pages = atomic_load(&store->log_pages);
    if (pages < CHECKPOINT_PAGES) {
        return;
    }
    int mode =
        pages < CHECKPOINT_FULL_PAGES ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART;
    int left = 0;
    int code = sqlite3_wal_checkpoint_v2(store->writer.db, NULL, mode, &left, NULL);
    if (code == SQLITE_OK) {
        atomic_store(&store->log_pages, 0);
    } else if (code != SQLITE_BUSY) {
        reels__log(store->ctx,
                   REELS_LOG_WARN,
                   "%s: checkpoint failed: %s",
                   store->path,
                   sqlite3_errstr(code));
    }
}

/* Takes a failed work back alone: 1, or 0 when the whole transaction went with it. */
static int work_undo(reels__sqlite_conn *conn)
{
    return reels__sqlite_in_transaction(conn) && reels__sqlite_part_end(conn, 0, NULL) == REELS_OK;
}

/* Runs one work in a savepoint. Gives 1 when the transaction goes on, 0 when it is lost. */
static int request_run(reels__sqlite *store, struct request *request)
{
    reels__sqlite_conn *conn = &store->writer;
    reels_error *err = &request->err;
    *err = (reels_error)REELS__ERROR_INIT;
    request->status = reels__call_check(store->ctx, request->call, err);
    if (request->status < 0) {
        return 1;
    }
    request->status = reels__sqlite_part_begin(conn, err);
    if (request->status < 0) {
        return 0;
    }
    request->status = request->work(conn, request->arg, err);
    if (request->status < 0) {
        return work_undo(conn);
    }
    request->status = reels__sqlite_part_end(conn, 1, err);
    return request->status == REELS_OK;
}

/* Runs a list in one transaction. OK when it was committed; the request that lost the transaction,
 * if one did, is given and carries its own error. */
static reels_status group_try(reels__sqlite *store,
                              struct request *group,
                              struct request **out_culprit,
                              reels_error *err)
{
    reels__sqlite_conn *conn = &store->writer;
    *out_culprit = NULL;
    REELS_TRY(reels__sqlite_begin(conn, REELS__SQLITE_BEGIN_WRITE, err));
    for (struct request *it = group; it != NULL; it = it->next) {
        if (!request_run(store, it)) {
            *out_culprit = it;
            return REELS_ERR_INTERNAL;
        }
    }
    return reels__sqlite_control(conn, REELS__SQLITE_COMMIT, err);
}

static void request_fail(struct request *request, reels_status status, const reels_error *err)
{
    request->status = status;
    request->err = *err;
}

static void request_unlink(struct request **group, const struct request *request)
{
    while (*group != request) {
        group = &(*group)->next;
    }
    *group = request->next;
}

/* Runs a group to its end: every request has its status. The list is used up. */
static void group_run(reels__sqlite *store, struct request *group)
{
    checkpoint(store);
    reels__sqlite_conn_watch(&store->writer, group->alone ? group->call : NULL);
    while (group != NULL) {
        reels_error err = REELS__ERROR_INIT;
        struct request *culprit = NULL;
        reels_status status = group_try(store, group, &culprit, &err);
        if (status < 0 && reels__sqlite_in_transaction(&store->writer)) {
            (void)reels__sqlite_control(&store->writer, REELS__SQLITE_ROLLBACK, NULL);
        }
        if (culprit != NULL) {
            /* One less each time, so this ends. */
            request_unlink(&group, culprit);
            continue;
        }
        for (struct request *it = group; status < 0 && it != NULL; it = it->next) {
            request_fail(it, status, &err);
        }
        break;
    }
    reels__sqlite_conn_watch(&store->writer, NULL);
}

/* Takes what one transaction may hold off the queue, and keeps a list of it in `out_all`. Under the
 * lock. */
static struct request *group_take(reels__sqlite *store, struct request **out_all, size_t *out_count)
{
    struct request *first = store->queue;
    struct request *last = first;
    size_t count = 1;
    out_all[0] = first;
    while (!first->alone && last->next != NULL && !last->next->alone && count < GROUP_MAX) {
        last = last->next;
        out_all[count++] = last;
    }
    store->queue = last->next;
    if (store->queue == NULL) {
        store->queue_end = &store->queue;
    }
    last->next = NULL;
    *out_count = count;
    return first;
}

/* Leads one group. Under the lock, which is given up meanwhile. */
static void lead(reels__sqlite *store)
{
    struct request *all[GROUP_MAX];
    size_t count = 0;
    struct request *group = group_take(store, all, &count);
    store->has_leader = 1;
    pthread_mutex_unlock(&store->lock);
    group_run(store, group);
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < count; i++) {
        all[i]->done = 1;
    }
    store->has_leader = 0;
    pthread_cond_broadcast(&store->led);
}

static reels_status write_queued(reels__sqlite *store, struct request *request, reels_error *err)
{
    pthread_mutex_lock(&store->lock);
    *store->queue_end = request;
    store->queue_end = &request->next;
    while (!request->done) {
        if (store->has_leader) {
            pthread_cond_wait(&store->led, &store->lock);
        } else {
            lead(store);
        }
    }
    pthread_mutex_unlock(&store->lock);
    if (request->status < 0 && err != NULL && err->struct_size >= sizeof *err) {
        uint32_t struct_size = err->struct_size;
        *err = request->err;
        err->struct_size = struct_size;
    }
    return request->status;
}

reels_status reels__sqlite_write(reels__sqlite *store,
                                 const reels_call *call,
                                 reels__sqlite_work work,
                                 void *arg,
                                 reels_error *err)
{
    struct request request = {.call = call, .work = work, .arg = arg};
    return write_queued(store, &request, err);
}

reels_status reels__sqlite_write_alone(reels__sqlite *store,
                                       const reels_call *call,
                                       reels__sqlite_work work,
                                       void *arg,
                                       reels_error *err)
{
    struct request request = {.call = call, .work = work, .arg = arg, .alone = 1};
    return write_queued(store, &request, err);
}

/* ---- reading ---- */

static reels_status reader_new(reels__sqlite *store, reels__sqlite_conn **out, reels_error *err)
{
    reels__sqlite_conn *conn = reels__mem_zalloc(store->ctx, sizeof *conn);
    if (conn == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "%s: no memory for a reader", store->path);
    }
    conn->ctx = store->ctx;
    conn->vfs = store->vfs;
    conn->path = store->path;
    reels_status status = reels__sqlite_conn_open(conn, err);
    status = status < 0 ? status : reels__sqlite_conn_reader(conn, err);
    if (status < 0) {
        reels__sqlite_conn_close(conn);
        reels__mem_free(store->ctx, conn);
        return status;
    }
    *out = conn;
    return REELS_OK;
}

/* An idle reader, or a new one while there are few, or the next that is given back: work of readers
 * is bounded, so the wait is. */
static reels_status reader_take(reels__sqlite *store, reels__sqlite_conn **out, reels_error *err)
{
    *out = NULL;
    pthread_mutex_lock(&store->lock);
    while (store->idle_count == 0 && store->readers_count == READERS_MAX) {
        pthread_cond_wait(&store->freed, &store->lock);
    }
    if (store->idle_count > 0) {
        *out = store->idle[--store->idle_count];
    } else {
        store->readers_count++;
    }
    pthread_mutex_unlock(&store->lock);
    if (*out != NULL) {
        return REELS_OK;
    }
    reels_status status = reader_new(store, out, err);
    if (status < 0) {
        pthread_mutex_lock(&store->lock);
        store->readers_count--;
        pthread_cond_signal(&store->freed);
        pthread_mutex_unlock(&store->lock);
    }
    return status;
}

static void reader_give(reels__sqlite *store, reels__sqlite_conn *conn)
{
    pthread_mutex_lock(&store->lock);
    store->idle[store->idle_count++] = conn;
    pthread_cond_signal(&store->freed);
    pthread_mutex_unlock(&store->lock);
}

reels_status reels__sqlite_read(reels__sqlite *store,
                                const reels_call *call,
                                reels__sqlite_work work,
                                void *arg,
                                reels_error *err)
{
    REELS_TRY(reels__call_check(store->ctx, call, err));
    reels__sqlite_conn *conn = NULL;
    REELS_TRY(reader_take(store, &conn, err));
    reels__sqlite_conn_watch(conn, call);
    reels_status status = reels__sqlite_begin(conn, REELS__SQLITE_BEGIN_READ, err);
    if (status == REELS_OK) {
        status = work(conn, arg, err);
        reels__sqlite_conn_watch(conn, NULL);
        /* Nothing was written: how it ends does not matter, that it ends does. */
        (void)reels__sqlite_control(conn, REELS__SQLITE_ROLLBACK, NULL);
    }
    reels__sqlite_conn_watch(conn, NULL);
    reader_give(store, conn);
    return status;
}
