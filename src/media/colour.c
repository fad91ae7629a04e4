/* Owns the changes of matrix and range, which are exact, and the guesses where tags are missing. */
#include "media/colour.h"

const reels__media_colour reels__media_colour_output = {
    AVCOL_SPC_BT709, AVCOL_PRI_BT709, AVCOL_TRC_BT709, 0};
const reels__media_colour reels__media_colour_jpeg = {
    AVCOL_SPC_SMPTE170M, AVCOL_PRI_BT709, AVCOL_TRC_BT709, 1};

enum {
    FRACTION_BITS = 16
};

void reels__media_colour_weights(enum AVColorSpace matrix, double *kr, double *kb)
{
    *kr = 0.2126;
    *kb = 0.0722;
    if (matrix == AVCOL_SPC_SMPTE170M || matrix == AVCOL_SPC_BT470BG) {
        *kr = 0.299;
        *kb = 0.114;
    } else if (matrix == AVCOL_SPC_FCC) {
        *kr = 0.30;
        *kb = 0.11;
    } else if (matrix == AVCOL_SPC_SMPTE240M) {
        *kr = 0.212;
        *kb = 0.087;
    } else if (matrix == AVCOL_SPC_BT2020_NCL || matrix == AVCOL_SPC_BT2020_CL) {
        *kr = 0.2627;
        *kb = 0.0593;
    }
}

reels__media_colour reels__media_colour_of(const AVFrame *frame,
                                           enum AVColorSpace matrix,
                                           enum AVColorPrimaries primaries,
                                           enum AVColorTransferCharacteristic transfer,
                                           enum AVColorRange range)
{
    if (frame->colorspace != AVCOL_SPC_UNSPECIFIED) {
        matrix = frame->colorspace;
    }
    if (frame->color_primaries != AVCOL_PRI_UNSPECIFIED) {
        primaries = frame->color_primaries;
    }
    if (frame->color_trc != AVCOL_TRC_UNSPECIFIED) {
        transfer = frame->color_trc;
    }
    if (frame->color_range != AVCOL_RANGE_UNSPECIFIED) {
        range = frame->color_range;
    }
    int is_hdr = transfer == AVCOL_TRC_SMPTE2084 || transfer == AVCOL_TRC_ARIB_STD_B67;
    if (matrix == AVCOL_SPC_UNSPECIFIED || matrix == AVCOL_SPC_RESERVED ||
        matrix == AVCOL_SPC_RGB) {
        int small = frame->width < 1280 && frame->height < 720 && frame->height < 1280;
        matrix = is_hdr ? AVCOL_SPC_BT2020_NCL : small ? AVCOL_SPC_SMPTE170M : AVCOL_SPC_BT709;
    }
    if (primaries == AVCOL_PRI_UNSPECIFIED) {
        primaries = is_hdr ? AVCOL_PRI_BT2020 : AVCOL_PRI_BT709;
    }
    int is_full = range == AVCOL_RANGE_JPEG || frame->format == AV_PIX_FMT_YUVJ420P ||
                  frame->format == AV_PIX_FMT_YUVJ422P || frame->format == AV_PIX_FMT_YUVJ444P ||
                  frame->format == AV_PIX_FMT_YUVJ440P || frame->format == AV_PIX_FMT_YUVJ411P;
    return (reels__media_colour){matrix, primaries, transfer, is_full};
}

int reels__media_colour_is_affine(const reels__media_colour *colour)
{
    int wide = colour->primaries == AVCOL_PRI_BT2020 || colour->primaries == AVCOL_PRI_SMPTE431 ||
               colour->primaries == AVCOL_PRI_SMPTE432;
    return !wide && colour->transfer != AVCOL_TRC_SMPTE2084 &&
           colour->transfer != AVCOL_TRC_ARIB_STD_B67;
}

int reels__media_colour_is_output(const reels__media_colour *colour)
{
    return reels__media_colour_is_affine(colour) && colour->matrix == AVCOL_SPC_BT709 &&
           !colour->full;
}

