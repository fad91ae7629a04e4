/* Shows what reels/feed.h promises. */
#include "base/ctx_internal.h"
#include "feed/feed_internal.h"
#include "platform/platform_internal.h"
#include "test_catalog.h"
#include "world.h"

enum {
    VIEWER = 99,
    CREATORS = 12,
    EACH = 8,     /* reels of each creator */
    SESSION = 60, /* reels of a session by default */
    PAGES_MAX = 30
};

static struct world world;

static void setup(void)
{
    world_open(&world, NULL);
}

static void setup_forgetful(void)
{
    world_open(&world, "none:");
}

static void teardown(void)
{
    world_close(&world);
}

static reels_status
page_of(uint64_t viewer, char cursor[64], reels_feed_item *items, size_t *out_count)
{
    reels_feed_request request = {
        .struct_size = sizeof(request), .viewer_id = viewer, .cursor = cursor};
    reels_buf *next = NULL;
    items[0].struct_size = sizeof(items[0]);
    test_ok(&world.env, reels_buf_new(world.env.ctx, 64, &next, &world.env.err));
    reels_status status = reels_feed_page(reels_platform_feed(world.platform),
                                          NULL,
                                          &request,
                                          items,
                                          REELS_FEED_PAGE_ITEMS,
                                          out_count,
                                          next,
                                          &world.env.err);
    if (status == REELS_OK) {
        memcpy(cursor, reels_buf_data(next), reels_buf_len(next) + 1);
    }
    reels_buf_free(next);
    return status;
}

/* Reads pages until the end; marks what came. Gives how many items, and fails when one comes twice.
 */
static size_t read_all(uint64_t viewer, uint8_t *seen, size_t seen_len)
{
    char cursor[64] = "";
    size_t total = 0;
    for (int page = 0; page < PAGES_MAX; page++) {
        reels_feed_item items[REELS_FEED_PAGE_ITEMS];
        size_t count = 0;
        test_ok(&world.env, page_of(viewer, cursor, items, &count));
        for (size_t i = 0; i < count; i++) {
            size_t at = (size_t)(items[i].reel_id - 5000);
            ck_assert_uint_lt(at, seen_len);
            ck_assert_msg(!seen[at], "reel %zu came twice", at);
            seen[at] = 1;
        }
        total += count;
        if (cursor[0] == '\0') {
            return total;
        }
    }
    ck_abort_msg("the feed has no end");
    return 0;
}

static void fill(void)
{
    for (uint64_t i = 0; i < CREATORS * EACH; i++) {
        (void)world_reel(&world, 200 + i % CREATORS, REELS_VISIBILITY_PUBLIC);
    }
    world_settle(&world);
}

static void report_seen(uint64_t reel)
{
    reels_event event = {.struct_size = sizeof(event),
                         .type = REELS_EVENT_IMPRESSION,
                         .reel_id = reel,
                         .source = 5,
                         .sequence = reel,
                         .playback = 1};
    reels_status status = REELS_OK;
    test_ok(&world.env,
            reels_platform_events_add(
                world.platform, NULL, VIEWER, &event, 1, &status, &world.env.err));
    test_status(REELS_OK, status);
}

START_TEST(test_feed_shows_everything_once_and_nothing_twice)
{
    uint8_t seen[CREATORS * EACH] = {0};
    fill();
    ck_assert_uint_eq(read_all(VIEWER, seen, sizeof(seen)), SESSION);
    for (size_t i = 0; i < sizeof(seen); i++) {
        if (seen[i]) {
            report_seen(5000 + i);
        }
    }
    world_settle(&world);
    /* The next session has what is left: seen[] still marks the first. */
    ck_assert_uint_eq(read_all(VIEWER, seen, sizeof(seen)), sizeof(seen) - SESSION);
    world_settle(&world);
}
END_TEST

/* More than the sources name at first: it goes on to what is older. */
START_TEST(test_feed_shows_what_is_older_to_whoever_has_seen_the_rest)
{
    enum {
        MANY = 900
    };
    static uint8_t seen[MANY];
    uint8_t reported[MANY] = {0};
    size_t total = 0;
    size_t got = 1;
    memset(seen, 0, sizeof(seen));
    for (uint64_t i = 0; i < MANY; i++) {
        (void)world_reel(&world, 200 + i % 50, REELS_VISIBILITY_PUBLIC);
    }
    world_settle(&world);
    while (got > 0) {
        got = read_all(VIEWER, seen, sizeof(seen));
        total += got;
        for (size_t i = 0; i < MANY; i++) {
            if (seen[i] && !reported[i]) {
                report_seen(5000 + i);
                reported[i] = 1;
            }
        }
        world_settle(&world);
    }
    ck_assert_uint_eq(total, MANY);
}
END_TEST

