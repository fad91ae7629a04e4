/* Owns the check of an HLS tree against the rules it must obey: RFC 8216 and its successor draft,
 * CMAF, and the truth of what the playlists claim. Everything is read anew from playlists, boxes
 * and pictures. */
#ifndef REELS_HLS_VERIFY_H
#define REELS_HLS_VERIFY_H

#include <reels/base.h>

REELS_BEGIN_DECLS

/** How bad a finding is. */
enum {
    REELS_VERIFY_ERROR = 1,  /**< the tree breaks a rule or does not tell the truth */
    REELS_VERIFY_WARNING = 2 /**< legal, but not as it should be, or not checked and why */
};

/** What a finding is about. Numbers are pinned; reels_verify_code_name() gives the word that JSON
 * holds. */
enum {
    REELS_VERIFY_FILE_MISSING = 1, /**< a file that a playlist names is not there */
    REELS_VERIFY_PATH_OUTSIDE = 2, /**< a URI leads out of the tree, or to another host */
    REELS_VERIFY_PLAYLIST_SYNTAX =
        3, /**< not a playlist, a byte-order mark, a line or attribute that is not well formed */
    REELS_VERIFY_TAG_REPEATED = 4,    /**< a tag or attribute that may stand only once */
    REELS_VERIFY_TAG_MISSING = 5,     /**< a tag or attribute that must be there */
    REELS_VERIFY_VERSION = 6,         /**< EXT-X-VERSION is lower than the features need */
    REELS_VERIFY_TARGET_DURATION = 7, /**< a rounded EXTINF is above EXT-X-TARGETDURATION */
    REELS_VERIFY_ENDLIST = 8,         /**< EXT-X-ENDLIST is missing */
    REELS_VERIFY_GROUP =
        9, /**< a group reference that leads nowhere, or a rendition that is ambiguous */
    REELS_VERIFY_BYTERANGE =
        10, /**< a byte range without a base, outside its file, or over another one */
    REELS_VERIFY_BANDWIDTH =
        11, /**< the measured peak is above BANDWIDTH or more than 10 % below it */
    REELS_VERIFY_AVERAGE_BANDWIDTH = 12, /**< the measured average is more than 10 % off */
    REELS_VERIFY_EXTINF = 13,            /**< EXTINF is more than one frame off the samples */
    REELS_VERIFY_KEY_FRAME =
        14, /**< a segment does not start with a key frame, or a flag lies about it */
    REELS_VERIFY_DECODE_TIME =
        15, /**< decode times have a gap or an overlap, or do not start at 0 */
    REELS_VERIFY_ALIGNMENT =
        16, /**< the rungs are not cut at the same times, or renditions differ in length */
    REELS_VERIFY_BOX = 17,  /**< ISO boxes that are not well formed or contradict each other */
    REELS_VERIFY_CMAF = 18, /**< legal boxes that CMAF forbids */
    REELS_VERIFY_RESOLUTION = 19, /**< RESOLUTION is not what the pictures have */
    REELS_VERIFY_CODECS = 20,     /**< CODECS is not what the sample entries say */
    REELS_VERIFY_FRAME_RATE = 21, /**< FRAME-RATE is not what the samples have */
    REELS_VERIFY_DECODE =
        22, /**< a segment does not decode, or gives other pictures than it should */
    REELS_VERIFY_CHECKSUM =
        23, /**< bytes are not those that were packaged (only with "#reels-xxh3:" comments) */
    REELS_VERIFY_LIMIT = 24, /**< more than a stated limit of files, segments, boxes or bytes */
    REELS_VERIFY_UNCHECKED =
        25,                /**< a codec, container or feature that this build cannot look into */
    REELS_VERIFY_READ = 26 /**< a file that is there could not be read */
};

/** Where a tree is read from. Used as (table, impl); copied. Calls come from the thread that
 * called, one at a time, and may block. */
typedef struct reels_verify_source_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    /** must. Size of a file; REELS_ERR_NOT_FOUND makes a finding, other failures of one file too.
     * name is relative, with '/' between its parts, without empty parts, "." and "..", borrowed for
     * the call. */
    reels_status (*size)(void *impl, const char *name, uint64_t *out_bytes, reels_error *err);
    /** must. Fills all of len bytes from offset on, which lie inside the size given before. */
    reels_status (*read)(
        void *impl, const char *name, uint64_t offset, uint8_t *data, size_t len, reels_error *err);
} reels_verify_source_vtable;

enum {
    REELS_VERIFY_NO_DECODE =
        1 /**< leaves out the decoding of pictures and sound, which takes nearly all of the time */
};

/** Options of verification; all zero plus struct_size is a valid default. */
typedef struct reels_verify_options {
    uint32_t struct_size;
    uint32_t flags;         /**< REELS_VERIFY_NO_DECODE */
    const char *master;     /**< name of the first playlist, a master or a media playlist; NULL =
                               "master.m3u8" */
    const reels_call *call; /**< deadline and cancel flag; NULL = none */
    uint32_t findings_max;  /**< findings after that are only counted; 0 = 1,000 */
    uint32_t reserved0;
    uint64_t segment_bytes_max; /**< a longer segment is a finding; 0 = 256 MiB */
} reels_verify_options;

