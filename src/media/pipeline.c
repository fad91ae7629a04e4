/* Owns the run of a transcode: a state machine whose every tick is one picture or one packet. */
#include "media/pipeline.h"

#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "media/pipeline_internal.h"
#include "media/stage.h"

enum {
    US_PER_S = 1000000,
    PPM_OPENED = 10000,   /* progress once the file is known */
    PPM_ENCODED = 980000, /* progress once the last picture has come out */
    PPM_ALL = 1000000
};

reels_status reels__media_pipeline_new(reels_ctx *ctx,
                                       reels__media_source *source,
                                       const reels__media_settings *settings,
                                       const reels_output_vtable *output,
                                       void *output_impl,
                                       reels__media_pipeline **out,
                                       reels_error *err)
{
    reels__media_pipeline *p = *out = reels__mem_zalloc(ctx, sizeof *p);
    if (p == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a transcode");
    }
    p->ctx = ctx;
    p->source = source;
    p->settings = settings;
    p->output = *output;
    p->output_impl = output_impl;
    p->tracks = (reels__media_tracks){.video = -1, .audio = -1};
    return REELS_OK;
}

static int64_t grid_us(const reels__media_pipeline *p, int64_t frame)
{
    return av_rescale(frame, (int64_t)p->rate_den * US_PER_S, p->rate_num);
}

/* Hands what the encoders have finished to the packager. */
static reels_status write_packets(reels__media_pipeline *p, reels_error *err)
{
    for (uint32_t i = 0; i < p->rungs_count; i++) {
        reels__media_rung *rung = &p->rungs[i];
        int64_t ticks = (int64_t)rung->divider * p->rate_den * p->tick_scale;
        AVPacket *packet = NULL;
        while ((packet = reels__media_rung_take(rung)) != NULL) {
            reels_sample sample = {
                .pts = packet->pts * ticks,
                .duration = ticks,
                .data = packet->data,
                .data_len = (size_t)packet->size,
                .flags = (packet->flags & AV_PKT_FLAG_KEY) != 0 ? REELS_SAMPLE_KEY : 0};
            reels_status status =
                reels_packager_write(p->packager, rung->track, &sample, sizeof sample, 1, err);
            av_packet_free(&packet);
            if (status < 0) {
                return status;
            }
        }
        REELS_TRY(reels__media_rung_status(rung, err));
    }
    return REELS_OK;
}

/* Makes the picture of one rung out of the next larger one that is made. */
static reels_status make_picture(reels__media_pipeline *p, uint32_t index, reels_error *err)
{
    if (p->pictures[index] != NULL) {
        return REELS_OK;
    }
    uint32_t top = p->rungs_count - 1;
    if (p->pictures[top] == NULL) {
        REELS_TRY(reels__media_prepare_run(&p->prepare, p->held, &p->pictures[top], err));
    }
    if (index == top) {
        return REELS_OK;
    }
    uint32_t from = index + 1;
    while (p->pictures[from] == NULL) {
        from++;
    }
    const reels_rung *plan = &p->rungs[index].plan;
    return reels__media_scale(&p->sws[index],
                              &p->pools,
                              p->pictures[from],
                              (int)plan->width,
                              (int)plan->height,
                              &p->pictures[index],
                              err);
}

static void forget_pictures(reels__media_pipeline *p)
{
    for (uint32_t i = 0; i < p->rungs_count; i++) {
        av_frame_free(&p->pictures[i]);
    }
}

static reels_status push_picture(reels__media_pipeline *p, uint32_t index, reels_error *err)
{
    reels__media_rung *rung = &p->rungs[index];
    AVFrame *frame = av_frame_clone(p->pictures[index]);
    if (frame == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a picture");
    }
    return reels__media_rung_push(rung, frame, p->next_frame / rung->divider, err);
}

/* Gives one picture of the grid to every rung that shows it, the largest first. */
static reels_status emit_frame(reels__media_pipeline *p, reels_error *err)
{
    for (uint32_t i = p->rungs_count; i-- > 0;) {
        if (p->next_frame % p->rungs[i].divider != 0) {
            continue;
        }
        REELS_TRY(make_picture(p, i, err));
        REELS_TRY(push_picture(p, i, err));
    }
    if (p->next_frame % p->cover_step == 0) {
        /* The smallest rung shows this picture, so all have been made. */
        REELS_TRY(reels__media_cover_offer(
            &p->cover, p->pictures[0], p->pictures[p->cover_rung], grid_us(p, p->next_frame), err));
    }
    p->next_frame++;
    return REELS_OK;
}

