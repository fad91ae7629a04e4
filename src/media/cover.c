/* Owns the judgement of cover candidates and the making of JPEG. Nothing here depends on time. */
#include "media/cover.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "media/colour.h"
#include "media/demux.h"

enum {
    JPEG_QUALITY = 3 /* quantiser scale of libavcodec's encoder: about quality 90 */
};

static double mean_of(const AVFrame *frame)
{
    uint64_t sum = 0;
    for (int y = 0; y < frame->height; y++) {
        const uint8_t *row = frame->data[0] + (ptrdiff_t)y * frame->linesize[0];
        for (int x = 0; x < frame->width; x++) {
            sum += row[x];
        }
    }
    return (double)sum / ((double)frame->width * frame->height);
}

static double deviation_of(const AVFrame *frame, double mean)
{
    uint64_t squares = 0;
    for (int y = 0; y < frame->height; y++) {
        const uint8_t *row = frame->data[0] + (ptrdiff_t)y * frame->linesize[0];
        for (int x = 0; x < frame->width; x++) {
            squares += (uint64_t)row[x] * row[x];
        }
    }
    double variance = (double)squares / ((double)frame->width * frame->height) - mean * mean;
    return variance > 0 ? sqrt(variance) : 0;
}

static double laplacian_variance(const AVFrame *frame)
{
    if (frame->width < 3 || frame->height < 3) {
        return 0;
    }
    int64_t sum = 0;
    int64_t squares = 0;
    ptrdiff_t stride = frame->linesize[0];
    for (int y = 1; y < frame->height - 1; y++) {
        const uint8_t *row = frame->data[0] + y * stride;
        for (int x = 1; x < frame->width - 1; x++) {
            int value = 4 * row[x] - row[x - 1] - row[x + 1] - row[x - stride] - row[x + stride];
            sum += value;
            squares += (int64_t)value * value;
        }
    }
    double count = (double)(frame->width - 2) * (frame->height - 2);
    double mean = (double)sum / count;
    return (double)squares / count - mean * mean;
}

/* Mean absolute difference of luma: a few for handheld pictures, tens across a cut. */
static double distance(const AVFrame *a, const AVFrame *b)
{
    uint64_t sum = 0;
    for (int y = 0; y < a->height; y++) {
        const uint8_t *row_a = a->data[0] + (ptrdiff_t)y * a->linesize[0];
        const uint8_t *row_b = b->data[0] + (ptrdiff_t)y * b->linesize[0];
        for (int x = 0; x < a->width; x++) {
            sum += (uint64_t)abs(row_a[x] - row_b[x]);
        }
    }
    return (double)sum / ((double)a->width * a->height);
}

reels__media_cover_score reels__media_cover_judge(const AVFrame *small, const AVFrame *before)
{
    reels__media_cover_score score = {0};
    score.mean = mean_of(small);
    score.deviation = deviation_of(small, score.mean);
    score.sharpness = laplacian_variance(small);
    /* Exposure: best in the middle, worth little within 24 codes of black or white. */
    double exposure = 1 - fabs(score.mean - 118) / 110;
    exposure = exposure < 0.05 ? 0.05 : exposure;
    /* Contrast: flat and black pictures have next to none. */
    double contrast = score.deviation / (score.deviation + 18);
    double value = log2(1 + score.sharpness) * exposure * contrast;
    /* Near a cut, and in the middle of a fast pan, pictures are mixed or smeared. */
    if (before != NULL && before->width == small->width && before->height == small->height) {
        double moved = distance(small, before);
        value *= moved > 30 ? 0.6 : 1 - moved / 75;
    }
    if (before == NULL) {
        /* Nobody knows what was before the first picture; often it was a finger on the lens. */
        value *= 0.85;
    }
    score.value = value;
    return score;
}

static reels_status hold(AVFrame **to, const AVFrame *frame, reels_error *err)
{
    AVFrame *held = av_frame_clone(frame);
    if (held == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a cover");
    }
    av_frame_free(to);
    *to = held;
    return REELS_OK;
}

reels_status reels__media_cover_offer(reels__media_cover *cover,
                                      const AVFrame *small,
                                      const AVFrame *full,
                                      int64_t media_us,
                                      reels_error *err)
{
    double value = reels__media_cover_judge(small, cover->last_small).value;
    if (cover->candidates++ == 0 || value > cover->best) {
        REELS_TRY(hold(&cover->best_frame, full, err));
        cover->best = value;
        cover->best_us = media_us;
    }
    return hold(&cover->last_small, small, err);
}

