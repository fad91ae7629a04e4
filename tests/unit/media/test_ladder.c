/* Promises of the ladder plan: by short side, never upscaled, even, of the source's shape. */
#include <string.h>

#include "media_fixture.h"

struct ladder_case {
    uint32_t width;
    uint32_t height;
    uint32_t rate_num;
    uint32_t rate_den;
    const char *names; /* smallest first */
    const char *top;   /* size of the last */
};

static const struct ladder_case cases[] = {
    {1080, 1920, 30, 1, "240p 360p 480p 720p 1080p", "1080x1920"},
    {1920, 1080, 30, 1, "240p 360p 480p 720p 1080p", "1920x1080"},
    {1080, 1080, 30, 1, "240p 360p 480p 720p 1080p", "1080x1080"},
    {720, 1280, 30, 1, "240p 360p 480p 720p", "720x1280"},
    {1280, 720, 30, 1, "240p 360p 480p 720p", "1280x720"},
    {2160, 3840, 30, 1, "240p 360p 480p 720p 1080p", "1080x1920"},
    {1440, 2560, 60, 1, "240p 360p 480p 720p 1080p", "1080x1920"},
    {1080, 2400, 30, 1, "240p 360p 480p 720p 1080p", "1080x2400"},
    {864, 1080, 30, 1, "240p 360p 480p 720p 864p", "864x1080"},
    {700, 1244, 30, 1, "240p 360p 480p 700p", "700x1244"},
    {500, 888, 30, 1, "240p 360p 480p", "480x852"},
    {541, 962, 30, 1, "240p 360p 480p 540p", "540x960"},
    {361, 641, 30, 1, "240p 360p", "360x640"},
    {240, 426, 30, 1, "240p", "240x426"},
    {239, 425, 30, 1, "238p", "238x424"},
    {176, 144, 15, 1, "144p", "176x144"},
    {2, 2, 25, 1, "2p", "2x2"},
    {3, 9, 25, 1, "2p", "2x6"},
    {1138, 640, 30, 1, "240p 360p 480p 640p", "1138x640"},
    {3840, 1080, 24, 1, "240p 360p 480p 720p 1080p", "3840x1080"},
};

static size_t
plan(const struct ladder_case *c, const reels_ladder_options *options, reels_rung *rungs)
{
    reels_error err = {.struct_size = sizeof err};
    reels_probe_info info = {.struct_size = sizeof info,
                             .video_present = 1,
                             .display_width = c->width,
                             .display_height = c->height,
                             .frame_rate_num = c->rate_num,
                             .frame_rate_den = c->rate_den};
    size_t count = 0;
    rungs[0].struct_size = sizeof rungs[0];
    media_ok(&err, reels_ladder_plan(&info, options, rungs, REELS_RUNGS_MAX, &count, &err));
    return count;
}

START_TEST(test_ladder_has_the_rungs_of_the_table)
{
    const struct ladder_case *c = &cases[_i];
    reels_rung rungs[REELS_RUNGS_MAX] = {0};
    char names[128] = "";
    char top[32];
    size_t count = plan(c, NULL, rungs);
    for (size_t i = 0; i < count; i++) {
        (void)strcat(names, i > 0 ? " " : "");
        (void)strcat(names, rungs[i].name);
    }
    (void)snprintf(top, sizeof top, "%ux%u", rungs[count - 1].width, rungs[count - 1].height);
    ck_assert_str_eq(names, c->names);
    ck_assert_str_eq(top, c->top);
}
END_TEST

START_TEST(test_ladder_keeps_shape_and_never_upscales)
{
    /* Every size of a grid of aspect ratios from 1:6 to 6:1. */
    for (uint32_t shorter = 2; shorter <= 2400; shorter += 37) {
        for (uint32_t tenths = 10; tenths <= 37; tenths += 3) {
            for (int turned = 0; turned < 2; turned++) {
                uint32_t longer = shorter * tenths / 10;
                struct ladder_case c = {
                    turned ? shorter : longer, turned ? longer : shorter, 30, 1, NULL, NULL};
                reels_rung rungs[REELS_RUNGS_MAX] = {0};
                size_t count = plan(&c, NULL, rungs);
                ck_assert_uint_ge(count, 1);
                for (size_t i = 0; i < count; i++) {
                    const reels_rung *r = &rungs[i];
                    ck_assert_uint_eq(r->width % 2 + r->height % 2, 0);
                    ck_assert(r->width <= c.width || c.width < 2);
                    ck_assert(r->height <= c.height || c.height < 2);
                    /* Within one sample of the exact shape. */
                    int64_t off = (int64_t)r->width * c.height - (int64_t)r->height * c.width;
                    int64_t most = 2 * (int64_t)(c.width > c.height ? c.width : c.height);
                    ck_assert_msg(off <= most && off >= -most,
                                  "%ux%u of %ux%u",
                                  r->width,
                                  r->height,
                                  c.width,
                                  c.height);
                    ck_assert(i == 0 || (r->video_bitrate_bps > r[-1].video_bitrate_bps &&
                                         r->short_side > r[-1].short_side));
                    ck_assert_uint_ge(r->video_bitrate_max_bps, r->video_bitrate_bps);
                }
            }
        }
    }
}
END_TEST

