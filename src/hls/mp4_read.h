/* Owns the reading of ISO boxes: the header of a track (init segment) and media segments. Every
 * length is checked against its parent, every table against its box; findings say what is wrong.
 * Bytes in the results are borrowed from the input. */
#ifndef REELS_SRC_HLS_MP4_READ_H
#define REELS_SRC_HLS_MP4_READ_H

#include "report_internal.h"

enum {
    REELS__MP4_SAMPLES_MAX = 200000, /* of one segment */
    REELS__MP4_INIT_BYTES_MAX = 1024 * 1024
};

enum {
    REELS__MP4_CODEC_UNKNOWN = 0,
    REELS__MP4_CODEC_H264 = 1,
    REELS__MP4_CODEC_AAC = 2
};

/* What an init segment says. */
struct reels__mp4_header {
    uint32_t valid; /* 1 when segments can be read with it */
    uint32_t track_id;
    uint32_t timescale;
    uint32_t handler;      /* 'vide', 'soun' ... as a big-endian number */
    uint32_t sample_entry; /* 'avc1' ... */
    uint32_t codec;        /* REELS__MP4_CODEC_* */
    uint32_t width;
    uint32_t height;
    uint32_t channels;
    uint32_t tracks_count;
    const uint8_t *configuration; /* avcC record, AudioSpecificConfig */
    size_t configuration_len;
    uint32_t edits_count;
    uint32_t default_duration;
    uint32_t default_size;
    uint32_t default_flags;
    int64_t edit_media_time; /* of the one edit; 0 without */
};

void reels__mp4_header_read(const uint8_t *data,
                            size_t len,
                            struct reels__finder *finder,
                            struct reels__mp4_header *out);

struct reels__mp4_read_sample {
    uint32_t offset; /* in the segment */
    uint32_t size;
    uint32_t duration;
    uint32_t flags;
    int32_t composition_offset;
};

enum {
    REELS__MP4_NON_SYNC = 0x00010000 /* sample_is_non_sync_sample of flags */
};

/* What a media segment holds: the samples of all its fragments in decode order. Kept from one
 * segment to the next, so that its memory is used again. */
struct reels__mp4_segment {
    const reels_ctx *ctx;
    struct reels__mp4_read_sample *samples;
    size_t samples_count;
    size_t samples_capacity;
    uint64_t decode_time; /* of the first fragment */
    uint64_t duration;    /* sum of the samples' */
    uint32_t has_decode_time;
    uint32_t fragments_count;
};

/* Reads a media segment. OK whatever was found; NO_MEMORY. */
reels_status reels__mp4_segment_read(const uint8_t *data,
                                     size_t len,
                                     const struct reels__mp4_header *header,
                                     struct reels__finder *finder,
                                     struct reels__mp4_segment *out);
void reels__mp4_segment_dispose(struct reels__mp4_segment *segment);

/* Four letters as text; bytes that are not letters show as '?'. */
void reels__fourcc_text(uint32_t fourcc, char out[5]);

#define REELS__FOURCC(a, b, c, d)                                                                  \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

#endif
