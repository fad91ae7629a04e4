/* The file system in memory keeps exactly what POSIX promises: what it says of a crash is the
 * ground on which every crash test of the library stands. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test_check.h"

static struct test_memfs *fs;
static const reels_fs *table;
static reels_error err;

static void setup(void)
{
    fs = test_memfs_new(0, NULL);
    table = test_memfs_table(fs);
    memset(&err, 0, sizeof err);
    err.struct_size = sizeof err;
}

static void teardown(void)
{
    ck_assert_uint_eq(test_memfs_open_count(fs), 0);
    test_memfs_free(fs);
}

static void *file_open(const char *path, uint32_t flags)
{
    void *file = NULL;
    ck_assert_int_eq(table->open(table->user, path, flags, &file, &err), REELS_OK);
    return file;
}

static void put(const char *path, const char *text, int synced)
{
    void *file = file_open(path, REELS_FS_WRITE | REELS_FS_CREATE | REELS_FS_TRUNCATE);
    ck_assert_int_eq(
        table->write_at(table->user, file, 0, (const uint8_t *)text, strlen(text), &err), REELS_OK);
    if (synced) {
        ck_assert_int_eq(table->sync(table->user, file, &err), REELS_OK);
    }
    table->close(table->user, file);
}

/* NULL expects that there is no such file. */
static void expect(const char *path, const char *text)
{
    size_t len = 0;
    char *data = (char *)test_memfs_read(fs, path, &len);
    if (text == NULL) {
        ck_assert_ptr_null(data);
    } else {
        ck_assert_ptr_nonnull(data);
        ck_assert_str_eq(data, text);
    }
    free(data);
}

static void sync_dir(const char *path)
{
    ck_assert_int_eq(table->sync_dir(table->user, path, &err), REELS_OK);
}

START_TEST(test_memfs_loses_a_name_that_was_not_synced)
{
    put("/a", "data", 1);
    test_memfs_crash(fs, TEST_MEMFS_CRASH_LOSE, 0);
    expect("/a", NULL);
}
END_TEST

START_TEST(test_memfs_loses_bytes_that_were_not_synced)
{
    put("/a", "data", 0);
    sync_dir("/");
    test_memfs_crash(fs, TEST_MEMFS_CRASH_LOSE, 0);
    expect("/a", "");
}
END_TEST

START_TEST(test_memfs_keeps_what_was_synced)
{
    put("/a", "data", 1);
    sync_dir("/");
    put("/a", "newer", 0);
    test_memfs_crash(fs, TEST_MEMFS_CRASH_LOSE, 0);
    expect("/a", "data");
}
END_TEST

START_TEST(test_memfs_keeps_everything_when_only_the_process_dies)
{
    put("/a", "data", 0);
    test_memfs_crash(fs, TEST_MEMFS_CRASH_KEEP, 0);
    expect("/a", "data");
}
END_TEST

START_TEST(test_memfs_renames_atomically_inside_a_directory)
{
    put("/old", "old", 1);
    put("/new.tmp", "new", 1);
    ck_assert_int_eq(table->rename(table->user, "/old", "/file", &err), REELS_OK);
    sync_dir("/");
    ck_assert_int_eq(table->rename(table->user, "/new.tmp", "/file", &err), REELS_OK);
    test_memfs_crash(
        fs, _i % 2 == 0 ? TEST_MEMFS_CRASH_LOSE : TEST_MEMFS_CRASH_RANDOM, (uint64_t)_i);
    size_t len = 0;
    char *data = (char *)test_memfs_read(fs, "/file", &len);
    ck_assert_ptr_nonnull(data);
    int is_old = strcmp(data, "old") == 0;
    ck_assert(is_old || strcmp(data, "new") == 0);
    free(data);
    expect("/new.tmp", is_old ? "new" : NULL);
}
END_TEST

