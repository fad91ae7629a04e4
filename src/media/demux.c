/* Owns every call into libavformat. What it is given to read with refuses everything but our bytes.
 */
#include "media/demux.h"

#include <libavutil/opt.h>
#include <stdio.h>
#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    IO_BUFFER_BYTES = 128 * 1024,
    /* Reading more than this many times the file's size (and a bit) means seeking in circles. */
    READ_FACTOR_MAX = 12,
    READ_SLACK_BYTES = 64 << 20,
    /* Index entries libavformat may keep: 16 bytes each or more. */
    INDEX_BYTES_MAX = 8 << 20,
    /* A jump in a transport stream that is no pause but another clock. */
    JUMP_US = 10000000,
    US_PER_S = 1000000
};

const char reels__media_decoders[] =
    "h264,hevc,vp8,vp9,libdav1d,mpeg4,h263,mpeg1video,mpeg2video,mjpeg,prores,msmpeg4v1,msmpeg4v2,"
    "msmpeg4,wmv1,wmv2,wmv3,vc1,flv,theora,dnxhd,rawvideo,"
    "aac,aac_latm,mp3,mp3float,mp2,mp2float,mp1,mp1float,ac3,eac3,opus,vorbis,flac,alac,amrnb,"
    "amrwb,wmav1,"
    "wmav2,truehd,mlp,dca,"
    "pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_u8,pcm_s8,pcm_f32le,pcm_f32be,"
    "pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw,adpcm_ima_qt,adpcm_ima_wav,adpcm_ms";

static const char demuxers[] = "mov,matroska,webm,mpegts,mpeg,avi,asf,flv,ogg,wav,flac,mp3,aac";

reels_status reels__media_fail_as(reels_error *err, const reels_error *from)
{
    if (err != NULL) {
        uint32_t size = err->struct_size;
        *err = *from;
        err->struct_size = size;
    }
    return from->status;
}

reels_status reels__media_av_fail(int av_status, const char *what, reels_error *err)
{
    char text[96] = "";
    av_strerror(av_status, text, sizeof text);
    reels_status status = REELS_ERR_CORRUPT;
    if (av_status == AVERROR(ENOMEM)) {
        status = REELS_ERR_NO_MEMORY;
    } else if (av_status == AVERROR(ENOSYS) || av_status == AVERROR_PATCHWELCOME ||
               av_status == AVERROR_DECODER_NOT_FOUND || av_status == AVERROR_ENCODER_NOT_FOUND) {
        status = REELS_ERR_UNSUPPORTED;
    }
    return reels__fail(err, status, "%s: %s", what, text);
}

static int read_packet(void *opaque, uint8_t *data, int len)
{
    reels__media_demux *demux = opaque;
    if (demux->io_status < 0) {
        return AVERROR_EXIT;
    }
    reels_status status = reels__call_check(demux->ctx, demux->call, &demux->io_error);
    size_t got = 0;
    uint64_t allowed = demux->source->size_bytes * READ_FACTOR_MAX + READ_SLACK_BYTES;
    if (status == REELS_OK && demux->read_bytes > allowed) {
        status = reels__fail(
            &demux->io_error, REELS_ERR_LIMIT, "the file makes its reader go in circles");
    }
    if (status == REELS_OK) {
        status = reels__media_source_read(
            demux->source, demux->position, data, (size_t)len, &got, &demux->io_error);
    }
    if (status < 0) {
        /* A host's function may have left the detail empty. */
        demux->io_status = demux->io_error.status = status;
        return AVERROR_EXIT;
    }
    demux->position += got;
    demux->read_bytes += got;
    return got > 0 ? (int)got : AVERROR_EOF;
}

static int64_t seek(void *opaque, int64_t offset, int whence)
{
    reels__media_demux *demux = opaque;
    int64_t size = (int64_t)demux->source->size_bytes;
    if ((whence & AVSEEK_SIZE) != 0) {
        return size;
    }
    whence &= ~AVSEEK_FORCE;
    int64_t base = whence == SEEK_CUR ? (int64_t)demux->position : whence == SEEK_END ? size : 0;
    if (offset > INT64_MAX / 2 || offset < INT64_MIN / 2 || base + offset < 0) {
        return AVERROR(EINVAL);
    }
    demux->position = (uint64_t)(base + offset);
    return base + offset;
}

/* Nothing in a medium opens anything. */
static int refuse_open(
    AVFormatContext *format, AVIOContext **io, const char *url, int flags, AVDictionary **options)
{
    (void)format;
    (void)url;
    (void)flags;
    (void)options;
    *io = NULL;
    return AVERROR(EACCES);
}

/* libav prints through one process-wide callback that only the host may set. What a class names as
 * its log level offset is added to each message's level before the callback sees it;
 * AVFormatContext names none, so it gets a copy of its class that points at a field no demuxer
 * reads. */
