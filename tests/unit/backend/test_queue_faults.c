/* Holds the segment-file queue to its word on a disk that fails and loses power at every operation:
 * an acknowledged record stays at its offset, what a consumer has seen stays too, offsets have no
 * gaps, epochs only grow, and trying again works. Also: what is a torn tail, and what is damage. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reels/backend.h>

#include "test_check.h"

enum {
    ENV = TEST_ENV_SIM_CLOCK | TEST_ENV_MEM_FS | TEST_ENV_SEED,
    PARTITIONS = 2,
    APPENDS = 7,
    LARGE_BYTES = 40 * 1024, /* two of them fill a segment */
    OFFSETS_MAX = 48,
    STEP_TOPIC = 0,
    STEP_APPENDS = 1,
    STEP_JOIN = STEP_APPENDS + APPENDS,
    STEP_STORE,
    STEPS_COUNT,
    OPS_MAX = 100000
};

static const char url[] = "file:/log/queue?segment_bytes=65536";

/* What was told: number of the record at each place, from 1; 0 = nothing. */
struct told {
    uint32_t numbers[PARTITIONS][OFFSETS_MAX];
};

struct script {
    struct test_env env;
    reels_queue *queue;
    int done[STEPS_COUNT];
    struct told acknowledged;
    uint32_t next_number;
    uint64_t consumer;
    uint32_t epochs[PARTITIONS]; /* the highest seen */
    reels_queue_assignment held[PARTITIONS];
    size_t held_count;
    uint64_t stored; /* acknowledged offset of held[0]'s partition */
    uint32_t stored_partition;
    uint32_t readers_count;
};

static uint8_t payload_space[LARGE_BYTES];

static void payload_fill(uint32_t number, size_t len)
{
    uint32_t seed = number * 2654435761u;
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525u + 1013904223u;
        payload_space[i] = (uint8_t)(seed >> 24);
    }
    memcpy(payload_space, &number, sizeof number);
}

static size_t payload_len(uint32_t number)
{
    return number % 3 == 0 ? LARGE_BYTES : 100 + number;
}

/* Appends one record; its place is remembered when it was acknowledged. */
static reels_status append_one(struct script *script)
{
    char key[16];
    uint32_t number = ++script->next_number;
    payload_fill(number, payload_len(number));
    (void)snprintf(key, sizeof key, "key-%u", (unsigned)(number % 5));
    reels_record record = {.key = (const uint8_t *)key,
                           .key_len = strlen(key),
                           .payload = payload_space,
                           .payload_len = payload_len(number)};
    reels_status status =
        reels_queue_append(script->queue, NULL, "events", &record, 1, &script->env.err);
    if (status == REELS_OK) {
        ck_assert_uint_lt(record.offset, OFFSETS_MAX);
        ck_assert_uint_lt(record.partition, PARTITIONS);
        ck_assert_uint_eq(script->acknowledged.numbers[record.partition][record.offset], 0);
        script->acknowledged.numbers[record.partition][record.offset] = number;
    }
    return status;
}

/* Joins, and sees that no epoch was ever given before. */
static reels_status join_as(struct script *script, const char *group, const char *consumer)
{
    reels_queue_join join = {
        .struct_size = sizeof join, .topic = "events", .group = group, .consumer = consumer};
    reels_status status =
        reels_queue_group_join(script->queue, NULL, &join, &script->consumer, &script->env.err);
    if (status == REELS_OK) {
        status = reels_queue_assigned(script->queue,
                                      NULL,
                                      script->consumer,
                                      script->held,
                                      PARTITIONS,
                                      &script->held_count,
                                      &script->env.err);
    }
    return status;
}

static reels_status step_join(struct script *script)
{
    reels_status status = join_as(script, "counting", "worker");
    for (size_t i = 0; i < script->held_count && status == REELS_OK; i++) {
        const reels_queue_assignment *held = &script->held[i];
        ck_assert_uint_gt(held->epoch, script->epochs[held->partition]);
        script->epochs[held->partition] = held->epoch;
    }
    return status;
}

