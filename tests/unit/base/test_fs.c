/* What the fs hook promises, asked of POSIX and of the file system in memory alike, so that a test
 * on the second says something about the first. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/system.h"
#include "test_check.h"

enum {
    ON_POSIX = 0,
    ON_MEMORY = 1
};

static const reels_fs *fs;
static struct test_memfs *memory;
static reels_error err;
static char root[TEST_PATH_BYTES];

static void setup(int kind)
{
    memset(&err, 0, sizeof err);
    err.struct_size = sizeof err;
    if (kind == ON_MEMORY) {
        memory = test_memfs_new(0, NULL);
        fs = test_memfs_table(memory);
        strcpy(root, "/root");
        ck_assert_int_eq(fs->make_dir(fs->user, root, &err), REELS_OK);
    } else {
        memory = NULL;
        fs = &reels__fs_posix;
        test_temp_dir(root);
    }
}

static void teardown(void)
{
    if (memory != NULL) {
        ck_assert_uint_eq(test_memfs_open_count(memory), 0);
        ck_assert_uint_eq(test_memfs_maps_count(memory), 0);
        test_memfs_free(memory);
    } else {
        test_temp_dir_remove(root);
    }
}

static const char *path_of(const char *name)
{
    static char paths[4][TEST_PATH_BYTES + 64];
    static int turn;
    char *path = paths[turn++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

static void *file_open(const char *name, uint32_t flags)
{
    void *file = NULL;
    reels_status status = fs->open(fs->user, path_of(name), flags, &file, &err);
    ck_assert_msg(status == REELS_OK, "%s: %s", name, err.message);
    return file;
}

static reels_status file_open_fails(const char *name, uint32_t flags)
{
    void *file = &err;
    reels_status status = fs->open(fs->user, path_of(name), flags, &file, &err);
    ck_assert_ptr_null(file);
    return status;
}

static void file_put(const char *name, const char *text)
{
    void *file = file_open(name, REELS_FS_WRITE | REELS_FS_CREATE | REELS_FS_TRUNCATE);
    ck_assert_int_eq(fs->write_at(fs->user, file, 0, (const uint8_t *)text, strlen(text), &err),
                     REELS_OK);
    fs->close(fs->user, file);
}

static void file_expect(const char *name, const char *text)
{
    uint8_t data[256];
    size_t len = 0;
    void *file = file_open(name, REELS_FS_READ);
    ck_assert_int_eq(fs->read_at(fs->user, file, 0, data, sizeof data, &len, &err), REELS_OK);
    fs->close(fs->user, file);
    ck_assert_uint_eq(len, strlen(text));
    ck_assert_mem_eq(data, text, len);
}

START_TEST(test_fs_open_flags_mean_what_they_say)
{
    setup(_i);
    ck_assert_int_eq(file_open_fails("a", REELS_FS_READ), REELS_ERR_NOT_FOUND);
    ck_assert_int_eq(err.sys_errno, ENOENT);
    ck_assert_int_eq(file_open_fails("no/a", REELS_FS_WRITE | REELS_FS_CREATE),
                     REELS_ERR_NOT_FOUND);
    ck_assert_int_eq(file_open_fails("a", REELS_FS_WRITE), REELS_ERR_NOT_FOUND);
    ck_assert_int_eq(file_open_fails("a", 0), REELS_ERR_INVALID_ARG);
    ck_assert_int_eq(file_open_fails("a", REELS_FS_READ | REELS_FS_TRUNCATE),
                     REELS_ERR_INVALID_ARG);
    ck_assert_int_eq(file_open_fails("a", REELS_FS_WRITE | REELS_FS_EXCLUSIVE),
                     REELS_ERR_INVALID_ARG);
    file_put("a", "data");
    ck_assert_int_eq(file_open_fails("a", REELS_FS_WRITE | REELS_FS_CREATE | REELS_FS_EXCLUSIVE),
                     REELS_ERR_EXISTS);
    fs->close(fs->user, file_open("a", REELS_FS_WRITE | REELS_FS_CREATE));
    file_expect("a", "data");
    fs->close(fs->user, file_open("a", REELS_FS_WRITE | REELS_FS_TRUNCATE));
    file_expect("a", "");
    fs->close(fs->user, NULL);
    teardown();
}
END_TEST

START_TEST(test_fs_reads_and_writes_at_offsets)
{
    setup(_i);
    void *file = file_open("a", REELS_FS_READ | REELS_FS_WRITE | REELS_FS_CREATE);
    uint8_t data[8];
    size_t len = 99;
    ck_assert_int_eq(fs->write_at(fs->user, file, 4, (const uint8_t *)"efgh", 4, &err), REELS_OK);
    ck_assert_int_eq(fs->write_at(fs->user, file, 0, (const uint8_t *)"ab", 2, &err), REELS_OK);
    ck_assert_int_eq(fs->read_at(fs->user, file, 0, data, 8, &len, &err), REELS_OK);
    ck_assert_uint_eq(len, 8);
    ck_assert_mem_eq(data, "ab\0\0efgh", 8);
    ck_assert_int_eq(fs->read_at(fs->user, file, 6, data, 8, &len, &err), REELS_OK);
    ck_assert_uint_eq(len, 2);
    ck_assert_int_eq(fs->read_at(fs->user, file, 100, data, 8, &len, &err), REELS_OK);
    ck_assert_uint_eq(len, 0);
    ck_assert_int_lt(fs->write_at(fs->user, file, UINT64_MAX - 1, data, 8, &err), 0);
    reels_fs_info info;
    ck_assert_int_eq(fs->file_info(fs->user, file, &info, &err), REELS_OK);
    ck_assert_uint_eq(info.size_bytes, 8);
    ck_assert_uint_eq(info.kind, REELS_FS_KIND_FILE);
    ck_assert_int_eq(fs->truncate(fs->user, file, 3, &err), REELS_OK);
    ck_assert_int_eq(fs->truncate(fs->user, file, 5, &err), REELS_OK);
    ck_assert_int_eq(fs->read_at(fs->user, file, 0, data, 8, &len, &err), REELS_OK);
    ck_assert_uint_eq(len, 5);
    ck_assert_mem_eq(data, "ab\0\0\0", 5);
    ck_assert_int_eq(fs->sync(fs->user, file, &err), REELS_OK);
    fs->close(fs->user, file);
    teardown();
}
END_TEST

START_TEST(test_fs_wrong_direction_is_refused)
{
    setup(_i);
    file_put("a", "data");
    uint8_t byte = 0;
    size_t len = 0;
    void *reader = file_open("a", REELS_FS_READ);
    void *writer = file_open("a", REELS_FS_WRITE);
    ck_assert_int_eq(fs->write_at(fs->user, reader, 0, &byte, 1, &err), REELS_ERR_IO);
    ck_assert_int_eq(err.sys_errno, EBADF);
    ck_assert_int_eq(fs->read_at(fs->user, writer, 0, &byte, 1, &len, &err), REELS_ERR_IO);
    ck_assert_int_eq(fs->truncate(fs->user, reader, 0, &err), REELS_ERR_IO);
    fs->close(fs->user, reader);
    fs->close(fs->user, writer);
    teardown();
}
END_TEST

START_TEST(test_fs_lock_excludes_other_opens_of_the_same_process)
{
    setup(_i);
    file_put("a", "data");
    void *first = file_open("a", REELS_FS_READ | REELS_FS_WRITE);
    void *second = file_open("a", REELS_FS_READ | REELS_FS_WRITE);
    ck_assert_int_eq(fs->lock(fs->user, first, &err), REELS_OK);
    ck_assert_int_eq(fs->lock(fs->user, first, &err), REELS_OK);
    ck_assert_int_eq(fs->lock(fs->user, second, &err), REELS_ERR_BUSY);
    ck_assert_uint_eq(err.flags, REELS_ERROR_RETRIABLE);
    fs->close(fs->user, first);
    ck_assert_int_eq(fs->lock(fs->user, second, &err), REELS_OK);
    fs->close(fs->user, second);
    teardown();
}
END_TEST

START_TEST(test_fs_maps_what_is_there)
{
    setup(_i);
    file_put("a", "mapped");
    void *file = file_open("a", REELS_FS_READ);
    const uint8_t *data = NULL;
    ck_assert_int_eq(fs->map(fs->user, file, 6, &data, &err), REELS_OK);
    fs->close(fs->user, file);
    ck_assert_mem_eq(data, "mapped", 6);
    fs->unmap(fs->user, data, 6);
    file = file_open("a", REELS_FS_READ);
    ck_assert_int_eq(fs->map(fs->user, file, 7, &data, &err), REELS_ERR_INVALID_ARG);
    ck_assert_int_eq(fs->map(fs->user, file, 0, &data, &err), REELS_ERR_INVALID_ARG);
    fs->close(fs->user, file);
    teardown();
}
END_TEST

START_TEST(test_fs_rename_replaces)
{
    setup(_i);
    file_put("a", "new");
    file_put("b", "old");
    ck_assert_int_eq(fs->rename(fs->user, path_of("a"), path_of("b"), &err), REELS_OK);
    file_expect("b", "new");
    ck_assert_int_eq(file_open_fails("a", REELS_FS_READ), REELS_ERR_NOT_FOUND);
    ck_assert_int_eq(fs->rename(fs->user, path_of("a"), path_of("b"), &err), REELS_ERR_NOT_FOUND);
    ck_assert_int_eq(fs->rename(fs->user, path_of("b"), path_of("b"), &err), REELS_OK);
    ck_assert_int_eq(fs->make_dir(fs->user, path_of("d"), &err), REELS_OK);
    ck_assert_int_eq(fs->rename(fs->user, path_of("b"), path_of("d/c"), &err), REELS_OK);
    file_expect("d/c", "new");
    ck_assert_int_lt(fs->rename(fs->user, path_of("d"), path_of("d/e"), &err), 0);
    ck_assert_int_eq(fs->rename(fs->user, path_of("d"), path_of("e"), &err), REELS_OK);
    file_expect("e/c", "new");
    teardown();
}
END_TEST

START_TEST(test_fs_link_makes_a_second_name)
{
    setup(_i);
    file_put("a", "data");
    ck_assert_int_eq(fs->link(fs->user, path_of("a"), path_of("b"), &err), REELS_OK);
    ck_assert_int_eq(fs->link(fs->user, path_of("a"), path_of("b"), &err), REELS_ERR_EXISTS);
    ck_assert_int_eq(fs->link(fs->user, path_of("x"), path_of("c"), &err), REELS_ERR_NOT_FOUND);
    ck_assert_int_eq(fs->remove(fs->user, path_of("a"), &err), REELS_OK);
    file_expect("b", "data");
    teardown();
}
END_TEST

START_TEST(test_fs_directories)
{
    setup(_i);
    reels_fs_info info;
    ck_assert_int_eq(fs->make_dir(fs->user, path_of("d"), &err), REELS_OK);
    ck_assert_int_eq(fs->make_dir(fs->user, path_of("d"), &err), REELS_ERR_EXISTS);
    ck_assert_int_eq(fs->make_dir(fs->user, path_of("x/y"), &err), REELS_ERR_NOT_FOUND);
    ck_assert_int_eq(fs->info(fs->user, path_of("d"), &info, &err), REELS_OK);
    ck_assert_uint_eq(info.kind, REELS_FS_KIND_DIRECTORY);
    ck_assert_int_eq(fs->info(fs->user, path_of("x"), &info, &err), REELS_ERR_NOT_FOUND);
    ck_assert_int_eq(file_open_fails("d", REELS_FS_READ), REELS_ERR_IO);
    ck_assert_int_eq(fs->sync_dir(fs->user, path_of("d"), &err), REELS_OK);
    ck_assert_int_eq(fs->sync_dir(fs->user, path_of("x"), &err), REELS_ERR_NOT_FOUND);
    file_put("d/a", "");
    ck_assert_int_eq(fs->remove(fs->user, path_of("d"), &err), REELS_ERR_STATE);
    ck_assert_int_eq(fs->remove(fs->user, path_of("d/a"), &err), REELS_OK);
    ck_assert_int_eq(fs->remove(fs->user, path_of("d"), &err), REELS_OK);
    ck_assert_int_eq(fs->remove(fs->user, path_of("d"), &err), REELS_ERR_NOT_FOUND);
    teardown();
}
END_TEST

struct seen {
    int count;
    int stop_after;
    uint64_t sizes;
    char names[64];
};

static reels_status seen_add(void *user, const char *name, const reels_fs_info *info)
{
    struct seen *seen = user;
    seen->count++;
    seen->sizes += info->size_bytes;
    ck_assert_uint_eq(info->kind, name[0] == 'd' ? REELS_FS_KIND_DIRECTORY : REELS_FS_KIND_FILE);
    strcat(seen->names, name);
    return seen->count == seen->stop_after ? REELS_ERR_CANCELLED : REELS_OK;
}

START_TEST(test_fs_list_tells_every_entry_once)
{
    setup(_i);
    file_put("a", "1");
    file_put("b", "22");
    ck_assert_int_eq(fs->make_dir(fs->user, path_of("d"), &err), REELS_OK);
    file_put("d/inner", "333");
    struct seen seen = {0};
    reels_status status = fs->list(fs->user, root, seen_add, &seen, &err);
    ck_assert_int_eq(status, REELS_OK);
    ck_assert_int_eq(seen.count, 3);
    ck_assert_ptr_nonnull(strchr(seen.names, 'a'));
    ck_assert_ptr_nonnull(strchr(seen.names, 'b'));
    ck_assert_ptr_nonnull(strchr(seen.names, 'd'));
    struct seen early = {.stop_after = 2};
    ck_assert_int_eq(fs->list(fs->user, root, seen_add, &early, &err), REELS_ERR_CANCELLED);
    ck_assert_int_eq(early.count, 2);
    ck_assert_int_eq(fs->list(fs->user, path_of("x"), seen_add, &seen, &err), REELS_ERR_NOT_FOUND);
    teardown();
}
END_TEST

START_TEST(test_fs_posix_does_not_write_through_a_symbolic_link)
{
    setup(ON_POSIX);
    file_put("target", "kept");
    ck_assert_int_eq(symlink(path_of("target"), path_of("link")), 0);
    ck_assert_int_eq(file_open_fails("link", REELS_FS_WRITE | REELS_FS_TRUNCATE), REELS_ERR_IO);
    ck_assert_int_eq(err.sys_errno, ELOOP);
    reels_fs_info info;
    ck_assert_int_eq(fs->info(fs->user, path_of("link"), &info, &err), REELS_OK);
    ck_assert_uint_eq(info.kind, REELS_FS_KIND_OTHER);
    file_expect("link", "kept");
    teardown();
}
END_TEST

START_TEST(test_fs_posix_neither_waits_for_pipes_nor_opens_devices)
{
    setup(ON_POSIX);
    ck_assert_int_eq(mkfifo(path_of("pipe"), 0600), 0);
    ck_assert_int_eq(file_open_fails("pipe", REELS_FS_READ), REELS_ERR_IO);
    void *file = &err;
    ck_assert_int_eq(fs->open(fs->user, "/dev/zero", REELS_FS_READ, &file, &err), REELS_ERR_IO);
    ck_assert_ptr_null(file);
    teardown();
}
END_TEST

START_TEST(test_fs_posix_descriptors_are_close_on_exec)
{
    setup(ON_POSIX);
    int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(before, 0);
    (void)close(before);
    void *file = file_open("a", REELS_FS_WRITE | REELS_FS_CREATE);
    /* The lowest free descriptor was taken. */
    int flags = fcntl(before, F_GETFD);
    ck_assert_int_ge(flags, 0);
    ck_assert_int_ne(flags & FD_CLOEXEC, 0);
    fs->close(fs->user, file);
    teardown();
}
END_TEST