static reels_status new_picture(int format, int width, int height, AVFrame **out, reels_error *err)
{
    AVFrame *frame = *out = av_frame_alloc();
    if (frame != NULL) {
        frame->format = format;
        frame->width = width;
        frame->height = height;
        if (av_frame_get_buffer(frame, 64) >= 0) {
            return REELS_OK;
        }
        av_frame_free(out);
    }
    return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a cover");
}

static reels_status encode_jpeg(const AVFrame *frame, AVPacket *packet, reels_error *err)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("mjpeg");
    AVCodecContext *encoder = codec != NULL ? avcodec_alloc_context3(codec) : NULL;
    if (encoder == NULL) {
        return reels__fail(err, REELS_ERR_UNSUPPORTED, "this libavcodec has no JPEG encoder");
    }
    encoder->width = frame->width;
    encoder->height = frame->height;
    encoder->pix_fmt = AV_PIX_FMT_YUVJ420P;
    encoder->color_range = AVCOL_RANGE_JPEG;
    encoder->time_base = (AVRational){1, 1};
    encoder->thread_count = 1;
    encoder->sample_aspect_ratio = (AVRational){1, 1}; /* makes it a JFIF file */
    encoder->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT;
    encoder->global_quality = JPEG_QUALITY * FF_QP2LAMBDA;
    encoder->log_level_offset = REELS__LOG_LEVEL_OFFSET;
    int av_status = avcodec_open2(encoder, codec, NULL);
    if (av_status >= 0) {
        av_status = avcodec_send_frame(encoder, frame);
    }
    if (av_status >= 0) {
        av_status = avcodec_receive_packet(encoder, packet);
    }
    avcodec_free_context(&encoder);
    return av_status < 0 ? reels__media_av_fail(av_status, "the cover cannot be encoded", err)
                         : REELS_OK;
}

reels_status
reels__media_jpeg(reels_ctx *ctx, const AVFrame *frame, AVPacket **out, reels_error *err)
{
    *out = NULL;
    reels__media_affine *affine = reels__mem_alloc(ctx, sizeof *affine);
    AVPacket *packet = av_packet_alloc();
    AVFrame *full = NULL;
    reels_status status = REELS_OK;
    if (affine == NULL || packet == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a cover");
    }
    if (status == REELS_OK) {
        status = new_picture(AV_PIX_FMT_YUVJ420P, frame->width, frame->height, &full, err);
    }
    if (status == REELS_OK) {
        reels__media_affine_make(affine, &reels__media_colour_output, &reels__media_colour_jpeg);
        reels__media_affine_run(affine, frame, full);
        full->quality = JPEG_QUALITY * FF_QP2LAMBDA;
        full->pts = 0;
        status = encode_jpeg(full, packet, err);
    }
    if (status == REELS_OK) {
        *out = packet;
        packet = NULL;
    }
    av_packet_free(&packet);
    av_frame_free(&full);
    reels__mem_free(ctx, affine);
    return status;
}

reels_status reels__media_cover_draw(int width, int height, AVFrame **out, reels_error *err)
{
    REELS_TRY(new_picture(AV_PIX_FMT_YUV420P, width, height, out, err));
    AVFrame *frame = *out;
    /* A calm dark blue that gets lighter downwards. */
    for (int y = 0; y < height; y++) {
        uint8_t *row = frame->data[0] + (ptrdiff_t)y * frame->linesize[0];
        for (int x = 0; x < width; x++) {
            row[x] = (uint8_t)(40 + 60 * y / height);
        }
    }
    for (int y = 0; y < height / 2; y++) {
        uint8_t *cb = frame->data[1] + (ptrdiff_t)y * frame->linesize[1];
        uint8_t *cr = frame->data[2] + (ptrdiff_t)y * frame->linesize[2];
        for (int x = 0; x < width / 2; x++) {
            cb[x] = 150;
            cr[x] = 124;
        }
    }
    return REELS_OK;
}

void reels__media_cover_dispose(reels__media_cover *cover)
{
    av_frame_free(&cover->best_frame);
    av_frame_free(&cover->last_small);
    *cover = (reels__media_cover){0};
}
