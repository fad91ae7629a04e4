/* Owns the reading of playlists line by line. State between lines is what waits for the next URI: a
 * variant's attributes, a segment's length, range and checksum. */
#include "m3u8.h"

#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "m3u8_attribute.h"

enum {
    US_PER_S = 1000000,
    VERSION_DECIMAL_EXTINF = 3,
    VERSION_BYTERANGE = 4,
    VERSION_MAP = 6,
    VERSION_MAP_I_FRAMES = 5
};

/* Tags that may stand once in a playlist. */
enum {
    ONCE_VERSION = 1,
    ONCE_TARGET = 2,
    ONCE_ENDLIST = 4,
    ONCE_TYPE = 8,
    ONCE_SEQUENCE = 16,
    ONCE_DISCONTINUITY_SEQUENCE = 32,
    ONCE_INDEPENDENT = 64,
    ONCE_I_FRAMES = 128
};

struct reading {
    struct reels__m3u8 *out;
    struct reels__finder *finder;
    reels_status status;
    uint32_t line;
    uint32_t seen; /* ONCE_* */
    /* What waits for a URI line. */
    struct reels__m3u8_segment next;
    uint32_t has_duration;
    uint32_t has_variant;
    uint64_t hash;
    uint32_t has_hash;
    /* Where the last byte range ended, and in which file. */
    struct reels__text range_uri;
    uint64_t range_end;
};

typedef void (*tag_fn)(struct reading *r, struct reels__text value);

static void syntax(struct reading *r, const char *what)
{
    reels__find(r->finder, REELS_VERIFY_PLAYLIST_SYNTAX, "line %u: %s", (unsigned)r->line, what);
}

/* An array with room for one more item: it may have moved. NULL with the reason noted. */
static void *
reserve(struct reading *r, void *items, size_t *capacity, size_t count, size_t size, size_t limit)
{
    if (count == limit) {
        if (r->status == REELS_OK) {
            reels__find(r->finder,
                        REELS_VERIFY_LIMIT,
                        "line %u: more than %zu items",
                        (unsigned)r->line,
                        limit);
            r->status = REELS_ERR_LIMIT;
        }
        return NULL;
    }
    if (count < *capacity) {
        return items;
    }
    size_t grown = *capacity * 2 + 16;
    void *moved = reels__mem_realloc(r->out->ctx, items, grown * size);
    if (moved == NULL) {
        r->status = REELS_ERR_NO_MEMORY;
        return NULL;
    }
    *capacity = grown;
    return moved;
}

static void once(struct reading *r, uint32_t bit, const char *tag)
{
    if ((r->seen & bit) != 0) {
        reels__find(r->finder,
                    REELS_VERIFY_TAG_REPEATED,
                    "line %u: %s stands twice",
                    (unsigned)r->line,
                    tag);
    }
    r->seen |= bit;
}

static void need_version(struct reading *r, uint32_t version)
{
    if (r->out->version_needed < version) {
        r->out->version_needed = version;
    }
}

static void tag_version(struct reading *r, struct reels__text value)
{
    uint64_t version = 0;
    once(r, ONCE_VERSION, "EXT-X-VERSION");
    if (!reels__text_u64(value, &version) || version == 0 || version > 1000) {
        syntax(r, "EXT-X-VERSION is not a version number");
        return;
    }
    r->out->version = (uint32_t)version;
}

static void tag_target_duration(struct reading *r, struct reels__text value)
{
    uint64_t seconds = 0;
    r->out->is_media = 1;
    once(r, ONCE_TARGET, "EXT-X-TARGETDURATION");
    if (!reels__text_u64(value, &seconds) || seconds > 86400) {
        syntax(r, "EXT-X-TARGETDURATION is not a number of seconds");
        return;
    }
    r->out->target_duration_s = (uint32_t)seconds;
    r->out->has_target_duration = 1;
}

