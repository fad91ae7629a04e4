/* Layouts, taking IDs apart, and the bounds of a range of time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reels/id.h>

#include "test_check.h"

static reels_error err = {.struct_size = sizeof(reels_error)};

/* The value of "key" in one object of the vectors, as text; NULL when it is not there. */
static const char *value_of(const char *object, const char *key)
{
    char quoted[64];
    (void)snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *at = strstr(object, quoted);
    if (at == NULL || at > strchr(object, '}')) {
        return NULL;
    }
    at += strlen(quoted);
    return at + strspn(at, " \"");
}

static uint64_t number_of(const char *object, const char *key)
{
    const char *text = value_of(object, key);
    ck_assert_msg(text != NULL, "no \"%s\" in the vector", key);
    return strtoull(text, NULL, 10);
}

static const char *vectors_read(char **out_text)
{
    char path[TEST_PATH_BYTES];
    if (!test_shared_path("vectors/small.json", path)) {
        test_skip("shared/vectors/small.json is absent");
        return NULL;
    }
    size_t len = 0;
    *out_text = (char *)test_file_read(path, &len);
    const char *at = *out_text != NULL ? strstr(*out_text, "\"snowflake\"") : NULL;
    ck_assert_ptr_nonnull(at);
    return at;
}

static reels_id_parts parse(const reels_id_layout *layout, uint64_t id)
{
    reels_id_parts parts = {.struct_size = sizeof parts};
    ck_assert_int_eq(reels_id_parse(layout, id, &parts, &err), REELS_OK);
    return parts;
}

/* Three vectors of other systems: Discord (64 bits, two node parts), Twitter, Instagram. */
START_TEST(test_layout_decodes_the_ids_of_other_systems)
{
    char *text = NULL;
    const char *vector = vectors_read(&text);
    if (vector == NULL) {
        return;
    }
    vector = strchr(vector, '{');
    reels_id_layout discord = {.struct_size = sizeof discord,
                               .time_bits = 42,
                               .region_bits = 5,
                               .node_bits = 10,
                               .sequence_bits = 12,
                               .epoch_unix_us = (int64_t)number_of(vector, "epoch_ms") * 1000};
    reels_id_parts parts = parse(&discord, number_of(vector, "id"));
    ck_assert_int_eq(parts.time_unix_us, (int64_t)number_of(vector, "unix_ms") * 1000);
    ck_assert_uint_eq(parts.region, number_of(vector, "worker"));
    ck_assert_uint_eq(parts.node, number_of(vector, "process"));
    ck_assert_uint_eq(parts.sequence, number_of(vector, "seq"));

    vector = strchr(strchr(vector, '}'), '{');
    reels_id_layout twitter = {.struct_size = sizeof twitter,
                               .time_bits = 41,
                               .node_bits = 10,
                               .sequence_bits = 12,
                               .epoch_unix_us = (int64_t)number_of(vector, "epoch_ms") * 1000};
    parts = parse(&twitter, number_of(vector, "id"));
    ck_assert_int_eq(parts.time_unix_us, (int64_t)number_of(vector, "unix_ms") * 1000);
    ck_assert_uint_eq(parts.node, number_of(vector, "machine"));
    ck_assert_uint_eq(parts.sequence, number_of(vector, "seq"));

    vector = strchr(strchr(vector, '}'), '{');
    reels_id_layout instagram = {.struct_size = sizeof instagram,
                                 .flags = REELS_ID_LAYOUT_EPOCH_1970,
                                 .time_bits = 41,
                                 .node_bits = 13,
                                 .sequence_bits = 10};
    parts = parse(&instagram, number_of(vector, "id"));
    ck_assert_int_eq(parts.time_unix_us, (int64_t)number_of(vector, "ms") * 1000);
    ck_assert_uint_eq(parts.node, number_of(vector, "shard"));
    ck_assert_uint_eq(parts.sequence, number_of(vector, "seq"));
    free(text);
}
END_TEST

