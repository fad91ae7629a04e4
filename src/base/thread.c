/* The only file that names pthread_create. */
#include "thread.h"

#include <pthread.h>
#include <signal.h>

#include "base/error.h"
#include "base/mem.h"

struct reels__thread {
    const reels_ctx *ctx;
    pthread_t id;
    void (*main)(void *arg);
    void *arg;
};

static void *thread_run(void *arg)
{
    struct reels__thread *thread = arg;
    thread->main(thread->arg);
    return NULL;
}

reels_status reels__thread_start(const reels_ctx *ctx,
                                 void (*main)(void *arg),
                                 void *arg,
                                 struct reels__thread **out,
                                 reels_error *err)
{
    *out = NULL;
    struct reels__thread *thread = reels__mem_zalloc(ctx, sizeof *thread);
    if (thread == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a thread");
    }
    thread->ctx = ctx;
    thread->main = main;
    thread->arg = arg;
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    /* The new thread inherits the mask. */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread->id, NULL, thread_run, thread);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        reels__mem_free(ctx, thread);
        return reels__fail_errno(err, REELS_ERR_LIMIT, failed, "the system refused a thread");
    }
    *out = thread;
    return REELS_OK;
}

void reels__thread_join(struct reels__thread *thread)
{
    if (thread != NULL) {
        (void)pthread_join(thread->id, NULL);
        reels__mem_free(thread->ctx, thread);
    }
}
