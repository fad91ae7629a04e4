/* Shows that the roles of one platform run on several threads while others ask and report: run
 * under ThreadSanitizer. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <reels/platform.h>

#include "base/ctx_internal.h"
#include "test_check.h"

enum {
    ADA = 11,
    CLIENTS = 3,
    EVENTS = 60, /* of each client */
    LIKES = 30,
    REELS = 4
};

static struct test_env env;
static reels_platform *platform;
static reels_cancel *cancel;

static void make_ready(uint64_t id)
{
    static const uint32_t way[] = {REELS_REEL_UPLOADED, REELS_REEL_PROCESSING, REELS_REEL_READY};
    reels_reel_store *reels = reels_platform_reels(platform);
    reels_reel reel = {.struct_size = sizeof(reel), .id = id, .creator_id = ADA};
    test_ok(&env, reels_reel_add(reels, NULL, &reel, &env.err));
    for (size_t i = 0; i < 3; i++) {
        test_ok(&env, reels_reel_get(reels, NULL, &id, 1, &reel, &env.err));
        reel.state = way[i];
        reel.generation = 1;
        reel.revision = 1;
        reel.duration_us = 8000000;
        reel.ready_unix_us = reels_ctx_now_unix_us(env.ctx);
        test_ok(&env, reels_reel_update(reels, NULL, &reel, &env.err));
    }
}

/* ---- clients ---- */

static _Atomic int failures;

static void expect(reels_status status)
{
    if (status != REELS_OK) {
        (void)atomic_fetch_add(&failures, 1);
    }
}

static void ask_for_a_page(uint64_t viewer_id)
{
    reels_feed_request request = {.struct_size = sizeof(request), .viewer_id = viewer_id};
    reels_feed_item items[REELS_FEED_PAGE_ITEMS] = {{.struct_size = sizeof(items[0])}};
    reels_buf *cursor = NULL;
    size_t count = 0;
    expect(reels_buf_new(env.ctx, 64, &cursor, NULL));
    expect(reels_feed_page(reels_platform_feed(platform),
                           NULL,
                           &request,
                           items,
                           REELS_FEED_PAGE_ITEMS,
                           &count,
                           cursor,
                           NULL));
    reels_buf_free(cursor);
}

/* Each event twice, as a client does that does not hear the answer. */
static void *client_main(void *arg)
{
    uint64_t person_id = *(const uint64_t *)arg;
    for (uint64_t i = 0; i < EVENTS; i++) {
        reels_status status = REELS_OK;
        reels_event event = {.struct_size = sizeof(event),
                             .type = REELS_EVENT_VIEW,
                             .reel_id = 1 + i % REELS,
                             .source = person_id,
                             .sequence = i + 1,
                             .watch_us = 3000000};
        for (int again = 0; again < 2; again++) {
            expect(reels_platform_events_add(platform, NULL, person_id, &event, 1, &status, NULL));
            expect(status);
        }
        if (i < LIKES) {
            expect(reels_relation_set(reels_platform_social(platform),
                                      NULL,
                                      REELS_RELATION_LIKE,
                                      person_id,
                                      1 + i % REELS,
                                      i % 8 < 4, /* on for each of four reels, off again */
                                      NULL,
                                      NULL));
        }
        if (i % 10 == 0) {
            ask_for_a_page(person_id);
        }
    }
    return NULL;
}

struct runner {
    uint32_t threads_count;
    reels_status status;
};

static void *runner_main(void *arg)
{
    struct runner *runner = arg;
    reels_call call = {.struct_size = sizeof(call), .cancel = cancel};
    runner->status = reels_platform_run(
        platform, &call, REELS_ROLES_ALL & ~REELS_ROLE_MEDIA, runner->threads_count, NULL);
    return NULL;
}

static int64_t total(uint32_t counter)
{
    const uint64_t entities[REELS] = {1, 2, 3, 4};
    int64_t out[REELS] = {0};
    int64_t sum = 0;
    test_ok(&env,
            reels_counter_read(
                reels_platform_stats(platform), NULL, entities, REELS, &counter, 1, out, &env.err));
    for (int i = 0; i < REELS; i++) {
        sum += out[i];
    }
    return sum;
}

static void wait_for(uint32_t counter, int64_t expected)
{
    while (total(counter) != expected) {
        ck_assert_int_le(total(counter), CLIENTS * EVENTS);
        env.ctx->clock.sleep_us(env.ctx->clock.user, 5000);
    }
}

