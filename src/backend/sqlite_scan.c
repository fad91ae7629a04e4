/* Owns reading rows: by key, and in the order of an index.
 *
 * A scan that goes on after a cursor (v1, v2, v3) is split into ranges that an index can seek each:
 * first the rows that agree on v1 and v2 and lie past v3, then those that agree on v1 and lie past
 * v2, then those past v1. A comparison of whole tuples would not treat nulls, which come first. */
#include <math.h>
#include <string.h>

#include "backend/record_internal.h"
#include "backend/sqlite_catalog.h"
#include "base/buffer_internal.h"
#include "base/error.h"

enum {
    SQL_BYTES_MAX = 16 * 1024
};

static int type_matches(int found, uint32_t wanted)
{
    switch (wanted) {
    case REELS_TYPE_FLOAT64:
        return found == SQLITE_FLOAT;
    case REELS_TYPE_UTF8:
        return found == SQLITE_TEXT;
    case REELS_TYPE_BYTES:
        return found == SQLITE_BLOB;
    default:
        return found == SQLITE_INTEGER;
    }
}

reels_status reels__sqlite_column(sqlite3_stmt *statement,
                                  int position,
                                  const reels_column *column,
                                  reels_value *out,
                                  reels_error *err)
{
    memset(out, 0, sizeof *out);
    int found = sqlite3_column_type(statement, position);
    if (found == SQLITE_NULL && (column->flags & REELS_COLUMN_NULLABLE) != 0) {
        return REELS_OK;
    }
    if (!type_matches(found, column->type)) {
        return reels__fail(
            err, REELS_ERR_CORRUPT, "catalog: column %s holds another type", column->name);
    }
    out->type = column->type;
    if (found == SQLITE_INTEGER) {
        out->integer = sqlite3_column_int64(statement, position);
    } else if (found == SQLITE_FLOAT) {
        out->real = sqlite3_column_double(statement, position);
    } else {
        /* The pointer first, then the length; NULL with a length means that memory was refused. */
        out->data = found == SQLITE_TEXT ? sqlite3_column_text(statement, position)
                                         : sqlite3_column_blob(statement, position);
        out->len = (size_t)sqlite3_column_bytes(statement, position);
        if (out->data == NULL && out->len > 0) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "catalog: SQLite has no memory");
        }
    }
    return REELS_OK;
}

/* Appends the row a statement stands on: every column, then the version. */
static reels_status
row_add(sqlite3_stmt *statement, const reels_table *def, reels_rows *rows, reels_error *err)
{
    reels_value values[REELS_TABLE_COLUMNS_MAX];
    for (uint32_t i = 0; i < def->columns_count; i++) {
        REELS_TRY(reels__sqlite_column(statement, (int)i, &def->columns[i], &values[i], err));
    }
    int64_t version = sqlite3_column_int64(statement, (int)def->columns_count);
    if (version <= 0) {
        return reels__fail(err, REELS_ERR_CORRUPT, "table %s: a row has no version", def->name);
    }
    return reels_rows_add(rows, values, def->columns_count, (uint64_t)version, err);
}

/* ---- get ---- */

struct get {
    const reels__sqlite_table *table;
    const reels_value *keys;
    size_t keys_count;
    reels_rows *rows;
};

static reels_status
get_one(reels__sqlite_conn *conn, const struct get *get, const reels_value *key, reels_error *err)
{
    const reels_table *def = get->table->def;
    sqlite3_stmt *statement = NULL;
    int has_row = 0;
    REELS_TRY(reels__sqlite_prepare(conn, get->table->get_sql, &statement, err));
    for (uint32_t i = 0; i < def->key_columns_count; i++) {
        reels__sqlite_bind(statement, (int)i + 1, &key[i]);
    }
    REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    if (!has_row) {
        return reels_rows_add(get->rows, NULL, 0, 0, err);
    }
    reels_status status = row_add(statement, def, get->rows, err);
    reels__sqlite_done(statement);
    return status;
}

static reels_status get_work(reels__sqlite_conn *conn, void *arg, reels_error *err)
{
    const struct get *get = arg;
    for (size_t i = 0; i < get->keys_count; i++) {
        REELS_TRY(get_one(conn, get, &get->keys[i * get->table->def->key_columns_count], err));
    }
    return REELS_OK;
}

