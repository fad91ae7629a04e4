/* Owns what a worker takes from itself before the first byte of media: memory and CPU beyond a cap,
 * files, sockets, other programs, other processes. */
#ifndef REELS_SRC_MEDIA_WORKER_SANDBOX_H
#define REELS_SRC_MEDIA_WORKER_SANDBOX_H

#include <stdint.h>

enum {
    REELS__SANDBOX_RLIMITS = 1,
    REELS__SANDBOX_NO_NEW_PRIVILEGES = 2,
    REELS__SANDBOX_SECCOMP = 4,
    REELS__SANDBOX_LANDLOCK = 8 /* where the kernel has it */
};

typedef struct reels__sandbox_caps {
    uint64_t memory_bytes;
    uint64_t cpu_s;
} reels__sandbox_caps;

/* Enters the sandbox with the caps that hold at first and those that no later call can pass. Gives
 * the protections that hold, 0 when one that must hold could not be set up. */
uint32_t reels__sandbox_enter(const reels__sandbox_caps *now, const reels__sandbox_caps *most);

/* Sets the caps anew, now that the medium is known. What is more than the most of before is left
 * out. */
void reels__sandbox_set(const reels__sandbox_caps *now);

/* CPU time this process has used so far, in whole seconds rounded up. */
uint64_t reels__sandbox_cpu_used_s(void);

#endif
