/* What the SQLite backends make of files: their own, older, newer, foreign, damaged and locked
 * ones; and what a host sees that opens them with SQLite itself. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "sql_world.h"
#include "test_check.h"

static struct test_env env;
static char folder[TEST_PATH_BYTES];
static char path[TEST_PATH_BYTES + 16];
static char url[TEST_PATH_BYTES + 32];

static void setup(void)
{
    test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED);
    test_temp_dir(folder);
    (void)snprintf(path, sizeof path, "%s/store.db", folder);
    (void)snprintf(url, sizeof url, "sqlite:%s", path);
}

static void teardown(void)
{
    test_env_dispose(&env);
    test_temp_dir_remove(folder);
}

static reels_catalog *catalog_open(void)
{
    reels_catalog *catalog = NULL;
    const reels_table *table = &world_table;
    test_ok(&env, reels_catalog_open(env.ctx, url, &catalog, &env.err));
    test_ok(&env, reels_catalog_declare(catalog, NULL, &table, 1, &env.err));
    return catalog;
}

static void catalog_fill(void)
{
    reels_catalog *catalog = catalog_open();
    for (int step = 0; step < WORLD_STEPS; step++) {
        reels_commit_result result = {0};
        test_ok(&env, world_commit(catalog, step, &result, &env.err));
    }
    reels_catalog_free(catalog);
}

/* Runs SQL on the file as any other program would; gives the first number of the first row. */
static int64_t plain_sql(const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK,
                  "%s: %s",
                  sql,
                  sqlite3_errmsg(db));
    if (sqlite3_step(statement) == SQLITE_ROW) {
        number = sqlite3_column_int64(statement, 0);
    }
    ck_assert_int_eq(sqlite3_finalize(statement), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    return number;
}

static void refused_unharmed(reels_status expected, const char *words)
{
    size_t before_len = 0;
    size_t after_len = 0;
    uint8_t *before = test_file_read(path, &before_len);
    reels_catalog *catalog = NULL;
    test_status(expected, reels_catalog_open(env.ctx, url, &catalog, &env.err));
    ck_assert_ptr_null(catalog);
    ck_assert_msg(strstr(env.err.message, words) != NULL, "%s", env.err.message);
    uint8_t *after = test_file_read(path, &after_len);
    ck_assert_uint_eq(before_len, after_len);
    ck_assert(before != NULL && after != NULL && memcmp(before, after, after_len) == 0);
    free(before);
    free(after);
}

START_TEST(test_sqlite_a_foreign_file_is_refused_and_not_touched)
{
    (void)plain_sql("CREATE TABLE theirs(a)");
    refused_unharmed(REELS_ERR_UNSUPPORTED, "no catalog");
    test_temp_dir_remove(folder);
    test_temp_dir(folder);
    (void)snprintf(path, sizeof path, "%s/store.db", folder);
    (void)snprintf(url, sizeof url, "sqlite:%s", path);
    char text[4096];
    memset(text, 't', sizeof text);
    ck_assert(test_file_write(path, text, sizeof text));
    refused_unharmed(REELS_ERR_CORRUPT, "store.db");
}
END_TEST

START_TEST(test_sqlite_a_store_of_the_other_kind_is_refused)
{
    reels_stats *stats = NULL;
    test_ok(&env, reels_stats_open(env.ctx, url, &stats, &env.err));
    reels_stats_free(stats);
    refused_unharmed(REELS_ERR_UNSUPPORTED, "no catalog");
}
END_TEST

START_TEST(test_sqlite_a_store_of_a_newer_format_is_refused)
{
    catalog_fill();
    (void)plain_sql("PRAGMA user_version=999");
    refused_unharmed(REELS_ERR_UNSUPPORTED, "format 999");
    (void)plain_sql("PRAGMA user_version=1");
    reels_catalog_free(catalog_open());
}
END_TEST

