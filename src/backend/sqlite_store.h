/* Owns what the SQLite backends share: a store file with one writing connection that commits in
 * groups, a few reading ones, prepared statements, and SQLite's errors in our words. */
#ifndef REELS_SRC_BACKEND_SQLITE_STORE_H
#define REELS_SRC_BACKEND_SQLITE_STORE_H

#include <sqlite3.h>

#include <reels/backend/record.h>

typedef struct reels__sqlite reels__sqlite;
typedef struct reels__sqlite_conn reels__sqlite_conn;

/* What kind of data a file holds. Constant. */
typedef struct reels__sqlite_kind {
    const char *name;         /* for messages: "catalog" */
    int32_t application_id;   /* PRAGMA application_id */
    uint32_t steps_count;     /* the store's format version */
    const char *const *steps; /* step n makes format n + 1 from n; step 0 begins with nothing */
} reels__sqlite_kind;

/* Work inside a transaction. Whatever it changed is taken back when it fails. A write may be called
 * again when a neighbour in its group lost the transaction: it must begin anew each time. */
typedef reels_status (*reels__sqlite_work)(reels__sqlite_conn *conn, void *arg, reels_error *err);

reels_status reels__sqlite_open(reels_ctx *ctx,
                                const reels__sqlite_kind *kind,
                                const char *path,
                                reels__sqlite **out,
                                reels_error *err);
void reels__sqlite_close(reels__sqlite *store);

/* Runs work in the next group: durable on REELS_OK. */
reels_status reels__sqlite_write(reels__sqlite *store,
                                 const reels_call *call,
                                 reels__sqlite_work work,
                                 void *arg,
                                 reels_error *err);

/* The same in a transaction of its own, which a deadline or cancel can interrupt anywhere. */
reels_status reels__sqlite_write_alone(reels__sqlite *store,
                                       const reels_call *call,
                                       reels__sqlite_work work,
                                       void *arg,
                                       reels_error *err);

/* Runs work on one snapshot, interrupted by deadline and cancel. */
reels_status reels__sqlite_read(reels__sqlite *store,
                                const reels_call *call,
                                reels__sqlite_work work,
                                void *arg,
                                reels_error *err);

/* ---- inside work ---- */

/* A statement from the connection's cache, reset and without bindings. It is used before the next
 * one is asked for. */
reels_status reels__sqlite_prepare(reels__sqlite_conn *conn,
                                   const char *sql,
                                   sqlite3_stmt **out,
                                   reels_error *err);

/* Binds a value; its bytes are borrowed until the statement is done. A failure shows at the next
 * step. */
void reels__sqlite_bind(sqlite3_stmt *statement, int position, const reels_value *value);
void reels__sqlite_bind_text(sqlite3_stmt *statement, int position, const char *text);
void reels__sqlite_bind_bytes(sqlite3_stmt *statement,
                              int position,
                              const uint8_t *data,
                              size_t len);

/* Next row: *out_has_row is 1, or 0 at the end. At the end and on failure the statement is reset.
 */
reels_status reels__sqlite_next(reels__sqlite_conn *conn,
                                sqlite3_stmt *statement,
                                int *out_has_row,
                                reels_error *err);

/* Runs a statement that gives no rows. CONFLICT when a constraint failed. */
reels_status reels__sqlite_run(reels__sqlite_conn *conn, sqlite3_stmt *statement, reels_error *err);

/* Done with a statement before its end. */
void reels__sqlite_done(sqlite3_stmt *statement);

/* SQL without parameters. */
reels_status reels__sqlite_exec(reels__sqlite_conn *conn, const char *sql, reels_error *err);

/* A savepoint around a part of the work: begin, then end with whether to keep it. */
reels_status reels__sqlite_part_begin(reels__sqlite_conn *conn, reels_error *err);
reels_status reels__sqlite_part_end(reels__sqlite_conn *conn, int keep, reels_error *err);

/* Rows that the latest statement changed. */
int64_t reels__sqlite_changes(const reels__sqlite_conn *conn);

#endif
