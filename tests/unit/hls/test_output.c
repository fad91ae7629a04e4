/* What the ready-made outputs promise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hls_fixture.h"
#include "hls_memory.h"

static struct test_env env;

static void setup(void)
{
    test_env_init(&env, TEST_ENV_MEM_FS);
}

static void teardown(void)
{
    test_env_dispose(&env);
}

START_TEST(test_output_names_are_a_closed_set)
{
    char longest[REELS_OUTPUT_NAME_BYTES_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[REELS_OUTPUT_NAME_BYTES_MAX] = '\0';
    ck_assert_int_eq(reels_output_name_is_valid("v720_00001.m4s"), 1);
    ck_assert_int_eq(reels_output_name_is_valid(longest), 1);
    longest[REELS_OUTPUT_NAME_BYTES_MAX] = 'a';
    longest[REELS_OUTPUT_NAME_BYTES_MAX + 1] = '\0';
    ck_assert_int_eq(reels_output_name_is_valid(longest), 0);
    static const char *const bad[] = {
        NULL, "", ".", "..", ".hidden", "a/b", "a\\b", "a b", "a:b", "a\n", "\xc3\xa9", "a%b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(reels_output_name_is_valid(bad[i]), 0);
    }
}
END_TEST

/* Writes name with bytes through an output; gives the first failure. */
static reels_status put_file(reels_output *output, const char *name, const char *text)
{
    const reels_output_vtable *table = reels_output_table(output);
    void *file = NULL;
    reels_status status = table->begin(output, name, "text/plain", &file, &env.err);
    if (status != REELS_OK) {
        return status;
    }
    status = table->write(output, file, (const uint8_t *)text, strlen(text), &env.err);
    if (status != REELS_OK) {
        table->abort(output, file);
        return status;
    }
    return table->finish(output, file, &env.err);
}

START_TEST(test_output_directory_shows_whole_files_only)
{
    reels_output *output = NULL;
    void *file = NULL;
    reels_fs_info info;
    const reels_fs *fs = test_memfs_table(env.fs);
    test_ok(&env, reels_output_directory_new(env.ctx, "/out", 0, &output, &env.err));
    const reels_output_vtable *table = reels_output_table(output);
    test_ok(&env, table->begin(output, "a.m3u8", "text/plain", &file, &env.err));
    test_ok(&env, table->write(output, file, (const uint8_t *)"one", 3, &env.err));
    test_status(REELS_ERR_NOT_FOUND, fs->info(fs->user, "/out/a.m3u8", &info, &env.err));
    test_status(REELS_ERR_STATE, reels_output_discard(output, &env.err));
    test_ok(&env, table->finish(output, file, &env.err));
    test_ok(&env, fs->info(fs->user, "/out/a.m3u8", &info, &env.err));
    ck_assert_uint_eq(reels_output_bytes(output), 3);
    test_status(REELS_ERR_EXISTS, table->begin(output, "a.m3u8", "text/plain", &file, &env.err));
    test_status(REELS_ERR_INVALID_ARG, table->begin(output, "../a", "text/plain", &file, &env.err));
    test_ok(&env, table->begin(output, "b.m3u8", "text/plain", &file, &env.err));
    table->abort(output, file);
    test_ok(&env, reels_output_discard(output, &env.err));
    ck_assert_uint_eq(test_memfs_entries_count(env.fs), 0);
    reels_output_free(output);
}
END_TEST

START_TEST(test_output_directory_survives_a_power_cut)
{
    reels_output *output = NULL;
    size_t len = 0;
    test_ok(&env, reels_output_directory_new(env.ctx, "/out", 0, &output, &env.err));
    test_ok(&env, put_file(output, "a.m3u8", "whole"));
    reels_output_free(output);
    test_memfs_crash(env.fs, TEST_MEMFS_CRASH_LOSE, 0);
    uint8_t *data = test_memfs_read(env.fs, "/out/a.m3u8", &len);
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(len, 5);
    ck_assert_mem_eq(data, "whole", 5);
    free(data);
}
END_TEST

