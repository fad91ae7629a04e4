/* Owns the defaults of what media may be and cost, and the reading of a host's own figures. */
#ifndef REELS_SRC_MEDIA_LIMITS_H
#define REELS_SRC_MEDIA_LIMITS_H

#include <reels/media.h>

enum {
    /* Frames of the source that may lie between two pictures shown: a bound on loops, not a taste.
     */
    REELS__MEDIA_PACKETS_MAX = 2000000,
    /* Threads a host may ask for. */
    REELS__MEDIA_THREADS_MAX = 64
};

/* Fills every field: the host's figure, or the default where it gave 0. limits may be NULL. */
reels_status reels__media_limits_read(const reels_media_limits *limits,
                                      reels_media_limits *out,
                                      reels_error *err);

/* The cap for a worker that handles pictures of so many pixels with so many threads: what the whole
 * ladder was seen to need, and a quarter more. It counts what is asked for, used or not. */
uint64_t reels__media_memory_default(uint64_t pixels, uint32_t threads_count);

#endif