START_TEST(test_memfs_random_crash_reaches_both_outcomes)
{
    int kept = 0;
    for (uint64_t seed = 0; seed < 64; seed++) {
        put("/a", "data", 1);
        sync_dir("/");
        ck_assert_int_eq(table->remove(table->user, "/a", &err), REELS_OK);
        test_memfs_crash(fs, TEST_MEMFS_CRASH_RANDOM, seed);
        size_t len = 0;
        uint8_t *data = test_memfs_read(fs, "/a", &len);
        kept += data != NULL;
        free(data);
    }
    ck_assert_int_gt(kept, 0);
    ck_assert_int_lt(kept, 64);
}
END_TEST

START_TEST(test_memfs_random_crash_tears_at_sectors)
{
    static uint8_t before[8192];
    static uint8_t after[8192];
    memset(before, 'b', sizeof before);
    memset(after, 'a', sizeof after);
    void *file = file_open("/a", REELS_FS_WRITE | REELS_FS_CREATE);
    ck_assert_int_eq(table->write_at(table->user, file, 0, before, sizeof before, &err), REELS_OK);
    ck_assert_int_eq(table->sync(table->user, file, &err), REELS_OK);
    sync_dir("/");
    ck_assert_int_eq(table->write_at(table->user, file, 0, after, sizeof after, &err), REELS_OK);
    table->close(table->user, file);
    test_memfs_crash(fs, TEST_MEMFS_CRASH_RANDOM, 7);
    size_t len = 0;
    uint8_t *data = test_memfs_read(fs, "/a", &len);
    ck_assert_uint_eq(len, sizeof after);
    size_t changed = 0;
    for (size_t at = 0; at < len; at++) {
        ck_assert(data[at] == 'a' || data[at] == 'b');
        ck_assert(data[at] == data[at / 512 * 512]);
        changed += data[at] == 'a';
    }
    ck_assert_uint_gt(changed, 0);
    ck_assert_uint_lt(changed, len);
    free(data);
}
END_TEST

START_TEST(test_memfs_forgets_dirty_pages_after_a_failed_sync)
{
    void *file = file_open("/a", REELS_FS_WRITE | REELS_FS_CREATE);
    sync_dir("/");
    ck_assert_int_eq(table->write_at(table->user, file, 0, (const uint8_t *)"x", 1, &err),
                     REELS_OK);
    test_memfs_fail(fs, 1, 0, EIO);
    ck_assert_int_eq(table->sync(table->user, file, &err), REELS_ERR_IO);
    ck_assert_int_eq(err.sys_errno, EIO);
    ck_assert_int_eq(table->sync(table->user, file, &err), REELS_OK);
    table->close(table->user, file);
    expect("/a", "x");
    test_memfs_crash(fs, TEST_MEMFS_CRASH_LOSE, 0);
    expect("/a", "");
}
END_TEST

START_TEST(test_memfs_fails_the_nth_operation_alone_or_with_all_after)
{
    put("/a", "data", 0);
    reels_fs_info info;
    test_memfs_fail(fs, 2, 0, EIO);
    ck_assert_int_eq(table->info(table->user, "/a", &info, &err), REELS_OK);
    ck_assert_int_eq(table->info(table->user, "/a", &info, &err), REELS_ERR_IO);
    ck_assert_int_eq(table->info(table->user, "/a", &info, &err), REELS_OK);
    ck_assert_uint_eq(test_memfs_ops_count(fs), 3);
    test_memfs_fail(fs, 1, TEST_MEMFS_FAULT_ALL_AFTER, ENOSPC);
    ck_assert_int_eq(table->info(table->user, "/a", &info, &err), REELS_ERR_IO);
    ck_assert_int_eq(table->info(table->user, "/a", &info, &err), REELS_ERR_IO);
    ck_assert_int_eq(err.sys_errno, ENOSPC);
    test_memfs_fail(fs, 0, 0, 0);
    ck_assert_int_eq(table->info(table->user, "/a", &info, &err), REELS_OK);
}
END_TEST

