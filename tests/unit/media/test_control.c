/* Promises of the control of a transcode: progress, cancel, steps, limits, failures, silence. */
#include <string.h>
#include <unistd.h>

#include "media_fixture.h"

static struct test_env env;
static struct media_files files;
static struct media_bytes clip;

static void setup(void)
{
    test_env_init(&env, 0);
    memset(&files, 0, sizeof files);
}

static void teardown(void)
{
    media_bytes_free(&clip);
    media_files_dispose(&files);
    test_env_dispose(&env);
}

/* --- control --- */

struct watch {
    uint32_t last_ppm;
    size_t calls;
    reels_cancel *cancel;
    uint64_t cancel_at_frame;
};

static void watch_progress(void *user, const reels_transcode_progress *progress)
{
    struct watch *watch = user;
    ck_assert_uint_ge(progress->done_ppm, watch->last_ppm);
    ck_assert_uint_le(progress->done_ppm, 1000000);
    ck_assert((progress->done_ppm == 1000000) == (progress->stage == REELS_TRANSCODE_STAGE_DONE));
    watch->last_ppm = progress->done_ppm;
    watch->calls++;
    if (watch->cancel != NULL && progress->frames_count >= watch->cancel_at_frame) {
        reels_cancel_raise(watch->cancel);
    }
}

START_TEST(test_transcode_progress_rises_to_the_end)
{
    struct watch watch = {0};
    media_clip_make(&(struct media_clip){.frames = 40, .pattern = MEDIA_PATTERN_MOVING}, &clip);
    reels_transcode_options options = {.struct_size = sizeof options,
                                       .isolation = &media_in_process,
                                       .progress = watch_progress,
                                       .progress_user = &watch};
    reels_media_input input = media_input(&clip);
    reels_output_vtable output = media_files_output();
    media_ok(&env.err,
             reels_transcode_run(env.ctx, NULL, &input, &options, &output, &files, NULL, &env.err));
    ck_assert_uint_eq(watch.last_ppm, 1000000);
    ck_assert_uint_ge(watch.calls, 40);
}
END_TEST

START_TEST(test_transcode_cancel_leaves_nothing_behind)
{
    struct watch watch = {.cancel_at_frame = 25};
    media_ok(&env.err, reels_cancel_new(env.ctx, &watch.cancel, &env.err));
    media_clip_make(
        &(struct media_clip){
            .frames = 90, .pattern = MEDIA_PATTERN_MOVING, .audio_ms = 3000, .beep_ms = -1},
        &clip);
    reels_transcode_options options = {.struct_size = sizeof options,
                                       .isolation = &media_in_process,
                                       .progress = watch_progress,
                                       .progress_user = &watch,
                                       .threads_count = _i == 0 ? 1 : 2};
    reels_media_input input = media_input(&clip);
    reels_output_vtable output = media_files_output();
    reels_call call = {.struct_size = sizeof call, .cancel = watch.cancel};
    ck_assert_int_eq(
        reels_transcode_run(env.ctx, &call, &input, &options, &output, &files, NULL, &env.err),
        REELS_ERR_CANCELLED);
    ck_assert_uint_eq(media_files_finished(&files), 0);
    ck_assert_uint_eq(files.open_count, 0);
    reels_cancel_free(watch.cancel);
}
END_TEST

START_TEST(test_transcode_deadline_ends_it)
{
    media_clip_make(&(struct media_clip){.frames = 30}, &clip);
    reels_transcode_options options = {.struct_size = sizeof options,
                                       .isolation = &media_in_process};
    reels_media_input input = media_input(&clip);
    reels_output_vtable output = media_files_output();
    reels_call call = {.struct_size = sizeof call, .deadline_mono_us = 1};
    ck_assert_int_eq(
        reels_transcode_run(env.ctx, &call, &input, &options, &output, &files, NULL, &env.err),
        REELS_ERR_TIMEOUT);
    ck_assert_uint_eq(media_files_finished(&files), 0);
}
END_TEST

