/* Owns the order of the columns of the reels table, shared by the descriptor and the store. */
#ifndef REELS_SRC_REEL_INTERNAL_H
#define REELS_SRC_REEL_INTERNAL_H

#include <reels/reel.h>

enum {
    REELS__REEL_ID,
    REELS__REEL_CREATOR_ID,
    REELS__REEL_STATE,
    REELS__REEL_GENERATION,
    REELS__REEL_REVISION,
    REELS__REEL_VISIBILITY,
    REELS__REEL_ATTEMPTS_COUNT,
    REELS__REEL_CREATED_AT,
    REELS__REEL_READY_AT,
    REELS__REEL_DURATION_US,
    REELS__REEL_SOURCE_BYTES,
    REELS__REEL_WIDTH,
    REELS__REEL_HEIGHT,
    REELS__REEL_PROGRESS_PERMILLE,
    REELS__REEL_REASON,
    REELS__REEL_DETAIL,
    REELS__REEL_FILENAME,
    REELS__REEL_CAPTION,
    REELS__REEL_COLUMNS
};

/* The event that a step publishes, or 0 for none. */
uint32_t reels__reel_step_event(const reels_reel *from, const reels_reel *to);

#endif
