/* Owns the packager's door: options, tracks, the intake of samples, and the end. */
#include <stdio.h>
#include <string.h>

#include "aac.h"
#include "base/buffer_internal.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "h264.h"
#include "output_internal.h"
#include "packager_internal.h"

enum {
    SEGMENT_US = 2000000,
    SEGMENT_US_MIN = 500000,
    SEGMENT_US_MAX = 10000000,
    BUFFERED_BYTES_MAX = 256 * 1024 * 1024,
    FIRST_BANDWIDTH_BPS = 1500000,
    TIMESCALE_MAX = 10000000,
    FRAME_RATE_MAX = 1000,
    LABEL_BYTES_MAX = 256,
    LANGUAGE_BYTES_MAX = 35, /* RFC 5646 section 4.4.1 */
    EXTRADATA_BYTES_MAX = 64 * 1024
};

static reels_status
read_options(const reels_packager_options *options, reels_packager_options *out, reels_error *err)
{
    REELS_TRY(
        reels__options_read(options, sizeof *out, out, sizeof *out, "reels_packager_options", err));
    out->segment_us = out->segment_us != 0 ? out->segment_us : SEGMENT_US;
    out->first_segment_us = out->first_segment_us != 0 ? out->first_segment_us : out->segment_us;
    out->buffered_bytes_max =
        out->buffered_bytes_max != 0 ? out->buffered_bytes_max : BUFFERED_BYTES_MAX;
    out->first_bandwidth_bps =
        out->first_bandwidth_bps != 0 ? out->first_bandwidth_bps : FIRST_BANDWIDTH_BPS;
    REELS_REQUIRE((out->flags & ~(uint32_t)REELS_PACKAGER_SEGMENT_FILES) == 0,
                  err,
                  "packager: unknown flags");
    REELS_REQUIRE(out->segment_us >= SEGMENT_US_MIN && out->segment_us <= SEGMENT_US_MAX,
                  err,
                  "packager: segment_us is not 500,000 to 10,000,000");
    REELS_REQUIRE(out->first_segment_us >= SEGMENT_US_MIN &&
                      out->first_segment_us <= SEGMENT_US_MAX,
                  err,
                  "packager: first_segment_us is not 500,000 to 10,000,000");
    return REELS_OK;
}

reels_status reels_packager_new(reels_ctx *ctx,
                                const reels_packager_options *options,
                                const reels_output_vtable *output,
                                void *impl,
                                reels_packager **out,
                                reels_error *err)
{
    reels_packager_options read;
    reels_output_vtable table;
    REELS_REQUIRE(out != NULL, err, "packager: out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "packager: ctx is NULL");
    REELS_TRY(read_options(options, &read, err));
    REELS_TRY(reels__output_table_read(output, &table, err));
    reels_packager *p = reels__mem_zalloc(ctx, sizeof *p);
    if (p == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "packager: no memory");
    }
    p->ctx = ctx;
    p->options = read;
    p->output = table;
    p->impl = impl;
    p->cuts_timescale = REELS__PACKAGER_US_PER_S;
    reels_status status = reels_buf_new(ctx, INT32_MAX, &p->scratch, err);
    if (status != REELS_OK) {
        reels_packager_free(p);
        return status;
    }
    *out = p;
    return REELS_OK;
}

static void track_free(reels_packager *p, struct reels__track *track)
{
    if (track == NULL) {
        return;
    }
    if (track->file != NULL) {
        p->output.abort(p->impl, track->file);
    }
    reels_buf_free(track->configuration);
    reels_buf_free(track->data);
    reels__mem_free(p->ctx, track->label);
    reels__mem_free(p->ctx, track->language);
    reels__mem_free(p->ctx, track->queue);
    reels__mem_free(p->ctx, track->segments);
    reels__mem_free(p->ctx, track);
}

