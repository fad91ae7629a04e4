/* Owns the pinned numbers of the statuses and of the error flags. A number is never changed and
 * never used again: written by hand, so that changing one takes two deliberate edits. */
#include <reels/base/status.h>

#define PINNED(condition) _Static_assert(condition, #condition)

PINNED(REELS_OK == 0);
PINNED(REELS_END == 1);
PINNED(REELS_ERR_INVALID_ARG == -1);
PINNED(REELS_ERR_NO_MEMORY == -2);
PINNED(REELS_ERR_NOT_FOUND == -3);
PINNED(REELS_ERR_EXISTS == -4);
PINNED(REELS_ERR_BUFFER_TOO_SMALL == -5);
PINNED(REELS_ERR_UNSUPPORTED == -6);
PINNED(REELS_ERR_LIMIT == -7);
PINNED(REELS_ERR_CORRUPT == -8);
PINNED(REELS_ERR_IO == -9);
PINNED(REELS_ERR_TIMEOUT == -10);
PINNED(REELS_ERR_CANCELLED == -11);
PINNED(REELS_ERR_BUSY == -12);
PINNED(REELS_ERR_CONFLICT == -13);
PINNED(REELS_ERR_STATE == -14);
PINNED(REELS_ERR_HOST == -15);
PINNED(REELS_ERR_INTERNAL == -16);
PINNED(REELS_ERR_STALE == -17);
PINNED(REELS_ERR_DENIED == -18);
PINNED(REELS_ERR_ENCRYPTED == -19);
PINNED(REELS_ERROR_RETRIABLE == 1);
PINNED(REELS_ERROR_FATAL == 2);

PINNED(sizeof(reels_status) == 4);
PINNED(sizeof(reels_error) == 256);
