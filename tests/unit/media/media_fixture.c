/* Owns the making of clips and the memory output. */
#include "media_fixture.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const reels_media_isolation media_in_process = {.struct_size = sizeof(reels_media_isolation),
                                                .mode = REELS_ISOLATION_NONE};

static void need(int ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "media fixture: %s\n", what);
        abort();
    }
}

/* --- drawing --- */

/* Limited-range codes of BT.601 for pure red, green, blue and white. */
static const uint8_t quadrant_codes[4][3] = {
    {81, 90, 240}, {145, 54, 34}, {41, 240, 110}, {235, 128, 128}};

static void fill(AVFrame *frame, int left, int top, int right, int bottom, const uint8_t codes[3])
{
    for (int y = top; y < bottom; y++) {
        memset(frame->data[0] + (ptrdiff_t)y * frame->linesize[0] + left,
               codes[0],
               (size_t)(right - left));
    }
    int w = (right + 1) / 2 - left / 2;
    for (int y = top / 2; y < (bottom + 1) / 2; y++) {
        memset(frame->data[1] + (ptrdiff_t)y * frame->linesize[1] + left / 2, codes[1], (size_t)w);
        memset(frame->data[2] + (ptrdiff_t)y * frame->linesize[2] + left / 2, codes[2], (size_t)w);
    }
}

static void draw_moving(AVFrame *frame, int n)
{
    const uint8_t grey[3] = {90, 120, 135};
    fill(frame, 0, 0, frame->width, frame->height, grey);
    for (int y = 0; y < frame->height; y++) {
        uint8_t *row = frame->data[0] + (ptrdiff_t)y * frame->linesize[0];
        for (int x = 0; x < frame->width; x++) {
            row[x] = (uint8_t)(40 + ((x + 3 * n) * 7 ^ (y + n) * 5) % 160);
        }
    }
}

/* Eight columns, light for each set bit of the number. */
static void draw_number(AVFrame *frame, int n)
{
    for (int bit = 0; bit < 8; bit++) {
        const uint8_t codes[3] = {(uint8_t)((n >> bit) & 1 ? 220 : 30), 128, 128};
        fill(frame,
             frame->width * bit / 8 & ~1,
             0,
             frame->width * (bit + 1) / 8 & ~1,
             frame->height,
             codes);
    }
}

static void draw(AVFrame *frame, const struct media_clip *clip, int n, int64_t at_ms)
{
    const uint8_t black[3] = {16, 128, 128};
    int half_x = frame->width / 2 & ~1;
    int half_y = frame->height / 2 & ~1;
    switch (clip->pattern) {
    case MEDIA_PATTERN_QUADRANTS:
        fill(frame, 0, 0, half_x, half_y, quadrant_codes[0]);
        fill(frame, half_x, 0, frame->width, half_y, quadrant_codes[1]);
        fill(frame, 0, half_y, half_x, frame->height, quadrant_codes[2]);
        fill(frame, half_x, half_y, frame->width, frame->height, quadrant_codes[3]);
        break;
    case MEDIA_PATTERN_FLASH:
        fill(frame,
             0,
             0,
             frame->width,
             frame->height,
             at_ms >= clip->flash_ms && at_ms < clip->flash_ms + 100 ? quadrant_codes[3] : black);
        break;
    case MEDIA_PATTERN_COUNT:
        draw_number(frame, n);
        break;
    default:
        draw_moving(frame, n);
    }
}

/* --- muxing --- */

struct muxer {
    AVFormatContext *format;
    AVCodecContext *video;
    AVCodecContext *audio;
    AVStream *video_stream;
    AVStream *audio_stream;
    AVPacket *packet;
    const struct media_clip *clip;
};

