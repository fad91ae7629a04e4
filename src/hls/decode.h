/* Owns the one place that decodes: whether a segment gives the pictures or the sound it should. All
 * that the engine uses of libavcodec is behind this header. */
#ifndef REELS_SRC_HLS_DECODE_H
#define REELS_SRC_HLS_DECODE_H

#include "mp4_read.h"

struct reels__decoder;

struct reels__decoded {
    size_t frames_count;
    size_t damaged_count; /* frames the decoder had to repair, and samples it refused */
    uint32_t width;       /* of the first picture */
    uint32_t height;
    uint32_t mixed; /* 1 when a later picture or frame has another size, rate or layout */
    uint32_t sample_rate;
    uint32_t channels;
    uint32_t reserved0;
};

/* UNSUPPORTED when this libavcodec has no such decoder or refuses the configuration. */
reels_status reels__decoder_new(reels_ctx *ctx,
                                const struct reels__mp4_header *header,
                                struct reels__decoder **out,
                                reels_error *err);
void reels__decoder_free(struct reels__decoder *decoder);

/* Decodes one segment from its start, as after a seek. OK whatever the decoder thought of it;
 * CANCELLED, TIMEOUT, NO_MEMORY. */
reels_status reels__decoder_run(struct reels__decoder *decoder,
                                const reels_call *call,
                                const uint8_t *data,
                                const struct reels__mp4_segment *segment,
                                struct reels__decoded *out,
                                reels_error *err);

#endif
