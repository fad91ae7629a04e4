/* Promises of the parts that are pure: cadence, turning, colour, tone, sniffing, cover scores. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media/colour.h"
#include "media/cover.h"
#include "media/describe.h"
#include "media/picture.h"
#include "media/sniff.h"
#include "media_fixture.h"

/* --- cadence --- */

static const struct {
    double fps;
    int jitter_us;
    int round_ms;
    uint32_t num;
    uint32_t den;
    uint32_t variable;
} cadences[] = {
    {30, 0, 0, 30, 1, 0},
    {30000.0 / 1001, 0, 0, 30000, 1001, 0},
    {30000.0 / 1001, 0, 1, 30000, 1001, 0},
    {24000.0 / 1001, 0, 1, 24000, 1001, 0},
    {60000.0 / 1001, 0, 0, 60000, 1001, 0},
    {25, 4000, 0, 25, 1, 0},
    {30, 9000, 0, 30, 1, 0},
    {29.8, 0, 1, 149, 5, 0},
    {12.5, 0, 0, 25, 2, 0},
    {1, 0, 0, 10, 1, 0},
    {3, 0, 0, 12, 1, 0},
    {120, 0, 0, 120, 1, 0},
};

START_TEST(test_cadence_finds_the_rate_behind_rounding_and_jitter)
{
    enum {
        COUNT = 200
    };
    int64_t pts[COUNT];
    uint32_t num = 0;
    uint32_t den = 0;
    uint32_t variable = 9;
    for (int i = 0; i < COUNT; i++) {
        double us = i * 1e6 / cadences[_i].fps;
        us += i > 0 && i < COUNT - 1 ? cadences[_i].jitter_us * sin(i * 1.7) : 0;
        pts[i] = cadences[_i].round_ms ? (int64_t)(us / 1000 + 0.5) * 1000 : (int64_t)(us + 0.5);
    }
    reels__media_cadence(pts, COUNT, &num, &den, &variable);
    double off = (double)num / den / ((double)cadences[_i].num / cadences[_i].den) - 1;
    ck_assert_msg(fabs(off) < 1e-4, "%u/%u", num, den);
    ck_assert_uint_eq(variable, cadences[_i].variable);
}
END_TEST

START_TEST(test_cadence_of_uneven_frames_is_a_usual_rate)
{
    enum {
        COUNT = 100
    };
    int64_t pts[COUNT];
    uint32_t num = 0;
    uint32_t den = 0;
    uint32_t variable = 0;
    int64_t at = 0;
    for (int i = 0; i < COUNT; i++) {
        pts[i] = at;
        at += i % 10 == 0 ? 250000 : 33333;
    }
    reels__media_cadence(pts, COUNT, &num, &den, &variable);
    ck_assert_uint_eq(variable, 1);
    ck_assert_uint_ge(num, 29 * den);
    ck_assert_uint_le(num, 30 * den);
    reels__media_cadence(pts, 1, &num, &den, &variable);
    ck_assert(num == 30 && den == 1 && variable == 0);
    reels__media_cadence(pts, 0, &num, &den, &variable);
    ck_assert(num == 30 && den == 1);
}
END_TEST

/* --- turning --- */

START_TEST(test_turn_moves_every_sample_where_the_matrix_says)
{
    enum {
        W = 37,
        H = 70
    };
    static const int turns[8][4] = {{1, 0, 0, 1},
                                    {-1, 0, 0, 1},
                                    {1, 0, 0, -1},
                                    {-1, 0, 0, -1},
                                    {0, 1, -1, 0},
                                    {0, -1, 1, 0},
                                    {0, 1, 1, 0},
                                    {0, -1, -1, 0}};
    const int *t = turns[_i];
    static uint8_t in[W * H];
    static uint8_t out[W * H];
    for (int i = 0; i < W * H; i++) {
        in[i] = (uint8_t)(i * 31 + i / 256);
    }
    int w = t[0] != 0 ? W : H;
    int h = t[0] != 0 ? H : W;
    reels__media_turn_plane((reels__media_turn){t[0], t[1], t[2], t[3]}, in, W, out, w, w, h);
    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W; x++) {
            int to_x = t[0] * x + t[2] * y;
            int to_y = t[1] * x + t[3] * y;
            to_x += to_x < 0 || (to_x == 0 && (t[0] < 0 || t[2] < 0)) ? w - 1 : 0;
            to_y += to_y < 0 || (to_y == 0 && (t[1] < 0 || t[3] < 0)) ? h - 1 : 0;
            ck_assert_uint_eq(out[to_y * w + to_x], in[y * W + x]);
        }
    }
}
END_TEST

