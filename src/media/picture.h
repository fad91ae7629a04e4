/* Owns what happens to a picture between decoder and encoder: scaling, colour, turning. Everything
 * leaves here as 8-bit 4:2:0, BT.709, limited range, upright, with square pixels. */
#ifndef REELS_SRC_MEDIA_PICTURE_H
#define REELS_SRC_MEDIA_PICTURE_H

#include <libavutil/frame.h>
#include <libswscale/swscale.h>

#include <reels/media.h>

#include "media/colour.h"
#include "media/describe.h"

enum {
    REELS__POOL_FRAMES_MAX = 96,
    REELS__POOLS_MAX = 16
};

/* Frames of one size that are used again once nobody holds them. */
typedef struct reels__media_pool {
    int format;
    int width;
    int height;
    size_t count;
    AVFrame *frames[REELS__POOL_FRAMES_MAX];
} reels__media_pool;

typedef struct reels__media_pools {
    size_t count;
    reels__media_pool pools[REELS__POOLS_MAX];
} reels__media_pools;

/* Gives a new reference to a frame nobody else holds; freed by av_frame_free. LIMIT when too many
 * are held at once. */
reels_status reels__media_pool_take(
    reels__media_pools *pools, int format, int width, int height, AVFrame **out, reels_error *err);
void reels__media_pools_dispose(reels__media_pools *pools);

/* Makes the first picture, that of the largest rung, out of what a decoder gives. */
typedef struct reels__media_prepare {
    reels_ctx *ctx;
    reels__media_pools *pools;
    reels__media_turn turn;
    int width; /* of the result, upright */
    int height;
    AVCodecParameters *codec; /* borrowed: colours that frames do not tell */
    struct SwsContext *sws;
    reels__media_colour colour; /* that the tables below are for */
    int colour_known;
    reels__media_affine *affine; /* NULL while nothing needs it */
    reels__media_lut *lut;
} reels__media_prepare;

reels_status reels__media_prepare_run(reels__media_prepare *prepare,
                                      const AVFrame *in,
                                      AVFrame **out,
                                      reels_error *err);
void reels__media_prepare_dispose(reels__media_prepare *prepare);

/* Scales 8-bit 4:2:0 to another size of the same shape. *sws is kept by the caller between calls.
 */
reels_status reels__media_scale(struct SwsContext **sws,
                                reels__media_pools *pools,
                                const AVFrame *in,
                                int width,
                                int height,
                                AVFrame **out,
                                reels_error *err);

/* Turns one plane of bytes. width and height are those of the result. */
void reels__media_turn_plane(reels__media_turn turn,
                             const uint8_t *in,
                             ptrdiff_t in_stride,
                             uint8_t *out,
                             ptrdiff_t out_stride,
                             int width,
                             int height);

#endif
