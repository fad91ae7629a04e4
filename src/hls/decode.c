/* Owns the use of libavcodec. Samples come from our own reading of the boxes; no demuxer takes
 * part, so nothing in a file can make the library open another one. */
#include "decode.h"

#include <libavcodec/avcodec.h>
#include <limits.h>
#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    /* Moves the decoder's messages past the level that libav prints by default; only the low eight
     * bits of a level count, so it cannot be larger. */
    LOG_QUIET_OFFSET = 100
};

struct reels__decoder {
    reels_ctx *ctx;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;
};

void reels__decoder_free(struct reels__decoder *decoder)
{
    if (decoder == NULL) {
        return;
    }
    avcodec_free_context(&decoder->codec);
    av_packet_free(&decoder->packet);
    av_frame_free(&decoder->frame);
    reels__mem_free(decoder->ctx, decoder);
}

static reels_status configure(struct reels__decoder *decoder,
                              const AVCodec *codec,
                              const struct reels__mp4_header *header,
                              reels_error *err)
{
    AVCodecContext *context = avcodec_alloc_context3(codec);
    decoder->codec = context;
    decoder->packet = av_packet_alloc();
    decoder->frame = av_frame_alloc();
    if (context == NULL || decoder->packet == NULL || decoder->frame == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "verify: no memory for a decoder");
    }
    context->extradata = av_mallocz(header->configuration_len + AV_INPUT_BUFFER_PADDING_SIZE);
    if (context->extradata == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "verify: no memory for a decoder");
    }
    memcpy(context->extradata, header->configuration, header->configuration_len);
    context->extradata_size = (int)header->configuration_len;
    context->log_level_offset = LOG_QUIET_OFFSET;
    context->thread_count = 1;
    context->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
    /* Nothing that is missing is made up. */
    context->error_concealment = 0;
    context->flags2 |= AV_CODEC_FLAG2_SHOW_ALL;
    context->pkt_timebase =
        (AVRational){1, header->timescale <= INT_MAX ? (int)header->timescale : 1};
    if (avcodec_open2(context, codec, NULL) < 0) {
        return reels__fail(
            err, REELS_ERR_UNSUPPORTED, "the decoder refuses the codec configuration");
    }
    return REELS_OK;
}

reels_status reels__decoder_new(reels_ctx *ctx,
                                const struct reels__mp4_header *header,
                                struct reels__decoder **out,
                                reels_error *err)
{
    *out = NULL;
    enum AVCodecID id = header->codec == REELS__MP4_CODEC_H264 ? AV_CODEC_ID_H264 : AV_CODEC_ID_AAC;
    const AVCodec *codec =
        header->codec != REELS__MP4_CODEC_UNKNOWN ? avcodec_find_decoder(id) : NULL;
    if (codec == NULL) {
        return reels__fail(err, REELS_ERR_UNSUPPORTED, "this build has no decoder for it");
    }
    struct reels__decoder *decoder = reels__mem_zalloc(ctx, sizeof *decoder);
    if (decoder == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "verify: no memory for a decoder");
    }
    decoder->ctx = ctx;
    reels_status status = configure(decoder, codec, header, err);
    if (status != REELS_OK) {
        reels__decoder_free(decoder);
        return status;
    }
    *out = decoder;
    return REELS_OK;
}

static void look(const struct reels__decoder *decoder, struct reels__decoded *out)
{
    const AVFrame *frame = decoder->frame;
    uint32_t width = (uint32_t)frame->width;
    uint32_t height = (uint32_t)frame->height;
    uint32_t sample_rate = (uint32_t)frame->sample_rate;
    uint32_t channels = (uint32_t)frame->ch_layout.nb_channels;
    if (out->frames_count == 0) {
        out->width = width;
        out->height = height;
        out->sample_rate = sample_rate;
        out->channels = channels;
    }
    out->mixed |= width != out->width || height != out->height || sample_rate != out->sample_rate ||
                  channels != out->channels;
    out->damaged_count +=
        frame->decode_error_flags != 0 || (frame->flags & AV_FRAME_FLAG_CORRUPT) != 0;
    out->frames_count++;
}

static reels_status
receive(struct reels__decoder *decoder, struct reels__decoded *out, reels_error *err)
{
    for (;;) {
        int result = avcodec_receive_frame(decoder->codec, decoder->frame);
        if (result == AVERROR(ENOMEM)) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "verify: no memory for a picture");
        }
        if (result < 0) {
            out->damaged_count += result != AVERROR(EAGAIN) && result != AVERROR_EOF;
            return REELS_OK;
        }
        look(decoder, out);
        av_frame_unref(decoder->frame);
    }
}

static reels_status
send(struct reels__decoder *decoder, struct reels__decoded *out, reels_error *err)
{
    int result = avcodec_send_packet(decoder->codec, decoder->packet);
    if (result == AVERROR(ENOMEM)) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "verify: no memory for a sample");
    }
    out->damaged_count += result < 0;
    return receive(decoder, out, err);
}

reels_status reels__decoder_run(struct reels__decoder *decoder,
                                const reels_call *call,
                                const uint8_t *data,
                                const struct reels__mp4_segment *segment,
                                struct reels__decoded *out,
                                reels_error *err)
{
    *out = (struct reels__decoded){0};
    avcodec_flush_buffers(decoder->codec);
    for (size_t i = 0; i < segment->samples_count; i++) {
        const struct reels__mp4_read_sample *sample = &segment->samples[i];
        REELS_TRY(reels__call_check(decoder->ctx, call, err));
        av_packet_unref(decoder->packet);
        if (sample->size > INT_MAX || av_new_packet(decoder->packet, (int)sample->size) < 0) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "verify: no memory for a sample");
        }
        memcpy(decoder->packet->data, data + sample->offset, sample->size);
        decoder->packet->pts = (int64_t)i;
        REELS_TRY(send(decoder, out, err));
    }
    av_packet_unref(decoder->packet);
    /* An empty packet asks for what is left. */
    int result = avcodec_send_packet(decoder->codec, NULL);
    out->damaged_count += result < 0 && result != AVERROR_EOF;
    return receive(decoder, out, err);
}
