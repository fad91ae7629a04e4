/* Owns the tables of the catalog in memory. Invariant: every order of a table holds the same rows,
 * each sorted by its columns; orders end with the primary key, so no two rows are equal in one. */
#include <string.h>

#include "backend/catalog_mem.h"
#include "backend/record_internal.h"
#include "base/error.h"
#include "base/mem.h"

static void order_init(reels__mem_order *to,
                       const reels_table *def,
                       const reels_index_def *index,
                       uint32_t unique_count,
                       uint32_t position)
{
    reels__order_of(def, index, &to->order);
    to->unique_count = unique_count;
    to->index = position;
}

static int has_column(const reels_index_def *index, uint32_t column)
{
    for (uint32_t i = 0; i < index->columns_count; i++) {
        if (index->columns[i] == column) {
            return 1;
        }
    }
    return 0;
}

/* A unique index without the shard column gets a second order with it, in which to look for
 * clashes. */
static void orders_init(reels__mem_table *table)
{
    const reels_table *def = table->def;
    order_init(&table->orders[0], def, NULL, def->key_columns_count, UINT32_MAX);
    table->orders_count = 1;
    for (uint32_t i = 0; i < def->indexes_count; i++) {
        const reels_index_def *index = &def->indexes[i];
        int is_unique = (index->flags & REELS_INDEX_UNIQUE) != 0;
        int has_shard = has_column(index, def->shard_column);
        uint32_t unique_count = is_unique && has_shard ? index->columns_count : 0;
        order_init(&table->orders[table->orders_count++], def, index, unique_count, i);
        if (is_unique && !has_shard) {
            reels__mem_order *led = &table->orders[table->orders_count++];
            order_init(led, def, index, index->columns_count + 1, UINT32_MAX);
            reels__order plain = led->order;
            led->order.columns[0] = def->shard_column;
            led->order.columns_count = 1;
            for (uint32_t k = 0; k < plain.columns_count; k++) {
                if (plain.columns[k] != def->shard_column) {
                    led->order.columns[led->order.columns_count++] = plain.columns[k];
                }
            }
        }
    }
}

reels_status reels__mem_table_new(const reels_ctx *ctx,
                                  const reels_table *def,
                                  reels__mem_table **out,
                                  reels_error *err)
{
    *out = NULL;
    reels__mem_table *table = reels__mem_zalloc(ctx, sizeof *table);
    if (table == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "table %s: no memory", def->name);
    }
    table->def = def;
    orders_init(table);
    *out = table;
    return REELS_OK;
}

void reels__mem_table_free(const reels_ctx *ctx, reels__mem_table *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < table->rows_count; i++) {
        reels__mem_free(ctx, table->orders[0].rows[i]);
    }
    for (uint32_t i = 0; i < table->orders_count; i++) {
        reels__mem_free(ctx, table->orders[i].rows);
    }
    reels__mem_free(ctx, table);
}

static int has_bytes(const reels_value *value)
{
    return value->type == REELS_TYPE_UTF8 || value->type == REELS_TYPE_BYTES;
}

reels__mem_row *reels__mem_row_new(const reels_ctx *ctx,
                                   const reels_table *def,
                                   const reels_value *values,
                                   uint32_t given,
                                   uint64_t version)
{
    size_t size = sizeof(reels__mem_row) + def->columns_count * sizeof(reels_value);
    size_t bytes = 0;
    for (uint32_t i = 0; i < given; i++) {
        bytes += has_bytes(&values[i]) ? values[i].len : 0;
    }
    reels__mem_row *row = reels__mem_zalloc(ctx, size + bytes);
    if (row == NULL) {
        return NULL;
    }
    uint8_t *to = (uint8_t *)row + size;
    row->version = version;
    for (uint32_t i = 0; i < given; i++) {
        row->values[i] = values[i];
        if (has_bytes(&values[i])) {
            if (values[i].len > 0) {
                memcpy(to, values[i].data, values[i].len);
            }
            row->values[i].data = to;
            to += values[i].len;
        }
    }
    return row;
}

/* Compares the leading columns of a row with values in the order's order. */
static int row_compare(const reels__order *order,
                       const reels__mem_row *row,
                       const reels_value *values,
                       size_t values_count)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < values_count; i++) {
        result = reels__value_compare(&row->values[order->columns[i]], &values[i]);
    }
    return result;
}

