/* Shows what reels/counter.h promises: a counter equals the number of its accepted events, whoever
 * stops, repeats or fails. */
#include <string.h>

#include <reels/counter.h>

#include "base/bytes.h"
#include "counter/windows.h"
#include "test_check.h"

enum {
    PARTITIONS = 4,
    ENTITIES = 24, /* IDs 1..24; reels and persons alike */
    COUNTERS = REELS_COUNTER_FOLLOWERS + 1,
    SOURCES = 200, /* so many that their state is not stored with each batch */
    RECENT = 64,
    WINDOW_US = 1000,
    LEASE_US = 31000000, /* longer than a consumer may be silent */
    ROUNDS_MAX = 3000
};

#define HOUR_US INT64_C(3600000000)

/* ---- a store that fails ---- */

struct flaky {
    reels_stats *inner;
    struct test_random *random;
    int on;
    int failed_before;
    int failed_after;
    int with_state; /* batches that brought one */
    int without_state;
    int calls;
};

static struct test_env env;
static reels_queue *queue;
static reels_stats *stats;
static struct flaky flaky;
static int64_t model[ENTITIES + 1][COUNTERS];
static uint64_t sequences[SOURCES + 1];
static reels_event recent[RECENT];
static size_t recent_count;

/* 0 = works, 1 = fails at once, 2 = takes effect and fails. */
static int dice(struct flaky *store)
{
    uint64_t roll = test_random_below(store->random, 4);
    if (!store->on || roll > 1) {
        return 0;
    }
    store->failed_before += roll == 0;
    store->failed_after += roll == 1;
    return roll == 0 ? 1 : 2;
}

static void flaky_destroy(void *impl)
{
    struct flaky *store = impl;
    reels_stats_free(store->inner);
}

static reels_status fail_io(reels_error *err)
{
    return reels_error_set(err, REELS_ERR_IO, 0, "the disk of this test fails");
}

static reels_status flaky_writer_open(void *impl,
                                      const reels_call *call,
                                      const char *group,
                                      uint32_t partition,
                                      const char *holder,
                                      reels_stats_writer *out_writer,
                                      reels_buf *state,
                                      reels_error *err)
{
    struct flaky *store = impl;
    int roll = dice(store);
    reels_status status =
        roll == 1 ? fail_io(err)
                  : reels_stats_writer_open(
                        store->inner, call, group, partition, holder, out_writer, state, err);
    return roll == 2 && status == REELS_OK ? fail_io(err) : status;
}

static reels_status flaky_apply(void *impl,
                                const reels_call *call,
                                const reels_stats_batch *batches,
                                size_t batches_count,
                                reels_stats_result *results,
                                reels_error *err)
{
    struct flaky *store = impl;
    int roll = dice(store);
    store->calls++;
    for (size_t i = 0; i < batches_count; i++) {
        store->with_state += batches[i].state != NULL;
        store->without_state += batches[i].state == NULL;
    }
    reels_status status =
        roll == 1 ? fail_io(err)
                  : reels_stats_apply(store->inner, call, batches, batches_count, results, err);
    return roll == 2 && status == REELS_OK ? fail_io(err) : status;
}

static reels_status flaky_read(void *impl,
                               const reels_call *call,
                               const reels_stats_query *query,
                               int64_t *out_amounts,
                               reels_error *err)
{
    struct flaky *store = impl;
    return reels_stats_read(store->inner, call, query, out_amounts, err);
}

static reels_status flaky_purge(void *impl,
                                const reels_call *call,
                                const int64_t *entity_ids,
                                size_t entities_count,
                                reels_error *err)
{
    struct flaky *store = impl;
    return reels_stats_purge(store->inner, call, entity_ids, entities_count, err);
}

static const reels_stats_vtable flaky_table = {.struct_size = sizeof(flaky_table),
                                               .destroy = flaky_destroy,
                                               .writer_open = flaky_writer_open,
                                               .apply = flaky_apply,
                                               .read = flaky_read,
                                               .purge = flaky_purge};

static void setup(void)
{
    test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED);
    memset(model, 0, sizeof(model));
    memset(sequences, 0, sizeof(sequences));
    memset(&flaky, 0, sizeof(flaky));
    recent_count = 0;
    flaky.random = &env.random;
    test_ok(&env, reels_queue_open(env.ctx, "mem:", &queue, &env.err));
    test_ok(&env, reels_stats_open(env.ctx, "mem:", &flaky.inner, &env.err));
    test_ok(&env, reels_stats_new(env.ctx, &flaky_table, &flaky, &stats, &env.err));
}

