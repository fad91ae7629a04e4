/* A host program: built against the installed headers and pkg-config file alone. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <reels/reels.h>

int main(void)
{
    reels_ctx *ctx = NULL;
    reels_error err;
    memset(&err, 0, sizeof(err));
    err.struct_size = sizeof(err);

    if (reels_ctx_new(NULL, &ctx, &err) != REELS_OK) {
        fprintf(stderr, "reels_ctx_new: %s\n", err.message);
        return 1;
    }
    if (reels_ctx_now_unix_us(ctx) <= 0) {
        fprintf(stderr, "the clock of a new context does not run\n");
        reels_ctx_free(ctx);
        return 1;
    }
    printf("%" PRIu32 " %s media=%" PRId32 "\n",
           reels_version(),
           reels_version_text(),
           reels_has_feature("media"));
    reels_ctx_free(ctx);
    return 0;
}
