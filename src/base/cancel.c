/* Owns the cancel flag and what a call record means to a loop. */
#include <stdatomic.h>

#include <reels/base.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

/* A lock-free atomic is what makes raising legal inside a signal handler. */
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "atomic_int must be lock-free");

struct reels_cancel {
    reels_ctx *ctx;
    atomic_int raised;
};

reels_status reels_cancel_new(reels_ctx *ctx, reels_cancel **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    reels_cancel *cancel = reels__mem_zalloc(ctx, sizeof *cancel);
    if (cancel == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "cancel flag: no memory");
    }
    cancel->ctx = ctx;
    atomic_init(&cancel->raised, 0);
    *out = cancel;
    return REELS_OK;
}

void reels_cancel_raise(reels_cancel *cancel)
{
    if (cancel != NULL) {
        atomic_store_explicit(&cancel->raised, 1, memory_order_release);
    }
}

int32_t reels_cancel_is_raised(const reels_cancel *cancel)
{
    return cancel != NULL && atomic_load_explicit(&cancel->raised, memory_order_acquire) != 0;
}

void reels_cancel_free(reels_cancel *cancel)
{
    if (cancel != NULL) {
        reels__mem_free(cancel->ctx, cancel);
    }
}

reels_status reels__call_check(const reels_ctx *ctx, const reels_call *call, reels_error *err)
{
    if (call == NULL) {
        return REELS_OK;
    }
    REELS_REQUIRE(call->struct_size >= sizeof(reels_call), err, "call: struct_size is too small");
    if (reels_cancel_is_raised(call->cancel)) {
        return reels__fail(err, REELS_ERR_CANCELLED, "the call was cancelled");
    }
    if (call->deadline_mono_us != 0 && reels_ctx_now_mono_us(ctx) >= call->deadline_mono_us) {
        return reels__fail(err, REELS_ERR_TIMEOUT, "the deadline of the call passed");
    }
    return REELS_OK;
}
