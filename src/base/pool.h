/* Owns the thread pool. It starts threads only when more than one is asked for, or hands its tasks
 * to the executor of the context when the host gave one; otherwise tasks run at once on the caller.
 * A task can therefore never be refused. Internally locked. */
#ifndef REELS_SRC_BASE_POOL_H
#define REELS_SRC_BASE_POOL_H

#include <reels/base.h>

typedef struct reels__pool reels__pool;
struct reels__pool_task;

/* Tasks that are waited for together. Zero is its start state; one thread at a time submits to it
 * and waits. After a wait it may be used again. */
struct reels__pool_group {
    size_t pending_count;           /* under the pool's lock */
    struct reels__pool_task *tasks; /* handed to the executor, not waited for yet */
};

/* threads_count: 1 = the calling thread does everything; 0 = the executor's number when there is
 * one, else 1; more than 256 is LIMIT. */
reels_status
reels__pool_new(const reels_ctx *ctx, uint32_t threads_count, reels__pool **out, reels_error *err);

/* Every group must have been waited for. Joins the threads; NULL does nothing. */
void reels__pool_free(reels__pool *pool);

/* How many tasks may run at once, at least 1. */
uint32_t reels__pool_threads_count(const reels__pool *pool);

/* Runs fn(arg) some time before the wait for its group returns; on the calling thread, now, when
 * there is no other, no memory, or too long a queue. Tasks may submit to other groups and wait. */
void reels__pool_run(reels__pool *pool,
                     struct reels__pool_group *group,
                     reels_task_fn fn,
                     void *arg);

/* Returns when all tasks of the group have; runs those that have not begun itself. */
void reels__pool_wait(reels__pool *pool, struct reels__pool_group *group);

/* fn(user, i) for each i below items_count, spread over the threads; returns when all have. */
void reels__pool_for(reels__pool *pool,
                     size_t items_count,
                     void (*fn)(void *user, size_t index),
                     void *user);

#endif
