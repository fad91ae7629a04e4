/* The thread pool: every task once, on the threads that were asked for, and never refused. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx_internal.h"
#include "base/limits.h"
#include "base/pool.h"
#include "base/thread.h"
#include "test_check.h"

enum {
    TASKS = 20000
};

static struct test_env env;
static atomic_int runs[TASKS];
static atomic_int running;
static atomic_int running_most;

static void setup(void)
{
    test_env_init(&env, 0);
    for (int i = 0; i < TASKS; i++) {
        atomic_store(&runs[i], 0);
    }
    atomic_store(&running, 0);
    atomic_store(&running_most, 0);
}

static void teardown(void)
{
    test_env_dispose(&env);
}

static void count_run(void *user, size_t index)
{
    (void)user;
    int now = atomic_fetch_add(&running, 1) + 1;
    int most = atomic_load(&running_most);
    while (now > most && !atomic_compare_exchange_weak(&running_most, &most, now)) {
    }
    atomic_fetch_add(&runs[index], 1);
    atomic_fetch_sub(&running, 1);
}

static void expect_each_once(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(atomic_load(&runs[i]), 1);
    }
}

START_TEST(test_pool_for_runs_each_item_once)
{
    static const uint32_t threads[] = {0, 1, 2, 4, 16};
    static const size_t items[] = {0, 1, 3, TASKS};
    reels__pool *pool = NULL;
    uint32_t wanted = threads[_i / 4];
    size_t count = items[_i % 4];
    test_ok(&env, reels__pool_new(env.ctx, wanted, &pool, &env.err));
    ck_assert_uint_eq(reels__pool_threads_count(pool), wanted > 0 ? wanted : 1);
    reels__pool_for(pool, count, count_run, NULL);
    expect_each_once(count);
    /* The waiting thread works, too. */
    ck_assert_int_le(atomic_load(&running_most), (int)(wanted > 0 ? wanted : 1) + 1);
    reels__pool_free(pool);
}
END_TEST

START_TEST(test_pool_threads_are_bounded)
{
    reels__pool *pool = (reels__pool *)&env;
    test_status(REELS_ERR_LIMIT,
                reels__pool_new(env.ctx, REELS__POOL_THREADS_MAX + 1, &pool, &env.err));
    ck_assert_ptr_null(pool);
    reels__pool_free(NULL);
}
END_TEST

static void remember_thread(void *arg)
{
    *(pthread_t *)arg = pthread_self();
}

START_TEST(test_pool_of_one_runs_on_the_caller_at_once)
{
    reels__pool *pool = NULL;
    struct reels__pool_group group = {0};
    pthread_t ran_on = {0};
    test_ok(&env, reels__pool_new(env.ctx, 1, &pool, &env.err));
    reels__pool_run(pool, &group, remember_thread, &ran_on);
    ck_assert(pthread_equal(ran_on, pthread_self()));
    reels__pool_wait(pool, &group);
    reels__pool_free(pool);
}
END_TEST

/* Two tasks that each wait until the other has begun can only end when both run at once. */
struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int arrived;
};

static void meet(void *arg)
{
    struct meeting *meeting = arg;
    (void)pthread_mutex_lock(&meeting->lock);
    meeting->arrived++;
    (void)pthread_cond_broadcast(&meeting->changed);
    while (meeting->arrived < 2) {
        (void)pthread_cond_wait(&meeting->changed, &meeting->lock);
    }
    (void)pthread_mutex_unlock(&meeting->lock);
}

START_TEST(test_pool_of_two_runs_two_at_once)
{
    struct meeting meeting = {.lock = PTHREAD_MUTEX_INITIALIZER,
                              .changed = PTHREAD_COND_INITIALIZER};
    struct reels__pool_group group = {0};
    reels__pool *pool = NULL;
    test_ok(&env, reels__pool_new(env.ctx, 2, &pool, &env.err));
    reels__pool_run(pool, &group, meet, &meeting);
    reels__pool_run(pool, &group, meet, &meeting);
    reels__pool_wait(pool, &group);
    ck_assert_int_eq(meeting.arrived, 2);
    reels__pool_free(pool);
}
END_TEST

/* Every task splits its range in two, hands both halves to the pool and waits for them. */
struct range {
    reels__pool *pool;
    size_t start;
    size_t end;
};

static void split(void *arg)
{
    const struct range *range = arg;
    if (range->end - range->start == 1) {
        count_run(NULL, range->start);
        return;
    }
    size_t middle = range->start + (range->end - range->start) / 2;
    struct range left = {range->pool, range->start, middle};
    struct range right = {range->pool, middle, range->end};
    struct reels__pool_group group = {0};
    reels__pool_run(range->pool, &group, split, &left);
    reels__pool_run(range->pool, &group, split, &right);
    reels__pool_wait(range->pool, &group);
}

START_TEST(test_pool_tasks_may_wait_for_tasks)
{
    reels__pool *pool = NULL;
    test_ok(&env, reels__pool_new(env.ctx, (uint32_t)_i, &pool, &env.err));
    struct range all = {pool, 0, 1000};
    split(&all);
    expect_each_once(1000);
    reels__pool_free(pool);
}
END_TEST

