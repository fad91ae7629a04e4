/* Events: what is decoded can be encoded, and comes back the same; what a client may send stays
 * within its bounds. */
#include <string.h>

#include <reels/event.h>

#include "fuzz.h"

#define NOW_US INT64_C(1750000000000000)

static void check_again(struct fuzz_env *env, const reels_event *event)
{
    reels_event again = {.struct_size = sizeof again};
    reels_buf *buf = NULL;
    reels_status status = reels_buf_new(env->ctx, 8192, &buf, &env->err);
    if (status == REELS_OK) {
        status = reels_event_encode(event, buf, &env->err);
    }
    fuzz_assert(status == REELS_OK || status == REELS_ERR_NO_MEMORY);
    if (status == REELS_OK) {
        fuzz_assert(reels_event_decode(reels_buf_data(buf), reels_buf_len(buf), &again, NULL) ==
                    REELS_OK);
        fuzz_assert(memcmp(&again, event, sizeof again) == 0);
    }
    reels_buf_free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_env env;
    if (size == 0) {
        return 0;
    }
    reels_event event = {.struct_size = sizeof event};
    fuzz_env_init(&env, data[0]);
    reels_status status = reels_event_decode(data + 1, size - 1, &event, &env.err);
    fuzz_assert(status == REELS_OK || status == REELS_ERR_CORRUPT);
    if (status == REELS_OK && reels_event_type_name(event.type) != NULL) {
        check_again(&env, &event);
        for (uint32_t topic = REELS_TOPIC_REEL; topic <= REELS_TOPIC_PERSON; topic <<= 1) {
            fuzz_assert(reels_event_key(&event, topic) == 0 ||
                        (reels_event_topics(event.type) & topic) != 0);
        }
    }
    if (status == REELS_OK && reels_event_admit(&event, NOW_US, &env.err) == REELS_OK) {
        fuzz_assert(event.reel_id != 0 && event.source != 0 && event.sequence != 0);
        fuzz_assert(event.watch_us >= 0 && event.watch_us <= 60000000);
        fuzz_assert(event.position_us >= 0 && event.duration_us >= 0);
    }
    fuzz_env_dispose(&env);
    return 0;
}
