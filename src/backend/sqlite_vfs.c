/* Owns the VFS of a store. SQLite's files go through the context's file system; its locks and its
 * shared memory stay in this process, which is all that is needed since the main file is locked
 * against every other one for as long as the store is open. Each connection has file handles of its
 * own, so that calls on one handle never overlap.
 *
 * Invariants: `locks` guards the lock levels and the shared memory of all connections and is held
 * for no call of the host but the allocator's; a name is made durable (sync_dir) by the first sync
 * of its file. */
#include "sqlite_vfs.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    VFS_NAME_BYTES = 64,
    PATH_NAME_MAX = 64,     /* of the internal names */
    SECTOR_BYTES = 4096,    /* what a torn write may touch; as SQLite's own VFS has it */
    SHM_REGIONS_MAX = 65536 /* 32 KiB each: a log of some 1 TiB */
};

/* The wal-index and its locks, shared by the connections of this process. */
struct shared_memory {
    uint8_t **regions;
    int regions_count;
    int region_bytes;
    int users_count;
    int locks[SQLITE_SHM_NLOCK]; /* > 0: shared holders; -1: one exclusive holder */
};

struct reels__sqlite_vfs {
    sqlite3_vfs base;
    reels_ctx *ctx;
    void *guard; /* handle that holds the lock of the main file */
    char *path;
    char *directory;
    char name[VFS_NAME_BYTES];
    atomic_int last_errno;
    pthread_mutex_t locks;
    int shared_count; /* connections at SHARED or above */
    const void *reserved;
    const void *exclusive; /* holds PENDING or EXCLUSIVE */
    struct shared_memory shm;
};

/* An open file of one connection. */
struct file {
    sqlite3_file base;
    reels__sqlite_vfs *vfs;
    void *handle;
    int level;           /* SQLITE_LOCK_* */
    int name_is_pending; /* its directory has not been synced since it was opened */
    uint16_t shm_shared; /* masks of the locks this connection holds */
    uint16_t shm_exclusive;
    int has_shm;
};

static struct file *file_of(sqlite3_file *base)
{
    return (struct file *)(void *)base;
}

static reels__sqlite_vfs *vfs_of(sqlite3_vfs *base)
{
    return base->pAppData;
}

/* Keeps the errno of a failure and gives SQLite's number for it. */
static int failed(reels__sqlite_vfs *vfs, reels_status status, const reels_error *err, int code)
{
    if (status == REELS_ERR_NO_MEMORY) {
        return SQLITE_IOERR_NOMEM;
    }
    atomic_store(&vfs->last_errno, err->sys_errno != 0 ? err->sys_errno : EIO);
    if (code == SQLITE_IOERR_WRITE && (err->sys_errno == ENOSPC || err->sys_errno == EDQUOT)) {
        return SQLITE_FULL;
    }
    return code;
}

/* ---- files ---- */

static int file_close(sqlite3_file *base)
{
    struct file *file = file_of(base);
    const reels_fs *fs = &file->vfs->ctx->fs;
    if (file->handle != NULL) {
        fs->close(fs->user, file->handle);
        file->handle = NULL;
    }
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *data, int len, sqlite3_int64 offset)
{
    struct file *file = file_of(base);
    const reels_fs *fs = &file->vfs->ctx->fs;
    reels_error err = REELS__ERROR_INIT;
    size_t got = 0;
    reels_status status =
        fs->read_at(fs->user, file->handle, (uint64_t)offset, data, (size_t)len, &got, &err);
    if (status < 0) {
        return failed(file->vfs, status, &err, SQLITE_IOERR_READ);
    }
    if (got < (size_t)len) {
        memset((uint8_t *)data + got, 0, (size_t)len - got);
        return SQLITE_IOERR_SHORT_READ;
    }
    return SQLITE_OK;
}

