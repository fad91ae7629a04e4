/* What the SQLite backends promise when files fail: at every single file operation of a whole life
 * (opening, commits, closing), one failure, failure for good, a full disk, and a power cut. */
#include <errno.h>

#include "sql_world.h"
#include "test_check.h"

enum {
    OPS_MAX = 20000 /* a run that never ends is a defect */
};

static const struct world *const worlds[] = {&world_catalog, &world_stats};

static struct test_env env;
static uint64_t ops_before_end; /* a crash begins the count anew */

/* One life with a fault at the n-th operation. Gives the operations that were done. */
static uint64_t life_run(const struct world *world,
                         uint64_t nth,
                         uint32_t fault_flags,
                         int32_t sys_errno,
                         int tries,
                         struct world_told *told)
{
    memset(told, 0, sizeof *told);
    test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED | TEST_ENV_MEM_FS);
    test_memfs_fail(env.fs, nth, fault_flags, sys_errno);
    ops_before_end = 0;
    world->run(env.ctx, world->url, tries, told);
    uint64_t ops = ops_before_end + test_memfs_ops_count(env.fs);
    test_memfs_fail(env.fs, 0, 0, 0);
    return ops;
}

static void told_assert_sane(const struct world_told *told)
{
    if (told->failures_count > 0) {
        ck_assert_msg(told->last_failure == REELS_ERR_IO,
                      "a file failed and the caller was told %s",
                      reels_status_name(told->last_failure));
        ck_assert_int_ne(told->last_errno, 0);
    }
}

/* A single failure: the call fails or not, and the next try succeeds. */
static void once_at_every_operation(uint32_t fault_flags, int32_t sys_errno)
{
    for (size_t w = 0; w < 2; w++) {
        struct world_told told;
        int failures = 0;
        uint64_t nth = 0;
        uint64_t ops = 0;
        do {
            nth++;
            ops = life_run(worlds[w], nth, fault_flags, sys_errno, 2, &told);
            told_assert_sane(&told);
            ck_assert_msg(told.opened, "%s: operation %lu: no second try", worlds[w]->name, nth);
            for (int step = 0; step < WORLD_STEPS; step++) {
                ck_assert_msg(told.acknowledged[step],
                              "%s: operation %lu: step %d failed twice",
                              worlds[w]->name,
                              (unsigned long)nth,
                              step);
            }
            failures += told.failures_count;
            worlds[w]->verify(env.ctx, worlds[w]->url, &told);
            test_env_dispose(&env);
        } while (ops >= nth && nth < OPS_MAX);
        ck_assert_uint_lt(nth, OPS_MAX);
        ck_assert_int_gt(failures, 10); /* the faults were felt */
    }
}

START_TEST(test_sqlite_one_failed_operation_costs_one_call)
{
    once_at_every_operation(0, EIO);
}
END_TEST

START_TEST(test_sqlite_one_failed_operation_that_took_effect_costs_one_call)
{
    once_at_every_operation(TEST_MEMFS_FAULT_EFFECT, EIO);
}
END_TEST

/* ---- a sync that failed is not made good by a later one: Linux counts its pages as clean ---- */

static void kill_process(void)
{
    ops_before_end = test_memfs_ops_count(env.fs);
    test_memfs_crash(env.fs, TEST_MEMFS_CRASH_KILL, 0);
}

static void cut_power(void)
{
    ops_before_end = test_memfs_ops_count(env.fs);
    test_memfs_crash(env.fs, TEST_MEMFS_CRASH_LOSE, 0);
}

/* One failure, in a first life that is killed or closed (end), then a second life that works, then
 * a power cut. What either was told must be there. */