static reels_status step_store(struct script *script)
{
    reels_queue_offset offset = {
        .partition = script->held[0].partition, .epoch = script->held[0].epoch, .next = 2};
    reels_status status = reels_queue_offset_store(
        script->queue, NULL, script->consumer, &offset, 1, &script->env.err);
    if (status == REELS_OK) {
        script->stored = offset.next;
        script->stored_partition = offset.partition;
    }
    return status;
}

static reels_status step_run(struct script *script, int step)
{
    if (step == STEP_TOPIC) {
        return reels_queue_topic_open(
            script->queue, NULL, "events", PARTITIONS, NULL, &script->env.err);
    }
    if (step < STEP_JOIN) {
        return append_one(script);
    }
    if (step == STEP_JOIN) {
        return step_join(script);
    }
    return step_store(script);
}

static int script_run(struct script *script)
{
    for (int i = 0; i < STEPS_COUNT; i++) {
        if (!script->done[i]) {
            if (step_run(script, i) != REELS_OK) {
                return 0;
            }
            script->done[i] = 1;
        }
    }
    return 1;
}

static reels_status script_open(struct script *script)
{
    /* Consumers do not outlive the queue. */
    script->done[STEP_JOIN] = 0;
    script->done[STEP_STORE] = 0;
    return reels_queue_open(script->env.ctx, url, &script->queue, &script->env.err);
}

static void script_close(struct script *script)
{
    reels_queue_free(script->queue);
    script->queue = NULL;
}

static void script_init(struct script *script)
{
    memset(script, 0, sizeof *script);
    test_env_init(&script->env, ENV);
}

static void record_note(const reels_record *record, struct told *seen)
{
    uint32_t number = 0;
    ck_assert_uint_ge(record->payload_len, sizeof number);
    memcpy(&number, record->payload, sizeof number);
    ck_assert_uint_eq(record->payload_len, payload_len(number));
    payload_fill(number, record->payload_len);
    ck_assert_int_eq(memcmp(record->payload, payload_space, record->payload_len), 0);
    ck_assert_uint_lt(record->offset, OFFSETS_MAX);
    ck_assert_uint_eq(seen->numbers[record->partition][record->offset], 0);
    /* No gaps: whatever stands here, something stands before it. */
    ck_assert(record->offset == 0 || seen->numbers[record->partition][record->offset - 1] != 0);
    seen->numbers[record->partition][record->offset] = number;
}

/* Reads everything there is as a group that nobody knows. */
static void read_all(struct script *script, struct told *seen)
{
    char group[32];
    reels_records *records = NULL;
    memset(seen, 0, sizeof *seen);
    reels_status found =
        reels_queue_topic_open(script->queue, NULL, "events", 0, NULL, &script->env.err);
    if (found == REELS_ERR_NOT_FOUND) {
        return;
    }
    test_ok(&script->env, found);
    (void)snprintf(group, sizeof group, "reader-%u", (unsigned)++script->readers_count);
    test_ok(&script->env, join_as(script, group, "reader"));
    test_ok(&script->env, reels_records_new(script->env.ctx, 0, &records, &script->env.err));
    for (;;) {
        uint32_t changed = 0;
        test_ok(
            &script->env,
            reels_queue_poll(
                script->queue, NULL, script->consumer, 3, 0, records, &changed, &script->env.err));
        ck_assert_uint_eq(changed, 0);
        if (reels_records_count(records) == 0) {
            break;
        }
        for (size_t i = 0; i < reels_records_count(records); i++) {
            reels_record record;
            test_ok(&script->env, reels_records_get(records, i, &record));
            record_note(&record, seen);
        }
    }
    reels_records_free(records);
}

/* Everything in `must` stands in `seen` at the same place. */
static void told_is_in(const struct told *must, const struct told *seen)
{
    for (size_t i = 0; i < PARTITIONS; i++) {
        for (size_t j = 0; j < OFFSETS_MAX; j++) {
            if (must->numbers[i][j] != 0) {
                ck_assert_uint_eq(must->numbers[i][j], seen->numbers[i][j]);
            }
        }
    }
}

