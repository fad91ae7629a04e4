/* Promises of a transcode, on clips made here and read back from what was written. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "media_fixture.h"

static struct test_env env;
static struct media_files files;
static struct media_bytes clip;
static reels_transcode_summary summary;

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

static void transcode(const struct media_clip *spec)
{
    media_clip_make(spec, &clip);
    media_transcode(env.ctx, &clip, &files, &summary);
    media_verify(env.ctx, &files);
}

static const struct media_bytes *file(const char *name)
{
    struct media_file *found = media_files_find(&files, name);
    ck_assert_msg(found != NULL, "%s is missing", name);
    return &found->bytes;
}

/* --- orientation --- */

#define ONE 65536
/* The eight ways to lay a picture down, as (a, b, c, d), and where the stored top left, top right,
 * bottom left and bottom right quadrants are to be seen: 0 = top left, 1 = top right, 2, 3 below.
 */
static const struct {
    int32_t a, b, c, d;
    int shown[4];
} turns[8] = {
    {ONE, 0, 0, ONE, {0, 1, 2, 3}},
    {-ONE, 0, 0, ONE, {1, 0, 3, 2}},
    {ONE, 0, 0, -ONE, {2, 3, 0, 1}},
    {-ONE, 0, 0, -ONE, {3, 2, 1, 0}},
    {0, ONE, -ONE, 0, {1, 3, 0, 2}},
    {0, -ONE, ONE, 0, {2, 0, 3, 1}},
    {0, ONE, ONE, 0, {0, 2, 1, 3}},
    {0, -ONE, -ONE, 0, {3, 1, 2, 0}},
};

/* BT.709 limited codes of red, green, blue and white. */
static const double quadrants[4][3] = {
    {63, 102, 240}, {173, 42, 26}, {32, 240, 118}, {235, 128, 128}};

static void check_quadrants(void *user, const AVFrame *frame, int64_t at_us)
{
    const int *shown = user;
    (void)at_us;
    for (int stored = 0; stored < 4; stored++) {
        double mean[3];
        int place = shown[stored];
        media_mean(frame, place % 2 == 0 ? 15 : 65, place < 2 ? 15 : 65, mean);
        for (int i = 0; i < 3; i++) {
            ck_assert_msg(fabs(mean[i] - quadrants[stored][i]) < 12,
                          "quadrant %d at %d: component %d is %.0f, not %.0f",
                          stored,
                          place,
                          i,
                          mean[i],
                          quadrants[stored][i]);
        }
    }
}

START_TEST(test_transcode_bakes_every_orientation_in)
{
    const int32_t matrix[9] = {
        turns[_i].a, turns[_i].b, 0, turns[_i].c, turns[_i].d, 0, 0, 0, 1 << 30};
    int is_crossed = turns[_i].a == 0;
    int shown[4];
    memcpy(shown, turns[_i].shown, sizeof shown);
    transcode(
        &(struct media_clip){.width = 480, .height = 320, .frames = 8, .display_matrix = matrix});
    ck_assert_uint_eq(summary.rungs_count, 2);
    ck_assert_uint_eq(summary.cover_width, is_crossed ? 320 : 480);
    ck_assert_uint_eq(media_decode(file("v320p.mp4"), 0, check_quadrants, shown), 8);
    ck_assert_uint_eq(media_decode(file("v240p.mp4"), 0, check_quadrants, shown), 8);
    ck_assert_uint_eq(media_decode(file("cover.jpg"), 0, NULL, NULL), 1);
}
END_TEST

/* --- colour --- */

static const struct {
    int matrix;
    int full_range;
    int pixel_format;
    double expected[3]; /* of the red quadrant's numbers, 81 90 240 */
} colours[] = {
    {AVCOL_SPC_SMPTE170M, 0, AV_PIX_FMT_YUV420P, {63, 102, 240}},
    {AVCOL_SPC_BT709, 0, AV_PIX_FMT_YUV420P, {81, 90, 240}},
    /* Full range: luma 81/255 and differences of 255 become 219 and 224 wide. */
    {AVCOL_SPC_BT709, 1, AV_PIX_FMT_YUVJ420P, {85.6, 94.6, 226.4}},
    {AVCOL_SPC_UNSPECIFIED, 0, AV_PIX_FMT_YUV420P, {63, 102, 240}},
};

