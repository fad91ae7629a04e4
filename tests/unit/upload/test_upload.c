/* Shows what reels/upload.h promises, over the backends in memory. */
#include "world.h"

START_TEST(test_upload_parts_in_any_order_twice_and_once_wrong)
{
    uint64_t length = (uint64_t)2 * PART + 1000;
    uint64_t id = begin(length);
    uint64_t offsets[4];
    uint64_t sizes[4];
    size_t count = 0;
    reels_digest wrong = {.kind = REELS_DIGEST_CRC32C, .bytes = {1, 2, 3, 4}};
    test_ok(&env,
            reels_upload_part_put(
                uploads, NULL, id, ADA, 2, bytes_from(2 * PART, 1000), 1000, NULL, &env.err));
    test_ok(&env,
            reels_upload_part_put(
                uploads, NULL, id, ADA, 1, bytes_from(PART, PART), PART, NULL, &env.err));
    test_status(
        REELS_ERR_CORRUPT,
        reels_upload_part_put(uploads, NULL, id, ADA, 0, bytes_from(0, PART), PART, &wrong, NULL));
    test_ok(&env,
            reels_upload_part_put(
                uploads, NULL, id, ADA, 1, bytes_from(PART, PART), PART, NULL, &env.err));
    test_status(
        REELS_ERR_EXISTS,
        reels_upload_part_put(uploads, NULL, id, ADA, 1, bytes_from(0, PART), PART, NULL, NULL));
    test_status(
        REELS_ERR_INVALID_ARG,
        reels_upload_part_put(uploads, NULL, id, ADA, 0, bytes_from(0, 100), 100, NULL, NULL));
    test_status(
        REELS_ERR_LIMIT,
        reels_upload_part_put(uploads, NULL, id, ADA, 2, bytes_from(0, 1001), 1001, NULL, NULL));
    ck_assert_uint_eq(where(id).offset, 0);
    ck_assert_uint_eq(where(id).bytes_durable, PART + 1000);
    test_status(REELS_ERR_STATE, reels_upload_commit(uploads, NULL, id, ADA, NULL, NULL));
    test_ok(&env, reels_upload_parts(uploads, NULL, id, ADA, offsets, sizes, 4, &count, &env.err));
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(offsets[0], PART);
    ck_assert_uint_eq(sizes[1], 1000);
    test_ok(&env,
            reels_upload_part_put(
                uploads, NULL, id, ADA, 0, bytes_from(0, PART), PART, NULL, &env.err));
    test_ok(&env, reels_upload_commit(uploads, NULL, id, ADA, NULL, &env.err));
    test_ok(&env, reels_upload_commit(uploads, NULL, id, ADA, NULL, &env.err));
    expect_file(id, length);
    ck_assert_uint_eq(objects_count(), 1);
    test_status(
        REELS_ERR_STATE,
        reels_upload_part_put(uploads, NULL, id, ADA, 0, bytes_from(0, PART), PART, NULL, NULL));
    test_status(REELS_ERR_STATE, reels_upload_abort(uploads, NULL, id, ADA, NULL));
}
END_TEST

START_TEST(test_upload_stream_goes_on_where_it_stopped)
{
    uint64_t length = (uint64_t)PART + 5000;
    uint64_t id = begin(length);
    uint64_t offset = 0;
    /* The client goes away in the middle: what was read is kept. */
    test_status(
        REELS_ERR_HOST,
        write_from(
            id, 0, (struct stream){.end = length, .fail_at = 1000, .crumb = 7}, NULL, &offset));
    ck_assert_uint_eq(offset, 1000);
    ck_assert_uint_eq(where(id).offset, 1000);
    test_status(REELS_ERR_CONFLICT,
                write_from(id, 999, (struct stream){.end = 1500}, NULL, &offset));
    test_ok(&env, write_from(id, 1000, (struct stream){.end = 3000}, NULL, &offset));
    test_ok(&env, write_from(id, 3000, (struct stream){.end = length}, NULL, &offset));
    ck_assert_uint_eq(offset, length);
    test_status(REELS_ERR_LIMIT,
                write_from(id, length, (struct stream){.end = length + 1}, NULL, &offset));
    test_ok(&env, reels_upload_commit(uploads, NULL, id, ADA, NULL, &env.err));
    expect_file(id, length);
}
END_TEST

