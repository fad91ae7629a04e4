/* Shows what reels/upload.h promises, over the backends in memory. */
#include <string.h>

#include <reels/upload.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "reel/erase.h"
#include "test_catalog.h"
#include "test_check.h"

enum {
    ADA = 11,
    BOB = 22,
    PART = REELS_UPLOAD_PART_BYTES
};

static struct test_env env;
static reels_catalog *catalog;
static reels_blob *blob;
static reels_id_generator *ids;
static reels_reel_store *reels;
static reels_uploads *uploads;
static reels_status check_answer; /* of the check function */

/* ---- a catalog in which something happens in between ---- */

static struct test_catalog_over over;
static void (*after_expiry_scan)(void); /* once */
static int reels_reads_fail;            /* so many */

static reels_status over_scan(void *impl,
                              const reels_call *call,
                              const reels_scan *scan,
                              reels_rows *rows,
                              reels_buf *next,
                              reels_error *err)
{
    void (*then)(void) = after_expiry_scan;
    reels_status status = test_catalog_over_table.scan(impl, call, scan, rows, next, err);
    if (then != NULL && scan->index != NULL && strcmp(scan->index, "by_expiry") == 0) {
        after_expiry_scan = NULL;
        then();
    }
    return status;
}

static reels_status over_get(void *impl,
                             const reels_call *call,
                             const reels_table *table,
                             const reels_value *keys,
                             size_t keys_count,
                             reels_rows *rows,
                             reels_error *err)
{
    if (reels_reads_fail > 0 && table == reels_reel_table()) {
        reels_reads_fail--;
        return reels_error_set(err, REELS_ERR_IO, 0, "once");
    }
    return test_catalog_over_table.get(impl, call, table, keys, keys_count, rows, err);
}

static void open_catalog(void)
{
    reels_catalog_vtable table = test_catalog_over_table;
    table.scan = over_scan;
    table.get = over_get;
    after_expiry_scan = NULL;
    reels_reads_fail = 0;
    test_ok(&env, reels_catalog_open(env.ctx, "mem:", &over.inner, &env.err));
    test_ok(&env, reels_catalog_new(env.ctx, &table, &over, &catalog, &env.err));
}

static size_t check_calls;
static size_t check_prefix_len;

static reels_status
check(void *user, const uint8_t *prefix, size_t prefix_len, uint64_t length, reels_error *err)
{
    (void)user;
    (void)prefix;
    (void)length;
    check_calls++;
    check_prefix_len = prefix_len;
    return check_answer < 0 ? reels_error_set(err, check_answer, 0, "no film") : check_answer;
}

static void setup(void)
{
    reels_upload_options options = {.struct_size = sizeof(options),
                                    .per_person_max = 3,
                                    .bytes_max = (uint64_t)3 * PART,
                                    .expires_after_us = 1000000,
                                    .check_bytes_max = 4096,
                                    .check = check};
    test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED);
    check_answer = REELS_END;
    check_calls = 0;
    open_catalog();
    test_ok(&env, reels_blob_open(env.ctx, "mem:", &blob, &env.err));
    test_ok(&env, reels_id_generator_new(env.ctx, NULL, NULL, &ids, &env.err));
    test_ok(&env, reels_reel_store_new(env.ctx, catalog, &reels, &env.err));
    test_ok(&env,
            reels_uploads_new(env.ctx, catalog, blob, ids, reels, &options, &uploads, &env.err));
}

static void teardown(void)
{
    reels_uploads_free(uploads);
    reels_reel_store_free(reels);
    reels_id_generator_free(ids);
    reels_blob_free(blob);
    reels_catalog_free(catalog);
    test_env_dispose(&env);
}

/* ---- ways ---- */

static uint64_t begin(uint64_t length)
{
    reels_upload_begin_request request = {
        .struct_size = sizeof(request), .person_id = ADA, .length = length, .caption = "c"};
    uint64_t id = 0;
    test_ok(&env, reels_upload_begin(uploads, NULL, &request, &id, &env.err));
    return id;
}

static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 31 + (offset >> 8) + (offset >> 20) * 3);
}

static const uint8_t *bytes_from(uint64_t offset, size_t len)
{
    static uint8_t bytes[2 * PART];
    for (size_t i = 0; i < len; i++) {
        bytes[i] = byte_at(offset + i);
    }
    return bytes;
}

struct stream {
    uint64_t offset;
    uint64_t end;
    uint64_t fail_at; /* 0 = never */
    size_t crumb;     /* most bytes of one call; 0 = as asked */
};

