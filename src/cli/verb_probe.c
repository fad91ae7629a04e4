/* Owns `reels probe`: what a media file is, and whether it can be made into a ladder. */
#include <inttypes.h>

#include "cli.h"

enum {
    JSON_BYTES_MAX = 1 << 20
};

static int json_print(reels_ctx *ctx, const char *file, const reels_probe_info *info)
{
    reels_buf *buf = NULL;
    reels_error err = {.struct_size = sizeof err};
    reels_status status = reels_buf_new(ctx, JSON_BYTES_MAX, &buf, &err);
    if (status == REELS_OK) {
        status = reels_probe_json(info, buf, &err);
    }
    if (status == REELS_OK) {
        (void)fwrite(reels_buf_data(buf), 1, reels_buf_len(buf), stdout);
        (void)fputc('\n', stdout);
    }
    reels_buf_free(buf);
    return status == REELS_OK ? CLI_OK : cli_fail_status(file, status, &err);
}

static void video_print(const reels_probe_info *info)
{
    if (info->video_present == 0) {
        (void)puts("video      none");
        return;
    }
    (void)printf("video      %s %s, %" PRIu32 "x%" PRIu32,
                 info->video_codec,
                 info->pixel_format,
                 info->display_width,
                 info->display_height);
    if (info->coded_width != info->display_width || info->coded_height != info->display_height) {
        (void)printf(" (coded %" PRIu32 "x%" PRIu32 ")", info->coded_width, info->coded_height);
    }
    if (info->frame_rate_den != 0) {
        (void)printf(", %.3g frames/s%s",
                     (double)info->frame_rate_num / info->frame_rate_den,
                     info->variable_rate != 0 ? " on average" : "");
    }
    if (info->rotation_degrees != 0) {
        (void)printf(", turned by %" PRIu32 " degrees", info->rotation_degrees);
    }
    (void)printf("%s%s\n",
                 info->mirrored != 0 ? ", mirrored" : "",
                 info->hdr_kind != REELS_HDR_NONE ? ", high dynamic range" : "");
}

static void text_print(const reels_probe_info *info)
{
    (void)printf("container  %s, %.2f MB", info->container, (double)info->file_bytes / 1e6);
    if (info->duration_us >= 0) {
        (void)printf(", %.3f s", (double)info->duration_us / 1e6);
    }
    if (info->bitrate_bps > 0) {
        (void)printf(", %.2f Mbit/s", (double)info->bitrate_bps / 1e6);
    }
    (void)putchar('\n');
    video_print(info);
    if (info->audio_present != 0) {
        (void)printf("audio      %s, %" PRIu32 " Hz, %" PRIu32 " channels\n",
                     info->audio_codec,
                     info->audio_sample_rate,
                     info->audio_channels);
    } else {
        (void)puts("audio      none");
    }
    if (info->verdict == REELS_VERDICT_REFUSE) {
        (void)fputs("verdict    refused: ", stdout);
        cli_text_print(stdout, info->verdict_reason);
        (void)putchar('\n');
    } else {
        (void)puts("verdict    can be made into a ladder");
    }
}

static int probe_run(const struct cli_verb *verb, int argc, char **argv)
{
    static const char *const operand_names[] = {"FILE"};
    const char *file = NULL;
    int as_json = 0;
    int is_exact = 0;
    int in_process = 0;
    const struct cli_option table[] = {
        {"--json", CLI_FLAG, &as_json, 0, 0},
        {"--exact", CLI_FLAG, &is_exact, 0, 0},
        {"--in-process", CLI_FLAG, &in_process, 0, 0},
    };
    const struct cli_syntax syntax = {table, sizeof table / sizeof table[0], operand_names, 1};
    int result = cli_options_read(verb, argc, argv, &syntax, &file);
    if (result != CLI_GO_ON) {
        return result;
    }
    reels_ctx *ctx = cli_ctx_new(file);
    if (ctx == NULL) {
        return CLI_FAILED;
    }
    reels_media_isolation isolation = {
        .struct_size = sizeof isolation,
        .mode = in_process ? REELS_ISOLATION_NONE : REELS_ISOLATION_PROCESS,
        .worker_path = cli_worker_path(),
    };
    reels_probe_options options = {
        .struct_size = sizeof options, .exact = (uint32_t)is_exact, .isolation = &isolation};
    reels_media_input input = {.struct_size = sizeof input, .path = file};
    reels_probe_info info = {.struct_size = sizeof info};
    reels_error err = {.struct_size = sizeof err};
    reels_status status = reels_probe_run(ctx, NULL, &input, &options, &info, &err);
    if (status != REELS_OK) {
        result = cli_fail_status(file, status, &err);
    } else if (as_json) {
        result = json_print(ctx, file, &info);
    } else {
        text_print(&info);
        result = CLI_OK;
    }
    reels_ctx_free(ctx);
    return result;
}

const struct cli_verb cli_verb_probe = {
    .name = "probe",
    .summary = "tell what a media file is",
    .help = "Usage: reels probe [--json] [--exact] [--in-process] FILE\n"
            "\n"
            "Tells what a media file is and whether it can be made into a ladder. A file that is\n"
            "recognised and cannot be used is described, with the reason; that is a success.\n"
            "\n"
            "  --json        one object\n"
            "  --exact       reads every packet: exact duration, number of frames, timing\n"
            "  --in-process  without the isolated worker: only for files you trust\n",
    .run = probe_run,
};
