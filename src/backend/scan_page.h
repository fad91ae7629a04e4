/* Owns paging by a caller's cursor: the same buffer says where to go on and receives where this
 * page ended, and is left alone on failure. */
#ifndef REELS_SRC_BACKEND_SCAN_PAGE_H
#define REELS_SRC_BACKEND_SCAN_PAGE_H

#include <reels/backend.h>

/* Fills scan->after from cursor (empty = from the start), scans, and on success makes cursor the
 * place to go on (empty = the end). */
reels_status reels__scan_page(reels_ctx *ctx,
                              reels_catalog *catalog,
                              const reels_call *call,
                              reels_scan *scan,
                              reels_buf *cursor,
                              reels_rows *rows,
                              reels_error *err);

#endif
