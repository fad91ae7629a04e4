/* Shows what reels/upload.h promises of uploads that are written, aborted, committed and swept at
 * once. */
#include "world.h"

static uint64_t met; /* the upload at which something happens in the middle of a write */

static reels_status
read_and_abort(void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err)
{
    struct stream *stream = user;
    if (stream->offset == 0) {
        test_ok(&env, reels_upload_abort(uploads, NULL, met, ADA, &env.err));
    }
    return read_stream(user, data, capacity, out_len, err);
}

START_TEST(test_upload_aborted_while_it_is_written_leaves_nothing)
{
    reels_digest later = {.kind = REELS_DIGEST_NONE};
    for (int with_digest = 0; with_digest < 2; with_digest++) {
        uint64_t offset = 0;
        struct stream stream = {.end = 5000};
        met = begin(100000);
        test_status(REELS_ERR_NOT_FOUND,
                    reels_upload_write(uploads,
                                       NULL,
                                       met,
                                       ADA,
                                       0,
                                       read_and_abort,
                                       &stream,
                                       with_digest ? &later : NULL,
                                       &offset,
                                       NULL));
        expect_nothing(met);
    }
}
END_TEST

static reels_status
read_and_expire(void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err)
{
    struct stream *stream = user;
    int64_t next_due = 0;
    if (stream->offset == 0) {
        test_clock_advance(&env.clock, 2000000);
        test_ok(&env, reels_uploads_expire_step(uploads, 1000000, &next_due, &env.err));
    }
    return read_stream(user, data, capacity, out_len, err);
}

/* A client that sends a byte now and then must not keep the others from being swept. */
START_TEST(test_upload_that_is_written_is_left_by_the_sweep_which_goes_on)
{
    uint64_t offset = 0;
    reels_upload_info info = {.struct_size = sizeof(info)};
    struct stream stream = {.end = 5000};
    uint64_t slow = begin(100000);
    uint64_t other = begin(100000);
    test_ok(&env,
            reels_upload_write(
                uploads, NULL, slow, ADA, 0, read_and_expire, &stream, NULL, &offset, &env.err));
    ck_assert_uint_eq(where(slow).offset, 5000);
    test_status(REELS_ERR_NOT_FOUND, reels_upload_get(uploads, NULL, other, ADA, &info, NULL));
}
END_TEST

static void write_to_met(void)
{
    uint64_t offset = 0;
    test_ok(&env, write_from(met, 0, (struct stream){.end = 5000}, NULL, &offset));
}

START_TEST(test_upload_written_after_the_sweep_saw_it_stays)
{
    int64_t next_due = 0;
    met = begin(100000);
    test_clock_advance(&env.clock, 2000000);
    after_expiry_scan = write_to_met;
    test_ok(&env, reels_uploads_expire_step(uploads, 1000000, &next_due, &env.err));
    ck_assert_uint_eq(where(met).offset, 5000);
}
END_TEST

START_TEST(test_upload_is_committed_when_its_reel_is_uploaded_and_not_before)
{
    uint64_t offset = 0;
    uint64_t id = begin(5000);
    test_ok(&env, write_from(id, 0, (struct stream){.end = 5000}, NULL, &offset));
    reels_reads_fail = 1;
    test_status(REELS_ERR_IO, reels_upload_commit(uploads, NULL, id, ADA, NULL, NULL));
    ck_assert_uint_eq(where(id).offset, 5000);
    ck_assert_uint_eq(where(id).committed, 0);
    test_ok(&env, reels_upload_commit(uploads, NULL, id, ADA, NULL, &env.err));
    ck_assert_uint_eq(where(id).committed, 1);
    expect_file(id, 5000);
}
END_TEST

static void sweep(reels_status expected)
{
    int64_t next_due = 0;
    test_clock_advance(&env.clock, 2000000);
    test_status(expected, reels_uploads_expire_step(uploads, 1000000, &next_due, &env.err));
}

/* The file is complete: that a commit failed, and its client went away, does not lose it. */
START_TEST(test_upload_whose_commit_stopped_half_way_is_committed_by_the_sweep)
{
    uint64_t offset = 0;
    uint64_t id = begin(5000);
    test_ok(&env, write_from(id, 0, (struct stream){.end = 5000}, NULL, &offset));
    reels_reads_fail = 1;
    test_status(REELS_ERR_IO, reels_upload_commit(uploads, NULL, id, ADA, NULL, NULL));
    test_status(REELS_ERR_STATE, reels_upload_abort(uploads, NULL, id, ADA, NULL));
    reels_reads_fail = 1;
    sweep(REELS_ERR_IO);
    ck_assert_uint_eq(where(id).offset, 5000);
    sweep(REELS_OK);
    expect_file(id, 5000);
    ck_assert_uint_eq(objects_count(), 1);
    test_status(
        REELS_ERR_NOT_FOUND,
        reels_upload_get(uploads, NULL, id, ADA, &(reels_upload_info){.struct_size = 8}, NULL));
}
END_TEST