START_TEST(test_upload_write_with_a_checksum_is_all_or_nothing)
{
    uint64_t length = (uint64_t)PART + 2000;
    uint64_t id = begin(length);
    uint64_t offset = 0;
    reels_digest wrong = {.kind = REELS_DIGEST_SHA256, .bytes = {9}};
    reels_digest reader = {.kind = REELS_DIGEST_NONE};
    test_status(REELS_ERR_CORRUPT,
                write_from(id, 0, (struct stream){.end = length}, &wrong, &offset));
    ck_assert_uint_eq(where(id).offset, 0);
    ck_assert_uint_eq(objects_count(), 0);
    test_status(
        REELS_ERR_HOST,
        write_from(id, 0, (struct stream){.end = length, .fail_at = PART + 1}, &reader, &offset));
    ck_assert_uint_eq(where(id).offset, 0);
    ck_assert_uint_eq(objects_count(), 0);
    test_ok(&env, write_from(id, 0, (struct stream){.end = length}, &reader, &offset));
    ck_assert_uint_eq(where(id).offset, length);
    test_ok(&env, reels_upload_commit(uploads, NULL, id, ADA, NULL, &env.err));
    expect_file(id, length);
}
END_TEST

START_TEST(test_upload_length_may_come_later)
{
    uint64_t id = begin(UINT64_MAX);
    uint64_t offset = 0;
    test_ok(&env, write_from(id, 0, (struct stream){.end = 500}, NULL, &offset));
    test_status(REELS_ERR_CONFLICT, reels_upload_set_length(uploads, NULL, id, ADA, 499, NULL));
    test_status(REELS_ERR_LIMIT,
                reels_upload_set_length(uploads, NULL, id, ADA, (uint64_t)3 * PART + 1, NULL));
    test_ok(&env, reels_upload_set_length(uploads, NULL, id, ADA, 800, &env.err));
    test_ok(&env, reels_upload_set_length(uploads, NULL, id, ADA, 800, &env.err));
    test_status(REELS_ERR_CONFLICT, reels_upload_set_length(uploads, NULL, id, ADA, 900, NULL));
    test_ok(&env, write_from(id, 500, (struct stream){.end = 800}, NULL, &offset));
    test_ok(&env, reels_upload_commit(uploads, NULL, id, ADA, NULL, &env.err));
    expect_file(id, 800);
}
END_TEST

START_TEST(test_upload_refused_by_its_first_bytes_leaves_nothing)
{
    uint64_t id = begin(100000);
    uint64_t offset = 0;
    test_ok(&env, write_from(id, 0, (struct stream){.end = 1000}, NULL, &offset));
    ck_assert_uint_eq(check_calls, 1);
    ck_assert_uint_eq(check_prefix_len, 1000);
    check_answer = REELS_ERR_UNSUPPORTED;
    test_status(REELS_ERR_UNSUPPORTED,
                write_from(id, 1000, (struct stream){.end = 2000}, NULL, &offset));
    ck_assert_uint_eq(check_prefix_len, 2000);
    ck_assert_str_eq(env.err.message, "no film");
    expect_nothing(id);
}
END_TEST

/* No media worker, no memory: that says nothing of the film. */
START_TEST(test_upload_that_could_not_be_judged_is_tried_again)
{
    uint64_t id = begin(2000);
    uint64_t offset = 0;
    const reels_status statuses[] = {REELS_ERR_NO_MEMORY,
                                     REELS_ERR_IO,
                                     REELS_ERR_TIMEOUT,
                                     REELS_ERR_CANCELLED,
                                     REELS_ERR_BUSY,
                                     REELS_ERR_HOST,
                                     REELS_ERR_NOT_FOUND,
                                     REELS_ERR_INTERNAL};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        check_answer = statuses[i];
        test_status(statuses[i], write_from(id, 0, (struct stream){.end = 2000}, NULL, &offset));
        ck_assert_uint_eq(where(id).offset, 0);
    }
    check_answer = REELS_END;
    test_ok(&env, write_from(id, 0, (struct stream){.end = 2000}, NULL, &offset));
    test_ok(&env, reels_upload_commit(uploads, NULL, id, ADA, NULL, &env.err));
    expect_file(id, 2000);
}
END_TEST

