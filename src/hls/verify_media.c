/* Owns the check of one media playlist: its tags, its init segments, and each of its segments down
 * to the decoded pictures. */
#include <stdio.h>
#include <string.h>

#include "aac.h"
#include "base/buffer_internal.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "decode.h"
#include "h264.h"
#include "verify_internal.h"

enum {
    /* EXTINF may be off by one frame, and a frame is taken to last no longer than this. */
    FRAME_US_MAX = 100000,
    ROUNDING_US = 1
};

struct media {
    struct reels__verify *v;
    struct reels__rendition_facts *facts;
    const struct reels__m3u8 *playlist;
    struct reels__finder *finder;
    reels_buf *init;
    struct reels__mp4_header header; /* borrows from init */
    struct reels__asc asc;
    uint32_t nal_length_size;
    int32_t map; /* the one that header is of; -1 = none */
    struct reels__decoder *decoder;
    uint64_t next_decode_time;
    uint32_t has_next;
    /* The last range, to find ranges that lie over each other. */
    struct reels__text range_uri;
    uint64_t range_end;
};

static void check_hash(struct media *m, uint32_t has_hash, uint64_t hash, const reels_buf *data)
{
    if (has_hash && reels__xxh3_64(reels_buf_data(data), reels_buf_len(data), 0) != hash) {
        reels__find(m->finder, REELS_VERIFY_CHECKSUM, "the bytes are not those that were packaged");
    }
}

/* The avcC record and the first SPS, and what CODECS must say for them. */
static void read_h264(struct media *m)
{
    struct reels__avcc avcc = {0};
    struct reels__sps sps = {0};
    reels_error detail = REELS__ERROR_INIT;
    const struct reels__mp4_header *header = &m->header;
    char entry[5];
    if (reels__avcc_read(header->configuration, header->configuration_len, &avcc, &detail) !=
            REELS_OK ||
        reels__sps_read(avcc.sps, avcc.sps_len, &sps, &detail) != REELS_OK) {
        reels__find(m->finder, REELS_VERIFY_BOX, "%s", detail.message);
        m->header.valid = 0;
        return;
    }
    if (avcc.profile != sps.profile || avcc.constraints != sps.constraints ||
        avcc.level != sps.level) {
        reels__find(m->finder,
                    REELS_VERIFY_BOX,
                    "the avcC record and its parameter set differ in profile or level");
    }
    if (header->width != sps.width || header->height != sps.height) {
        reels__find(m->finder,
                    REELS_VERIFY_RESOLUTION,
                    "the sample entry says %ux%u, the parameter set %ux%u",
                    (unsigned)header->width,
                    (unsigned)header->height,
                    (unsigned)sps.width,
                    (unsigned)sps.height);
    }
    reels__fourcc_text(header->sample_entry, entry);
    m->nal_length_size = avcc.nal_length_size;
    m->facts->width = sps.width;
    m->facts->height = sps.height;
    m->facts->display_width = (uint32_t)((uint64_t)sps.width * sps.aspect_num / sps.aspect_den);
    (void)snprintf(m->facts->codecs,
                   sizeof m->facts->codecs,
                   "%s.%02x%02x%02x",
                   entry,
                   (unsigned)sps.profile,
                   (unsigned)sps.constraints,
                   (unsigned)sps.level);
}

static void read_aac(struct media *m)
{
    reels_error detail = REELS__ERROR_INIT;
    if (reels__asc_read(m->header.configuration, m->header.configuration_len, &m->asc, &detail) !=
        REELS_OK) {
        reels__find(m->finder, REELS_VERIFY_BOX, "%s", detail.message);
        m->header.valid = 0;
        return;
    }
    (void)snprintf(
        m->facts->codecs, sizeof m->facts->codecs, "mp4a.40.%u", (unsigned)m->asc.object_type);
}

static reels_status open_decoder(struct media *m)
{
    reels_error detail = REELS__ERROR_INIT;
    reels__decoder_free(m->decoder);
    m->decoder = NULL;
    if ((m->v->options.flags & REELS_VERIFY_NO_DECODE) != 0 || !m->header.valid) {
        return REELS_OK;
    }
    reels_status status = reels__decoder_new(m->v->ctx, &m->header, &m->decoder, &detail);
    if (status == REELS_ERR_NO_MEMORY) {
        return reels__fail(m->v->err, status, "%s", detail.message);
    }
    if (status != REELS_OK) {
        reels__find(m->finder, REELS_VERIFY_DECODE, "%s", detail.message);
    }
    return REELS_OK;
}

