/* Shows invariants 2 and 3 over the whole: the power fails at a file-system operation, the platform
 * is opened again, whoever did not hear an answer asks again, and in the end everything that was
 * asked for is there once: counters equal the number of accepted events. Media is left out; reels
 * are made READY by hand. */
#include <stdlib.h>
#include <string.h>

#include <reels/platform.h>

#include "test_check.h"

enum {
    CREATOR = 7,
    PERSONS = 6,
    POINTS = 40, /* power cuts over the length of the script, evenly */
    ROLES = REELS_ROLE_RELAY | REELS_ROLE_COUNTER | REELS_ROLE_FEED | REELS_ROLE_MAINTENANCE
};

#define LEASES_US INT64_C(120000000)

struct story {
    struct test_env env;
    reels_platform *platform;
    uint64_t reel_id;
    int step; /* next act to be done */
};

static reels_status story_open(struct story *story)
{
    reels_platform_config config = {.struct_size = sizeof(config),
                                    .data_path = "/data",
                                    .partitions_count = 2,
                                    .counter_window_us = 1000};
    return reels_platform_open(story->env.ctx, &config, &story->platform, &story->env.err);
}

/* ---- acts: each may fail, and may then be done again ---- */

static reels_status act_reel(struct story *story, int person)
{
    reels_reel_store *reels = reels_platform_reels(story->platform);
    reels_reel reel = {.struct_size = sizeof(reel), .id = 1000, .creator_id = CREATOR};
    static const uint32_t states[] = {REELS_REEL_UPLOADED, REELS_REEL_PROCESSING, REELS_REEL_READY};
    (void)person;
    reels_status status = reels_reel_add(reels, NULL, &reel, &story->env.err);
    if (status != REELS_OK && status != REELS_ERR_EXISTS) {
        return status;
    }
    story->reel_id = reel.id;
    status = reels_reel_get(reels, NULL, &story->reel_id, 1, &reel, &story->env.err);
    for (size_t i = 0; status == REELS_OK && i < 3; i++) {
        if (reel.state >= states[i]) {
            continue;
        }
        reel.state = states[i];
        reel.generation = 1;
        reel.duration_us = 5000000;
        status = reels_reel_update(reels, NULL, &reel, &story->env.err);
    }
    return status;
}

static reels_status act_like(struct story *story, int person)
{
    return reels_relation_set(reels_platform_social(story->platform),
                              NULL,
                              REELS_RELATION_LIKE,
                              (uint64_t)(100 + person),
                              story->reel_id,
                              1,
                              NULL,
                              &story->env.err);
}

static reels_status act_follow(struct story *story, int person)
{
    return reels_relation_set(reels_platform_social(story->platform),
                              NULL,
                              REELS_RELATION_FOLLOW,
                              (uint64_t)(100 + person),
                              CREATOR,
                              1,
                              NULL,
                              &story->env.err);
}

static reels_status act_comment(struct story *story, int person)
{
    uint8_t token[16] = {1, (uint8_t)person};
    reels_comment comment = {.struct_size = sizeof(comment)};
    return reels_comment_add(reels_platform_social(story->platform),
                             NULL,
                             story->reel_id,
                             (uint64_t)(100 + person),
                             "so it is",
                             token,
                             &comment,
                             &story->env.err);
}

static reels_status act_watch(struct story *story, int person)
{
    static const uint32_t types[] = {
        REELS_EVENT_IMPRESSION, REELS_EVENT_VIEW, REELS_EVENT_COMPLETE};
    reels_event events[3];
    reels_status statuses[3];
    for (size_t i = 0; i < 3; i++) {
        events[i] = (reels_event){.struct_size = sizeof(reels_event),
                                  .type = types[i],
                                  .reel_id = story->reel_id,
                                  .source = 9,
                                  .sequence = i + 1,
                                  .position_us = 5000000,
                                  .playback = 1};
    }
    return reels_platform_events_add(
        story->platform, NULL, (uint64_t)(100 + person), events, 3, statuses, &story->env.err);
}

static reels_status act_settle(struct story *story, int person)
{
    (void)person;
    return reels_platform_settle(story->platform, NULL, ROLES, &story->env.err);
}

static reels_status (*const acts[])(struct story *story, int person) = {
    act_like, act_watch, act_follow, act_settle, act_comment, act_settle};

enum {
    ACTS = sizeof(acts) / sizeof(acts[0]),
    STEPS = 1 + PERSONS * ACTS
};

/* Does what is left of the story; the first failure ends it. */
static reels_status story_go_on(struct story *story)
{
    while (story->step < STEPS) {
        int at = story->step - 1;
        reels_status status = at < 0 ? act_reel(story, 0) : acts[at % ACTS](story, at / ACTS);
        if (status != REELS_OK) {
            return status;
        }
        story->step++;
    }
    return REELS_OK;
}