/* The n-th operation and all after it fail, then the power goes: the file is whole or not there. */
START_TEST(test_output_directory_never_tears_a_file)
{
    for (uint64_t n = 1;; n++) {
        reels_output *output = NULL;
        size_t len = 0;
        test_memfs_fail(
            env.fs, n, TEST_MEMFS_FAULT_ALL_AFTER | (n % 2 ? 0 : TEST_MEMFS_FAULT_EFFECT), 5);
        reels_status status =
            reels_output_directory_new(env.ctx, "/out", REELS_OUTPUT_REPLACE, &output, &env.err);
        if (status == REELS_OK) {
            status = put_file(output, "a.m3u8", "whole");
        }
        reels_output_free(output);
        test_memfs_crash(env.fs, _i == 0 ? TEST_MEMFS_CRASH_LOSE : TEST_MEMFS_CRASH_RANDOM, n);
        uint8_t *data = test_memfs_read(env.fs, "/out/a.m3u8", &len);
        ck_assert_msg(data != NULL || status != REELS_OK,
                      "an acknowledged file is gone (n = %u)",
                      (unsigned)n);
        ck_assert(data == NULL || (len == 5 && memcmp(data, "whole", 5) == 0));
        free(data);
        if (status == REELS_OK) {
            ck_assert_uint_gt(n, 4);
            return;
        }
        const reels_fs *fs = test_memfs_table(env.fs);
        (void)fs->remove(fs->user, "/out/a.m3u8", NULL);
    }
}
END_TEST

static uint8_t data[17000000];

/* Adds up what a store gives back. */
static reels_status keep_bytes(void *user, const uint8_t *bytes, size_t len, reels_error *err)
{
    return reels_buf_append(user, bytes, len, err);
}

static size_t blob_len(reels_blob *blob, const char *key)
{
    reels_buf *buf = NULL;
    size_t len = SIZE_MAX;
    test_ok(&env, reels_buf_new(env.ctx, 0, &buf, &env.err));
    if (reels_blob_get(blob, NULL, key, 0, UINT64_MAX, keep_bytes, buf, NULL, &env.err) ==
        REELS_OK) {
        len = reels_buf_len(buf);
        ck_assert(memcmp(reels_buf_data(buf), data, len) == 0);
    }
    reels_buf_free(buf);
    return len;
}

/* Sizes around the part of 8 MiB, written in pieces that do not divide it. */
START_TEST(test_output_blob_puts_whole_objects)
{
    static const char *const urls[] = {"mem:", "file:/blobs"};
    static const size_t sizes[] = {0, 1, 8388607, 8388608, 8388609, 17000000};
    reels_blob *blob = NULL;
    reels_output *output = NULL;
    void *file = NULL;
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7);
    }
    test_ok(&env, reels_blob_open(env.ctx, urls[_i], &blob, &env.err));
    test_status(REELS_ERR_INVALID_ARG,
                reels_output_blob_new(env.ctx, blob, "../x/", NULL, &output, &env.err));
    test_status(REELS_ERR_INVALID_ARG,
                reels_output_blob_new(env.ctx, blob, "media", NULL, &output, &env.err));
    test_ok(&env, reels_output_blob_new(env.ctx, blob, "media/7/", NULL, &output, &env.err));
    const reels_output_vtable *table = reels_output_table(output);
    uint64_t total = 0;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        char name[32];
        char key[64];
        (void)snprintf(name, sizeof name, "f%zu.mp4", s);
        (void)snprintf(key, sizeof key, "media/7/%s", name);
        test_ok(&env, table->begin(output, name, "video/mp4", &file, &env.err));
        for (size_t at = 0; at < sizes[s]; at += 1000003) {
            size_t len = sizes[s] - at < 1000003 ? sizes[s] - at : 1000003;
            test_ok(&env, table->write(output, file, data + at, len, &env.err));
        }
        ck_assert_uint_eq(blob_len(blob, key), SIZE_MAX);
        test_ok(&env, table->finish(output, file, &env.err));
        ck_assert_uint_eq(blob_len(blob, key), sizes[s]);
        total += sizes[s];
    }
    ck_assert_uint_eq(reels_output_bytes(output), total);
    /* An upload in parts that is given up leaves nothing. */
    test_ok(&env, table->begin(output, "gone.mp4", "video/mp4", &file, &env.err));
    test_ok(&env, table->write(output, file, data, 9000000, &env.err));
    table->abort(output, file);
    ck_assert_uint_eq(blob_len(blob, "media/7/gone.mp4"), SIZE_MAX);
    test_ok(&env, put_file(output, "other.m3u8", ""));
    test_status(REELS_ERR_EXISTS, put_file(output, "other.m3u8", "x"));
    test_ok(&env, reels_output_discard(output, &env.err));
    ck_assert_uint_eq(blob_len(blob, "media/7/f5.mp4"), SIZE_MAX);
    reels_output_free(output);
    reels_blob_free(blob);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("output");
    TCase *tcase = tcase_create("output");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_output_names_are_a_closed_set);
    tcase_add_test(tcase, test_output_directory_shows_whole_files_only);
    tcase_add_test(tcase, test_output_directory_survives_a_power_cut);
    tcase_add_loop_test(tcase, test_output_directory_never_tears_a_file, 0, 2);
    tcase_add_loop_test(tcase, test_output_blob_puts_whole_objects, 0, 2);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