static void stored_check(struct script *script)
{
    if (script->stored == 0) {
        return;
    }
    reels_queue_offset offset = {.partition = script->stored_partition};
    test_ok(&script->env,
            reels_queue_offset_load(
                script->queue, NULL, "events", "counting", &offset, 1, &script->env.err));
    ck_assert_uint_eq(offset.next, script->stored);
}

static void reopen_after(struct script *script, int mode, uint64_t seed)
{
    test_memfs_crash(script->env.fs, mode, seed);
    script_close(script);
    test_env_restart(&script->env);
    test_ok(&script->env, script_open(script));
}

/* One run in which the power fails at the n-th operation; 1 when it came before the end. */
static int power_cut_at(uint64_t nth, int mode, uint32_t fault)
{
    struct script script;
    struct told seen;
    struct told again;
    script_init(&script);
    test_memfs_fail(script.env.fs, nth, TEST_MEMFS_FAULT_ALL_AFTER | fault, 5);
    int cut = script_open(&script) != REELS_OK || !script_run(&script);
    reopen_after(&script, mode, nth);
    read_all(&script, &seen);
    told_is_in(&script.acknowledged, &seen);
    stored_check(&script);
    /* What has been seen now is seen for ever. */
    reopen_after(&script, TEST_MEMFS_CRASH_LOSE, nth);
    read_all(&script, &again);
    told_is_in(&seen, &again);
    ck_assert_msg(script_run(&script), "again: %s", script.env.err.message);
    reopen_after(&script, TEST_MEMFS_CRASH_LOSE, nth);
    read_all(&script, &seen);
    told_is_in(&again, &seen);
    told_is_in(&script.acknowledged, &seen);
    stored_check(&script);
    script_close(&script);
    test_env_dispose(&script.env);
    return cut;
}

static void power_cuts(int mode, uint32_t fault)
{
    uint64_t nth = 1;
    while (power_cut_at(nth, mode, fault)) {
        nth++;
        ck_assert_uint_lt(nth, OPS_MAX);
    }
    ck_assert_uint_gt(nth, 60);
}

START_TEST(test_queue_power_cut_loses_no_acknowledged_record)
{
    power_cuts(TEST_MEMFS_CRASH_LOSE, 0);
    power_cuts(TEST_MEMFS_CRASH_LOSE, TEST_MEMFS_FAULT_EFFECT);
}
END_TEST

START_TEST(test_queue_kill_lets_nobody_see_what_a_power_cut_can_take_back)
{
    power_cuts(TEST_MEMFS_CRASH_KEEP, 0);
    power_cuts(TEST_MEMFS_CRASH_KEEP, TEST_MEMFS_FAULT_EFFECT);
}
END_TEST

START_TEST(test_queue_power_cut_with_any_part_of_the_cache_written)
{
    power_cuts(TEST_MEMFS_CRASH_RANDOM, 0);
    power_cuts(TEST_MEMFS_CRASH_RANDOM, TEST_MEMFS_FAULT_EFFECT);
}
END_TEST

/* One operation fails, the rest work. */
static int fault_at(uint64_t nth, uint32_t fault, int32_t sys_errno)
{
    struct script script;
    struct told seen;
    script_init(&script);
    test_memfs_fail(script.env.fs, nth, fault, sys_errno);
    int tries = 0;
    while (script_open(&script) != REELS_OK) {
        ck_assert_int_lt(tries++, 3);
    }
    while (!script_run(&script)) {
        ck_assert_msg(tries++ < 3, "still: %s", script.env.err.message);
    }
    uint64_t ops = test_memfs_ops_count(script.env.fs);
    test_memfs_fail(script.env.fs, 0, 0, 0);
    read_all(&script, &seen);
    told_is_in(&script.acknowledged, &seen);
    reopen_after(&script, TEST_MEMFS_CRASH_LOSE, nth);
    struct told again;
    read_all(&script, &again);
    told_is_in(&seen, &again);
    stored_check(&script);
    script_close(&script);
    test_env_dispose(&script.env);
    return nth <= ops;
}

