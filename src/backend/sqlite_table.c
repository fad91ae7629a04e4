/* Owns what a descriptor becomes in SQLite: a STRICT table with typed columns and the primary key
 * as its order, an index per declared index, and a hidden column "_version". Names come from
 * checked descriptors and are always quoted; ours begin with "_" or hold a character that theirs
 * cannot. */
#include <string.h>

#include "backend/descriptor.h"
#include "backend/sqlite_catalog.h"
#include "base/buffer_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    SQL_BYTES_MAX = 32 * 1024
};

/* ---- SQL of a table ---- */

/* The names of columns, all or those at positions, each between prefix and suffix. */
static reels_status names_add(reels_buf *buf,
                              const reels_table *def,
                              const uint32_t *positions,
                              uint32_t count,
                              const char *suffix,
                              reels_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const reels_column *column = &def->columns[positions != NULL ? positions[i] : i];
        REELS_TRY(reels__buf_append_format(
            buf, err, "%s\"%s\"%s", i > 0 ? "," : "", column->name, suffix));
    }
    return REELS_OK;
}

static reels_status where_key_add(reels_buf *buf, const reels_table *def, reels_error *err)
{
    for (uint32_t i = 0; i < def->key_columns_count; i++) {
        REELS_TRY(reels__buf_append_format(buf,
                                           err,
                                           "%s\"%s\"=?%u",
                                           i > 0 ? " AND " : " WHERE ",
                                           def->columns[def->key_columns[i]].name,
                                           (unsigned)i + 1));
    }
    return REELS_OK;
}

/* Not INSERT OR REPLACE, which would also delete rows that clash in a unique index. */
static reels_status put_sql(reels_buf *buf, const reels_table *def, reels_error *err)
{
    REELS_TRY(reels__buf_append_format(buf, err, "INSERT INTO \"%s\"(", def->name));
    REELS_TRY(names_add(buf, def, NULL, def->columns_count, "", err));
    REELS_TRY(reels__buf_append_text(buf, ",\"_version\") VALUES(", err));
    for (uint32_t i = 0; i <= def->columns_count; i++) {
        REELS_TRY(reels__buf_append_format(buf, err, "%s?%u", i > 0 ? "," : "", (unsigned)i + 1));
    }
    REELS_TRY(reels__buf_append_text(buf, ") ON CONFLICT(", err));
    REELS_TRY(names_add(buf, def, def->key_columns, def->key_columns_count, "", err));
    REELS_TRY(
        reels__buf_append_text(buf, ") DO UPDATE SET \"_version\"=excluded.\"_version\"", err));
    for (uint32_t i = 0; i < def->columns_count; i++) {
        const char *name = def->columns[i].name;
        if (reels__table_key_position(def, i) == UINT32_MAX) {
            REELS_TRY(reels__buf_append_format(buf, err, ",\"%s\"=excluded.\"%s\"", name, name));
        }
    }
    return REELS_OK;
}

static reels_status delete_sql(reels_buf *buf, const reels_table *def, reels_error *err)
{
    REELS_TRY(reels__buf_append_format(buf, err, "DELETE FROM \"%s\"", def->name));
    return where_key_add(buf, def, err);
}

static reels_status select_sql(reels_buf *buf, const reels_table *def, reels_error *err)
{
    REELS_TRY(reels__buf_append_text(buf, "SELECT ", err));
    REELS_TRY(names_add(buf, def, NULL, def->columns_count, "", err));
    return reels__buf_append_format(buf, err, ",\"_version\" FROM \"%s\"", def->name);
}

static reels_status get_sql(reels_buf *buf, const reels_table *def, reels_error *err)
{
    REELS_TRY(select_sql(buf, def, err));
    return where_key_add(buf, def, err);
}

static reels_status sweep_sql(reels_buf *buf, const reels_table *def, reels_error *err)
{
    REELS_TRY(reels__buf_append_format(buf, err, "DELETE FROM \"%s\" WHERE (", def->name));
    REELS_TRY(names_add(buf, def, def->key_columns, def->key_columns_count, "", err));
    REELS_TRY(reels__buf_append_text(buf, ") IN (SELECT ", err));
    REELS_TRY(names_add(buf, def, def->key_columns, def->key_columns_count, "", err));
    return reels__buf_append_format(buf,
                                    err,
                                    " FROM \"%s\" INDEXED BY \"%s:ttl\" WHERE \"%s\"<=?1 LIMIT ?2)",
                                    def->name,
                                    def->name,
                                    def->columns[def->ttl_column].name);
}

