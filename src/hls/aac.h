/* Owns what the engine knows of AAC: the AudioSpecificConfig and frames of silence. */
#ifndef REELS_SRC_HLS_AAC_H
#define REELS_SRC_HLS_AAC_H

#include <reels/base.h>

enum {
    REELS__AAC_LC = 2,
    REELS__AAC_SBR = 5,
    REELS__AAC_PS = 29
};

struct reels__asc {
    uint32_t object_type;   /* as signalled: 2, 5, 29 ... : the number in "mp4a.40.N" */
    uint32_t sample_rate;   /* of the output: doubled by SBR */
    uint32_t channels;      /* 0 = described elsewhere in the stream */
    uint32_t frame_samples; /* output samples per frame */
};

/* Reads an AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1). CORRUPT; UNSUPPORTED. */
reels_status
reels__asc_read(const uint8_t *data, size_t len, struct reels__asc *out, reels_error *err);

/* A raw AAC-LC frame of silence, or NULL when there is none for that many channels. */
const uint8_t *reels__aac_silence(uint32_t channels, size_t *out_len);

#endif
