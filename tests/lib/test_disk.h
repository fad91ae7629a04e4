/* Owns the model of a disk under the file system in memory: which bytes and names are in the cache,
 * which are on the disk, and what a power cut leaves. Private to the test library; the caller
 * locks. */
#ifndef REELS_TESTS_LIB_TEST_DISK_H
#define REELS_TESTS_LIB_TEST_DISK_H

#include <reels/base.h>

#include "test_time.h"

enum {
    DISK_SECTOR_BYTES = 512,
    DISK_SWEEP_FIRST = 64
};

/* Bytes with their capacity; what is between len and capacity is zero. */
struct image {
    uint8_t *data;
    size_t len;
    size_t capacity;
};

struct name {
    char *text;
    struct inode *inode;
};

struct names {
    struct name *items;
    size_t count;
    size_t capacity;
};

/* One change of a directory that is not on the disk yet; a rename inside one directory has both. */
struct change {
    char *gone;          /* NULL = nothing goes */
    char *added;         /* NULL = nothing comes */
    struct inode *inode; /* of added */
    struct change *next;
};

struct inode {
    struct inode *next;
    uint32_t kind;
    int marked;
    size_t opens_count;
    const void *locked_by; /* the open file that holds the lock */
    int64_t modified_unix_us;
    /* A file: what is in the cache, what is on the disk, which sectors differ. */
    struct image cache;
    struct image disk;
    uint8_t *dirty; /* one byte per sector */
    size_t dirty_count;
    int size_dirty;
    /* A directory. */
    struct names names;
    struct names disk_names;
    struct change *changes;
    struct change **changes_end;
};

/* All inodes and the root; what test_memfs owns of the disk. */
struct disk {
    struct inode *inodes;
    struct inode *root;
    size_t inodes_count;
    size_t sweep_at; /* how many inodes make a sweep worth its time */
};

void *test_memory_must(void *memory);

uint8_t *disk_image_copy(const struct image *image, size_t *out_len);

void disk_file_resize(struct inode *inode, size_t len);

void disk_file_flush(struct inode *inode);

void disk_dirty_mark(struct inode *inode, size_t start, size_t end);

void disk_dirty_clear(struct inode *inode);

struct name *disk_names_find(const struct names *names, const char *text);

void disk_names_clear(struct names *names);

void disk_names_assign(struct names *to, const struct names *from);

void disk_dir_change(struct inode *dir, const char *gone, const char *added, struct inode *inode);

void disk_dir_flush(struct inode *dir, size_t count);

struct inode *disk_inode_new(struct disk *disk, uint32_t kind);

void disk_inode_free(struct inode *inode);

void disk_sweep(struct disk *disk);

void disk_inode_crash(struct inode *inode, int mode, struct test_random *random);

#endif
