/* Transcodes one file in this process into nothing, for tests that watch a process from outside.
 * Prints the status; ends with 0 whatever it is. */
#include <stdio.h>

#include <reels/hls.h>
#include <reels/media.h>

static reels_status
begin(void *impl, const char *name, const char *content_type, void **out_file, reels_error *err)
{
    (void)name;
    (void)content_type;
    (void)err;
    *out_file = impl;
    return REELS_OK;
}

static reels_status
swallow(void *impl, void *file, const uint8_t *data, size_t len, reels_error *err)
{
    (void)impl;
    (void)file;
    (void)data;
    (void)len;
    (void)err;
    return REELS_OK;
}

static reels_status finish(void *impl, void *file, reels_error *err)
{
    (void)impl;
    (void)file;
    (void)err;
    return REELS_OK;
}

static void forget(void *impl, void *file)
{
    (void)impl;
    (void)file;
}

int main(int argc, char **argv)
{
    reels_ctx *ctx = NULL;
    reels_error err = {.struct_size = sizeof err};
    const reels_output_vtable nowhere = {.struct_size = sizeof nowhere,
                                         .begin = begin,
                                         .write = swallow,
                                         .finish = finish,
                                         .abort = forget};
    const reels_media_isolation here = {.struct_size = sizeof here, .mode = REELS_ISOLATION_NONE};
    const reels_transcode_options options = {.struct_size = sizeof options, .isolation = &here};
    if (argc != 2 || reels_ctx_new(NULL, &ctx, &err) != REELS_OK) {
        return 2;
    }
    const reels_media_input input = {.struct_size = sizeof input, .path = argv[1]};
    reels_status status =
        reels_transcode_run(ctx, NULL, &input, &options, &nowhere, ctx, NULL, &err);
    (void)printf("%s %s\n", reels_status_name(status), status < 0 ? err.message : "");
    reels_ctx_free(ctx);
    return 0;
}
