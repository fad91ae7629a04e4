/* Owns the inside of the packager: tracks with the samples that wait for a cut, the cuts that all
 * tracks share, and the segments that were written.
 *
 * Invariants: cuts only grow but for the last one, which finish may drop while it is not confirmed;
 * a segment is written only up to a confirmed cut; a track's queue starts where its last segment
 * ended. */
#ifndef REELS_SRC_HLS_PACKAGER_INTERNAL_H
#define REELS_SRC_HLS_PACKAGER_INTERNAL_H

#include <reels/hls/packager.h>

#include "mp4_write.h"

enum {
    REELS__TICKS_LOG2_MAX =
        40, /* a pts beyond 2^40 ticks is refused, so that products fit 64 bits */
    REELS__PACKAGER_US_PER_S = 1000000
};

#define REELS__PLAYLIST_TYPE "application/vnd.apple.mpegurl"

struct reels__queued {
    int64_t pts; /* video: presentation; audio: media time, 0 at the first sample */
    int64_t duration;
    uint32_t size;
    uint32_t key;
};

struct reels__segment {
    int64_t start; /* ticks of media time */
    int64_t end;
    uint64_t offset;
    uint64_t bytes;
    uint64_t key_bytes; /* from the start to the end of the first sample */
    uint64_t hash;
};

struct reels__track {
    struct reels__mp4_track mp4; /* mp4.configuration points to `configuration` */
    reels_buf *configuration;
    char name[REELS_PACKAGER_NAME_BYTES_MAX + 1];
    char codecs[32];
    char *label;
    char *language;
    uint32_t annexb;
    uint32_t nal_length_size;
    uint32_t frame_rate_num;
    uint32_t frame_rate_den;
    uint32_t frame_samples; /* audio: ticks of a full frame */
    uint32_t can_fill;      /* audio: frames of silence may be put in */
    uint32_t started;

    struct reels__queued *queue;
    size_t queue_count;
    size_t queue_capacity;
    reels_buf *data;     /* the queue's bytes, one sample after the other */
    int64_t media_end;   /* audio: where the next sample starts; video: the largest pts so far */
    size_t cuts_matched; /* video: cuts at which this track had a key frame */
    size_t cuts_written; /* cuts up to which segments were written */

    struct reels__segment *segments;
    size_t segments_count;
    size_t segments_capacity;
    uint64_t samples_count;
    void *file; /* open file with byte ranges */
    uint64_t file_bytes;
    uint64_t init_bytes;
    uint64_t init_hash;
};

struct reels_packager {
    reels_ctx *ctx;
    reels_packager_options options;
    reels_output_vtable output;
    void *impl;
    struct reels__track *tracks[REELS_PACKAGER_TRACKS_MAX];
    uint32_t tracks_count;
    uint32_t video_count;
    uint32_t started;
    uint32_t finished;
    uint32_t failed;
    uint32_t cuts_timescale; /* of the video tracks; microseconds without one */
    int64_t *cuts;
    size_t cuts_count;
    size_t cuts_confirmed;
    size_t cuts_capacity;
    uint64_t buffered_bytes;
    reels_buf *scratch;                /* the segment or playlist being written */
    struct reels__mp4_sample *samples; /* of the segment being written */
    int64_t *times;
    size_t samples_capacity;
    uint32_t target_duration_s;
};

/* packager_cut.c: a time in microseconds as ticks of the cuts, and whether a key frame at pts makes
 * the next cut. */
reels_status reels__cut_add(reels_packager *p, int64_t ticks, reels_error *err);
int64_t reels__cut_ticks(const reels_packager *p, int64_t us);
/* Where the grid puts the cut after ticks. */
int64_t reels__cut_next(const reels_packager *p, int64_t ticks);
reels_status
reels__cut_at_key(reels_packager *p, struct reels__track *track, int64_t pts, reels_error *err);
void reels__cut_confirm(reels_packager *p, int64_t ticks);
/* Writes every segment that can be written. */
reels_status reels__cut_drain(reels_packager *p, reels_error *err);
/* Settles the last cut, fills and flushes all tracks. */
reels_status reels__cut_finish(reels_packager *p, reels_error *err);

/* packager_audio.c */
reels_status reels__audio_push(reels_packager *p,
                               struct reels__track *track,
                               const reels_sample *sample,
                               reels_error *err);
reels_status reels__audio_fill_to(reels_packager *p,
                                  struct reels__track *track,
                                  int64_t media_end,
                                  reels_error *err);

/* packager.c: puts a sample at the end of the queue; its bytes are in track->data already. */
reels_status reels__queue_push(reels_packager *p,
                               struct reels__track *track,
                               const struct reels__queued *sample,
                               reels_error *err);

/* packager_segment.c: writes the first count samples of the queue as a segment that ends at `end`.
 */
reels_status reels__segment_write(
    reels_packager *p, struct reels__track *track, size_t count, int64_t end, reels_error *err);
/* Writes a whole file at once. */
reels_status reels__file_write(reels_packager *p,
                               const char *name,
                               const char *content_type,
                               reels_buf *data,
                               reels_error *err);
const char *reels__track_content_type(const struct reels__track *track);

/* packager_iframes.c: the playlist of a video track's key frames, and its line in the master
 * playlist, which is put into p->scratch. */
reels_status
reels__iframes_write(reels_packager *p, const struct reels__track *track, reels_error *err);
reels_status
reels__iframes_put_stream(reels_packager *p, const struct reels__track *track, reels_error *err);

/* packager_playlist.c */
/* Puts EXT-X-MAP, EXTINF, and the name of segment i with its first len bytes, into p->scratch. */
reels_status
reels__map_put(const reels_packager *p, const struct reels__track *track, reels_error *err);
reels_status reels__extinf_put(const reels_packager *p,
                               const struct reels__track *track,
                               size_t i,
                               reels_error *err);
reels_status reels__segment_file_put(const reels_packager *p,
                                     const struct reels__track *track,
                                     size_t i,
                                     reels_error *err);
reels_status reels__playlists_write(reels_packager *p, reels_error *err);
/* Presented length of segment i, rounded so that the sum never drifts. */
int64_t reels__segment_us(const struct reels__track *track, size_t i);
/* Peak and average rate of a track's segments, or with key_frames of their first samples alone. */
reels_status reels__track_rates(const reels_packager *p,
                                const struct reels__track *track,
                                int key_frames,
                                uint64_t *out_peak,
                                uint64_t *out_average,
                                reels_error *err);
uint32_t reels__track_frame_rate_milli(const struct reels__track *track);

/* Ticks to microseconds, rounded to nearest; ticks are below 2^40 in size. */
int64_t reels__ticks_us(int64_t ticks, uint32_t timescale);

#endif
