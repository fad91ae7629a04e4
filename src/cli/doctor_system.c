/* Owns the checks of clocks and disks. The disk is tried with what the library does to it: write,
 * sync, rename, sync of the folder, lock. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "doctor.h"

enum {
    SYNCS_COUNT = 8,
    BLOCK_BYTES = 4096,
    SYNC_SUSPECT_US = 20, /* faster than any disk or its cache answers a flush */
    SLEEP_US = 2000,
    TMPFS_MAGIC_NUMBER = 0x01021994,
    RAMFS_MAGIC_NUMBER = (int)0x858458f6
};

/* 2026-01-01: this version did not exist before. */
static const int64_t released_unix_us = INT64_C(1767225600000000);
static const int64_t far_unix_us = INT64_C(4102444800000000);

static int64_t mono_us(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void doctor_check_clock(struct doctor *doctor)
{
    int64_t now_us = reels_ctx_now_unix_us(doctor->ctx);
    int64_t before_us = reels_ctx_now_mono_us(doctor->ctx);
    const struct timespec pause = {.tv_nsec = SLEEP_US * 1000L};
    (void)nanosleep(&pause, NULL);
    int64_t passed_us = reels_ctx_now_mono_us(doctor->ctx) - before_us;
    if (now_us < released_unix_us || now_us > far_unix_us) {
        doctor_add(doctor,
                   "clock",
                   DOCTOR_FAIL,
                   "the wall clock is wrong: %lld s since 1970",
                   (long long)(now_us / 1000000));
    } else if (passed_us < SLEEP_US) {
        doctor_add(doctor,
                   "clock",
                   DOCTOR_FAIL,
                   "the monotonic clock moved %lld us in %d us",
                   (long long)passed_us,
                   SLEEP_US);
    } else {
        doctor_add(doctor, "clock", DOCTOR_OK, "wall and monotonic clock move");
    }
    struct timex timex = {0};
    int state = adjtimex(&timex);
    if (state < 0) {
        doctor_add(doctor, "clock_sync", DOCTOR_WARN, "unknown: %s", strerror(errno));
    } else if (state == TIME_ERROR || (timex.status & STA_UNSYNC) != 0) {
        doctor_add(doctor,
                   "clock_sync",
                   DOCTOR_WARN,
                   "the kernel's clock is not synchronised; IDs and counts by hour follow it");
    } else {
        doctor_add(doctor, "clock_sync", DOCTOR_OK, "synchronised, within %ld us", timex.maxerror);
    }
}

static int is_memory_fs(const char *folder)
{
    struct statfs info;
    return statfs(folder, &info) == 0 &&
           (info.f_type == TMPFS_MAGIC_NUMBER || (int)info.f_type == RAMFS_MAGIC_NUMBER);
}

/* Writes and syncs a file a few times: the least time of a sync, or -1 with errno. */
static int64_t sync_time_us(int fd)
{
    static const char block[BLOCK_BYTES];
    int64_t least_us = INT64_MAX;
    for (int i = 0; i < SYNCS_COUNT; i++) {
        int64_t begin_us = mono_us();
        if (pwrite(fd, block, sizeof block, (off_t)i * BLOCK_BYTES) != (ssize_t)sizeof block ||
            fsync(fd) != 0) {
            return -1;
        }
        int64_t took_us = mono_us() - begin_us;
        least_us = took_us < least_us ? took_us : least_us;
    }
    return least_us;
}

/* Whether a lock on the file is refused to a second open: 1, 0, or -1 with errno. */
static int lock_excludes(int fd, const char *path)
{
    int other = open(path, O_RDWR | O_CLOEXEC);
    if (other < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int failed = errno;
        (void)(other >= 0 ? close(other) : 0);
        errno = failed;
        return -1;
    }
    int excludes = flock(other, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    (void)close(other);
    return excludes;
}

static int folder_sync(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd >= 0 ? fsync(fd) : -1;
    int failed = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    errno = failed;
    return result;
}

/* What one folder was found to do; the first failed step is named. */
struct trial {
    const char *step; /* NULL = all went well */
    int sys_errno;
    int excludes;
    int64_t sync_us;
};

static struct trial folder_try(const char *folder)
{
    static char path[CLI_PATH_BYTES + 64];
    static char moved[CLI_PATH_BYTES + 128];
    struct trial trial = {.step = "create", .sync_us = -1};
    (void)snprintf(path, sizeof path, "%s/.reels-doctor-XXXXXX", folder);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        trial.sys_errno = errno;
        return trial;
    }
    (void)snprintf(moved, sizeof moved, "%s.moved", path);
    trial.step = "sync";
    trial.sync_us = sync_time_us(fd);
    if (trial.sync_us >= 0) {
        trial.step = "lock";
        trial.excludes = lock_excludes(fd, path);
    }
    if (trial.sync_us >= 0 && trial.excludes >= 0) {
        trial.step = rename(path, moved) != 0   ? "rename"
                     : folder_sync(folder) != 0 ? "sync of the folder"
                                                : NULL;
    }
    trial.sys_errno = trial.step != NULL ? errno : 0;
    (void)unlink(path);
    (void)unlink(moved);
    (void)close(fd);
    return trial;
}

static void folder_check(struct doctor *doctor, const char *name, const char *folder)
{
    struct trial trial = folder_try(folder);
    if (trial.step != NULL) {
        doctor_add(
            doctor, name, DOCTOR_FAIL, "%s: %s: %s", folder, trial.step, strerror(trial.sys_errno));
    } else if (!trial.excludes) {
        doctor_add(doctor, name, DOCTOR_FAIL, "%s: locks do not exclude each other", folder);
    } else if (is_memory_fs(folder)) {
        doctor_add(
            doctor, name, DOCTOR_WARN, "%s: lies in memory: nothing survives a power cut", folder);
    } else if (trial.sync_us < SYNC_SUSPECT_US) {
        doctor_add(doctor,
                   name,
                   DOCTOR_WARN,
                   "%s: a sync takes %lld us: it may not reach the disk",
                   folder,
                   (long long)trial.sync_us);
    } else {
        doctor_add(doctor,
                   name,
                   DOCTOR_OK,
                   "%s: write, sync (%lld us), rename and lock work",
                   folder,
                   (long long)trial.sync_us);
    }
}

void doctor_check_folders(struct doctor *doctor)
{
    static char state[CLI_PATH_BYTES];
    const char *temporary = getenv("TMPDIR");
    if (cli_state_dir(state) == CLI_OK) {
        folder_check(doctor, "state_folder", state);
    } else {
        doctor_add(doctor, "state_folder", DOCTOR_FAIL, "%s", state);
    }
    folder_check(
        doctor, "temporary_folder", temporary != NULL && temporary[0] == '/' ? temporary : "/tmp");
}
