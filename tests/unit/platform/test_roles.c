/* Shows what reels/platform.h promises of reels whose worker died or that were taken down
 * meanwhile, of the outbox, and of lack of memory. Everything is in memory. */
#include <stdio.h>
#include <string.h>

#include <reels/platform.h>

#include "platform/platform_internal.h"
#include "prefetch/renditions.h"
#include "social/tables.h"
#include "test_check.h"

enum {
    ADA = 11,
    BOB = 22,
    MEMORY_RUNS_MAX = 20000
};

#define LEASE_US INT64_C(30000000)

static struct test_env env;
static reels_platform *platform;

static reels_platform_config memory_config(void)
{
    return (reels_platform_config){.struct_size = sizeof(reels_platform_config),
                                   .catalog_url = "mem:",
                                   .stats_url = "mem:",
                                   .blob_url = "mem:",
                                   .queue_url = "mem:",
                                   .partitions_count = 2,
                                   .media_attempts_max = 3,
                                   .media_lease_us = LEASE_US,
                                   .counter_window_us = 1000};
}

static void setup(void)
{
    reels_platform_config config = memory_config();
    test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED);
    test_ok(&env, reels_platform_open(env.ctx, &config, &platform, &env.err));
}

static void teardown(void)
{
    reels_platform_free(platform);
    test_env_dispose(&env);
}

/* ---- ways ---- */

static reels_reel get(uint64_t id)
{
    reels_reel reel = {.struct_size = sizeof(reel)};
    test_ok(&env, reels_reel_get(reels_platform_reels(platform), NULL, &id, 1, &reel, &env.err));
    return reel;
}

static void move(uint64_t id, uint32_t state)
{
    reels_reel reel = get(id);
    reel.state = state;
    if (state == REELS_REEL_PROCESSING) {
        reel.generation++;
        reel.attempts_count++;
    }
    reel.duration_us = 8000000;
    test_ok(&env, reels_reel_update(reels_platform_reels(platform), NULL, &reel, &env.err));
}

static void make(uint64_t id, uint32_t state)
{
    static const uint32_t way[] = {REELS_REEL_UPLOADED, REELS_REEL_PROCESSING, REELS_REEL_READY};
    reels_reel reel = {.struct_size = sizeof(reel), .id = id, .creator_id = ADA};
    test_ok(&env, reels_reel_add(reels_platform_reels(platform), NULL, &reel, &env.err));
    for (size_t i = 0; i < 3 && get(id).state != state; i++) {
        move(id, way[i]);
    }
}

static void maintain(void)
{
    int64_t due = 0;
    test_clock_advance(&env.clock, 3000000);
    test_ok(&env, reels_platform_step(platform, REELS_ROLE_MAINTENANCE, 1000000, &due, &env.err));
}

static void lease_name(uint64_t id, char out[48])
{
    memcpy(out, "media/", 6);
    test_ok(&env, reels_id_text_write(id, out + 6, 42, &env.err));
}

static uint64_t take_lease(uint64_t id)
{
    char name[48];
    uint64_t fence = 0;
    lease_name(id, name);
    test_ok(&env,
            reels_catalog_lease_acquire(reels_platform_catalog(platform),
                                        NULL,
                                        name,
                                        "a worker elsewhere",
                                        LEASE_US,
                                        &fence,
                                        &env.err));
    return fence;
}

static reels_status renew(uint64_t id, uint64_t fence)
{
    char name[48];
    lease_name(id, name);
    return reels_catalog_lease_renew(
        reels_platform_catalog(platform), NULL, name, fence, LEASE_US, &env.err);
}

static reels_status
read_one(void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err)
{
    int *left = user;
    (void)err;
    *out_len = *left > 0 && capacity > 0 ? 1 : 0;
    if (*out_len > 0) {
        data[0] = 'x';
    }
    *left = 0;
    return REELS_OK;
}

