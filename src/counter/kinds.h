/* Owns what each event adds to which counter. */
#ifndef REELS_SRC_COUNTER_KINDS_H
#define REELS_SRC_COUNTER_KINDS_H

#include <reels/counter.h>

/* The consumer group, and the group of the stats store. */
#define REELS__COUNTER_GROUP "counter"

struct reels__counter_effect {
    uint64_t entity_id; /* 0 = the event counts for nothing */
    int64_t amount;
    uint32_t counter;
};

struct reels__counter_effect reels__counter_effect_of(const reels_event *event);

#endif
