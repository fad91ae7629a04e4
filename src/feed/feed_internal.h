/* Owns what the files of this folder share. */
#ifndef REELS_SRC_FEED_INTERNAL_H
#define REELS_SRC_FEED_INTERNAL_H

#include <reels/feed.h>

#include "backend/group_reader.h"
#include "index.h"
#include "rank.h"

enum {
    REELS__FEED_CANDIDATES_MAX = 1500,
    REELS__FEED_HOLDER_BYTES = 48
};

/* How far the building of the index has come. */
enum {
    REELS__FEED_JOIN =
        0, /* stand at the end of the topics, so that nothing is missed while scanning */
    REELS__FEED_SCAN = 1,  /* read the reels that are READY */
    REELS__FEED_FOLLOW = 2 /* follow the topics */
};

struct reels_feed {
    reels_ctx *ctx;
    reels_feed_parts parts;     /* model filled in */
    reels_model *default_model; /* ours, or NULL */
    reels_feed_options options; /* defaults filled in */
    char holder[REELS__FEED_HOLDER_BYTES];
    struct reels__feed_index index;
    /* What follows is the learner's alone: reels_feed_step() runs on one thread at a time. */
    struct reels__group_reader reel_reader;
    struct reels__group_reader engage_reader;
    struct reels__group_reader person_reader;
    uint32_t stage;
    reels_buf *scan_cursor;
    int64_t ranked_mono_us;
};

/* tables.c */
const reels_table *reels__watched_table(void);
const reels_table *reels__feed_session_table(void);

/* learn.c */
reels_status reels__feed_readers_init(reels_feed *feed, reels_error *err);

/* seen.c: what viewers have seen, in the catalog for ever and in the cache at once. */
struct reels__watched {
    uint64_t person_id;
    uint64_t reel_id;
    int64_t seen_unix_us;
};
reels_status reels__watched_write(reels_feed *feed,
                                  const struct reels__watched *watched,
                                  size_t count,
                                  reels_error *err);
/* Marks as dropped what the viewer has seen. */
reels_status reels__feed_drop_seen(reels_feed *feed,
                                   const reels_call *call,
                                   uint64_t viewer_id,
                                   struct reels__candidate *candidates,
                                   size_t count,
                                   reels_error *err);

/* visible.c: marks as dropped what may not be shown to this viewer now. */
reels_status reels__feed_drop_hidden(reels_feed *feed,
                                     const reels_call *call,
                                     uint64_t viewer_id,
                                     struct reels__candidate *candidates,
                                     size_t count,
                                     reels_error *err);
/* Moves what is not dropped to the front; gives how many. */
size_t reels__feed_compact(struct reels__candidate *candidates, size_t count);

/* sources.c: fills candidates, each reel once, and gives how many. */
reels_status reels__feed_gather(reels_feed *feed,
                                const reels_call *call,
                                uint64_t viewer_id,
                                struct reels__candidate *candidates,
                                size_t capacity,
                                size_t *out_count,
                                size_t *out_fresh_at,
                                reels_error *err);
/* Puts the next of the newest, from *fresh_at on, behind the candidates that are kept; moves
 * *fresh_at. *out_count is `kept` when there was none. */
reels_status reels__feed_gather_older(reels_feed *feed,
                                      struct reels__candidate *candidates,
                                      size_t kept,
                                      size_t capacity,
                                      size_t *fresh_at,
                                      size_t *out_count,
                                      reels_error *err);

#endif