START_TEST(test_sqlite_paths_that_cannot_be_opened_say_why)
{
    reels_catalog *catalog = NULL;
    test_status(REELS_ERR_INVALID_ARG, reels_catalog_open(env.ctx, "sqlite:", &catalog, &env.err));
    (void)snprintf(url, sizeof url, "sqlite:%s", folder); /* a directory */
    test_status(REELS_ERR_IO, reels_catalog_open(env.ctx, url, &catalog, &env.err));
    (void)snprintf(url, sizeof url, "sqlite:%s/no/store.db", folder);
    test_status(REELS_ERR_NOT_FOUND, reels_catalog_open(env.ctx, url, &catalog, &env.err));
}
END_TEST

START_TEST(test_sqlite_a_store_has_one_opener)
{
    reels_catalog *first = catalog_open();
    reels_catalog *second = NULL;
    test_status(REELS_ERR_BUSY, reels_catalog_open(env.ctx, url, &second, &env.err));
    ck_assert_ptr_nonnull(strstr(env.err.message, path));
    struct test_env other; /* another context of the process */
    test_env_init(&other, 0);
    test_status(REELS_ERR_BUSY, reels_catalog_open(other.ctx, url, &second, &other.err));
    reels_catalog_free(first);
    test_ok(&other, reels_catalog_open(other.ctx, url, &second, &other.err));
    reels_catalog_free(second);
    test_env_dispose(&other);
}
END_TEST

/* Names that mean something to SQLite mean a file of that name to us. */
START_TEST(test_sqlite_a_path_is_only_a_path)
{
    static const char *const names[] = {"/:memory:",
                                        "/file:x?mode=memory",
                                        "/a b%20c?vfs=none#d",
                                        "/-wal",
                                        "/\xC3\xA9\xF0\x9F\x92\xA9'\";",
                                        "/x-journal"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct test_env mem;
        char name[128];
        reels_catalog *catalog = NULL;
        test_env_init(&mem, TEST_ENV_MEM_FS);
        (void)snprintf(name, sizeof name, "sqlite:%s", names[i]);
        test_ok(&mem, reels_catalog_open(mem.ctx, name, &catalog, &mem.err));
        reels_catalog_free(catalog);
        size_t len = 0;
        uint8_t *bytes = test_memfs_read(mem.fs, names[i], &len);
        ck_assert_ptr_nonnull(bytes);
        ck_assert_uint_ge(len, 4096);
        free(bytes);
        /* The log was moved into the file and is gone. */
        ck_assert_uint_eq(test_memfs_entries_count(mem.fs), 1);
        test_env_dispose(&mem);
    }
}
END_TEST

START_TEST(test_sqlite_a_host_can_query_its_own_database)
{
    catalog_fill();
    ck_assert_int_eq(plain_sql("SELECT count(*) FROM world"), 2 * WORLD_STEPS);
    ck_assert_int_eq(plain_sql("SELECT count(*) FROM world WHERE typeof(body)='blob' AND "
                               "typeof(owner)='integer' AND length(body)=1500"),
                     2 * WORLD_STEPS);
    ck_assert_int_eq(plain_sql("SELECT integrity_check='ok' FROM pragma_integrity_check"), 1);
    ck_assert_int_eq(plain_sql("SELECT strict FROM pragma_table_list WHERE name='world'"), 1);
    ck_assert_int_eq(plain_sql("SELECT count(*) FROM pragma_index_list('world') "
                               "WHERE name='world.by_body'"),
                     1);
}
END_TEST

/* ---- damage ---- */

