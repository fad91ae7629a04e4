/* Owns how values compare and how they are encoded, and the cursors made of them.
 *
 * A cursor is a format byte, a hash of what is scanned (table, index, direction), and the values of
 * all columns of the order, the prefix among them, of the row it stands after. It comes back
 * through the hands of clients: nothing in it is believed. */
#include <string.h>

#include "backend/table.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"

enum {
    CURSOR_FORMAT = 1,
    CURSOR_HEAD_BYTES = 1 + 8
};

static int compare_i64(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_bytes(const reels_value *a, const reels_value *b)
{
    size_t shorter = a->len < b->len ? a->len : b->len;
    int order = shorter > 0 ? memcmp(a->data, b->data, shorter) : 0;
    if (order != 0) {
        return order < 0 ? -1 : 1;
    }
    return a->len < b->len ? -1 : a->len > b->len;
}

int reels__value_compare(const reels_value *a, const reels_value *b)
{
    if (a->type != b->type) {
        return a->type < b->type ? -1 : 1;
    }
    switch (a->type) {
    case REELS_TYPE_NULL:
        return 0;
    case REELS_TYPE_FLOAT64:
        return a->real < b->real ? -1 : a->real > b->real;
    case REELS_TYPE_UTF8:
    case REELS_TYPE_BYTES:
        return compare_bytes(a, b);
    default:
        return compare_i64(a->integer, b->integer);
    }
}

reels_status reels__value_encode(reels_buf *buf, const reels_value *value, reels_error *err)
{
    uint8_t head[9] = {(uint8_t)value->type};
    uint64_t bits = 0;
    switch (value->type) {
    case REELS_TYPE_NULL:
        return reels_buf_append(buf, head, 1, err);
    case REELS_TYPE_FLOAT64:
        memcpy(&bits, &value->real, sizeof bits);
        reels__be64_put(head + 1, bits);
        return reels_buf_append(buf, head, 9, err);
    case REELS_TYPE_UTF8:
    case REELS_TYPE_BYTES:
        reels__be32_put(head + 1, (uint32_t)value->len);
        REELS_TRY(reels_buf_append(buf, head, 5, err));
        return reels_buf_append(buf, value->data, value->len, err);
    default:
        reels__be64_put(head + 1, (uint64_t)value->integer);
        return reels_buf_append(buf, head, 9, err);
    }
}

size_t reels__shard_encode(const reels_value *shard, uint8_t out[REELS__SHARD_BYTES_MAX])
{
    out[0] = (uint8_t)shard->type;
    if (shard->type == REELS_TYPE_UTF8 || shard->type == REELS_TYPE_BYTES) {
        if (shard->len > 0) {
            memcpy(out + 1, shard->data, shard->len);
        }
        return 1 + shard->len;
    }
    reels__be64_put(out + 1, (uint64_t)shard->integer);
    return 9;
}

static uint64_t scan_hash(const reels_scan *scan)
{
    const char *index = scan->index != NULL ? scan->index : "";
    uint64_t hash = reels__xxh3_64(scan->table->name, strlen(scan->table->name), scan->descending);
    return reels__xxh3_64(index, strlen(index), hash);
}

static void scan_order(const reels_scan *scan, reels__order *order)
{
    const reels_index_def *index =
        scan->index != NULL ? reels__table_index(scan->table, scan->index) : NULL;
    reels__order_of(scan->table, index, order);
}

reels_status reels__cursor_write(const reels_scan *scan,
                                 const reels_value *row,
                                 reels_buf *out,
                                 reels_error *err)
{
    uint8_t head[CURSOR_HEAD_BYTES] = {CURSOR_FORMAT};
    reels__be64_put(head + 1, scan_hash(scan));
    REELS_TRY(reels_buf_append(out, head, sizeof head, err));
    reels__order order;
    scan_order(scan, &order);
    for (uint32_t i = 0; i < order.columns_count; i++) {
        REELS_TRY(reels__value_encode(out, &row[order.columns[i]], err));
    }
    return REELS_OK;
}

/* Reads one value and steps over it; 0 when the bytes end first or the type is unknown. */
static int value_decode(const uint8_t **at, const uint8_t *end, reels_value *out)
{
    memset(out, 0, sizeof *out);
    if (*at == end || **at > REELS_TYPE_ID) {
        return 0;
    }
    out->type = *(*at)++;
    if (out->type == REELS_TYPE_NULL) {
        return 1;
    }
    size_t left = (size_t)(end - *at);
    if (out->type == REELS_TYPE_UTF8 || out->type == REELS_TYPE_BYTES) {
        if (left < 4 || reels__be32_get(*at) > left - 4) {
            return 0;
        }
        out->len = reels__be32_get(*at);
        out->data = *at + 4;
        *at += 4 + out->len;
        return 1;
    }
    if (left < 8) {
        return 0;
    }
    uint64_t bits = reels__be64_get(*at);
    if (out->type == REELS_TYPE_FLOAT64) {
        memcpy(&out->real, &bits, sizeof bits);
    } else {
        out->integer = (int64_t)bits;
    }
    *at += 8;
    return 1;
}

reels_status reels__cursor_read(const reels_scan *scan,
                                reels_value out_values[REELS__ORDER_COLUMNS_MAX],
                                reels_error *err)
{
    const uint8_t *at = scan->after;
    const uint8_t *end = at + scan->after_len;
    REELS_REQUIRE(scan->after_len > CURSOR_HEAD_BYTES && at[0] == CURSOR_FORMAT,
                  err,
                  "scan: after is not a cursor");
    REELS_REQUIRE(reels__be64_get(at + 1) == scan_hash(scan),
                  err,
                  "scan: after is the cursor of another scan");
    at += CURSOR_HEAD_BYTES;
    reels__order order;
    scan_order(scan, &order);
    for (uint32_t i = 0; i < order.columns_count; i++) {
        REELS_REQUIRE(value_decode(&at, end, &out_values[i]) &&
                          reels__value_check(scan->table, order.columns[i], &out_values[i], NULL) ==
                              REELS_OK,
                      err,
                      "scan: after is not a cursor");
        REELS_REQUIRE(i >= scan->prefix_count ||
                          reels__value_compare(&out_values[i], &scan->prefix[i]) == 0,
                      err,
                      "scan: after is the cursor of another prefix");
    }
    REELS_REQUIRE(at == end, err, "scan: after is not a cursor");
    return REELS_OK;
}