static int file_write(sqlite3_file *base, const void *data, int len, sqlite3_int64 offset)
{
    struct file *file = file_of(base);
    const reels_fs *fs = &file->vfs->ctx->fs;
    reels_error err = REELS__ERROR_INIT;
    reels_status status =
        fs->write_at(fs->user, file->handle, (uint64_t)offset, data, (size_t)len, &err);
    return status < 0 ? failed(file->vfs, status, &err, SQLITE_IOERR_WRITE) : SQLITE_OK;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct file *file = file_of(base);
    const reels_fs *fs = &file->vfs->ctx->fs;
    reels_error err = REELS__ERROR_INIT;
    reels_status status = fs->truncate(fs->user, file->handle, (uint64_t)size, &err);
    return status < 0 ? failed(file->vfs, status, &err, SQLITE_IOERR_TRUNCATE) : SQLITE_OK;
}

static int file_sync(sqlite3_file *base, int flags)
{
    (void)flags;
    struct file *file = file_of(base);
    const reels_fs *fs = &file->vfs->ctx->fs;
    reels_error err = REELS__ERROR_INIT;
    reels_status status = fs->sync(fs->user, file->handle, &err);
    if (status < 0) {
        return failed(file->vfs, status, &err, SQLITE_IOERR_FSYNC);
    }
    if (file->name_is_pending) {
        status = fs->sync_dir(fs->user, file->vfs->directory, &err);
        if (status < 0) {
            return failed(file->vfs, status, &err, SQLITE_IOERR_DIR_FSYNC);
        }
        file->name_is_pending = 0;
    }
    return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *out_size)
{
    struct file *file = file_of(base);
    const reels_fs *fs = &file->vfs->ctx->fs;
    reels_error err = REELS__ERROR_INIT;
    reels_fs_info info = {0};
    reels_status status = fs->file_info(fs->user, file->handle, &info, &err);
    if (status < 0) {
        return failed(file->vfs, status, &err, SQLITE_IOERR_FSTAT);
    }
    *out_size = (sqlite3_int64)info.size_bytes;
    return SQLITE_OK;
}

/* ---- locks of the main file, among the connections of this process ---- */

static int file_lock(sqlite3_file *base, int level)
{
    struct file *file = file_of(base);
    reels__sqlite_vfs *vfs = file->vfs;
    if (file->level >= level) {
        return SQLITE_OK;
    }
    int result = SQLITE_OK;
    pthread_mutex_lock(&vfs->locks);
    if (vfs->exclusive != NULL && vfs->exclusive != file) {
        result = SQLITE_BUSY;
    } else if (level == SQLITE_LOCK_SHARED) {
        vfs->shared_count++;
        file->level = level;
    } else if (vfs->reserved != NULL && vfs->reserved != file) {
        result = SQLITE_BUSY;
    } else {
        vfs->reserved = file;
        file->level = SQLITE_LOCK_RESERVED;
        if (level == SQLITE_LOCK_EXCLUSIVE) {
            /* PENDING: no new reader comes, and the last one to leave opens the way. */
            vfs->exclusive = file;
            file->level = SQLITE_LOCK_PENDING;
            result = vfs->shared_count > 1 ? SQLITE_BUSY : SQLITE_OK;
            file->level = result == SQLITE_OK ? level : file->level;
        }
    }
    pthread_mutex_unlock(&vfs->locks);
    return result;
}

static int file_unlock(sqlite3_file *base, int level)
{
    struct file *file = file_of(base);
    reels__sqlite_vfs *vfs = file->vfs;
    if (file->level <= level) {
        return SQLITE_OK;
    }
    pthread_mutex_lock(&vfs->locks);
    vfs->reserved = vfs->reserved == file ? NULL : vfs->reserved;
    vfs->exclusive = vfs->exclusive == file ? NULL : vfs->exclusive;
    if (level == SQLITE_LOCK_NONE) {
        vfs->shared_count--;
    }
    file->level = level;
    pthread_mutex_unlock(&vfs->locks);
    return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *base, int *out_reserved)
{
    reels__sqlite_vfs *vfs = file_of(base)->vfs;
    pthread_mutex_lock(&vfs->locks);
    *out_reserved = vfs->reserved != NULL;
    pthread_mutex_unlock(&vfs->locks);
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int op, void *arg)
{
    (void)base;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *base)
{
    (void)base;
    return SECTOR_BYTES;
}