START_TEST(test_queue_failure_of_any_operation_is_told_and_can_be_tried_again)
{
    uint64_t nth = 1;
    while (fault_at(nth, 0, 5)) {
        nth++;
    }
    ck_assert_uint_gt(nth, 60);
    nth = 1;
    while (fault_at(nth, TEST_MEMFS_FAULT_EFFECT, 28)) {
        nth++;
    }
}
END_TEST

static reels_status script_once(reels_ctx *ctx, void *arg)
{
    (void)arg;
    struct script script = {.env.ctx = ctx, .env.err = {.struct_size = sizeof(reels_error)}};
    reels_records *records = NULL;
    uint32_t changed = 0;
    reels_status status = script_open(&script);
    for (int i = 0; i < STEPS_COUNT && status == REELS_OK; i++) {
        status = step_run(&script, i);
    }
    if (status == REELS_OK) {
        status = reels_records_new(ctx, 0, &records, NULL);
    }
    for (int i = 0; i < 4 && status == REELS_OK; i++) {
        status =
            reels_queue_poll(script.queue, NULL, script.consumer, 100, 0, records, &changed, NULL);
    }
    reels_records_free(records);
    script_close(&script);
    if (status == REELS_OK) {
        status = script_open(&script);
    }
    if (status == REELS_OK) {
        status = reels_queue_topic_open(script.queue, NULL, "events", 0, NULL, NULL);
    }
    script_close(&script);
    return status;
}

START_TEST(test_queue_refused_memory_is_told_and_leaks_nothing)
{
    ck_assert_uint_gt(test_oom_run(ENV, script_once, NULL), 50);
}
END_TEST

/* A log of one partition with some small appends, each a batch of its own; gives its file's length
 * after each. */
static void small_log(struct script *script, size_t count, size_t *out_lens)
{
    script_init(script);
    test_ok(&script->env, script_open(script));
    test_ok(&script->env,
            reels_queue_topic_open(script->queue, NULL, "one", 1, NULL, &script->env.err));
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = (uint8_t)i;
        reels_record record = {.key = &byte, .key_len = 1, .payload = &byte, .payload_len = 1};
        test_ok(&script->env,
                reels_queue_append(script->queue, NULL, "one", &record, 1, &script->env.err));
        uint8_t *data = test_memfs_read(
            script->env.fs, "/log/queue/one/p0000/00000000000000000000.seg", &out_lens[i]);
        ck_assert_ptr_nonnull(data);
        free(data);
    }
    script_close(script);
}

static uint64_t end_of(struct script *script)
{
    reels_queue_lag lag;
    size_t count = 0;
    test_ok(&script->env,
            reels_queue_lags(script->queue, NULL, "one", NULL, &lag, 1, &count, &script->env.err));
    return lag.end;
}

START_TEST(test_queue_damage_in_the_middle_is_told_at_every_byte)
{
    enum {
        COUNT = 4
    };
    size_t lens[COUNT];
    struct script script;
    small_log(&script, COUNT, lens);
    const char *path = "/log/queue/one/p0000/00000000000000000000.seg";
    /* Everything before the last batch was acknowledged and has a witness behind it. */
    for (size_t at = 0; at < lens[COUNT - 2]; at++) {
        ck_assert(test_memfs_corrupt(script.env.fs, path, at, 0x10));
        test_ok(&script.env, script_open(&script));
        reels_status status =
            reels_queue_topic_open(script.queue, NULL, "one", 0, NULL, &script.env.err);
        ck_assert_msg(status == REELS_ERR_CORRUPT, "byte %zu: %s", at, reels_status_name(status));
        script_close(&script);
        ck_assert(test_memfs_corrupt(script.env.fs, path, at, 0x10));
    }
    test_ok(&script.env, script_open(&script));
    ck_assert_uint_eq(end_of(&script), COUNT);
    script_close(&script);
    test_env_dispose(&script.env);
}
END_TEST

