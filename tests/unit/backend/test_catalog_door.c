/* What the front doors of catalog and stats, the containers and the opening by URL promise to a
 * host that brings its own table. The host here puts its table in front of the catalog in memory,
 * over the public functions alone, as any host could. */
#include <stdlib.h>

#include "sql_world.h"
#include "test_check.h"

static struct test_env env;
static int destroyed_count;

/* ---- a host's catalog ---- */

static void host_destroy(void *impl)
{
    destroyed_count++;
    reels_catalog_free(impl);
}

static reels_status host_declare(void *impl,
                                 const reels_call *call,
                                 const reels_table *const *tables,
                                 size_t tables_count,
                                 reels_error *err)
{
    return reels_catalog_declare(impl, call, tables, tables_count, err);
}

static reels_status host_commit(void *impl,
                                const reels_call *call,
                                const reels_commit *commits,
                                size_t commits_count,
                                reels_commit_result *results,
                                reels_error *err)
{
    return reels_catalog_commit(impl, call, commits, commits_count, results, err);
}

static reels_status host_get(void *impl,
                             const reels_call *call,
                             const reels_table *table,
                             const reels_value *keys,
                             size_t keys_count,
                             reels_rows *rows,
                             reels_error *err)
{
    return reels_catalog_get(impl, call, table, keys, keys_count, rows, err);
}

static reels_status host_scan(void *impl,
                              const reels_call *call,
                              const reels_scan *scan,
                              reels_rows *rows,
                              reels_buf *next,
                              reels_error *err)
{
    return reels_catalog_scan(impl, call, scan, rows, next, err);
}

static reels_status host_claim(void *impl,
                               const reels_call *call,
                               const char *holder,
                               int64_t lease_us,
                               uint32_t limit,
                               reels_records *records,
                               reels_error *err)
{
    return reels_catalog_outbox_claim(impl, call, holder, lease_us, limit, records, err);
}

static reels_status host_ack(void *impl,
                             const reels_call *call,
                             const char *holder,
                             const reels_record *records,
                             size_t records_count,
                             reels_error *err)
{
    return reels_catalog_outbox_ack(impl, call, holder, records, records_count, err);
}

static reels_status host_acquire(void *impl,
                                 const reels_call *call,
                                 const char *name,
                                 const char *holder,
                                 int64_t duration_us,
                                 uint64_t *out_fence,
                                 reels_error *err)
{
    return reels_catalog_lease_acquire(impl, call, name, holder, duration_us, out_fence, err);
}

static reels_status host_renew(void *impl,
                               const reels_call *call,
                               const char *name,
                               uint64_t fence,
                               int64_t duration_us,
                               reels_error *err)
{
    return reels_catalog_lease_renew(impl, call, name, fence, duration_us, err);
}

static reels_status
host_release(void *impl, const reels_call *call, const char *name, uint64_t fence, reels_error *err)
{
    return reels_catalog_lease_release(impl, call, name, fence, err);
}

static const reels_catalog_vtable host_table = {
    .struct_size = sizeof(reels_catalog_vtable),
    .destroy = host_destroy,
    .declare = host_declare,
    .commit = host_commit,
    .get = host_get,
    .scan = host_scan,
    .outbox_claim = host_claim,
    .outbox_ack = host_ack,
    .lease_acquire = host_acquire,
    .lease_renew = host_renew,
    .lease_release = host_release,
};

static void setup(void)
{
    test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED);
    destroyed_count = 0;
}

static void teardown(void)
{
    test_env_dispose(&env);
}

static reels_catalog *inner_open(void)
{
    reels_catalog *inner = NULL;
    test_ok(&env, reels_catalog_open(env.ctx, "mem:", &inner, &env.err));
    return inner;
}