static int file_characteristics(sqlite3_file *base)
{
    (void)base;
    /* A write that is torn by a power cut leaves the bytes beside it alone. */
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ---- shared memory ---- */

/* Under the lock. */
static int regions_grow(reels__sqlite_vfs *vfs, int count, int region_bytes)
{
    struct shared_memory *shm = &vfs->shm;
    if (count > SHM_REGIONS_MAX || region_bytes <= 0) {
        return SQLITE_IOERR_SHMSIZE;
    }
    uint8_t **regions = reels__mem_realloc(vfs->ctx, shm->regions, (size_t)count * sizeof *regions);
    if (regions == NULL) {
        return SQLITE_IOERR_NOMEM;
    }
    shm->regions = regions;
    shm->region_bytes = region_bytes;
    while (shm->regions_count < count) {
        regions[shm->regions_count] = reels__mem_zalloc(vfs->ctx, (size_t)region_bytes);
        if (regions[shm->regions_count] == NULL) {
            return SQLITE_IOERR_NOMEM;
        }
        shm->regions_count++;
    }
    return SQLITE_OK;
}

/* Under the lock. */
static void regions_free(reels__sqlite_vfs *vfs)
{
    for (int i = 0; i < vfs->shm.regions_count; i++) {
        reels__mem_free(vfs->ctx, vfs->shm.regions[i]);
    }
    reels__mem_free(vfs->ctx, vfs->shm.regions);
    memset(&vfs->shm, 0, sizeof vfs->shm);
}

static int
file_shm_map(sqlite3_file *base, int region, int region_bytes, int extend, void volatile **out)
{
    struct file *file = file_of(base);
    reels__sqlite_vfs *vfs = file->vfs;
    int result = SQLITE_OK;
    *out = NULL;
    pthread_mutex_lock(&vfs->locks);
    if (!file->has_shm) {
        file->has_shm = 1;
        vfs->shm.users_count++;
    }
    if (region >= vfs->shm.regions_count && extend) {
        result = regions_grow(vfs, region + 1, region_bytes);
    }
    if (result == SQLITE_OK && region < vfs->shm.regions_count) {
        *out = vfs->shm.regions[region];
    }
    pthread_mutex_unlock(&vfs->locks);
    return result;
}

/* Whether this connection may take what it does not hold yet. Under the lock. */
static int shm_is_free(const reels__sqlite_vfs *vfs, int first, int count, int exclusive)
{
    for (int i = first; i < first + count; i++) {
        int held = vfs->shm.locks[i];
        if (held < 0 || (exclusive && held > 0)) {
            return 0;
        }
    }
    return 1;
}

static void shm_release(struct file *file, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        uint16_t bit = (uint16_t)(1u << i);
        if ((file->shm_exclusive & bit) != 0) {
            file->vfs->shm.locks[i] = 0;
        } else if ((file->shm_shared & bit) != 0) {
            file->vfs->shm.locks[i]--;
        }
        file->shm_exclusive = (uint16_t)(file->shm_exclusive & ~bit);
        file->shm_shared = (uint16_t)(file->shm_shared & ~bit);
    }
}

