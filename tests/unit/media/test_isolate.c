/* Promises of a worker process: the same result as in process, and whatever a worker does, a
 * status. */
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "media_fixture.h"

static struct test_env env;
static struct media_files files;
static struct media_bytes clip;

static const reels_media_isolation in_worker = {.struct_size = sizeof(reels_media_isolation),
                                                .mode = REELS_ISOLATION_PROCESS,
                                                .worker_path = MEDIA_WORKER};
static const reels_media_isolation in_bad_worker = {.struct_size = sizeof(reels_media_isolation),
                                                    .mode = REELS_ISOLATION_PROCESS,
                                                    .worker_path = MEDIA_BAD_WORKER};

static void setup(void)
{
    test_env_init(&env, 0);
    memset(&files, 0, sizeof files);
}

static void teardown(void)
{
    /* No child is left, running or dead. */
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    media_bytes_free(&clip);
    media_files_dispose(&files);
    test_env_dispose(&env);
}

static reels_status run(const reels_media_isolation *isolation,
                        const reels_media_limits *limits,
                        const reels_call *call,
                        reels_transcode_summary *summary)
{
    reels_transcode_options options = {
        .struct_size = sizeof options, .isolation = isolation, .limits = limits};
    reels_media_input input = media_input(&clip);
    reels_output_vtable output = media_files_output();
    return reels_transcode_run(env.ctx, call, &input, &options, &output, &files, summary, &env.err);
}

START_TEST(test_isolate_gives_the_bytes_of_an_in_process_run)
{
    static struct media_files direct;
    reels_transcode_summary summary = {.struct_size = sizeof summary};
    reels_transcode_summary other = {.struct_size = sizeof other};
    media_clip_make(&(struct media_clip){.width = 640,
                                         .height = 480,
                                         .frames = 45,
                                         .pattern = MEDIA_PATTERN_MOVING,
                                         .audio_ms = 1500,
                                         .beep_ms = -1},
                    &clip);
    media_ok(&env.err, run(&in_worker, NULL, NULL, &summary));
    media_verify(env.ctx, &files);
    media_transcode(env.ctx, &clip, &direct, &other);
    ck_assert_uint_eq(direct.count, files.count);
    for (size_t i = 0; i < direct.count; i++) {
        const struct media_file *file = media_files_find(&files, direct.items[i].name);
        ck_assert_ptr_nonnull(file);
        ck_assert_uint_eq(file->bytes.len, direct.items[i].bytes.len);
        ck_assert_mem_eq(file->bytes.data, direct.items[i].bytes.data, file->bytes.len);
    }
    ck_assert_uint_eq(summary.rungs_count, other.rungs_count);
    ck_assert_uint_eq(summary.output_bytes, other.output_bytes);
    ck_assert_int_gt(summary.cpu_us, 0);
    ck_assert_uint_gt(summary.memory_peak_bytes, 0);
    media_files_dispose(&direct);
}
END_TEST

START_TEST(test_isolate_probes_as_in_process)
{
    reels_probe_info here = {.struct_size = sizeof here};
    reels_probe_info there = {.struct_size = sizeof there};
    media_clip_make(&(struct media_clip){.frames = 30, .audio_ms = 1000}, &clip);
    reels_media_input input = media_input(&clip);
    reels_probe_options options = {
        .struct_size = sizeof options, .exact = 1, .isolation = &media_in_process};
    media_ok(&env.err, reels_probe_run(env.ctx, NULL, &input, &options, &here, &env.err));
    options.isolation = &in_worker;
    media_ok(&env.err, reels_probe_run(env.ctx, NULL, &input, &options, &there, &env.err));
    ck_assert_mem_eq(&here, &there, sizeof here);
}
END_TEST

START_TEST(test_isolate_passes_refusals_on)
{
    const reels_media_limits limits = {.struct_size = sizeof limits, .duration_max_us = 500000};
    media_clip_make(&(struct media_clip){.frames = 30}, &clip);
    ck_assert_int_eq(run(&in_worker, &limits, NULL, NULL), REELS_ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(env.err.message, "1.000 s"));
    clip.len /= 2;
    ck_assert_int_eq(run(&in_worker, NULL, NULL, NULL), REELS_ERR_CORRUPT);
    memcpy(clip.data, "GIF89a..........", 16);
    ck_assert_int_eq(run(&in_worker, NULL, NULL, NULL), REELS_ERR_UNSUPPORTED);
    ck_assert_uint_eq(media_files_finished(&files), 0);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__)
