/* Owns the reading of what headers declare, and the limits that can be judged from it. */
#include "media/describe.h"

#include <libavutil/avstring.h>
#include <libavutil/dovi_meta.h>
#include <libavutil/pixdesc.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

enum {
    US_PER_S = 1000000,
    ASPECT_FACTOR_MAX = 8 /* of one sample; beyond it a header lies */
};

void reels__media_refuse(reels_probe_info *info, reels_status status, const char *format, ...)
{
    if (info->verdict == REELS_VERDICT_REFUSE) {
        return;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(info->verdict_reason, sizeof info->verdict_reason, format, args);
    va_end(args);
    info->verdict = REELS_VERDICT_REFUSE;
    info->verdict_status = status;
}

static void set_text(char *out, size_t size, const char *text)
{
    if (text == NULL || strcmp(text, "unknown") == 0 || strcmp(text, "reserved") == 0) {
        text = "";
    }
    snprintf(out, size, "%s", text);
}

static int can_decode(enum AVCodecID id)
{
    const AVCodec *codec = avcodec_find_decoder(id);
    return codec != NULL && av_match_name(codec->name, reels__media_decoders) > 0;
}

/* Pictures that are not the video: cover art, thumbnails. */
static int is_cover(const AVStream *stream)
{
    const int covers =
        AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS | AV_DISPOSITION_STILL_IMAGE;
    return (stream->disposition & covers) != 0;
}

/* More is more likely the main track: decodable, with samples, not a single picture, the default
 * one, the largest. */
static int64_t score_of(AVStream *stream)
{
    const AVCodecParameters *codec = stream->codecpar;
    int64_t samples = stream->nb_frames;
    int entries = avformat_index_get_entries_count(stream);
    samples = samples > entries ? samples : entries;
    int64_t score = 0;
    score += can_decode(codec->codec_id) ? INT64_C(1) << 60 : 0;
    score += samples != 0 || stream->start_time != AV_NOPTS_VALUE ? INT64_C(1) << 59 : 0;
    score += samples != 1 ? INT64_C(1) << 58 : 0;
    score += (stream->disposition & AV_DISPOSITION_DEFAULT) != 0 ? INT64_C(1) << 57 : 0;
    if (codec->codec_type == AVMEDIA_TYPE_VIDEO) {
        score += (int64_t)codec->width * codec->height;
    } else {
        score += codec->ch_layout.nb_channels > 0 ? INT64_C(1) << 20 : 0;
    }
    return score;
}

static int choose_track(const AVFormatContext *format, enum AVMediaType type)
{
    int best = -1;
    int64_t best_score = -1;
    for (unsigned i = 0; i < format->nb_streams; i++) {
        AVStream *stream = format->streams[i];
        if (stream->codecpar->codec_type != type || is_cover(stream)) {
            continue;
        }
        int64_t score = score_of(stream);
        if (score > best_score) {
            best = (int)i;
            best_score = score;
        }
    }
    return best;
}

reels__media_turn reels__media_turn_of(const int32_t *matrix)
{
    reels__media_turn turn = {1, 0, 0, 1};
    if (matrix == NULL) {
        return turn;
    }
    int64_t a = matrix[0];
    int64_t b = matrix[1];
    int64_t c = matrix[3];
    int64_t d = matrix[4];
    int64_t straight = (a < 0 ? -a : a) + (d < 0 ? -d : d);
    int64_t crossed = (b < 0 ? -b : b) + (c < 0 ? -c : c);
    if (straight == 0 && crossed == 0) {
        return turn;
    }
    /* What is between two quarter turns goes to the nearer one. */
    if (straight >= crossed) {
        turn = (reels__media_turn){a < 0 ? -1 : 1, 0, 0, d < 0 ? -1 : 1};
    } else {
        turn = (reels__media_turn){0, b < 0 ? -1 : 1, c < 0 ? -1 : 1, 0};
    }
    return turn;
}

static void describe_turn(reels__media_turn turn, reels_probe_info *info)
{
    int mirrored = turn.a * turn.d - turn.b * turn.c < 0;
    /* Taking the mirroring (x to -x, done first) out leaves a rotation. */
    int a = mirrored ? -turn.a : turn.a;
    int b = mirrored ? -turn.b : turn.b;
    info->mirrored = (uint32_t)mirrored;
    info->rotation_degrees = a > 0 ? 0 : b > 0 ? 90 : a < 0 ? 180 : 270;
}

static AVRational sample_aspect(AVFormatContext *format, AVStream *stream)
{
    AVRational aspect = av_guess_sample_aspect_ratio(format, stream, NULL);
    if (aspect.num <= 0 || aspect.den <= 0 || aspect.num / aspect.den > ASPECT_FACTOR_MAX ||
        aspect.den / aspect.num > ASPECT_FACTOR_MAX) {
        return (AVRational){1, 1};
    }
    return aspect;
}

/* Square pixels, nothing lost: the side that is short of samples grows. */
static void describe_size(AVFormatContext *format,
                          AVStream *stream,
                          reels__media_turn turn,
                          reels_probe_info *info)
{
    const AVCodecParameters *codec = stream->codecpar;
    AVRational aspect = sample_aspect(format, stream);
    int64_t width = codec->width;
    int64_t height = codec->height;
    info->coded_width = (uint32_t)codec->width;
    info->coded_height = (uint32_t)codec->height;
    info->sample_aspect_num = (uint32_t)aspect.num;
    info->sample_aspect_den = (uint32_t)aspect.den;
    if (aspect.num > aspect.den) {
        width = av_rescale(width, aspect.num, aspect.den);
    } else {
        height = av_rescale(height, aspect.den, aspect.num);
    }
    info->display_width = (uint32_t)(turn.a != 0 ? width : height);
    info->display_height = (uint32_t)(turn.a != 0 ? height : width);
}

static void describe_hdr(AVStream *stream, reels_probe_info *info)
{
    const AVCodecParameters *codec = stream->codecpar;
    if (codec->color_trc == AVCOL_TRC_SMPTE2084) {
        info->hdr_kind = REELS_HDR_PQ;
    } else if (codec->color_trc == AVCOL_TRC_ARIB_STD_B67) {
        info->hdr_kind = REELS_HDR_HLG;
    }
    size_t size = 0;
    const uint8_t *data = av_stream_get_side_data(stream, AV_PKT_DATA_DOVI_CONF, &size);
    if (data != NULL && size >= sizeof(AVDOVIDecoderConfigurationRecord)) {
        AVDOVIDecoderConfigurationRecord record;
        memcpy(&record, data, sizeof record);
        info->hdr_kind = REELS_HDR_DOLBY_VISION;
        if (record.dv_profile == 5) {
            reels__media_refuse(info,
                                REELS_ERR_UNSUPPORTED,
                                "Dolby Vision profile 5 has no base picture that can be shown");
        }
    }
}

static void describe_codec(const AVCodecParameters *codec, char *out, size_t size)
{
    if (codec->codec_id != AV_CODEC_ID_NONE) {
        set_text(out, size, avcodec_get_name(codec->codec_id));
        return;
    }
    char tag[AV_FOURCC_MAX_STRING_SIZE] = "";
    av_fourcc_make_string(tag, codec->codec_tag);
    set_text(out, size, tag);
}

static void describe_colour(const AVCodecParameters *codec, reels_probe_info *info)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(codec->format);
    const char *range = codec->color_range == AVCOL_RANGE_MPEG   ? "limited"
                        : codec->color_range == AVCOL_RANGE_JPEG ? "full"
                                                                 : "";
    if (format != NULL) {
        set_text(info->pixel_format, sizeof info->pixel_format, format->name);
        info->bit_depth = (uint32_t)format->comp[0].depth;
        if (strncmp(format->name, "yuvj", 4) == 0) {
            range = "full";
        }
    }
    snprintf(info->color_range, sizeof info->color_range, "%s", range);
    set_text(
        info->color_matrix, sizeof info->color_matrix, av_color_space_name(codec->color_space));
    set_text(info->color_primaries,
             sizeof info->color_primaries,
             av_color_primaries_name(codec->color_primaries));
    set_text(info->color_transfer,
             sizeof info->color_transfer,
             av_color_transfer_name(codec->color_trc));
    info->interlaced =
        codec->field_order != AV_FIELD_UNKNOWN && codec->field_order != AV_FIELD_PROGRESSIVE;
}