/* First position whose row is not before the values, or, with `after`, is behind them. */
static size_t order_find(const reels__mem_table *table,
                         const reels__mem_order *order,
                         const reels_value *values,
                         size_t values_count,
                         int after)
{
    size_t low = 0;
    size_t high = table->rows_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int compared = row_compare(&order->order, order->rows[middle], values, values_count);
        if (compared < 0 || (after && compared == 0)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void
order_values(const reels__order *order, const reels__mem_row *row, reels_value *out_values)
{
    for (uint32_t i = 0; i < order->columns_count; i++) {
        out_values[i] = row->values[order->columns[i]];
    }
}

reels__mem_row *reels__mem_table_find(const reels__mem_table *table, const reels_value *keys)
{
    const reels__mem_order *order = &table->orders[0];
    size_t count = table->def->key_columns_count;
    size_t at = order_find(table, order, keys, count, 0);
    if (at == table->rows_count || row_compare(&order->order, order->rows[at], keys, count) != 0) {
        return NULL;
    }
    return order->rows[at];
}

static int order_clashes(const reels__mem_table *table,
                         const reels__mem_order *order,
                         const reels__mem_row *row,
                         const reels__mem_row *except)
{
    reels_value values[REELS__ORDER_COLUMNS_MAX];
    order_values(&order->order, row, values);
    for (uint32_t i = 0; i < order->unique_count; i++) {
        if (values[i].type == REELS_TYPE_NULL) {
            return 0; /* as in SQL: a null equals nothing */
        }
    }
    size_t at = order_find(table, order, values, order->unique_count, 0);
    /* At most one row agrees, so that one or its neighbour decides. */
    if (at < table->rows_count && order->rows[at] == except) {
        at++;
    }
    return at < table->rows_count &&
           row_compare(&order->order, order->rows[at], values, order->unique_count) == 0;
}

int reels__mem_table_clashes(const reels__mem_table *table,
                             const reels__mem_row *row,
                             const reels__mem_row *except)
{
    for (uint32_t i = 1; i < table->orders_count; i++) {
        if (table->orders[i].unique_count > 0 &&
            order_clashes(table, &table->orders[i], row, except)) {
            return 1;
        }
    }
    return 0;
}

reels_status reels__mem_table_reserve(const reels_ctx *ctx,
                                      reels__mem_table *table,
                                      size_t more,
                                      reels_error *err)
{
    for (uint32_t i = 0; i < table->orders_count; i++) {
        reels__mem_order *order = &table->orders[i];
        void *block = order->rows;
        reels_status status = reels__array_reserve(ctx,
                                                   &block,
                                                   &order->rows_capacity,
                                                   table->rows_count + more,
                                                   sizeof(reels__mem_row *),
                                                   err);
        order->rows = block;
        REELS_TRY(status);
    }
    return REELS_OK;
}

void reels__mem_table_add(reels__mem_table *table, reels__mem_row *row)
{
    for (uint32_t i = 0; i < table->orders_count; i++) {
        reels__mem_order *order = &table->orders[i];
        reels_value values[REELS__ORDER_COLUMNS_MAX];
        order_values(&order->order, row, values);
        size_t at = order_find(table, order, values, order->order.columns_count, 0);
        memmove(&order->rows[at + 1],
                &order->rows[at],
                (table->rows_count - at) * sizeof(reels__mem_row *));
        order->rows[at] = row;
    }
    table->rows_count++;
}

void reels__mem_table_take(reels__mem_table *table, const reels__mem_row *row)
{
    for (uint32_t i = 0; i < table->orders_count; i++) {
        reels__mem_order *order = &table->orders[i];
        reels_value values[REELS__ORDER_COLUMNS_MAX];
        order_values(&order->order, row, values);
        size_t at = order_find(table, order, values, order->order.columns_count, 0);
        memmove(&order->rows[at],
                &order->rows[at + 1],
                (table->rows_count - at - 1) * sizeof(reels__mem_row *));
    }
    table->rows_count--;
}

static const reels__mem_order *scan_order(const reels__mem_table *table, const reels_scan *scan)
{
    const reels__mem_order *order = &table->orders[0];
    for (uint32_t i = 1; scan->index != NULL && i < table->orders_count; i++) {
        uint32_t index = table->orders[i].index;
        if (index != UINT32_MAX && strcmp(table->def->indexes[index].name, scan->index) == 0) {
            order = &table->orders[i];
        }
    }
    return order;
}

/* The positions [*out_begin, *out_end) that a scan may still give. */
static reels_status scan_range(const reels__mem_table *table,
                               const reels__mem_order *order,
                               const reels_scan *scan,
                               size_t *out_begin,
                               size_t *out_end,
                               reels_error *err)
{
    *out_begin = order_find(table, order, scan->prefix, scan->prefix_count, 0);
    *out_end = order_find(table, order, scan->prefix, scan->prefix_count, 1);
    if (scan->after == NULL) {
        return REELS_OK;
    }
    reels_value values[REELS__ORDER_COLUMNS_MAX];
    REELS_TRY(reels__cursor_read(scan, values, err));
    size_t count = order->order.columns_count;
    if (scan->descending) {
        *out_end = order_find(table, order, values, count, 0);
    } else {
        *out_begin = order_find(table, order, values, count, 1);
    }
    return REELS_OK;
}

reels_status reels__mem_table_scan(const reels__mem_table *table,
                                   const reels_scan *scan,
                                   reels_rows *rows,
                                   reels_buf *next,
                                   reels_error *err)
{
    const reels__mem_order *order = scan_order(table, scan);
    size_t begin = 0;
    size_t end = 0;
    REELS_TRY(scan_range(table, order, scan, &begin, &end, err));
    const reels__mem_row *last = NULL;
    size_t given = 0;
    while (begin < end && given < scan->limit) {
        const reels__mem_row *row = order->rows[scan->descending ? end - 1 : begin];
        reels_status status =
            reels_rows_add(rows, row->values, table->def->columns_count, row->version, err);
        if (status == REELS_ERR_LIMIT && given > 0) {
            break; /* a shorter page */
        }
        REELS_TRY(status);
        last = row;
        given++;
        if (scan->descending) {
            end--;
        } else {
            begin++;
        }
    }
    if (begin < end && last != NULL) {
        return reels__cursor_write(scan, last->values, next, err);
    }
    return REELS_OK;
}
