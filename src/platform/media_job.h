/* Owns one reel in the hands of the media worker: its lease, its row and its transcode. */
#ifndef REELS_SRC_PLATFORM_MEDIA_JOB_H
#define REELS_SRC_PLATFORM_MEDIA_JOB_H

#include <reels/hls.h>
#include <reels/media.h>
#include <reels/platform.h>

#include "platform_internal.h"

enum {
    REELS__MEDIA_NAME_BYTES = 48
};

struct reels__media_job {
    reels_platform *platform; /* NULL = the place is free */
    reels_reel reel;          /* as last read or written */
    uint64_t fence;
    int64_t renew_mono_us;    /* when the lease is to be renewed */
    int64_t progress_mono_us; /* when progress may be written again */
    uint32_t progress_permille;
    uint32_t generation; /* of this attempt, whatever the row says by now */
    /* What the row shall say in the end; put on top of whatever is there. */
    uint32_t width;
    uint32_t height;
    int64_t duration_us;
    char reason[64];
    char detail[256];
    char lease_name[REELS__MEDIA_NAME_BYTES];
    char raw_key[REELS__MEDIA_NAME_BYTES];
    char prefix[REELS__MEDIA_NAME_BYTES]; /* of this attempt's files */
    reels_output *output;
    reels_transcode *transcode;
};

/* Tries to take a reel that is UPLOADED. *out_taken is 0 when it is not there to be taken, which is
 * no failure. */
reels_status reels__media_job_begin(struct reels__media_job *job,
                                    reels_platform *platform,
                                    uint64_t reel_id,
                                    int *out_taken,
                                    reels_error *err);

/* Works for about budget_us; when it ends, well or not, the place is free again. A failure of the
 * media is not one of the step: the reel is FAILED then, or goes back for another attempt. */
reels_status
reels__media_job_step(struct reels__media_job *job, int64_t budget_us, reels_error *err);

/* Gives the reel back, so that another worker takes it up at once. */
void reels__media_job_give_up(struct reels__media_job *job);

/* Fills renditions from the playlists of a finished ladder under a prefix. */
reels_status reels__media_renditions(reels_platform *platform,
                                     const char *prefix,
                                     reels_rendition *out,
                                     size_t capacity,
                                     size_t *out_count,
                                     reels_error *err);

#endif
