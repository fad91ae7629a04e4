/* Shows the way through the whole: a clip goes in, is transcoded, is found in a feed, is liked and
 * watched, and the counts come back right, also after a restart. */
#include <string.h>

#include "flow_fixture.h"
#include "test_catalog.h"

enum {
    CREATOR = 1001,
    FOLLOWER = 2002,
    STRANGER = 3003
};

static struct flow flow;
static int have_clip;

static void setup(void)
{
    size_t len = 0;
    have_clip = flow_clip(&len) != NULL;
    if (!have_clip) {
        test_skip("no ffmpeg to make a clip with");
    }
    flow_init(&flow);
}

static void teardown(void)
{
    flow_dispose(&flow);
}

static void follow(uint64_t from, uint64_t to)
{
    test_ok(&flow.env,
            reels_relation_set(reels_platform_social(flow.platform),
                               NULL,
                               REELS_RELATION_FOLLOW,
                               from,
                               to,
                               1,
                               NULL,
                               &flow.env.err));
}

static void watch(uint64_t person_id, uint64_t reel_id, uint64_t session)
{
    reels_event events[4] = {
        flow_event(REELS_EVENT_IMPRESSION, reel_id, session, 1, 0),
        flow_event(REELS_EVENT_VIEW, reel_id, session, 2, 3000000),
        flow_event(REELS_EVENT_WATCH, reel_id, session, 3, 4000000),
        flow_event(REELS_EVENT_COMPLETE, reel_id, session, 4, 4000000),
    };
    reels_status statuses[4];
    events[2].watch_us = 4000000;
    test_ok(&flow.env,
            reels_platform_events_add(
                flow.platform, NULL, person_id, events, 4, statuses, &flow.env.err));
    for (int i = 0; i < 4; i++) {
        test_status(REELS_OK, statuses[i]);
    }
}

START_TEST(test_flow_upload_to_exact_counts)
{
    reels_feed_item items[REELS_FEED_PAGE_ITEMS];
    char cursor[64] = "";
    if (!have_clip) {
        return;
    }
    uint64_t reel_id = flow_ready(&flow, CREATOR);
    follow(FOLLOWER, CREATOR);
    ck_assert_uint_eq(flow_page(&flow, FOLLOWER, cursor, items), 1);
    ck_assert_uint_eq(items[0].reel_id, reel_id);
    ck_assert_uint_ne(items[0].sources & REELS_FEED_SOURCE_FOLLOWED, 0);
    test_ok(&flow.env,
            reels_relation_set(reels_platform_social(flow.platform),
                               NULL,
                               REELS_RELATION_LIKE,
                               FOLLOWER,
                               reel_id,
                               1,
                               NULL,
                               &flow.env.err));
    watch(FOLLOWER, reel_id, 77);
    watch(FOLLOWER, reel_id, 77); /* a client that never heard the answer says it again */
    flow_settle(&flow);
    for (int restarts = 0; restarts < 2; restarts++) {
        ck_assert_int_eq(flow_count(&flow, reel_id, REELS_COUNTER_LIKES), 1);
        ck_assert_int_eq(flow_count(&flow, reel_id, REELS_COUNTER_VIEWS), 1);
        ck_assert_int_eq(flow_count(&flow, reel_id, REELS_COUNTER_COMPLETIONS), 1);
        ck_assert_int_eq(flow_count(&flow, reel_id, REELS_COUNTER_IMPRESSIONS), 1);
        ck_assert_int_eq(flow_count(&flow, reel_id, REELS_COUNTER_WATCH_MS), 4000);
        ck_assert_int_eq(flow_count(&flow, CREATOR, REELS_COUNTER_FOLLOWERS), 1);
        flow_reopen(&flow);
        flow_settle(&flow);
    }
    cursor[0] = '\0';
    ck_assert_uint_eq(flow_page(&flow, FOLLOWER, cursor, items), 0); /* it was watched */
    ck_assert_uint_eq(flow_page(&flow, CREATOR, cursor, items), 0);  /* it is their own */
    ck_assert_uint_eq(flow_page(&flow, STRANGER, cursor, items), 1);
}
END_TEST

