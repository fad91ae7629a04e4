/* Invariants: every inode is in disk->inodes until no name (in cache, on disk or in a pending
 * change) and no open file needs it. A file's disk image changes only in sync and in a crash; a
 * directory's only in sync_dir and in a crash. */
#include "test_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_memfs.h"

void *test_memory_must(void *memory)
{
    if (memory == NULL) {
        (void)fprintf(stderr, "test_memfs: out of memory\n");
        abort();
    }
    return memory;
}

static char *text_copy(const char *text, size_t len)
{
    char *copy = test_memory_must(malloc(len + 1));
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

static void image_resize(struct image *image, size_t len)
{
    if (len > image->capacity) {
        size_t capacity = image->capacity * 2 > len ? image->capacity * 2 : len;
        image->data = test_memory_must(realloc(image->data, capacity));
        memset(image->data + image->capacity, 0, capacity - image->capacity);
        image->capacity = capacity;
    }
    if (len < image->len) {
        memset(image->data + len, 0, image->len - len);
    }
    image->len = len;
}

static void image_assign(struct image *to, const struct image *from)
{
    image_resize(to, from->len);
    if (from->len > 0) {
        memcpy(to->data, from->data, from->len);
    }
}

static size_t sectors_of(size_t len)
{
    return (len + DISK_SECTOR_BYTES - 1) / DISK_SECTOR_BYTES;
}

/* Copies one sector as far as both images reach. */
static void sector_copy(struct image *to, const struct image *from, size_t sector)
{
    size_t start = sector * DISK_SECTOR_BYTES;
    size_t end = start + DISK_SECTOR_BYTES;
    end = end < to->len ? end : to->len;
    end = end < from->len ? end : from->len;
    if (start < end) {
        memcpy(to->data + start, from->data + start, end - start);
    }
}

static void dirty_reserve(struct inode *inode, size_t sectors)
{
    if (sectors > inode->dirty_count) {
        inode->dirty = test_memory_must(realloc(inode->dirty, sectors));
        memset(inode->dirty + inode->dirty_count, 0, sectors - inode->dirty_count);
        inode->dirty_count = sectors;
    }
}

void disk_dirty_mark(struct inode *inode, size_t start, size_t end)
{
    dirty_reserve(inode, sectors_of(end));
    for (size_t sector = start / DISK_SECTOR_BYTES; sector < sectors_of(end); sector++) {
        inode->dirty[sector] = 1;
    }
    /* Whoever writes behind the end that the disk knows makes it known: after a sync that failed,
     * writing the same bytes again saves the size as well (as Linux does when the pages are written
     * out). */
    if (end > inode->disk.len) {
        inode->size_dirty = 1;
    }
}

void disk_dirty_clear(struct inode *inode)
{
    if (inode->dirty_count > 0) {
        memset(inode->dirty, 0, inode->dirty_count);
    }
    inode->size_dirty = 0;
}

void disk_file_resize(struct inode *inode, size_t len)
{
    if (len != inode->cache.len) {
        size_t low = len < inode->cache.len ? len : inode->cache.len;
        size_t high = len < inode->cache.len ? inode->cache.len : len;
        image_resize(&inode->cache, len);
        disk_dirty_mark(inode, low, high);
        inode->size_dirty = 1;
    }
}

void disk_file_flush(struct inode *inode)
{
    if (inode->size_dirty) {
        image_resize(&inode->disk, inode->cache.len);
    }
    for (size_t sector = 0; sector < inode->dirty_count; sector++) {
        if (inode->dirty[sector]) {
            sector_copy(&inode->disk, &inode->cache, sector);
        }
    }
    disk_dirty_clear(inode);
}

struct name *disk_names_find(const struct names *names, const char *text)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].text, text) == 0) {
            return &names->items[i];
        }
    }
    return NULL;
}

static void names_remove(struct names *names, const char *text)
{
    struct name *name = disk_names_find(names, text);
    if (name != NULL) {
        free(name->text);
        *name = names->items[--names->count];
    }
}

static void names_set(struct names *names, const char *text, struct inode *inode)
{
    struct name *name = disk_names_find(names, text);
    if (name != NULL) {
        name->inode = inode;
        return;
    }
    if (names->count == names->capacity) {
        names->capacity = names->capacity * 2 + 8;
        names->items =
            test_memory_must(realloc(names->items, names->capacity * sizeof *names->items));
    }
    names->items[names->count].text = text_copy(text, strlen(text));
    names->items[names->count++].inode = inode;
}

void disk_names_clear(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i].text);
    }
    free(names->items);
    memset(names, 0, sizeof *names);
}

void disk_names_assign(struct names *to, const struct names *from)
{
    disk_names_clear(to);
    for (size_t i = 0; i < from->count; i++) {
        names_set(to, from->items[i].text, from->items[i].inode);
    }
}

static void
names_apply(struct names *names, const char *gone, const char *added, struct inode *inode)
{
    if (gone != NULL) {
        names_remove(names, gone);
    }
    if (added != NULL) {
        names_set(names, added, inode);
    }
}

