/* The slots of the table over the model of test_disk.h, the faults, and the test's own side. */
#include "test_memfs.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "test_disk.h"
#include "test_time.h"

enum {
    NAME_BYTES_MAX = 255
};

struct open_file {
    struct inode *inode;
    uint32_t flags;
    uint64_t life; /* the crash count when it was opened */
};

struct test_memfs {
    reels_fs table;
    pthread_mutex_t lock;
    const reels_clock *clock;
    struct disk disk;
    uint64_t life;
    size_t opens_count;
    size_t maps_count;
    uint64_t bytes_max;
    uint64_t ticks;
    uint64_t ops_count;
    uint64_t syncs_count;
    uint64_t fail_at;
    uint32_t fault_flags;
    int32_t fault_errno;
};

static reels_status fail(reels_error *err, reels_status status, int32_t sys_errno, const char *what)
{
    (void)reels_error_set(err, status, 0, what);
    if (err != NULL) {
        err->sys_errno = sys_errno;
    }
    return status;
}

static int64_t now(struct test_memfs *fs)
{
    return fs->clock != NULL ? fs->clock->wall_unix_us(fs->clock->user) : (int64_t)++fs->ticks;
}

/* Paths */

/* Where a path leads: the directory, the last name in it, and what is there (NULL = nothing). */
struct place {
    struct inode *dir;
    struct inode *inode;
    char name[NAME_BYTES_MAX + 1];
};

/* Takes the next name from *path: its length, 0 at the end. */
static size_t path_step(const char **path, const char **out_name)
{
    while (**path == '/') {
        (*path)++;
    }
    size_t len = strcspn(*path, "/");
    *out_name = *path;
    *path += len;
    return len;
}

static reels_status
place_find(struct test_memfs *fs, const char *path, struct place *out, reels_error *err)
{
    memset(out, 0, sizeof *out);
    out->inode = fs->disk.root;
    const char *name = NULL;
    size_t len = 0;
    while ((len = path_step(&path, &name)) > 0) {
        if (len > NAME_BYTES_MAX ||
            (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))) {
            return fail(err, REELS_ERR_INVALID_ARG, ENAMETOOLONG, "memfs: a name that is refused");
        }
        if (out->inode == NULL || out->inode->kind != REELS_FS_KIND_DIRECTORY) {
            return fail(err, REELS_ERR_NOT_FOUND, ENOENT, "memfs: no such directory");
        }
        out->dir = out->inode;
        memcpy(out->name, name, len);
        out->name[len] = '\0';
        const struct name *found = disk_names_find(&out->dir->names, out->name);
        out->inode = found != NULL ? found->inode : NULL;
    }
    return REELS_OK;
}

/* A place with a name in a directory, so not the root; and something there when it must exist. */
static reels_status place_named(
    struct test_memfs *fs, const char *path, int must_exist, struct place *out, reels_error *err)
{
    reels_status status = place_find(fs, path, out, err);
    if (status != REELS_OK) {
        return status;
    }
    if (out->dir == NULL) {
        return fail(err, REELS_ERR_INVALID_ARG, EINVAL, "memfs: the root cannot be changed");
    }
    if (must_exist && out->inode == NULL) {
        return fail(err, REELS_ERR_NOT_FOUND, ENOENT, "memfs: no such file or directory");
    }
    return REELS_OK;
}

/* Faults */

/* Counts an operation: 0 = go on, 1 = it fails now without effect, 2 = it fails after its effect.
 */
static int op_begin(struct test_memfs *fs)
{
    (void)pthread_mutex_lock(&fs->lock);
    fs->ops_count++;
    if (fs->fail_at == 0 || fs->ops_count < fs->fail_at) {
        return 0;
    }
    if (fs->ops_count == fs->fail_at) {
        return (fs->fault_flags & TEST_MEMFS_FAULT_EFFECT) != 0 ? 2 : 1;
    }
    return (fs->fault_flags & TEST_MEMFS_FAULT_ALL_AFTER) != 0 ? 1 : 0;
}

static reels_status op_end(struct test_memfs *fs, reels_status status)
{
    (void)pthread_mutex_unlock(&fs->lock);
    return status;
}