static const char *type_name(uint32_t type)
{
    switch (type) {
    case REELS_TYPE_FLOAT64:
        return "REAL";
    case REELS_TYPE_UTF8:
        return "TEXT";
    case REELS_TYPE_BYTES:
        return "BLOB";
    default:
        return "INTEGER";
    }
}

static reels_status column_add(reels_buf *buf, const reels_column *column, reels_error *err)
{
    int is_nullable = (column->flags & REELS_COLUMN_NULLABLE) != 0;
    return reels__buf_append_format(buf,
                                    err,
                                    "\"%s\" %s%s",
                                    column->name,
                                    type_name(column->type),
                                    is_nullable ? "" : " NOT NULL");
}

static reels_status create_sql(reels_buf *buf, const reels_table *def, reels_error *err)
{
    REELS_TRY(reels__buf_append_format(buf, err, "CREATE TABLE \"%s\"(", def->name));
    for (uint32_t i = 0; i < def->columns_count; i++) {
        REELS_TRY(column_add(buf, &def->columns[i], err));
        REELS_TRY(reels__buf_append_text(buf, ",", err));
    }
    REELS_TRY(reels__buf_append_text(buf, "\"_version\" INTEGER NOT NULL,PRIMARY KEY(", err));
    REELS_TRY(names_add(buf, def, def->key_columns, def->key_columns_count, "", err));
    REELS_TRY(reels__buf_append_text(buf, ")) STRICT, WITHOUT ROWID;", err));
    if (def->ttl_column != UINT32_MAX) {
        return reels__buf_append_format(buf,
                                        err,
                                        "CREATE INDEX \"%s:ttl\" ON \"%s\"(\"%s\");",
                                        def->name,
                                        def->name,
                                        def->columns[def->ttl_column].name);
    }
    return REELS_OK;
}

/* The order of a scan. A unique index gets a second one beside it that the shard column leads,
 * since it is unique within a shard only. */
static reels_status
index_sql(reels_buf *buf, const reels_table *def, const reels_index_def *index, reels_error *err)
{
    REELS_TRY(reels__buf_append_format(
        buf, err, "CREATE INDEX \"%s.%s\" ON \"%s\"(", def->name, index->name, def->name));
    REELS_TRY(names_add(buf, def, index->columns, index->columns_count, "", err));
    REELS_TRY(reels__buf_append_text(buf, ");", err));
    if ((index->flags & REELS_INDEX_UNIQUE) == 0) {
        return REELS_OK;
    }
    uint32_t led[REELS_INDEX_COLUMNS_MAX + 1] = {def->shard_column};
    uint32_t count = 1;
    for (uint32_t i = 0; i < index->columns_count; i++) {
        if (index->columns[i] != def->shard_column) {
            led[count++] = index->columns[i];
        }
    }
    REELS_TRY(reels__buf_append_format(buf,
                                       err,
                                       "CREATE UNIQUE INDEX \"%s.%s:unique\" ON \"%s\"(",
                                       def->name,
                                       index->name,
                                       def->name));
    REELS_TRY(names_add(buf, def, led, count, "", err));
    return reels__buf_append_text(buf, ");", err);
}

/* ---- declared tables ---- */

static void table_free(const reels_ctx *ctx, reels__sqlite_table *table)
{
    if (table != NULL) {
        reels__mem_free(ctx, table->put_sql);
        reels__mem_free(ctx, table->delete_sql);
        reels__mem_free(ctx, table->select_sql);
        reels__mem_free(ctx, table->get_sql);
        reels__mem_free(ctx, table->sweep_sql);
        reels__mem_free(ctx, table);
    }
}

static void tables_free(const reels_ctx *ctx, reels__sqlite_table *tables)
{
    while (tables != NULL) {
        reels__sqlite_table *next = tables->next;
        table_free(ctx, tables);
        tables = next;
    }
}

