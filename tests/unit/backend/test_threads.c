/* Holds the embedded blob, queue and cache to their word with many threads at once; run under
 * ThreadSanitizer too. Threads wait for what must come, never for time. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reels/backend.h>

#include "test_check.h"

enum {
    WRITERS = 4,
    READERS = 4,
    PARTITIONS = 6,
    RECORDS = 250, /* of each writer */
    TOTAL = WRITERS * RECORDS,
    BLOB_ROUNDS = 60,
    CACHE_ROUNDS = 2000
};

#define PATIENCE_US ((int64_t)30 * 1000000)

struct shared {
    struct test_env env;
    reels_queue *queue;
    reels_blob *blob;
    reels_cache *cache;
    atomic_uint seen_count;
    atomic_uchar seen[TOTAL];
    atomic_int failed;
};

struct worker {
    struct shared *shared;
    uint32_t index;
    pthread_t thread;
};

static void fail_with(struct shared *shared, const char *what, const reels_error *err)
{
    (void)fprintf(stderr, "%s: %s\n", what, err->message);
    atomic_store(&shared->failed, 1);
}

static void *append_all(void *arg)
{
    struct worker *worker = arg;
    struct shared *shared = worker->shared;
    reels_error err = {.struct_size = sizeof err};
    for (uint32_t i = 0; i < RECORDS; i++) {
        uint32_t number = worker->index * RECORDS + i;
        char key[16];
        (void)snprintf(key, sizeof key, "k%u", (unsigned)(number % 23));
        reels_record record = {.key = (const uint8_t *)key,
                               .key_len = strlen(key),
                               .payload = (const uint8_t *)&number,
                               .payload_len = sizeof number};
        if (reels_queue_append(shared->queue, NULL, "events", &record, 1, &err) != REELS_OK) {
            fail_with(shared, "append", &err);
            return NULL;
        }
    }
    return NULL;
}

static void records_count(struct shared *shared, const reels_records *records)
{
    for (size_t i = 0; i < reels_records_count(records); i++) {
        reels_record record;
        uint32_t number = TOTAL;
        (void)reels_records_get(records, i, &record);
        memcpy(&number, record.payload, sizeof number);
        if (number >= TOTAL) {
            atomic_store(&shared->failed, 1);
            return;
        }
        if (atomic_fetch_add(&shared->seen[number], 1) == 0) {
            atomic_fetch_add(&shared->seen_count, 1);
        }
    }
}

/* Polls until everything was seen by somebody; joins again when it is thrown out. */
static void *poll_all(void *arg)
{
    struct worker *worker = arg;
    struct shared *shared = worker->shared;
    reels_ctx *ctx = shared->env.ctx;
    reels_error err = {.struct_size = sizeof err};
    reels_records *records = NULL;
    reels_queue_assignment held[PARTITIONS];
    size_t held_count = 0;
    char name[16];
    uint64_t consumer = 0;
    (void)snprintf(name, sizeof name, "reader-%u", (unsigned)worker->index);
    reels_queue_join join = {
        .struct_size = sizeof join, .topic = "events", .group = "all", .consumer = name};
    reels_status status = reels_records_new(ctx, 0, &records, &err);
    if (status == REELS_OK) {
        status = reels_queue_group_join(shared->queue, NULL, &join, &consumer, &err);
    }
    int64_t patience = reels_ctx_now_mono_us(ctx) + PATIENCE_US;
    while (status == REELS_OK && atomic_load(&shared->seen_count) < TOTAL &&
           !atomic_load(&shared->failed) && reels_ctx_now_mono_us(ctx) < patience) {
        uint32_t changed = 0;
        reels_call call = {.struct_size = sizeof call,
                           .deadline_mono_us = reels_ctx_now_mono_us(ctx) + 20000};
        status = reels_queue_poll(shared->queue, &call, consumer, 16, 0, records, &changed, &err);
        if (status == REELS_OK && changed) {
            status = reels_queue_assigned(
                shared->queue, NULL, consumer, held, PARTITIONS, &held_count, &err);
        }
        if (status == REELS_OK) {
            records_count(shared, records);
        }
    }
    if (status != REELS_OK) {
        fail_with(shared, "poll", &err);
    }
    (void)reels_queue_group_leave(shared->queue, NULL, consumer, NULL);
    reels_records_free(records);
    return NULL;
}

static void
workers_start(struct shared *shared, struct worker *workers, size_t count, void *(*run)(void *))
{
    for (size_t i = 0; i < count; i++) {
        workers[i] = (struct worker){.shared = shared, .index = (uint32_t)i};
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, run, &workers[i]), 0);
    }
}

static void workers_join(struct worker *workers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
    }
}

static struct shared *shared_new(void)
{
    struct shared *shared = calloc(1, sizeof *shared);
    ck_assert_ptr_nonnull(shared);
    test_env_init(&shared->env, TEST_ENV_MEM_FS);
    return shared;
}