/* A catalog over the host's table works from the first commit on. */
static void host_catalog_use(reels_catalog *catalog)
{
    const reels_table *table = &world_table;
    reels_commit_result result = {0};
    uint64_t fence = 0;
    test_ok(&env, reels_catalog_declare(catalog, NULL, &table, 1, &env.err));
    test_ok(&env, world_commit(catalog, 0, &result, &env.err));
    ck_assert_int_eq(result.status, REELS_OK);
    test_ok(&env, reels_catalog_lease_acquire(catalog, NULL, "l", "h", 1000000, &fence, &env.err));
    ck_assert_uint_gt(fence, 0);
}

START_TEST(test_a_hosts_table_is_copied_and_destroyed_once)
{
    reels_catalog *catalog = NULL;
    reels_catalog_vtable *table = malloc(sizeof *table);
    *table = host_table;
    test_ok(&env, reels_catalog_new(env.ctx, table, inner_open(), &catalog, &env.err));
    memset(table, 0xff, sizeof *table);
    free(table);
    host_catalog_use(catalog);
    ck_assert_int_eq(destroyed_count, 0);
    reels_catalog_free(catalog);
    ck_assert_int_eq(destroyed_count, 1);
    reels_catalog_free(NULL);
}
END_TEST

/* The table of a later version: longer, and what it adds is not set. */
struct later_table {
    reels_catalog_vtable known;
    void (*added)(void);
};

static void added_slot(void)
{
}

START_TEST(test_a_later_table_is_taken_when_its_tail_is_zero)
{
    struct later_table later = {.known = host_table};
    later.known.struct_size = sizeof later;
    reels_catalog *catalog = NULL;
    reels_catalog *inner = inner_open();
    later.added = added_slot;
    test_status(REELS_ERR_UNSUPPORTED,
                reels_catalog_new(env.ctx, &later.known, inner, &catalog, &env.err));
    ck_assert_ptr_null(catalog);
    ck_assert_int_eq(destroyed_count, 0); /* a failure does not take impl */
    later.added = NULL;
    test_ok(&env, reels_catalog_new(env.ctx, &later.known, inner, &catalog, &env.err));
    host_catalog_use(catalog);
    reels_catalog_free(catalog);
}
END_TEST

START_TEST(test_each_must_slot_is_missed)
{
    enum {
        SLOTS = 10
    };
    const size_t first = offsetof(reels_catalog_vtable, destroy);
    reels_catalog *inner = inner_open();
    for (size_t i = 0; i < SLOTS; i++) {
        reels_catalog_vtable table = host_table;
        reels_catalog *catalog = NULL;
        memset((uint8_t *)&table + first + i * sizeof(void (*)(void)), 0, sizeof(void (*)(void)));
        test_status(REELS_ERR_INVALID_ARG,
                    reels_catalog_new(env.ctx, &table, inner, &catalog, &env.err));
        ck_assert_ptr_nonnull(strstr(env.err.message, "must be set"));
    }
    ck_assert_uint_eq(first + SLOTS * sizeof(void (*)(void)), sizeof(reels_catalog_vtable));
    reels_catalog_vtable short_table = host_table;
    reels_catalog *catalog = NULL;
    short_table.struct_size = sizeof short_table - 8;
    test_status(REELS_ERR_INVALID_ARG,
                reels_catalog_new(env.ctx, &short_table, inner, &catalog, &env.err));
    test_status(REELS_ERR_INVALID_ARG, reels_catalog_new(env.ctx, NULL, inner, &catalog, &env.err));
    reels_catalog_free(inner);
}
END_TEST

/* ---- arrays of structs that may grow ---- */

struct later_commit {
    reels_commit known;
    uint64_t added;
};

