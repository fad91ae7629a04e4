/* Owns the reading of playlists (RFC 8216, draft-pantos-hls-rfc8216bis): text in, lists of
 * variants, renditions and segments out, findings about everything that is not well formed. It goes
 * on after a finding, so that one look shows all faults. Text in the result is borrowed from the
 * input. */
#ifndef REELS_SRC_HLS_M3U8_H
#define REELS_SRC_HLS_M3U8_H

#include "report_internal.h"

enum {
    REELS__M3U8_BYTES_MAX = 8 * 1024 * 1024,
    REELS__M3U8_SEGMENTS_MAX = 100000,
    REELS__M3U8_VARIANTS_MAX = 256, /* variants, and as many renditions */
    REELS__M3U8_MAPS_MAX = 1000
};

/* A piece of the input; data NULL = the tag or attribute was not there. */
struct reels__text {
    const char *data;
    size_t len;
};

int reels__text_is(struct reels__text text, const char *word);
int reels__text_same(struct reels__text a, struct reels__text b);

struct reels__m3u8_range {
    uint64_t len;
    uint64_t offset;
    uint32_t present;
    uint32_t line;
};

struct reels__m3u8_map {
    struct reels__text uri;
    struct reels__m3u8_range range;
    uint64_t hash;
    uint32_t has_hash;
    uint32_t line;
};

struct reels__m3u8_segment {
    struct reels__text uri;
    struct reels__m3u8_range range; /* the offset is filled in when it follows the one before */
    int64_t duration_us;
    uint64_t hash;
    uint32_t has_hash;
    uint32_t discontinuity;
    int32_t map; /* index, -1 = none */
    uint32_t line;
};

struct reels__m3u8_variant {
    struct reels__text uri;
    uint64_t bandwidth;
    uint64_t average_bandwidth; /* 0 = not given */
    struct reels__text codecs;
    struct reels__text audio;
    struct reels__text video;
    struct reels__text subtitles;
    struct reels__text captions;
    uint32_t width; /* 0 = not given */
    uint32_t height;
    int64_t frame_rate_micro; /* frames per million seconds; 0 = not given */
    uint32_t line;
    uint32_t reserved0;
};

struct reels__m3u8_rendition {
    struct reels__text type;
    struct reels__text group;
    struct reels__text name;
    struct reels__text uri;
    struct reels__text channels;
    struct reels__text language;
    uint32_t is_default;
    uint32_t autoselect;
    uint32_t line;
    uint32_t reserved0;
};

struct reels__m3u8 {
    const reels_ctx *ctx;
    uint32_t is_master; /* both are 0 when no tag said what it is */
    uint32_t is_media;
    uint32_t version;
    uint32_t target_duration_s;
    uint32_t has_target_duration;
    uint32_t endlist;
    uint32_t independent;
    uint32_t i_frames_only;
    uint32_t is_encrypted;
    uint32_t version_needed;
    struct reels__m3u8_variant *variants;
    size_t variants_count;
    size_t variants_capacity;
    struct reels__m3u8_variant *iframes; /* EXT-X-I-FRAME-STREAM-INF */
    size_t iframes_count;
    size_t iframes_capacity;
    struct reels__m3u8_rendition *renditions;
    size_t renditions_count;
    size_t renditions_capacity;
    struct reels__m3u8_segment *segments;
    size_t segments_count;
    size_t segments_capacity;
    struct reels__m3u8_map *maps;
    size_t maps_count;
    size_t maps_capacity;
};

/* Reads a playlist. OK whatever was found; NO_MEMORY. The result may be disposed in any case. */
reels_status reels__m3u8_read(const reels_ctx *ctx,
                              const char *data,
                              size_t len,
                              struct reels__finder *finder,
                              struct reels__m3u8 *out);
void reels__m3u8_dispose(struct reels__m3u8 *playlist);

#endif
