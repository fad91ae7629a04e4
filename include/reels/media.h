/* Owns what a host does with untrusted media: probe it, plan a ladder, transcode it to that ladder.
 * Bytes come from a path, from memory or from a host's read callback; files leave through the
 * output table of reels/hls.h. Nothing in the media makes the library open another file or a URL.
 */
#ifndef REELS_MEDIA_H
#define REELS_MEDIA_H

#include <reels/base.h>
#include <reels/hls/output.h>

REELS_BEGIN_DECLS

/**
 * Reads bytes of the media at an offset. Called on the thread that is inside probe or transcode,
 * one call at a time; may block; must not call back into the same job.
 *
 * Writes up to len bytes and says how many; fewer than len only at the end of the media.
 */
typedef reels_status (*reels_media_read_fn)(
    void *user, uint64_t offset, uint8_t *data, size_t len, size_t *out_len, reels_error *err);

/**
 * Where the media is: exactly one of path, data and read_at is set. What it points to is borrowed
 * until the job that reads it is freed; the struct itself is copied.
 */
typedef struct reels_media_input {
    uint32_t struct_size;
    uint32_t reserved0;
    const char *path;            /**< opened through the file-system hook of the context */
    const uint8_t *data;         /**< size_bytes bytes in memory */
    uint64_t size_bytes;         /**< of data, or of what read_at serves; 0 with path */
    reels_media_read_fn read_at; /**< a host's own storage; random access */
    void *user;                  /**< handed to read_at */
} reels_media_input;

/**
 * What a file may be and cost. 0 in a field means its default. A file beyond a limit is refused
 * with REELS_ERR_LIMIT as soon as the bytes that say so have been read: a declared duration is
 * judged before any frame is decoded, and what a header does not declare is counted while reading.
 */
typedef struct reels_media_limits {
    uint32_t struct_size;
    uint32_t streams_max;     /**< 16 */
    int64_t duration_max_us;  /**< 90 s */
    uint64_t file_bytes_max;  /**< 1 GiB */
    uint64_t probe_bytes_max; /**< 2 MB: read to learn what the streams are */
    int64_t analyse_max_us;   /**< 3 s of media looked at to learn what the streams are */
    uint64_t pixels_max;      /**< 9,437,184 (4096 x 2304) in one picture */
    uint32_t side_max;        /**< 8,192: the longer side of a picture */
    uint32_t aspect_max;      /**< 10: longer side over shorter side, as displayed */
    uint32_t frame_rate_max;  /**< 250 frames a second, on average */
    uint32_t frames_max;      /**< 36,000 */
    uint32_t sample_rate_min; /**< 8,000 Hz */
    uint32_t sample_rate_max; /**< 192,000 Hz */
    uint32_t channels_max;    /**< 8 */
    uint32_t decode_cost_max; /**< 40: CPU seconds of a worker for each media second, and 10 s more;
                                 in process the deadline bounds it */
    uint64_t metadata_bytes_max; /**< 1 MiB of tags */
    uint64_t output_bytes_max;   /**< 512 MiB, all files of a transcode */
    uint64_t memory_bytes_max;   /**< of an isolated worker, enforced there, counting what is asked
                                    for: 0 = 768 MiB up to 1080p, more for larger pictures and more
                                    than two threads */
} reels_media_limits;

enum {
    REELS_ISOLATION_PROCESS = 0, /**< in the executable reels-media-worker: the default */
    REELS_ISOLATION_NONE = 1     /**< in this process: see reels_media_isolation */
};

/**
 * Where hostile bytes are parsed and decoded.
 *
 * REELS_ISOLATION_PROCESS starts reels-media-worker, which holds no file and no socket but the pipe
 * to its parent, has hard limits on memory, CPU and system calls, and whose crash, hang or lies end
 * as the status of that one job.
 *
 * REELS_ISOLATION_NONE saves some 30 ms for each job and gives up those guarantees: a fault inside
 * a decoder is a fault of the host, memory is estimated and not capped, one call into libav cannot
 * be interrupted, and libav may write to stderr whatever the process-wide av_log level lets
 * through.
 */
typedef struct reels_media_isolation {
    uint32_t struct_size;
    uint32_t mode;           /**< REELS_ISOLATION_* */
    const char *worker_path; /**< NULL = the path given when the library was built */
} reels_media_isolation;

