/* Owns where segments end: the grid, the cuts that all tracks share, and the order in which they
 * become certain. A cut is confirmed once half a segment follows it, so that a short tail can still
 * join the segment before it. */
#include "base/error.h"
#include "base/mem.h"
#include "packager_internal.h"

enum {
    /* A key frame this part of a segment before the grid still counts as on it. */
    TOLERANCE_DIVISOR = 20,
    CUTS_MAX = 1000000
};

int64_t reels__cut_ticks(const reels_packager *p, int64_t us)
{
    return us * p->cuts_timescale / REELS__PACKAGER_US_PER_S;
}

static int64_t half_segment(const reels_packager *p)
{
    return reels__cut_ticks(p, p->options.segment_us / 2);
}

int64_t reels__cut_next(const reels_packager *p, int64_t ticks)
{
    int64_t tolerance = reels__cut_ticks(p, p->options.segment_us / TOLERANCE_DIVISOR);
    int64_t after_us = reels__ticks_us(ticks + tolerance, p->cuts_timescale);
    int64_t first_us = p->options.first_segment_us;
    if (after_us < first_us) {
        return reels__cut_ticks(p, first_us);
    }
    int64_t steps = (after_us - first_us) / p->options.segment_us + 1;
    return reels__cut_ticks(p, first_us + steps * p->options.segment_us);
}

reels_status reels__cut_add(reels_packager *p, int64_t ticks, reels_error *err)
{
    if (p->cuts_count == p->cuts_capacity) {
        size_t capacity = p->cuts_capacity * 2 + 16;
        if (capacity > CUTS_MAX) {
            return reels__fail(err, REELS_ERR_LIMIT, "packager: more than %d segments", CUTS_MAX);
        }
        int64_t *cuts = reels__mem_realloc(p->ctx, p->cuts, capacity * sizeof *cuts);
        if (cuts == NULL) {
            return reels__fail(
                err, REELS_ERR_NO_MEMORY, "packager: no memory for %zu cuts", capacity);
        }
        p->cuts = cuts;
        p->cuts_capacity = capacity;
    }
    p->cuts[p->cuts_count++] = ticks;
    return REELS_OK;
}

reels_status
reels__cut_at_key(reels_packager *p, struct reels__track *track, int64_t pts, reels_error *err)
{
    if (track->cuts_matched < p->cuts_count) {
        int64_t cut = p->cuts[track->cuts_matched];
        if (pts > cut) {
            return reels__fail(
                err,
                REELS_ERR_CONFLICT,
                "packager: track %s has no key frame at %lld us, where another track was cut",
                track->name,
                (long long)reels__ticks_us(cut, p->cuts_timescale));
        }
        track->cuts_matched += pts == cut;
        return REELS_OK;
    }
    int64_t last = p->cuts_count > 0 ? p->cuts[p->cuts_count - 1] : 0;
    int64_t tolerance = reels__cut_ticks(p, p->options.segment_us / TOLERANCE_DIVISOR);
    if (pts < reels__cut_next(p, last) - tolerance) {
        return REELS_OK;
    }
    REELS_TRY(reels__cut_add(p, pts, err));
    track->cuts_matched++;
    return REELS_OK;
}

void reels__cut_confirm(reels_packager *p, int64_t ticks)
{
    while (p->cuts_confirmed < p->cuts_count &&
           ticks >= p->cuts[p->cuts_confirmed] + half_segment(p)) {
        p->cuts_confirmed++;
    }
}

/* A cut as media time of a track, to the nearest tick. */
static int64_t cut_of_track(const reels_packager *p, const struct reels__track *track, size_t index)
{
    int64_t scale = p->cuts_timescale;
    return (p->cuts[index] * track->mp4.timescale + scale / 2) / scale + track->mp4.skip;
}

/* Video: writes up to the key frame at the cut, if it has come. */
static reels_status
drain_video(reels_packager *p, struct reels__track *track, int *out_wrote, reels_error *err)
{
    int64_t cut = p->cuts[track->cuts_written];
    *out_wrote = 0;
    for (size_t i = 1; i < track->queue_count; i++) {
        if (track->queue[i].key && track->queue[i].pts == cut) {
            *out_wrote = 1;
            return reels__segment_write(p, track, i, cut, err);
        }
    }
    return REELS_OK;
}

/* Audio: writes up to the sample boundary nearest to the cut, once samples reach over it. */
static reels_status
drain_audio(reels_packager *p, struct reels__track *track, int *out_wrote, reels_error *err)
{
    int64_t cut = cut_of_track(p, track, track->cuts_written);
    *out_wrote = 0;
    if (track->media_end < cut || track->queue_count == 0) {
        return REELS_OK;
    }
    size_t count = 1;
    while (count < track->queue_count && track->queue[count].pts < cut) {
        count++;
    }
    int64_t boundary = count < track->queue_count ? track->queue[count].pts : track->media_end;
    /* That is the first boundary at or after the cut; the one before it may be nearer. */
    if (count > 1 && cut - track->queue[count - 1].pts < boundary - cut) {
        boundary = track->queue[--count].pts;
    }
    *out_wrote = 1;
    return reels__segment_write(p, track, count, boundary, err);
}

