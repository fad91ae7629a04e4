/* Owns one connection to a store: its settings, its statements, and SQLite's result codes in our
 * words. A statement cache is direct-mapped: two texts that meet in a slot displace each other. */
#include "sqlite_conn.h"

#include <errno.h>
#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/hash.h"

enum {
    LENGTH_MAX = 96 * 1024 * 1024, /* a row of 64 values of 1 MiB, or a dedupe state */
    SQL_BYTES_MAX = 64 * 1024,
    BUSY_WAIT_MS = 1000, /* for the other connections of this process; see sqlite_vfs.c */
    PROGRESS_OPS = 2000  /* between two looks at deadline and cancel: some 50 us */
};

/* ---- errors ---- */

static reels_status constraint_status(int code)
{
    switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
        return REELS_ERR_CONFLICT;
    case SQLITE_CONSTRAINT_CHECK:
    case SQLITE_CONSTRAINT_DATATYPE:
        return REELS_ERR_LIMIT; /* a number past its bound */
    default:
        return REELS_ERR_INTERNAL;
    }
}

static reels_status status_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return REELS_ERR_NO_MEMORY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return REELS_ERR_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return REELS_ERR_BUSY;
    case SQLITE_TOOBIG:
        return REELS_ERR_LIMIT;
    case SQLITE_CONSTRAINT:
        return constraint_status(code);
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_PROTOCOL:
        return code == SQLITE_IOERR_NOMEM ? REELS_ERR_NO_MEMORY : REELS_ERR_IO;
    default:
        return REELS_ERR_INTERNAL;
    }
}

reels_status reels__sqlite_fail(reels__sqlite_conn *conn, int code, reels_error *err)
{
    int extended = code;
    if ((code & 0xff) == code && conn->db != NULL) {
        int latest = sqlite3_extended_errcode(conn->db);
        extended = (latest & 0xff) == code ? latest : code;
    }
    if (extended == SQLITE_INTERRUPT) {
        reels_status status = reels__call_check(conn->ctx, conn->call, err);
        return status < 0 ? status : reels__fail(err, REELS_ERR_CANCELLED, "interrupted");
    }
    reels_status status = status_of(extended);
    int sys_errno = 0;
    if (status == REELS_ERR_IO) {
        sys_errno = reels__sqlite_vfs_errno(conn->vfs);
        sys_errno = (extended & 0xff) == SQLITE_FULL ? ENOSPC : sys_errno;
    }
    /* SQLite's own words name tables and columns, never values. */
    const char *text = status == REELS_ERR_INTERNAL && conn->db != NULL ? sqlite3_errmsg(conn->db)
                                                                        : sqlite3_errstr(extended);
    return reels__fail_errno(err, status, sys_errno, "%s: %s", conn->path, text);
}

/* ---- opening ---- */

static int on_progress(void *user)
{
    reels__sqlite_conn *conn = user;
    return reels__call_check(conn->ctx, conn->call, NULL) < 0;
}

void reels__sqlite_conn_watch(reels__sqlite_conn *conn, const reels_call *call)
{
    int wanted = call != NULL && (call->deadline_mono_us != 0 || call->cancel != NULL);
    conn->call = call;
    sqlite3_progress_handler(
        conn->db, wanted ? PROGRESS_OPS : 0, wanted ? on_progress : NULL, conn);
}

/* What a hostile or damaged file could otherwise make a connection do. */
static void defences_set(sqlite3 *db)
{
    static const struct {
        int option;
        int value;
    } CONFIG[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
    };
    static const struct {
        int id;
        int value;
    } LIMITS[] = {
        {SQLITE_LIMIT_LENGTH, LENGTH_MAX},
        {SQLITE_LIMIT_SQL_LENGTH, SQL_BYTES_MAX},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
        {SQLITE_LIMIT_COMPOUND_SELECT, 4},
    };
    for (size_t i = 0; i < REELS__COUNT(CONFIG); i++) {
        (void)sqlite3_db_config(db, CONFIG[i].option, CONFIG[i].value, NULL);
    }
    for (size_t i = 0; i < REELS__COUNT(LIMITS); i++) {
        (void)sqlite3_limit(db, LIMITS[i].id, LIMITS[i].value);
    }
}