static void put_blob(const char *key)
{
    int left = 1;
    reels_blob_source source = {
        .struct_size = sizeof(source), .length_bytes = 1, .reader = read_one, .reader_user = &left};
    test_ok(&env,
            reels_blob_put(reels_platform_blob(platform), NULL, key, &source, NULL, &env.err));
}

static reels_status head_blob(const char *key)
{
    reels_blob_info info = {.struct_size = sizeof(info)};
    return reels_blob_head(reels_platform_blob(platform), NULL, key, &info, NULL);
}

static void put_rendition(uint64_t id, uint32_t generation)
{
    reels_rendition rendition = {.struct_size = sizeof(rendition), .file = "v.mp4"};
    test_ok(&env,
            reels_renditions_put(env.ctx,
                                 reels_platform_catalog(platform),
                                 NULL,
                                 id,
                                 generation,
                                 &rendition,
                                 1,
                                 &env.err));
}

static size_t renditions_of(uint64_t id, uint32_t generation)
{
    reels_rendition found[REELS__RENDITIONS_MAX];
    size_t count = 0;
    test_ok(&env,
            reels__renditions_read(env.ctx,
                                   reels_platform_catalog(platform),
                                   NULL,
                                   id,
                                   generation,
                                   found,
                                   &count,
                                   &env.err));
    return count;
}

/* ---- workers ---- */

START_TEST(test_roles_a_dead_workers_reel_goes_back_and_then_fails)
{
    char partial[80];
    make(5, REELS_REEL_UPLOADED);
    test_ok(&env, reels_reel_media_prefix(5, 1, partial, sizeof(partial)));
    strcat(partial, "v240/1.m4s");
    put_blob(partial);
    put_blob("m/zzz/1/other");
    put_rendition(5, 1);
    for (uint32_t attempt = 1; attempt <= 3; attempt++) {
        uint64_t fence = take_lease(5);
        move(5, REELS_REEL_PROCESSING);
        reels_reel held = get(5);
        maintain();
        ck_assert_uint_eq(get(5).state, REELS_REEL_PROCESSING); /* it lives */
        test_ok(&env, renew(5, fence));
        test_clock_advance(&env.clock, LEASE_US - 4000000);
        maintain();
        ck_assert_uint_eq(get(5).state, REELS_REEL_PROCESSING); /* silent, but not for so long */
        test_clock_advance(&env.clock, LEASE_US);
        maintain();
        reels_reel reel = get(5);
        ck_assert_uint_eq(reel.attempts_count, attempt);
        ck_assert_uint_eq(reel.state, attempt < 3 ? REELS_REEL_UPLOADED : REELS_REEL_FAILED);
        ck_assert_str_eq(reel.reason, attempt < 3 ? "" : "WORKER_DIED");
        /* Should it wake up: neither lease nor row is its own. */
        test_status(REELS_ERR_STALE, renew(5, fence));
        held.state = REELS_REEL_READY;
        test_status(REELS_ERR_CONFLICT,
                    reels_reel_update(reels_platform_reels(platform), NULL, &held, NULL));
    }
    test_status(REELS_ERR_NOT_FOUND, head_blob(partial));
    ck_assert_uint_eq(renditions_of(5, 1), 0);
    test_ok(&env, head_blob("m/zzz/1/other"));
    maintain();
    ck_assert_uint_eq(get(5).state, REELS_REEL_FAILED);
}
END_TEST

