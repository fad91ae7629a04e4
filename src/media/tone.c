/* Owns the mapping of light: PQ, HLG and wide gamuts to a standard display, as one computed table.
 *
 * References: SMPTE ST 2084 (PQ), ITU-R BT.2100 (HLG, its system gamma at 1,000 cd/m2), ITU-R
 * BT.2390 section 5.4 (the roll-off), BT.2408 (reference white at 203 cd/m2), BT.1886 (the standard
 * display). The peak of PQ material is taken as 1,000 cd/m2 whatever the metadata says: phones and
 * files lie. */
#include <math.h>

#include "media/colour.h"

static const double white_nits = 203.0;
static const double peak_nits = 1000.0;

static double pq_to_nits(double code)
{
    const double m1 = 2610.0 / 16384;
    const double m2 = 2523.0 / 4096 * 128;
    const double c1 = 3424.0 / 4096;
    const double c2 = 2413.0 / 4096 * 32;
    const double c3 = 2392.0 / 4096 * 32;
    double p = pow(code < 0 ? 0 : code, 1 / m2);
    double above = p - c1 > 0 ? p - c1 : 0;
    return 10000 * pow(above / (c2 - c3 * p), 1 / m1);
}

static double nits_to_pq(double nits)
{
    const double m1 = 2610.0 / 16384;
    const double m2 = 2523.0 / 4096 * 128;
    const double c1 = 3424.0 / 4096;
    const double c2 = 2413.0 / 4096 * 32;
    const double c3 = 2392.0 / 4096 * 32;
    double p = pow(nits < 0 ? 0 : nits / 10000, m1);
    return pow((c1 + c2 * p) / (1 + c3 * p), m2);
}

static double hlg_to_scene(double code)
{
    const double a = 0.17883277;
    const double b = 1 - 4 * a;
    const double c = 0.5 - a * log(4 * a);
    code = code < 0 ? 0 : code;
    return code <= 0.5 ? code * code / 3 : (exp((code - c) / a) + b) / 12;
}

/* Linear light in cd/m2 of each component, on the display the signal was made for. */
static void to_light(const reels__media_colour *from, double rgb[3])
{
    if (from->transfer == AVCOL_TRC_SMPTE2084) {
        for (int i = 0; i < 3; i++) {
            rgb[i] = pq_to_nits(rgb[i]);
        }
        return;
    }
    if (from->transfer == AVCOL_TRC_ARIB_STD_B67) {
        for (int i = 0; i < 3; i++) {
            rgb[i] = hlg_to_scene(rgb[i]);
        }
        double luma = 0.2627 * rgb[0] + 0.6780 * rgb[1] + 0.0593 * rgb[2];
        double gain = luma > 0 ? peak_nits * pow(luma, 0.2) : 0;
        for (int i = 0; i < 3; i++) {
            rgb[i] *= gain;
        }
        return;
    }
    for (int i = 0; i < 3; i++) {
        rgb[i] = white_nits * pow(rgb[i] < 0 ? 0 : rgb[i], 2.4);
    }
}

/* The roll-off of BT.2390 from the source's peak to reference white, on PQ codes. */
static double roll_off(double nits)
{
    double source_peak = nits_to_pq(peak_nits);
    double code = nits_to_pq(nits) / source_peak;
    double target_peak = nits_to_pq(white_nits) / source_peak;
    double knee = 1.5 * target_peak - 0.5;
    code = code > 1 ? 1 : code;
    if (code >= knee) {
        double t = (code - knee) / (1 - knee);
        double t2 = t * t;
        double t3 = t2 * t;
        code = (2 * t3 - 3 * t2 + 1) * knee + (t3 - 2 * t2 + t) * (1 - knee) +
               (-2 * t3 + 3 * t2) * target_peak;
    }
    return pq_to_nits(code * source_peak);
}