void reels_packager_free(reels_packager *packager)
{
    if (packager == NULL) {
        return;
    }
    for (uint32_t i = 0; i < packager->tracks_count; i++) {
        track_free(packager, packager->tracks[i]);
    }
    reels_buf_free(packager->scratch);
    reels__mem_free(packager->ctx, packager->cuts);
    reels__mem_free(packager->ctx, packager->samples);
    reels__mem_free(packager->ctx, packager->times);
    reels__mem_free(packager->ctx, packager);
}

/* [A-Za-z0-9_-], so that no suffix of another track's files can be built from a name. */
static reels_status check_name(const reels_packager *p, const char *name, reels_error *err)
{
    REELS_REQUIRE(reels_output_name_is_valid(name) && strchr(name, '.') == NULL,
                  err,
                  "packager: the track's name is not valid");
    REELS_REQUIRE(strlen(name) <= REELS_PACKAGER_NAME_BYTES_MAX,
                  err,
                  "packager: the track's name is longer than 48 bytes");
    REELS_REQUIRE(strcmp(name, "master") != 0, err, "packager: a track cannot be named master");
    for (uint32_t i = 0; i < p->tracks_count; i++) {
        if (strcmp(p->tracks[i]->name, name) == 0) {
            return reels__fail(
                err, REELS_ERR_EXISTS, "packager: there is a track %s already", name);
        }
    }
    return REELS_OK;
}

static reels_status track_new(
    reels_packager *p, const char *name, uint32_t kind, struct reels__track **out, reels_error *err)
{
    *out = NULL;
    if (p->started || p->finished || p->failed) {
        return reels__fail(
            err, REELS_ERR_STATE, "packager: tracks are added before the first sample");
    }
    if (p->tracks_count == REELS_PACKAGER_TRACKS_MAX) {
        return reels__fail(
            err, REELS_ERR_LIMIT, "packager: more than %d tracks", REELS_PACKAGER_TRACKS_MAX);
    }
    REELS_TRY(check_name(p, name, err));
    struct reels__track *track = reels__mem_zalloc(p->ctx, sizeof *track);
    if (track == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "packager: no memory for a track");
    }
    track->mp4.kind = kind;
    track->mp4.aspect_num = 1;
    track->mp4.aspect_den = 1;
    memcpy(track->name, name, strlen(name) + 1);
    reels_status status = reels_buf_new(p->ctx, EXTRADATA_BYTES_MAX, &track->configuration, err);
    if (status == REELS_OK) {
        status = reels_buf_new(p->ctx, (size_t)p->options.buffered_bytes_max, &track->data, err);
    }
    if (status < 0) {
        track_free(p, track);
        return status;
    }
    *out = track;
    return REELS_OK;
}

static void track_keep(reels_packager *p, struct reels__track *track, uint32_t *out_track)
{
    track->mp4.configuration = reels_buf_data(track->configuration);
    track->mp4.configuration_len = reels_buf_len(track->configuration);
    *out_track = p->tracks_count;
    p->tracks[p->tracks_count++] = track;
}