START_TEST(test_roles_a_reel_removed_while_processed_leaves_nothing)
{
    char prefix[64];
    char media[96];
    char raw[64];
    make(6, REELS_REEL_UPLOADED);
    uint64_t fence = take_lease(6);
    move(6, REELS_REEL_PROCESSING);
    test_ok(&env, reels_reel_media_prefix(6, 1, prefix, sizeof(prefix)));
    (void)snprintf(media, sizeof(media), "%smaster.m3u8", prefix);
    test_ok(&env, reels_upload_blob_key(6, raw, sizeof(raw)));
    put_blob(media);
    put_blob(raw);
    put_blob("m/zzz/1/other");
    put_rendition(6, 1);
    put_rendition(7, 1);
    reels_reel held = get(6);
    /* To others it is not there; to its creator it is. */
    test_status(REELS_ERR_NOT_FOUND, reels_platform_reel_remove(platform, NULL, 6, BOB, NULL));
    test_ok(&env, reels_platform_reel_remove(platform, NULL, 6, ADA, &env.err));
    ck_assert_uint_eq(get(6).state, REELS_REEL_DELETED);
    test_status(REELS_ERR_NOT_FOUND, reels_platform_reel_remove(platform, NULL, 6, ADA, NULL));
    held.state = REELS_REEL_READY;
    test_status(REELS_ERR_CONFLICT,
                reels_reel_update(reels_platform_reels(platform), NULL, &held, NULL));
    maintain();
    ck_assert_uint_eq(get(6).state, REELS_REEL_NONE);
    test_status(REELS_ERR_NOT_FOUND, head_blob(media));
    test_status(REELS_ERR_NOT_FOUND, head_blob(raw));
    ck_assert_uint_eq(renditions_of(6, 1), 0);
    ck_assert_uint_eq(renditions_of(7, 1), 1);
    test_ok(&env, head_blob("m/zzz/1/other"));
    test_status(REELS_ERR_NOT_FOUND,
                reels_reel_update(reels_platform_reels(platform), NULL, &held, NULL));
    test_ok(&env, renew(6, fence)); /* the lease runs out by itself */
}
END_TEST

/* ---- a store that fails for one reel ---- */

static reels_blob *inner_blob;
static char failing_prefix[64];

static reels_status over_put(void *impl,
                             const reels_call *call,
                             const char *key,
                             const reels_blob_source *source,
                             reels_blob_info *out_info,
                             reels_error *err)
{
    return reels_blob_put(impl, call, key, source, out_info, err);
}

static reels_status over_get(void *impl,
                             const reels_call *call,
                             const char *key,
                             uint64_t offset,
                             uint64_t length_bytes,
                             reels_sink_fn sink,
                             void *sink_user,
                             reels_blob_info *out_info,
                             reels_error *err)
{
    return reels_blob_get(impl, call, key, offset, length_bytes, sink, sink_user, out_info, err);
}

static reels_status over_head(void *impl,
                              const reels_call *call,
                              const char *key,
                              reels_blob_info *out_info,
                              reels_error *err)
{
    return reels_blob_head(impl, call, key, out_info, err);
}

static reels_status over_remove(void *impl,
                                const reels_call *call,
                                const char *const *keys,
                                size_t keys_count,
                                reels_error *err)
{
    return reels_blob_remove(impl, call, keys, keys_count, err);
}

static reels_status over_list(void *impl,
                              const reels_call *call,
                              const char *prefix,
                              const char *after,
                              uint32_t limit,
                              reels_blob_entry_fn entry,
                              void *entry_user,
                              reels_error *err)
{
    if (failing_prefix[0] != '\0' && strcmp(prefix, failing_prefix) == 0) {
        return reels_error_set(err, REELS_ERR_IO, 0, "this folder cannot be read");
    }
    return reels_blob_list(impl, call, prefix, after, limit, entry, entry_user, err);
}

static void over_destroy(void *impl)
{
    reels_blob_free(impl);
}

static const reels_blob_vtable over_table = {.struct_size = sizeof(over_table),
                                             .destroy = over_destroy,
                                             .put = over_put,
                                             .get = over_get,
                                             .head = over_head,
                                             .remove = over_remove,
                                             .list = over_list};

