/* Nodes leased through a catalog: processes get different nodes, a paused one cannot clash with its
 * successor, and a write whose outcome was not known does not lock its writer out. Simulated clock;
 * the catalog in memory behind a wrapper that can fail. */
#include <string.h>

#include <reels/id.h>

#include "id_set.h"
#include "test_catalog.h"
#include "test_check.h"

enum {
    TICK_US = 1000,
    SECOND_US = 1000000,
    LEASE_US = 2 * SECOND_US,
    HOLD_US = 10 * SECOND_US, /* how long a node stays taken without an extension */
    NODES_COUNT = 4
};

/* A catalog over a catalog. */
struct wrapper {
    struct test_catalog_over over;
    int commit_loses_result; /* the next commit takes effect and fails all the same */
    int commits_fail;
};

static struct test_env env;
static struct wrapper wrapper;
static reels_catalog *catalog;

static reels_status wrap_commit(void *impl,
                                const reels_call *call,
                                const reels_commit *commits,
                                size_t commits_count,
                                reels_commit_result *results,
                                reels_error *err)
{
    struct wrapper *self = impl;
    if (self->commits_fail) {
        return reels_error_set(err, REELS_ERR_IO, 0, "the catalog is away");
    }
    reels_status status =
        reels_catalog_commit(self->over.inner, call, commits, commits_count, results, err);
    if (self->commit_loses_result) {
        self->commit_loses_result = 0;
        return reels_error_set(err, REELS_ERR_TIMEOUT, 0, "no answer");
    }
    return status;
}

static void setup(void)
{
    test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED);
    memset(&wrapper, 0, sizeof wrapper);
    test_ok(&env, reels_catalog_open(env.ctx, "mem:", &wrapper.over.inner, &env.err));
    reels_catalog_vtable table = test_catalog_over_table;
    table.commit = wrap_commit;
    test_ok(&env, reels_catalog_new(env.ctx, &table, &wrapper, &catalog, &env.err));
}

static void teardown(void)
{
    reels_catalog_free(catalog);
    test_env_dispose(&env);
}

enum {
    ANY_NODE = -1,
    DIES = 1 /* its release does nothing, as when the process is killed */
};

/* Region 1 of 2, with four nodes. */
static reels_status try_make(int node, int flags, reels_id_generator **out)
{
    const reels_id_lease_vtable *lease = NULL;
    void *impl = NULL;
    *out = NULL;
    test_ok(&env, reels_id_lease_catalog_new(env.ctx, catalog, &lease, &impl, &env.err));
    reels_id_lease_vtable table = *lease;
    if ((flags & DIES) != 0) {
        table.release = NULL;
    }
    reels_id_layout layout = {.struct_size = sizeof layout,
                              .time_bits = 41,
                              .region_bits = 1,
                              .node_bits = 3,
                              .sequence_bits = 12};
    reels_id_options options = {
        .struct_size = sizeof options,
        .flags = node == ANY_NODE ? REELS_ID_NODE_LEASED : 0,
        .region = 1,
        .node = node == ANY_NODE ? 0 : (uint32_t)node,
        .layout = &layout,
        .lease = &table,
        .lease_impl = impl,
        .lease_duration_us = LEASE_US,
    };
    reels_status status = reels_id_generator_new(env.ctx, &options, NULL, out, &env.err);
    if (status != REELS_OK) {
        lease->destroy(impl);
    }
    return status;
}

static reels_id_generator *make(int node, int flags)
{
    reels_id_generator *made = NULL;
    test_ok(&env, try_make(node, flags, &made));
    return made;
}

static uint64_t next(reels_id_generator *generator)
{
    uint64_t id = 0;
    test_ok(&env, reels_id_next(generator, NULL, &id, &env.err));
    return id;
}

START_TEST(test_catalog_gives_each_process_its_own_node)
{
    reels_id_generator *generators[NODES_COUNT + 1] = {NULL};
    uint32_t seen = 0;
    struct id_set set = {0};
    for (size_t i = 0; i < NODES_COUNT; i++) {
        generators[i] = make(ANY_NODE, 0);
        seen |= 1U << reels_id_generator_node(generators[i]);
    }
    ck_assert_uint_eq(seen, (1U << NODES_COUNT) - 1);
    test_status(REELS_ERR_LIMIT, try_make(ANY_NODE, 0, &generators[NODES_COUNT]));
    ck_assert_ptr_nonnull(strstr(env.err.message, "no ID node of region 1 is free"));
    test_status(REELS_ERR_BUSY, try_make(2, 0, &generators[NODES_COUNT]));
    ck_assert_ptr_nonnull(strstr(env.err.message, "ID node 2 is in use"));
    for (int round = 0; round < 100; round++) {
        for (size_t i = 0; i < NODES_COUNT; i++) {
            id_set_add(&set, next(generators[i]));
        }
        test_clock_advance(&env.clock, SECOND_US / 4);
    }
    ck_assert_uint_eq(id_set_repeats(&set), 0);
    /* One that ends makes room at once. */
    reels_id_generator_free(generators[1]);
    generators[1] = make(ANY_NODE, 0);
    for (size_t i = 0; i < NODES_COUNT; i++) {
        reels_id_generator_free(generators[i]);
    }
    id_set_dispose(&set);
}
END_TEST

