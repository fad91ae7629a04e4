/* Owns colour: from whatever a source says it is to BT.709, limited range, 8 bits. */
#ifndef REELS_SRC_MEDIA_COLOUR_H
#define REELS_SRC_MEDIA_COLOUR_H

#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>

#include <reels/media.h>

/* What a picture's numbers mean, all of it known: guesses have been made. */
typedef struct reels__media_colour {
    enum AVColorSpace matrix;
    enum AVColorPrimaries primaries;
    enum AVColorTransferCharacteristic transfer;
    int full; /* 1 = full range */
} reels__media_colour;

/* What is missing in a frame is taken from the container, else guessed: BT.601 for pictures of less
 * than 1280x720, BT.709 for others (as players do). */
reels__media_colour reels__media_colour_of(const AVFrame *frame,
                                           enum AVColorSpace matrix,
                                           enum AVColorPrimaries primaries,
                                           enum AVColorTransferCharacteristic transfer,
                                           enum AVColorRange range);

/* 1 when matrix and range alone differ or nothing does; 0 when light itself must be mapped. */
int reels__media_colour_is_affine(const reels__media_colour *colour);
int reels__media_colour_is_output(const reels__media_colour *colour);

/* Weights of red and blue in luma (ITU-T H.273, table 4). */
void reels__media_colour_weights(enum AVColorSpace matrix, double *kr, double *kb);

/* Tables for a change of matrix and range on 8-bit 4:2:0: fixed point, 16 bits of fraction. */
typedef struct reels__media_affine {
    int32_t y[256];
    int32_t cb_y[256];
    int32_t cr_y[256];
    int32_t cb_cb[256];
    int32_t cr_cb[256];
    int32_t cb_cr[256];
    int32_t cr_cr[256];
} reels__media_affine;

void reels__media_affine_make(reels__media_affine *affine,
                              const reels__media_colour *from,
                              const reels__media_colour *to);
/* in and out have the same even size and may be the same frame. */
void reels__media_affine_run(const reels__media_affine *affine, const AVFrame *in, AVFrame *out);

/* BT.709 limited, what every picture becomes; and what JPEG means: BT.601 full. */
extern const reels__media_colour reels__media_colour_output;
extern const reels__media_colour reels__media_colour_jpeg;

enum {
    REELS__LUT_LUMA = 65, /* steps of luma and chroma: 16 and 64 codes of 10 bits apart */
    REELS__LUT_CHROMA = 17
};

/* A table over (cb, cr, y) of 10-bit codes, giving 8-bit codes in 1/64. */
typedef struct reels__media_lut {
    int16_t y[REELS__LUT_CHROMA][REELS__LUT_CHROMA][REELS__LUT_LUMA];
    int16_t cb[REELS__LUT_CHROMA][REELS__LUT_CHROMA][REELS__LUT_LUMA];
    int16_t cr[REELS__LUT_CHROMA][REELS__LUT_CHROMA][REELS__LUT_LUMA];
} reels__media_lut;

/* Computes the table: PQ or HLG light is brought to that of a standard display by the curve of
 * ITU-R BT.2390, wide gamuts to BT.709 in linear light. */
void reels__media_lut_make(reels__media_lut *lut, const reels__media_colour *from);
/* in is 10-bit 4:2:0, out 8-bit 4:2:0 of the same even size. */
void reels__media_lut_run(const reels__media_lut *lut, const AVFrame *in, AVFrame *out);

#endif
