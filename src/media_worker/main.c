/* The executable reels-media-worker: one job for one parent, in a sandbox, then the end. It is
 * started by the library with a socket at descriptor 3; by hand only with --check.
 *
 *   reels-media-worker --check            says which protections hold here, as one JSON object
 *   reels-media-worker --check open       enters the sandbox, then opens a file: exit status 0 when
 * refused reels-media-worker --check socket|exec|fork|signal|limits|code|memory|cpu   must not end
 * with exit status 0 or 1 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <reels/media.h>

#include "base/error.h"
#include "media/limits.h"
#include "media/probe.h"
#include "media/wire.h"
#include "media_worker/remote.h"
#include "media_worker/sandbox.h"

enum {
    CPU_GRACE_S = 10
};

/* What a job with pictures of so many pixels and of such a length may use. */
static reels__sandbox_caps
caps_for(const reels__media_settings *settings, uint64_t pixels, int64_t duration_us)
{
    const reels_media_limits *limits = &settings->limits;
    uint64_t media_s = duration_us > 0 ? (uint64_t)duration_us / 1000000 + 1 : 1;
    return (reels__sandbox_caps){
        .memory_bytes = limits->memory_bytes_max > 0
                            ? limits->memory_bytes_max
                            : reels__media_memory_default(pixels, settings->threads_count),
        .cpu_s = media_s * limits->decode_cost_max + CPU_GRACE_S};
}

/* What may be used until it is known what the medium is. */
static reels__sandbox_caps caps_at_first(const reels__sandbox_caps *most)
{
    const uint64_t memory_bytes = UINT64_C(512) << 20;
    return (reels__sandbox_caps){
        .memory_bytes = most->memory_bytes < memory_bytes ? most->memory_bytes : memory_bytes,
        .cpu_s = CPU_GRACE_S};
}

/* Tells the parent why there is no result. A worker that ran out of memory ran into its cap. */
static void tell_failure(const reels__remote *remote, reels_status status, const reels_error *error)
{
    reels__wire_fail fail = {.status = status};
    snprintf(fail.message, sizeof fail.message, "%.219s", error->message);
    if (status == REELS_ERR_NO_MEMORY) {
        fail.status = REELS_ERR_LIMIT;
        snprintf(fail.message,
                 sizeof fail.message,
                 "it needs more memory than is allowed (%.100s)",
                 error->message);
    }
    (void)reels__remote_send(remote, REELS__WIRE_FAIL, &fail, sizeof fail, NULL, 0);
}

/* The caps of what is known now. */
static void widen(const reels__wire_start *start, const reels_probe_info *info)
{
    uint64_t pixels = (uint64_t)info->coded_width * info->coded_height;
    reels__sandbox_caps caps = caps_for(&start->settings, pixels, info->duration_us);
    caps.cpu_s += reels__sandbox_cpu_used_s();
    reels__sandbox_set(&caps);
}

static reels_status run_probe(reels_ctx *ctx,
                              reels__remote *remote,
                              const reels__wire_start *start,
                              reels__media_source *source,
                              reels_error *err)
{
    reels_probe_info info = {0};
    REELS_TRY(
        reels__media_probe(ctx, NULL, source, &start->settings.limits, start->exact, &info, err));
    (void)reels__remote_send(remote, REELS__WIRE_INFO, &info, sizeof info, NULL, 0);
    (void)reels__remote_send(remote, REELS__WIRE_DONE, NULL, 0, NULL, 0);
    return REELS_OK;
}

/* 0, or -1 when the parent is gone. */
static int tell_progress(reels__remote *remote,
                         const reels__media_pipeline *pipeline,
                         reels_transcode_progress *told)
{
    reels_transcode_progress now;
    reels__media_pipeline_progress(pipeline, &now);
    if (now.done_ppm == told->done_ppm && now.stage == told->stage) {
        return 0;
    }
    *told = now;
    return reels__remote_send(remote, REELS__WIRE_PROGRESS, &now, sizeof now, NULL, 0);
}

static reels_status run_pipeline(reels__remote *remote,
                                 const reels__wire_start *start,
                                 reels__media_pipeline *pipeline,
                                 reels_error *err)
{
    reels_transcode_progress told = {0};
    int told_info = 0;
    for (;;) {
        reels_status status = reels__media_pipeline_tick(pipeline, NULL, err);
        const reels_probe_info *info = reels__media_pipeline_info(pipeline);
        if (info != NULL && !told_info) {
            told_info = 1;
            widen(start, info);
            (void)reels__remote_send(remote, REELS__WIRE_INFO, info, sizeof *info, NULL, 0);
        }
        if (status != REELS_OK) {
            return status;
        }
        if (tell_progress(remote, pipeline, &told) != 0) {
            return reels__fail(err, REELS_ERR_IO, "the parent is gone");
        }
    }
}

static reels_status run_transcode(reels_ctx *ctx,
                                  reels__remote *remote,
                                  const reels__wire_start *start,
                                  reels__media_source *source,
                                  reels_error *err)
{
    reels__media_pipeline *pipeline = NULL;
    reels_status status = reels__media_pipeline_new(
        ctx, source, &start->settings, &reels__remote_output, remote, &pipeline, err);
    if (status == REELS_OK) {
        status = run_pipeline(remote, start, pipeline, err);
    }
    if (status == REELS_END) {
        reels__wire_done done = {0};
        reels__media_pipeline_summary(pipeline, &done.summary, done.rungs);
        (void)reels__remote_send(remote, REELS__WIRE_DONE, &done, sizeof done, NULL, 0);
        status = REELS_OK;
    }
    reels__media_pipeline_free(pipeline);
    return status;
}

