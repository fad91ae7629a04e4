/* One transcode for the media benchmark: bench_media_one FILE OUTDIR THREADS [WORKER]. With a
 * worker's path the media is handled there, else in this process. The benchmark measures this
 * process and its children from outside. */
#include <stdio.h>
#include <stdlib.h>

#include <reels/hls.h>
#include <reels/media.h>

static int transcode(reels_ctx *ctx, char **argv, int argc, reels_error *err)
{
    const reels_media_isolation isolation = {.struct_size = sizeof isolation,
                                             .mode = argc > 4 ? REELS_ISOLATION_PROCESS
                                                              : REELS_ISOLATION_NONE,
                                             .worker_path = argc > 4 ? argv[4] : NULL};
    const reels_transcode_options options = {.struct_size = sizeof options,
                                             .threads_count = (uint32_t)strtoul(argv[3], NULL, 10),
                                             .isolation = &isolation};
    const reels_media_input input = {.struct_size = sizeof input, .path = argv[1]};
    reels_output *output = NULL;
    reels_status status =
        reels_output_directory_new(ctx, argv[2], REELS_OUTPUT_REPLACE, &output, err);
    if (status == REELS_OK) {
        status = reels_transcode_run(
            ctx, NULL, &input, &options, reels_output_table(output), output, NULL, err);
    }
    reels_output_free(output);
    return status == REELS_OK;
}

int main(int argc, char **argv)
{
    reels_ctx *ctx = NULL;
    reels_error err = {.struct_size = sizeof err};
    if (argc < 4 || reels_ctx_new(NULL, &ctx, &err) != REELS_OK) {
        return 2;
    }
    int done = transcode(ctx, argv, argc, &err);
    if (!done) {
        (void)fprintf(stderr, "%s: %s\n", reels_status_name(err.status), err.message);
    }
    reels_ctx_free(ctx);
    return done ? 0 : 1;
}
