/* Owns a small world for tests of uploads: the backends in memory, a catalog in which something may
 * happen between two calls, a stream of known bytes, and the check that is asked. */
#ifndef REELS_TESTS_UNIT_UPLOAD_WORLD_H
#define REELS_TESTS_UNIT_UPLOAD_WORLD_H

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

static inline reels_status over_scan(void *impl,
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

static inline reels_status over_get(void *impl,
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

static inline void open_catalog(void)
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

static inline reels_status
check(void *user, const uint8_t *prefix, size_t prefix_len, uint64_t length, reels_error *err)
{
    (void)user;
    (void)prefix;
    (void)length;
    check_calls++;
    check_prefix_len = prefix_len;
    return check_answer < 0 ? reels_error_set(err, check_answer, 0, "no film") : check_answer;
}

static inline void setup(void)
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

static inline void teardown(void)
{
    reels_uploads_free(uploads);
    reels_reel_store_free(reels);
    reels_id_generator_free(ids);
    reels_blob_free(blob);
    reels_catalog_free(catalog);
    test_env_dispose(&env);
}

/* ---- ways ---- */

static inline uint64_t begin(uint64_t length)
{
    reels_upload_begin_request request = {
        .struct_size = sizeof(request), .person_id = ADA, .length = length, .caption = "c"};
    uint64_t id = 0;
    test_ok(&env, reels_upload_begin(uploads, NULL, &request, &id, &env.err));
    return id;
}

static inline uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 31 + (offset >> 8) + (offset >> 20) * 3);
}

static inline const uint8_t *bytes_from(uint64_t offset, size_t len)
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

static inline reels_status
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

static inline reels_status write_from(
    uint64_t id, uint64_t offset, struct stream stream, const reels_digest *digest, uint64_t *out)
{
    stream.offset = offset;
    return reels_upload_write(
        uploads, NULL, id, ADA, offset, read_stream, &stream, digest, out, &env.err);
}

static inline reels_upload_info where(uint64_t id)
{
    reels_upload_info info = {.struct_size = sizeof(info)};
    test_ok(&env, reels_upload_get(uploads, NULL, id, ADA, &info, &env.err));
    return info;
}

struct comparison {
    uint64_t at;
};

static inline reels_status compare(void *user, const uint8_t *data, size_t len, reels_error *err)
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
static inline void expect_file(uint64_t id, uint64_t length)
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

static inline reels_status count_object(void *user, const char *key, const reels_blob_info *info)
{
    (void)key;
    (void)info;
    (*(size_t *)user)++;
    return REELS_OK;
}

static inline size_t objects_count(void)
{
    size_t count = 0;
    test_ok(&env, reels_blob_list(blob, NULL, "", NULL, 1000, count_object, &count, &env.err));
    return count;
}

/* Neither object, row nor reel is left. */
static inline void expect_nothing(uint64_t id)
{
    reels_reel reel = {.struct_size = sizeof(reel)};
    reels_upload_info info = {.struct_size = sizeof(info)};
    ck_assert_uint_eq(objects_count(), 0);
    test_ok(&env, reels_reel_get(reels, NULL, &id, 1, &reel, &env.err));
    ck_assert_uint_eq(reel.state, REELS_REEL_NONE);
    test_status(REELS_ERR_NOT_FOUND, reels_upload_get(uploads, NULL, id, ADA, &info, NULL));
}

#endif
