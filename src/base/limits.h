/* Owns the limits of base: what a loop over hostile input may do at most. A limit that is reached
 * gives REELS_ERR_LIMIT, never a silent cut. */
#ifndef REELS_SRC_BASE_LIMITS_H
#define REELS_SRC_BASE_LIMITS_H

enum {
    REELS__JSON_DEPTH_MAX = 128,       /* arrays and objects inside each other */
    REELS__PROTO_DEPTH_MAX = 32,       /* messages and groups inside each other */
    REELS__PROTO_FIELDS_MAX = 1 << 20, /* fields of one message, known or not */
    REELS__POOL_THREADS_MAX = 256,
    REELS__POOL_QUEUE_MAX = 4096 /* tasks that wait; beyond it the submitting thread works itself */
};

#endif
