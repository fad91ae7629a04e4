/* Owns the starting of threads; thread.c is the only file that does. Signals are blocked in them,
 * so that the host's handlers run on the host's threads. */
#ifndef REELS_SRC_BASE_THREAD_H
#define REELS_SRC_BASE_THREAD_H

#include <reels/base.h>

struct reels__thread;

/* Starts main(arg) on a new thread. LIMIT when the system refuses; NO_MEMORY. */
reels_status reels__thread_start(const reels_ctx *ctx,
                                 void (*main)(void *arg),
                                 void *arg,
                                 struct reels__thread **out,
                                 reels_error *err);

/* Waits for its end and frees it; NULL does nothing. */
void reels__thread_join(struct reels__thread *thread);

#endif