/* A sample entry that this engine knows must bring its configuration; another one is not looked at.
 */
static void describe_unknown(struct media *m)
{
    char entry[5];
    uint32_t type = m->header.sample_entry;
    reels__fourcc_text(type, entry);
    m->header.codec = REELS__MP4_CODEC_UNKNOWN;
    if (type == REELS__FOURCC('a', 'v', 'c', '1') || type == REELS__FOURCC('a', 'v', 'c', '3')) {
        reels__find(
            m->finder, REELS_VERIFY_BOX, "the %s sample entry of the track has no avcC box", entry);
        m->header.valid = 0;
        return;
    }
    reels__find_warning(
        m->finder, REELS_VERIFY_UNCHECKED, "pictures and sound of %s are not looked at", entry);
}

static void describe_track(struct media *m)
{
    struct reels__rendition_facts *facts = m->facts;
    facts->timescale = m->header.timescale;
    facts->is_video = m->header.handler == REELS__FOURCC('v', 'i', 'd', 'e');
    facts->codec = m->header.codec;
    facts->skip = m->header.edit_media_time;
    if (facts->is_video && m->header.edit_media_time != 0) {
        reels__find_warning(m->finder, REELS_VERIFY_CMAF, "the video track has an edit list");
    }
    if (m->header.codec == REELS__MP4_CODEC_H264 && facts->is_video) {
        read_h264(m);
    } else if (m->header.codec == REELS__MP4_CODEC_AAC && !facts->is_video) {
        read_aac(m);
    } else if (m->header.valid) {
        describe_unknown(m);
    }
}

/* Reads the init segment that a segment names. */
static reels_status load_map(struct media *m, int32_t index)
{
    char name[REELS__VERIFY_PATH_BYTES_MAX];
    const struct reels__m3u8_map *map = &m->playlist->maps[index];
    const char *playlist = m->finder->file;
    if (index == m->map) {
        return REELS_OK;
    }
    m->map = index;
    m->header = (struct reels__mp4_header){0};
    m->range_uri = (struct reels__text){0};
    if (!reels__verify_resolve(m->finder, playlist, map->uri, name)) {
        return open_decoder(m);
    }
    int read =
        reels__verify_read(m->v, m->finder, name, &map->range, REELS__MP4_INIT_BYTES_MAX, m->init);
    if (read < 0) {
        return read;
    }
    if (read == 1) {
        m->finder->file = name;
        m->v->report->summary.bytes += reels_buf_len(m->init);
        check_hash(m, map->has_hash, map->hash, m->init);
        if (index == 0) {
            m->facts->init_hash =
                reels__xxh3_64(reels_buf_data(m->init), reels_buf_len(m->init), 0);
        }
        reels__mp4_header_read(
            reels_buf_data(m->init), reels_buf_len(m->init), m->finder, &m->header);
        if (m->header.valid) {
            describe_track(m);
        }
        m->finder->file = playlist;
    }
    if (map->range.present) {
        m->range_uri = map->uri;
        m->range_end = map->range.offset + map->range.len;
    }
    return open_decoder(m);
}

static void check_overlap(struct media *m, const struct reels__m3u8_segment *segment)
{
    if (segment->range.present && reels__text_same(segment->uri, m->range_uri) &&
        segment->range.offset < m->range_end) {
        reels__find(m->finder,
                    REELS_VERIFY_BYTERANGE,
                    "line %u: the byte range starts before the one before it ends",
                    (unsigned)segment->range.line);
    }
    m->range_uri = segment->range.present ? segment->uri : (struct reels__text){0};
    m->range_end = segment->range.offset + segment->range.len;
}

