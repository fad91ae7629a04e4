/* Owns the writing of segments: times, boxes, bytes and where they went. */
#include <stdio.h>
#include <string.h>

#include "base/buffer_internal.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "packager_internal.h"

const char *reels__track_content_type(const struct reels__track *track)
{
    return track->mp4.kind == REELS__MP4_VIDEO ? "video/mp4" : "audio/mp4";
}

reels_status reels__file_write(reels_packager *p,
                               const char *name,
                               const char *content_type,
                               reels_buf *data,
                               reels_error *err)
{
    void *file = NULL;
    REELS_TRY(p->output.begin(p->impl, name, content_type, &file, err));
    reels_status status =
        p->output.write(p->impl, file, reels_buf_data(data), reels_buf_len(data), err);
    if (status != REELS_OK) {
        p->output.abort(p->impl, file);
        return status;
    }
    return p->output.finish(p->impl, file, err);
}

static reels_status reserve_samples(reels_packager *p, size_t count, reels_error *err)
{
    if (count <= p->samples_capacity) {
        return REELS_OK;
    }
    void *samples = reels__mem_realloc(p->ctx, p->samples, count * sizeof *p->samples);
    if (samples != NULL) {
        p->samples = samples;
    }
    void *times = reels__mem_realloc(p->ctx, p->times, count * sizeof *p->times);
    if (times != NULL) {
        p->times = times;
    }
    if (samples == NULL || times == NULL) {
        return reels__fail(
            err, REELS_ERR_NO_MEMORY, "packager: no memory for a segment of %zu samples", count);
    }
    p->samples_capacity = count;
    return REELS_OK;
}

static reels_status fail_order(const struct reels__track *track, int64_t pts, reels_error *err)
{
    return reels__fail(err,
                       REELS_ERR_INVALID_ARG,
                       "packager: track %s: the pts at %lld us repeats, or lies outside its closed "
                       "group of pictures",
                       track->name,
                       (long long)reels__ticks_us(pts, track->mp4.timescale));
}

/* Decode times are the presentation times in rising order: nearly sorted already, because encoders
 * reorder over a few pictures only. */
static reels_status time_video(reels_packager *p,
                               const struct reels__track *track,
                               size_t count,
                               int64_t end,
                               reels_error *err)
{
    for (size_t i = 0; i < count; i++) {
        int64_t pts = track->queue[i].pts;
        size_t at = i;
        for (; at > 0 && p->times[at - 1] > pts; at--) {
            p->times[at] = p->times[at - 1];
        }
        p->times[at] = pts;
    }
    if (p->times[0] != track->queue[0].pts || p->times[count - 1] >= end) {
        return fail_order(track, p->times[p->times[0] != track->queue[0].pts ? 0 : count - 1], err);
    }
    for (size_t i = 0; i < count; i++) {
        int64_t duration = (i + 1 < count ? p->times[i + 1] : end) - p->times[i];
        int64_t offset = track->queue[i].pts - p->times[i];
        if (duration <= 0 || duration > UINT32_MAX || offset > INT32_MAX || offset < INT32_MIN) {
            return fail_order(track, p->times[i], err);
        }
        p->samples[i] = (struct reels__mp4_sample){.size = track->queue[i].size,
                                                   .duration = (uint32_t)duration,
                                                   .composition_offset = (int32_t)offset,
                                                   .key = track->queue[i].key};
    }
    return REELS_OK;
}

static void time_audio(reels_packager *p, const struct reels__track *track, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        p->samples[i] = (struct reels__mp4_sample){
            .size = track->queue[i].size, .duration = (uint32_t)track->queue[i].duration, .key = 1};
    }
}

static reels_status write_init(reels_packager *p, struct reels__track *track, reels_error *err)
{
    char name[REELS_OUTPUT_NAME_BYTES_MAX + 1];
    reels_buf_clear(p->scratch);
    REELS_TRY(reels__mp4_write_init(&track->mp4, p->scratch, err));
    track->init_bytes = reels_buf_len(p->scratch);
    track->init_hash = reels__xxh3_64(reels_buf_data(p->scratch), reels_buf_len(p->scratch), 0);
    if ((p->options.flags & REELS_PACKAGER_SEGMENT_FILES) != 0) {
        (void)snprintf(name, sizeof name, "%s_init.mp4", track->name);
        return reels__file_write(p, name, reels__track_content_type(track), p->scratch, err);
    }
    (void)snprintf(name, sizeof name, "%s.mp4", track->name);
    REELS_TRY(p->output.begin(p->impl, name, reels__track_content_type(track), &track->file, err));
    track->file_bytes = track->init_bytes;
    return p->output.write(
        p->impl, track->file, reels_buf_data(p->scratch), reels_buf_len(p->scratch), err);
}

