/* Owns the boxes that the packager writes: the CMAF header of a track and the head of a segment.
 * ISO/IEC 14496-12, 14496-14, 14496-15 and 23000-19. */
#ifndef REELS_SRC_HLS_MP4_WRITE_H
#define REELS_SRC_HLS_MP4_WRITE_H

#include <reels/base.h>

enum {
    REELS__MP4_VIDEO = 1,
    REELS__MP4_AUDIO = 2,
    REELS__MP4_TRACK_ID = 1
};

struct reels__mp4_track {
    uint32_t kind; /* REELS__MP4_VIDEO or REELS__MP4_AUDIO */
    uint32_t timescale;
    uint32_t width;
    uint32_t height;
    uint32_t aspect_num; /* sample aspect ratio */
    uint32_t aspect_den;
    uint32_t channels;
    int64_t skip; /* ticks before the presentation starts; above 0 writes the edit list */
    const uint8_t *configuration; /* avcC record or AudioSpecificConfig */
    size_t configuration_len;
};

/* Appends ftyp and moov. */
reels_status
reels__mp4_write_init(const struct reels__mp4_track *track, reels_buf *out, reels_error *err);

struct reels__mp4_sample {
    uint32_t size;
    uint32_t duration;
    int32_t composition_offset;
    uint32_t key;
};

struct reels__mp4_fragment {
    uint32_t sequence; /* from 1 */
    uint32_t kind;
    uint64_t decode_time;
    const struct reels__mp4_sample *samples;
    size_t samples_count;
};

/* Appends moof and the head of mdat; the samples' bytes follow in order. LIMIT when they pass 2
 * GiB. */
reels_status reels__mp4_write_fragment(const struct reels__mp4_fragment *fragment,
                                       reels_buf *out,
                                       reels_error *err);

#endif
