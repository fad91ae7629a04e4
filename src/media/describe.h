/* Owns the judgement of a medium: which tracks are the main ones, what they are, whether they can
 * be used, and when they play. */
#ifndef REELS_SRC_MEDIA_DESCRIBE_H
#define REELS_SRC_MEDIA_DESCRIBE_H

#include <reels/media.h>

#include "base/compiler.h"
#include "media/demux.h"

/* How a stored picture is turned to be shown: x' = a*x + c*y, y' = b*x + d*y, each -1, 0 or 1. */
typedef struct reels__media_turn {
    int a, b, c, d;
} reels__media_turn;

typedef struct reels__media_tracks {
    int video; /* stream index, -1 = none */
    int audio;
    reels__media_turn turn;
} reels__media_tracks;

/* When things play, on the demuxer's time line; exact, from every packet. */
typedef struct reels__media_timing {
    int64_t video_start_us; /* REELS__NO_TIME without video */
    int64_t video_end_us;
    int64_t audio_start_us;
    int64_t audio_end_us;
    int64_t origin_us; /* what becomes 0 in the output */
    int64_t duration_us;
    uint64_t video_frames_count;
    uint32_t rate_num; /* the steady cadence that fits the frames */
    uint32_t rate_den;
    uint32_t variable; /* 1 = the frames are not evenly spaced */
    uint32_t encrypted;
} reels__media_timing;

/* Chooses the main tracks, discards the others in the demuxer and fills info, verdict included. */
reels_status reels__media_describe(reels__media_demux *demux,
                                   const reels_media_limits *limits,
                                   reels__media_tracks *tracks,
                                   reels_probe_info *info,
                                   reels_error *err);

/* Reads every packet with a demuxer of its own. LIMIT as soon as a limit is passed, CORRUPT for a
 * file that was cut short. */
reels_status reels__media_scan(reels_ctx *ctx,
                               const reels_call *call,
                               reels__media_source *source,
                               const reels_media_limits *limits,
                               const reels__media_tracks *tracks,
                               reels__media_timing *timing,
                               reels_error *err);

/* Puts the exact timing in place of what headers said, and judges again. */
void reels__media_describe_exact(const reels__media_timing *timing,
                                 const reels_media_limits *limits,
                                 reels_probe_info *info);

/* Finds the steady cadence of presentation times in rising order: the exact rate when they are
 * evenly spaced, else a usual rate that is not below theirs. */
void reels__media_cadence(const int64_t *pts_us,
                          size_t count,
                          uint32_t *out_num,
                          uint32_t *out_den,
                          uint32_t *out_variable);

/* A turn out of a display matrix (nine 32-bit numbers); no turn for NULL or a matrix of zeros. */
reels__media_turn reels__media_turn_of(const int32_t *matrix);

/* Writes a refusal into info, unless there is one already. */
void reels__media_refuse(reels_probe_info *info, reels_status status, const char *format, ...)
    REELS__PRINTF(3, 4);

#endif