/* The incoming picture takes the place of the held one, once that has been shown often enough. */
static void advance_held(reels__media_pipeline *p)
{
    forget_pictures(p);
    av_frame_free(&p->held);
    p->held = p->incoming;
    p->held_us = p->incoming_us;
    p->incoming = NULL;
}

/* A picture has been decoded: the grid up to the middle between it and the held one is the held
 * one's. */
static void accept_frame(reels__media_pipeline *p, AVFrame *frame)
{
    int64_t at = frame->best_effort_timestamp;
    if (at == AV_NOPTS_VALUE) {
        at = p->held != NULL ? p->held_us - p->shift_us + US_PER_S / 30 : p->timing.video_start_us;
    }
    p->incoming = frame;
    p->incoming_us = at + p->shift_us;
    p->frames_decoded++;
    if (p->held == NULL) {
        advance_held(p);
        return;
    }
    int64_t middle = (p->held_us + p->incoming_us) / 2;
    int64_t until =
        middle <= 0
            ? 0
            : av_rescale_rnd(middle, p->rate_num, (int64_t)p->rate_den * US_PER_S, AV_ROUND_UP);
    p->emit_until = until < p->frames_total ? until : p->frames_total;
}

/* OK when a picture came out, END when the decoder wants more or has ended (*out_ended). */
static reels_status receive_video(reels__media_pipeline *p, int *out_ended, reels_error *err)
{
    *out_ended = p->video_decoder == NULL;
    if (*out_ended) {
        return REELS_END;
    }
    AVFrame *frame = av_frame_alloc();
    if (frame == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a picture");
    }
    int av_status = avcodec_receive_frame(p->video_decoder, frame);
    if (av_status >= 0 && frame->width > 0 && frame->height > 0) {
        accept_frame(p, frame);
        return REELS_OK;
    }
    av_frame_free(&frame);
    *out_ended = av_status == AVERROR_EOF;
    if (av_status == AVERROR(ENOMEM)) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for decoding");
    }
    if (av_status < 0 && av_status != AVERROR(EAGAIN) && av_status != AVERROR_EOF) {
        p->decode_errors++;
    }
    return REELS_END;
}

static reels_status receive_audio(reels__media_pipeline *p, reels_error *err)
{
    for (;;) {
        int av_status = avcodec_receive_frame(p->audio_decoder, p->audio_frame);
        if (av_status == AVERROR(ENOMEM)) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for decoding");
        }
        if (av_status < 0) {
            return REELS_OK;
        }
        int64_t at = p->audio_frame->best_effort_timestamp;
        at = at == AV_NOPTS_VALUE ? INT64_MIN : at - p->timing.origin_us;
        reels_status status = reels__media_audio_add(&p->audio, p->audio_frame, at, err);
        av_frame_unref(p->audio_frame);
        if (status < 0) {
            return status;
        }
    }
}

/* Gives a packet to a decoder. Damage is counted, not fatal: pictures around it are held longer. */
static reels_status send_packet(reels__media_pipeline *p,
                                AVCodecContext *decoder,
                                const AVPacket *packet,
                                reels_error *err)
{
    int av_status = avcodec_send_packet(decoder, packet);
    if (av_status == AVERROR(ENOMEM)) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for decoding");
    }
    if (av_status < 0 && av_status != AVERROR_EOF && decoder == p->video_decoder) {
        p->decode_errors++;
    }
    return REELS_OK;
}

static reels_status read_packet(reels__media_pipeline *p, reels_error *err)
{
    reels__media_packet read = {0};
    reels_status status = reels__media_demux_read(&p->demux, p->packet, &read, err);
    if (status == REELS_END) {
        p->state = REELS__STATE_FLUSH;
        if (p->video_decoder != NULL) {
            REELS_TRY(send_packet(p, p->video_decoder, NULL, err));
        }
        if (p->audio_decoder != NULL) {
            REELS_TRY(send_packet(p, p->audio_decoder, NULL, err));
            REELS_TRY(receive_audio(p, err));
        }
        return REELS_OK;
    }
    if (status < 0) {
        return status;
    }
    AVPacket *packet = p->packet;
    packet->pts = read.pts_us == REELS__NO_TIME ? AV_NOPTS_VALUE : read.pts_us;
    packet->dts = read.dts_us == REELS__NO_TIME ? AV_NOPTS_VALUE : read.dts_us;
    packet->duration = read.duration_us;
    if (packet->stream_index == p->tracks.video && p->video_decoder != NULL) {
        status = send_packet(p, p->video_decoder, packet, err);
    } else if (packet->stream_index == p->tracks.audio && p->audio_decoder != NULL) {
        status = send_packet(p, p->audio_decoder, packet, err);
        if (status == REELS_OK) {
            status = receive_audio(p, err);
        }
    }
    av_packet_unref(packet);
    return status;
}