static int file_shm_lock(sqlite3_file *base, int first, int count, int flags)
{
    struct file *file = file_of(base);
    reels__sqlite_vfs *vfs = file->vfs;
    uint16_t mask = (uint16_t)(((1u << count) - 1) << first);
    int exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    int result = SQLITE_OK;
    pthread_mutex_lock(&vfs->locks);
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
        shm_release(file, first, count);
    } else if ((file->shm_exclusive & mask) == mask ||
               (!exclusive && (file->shm_shared & mask) == mask)) {
        result = SQLITE_OK; /* held already */
    } else if (!shm_is_free(vfs, first, count, exclusive)) {
        result = SQLITE_BUSY;
    } else {
        for (int i = first; i < first + count; i++) {
            vfs->shm.locks[i] = exclusive ? -1 : vfs->shm.locks[i] + 1;
        }
        file->shm_exclusive = (uint16_t)(file->shm_exclusive | (exclusive ? mask : 0));
        file->shm_shared = (uint16_t)(file->shm_shared | (exclusive ? 0 : mask));
    }
    pthread_mutex_unlock(&vfs->locks);
    return result;
}

static void file_shm_barrier(sqlite3_file *base)
{
    reels__sqlite_vfs *vfs = file_of(base)->vfs;
    atomic_thread_fence(memory_order_seq_cst);
    /* A lock taken is a barrier on every machine, and one that tools can see. */
    pthread_mutex_lock(&vfs->locks);
    pthread_mutex_unlock(&vfs->locks);
}

static int file_shm_unmap(sqlite3_file *base, int remove)
{
    (void)remove;
    struct file *file = file_of(base);
    reels__sqlite_vfs *vfs = file->vfs;
    pthread_mutex_lock(&vfs->locks);
    if (file->has_shm) {
        shm_release(file, 0, SQLITE_SHM_NLOCK);
        file->has_shm = 0;
        vfs->shm.users_count--;
        if (vfs->shm.users_count == 0) {
            regions_free(vfs);
        }
    }
    pthread_mutex_unlock(&vfs->locks);
    return SQLITE_OK;
}

static const sqlite3_io_methods FILE_METHODS = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* ---- the VFS ---- */

/* Path of one of the store's files, allocated: internal names begin with REELS__SQLITE_FILE. NULL
 * for another name or when memory is refused. */
static char *path_of(const reels__sqlite_vfs *vfs, const char *name)
{
    size_t base_len = strlen(REELS__SQLITE_FILE);
    if (name == NULL || strncmp(name, REELS__SQLITE_FILE, base_len) != 0) {
        return NULL;
    }
    const char *suffix = name + base_len;
    size_t path_len = strlen(vfs->path);
    size_t suffix_len = strlen(suffix);
    char *path = reels__mem_alloc(vfs->ctx, path_len + suffix_len + 1);
    if (path != NULL) {
        memcpy(path, vfs->path, path_len);
        memcpy(path + path_len, suffix, suffix_len + 1);
    }
    return path;
}

