/* Owns the public door of probing. */
#include "media/probe.h"

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "media/describe.h"
#include "media/isolate.h"
#include "media/limits.h"
#include "media/pipeline.h"

/* A limit or damage found while counting packets is a reason to refuse what could be described. */
static reels_status describe_exactly(reels_ctx *ctx,
                                     const reels_call *call,
                                     reels__media_source *source,
                                     const reels_media_limits *limits,
                                     const reels__media_tracks *tracks,
                                     reels_probe_info *info,
                                     reels_error *err)
{
    reels__media_timing timing = {0};
    reels_error found = REELS__ERROR_INIT;
    reels_status status = reels__media_scan(ctx, call, source, limits, tracks, &timing, &found);
    if (status == REELS_OK) {
        reels__media_describe_exact(&timing, limits, info);
    } else if (status == REELS_ERR_LIMIT || status == REELS_ERR_CORRUPT) {
        reels__media_refuse(info, status, "%s", found.message);
    } else {
        return reels__media_fail_as(err, &found);
    }
    return REELS_OK;
}

reels_status reels__media_probe(reels_ctx *ctx,
                                const reels_call *call,
                                reels__media_source *source,
                                const reels_media_limits *limits,
                                uint32_t exact,
                                reels_probe_info *info,
                                reels_error *err)
{
    reels__media_tracks tracks = {0};
    reels__media_demux *demux = reels__mem_zalloc(ctx, sizeof *demux);
    if (demux == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a demuxer");
    }
    reels_status status =
        reels__media_demux_open(demux, ctx, call, source, limits, REELS__DEMUX_STREAMS, err);
    if (status == REELS_OK) {
        status = reels__media_describe(demux, limits, &tracks, info, err);
    }
    reels__media_demux_close(demux);
    reels__mem_free(ctx, demux);
    if (status == REELS_OK && exact && info->verdict != REELS_VERDICT_REFUSE) {
        status = describe_exactly(ctx, call, source, limits, &tracks, info, err);
    }
    return status;
}

static reels_status probe_in_worker(reels_ctx *ctx,
                                    const reels_call *call,
                                    reels__media_source *source,
                                    const reels__media_settings *settings,
                                    uint32_t exact,
                                    reels_probe_info *info,
                                    reels_error *err)
{
    const int64_t step_us = 1000000;
    reels__media_isolate *isolate = NULL;
    reels_status status =
        reels__media_isolate_new_probe(ctx, source, settings, exact, &isolate, err);
    while (status == REELS_OK) {
        status =
            reels__media_isolate_step(isolate, call, reels_ctx_now_mono_us(ctx) + step_us, err);
    }
    if (status == REELS_END) {
        *info = *reels__media_isolate_info(isolate);
        status = REELS_OK;
    }
    reels__media_isolate_free(isolate);
    return status;
}

reels_status reels_probe_run(reels_ctx *ctx,
                             const reels_call *call,
                             const reels_media_input *input,
                             const reels_probe_options *options,
                             reels_probe_info *out_info,
                             reels_error *err)
{
    REELS_REQUIRE(ctx != NULL && input != NULL && out_info != NULL,
                  err,
                  "probe: ctx, input and out_info must be given");
    reels_probe_options in = {0};
    reels__media_settings settings = {0};
    REELS_TRY(reels__options_read(
        options, sizeof(reels_probe_options), &in, sizeof in, "reels_probe_options", err));
    REELS_TRY(reels__media_limits_read(in.limits, &settings.limits, err));
    REELS_TRY(reels__media_isolation_read(in.isolation, &settings, err));
    REELS_TRY(reels__call_check(ctx, call, err));
    reels__media_source source = {0};
    reels_probe_info info = {0};
    REELS_TRY(reels__media_source_open(&source, ctx, input, settings.limits.file_bytes_max, err));
    reels_status status = REELS_OK;
    if (settings.isolation == REELS_ISOLATION_NONE) {
        status = reels__media_probe(ctx, call, &source, &settings.limits, in.exact, &info, err);
    } else {
        status = probe_in_worker(ctx, call, &source, &settings, in.exact, &info, err);
    }
    reels__media_source_close(&source);
    return status < 0 ? status
                      : reels__result_write(out_info,
                                            sizeof(reels_probe_info),
                                            &info,
                                            sizeof info,
                                            "reels_probe_info",
                                            err);
}
