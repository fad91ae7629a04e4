/* Many threads on one generator, on the system's clock: no ID twice, each thread sees its own in
 * ascending order, and what the lease does meanwhile changes nothing of that. Suite 'threads'. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <reels/id.h>

#include "id_set.h"
#include "lease_store.h"
#include "test_check.h"

enum {
    THREADS_COUNT = 8,
    IDS_PER_THREAD = 40000,
    IDS_PER_THREAD_LONG = 120000,
    BATCH = 100,
    NODES_COUNT = 4
};

static struct test_env env;

struct minter {
    pthread_t thread;
    reels_id_generator *generator;
    struct id_set set;
    size_t ids_count;
    reels_status status;
    int batches;
    int disorder;
};

static void *mint(void *arg)
{
    struct minter *minter = arg;
    uint64_t last = 0;
    while (minter->set.count < minter->ids_count && minter->status == REELS_OK) {
        uint64_t ids[BATCH] = {0};
        size_t count = minter->batches ? BATCH : 1;
        minter->status = minter->batches
                             ? reels_id_next_many(minter->generator, NULL, count, ids, NULL)
                             : reels_id_next(minter->generator, NULL, ids, NULL);
        for (size_t i = 0; i < count && minter->status == REELS_OK; i++) {
            minter->disorder |= ids[i] <= last;
            last = ids[i];
            id_set_add(&minter->set, ids[i]);
        }
    }
    return NULL;
}

/* Half of the threads mint one by one, half in batches; threads take the generators in turn. Gives
 * all IDs. */
static struct id_set
mint_all(reels_id_generator *const *generators, size_t generators_count, size_t ids_per_thread)
{
    static struct minter minters[THREADS_COUNT];
    struct id_set all = {0};
    memset(minters, 0, sizeof minters);
    for (size_t i = 0; i < THREADS_COUNT; i++) {
        minters[i].generator = generators[i % generators_count];
        minters[i].ids_count = ids_per_thread;
        minters[i].batches = i % 4 >= 2;
        ck_assert_int_eq(pthread_create(&minters[i].thread, NULL, mint, &minters[i]), 0);
    }
    for (size_t i = 0; i < THREADS_COUNT; i++) {
        ck_assert_int_eq(pthread_join(minters[i].thread, NULL), 0);
        ck_assert_int_eq(minters[i].status, REELS_OK);
        ck_assert_int_eq(minters[i].disorder, 0);
        for (size_t k = 0; k < minters[i].set.count; k++) {
            id_set_add(&all, minters[i].set.ids[k]);
        }
        id_set_dispose(&minters[i].set);
    }
    ck_assert_uint_ge(all.count, THREADS_COUNT * ids_per_thread);
    return all;
}

START_TEST(test_threads_never_repeat_an_id)
{
    reels_id_generator *generator = NULL;
    int64_t start = reels_ctx_now_mono_us(env.ctx);
    test_ok(&env, reels_id_generator_new(env.ctx, NULL, NULL, &generator, &env.err));
    struct id_set all = mint_all(&generator, 1, IDS_PER_THREAD);
    int64_t took_us = reels_ctx_now_mono_us(env.ctx) - start;
    ck_assert_uint_eq(id_set_repeats(&all), 0);
    /* The sequence bounds the rate: IDs cannot have come faster than 4096 a millisecond. */
    ck_assert_int_ge(took_us, (int64_t)all.count / 4096 * 1000 - 1000);
    id_set_dispose(&all);
    reels_id_generator_free(generator);
}
END_TEST

START_TEST(test_threads_share_one_keeper_of_the_lease)
{
    struct lease_store store;
    lease_store_init(&store, 1);
    struct store_lease lease = {.store = &store};
    reels_id_options options = {
        .struct_size = sizeof options,
        .lease = &store_table,
        .lease_impl = &lease,
        .lease_duration_us = 10000,
    };
    reels_id_generator *generator = NULL;
    test_ok(&env, reels_id_generator_new(env.ctx, &options, NULL, &generator, &env.err));
    struct id_set all = mint_all(&generator, 1, IDS_PER_THREAD);
    ck_assert_uint_eq(id_set_repeats(&all), 0);
    reels_id_parts parts = {.struct_size = sizeof parts};
    test_ok(&env, reels_id_parse(NULL, all.ids[all.count - 1], &parts, &env.err));
    ck_assert_int_lt(parts.time_unix_us, store.nodes[0].limit_unix_us);
    ck_assert_uint_ge(lease.extends_count, 5);
    id_set_dispose(&all);
    reels_id_generator_free(generator);
    lease_store_dispose(&store);
}
END_TEST

/* Three generators take nodes from each other all the time: extensions are STALE, the node number
 * changes under the minting threads, and an ID must carry the number whose limit covers it. */
START_TEST(test_threads_keep_node_and_time_together_when_nodes_change)
{
    struct lease_store store;
    lease_store_init(&store, NODES_COUNT);
    store.fence_every = 2;
    struct store_lease leases[3] = {{.store = &store}, {.store = &store}, {.store = &store}};
    reels_id_generator *generators[3] = {NULL, NULL, NULL};
    for (size_t i = 0; i < 3; i++) {
        reels_id_options options = {
            .struct_size = sizeof options,
            .flags = REELS_ID_NODE_LEASED,
            .lease = &store_table,
            .lease_impl = &leases[i],
            .lease_duration_us = 10000,
        };
        test_ok(&env, reels_id_generator_new(env.ctx, &options, NULL, &generators[i], &env.err));
    }
    struct id_set all = mint_all(generators, 3, IDS_PER_THREAD_LONG);
    ck_assert_uint_eq(id_set_repeats(&all), 0);
    ck_assert_uint_ge(store.grants_count, 10);
    id_set_dispose(&all);
    for (size_t i = 0; i < 3; i++) {
        reels_id_generator_free(generators[i]);
    }
    lease_store_dispose(&store);
}
END_TEST

static void setup(void)
{
    test_env_init(&env, 0);
}

static void teardown(void)
{
    test_env_dispose(&env);
}

int main(void)
{
    Suite *suite = suite_create("id-threads");
    TCase *tcase = tcase_create("threads");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_threads_never_repeat_an_id);
    tcase_add_test(tcase, test_threads_share_one_keeper_of_the_lease);
    tcase_add_test(tcase, test_threads_keep_node_and_time_together_when_nodes_change);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
