/* Owns the system calls behind a child process. Nothing here waits without a bound but the reaping
 * of a child that was killed or has closed its socket. */
#include "media/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "media/wire.h"

enum {
    LINGER_MS_MAX = 500
};

static int set_actions(posix_spawn_file_actions_t *actions, int fd)
{
    int failed = posix_spawn_file_actions_adddup2(actions, fd, REELS__WIRE_FD);
    failed =
        failed != 0 ? failed : posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0);
    failed = failed != 0 ? failed : posix_spawn_file_actions_adddup2(actions, 0, 1);
    failed = failed != 0 ? failed : posix_spawn_file_actions_adddup2(actions, 0, 2);
    return failed != 0 ? failed
                       : posix_spawn_file_actions_addclosefrom_np(actions, REELS__WIRE_FD + 1);
}

/* The host's blocked and ignored signals are its own affair: the child gets defaults. A group of
 * its own keeps a terminal's interrupt from it; its parent decides when it ends. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    int failed = posix_spawnattr_setsigmask(attributes, &none);
    failed = failed != 0 ? failed : posix_spawnattr_setsigdefault(attributes, &all);
    failed = failed != 0 ? failed : posix_spawnattr_setpgroup(attributes, 0);
    return failed != 0 ? failed
                       : posix_spawnattr_setflags(attributes,
                                                  POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                      POSIX_SPAWN_SETPGROUP);
}

static int spawn(const char *path, int fd, pid_t *out_pid)
{
    char name[] = "reels-media-worker";
    char *const arguments[] = {name, NULL};
    char *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0) {
        return failed;
    }
    failed = posix_spawnattr_init(&attributes);
    if (failed != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return failed;
    }
    failed = set_actions(&actions, fd);
    failed = failed != 0 ? failed : set_attributes(&attributes);
    failed = failed != 0
                 ? failed
                 : posix_spawn(out_pid, path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

reels_status reels__media_child_start(reels__media_child *child, const char *path, reels_error *err)
{
    int ends[2] = {-1, -1};
    *child = (reels__media_child){.fd = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return reels__fail_errno(err, REELS_ERR_IO, errno, "no socket for a media worker");
    }
    int failed = spawn(path, ends[1], &child->pid);
    close(ends[1]);
    if (failed != 0) {
        close(ends[0]);
        child->pid = 0;
        reels_status status = failed == ENOENT   ? REELS_ERR_NOT_FOUND
                              : failed == ENOMEM ? REELS_ERR_NO_MEMORY
                                                 : REELS_ERR_IO;
        return reels__fail_errno(
            err, status, failed, "the media worker %.160s cannot be started", path);
    }
    child->fd = ends[0];
    return REELS_OK;
}

static ssize_t result_of(ssize_t got)
{
    if (got > 0) {
        return got;
    }
    int again = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    return again ? 0 : -1;
}

ssize_t reels__media_child_send(const reels__media_child *child, const uint8_t *data, size_t len)
{
    return result_of(send(child->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL));
}

ssize_t reels__media_child_receive(const reels__media_child *child, uint8_t *data, size_t len)
{
    return result_of(recv(child->fd, data, len, MSG_DONTWAIT));
}

void reels__media_child_wait(const reels__media_child *child, int for_send, int64_t wait_us)
{
    struct pollfd entry = {.fd = child->fd, .events = POLLIN};
    if (for_send) {
        entry.events = (short)(POLLIN | POLLOUT);
    }
    /* Rounded up: a wait of 0 would spin. An interruption is as good as an end of the wait. */
    (void)poll(&entry, 1, (int)((wait_us + 999) / 1000));
}

void reels__media_child_end(reels__media_child *child, int kill_it, reels__media_end *out_end)
{
    *out_end = (reels__media_end){.exit_code = -1};
    if (child->fd >= 0) {
        close(child->fd);
        child->fd = -1;
    }
    if (child->pid == 0) {
        return;
    }
    int state = 0;
    struct rusage usage = {0};
    pid_t got = 0;
    /* One that has closed its end is a moment from its own; one that lingers is helped. */
    for (int i = 0; i < LINGER_MS_MAX && !kill_it && got == 0; i++) {
        got = wait4(child->pid, &state, WNOHANG, &usage);
        if (got == 0) {
            (void)poll(NULL, 0, 1);
        }
    }
    if (got == 0) {
        (void)kill(child->pid, SIGKILL);
        do {
            got = wait4(child->pid, &state, 0, &usage);
        } while (got < 0 && errno == EINTR);
    }
    if (got == child->pid) {
        /* A host that ignores SIGCHLD has no news of its children: then nothing is known. */
        out_end->exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : -1;
        out_end->signal = WIFSIGNALED(state) ? WTERMSIG(state) : 0;
        out_end->cpu_us =
            ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
            usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
        out_end->memory_peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    }
    child->pid = 0;
}
