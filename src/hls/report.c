/* Owns verification reports: findings, sums, and both as JSON. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "report_internal.h"

enum {
    MESSAGE_BYTES = 400,
    FILE_BYTES = 300,
    STRINGS_BYTES_MAX = 64 * 1024 * 1024
};

static const char *const code_names[] = {"unknown",
                                         "file_missing",
                                         "path_outside",
                                         "playlist_syntax",
                                         "tag_repeated",
                                         "tag_missing",
                                         "version",
                                         "target_duration",
                                         "endlist",
                                         "group",
                                         "byterange",
                                         "bandwidth",
                                         "average_bandwidth",
                                         "extinf",
                                         "key_frame",
                                         "decode_time",
                                         "alignment",
                                         "box",
                                         "cmaf",
                                         "resolution",
                                         "codecs",
                                         "frame_rate",
                                         "decode",
                                         "checksum",
                                         "limit",
                                         "unchecked",
                                         "read"};

_Static_assert(REELS__COUNT(code_names) == REELS_VERIFY_READ + 1, "every code has a name");

const char *reels_verify_code_name(uint32_t code)
{
    return code_names[code < REELS__COUNT(code_names) ? code : 0];
}

reels_status
reels__report_new(reels_ctx *ctx, size_t findings_max, reels_verify_report **out, reels_error *err)
{
    reels_verify_report *report = reels__mem_zalloc(ctx, sizeof *report);
    if (report == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "verify: no memory for a report");
    }
    report->ctx = ctx;
    report->findings_max = findings_max;
    reels__arena_init(&report->arena, ctx, STRINGS_BYTES_MAX);
    *out = report;
    return REELS_OK;
}

void reels_verify_report_free(reels_verify_report *report)
{
    if (report == NULL) {
        return;
    }
    reels_ctx *ctx = report->ctx;
    reels__arena_dispose(&report->arena);
    reels__mem_free(ctx, report->findings);
    reels__mem_free(ctx, report);
}

static char *keep_text(reels_verify_report *report, const char *text)
{
    size_t len = reels__utf8_cut(text, strnlen(text, FILE_BYTES + MESSAGE_BYTES));
    char *copy = reels__arena_strndup(&report->arena, text, len);
    if (copy != NULL) {
        reels__utf8_clean(copy, len);
    }
    return copy;
}

static void
keep(struct reels__finder *finder, uint32_t code, uint32_t severity, const char *message)
{
    reels_verify_report *report = finder->report;
    uint32_t *count = severity == REELS_VERIFY_ERROR ? &report->summary.errors_count
                                                     : &report->summary.warnings_count;
    *count += *count < UINT32_MAX;
    if (report->findings_count >= report->findings_max || finder->status != REELS_OK) {
        return;
    }
    if (report->findings_count == report->findings_capacity) {
        size_t capacity = report->findings_capacity * 2 + 16;
        void *findings =
            reels__mem_realloc(report->ctx, report->findings, capacity * sizeof *report->findings);
        if (findings == NULL) {
            finder->status = REELS_ERR_NO_MEMORY;
            return;
        }
        report->findings = findings;
        report->findings_capacity = capacity;
    }
    struct reels__finding finding = {
        .code = code, .severity = severity, .segment = finder->segment};
    finding.file = keep_text(report, finder->file);
    finding.message = keep_text(report, message);
    if (finding.file == NULL || finding.message == NULL) {
        finder->status = REELS_ERR_NO_MEMORY;
        return;
    }
    report->findings[report->findings_count++] = finding;
}

void reels__find(struct reels__finder *finder, uint32_t code, const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    keep(finder, code, REELS_VERIFY_ERROR, message);
}

void reels__find_warning(struct reels__finder *finder, uint32_t code, const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    keep(finder, code, REELS_VERIFY_WARNING, message);
}

reels_status reels_verify_report_summary(const reels_verify_report *report,
                                         reels_verify_summary *summary,
                                         reels_error *err)
{
    REELS_REQUIRE(report != NULL && summary != NULL, err, "verify: an argument is NULL");
    return reels__result_write(summary,
                               sizeof report->summary,
                               &report->summary,
                               sizeof report->summary,
                               "reels_verify_summary",
                               err);
}

size_t reels_verify_report_findings_count(const reels_verify_report *report)
{
    return report->findings_count;
}

reels_status reels_verify_report_finding(const reels_verify_report *report,
                                         size_t index,
                                         reels_verify_finding *finding,
                                         reels_error *err)
{
    REELS_REQUIRE(report != NULL && finding != NULL, err, "verify: an argument is NULL");
    REELS_REQUIRE(index < report->findings_count, err, "verify: no such finding");
    const struct reels__finding *kept = &report->findings[index];
    reels_verify_finding full = {.code = kept->code,
                                 .severity = kept->severity,
                                 .segment = kept->segment,
                                 .file = kept->file,
                                 .message = kept->message};
    return reels__result_write(
        finding, sizeof full, &full, sizeof full, "reels_verify_finding", err);
}

static void write_count(struct reels__json_writer *w, const char *key, uint64_t value)
{
    reels__json_write_key(w, key);
    reels__json_write_u64(w, value);
}

static void write_finding(struct reels__json_writer *w, const struct reels__finding *finding)
{
    reels__json_write_object_begin(w);
    reels__json_write_key(w, "code");
    reels__json_write_text(w, reels_verify_code_name(finding->code));
    reels__json_write_key(w, "severity");
    reels__json_write_text(w, finding->severity == REELS_VERIFY_ERROR ? "error" : "warning");
    reels__json_write_key(w, "file");
    reels__json_write_text(w, finding->file);
    reels__json_write_key(w, "segment");
    if (finding->segment >= 0) {
        reels__json_write_i64(w, finding->segment);
    } else {
        reels__json_write_null(w);
    }
    reels__json_write_key(w, "message");
    reels__json_write_text(w, finding->message);
    reels__json_write_object_end(w);
}

reels_status
reels_verify_report_json(const reels_verify_report *report, reels_buf *out, reels_error *err)
{
    struct reels__json_writer w;
    REELS_REQUIRE(report != NULL && out != NULL, err, "verify: an argument is NULL");
    const reels_verify_summary *sums = &report->summary;
    reels__json_writer_init(&w, out, err);
    reels__json_write_object_begin(&w);
    reels__json_write_key(&w, "ok");
    reels__json_write_bool(&w, sums->errors_count == 0);
    write_count(&w, "errors", sums->errors_count);
    write_count(&w, "warnings", sums->warnings_count);
    write_count(&w, "variants", sums->variants_count);
    write_count(&w, "playlists", sums->playlists_count);
    write_count(&w, "segments", sums->segments_count);
    write_count(&w, "samples", sums->samples_count);
    write_count(&w, "frames", sums->frames_count);
    write_count(&w, "bytes", sums->bytes);
    write_count(&w, "duration_us", (uint64_t)sums->duration_us);
    reels__json_write_key(&w, "findings");
    reels__json_write_array_begin(&w);
    for (size_t i = 0; i < report->findings_count; i++) {
        write_finding(&w, &report->findings[i]);
    }
    reels__json_write_array_end(&w);
    reels__json_write_object_end(&w);
    return reels__json_writer_finish(&w);
}
