/* Owns the media of the hls tests: pictures and tones made here, encoded by libavcodec, packaged
 * into a directory. Ends the process when an encoder fails. */
#ifndef REELS_TESTS_UNIT_HLS_FIXTURE_H
#define REELS_TESTS_UNIT_HLS_FIXTURE_H

#include <reels/base.h>
#include <reels/hls.h>

#include "test_check.h"

/* Encoded samples of one track, in decode order, in memory from malloc. */
struct hls_media {
    reels_sample *samples;
    size_t count;
    uint8_t *extradata;
    size_t extradata_len;
    uint32_t width;
    uint32_t height;
    uint32_t timescale;
    uint32_t fps_num;
    uint32_t fps_den;
};

struct hls_video_spec {
    int width;
    int height;
    int fps_num;
    int fps_den;
    int frames;
    int bitrate_bps;
    int key_ms; /* a key frame at the first frame at or after each multiple */
    int b_frames;
    int annexb; /* samples and extradata as x264 gives them; else avcC */
    int uneven; /* every third frame lasts twice as long: variable frame rate */
};

void hls_media_video(struct hls_media *out, const struct hls_video_spec *spec);
/* AAC-LC; the first pts is start - 1024 in samples. */
void hls_media_audio(
    struct hls_media *out, int sample_rate, int channels, int duration_ms, int start_ms);
void hls_media_free(struct hls_media *media);

enum {
    HLS_RUNGS_MAX = 4
};

/* What the tests package over and over. */
struct hls_tree {
    struct hls_media video[HLS_RUNGS_MAX];
    size_t video_count;
    struct hls_media audio;
    int has_audio;
};

/* Three rungs of 5.2 s, 90x160 to 180x320, and stereo sound; the encoding is done once a process.
 */
void hls_tree_make(struct hls_tree *tree);
void hls_tree_free(struct hls_tree *tree);

reels_status hls_add_video(reels_packager *packager,
                           const char *name,
                           const struct hls_media *media,
                           uint32_t *out_track,
                           reels_error *err);
reels_status hls_add_audio(reels_packager *packager,
                           const char *name,
                           const struct hls_media *media,
                           uint32_t *out_track,
                           reels_error *err);
reels_status hls_write(reels_packager *packager,
                       uint32_t track,
                       const struct hls_media *media,
                       reels_error *err);

/* Packages all of a tree; rung i is named "v<width>", sound "a". */
reels_status hls_tree_package_to(reels_ctx *ctx,
                                 const struct hls_tree *tree,
                                 const reels_packager_options *options,
                                 const reels_output_vtable *table,
                                 void *impl,
                                 reels_error *err);
/* The same into a directory. */
reels_status hls_tree_package(reels_ctx *ctx,
                              const struct hls_tree *tree,
                              const reels_packager_options *options,
                              const char *path,
                              reels_error *err);

#endif