enum {
    REELS_VERDICT_TRANSCODE = 1,  /**< it can be made into a ladder */
    REELS_VERDICT_REFUSE = 2,     /**< it cannot: verdict_status and verdict_reason say why */
    REELS_VERDICT_PASSTHROUGH = 3 /**< it needs no encode; not given by this version */
};

enum {
    REELS_HDR_NONE = 0,
    REELS_HDR_PQ = 1,  /**< SMPTE ST 2084: HDR10, HDR10+ */
    REELS_HDR_HLG = 2, /**< ARIB STD-B67 */
    REELS_HDR_DOLBY_VISION =
        3 /**< with an HLG or PQ base that is used; profile 5 has none and is refused */
};

/** What a file is. Texts are NUL-terminated; "" and 0 mean unknown or absent. */
typedef struct reels_probe_info {
    uint32_t struct_size;
    uint32_t verdict;         /**< REELS_VERDICT_* */
    int32_t verdict_status;   /**< REELS_OK, or the status with which a transcode would refuse it */
    uint32_t streams_count;   /**< of every kind */
    char verdict_reason[208]; /**< one sentence when refused, else "" */
    char container[24]; /**< "mp4", "matroska", "mpegts", "mpegps", "avi", "asf", "flv", "ogg",
                           "mp3", ... */
    uint64_t file_bytes;
    int64_t duration_us; /**< of what would be shown; -1 when nothing says */
    int64_t bitrate_bps; /**< whole file; 0 = unknown */

    uint32_t video_present; /**< 1 = a main video track was chosen */
    uint32_t video_stream_index;
    char video_codec[24];  /**< "h264", "hevc", "vp9", "av1", ... */
    char pixel_format[24]; /**< "yuv420p10le", ... */
    char color_range[16];  /**< "limited", "full" or "" */
    char color_matrix[24];
    char color_primaries[24];
    char color_transfer[24];
    uint32_t hdr_kind; /**< REELS_HDR_* */
    uint32_t bit_depth;
    uint32_t coded_width;
    uint32_t coded_height;
    uint32_t display_width; /**< square pixels, upright: what a viewer should see */
    uint32_t display_height;
    uint32_t rotation_degrees;  /**< 0, 90, 180, 270 clockwise, applied after mirroring, to show it
                                   upright */
    uint32_t mirrored;          /**< 1 = left and right are swapped first */
    uint32_t sample_aspect_num; /**< 1 when unknown */
    uint32_t sample_aspect_den;
    uint32_t frame_rate_num; /**< average; the nominal rate when it is constant */
    uint32_t frame_rate_den;
    uint32_t variable_rate;      /**< 1 = frames are not evenly spaced */
    uint32_t interlaced;         /**< 1 = it says it is */
    uint64_t video_frames_count; /**< 0 = not counted */

    uint32_t audio_present; /**< 1 = a main audio track was chosen */
    uint32_t audio_stream_index;
    char audio_codec[24]; /**< "aac", "opus", ... */
    uint32_t audio_sample_rate;
    uint32_t audio_channels;
    int64_t audio_offset_us; /**< start of audio minus start of video */
    uint64_t reserved1[4];
} reels_probe_info;

/** Options of reels_probe_run(); all zero plus struct_size is a valid default. */
typedef struct reels_probe_options {
    uint32_t struct_size;
    uint32_t exact; /**< 1 = read every packet: exact duration, frame count and timing */
    const reels_media_limits *limits;       /**< NULL = defaults */
    const reels_media_isolation *isolation; /**< NULL = process */
} reels_probe_options;

