/* Owns the rules of descriptors, rows, scans and commits, so that every backend is handed
 * well-formed ones. A name that passes here is safe between SQL's quotation marks and as a part of
 * a path. */
#include "table.h"

#include <math.h>
#include <string.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/utf8.h"
#include "port.h"

enum {
    NAME_LEN_MAX = 48
};

static int name_is_valid(const char *name)
{
    if (name == NULL || name[0] < 'a' || name[0] > 'z') {
        return 0;
    }
    size_t len = 1;
    while (len <= NAME_LEN_MAX && name[len] != '\0') {
        char c = name[len];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) {
            return 0;
        }
        len++;
    }
    /* What databases keep for themselves. */
    return len <= NAME_LEN_MAX && strncmp(name, "sqlite_", 7) != 0 && strncmp(name, "pg_", 3) != 0;
}

static reels_status columns_check(const reels_table *table, reels_error *err)
{
    for (uint32_t i = 0; i < table->columns_count; i++) {
        const reels_column *column = &table->columns[i];
        if (!name_is_valid(column->name)) {
            return reels__fail(err,
                               REELS_ERR_INVALID_ARG,
                               "table %s: the name of column %u is malformed",
                               table->name,
                               (unsigned)i);
        }
        if (column->type <= REELS_TYPE_NULL || column->type > REELS_TYPE_ID ||
            (column->flags & ~(uint32_t)REELS_COLUMN_NULLABLE) != 0) {
            return reels__fail(err,
                               REELS_ERR_INVALID_ARG,
                               "table %s: column %s has an unknown type or flag",
                               table->name,
                               column->name);
        }
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(table->columns[k].name, column->name) == 0) {
                return reels__fail(err,
                                   REELS_ERR_INVALID_ARG,
                                   "table %s: two columns are named %s",
                                   table->name,
                                   column->name);
            }
        }
    }
    return REELS_OK;
}

/* Positions that exist, each once. */
static int positions_are_valid(const reels_table *table, const uint32_t *positions, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (positions[i] >= table->columns_count) {
            return 0;
        }
        for (uint32_t k = 0; k < i; k++) {
            if (positions[k] == positions[i]) {
                return 0;
            }
        }
    }
    return 1;
}

static reels_status key_check(const reels_table *table, reels_error *err)
{
    if (!positions_are_valid(table, table->key_columns, table->key_columns_count) ||
        table->key_columns[0] != table->shard_column) {
        return reels__fail(
            err,
            REELS_ERR_INVALID_ARG,
            "table %s: key_columns must be columns, each once, the shard column first",
            table->name);
    }
    for (uint32_t i = 0; i < table->key_columns_count; i++) {
        const reels_column *column = &table->columns[table->key_columns[i]];
        if ((column->flags & REELS_COLUMN_NULLABLE) != 0 || column->type == REELS_TYPE_FLOAT64) {
            return reels__fail(err,
                               REELS_ERR_INVALID_ARG,
                               "table %s: key column %s must be neither nullable nor float64",
                               table->name,
                               column->name);
        }
    }
    if (table->ttl_column != UINT32_MAX &&
        (table->ttl_column >= table->columns_count ||
         table->columns[table->ttl_column].type != REELS_TYPE_TIME)) {
        return reels__fail(
            err, REELS_ERR_INVALID_ARG, "table %s: ttl_column is not a time column", table->name);
    }
    return REELS_OK;
}

static reels_status indexes_check(const reels_table *table, reels_error *err)
{
    for (uint32_t i = 0; i < table->indexes_count; i++) {
        const reels_index_def *index = &table->indexes[i];
        int valid = name_is_valid(index->name) && index->columns != NULL &&
                    index->columns_count > 0 && index->columns_count <= REELS_INDEX_COLUMNS_MAX &&
                    (index->flags & ~(uint32_t)REELS_INDEX_UNIQUE) == 0 &&
                    positions_are_valid(table, index->columns, index->columns_count);
        for (uint32_t k = 0; valid && k < i; k++) {
            valid = strcmp(table->indexes[k].name, index->name) != 0;
        }
        if (!valid) {
            return reels__fail(err,
                               REELS_ERR_INVALID_ARG,
                               "table %s: index %u is malformed or named twice",
                               table->name,
                               (unsigned)i);
        }
    }
    return REELS_OK;
}

reels_status reels__table_check(const reels_table *table, reels_error *err)
{
    REELS_REQUIRE(table != NULL, err, "table is NULL");
    REELS_REQUIRE(
        table->struct_size >= sizeof(reels_table), err, "table: struct_size is too small");
    REELS_REQUIRE(name_is_valid(table->name), err, "table: its name is malformed");
    if (table->version == 0 || table->columns == NULL || table->key_columns == NULL ||
        table->columns_count == 0 || table->columns_count > REELS_TABLE_COLUMNS_MAX ||
        table->key_columns_count == 0 || table->key_columns_count > REELS_TABLE_KEY_COLUMNS_MAX ||
        table->indexes_count > REELS_TABLE_INDEXES_MAX ||
        (table->indexes == NULL && table->indexes_count > 0)) {
        return reels__fail(err,
                           REELS_ERR_INVALID_ARG,
                           "table %s: version or a count is out of range",
                           table->name);
    }
    REELS_TRY(columns_check(table, err));
    REELS_TRY(key_check(table, err));
    return indexes_check(table, err);
}