START_TEST(test_feed_keeps_creators_apart)
{
    reels_feed_item items[REELS_FEED_PAGE_ITEMS];
    char cursor[64] = "";
    size_t count = 0;
    fill();
    test_ok(&world.env, page_of(VIEWER, cursor, items, &count));
    ck_assert_uint_eq(count, REELS_FEED_PAGE_ITEMS);
    for (size_t i = 1; i < count; i++) {
        ck_assert_uint_ne(items[i].creator_id, items[i - 1].creator_id);
        ck_assert_msg(i < 2 || items[i].creator_id != items[i - 2].creator_id, "at %zu", i);
    }
}
END_TEST

START_TEST(test_feed_leaves_out_what_must_not_be_shown)
{
    uint8_t seen[64] = {0};
    uint64_t own = world_reel(&world, VIEWER, REELS_VISIBILITY_PUBLIC);
    uint64_t hidden = world_reel(&world, 300, REELS_VISIBILITY_PRIVATE);
    uint64_t muted = world_reel(&world, 301, REELS_VISIBILITY_PUBLIC);
    uint64_t blocked = world_reel(&world, 302, REELS_VISIBILITY_PUBLIC);
    uint64_t blocking = world_reel(&world, 303, REELS_VISIBILITY_PUBLIC);
    uint64_t taken_down = world_reel(&world, 304, REELS_VISIBILITY_PUBLIC);
    uint64_t deleted = world_reel(&world, 305, REELS_VISIBILITY_PUBLIC);
    uint64_t good = world_reel(&world, 306, REELS_VISIBILITY_PUBLIC);
    world_settle(&world);
    /* What is written now counts at once: the page asks the rows. */
    test_ok(&world.env, world_relate(&world, REELS_RELATION_MUTE, VIEWER, 301, 1));
    test_ok(&world.env, world_relate(&world, REELS_RELATION_BLOCK, VIEWER, 302, 1));
    test_ok(&world.env, world_relate(&world, REELS_RELATION_BLOCK, 303, VIEWER, 1));
    world_move(&world, taken_down, REELS_REEL_BLOCKED);
    world_move(&world, deleted, REELS_REEL_DELETED);
    ck_assert_uint_eq(read_all(VIEWER, seen, sizeof(seen)), 1);
    ck_assert_uint_eq(seen[good - 5000], 1);
    (void)own;
    (void)hidden;
    (void)muted;
    (void)blocked;
    (void)blocking;
}
END_TEST

START_TEST(test_feed_forgets_nothing_that_was_seen)
{
    uint8_t seen[8] = {0};
    uint64_t first = world_reel(&world, 300, REELS_VISIBILITY_PUBLIC);
    uint64_t second = world_reel(&world, 301, REELS_VISIBILITY_PUBLIC);
    world_settle(&world);
    report_seen(first);
    world_settle(&world); /* a cache that forgets: the rows know after a second */
    ck_assert_uint_eq(read_all(VIEWER, seen, sizeof(seen)), 1);
    ck_assert_uint_eq(seen[second - 5000], 1);
}
END_TEST

START_TEST(test_feed_knows_at_once_what_this_viewer_saw)
{
    uint8_t seen[8] = {0};
    uint64_t first = world_reel(&world, 300, REELS_VISIBILITY_PUBLIC);
    (void)world_reel(&world, 301, REELS_VISIBILITY_PUBLIC);
    world_settle(&world);
    report_seen(first);
    ck_assert_uint_eq(read_all(VIEWER, seen, sizeof(seen)), 1);
    ck_assert_uint_eq(seen[first - 5000], 0);
}
END_TEST

START_TEST(test_feed_followed_come_first_and_say_so)
{
    reels_feed_item items[REELS_FEED_PAGE_ITEMS];
    char cursor[64] = "";
    size_t count = 0;
    fill();
    test_ok(&world.env, world_relate(&world, REELS_RELATION_FOLLOW, VIEWER, 205, 1));
    test_ok(&world.env, page_of(VIEWER, cursor, items, &count));
    ck_assert_uint_eq(items[0].creator_id, 205);
    ck_assert_uint_ne(items[0].sources & REELS_FEED_SOURCE_FOLLOWED, 0);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq((items[i].sources & REELS_FEED_SOURCE_FOLLOWED) != 0,
                         items[i].creator_id == 205);
    }
}
END_TEST