START_TEST(test_layout_default_is_41_10_12_since_2025)
{
    /* Every part at its highest value. */
    reels_id_parts parts = parse(NULL, INT64_MAX);
    ck_assert_int_eq(parts.time_unix_us, REELS_ID_EPOCH_UNIX_US + ((INT64_C(1) << 41) - 1) * 1000);
    ck_assert_uint_eq(parts.region, 31);
    ck_assert_uint_eq(parts.node, 31);
    ck_assert_uint_eq(parts.sequence, 4095);
    reels_id_layout same = {.struct_size = sizeof same};
    ck_assert_int_eq(parse(&same, 12345678901234).time_unix_us,
                     parse(NULL, 12345678901234).time_unix_us);
    /* Each part alone sits where it should. */
    ck_assert_uint_eq(parse(NULL, 1).sequence, 1);
    ck_assert_uint_eq(parse(NULL, 1 << 12).node, 1);
    ck_assert_uint_eq(parse(NULL, 1 << 17).region, 1);
    ck_assert_int_eq(parse(NULL, 1 << 22).time_unix_us, REELS_ID_EPOCH_UNIX_US + 1000);
}
END_TEST

START_TEST(test_layout_refuses_bits_above_it)
{
    reels_id_parts parts = {.struct_size = sizeof parts, .node = 77};
    ck_assert_int_eq(reels_id_parse(NULL, UINT64_C(1) << 63, &parts, &err), REELS_ERR_INVALID_ARG);
    ck_assert_uint_eq(parts.node, 77);
    ck_assert_int_eq(reels_id_parse(NULL, 1, NULL, &err), REELS_ERR_INVALID_ARG);
    parts.struct_size = 4;
    ck_assert_int_eq(reels_id_parse(NULL, 1, &parts, &err), REELS_ERR_INVALID_ARG);
}
END_TEST