START_TEST(test_catalog_successor_of_a_killed_process_starts_at_its_limit)
{
    struct id_set set = {0};
    int64_t start = reels_ctx_now_unix_us(env.ctx);
    for (int life = 0; life < 20; life++) {
        reels_id_generator *generator = make(3, DIES);
        for (int i = 0; i < 20; i++) {
            id_set_add(&set, next(generator));
            test_clock_advance(&env.clock, SECOND_US / 4);
        }
        reels_id_generator_free(generator);
        /* Its name runs out, and then the clock is set back to where it was. */
        test_clock_advance(&env.clock, HOLD_US);
        reels_id_generator *successor = make(3, 0);
        test_clock_step_wall(&env.clock, start - reels_ctx_now_unix_us(env.ctx));
        id_set_add(&set, next(successor));
        reels_id_generator_free(successor);
    }
    ck_assert_uint_eq(id_set_repeats(&set), 0);
    id_set_dispose(&set);
}
END_TEST

START_TEST(test_catalog_paused_process_cannot_clash)
{
    struct id_set set = {0};
    reels_id_generator *paused = make(0, 0);
    id_set_add(&set, next(paused));
    test_clock_advance(&env.clock, HOLD_US + SECOND_US);
    reels_id_generator *successor = make(0, 0);
    /* Set back to when the paused one held it: both mint at the same times. */
    test_clock_step_wall(&env.clock, -HOLD_US - SECOND_US);
    for (int i = 0; i < 5000; i++) {
        id_set_add(&set, next(successor));
    }
    uint64_t id = 0;
    int given = 0;
    while (reels_id_next(paused, NULL, &id, &env.err) == REELS_OK) {
        id_set_add(&set, id);
        id_set_add(&set, next(successor));
        test_clock_advance(&env.clock, 10 * TICK_US);
        given++;
    }
    /* It used up its room, was told, and stays told while the other one lives. */
    ck_assert_int_ge(given, 50);
    ck_assert_int_eq(env.err.status, REELS_ERR_BUSY);
    ck_assert_uint_eq(id_set_repeats(&set), 0);
    reels_id_generator_free(successor);
    id_set_add(&set, next(paused));
    ck_assert_uint_eq(id_set_repeats(&set), 0);
    reels_id_generator_free(paused);
    id_set_dispose(&set);
}
END_TEST

START_TEST(test_catalog_paused_process_moves_to_a_free_node)
{
    struct id_set set = {0};
    reels_id_generator *paused = make(ANY_NODE, 0);
    uint32_t old_node = reels_id_generator_node(paused);
    id_set_add(&set, next(paused));
    test_clock_advance(&env.clock, HOLD_US + SECOND_US);
    reels_id_generator *successor = make((int)old_node, 0);
    for (int i = 0; i < 1000; i++) {
        id_set_add(&set, next(paused));
        id_set_add(&set, next(successor));
        test_clock_advance(&env.clock, 10 * TICK_US);
    }
    ck_assert_uint_ne(reels_id_generator_node(paused), old_node);
    ck_assert_uint_eq(id_set_repeats(&set), 0);
    reels_id_generator_free(paused);
    reels_id_generator_free(successor);
    id_set_dispose(&set);
}
END_TEST

START_TEST(test_catalog_generator_at_rest_keeps_its_node)
{
    reels_id_generator *generator = make(ANY_NODE, 0);
    uint32_t node = reels_id_generator_node(generator);
    uint64_t last = next(generator);
    for (int day = 0; day < 10; day++) {
        test_clock_advance(&env.clock, 86400LL * SECOND_US);
        uint64_t id = next(generator);
        ck_assert_uint_gt(id, last);
        last = id;
        ck_assert_uint_eq(reels_id_generator_node(generator), node);
    }
    reels_id_generator_free(generator);
}
END_TEST

