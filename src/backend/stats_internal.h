/* Owns what the front door and the embedded backends of the stats port agree on. */
#ifndef REELS_SRC_BACKEND_STATS_INTERNAL_H
#define REELS_SRC_BACKEND_STATS_INTERNAL_H

#include <reels/backend/stats.h>

/* 2^62: the bound of an amount and of a counter, so that adding the two cannot wrap. */
#define REELS__STATS_AMOUNT_MAX (INT64_C(1) << 62)

#endif
