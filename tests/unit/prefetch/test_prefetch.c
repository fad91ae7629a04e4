/* Shows what reels/prefetch.h promises: which files are planned, in which order, within bounds. */
#include <stdio.h>
#include <string.h>

#include <reels/prefetch.h>

#include "prefetch/renditions.h"
#include "test_check.h"

enum {
    RUNGS = 3,
    START_BYTES = 1000 /* of the lowest rung; each next has as much more */
};

static struct test_env env;
static reels_catalog *catalog;

static void setup(void)
{
    const reels_table *table = reels_rendition_table();
    test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED);
    test_ok(&env, reels_catalog_open(env.ctx, "mem:", &catalog, &env.err));
    test_ok(&env, reels_catalog_declare(catalog, NULL, &table, 1, &env.err));
}

static void teardown(void)
{
    reels_catalog_free(catalog);
    test_env_dispose(&env);
}

/* ---- ways ---- */

static reels_rendition video(uint32_t number)
{
    reels_rendition rung = {.struct_size = sizeof(rung),
                            .kind = REELS_RENDITION_VIDEO,
                            .width = 240 * (number + 1),
                            .height = 426 * (number + 1),
                            .bandwidth_bps = 500000 * (uint64_t)(number + 1),
                            .start_bytes = START_BYTES * (uint64_t)(number + 1),
                            .bytes = 100000};
    (void)snprintf(rung.playlist, sizeof(rung.playlist), "v%u.m3u8", number);
    (void)snprintf(rung.file, sizeof(rung.file), "v%u.mp4", number);
    return rung;
}

static reels_rendition audio(void)
{
    return (reels_rendition){.struct_size = sizeof(reels_rendition),
                             .kind = REELS_RENDITION_AUDIO,
                             .bandwidth_bps = 128000,
                             .start_bytes = 500,
                             .bytes = 5000,
                             .playlist = "a.m3u8",
                             .file = "a.mp4"};
}

/* Rungs 0..RUNGS-1 from the top down, so that the order of putting cannot be what decides. */
static void put(uint64_t reel_id, int with_audio)
{
    reels_rendition renditions[RUNGS + 1];
    size_t count = 0;
    for (uint32_t i = 0; i < RUNGS; i++) {
        renditions[count++] = video(RUNGS - 1 - i);
    }
    if (with_audio) {
        renditions[count++] = audio();
    }
    test_ok(&env,
            reels_renditions_put(env.ctx, catalog, NULL, reel_id, 2, renditions, count, &env.err));
}

static reels_reel reel_of(uint64_t id)
{
    return (reels_reel){.struct_size = sizeof(reels_reel), .id = id, .generation = 2};
}

static size_t plan(const reels_reel *reels,
                   size_t reels_count,
                   const reels_prefetch_request *request,
                   reels_prefetch_entry out[REELS_PREFETCH_ENTRIES_MAX])
{
    size_t count = 99;
    memset(out, 0, REELS_PREFETCH_ENTRIES_MAX * sizeof(*out));
    out[0].struct_size = sizeof(out[0]);
    test_ok(&env,
            reels_prefetch_plan(env.ctx,
                                catalog,
                                NULL,
                                reels,
                                reels_count,
                                request,
                                out,
                                REELS_PREFETCH_ENTRIES_MAX,
                                &count,
                                &env.err));
    return count;
}

/* The rung of a plan for one reel with sound. */
static void expect_rung(const reels_prefetch_request *request, uint32_t number)
{
    reels_prefetch_entry out[REELS_PREFETCH_ENTRIES_MAX];
    reels_reel reel = reel_of(1);
    reels_rendition rung = video(number);
    ck_assert_uint_eq(plan(&reel, 1, request, out), 5);
    ck_assert_str_eq(out[0].file, "master.m3u8");
    ck_assert_str_eq(out[1].file, rung.playlist);
    ck_assert_str_eq(out[2].file, "a.m3u8");
    ck_assert_str_eq(out[3].file, rung.file);
    ck_assert_str_eq(out[4].file, "a.mp4");
    ck_assert_uint_eq(out[0].bytes + out[1].bytes + out[2].bytes, 0);
    ck_assert_uint_eq(out[3].bytes, rung.start_bytes);
    ck_assert_uint_eq(out[4].bytes, 500);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(out[i].struct_size, sizeof(out[i]));
        ck_assert_uint_eq(out[i].reel_id, 1);
        ck_assert_uint_eq(out[i].reel_index, 0);
        ck_assert_uint_eq(out[i].offset, 0);
    }
}

