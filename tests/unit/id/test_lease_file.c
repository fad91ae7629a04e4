/* The state file: locked while held, safe over kills, power cuts at every operation, torn and
 * damaged records, full disks. Every restart is given the same clock again, so that without the
 * file each of them would repeat its IDs. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reels/id.h>

#include "base/ctx_internal.h"
#include "id_set.h"
#include "test_check.h"

enum {
    TICK_US = 1000,
    SECOND_US = 1000000,
    RECORD_STRIDE = 4096,
    POWER_CUTS_MAX = 1000,
    KILLS_COUNT = 20
};

static const char state_path[] = "/state";

static struct test_env env;

static void setup(void)
{
    test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_MEM_FS);
}

static void teardown(void)
{
    test_env_dispose(&env);
}

static reels_status
try_open(reels_ctx *ctx, const char *path, reels_id_generator **out, reels_error *err)
{
    const reels_id_lease_vtable *lease = NULL;
    void *impl = NULL;
    reels_status status = reels_id_lease_file_new(ctx, path, &lease, &impl, err);
    if (status != REELS_OK) {
        *out = NULL;
        return status;
    }
    reels_id_options options = {
        .struct_size = sizeof options,
        .lease = lease,
        .lease_impl = impl,
        .lease_duration_us = SECOND_US,
    };
    status = reels_id_generator_new(ctx, &options, NULL, out, err);
    if (status != REELS_OK) {
        lease->destroy(impl);
    }
    return status;
}

static reels_id_generator *open_state(void)
{
    reels_id_generator *made = NULL;
    test_ok(&env, try_open(env.ctx, state_path, &made, &env.err));
    return made;
}

/* Mints for a while over several extensions, or until something fails. */
static void work(reels_id_generator *generator, struct id_set *set)
{
    for (int i = 0; i < 40; i++) {
        uint64_t id = 0;
        if (reels_id_next(generator, NULL, &id, NULL) == REELS_OK) {
            id_set_add(set, id);
        }
        test_clock_advance(&env.clock, SECOND_US / 10);
    }
}

static void clock_back_to(int64_t wall_us)
{
    test_clock_step_wall(&env.clock, wall_us - reels_ctx_now_unix_us(env.ctx));
}

START_TEST(test_file_restarts_never_repeat_an_id)
{
    struct id_set set = {0};
    int64_t start = reels_ctx_now_unix_us(env.ctx);
    for (int i = 0; i < 50; i++) {
        reels_id_generator *generator = open_state();
        work(generator, &set);
        reels_id_generator_free(generator);
        clock_back_to(start);
    }
    ck_assert_uint_eq(set.count, 50 * 40);
    ck_assert_uint_eq(id_set_repeats(&set), 0);
    id_set_dispose(&set);
}
END_TEST

/* A disk of its own for each n: one life that ends in a power cut at its nth operation, then one
 * that ends well; both begin at the same time. Gives 0 when the first one had fewer operations. */
static int lives_with_power_cut(uint64_t nth, int mode)
{
    struct id_set set = {0};
    reels_id_generator *generator = NULL;
    int64_t start = reels_ctx_now_unix_us(env.ctx);
    test_memfs_fail(env.fs, nth, TEST_MEMFS_FAULT_ALL_AFTER | TEST_MEMFS_FAULT_EFFECT, EIO);
    if (try_open(env.ctx, state_path, &generator, NULL) == REELS_OK) {
        work(generator, &set);
    }
    reels_id_generator_free(generator);
    int was_reached = test_memfs_ops_count(env.fs) >= nth;
    test_memfs_crash(env.fs, mode, nth);
    clock_back_to(start);
    generator = open_state();
    work(generator, &set);
    reels_id_generator_free(generator);
    ck_assert_uint_ge(set.count, 40);
    ck_assert_uint_eq(id_set_repeats(&set), 0);
    id_set_dispose(&set);
    return was_reached;
}

START_TEST(test_file_survives_a_power_cut_at_every_operation)
{
    static const int modes[] = {
        TEST_MEMFS_CRASH_LOSE, TEST_MEMFS_CRASH_KEEP, TEST_MEMFS_CRASH_RANDOM};
    uint64_t nth = 1;
    while (nth < POWER_CUTS_MAX && lives_with_power_cut(nth, modes[_i])) {
        teardown();
        setup();
        nth++;
    }
    ck_assert_uint_ge(nth, 20);
    ck_assert_uint_lt(nth, POWER_CUTS_MAX);
}
END_TEST

START_TEST(test_file_single_faults_never_repeat_an_id)
{
    struct id_set set = {0};
    int64_t start = reels_ctx_now_unix_us(env.ctx);
    for (uint64_t nth = 1; nth < 60; nth++) {
        reels_id_generator *generator = NULL;
        test_memfs_fail(env.fs, nth, nth % 2 == 0 ? TEST_MEMFS_FAULT_EFFECT : 0, ENOSPC);
        if (try_open(env.ctx, state_path, &generator, NULL) == REELS_OK) {
            work(generator, &set);
        }
        reels_id_generator_free(generator);
        test_memfs_crash(env.fs, TEST_MEMFS_CRASH_RANDOM, nth);
        clock_back_to(start);
    }
    ck_assert_uint_ge(set.count, 1000);
    ck_assert_uint_eq(id_set_repeats(&set), 0);
    id_set_dispose(&set);
}
END_TEST