/* Damaged on their way, bytes may look like no film; only proved ones end the upload. */
START_TEST(test_upload_refuses_unproved_bytes_and_waits_for_better)
{
    uint64_t id = begin(2000);
    uint64_t offset = 0;
    const reels_digest wrong = {.kind = REELS_DIGEST_SHA256, .bytes = {9}};
    check_answer = REELS_ERR_UNSUPPORTED;
    test_status(REELS_ERR_UNSUPPORTED,
                write_from(id, 0, (struct stream){.end = 2000}, &wrong, &offset));
    ck_assert_uint_eq(where(id).offset, 0);
    ck_assert_uint_eq(objects_count(), 0);
    check_answer = REELS_END;
    test_ok(&env, write_from(id, 0, (struct stream){.end = 2000}, NULL, &offset));
    test_ok(&env, reels_upload_commit(uploads, NULL, id, ADA, NULL, &env.err));
    expect_file(id, 2000);
}
END_TEST

/* However small the pieces are: whenever there is twice as much, and when all of it is there. */
START_TEST(test_upload_check_is_asked_at_each_doubling_and_at_the_end)
{
    uint64_t id = begin(3001);
    uint64_t offset = 0;
    size_t looked_at = 0;
    for (uint64_t at = 0; at < 3001; at += 7) {
        uint64_t end = at + 7 < 3001 ? at + 7 : 3001;
        test_ok(&env, write_from(id, at, (struct stream){.end = end}, NULL, &offset));
        ck_assert_uint_eq(offset, end);
        looked_at = check_prefix_len;
        ck_assert_uint_lt(end, 2 * looked_at);
    }
    ck_assert_uint_eq(looked_at, 3001);
    ck_assert_uint_le(check_calls, 12);
    test_ok(&env, reels_upload_commit(uploads, NULL, id, ADA, NULL, &env.err));
    expect_file(id, 3001);
}
END_TEST

START_TEST(test_upload_check_is_asked_no_more_after_its_bytes)
{
    uint64_t id = begin(100000);
    uint64_t offset = 0;
    test_ok(&env, write_from(id, 0, (struct stream){.end = 5000}, NULL, &offset));
    ck_assert_uint_eq(check_prefix_len, 4096);
    check_answer = REELS_ERR_UNSUPPORTED;
    test_ok(&env, write_from(id, 5000, (struct stream){.end = 9000}, NULL, &offset));
    ck_assert_uint_eq(check_calls, 1);
}
END_TEST

START_TEST(test_upload_aborted_or_expired_leaves_nothing)
{
    uint64_t offset = 0;
    int64_t next_due = 0;
    uint64_t id = begin(100000);
    test_ok(&env, write_from(id, 0, (struct stream){.end = 5000}, NULL, &offset));
    test_status(REELS_ERR_NOT_FOUND, reels_upload_abort(uploads, NULL, id, BOB, NULL));
    test_ok(&env, reels_upload_abort(uploads, NULL, id, ADA, &env.err));
    test_status(REELS_ERR_NOT_FOUND, reels_upload_abort(uploads, NULL, id, ADA, NULL));
    expect_nothing(id);

    id = begin((uint64_t)PART + 1);
    test_ok(&env,
            reels_upload_part_put(
                uploads, NULL, id, ADA, 0, bytes_from(0, PART), PART, NULL, &env.err));
    test_clock_advance(&env.clock, 999000);
    test_ok(&env, reels_uploads_expire_step(uploads, 1000000, &next_due, &env.err));
    ck_assert_uint_eq(where(id).offset, PART);
    test_clock_advance(&env.clock, 2000);
    test_ok(&env, reels_uploads_expire_step(uploads, 1000000, &next_due, &env.err));
    expect_nothing(id);
}
END_TEST