START_TEST(test_fs_posix_names_the_path_and_the_reason)
{
    setup(ON_POSIX);
    (void)file_open_fails("missing.mp4", REELS_FS_READ);
    ck_assert_ptr_nonnull(strstr(err.message, "missing.mp4"));
    ck_assert_ptr_nonnull(strstr(err.message, "No such file"));
    teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fs");
    TCase *tcase = tcase_create("fs");
    tcase_add_loop_test(tcase, test_fs_open_flags_mean_what_they_say, 0, 2);
    tcase_add_loop_test(tcase, test_fs_reads_and_writes_at_offsets, 0, 2);
    tcase_add_loop_test(tcase, test_fs_wrong_direction_is_refused, 0, 2);
    tcase_add_loop_test(tcase, test_fs_lock_excludes_other_opens_of_the_same_process, 0, 2);
    tcase_add_loop_test(tcase, test_fs_maps_what_is_there, 0, 2);
    tcase_add_loop_test(tcase, test_fs_rename_replaces, 0, 2);
    tcase_add_loop_test(tcase, test_fs_link_makes_a_second_name, 0, 2);
    tcase_add_loop_test(tcase, test_fs_directories, 0, 2);
    tcase_add_loop_test(tcase, test_fs_list_tells_every_entry_once, 0, 2);
    tcase_add_test(tcase, test_fs_posix_does_not_write_through_a_symbolic_link);
    tcase_add_test(tcase, test_fs_posix_neither_waits_for_pipes_nor_opens_devices);
    tcase_add_test(tcase, test_fs_posix_descriptors_are_close_on_exec);
    tcase_add_test(tcase, test_fs_posix_names_the_path_and_the_reason);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