static reels_status op_fault(struct test_memfs *fs, reels_error *err)
{
    return fail(err, REELS_ERR_IO, fs->fault_errno, "memfs: injected fault");
}

/* Opens the bracket of an operation: a fault without effect ends it, one with effect spoils its
 * end. */
#define OP_BEGIN(fs, err)                                                                          \
    int fault_ = op_begin(fs);                                                                     \
    if (fault_ == 1) {                                                                             \
        return op_end((fs), op_fault((fs), (err)));                                                \
    }

#define OP_END(fs, status, err)                                                                    \
    return op_end((fs), fault_ == 2 && (status) == REELS_OK ? op_fault((fs), (err)) : (status))

/* The inode of an open file that has lived through no crash, or NULL. */
static struct inode *live_inode(const struct test_memfs *fs, const struct open_file *file)
{
    return file->life == fs->life ? file->inode : NULL;
}

static reels_status fail_dead(reels_error *err)
{
    return fail(err, REELS_ERR_IO, EBADF, "memfs: the file was open in a crash");
}

/* Slots */

static reels_status open_find(
    struct test_memfs *fs, const char *path, uint32_t flags, struct inode **out, reels_error *err)
{
    struct place place;
    reels_status status = place_named(fs, path, (flags & REELS_FS_CREATE) == 0, &place, err);
    if (status != REELS_OK) {
        return status;
    }
    if (place.inode != NULL && (flags & REELS_FS_EXCLUSIVE) != 0) {
        return fail(err, REELS_ERR_EXISTS, EEXIST, "memfs: it exists");
    }
    if (place.inode != NULL && place.inode->kind != REELS_FS_KIND_FILE) {
        return fail(err, REELS_ERR_IO, EISDIR, "memfs: not a file");
    }
    if (place.inode == NULL) {
        place.inode = disk_inode_new(&fs->disk, REELS_FS_KIND_FILE);
        place.inode->modified_unix_us = now(fs);
        disk_dir_change(place.dir, NULL, place.name, place.inode);
    }
    if ((flags & REELS_FS_TRUNCATE) != 0) {
        disk_file_resize(place.inode, 0);
    }
    *out = place.inode;
    return REELS_OK;
}

static int open_flags_valid(uint32_t flags)
{
    int writes = (flags & REELS_FS_WRITE) != 0;
    int creates = (flags & REELS_FS_CREATE) != 0;
    return (writes || (flags & REELS_FS_READ) != 0) &&
           (writes || (flags & (REELS_FS_CREATE | REELS_FS_TRUNCATE)) == 0) &&
           (creates || (flags & REELS_FS_EXCLUSIVE) == 0);
}

static reels_status
memfs_open(void *user, const char *path, uint32_t flags, void **out_file, reels_error *err)
{
    struct test_memfs *fs = user;
    *out_file = NULL;
    OP_BEGIN(fs, err)
    struct inode *inode = NULL;
    reels_status status = REELS_OK;
    if (!open_flags_valid(flags)) {
        status = fail(err, REELS_ERR_INVALID_ARG, EINVAL, "memfs: flags that make no sense");
    } else {
        status = open_find(fs, path, flags, &inode, err);
    }
    if (status == REELS_OK && fault_ == 0) {
        struct open_file *file = test_memory_must(calloc(1, sizeof *file));
        file->inode = inode;
        file->flags = flags;
        file->life = fs->life;
        inode->opens_count++;
        fs->opens_count++;
        *out_file = file;
    }
    if (fs->disk.inodes_count > fs->disk.sweep_at) {
        disk_sweep(&fs->disk);
    }
    OP_END(fs, status, err);
}

static void memfs_close(void *user, void *handle)
{
    struct test_memfs *fs = user;
    struct open_file *file = handle;
    if (file == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&fs->lock);
    if (file->inode->locked_by == file) {
        file->inode->locked_by = NULL;
    }
    file->inode->opens_count--;
    fs->opens_count--;
    free(file);
    (void)pthread_mutex_unlock(&fs->lock);
}

