/* Owns the inside of reels_ctx: full copies of the host's tables, defaults filled in, so that
 * nobody below asks whether a hook is there. Immutable after reels_ctx_new() but for the scheme
 * registry. */
#ifndef REELS_SRC_BASE_CTX_INTERNAL_H
#define REELS_SRC_BASE_CTX_INTERNAL_H

#include <pthread.h>

#include <reels/base.h>

#include "compiler.h"

struct reels__scheme; /* src/backend/open.c: URL schemes registered with this context */

struct reels_ctx {
    reels_allocator allocator;
    reels_log log;
    reels_metrics metrics;
    reels_trace trace;
    reels_clock clock;
    reels_random random;
    reels_fs fs;
    reels_executor executor; /* threads_count 0 = none given */
    pthread_mutex_t registry_lock;
    struct reels__scheme *schemes; /* under registry_lock */
    void (*schemes_free)(reels_ctx *ctx);
};

/* Log: level tested before formatting. */
int reels__log_enabled(const reels_ctx *ctx, int32_t level);
void reels__log(const reels_ctx *ctx, int32_t level, const char *format, ...) REELS__PRINTF(3, 4);

/* Hooks with their defaults behind them. */
void reels__metric_add(const reels_ctx *ctx,
                       const reels_metric *metric,
                       const char *label_value,
                       int64_t value);
uint64_t reels__trace_begin(const reels_ctx *ctx, const reels_call *call, const char *name);
void reels__trace_end(const reels_ctx *ctx, uint64_t span, reels_status status);
reels_status reels__random_fill(const reels_ctx *ctx, uint8_t *data, size_t len, reels_error *err);

/* OK, CANCELLED or TIMEOUT: what a loop asks between two pieces of work. call may be NULL. */
reels_status reels__call_check(const reels_ctx *ctx, const reels_call *call, reels_error *err);

/* Reads a caller's options struct at the door into a full current copy: NULL gives zeros; smaller
 * than size_v1 is INVALID_ARG; a longer one must have an all-zero tail, else UNSUPPORTED. */
reels_status reels__options_read(const void *options,
                                 size_t size_v1,
                                 void *out_copy,
                                 size_t copy_size,
                                 const char *name,
                                 reels_error *err);

/* Writes a result struct only up to the caller's struct_size (its first member), which must be >=
 * size_v1. */
reels_status reels__result_write(void *out,
                                 size_t size_v1,
                                 const void *full,
                                 size_t full_size,
                                 const char *name,
                                 reels_error *err);

#endif