/* Uses everything of a store that may be damaged: only statuses come of it. */
static void damaged_use(struct test_env *mem)
{
    reels_catalog *catalog = NULL;
    reels_rows *rows = NULL;
    reels_records *records = NULL;
    const reels_table *table = &world_table;
    reels_scan scan = {
        .struct_size = sizeof scan, .table = table, .index = "by_body", .limit = 100};
    reels_commit_result result = {0};
    uint64_t fence = 0;
    test_ok(mem, reels_rows_new(mem->ctx, 0, &rows, &mem->err));
    test_ok(mem, reels_records_new(mem->ctx, 0, &records, &mem->err));
    if (reels_catalog_open(mem->ctx, "sqlite:/c.db", &catalog, &mem->err) == REELS_OK &&
        reels_catalog_declare(catalog, NULL, &table, 1, &mem->err) == REELS_OK) {
        (void)reels_catalog_scan(catalog, NULL, &scan, rows, NULL, &mem->err);
        scan.index = NULL;
        (void)reels_catalog_scan(catalog, NULL, &scan, rows, NULL, &mem->err);
        (void)reels_catalog_outbox_claim(catalog, NULL, "a", 1000, 100, records, &mem->err);
        (void)reels_catalog_lease_acquire(catalog, NULL, "l", "a", 1000, &fence, &mem->err);
        (void)world_commit(catalog, 0, &result, &mem->err);
        (void)world_commit(catalog, WORLD_STEPS, &result, &mem->err);
    }
    reels_catalog_free(catalog);
    reels_records_free(records);
    reels_rows_free(rows);
}

/* What a store is in after 10 commits: closed in good order, or killed with its log. */
static void damaged_prepare(struct test_env *mem, int killed)
{
    struct world_told told = {0};
    test_env_init(mem, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED | TEST_ENV_MEM_FS);
    if (!killed) {
        world_catalog.run(mem->ctx, "sqlite:/c.db", 1, &told);
        return;
    }
    reels_catalog *catalog = NULL;
    const reels_table *table = &world_table;
    test_ok(mem, reels_catalog_open(mem->ctx, "sqlite:/c.db", &catalog, &mem->err));
    test_ok(mem, reels_catalog_declare(catalog, NULL, &table, 1, &mem->err));
    for (int step = 0; step < WORLD_STEPS; step++) {
        reels_commit_result result = {0};
        test_ok(mem, world_commit(catalog, step, &result, &mem->err));
    }
    test_memfs_crash(mem->fs, TEST_MEMFS_CRASH_KEEP, 0);
    reels_catalog_free(catalog);
}

START_TEST(test_sqlite_a_damaged_file_gives_a_status)
{
    const char *file = _i == 0 ? "/c.db" : "/c.db-wal";
    struct test_env mem;
    size_t len = 0;
    damaged_prepare(&mem, _i);
    free(test_memfs_read(mem.fs, file, &len));
    test_env_dispose(&mem);
    ck_assert_uint_gt(len, 20000);
    uint64_t offset = 0;
    int round = 0;
    while (offset < len) {
        damaged_prepare(&mem, _i);
        ck_assert(test_memfs_corrupt(mem.fs, file, offset, (uint8_t)(1u << (round % 8))));
        damaged_use(&mem);
        test_env_dispose(&mem);
        /* Every byte of the first header, then a sample. */
        offset += offset < 100 ? 1 : len / 199;
        round++;
    }
}
END_TEST

/* ---- what expires ---- */

static const reels_column timed_columns[] = {
    {"id", REELS_TYPE_ID, 0},
    {"until", REELS_TYPE_TIME, REELS_COLUMN_NULLABLE},
};
static const uint32_t timed_key[] = {0};
static const reels_table timed_table = {
    .struct_size = sizeof(reels_table),
    .version = 1,
    .name = "timed",
    .columns = timed_columns,
    .key_columns = timed_key,
    .columns_count = 2,
    .key_columns_count = 1,
    .shard_column = 0,
    .ttl_column = 1,
};

static void timed_put(reels_catalog *catalog, int64_t id, reels_value until)
{
    reels_value row[] = {{.type = REELS_TYPE_ID, .integer = id}, until};
    reels_op op = {.table = &timed_table, .values = row, .kind = REELS_OP_PUT};
    reels_commit commit = {
        .struct_size = sizeof commit, .has_token = 1, .shard = row[0], .ops = &op, .ops_count = 1};
    reels_commit_result result = {0};
    memcpy(commit.token, &id, sizeof id);
    test_ok(&env, reels_catalog_commit(catalog, NULL, &commit, 1, &result, &env.err));
    ck_assert_int_eq(result.status, REELS_OK);
}