/* Takes the parameter sets in either form and checks the caller's numbers against them. */
static reels_status
configure_h264(struct reels__track *track, const reels_packager_video *video, reels_error *err)
{
    struct reels__avcc avcc = {0};
    struct reels__sps sps = {0};
    track->annexb = video->extradata[0] == 0;
    if (track->annexb) {
        REELS_TRY(
            reels__avcc_build(video->extradata, video->extradata_len, track->configuration, err));
    } else {
        REELS_TRY(
            reels_buf_append(track->configuration, video->extradata, video->extradata_len, err));
    }
    const uint8_t *record = reels_buf_data(track->configuration);
    REELS_TRY(reels__avcc_read(record, reels_buf_len(track->configuration), &avcc, err));
    REELS_TRY(reels__sps_read(avcc.sps, avcc.sps_len, &sps, err));
    if (sps.chroma_format != 1 || sps.bit_depth_luma != 8 || sps.bit_depth_chroma != 8) {
        return reels__fail(err,
                           REELS_ERR_UNSUPPORTED,
                           "packager: H.264 other than 8-bit 4:2:0 does not play everywhere");
    }
    if ((video->width != 0 && video->width != sps.width) ||
        (video->height != 0 && video->height != sps.height)) {
        return reels__fail(
            err,
            REELS_ERR_INVALID_ARG,
            "packager: track %s: size is given as %ux%u, the parameter set says %ux%u",
            track->name,
            (unsigned)video->width,
            (unsigned)video->height,
            (unsigned)sps.width,
            (unsigned)sps.height);
    }
    track->nal_length_size = avcc.nal_length_size;
    track->mp4.width = sps.width;
    track->mp4.height = sps.height;
    track->mp4.aspect_num = sps.aspect_num;
    track->mp4.aspect_den = sps.aspect_den;
    (void)snprintf(track->codecs,
                   sizeof track->codecs,
                   "avc1.%02x%02x%02x",
                   (unsigned)avcc.profile,
                   (unsigned)avcc.constraints,
                   (unsigned)avcc.level);
    return REELS_OK;
}

reels_status reels_packager_add_video(reels_packager *packager,
                                      const reels_packager_video *video,
                                      uint32_t *out_track,
                                      reels_error *err)
{
    reels_packager_video read;
    struct reels__track *track = NULL;
    REELS_REQUIRE(packager != NULL && video != NULL && out_track != NULL,
                  err,
                  "packager: an argument is NULL");
    REELS_TRY(
        reels__options_read(video, sizeof read, &read, sizeof read, "reels_packager_video", err));
    if (read.codec != 0 && read.codec != REELS_PACKAGER_CODEC_H264) {
        return reels__fail(
            err, REELS_ERR_UNSUPPORTED, "packager: video codec %u", (unsigned)read.codec);
    }
    REELS_REQUIRE(read.extradata != NULL && read.extradata_len > 0 &&
                      read.extradata_len <= EXTRADATA_BYTES_MAX,
                  err,
                  "packager: extradata is not 1 to 65,536 bytes");
    REELS_REQUIRE(read.timescale >= 1 && read.timescale <= TIMESCALE_MAX,
                  err,
                  "packager: timescale is not 1 to 10,000,000");
    REELS_REQUIRE(packager->video_count == 0 || read.timescale == packager->cuts_timescale,
                  err,
                  "packager: the timescales of video tracks differ");
    REELS_REQUIRE((read.frame_rate_num == 0) == (read.frame_rate_den == 0) &&
                      read.frame_rate_num / (read.frame_rate_den + (read.frame_rate_den == 0)) <=
                          FRAME_RATE_MAX,
                  err,
                  "packager: the frame rate is not a number up to 1,000");
    REELS_TRY(track_new(packager, read.name, REELS__MP4_VIDEO, &track, err));
    reels_status status = configure_h264(track, &read, err);
    if (status != REELS_OK) {
        track_free(packager, track);
        return status;
    }
    track->mp4.timescale = read.timescale;
    track->frame_rate_num = read.frame_rate_num;
    track->frame_rate_den = read.frame_rate_den;
    packager->cuts_timescale = read.timescale;
    packager->video_count++;
    track_keep(packager, track, out_track);
    return REELS_OK;
}

/* What may stand between quotation marks in a playlist. */
static int label_is_valid(const char *label)
{
    if (label[0] == '\0' || strlen(label) > LABEL_BYTES_MAX || !reels__utf8_valid_text(label)) {
        return 0;
    }
    for (const char *c = label; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f || *c == '"') {
            return 0;
        }
    }
    return 1;
}

static int language_is_valid(const char *language)
{
    return reels_output_name_is_valid(language) && strchr(language, '.') == NULL &&
           strchr(language, '_') == NULL && strlen(language) <= LANGUAGE_BYTES_MAX;
}

