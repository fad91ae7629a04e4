/* Shows what reels/platform.h promises of reels whose worker died or that were removed, and of what
 * is swept. Everything is in memory. */
#include "roles_world.h"

START_TEST(test_maintenance_a_dead_workers_reel_goes_back_and_then_fails)
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

START_TEST(test_maintenance_a_reel_removed_while_processed_leaves_nothing)
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
START_TEST(test_maintenance_a_sweep_that_fails_keeps_no_other)
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
START_TEST(test_maintenance_a_sweep_goes_on_where_it_stopped)
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
START_TEST(test_maintenance_a_removed_reel_leaves_neither_comment_nor_count)
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
START_TEST(test_maintenance_a_budget_without_end_does_all_there_is)
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
        if (role == REELS_ROLE_MEDIA && !reels_has_feature("media")) {
            continue;
        }
        test_clock_advance(&env.clock, 3000000);
        test_ok(&env, reels_platform_step(platform, role, INT64_MAX, &due, &env.err));
        ck_assert_msg(due > reels_ctx_now_mono_us(env.ctx), "role %u has stopped early", role);
    }
    for (uint64_t i = 0; i < REELS; i++) {
        ck_assert_uint_eq(get(100 + i).state, REELS_REEL_NONE);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("platform_maintenance");
    TCase *cases = tcase_create("platform_maintenance");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_maintenance_a_dead_workers_reel_goes_back_and_then_fails);
    tcase_add_test(cases, test_maintenance_a_reel_removed_while_processed_leaves_nothing);
    tcase_add_test(cases, test_maintenance_a_sweep_that_fails_keeps_no_other);
    tcase_add_test(cases, test_maintenance_a_sweep_goes_on_where_it_stopped);
    tcase_add_test(cases, test_maintenance_a_removed_reel_leaves_neither_comment_nor_count);
    tcase_add_test(cases, test_maintenance_a_budget_without_end_does_all_there_is);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