static void open_video(struct muxer *m)
{
    const struct media_clip *clip = m->clip;
    const AVCodec *codec =
        avcodec_find_encoder_by_name(clip->codec != NULL ? clip->codec : "libx264");
    need(codec != NULL, "no video encoder");
    m->video = avcodec_alloc_context3(codec);
    m->video->width = clip->width > 0 ? clip->width : 320;
    m->video->height = clip->height > 0 ? clip->height : 240;
    m->video->pix_fmt =
        clip->pixel_format > 0 ? (enum AVPixelFormat)clip->pixel_format : AV_PIX_FMT_YUV420P;
    m->video->time_base = (AVRational){1, 90000};
    m->video->framerate =
        (AVRational){clip->fps_num > 0 ? clip->fps_num : 30, clip->fps_den > 0 ? clip->fps_den : 1};
    m->video->gop_size = 30;
    m->video->thread_count = 1;
    m->video->bit_rate = 2000000;
    m->video->color_range = clip->full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_UNSPECIFIED;
    m->video->colorspace =
        clip->matrix > 0 ? (enum AVColorSpace)clip->matrix : AVCOL_SPC_UNSPECIFIED;
    if (clip->sar_num > 0) {
        m->video->sample_aspect_ratio = (AVRational){clip->sar_num, clip->sar_den};
    }
    if ((m->format->oformat->flags & AVFMT_GLOBALHEADER) != 0) {
        m->video->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    }
    m->video->log_level_offset = 128;
    (void)av_opt_set(m->video->priv_data, "preset", "ultrafast", 0);
    (void)av_opt_set(m->video->priv_data, "tune", "zerolatency", 0);
    if (strcmp(codec->name, "mpeg4") == 0) {
        m->video->time_base = av_inv_q(m->video->framerate);
    }
    need(avcodec_open2(m->video, codec, NULL) >= 0, "the video encoder does not open");
    m->video_stream = avformat_new_stream(m->format, NULL);
    avcodec_parameters_from_context(m->video_stream->codecpar, m->video);
    m->video_stream->time_base = m->video->time_base;
    m->video_stream->avg_frame_rate = m->video->framerate;
    m->video_stream->sample_aspect_ratio = m->video->sample_aspect_ratio;
    if (clip->display_matrix != NULL) {
        uint8_t *side = av_stream_new_side_data(
            m->video_stream, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t));
        memcpy(side, clip->display_matrix, 9 * sizeof(int32_t));
    }
}

static void open_audio(struct muxer *m)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("aac");
    m->audio = avcodec_alloc_context3(codec);
    m->audio->sample_fmt = AV_SAMPLE_FMT_FLTP;
    m->audio->sample_rate = m->clip->audio_rate > 0 ? m->clip->audio_rate : 48000;
    m->audio->time_base = (AVRational){1, m->audio->sample_rate};
    m->audio->bit_rate = 128000;
    m->audio->log_level_offset = 128;
    av_channel_layout_default(&m->audio->ch_layout,
                              m->clip->audio_channels > 0 ? m->clip->audio_channels : 2);
    if ((m->format->oformat->flags & AVFMT_GLOBALHEADER) != 0) {
        m->audio->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    }
    need(avcodec_open2(m->audio, codec, NULL) >= 0, "the audio encoder does not open");
    m->audio_stream = avformat_new_stream(m->format, NULL);
    avcodec_parameters_from_context(m->audio_stream->codecpar, m->audio);
    m->audio_stream->time_base = m->audio->time_base;
}

static void write_packets(struct muxer *m, AVCodecContext *encoder, AVStream *stream)
{
    while (avcodec_receive_packet(encoder, m->packet) >= 0) {
        int64_t at_ms = av_rescale_q(m->packet->pts, encoder->time_base, (AVRational){1, 1000});
        int is_hole = stream == m->audio_stream && m->clip->hole_to_ms > 0 &&
                      at_ms >= m->clip->hole_from_ms && at_ms < m->clip->hole_to_ms;
        if (is_hole) {
            av_packet_unref(m->packet);
            continue;
        }
        av_packet_rescale_ts(m->packet, encoder->time_base, stream->time_base);
        m->packet->stream_index = stream->index;
        need(av_interleaved_write_frame(m->format, m->packet) >= 0, "the muxer refuses a packet");
    }
}

