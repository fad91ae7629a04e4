/* Owns the inside of the catalog in memory: rows in sorted arrays (catalog_mem_table.c), and around
 * them commits, outbox and leases (catalog_mem.c). Everything is under the store's lock. */
#ifndef REELS_SRC_BACKEND_CATALOG_MEM_H
#define REELS_SRC_BACKEND_CATALOG_MEM_H

#include "backend/table.h"

enum {
    /* The primary key; each index; each unique index led by the shard. */
    REELS__MEM_ORDERS_MAX = 1 + 2 * REELS_TABLE_INDEXES_MAX
};

/* A row with its own copy of what its values point to. */
typedef struct reels__mem_row {
    uint64_t version;
    reels_value values[];
} reels__mem_row;

/* All rows of a table in one order. */
typedef struct reels__mem_order {
    reels__order order;
    uint32_t unique_count; /* leading columns in which no two rows agree; 0 = none */
    uint32_t index;        /* position in the table's indexes; UINT32_MAX = none */
    reels__mem_row **rows;
    size_t rows_capacity;
} reels__mem_order;

typedef struct reels__mem_table {
    struct reels__mem_table *next;
    const reels_table *def;
    size_t rows_count;
    uint32_t orders_count;
    uint32_t reserved0;
    reels__mem_order orders[REELS__MEM_ORDERS_MAX]; /* the first is the primary key */
} reels__mem_table;

reels_status reels__mem_table_new(const reels_ctx *ctx,
                                  const reels_table *def,
                                  reels__mem_table **out,
                                  reels_error *err);
void reels__mem_table_free(const reels_ctx *ctx, reels__mem_table *table);

/* NULL when refused. values has `given` columns; what is missing up to the table's count is NULL.
 */
reels__mem_row *reels__mem_row_new(const reels_ctx *ctx,
                                   const reels_table *def,
                                   const reels_value *values,
                                   uint32_t given,
                                   uint64_t version);

/* keys in key order; NULL when there is none. */
reels__mem_row *reels__mem_table_find(const reels__mem_table *table, const reels_value *keys);

/* 1 when a unique index has another row than `except` with the values of this one. */
int reels__mem_table_clashes(const reels__mem_table *table,
                             const reels__mem_row *row,
                             const reels__mem_row *except);

/* Room for `more` rows, so that adding cannot fail. */
reels_status reels__mem_table_reserve(const reels_ctx *ctx,
                                      reels__mem_table *table,
                                      size_t more,
                                      reels_error *err);
void reels__mem_table_add(reels__mem_table *table, reels__mem_row *row);
void reels__mem_table_take(reels__mem_table *table, const reels__mem_row *row);

/* As reels_catalog_vtable.scan. */
reels_status reels__mem_table_scan(const reels__mem_table *table,
                                   const reels_scan *scan,
                                   reels_rows *rows,
                                   reels_buf *next,
                                   reels_error *err);

#endif