static int32_t fixed(double value)
{
    double scaled = value * (double)(1 << FRACTION_BITS);
    return (int32_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

/* What luma and the two colour differences become, for differences of (cb, cr) and no luma. */
static void convert(const double from[2], const double to[2], double cb, double cr, double out[3])
{
    double red = 2 * (1 - from[0]) * cr;
    double blue = 2 * (1 - from[1]) * cb;
    double green = -(from[0] * red + from[1] * blue) / (1 - from[0] - from[1]);
    out[0] = to[0] * red + to[1] * blue + (1 - to[0] - to[1]) * green;
    out[1] = (blue - out[0]) / (2 * (1 - to[1]));
    out[2] = (red - out[0]) / (2 * (1 - to[0]));
}

void reels__media_affine_make(reels__media_affine *affine,
                              const reels__media_colour *from,
                              const reels__media_colour *to)
{
    double from_weights[2];
    double to_weights[2];
    double of_cb[3];
    double of_cr[3];
    reels__media_colour_weights(from->matrix, &from_weights[0], &from_weights[1]);
    reels__media_colour_weights(to->matrix, &to_weights[0], &to_weights[1]);
    convert(from_weights, to_weights, 1, 0, of_cb);
    convert(from_weights, to_weights, 0, 1, of_cr);
    double luma_from = from->full ? 255 : 219;
    double chroma_from = from->full ? 255 : 224;
    double luma_to = to->full ? 255 : 219;
    double chroma_to = to->full ? 255 : 224;
    double black_from = from->full ? 0 : 16;
    double black_to = to->full ? 0 : 16;
    for (int i = 0; i < 256; i++) {
        double chroma = (i - 128) / chroma_from;
        /* The halves that round, and the black and grey of the output, go in once. */
        affine->y[i] = fixed((i - black_from) / luma_from * luma_to + black_to + 0.5);
        affine->cb_y[i] = fixed(of_cb[0] * chroma * luma_to);
        affine->cr_y[i] = fixed(of_cr[0] * chroma * luma_to);
        affine->cb_cb[i] = fixed(of_cb[1] * chroma * chroma_to + 128.5);
        affine->cr_cb[i] = fixed(of_cr[1] * chroma * chroma_to);
        affine->cb_cr[i] = fixed(of_cb[2] * chroma * chroma_to);
        affine->cr_cr[i] = fixed(of_cr[2] * chroma * chroma_to + 128.5);
    }
}

static uint8_t clip(int32_t value)
{
    value >>= FRACTION_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

void reels__media_affine_run(const reels__media_affine *affine, const AVFrame *in, AVFrame *out)
{
    for (int row = 0; row < in->height / 2; row++) {
        const uint8_t *cb_in = in->data[1] + (ptrdiff_t)row * in->linesize[1];
        const uint8_t *cr_in = in->data[2] + (ptrdiff_t)row * in->linesize[2];
        uint8_t *cb_out = out->data[1] + (ptrdiff_t)row * out->linesize[1];
        uint8_t *cr_out = out->data[2] + (ptrdiff_t)row * out->linesize[2];
        const uint8_t *in0 = in->data[0] + (ptrdiff_t)row * 2 * in->linesize[0];
        const uint8_t *in1 = in0 + in->linesize[0];
        uint8_t *out0 = out->data[0] + (ptrdiff_t)row * 2 * out->linesize[0];
        uint8_t *out1 = out0 + out->linesize[0];
        for (int at = 0; at < in->width / 2; at++) {
            uint8_t cb = cb_in[at];
            uint8_t cr = cr_in[at];
            int32_t add = affine->cb_y[cb] + affine->cr_y[cr];
            size_t x = (size_t)at * 2;
            out0[x] = clip(affine->y[in0[x]] + add);
            out0[x + 1] = clip(affine->y[in0[x + 1]] + add);
            out1[x] = clip(affine->y[in1[x]] + add);
            out1[x + 1] = clip(affine->y[in1[x + 1]] + add);
            cb_out[at] = clip(affine->cb_cb[cb] + affine->cr_cb[cr]);
            cr_out[at] = clip(affine->cb_cr[cb] + affine->cr_cr[cr]);
        }
    }
}
