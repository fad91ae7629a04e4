/* Status numbers, error details and the version. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "test_check.h"

START_TEST(test_status_every_number_has_a_name_and_a_sentence)
{
    for (reels_status status = REELS_ERR_ENCRYPTED; status <= REELS_END; status++) {
        ck_assert_str_ne(reels_status_name(status), "UNKNOWN");
        ck_assert_uint_gt(strlen(reels_status_text(status)), 5);
    }
}
END_TEST

START_TEST(test_status_unknown_numbers_are_answered)
{
    static const reels_status unknown[] = {2, -20, INT32_MIN, INT32_MAX};
    ck_assert_str_eq(reels_status_name(unknown[_i]), "UNKNOWN");
    ck_assert_ptr_nonnull(reels_status_text(unknown[_i]));
}
END_TEST

START_TEST(test_status_names_are_those_of_the_header)
{
    ck_assert_str_eq(reels_status_name(REELS_OK), "OK");
    ck_assert_str_eq(reels_status_name(REELS_END), "END");
    ck_assert_str_eq(reels_status_name(REELS_ERR_NOT_FOUND), "NOT_FOUND");
    ck_assert_str_eq(reels_status_name(REELS_ERR_STALE), "STALE");
}
END_TEST

START_TEST(test_error_is_filled_whole)
{
    reels_error err = REELS__ERROR_INIT;
    memset(err.message, 'x', sizeof err.message);
    reels_status status = reels__fail_errno(&err, REELS_ERR_IO, 5, "read: %d of %s", 7, "file");
    ck_assert_int_eq(status, REELS_ERR_IO);
    ck_assert_int_eq(err.status, REELS_ERR_IO);
    ck_assert_int_eq(err.sys_errno, 5);
    ck_assert_int_eq(err.host_code, 0);
    ck_assert_uint_eq(err.flags, 0);
    ck_assert_str_eq(err.message, "read: 7 of file");
    ck_assert_int_eq(err.message[sizeof err.message - 1], 0);
}
END_TEST

START_TEST(test_error_may_be_absent_or_too_small)
{
    ck_assert_int_eq(reels__fail(NULL, REELS_ERR_BUSY, "x"), REELS_ERR_BUSY);
    ck_assert_int_eq(reels_error_set(NULL, REELS_ERR_HOST, 1, "x"), REELS_ERR_HOST);
    reels_error small = {.struct_size = 8};
    ck_assert_int_eq(reels__fail(&small, REELS_ERR_BUSY, "x"), REELS_ERR_BUSY);
    ck_assert_int_eq(small.status, 0);
    ck_assert_int_eq(small.message[0], 0);
}
END_TEST

START_TEST(test_error_flags_follow_the_status)
{
    reels_error err = REELS__ERROR_INIT;
    (void)reels__fail(&err, REELS_ERR_BUSY, "x");
    ck_assert_uint_eq(err.flags, REELS_ERROR_RETRIABLE);
    (void)reels__fail(&err, REELS_ERR_INTERNAL, "x");
    ck_assert_uint_eq(err.flags, REELS_ERROR_FATAL);
    (void)reels__fail(&err, REELS_ERR_CORRUPT, "x");
    ck_assert_uint_eq(err.flags, 0);
}
END_TEST

/* A message of any length of 2-, 3- and 4-byte characters is cut between two of them. */
START_TEST(test_error_message_is_cut_at_a_character)
{
    static const char *const characters[] = {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x8E\xAC"};
    char text[600] = "";
    for (int i = 0; i < _i % 4; i++) {
        strcat(text, "a");
    }
    for (int i = 0; i < 120; i++) {
        strcat(text, characters[_i / 4]);
    }
    reels_error err = REELS__ERROR_INIT;
    (void)reels_error_set(&err, REELS_ERR_HOST, 42, text);
    size_t len = strlen(err.message);
    ck_assert_int_eq(err.host_code, 42);
    ck_assert_uint_gt(len, sizeof err.message - 6);
    ck_assert(reels__utf8_valid_text(err.message));
    ck_assert(memcmp(err.message, text, len) == 0);
    (void)reels__fail(&err, REELS_ERR_HOST, "%s", text);
    ck_assert_uint_eq(strlen(err.message), len);
    ck_assert(reels__utf8_valid_text(err.message));
}
END_TEST

START_TEST(test_error_message_never_holds_lines_or_broken_text)
{
    reels_error err = REELS__ERROR_INIT;
    (void)reels__fail(&err, REELS_ERR_IO, "a\nb\x1b[0m\xFF%s", "\xC3");
    ck_assert_str_eq(err.message, "a?b?[0m??");
}
END_TEST

START_TEST(test_error_may_quote_itself)
{
    reels_error err = REELS__ERROR_INIT;
    (void)reels__fail_errno(&err, REELS_ERR_IO, 28, "disk full");
    (void)reels__fail(&err, REELS_ERR_IO, "blob: %s", err.message);
    ck_assert_str_eq(err.message, "blob: disk full");
}
END_TEST

START_TEST(test_error_prefix_keeps_the_rest)
{
    reels_error err = REELS__ERROR_INIT;
    (void)reels__fail_errno(&err, REELS_ERR_IO, 28, "disk full");
    reels__error_prefix(&err, "upload");
    ck_assert_str_eq(err.message, "upload: disk full");
    ck_assert_int_eq(err.status, REELS_ERR_IO);
    ck_assert_int_eq(err.sys_errno, 28);
    for (int i = 0; i < 100; i++) {
        reels__error_prefix(&err, "\xC3\xA9t\xC3\xA9");
    }
    ck_assert(reels__utf8_valid_text(err.message));
    reels__error_prefix(NULL, "x");
}
END_TEST

START_TEST(test_version_text_and_number_agree)
{
    char text[32];
    uint32_t version = reels_version();
    (void)snprintf(text,
                   sizeof text,
                   "%u.%u.%u",
                   (unsigned)(version / 1000000),
                   (unsigned)(version / 1000 % 1000),
                   (unsigned)(version % 1000));
    ck_assert_str_eq(reels_version_text(), text);
}
END_TEST

START_TEST(test_feature_names)
{
    ck_assert(reels_has_feature("media") == 0 || reels_has_feature("media") == 1);
    ck_assert_int_eq(reels_has_feature("no such part"), 0);
    ck_assert_int_eq(reels_has_feature(NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("status");
    TCase *tcase = tcase_create("status");
    tcase_add_test(tcase, test_status_every_number_has_a_name_and_a_sentence);
    tcase_add_loop_test(tcase, test_status_unknown_numbers_are_answered, 0, 4);
    tcase_add_test(tcase, test_status_names_are_those_of_the_header);
    tcase_add_test(tcase, test_error_is_filled_whole);
    tcase_add_test(tcase, test_error_may_be_absent_or_too_small);
    tcase_add_test(tcase, test_error_flags_follow_the_status);
    tcase_add_loop_test(tcase, test_error_message_is_cut_at_a_character, 0, 12);
    tcase_add_test(tcase, test_error_message_never_holds_lines_or_broken_text);
    tcase_add_test(tcase, test_error_may_quote_itself);
    tcase_add_test(tcase, test_error_prefix_keeps_the_rest);
    tcase_add_test(tcase, test_version_text_and_number_agree);
    tcase_add_test(tcase, test_feature_names);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