static AVFrame *new_picture(int format, int width, int height)
{
    AVFrame *frame = av_frame_alloc();
    frame->format = format;
    frame->width = width;
    frame->height = height;
    need(av_frame_get_buffer(frame, 0) >= 0, "no frame");
    return frame;
}

/* The same numbers in another format; takes the frame. A full-range twin keeps the numbers too. */
static AVFrame *in_format(AVFrame *frame, int format)
{
    if (format == AV_PIX_FMT_YUV420P) {
        return frame;
    }
    if (format == AV_PIX_FMT_YUVJ420P) {
        frame->format = format;
        return frame;
    }
    AVFrame *out = new_picture(format, frame->width, frame->height);
    struct SwsContext *sws = sws_getContext(frame->width,
                                            frame->height,
                                            AV_PIX_FMT_YUV420P,
                                            frame->width,
                                            frame->height,
                                            (enum AVPixelFormat)format,
                                            SWS_BICUBIC,
                                            NULL,
                                            NULL,
                                            NULL);
    need(sws != NULL, "no scaler");
    (void)sws_scale(sws,
                    (const uint8_t *const *)frame->data,
                    frame->linesize,
                    0,
                    frame->height,
                    out->data,
                    out->linesize);
    sws_freeContext(sws);
    av_frame_free(&frame);
    return out;
}

static void write_video(struct muxer *m)
{
    const struct media_clip *clip = m->clip;
    int frames = clip->frames > 0 ? clip->frames : 30;
    for (int n = 0; n < frames; n++) {
        int64_t at = av_rescale_q(n, av_inv_q(m->video->framerate), m->video->time_base);
        if (clip->pts_ms != NULL) {
            at = av_rescale_q(clip->pts_ms[n], (AVRational){1, 1000}, m->video->time_base);
        }
        at += av_rescale_q(clip->video_start_ms, (AVRational){1, 1000}, m->video->time_base);
        AVFrame *frame = new_picture(AV_PIX_FMT_YUV420P, m->video->width, m->video->height);
        draw(frame, clip, n, av_rescale_q(at, m->video->time_base, (AVRational){1, 1000}));
        frame = in_format(frame, m->video->pix_fmt);
        frame->pts = at;
        need(avcodec_send_frame(m->video, frame) >= 0, "the video encoder refuses a frame");
        av_frame_free(&frame);
        write_packets(m, m->video, m->video_stream);
    }
    need(avcodec_send_frame(m->video, NULL) >= 0, "the video encoder refuses the end");
    write_packets(m, m->video, m->video_stream);
}

static void write_audio(struct muxer *m)
{
    const struct media_clip *clip = m->clip;
    int rate = m->audio->sample_rate;
    int64_t total = (int64_t)rate * clip->audio_ms / 1000;
    int64_t start = (int64_t)rate * clip->audio_start_ms / 1000;
    for (int64_t at = 0; at < total; at += m->audio->frame_size) {
        AVFrame *frame = av_frame_alloc();
        frame->format = AV_SAMPLE_FMT_FLTP;
        frame->sample_rate = rate;
        frame->nb_samples =
            (int)(total - at < m->audio->frame_size ? total - at : m->audio->frame_size);
        av_channel_layout_copy(&frame->ch_layout, &m->audio->ch_layout);
        need(av_frame_get_buffer(frame, 0) >= 0, "no frame");
        frame->pts = start + at;
        for (int i = 0; i < frame->nb_samples; i++) {
            int64_t ms = (start + at + i) * 1000 / rate;
            int on = clip->beep_ms < 0 || (ms >= clip->beep_ms && ms < clip->beep_ms + 100);
            double value = on ? 0.5 * sin(2 * M_PI * 1000 * (double)(at + i) / rate) : 0;
            for (int c = 0; c < frame->ch_layout.nb_channels; c++) {
                ((float *)(void *)frame->extended_data[c])[i] = (float)value;
            }
        }
        need(avcodec_send_frame(m->audio, frame) >= 0, "the audio encoder refuses a frame");
        av_frame_free(&frame);
        write_packets(m, m->audio, m->audio_stream);
    }
    need(avcodec_send_frame(m->audio, NULL) >= 0, "the audio encoder refuses the end");
    write_packets(m, m->audio, m->audio_stream);
}