START_TEST(test_flow_takedown_and_block_leave_feed_and_media)
{
    reels_feed_item items[REELS_FEED_PAGE_ITEMS];
    reels_reel reel = {.struct_size = sizeof(reel)};
    char token[256];
    char key[64];
    char cursor[64] = "";
    if (!have_clip) {
        return;
    }
    uint64_t reel_id = flow_ready(&flow, CREATOR);
    test_ok(&flow.env,
            reels_reel_get(
                reels_platform_reels(flow.platform), NULL, &reel_id, 1, &reel, &flow.env.err));
    test_ok(&flow.env,
            reels_platform_media_token(
                flow.platform, &reel, STRANGER, token, sizeof(token), &flow.env.err));
    test_ok(&flow.env, reels_reel_media_prefix(reel_id, reel.generation, key, sizeof(key)));
    strcat(key, "master.m3u8");
    test_ok(&flow.env, reels_platform_media_check(flow.platform, token, key, &flow.env.err));
    test_status(REELS_ERR_DENIED, reels_platform_media_check(flow.platform, "x", key, NULL));
    key[4] = key[4] == '0' ? '1' : '0'; /* another reel's files */
    test_status(REELS_ERR_DENIED, reels_platform_media_check(flow.platform, token, key, NULL));

    ck_assert_uint_eq(flow_page(&flow, STRANGER, cursor, items), 1);
    test_status(REELS_ERR_DENIED,
                reels_platform_reel_remove(flow.platform, NULL, reel_id, STRANGER, NULL));
    test_ok(&flow.env,
            reels_relation_set(reels_platform_social(flow.platform),
                               NULL,
                               REELS_RELATION_BLOCK,
                               CREATOR,
                               STRANGER,
                               1,
                               NULL,
                               &flow.env.err));
    cursor[0] = '\0';
    ck_assert_uint_eq(flow_page(&flow, STRANGER, cursor, items), 0);
    cursor[0] = '\0';
    ck_assert_uint_eq(flow_page(&flow, FOLLOWER, cursor, items), 1);
    test_status(REELS_ERR_NOT_FOUND,
                reels_platform_reel_remove(flow.platform, NULL, reel_id, STRANGER, NULL));
    test_ok(&flow.env,
            reels_platform_reel_remove(flow.platform, NULL, reel_id, CREATOR, &flow.env.err));
    cursor[0] = '\0';
    ck_assert_uint_eq(flow_page(&flow, FOLLOWER, cursor, items), 0);
}
END_TEST

START_TEST(test_flow_refuses_what_is_no_media_at_the_first_bytes)
{
    static const uint8_t text[] = "this is a letter and no film, however long it may go on and on";
    reels_uploads *uploads = reels_platform_uploads(flow.platform);
    reels_upload_begin_request request = {
        .struct_size = sizeof(request), .person_id = CREATOR, .length = sizeof(text)};
    reels_reel reel = {.struct_size = sizeof(reel)};
    uint64_t reel_id = 0;
    test_ok(&flow.env, reels_upload_begin(uploads, NULL, &request, &reel_id, &flow.env.err));
    reels_status status = reels_upload_part_put(
        uploads, NULL, reel_id, CREATOR, 0, text, sizeof(text), NULL, &flow.env.err);
    ck_assert_msg(status == REELS_ERR_UNSUPPORTED || status == REELS_ERR_CORRUPT,
                  "%s: %s",
                  reels_status_name(status),
                  flow.env.err.message);
    /* Nothing is left of it. */
    test_ok(&flow.env,
            reels_reel_get(
                reels_platform_reels(flow.platform), NULL, &reel_id, 1, &reel, &flow.env.err));
    ck_assert_uint_eq(reel.state, REELS_REEL_NONE);
    reels_upload_info info = {.struct_size = sizeof(info)};
    test_status(REELS_ERR_NOT_FOUND,
                reels_upload_get(uploads, NULL, reel_id, CREATOR, &info, NULL));
}
END_TEST

START_TEST(test_flow_second_process_is_refused)
{
    reels_platform *second = NULL;
    reels_platform_config config = {.struct_size = sizeof(config), .data_path = flow.folder};
    test_status(REELS_ERR_BUSY, reels_platform_open(flow.env.ctx, &config, &second, &flow.env.err));
    ck_assert_ptr_null(second);
}
END_TEST

/* ---- takedown while a worker is at it ---- */

static reels_status count_object(void *user, const char *key, const reels_blob_info *info)
{
    (void)key;
    (void)info;
    (*(size_t *)user)++;
    return REELS_OK;
}

static size_t objects_under(const char *prefix)
{
    size_t count = 0;
    test_ok(&flow.env,
            reels_blob_list(reels_platform_blob(flow.platform),
                            NULL,
                            prefix,
                            NULL,
                            1000,
                            count_object,
                            &count,
                            &flow.env.err));
    return count;
}

static void step_role(uint32_t role, int64_t budget_us)
{
    int64_t due = 0;
    test_ok(&flow.env, reels_platform_step(flow.platform, role, budget_us, &due, &flow.env.err));
}

static uint32_t state_of(uint64_t reel_id)
{
    reels_reel reel = {.struct_size = sizeof(reel)};
    test_ok(&flow.env,
            reels_reel_get(
                reels_platform_reels(flow.platform), NULL, &reel_id, 1, &reel, &flow.env.err));
    return reel.state;
}