/* Everything is decoded: the last picture is shown to the end. */
static reels_status end_of_pictures(reels__media_pipeline *p, reels_error *err)
{
    if (p->tracks.video >= 0 && p->held == NULL) {
        return reels__fail(err, REELS_ERR_CORRUPT, "no picture could be decoded");
    }
    if (p->decode_errors > p->frames_decoded) {
        return reels__fail(err,
                           REELS_ERR_CORRUPT,
                           "%llu of its pictures are damaged, only %llu could be decoded",
                           (unsigned long long)p->decode_errors,
                           (unsigned long long)p->frames_decoded);
    }
    p->emit_until = p->frames_total;
    if (p->next_frame >= p->frames_total) {
        p->state = REELS__STATE_DRAIN;
        forget_pictures(p);
        av_frame_free(&p->held);
    }
    return REELS_OK;
}

/* READ and FLUSH: one picture given to the encoders, or one decoded, or one packet read. */
static reels_status work(reels__media_pipeline *p, reels_error *err)
{
    if (p->held != NULL && p->next_frame < p->emit_until) {
        return emit_frame(p, err);
    }
    if (p->incoming != NULL) {
        advance_held(p);
    }
    int ended = 0;
    reels_status status = receive_video(p, &ended, err);
    if (status != REELS_END) {
        return status;
    }
    if (p->state == REELS__STATE_READ) {
        return read_packet(p, err);
    }
    return ended ? end_of_pictures(p, err) : REELS_OK;
}

static reels_status drain(reels__media_pipeline *p, reels_error *err)
{
    for (uint32_t i = 0; i < p->rungs_count; i++) {
        reels__media_rung_finish(&p->rungs[i]);
    }
    for (uint32_t i = p->rungs_count; i-- > 0;) {
        if (!reels__media_rung_is_drained(&p->rungs[i])) {
            reels__media_rung_help(&p->rungs[i]);
            return reels__media_rung_status(&p->rungs[i], err);
        }
    }
    p->state = REELS__STATE_FINISH;
    return REELS_OK;
}

static reels_status write_cover(reels__media_pipeline *p, reels_error *err)
{
    AVFrame *drawn = NULL;
    AVPacket *jpeg = NULL;
    const AVFrame *frame = p->cover.best_frame;
    if (frame == NULL) {
        REELS_TRY(reels__media_cover_draw(720, 1280, &drawn, err));
        frame = drawn;
    }
    p->cover_width = (uint32_t)frame->width;
    p->cover_height = (uint32_t)frame->height;
    reels_status status = reels__media_jpeg(p->ctx, frame, &jpeg, err);
    if (status == REELS_OK) {
        status = reels__media_output_put(&p->output,
                                         p->output_impl,
                                         "cover.jpg",
                                         "image/jpeg",
                                         jpeg->data,
                                         (size_t)jpeg->size,
                                         err);
    }
    av_packet_free(&jpeg);
    av_frame_free(&drawn);
    return status;
}

static reels_status finish(reels__media_pipeline *p, reels_error *err)
{
    if (p->has_audio) {
        REELS_TRY(reels__media_audio_finish(&p->audio, err));
    }
    REELS_TRY(write_cover(p, err));
    REELS_TRY(reels_packager_finish(p->packager, err));
    p->state = REELS__STATE_DONE;
    return REELS_END;
}

static reels_status tick(reels__media_pipeline *p, const reels_call *call, reels_error *err)
{
    p->demux.call = call;
    switch (p->state) {
    case REELS__STATE_OPEN:
        REELS_TRY(reels__media_pipeline_open(p, call, err));
        p->state = REELS__STATE_SCAN;
        return REELS_OK;
    case REELS__STATE_SCAN:
        REELS_TRY(reels__media_pipeline_scan(p, call, err));
        p->state = REELS__STATE_PREPARE;
        return REELS_OK;
    case REELS__STATE_PREPARE:
        REELS_TRY(reels__media_pipeline_prepare(p, err));
        p->state = REELS__STATE_READ;
        return REELS_OK;
    case REELS__STATE_READ:
    case REELS__STATE_FLUSH:
        REELS_TRY(work(p, err));
        return write_packets(p, err);
    case REELS__STATE_DRAIN:
        REELS_TRY(drain(p, err));
        return write_packets(p, err);
    case REELS__STATE_FINISH:
        return finish(p, err);
    case REELS__STATE_DONE:
        return REELS_END;
    default:
        return reels__fail(err, REELS_ERR_STATE, "the transcode has failed before");
    }
}