void media_clip_make(const struct media_clip *clip, struct media_bytes *out)
{
    struct muxer m = {.clip = clip, .packet = av_packet_alloc()};
    AVDictionary *options = NULL;
    need(avformat_alloc_output_context2(
             &m.format, NULL, clip->container != NULL ? clip->container : "mp4", NULL) >= 0,
         "no muxer");
    need(avio_open_dyn_buf(&m.format->pb) >= 0, "no memory output");
    m.format->max_interleave_delta = 0;
    if (clip->frames >= 0) {
        open_video(&m);
    }
    if (clip->audio_ms > 0) {
        open_audio(&m);
    }
    av_dict_set(&options, "use_editlist", "1", 0);
    need(avformat_write_header(m.format, &options) >= 0, "no header");
    av_dict_free(&options);
    if (m.video != NULL) {
        write_video(&m);
    }
    if (m.audio != NULL) {
        write_audio(&m);
    }
    need(av_write_trailer(m.format) >= 0, "no trailer");
    uint8_t *data = NULL;
    int len = avio_close_dyn_buf(m.format->pb, &data);
    out->len = (size_t)len;
    out->data = malloc(out->len + 1);
    need(out->data != NULL, "no memory");
    memcpy(out->data, data, out->len);
    av_free(data);
    m.format->pb = NULL;
    avcodec_free_context(&m.video);
    avcodec_free_context(&m.audio);
    avformat_free_context(m.format);
    av_packet_free(&m.packet);
}

void media_bytes_free(struct media_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct media_bytes){0};
}

/* --- output in memory --- */

static int fails(struct media_files *files)
{
    return ++files->calls_count == files->fail_at;
}

static reels_status files_begin(
    void *impl, const char *name, const char *content_type, void **out_file, reels_error *err)
{
    struct media_files *files = impl;
    (void)content_type;
    if (fails(files)) {
        return reels_error_set(err, REELS_ERR_HOST, 7, "begin was told to fail");
    }
    need(files->count < MEDIA_FILES_MAX, "too many files");
    struct media_file *file = &files->items[files->count++];
    memset(file, 0, sizeof *file);
    (void)snprintf(file->name, sizeof file->name, "%s", name);
    files->open_count++;
    *out_file = file;
    return REELS_OK;
}

static reels_status
files_write(void *impl, void *opaque, const uint8_t *data, size_t len, reels_error *err)
{
    struct media_file *file = opaque;
    if (fails(impl)) {
        return reels_error_set(err, REELS_ERR_HOST, 7, "write was told to fail");
    }
    uint8_t *grown = realloc(file->bytes.data, file->bytes.len + len + 1);
    need(grown != NULL, "no memory");
    memcpy(grown + file->bytes.len, data, len);
    file->bytes.data = grown;
    file->bytes.len += len;
    return REELS_OK;
}

static reels_status files_finish(void *impl, void *opaque, reels_error *err)
{
    struct media_files *files = impl;
    struct media_file *file = opaque;
    need(file->finished + file->aborted == 0, "a file ends twice");
    files->open_count--;
    if (fails(files)) {
        file->aborted = 1;
        return reels_error_set(err, REELS_ERR_HOST, 7, "finish was told to fail");
    }
    file->finished = 1;
    return REELS_OK;
}

static void files_abort(void *impl, void *opaque)
{
    struct media_files *files = impl;
    struct media_file *file = opaque;
    need(file->finished + file->aborted == 0, "a file ends twice");
    files->open_count--;
    file->aborted = 1;
}

reels_output_vtable media_files_output(void)
{
    return (reels_output_vtable){.struct_size = sizeof(reels_output_vtable),
                                 .begin = files_begin,
                                 .write = files_write,
                                 .finish = files_finish,
                                 .abort = files_abort};
}

