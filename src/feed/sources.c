/* Owns the candidate sources of version 1: the newest reels of those the viewer follows, those with
 * most engagement, and the newest of all. */
#include <string.h>

#include "base/error.h"
#include "base/map.h"
#include "base/mem.h"
#include "feed_internal.h"

enum {
    FOLLOWED_MAX = 1000, /* persons looked at, the latest follows first */
    PER_CREATOR = 10,
    CURSOR_BYTES_MAX = 8192
};

struct gather {
    struct reels__candidate *candidates;
    size_t capacity;
    size_t count;
    struct reels__map_u64 by_reel;
};

/* Adds entries under a source; a reel that another source has named gets one more source. */
static reels_status add(struct gather *gather,
                        const struct reels__feed_entry *entries,
                        size_t count,
                        uint32_t source,
                        reels_error *err)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t at = 0;
        if (reels__map_u64_get(&gather->by_reel, entries[i].reel_id, &at)) {
            gather->candidates[at].sources |= source;
            continue;
        }
        if (gather->count == gather->capacity) {
            return REELS_OK;
        }
        REELS_TRY(reels__map_u64_put(&gather->by_reel, entries[i].reel_id, gather->count, err));
        gather->candidates[gather->count++] =
            (struct reels__candidate){.entry = entries[i], .sources = source};
    }
    return REELS_OK;
}

static reels_status add_followed(reels_feed *feed,
                                 const reels_call *call,
                                 uint64_t viewer_id,
                                 struct gather *gather,
                                 reels_error *err)
{
    struct reels__feed_entry entries[PER_CREATOR];
    size_t followed_count = 0;
    reels_buf *cursor = NULL;
    uint64_t *followed = reels__mem_calloc(feed->ctx, FOLLOWED_MAX, sizeof(*followed));
    if (followed == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for those a viewer follows");
    }
    reels_status status = reels_buf_new(feed->ctx, CURSOR_BYTES_MAX, &cursor, err);
    if (status == REELS_OK) {
        status = reels_relation_list(feed->parts.social,
                                     call,
                                     REELS_RELATION_FOLLOW,
                                     viewer_id,
                                     cursor,
                                     followed,
                                     FOLLOWED_MAX,
                                     &followed_count,
                                     err);
    }
    size_t before = gather->count;
    for (size_t i = 0; status == REELS_OK && i < followed_count &&
                       gather->count - before < feed->options.candidates_per_source;
         i++) {
        size_t count =
            reels__feed_index_of_creator(&feed->index, followed[i], entries, PER_CREATOR);
        status = add(gather, entries, count, REELS_FEED_SOURCE_FOLLOWED, err);
    }
    reels_buf_free(cursor);
    reels__mem_free(feed->ctx, followed);
    return status;
}

static reels_status
add_lists(reels_feed *feed, struct gather *gather, size_t *out_fresh_at, reels_error *err)
{
    size_t max = feed->options.candidates_per_source;
    struct reels__feed_entry *entries = reels__mem_calloc(feed->ctx, max, sizeof(*entries));
    if (entries == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for %zu candidates", max);
    }
    size_t count = reels__feed_index_trending(&feed->index, entries, max);
    reels_status status = add(gather, entries, count, REELS_FEED_SOURCE_TRENDING, err);
    if (status == REELS_OK) {
        count = reels__feed_index_fresh(&feed->index, out_fresh_at, entries, max);
        status = add(gather, entries, count, REELS_FEED_SOURCE_FRESH, err);
    }
    reels__mem_free(feed->ctx, entries);
    return status;
}

reels_status reels__feed_gather(reels_feed *feed,
                                const reels_call *call,
                                uint64_t viewer_id,
                                struct reels__candidate *candidates,
                                size_t capacity,
                                size_t *out_count,
                                size_t *out_fresh_at,
                                reels_error *err)
{
    *out_fresh_at = 0;
    struct gather gather = {.candidates = candidates, .capacity = capacity};
    reels_status status = reels__map_u64_init(&gather.by_reel, feed->ctx, capacity + 1, err);
    if (status == REELS_OK) {
        status = add_followed(feed, call, viewer_id, &gather, err);
    }
    if (status == REELS_OK) {
        status = add_lists(feed, &gather, out_fresh_at, err);
    }
    reels__map_u64_dispose(&gather.by_reel);
    *out_count = gather.count;
    return status;
}

reels_status reels__feed_gather_older(reels_feed *feed,
                                      struct reels__candidate *candidates,
                                      size_t kept,
                                      size_t capacity,
                                      size_t *fresh_at,
                                      size_t *out_count,
                                      reels_error *err)
{
    size_t max = feed->options.candidates_per_source;
    struct gather gather = {.candidates = candidates, .capacity = capacity, .count = kept};
    struct reels__feed_entry *entries = reels__mem_calloc(feed->ctx, max, sizeof(*entries));
    reels_status status = reels__map_u64_init(&gather.by_reel, feed->ctx, capacity + 1, err);
    if (status == REELS_OK && entries == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for %zu candidates", max);
    }
    for (size_t i = 0; status == REELS_OK && i < kept; i++) {
        status = reels__map_u64_put(&gather.by_reel, candidates[i].entry.reel_id, i, err);
    }
    if (status == REELS_OK) {
        size_t room = capacity - kept < max ? capacity - kept : max;
        size_t count = reels__feed_index_fresh(&feed->index, fresh_at, entries, room);
        status = add(&gather, entries, count, REELS_FEED_SOURCE_FRESH, err);
    }
    reels__map_u64_dispose(&gather.by_reel);
    reels__mem_free(feed->ctx, entries);
    *out_count = gather.count;
    return status;
}
