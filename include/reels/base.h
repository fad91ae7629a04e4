/* The base layer: status, context, host hooks and buffers. */
#ifndef REELS_BASE_H
#define REELS_BASE_H

#include <reels/base/api.h>
#include <reels/base/buffer.h>
#include <reels/base/ctx.h>
#include <reels/base/hooks.h>
#include <reels/base/status.h>

#endif