static reels_status
read_stream(void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err)
{
    struct stream *stream = user;
    uint64_t end = stream->fail_at != 0 ? stream->fail_at : stream->end;
    uint64_t left = end - stream->offset;
    size_t len = left < capacity ? (size_t)left : capacity;
    len = stream->crumb != 0 && len > stream->crumb ? stream->crumb : len;
    if (len == 0 && stream->fail_at != 0) {
        return reels_error_set(err, REELS_ERR_HOST, 0, "the client went away");
    }
    for (size_t i = 0; i < len; i++) {
        data[i] = byte_at(stream->offset + i);
    }
    stream->offset += len;
    *out_len = len;
    return REELS_OK;
}

static reels_status write_from(
    uint64_t id, uint64_t offset, struct stream stream, const reels_digest *digest, uint64_t *out)
{
    stream.offset = offset;
    return reels_upload_write(
        uploads, NULL, id, ADA, offset, read_stream, &stream, digest, out, &env.err);
}

static reels_upload_info where(uint64_t id)
{
    reels_upload_info info = {.struct_size = sizeof(info)};
    test_ok(&env, reels_upload_get(uploads, NULL, id, ADA, &info, &env.err));
    return info;
}

struct comparison {
    uint64_t at;
};

static reels_status compare(void *user, const uint8_t *data, size_t len, reels_error *err)
{
    struct comparison *comparison = user;
    (void)err;
    size_t wrong = 0;
    for (size_t i = 0; i < len; i++) {
        wrong += data[i] != byte_at(comparison->at + i);
    }
    ck_assert_uint_eq(wrong, 0);
    comparison->at += len;
    return REELS_OK;
}

/* The committed file is what was sent. */
static void expect_file(uint64_t id, uint64_t length)
{
    char key[64];
    struct comparison comparison = {0};
    reels_reel reel = {.struct_size = sizeof(reel)};
    ck_assert_int_eq(reels_upload_blob_key(id, key, sizeof(key)), REELS_OK);
    test_ok(&env,
            reels_blob_get(blob, NULL, key, 0, length + 1, compare, &comparison, NULL, &env.err));
    ck_assert_uint_eq(comparison.at, length);
    test_ok(&env, reels_reel_get(reels, NULL, &id, 1, &reel, &env.err));
    ck_assert_uint_eq(reel.state, REELS_REEL_UPLOADED);
    ck_assert_uint_eq(reel.source_bytes, length);
}

static reels_status count_object(void *user, const char *key, const reels_blob_info *info)
{
    (void)key;
    (void)info;
    (*(size_t *)user)++;
    return REELS_OK;
}

static size_t objects_count(void)
{
    size_t count = 0;
    test_ok(&env, reels_blob_list(blob, NULL, "", NULL, 1000, count_object, &count, &env.err));
    return count;
}

/* Neither object, row nor reel is left. */
static void expect_nothing(uint64_t id)
{
    reels_reel reel = {.struct_size = sizeof(reel)};
    reels_upload_info info = {.struct_size = sizeof(info)};
    ck_assert_uint_eq(objects_count(), 0);
    test_ok(&env, reels_reel_get(reels, NULL, &id, 1, &reel, &env.err));
    ck_assert_uint_eq(reel.state, REELS_REEL_NONE);
    test_status(REELS_ERR_NOT_FOUND, reels_upload_get(uploads, NULL, id, ADA, &info, NULL));
}

/* ---- tests ---- */

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

/* ---- two at once ---- */

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
    tcase_add_test(tcase, test_upload_aborted_while_it_is_written_leaves_nothing);
    tcase_add_test(tcase, test_upload_that_is_written_is_left_by_the_sweep_which_goes_on);
    tcase_add_test(tcase, test_upload_written_after_the_sweep_saw_it_stays);
    tcase_add_test(tcase, test_upload_is_committed_when_its_reel_is_uploaded_and_not_before);
    tcase_add_test(tcase, test_upload_whose_commit_stopped_half_way_is_committed_by_the_sweep);
    tcase_add_test(tcase, test_upload_swept_in_is_what_its_digest_says_or_nothing);
    tcase_add_test(tcase, test_upload_that_never_expires_does_not);
    tcase_add_test(tcase, test_upload_a_sweep_without_a_budgets_end_sweeps_all);
    tcase_add_test(tcase, test_upload_limits_and_texts);
    tcase_add_test(tcase, test_upload_what_a_crash_left_goes_or_goes_on);
    tcase_add_test(tcase, test_upload_survives_lack_of_memory);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