/**
 * Tells what a file is and whether it can be made into a ladder.
 *
 * A file that is recognised but cannot be used (too long, too large, encrypted, a codec that is not
 * allowed) is described, with REELS_VERDICT_REFUSE and the reason; a failure is returned only when
 * there is nothing to describe. The input may be the beginning of a growing upload: what a header
 * at its front declares is judged, and a file whose header is not there yet gives
 * REELS_ERR_CORRUPT.
 *
 * @param      ctx       context
 * @param      call      deadline and cancel; may be NULL
 * @param      input     the media
 * @param      options   NULL gives the defaults
 * @param[out] out_info  written up to its struct_size, which the caller sets
 * @param[out] err       detail on failure; may be NULL
 * @return REELS_OK, also when the verdict is to refuse; REELS_ERR_INVALID_ARG;
 * REELS_ERR_UNSUPPORTED for what is no known media container; REELS_ERR_CORRUPT for a damaged or
 * empty file or one that crashed the worker; REELS_ERR_LIMIT past file_bytes_max, pixels_max,
 * side_max, streams_max, metadata_bytes_max or a limit of the worker; REELS_ERR_IO and
 * REELS_ERR_NOT_FOUND from the file system; REELS_ERR_HOST from read_at; REELS_ERR_TIMEOUT;
 * REELS_ERR_CANCELLED; REELS_ERR_NO_MEMORY
 * @ownership     everything is borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_probe_run(reels_ctx *ctx,
                                       const reels_call *call,
                                       const reels_media_input *input,
                                       const reels_probe_options *options,
                                       reels_probe_info *out_info,
                                       reels_error *err);

/**
 * Writes a probe's result as one JSON object (UTF-8, no newline at the end).
 *
 * @param      info  result of reels_probe_run()
 * @param      buf   the object is appended to it
 * @param[out] err   detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_LIMIT when buf is full; REELS_ERR_NO_MEMORY
 * @ownership     everything is borrowed for the call
 * @threadsafety  one thread at a time per buf
 * @since 0.1
 */
REELS_API reels_status reels_probe_json(const reels_probe_info *info,
                                        reels_buf *buf,
                                        reels_error *err);

enum {
    REELS_RUNGS_MAX = 8 /**< rungs in one ladder */
};

/**
 * One rung of a ladder: plain data that a host may change before it is encoded. In an array every
 * element has the same struct_size, and that of the first is the stride.
 */
typedef struct reels_rung {
    uint32_t struct_size;
    uint32_t short_side;     /**< the smaller of width and height: 720 for 720x1280 */
    uint32_t width;          /**< even */
    uint32_t height;         /**< even */
    uint32_t frame_rate_num; /**< the highest rate of the ladder, or half of it */
    uint32_t frame_rate_den;
    uint32_t video_bitrate_bps;     /**< average */
    uint32_t video_bitrate_max_bps; /**< peak over buffer_bits */
    uint32_t buffer_bits;           /**< of the decoder's rate model (VBV) */
    uint32_t reserved0;
    char name[16]; /**< [a-z0-9_-]: "720p"; names the rung's files */
    uint64_t reserved1[2];
} reels_rung;

/** Options of reels_ladder_plan(); all zero plus struct_size is a valid default. */
typedef struct reels_ladder_options {
    uint32_t struct_size;
    uint32_t short_side_max; /**< 1080; at most 1080 in this version */
    uint32_t
        frame_rate_max; /**< 60: highest rate of rungs of 720 and up; smaller ones get at most 30 */
    uint32_t rungs_max; /**< REELS_RUNGS_MAX; the largest and then the smallest rungs are kept */
} reels_ladder_options;

/**
 * Plans the fixed ladder of a file, smallest rung first.
 *
 * Rungs go by the SHORT side, so that vertical and horizontal clips are treated alike: 240, 360,
 * 480, 720 and 1080 at 0.3, 0.6, 1.1, 2.4 and 4.5 Mbit/s. Nothing is upscaled. The top of the
 * ladder stays near the source: a source that is more than 1/8 larger than the largest rung below
 * it gets one rung more of its own size (a short side of 700 gives 240, 360, 480, 700; one of 500
 * stops at 480), and one smaller than 240 has a single rung of its own size; rates in between are
 * interpolated. Sizes are even and keep the displayed aspect ratio to the nearest even number. A
 * file without video gives no rung.
 *
 * @param      info       result of reels_probe_run()
 * @param      options    NULL gives the defaults
 * @param[out] rungs      array to fill; struct_size of the first element is its stride
 * @param      capacity   elements in the array
 * @param[out] out_count  rungs planned, also with BUFFER_TOO_SMALL
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_BUFFER_TOO_SMALL; REELS_ERR_LIMIT for a
 * picture whose rungs no decoder takes (longer side over 4096)
 * @ownership     everything is borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_ladder_plan(const reels_probe_info *info,
                                         const reels_ladder_options *options,
                                         reels_rung *rungs,
                                         size_t capacity,
                                         size_t *out_count,
                                         reels_error *err);

enum {
    REELS_TRANSCODE_STAGE_PROBE = 1,  /**< reading what the file is */
    REELS_TRANSCODE_STAGE_ENCODE = 2, /**< decoding, scaling and encoding every rung */
    REELS_TRANSCODE_STAGE_FINISH = 3, /**< cover, playlists */
    REELS_TRANSCODE_STAGE_DONE = 4
};

