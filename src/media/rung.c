/* Owns the hand-over of pictures to one encoder at a time. `running` says who has the encoder. */
#include "media/rung.h"

#include <libavutil/opt.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "media/demux.h"

static void set_encoder(reels__media_rung *rung, uint32_t threads_count)
{
    const reels_rung *plan = &rung->plan;
    AVCodecContext *encoder = rung->encoder;
    encoder->width = (int)plan->width;
    encoder->height = (int)plan->height;
    encoder->pix_fmt = AV_PIX_FMT_YUV420P;
    encoder->sample_aspect_ratio = (AVRational){1, 1};
    encoder->time_base = (AVRational){(int)plan->frame_rate_den, (int)plan->frame_rate_num};
    encoder->framerate = (AVRational){(int)plan->frame_rate_num, (int)plan->frame_rate_den};
    encoder->bit_rate = plan->video_bitrate_bps;
    encoder->rc_max_rate = plan->video_bitrate_max_bps;
    encoder->rc_buffer_size = (int)plan->buffer_bits;
    encoder->gop_size = (int)rung->gop_frames;
    encoder->keyint_min = (int)rung->gop_frames;
    encoder->thread_count = (int)threads_count;
    const unsigned flags = AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_CLOSED_GOP;
    encoder->flags = (int)((unsigned)encoder->flags | flags);
    encoder->color_range = AVCOL_RANGE_MPEG;
    encoder->colorspace = AVCOL_SPC_BT709;
    encoder->color_primaries = AVCOL_PRI_BT709;
    encoder->color_trc = AVCOL_TRC_BT709;
    encoder->chroma_sample_location = AVCHROMA_LOC_LEFT;
    encoder->log_level_offset = REELS__LOG_LEVEL_OFFSET;
}

static reels_status
open_encoder(reels__media_rung *rung, const char *preset, uint32_t threads_count, reels_error *err)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("libx264");
    if (codec == NULL) {
        return reels__fail(
            err, REELS_ERR_UNSUPPORTED, "this libavcodec has no libx264, which encodes the ladder");
    }
    rung->encoder = avcodec_alloc_context3(codec);
    if (rung->encoder == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for an encoder");
    }
    set_encoder(rung, threads_count);
    void *private = rung->encoder->priv_data;
    if (av_opt_set(private, "preset", preset, 0) < 0 ||
        av_opt_set(private, "profile", "high", 0) < 0 ||
        av_opt_set(private, "forced-idr", "1", 0) < 0 ||
        av_opt_set(private, "x264-params", "scenecut=0:open-gop=0", 0) < 0) {
        return reels__fail(err, REELS_ERR_UNSUPPORTED, "libx264 lacks an option that is needed");
    }
    int av_status = avcodec_open2(rung->encoder, codec, NULL);
    if (av_status == AVERROR_EXTERNAL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for libx264");
    }
    if (av_status == AVERROR(EINVAL)) {
        return reels__fail(err,
                           REELS_ERR_INVALID_ARG,
                           "libx264 refuses the rung %s (%ux%u, preset %s)",
                           rung->plan.name,
                           rung->plan.width,
                           rung->plan.height,
                           preset);
    }
    return av_status < 0 ? reels__media_av_fail(av_status, "libx264 cannot be opened", err)
                         : REELS_OK;
}

reels_status reels__media_rung_open(reels__media_rung *rung,
                                    reels_ctx *ctx,
                                    const reels_rung *plan,
                                    uint32_t base_rate_num,
                                    uint32_t base_rate_den,
                                    uint32_t base_gop_frames,
                                    const char *preset,
                                    reels__pool *pool,
                                    uint32_t threads_count,
                                    reels_error *err)
{
    *rung =
        (reels__media_rung){.plan = *plan, .ctx = ctx, .pool = pool, .error = REELS__ERROR_INIT};
    uint64_t base = (uint64_t)base_rate_num * plan->frame_rate_den;
    uint64_t own = (uint64_t)base_rate_den * plan->frame_rate_num;
    if (own == 0 || base % own != 0) {
        return reels__fail(err,
                           REELS_ERR_INVALID_ARG,
                           "rung %s: %u/%u frames a second do not divide the highest rate %u/%u",
                           plan->name,
                           plan->frame_rate_num,
                           plan->frame_rate_den,
                           base_rate_num,
                           base_rate_den);
    }
    rung->divider = (uint32_t)(base / own);
    rung->gop_frames = base_gop_frames / rung->divider;
    if (pthread_mutex_init(&rung->lock, NULL) != 0) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a lock");
    }
    if (pthread_cond_init(&rung->changed, NULL) != 0) {
        pthread_mutex_destroy(&rung->lock);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a lock");
    }
    rung->lock_made = 1;
    return open_encoder(rung, preset, threads_count, err);
}

