/* Owns what other engines ask of relations beyond the public calls. */
#ifndef REELS_SRC_SOCIAL_RELATION_H
#define REELS_SRC_SOCIAL_RELATION_H

#include <reels/social.h>

/* out[i] is 1 where the person and others[i] are apart: one of them has blocked the other. Up to
 * 5000 others; nobody (0) is apart from no one. */
reels_status reels__social_apart(reels_social *social,
                                 const reels_call *call,
                                 uint64_t person_id,
                                 const uint64_t *other_ids,
                                 size_t others_count,
                                 uint8_t *out,
                                 reels_error *err);

/* Reads a reel that the person may see: READY or further on, public or their own, with no block
 * between them and its creator; else NOT_FOUND, so that nobody learns what is there. Without a
 * person (0) blocks do not count. */
reels_status reels__social_reel(reels_social *social,
                                const reels_call *call,
                                uint64_t reel_id,
                                uint64_t person_id,
                                uint64_t *out_creator_id,
                                reels_error *err);

/* NOT_FOUND when one of the two has blocked the other: what the one has or is, called `what`, is
 * not there for the other. */
reels_status reels__social_not_apart(reels_social *social,
                                     const reels_call *call,
                                     uint64_t person_id,
                                     uint64_t other_id,
                                     const char *what,
                                     reels_error *err);

#endif