static void quieten(reels__media_demux *demux)
{
    AVFormatContext *format = demux->format;
    demux->quiet_class = *format->av_class;
    demux->quiet_class.log_level_offset_offset = offsetof(AVFormatContext, metadata_header_padding);
    format->metadata_header_padding = REELS__LOG_LEVEL_OFFSET;
    format->av_class = &demux->quiet_class;
}

static reels_status make_format(reels__media_demux *demux, reels_error *err)
{
    uint8_t *buffer = av_malloc(IO_BUFFER_BYTES);
    if (buffer != NULL) {
        demux->io = avio_alloc_context(buffer, IO_BUFFER_BYTES, 0, demux, read_packet, NULL, seek);
    }
    if (demux->io == NULL) {
        av_free(buffer);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for reading");
    }
    AVFormatContext *format = demux->format = avformat_alloc_context();
    if (format == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a demuxer");
    }
    format->pb = demux->io;
    format->io_open = refuse_open;
    format->flags |= AVFMT_FLAG_CUSTOM_IO;
    format->max_streams = (int)demux->limits->streams_max;
    format->probesize = (int64_t)demux->limits->probe_bytes_max;
    format->max_analyze_duration = demux->limits->analyse_max_us;
    format->max_index_size = INDEX_BYTES_MAX;
    format->format_whitelist = av_strdup(demuxers);
    format->codec_whitelist = av_strdup(reels__media_decoders);
    format->protocol_whitelist = av_strdup("");
    if (format->format_whitelist == NULL || format->codec_whitelist == NULL ||
        format->protocol_whitelist == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a demuxer");
    }
    quieten(demux);
    return REELS_OK;
}

static uint64_t tags_bytes(const AVDictionary *tags)
{
    uint64_t bytes = 0;
    const AVDictionaryEntry *entry = NULL;
    while ((entry = av_dict_get(tags, "", entry, AV_DICT_IGNORE_SUFFIX)) != NULL) {
        bytes += strlen(entry->key) + strlen(entry->value);
    }
    return bytes;
}

/* What is known before any stream is looked into: sizes that a header declares are judged here. */
static reels_status check_header(const reels__media_demux *demux, reels_error *err)
{
    const AVFormatContext *format = demux->format;
    const reels_media_limits *limits = demux->limits;
    if (format->nb_streams > limits->streams_max || format->nb_streams > REELS__DEMUX_STREAMS_MAX) {
        return reels__fail(err,
                           REELS_ERR_LIMIT,
                           "the file has %u tracks, the limit is %u",
                           format->nb_streams,
                           limits->streams_max);
    }
    uint64_t tags = tags_bytes(format->metadata);
    for (unsigned i = 0; i < format->nb_streams; i++) {
        const AVCodecParameters *codec = format->streams[i]->codecpar;
        tags += tags_bytes(format->streams[i]->metadata);
        if (codec->codec_type != AVMEDIA_TYPE_VIDEO) {
            continue;
        }
        uint64_t width = codec->width > 0 ? (uint64_t)codec->width : 0;
        uint64_t height = codec->height > 0 ? (uint64_t)codec->height : 0;
        if (width > limits->side_max || height > limits->side_max ||
            width * height > limits->pixels_max) {
            return reels__fail(err,
                               REELS_ERR_LIMIT,
                               "the picture is %llux%llu, the limit is %llu pixels",
                               (unsigned long long)width,
                               (unsigned long long)height,
                               (unsigned long long)limits->pixels_max);
        }
    }
    if (tags > limits->metadata_bytes_max) {
        return reels__fail(err,
                           REELS_ERR_LIMIT,
                           "the file carries %llu bytes of tags, the limit is %llu",
                           (unsigned long long)tags,
                           (unsigned long long)limits->metadata_bytes_max);
    }
    return REELS_OK;
}

/* Looks into the streams. Each decoder that libavformat opens for that gets the same bounds. */
static reels_status look_into_streams(reels__media_demux *demux, reels_error *err)
{
    AVDictionary *options[REELS__DEMUX_STREAMS_MAX] = {0};
    unsigned count = demux->format->nb_streams;
    for (unsigned i = 0; i < count; i++) {
        av_dict_set_int(&options[i], "threads", 1, 0);
        av_dict_set_int(&options[i], "max_pixels", (int64_t)demux->limits->pixels_max, 0);
        av_dict_set_int(&options[i], "log_level_offset", REELS__LOG_LEVEL_OFFSET, 0);
        av_dict_set(&options[i], "codec_whitelist", reels__media_decoders, 0);
    }
    int av_status = avformat_find_stream_info(demux->format, options);
    for (unsigned i = 0; i < count; i++) {
        av_dict_free(&options[i]);
    }
    if (demux->io_status < 0) {
        return demux->io_status;
    }
    if (av_status < 0) {
        return reels__media_av_fail(av_status, "the streams cannot be read", err);
    }
    return check_header(demux, err);
}