START_TEST(test_sqlite_what_has_expired_is_swept)
{
    const int64_t second = 1000000;
    reels_catalog *catalog = NULL;
    const reels_table *table = &timed_table;
    int64_t now = reels_ctx_now_unix_us(env.ctx);
    test_ok(&env, reels_catalog_open(env.ctx, url, &catalog, &env.err));
    test_ok(&env, reels_catalog_declare(catalog, NULL, &table, 1, &env.err));
    for (int64_t i = 0; i < 10; i++) {
        reels_value until = {.type = i == 0 ? REELS_TYPE_NULL : REELS_TYPE_TIME,
                             .integer = now + i * 10 * second};
        timed_put(catalog, i, until);
    }
    test_clock_advance(&env.clock, 55 * second);
    timed_put(catalog, 100, (reels_value){.type = REELS_TYPE_NULL});
    test_clock_advance(&env.clock, 86400 * second);
    timed_put(catalog, 101, (reels_value){.type = REELS_TYPE_NULL});
    reels_catalog_free(catalog);
    /* Without a time a row stays; the tokens of yesterday are gone. */
    ck_assert_int_eq(plain_sql("SELECT count(*) FROM timed"), 3);
    ck_assert_int_eq(plain_sql("SELECT count(*) FROM timed WHERE until IS NULL"), 3);
    ck_assert_int_eq(plain_sql("SELECT count(*) FROM _tokens"), 1);
}
END_TEST

/* More than one go deletes: the next commits go on with it, within the same second. */
START_TEST(test_sqlite_what_has_expired_is_swept_however_much_it_is)
{
    enum {
        ROWS = 1500,
        COMMITS = 6 /* 256 each */
    };
    const reels_table *table = &timed_table;
    reels_catalog *catalog = NULL;
    reels_value until = {.type = REELS_TYPE_TIME, .integer = reels_ctx_now_unix_us(env.ctx) + 1};
    test_ok(&env, reels_catalog_open(env.ctx, url, &catalog, &env.err));
    test_ok(&env, reels_catalog_declare(catalog, NULL, &table, 1, &env.err));
    for (int64_t i = 0; i < ROWS; i++) {
        timed_put(catalog, i, until);
    }
    test_clock_advance(&env.clock, INT64_C(90000000000)); /* the tokens are of yesterday too */
    for (int64_t i = 0; i < COMMITS; i++) {
        timed_put(catalog, ROWS + i, (reels_value){.type = REELS_TYPE_NULL});
    }
    reels_catalog_free(catalog);
    ck_assert_int_eq(plain_sql("SELECT count(*) FROM timed"), COMMITS);
    ck_assert_int_eq(plain_sql("SELECT count(*) FROM _tokens"), COMMITS);
}
END_TEST

/* ---- strings ---- */

static const reels_column text_columns[] = {
    {"number", REELS_TYPE_ID, 0},
    {"text", REELS_TYPE_UTF8, 0},
};
static const uint32_t text_index[] = {1};
static const reels_index_def text_indexes[] = {{"by_text", text_index, 1, 0}};
static const reels_table text_table = {
    .struct_size = sizeof(reels_table),
    .version = 1,
    .name = "texts",
    .columns = text_columns,
    .key_columns = timed_key,
    .indexes = text_indexes,
    .columns_count = 2,
    .key_columns_count = 1,
    .indexes_count = 1,
    .shard_column = 0,
    .ttl_column = UINT32_MAX,
};

