/* Owns the inside of verification: what was read of the tree, and the facts about each media
 * playlist with which the master playlist's claims are compared. */
#ifndef REELS_SRC_HLS_VERIFY_INTERNAL_H
#define REELS_SRC_HLS_VERIFY_INTERNAL_H

#include "m3u8.h"
#include "mp4_read.h"
#include "rate.h"

enum {
    REELS__VERIFY_PATH_BYTES_MAX = 1024,
    REELS__VERIFY_US_PER_S = 1000000
};

/* What the samples of one segment say. */
struct reels__segment_facts {
    uint64_t start;    /* decode time */
    uint64_t duration; /* sum of samples, ticks */
    int64_t extinf_us;
    uint64_t bytes;
    uint64_t file;      /* XXH3-64 of the file's name in the tree */
    uint64_t offset;    /* in that file */
    uint64_t key_bytes; /* to the end of the first sample */
    uint32_t known;     /* 1 when its boxes could be read */
    uint32_t reserved0;
};

/* What a media playlist turned out to hold. */
struct reels__rendition_facts {
    const char *name; /* in the report's arena */
    struct reels__segment_facts *segments;
    size_t segments_count;
    size_t segments_known;
    uint64_t samples_count;
    uint64_t ticks;        /* sum of durations */
    uint32_t duration_min; /* of a sample, ticks */
    uint32_t duration_max;
    uint32_t timescale;
    uint32_t target_duration_s;
    uint32_t codec; /* REELS__MP4_CODEC_* */
    uint32_t is_video;
    uint32_t width; /* of the parameter set */
    uint32_t height;
    uint32_t display_width; /* with the sample aspect ratio */
    uint32_t readable;      /* 1 when an init segment and every segment could be read */
    int64_t duration_us;    /* presented */
    int64_t skip;           /* ticks that the edit list skips */
    uint64_t init_hash;     /* XXH3-64 of the first init segment */
    char codecs[32];        /* what CODECS must hold */
};

struct reels__verify {
    reels_ctx *ctx;
    reels_verify_options options;
    const char *master;
    reels_verify_source_vtable source;
    void *impl;
    reels_verify_report *report;
    reels_error *err;
    struct reels__rendition_facts **renditions;
    size_t renditions_count;
    size_t renditions_capacity;
    reels_buf *segment;            /* bytes of the segment at hand */
    struct reels__mp4_segment mp4; /* its samples */
};

/* Joins a URI to the folder of the playlist it stands in: a path inside the tree in out, or 0 after
 * a finding. */
int reels__verify_resolve(struct reels__finder *finder,
                          const char *playlist,
                          struct reels__text uri,
                          char out[REELS__VERIFY_PATH_BYTES_MAX]);

/* Reads a range of a file into buf, at most bytes_max. 1 when it was read, 0 after a finding;
 * negative when verification cannot go on. offset 0 with length UINT64_MAX is the whole file. */
int reels__verify_read(struct reels__verify *v,
                       struct reels__finder *finder,
                       const char *name,
                       const struct reels__m3u8_range *range,
                       uint64_t bytes_max,
                       reels_buf *buf);

/* Looks at a media playlist and all it names. *out is kept in v->renditions; a playlist that was
 * looked at already is not looked at again. NULL after a finding. */
reels_status reels__verify_rendition(struct reels__verify *v,
                                     const char *name,
                                     struct reels__rendition_facts **out);
/* The same with the playlist's text at hand. */
reels_status reels__verify_media(struct reels__verify *v,
                                 struct reels__rendition_facts *facts,
                                 const struct reels__m3u8 *playlist,
                                 struct reels__finder *finder);

/* Compares a master playlist with what its renditions hold. */
reels_status reels__verify_master(struct reels__verify *v,
                                  const struct reels__m3u8 *master,
                                  struct reels__finder *finder);

/* The claims of a line of the master playlist against what was measured. */
void reels__check_bandwidth(const struct reels__m3u8_variant *variant,
                            uint64_t peak,
                            uint64_t average,
                            struct reels__finder *finder);
void reels__check_codecs(const struct reels__m3u8_variant *variant,
                         const char *const *codecs,
                         size_t codecs_count,
                         struct reels__finder *finder);
void reels__check_resolution(const struct reels__m3u8_variant *variant,
                             const struct reels__rendition_facts *facts,
                             struct reels__finder *finder);

/* Compares the playlists of key frames that a master playlist names with the renditions they are
 * taken from, which were looked at before. */
reels_status reels__verify_iframes(struct reels__verify *v,
                                   const struct reels__m3u8 *master,
                                   struct reels__finder *finder);

/* Reads and parses a playlist: 1, 0 after a finding, negative when verification cannot go on. *text
 * holds the bytes that *out borrows. */
int reels__verify_playlist(struct reels__verify *v,
                           struct reels__finder *finder,
                           const char *name,
                           reels_buf **text,
                           struct reels__m3u8 *out);

reels_status reels__verify_directory_source(reels_ctx *ctx,
                                            const char *path,
                                            reels_verify_source_vtable *out_table,
                                            void **out_impl,
                                            reels_error *err);
void reels__verify_directory_dispose(void *impl);

#endif
