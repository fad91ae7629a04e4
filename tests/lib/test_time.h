/* Owns the simulated clock and the seeded random source. Free of Check. Internally locked. */
#ifndef REELS_TESTS_LIB_TEST_TIME_H
#define REELS_TESTS_LIB_TEST_TIME_H

#include <stdatomic.h>

#include <reels/base.h>

/* Stands still until it is moved; sleeping moves it. */
struct test_clock {
    reels_clock table; /* for reels_ctx_options.clock */
    _Atomic int64_t wall_unix_us;
    _Atomic int64_t mono_us;
    _Atomic int64_t slept_us;     /* sum of all sleeps */
    _Atomic int64_t read_step_us; /* how far each reading moves both clocks; 0 = not at all */
};

void test_clock_init(struct test_clock *clock, int64_t wall_unix_us);
/* Time passes: both clocks move. */
void test_clock_advance(struct test_clock *clock, int64_t duration_us);
/* Somebody sets the wall clock, forwards or back; the monotonic one does not notice. */
void test_clock_step_wall(struct test_clock *clock, int64_t step_us);

/* SplitMix64: the same seed gives the same bytes. */
struct test_random {
    reels_random table; /* for reels_ctx_options.random */
    _Atomic uint64_t state;
    _Atomic int fails; /* not 0: fill fails with REELS_ERR_IO */
};

void test_random_init(struct test_random *random, uint64_t seed);
uint64_t test_random_u64(struct test_random *random);
/* 0 to below - 1; below must not be 0. */
uint64_t test_random_below(struct test_random *random, uint64_t below);

#endif
