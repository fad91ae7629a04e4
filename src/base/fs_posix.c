/* Owns the POSIX file system as a hook table. A file handle is its descriptor plus one, so that no
 * memory is needed and NULL stays "none". Every descriptor is O_CLOEXEC; what is written to is
 * never reached through a symbolic link; only regular files are opened, so that no pipe or device
 * can block. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/system.h"

enum {
    /* What the umask of the host takes away from. */
    FILE_MODE = 0666,
    DIRECTORY_MODE = 0777
};

static void *handle_of(int fd)
{
    return (void *)((intptr_t)fd + 1);
}

static int fd_of(void *file)
{
    return (int)((intptr_t)file - 1);
}

static reels_status status_of_errno(int sys_errno)
{
    switch (sys_errno) {
    case ENOENT:
    case ENOTDIR:
        return REELS_ERR_NOT_FOUND;
    case EEXIST:
        return REELS_ERR_EXISTS;
    case ENOMEM:
        return REELS_ERR_NO_MEMORY;
    case EAGAIN:
        return REELS_ERR_BUSY;
    case ENOTEMPTY:
        return REELS_ERR_STATE;
    case ENAMETOOLONG:
        return REELS_ERR_INVALID_ARG;
    default:
        return REELS_ERR_IO;
    }
}

/* The description that no locale changes. */
static const char *errno_text(int sys_errno)
{
#if defined(__GLIBC__) && (__GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 32))
    const char *text = strerrordesc_np(sys_errno);
    return text != NULL ? text : "unknown error";
#else
    (void)sys_errno;
    return "system call failed";
#endif
}

static reels_status fail_path(reels_error *err, int sys_errno, const char *what, const char *path)
{
    return reels__fail_errno(err,
                             status_of_errno(sys_errno),
                             sys_errno,
                             "%s: %s: %s",
                             what,
                             errno_text(sys_errno),
                             path);
}

static reels_status fail_file(reels_error *err, int sys_errno, const char *what)
{
    return reels__fail_errno(
        err, status_of_errno(sys_errno), sys_errno, "%s: %s", what, errno_text(sys_errno));
}

static void info_of_stat(const struct stat *st, reels_fs_info *out)
{
    memset(out, 0, sizeof *out);
    out->size_bytes = st->st_size > 0 ? (uint64_t)st->st_size : 0;
    out->modified_unix_us =
        (int64_t)st->st_mtim.tv_sec * 1000000 + (int64_t)st->st_mtim.tv_nsec / 1000;
    out->kind = S_ISREG(st->st_mode)   ? REELS_FS_KIND_FILE
                : S_ISDIR(st->st_mode) ? REELS_FS_KIND_DIRECTORY
                                       : REELS_FS_KIND_OTHER;
}

