/* What one generator promises, on a simulated clock: order, uniqueness over steps of the clock and
 * full sequences, waits that end, and clear statuses at the ends of time. */
#include <stdlib.h>
#include <string.h>

#include <reels/id.h>

#include "id_set.h"
#include "test_check.h"

enum {
    PER_TICK = 4096,
    TICK_US = 1000,
    SECOND_US = 1000000
};

static struct test_env env;
static reels_id_generator *generator;

static reels_id_generator *make(const reels_id_options *options)
{
    reels_id_generator *made = NULL;
    test_ok(&env, reels_id_generator_new(env.ctx, options, NULL, &made, &env.err));
    return made;
}

static void setup(void)
{
    test_env_init(&env, TEST_ENV_SIM_CLOCK);
    generator = make(NULL);
}

static void teardown(void)
{
    reels_id_generator_free(generator);
    test_env_dispose(&env);
}

static uint64_t next(void)
{
    uint64_t id = 0;
    test_ok(&env, reels_id_next(generator, NULL, &id, &env.err));
    return id;
}

static reels_id_parts parts_of(uint64_t id)
{
    reels_id_parts parts = {.struct_size = sizeof parts};
    test_ok(&env, reels_id_parse(NULL, id, &parts, &env.err));
    return parts;
}

static int64_t wall(void)
{
    return reels_ctx_now_unix_us(env.ctx);
}

START_TEST(test_generator_mints_the_time_and_counts_up)
{
    int64_t start = wall() / TICK_US * TICK_US;
    for (uint32_t i = 0; i < 5; i++) {
        reels_id_parts parts = parts_of(next());
        ck_assert_int_eq(parts.time_unix_us, start);
        ck_assert_uint_eq(parts.sequence, i);
        ck_assert_uint_eq(parts.region, 0);
        ck_assert_uint_eq(parts.node, 0);
    }
    test_clock_advance(&env.clock, TICK_US);
    reels_id_parts parts = parts_of(next());
    ck_assert_int_eq(parts.time_unix_us, start + TICK_US);
    ck_assert_uint_eq(parts.sequence, 0);
}
END_TEST

START_TEST(test_generator_carries_region_and_node)
{
    reels_id_generator_free(generator);
    reels_id_options options = {.struct_size = sizeof options, .region = 31, .node = 17};
    generator = make(&options);
    reels_id_parts parts = parts_of(next());
    ck_assert_uint_eq(parts.region, 31);
    ck_assert_uint_eq(parts.node, 17);
    ck_assert_uint_eq(reels_id_generator_node(generator), 17);
}
END_TEST

START_TEST(test_generator_sleeps_until_the_next_tick_when_the_sequence_is_full)
{
    uint64_t last = 0;
    int64_t start = wall() / TICK_US * TICK_US;
    for (int i = 0; i < PER_TICK; i++) {
        last = next();
    }
    ck_assert_int_eq(parts_of(last).time_unix_us, start);
    ck_assert_int_eq(atomic_load(&env.clock.slept_us), 0);
    reels_id_parts parts = parts_of(next());
    ck_assert_int_eq(parts.time_unix_us, start + TICK_US);
    ck_assert_uint_eq(parts.sequence, 0);
    ck_assert_int_eq(atomic_load(&env.clock.slept_us), TICK_US);
    ck_assert_int_ge(wall(), parts.time_unix_us);
}
END_TEST

START_TEST(test_generator_never_gives_more_than_the_clock_allows)
{
    int64_t start = wall();
    int64_t ticks = 10;
    for (int i = 0; i < PER_TICK * ticks; i++) {
        ck_assert_int_le(parts_of(next()).time_unix_us, wall());
    }
    ck_assert_int_eq(wall() - start, (ticks - 1) * TICK_US);
}
END_TEST

