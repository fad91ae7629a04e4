/* Owns the keeping of a generator's lease. Invariants:
 * - lease_until is raised only after the lease has persisted it;
 * - one thread at a time is the keeper and calls the lease's slots; nobody holds a lock meanwhile;
 * - the node number changes only after the word was raised to lease_until, so that IDs of the old
 *   number all lie below that limit and IDs of the new one at or above it. */
#include "base/ctx_internal.h"
#include "base/error.h"
#include "generator.h"

enum {
    KEEPER_WAIT_US = 1000,
    TAKES_MAX = 4 /* attempts at a lease that others take away at once */
};

static const reels_metric extensions_metric = {
    .name = "reels_id_lease_extensions_count",
    .help = "Times an ID lease was extended.",
    .kind = REELS_METRIC_COUNTER,
};

static const reels_metric failures_metric = {
    .name = "reels_id_lease_failures_count",
    .help = "Times an ID lease could not be extended or acquired.",
    .kind = REELS_METRIC_COUNTER,
};

/* What a slot said, with numbers that are no failure made one. */
static reels_status slot_status(reels_status status, const char *what, reels_error *err)
{
    if (status > 0) {
        return reels__fail(err, REELS_ERR_HOST, "%s gave a status that is no failure", what);
    }
    if (status < 0 && err != NULL && err->status != status) {
        return reels__fail(err, status, "%s failed: %s", what, reels_status_text(status));
    }
    if (status < 0) {
        reels__error_prefix(err, what);
    }
    return status;
}

/* Persists a limit one lease duration beyond `tick`, or beyond the clock when that is later. */
static reels_status
lease_extend(reels_id_generator *generator, const reels_call *call, uint64_t tick, reels_error *err)
{
    int64_t from_us = (int64_t)tick * REELS__ID_TICK_US;
    int64_t now_us = reels__id_clock_us(generator);
    int64_t end_us = (int64_t)generator->tick_end * REELS__ID_TICK_US;
    int64_t base_us = from_us > now_us ? from_us : now_us;
    base_us = base_us < end_us ? base_us : end_us;
    int64_t until_us = base_us + generator->request.duration_us;
    until_us = until_us < end_us ? until_us : end_us;
    reels_status status = generator->lease.extend(
        generator->lease_impl, call, generator->layout.epoch_unix_us + until_us, err);
    REELS_TRY(slot_status(status, "extending the ID lease", err));
    uint64_t until = (uint64_t)until_us / REELS__ID_TICK_US;
    uint64_t half = (uint64_t)generator->request.duration_us / REELS__ID_TICK_US / 2;
    uint64_t fast_until = until == generator->tick_end ? until : until - half;
    atomic_store_explicit(&generator->lease_until, until, memory_order_release);
    atomic_store_explicit(&generator->fast_until, fast_until, memory_order_release);
    reels__metric_add(generator->ctx, &extensions_metric, NULL, 1);
    return REELS_OK;
}

static reels_status
lease_check(const reels_id_generator *generator, const reels_id_lease *lease, reels_error *err)
{
    const reels_id_lease_request *request = &generator->request;
    int is_wanted = (request->flags & REELS_ID_NODE_LEASED) != 0 || lease->node == request->node;
    if (lease->node >= request->nodes_count || !is_wanted) {
        return reels__fail(
            err, REELS_ERR_HOST, "the ID lease gave node %u, which was not asked for", lease->node);
    }
    return REELS_OK;
}

/* Starts at the floor of a lease that was just acquired. */
static reels_status lease_begin(reels_id_generator *generator,
                                const reels_call *call,
                                const reels_id_lease *lease,
                                reels_error *err)
{
    REELS_TRY(lease_check(generator, lease, err));
    int64_t epoch_us = generator->layout.epoch_unix_us;
    int64_t floor_us = lease->floor_unix_us > epoch_us ? lease->floor_unix_us - epoch_us : 0;
    int64_t end_us = (int64_t)generator->tick_end * REELS__ID_TICK_US;
    if (floor_us >= end_us) {
        return reels__fail(err, REELS_ERR_LIMIT, "the time of the layout is used up");
    }
    /* Asked before anything is persisted, so that restarts do not push the limit on and on. */
    REELS_TRY(reels__id_ahead_check(generator, floor_us - reels__id_clock_us(generator), err));
    uint64_t floor_tick = ((uint64_t)floor_us + REELS__ID_TICK_US - 1) / REELS__ID_TICK_US;
    reels__id_word_raise(generator, floor_tick);
    uint32_t plain_bits = generator->layout.node_bits - generator->layout.region_bits;
    uint64_t node = (uint64_t)generator->request.region << plain_bits | lease->node;
    atomic_store_explicit(
        &generator->node_field, node << generator->layout.sequence_bits, memory_order_relaxed);
    uint64_t word = atomic_load_explicit(&generator->word, memory_order_acquire);
    return lease_extend(generator, call, word >> generator->layout.sequence_bits, err);
}

