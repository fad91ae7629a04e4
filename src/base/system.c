/* Owns the system's clocks and random source as hook tables. */
#include "system.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "base/error.h"

static int64_t clock_read_us(clockid_t id)
{
    struct timespec now = {0};
    /* Both clocks exist on every Linux; a failure leaves zero. */
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + (int64_t)now.tv_nsec / 1000;
}

static int64_t system_wall_unix_us(void *user)
{
    (void)user;
    return clock_read_us(CLOCK_REALTIME);
}

static int64_t system_mono_us(void *user)
{
    (void)user;
    return clock_read_us(CLOCK_MONOTONIC);
}

static void system_sleep_us(void *user, int64_t duration_us)
{
    (void)user;
    if (duration_us <= 0) {
        return;
    }
    struct timespec until = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(duration_us / 1000000);
    until.tv_nsec += (long)(duration_us % 1000000) * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    /* An absolute end, so that signals do not stretch the wait. */
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
}

static reels_status system_random_fill(void *user, uint8_t *data, size_t len)
{
    (void)user;
    size_t done = 0;
    while (done < len) {
        ssize_t n = getrandom(data + done, len - done, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return REELS_ERR_IO;
        }
        done += (size_t)n;
    }
    return REELS_OK;
}

const reels_clock reels__clock_system = {
    .struct_size = sizeof(reels_clock),
    .wall_unix_us = system_wall_unix_us,
    .mono_us = system_mono_us,
    .sleep_us = system_sleep_us,
};

const reels_random reels__random_system = {
    .struct_size = sizeof(reels_random),
    .fill = system_random_fill,
};