START_TEST(test_turn_of_a_matrix_goes_to_the_nearest_quarter)
{
    const int32_t tilted[9] = {60000, 20000, 0, -20000, 60000, 0, 0, 0, 1 << 30};
    const int32_t down[9] = {-10, 65536, 0, -65536, 10, 0, 0, 0, 1 << 30};
    const int32_t zeros[9] = {0};
    reels__media_turn turn = reels__media_turn_of(tilted);
    ck_assert(turn.a == 1 && turn.b == 0 && turn.c == 0 && turn.d == 1);
    turn = reels__media_turn_of(down);
    ck_assert(turn.a == 0 && turn.b == 1 && turn.c == -1 && turn.d == 0);
    turn = reels__media_turn_of(zeros);
    ck_assert(turn.a == 1 && turn.d == 1);
    turn = reels__media_turn_of(NULL);
    ck_assert(turn.a == 1 && turn.d == 1);
}
END_TEST

/* --- colour --- */

static AVFrame *picture(int format, int width, int height)
{
    AVFrame *frame = av_frame_alloc();
    frame->format = format;
    frame->width = width;
    frame->height = height;
    ck_assert_int_ge(av_frame_get_buffer(frame, 0), 0);
    return frame;
}

/* Exact conversion of one colour, written out from H.273. */
static void exact(const reels__media_colour *from, const double in[3], double out[3])
{
    double kr = from->matrix == AVCOL_SPC_BT709        ? 0.2126
                : from->matrix == AVCOL_SPC_BT2020_NCL ? 0.2627
                                                       : 0.299;
    double kb = from->matrix == AVCOL_SPC_BT709        ? 0.0722
                : from->matrix == AVCOL_SPC_BT2020_NCL ? 0.0593
                                                       : 0.114;
    double y = from->full ? in[0] / 255 : (in[0] - 16) / 219;
    double cb = (in[1] - 128) / (from->full ? 255 : 224);
    double cr = (in[2] - 128) / (from->full ? 255 : 224);
    double r = y + 2 * (1 - kr) * cr;
    double b = y + 2 * (1 - kb) * cb;
    double g = (y - kr * r - kb * b) / (1 - kr - kb);
    double luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    out[0] = 16 + 219 * luma;
    out[1] = 128 + 224 * (b - luma) / (2 * (1 - 0.0722));
    out[2] = 128 + 224 * (r - luma) / (2 * (1 - 0.2126));
}

START_TEST(test_colour_tables_are_within_one_code_of_the_formula)
{
    static const reels__media_colour sources[] = {
        {AVCOL_SPC_SMPTE170M, AVCOL_PRI_SMPTE170M, AVCOL_TRC_SMPTE170M, 0},
        {AVCOL_SPC_SMPTE170M, AVCOL_PRI_SMPTE170M, AVCOL_TRC_SMPTE170M, 1},
        {AVCOL_SPC_BT709, AVCOL_PRI_BT709, AVCOL_TRC_BT709, 1},
        {AVCOL_SPC_BT2020_NCL, AVCOL_PRI_BT709, AVCOL_TRC_BT709, 0},
    };
    static reels__media_affine affine;
    reels__media_affine_make(&affine, &sources[_i], &reels__media_colour_output);
    AVFrame *in = picture(AV_PIX_FMT_YUV420P, 2, 2);
    AVFrame *out = picture(AV_PIX_FMT_YUV420P, 2, 2);
    for (int y = 30; y < 220; y += 19) {
        for (int cb = 90; cb < 170; cb += 11) {
            for (int cr = 90; cr < 170; cr += 11) {
                const double codes[3] = {y, cb, cr};
                double expected[3];
                memset(in->data[0], y, 2);
                memset(in->data[0] + in->linesize[0], y, 2);
                in->data[1][0] = (uint8_t)cb;
                in->data[2][0] = (uint8_t)cr;
                reels__media_affine_run(&affine, in, out);
                exact(&sources[_i], codes, expected);
                for (int i = 0; i < 3; i++) {
                    double clipped = expected[i] < 0 ? 0 : expected[i] > 255 ? 255 : expected[i];
                    ck_assert_msg(fabs(out->data[i][0] - clipped) <= 1,
                                  "%d %d %d: component %d is %d, not %.2f",
                                  y,
                                  cb,
                                  cr,
                                  i,
                                  out->data[i][0],
                                  expected[i]);
                }
            }
        }
    }
    av_frame_free(&in);
    av_frame_free(&out);
}
END_TEST

