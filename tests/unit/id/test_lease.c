/* The lease: nothing is minted at or above its persisted limit, successors start there, and
 * whatever a store does when it fails, no ID repeats. Simulated clock, store in memory. */
#include <stdlib.h>
#include <string.h>

#include <reels/id.h>

#include "id_set.h"
#include "lease_store.h"
#include "test_check.h"

enum {
    TICK_US = 1000,
    SECOND_US = 1000000,
    LEASE_US = 2 * SECOND_US,
    PROCESSES_COUNT = 3
};

static struct test_env env;
static struct lease_store store;

static void setup(void)
{
    test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED);
    lease_store_init(&store, 1);
}

static void teardown(void)
{
    lease_store_dispose(&store);
    test_env_dispose(&env);
}

static reels_status try_make(struct store_lease *lease, reels_id_generator **out)
{
    lease->store = &store;
    reels_id_options options = {
        .struct_size = sizeof options,
        .lease = &store_table,
        .lease_impl = lease,
        .lease_duration_us = LEASE_US,
    };
    return reels_id_generator_new(env.ctx, &options, NULL, out, &env.err);
}

static reels_id_generator *make(struct store_lease *lease)
{
    reels_id_generator *made = NULL;
    test_ok(&env, try_make(lease, &made));
    return made;
}

static int64_t time_of(uint64_t id)
{
    reels_id_parts parts = {.struct_size = sizeof parts};
    ck_assert_int_eq(reels_id_parse(NULL, id, &parts, NULL), REELS_OK);
    return parts.time_unix_us;
}

static uint64_t next(reels_id_generator *generator)
{
    uint64_t id = 0;
    test_ok(&env, reels_id_next(generator, NULL, &id, &env.err));
    return id;
}

START_TEST(test_lease_limit_is_persisted_before_anything_is_minted)
{
    struct store_lease lease = {0};
    reels_id_generator *generator = make(&lease);
    ck_assert_uint_eq(lease.extends_count, 1);
    for (int i = 0; i < 5000; i++) {
        ck_assert_int_lt(time_of(next(generator)) + TICK_US - 1, store.nodes[0].limit_unix_us);
        test_clock_advance(&env.clock, 1700);
    }
    reels_id_generator_free(generator);
    ck_assert_uint_eq(lease.releases_count, 1);
    ck_assert_uint_eq(lease.destroys_count, 1);
}
END_TEST

START_TEST(test_lease_is_extended_ahead_of_need)
{
    struct store_lease lease = {0};
    reels_id_generator *generator = make(&lease);
    int64_t first_limit = store.nodes[0].limit_unix_us;
    test_clock_advance(&env.clock, LEASE_US / 2 - 2 * TICK_US);
    (void)next(generator);
    ck_assert_int_eq(store.nodes[0].limit_unix_us, first_limit);
    test_clock_advance(&env.clock, 3 * TICK_US);
    (void)next(generator);
    ck_assert_int_gt(store.nodes[0].limit_unix_us, first_limit);
    ck_assert_uint_eq(lease.extends_count, 2);
    /* And not at every call. */
    for (int i = 0; i < 100; i++) {
        (void)next(generator);
    }
    ck_assert_uint_eq(lease.extends_count, 2);
    reels_id_generator_free(generator);
}
END_TEST

START_TEST(test_lease_mints_up_to_the_limit_while_the_store_is_away)
{
    struct store_lease lease = {0};
    reels_id_generator *generator = make(&lease);
    int64_t limit = store.nodes[0].limit_unix_us;
    lease.extend_status = REELS_ERR_IO;
    while (env.clock.wall_unix_us < limit - TICK_US) {
        ck_assert_int_lt(time_of(next(generator)), limit);
        test_clock_advance(&env.clock, TICK_US);
    }
    ck_assert_uint_ge(env.log.counts[REELS_LOG_WARN], 1);
    /* Attempts come closer together, but are no storm. */
    ck_assert_uint_ge(lease.extends_count, 5);
    ck_assert_uint_le(lease.extends_count, 20);
    test_clock_advance(&env.clock, TICK_US);
    uint64_t id = 99;
    for (int i = 0; i < 3; i++) {
        memset(env.err.message, 0, sizeof env.err.message);
        test_status(REELS_ERR_IO, reels_id_next(generator, NULL, &id, &env.err));
        ck_assert_str_eq(env.err.message, "extending the ID lease: the store is away");
    }
    ck_assert_uint_eq(id, 99);
    /* It heals as soon as the store is back. */
    lease.extend_status = REELS_OK;
    ck_assert_int_ge(time_of(next(generator)), limit);
    reels_id_generator_free(generator);
}
END_TEST