static reels_status memfs_read_at(void *user,
                                  void *handle,
                                  uint64_t offset,
                                  uint8_t *data,
                                  size_t len,
                                  size_t *out_len,
                                  reels_error *err)
{
    struct test_memfs *fs = user;
    const struct open_file *file = handle;
    OP_BEGIN(fs, err)
    const struct inode *inode = live_inode(fs, file);
    reels_status status = REELS_OK;
    if (inode == NULL) {
        status = fail_dead(err);
    } else if ((file->flags & REELS_FS_READ) == 0) {
        status = fail(err, REELS_ERR_IO, EBADF, "memfs: not open for reading");
    } else {
        size_t left = offset < inode->cache.len ? inode->cache.len - (size_t)offset : 0;
        size_t n = len < left ? len : left;
        if (n > 0) {
            memcpy(data, inode->cache.data + offset, n);
        }
        *out_len = n;
    }
    OP_END(fs, status, err);
}

static uint64_t bytes_used(const struct test_memfs *fs)
{
    uint64_t sum = 0;
    for (const struct inode *inode = fs->disk.inodes; inode != NULL; inode = inode->next) {
        sum += inode->cache.len;
    }
    return sum;
}

/* 1 when a file may grow to len. */
static int has_room(const struct test_memfs *fs, const struct inode *inode, uint64_t len)
{
    return fs->bytes_max == 0 || len <= inode->cache.len ||
           bytes_used(fs) + (len - inode->cache.len) <= fs->bytes_max;
}

static reels_status memfs_write_at(
    void *user, void *handle, uint64_t offset, const uint8_t *data, size_t len, reels_error *err)
{
    struct test_memfs *fs = user;
    const struct open_file *file = handle;
    OP_BEGIN(fs, err)
    struct inode *inode = live_inode(fs, file);
    reels_status status = REELS_OK;
    /* A write that fails with effect has written its first half. */
    size_t n = fault_ == 2 ? len / 2 : len;
    if (inode == NULL) {
        status = fail_dead(err);
    } else if ((file->flags & REELS_FS_WRITE) == 0) {
        status = fail(err, REELS_ERR_IO, EBADF, "memfs: not open for writing");
    } else if (offset > SIZE_MAX / 2 || n > SIZE_MAX / 2 - offset) {
        status = fail(err, REELS_ERR_INVALID_ARG, EFBIG, "memfs: too large");
    } else if (!has_room(fs, inode, offset + n)) {
        status = fail(err, REELS_ERR_IO, ENOSPC, "memfs: the disk is full");
    } else if (n > 0) {
        size_t start = (size_t)offset;
        if (start + n > inode->cache.len) {
            disk_file_resize(inode, start + n);
        }
        memcpy(inode->cache.data + start, data, n);
        disk_dirty_mark(inode, start, start + n);
        inode->modified_unix_us = now(fs);
    }
    OP_END(fs, status, err);
}

static reels_status memfs_sync(void *user, void *handle, reels_error *err)
{
    struct test_memfs *fs = user;
    int fault = op_begin(fs);
    fs->syncs_count++;
    struct inode *inode = live_inode(fs, handle);
    reels_status status = REELS_OK;
    if (inode == NULL) {
        status = fail_dead(err);
    } else if (fault == 1) {
        /* What was dirty is lost to later syncs: it stays in the cache only. */
        disk_dirty_clear(inode);
    } else {
        disk_file_flush(inode);
    }
    return op_end(fs, fault != 0 ? op_fault(fs, err) : status);
}

static reels_status memfs_truncate(void *user, void *handle, uint64_t size_bytes, reels_error *err)
{
    struct test_memfs *fs = user;
    const struct open_file *file = handle;
    OP_BEGIN(fs, err)
    struct inode *inode = live_inode(fs, file);
    reels_status status = REELS_OK;
    if (inode == NULL) {
        status = fail_dead(err);
    } else if ((file->flags & REELS_FS_WRITE) == 0 || size_bytes > SIZE_MAX / 2) {
        status = fail(err, REELS_ERR_IO, EINVAL, "memfs: cannot truncate");
    } else if (!has_room(fs, inode, size_bytes)) {
        status = fail(err, REELS_ERR_IO, ENOSPC, "memfs: the disk is full");
    } else {
        disk_file_resize(inode, (size_t)size_bytes);
        inode->modified_unix_us = now(fs);
    }
    OP_END(fs, status, err);
}

