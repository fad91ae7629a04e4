/* Holds the directory blob store to its word on a disk that fails and loses power at every
 * operation: what was acknowledged is there afterwards, what was not is there in full or not at
 * all, and trying again works. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reels/backend.h>

#include "test_check.h"

enum {
    ENV = TEST_ENV_SIM_CLOCK | TEST_ENV_MEM_FS | TEST_ENV_SEED,
    PART_BYTES = 600 * 1024,
    OPS_MAX = 100000
};

/* What the script does, in order; each is known to be done or not. */
enum step {
    PUT_FIRST,
    PUT_SECOND,
    PUT_AGAIN,
    REMOVE_SECOND,
    UPLOAD_BEGIN,
    UPLOAD_PART,
    UPLOAD_COMMIT,
    PUT_OTHER_FOLDER,
    REMOVE_OTHER_FOLDER,
    STEPS_COUNT
};

struct script {
    struct test_env env;
    reels_blob *blob;
    int done[STEPS_COUNT];
    char upload[64];
};

static const char first_text[] = "first object";
static uint8_t second_bytes[3000];
static uint8_t part_bytes[PART_BYTES];

static void bytes_fill(uint8_t *data, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525u + 1013904223u;
        data[i] = (uint8_t)(seed >> 24);
    }
}

struct memory {
    const uint8_t *data;
    size_t left;
};

static reels_status
memory_read(void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err)
{
    (void)err;
    struct memory *memory = user;
    size_t len = memory->left < capacity ? memory->left : capacity;
    memcpy(data, memory->data, len);
    memory->data += len;
    memory->left -= len;
    *out_len = len;
    return REELS_OK;
}

static reels_status part_put(struct script *script)
{
    struct memory memory = {.data = part_bytes, .left = sizeof part_bytes};
    reels_blob_source source = {.struct_size = sizeof source,
                                .length_bytes = sizeof part_bytes,
                                .reader = memory_read,
                                .reader_user = &memory};
    return reels_blob_part_put(
        script->blob, NULL, "media/clip", script->upload, 1, &source, &script->env.err);
}

static reels_status upload_begin(struct script *script)
{
    reels_buf *name = NULL;
    reels_status status = reels_buf_new(script->env.ctx, 0, &name, &script->env.err);
    if (status == REELS_OK) {
        status = reels_blob_part_begin(
            script->blob, NULL, "media/clip", REELS_BLOB_PART_BYTES_MIN, name, &script->env.err);
    }
    if (status == REELS_OK) {
        memcpy(script->upload, reels_buf_data(name), reels_buf_len(name) + 1);
    }
    reels_buf_free(name);
    return status;
}

static reels_status step_run(struct script *script, enum step step)
{
    reels_error *err = &script->env.err;
    const char *second = "a/b/second";
    const char *other = "z/y/x/other";
    switch (step) {
    case PUT_FIRST:
    case PUT_AGAIN:
        return reels_blob_put_bytes(script->blob,
                                    NULL,
                                    "a/b/first",
                                    (const uint8_t *)first_text,
                                    sizeof first_text,
                                    NULL,
                                    err);
    case PUT_SECOND:
        return reels_blob_put_bytes(
            script->blob, NULL, second, second_bytes, sizeof second_bytes, NULL, err);
    case REMOVE_SECOND:
        return reels_blob_remove(script->blob, NULL, &second, 1, err);
    case UPLOAD_BEGIN:
        return upload_begin(script);
    case UPLOAD_PART:
        return part_put(script);
    case UPLOAD_COMMIT:
        return reels_blob_part_commit(
            script->blob, NULL, "media/clip", script->upload, 1, NULL, err);
    case PUT_OTHER_FOLDER:
        return reels_blob_put_bytes(script->blob, NULL, other, second_bytes, 10, NULL, err);
    case REMOVE_OTHER_FOLDER:
        return reels_blob_remove(script->blob, NULL, &other, 1, err);
    default:
        return REELS_ERR_INVALID_ARG;
    }
}

/* Runs what is not done yet, up to the first failure; 1 when all is done. */
static int script_run(struct script *script)
{
    for (int i = 0; i < STEPS_COUNT; i++) {
        if (!script->done[i]) {
            if (step_run(script, (enum step)i) != REELS_OK) {
                return 0;
            }
            script->done[i] = 1;
        }
    }
    return 1;
}

