/* Owns the minting of IDs: the lock-free path, and the waits for a tick to begin. Invariants are in
 * generator.h. */
#include "generator.h"

#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    MINTED_BITS_MAX = 63,   /* positive in signed 64-bit columns */
    TICK_WAITS_MAX = 100000 /* sleeps in which the clock does not move before it is called broken */
};

static const int64_t lease_duration_default_us = 10 * INT64_C(1000000);
static const int64_t lease_duration_min_us = 10 * INT64_C(1000);
static const int64_t lease_duration_max_us = 86400 * INT64_C(1000000);
static const int64_t ahead_max_default_us = 3600 * INT64_C(1000000);
static const int64_t ahead_max_limit_us = INT64_C(36500) * 86400 * INT64_C(1000000);

int64_t reels__id_clock_us(const reels_id_generator *generator)
{
    const reels_ctx *ctx = generator->ctx;
    return ctx->clock.wall_unix_us(ctx->clock.user) - generator->layout.epoch_unix_us;
}

static uint64_t tick_of_us(const reels_id_generator *generator, int64_t us)
{
    uint64_t tick = us > 0 ? (uint64_t)us / REELS__ID_TICK_US : 0;
    return tick < generator->tick_end ? tick : generator->tick_end;
}

void reels__id_word_raise(reels_id_generator *generator, uint64_t tick)
{
    uint64_t least = tick << generator->layout.sequence_bits;
    uint64_t seen = atomic_load_explicit(&generator->word, memory_order_acquire);
    while (seen < least &&
           !atomic_compare_exchange_weak_explicit(
               &generator->word, &seen, least, memory_order_acq_rel, memory_order_acquire)) {
    }
}

reels_status
reels__id_ahead_check(const reels_id_generator *generator, int64_t ahead_us, reels_error *err)
{
    if (ahead_us <= generator->ahead_max_us) {
        return REELS_OK;
    }
    reels_status status = reels__fail(err,
                                      REELS_ERR_STATE,
                                      "the clock is %lld ms behind the last ID; the limit is %lld",
                                      (long long)(ahead_us / REELS__ID_TICK_US),
                                      (long long)(generator->ahead_max_us / REELS__ID_TICK_US));
    if (err != NULL && err->struct_size >= sizeof *err) {
        err->flags |= REELS_ERROR_RETRIABLE; /* time heals it */
    }
    return status;
}

/* The clock stands before `tick`. A tick that others have begun is fine; one that has not begun is
 * slept for, until the clock reaches it or, when the clock was set back, for one tick's length. */
static reels_status tick_wait(reels_id_generator *generator,
                              const reels_call *call,
                              uint64_t word,
                              reels__id_verdict *out,
                              reels_error *err)
{
    const reels_ctx *ctx = generator->ctx;
    int64_t start_us = (int64_t)(word >> generator->layout.sequence_bits) * REELS__ID_TICK_US;
    int64_t ahead_us = start_us - reels__id_clock_us(generator);
    REELS_TRY(reels__id_ahead_check(generator, ahead_us, err));
    *out = REELS__ID_GO;
    if ((word & generator->sequence_mask) != 0) {
        return REELS_OK;
    }
    int64_t seen_mono_us = ctx->clock.mono_us(ctx->clock.user);
    int64_t waited_us = 0;
    for (int i = 0; i < TICK_WAITS_MAX && waited_us < REELS__ID_TICK_US; i++) {
        if (ahead_us <= 0 || atomic_load_explicit(&generator->word, memory_order_acquire) != word) {
            *out = REELS__ID_AGAIN;
            return REELS_OK;
        }
        REELS_TRY(reels__call_check(ctx, call, err));
        int64_t rest_us = REELS__ID_TICK_US - waited_us;
        ctx->clock.sleep_us(ctx->clock.user, ahead_us < rest_us ? ahead_us : rest_us);
        ahead_us = start_us - reels__id_clock_us(generator);
        waited_us = ctx->clock.mono_us(ctx->clock.user) - seen_mono_us;
    }
    if (waited_us < REELS__ID_TICK_US) {
        return reels__fail(err, REELS_ERR_HOST, "the clock's sleep does not let its time pass");
    }
    return REELS_OK;
}

/* Whether the tick of `word` may be minted: the limits of lease and layout, and the tick's
 * beginning. */
static reels_status admit(reels_id_generator *generator,
                          const reels_call *call,
                          uint64_t word,
                          uint64_t now,
                          reels__id_verdict *out,
                          reels_error *err)
{
    uint64_t tick = word >> generator->layout.sequence_bits;
    uint64_t fast_until = atomic_load_explicit(&generator->fast_until, memory_order_acquire);
    *out = REELS__ID_GO;
    if (tick >= fast_until) {
        REELS_TRY(reels__id_lease_keep(generator, call, tick, out, err));
    }
    if (*out == REELS__ID_GO && word > (now | generator->sequence_mask)) {
        REELS_TRY(tick_wait(generator, call, word, out, err));
    }
    return REELS_OK;
}