static reels_status configure_aac(reels_packager *p,
                                  struct reels__track *track,
                                  const reels_packager_audio *audio,
                                  reels_error *err)
{
    struct reels__asc asc = {0};
    REELS_TRY(reels__asc_read(audio->extradata, audio->extradata_len, &asc, err));
    asc.channels = asc.channels != 0 ? asc.channels : audio->channels;
    REELS_REQUIRE(asc.channels != 0, err, "packager: the number of channels is not known");
    if ((audio->sample_rate != 0 && audio->sample_rate != asc.sample_rate) ||
        (audio->channels != 0 && audio->channels != asc.channels)) {
        return reels__fail(err,
                           REELS_ERR_INVALID_ARG,
                           "packager: track %s: %u Hz, %u channels are given, the configuration "
                           "says %u Hz, %u channels",
                           track->name,
                           (unsigned)audio->sample_rate,
                           (unsigned)audio->channels,
                           (unsigned)asc.sample_rate,
                           (unsigned)asc.channels);
    }
    track->mp4.timescale = asc.sample_rate;
    track->mp4.channels = asc.channels;
    track->frame_samples = asc.frame_samples;
    track->can_fill =
        asc.object_type == REELS__AAC_LC && asc.frame_samples == 1024 && asc.channels <= 2;
    (void)snprintf(track->codecs, sizeof track->codecs, "mp4a.40.%u", (unsigned)asc.object_type);
    track->label = reels__mem_strdup(p->ctx, audio->label != NULL ? audio->label : "Audio");
    if (audio->language != NULL) {
        track->language = reels__mem_strdup(p->ctx, audio->language);
    }
    if (track->label == NULL || (audio->language != NULL && track->language == NULL)) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "packager: no memory for a track");
    }
    return reels_buf_append(track->configuration, audio->extradata, audio->extradata_len, err);
}

reels_status reels_packager_add_audio(reels_packager *packager,
                                      const reels_packager_audio *audio,
                                      uint32_t *out_track,
                                      reels_error *err)
{
    reels_packager_audio read;
    struct reels__track *track = NULL;
    REELS_REQUIRE(packager != NULL && audio != NULL && out_track != NULL,
                  err,
                  "packager: an argument is NULL");
    REELS_TRY(
        reels__options_read(audio, sizeof read, &read, sizeof read, "reels_packager_audio", err));
    if (read.codec != 0 && read.codec != REELS_PACKAGER_CODEC_AAC) {
        return reels__fail(
            err, REELS_ERR_UNSUPPORTED, "packager: audio codec %u", (unsigned)read.codec);
    }
    REELS_REQUIRE(read.extradata != NULL && read.extradata_len > 0 && read.extradata_len <= 64,
                  err,
                  "packager: extradata is not 1 to 64 bytes");
    REELS_REQUIRE(
        read.label == NULL || label_is_valid(read.label), err, "packager: the label is not valid");
    REELS_REQUIRE(read.language == NULL || language_is_valid(read.language),
                  err,
                  "packager: the language is not valid");
    REELS_TRY(track_new(packager, read.name, REELS__MP4_AUDIO, &track, err));
    reels_status status = configure_aac(packager, track, &read, err);
    if (status != REELS_OK) {
        track_free(packager, track);
        return status;
    }
    track_keep(packager, track, out_track);
    return REELS_OK;
}