START_TEST(test_an_array_is_walked_by_the_callers_struct_size)
{
    reels_catalog *catalog = inner_open();
    const reels_table *table = &world_table;
    struct later_commit commits[3];
    reels_commit_result results[3];
    memset(commits, 0, sizeof commits);
    for (size_t i = 0; i < 3; i++) {
        commits[i].known.struct_size = sizeof commits[i];
        commits[i].known.shard = (reels_value){.type = REELS_TYPE_ID, .integer = (int64_t)i};
    }
    test_ok(&env, reels_catalog_declare(catalog, NULL, &table, 1, &env.err));
    test_ok(&env, reels_catalog_commit(catalog, NULL, &commits[0].known, 3, results, &env.err));
    ck_assert(results[0].status == REELS_OK && results[2].status == REELS_OK);
    commits[2].added = 1;
    test_status(REELS_ERR_UNSUPPORTED,
                reels_catalog_commit(catalog, NULL, &commits[0].known, 3, results, &env.err));
    commits[2].added = 0;
    commits[1].known.struct_size = sizeof(reels_commit);
    test_status(REELS_ERR_INVALID_ARG,
                reels_catalog_commit(catalog, NULL, &commits[0].known, 3, results, &env.err));
    commits[0].known.struct_size = 8;
    test_status(REELS_ERR_INVALID_ARG,
                reels_catalog_commit(catalog, NULL, &commits[0].known, 1, results, &env.err));
    reels_catalog_free(catalog);
}
END_TEST

/* ---- URLs ---- */

static reels_status
scheme_open(void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err)
{
    ck_assert_str_eq(url, "my+db://host/x?y");
    if (*(int *)user == 0) {
        return reels_error_set(err, REELS_ERR_HOST, 7, "not today");
    }
    reels_catalog *inner = NULL;
    reels_catalog *catalog = NULL;
    reels_status status = reels_catalog_open(ctx, "mem:", &inner, err);
    if (status == REELS_OK) {
        status = reels_catalog_new(ctx, &host_table, inner, &catalog, err);
    }
    *out_port = catalog;
    return status;
}

START_TEST(test_a_scheme_can_be_registered_once_per_port)
{
    int ready = 0;
    reels_catalog *catalog = NULL;
    reels_stats *stats = NULL;
    const char *url = "my+db://host/x?y";
    test_status(REELS_ERR_UNSUPPORTED, reels_catalog_open(env.ctx, url, &catalog, &env.err));
    test_ok(
        &env,
        reels_scheme_register(env.ctx, REELS_PORT_CATALOG, "my+db", scheme_open, &ready, &env.err));
    test_status(
        REELS_ERR_EXISTS,
        reels_scheme_register(env.ctx, REELS_PORT_CATALOG, "my+db", scheme_open, &ready, &env.err));
    test_status(REELS_ERR_EXISTS,
                reels_scheme_register(
                    env.ctx, REELS_PORT_CATALOG, "sqlite", scheme_open, &ready, &env.err));
    test_status(REELS_ERR_HOST, reels_catalog_open(env.ctx, url, &catalog, &env.err));
    ck_assert_int_eq(env.err.host_code, 7);
    ck_assert_ptr_null(catalog);
    ready = 1;
    test_ok(&env, reels_catalog_open(env.ctx, url, &catalog, &env.err));
    host_catalog_use(catalog);
    reels_catalog_free(catalog);
    /* Another port, or another context, knows nothing of it. */
    test_status(REELS_ERR_UNSUPPORTED, reels_stats_open(env.ctx, url, &stats, &env.err));
    struct test_env other;
    test_env_init(&other, 0);
    test_status(REELS_ERR_UNSUPPORTED, reels_catalog_open(other.ctx, url, &catalog, &other.err));
    test_env_dispose(&other);
}
END_TEST