static void
describe_video(AVFormatContext *format, reels__media_tracks *tracks, reels_probe_info *info)
{
    AVStream *stream = format->streams[tracks->video];
    const AVCodecParameters *codec = stream->codecpar;
    size_t matrix_size = 0;
    const uint8_t *side = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &matrix_size);
    int32_t matrix[9];
    if (side != NULL && matrix_size >= sizeof matrix) {
        memcpy(matrix, side, sizeof matrix);
        tracks->turn = reels__media_turn_of(matrix);
    }
    info->video_present = 1;
    info->video_stream_index = (uint32_t)tracks->video;
    describe_codec(codec, info->video_codec, sizeof info->video_codec);
    describe_turn(tracks->turn, info);
    describe_size(format, stream, tracks->turn, info);
    describe_colour(codec, info);
    describe_hdr(stream, info);
    AVRational rate =
        stream->avg_frame_rate.num > 0 ? stream->avg_frame_rate : stream->r_frame_rate;
    if (rate.num > 0 && rate.den > 0) {
        info->frame_rate_num = (uint32_t)rate.num;
        info->frame_rate_den = (uint32_t)rate.den;
    }
    info->video_frames_count = stream->nb_frames > 0 ? (uint64_t)stream->nb_frames : 0;
    if (!can_decode(codec->codec_id)) {
        reels__media_refuse(info,
                            REELS_ERR_UNSUPPORTED,
                            "its pictures are in the codec '%s', which is not accepted",
                            info->video_codec);
    } else if (codec->width <= 0 || codec->height <= 0 || codec->format < 0) {
        reels__media_refuse(info,
                            REELS_ERR_CORRUPT,
                            "no picture could be decoded from its %s track",
                            info->video_codec);
    }
}