static void check_red(void *user, const AVFrame *frame, int64_t at_us)
{
    const double *expected = user;
    double mean[3];
    (void)at_us;
    media_mean(frame, 15, 15, mean);
    for (int i = 0; i < 3; i++) {
        ck_assert_msg(fabs(mean[i] - expected[i]) < 4,
                      "component %d is %.1f, not %.1f",
                      i,
                      mean[i],
                      expected[i]);
    }
    ck_assert_int_eq(frame->colorspace, AVCOL_SPC_BT709);
    ck_assert_int_eq(frame->color_range, AVCOL_RANGE_MPEG);
}

START_TEST(test_transcode_brings_every_matrix_and_range_to_bt709)
{
    double expected[3];
    memcpy(expected, colours[_i].expected, sizeof expected);
    transcode(&(struct media_clip){.frames = 3,
                                   .matrix = colours[_i].matrix,
                                   .full_range = colours[_i].full_range,
                                   .pixel_format = colours[_i].pixel_format});
    ck_assert_uint_eq(media_decode(file("v240p.mp4"), 0, check_red, expected), 3);
}
END_TEST

/* --- time --- */

struct sync {
    double flash_us;
    double beep_us;
    double tone_first_us; /* first and last loud sample */
    double tone_last_us;
    double end_us;
    size_t frames;
};

static void see_flash(void *user, const AVFrame *frame, int64_t at_us)
{
    struct sync *sync = user;
    double mean[3];
    media_mean(frame, 40, 40, mean);
    if (mean[0] > 128 && sync->flash_us < 0) {
        sync->flash_us = (double)at_us;
    }
    sync->frames++;
}

static void hear_beep(void *user, const AVFrame *frame, int64_t at_us)
{
    struct sync *sync = user;
    const float *samples = (const float *)(const void *)frame->extended_data[0];
    for (int i = 0; i < frame->nb_samples; i++) {
        double here_us = (double)at_us + i * 1e6 / frame->sample_rate;
        if (fabsf(samples[i]) > 0.2f) {
            sync->beep_us = sync->beep_us < 0 ? here_us : sync->beep_us;
            sync->tone_first_us = sync->tone_first_us < 0 ? here_us : sync->tone_first_us;
            sync->tone_last_us = here_us;
        }
        sync->end_us = here_us;
    }
}

static struct sync listen_and_look(void)
{
    struct sync sync = {-1, -1, -1, -1, 0, 0};
    (void)media_decode(file("v240p.mp4"), 0, see_flash, &sync);
    (void)media_decode(file("a128.mp4"), 1, hear_beep, &sync);
    return sync;
}

static const struct media_clip sync_specs[] = {
    {.frames = 90,
     .pattern = MEDIA_PATTERN_FLASH,
     .flash_ms = 2000,
     .audio_ms = 3000,
     .beep_ms = 2000},
    {.frames = 90,
     .pattern = MEDIA_PATTERN_FLASH,
     .flash_ms = 2000,
     .audio_ms = 3000,
     .beep_ms = 2000,
     .audio_rate = 44100,
     .audio_channels = 1},
    {.frames = 90,
     .pattern = MEDIA_PATTERN_FLASH,
     .flash_ms = 2000,
     .audio_ms = 3000,
     .beep_ms = 2000,
     .container = "matroska"},
    {.frames = 90,
     .pattern = MEDIA_PATTERN_FLASH,
     .flash_ms = 2000,
     .audio_ms = 3000,
     .beep_ms = 2000,
     .container = "mpegts"},
    {.frames = 90,
     .fps_num = 30000,
     .fps_den = 1001,
     .pattern = MEDIA_PATTERN_FLASH,
     .flash_ms = 2000,
     .audio_ms = 3000,
     .beep_ms = 2000},
    /* Sound that comes late, by a second. */
    {.frames = 90,
     .pattern = MEDIA_PATTERN_FLASH,
     .flash_ms = 2000,
     .audio_ms = 2000,
     .audio_start_ms = 1000,
     .beep_ms = 2000},
    /* A hole of half a second in the sound's time stamps. */
    {.frames = 90,
     .pattern = MEDIA_PATTERN_FLASH,
     .flash_ms = 2000,
     .audio_ms = 3000,
     .beep_ms = 2000,
     .hole_from_ms = 900,
     .hole_to_ms = 1400,
     .container = "matroska"},
    /* Pictures that come late, by a second. */
    {.frames = 60,
     .video_start_ms = 1000,
     .pattern = MEDIA_PATTERN_FLASH,
     .flash_ms = 2000,
     .audio_ms = 3000,
     .beep_ms = 2000,
     .container = "matroska"},
    /* Sound much shorter than the pictures. */
    {.frames = 120,
     .pattern = MEDIA_PATTERN_FLASH,
     .flash_ms = 1000,
     .audio_ms = 1500,
     .beep_ms = 1000},
};