static void failure_then_cut(uint32_t fault_flags, int first_tries, void (*end)(void))
{
    for (size_t w = 0; w < 2; w++) {
        struct world_told first;
        struct world_told second;
        uint64_t nth = 0;
        uint64_t ops = 0;
        do {
            nth++;
            world_before_close = end;
            ops = life_run(worlds[w], nth, fault_flags, EIO, first_tries, &first);
            world_before_close = cut_power;
            memset(&second, 0, sizeof second);
            worlds[w]->run(env.ctx, worlds[w]->url, 1, &second);
            ck_assert_msg(second.failures_count == 0,
                          "%s: operation %lu: the second life was told %s",
                          worlds[w]->name,
                          (unsigned long)nth,
                          reels_status_name(second.last_failure));
            world_before_close = NULL;
            worlds[w]->verify(env.ctx, worlds[w]->url, &second);
            test_env_dispose(&env);
        } while (ops >= nth && nth < OPS_MAX);
        ck_assert_uint_lt(nth, OPS_MAX);
        ck_assert_uint_gt(nth, 100);
    }
}

START_TEST(test_sqlite_a_failed_sync_does_not_undermine_what_comes_after_a_kill)
{
    failure_then_cut(0, 1, kill_process);
}
END_TEST

START_TEST(test_sqlite_a_failed_sync_does_not_undermine_what_comes_after_a_close)
{
    failure_then_cut(TEST_MEMFS_FAULT_EFFECT, 1, NULL);
}
END_TEST

/* The same process goes on after the failure, until the power cut. */
START_TEST(test_sqlite_a_failed_sync_does_not_undermine_what_comes_after_it)
{
    for (size_t w = 0; w < 2; w++) {
        struct world_told told;
        uint64_t nth = 0;
        uint64_t ops = 0;
        do {
            nth++;
            world_before_close = cut_power;
            ops = life_run(worlds[w], nth, 0, EIO, 2, &told);
            world_before_close = NULL;
            worlds[w]->verify(env.ctx, worlds[w]->url, &told);
            test_env_dispose(&env);
        } while (ops >= nth && nth < OPS_MAX);
        ck_assert_uint_lt(nth, OPS_MAX);
        ck_assert_uint_gt(nth, 100);
    }
}
END_TEST

/* Failure for good, then a power cut, then the disk works again. */
static void cut_at_every_operation(uint32_t fault_flags, int mode, uint64_t seed)
{
    for (size_t w = 0; w < 2; w++) {
        struct world_told told;
        uint64_t nth = 0;
        uint64_t ops = 0;
        int lost = 0;
        do {
            nth++;
            ops = life_run(worlds[w], nth, fault_flags | TEST_MEMFS_FAULT_ALL_AFTER, EIO, 1, &told);
            told_assert_sane(&told);
            lost += told.failures_count;
            test_memfs_crash(env.fs, mode, seed + nth);
            worlds[w]->verify(env.ctx, worlds[w]->url, &told);
            test_env_dispose(&env);
        } while (ops >= nth && nth < OPS_MAX);
        ck_assert_uint_lt(nth, OPS_MAX);
        ck_assert_int_gt(lost, 10);
    }
}

START_TEST(test_sqlite_acknowledged_survives_a_cut_that_loses_what_was_not_synced)
{
    cut_at_every_operation(0, TEST_MEMFS_CRASH_LOSE, 0);
}
END_TEST

START_TEST(test_sqlite_acknowledged_survives_a_cut_that_loses_nothing)
{
    cut_at_every_operation(0, TEST_MEMFS_CRASH_KEEP, 0);
}
END_TEST

START_TEST(test_sqlite_acknowledged_survives_cuts_that_tear)
{
    cut_at_every_operation(
        TEST_MEMFS_FAULT_EFFECT, TEST_MEMFS_CRASH_RANDOM, (uint64_t)_i * 1000003);
}
END_TEST

/* Large rows, so that the log is moved into the main file and begun anew between commits: cuts at a
 * sample of the many operations. */