void media_files_dispose(struct media_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->items[i].bytes.data);
    }
    memset(files, 0, sizeof *files);
}

struct media_file *media_files_find(struct media_files *files, const char *name)
{
    for (size_t i = 0; i < files->count; i++) {
        if (strcmp(files->items[i].name, name) == 0 && files->items[i].finished) {
            return &files->items[i];
        }
    }
    return NULL;
}

size_t media_files_finished(const struct media_files *files)
{
    size_t finished = 0;
    for (size_t i = 0; i < files->count; i++) {
        finished += files->items[i].finished ? 1 : 0;
    }
    return finished;
}

static reels_status source_size(void *impl, const char *name, uint64_t *out_bytes, reels_error *err)
{
    const struct media_file *file = media_files_find(impl, name);
    if (file == NULL) {
        return reels_error_set(err, REELS_ERR_NOT_FOUND, 0, "no such file");
    }
    *out_bytes = file->bytes.len;
    return REELS_OK;
}

static reels_status source_read(
    void *impl, const char *name, uint64_t offset, uint8_t *data, size_t len, reels_error *err)
{
    (void)err;
    const struct media_file *file = media_files_find(impl, name);
    memcpy(data, file->bytes.data + offset, len);
    return REELS_OK;
}

reels_verify_source_vtable media_files_source(void)
{
    return (reels_verify_source_vtable){.struct_size = sizeof(reels_verify_source_vtable),
                                        .size = source_size,
                                        .read = source_read};
}

reels_media_input media_input(const struct media_bytes *bytes)
{
    return (reels_media_input){
        .struct_size = sizeof(reels_media_input), .data = bytes->data, .size_bytes = bytes->len};
}

void media_transcode(reels_ctx *ctx,
                     const struct media_bytes *clip,
                     struct media_files *files,
                     reels_transcode_summary *summary)
{
    reels_error err = {.struct_size = sizeof err};
    reels_media_input input = media_input(clip);
    reels_transcode_options options = {.struct_size = sizeof options,
                                       .isolation = &media_in_process};
    reels_output_vtable output = media_files_output();
    summary->struct_size = sizeof *summary;
    reels_status status =
        reels_transcode_run(ctx, NULL, &input, &options, &output, files, summary, &err);
    ck_assert_msg(status == REELS_OK, "%s: %s", reels_status_name(status), err.message);
    ck_assert_uint_eq(files->open_count, 0);
}

void media_verify(reels_ctx *ctx, struct media_files *files)
{
    reels_error err = {.struct_size = sizeof err};
    reels_verify_report *report = NULL;
    reels_verify_source_vtable source = media_files_source();
    reels_verify_summary sums = {.struct_size = sizeof sums};
    media_ok(&err, reels_verify_source(ctx, &source, files, NULL, &report, &err));
    media_ok(&err, reels_verify_report_summary(report, &sums, &err));
    if (sums.errors_count > 0) {
        reels_verify_finding finding = {.struct_size = sizeof finding};
        media_ok(&err, reels_verify_report_finding(report, 0, &finding, &err));
        ck_abort_msg("%s: %s", finding.file, finding.message);
    }
    reels_verify_report_free(report);
}

/* --- reading back --- */

struct reader {
    const struct media_bytes *bytes;
    size_t at;
};

static int reader_read(void *opaque, uint8_t *data, int len)
{
    struct reader *reader = opaque;
    size_t left = reader->bytes->len - reader->at;
    size_t take = left < (size_t)len ? left : (size_t)len;
    memcpy(data, reader->bytes->data + reader->at, take);
    reader->at += take;
    return take > 0 ? (int)take : AVERROR_EOF;
}

static int64_t reader_seek(void *opaque, int64_t offset, int whence)
{
    struct reader *reader = opaque;
    if (whence == AVSEEK_SIZE) {
        return (int64_t)reader->bytes->len;
    }
    reader->at = (size_t)(whence == SEEK_CUR ? (int64_t)reader->at + offset : offset);
    return (int64_t)reader->at;
}