static void teardown(void)
{
    reels_stats_free(stats);
    reels_queue_free(queue);
    test_env_dispose(&env);
}

/* ---- ways ---- */

static reels_counter *counter_new(const char *holder)
{
    reels_counter_options options = {.struct_size = sizeof(options),
                                     .partitions_count = PARTITIONS,
                                     .window_us = WINDOW_US,
                                     .sources_max = 300,
                                     .holder = holder};
    reels_counter *counter = NULL;
    test_ok(&env, reels_counter_new(env.ctx, queue, stats, &options, &counter, &env.err));
    return counter;
}

static void append_bytes(uint64_t key_number, const uint8_t *payload, size_t payload_len)
{
    uint8_t key[8];
    reels__le64_put(key, key_number);
    reels_record record = {.time_unix_us = reels_ctx_now_unix_us(env.ctx),
                           .key = key,
                           .key_len = sizeof(key),
                           .payload = payload,
                           .payload_len = payload_len};
    test_ok(&env, reels_queue_append(queue, NULL, "engage", &record, 1, &env.err));
}

static void append(const reels_event *event)
{
    reels_buf *buf = NULL;
    test_ok(&env, reels_buf_new(env.ctx, 0, &buf, &env.err));
    test_ok(&env, reels_event_encode(event, buf, &env.err));
    append_bytes(
        reels_event_key(event, REELS_TOPIC_ENGAGE), reels_buf_data(buf), reels_buf_len(buf));
    reels_buf_free(buf);
}

/* The plain model, written down a second time. */
static void model_add(const reels_event *event)
{
    static const struct {
        uint32_t type;
        uint32_t counter;
        int amount;
    } rows[] = {
        {REELS_EVENT_VIEW, REELS_COUNTER_VIEWS, 1},
        {REELS_EVENT_COMPLETE, REELS_COUNTER_COMPLETIONS, 1},
        {REELS_EVENT_IMPRESSION, REELS_COUNTER_IMPRESSIONS, 1},
        {REELS_EVENT_REPLAY, REELS_COUNTER_REPLAYS, 1},
        {REELS_EVENT_SKIP, REELS_COUNTER_SKIPS, 1},
        {REELS_EVENT_LIKE, REELS_COUNTER_LIKES, 1},
        {REELS_EVENT_UNLIKE, REELS_COUNTER_LIKES, -1},
        {REELS_EVENT_SAVE, REELS_COUNTER_SAVES, 1},
        {REELS_EVENT_UNSAVE, REELS_COUNTER_SAVES, -1},
        {REELS_EVENT_COMMENT, REELS_COUNTER_COMMENTS, 1},
        {REELS_EVENT_COMMENT_REMOVED, REELS_COUNTER_COMMENTS, -1},
        {REELS_EVENT_SHARE, REELS_COUNTER_SHARES, 1},
        {REELS_EVENT_REPORT, REELS_COUNTER_REPORTS, 1},
    };
    if (event->type == REELS_EVENT_FOLLOW || event->type == REELS_EVENT_UNFOLLOW) {
        model[event->target_id][REELS_COUNTER_FOLLOWERS] +=
            event->type == REELS_EVENT_FOLLOW ? 1 : -1;
    } else if (event->type == REELS_EVENT_WATCH) {
        model[event->reel_id][REELS_COUNTER_WATCH_MS] += event->watch_us / 1000;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].type == event->type) {
            model[event->reel_id][rows[i].counter] += rows[i].amount;
        }
    }
}

static const uint32_t types[] = {
    REELS_EVENT_LIKE,
    REELS_EVENT_UNLIKE,
    REELS_EVENT_SAVE,
    REELS_EVENT_UNSAVE,
    REELS_EVENT_FOLLOW,
    REELS_EVENT_UNFOLLOW,
    REELS_EVENT_COMMENT,
    REELS_EVENT_COMMENT_REMOVED,
    REELS_EVENT_IMPRESSION,
    REELS_EVENT_WATCH,
    REELS_EVENT_VIEW,
    REELS_EVENT_COMPLETE,
    REELS_EVENT_REPLAY,
    REELS_EVENT_SKIP,
    REELS_EVENT_SHARE,
    REELS_EVENT_REPORT,
};

