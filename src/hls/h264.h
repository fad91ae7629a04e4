/* Owns what the engine knows of H.264: NAL units in both framings, the avcC record, the sequence
 * parameter set. It looks at headers only; pictures are left to the decoder. */
#ifndef REELS_SRC_HLS_H264_H
#define REELS_SRC_HLS_H264_H

#include <reels/base.h>

enum {
    REELS__NAL_SLICE = 1,
    REELS__NAL_IDR = 5,
    REELS__NAL_SPS = 7,
    REELS__NAL_PPS = 8,
    REELS__NAL_DELIMITER = 9,
    REELS__NAL_FILLER = 12,
    /* A longer parameter set is refused: the largest legal SPS is far below it. */
    REELS__SPS_BYTES_MAX = 2048,
    REELS__H264_SIDE_MAX = 16384
};

struct reels__sps {
    uint32_t profile;
    uint32_t constraints; /* the byte between profile and level */
    uint32_t level;
    uint32_t chroma_format;
    uint32_t bit_depth_luma;
    uint32_t bit_depth_chroma;
    uint32_t width; /* visible: cropping applied */
    uint32_t height;
    uint32_t aspect_num; /* sample aspect ratio, 1:1 when it says nothing */
    uint32_t aspect_den;
};

/* Reads a sequence parameter set NAL, its header byte included. CORRUPT, or LIMIT for sizes beyond
 * the ones above. */
reels_status
reels__sps_read(const uint8_t *nal, size_t len, struct reels__sps *out, reels_error *err);

struct reels__avcc {
    uint32_t nal_length_size; /* 1, 2 or 4 */
    const uint8_t *sps;       /* the first one, borrowed */
    size_t sps_len;
    uint32_t profile;
    uint32_t constraints;
    uint32_t level;
};

/* Reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15). CORRUPT. */
reels_status
reels__avcc_read(const uint8_t *data, size_t len, struct reels__avcc *out, reels_error *err);

/* Builds an avcC record from SPS and PPS in Annex B form, with four-byte lengths. */
reels_status reels__avcc_build(const uint8_t *annexb, size_t len, reels_buf *out, reels_error *err);

/* Walks NAL units with length prefixes: 1 and the unit, 0 at the end, -1 when the framing is
 * broken. */
int reels__nal_next(const uint8_t *data,
                    size_t len,
                    uint32_t nal_length_size,
                    size_t *at,
                    const uint8_t **out_nal,
                    size_t *out_len);

/* The same for start codes: 1 and the unit, 0 at the end. */
int reels__nal_next_annexb(
    const uint8_t *data, size_t len, size_t *at, const uint8_t **out_nal, size_t *out_len);

/* Appends an Annex B sample with four-byte length prefixes, without parameter sets, delimiters and
 * filler. CORRUPT when nothing is left. */
reels_status
reels__nal_convert(const uint8_t *annexb, size_t len, reels_buf *out, reels_error *err);

struct reels__nal_summary {
    uint32_t slices_count; /* non-IDR */
    uint32_t idr_count;
    uint32_t parameter_sets_count;
};

/* Counts the kinds of units in a sample with length prefixes. CORRUPT when the framing is broken.
 */
reels_status reels__nal_summarize(const uint8_t *data,
                                  size_t len,
                                  uint32_t nal_length_size,
                                  struct reels__nal_summary *out,
                                  reels_error *err);

#endif
