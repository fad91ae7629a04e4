/* Owns the inside of a pipeline, shared by its opening (pipeline_open.c) and its run (pipeline.c).
 */
#ifndef REELS_SRC_MEDIA_PIPELINE_INTERNAL_H
#define REELS_SRC_MEDIA_PIPELINE_INTERNAL_H

#include <reels/hls.h>

#include "base/pool.h"
#include "media/audio.h"
#include "media/cover.h"
#include "media/demux.h"
#include "media/describe.h"
#include "media/picture.h"
#include "media/pipeline.h"
#include "media/rung.h"

enum {
    REELS__STATE_OPEN = 0, /* nothing read yet */
    REELS__STATE_SCAN,     /* the header is read and accepted */
    REELS__STATE_PREPARE,  /* timing is exact */
    REELS__STATE_READ,     /* packets are read, decoded, encoded */
    REELS__STATE_FLUSH,    /* all packets are read */
    REELS__STATE_DRAIN,    /* all pictures are with the encoders */
    REELS__STATE_FINISH,   /* cover and playlists */
    REELS__STATE_DONE,
    REELS__STATE_FAILED
};

struct reels__media_pipeline {
    reels_ctx *ctx;
    reels__media_source *source;
    const reels__media_settings *settings;
    reels_output_vtable output;
    void *output_impl;
    int state;

    reels__media_demux demux;
    reels__media_tracks tracks;
    reels__media_timing timing;
    reels_probe_info info;
    AVPacket *packet;
    AVCodecContext *video_decoder;
    AVCodecContext *audio_decoder;
    AVFrame *audio_frame;
    uint64_t decode_errors;
    uint64_t frames_decoded;

    /* The output grid: picture n is shown at n * rate_den / rate_num seconds. */
    uint32_t rate_num;
    uint32_t rate_den;
    uint32_t tick_scale; /* ticks of the packager per rate_den */
    uint32_t reserved0;
    int64_t shift_us; /* put on every video time, so that the first picture lies on the grid */
    int64_t frames_total;
    int64_t next_frame; /* of the grid */
    int64_t emit_until; /* pictures before it show `held` */
    AVFrame *incoming;  /* decoded, next to be held */
    AVFrame *held;      /* decoded, being shown */
    int64_t incoming_us;
    int64_t held_us;

    reels__pool *pool; /* NULL = one thread */
    reels__media_pools pools;
    reels__media_prepare prepare;
    uint32_t rungs_count;
    uint32_t cover_rung;
    reels__media_rung rungs[REELS_RUNGS_MAX];
    struct SwsContext *sws[REELS_RUNGS_MAX];
    AVFrame *pictures[REELS_RUNGS_MAX]; /* of `held`, where made */
    reels__media_audio audio;
    int has_audio;
    uint32_t audio_track;
    reels_packager *packager;
    reels__media_cover cover;
    int64_t cover_step; /* pictures of the grid between candidates */
    uint32_t cover_width;
    uint32_t cover_height;
};

/* Reads the header; decides. */
reels_status
reels__media_pipeline_open(reels__media_pipeline *p, const reels_call *call, reels_error *err);
/* Reads every packet once; decides again. */
reels_status
reels__media_pipeline_scan(reels__media_pipeline *p, const reels_call *call, reels_error *err);
/* Plans the ladder and opens decoders, encoders and the packager. */
reels_status reels__media_pipeline_prepare(reels__media_pipeline *p, reels_error *err);

#endif
