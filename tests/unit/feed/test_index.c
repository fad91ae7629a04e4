/* Shows what src/feed/index.h promises. */
#include <stdlib.h>
#include <string.h>

#include "base/ctx_internal.h"
#include "feed/index.h"
#include "test_check.h"

enum {
    CREATOR = 7,
    REELS = 10000, /* more than two parts of a ranking */
    MANY = 200000  /* so many that a walk over a creator's reels for each of them has no end */
};

static struct test_env env;
static struct reels__feed_index feed_index;
static reels_allocator allocator; /* as it was before it was watched */
static int watched;               /* how often memory was asked for or given back */

static void setup(void)
{
    test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED);
    watched = 0;
}

static void teardown(void)
{
    reels__feed_index_dispose(&feed_index);
    test_env_dispose(&env);
}

static void put(uint64_t id, uint64_t creator, int64_t ready)
{
    reels_reel reel = {.struct_size = sizeof(reel),
                       .id = id,
                       .creator_id = creator,
                       .ready_unix_us = ready,
                       .duration_us = 1};
    test_ok(&env, reels__feed_index_put(&feed_index, &reel, &env.err));
}

static void count(uint64_t id, double trend)
{
    struct reels__feed_entry counts = {.reel_id = id, .trend = trend, .trend_unix_us = 1000};
    reels__feed_index_count(&feed_index, &counts);
}

static void rank(void)
{
    test_ok(&env, reels__feed_index_rank(&feed_index, 1000, &env.err));
}

/* ---- the chain of a creator ---- */

START_TEST(test_index_lists_a_creators_reels_newest_first_whatever_was_removed)
{
    enum {
        COUNT = 60
    };
    int there[COUNT + 1] = {0};
    test_ok(&env, reels__feed_index_init(&feed_index, env.ctx, 1000, &env.err));
    for (int step = 0; step < 5000; step++) {
        uint64_t id = 1 + test_random_below(&env.random, COUNT);
        if (there[id]) {
            reels__feed_index_remove(&feed_index, id);
        } else {
            put(id, CREATOR, (int64_t)(id * 10));
            put(id + 1000, CREATOR + 1, (int64_t)id); /* somebody else's lie between them */
        }
        there[id] = !there[id];
        struct reels__feed_entry found[COUNT + 1];
        size_t found_count = reels__feed_index_of_creator(&feed_index, CREATOR, found, COUNT + 1);
        size_t at = 0;
        for (uint64_t expected = COUNT; expected > 0; expected--) {
            if (there[expected]) {
                ck_assert_uint_lt(at, found_count);
                ck_assert_uint_eq(found[at++].reel_id, expected);
            }
        }
        ck_assert_uint_eq(at, found_count);
    }
}
END_TEST

START_TEST(test_index_makes_room_at_once_when_all_reels_are_of_one_creator)
{
    struct reels__feed_entry newest;
    test_ok(&env, reels__feed_index_init(&feed_index, env.ctx, MANY, &env.err));
    for (uint64_t i = 1; i <= MANY + 1; i++) {
        put(i, CREATOR, (int64_t)i);
    }
    ck_assert_uint_lt(feed_index.reels_count, MANY);
    ck_assert_uint_eq(reels__feed_index_of_creator(&feed_index, CREATOR, &newest, 1), 1);
    ck_assert_uint_eq(newest.reel_id, MANY + 1);
}
END_TEST

/* ---- the lists ---- */

struct model {
    double trend;
    uint64_t id;
};

static int by_trend(const void *a, const void *b)
{
    const struct model *left = a;
    const struct model *right = b;
    if (left->trend != right->trend) {
        return left->trend < right->trend ? 1 : -1;
    }
    return left->id < right->id ? 1 : -1;
}

static struct model model[REELS];

static void fill(void)
{
    test_ok(&env, reels__feed_index_init(&feed_index, env.ctx, REELS, &env.err));
    for (uint64_t i = 0; i < REELS; i++) {
        /* Many have none, and many are equal. */
        uint64_t trend = test_random_below(&env.random, 400);
        model[i] = (struct model){.trend = trend < 300 ? 0 : (double)trend, .id = i + 1};
        put(i + 1, 1 + i % 50, (int64_t)(i + 1));
        count(i + 1, model[i].trend);
    }
}

