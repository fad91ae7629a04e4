/* Owns arithmetic that cannot wrap: each function writes *out and gives 1, or leaves *out alone and
 * gives 0; the saturated one stops at the end of the range. Every size and every wait that comes
 * from outside goes through here. */
#ifndef REELS_SRC_BASE_CHECKED_H
#define REELS_SRC_BASE_CHECKED_H

#include <stddef.h>
#include <stdint.h>

static inline int reels__size_add(size_t a, size_t b, size_t *out)
{
    if (a > SIZE_MAX - b) {
        return 0;
    }
    *out = a + b;
    return 1;
}

static inline int reels__size_mul(size_t a, size_t b, size_t *out)
{
    if (b != 0 && a > SIZE_MAX / b) {
        return 0;
    }
    *out = a * b;
    return 1;
}

static inline int reels__u64_add(uint64_t a, uint64_t b, uint64_t *out)
{
    if (a > UINT64_MAX - b) {
        return 0;
    }
    *out = a + b;
    return 1;
}

static inline int reels__u64_mul(uint64_t a, uint64_t b, uint64_t *out)
{
    if (b != 0 && a > UINT64_MAX / b) {
        return 0;
    }
    *out = a * b;
    return 1;
}

static inline int reels__i64_add(int64_t a, int64_t b, int64_t *out)
{
    if ((b > 0 && a > INT64_MAX - b) || (b < 0 && a < INT64_MIN - b)) {
        return 0;
    }
    *out = a + b;
    return 1;
}

/* The sum, or the end of the range where it would wrap. For times: INT64_MAX stands for "for ever"
 * and "no bound", and a time that lies behind all others stays there. */
static inline int64_t reels__i64_add_saturated(int64_t a, int64_t b)
{
    int64_t sum = b > 0 ? INT64_MAX : INT64_MIN;
    (void)reels__i64_add(a, b, &sum);
    return sum;
}

static inline int reels__i64_sub(int64_t a, int64_t b, int64_t *out)
{
    if ((b < 0 && a > INT64_MAX + b) || (b > 0 && a < INT64_MIN + b)) {
        return 0;
    }
    *out = a - b;
    return 1;
}

static inline int reels__i64_mul(int64_t a, int64_t b, int64_t *out)
{
    if (a == 0 || b == 0) {
        *out = 0;
        return 1;
    }
    /* INT64_MIN / -1 does not exist, so -1 is told apart first. */
    if ((a == -1 && b == INT64_MIN) || (b == -1 && a == INT64_MIN)) {
        return 0;
    }
    if (a != -1 && b != -1) {
        int64_t bound = (a > 0) == (b > 0) ? INT64_MAX : INT64_MIN;
        int too_large = b > 0 ? (a > 0 ? a > bound / b : a < bound / b)
                              : (a > 0 ? b < bound / a : a < bound / b);
        if (too_large) {
            return 0;
        }
    }
    *out = a * b;
    return 1;
}

static inline int reels__u64_to_size(uint64_t value, size_t *out)
{
    if (value > SIZE_MAX) {
        return 0;
    }
    *out = (size_t)value;
    return 1;
}

static inline int reels__u64_to_i64(uint64_t value, int64_t *out)
{
    if (value > INT64_MAX) {
        return 0;
    }
    *out = (int64_t)value;
    return 1;
}

static inline int reels__u64_to_u32(uint64_t value, uint32_t *out)
{
    if (value > UINT32_MAX) {
        return 0;
    }
    *out = (uint32_t)value;
    return 1;
}

static inline int reels__i64_to_i32(int64_t value, int32_t *out)
{
    if (value < INT32_MIN || value > INT32_MAX) {
        return 0;
    }
    *out = (int32_t)value;
    return 1;
}

static inline int reels__i64_to_u32(int64_t value, uint32_t *out)
{
    if (value < 0 || value > UINT32_MAX) {
        return 0;
    }
    *out = (uint32_t)value;
    return 1;
}

#endif
