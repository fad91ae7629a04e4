/* Owns child processes and the socket to them: the one file of the library that may start one. */
#ifndef REELS_SRC_MEDIA_SPAWN_H
#define REELS_SRC_MEDIA_SPAWN_H

#include <sys/types.h>

#include <reels/base.h>

typedef struct reels__media_child {
    pid_t pid; /* 0 = none */
    int fd;    /* our end of the socket; -1 = none */
} reels__media_child;

/* How a child ended. */
typedef struct reels__media_end {
    int exit_code; /* -1 = by a signal, or not known */
    int signal;    /* 0 = none */
    int64_t cpu_us;
    uint64_t memory_peak_bytes;
} reels__media_end;

/* Starts an executable that finds the socket at descriptor 3 and nothing else but /dev/null at 0 to
 * 2; no environment, default signals. */
reels_status
reels__media_child_start(reels__media_child *child, const char *path, reels_error *err);

/* Sends or receives what goes without waiting: number of bytes, 0 = nothing now, -1 = the other end
 * is closed or broken. Never raises SIGPIPE. */
ssize_t reels__media_child_send(const reels__media_child *child, const uint8_t *data, size_t len);
ssize_t reels__media_child_receive(const reels__media_child *child, uint8_t *data, size_t len);

/* Waits until something can be received (or sent, when asked for), at most for wait_us. */
void reels__media_child_wait(const reels__media_child *child, int for_send, int64_t wait_us);

/* Ends the child: with kill != 0 at once, else once it ends by itself, having closed its end. Reaps
 * it. */
void reels__media_child_end(reels__media_child *child, int kill_it, reels__media_end *out_end);

#endif
