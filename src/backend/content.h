/* Owns the checks of what embed and classifier are given to look at. */
#ifndef REELS_SRC_BACKEND_CONTENT_H
#define REELS_SRC_BACKEND_CONTENT_H

#include <reels/backend/embed.h>

reels_status
reels__contents_check(const reels_content *contents, size_t contents_count, reels_error *err);

#endif
