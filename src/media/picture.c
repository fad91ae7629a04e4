/* Owns frames that are used again, scaling, and the turning of pictures. */
#include "media/picture.h"

#include <libavutil/pixdesc.h>

#include "base/error.h"
#include "base/mem.h"
#include "media/demux.h"

static reels_status new_frame(int format, int width, int height, AVFrame **out, reels_error *err)
{
    AVFrame *frame = av_frame_alloc();
    if (frame != NULL) {
        frame->format = format;
        frame->width = width;
        frame->height = height;
        if (av_frame_get_buffer(frame, 64) < 0) {
            av_frame_free(&frame);
        }
    }
    *out = frame;
    return frame != NULL
               ? REELS_OK
               : reels__fail(
                     err, REELS_ERR_NO_MEMORY, "no memory for a picture of %dx%d", width, height);
}

static reels__media_pool *find_pool(reels__media_pools *pools, int format, int width, int height)
{
    for (size_t i = 0; i < pools->count; i++) {
        reels__media_pool *pool = &pools->pools[i];
        if (pool->format == format && pool->width == width && pool->height == height) {
            return pool;
        }
    }
    if (pools->count == REELS__POOLS_MAX) {
        return NULL;
    }
    reels__media_pool *pool = &pools->pools[pools->count++];
    *pool = (reels__media_pool){.format = format, .width = width, .height = height};
    return pool;
}

reels_status reels__media_pool_take(
    reels__media_pools *pools, int format, int width, int height, AVFrame **out, reels_error *err)
{
    *out = NULL;
    reels__media_pool *pool = find_pool(pools, format, width, height);
    if (pool == NULL) {
        return reels__fail(err, REELS_ERR_LIMIT, "pictures change their size too often");
    }
    AVFrame *free_frame = NULL;
    for (size_t i = 0; i < pool->count && free_frame == NULL; i++) {
        if (av_frame_is_writable(pool->frames[i])) {
            free_frame = pool->frames[i];
        }
    }
    if (free_frame == NULL) {
        if (pool->count == REELS__POOL_FRAMES_MAX) {
            return reels__fail(err, REELS_ERR_LIMIT, "too many pictures are held at once");
        }
        REELS_TRY(new_frame(format, width, height, &free_frame, err));
        pool->frames[pool->count++] = free_frame;
    }
    *out = av_frame_clone(free_frame);
    return *out != NULL ? REELS_OK
                        : reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a picture");
}

void reels__media_pools_dispose(reels__media_pools *pools)
{
    for (size_t i = 0; i < pools->count; i++) {
        for (size_t k = 0; k < pools->pools[i].count; k++) {
            av_frame_free(&pools->pools[i].frames[k]);
        }
    }
    pools->count = 0;
}

/* The formats that say "full range" by themselves are their plain twins here: range is colour.c's.
 */
static enum AVPixelFormat plain_format(int format)
{
    switch (format) {
    case AV_PIX_FMT_YUVJ420P:
        return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
        return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
        return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P:
        return AV_PIX_FMT_YUV440P;
    case AV_PIX_FMT_YUVJ411P:
        return AV_PIX_FMT_YUV411P;
    default:
        return (enum AVPixelFormat)format;
    }
}

static int is_rgb(int format)
{
    const AVPixFmtDescriptor *descriptor = av_pix_fmt_desc_get((enum AVPixelFormat)format);
    return descriptor != NULL &&
           (descriptor->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL)) != 0;
}