/* Reserves up to `want` IDs of one tick: *out_first and the following ones. */
static reels_status reserve(reels_id_generator *generator,
                            const reels_call *call,
                            uint64_t want,
                            uint64_t *out_first,
                            uint64_t *out_count,
                            reels_error *err)
{
    uint32_t sequence_bits = generator->layout.sequence_bits;
    uint64_t mask = generator->sequence_mask;
    /* Each turn follows a word that another thread moved, a wait, or an extended lease. */
    for (;;) {
        uint64_t seen = atomic_load_explicit(&generator->word, memory_order_acquire);
        uint64_t now = tick_of_us(generator, reels__id_clock_us(generator)) << sequence_bits;
        uint64_t word = seen > now ? seen : now;
        reels__id_verdict verdict = REELS__ID_AGAIN;
        reels_status status = admit(generator, call, word, now, &verdict, err);
        if (status != REELS_OK) {
            return status;
        }
        if (verdict == REELS__ID_AGAIN) {
            continue;
        }
        uint64_t left = mask + 1 - (word & mask);
        uint64_t count = want < left ? want : left;
        /* Read after the limits: a node number changes only while the word stands at a closed
         * limit, so if the swap succeeds this is the number that belongs to the word. */
        uint64_t node = atomic_load_explicit(&generator->node_field, memory_order_relaxed);
        if (atomic_compare_exchange_strong_explicit(&generator->word,
                                                    &seen,
                                                    word + count,
                                                    memory_order_acq_rel,
                                                    memory_order_relaxed)) {
            uint32_t time_shift = generator->layout.node_bits + sequence_bits;
            *out_first = word >> sequence_bits << time_shift | node | (word & mask);
            *out_count = count;
            return REELS_OK;
        }
    }
}

reels_status reels_id_next(reels_id_generator *generator,
                           const reels_call *call,
                           uint64_t *out_id,
                           reels_error *err)
{
    REELS_REQUIRE(generator != NULL && out_id != NULL, err, "generator or out_id is NULL");
    uint64_t count = 0;
    return reserve(generator, call, 1, out_id, &count, err);
}

reels_status reels_id_next_many(reels_id_generator *generator,
                                const reels_call *call,
                                size_t ids_count,
                                uint64_t *out_ids,
                                reels_error *err)
{
    REELS_REQUIRE(generator != NULL && out_ids != NULL, err, "generator or out_ids is NULL");
    REELS_REQUIRE(ids_count <= REELS_ID_BATCH_MAX, err, "ids_count is above REELS_ID_BATCH_MAX");
    size_t done = 0;
    while (done < ids_count) {
        uint64_t first = 0;
        uint64_t count = 0;
        REELS_TRY(reserve(generator, call, ids_count - done, &first, &count, err));
        for (uint64_t i = 0; i < count; i++) {
            out_ids[done + i] = first + i;
        }
        done += (size_t)count;
    }
    return REELS_OK;
}

uint32_t reels_id_generator_node(const reels_id_generator *generator)
{
    uint64_t field = atomic_load_explicit(&generator->node_field, memory_order_relaxed);
    uint32_t bits = generator->layout.node_bits - generator->layout.region_bits;
    return (uint32_t)(field >> generator->layout.sequence_bits & reels__id_mask(bits));
}