START_TEST(test_transcode_keeps_flash_and_beep_together)
{
    transcode(&sync_specs[_i]);
    struct sync sync = listen_and_look();
    ck_assert(sync.flash_us >= 0 && sync.beep_us >= 0);
    ck_assert_msg(fabs(sync.flash_us - sync.beep_us) < 40000,
                  "flash at %.0f us, beep at %.0f us",
                  sync.flash_us,
                  sync.beep_us);
    ck_assert_double_lt(fabs(sync.flash_us - sync_specs[_i].flash_ms * 1000.0), 50000);
    /* The sound lasts as long as the pictures. */
    double video_us = (double)sync.frames / 30 * 1e6;
    ck_assert_msg(fabs(sync.end_us - video_us) < 60000,
                  "sound ends at %.0f us, pictures at %.0f us",
                  sync.end_us,
                  video_us);
}
END_TEST

START_TEST(test_transcode_holds_the_last_picture_while_sound_goes_on)
{
    transcode(&(struct media_clip){.frames = 30,
                                   .pattern = MEDIA_PATTERN_FLASH,
                                   .flash_ms = 9000,
                                   .audio_ms = 3000,
                                   .beep_ms = 2500});
    struct sync sync = listen_and_look();
    ck_assert_uint_eq(sync.frames, 90);
    ck_assert_double_lt(fabs(sync.beep_us - 2.5e6), 40000);
}
END_TEST

struct cadence {
    int64_t step_us;
    int64_t last_us;
    const int *pts_ms;
    size_t pts_count;
    size_t wrong;
    size_t frames;
};

static void check_nearest(void *user, const AVFrame *frame, int64_t at_us)
{
    struct cadence *cadence = user;
    if (cadence->frames > 0) {
        int64_t off = at_us - cadence->last_us - cadence->step_us;
        ck_assert_msg(
            off < 1500 && off > -1500, "a step of %lld us", (long long)(at_us - cadence->last_us));
    }
    cadence->last_us = at_us;
    cadence->frames++;
    /* The picture shown is one of the nearest. */
    int shown = media_frame_number(frame);
    ck_assert_int_lt(shown, (int)cadence->pts_count);
    double here = fabs((double)at_us / 1000.0 - cadence->pts_ms[shown]);
    for (size_t i = 0; i < cadence->pts_count; i++) {
        if (fabs((double)at_us / 1000.0 - cadence->pts_ms[i]) < here - 2.0) {
            cadence->wrong++;
            break;
        }
    }
}

START_TEST(test_transcode_shows_the_nearest_picture_on_a_steady_grid)
{
    enum {
        COUNT = 60
    };
    int pts[COUNT];
    int at = 0;
    for (int i = 0; i < COUNT; i++) {
        pts[i] = at;
        at += i % 7 == 3 ? 100 : i % 5 == 0 ? 20 : 33;
    }
    transcode(&(struct media_clip){
        .container = "matroska", .frames = COUNT, .pattern = MEDIA_PATTERN_COUNT, .pts_ms = pts});
    struct cadence cadence = {.step_us = 33333, .pts_ms = pts, .pts_count = COUNT};
    (void)media_decode(file("v240p.mp4"), 0, check_nearest, &cadence);
    ck_assert_uint_eq(cadence.wrong, 0);
    ck_assert_uint_eq(cadence.frames, (size_t)summary.frames_count);
}
END_TEST

static void check_each_once(void *user, const AVFrame *frame, int64_t at_us)
{
    int *next = user;
    (void)at_us;
    ck_assert_int_eq(media_frame_number(frame), *next);
    (*next)++;
}

START_TEST(test_transcode_shows_each_picture_of_a_steady_clip_once)
{
    static const struct media_clip specs[] = {
        {.frames = 100, .pattern = MEDIA_PATTERN_COUNT},
        {.frames = 100, .fps_num = 30000, .fps_den = 1001, .pattern = MEDIA_PATTERN_COUNT},
        {.frames = 100,
         .fps_num = 24000,
         .fps_den = 1001,
         .pattern = MEDIA_PATTERN_COUNT,
         .container = "matroska"},
        {.frames = 100, .fps_num = 25, .pattern = MEDIA_PATTERN_COUNT, .container = "mpegts"},
        {.frames = 100,
         .fps_num = 298,
         .fps_den = 10,
         .pattern = MEDIA_PATTERN_COUNT,
         .container = "matroska"},
        /* Sound that starts a little earlier must not double the first picture. */
        {.frames = 100, .video_start_ms = 60, .audio_ms = 3400, .pattern = MEDIA_PATTERN_COUNT},
    };
    transcode(&specs[_i]);
    int next = 0;
    (void)media_decode(file("v240p.mp4"), 0, check_each_once, &next);
    ck_assert_int_eq(next, 100);
}
END_TEST

