/* Includes every public header. */
#ifndef REELS_REELS_H
#define REELS_REELS_H

#include <reels/backend.h>
#include <reels/base.h>
#include <reels/counter.h>
#include <reels/event.h>
#include <reels/feed.h>
#include <reels/hls.h>
#include <reels/id.h>
#include <reels/media.h>
#include <reels/platform.h>
#include <reels/prefetch.h>
#include <reels/reel.h>
#include <reels/social.h>
#include <reels/upload.h>

#endif
