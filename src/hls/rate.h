/* Owns the arithmetic of segment rates (RFC 8216 section 4.3.4.2, 8216bis section 4.4.6.2). */
#ifndef REELS_SRC_HLS_RATE_H
#define REELS_SRC_HLS_RATE_H

#include <stddef.h>
#include <stdint.h>

struct reels__rate_segment {
    uint64_t bytes;
    int64_t duration_us;
};

/* The peak segment bit rate: the largest rate of any contiguous run of segments whose duration is
 * between 0.5 and 1.5 times the target duration; the rate of all of them when no run is. Rounded
 * up. */
uint64_t reels__rate_peak(const struct reels__rate_segment *segments,
                          size_t count,
                          uint32_t target_duration_s);

/* All bits over all time, rounded up; 0 without time. */
uint64_t reels__rate_average(const struct reels__rate_segment *segments, size_t count);

#endif
