/* Memory may be refused at any point of a life, our own and SQLite's: the call says NO_MEMORY,
 * nothing leaks, nothing that was acknowledged is lost, and a retry works. */
#include <sqlite3.h>
#include <stdlib.h>

#include "sql_world.h"
#include "test_check.h"

enum {
    ALLOCATIONS_MAX = 100000,
    EACH_UNTIL = 500, /* each request of the opening and the first commits, then a sample */
    SAMPLE_STEP = 3
};

static const struct world *const worlds[] = {&world_catalog, &world_stats};

/* ---- SQLite's allocator, with the n-th request refused ---- */

static sqlite3_mem_methods libc_methods;
static unsigned long requests_count;
static unsigned long refuse_at; /* 0 = none */
static int refuse_all_after;
static unsigned long refused_count;

static int is_refused(void)
{
    requests_count++;
    int refused = refuse_at != 0 &&
                  (requests_count == refuse_at || (refuse_all_after && requests_count > refuse_at));
    refused_count += refused ? 1u : 0u;
    return refused;
}

static void *refusing_malloc(int size)
{
    return is_refused() ? NULL : libc_methods.xMalloc(size);
}

static void *refusing_realloc(void *old, int size)
{
    return is_refused() ? NULL : libc_methods.xRealloc(old, size);
}

static void refuse(unsigned long nth, int all_after)
{
    requests_count = 0;
    refused_count = 0;
    refuse_at = nth;
    refuse_all_after = all_after;
}

/* Process-wide, which the library itself never does: this is a program of its own. */
static void refusing_install(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_GETMALLOC, &libc_methods);
    sqlite3_mem_methods methods = libc_methods;
    methods.xMalloc = refusing_malloc;
    methods.xRealloc = refusing_realloc;
    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

static void refuse_everywhere(const struct world *world, int all_after)
{
    unsigned long refused_runs = 0;
    unsigned long nth = 0;
    int failures = 0;
    do {
        struct test_env env;
        struct world_told told = {0};
        nth += nth < EACH_UNTIL ? 1 : SAMPLE_STEP;
        test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED | TEST_ENV_MEM_FS);
        refuse(nth, all_after);
        world->run(env.ctx, world->url, all_after ? 1 : 2, &told);
        refused_runs = refused_count;
        refuse(0, 0);
        ck_assert_msg(told.failures_count == 0 || told.last_failure == REELS_ERR_NO_MEMORY,
                      "%s: request %lu: %s",
                      world->name,
                      nth,
                      reels_status_name(told.last_failure));
        for (int step = 0; !all_after && step < world_steps; step++) {
            ck_assert_msg(
                told.acknowledged[step], "%s: request %lu: a second try failed", world->name, nth);
        }
        failures += told.failures_count;
        world->verify(env.ctx, world->url, &told);
        test_env_dispose(&env);
    } while (refused_runs > 0 && nth < ALLOCATIONS_MAX);
    ck_assert_uint_lt(nth, ALLOCATIONS_MAX);
    ck_assert_int_gt(failures, 40);
}

START_TEST(test_sqlite_refused_memory_costs_one_call)
{
    refuse_everywhere(worlds[_i], 0);
}
END_TEST

START_TEST(test_sqlite_no_memory_for_good_loses_nothing)
{
    refuse_everywhere(worlds[_i], 1);
}
END_TEST

/* ---- our own allocator ---- */

/* A life whose every call may be refused memory; gives the first failure. */
static reels_status life(reels_ctx *ctx, void *arg)
{
    const struct world *world = arg;
    struct world_told told = {0};
    world->run(ctx, world->url, 1, &told);
    return told.failures_count > 0 ? told.last_failure : REELS_OK;
}

START_TEST(test_our_memory_refused_anywhere_leaks_nothing)
{
    struct world world = *worlds[_i % 2];
    world.url = _i < 2 ? world.url : "mem:";
    size_t allocations =
        test_oom_run(TEST_ENV_SIM_CLOCK | TEST_ENV_SEED | TEST_ENV_MEM_FS, life, &world);
    ck_assert_uint_ge(allocations, 20);
}
END_TEST

/* What the worlds do not touch: reading, claiming, acknowledging, leases. */
static reels_status rest_of_catalog(reels_ctx *ctx, void *arg)
{
    const char *url = arg;
    reels_error err = {.struct_size = sizeof err};
    reels_catalog *catalog = NULL;
    reels_rows *rows = NULL;
    reels_records *records = NULL;
    reels_buf *next = NULL;
    const reels_table *table = &world_table;
    reels_commit_result result = {0};
    uint64_t fence = 0;
    const reels_value keys[] = {{.type = REELS_TYPE_ID, .integer = 0},
                                {.type = REELS_TYPE_ID, .integer = 0}};
    reels_scan scan = {.struct_size = sizeof scan, .table = table, .index = "by_body", .limit = 1};
    reels_status status = reels_catalog_open(ctx, url, &catalog, &err);
#define THEN(call) status = status == REELS_OK ? (call) : status
    THEN(reels_catalog_declare(catalog, NULL, &table, 1, &err));
    THEN(world_commit(catalog, 0, &result, &err));
    THEN(reels_rows_new(ctx, 0, &rows, &err));
    THEN(reels_buf_new(ctx, 0, &next, &err));
    THEN(reels_records_new(ctx, 0, &records, &err));
    THEN(reels_catalog_get(catalog, NULL, table, keys, 1, rows, &err));
    THEN(reels_catalog_scan(catalog, NULL, &scan, rows, next, &err));
    if (status == REELS_OK) {
        scan.after = reels_buf_data(next);
        scan.after_len = reels_buf_len(next);
    }
    THEN(reels_catalog_scan(catalog, NULL, &scan, rows, next, &err));
    THEN(reels_catalog_outbox_claim(catalog, NULL, "a", 60000000, 10, records, &err));
    reels_record record = {0};
    THEN(reels_records_get(records, 0, &record));
    THEN(reels_catalog_outbox_ack(catalog, NULL, "a", &record, 1, &err));
    THEN(reels_catalog_lease_acquire(catalog, NULL, "l", "a", 60000000, &fence, &err));
    THEN(reels_catalog_lease_renew(catalog, NULL, "l", fence, 60000000, &err));
    THEN(reels_catalog_lease_release(catalog, NULL, "l", fence, &err));
#undef THEN
    reels_rows_free(rows);
    reels_records_free(records);
    reels_buf_free(next);
    reels_catalog_free(catalog);
    return status;
}

START_TEST(test_our_memory_refused_in_the_rest_of_the_catalog)
{
    static char urls[2][32] = {"sqlite:/c.db", "mem:"};
    size_t allocations = test_oom_run(
        TEST_ENV_SIM_CLOCK | TEST_ENV_SEED | TEST_ENV_MEM_FS, rest_of_catalog, urls[_i]);
    ck_assert_uint_ge(allocations, 20);
}
END_TEST

int main(void)
{
    refusing_install();
    world_steps = 3; /* the first, one in the middle, the last */
    Suite *suite = suite_create("sqlite_memory");
    TCase *cases = tcase_create("memory");
    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, test_sqlite_refused_memory_costs_one_call, 0, 2);
    tcase_add_loop_test(cases, test_sqlite_no_memory_for_good_loses_nothing, 0, 2);
    tcase_add_loop_test(cases, test_our_memory_refused_anywhere_leaks_nothing, 0, 4);
    tcase_add_loop_test(cases, test_our_memory_refused_in_the_rest_of_the_catalog, 0, 2);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