static void grey(AVFrame *frame, uint16_t code)
{
    for (int plane = 0; plane < 3; plane++) {
        int w = plane > 0 ? frame->width / 2 : frame->width;
        int h = plane > 0 ? frame->height / 2 : frame->height;
        for (int y = 0; y < h; y++) {
            uint16_t *row =
                (uint16_t *)(void *)(frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane]);
            for (int x = 0; x < w; x++) {
                row[x] = plane > 0 ? 512 : code;
            }
        }
    }
}

START_TEST(test_tone_keeps_greys_grey_rising_and_white_at_white)
{
    static const reels__media_colour sources[] = {
        {AVCOL_SPC_BT2020_NCL, AVCOL_PRI_BT2020, AVCOL_TRC_SMPTE2084, 0},
        {AVCOL_SPC_BT2020_NCL, AVCOL_PRI_BT2020, AVCOL_TRC_ARIB_STD_B67, 0},
        {AVCOL_SPC_BT2020_NCL, AVCOL_PRI_BT2020, AVCOL_TRC_BT709, 0},
    };
    /* Codes of 203 cd/m2: PQ 58 %, HLG 75 %; and of black and of the brightest. */
    static const uint16_t reference_white[] = {573, 721, 940};
    reels__media_lut *lut = malloc(sizeof *lut);
    ck_assert_ptr_nonnull(lut);
    reels__media_lut_make(lut, &sources[_i]);
    AVFrame *in = picture(AV_PIX_FMT_YUV420P10LE, 4, 4);
    AVFrame *out = picture(AV_PIX_FMT_YUV420P, 4, 4);
    int last = -1;
    for (uint16_t code = 64; code <= 940; code = (uint16_t)(code + 4)) {
        grey(in, code);
        reels__media_lut_run(lut, in, out);
        ck_assert_int_ge(out->data[0][0], last);
        last = out->data[0][0];
        ck_assert_int_le(abs(out->data[1][0] - 128), 1);
        ck_assert_int_le(abs(out->data[2][0] - 128), 1);
    }
    ck_assert_int_ge(last, 233);
    grey(in, 64);
    reels__media_lut_run(lut, in, out);
    ck_assert_int_eq(out->data[0][0], 16);
    grey(in, reference_white[_i]);
    reels__media_lut_run(lut, in, out);
    /* Reference white is bright, and under the highlights that are rolled off above it. */
    ck_assert_int_ge(out->data[0][0], 180);
    ck_assert_int_le(out->data[0][0], 235);
    av_frame_free(&in);
    av_frame_free(&out);
    free(lut);
}
END_TEST

/* --- sniffing --- */

static const struct {
    const char *bytes;
    size_t len;
    const char *container; /* NULL = refused */
    reels_status status;
} fronts[] = {
    {"\0\0\0\x20"
     "ftypisom\0\0\2\0",
     16,
     "mp4",
     0},
    {"\0\0\0\x20"
     "ftypavif\0\0\0\0",
     16,
     NULL,
     REELS_ERR_UNSUPPORTED},
    {"\x1A\x45\xDF\xA3....", 8, "matroska", 0},
    {"RIFF....AVI LIST", 16, "avi", 0},
    {"OggS....", 8, "ogg", 0},
    {"\0\0\1\xBA....", 8, "mpegps", 0},
    {"ID3\4\0\0\0\0\0\0\0\0", 12, "mp3", 0},
    {"#EXTM3U\n", 8, NULL, REELS_ERR_UNSUPPORTED},
    {"<?xml version", 13, NULL, REELS_ERR_UNSUPPORTED},
    {"v=0\r\no=- 0 0", 12, NULL, REELS_ERR_UNSUPPORTED},
    {"ffconcat version 1.0", 20, NULL, REELS_ERR_UNSUPPORTED},
    {"GIF89a", 6, NULL, REELS_ERR_UNSUPPORTED},
    {"hello world, this is text", 25, NULL, REELS_ERR_UNSUPPORTED},
    {"", 0, NULL, REELS_ERR_CORRUPT},
};

