/* Owns the cover: which picture of a clip stands for it, and its JPEG. */
#ifndef REELS_SRC_MEDIA_COVER_H
#define REELS_SRC_MEDIA_COVER_H

#include <libavcodec/avcodec.h>

#include <reels/media.h>

/* What a small picture is worth as a cover. */
typedef struct reels__media_cover_score {
    double sharpness; /* variance of the Laplacian of luma */
    double mean;      /* of luma, 16 to 235 */
    double deviation;
    double value; /* all of it, and nearness to a scene cut, in one number; larger is better */
} reels__media_cover_score;

typedef struct reels__media_cover {
    double best;
    AVFrame *best_frame; /* reference to the candidate at the cover's size */
    int64_t best_us;
    AVFrame *last_small; /* the candidate before, for cuts */
    int candidates;
} reels__media_cover;

reels__media_cover_score reels__media_cover_judge(const AVFrame *small, const AVFrame *before);

/* Offers a candidate: `small` is looked at, `full` kept (by reference) while it is the best. */
reels_status reels__media_cover_offer(reels__media_cover *cover,
                                      const AVFrame *small,
                                      const AVFrame *full,
                                      int64_t media_us,
                                      reels_error *err);

/* Encodes a picture (BT.709 limited 4:2:0) as JPEG. *out is freed by av_packet_free. */
reels_status
reels__media_jpeg(reels_ctx *ctx, const AVFrame *frame, AVPacket **out, reels_error *err);

/* A plain upright picture for sound without pictures. */
reels_status reels__media_cover_draw(int width, int height, AVFrame **out, reels_error *err);

void reels__media_cover_dispose(reels__media_cover *cover);

#endif
