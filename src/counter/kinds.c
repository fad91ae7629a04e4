/* Owns the table of counters and of what adds to them. */
#include "kinds.h"

#include <stddef.h>

#include "base/compiler.h"

#define WATCH_US_MAX INT64_C(3600000000) /* of one report; admission is stricter */

static const char *const names[] = {
    [REELS_COUNTER_VIEWS] = "views",
    [REELS_COUNTER_COMPLETIONS] = "completions",
    [REELS_COUNTER_IMPRESSIONS] = "impressions",
    [REELS_COUNTER_REPLAYS] = "replays",
    [REELS_COUNTER_SKIPS] = "skips",
    [REELS_COUNTER_WATCH_MS] = "watch_ms",
    [REELS_COUNTER_LIKES] = "likes",
    [REELS_COUNTER_SAVES] = "saves",
    [REELS_COUNTER_COMMENTS] = "comments",
    [REELS_COUNTER_SHARES] = "shares",
    [REELS_COUNTER_REPORTS] = "reports",
    [REELS_COUNTER_FOLLOWERS] = "followers",
};

static const struct {
    uint32_t type;
    uint32_t counter;
    int64_t amount;
} effects[] = {
    {REELS_EVENT_VIEW, REELS_COUNTER_VIEWS, 1},
    {REELS_EVENT_COMPLETE, REELS_COUNTER_COMPLETIONS, 1},
    {REELS_EVENT_IMPRESSION, REELS_COUNTER_IMPRESSIONS, 1},
    {REELS_EVENT_REPLAY, REELS_COUNTER_REPLAYS, 1},
    {REELS_EVENT_SKIP, REELS_COUNTER_SKIPS, 1},
    {REELS_EVENT_LIKE, REELS_COUNTER_LIKES, 1},
    {REELS_EVENT_UNLIKE, REELS_COUNTER_LIKES, -1},
    {REELS_EVENT_SAVE, REELS_COUNTER_SAVES, 1},
    {REELS_EVENT_UNSAVE, REELS_COUNTER_SAVES, -1},
    {REELS_EVENT_COMMENT, REELS_COUNTER_COMMENTS, 1},
    {REELS_EVENT_COMMENT_REMOVED, REELS_COUNTER_COMMENTS, -1},
    {REELS_EVENT_SHARE, REELS_COUNTER_SHARES, 1},
    {REELS_EVENT_REPORT, REELS_COUNTER_REPORTS, 1},
    {REELS_EVENT_FOLLOW, REELS_COUNTER_FOLLOWERS, 1},
    {REELS_EVENT_UNFOLLOW, REELS_COUNTER_FOLLOWERS, -1},
};

struct reels__counter_effect reels__counter_effect_of(const reels_event *event)
{
    struct reels__counter_effect effect = {0};
    if (event->type == REELS_EVENT_WATCH) {
        /* No admitted report has more or less; a record that has must not make sums overflow. */
        if (event->watch_us < 0 || event->watch_us > WATCH_US_MAX) {
            return effect;
        }
        effect.entity_id = event->reel_id;
        effect.counter = REELS_COUNTER_WATCH_MS;
        effect.amount = event->watch_us / 1000;
        return effect;
    }
    for (size_t i = 0; i < REELS__COUNT(effects); i++) {
        if (effects[i].type == event->type) {
            effect.entity_id = reels_event_key(event, REELS_TOPIC_ENGAGE);
            effect.counter = effects[i].counter;
            effect.amount = effects[i].amount;
            break;
        }
    }
    return effect;
}

const char *reels_counter_name(uint32_t counter)
{
    return counter < REELS__COUNT(names) ? names[counter] : NULL;
}
