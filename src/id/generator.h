/* Owns the inside of a generator.
 *
 * Everything that makes an ID unique goes through one compare-and-swap on `word`, which holds the
 * next tick and sequence to give and only ever grows. A full sequence carries into the next tick by
 * itself; a tick whose sequence is 0 has not begun, and is entered only when the clock has reached
 * it or a tick of the monotonic clock went by since it was seen.
 *
 * Ticks are milliseconds since the layout's epoch. */
#ifndef REELS_SRC_ID_GENERATOR_H
#define REELS_SRC_ID_GENERATOR_H

#include <stdatomic.h>

#include <reels/id.h>

#include "layout.h"

enum {
    REELS__ID_CACHE_LINE = 64
};

struct reels_id_generator {
    reels_ctx *ctx;
    reels__id_layout layout;
    uint64_t tick_end;      /* first tick that the layout cannot hold */
    uint64_t sequence_mask; /* also: bits of `word` below the tick */
    int64_t ahead_max_us;

    int32_t has_lease;
    int32_t is_held; /* the lease is ours; only touched by the keeper */
    reels_id_lease_vtable lease;
    void *lease_impl;
    reels_id_lease_request request;

    /* Written rarely, read by every call: a line apart from `word`. */
    _Alignas(REELS__ID_CACHE_LINE) _Atomic uint64_t
        fast_until; /* ticks below need no second look */
    _Atomic uint64_t
        lease_until; /* first tick that must not be minted; persisted before it is here */
    _Atomic uint64_t node_field; /* region and node, shifted to their place */
    _Atomic uint32_t keeper;     /* 1: a thread is extending the lease */

    _Alignas(REELS__ID_CACHE_LINE) _Atomic uint64_t word; /* tick << sequence_bits | sequence */
};

/* What a slow path says about the tick it was asked about. */
typedef enum reels__id_verdict {
    REELS__ID_AGAIN = 0, /* things moved: look at the clock and the word again */
    REELS__ID_GO = 1     /* the tick may be minted */
} reels__id_verdict;

/* Microseconds of the wall clock since the layout's epoch; negative before it. */
int64_t reels__id_clock_us(const reels_id_generator *generator);

/* STATE, retriable, when the next tick lies further ahead of the clock than allowed. */
reels_status
reels__id_ahead_check(const reels_id_generator *generator, int64_t ahead_us, reels_error *err);

/* Raises the word to the start of a tick; it never falls. */
void reels__id_word_raise(reels_id_generator *generator, uint64_t tick);

/* Takes the lease for a new generator. On failure nothing is held. */
reels_status
reels__id_lease_take(reels_id_generator *generator, const reels_call *call, reels_error *err);

/* Asked when a tick is not below fast_until: the layout's end, or a lease that must be extended.
 * One thread extends; the others mint on up to lease_until and then wait for it. */
reels_status reels__id_lease_keep(reels_id_generator *generator,
                                  const reels_call *call,
                                  uint64_t tick,
                                  reels__id_verdict *out,
                                  reels_error *err);

/* Gives the lease back, with what was minted. */
void reels__id_lease_drop(reels_id_generator *generator);

#endif