static void remove_reel(uint64_t id, char media[96])
{
    char prefix[64];
    make(id, REELS_REEL_READY);
    test_ok(&env, reels_reel_media_prefix(id, 1, prefix, sizeof(prefix)));
    (void)snprintf(media, 96, "%smaster.m3u8", prefix);
    put_blob(media);
    test_ok(&env, reels_platform_reel_remove(platform, NULL, id, ADA, &env.err));
}

/* What cannot be swept today keeps nothing else from being swept, and is swept when it can be. */
START_TEST(test_roles_a_sweep_that_fails_keeps_no_other)
{
    enum {
        REELS = 70 /* more than are looked at in one go */
    };
    char media[REELS][96];
    int64_t due = 0;
    for (uint64_t i = 0; i < REELS; i++) {
        remove_reel(100 + i, media[i]);
    }
    memcpy(failing_prefix, "m/", 2);
    test_ok(&env, reels_id_text_write(100, failing_prefix + 2, 60, &env.err));
    strcat(failing_prefix, "/");
    inner_blob = platform->blob;
    test_ok(&env, reels_blob_new(env.ctx, &over_table, inner_blob, &platform->blob, &env.err));
    test_clock_advance(&env.clock, 3000000);
    test_status(REELS_ERR_IO,
                reels_platform_step(platform, REELS_ROLE_MAINTENANCE, 1000000, &due, &env.err));
    ck_assert_ptr_nonnull(strstr(env.err.message, "cannot be read"));
    ck_assert_uint_eq(get(100).state, REELS_REEL_DELETED);
    for (uint64_t i = 1; i < REELS; i++) {
        ck_assert_uint_eq(get(100 + i).state, REELS_REEL_NONE);
        test_status(REELS_ERR_NOT_FOUND, head_blob(media[i]));
    }
    failing_prefix[0] = '\0';
    maintain();
    ck_assert_uint_eq(get(100).state, REELS_REEL_NONE);
    test_status(REELS_ERR_NOT_FOUND, head_blob(media[0]));
}
END_TEST

/* A step without time does one page and the next goes on behind it. */
START_TEST(test_roles_a_sweep_goes_on_where_it_stopped)
{
    enum {
        REELS = 70
    };
    char media[96];
    int64_t due = 0;
    int left = REELS;
    for (uint64_t i = 0; i < REELS; i++) {
        remove_reel(100 + i, media);
    }
    test_clock_advance(&env.clock, 3000000);
    for (int steps = 1; steps <= 3; steps++) {
        test_ok(&env, reels_platform_step(platform, REELS_ROLE_MAINTENANCE, 0, &due, &env.err));
        int before = left;
        left = 0;
        for (uint64_t i = 0; i < REELS; i++) {
            left += get(100 + i).state != REELS_REEL_NONE;
        }
        ck_assert_int_lt(left, before);
        ck_assert_int_eq(due <= reels_ctx_now_mono_us(env.ctx), left > 0);
    }
    ck_assert_int_eq(left, 0);
}
END_TEST

static size_t comments_of(uint64_t id)
{
    size_t count = 0;
    reels_rows *rows = NULL;
    reels_value prefix = {.type = REELS_TYPE_ID, .integer = (int64_t)id};
    reels_scan scan = {.struct_size = sizeof(scan),
                       .table = reels__comment_table(),
                       .prefix = &prefix,
                       .prefix_count = 1,
                       .limit = 10000};
    test_ok(&env, reels_rows_new(env.ctx, (size_t)64 * 1024 * 1024, &rows, &env.err));
    test_ok(
        &env,
        reels_catalog_scan(reels_platform_catalog(platform), NULL, &scan, rows, NULL, &env.err));
    count = reels_rows_count(rows);
    reels_rows_free(rows);
    return count;
}

static int64_t count_of(uint64_t id, uint32_t counter)
{
    int64_t count = -1;
    test_ok(&env,
            reels_counter_read(
                reels_platform_stats(platform), NULL, &id, 1, &counter, 1, &count, &env.err));
    return count;
}