/* Appends events at random; one of four is a repeat of one before. */
static void append_random(int count)
{
    for (int i = 0; i < count; i++) {
        if (recent_count > 0 && test_random_below(&env.random, 4) == 0) {
            append(&recent[test_random_below(&env.random, recent_count)]);
            continue;
        }
        uint64_t source = 1 + test_random_below(&env.random, SOURCES);
        reels_event event = {
            .struct_size = sizeof(event),
            .type = types[test_random_below(&env.random, sizeof(types) / sizeof(types[0]))],
            .reel_id = 1 + test_random_below(&env.random, ENTITIES),
            .target_id = 1 + test_random_below(&env.random, ENTITIES),
            .person_id = source,
            .source = source,
            .sequence = ++sequences[source],
            .watch_us = (int64_t)test_random_below(&env.random, 60000001),
            .time_unix_us = reels_ctx_now_unix_us(env.ctx)};
        append(&event);
        model_add(&event);
        size_t at = recent_count < RECENT ? recent_count++ : test_random_below(&env.random, RECENT);
        recent[at] = event;
    }
}

static void read_all(int64_t out[ENTITIES][COUNTERS - 1])
{
    uint64_t entities[ENTITIES];
    uint32_t counters[COUNTERS - 1];
    for (uint32_t i = 0; i < ENTITIES; i++) {
        entities[i] = i + 1;
    }
    for (uint32_t i = 0; i + 1 < COUNTERS; i++) {
        counters[i] = i + 1;
    }
    test_ok(&env,
            reels_counter_read(
                stats, NULL, entities, ENTITIES, counters, COUNTERS - 1, &out[0][0], &env.err));
}

static int equals_model(void)
{
    int64_t out[ENTITIES][COUNTERS - 1];
    read_all(out);
    for (size_t i = 0; i < ENTITIES; i++) {
        if (memcmp(out[i], &model[i + 1][1], sizeof(out[i])) != 0) {
            return 0;
        }
    }
    return 1;
}

/* One step after a window has passed; failures are allowed when the store fails. */
static void step(reels_counter *counter)
{
    int64_t due = 0;
    test_clock_advance(&env.clock, WINDOW_US);
    reels_status status = reels_counter_step(counter, 0, &due, &env.err);
    ck_assert_msg(status == REELS_OK || (flaky.on && status == REELS_ERR_IO),
                  "%s: %s",
                  reels_status_name(status),
                  env.err.message);
}

/* Steps until the totals are the model's, then goes on: they must stay so. */
static void settle(reels_counter *const *counters, size_t count)
{
    int rounds = 0;
    while (!equals_model()) {
        ck_assert_int_lt(rounds++, ROUNDS_MAX);
        for (size_t i = 0; i < count; i++) {
            step(counters[i]);
        }
    }
    for (rounds = 0; rounds < 20; rounds++) {
        for (size_t i = 0; i < count; i++) {
            step(counters[i]);
        }
        ck_assert_int_eq(equals_model(), 1);
    }
}

/* ---- promises ---- */

START_TEST(test_counter_equals_a_plain_model)
{
    reels_counter *counter = counter_new("one");
    for (int round = 0; round < 20; round++) {
        append_random(100);
        if (round % 3 != 0) {
            step(counter);
        }
    }
    settle(&counter, 1);
    reels_counter_free(counter);
    /* The next one goes on where this one ended, and still knows the repeats. */
    counter = counter_new("two");
    append_random(200);
    settle(&counter, 1);
    reels_counter_free(counter);
}
END_TEST

static void append_of(uint64_t source, uint64_t sequence)
{
    reels_event event = {.struct_size = sizeof(event),
                         .type = REELS_EVENT_VIEW,
                         .reel_id = 1 + source % 8,
                         .person_id = source,
                         .source = source,
                         .sequence = sequence,
                         .time_unix_us = reels_ctx_now_unix_us(env.ctx)};
    append(&event);
}

static void append_of_all(uint64_t sequence)
{
    for (uint64_t source = 1; source <= SOURCES; source++) {
        append_of(source, sequence);
    }
}

static int64_t views(void)
{
    int64_t out[ENTITIES][COUNTERS - 1];
    int64_t sum = 0;
    read_all(out);
    for (size_t i = 0; i < ENTITIES; i++) {
        sum += out[i][REELS_COUNTER_VIEWS - 1];
    }
    return sum;
}

/* A trickle of events does not store what is known of all sources each time, and yet who takes over
 * knows every repeat. */
