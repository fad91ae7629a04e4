/* Tokens for media: what is let in, or has expired, is exactly the text that signing gives.
 *
 * Input: the allocation to refuse, then token, path and viewer, each ended by a newline. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reels/backend.h>

#include "fuzz.h"

enum {
    TEXT_BYTES_MAX = 8192
};

/* Signs again what the token says and compares. */
static void expect_signed(
    struct fuzz_env *env, reels_cdn *cdn, const char *token, const char *path, const char *viewer)
{
    unsigned id = 0;
    long long expires = 0;
    size_t len = 0;
    char prefix[REELS_CDN_PREFIX_BYTES_MAX + 1];
    reels_buf *buf = NULL;
    fuzz_assert(sscanf(token, "1.%u.%lld.%zu.", &id, &expires, &len) == 3);
    fuzz_assert(id == 5 && len <= strlen(path) && len < sizeof prefix);
    memcpy(prefix, path, len);
    prefix[len] = '\0';
    fuzz_assert(reels_buf_new(env->ctx, 0, &buf, NULL) == REELS_OK);
    int same = 0;
    for (int i = 0; i < 2; i++) {
        const char *bound = i == 0 ? NULL : viewer;
        fuzz_assert(reels_cdn_sign(cdn, NULL, prefix, bound, expires * 1000000, buf, NULL) ==
                    REELS_OK);
        same |= strcmp((const char *)reels_buf_data(buf), token) == 0;
    }
    fuzz_assert(same);
    reels_buf_free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[TEXT_BYTES_MAX + 1];
    static const uint8_t secret[] = "a secret of sixteen bytes and more";
    if (size < 1 || size - 1 > TEXT_BYTES_MAX) {
        return 0;
    }
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    char *path = strchr(text, '\n');
    char *viewer = path != NULL ? strchr(path + 1, '\n') : NULL;
    if (viewer == NULL) {
        return 0;
    }
    *path++ = '\0';
    *viewer++ = '\0';
    struct fuzz_env env;
    fuzz_env_init(&env, data[0]);
    reels_cdn_key key = {.id = 5, .secret = secret, .secret_len = sizeof secret};
    reels_cdn_options options = {.struct_size = sizeof options, .keys_count = 1, .keys = &key};
    reels_cdn *cdn = NULL;
    if (reels_cdn_new(env.ctx, NULL, NULL, &options, &cdn, &env.err) == REELS_OK) {
        const char *who = viewer[0] != '\0' ? viewer : NULL;
        reels_status status = reels_cdn_check(cdn, NULL, text, path, who, &env.err);
        fuzz_assert(status == REELS_OK || status == REELS_ERR_DENIED || status == REELS_ERR_STALE ||
                    status == REELS_ERR_INVALID_ARG);
        if ((status == REELS_OK || status == REELS_ERR_STALE) && data[0] == 0) {
            expect_signed(&env, cdn, text, path, who);
        }
        reels_cdn_free(cdn);
    }
    fuzz_env_dispose(&env);
    return 0;
}