static void info_fill(const struct inode *inode, reels_fs_info *out)
{
    memset(out, 0, sizeof *out);
    out->kind = inode->kind;
    out->size_bytes = inode->cache.len;
    out->modified_unix_us = inode->modified_unix_us;
}

static reels_status
memfs_file_info(void *user, void *handle, reels_fs_info *out_info, reels_error *err)
{
    struct test_memfs *fs = user;
    OP_BEGIN(fs, err)
    const struct inode *inode = live_inode(fs, handle);
    reels_status status = REELS_OK;
    if (inode == NULL) {
        status = fail_dead(err);
    } else {
        info_fill(inode, out_info);
    }
    OP_END(fs, status, err);
}

static reels_status memfs_lock(void *user, void *handle, reels_error *err)
{
    struct test_memfs *fs = user;
    OP_BEGIN(fs, err)
    struct inode *inode = live_inode(fs, handle);
    reels_status status = REELS_OK;
    if (inode == NULL) {
        status = fail_dead(err);
    } else if (inode->locked_by != NULL && inode->locked_by != handle) {
        status = fail(err, REELS_ERR_BUSY, EAGAIN, "memfs: locked by another open");
    } else {
        inode->locked_by = handle;
    }
    OP_END(fs, status, err);
}

/* A map is a copy: what is mapped is never changed by its writers. */
static reels_status
memfs_map(void *user, void *handle, uint64_t size_bytes, const uint8_t **out_data, reels_error *err)
{
    struct test_memfs *fs = user;
    OP_BEGIN(fs, err)
    const struct inode *inode = live_inode(fs, handle);
    reels_status status = REELS_OK;
    if (inode == NULL) {
        status = fail_dead(err);
    } else if (size_bytes == 0 || size_bytes > inode->cache.len) {
        status = fail(err, REELS_ERR_INVALID_ARG, EINVAL, "memfs: the map passes the end");
    } else if (fault_ == 0) {
        uint8_t *copy = test_memory_must(malloc((size_t)size_bytes));
        memcpy(copy, inode->cache.data, (size_t)size_bytes);
        *out_data = copy;
        fs->maps_count++;
    }
    OP_END(fs, status, err);
}

static void memfs_unmap(void *user, const uint8_t *data, uint64_t size_bytes)
{
    struct test_memfs *fs = user;
    (void)size_bytes;
    (void)pthread_mutex_lock(&fs->lock);
    fs->maps_count--;
    (void)pthread_mutex_unlock(&fs->lock);
    free((void *)(uintptr_t)data);
}

static reels_status
memfs_info(void *user, const char *path, reels_fs_info *out_info, reels_error *err)
{
    struct test_memfs *fs = user;
    OP_BEGIN(fs, err)
    struct place place;
    reels_status status = place_find(fs, path, &place, err);
    if (status == REELS_OK && place.inode == NULL) {
        status = fail(err, REELS_ERR_NOT_FOUND, ENOENT, "memfs: no such file or directory");
    }
    if (status == REELS_OK) {
        info_fill(place.inode, out_info);
    }
    OP_END(fs, status, err);
}

/* 1 when `dir` is `top` or lies below it. */
static int is_below(const struct inode *top, const struct test_memfs *fs, const char *path)
{
    struct inode *at = fs->disk.root;
    const char *name = NULL;
    size_t len = 0;
    while (at != top && at != NULL && (len = path_step(&path, &name)) > 0) {
        char text[NAME_BYTES_MAX + 1];
        memcpy(text, name, len);
        text[len] = '\0';
        const struct name *found = disk_names_find(&at->names, text);
        at = found != NULL ? found->inode : NULL;
    }
    return at == top;
}