void reels__sqlite_tables_free(reels__sqlite_catalog *catalog)
{
    tables_free(catalog->ctx, atomic_exchange(&catalog->tables, NULL));
}

const reels__sqlite_table *reels__sqlite_table_find(reels__sqlite_catalog *catalog,
                                                    const reels_table *def)
{
    const reels__sqlite_table *it = atomic_load_explicit(&catalog->tables, memory_order_acquire);
    while (it != NULL && it->def != def && strcmp(it->def->name, def->name) != 0) {
        it = it->next;
    }
    return it;
}

typedef reels_status (*text_fn)(reels_buf *buf, const reels_table *def, reels_error *err);

static reels_status text_make(const reels_ctx *ctx,
                              reels_buf *buf,
                              text_fn make,
                              const reels_table *def,
                              char **out,
                              reels_error *err)
{
    reels_buf_clear(buf);
    REELS_TRY(make(buf, def, err));
    *out = reels__mem_strdup(ctx, (const char *)reels_buf_data(buf));
    return *out != NULL ? REELS_OK
                        : reels__fail(err, REELS_ERR_NO_MEMORY, "catalog: no memory for SQL");
}

/* Puts a table with its texts in front of a list. */
static reels_status table_compile(const reels_ctx *ctx,
                                  reels_buf *buf,
                                  const reels_table *def,
                                  reels__sqlite_table **list,
                                  reels_error *err)
{
    reels__sqlite_table *table = reels__mem_zalloc(ctx, sizeof *table);
    if (table == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "catalog: no memory for a table");
    }
    table->def = def;
    table->next = *list;
    *list = table;
    REELS_TRY(text_make(ctx, buf, put_sql, def, &table->put_sql, err));
    REELS_TRY(text_make(ctx, buf, delete_sql, def, &table->delete_sql, err));
    REELS_TRY(text_make(ctx, buf, select_sql, def, &table->select_sql, err));
    REELS_TRY(text_make(ctx, buf, get_sql, def, &table->get_sql, err));
    if (def->ttl_column != UINT32_MAX) {
        REELS_TRY(text_make(ctx, buf, sweep_sql, def, &table->sweep_sql, err));
    }
    return REELS_OK;
}

/* ---- declare ---- */

struct declare {
    reels__sqlite_catalog *catalog;
    const reels_table *const *tables;
    size_t tables_count;
    reels_buf *buf;
};

/* The stored descriptor of that name, or NULL. */
static reels_status stored_load(reels__sqlite_conn *conn,
                                const reels_ctx *ctx,
                                const char *name,
                                reels__descriptor **out,
                                reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    int has_row = 0;
    *out = NULL;
    REELS_TRY(reels__sqlite_prepare(
        conn, "SELECT descriptor FROM _tables WHERE name=?1", &statement, err));
    reels__sqlite_bind_text(statement, 1, name);
    REELS_TRY(reels__sqlite_next(conn, statement, &has_row, err));
    if (!has_row) {
        return REELS_OK;
    }
    const uint8_t *data = sqlite3_column_blob(statement, 0);
    size_t len = (size_t)sqlite3_column_bytes(statement, 0);
    reels_status status = reels__descriptor_read(ctx, data, data != NULL ? len : 0, out, err);
    reels__sqlite_done(statement);
    return status;
}

static reels_status
stored_save(reels__sqlite_conn *conn, reels_buf *buf, const reels_table *def, reels_error *err)
{
    sqlite3_stmt *statement = NULL;
    reels_buf_clear(buf);
    REELS_TRY(reels__descriptor_write(def, buf, err));
    REELS_TRY(reels__sqlite_prepare(conn,
                                    "INSERT INTO _tables(name,version,descriptor) VALUES(?1,?2,?3) "
                                    "ON CONFLICT(name) DO UPDATE SET version=excluded.version,"
                                    "descriptor=excluded.descriptor",
                                    &statement,
                                    err));
    reels__sqlite_bind_text(statement, 1, def->name);
    (void)sqlite3_bind_int64(statement, 2, def->version);
    reels__sqlite_bind_bytes(statement, 3, reels_buf_data(buf), reels_buf_len(buf));
    return reels__sqlite_run(conn, statement, err);
}