START_TEST(test_sniff_knows_what_is_taken)
{
    reels_error err = {.struct_size = sizeof err};
    const reels__media_container *container = NULL;
    reels_status status =
        reels__media_sniff((const uint8_t *)fronts[_i].bytes, fronts[_i].len, &container, &err);
    ck_assert_int_eq(status, fronts[_i].status);
    if (fronts[_i].container != NULL) {
        ck_assert_str_eq(container->name, fronts[_i].container);
    }
}
END_TEST

START_TEST(test_sniff_finds_transport_streams_inside_packets)
{
    reels_error err = {.struct_size = sizeof err};
    uint8_t data[REELS__SNIFF_BYTES];
    for (size_t offset = 0; offset < 188; offset += 17) {
        const reels__media_container *container = NULL;
        memset(data, 0xAA, sizeof data);
        for (size_t at = offset; at < sizeof data; at += 188) {
            data[at] = 0x47;
        }
        media_ok(&err, reels__media_sniff(data, sizeof data, &container, &err));
        ck_assert_str_eq(container->name, "mpegts");
    }
    for (size_t len = 0; len < 64; len++) {
        const reels__media_container *container = NULL;
        (void)reels__media_sniff(data, len, &container, &err);
        (void)reels__media_iso_is_encrypted(data, len);
    }
}
END_TEST

/* --- cover --- */

static AVFrame *textured(int amplitude, int mean, int blur)
{
    AVFrame *frame = picture(AV_PIX_FMT_YUV420P, 64, 64);
    for (int y = 0; y < 64; y++) {
        for (int x = 0; x < 64; x++) {
            double wave = sin(x * 6.28 / (4 + blur)) * sin(y * 6.28 / (4 + blur));
            frame->data[0][(ptrdiff_t)y * frame->linesize[0] + x] =
                (uint8_t)(mean + amplitude * wave);
        }
    }
    return frame;
}

START_TEST(test_cover_prefers_sharp_well_exposed_pictures)
{
    AVFrame *good = textured(60, 118, 0);
    AVFrame *worse[] = {
        textured(60, 118, 24), textured(2, 17, 0), textured(10, 225, 0), textured(0, 118, 0)};
    double best = reels__media_cover_judge(good, NULL).value;
    for (size_t i = 0; i < 4; i++) {
        ck_assert_double_gt(best, reels__media_cover_judge(worse[i], NULL).value);
        av_frame_free(&worse[i]);
    }
    /* The same picture is worth less right behind a cut. */
    AVFrame *other = textured(60, 30 + 60, 9);
    AVFrame *black = textured(0, 16, 0);
    ck_assert_double_gt(reels__media_cover_judge(good, good).value,
                        reels__media_cover_judge(good, black).value);
    av_frame_free(&other);
    av_frame_free(&black);
    av_frame_free(&good);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parts");
    TCase *tcase = tcase_create("parts");
    tcase_add_loop_test(tcase,
                        test_cadence_finds_the_rate_behind_rounding_and_jitter,
                        0,
                        sizeof cadences / sizeof cadences[0]);
    tcase_add_test(tcase, test_cadence_of_uneven_frames_is_a_usual_rate);
    tcase_add_loop_test(tcase, test_turn_moves_every_sample_where_the_matrix_says, 0, 8);
    tcase_add_test(tcase, test_turn_of_a_matrix_goes_to_the_nearest_quarter);
    tcase_add_loop_test(tcase, test_colour_tables_are_within_one_code_of_the_formula, 0, 4);
    tcase_add_loop_test(tcase, test_tone_keeps_greys_grey_rising_and_white_at_white, 0, 3);
    tcase_add_loop_test(tcase, test_sniff_knows_what_is_taken, 0, sizeof fronts / sizeof fronts[0]);
    tcase_add_test(tcase, test_sniff_finds_transport_streams_inside_packets);
    tcase_add_test(tcase, test_cover_prefers_sharp_well_exposed_pictures);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