static reels_status reserve_segment(reels_packager *p, struct reels__track *track, reels_error *err)
{
    if (track->segments_count < track->segments_capacity) {
        return REELS_OK;
    }
    size_t capacity = track->segments_capacity * 2 + 16;
    void *segments =
        reels__mem_realloc(p->ctx, track->segments, capacity * sizeof *track->segments);
    if (segments == NULL) {
        return reels__fail(
            err, REELS_ERR_NO_MEMORY, "packager: no memory for %zu segments", capacity);
    }
    track->segments = segments;
    track->segments_capacity = capacity;
    return REELS_OK;
}

static reels_status put_segment(reels_packager *p, struct reels__track *track, reels_error *err)
{
    if ((p->options.flags & REELS_PACKAGER_SEGMENT_FILES) == 0) {
        track->file_bytes += reels_buf_len(p->scratch);
        return p->output.write(
            p->impl, track->file, reels_buf_data(p->scratch), reels_buf_len(p->scratch), err);
    }
    char name[REELS_OUTPUT_NAME_BYTES_MAX + 1];
    (void)snprintf(name, sizeof name, "%s_%05zu.m4s", track->name, track->segments_count + 1);
    return reels__file_write(p, name, reels__track_content_type(track), p->scratch, err);
}

/* Takes the first count samples, of data_len bytes, out of the queue. */
static void queue_drop(reels_packager *p, struct reels__track *track, size_t count, size_t data_len)
{
    size_t data_left = reels_buf_len(track->data) - data_len;
    uint8_t *data = reels__buf_bytes(track->data);
    memmove(data, data + data_len, data_left);
    reels__buf_truncate(track->data, data_left);
    track->queue_count -= count;
    memmove(track->queue, track->queue + count, track->queue_count * sizeof *track->queue);
    p->buffered_bytes -= data_len + count * sizeof *track->queue;
}

reels_status reels__segment_write(
    reels_packager *p, struct reels__track *track, size_t count, int64_t end, reels_error *err)
{
    REELS_TRY(reserve_samples(p, count, err));
    REELS_TRY(reserve_segment(p, track, err));
    if (track->segments_count == 0) {
        REELS_TRY(write_init(p, track, err));
    }
    if (track->mp4.kind == REELS__MP4_VIDEO) {
        REELS_TRY(time_video(p, track, count, end, err));
    } else {
        time_audio(p, track, count);
    }
    size_t data_len = 0;
    for (size_t i = 0; i < count; i++) {
        data_len += track->queue[i].size;
    }
    int64_t start = track->queue[0].pts;
    struct reels__mp4_fragment fragment = {.sequence = (uint32_t)track->segments_count + 1,
                                           .kind = track->mp4.kind,
                                           .decode_time = (uint64_t)start,
                                           .samples = p->samples,
                                           .samples_count = count};
    reels_buf_clear(p->scratch);
    REELS_TRY(reels__mp4_write_fragment(&fragment, p->scratch, err));
    uint64_t key_bytes = reels_buf_len(p->scratch) + track->queue[0].size;
    REELS_TRY(reels_buf_append(p->scratch, reels_buf_data(track->data), data_len, err));
    struct reels__segment *segment = &track->segments[track->segments_count];
    *segment = (struct reels__segment){
        .start = start,
        .end = end,
        .offset = track->file_bytes,
        .bytes = reels_buf_len(p->scratch),
        .key_bytes = key_bytes,
        .hash = reels__xxh3_64(reels_buf_data(p->scratch), reels_buf_len(p->scratch), 0)};
    REELS_TRY(put_segment(p, track, err));
    track->segments_count++;
    track->samples_count += count;
    queue_drop(p, track, count, data_len);
    return REELS_OK;
}
