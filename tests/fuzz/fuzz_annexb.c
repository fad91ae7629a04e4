/* H.264 in Annex B form: what is converted walks as NAL units with length prefixes, and a record
 * that is built reads back. */
#include <string.h>

#include "fuzz.h"
#include "hls/h264.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_env env;
    reels_buf *out = NULL;
    if (size == 0) {
        return 0;
    }
    fuzz_env_init(&env, data[0]);
    if (reels_buf_new(env.ctx, 0, &out, &env.err) == REELS_OK) {
        struct reels__nal_summary units = {0};
        struct reels__avcc avcc = {0};
        if (reels__nal_convert(data + 1, size - 1, out, &env.err) == REELS_OK) {
            fuzz_assert(reels__nal_summarize(
                            reels_buf_data(out), reels_buf_len(out), 4, &units, &env.err) ==
                        REELS_OK);
            fuzz_assert(units.parameter_sets_count == 0);
        }
        reels_buf_clear(out);
        if (reels__avcc_build(data + 1, size - 1, out, &env.err) == REELS_OK) {
            fuzz_assert(reels__avcc_read(
                            reels_buf_data(out), reels_buf_len(out), &avcc, &env.err) == REELS_OK);
            fuzz_assert(avcc.nal_length_size == 4 && avcc.sps_len >= 4);
        }
    }
    reels_buf_free(out);
    fuzz_env_dispose(&env);
    return 0;
}
