/* Owns the filling, cutting and resampling that makes sound one piece from 0 to the end. */
#include "media/audio.h"

#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "media/demux.h"

enum {
    US_PER_S = 1000000,
    /* Time stamps of sound wobble by rounding and by whole frames of a careless muxer. Only what is
     * further off is a gap, to be filled with silence, or an overlap, to be cut. */
    TOLERANCE_SAMPLES = REELS__AUDIO_RATE / 25
};

static reels_status open_encoder(reels__media_audio *audio, uint32_t bitrate_bps, reels_error *err)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("aac");
    if (codec == NULL) {
        return reels__fail(err, REELS_ERR_UNSUPPORTED, "this libavcodec has no AAC encoder");
    }
    AVCodecContext *encoder = audio->encoder = avcodec_alloc_context3(codec);
    if (encoder == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for an encoder");
    }
    encoder->sample_fmt = AV_SAMPLE_FMT_FLTP;
    encoder->sample_rate = REELS__AUDIO_RATE;
    encoder->time_base = (AVRational){1, REELS__AUDIO_RATE};
    encoder->bit_rate = bitrate_bps;
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    encoder->thread_count = 1;
    encoder->log_level_offset = REELS__LOG_LEVEL_OFFSET;
    av_channel_layout_default(&encoder->ch_layout, REELS__AUDIO_CHANNELS);
    int av_status = avcodec_open2(encoder, codec, NULL);
    return av_status < 0 ? reels__media_av_fail(av_status, "the AAC encoder cannot be opened", err)
                         : REELS_OK;
}

reels_status reels__media_audio_open(reels__media_audio *audio,
                                     reels_ctx *ctx,
                                     uint32_t bitrate_bps,
                                     int64_t total_samples,
                                     reels__media_packet_fn sink,
                                     void *sink_user,
                                     reels_error *err)
{
    *audio = (reels__media_audio){
        .ctx = ctx, .total_samples = total_samples, .sink = sink, .sink_user = sink_user};
    REELS_TRY(open_encoder(audio, bitrate_bps, err));
    audio->packet = av_packet_alloc();
    audio->block = av_frame_alloc();
    if (audio->packet == NULL || audio->block == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for sound");
    }
    audio->block->format = AV_SAMPLE_FMT_FLTP;
    audio->block->nb_samples = audio->encoder->frame_size;
    audio->block->sample_rate = REELS__AUDIO_RATE;
    if (av_channel_layout_copy(&audio->block->ch_layout, &audio->encoder->ch_layout) < 0 ||
        av_frame_get_buffer(audio->block, 0) < 0) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for sound");
    }
    audio->block->nb_samples = 0;
    return REELS_OK;
}

static reels_status encode(reels__media_audio *audio, AVFrame *frame, reels_error *err)
{
    int av_status = avcodec_send_frame(audio->encoder, frame);
    while (av_status >= 0) {
        av_status = avcodec_receive_packet(audio->encoder, audio->packet);
        if (av_status >= 0) {
            reels_status status = audio->sink(audio->sink_user, audio->packet, err);
            av_packet_unref(audio->packet);
            if (status < 0) {
                return status;
            }
        }
    }
    return av_status == AVERROR(EAGAIN) || av_status == AVERROR_EOF
               ? REELS_OK
               : reels__media_av_fail(av_status, "the AAC encoder failed", err);
}

/* The encoder may still hold the block that was sent last. */
static reels_status encode_block(reels__media_audio *audio, reels_error *err)
{
    audio->block->pts = audio->made_samples - audio->block->nb_samples;
    REELS_TRY(encode(audio, audio->block, err));
    if (av_frame_make_writable(audio->block) < 0) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for sound");
    }
    audio->block->nb_samples = 0;
    return REELS_OK;
}

/* Appends samples; NULL is silence. What lies beyond the end is dropped. */
static reels_status
append(reels__media_audio *audio, float *const *samples, int64_t count, reels_error *err)
{
    if (count > audio->total_samples - audio->made_samples) {
        count = audio->total_samples - audio->made_samples;
    }
    int64_t done = 0;
    while (done < count) {
        int at = audio->block->nb_samples;
        int64_t room = audio->encoder->frame_size - at;
        int64_t take = count - done < room ? count - done : room;
        for (int channel = 0; channel < REELS__AUDIO_CHANNELS; channel++) {
            float *to = (float *)(void *)audio->block->data[channel] + at;
            if (samples != NULL) {
                memcpy(to, samples[channel] + done, (size_t)take * sizeof *to);
            } else {
                memset(to, 0, (size_t)take * sizeof *to);
            }
        }
        audio->block->nb_samples += (int)take;
        audio->made_samples += take;
        done += take;
        if (audio->block->nb_samples == audio->encoder->frame_size) {
            /* The buffer is as long as a block whatever nb_samples says in between. */
            REELS_TRY(encode_block(audio, err));
        }
    }
    return REELS_OK;
}

/* Appends what was resampled, less what is to be dropped. */
static reels_status append_scratch(reels__media_audio *audio, int count, reels_error *err)
{
    int64_t skip = audio->drop_samples < count ? audio->drop_samples : count;
    audio->drop_samples -= skip;
    float *from[REELS__AUDIO_CHANNELS] = {audio->scratch[0] + skip, audio->scratch[1] + skip};
    return append(audio, from, count - skip, err);
}

static reels_status reserve_scratch(reels__media_audio *audio, int count, reels_error *err)
{
    if (count <= audio->scratch_samples) {
        return REELS_OK;
    }
    for (int channel = 0; channel < REELS__AUDIO_CHANNELS; channel++) {
        float *grown =
            reels__mem_realloc(audio->ctx, audio->scratch[channel], (size_t)count * sizeof(float));
        if (grown == NULL) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for sound");
        }
        audio->scratch[channel] = grown;
    }
    audio->scratch_samples = count;
    return REELS_OK;
}