START_TEST(test_isolate_memory_cap_is_enforced)
{
    const reels_media_limits limits = {.struct_size = sizeof limits,
                                       .memory_bytes_max = UINT64_C(96) << 20};
    media_clip_make(
        &(struct media_clip){
            .width = 1280, .height = 720, .frames = 30, .pattern = MEDIA_PATTERN_MOVING},
        &clip);
    ck_assert_int_eq(run(&in_worker, &limits, NULL, NULL), REELS_ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(env.err.message, "memory"));
    ck_assert_uint_eq(media_files_finished(&files), 0);
    ck_assert_uint_eq(files.open_count, 0);
}
END_TEST
#endif

START_TEST(test_isolate_needs_its_executable)
{
    const reels_media_isolation nowhere = {.struct_size = sizeof nowhere,
                                           .worker_path = "/nonexistent/worker"};
    media_clip_make(&(struct media_clip){.frames = 3}, &clip);
    ck_assert_int_eq(run(&nowhere, NULL, NULL, NULL), REELS_ERR_NOT_FOUND);
    const reels_media_isolation other = {.struct_size = sizeof other, .worker_path = "/bin/true"};
    ck_assert_int_eq(run(&other, NULL, NULL, NULL), REELS_ERR_INTERNAL);
}
END_TEST

static const struct {
    const char *how;
    reels_status status;
    const char *message;
} crimes[] = {
    {"name", REELS_ERR_CORRUPT, "misbehave"},
    {"number", REELS_ERR_CORRUPT, "misbehave"},
    {"unopened", REELS_ERR_CORRUPT, "misbehave"},
    {"flood", REELS_ERR_LIMIT, "the limit"},
    {"open", REELS_ERR_CORRUPT, "misbehave"},
    {"length", REELS_ERR_CORRUPT, "too long"},
    {"unknown", REELS_ERR_CORRUPT, "unknown"},
    {"ppm", REELS_ERR_CORRUPT, "misbehave"},
    {"info", REELS_ERR_CORRUPT, "misbehave"},
    {"done", REELS_ERR_CORRUPT, "misbehave"},
    {"short", REELS_ERR_CORRUPT, "misbehave"},
    {"noise", REELS_ERR_CORRUPT, "misbehave"},
    {"status", REELS_ERR_INTERNAL, "xxx"},
    {"crash", REELS_ERR_CORRUPT, "crashed"},
    {"abort", REELS_ERR_CORRUPT, "crashed"},
    {"killed", REELS_ERR_LIMIT, "memory"},
    {"cpu", REELS_ERR_LIMIT, "CPU"},
    {"sys", REELS_ERR_CORRUPT, "system call"},
    {"exit", REELS_ERR_INTERNAL, "without"},
    {"deaf", REELS_ERR_LIMIT, "killed"},
    {"reader", REELS_ERR_CORRUPT, "misbehave"},
    {"reads", REELS_ERR_CORRUPT, "misbehave"},
};

static void commit_crime(const char *how)
{
    clip.len = 64;
    clip.data = calloc(1, clip.len);
    ck_assert_ptr_nonnull(clip.data);
    memcpy(clip.data, how, strlen(how));
}

START_TEST(test_isolate_survives_a_worker_that_misbehaves)
{
    const reels_media_limits limits = {.struct_size = sizeof limits,
                                       .output_bytes_max = UINT64_C(4) << 20};
    commit_crime(crimes[_i].how);
    reels_status status = run(&in_bad_worker, &limits, NULL, NULL);
    ck_assert_msg(status == crimes[_i].status,
                  "%s: %s: %s",
                  crimes[_i].how,
                  reels_status_name(status),
                  env.err.message);
    ck_assert_msg(strstr(env.err.message, crimes[_i].message) != NULL, "%s", env.err.message);
    ck_assert_uint_eq(media_files_finished(&files), 0);
    ck_assert_uint_eq(files.open_count, 0);
}
END_TEST

START_TEST(test_isolate_deadline_ends_a_worker_that_hangs)
{
    commit_crime("hang");
    int64_t begun_us = reels_ctx_now_mono_us(env.ctx);
    reels_call call = {.struct_size = sizeof call, .deadline_mono_us = begun_us + 300000};
    ck_assert_int_eq(run(&in_bad_worker, NULL, &call, NULL), REELS_ERR_TIMEOUT);
    ck_assert_int_lt(reels_ctx_now_mono_us(env.ctx) - begun_us, 5000000);
}
END_TEST

static void raise_flag(void *user, const reels_transcode_progress *progress)
{
    if (progress->frames_count >= 10) {
        reels_cancel_raise(user);
    }
}