START_TEST(test_generator_goes_on_when_the_clock_steps_back)
{
    /* A step of half an hour, then work for longer than the sequence of one tick lasts. */
    struct id_set set = {0};
    uint64_t before = next();
    id_set_add(&set, before);
    test_clock_step_wall(&env.clock, -1800LL * SECOND_US);
    int64_t distance = parts_of(before).time_unix_us - wall();
    int64_t mono = reels_ctx_now_mono_us(env.ctx);
    for (int i = 0; i < 20 * PER_TICK; i++) {
        uint64_t id = next();
        ck_assert_uint_gt(id, before);
        /* IDs run ahead of the clock no further than the step made them. */
        ck_assert_int_le(parts_of(id).time_unix_us - wall(), distance);
        before = id;
        id_set_add(&set, id);
    }
    ck_assert_uint_eq(id_set_repeats(&set), 0);
    /* Not slower than one tick for each full sequence either. */
    ck_assert_int_le(reels_ctx_now_mono_us(env.ctx) - mono, 20 * TICK_US);
    id_set_dispose(&set);
}
END_TEST

START_TEST(test_generator_follows_the_clock_forward)
{
    (void)next();
    test_clock_step_wall(&env.clock, 86400LL * SECOND_US);
    ck_assert_int_eq(parts_of(next()).time_unix_us, wall() / TICK_US * TICK_US);
    /* And back again is far more than an hour. */
    test_clock_step_wall(&env.clock, -86400LL * SECOND_US);
    uint64_t id = 99;
    test_status(REELS_ERR_STATE, reels_id_next(generator, NULL, &id, &env.err));
    ck_assert_uint_eq(id, 99);
    ck_assert_uint_eq(env.err.flags & REELS_ERROR_RETRIABLE, REELS_ERROR_RETRIABLE);
    ck_assert_ptr_nonnull(strstr(env.err.message, "behind"));
    /* Time heals it. */
    test_clock_advance(&env.clock, (86400LL - 3600) * SECOND_US);
    (void)next();
}
END_TEST

START_TEST(test_generator_survives_a_random_clock)
{
    struct test_random random;
    struct id_set set = {0};
    uint64_t before = 0;
    test_random_init(&random, (uint64_t)_i + 1);
    for (int i = 0; i < 4000; i++) {
        int64_t step = (int64_t)test_random_below(&random, 20 * TICK_US) - 10 * TICK_US;
        if (i % 7 == 0) {
            test_clock_step_wall(&env.clock, step);
        } else if (step > 0) {
            test_clock_advance(&env.clock, step / 4);
        }
        static uint64_t batch[3 * PER_TICK];
        size_t count = 1 + (size_t)test_random_below(&random, i % 50 == 0 ? 3 * PER_TICK : 20);
        test_ok(&env, reels_id_next_many(generator, NULL, count, batch, &env.err));
        for (size_t k = 0; k < count; k++) {
            ck_assert_uint_gt(batch[k], before);
            before = batch[k];
            id_set_add(&set, batch[k]);
        }
    }
    ck_assert_uint_eq(id_set_repeats(&set), 0);
    id_set_dispose(&set);
}
END_TEST

START_TEST(test_generator_batches_are_ascending_and_whole)
{
    size_t count = 3 * PER_TICK + 5;
    uint64_t *ids = calloc(count, sizeof *ids);
    ck_assert_ptr_nonnull(ids);
    uint64_t before = next();
    test_ok(&env, reels_id_next_many(generator, NULL, count, ids, &env.err));
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_gt(ids[i], before);
        before = ids[i];
    }
    ck_assert_uint_gt(next(), before);
    test_ok(&env, reels_id_next_many(generator, NULL, 0, ids, &env.err));
    test_status(REELS_ERR_INVALID_ARG,
                reels_id_next_many(generator, NULL, REELS_ID_BATCH_MAX + 1, ids, &env.err));
    free(ids);
}
END_TEST

START_TEST(test_generator_waits_can_be_cancelled_and_have_deadlines)
{
    reels_cancel *cancel = NULL;
    test_ok(&env, reels_cancel_new(env.ctx, &cancel, &env.err));
    reels_call call = {.struct_size = sizeof call, .cancel = cancel};
    uint64_t id = 0;
    reels_cancel_raise(cancel);
    /* What needs no wait is given all the same. */
    for (int i = 0; i < PER_TICK; i++) {
        test_ok(&env, reels_id_next(generator, &call, &id, &env.err));
    }
    test_status(REELS_ERR_CANCELLED, reels_id_next(generator, &call, &id, &env.err));
    call.cancel = NULL;
    call.deadline_mono_us = reels_ctx_now_mono_us(env.ctx);
    test_status(REELS_ERR_TIMEOUT, reels_id_next(generator, &call, &id, &env.err));
    reels_cancel_free(cancel);
    (void)next();
}
END_TEST

