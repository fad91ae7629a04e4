/* Owns the resource limits, the system-call filter and the Landlock rule set of a worker. The
 * filter is an allow-list of what libc, threads and memory need: what opens a file is answered with
 * EACCES (libraries look for optional files and live without), everything else kills the process.
 */
#include "media_worker/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||                         \
    __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#else
#error "sandbox.c: name this architecture's AUDIT_ARCH"
#endif

enum {
    CPU_HARD_S = 5 /* from SIGXCPU to SIGKILL */
};

/* Code, stacks and the mappings of libav's many libraries, which are no data. */
static const uint64_t address_space_slack = UINT64_C(4) << 30;

static int limit(int resource, uint64_t soft, uint64_t hard)
{
    struct rlimit value = {(rlim_t)soft, (rlim_t)hard};
    return setrlimit((__rlimit_resource_t)resource, &value);
}

static int enter_limits(const reels__sandbox_caps *now, const reels__sandbox_caps *most)
{
    /* At the soft limit comes SIGXCPU, by which the parent knows why; the hard one is for good. */
    int failed = limit(RLIMIT_CPU, now->cpu_s, most->cpu_s + CPU_HARD_S) |
                 limit(RLIMIT_FSIZE, 0, 0) | limit(RLIMIT_CORE, 0, 0) | limit(RLIMIT_NOFILE, 4, 4) |
                 limit(RLIMIT_MEMLOCK, 0, 0) | limit(RLIMIT_MSGQUEUE, 0, 0);
    if (!SANITIZED) {
        /* A sanitizer maps terabytes that it never touches. */
        uint64_t space = most->memory_bytes + address_space_slack;
        failed |= limit(RLIMIT_DATA, now->memory_bytes, most->memory_bytes) |
                  limit(RLIMIT_AS, space, space);
    }
    return failed;
}

#define LOAD(field)                                                                                \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))
/* Skips the next `skip` instructions unless the number loaded is `value`. */
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, (skip))
#define ALLOW(name) UNLESS(__NR_##name, 1), RETURN(SECCOMP_RET_ALLOW)
/* Allowed unless an argument has one of these bits. */
#define WITHOUT(name, argument, bits)                                                              \
    UNLESS(__NR_##name, 4), LOAD(args[argument]),                                                  \
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), 0, 1), RETURN(SECCOMP_RET_KILL_PROCESS),      \
        RETURN(SECCOMP_RET_ALLOW)
#define REFUSE(name, number) UNLESS(__NR_##name, 1), RETURN(SECCOMP_RET_ERRNO | (number))

static struct sock_filter filter[] = {
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
    RETURN(SECCOMP_RET_KILL_PROCESS),
    LOAD(nr),
#if defined(__x86_64__)
    /* The x32 table aliases the numbers. */
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1),
    RETURN(SECCOMP_RET_KILL_PROCESS),
#endif
    /* The wire. */
    ALLOW(read),
    ALLOW(write),
    /* Memory. */
    ALLOW(brk),
    WITHOUT(mmap, 2, PROT_EXEC),
    ALLOW(munmap),
    WITHOUT(mprotect, 2, PROT_EXEC),
    ALLOW(mremap),
    ALLOW(madvise),
    /* Threads. */
    ALLOW(futex),
    ALLOW(exit),
    ALLOW(set_robust_list),
    ALLOW(rseq),
    ALLOW(sched_yield),
    ALLOW(sched_getaffinity),
    ALLOW(gettid),
    ALLOW(getpid),
    /* clone3 hides its flags in memory; glibc then uses clone, whose flags can be looked at:
     * only a thread of this very process may come of it. */
    REFUSE(clone3, ENOSYS),
    UNLESS(__NR_clone, 4),
    LOAD(args[0]),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1),
    RETURN(SECCOMP_RET_ALLOW),
    RETURN(SECCOMP_RET_KILL_PROCESS),
    /* Signals to itself: abort. */
    ALLOW(rt_sigaction),
    ALLOW(rt_sigprocmask),
    ALLOW(rt_sigreturn),
    ALLOW(sigaltstack),
    ALLOW(tgkill), /* narrowed by own_signals below */
    ALLOW(restart_syscall),
    /* Time and chance. */
    ALLOW(clock_gettime),
    ALLOW(clock_getres),
    ALLOW(clock_nanosleep),
    ALLOW(nanosleep),
    ALLOW(gettimeofday),
    ALLOW(getrandom),
    /* Its own limits, and its end. */
    UNLESS(__NR_prlimit64, 4),
    LOAD(args[0]),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
    RETURN(SECCOMP_RET_ALLOW),
    RETURN(SECCOMP_RET_KILL_PROCESS),
    ALLOW(getrusage),
    ALLOW(exit_group),
    ALLOW(close),
    /* Libraries look for files that need not be there. */
    REFUSE(openat, EACCES),
    REFUSE(readlinkat, EACCES),
    REFUSE(newfstatat, EACCES),
    REFUSE(statx, EACCES),
    REFUSE(faccessat, EACCES),
    REFUSE(prctl, EPERM),
    REFUSE(sysinfo, EPERM),
    REFUSE(uname, EPERM),
    REFUSE(fcntl, EACCES),
    REFUSE(ioctl, EACCES),
    REFUSE(lseek, EACCES),