static reels_status script_open(struct script *script)
{
    return reels_blob_open(script->env.ctx, "file:/store/blobs", &script->blob, &script->env.err);
}

/* 1 when the object is there with these bytes, 0 when it is not there; anything else fails. */
static int object_is(struct script *script, const char *key, const void *data, size_t len)
{
    reels_buf *buf = NULL;
    test_ok(&script->env, reels_buf_new(script->env.ctx, 0, &buf, &script->env.err));
    reels_status status = reels_blob_get_bytes(script->blob, NULL, key, buf, &script->env.err);
    ck_assert_msg(status == REELS_OK || status == REELS_ERR_NOT_FOUND,
                  "%s: %s: %s",
                  key,
                  reels_status_name(status),
                  script->env.err.message);
    if (status == REELS_OK) {
        ck_assert_uint_eq(reels_buf_len(buf), len);
        ck_assert_int_eq(memcmp(reels_buf_data(buf), data, len), 0);
    }
    reels_buf_free(buf);
    return status == REELS_OK;
}

static reels_status part_seen(void *user, const reels_blob_part *part)
{
    int *count = user;
    *count += part->number == 1 && part->size_bytes == PART_BYTES;
    return REELS_OK;
}

/* What the steps that were acknowledged have promised. */
static void script_check(struct script *script)
{
    const int *done = script->done;
    int first = object_is(script, "a/b/first", first_text, sizeof first_text);
    int second = object_is(script, "a/b/second", second_bytes, sizeof second_bytes);
    int clip = object_is(script, "media/clip", part_bytes, sizeof part_bytes);
    int other = object_is(script, "z/y/x/other", second_bytes, 10);
    ck_assert_int_ge(first, done[PUT_FIRST]);
    ck_assert(!done[PUT_SECOND] || done[PUT_AGAIN] || second);
    ck_assert(!done[REMOVE_SECOND] || !second);
    ck_assert_int_ge(clip, done[UPLOAD_COMMIT]);
    ck_assert(!done[REMOVE_OTHER_FOLDER] || !other);
    if (done[UPLOAD_PART] && !clip) {
        int count = 0;
        test_ok(&script->env,
                reels_blob_part_list(script->blob,
                                     NULL,
                                     "media/clip",
                                     script->upload,
                                     0,
                                     10,
                                     part_seen,
                                     &count,
                                     &script->env.err));
        ck_assert_int_eq(count, 1);
    }
}

static void script_init(struct script *script)
{
    memset(script, 0, sizeof *script);
    test_env_init(&script->env, ENV);
    bytes_fill(second_bytes, sizeof second_bytes, 7);
    bytes_fill(part_bytes, sizeof part_bytes, 11);
}

static void script_close(struct script *script)
{
    reels_blob_free(script->blob);
    script->blob = NULL;
}

/* One run in which the power fails at the n-th operation. 1 when it came before the end of the
 * script. */
static int power_cut_at(uint64_t nth, int mode, uint32_t fault)
{
    struct script script;
    script_init(&script);
    test_memfs_fail(script.env.fs, nth, TEST_MEMFS_FAULT_ALL_AFTER | fault, 5);
    int cut = script_open(&script) != REELS_OK || !script_run(&script);
    test_memfs_crash(script.env.fs, mode, nth);
    script_close(&script);
    test_env_restart(&script.env);
    test_ok(&script.env, script_open(&script));
    script_check(&script);
    /* Trying again brings everything to its end, durably: after a kill too, where what is seen may
     * not be on the disk yet. */
    ck_assert_msg(script_run(&script), "again: %s", script.env.err.message);
    test_memfs_crash(script.env.fs, TEST_MEMFS_CRASH_LOSE, nth);
    script_close(&script);
    test_env_restart(&script.env);
    test_ok(&script.env, script_open(&script));
    script_check(&script);
    script_close(&script);
    test_env_dispose(&script.env);
    return cut;
}

