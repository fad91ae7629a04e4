/* Owns probing in this process. */
#ifndef REELS_SRC_MEDIA_PROBE_H
#define REELS_SRC_MEDIA_PROBE_H

#include <reels/media.h>

#include "media/source.h"

reels_status reels__media_probe(reels_ctx *ctx,
                                const reels_call *call,
                                reels__media_source *source,
                                const reels_media_limits *limits,
                                uint32_t exact,
                                reels_probe_info *info,
                                reels_error *err);

#endif