START_TEST(test_run_three_threads_serve_and_stop_when_told)
{
    reels_platform_config config = {.struct_size = sizeof(config),
                                    .catalog_url = "mem:",
                                    .stats_url = "mem:",
                                    .blob_url = "mem:",
                                    .queue_url = "mem:",
                                    .partitions_count = 4,
                                    .counter_window_us = 2000};
    struct runner runner = {.threads_count = 3};
    pthread_t loop;
    pthread_t clients[CLIENTS];
    uint64_t persons[CLIENTS];
    test_env_init(&env, 0);
    test_ok(&env, reels_platform_open(env.ctx, &config, &platform, &env.err));
    test_ok(&env, reels_cancel_new(env.ctx, &cancel, &env.err));
    for (uint64_t id = 1; id <= REELS; id++) {
        make_ready(id);
    }
    ck_assert_int_eq(pthread_create(&loop, NULL, runner_main, &runner), 0);
    for (uint64_t i = 0; i < CLIENTS; i++) {
        persons[i] = 100 + i;
        ck_assert_int_eq(pthread_create(&clients[i], NULL, client_main, &persons[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        ck_assert_int_eq(pthread_join(clients[i], NULL), 0);
    }
    ck_assert_int_eq(failures, 0);
    wait_for(REELS_COUNTER_VIEWS, CLIENTS * EVENTS);
    /* Four on, four off, and so on; of the last six four are on and two off. */
    wait_for(REELS_COUNTER_LIKES, CLIENTS * 2);
    reels_cancel_raise(cancel);
    ck_assert_int_eq(pthread_join(loop, NULL), 0);
    ck_assert_int_eq(runner.status, REELS_OK);
    ck_assert_int_eq(total(REELS_COUNTER_VIEWS), CLIENTS * EVENTS);
    reels_cancel_free(cancel);
    reels_platform_free(platform);
    test_env_dispose(&env);
}
END_TEST

START_TEST(test_run_judges_what_it_is_asked)
{
    reels_platform_config config = {.struct_size = sizeof(config),
                                    .catalog_url = "mem:",
                                    .stats_url = "mem:",
                                    .blob_url = "mem:",
                                    .queue_url = "mem:"};
    reels_call call = {.struct_size = sizeof(call)};
    int64_t due = 0;
    test_env_init(&env, 0);
    test_ok(&env, reels_platform_open(env.ctx, &config, &platform, &env.err));
    test_ok(&env, reels_cancel_new(env.ctx, &cancel, &env.err));
    test_status(REELS_ERR_INVALID_ARG,
                reels_platform_run(platform, NULL, REELS_ROLE_RELAY, 1, NULL));
    test_status(REELS_ERR_INVALID_ARG, reels_platform_run(platform, &call, 0, 1, NULL));
    test_status(REELS_ERR_INVALID_ARG, reels_platform_run(platform, &call, 1U << 20, 1, NULL));
    test_status(REELS_ERR_INVALID_ARG,
                reels_platform_run(platform, &call, REELS_ROLE_RELAY, 0, NULL));
    test_status(REELS_ERR_INVALID_ARG,
                reels_platform_run(platform, &call, REELS_ROLE_RELAY, 65, NULL));
    test_status(REELS_ERR_INVALID_ARG,
                reels_platform_step(platform, REELS_ROLE_RELAY | REELS_ROLE_FEED, 0, &due, NULL));
    test_status(REELS_ERR_INVALID_ARG,
                reels_platform_step(platform, REELS_ROLE_RELAY, -1, &due, NULL));
    /* Told before it began, it does not begin; a deadline ends it, too. */
    call.cancel = cancel;
    reels_cancel_raise(cancel);
    test_ok(&env, reels_platform_run(platform, &call, REELS_ROLE_RELAY, 2, &env.err));
    call.cancel = NULL;
    call.deadline_mono_us = reels_ctx_now_mono_us(env.ctx) + 20000;
    test_ok(&env, reels_platform_run(platform, &call, REELS_ROLE_RELAY, 2, &env.err));
    reels_cancel_free(cancel);
    reels_platform_free(platform);
    test_env_dispose(&env);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("platform_run");
    TCase *cases = tcase_create("run");
    tcase_set_timeout(cases, 200);
    tcase_add_test(cases, test_run_three_threads_serve_and_stop_when_told);
    tcase_add_test(cases, test_run_judges_what_it_is_asked);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
