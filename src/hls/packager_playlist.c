/* Owns the text of playlists. Numbers are written in integers, so no locale can change them; names
 * were checked when tracks were added. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "packager_internal.h"
#include "rate.h"

int64_t reels__ticks_us(int64_t ticks, uint32_t timescale)
{
    int64_t scale = timescale;
    int64_t scaled = ticks * REELS__PACKAGER_US_PER_S;
    return (scaled >= 0 ? scaled + scale / 2 : scaled - scale / 2) / scale;
}

/* Where a tick of media time is presented; what is skipped is presented at 0, for no time. */
static int64_t presented_us(const struct reels__track *track, int64_t media)
{
    int64_t ticks = media > track->mp4.skip ? media - track->mp4.skip : 0;
    return reels__ticks_us(ticks, track->mp4.timescale);
}

int64_t reels__segment_us(const struct reels__track *track, size_t i)
{
    return presented_us(track, track->segments[i].end) -
           presented_us(track, track->segments[i].start);
}

uint32_t reels__track_frame_rate_milli(const struct reels__track *track)
{
    if (track->mp4.kind != REELS__MP4_VIDEO) {
        return 0;
    }
    if (track->frame_rate_num > 0) {
        uint64_t den = track->frame_rate_den;
        return (uint32_t)(((uint64_t)track->frame_rate_num * 1000 + den / 2) / den);
    }
    uint64_t ticks =
        track->segments_count > 0 ? (uint64_t)track->segments[track->segments_count - 1].end : 0;
    uint64_t scaled = track->samples_count * 1000 * track->mp4.timescale;
    return ticks > 0 ? (uint32_t)((scaled + ticks / 2) / ticks) : 0;
}

static uint32_t target_duration(const reels_packager *p)
{
    int64_t longest = 0;
    for (uint32_t t = 0; t < p->tracks_count; t++) {
        for (size_t i = 0; i < p->tracks[t]->segments_count; i++) {
            int64_t us = reels__segment_us(p->tracks[t], i);
            longest = us > longest ? us : longest;
        }
    }
    int64_t rounded = (longest + REELS__PACKAGER_US_PER_S / 2) / REELS__PACKAGER_US_PER_S;
    return rounded > 1 ? (uint32_t)rounded : 1;
}

reels_status reels__track_rates(const reels_packager *p,
                                const struct reels__track *track,
                                int key_frames,
                                uint64_t *out_peak,
                                uint64_t *out_average,
                                reels_error *err)
{
    size_t count = track->segments_count;
    struct reels__rate_segment *rates = reels__mem_calloc(p->ctx, count, sizeof *rates);
    if (rates == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "packager: no memory for %zu segments", count);
    }
    for (size_t i = 0; i < count; i++) {
        const struct reels__segment *segment = &track->segments[i];
        rates[i] =
            (struct reels__rate_segment){.bytes = key_frames ? segment->key_bytes : segment->bytes,
                                         .duration_us = reels__segment_us(track, i)};
    }
    *out_peak = reels__rate_peak(rates, count, p->target_duration_s);
    *out_average = reels__rate_average(rates, count);
    reels__mem_free(p->ctx, rates);
    return REELS_OK;
}

reels_status
reels__map_put(const reels_packager *p, const struct reels__track *track, reels_error *err)
{
    REELS_TRY(reels__buf_append_format(
        p->scratch, err, "#reels-xxh3:%016" PRIx64 "\n", track->init_hash));
    if ((p->options.flags & REELS_PACKAGER_SEGMENT_FILES) != 0) {
        return reels__buf_append_format(
            p->scratch, err, "#EXT-X-MAP:URI=\"%s_init.mp4\"\n", track->name);
    }
    return reels__buf_append_format(p->scratch,
                                    err,
                                    "#EXT-X-MAP:URI=\"%s.mp4\",BYTERANGE=\"%" PRIu64 "@0\"\n",
                                    track->name,
                                    track->init_bytes);
}

reels_status reels__extinf_put(const reels_packager *p,
                               const struct reels__track *track,
                               size_t i,
                               reels_error *err)
{
    int64_t us = reels__segment_us(track, i);
    return reels__buf_append_format(p->scratch,
                                    err,
                                    "#EXTINF:%" PRId64 ".%06" PRId64 ",\n",
                                    us / REELS__PACKAGER_US_PER_S,
                                    us % REELS__PACKAGER_US_PER_S);
}

