/* Owns what tests of the whole need: a platform on a temporary folder, a clip, and short ways
 * through it. */
#ifndef REELS_TESTS_UNIT_PLATFORM_FLOW_FIXTURE_H
#define REELS_TESTS_UNIT_PLATFORM_FLOW_FIXTURE_H

#include <reels/platform.h>

#include "test_check.h"

struct flow {
    struct test_env env;
    char folder[TEST_PATH_BYTES];
    reels_platform *platform;
};

/* The media worker that was just built, NULL without media. */
const char *flow_worker_path(void);

void flow_init(struct flow *flow);
/* Closes the platform and opens it again over the same folder. */
void flow_reopen(struct flow *flow);
void flow_dispose(struct flow *flow);

/* A vertical clip of 4 s with moving pictures and sound, made with ffmpeg once for each test
 * program; NULL when there is no ffmpeg. */
const uint8_t *flow_clip(size_t *out_len);

/* Uploads bytes as one person in one write and commits. */
uint64_t flow_upload(
    struct flow *flow, uint64_t person_id, const uint8_t *data, size_t len, uint32_t visibility);

/* Steps all roles until the reel is in a state that does not change by itself; gives its row. */
reels_reel flow_wait(struct flow *flow, uint64_t reel_id);

/* Steps all roles until nothing is left to do. */
void flow_settle(struct flow *flow);

/* Uploads, waits, and demands READY. */
uint64_t flow_ready(struct flow *flow, uint64_t person_id);

/* One event of a session; sequence as given. */
reels_event flow_event(
    uint32_t type, uint64_t reel_id, uint64_t session, uint64_t sequence, int64_t position_us);

int64_t flow_count(struct flow *flow, uint64_t entity_id, uint32_t counter);

/* The viewer's next page; cursor is a C string of 64 bytes, updated. Gives the number of items. */
size_t flow_page(struct flow *flow,
                 uint64_t viewer_id,
                 char cursor[64],
                 reels_feed_item items[REELS_FEED_PAGE_ITEMS]);

#endif
