/* Owns the making of a verification report. Parsers write what they find through a finder, which
 * knows the file and the segment they look at. */
#ifndef REELS_SRC_HLS_REPORT_INTERNAL_H
#define REELS_SRC_HLS_REPORT_INTERNAL_H

#include <reels/hls/verify.h>

#include "base/arena.h"
#include "base/compiler.h"

struct reels__finding {
    uint32_t code;
    uint32_t severity;
    int32_t segment;
    const char *file;
    const char *message;
};

struct reels_verify_report {
    reels_ctx *ctx;
    struct reels__arena arena; /* of the strings */
    struct reels__finding *findings;
    size_t findings_count;
    size_t findings_capacity;
    size_t findings_max;
    reels_verify_summary summary;
};

reels_status
reels__report_new(reels_ctx *ctx, size_t findings_max, reels_verify_report **out, reels_error *err);

struct reels__finder {
    reels_verify_report *report;
    const char *file;    /* borrowed */
    int32_t segment;     /* -1 = none */
    reels_status status; /* NO_MEMORY once a finding could not be kept */
};

/* Adds a finding; the message is cut at 400 bytes and cleaned of what is not text. */
void reels__find(struct reels__finder *finder, uint32_t code, const char *format, ...)
    REELS__PRINTF(3, 4);
void reels__find_warning(struct reels__finder *finder, uint32_t code, const char *format, ...)
    REELS__PRINTF(3, 4);

#endif
