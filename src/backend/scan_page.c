/* Owns paging by a caller's cursor; see scan_page.h. */
#include "scan_page.h"

enum {
    CURSOR_BYTES_MAX = 8192
};

reels_status reels__scan_page(reels_ctx *ctx,
                              reels_catalog *catalog,
                              const reels_call *call,
                              reels_scan *scan,
                              reels_buf *cursor,
                              reels_rows *rows,
                              reels_error *err)
{
    reels_buf *next = NULL;
    reels_status status = reels_buf_new(ctx, CURSOR_BYTES_MAX, &next, err);
    if (status == REELS_OK) {
        scan->after = reels_buf_len(cursor) > 0 ? reels_buf_data(cursor) : NULL;
        scan->after_len = reels_buf_len(cursor);
        status = reels_catalog_scan(catalog, call, scan, rows, next, err);
        scan->after = NULL;
        scan->after_len = 0;
    }
    if (status == REELS_OK) {
        reels_buf_clear(cursor);
        status = reels_buf_append(cursor, reels_buf_data(next), reels_buf_len(next), err);
    }
    reels_buf_free(next);
    return status;
}
