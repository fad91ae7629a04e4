/* The stored state of the counting consumer: what is taken is written again byte for byte, as long
 * as no source is past the limit, and what it knows stays known. */
#include <string.h>

#include "counter/dedupe.h"
#include "fuzz.h"

enum {
    SOURCES_MAX = 64,
    STATE_BYTES_MAX = 65536,
    HEAD_BYTES = 16
};

/* Numbers out of the input are taken: the second time none is fresh. */
static void check_takes(struct reels__dedupe *dedupe, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i + 2 <= size && i < 64; i += 2) {
        uint64_t source = data[i] % 8U + 1;
        uint64_t sequence = data[i + 1] + 1U;
        int fresh = 0;
        if (reels__dedupe_take(dedupe, source, sequence, &fresh, NULL) != REELS_OK) {
            return;
        }
        fuzz_assert(reels__dedupe_take(dedupe, source, sequence, &fresh, NULL) == REELS_OK);
        fuzz_assert(fresh == 0);
        fuzz_assert(dedupe->sources_count <= SOURCES_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_env env;
    struct reels__dedupe dedupe = {0};
    reels_buf *buf = NULL;
    uint64_t offset = 0;
    if (size == 0 || size > STATE_BYTES_MAX) {
        return 0;
    }
    fuzz_env_init(&env, data[0]);
    reels_status status = reels__dedupe_init(&dedupe, env.ctx, SOURCES_MAX, &env.err);
    if (status == REELS_OK) {
        status = reels__dedupe_read(&dedupe, data + 1, size - 1, &offset, &env.err);
    }
    fuzz_assert(status == REELS_OK || status == REELS_ERR_CORRUPT || status == REELS_ERR_NO_MEMORY);
    int whole = status == REELS_OK && size > HEAD_BYTES && data[6] == 0 && data[7] == 0 &&
                data[8] == 0 && data[5] <= SOURCES_MAX;
    if (whole && reels_buf_new(env.ctx, 0, &buf, NULL) == REELS_OK &&
        reels__dedupe_write(&dedupe, offset, buf, NULL) == REELS_OK) {
        fuzz_assert(reels_buf_len(buf) == size - 1);
        fuzz_assert(memcmp(reels_buf_data(buf), data + 1, size - 1) == 0);
    }
    if (status == REELS_OK) {
        check_takes(&dedupe, data, size);
    }
    reels_buf_free(buf);
    reels__dedupe_dispose(&dedupe);
    fuzz_env_dispose(&env);
    return 0;
}