/* The digest of the whole was told once, to the commit that failed: the sweep holds the file to it.
 */
START_TEST(test_upload_swept_in_is_what_its_digest_says_or_nothing)
{
    for (int is_wrong = 0; is_wrong <= 1; is_wrong++) {
        reels_digest digest = {.kind = REELS_DIGEST_XXH3_64};
        size_t refused = 1;
        size_t closed = 0;
        reels__be64_put(digest.bytes, reels__xxh3_64(bytes_from(0, 3000), 3000, 0));
        digest.bytes[0] = (uint8_t)(digest.bytes[0] + is_wrong);
        for (size_t nth = 1; refused > 0; nth++) {
            uint64_t offset = 0;
            uint64_t id = begin(3000);
            test_ok(&env, write_from(id, 0, (struct stream){.end = 3000}, NULL, &offset));
            test_alloc_fail(&env.alloc, nth, 0);
            reels_status status = reels_upload_commit(uploads, NULL, id, ADA, &digest, NULL);
            refused = env.alloc.refused_count;
            test_alloc_fail(&env.alloc, 0, 0);
            if (status != REELS_ERR_NO_MEMORY) {
                test_status(is_wrong ? REELS_ERR_CORRUPT : REELS_OK, status);
            } else if (reels_upload_abort(uploads, NULL, id, ADA, NULL) == REELS_ERR_STATE) {
                closed++;
                sweep(REELS_OK);
            } else {
                continue;
            }
            if (!is_wrong) {
                expect_file(id, 3000);
                continue;
            }
            sweep(REELS_OK); /* what could not be removed for lack of memory */
            reels_reel reel = {.struct_size = sizeof(reel)};
            test_ok(&env, reels_reel_get(reels, NULL, &id, 1, &reel, &env.err));
            ck_assert_uint_eq(reel.state, REELS_REEL_NONE);
        }
        ck_assert_uint_gt(closed, 3);
    }
}
END_TEST

START_TEST(test_upload_that_never_expires_does_not)
{
    reels_upload_options options = {.struct_size = sizeof(options), .expires_after_us = INT64_MAX};
    int64_t next_due = 0;
    reels_uploads_free(uploads);
    test_ok(&env,
            reels_uploads_new(env.ctx, catalog, blob, ids, reels, &options, &uploads, &env.err));
    uint64_t id = begin(5000);
    test_ok(&env, reels_uploads_expire_step(uploads, 1000000, &next_due, &env.err));
    ck_assert_int_eq(where(id).expires_unix_us, INT64_MAX);
}
END_TEST

START_TEST(test_upload_a_sweep_without_a_budgets_end_sweeps_all)
{
    int64_t next_due = 0;
    uint64_t begun[3] = {begin(10), begin(10), begin(10)};
    test_clock_advance(&env.clock, 2000000);
    test_ok(&env, reels_uploads_expire_step(uploads, INT64_MAX, &next_due, &env.err));
    ck_assert_int_gt(next_due, reels_ctx_now_mono_us(env.ctx));
    for (size_t i = 0; i < 3; i++) {
        expect_nothing(begun[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("upload_sweep");
    TCase *tcase = tcase_create("upload_sweep");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_upload_aborted_while_it_is_written_leaves_nothing);
    tcase_add_test(tcase, test_upload_that_is_written_is_left_by_the_sweep_which_goes_on);
    tcase_add_test(tcase, test_upload_written_after_the_sweep_saw_it_stays);
    tcase_add_test(tcase, test_upload_is_committed_when_its_reel_is_uploaded_and_not_before);
    tcase_add_test(tcase, test_upload_whose_commit_stopped_half_way_is_committed_by_the_sweep);
    tcase_add_test(tcase, test_upload_swept_in_is_what_its_digest_says_or_nothing);
    tcase_add_test(tcase, test_upload_that_never_expires_does_not);
    tcase_add_test(tcase, test_upload_a_sweep_without_a_budgets_end_sweeps_all);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