START_TEST(test_file_is_locked_while_it_is_held)
{
    reels_id_generator *first = open_state();
    reels_id_generator *second = first;
    test_status(REELS_ERR_BUSY, try_open(env.ctx, state_path, &second, &env.err));
    ck_assert_ptr_null(second);
    ck_assert_ptr_nonnull(strstr(env.err.message, "/state is in use by another process"));
    reels_id_generator_free(first);
    second = open_state();
    reels_id_generator_free(second);
}
END_TEST

START_TEST(test_file_damage_is_noticed)
{
    struct id_set set = {0};
    reels_id_generator *generator = open_state();
    work(generator, &set);
    reels_id_generator_free(generator);
    /* One record damaged: the other one still holds. Both: no lease is better than a wrong one. */
    ck_assert_int_eq(test_memfs_corrupt(env.fs, state_path, 20, 0x10), 1);
    generator = open_state();
    reels_id_generator_free(generator);
    ck_assert_int_eq(test_memfs_corrupt(env.fs, state_path, 20, 0x10), 1);
    ck_assert_int_eq(test_memfs_corrupt(env.fs, state_path, RECORD_STRIDE + 1, 0x10), 1);
    test_status(REELS_ERR_CORRUPT, try_open(env.ctx, state_path, &generator, &env.err));
    ck_assert_ptr_null(generator);
    id_set_dispose(&set);
}
END_TEST

START_TEST(test_file_of_another_kind_is_left_alone)
{
    static const uint8_t text[] = "dear diary";
    const reels_fs *fs = test_memfs_table(env.fs);
    void *file = NULL;
    test_ok(&env,
            fs->open(fs->user, state_path, REELS_FS_WRITE | REELS_FS_CREATE, &file, &env.err));
    test_ok(&env, fs->write_at(fs->user, file, 0, text, sizeof text, &env.err));
    fs->close(fs->user, file);
    reels_id_generator *generator = NULL;
    test_status(REELS_ERR_CORRUPT, try_open(env.ctx, state_path, &generator, &env.err));
    size_t len = 0;
    uint8_t *now = test_memfs_read(env.fs, state_path, &len);
    ck_assert_uint_eq(len, sizeof text);
    ck_assert_mem_eq(now, text, sizeof text);
    free(now);
}
END_TEST

START_TEST(test_file_every_byte_counts)
{
    /* Whatever single byte of the newest record is damaged, its limit is not believed: with the
     * other record damaged too, the file is refused. */
    reels_id_generator *generator = open_state();
    reels_id_generator_free(generator);
    ck_assert_int_eq(test_memfs_corrupt(env.fs, state_path, RECORD_STRIDE + 1, 1), 1);
    for (uint64_t at = 0; at < 64; at++) {
        ck_assert_int_eq(test_memfs_corrupt(env.fs, state_path, at, 0x40), 1);
        test_status(REELS_ERR_CORRUPT, try_open(env.ctx, state_path, &generator, &env.err));
        ck_assert_int_eq(test_memfs_corrupt(env.fs, state_path, at, 0x40), 1);
    }
    generator = open_state();
    reels_id_generator_free(generator);
}
END_TEST

START_TEST(test_file_full_disk_is_a_status)
{
    reels_id_generator *generator = NULL;
    test_memfs_limit(env.fs, 10);
    test_status(REELS_ERR_IO, try_open(env.ctx, state_path, &generator, &env.err));
    test_memfs_limit(env.fs, 0);
    generator = open_state();
    reels_id_generator_free(generator);
}
END_TEST

START_TEST(test_file_cannot_choose_a_node)
{
    const reels_id_lease_vtable *lease = NULL;
    void *impl = NULL;
    test_ok(&env, reels_id_lease_file_new(env.ctx, state_path, &lease, &impl, &env.err));
    reels_id_options options = {
        .struct_size = sizeof options,
        .flags = REELS_ID_NODE_LEASED,
        .lease = lease,
        .lease_impl = impl,
    };
    reels_id_generator *generator = NULL;
    test_status(REELS_ERR_UNSUPPORTED,
                reels_id_generator_new(env.ctx, &options, NULL, &generator, &env.err));
    /* The same lease serves once more, but not twice at a time. */
    options.flags = 0;
    test_ok(&env, reels_id_generator_new(env.ctx, &options, NULL, &generator, &env.err));
    reels_id_generator *second = NULL;
    test_status(REELS_ERR_STATE,
                reels_id_generator_new(env.ctx, &options, NULL, &second, &env.err));
    reels_id_generator_free(generator);
    test_status(REELS_ERR_INVALID_ARG,
                reels_id_lease_file_new(env.ctx, "", &lease, &impl, &env.err));
    ck_assert_ptr_null(lease);
    ck_assert_ptr_null(impl);
}
END_TEST

