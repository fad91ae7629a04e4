/* Includes every public header. */
#ifndef REELS_REELS_H
#define REELS_REELS_H

#include <reels/backend.h>
#include <reels/base.h>
#include <reels/hls.h>
#include <reels/id.h>
#include <reels/media.h>

#endif
