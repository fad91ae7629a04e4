/* The context: what a host may give, what is refused, what stands behind an absent hook. */
#include <stdlib.h>
#include <string.h>

#include "base/ctx_internal.h"
#include "base/mem.h"
#include "base/system.h"
#include "test_check.h"

static struct test_env env;

static void setup(void)
{
    test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED);
}

static void teardown(void)
{
    test_env_dispose(&env);
}

START_TEST(test_ctx_all_defaults_work)
{
    reels_ctx *ctx = NULL;
    test_ok(&env, reels_ctx_new(NULL, &ctx, &env.err));
    uint8_t bytes[16] = {0};
    uint8_t zeros[16] = {0};
    test_ok(&env, reels__random_fill(ctx, bytes, sizeof bytes, &env.err));
    ck_assert_mem_ne(bytes, zeros, sizeof bytes);
    ck_assert_int_gt(reels_ctx_now_unix_us(ctx), INT64_C(1700000000) * 1000000);
    int64_t before = reels_ctx_now_mono_us(ctx);
    ctx->clock.sleep_us(ctx->clock.user, 2000);
    ck_assert_int_ge(reels_ctx_now_mono_us(ctx) - before, 2000);
    ck_assert(!reels__log_enabled(ctx, REELS_LOG_ERROR));
    reels__log(ctx, REELS_LOG_ERROR, "nobody hears %d", 1);
    static const reels_metric metric = {
        .name = "x_total", .help = "A test.", .kind = REELS_METRIC_COUNTER};
    reels__metric_add(ctx, &metric, NULL, 1);
    uint64_t span = reels__trace_begin(ctx, NULL, "x");
    ck_assert_uint_eq(span, 0);
    reels__trace_end(ctx, span, REELS_OK);
    reels_ctx_free(ctx);
    reels_ctx_free(NULL);
}
END_TEST

static void sleep_nothing(void *user, int64_t duration_us)
{
    (void)user;
    (void)duration_us;
}

static uint64_t begin_some(void *user, uint64_t parent_span, const char *name)
{
    (void)name;
    *(uint64_t *)user = parent_span;
    return 7;
}

static void end_some(void *user, uint64_t span, reels_status status)
{
    *(uint64_t *)user = span * 1000 + (uint64_t)(-status);
}

/* Each entry breaks one table. */
START_TEST(test_ctx_refuses_broken_tables)
{
    reels_allocator allocator = reels__allocator_system;
    reels_log log = {.struct_size = sizeof log};
    reels_trace trace = {.struct_size = sizeof trace};
    reels_fs fs = reels__fs_posix;
    reels_executor executor = {.struct_size = sizeof executor};
    reels_clock clock = {.struct_size = 8};
    reels_ctx_options options = {.struct_size = sizeof options};
    switch (_i) {
    case 0:
        allocator.realloc = NULL;
        options.allocator = &allocator;
        break;
    case 1:
        log.level_max = 9;
        options.log = &log;
        break;
    case 2:
        trace.begin = begin_some;
        options.trace = &trace;
        break;
    case 3:
        fs.sync = NULL;
        options.fs = &fs;
        break;
    case 4:
        fs.unmap = NULL;
        options.fs = &fs;
        break;
    case 5:
        options.executor = &executor;
        break;
    case 6:
        options.clock = &clock;
        break;
    default:
        options.struct_size = 8;
        break;
    }
    reels_ctx *ctx = (reels_ctx *)&env;
    test_status(REELS_ERR_INVALID_ARG, reels_ctx_new(&options, &ctx, &env.err));
    ck_assert_ptr_null(ctx);
    ck_assert_str_ne(env.err.message, "");
}
END_TEST

START_TEST(test_ctx_refuses_what_is_newer_and_takes_a_zero_tail)
{
    struct {
        reels_ctx_options options;
        uint64_t later_field;
    } newer = {.options = {.struct_size = sizeof newer}};
    reels_ctx *ctx = NULL;
    test_ok(&env, reels_ctx_new(&newer.options, &ctx, &env.err));
    reels_ctx_free(ctx);
    newer.later_field = UINT64_C(1) << 56;
    test_status(REELS_ERR_UNSUPPORTED, reels_ctx_new(&newer.options, &ctx, &env.err));
    ck_assert_ptr_null(ctx);
    newer.options.struct_size = UINT32_MAX;
    test_status(REELS_ERR_INVALID_ARG, reels_ctx_new(&newer.options, &ctx, &env.err));
}
END_TEST