/* Changes a directory in the cache and remembers the change for the disk. */
void disk_dir_change(struct inode *dir, const char *gone, const char *added, struct inode *inode)
{
    struct change *change = test_memory_must(calloc(1, sizeof *change));
    change->gone = gone != NULL ? text_copy(gone, strlen(gone)) : NULL;
    change->added = added != NULL ? text_copy(added, strlen(added)) : NULL;
    change->inode = inode;
    *dir->changes_end = change;
    dir->changes_end = &change->next;
    names_apply(&dir->names, gone, added, inode);
}

/* Writes the first `count` changes of a directory to the disk and forgets all. */
void disk_dir_flush(struct inode *dir, size_t count)
{
    struct change *change = dir->changes;
    while (change != NULL) {
        struct change *next = change->next;
        if (count > 0) {
            names_apply(&dir->disk_names, change->gone, change->added, change->inode);
            count--;
        }
        free(change->gone);
        free(change->added);
        free(change);
        change = next;
    }
    dir->changes = NULL;
    dir->changes_end = &dir->changes;
}

struct inode *disk_inode_new(struct disk *disk, uint32_t kind)
{
    struct inode *inode = test_memory_must(calloc(1, sizeof *inode));
    inode->kind = kind;
    inode->changes_end = &inode->changes;
    inode->next = disk->inodes;
    disk->inodes = inode;
    disk->inodes_count++;
    return inode;
}

void disk_inode_free(struct inode *inode)
{
    disk_names_clear(&inode->names);
    disk_names_clear(&inode->disk_names);
    disk_dir_flush(inode, 0);
    free(inode->cache.data);
    free(inode->disk.data);
    free(inode->dirty);
    free(inode);
}

static int mark(struct inode *inode)
{
    int fresh = !inode->marked;
    inode->marked = 1;
    return fresh;
}

static int mark_children(struct inode *dir)
{
    int found = 0;
    for (size_t i = 0; i < dir->names.count; i++) {
        found |= mark(dir->names.items[i].inode);
    }
    for (size_t i = 0; i < dir->disk_names.count; i++) {
        found |= mark(dir->disk_names.items[i].inode);
    }
    for (struct change *change = dir->changes; change != NULL; change = change->next) {
        found |= change->inode != NULL ? mark(change->inode) : 0;
    }
    return found;
}

/* Frees what nothing can reach any more; rounds instead of recursion. */
void disk_sweep(struct disk *disk)
{
    (void)mark(disk->root);
    int found = 1;
    while (found) {
        found = 0;
        for (struct inode *inode = disk->inodes; inode != NULL; inode = inode->next) {
            if (inode->opens_count > 0) {
                (void)mark(inode);
            }
            found |= inode->marked ? mark_children(inode) : 0;
        }
    }
    struct inode **place = &disk->inodes;
    while (*place != NULL) {
        struct inode *inode = *place;
        if (inode->marked) {
            inode->marked = 0;
            place = &inode->next;
        } else {
            *place = inode->next;
            disk->inodes_count--;
            disk_inode_free(inode);
        }
    }
    disk->sweep_at = disk->inodes_count * 2 + DISK_SWEEP_FIRST;
}

/* Some sectors of what was not synced reach the disk, and perhaps the size. */
static void file_crash_random(struct inode *inode, struct test_random *random)
{
    if (inode->size_dirty && test_random_below(random, 2) == 1) {
        image_resize(&inode->disk, inode->cache.len);
    }
    for (size_t sector = 0; sector < inode->dirty_count; sector++) {
        if (inode->dirty[sector] && test_random_below(random, 2) == 1) {
            sector_copy(&inode->disk, &inode->cache, sector);
        }
    }
}

static size_t changes_count(const struct inode *dir)
{
    size_t count = 0;
    for (const struct change *change = dir->changes; change != NULL; change = change->next) {
        count++;
    }
    return count;
}

/* What the disk holds after the power came back becomes what the cache holds. */
void disk_inode_crash(struct inode *inode, int mode, struct test_random *random)
{
    inode->locked_by = NULL;
    if (mode == TEST_MEMFS_CRASH_KILL) {
        return;
    }
    if (inode->kind == REELS_FS_KIND_FILE) {
        if (mode == TEST_MEMFS_CRASH_KEEP) {
            image_assign(&inode->disk, &inode->cache);
        } else if (mode == TEST_MEMFS_CRASH_RANDOM) {
            file_crash_random(inode, random);
        }
        image_assign(&inode->cache, &inode->disk);
        disk_dirty_clear(inode);
        return;
    }
    size_t all = changes_count(inode);
    size_t kept = mode == TEST_MEMFS_CRASH_KEEP     ? all
                  : mode == TEST_MEMFS_CRASH_RANDOM ? (size_t)test_random_below(random, all + 1)
                                                    : 0;
    disk_dir_flush(inode, kept);
    disk_names_assign(&inode->names, &inode->disk_names);
}

uint8_t *disk_image_copy(const struct image *image, size_t *out_len)
{
    uint8_t *copy = test_memory_must(malloc(image->len + 1));
    if (image->len > 0) {
        memcpy(copy, image->data, image->len);
    }
    copy[image->len] = 0;
    *out_len = image->len;
    return copy;
}
