/* Owns the encoding and packaging of test media. */
#include "hls_fixture.h"

#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(int ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "hls_fixture: %s failed\n", what);
        abort();
    }
}

static void *need_alloc(size_t size)
{
    void *data = calloc(1, size);
    need(data != NULL, "calloc");
    return data;
}

static void keep_packet(struct hls_media *out, const AVPacket *packet, int64_t duration)
{
    out->samples = realloc(out->samples, (out->count + 1) * sizeof *out->samples);
    need(out->samples != NULL, "realloc");
    uint8_t *data = need_alloc((size_t)packet->size);
    memcpy(data, packet->data, (size_t)packet->size);
    out->samples[out->count++] =
        (reels_sample){.pts = packet->pts,
                       .duration = duration,
                       .data = data,
                       .data_len = (size_t)packet->size,
                       .flags = packet->flags & AV_PKT_FLAG_KEY ? REELS_SAMPLE_KEY : 0};
}

static void drain(AVCodecContext *codec, AVPacket *packet, struct hls_media *out, int64_t duration)
{
    while (avcodec_receive_packet(codec, packet) == 0) {
        keep_packet(out, packet, duration);
        av_packet_unref(packet);
    }
}

/* Big-endian length prefixes in place of start codes, and an avcC record: what muxed files hold. */
static void to_avcc(struct hls_media *media)
{
    for (size_t i = 0; i < media->count; i++) {
        const uint8_t *in = media->samples[i].data;
        size_t len = media->samples[i].data_len;
        uint8_t *out = need_alloc(len * 2 + 8);
        size_t out_len = 0;
        for (size_t at = 0; at + 3 <= len;) {
            if (in[at] != 0 || in[at + 1] != 0 || in[at + 2] != 1) {
                at++;
                continue;
            }
            size_t begin = at + 3;
            size_t end = begin;
            while (end + 3 <= len && !(in[end] == 0 && in[end + 1] == 0 && in[end + 2] <= 1)) {
                end++;
            }
            end = end + 3 > len ? len : end;
            size_t nal = end - begin;
            out[out_len++] = (uint8_t)(nal >> 24);
            out[out_len++] = (uint8_t)(nal >> 16);
            out[out_len++] = (uint8_t)(nal >> 8);
            out[out_len++] = (uint8_t)nal;
            memcpy(out + out_len, in + begin, nal);
            out_len += nal;
            at = end;
        }
        free((void *)(uintptr_t)in);
        media->samples[i].data = out;
        media->samples[i].data_len = out_len;
    }
    /* x264 gives SPS, PPS, SEI in this order, each after a four-byte start code. */
    const uint8_t *e = media->extradata;
    size_t len = media->extradata_len;
    size_t starts[8];
    size_t count = 0;
    for (size_t at = 0; at + 4 <= len && count < 8; at++) {
        if (memcmp(e + at, "\0\0\0\1", 4) == 0) {
            starts[count++] = at + 4;
        }
    }
    need(count >= 2, "extradata");
    size_t sps_len = starts[1] - 4 - starts[0];
    size_t pps_len = (count > 2 ? starts[2] - 4 : len) - starts[1];
    uint8_t *record = need_alloc(len + 64);
    size_t at = 0;
    const uint8_t *sps = e + starts[0];
    uint8_t head[8] = {
        1, sps[1], sps[2], sps[3], 0xff, 0xe1, (uint8_t)(sps_len >> 8), (uint8_t)sps_len};
    memcpy(record, head, 8);
    at = 8;
    memcpy(record + at, sps, sps_len);
    at += sps_len;
    uint8_t middle[3] = {1, (uint8_t)(pps_len >> 8), (uint8_t)pps_len};
    memcpy(record + at, middle, 3);
    at += 3;
    memcpy(record + at, e + starts[1], pps_len);
    at += pps_len;
    if (sps[1] >= 100) {
        memcpy(record + at, "\xfd\xf8\xf8", 4);
        at += 4;
    }
    free(media->extradata);
    media->extradata = record;
    media->extradata_len = at;
}