START_TEST(test_prefetch_the_rung_is_what_screen_and_throughput_carry)
{
    static const struct {
        uint64_t throughput_bps;
        uint32_t short_side_max;
        uint32_t rung;
    } rows[] = {
        {0, 0, 1},          /* unknown: the second lowest */
        {0, 240, 0},        /* of those that the screen needs */
        {1, 0, 0},          /* none is carried: the lowest */
        {714300, 0, 0},     /* 70% is 500,010 */
        {1428500, 0, 0},    /* 70% is 999,950 */
        {1428600, 0, 1},    /* 70% is 1,000,020 */
        {2142900, 0, 2},    /* 70% is 1,500,030 */
        {UINT64_MAX, 0, 2}, /* nothing overflows */
        {UINT64_MAX, 719, 1},
        {UINT64_MAX, 720, 2},
        {UINT64_MAX, 100, 0}, /* a screen smaller than any */
    };
    put(1, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        reels_prefetch_request request = {.struct_size = sizeof(request),
                                          .short_side_max = rows[i].short_side_max,
                                          .throughput_bps = rows[i].throughput_bps};
        expect_rung(&request, rows[i].rung);
    }
    expect_rung(NULL, 1);
}
END_TEST

START_TEST(test_prefetch_plans_three_reels_in_order)
{
    reels_prefetch_entry out[REELS_PREFETCH_ENTRIES_MAX];
    reels_reel reels[5] = {reel_of(1), reel_of(2), reel_of(3), reel_of(4), reel_of(5)};
    put(1, 1);
    put(2, 0); /* silent: no playlist and no start of sound */
    put(3, 1);
    put(4, 1);
    ck_assert_uint_eq(plan(reels, 5, NULL, out), 13);
    for (size_t i = 0; i < 13; i++) {
        uint32_t index = i < 5 ? 0 : i < 8 ? 1 : 2;
        ck_assert_uint_eq(out[i].reel_index, index);
        ck_assert_uint_eq(out[i].reel_id, index + 1);
    }
    ck_assert_uint_eq(plan(reels, 0, NULL, out), 0);
    /* Nothing is known of this one, nor of another generation. */
    ck_assert_uint_eq(plan(&reels[4], 1, NULL, out), 0);
    reels[0].generation = 1;
    ck_assert_uint_eq(plan(&reels[0], 1, NULL, out), 0);
}
END_TEST

START_TEST(test_prefetch_whole_reels_within_the_bytes)
{
    reels_prefetch_entry out[REELS_PREFETCH_ENTRIES_MAX];
    reels_prefetch_request request = {.struct_size = sizeof(request), .bytes_max = 1};
    reels_reel reels[3] = {reel_of(1), reel_of(2), reel_of(3)};
    uint64_t each = 3 * 2048 + 2 * START_BYTES + 500;
    put(1, 1);
    put(2, 1);
    put(3, 1);
    ck_assert_uint_eq(plan(reels, 3, &request, out), 5); /* the first is always planned */
    request.bytes_max = 2 * each - 1;
    ck_assert_uint_eq(plan(reels, 3, &request, out), 5);
    request.bytes_max = 2 * each;
    ck_assert_uint_eq(plan(reels, 3, &request, out), 10);
    request.bytes_max = 3 * each;
    ck_assert_uint_eq(plan(reels, 3, &request, out), 15);
}
END_TEST

START_TEST(test_prefetch_a_small_array_is_told_how_many)
{
    reels_prefetch_entry out[5] = {{.struct_size = sizeof(out[0])}};
    reels_reel reel = reel_of(1);
    size_t count = 0;
    put(1, 1);
    for (size_t capacity = 0; capacity < 5; capacity++) {
        memset(&out[capacity], 0xAA, sizeof(out[capacity]));
        out[0].struct_size = sizeof(out[0]);
        test_status(REELS_ERR_BUFFER_TOO_SMALL,
                    reels_prefetch_plan(
                        env.ctx, catalog, NULL, &reel, 1, NULL, out, capacity, &count, NULL));
        ck_assert_uint_eq(count, 5);
        ck_assert(capacity == 0 || out[capacity].reel_id == UINT64_C(0xAAAAAAAAAAAAAAAA));
    }
    out[0].struct_size = 8;
    test_status(REELS_ERR_INVALID_ARG,
                reels_prefetch_plan(env.ctx, catalog, NULL, &reel, 1, NULL, out, 5, &count, NULL));
    out[0].struct_size = sizeof(out[0]);
    reel.struct_size = 8;
    test_status(REELS_ERR_INVALID_ARG,
                reels_prefetch_plan(env.ctx, catalog, NULL, &reel, 1, NULL, out, 5, &count, NULL));
}
END_TEST