START_TEST(test_ladder_rates_are_the_fixed_ones)
{
    static const uint32_t rates[] = {300000, 600000, 1100000, 2400000, 4500000};
    reels_rung rungs[REELS_RUNGS_MAX] = {0};
    ck_assert_uint_eq(plan(&cases[0], NULL, rungs), 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(rungs[i].video_bitrate_bps, rates[i]);
    }
}
END_TEST

START_TEST(test_ladder_halves_high_rates_for_small_rungs)
{
    const struct ladder_case c = {1080, 1920, 60000, 1001, NULL, NULL};
    reels_rung rungs[REELS_RUNGS_MAX] = {0};
    size_t count = plan(&c, NULL, rungs);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(rungs[i].frame_rate_num, rungs[i].short_side >= 720 ? 60000 : 30000);
        ck_assert_uint_eq(rungs[i].frame_rate_den, 1001);
    }
    const struct ladder_case fast = {720, 1280, 240, 1, NULL, NULL};
    count = plan(&fast, NULL, rungs);
    ck_assert_uint_eq(rungs[count - 1].frame_rate_num, 60);
    ck_assert_uint_eq(rungs[0].frame_rate_num, 30);
}
END_TEST

START_TEST(test_ladder_options_narrow_it)
{
    reels_rung rungs[REELS_RUNGS_MAX] = {0};
    reels_ladder_options options = {
        .struct_size = sizeof options, .short_side_max = 480, .rungs_max = 2, .frame_rate_max = 25};
    const struct ladder_case c = {1080, 1920, 50, 1, NULL, NULL};
    ck_assert_uint_eq(plan(&c, &options, rungs), 2);
    ck_assert_str_eq(rungs[0].name, "240p");
    ck_assert_str_eq(rungs[1].name, "480p");
    ck_assert_uint_eq(rungs[1].frame_rate_num, 25);
}
END_TEST

START_TEST(test_ladder_tells_how_much_room_it_needs)
{
    reels_error err = {.struct_size = sizeof err};
    reels_probe_info info = {.struct_size = sizeof info,
                             .video_present = 1,
                             .display_width = 720,
                             .display_height = 1280,
                             .frame_rate_num = 30,
                             .frame_rate_den = 1};
    reels_rung rungs[2] = {{.struct_size = sizeof(reels_rung)}};
    size_t count = 0;
    ck_assert_int_eq(reels_ladder_plan(&info, NULL, rungs, 2, &count, &err),
                     REELS_ERR_BUFFER_TOO_SMALL);
    ck_assert_uint_eq(count, 4);
    ck_assert_uint_eq(rungs[0].width, 0);
    info.display_width = 9000;
    info.display_height = 1000;
    ck_assert_int_eq(reels_ladder_plan(&info, NULL, NULL, 0, &count, &err), REELS_ERR_LIMIT);
    info.video_present = 0;
    media_ok(&err, reels_ladder_plan(&info, NULL, NULL, 0, &count, &err));
    ck_assert_uint_eq(count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ladder");
    TCase *tcase = tcase_create("ladder");
    tcase_add_loop_test(
        tcase, test_ladder_has_the_rungs_of_the_table, 0, sizeof cases / sizeof cases[0]);
    tcase_add_test(tcase, test_ladder_keeps_shape_and_never_upscales);
    tcase_add_test(tcase, test_ladder_rates_are_the_fixed_ones);
    tcase_add_test(tcase, test_ladder_halves_high_rates_for_small_rungs);
    tcase_add_test(tcase, test_ladder_options_narrow_it);
    tcase_add_test(tcase, test_ladder_tells_how_much_room_it_needs);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
