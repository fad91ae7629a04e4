/* Owns sound: whatever came in becomes AAC-LC, 48 kHz, stereo, without a gap from 0 to the end. */
#ifndef REELS_SRC_MEDIA_AUDIO_H
#define REELS_SRC_MEDIA_AUDIO_H

#include <libavcodec/avcodec.h>
#include <libswresample/swresample.h>

#include <reels/media.h>

enum {
    REELS__AUDIO_RATE = 48000,
    REELS__AUDIO_CHANNELS = 2
};

/* Takes encoded packets; times are in samples, the first one is below 0 by the encoder's priming.
 */
typedef reels_status (*reels__media_packet_fn)(void *user,
                                               const AVPacket *packet,
                                               reels_error *err);

typedef struct reels__media_audio {
    reels_ctx *ctx;
    AVCodecContext *encoder;
    struct SwrContext *swr;
    AVChannelLayout in_layout; /* what swr was made for */
    int in_format;
    int in_rate;
    int64_t total_samples; /* how long the sound is to be */
    int64_t made_samples;  /* put in the block or encoded so far, silence included */
    int64_t drop_samples;  /* of what comes next: it lies before 0, or overlaps */
    AVFrame *block;        /* being filled: one frame of the encoder */
    AVPacket *packet;
    float *scratch[REELS__AUDIO_CHANNELS]; /* resampled, not yet put in a block */
    int scratch_samples;
    reels__media_packet_fn sink;
    void *sink_user;
} reels__media_audio;

reels_status reels__media_audio_open(reels__media_audio *audio,
                                     reels_ctx *ctx,
                                     uint32_t bitrate_bps,
                                     int64_t total_samples,
                                     reels__media_packet_fn sink,
                                     void *sink_user,
                                     reels_error *err);

/* Adds decoded sound. at_us is where it plays in the output; INT64_MIN = right behind the last. */
reels_status reels__media_audio_add(reels__media_audio *audio,
                                    const AVFrame *frame,
                                    int64_t at_us,
                                    reels_error *err);

/* Fills up with silence and ends. */
reels_status reels__media_audio_finish(reels__media_audio *audio, reels_error *err);

void reels__media_audio_dispose(reels__media_audio *audio);

#endif
