/* Owns the outbox and the named leases of the catalog on SQLite. A shard's claim is a lease in its
 * row of _shards: holder, end, and the newest event that was claimed under it; it ends when all of
 * those are acknowledged. Rows of _shards and _leases stay for ever: sequences and fences must
 * never begin again. */
#include <string.h>

#include "backend/record_internal.h"
#include "backend/sqlite_catalog.h"
#include "base/error.h"

struct claim {
    const char *holder;
    int64_t lease_us;
    int64_t now_unix_us;
    uint32_t limit;
    reels_records *records;
    size_t records_before;
    int is_empty; /* what a look without a lock has found */
};

static reels_status outbox_look(reels__sqlite_conn *conn, void *arg, reels_error *err)
{
    struct claim *claim = arg;
    sqlite3_stmt *statement = NULL;
    int has_row = 0;
    REELS_TRY(reels__sqlite_prepare(conn, "SELECT 1 FROM _outbox LIMIT 1", &statement, err));
    REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    claim->is_empty = !has_row;
    if (has_row) {
        reels__sqlite_done(statement);
    }
    return REELS_OK;
}

/* Bytes of a column; CORRUPT when the length needs what is not there. */
static reels_status bytes_get(sqlite3_stmt *statement,
                              int position,
                              const uint8_t **out_data,
                              size_t *out_len,
                              reels_error *err)
{
    *out_data = sqlite3_column_blob(statement, position);
    *out_len = (size_t)sqlite3_column_bytes(statement, position);
    if (*out_data == NULL && *out_len > 0) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "outbox: SQLite has no memory");
    }
    return REELS_OK;
}

static reels_status event_read(sqlite3_stmt *statement, reels_records *records, reels_error *err)
{
    reels_record record = {.offset = (uint64_t)sqlite3_column_int64(statement, 1),
                           .time_unix_us = sqlite3_column_int64(statement, 2),
                           .topic = (const char *)sqlite3_column_text(statement, 3)};
    if (record.topic == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "outbox: SQLite has no memory");
    }
    REELS_TRY(bytes_get(statement, 0, &record.shard, &record.shard_len, err));
    REELS_TRY(bytes_get(statement, 4, &record.key, &record.key_len, err));
    REELS_TRY(bytes_get(statement, 5, &record.payload, &record.payload_len, err));
    return reels_records_add(records, &record, err);
}

static reels_status events_read(reels__sqlite_conn *conn, struct claim *claim, reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    int has_row = 0;
    REELS_TRY(reels__sqlite_prepare(
        conn,
        "SELECT o.shard,o.sequence,o.time,o.topic,o.key,o.payload FROM _outbox o "
        "CROSS JOIN _shards s ON s.shard=o.shard "
        "WHERE s.holder IS NULL OR s.lease<=?1 OR s.holder=?2 ORDER BY o.id LIMIT ?3",
        &statement,
        err));
    (void)sqlite3_bind_int64(statement, 1, claim->now_unix_us);
    reels__sqlite_bind_text(statement, 2, claim->holder);
    (void)sqlite3_bind_int64(statement, 3, claim->limit);
    REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    while (has_row) {
        reels_status status = event_read(statement, claim->records, err);
        if (status < 0) {
            int is_full = status == REELS_ERR_LIMIT &&
                          reels_records_count(claim->records) > claim->records_before;
            reels__sqlite_done(statement);
            return is_full ? REELS_OK : status; /* the rest comes with the next claim */
        }
        REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    }
    return REELS_OK;
}

/* Leases the shards of the records that were given; of a shard's, the last one comes last. */
static reels_status shards_lease(reels__sqlite_conn *conn, struct claim *claim, reels_error *err)
{
    size_t count = reels_records_count(claim->records);
    for (size_t i = claim->records_before; i < count; i++) {
        reels_record record;
        sqlite3_stmt *statement = NULL;
        REELS_TRY(reels_records_get(claim->records, i, &record));
        REELS_TRY(
            reels__sqlite_prepare(conn,
                                  "UPDATE _shards SET holder=?1,lease=?2,claimed=?3 WHERE shard=?4",
                                  &statement,
                                  err));
        reels__sqlite_bind_text(statement, 1, claim->holder);
        (void)sqlite3_bind_int64(statement, 2, claim->now_unix_us + claim->lease_us);
        (void)sqlite3_bind_int64(statement, 3, (sqlite3_int64)record.offset);
        reels__sqlite_bind_bytes(statement, 4, record.shard, record.shard_len);
        REELS_TRY(reels__sqlite_run(conn, statement, err));
    }
    return REELS_OK;
}

