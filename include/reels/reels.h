/* Includes every public header. */
#ifndef REELS_REELS_H
#define REELS_REELS_H

#include <reels/base.h>

#endif