static void comment_often(uint64_t id, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        reels_comment added = {.struct_size = sizeof(added)};
        test_ok(&env,
                reels_comment_add(
                    reels_platform_social(platform), NULL, id, BOB, "!", NULL, &added, &env.err));
    }
}

static void count_all(void)
{
    test_clock_advance(&env.clock, 2000000);
    test_ok(&env,
            reels_platform_settle(platform, NULL, REELS_ROLE_RELAY | REELS_ROLE_COUNTER, &env.err));
}

/* However many there are, a step removes a bounded number of them, and the row goes last. */
START_TEST(test_roles_a_removed_reel_leaves_neither_comment_nor_count)
{
    enum {
        COMMENTS = 2500 /* more than one step removes */
    };
    char media[96];
    make(8, REELS_REEL_READY);
    make(9, REELS_REEL_READY);
    comment_often(8, COMMENTS);
    comment_often(9, 3);
    count_all();
    ck_assert_int_eq(count_of(8, REELS_COUNTER_COMMENTS), COMMENTS);
    remove_reel(7, media); /* one without any */
    test_ok(&env, reels_platform_reel_remove(platform, NULL, 8, ADA, &env.err));
    count_all();
    maintain();
    ck_assert_uint_eq(get(7).state, REELS_REEL_NONE);
    ck_assert_uint_eq(get(8).state, REELS_REEL_DELETED);
    ck_assert_uint_lt(comments_of(8), COMMENTS);
    ck_assert_uint_gt(comments_of(8), 0);
    maintain();
    ck_assert_uint_eq(get(8).state, REELS_REEL_NONE);
    ck_assert_uint_eq(comments_of(8), 0);
    count_all();
    ck_assert_int_eq(count_of(8, REELS_COUNTER_COMMENTS), 0);
    ck_assert_uint_eq(comments_of(9), 3);
    ck_assert_int_eq(count_of(9, REELS_COUNTER_COMMENTS), 3);
}
END_TEST

/* INT64_MAX is a budget like any other: a step does all there is, and comes back. */
START_TEST(test_roles_a_budget_without_end_does_all_there_is)
{
    enum {
        REELS = 100 /* more pages, and more events, than one go takes */
    };
    char media[96];
    for (uint64_t i = 0; i < REELS; i++) {
        remove_reel(100 + i, media);
    }
    for (uint32_t role = REELS_ROLE_RELAY; role <= REELS_ROLE_MAINTENANCE; role <<= 1) {
        int64_t due = 0;
        test_clock_advance(&env.clock, 3000000);
        test_ok(&env, reels_platform_step(platform, role, INT64_MAX, &due, &env.err));
        ck_assert_msg(due > reels_ctx_now_mono_us(env.ctx), "role %u has stopped early", role);
    }
    for (uint64_t i = 0; i < REELS; i++) {
        ck_assert_uint_eq(get(100 + i).state, REELS_REEL_NONE);
    }
}
END_TEST

/* ---- the relay ---- */

/* What a host publishes on a topic of its own goes out byte for byte, even when it reads as an
 * event of ours. */