static reels_status claim_work(reels__sqlite_conn *conn, void *arg, reels_error *err)
{
    struct claim *claim = arg;
    reels__records_truncate(claim->records, claim->records_before);
    REELS_TRY(events_read(conn, claim, err));
    return shards_lease(conn, claim, err);
}

reels_status reels__sqlite_outbox_claim(void *impl,
                                        const reels_call *call,
                                        const char *holder,
                                        int64_t lease_us,
                                        uint32_t limit,
                                        reels_records *records,
                                        reels_error *err)
{
    reels__sqlite_catalog *catalog = impl;
    struct claim claim = {.holder = holder,
                          .lease_us = lease_us,
                          .now_unix_us = reels_ctx_now_unix_us(catalog->ctx),
                          .limit = limit,
                          .records = records,
                          .records_before = reels_records_count(records)};
    /* A relay asks often and finds nothing most of the time: that costs no sync. */
    REELS_TRY(reels__sqlite_read(catalog->store, call, outbox_look, &claim, err));
    if (claim.is_empty) {
        return REELS_OK;
    }
    return reels__sqlite_write(catalog->store, call, claim_work, &claim, err);
}

struct ack {
    const char *holder;
    const reels_record *records;
    size_t records_count;
};

static reels_status shard_check(reels__sqlite_conn *conn,
                                const struct ack *ack,
                                const reels_record *record,
                                reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    int has_row = 0;
    REELS_TRY(reels__sqlite_prepare(
        conn, "SELECT 1 FROM _shards WHERE shard=?1 AND holder<>?2", &statement, err));
    reels__sqlite_bind_bytes(statement, 1, record->shard, record->shard_len);
    reels__sqlite_bind_text(statement, 2, ack->holder);
    REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    if (has_row) {
        reels__sqlite_done(statement);
        return reels__fail(err, REELS_ERR_STALE, "outbox: another holder has the events");
    }
    return REELS_OK;
}

static reels_status
event_forget(reels__sqlite_conn *conn, const reels_record *record, reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    if (record->offset > INT64_MAX) {
        return REELS_OK; /* never given out */
    }
    REELS_TRY(reels__sqlite_prepare(
        conn, "DELETE FROM _outbox WHERE shard=?1 AND sequence=?2", &statement, err));
    reels__sqlite_bind_bytes(statement, 1, record->shard, record->shard_len);
    (void)sqlite3_bind_int64(statement, 2, (sqlite3_int64)record->offset);
    return reels__sqlite_run(conn, statement, err);
}

/* A shard whose claimed events are all published is free again. */
static reels_status
shard_release(reels__sqlite_conn *conn, const reels_record *record, reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    REELS_TRY(reels__sqlite_prepare(
        conn,
        "UPDATE _shards SET holder=NULL WHERE shard=?1 AND holder IS NOT NULL AND NOT EXISTS("
        "SELECT 1 FROM _outbox o WHERE o.shard=?1 AND o.sequence<=_shards.claimed)",
        &statement,
        err));
    reels__sqlite_bind_bytes(statement, 1, record->shard, record->shard_len);
    return reels__sqlite_run(conn, statement, err);
}

static reels_status ack_work(reels__sqlite_conn *conn, void *arg, reels_error *err)
{
    const struct ack *ack = arg;
    for (size_t i = 0; i < ack->records_count; i++) {
        REELS_TRY(shard_check(conn, ack, &ack->records[i], err));
        REELS_TRY(event_forget(conn, &ack->records[i], err));
    }
    for (size_t i = 0; i < ack->records_count; i++) {
        REELS_TRY(shard_release(conn, &ack->records[i], err));
    }
    return REELS_OK;
}

reels_status reels__sqlite_outbox_ack(void *impl,
                                      const reels_call *call,
                                      const char *holder,
                                      const reels_record *records,
                                      size_t records_count,
                                      reels_error *err)
{
    reels__sqlite_catalog *catalog = impl;
    struct ack ack = {.holder = holder, .records = records, .records_count = records_count};
    return reels__sqlite_write(catalog->store, call, ack_work, &ack, err);
}

/* ---- leases ---- */

struct lease {
    const char *name;
    const char *holder;
    int64_t now_unix_us;
    int64_t duration_us;
    uint64_t fence;
};

