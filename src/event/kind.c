/* Owns the table of event types: name, topics, key and who may write each. */
#include <string.h>

#include <reels/event.h>

#include "base/compiler.h"
#include "event_internal.h"

#define REEL REELS_TOPIC_REEL
#define ENGAGE REELS_TOPIC_ENGAGE
#define PERSON REELS_TOPIC_PERSON

static const struct reels__event_kind kinds[] = {
    {REELS_EVENT_REEL_UPLOADED, REEL, 0, "reel_uploaded"},
    {REELS_EVENT_REEL_READY, REEL, 0, "reel_ready"},
    {REELS_EVENT_REEL_FAILED, REEL, 0, "reel_failed"},
    {REELS_EVENT_REEL_CHANGED, REEL, 0, "reel_changed"},
    {REELS_EVENT_REEL_DELETED, REEL, 0, "reel_deleted"},
    {REELS_EVENT_LIKE, ENGAGE, 0, "like"},
    {REELS_EVENT_UNLIKE, ENGAGE, 0, "unlike"},
    {REELS_EVENT_SAVE, ENGAGE, 0, "save"},
    {REELS_EVENT_UNSAVE, ENGAGE, 0, "unsave"},
    {REELS_EVENT_FOLLOW, ENGAGE, REELS__EVENT_KEYED_BY_TARGET, "follow"},
    {REELS_EVENT_UNFOLLOW, ENGAGE, REELS__EVENT_KEYED_BY_TARGET, "unfollow"},
    {REELS_EVENT_MUTE, PERSON, 0, "mute"},
    {REELS_EVENT_UNMUTE, PERSON, 0, "unmute"},
    {REELS_EVENT_BLOCK, PERSON, 0, "block"},
    {REELS_EVENT_UNBLOCK, PERSON, 0, "unblock"},
    {REELS_EVENT_COMMENT, ENGAGE, 0, "comment"},
    {REELS_EVENT_COMMENT_REMOVED, ENGAGE, 0, "comment_removed"},
    {REELS_EVENT_IMPRESSION, ENGAGE | PERSON, REELS__EVENT_BY_CLIENT, "impression"},
    {REELS_EVENT_WATCH, ENGAGE | PERSON, REELS__EVENT_BY_CLIENT, "watch"},
    {REELS_EVENT_VIEW, ENGAGE | PERSON, REELS__EVENT_BY_CLIENT, "view"},
    {REELS_EVENT_COMPLETE, ENGAGE | PERSON, REELS__EVENT_BY_CLIENT, "complete"},
    {REELS_EVENT_REPLAY, ENGAGE | PERSON, REELS__EVENT_BY_CLIENT, "replay"},
    {REELS_EVENT_SKIP, ENGAGE | PERSON, REELS__EVENT_BY_CLIENT, "skip"},
    {REELS_EVENT_SHARE, ENGAGE | PERSON, REELS__EVENT_BY_CLIENT, "share"},
    {REELS_EVENT_REPORT, ENGAGE | PERSON, REELS__EVENT_BY_CLIENT, "report"},
    {REELS_EVENT_NOT_INTERESTED, PERSON, REELS__EVENT_BY_CLIENT, "not_interested"},
};

const struct reels__event_kind *reels__event_kind_find(uint32_t type)
{
    for (size_t i = 0; i < REELS__COUNT(kinds); i++) {
        if (kinds[i].type == type) {
            return &kinds[i];
        }
    }
    return NULL;
}

uint32_t reels_event_topics(uint32_t type)
{
    const struct reels__event_kind *kind = reels__event_kind_find(type);
    return kind != NULL ? kind->topics : 0;
}

const char *reels_event_topic_name(uint32_t topic)
{
    switch (topic) {
    case REELS_TOPIC_REEL:
        return "reel";
    case REELS_TOPIC_ENGAGE:
        return "engage";
    case REELS_TOPIC_PERSON:
        return "person";
    default:
        return NULL;
    }
}

uint64_t reels_event_key(const reels_event *event, uint32_t topic)
{
    const struct reels__event_kind *kind =
        event != NULL ? reels__event_kind_find(event->type) : NULL;
    if (kind == NULL || (kind->topics & topic) == 0) {
        return 0;
    }
    switch (topic) {
    case REELS_TOPIC_REEL:
        return event->reel_id;
    case REELS_TOPIC_ENGAGE:
        return (kind->flags & REELS__EVENT_KEYED_BY_TARGET) != 0 ? event->target_id
                                                                 : event->reel_id;
    case REELS_TOPIC_PERSON:
        return event->person_id;
    default:
        return 0;
    }
}

const char *reels_event_type_name(uint32_t type)
{
    const struct reels__event_kind *kind = reels__event_kind_find(type);
    return kind != NULL ? kind->name : NULL;
}

uint32_t reels_event_type_by_name(const char *name)
{
    for (size_t i = 0; name != NULL && i < REELS__COUNT(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return kinds[i].type;
        }
    }
    return 0;
}