START_TEST(test_queue_torn_tail_is_cut_off_at_every_length)
{
    enum {
        COUNT = 3
    };
    size_t lens[COUNT];
    for (size_t cut = 0;; cut++) {
        struct script script;
        small_log(&script, COUNT, lens);
        size_t len = lens[COUNT - 2] + cut;
        if (len >= lens[COUNT - 1]) {
            test_env_dispose(&script.env);
            break;
        }
        const reels_fs *fs = test_memfs_table(script.env.fs);
        void *file = NULL;
        test_ok(&script.env,
                fs->open(fs->user,
                         "/log/queue/one/p0000/00000000000000000000.seg",
                         REELS_FS_WRITE,
                         &file,
                         NULL));
        test_ok(&script.env, fs->truncate(fs->user, file, len, NULL));
        fs->close(fs->user, file);
        test_ok(&script.env, script_open(&script));
        ck_assert_uint_eq(end_of(&script), COUNT - 1);
        /* And the log goes on. */
        uint8_t byte = 9;
        reels_record record = {.key = &byte, .key_len = 1};
        test_ok(&script.env,
                reels_queue_append(script.queue, NULL, "one", &record, 1, &script.env.err));
        ck_assert_uint_eq(record.offset, COUNT - 1);
        script_close(&script);
        test_ok(&script.env, script_open(&script));
        ck_assert_uint_eq(end_of(&script), COUNT);
        script_close(&script);
        test_env_dispose(&script.env);
    }
}
END_TEST

/* Reads partition 0 of a topic to its end: how many records, or the status. */
static reels_status read_count(struct script *script, const char *topic, size_t *out_count)
{
    reels_queue_join join = {
        .struct_size = sizeof join, .topic = topic, .group = "g", .consumer = "c"};
    reels_queue_assignment held[1];
    size_t held_count = 0;
    uint32_t changed = 0;
    reels_records *records = NULL;
    *out_count = 0;
    test_ok(
        &script->env,
        reels_queue_group_join(script->queue, NULL, &join, &script->consumer, &script->env.err));
    test_ok(&script->env,
            reels_queue_assigned(
                script->queue, NULL, script->consumer, held, 1, &held_count, &script->env.err));
    test_ok(&script->env, reels_records_new(script->env.ctx, 0, &records, &script->env.err));
    reels_status status = REELS_OK;
    do {
        status = reels_queue_poll(
            script->queue, NULL, script->consumer, 10, 0, records, &changed, &script->env.err);
        *out_count += reels_records_count(records);
    } while (status == REELS_OK && reels_records_count(records) > 0);
    reels_records_free(records);
    return status;
}

static void large_append(struct script *script, uint32_t number)
{
    payload_fill(number, LARGE_BYTES);
    reels_record record = {.key = (const uint8_t *)"k",
                           .key_len = 1,
                           .payload = payload_space,
                           .payload_len = LARGE_BYTES};
    test_ok(&script->env,
            reels_queue_append(script->queue, NULL, "one", &record, 1, &script->env.err));
}

START_TEST(test_queue_damage_in_an_older_segment_is_told_when_it_is_read)
{
    struct script script;
    size_t count = 0;
    script_init(&script);
    test_ok(&script.env, script_open(&script));
    test_ok(&script.env,
            reels_queue_topic_open(script.queue, NULL, "one", 1, NULL, &script.env.err));
    for (uint32_t i = 0; i < 6; i++) {
        large_append(&script, i);
    }
    script_close(&script);
    test_ok(&script.env, script_open(&script));
    test_ok(&script.env, read_count(&script, "one", &count));
    ck_assert_uint_eq(count, 6);
    script_close(&script);
    ck_assert(test_memfs_corrupt(
        script.env.fs, "/log/queue/one/p0000/00000000000000000000.seg", 50000, 1));
    test_ok(&script.env, script_open(&script));
    test_status(REELS_ERR_CORRUPT, read_count(&script, "one", &count));
    ck_assert_uint_eq(count, 1);
    script_close(&script);
    test_env_dispose(&script.env);
}
END_TEST