static reels_status acquire_work(reels__sqlite_conn *conn, void *arg, reels_error *err)
{
    struct lease *lease = arg;
    sqlite3_stmt *statement = NULL;
    int has_row = 0;
    REELS_TRY(reels__sqlite_prepare(
        conn,
        "INSERT INTO _leases(name,holder,fence,until) VALUES(?1,?2,1,?3) "
        "ON CONFLICT(name) DO UPDATE SET holder=excluded.holder,fence=fence+1,until=excluded.until "
        "WHERE holder IS NULL OR holder=excluded.holder OR until<=?4 RETURNING fence",
        &statement,
        err));
    reels__sqlite_bind_text(statement, 1, lease->name);
    reels__sqlite_bind_text(statement, 2, lease->holder);
    (void)sqlite3_bind_int64(statement, 3, lease->now_unix_us + lease->duration_us);
    (void)sqlite3_bind_int64(statement, 4, lease->now_unix_us);
    REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    if (!has_row) {
        return reels__fail(err, REELS_ERR_BUSY, "lease: another holder has it");
    }
    lease->fence = (uint64_t)sqlite3_column_int64(statement, 0);
    return reels__sqlite_run(conn, statement, err);
}

reels_status reels__sqlite_lease_acquire(void *impl,
                                         const reels_call *call,
                                         const char *name,
                                         const char *holder,
                                         int64_t duration_us,
                                         uint64_t *out_fence,
                                         reels_error *err)
{
    reels__sqlite_catalog *catalog = impl;
    struct lease lease = {.name = name,
                          .holder = holder,
                          .now_unix_us = reels_ctx_now_unix_us(catalog->ctx),
                          .duration_us = duration_us};
    REELS_TRY(reels__sqlite_write(catalog->store, call, acquire_work, &lease, err));
    *out_fence = lease.fence;
    return REELS_OK;
}

static reels_status renew_work(reels__sqlite_conn *conn, void *arg, reels_error *err)
{
    const struct lease *lease = arg;
    sqlite3_stmt *statement = NULL;
    REELS_TRY(reels__sqlite_prepare(conn,
                                    "UPDATE _leases SET until=?1 WHERE name=?2 AND fence=?3 AND "
                                    "holder IS NOT NULL AND until>?4",
                                    &statement,
                                    err));
    (void)sqlite3_bind_int64(statement, 1, lease->now_unix_us + lease->duration_us);
    reels__sqlite_bind_text(statement, 2, lease->name);
    (void)sqlite3_bind_int64(statement, 3, (sqlite3_int64)lease->fence);
    (void)sqlite3_bind_int64(statement, 4, lease->now_unix_us);
    REELS_TRY(reels__sqlite_run(conn, statement, err));
    if (reels__sqlite_changes(conn) == 0) {
        return reels__fail(err, REELS_ERR_STALE, "lease: it is lost or has expired");
    }
    return REELS_OK;
}

reels_status reels__sqlite_lease_renew(void *impl,
                                       const reels_call *call,
                                       const char *name,
                                       uint64_t fence,
                                       int64_t duration_us,
                                       reels_error *err)
{
    reels__sqlite_catalog *catalog = impl;
    struct lease lease = {.name = name,
                          .now_unix_us = reels_ctx_now_unix_us(catalog->ctx),
                          .duration_us = duration_us,
                          .fence = fence <= INT64_MAX ? fence : 0};
    return reels__sqlite_write(catalog->store, call, renew_work, &lease, err);
}

static reels_status release_work(reels__sqlite_conn *conn, void *arg, reels_error *err)
{
    const struct lease *lease = arg;
    sqlite3_stmt *statement = NULL;
    REELS_TRY(reels__sqlite_prepare(
        conn, "UPDATE _leases SET holder=NULL WHERE name=?1 AND fence=?2", &statement, err));
    reels__sqlite_bind_text(statement, 1, lease->name);
    (void)sqlite3_bind_int64(statement, 2, (sqlite3_int64)lease->fence);
    return reels__sqlite_run(conn, statement, err);
}

reels_status reels__sqlite_lease_release(
    void *impl, const reels_call *call, const char *name, uint64_t fence, reels_error *err)
{
    reels__sqlite_catalog *catalog = impl;
    struct lease lease = {.name = name, .fence = fence <= INT64_MAX ? fence : 0};
    return reels__sqlite_write(catalog->store, call, release_work, &lease, err);
}
