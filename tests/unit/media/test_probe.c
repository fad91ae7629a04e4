/* Promises of a probe. */
#include <string.h>

#include "media_fixture.h"

static struct test_env env;
static struct media_bytes clip;

static void setup(void)
{
    test_env_init(&env, 0);
}

static void teardown(void)
{
    media_bytes_free(&clip);
    test_env_dispose(&env);
}

static reels_status probe(const struct media_clip *spec,
                          uint32_t exact,
                          const reels_media_limits *limits,
                          reels_probe_info *info)
{
    media_clip_make(spec, &clip);
    reels_media_input input = media_input(&clip);
    reels_probe_options options = {.struct_size = sizeof options,
                                   .exact = exact,
                                   .limits = limits,
                                   .isolation = &media_in_process};
    info->struct_size = sizeof *info;
    return reels_probe_run(env.ctx, NULL, &input, &options, info, &env.err);
}

START_TEST(test_probe_describes_pictures_and_sound)
{
    const int32_t turned[9] = {0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30};
    reels_probe_info info;
    media_ok(&env.err,
             probe(&(struct media_clip){.width = 640,
                                        .height = 360,
                                        .frames = 45,
                                        .fps_num = 30000,
                                        .fps_den = 1001,
                                        .display_matrix = turned,
                                        .sar_num = 4,
                                        .sar_den = 3,
                                        .matrix = AVCOL_SPC_SMPTE170M,
                                        .audio_ms = 1000,
                                        .audio_start_ms = 200,
                                        .audio_rate = 44100,
                                        .audio_channels = 1},
                   1,
                   NULL,
                   &info));
    ck_assert_uint_eq(info.verdict, REELS_VERDICT_TRANSCODE);
    ck_assert_int_eq(info.verdict_status, REELS_OK);
    ck_assert_str_eq(info.container, "mp4");
    ck_assert_str_eq(info.video_codec, "h264");
    ck_assert_str_eq(info.audio_codec, "aac");
    ck_assert_str_eq(info.pixel_format, "yuv420p");
    ck_assert_str_eq(info.color_matrix, "smpte170m");
    ck_assert_uint_eq(info.coded_width, 640);
    ck_assert_uint_eq(info.coded_height, 360);
    ck_assert_uint_eq(info.display_width, 360);
    ck_assert_uint_eq(info.display_height, 853);
    ck_assert_uint_eq(info.rotation_degrees, 90);
    ck_assert_uint_eq(info.mirrored, 0);
    ck_assert_uint_eq(info.frame_rate_num, 30000);
    ck_assert_uint_eq(info.frame_rate_den, 1001);
    ck_assert_uint_eq(info.video_frames_count, 45);
    ck_assert_uint_eq(info.variable_rate, 0);
    ck_assert_uint_eq(info.bit_depth, 8);
    ck_assert_uint_eq(info.hdr_kind, REELS_HDR_NONE);
    ck_assert_uint_eq(info.audio_sample_rate, 44100);
    ck_assert_uint_eq(info.audio_channels, 1);
    ck_assert_uint_eq(info.streams_count, 2);
    ck_assert_uint_eq(info.file_bytes, clip.len);
    ck_assert_int_ge(info.duration_us, 1480000);
    ck_assert_int_le(info.duration_us, 1530000);
    ck_assert_int_ge(info.audio_offset_us, 170000);
    ck_assert_int_le(info.audio_offset_us, 230000);
}
END_TEST

START_TEST(test_probe_describes_what_it_refuses)
{
    reels_probe_info info;
    const reels_media_limits limits = {.struct_size = sizeof limits, .duration_max_us = 1000000};
    for (uint32_t exact = 0; exact < 2; exact++) {
        media_ok(&env.err, probe(&(struct media_clip){.frames = 60}, exact, &limits, &info));
        ck_assert_uint_eq(info.verdict, REELS_VERDICT_REFUSE);
        ck_assert_int_eq(info.verdict_status, REELS_ERR_LIMIT);
        ck_assert_ptr_nonnull(strstr(info.verdict_reason, "2.000 s"));
        ck_assert_uint_eq(info.display_width, 320);
        media_bytes_free(&clip);
    }
}
END_TEST