START_TEST(test_memfs_a_failing_operation_may_take_effect)
{
    put("/a", "data", 0);
    test_memfs_fail(fs, 1, TEST_MEMFS_FAULT_EFFECT, EIO);
    ck_assert_int_eq(table->rename(table->user, "/a", "/b", &err), REELS_ERR_IO);
    expect("/a", NULL);
    expect("/b", "data");
    void *file = file_open("/b", REELS_FS_WRITE);
    test_memfs_fail(fs, 1, TEST_MEMFS_FAULT_EFFECT, EIO);
    ck_assert_int_eq(table->write_at(table->user, file, 0, (const uint8_t *)"WXYZ", 4, &err),
                     REELS_ERR_IO);
    table->close(table->user, file);
    expect("/b", "WXta");
}
END_TEST

START_TEST(test_memfs_open_files_die_in_a_crash)
{
    void *file = file_open("/a", REELS_FS_READ | REELS_FS_WRITE | REELS_FS_CREATE);
    ck_assert_int_eq(table->lock(table->user, file, &err), REELS_OK);
    sync_dir("/");
    test_memfs_crash(fs, TEST_MEMFS_CRASH_LOSE, 0);
    uint8_t byte = 0;
    size_t len = 0;
    ck_assert_int_eq(table->read_at(table->user, file, 0, &byte, 1, &len, &err), REELS_ERR_IO);
    void *again = file_open("/a", REELS_FS_READ);
    ck_assert_int_eq(table->lock(table->user, again, &err), REELS_OK);
    table->close(table->user, file);
    table->close(table->user, again);
}
END_TEST

START_TEST(test_memfs_full_disk_refuses_to_grow)
{
    put("/a", "data", 0);
    test_memfs_limit(fs, 6);
    void *file = file_open("/a", REELS_FS_WRITE);
    ck_assert_int_eq(table->write_at(table->user, file, 4, (const uint8_t *)"xyz", 3, &err),
                     REELS_ERR_IO);
    ck_assert_int_eq(err.sys_errno, ENOSPC);
    ck_assert_int_eq(table->write_at(table->user, file, 0, (const uint8_t *)"DATA", 4, &err),
                     REELS_OK);
    table->close(table->user, file);
    expect("/a", "DATA");
}
END_TEST

START_TEST(test_memfs_keeps_a_removed_file_while_it_is_open)
{
    put("/a", "data", 0);
    void *file = file_open("/a", REELS_FS_READ);
    ck_assert_int_eq(table->remove(table->user, "/a", &err), REELS_OK);
    ck_assert_uint_eq(test_memfs_entries_count(fs), 0);
    uint8_t data[8];
    size_t len = 0;
    ck_assert_int_eq(table->read_at(table->user, file, 1, data, 8, &len, &err), REELS_OK);
    ck_assert_uint_eq(len, 3);
    table->close(table->user, file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memfs");
    TCase *tcase = tcase_create("memfs");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_memfs_loses_a_name_that_was_not_synced);
    tcase_add_test(tcase, test_memfs_loses_bytes_that_were_not_synced);
    tcase_add_test(tcase, test_memfs_keeps_what_was_synced);
    tcase_add_test(tcase, test_memfs_keeps_everything_when_only_the_process_dies);
    tcase_add_loop_test(tcase, test_memfs_renames_atomically_inside_a_directory, 0, 16);
    tcase_add_test(tcase, test_memfs_random_crash_reaches_both_outcomes);
    tcase_add_test(tcase, test_memfs_random_crash_tears_at_sectors);
    tcase_add_test(tcase, test_memfs_forgets_dirty_pages_after_a_failed_sync);
    tcase_add_test(tcase, test_memfs_fails_the_nth_operation_alone_or_with_all_after);
    tcase_add_test(tcase, test_memfs_a_failing_operation_may_take_effect);
    tcase_add_test(tcase, test_memfs_open_files_die_in_a_crash);
    tcase_add_test(tcase, test_memfs_full_disk_refuses_to_grow);
    tcase_add_test(tcase, test_memfs_keeps_a_removed_file_while_it_is_open);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