START_TEST(test_roles_a_hosts_own_events_are_not_touched)
{
    static const uint8_t payload[] = {0x08, REELS_EVENT_LIKE, 0xF8, 0x07, 0x2A};
    static const uint8_t key[1] = {1};
    reels_catalog *catalog = reels_platform_catalog(platform);
    reels_value shard = {.type = REELS_TYPE_ID, .integer = 77};
    reels_event_out event = {.topic = "host.mail",
                             .key = key,
                             .key_len = 1,
                             .payload = payload,
                             .payload_len = sizeof(payload)};
    reels_commit commit = {
        .struct_size = sizeof(commit), .shard = shard, .events = &event, .events_count = 1};
    reels_commit_result result = {0};
    uint32_t partitions = 0;
    int64_t due = 0;
    reels_queue *queue = platform->queue;
    test_ok(&env, reels_queue_topic_open(queue, NULL, "host.mail", 1, &partitions, &env.err));
    test_ok(&env, reels_catalog_commit(catalog, NULL, &commit, 1, &result, &env.err));
    ck_assert_int_eq(result.status, REELS_OK);
    test_ok(&env, reels_platform_step(platform, REELS_ROLE_RELAY, 0, &due, &env.err));

    reels_queue_join join = {
        .struct_size = sizeof(join), .topic = "host.mail", .group = "post", .consumer = "one"};
    reels_records *records = NULL;
    reels_record record;
    uint64_t consumer = 0;
    uint32_t changed = 1;
    test_ok(&env, reels_records_new(env.ctx, 0, &records, &env.err));
    test_ok(&env, reels_queue_group_join(queue, NULL, &join, &consumer, &env.err));
    for (int i = 0; i < 5 && reels_records_count(records) == 0; i++) {
        test_ok(&env,
                reels_queue_poll(queue, NULL, consumer, 10, 1000, records, &changed, &env.err));
        if (changed) {
            reels_queue_offset start = {.epoch = 1};
            reels_queue_assignment mine;
            size_t count = 0;
            test_ok(&env, reels_queue_assigned(queue, NULL, consumer, &mine, 1, &count, &env.err));
            start.epoch = mine.epoch;
            test_ok(&env, reels_queue_seek(queue, NULL, consumer, &start, 1, &env.err));
        }
    }
    ck_assert_uint_eq(reels_records_count(records), 1);
    test_ok(&env, reels_records_get(records, 0, &record));
    ck_assert_uint_eq(record.payload_len, sizeof(payload));
    ck_assert_mem_eq(record.payload, payload, sizeof(payload));
    reels_records_free(records);
}
END_TEST

/* Nobody opened its topic: the events of others must not wait for that. */
START_TEST(test_roles_a_hosts_own_topic_stops_nobody)
{
    reels_catalog *catalog = reels_platform_catalog(platform);
    reels_value shard = {.type = REELS_TYPE_ID, .integer = 77};
    reels_event_out event = {.topic = "host.unopened", .key = (const uint8_t *)"k", .key_len = 1};
    reels_commit commit = {
        .struct_size = sizeof(commit), .shard = shard, .events = &event, .events_count = 1};
    reels_commit_result result = {0};
    uint64_t reel = 5000;
    int64_t due = 0;
    int64_t likes = 0;
    uint32_t counter = REELS_COUNTER_LIKES;
    make(reel, REELS_REEL_READY);
    test_ok(&env, reels_catalog_commit(catalog, NULL, &commit, 1, &result, &env.err));
    test_ok(&env,
            reels_relation_set(reels_platform_social(platform),
                               NULL,
                               REELS_RELATION_LIKE,
                               BOB,
                               reel,
                               1,
                               NULL,
                               &env.err));
    test_ok(&env, reels_platform_step(platform, REELS_ROLE_RELAY, 0, &due, &env.err));
    test_ok(&env,
            reels_platform_settle(platform, NULL, REELS_ROLE_RELAY | REELS_ROLE_COUNTER, &env.err));
    test_ok(&env,
            reels_counter_read(
                reels_platform_stats(platform), NULL, &reel, 1, &counter, 1, &likes, &env.err));
    ck_assert_int_eq(likes, 1);
    /* What no queue could ever take is refused where it is written. */
    event.topic = "Host Mail";
    test_status(REELS_ERR_INVALID_ARG,
                reels_catalog_commit(catalog, NULL, &commit, 1, &result, NULL));
}
END_TEST

/* ---- lack of memory ---- */

/* Refuses the n-th allocation of an operation on the one platform, for every n; it must fail with
 * NO_MEMORY or work, and the platform must be as good as before. */
