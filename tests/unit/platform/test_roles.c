/* Shows what reels/platform.h promises of the outbox, of what viewers report, and of lack of
 * memory. Everything is in memory. */
#include "roles_world.h"

/* ---- the relay ---- */

/* What a host publishes on a topic of its own goes out byte for byte, even when it reads as an
 * event of ours. */
START_TEST(test_roles_a_hosts_own_events_are_not_touched)
{
    static const uint8_t payload[] = {0x08, REELS_EVENT_LIKE, 0xF8, 0x07, 0x2A};
    static const uint8_t key[1] = {1};
    reels_catalog *catalog = reels_platform_catalog(platform);
    reels_value shard = {.type = REELS_TYPE_ID, .integer = 77};
    reels_event_out event = {.topic = "host.mail",
                             .key = key,
                             .key_len = 1,
                             .payload = payload,
                             .payload_len = sizeof(payload)};
    reels_commit commit = {
        .struct_size = sizeof(commit), .shard = shard, .events = &event, .events_count = 1};
    reels_commit_result result = {0};
    uint32_t partitions = 0;
    int64_t due = 0;
    reels_queue *queue = platform->queue;
    test_ok(&env, reels_queue_topic_open(queue, NULL, "host.mail", 1, &partitions, &env.err));
    test_ok(&env, reels_catalog_commit(catalog, NULL, &commit, 1, &result, &env.err));
    ck_assert_int_eq(result.status, REELS_OK);
    test_ok(&env, reels_platform_step(platform, REELS_ROLE_RELAY, 0, &due, &env.err));

    reels_queue_join join = {
        .struct_size = sizeof(join), .topic = "host.mail", .group = "post", .consumer = "one"};
    reels_records *records = NULL;
    reels_record record;
    uint64_t consumer = 0;
    uint32_t changed = 1;
    test_ok(&env, reels_records_new(env.ctx, 0, &records, &env.err));
    test_ok(&env, reels_queue_group_join(queue, NULL, &join, &consumer, &env.err));
    for (int i = 0; i < 5 && reels_records_count(records) == 0; i++) {
        test_ok(&env,
                reels_queue_poll(queue, NULL, consumer, 10, 1000, records, &changed, &env.err));
        if (changed) {
            reels_queue_offset start = {.epoch = 1};
            reels_queue_assignment mine;
            size_t count = 0;
            test_ok(&env, reels_queue_assigned(queue, NULL, consumer, &mine, 1, &count, &env.err));
            start.epoch = mine.epoch;
            test_ok(&env, reels_queue_seek(queue, NULL, consumer, &start, 1, &env.err));
        }
    }
    ck_assert_uint_eq(reels_records_count(records), 1);
    test_ok(&env, reels_records_get(records, 0, &record));
    ck_assert_uint_eq(record.payload_len, sizeof(payload));
    ck_assert_mem_eq(record.payload, payload, sizeof(payload));
    reels_records_free(records);
}
END_TEST

/* Nobody opened its topic: the events of others must not wait for that. */
START_TEST(test_roles_a_hosts_own_topic_stops_nobody)
{
    reels_catalog *catalog = reels_platform_catalog(platform);
    reels_value shard = {.type = REELS_TYPE_ID, .integer = 77};
    reels_event_out event = {.topic = "host.unopened", .key = (const uint8_t *)"k", .key_len = 1};
    reels_commit commit = {
        .struct_size = sizeof(commit), .shard = shard, .events = &event, .events_count = 1};
    reels_commit_result result = {0};
    uint64_t reel = 5000;
    int64_t due = 0;
    int64_t likes = 0;
    uint32_t counter = REELS_COUNTER_LIKES;
    make(reel, REELS_REEL_READY);
    test_ok(&env, reels_catalog_commit(catalog, NULL, &commit, 1, &result, &env.err));
    test_ok(&env,
            reels_relation_set(reels_platform_social(platform),
                               NULL,
                               REELS_RELATION_LIKE,
                               BOB,
                               reel,
                               1,
                               NULL,
                               &env.err));
    test_ok(&env, reels_platform_step(platform, REELS_ROLE_RELAY, 0, &due, &env.err));
    test_ok(&env,
            reels_platform_settle(platform, NULL, REELS_ROLE_RELAY | REELS_ROLE_COUNTER, &env.err));
    test_ok(&env,
            reels_counter_read(
                reels_platform_stats(platform), NULL, &reel, 1, &counter, 1, &likes, &env.err));
    ck_assert_int_eq(likes, 1);
    /* What no queue could ever take is refused where it is written. */
    event.topic = "Host Mail";
    test_status(REELS_ERR_INVALID_ARG,
                reels_catalog_commit(catalog, NULL, &commit, 1, &result, NULL));
}
END_TEST