/* Puts a text, reads it by key and finds it by index. */
static void
text_round_trip(reels_catalog *catalog, uint64_t number, const uint8_t *text, size_t len)
{
    reels_value row[] = {{.type = REELS_TYPE_ID, .integer = (int64_t)number},
                         {.type = REELS_TYPE_UTF8, .data = text, .len = len}};
    reels_op op = {.table = &text_table, .values = row, .kind = REELS_OP_PUT};
    reels_commit commit = {
        .struct_size = sizeof commit, .shard = row[0], .ops = &op, .ops_count = 1};
    reels_commit_result result = {0};
    reels_scan scan = {.struct_size = sizeof scan,
                       .table = &text_table,
                       .index = "by_text",
                       .prefix = &row[1],
                       .prefix_count = 1,
                       .limit = 100};
    reels_rows *rows = NULL;
    test_ok(&env, reels_catalog_commit(catalog, NULL, &commit, 1, &result, &env.err));
    ck_assert_int_eq(result.status, REELS_OK);
    test_ok(&env, reels_rows_new(env.ctx, 0, &rows, &env.err));
    test_ok(&env, reels_catalog_get(catalog, NULL, &text_table, row, 1, rows, &env.err));
    const reels_value *got = reels_rows_get(rows, 0, NULL);
    ck_assert_uint_eq(got[1].len, len);
    ck_assert(len == 0 || memcmp(got[1].data, text, len) == 0);
    reels_rows_clear(rows);
    test_ok(&env, reels_catalog_scan(catalog, NULL, &scan, rows, NULL, &env.err));
    ck_assert_uint_ge(reels_rows_count(rows), 1);
    reels_rows_free(rows);
}

START_TEST(test_sqlite_naughty_strings_come_back_byte_for_byte)
{
    char file[TEST_PATH_BYTES];
    if (!test_shared_path("vectors/strings/blns.json", file)) {
        test_skip("shared/vectors/strings/blns.json is absent");
        return;
    }
    size_t len = 0;
    uint8_t *json = test_file_read(file, &len);
    reels_catalog *catalog = NULL;
    const reels_table *table = &text_table;
    reels_buf *text = NULL;
    test_ok(&env, reels_catalog_open(env.ctx, url, &catalog, &env.err));
    test_ok(&env, reels_catalog_declare(catalog, NULL, &table, 1, &env.err));
    test_ok(&env, reels_buf_new(env.ctx, 0, &text, &env.err));
    struct reels__json_reader reader;
    struct reels__json_token token;
    uint64_t number = 0;
    reels__json_reader_init(&reader, (const char *)json, len);
    while (reels__json_next(&reader, &token, &env.err) == REELS_OK) {
        if (token.kind == REELS__JSON_STRING) {
            reels_buf_clear(text);
            test_ok(&env, reels__json_text_append(&token, text, &env.err));
            text_round_trip(catalog, number++, reels_buf_data(text), reels_buf_len(text));
        }
    }
    ck_assert_uint_gt(number, 400);
    reels_buf_free(text);
    reels_catalog_free(catalog);
    free(json);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sqlite_files");
    TCase *cases = tcase_create("files");
    tcase_set_timeout(cases, 200);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_sqlite_a_foreign_file_is_refused_and_not_touched);
    tcase_add_test(cases, test_sqlite_a_store_of_the_other_kind_is_refused);
    tcase_add_test(cases, test_sqlite_a_store_of_a_newer_format_is_refused);
    tcase_add_test(cases, test_sqlite_paths_that_cannot_be_opened_say_why);
    tcase_add_test(cases, test_sqlite_a_store_has_one_opener);
    tcase_add_test(cases, test_sqlite_a_path_is_only_a_path);
    tcase_add_test(cases, test_sqlite_a_host_can_query_its_own_database);
    tcase_add_loop_test(cases, test_sqlite_a_damaged_file_gives_a_status, 0, 2);
    tcase_add_test(cases, test_sqlite_what_has_expired_is_swept);
    tcase_add_test(cases, test_sqlite_what_has_expired_is_swept_however_much_it_is);
    tcase_add_test(cases, test_sqlite_naughty_strings_come_back_byte_for_byte);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
