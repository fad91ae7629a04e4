/* Owns the public face of a transcode, wherever it runs. */
#include <string.h>

#include <reels/media.h>

#include "base/checked.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "media/isolate.h"
#include "media/pipeline.h"
#include "media/stage.h"

enum {
    US_PER_S = 1000000
};

struct reels_transcode {
    reels_ctx *ctx;
    reels__media_settings settings;
    reels__media_source source;
    reels__media_stage stage;
    reels__media_pipeline *pipeline; /* of a job in this process */
    reels__media_isolate *isolate;   /* of a job in a worker, from its first step on */
    reels_transcode_progress_fn progress;
    void *progress_user;
    uint32_t told_ppm;
    uint32_t told_stage;
    int done;
    int failed;
    int has_info;
    reels_probe_info info;
    reels_transcode_summary summary;
    reels_rung rungs[REELS_RUNGS_MAX];
};

reels_status reels_transcode_new(reels_ctx *ctx,
                                 const reels_media_input *input,
                                 const reels_transcode_options *options,
                                 const reels_output_vtable *output,
                                 void *output_impl,
                                 reels_transcode **out,
                                 reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "transcode: out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL && input != NULL && output != NULL,
                  err,
                  "transcode: ctx, input and output must be given");
    reels_transcode *job = reels__mem_zalloc(ctx, sizeof *job);
    if (job == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a transcode");
    }
    job->ctx = ctx;
    reels_status status = reels__media_settings_read(options, &job->settings, err);
    if (status == REELS_OK) {
        status = reels__media_source_open(
            &job->source, ctx, input, job->settings.limits.file_bytes_max, err);
    }
    if (status == REELS_OK) {
        status = reels__media_stage_init(
            &job->stage, ctx, output, output_impl, job->settings.limits.output_bytes_max, err);
    }
    if (status == REELS_OK && job->settings.isolation == REELS_ISOLATION_NONE) {
        status = reels__media_pipeline_new(ctx,
                                           &job->source,
                                           &job->settings,
                                           &reels__media_stage_table,
                                           &job->stage,
                                           &job->pipeline,
                                           err);
    }
    if (status < 0) {
        reels_transcode_free(job);
        return status;
    }
    if (options != NULL) {
        job->progress = options->progress;
        job->progress_user = options->progress_user;
    }
    *out = job;
    return REELS_OK;
}

/* Tells the host when something has changed; never less than it was told before. */
static void tell(reels_transcode *job, const reels_transcode_progress *now)
{
    if (now->done_ppm < job->told_ppm ||
        (now->done_ppm == job->told_ppm && now->stage == job->told_stage)) {
        return;
    }
    job->told_ppm = now->done_ppm;
    job->told_stage = now->stage;
    if (job->progress != NULL) {
        job->progress(job->progress_user, now);
    }
}

static void remember_info(reels_transcode *job, const reels_probe_info *info)
{
    if (info != NULL && !job->has_info) {
        job->info = *info;
        job->has_info = 1;
    }
}

static reels_status
step_here(reels_transcode *job, const reels_call *call, int64_t until_us, reels_error *err)
{
    for (;;) {
        reels_status status = reels__media_pipeline_tick(job->pipeline, call, err);
        remember_info(job, reels__media_pipeline_info(job->pipeline));
        if (status != REELS_OK) {
            return status;
        }
        reels_transcode_progress now;
        reels__media_pipeline_progress(job->pipeline, &now);
        tell(job, &now);
        if (reels_ctx_now_mono_us(job->ctx) >= until_us) {
            return REELS_OK;
        }
    }
}

static reels_status
step_worker(reels_transcode *job, const reels_call *call, int64_t until_us, reels_error *err)
{
    if (job->isolate == NULL) {
        REELS_TRY(reels__media_isolate_new(job->ctx,
                                           &job->source,
                                           &job->settings,
                                           &reels__media_stage_table,
                                           &job->stage,
                                           &job->isolate,
                                           err));
    }
    for (;;) {
        reels_status status = reels__media_isolate_step(job->isolate, call, until_us, err);
        remember_info(job, reels__media_isolate_info(job->isolate));
        if (status != REELS_OK) {
            return status;
        }
        reels_transcode_progress now;
        reels__media_isolate_progress(job->isolate, &now);
        tell(job, &now);
        if (reels_ctx_now_mono_us(job->ctx) >= until_us) {
            return REELS_OK;
        }
    }
}

