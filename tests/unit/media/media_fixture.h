/* Owns the media of the media tests: clips drawn, encoded and muxed here, an output in memory, and
 * the reading back of what a transcode made. Ends the process when an encoder fails. */
#ifndef REELS_TESTS_UNIT_MEDIA_FIXTURE_H
#define REELS_TESTS_UNIT_MEDIA_FIXTURE_H

#include <libavutil/frame.h>

#include <reels/hls.h>
#include <reels/media.h>

#include "test_check.h"

/* Asserts OK and shows the message of *err otherwise. */
#define media_ok(err, expr)                                                                        \
    do {                                                                                           \
        reels_status media_status_ = (expr);                                                       \
        ck_assert_msg(media_status_ == REELS_OK,                                                   \
                      "%s gave %s: %s",                                                            \
                      #expr,                                                                       \
                      reels_status_name(media_status_),                                            \
                      (err)->message);                                                             \
    } while (0)

struct media_bytes {
    uint8_t *data; /* malloc's */
    size_t len;
};

enum {
    MEDIA_PATTERN_QUADRANTS = 0, /* red, green / blue, white, as stored */
    MEDIA_PATTERN_FLASH,         /* black, but white from flash_ms for 100 ms */
    MEDIA_PATTERN_MOVING,        /* something to encode */
    MEDIA_PATTERN_COUNT          /* luma tells the number of the frame: see media_frame_number */
};

/* What to make. 0 = none or usual. */
struct media_clip {
    const char *container; /* "mp4" */
    const char *codec;     /* "libx264" */
    int width;             /* 320 */
    int height;            /* 240 */
    int fps_num;           /* 30 */
    int fps_den;           /* 1 */
    int frames;            /* 30; -1 = no video */
    int pattern;
    int flash_ms;
    int pixel_format; /* yuv420p */
    int full_range;
    int matrix; /* AVCOL_SPC_* */
    int sar_num;
    int sar_den;
    const int32_t *display_matrix; /* nine numbers */
    const int *pts_ms;             /* of each frame, in place of the even grid */
    int video_start_ms;
    int audio_ms; /* length of the sound; 0 = none */
    int audio_start_ms;
    int audio_rate;     /* 48000 */
    int audio_channels; /* 2 */
    int beep_ms;        /* 1 kHz from here for 100 ms, else silence; -1 = tone all along */
    int hole_from_ms;   /* sound packets in here are left out */
    int hole_to_ms;
};

void media_clip_make(const struct media_clip *clip, struct media_bytes *out);
void media_bytes_free(struct media_bytes *bytes);

enum {
    MEDIA_FILES_MAX = 64
};

struct media_file {
    char name[REELS_OUTPUT_NAME_BYTES_MAX + 1];
    struct media_bytes bytes;
    int finished;
    int aborted;
};

/* An output in memory. */
struct media_files {
    struct media_file items[MEDIA_FILES_MAX];
    size_t count;
    size_t open_count;
    size_t fail_at; /* fails the n-th call; 0 = none */
    size_t calls_count;
};

reels_output_vtable media_files_output(void);
void media_files_dispose(struct media_files *files);
struct media_file *media_files_find(struct media_files *files, const char *name); /* NULL = none */
size_t media_files_finished(const struct media_files *files);
/* A source of reels_verify_source(). */
reels_verify_source_vtable media_files_source(void);

reels_media_input media_input(const struct media_bytes *bytes);
/* Options for a transcode in this process. */
extern const reels_media_isolation media_in_process;

/* Transcodes in this process and asserts that it went well. */
void media_transcode(reels_ctx *ctx,
                     const struct media_bytes *clip,
                     struct media_files *files,
                     reels_transcode_summary *summary);
/* Asserts that reels_verify finds no error. */
void media_verify(reels_ctx *ctx, struct media_files *files);

/* Called for each decoded picture; at_us is its time in the file. */
typedef void (*media_frame_fn)(void *user, const AVFrame *frame, int64_t at_us);
/* Decodes a finished file: the pictures, or the sound. How many frames there were. */
size_t media_decode(const struct media_bytes *bytes, int audio, media_frame_fn fn, void *user);

/* Mean luma and colour differences of a part of a picture (from x, y in percent, a fifth wide). */
void media_mean(const AVFrame *frame, int x_percent, int y_percent, double out[3]);
/* Number painted by MEDIA_PATTERN_COUNT. */
int media_frame_number(const AVFrame *frame);

#endif
