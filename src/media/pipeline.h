/* Owns a transcode in this process: one decode pass, every rung, sound once, cover. It is advanced
 * one picture or packet at a time by whoever steps it. */
#ifndef REELS_SRC_MEDIA_PIPELINE_H
#define REELS_SRC_MEDIA_PIPELINE_H

#include <reels/media.h>

#include "media/source.h"

/* Options as everything below the door sees them: full, with defaults. */
typedef struct reels__media_settings {
    reels_media_limits limits;
    reels_ladder_options ladder;
    uint32_t threads_count;
    uint32_t rungs_count; /* 0 = plan them */
    reels_rung rungs[REELS_RUNGS_MAX];
    uint32_t audio_bitrate_bps;
    uint32_t cover_short_side_max;
    int64_t segment_us;
    char preset[24];
    uint32_t isolation;
    uint32_t reserved0;
    char worker_path[512]; /* "" = the default */
} reels__media_settings;

reels_status reels__media_settings_read(const reels_transcode_options *options,
                                        reels__media_settings *out,
                                        reels_error *err);
reels_status reels__media_isolation_read(const reels_media_isolation *isolation,
                                         reels__media_settings *out,
                                         reels_error *err);

typedef struct reels__media_pipeline reels__media_pipeline;

/* source, settings and the output's impl are borrowed until the pipeline is freed. */
reels_status reels__media_pipeline_new(reels_ctx *ctx,
                                       reels__media_source *source,
                                       const reels__media_settings *settings,
                                       const reels_output_vtable *output,
                                       void *output_impl,
                                       reels__media_pipeline **out,
                                       reels_error *err);

/* One picture or packet on: REELS_OK = more to do, REELS_END = everything is in the output. */
reels_status reels__media_pipeline_tick(reels__media_pipeline *pipeline,
                                        const reels_call *call,
                                        reels_error *err);

void reels__media_pipeline_progress(const reels__media_pipeline *pipeline,
                                    reels_transcode_progress *out);
/* NULL before the probe is done. */
const reels_probe_info *reels__media_pipeline_info(const reels__media_pipeline *pipeline);
/* What was made; the files' figures are the output's to know. */
void reels__media_pipeline_summary(const reels__media_pipeline *pipeline,
                                   reels_transcode_summary *out,
                                   reels_rung rungs[REELS_RUNGS_MAX]);

void reels__media_pipeline_free(reels__media_pipeline *pipeline);

#endif
