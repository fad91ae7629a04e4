/* Owns the file system in memory on which crashes are simulated. Free of Check. Internally locked.
 *
 * It keeps what POSIX promises and nothing more. A write is in the page cache until the file is
 * synced; sectors of 512 bytes reach the disk each for itself. A name made, moved or removed is in
 * the cache until its directory is synced; the changes of one directory reach the disk in order,
 * and a rename inside one directory is atomic. A file that was synced but whose name was not is
 * lost. After a failed sync the dirty pages count as clean: a second sync succeeds and saves
 * nothing (as Linux does).
 *
 * Faults: the n-th operation, or the n-th and all after it, fails; a failing write may have written
 * a part, another failing operation may have taken effect all the same. "The n-th and all after it"
 * followed by test_memfs_crash() is a power cut at that operation.
 *
 * Every path is taken from the root, "/a/b" and "a/b" alike; "." and ".." are refused. */
#ifndef REELS_TESTS_LIB_TEST_MEMFS_H
#define REELS_TESTS_LIB_TEST_MEMFS_H

#include <reels/base.h>

struct test_memfs;

enum {
    TEST_MEMFS_NO_MAP = 1, /* the table has no map and unmap */
    TEST_MEMFS_NO_LINK = 2
};

/* Never fails: it ends the process when memory is gone. clock may be NULL. */
struct test_memfs *test_memfs_new(uint32_t flags, const reels_clock *clock);
void test_memfs_free(struct test_memfs *fs);

/* For reels_ctx_options.fs; valid as long as the file system. */
const reels_fs *test_memfs_table(const struct test_memfs *fs);

enum {
    TEST_MEMFS_FAULT_ALL_AFTER = 1, /* the n-th and every later one fails */
    TEST_MEMFS_FAULT_EFFECT = 2     /* the failing operation takes effect in full or in part */
};

/* The n-th operation from now (1 = the next) fails with sys_errno (5 = EIO, 28 = ENOSPC); 0 = none.
 */
void test_memfs_fail(struct test_memfs *fs, uint64_t nth, uint32_t fault_flags, int32_t sys_errno);

/* Operations since the last test_memfs_fail(), failed ones too; close and unmap do not count. */
uint64_t test_memfs_ops_count(struct test_memfs *fs);

/* Syncs (files and directories) since the last test_memfs_fail(). */
uint64_t test_memfs_syncs_count(struct test_memfs *fs);

enum {
    TEST_MEMFS_CRASH_LOSE = 1,   /* nothing that was not synced is there */
    TEST_MEMFS_CRASH_KEEP = 2,   /* everything is there and on the disk */
    TEST_MEMFS_CRASH_RANDOM = 3, /* some of it is, chosen by the seed */
    /* Only the process dies: the cache lives on, and what a failed sync left in it alone can still
     * be read, until the power fails. */
    TEST_MEMFS_CRASH_KILL = 4
};

/* The power fails and comes back: open files are dead (IO), locks are gone, faults are switched
 * off. */
void test_memfs_crash(struct test_memfs *fs, int mode, uint64_t seed);

/* A full disk: sum of file sizes; 0 = no bound. Beyond it writes fail with ENOSPC. */
void test_memfs_limit(struct test_memfs *fs, uint64_t bytes_max);

/* Files that are open now: 0 after everything was closed. */
size_t test_memfs_open_count(struct test_memfs *fs);

/* Maps that are live now. */
size_t test_memfs_maps_count(struct test_memfs *fs);

/* Number of files and directories that can be reached, without the root. */
size_t test_memfs_entries_count(struct test_memfs *fs);

/* Flips bits of one byte of a file, in the cache and on the disk: 1, or 0 when it is not there. */
int test_memfs_corrupt(struct test_memfs *fs, const char *path, uint64_t offset, uint8_t bits);

/* A copy of a file's bytes from malloc, or NULL; as it is now, and as it is on the disk. */
uint8_t *test_memfs_read(struct test_memfs *fs, const char *path, size_t *out_len);
uint8_t *test_memfs_read_durable(struct test_memfs *fs, const char *path, size_t *out_len);

#endif