START_TEST(test_lease_successor_starts_at_the_limit)
{
    struct store_lease first = {0};
    struct store_lease second = {0};
    reels_id_generator *generator = make(&first);
    uint64_t last = next(generator);
    int64_t limit = store.nodes[0].limit_unix_us;
    first.dies = 1; /* killed: nothing is given back */
    reels_id_generator_free(generator);
    /* The machine comes back with its clock an hour late. */
    test_clock_step_wall(&env.clock, -3500LL * SECOND_US);
    generator = make(&second);
    uint64_t id = next(generator);
    ck_assert_uint_gt(id, last);
    ck_assert_int_ge(time_of(id), limit);
    reels_id_generator_free(generator);
}
END_TEST

START_TEST(test_lease_clean_end_gives_the_rest_back)
{
    uint64_t last = 0;
    for (int i = 0; i < 1000; i++) {
        struct store_lease lease = {0};
        reels_id_generator *generator = make(&lease);
        uint64_t id = next(generator);
        ck_assert_uint_gt(id, last);
        last = id;
        reels_id_generator_free(generator);
    }
    /* A thousand restarts cost a tick each, not a lease each. */
    ck_assert_int_le(time_of(last) - reels_ctx_now_unix_us(env.ctx), 2 * TICK_US);
}
END_TEST

START_TEST(test_lease_crash_loop_ends_in_a_status)
{
    int crashes = 0;
    reels_id_generator *generator = NULL;
    reels_status status = REELS_OK;
    struct store_lease lease = {0};
    for (; crashes < 5000 && status == REELS_OK; crashes++) {
        status = try_make(&lease, &generator);
        lease.dies = 1;
        reels_id_generator_free(generator);
    }
    test_status(REELS_ERR_STATE, status);
    ck_assert_ptr_null(generator);
    ck_assert_uint_eq(env.err.flags & REELS_ERROR_RETRIABLE, REELS_ERROR_RETRIABLE);
    ck_assert_int_ge(crashes, 3600 / 2);
    /* Asking again does not make it worse; waiting makes it good. */
    int64_t limit = store.nodes[0].limit_unix_us;
    test_status(REELS_ERR_STATE, try_make(&lease, &generator));
    ck_assert_int_eq(store.nodes[0].limit_unix_us, limit);
    test_clock_advance(&env.clock, 10 * SECOND_US);
    test_ok(&env, try_make(&lease, &generator));
    reels_id_generator_free(generator);
}
END_TEST

START_TEST(test_lease_paused_process_cannot_clash)
{
    struct store_lease old = {0};
    struct store_lease new = {0};
    struct id_set set = {0};
    reels_id_generator *paused = make(&old);
    id_set_add(&set, next(paused));
    /* It sleeps through its own replacement, and the clock is set back on top. */
    test_clock_advance(&env.clock, 60 * SECOND_US);
    reels_id_generator *successor = make(&new);
    test_clock_step_wall(&env.clock, -60 * SECOND_US);
    for (int i = 0; i < 20000; i++) {
        id_set_add(&set, next(successor));
    }
    /* Awake again it may use up its own room, and then has to ask. */
    for (int i = 0; i < 3000; i++) {
        id_set_add(&set, next(paused));
    }
    ck_assert_uint_eq(id_set_repeats(&set), 0);
    /* Here asking fences the other one in turn; both go on without a repeat. */
    test_clock_advance(&env.clock, 10 * SECOND_US);
    for (int i = 0; i < 3000; i++) {
        id_set_add(&set, next(paused));
        id_set_add(&set, next(successor));
        test_clock_advance(&env.clock, 5 * TICK_US);
    }
    ck_assert_uint_eq(id_set_repeats(&set), 0);
    id_set_dispose(&set);
    reels_id_generator_free(paused);
    reels_id_generator_free(successor);
}
END_TEST

