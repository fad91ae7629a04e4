/* One queue, first in, first out, under one lock. A waiting thread takes the queued tasks of its
 * own group, so that tasks may wait for tasks without a thread to spare. No lock is held while a
 * task runs or the host's executor is called. */
#include "pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/thread.h"

struct reels__pool_task {
    struct reels__pool_task *next;
    struct reels__pool_group *group;
    reels_task_fn fn;
    void *arg;
    uint64_t ticket; /* the executor's */
};

struct reels__pool {
    const reels_ctx *ctx;
    uint32_t parallel_count;
    int uses_executor;
    pthread_mutex_t lock;
    pthread_cond_t work;     /* the queue got a task, or the pool ends */
    pthread_cond_t finished; /* a task returned */
    struct reels__pool_task *first;
    struct reels__pool_task *last;
    size_t queued_count;
    int ends;
    uint32_t threads_count; /* started by us */
    struct reels__thread *threads[REELS__POOL_THREADS_MAX];
};

/* Takes the first task, or the first one of a group; under the lock. */
static struct reels__pool_task *queue_take(reels__pool *pool, const struct reels__pool_group *group)
{
    struct reels__pool_task *before = NULL;
    struct reels__pool_task *task = pool->first;
    while (task != NULL && group != NULL && task->group != group) {
        before = task;
        task = task->next;
    }
    if (task == NULL) {
        return NULL;
    }
    if (before == NULL) {
        pool->first = task->next;
    } else {
        before->next = task->next;
    }
    if (pool->last == task) {
        pool->last = before;
    }
    pool->queued_count--;
    return task;
}

/* Runs a task that was taken, with the lock held before and after. */
static void task_run(reels__pool *pool, struct reels__pool_task *task)
{
    (void)pthread_mutex_unlock(&pool->lock);
    struct reels__pool_group *group = task->group;
    task->fn(task->arg);
    reels__mem_free(pool->ctx, task);
    (void)pthread_mutex_lock(&pool->lock);
    group->pending_count--;
    if (group->pending_count == 0) {
        (void)pthread_cond_broadcast(&pool->finished);
    }
}

static void worker_main(void *arg)
{
    reels__pool *pool = arg;
    (void)pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct reels__pool_task *task = queue_take(pool, NULL);
        if (task != NULL) {
            task_run(pool, task);
        } else if (pool->ends) {
            break;
        } else {
            (void)pthread_cond_wait(&pool->work, &pool->lock);
        }
    }
    (void)pthread_mutex_unlock(&pool->lock);
}

static reels_status locks_init(reels__pool *pool, reels_error *err)
{
    if (pthread_mutex_init(&pool->lock, NULL) != 0) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "the system refused a lock for a pool");
    }
    if (pthread_cond_init(&pool->work, NULL) != 0) {
        (void)pthread_mutex_destroy(&pool->lock);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "the system refused a condition for a pool");
    }
    if (pthread_cond_init(&pool->finished, NULL) != 0) {
        (void)pthread_cond_destroy(&pool->work);
        (void)pthread_mutex_destroy(&pool->lock);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "the system refused a condition for a pool");
    }
    return REELS_OK;
}

static reels_status threads_start(reels__pool *pool, uint32_t count, reels_error *err)
{
    while (pool->threads_count < count) {
        REELS_TRY(reels__thread_start(
            pool->ctx, worker_main, pool, &pool->threads[pool->threads_count], err));
        pool->threads_count++;
    }
    return REELS_OK;
}

reels_status
reels__pool_new(const reels_ctx *ctx, uint32_t threads_count, reels__pool **out, reels_error *err)
{
    *out = NULL;
    if (threads_count > REELS__POOL_THREADS_MAX) {
        return reels__fail(err,
                           REELS_ERR_LIMIT,
                           "threads_count: %u, and %d are the maximum",
                           (unsigned)threads_count,
                           REELS__POOL_THREADS_MAX);
    }
    uint32_t offered = ctx->executor.threads_count;
    reels__pool *pool = reels__mem_zalloc(ctx, sizeof *pool);
    if (pool == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a thread pool");
    }
    pool->ctx = ctx;
    pool->uses_executor = offered > 0 && threads_count != 1;
    pool->parallel_count = threads_count > 0 ? threads_count : 1;
    if (pool->uses_executor && (threads_count == 0 || threads_count > offered)) {
        pool->parallel_count = offered;
    }
    reels_status status = locks_init(pool, err);
    if (status != REELS_OK) {
        reels__mem_free(ctx, pool);
        return status;
    }
    /* A thread that waits works too, but one that does something else meanwhile does not: all are
     * started. */
    if (pool->parallel_count > 1 && !pool->uses_executor) {
        status = threads_start(pool, pool->parallel_count, err);
    }
    if (status != REELS_OK) {
        reels__pool_free(pool);
        return status;
    }
    *out = pool;
    return REELS_OK;
}

