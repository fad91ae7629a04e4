/* The text form: one text for each number, in the order of numbers, strictly read. */
#include <string.h>

#include <reels/id.h>

#include "test_check.h"

static reels_error err = {.struct_size = sizeof(reels_error)};

static void write_ok(uint64_t id, char out[REELS_ID_TEXT_LEN + 1])
{
    ck_assert_int_eq(reels_id_text_write(id, out, REELS_ID_TEXT_LEN + 1, &err), REELS_OK);
}

START_TEST(test_text_known_values)
{
    static const struct {
        uint64_t id;
        const char *text;
    } cases[] = {
        {0, "0000000000000"},
        {1, "0000000000001"},
        {31, "000000000000Z"},
        {32, "0000000000010"},
        {UINT64_C(1) << 60, "1000000000000"},
        {INT64_MAX, "7ZZZZZZZZZZZZ"},
        {UINT64_MAX, "FZZZZZZZZZZZZ"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[REELS_ID_TEXT_LEN + 1];
        uint64_t back = 99;
        write_ok(cases[i].id, text);
        ck_assert_str_eq(text, cases[i].text);
        ck_assert_int_eq(reels_id_text_read(text, strlen(text), &back, &err), REELS_OK);
        ck_assert_uint_eq(back, cases[i].id);
    }
}
END_TEST

START_TEST(test_text_order_is_numeric_order)
{
    struct test_random random;
    test_random_init(&random, 7);
    for (int i = 0; i < 20000; i++) {
        /* Numbers of every length, so that neighbours and far ones both come up. */
        uint64_t a = test_random_u64(&random) >> test_random_below(&random, 64);
        uint64_t b =
            i % 2 == 0 ? a + 1 : test_random_u64(&random) >> test_random_below(&random, 64);
        char text_a[REELS_ID_TEXT_LEN + 1];
        char text_b[REELS_ID_TEXT_LEN + 1];
        uint64_t back = 0;
        write_ok(a, text_a);
        write_ok(b, text_b);
        int order = strcmp(text_a, text_b);
        ck_assert_int_eq(order < 0 ? -1 : order > 0, a < b ? -1 : a > b);
        ck_assert_int_eq(reels_id_text_read(text_a, REELS_ID_TEXT_LEN, &back, &err), REELS_OK);
        ck_assert_uint_eq(back, a);
    }
}
END_TEST

START_TEST(test_text_refuses_what_it_would_not_write)
{
    static const char *const cases[] = {
        "",
        "000000000000",   /* short */
        "00000000000000", /* long */
        "G000000000000",  /* above 64 bits */
        "Z000000000000",
        "000000000000z", /* lower case */
        "000000000000I", /* the look-alikes */
        "000000000000L",
        "000000000000O",
        "000000000000U",
        "000000-000000",
        " 000000000000",
        "00000000000\xC3\xA9",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t id = 99;
        ck_assert_msg(reels_id_text_read(cases[i], strlen(cases[i]), &id, &err) ==
                          REELS_ERR_CORRUPT,
                      "\"%s\" was accepted",
                      cases[i]);
        ck_assert_uint_eq(id, 99);
    }
    /* A NUL is a character like another. */
    uint64_t id = 99;
    ck_assert_int_eq(reels_id_text_read("0000000000000\0", 14, &id, &err), REELS_ERR_CORRUPT);
    ck_assert_int_eq(reels_id_text_read("000000\000000000", 13, &id, &err), REELS_ERR_CORRUPT);
}
END_TEST

START_TEST(test_text_accepts_32_values_of_256_in_each_place)
{
    for (size_t place = 0; place < REELS_ID_TEXT_LEN; place++) {
        int accepted = 0;
        for (int c = 0; c < 256; c++) {
            char text[] = "0000000000000";
            uint64_t id = 0;
            text[place] = (char)c;
            accepted += reels_id_text_read(text, REELS_ID_TEXT_LEN, &id, &err) == REELS_OK ? 1 : 0;
        }
        ck_assert_int_eq(accepted, place == 0 ? 16 : 32);
    }
}
END_TEST

START_TEST(test_text_says_when_there_is_no_room)
{
    char text[REELS_ID_TEXT_LEN + 1] = "untouched";
    ck_assert_int_eq(reels_id_text_write(5, text, REELS_ID_TEXT_LEN, &err),
                     REELS_ERR_BUFFER_TOO_SMALL);
    ck_assert_str_eq(text, "untouched");
    ck_assert_int_eq(reels_id_text_write(5, NULL, 99, &err), REELS_ERR_INVALID_ARG);
    ck_assert_int_eq(reels_id_text_read(NULL, 13, &(uint64_t){0}, &err), REELS_ERR_INVALID_ARG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("id-text");
    TCase *tcase = tcase_create("text");
    tcase_add_test(tcase, test_text_known_values);
    tcase_add_test(tcase, test_text_order_is_numeric_order);
    tcase_add_test(tcase, test_text_refuses_what_it_would_not_write);
    tcase_add_test(tcase, test_text_accepts_32_values_of_256_in_each_place);
    tcase_add_test(tcase, test_text_says_when_there_is_no_room);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