reels_status reels__queue_push(reels_packager *p,
                               struct reels__track *track,
                               const struct reels__queued *sample,
                               reels_error *err)
{
    uint64_t cost = sample->size + sizeof *sample;
    if (p->buffered_bytes + cost > p->options.buffered_bytes_max) {
        return reels__fail(err,
                           REELS_ERR_LIMIT,
                           "packager: more than %llu bytes wait for a cut",
                           (unsigned long long)p->options.buffered_bytes_max);
    }
    if (track->queue_count == track->queue_capacity) {
        size_t capacity = track->queue_capacity * 2 + 64;
        void *queue = reels__mem_realloc(p->ctx, track->queue, capacity * sizeof *track->queue);
        if (queue == NULL) {
            return reels__fail(
                err, REELS_ERR_NO_MEMORY, "packager: no memory for %zu samples", capacity);
        }
        track->queue = queue;
        track->queue_capacity = capacity;
    }
    track->queue[track->queue_count++] = *sample;
    p->buffered_bytes += cost;
    return REELS_OK;
}

/* Appends a picture's bytes with length prefixes and looks at what they are. */
static reels_status take_picture(struct reels__track *track,
                                 const reels_sample *sample,
                                 uint32_t *out_size,
                                 reels_error *err)
{
    struct reels__nal_summary summary = {0};
    size_t before = reels_buf_len(track->data);
    if (track->annexb) {
        REELS_TRY(reels__nal_convert(sample->data, sample->data_len, track->data, err));
    } else {
        REELS_TRY(reels_buf_append(track->data, sample->data, sample->data_len, err));
    }
    size_t size = reels_buf_len(track->data) - before;
    const uint8_t *data = reels_buf_data(track->data) + before;
    reels_status status = reels__nal_summarize(data, size, track->nal_length_size, &summary, err);
    if (status != REELS_OK || size > UINT32_MAX) {
        return reels__fail(err,
                           REELS_ERR_INVALID_ARG,
                           "packager: track %s: a sample's NAL units are broken",
                           track->name);
    }
    int key = (sample->flags & REELS_SAMPLE_KEY) != 0;
    if (key && (summary.idr_count == 0 || summary.slices_count > 0)) {
        return reels__fail(err,
                           REELS_ERR_INVALID_ARG,
                           "packager: track %s: a key sample is not an IDR picture",
                           track->name);
    }
    *out_size = (uint32_t)size;
    return REELS_OK;
}

static reels_status video_push(reels_packager *p,
                               struct reels__track *track,
                               const reels_sample *sample,
                               reels_error *err)
{
    struct reels__queued queued = {.pts = sample->pts,
                                   .duration = sample->duration,
                                   .key = (sample->flags & REELS_SAMPLE_KEY) != 0};
    if (!track->started) {
        REELS_REQUIRE(queued.key, err, "packager: the first video sample is not a key frame");
        REELS_REQUIRE(queued.pts >= 0, err, "packager: the first video pts is below 0");
        /* The first picture is shown from the start on. */
        queued.pts = 0;
        track->started = 1;
    }
    REELS_TRY(take_picture(track, sample, &queued.size, err));
    REELS_TRY(reels__queue_push(p, track, &queued, err));
    if (queued.key && track->queue_count + track->segments_count > 1) {
        REELS_TRY(reels__cut_at_key(p, track, queued.pts, err));
    }
    track->media_end = queued.pts > track->media_end ? queued.pts : track->media_end;
    reels__cut_confirm(p, track->media_end);
    return REELS_OK;
}

static reels_status
push(reels_packager *p, struct reels__track *track, const reels_sample *sample, reels_error *err)
{
    int64_t limit = (int64_t)1 << REELS__TICKS_LOG2_MAX;
    REELS_REQUIRE(sample->data != NULL && sample->data_len > 0, err, "packager: a sample is empty");
    REELS_REQUIRE(sample->data_len <= INT32_MAX, err, "packager: a sample is larger than 2 GiB");
    REELS_REQUIRE(sample->pts > -limit && sample->pts < limit && sample->duration < limit,
                  err,
                  "packager: a pts or duration is beyond 2^40 ticks");
    if (track->mp4.kind == REELS__MP4_VIDEO) {
        return video_push(p, track, sample, err);
    }
    return reels__audio_push(p, track, sample, err);
}