START_TEST(test_upload_limits_and_texts)
{
    uint64_t id = 0;
    char caption[REELS_CAPTION_BYTES_MAX + 2];
    reels_upload_begin_request request = {
        .struct_size = sizeof(request), .person_id = ADA, .length = (uint64_t)3 * PART + 1};
    test_status(REELS_ERR_LIMIT, reels_upload_begin(uploads, NULL, &request, &id, NULL));
    request.length = 0;
    test_status(REELS_ERR_INVALID_ARG, reels_upload_begin(uploads, NULL, &request, &id, NULL));
    request.length = 10;
    request.filename = "\xff";
    test_status(REELS_ERR_INVALID_ARG, reels_upload_begin(uploads, NULL, &request, &id, NULL));
    request.filename = NULL;
    memset(caption, 'a', sizeof(caption));
    caption[sizeof(caption) - 1] = '\0';
    request.caption = caption;
    test_status(REELS_ERR_INVALID_ARG, reels_upload_begin(uploads, NULL, &request, &id, NULL));
    caption[REELS_CAPTION_BYTES_MAX] = '\0';
    memset(request.token, 5, sizeof(request.token));
    test_ok(&env, reels_upload_begin(uploads, NULL, &request, &id, &env.err));
    uint64_t again = 0;
    test_ok(&env, reels_upload_begin(uploads, NULL, &request, &again, &env.err));
    ck_assert_uint_eq(id, again);
    (void)begin(10);
    (void)begin(10);
    memset(request.token, 6, sizeof(request.token));
    test_status(REELS_ERR_LIMIT, reels_upload_begin(uploads, NULL, &request, &id, NULL));
}
END_TEST

/* What a crash has left behind a byte's row: an object that no row names, and a beginning without
 * its reel. */
START_TEST(test_upload_what_a_crash_left_goes_or_goes_on)
{
    reels_upload_begin_request request = {
        .struct_size = sizeof(request), .person_id = ADA, .length = 2000, .token = {7}};
    char key[96] = "u/";
    uint64_t id = 0;
    uint64_t again = 0;
    uint64_t offset = 0;
    int is_committed = 0;
    struct stream stream = {.end = 5};
    reels_blob_source source = {.struct_size = sizeof(source),
                                .length_bytes = 5,
                                .reader = read_stream,
                                .reader_user = &stream};
    test_ok(&env, reels_upload_begin(uploads, NULL, &request, &id, &env.err));
    test_ok(&env, reels__reel_erase_unfinished(reels, NULL, id, &is_committed, &env.err));
    test_ok(&env, reels_upload_begin(uploads, NULL, &request, &again, &env.err));
    ck_assert_uint_eq(again, id);
    test_ok(&env, reels_id_text_write(id, key + 2, sizeof(key) - 2, &env.err));
    strcat(key, "/left");
    test_ok(&env, reels_blob_put(blob, NULL, key, &source, NULL, &env.err));
    test_ok(&env, write_from(id, 0, (struct stream){.end = 2000}, NULL, &offset));
    test_ok(&env, reels_upload_commit(uploads, NULL, id, ADA, NULL, &env.err));
    expect_file(id, 2000);
    ck_assert_uint_eq(objects_count(), 1);

    uint64_t aborted = begin(2000);
    stream = (struct stream){.end = 5};
    (void)strcpy(key, "u/");
    test_ok(&env, reels_id_text_write(aborted, key + 2, sizeof(key) - 2, &env.err));
    strcat(key, "/left");
    test_ok(&env, reels_blob_put(blob, NULL, key, &source, NULL, &env.err));
    test_ok(&env, reels_upload_abort(uploads, NULL, aborted, ADA, &env.err));
    ck_assert_uint_eq(objects_count(), 1);
}
END_TEST