/** What a verification found. Immutable. @threadsafety any thread */
typedef struct reels_verify_report reels_verify_report;

/** One finding. Strings are borrowed until the report is freed. */
typedef struct reels_verify_finding {
    uint32_t struct_size;
    uint32_t code;     /**< REELS_VERIFY_FILE_MISSING ... */
    uint32_t severity; /**< REELS_VERIFY_ERROR or REELS_VERIFY_WARNING */
    int32_t segment;   /**< number of the segment in its playlist from 0; -1 = not about one */
    const char *file;  /**< the playlist or media file it is about, as UTF-8; bytes that are not are
                          shown as '?' */
    const char *message; /**< one sentence */
} reels_verify_finding;

/** Sums over the whole tree. */
typedef struct reels_verify_summary {
    uint32_t struct_size;
    uint32_t errors_count;
    uint32_t warnings_count;
    uint32_t variants_count;
    uint32_t playlists_count; /**< media playlists */
    uint32_t segments_count;
    uint64_t samples_count;
    uint64_t frames_count; /**< decoded pictures and audio frames; 0 with REELS_VERIFY_NO_DECODE */
    uint64_t bytes;        /**< of segments and init segments */
    int64_t duration_us;   /**< of the longest playlist */
} reels_verify_summary;

/**
 * Verifies the tree below a directory, read through the context's file system. Symbolic links are
 * not followed.
 *
 * @param      ctx      context
 * @param      path     the directory
 * @param      options  NULL gives the defaults
 * @param[out] out      the report, NULL on failure
 * @param[out] err      detail on failure; may be NULL
 * @return REELS_OK when the tree was examined, whatever was found: ask the report;
 * REELS_ERR_NOT_FOUND without that directory; REELS_ERR_INVALID_ARG; REELS_ERR_UNSUPPORTED for
 * options of a newer version; REELS_ERR_CANCELLED; REELS_ERR_TIMEOUT; REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_verify_directory(reels_ctx *ctx,
                                              const char *path,
                                              const reels_verify_options *options,
                                              reels_verify_report **out,
                                              reels_error *err);

/**
 * Verifies a tree that the host reads.
 *
 * @param      ctx      context
 * @param      source   where files are read
 * @param      impl     handed to source's functions
 * @param      options  NULL gives the defaults
 * @param[out] out      the report, NULL on failure
 * @param[out] err      detail on failure; may be NULL
 * @return as reels_verify_directory(), without REELS_ERR_NOT_FOUND
 * @ownership     the caller owns *out; impl is borrowed for the call
 * @threadsafety  any thread; source is called on this one
 * @since 0.1
 */
REELS_API reels_status reels_verify_source(reels_ctx *ctx,
                                           const reels_verify_source_vtable *source,
                                           void *impl,
                                           const reels_verify_options *options,
                                           reels_verify_report **out,
                                           reels_error *err);

/**
 * Gives the sums of a report. The tree is good when errors_count is 0.
 *
 * @param         report   report
 * @param[in,out] summary  struct_size is set by the caller; the rest is written
 * @param[out]    err      detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for a struct_size that is too small
 * @ownership     none
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_verify_report_summary(const reels_verify_report *report,
                                                   reels_verify_summary *summary,
                                                   reels_error *err);

/**
 * Gives the number of findings that are kept, in the order in which they were made.
 *
 * @param report  report
 * @return at most findings_max of the options; the summary counts all
 * @ownership     none
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API size_t reels_verify_report_findings_count(const reels_verify_report *report);

/**
 * Gives one finding.
 *
 * @param         report   report
 * @param         index    from 0
 * @param[in,out] finding  struct_size is set by the caller; the rest is written
 * @param[out]    err      detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for an index past the end or a struct_size that is too
 * small
 * @ownership     strings in finding are borrowed until report is freed
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_verify_report_finding(const reels_verify_report *report,
                                                   size_t index,
                                                   reels_verify_finding *finding,
                                                   reels_error *err);

/**
 * Writes a report as one JSON object: {"ok", "errors", "warnings", "variants", "playlists",
 * "segments", "samples", "frames", "bytes", "duration_us", "findings": [{"code", "severity",
 * "file", "segment", "message"}]}; segment is null when it is not about one.
 *
 * @param      report  report
 * @param      out     appended to
 * @param[out] err     detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_LIMIT; REELS_ERR_NO_MEMORY
 * @ownership     none
 * @threadsafety  any thread; out one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_verify_report_json(const reels_verify_report *report,
                                                reels_buf *out,
                                                reels_error *err);

/**
 * Gives the word for the code of a finding, such as "file_missing".
 *
 * @param code  any number
 * @return a static string; "unknown" for a number that is not a code
 * @ownership     the string is static
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API const char *reels_verify_code_name(uint32_t code);

/**
 * Frees a report.
 *
 * @param report  NULL does nothing
 * @ownership     takes report
 * @threadsafety  one thread, once
 * @since 0.1
 */
REELS_API void reels_verify_report_free(reels_verify_report *report);

REELS_END_DECLS

#endif