static void sleep_nothing(void *user, int64_t duration_us)
{
    (void)user;
    (void)duration_us;
}

START_TEST(test_generator_notices_a_clock_that_does_not_move)
{
    reels_id_generator_free(generator);
    generator = NULL;
    reels_ctx_free(env.ctx);
    reels_clock stuck = env.clock.table;
    stuck.sleep_us = sleep_nothing;
    reels_ctx_options options = {
        .struct_size = sizeof options, .allocator = &env.alloc.table, .clock = &stuck};
    test_ok(&env, reels_ctx_new(&options, &env.ctx, &env.err));
    generator = make(NULL);
    for (int i = 0; i < PER_TICK; i++) {
        (void)next();
    }
    uint64_t id = 0;
    test_status(REELS_ERR_HOST, reels_id_next(generator, NULL, &id, &env.err));
}
END_TEST

START_TEST(test_generator_ends_where_the_time_bits_end)
{
    reels_id_generator_free(generator);
    generator = NULL;
    /* The last two ticks that 41 bits hold. */
    int64_t end = REELS_ID_EPOCH_UNIX_US + ((INT64_C(1) << 41) - 2) * TICK_US;
    test_clock_step_wall(&env.clock, end - wall());
    generator = make(NULL);
    uint64_t last = 0;
    for (int i = 0; i < 2 * PER_TICK; i++) {
        uint64_t id = next();
        ck_assert_uint_gt(id, last);
        last = id;
    }
    ck_assert_uint_eq(last, ((UINT64_C(1) << 41) - 1) << 22 | (PER_TICK - 1));
    uint64_t id = 0;
    test_status(REELS_ERR_LIMIT, reels_id_next(generator, NULL, &id, &env.err));
    test_clock_advance(&env.clock, 30 * 365 * 86400LL * SECOND_US);
    test_status(REELS_ERR_LIMIT, reels_id_next(generator, NULL, &id, &env.err));
    reels_id_generator *late = generator;
    test_status(REELS_ERR_LIMIT, reels_id_generator_new(env.ctx, NULL, NULL, &late, &env.err));
    ck_assert_ptr_null(late);
}
END_TEST

START_TEST(test_generator_refuses_a_clock_before_the_epoch)
{
    reels_id_generator *early = generator;
    test_clock_step_wall(&env.clock, REELS_ID_EPOCH_UNIX_US - 7200LL * SECOND_US - wall());
    test_status(REELS_ERR_STATE, reels_id_generator_new(env.ctx, NULL, NULL, &early, &env.err));
    ck_assert_ptr_null(early);
}
END_TEST

START_TEST(test_generator_takes_other_layouts)
{
    /* The 53-bit profile, and one without node bits. */
    static const reels_id_layout layouts[] = {
        {.struct_size = sizeof(reels_id_layout),
         .time_bits = 41,
         .node_bits = 4,
         .region_bits = 2,
         .sequence_bits = 8},
        {.struct_size = sizeof(reels_id_layout), .time_bits = 43, .sequence_bits = 20},
        {.struct_size = sizeof(reels_id_layout),
         .flags = REELS_ID_LAYOUT_EPOCH_1970,
         .time_bits = 45,
         .node_bits = 10,
         .sequence_bits = 1},
    };
    const reels_id_layout *layout = &layouts[_i];
    reels_id_generator_free(generator);
    reels_id_options options = {.struct_size = sizeof options, .layout = layout};
    generator = make(&options);
    struct id_set set = {0};
    for (int i = 0; i < 1000; i++) {
        uint64_t id = next();
        reels_id_parts parts = {.struct_size = sizeof parts};
        test_ok(&env, reels_id_parse(layout, id, &parts, &env.err));
        ck_assert_int_eq(parts.time_unix_us, wall() / TICK_US * TICK_US);
        ck_assert_uint_lt(
            id, UINT64_C(1) << (layout->time_bits + layout->node_bits + layout->sequence_bits));
        id_set_add(&set, id);
    }
    ck_assert_uint_eq(id_set_repeats(&set), 0);
    id_set_dispose(&set);
}
END_TEST

