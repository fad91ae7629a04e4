/* Shows what src/counter/dedupe.h promises: each number of a source is taken once, within a window,
 * and the stored state is all of it. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "counter/dedupe.h"
#include "test_check.h"

enum {
    WINDOW = REELS__DEDUPE_WINDOW,
    SOURCES = 16,
    MODEL_MAX = 4096,
    OFFSET = 123456789
};

static struct test_env env;
static struct reels__dedupe dedupe;

static void setup(void)
{
    test_env_init(&env, TEST_ENV_SEED);
    test_ok(&env, reels__dedupe_init(&dedupe, env.ctx, SOURCES, &env.err));
}

static void teardown(void)
{
    reels__dedupe_dispose(&dedupe);
    test_env_dispose(&env);
}

static int take_from(struct reels__dedupe *from, uint64_t source, uint64_t sequence)
{
    int fresh = 9;
    test_ok(&env, reels__dedupe_take(from, source, sequence, &fresh, &env.err));
    return fresh;
}

static int take(uint64_t source, uint64_t sequence)
{
    return take_from(&dedupe, source, sequence);
}

START_TEST(test_dedupe_the_window_has_512_below_the_highest)
{
    ck_assert_int_eq(take(1, 1000), 1);
    ck_assert_int_eq(take(1, 1000), 0);
    ck_assert_int_eq(take(1, 1000 - WINDOW), 1); /* the last that is remembered */
    ck_assert_int_eq(take(1, 1000 - WINDOW), 0);
    ck_assert_int_eq(take(1, 1000 - WINDOW - 1), 0); /* too late: taken for a repeat */
    ck_assert_int_eq(take(1, 999), 1);
    ck_assert_int_eq(take(1, 999), 0);
    ck_assert_int_eq(take(2, 1000), 1); /* another source */
}
END_TEST

/* After a jump the old highest, and what was taken below it, are known as far as they are within
 * the window. */
START_TEST(test_dedupe_jumps_keep_what_is_within_the_window)
{
    static const uint64_t jumps[] = {
        1, 2, 63, 64, 65, 127, 128, 510, 511, 512, 513, 514, 1024, UINT64_MAX / 2};
    for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
        uint64_t source = 10 + i % 4;
        uint64_t base = 100000 * (i + 1);
        ck_assert_int_eq(take(source, base - 1), 1);
        ck_assert_int_eq(take(source, base), 1);
        uint64_t highest = base + jumps[i];
        if (jumps[i] == UINT64_MAX / 2) {
            source = 99;
            ck_assert_int_eq(take(source, base), 1);
        }
        ck_assert_int_eq(take(source, highest), 1);
        ck_assert_int_eq(take(source, highest), 0);
        ck_assert_int_eq(take(source, base), 0);
        ck_assert_int_eq(take(source, base - 1), 0);
        if (jumps[i] > 1) { /* what was passed over is still fresh, once, within the window */
            uint64_t lowest = jumps[i] <= WINDOW ? base + 1 : highest - WINDOW;
            ck_assert_int_eq(take(source, lowest), 1);
            ck_assert_int_eq(take(source, lowest), 0);
        }
    }
}
END_TEST

START_TEST(test_dedupe_the_ends_of_numbers)
{
    ck_assert_int_eq(take(5, 1), 1);
    ck_assert_int_eq(take(5, 1), 0);
    ck_assert_int_eq(take(5, UINT64_MAX), 1);
    ck_assert_int_eq(take(5, UINT64_MAX), 0);
    ck_assert_int_eq(take(5, UINT64_MAX - 1), 1);
    ck_assert_int_eq(take(5, 1), 0);
    ck_assert_int_eq(take(UINT64_MAX, 7), 1);
    ck_assert_int_eq(take(UINT64_MAX, 7), 0);
    for (int i = 0; i < 2; i++) { /* not numbered: never a repeat */
        ck_assert_int_eq(take(0, 7), 1);
        ck_assert_int_eq(take(7, 0), 1);
    }
}
END_TEST

START_TEST(test_dedupe_equals_a_plain_model)
{
    static uint8_t taken[MODEL_MAX + 1];
    uint64_t highest = 0;
    memset(taken, 0, sizeof(taken));
    for (int i = 0; i < 20000; i++) {
        uint64_t low = highest > WINDOW + 40 ? highest - WINDOW - 40 : 1;
        uint64_t high = highest + 30 < MODEL_MAX ? highest + 30 : MODEL_MAX;
        uint64_t sequence = low + test_random_below(&env.random, high - low + 1);
        int expected = sequence > highest || (highest - sequence <= WINDOW && !taken[sequence]);
        ck_assert_int_eq(take(3, sequence), expected);
        taken[sequence] = 1;
        highest = sequence > highest ? sequence : highest;
        if (highest == MODEL_MAX && i % 7 == 0) {
            break;
        }
    }
    ck_assert_uint_gt(highest, 2000);
}
END_TEST