static reels_status rename_allowed(const struct test_memfs *fs,
                                   const struct place *from,
                                   const struct place *to,
                                   const char *to_path,
                                   reels_error *err)
{
    if (from->inode->kind == REELS_FS_KIND_DIRECTORY && is_below(from->inode, fs, to_path)) {
        return fail(err, REELS_ERR_IO, EINVAL, "memfs: a directory cannot move into itself");
    }
    if (to->inode != NULL && to->inode->kind != from->inode->kind) {
        return fail(err, REELS_ERR_IO, EISDIR, "memfs: a file and a directory");
    }
    if (to->inode != NULL && to->inode->names.count > 0) {
        return fail(err, REELS_ERR_STATE, ENOTEMPTY, "memfs: the directory is not empty");
    }
    return REELS_OK;
}

static reels_status memfs_rename(void *user, const char *from, const char *to, reels_error *err)
{
    struct test_memfs *fs = user;
    OP_BEGIN(fs, err)
    struct place source;
    struct place target;
    reels_status status = place_named(fs, from, 1, &source, err);
    if (status == REELS_OK) {
        status = place_named(fs, to, 0, &target, err);
    }
    if (status == REELS_OK && source.inode != target.inode) {
        status = rename_allowed(fs, &source, &target, to, err);
        if (status == REELS_OK && source.dir == target.dir) {
            disk_dir_change(source.dir, source.name, target.name, source.inode);
        } else if (status == REELS_OK) {
            disk_dir_change(target.dir, NULL, target.name, source.inode);
            disk_dir_change(source.dir, source.name, NULL, NULL);
        }
    }
    OP_END(fs, status, err);
}

static reels_status memfs_link(void *user, const char *from, const char *to, reels_error *err)
{
    struct test_memfs *fs = user;
    OP_BEGIN(fs, err)
    struct place source;
    struct place target;
    reels_status status = place_named(fs, from, 1, &source, err);
    if (status == REELS_OK) {
        status = place_named(fs, to, 0, &target, err);
    }
    if (status == REELS_OK && target.inode != NULL) {
        status = fail(err, REELS_ERR_EXISTS, EEXIST, "memfs: it exists");
    } else if (status == REELS_OK && source.inode->kind != REELS_FS_KIND_FILE) {
        status = fail(err, REELS_ERR_IO, EPERM, "memfs: not a file");
    } else if (status == REELS_OK) {
        disk_dir_change(target.dir, NULL, target.name, source.inode);
    }
    OP_END(fs, status, err);
}

static reels_status memfs_remove(void *user, const char *path, reels_error *err)
{
    struct test_memfs *fs = user;
    OP_BEGIN(fs, err)
    struct place place;
    reels_status status = place_named(fs, path, 1, &place, err);
    if (status == REELS_OK && place.inode->names.count > 0) {
        status = fail(err, REELS_ERR_STATE, ENOTEMPTY, "memfs: the directory is not empty");
    } else if (status == REELS_OK) {
        disk_dir_change(place.dir, place.name, NULL, NULL);
    }
    OP_END(fs, status, err);
}

static reels_status memfs_make_dir(void *user, const char *path, reels_error *err)
{
    struct test_memfs *fs = user;
    OP_BEGIN(fs, err)
    struct place place;
    reels_status status = place_find(fs, path, &place, err);
    if (status == REELS_OK && place.inode != NULL) {
        status = fail(err, REELS_ERR_EXISTS, EEXIST, "memfs: it exists");
    } else if (status == REELS_OK) {
        struct inode *dir = disk_inode_new(&fs->disk, REELS_FS_KIND_DIRECTORY);
        dir->modified_unix_us = now(fs);
        disk_dir_change(place.dir, NULL, place.name, dir);
    }
    OP_END(fs, status, err);
}

static reels_status memfs_sync_dir(void *user, const char *path, reels_error *err)
{
    struct test_memfs *fs = user;
    OP_BEGIN(fs, err)
    fs->syncs_count++;
    struct place place;
    reels_status status = place_find(fs, path, &place, err);
    if (status == REELS_OK &&
        (place.inode == NULL || place.inode->kind != REELS_FS_KIND_DIRECTORY)) {
        status = fail(err, REELS_ERR_NOT_FOUND, ENOENT, "memfs: no such directory");
    } else if (status == REELS_OK) {
        disk_dir_flush(place.inode, SIZE_MAX);
    }
    OP_END(fs, status, err);
}