/* Entries whose samples are encrypted hide their codec; looked for where headers are. */
static reels_status look_for_encryption(reels__media_demux *demux, reels_error *err)
{
    enum {
        CHUNK = 64 * 1024,
        OVERLAP = 32
    };
    if (strcmp(demux->container->name, "mp4") != 0) {
        return REELS_OK;
    }
    uint8_t *chunk = reels__mem_alloc(demux->ctx, CHUNK);
    if (chunk == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for reading");
    }
    reels_status status = REELS_OK;
    uint64_t bytes_max = demux->limits->probe_bytes_max;
    for (uint64_t at = 0; at < bytes_max && status == REELS_OK; at += CHUNK - OVERLAP) {
        size_t got = 0;
        status = reels__media_source_read(demux->source, at, chunk, CHUNK, &got, err);
        if (status == REELS_OK && reels__media_iso_is_encrypted(chunk, got)) {
            demux->encrypted = 1;
            break;
        }
        if (got < CHUNK) {
            break;
        }
    }
    reels__mem_free(demux->ctx, chunk);
    return status;
}

static reels_status open_container(reels__media_demux *demux, reels_error *err)
{
    uint8_t front[REELS__SNIFF_BYTES];
    size_t len = 0;
    size_t got = 1;
    while (len < sizeof front && got > 0) {
        REELS_TRY(reels__media_source_read(
            demux->source, len, front + len, sizeof front - len, &got, err));
        len += got;
    }
    REELS_TRY(reels__media_sniff(front, len, &demux->container, err));
    const AVInputFormat *input = av_find_input_format(demux->container->demuxer);
    if (input == NULL) {
        return reels__fail(
            err, REELS_ERR_UNSUPPORTED, "this libavformat cannot read %s", demux->container->name);
    }
    REELS_TRY(look_for_encryption(demux, err));
    REELS_TRY(make_format(demux, err));
    int av_status = avformat_open_input(&demux->format, NULL, input, NULL);
    if (demux->io_status < 0) {
        return demux->io_status;
    }
    if (av_status < 0 && demux->encrypted) {
        return reels__fail(err, REELS_ERR_ENCRYPTED, "it is encrypted");
    }
    if (av_status < 0) {
        /* Too many tracks are told as ENOMEM; a header that asks for absurd tables too. */
        if (av_status == AVERROR(ENOMEM)) {
            return reels__fail(
                err, REELS_ERR_LIMIT, "the header asks for more tracks or tables than allowed");
        }
        return reels__media_av_fail(av_status, "the header cannot be read", err);
    }
    return check_header(demux, err);
}

/* All ones in 32 bits, which fragmented files carry and some writers add to, is no duration. */
int64_t reels__media_declared_us(const AVStream *stream)
{
    const int64_t all_ones = INT64_C(0xFFFFFFFF);
    const int64_t slack = INT64_C(1) << 24;
    if (stream->duration == AV_NOPTS_VALUE || stream->duration <= 0 ||
        (stream->duration >= all_ones && stream->duration < all_ones + slack)) {
        return -1;
    }
    int64_t us = av_rescale_q(stream->duration, stream->time_base, (AVRational){1, US_PER_S});
    return us > 0 ? us : -1;
}

/* Judges what the header alone declares: of tracks of sound and pictures, or of the whole. */
static reels_status check_declared(const reels__media_demux *demux, reels_error *err)
{
    const AVFormatContext *format = demux->format;
    int64_t longest = -1;
    int silent = 1;
    for (unsigned i = 0; i < format->nb_streams; i++) {
        const AVStream *stream = format->streams[i];
        enum AVMediaType type = stream->codecpar->codec_type;
        if (type == AVMEDIA_TYPE_VIDEO || type == AVMEDIA_TYPE_AUDIO) {
            int64_t us = reels__media_declared_us(stream);
            longest = us > longest ? us : longest;
            silent = silent && stream->duration == AV_NOPTS_VALUE;
        }
    }
    if (silent && format->duration != AV_NOPTS_VALUE) {
        longest = format->duration;
    }
    return longest <= demux->limits->duration_max_us
               ? REELS_OK
               : reels__fail(err,
                             REELS_ERR_LIMIT,
                             "it lasts %lld.%03d s, the limit is %lld s",
                             (long long)(longest / US_PER_S),
                             (int)(longest % US_PER_S / 1000),
                             (long long)(demux->limits->duration_max_us / US_PER_S));
}