/* The row is swept while the worker still writes: what it writes after that goes, too. */
START_TEST(test_flow_removed_while_processed_leaves_no_file)
{
    size_t len = 0;
    if (!have_clip) {
        return;
    }
    const uint8_t *clip = flow_clip(&len);
    uint64_t reel_id = flow_upload(&flow, CREATOR, clip, len, REELS_VISIBILITY_PUBLIC);
    while (state_of(reel_id) != REELS_REEL_PROCESSING) {
        step_role(REELS_ROLE_RELAY, 0);
        step_role(REELS_ROLE_MEDIA, 0);
    }
    test_ok(&flow.env,
            reels_platform_reel_remove(flow.platform, NULL, reel_id, CREATOR, &flow.env.err));
    while (state_of(reel_id) != REELS_REEL_NONE) {
        step_role(REELS_ROLE_MAINTENANCE, 1000000);
    }
    flow_settle(&flow);
    ck_assert_uint_eq(objects_under("m/"), 0);
    ck_assert_uint_eq(objects_under(""), 0);
    ck_assert_uint_eq(state_of(reel_id), REELS_REEL_NONE);
}
END_TEST

/* ---- a write in doubt ---- */

/* A catalog that answers one commit with a failure, after it took effect: the one that makes a reel
 * READY. */
struct doubtful {
    struct test_catalog_over over;
    int doubts_count;
};

static struct doubtful doubtful;

static int makes_ready(const reels_commit *commit)
{
    for (size_t i = 0; i < commit->events_count; i++) {
        reels_event event = {.struct_size = sizeof(event)};
        const reels_event_out *out = &commit->events[i];
        if (reels_event_decode(out->payload, out->payload_len, &event, NULL) == REELS_OK &&
            event.type == REELS_EVENT_REEL_READY) {
            return 1;
        }
    }
    return 0;
}

static reels_status doubtful_commit(void *impl,
                                    const reels_call *call,
                                    const reels_commit *commits,
                                    size_t commits_count,
                                    reels_commit_result *results,
                                    reels_error *err)
{
    struct doubtful *catalog = impl;
    reels_status status =
        reels_catalog_commit(catalog->over.inner, call, commits, commits_count, results, err);
    if (status == REELS_OK && makes_ready(&commits[0])) {
        catalog->doubts_count++;
        return reels_error_set(err, REELS_ERR_IO, 0, "the answer was lost");
    }
    return status;
}

static reels_status
open_doubtful(void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err)
{
    reels_catalog *catalog = NULL;
    (void)url;
    reels_status status = reels_catalog_open(ctx, "mem:", &doubtful.over.inner, err);
    if (status == REELS_OK) {
        reels_catalog_vtable table = test_catalog_over_table;
        table.commit = doubtful_commit;
        status = reels_catalog_new(ctx, &table, user, &catalog, err);
    }
    *out_port = catalog;
    return status;
}

/* READY was written, though the worker heard of a failure: its files must not go. */
START_TEST(test_flow_ready_in_doubt_keeps_its_files)
{
    size_t len = 0;
    if (!have_clip) {
        return;
    }
    const uint8_t *clip = flow_clip(&len);
    reels_platform *before = flow.platform;
    reels_platform_config config = {.struct_size = sizeof(config),
                                    .catalog_url = "doubtful:",
                                    .stats_url = "mem:",
                                    .blob_url = "mem:",
                                    .queue_url = "mem:",
                                    .media_worker_path = flow_worker_path()};
    memset(&doubtful, 0, sizeof(doubtful));
    test_ok(
        &flow.env,
        reels_scheme_register(
            flow.env.ctx, REELS_PORT_CATALOG, "doubtful", open_doubtful, &doubtful, &flow.env.err));
    test_ok(&flow.env, reels_platform_open(flow.env.ctx, &config, &flow.platform, &flow.env.err));
    uint64_t reel_id = flow_upload(&flow, CREATOR, clip, len, REELS_VISIBILITY_PUBLIC);
    reels_reel reel = flow_wait(&flow, reel_id);
    char key[96];
    reels_blob_info info = {.struct_size = sizeof(info)};
    ck_assert_uint_eq(reel.state, REELS_REEL_READY);
    ck_assert_int_eq(doubtful.doubts_count, 1);
    test_ok(&flow.env, reels_reel_media_prefix(reel_id, reel.generation, key, sizeof(key)));
    strcat(key, "master.m3u8");
    test_ok(&flow.env,
            reels_blob_head(reels_platform_blob(flow.platform), NULL, key, &info, &flow.env.err));
    reels_platform_free(flow.platform);
    flow.platform = before;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("platform_flow");
    TCase *tcase = tcase_create("flow");
    tcase_set_timeout(tcase, 240);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_flow_upload_to_exact_counts);
    tcase_add_test(tcase, test_flow_takedown_and_block_leave_feed_and_media);
    tcase_add_test(tcase, test_flow_refuses_what_is_no_media_at_the_first_bytes);
    tcase_add_test(tcase, test_flow_second_process_is_refused);
    tcase_add_test(tcase, test_flow_removed_while_processed_leaves_no_file);
    tcase_add_test(tcase, test_flow_ready_in_doubt_keeps_its_files);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