/** How far a transcode is. */
typedef struct reels_transcode_progress {
    uint32_t struct_size;
    uint32_t stage; /**< REELS_TRANSCODE_STAGE_* */
    uint32_t
        done_ppm; /**< 0 to 1,000,000; never falls; 1,000,000 only when everything is written */
    uint32_t reserved0;
    uint64_t frames_count; /**< frames of the highest rate given to the encoders so far */
    uint64_t frames_total; /**< how many there will be; 0 = not known yet */
    int64_t media_us;      /**< media time reached */
    int64_t duration_us;   /**< of the whole; -1 = not known yet */
} reels_transcode_progress;

/** Told of progress on the thread that is inside step; must not call back into the same job. */
typedef void (*reels_transcode_progress_fn)(void *user, const reels_transcode_progress *progress);

/** Options of reels_transcode_new(); all zero plus struct_size is a valid default. Everything is
 * copied. */
typedef struct reels_transcode_options {
    uint32_t struct_size;
    uint32_t threads_count; /**< 1 = only the calling thread (or the worker's one); at most 64 */
    const reels_media_limits *limits;       /**< NULL = defaults */
    const reels_media_isolation *isolation; /**< NULL = process */
    const reels_ladder_options *ladder;     /**< NULL = defaults; used when rungs is NULL */
    const reels_rung *rungs; /**< a host's own plan, smallest first; NULL = reels_ladder_plan() */
    uint32_t rungs_count;    /**< at most REELS_RUNGS_MAX */
    uint32_t audio_bitrate_bps;    /**< 128,000: AAC-LC, 48 kHz, stereo */
    int64_t segment_us;            /**< 2 s; cut on whole frames, the same in every rung */
    const char *preset;            /**< "veryfast"; a preset of x264 */
    uint32_t cover_short_side_max; /**< 720 */
    uint32_t reserved0;
    reels_transcode_progress_fn progress; /**< may be NULL */
    void *progress_user;
} reels_transcode_options;

/** What a finished transcode made. */
typedef struct reels_transcode_summary {
    uint32_t struct_size;
    uint32_t rungs_count;
    int64_t duration_us;
    uint64_t output_bytes; /**< all files */
    uint64_t frames_count; /**< of the highest rate */
    uint32_t files_count;
    uint32_t audio_present; /**< 1 = the ladder has sound */
    uint32_t cover_width;   /**< of cover.jpg */
    uint32_t cover_height;
    int64_t cover_media_us;     /**< time of the picture chosen as cover; -1 = drawn, not taken */
    int64_t cpu_us;             /**< CPU time of the worker; 0 = in this process, not known */
    uint64_t memory_peak_bytes; /**< of the worker; 0 = in this process, not known */
    uint64_t reserved0[2];
} reels_transcode_summary;

/** One transcode. @threadsafety one thread at a time */
typedef struct reels_transcode reels_transcode;

/**
 * Begins a transcode: one decode pass feeds every rung, sound is encoded once, and master.m3u8, its
 * playlists, their media and cover.jpg are written through the output table.
 *
 * Pictures are upright, square and BT.709 limited 8-bit 4:2:0 whatever came in; frames sit on a
 * steady grid; key frames are at the same times in every rung. A file without video becomes a
 * ladder of sound alone with a drawn cover. No byte of the media is parsed here: that is the first
 * step's work.
 *
 * Output files are begun and written while the work goes on, but finished only once everything has
 * succeeded, master.m3u8 last: a job that fails, is cancelled or freed early aborts every one of
 * them. Only a failure of finish itself can leave the files finished before it
 * (reels_output_discard removes them).
 *
 * @param      ctx          context
 * @param      input        the media
 * @param      options      NULL gives the defaults
 * @param      output       where files go; the table is copied
 * @param      output_impl  handed to the table; must outlive the job
 * @param[out] out          the job, NULL on failure
 * @param[out] err          detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_NOT_FOUND or REELS_ERR_IO for a path;
 * REELS_ERR_LIMIT for a file past file_bytes_max; REELS_ERR_UNSUPPORTED for options of a newer
 * version; REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out; what input points to is borrowed until
 * reels_transcode_free()
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_transcode_new(reels_ctx *ctx,
                                           const reels_media_input *input,
                                           const reels_transcode_options *options,
                                           const reels_output_vtable *output,
                                           void *output_impl,
                                           reels_transcode **out,
                                           reels_error *err);

/**
 * Works on a transcode for about budget_us and returns.
 *
 * In process it comes back after the frame during which the budget ended, each frame going through
 * every rung; isolated, after the message during which it ended, while the worker goes on. Calls to
 * the output table and to progress happen inside.
 *
 * @param      job        transcode
 * @param      call       deadline and cancel; may be NULL
 * @param      budget_us  wall-clock time to use; 0 = one frame or message
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK when there is more to do; REELS_END when everything is written;
 * REELS_ERR_UNSUPPORTED, REELS_ERR_CORRUPT, REELS_ERR_ENCRYPTED, REELS_ERR_LIMIT for the media,
 * with the reason in err; REELS_ERR_TIMEOUT and REELS_ERR_CANCELLED from call; REELS_ERR_HOST,
 * REELS_ERR_IO and others from the output table or the input; REELS_ERR_NOT_FOUND when there is no
 * worker executable; REELS_ERR_NO_MEMORY; REELS_ERR_STATE after a failure. After any failure the
 * files begun have been aborted and only reels_transcode_free() is of use
 * @ownership     none
 * @threadsafety  one thread at a time per job
 * @since 0.1
 */
