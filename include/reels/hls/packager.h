/* Owns the in-memory packager: encoded samples in, CMAF (fragmented MP4) files and playlists out.
 *
 * One time line. Every pts is on the presentation time line of the whole reel, in ticks of its
 * track's timescale, and 0 is where the reel starts for all tracks. From that the packager makes
 * files in which audio and video agree to the tick:
 *   - Video decode times are the sorted presentation times of a segment, so each segment's
 *     baseMediaDecodeTime is the pts of its key frame and the sum of all earlier durations;
 * composition offsets are signed (trun version 1) and no video edit list exists. A first pts above
 * 0 shows the first frame from 0 on.
 *   - Audio that starts below 0 (encoder priming: libavcodec's first AAC packet has pts -1024) gets
 * one edit list that skips exactly that much; it is the only edit list the packager writes. Audio
 * that starts late is filled from 0 with silent AAC frames (AAC-LC, one or two channels), the odd
 * rest being cut by the same edit list. Audio that ends more than one frame before the video is
 * filled to its end in the same way.
 *   - Without an audio track nothing is made up: the variants are silent. Without a video track the
 * audio playlist is itself the variant. Cuts: at the first key frame at or after (less one frame)
 * first_segment_us, and every segment_us from there. All video tracks must have a key frame at each
 * cut; audio is cut at the sample boundary nearest to it. A tail shorter than half a segment stays
 * with the segment before it. Files: NAME.m3u8 per track, NAME.iframes.m3u8 per video track (its
 * key frames alone, for scrubbing: RFC 8216 section 4.3.3.6), master.m3u8, and NAME.mp4 (init
 * segment and all segments, addressed by byte ranges) or, with REELS_PACKAGER_SEGMENT_FILES,
 * NAME_init.mp4 and NAME_00001.m4s onwards. Playlists are written last, master.m3u8 last of all.
 * Each segment's line carries a comment "#reels-xxh3:" with the XXH3-64 of its bytes, which players
 * ignore and reels_verify checks. */
#ifndef REELS_HLS_PACKAGER_H
#define REELS_HLS_PACKAGER_H

#include <reels/hls/output.h>

REELS_BEGIN_DECLS

/** Turns encoded samples into an HLS tree. @threadsafety one thread at a time; it calls the output
 * on that thread */
typedef struct reels_packager reels_packager;

enum {
    REELS_PACKAGER_TRACKS_MAX = 16,
    REELS_PACKAGER_NAME_BYTES_MAX = 48 /**< longest track name */
};

enum {
    REELS_PACKAGER_SEGMENT_FILES =
        1 /**< one file per segment in place of byte ranges in one file per track */
};

/** Options of reels_packager_new(); all zero plus struct_size is a valid default. */
typedef struct reels_packager_options {
    uint32_t struct_size;
    uint32_t flags;     /**< REELS_PACKAGER_* */
    int64_t segment_us; /**< nominal length of a segment; 0 = 2,000,000; 500,000 to 10,000,000 */
    int64_t first_segment_us; /**< of the first one, for a quicker start; 0 = segment_us; at least
                                 500,000 */
    uint64_t buffered_bytes_max;  /**< samples held in memory over all tracks; 0 = 256 MiB. Two
                                     segments per track are held. */
    uint64_t first_bandwidth_bps; /**< the variant listed first, with which players begin, is the
                                     best one whose BANDWIDTH is not above this (else the lowest);
                                     the others follow upwards. 0 = 1,500,000 */
} reels_packager_options;

enum {
    REELS_PACKAGER_CODEC_H264 = 1,
    REELS_PACKAGER_CODEC_AAC = 2
};

