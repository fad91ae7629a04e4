/* Eight threads on one store: counters are exact, every thread sees what it has written, and
 * commits that arrive together share a sync. Suite 'threads'. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "sql_world.h"
#include "test_check.h"

enum {
    THREADS = 8,
    ROUNDS = 25
};

static struct test_env env;
static reels_catalog *catalog;
static reels_stats *stats;
static atomic_int failures;

struct worker {
    pthread_t thread;
    int number;
};

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            atomic_fetch_add(&failures, 1);                                                        \
            return NULL;                                                                           \
        }                                                                                          \
    } while (0)

static void threads_run(void *(*work)(void *))
{
    struct worker workers[THREADS];
    atomic_store(&failures, 0);
    for (int i = 0; i < THREADS; i++) {
        workers[i].number = i;
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
    }
    ck_assert_int_eq(atomic_load(&failures), 0);
}

/* ---- a disk that takes its time, so that commits meet ---- */

static reels_fs slow_fs;
static const reels_fs *fast_fs;
static atomic_uint syncs_count;

static reels_status slow_sync(void *user, void *file, reels_error *err)
{
    const struct timespec pause = {.tv_nsec = 500000};
    (void)nanosleep(&pause, NULL);
    atomic_fetch_add(&syncs_count, 1u);
    return fast_fs->sync(user, file, err);
}

static void setup(void)
{
    test_env_init(&env, TEST_ENV_MEM_FS);
    reels_ctx_free(env.ctx);
    fast_fs = test_memfs_table(env.fs);
    slow_fs = *fast_fs;
    slow_fs.sync = slow_sync;
    reels_ctx_options options = {
        .struct_size = sizeof options, .allocator = &env.alloc.table, .fs = &slow_fs};
    test_ok(&env, reels_ctx_new(&options, &env.ctx, &env.err));
    const reels_table *table = &world_table;
    test_ok(&env, reels_catalog_open(env.ctx, "sqlite:/c.db", &catalog, &env.err));
    test_ok(&env, reels_catalog_declare(catalog, NULL, &table, 1, &env.err));
    test_ok(&env, reels_stats_open(env.ctx, "sqlite:/s.db", &stats, &env.err));
    atomic_store(&syncs_count, 0u);
}

static void teardown(void)
{
    reels_catalog_free(catalog);
    reels_stats_free(stats);
    test_env_dispose(&env);
}

/* ---- catalog ---- */

static reels_value id_value(int64_t id)
{
    reels_value value = {.type = REELS_TYPE_ID, .integer = id};
    return value;
}

/* Writes one row; the status is of the call, or of the commit. */
static reels_status
row_put(int64_t owner, int64_t id, const void *body, size_t len, uint64_t version)
{
    reels_error err = {.struct_size = sizeof err};
    reels_value row[] = {
        id_value(owner), id_value(id), {.type = REELS_TYPE_BYTES, .data = body, .len = len}};
    reels_op op = {.table = &world_table,
                   .values = row,
                   .version = version,
                   .kind = REELS_OP_PUT,
                   .condition = version > 0 ? REELS_IF_VERSION : REELS_IF_ABSENT};
    uint8_t key = (uint8_t)owner;
    reels_event_out event = {.topic = "t", .key = &key, .key_len = 1};
    reels_commit commit = {.struct_size = sizeof commit,
                           .shard = row[0],
                           .ops = &op,
                           .ops_count = 1,
                           .events = &event,
                           .events_count = 1};
    reels_commit_result result = {0};
    reels_status status = reels_catalog_commit(catalog, NULL, &commit, 1, &result, &err);
    return status < 0 ? status : result.status;
}

/* Reads the number that a row holds, and its version: 0 when it is not there. */
static reels_status number_get(int64_t owner, int64_t id, int64_t *out, uint64_t *out_version)
{
    reels_error err = {.struct_size = sizeof err};
    const reels_value key[] = {id_value(owner), id_value(id)};
    reels_rows *rows = NULL;
    *out = 0;
    reels_status status = reels_rows_new(env.ctx, 0, &rows, &err);
    if (status == REELS_OK) {
        status = reels_catalog_get(catalog, NULL, &world_table, key, 1, rows, &err);
    }
    const reels_value *row = status == REELS_OK ? reels_rows_get(rows, 0, out_version) : NULL;
    if (row != NULL && row[2].len == sizeof *out) {
        memcpy(out, row[2].data, sizeof *out);
    }
    reels_rows_free(rows);
    return status;
}

/* Rows of its own, each read back at once; and a row of all, counted up by compare-and-set. */
static void *catalog_work(void *arg)
{
    const struct worker *worker = arg;
    for (int64_t i = 0; i < ROUNDS; i++) {
        int64_t seen = 0;
        uint64_t version = 0;
        int64_t wanted = i * 1000 + worker->number;
        MUST(row_put(worker->number + 1, i, &wanted, sizeof wanted, 0) == REELS_OK);
        MUST(number_get(worker->number + 1, i, &seen, &version) == REELS_OK && seen == wanted);
        reels_status status = REELS_ERR_CONFLICT;
        while (status == REELS_ERR_CONFLICT) {
            MUST(number_get(0, 0, &seen, &version) == REELS_OK);
            seen++;
            status = row_put(0, 0, &seen, sizeof seen, version);
        }
        MUST(status == REELS_OK);
    }
    return NULL;
}

