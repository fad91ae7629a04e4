/* Owns maintenance: uploads that expired, reels whose worker died, and what is left of reels that
 * were removed: files, comments, counters. */
#include <string.h>

#include "backend/blob_prefix.h"
#include "base/checked.h"
#include "base/compiler.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "platform_internal.h"
#include "reel/erase.h"
#include "social/erase.h"

enum {
    PAGE = 32,
    REELS_EVERY_US = 2000000,
    CURSOR_BYTES_MAX = 8192,
    NAME_BYTES = 64,
    COMMENT_PAGES_MAX = 4 /* of a removed reel in one visit */
};

/* Removes the media of all generations of a reel, files and rows. */
static reels_status remove_media(reels_platform *platform, uint64_t reel_id, reels_error *err)
{
    REELS_TRY(reels_renditions_remove(platform->ctx, platform->catalog, NULL, reel_id, 0, err));
    char prefix[NAME_BYTES] = "m/";
    REELS_TRY(reels_id_text_write(reel_id, prefix + 2, sizeof(prefix) - 2, err));
    memcpy(prefix + 2 + REELS_ID_TEXT_LEN, "/", 2);
    return reels__blob_remove_prefix(platform->ctx, platform->blob, NULL, prefix, err);
}

/* Gives a reel whose worker is dead back: to the next attempt, or to FAILED after the last. The
 * lease tells whether the worker lives. */
static reels_status rescue(reels_platform *platform, reels_reel *reel, reels_error *err)
{
    char name[NAME_BYTES] = "media/";
    char holder[NAME_BYTES] =
        "rescue/"; /* not the worker's: it would be given its own lease again */
    uint64_t fence = 0;
    memcpy(holder + 7, platform->holder, strlen(platform->holder) + 1);
    REELS_TRY(reels_id_text_write(reel->id, name + 6, sizeof(name) - 6, err));
    reels_status status = reels_catalog_lease_acquire(
        platform->catalog, NULL, name, holder, platform->config.media_lease_us, &fence, NULL);
    if (status == REELS_ERR_BUSY) {
        return REELS_OK;
    }
    if (status < 0) {
        return reels__fail(err, status, "the lease of a reel could not be taken");
    }
    reel->state = REELS_REEL_UPLOADED;
    if (reel->attempts_count >= platform->config.media_attempts_max) {
        static const char reason[] = "WORKER_DIED";
        static const char detail[] = "processing was given up after several attempts";
        reel->state = REELS_REEL_FAILED;
        memcpy(reel->reason, reason, sizeof(reason));
        memcpy(reel->detail, detail, sizeof(detail));
    }
    status = reels_reel_update(platform->reels, NULL, reel, err);
    if (status == REELS_OK && reel->state == REELS_REEL_FAILED) {
        /* Nobody comes back to a failed reel. A worker that lives on removes what it writes yet. */
        status = remove_media(platform, reel->id, err);
    }
    (void)reels_catalog_lease_release(platform->catalog, NULL, name, fence, NULL);
    return status == REELS_ERR_CONFLICT ? REELS_OK : status;
}

/* Removes what a removed reel has left, then its row. With many comments that takes several visits:
 * the row stays until nothing else is left. */
static reels_status sweep(reels_platform *platform, reels_reel *reel, reels_error *err)
{
    char raw[NAME_BYTES];
    const char *raw_key = raw;
    int64_t entity = (int64_t)reel->id;
    int more = 1;
    REELS_TRY(reels_upload_blob_key(reel->id, raw, sizeof(raw)));
    REELS_TRY(remove_media(platform, reel->id, err));
    REELS_TRY(reels_blob_remove(platform->blob, NULL, &raw_key, 1, err));
    for (int page = 0; page < COMMENT_PAGES_MAX && more; page++) {
        REELS_TRY(reels__comments_erase(platform->social, NULL, reel->id, &more, err));
    }
    if (more) {
        return REELS_OK;
    }
    reels_status status = reels_stats_purge(platform->stats, NULL, &entity, 1, err);
    if (status != REELS_ERR_UNSUPPORTED) {
        REELS_TRY(status);
    }
    return reels__reel_erase_deleted(platform->reels, NULL, reel->id, err);
}