/* A gradient that moves, with a moving square and some noise, so that rates are worth measuring. */
static void draw(AVFrame *frame, int n, unsigned *seed)
{
    for (int y = 0; y < frame->height; y++) {
        for (int x = 0; x < frame->width; x++) {
            *seed = *seed * 1103515245U + 12345U;
            int inside =
                (x + n * 2) % frame->width < frame->width / 4 && y > n % (frame->height / 2 + 1);
            frame->data[0][y * frame->linesize[0] + x] =
                (uint8_t)(((x + y + n * 3) & 0x7f) + (inside ? 90 : 16) + (int)(*seed >> 28));
        }
    }
    for (int y = 0; y < frame->height / 2; y++) {
        memset(
            frame->data[1] + y * frame->linesize[1], 100 + (n + y) % 60, (size_t)frame->width / 2);
        memset(
            frame->data[2] + y * frame->linesize[2], 140 - (n + y) % 60, (size_t)frame->width / 2);
    }
}

static AVCodecContext *open_video(const struct hls_video_spec *spec)
{
    char params[200];
    const AVCodec *encoder = avcodec_find_encoder_by_name("libx264");
    need(encoder != NULL, "libx264");
    AVCodecContext *codec = avcodec_alloc_context3(encoder);
    need(codec != NULL, "avcodec_alloc_context3");
    codec->width = spec->width;
    codec->height = spec->height;
    codec->time_base = (AVRational){spec->fps_den, spec->fps_num};
    codec->framerate = (AVRational){spec->fps_num, spec->fps_den};
    codec->pix_fmt = AV_PIX_FMT_YUV420P;
    codec->bit_rate = spec->bitrate_bps;
    codec->thread_count = 1;
    codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    codec->log_level_offset = 100;
    (void)snprintf(params,
                   sizeof params,
                   "bframes=%d:keyint=1000:min-keyint=1:scenecut=0:open-gop=0:b-adapt=0",
                   spec->b_frames);
    av_opt_set(codec->priv_data, "preset", "ultrafast", 0);
    av_opt_set(codec->priv_data, "forced-idr", "1", 0);
    av_opt_set(codec->priv_data, "x264-params", params, 0);
    need(avcodec_open2(codec, encoder, NULL) == 0, "avcodec_open2");
    return codec;
}

/* Ticks are 1/1000 of a frame, so that uneven times and the rates 29.97 and 60 are whole numbers.
 */
static int64_t frame_ticks(const struct hls_video_spec *spec, int n)
{
    int64_t grid = spec->uneven ? n + n / 3 : n;
    return grid * 1000;
}

void hls_media_video(struct hls_media *out, const struct hls_video_spec *spec)
{
    memset(out, 0, sizeof *out);
    AVCodecContext *codec = open_video(spec);
    out->width = (uint32_t)spec->width;
    out->height = (uint32_t)spec->height;
    out->fps_num = (uint32_t)spec->fps_num;
    out->fps_den = (uint32_t)spec->fps_den;
    out->extradata = need_alloc((size_t)codec->extradata_size + 1);
    out->extradata_len = (size_t)codec->extradata_size;
    memcpy(out->extradata, codec->extradata, out->extradata_len);
    AVFrame *frame = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    need(frame != NULL && packet != NULL, "av_frame_alloc");
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = spec->width;
    frame->height = spec->height;
    need(av_frame_get_buffer(frame, 0) == 0, "av_frame_get_buffer");
    unsigned seed = 7;
    int64_t keys = 0;
    for (int n = 0; n < spec->frames; n++) {
        need(av_frame_make_writable(frame) == 0, "av_frame_make_writable");
        draw(frame, n, &seed);
        int64_t ms = frame_ticks(spec, n) * spec->fps_den / spec->fps_num;
        int key = ms >= keys * spec->key_ms;
        keys += key;
        frame->pict_type = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
        frame->pts = spec->uneven ? n + n / 3 : n;
        need(avcodec_send_frame(codec, frame) == 0, "avcodec_send_frame");
        drain(codec, packet, out, 1000);
    }
    need(avcodec_send_frame(codec, NULL) == 0, "avcodec_send_frame");
    drain(codec, packet, out, 1000);
    need(out->count == (size_t)spec->frames, "frame count");
    /* One frame is fps_den * 1000 / fps_den ticks of fps_num * 1000 / fps_den a second. */
    out->timescale = (uint32_t)(spec->fps_num * (spec->fps_den == 1 ? 1000 : 1));
    for (size_t i = 0; i < out->count; i++) {
        int64_t tick = spec->fps_den == 1 ? 1000 : spec->fps_den;
        out->samples[i].pts *= tick;
        out->samples[i].duration = tick;
    }
    av_frame_free(&frame);
    av_packet_free(&packet);
    avcodec_free_context(&codec);
    if (!spec->annexb) {
        to_avcc(out);
    }
}

