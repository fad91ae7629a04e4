/* Owns one reel in the hands of the media worker. What must stay true: nothing is written for a
 * reel without its lease, every attempt writes under a generation of its own, and the row is
 * written by compare-and-set; so a worker that was taken for dead can harm nothing, and what it
 * wrote is swept. */
#include "media_job.h"

#include <string.h>

#include "backend/blob_prefix.h"
#include "base/compiler.h"
#include "base/ctx_internal.h"
#include "base/error.h"

enum {
    PROGRESS_US = 1000000,
    RENDITIONS_MAX = 16
};

static const reels_metric metric_jobs = {
    "reels_media_jobs", "Reels that left the media worker.", "outcome", REELS_METRIC_COUNTER, 0};
static const reels_metric metric_output = {
    "reels_media_output_bytes", "Bytes of finished ladders.", NULL, REELS_METRIC_COUNTER, 0};

/* ---- lease and row ---- */

static reels_status take_lease(struct reels__media_job *job, reels_error *err)
{
    reels_platform *platform = job->platform;
    memcpy(job->lease_name, "media/", 6);
    REELS_TRY(
        reels_id_text_write(job->reel.id, job->lease_name + 6, sizeof(job->lease_name) - 6, err));
    return reels_catalog_lease_acquire(platform->catalog,
                                       NULL,
                                       job->lease_name,
                                       platform->holder,
                                       platform->config.media_lease_us,
                                       &job->fence,
                                       err);
}

static void drop_lease(struct reels__media_job *job)
{
    (void)reels_catalog_lease_release(
        job->platform->catalog, NULL, job->lease_name, job->fence, NULL);
}

/* Renews the lease when a third of it has gone. STALE: the reel is no longer ours. */
static reels_status heartbeat(struct reels__media_job *job, reels_error *err)
{
    reels_platform *platform = job->platform;
    int64_t now = reels_ctx_now_mono_us(platform->ctx);
    if (now < job->renew_mono_us) {
        return REELS_OK;
    }
    job->renew_mono_us = now + platform->config.media_lease_us / 3;
    return reels_catalog_lease_renew(
        platform->catalog, NULL, job->lease_name, job->fence, platform->config.media_lease_us, err);
}

/* Writes the row. Its creator may have written it meanwhile (a new caption): then what is ours is
 * put on top of what is there, as long as the attempt is still ours. */
static reels_status
write_row(struct reels__media_job *job, void (*change)(struct reels__media_job *), reels_error *err)
{
    reels_status status = REELS_ERR_CONFLICT;
    for (int attempt = 0; attempt < 4 && status == REELS_ERR_CONFLICT; attempt++) {
        if (attempt > 0) {
            uint64_t id = job->reel.id;
            REELS_TRY(reels_reel_get(job->platform->reels, NULL, &id, 1, &job->reel, err));
        }
        if (job->reel.state != REELS_REEL_PROCESSING || job->reel.generation != job->generation) {
            return reels__fail(err, REELS_ERR_STALE, "the reel was taken from this worker");
        }
        change(job);
        status = reels_reel_update(job->platform->reels, NULL, &job->reel, err);
    }
    return status;
}

static void change_progress(struct reels__media_job *job)
{
    job->reel.progress_permille = job->progress_permille;
}

/* Empty when all went well. */
static void change_reason(struct reels__media_job *job)
{
    memcpy(job->reel.reason, job->reason, sizeof(job->reel.reason));
    memcpy(job->reel.detail, job->detail, sizeof(job->reel.detail));
}

static void change_ready(struct reels__media_job *job)
{
    job->reel.state = REELS_REEL_READY;
    job->reel.revision = 1;
    job->reel.progress_permille = 1000;
    job->reel.ready_unix_us = reels_ctx_now_unix_us(job->platform->ctx);
    job->reel.duration_us = job->duration_us;
    job->reel.width = job->width;
    job->reel.height = job->height;
    change_reason(job);
}

