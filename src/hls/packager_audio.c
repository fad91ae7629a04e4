/* Owns the time line of an audio track: priming that is skipped, silence that is filled in. */
#include "aac.h"
#include "base/buffer_internal.h"
#include "base/error.h"
#include "packager_internal.h"

enum {
    /* More priming than this is a mistake in the caller's time stamps. */
    SKIP_SECONDS_MAX = 10
};

static reels_status push_silence(reels_packager *p, struct reels__track *track, reels_error *err)
{
    size_t len = 0;
    const uint8_t *frame = reels__aac_silence(track->mp4.channels, &len);
    struct reels__queued sample = {
        .pts = track->media_end, .duration = track->frame_samples, .size = (uint32_t)len, .key = 1};
    REELS_TRY(reels_buf_append(track->data, frame, len, err));
    REELS_TRY(reels__queue_push(p, track, &sample, err));
    track->media_end += track->frame_samples;
    return REELS_OK;
}

reels_status reels__audio_fill_to(reels_packager *p,
                                  struct reels__track *track,
                                  int64_t media_end,
                                  reels_error *err)
{
    if (media_end - track->media_end <= (int64_t)track->frame_samples) {
        return REELS_OK;
    }
    while (track->media_end < media_end) {
        REELS_TRY(push_silence(p, track, err));
    }
    return REELS_OK;
}

/* The first sample says how much is skipped, or how much silence comes before it. */
static reels_status
start(reels_packager *p, struct reels__track *track, int64_t pts, reels_error *err)
{
    if (pts < -(int64_t)SKIP_SECONDS_MAX * track->mp4.timescale) {
        return reels__fail(err,
                           REELS_ERR_INVALID_ARG,
                           "packager: track %s starts more than %d s before 0",
                           track->name,
                           SKIP_SECONDS_MAX);
    }
    track->started = 1;
    if (pts <= 0) {
        track->mp4.skip = -pts;
        return REELS_OK;
    }
    if (!track->can_fill) {
        return reels__fail(err,
                           REELS_ERR_UNSUPPORTED,
                           "packager: track %s starts late, and silence is known for AAC-LC with "
                           "one or two channels only",
                           track->name);
    }
    int64_t frame = track->frame_samples;
    int64_t silence = (pts + frame - 1) / frame * frame;
    track->mp4.skip = silence - pts;
    while (track->media_end < silence) {
        REELS_TRY(push_silence(p, track, err));
    }
    return REELS_OK;
}

/* Without pictures the grid itself is where audio is cut. */
static reels_status
cut_by_grid(reels_packager *p, const struct reels__track *track, reels_error *err)
{
    int64_t end_us = reels__ticks_us(track->media_end - track->mp4.skip, track->mp4.timescale);
    int64_t last = p->cuts_count > 0 ? p->cuts[p->cuts_count - 1] : 0;
    int64_t next = reels__cut_next(p, last);
    if (reels__ticks_us(next, p->cuts_timescale) + p->options.segment_us / 2 <= end_us) {
        REELS_TRY(reels__cut_add(p, next, err));
        p->cuts_confirmed = p->cuts_count;
    }
    return REELS_OK;
}

reels_status reels__audio_push(reels_packager *p,
                               struct reels__track *track,
                               const reels_sample *sample,
                               reels_error *err)
{
    if (sample->duration <= 0 || sample->duration > UINT32_MAX) {
        return reels__fail(err,
                           REELS_ERR_INVALID_ARG,
                           "packager: track %s: a sample without duration",
                           track->name);
    }
    if (!track->started) {
        REELS_TRY(start(p, track, sample->pts, err));
    }
    int64_t off = sample->pts + track->mp4.skip - track->media_end;
    int64_t tolerance = track->frame_samples / 2;
    if (off > tolerance || off < -tolerance) {
        return reels__fail(
            err,
            REELS_ERR_INVALID_ARG,
            "packager: track %s: the sample at %lld us does not follow the one before it",
            track->name,
            (long long)reels__ticks_us(sample->pts, track->mp4.timescale));
    }
    struct reels__queued queued = {.pts = track->media_end,
                                   .duration = sample->duration,
                                   .size = (uint32_t)sample->data_len,
                                   .key = 1};
    REELS_TRY(reels_buf_append(track->data, sample->data, sample->data_len, err));
    REELS_TRY(reels__queue_push(p, track, &queued, err));
    track->media_end += sample->duration;
    return p->video_count == 0 ? cut_by_grid(p, track, err) : REELS_OK;
}