void hls_media_audio(
    struct hls_media *out, int sample_rate, int channels, int duration_ms, int start_ms)
{
    memset(out, 0, sizeof *out);
    const AVCodec *encoder = avcodec_find_encoder(AV_CODEC_ID_AAC);
    need(encoder != NULL, "aac");
    AVCodecContext *codec = avcodec_alloc_context3(encoder);
    need(codec != NULL, "avcodec_alloc_context3");
    codec->sample_rate = sample_rate;
    av_channel_layout_default(&codec->ch_layout, channels);
    codec->sample_fmt = AV_SAMPLE_FMT_FLTP;
    codec->bit_rate = 48000 * channels;
    codec->time_base = (AVRational){1, sample_rate};
    codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    codec->log_level_offset = 100;
    need(avcodec_open2(codec, encoder, NULL) == 0, "avcodec_open2");
    out->timescale = (uint32_t)sample_rate;
    out->extradata = need_alloc((size_t)codec->extradata_size + 1);
    out->extradata_len = (size_t)codec->extradata_size;
    memcpy(out->extradata, codec->extradata, out->extradata_len);
    AVFrame *frame = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    need(frame != NULL && packet != NULL, "av_frame_alloc");
    frame->format = AV_SAMPLE_FMT_FLTP;
    frame->nb_samples = codec->frame_size;
    need(av_channel_layout_copy(&frame->ch_layout, &codec->ch_layout) == 0,
         "av_channel_layout_copy");
    frame->sample_rate = sample_rate;
    need(av_frame_get_buffer(frame, 0) == 0, "av_frame_get_buffer");
    int64_t start = (int64_t)start_ms * sample_rate / 1000;
    int64_t total = (int64_t)duration_ms * sample_rate / 1000;
    for (int64_t at = 0; at < total; at += frame->nb_samples) {
        need(av_frame_make_writable(frame) == 0, "av_frame_make_writable");
        for (int c = 0; c < channels; c++) {
            float *samples = (float *)(void *)frame->data[c];
            for (int i = 0; i < frame->nb_samples; i++) {
                samples[i] = 0.4F * sinf(6.2831853F * 440.0F * (float)(c + 1) * (float)(at + i) /
                                         (float)sample_rate);
            }
        }
        frame->pts = start + at;
        need(avcodec_send_frame(codec, frame) == 0, "avcodec_send_frame");
        drain(codec, packet, out, 1024);
    }
    need(avcodec_send_frame(codec, NULL) == 0, "avcodec_send_frame");
    drain(codec, packet, out, 1024);
    av_frame_free(&frame);
    av_packet_free(&packet);
    avcodec_free_context(&codec);
}

void hls_media_free(struct hls_media *media)
{
    for (size_t i = 0; i < media->count; i++) {
        free((void *)(uintptr_t)media->samples[i].data);
    }
    free(media->samples);
    free(media->extradata);
    memset(media, 0, sizeof *media);
}

void hls_tree_make(struct hls_tree *tree)
{
    struct hls_video_spec spec = {.width = 90,
                                  .height = 160,
                                  .fps_num = 30,
                                  .fps_den = 1,
                                  .frames = 156,
                                  .bitrate_bps = 80000,
                                  .key_ms = 2000,
                                  .b_frames = 2,
                                  .annexb = 1};
    memset(tree, 0, sizeof *tree);
    hls_media_video(&tree->video[0], &spec);
    spec.width = 136;
    spec.height = 240;
    spec.bitrate_bps = 200000;
    hls_media_video(&tree->video[1], &spec);
    spec.width = 180;
    spec.height = 320;
    spec.bitrate_bps = 400000;
    spec.annexb = 0;
    hls_media_video(&tree->video[2], &spec);
    tree->video_count = 3;
    hls_media_audio(&tree->audio, 48000, 2, 5200, 0);
    tree->has_audio = 1;
}