static void power_cuts(int mode, uint32_t fault)
{
    uint64_t nth = 1;
    while (power_cut_at(nth, mode, fault)) {
        nth++;
        ck_assert_uint_lt(nth, OPS_MAX);
    }
    ck_assert_uint_gt(nth, 60);
}

START_TEST(test_blob_power_cut_loses_what_was_not_synced_only)
{
    power_cuts(TEST_MEMFS_CRASH_LOSE, 0);
    power_cuts(TEST_MEMFS_CRASH_LOSE, TEST_MEMFS_FAULT_EFFECT);
}
END_TEST

START_TEST(test_blob_kill_leaves_nothing_half_done)
{
    power_cuts(TEST_MEMFS_CRASH_KEEP, 0);
    power_cuts(TEST_MEMFS_CRASH_KEEP, TEST_MEMFS_FAULT_EFFECT);
}
END_TEST

START_TEST(test_blob_power_cut_with_any_part_of_the_cache_written)
{
    power_cuts(TEST_MEMFS_CRASH_RANDOM, 0);
    power_cuts(TEST_MEMFS_CRASH_RANDOM, TEST_MEMFS_FAULT_EFFECT);
}
END_TEST

/* One operation fails, the rest work: the call says so, and the same call again succeeds. */
static int fault_at(uint64_t nth, uint32_t fault, int32_t sys_errno)
{
    struct script script;
    script_init(&script);
    test_memfs_fail(script.env.fs, nth, fault, sys_errno);
    if (script_open(&script) != REELS_OK) {
        ck_assert_int_lt(script.env.err.status, 0);
        test_ok(&script.env, script_open(&script));
    }
    /* Cleaning up after a failure may be what fails, unseen: a few tries are enough for anybody. */
    int tries = 0;
    while (!script_run(&script)) {
        tries++;
        ck_assert_msg(tries < 3, "still: %s", script.env.err.message);
    }
    uint64_t ops = test_memfs_ops_count(script.env.fs);
    test_memfs_fail(script.env.fs, 0, 0, 0);
    script_check(&script);
    test_memfs_crash(script.env.fs, TEST_MEMFS_CRASH_LOSE, nth);
    script_close(&script);
    test_env_restart(&script.env);
    test_ok(&script.env, script_open(&script));
    script_check(&script);
    script_close(&script);
    test_env_dispose(&script.env);
    return nth <= ops;
}

START_TEST(test_blob_failure_of_any_operation_is_told_and_can_be_tried_again)
{
    uint64_t nth = 1;
    while (fault_at(nth, 0, 5)) {
        nth++;
    }
    ck_assert_uint_gt(nth, 60);
    nth = 1;
    while (fault_at(nth, TEST_MEMFS_FAULT_EFFECT, 28)) {
        nth++;
    }
}
END_TEST

static reels_status script_once(reels_ctx *ctx, void *arg)
{
    (void)arg;
    struct script script = {.env.ctx = ctx, .env.err = {.struct_size = sizeof(reels_error)}};
    bytes_fill(second_bytes, sizeof second_bytes, 7);
    bytes_fill(part_bytes, sizeof part_bytes, 11);
    reels_status status = script_open(&script);
    for (int i = 0; i < STEPS_COUNT && status == REELS_OK; i++) {
        status = step_run(&script, (enum step)i);
    }
    reels_blob_free(script.blob);
    return status;
}

START_TEST(test_blob_refused_memory_is_told_and_leaks_nothing)
{
    ck_assert_uint_gt(test_oom_run(ENV, script_once, NULL), 50);
}
END_TEST

static size_t entries_after(struct script *script)
{
    script_close(script);
    return test_memfs_entries_count(script->env.fs);
}

START_TEST(test_blob_failed_puts_leave_no_files_behind)
{
    struct script script;
    script_init(&script);
    test_ok(&script.env, script_open(&script));
    size_t before = entries_after(&script);
    test_ok(&script.env, script_open(&script));
    struct memory memory = {.data = second_bytes, .left = sizeof second_bytes};
    reels_blob_source source = {.struct_size = sizeof source,
                                .length_bytes = sizeof second_bytes + 1,
                                .reader = memory_read,
                                .reader_user = &memory};
    test_status(REELS_ERR_INVALID_ARG,
                reels_blob_put(script.blob, NULL, "short", &source, NULL, &script.env.err));
    source.length_bytes = sizeof second_bytes;
    source.digest.kind = REELS_DIGEST_CRC32C;
    memory = (struct memory){.data = second_bytes, .left = sizeof second_bytes};
    test_status(REELS_ERR_CORRUPT,
                reels_blob_put(script.blob, NULL, "wrong", &source, NULL, &script.env.err));
    ck_assert_uint_eq(entries_after(&script), before);
    test_env_dispose(&script.env);
}
END_TEST