START_TEST(test_isolate_cancel_kills_and_reaps)
{
    reels_cancel *cancel = NULL;
    media_ok(&env.err, reels_cancel_new(env.ctx, &cancel, &env.err));
    media_clip_make(&(struct media_clip){.frames = 300, .pattern = MEDIA_PATTERN_MOVING}, &clip);
    reels_transcode_options options = {.struct_size = sizeof options,
                                       .isolation = &in_worker,
                                       .progress = raise_flag,
                                       .progress_user = cancel};
    reels_media_input input = media_input(&clip);
    reels_output_vtable output = media_files_output();
    reels_call call = {.struct_size = sizeof call, .cancel = cancel};
    ck_assert_int_eq(
        reels_transcode_run(env.ctx, &call, &input, &options, &output, &files, NULL, &env.err),
        REELS_ERR_CANCELLED);
    ck_assert_uint_eq(files.open_count, 0);
    ck_assert_uint_eq(media_files_finished(&files), 0);
    reels_cancel_free(cancel);
}
END_TEST

START_TEST(test_isolate_freed_early_leaves_no_child)
{
    media_clip_make(&(struct media_clip){.frames = 300, .pattern = MEDIA_PATTERN_MOVING}, &clip);
    reels_transcode_options options = {.struct_size = sizeof options, .isolation = &in_worker};
    reels_media_input input = media_input(&clip);
    reels_output_vtable output = media_files_output();
    reels_transcode *job = NULL;
    media_ok(&env.err,
             reels_transcode_new(env.ctx, &input, &options, &output, &files, &job, &env.err));
    for (int i = 0; i < 20; i++) {
        media_ok(&env.err, reels_transcode_step(job, NULL, 10000, &env.err));
    }
    reels_transcode_free(job);
    ck_assert_uint_eq(files.open_count, 0);
}
END_TEST

START_TEST(test_isolate_passes_on_a_failure_of_the_output)
{
    files.fail_at = 4;
    media_clip_make(&(struct media_clip){.frames = 70}, &clip);
    ck_assert_int_eq(run(&in_worker, NULL, NULL, NULL), REELS_ERR_HOST);
    ck_assert_int_eq(env.err.host_code, 7);
    ck_assert_uint_eq(files.open_count, 0);
}
END_TEST

/* How the worker itself ends when it breaks its own rules. */
static int check_worker(const char *what)
{
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_RDWR);
        (void)dup2(null, 1);
        (void)dup2(null, 2);
        (void)execl(MEDIA_WORKER, "reels-media-worker", "--check", what, (char *)NULL);
        _exit(99);
    }
    int state = 0;
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    return WIFEXITED(state) ? WEXITSTATUS(state) : -WTERMSIG(state);
}

START_TEST(test_isolate_sandbox_refuses)
{
    ck_assert_int_eq(check_worker(NULL), 0);
    ck_assert_int_eq(check_worker("open"), 0);
    ck_assert_int_eq(check_worker("socket"), -SIGSYS);
    ck_assert_int_eq(check_worker("exec"), -SIGSYS);
    ck_assert_int_eq(check_worker("fork"), -SIGSYS);
    ck_assert_int_eq(check_worker("signal"), -SIGSYS);
    ck_assert_int_eq(check_worker("limits"), -SIGSYS);
#if !defined(__SANITIZE_ADDRESS__)
    ck_assert_int_eq(check_worker("code"), -SIGSYS);
#endif
#if !defined(__SANITIZE_ADDRESS__)
    ck_assert_int_eq(check_worker("memory"), 4);
#endif
    ck_assert_int_eq(check_worker("cpu"), -SIGXCPU);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("isolate");
    TCase *tcase = tcase_create("isolate");
    tcase_set_timeout(tcase, 100);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_isolate_gives_the_bytes_of_an_in_process_run);
    tcase_add_test(tcase, test_isolate_probes_as_in_process);
    tcase_add_test(tcase, test_isolate_passes_refusals_on);
#if !defined(__SANITIZE_ADDRESS__)
    tcase_add_test(tcase, test_isolate_memory_cap_is_enforced);
#endif
    tcase_add_test(tcase, test_isolate_needs_its_executable);
    tcase_add_loop_test(
        tcase, test_isolate_survives_a_worker_that_misbehaves, 0, sizeof crimes / sizeof crimes[0]);
    tcase_add_test(tcase, test_isolate_deadline_ends_a_worker_that_hangs);
    tcase_add_test(tcase, test_isolate_cancel_kills_and_reaps);
    tcase_add_test(tcase, test_isolate_freed_early_leaves_no_child);
    tcase_add_test(tcase, test_isolate_passes_on_a_failure_of_the_output);
    tcase_add_test(tcase, test_isolate_sandbox_refuses);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
