/* Owns the pass over every packet that makes timing exact before a frame is decoded. */
#include <stdlib.h>
#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "media/describe.h"
#include "media/limits.h"

enum {
    US_PER_S = 1000000,
    /* Sound that begins a little before the pictures (as transport streams have it) is cut to them;
     * sound that begins earlier than this is kept, and the first picture held. */
    EARLY_AUDIO_CUT_US = 100000
};

typedef struct times {
    int64_t *pts_us;
    size_t count;
    size_t capacity;
    int64_t last_duration_us; /* of the packet that is shown last */
    int64_t last_pts_us;
} times;

static reels_status add_time(reels_ctx *ctx,
                             times *list,
                             const reels__media_packet *packet,
                             uint32_t frames_max,
                             reels_error *err)
{
    int64_t pts = packet->pts_us != REELS__NO_TIME ? packet->pts_us : packet->dts_us;
    if (pts == REELS__NO_TIME) {
        /* Behind the one before, as far as that lasts: what a decoder would make of it. */
        pts = list->count > 0 ? list->last_pts_us + list->last_duration_us : 0;
    }
    if (list->count >= frames_max) {
        return reels__fail(
            err, REELS_ERR_LIMIT, "it has more than %u pictures, the limit", frames_max);
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? list->capacity * 2 : 1024;
        int64_t *grown = reels__mem_realloc(ctx, list->pts_us, capacity * sizeof *grown);
        if (grown == NULL) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for %zu times", capacity);
        }
        list->pts_us = grown;
        list->capacity = capacity;
    }
    if (list->count == 0 || pts >= list->last_pts_us) {
        list->last_pts_us = pts;
        list->last_duration_us = packet->duration_us;
    }
    list->pts_us[list->count++] = pts;
    return REELS_OK;
}

