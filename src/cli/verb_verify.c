/* Owns `reels verify`: whether an HLS tree obeys the rules and tells the truth. */
#include <inttypes.h>

#include "cli.h"

enum {
    JSON_BYTES_MAX = 64 << 20
};

static void finding_print(const reels_verify_finding *finding)
{
    (void)printf("%s %s ",
                 finding->severity == REELS_VERIFY_ERROR ? "error" : "warning",
                 reels_verify_code_name(finding->code));
    cli_text_print(stdout, finding->file);
    if (finding->segment >= 0) {
        (void)printf(" segment %" PRId32, finding->segment);
    }
    (void)fputs(": ", stdout);
    cli_text_print(stdout, finding->message);
    (void)putchar('\n');
}

static void text_print(const reels_verify_report *report, const reels_verify_summary *summary)
{
    size_t count = reels_verify_report_findings_count(report);
    for (size_t i = 0; i < count; i++) {
        reels_verify_finding finding = {.struct_size = sizeof finding};
        if (reels_verify_report_finding(report, i, &finding, NULL) == REELS_OK) {
            finding_print(&finding);
        }
    }
    (void)printf("%" PRIu32 " errors, %" PRIu32 " warnings; %" PRIu32 " variants, %" PRIu32
                 " playlists, %" PRIu32 " segments, %" PRIu64 " frames, %.3f s, %.2f MB\n",
                 summary->errors_count,
                 summary->warnings_count,
                 summary->variants_count,
                 summary->playlists_count,
                 summary->segments_count,
                 summary->frames_count,
                 (double)summary->duration_us / 1e6,
                 (double)summary->bytes / 1e6);
}

static reels_status json_print(reels_ctx *ctx, const reels_verify_report *report, reels_error *err)
{
    reels_buf *buf = NULL;
    reels_status status = reels_buf_new(ctx, JSON_BYTES_MAX, &buf, err);
    if (status == REELS_OK) {
        status = reels_verify_report_json(report, buf, err);
    }
    if (status == REELS_OK) {
        (void)fwrite(reels_buf_data(buf), 1, reels_buf_len(buf), stdout);
        (void)fputc('\n', stdout);
    }
    reels_buf_free(buf);
    return status;
}

static int
verify(reels_ctx *ctx, const char *path, const reels_verify_options *options, int as_json)
{
    reels_verify_report *report = NULL;
    reels_verify_summary summary = {.struct_size = sizeof summary};
    reels_error err = {.struct_size = sizeof err};
    reels_status status = reels_verify_directory(ctx, path, options, &report, &err);
    if (status == REELS_OK) {
        status = reels_verify_report_summary(report, &summary, &err);
    }
    if (status == REELS_OK && as_json) {
        status = json_print(ctx, report, &err);
    } else if (status == REELS_OK) {
        text_print(report, &summary);
    }
    reels_verify_report_free(report);
    if (status != REELS_OK) {
        return cli_fail_status(path, status, &err);
    }
    if (summary.errors_count > 0) {
        return cli_fail(path,
                        "%" PRIu32 " %s found",
                        summary.errors_count,
                        summary.errors_count == 1 ? "error" : "errors");
    }
    return CLI_OK;
}

static int verify_run(const struct cli_verb *verb, int argc, char **argv)
{
    static const char *const operand_names[] = {"OUTDIR"};
    const char *path = NULL;
    int as_json = 0;
    int no_decode = 0;
    reels_verify_options options = {.struct_size = sizeof options};
    const struct cli_option table[] = {
        {"--json", CLI_FLAG, &as_json, 0, 0},
        {"--no-decode", CLI_FLAG, &no_decode, 0, 0},
        {"--master", CLI_TEXT, &options.master, 0, 0},
    };
    const struct cli_syntax syntax = {table, sizeof table / sizeof table[0], operand_names, 1};
    int result = cli_options_read(verb, argc, argv, &syntax, &path);
    if (result != CLI_GO_ON) {
        return result;
    }
    options.flags = no_decode ? REELS_VERIFY_NO_DECODE : 0;
    reels_ctx *ctx = cli_ctx_new(path);
    if (ctx == NULL) {
        return CLI_FAILED;
    }
    result = verify(ctx, path, &options, as_json);
    reels_ctx_free(ctx);
    return result;
}

const struct cli_verb cli_verb_verify = {
    .name = "verify",
    .summary = "check an HLS tree",
    .help =
        "Usage: reels verify [--json] [--no-decode] [--master NAME] OUTDIR\n"
        "\n"
        "Checks an HLS tree against the rules it must obey: every segment decodes, durations\n"
        "match, key frames align, playlists tell the truth. Prints a line for each finding and\n"
        "a line of totals; any error makes the exit status 1.\n"
        "\n"
        "  --json         one object\n"
        "  --no-decode    leaves out the decoding, which takes most of the time\n"
        "  --master NAME  the first playlist (master.m3u8)\n",
    .run = verify_run,
};