static int open_retry(const char *path, int flags)
{
    int fd = -1;
    do {
        fd = open(path, flags, FILE_MODE);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

static int open_flags(uint32_t flags)
{
    int writes = (flags & REELS_FS_WRITE) != 0;
    int reads = (flags & REELS_FS_READ) != 0;
    /* O_NONBLOCK keeps the open of a pipe from waiting; it means nothing to regular files. */
    int result = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    result |= writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY;
    result |= writes ? O_NOFOLLOW : 0;
    result |= (flags & REELS_FS_CREATE) != 0 ? O_CREAT : 0;
    result |= (flags & REELS_FS_EXCLUSIVE) != 0 ? O_EXCL : 0;
    return result;
}

static reels_status
posix_open(void *user, const char *path, uint32_t flags, void **out_file, reels_error *err)
{
    (void)user;
    *out_file = NULL;
    uint32_t changing = REELS_FS_CREATE | REELS_FS_TRUNCATE;
    REELS_REQUIRE((flags & (REELS_FS_READ | REELS_FS_WRITE)) != 0, err, "open: no READ or WRITE");
    REELS_REQUIRE((flags & changing) == 0 || (flags & REELS_FS_WRITE) != 0,
                  err,
                  "open: CREATE and TRUNCATE need WRITE");
    REELS_REQUIRE((flags & REELS_FS_EXCLUSIVE) == 0 || (flags & REELS_FS_CREATE) != 0,
                  err,
                  "open: EXCLUSIVE needs CREATE");
    int fd = open_retry(path, open_flags(flags));
    if (fd < 0) {
        return fail_path(err, errno, "open", path);
    }
    struct stat st = {0};
    int failed = fstat(fd, &st) != 0 ? errno : 0;
    if (failed == 0 && !S_ISREG(st.st_mode)) {
        failed = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
    }
    /* Only now, so that something that is no regular file is not touched. */
    if (failed == 0 && (flags & REELS_FS_TRUNCATE) != 0 && ftruncate(fd, 0) != 0) {
        failed = errno;
    }
    if (failed != 0) {
        (void)close(fd);
        return fail_path(err, failed, "open", path);
    }
    *out_file = handle_of(fd);
    return REELS_OK;
}

static void posix_close(void *user, void *file)
{
    (void)user;
    if (file != NULL) {
        /* On Linux the descriptor is gone even after EINTR. */
        (void)close(fd_of(file));
    }
}

static int range_is_possible(uint64_t offset, size_t len)
{
    return offset <= INT64_MAX && len <= INT64_MAX - offset;
}

static reels_status posix_read_at(void *user,
                                  void *file,
                                  uint64_t offset,
                                  uint8_t *data,
                                  size_t len,
                                  size_t *out_len,
                                  reels_error *err)
{
    (void)user;
    REELS_REQUIRE(range_is_possible(offset, len), err, "read: the range is too large");
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(fd_of(file), data + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail_file(err, errno, "read");
        }
        if (n == 0) {
            break;
        }
        done += (size_t)n;
    }
    *out_len = done;
    return REELS_OK;
}

static reels_status posix_write_at(
    void *user, void *file, uint64_t offset, const uint8_t *data, size_t len, reels_error *err)
{
    (void)user;
    REELS_REQUIRE(range_is_possible(offset, len), err, "write: the range is too large");
    size_t done = 0;
    while (done < len) {
        ssize_t n = pwrite(fd_of(file), data + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return fail_file(err, n < 0 ? errno : EIO, "write");
        }
        done += (size_t)n;
    }
    return REELS_OK;
}

static reels_status posix_sync(void *user, void *file, reels_error *err)
{
    (void)user;
    int result = 0;
    /* fdatasync covers the size too. After any failure but EINTR the pages may be gone: never
     * retried. */
    do {
        result = fdatasync(fd_of(file));
    } while (result != 0 && errno == EINTR);
    return result == 0 ? REELS_OK : fail_file(err, errno, "sync");
}

static reels_status posix_truncate(void *user, void *file, uint64_t size_bytes, reels_error *err)
{
    (void)user;
    REELS_REQUIRE(size_bytes <= INT64_MAX, err, "truncate: the size is too large");
    int result = 0;
    do {
        result = ftruncate(fd_of(file), (off_t)size_bytes);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? REELS_OK : fail_file(err, errno, "truncate");
}

static reels_status
posix_file_info(void *user, void *file, reels_fs_info *out_info, reels_error *err)
{
    (void)user;
    struct stat st = {0};
    if (fstat(fd_of(file), &st) != 0) {
        return fail_file(err, errno, "file info");
    }
    info_of_stat(&st, out_info);
    return REELS_OK;
}

static reels_status posix_lock(void *user, void *file, reels_error *err)
{
    (void)user;
    int result = 0;
    /* flock belongs to the open file, so that a second open in this process is refused as well. */
    do {
        result = flock(fd_of(file), LOCK_EX | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? REELS_OK : fail_file(err, errno, "lock");
}

static reels_status
posix_map(void *user, void *file, uint64_t size_bytes, const uint8_t **out_data, reels_error *err)
{
    (void)user;
    struct stat st = {0};
    if (fstat(fd_of(file), &st) != 0) {
        return fail_file(err, errno, "map");
    }
    /* Touching a page behind the end would be SIGBUS. */
    REELS_REQUIRE(size_bytes > 0 && size_bytes <= SIZE_MAX && size_bytes <= (uint64_t)st.st_size,
                  err,
                  "map: the size is zero or beyond the end of the file");
    void *data = mmap(NULL, (size_t)size_bytes, PROT_READ, MAP_SHARED, fd_of(file), 0);
    if (data == MAP_FAILED) {
        return fail_file(err, errno, "map");
    }
    *out_data = data;
    return REELS_OK;
}

static void posix_unmap(void *user, const uint8_t *data, uint64_t size_bytes)
{
    (void)user;
    (void)munmap((void *)(uintptr_t)data, (size_t)size_bytes);
}

static reels_status
posix_info(void *user, const char *path, reels_fs_info *out_info, reels_error *err)
{
    (void)user;
    struct stat st = {0};
    if (lstat(path, &st) != 0) {
        return fail_path(err, errno, "info", path);
    }
    info_of_stat(&st, out_info);
    return REELS_OK;
}

static reels_status posix_rename(void *user, const char *from, const char *to, reels_error *err)
{
    (void)user;
    return rename(from, to) == 0 ? REELS_OK : fail_path(err, errno, "rename", to);
}

static reels_status posix_link(void *user, const char *from, const char *to, reels_error *err)
{
    (void)user;
    return link(from, to) == 0 ? REELS_OK : fail_path(err, errno, "link", to);
}

static reels_status posix_remove(void *user, const char *path, reels_error *err)
{
    (void)user;
    if (unlink(path) == 0) {
        return REELS_OK;
    }
    int failed = errno;
    /* Linux says EISDIR for a directory, POSIX EPERM. */
    if (failed == EISDIR || failed == EPERM) {
        if (rmdir(path) == 0) {
            return REELS_OK;
        }
        failed = errno == ENOTDIR ? failed : errno == EEXIST ? ENOTEMPTY : errno;
    }
    return fail_path(err, failed, "remove", path);
}

static reels_status posix_make_dir(void *user, const char *path, reels_error *err)
{
    (void)user;
    return mkdir(path, DIRECTORY_MODE) == 0 ? REELS_OK : fail_path(err, errno, "make_dir", path);
}

static reels_status posix_sync_dir(void *user, const char *path, reels_error *err)
{
    (void)user;
    int fd = open_retry(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail_path(err, errno, "sync_dir", path);
    }
    int result = 0;
    do {
        result = fsync(fd);
    } while (result != 0 && errno == EINTR);
    int failed = result != 0 ? errno : 0;
    (void)close(fd);
    return failed == 0 ? REELS_OK : fail_path(err, failed, "sync_dir", path);
}

/* One entry for the caller; names that vanish while listing are passed over. */
static reels_status
list_entry(DIR *dir, const char *name, reels_fs_entry_fn entry, void *entry_user, reels_error *err)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return REELS_OK;
    }
    struct stat st = {0};
    if (fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? REELS_OK : fail_path(err, errno, "list", name);
    }
    reels_fs_info info = {0};
    info_of_stat(&st, &info);
    return entry(entry_user, name, &info);
}

static reels_status posix_list(
    void *user, const char *path, reels_fs_entry_fn entry, void *entry_user, reels_error *err)
{
    (void)user;
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return fail_path(err, errno, "list", path);
    }
    reels_status status = REELS_OK;
    while (status == REELS_OK) {
        errno = 0;
        const struct dirent *found = readdir(dir);
        if (found == NULL) {
            status = errno == 0 ? REELS_OK : fail_path(err, errno, "list", path);
            break;
        }
        status = list_entry(dir, found->d_name, entry, entry_user, err);
    }
    (void)closedir(dir);
    return status;
}

const reels_fs reels__fs_posix = {
    .struct_size = sizeof(reels_fs),
    .open = posix_open,
    .close = posix_close,
    .read_at = posix_read_at,
    .write_at = posix_write_at,
    .sync = posix_sync,
    .truncate = posix_truncate,
    .file_info = posix_file_info,
    .lock = posix_lock,
    .map = posix_map,
    .unmap = posix_unmap,
    .info = posix_info,
    .rename = posix_rename,
    .link = posix_link,
    .remove = posix_remove,
    .make_dir = posix_make_dir,
    .sync_dir = posix_sync_dir,
    .list = posix_list,
};