static reels_status drain_track(reels_packager *p, struct reels__track *track, reels_error *err)
{
    int wrote = 1;
    while (wrote && track->cuts_written < p->cuts_confirmed) {
        if (track->mp4.kind == REELS__MP4_VIDEO) {
            REELS_TRY(drain_video(p, track, &wrote, err));
        } else {
            REELS_TRY(drain_audio(p, track, &wrote, err));
        }
        track->cuts_written += (size_t)wrote;
    }
    return REELS_OK;
}

reels_status reels__cut_drain(reels_packager *p, reels_error *err)
{
    for (uint32_t i = 0; i < p->tracks_count; i++) {
        REELS_TRY(drain_track(p, p->tracks[i], err));
    }
    return REELS_OK;
}

/* Where a video track's picture shown last goes away. */
static int64_t video_end(const struct reels__track *track)
{
    const struct reels__queued *last = NULL;
    for (size_t i = 0; i < track->queue_count; i++) {
        if (last == NULL || track->queue[i].pts > last->pts) {
            last = &track->queue[i];
        }
    }
    if (last == NULL) {
        return 0;
    }
    int64_t duration = last->duration;
    if (duration <= 0 && track->frame_rate_num > 0) {
        duration = (int64_t)track->mp4.timescale * track->frame_rate_den / track->frame_rate_num;
    }
    if (duration <= 0 && track->queue_count > 1) {
        duration = (last->pts - track->queue[0].pts) / (int64_t)(track->queue_count - 1);
    }
    return last->pts + (duration > 0 ? duration : 1);
}

/* The cut at the end stands when half a segment or more follows it in any track. */
static reels_status settle_cuts(reels_packager *p, int64_t end, reels_error *err)
{
    reels__cut_confirm(p, end);
    p->cuts_count = p->cuts_confirmed;
    for (uint32_t i = 0; i < p->tracks_count; i++) {
        struct reels__track *track = p->tracks[i];
        if (track->mp4.kind == REELS__MP4_VIDEO && track->cuts_matched < p->cuts_count) {
            return reels__fail(
                err,
                REELS_ERR_CONFLICT,
                "packager: track %s ends before %lld us, where another track was cut",
                track->name,
                (long long)reels__ticks_us(p->cuts[track->cuts_matched], p->cuts_timescale));
        }
    }
    return REELS_OK;
}

/* Sound that goes on after the pictures is cut by the grid from where they end. */
static reels_status cut_audio_tail(reels_packager *p, int64_t pictures_end, reels_error *err)
{
    int64_t audio_end = 0;
    for (uint32_t i = 0; i < p->tracks_count; i++) {
        const struct reels__track *track = p->tracks[i];
        if (track->mp4.kind == REELS__MP4_AUDIO) {
            int64_t us = reels__ticks_us(track->media_end - track->mp4.skip, track->mp4.timescale);
            int64_t ticks = reels__cut_ticks(p, us);
            audio_end = ticks > audio_end ? ticks : audio_end;
        }
    }
    int64_t last = p->cuts_count > 0 ? p->cuts[p->cuts_count - 1] : 0;
    int64_t next = reels__cut_next(p, last > pictures_end ? last : pictures_end);
    while (next + half_segment(p) <= audio_end) {
        REELS_TRY(reels__cut_add(p, next, err));
        p->cuts_confirmed = p->cuts_count;
        next = reels__cut_next(p, next);
    }
    return REELS_OK;
}

static reels_status
flush_audio(reels_packager *p, struct reels__track *track, int64_t pictures_end, reels_error *err)
{
    int64_t end = (pictures_end * track->mp4.timescale + p->cuts_timescale / 2) / p->cuts_timescale;
    if (p->video_count > 0 && track->can_fill) {
        REELS_TRY(reels__audio_fill_to(p, track, end + track->mp4.skip, err));
    }
    return REELS_OK;
}

static reels_status flush_all(reels_packager *p, uint32_t kind, reels_error *err)
{
    for (uint32_t i = 0; i < p->tracks_count; i++) {
        struct reels__track *track = p->tracks[i];
        if (track->mp4.kind != kind || track->queue_count == 0) {
            continue;
        }
        int64_t end = kind == REELS__MP4_VIDEO ? video_end(track) : track->media_end;
        REELS_TRY(reels__segment_write(p, track, track->queue_count, end, err));
    }
    return REELS_OK;
}

reels_status reels__cut_finish(reels_packager *p, reels_error *err)
{
    int64_t end = 0;
    for (uint32_t i = 0; i < p->tracks_count; i++) {
        if (p->tracks[i]->mp4.kind == REELS__MP4_VIDEO) {
            int64_t track_end = video_end(p->tracks[i]);
            end = track_end > end ? track_end : end;
        }
    }
    if (p->video_count > 0) {
        REELS_TRY(settle_cuts(p, end, err));
    }
    for (uint32_t i = 0; i < p->tracks_count; i++) {
        if (p->tracks[i]->mp4.kind == REELS__MP4_AUDIO) {
            REELS_TRY(flush_audio(p, p->tracks[i], end, err));
        }
    }
    REELS_TRY(reels__cut_drain(p, err));
    REELS_TRY(flush_all(p, REELS__MP4_VIDEO, err));
    REELS_TRY(cut_audio_tail(p, end, err));
    REELS_TRY(reels__cut_drain(p, err));
    return flush_all(p, REELS__MP4_AUDIO, err);
}
