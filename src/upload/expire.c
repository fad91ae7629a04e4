/* Owns the sweeping of uploads that have expired: unfinished ones are erased with all they have
 * stored; a commit that stopped half way is done to its end; committed ones lose what a crash after
 * their commit left, and their row. */
#include <string.h>

#include "backend/scan_page.h"
#include "base/checked.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "upload_internal.h"

enum {
    BATCH = 16,
    ROWS_BYTES_MAX = 1024 * 1024,
    CURSOR_BYTES_MAX = 8192,
    IDLE_US = 60000000 /* how often it looks when nothing is due */
};

static reels_status
scan_oldest(reels_uploads *uploads, reels_buf *cursor, reels_rows *rows, reels_error *err)
{
    reels_scan scan = {.struct_size = sizeof(scan),
                       .table = reels__upload_table(),
                       .index = "by_expiry",
                       .limit = BATCH};
    return reels__scan_page(uploads->ctx, uploads->catalog, NULL, &scan, cursor, rows, err);
}

/* Erases one that was seen to have expired, if that is still so: a byte may have come meanwhile,
 * and one that is being written now is left to a later step. */
static reels_status erase_entered(reels_uploads *uploads, uint64_t reel_id, reels_error *err)
{
    struct reels__upload upload;
    reels_status status = reels__upload_read(uploads, NULL, reel_id, 0, &upload, err);
    if (status == REELS_ERR_NOT_FOUND) {
        return REELS_OK;
    }
    REELS_TRY(status);
    if (upload.expires_unix_us > reels_ctx_now_unix_us(uploads->ctx)) {
        return REELS_OK;
    }
    if (upload.state == REELS__UPLOAD_CLOSED) {
        int is_over = 0;
        REELS_TRY(reels__upload_finish(uploads, &upload, &is_over, err));
        return is_over ? reels__upload_erase(uploads, NULL, &upload, err) : REELS_OK;
    }
    status = reels__upload_leave_to_erase(uploads, NULL, &upload, err);
    if (status == REELS_ERR_CONFLICT) {
        return REELS_OK;
    }
    REELS_TRY(status);
    return reels__upload_erase(uploads, NULL, &upload, err);
}

static reels_status erase_one(reels_uploads *uploads, uint64_t reel_id, reels_error *err)
{
    reels_status status = reels__upload_enter(uploads, reel_id, err);
    if (status == REELS_ERR_BUSY) {
        return REELS_OK;
    }
    REELS_TRY(status);
    status = erase_entered(uploads, reel_id, err);
    reels__upload_leave(uploads, reel_id);
    return status;
}

/* Erases those of the page that have expired, within the budget; one that cannot be erased does not
 * keep the others. The first failure is given. *out_more: there may be more. */
static reels_status erase_page(reels_uploads *uploads,
                               const reels_rows *rows,
                               int64_t end_mono_us,
                               int *out_more,
                               int64_t *out_next_unix_us,
                               reels_error *err)
{
    int64_t now = reels_ctx_now_unix_us(uploads->ctx);
    size_t count = reels_rows_count(rows);
    reels_status first = REELS_OK;
    for (size_t i = 0; i < count; i++) {
        struct reels__upload upload;
        uint64_t version = 0;
        const reels_value *row = reels_rows_get(rows, i, &version);
        reels__upload_from_row(row, version, &upload);
        if (upload.expires_unix_us > now) {
            *out_more = 0;
            *out_next_unix_us = upload.expires_unix_us;
            return first;
        }
        reels_status status = erase_one(uploads, upload.reel_id, first == REELS_OK ? err : NULL);
        first = first == REELS_OK ? status : first;
        if (reels_ctx_now_mono_us(uploads->ctx) >= end_mono_us) {
            *out_more = 1;
            return first;
        }
    }
    *out_more = count == BATCH;
    return first;
}

reels_status reels_uploads_expire_step(reels_uploads *uploads,
                                       int64_t budget_us,
                                       int64_t *out_next_due,
                                       reels_error *err)
{
    REELS_REQUIRE(
        uploads != NULL && out_next_due != NULL, err, "uploads and out_next_due are needed");
    REELS_REQUIRE(budget_us >= 0, err, "budget_us must not be negative");
    int64_t end = reels__i64_add_saturated(reels_ctx_now_mono_us(uploads->ctx), budget_us);
    int64_t next_unix_us = INT64_MAX;
    int more = 1;
    reels_rows *rows = NULL;
    reels_buf *cursor = NULL;
    reels_status status = reels_rows_new(uploads->ctx, ROWS_BYTES_MAX, &rows, err);
    if (status == REELS_OK) {
        status = reels_buf_new(uploads->ctx, CURSOR_BYTES_MAX, &cursor, err);
    }
    reels_status first = REELS_OK;
    while (status == REELS_OK && more) {
        reels_rows_clear(rows);
        status = scan_oldest(uploads, cursor, rows, first == REELS_OK ? err : NULL);
        if (status == REELS_OK) {
            reels_status erased = erase_page(
                uploads, rows, end, &more, &next_unix_us, first == REELS_OK ? err : NULL);
            first = first == REELS_OK ? erased : first;
        }
        if (reels_ctx_now_mono_us(uploads->ctx) >= end) {
            break;
        }
        more &= reels_buf_len(cursor) > 0; /* an empty one would begin anew */
    }
    reels_buf_free(cursor);
    reels_rows_free(rows);
    int64_t now = reels_ctx_now_mono_us(uploads->ctx);
    int64_t wait = IDLE_US;
    if (next_unix_us != INT64_MAX && next_unix_us - reels_ctx_now_unix_us(uploads->ctx) < wait) {
        wait = next_unix_us - reels_ctx_now_unix_us(uploads->ctx);
    }
    first = first == REELS_OK ? status : first;
    *out_next_due = more && first == REELS_OK ? now : now + (wait > 0 ? wait : 0);
    return first;
}