/* ---- lack of memory ---- */

/* Refuses the n-th allocation of an operation on the one platform, for every n; it must fail with
 * NO_MEMORY or work, and the platform must be as good as before. */
static void until_memory_is_enough(reels_status (*operation)(void))
{
    for (int all_after = 0; all_after <= 1; all_after++) {
        size_t refused = 1;
        for (size_t nth = 1; refused > 0; nth++) {
            ck_assert_uint_lt(nth, MEMORY_RUNS_MAX);
            test_alloc_fail(&env.alloc, nth, all_after);
            reels_status status = operation();
            refused = env.alloc.refused_count;
            test_alloc_fail(&env.alloc, 0, 0);
            ck_assert_msg(status == REELS_OK || (refused > 0 && status == REELS_ERR_NO_MEMORY),
                          "with allocation %zu refused: %s",
                          nth,
                          reels_status_name(status));
        }
        ck_assert_int_eq(operation(), REELS_OK);
    }
}

static uint64_t turn; /* grows with each operation, so that each has something to do */

static reels_status relate(void)
{
    turn++;
    return reels_relation_set(reels_platform_social(platform),
                              NULL,
                              turn % 2 == 0 ? REELS_RELATION_LIKE : REELS_RELATION_SAVE,
                              BOB,
                              5,
                              (int32_t)(turn / 2 % 2),
                              NULL,
                              NULL);
}

static reels_status block(void)
{
    return reels_relation_set(reels_platform_social(platform),
                              NULL,
                              REELS_RELATION_BLOCK,
                              BOB,
                              1000 + turn++,
                              1,
                              NULL,
                              NULL);
}

static reels_status comment(void)
{
    reels_comment made = {.struct_size = sizeof(made)};
    turn++;
    return reels_comment_add(
        reels_platform_social(platform), NULL, 5, BOB, "so it is", NULL, &made, NULL);
}

static reels_status report(void)
{
    reels_event events[2];
    reels_status statuses[2] = {REELS_OK, REELS_OK};
    for (int i = 0; i < 2; i++) {
        events[i] = (reels_event){.struct_size = sizeof(events[i]),
                                  .type = REELS_EVENT_VIEW,
                                  .reel_id = 5,
                                  .source = 9,
                                  .sequence = ++turn,
                                  .watch_us = 3000000};
    }
    reels_status status = reels_platform_events_add(platform, NULL, BOB, events, 2, statuses, NULL);
    for (int i = 0; status == REELS_OK && i < 2; i++) {
        status = statuses[i];
    }
    return status;
}

static void set_block(uint64_t from, uint64_t to, int32_t on)
{
    reels_social *social = reels_platform_social(platform);
    test_ok(&env,
            reels_relation_set(social, NULL, REELS_RELATION_BLOCK, from, to, on, NULL, &env.err));
}

START_TEST(test_roles_events_across_a_block_are_refused)
{
    make(5, REELS_REEL_READY);
    test_ok(&env, report());
    set_block(ADA, BOB, 1);
    test_status(REELS_ERR_NOT_FOUND, report());
    set_block(BOB, ADA, 1);
    set_block(ADA, BOB, 0);
    test_status(REELS_ERR_NOT_FOUND, report());
    set_block(BOB, ADA, 0);
    test_ok(&env, report());
}
END_TEST

