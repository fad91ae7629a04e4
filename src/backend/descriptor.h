/* Owns how a table's descriptor is kept in a store, so that a later run can tell what has changed.
 */
#ifndef REELS_SRC_BACKEND_DESCRIPTOR_H
#define REELS_SRC_BACKEND_DESCRIPTOR_H

#include "backend/table.h"

/* A descriptor that was read, with all it points to. */
typedef struct reels__descriptor {
    reels_table def;
    reels_column columns[REELS_TABLE_COLUMNS_MAX];
    uint32_t key_columns[REELS_TABLE_KEY_COLUMNS_MAX];
    reels_index_def indexes[REELS_TABLE_INDEXES_MAX];
    uint32_t index_columns[REELS_TABLE_INDEXES_MAX][REELS_INDEX_COLUMNS_MAX];
    char names[]; /* a copy of the bytes it was read from */
} reels__descriptor;

reels_status reels__descriptor_write(const reels_table *table, reels_buf *buf, reels_error *err);

/* CORRUPT when the bytes are no descriptor. The caller frees *out by reels__mem_free. */
reels_status reels__descriptor_read(const reels_ctx *ctx,
                                    const uint8_t *data,
                                    size_t len,
                                    reels__descriptor **out,
                                    reels_error *err);

#endif