static int
vfs_open(sqlite3_vfs *base, const char *name, sqlite3_file *out, int flags, int *out_flags)
{
    reels__sqlite_vfs *vfs = vfs_of(base);
    const reels_fs *fs = &vfs->ctx->fs;
    struct file *file = file_of(out);
    memset(file, 0, sizeof *file);
    char *path = path_of(vfs, name);
    if (path == NULL) {
        /* SQLite keeps its temporary data in memory; it has no other files. */
        return name == NULL ? SQLITE_CANTOPEN : SQLITE_IOERR_NOMEM;
    }
    int creates = (flags & SQLITE_OPEN_CREATE) != 0;
    uint32_t fs_flags = REELS_FS_READ;
    fs_flags |= (flags & SQLITE_OPEN_READWRITE) != 0 ? REELS_FS_WRITE : 0u;
    fs_flags |= creates ? REELS_FS_CREATE : 0u;
    reels_error err = REELS__ERROR_INIT;
    reels_status status = fs->open(fs->user, path, fs_flags, &file->handle, &err);
    reels__mem_free(vfs->ctx, path);
    if (status < 0) {
        return failed(vfs, status, &err, SQLITE_CANTOPEN);
    }
    file->base.pMethods = &FILE_METHODS;
    file->vfs = vfs;
    file->name_is_pending = creates && (flags & SQLITE_OPEN_MAIN_DB) == 0;
    if (out_flags != NULL) {
        *out_flags = flags;
    }
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *base, const char *name, int sync_directory)
{
    reels__sqlite_vfs *vfs = vfs_of(base);
    const reels_fs *fs = &vfs->ctx->fs;
    char *path = path_of(vfs, name);
    if (path == NULL) {
        return SQLITE_IOERR_NOMEM;
    }
    reels_error err = REELS__ERROR_INIT;
    reels_status status = fs->remove(fs->user, path, &err);
    reels__mem_free(vfs->ctx, path);
    if (status == REELS_ERR_NOT_FOUND) {
        return SQLITE_IOERR_DELETE_NOENT;
    }
    if (status < 0) {
        return failed(vfs, status, &err, SQLITE_IOERR_DELETE);
    }
    if (sync_directory) {
        status = fs->sync_dir(fs->user, vfs->directory, &err);
    }
    return status < 0 ? failed(vfs, status, &err, SQLITE_IOERR_DIR_FSYNC) : SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *base, const char *name, int flags, int *out)
{
    reels__sqlite_vfs *vfs = vfs_of(base);
    const reels_fs *fs = &vfs->ctx->fs;
    char *path = path_of(vfs, name);
    if (path == NULL) {
        return SQLITE_IOERR_NOMEM;
    }
    reels_error err = REELS__ERROR_INIT;
    reels_fs_info info = {0};
    reels_status status = fs->info(fs->user, path, &info, &err);
    reels__mem_free(vfs->ctx, path);
    if (status < 0 && status != REELS_ERR_NOT_FOUND) {
        return failed(vfs, status, &err, SQLITE_IOERR_ACCESS);
    }
    /* An empty journal is as good as none: SQLite's own VFS says so too. */
    *out = status == REELS_OK && (flags != SQLITE_ACCESS_EXISTS || info.size_bytes > 0);
    return SQLITE_OK;
}

static int vfs_full_pathname(sqlite3_vfs *base, const char *name, int out_bytes, char *out)
{
    (void)base;
    size_t len = strlen(name);
    if (len >= (size_t)out_bytes) {
        return SQLITE_CANTOPEN;
    }
    memcpy(out, name, len + 1);
    return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *base, int len, char *out)
{
    reels__sqlite_vfs *vfs = vfs_of(base);
    memset(out, 0, (size_t)len);
    (void)reels__random_fill(vfs->ctx, (uint8_t *)out, (size_t)len, NULL);
    return len;
}

static int vfs_sleep(sqlite3_vfs *base, int duration_us)
{
    const reels_ctx *ctx = vfs_of(base)->ctx;
    ctx->clock.sleep_us(ctx->clock.user, duration_us);
    return duration_us;
}

static int vfs_current_time(sqlite3_vfs *base, sqlite3_int64 *out_ms)
{
    /* Milliseconds since noon of 24 November 4714 before Christ (julian day 0). */
    const sqlite3_int64 unix_epoch_ms = INT64_C(210866760000000);
    *out_ms = unix_epoch_ms + reels_ctx_now_unix_us(vfs_of(base)->ctx) / 1000;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *base, int len, char *out)
{
    (void)len;
    (void)out;
    return atomic_load(&vfs_of(base)->last_errno);
}

static void vfs_methods_set(reels__sqlite_vfs *vfs)
{
    vfs->base.iVersion = 2;
    vfs->base.szOsFile = (int)sizeof(struct file);
    vfs->base.mxPathname = PATH_NAME_MAX;
    vfs->base.zName = vfs->name;
    vfs->base.pAppData = vfs;
    vfs->base.xOpen = vfs_open;
    vfs->base.xDelete = vfs_delete;
    vfs->base.xAccess = vfs_access;
    vfs->base.xFullPathname = vfs_full_pathname;
    vfs->base.xRandomness = vfs_randomness;
    vfs->base.xSleep = vfs_sleep;
    vfs->base.xGetLastError = vfs_last_error;
    vfs->base.xCurrentTimeInt64 = vfs_current_time;
}