START_TEST(test_probe_knows_uneven_frames)
{
    static const int pts[] = {0, 30, 200, 230, 500, 530, 560, 900, 930, 1300};
    reels_probe_info info;
    media_ok(&env.err,
             probe(&(struct media_clip){.container = "matroska", .frames = 10, .pts_ms = pts},
                   1,
                   NULL,
                   &info));
    ck_assert_uint_eq(info.variable_rate, 1);
    ck_assert_str_eq(info.container, "matroska");
}
END_TEST

START_TEST(test_probe_of_the_front_of_a_growing_file_judges_its_header)
{
    reels_probe_info info = {.struct_size = sizeof info};
    const reels_media_limits limits = {.struct_size = sizeof limits, .duration_max_us = 1000000};
    media_clip_make(&(struct media_clip){.container = "matroska",
                                         .frames = 90,
                                         .pattern = MEDIA_PATTERN_MOVING},
                    &clip);
    struct media_bytes front = {clip.data, clip.len / 3};
    reels_media_input input = media_input(&front);
    reels_probe_options options = {
        .struct_size = sizeof options, .limits = &limits, .isolation = &media_in_process};
    media_ok(&env.err, reels_probe_run(env.ctx, NULL, &input, &options, &info, &env.err));
    ck_assert_int_eq(info.verdict_status, REELS_ERR_LIMIT);
}
END_TEST

START_TEST(test_probe_json_is_json)
{
    reels_probe_info info;
    reels_buf *buf = NULL;
    media_ok(&env.err, probe(&(struct media_clip){.frames = 10, .audio_ms = 300}, 1, NULL, &info));
    (void)strcpy(info.video_codec, "a\"b\\c\nd");
    media_ok(&env.err, reels_buf_new(env.ctx, 0, &buf, &env.err));
    media_ok(&env.err, reels_probe_json(&info, buf, &env.err));
    const char *text = (const char *)reels_buf_data(buf);
    ck_assert_ptr_nonnull(strstr(text, "\"codec\":\"a\\\"b\\\\c?d\""));
    ck_assert_ptr_nonnull(
        strstr(text, "{\"verdict\":\"transcode\",\"status\":\"OK\",\"reason\":null,"));
    ck_assert_ptr_nonnull(strstr(text, "\"audio\":{\"codec\":\"aac\""));
    ck_assert_int_eq(text[strlen(text) - 1], '}');
    reels_buf_free(buf);
    /* All or nothing. */
    media_ok(&env.err, reels_buf_new(env.ctx, 100, &buf, &env.err));
    ck_assert_int_eq(reels_probe_json(&info, buf, &env.err), REELS_ERR_LIMIT);
    ck_assert_uint_eq(reels_buf_len(buf), 0);
    reels_buf_free(buf);
}
END_TEST

START_TEST(test_probe_wants_exactly_one_input)
{
    reels_probe_info info = {.struct_size = sizeof info};
    reels_probe_options options = {.struct_size = sizeof options, .isolation = &media_in_process};
    reels_media_input none = {.struct_size = sizeof none};
    reels_media_input two = {
        .struct_size = sizeof two, .path = "x", .data = (const uint8_t *)"y", .size_bytes = 1};
    reels_media_input missing = {.struct_size = sizeof missing, .path = "/nonexistent/clip.mp4"};
    reels_media_input folder = {.struct_size = sizeof folder, .path = "/tmp"};
    ck_assert_int_eq(reels_probe_run(env.ctx, NULL, &none, &options, &info, &env.err),
                     REELS_ERR_INVALID_ARG);
    ck_assert_int_eq(reels_probe_run(env.ctx, NULL, &two, &options, &info, &env.err),
                     REELS_ERR_INVALID_ARG);
    ck_assert_int_eq(reels_probe_run(env.ctx, NULL, &missing, &options, &info, &env.err),
                     REELS_ERR_NOT_FOUND);
    ck_assert_int_lt(reels_probe_run(env.ctx, NULL, &folder, &options, &info, &env.err), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("probe");
    TCase *tcase = tcase_create("probe");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_probe_describes_pictures_and_sound);
    tcase_add_test(tcase, test_probe_describes_what_it_refuses);
    tcase_add_test(tcase, test_probe_knows_uneven_frames);
    tcase_add_test(tcase, test_probe_of_the_front_of_a_growing_file_judges_its_header);
    tcase_add_test(tcase, test_probe_json_is_json);
    tcase_add_test(tcase, test_probe_wants_exactly_one_input);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