static reels_status open_and_mint(reels_ctx *ctx, void *arg)
{
    /* In a folder, whose path is a copy. */
    if (ctx->fs.make_dir(ctx->fs.user, "/folder", NULL) != REELS_OK) {
        return REELS_ERR_IO;
    }
    reels_id_generator *made = NULL;
    uint64_t id = 0;
    reels_status status = try_open(ctx, arg, &made, NULL);
    if (status == REELS_OK) {
        status = reels_id_next(made, NULL, &id, NULL);
    }
    reels_id_generator_free(made);
    return status;
}

START_TEST(test_file_survives_every_refused_allocation)
{
    static char path[] = "/folder/state";
    ck_assert_uint_ge(test_oom_run(TEST_ENV_SIM_CLOCK | TEST_ENV_MEM_FS, open_and_mint, path), 4);
}
END_TEST

/* A real process on a real file: mints until it is killed, telling each ID only after it was
 * minted. */
static void child_run(const char *path, int fd)
{
    /* The same time in each life. */
    struct test_clock clock;
    test_clock_init(&clock, INT64_C(1750000000) * SECOND_US);
    reels_ctx_options options = {.struct_size = sizeof options, .clock = &clock.table};
    reels_ctx *ctx = NULL;
    reels_id_generator *generator = NULL;
    uint64_t id = 0;
    if (reels_ctx_new(&options, &ctx, NULL) != REELS_OK ||
        try_open(ctx, path, &generator, NULL) != REELS_OK) {
        _exit(2);
    }
    while (reels_id_next(generator, NULL, &id, NULL) == REELS_OK &&
           write(fd, &id, sizeof id) == (ssize_t)sizeof id) {
        test_clock_advance(&clock, 20 * TICK_US);
    }
    _exit(3);
}

static void parent_kill(const char *path, struct id_set *set, size_t ids_count)
{
    int ends[2];
    uint64_t id = 0;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        (void)close(ends[0]);
        child_run(path, ends[1]);
    }
    (void)close(ends[1]);
    for (size_t i = 0; i < ids_count && read(ends[0], &id, sizeof id) == sizeof id; i++) {
        id_set_add(set, id);
    }
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status), "the child ended by itself: %d", status);
    while (read(ends[0], &id, sizeof id) == sizeof id) {
        id_set_add(set, id);
    }
    (void)close(ends[0]);
}

START_TEST(test_file_killed_processes_never_repeat_an_id)
{
    char dir[TEST_PATH_BYTES];
    char path[TEST_PATH_BYTES + 16];
    struct id_set set = {0};
    test_temp_dir(dir);
    (void)snprintf(path, sizeof path, "%s/state", dir);
    for (size_t i = 0; i < KILLS_COUNT; i++) {
        parent_kill(path, &set, 1 + i * 37);
    }
    ck_assert_uint_ge(set.count, KILLS_COUNT);
    ck_assert_uint_eq(id_set_repeats(&set), 0);
    id_set_dispose(&set);
    test_temp_dir_remove(dir);
}
END_TEST

START_TEST(test_file_two_processes_cannot_hold_it)
{
    char dir[TEST_PATH_BYTES];
    char path[TEST_PATH_BYTES + 16];
    int ends[2];
    uint64_t id = 0;
    test_temp_dir(dir);
    (void)snprintf(path, sizeof path, "%s/state", dir);
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        child_run(path, ends[1]);
    }
    /* Its first ID says that it holds the file. */
    ck_assert_int_eq(read(ends[0], &id, sizeof id), sizeof id);
    reels_ctx *ctx = NULL;
    reels_id_generator *generator = NULL;
    ck_assert_int_eq(reels_ctx_new(NULL, &ctx, NULL), REELS_OK);
    test_status(REELS_ERR_BUSY, try_open(ctx, path, &generator, &env.err));
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    test_ok(&env, try_open(ctx, path, &generator, &env.err));
    reels_id_generator_free(generator);
    reels_ctx_free(ctx);
    (void)close(ends[0]);
    (void)close(ends[1]);
    test_temp_dir_remove(dir);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("id-lease-file");
    TCase *tcase = tcase_create("lease-file");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_file_restarts_never_repeat_an_id);
    tcase_add_loop_test(tcase, test_file_survives_a_power_cut_at_every_operation, 0, 3);
    tcase_add_test(tcase, test_file_single_faults_never_repeat_an_id);
    tcase_add_test(tcase, test_file_is_locked_while_it_is_held);
    tcase_add_test(tcase, test_file_damage_is_noticed);
    tcase_add_test(tcase, test_file_of_another_kind_is_left_alone);
    tcase_add_test(tcase, test_file_every_byte_counts);
    tcase_add_test(tcase, test_file_full_disk_is_a_status);
    tcase_add_test(tcase, test_file_cannot_choose_a_node);
    tcase_add_test(tcase, test_file_survives_every_refused_allocation);
    tcase_add_test(tcase, test_file_killed_processes_never_repeat_an_id);
    tcase_add_test(tcase, test_file_two_processes_cannot_hold_it);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