static void change_again(struct reels__media_job *job)
{
    job->reel.state = REELS_REEL_UPLOADED;
    job->reel.progress_permille = 0;
    change_reason(job);
}

static void change_failed(struct reels__media_job *job)
{
    job->reel.state = REELS_REEL_FAILED;
    change_reason(job);
}

/* ---- input ---- */

static reels_status
read_raw(void *user, uint64_t offset, uint8_t *data, size_t len, size_t *out_len, reels_error *err)
{
    struct reels__media_job *job = user;
    return reels_blob_read(
        job->platform->blob, NULL, job->raw_key, offset, data, len, out_len, err);
}

static void take_progress(void *user, const reels_transcode_progress *progress)
{
    struct reels__media_job *job = user;
    /* 1000 is for READY alone. */
    uint32_t permille = progress->done_ppm / 1000;
    job->progress_permille = permille < 999 ? permille : 999;
}

/* ---- beginning ---- */

static reels_status open_transcode(struct reels__media_job *job, reels_error *err)
{
    reels_platform *platform = job->platform;
    reels_blob_info raw = {.struct_size = sizeof(raw)};
    REELS_TRY(reels_upload_blob_key(job->reel.id, job->raw_key, sizeof(job->raw_key)));
    REELS_TRY(reels_blob_head(platform->blob, NULL, job->raw_key, &raw, err));
    REELS_TRY(reels_reel_media_prefix(
        job->reel.id, job->reel.generation, job->prefix, sizeof(job->prefix)));
    REELS_TRY(
        reels_output_blob_new(platform->ctx, platform->blob, job->prefix, NULL, &job->output, err));
    reels_media_input input = {.struct_size = sizeof(input),
                               .size_bytes = raw.size_bytes,
                               .read_at = read_raw,
                               .user = job};
    reels_media_limits limits = {.struct_size = sizeof(limits),
                                 .duration_max_us = platform->config.media_duration_us_max};
    reels_media_isolation isolation = {.struct_size = sizeof(isolation),
                                       .mode = REELS_ISOLATION_PROCESS,
                                       .worker_path = platform->config.media_worker_path};
    reels_transcode_options options = {.struct_size = sizeof(options),
                                       .threads_count = platform->config.media_threads_count,
                                       .limits = &limits,
                                       .isolation = &isolation,
                                       .progress = take_progress,
                                       .progress_user = job};
    return reels_transcode_new(platform->ctx,
                               &input,
                               &options,
                               reels_output_table(job->output),
                               job->output,
                               &job->transcode,
                               err);
}

static void close_job(struct reels__media_job *job)
{
    reels_transcode_free(job->transcode);
    reels_output_free(job->output);
    memset(job, 0, sizeof(*job));
}

/* Moves the reel to PROCESSING under a new generation. */
static reels_status claim(struct reels__media_job *job, reels_error *err)
{
    job->reel.state = REELS_REEL_PROCESSING;
    job->reel.generation++;
    job->reel.revision = 0;
    job->reel.attempts_count++;
    job->reel.progress_permille = 0;
    job->generation = job->reel.generation;
    return reels_reel_update(job->platform->reels, NULL, &job->reel, err);
}

static void
finish_badly(struct reels__media_job *job, reels_status status, const reels_error *cause);

