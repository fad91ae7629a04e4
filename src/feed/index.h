/* Owns the index of what may be shown: one entry per reel that is READY and public, with what
 * ranking needs to know of it, the reels of each creator from the newest on, and two lists made
 * anew when something has changed: the newest, and those with most engagement. A list may name a
 * reel that was removed since: whoever reads it passes over what is not there any more. Derived
 * state: rebuilt from the catalog and the stats store at every start. Internally locked; no call
 * blocks on a backend. */
#ifndef REELS_SRC_FEED_INDEX_H
#define REELS_SRC_FEED_INDEX_H

#include <pthread.h>

#include <reels/feed.h>

#include "base/map.h"

enum {
    REELS__FEED_TOP_MAX = 500 /* length of the list of those with most engagement */
};

/* What the index knows of a reel. */
struct reels__feed_entry {
    uint64_t reel_id;
    uint64_t creator_id;
    int64_t ready_unix_us;
    int64_t duration_us;
    double trend; /* engagement, each hour's halved every 6 hours until trend_unix_us */
    int64_t trend_unix_us;
    int64_t views; /* totals */
    int64_t completions;
    int64_t likes;
    int64_t skips;
};

struct reels__feed_slot {
    struct reels__feed_entry entry; /* reel_id 0 = free */
    uint32_t next_of_creator;     /* position + 1; newest first; of a free slot the next free one */
    uint32_t previous_of_creator; /* position + 1; 0 = it is the newest, or linked nowhere */
    uint32_t reads;               /* how often its totals are to be read yet */
    uint32_t reserved0;
    int64_t read_mono_us; /* when next */
};

struct reels__feed_index {
    const reels_ctx *ctx;
    pthread_mutex_t lock;
    struct reels__feed_slot *slots;
    size_t slots_count;
    size_t slots_capacity;
    size_t reels_max;
    size_t reels_count;
    uint32_t free_slot;               /* position + 1 */
    struct reels__map_u64 by_reel;    /* -> position */
    struct reels__map_u64 by_creator; /* -> position of the newest */
    uint64_t *fresh; /* all reel IDs, newest first; NULL before the first ranking */
    size_t fresh_count;
    uint64_t trending[REELS__FEED_TOP_MAX]; /* reel IDs, most engagement first */
    size_t trending_count;
    size_t read_at;       /* where the looking for slots to read goes on */
    int64_t read_mono_us; /* no slot is to be read before */
    int reels_changed;    /* the newest are to be listed anew */
    int counts_changed;   /* those with most engagement are */
};

reels_status reels__feed_index_init(struct reels__feed_index *index,
                                    const reels_ctx *ctx,
                                    size_t reels_max,
                                    reels_error *err);
void reels__feed_index_dispose(struct reels__feed_index *index);

/* Adds or replaces what the row says; keeps counts. Past reels_max the oldest make room. */
reels_status
reels__feed_index_put(struct reels__feed_index *index, const reels_reel *reel, reels_error *err);
void reels__feed_index_remove(struct reels__feed_index *index, uint64_t reel_id);

/* Marks a reel as counted since: it is to be read at once, and again when the counting consumer,
 * which stores once in a window of up to 60 s, has come as far. Unknown ones are ignored. */
void reels__feed_index_touch(struct reels__feed_index *index,
                             uint64_t reel_id,
                             int64_t now_mono_us);
/* Takes up to capacity reels that are to be read now. */
size_t reels__feed_index_take_unread(struct reels__feed_index *index,
                                     int64_t now_mono_us,
                                     uint64_t *out,
                                     size_t capacity);
/* Sets counts and trend; the entry's other fields are not read. */
void reels__feed_index_count(struct reels__feed_index *index,
                             const struct reels__feed_entry *counts);

/* Makes the lists anew whose order may have changed. Reels are put, removed and ranked by one
 * thread at a time; whoever reads meanwhile waits for a part of the reels to be copied, not for the
 * sort. */
reels_status
reels__feed_index_rank(struct reels__feed_index *index, int64_t now_unix_us, reels_error *err);

/* Copies entries: of the lists, of a creator's newest, of one reel (1 when it is there). */
/* *at: the place in the list of all, newest first, to begin at; moved past what was looked at. */
size_t reels__feed_index_fresh(struct reels__feed_index *index,
                               size_t *at,
                               struct reels__feed_entry *out,
                               size_t capacity);
size_t reels__feed_index_trending(struct reels__feed_index *index,
                                  struct reels__feed_entry *out,
                                  size_t capacity);
size_t reels__feed_index_of_creator(struct reels__feed_index *index,
                                    uint64_t creator_id,
                                    struct reels__feed_entry *out,
                                    size_t capacity);

#endif