/* With valid pictures libx264 fails for one reason. */
static reels_status encoder_failed(int av_status, reels_error *err)
{
    return av_status == AVERROR_EXTERNAL
               ? reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for libx264")
               : reels__media_av_fail(av_status, "libx264 failed", err);
}

/* Called by the thread that set `running`, without the lock. */
static reels_status keep_packet(reels__media_rung *rung, AVPacket *packet)
{
    reels_status status = REELS_OK;
    pthread_mutex_lock(&rung->lock);
    if (rung->packets_count == rung->packets_capacity) {
        size_t capacity = rung->packets_capacity > 0 ? rung->packets_capacity * 2 : 64;
        AVPacket **grown =
            reels__mem_realloc(rung->ctx, rung->packets, capacity * sizeof(AVPacket *));
        if (grown == NULL) {
            status = reels__fail(&rung->error, REELS_ERR_NO_MEMORY, "no memory for packets");
        } else {
            rung->packets = grown;
            rung->packets_capacity = capacity;
        }
    }
    if (status == REELS_OK) {
        rung->packets[rung->packets_count++] = packet;
    }
    pthread_mutex_unlock(&rung->lock);
    return status;
}

/* Moves what the encoder has finished to the packets: OK when it wants more pictures, END when it
 * has given all. One packet at most while flushing, as each then costs the encoding of a picture.
 */
static reels_status receive(reels__media_rung *rung)
{
    do {
        AVPacket *packet = av_packet_alloc();
        if (packet == NULL) {
            return reels__fail(&rung->error, REELS_ERR_NO_MEMORY, "no memory for a packet");
        }
        int av_status = avcodec_receive_packet(rung->encoder, packet);
        if (av_status < 0) {
            av_packet_free(&packet);
        }
        if (av_status == AVERROR(EAGAIN)) {
            return REELS_OK;
        }
        if (av_status == AVERROR_EOF) {
            return REELS_END;
        }
        if (av_status < 0) {
            return encoder_failed(av_status, &rung->error);
        }
        reels_status status = keep_packet(rung, packet);
        if (status < 0) {
            av_packet_free(&packet);
            return status;
        }
    } while (!rung->flushing);
    return REELS_OK;
}

/* Encodes one picture, or goes on with the end when frame is NULL. */
static reels_status encode(reels__media_rung *rung, AVFrame *frame)
{
    if (frame != NULL || !rung->flushing) {
        rung->flushing = frame == NULL;
        int av_status = avcodec_send_frame(rung->encoder, frame);
        av_frame_free(&frame);
        if (av_status < 0) {
            return encoder_failed(av_status, &rung->error);
        }
    }
    return receive(rung);
}

/* What is next: a picture, the end (*out_end), or nothing. Under the lock. */
static AVFrame *next_frame(reels__media_rung *rung, int *out_end)
{
    *out_end = 0;
    if (rung->status < 0 || rung->drained) {
        return NULL;
    }
    if (rung->queued == 0) {
        *out_end = rung->finishing;
        return NULL;
    }
    AVFrame *frame = rung->queue[0];
    rung->queued--;
    for (size_t i = 0; i < rung->queued; i++) {
        rung->queue[i] = rung->queue[i + 1];
    }
    return frame;
}

/* Encodes at most steps_max pictures of the queue. Called and left with the lock held, which it
 * gives up meanwhile. 0 when somebody else is at it or there is nothing to do. */
static int work(reels__media_rung *rung, uint32_t steps_max)
{
    if (rung->running) {
        return 0;
    }
    int did = 0;
    rung->running = 1;
    for (uint32_t step = 0; step < steps_max; step++) {
        int end = 0;
        AVFrame *frame = next_frame(rung, &end);
        if (frame == NULL && !end) {
            break;
        }
        did = 1;
        pthread_mutex_unlock(&rung->lock);
        reels_status status = encode(rung, frame);
        pthread_mutex_lock(&rung->lock);
        if (status < 0) {
            rung->status = status;
        }
        rung->drained = status == REELS_END;
        pthread_cond_signal(&rung->changed);
    }
    rung->running = 0;
    return did;
}

