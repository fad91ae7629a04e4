/* Owns `reels transcode`: from a media file to an HLS ladder in a folder. On any failure, also of
 * printing the result, nothing of it is left. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "progress.h"
#include "stop.h"

enum {
    STEP_BUDGET_US = 100000,
    THREADS_MAX = 64
};

struct transcode_options {
    const char *file;
    const char *outdir;
    uint64_t threads_count;
    int as_json;
    int is_forced;
    int in_process;
};

static int folder_is_empty(const char *path, int *out)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return errno;
    }
    *out = 1;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            *out = 0;
            break;
        }
    }
    (void)closedir(folder);
    return 0;
}

/* OUTDIR may be missing or empty; out gets the path with links resolved when it is there. */
static int outdir_check(const struct transcode_options *options, char out[CLI_PATH_BYTES])
{
    const char *path = options->outdir;
    struct stat info;
    if (strlen(path) >= CLI_PATH_BYTES) {
        return cli_fail(path, "%s", strerror(ENAMETOOLONG));
    }
    (void)snprintf(out, CLI_PATH_BYTES, "%s", path);
    for (size_t len = strlen(out); len > 1 && out[len - 1] == '/'; len--) {
        out[len - 1] = '\0';
    }
    if (stat(path, &info) != 0) {
        return errno == ENOENT ? CLI_OK : cli_fail(path, "%s", strerror(errno));
    }
    if (!S_ISDIR(info.st_mode)) {
        return cli_fail(path, "it is there and no folder");
    }
    int is_empty = 0;
    int failed = folder_is_empty(path, &is_empty);
    if (failed != 0) {
        return cli_fail(path, "%s", strerror(failed));
    }
    if (!is_empty && !options->is_forced) {
        return cli_fail(path, "the folder is not empty; --force replaces files in it");
    }
    char *resolved = realpath(path, NULL);
    if (resolved == NULL || strlen(resolved) >= CLI_PATH_BYTES) {
        free(resolved);
        return cli_fail(path, "its path cannot be resolved");
    }
    (void)snprintf(out, CLI_PATH_BYTES, "%s", resolved);
    free(resolved);
    return CLI_OK;
}

static void rung_json(const reels_rung *rung, int is_first)
{
    (void)printf("%s{\"name\": ", is_first ? "" : ", ");
    cli_json_text(stdout, rung->name);
    (void)printf(", \"width\": %" PRIu32 ", \"height\": %" PRIu32 ", \"frame_rate_num\": %" PRIu32
                 ", \"frame_rate_den\": %" PRIu32 ", \"video_bitrate_bps\": %" PRIu32 "}",
                 rung->width,
                 rung->height,
                 rung->frame_rate_num,
                 rung->frame_rate_den,
                 rung->video_bitrate_bps);
}

static void
json_print(const reels_transcode *job, const reels_transcode_summary *summary, const char *outdir)
{
    (void)fputs("{\"outdir\": ", stdout);
    cli_json_text(stdout, outdir);
    (void)printf(
        ", \"master\": \"master.m3u8\", \"cover\": \"cover.jpg\", \"duration_us\": %" PRId64
        ", \"frames\": %" PRIu64 ", \"files\": %" PRIu32 ", \"bytes\": %" PRIu64
        ", \"audio\": %s, \"cover_width\": %" PRIu32 ", \"cover_height\": %" PRIu32
        ", \"cover_media_us\": %" PRId64 ", \"cpu_us\": %" PRId64
        ", \"memory_peak_bytes\": %" PRIu64 ", \"rungs\": [",
        summary->duration_us,
        summary->frames_count,
        summary->files_count,
        summary->output_bytes,
        summary->audio_present != 0 ? "true" : "false",
        summary->cover_width,
        summary->cover_height,
        summary->cover_media_us,
        summary->cpu_us,
        summary->memory_peak_bytes);
    reels_rung rung = {.struct_size = sizeof rung};
    for (uint32_t i = 0; reels_transcode_rung(job, i, &rung, NULL) == REELS_OK; i++) {
        rung_json(&rung, i == 0);
    }
    (void)fputs("]}\n", stdout);
}

static void
text_print(const reels_transcode *job, const reels_transcode_summary *summary, const char *outdir)
{
    cli_text_print(stdout, outdir);
    (void)printf("/master.m3u8: %" PRIu32 " rungs, %.3f s, %" PRIu32 " files, %.2f MB\n",
                 summary->rungs_count,
                 (double)summary->duration_us / 1e6,
                 summary->files_count,
                 (double)summary->output_bytes / 1e6);
    reels_rung rung = {.struct_size = sizeof rung};
    for (uint32_t i = 0; reels_transcode_rung(job, i, &rung, NULL) == REELS_OK; i++) {
        (void)printf("  %-8s %" PRIu32 "x%" PRIu32 ", %.2f Mbit/s\n",
                     rung.name,
                     rung.width,
                     rung.height,
                     (double)rung.video_bitrate_bps / 1e6);
    }
}