static void until_memory_is_enough(reels_status (*operation)(void))
{
    for (int all_after = 0; all_after <= 1; all_after++) {
        size_t refused = 1;
        for (size_t nth = 1; refused > 0; nth++) {
            ck_assert_uint_lt(nth, MEMORY_RUNS_MAX);
            test_alloc_fail(&env.alloc, nth, all_after);
            reels_status status = operation();
            refused = env.alloc.refused_count;
            test_alloc_fail(&env.alloc, 0, 0);
            ck_assert_msg(status == REELS_OK || (refused > 0 && status == REELS_ERR_NO_MEMORY),
                          "with allocation %zu refused: %s",
                          nth,
                          reels_status_name(status));
        }
        ck_assert_int_eq(operation(), REELS_OK);
    }
}

static uint64_t turn; /* grows with each operation, so that each has something to do */

static reels_status relate(void)
{
    turn++;
    return reels_relation_set(reels_platform_social(platform),
                              NULL,
                              turn % 2 == 0 ? REELS_RELATION_LIKE : REELS_RELATION_SAVE,
                              BOB,
                              5,
                              (int32_t)(turn / 2 % 2),
                              NULL,
                              NULL);
}

static reels_status block(void)
{
    return reels_relation_set(reels_platform_social(platform),
                              NULL,
                              REELS_RELATION_BLOCK,
                              BOB,
                              1000 + turn++,
                              1,
                              NULL,
                              NULL);
}

static reels_status comment(void)
{
    reels_comment made = {.struct_size = sizeof(made)};
    turn++;
    return reels_comment_add(
        reels_platform_social(platform), NULL, 5, BOB, "so it is", NULL, &made, NULL);
}

static reels_status report(void)
{
    reels_event events[2];
    reels_status statuses[2] = {REELS_OK, REELS_OK};
    for (int i = 0; i < 2; i++) {
        events[i] = (reels_event){.struct_size = sizeof(events[i]),
                                  .type = REELS_EVENT_VIEW,
                                  .reel_id = 5,
                                  .source = 9,
                                  .sequence = ++turn,
                                  .watch_us = 3000000};
    }
    reels_status status = reels_platform_events_add(platform, NULL, BOB, events, 2, statuses, NULL);
    for (int i = 0; status == REELS_OK && i < 2; i++) {
        status = statuses[i];
    }
    return status;
}

static void block(uint64_t from, uint64_t to, int32_t on)
{
    reels_social *social = reels_platform_social(platform);
    test_ok(&env,
            reels_relation_set(social, NULL, REELS_RELATION_BLOCK, from, to, on, NULL, &env.err));
}

START_TEST(test_roles_events_across_a_block_are_refused)
{
    make(5, REELS_REEL_READY);
    test_ok(&env, report());
    block(ADA, BOB, 1);
    test_status(REELS_ERR_NOT_FOUND, report());
    block(BOB, ADA, 1);
    block(ADA, BOB, 0);
    test_status(REELS_ERR_NOT_FOUND, report());
    block(BOB, ADA, 0);
    test_ok(&env, report());
}
END_TEST

static reels_status page(void)
{
    reels_feed_request request = {.struct_size = sizeof(request), .viewer_id = 5000 + turn++};
    reels_feed_item items[REELS_FEED_PAGE_ITEMS] = {{.struct_size = sizeof(items[0])}};
    reels_buf *cursor = NULL;
    size_t count = 0;
    reels_status status = reels_buf_new(env.ctx, 64, &cursor, NULL);
    if (status == REELS_OK) {
        status = reels_feed_page(reels_platform_feed(platform),
                                 NULL,
                                 &request,
                                 items,
                                 REELS_FEED_PAGE_ITEMS,
                                 &count,
                                 cursor,
                                 NULL);
    }
    reels_buf_free(cursor);
    return status;
}