reels_status reels__segment_file_put(const reels_packager *p,
                                     const struct reels__track *track,
                                     size_t i,
                                     reels_error *err)
{
    if ((p->options.flags & REELS_PACKAGER_SEGMENT_FILES) != 0) {
        return reels__buf_append_format(p->scratch, err, "%s_%05zu.m4s\n", track->name, i + 1);
    }
    return reels__buf_append_format(p->scratch, err, "%s.mp4\n", track->name);
}

static reels_status
put_segment(const reels_packager *p, const struct reels__track *track, size_t i, reels_error *err)
{
    const struct reels__segment *segment = &track->segments[i];
    REELS_TRY(
        reels__buf_append_format(p->scratch, err, "#reels-xxh3:%016" PRIx64 "\n", segment->hash));
    REELS_TRY(reels__extinf_put(p, track, i, err));
    if ((p->options.flags & REELS_PACKAGER_SEGMENT_FILES) == 0) {
        REELS_TRY(reels__buf_append_format(p->scratch,
                                           err,
                                           "#EXT-X-BYTERANGE:%" PRIu64 "@%" PRIu64 "\n",
                                           segment->bytes,
                                           segment->offset));
    }
    return reels__segment_file_put(p, track, i, err);
}

static reels_status
write_media(reels_packager *p, const struct reels__track *track, reels_error *err)
{
    char name[REELS_OUTPUT_NAME_BYTES_MAX + 1];
    (void)snprintf(name, sizeof name, "%s.m3u8", track->name);
    reels_buf_clear(p->scratch);
    REELS_TRY(reels__buf_append_format(p->scratch,
                                       err,
                                       "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%u\n"
                                       "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n",
                                       (unsigned)p->target_duration_s));
    REELS_TRY(reels__map_put(p, track, err));
    for (size_t i = 0; i < track->segments_count; i++) {
        REELS_TRY(put_segment(p, track, i, err));
    }
    REELS_TRY(reels__buf_append_text(p->scratch, "#EXT-X-ENDLIST\n", err));
    return reels__file_write(p, name, REELS__PLAYLIST_TYPE, p->scratch, err);
}

struct variant {
    const struct reels__track *track;
    uint64_t peak;
    uint64_t average;
};

/* Upwards by rate, then the one to begin with is moved to the front. */
static void order_variants(struct variant *variants, size_t count, uint64_t first_bandwidth)
{
    for (size_t i = 1; i < count; i++) {
        struct variant moved = variants[i];
        size_t at = i;
        for (; at > 0 && variants[at - 1].peak > moved.peak; at--) {
            variants[at] = variants[at - 1];
        }
        variants[at] = moved;
    }
    size_t first = 0;
    for (size_t i = 1; i < count; i++) {
        first = variants[i].peak <= first_bandwidth ? i : first;
    }
    struct variant begin = variants[first];
    memmove(variants + 1, variants, first * sizeof *variants);
    variants[0] = begin;
}

static reels_status
put_rendition(reels_packager *p, const struct reels__track *track, int first, reels_error *err)
{
    REELS_TRY(reels__buf_append_text(
        p->scratch, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"", err));
    REELS_TRY(reels__buf_append_text(p->scratch, track->label, err));
    if (track->language != NULL) {
        REELS_TRY(reels__buf_append_format(p->scratch, err, "\",LANGUAGE=\"%s", track->language));
    }
    return reels__buf_append_format(
        p->scratch,
        err,
        "\",DEFAULT=%s,AUTOSELECT=YES,CHANNELS=\"%u\",URI=\"%s.m3u8\"\n",
        first ? "YES" : "NO",
        (unsigned)track->mp4.channels,
        track->name);
}