static reels_status
scale_into(struct SwsContext **sws, const AVFrame *in, AVFrame *out, reels_error *err)
{
    *sws = sws_getCachedContext(*sws,
                                in->width,
                                in->height,
                                plain_format(in->format),
                                out->width,
                                out->height,
                                (enum AVPixelFormat)out->format,
                                SWS_BICUBIC,
                                NULL,
                                NULL,
                                NULL);
    if (*sws == NULL) {
        return reels__fail(err,
                           REELS_ERR_UNSUPPORTED,
                           "pictures of %dx%d in format %d cannot be scaled",
                           in->width,
                           in->height,
                           in->format);
    }
    /* Numbers keep their meaning; only RGB has to become something, and that is the output's. */
    const int *table = sws_getCoefficients(SWS_CS_ITU709);
    int rgb = is_rgb(in->format);
    if (sws_setColorspaceDetails(*sws, table, rgb, table, 0, 0, 1 << 16, 1 << 16) < 0 && rgb) {
        return reels__fail(err, REELS_ERR_UNSUPPORTED, "RGB pictures cannot be converted");
    }
    int rows = sws_scale(*sws,
                         (const uint8_t *const *)in->data,
                         in->linesize,
                         0,
                         in->height,
                         out->data,
                         out->linesize);
    return rows == out->height ? REELS_OK
                               : reels__fail(err, REELS_ERR_INTERNAL, "a picture was not scaled");
}

reels_status reels__media_scale(struct SwsContext **sws,
                                reels__media_pools *pools,
                                const AVFrame *in,
                                int width,
                                int height,
                                AVFrame **out,
                                reels_error *err)
{
    REELS_TRY(reels__media_pool_take(pools, AV_PIX_FMT_YUV420P, width, height, out, err));
    reels_status status = scale_into(sws, in, *out, err);
    if (status < 0) {
        av_frame_free(out);
    }
    return status;
}

/* A row of the result is a column of the source: blocks keep both in the cache. */
static void turn_crossed(reels__media_turn turn,
                         const uint8_t *in,
                         ptrdiff_t in_stride,
                         uint8_t *out,
                         ptrdiff_t out_stride,
                         int width,
                         int height)
{
    enum {
        BLOCK = 32
    };
    const uint8_t *first =
        in + (turn.c < 0 ? (ptrdiff_t)(width - 1) * in_stride : 0) + (turn.b < 0 ? height - 1 : 0);
    ptrdiff_t step_x = turn.c * in_stride;
    ptrdiff_t step_y = turn.b;
    for (int top = 0; top < height; top += BLOCK) {
        int bottom = top + BLOCK < height ? top + BLOCK : height;
        for (int left = 0; left < width; left += BLOCK) {
            int right = left + BLOCK < width ? left + BLOCK : width;
            for (int y = top; y < bottom; y++) {
                const uint8_t *from = first + y * step_y + left * step_x;
                uint8_t *to = out + y * out_stride + left;
                for (int x = left; x < right; x++) {
                    *to++ = *from;
                    from += step_x;
                }
            }
        }
    }
}

void reels__media_turn_plane(reels__media_turn turn,
                             const uint8_t *in,
                             ptrdiff_t in_stride,
                             uint8_t *out,
                             ptrdiff_t out_stride,
                             int width,
                             int height)
{
    if (turn.a == 0) {
        turn_crossed(turn, in, in_stride, out, out_stride, width, height);
        return;
    }
    for (int y = 0; y < height; y++) {
        const uint8_t *from = in + (ptrdiff_t)(turn.d < 0 ? height - 1 - y : y) * in_stride;
        uint8_t *to = out + y * out_stride;
        for (int x = 0; x < width; x++) {
            to[x] = from[turn.a < 0 ? width - 1 - x : x];
        }
    }
}

static reels_status turn_frame(reels__media_prepare *prepare, AVFrame **frame, reels_error *err)
{
    const reels__media_turn turn = prepare->turn;
    if (turn.a == 1 && turn.d == 1) {
        return REELS_OK;
    }
    AVFrame *out = NULL;
    REELS_TRY(reels__media_pool_take(
        prepare->pools, AV_PIX_FMT_YUV420P, prepare->width, prepare->height, &out, err));
    for (int plane = 0; plane < 3; plane++) {
        int shift = plane == 0 ? 0 : 1;
        reels__media_turn_plane(turn,
                                (*frame)->data[plane],
                                (*frame)->linesize[plane],
                                out->data[plane],
                                out->linesize[plane],
                                prepare->width >> shift,
                                prepare->height >> shift);
    }
    av_frame_free(frame);
    *frame = out;
    return REELS_OK;
}