START_TEST(test_sqlite_acknowledged_survives_cuts_while_the_log_is_moved)
{
    world_body_bytes = WORLD_BODY_BYTES_LARGE;
    for (size_t w = 0; w < 2; w++) {
        struct world_told told;
        uint64_t ops = life_run(worlds[w], 0, 0, 0, 1, &told);
        ck_assert_int_eq(told.failures_count, 0);
        test_env_dispose(&env);
        ck_assert_uint_gt(ops, 2000); /* pages were written to the log and from there */
        for (uint64_t nth = 1 + (uint64_t)_i * 50; nth <= ops; nth += ops / 25) {
            (void)life_run(worlds[w], nth, TEST_MEMFS_FAULT_ALL_AFTER, EIO, 1, &told);
            told_assert_sane(&told);
            int mode = _i % 2 == 0 ? TEST_MEMFS_CRASH_LOSE : TEST_MEMFS_CRASH_RANDOM;
            test_memfs_crash(env.fs, mode, nth);
            worlds[w]->verify(env.ctx, worlds[w]->url, &told);
            test_env_dispose(&env);
        }
    }
    world_body_bytes = WORLD_BODY_BYTES;
}
END_TEST

/* The same where the file system carries on: no cut, the disk just never works again until then. */
START_TEST(test_sqlite_a_disk_that_stays_broken_fails_every_call)
{
    for (size_t w = 0; w < 2; w++) {
        struct world_told told;
        uint64_t nth = 0;
        uint64_t ops = 0;
        do {
            nth++;
            ops = life_run(worlds[w], nth, TEST_MEMFS_FAULT_ALL_AFTER, EIO, 2, &told);
            told_assert_sane(&told);
            worlds[w]->verify(env.ctx, worlds[w]->url, &told);
            test_env_dispose(&env);
        } while (ops >= nth && nth < OPS_MAX);
        ck_assert_uint_lt(nth, OPS_MAX);
    }
}
END_TEST

START_TEST(test_sqlite_a_full_disk_is_told_and_passes)
{
    for (size_t w = 0; w < 2; w++) {
        int full = 0;
        for (uint64_t limit = 2048; limit < 400 * 1024; limit += 6 * 1024) {
            struct world_told told = {0};
            test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED | TEST_ENV_MEM_FS);
            test_memfs_limit(env.fs, limit);
            worlds[w]->run(env.ctx, worlds[w]->url, 1, &told);
            if (told.failures_count > 0) {
                ck_assert_int_eq(told.last_failure, REELS_ERR_IO);
                ck_assert_int_eq(told.last_errno, ENOSPC);
                full++;
            }
            test_memfs_limit(env.fs, 0);
            worlds[w]->verify(env.ctx, worlds[w]->url, &told);
            test_env_dispose(&env);
        }
        ck_assert_int_gt(full, 5);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sqlite_faults");
    TCase *cases = tcase_create("faults");
    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, test_sqlite_one_failed_operation_costs_one_call);
    tcase_add_test(cases, test_sqlite_one_failed_operation_that_took_effect_costs_one_call);
    tcase_add_test(cases, test_sqlite_a_failed_sync_does_not_undermine_what_comes_after_a_kill);
    tcase_add_test(cases, test_sqlite_a_failed_sync_does_not_undermine_what_comes_after_a_close);
    tcase_add_test(cases, test_sqlite_a_failed_sync_does_not_undermine_what_comes_after_it);
    tcase_add_test(cases, test_sqlite_acknowledged_survives_a_cut_that_loses_what_was_not_synced);
    tcase_add_test(cases, test_sqlite_acknowledged_survives_a_cut_that_loses_nothing);
    tcase_add_loop_test(cases, test_sqlite_acknowledged_survives_cuts_that_tear, 0, 4);
    tcase_add_loop_test(cases, test_sqlite_acknowledged_survives_cuts_while_the_log_is_moved, 0, 2);
    tcase_add_test(cases, test_sqlite_a_disk_that_stays_broken_fails_every_call);
    tcase_add_test(cases, test_sqlite_a_full_disk_is_told_and_passes);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