START_TEST(test_blob_what_a_dead_process_left_is_swept)
{
    struct script script;
    script_init(&script);
    test_ok(&script.env, script_open(&script));
    size_t before = entries_after(&script);
    /* The power fails while a put writes, and while an upload is being made. */
    const reels_fs *fs = test_memfs_table(script.env.fs);
    void *file = NULL;
    static const char upload[] = "/store/blobs/.reels/upload/00112233445566778899aabbccddeeff";
    test_ok(
        &script.env,
        fs->open(
            fs->user, "/store/blobs/.reels/tmp/77", REELS_FS_WRITE | REELS_FS_CREATE, &file, NULL));
    fs->close(fs->user, file);
    test_ok(&script.env, fs->make_dir(fs->user, upload, NULL));
    ck_assert_uint_eq(test_memfs_entries_count(script.env.fs), before + 2);
    test_ok(&script.env, script_open(&script));
    ck_assert_uint_eq(entries_after(&script), before);
    test_env_dispose(&script.env);
}
END_TEST

START_TEST(test_blob_removed_folders_are_taken_away)
{
    struct script script;
    script_init(&script);
    test_ok(&script.env, script_open(&script));
    size_t before = entries_after(&script);
    test_ok(&script.env, script_open(&script));
    const char *keys[] = {"a/b/c/d/e", "a/b/c/f"};
    for (size_t i = 0; i < 2; i++) {
        test_ok(&script.env,
                reels_blob_put_bytes(
                    script.blob, NULL, keys[i], second_bytes, 9, NULL, &script.env.err));
    }
    test_ok(&script.env, reels_blob_remove(script.blob, NULL, keys, 2, &script.env.err));
    ck_assert_uint_eq(entries_after(&script), before);
    /* What was taken away can be made again. */
    test_ok(&script.env, script_open(&script));
    test_ok(
        &script.env,
        reels_blob_put_bytes(script.blob, NULL, keys[0], second_bytes, 9, NULL, &script.env.err));
    test_memfs_crash(script.env.fs, TEST_MEMFS_CRASH_LOSE, 1);
    script_close(&script);
    test_env_restart(&script.env);
    test_ok(&script.env, script_open(&script));
    ck_assert(object_is(&script, keys[0], second_bytes, 9));
    script_close(&script);
    test_env_dispose(&script.env);
}
END_TEST

START_TEST(test_blob_committed_uploads_are_remembered_for_a_day)
{
    struct script script;
    script_init(&script);
    test_ok(&script.env, script_open(&script));
    ck_assert(script_run(&script));
    test_ok(&script.env, step_run(&script, UPLOAD_COMMIT));
    script_close(&script);
    test_clock_advance(&script.env.clock, (int64_t)23 * 3600 * 1000000);
    test_ok(&script.env, script_open(&script));
    test_ok(&script.env, step_run(&script, UPLOAD_COMMIT));
    script_close(&script);
    test_clock_advance(&script.env.clock, (int64_t)26 * 3600 * 1000000);
    test_ok(&script.env, script_open(&script));
    test_status(REELS_ERR_NOT_FOUND, step_run(&script, UPLOAD_COMMIT));
    ck_assert(object_is(&script, "media/clip", part_bytes, sizeof part_bytes));
    script_close(&script);
    test_env_dispose(&script.env);
}
END_TEST

