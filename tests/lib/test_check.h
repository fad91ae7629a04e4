/* Owns what ties the test library to Check: the environment of a test, the allocation-failure loop,
 * and the running of a suite. */
#ifndef REELS_TESTS_LIB_TEST_CHECK_H
#define REELS_TESTS_LIB_TEST_CHECK_H

#include <check.h>

#include <reels/base.h>

#include "test_alloc.h"
#include "test_files.h"
#include "test_log.h"
#include "test_memfs.h"
#include "test_time.h"

enum {
    TEST_ENV_SIM_CLOCK = 1, /* the simulated clock; otherwise the system's */
    TEST_ENV_MEM_FS = 2,    /* files in memory; otherwise POSIX */
    TEST_ENV_SEED = 4       /* the seeded random source; otherwise the system's */
};

/* A context whose hooks are all watched. Hooks that are not in use are initialised all the same. */
struct test_env {
    struct test_alloc alloc;
    struct test_log log;
    struct test_clock clock;
    struct test_random random;
    struct test_memfs *fs; /* NULL without TEST_ENV_MEM_FS */
    uint32_t flags;
    reels_ctx *ctx;
    reels_error err; /* zeroed with its size set; for any call of the test */
};

void test_env_init(struct test_env *env, uint32_t flags);
/* Frees the context and asserts: no live bytes, no wrong sizes, no open files. */
void test_env_dispose(struct test_env *env);
/* A second context over the same hooks, as after a restart of the process; the first must be freed.
 */
void test_env_restart(struct test_env *env);

/* One run of an operation: makes what it needs from ctx, frees it again, and returns the status.
 * Must not assert that it works. */
typedef reels_status (*test_oom_fn)(reels_ctx *ctx, void *arg);

/* Runs fn with the n-th allocation refused for every n, once alone and once with all after it,
 * until none is refused: each run must end in OK or NO_MEMORY and leave no live bytes. Gives the
 * number of allocations of a full run, which the caller should compare with what it expects (at
 * least 1). */
size_t test_oom_run(uint32_t env_flags, test_oom_fn fn, void *arg);

/* Asserts OK and shows the message otherwise. */
#define test_ok(env, expr)                                                                         \
    do {                                                                                           \
        reels_status test_status_ = (expr);                                                        \
        ck_assert_msg(test_status_ == REELS_OK,                                                    \
                      "%s gave %s: %s",                                                            \
                      #expr,                                                                       \
                      reels_status_name(test_status_),                                             \
                      (env)->err.message);                                                         \
    } while (0)

/* Asserts one status. */
#define test_status(expected, expr)                                                                \
    do {                                                                                           \
        reels_status test_status_ = (expr);                                                        \
        ck_assert_msg(test_status_ == (expected),                                                  \
                      "%s gave %s, not %s",                                                        \
                      #expr,                                                                       \
                      reels_status_name(test_status_),                                             \
                      reels_status_name(expected));                                                \
    } while (0)

/* Says once, on stderr, that something was not tested and why; the test should return then. */
void test_skip(const char *reason);

/* For main(): runs the suite in the way the environment says (TAP under Meson); the exit status. */
int test_main(Suite *suite);

#endif