void hls_tree_free(struct hls_tree *tree)
{
    for (size_t i = 0; i < tree->video_count; i++) {
        hls_media_free(&tree->video[i]);
    }
    hls_media_free(&tree->audio);
}

reels_status hls_add_video(reels_packager *packager,
                           const char *name,
                           const struct hls_media *media,
                           uint32_t *out_track,
                           reels_error *err)
{
    reels_packager_video video = {.struct_size = sizeof video,
                                  .codec = REELS_PACKAGER_CODEC_H264,
                                  .name = name,
                                  .extradata = media->extradata,
                                  .extradata_len = media->extradata_len,
                                  .width = media->width,
                                  .height = media->height,
                                  .timescale = media->timescale,
                                  .frame_rate_num = media->fps_num,
                                  .frame_rate_den = media->fps_den};
    return reels_packager_add_video(packager, &video, out_track, err);
}

reels_status hls_add_audio(reels_packager *packager,
                           const char *name,
                           const struct hls_media *media,
                           uint32_t *out_track,
                           reels_error *err)
{
    reels_packager_audio audio = {.struct_size = sizeof audio,
                                  .codec = REELS_PACKAGER_CODEC_AAC,
                                  .name = name,
                                  .extradata = media->extradata,
                                  .extradata_len = media->extradata_len,
                                  .sample_rate = media->timescale};
    return reels_packager_add_audio(packager, &audio, out_track, err);
}

reels_status
hls_write(reels_packager *packager, uint32_t track, const struct hls_media *media, reels_error *err)
{
    return reels_packager_write(
        packager, track, media->samples, sizeof *media->samples, media->count, err);
}

static reels_status package(reels_packager *packager, const struct hls_tree *tree, reels_error *err)
{
    uint32_t tracks[HLS_RUNGS_MAX + 1] = {0};
    reels_status status = REELS_OK;
    for (size_t i = 0; i < tree->video_count && status == REELS_OK; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "v%u", (unsigned)tree->video[i].width);
        status = hls_add_video(packager, name, &tree->video[i], &tracks[i], err);
    }
    if (status == REELS_OK && tree->has_audio) {
        status = hls_add_audio(packager, "a", &tree->audio, &tracks[HLS_RUNGS_MAX], err);
    }
    for (size_t i = 0; i < tree->video_count && status == REELS_OK; i++) {
        status = hls_write(packager, tracks[i], &tree->video[i], err);
    }
    if (status == REELS_OK && tree->has_audio) {
        status = hls_write(packager, tracks[HLS_RUNGS_MAX], &tree->audio, err);
    }
    return status == REELS_OK ? reels_packager_finish(packager, err) : status;
}

reels_status hls_tree_package_to(reels_ctx *ctx,
                                 const struct hls_tree *tree,
                                 const reels_packager_options *options,
                                 const reels_output_vtable *table,
                                 void *impl,
                                 reels_error *err)
{
    reels_packager *packager = NULL;
    reels_status status = reels_packager_new(ctx, options, table, impl, &packager, err);
    if (status == REELS_OK) {
        status = package(packager, tree, err);
    }
    reels_packager_free(packager);
    return status;
}

reels_status hls_tree_package(reels_ctx *ctx,
                              const struct hls_tree *tree,
                              const reels_packager_options *options,
                              const char *path,
                              reels_error *err)
{
    reels_output *output = NULL;
    reels_status status = reels_output_directory_new(ctx, path, REELS_OUTPUT_REPLACE, &output, err);
    if (status == REELS_OK) {
        status = hls_tree_package_to(ctx, tree, options, reels_output_table(output), output, err);
    }
    reels_output_free(output);
    return status;
}