START_TEST(test_malformed_schemes_are_refused)
{
    static const char *const schemes[] = {
        "", "A", "1a", "+a", "a b", "a:", "a/b", "\xC3\xA9", "abcdefghijklmnopqrstuvwxyzabcdefg"};
    static const char *const urls[] = {"", ":", "mem", "/path", "MEM:", " mem:", "C:\\x"};
    reels_catalog *catalog = NULL;
    int ready = 1;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        test_status(REELS_ERR_INVALID_ARG,
                    reels_scheme_register(
                        env.ctx, REELS_PORT_CATALOG, schemes[i], scheme_open, &ready, &env.err));
    }
    test_status(REELS_ERR_INVALID_ARG,
                reels_scheme_register(env.ctx, 99, "ok", scheme_open, &ready, &env.err));
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        test_status(REELS_ERR_INVALID_ARG,
                    reels_catalog_open(env.ctx, urls[i], &catalog, &env.err));
    }
}
END_TEST

/* ---- descriptors ---- */

static const reels_column plain_columns[] = {
    {"id", REELS_TYPE_ID, 0},
    {"text", REELS_TYPE_UTF8, REELS_COLUMN_NULLABLE},
    {"real", REELS_TYPE_FLOAT64, 0},
};
static const uint32_t key_id[] = {0};
static const uint32_t key_text[] = {1};
static const uint32_t key_real[] = {2};
static const uint32_t key_twice[] = {0, 0};
static const uint32_t key_beyond[] = {0, 3};
static const reels_table plain_table = {
    .struct_size = sizeof(reels_table),
    .version = 1,
    .name = "plain",
    .columns = plain_columns,
    .key_columns = key_id,
    .columns_count = 3,
    .key_columns_count = 1,
    .shard_column = 0,
    .ttl_column = UINT32_MAX,
};

static void refuse_table(reels_catalog *catalog, const reels_table *table)
{
    test_status(REELS_ERR_INVALID_ARG, reels_catalog_declare(catalog, NULL, &table, 1, &env.err));
}

START_TEST(test_malformed_descriptors_are_refused)
{
    static const char *const names[] = {NULL,
                                        "",
                                        "Plain",
                                        "1a",
                                        "a-b",
                                        "a b",
                                        "a\"b",
                                        "_a",
                                        "sqlite_master",
                                        "pg_class",
                                        "\xC3\xA9",
                                        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvw"};
    const reels_index_def twice[] = {{"i", key_id, 1, 0}, {"i", key_text, 1, 0}};
    const reels_index_def empty[] = {{"i", key_id, 0, 0}};
    const reels_index_def beyond[] = {{"i", key_beyond, 2, 0}};
    reels_column columns[3];
    reels_catalog *catalog = inner_open();
    reels_table table = plain_table;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        table.name = names[i];
        refuse_table(catalog, &table);
        table = plain_table;
        memcpy(columns, plain_columns, sizeof columns);
        columns[1].name = names[i];
        table.columns = columns;
        refuse_table(catalog, &table);
        table = plain_table;
    }
    memcpy(columns, plain_columns, sizeof columns);
    columns[1].name = "id";
    table.columns = columns;
    refuse_table(catalog, &table);
    columns[1].name = "text";
    columns[1].type = 99;
    refuse_table(catalog, &table);
    table = plain_table;
    table.version = 0;
    refuse_table(catalog, &table);
    table = plain_table;
    table.key_columns = key_text; /* nullable, and not the shard */
    refuse_table(catalog, &table);
    table.shard_column = 1;
    refuse_table(catalog, &table);
    table.key_columns = key_real;
    table.shard_column = 2;
    refuse_table(catalog, &table);
    table = plain_table;
    table.key_columns = key_twice;
    table.key_columns_count = 2;
    refuse_table(catalog, &table);
    table.key_columns = key_beyond;
    refuse_table(catalog, &table);
    table = plain_table;
    table.ttl_column = 1;
    refuse_table(catalog, &table);
    table = plain_table;
    table.indexes = twice;
    table.indexes_count = 2;
    refuse_table(catalog, &table);
    table.indexes = empty;
    table.indexes_count = 1;
    refuse_table(catalog, &table);
    table.indexes = beyond;
    refuse_table(catalog, &table);
    reels_catalog_free(catalog);
}
END_TEST

/* ---- containers ---- */

