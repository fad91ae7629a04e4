/* Promises of a transcode on several threads: the same bytes, and an end whenever one is asked for.
 */
#include <string.h>

#include "media_fixture.h"

static struct test_env env;
static struct media_files files;
static struct media_bytes clip;

static void setup(void)
{
    test_env_init(&env, 0);
    memset(&files, 0, sizeof files);
    media_clip_make(&(struct media_clip){.width = 640,
                                         .height = 480,
                                         .frames = 70,
                                         .pattern = MEDIA_PATTERN_MOVING,
                                         .audio_ms = 2000,
                                         .beep_ms = -1},
                    &clip);
}

static void teardown(void)
{
    media_bytes_free(&clip);
    media_files_dispose(&files);
    test_env_dispose(&env);
}

static reels_transcode_options options_for(uint32_t threads_count)
{
    return (reels_transcode_options){.struct_size = sizeof(reels_transcode_options),
                                     .isolation = &media_in_process,
                                     .threads_count = threads_count};
}

START_TEST(test_threads_give_the_same_bytes_in_any_number)
{
    static struct media_files threaded;
    reels_transcode_summary summary;
    media_transcode(env.ctx, &clip, &files, &summary);
    media_verify(env.ctx, &files);
    reels_transcode_options options = options_for((uint32_t)_i);
    reels_media_input input = media_input(&clip);
    reels_output_vtable output = media_files_output();
    media_ok(
        &env.err,
        reels_transcode_run(env.ctx, NULL, &input, &options, &output, &threaded, NULL, &env.err));
    ck_assert_uint_eq(threaded.count, files.count);
    for (size_t i = 0; i < files.count; i++) {
        const struct media_file *other = media_files_find(&threaded, files.items[i].name);
        ck_assert_ptr_nonnull(other);
        ck_assert_uint_eq(other->bytes.len, files.items[i].bytes.len);
        ck_assert_mem_eq(other->bytes.data, files.items[i].bytes.data, other->bytes.len);
    }
    media_files_dispose(&threaded);
}
END_TEST

START_TEST(test_threads_let_go_at_every_step)
{
    reels_transcode_options options = options_for(3);
    reels_media_input input = media_input(&clip);
    reels_output_vtable output = media_files_output();
    for (int steps = 0; steps < 160; steps += 13) {
        reels_transcode *job = NULL;
        media_ok(&env.err,
                 reels_transcode_new(env.ctx, &input, &options, &output, &files, &job, &env.err));
        for (int i = 0; i < steps; i++) {
            media_ok(&env.err, reels_transcode_step(job, NULL, 0, &env.err));
        }
        reels_transcode_free(job);
        ck_assert_uint_eq(files.open_count, 0);
        ck_assert_uint_eq(media_files_finished(&files), 0);
        media_files_dispose(&files);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    TCase *tcase = tcase_create("threads");
    tcase_set_timeout(tcase, 240);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_threads_give_the_same_bytes_in_any_number, 2, 6);
    tcase_add_test(tcase, test_threads_let_go_at_every_step);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