START_TEST(test_dedupe_past_its_limit_the_least_recent_are_forgotten)
{
    for (uint64_t source = 1; source <= SOURCES; source++) {
        ck_assert_int_eq(take(source, 50), 1);
    }
    ck_assert_int_eq(take(1, 50), 0); /* a repeat is heard, too: 2 is the least recent now */
    ck_assert_int_eq(take(100, 50), 1);
    ck_assert_uint_eq(dedupe.sources_count, SOURCES - (SOURCES / 4 + 1) + 1);
    ck_assert_int_eq(take(1, 50), 0);
    for (uint64_t source = 7; source <= SOURCES; source++) {
        ck_assert_int_eq(take(source, 50), 0);
    }
    for (uint64_t source = 2; source <= 5; source++) {
        ck_assert_int_eq(take(source, 50), 1);
    }
    for (uint64_t source = 1000; source < 6000; source++) {
        ck_assert_int_eq(take(source, 1), 1);
        ck_assert_int_eq(take(source, 1), 0);
        ck_assert_uint_le(dedupe.sources_count, SOURCES);
    }
}
END_TEST

/* ---- the stored state ---- */

static reels_buf *state_of(struct reels__dedupe *of)
{
    reels_buf *state = NULL;
    test_ok(&env, reels_buf_new(env.ctx, 0, &state, &env.err));
    test_ok(&env, reels__dedupe_write(of, OFFSET, state, &env.err));
    return state;
}

static reels_status read_into_fresh(const uint8_t *data, size_t len, reels_buf **out_again)
{
    struct reels__dedupe fresh;
    test_ok(&env, reels__dedupe_init(&fresh, env.ctx, SOURCES, &env.err));
    uint64_t offset = 0;
    reels_status status = reels__dedupe_read(&fresh, data, len, &offset, &env.err);
    if (status == REELS_OK && out_again != NULL) {
        test_ok(&env, reels_buf_new(env.ctx, 0, out_again, &env.err));
        test_ok(&env, reels__dedupe_write(&fresh, offset, *out_again, &env.err));
    }
    reels__dedupe_dispose(&fresh);
    return status;
}

static void fill(void)
{
    (void)take(7, 1);
    for (uint64_t sequence = 1; sequence < 700; sequence += 1 + sequence % 3) {
        (void)take(8, sequence);
    }
    (void)take(9, 5);
    (void)take(9, 5 + WINDOW + 9);
    (void)take(10, UINT64_MAX);
    (void)take(7, 9);
}

START_TEST(test_dedupe_state_comes_back_and_goes_on)
{
    struct reels__dedupe other;
    uint64_t offset = 0;
    fill();
    reels_buf *state = state_of(&dedupe);
    test_ok(&env, reels__dedupe_init(&other, env.ctx, SOURCES, &env.err));
    test_ok(
        &env,
        reels__dedupe_read(&other, reels_buf_data(state), reels_buf_len(state), &offset, &env.err));
    ck_assert_uint_eq(offset, OFFSET);
    reels_buf *again = state_of(&other);
    ck_assert_uint_eq(reels_buf_len(again), reels_buf_len(state));
    ck_assert_mem_eq(reels_buf_data(again), reels_buf_data(state), reels_buf_len(state));
    for (int i = 0; i < 3000; i++) {
        uint64_t source = 1 + test_random_below(&env.random, 20); /* evicts, too */
        uint64_t sequence = 1 + test_random_below(&env.random, 900);
        ck_assert_int_eq(take_from(&other, source, sequence), take(source, sequence));
    }
    reels__dedupe_dispose(&other);
    reels_buf_free(again);
    reels_buf_free(state);
}
END_TEST

START_TEST(test_dedupe_state_cut_anywhere_is_corrupt)
{
    fill();
    reels_buf *state = state_of(&dedupe);
    size_t len = reels_buf_len(state);
    uint8_t *more = malloc(len + 1);
    ck_assert_ptr_nonnull(more);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = malloc(cut + 1);
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, reels_buf_data(state), cut);
        ck_assert_int_eq(read_into_fresh(exact, cut, NULL),
                         cut == 0 ? REELS_OK : REELS_ERR_CORRUPT);
        free(exact);
    }
    memcpy(more, reels_buf_data(state), len);
    more[len] = 0;
    test_ok(&env, read_into_fresh(more, len, NULL));
    test_status(REELS_ERR_CORRUPT, read_into_fresh(more, len + 1, NULL));
    free(more);
    reels_buf_free(state);
}
END_TEST

/* What is taken is what would be written. */
START_TEST(test_dedupe_state_damaged_is_corrupt_or_says_the_same)
{
    fill();
    reels_buf *state = state_of(&dedupe);
    size_t len = reels_buf_len(state);
    uint8_t *copy = malloc(len);
    size_t refused = 0;
    ck_assert_ptr_nonnull(copy);
    for (size_t at = 0; at < len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            reels_buf *again = NULL;
            memcpy(copy, reels_buf_data(state), len);
            copy[at] ^= (uint8_t)(1U << bit);
            reels_status status = read_into_fresh(copy, len, &again);
            ck_assert(status == REELS_OK || status == REELS_ERR_CORRUPT);
            refused += status != REELS_OK;
            if (status == REELS_OK) {
                ck_assert_uint_eq(reels_buf_len(again), len);
                ck_assert_mem_eq(reels_buf_data(again), copy, len);
            }
            reels_buf_free(again);
        }
    }
    ck_assert_uint_gt(refused, 64); /* the head alone */
    free(copy);
    reels_buf_free(state);
}
END_TEST

