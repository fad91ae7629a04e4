#include "test_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OOM_RUNS_MAX = 100000, /* an operation that never stops being refused is a defect */
    TEST_EPOCH_S = 1750000000
};

static void env_open(struct test_env *env)
{
    reels_ctx_options options = {
        .struct_size = sizeof options,
        .allocator = &env->alloc.table,
        .log = &env->log.table,
        .clock = (env->flags & TEST_ENV_SIM_CLOCK) != 0 ? &env->clock.table : NULL,
        .random = (env->flags & TEST_ENV_SEED) != 0 ? &env->random.table : NULL,
        .fs = env->fs != NULL ? test_memfs_table(env->fs) : NULL,
    };
    reels_status status = reels_ctx_new(&options, &env->ctx, &env->err);
    ck_assert_msg(status == REELS_OK, "no context: %s", env->err.message);
}

void test_env_init(struct test_env *env, uint32_t flags)
{
    memset(env, 0, sizeof *env);
    env->flags = flags;
    env->err.struct_size = sizeof env->err;
    test_alloc_init(&env->alloc);
    test_log_init(&env->log, REELS_LOG_DEBUG);
    test_clock_init(&env->clock, (int64_t)TEST_EPOCH_S * 1000000);
    test_random_init(&env->random, 42);
    if ((flags & TEST_ENV_MEM_FS) != 0) {
        int simulated = (flags & TEST_ENV_SIM_CLOCK) != 0;
        env->fs = test_memfs_new(0, simulated ? &env->clock.table : NULL);
    }
    env_open(env);
}

static void env_assert_clean(const struct test_env *env)
{
    ck_assert_msg(env->alloc.live_bytes == 0 && env->alloc.live_blocks == 0,
                  "%zu bytes in %zu blocks were never freed",
                  env->alloc.live_bytes,
                  env->alloc.live_blocks);
    ck_assert_msg(env->alloc.mistakes_count == 0,
                  "%zu blocks were freed with a wrong size or written past their end",
                  env->alloc.mistakes_count);
}

void test_env_dispose(struct test_env *env)
{
    reels_ctx_free(env->ctx);
    env->ctx = NULL;
    env_assert_clean(env);
    if (env->fs != NULL) {
        ck_assert_msg(test_memfs_open_count(env->fs) == 0, "files were left open");
        ck_assert_msg(test_memfs_maps_count(env->fs) == 0, "maps were left");
        test_memfs_free(env->fs);
    }
    test_log_dispose(&env->log);
    test_alloc_dispose(&env->alloc);
}

void test_env_restart(struct test_env *env)
{
    reels_ctx_free(env->ctx);
    env->ctx = NULL;
    env_assert_clean(env);
    env_open(env);
}

/* One run; gives 1 when an allocation was refused in it. */
static int oom_once(
    uint32_t env_flags, test_oom_fn fn, void *arg, size_t nth, int all_after, size_t *out_calls)
{
    struct test_env env;
    test_env_init(&env, env_flags);
    test_alloc_fail(&env.alloc, nth, all_after);
    reels_status status = fn(env.ctx, arg);
    int refused = env.alloc.refused_count > 0;
    *out_calls = env.alloc.calls_count;
    test_alloc_fail(&env.alloc, 0, 0);
    ck_assert_msg(status == REELS_OK || (refused && status == REELS_ERR_NO_MEMORY),
                  "with allocation %zu refused%s: %s",
                  nth,
                  all_after ? " and all after it" : "",
                  reels_status_name(status));
    test_env_dispose(&env);
    return refused;
}

size_t test_oom_run(uint32_t env_flags, test_oom_fn fn, void *arg)
{
    size_t calls = 0;
    for (int all_after = 0; all_after <= 1; all_after++) {
        size_t nth = 1;
        while (oom_once(env_flags, fn, arg, nth, all_after, &calls)) {
            nth++;
            ck_assert_msg(nth < OOM_RUNS_MAX, "the operation allocates without end");
        }
    }
    return calls;
}

void test_skip(const char *reason)
{
    (void)fprintf(stderr, "SKIP: %s\n", reason);
}

int test_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