START_TEST(test_counter_a_trickle_stores_no_states_and_repeats_stay_known)
{
    reels_counter *counter = counter_new("one");
    append_of_all(1);
    for (int i = 0; i < 4; i++) {
        step(counter);
    }
    ck_assert_int_eq(views(), SOURCES);
    ck_assert_int_gt(flaky.with_state, 0);
    flaky.with_state = 0;
    for (uint64_t source = 1; source <= 10; source++) {
        append_of(source, 2);
        step(counter);
        step(counter);
    }
    ck_assert_int_eq(views(), SOURCES + 10);
    ck_assert_int_eq(flaky.with_state, 0);
    ck_assert_int_ge(flaky.without_state, 10);
    reels_counter_free(counter);
    counter = counter_new("two");
    append_of_all(1);
    for (uint64_t source = 1; source <= 11; source++) {
        append_of(source, 2); /* ten repeats and a new one */
    }
    for (int i = 0; i < 10; i++) {
        step(counter);
    }
    ck_assert_int_eq(views(), SOURCES + 11);
    reels_counter_free(counter);
}
END_TEST

START_TEST(test_counter_an_old_state_is_stored_without_events)
{
    reels_counter *counter = counter_new("one");
    append_of_all(1);
    for (int i = 0; i < 4; i++) {
        step(counter);
    }
    append_of(5, 2);
    step(counter);
    step(counter);
    flaky.with_state = 0;
    for (int i = 0; i < 70; i++) {
        test_clock_advance(&env.clock, 1000000);
        step(counter);
    }
    ck_assert_int_eq(flaky.with_state, 1); /* of the one partition that is behind */
    reels_counter_free(counter);
}
END_TEST

/* All partitions go to the store in one call, which is one sync. */
START_TEST(test_counter_stores_all_partitions_at_once)
{
    reels_counter *counter = counter_new("one");
    int64_t due = 0;
    append_of_all(1);
    while (flaky.with_state == 0) {
        test_ok(&env, reels_counter_step(counter, 0, &due, &env.err));
        test_clock_advance(&env.clock, WINDOW_US);
    }
    ck_assert_int_eq(flaky.with_state, PARTITIONS);
    ck_assert_int_eq(flaky.calls, 1);
    reels_counter_free(counter);
}
END_TEST

START_TEST(test_counter_freed_in_the_middle_loses_nothing)
{
    for (int i = 0; i < 30; i++) {
        char holder[] = "holder-0";
        int64_t due = 0;
        holder[7] = (char)('0' + i % 3);
        reels_counter *counter = counter_new(holder);
        append_random(40);
        for (uint64_t steps = test_random_below(&env.random, 4); steps > 0; steps--) {
            test_ok(&env, reels_counter_step(counter, 0, &due, &env.err));
            append_random(10);
        }
        if (i % 4 == 0) {
            test_ok(&env, reels_counter_flush(counter, &env.err));
        }
        reels_counter_free(counter);
    }
    reels_counter *counter = counter_new("last");
    settle(&counter, 1);
    reels_counter_free(counter);
}
END_TEST

START_TEST(test_counter_two_share_and_one_goes)
{
    reels_counter *both[2] = {counter_new("left"), counter_new("right")};
    for (int round = 0; round < 30; round++) {
        append_random(50);
        step(both[round % 2]);
        step(both[test_random_below(&env.random, 2)]);
    }
    settle(both, 2);
    append_random(200);
    step(both[0]); /* read, not stored */
    reels_counter_free(both[0]);
    settle(&both[1], 1);
    reels_counter_free(both[1]);
}
END_TEST

/* One sleeps past its lease with events in hand, the other takes over, then the first wakes up:
 * what it has in hand is of an old epoch and must count for nothing. */
START_TEST(test_counter_a_sleeper_that_wakes_counts_nothing_twice)
{
    reels_counter *both[2] = {counter_new("left"), counter_new("right")};
    int64_t due = 0;
    for (int round = 0; round < 6; round++) {
        append_random(100);
        settle(both, 2);
        append_random(200);
        test_ok(&env, reels_counter_step(both[0], 0, &due, &env.err)); /* in hand */
        test_clock_advance(&env.clock, LEASE_US);
        settle(&both[1], 1);
        if (round % 2 == 0) {
            reels_status status = reels_counter_flush(both[0], &env.err);
            ck_assert(status == REELS_OK || status == REELS_ERR_STALE);
        }
        ck_assert_int_eq(equals_model(), 1);
        for (int i = 0; i < 10; i++) {
            reels_status status = reels_counter_step(both[0], 0, &due, &env.err);
            ck_assert(status == REELS_OK || status == REELS_ERR_STALE);
            (void)reels_counter_step(both[1], 0, &due, NULL);
        }
        settle(both, 2);
    }
    reels_counter_free(both[0]);
    reels_counter_free(both[1]);
}
END_TEST