static void tag_endlist(struct reading *r, struct reels__text value)
{
    r->out->is_media = 1;
    once(r, ONCE_ENDLIST, "EXT-X-ENDLIST");
    if (value.len != 0) {
        syntax(r, "EXT-X-ENDLIST has no value");
    }
    r->out->endlist = 1;
}

static void tag_playlist_type(struct reading *r, struct reels__text value)
{
    r->out->is_media = 1;
    once(r, ONCE_TYPE, "EXT-X-PLAYLIST-TYPE");
    if (!reels__text_is(value, "VOD") && !reels__text_is(value, "EVENT")) {
        syntax(r, "EXT-X-PLAYLIST-TYPE is neither VOD nor EVENT");
    }
}

static void tag_media_sequence(struct reading *r, struct reels__text value)
{
    uint64_t number = 0;
    r->out->is_media = 1;
    once(r, ONCE_SEQUENCE, "EXT-X-MEDIA-SEQUENCE");
    if (!reels__text_u64(value, &number)) {
        syntax(r, "EXT-X-MEDIA-SEQUENCE is not a number");
    }
    if (r->out->segments_count > 0) {
        syntax(r, "EXT-X-MEDIA-SEQUENCE stands after the first segment");
    }
}

static void tag_discontinuity_sequence(struct reading *r, struct reels__text value)
{
    uint64_t number = 0;
    r->out->is_media = 1;
    once(r, ONCE_DISCONTINUITY_SEQUENCE, "EXT-X-DISCONTINUITY-SEQUENCE");
    if (!reels__text_u64(value, &number)) {
        syntax(r, "EXT-X-DISCONTINUITY-SEQUENCE is not a number");
    }
}

static void tag_independent(struct reading *r, struct reels__text value)
{
    once(r, ONCE_INDEPENDENT, "EXT-X-INDEPENDENT-SEGMENTS");
    if (value.len != 0) {
        syntax(r, "EXT-X-INDEPENDENT-SEGMENTS has no value");
    }
    r->out->independent = 1;
}

static void tag_i_frames_only(struct reading *r, struct reels__text value)
{
    (void)value;
    r->out->is_media = 1;
    once(r, ONCE_I_FRAMES, "EXT-X-I-FRAMES-ONLY");
    r->out->i_frames_only = 1;
    need_version(r, VERSION_BYTERANGE);
}

static void tag_discontinuity(struct reading *r, struct reels__text value)
{
    (void)value;
    r->out->is_media = 1;
    r->next.discontinuity = 1;
}

static void tag_extinf(struct reading *r, struct reels__text value)
{
    r->out->is_media = 1;
    const char *comma = value.data != NULL ? memchr(value.data, ',', value.len) : NULL;
    if (r->has_duration) {
        reels__find(r->finder,
                    REELS_VERIFY_TAG_REPEATED,
                    "line %u: EXTINF stands twice for a segment",
                    (unsigned)r->line);
    }
    r->has_duration = 1;
    if (comma == NULL) {
        syntax(r, "EXTINF has no comma");
    }
    struct reels__text number = {value.data,
                                 comma != NULL ? (size_t)(comma - value.data) : value.len};
    if (!reels__text_decimal(number, &r->next.duration_us)) {
        syntax(r, "EXTINF is not a number of seconds");
    }
    if (number.data != NULL && memchr(number.data, '.', number.len) != NULL) {
        need_version(r, VERSION_DECIMAL_EXTINF);
    }
}

static void tag_byterange(struct reading *r, struct reels__text value)
{
    int has_offset = 0;
    r->out->is_media = 1;
    need_version(r, VERSION_BYTERANGE);
    if (r->next.range.present) {
        reels__find(r->finder,
                    REELS_VERIFY_TAG_REPEATED,
                    "line %u: EXT-X-BYTERANGE stands twice for a segment",
                    (unsigned)r->line);
    }
    if (!reels__text_range(value, &r->next.range.len, &r->next.range.offset, &has_offset)) {
        syntax(r, "EXT-X-BYTERANGE is not length@offset");
        return;
    }
    /* 2 says that the offset is where the last range of the same file ended. */
    r->next.range.present = has_offset ? 1 : 2;
    r->next.range.line = r->line;
}

