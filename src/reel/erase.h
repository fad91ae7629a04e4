/* Owns the forgetting of reels that never were: the row of an upload that was aborted or has
 * expired. */
#ifndef REELS_SRC_REEL_ERASE_H
#define REELS_SRC_REEL_ERASE_H

#include <reels/reel.h>

/* Deletes the row of a reel that is still INIT; OK also when there is none. *out_is_committed is 1
 * when it is UPLOADED or further on, and then nothing is deleted. */
reels_status reels__reel_erase_unfinished(reels_reel_store *store,
                                          const reels_call *call,
                                          uint64_t reel_id,
                                          int *out_is_committed,
                                          reels_error *err);

/* Deletes the row of a reel that is DELETED, once nothing of it is left; OK also when there is
 * none. */
reels_status reels__reel_erase_deleted(reels_reel_store *store,
                                       const reels_call *call,
                                       uint64_t reel_id,
                                       reels_error *err);

#endif