static void shared_free(struct shared *shared)
{
    test_env_dispose(&shared->env);
    free(shared);
}

/* Readers that keep no offsets may see a record twice when a partition moves, never not at all. */
static void queue_run(const char *url)
{
    struct shared *shared = shared_new();
    struct worker writers[WRITERS];
    struct worker readers[READERS];
    test_ok(&shared->env, reels_queue_open(shared->env.ctx, url, &shared->queue, &shared->env.err));
    test_ok(
        &shared->env,
        reels_queue_topic_open(shared->queue, NULL, "events", PARTITIONS, NULL, &shared->env.err));
    workers_start(shared, readers, READERS, poll_all);
    workers_start(shared, writers, WRITERS, append_all);
    workers_join(writers, WRITERS);
    workers_join(readers, READERS);
    ck_assert_int_eq(atomic_load(&shared->failed), 0);
    ck_assert_uint_eq(atomic_load(&shared->seen_count), TOTAL);
    reels_queue_lag lags[PARTITIONS];
    size_t count = 0;
    uint64_t sum = 0;
    test_ok(&shared->env,
            reels_queue_lags(
                shared->queue, NULL, "events", NULL, lags, PARTITIONS, &count, &shared->env.err));
    for (size_t i = 0; i < count; i++) {
        sum += lags[i].end;
    }
    ck_assert_uint_eq(sum, TOTAL);
    reels_queue_free(shared->queue);
    shared_free(shared);
}

START_TEST(test_queue_segments_lose_nothing_between_eight_threads)
{
    queue_run("file:/log?segment_bytes=65536");
}
END_TEST

START_TEST(test_queue_mem_loses_nothing_between_eight_threads)
{
    queue_run("mem:");
}
END_TEST

static void *append_later(void *arg)
{
    struct worker *worker = arg;
    struct shared *shared = worker->shared;
    uint32_t number = 0;
    reels_record record = {.key = (const uint8_t *)"k",
                           .key_len = 1,
                           .payload = (const uint8_t *)&number,
                           .payload_len = sizeof number};
    reels_error err = {.struct_size = sizeof err};
    if (reels_queue_append(shared->queue, NULL, "events", &record, 1, &err) != REELS_OK) {
        fail_with(shared, "append", &err);
    }
    return NULL;
}

START_TEST(test_queue_append_wakes_whoever_waits)
{
    struct shared *shared = shared_new();
    struct test_env *env = &shared->env;
    struct worker writer;
    reels_records *records = NULL;
    reels_queue_assignment held[1];
    size_t held_count = 0;
    uint64_t consumer = 0;
    uint32_t changed = 0;
    reels_queue_join join = {
        .struct_size = sizeof join, .topic = "events", .group = "g", .consumer = "c"};
    test_ok(env, reels_queue_open(env->ctx, "file:/log", &shared->queue, &env->err));
    test_ok(env, reels_queue_topic_open(shared->queue, NULL, "events", 1, NULL, &env->err));
    test_ok(env, reels_queue_group_join(shared->queue, NULL, &join, &consumer, &env->err));
    test_ok(env,
            reels_queue_assigned(shared->queue, NULL, consumer, held, 1, &held_count, &env->err));
    test_ok(env, reels_records_new(env->ctx, 0, &records, &env->err));
    workers_start(shared, &writer, 1, append_later);
    /* It would wait for half an hour; the time limit of the case says whether it was woken. */
    reels_call call = {.struct_size = sizeof call,
                       .deadline_mono_us =
                           reels_ctx_now_mono_us(env->ctx) + (int64_t)1800 * 1000000};
    test_ok(env,
            reels_queue_poll(shared->queue, &call, consumer, 1, 0, records, &changed, &env->err));
    ck_assert_uint_eq(reels_records_count(records), 1);
    workers_join(&writer, 1);
    reels_records_free(records);
    reels_queue_free(shared->queue);
    ck_assert_int_eq(atomic_load(&shared->failed), 0);
    shared_free(shared);
}
END_TEST