reels_status reels__media_job_begin(struct reels__media_job *job,
                                    reels_platform *platform,
                                    uint64_t reel_id,
                                    int *out_taken,
                                    reels_error *err)
{
    memset(job, 0, sizeof(*job));
    *out_taken = 0;
    job->platform = platform;
    job->reel.struct_size = sizeof(job->reel);
    reels_status status = reels_reel_get(platform->reels, NULL, &reel_id, 1, &job->reel, err);
    if (status < 0 || job->reel.state != REELS_REEL_UPLOADED) {
        close_job(job);
        return status;
    }
    status = take_lease(job, err);
    if (status == REELS_OK) {
        job->renew_mono_us =
            reels_ctx_now_mono_us(platform->ctx) + platform->config.media_lease_us / 3;
        status = claim(job, err);
        if (status < 0) {
            drop_lease(job);
        }
    }
    if (status < 0) {
        close_job(job);
        /* Somebody else has it, or it changed: not ours to take. */
        return status == REELS_ERR_BUSY || status == REELS_ERR_CONFLICT ? REELS_OK : status;
    }
    *out_taken = 1;
    reels_error cause = REELS__ERROR_INIT;
    status = open_transcode(job, &cause);
    if (status < 0) {
        finish_badly(job, status, &cause);
        *out_taken = 0;
    }
    return REELS_OK;
}

/* ---- ending ---- */

/* What another attempt cannot mend is the file's fault. */
static int is_final(reels_status status)
{
    switch (status) {
    case REELS_ERR_UNSUPPORTED:
    case REELS_ERR_LIMIT:
    case REELS_ERR_CORRUPT:
    case REELS_ERR_ENCRYPTED:
    case REELS_ERR_INVALID_ARG:
        return 1;
    default:
        return 0;
    }
}

static void set_reason(struct reels__media_job *job, const char *reason, const char *detail)
{
    memset(job->reason, 0, sizeof(job->reason));
    memset(job->detail, 0, sizeof(job->detail));
    memcpy(job->reason, reason, strnlen(reason, sizeof(job->reason) - 1));
    memcpy(job->detail, detail, strnlen(detail, sizeof(job->detail) - 1));
}

/* Removes what this attempt and earlier ones have written, but for the generation that is kept (0 =
 * none). */
static void sweep_generations(struct reels__media_job *job, uint32_t kept)
{
    char prefix[REELS__MEDIA_NAME_BYTES];
    reels_platform *platform = job->platform;
    for (uint32_t generation = 1; generation <= job->reel.generation; generation++) {
        if (generation != kept &&
            reels_reel_media_prefix(job->reel.id, generation, prefix, sizeof(prefix)) == REELS_OK) {
            (void)reels__blob_remove_prefix(platform->ctx, platform->blob, NULL, prefix, NULL);
        }
    }
    (void)reels_renditions_remove(platform->ctx, platform->catalog, NULL, job->reel.id, kept, NULL);
}

/* Removes this attempt's files when its row, read again, can come to show them no more. It may be
 * READY with them all the same: the write of the row that seemed to fail may have taken effect.
 * What stays goes with the next attempt, or with the reel. */
static void sweep_if_dead(struct reels__media_job *job)
{
    reels_platform *platform = job->platform;
    uint32_t generation = job->generation;
    uint64_t id = job->reel.id;
    if (job->prefix[0] == '\0' ||
        reels_reel_get(platform->reels, NULL, &id, 1, &job->reel, NULL) != REELS_OK) {
        return;
    }
    uint32_t state = job->reel.state;
    int shown = state == REELS_REEL_READY || state == REELS_REEL_HELD ||
                state == REELS_REEL_BLOCKED || state == REELS_REEL_PROCESSING;
    if (job->reel.generation != generation || !shown) {
        (void)reels__blob_remove_prefix(platform->ctx, platform->blob, NULL, job->prefix, NULL);
    }
}

static void
finish_badly(struct reels__media_job *job, reels_status status, const reels_error *cause)
{
    reels_platform *platform = job->platform;
    int again = !is_final(status) && job->reel.attempts_count < platform->config.media_attempts_max;
    reels__log(platform->ctx,
               REELS_LOG_WARN,
               "reel %llu: attempt %u: %s: %s",
               (unsigned long long)job->reel.id,
               job->reel.attempts_count,
               reels_status_name(status),
               cause->message);
    reels_transcode_free(job->transcode);
    job->transcode = NULL;
    reels_status written = REELS_ERR_STALE;
    if (status != REELS_ERR_STALE) {
        set_reason(job, reels_status_name(status), cause->message);
        /* Not written: the lease runs out and maintenance takes the reel up. */
        written = write_row(job, again ? change_again : change_failed, NULL);
    }
    if (written == REELS_OK) {
        sweep_generations(job, 0);
    } else {
        sweep_if_dead(job);
    }
    drop_lease(job);
    reels__metric_add(platform->ctx, &metric_jobs, again ? "again" : "failed", 1);
    close_job(job);
}