/** A video track: one rung of the ladder. */
typedef struct reels_packager_video {
    uint32_t struct_size;
    uint32_t codec;   /**< REELS_PACKAGER_CODEC_H264; 0 = that */
    const char *name; /**< file name stem such as "v720": [A-Za-z0-9_-], unique among the tracks,
                         not "master" */
    const uint8_t *extradata; /**< avcC record (samples then have its length prefixes), or SPS and
                                 PPS in Annex B form (samples then are Annex B and are converted;
                                 parameter sets, delimiters and filler inside them are dropped) */
    size_t extradata_len;
    uint32_t width; /**< visible size; 0 = as the SPS says; anything else than the SPS says is
                       INVALID_ARG */
    uint32_t height;
    uint32_t timescale; /**< ticks per second, 1 to 10,000,000; the same for all video tracks */
    uint32_t frame_rate_num; /**< for FRAME-RATE, such as 30000 / 1001; 0 / 0 = measured */
    uint32_t frame_rate_den;
    uint32_t reserved0;
} reels_packager_video;

/** An audio track, shared by all video tracks. The first one is the default rendition. */
typedef struct reels_packager_audio {
    uint32_t struct_size;
    uint32_t codec;   /**< REELS_PACKAGER_CODEC_AAC; 0 = that */
    const char *name; /**< file name stem such as "a128", as for video */
    const uint8_t
        *extradata; /**< AudioSpecificConfig; samples are raw AAC frames without ADTS headers */
    size_t extradata_len;
    uint32_t sample_rate; /**< also the timescale of its samples; 0 = as the configuration says,
                             else it must agree with it */
    uint32_t channels;    /**< 0 = as the configuration says, else it must agree with it */
    const char *label;    /**< NAME in the master playlist: UTF-8 without control characters and
                             quotation marks; NULL = "Audio" */
    const char *language; /**< BCP 47 tag such as "en" ([A-Za-z0-9-]); NULL = none */
} reels_packager_audio;

enum {
    REELS_SAMPLE_KEY = 1 /**< an IDR picture; audio samples need no flag */
};

/** One encoded sample (a coded picture, an audio frame). Handed over in arrays with an explicit
 * stride. */
typedef struct reels_sample {
    int64_t pts;         /**< in ticks of the track, see above */
    int64_t duration;    /**< in ticks. Audio: of every sample. Video: only that of the sample shown
                            last counts, the others last until the next pts */
    const uint8_t *data; /**< borrowed for the call */
    size_t data_len;
    uint32_t flags; /**< REELS_SAMPLE_* */
    uint32_t reserved0;
} reels_sample;

/** What became of a track; complete after reels_packager_finish(). */
typedef struct reels_packager_track_info {
    uint32_t struct_size;
    uint32_t segments_count;
    uint64_t samples_count; /**< silent frames that were filled in included */
    uint64_t bytes;         /**< of init segment and segments */
    int64_t duration_us;    /**< presented */
    uint64_t bandwidth_bps; /**< peak segment rate of this track alone (RFC 8216 section 4.3.4.2) */
    uint64_t average_bandwidth_bps; /**< of this track alone */
    uint32_t width;                 /**< 0 for audio */
    uint32_t height;
    uint32_t frame_rate_milli; /**< frames per 1000 seconds as written to FRAME-RATE; 0 for audio */
    uint32_t reserved0;
    char codecs[32];   /**< such as "avc1.64001f" */
    char playlist[64]; /**< file name of the media playlist */
} reels_packager_track_info;

/**
 * Makes a packager.
 *
 * @param      ctx      context
 * @param      options  NULL gives the defaults
 * @param      output   where files go; copied
 * @param      impl     handed to output's functions
 * @param[out] out      the packager, NULL on failure
 * @param[out] err      detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for an option out of range or a table without its must
 * slots; REELS_ERR_UNSUPPORTED for options of a newer version; REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out; impl is borrowed and must outlive it
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_packager_new(reels_ctx *ctx,
                                          const reels_packager_options *options,
                                          const reels_output_vtable *output,
                                          void *impl,
                                          reels_packager **out,
                                          reels_error *err);

/**
 * Adds a video track. All tracks are added before the first sample is written.
 *
 * @param      packager   packager
 * @param      video      what it is
 * @param[out] out_track  its number, for reels_packager_write()
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for a bad name, size, timescale or extradata;
 * REELS_ERR_UNSUPPORTED for another codec or an H.264 profile with more than 8 bits or other than
 * 4:2:0; REELS_ERR_EXISTS when the name is taken; REELS_ERR_LIMIT above REELS_PACKAGER_TRACKS_MAX;
 * REELS_ERR_STATE after the first sample; REELS_ERR_NO_MEMORY
 * @ownership     everything is copied
 * @threadsafety  one thread at a time per packager
 * @since 0.1
 */
