/* Owns what the library knows of each event type. */
#ifndef REELS_SRC_EVENT_INTERNAL_H
#define REELS_SRC_EVENT_INTERNAL_H

#include <reels/event.h>

enum {
    REELS__EVENT_BY_CLIENT = 1,       /* a viewer's client may report it */
    REELS__EVENT_KEYED_BY_TARGET = 2, /* on "engage" it counts for target_id, not for the reel */
    REELS__EVENT_BYTES_MAX = 4096     /* of one encoded event */
};

struct reels__event_kind {
    uint32_t type;
    uint32_t topics;
    uint32_t flags;
    const char *name;
};

/* NULL for an unknown type. */
const struct reels__event_kind *reels__event_kind_find(uint32_t type);

#endif
