/* Owns what backends and front doors may do with rows and records beyond the public functions. */
#ifndef REELS_SRC_BACKEND_RECORD_INTERNAL_H
#define REELS_SRC_BACKEND_RECORD_INTERNAL_H

#include <reels/backend/record.h>

/* Forgets what is after count, so that a call that failed leaves nothing behind. */
void reels__rows_truncate(reels_rows *rows, size_t count);
void reels__records_truncate(reels_records *records, size_t count);

/* Number of values of a row that is there; 0 for a missing one. */
size_t reels__rows_values_count(const reels_rows *rows, size_t index);

/* Grows an array to hold at least `need` items by doubling; items past the old capacity are
 * undefined. On refusal everything stays. */
reels_status reels__array_reserve(const reels_ctx *ctx,
                                  void **items,
                                  size_t *capacity,
                                  size_t need,
                                  size_t item_size,
                                  reels_error *err);

#endif