/* Checks the options and lays out a generator on the stack; nothing is taken yet. */
static reels_status
draft_read(const reels_id_options *options, reels_id_generator *draft, reels_error *err)
{
    reels_id_options full = {0};
    REELS_TRY(
        reels__options_read(options, sizeof full, &full, sizeof full, "reels_id_options", err));
    REELS_TRY(reels__id_layout_read(full.layout, &draft->layout, err));
    const reels__id_layout *layout = &draft->layout;
    REELS_REQUIRE(layout->time_bits + layout->node_bits + layout->sequence_bits <= MINTED_BITS_MAX,
                  err,
                  "layout: IDs are minted with 63 bits or fewer");
    uint32_t plain_bits = layout->node_bits - layout->region_bits;
    REELS_REQUIRE((full.flags & ~(uint32_t)REELS_ID_NODE_LEASED) == 0, err, "unknown flag");
    REELS_REQUIRE(full.region <= reels__id_mask(layout->region_bits),
                  err,
                  "region does not fit into the layout's region_bits");
    REELS_REQUIRE(full.node <= reels__id_mask(plain_bits),
                  err,
                  "node does not fit into the layout's node bits");
    REELS_REQUIRE(full.flags == 0 || full.lease != NULL, err, "REELS_ID_NODE_LEASED needs a lease");
    int64_t duration_us =
        full.lease_duration_us == 0 ? lease_duration_default_us : full.lease_duration_us;
    REELS_REQUIRE(duration_us >= lease_duration_min_us && duration_us <= lease_duration_max_us,
                  err,
                  "lease_duration_us must be 10 ms to 1 day");
    draft->ahead_max_us = full.ahead_max_us == 0 ? ahead_max_default_us : full.ahead_max_us;
    REELS_REQUIRE(draft->ahead_max_us >= REELS__ID_TICK_US &&
                      draft->ahead_max_us <= ahead_max_limit_us,
                  err,
                  "ahead_max_us must be 1 ms to 100 years");
    if (full.lease != NULL) {
        REELS_TRY(reels__options_read(full.lease,
                                      sizeof draft->lease,
                                      &draft->lease,
                                      sizeof draft->lease,
                                      "reels_id_lease_vtable",
                                      err));
        REELS_REQUIRE(draft->lease.acquire != NULL && draft->lease.extend != NULL,
                      err,
                      "lease: acquire and extend must be set");
    }
    draft->has_lease = full.lease != NULL;
    draft->lease_impl = full.lease_impl;
    draft->request = (reels_id_lease_request){
        .struct_size = sizeof(reels_id_lease_request),
        .flags = full.flags,
        .region = full.region,
        .node = full.node,
        .nodes_count = (uint32_t)(reels__id_mask(plain_bits) + 1),
        .duration_us = duration_us,
    };
    return REELS_OK;
}

/* The first tick must lie in the layout's time and not too far ahead of the clock. */
static reels_status start_check(const reels_id_generator *generator, reels_error *err)
{
    uint64_t word = atomic_load_explicit(&generator->word, memory_order_relaxed);
    uint64_t tick = word >> generator->layout.sequence_bits;
    int64_t now_us = reels__id_clock_us(generator);
    if (tick >= generator->tick_end || tick_of_us(generator, now_us) >= generator->tick_end) {
        return reels__fail(err, REELS_ERR_LIMIT, "the time of the layout is used up");
    }
    return reels__id_ahead_check(generator, (int64_t)tick * REELS__ID_TICK_US - now_us, err);
}

reels_status reels_id_generator_new(reels_ctx *ctx,
                                    const reels_id_options *options,
                                    const reels_call *call,
                                    reels_id_generator **out,
                                    reels_error *err)
{
    REELS_REQUIRE(ctx != NULL && out != NULL, err, "ctx or out is NULL");
    *out = NULL;
    reels_id_generator draft = {.ctx = ctx};
    REELS_TRY(draft_read(options, &draft, err));
    const reels__id_layout *layout = &draft.layout;
    draft.sequence_mask = reels__id_mask(layout->sequence_bits);
    uint64_t tick_end = reels__id_mask(layout->time_bits) + 1;
    /* In 64-bit microseconds no later tick can be told, whatever the layout holds. */
    uint64_t tick_told = (uint64_t)(INT64_MAX / REELS__ID_TICK_US / 4);
    draft.tick_end = tick_end < tick_told ? tick_end : tick_told;
    uint64_t node = (uint64_t)draft.request.region << (layout->node_bits - layout->region_bits) |
                    draft.request.node;
    atomic_init(&draft.node_field, node << layout->sequence_bits);
    /* With a lease nothing can be minted before it is taken. */
    uint64_t limit = draft.has_lease ? 0 : draft.tick_end;
    atomic_init(&draft.fast_until, limit);
    atomic_init(&draft.lease_until, limit);

    reels_id_generator *generator = reels__mem_alloc64(ctx, sizeof *generator);
    if (generator == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for an ID generator");
    }
    memcpy(generator, &draft, sizeof draft);
    reels_status status = REELS_OK;
    if (generator->has_lease) {
        status = reels__id_lease_take(generator, call, err);
    }
    if (status == REELS_OK) {
        status = start_check(generator, err);
    }
    if (status != REELS_OK) {
        reels__id_lease_drop(generator);
        reels__mem_free(ctx, generator);
        return status;
    }
    *out = generator;
    return REELS_OK;
}

void reels_id_generator_free(reels_id_generator *generator)
{
    if (generator == NULL) {
        return;
    }
    reels__id_lease_drop(generator);
    if (generator->lease.destroy != NULL) {
        generator->lease.destroy(generator->lease_impl);
    }
    reels__mem_free(generator->ctx, generator);
}
