/* Owns the predicate of what may be shown to a viewer: READY and public as the row says now, not
 * their own, and no mute or block between them and the creator. Asked when a session is made and
 * again for each page. */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "feed_internal.h"
#include "social/relation.h"

enum {
    READ_BATCH = 100
};

static reels_status drop_unplayable(reels_feed *feed,
                                    const reels_call *call,
                                    struct reels__candidate *candidates,
                                    size_t count,
                                    reels_error *err)
{
    uint64_t ids[READ_BATCH];
    reels_reel *reels = reels__mem_calloc(feed->ctx, READ_BATCH, sizeof(*reels));
    reels_status status = REELS_OK;
    if (reels == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to read reels");
    }
    for (size_t begin = 0; status == REELS_OK && begin < count; begin += READ_BATCH) {
        size_t batch = count - begin < READ_BATCH ? count - begin : READ_BATCH;
        for (size_t i = 0; i < batch; i++) {
            ids[i] = candidates[begin + i].entry.reel_id;
        }
        reels[0].struct_size = sizeof(reels[0]);
        status = reels_reel_get(feed->parts.reels, call, ids, batch, reels, err);
        for (size_t i = 0; status == REELS_OK && i < batch; i++) {
            struct reels__candidate *candidate = &candidates[begin + i];
            candidate->dropped |= reels[i].state != REELS_REEL_READY ||
                                  reels[i].visibility != REELS_VISIBILITY_PUBLIC;
            candidate->entry.creator_id = reels[i].creator_id;
        }
    }
    reels__mem_free(feed->ctx, reels);
    return status;
}

/* marks has room for two of each candidate. */
static reels_status drop_related(reels_feed *feed,
                                 const reels_call *call,
                                 uint64_t viewer_id,
                                 const uint64_t *creators,
                                 uint8_t *marks,
                                 struct reels__candidate *candidates,
                                 size_t count,
                                 reels_error *err)
{
    reels_social *social = feed->parts.social;
    uint8_t *muted = marks + count;
    if (viewer_id == 0) {
        return REELS_OK;
    }
    REELS_TRY(reels__social_apart(social, call, viewer_id, creators, count, marks, err));
    REELS_TRY(reels_relation_has(
        social, call, REELS_RELATION_MUTE, viewer_id, creators, count, muted, err));
    for (size_t i = 0; i < count; i++) {
        candidates[i].dropped |= marks[i] | muted[i];
    }
    return REELS_OK;
}

reels_status reels__feed_drop_hidden(reels_feed *feed,
                                     const reels_call *call,
                                     uint64_t viewer_id,
                                     struct reels__candidate *candidates,
                                     size_t count,
                                     reels_error *err)
{
    if (count == 0) {
        return REELS_OK;
    }
    REELS_TRY(drop_unplayable(feed, call, candidates, count, err));
    uint64_t *creators = reels__mem_calloc(feed->ctx, count, sizeof(*creators));
    uint8_t *marks = reels__mem_zalloc(feed->ctx, 2 * count);
    reels_status status = REELS_OK;
    if (creators == NULL || marks == NULL) {
        status =
            reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to look at %zu candidates", count);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        creators[i] = candidates[i].entry.creator_id;
        candidates[i].dropped |= creators[i] == viewer_id;
    }
    status = drop_related(feed, call, viewer_id, creators, marks, candidates, count, err);
out:
    reels__mem_free(feed->ctx, marks);
    reels__mem_free(feed->ctx, creators);
    return status;
}

size_t reels__feed_compact(struct reels__candidate *candidates, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!candidates[i].dropped) {
            candidates[kept++] = candidates[i];
        }
    }
    return kept;
}
