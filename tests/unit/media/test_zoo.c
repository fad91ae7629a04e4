/* Promises about the real files of shared/media: what can be played becomes a ladder that verifies,
 * what is bad gets a status in time and within its memory, from a worker as the default has it. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "media_fixture.h"

enum {
    PATHS_MAX = 512,
    BAD_CPU_S_MAX = 10,     /* its own time: other work on the machine must not fail a test */
    BAD_US_MAX = 100000000, /* and no waiting for ever */
    BAD_KIB_MAX = 512 * 1024
};

static char *bad[PATHS_MAX];
static char *good[PATHS_MAX];
static size_t bad_count;
static size_t good_count;

/* Files of odd/ that are refused, and why. Everything else there is played. */
static const struct {
    const char *name;
    reels_status status;
} refused[] = {
    {"ac4_audio.mp4", REELS_ERR_UNSUPPORTED},
    {"heic_motion_photo.heic", REELS_ERR_UNSUPPORTED},
    {"iamf_5p1_opus.mp4", REELS_ERR_UNSUPPORTED},
    {"jpeg_renamed_to_mp4.mp4", REELS_ERR_UNSUPPORTED},
    {"long_362s_1080p_h264.mp4", REELS_ERR_LIMIT},
    {"long_362s_1080p_noaudio.mp4", REELS_ERR_LIMIT},
    {"m4b_audiobook.m4a", REELS_ERR_LIMIT},
    {"mp4_annexb_truncated_100k.mp4", REELS_ERR_CORRUPT},
    {"vvc_320x180.mp4", REELS_ERR_UNSUPPORTED},
};

static int compare_paths(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void add_folder(const char *folder)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/media/%s", test_shared_dir(), folder);
    DIR *dir = opendir(path);
    struct dirent *entry = NULL;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char whole[2048];
        (void)snprintf(whole, sizeof whole, "%s/%s", path, entry->d_name);
        int is_bad = strcmp(folder, "bad") == 0 ||
                     (strcmp(folder, "attack") == 0 && strncmp(entry->d_name, "ok_", 3) != 0);
        if (is_bad && bad_count < PATHS_MAX) {
            bad[bad_count++] = strdup(whole);
        } else if (!is_bad && good_count < PATHS_MAX) {
            good[good_count++] = strdup(whole);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

static reels_status run(struct test_env *env, const char *path, struct media_files *files)
{
    const reels_media_isolation isolation = {.struct_size = sizeof isolation,
                                             .worker_path = MEDIA_WORKER};
    const reels_transcode_options options = {.struct_size = sizeof options,
                                             .isolation = &isolation};
    const reels_media_input input = {.struct_size = sizeof input, .path = path};
    const reels_output_vtable output = media_files_output();
    return reels_transcode_run(env->ctx, NULL, &input, &options, &output, files, NULL, &env->err);
}

START_TEST(test_zoo_bad_files_end_in_time_with_a_status)
{
    static struct media_files files;
    struct test_env env;
    struct rusage usage;
    test_env_init(&env, 0);
    int64_t begun_us = reels_ctx_now_mono_us(env.ctx);
    reels_status status = run(&env, bad[_i], &files);
    int64_t took_us = reels_ctx_now_mono_us(env.ctx) - begun_us;
    ck_assert_int_eq(getrusage(RUSAGE_CHILDREN, &usage), 0);
    ck_assert_msg(status == REELS_OK || status == REELS_ERR_CORRUPT ||
                      status == REELS_ERR_UNSUPPORTED || status == REELS_ERR_LIMIT ||
                      status == REELS_ERR_ENCRYPTED,
                  "%s: %s: %s",
                  bad[_i],
                  reels_status_name(status),
                  env.err.message);
    ck_assert_msg(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec < BAD_CPU_S_MAX,
                  "%s took %ld s of CPU time",
                  bad[_i],
                  (long)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec));
    ck_assert_msg(took_us < BAD_US_MAX, "%s took %lld us", bad[_i], (long long)took_us);
    ck_assert_msg(usage.ru_maxrss < BAD_KIB_MAX, "%s took %ld KiB", bad[_i], usage.ru_maxrss);
    ck_assert_uint_eq(files.open_count, 0);
    if (status == REELS_OK) {
        media_verify(env.ctx, &files);
    } else {
        ck_assert_uint_eq(media_files_finished(&files), 0);
        ck_assert_uint_gt(strlen(env.err.message), 0);
    }
    media_files_dispose(&files);
    test_env_dispose(&env);
}
END_TEST

START_TEST(test_zoo_playable_files_become_ladders_that_verify)
{
    static struct media_files files;
    struct test_env env;
    reels_status expected = REELS_OK;
    const char *name = strrchr(good[_i], '/') + 1;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        expected = strcmp(name, refused[i].name) == 0 ? refused[i].status : expected;
    }
    test_env_init(&env, 0);
    reels_status status = run(&env, good[_i], &files);
    ck_assert_msg(
        status == expected, "%s: %s: %s", name, reels_status_name(status), env.err.message);
    if (status == REELS_OK) {
        media_verify(env.ctx, &files);
        ck_assert_ptr_nonnull(media_files_find(&files, "cover.jpg"));
    }
    media_files_dispose(&files);
    test_env_dispose(&env);
}
END_TEST

START_TEST(test_zoo_is_there)
{
    if (test_shared_dir() == NULL) {
        test_skip("shared/media is absent");
    }
}
END_TEST

int main(int argc, char **argv)
{
    int is_long = argc > 1 && strcmp(argv[1], "playable") == 0;
    Suite *suite = suite_create("zoo");
    TCase *tcase = tcase_create("zoo");
    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, test_zoo_is_there);
    if (test_shared_dir() != NULL) {
        add_folder("bad");
        add_folder("attack");
        add_folder("typical");
        add_folder("odd");
        qsort(bad, bad_count, sizeof bad[0], compare_paths);
        qsort(good, good_count, sizeof good[0], compare_paths);
        if (is_long) {
            tcase_add_loop_test(
                tcase, test_zoo_playable_files_become_ladders_that_verify, 0, (int)good_count);
        } else {
            tcase_add_loop_test(
                tcase, test_zoo_bad_files_end_in_time_with_a_status, 0, (int)bad_count);
        }
    }
    suite_add_tcase(suite, tcase);
    int failed = test_main(suite);
    for (size_t i = 0; i < PATHS_MAX; i++) {
        free(bad[i]);
        free(good[i]);
    }
    return failed;
}