reels_status reels__sqlite_get(void *impl,
                               const reels_call *call,
                               const reels_table *table,
                               const reels_value *keys,
                               size_t keys_count,
                               reels_rows *rows,
                               reels_error *err)
{
    reels__sqlite_catalog *catalog = impl;
    struct get get = {.table = reels__sqlite_table_find(catalog, table),
                      .keys = keys,
                      .keys_count = keys_count,
                      .rows = rows};
    REELS_REQUIRE(get.table != NULL, err, "table is not declared");
    return reels__sqlite_read(catalog->store, call, get_work, &get, err);
}

/* ---- scan ---- */

enum {
    RANGE_ALL,      /* no bound beyond the equal columns */
    RANGE_ABOVE,    /* above the cursor's value */
    RANGE_BELOW,    /* below the cursor's value, nulls left out */
    RANGE_NOT_NULL, /* above null */
    RANGE_NULL
};

struct scan {
    reels__sqlite_catalog *catalog;
    const reels__sqlite_table *table;
    const reels_scan *scan;
    reels__order order;
    reels_value equal[REELS__ORDER_COLUMNS_MAX]; /* of the cursor, or of the prefix */
    reels_rows *rows;
    reels_buf *next;
    reels_buf *sql;
    size_t rows_before;
    int has_more;
};

static const reels_column *order_column(const struct scan *scan, uint32_t level)
{
    return &scan->table->def->columns[scan->order.columns[level]];
}

static reels_status bound_add(struct scan *scan, uint32_t level, int range, reels_error *err)
{
    static const char *const BOUNDS[] = {
        [RANGE_ALL] = "",
        [RANGE_ABOVE] = ">?",
        [RANGE_BELOW] = "<?",
        [RANGE_NOT_NULL] = ">=?", /* the least value of the type: IS NOT NULL cannot seek */
        [RANGE_NULL] = " IS NULL",
    };
    if (range == RANGE_ALL) {
        return REELS_OK;
    }
    return reels__buf_append_format(scan->sql,
                                    err,
                                    "%s\"%s\"%s",
                                    level > 0 ? " AND " : " WHERE ",
                                    order_column(scan, level)->name,
                                    BOUNDS[range]);
}

/* The text of one range: equal on the first `level` columns, then a bound on the next. */
static reels_status range_sql(struct scan *scan, uint32_t level, int range, reels_error *err)
{
    const reels_table *def = scan->table->def;
    reels_buf *sql = scan->sql;
    reels_buf_clear(sql);
    REELS_TRY(reels__buf_append_text(sql, scan->table->select_sql, err));
    if (scan->scan->index != NULL) {
        REELS_TRY(reels__buf_append_format(
            sql, err, " INDEXED BY \"%s.%s\"", def->name, scan->scan->index));
    } else {
        REELS_TRY(reels__buf_append_text(sql, " NOT INDEXED", err));
    }
    for (uint32_t i = 0; i < level; i++) {
        REELS_TRY(reels__buf_append_format(
            sql, err, "%s\"%s\" IS ?", i > 0 ? " AND " : " WHERE ", order_column(scan, i)->name));
    }
    REELS_TRY(bound_add(scan, level, range, err));
    for (uint32_t i = level; i < scan->order.columns_count; i++) {
        REELS_TRY(reels__buf_append_format(sql,
                                           err,
                                           "%s\"%s\"%s",
                                           i > level ? "," : " ORDER BY ",
                                           order_column(scan, i)->name,
                                           scan->scan->descending ? " DESC" : ""));
    }
    return reels__buf_append_text(sql, " LIMIT ?", err);
}

/* The least value that is not null. */
static reels_value least_value(uint32_t type)
{
    reels_value least = {.type = type};
    if (type == REELS_TYPE_FLOAT64) {
        least.real = -(double)INFINITY;
    } else {
        least.integer = INT64_MIN;
    }
    return least;
}

static void range_bind(
    const struct scan *scan, sqlite3_stmt *statement, uint32_t level, int range, size_t limit)
{
    int position = 1;
    for (uint32_t i = 0; i < level; i++) {
        reels__sqlite_bind(statement, position++, &scan->equal[i]);
    }
    if (range == RANGE_ABOVE || range == RANGE_BELOW) {
        reels__sqlite_bind(statement, position++, &scan->equal[level]);
    } else if (range == RANGE_NOT_NULL) {
        reels_value least = least_value(order_column(scan, level)->type);
        reels__sqlite_bind(statement, position++, &least);
    }
    (void)sqlite3_bind_int64(statement, position, (sqlite3_int64)limit);
}