/* Resamples a frame, or what is left inside the resampler when it is NULL. */
static reels_status resample(reels__media_audio *audio, const AVFrame *frame, reels_error *err)
{
    int in_samples = frame != NULL ? frame->nb_samples : 0;
    int room = swr_get_out_samples(audio->swr, in_samples);
    if (room <= 0) {
        return REELS_OK;
    }
    REELS_TRY(reserve_scratch(audio, room, err));
    uint8_t *out[REELS__AUDIO_CHANNELS] = {(uint8_t *)audio->scratch[0],
                                           (uint8_t *)audio->scratch[1]};
    const uint8_t **in = frame != NULL ? (const uint8_t **)(void *)frame->extended_data : NULL;
    int got = swr_convert(audio->swr, out, room, in, in_samples);
    if (got < 0) {
        return reels__media_av_fail(got, "sound cannot be resampled", err);
    }
    return append_scratch(audio, got, err);
}

/* Channel layouts that say nothing, or absurd things, are taken by their number of channels. */
static void layout_of(const AVFrame *frame, AVChannelLayout *out)
{
    if (frame->ch_layout.order == AV_CHANNEL_ORDER_NATIVE &&
        av_channel_layout_copy(out, &frame->ch_layout) == 0) {
        return;
    }
    av_channel_layout_default(out, frame->ch_layout.nb_channels);
}

/* A resampler for the frame's form; a change of form in the middle drains the old one. */
static reels_status fit_resampler(reels__media_audio *audio, const AVFrame *frame, reels_error *err)
{
    AVChannelLayout layout = {0};
    layout_of(frame, &layout);
    if (audio->swr != NULL && audio->in_format == frame->format &&
        audio->in_rate == frame->sample_rate &&
        av_channel_layout_compare(&audio->in_layout, &layout) == 0) {
        av_channel_layout_uninit(&layout);
        return REELS_OK;
    }
    reels_status status = audio->swr != NULL ? resample(audio, NULL, err) : REELS_OK;
    swr_free(&audio->swr);
    av_channel_layout_uninit(&audio->in_layout);
    audio->in_layout = layout;
    audio->in_format = frame->format;
    audio->in_rate = frame->sample_rate;
    if (status < 0) {
        return status;
    }
    int av_status = swr_alloc_set_opts2(&audio->swr,
                                        &audio->encoder->ch_layout,
                                        AV_SAMPLE_FMT_FLTP,
                                        REELS__AUDIO_RATE,
                                        &audio->in_layout,
                                        (enum AVSampleFormat)frame->format,
                                        frame->sample_rate,
                                        0,
                                        NULL);
    if (av_status >= 0) {
        av_status = swr_init(audio->swr);
    }
    return av_status < 0 ? reels__media_av_fail(av_status, "sound cannot be resampled", err)
                         : REELS_OK;
}

/* Puts silence before sound that comes late, and marks for dropping what comes too early. */
static reels_status place(reels__media_audio *audio, int64_t at_us, reels_error *err)
{
    const AVRational us = {1, US_PER_S};
    const AVRational samples = {1, REELS__AUDIO_RATE};
    int64_t inside = swr_get_delay(audio->swr, REELS__AUDIO_RATE);
    int64_t at = av_rescale_q(at_us, us, samples);
    int64_t next = audio->made_samples - audio->drop_samples + inside;
    int64_t off = at - next;
    /* The first sound goes exactly where it belongs. */
    int64_t tolerance = next == 0 ? 0 : TOLERANCE_SAMPLES;
    if (off > tolerance) {
        if (inside > 0) {
            /* A drained resampler must begin anew before it takes more. */
            REELS_TRY(resample(audio, NULL, err));
            int av_status = swr_init(audio->swr);
            if (av_status < 0) {
                return reels__media_av_fail(av_status, "sound cannot be resampled", err);
            }
        }
        int64_t dropped = audio->drop_samples < off ? audio->drop_samples : off;
        audio->drop_samples -= dropped;
        return append(audio, NULL, off - dropped, err);
    }
    if (off < -tolerance) {
        audio->drop_samples += -off;
    }
    return REELS_OK;
}

reels_status reels__media_audio_add(reels__media_audio *audio,
                                    const AVFrame *frame,
                                    int64_t at_us,
                                    reels_error *err)
{
    if (frame->nb_samples <= 0 || frame->sample_rate <= 0 || frame->ch_layout.nb_channels <= 0) {
        return REELS_OK;
    }
    REELS_TRY(fit_resampler(audio, frame, err));
    if (at_us != INT64_MIN) {
        REELS_TRY(place(audio, at_us, err));
    }
    return resample(audio, frame, err);
}

reels_status reels__media_audio_finish(reels__media_audio *audio, reels_error *err)
{
    if (audio->swr != NULL) {
        REELS_TRY(resample(audio, NULL, err));
    }
    REELS_TRY(append(audio, NULL, audio->total_samples - audio->made_samples, err));
    if (audio->block->nb_samples > 0) {
        audio->block->pts = audio->made_samples - audio->block->nb_samples;
        REELS_TRY(encode(audio, audio->block, err));
    }
    return encode(audio, NULL, err);
}

void reels__media_audio_dispose(reels__media_audio *audio)
{
    for (int channel = 0; channel < REELS__AUDIO_CHANNELS; channel++) {
        reels__mem_free(audio->ctx, audio->scratch[channel]);
    }
    swr_free(&audio->swr);
    av_channel_layout_uninit(&audio->in_layout);
    av_frame_free(&audio->block);
    av_packet_free(&audio->packet);
    avcodec_free_context(&audio->encoder);
    *audio = (reels__media_audio){0};
}