START_TEST(test_ctx_refuses_a_missing_out)
{
    test_status(REELS_ERR_INVALID_ARG, reels_ctx_new(NULL, NULL, &env.err));
}
END_TEST

START_TEST(test_ctx_copies_its_tables)
{
    uint64_t seen = 0;
    reels_trace *trace = calloc(1, sizeof *trace);
    ck_assert_ptr_nonnull(trace);
    trace->struct_size = sizeof *trace;
    trace->user = &seen;
    trace->begin = begin_some;
    trace->end = end_some;
    reels_ctx_options options = {.struct_size = sizeof options, .trace = trace};
    reels_ctx *ctx = NULL;
    test_ok(&env, reels_ctx_new(&options, &ctx, &env.err));
    free(trace);
    reels_call call = {.struct_size = sizeof call, .trace_parent = 5};
    uint64_t span = reels__trace_begin(ctx, &call, "work");
    ck_assert_uint_eq(span, 7);
    ck_assert_uint_eq(seen, 5);
    reels__trace_end(ctx, span, REELS_ERR_IO);
    ck_assert_uint_eq(seen, 7009);
    reels_ctx_free(ctx);
}
END_TEST

START_TEST(test_ctx_fills_single_slots_of_clock)
{
    reels_clock clock = {.struct_size = sizeof clock, .sleep_us = sleep_nothing};
    reels_ctx_options options = {.struct_size = sizeof options, .clock = &clock};
    reels_ctx *ctx = NULL;
    test_ok(&env, reels_ctx_new(&options, &ctx, &env.err));
    ck_assert_int_gt(reels_ctx_now_unix_us(ctx), INT64_C(1700000000) * 1000000);
    ck_assert(ctx->clock.sleep_us == sleep_nothing);
    reels_ctx_free(ctx);
}
END_TEST

START_TEST(test_ctx_refused_memory_is_answered)
{
    reels_ctx_options options = {.struct_size = sizeof options, .allocator = &env.alloc.table};
    reels_ctx *ctx = NULL;
    test_alloc_fail(&env.alloc, 1, 1);
    test_status(REELS_ERR_NO_MEMORY, reels_ctx_new(&options, &ctx, &env.err));
    ck_assert_ptr_null(ctx);
    test_alloc_fail(&env.alloc, 0, 0);
}
END_TEST

START_TEST(test_ctx_two_contexts_know_nothing_of_each_other)
{
    struct test_env other;
    test_env_init(&other, TEST_ENV_SIM_CLOCK);
    test_clock_advance(&other.clock, 5000000);
    ck_assert_int_eq(reels_ctx_now_mono_us(other.ctx) - reels_ctx_now_mono_us(env.ctx), 5000000);
    reels__log(other.ctx, REELS_LOG_INFO, "x");
    ck_assert_uint_eq(env.log.counts[REELS_LOG_INFO], 0);
    ck_assert_uint_eq(other.log.counts[REELS_LOG_INFO], 1);
    test_env_dispose(&other);
}
END_TEST

START_TEST(test_log_formats_only_what_is_heard)
{
    reels_log log = env.log.table;
    log.level_max = 0; /* the default: INFO */
    reels_ctx_options options = {.struct_size = sizeof options, .log = &log};
    reels_ctx *ctx = NULL;
    test_ok(&env, reels_ctx_new(&options, &ctx, &env.err));
    ck_assert(reels__log_enabled(ctx, REELS_LOG_INFO));
    ck_assert(!reels__log_enabled(ctx, REELS_LOG_DEBUG));
    reels__log(ctx, REELS_LOG_DEBUG, "no");
    reels__log(ctx, REELS_LOG_WARN, "%s\nline", "two");
    ck_assert_uint_eq(env.log.counts[REELS_LOG_DEBUG], 0);
    ck_assert_str_eq(env.log.last[REELS_LOG_WARN], "two?line");
    reels_ctx_free(ctx);
}
END_TEST

START_TEST(test_log_cuts_long_lines)
{
    char text[3000];
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    reels__log(env.ctx, REELS_LOG_ERROR, "%s", text);
    ck_assert_uint_eq(env.log.counts[REELS_LOG_ERROR], 1);
}
END_TEST

