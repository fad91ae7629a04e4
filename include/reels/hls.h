/* The hls engine: encoded samples in, CMAF segments and HLS playlists out, and the check that a
 * tree of them tells the truth. It needs nothing of the platform and opens no media file itself. */
#ifndef REELS_HLS_H
#define REELS_HLS_H

#include <reels/hls/output.h>
#include <reels/hls/packager.h>
#include <reels/hls/render.h>
#include <reels/hls/verify.h>

#endif