/* Key frames: the first sample is one, and no flag says so of a picture that is none. */
static void check_pictures(struct media *m)
{
    const uint8_t *data = reels_buf_data(m->v->segment);
    size_t lies = 0;
    for (size_t i = 0; i < m->v->mp4.samples_count; i++) {
        const struct reels__mp4_read_sample *sample = &m->v->mp4.samples[i];
        struct reels__nal_summary units = {0};
        reels_error detail = REELS__ERROR_INIT;
        if (reels__nal_summarize(
                data + sample->offset, sample->size, m->nal_length_size, &units, &detail) !=
            REELS_OK) {
            reels__find(m->finder, REELS_VERIFY_BOX, "sample %zu: %s", i, detail.message);
            return;
        }
        int key = units.idr_count > 0 && units.slices_count == 0;
        int flagged = (sample->flags & REELS__MP4_NON_SYNC) == 0;
        if (i == 0 && (!key || !flagged)) {
            reels__find(m->finder,
                        REELS_VERIFY_KEY_FRAME,
                        "the segment does not start with a key frame: %s",
                        key ? "its flag denies it" : "it is no IDR picture");
        } else if (i > 0 && key != flagged && lies++ == 0) {
            reels__find(m->finder,
                        REELS_VERIFY_KEY_FRAME,
                        "sample %zu: the sync flag and the picture disagree",
                        i);
        }
        if (units.parameter_sets_count > 0 &&
            m->header.sample_entry == REELS__FOURCC('a', 'v', 'c', '1') && i == 0) {
            reels__find_warning(m->finder, REELS_VERIFY_CMAF, "avc1 samples hold parameter sets");
        }
    }
}

/* All pictures of a segment are shown within it: nothing before its key frame. */
static void check_composition(struct media *m)
{
    const struct reels__mp4_segment *mp4 = &m->v->mp4;
    int64_t decode = 0;
    int64_t first = mp4->samples_count > 0 ? mp4->samples[0].composition_offset : 0;
    int negative = 0;
    for (size_t i = 0; i < mp4->samples_count; i++) {
        int64_t shown = decode + mp4->samples[i].composition_offset;
        negative |= mp4->samples[i].composition_offset < 0;
        if (shown < first) {
            reels__find(m->finder,
                        REELS_VERIFY_KEY_FRAME,
                        "sample %zu is shown before the key frame of its segment",
                        i);
            return;
        }
        decode += mp4->samples[i].duration;
    }
    if (negative && m->header.edits_count > 0) {
        reels__find(m->finder,
                    REELS_VERIFY_CMAF,
                    "negative composition offsets together with an edit list");
    }
}

static void check_decode_time(struct media *m, int first)
{
    const struct reels__mp4_segment *mp4 = &m->v->mp4;
    if (!mp4->has_decode_time) {
        m->has_next = 0;
        return;
    }
    if (first && mp4->decode_time != 0) {
        reels__find(m->finder,
                    REELS_VERIFY_DECODE_TIME,
                    "the first segment's decode time is %llu, not 0",
                    (unsigned long long)mp4->decode_time);
    } else if (!first && m->has_next && mp4->decode_time != m->next_decode_time) {
        reels__find(
            m->finder,
            REELS_VERIFY_DECODE_TIME,
            "%s of decode times: the segment starts at %llu, the one before it ends at %llu",
            mp4->decode_time > m->next_decode_time ? "gap" : "overlap",
            (unsigned long long)mp4->decode_time,
            (unsigned long long)m->next_decode_time);
    }
    m->next_decode_time = mp4->decode_time + mp4->duration;
    m->has_next = 1;
}

/* Ticks as microseconds; both stay far below 2^63 for what a segment can hold. */
static int64_t us_of(uint64_t ticks, uint32_t timescale)
{
    uint64_t seconds = ticks / timescale;
    uint64_t rest = ticks % timescale;
    if (seconds > INT32_MAX) {
        return INT64_MAX / 2;
    }
    return (int64_t)(seconds * REELS__VERIFY_US_PER_S +
                     (rest * REELS__VERIFY_US_PER_S + timescale / 2) / timescale);
}

/* EXTINF against the samples, less what an edit list skips. */
static void check_extinf(struct media *m, const struct reels__m3u8_segment *segment, uint64_t start)
{
    const struct reels__mp4_segment *mp4 = &m->v->mp4;
    uint64_t skip = (uint64_t)m->header.edit_media_time;
    uint64_t end = start + mp4->duration;
    uint64_t presented = end > skip ? end - (start > skip ? start : skip) : 0;
    int64_t samples_us = us_of(presented, m->header.timescale);
    int64_t frame_us = us_of(mp4->duration / mp4->samples_count, m->header.timescale);
    frame_us = (frame_us < FRAME_US_MAX ? frame_us : FRAME_US_MAX) + ROUNDING_US;
    int64_t off = segment->duration_us - samples_us;
    if (off > frame_us || off < -frame_us) {
        reels__find(m->finder,
                    REELS_VERIFY_EXTINF,
                    "EXTINF is %lld us, the samples last %lld us",
                    (long long)segment->duration_us,
                    (long long)samples_us);
    }
}