static int compare_times(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* Rising order, each time once. */
static void tidy(times *list)
{
    if (list->count == 0) {
        return;
    }
    qsort(list->pts_us, list->count, sizeof list->pts_us[0], compare_times);
    size_t kept = 1;
    for (size_t i = 1; i < list->count; i++) {
        if (list->pts_us[i] != list->pts_us[kept - 1]) {
            list->pts_us[kept++] = list->pts_us[i];
        }
    }
    list->count = kept;
}

/* Samples that a decoder is told to drop at the front: encoder priming. */
static int64_t priming_us(const AVPacket *packet, int sample_rate)
{
    size_t size = 0;
    const uint8_t *data = av_packet_get_side_data(packet, AV_PKT_DATA_SKIP_SAMPLES, &size);
    if (data == NULL || size < 4 || sample_rate <= 0) {
        return 0;
    }
    uint32_t samples = (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 |
                       (uint32_t)data[3] << 24;
    return (int64_t)samples * US_PER_S / sample_rate;
}

static void
add_audio(reels__media_timing *timing, const reels__media_packet *packet, int sample_rate)
{
    int64_t pts = packet->pts_us != REELS__NO_TIME ? packet->pts_us : packet->dts_us;
    if (pts == REELS__NO_TIME) {
        pts = timing->audio_end_us != REELS__NO_TIME ? timing->audio_end_us : 0;
    }
    int64_t end = pts + packet->duration_us;
    if (timing->audio_start_us == REELS__NO_TIME) {
        timing->audio_start_us = pts + priming_us(packet->packet, sample_rate);
    }
    if (timing->audio_end_us == REELS__NO_TIME || end > timing->audio_end_us) {
        timing->audio_end_us = end;
    }
}

/* The longest of what has been read so far. */
static int64_t span_us(const reels__media_timing *timing, const times *video)
{
    int64_t span = 0;
    if (timing->audio_start_us != REELS__NO_TIME) {
        span = timing->audio_end_us - timing->audio_start_us;
    }
    if (video->count > 0 && video->last_pts_us - video->pts_us[0] > span) {
        span = video->last_pts_us - video->pts_us[0];
    }
    return span;
}

static reels_status read_all(reels__media_demux *demux,
                             const reels__media_tracks *tracks,
                             times *video,
                             reels__media_timing *timing,
                             reels_error *err)
{
    const reels_media_limits *limits = demux->limits;
    AVPacket *packet = av_packet_alloc();
    if (packet == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a packet");
    }
    reels_status status = REELS_OK;
    for (uint32_t i = 0; i < REELS__MEDIA_PACKETS_MAX && status == REELS_OK; i++) {
        reels__media_packet read = {0};
        status = reels__media_demux_read(demux, packet, &read, err);
        if (status != REELS_OK) {
            break;
        }
        int discard = (packet->flags & AV_PKT_FLAG_DISCARD) != 0;
        if (packet->stream_index == tracks->video && !discard) {
            status = add_time(demux->ctx, video, &read, limits->frames_max, err);
        } else if (packet->stream_index == tracks->audio && !discard) {
            const AVStream *stream = demux->format->streams[tracks->audio];
            add_audio(timing, &read, stream->codecpar->sample_rate);
        }
        av_packet_unref(packet);
        if (status == REELS_OK && span_us(timing, video) > limits->duration_max_us) {
            status = reels__fail(err,
                                 REELS_ERR_LIMIT,
                                 "it lasts longer than %lld s, the limit",
                                 (long long)(limits->duration_max_us / US_PER_S));
        }
    }
    av_packet_free(&packet);
    if (status == REELS_OK) {
        status = reels__fail(err,
                             REELS_ERR_LIMIT,
                             "it has more than %d packets, the limit",
                             REELS__MEDIA_PACKETS_MAX);
    }
    return status == REELS_END ? REELS_OK : status;
}

static void conclude(const times *video, const AVStream *video_stream, reels__media_timing *timing)
{
    reels__media_cadence(
        video->pts_us, video->count, &timing->rate_num, &timing->rate_den, &timing->variable);
    if (video->count > 0 && video_stream != NULL) {
        int64_t frame_us = (int64_t)timing->rate_den * US_PER_S / timing->rate_num;
        /* A single picture has only what it says itself. */
        AVRational rate = video_stream != NULL ? video_stream->avg_frame_rate : (AVRational){0, 1};
        if (video->count == 1 && rate.num > 0 && rate.den > 0 && rate.num / rate.den <= 120 &&
            rate.num / rate.den >= 10) {
            timing->rate_num = (uint32_t)rate.num;
            timing->rate_den = (uint32_t)rate.den;
        }
        int64_t last_us = video->last_duration_us > 0 ? video->last_duration_us : frame_us;
        timing->video_start_us = video->pts_us[0];
        timing->video_end_us = video->pts_us[video->count - 1] + last_us;
        timing->video_frames_count = video->count;
    }
    int64_t start = timing->video_start_us;
    int64_t end = timing->video_end_us;
    if (timing->audio_start_us != REELS__NO_TIME) {
        if (start == REELS__NO_TIME || timing->audio_start_us < start - EARLY_AUDIO_CUT_US) {
            start = timing->audio_start_us;
        }
        if (end == REELS__NO_TIME || timing->audio_end_us > end) {
            end = timing->audio_end_us;
        }
    }
    timing->origin_us = start;
    timing->duration_us = end > start ? end - start : 0;
}

/* Frames per second on average, over a second at least: a burst of broken times is not a rate. */
static reels_status
check_rate(const times *video, const reels_media_limits *limits, reels_error *err)
{
    if (video->count == 0) {
        return REELS_OK;
    }
    uint64_t span_us = (uint64_t)(video->last_pts_us - video->pts_us[0]);
    span_us = span_us > US_PER_S ? span_us : US_PER_S;
    uint64_t rate = (uint64_t)video->count * US_PER_S / span_us;
    return rate <= limits->frame_rate_max
               ? REELS_OK
               : reels__fail(err,
                             REELS_ERR_LIMIT,
                             "it has %llu pictures a second, the limit is %u",
                             (unsigned long long)rate,
                             limits->frame_rate_max);
}

reels_status reels__media_scan(reels_ctx *ctx,
                               const reels_call *call,
                               reels__media_source *source,
                               const reels_media_limits *limits,
                               const reels__media_tracks *tracks,
                               reels__media_timing *timing,
                               reels_error *err)
{
    *timing = (reels__media_timing){.video_start_us = REELS__NO_TIME,
                                    .video_end_us = REELS__NO_TIME,
                                    .audio_start_us = REELS__NO_TIME,
                                    .audio_end_us = REELS__NO_TIME};
    times video = {0};
    reels__media_demux *demux = reels__mem_zalloc(ctx, sizeof *demux);
    if (demux == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a demuxer");
    }
    reels_status status =
        reels__media_demux_open(demux, ctx, call, source, limits, REELS__DEMUX_STREAMS, err);
    if (status == REELS_OK) {
        for (unsigned i = 0; i < demux->format->nb_streams; i++) {
            int wanted = (int)i == tracks->video || (int)i == tracks->audio;
            demux->format->streams[i]->discard = wanted ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
        }
        status = read_all(demux, tracks, &video, timing, err);
    }
    if (status == REELS_OK &&
        ((tracks->video >= 0 && reels__media_demux_is_cut(demux, tracks->video)) ||
         (tracks->audio >= 0 && reels__media_demux_is_cut(demux, tracks->audio)))) {
        status = reels__fail(
            err, REELS_ERR_CORRUPT, "the file is cut short: samples are missing at its end");
    }
    if (status == REELS_OK && video.count == 0 && timing->audio_start_us == REELS__NO_TIME) {
        status = reels__fail(err, REELS_ERR_CORRUPT, "the file holds no samples");
    }
    if (status == REELS_OK) {
        status = check_rate(&video, limits, err);
    }
    if (status == REELS_OK) {
        timing->encrypted = (uint32_t)demux->encrypted;
        tidy(&video);
        conclude(&video, tracks->video >= 0 ? demux->format->streams[tracks->video] : NULL, timing);
    }
    reels__media_demux_close(demux);
    reels__mem_free(ctx, demux);
    reels__mem_free(ctx, video.pts_us);
    return status;
}