START_TEST(test_layout_refuses_what_makes_no_sense)
{
    static const reels_id_layout cases[] = {
        {.struct_size = 4},
        {.struct_size = sizeof(reels_id_layout), .flags = 2},
        {.struct_size = sizeof(reels_id_layout), .time_bits = 41},
        {.struct_size = sizeof(reels_id_layout), .time_bits = 15, .sequence_bits = 12},
        {.struct_size = sizeof(reels_id_layout), .time_bits = 64, .sequence_bits = 1},
        {.struct_size = sizeof(reels_id_layout), .time_bits = UINT32_MAX, .sequence_bits = 1},
        {.struct_size = sizeof(reels_id_layout), .time_bits = 41, .sequence_bits = 32},
        {.struct_size = sizeof(reels_id_layout),
         .time_bits = 20,
         .node_bits = 32,
         .sequence_bits = 12},
        {.struct_size = sizeof(reels_id_layout),
         .time_bits = 41,
         .node_bits = 12,
         .sequence_bits = 12},
        {.struct_size = sizeof(reels_id_layout),
         .time_bits = 41,
         .region_bits = 11,
         .node_bits = 10,
         .sequence_bits = 12},
        {.struct_size = sizeof(reels_id_layout), .epoch_unix_us = 1500},
        {.struct_size = sizeof(reels_id_layout), .epoch_unix_us = INT64_MAX / 1000 * 1000},
        {.struct_size = sizeof(reels_id_layout), .epoch_unix_us = INT64_MIN / 1000 * 1000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reels_id_parts parts = {.struct_size = sizeof parts};
        ck_assert_msg(reels_id_parse(&cases[i], 1, &parts, &err) == REELS_ERR_INVALID_ARG,
                      "layout %zu was accepted",
                      i);
    }
    /* A field of a later version that is set is not passed over. */
    struct {
        reels_id_layout known;
        uint64_t later;
    } longer = {.known = {.struct_size = sizeof longer}, .later = 1};
    reels_id_parts parts = {.struct_size = sizeof parts};
    ck_assert_int_eq(reels_id_parse(&longer.known, 1, &parts, &err), REELS_ERR_UNSUPPORTED);
    longer.later = 0;
    ck_assert_int_eq(reels_id_parse(&longer.known, 1, &parts, &err), REELS_OK);
}
END_TEST

START_TEST(test_layout_range_holds_exactly_its_milliseconds)
{
    int64_t from = REELS_ID_EPOCH_UNIX_US + 5000;
    uint64_t first = 0;
    uint64_t last = 0;
    ck_assert_int_eq(reels_id_range(NULL, from, from + 2000, &first, &last, &err), REELS_OK);
    ck_assert_uint_eq(first, UINT64_C(5) << 22);
    ck_assert_uint_eq(last, (UINT64_C(7) << 22) - 1);
    /* One microsecond more reaches into the next millisecond; a start inside one takes it whole. */
    ck_assert_int_eq(reels_id_range(NULL, from + 999, from + 2001, &first, &last, &err), REELS_OK);
    ck_assert_uint_eq(first, UINT64_C(5) << 22);
    ck_assert_uint_eq(last, (UINT64_C(8) << 22) - 1);
}
END_TEST

START_TEST(test_layout_range_is_cut_to_the_layouts_time)
{
    uint64_t first = 9;
    uint64_t last = 9;
    ck_assert_int_eq(reels_id_range(NULL, INT64_MIN, INT64_MAX, &first, &last, &err), REELS_OK);
    ck_assert_uint_eq(first, 0);
    ck_assert_uint_eq(last, INT64_MAX);
    int64_t epoch = REELS_ID_EPOCH_UNIX_US;
    ck_assert_int_eq(reels_id_range(NULL, 0, epoch, &first, &last, &err), REELS_ERR_LIMIT);
    ck_assert_int_eq(reels_id_range(NULL, INT64_MAX - 1, INT64_MAX, &first, &last, &err),
                     REELS_ERR_LIMIT);
    ck_assert_int_eq(reels_id_range(NULL, epoch, epoch, &first, &last, &err),
                     REELS_ERR_INVALID_ARG);
    ck_assert_int_eq(reels_id_range(NULL, 5, 4, &first, &last, &err), REELS_ERR_INVALID_ARG);
    ck_assert_uint_eq(last, INT64_MAX);
    ck_assert_int_eq(reels_id_range(NULL, 0, epoch + 1, &first, &last, &err), REELS_OK);
    ck_assert_uint_eq(first, 0);
    ck_assert_uint_eq(last, (1 << 22) - 1);
}
END_TEST

START_TEST(test_layout_range_agrees_with_parse)
{
    struct test_random random;
    test_random_init(&random, 3);
    for (int i = 0; i < 20000; i++) {
        uint64_t id = test_random_u64(&random) >> 1;
        int64_t at = parse(NULL, id).time_unix_us;
        int64_t from = at - (int64_t)test_random_below(&random, 3000);
        int64_t until = at + 1 + (int64_t)test_random_below(&random, 3000);
        uint64_t first = 0;
        uint64_t last = 0;
        ck_assert_int_eq(reels_id_range(NULL, from, until, &first, &last, &err), REELS_OK);
        ck_assert(first <= id && id <= last);
        /* And nothing of another millisecond. */
        ck_assert_int_gt(parse(NULL, first).time_unix_us, from - 1000);
        ck_assert_int_lt(parse(NULL, last).time_unix_us, until);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("id-layout");
    TCase *tcase = tcase_create("layout");
    tcase_add_test(tcase, test_layout_decodes_the_ids_of_other_systems);
    tcase_add_test(tcase, test_layout_default_is_41_10_12_since_2025);
    tcase_add_test(tcase, test_layout_refuses_bits_above_it);
    tcase_add_test(tcase, test_layout_refuses_what_makes_no_sense);
    tcase_add_test(tcase, test_layout_range_holds_exactly_its_milliseconds);
    tcase_add_test(tcase, test_layout_range_is_cut_to_the_layouts_time);
    tcase_add_test(tcase, test_layout_range_agrees_with_parse);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