START_TEST(test_transcode_steps_are_short)
{
    media_clip_make(&(struct media_clip){.frames = 60, .pattern = MEDIA_PATTERN_MOVING}, &clip);
    reels_transcode_options options = {.struct_size = sizeof options,
                                       .isolation = &media_in_process};
    reels_media_input input = media_input(&clip);
    reels_output_vtable output = media_files_output();
    reels_transcode *job = NULL;
    media_ok(&env.err,
             reels_transcode_new(env.ctx, &input, &options, &output, &files, &job, &env.err));
    reels_transcode_summary early = {.struct_size = sizeof early};
    ck_assert_int_eq(reels_transcode_result(job, &early, &env.err), REELS_ERR_STATE);
    reels_status status = REELS_OK;
    size_t steps = 0;
    while (status == REELS_OK) {
        status = reels_transcode_step(job, NULL, 0, &env.err);
        steps++;
    }
    ck_assert_int_eq(status, REELS_END);
    /* A picture goes in or a packet is read: at least two steps for each picture. */
    ck_assert_uint_ge(steps, 120);
    ck_assert_int_eq(reels_transcode_step(job, NULL, 0, &env.err), REELS_END);
    media_ok(&env.err, reels_transcode_result(job, &early, &env.err));
    reels_rung rung = {.struct_size = sizeof rung};
    media_ok(&env.err, reels_transcode_rung(job, 0, &rung, &env.err));
    ck_assert_str_eq(rung.name, "240p");
    ck_assert_int_eq(reels_transcode_rung(job, 1, &rung, &env.err), REELS_END);
    reels_transcode_free(job);
}
END_TEST