static void check_decoded(struct media *m, const struct reels__decoded *decoded)
{
    size_t samples = m->v->mp4.samples_count;
    const struct reels__rendition_facts *facts = m->facts;
    m->v->report->summary.frames_count += decoded->frames_count;
    if (decoded->damaged_count > 0) {
        reels__find(m->finder,
                    REELS_VERIFY_DECODE,
                    "%zu of %zu samples do not decode",
                    decoded->damaged_count,
                    samples);
    } else if (decoded->frames_count != samples) {
        reels__find(m->finder,
                    REELS_VERIFY_DECODE,
                    "%zu samples give %zu frames",
                    samples,
                    decoded->frames_count);
    }
    if (decoded->frames_count == 0) {
        return;
    }
    if (facts->is_video &&
        (decoded->mixed || decoded->width != facts->width || decoded->height != facts->height)) {
        reels__find(m->finder,
                    REELS_VERIFY_DECODE,
                    "pictures are %ux%u, not %ux%u",
                    (unsigned)decoded->width,
                    (unsigned)decoded->height,
                    (unsigned)facts->width,
                    (unsigned)facts->height);
    }
    if (!facts->is_video && (decoded->mixed || decoded->sample_rate != m->asc.sample_rate ||
                             (m->asc.channels != 0 && decoded->channels != m->asc.channels))) {
        reels__find(m->finder,
                    REELS_VERIFY_DECODE,
                    "sound has %u Hz and %u channels, not %u Hz and %u",
                    (unsigned)decoded->sample_rate,
                    (unsigned)decoded->channels,
                    (unsigned)m->asc.sample_rate,
                    (unsigned)m->asc.channels);
    }
}

static void count_samples(struct media *m)
{
    struct reels__rendition_facts *facts = m->facts;
    const struct reels__mp4_segment *mp4 = &m->v->mp4;
    for (size_t i = 0; i < mp4->samples_count; i++) {
        uint32_t duration = mp4->samples[i].duration;
        facts->duration_min = facts->samples_count == 0 || duration < facts->duration_min
                                  ? duration
                                  : facts->duration_min;
        facts->duration_max = duration > facts->duration_max ? duration : facts->duration_max;
        facts->samples_count++;
    }
    facts->ticks += mp4->duration;
    m->v->report->summary.samples_count += mp4->samples_count;
}

/* Boxes, times, key frames and pictures of a segment whose bytes are in v->segment. */
static reels_status check_content(struct media *m, size_t index)
{
    const struct reels__m3u8_segment *segment = &m->playlist->segments[index];
    struct reels__segment_facts *fact = &m->facts->segments[index];
    struct reels__mp4_segment *mp4 = &m->v->mp4;
    const uint8_t *data = reels_buf_data(m->v->segment);
    struct reels__decoded decoded;
    REELS_TRY(
        reels__mp4_segment_read(data, reels_buf_len(m->v->segment), &m->header, m->finder, mp4));
    check_decode_time(m, index == 0 || segment->discontinuity);
    if (mp4->samples_count == 0) {
        reels__find(m->finder, REELS_VERIFY_BOX, "the segment holds no samples");
        return REELS_OK;
    }
    fact->start = mp4->decode_time;
    fact->duration = mp4->duration;
    fact->key_bytes = mp4->samples[0].offset + mp4->samples[0].size;
    fact->known = 1;
    m->facts->segments_known++;
    check_extinf(m, segment, mp4->decode_time);
    count_samples(m);
    if (m->header.codec == REELS__MP4_CODEC_H264) {
        check_pictures(m);
        check_composition(m);
    }
    if (m->decoder == NULL) {
        return REELS_OK;
    }
    REELS_TRY(reels__decoder_run(m->decoder, m->v->options.call, data, mp4, &decoded, m->v->err));
    check_decoded(m, &decoded);
    return REELS_OK;
}

static reels_status check_segment(struct media *m, size_t index)
{
    char name[REELS__VERIFY_PATH_BYTES_MAX];
    struct reels__verify *v = m->v;
    const struct reels__m3u8_segment *segment = &m->playlist->segments[index];
    const char *playlist = m->finder->file;
    REELS_TRY(reels__call_check(v->ctx, v->options.call, v->err));
    if (segment->map >= 0) {
        REELS_TRY(load_map(m, segment->map));
    }
    m->finder->segment = (int32_t)index;
    check_overlap(m, segment);
    if (!reels__verify_resolve(m->finder, playlist, segment->uri, name)) {
        m->has_next = 0;
        return REELS_OK;
    }
    int read = reels__verify_read(
        v, m->finder, name, &segment->range, v->options.segment_bytes_max, v->segment);
    if (read <= 0) {
        m->has_next = 0;
        return read;
    }
    struct reels__segment_facts *fact = &m->facts->segments[index];
    fact->bytes = reels_buf_len(v->segment);
    fact->file = reels__xxh3_64(name, strlen(name), 0);
    fact->offset = segment->range.present ? segment->range.offset : 0;
    v->report->summary.bytes += reels_buf_len(v->segment);
    m->finder->file = name;
    check_hash(m, segment->has_hash, segment->hash, v->segment);
    reels_status status = m->header.valid ? check_content(m, index) : REELS_OK;
    m->finder->file = playlist;
    return status;
}

