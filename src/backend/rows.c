/* Owns reels_rows. Three arrays that keep their memory: rows, their values, and the bytes the
 * values point to. Invariants: a value's data points into `bytes` and is followed by a NUL; what
 * the arrays hold together never passes bytes_max. */
#include <string.h>

#include "backend/record_internal.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    BYTES_MAX_DEFAULT = 64 * 1024 * 1024,
    CAPACITY_FIRST = 16
};

struct row {
    size_t values_first;
    size_t values_count; /* 0 for a row that is not there */
    size_t bytes_first;
    uint64_t version;
};

struct reels_rows {
    reels_ctx *ctx;
    struct row *rows;
    reels_value *values;
    uint8_t *bytes;
    size_t rows_count;
    size_t rows_capacity;
    size_t values_count;
    size_t values_capacity;
    size_t bytes_len;
    size_t bytes_capacity;
    size_t bytes_max;
};

reels_status reels__array_reserve(const reels_ctx *ctx,
                                  void **items,
                                  size_t *capacity,
                                  size_t need,
                                  size_t item_size,
                                  reels_error *err)
{
    if (need <= *capacity) {
        return REELS_OK;
    }
    size_t grown = *capacity != 0 ? *capacity : CAPACITY_FIRST;
    while (grown < need) {
        grown = grown > SIZE_MAX / 2 ? need : grown * 2;
    }
    void *moved = NULL;
    if (grown <= SIZE_MAX / item_size) {
        moved = reels__mem_realloc(ctx, *items, grown * item_size);
    }
    if (moved == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for %zu items", grown);
    }
    *items = moved;
    *capacity = grown;
    return REELS_OK;
}

reels_status reels_rows_new(reels_ctx *ctx, size_t bytes_max, reels_rows **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    reels_rows *rows = reels__mem_zalloc(ctx, sizeof *rows);
    if (rows == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "rows: no memory");
    }
    rows->ctx = ctx;
    rows->bytes_max = bytes_max != 0 ? bytes_max : BYTES_MAX_DEFAULT;
    *out = rows;
    return REELS_OK;
}

void reels_rows_free(reels_rows *rows)
{
    if (rows == NULL) {
        return;
    }
    reels__mem_free(rows->ctx, rows->rows);
    reels__mem_free(rows->ctx, rows->values);
    reels__mem_free(rows->ctx, rows->bytes);
    reels__mem_free(rows->ctx, rows);
}

void reels__rows_truncate(reels_rows *rows, size_t count)
{
    if (count < rows->rows_count) {
        rows->values_count = rows->rows[count].values_first;
        rows->bytes_len = rows->rows[count].bytes_first;
        rows->rows_count = count;
    }
}

void reels_rows_clear(reels_rows *rows)
{
    if (rows != NULL) {
        reels__rows_truncate(rows, 0);
    }
}

static int has_bytes(const reels_value *value)
{
    return value->type == REELS_TYPE_UTF8 || value->type == REELS_TYPE_BYTES;
}

/* Grows the bytes into a new block and lets the values point there, while the old one still
 * stands. */
static reels_status bytes_reserve(reels_rows *rows, size_t need, reels_error *err)
{
    if (need <= rows->bytes_capacity) {
        return REELS_OK;
    }
    size_t capacity = 0;
    size_t wish = need > rows->bytes_capacity * 2 ? need : rows->bytes_capacity * 2;
    void *block = NULL;
    REELS_TRY(reels__array_reserve(rows->ctx, &block, &capacity, wish, 1, err));
    uint8_t *moved = block;
    if (rows->bytes_len > 0) {
        memcpy(moved, rows->bytes, rows->bytes_len);
    }
    for (size_t i = 0; i < rows->values_count; i++) {
        if (has_bytes(&rows->values[i])) {
            rows->values[i].data = moved + (rows->values[i].data - rows->bytes);
        }
    }
    reels__mem_free(rows->ctx, rows->bytes);
    rows->bytes = moved;
    rows->bytes_capacity = capacity;
    return REELS_OK;
}

/* Bytes that a row takes, or SIZE_MAX when they cannot be counted. */
static size_t data_bytes(const reels_value *values, size_t values_count)
{
    size_t total = 0;
    for (size_t i = 0; i < values_count; i++) {
        if (has_bytes(&values[i])) {
            if (values[i].len >= SIZE_MAX / 2 - total) {
                return SIZE_MAX;
            }
            total += values[i].len + 1;
        }
    }
    return total;
}

static reels_status
rows_reserve(reels_rows *rows, size_t values_count, size_t data_len, reels_error *err)
{
    size_t used = rows->rows_count * sizeof(struct row) + rows->values_count * sizeof(reels_value) +
                  rows->bytes_len;
    size_t room = used < rows->bytes_max ? rows->bytes_max - used : 0;
    if (values_count > room / sizeof(reels_value) || data_len > room ||
        sizeof(struct row) + values_count * sizeof(reels_value) + data_len > room) {
        return reels__fail(
            err, REELS_ERR_LIMIT, "rows: %zu bytes are their maximum", rows->bytes_max);
    }
    void *block = rows->rows;
    reels_status status = reels__array_reserve(
        rows->ctx, &block, &rows->rows_capacity, rows->rows_count + 1, sizeof(struct row), err);
    rows->rows = block;
    REELS_TRY(status);
    block = rows->values;
    status = reels__array_reserve(rows->ctx,
                                  &block,
                                  &rows->values_capacity,
                                  rows->values_count + values_count,
                                  sizeof(reels_value),
                                  err);
    rows->values = block;
    REELS_TRY(status);
    return bytes_reserve(rows, rows->bytes_len + data_len, err);
}

static void value_add(reels_rows *rows, const reels_value *value)
{
    reels_value *to = &rows->values[rows->values_count++];
    *to = *value;
    if (!has_bytes(value)) {
        to->data = NULL;
        to->len = 0;
        return;
    }
    uint8_t *data = rows->bytes + rows->bytes_len;
    if (value->len > 0) {
        memcpy(data, value->data, value->len);
    }
    data[value->len] = 0;
    rows->bytes_len += value->len + 1;
    to->data = data;
}

reels_status reels_rows_add(reels_rows *rows,
                            const reels_value *values,
                            size_t values_count,
                            uint64_t version,
                            reels_error *err)
{
    REELS_REQUIRE(rows != NULL, err, "rows is NULL");
    size_t count = values != NULL ? values_count : 0;
    REELS_REQUIRE((count > 0) == (version > 0), err, "a row has a version, a missing one has none");
    size_t data_len = data_bytes(values, count);
    REELS_TRY(rows_reserve(rows, count, data_len, err));
    rows->rows[rows->rows_count++] = (struct row){.values_first = rows->values_count,
                                                  .values_count = count,
                                                  .bytes_first = rows->bytes_len,
                                                  .version = version};
    for (size_t i = 0; i < count; i++) {
        value_add(rows, &values[i]);
    }
    return REELS_OK;
}

size_t reels_rows_count(const reels_rows *rows)
{
    return rows != NULL ? rows->rows_count : 0;
}

const reels_value *reels_rows_get(const reels_rows *rows, size_t index, uint64_t *out_version)
{
    if (rows == NULL || index >= rows->rows_count) {
        return NULL;
    }
    const struct row *row = &rows->rows[index];
    if (out_version != NULL) {
        *out_version = row->version;
    }
    return row->values_count > 0 ? &rows->values[row->values_first] : NULL;
}

size_t reels__rows_values_count(const reels_rows *rows, size_t index)
{
    return index < rows->rows_count ? rows->rows[index].values_count : 0;
}