/* The counting consumer stores after the feed has read the event. */
START_TEST(test_feed_trends_know_what_was_counted_later)
{
    reels_feed_item items[REELS_FEED_PAGE_ITEMS];
    char cursor[64] = "";
    size_t count = 0;
    int64_t due = 0;
    uint64_t reel = world_reel(&world, 300, REELS_VISIBILITY_PUBLIC);
    world_settle(&world);
    reels_event event = {.struct_size = sizeof(event),
                         .type = REELS_EVENT_VIEW,
                         .reel_id = reel,
                         .source = 5,
                         .sequence = 1,
                         .position_us = 8000000};
    reels_status status = REELS_ERR_INTERNAL;
    test_ok(&world.env,
            reels_platform_events_add(
                world.platform, NULL, VIEWER + 1, &event, 1, &status, &world.env.err));
    test_status(REELS_OK, status);
    test_ok(&world.env,
            reels_platform_step(world.platform, REELS_ROLE_FEED, 100000, &due, &world.env.err));
    world_settle(&world);
    ck_assert_int_eq(world_count(&world, reel, REELS_COUNTER_VIEWS), 1);
    test_ok(&world.env, page_of(VIEWER, cursor, items, &count));
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(items[0].sources, REELS_FEED_SOURCE_TRENDING | REELS_FEED_SOURCE_FRESH);
}
END_TEST

START_TEST(test_feed_cursor_of_others_and_of_old_begins_anew)
{
    reels_feed_item items[REELS_FEED_PAGE_ITEMS];
    char cursor[64] = "";
    char old[64];
    size_t count = 0;
    fill();
    test_ok(&world.env, page_of(VIEWER, cursor, items, &count));
    memcpy(old, cursor, sizeof(old));
    test_ok(&world.env, page_of(VIEWER + 1, cursor, items, &count));
    ck_assert_uint_eq(items[0].position, 0);
    memcpy(cursor, old, sizeof(old));
    test_ok(&world.env, page_of(VIEWER, cursor, items, &count));
    ck_assert_uint_eq(items[0].position, REELS_FEED_PAGE_ITEMS);
    test_clock_advance(&world.env.clock, INT64_C(3601000000));
    test_ok(&world.env, page_of(VIEWER, old, items, &count));
    ck_assert_uint_eq(items[0].position, 0);
    char wrong[64] = "not a cursor";
    test_status(REELS_ERR_INVALID_ARG, page_of(VIEWER, wrong, items, &count));
}
END_TEST

START_TEST(test_feed_a_session_may_last_for_ever)
{
    reels_feed_item items[REELS_FEED_PAGE_ITEMS];
    char cursor[64] = "";
    size_t count = 0;
    reels_platform_config config = world_config();
    config.feed.session_expires_us = INT64_MAX;
    world_close(&world);
    world_open_with(&world, &config, NULL);
    fill();
    test_ok(&world.env, page_of(VIEWER, cursor, items, &count));
    test_clock_advance(&world.env.clock, INT64_C(31536000000000));
    test_ok(&world.env, page_of(VIEWER, cursor, items, &count));
    ck_assert_uint_eq(items[0].position, REELS_FEED_PAGE_ITEMS);
}
END_TEST

/* ---- the groups of its readers ---- */

static reels_status count_index_group(void *user, const char *name, const reels_fs_info *info)
{
    (void)info;
    *(size_t *)user += strncmp(name, "feed-index", 10) == 0;
    return REELS_OK;
}

START_TEST(test_feed_starts_again_and_again_in_the_same_groups)
{
    static const char *const folders[] = {"/data/queue/reel/groups", "/data/queue/engage/groups"};
    const reels_fs *fs = &world.env.ctx->fs;
    reels_platform_config config = world_config();
    fill();
    for (int start = 0; start < 4; start++) {
        reels_platform_free(world.platform);
        test_ok(&world.env,
                reels_platform_open(world.env.ctx, &config, &world.platform, &world.env.err));
        world_settle(&world);
        for (size_t i = 0; i < 2; i++) {
            size_t count = 0;
            test_ok(&world.env,
                    fs->list(fs->user, folders[i], count_index_group, &count, &world.env.err));
            ck_assert_uint_eq(count, 1);
        }
    }
}
END_TEST