#ifdef __NR_open
    REFUSE(open, EACCES),
    REFUSE(stat, EACCES),
    REFUSE(lstat, EACCES),
    REFUSE(access, EACCES),
    REFUSE(readlink, EACCES),
#endif
    REFUSE(fstat, EACCES),
#if SANITIZED
    /* The run-time of a sanitizer asks for more while it works; nothing here opens anything. */
    ALLOW(sched_setaffinity),
    ALLOW(getuid),
    ALLOW(geteuid),
    ALLOW(getppid),
    ALLOW(poll),
#endif
    RETURN(SECCOMP_RET_KILL_PROCESS),
};

static int enter_filter(void)
{
    /* Signals go to this very process: abort needs one. */
    struct sock_filter own_signals[] = {
        LOAD(nr),
        UNLESS(__NR_tgkill, 3),
        LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)getpid(), 1, 0),
        RETURN(SECCOMP_RET_KILL_PROCESS),
        RETURN(SECCOMP_RET_ALLOW),
    };
    struct sock_fprog narrow = {.len = sizeof own_signals / sizeof own_signals[0],
                                .filter = own_signals};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &narrow) != 0) {
        return -1;
    }
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* No rule at all: nothing in any file system may be reached, nor any TCP port where the kernel
 * knows of them. 1 = in force. */
static int enter_landlock(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        return 0;
    }
    /* Rights of the first version of the interface; later ones only add kinds of access that need
     * an open file, which a worker cannot have. */
    struct landlock_ruleset_attr rules = {
        .handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                             LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                             LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                             LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
                             LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                             LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                             LANDLOCK_ACCESS_FS_MAKE_SYM};
    long fd = syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    if (fd < 0) {
        return 0;
    }
    long failed = syscall(SYS_landlock_restrict_self, (int)fd, 0);
    close((int)fd);
    return failed == 0;
}

uint32_t reels__sandbox_enter(const reels__sandbox_caps *now, const reels__sandbox_caps *most)
{
    uint32_t in_force = 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return 0;
    }
    in_force |= REELS__SANDBOX_NO_NEW_PRIVILEGES;
    /* No other process of this user may look into it. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (enter_landlock()) {
        in_force |= REELS__SANDBOX_LANDLOCK;
    }
    if (enter_limits(now, most) != 0) {
        return 0;
    }
    in_force |= REELS__SANDBOX_RLIMITS;
    if (enter_filter() != 0) {
        return 0;
    }
    return in_force | REELS__SANDBOX_SECCOMP;
}

void reels__sandbox_set(const reels__sandbox_caps *now)
{
    struct rlimit hard;
    if (getrlimit(RLIMIT_CPU, &hard) == 0) {
        uint64_t most = hard.rlim_max - CPU_HARD_S;
        (void)limit(RLIMIT_CPU, now->cpu_s < most ? now->cpu_s : most, hard.rlim_max);
    }
    if (!SANITIZED && getrlimit(RLIMIT_DATA, &hard) == 0) {
        uint64_t bytes = now->memory_bytes < hard.rlim_max ? now->memory_bytes : hard.rlim_max;
        (void)limit(RLIMIT_DATA, bytes, hard.rlim_max);
    }
}

uint64_t reels__sandbox_cpu_used_s(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    return (uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec + 2;
}
