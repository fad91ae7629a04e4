/* Owns the encoding of one rung: a queue of pictures that any one thread at a time works off, and
 * the packets that come out. The encoder itself is single-threaded unless the plan gives it more.
 */
#ifndef REELS_SRC_MEDIA_RUNG_H
#define REELS_SRC_MEDIA_RUNG_H

#include <libavcodec/avcodec.h>
#include <pthread.h>

#include <reels/media.h>

#include "base/pool.h"

enum {
    REELS__RUNG_QUEUE_MAX = 8 /* pictures waiting; more only costs memory */
};

typedef struct reels__media_rung {
    reels_rung plan;
    uint32_t divider;    /* one picture of the base grid in so many is this rung's */
    uint32_t gop_frames; /* between key frames */
    uint32_t track;      /* the packager's number */
    uint32_t reserved0;
    AVCodecContext *encoder;
    /* Under lock: */
    pthread_mutex_t lock;
    int lock_made;
    int running;   /* somebody is inside reels__media_rung_work */
    int scheduled; /* a task that will work here is with the pool */
    int finishing; /* no more pictures will be pushed */
    int flushing;  /* the encoder has been told so */
    int drained;
    size_t queued;
    AVFrame *queue[REELS__RUNG_QUEUE_MAX];
    AVPacket **packets; /* finished, oldest first */
    size_t packets_count;
    size_t packets_capacity;
    reels_status status; /* first failure, and its detail */
    reels_error error;
    pthread_cond_t changed; /* a picture was encoded */
    reels_ctx *ctx;
    reels__pool *pool; /* NULL = the caller works */
    struct reels__pool_group group;
} reels__media_rung;

/* Opens the encoder. base_gop_frames counts pictures of the base grid and is a multiple of every
 * rung's divider; threads_count is x264's own. */
reels_status reels__media_rung_open(reels__media_rung *rung,
                                    reels_ctx *ctx,
                                    const reels_rung *plan,
                                    uint32_t base_rate_num,
                                    uint32_t base_rate_den,
                                    uint32_t base_gop_frames,
                                    const char *preset,
                                    reels__pool *pool,
                                    uint32_t threads_count,
                                    reels_error *err);

/* Queues a picture (takes it), when the queue is full after helping to make room, and sees to it
 * that somebody encodes it: a thread of the pool, or the caller at once when there is none. */
reels_status
reels__media_rung_push(reels__media_rung *rung, AVFrame *frame, int64_t index, reels_error *err);

/* No more pictures will come; what is inside goes on coming out. */
void reels__media_rung_finish(reels__media_rung *rung);

/* Encodes one picture of the queue, or waits until somebody else has. */
void reels__media_rung_help(reels__media_rung *rung);

/* Takes the next finished packet, or NULL. */
AVPacket *reels__media_rung_take(reels__media_rung *rung);

/* 1 when everything that was pushed has come out. */
int reels__media_rung_is_drained(reels__media_rung *rung);
reels_status reels__media_rung_status(reels__media_rung *rung, reels_error *err);

void reels__media_rung_dispose(reels__media_rung *rung);

#endif