/* The folder of a path: what stands before the last slash. */
static char *directory_of(const reels_ctx *ctx, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return reels__mem_strdup(ctx, ".");
    }
    size_t len = slash == path ? 1 : (size_t)(slash - path);
    char *directory = reels__mem_alloc(ctx, len + 1);
    if (directory != NULL) {
        memcpy(directory, path, len);
        directory[len] = '\0';
    }
    return directory;
}

/* Opens, locks and makes durable the main file. */
static reels_status guard_open(reels__sqlite_vfs *vfs, reels_error *err)
{
    const reels_fs *fs = &vfs->ctx->fs;
    uint32_t flags = REELS_FS_READ | REELS_FS_WRITE | REELS_FS_CREATE;
    reels_status status = fs->open(fs->user, vfs->path, flags, &vfs->guard, err);
    if (status < 0) {
        vfs->guard = NULL;
        return status;
    }
    status = fs->lock(fs->user, vfs->guard, err);
    if (status == REELS_ERR_BUSY) {
        return reels__fail(
            err, REELS_ERR_BUSY, "%s: another process or store has it open", vfs->path);
    }
    REELS_TRY(status);
    return fs->sync_dir(fs->user, vfs->directory, err);
}

void reels__sqlite_vfs_free(reels__sqlite_vfs *vfs)
{
    if (vfs == NULL) {
        return;
    }
    if (vfs->base.pAppData != NULL) {
        (void)sqlite3_vfs_unregister(&vfs->base);
    }
    if (vfs->guard != NULL) {
        vfs->ctx->fs.close(vfs->ctx->fs.user, vfs->guard);
    }
    regions_free(vfs);
    (void)pthread_mutex_destroy(&vfs->locks);
    reels__mem_free(vfs->ctx, vfs->path);
    reels__mem_free(vfs->ctx, vfs->directory);
    reels__mem_free(vfs->ctx, vfs);
}

reels_status
reels__sqlite_vfs_new(reels_ctx *ctx, const char *path, reels__sqlite_vfs **out, reels_error *err)
{
    *out = NULL;
    reels__sqlite_vfs *vfs = reels__mem_zalloc(ctx, sizeof *vfs);
    if (vfs == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "%s: no memory", path);
    }
    vfs->ctx = ctx;
    if (pthread_mutex_init(&vfs->locks, NULL) != 0) {
        reels__mem_free(ctx, vfs);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "%s: the system refused a lock", path);
    }
    vfs->path = reels__mem_strdup(ctx, path);
    vfs->directory = directory_of(ctx, path);
    reels_status status = REELS_OK;
    if (vfs->path == NULL || vfs->directory == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "%s: no memory", path);
    }
    status = status < 0 ? status : guard_open(vfs, err);
    if (status == REELS_OK) {
        /* Its own address: no other VFS of the process has it while this one lives. */
        (void)snprintf(vfs->name, sizeof vfs->name, "reels-%p", (void *)vfs);
        vfs_methods_set(vfs);
        if (sqlite3_vfs_register(&vfs->base, 0) != SQLITE_OK) {
            vfs->base.pAppData = NULL;
            status = reels__fail(err, REELS_ERR_NO_MEMORY, "%s: SQLite has no memory", path);
        }
    }
    if (status < 0) {
        reels__sqlite_vfs_free(vfs);
        return status;
    }
    *out = vfs;
    return REELS_OK;
}

const char *reels__sqlite_vfs_name(const reels__sqlite_vfs *vfs)
{
    return vfs->name;
}

int reels__sqlite_vfs_errno(const reels__sqlite_vfs *vfs)
{
    return atomic_load(&vfs->last_errno);
}