START_TEST(test_catalog_write_of_unknown_outcome_is_recognised)
{
    reels_id_generator *generator = make(1, 0);
    uint64_t last = next(generator);
    for (int i = 0; i < 20; i++) {
        /* Each second extension takes effect and is reported as failed. */
        wrapper.commit_loses_result = i % 2;
        test_clock_advance(&env.clock, LEASE_US / 2 + TICK_US);
        uint64_t id = next(generator);
        ck_assert_uint_gt(id, last);
        last = id;
    }
    ck_assert_uint_eq(reels_id_generator_node(generator), 1);
    reels_id_generator_free(generator);
}
END_TEST

START_TEST(test_catalog_failures_are_statuses_and_heal)
{
    reels_id_generator *generator = NULL;
    wrapper.commits_fail = 1;
    test_status(REELS_ERR_IO, try_make(1, 0, &generator));
    wrapper.commits_fail = 0;
    generator = make(1, 0);
    wrapper.commits_fail = 1;
    test_clock_advance(&env.clock, LEASE_US + TICK_US);
    uint64_t id = 0;
    test_status(REELS_ERR_IO, reels_id_next(generator, NULL, &id, &env.err));
    ck_assert_str_eq(env.err.message, "extending the ID lease: the catalog is away");
    wrapper.commits_fail = 0;
    (void)next(generator);
    reels_id_generator_free(generator);
    /* What was failing at its end leaves the higher limit, and the node free. */
    generator = make(1, 0);
    uint64_t last = next(generator);
    wrapper.commits_fail = 1;
    reels_id_generator_free(generator);
    wrapper.commits_fail = 0;
    generator = make(1, 0);
    ck_assert_uint_gt(next(generator), last);
    reels_id_generator_free(generator);
}
END_TEST

static reels_status lease_and_mint(reels_ctx *ctx, void *arg)
{
    (void)arg;
    reels_catalog *mem = NULL;
    const reels_id_lease_vtable *lease = NULL;
    void *impl = NULL;
    reels_id_generator *generator = NULL;
    uint64_t id = 0;
    reels_status status = reels_catalog_open(ctx, "mem:", &mem, NULL);
    if (status == REELS_OK) {
        status = reels_id_lease_catalog_new(ctx, mem, &lease, &impl, NULL);
    }
    if (status == REELS_OK) {
        reels_id_options options = {.struct_size = sizeof options,
                                    .flags = REELS_ID_NODE_LEASED,
                                    .lease = lease,
                                    .lease_impl = impl};
        status = reels_id_generator_new(ctx, &options, NULL, &generator, NULL);
        if (status != REELS_OK) {
            lease->destroy(impl);
        }
    }
    if (status == REELS_OK) {
        status = reels_id_next(generator, NULL, &id, NULL);
    }
    reels_id_generator_free(generator);
    reels_catalog_free(mem);
    return status;
}

START_TEST(test_catalog_row_tells_region_node_and_limit)
{
    reels_id_generator *generator = make(2, 0);
    reels_rows *rows = NULL;
    reels_value key[] = {{.type = REELS_TYPE_INT64, .integer = 1},
                         {.type = REELS_TYPE_INT64, .integer = 2}};
    test_ok(&env, reels_rows_new(env.ctx, 0, &rows, &env.err));
    test_ok(&env, reels_catalog_get(catalog, NULL, reels_id_node_table(), key, 1, rows, &env.err));
    const reels_value *row = reels_rows_get(rows, 0, NULL);
    ck_assert_ptr_nonnull(row);
    ck_assert_str_eq(reels_id_node_table()->columns[2].name, "lease_until");
    ck_assert_int_eq(row[2].integer - reels_ctx_now_unix_us(env.ctx), LEASE_US);
    reels_rows_free(rows);
    reels_id_generator_free(generator);
}
END_TEST

START_TEST(test_catalog_survives_every_refused_allocation)
{
    ck_assert_uint_ge(test_oom_run(TEST_ENV_SIM_CLOCK | TEST_ENV_SEED, lease_and_mint, NULL), 8);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("id-lease-catalog");
    TCase *tcase = tcase_create("lease-catalog");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_catalog_gives_each_process_its_own_node);
    tcase_add_test(tcase, test_catalog_successor_of_a_killed_process_starts_at_its_limit);
    tcase_add_test(tcase, test_catalog_paused_process_cannot_clash);
    tcase_add_test(tcase, test_catalog_paused_process_moves_to_a_free_node);
    tcase_add_test(tcase, test_catalog_generator_at_rest_keeps_its_node);
    tcase_add_test(tcase, test_catalog_write_of_unknown_outcome_is_recognised);
    tcase_add_test(tcase, test_catalog_failures_are_statuses_and_heal);
    tcase_add_test(tcase, test_catalog_row_tells_region_node_and_limit);
    tcase_add_test(tcase, test_catalog_survives_every_refused_allocation);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