/* Appends what makes `to` from `from` (NULL: from nothing). */
static reels_status
migrate_sql(reels_buf *buf, const reels_table *from, const reels_table *to, reels_error *err)
{
    if (from == NULL) {
        REELS_TRY(create_sql(buf, to, err));
    }
    for (uint32_t i = from != NULL ? from->columns_count : to->columns_count; i < to->columns_count;
         i++) {
        REELS_TRY(reels__buf_append_format(buf, err, "ALTER TABLE \"%s\" ADD COLUMN ", to->name));
        REELS_TRY(column_add(buf, &to->columns[i], err));
        REELS_TRY(reels__buf_append_text(buf, ";", err));
    }
    for (uint32_t i = 0; i < to->indexes_count; i++) {
        if (from == NULL || reels__table_index(from, to->indexes[i].name) == NULL) {
            REELS_TRY(index_sql(buf, to, &to->indexes[i], err));
        }
    }
    return REELS_OK;
}

static reels_status table_migrate(reels__sqlite_conn *conn,
                                  struct declare *declare,
                                  const reels_table *def,
                                  reels_error *err)
{
    reels__descriptor *stored = NULL;
    REELS_TRY(stored_load(conn, declare->catalog->ctx, def->name, &stored, err));
    const reels_table *from = stored != NULL ? &stored->def : NULL;
    reels_status status = REELS_OK;
    if (from != NULL) {
        status = reels__table_migration_check(from, def, err);
    }
    if (status == REELS_OK && (from == NULL || !reels__table_equal(from, def))) {
        reels_buf_clear(declare->buf);
        status = migrate_sql(declare->buf, from, def, err);
        status = status < 0
                     ? status
                     : reels__sqlite_exec(conn, (const char *)reels_buf_data(declare->buf), err);
        if (status == REELS_ERR_CONFLICT) {
            status = reels__fail(
                err, REELS_ERR_CONFLICT, "table %s: rows clash in a new unique index", def->name);
        }
        status = status < 0 ? status : stored_save(conn, declare->buf, def, err);
    }
    reels__mem_free(declare->catalog->ctx, stored);
    return status;
}

static reels_status declare_work(reels__sqlite_conn *conn, void *arg, reels_error *err)
{
    struct declare *declare = arg;
    for (size_t i = 0; i < declare->tables_count; i++) {
        REELS_TRY(table_migrate(conn, declare, declare->tables[i], err));
    }
    return REELS_OK;
}

/* The compiled tables come before all others, so that the newest of a name is found first. */
static void tables_publish(reels__sqlite_catalog *catalog, reels__sqlite_table *list)
{
    while (list != NULL) {
        reels__sqlite_table *table = list;
        list = table->next;
        table->next = atomic_load(&catalog->tables);
        const reels__sqlite_table *known = reels__sqlite_table_find(catalog, table->def);
        if (known != NULL && reels__table_equal(known->def, table->def)) {
            table_free(catalog->ctx, table);
        } else {
            atomic_store_explicit(&catalog->tables, table, memory_order_release);
        }
    }
}

reels_status reels__sqlite_declare(void *impl,
                                   const reels_call *call,
                                   const reels_table *const *tables,
                                   size_t tables_count,
                                   reels_error *err)
{
    reels__sqlite_catalog *catalog = impl;
    reels__sqlite_table *list = NULL;
    struct declare declare = {.catalog = catalog, .tables = tables, .tables_count = tables_count};
    reels_status status = reels_buf_new(catalog->ctx, SQL_BYTES_MAX, &declare.buf, err);
    for (size_t i = 0; status == REELS_OK && i < tables_count; i++) {
        status = table_compile(catalog->ctx, declare.buf, tables[i], &list, err);
    }
    if (status == REELS_OK) {
        status = reels__sqlite_write_alone(catalog->store, call, declare_work, &declare, err);
    }
    if (status == REELS_OK) {
        pthread_mutex_lock(&catalog->declare_lock);
        tables_publish(catalog, list);
        pthread_mutex_unlock(&catalog->declare_lock);
        list = NULL;
    }
    tables_free(catalog->ctx, list);
    reels_buf_free(declare.buf);
    return status;
}