static size_t receive(AVCodecContext *decoder,
                      AVFrame *frame,
                      AVRational time_base,
                      int64_t *first,
                      media_frame_fn fn,
                      void *user)
{
    size_t count = 0;
    while (avcodec_receive_frame(decoder, frame) >= 0) {
        /* libavformat puts the reordering delay of signed composition offsets on every picture;
         * players do not. Ours begin at 0. */
        if (*first == INT64_MIN) {
            *first = frame->best_effort_timestamp;
        }
        if (decoder->codec_type == AVMEDIA_TYPE_VIDEO) {
            frame->best_effort_timestamp -= *first;
        }
        if (fn != NULL) {
            fn(user,
               frame,
               av_rescale_q(frame->best_effort_timestamp, time_base, (AVRational){1, 1000000}));
        }
        count++;
        av_frame_unref(frame);
    }
    return count;
}

size_t media_decode(const struct media_bytes *bytes, int audio, media_frame_fn fn, void *user)
{
    struct reader reader = {bytes, 0};
    AVFormatContext *format = avformat_alloc_context();
    format->pb =
        avio_alloc_context(av_malloc(65536), 65536, 0, &reader, reader_read, NULL, reader_seek);
    need(avformat_open_input(&format, NULL, NULL, NULL) >= 0, "the output does not open");
    need(avformat_find_stream_info(format, NULL) >= 0, "the output has no streams");
    int index = av_find_best_stream(
        format, audio ? AVMEDIA_TYPE_AUDIO : AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    need(index >= 0, "the output lacks a track");
    AVStream *stream = format->streams[index];
    const AVCodec *codec = avcodec_find_decoder(stream->codecpar->codec_id);
    AVCodecContext *decoder = avcodec_alloc_context3(codec);
    avcodec_parameters_to_context(decoder, stream->codecpar);
    decoder->pkt_timebase = stream->time_base;
    decoder->log_level_offset = 128;
    need(avcodec_open2(decoder, codec, NULL) >= 0, "no decoder");
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    size_t count = 0;
    int64_t first = INT64_MIN;
    while (av_read_frame(format, packet) >= 0) {
        if (packet->stream_index == index) {
            need(avcodec_send_packet(decoder, packet) >= 0, "the output is damaged");
            count += receive(decoder, frame, stream->time_base, &first, fn, user);
        }
        av_packet_unref(packet);
    }
    (void)avcodec_send_packet(decoder, NULL);
    count += receive(decoder, frame, stream->time_base, &first, fn, user);
    av_frame_free(&frame);
    av_packet_free(&packet);
    avcodec_free_context(&decoder);
    AVIOContext *io = format->pb;
    avformat_close_input(&format);
    av_freep(&io->buffer);
    avio_context_free(&io);
    return count;
}

void media_mean(const AVFrame *frame, int x_percent, int y_percent, double out[3])
{
    for (int plane = 0; plane < 3; plane++) {
        int shift = plane > 0 ? 1 : 0;
        int width = frame->width >> shift;
        int height = frame->height >> shift;
        int left = width * x_percent / 100;
        int top = height * y_percent / 100;
        int right = left + width / 5 > left ? left + width / 5 : left + 1;
        int bottom = top + height / 5 > top ? top + height / 5 : top + 1;
        double sum = 0;
        for (int y = top; y < bottom; y++) {
            for (int x = left; x < right; x++) {
                sum += frame->data[plane][(ptrdiff_t)y * frame->linesize[plane] + x];
            }
        }
        out[plane] = sum / ((double)(right - left) * (bottom - top));
    }
}

int media_frame_number(const AVFrame *frame)
{
    int number = 0;
    for (int bit = 0; bit < 8; bit++) {
        int x = (frame->width * (2 * bit + 1)) / 16;
        int value = frame->data[0][(ptrdiff_t)(frame->height / 2) * frame->linesize[0] + x];
        number |= value > 128 ? 1 << bit : 0;
    }
    return number;
}