START_TEST(test_random_failure_is_passed_on)
{
    uint8_t bytes[4];
    atomic_store(&env.random.fails, 1);
    test_status(REELS_ERR_IO, reels__random_fill(env.ctx, bytes, sizeof bytes, &env.err));
    test_ok(&env, reels__random_fill(env.ctx, NULL, 0, &env.err));
}
END_TEST

START_TEST(test_call_without_anything_goes_on)
{
    reels_call call = {.struct_size = sizeof call};
    test_ok(&env, reels__call_check(env.ctx, NULL, &env.err));
    test_ok(&env, reels__call_check(env.ctx, &call, &env.err));
    call.struct_size = 4;
    test_status(REELS_ERR_INVALID_ARG, reels__call_check(env.ctx, &call, &env.err));
}
END_TEST

START_TEST(test_call_ends_at_its_deadline)
{
    reels_call call = {.struct_size = sizeof call,
                       .deadline_mono_us = reels_ctx_now_mono_us(env.ctx) + 10};
    test_ok(&env, reels__call_check(env.ctx, &call, &env.err));
    test_clock_step_wall(&env.clock, 1000000);
    test_ok(&env, reels__call_check(env.ctx, &call, &env.err));
    test_clock_advance(&env.clock, 10);
    test_status(REELS_ERR_TIMEOUT, reels__call_check(env.ctx, &call, &env.err));
}
END_TEST

START_TEST(test_cancel_stops_calls)
{
    reels_cancel *cancel = NULL;
    test_ok(&env, reels_cancel_new(env.ctx, &cancel, &env.err));
    reels_call call = {.struct_size = sizeof call, .cancel = cancel};
    ck_assert_int_eq(reels_cancel_is_raised(cancel), 0);
    test_ok(&env, reels__call_check(env.ctx, &call, &env.err));
    reels_cancel_raise(cancel);
    reels_cancel_raise(cancel);
    ck_assert_int_eq(reels_cancel_is_raised(cancel), 1);
    test_status(REELS_ERR_CANCELLED, reels__call_check(env.ctx, &call, &env.err));
    reels_cancel_free(cancel);
    reels_cancel_free(NULL);
    reels_cancel_raise(NULL);
    ck_assert_int_eq(reels_cancel_is_raised(NULL), 0);
    test_status(REELS_ERR_INVALID_ARG, reels_cancel_new(NULL, &cancel, &env.err));
    test_status(REELS_ERR_INVALID_ARG, reels_cancel_new(env.ctx, NULL, &env.err));
}
END_TEST

static reels_status cancel_run(reels_ctx *ctx, void *arg)
{
    (void)arg;
    reels_cancel *cancel = NULL;
    reels_status status = reels_cancel_new(ctx, &cancel, NULL);
    ck_assert((cancel != NULL) == (status == REELS_OK));
    reels_cancel_free(cancel);
    return status;
}

START_TEST(test_cancel_survives_refused_memory)
{
    ck_assert_uint_eq(test_oom_run(0, cancel_run, NULL), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ctx");
    TCase *tcase = tcase_create("ctx");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_ctx_all_defaults_work);
    tcase_add_loop_test(tcase, test_ctx_refuses_broken_tables, 0, 8);
    tcase_add_test(tcase, test_ctx_refuses_what_is_newer_and_takes_a_zero_tail);
    tcase_add_test(tcase, test_ctx_refuses_a_missing_out);
    tcase_add_test(tcase, test_ctx_copies_its_tables);
    tcase_add_test(tcase, test_ctx_fills_single_slots_of_clock);
    tcase_add_test(tcase, test_ctx_refused_memory_is_answered);
    tcase_add_test(tcase, test_ctx_two_contexts_know_nothing_of_each_other);
    tcase_add_test(tcase, test_log_formats_only_what_is_heard);
    tcase_add_test(tcase, test_log_cuts_long_lines);
    tcase_add_test(tcase, test_random_failure_is_passed_on);
    tcase_add_test(tcase, test_call_without_anything_goes_on);
    tcase_add_test(tcase, test_call_ends_at_its_deadline);
    tcase_add_test(tcase, test_cancel_stops_calls);
    tcase_add_test(tcase, test_cancel_survives_refused_memory);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
