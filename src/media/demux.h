/* Owns libavformat: one container opened from our own bytes, with one demuxer chosen by us, no
 * protocol, and no way to open anything else. Time stamps leave here in microseconds, unwrapped
 * and, for transport streams, with jumps taken out. */
#ifndef REELS_SRC_MEDIA_DEMUX_H
#define REELS_SRC_MEDIA_DEMUX_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include <reels/media.h>

#include "media/sniff.h"
#include "media/source.h"

enum {
    REELS__DEMUX_STREAMS_MAX = 64, /* for which state is kept; streams_max is usually less */
    /* Added to the level of every message of a libav object: even an error then lies above any
     * level that is printed. libav's own callback looks at the low 8 bits of a level. */
    REELS__LOG_LEVEL_OFFSET = 128
};

typedef struct reels__media_demux {
    reels_ctx *ctx;
    const reels_call *call; /* of the public call that is running; asked while reading */
    reels__media_source *source;
    const reels_media_limits *limits;
    const reels__media_container *container;
    AVFormatContext *format;
    AVIOContext *io;
    AVClass quiet_class; /* AVFormatContext's class with a log level offset: see demux.c */
    uint64_t position;
    uint64_t read_bytes;    /* in all, against seeking in circles */
    reels_status io_status; /* first failure of the source, and its detail */
    reels_error io_error;
    int encrypted;
    int64_t jump_us;                               /* taken off every time stamp that follows */
    int64_t next_dts_us[REELS__DEMUX_STREAMS_MAX]; /* expected; INT64_MIN = none yet */
} reels__media_demux;

/* A packet with its times on the common line. Unknown times are INT64_MIN. */
typedef struct reels__media_packet {
    AVPacket *packet; /* borrowed until the next read */
    int64_t pts_us;
    int64_t dts_us;
    int64_t duration_us; /* 0 = unknown */
} reels__media_packet;

#define REELS__NO_TIME INT64_MIN

/* Decoders that hostile bytes may reach. */
extern const char reels__media_decoders[];

enum {
    /* Looks into the streams too (some are decoded), within probe_bytes_max and analyse_max_us. */
    REELS__DEMUX_STREAMS = 1,
    /* Gives LIMIT, before that, when the header declares more than duration_max_us. */
    REELS__DEMUX_REFUSE_EARLY = 2
};

/* Opens the container; flags are REELS__DEMUX_*. The zero state may be closed. */
reels_status reels__media_demux_open(reels__media_demux *demux,
                                     reels_ctx *ctx,
                                     const reels_call *call,
                                     reels__media_source *source,
                                     const reels_media_limits *limits,
                                     uint32_t flags,
                                     reels_error *err);

/* Reads the next packet into packet: REELS_OK, REELS_END, or a failure. Damage inside the file is
 * END. */
reels_status reels__media_demux_read(reels__media_demux *demux,
                                     AVPacket *packet,
                                     reels__media_packet *out,
                                     reels_error *err);

void reels__media_demux_close(reels__media_demux *demux);

/* What a track declares to last, in microseconds; -1 when it declares nothing that can be meant. */
int64_t reels__media_declared_us(const AVStream *stream);

/* 1 when an index says that samples lie beyond the end of the file: it was cut short. */
int reels__media_demux_is_cut(const reels__media_demux *demux, int stream_index);

/* Copies an error's detail to a caller's, which may be NULL. Returns its status. */
reels_status reels__media_fail_as(reels_error *err, const reels_error *from);

/* Turns a libav error into a status. */
reels_status reels__media_av_fail(int av_status, const char *what, reels_error *err);

#endif
