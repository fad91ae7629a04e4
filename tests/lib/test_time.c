#include "test_time.h"

#include <string.h>

static int64_t clock_read(struct test_clock *clock, _Atomic int64_t *which)
{
    int64_t step = atomic_load(&clock->read_step_us);
    if (step != 0) {
        test_clock_advance(clock, step);
    }
    return atomic_load(which);
}

static int64_t clock_wall(void *user)
{
    struct test_clock *clock = user;
    return clock_read(clock, &clock->wall_unix_us);
}

static int64_t clock_mono(void *user)
{
    struct test_clock *clock = user;
    return clock_read(clock, &clock->mono_us);
}

static void clock_sleep(void *user, int64_t duration_us)
{
    struct test_clock *clock = user;
    if (duration_us > 0) {
        test_clock_advance(clock, duration_us);
        atomic_fetch_add(&clock->slept_us, duration_us);
    }
}

void test_clock_init(struct test_clock *clock, int64_t wall_unix_us)
{
    memset(clock, 0, sizeof *clock);
    atomic_init(&clock->wall_unix_us, wall_unix_us);
    atomic_init(&clock->mono_us, 1000000);
    atomic_init(&clock->slept_us, 0);
    atomic_init(&clock->read_step_us, 0);
    clock->table = (reels_clock){.struct_size = sizeof(reels_clock),
                                 .user = clock,
                                 .wall_unix_us = clock_wall,
                                 .mono_us = clock_mono,
                                 .sleep_us = clock_sleep};
}

void test_clock_advance(struct test_clock *clock, int64_t duration_us)
{
    atomic_fetch_add(&clock->mono_us, duration_us);
    atomic_fetch_add(&clock->wall_unix_us, duration_us);
}

void test_clock_step_wall(struct test_clock *clock, int64_t step_us)
{
    atomic_fetch_add(&clock->wall_unix_us, step_us);
}

uint64_t test_random_u64(struct test_random *random)
{
    uint64_t z = atomic_fetch_add(&random->state, UINT64_C(0x9E3779B97F4A7C15)) +
                 UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t test_random_below(struct test_random *random, uint64_t below)
{
    return test_random_u64(random) % below;
}

static reels_status random_fill(void *user, uint8_t *data, size_t len)
{
    struct test_random *random = user;
    if (atomic_load(&random->fails)) {
        return REELS_ERR_IO;
    }
    for (size_t at = 0; at < len; at += 8) {
        uint64_t word = test_random_u64(random);
        memcpy(data + at, &word, len - at < 8 ? len - at : 8);
    }
    return REELS_OK;
}

void test_random_init(struct test_random *random, uint64_t seed)
{
    memset(random, 0, sizeof *random);
    atomic_init(&random->state, seed);
    atomic_init(&random->fails, 0);
    random->table =
        (reels_random){.struct_size = sizeof(reels_random), .user = random, .fill = random_fill};
}
