/* Owns the inside of a connection; shared by sqlite_conn.c and sqlite_store.c alone. */
#ifndef REELS_SRC_BACKEND_SQLITE_CONN_H
#define REELS_SRC_BACKEND_SQLITE_CONN_H

#include "backend/sqlite_store.h"
#include "backend/sqlite_vfs.h"

enum {
    REELS__SQLITE_STATEMENTS = 256 /* a power of two */
};

enum {
    REELS__SQLITE_BEGIN_READ,
    REELS__SQLITE_BEGIN_WRITE,
    REELS__SQLITE_COMMIT,
    REELS__SQLITE_ROLLBACK,
    REELS__SQLITE_PART,
    REELS__SQLITE_PART_UNDO,
    REELS__SQLITE_PART_RELEASE,
    REELS__SQLITE_CONTROLS
};

/* One thread at a time. */
struct reels__sqlite_conn {
    reels_ctx *ctx;
    reels__sqlite_vfs *vfs;
    const char *path;       /* for messages */
    const reels_call *call; /* what may interrupt the running work; NULL = nothing */
    sqlite3 *db;
    sqlite3_stmt *statements[REELS__SQLITE_STATEMENTS]; /* by hash of their text */
    /* What ends and undoes must not need memory: prepared at the opening. */
    sqlite3_stmt *controls[REELS__SQLITE_CONTROLS];
};

/* ctx, vfs and path are set. The file is read and not yet written to. */
reels_status reels__sqlite_conn_open(reels__sqlite_conn *conn, reels_error *err);
void reels__sqlite_conn_close(reels__sqlite_conn *conn);

/* Makes it a connection that only reads, or the one that writes. */
reels_status reels__sqlite_conn_reader(reels__sqlite_conn *conn, reels_error *err);
reels_status reels__sqlite_conn_writer(reels__sqlite_conn *conn, reels_error *err);

/* Runs one of the prepared controls. */
reels_status reels__sqlite_control(reels__sqlite_conn *conn, int control, reels_error *err);

/* Begins a transaction; one that an earlier failure left open is rolled back first. */
reels_status reels__sqlite_begin(reels__sqlite_conn *conn, int control, reels_error *err);

int reels__sqlite_in_transaction(const reels__sqlite_conn *conn);

/* From now on, or with NULL until the next time, deadline and cancel interrupt what runs. */
void reels__sqlite_conn_watch(reels__sqlite_conn *conn, const reels_call *call);

/* Gives the status of an SQLite result code and says it in err. */
reels_status reels__sqlite_fail(reels__sqlite_conn *conn, int code, reels_error *err);

#endif