/* BT.2020 or P3 to BT.709 primaries, both with white D65 (rows of Lindbloom's RGB-XYZ products). */
static void to_bt709(enum AVColorPrimaries primaries, double rgb[3])
{
    static const double from_2020[3][3] = {{1.660491, -0.587641, -0.072850},
                                           {-0.124550, 1.132900, -0.008349},
                                           {-0.018151, -0.100579, 1.118730}};
    static const double from_p3[3][3] = {
        {1.224940, -0.224940, 0.0}, {-0.042057, 1.042057, 0.0}, {-0.019638, -0.078636, 1.098274}};
    const double(*matrix)[3] = primaries == AVCOL_PRI_BT2020 ? from_2020 : from_p3;
    if (primaries != AVCOL_PRI_BT2020 && primaries != AVCOL_PRI_SMPTE431 &&
        primaries != AVCOL_PRI_SMPTE432) {
        return;
    }
    double in[3] = {rgb[0], rgb[1], rgb[2]};
    for (int i = 0; i < 3; i++) {
        rgb[i] = matrix[i][0] * in[0] + matrix[i][1] * in[1] + matrix[i][2] * in[2];
    }
}

/* Colours outside the target move towards grey of the same luma until they fit: hue stays. */
static void fit_gamut(double rgb[3])
{
    double luma = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
    luma = luma < 0 ? 0 : luma > 1 ? 1 : luma;
    double keep = 1;
    for (int i = 0; i < 3; i++) {
        if (rgb[i] < 0 && luma - rgb[i] > 0) {
            keep = fmin(keep, luma / (luma - rgb[i]));
        } else if (rgb[i] > 1 && rgb[i] - luma > 0) {
            keep = fmin(keep, (1 - luma) / (rgb[i] - luma));
        }
    }
    for (int i = 0; i < 3; i++) {
        rgb[i] = luma + (rgb[i] - luma) * keep;
        rgb[i] = rgb[i] < 0 ? 0 : rgb[i] > 1 ? 1 : rgb[i];
    }
}

/* One colour, from signal to signal; components of 0 to 1. */
static void map_colour(const reels__media_colour *from, double rgb[3])
{
    to_light(from, rgb);
    if (from->transfer == AVCOL_TRC_SMPTE2084 || from->transfer == AVCOL_TRC_ARIB_STD_B67) {
        /* The largest component rolls off and takes the others along, so that hue stays. */
        double most = fmax(rgb[0], fmax(rgb[1], rgb[2]));
        double gain = most > 0 ? roll_off(most) / most : 0;
        for (int i = 0; i < 3; i++) {
            rgb[i] *= gain;
        }
    }
    to_bt709(from->primaries, rgb);
    for (int i = 0; i < 3; i++) {
        rgb[i] /= white_nits;
    }
    fit_gamut(rgb);
    for (int i = 0; i < 3; i++) {
        rgb[i] = pow(rgb[i], 1 / 2.4);
    }
}

static int16_t code64(double value)
{
    double scaled = value * 64 + 0.5;
    return (int16_t)(scaled < 0 ? 0 : scaled > 255 * 64 ? 255 * 64 : scaled);
}

/* One point of the table: 10-bit codes in, 8-bit codes in 1/64 out. */
static void map_point(const reels__media_colour *from, const double codes[3], int16_t out[3])
{
    double kr = 0;
    double kb = 0;
    reels__media_colour_weights(from->matrix, &kr, &kb);
    double y = from->full ? codes[0] / 1023 : (codes[0] - 64) / 876;
    double cb = (codes[1] - 512) / (from->full ? 1023 : 896);
    double cr = (codes[2] - 512) / (from->full ? 1023 : 896);
    double rgb[3] = {y + 2 * (1 - kr) * cr, 0, y + 2 * (1 - kb) * cb};
    rgb[1] = (y - kr * rgb[0] - kb * rgb[2]) / (1 - kr - kb);
    for (int i = 0; i < 3; i++) {
        rgb[i] = rgb[i] < 0 ? 0 : rgb[i] > 1 ? 1 : rgb[i];
    }
    map_colour(from, rgb);
    double luma = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
    out[0] = code64(16 + 219 * luma);
    out[1] = code64(128 + 224 * (rgb[2] - luma) / (2 * (1 - 0.0722)));
    out[2] = code64(128 + 224 * (rgb[0] - luma) / (2 * (1 - 0.2126)));
}