static reels_status page(void)
{
    reels_feed_request request = {.struct_size = sizeof(request), .viewer_id = 5000 + turn++};
    reels_feed_item items[REELS_FEED_PAGE_ITEMS] = {{.struct_size = sizeof(items[0])}};
    reels_buf *cursor = NULL;
    size_t count = 0;
    reels_status status = reels_buf_new(env.ctx, 64, &cursor, NULL);
    if (status == REELS_OK) {
        status = reels_feed_page(reels_platform_feed(platform),
                                 NULL,
                                 &request,
                                 items,
                                 REELS_FEED_PAGE_ITEMS,
                                 &count,
                                 cursor,
                                 NULL);
    }
    reels_buf_free(cursor);
    return status;
}

static int64_t views(void)
{
    const uint64_t reel_id = 5;
    const uint32_t counter = REELS_COUNTER_VIEWS;
    int64_t out = -1;
    test_ok(&env,
            reels_counter_read(
                reels_platform_stats(platform), NULL, &reel_id, 1, &counter, 1, &out, &env.err));
    return out;
}

static reels_status work(void)
{
    static const uint32_t roles[] = {
        REELS_ROLE_RELAY, REELS_ROLE_COUNTER, REELS_ROLE_FEED, REELS_ROLE_MAINTENANCE};
    reels_status status = REELS_OK;
    test_clock_advance(&env.clock, 3000000);
    for (size_t i = 0; i < 4; i++) {
        int64_t due = 0;
        reels_status step = reels_platform_step(platform, roles[i], 0, &due, NULL);
        status = status == REELS_OK ? step : status;
    }
    return status;
}

START_TEST(test_roles_requests_survive_lack_of_memory)
{
    make(5, REELS_REEL_READY);
    test_ok(&env, reels_platform_settle(platform, NULL, REELS_ROLE_FEED, &env.err));
    until_memory_is_enough(relate);
    until_memory_is_enough(block);
    until_memory_is_enough(comment);
    until_memory_is_enough(page);
    ck_assert_uint_gt(turn, 40);
}
END_TEST

/* Whatever was refused meanwhile: what was accepted is counted, once. */
START_TEST(test_roles_work_survives_lack_of_memory_and_counts_right)
{
    const uint32_t roles = REELS_ROLE_RELAY | REELS_ROLE_COUNTER | REELS_ROLE_FEED;
    make(5, REELS_REEL_READY);
    until_memory_is_enough(report);
    test_clock_advance(&env.clock, 5000);
    test_ok(&env, reels_platform_settle(platform, NULL, roles, &env.err));
    int64_t before = views();
    ck_assert_int_gt(before, 4);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(report(), REELS_OK);
        ck_assert_int_eq(comment(), REELS_OK);
    }
    until_memory_is_enough(work);
    test_clock_advance(&env.clock, 5000);
    test_ok(&env, reels_platform_settle(platform, NULL, roles, &env.err));
    ck_assert_int_eq(views(), before + 20);
}
END_TEST

static reels_status open_and_free(reels_ctx *ctx, void *arg)
{
    reels_platform_config config = memory_config();
    reels_platform *opened = NULL;
    (void)arg;
    reels_status status = reels_platform_open(ctx, &config, &opened, NULL);
    ck_assert_int_eq(opened == NULL, status != REELS_OK);
    reels_platform_free(opened);
    return status;
}

START_TEST(test_roles_opening_survives_lack_of_memory)
{
    ck_assert_uint_gt(test_oom_run(TEST_ENV_SIM_CLOCK | TEST_ENV_SEED, open_and_free, NULL), 50);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("platform_roles");
    TCase *cases = tcase_create("roles");
    tcase_set_timeout(cases, 200);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_roles_events_across_a_block_are_refused);
    tcase_add_test(cases, test_roles_a_hosts_own_events_are_not_touched);
    tcase_add_test(cases, test_roles_a_hosts_own_topic_stops_nobody);
    tcase_add_test(cases, test_roles_requests_survive_lack_of_memory);
    tcase_add_test(cases, test_roles_work_survives_lack_of_memory_and_counts_right);
    tcase_add_test(cases, test_roles_opening_survives_lack_of_memory);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
