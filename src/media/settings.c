/* Owns the reading of transcode options at the door. */
#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/utf8.h"
#include "media/limits.h"
#include "media/pipeline.h"

enum {
    SEGMENT_US_DEFAULT = 2000000,
    SEGMENT_US_MIN = 500000,
    SEGMENT_US_MAX = 10000000,
    AUDIO_BPS_DEFAULT = 128000,
    COVER_SIDE_DEFAULT = 720
};

static reels_status
copy_text(char *out, size_t size, const char *text, const char *name, reels_error *err)
{
    size_t len = strlen(text);
    if (len >= size || !reels__utf8_valid_text(text)) {
        return reels__fail(
            err, REELS_ERR_INVALID_ARG, "%s is not text of at most %zu bytes", name, size - 1);
    }
    memcpy(out, text, len + 1);
    return REELS_OK;
}

reels_status reels__media_isolation_read(const reels_media_isolation *isolation,
                                         reels__media_settings *out,
                                         reels_error *err)
{
    reels_media_isolation in = {0};
    REELS_TRY(reels__options_read(
        isolation, sizeof(reels_media_isolation), &in, sizeof in, "reels_media_isolation", err));
    REELS_REQUIRE(in.mode == REELS_ISOLATION_PROCESS || in.mode == REELS_ISOLATION_NONE,
                  err,
                  "isolation: unknown mode");
    out->isolation = in.mode;
    return copy_text(out->worker_path,
                     sizeof out->worker_path,
                     in.worker_path != NULL ? in.worker_path : "",
                     "isolation: worker_path",
                     err);
}

static int name_is_valid(const char *name, size_t size)
{
    size_t len = strnlen(name, size);
    if (len == 0 || len == size) {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        int is_ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!is_ok) {
            return 0;
        }
    }
    return 1;
}

static reels_status check_rung(const reels_rung *rung, reels_error *err)
{
    REELS_REQUIRE(name_is_valid(rung->name, sizeof rung->name),
                  err,
                  "rung: its name must be 1 to 15 of a-z, 0-9, _ and -");
    REELS_REQUIRE(rung->width >= 2 && rung->height >= 2 && rung->width <= 4096 &&
                      rung->height <= 4096 && rung->width % 2 == 0 && rung->height % 2 == 0,
                  err,
                  "rung: width and height must be even and 2 to 4,096");
    REELS_REQUIRE(rung->frame_rate_num > 0 && rung->frame_rate_den > 0 &&
                      rung->frame_rate_num <= 1000000 && rung->frame_rate_den <= 1000000,
                  err,
                  "rung: the frame rate is missing or absurd");
    REELS_REQUIRE(rung->video_bitrate_bps >= 1000 && rung->video_bitrate_bps <= 200000000 &&
                      rung->video_bitrate_max_bps >= rung->video_bitrate_bps &&
                      rung->video_bitrate_max_bps <= 400000000 && rung->buffer_bits > 0 &&
                      rung->buffer_bits <= 1000000000,
                  err,
                  "rung: bitrates are missing or out of order");
    return REELS_OK;
}

static reels_status
read_rungs(const reels_transcode_options *in, reels__media_settings *out, reels_error *err)
{
    if (in->rungs == NULL) {
        return REELS_OK;
    }
    REELS_REQUIRE(in->rungs_count >= 1 && in->rungs_count <= REELS_RUNGS_MAX,
                  err,
                  "options: rungs_count is 1 to 8 when rungs are given");
    size_t stride = in->rungs[0].struct_size;
    REELS_REQUIRE(stride >= sizeof(reels_rung) && stride <= 4096,
                  err,
                  "options: struct_size of the first rung is wrong");
    for (uint32_t i = 0; i < in->rungs_count; i++) {
        reels_rung *rung = &out->rungs[i];
        const uint8_t *from = (const uint8_t *)in->rungs + i * stride;
        REELS_TRY(
            reels__options_read(from, sizeof(reels_rung), rung, sizeof *rung, "reels_rung", err));
        REELS_TRY(check_rung(rung, err));
        rung->short_side = rung->width < rung->height ? rung->width : rung->height;
        for (uint32_t k = 0; k < i; k++) {
            REELS_REQUIRE(strcmp(out->rungs[k].name, rung->name) != 0,
                          err,
                          "options: two rungs have the same name");
            REELS_REQUIRE(out->rungs[k].width <= rung->width &&
                              out->rungs[k].height <= rung->height,
                          err,
                          "options: rungs must come smallest first");
        }
    }
    out->rungs_count = in->rungs_count;
    return REELS_OK;
}

reels_status reels__media_settings_read(const reels_transcode_options *options,
                                        reels__media_settings *out,
                                        reels_error *err)
{
    reels_transcode_options in = {0};
    *out = (reels__media_settings){0};
    REELS_TRY(reels__options_read(
        options, sizeof(reels_transcode_options), &in, sizeof in, "reels_transcode_options", err));
    REELS_TRY(reels__media_limits_read(in.limits, &out->limits, err));
    REELS_TRY(reels__media_isolation_read(in.isolation, out, err));
    REELS_TRY(reels__options_read(in.ladder,
                                  sizeof(reels_ladder_options),
                                  &out->ladder,
                                  sizeof out->ladder,
                                  "reels_ladder_options",
                                  err));
    REELS_TRY(read_rungs(&in, out, err));
    out->threads_count = in.threads_count > 0 ? in.threads_count : 1;
    out->audio_bitrate_bps = in.audio_bitrate_bps > 0 ? in.audio_bitrate_bps : AUDIO_BPS_DEFAULT;
    out->segment_us = in.segment_us != 0 ? in.segment_us : SEGMENT_US_DEFAULT;
    out->cover_short_side_max =
        in.cover_short_side_max > 0 ? in.cover_short_side_max : COVER_SIDE_DEFAULT;
    REELS_REQUIRE(
        out->threads_count <= REELS__MEDIA_THREADS_MAX, err, "options: threads_count is above 64");
    REELS_REQUIRE(out->audio_bitrate_bps >= 16000 && out->audio_bitrate_bps <= 512000,
                  err,
                  "options: audio_bitrate_bps is 16,000 to 512,000");
    REELS_REQUIRE(out->segment_us >= SEGMENT_US_MIN && out->segment_us <= SEGMENT_US_MAX,
                  err,
                  "options: segment_us is 0.5 s to 10 s");
    return copy_text(out->preset,
                     sizeof out->preset,
                     in.preset != NULL ? in.preset : "veryfast",
                     "options: preset",
                     err);
}