START_TEST(test_generator_checks_its_options)
{
    static const reels_id_layout wide = {.struct_size = sizeof(reels_id_layout),
                                         .time_bits = 42,
                                         .node_bits = 10,
                                         .sequence_bits = 12};
    static const struct {
        reels_id_options options;
        reels_status status;
    } cases[] = {
        {{.struct_size = 8}, REELS_ERR_INVALID_ARG},
        {{.struct_size = sizeof(reels_id_options), .region = 32}, REELS_ERR_INVALID_ARG},
        {{.struct_size = sizeof(reels_id_options), .node = 32}, REELS_ERR_INVALID_ARG},
        {{.struct_size = sizeof(reels_id_options), .flags = 2}, REELS_ERR_INVALID_ARG},
        {{.struct_size = sizeof(reels_id_options), .flags = REELS_ID_NODE_LEASED},
         REELS_ERR_INVALID_ARG},
        {{.struct_size = sizeof(reels_id_options), .lease_duration_us = 9999},
         REELS_ERR_INVALID_ARG},
        {{.struct_size = sizeof(reels_id_options), .lease_duration_us = -1}, REELS_ERR_INVALID_ARG},
        {{.struct_size = sizeof(reels_id_options), .ahead_max_us = 999}, REELS_ERR_INVALID_ARG},
        {{.struct_size = sizeof(reels_id_options), .layout = &wide}, REELS_ERR_INVALID_ARG},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reels_id_generator *made = generator;
        reels_status status =
            reels_id_generator_new(env.ctx, &cases[i].options, NULL, &made, &env.err);
        ck_assert_msg(status == cases[i].status, "case %zu: %s", i, reels_status_name(status));
        ck_assert_ptr_null(made);
        ck_assert_str_ne(env.err.message, "");
    }
    uint64_t id = 0;
    test_status(REELS_ERR_INVALID_ARG, reels_id_next(NULL, NULL, &id, &env.err));
    test_status(REELS_ERR_INVALID_ARG, reels_id_next(generator, NULL, NULL, &env.err));
    reels_id_generator_free(NULL);
}
END_TEST

static reels_status make_and_mint(reels_ctx *ctx, void *arg)
{
    (void)arg;
    reels_id_generator *made = NULL;
    reels_status status = reels_id_generator_new(ctx, NULL, NULL, &made, NULL);
    uint64_t id = 0;
    if (status == REELS_OK) {
        status = reels_id_next(made, NULL, &id, NULL);
    }
    reels_id_generator_free(made);
    return status;
}

START_TEST(test_generator_survives_every_refused_allocation)
{
    ck_assert_uint_ge(test_oom_run(0, make_and_mint, NULL), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("id-generator");
    TCase *tcase = tcase_create("generator");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_generator_mints_the_time_and_counts_up);
    tcase_add_test(tcase, test_generator_carries_region_and_node);
    tcase_add_test(tcase, test_generator_sleeps_until_the_next_tick_when_the_sequence_is_full);
    tcase_add_test(tcase, test_generator_never_gives_more_than_the_clock_allows);
    tcase_add_test(tcase, test_generator_goes_on_when_the_clock_steps_back);
    tcase_add_test(tcase, test_generator_follows_the_clock_forward);
    tcase_add_loop_test(tcase, test_generator_survives_a_random_clock, 0, 8);
    tcase_add_test(tcase, test_generator_batches_are_ascending_and_whole);
    tcase_add_test(tcase, test_generator_waits_can_be_cancelled_and_have_deadlines);
    tcase_add_test(tcase, test_generator_notices_a_clock_that_does_not_move);
    tcase_add_test(tcase, test_generator_ends_where_the_time_bits_end);
    tcase_add_test(tcase, test_generator_refuses_a_clock_before_the_epoch);
    tcase_add_loop_test(tcase, test_generator_takes_other_layouts, 0, 3);
    tcase_add_test(tcase, test_generator_checks_its_options);
    tcase_add_test(tcase, test_generator_survives_every_refused_allocation);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