START_TEST(test_threads_lose_no_update_and_see_their_own)
{
    threads_run(catalog_work);
    int64_t count = 0;
    uint64_t version = 0;
    test_ok(&env, number_get(0, 0, &count, &version));
    ck_assert_int_eq(count, THREADS * ROUNDS);
}
END_TEST

static void *commit_work(void *arg)
{
    const struct worker *worker = arg;
    for (int64_t i = 0; i < ROUNDS; i++) {
        MUST(row_put(worker->number + 1, i, &i, sizeof i, 0) == REELS_OK);
    }
    return NULL;
}

START_TEST(test_commits_that_arrive_together_share_a_sync)
{
    threads_run(commit_work);
    unsigned syncs = atomic_load(&syncs_count);
    ck_assert_uint_gt(syncs, 0);
    ck_assert_uint_lt(syncs, THREADS * ROUNDS / 2);
}
END_TEST

/* Relays of different names: each event is claimed by one of them at a time, and acknowledged once.
 */
static atomic_int acknowledged;

static void *relay_work(void *arg)
{
    const struct worker *worker = arg;
    const char holder[] = {(char)('a' + worker->number), '\0'};
    reels_error err = {.struct_size = sizeof err};
    reels_records *records = NULL;
    MUST(reels_records_new(env.ctx, 0, &records, &err) == REELS_OK);
    reels_status status = REELS_OK;
    while (status == REELS_OK && atomic_load(&acknowledged) < THREADS * ROUNDS) {
        reels_records_clear(records);
        status = reels_catalog_outbox_claim(catalog, NULL, holder, 60000000, 7, records, &err);
        for (size_t i = 0; status == REELS_OK && i < reels_records_count(records); i++) {
            reels_record record;
            (void)reels_records_get(records, i, &record);
            status = reels_catalog_outbox_ack(catalog, NULL, holder, &record, 1, &err);
            atomic_fetch_add(&acknowledged, 1);
        }
    }
    reels_records_free(records);
    MUST(status == REELS_OK);
    return NULL;
}

START_TEST(test_relays_share_the_outbox)
{
    threads_run(commit_work);
    atomic_store(&acknowledged, 0);
    threads_run(relay_work);
    ck_assert_int_eq(atomic_load(&acknowledged), THREADS * ROUNDS);
}
END_TEST

/* ---- stats ---- */

static void *stats_work(void *arg)
{
    const struct worker *worker = arg;
    reels_error err = {.struct_size = sizeof err};
    reels_stats_writer writer = {0};
    MUST(reels_stats_writer_open(
             stats, NULL, "g", (uint32_t)worker->number, "w", &writer, NULL, &err) == REELS_OK);
    int64_t last = 0;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        const reels_stats_delta deltas[] = {{.entity_id = 1, .counter = 1, .amount = 1},
                                            {.entity_id = 1, .counter = 1, .amount = 2}};
        reels_stats_batch batch = {.struct_size = sizeof batch,
                                   .partition = (uint32_t)worker->number,
                                   .group = "g",
                                   .epoch = writer.epoch,
                                   .begin_offset = i,
                                   .end_offset = i + 1,
                                   .deltas = deltas,
                                   .deltas_count = 2};
        reels_stats_result result = {0};
        MUST(reels_stats_apply(stats, NULL, &batch, 1, &result, &err) == REELS_OK &&
             result.status == REELS_OK);
        const int64_t entity = 1;
        const uint32_t counter = 1;
        const int64_t window = 0;
        int64_t sum = 0;
        reels_stats_query query = {.struct_size = sizeof query,
                                   .group = "g",
                                   .entity_ids = &entity,
                                   .entities_count = 1,
                                   .counters = &counter,
                                   .counters_count = 1,
                                   .windows_unix_us = &window,
                                   .windows_count = 1};
        MUST(reels_stats_read(stats, NULL, &query, &sum, &err) == REELS_OK);
        /* Whole batches only, never fewer than before, and its own are among them. */
        MUST(sum % 3 == 0 && sum > last && sum >= (int64_t)(i + 1) * 3);
        last = sum;
    }
    return NULL;
}

START_TEST(test_counters_are_exact)
{
    threads_run(stats_work);
    const int64_t entity = 1;
    const uint32_t counter = 1;
    const int64_t window = 0;
    int64_t sum = 0;
    reels_stats_query query = {.struct_size = sizeof query,
                               .group = "g",
                               .entity_ids = &entity,
                               .entities_count = 1,
                               .counters = &counter,
                               .counters_count = 1,
                               .windows_unix_us = &window,
                               .windows_count = 1};
    test_ok(&env, reels_stats_read(stats, NULL, &query, &sum, &env.err));
    ck_assert_int_eq(sum, 3 * THREADS * ROUNDS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sqlite_threads");
    TCase *cases = tcase_create("threads");
    tcase_set_timeout(cases, 100);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_threads_lose_no_update_and_see_their_own);
    tcase_add_test(cases, test_commits_that_arrive_together_share_a_sync);
    tcase_add_test(cases, test_relays_share_the_outbox);
    tcase_add_test(cases, test_counters_are_exact);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