/* Copies the names first, so that no lock is held while the caller is told of them. */
static reels_status memfs_list(
    void *user, const char *path, reels_fs_entry_fn entry, void *entry_user, reels_error *err)
{
    struct test_memfs *fs = user;
    OP_BEGIN(fs, err)
    struct place place;
    reels_status status = place_find(fs, path, &place, err);
    if (status == REELS_OK &&
        (place.inode == NULL || place.inode->kind != REELS_FS_KIND_DIRECTORY)) {
        status = fail(err, REELS_ERR_NOT_FOUND, ENOENT, "memfs: no such directory");
    }
    if (status != REELS_OK || fault_ != 0) {
        OP_END(fs, status, err);
    }
    struct names names = {0};
    disk_names_assign(&names, &place.inode->names);
    reels_fs_info *infos = test_memory_must(calloc(names.count + 1, sizeof *infos));
    for (size_t i = 0; i < names.count; i++) {
        info_fill(names.items[i].inode, &infos[i]);
    }
    (void)op_end(fs, REELS_OK);
    for (size_t i = 0; i < names.count && status == REELS_OK; i++) {
        status = entry(entry_user, names.items[i].text, &infos[i]);
    }
    disk_names_clear(&names);
    free(infos);
    return status;
}

/* The test's own side */

static const reels_fs memfs_table = {
    .struct_size = sizeof(reels_fs),
    .open = memfs_open,
    .close = memfs_close,
    .read_at = memfs_read_at,
    .write_at = memfs_write_at,
    .sync = memfs_sync,
    .truncate = memfs_truncate,
    .file_info = memfs_file_info,
    .lock = memfs_lock,
    .map = memfs_map,
    .unmap = memfs_unmap,
    .info = memfs_info,
    .rename = memfs_rename,
    .link = memfs_link,
    .remove = memfs_remove,
    .make_dir = memfs_make_dir,
    .sync_dir = memfs_sync_dir,
    .list = memfs_list,
};

struct test_memfs *test_memfs_new(uint32_t flags, const reels_clock *clock)
{
    struct test_memfs *fs = test_memory_must(calloc(1, sizeof *fs));
    (void)pthread_mutex_init(&fs->lock, NULL);
    fs->table = memfs_table;
    fs->table.user = fs;
    if ((flags & TEST_MEMFS_NO_MAP) != 0) {
        fs->table.map = NULL;
        fs->table.unmap = NULL;
    }
    if ((flags & TEST_MEMFS_NO_LINK) != 0) {
        fs->table.link = NULL;
    }
    fs->clock = clock;
    fs->disk.sweep_at = DISK_SWEEP_FIRST;
    fs->disk.root = disk_inode_new(&fs->disk, REELS_FS_KIND_DIRECTORY);
    return fs;
}

void test_memfs_free(struct test_memfs *fs)
{
    if (fs == NULL) {
        return;
    }
    while (fs->disk.inodes != NULL) {
        struct inode *inode = fs->disk.inodes;
        fs->disk.inodes = inode->next;
        disk_inode_free(inode);
    }
    (void)pthread_mutex_destroy(&fs->lock);
    free(fs);
}

const reels_fs *test_memfs_table(const struct test_memfs *fs)
{
    return &fs->table;
}

void test_memfs_fail(struct test_memfs *fs, uint64_t nth, uint32_t fault_flags, int32_t sys_errno)
{
    (void)pthread_mutex_lock(&fs->lock);
    fs->ops_count = 0;
    fs->syncs_count = 0;
    fs->fail_at = nth;
    fs->fault_flags = fault_flags;
    fs->fault_errno = sys_errno;
    (void)pthread_mutex_unlock(&fs->lock);
}

static uint64_t number_get(struct test_memfs *fs, const uint64_t *number)
{
    (void)pthread_mutex_lock(&fs->lock);
    uint64_t value = *number;
    (void)pthread_mutex_unlock(&fs->lock);
    return value;
}