START_TEST(test_transcode_freed_early_leaves_nothing_behind)
{
    media_clip_make(&(struct media_clip){.frames = 90, .pattern = MEDIA_PATTERN_MOVING}, &clip);
    reels_transcode_options options = {
        .struct_size = sizeof options, .isolation = &media_in_process, .threads_count = 2};
    reels_media_input input = media_input(&clip);
    reels_output_vtable output = media_files_output();
    for (int steps = 0; steps < 120; steps += 7) {
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

START_TEST(test_transcode_passes_on_every_failure_of_the_output)
{
    media_clip_make(&(struct media_clip){.frames = 35, .audio_ms = 1200, .beep_ms = -1}, &clip);
    reels_transcode_options options = {.struct_size = sizeof options,
                                       .isolation = &media_in_process};
    reels_media_input input = media_input(&clip);
    reels_output_vtable output = media_files_output();
    reels_status status = REELS_ERR_HOST;
    size_t n = 0;
    while (status != REELS_OK) {
        n++;
        memset(&files, 0, sizeof files);
        files.fail_at = n;
        status =
            reels_transcode_run(env.ctx, NULL, &input, &options, &output, &files, NULL, &env.err);
        ck_assert_uint_eq(files.open_count, 0);
        if (status != REELS_OK) {
            ck_assert_int_eq(status, REELS_ERR_HOST);
            ck_assert_int_eq(env.err.host_code, 7);
        }
        media_files_dispose(&files);
        ck_assert_uint_lt(n, 200);
    }
    ck_assert_uint_ge(n, 10);
}
END_TEST

/* --- limits --- */

static reels_status run_limited(const struct media_clip *spec, const reels_media_limits *limits)
{
    media_clip_make(spec, &clip);
    reels_transcode_options options = {
        .struct_size = sizeof options, .isolation = &media_in_process, .limits = limits};
    reels_media_input input = media_input(&clip);
    reels_output_vtable output = media_files_output();
    reels_status status =
        reels_transcode_run(env.ctx, NULL, &input, &options, &output, &files, NULL, &env.err);
    ck_assert_uint_eq(media_files_finished(&files), 0);
    ck_assert_uint_eq(files.open_count, 0);
    return status;
}

START_TEST(test_transcode_refuses_what_is_past_a_limit)
{
    static const struct media_clip long_clip = {.frames = 90, .audio_ms = 3000};
    static const struct media_clip live_clip = {.frames = 90, .container = "mpegts"};
    static const struct {
        const struct media_clip *spec;
        reels_media_limits limits;
    } cases[] = {
        {&long_clip, {.struct_size = sizeof(reels_media_limits), .duration_max_us = 2000000}},
        {&live_clip, {.struct_size = sizeof(reels_media_limits), .duration_max_us = 2000000}},
        {&long_clip, {.struct_size = sizeof(reels_media_limits), .file_bytes_max = 1000}},
        {&long_clip, {.struct_size = sizeof(reels_media_limits), .pixels_max = 320 * 239}},
        {&long_clip, {.struct_size = sizeof(reels_media_limits), .side_max = 319}},
        {&long_clip, {.struct_size = sizeof(reels_media_limits), .aspect_max = 1}},
        {&long_clip, {.struct_size = sizeof(reels_media_limits), .frames_max = 89}},
        {&long_clip, {.struct_size = sizeof(reels_media_limits), .streams_max = 1}},
        {&long_clip, {.struct_size = sizeof(reels_media_limits), .sample_rate_max = 44100}},
        {&long_clip, {.struct_size = sizeof(reels_media_limits), .channels_max = 1}},
        {&long_clip, {.struct_size = sizeof(reels_media_limits), .frame_rate_max = 20}},
        {&long_clip, {.struct_size = sizeof(reels_media_limits), .output_bytes_max = 5000}},
        {&long_clip, {.struct_size = sizeof(reels_media_limits), .metadata_bytes_max = 5}},
    };
    ck_assert_int_lt(_i, (int)(sizeof cases / sizeof cases[0]));
    reels_status status = run_limited(cases[_i].spec, &cases[_i].limits);
    ck_assert_msg(status == REELS_ERR_LIMIT,
                  "case %d: %s: %s",
                  _i,
                  reels_status_name(status),
                  env.err.message);
}
END_TEST

struct counting {
    const struct media_bytes *bytes;
    uint64_t read_bytes;
};

static reels_status count_read(
    void *user, uint64_t offset, uint8_t *data, size_t len, size_t *out_len, reels_error *err)
{
    struct counting *counting = user;
    (void)err;
    size_t left = counting->bytes->len - (size_t)offset;
    *out_len = left < len ? left : len;
    memcpy(data, counting->bytes->data + offset, *out_len);
    counting->read_bytes += *out_len;
    return REELS_OK;
}

START_TEST(test_transcode_refuses_by_the_header_before_reading_the_media)
{
    /* Three hours at a picture every ten minutes, header first: few bytes are read. */
    int pts[19];
    for (int i = 0; i < 19; i++) {
        pts[i] = i * 600000;
    }
    media_clip_make(&(struct media_clip){.container = "matroska",
                                         .frames = 19,
                                         .width = 1280,
                                         .height = 720,
                                         .pattern = MEDIA_PATTERN_MOVING,
                                         .pts_ms = pts},
                    &clip);
    struct counting counting = {.bytes = &clip};
    reels_media_input input = {.struct_size = sizeof input,
                               .read_at = count_read,
                               .user = &counting,
                               .size_bytes = clip.len};
    reels_transcode_options options = {.struct_size = sizeof options,
                                       .isolation = &media_in_process};
    reels_output_vtable output = media_files_output();
    ck_assert_int_eq(
        reels_transcode_run(env.ctx, NULL, &input, &options, &output, &files, NULL, &env.err),
        REELS_ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(env.err.message, "90 s"));
    ck_assert_uint_lt(counting.read_bytes, clip.len);
}
END_TEST

START_TEST(test_transcode_tells_damage_from_the_end)
{
    media_clip_make(&(struct media_clip){.frames = 90, .pattern = MEDIA_PATTERN_MOVING}, &clip);
    reels_transcode_options options = {.struct_size = sizeof options,
                                       .isolation = &media_in_process};
    reels_output_vtable output = media_files_output();
    for (size_t tenth = 0; tenth < 10; tenth++) {
        struct media_bytes cut = {clip.data, clip.len * tenth / 10};
        reels_media_input input = media_input(&cut);
        ck_assert_int_eq(
            reels_transcode_run(env.ctx, NULL, &input, &options, &output, &files, NULL, &env.err),
            REELS_ERR_CORRUPT);
        ck_assert_uint_eq(media_files_finished(&files), 0);
        media_files_dispose(&files);
    }
}
END_TEST

static reels_status
fail_read(void *user, uint64_t offset, uint8_t *data, size_t len, size_t *out_len, reels_error *err)
{
    size_t *left = user;
    (void)offset;
    (void)data;
    (void)len;
    (void)out_len;
    if (*left > 0) {
        (*left)--;
    }
    return reels_error_set(err, REELS_ERR_HOST, 4711, "the store is gone");
}

START_TEST(test_transcode_passes_on_a_failure_of_the_source)
{
    size_t left = 0;
    reels_media_input input = {
        .struct_size = sizeof input, .read_at = fail_read, .user = &left, .size_bytes = 100000};
    reels_transcode_options options = {.struct_size = sizeof options,
                                       .isolation = &media_in_process};
    reels_output_vtable output = media_files_output();
    ck_assert_int_eq(
        reels_transcode_run(env.ctx, NULL, &input, &options, &output, &files, NULL, &env.err),
        REELS_ERR_HOST);
    ck_assert_int_eq(env.err.host_code, 4711);
}
END_TEST

/* --- silence and memory --- */

START_TEST(test_transcode_prints_nothing)
{
    int ends[2];
    char text[256] = "";
    ck_assert_int_eq(pipe(ends), 0);
    int out = dup(1);
    int err = dup(2);
    ck_assert(dup2(ends[1], 1) == 1 && dup2(ends[1], 2) == 2);
    media_clip_make(
        &(struct media_clip){.frames = 40, .pattern = MEDIA_PATTERN_MOVING, .audio_ms = 1000},
        &clip);
    for (size_t i = 300; i + 1 < clip.len; i += 997) {
        clip.data[i] ^= 0x55; /* damage makes decoders talk */
    }
    reels_media_input input = media_input(&clip);
    reels_transcode_options options = {.struct_size = sizeof options,
                                       .isolation = &media_in_process};
    reels_output_vtable output = media_files_output();
    (void)reels_transcode_run(env.ctx, NULL, &input, &options, &output, &files, NULL, &env.err);
    ck_assert(dup2(out, 1) == 1 && dup2(err, 2) == 2);
    close(ends[1]);
    ssize_t got = read(ends[0], text, sizeof text - 1);
    ck_assert_msg(got == 0, "printed: %s", text);
    close(ends[0]);
    close(out);
    close(err);
}
END_TEST

static reels_status transcode_for_oom(reels_ctx *ctx, void *arg)
{
    static struct media_files made;
    reels_media_input input = media_input(arg);
    reels_transcode_options options = {.struct_size = sizeof options,
                                       .isolation = &media_in_process};
    reels_output_vtable output = media_files_output();
    reels_error err = {.struct_size = sizeof err};
    reels_status status =
        reels_transcode_run(ctx, NULL, &input, &options, &output, &made, NULL, &err);
    if (made.open_count != 0 || (status != REELS_OK && media_files_finished(&made) != 0)) {
        status = REELS_ERR_INTERNAL;
    }
    media_files_dispose(&made);
    return status;
}

START_TEST(test_transcode_survives_every_refused_allocation)
{
    media_clip_make(
        &(struct media_clip){
            .width = 64, .height = 48, .frames = 4, .audio_ms = 150, .beep_ms = -1},
        &clip);
    ck_assert_uint_ge(test_oom_run(0, transcode_for_oom, &clip), 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control");
    TCase *tcase = tcase_create("control");
    tcase_set_timeout(tcase, 240);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_transcode_progress_rises_to_the_end);
    tcase_add_loop_test(tcase, test_transcode_cancel_leaves_nothing_behind, 0, 2);
    tcase_add_test(tcase, test_transcode_deadline_ends_it);
    tcase_add_test(tcase, test_transcode_steps_are_short);
    tcase_add_test(tcase, test_transcode_freed_early_leaves_nothing_behind);
    tcase_add_test(tcase, test_transcode_passes_on_every_failure_of_the_output);
    tcase_add_loop_test(tcase, test_transcode_refuses_what_is_past_a_limit, 0, 13);
    tcase_add_test(tcase, test_transcode_refuses_by_the_header_before_reading_the_media);
    tcase_add_test(tcase, test_transcode_tells_damage_from_the_end);
    tcase_add_test(tcase, test_transcode_passes_on_a_failure_of_the_source);
    tcase_add_test(tcase, test_transcode_prints_nothing);
    tcase_add_test(tcase, test_transcode_survives_every_refused_allocation);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