void reels__pool_free(reels__pool *pool)
{
    if (pool == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&pool->lock);
    pool->ends = 1;
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->threads_count; i++) {
        reels__thread_join(pool->threads[i]);
    }
    (void)pthread_cond_destroy(&pool->finished);
    (void)pthread_cond_destroy(&pool->work);
    (void)pthread_mutex_destroy(&pool->lock);
    reels__mem_free(pool->ctx, pool);
}

uint32_t reels__pool_threads_count(const reels__pool *pool)
{
    return pool->parallel_count;
}

/* What the executor calls: the task lives until its ticket has been waited for. */
static void executor_task(void *arg)
{
    struct reels__pool_task *task = arg;
    task->fn(task->arg);
}

static int
executor_submit(reels__pool *pool, struct reels__pool_group *group, struct reels__pool_task *task)
{
    const reels_executor *executor = &pool->ctx->executor;
    if (executor->submit(executor->user, executor_task, task, &task->ticket) != REELS_OK) {
        return 0;
    }
    task->next = group->tasks;
    group->tasks = task;
    return 1;
}

static int
queue_submit(reels__pool *pool, struct reels__pool_group *group, struct reels__pool_task *task)
{
    (void)pthread_mutex_lock(&pool->lock);
    int has_room = pool->queued_count < REELS__POOL_QUEUE_MAX;
    if (has_room) {
        if (pool->last != NULL) {
            pool->last->next = task;
        } else {
            pool->first = task;
        }
        pool->last = task;
        pool->queued_count++;
        group->pending_count++;
        (void)pthread_cond_signal(&pool->work);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return has_room;
}

void reels__pool_run(reels__pool *pool,
                     struct reels__pool_group *group,
                     reels_task_fn fn,
                     void *arg)
{
    struct reels__pool_task *task = NULL;
    if (pool->parallel_count > 1 || pool->uses_executor) {
        task = reels__mem_zalloc(pool->ctx, sizeof *task);
    }
    int taken = 0;
    if (task != NULL) {
        task->group = group;
        task->fn = fn;
        task->arg = arg;
        taken = pool->uses_executor ? executor_submit(pool, group, task)
                                    : queue_submit(pool, group, task);
    }
    if (!taken) {
        reels__mem_free(pool->ctx, task);
        fn(arg);
    }
}

static void executor_wait(reels__pool *pool, struct reels__pool_group *group)
{
    const reels_executor *executor = &pool->ctx->executor;
    while (group->tasks != NULL) {
        struct reels__pool_task *task = group->tasks;
        group->tasks = task->next;
        executor->wait(executor->user, task->ticket);
        reels__mem_free(pool->ctx, task);
    }
}

void reels__pool_wait(reels__pool *pool, struct reels__pool_group *group)
{
    if (pool->uses_executor) {
        executor_wait(pool, group);
        return;
    }
    (void)pthread_mutex_lock(&pool->lock);
    while (group->pending_count > 0) {
        struct reels__pool_task *task = queue_take(pool, group);
        if (task != NULL) {
            task_run(pool, task);
        } else {
            (void)pthread_cond_wait(&pool->finished, &pool->lock);
        }
    }
    (void)pthread_mutex_unlock(&pool->lock);
}

struct for_work {
    void (*fn)(void *user, size_t index);
    void *user;
    size_t items_count;
    atomic_size_t next;
};

static void for_task(void *arg)
{
    struct for_work *work = arg;
    size_t index = atomic_fetch_add(&work->next, 1);
    while (index < work->items_count) {
        work->fn(work->user, index);
        index = atomic_fetch_add(&work->next, 1);
    }
}

void reels__pool_for(reels__pool *pool,
                     size_t items_count,
                     void (*fn)(void *user, size_t index),
                     void *user)
{
    struct for_work work = {.fn = fn, .user = user, .items_count = items_count};
    struct reels__pool_group group = {0};
    atomic_init(&work.next, 0);
    /* The calling thread is one of them. */
    size_t helpers = pool->parallel_count - 1;
    helpers = items_count > 0 && helpers > items_count - 1 ? items_count - 1 : helpers;
    for (size_t i = 0; i < helpers && items_count > 0; i++) {
        reels__pool_run(pool, &group, for_task, &work);
    }
    for_task(&work);
    reels__pool_wait(pool, &group);
}