static void count_one(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

START_TEST(test_pool_full_queue_and_refused_memory_run_on_the_caller)
{
    reels__pool *pool = NULL;
    struct reels__pool_group group = {0};
    test_ok(&env, reels__pool_new(env.ctx, 2, &pool, &env.err));
    for (int i = 0; i < TASKS; i++) {
        test_alloc_fail(&env.alloc, i % 2 == 0 ? 1 : 0, 0);
        reels__pool_run(pool, &group, count_one, &runs[i]);
    }
    test_alloc_fail(&env.alloc, 0, 0);
    reels__pool_wait(pool, &group);
    expect_each_once(TASKS);
    /* The group may be used again. */
    reels__pool_run(pool, &group, count_one, &runs[0]);
    reels__pool_wait(pool, &group);
    ck_assert_int_eq(atomic_load(&runs[0]), 2);
    reels__pool_free(pool);
}
END_TEST

/* An executor that keeps tasks until they are waited for, refuses every third, and runs some inside
 * submit. */
struct lazy_executor {
    reels_executor table;
    reels_task_fn tasks[64];
    void *args[64];
    uint64_t next_ticket;
    int refused;
    int waits;
};

static reels_status lazy_submit(void *user, reels_task_fn task, void *arg, uint64_t *out_ticket)
{
    struct lazy_executor *executor = user;
    uint64_t ticket = executor->next_ticket++;
    if (ticket % 3 == 2) {
        executor->refused++;
        return REELS_ERR_BUSY;
    }
    *out_ticket = ticket;
    if (ticket % 3 == 1) {
        task(arg);
        return REELS_OK;
    }
    executor->tasks[ticket % 64] = task;
    executor->args[ticket % 64] = arg;
    return REELS_OK;
}

static void lazy_wait(void *user, uint64_t ticket)
{
    struct lazy_executor *executor = user;
    executor->waits++;
    if (ticket % 3 == 0) {
        executor->tasks[ticket % 64](executor->args[ticket % 64]);
    }
}

START_TEST(test_pool_uses_the_executor_of_the_host)
{
    struct lazy_executor executor = {
        .table = {.struct_size = sizeof(reels_executor),
                  .threads_count = 8,
                  .submit = lazy_submit,
                  .wait = lazy_wait},
    };
    executor.table.user = &executor;
    reels_ctx_options options = {
        .struct_size = sizeof options, .allocator = &env.alloc.table, .executor = &executor.table};
    reels_ctx *ctx = NULL;
    reels__pool *pool = NULL;
    struct reels__pool_group group = {0};
    test_ok(&env, reels_ctx_new(&options, &ctx, &env.err));
    test_ok(&env, reels__pool_new(ctx, 0, &pool, &env.err));
    ck_assert_uint_eq(reels__pool_threads_count(pool), 8);
    for (int i = 0; i < 30; i++) {
        reels__pool_run(pool, &group, count_one, &runs[i]);
    }
    ck_assert_int_eq(atomic_load(&runs[0]), 0);
    ck_assert_int_eq(atomic_load(&runs[2]), 1);
    reels__pool_wait(pool, &group);
    expect_each_once(30);
    ck_assert_int_eq(executor.refused, 10);
    ck_assert_int_eq(executor.waits, 20);
    reels__pool_free(pool);
    test_ok(&env, reels__pool_new(ctx, 3, &pool, &env.err));
    ck_assert_uint_eq(reels__pool_threads_count(pool), 3);
    reels__pool_free(pool);
    test_ok(&env, reels__pool_new(ctx, 1, &pool, &env.err));
    reels__pool_run(pool, &group, count_one, &runs[40]);
    ck_assert_int_eq(atomic_load(&runs[40]), 1);
    reels__pool_free(pool);
    reels_ctx_free(ctx);
}
END_TEST

static void mask_read(void *arg)
{
    (void)pthread_sigmask(SIG_SETMASK, NULL, arg);
}

START_TEST(test_thread_blocks_signals_and_leaves_the_callers_mask)
{
    sigset_t before;
    sigset_t after;
    sigset_t inside;
    struct reels__thread *thread = NULL;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &before);
    test_ok(&env, reels__thread_start(env.ctx, mask_read, &inside, &thread, &env.err));
    reels__thread_join(thread);
    reels__thread_join(NULL);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
    ck_assert_int_eq(sigismember(&inside, SIGTERM), 1);
    ck_assert_int_eq(sigismember(&inside, SIGPROF), 1);
    ck_assert_int_eq(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
}
END_TEST

static reels_status pool_run(reels_ctx *ctx, void *arg)
{
    (void)arg;
    reels__pool *pool = NULL;
    reels_status status = reels__pool_new(ctx, 3, &pool, NULL);
    ck_assert((pool != NULL) == (status == REELS_OK));
    if (status == REELS_OK) {
        atomic_int count;
        atomic_init(&count, 0);
        struct reels__pool_group group = {0};
        for (int i = 0; i < 10; i++) {
            reels__pool_run(pool, &group, count_one, &count);
        }
        reels__pool_wait(pool, &group);
        ck_assert_int_eq(atomic_load(&count), 10);
    }
    reels__pool_free(pool);
    return status;
}

START_TEST(test_pool_survives_refused_memory)
{
    ck_assert_uint_ge(test_oom_run(0, pool_run, NULL), 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool");
    TCase *tcase = tcase_create("pool");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_pool_for_runs_each_item_once, 0, 20);
    tcase_add_test(tcase, test_pool_threads_are_bounded);
    tcase_add_test(tcase, test_pool_of_one_runs_on_the_caller_at_once);
    tcase_add_test(tcase, test_pool_of_two_runs_two_at_once);
    tcase_add_loop_test(tcase, test_pool_tasks_may_wait_for_tasks, 1, 5);
    tcase_add_test(tcase, test_pool_full_queue_and_refused_memory_run_on_the_caller);
    tcase_add_test(tcase, test_pool_uses_the_executor_of_the_host);
    tcase_add_test(tcase, test_thread_blocks_signals_and_leaves_the_callers_mask);
    tcase_add_test(tcase, test_pool_survives_refused_memory);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