static int64_t views(void)
{
    const uint64_t reel_id = 5;
    const uint32_t counter = REELS_COUNTER_VIEWS;
    int64_t out = -1;
    test_ok(&env,
            reels_counter_read(
                reels_platform_stats(platform), NULL, &reel_id, 1, &counter, 1, &out, &env.err));
    return out;
}

static reels_status work(void)
{
    static const uint32_t roles[] = {
        REELS_ROLE_RELAY, REELS_ROLE_COUNTER, REELS_ROLE_FEED, REELS_ROLE_MAINTENANCE};
    reels_status status = REELS_OK;
    test_clock_advance(&env.clock, 3000000);
    for (size_t i = 0; i < 4; i++) {
        int64_t due = 0;
        reels_status step = reels_platform_step(platform, roles[i], 0, &due, NULL);
        status = status == REELS_OK ? step : status;
    }
    return status;
}

START_TEST(test_roles_requests_survive_lack_of_memory)
{
    make(5, REELS_REEL_READY);
    test_ok(&env, reels_platform_settle(platform, NULL, REELS_ROLE_FEED, &env.err));
    until_memory_is_enough(relate);
    until_memory_is_enough(block);
    until_memory_is_enough(comment);
    until_memory_is_enough(page);
    ck_assert_uint_gt(turn, 40);
}
END_TEST

/* Whatever was refused meanwhile: what was accepted is counted, once. */
START_TEST(test_roles_work_survives_lack_of_memory_and_counts_right)
{
    const uint32_t roles = REELS_ROLE_RELAY | REELS_ROLE_COUNTER | REELS_ROLE_FEED;
    make(5, REELS_REEL_READY);
    until_memory_is_enough(report);
    test_clock_advance(&env.clock, 5000);
    test_ok(&env, reels_platform_settle(platform, NULL, roles, &env.err));
    int64_t before = views();
    ck_assert_int_gt(before, 4);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(report(), REELS_OK);
        ck_assert_int_eq(comment(), REELS_OK);
    }
    until_memory_is_enough(work);
    test_clock_advance(&env.clock, 5000);
    test_ok(&env, reels_platform_settle(platform, NULL, roles, &env.err));
    ck_assert_int_eq(views(), before + 20);
}
END_TEST

static reels_status open_and_free(reels_ctx *ctx, void *arg)
{
    reels_platform_config config = memory_config();
    reels_platform *opened = NULL;
    (void)arg;
    reels_status status = reels_platform_open(ctx, &config, &opened, NULL);
    ck_assert_int_eq(opened == NULL, status != REELS_OK);
    reels_platform_free(opened);
    return status;
}

START_TEST(test_roles_opening_survives_lack_of_memory)
{
    ck_assert_uint_gt(test_oom_run(TEST_ENV_SIM_CLOCK | TEST_ENV_SEED, open_and_free, NULL), 50);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("platform_roles");
    TCase *cases = tcase_create("roles");
    tcase_set_timeout(cases, 200);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_roles_a_dead_workers_reel_goes_back_and_then_fails);
    tcase_add_test(cases, test_roles_a_reel_removed_while_processed_leaves_nothing);
    tcase_add_test(cases, test_roles_a_sweep_that_fails_keeps_no_other);
    tcase_add_test(cases, test_roles_a_sweep_goes_on_where_it_stopped);
    tcase_add_test(cases, test_roles_a_removed_reel_leaves_neither_comment_nor_count);
    tcase_add_test(cases, test_roles_a_budget_without_end_does_all_there_is);
    tcase_add_test(cases, test_roles_events_across_a_block_are_refused);
    tcase_add_test(cases, test_roles_a_hosts_own_events_are_not_touched);
    tcase_add_test(cases, test_roles_a_hosts_own_topic_stops_nobody);
    tcase_add_test(cases, test_roles_requests_survive_lack_of_memory);
    tcase_add_test(cases, test_roles_work_survives_lack_of_memory_and_counts_right);
    tcase_add_test(cases, test_roles_opening_survives_lack_of_memory);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