/* Everything is written: let it be seen. */
static reels_status complete(reels_transcode *job, reels_error *err)
{
    reels_transcode_progress now;
    if (job->isolate != NULL) {
        reels__media_isolate_summary(job->isolate, &job->summary, job->rungs);
        reels__media_isolate_progress(job->isolate, &now);
    } else {
        reels__media_pipeline_summary(job->pipeline, &job->summary, job->rungs);
        reels__media_pipeline_progress(job->pipeline, &now);
    }
    job->summary.output_bytes = job->stage.bytes;
    job->summary.files_count = job->stage.files_count;
    REELS_TRY(reels__media_stage_commit(&job->stage, err));
    tell(job, &now);
    return REELS_END;
}

/* Lets go of everything but what was made, so that a failed job holds no file open. */
static void let_go(reels_transcode *job)
{
    reels__media_pipeline_free(job->pipeline);
    job->pipeline = NULL;
    reels__media_isolate_free(job->isolate);
    job->isolate = NULL;
    reels__media_stage_dispose(&job->stage);
    reels__media_source_close(&job->source);
}

reels_status reels_transcode_step(reels_transcode *job,
                                  const reels_call *call,
                                  int64_t budget_us,
                                  reels_error *err)
{
    REELS_REQUIRE(job != NULL, err, "transcode: job is NULL");
    if (job->failed) {
        return reels__fail(err, REELS_ERR_STATE, "the transcode has failed before");
    }
    if (job->done) {
        return REELS_END;
    }
    int64_t until_us = reels_ctx_now_mono_us(job->ctx);
    if (budget_us > 0) {
        until_us = reels__i64_add_saturated(until_us, budget_us);
    }
    int here = job->settings.isolation == REELS_ISOLATION_NONE;
    reels_status status =
        here ? step_here(job, call, until_us, err) : step_worker(job, call, until_us, err);
    if (status == REELS_END) {
        status = complete(job, err);
        job->done = status == REELS_END;
    }
    if (status != REELS_OK) {
        job->failed = !job->done;
        let_go(job);
    }
    return status;
}

reels_status
reels_transcode_result(const reels_transcode *job, reels_transcode_summary *out, reels_error *err)
{
    REELS_REQUIRE(job != NULL && out != NULL, err, "transcode: job and out must be given");
    if (!job->done) {
        return reels__fail(err, REELS_ERR_STATE, "the transcode has not ended");
    }
    return reels__result_write(out,
                               sizeof(reels_transcode_summary),
                               &job->summary,
                               sizeof job->summary,
                               "reels_transcode_summary",
                               err);
}

reels_status
reels_transcode_rung(const reels_transcode *job, uint32_t index, reels_rung *out, reels_error *err)
{
    REELS_REQUIRE(job != NULL && out != NULL, err, "transcode: job and out must be given");
    if (!job->done) {
        return reels__fail(err, REELS_ERR_STATE, "the transcode has not ended");
    }
    if (index >= job->summary.rungs_count) {
        return REELS_END;
    }
    const reels_rung *rung = &job->rungs[index];
    return reels__result_write(out, sizeof(reels_rung), rung, sizeof *rung, "reels_rung", err);
}

reels_status
reels_transcode_info(const reels_transcode *job, reels_probe_info *out, reels_error *err)
{
    REELS_REQUIRE(job != NULL && out != NULL, err, "transcode: job and out must be given");
    if (!job->has_info) {
        return reels__fail(err, REELS_ERR_STATE, "the file has not been looked at yet");
    }
    return reels__result_write(
        out, sizeof(reels_probe_info), &job->info, sizeof job->info, "reels_probe_info", err);
}

void reels_transcode_free(reels_transcode *job)
{
    if (job == NULL) {
        return;
    }
    let_go(job);
    reels__mem_free(job->ctx, job);
}

reels_status reels_transcode_run(reels_ctx *ctx,
                                 const reels_call *call,
                                 const reels_media_input *input,
                                 const reels_transcode_options *options,
                                 const reels_output_vtable *output,
                                 void *output_impl,
                                 reels_transcode_summary *out_summary,
                                 reels_error *err)
{
    const int64_t budget_us = US_PER_S;
    reels_transcode *job = NULL;
    REELS_TRY(reels_transcode_new(ctx, input, options, output, output_impl, &job, err));
    reels_status status = REELS_OK;
    while (status == REELS_OK) {
        status = reels_transcode_step(job, call, budget_us, err);
    }
    if (status == REELS_END) {
        status = out_summary != NULL ? reels_transcode_result(job, out_summary, err) : REELS_OK;
    }
    reels_transcode_free(job);
    return status;
}