/* Tables for this colour, made when it is first seen or changes. */
static reels_status learn_colour(reels__media_prepare *prepare, const AVFrame *in, reels_error *err)
{
    const AVCodecParameters *codec = prepare->codec;
    reels__media_colour colour = reels__media_colour_of(
        in, codec->color_space, codec->color_primaries, codec->color_trc, codec->color_range);
    if (is_rgb(in->format)) {
        colour = reels__media_colour_output;
    }
    const reels__media_colour *known = &prepare->colour;
    if (prepare->colour_known && colour.matrix == known->matrix && colour.full == known->full &&
        colour.primaries == known->primaries && colour.transfer == known->transfer) {
        return REELS_OK;
    }
    prepare->colour = colour;
    prepare->colour_known = 1;
    if (reels__media_colour_is_output(&colour)) {
        return REELS_OK;
    }
    if (reels__media_colour_is_affine(&colour)) {
        if (prepare->affine == NULL) {
            prepare->affine = reels__mem_alloc(prepare->ctx, sizeof *prepare->affine);
        }
        if (prepare->affine == NULL) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for colour tables");
        }
        reels__media_affine_make(prepare->affine, &colour, &reels__media_colour_output);
        return REELS_OK;
    }
    if (prepare->lut == NULL) {
        prepare->lut = reels__mem_alloc(prepare->ctx, sizeof *prepare->lut);
    }
    if (prepare->lut == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for colour tables");
    }
    reels__media_lut_make(prepare->lut, &colour);
    return REELS_OK;
}

/* Gives the colours of the output to a picture that is scaled and not yet turned. */
static reels_status change_colour(reels__media_prepare *prepare, AVFrame **frame, reels_error *err)
{
    if (reels__media_colour_is_output(&prepare->colour)) {
        return REELS_OK;
    }
    AVFrame *out = NULL;
    REELS_TRY(reels__media_pool_take(
        prepare->pools, AV_PIX_FMT_YUV420P, (*frame)->width, (*frame)->height, &out, err));
    if (reels__media_colour_is_affine(&prepare->colour)) {
        reels__media_affine_run(prepare->affine, *frame, out);
    } else {
        reels__media_lut_run(prepare->lut, *frame, out);
    }
    av_frame_free(frame);
    *frame = out;
    return REELS_OK;
}

reels_status reels__media_prepare_run(reels__media_prepare *prepare,
                                      const AVFrame *in,
                                      AVFrame **out,
                                      reels_error *err)
{
    *out = NULL;
    REELS_TRY(learn_colour(prepare, in, err));
    int crossed = prepare->turn.a == 0;
    int width = crossed ? prepare->height : prepare->width;
    int height = crossed ? prepare->width : prepare->height;
    int format = reels__media_colour_is_affine(&prepare->colour) ? AV_PIX_FMT_YUV420P
                                                                 : AV_PIX_FMT_YUV420P10LE;
    AVFrame *frame = NULL;
    if (in->width == width && in->height == height && (int)plain_format(in->format) == format) {
        frame = av_frame_clone(in);
        if (frame == NULL) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a picture");
        }
    } else {
        REELS_TRY(reels__media_pool_take(prepare->pools, format, width, height, &frame, err));
        reels_status status = scale_into(&prepare->sws, in, frame, err);
        if (status < 0) {
            av_frame_free(&frame);
            return status;
        }
    }
    reels_status status = change_colour(prepare, &frame, err);
    if (status == REELS_OK) {
        status = turn_frame(prepare, &frame, err);
    }
    if (status < 0) {
        av_frame_free(&frame);
        return status;
    }
    *out = frame;
    return REELS_OK;
}

void reels__media_prepare_dispose(reels__media_prepare *prepare)
{
    sws_freeContext(prepare->sws);
    reels__mem_free(prepare->ctx, prepare->affine);
    reels__mem_free(prepare->ctx, prepare->lut);
    *prepare = (reels__media_prepare){0};
}