/* What the pool runs. */
static void work_task(void *arg)
{
    reels__media_rung *rung = arg;
    pthread_mutex_lock(&rung->lock);
    work(rung, UINT32_MAX);
    rung->scheduled = 0;
    pthread_cond_signal(&rung->changed);
    pthread_mutex_unlock(&rung->lock);
}

/* Hands the queue to the pool unless that is done. Called and left with the lock held. */
static void schedule(reels__media_rung *rung)
{
    if (rung->scheduled) {
        return;
    }
    rung->scheduled = 1;
    pthread_mutex_unlock(&rung->lock);
    /* The task before has ended, or is about to: it no longer takes the lock for long. */
    reels__pool_wait(rung->pool, &rung->group);
    reels__pool_run(rung->pool, &rung->group, work_task, rung);
    pthread_mutex_lock(&rung->lock);
}

reels_status
reels__media_rung_push(reels__media_rung *rung, AVFrame *frame, int64_t index, reels_error *err)
{
    frame->pts = index;
    frame->pict_type =
        index % (int64_t)rung->gop_frames == 0 ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    frame->sample_aspect_ratio = (AVRational){1, 1};
    pthread_mutex_lock(&rung->lock);
    while (rung->queued == REELS__RUNG_QUEUE_MAX && rung->status == REELS_OK) {
        if (!work(rung, 1) && rung->running) {
            pthread_cond_wait(&rung->changed, &rung->lock);
        }
    }
    if (rung->status < 0) {
        av_frame_free(&frame);
    } else {
        rung->queue[rung->queued++] = frame;
        if (rung->pool != NULL) {
            schedule(rung);
        } else {
            work(rung, UINT32_MAX);
        }
    }
    pthread_mutex_unlock(&rung->lock);
    return reels__media_rung_status(rung, err);
}

void reels__media_rung_finish(reels__media_rung *rung)
{
    pthread_mutex_lock(&rung->lock);
    if (!rung->finishing) {
        rung->finishing = 1;
        if (rung->pool != NULL) {
            schedule(rung);
        }
    }
    pthread_mutex_unlock(&rung->lock);
}

void reels__media_rung_help(reels__media_rung *rung)
{
    pthread_mutex_lock(&rung->lock);
    if (!rung->drained && rung->status == REELS_OK && !work(rung, 1) && rung->running) {
        pthread_cond_wait(&rung->changed, &rung->lock);
    }
    pthread_mutex_unlock(&rung->lock);
}

AVPacket *reels__media_rung_take(reels__media_rung *rung)
{
    AVPacket *packet = NULL;
    pthread_mutex_lock(&rung->lock);
    if (rung->packets_count > 0) {
        packet = rung->packets[0];
        rung->packets_count--;
        for (size_t i = 0; i < rung->packets_count; i++) {
            rung->packets[i] = rung->packets[i + 1];
        }
    }
    pthread_mutex_unlock(&rung->lock);
    return packet;
}

int reels__media_rung_is_drained(reels__media_rung *rung)
{
    pthread_mutex_lock(&rung->lock);
    int drained = rung->drained && rung->packets_count == 0;
    pthread_mutex_unlock(&rung->lock);
    return drained;
}

reels_status reels__media_rung_status(reels__media_rung *rung, reels_error *err)
{
    pthread_mutex_lock(&rung->lock);
    reels_status status = rung->status;
    if (status < 0) {
        status = reels__media_fail_as(err, &rung->error);
    }
    pthread_mutex_unlock(&rung->lock);
    return status;
}

void reels__media_rung_dispose(reels__media_rung *rung)
{
    if (rung->lock_made) {
        /* A task that is still at work ends after its present picture. */
        pthread_mutex_lock(&rung->lock);
        for (size_t i = 0; i < rung->queued; i++) {
            av_frame_free(&rung->queue[i]);
        }
        rung->queued = 0;
        rung->finishing = 0;
        pthread_mutex_unlock(&rung->lock);
        if (rung->pool != NULL) {
            reels__pool_wait(rung->pool, &rung->group);
        }
    }
    for (size_t i = 0; i < rung->packets_count; i++) {
        av_packet_free(&rung->packets[i]);
    }
    reels__mem_free(rung->ctx, rung->packets);
    avcodec_free_context(&rung->encoder);
    if (rung->lock_made) {
        pthread_cond_destroy(&rung->changed);
        pthread_mutex_destroy(&rung->lock);
    }
    *rung = (reels__media_rung){0};
}