/* Acquires and starts; what was acquired and could not be started is given back. */
static reels_status
take_once(reels_id_generator *generator, const reels_call *call, reels_error *err)
{
    reels_id_lease lease = {.struct_size = sizeof lease};
    reels_status status =
        generator->lease.acquire(generator->lease_impl, call, &generator->request, &lease, err);
    REELS_TRY(slot_status(status, "acquiring an ID lease", err));
    generator->is_held = 1;
    status = lease_begin(generator, call, &lease, err);
    if (status != REELS_OK) {
        generator->is_held = 0;
        if (generator->lease.release != NULL) {
            generator->lease.release(generator->lease_impl, lease.floor_unix_us);
        }
    }
    return status;
}

reels_status
reels__id_lease_take(reels_id_generator *generator, const reels_call *call, reels_error *err)
{
    /* Closed: until the new limit is persisted nothing can be minted. */
    uint64_t until = atomic_load_explicit(&generator->lease_until, memory_order_relaxed);
    atomic_store_explicit(&generator->fast_until, until, memory_order_release);
    reels__id_word_raise(generator, until);
    reels_status status = REELS_ERR_STALE;
    /* STALE: somebody took the node between its acquiring and its first extension. */
    for (int i = 0; i < TAKES_MAX && status == REELS_ERR_STALE; i++) {
        status = take_once(generator, call, err);
    }
    return status;
}

/* Hands a detail on that was kept back until it was known to matter. */
static reels_status detail_pass(const reels_error *detail, reels_status status, reels_error *err)
{
    if (err != NULL && err->struct_size >= sizeof *err) {
        uint32_t struct_size = err->struct_size;
        *err = *detail;
        err->struct_size = struct_size;
    }
    return status;
}

/* The keeper's work. A failure with room left only moves the next attempt; it halves the room, so
 * that attempts come closer together as the limit does. */
static reels_status
keep(reels_id_generator *generator, const reels_call *call, uint64_t tick, reels_error *err)
{
    reels_error detail = REELS__ERROR_INIT;
    reels_status status = REELS_ERR_STALE;
    if (generator->is_held) {
        status = lease_extend(generator, call, tick, &detail);
    }
    if (status == REELS_ERR_STALE) {
        generator->is_held = 0;
        status = reels__id_lease_take(generator, call, &detail);
    }
    if (status == REELS_OK) {
        return REELS_OK;
    }
    reels__metric_add(generator->ctx, &failures_metric, NULL, 1);
    uint64_t until = atomic_load_explicit(&generator->lease_until, memory_order_relaxed);
    if (tick < until && generator->is_held) {
        atomic_store_explicit(
            &generator->fast_until, tick + (until - tick + 1) / 2, memory_order_release);
        reels__log(generator->ctx, REELS_LOG_WARN, "%s", detail.message);
        return REELS_OK;
    }
    return detail_pass(&detail, status, err);
}

reels_status reels__id_lease_keep(reels_id_generator *generator,
                                  const reels_call *call,
                                  uint64_t tick,
                                  reels__id_verdict *out,
                                  reels_error *err)
{
    *out = REELS__ID_AGAIN;
    if (tick >= generator->tick_end) {
        return reels__fail(err, REELS_ERR_LIMIT, "the time of the layout is used up");
    }
    if (atomic_exchange_explicit(&generator->keeper, 1, memory_order_acquire) != 0) {
        if (tick < atomic_load_explicit(&generator->lease_until, memory_order_acquire)) {
            *out = REELS__ID_GO;
            return REELS_OK;
        }
        REELS_TRY(reels__call_check(generator->ctx, call, err));
        generator->ctx->clock.sleep_us(generator->ctx->clock.user, KEEPER_WAIT_US);
        return REELS_OK;
    }
    reels_status status = REELS_OK;
    /* Somebody else may have done it between the caller's look and now. */
    if (tick >= atomic_load_explicit(&generator->fast_until, memory_order_acquire)) {
        status = keep(generator, call, tick, err);
    }
    atomic_store_explicit(&generator->keeper, 0, memory_order_release);
    return status;
}

void reels__id_lease_drop(reels_id_generator *generator)
{
    if (!generator->is_held || generator->lease.release == NULL) {
        return;
    }
    uint64_t word = atomic_load_explicit(&generator->word, memory_order_acquire);
    uint64_t tick = word >> generator->layout.sequence_bits;
    tick += (word & generator->sequence_mask) != 0 ? 1 : 0;
    generator->lease.release(generator->lease_impl,
                             generator->layout.epoch_unix_us + (int64_t)tick * REELS__ID_TICK_US);
    generator->is_held = 0;
}