static void tag_map(struct reading *r, struct reels__text value)
{
    struct reels__attributes attributes;
    struct reels__m3u8 *out = r->out;
    struct reels__m3u8_map map = {.hash = r->hash, .has_hash = r->has_hash, .line = r->line};
    out->is_media = 1;
    r->has_hash = 0;
    need_version(r, out->i_frames_only ? VERSION_MAP_I_FRAMES : VERSION_MAP);
    reels__attributes_read(value, "EXT-X-MAP", r->line, r->finder, &attributes);
    map.uri = reels__attribute_get(&attributes, "URI");
    if (map.uri.data == NULL) {
        reels__find(r->finder,
                    REELS_VERIFY_TAG_MISSING,
                    "line %u: EXT-X-MAP has no URI",
                    (unsigned)r->line);
        return;
    }
    struct reels__text range = reels__attribute_get(&attributes, "BYTERANGE");
    if (range.data != NULL) {
        int has_offset = 0;
        if (!reels__text_range(range, &map.range.len, &map.range.offset, &has_offset)) {
            syntax(r, "BYTERANGE of EXT-X-MAP is not length@offset");
            return;
        }
        map.range.present = 1;
        map.range.line = r->line;
    }
    void *items = reserve(
        r, out->maps, &out->maps_capacity, out->maps_count, sizeof map, REELS__M3U8_MAPS_MAX);
    if (items != NULL) {
        out->maps = items;
        r->next.map = (int32_t)out->maps_count;
        out->maps[out->maps_count++] = map;
    }
}

static void tag_key(struct reading *r, struct reels__text value)
{
    struct reels__attributes attributes;
    r->out->is_media = 1;
    reels__attributes_read(value, "EXT-X-KEY", r->line, r->finder, &attributes);
    if (!reels__text_is(reels__attribute_get(&attributes, "METHOD"), "NONE")) {
        r->out->is_encrypted = 1;
    }
}

static void tag_media(struct reading *r, struct reels__text value)
{
    struct reels__attributes attributes;
    struct reels__m3u8 *out = r->out;
    out->is_master = 1;
    reels__attributes_read(value, "EXT-X-MEDIA", r->line, r->finder, &attributes);
    struct reels__m3u8_rendition rendition = {
        .type = reels__attribute_get(&attributes, "TYPE"),
        .group = reels__attribute_get(&attributes, "GROUP-ID"),
        .name = reels__attribute_get(&attributes, "NAME"),
        .uri = reels__attribute_get(&attributes, "URI"),
        .channels = reels__attribute_get(&attributes, "CHANNELS"),
        .language = reels__attribute_get(&attributes, "LANGUAGE"),
        .is_default = (uint32_t)reels__text_is(reels__attribute_get(&attributes, "DEFAULT"), "YES"),
        .autoselect =
            (uint32_t)!reels__text_is(reels__attribute_get(&attributes, "AUTOSELECT"), "NO"),
        .line = r->line};
    if (rendition.type.data == NULL || rendition.group.data == NULL ||
        rendition.name.data == NULL) {
        reels__find(r->finder,
                    REELS_VERIFY_TAG_MISSING,
                    "line %u: EXT-X-MEDIA lacks TYPE, GROUP-ID or NAME",
                    (unsigned)r->line);
    }
    void *items = reserve(r,
                          out->renditions,
                          &out->renditions_capacity,
                          out->renditions_count,
                          sizeof rendition,
                          REELS__M3U8_VARIANTS_MAX);
    if (items != NULL) {
        out->renditions = items;
        out->renditions[out->renditions_count++] = rendition;
    }
}