START_TEST(test_rows_keep_their_values_while_they_grow)
{
    reels_rows *rows = NULL;
    test_ok(&env, reels_rows_new(env.ctx, 0, &rows, &env.err));
    for (int round = 0; round < 2; round++) {
        for (int64_t i = 0; i < 500; i++) {
            uint8_t bytes[64];
            memset(bytes, (int)i, sizeof bytes);
            reels_value values[] = {
                {.type = REELS_TYPE_INT64, .integer = i},
                {.type = REELS_TYPE_BYTES, .data = bytes, .len = (size_t)i % 64},
                {.type = REELS_TYPE_NULL},
            };
            test_ok(&env,
                    i % 10 == 9 ? reels_rows_add(rows, NULL, 0, 0, &env.err)
                                : reels_rows_add(rows, values, 3, (uint64_t)i + 1, &env.err));
        }
        ck_assert_uint_eq(reels_rows_count(rows), 500);
        for (size_t i = 0; i < 500; i++) {
            uint64_t version = 1;
            const reels_value *row = reels_rows_get(rows, i, &version);
            ck_assert_uint_eq(version, i % 10 == 9 ? 0 : i + 1);
            ck_assert((row == NULL) == (i % 10 == 9));
            for (size_t k = 0; row != NULL && k < i % 64; k++) {
                ck_assert_uint_eq(row[1].data[k], (uint8_t)i);
            }
            ck_assert(row == NULL || row[1].data[row[1].len] == 0); /* a NUL after the end */
        }
        ck_assert_ptr_null(reels_rows_get(rows, 500, NULL));
        reels_rows_clear(rows);
    }
    reels_rows_free(rows);
}
END_TEST

START_TEST(test_full_containers_refuse_and_stay)
{
    reels_rows *rows = NULL;
    reels_records *records = NULL;
    reels_value value = {.type = REELS_TYPE_INT64};
    reels_record record = {.topic = "t", .key = (const uint8_t *)"k", .key_len = 1};
    reels_record got = {0};
    test_ok(&env, reels_rows_new(env.ctx, 1000, &rows, &env.err));
    test_ok(&env, reels_records_new(env.ctx, 1000, &records, &env.err));
    size_t count = 0;
    while (reels_rows_add(rows, &value, 1, 1, &env.err) == REELS_OK) {
        count++;
    }
    ck_assert_int_eq(env.err.status, REELS_ERR_LIMIT);
    ck_assert_uint_gt(count, 5);
    ck_assert_uint_eq(reels_rows_count(rows), count);
    count = 0;
    while (reels_records_add(records, &record, &env.err) == REELS_OK) {
        count++;
    }
    ck_assert_int_eq(env.err.status, REELS_ERR_LIMIT);
    ck_assert_uint_gt(count, 2);
    ck_assert_uint_eq(reels_records_count(records), count);
    test_ok(&env, reels_records_get(records, 0, &got));
    ck_assert_str_eq(got.topic, "t");
    ck_assert_ptr_null(got.shard);
    ck_assert_int_eq(reels_records_get(records, count, &got), REELS_ERR_INVALID_ARG);
    reels_rows_free(rows);
    reels_records_free(records);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("catalog_door");
    TCase *cases = tcase_create("door");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_a_hosts_table_is_copied_and_destroyed_once);
    tcase_add_test(cases, test_a_later_table_is_taken_when_its_tail_is_zero);
    tcase_add_test(cases, test_each_must_slot_is_missed);
    tcase_add_test(cases, test_an_array_is_walked_by_the_callers_struct_size);
    tcase_add_test(cases, test_a_scheme_can_be_registered_once_per_port);
    tcase_add_test(cases, test_malformed_schemes_are_refused);
    tcase_add_test(cases, test_malformed_descriptors_are_refused);
    tcase_add_test(cases, test_rows_keep_their_values_while_they_grow);
    tcase_add_test(cases, test_full_containers_refuse_and_stay);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