START_TEST(test_blob_folder_of_a_newer_version_is_refused)
{
    struct script script;
    script_init(&script);
    test_ok(&script.env, script_open(&script));
    script_close(&script);
    const reels_fs *fs = test_memfs_table(script.env.fs);
    void *file = NULL;
    test_ok(&script.env,
            fs->open(fs->user, "/store/blobs/.reels/format", REELS_FS_WRITE, &file, NULL));
    test_ok(&script.env,
            fs->write_at(fs->user, file, 0, (const uint8_t *)"reels-blob 2\n", 13, NULL));
    fs->close(fs->user, file);
    test_status(REELS_ERR_UNSUPPORTED, script_open(&script));
    test_env_dispose(&script.env);
}
END_TEST

START_TEST(test_blob_folder_belongs_to_one_opener)
{
    struct script script;
    script_init(&script);
    test_ok(&script.env, script_open(&script));
    reels_blob *second = NULL;
    test_status(REELS_ERR_BUSY,
                reels_blob_open(script.env.ctx, "file:/store/blobs", &second, &script.env.err));
    ck_assert_ptr_null(second);
    script_close(&script);
    test_ok(&script.env, script_open(&script));
    script_close(&script);
    test_env_dispose(&script.env);
}
END_TEST

/* On the real disk: a link in the store leads nowhere, a link to the store is the host's choice. */
START_TEST(test_blob_links_in_the_store_are_not_followed)
{
    struct test_env env;
    char dir[TEST_PATH_BYTES];
    char path[TEST_PATH_BYTES + 32];
    char url[TEST_PATH_BYTES + 32];
    reels_blob *blob = NULL;
    reels_buf *buf = NULL;
    const char *keys[] = {"out/secret", "secret"};
    test_env_init(&env, 0);
    test_temp_dir(dir);
    (void)snprintf(path, sizeof path, "%s/outside", dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/store", dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/linked", dir);
    ck_assert_int_eq(symlink("store", path), 0);
    (void)snprintf(path, sizeof path, "%s/store/out", dir);
    ck_assert_int_eq(symlink("../outside", path), 0);
    (void)snprintf(path, sizeof path, "%s/store/secret", dir);
    ck_assert_int_eq(symlink("../outside/secret", path), 0);
    (void)snprintf(path, sizeof path, "%s/outside/secret", dir);
    ck_assert(test_file_write(path, "secret", 6));
    (void)snprintf(url, sizeof url, "file:%s/linked", dir);
    test_ok(&env, reels_blob_open(env.ctx, url, &blob, &env.err));
    test_ok(&env, reels_buf_new(env.ctx, 0, &buf, &env.err));
    for (size_t i = 0; i < 2; i++) {
        test_status(REELS_ERR_NOT_FOUND, reels_blob_get_bytes(blob, NULL, keys[i], buf, &env.err));
        test_status(
            REELS_ERR_CONFLICT,
            reels_blob_put_bytes(blob, NULL, keys[i], (const uint8_t *)"x", 1, NULL, &env.err));
    }
    test_ok(&env, reels_blob_remove(blob, NULL, keys, 2, &env.err));
    size_t len = 0;
    uint8_t *kept = test_file_read(path, &len);
    ck_assert(kept != NULL && len == 6);
    free(kept);
    reels_buf_free(buf);
    reels_blob_free(blob);
    test_temp_dir_remove(dir);
    test_env_dispose(&env);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("blob_faults");
    TCase *tcase = tcase_create("blob_faults");
    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, test_blob_power_cut_loses_what_was_not_synced_only);
    tcase_add_test(tcase, test_blob_kill_leaves_nothing_half_done);
    tcase_add_test(tcase, test_blob_power_cut_with_any_part_of_the_cache_written);
    tcase_add_test(tcase, test_blob_failure_of_any_operation_is_told_and_can_be_tried_again);
    tcase_add_test(tcase, test_blob_refused_memory_is_told_and_leaks_nothing);
    tcase_add_test(tcase, test_blob_failed_puts_leave_no_files_behind);
    tcase_add_test(tcase, test_blob_what_a_dead_process_left_is_swept);
    tcase_add_test(tcase, test_blob_removed_folders_are_taken_away);
    tcase_add_test(tcase, test_blob_committed_uploads_are_remembered_for_a_day);
    tcase_add_test(tcase, test_blob_folder_of_a_newer_version_is_refused);
    tcase_add_test(tcase, test_blob_folder_belongs_to_one_opener);
    tcase_add_test(tcase, test_blob_links_in_the_store_are_not_followed);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