static void describe_audio(AVFormatContext *format,
                           reels__media_tracks *tracks,
                           const reels_media_limits *limits,
                           reels_probe_info *info)
{
    AVStream *stream = format->streams[tracks->audio];
    const AVCodecParameters *codec = stream->codecpar;
    describe_codec(codec, info->audio_codec, sizeof info->audio_codec);
    info->audio_stream_index = (uint32_t)tracks->audio;
    info->audio_sample_rate = codec->sample_rate > 0 ? (uint32_t)codec->sample_rate : 0;
    info->audio_channels =
        codec->ch_layout.nb_channels > 0 ? (uint32_t)codec->ch_layout.nb_channels : 0;
    int usable =
        can_decode(codec->codec_id) && info->audio_sample_rate > 0 && info->audio_channels > 0;
    if (!usable && tracks->video >= 0) {
        snprintf(info->verdict_reason,
                 sizeof info->verdict_reason,
                 "its sound is left out: the codec '%s' is not accepted or damaged",
                 info->audio_codec);
        tracks->audio = -1;
        return;
    }
    info->audio_present = 1;
    if (!usable) {
        reels__media_refuse(info,
                            REELS_ERR_UNSUPPORTED,
                            "its sound is in the codec '%s', which is not accepted or damaged",
                            info->audio_codec);
    } else if (info->audio_sample_rate < limits->sample_rate_min ||
               info->audio_sample_rate > limits->sample_rate_max) {
        reels__media_refuse(info,
                            REELS_ERR_LIMIT,
                            "its sound has %u samples a second, the limits are %u and %u",
                            info->audio_sample_rate,
                            limits->sample_rate_min,
                            limits->sample_rate_max);
    } else if (info->audio_channels > limits->channels_max) {
        reels__media_refuse(info,
                            REELS_ERR_LIMIT,
                            "its sound has %u channels, the limit is %u",
                            info->audio_channels,
                            limits->channels_max);
    }
}

static void describe_duration(const reels__media_demux *demux,
                              const reels__media_tracks *tracks,
                              reels_probe_info *info)
{
    const AVFormatContext *format = demux->format;
    const int main_tracks[2] = {tracks->video, tracks->audio};
    int64_t longest = -1;
    int bogus = 0;
    for (size_t i = 0; i < 2; i++) {
        if (main_tracks[i] < 0) {
            continue;
        }
        const AVStream *stream = format->streams[main_tracks[i]];
        int64_t us = reels__media_declared_us(stream);
        longest = us > longest ? us : longest;
        bogus = bogus || (us < 0 && stream->duration > 0);
    }
    /* A guess from the bit rate is no declaration. */
    if (longest < 0 && !bogus && format->duration > 0 &&
        format->duration_estimation_method != AVFMT_DURATION_FROM_BITRATE) {
        longest = format->duration;
    }
    if (format->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE) {
        longest = -1;
    }
    info->duration_us = longest;
    if (longest > 0) {
        double bits = (double)info->file_bytes * 8.0;
        info->bitrate_bps = (int64_t)(bits * US_PER_S / (double)longest);
    }
}