START_TEST(test_counter_a_store_that_fails_before_and_after_is_exact)
{
    reels_counter *both[2] = {counter_new("left"), counter_new("right")};
    flaky.on = 1;
    for (int round = 0; round < 60; round++) {
        append_random(40);
        step(both[round % 2]);
        step(both[0]);
    }
    settle(both, 2);
    ck_assert_int_gt(flaky.failed_before, 10);
    ck_assert_int_gt(flaky.failed_after, 10);
    reels_counter_free(both[0]);
    reels_counter_free(both[1]);
    flaky.on = 0;
}
END_TEST

START_TEST(test_counter_counts_by_hour_and_in_total)
{
    reels_counter *counter = counter_new("one");
    const uint64_t entity = 5;
    const uint32_t views = REELS_COUNTER_VIEWS;
    int64_t hour = reels_ctx_now_unix_us(env.ctx);
    hour -= hour % HOUR_US;
    /* The last of one hour, the first two of the next, and one of a clock that stands at 1970. */
    const int64_t times[] = {hour + HOUR_US - 1, hour + HOUR_US, hour + HOUR_US + 5, 1000};
    for (size_t i = 0; i < 4; i++) {
        reels_event event = {.struct_size = sizeof(event),
                             .type = REELS_EVENT_VIEW,
                             .reel_id = entity,
                             .source = 1,
                             .sequence = i + 1,
                             .time_unix_us = times[i]};
        append(&event);
        model_add(&event);
    }
    settle(&counter, 1);
    const int64_t windows[] = {0, hour, hour + HOUR_US, hour + 2 * HOUR_US};
    int64_t out[4] = {9, 9, 9, 9};
    test_ok(
        &env,
        reels__counter_read_windows(stats, NULL, &entity, 1, &views, 1, windows, 4, out, &env.err));
    ck_assert_int_eq(out[0], 4);
    ck_assert_int_eq(out[1], 1);
    ck_assert_int_eq(out[2], 2);
    ck_assert_int_eq(out[3], 0);
    reels_counter_free(counter);
}
END_TEST

/* What nobody should have written must neither stop a partition nor make sums overflow. */
START_TEST(test_counter_passes_over_what_it_cannot_count)
{
    reels_counter *counter = counter_new("one");
    for (uint64_t key = 1; key <= 8; key++) {
        append_bytes(key, (const uint8_t *)"\xFF\xFF rubbish", 10);
        append_bytes(key, (const uint8_t *)"", 0);
        append_bytes(key, (const uint8_t *)"\x08\x7F", 2); /* a type of tomorrow */
        reels_event event = {.struct_size = sizeof(event),
                             .type = REELS_EVENT_WATCH,
                             .reel_id = key,
                             .time_unix_us = INT64_MIN,
                             .watch_us = INT64_MAX};
        for (int i = 0; i < 600; i++) { /* more than 2^62 milliseconds together */
            append(&event);
        }
        event.watch_us = INT64_MIN;
        append(&event);
        event = (reels_event){.struct_size = sizeof(event), .type = REELS_EVENT_VIEW};
        append(&event); /* of no reel */
        event.reel_id = UINT64_MAX;
        append(&event); /* of an ID that is none */
        event.reel_id = key;
        append(&event); /* not numbered: counts each time */
        append(&event);
        model_add(&event);
        model_add(&event);
    }
    settle(&counter, 1);
    reels_counter_free(counter);
}
END_TEST