START_TEST(test_dedupe_state_names_each_source_once)
{
    uint8_t bytes[16 + 2 * 17] = {2, 0, 0, 0, 2, 0, 0, 0};
    reels__le64_put(bytes + 16, 5);
    reels__le64_put(bytes + 24, 1);
    reels__le64_put(bytes + 33, 6);
    reels__le64_put(bytes + 41, 1);
    test_ok(&env, read_into_fresh(bytes, sizeof(bytes), NULL));
    bytes[33] = 5;
    test_status(REELS_ERR_CORRUPT, read_into_fresh(bytes, sizeof(bytes), NULL));
    bytes[33] = 0; /* no source has this number */
    test_status(REELS_ERR_CORRUPT, read_into_fresh(bytes, sizeof(bytes), NULL));
    bytes[33] = 6;
    bytes[41] = 0; /* nor this highest */
    test_status(REELS_ERR_CORRUPT, read_into_fresh(bytes, sizeof(bytes), NULL));
    bytes[41] = 1;
    bytes[4] = 0xFF;
    bytes[7] = 0xFF; /* more sources than there are bytes */
    test_status(REELS_ERR_CORRUPT, read_into_fresh(bytes, sizeof(bytes), NULL));
}
END_TEST

/* A state of a consumer that was allowed more keeps the most recent. */
START_TEST(test_dedupe_state_larger_than_the_limit_keeps_the_most_recent)
{
    struct reels__dedupe large;
    uint64_t offset = 0;
    test_ok(&env, reels__dedupe_init(&large, env.ctx, 100, &env.err));
    for (uint64_t source = 1; source <= 100; source++) {
        ck_assert_int_eq(take_from(&large, source, 3), 1);
    }
    reels_buf *state = state_of(&large);
    test_ok(&env,
            reels__dedupe_read(
                &dedupe, reels_buf_data(state), reels_buf_len(state), &offset, &env.err));
    ck_assert_uint_le(dedupe.sources_count, SOURCES);
    for (uint64_t source = 95; source <= 100; source++) {
        ck_assert_int_eq(take(source, 3), 0);
    }
    reels_buf_free(state);
    reels__dedupe_dispose(&large);
}
END_TEST

static reels_status oom(reels_ctx *ctx, void *arg)
{
    struct reels__dedupe one = {0};
    struct reels__dedupe two = {0};
    uint64_t offset = 0;
    reels_buf *state = NULL;
    int fresh = 0;
    (void)arg;
    reels_status status = reels__dedupe_init(&one, ctx, 200, NULL);
    if (status == REELS_OK) {
        status = reels__dedupe_init(&two, ctx, 200, NULL);
    }
    if (status == REELS_OK) {
        status = reels_buf_new(ctx, 0, &state, NULL);
    }
    for (uint64_t source = 1; status == REELS_OK && source <= 150; source++) {
        status = reels__dedupe_take(&one, source, source, &fresh, NULL);
    }
    if (status == REELS_OK) {
        status = reels__dedupe_write(&one, OFFSET, state, NULL);
    }
    if (status == REELS_OK) {
        status =
            reels__dedupe_read(&two, reels_buf_data(state), reels_buf_len(state), &offset, NULL);
    }
    reels_buf_free(state);
    reels__dedupe_dispose(&one);
    reels__dedupe_dispose(&two);
    return status;
}

START_TEST(test_dedupe_survives_lack_of_memory)
{
    ck_assert_uint_gt(test_oom_run(0, oom, NULL), 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dedupe");
    TCase *cases = tcase_create("dedupe");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_dedupe_the_window_has_512_below_the_highest);
    tcase_add_test(cases, test_dedupe_jumps_keep_what_is_within_the_window);
    tcase_add_test(cases, test_dedupe_the_ends_of_numbers);
    tcase_add_test(cases, test_dedupe_equals_a_plain_model);
    tcase_add_test(cases, test_dedupe_past_its_limit_the_least_recent_are_forgotten);
    tcase_add_test(cases, test_dedupe_state_comes_back_and_goes_on);
    tcase_add_test(cases, test_dedupe_state_cut_anywhere_is_corrupt);
    tcase_add_test(cases, test_dedupe_state_damaged_is_corrupt_or_says_the_same);
    tcase_add_test(cases, test_dedupe_state_names_each_source_once);
    tcase_add_test(cases, test_dedupe_state_larger_than_the_limit_keeps_the_most_recent);
    tcase_add_test(cases, test_dedupe_survives_lack_of_memory);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