/* ---- lack of memory ---- */

/* Refuses the n-th allocation of a whole upload, for every n: it fails with NO_MEMORY or works, and
 * what was begun can be aborted. */
static reels_status whole_upload(int by_part, uint64_t *out_id)
{
    const uint64_t length = 3000;
    reels_upload_begin_request request = {.struct_size = sizeof(request),
                                          .person_id = ADA,
                                          .length = length,
                                          .filename = "f",
                                          .caption = "c"};
    uint64_t offset = 0;
    *out_id = 0;
    reels_status status = reels_upload_begin(uploads, NULL, &request, out_id, NULL);
    if (status == REELS_OK && by_part) {
        status = reels_upload_part_put(uploads,
                                       NULL,
                                       *out_id,
                                       ADA,
                                       0,
                                       bytes_from(0, (size_t)length),
                                       (size_t)length,
                                       NULL,
                                       NULL);
    } else if (status == REELS_OK) {
        status = write_from(*out_id, 0, (struct stream){.end = length}, NULL, &offset);
    }
    return status == REELS_OK ? reels_upload_commit(uploads, NULL, *out_id, ADA, NULL, NULL)
                              : status;
}

START_TEST(test_upload_survives_lack_of_memory)
{
    for (int variant = 0; variant < 4; variant++) {
        int by_part = variant & 1;
        int all_after = variant >> 1;
        size_t refused = 1;
        size_t failed = 0;
        int64_t next_due = 0;
        for (size_t nth = 1; refused > 0; nth++) {
            uint64_t id = 0;
            test_alloc_fail(&env.alloc, nth, all_after);
            reels_status status = whole_upload(by_part, &id);
            refused = env.alloc.refused_count;
            test_alloc_fail(&env.alloc, 0, 0);
            ck_assert_msg(status == REELS_OK || (refused > 0 && status == REELS_ERR_NO_MEMORY),
                          "with allocation %zu refused: %s",
                          nth,
                          reels_status_name(status));
            if (status == REELS_OK) {
                expect_file(id, 3000);
                continue;
            }
            failed++;
            /* Whatever was begun goes on from where it stands, or can be aborted. */
            if (id != 0 && where(id).offset == 3000) {
                test_ok(&env, reels_upload_commit(uploads, NULL, id, ADA, NULL, &env.err));
                expect_file(id, 3000);
            } else if (id != 0) {
                ck_assert_uint_eq(where(id).offset, 0);
                test_ok(&env, reels_upload_abort(uploads, NULL, id, ADA, &env.err));
            }
            /* Without any memory not even the beginning can be undone: that expires. */
            test_clock_advance(&env.clock, 2000000);
            test_ok(&env, reels_uploads_expire_step(uploads, 1000000, &next_due, &env.err));
        }
        ck_assert_uint_gt(failed, 10);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("upload");
    TCase *tcase = tcase_create("upload");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_upload_parts_in_any_order_twice_and_once_wrong);
    tcase_add_test(tcase, test_upload_stream_goes_on_where_it_stopped);
    tcase_add_test(tcase, test_upload_write_with_a_checksum_is_all_or_nothing);
    tcase_add_test(tcase, test_upload_length_may_come_later);
    tcase_add_test(tcase, test_upload_refused_by_its_first_bytes_leaves_nothing);
    tcase_add_test(tcase, test_upload_that_could_not_be_judged_is_tried_again);
    tcase_add_test(tcase, test_upload_refuses_unproved_bytes_and_waits_for_better);
    tcase_add_test(tcase, test_upload_check_is_asked_at_each_doubling_and_at_the_end);
    tcase_add_test(tcase, test_upload_check_is_asked_no_more_after_its_bytes);
    tcase_add_test(tcase, test_upload_aborted_or_expired_leaves_nothing);
    tcase_add_test(tcase, test_upload_limits_and_texts);
    tcase_add_test(tcase, test_upload_what_a_crash_left_goes_or_goes_on);
    tcase_add_test(tcase, test_upload_survives_lack_of_memory);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