START_TEST(test_prefetch_renditions_come_back_and_are_checked)
{
    reels_rendition renditions[REELS__RENDITIONS_MAX + 1];
    reels_rendition got[REELS__RENDITIONS_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i <= REELS__RENDITIONS_MAX; i++) {
        renditions[i] = video(i);
    }
    test_status(REELS_ERR_INVALID_ARG,
                reels_renditions_put(env.ctx, catalog, NULL, 1, 2, renditions, 0, NULL));
    test_status(REELS_ERR_INVALID_ARG,
                reels_renditions_put(
                    env.ctx, catalog, NULL, 1, 2, renditions, REELS__RENDITIONS_MAX + 1, NULL));
    test_status(REELS_ERR_INVALID_ARG,
                reels_renditions_put(env.ctx, catalog, NULL, 0, 2, renditions, 1, NULL));
    memset(renditions[3].file, 'x', sizeof(renditions[3].file));
    test_status(REELS_ERR_INVALID_ARG,
                reels_renditions_put(env.ctx, catalog, NULL, 1, 2, renditions, 4, NULL));
    renditions[3] = video(3);
    /* Again is no mistake: a worker that starts over writes the same rows. */
    for (int i = 0; i < 2; i++) {
        test_ok(&env,
                reels_renditions_put(
                    env.ctx, catalog, NULL, 1, 2, renditions, REELS__RENDITIONS_MAX, &env.err));
    }
    test_ok(&env, reels__renditions_read(env.ctx, catalog, NULL, 1, 2, got, &count, &env.err));
    ck_assert_uint_eq(count, REELS__RENDITIONS_MAX);
    ck_assert_mem_eq(got, renditions, sizeof(got));
    test_ok(&env, reels__renditions_read(env.ctx, catalog, NULL, 1, 3, got, &count, &env.err));
    ck_assert_uint_eq(count, 0);
}
END_TEST

static size_t rows_of(uint64_t reel_id, uint32_t generation)
{
    reels_rendition got[REELS__RENDITIONS_MAX];
    size_t count = 0;
    test_ok(
        &env,
        reels__renditions_read(env.ctx, catalog, NULL, reel_id, generation, got, &count, &env.err));
    return count;
}

START_TEST(test_prefetch_renditions_of_old_generations_go)
{
    reels_rendition renditions[REELS__RENDITIONS_MAX];
    for (uint32_t i = 0; i < REELS__RENDITIONS_MAX; i++) {
        renditions[i] = video(i);
    }
    for (uint64_t reel_id = 1; reel_id <= 2; reel_id++) {
        for (uint32_t generation = 1; generation <= 20; generation++) {
            test_ok(&env,
                    reels_renditions_put(env.ctx,
                                         catalog,
                                         NULL,
                                         reel_id,
                                         generation,
                                         renditions,
                                         REELS__RENDITIONS_MAX,
                                         &env.err));
        }
    }
    test_ok(&env, reels_renditions_remove(env.ctx, catalog, NULL, 1, 1, &env.err));
    test_ok(&env, reels_renditions_remove(env.ctx, catalog, NULL, 2, 0, &env.err));
    for (uint32_t generation = 1; generation <= 20; generation++) {
        ck_assert_uint_eq(rows_of(1, generation), generation == 1 ? REELS__RENDITIONS_MAX : 0);
        ck_assert_uint_eq(rows_of(2, generation), 0);
    }
    test_ok(&env, reels_renditions_remove(env.ctx, catalog, NULL, 2, 0, &env.err));
    test_status(REELS_ERR_INVALID_ARG, reels_renditions_remove(env.ctx, catalog, NULL, 0, 0, NULL));
}
END_TEST

static reels_status oom(reels_ctx *ctx, void *arg)
{
    const reels_table *table = reels_rendition_table();
    reels_prefetch_entry out[REELS_PREFETCH_ENTRIES_MAX] = {{.struct_size = sizeof(out[0])}};
    reels_rendition rung = video(0);
    reels_reel reel = reel_of(1);
    reels_catalog *mem = NULL;
    size_t count = 0;
    (void)arg;
    reels_status status = reels_catalog_open(ctx, "mem:", &mem, NULL);
    if (status == REELS_OK) {
        status = reels_catalog_declare(mem, NULL, &table, 1, NULL);
    }
    if (status == REELS_OK) {
        status = reels_renditions_put(ctx, mem, NULL, 1, 2, &rung, 1, NULL);
    }
    if (status == REELS_OK) {
        status = reels_prefetch_plan(
            ctx, mem, NULL, &reel, 1, NULL, out, REELS_PREFETCH_ENTRIES_MAX, &count, NULL);
        ck_assert(status != REELS_OK || count == 3);
    }
    if (status == REELS_OK) {
        status = reels_renditions_remove(ctx, mem, NULL, 1, 0, NULL);
    }
    reels_catalog_free(mem);
    return status;
}

START_TEST(test_prefetch_survives_lack_of_memory)
{
    ck_assert_uint_gt(test_oom_run(0, oom, NULL), 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prefetch");
    TCase *cases = tcase_create("prefetch");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_prefetch_the_rung_is_what_screen_and_throughput_carry);
    tcase_add_test(cases, test_prefetch_plans_three_reels_in_order);
    tcase_add_test(cases, test_prefetch_whole_reels_within_the_bytes);
    tcase_add_test(cases, test_prefetch_a_small_array_is_told_how_many);
    tcase_add_test(cases, test_prefetch_renditions_come_back_and_are_checked);
    tcase_add_test(cases, test_prefetch_renditions_of_old_generations_go);
    tcase_add_test(cases, test_prefetch_survives_lack_of_memory);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