REELS_API reels_status reels_transcode_step(reels_transcode *job,
                                            const reels_call *call,
                                            int64_t budget_us,
                                            reels_error *err);

/**
 * Tells what a finished transcode made.
 *
 * @param      job  transcode whose step gave REELS_END
 * @param[out] out  written up to its struct_size, which the caller sets
 * @param[out] err  detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_STATE before the end; REELS_ERR_INVALID_ARG
 * @ownership     none
 * @threadsafety  one thread at a time per job
 * @since 0.1
 */
REELS_API reels_status reels_transcode_result(const reels_transcode *job,
                                              reels_transcode_summary *out,
                                              reels_error *err);

/**
 * Gives one rung as it was encoded.
 *
 * @param      job    transcode whose step gave REELS_END
 * @param      index  0 is the smallest
 * @param[out] out    written up to its struct_size, which the caller sets
 * @param[out] err    detail on failure; may be NULL
 * @return REELS_OK; REELS_END past the last; REELS_ERR_STATE before the end; REELS_ERR_INVALID_ARG
 * @ownership     none
 * @threadsafety  one thread at a time per job
 * @since 0.1
 */
REELS_API reels_status reels_transcode_rung(const reels_transcode *job,
                                            uint32_t index,
                                            reels_rung *out,
                                            reels_error *err);

/**
 * Gives what the probe at the start of the transcode found.
 *
 * @param      job  transcode that has left REELS_TRANSCODE_STAGE_PROBE
 * @param[out] out  written up to its struct_size, which the caller sets
 * @param[out] err  detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_STATE before; REELS_ERR_INVALID_ARG
 * @ownership     none
 * @threadsafety  one thread at a time per job
 * @since 0.1
 */
REELS_API reels_status reels_transcode_info(const reels_transcode *job,
                                            reels_probe_info *out,
                                            reels_error *err);

/**
 * Frees a transcode. One that has not ended is stopped: its worker is killed and reaped, and every
 * file it began is aborted, so that nothing is left behind.
 *
 * @param job  NULL does nothing
 * @ownership     takes job
 * @threadsafety  one thread at a time per job
 * @since 0.1
 */
REELS_API void reels_transcode_free(reels_transcode *job);

/**
 * Does a whole transcode: new, step until the end, result, free.
 *
 * @param      ctx          context
 * @param      call         deadline and cancel; may be NULL
 * @param      input        the media
 * @param      options      NULL gives the defaults
 * @param      output       where files go
 * @param      output_impl  handed to the table
 * @param[out] out_summary  written up to its struct_size; may be NULL
 * @param[out] err          detail on failure; may be NULL
 * @return REELS_OK when everything is written; else what reels_transcode_new() or
 * reels_transcode_step() gave
 * @ownership     everything is borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_transcode_run(reels_ctx *ctx,
                                           const reels_call *call,
                                           const reels_media_input *input,
                                           const reels_transcode_options *options,
                                           const reels_output_vtable *output,
                                           void *output_impl,
                                           reels_transcode_summary *out_summary,
                                           reels_error *err);

REELS_END_DECLS

#endif