static size_t size_get(struct test_memfs *fs, const size_t *number)
{
    (void)pthread_mutex_lock(&fs->lock);
    size_t value = *number;
    (void)pthread_mutex_unlock(&fs->lock);
    return value;
}

uint64_t test_memfs_ops_count(struct test_memfs *fs)
{
    return number_get(fs, &fs->ops_count);
}

uint64_t test_memfs_syncs_count(struct test_memfs *fs)
{
    return number_get(fs, &fs->syncs_count);
}

size_t test_memfs_open_count(struct test_memfs *fs)
{
    return size_get(fs, &fs->opens_count);
}

size_t test_memfs_maps_count(struct test_memfs *fs)
{
    return size_get(fs, &fs->maps_count);
}

void test_memfs_crash(struct test_memfs *fs, int mode, uint64_t seed)
{
    struct test_random random;
    test_random_init(&random, seed);
    (void)pthread_mutex_lock(&fs->lock);
    for (struct inode *inode = fs->disk.inodes; inode != NULL; inode = inode->next) {
        disk_inode_crash(inode, mode, &random);
    }
    fs->life++;
    fs->fail_at = 0;
    fs->ops_count = 0;
    fs->syncs_count = 0;
    disk_sweep(&fs->disk);
    (void)pthread_mutex_unlock(&fs->lock);
}

void test_memfs_limit(struct test_memfs *fs, uint64_t bytes_max)
{
    (void)pthread_mutex_lock(&fs->lock);
    fs->bytes_max = bytes_max;
    (void)pthread_mutex_unlock(&fs->lock);
}

size_t test_memfs_entries_count(struct test_memfs *fs)
{
    size_t count = 0;
    (void)pthread_mutex_lock(&fs->lock);
    disk_sweep(&fs->disk);
    for (const struct inode *inode = fs->disk.inodes; inode != NULL; inode = inode->next) {
        count += inode->names.count;
    }
    (void)pthread_mutex_unlock(&fs->lock);
    return count;
}

int test_memfs_corrupt(struct test_memfs *fs, const char *path, uint64_t offset, uint8_t bits)
{
    struct place place;
    (void)pthread_mutex_lock(&fs->lock);
    int found = place_find(fs, path, &place, NULL) == REELS_OK && place.inode != NULL &&
                offset < place.inode->cache.len;
    if (found) {
        place.inode->cache.data[offset] ^= bits;
        if (offset < place.inode->disk.len) {
            place.inode->disk.data[offset] ^= bits;
        }
    }
    (void)pthread_mutex_unlock(&fs->lock);
    return found;
}

uint8_t *test_memfs_read(struct test_memfs *fs, const char *path, size_t *out_len)
{
    struct place place;
    uint8_t *copy = NULL;
    (void)pthread_mutex_lock(&fs->lock);
    if (place_find(fs, path, &place, NULL) == REELS_OK && place.inode != NULL &&
        place.inode->kind == REELS_FS_KIND_FILE) {
        copy = disk_image_copy(&place.inode->cache, out_len);
    }
    (void)pthread_mutex_unlock(&fs->lock);
    return copy;
}

/* Walks the names that are on the disk. */
static const struct inode *durable_find(const struct test_memfs *fs, const char *path)
{
    const struct inode *at = fs->disk.root;
    const char *name = NULL;
    size_t len = 0;
    while (at != NULL && (len = path_step(&path, &name)) > 0 && len <= NAME_BYTES_MAX) {
        char text[NAME_BYTES_MAX + 1];
        memcpy(text, name, len);
        text[len] = '\0';
        const struct name *found = disk_names_find(&at->disk_names, text);
        at = found != NULL ? found->inode : NULL;
    }
    return at;
}

uint8_t *test_memfs_read_durable(struct test_memfs *fs, const char *path, size_t *out_len)
{
    uint8_t *copy = NULL;
    (void)pthread_mutex_lock(&fs->lock);
    const struct inode *inode = durable_find(fs, path);
    if (inode != NULL && inode->kind == REELS_FS_KIND_FILE) {
        copy = disk_image_copy(&inode->disk, out_len);
    }
    (void)pthread_mutex_unlock(&fs->lock);
    return copy;
}
