/* Owns peak and average rates of a list of segments, in integers. */
#include "rate.h"

enum {
    US_PER_S = 1000000,
    /* Bytes are cut here, so that bytes * 8,000,000 fits; no segment list comes near it. */
    BYTES_SHIFT = 40
};

static uint64_t rate_of(uint64_t bytes, int64_t duration_us)
{
    if (duration_us <= 0) {
        return 0;
    }
    uint64_t limit = 1ULL << BYTES_SHIFT;
    uint64_t bits = (bytes < limit ? bytes : limit) * 8 * US_PER_S;
    uint64_t duration = (uint64_t)duration_us;
    return bits / duration + (bits % duration != 0);
}

uint64_t reels__rate_average(const struct reels__rate_segment *segments, size_t count)
{
    uint64_t bytes = 0;
    int64_t duration_us = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += segments[i].bytes;
        duration_us += segments[i].duration_us;
    }
    return rate_of(bytes, duration_us);
}

uint64_t reels__rate_peak(const struct reels__rate_segment *segments,
                          size_t count,
                          uint32_t target_duration_s)
{
    int64_t shortest_us = (int64_t)target_duration_s * US_PER_S / 2;
    int64_t longest_us = (int64_t)target_duration_s * US_PER_S * 3 / 2;
    uint64_t peak = 0;
    int found = 0;
    for (size_t first = 0; first < count; first++) {
        uint64_t bytes = 0;
        int64_t duration_us = 0;
        for (size_t i = first; i < count && duration_us <= longest_us; i++) {
            bytes += segments[i].bytes;
            duration_us += segments[i].duration_us;
            if (duration_us < shortest_us || duration_us > longest_us) {
                continue;
            }
            uint64_t rate = rate_of(bytes, duration_us);
            peak = rate > peak ? rate : peak;
            found = 1;
        }
    }
    return found ? peak : reels__rate_average(segments, count);
}
