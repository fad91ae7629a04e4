/* Owns the reading of counters by hour, for engines that follow trends. */
#ifndef REELS_SRC_COUNTER_WINDOWS_H
#define REELS_SRC_COUNTER_WINDOWS_H

#include <reels/counter.h>

/* Writes entities x counters x windows amounts; window 0 is the total. */
reels_status reels__counter_read_windows(reels_stats *stats,
                                         const reels_call *call,
                                         const uint64_t *entities,
                                         size_t entities_count,
                                         const uint32_t *counters,
                                         size_t counters_count,
                                         const int64_t *windows_unix_us,
                                         size_t windows_count,
                                         int64_t *out,
                                         reels_error *err);

#endif