/* --- forms --- */

START_TEST(test_transcode_takes_odd_forms)
{
    static const struct {
        struct media_clip spec;
        uint32_t rungs;
        const char *top;
        int width;
        int height;
    } forms[] = {
        {{.frames = 1}, 1, "v240p.mp4", 320, 240},
        {{.frames = 12, .width = 361, .height = 641, .pixel_format = AV_PIX_FMT_YUV444P},
         2,
         "v360p.mp4",
         360,
         640},
        {{.frames = 12, .width = 322, .height = 242}, 1, "v240p.mp4", 320, 240},
        {{.frames = 12, .width = 64, .height = 96}, 1, "v64p.mp4", 64, 96},
        {{.frames = 12, .width = 320, .height = 240, .sar_num = 4, .sar_den = 3},
         1,
         "v240p.mp4",
         426,
         240},
        {{.frames = 12, .width = 320, .height = 240, .sar_num = 1, .sar_den = 2},
         2,
         "v320p.mp4",
         320,
         480},
        {{.frames = 12, .pixel_format = AV_PIX_FMT_YUV422P}, 1, "v240p.mp4", 320, 240},
        {{.frames = 12, .pixel_format = AV_PIX_FMT_YUV420P10LE, .codec = "libx264"},
         1,
         "v240p.mp4",
         320,
         240},
        {{.frames = 12, .codec = "mpeg4"}, 1, "v240p.mp4", 320, 240},
        {{.frames = 3, .fps_num = 1, .audio_ms = 3000, .beep_ms = -1}, 1, "v240p.mp4", 320, 240},
    };
    struct media_clip spec = forms[_i].spec;
    if (spec.pixel_format == AV_PIX_FMT_YUV420P10LE || spec.pixel_format == AV_PIX_FMT_YUV444P ||
        spec.pixel_format == AV_PIX_FMT_YUV422P) {
        spec.pattern = MEDIA_PATTERN_QUADRANTS;
    }
    transcode(&spec);
    ck_assert_uint_eq(summary.rungs_count, forms[_i].rungs);
    ck_assert_uint_ge(media_decode(file(forms[_i].top), 0, NULL, NULL), 1);
    ck_assert_int_eq((int)summary.cover_width, forms[_i].width);
    ck_assert_int_eq((int)summary.cover_height, forms[_i].height);
}
END_TEST

START_TEST(test_transcode_makes_sound_alone_playable)
{
    transcode(&(struct media_clip){.frames = -1, .audio_ms = 2500, .beep_ms = -1});
    ck_assert_uint_eq(summary.rungs_count, 0);
    ck_assert_uint_eq(summary.audio_present, 1);
    ck_assert_int_eq(summary.cover_media_us, -1);
    ck_assert_uint_eq(media_decode(file("cover.jpg"), 0, NULL, NULL), 1);
    struct sync sync = {-1, -1, -1, -1, 0, 0};
    (void)media_decode(file("a128.mp4"), 1, hear_beep, &sync);
    ck_assert_double_lt(fabs(sync.tone_last_us - 2.5e6), 60000);
}
END_TEST

START_TEST(test_transcode_of_silent_video_has_no_sound)
{
    transcode(&(struct media_clip){.frames = 20});
    ck_assert_uint_eq(summary.audio_present, 0);
    ck_assert_ptr_null(media_files_find(&files, "a128.mp4"));
}
END_TEST

/* --- rungs --- */

struct keys {
    int64_t at_us[32];
    size_t count;
};

static void note_key(void *user, const AVFrame *frame, int64_t at_us)
{
    struct keys *keys = user;
    if (frame->key_frame && keys->count < 32) {
        keys->at_us[keys->count++] = at_us;
    }
}