static int run_job(reels__remote *remote, const reels__wire_start *start)
{
    reels_error error = REELS__ERROR_INIT;
    reels_ctx *ctx = NULL;
    reels__media_source source = {0};
    const reels_media_input input = {.struct_size = sizeof input,
                                     .size_bytes = start->source_bytes,
                                     .read_at = reels__remote_read,
                                     .user = remote};
    reels_status status = reels_ctx_new(NULL, &ctx, &error);
    if (status == REELS_OK) {
        status = reels__media_source_open(&source, ctx, &input, UINT64_MAX, &error);
    }
    if (status == REELS_OK) {
        status = start->probe ? run_probe(ctx, remote, start, &source, &error)
                              : run_transcode(ctx, remote, start, &source, &error);
    }
    if (status < 0) {
        tell_failure(remote, status, &error);
    }
    return status < 0;
}

static int serve(void)
{
    static reels__wire_start start; /* too large for a frame; a program owns its process */
    reels__remote remote = {.fd = REELS__WIRE_FD};
    reels__wire_header header;
    if (read(remote.fd, &header, sizeof header) != (ssize_t)sizeof header ||
        header.type != REELS__WIRE_START) {
        return REELS__WORKER_EXIT_WIRE;
    }
    if (header.len != sizeof start) {
        return REELS__WORKER_EXIT_VERSION;
    }
    uint8_t *at = (uint8_t *)&start;
    size_t left = sizeof start;
    while (left > 0) {
        ssize_t got = read(remote.fd, at, left);
        if (got <= 0) {
            return REELS__WORKER_EXIT_WIRE;
        }
        at += got;
        left -= (size_t)got;
    }
    if (start.version != reels_version() || start.size != sizeof start) {
        return REELS__WORKER_EXIT_VERSION;
    }
    /* libav formats dates in tags, for which libc would open its time zone later. */
    tzset();
    const reels_media_limits *limits = &start.settings.limits;
    reels__sandbox_caps most =
        caps_for(&start.settings, limits->pixels_max, limits->duration_max_us);
    reels__sandbox_caps first = caps_at_first(&most);
    if (reels__sandbox_enter(&first, &most) == 0) {
        return REELS__WORKER_EXIT_SANDBOX;
    }
    return run_job(&remote, &start);
}

/* Spends memory or time until the sandbox ends it. */
static int spend(int memory)
{
    for (size_t i = 0; i < 4096; i++) {
        volatile uint8_t *block = malloc((size_t)1 << 20);
        if (block == NULL) {
            return REELS__WORKER_EXIT_SANDBOX;
        }
        for (size_t at = 0; at < (size_t)1 << 20; at += 4096) {
            block[at] = 1;
        }
        if (!memory) {
            free((void *)(uintptr_t)block);
            i = 0;
        }
    }
    return 1;
}

static int check_one(const char *what)
{
    const long parent = getppid();
    const reels__sandbox_caps caps = {.memory_bytes = UINT64_C(256) << 20, .cpu_s = 1};
    if (reels__sandbox_enter(&caps, &caps) == 0) {
        return REELS__WORKER_EXIT_SANDBOX;
    }
    if (strcmp(what, "open") == 0) {
        int fd = open("/etc/passwd", O_RDONLY);
        return fd < 0 && errno == EACCES ? 0 : 1;
    }
    if (strcmp(what, "socket") == 0) {
        return socket(AF_INET, SOCK_STREAM, 0) >= 0;
    }
    if (strcmp(what, "exec") == 0) {
        return execl("/bin/true", "true", (char *)NULL) == 0;
    }
    if (strcmp(what, "fork") == 0) {
        return fork() >= 0;
    }
    if (strcmp(what, "signal") == 0) {
        /* A child would be allowed to send its parent nothing: not even the question. */
        return (int)syscall(SYS_tgkill, parent, parent, 0);
    }
    if (strcmp(what, "limits") == 0) {
        struct rlimit value;
        return prlimit((pid_t)parent, RLIMIT_NOFILE, NULL, &value);
    }
    if (strcmp(what, "code") == 0) {
        void *page = mmap(
            NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return page == MAP_FAILED;
    }
    if (strcmp(what, "memory") == 0 || strcmp(what, "cpu") == 0) {
        return spend(what[0] == 'm');
    }
    return REELS__WORKER_EXIT_USAGE;
}

static int check_all(void)
{
    char text[160];
    /* In a child: what is said here goes to a file or pipe that a sandbox has no right to. */
    pid_t child = fork();
    if (child == 0) {
        const reels__sandbox_caps caps = {.memory_bytes = UINT64_C(256) << 20, .cpu_s = 10};
        _exit((int)reels__sandbox_enter(&caps, &caps));
    }
    int state = 0;
    if (child < 0 || waitpid(child, &state, 0) != child) {
        return 1;
    }
    uint32_t in_force = WIFEXITED(state) ? (uint32_t)WEXITSTATUS(state) : 0;
    int len = snprintf(text,
                       sizeof text,
                       "{\"rlimits\":%s,\"no_new_privileges\":%s,\"seccomp\":%s,\"landlock\":%s}\n",
                       in_force & REELS__SANDBOX_RLIMITS ? "true" : "false",
                       in_force & REELS__SANDBOX_NO_NEW_PRIVILEGES ? "true" : "false",
                       in_force & REELS__SANDBOX_SECCOMP ? "true" : "false",
                       in_force & REELS__SANDBOX_LANDLOCK ? "true" : "false");
    return write(1, text, (size_t)len) == len && in_force != 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    int code = REELS__WORKER_EXIT_USAGE;
    if (argc == 1) {
        code = serve();
    } else if (strcmp(argv[1], "--check") == 0) {
        code = argc == 2 ? check_all() : check_one(argv[2]);
    }
    /* Without exit handlers: what they would do is not worth the system calls they need. */
    _exit(code);
}