struct walk {
    uint32_t state;
    reels_status (*visit)(reels_platform *, reels_reel *, reels_error *);
};

static const struct walk walks[] = {{REELS_REEL_PROCESSING, rescue}, {REELS_REEL_DELETED, sweep}};

/* Remembers the first failure: what is behind it has its turn all the same. */
struct outcome {
    reels_status status;
    reels_error *err;
};

static void note(struct outcome *outcome, reels_status status)
{
    if (status < 0 && outcome->status == REELS_OK) {
        outcome->status = status;
        outcome->err = NULL;
    }
}

static void visit_page(reels_platform *platform,
                       const struct walk *walk,
                       reels_reel *page,
                       size_t count,
                       struct outcome *outcome)
{
    for (size_t i = 0; i < count; i++) {
        note(outcome, walk->visit(platform, &page[i], outcome->err));
    }
}

/* Goes on where the step before stopped, until the end of the state or of the budget. */
static void walk_on(reels_platform *platform,
                    const struct walk *walk,
                    reels_buf *cursor,
                    reels_reel *page,
                    int64_t end,
                    struct outcome *outcome)
{
    reels_status status;
    do {
        size_t count = 0;
        page[0].struct_size = sizeof(page[0]);
        status = reels_reel_list(platform->reels,
                                 NULL,
                                 REELS_REEL_ORDER_STATE,
                                 walk->state,
                                 cursor,
                                 page,
                                 PAGE,
                                 &count,
                                 outcome->err);
        note(outcome, status);
        visit_page(platform, walk, page, count, outcome);
    } while (status == REELS_OK && reels_buf_len(cursor) > 0 &&
             reels_ctx_now_mono_us(platform->ctx) < end);
    if (status < 0) {
        reels_buf_clear(cursor);
    }
}

static reels_status walk_all(reels_platform *platform, int64_t end, reels_error *err)
{
    struct reels__maintenance *maintenance = &platform->maintenance;
    struct outcome outcome = {.status = REELS_OK, .err = err};
    int64_t again = reels_ctx_now_mono_us(platform->ctx) + REELS_EVERY_US;
    reels_reel *page = reels__mem_calloc(platform->ctx, PAGE, sizeof(*page));
    if (page == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to walk reels");
    }
    for (size_t i = 0; i < REELS__COUNT(walks); i++) {
        reels_buf **cursor = &maintenance->cursors[i];
        reels_status status =
            *cursor != NULL ? REELS_OK
                            : reels_buf_new(platform->ctx, CURSOR_BYTES_MAX, cursor, outcome.err);
        note(&outcome, status);
        if (status == REELS_OK) {
            walk_on(platform, &walks[i], *cursor, page, end, &outcome);
            again = reels_buf_len(*cursor) > 0 ? reels_ctx_now_mono_us(platform->ctx) : again;
        }
    }
    reels__mem_free(platform->ctx, page);
    maintenance->reels_due = again;
    return outcome.status;
}

void reels__maintenance_dispose(struct reels__maintenance *maintenance)
{
    for (size_t i = 0; i < REELS__COUNT(walks); i++) {
        reels_buf_free(maintenance->cursors[i]);
    }
}

reels_status reels__maintenance_step(reels_platform *platform,
                                     int64_t budget_us,
                                     int64_t *out_next_due,
                                     reels_error *err)
{
    struct reels__maintenance *maintenance = &platform->maintenance;
    struct outcome outcome = {.status = REELS_OK, .err = err};
    int64_t now = reels_ctx_now_mono_us(platform->ctx);
    if (now >= maintenance->uploads_due) {
        note(&outcome,
             reels_uploads_expire_step(
                 platform->uploads, budget_us, &maintenance->uploads_due, outcome.err));
    }
    if (now >= maintenance->reels_due) {
        note(&outcome, walk_all(platform, reels__i64_add_saturated(now, budget_us), outcome.err));
    }
    *out_next_due = maintenance->uploads_due < maintenance->reels_due ? maintenance->uploads_due
                                                                      : maintenance->reels_due;
    return outcome.status;
}