static int columns_equal(const reels_table *a, const reels_table *b)
{
    for (uint32_t i = 0; i < a->columns_count; i++) {
        const reels_column *x = &a->columns[i];
        const reels_column *y = &b->columns[i];
        if (x->type != y->type || x->flags != y->flags || strcmp(x->name, y->name) != 0) {
            return 0;
        }
    }
    return memcmp(a->key_columns, b->key_columns, a->key_columns_count * sizeof(uint32_t)) == 0;
}

static int index_equal(const reels_index_def *a, const reels_index_def *b)
{
    return a->columns_count == b->columns_count && a->flags == b->flags &&
           strcmp(a->name, b->name) == 0 &&
           memcmp(a->columns, b->columns, a->columns_count * sizeof(uint32_t)) == 0;
}

int reels__table_equal(const reels_table *a, const reels_table *b)
{
    if (a == b) {
        return 1;
    }
    int same = a->version == b->version && a->columns_count == b->columns_count &&
               a->key_columns_count == b->key_columns_count &&
               a->indexes_count == b->indexes_count && a->shard_column == b->shard_column &&
               a->ttl_column == b->ttl_column && strcmp(a->name, b->name) == 0 &&
               columns_equal(a, b);
    for (uint32_t i = 0; same && i < a->indexes_count; i++) {
        same = index_equal(&a->indexes[i], &b->indexes[i]);
    }
    return same;
}

uint32_t reels__table_key_position(const reels_table *table, uint32_t column)
{
    for (uint32_t i = 0; i < table->key_columns_count; i++) {
        if (table->key_columns[i] == column) {
            return i;
        }
    }
    return UINT32_MAX;
}

const reels_index_def *reels__table_index(const reels_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->indexes_count; i++) {
        if (strcmp(table->indexes[i].name, name) == 0) {
            return &table->indexes[i];
        }
    }
    return NULL;
}

static void order_add(reels__order *order, uint32_t column)
{
    for (uint32_t i = 0; i < order->columns_count; i++) {
        if (order->columns[i] == column) {
            return;
        }
    }
    order->columns[order->columns_count++] = column;
}

_Static_assert(REELS__ORDER_COLUMNS_MAX >= REELS_INDEX_COLUMNS_MAX + REELS_TABLE_KEY_COLUMNS_MAX,
               "an order holds an index and the key");

void reels__order_of(const reels_table *table, const reels_index_def *index, reels__order *out)
{
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; index != NULL && i < index->columns_count; i++) {
        order_add(out, index->columns[i]);
    }
    for (uint32_t i = 0; i < table->key_columns_count; i++) {
        order_add(out, table->key_columns[i]);
    }
}

/* NULL when the content of a value of the column's own type is legal, else what is wrong with it.
 */
static const char *content_fault(const reels_value *value, size_t bytes_max)
{
    switch (value->type) {
    case REELS_TYPE_FLOAT64:
        return isnan(value->real) ? "is not a number" : NULL;
    case REELS_TYPE_BOOL:
        return value->integer == 0 || value->integer == 1 ? NULL : "is neither 0 nor 1";
    case REELS_TYPE_ID:
        return value->integer >= 0 ? NULL : "is negative";
    case REELS_TYPE_UTF8:
    case REELS_TYPE_BYTES:
        if (value->len > bytes_max) {
            return "is too long";
        }
        if (value->data == NULL && value->len > 0) {
            return "has a length and no data";
        }
        if (value->type == REELS_TYPE_UTF8 && value->len > 0 &&
            (memchr(value->data, 0, value->len) != NULL ||
             !reels__utf8_valid(value->data, value->len))) {
            return "is not UTF-8 without NUL";
        }
        return NULL;
    default:
        return NULL;
    }
}

reels_status reels__value_check(const reels_table *table,
                                uint32_t column,
                                const reels_value *value,
                                reels_error *err)
{
    const reels_column *def = &table->columns[column];
    const char *fault = NULL;
    if (value->type == REELS_TYPE_NULL) {
        fault = (def->flags & REELS_COLUMN_NULLABLE) != 0 ? NULL : "is null";
    } else if (value->type != def->type) {
        fault = "has another type";
    } else {
        int is_key = reels__table_key_position(table, column) != UINT32_MAX;
        fault = content_fault(value, is_key ? REELS_KEY_BYTES_MAX : REELS_VALUE_BYTES_MAX);
    }
    if (fault != NULL) {
        return reels__fail(
            err, REELS_ERR_INVALID_ARG, "table %s: value of %s %s", table->name, def->name, fault);
    }
    return REELS_OK;
}