/* Prints what was made; fails when it cannot be told, since then nothing may be left. */
static int result_print(const reels_transcode *job, const struct transcode_options *options)
{
    reels_transcode_summary summary = {.struct_size = sizeof summary};
    reels_error err = {.struct_size = sizeof err};
    reels_status status = reels_transcode_result(job, &summary, &err);
    if (status != REELS_OK) {
        return cli_fail_status(options->file, status, &err);
    }
    if (options->as_json) {
        json_print(job, &summary, options->outdir);
    } else {
        text_print(job, &summary, options->outdir);
    }
    return cli_finish(CLI_OK);
}

static int job_run(reels_ctx *ctx, const struct transcode_options *options, reels_output *output)
{
    struct cli_progress progress;
    cli_progress_begin(&progress, !options->as_json);
    reels_media_isolation isolation = {
        .struct_size = sizeof isolation,
        .mode = options->in_process ? REELS_ISOLATION_NONE : REELS_ISOLATION_PROCESS,
        .worker_path = cli_worker_path(),
    };
    reels_transcode_options job_options = {
        .struct_size = sizeof job_options,
        .threads_count = (uint32_t)options->threads_count,
        .isolation = &isolation,
        .progress = cli_progress_show,
        .progress_user = &progress,
    };
    reels_media_input input = {.struct_size = sizeof input, .path = options->file};
    reels_call call = {.struct_size = sizeof call, .cancel = cli_stop_flag()};
    reels_transcode *job = NULL;
    reels_error err = {.struct_size = sizeof err};
    reels_status status = reels_transcode_new(
        ctx, &input, &job_options, reels_output_table(output), output, &job, &err);
    while (status == REELS_OK) {
        status = reels_transcode_step(job, &call, STEP_BUDGET_US, &err);
    }
    cli_progress_end(&progress);
    int result = status == REELS_END ? result_print(job, options)
                                     : cli_fail_status(options->file, status, &err);
    reels_transcode_free(job);
    return result;
}

static int transcode(reels_ctx *ctx, const struct transcode_options *options, const char *outdir)
{
    /* Before anything is made that a signal could leave behind. */
    if (cli_stop_begin(ctx, options->outdir) != CLI_OK) {
        return CLI_FAILED;
    }
    reels_output *output = NULL;
    reels_error err = {.struct_size = sizeof err};
    int result = CLI_FAILED;
    reels_status status = reels_output_directory_new(
        ctx, outdir, options->is_forced ? REELS_OUTPUT_REPLACE : 0, &output, &err);
    if (status == REELS_OK) {
        result = job_run(ctx, options, output);
    } else {
        (void)cli_fail_status(options->outdir, status, &err);
    }
    if (output != NULL && result != CLI_OK && reels_output_discard(output, &err) != REELS_OK) {
        (void)cli_fail_status(options->outdir, err.status, &err);
    }
    cli_stop_end();
    reels_output_free(output);
    return result;
}

static int transcode_run(const struct cli_verb *verb, int argc, char **argv)
{
    static const char *const operand_names[] = {"FILE", "OUTDIR"};
    const char *operands[2] = {NULL, NULL};
    struct transcode_options options = {0};
    const struct cli_option table[] = {
        {"--json", CLI_FLAG, &options.as_json, 0, 0},
        {"--force", CLI_FLAG, &options.is_forced, 0, 0},
        {"--threads", CLI_NUMBER, &options.threads_count, 1, THREADS_MAX},
        {"--in-process", CLI_FLAG, &options.in_process, 0, 0},
    };
    const struct cli_syntax syntax = {table, sizeof table / sizeof table[0], operand_names, 2};
    int result = cli_options_read(verb, argc, argv, &syntax, operands);
    if (result != CLI_GO_ON) {
        return result;
    }
    options.file = operands[0];
    options.outdir = operands[1];
    if (options.threads_count == 0) {
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        options.threads_count = processors < 1             ? 1
                                : processors > THREADS_MAX ? THREADS_MAX
                                                           : (uint64_t)processors;
    }
    static char outdir[CLI_PATH_BYTES];
    if (outdir_check(&options, outdir) != CLI_OK) {
        return CLI_FAILED;
    }
    reels_ctx *ctx = cli_ctx_new(options.file);
    if (ctx == NULL) {
        return CLI_FAILED;
    }
    result = transcode(ctx, &options, outdir);
    reels_ctx_free(ctx);
    return result;
}

const struct cli_verb cli_verb_transcode = {
    .name = "transcode",
    .summary = "make an HLS ladder of a media file",
    .help = "Usage: reels transcode [--json] [--force] [--threads N] [--in-process] FILE OUTDIR\n"
            "\n"
            "Makes OUTDIR/master.m3u8 with its ladder and OUTDIR/cover.jpg. OUTDIR is made, or is\n"
            "there and empty. On failure, and after Ctrl-C, nothing is left. On a terminal a bar\n"
            "shows the progress.\n"
            "\n"
            "  --json        one object\n"
            "  --force       OUTDIR may hold files; those of the same name are replaced\n"
            "  --threads N   processors to use, 1 to 64 (all)\n"
            "  --in-process  without the isolated worker: only for files you trust\n",
    .run = transcode_run,
};