/* Keys that lie in the first and in the second of two partitions. */
static void keys_find(char keys[2][16])
{
    for (uint32_t found = 0, i = 0; found != 3; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%u", (unsigned)i);
        uint32_t partition = reels_queue_partition((const uint8_t *)key, strlen(key), 2);
        memcpy(keys[partition], key, sizeof key);
        found |= 1u << partition;
    }
}

START_TEST(test_queue_damage_in_one_partition_leaves_the_others_readable)
{
    struct script script;
    char keys[2][16];
    size_t sound = 0;
    size_t failures = 0;
    uint32_t changed = 0;
    reels_records *records = NULL;
    keys_find(keys);
    script_init(&script);
    test_ok(&script.env, script_open(&script));
    test_ok(
        &script.env,
        reels_queue_topic_open(script.queue, NULL, "events", PARTITIONS, NULL, &script.env.err));
    for (uint32_t i = 0; i < 12; i++) {
        payload_fill(i, LARGE_BYTES);
        reels_record record = {.key = (const uint8_t *)keys[i % 2],
                               .key_len = strlen(keys[i % 2]),
                               .payload = payload_space,
                               .payload_len = LARGE_BYTES};
        test_ok(&script.env,
                reels_queue_append(script.queue, NULL, "events", &record, 1, &script.env.err));
    }
    script_close(&script);
    ck_assert(test_memfs_corrupt(
        script.env.fs, "/log/queue/events/p0000/00000000000000000000.seg", 2000, 1));
    test_ok(&script.env, script_open(&script));
    test_ok(&script.env,
            reels_queue_topic_open(script.queue, NULL, "events", 0, NULL, &script.env.err));
    test_ok(&script.env, join_as(&script, "g", "c"));
    test_ok(&script.env, reels_records_new(script.env.ctx, 0, &records, &script.env.err));
    for (int i = 0; i < 24; i++) {
        reels_status status = reels_queue_poll(
            script.queue, NULL, script.consumer, 1, 0, records, &changed, &script.env.err);
        ck_assert(status == REELS_OK || status == REELS_ERR_CORRUPT);
        failures += status == REELS_ERR_CORRUPT ? 1 : 0;
        for (size_t j = 0; j < reels_records_count(records); j++) {
            reels_record record;
            test_ok(&script.env, reels_records_get(records, j, &record));
            ck_assert_uint_eq(record.partition, 1);
            ck_assert_uint_eq(record.offset, sound++);
        }
    }
    ck_assert_uint_eq(sound, 6);
    ck_assert_uint_gt(failures, 0);
    reels_records_free(records);
    script_close(&script);
    test_env_dispose(&script.env);
}
END_TEST

START_TEST(test_queue_keeps_so_many_bytes_and_goes_on_at_the_oldest)
{
    struct script script;
    reels_queue_lag lag;
    size_t count = 0;
    script_init(&script);
    test_ok(&script.env,
            reels_queue_open(script.env.ctx,
                             "file:/log/queue?segment_bytes=65536&retain_bytes=200000",
                             &script.queue,
                             &script.env.err));
    test_ok(&script.env,
            reels_queue_topic_open(script.queue, NULL, "one", 1, NULL, &script.env.err));
    for (uint32_t i = 0; i < 20; i++) {
        large_append(&script, i);
    }
    test_ok(&script.env,
            reels_queue_lags(script.queue, NULL, "one", NULL, &lag, 1, &count, &script.env.err));
    ck_assert_uint_gt(lag.oldest, 0);
    ck_assert_uint_eq(lag.end, 20);
    test_ok(&script.env, read_count(&script, "one", &count));
    ck_assert_uint_eq(count, 20 - lag.oldest);
    script_close(&script);
    test_ok(&script.env, script_open(&script));
    test_ok(&script.env, read_count(&script, "one", &count));
    ck_assert_uint_eq(count, 20 - lag.oldest);
    script_close(&script);
    test_env_dispose(&script.env);
}
END_TEST