static reels_status controls_prepare(reels__sqlite_conn *conn, reels_error *err)
{
    static const char *const TEXTS[REELS__SQLITE_CONTROLS] = {
        [REELS__SQLITE_BEGIN_READ] = "BEGIN",
        [REELS__SQLITE_BEGIN_WRITE] = "BEGIN IMMEDIATE",
        [REELS__SQLITE_COMMIT] = "COMMIT",
        [REELS__SQLITE_ROLLBACK] = "ROLLBACK",
        [REELS__SQLITE_PART] = "SAVEPOINT part",
        [REELS__SQLITE_PART_UNDO] = "ROLLBACK TO part",
        [REELS__SQLITE_PART_RELEASE] = "RELEASE part",
    };
    for (int i = 0; i < REELS__SQLITE_CONTROLS; i++) {
        int code = sqlite3_prepare_v3(
            conn->db, TEXTS[i], -1, SQLITE_PREPARE_PERSISTENT, &conn->controls[i], NULL);
        if (code != SQLITE_OK) {
            return reels__sqlite_fail(conn, code, err);
        }
    }
    return REELS_OK;
}

reels_status reels__sqlite_conn_open(reels__sqlite_conn *conn, reels_error *err)
{
    int code = sqlite3_open_v2(REELS__SQLITE_FILE,
                               &conn->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                   SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE,
                               reels__sqlite_vfs_name(conn->vfs));
    reels_status status = REELS_OK;
    if (code != SQLITE_OK) {
        status = reels__sqlite_fail(conn, code, err);
    } else {
        defences_set(conn->db);
        (void)sqlite3_busy_timeout(conn->db, BUSY_WAIT_MS);
        status = controls_prepare(conn, err);
    }
    if (status == REELS_OK) {
        status = reels__sqlite_exec(
            conn, "PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0; PRAGMA cell_size_check=ON", err);
    }
    if (status < 0) {
        reels__sqlite_conn_close(conn);
    }
    return status;
}

reels_status reels__sqlite_conn_reader(reels__sqlite_conn *conn, reels_error *err)
{
    return reels__sqlite_exec(conn, "PRAGMA query_only=ON; PRAGMA cache_size=-4000", err);
}

/* WAL with FULL is what survives a power cut; anything less loses acknowledged commits. */
reels_status reels__sqlite_conn_writer(reels__sqlite_conn *conn, reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    int has_row = 0;
    REELS_TRY(reels__sqlite_prepare(conn, "PRAGMA journal_mode=WAL", &statement, err));
    REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    const char *mode = has_row ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    int is_wal = mode != NULL && strcmp(mode, "wal") == 0;
    if (has_row) {
        /* To its end: the change is committed there, and can fail there. */
        REELS_TRY(reels__sqlite_run(conn, statement, err));
    }
    if (!is_wal) {
        return reels__fail(
            err, REELS_ERR_UNSUPPORTED, "%s: this SQLite cannot write ahead", conn->path);
    }
    /* Checkpoints are the store's: never inside somebody's commit. */
    (void)sqlite3_wal_autocheckpoint(conn->db, 0);
    return reels__sqlite_exec(conn, "PRAGMA synchronous=FULL; PRAGMA cache_size=-8000", err);
}

void reels__sqlite_conn_close(reels__sqlite_conn *conn)
{
    for (size_t i = 0; i < REELS__SQLITE_STATEMENTS; i++) {
        (void)sqlite3_finalize(conn->statements[i]);
        conn->statements[i] = NULL;
    }
    for (size_t i = 0; i < REELS__SQLITE_CONTROLS; i++) {
        (void)sqlite3_finalize(conn->controls[i]);
        conn->controls[i] = NULL;
    }
    (void)sqlite3_close(conn->db);
    conn->db = NULL;
}

/* ---- statements ---- */

reels_status reels__sqlite_prepare(reels__sqlite_conn *conn,
                                   const char *sql,
                                   sqlite3_stmt **out,
                                   reels_error *err)
{
    size_t len = strlen(sql);
    uint64_t hash = reels__xxh3_64(sql, len, 0);
    sqlite3_stmt **slot = &conn->statements[hash & (REELS__SQLITE_STATEMENTS - 1)];
    *out = NULL;
    if (*slot != NULL && strcmp(sqlite3_sql(*slot), sql) == 0) {
        *out = *slot;
        return REELS_OK;
    }
    sqlite3_stmt *made = NULL;
    int code =
        sqlite3_prepare_v3(conn->db, sql, (int)len + 1, SQLITE_PREPARE_PERSISTENT, &made, NULL);
    if (code != SQLITE_OK) {
        return reels__sqlite_fail(conn, code, err);
    }
    REELS_INVARIANT(*slot == NULL || !sqlite3_stmt_busy(*slot), err);
    (void)sqlite3_finalize(*slot);
    *slot = made;
    *out = made;
    return REELS_OK;
}