START_TEST(test_index_ranks_as_a_full_sort_would)
{
    static struct reels__feed_entry found[REELS];
    size_t at = 0;
    fill();
    rank();
    qsort(model, REELS, sizeof(model[0]), by_trend);
    ck_assert_uint_eq(reels__feed_index_trending(&feed_index, found, REELS), REELS__FEED_TOP_MAX);
    for (size_t i = 0; i < REELS__FEED_TOP_MAX; i++) {
        ck_assert_uint_eq(found[i].reel_id, model[i].id);
    }
    ck_assert_uint_eq(reels__feed_index_fresh(&feed_index, &at, found, REELS), REELS);
    for (size_t i = 0; i < REELS; i++) {
        ck_assert_uint_eq(found[i].reel_id, REELS - i);
    }
    /* What is removed is passed over at once, and what is counted is found with the next ranking.
     */
    reels__feed_index_remove(&feed_index, model[0].id);
    ck_assert_uint_eq(reels__feed_index_trending(&feed_index, found, 1), 1);
    ck_assert_uint_eq(found[0].reel_id, model[1].id);
    count(model[REELS - 1].id, 1e6);
    rank();
    ck_assert_uint_eq(reels__feed_index_trending(&feed_index, found, 2), 2);
    ck_assert_uint_eq(found[0].reel_id, model[REELS - 1].id);
    ck_assert_uint_eq(found[1].reel_id, model[1].id);
}
END_TEST

static void expect_unlocked(void)
{
    ck_assert_int_eq(pthread_mutex_trylock(&feed_index.lock), 0);
    ck_assert_int_eq(pthread_mutex_unlock(&feed_index.lock), 0);
    watched++;
}

static void *watching_alloc(void *user, size_t size, size_t align)
{
    expect_unlocked();
    return allocator.alloc(user, size, align);
}

static void watching_free(void *user, void *block, size_t size)
{
    expect_unlocked();
    allocator.free(user, block, size);
}

/* Memory is taken before the sort and given back behind it: both times the lock is free. */
START_TEST(test_index_keeps_no_page_waiting_while_it_ranks)
{
    fill();
    rank();
    reels__feed_index_remove(&feed_index, 1);
    allocator = env.ctx->allocator;
    env.ctx->allocator.alloc = watching_alloc;
    env.ctx->allocator.free = watching_free;
    rank();
    env.ctx->allocator = allocator;
    ck_assert_int_gt(watched, 3);
}
END_TEST

/* A ranking that failed is made up for by the next one. */
START_TEST(test_index_ranks_after_a_lack_of_memory)
{
    struct reels__feed_entry found;
    size_t refused = 1;
    fill();
    for (size_t nth = 1; refused > 0; nth++) {
        put(REELS + nth, CREATOR, (int64_t)(REELS + nth));
        count(REELS + nth, 1e6 + (double)nth);
        test_alloc_fail(&env.alloc, nth, 0);
        reels_status status = reels__feed_index_rank(&feed_index, 1000, &env.err);
        refused = env.alloc.refused_count;
        test_alloc_fail(&env.alloc, 0, 0);
        test_status(refused > 0 ? REELS_ERR_NO_MEMORY : REELS_OK, status);
        rank();
        size_t at = 0;
        ck_assert_uint_eq(reels__feed_index_trending(&feed_index, &found, 1), 1);
        ck_assert_uint_eq(found.reel_id, REELS + nth);
        ck_assert_uint_eq(reels__feed_index_fresh(&feed_index, &at, &found, 1), 1);
        ck_assert_uint_eq(found.reel_id, REELS + nth);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feed_index");
    TCase *tcase = tcase_create("index");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_index_lists_a_creators_reels_newest_first_whatever_was_removed);
    tcase_add_test(tcase, test_index_makes_room_at_once_when_all_reels_are_of_one_creator);
    tcase_add_test(tcase, test_index_ranks_as_a_full_sort_would);
    tcase_add_test(tcase, test_index_keeps_no_page_waiting_while_it_ranks);
    tcase_add_test(tcase, test_index_ranks_after_a_lack_of_memory);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