static reels_status put_variant(reels_packager *p,
                                const struct variant *variant,
                                const char *audio_codecs,
                                reels_error *err)
{
    const struct reels__track *track = variant->track;
    int video = track->mp4.kind == REELS__MP4_VIDEO;
    int with_audio = video && audio_codecs[0] != '\0';
    REELS_TRY(reels__buf_append_format(p->scratch,
                                       err,
                                       "#EXT-X-STREAM-INF:BANDWIDTH=%" PRIu64
                                       ",AVERAGE-BANDWIDTH=%" PRIu64 ",CODECS=\"%s%s\"",
                                       variant->peak,
                                       variant->average,
                                       track->codecs,
                                       with_audio ? audio_codecs : ""));
    if (video) {
        uint32_t milli = reels__track_frame_rate_milli(track);
        REELS_TRY(reels__buf_append_format(p->scratch,
                                           err,
                                           ",RESOLUTION=%ux%u,FRAME-RATE=%u.%03u",
                                           (unsigned)track->mp4.width,
                                           (unsigned)track->mp4.height,
                                           (unsigned)(milli / 1000),
                                           (unsigned)(milli % 1000)));
    }
    /* Without CLOSED-CAPTIONS=NONE some players offer captions that do not exist. */
    return reels__buf_append_format(p->scratch,
                                    err,
                                    "%s%s\n%s.m3u8\n",
                                    with_audio ? ",AUDIO=\"audio\"" : "",
                                    video ? ",CLOSED-CAPTIONS=NONE" : "",
                                    track->name);
}

/* ",mp4a.40.2" for each different codec among the audio tracks. */
static void join_audio_codecs(const reels_packager *p, char *out, size_t capacity)
{
    out[0] = '\0';
    for (uint32_t i = 0; i < p->tracks_count; i++) {
        const struct reels__track *track = p->tracks[i];
        size_t len = strlen(out);
        if (track->mp4.kind == REELS__MP4_AUDIO && strstr(out, track->codecs) == NULL &&
            len + strlen(track->codecs) + 2 <= capacity) {
            (void)snprintf(out + len, capacity - len, ",%s", track->codecs);
        }
    }
}

/* Gathers the variants with their rates; the highest audio rates are added to each (the largest
 * sum of any playable combination). */
static reels_status
gather_variants(reels_packager *p, struct variant *variants, size_t *out_count, reels_error *err)
{
    uint64_t audio_peak = 0;
    uint64_t audio_average = 0;
    size_t count = 0;
    for (uint32_t i = 0; i < p->tracks_count; i++) {
        struct variant variant = {.track = p->tracks[i]};
        REELS_TRY(reels__track_rates(p, variant.track, 0, &variant.peak, &variant.average, err));
        if (p->video_count == 0 || variant.track->mp4.kind == REELS__MP4_VIDEO) {
            variants[count++] = variant;
            continue;
        }
        audio_peak = variant.peak > audio_peak ? variant.peak : audio_peak;
        audio_average = variant.average > audio_average ? variant.average : audio_average;
    }
    for (size_t i = 0; i < count; i++) {
        variants[i].peak += audio_peak;
        variants[i].average += audio_average;
    }
    *out_count = count;
    return REELS_OK;
}

static reels_status write_master(reels_packager *p, reels_error *err)
{
    struct variant variants[REELS_PACKAGER_TRACKS_MAX];
    char audio_codecs[REELS_PACKAGER_TRACKS_MAX * 16];
    size_t count = 0;
    int first = 1;
    REELS_TRY(gather_variants(p, variants, &count, err));
    order_variants(variants, count, p->options.first_bandwidth_bps);
    join_audio_codecs(p, audio_codecs, sizeof audio_codecs);
    reels_buf_clear(p->scratch);
    REELS_TRY(reels__buf_append_text(
        p->scratch, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n", err));
    for (uint32_t i = 0; i < p->tracks_count && p->video_count > 0; i++) {
        if (p->tracks[i]->mp4.kind == REELS__MP4_AUDIO) {
            REELS_TRY(put_rendition(p, p->tracks[i], first, err));
            first = 0;
        }
    }
    for (size_t i = 0; i < count; i++) {
        REELS_TRY(put_variant(p, &variants[i], audio_codecs, err));
    }
    for (size_t i = 0; i < count && p->video_count > 0; i++) {
        REELS_TRY(reels__iframes_put_stream(p, variants[i].track, err));
    }
    return reels__file_write(p, "master.m3u8", REELS__PLAYLIST_TYPE, p->scratch, err);
}

reels_status reels__playlists_write(reels_packager *p, reels_error *err)
{
    p->target_duration_s = target_duration(p);
    for (uint32_t i = 0; i < p->tracks_count; i++) {
        REELS_TRY(write_media(p, p->tracks[i], err));
        if (p->tracks[i]->mp4.kind == REELS__MP4_VIDEO) {
            REELS_TRY(reels__iframes_write(p, p->tracks[i], err));
        }
    }
    return write_master(p, err);
}