reels_status reels__media_demux_open(reels__media_demux *demux,
                                     reels_ctx *ctx,
                                     const reels_call *call,
                                     reels__media_source *source,
                                     const reels_media_limits *limits,
                                     uint32_t flags,
                                     reels_error *err)
{
    *demux = (reels__media_demux){.ctx = ctx,
                                  .call = call,
                                  .source = source,
                                  .limits = limits,
                                  .io_error = REELS__ERROR_INIT};
    for (size_t i = 0; i < REELS__DEMUX_STREAMS_MAX; i++) {
        demux->next_dts_us[i] = REELS__NO_TIME;
    }
    reels_status status = open_container(demux, err);
    if (status == REELS_OK && (flags & REELS__DEMUX_REFUSE_EARLY) != 0) {
        status = check_declared(demux, err);
    }
    if (status == REELS_OK && (flags & REELS__DEMUX_STREAMS) != 0) {
        status = look_into_streams(demux, err);
    }
    if (status < 0) {
        if (demux->io_status < 0) {
            status = reels__media_fail_as(err, &demux->io_error);
        }
        reels__media_demux_close(demux);
    }
    return status;
}

static int64_t to_us(int64_t time, AVRational time_base)
{
    if (time == AV_NOPTS_VALUE || time_base.num <= 0 || time_base.den <= 0) {
        return REELS__NO_TIME;
    }
    int64_t us = av_rescale_q(time, time_base, (AVRational){1, US_PER_S});
    /* A year either way is no time of a clip. */
    const int64_t year_us = INT64_C(31536000) * US_PER_S;
    return us > year_us || us < -year_us ? REELS__NO_TIME : us;
}

/* Containers without one clock for the whole file may jump: the next packet then goes on where the
 * stream was. The jump holds for all streams, as it came from one clock. */
static void take_out_jump(reels__media_demux *demux, int stream, reels__media_packet *out)
{
    if ((demux->format->iformat->flags & AVFMT_TS_DISCONT) == 0) {
        return;
    }
    int64_t *next = &demux->next_dts_us[stream];
    int64_t dts = out->dts_us != REELS__NO_TIME ? out->dts_us : out->pts_us;
    if (dts == REELS__NO_TIME) {
        return;
    }
    int64_t here = dts - demux->jump_us;
    if (*next != REELS__NO_TIME && (here - *next > JUMP_US || here - *next < -JUMP_US)) {
        demux->jump_us += here - *next;
        here = *next;
    }
    *next = here + out->duration_us;
    if (out->dts_us != REELS__NO_TIME) {
        out->dts_us -= demux->jump_us;
    }
    if (out->pts_us != REELS__NO_TIME) {
        out->pts_us -= demux->jump_us;
    }
}

reels_status reels__media_demux_read(reels__media_demux *demux,
                                     AVPacket *packet,
                                     reels__media_packet *out,
                                     reels_error *err)
{
    int av_status = av_read_frame(demux->format, packet);
    if (demux->io_status < 0) {
        av_packet_unref(packet);
        return reels__media_fail_as(err, &demux->io_error);
    }
    if (av_status == AVERROR(ENOMEM)) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a packet");
    }
    if (av_status < 0) {
        return REELS_END;
    }
    unsigned index = (unsigned)packet->stream_index;
    if (index >= REELS__DEMUX_STREAMS_MAX || index >= demux->limits->streams_max) {
        av_packet_unref(packet);
        return reels__fail(
            err, REELS_ERR_LIMIT, "the file has more than %u tracks", demux->limits->streams_max);
    }
    AVRational time_base = demux->format->streams[index]->time_base;
    *out = (reels__media_packet){.packet = packet,
                                 .pts_us = to_us(packet->pts, time_base),
                                 .dts_us = to_us(packet->dts, time_base)};
    int64_t duration = packet->duration > 0 ? to_us(packet->duration, time_base) : 0;
    out->duration_us = duration > 0 ? duration : 0;
    take_out_jump(demux, (int)index, out);
    if (av_packet_get_side_data(packet, AV_PKT_DATA_ENCRYPTION_INFO, NULL) != NULL) {
        demux->encrypted = 1;
    }
    return REELS_OK;
}

int reels__media_demux_is_cut(const reels__media_demux *demux, int stream_index)
{
    AVStream *stream = demux->format->streams[stream_index];
    int count = avformat_index_get_entries_count(stream);
    if (count <= 0 || strcmp(demux->container->name, "mp4") != 0) {
        return 0;
    }
    const AVIndexEntry *last = avformat_index_get_entry(stream, count - 1);
    return last != NULL && last->pos >= 0 &&
           (uint64_t)last->pos + (uint64_t)last->size > demux->source->size_bytes;
}

void reels__media_demux_close(reels__media_demux *demux)
{
    avformat_close_input(&demux->format);
    if (demux->io != NULL) {
        av_freep(&demux->io->buffer);
        avio_context_free(&demux->io);
    }
    *demux = (reels__media_demux){0};
}
