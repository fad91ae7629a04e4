/* Owns the score: the features of candidates, the documented default model over them, and the order
 * that keeps a creator's reels apart. */
#ifndef REELS_SRC_FEED_RANK_H
#define REELS_SRC_FEED_RANK_H

#include <reels/feed.h>

#include "index.h"

/* A reel that could be shown, and why. */
struct reels__candidate {
    struct reels__feed_entry entry;
    uint32_t sources; /* REELS_FEED_SOURCE_* */
    uint32_t dropped; /* 1 = it may not be shown to this viewer */
    double score;
};

/* Half of an hour's engagement is gone after that long. */
#define REELS__FEED_TREND_HALF_US INT64_C(21600000000)

/* Engagement as it weighs at a time. */
double reels__feed_trend_at(const struct reels__feed_entry *entry, int64_t now_unix_us);

/* The built-in model behind the model port; see README.md for its formula. Has no impl. */
const reels_model_vtable *reels__feed_default_model(void);

/* UNSUPPORTED when the model wants an input that the feed does not have, or has no head "value". */
reels_status reels__feed_model_check(const reels_model *model, reels_error *err);

/* Scores candidates with the model's head "value". */
reels_status reels__feed_score(const reels_ctx *ctx,
                               reels_model *model,
                               const reels_call *call,
                               struct reels__candidate *candidates,
                               size_t count,
                               int64_t now_unix_us,
                               reels_error *err);

/* Puts up to `wanted` candidates first in the order in which they shall be shown: by score, but no
 * two by one creator within 3 while others are left. Gives how many. Scratch of `count` bytes. */
size_t reels__feed_order(struct reels__candidate *candidates, size_t count, size_t wanted);

#endif
