/* Owns the forgetting of what was said about a reel that is gone. */
#ifndef REELS_SRC_SOCIAL_ERASE_H
#define REELS_SRC_SOCIAL_ERASE_H

#include <reels/social.h>

enum {
    REELS__COMMENTS_ERASE_MAX = 500 /* comments that one call deletes, in one commit */
};

/* Deletes comments of a reel whose counters go too: without events. *out_more is 1 when there may
 * be more: call again. */
reels_status reels__comments_erase(reels_social *social,
                                   const reels_call *call,
                                   uint64_t reel_id,
                                   int *out_more,
                                   reels_error *err);

#endif
