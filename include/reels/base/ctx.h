/* Owns the context, from which everything else is made, the cancel flag and the call record. */
#ifndef REELS_BASE_CTX_H
#define REELS_BASE_CTX_H

#include <reels/base/hooks.h>

REELS_BEGIN_DECLS

/**
 * The root of everything: two contexts in one process know nothing of each other.
 *
 * After fork() the child may only call _exit() or an exec function: locks and threads of the parent
 * do not exist there.
 *
 * @threadsafety internally locked; every object made from it says its own rule
 */
typedef struct reels_ctx reels_ctx;

/** Options of reels_ctx_new(); all zero plus struct_size is a valid default. Tables are copied. */
typedef struct reels_ctx_options {
    uint32_t struct_size;
    uint32_t reserved0;
    const reels_allocator *allocator; /**< NULL = malloc */
    const reels_log *log;             /**< NULL = silent */
    const reels_metrics *metrics;     /**< NULL = none */
    const reels_trace *trace;         /**< NULL = none */
    const reels_clock *clock;         /**< NULL = system */
    const reels_random *random;       /**< NULL = system */
    const reels_fs *fs;               /**< NULL = POSIX */
    const reels_executor *executor;   /**< NULL = objects use their own threads when asked for */
} reels_ctx_options;

/**
 * Makes a context.
 *
 * @param      options  NULL gives the defaults
 * @param[out] out      the context, NULL on failure
 * @param[out] err      detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for a table without its must slots; REELS_ERR_UNSUPPORTED
 * for options of a newer version; REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out; the tables are copied, what their `user` points to must
 * outlive the context
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_ctx_new(const reels_ctx_options *options,
                                     reels_ctx **out,
                                     reels_error *err);

/**
 * Frees a context. Every object made from it must have been freed before.
 *
 * @param ctx  NULL does nothing
 * @ownership     takes ctx
 * @threadsafety  one thread, once
 * @since 0.1
 */
REELS_API void reels_ctx_free(reels_ctx *ctx);

/**
 * Gives the context's wall clock, microseconds since 1970.
 *
 * @param ctx  context
 * @return the time
 * @ownership     none
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API int64_t reels_ctx_now_unix_us(const reels_ctx *ctx);

/**
 * Gives the context's monotonic clock in microseconds, the scale of reels_call.deadline_mono_us.
 *
 * @param ctx  context
 * @return the time
 * @ownership     none
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API int64_t reels_ctx_now_mono_us(const reels_ctx *ctx);

/** Tells a running call to stop. @threadsafety internally locked: any thread may raise it */
typedef struct reels_cancel reels_cancel;

/**
 * Makes a cancel flag, lowered.
 *
 * @param      ctx  context
 * @param[out] out  the flag, NULL on failure
 * @param[out] err  detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out; it must outlive the calls it was given to
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_cancel_new(reels_ctx *ctx, reels_cancel **out, reels_error *err);

/**
 * Raises the flag: calls that carry it return REELS_ERR_CANCELLED soon.
 *
 * @param cancel  flag
 * @ownership     none
 * @threadsafety  any thread, also from a signal handler
 * @since 0.1
 */
REELS_API void reels_cancel_raise(reels_cancel *cancel);

/**
 * Tells whether the flag is raised.
 *
 * @param cancel  flag; NULL gives 0
 * @return 1 when raised, else 0
 * @ownership     none
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API int32_t reels_cancel_is_raised(const reels_cancel *cancel);

/**
 * Frees a flag.
 *
 * @param cancel  NULL does nothing
 * @ownership     takes cancel
 * @threadsafety  one thread, once, when no call uses it
 * @since 0.1
 */
REELS_API void reels_cancel_free(reels_cancel *cancel);

/**
 * Travels with calls that may block. NULL means: no deadline, no cancel, no parent span. Borrowed
 * for the call.
 */
typedef struct reels_call {
    uint32_t struct_size;
    uint32_t reserved0;
    int64_t deadline_mono_us;   /**< on reels_ctx_now_mono_us(); 0 = none */
    const reels_cancel *cancel; /**< may be NULL */
    uint64_t trace_parent;      /**< span number given by the trace hook; 0 = none */
} reels_call;

REELS_END_DECLS

#endif
