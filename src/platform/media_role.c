/* Owns the media worker: it learns of reels that were uploaded, takes as many as it has places for,
 * and steps them in turn. A reel is announced by its event; one that nobody took is found by
 * walking the state now and then, so that no lost event can leave it lying. */
#include <string.h>

#include "backend/group_reader.h"
#include "base/checked.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "media_job.h"
#include "platform_internal.h"

enum {
    IDLE_US = 50000,
    WALK_EVERY_US = 10000000,
    WALK_PAGE = 32,
    SHARE_US_MAX =
        200000, /* of a job at a time: between two shares its lease is kept, 1 s or more */
    CURSOR_BYTES_MAX = 8192
};

struct reels__media_role {
    reels_platform *platform;
    struct reels__group_reader reader;
    struct reels__media_job *jobs;
    uint32_t jobs_count;
    uint32_t next; /* whose turn it is */
    int64_t walk_due;
};

reels_status
reels__media_role_new(reels_platform *platform, struct reels__media_role **out, reels_error *err)
{
    struct reels__media_role *role = reels__mem_zalloc(platform->ctx, sizeof(*role));
    *out = NULL;
    if (role == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for the media worker");
    }
    role->platform = platform;
    role->jobs_count = platform->config.media_jobs_max;
    role->jobs = reels__mem_calloc(platform->ctx, role->jobs_count, sizeof(*role->jobs));
    reels_status status = REELS_OK;
    if (role->jobs == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for the media worker");
    } else {
        status = reels__group_reader_init(&role->reader,
                                          platform->ctx,
                                          platform->queue,
                                          reels_event_topic_name(REELS_TOPIC_REEL),
                                          platform->config.partitions_count,
                                          0,
                                          err);
    }
    if (status < 0) {
        reels__media_role_free(role);
        return status;
    }
    reels__group_reader_name(&role->reader, "media", platform->holder);
    *out = role;
    return REELS_OK;
}

void reels__media_role_free(struct reels__media_role *role)
{
    if (role == NULL) {
        return;
    }
    for (uint32_t i = 0; role->jobs != NULL && i < role->jobs_count; i++) {
        if (role->jobs[i].platform != NULL) {
            reels__media_job_give_up(&role->jobs[i]);
        }
    }
    reels__group_reader_dispose(&role->reader);
    reels__mem_free(role->platform->ctx, role->jobs);
    reels__mem_free(role->platform->ctx, role);
}

static struct reels__media_job *free_place(struct reels__media_role *role)
{
    for (uint32_t i = 0; i < role->jobs_count; i++) {
        if (role->jobs[i].platform == NULL) {
            return &role->jobs[i];
        }
    }
    return NULL;
}

/* Takes what one event announces. The offset is stored once the reel was taken or found not to be
 * there to be taken; its state is in the catalog from then on. */
static reels_status take_announced(struct reels__media_role *role,
                                   struct reels__media_job *place,
                                   int *out_busy,
                                   reels_error *err)
{
    size_t count = 0;
    int changed = 0;
    int taken = 0;
    reels_record record;
    reels_event event = {.struct_size = sizeof(event)};
    REELS_TRY(reels__group_reader_poll(&role->reader, 0, 1, &count, &changed, err));
    *out_busy |= changed || count > 0;
    if (count == 0) {
        return REELS_OK;
    }
    REELS_TRY(reels_records_get(role->reader.records, 0, &record));
    if (reels_event_decode(record.payload, record.payload_len, &event, NULL) == REELS_OK &&
        event.type == REELS_EVENT_REEL_UPLOADED) {
        REELS_TRY(reels__media_job_begin(place, role->platform, event.reel_id, &taken, err));
    }
    return reels__group_reader_store(&role->reader, err);
}

/* Takes the oldest reel that lies in UPLOADED, if there is one. */
static reels_status
take_lying(struct reels__media_role *role, struct reels__media_job *place, reels_error *err)
{
    reels_platform *platform = role->platform;
    reels_buf *cursor = NULL;
    size_t count = 0;
    int taken = 0;
    reels_reel *page = reels__mem_calloc(platform->ctx, WALK_PAGE, sizeof(*page));
    if (page == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to look for reels");
    }
    page[0].struct_size = sizeof(page[0]);
    reels_status status = reels_buf_new(platform->ctx, CURSOR_BYTES_MAX, &cursor, err);
    if (status == REELS_OK) {
        status = reels_reel_list(platform->reels,
                                 NULL,
                                 REELS_REEL_ORDER_STATE,
                                 REELS_REEL_UPLOADED,
                                 cursor,
                                 page,
                                 WALK_PAGE,
                                 &count,
                                 err);
    }
    for (size_t i = 0; status == REELS_OK && i < count && !taken; i++) {
        status = reels__media_job_begin(place, platform, page[i].id, &taken, err);
    }
    reels_buf_free(cursor);
    reels__mem_free(platform->ctx, page);
    return status;
}