static size_t rows_given(const struct scan *scan)
{
    return reels_rows_count(scan->rows) - scan->rows_before;
}

/* Reads one range until the page is full; one row more than fits tells that there is more. */
static reels_status
range_read(reels__sqlite_conn *conn, struct scan *scan, uint32_t level, int range, reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    REELS_TRY(range_sql(scan, level, range, err));
    REELS_TRY(
        reels__sqlite_prepare(conn, (const char *)reels_buf_data(scan->sql), &statement, err));
    range_bind(scan, statement, level, range, scan->scan->limit - rows_given(scan) + 1);
    int has_row = 0;
    REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    while (has_row) {
        reels_status status = REELS_OK;
        scan->has_more = rows_given(scan) == scan->scan->limit;
        if (!scan->has_more) {
            status = row_add(statement, scan->table->def, scan->rows, err);
        }
        if (status == REELS_ERR_LIMIT && rows_given(scan) > 0) {
            scan->has_more = 1; /* rows is full: a shorter page */
            status = REELS_OK;
        }
        if (status < 0 || scan->has_more) {
            reels__sqlite_done(statement);
            return status;
        }
        REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    }
    return REELS_OK;
}

/* Reads what lies past the cursor at one level. */
static reels_status
level_read(reels__sqlite_conn *conn, struct scan *scan, uint32_t level, reels_error *err)
{
    int is_null = scan->equal[level].type == REELS_TYPE_NULL;
    int is_nullable = (order_column(scan, level)->flags & REELS_COLUMN_NULLABLE) != 0;
    if (!scan->scan->descending) {
        return range_read(conn, scan, level, is_null ? RANGE_NOT_NULL : RANGE_ABOVE, err);
    }
    if (is_null) {
        return REELS_OK; /* nothing is below null */
    }
    REELS_TRY(range_read(conn, scan, level, RANGE_BELOW, err));
    return is_nullable && !scan->has_more ? range_read(conn, scan, level, RANGE_NULL, err)
                                          : REELS_OK;
}

static reels_status scan_work(reels__sqlite_conn *conn, void *arg, reels_error *err)
{
    struct scan *scan = arg;
    uint32_t prefix_count = (uint32_t)scan->scan->prefix_count;
    if (scan->scan->after == NULL) {
        REELS_TRY(range_read(conn, scan, prefix_count, RANGE_ALL, err));
    } else {
        for (uint32_t level = scan->order.columns_count; level > prefix_count && !scan->has_more;
             level--) {
            REELS_TRY(level_read(conn, scan, level - 1, err));
        }
    }
    if (!scan->has_more) {
        return REELS_OK;
    }
    const reels_value *last = reels_rows_get(scan->rows, reels_rows_count(scan->rows) - 1, NULL);
    REELS_INVARIANT(last != NULL, err);
    return reels__cursor_write(scan->scan, last, scan->next, err);
}

reels_status reels__sqlite_scan(void *impl,
                                const reels_call *call,
                                const reels_scan *wanted,
                                reels_rows *rows,
                                reels_buf *next,
                                reels_error *err)
{
    reels__sqlite_catalog *catalog = impl;
    struct scan scan = {.catalog = catalog,
                        .table = reels__sqlite_table_find(catalog, wanted->table),
                        .scan = wanted,
                        .rows = rows,
                        .next = next,
                        .rows_before = reels_rows_count(rows)};
    REELS_REQUIRE(scan.table != NULL, err, "table is not declared");
    const reels_index_def *index =
        wanted->index != NULL ? reels__table_index(wanted->table, wanted->index) : NULL;
    reels__order_of(scan.table->def, index, &scan.order);
    for (size_t i = 0; i < wanted->prefix_count; i++) {
        scan.equal[i] = wanted->prefix[i];
    }
    if (wanted->after != NULL) {
        REELS_TRY(reels__cursor_read(wanted, scan.equal, err));
    }
    REELS_TRY(reels_buf_new(catalog->ctx, SQL_BYTES_MAX, &scan.sql, err));
    reels_status status = reels__sqlite_read(catalog->store, call, scan_work, &scan, err);
    reels_buf_free(scan.sql);
    return status;
}