/* What EXT-X-STREAM-INF and EXT-X-I-FRAME-STREAM-INF have in common. */
static struct reels__m3u8_variant
variant_of(struct reading *r, const struct reels__attributes *attributes, const char *tag)
{
    struct reels__m3u8_variant variant = {
        .codecs = reels__attribute_get(attributes, "CODECS"),
        .audio = reels__attribute_get(attributes, "AUDIO"),
        .video = reels__attribute_get(attributes, "VIDEO"),
        .subtitles = reels__attribute_get(attributes, "SUBTITLES"),
        .captions = reels__attribute_get(attributes, "CLOSED-CAPTIONS"),
        .line = r->line};
    if (!reels__text_u64(reels__attribute_get(attributes, "BANDWIDTH"), &variant.bandwidth)) {
        reels__find(r->finder,
                    REELS_VERIFY_TAG_MISSING,
                    "line %u: %s has no BANDWIDTH",
                    (unsigned)r->line,
                    tag);
    }
    (void)reels__text_u64(reels__attribute_get(attributes, "AVERAGE-BANDWIDTH"),
                          &variant.average_bandwidth);
    (void)reels__text_resolution(
        reels__attribute_get(attributes, "RESOLUTION"), &variant.width, &variant.height);
    (void)reels__text_decimal(reels__attribute_get(attributes, "FRAME-RATE"),
                              &variant.frame_rate_micro);
    return variant;
}

static void tag_stream_inf(struct reading *r, struct reels__text value)
{
    struct reels__attributes attributes;
    struct reels__m3u8 *out = r->out;
    out->is_master = 1;
    if (r->has_variant) {
        syntax(r, "EXT-X-STREAM-INF is followed by another one, not by a URI");
        out->variants_count--;
    }
    r->has_variant = 0;
    reels__attributes_read(value, "EXT-X-STREAM-INF", r->line, r->finder, &attributes);
    struct reels__m3u8_variant variant = variant_of(r, &attributes, "EXT-X-STREAM-INF");
    void *items = reserve(r,
                          out->variants,
                          &out->variants_capacity,
                          out->variants_count,
                          sizeof variant,
                          REELS__M3U8_VARIANTS_MAX);
    if (items != NULL) {
        out->variants = items;
        out->variants[out->variants_count++] = variant;
        r->has_variant = 1;
    }
}

static void tag_i_frame_stream_inf(struct reading *r, struct reels__text value)
{
    struct reels__attributes attributes;
    struct reels__m3u8 *out = r->out;
    out->is_master = 1;
    reels__attributes_read(value, "EXT-X-I-FRAME-STREAM-INF", r->line, r->finder, &attributes);
    struct reels__m3u8_variant variant = variant_of(r, &attributes, "EXT-X-I-FRAME-STREAM-INF");
    variant.uri = reels__attribute_get(&attributes, "URI");
    if (variant.uri.data == NULL) {
        reels__find(r->finder,
                    REELS_VERIFY_TAG_MISSING,
                    "line %u: EXT-X-I-FRAME-STREAM-INF has no URI",
                    (unsigned)r->line);
        return;
    }
    void *items = reserve(r,
                          out->iframes,
                          &out->iframes_capacity,
                          out->iframes_count,
                          sizeof variant,
                          REELS__M3U8_VARIANTS_MAX);
    if (items != NULL) {
        out->iframes = items;
        out->iframes[out->iframes_count++] = variant;
    }
}

static void tag_master_other(struct reading *r, struct reels__text value)
{
    struct reels__attributes attributes;
    r->out->is_master = 1;
    reels__attributes_read(value, "a tag of the master playlist", r->line, r->finder, &attributes);
}

static void tag_again(struct reading *r, struct reels__text value)
{
    (void)value;
    reels__find(
        r->finder, REELS_VERIFY_TAG_REPEATED, "line %u: EXTM3U stands twice", (unsigned)r->line);
}

