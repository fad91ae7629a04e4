/* The hash maps against a plain model. */
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "test_check.h"

enum {
    KEYS = 300
};

static struct test_env env;

static void setup(void)
{
    test_env_init(&env, TEST_ENV_SEED);
}

static void teardown(void)
{
    test_env_dispose(&env);
}

START_TEST(test_map_u64_agrees_with_a_model)
{
    struct reels__map_u64 map;
    uint64_t values[KEYS] = {0};
    int there[KEYS] = {0};
    size_t count = 0;
    test_ok(&env, reels__map_u64_init(&map, env.ctx, 0, &env.err));
    for (int round = 0; round < 50000; round++) {
        size_t key = (size_t)test_random_below(&env.random, KEYS);
        uint64_t value = test_random_u64(&env.random);
        uint64_t got = 0;
        uint64_t wide_key = (uint64_t)key * UINT64_C(0x9E3779B97F4A7C15);
        switch (test_random_below(&env.random, 4)) {
        case 0:
            test_ok(&env, reels__map_u64_put(&map, wide_key, value, &env.err));
            count += there[key] ? 0 : 1;
            there[key] = 1;
            values[key] = value;
            break;
        case 1:
            ck_assert_int_eq(reels__map_u64_remove(&map, wide_key, &got), there[key]);
            ck_assert(!there[key] || got == values[key]);
            count -= there[key] ? 1 : 0;
            there[key] = 0;
            break;
        default:
            ck_assert_int_eq(reels__map_u64_get(&map, wide_key, &got), there[key]);
            ck_assert(!there[key] || got == values[key]);
            break;
        }
        ck_assert_uint_eq(reels__map_u64_count(&map), count);
    }
    reels__map_u64_dispose(&map);
    reels__map_u64_dispose(&map);
}
END_TEST

START_TEST(test_map_u64_upsert_adds_up)
{
    struct reels__map_u64 map;
    test_ok(&env, reels__map_u64_init(&map, env.ctx, 0, &env.err));
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t *sum = NULL;
        test_ok(&env, reels__map_u64_upsert(&map, i % 7, &sum, &env.err));
        *sum += i;
    }
    ck_assert_uint_eq(reels__map_u64_count(&map), 7);
    size_t cursor = 0;
    uint64_t key = 0;
    uint64_t value = 0;
    uint64_t total = 0;
    int seen = 0;
    while (reels__map_u64_next(&map, &cursor, &key, &value)) {
        total += value;
        seen |= 1 << key;
    }
    ck_assert_uint_eq(total, 499500);
    ck_assert_int_eq(seen, 127);
    reels__map_u64_clear(&map);
    ck_assert_uint_eq(reels__map_u64_count(&map), 0);
    ck_assert_int_eq(reels__map_u64_get(&map, 1, NULL), 0);
    reels__map_u64_dispose(&map);
}
END_TEST

START_TEST(test_map_holds_its_limit)
{
    struct reels__map_u64 map;
    test_ok(&env, reels__map_u64_init(&map, env.ctx, 3, &env.err));
    for (uint64_t i = 0; i < 3; i++) {
        test_ok(&env, reels__map_u64_put(&map, i, i, &env.err));
    }
    test_status(REELS_ERR_LIMIT, reels__map_u64_put(&map, 9, 9, &env.err));
    test_ok(&env, reels__map_u64_put(&map, 2, 22, &env.err));
    ck_assert_int_eq(reels__map_u64_remove(&map, 0, NULL), 1);
    test_ok(&env, reels__map_u64_put(&map, 9, 9, &env.err));
    reels__map_u64_dispose(&map);
}
END_TEST

START_TEST(test_map_zero_state_may_be_read_and_disposed)
{
    struct reels__map_u64 numbers;
    struct reels__map_bytes bytes;
    memset(&numbers, 0, sizeof numbers);
    memset(&bytes, 0, sizeof bytes);
    ck_assert_int_eq(reels__map_u64_get(&numbers, 1, NULL), 0);
    ck_assert_int_eq(reels__map_u64_remove(&numbers, 1, NULL), 0);
    ck_assert_ptr_null(reels__map_bytes_get(&bytes, "x", 1));
    ck_assert_ptr_null(reels__map_bytes_remove(&bytes, "x", 1));
    reels__map_u64_clear(&numbers);
    reels__map_bytes_clear(&bytes);
    reels__map_u64_dispose(&numbers);
    reels__map_bytes_dispose(&bytes);
}
END_TEST