START_TEST(test_lease_lost_and_not_given_again_is_a_status)
{
    struct store_lease old = {0};
    struct store_lease new = {0};
    reels_id_generator *paused = make(&old);
    reels_id_generator *successor = make(&new);
    old.acquire_status = REELS_ERR_BUSY;
    test_clock_advance(&env.clock, 60 * SECOND_US);
    uint64_t id = 0;
    for (int i = 0; i < 3; i++) {
        test_status(REELS_ERR_BUSY, reels_id_next(paused, NULL, &id, &env.err));
    }
    ck_assert_ptr_nonnull(strstr(env.err.message, "acquiring an ID lease"));
    (void)next(successor);
    old.acquire_status = REELS_OK;
    (void)next(paused);
    reels_id_generator_free(paused);
    reels_id_generator_free(successor);
}
END_TEST

struct other_caller {
    reels_id_generator *generator;
    reels_status status;
};

/* What another thread would do while the keeper is between two nodes. */
static void mint_meanwhile(void *user)
{
    struct other_caller *other = user;
    reels_call call = {.struct_size = sizeof call,
                       .deadline_mono_us = reels_ctx_now_mono_us(env.ctx) + 5 * TICK_US};
    uint64_t id = 0;
    other->status = reels_id_next(other->generator, &call, &id, NULL);
}

START_TEST(test_lease_mints_nothing_between_two_nodes)
{
    struct store_lease lease = {.store = &store};
    store.nodes_count = 2;
    reels_id_options options = {
        .struct_size = sizeof options,
        .flags = REELS_ID_NODE_LEASED,
        .lease = &store_table,
        .lease_impl = &lease,
        .lease_duration_us = LEASE_US,
    };
    struct other_caller other = {0};
    test_ok(&env, reels_id_generator_new(env.ctx, &options, NULL, &other.generator, &env.err));
    ck_assert_uint_eq(reels_id_generator_node(other.generator), 0);
    int64_t old_limit = store.nodes[0].limit_unix_us;
    /* Half of the lease is over, with room left, and somebody has taken the node. */
    test_clock_advance(&env.clock, LEASE_US / 2 + TICK_US);
    store.nodes[0].owner = 99;
    lease.in_acquire = mint_meanwhile;
    lease.in_acquire_user = &other;
    int64_t time = time_of(next(other.generator));
    test_status(REELS_ERR_TIMEOUT, other.status);
    ck_assert_uint_eq(reels_id_generator_node(other.generator), 1);
    ck_assert_int_ge(time, old_limit);
    reels_id_generator_free(other.generator);
}
END_TEST

START_TEST(test_lease_failures_at_the_start_leave_nothing)
{
    struct store_lease lease = {.acquire_status = REELS_ERR_LIMIT};
    reels_id_generator *generator = (reels_id_generator *)&lease;
    test_status(REELS_ERR_LIMIT, try_make(&lease, &generator));
    ck_assert_ptr_null(generator);
    lease.acquire_status = REELS_OK;
    lease.extend_status = REELS_ERR_TIMEOUT;
    test_status(REELS_ERR_TIMEOUT, try_make(&lease, &generator));
    /* Taken and given back; ownership stayed with the caller. */
    ck_assert_uint_eq(lease.releases_count, 1);
    ck_assert_uint_eq(lease.destroys_count, 0);
    lease.extend_status = REELS_END;
    test_status(REELS_ERR_HOST, try_make(&lease, &generator));
    lease.extend_status = REELS_OK;
    test_ok(&env, try_make(&lease, &generator));
    reels_id_generator_free(generator);
    ck_assert_uint_eq(lease.destroys_count, 1);
}
END_TEST

