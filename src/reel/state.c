/* Owns the state machine of a reel: which step is allowed and which event it publishes. */
#include <stddef.h>

#include <reels/reel.h>

#include "base/compiler.h"
#include "reel_internal.h"

#define TO(state) (1U << (state))

/* What may follow each state; staying is always allowed but for DELETED. A dead worker's reel goes
 * from PROCESSING to PROCESSING under a new generation; READY goes back to PROCESSING never, later
 * revisions are written while READY. */
static const uint32_t allowed[] = {
    [REELS_REEL_NONE] = TO(REELS_REEL_INIT),
    [REELS_REEL_INIT] = TO(REELS_REEL_UPLOADED) | TO(REELS_REEL_FAILED) | TO(REELS_REEL_DELETED),
    [REELS_REEL_UPLOADED] =
        TO(REELS_REEL_PROCESSING) | TO(REELS_REEL_FAILED) | TO(REELS_REEL_DELETED),
    [REELS_REEL_PROCESSING] = TO(REELS_REEL_UPLOADED) | TO(REELS_REEL_READY) |
                              TO(REELS_REEL_FAILED) | TO(REELS_REEL_HELD) | TO(REELS_REEL_DELETED),
    [REELS_REEL_READY] = TO(REELS_REEL_BLOCKED) | TO(REELS_REEL_DELETED),
    [REELS_REEL_FAILED] = TO(REELS_REEL_UPLOADED) | TO(REELS_REEL_DELETED),
    [REELS_REEL_HELD] = TO(REELS_REEL_READY) | TO(REELS_REEL_BLOCKED) | TO(REELS_REEL_DELETED),
    [REELS_REEL_BLOCKED] = TO(REELS_REEL_READY) | TO(REELS_REEL_DELETED),
    [REELS_REEL_DELETED] = 0,
};

static const char *const names[] = {
    [REELS_REEL_NONE] = "NONE",
    [REELS_REEL_INIT] = "INIT",
    [REELS_REEL_UPLOADED] = "UPLOADED",
    [REELS_REEL_PROCESSING] = "PROCESSING",
    [REELS_REEL_READY] = "READY",
    [REELS_REEL_FAILED] = "FAILED",
    [REELS_REEL_HELD] = "HELD",
    [REELS_REEL_BLOCKED] = "BLOCKED",
    [REELS_REEL_DELETED] = "DELETED",
};

int32_t reels_reel_step_allowed(uint32_t from, uint32_t to)
{
    if (from >= REELS__COUNT(allowed) || to >= REELS__COUNT(allowed)) {
        return 0;
    }
    if (from == to) {
        return from != REELS_REEL_NONE && from != REELS_REEL_DELETED;
    }
    return (allowed[from] & TO(to)) != 0;
}

const char *reels_reel_state_name(uint32_t state)
{
    return state < REELS__COUNT(names) ? names[state] : "UNKNOWN";
}

uint32_t reels__reel_step_event(const reels_reel *from, const reels_reel *to)
{
    if (from->state == to->state) {
        int seen_otherwise = from->visibility != to->visibility ||
                             (to->state == REELS_REEL_READY && from->revision != to->revision);
        return seen_otherwise ? REELS_EVENT_REEL_CHANGED : 0;
    }
    switch (to->state) {
    case REELS_REEL_UPLOADED:
        return REELS_EVENT_REEL_UPLOADED;
    case REELS_REEL_READY:
        return from->state == REELS_REEL_PROCESSING ? REELS_EVENT_REEL_READY
                                                    : REELS_EVENT_REEL_CHANGED;
    case REELS_REEL_FAILED:
        return REELS_EVENT_REEL_FAILED;
    case REELS_REEL_DELETED:
        return REELS_EVENT_REEL_DELETED;
    case REELS_REEL_HELD:
    case REELS_REEL_BLOCKED:
        return REELS_EVENT_REEL_CHANGED;
    default:
        return 0;
    }
}