reels_status reels_packager_write(reels_packager *packager,
                                  uint32_t track,
                                  const reels_sample *samples,
                                  size_t sample_size,
                                  size_t samples_count,
                                  reels_error *err)
{
    REELS_REQUIRE(packager != NULL && (samples != NULL || samples_count == 0),
                  err,
                  "packager: an argument is NULL");
    if (packager->finished || packager->failed) {
        return reels__fail(err, REELS_ERR_STATE, "packager: it is finished or has failed");
    }
    REELS_REQUIRE(track < packager->tracks_count, err, "packager: no such track");
    REELS_REQUIRE(sample_size >= sizeof(reels_sample), err, "packager: sample_size is too small");
    reels_status status = REELS_OK;
    packager->started = 1;
    const uint8_t *at = (const uint8_t *)samples;
    for (size_t i = 0; i < samples_count && status == REELS_OK; i++, at += sample_size) {
        reels_sample sample;
        memcpy(&sample, at, sizeof sample);
        status = push(packager, packager->tracks[track], &sample, err);
    }
    if (status == REELS_OK) {
        status = reels__cut_drain(packager, err);
    }
    packager->failed = status != REELS_OK;
    return status;
}

static reels_status finish_files(reels_packager *p, reels_error *err)
{
    for (uint32_t i = 0; i < p->tracks_count; i++) {
        void *file = p->tracks[i]->file;
        p->tracks[i]->file = NULL;
        if (file != NULL) {
            REELS_TRY(p->output.finish(p->impl, file, err));
        }
    }
    return REELS_OK;
}

reels_status reels_packager_finish(reels_packager *packager, reels_error *err)
{
    REELS_REQUIRE(packager != NULL, err, "packager: it is NULL");
    if (packager->finished || packager->failed) {
        return reels__fail(err, REELS_ERR_STATE, "packager: it is finished or has failed");
    }
    for (uint32_t i = 0; i < packager->tracks_count; i++) {
        if (!packager->tracks[i]->started) {
            return reels__fail(err,
                               REELS_ERR_STATE,
                               "packager: track %s has no sample",
                               packager->tracks[i]->name);
        }
    }
    if (packager->tracks_count == 0) {
        return reels__fail(err, REELS_ERR_STATE, "packager: there is no track");
    }
    packager->failed = 1;
    REELS_TRY(reels__cut_finish(packager, err));
    REELS_TRY(finish_files(packager, err));
    REELS_TRY(reels__playlists_write(packager, err));
    packager->failed = 0;
    packager->finished = 1;
    return REELS_OK;
}

reels_status reels_packager_track_info_get(const reels_packager *packager,
                                           uint32_t track,
                                           reels_packager_track_info *info,
                                           reels_error *err)
{
    REELS_REQUIRE(packager != NULL && info != NULL, err, "packager: an argument is NULL");
    REELS_REQUIRE(track < packager->tracks_count, err, "packager: no such track");
    const struct reels__track *t = packager->tracks[track];
    reels_packager_track_info full = {.segments_count = (uint32_t)t->segments_count,
                                      .samples_count = t->samples_count,
                                      .bytes = t->init_bytes,
                                      .width = t->mp4.width,
                                      .height = t->mp4.height,
                                      .frame_rate_milli = reels__track_frame_rate_milli(t)};
    for (size_t i = 0; i < t->segments_count; i++) {
        full.bytes += t->segments[i].bytes;
        full.duration_us += reels__segment_us(t, i);
    }
    if (packager->finished) {
        REELS_TRY(reels__track_rates(
            packager, t, 0, &full.bandwidth_bps, &full.average_bandwidth_bps, err));
    }
    memcpy(full.codecs, t->codecs, sizeof full.codecs);
    (void)snprintf(full.playlist, sizeof full.playlist, "%s.m3u8", t->name);
    return reels__result_write(
        info, sizeof full, &full, sizeof full, "reels_packager_track_info", err);
}