reels_status reels__scan_check(const reels_scan *scan, reels_error *err)
{
    const reels_table *table = scan->table;
    const reels_index_def *index =
        scan->index != NULL ? reels__table_index(table, scan->index) : NULL;
    REELS_REQUIRE(scan->index == NULL || index != NULL, err, "scan: the table has no such index");
    REELS_REQUIRE(scan->descending <= 1, err, "scan: descending is neither 0 nor 1");
    REELS_REQUIRE(scan->limit >= 1 && scan->limit <= REELS_SCAN_LIMIT_MAX,
                  err,
                  "scan: limit is not 1..10000");
    REELS_REQUIRE(
        scan->after != NULL || scan->after_len == 0, err, "scan: after has a length and no data");
    reels__order order;
    reels__order_of(table, index, &order);
    REELS_REQUIRE(scan->prefix_count <= order.columns_count &&
                      (scan->prefix != NULL || scan->prefix_count == 0),
                  err,
                  "scan: the prefix is longer than the order");
    for (size_t i = 0; i < scan->prefix_count; i++) {
        REELS_TRY(reels__value_check(table, order.columns[i], &scan->prefix[i], err));
    }
    return REELS_OK;
}

static size_t value_bytes(const reels_value *value)
{
    int has_bytes = value->type == REELS_TYPE_UTF8 || value->type == REELS_TYPE_BYTES;
    return sizeof(reels_value) + (has_bytes ? value->len : 0);
}

/* Checks the values of one operation and adds up their bytes. */
static reels_status
op_values_check(const reels_op *op, const reels_value *shard, size_t *bytes, reels_error *err)
{
    const reels_table *table = op->table;
    int is_put = op->kind == REELS_OP_PUT;
    uint32_t count = is_put ? table->columns_count : table->key_columns_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t column = is_put ? i : table->key_columns[i];
        REELS_TRY(reels__value_check(table, column, &op->values[i], err));
        *bytes += value_bytes(&op->values[i]);
    }
    const reels_value *own = &op->values[is_put ? table->shard_column : 0];
    if (reels__value_compare(own, shard) != 0) {
        return reels__fail(err,
                           REELS_ERR_INVALID_ARG,
                           "table %s: an operation does not belong to the commit's shard",
                           table->name);
    }
    return REELS_OK;
}

static reels_status
op_check(const reels_op *op, const reels_value *shard, size_t *bytes, reels_error *err)
{
    REELS_REQUIRE(
        op->kind >= REELS_OP_PUT && op->kind <= REELS_OP_CHECK, err, "operation: kind is unknown");
    REELS_REQUIRE(op->condition <= REELS_IF_COLUMN, err, "operation: condition is unknown");
    REELS_REQUIRE(op->values != NULL, err, "operation: values is NULL");
    REELS_TRY(op_values_check(op, shard, bytes, err));
    if (op->condition == REELS_IF_COLUMN) {
        REELS_REQUIRE(op->condition_column < op->table->columns_count,
                      err,
                      "operation: condition_column is not a column");
        return reels__value_check(op->table, op->condition_column, &op->condition_value, err);
    }
    return REELS_OK;
}

static reels_status event_check(const reels_event_out *event, size_t *bytes, reels_error *err)
{
    REELS_TRY(reels__queue_name_check(event->topic, "event: topic", err));
    REELS_REQUIRE(event->key != NULL && event->key_len >= 1 &&
                      event->key_len <= REELS_EVENT_KEY_BYTES_MAX,
                  err,
                  "event: the key has not 1 to 1024 bytes");
    REELS_REQUIRE(event->payload_len <= REELS_EVENT_PAYLOAD_BYTES_MAX &&
                      (event->payload != NULL || event->payload_len == 0),
                  err,
                  "event: the payload is missing or longer than 1 MiB");
    *bytes += event->key_len + event->payload_len;
    return REELS_OK;
}

reels_status reels__commit_check(const reels_commit *commit, reels_error *err)
{
    const reels_value *shard = &commit->shard;
    REELS_REQUIRE(commit->has_token <= 1, err, "commit: has_token is neither 0 nor 1");
    REELS_REQUIRE(commit->ops_count <= REELS_COMMIT_OPS_MAX &&
                      (commit->ops != NULL || commit->ops_count == 0),
                  err,
                  "commit: ops is NULL or has more than 1024");
    REELS_REQUIRE(commit->events_count <= REELS_COMMIT_EVENTS_MAX &&
                      (commit->events != NULL || commit->events_count == 0),
                  err,
                  "commit: events is NULL or has more than 1024");
    REELS_REQUIRE(shard->type > REELS_TYPE_NULL && shard->type <= REELS_TYPE_ID &&
                      shard->type != REELS_TYPE_FLOAT64 &&
                      content_fault(shard, REELS_KEY_BYTES_MAX) == NULL,
                  err,
                  "commit: shard is not a value that a key column may hold");
    size_t bytes = 0;
    for (size_t i = 0; i < commit->ops_count; i++) {
        REELS_TRY(op_check(&commit->ops[i], shard, &bytes, err));
    }
    for (size_t i = 0; i < commit->events_count; i++) {
        REELS_TRY(event_check(&commit->events[i], &bytes, err));
    }
    if (bytes > REELS_COMMIT_BYTES_MAX) {
        return reels__fail(err, REELS_ERR_LIMIT, "commit: is larger than 64 MiB");
    }
    return REELS_OK;
}