START_TEST(test_map_bytes_keeps_copies_of_keys)
{
    static int values[1000];
    struct reels__map_bytes map;
    char key[32];
    void *old = &map;
    test_ok(&env, reels__map_bytes_init(&map, env.ctx, 0, &env.err));
    for (int i = 0; i < 1000; i++) {
        int n = snprintf(key, sizeof key, "key %d", i);
        test_ok(&env, reels__map_bytes_put(&map, key, (size_t)n, &values[i], &old, &env.err));
        ck_assert_ptr_null(old);
    }
    for (int i = 0; i < 1000; i += 2) {
        int n = snprintf(key, sizeof key, "key %d", i);
        ck_assert_ptr_eq(reels__map_bytes_remove(&map, key, (size_t)n), &values[i]);
    }
    for (int i = 0; i < 1000; i++) {
        int n = snprintf(key, sizeof key, "key %d", i);
        void *expected = i % 2 == 0 ? NULL : &values[i];
        ck_assert_ptr_eq(reels__map_bytes_get(&map, key, (size_t)n), expected);
    }
    ck_assert_uint_eq(reels__map_bytes_count(&map), 500);
    test_ok(&env, reels__map_bytes_put(&map, "key 1", 5, &values[0], &old, &env.err));
    ck_assert_ptr_eq(old, &values[1]);
    size_t cursor = 0;
    const uint8_t *found = NULL;
    size_t found_len = 0;
    void *value = NULL;
    int seen = 0;
    while (reels__map_bytes_next(&map, &cursor, &found, &found_len, &value)) {
        ck_assert_mem_eq(found, "key ", 4);
        seen++;
    }
    ck_assert_int_eq(seen, 500);
    reels__map_bytes_dispose(&map);
}
END_TEST

START_TEST(test_map_bytes_tells_keys_apart_by_every_byte)
{
    struct reels__map_bytes map;
    int a = 0;
    int b = 0;
    int c = 0;
    test_ok(&env, reels__map_bytes_init(&map, env.ctx, 0, &env.err));
    test_ok(&env, reels__map_bytes_put(&map, "", 0, &a, NULL, &env.err));
    test_ok(&env, reels__map_bytes_put(&map, "\0", 1, &b, NULL, &env.err));
    test_ok(&env, reels__map_bytes_put(&map, "\0\0", 2, NULL, NULL, &env.err));
    test_ok(&env, reels__map_bytes_put(&map, NULL, 0, &c, NULL, &env.err));
    ck_assert_uint_eq(reels__map_bytes_count(&map), 3);
    ck_assert_ptr_eq(reels__map_bytes_get(&map, "", 0), &c);
    ck_assert_ptr_eq(reels__map_bytes_get(&map, "\0", 1), &b);
    ck_assert_ptr_null(reels__map_bytes_get(&map, "\0\0", 2));
    ck_assert_int_eq(reels__map_bytes_has(&map, "\0\0", 2), 1);
    ck_assert_int_eq(reels__map_bytes_has(&map, "\0\0\0", 3), 0);
    reels__map_bytes_dispose(&map);
}
END_TEST

static reels_status numbers_run(reels_ctx *ctx, void *arg)
{
    (void)arg;
    struct reels__map_u64 map;
    reels_status status = reels__map_u64_init(&map, ctx, 0, NULL);
    uint64_t added = 0;
    while (status == REELS_OK && added < 500) {
        status = reels__map_u64_put(&map, added, added, NULL);
        added += status == REELS_OK ? 1 : 0;
    }
    /* What was put before the refusal is still there. */
    for (uint64_t i = 0; i < added; i++) {
        uint64_t value = 0;
        ck_assert(reels__map_u64_get(&map, i, &value) && value == i);
    }
    reels__map_u64_dispose(&map);
    return status;
}

static reels_status bytes_run(reels_ctx *ctx, void *arg)
{
    struct reels__map_bytes map;
    reels_status status = reels__map_bytes_init(&map, ctx, 0, NULL);
    for (int i = 0; status == REELS_OK && i < 40; i++) {
        status = reels__map_bytes_put(&map, &i, sizeof i, arg, NULL, NULL);
    }
    reels__map_bytes_dispose(&map);
    return status;
}

START_TEST(test_map_survives_refused_memory)
{
    ck_assert_uint_ge(test_oom_run(0, numbers_run, NULL), 4);
    ck_assert_uint_ge(test_oom_run(0, bytes_run, &env), 40);
}
END_TEST

START_TEST(test_map_without_random_is_not_made)
{
    struct reels__map_u64 map;
    atomic_store(&env.random.fails, 1);
    test_status(REELS_ERR_IO, reels__map_u64_init(&map, env.ctx, 0, &env.err));
    reels__map_u64_dispose(&map);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("map");
    TCase *tcase = tcase_create("map");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_map_u64_agrees_with_a_model);
    tcase_add_test(tcase, test_map_u64_upsert_adds_up);
    tcase_add_test(tcase, test_map_holds_its_limit);
    tcase_add_test(tcase, test_map_zero_state_may_be_read_and_disposed);
    tcase_add_test(tcase, test_map_bytes_keeps_copies_of_keys);
    tcase_add_test(tcase, test_map_bytes_tells_keys_apart_by_every_byte);
    tcase_add_test(tcase, test_map_survives_refused_memory);
    tcase_add_test(tcase, test_map_without_random_is_not_made);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