static reels_status take_more(struct reels__media_role *role, int *out_busy, reels_error *err)
{
    int64_t now = reels_ctx_now_mono_us(role->platform->ctx);
    struct reels__media_job *place = free_place(role);
    if (place == NULL) {
        return REELS_OK;
    }
    if (now >= role->walk_due) {
        role->walk_due = now + WALK_EVERY_US;
        return take_lying(role, place, err);
    }
    return take_announced(role, place, out_busy, err);
}

/* Steps the jobs in turn, each for a fair share. *out_running: how many there are. */
static reels_status
step_jobs(struct reels__media_role *role, int64_t end, uint32_t *out_running, reels_error *err)
{
    uint32_t running = 0;
    REELS_INVARIANT(role->jobs_count > 0, err);
    for (uint32_t i = 0; i < role->jobs_count; i++) {
        running += role->jobs[i].platform != NULL;
    }
    for (uint32_t i = 0; i < role->jobs_count; i++) {
        struct reels__media_job *job = &role->jobs[(role->next + i) % role->jobs_count];
        int64_t left = end - reels_ctx_now_mono_us(role->platform->ctx);
        if (job->platform != NULL && running > 0) {
            int64_t share = left > 0 ? left / running : 0;
            REELS_TRY(reels__media_job_step(job, share < SHARE_US_MAX ? share : SHARE_US_MAX, err));
        }
    }
    role->next = (role->next + 1) % role->jobs_count;
    *out_running = running;
    return REELS_OK;
}

reels_status reels__media_role_step(struct reels__media_role *role,
                                    int64_t budget_us,
                                    int64_t *out_next_due,
                                    reels_error *err)
{
    reels_ctx *ctx = role->platform->ctx;
    int64_t end = reels__i64_add_saturated(reels_ctx_now_mono_us(ctx), budget_us);
    uint32_t running = 0;
    int busy = 0;
    do {
        busy = 0;
        REELS_TRY(take_more(role, &busy, err));
        REELS_TRY(step_jobs(role, end, &running, err));
    } while ((busy || running > 0) && reels_ctx_now_mono_us(ctx) < end);
    int64_t now = reels_ctx_now_mono_us(ctx);
    *out_next_due = busy || running > 0 ? now : now + IDLE_US;
    return REELS_OK;
}

/* What the first bytes of an upload say. A header that is not there yet is no fault while bytes are
 * missing. */
static reels_status check_upload(
    void *user, const uint8_t *prefix, size_t prefix_len, uint64_t length, reels_error *err)
{
    reels_platform *platform = user;
    reels_media_input input = {
        .struct_size = sizeof(input), .data = prefix, .size_bytes = prefix_len};
    reels_media_limits limits = {.struct_size = sizeof(limits),
                                 .duration_max_us = platform->config.media_duration_us_max};
    reels_media_isolation isolation = {.struct_size = sizeof(isolation),
                                       .mode = REELS_ISOLATION_PROCESS,
                                       .worker_path = platform->config.media_worker_path};
    reels_probe_options options = {
        .struct_size = sizeof(options), .limits = &limits, .isolation = &isolation};
    reels_probe_info info = {.struct_size = sizeof(info)};
    reels_status status = reels_probe_run(platform->ctx, NULL, &input, &options, &info, err);
    if (status == REELS_ERR_CORRUPT && prefix_len < length) {
        return REELS_END;
    }
    if (status == REELS_ERR_NOT_FOUND) {
        /* Of the program, not of the upload. */
        return reels__fail(err, REELS_ERR_HOST, "the media worker cannot be started");
    }
    if (status < 0) {
        return status;
    }
    if (info.verdict == REELS_VERDICT_REFUSE && info.verdict_status != REELS_ERR_CORRUPT) {
        return reels__fail(err, info.verdict_status, "%s", info.verdict_reason);
    }
    return info.verdict == REELS_VERDICT_REFUSE && prefix_len < length ? REELS_END : REELS_OK;
}

reels_upload_check_fn reels__media_upload_check(void)
{
    return check_upload;
}