static void expect_exact(struct story *story)
{
    static const uint32_t counters[] = {REELS_COUNTER_LIKES,
                                        REELS_COUNTER_VIEWS,
                                        REELS_COUNTER_COMPLETIONS,
                                        REELS_COUNTER_IMPRESSIONS,
                                        REELS_COUNTER_COMMENTS};
    int64_t counts[5] = {0};
    uint64_t creator = CREATOR;
    uint32_t followers = REELS_COUNTER_FOLLOWERS;
    int64_t followers_count = 0;
    test_ok(&story->env,
            reels_counter_read(reels_platform_stats(story->platform),
                               NULL,
                               &story->reel_id,
                               1,
                               counters,
                               5,
                               counts,
                               &story->env.err));
    for (int i = 0; i < 5; i++) {
        ck_assert_msg(counts[i] == PERSONS,
                      "%s: %lld, not %d",
                      reels_counter_name(counters[i]),
                      (long long)counts[i],
                      PERSONS);
    }
    test_ok(&story->env,
            reels_counter_read(reels_platform_stats(story->platform),
                               NULL,
                               &creator,
                               1,
                               &followers,
                               1,
                               &followers_count,
                               &story->env.err));
    ck_assert_int_eq(followers_count, PERSONS);
}

/* Everybody has watched it, so nobody is shown it again; somebody new is. */
static void expect_feed(struct story *story)
{
    for (uint64_t viewer = 100; viewer <= 100 + PERSONS; viewer++) {
        reels_feed_request request = {.struct_size = sizeof(request), .viewer_id = viewer};
        reels_feed_item items[REELS_FEED_PAGE_ITEMS];
        reels_buf *cursor = NULL;
        size_t count = 0;
        items[0].struct_size = sizeof(items[0]);
        test_ok(&story->env, reels_buf_new(story->env.ctx, 64, &cursor, &story->env.err));
        test_ok(&story->env,
                reels_feed_page(reels_platform_feed(story->platform),
                                NULL,
                                &request,
                                items,
                                REELS_FEED_PAGE_ITEMS,
                                &count,
                                cursor,
                                &story->env.err));
        ck_assert_uint_eq(count, viewer == 100 + PERSONS ? 1 : 0);
        reels_buf_free(cursor);
    }
}

static void story_begin(struct story *story)
{
    memset(story, 0, sizeof(*story));
    test_env_init(&story->env, TEST_ENV_SIM_CLOCK | TEST_ENV_MEM_FS | TEST_ENV_SEED);
}

static void story_end(struct story *story)
{
    reels_platform_free(story->platform);
    story->platform = NULL;
    test_env_dispose(&story->env);
}

/* Closes what a crash left open, and opens it again after the leases of the dead have run out. */
static void story_restart(struct story *story, int mode, uint64_t seed)
{
    reels_platform_free(story->platform);
    story->platform = NULL;
    test_memfs_crash(story->env.fs, mode, seed);
    test_env_restart(&story->env);
    test_clock_advance(&story->env.clock, LEASES_US);
    test_ok(&story->env, story_open(story));
}

/* How many operations an undisturbed story takes. */
static uint64_t story_length(void)
{
    struct story story;
    story_begin(&story);
    test_ok(&story.env, story_open(&story));
    test_memfs_fail(story.env.fs, 0, 0, 0);
    test_ok(&story.env, story_go_on(&story));
    uint64_t operations = test_memfs_ops_count(story.env.fs);
    expect_exact(&story);
    expect_feed(&story);
    story_end(&story);
    return operations;
}

static void story_with_crash(uint64_t nth, uint32_t fault, int mode)
{
    struct story story;
    story_begin(&story);
    test_ok(&story.env, story_open(&story));
    test_memfs_fail(story.env.fs, nth, TEST_MEMFS_FAULT_ALL_AFTER | fault, 5);
    (void)story_go_on(&story);
    story_restart(&story, mode, nth);
    test_ok(&story.env, story_go_on(&story));
    test_ok(&story.env, act_settle(&story, 0));
    expect_exact(&story);
    expect_feed(&story);
    story_end(&story);
}

START_TEST(test_crash_power_cut_loses_nothing_and_counts_once)
{
    static uint64_t length;
    if (length == 0) {
        length = story_length();
    }
    uint64_t nth = 1 + length * (uint64_t)_i / POINTS;
    story_with_crash(nth, 0, TEST_MEMFS_CRASH_LOSE);
    story_with_crash(nth + length / POINTS / 2, TEST_MEMFS_FAULT_EFFECT, TEST_MEMFS_CRASH_RANDOM);
}
END_TEST

START_TEST(test_crash_kill_at_any_point_counts_once)
{
    static uint64_t length;
    if (length == 0) {
        length = story_length();
    }
    story_with_crash(
        1 + length * (uint64_t)_i / POINTS + 1, TEST_MEMFS_FAULT_EFFECT, TEST_MEMFS_CRASH_KEEP);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("platform_crash");
    TCase *tcase = tcase_create("crash");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, test_crash_power_cut_loses_nothing_and_counts_once, 0, POINTS);
    tcase_add_loop_test(tcase, test_crash_kill_at_any_point_counts_once, 0, POINTS);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