REELS_API reels_status reels_packager_add_video(reels_packager *packager,
                                                const reels_packager_video *video,
                                                uint32_t *out_track,
                                                reels_error *err);

/**
 * Adds an audio track. All tracks are added before the first sample is written.
 *
 * @param      packager   packager
 * @param      audio      what it is
 * @param[out] out_track  its number, for reels_packager_write()
 * @param[out] err        detail on failure; may be NULL
 * @return as reels_packager_add_video()
 * @ownership     everything is copied
 * @threadsafety  one thread at a time per packager
 * @since 0.1
 */
REELS_API reels_status reels_packager_add_audio(reels_packager *packager,
                                                const reels_packager_audio *audio,
                                                uint32_t *out_track,
                                                reels_error *err);

/**
 * Writes samples of one track, in decode order. Tracks may be fed in any order and any
 * interleaving; what cannot be cut yet is held in memory, so feeding them side by side keeps memory
 * small.
 *
 * @param      packager       packager
 * @param      track          number given by the add function
 * @param      samples        the first sample
 * @param      sample_size    sizeof(reels_sample) as the caller knows it: the stride of the array
 * @param      samples_count  how many
 * @param[out] err            detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for an unknown track, an empty sample, a pts that repeats
 * or lies before its key frame (open GOP), a first video sample that is not a key frame, a key flag
 * on a picture that is not an IDR, an audio sample that does not follow the one before it to within
 * half a frame; REELS_ERR_CONFLICT when a video track has no key frame where another one was cut;
 * REELS_ERR_UNSUPPORTED for late audio that cannot be filled; REELS_ERR_LIMIT above
 *         buffered_bytes_max; REELS_ERR_STATE after finish or a failure; REELS_ERR_NO_MEMORY; what
 * the output gave. After a failure only reels_packager_free() is of use.
 * @ownership     samples and their data are borrowed for the call
 * @threadsafety  one thread at a time per packager
 * @since 0.1
 */
REELS_API reels_status reels_packager_write(reels_packager *packager,
                                            uint32_t track,
                                            const reels_sample *samples,
                                            size_t sample_size,
                                            size_t samples_count,
                                            reels_error *err);

/**
 * Writes what is left, the media playlists and, last of all, the master playlist.
 *
 * @param      packager  packager
 * @param[out] err       detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_STATE without a track, for a track without a sample, or the second
 * time; REELS_ERR_CONFLICT when the video tracks have no common cuts; REELS_ERR_NO_MEMORY; what the
 * output gave
 * @ownership     none
 * @threadsafety  one thread at a time per packager
 * @since 0.1
 */
REELS_API reels_status reels_packager_finish(reels_packager *packager, reels_error *err);

/**
 * Tells what became of a track.
 *
 * @param         packager  packager
 * @param         track     number given by the add function
 * @param[in,out] info      struct_size is set by the caller; the rest is written
 * @param[out]    err       detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for an unknown track or a struct_size that is too small
 * @ownership     none
 * @threadsafety  one thread at a time per packager
 * @since 0.1
 */
REELS_API reels_status reels_packager_track_info_get(const reels_packager *packager,
                                                     uint32_t track,
                                                     reels_packager_track_info *info,
                                                     reels_error *err);

/**
 * Frees a packager. Files still open are aborted; finished ones stay with the output.
 *
 * @param packager  NULL does nothing
 * @ownership     takes packager
 * @threadsafety  one thread, once
 * @since 0.1
 */
REELS_API void reels_packager_free(reels_packager *packager);

REELS_END_DECLS

#endif