static reels_feed *another_feed(void)
{
    reels_platform *platform = world.platform;
    reels_feed_parts parts = {.struct_size = sizeof(parts),
                              .catalog = platform->catalog,
                              .queue = platform->queue,
                              .stats = platform->stats,
                              .cache = platform->cache,
                              .ids = platform->ids,
                              .reels = platform->reels,
                              .social = platform->social};
    reels_feed_options options = {.struct_size = sizeof(options), .partitions_count = 2};
    reels_feed *feed = NULL;
    test_ok(&world.env, reels_feed_new(world.env.ctx, &parts, &options, &feed, &world.env.err));
    return feed;
}

static void step_feeds(reels_feed *const *feeds, size_t count)
{
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < count; i++) {
            int64_t due = 0;
            test_ok(&world.env, reels_feed_step(feeds[i], 0, &due, &world.env.err));
        }
        test_clock_advance(&world.env.clock, 400000);
    }
}

/* Whatever feeds there are, each reads every event: none gets a part of another's partitions. */
START_TEST(test_feed_readers_of_one_topic_share_nothing)
{
    reels_feed *feeds[4] = {world.platform->feed, NULL, NULL, NULL};
    size_t reels_count = 0;
    for (size_t count = 1; count <= 4; count++) {
        feeds[count - 1] = count == 1 ? feeds[0] : another_feed();
        if (count == 4) {
            /* All the others sleep for longer than their leases, and the last takes a number of
             * theirs. */
            test_clock_advance(&world.env.clock, INT64_C(60000000));
            step_feeds(&feeds[3], 1);
        }
        for (uint64_t i = 0; i < 12; i++) {
            (void)world_reel(&world, 500 + i, REELS_VISIBILITY_PUBLIC);
            reels_count++;
            if (i % 4 == 0) {
                int64_t due = 0;
                test_ok(&world.env,
                        reels_platform_step(
                            world.platform, REELS_ROLE_RELAY, 1000000, &due, &world.env.err));
                step_feeds(feeds, count);
            }
        }
        int64_t due = 0;
        test_ok(
            &world.env,
            reels_platform_step(world.platform, REELS_ROLE_RELAY, 1000000, &due, &world.env.err));
        step_feeds(feeds, count);
        for (size_t i = 0; i < count; i++) {
            ck_assert_uint_eq(feeds[i]->index.reels_count, reels_count);
            for (size_t k = 0; k < i; k++) {
                ck_assert_str_ne(feeds[i]->reel_reader.group, feeds[k]->reel_reader.group);
            }
        }
    }
    for (size_t i = 1; i < 4; i++) {
        reels_feed_free(feeds[i]);
    }
}
END_TEST

/* ---- a catalog that fails ---- */

struct failing {
    struct test_catalog_over over;
    const char *commits_of; /* the next commit of this table fails */
    const char *gets_of;    /* the next get of this table fails */
    size_t reels_read;
};

static struct failing failing;

static reels_status take_failure(const char **of, const reels_table *table, reels_error *err)
{
    if (*of == NULL || strcmp(*of, table->name) != 0) {
        return REELS_OK;
    }
    *of = NULL;
    return reels_error_set(err, REELS_ERR_IO, 0, "once");
}

static reels_status failing_commit(void *impl,
                                   const reels_call *call,
                                   const reels_commit *commits,
                                   size_t commits_count,
                                   reels_commit_result *results,
                                   reels_error *err)
{
    struct failing *catalog = impl;
    reels_status status = take_failure(&catalog->commits_of, commits[0].ops[0].table, err);
    return status < 0 ? status
                      : reels_catalog_commit(
                            catalog->over.inner, call, commits, commits_count, results, err);
}

static reels_status failing_get(void *impl,
                                const reels_call *call,
                                const reels_table *table,
                                const reels_value *keys,
                                size_t keys_count,
                                reels_rows *rows,
                                reels_error *err)
{
    struct failing *catalog = impl;
    reels_status status = take_failure(&catalog->gets_of, table, err);
    catalog->reels_read += strcmp(table->name, "reels") == 0 ? keys_count : 0;
    return status < 0
               ? status
               : reels_catalog_get(catalog->over.inner, call, table, keys, keys_count, rows, err);
}

static reels_status
open_failing(void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err)
{
    reels_catalog *catalog = NULL;
    (void)user;
    (void)url;
    memset(&failing, 0, sizeof(failing));
    reels_status status = reels_catalog_open(ctx, "mem:", &failing.over.inner, err);
    if (status == REELS_OK) {
        reels_catalog_vtable table = test_catalog_over_table;
        table.commit = failing_commit;
        table.get = failing_get;
        status = reels_catalog_new(ctx, &table, &failing, &catalog, err);
    }
    *out_port = catalog;
    return status;
}

