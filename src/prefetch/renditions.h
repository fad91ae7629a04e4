/* Owns the reading of the renditions of many generations at once. */
#ifndef REELS_SRC_PREFETCH_RENDITIONS_H
#define REELS_SRC_PREFETCH_RENDITIONS_H

#include <reels/prefetch.h>

enum {
    REELS__RENDITIONS_MAX = 16 /* of one generation */
};

/* Fills out with up to REELS__RENDITIONS_MAX renditions in the order in which they were put. */
reels_status reels__renditions_read(reels_ctx *ctx,
                                    reels_catalog *catalog,
                                    const reels_call *call,
                                    uint64_t reel_id,
                                    uint32_t generation,
                                    reels_rendition *out,
                                    size_t *out_count,
                                    reels_error *err);

#endif
