/* Owns the inside of the catalog on SQLite, shared by its files: sqlite_catalog.c (commits,
 * vtable), sqlite_table.c (descriptors), sqlite_scan.c (reading), sqlite_outbox.c (outbox and
 * leases). */
#ifndef REELS_SRC_BACKEND_SQLITE_CATALOG_H
#define REELS_SRC_BACKEND_SQLITE_CATALOG_H

#include <stdatomic.h>

#include "backend/sqlite_store.h"
#include "backend/table.h"
#include "base/ctx_internal.h"

/* A declared table with the SQL that its descriptor leads to. */
typedef struct reels__sqlite_table {
    struct reels__sqlite_table *next;
    const reels_table *def;
    char *put_sql;    /* every column, then the version */
    char *delete_sql; /* the key */
    char *select_sql; /* every column and the version, without a condition */
    char *get_sql;    /* the same for one key */
    char *sweep_sql;  /* the time now, a limit; NULL without a time to live */
} reels__sqlite_table;

typedef struct reels__sqlite_catalog {
    reels_ctx *ctx;
    reels__sqlite *store;
    pthread_mutex_t declare_lock;          /* one declare at a time */
    _Atomic(reels__sqlite_table *) tables; /* the latest first; what is in it stays */
    int64_t version;                       /* of the latest commit; the leader's */
    int64_t swept_unix_us;                 /* when old rows were looked for; the leader's */
} reels__sqlite_catalog;

/* The table a descriptor stands for, or NULL. */
const reels__sqlite_table *reels__sqlite_table_find(reels__sqlite_catalog *catalog,
                                                    const reels_table *def);
void reels__sqlite_tables_free(reels__sqlite_catalog *catalog);

/* Reads a column; CORRUPT when the file holds something else than the descriptor says. Bytes are
 * borrowed until the statement moves. */
reels_status reels__sqlite_column(sqlite3_stmt *statement,
                                  int position,
                                  const reels_column *column,
                                  reels_value *out,
                                  reels_error *err);

/* Slots; impl is the catalog. */
reels_status reels__sqlite_declare(void *impl,
                                   const reels_call *call,
                                   const reels_table *const *tables,
                                   size_t tables_count,
                                   reels_error *err);
reels_status reels__sqlite_get(void *impl,
                               const reels_call *call,
                               const reels_table *table,
                               const reels_value *keys,
                               size_t keys_count,
                               reels_rows *rows,
                               reels_error *err);
reels_status reels__sqlite_scan(void *impl,
                                const reels_call *call,
                                const reels_scan *scan,
                                reels_rows *rows,
                                reels_buf *next,
                                reels_error *err);
reels_status reels__sqlite_outbox_claim(void *impl,
                                        const reels_call *call,
                                        const char *holder,
                                        int64_t lease_us,
                                        uint32_t limit,
                                        reels_records *records,
                                        reels_error *err);
reels_status reels__sqlite_outbox_ack(void *impl,
                                      const reels_call *call,
                                      const char *holder,
                                      const reels_record *records,
                                      size_t records_count,
                                      reels_error *err);
reels_status reels__sqlite_lease_acquire(void *impl,
                                         const reels_call *call,
                                         const char *name,
                                         const char *holder,
                                         int64_t duration_us,
                                         uint64_t *out_fence,
                                         reels_error *err);
reels_status reels__sqlite_lease_renew(void *impl,
                                       const reels_call *call,
                                       const char *name,
                                       uint64_t fence,
                                       int64_t duration_us,
                                       reels_error *err);
reels_status reels__sqlite_lease_release(
    void *impl, const reels_call *call, const char *name, uint64_t fence, reels_error *err);

#endif