void reels__sqlite_bind_bytes(sqlite3_stmt *statement,
                              int position,
                              const uint8_t *data,
                              size_t len)
{
    /* A NULL pointer would bind NULL and not the empty string. */
    const void *bytes = len > 0 ? (const void *)data : "";
    (void)sqlite3_bind_blob64(statement, position, bytes, len, SQLITE_STATIC);
}

void reels__sqlite_bind_text(sqlite3_stmt *statement, int position, const char *text)
{
    (void)sqlite3_bind_text64(statement, position, text, strlen(text), SQLITE_STATIC, SQLITE_UTF8);
}

void reels__sqlite_bind(sqlite3_stmt *statement, int position, const reels_value *value)
{
    const char *text = value->len > 0 ? (const char *)value->data : "";
    switch (value->type) {
    case REELS_TYPE_NULL:
        (void)sqlite3_bind_null(statement, position);
        break;
    case REELS_TYPE_FLOAT64:
        (void)sqlite3_bind_double(statement, position, value->real);
        break;
    case REELS_TYPE_UTF8:
        (void)sqlite3_bind_text64(
            statement, position, text, value->len, SQLITE_STATIC, SQLITE_UTF8);
        break;
    case REELS_TYPE_BYTES:
        reels__sqlite_bind_bytes(statement, position, value->data, value->len);
        break;
    default:
        (void)sqlite3_bind_int64(statement, position, value->integer);
        break;
    }
}

void reels__sqlite_done(sqlite3_stmt *statement)
{
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
}

reels_status reels__sqlite_next(reels__sqlite_conn *conn,
                                sqlite3_stmt *statement,
                                int *out_has_row,
                                reels_error *err)
{
    int code = sqlite3_step(statement);
    *out_has_row = code == SQLITE_ROW;
    if (code == SQLITE_ROW) {
        return REELS_OK;
    }
    reels_status status = code == SQLITE_DONE ? REELS_OK : reels__sqlite_fail(conn, code, err);
    reels__sqlite_done(statement);
    return status;
}

reels_status reels__sqlite_run(reels__sqlite_conn *conn, sqlite3_stmt *statement, reels_error *err)
{
    int has_row = 0;
    reels_status status = reels__sqlite_next(conn, statement, &has_row, err);
    if (has_row) {
        reels__sqlite_done(statement);
    }
    return status;
}

reels_status reels__sqlite_exec(reels__sqlite_conn *conn, const char *sql, reels_error *err)
{
    int code = sqlite3_exec(conn->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? REELS_OK : reels__sqlite_fail(conn, code, err);
}

reels_status reels__sqlite_control(reels__sqlite_conn *conn, int control, reels_error *err)
{
    return reels__sqlite_run(conn, conn->controls[control], err);
}

int reels__sqlite_in_transaction(const reels__sqlite_conn *conn)
{
    return sqlite3_get_autocommit(conn->db) == 0;
}

reels_status reels__sqlite_begin(reels__sqlite_conn *conn, int control, reels_error *err)
{
    if (reels__sqlite_in_transaction(conn)) {
        REELS_TRY(reels__sqlite_control(conn, REELS__SQLITE_ROLLBACK, err));
    }
    return reels__sqlite_control(conn, control, err);
}

reels_status reels__sqlite_part_begin(reels__sqlite_conn *conn, reels_error *err)
{
    return reels__sqlite_control(conn, REELS__SQLITE_PART, err);
}

reels_status reels__sqlite_part_end(reels__sqlite_conn *conn, int keep, reels_error *err)
{
    if (!keep) {
        REELS_TRY(reels__sqlite_control(conn, REELS__SQLITE_PART_UNDO, err));
    }
    return reels__sqlite_control(conn, REELS__SQLITE_PART_RELEASE, err);
}

int64_t reels__sqlite_changes(const reels__sqlite_conn *conn)
{
    return sqlite3_changes64(conn->db);
}