void reels__media_lut_make(reels__media_lut *lut, const reels__media_colour *from)
{
    for (int b = 0; b < REELS__LUT_CHROMA; b++) {
        for (int r = 0; r < REELS__LUT_CHROMA; r++) {
            for (int l = 0; l < REELS__LUT_LUMA; l++) {
                const double codes[3] = {l * 16.0, b * 64.0, r * 64.0};
                int16_t out[3];
                map_point(from, codes, out);
                lut->y[b][r][l] = out[0];
                lut->cb[b][r][l] = out[1];
                lut->cr[b][r][l] = out[2];
            }
        }
    }
}

/* The four columns of the table around a (cb, cr), and their weights, which sum to 4,096. */
typedef struct corner {
    size_t b;
    size_t r;
    int32_t weight[4];
} corner;

static corner corner_of(uint16_t cb, uint16_t cr)
{
    cb = cb > 1023 ? 1023 : cb;
    cr = cr > 1023 ? 1023 : cr;
    int32_t fb = cb & 63;
    int32_t fr = cr & 63;
    return (corner){(size_t)cb >> 6,
                    (size_t)cr >> 6,
                    {(64 - fb) * (64 - fr), (64 - fb) * fr, fb * (64 - fr), fb * fr}};
}

/* Between the corners and two steps of luma: 1/64 codes, times 4,096 * 16, rounded to 8 bits. */
static uint8_t look_up(const int16_t table[REELS__LUT_CHROMA][REELS__LUT_CHROMA][REELS__LUT_LUMA],
                       const corner *at,
                       uint16_t luma)
{
    luma = luma > 1023 ? 1023 : luma;
    size_t l = (size_t)luma >> 4;
    int32_t fl = luma & 15;
    const int16_t *columns[4] = {table[at->b][at->r],
                                 table[at->b][at->r + 1],
                                 table[at->b + 1][at->r],
                                 table[at->b + 1][at->r + 1]};
    int64_t sum = 0;
    for (size_t i = 0; i < 4; i++) {
        sum += (int64_t)at->weight[i] * (columns[i][l] * (16 - fl) + columns[i][l + 1] * fl);
    }
    return (uint8_t)((sum + (INT64_C(1) << 21)) >> 22);
}

static const uint16_t *row16(const AVFrame *frame, int plane, int row)
{
    return (const uint16_t *)(const void *)(frame->data[plane] +
                                            (ptrdiff_t)row * frame->linesize[plane]);
}

void reels__media_lut_run(const reels__media_lut *lut, const AVFrame *in, AVFrame *out)
{
    for (int row = 0; row < in->height / 2; row++) {
        const uint16_t *cb_in = row16(in, 1, row);
        const uint16_t *cr_in = row16(in, 2, row);
        const uint16_t *in0 = row16(in, 0, row * 2);
        const uint16_t *in1 = row16(in, 0, row * 2 + 1);
        uint8_t *cb_out = out->data[1] + (ptrdiff_t)row * out->linesize[1];
        uint8_t *cr_out = out->data[2] + (ptrdiff_t)row * out->linesize[2];
        uint8_t *out0 = out->data[0] + (ptrdiff_t)row * 2 * out->linesize[0];
        uint8_t *out1 = out0 + out->linesize[0];
        for (int at = 0; at < in->width / 2; at++) {
            corner here = corner_of(cb_in[at], cr_in[at]);
            size_t x = (size_t)at * 2;
            uint32_t mean = ((uint32_t)in0[x] + in0[x + 1] + in1[x] + in1[x + 1] + 2) / 4;
            out0[x] = look_up(lut->y, &here, in0[x]);
            out0[x + 1] = look_up(lut->y, &here, in0[x + 1]);
            out1[x] = look_up(lut->y, &here, in1[x]);
            out1[x + 1] = look_up(lut->y, &here, in1[x + 1]);
            cb_out[at] = look_up(lut->cb, &here, (uint16_t)mean);
            cr_out[at] = look_up(lut->cr, &here, (uint16_t)mean);
        }
    }
}
