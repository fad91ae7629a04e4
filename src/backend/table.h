/* Owns what every catalog backend needs to know of descriptors and values: whether they are well
 * formed, how values compare and are encoded, in which order a scan runs, and its cursors. */
#ifndef REELS_SRC_BACKEND_TABLE_H
#define REELS_SRC_BACKEND_TABLE_H

#include <reels/backend/catalog.h>

enum {
    /* Columns of an index and then those of the primary key that it has not. */
    REELS__ORDER_COLUMNS_MAX = 16,
    REELS__SHARD_BYTES_MAX = 1 + REELS_KEY_BYTES_MAX
};

/* The order of a scan: column positions, most significant first. */
typedef struct reels__order {
    uint32_t columns[REELS__ORDER_COLUMNS_MAX];
    uint32_t columns_count;
} reels__order;

/* INVALID_ARG with the reason when a descriptor is malformed. */
reels_status reels__table_check(const reels_table *table, reels_error *err);

/* 1 when both say the same, names compared by content. */
int reels__table_equal(const reels_table *a, const reels_table *b);

/* Whether `to` can follow a stored `from` of the same name: nullable columns appended, indexes
 * added, nothing else; the version may not fall. CONFLICT with what differs otherwise. */
reels_status
reels__table_migration_check(const reels_table *from, const reels_table *to, reels_error *err);

/* Position of a column in the key, or UINT32_MAX. */
uint32_t reels__table_key_position(const reels_table *table, uint32_t column);

/* NULL when there is none of that name. */
const reels_index_def *reels__table_index(const reels_table *table, const char *name);

/* The full order of an index (NULL: of the primary key); unique over the whole table. */
void reels__order_of(const reels_table *table, const reels_index_def *index, reels__order *out);

/* Whether a value fits a column. */
reels_status reels__value_check(const reels_table *table,
                                uint32_t column,
                                const reels_value *value,
                                reels_error *err);

/* The rules of a scan of a well-formed table, but for its cursor. */
reels_status reels__scan_check(const reels_scan *scan, reels_error *err);

/* Whether a commit's operations, on well-formed tables, and its events are well formed and belong
 * to its shard. */
reels_status reels__commit_check(const reels_commit *commit, reels_error *err);

/* -1, 0, 1. NULL comes first; values of different types compare by type. Bytes and text compare as
 * bytes.
 */
int reels__value_compare(const reels_value *a, const reels_value *b);

/* Appends the self-delimiting encoding of a value. */
reels_status reels__value_encode(reels_buf *buf, const reels_value *value, reels_error *err);

/* Encodes a shard's value into at most REELS__SHARD_BYTES_MAX bytes: a type byte, then a big-endian
 * integer or the bytes. Gives the length. */
size_t reels__shard_encode(const reels_value *shard, uint8_t out[REELS__SHARD_BYTES_MAX]);

/* Writes the cursor that stands after a row (all columns) of a scan. */
reels_status reels__cursor_write(const reels_scan *scan,
                                 const reels_value *row,
                                 reels_buf *out,
                                 reels_error *err);

/* Reads scan->after into the values of all order columns, borrowed from it. INVALID_ARG when it is
 * damaged or belongs to another scan. */
reels_status reels__cursor_read(const reels_scan *scan,
                                reels_value out_values[REELS__ORDER_COLUMNS_MAX],
                                reels_error *err);

#endif