/* Limits that hold for what is known now, from a header or from every packet. */
static void judge(const reels_media_limits *limits, reels_probe_info *info)
{
    if (info->duration_us > limits->duration_max_us) {
        reels__media_refuse(info,
                            REELS_ERR_LIMIT,
                            "it lasts %lld.%03d s, the limit is %lld s",
                            (long long)(info->duration_us / US_PER_S),
                            (int)(info->duration_us % US_PER_S / 1000),
                            (long long)(limits->duration_max_us / US_PER_S));
    }
    if (!info->video_present) {
        return;
    }
    uint64_t longer =
        info->display_width > info->display_height ? info->display_width : info->display_height;
    uint64_t shorter =
        info->display_width > info->display_height ? info->display_height : info->display_width;
    if (shorter == 0 || longer > shorter * limits->aspect_max) {
        reels__media_refuse(info,
                            REELS_ERR_LIMIT,
                            "the picture is %ux%u: its sides are further apart than 1 to %u",
                            info->display_width,
                            info->display_height,
                            limits->aspect_max);
    }
    if (longer > limits->side_max || longer * shorter > limits->pixels_max) {
        reels__media_refuse(info,
                            REELS_ERR_LIMIT,
                            "the picture is %ux%u as displayed, the limit is %llu pixels",
                            info->display_width,
                            info->display_height,
                            (unsigned long long)limits->pixels_max);
    }
    if (info->video_frames_count > limits->frames_max) {
        reels__media_refuse(info,
                            REELS_ERR_LIMIT,
                            "it has %llu pictures, the limit is %u",
                            (unsigned long long)info->video_frames_count,
                            limits->frames_max);
    }
}

reels_status reels__media_describe(reels__media_demux *demux,
                                   const reels_media_limits *limits,
                                   reels__media_tracks *tracks,
                                   reels_probe_info *info,
                                   reels_error *err)
{
    AVFormatContext *format = demux->format;
    *tracks = (reels__media_tracks){.turn = {1, 0, 0, 1}};
    *info = (reels_probe_info){.struct_size = sizeof *info,
                               .verdict = REELS_VERDICT_TRANSCODE,
                               .streams_count = format->nb_streams,
                               .file_bytes = demux->source->size_bytes,
                               .sample_aspect_num = 1,
                               .sample_aspect_den = 1,
                               .duration_us = -1};
    set_text(info->container, sizeof info->container, demux->container->name);
    tracks->video = choose_track(format, AVMEDIA_TYPE_VIDEO);
    tracks->audio = choose_track(format, AVMEDIA_TYPE_AUDIO);
    if (demux->encrypted) {
        reels__media_refuse(info, REELS_ERR_ENCRYPTED, "it is encrypted");
    }
    if (tracks->video < 0 && tracks->audio < 0) {
        return reels__fail(
            err, REELS_ERR_CORRUPT, "the %s file holds neither video nor audio", info->container);
    }
    if (tracks->video >= 0) {
        describe_video(format, tracks, info);
    }
    if (tracks->audio >= 0) {
        describe_audio(format, tracks, limits, info);
    }
    describe_duration(demux, tracks, info);
    judge(limits, info);
    for (unsigned i = 0; i < format->nb_streams; i++) {
        int wanted = (int)i == tracks->video || (int)i == tracks->audio;
        format->streams[i]->discard = wanted ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    }
    if (tracks->video >= 0 && tracks->audio >= 0) {
        int64_t video = format->streams[tracks->video]->start_time;
        int64_t audio = format->streams[tracks->audio]->start_time;
        if (video != AV_NOPTS_VALUE && audio != AV_NOPTS_VALUE) {
            AVRational us = {1, US_PER_S};
            info->audio_offset_us =
                av_rescale_q(audio, format->streams[tracks->audio]->time_base, us) -
                av_rescale_q(video, format->streams[tracks->video]->time_base, us);
        }
    }
    return REELS_OK;
}

void reels__media_describe_exact(const reels__media_timing *timing,
                                 const reels_media_limits *limits,
                                 reels_probe_info *info)
{
    info->duration_us = timing->duration_us;
    if (timing->duration_us > 0) {
        double bits = (double)info->file_bytes * 8.0;
        info->bitrate_bps = (int64_t)(bits * US_PER_S / (double)timing->duration_us);
    }
    if (info->video_present) {
        info->video_frames_count = timing->video_frames_count;
        info->variable_rate = timing->variable;
        info->frame_rate_num = timing->rate_num;
        info->frame_rate_den = timing->rate_den;
    }
    if (info->video_present && info->audio_present && timing->audio_start_us != REELS__NO_TIME) {
        info->audio_offset_us = timing->audio_start_us - timing->video_start_us;
    }
    if (timing->encrypted) {
        reels__media_refuse(info, REELS_ERR_ENCRYPTED, "it is encrypted");
    }
    judge(limits, info);
}