START_TEST(test_lease_cannot_give_a_foreign_node)
{
    lease_store_dispose(&store);
    lease_store_init(&store, STORE_NODES_MAX);
    store.grants_count = 7;
    struct store_lease lease = {.store = &store};
    reels_id_layout layout = {
        .struct_size = sizeof layout, .time_bits = 41, .node_bits = 2, .sequence_bits = 12};
    reels_id_options options = {
        .struct_size = sizeof options,
        .flags = REELS_ID_NODE_LEASED,
        .layout = &layout,
        .lease = &store_table,
        .lease_impl = &lease,
    };
    reels_id_generator *generator = NULL;
    test_status(REELS_ERR_HOST,
                reels_id_generator_new(env.ctx, &options, NULL, &generator, &env.err));
    store.grants_count = 3;
    test_ok(&env, reels_id_generator_new(env.ctx, &options, NULL, &generator, &env.err));
    ck_assert_uint_eq(reels_id_generator_node(generator), 3);
    reels_id_generator_free(generator);
}
END_TEST

/* A few processes over one node, moved by a seed: they mint, die, come back, are paused and fenced,
 * the store fails with and without effect, and the clock goes where it likes. */
struct world {
    struct store_lease leases[PROCESSES_COUNT];
    reels_id_generator *generators[PROCESSES_COUNT];
    struct id_set set;
};

static void world_process_start(struct world *world, size_t i)
{
    memset(&world->leases[i], 0, sizeof world->leases[i]);
    (void)try_make(&world->leases[i], &world->generators[i]);
}

static void world_step(struct world *world, struct test_random *random)
{
    size_t i = (size_t)test_random_below(random, PROCESSES_COUNT);
    struct store_lease *lease = &world->leases[i];
    switch (test_random_below(random, 8)) {
    case 0:
        lease->dies = (int)test_random_below(random, 2);
        reels_id_generator_free(world->generators[i]);
        world->generators[i] = NULL;
        break;
    case 1:
        lease->extend_status = test_random_below(random, 2) == 0 ? REELS_OK : REELS_ERR_IO;
        lease->extend_takes_effect = (int)test_random_below(random, 2);
        break;
    case 2:
        test_clock_step_wall(&env.clock,
                             (int64_t)test_random_below(random, 8 * SECOND_US) - 4 * SECOND_US);
        break;
    case 3:
        test_clock_advance(&env.clock, (int64_t)test_random_below(random, LEASE_US));
        break;
    default:
        if (world->generators[i] == NULL) {
            world_process_start(world, i);
        }
        for (uint64_t n = test_random_below(random, 6000); n > 0 && world->generators[i] != NULL;
             n--) {
            uint64_t id = 0;
            if (reels_id_next(world->generators[i], NULL, &id, NULL) != REELS_OK) {
                break;
            }
            id_set_add(&world->set, id);
        }
        break;
    }
}

START_TEST(test_lease_random_histories_never_repeat_an_id)
{
    static struct world world;
    struct test_random random;
    memset(&world, 0, sizeof world);
    test_random_init(&random, (uint64_t)_i);
    for (int step = 0; step < 300; step++) {
        world_step(&world, &random);
    }
    for (size_t i = 0; i < PROCESSES_COUNT; i++) {
        reels_id_generator_free(world.generators[i]);
    }
    ck_assert_uint_ge(world.set.count, 10000);
    ck_assert_uint_eq(id_set_repeats(&world.set), 0);
    id_set_dispose(&world.set);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("id-lease");
    TCase *tcase = tcase_create("lease");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_lease_limit_is_persisted_before_anything_is_minted);
    tcase_add_test(tcase, test_lease_is_extended_ahead_of_need);
    tcase_add_test(tcase, test_lease_mints_up_to_the_limit_while_the_store_is_away);
    tcase_add_test(tcase, test_lease_successor_starts_at_the_limit);
    tcase_add_test(tcase, test_lease_clean_end_gives_the_rest_back);
    tcase_add_test(tcase, test_lease_crash_loop_ends_in_a_status);
    tcase_add_test(tcase, test_lease_paused_process_cannot_clash);
    tcase_add_test(tcase, test_lease_lost_and_not_given_again_is_a_status);
    tcase_add_test(tcase, test_lease_mints_nothing_between_two_nodes);
    tcase_add_test(tcase, test_lease_failures_at_the_start_leave_nothing);
    tcase_add_test(tcase, test_lease_cannot_give_a_foreign_node);
    tcase_add_loop_test(tcase, test_lease_random_histories_never_repeat_an_id, 0, 40);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