START_TEST(test_counter_options_are_judged)
{
    static const reels_counter_options wrong[] = {
        {.struct_size = sizeof(wrong[0]), .partitions_count = 1025},
        {.struct_size = sizeof(wrong[0]), .window_us = 999},
        {.struct_size = sizeof(wrong[0]), .window_us = 60000001},
        {.struct_size = sizeof(wrong[0]), .window_us = -1},
        {.struct_size = sizeof(wrong[0]), .batch_events_max = 100001},
        {.struct_size = sizeof(wrong[0]), .sources_max = 15},
        {.struct_size = sizeof(wrong[0]), .sources_max = 200001},
        {.struct_size = sizeof(wrong[0]),
         .holder = "a name of sixty-four bytes is one too many: 012345678901234567890"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        reels_counter *counter = (reels_counter *)&flaky;
        test_status(REELS_ERR_INVALID_ARG,
                    reels_counter_new(env.ctx, queue, stats, &wrong[i], &counter, NULL));
        ck_assert_ptr_null(counter);
    }
    reels_counter *counter = counter_new("one");
    reels_counter *other = NULL;
    const reels_counter_options fewer = {.struct_size = sizeof(fewer), .partitions_count = 3};
    test_status(REELS_ERR_CONFLICT, reels_counter_new(env.ctx, queue, stats, &fewer, &other, NULL));
    ck_assert_str_eq(reels_counter_name(REELS_COUNTER_WATCH_MS), "watch_ms");
    ck_assert_ptr_null(reels_counter_name(0));
    ck_assert_ptr_null(reels_counter_name(COUNTERS));
    reels_counter_free(counter);
}
END_TEST

/* ---- lack of memory ---- */

static reels_status oom_count(reels_ctx *ctx, reels_queue *events, reels_stats *store)
{
    const reels_counter_options options = {
        .struct_size = sizeof(options), .partitions_count = 1, .window_us = 1000, .holder = "h"};
    uint8_t key[8] = {7};
    uint8_t view[] = {
        0x08, REELS_EVENT_VIEW, 0x11, 7, 0, 0, 0, 0, 0, 0, 0, 0x31, 1, 0, 0, 0, 0, 0, 0, 0, 0x38,
        1};
    reels_record record = {.time_unix_us = 1,
                           .key = key,
                           .key_len = sizeof(key),
                           .payload = view,
                           .payload_len = sizeof(view)};
    const uint64_t entity = 7;
    const uint32_t views = REELS_COUNTER_VIEWS;
    int64_t total = 0;
    int64_t due = 0;
    int failures = 0;
    reels_counter *counter = NULL;
    reels_status status = reels_counter_new(ctx, events, store, &options, &counter, NULL);
    if (status == REELS_OK) {
        status = reels_queue_append(events, NULL, "engage", &record, 1, NULL);
    }
    /* A step that fails is tried again, and counts once all the same. */
    for (int i = 0; status == REELS_OK && i < 6; i++) {
        reels_status step_status = reels_counter_step(counter, 0, &due, NULL);
        if (step_status == REELS_OK) {
            step_status = reels_counter_flush(counter, NULL);
        }
        ck_assert(step_status == REELS_OK || step_status == REELS_ERR_NO_MEMORY);
        failures += step_status != REELS_OK;
    }
    if (status == REELS_OK) {
        status = reels_counter_read(store, NULL, &entity, 1, &views, 1, &total, NULL);
    }
    if (status == REELS_OK) {
        ck_assert_int_eq(total, failures < 6);
    }
    reels_counter_free(counter);
    return status;
}

static reels_status oom(reels_ctx *ctx, void *arg)
{
    reels_queue *events = NULL;
    reels_stats *store = NULL;
    (void)arg;
    reels_status status = reels_queue_open(ctx, "mem:", &events, NULL);
    if (status == REELS_OK) {
        status = reels_stats_open(ctx, "mem:", &store, NULL);
    }
    if (status == REELS_OK) {
        status = oom_count(ctx, events, store);
    }
    reels_stats_free(store);
    reels_queue_free(events);
    return status;
}

START_TEST(test_counter_survives_lack_of_memory)
{
    ck_assert_uint_gt(test_oom_run(TEST_ENV_SIM_CLOCK | TEST_ENV_SEED, oom, NULL), 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("counter");
    TCase *cases = tcase_create("counter");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_counter_equals_a_plain_model);
    tcase_add_test(cases, test_counter_a_trickle_stores_no_states_and_repeats_stay_known);
    tcase_add_test(cases, test_counter_an_old_state_is_stored_without_events);
    tcase_add_test(cases, test_counter_stores_all_partitions_at_once);
    tcase_add_test(cases, test_counter_freed_in_the_middle_loses_nothing);
    tcase_add_test(cases, test_counter_two_share_and_one_goes);
    tcase_add_test(cases, test_counter_a_sleeper_that_wakes_counts_nothing_twice);
    tcase_add_test(cases, test_counter_a_store_that_fails_before_and_after_is_exact);
    tcase_add_test(cases, test_counter_counts_by_hour_and_in_total);
    tcase_add_test(cases, test_counter_passes_over_what_it_cannot_count);
    tcase_add_test(cases, test_counter_options_are_judged);
    tcase_add_test(cases, test_counter_survives_lack_of_memory);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