static const struct {
    const char *name;
    tag_fn read;
} tags[] = {{"EXTM3U", tag_again},
            {"EXTINF", tag_extinf},
            {"EXT-X-VERSION", tag_version},
            {"EXT-X-TARGETDURATION", tag_target_duration},
            {"EXT-X-ENDLIST", tag_endlist},
            {"EXT-X-PLAYLIST-TYPE", tag_playlist_type},
            {"EXT-X-MEDIA-SEQUENCE", tag_media_sequence},
            {"EXT-X-DISCONTINUITY-SEQUENCE", tag_discontinuity_sequence},
            {"EXT-X-INDEPENDENT-SEGMENTS", tag_independent},
            {"EXT-X-I-FRAMES-ONLY", tag_i_frames_only},
            {"EXT-X-DISCONTINUITY", tag_discontinuity},
            {"EXT-X-BYTERANGE", tag_byterange},
            {"EXT-X-MAP", tag_map},
            {"EXT-X-KEY", tag_key},
            {"EXT-X-MEDIA", tag_media},
            {"EXT-X-STREAM-INF", tag_stream_inf},
            {"EXT-X-I-FRAME-STREAM-INF", tag_i_frame_stream_inf},
            {"EXT-X-SESSION-DATA", tag_master_other},
            {"EXT-X-SESSION-KEY", tag_master_other}};

/* A tag, or a comment; unknown ones are passed over (RFC 8216 section 6.3.1). */
static void read_hash_line(struct reading *r, struct reels__text line)
{
    static const char hash_mark[] = "#reels-xxh3:";
    size_t mark = sizeof hash_mark - 1;
    if (line.len >= mark && memcmp(line.data, hash_mark, mark) == 0) {
        struct reels__text digits = {line.data + mark, line.len - mark};
        r->has_hash = (uint32_t)reels__text_hex64(digits, &r->hash);
        if (!r->has_hash) {
            syntax(r, "the checksum is not sixteen hexadecimal digits");
        }
        return;
    }
    const char *colon = memchr(line.data, ':', line.len);
    struct reels__text name = {line.data + 1,
                               (colon != NULL ? (size_t)(colon - line.data) : line.len) - 1};
    struct reels__text value = {line.data + line.len, 0};
    if (colon != NULL) {
        value = (struct reels__text){colon + 1, line.len - name.len - 2};
    }
    for (size_t i = 0; i < REELS__COUNT(tags); i++) {
        if (reels__text_is(name, tags[i].name)) {
            tags[i].read(r, value);
            return;
        }
    }
}

/* A range without an offset follows the last one, which must be of the same file. */
static void settle_range(struct reading *r, struct reels__m3u8_segment *segment)
{
    if (!segment->range.present) {
        r->range_uri = (struct reels__text){0};
        return;
    }
    if (segment->range.present == 2) {
        segment->range.offset = r->range_end;
        if (!reels__text_same(r->range_uri, segment->uri)) {
            reels__find(
                r->finder,
                REELS_VERIFY_BYTERANGE,
                "line %u: EXT-X-BYTERANGE without an offset follows no range of the same file",
                (unsigned)segment->range.line);
        }
    }
    segment->range.present = 1;
    r->range_uri = segment->uri;
    uint64_t end = segment->range.offset + segment->range.len;
    if (end < segment->range.offset) {
        reels__find(r->finder,
                    REELS_VERIFY_BYTERANGE,
                    "line %u: the byte range is too large",
                    (unsigned)segment->range.line);
        end = UINT64_MAX;
    }
    r->range_end = end;
}