START_TEST(test_queue_keeps_so_long_and_goes_on_at_the_oldest)
{
    struct script script;
    reels_queue_lag lag;
    size_t count = 0;
    script_init(&script);
    test_ok(&script.env,
            reels_queue_open(script.env.ctx,
                             "file:/log/queue?segment_bytes=65536&retain_s=60",
                             &script.queue,
                             &script.env.err));
    test_ok(&script.env,
            reels_queue_topic_open(script.queue, NULL, "one", 1, NULL, &script.env.err));
    for (uint32_t i = 0; i < 4; i++) {
        large_append(&script, i);
    }
    test_clock_advance(&script.env.clock, (int64_t)61 * 1000000);
    large_append(&script, 4);
    test_ok(&script.env,
            reels_queue_lags(script.queue, NULL, "one", NULL, &lag, 1, &count, &script.env.err));
    ck_assert_uint_eq(lag.oldest, 4);
    ck_assert_uint_eq(lag.end, 5);
    script_close(&script);
    test_env_dispose(&script.env);
}
END_TEST

START_TEST(test_queue_unknown_options_and_newer_versions_are_refused)
{
    struct script script;
    script_init(&script);
    static const char *const wrong[] = {"file:",
                                        "file:?segment_bytes=65536",
                                        "file:/q?segment_bytes=1",
                                        "file:/q?segment_bytes=",
                                        "file:/q?segment=65536",
                                        "file:/q?retain_s=1x"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        test_status(REELS_ERR_INVALID_ARG,
                    reels_queue_open(script.env.ctx, wrong[i], &script.queue, &script.env.err));
        ck_assert_ptr_null(script.queue);
    }
    test_ok(&script.env, script_open(&script));
    reels_queue *second = NULL;
    test_status(REELS_ERR_BUSY, reels_queue_open(script.env.ctx, url, &second, &script.env.err));
    script_close(&script);
    const reels_fs *fs = test_memfs_table(script.env.fs);
    void *file = NULL;
    test_ok(&script.env,
            fs->open(fs->user, "/log/queue/.reels/format", REELS_FS_WRITE, &file, NULL));
    test_ok(&script.env,
            fs->write_at(fs->user, file, 0, (const uint8_t *)"reels-queue 2\n", 14, NULL));
    fs->close(fs->user, file);
    test_status(REELS_ERR_UNSUPPORTED, script_open(&script));
    test_env_dispose(&script.env);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("queue_faults");
    TCase *tcase = tcase_create("queue_faults");
    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, test_queue_power_cut_loses_no_acknowledged_record);
    tcase_add_test(tcase, test_queue_kill_lets_nobody_see_what_a_power_cut_can_take_back);
    tcase_add_test(tcase, test_queue_power_cut_with_any_part_of_the_cache_written);
    tcase_add_test(tcase, test_queue_failure_of_any_operation_is_told_and_can_be_tried_again);
    tcase_add_test(tcase, test_queue_refused_memory_is_told_and_leaks_nothing);
    tcase_add_test(tcase, test_queue_damage_in_the_middle_is_told_at_every_byte);
    tcase_add_test(tcase, test_queue_torn_tail_is_cut_off_at_every_length);
    tcase_add_test(tcase, test_queue_damage_in_an_older_segment_is_told_when_it_is_read);
    tcase_add_test(tcase, test_queue_damage_in_one_partition_leaves_the_others_readable);
    tcase_add_test(tcase, test_queue_keeps_so_many_bytes_and_goes_on_at_the_oldest);
    tcase_add_test(tcase, test_queue_keeps_so_long_and_goes_on_at_the_oldest);
    tcase_add_test(tcase, test_queue_unknown_options_and_newer_versions_are_refused);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