static void setup_failing(void)
{
    reels_platform_config config = world_config();
    config.cache_url = "none:";
    config.catalog_url = "over:";
    world_open_with(&world, &config, open_failing);
}

static void step(uint32_t role, reels_status expected)
{
    int64_t due = 0;
    test_clock_advance(&world.env.clock, 2000000);
    test_status(expected, reels_platform_step(world.platform, role, 1000000, &due, &world.env.err));
}

START_TEST(test_feed_learns_again_what_a_failure_kept_it_from)
{
    uint8_t seen[8] = {0};
    uint64_t first = world_reel(&world, 300, REELS_VISIBILITY_PUBLIC);
    world_settle(&world);
    report_seen(first);
    failing.commits_of = "watched";
    step(REELS_ROLE_FEED, REELS_ERR_IO);
    world_settle(&world);
    ck_assert_uint_eq(read_all(VIEWER, seen, sizeof(seen)), 0);
    uint64_t second = world_reel(&world, 301, REELS_VISIBILITY_PUBLIC);
    step(REELS_ROLE_RELAY, REELS_OK);
    failing.gets_of = "reels";
    step(REELS_ROLE_FEED, REELS_ERR_IO);
    world_settle(&world);
    ck_assert_uint_eq(read_all(VIEWER, seen, sizeof(seen)), 1);
    ck_assert_uint_eq(seen[second - 5000], 1);
}
END_TEST

/* Out of its groups for a while: it goes on where it was, not at the oldest record there is. */
START_TEST(test_feed_goes_on_where_it_was_after_a_pause)
{
    fill();
    failing.reels_read = 0;
    test_clock_advance(&world.env.clock, 40000000);
    uint64_t late = world_reel(&world, 400, REELS_VISIBILITY_PUBLIC);
    step(REELS_ROLE_RELAY, REELS_OK);
    size_t before = failing.reels_read;
    for (int i = 0; i < 8; i++) {
        step(REELS_ROLE_FEED, REELS_OK);
    }
    ck_assert_uint_le(failing.reels_read - before, 2); /* what was published of the late one */
    reels_feed_item items[REELS_FEED_PAGE_ITEMS];
    char cursor[64] = "";
    size_t count = 0;
    int found = 0;
    do {
        test_ok(&world.env, page_of(VIEWER, cursor, items, &count));
        for (size_t i = 0; i < count; i++) {
            found |= items[i].reel_id == late;
        }
    } while (cursor[0] != '\0');
    ck_assert_int_eq(found, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feed");
    TCase *tcase = tcase_create("feed");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_feed_shows_everything_once_and_nothing_twice);
    tcase_add_test(tcase, test_feed_shows_what_is_older_to_whoever_has_seen_the_rest);
    tcase_add_test(tcase, test_feed_keeps_creators_apart);
    tcase_add_test(tcase, test_feed_leaves_out_what_must_not_be_shown);
    tcase_add_test(tcase, test_feed_forgets_nothing_that_was_seen);
    tcase_add_test(tcase, test_feed_knows_at_once_what_this_viewer_saw);
    tcase_add_test(tcase, test_feed_followed_come_first_and_say_so);
    tcase_add_test(tcase, test_feed_cursor_of_others_and_of_old_begins_anew);
    tcase_add_test(tcase, test_feed_a_session_may_last_for_ever);
    tcase_add_test(tcase, test_feed_starts_again_and_again_in_the_same_groups);
    tcase_add_test(tcase, test_feed_readers_of_one_topic_share_nothing);
    tcase_add_test(tcase, test_feed_trends_know_what_was_counted_later);
    suite_add_tcase(suite, tcase);
    TCase *forgetful = tcase_create("forgetful cache");
    tcase_add_checked_fixture(forgetful, setup_forgetful, teardown);
    tcase_add_test(forgetful, test_feed_shows_everything_once_and_nothing_twice);
    tcase_add_test(forgetful, test_feed_forgets_nothing_that_was_seen);
    suite_add_tcase(suite, forgetful);
    TCase *failures = tcase_create("failing catalog");
    tcase_add_checked_fixture(failures, setup_failing, teardown);
    tcase_add_test(failures, test_feed_learns_again_what_a_failure_kept_it_from);
    tcase_add_test(failures, test_feed_goes_on_where_it_was_after_a_pause);
    suite_add_tcase(suite, failures);
    return test_main(suite);
}
