/* Owns the JSON form of a probe's result. */
#include <reels/media.h>

#include "base/buffer_internal.h"
#include "base/compiler.h"
#include "base/ctx_internal.h"
#include "base/error.h"

static reels_status
put_text(reels_buf *buf, const char *key, const char *text, int first, reels_error *err)
{
    REELS_TRY(reels__buf_append_format(buf, err, "%s\"%s\":", first ? "" : ",", key));
    if (text[0] == '\0') {
        return reels__buf_append_text(buf, "null", err);
    }
    REELS_TRY(reels__buf_append_text(buf, "\"", err));
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        char one[8] = {(char)*at, '\0'};
        if (*at == '"' || *at == '\\') {
            one[0] = '\\';
            one[1] = (char)*at;
        } else if (*at < 0x20 || *at > 0x7E) {
            /* Names of codecs and formats are ASCII; what is not came out of a damaged file. */
            one[0] = '?';
        }
        REELS_TRY(reels__buf_append_text(buf, one, err));
    }
    return reels__buf_append_text(buf, "\"", err);
}

static reels_status put_number(reels_buf *buf, const char *key, int64_t value, reels_error *err)
{
    return reels__buf_append_format(buf, err, ",\"%s\":%lld", key, (long long)value);
}

/* An unknown number is null, not a 0 that could be meant. */
static reels_status
put_known(reels_buf *buf, const char *key, int64_t value, int known, reels_error *err)
{
    return known ? put_number(buf, key, value, err)
                 : reels__buf_append_format(buf, err, ",\"%s\":null", key);
}

static reels_status put_flag(reels_buf *buf, const char *key, uint32_t value, reels_error *err)
{
    return reels__buf_append_format(buf, err, ",\"%s\":%s", key, value ? "true" : "false");
}

static reels_status
put_ratio(reels_buf *buf, const char *key, uint32_t num, uint32_t den, reels_error *err)
{
    return num > 0 && den > 0
               ? reels__buf_append_format(buf, err, ",\"%s\":\"%u/%u\"", key, num, den)
               : reels__buf_append_format(buf, err, ",\"%s\":null", key);
}

static const char *hdr_name(uint32_t kind)
{
    static const char *const names[] = {"", "pq", "hlg", "dolby_vision"};
    return kind < REELS__COUNT(names) ? names[kind] : "";
}

static reels_status put_video(const reels_probe_info *info, reels_buf *buf, reels_error *err)
{
    if (!info->video_present) {
        return reels__buf_append_text(buf, ",\"video\":null", err);
    }
    REELS_TRY(reels__buf_append_text(buf, ",\"video\":{", err));
    REELS_TRY(put_text(buf, "codec", info->video_codec, 1, err));
    REELS_TRY(put_number(buf, "stream_index", info->video_stream_index, err));
    REELS_TRY(put_number(buf, "width", info->display_width, err));
    REELS_TRY(put_number(buf, "height", info->display_height, err));
    REELS_TRY(put_number(buf, "coded_width", info->coded_width, err));
    REELS_TRY(put_number(buf, "coded_height", info->coded_height, err));
    REELS_TRY(put_number(buf, "rotation_degrees", info->rotation_degrees, err));
    REELS_TRY(put_flag(buf, "mirrored", info->mirrored, err));
    REELS_TRY(
        put_ratio(buf, "sample_aspect", info->sample_aspect_num, info->sample_aspect_den, err));
    REELS_TRY(put_ratio(buf, "frame_rate", info->frame_rate_num, info->frame_rate_den, err));
    REELS_TRY(put_flag(buf, "variable_rate", info->variable_rate, err));
    REELS_TRY(put_flag(buf, "interlaced", info->interlaced, err));
    REELS_TRY(put_known(
        buf, "frames_count", (int64_t)info->video_frames_count, info->video_frames_count > 0, err));
    REELS_TRY(put_text(buf, "pixel_format", info->pixel_format, 0, err));
    REELS_TRY(put_known(buf, "bit_depth", info->bit_depth, info->bit_depth > 0, err));
    REELS_TRY(put_text(buf, "color_range", info->color_range, 0, err));
    REELS_TRY(put_text(buf, "color_matrix", info->color_matrix, 0, err));
    REELS_TRY(put_text(buf, "color_primaries", info->color_primaries, 0, err));
    REELS_TRY(put_text(buf, "color_transfer", info->color_transfer, 0, err));
    REELS_TRY(put_text(buf, "hdr", hdr_name(info->hdr_kind), 0, err));
    return reels__buf_append_text(buf, "}", err);
}

static reels_status put_audio(const reels_probe_info *info, reels_buf *buf, reels_error *err)
{
    if (!info->audio_present) {
        return reels__buf_append_text(buf, ",\"audio\":null", err);
    }
    REELS_TRY(reels__buf_append_text(buf, ",\"audio\":{", err));
    REELS_TRY(put_text(buf, "codec", info->audio_codec, 1, err));
    REELS_TRY(put_number(buf, "stream_index", info->audio_stream_index, err));
    REELS_TRY(put_number(buf, "sample_rate", info->audio_sample_rate, err));
    REELS_TRY(put_number(buf, "channels", info->audio_channels, err));
    REELS_TRY(put_number(buf, "offset_us", info->audio_offset_us, err));
    return reels__buf_append_text(buf, "}", err);
}

static reels_status put_all(const reels_probe_info *info, reels_buf *buf, reels_error *err)
{
    const char *verdict = info->verdict == REELS_VERDICT_TRANSCODE     ? "transcode"
                          : info->verdict == REELS_VERDICT_PASSTHROUGH ? "passthrough"
                                                                       : "refuse";
    REELS_TRY(reels__buf_append_text(buf, "{", err));
    REELS_TRY(put_text(buf, "verdict", verdict, 1, err));
    REELS_TRY(put_text(buf, "status", reels_status_name(info->verdict_status), 0, err));
    REELS_TRY(put_text(buf, "reason", info->verdict_reason, 0, err));
    REELS_TRY(put_text(buf, "container", info->container, 0, err));
    REELS_TRY(put_number(buf, "file_bytes", (int64_t)info->file_bytes, err));
    REELS_TRY(put_known(buf, "duration_us", info->duration_us, info->duration_us >= 0, err));
    REELS_TRY(put_known(buf, "bitrate_bps", info->bitrate_bps, info->bitrate_bps > 0, err));
    REELS_TRY(put_number(buf, "streams_count", info->streams_count, err));
    REELS_TRY(put_video(info, buf, err));
    REELS_TRY(put_audio(info, buf, err));
    return reels__buf_append_text(buf, "}", err);
}

reels_status reels_probe_json(const reels_probe_info *info, reels_buf *buf, reels_error *err)
{
    REELS_REQUIRE(info != NULL && buf != NULL, err, "probe_json: info and buf must be given");
    reels_probe_info copy = {0};
    REELS_TRY(reels__options_read(
        info, sizeof(reels_probe_info), &copy, sizeof copy, "reels_probe_info", err));
    size_t len = reels_buf_len(buf);
    reels_status status = put_all(&copy, buf, err);
    if (status < 0) {
        reels__buf_truncate(buf, len);
    }
    return status;
}