static void read_uri(struct reading *r, struct reels__text line)
{
    struct reels__m3u8 *out = r->out;
    if (r->has_variant) {
        out->variants[out->variants_count - 1].uri = line;
        r->has_variant = 0;
        return;
    }
    if (!r->has_duration) {
        syntax(r, "a URI without EXTINF or EXT-X-STREAM-INF before it");
        return;
    }
    struct reels__m3u8_segment segment = r->next;
    segment.uri = line;
    segment.line = r->line;
    segment.hash = r->hash;
    segment.has_hash = r->has_hash;
    settle_range(r, &segment);
    void *items = reserve(r,
                          out->segments,
                          &out->segments_capacity,
                          out->segments_count,
                          sizeof segment,
                          REELS__M3U8_SEGMENTS_MAX);
    if (items != NULL) {
        out->segments = items;
        out->segments[out->segments_count++] = segment;
    }
    r->next = (struct reels__m3u8_segment){.map = segment.map};
    r->has_duration = 0;
    r->has_hash = 0;
}

static int has_control(struct reels__text line)
{
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.data[i];
        if (c < 0x20 || c == 0x7f) {
            return 1;
        }
    }
    return 0;
}

static void read_line(struct reading *r, struct reels__text line)
{
    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    r->line++;
    if (r->line == 1) {
        if (line.len >= 3 && memcmp(line.data, "\xef\xbb\xbf", 3) == 0) {
            syntax(r, "the playlist starts with a byte-order mark");
        } else if (!reels__text_is(line, "#EXTM3U")) {
            syntax(r, "the first line is not #EXTM3U");
        }
        return;
    }
    if (line.len == 0) {
        return;
    }
    if (has_control(line)) {
        syntax(r, "a control character");
        return;
    }
    if (line.data[0] == '#') {
        read_hash_line(r, line);
    } else {
        read_uri(r, line);
    }
}

static void read_end(struct reading *r)
{
    if (r->has_variant) {
        syntax(r, "EXT-X-STREAM-INF without a URI");
        r->out->variants_count--;
    }
    if (r->has_duration) {
        syntax(r, "EXTINF without a URI");
    }
    if (r->out->is_master && r->out->is_media) {
        syntax(r, "tags of master and media playlists are mixed");
    }
    if (!r->out->is_master && !r->out->is_media) {
        syntax(r, "no tag says what the playlist is");
    }
    uint32_t version = r->out->version != 0 ? r->out->version : 1;
    if (version < r->out->version_needed) {
        reels__find(r->finder,
                    REELS_VERIFY_VERSION,
                    "EXT-X-VERSION is %u, but the tags used need %u",
                    (unsigned)version,
                    (unsigned)r->out->version_needed);
    }
}

reels_status reels__m3u8_read(const reels_ctx *ctx,
                              const char *data,
                              size_t len,
                              struct reels__finder *finder,
                              struct reels__m3u8 *out)
{
    struct reading r = {.out = out, .finder = finder, .next = {.map = -1}};
    *out = (struct reels__m3u8){.ctx = ctx};
    if (!reels__utf8_valid((const uint8_t *)data, len)) {
        reels__find(finder, REELS_VERIFY_PLAYLIST_SYNTAX, "the playlist is not UTF-8");
        return finder->status;
    }
    size_t at = 0;
    while (at < len && r.status == REELS_OK) {
        const char *end = memchr(data + at, '\n', len - at);
        size_t line_len = end != NULL ? (size_t)(end - data) - at : len - at;
        read_line(&r, (struct reels__text){data + at, line_len});
        at += line_len + 1;
    }
    if (len == 0) {
        reels__find(finder, REELS_VERIFY_PLAYLIST_SYNTAX, "the playlist is empty");
        return finder->status;
    }
    read_end(&r);
    return r.status == REELS_ERR_NO_MEMORY ? r.status : finder->status;
}

void reels__m3u8_dispose(struct reels__m3u8 *playlist)
{
    if (playlist->ctx == NULL) {
        return;
    }
    reels__mem_free(playlist->ctx, playlist->variants);
    reels__mem_free(playlist->ctx, playlist->iframes);
    reels__mem_free(playlist->ctx, playlist->renditions);
    reels__mem_free(playlist->ctx, playlist->segments);
    reels__mem_free(playlist->ctx, playlist->maps);
    *playlist = (struct reels__m3u8){0};
}