START_TEST(test_transcode_puts_key_frames_at_the_same_times_in_every_rung)
{
    static const int rates[][2] = {{30, 1}, {60, 1}, {60000, 1001}, {25, 2}, {15, 1}, {293, 10}};
    transcode(&(struct media_clip){.width = 960,
                                   .height = 720,
                                   .fps_num = rates[_i][0],
                                   .fps_den = rates[_i][1],
                                   .frames = 5 * rates[_i][0] / rates[_i][1] + 3,
                                   .pattern = MEDIA_PATTERN_MOVING});
    static const char *const names[] = {"v240p.mp4", "v360p.mp4", "v480p.mp4", "v720p.mp4"};
    struct keys first = {{0}, 0};
    for (size_t i = 0; i < 4; i++) {
        struct keys keys = {{0}, 0};
        (void)media_decode(file(names[i]), 0, note_key, &keys);
        if (i == 0) {
            first = keys;
            ck_assert_uint_eq(keys.count, 3);
        }
        ck_assert_uint_eq(keys.count, first.count);
        for (size_t k = 0; k < keys.count; k++) {
            ck_assert_int_le(llabs(keys.at_us[k] - first.at_us[k]), 2);
            ck_assert_int_le(llabs(keys.at_us[k] - (int64_t)k * 2000000), 60000 * (int64_t)(k + 1));
        }
    }
}
END_TEST

START_TEST(test_transcode_follows_a_plan_of_the_host)
{
    media_clip_make(&(struct media_clip){.frames = 20}, &clip);
    reels_rung rungs[2] = {{.struct_size = sizeof(reels_rung),
                            .width = 64,
                            .height = 48,
                            .frame_rate_num = 15,
                            .frame_rate_den = 1,
                            .video_bitrate_bps = 50000,
                            .video_bitrate_max_bps = 60000,
                            .buffer_bits = 60000,
                            .name = "tiny"},
                           {.struct_size = sizeof(reels_rung),
                            .width = 160,
                            .height = 120,
                            .frame_rate_num = 30,
                            .frame_rate_den = 1,
                            .video_bitrate_bps = 90000,
                            .video_bitrate_max_bps = 100000,
                            .buffer_bits = 100000,
                            .name = "small"}};
    reels_transcode_options options = {.struct_size = sizeof options,
                                       .isolation = &media_in_process,
                                       .rungs = rungs,
                                       .rungs_count = 2,
                                       .segment_us = 1000000};
    reels_media_input input = media_input(&clip);
    reels_output_vtable output = media_files_output();
    media_ok(&env.err,
             reels_transcode_run(env.ctx, NULL, &input, &options, &output, &files, NULL, &env.err));
    media_verify(env.ctx, &files);
    ck_assert_uint_eq(media_decode(file("vtiny.mp4"), 0, NULL, NULL), 10);
    ck_assert_uint_eq(media_decode(file("vsmall.mp4"), 0, NULL, NULL), 20);
    rungs[1].width = 161;
    ck_assert_int_eq(
        reels_transcode_run(env.ctx, NULL, &input, &options, &output, &files, NULL, &env.err),
        REELS_ERR_INVALID_ARG);
}
END_TEST

/* --- cover --- */

START_TEST(test_transcode_cover_is_not_the_black_beginning)
{
    transcode(&(struct media_clip){
        .frames = 60, .pattern = MEDIA_PATTERN_FLASH, .flash_ms = 1500, .fps_num = 30});
    /* Of black and white pictures neither is good, but the choice is told and the file there. */
    ck_assert_int_ge(summary.cover_media_us, 0);
    ck_assert_uint_eq(media_decode(file("cover.jpg"), 0, NULL, NULL), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transcode");
    TCase *tcase = tcase_create("transcode");
    tcase_set_timeout(tcase, 240);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_transcode_bakes_every_orientation_in, 0, 8);
    tcase_add_loop_test(tcase, test_transcode_brings_every_matrix_and_range_to_bt709, 0, 4);
    tcase_add_loop_test(tcase, test_transcode_keeps_flash_and_beep_together, 0, 9);
    tcase_add_test(tcase, test_transcode_holds_the_last_picture_while_sound_goes_on);
    tcase_add_test(tcase, test_transcode_shows_the_nearest_picture_on_a_steady_grid);
    tcase_add_loop_test(tcase, test_transcode_shows_each_picture_of_a_steady_clip_once, 0, 6);
    tcase_add_loop_test(tcase, test_transcode_takes_odd_forms, 0, 10);
    tcase_add_test(tcase, test_transcode_makes_sound_alone_playable);
    tcase_add_test(tcase, test_transcode_of_silent_video_has_no_sound);
    tcase_add_loop_test(
        tcase, test_transcode_puts_key_frames_at_the_same_times_in_every_rung, 0, 6);
    tcase_add_test(tcase, test_transcode_follows_a_plan_of_the_host);
    tcase_add_test(tcase, test_transcode_cover_is_not_the_black_beginning);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