reels_status reels__media_pipeline_tick(reels__media_pipeline *pipeline,
                                        const reels_call *call,
                                        reels_error *err)
{
    reels_status status = reels__call_check(pipeline->ctx, call, err);
    if (status == REELS_OK) {
        status = tick(pipeline, call, err);
    }
    pipeline->demux.call = NULL;
    if (status < 0) {
        pipeline->state = REELS__STATE_FAILED;
    }
    return status;
}

void reels__media_pipeline_progress(const reels__media_pipeline *p, reels_transcode_progress *out)
{
    *out = (reels_transcode_progress){
        .struct_size = sizeof *out, .stage = REELS_TRANSCODE_STAGE_PROBE, .duration_us = -1};
    if (p->state < REELS__STATE_READ || p->state == REELS__STATE_FAILED) {
        return;
    }
    out->stage = REELS_TRANSCODE_STAGE_ENCODE;
    out->duration_us = p->timing.duration_us;
    int64_t done = p->next_frame;
    int64_t total = p->frames_total;
    if (p->tracks.video >= 0) {
        out->frames_count = (uint64_t)p->next_frame;
        out->frames_total = (uint64_t)p->frames_total;
        out->media_us = grid_us(p, p->next_frame);
    } else {
        done = p->audio.made_samples;
        total = p->audio.total_samples;
        out->media_us = av_rescale(done, US_PER_S, REELS__AUDIO_RATE);
    }
    out->done_ppm = PPM_OPENED;
    if (total > 0) {
        out->done_ppm += (uint32_t)av_rescale(done, PPM_ENCODED - PPM_OPENED, total);
    }
    if (p->state >= REELS__STATE_FINISH) {
        out->stage = REELS_TRANSCODE_STAGE_FINISH;
        out->done_ppm = PPM_ENCODED;
    }
    if (p->state == REELS__STATE_DONE) {
        out->stage = REELS_TRANSCODE_STAGE_DONE;
        out->done_ppm = PPM_ALL;
    }
}

const reels_probe_info *reels__media_pipeline_info(const reels__media_pipeline *p)
{
    return p->info.struct_size > 0 && p->state > REELS__STATE_SCAN ? &p->info : NULL;
}

void reels__media_pipeline_summary(const reels__media_pipeline *p,
                                   reels_transcode_summary *out,
                                   reels_rung rungs[REELS_RUNGS_MAX])
{
    *out = (reels_transcode_summary){.struct_size = sizeof *out,
                                     .rungs_count = p->rungs_count,
                                     .duration_us = p->timing.duration_us,
                                     .frames_count = (uint64_t)p->next_frame,
                                     .audio_present = (uint32_t)p->has_audio,
                                     .cover_width = p->cover_width,
                                     .cover_height = p->cover_height,
                                     .cover_media_us = -1};
    if (p->tracks.video >= 0) {
        out->duration_us = grid_us(p, p->frames_total);
        out->cover_media_us = p->cover.best_us;
    }
    for (uint32_t i = 0; i < p->rungs_count; i++) {
        rungs[i] = p->rungs[i].plan;
        rungs[i].struct_size = sizeof rungs[i];
    }
}

void reels__media_pipeline_free(reels__media_pipeline *p)
{
    if (p == NULL) {
        return;
    }
    for (uint32_t i = 0; i < p->rungs_count; i++) {
        reels__media_rung_dispose(&p->rungs[i]);
        sws_freeContext(p->sws[i]);
    }
    forget_pictures(p);
    reels__pool_free(p->pool);
    reels_packager_free(p->packager);
    reels__media_cover_dispose(&p->cover);
    reels__media_audio_dispose(&p->audio);
    reels__media_prepare_dispose(&p->prepare);
    av_frame_free(&p->incoming);
    av_frame_free(&p->held);
    av_frame_free(&p->audio_frame);
    avcodec_free_context(&p->video_decoder);
    avcodec_free_context(&p->audio_decoder);
    av_packet_free(&p->packet);
    reels__media_demux_close(&p->demux);
    reels__media_pools_dispose(&p->pools);
    reels__mem_free(p->ctx, p);
}