static reels_status fill_result(struct reels__media_job *job, reels_error *err)
{
    reels_transcode_summary summary = {.struct_size = sizeof(summary)};
    REELS_TRY(reels_transcode_result(job->transcode, &summary, err));
    job->duration_us = summary.duration_us;
    if (summary.rungs_count > 0) {
        reels_rung top = {.struct_size = sizeof(top)};
        REELS_TRY(reels_transcode_rung(job->transcode, summary.rungs_count - 1, &top, err));
        job->width = top.width;
        job->height = top.height;
    }
    reels__metric_add(job->platform->ctx, &metric_output, NULL, (int64_t)summary.output_bytes);
    return REELS_OK;
}

/* Every file is there: the renditions, then the row, make it READY. */
static reels_status finish_well(struct reels__media_job *job, reels_error *err)
{
    reels_platform *platform = job->platform;
    reels_rendition renditions[RENDITIONS_MAX];
    size_t count = 0;
    REELS_TRY(
        reels__media_renditions(platform, job->prefix, renditions, RENDITIONS_MAX, &count, err));
    REELS_TRY(reels_renditions_put(platform->ctx,
                                   platform->catalog,
                                   NULL,
                                   job->reel.id,
                                   job->reel.generation,
                                   renditions,
                                   count,
                                   err));
    REELS_TRY(fill_result(job, err));
    REELS_TRY(write_row(job, change_ready, err));
    reels__metric_add(platform->ctx, &metric_jobs, "ready", 1);
    sweep_generations(job, job->reel.generation);
    drop_lease(job);
    close_job(job);
    return REELS_OK;
}

/* Writes progress, at most once a second. That it could not be written is no reason to begin anew,
 * unless the reel is no longer ours. */
static reels_status report(struct reels__media_job *job, reels_error *err)
{
    int64_t now = reels_ctx_now_mono_us(job->platform->ctx);
    if (now < job->progress_mono_us || job->progress_permille <= job->reel.progress_permille) {
        return REELS_OK;
    }
    job->progress_mono_us = now + PROGRESS_US;
    reels_status status = write_row(job, change_progress, err);
    return status == REELS_ERR_STALE || status == REELS_ERR_NOT_FOUND ? REELS_ERR_STALE : REELS_OK;
}

reels_status
reels__media_job_step(struct reels__media_job *job, int64_t budget_us, reels_error *err)
{
    (void)err; /* what fails here is the reel's affair, and is written to its row */
    reels_error cause = REELS__ERROR_INIT;
    reels_status status = heartbeat(job, &cause);
    if (status == REELS_OK) {
        status = reels_transcode_step(job->transcode, NULL, budget_us, &cause);
    }
    if (status == REELS_OK) {
        status = report(job, &cause);
    } else if (status == REELS_END) {
        status = finish_well(job, &cause);
    }
    if (status < 0) {
        finish_badly(job, status, &cause);
    }
    return REELS_OK;
}

/* Not the reel's fault: the attempt does not count. */
static void change_given_up(struct reels__media_job *job)
{
    change_again(job);
    if (job->reel.attempts_count > 0) {
        job->reel.attempts_count--;
    }
}

void reels__media_job_give_up(struct reels__media_job *job)
{
    reels_transcode_free(job->transcode);
    job->transcode = NULL;
    if (write_row(job, change_given_up, NULL) == REELS_OK) {
        sweep_generations(job, 0);
    } else {
        sweep_if_dead(job);
    }
    drop_lease(job);
    close_job(job);
}