/* Puts, reads and removes under folders that others put into and take away at the same time. */
static void *blob_rounds(void *arg)
{
    struct worker *worker = arg;
    struct shared *shared = worker->shared;
    reels_error err = {.struct_size = sizeof err};
    reels_buf *buf = NULL;
    char key[40];
    if (reels_buf_new(shared->env.ctx, 0, &buf, &err) != REELS_OK) {
        fail_with(shared, "buffer", &err);
        return NULL;
    }
    for (uint32_t i = 0; i < BLOB_ROUNDS && !atomic_load(&shared->failed); i++) {
        (void)snprintf(key, sizeof key, "a/%u/b/%u", (unsigned)(i % 3), (unsigned)worker->index);
        const char *keys[] = {key};
        const char *common = "a/0/common";
        reels_buf_clear(buf);
        reels_status status = reels_blob_put_bytes(
            shared->blob, NULL, key, (const uint8_t *)key, strlen(key), NULL, &err);
        if (status == REELS_OK) {
            status = reels_blob_get_bytes(shared->blob, NULL, key, buf, &err);
        }
        if (status == REELS_OK && strcmp((const char *)reels_buf_data(buf), key) != 0) {
            status = reels_error_set(&err, REELS_ERR_CORRUPT, 0, "other bytes");
        }
        if (status == REELS_OK) {
            status = reels_blob_remove(shared->blob, NULL, keys, 1, &err);
        }
        /* All put the same bytes under one key, which is never a failure. */
        if (status == REELS_OK) {
            status = reels_blob_put_bytes(
                shared->blob, NULL, common, (const uint8_t *)"same", 4, NULL, &err);
        }
        if (status == REELS_OK && i % 7 == worker->index) {
            status = reels_blob_remove(shared->blob, NULL, &common, 1, &err);
        }
        if (status != REELS_OK) {
            fail_with(shared, key, &err);
        }
    }
    reels_buf_free(buf);
    return NULL;
}

static void blob_run(const char *url)
{
    struct shared *shared = shared_new();
    struct worker workers[WRITERS + READERS];
    test_ok(&shared->env, reels_blob_open(shared->env.ctx, url, &shared->blob, &shared->env.err));
    workers_start(shared, workers, WRITERS + READERS, blob_rounds);
    workers_join(workers, WRITERS + READERS);
    ck_assert_int_eq(atomic_load(&shared->failed), 0);
    reels_blob_free(shared->blob);
    shared_free(shared);
}

START_TEST(test_blob_directory_serves_eight_threads)
{
    blob_run("file:/store");
}
END_TEST

START_TEST(test_blob_mem_serves_eight_threads)
{
    blob_run("mem:");
}
END_TEST

static void *cache_rounds(void *arg)
{
    struct worker *worker = arg;
    struct shared *shared = worker->shared;
    reels_error err = {.struct_size = sizeof err};
    reels_rows *rows = NULL;
    reels_status status = reels_rows_new(shared->env.ctx, 0, &rows, &err);
    for (uint32_t i = 0; i < CACHE_ROUNDS && status == REELS_OK; i++) {
        uint32_t number = (i * 7 + worker->index) % 50;
        reels_cache_name key = {.data = (const uint8_t *)&number, .len = sizeof number};
        reels_cache_item item = {.key = key.data,
                                 .key_len = key.len,
                                 .value = (const uint8_t *)&number,
                                 .value_len = sizeof number};
        reels_cache_member member = {
            .member = (const uint8_t *)&i, .member_len = sizeof i, .score = (double)i};
        reels_cache_name top = {.data = (const uint8_t *)"top", .len = 3};
        reels_cache_range range = {.struct_size = sizeof range, .limit = 10};
        reels_rows_clear(rows);
        status = reels_cache_put(shared->cache, NULL, &item, 1, NULL, &err);
        if (status == REELS_OK) {
            status = reels_cache_get(shared->cache, NULL, &key, 1, rows, &err);
        }
        const reels_value *value = reels_rows_get(rows, 0, NULL);
        if (status == REELS_OK && value != NULL && memcmp(value->data, &number, 4) != 0) {
            status = reels_error_set(&err, REELS_ERR_CORRUPT, 0, "other bytes");
        }
        if (status == REELS_OK) {
            status = reels_cache_zput(shared->cache, NULL, &top, &member, 1, 20, NULL, &err);
        }
        if (status == REELS_OK) {
            status = reels_cache_zrange(shared->cache, NULL, &top, &range, rows, &err);
        }
        if (status == REELS_OK && i % 11 == 0) {
            status = reels_cache_remove(shared->cache, NULL, &key, 1, NULL, &err);
        }
    }
    if (status != REELS_OK) {
        fail_with(shared, "cache", &err);
    }
    reels_rows_free(rows);
    return NULL;
}

START_TEST(test_cache_serves_eight_threads)
{
    struct shared *shared = shared_new();
    struct worker workers[WRITERS + READERS];
    test_ok(&shared->env,
            reels_cache_open(shared->env.ctx, "mem:", &shared->cache, &shared->env.err));
    workers_start(shared, workers, WRITERS + READERS, cache_rounds);
    workers_join(workers, WRITERS + READERS);
    ck_assert_int_eq(atomic_load(&shared->failed), 0);
    reels_cache_free(shared->cache);
    shared_free(shared);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backend_threads");
    TCase *tcase = tcase_create("backend_threads");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_queue_segments_lose_nothing_between_eight_threads);
    tcase_add_test(tcase, test_queue_mem_loses_nothing_between_eight_threads);
    tcase_add_test(tcase, test_queue_append_wakes_whoever_waits);
    tcase_add_test(tcase, test_blob_directory_serves_eight_threads);
    tcase_add_test(tcase, test_blob_mem_serves_eight_threads);
    tcase_add_test(tcase, test_cache_serves_eight_threads);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