/* All segments have a checksum, or none: a lost line would hide the damage of its segment. */
static void check_hashes_given(struct media *m)
{
    size_t given = 0;
    for (size_t i = 0; i < m->playlist->segments_count; i++) {
        given += m->playlist->segments[i].has_hash;
    }
    if (given > 0 && given < m->playlist->segments_count) {
        reels__find_warning(m->finder,
                            REELS_VERIFY_CHECKSUM,
                            "%zu of %zu segments have no checksum",
                            m->playlist->segments_count - given,
                            m->playlist->segments_count);
    }
}

static void check_playlist_tags(struct media *m)
{
    const struct reels__m3u8 *playlist = m->playlist;
    if (!playlist->has_target_duration) {
        reels__find(m->finder, REELS_VERIFY_TAG_MISSING, "EXT-X-TARGETDURATION is missing");
    }
    if (!playlist->endlist) {
        reels__find(m->finder, REELS_VERIFY_ENDLIST, "EXT-X-ENDLIST is missing");
    }
    if (playlist->segments_count == 0) {
        reels__find(m->finder, REELS_VERIFY_TAG_MISSING, "the playlist has no segment");
    } else if (playlist->segments[0].map < 0) {
        reels__find(m->finder,
                    REELS_VERIFY_TAG_MISSING,
                    "EXT-X-MAP is missing: the segments cannot be looked into");
    }
    if (playlist->is_encrypted) {
        reels__find_warning(m->finder, REELS_VERIFY_UNCHECKED, "the segments are encrypted");
    }
    check_hashes_given(m);
    for (size_t i = 0; i < playlist->segments_count && playlist->has_target_duration; i++) {
        int64_t rounded = (playlist->segments[i].duration_us + REELS__VERIFY_US_PER_S / 2) /
                          REELS__VERIFY_US_PER_S;
        if (rounded > (int64_t)playlist->target_duration_s) {
            m->finder->segment = (int32_t)i;
            reels__find(m->finder,
                        REELS_VERIFY_TARGET_DURATION,
                        "line %u: EXTINF rounds to %lld, above EXT-X-TARGETDURATION of %u",
                        (unsigned)playlist->segments[i].line,
                        (long long)rounded,
                        (unsigned)playlist->target_duration_s);
            m->finder->segment = -1;
        }
    }
}

reels_status reels__verify_media(struct reels__verify *v,
                                 struct reels__rendition_facts *facts,
                                 const struct reels__m3u8 *playlist,
                                 struct reels__finder *finder)
{
    struct media m = {.v = v, .facts = facts, .playlist = playlist, .finder = finder, .map = -1};
    size_t count = playlist->segments_count;
    reels_status status = reels_buf_new(v->ctx, REELS__MP4_INIT_BYTES_MAX, &m.init, v->err);
    facts->segments = reels__mem_calloc(v->ctx, count, sizeof *facts->segments);
    if (status != REELS_OK || facts->segments == NULL) {
        status =
            reels__fail(v->err, REELS_ERR_NO_MEMORY, "verify: no memory for %zu segments", count);
        goto out;
    }
    facts->segments_count = count;
    facts->target_duration_s = playlist->target_duration_s;
    check_playlist_tags(&m);
    for (size_t i = 0; i < count && status == REELS_OK; i++) {
        facts->segments[i].extinf_us = playlist->segments[i].duration_us;
        facts->duration_us += playlist->segments[i].duration_us;
        if (!playlist->is_encrypted) {
            status = check_segment(&m, i);
        }
        finder->segment = -1;
    }
    facts->readable = count > 0 && facts->segments_known == count;
    v->report->summary.segments_count += (uint32_t)count;
out:
    reels_buf_free(m.init);
    reels__decoder_free(m.decoder);
    return status != REELS_OK ? status : finder->status;
}
