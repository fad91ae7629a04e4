/* Owns the reading of counters. */
#include "base/error.h"
#include "kinds.h"
#include "windows.h"

reels_status reels__counter_read_windows(reels_stats *stats,
                                         const reels_call *call,
                                         const uint64_t *entities,
                                         size_t entities_count,
                                         const uint32_t *counters,
                                         size_t counters_count,
                                         const int64_t *windows_unix_us,
                                         size_t windows_count,
                                         int64_t *out,
                                         reels_error *err)
{
    /* uint64_t and int64_t may alias, and IDs have 63 bits. */
    reels_stats_query query = {.struct_size = sizeof(query),
                               .group = REELS__COUNTER_GROUP,
                               .entity_ids = (const int64_t *)entities,
                               .entities_count = entities_count,
                               .counters = counters,
                               .counters_count = counters_count,
                               .windows_unix_us = windows_unix_us,
                               .windows_count = windows_count};
    return reels_stats_read(stats, call, &query, out, err);
}

reels_status reels_counter_read(reels_stats *stats,
                                const reels_call *call,
                                const uint64_t *entities,
                                size_t entities_count,
                                const uint32_t *counters,
                                size_t counters_count,
                                int64_t *out,
                                reels_error *err)
{
    static const int64_t total = 0;
    REELS_REQUIRE(stats != NULL && (entities_count == 0 || (entities != NULL && out != NULL)),
                  err,
                  "stats, entities and out are needed");
    return reels__counter_read_windows(
        stats, call, entities, entities_count, counters, counters_count, &total, 1, out, err);
}
