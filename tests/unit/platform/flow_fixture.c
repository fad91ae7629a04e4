/* Owns the platform under test; see flow_fixture.h. */
#include "flow_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef TEST_MEDIA_WORKER
#define TEST_MEDIA_WORKER NULL
#endif

const char *flow_worker_path(void)
{
    return TEST_MEDIA_WORKER;
}

static void flow_open(struct flow *flow)
{
    reels_platform_config config = {.struct_size = sizeof(config),
                                    .data_path = flow->folder,
                                    .partitions_count = 4,
                                    .media_lease_us = 5000000,
                                    .media_worker_path = TEST_MEDIA_WORKER,
                                    .counter_window_us = 20000};
    test_ok(&flow->env,
            reels_platform_open(flow->env.ctx, &config, &flow->platform, &flow->env.err));
}

void flow_init(struct flow *flow)
{
    memset(flow, 0, sizeof(*flow));
    test_env_init(&flow->env, 0);
    test_temp_dir(flow->folder);
    flow_open(flow);
}

void flow_reopen(struct flow *flow)
{
    reels_platform_free(flow->platform);
    flow->platform = NULL;
    flow_open(flow);
}

void flow_dispose(struct flow *flow)
{
    reels_platform_free(flow->platform);
    test_temp_dir_remove(flow->folder);
    test_env_dispose(&flow->env);
}

const uint8_t *flow_clip(size_t *out_len)
{
    static uint8_t *clip;
    static size_t len;
    if (clip == NULL) {
        char folder[TEST_PATH_BYTES];
        char path[TEST_PATH_BYTES + 16];
        char command[TEST_PATH_BYTES + 512];
        test_temp_dir(folder);
        (void)snprintf(path, sizeof(path), "%s/clip.mp4", folder);
        (void)snprintf(
            command,
            sizeof(command),
            "ffmpeg -v error -nostdin -f lavfi -i testsrc2=size=360x640:rate=30:duration=4 "
            "-f lavfi -i sine=frequency=440:duration=4 -c:v libx264 -preset ultrafast "
            "-pix_fmt yuv420p -c:a aac -movflags +faststart %s",
            path);
        if (system(command) == 0) {
            clip = test_file_read(path, &len);
        }
        test_temp_dir_remove(folder);
    }
    *out_len = len;
    return clip;
}

struct memory {
    const uint8_t *data;
    size_t len;
};

static reels_status
read_memory(void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err)
{
    (void)err;
    struct memory *memory = user;
    size_t len = memory->len < capacity ? memory->len : capacity;
    memcpy(data, memory->data, len);
    memory->data += len;
    memory->len -= len;
    *out_len = len;
    return REELS_OK;
}

uint64_t flow_upload(
    struct flow *flow, uint64_t person_id, const uint8_t *data, size_t len, uint32_t visibility)
{
    reels_uploads *uploads = reels_platform_uploads(flow->platform);
    reels_upload_begin_request request = {.struct_size = sizeof(request),
                                          .visibility = visibility,
                                          .person_id = person_id,
                                          .length = len,
                                          .filename = "clip.mp4",
                                          .caption = "a clip"};
    struct memory memory = {.data = data, .len = len};
    uint64_t reel_id = 0;
    uint64_t offset = 0;
    test_ok(&flow->env, reels_upload_begin(uploads, NULL, &request, &reel_id, &flow->env.err));
    test_ok(&flow->env,
            reels_upload_write(uploads,
                               NULL,
                               reel_id,
                               person_id,
                               0,
                               read_memory,
                               &memory,
                               NULL,
                               &offset,
                               &flow->env.err));
    ck_assert_uint_eq(offset, len);
    test_ok(&flow->env,
            reels_upload_commit(uploads, NULL, reel_id, person_id, NULL, &flow->env.err));
    return reel_id;
}

reels_reel flow_wait(struct flow *flow, uint64_t reel_id)
{
    reels_reel reel = {.struct_size = sizeof(reel)};
    for (;;) {
        flow_settle(flow);
        test_ok(
            &flow->env,
            reels_reel_get(
                reels_platform_reels(flow->platform), NULL, &reel_id, 1, &reel, &flow->env.err));
        if (reel.state != REELS_REEL_UPLOADED && reel.state != REELS_REEL_PROCESSING) {
            return reel;
        }
    }
}

void flow_settle(struct flow *flow)
{
    test_ok(&flow->env,
            reels_platform_settle(flow->platform, NULL, REELS_ROLES_ALL, &flow->env.err));
}

uint64_t flow_ready(struct flow *flow, uint64_t person_id)
{
    size_t len = 0;
    const uint8_t *clip = flow_clip(&len);
    uint64_t reel_id = flow_upload(flow, person_id, clip, len, REELS_VISIBILITY_PUBLIC);
    reels_reel reel = flow_wait(flow, reel_id);
    ck_assert_msg(reel.state == REELS_REEL_READY,
                  "the reel is %s: %s: %s",
                  reels_reel_state_name(reel.state),
                  reel.reason,
                  reel.detail);
    return reel_id;
}

reels_event flow_event(
    uint32_t type, uint64_t reel_id, uint64_t session, uint64_t sequence, int64_t position_us)
{
    return (reels_event){.struct_size = sizeof(reels_event),
                         .type = type,
                         .reel_id = reel_id,
                         .source = session,
                         .sequence = sequence,
                         .position_us = position_us,
                         .playback = 1};
}

int64_t flow_count(struct flow *flow, uint64_t entity_id, uint32_t counter)
{
    int64_t count = -1;
    test_ok(&flow->env,
            reels_counter_read(reels_platform_stats(flow->platform),
                               NULL,
                               &entity_id,
                               1,
                               &counter,
                               1,
                               &count,
                               &flow->env.err));
    return count;
}

size_t flow_page(struct flow *flow,
                 uint64_t viewer_id,
                 char cursor[64],
                 reels_feed_item items[REELS_FEED_PAGE_ITEMS])
{
    reels_feed_request request = {
        .struct_size = sizeof(request), .viewer_id = viewer_id, .cursor = cursor};
    reels_buf *next = NULL;
    size_t count = 0;
    items[0].struct_size = sizeof(items[0]);
    test_ok(&flow->env, reels_buf_new(flow->env.ctx, 64, &next, &flow->env.err));
    test_ok(&flow->env,
            reels_feed_page(reels_platform_feed(flow->platform),
                            NULL,
                            &request,
                            items,
                            REELS_FEED_PAGE_ITEMS,
                            &count,
                            next,
                            &flow->env.err));
    memcpy(cursor, reels_buf_data(next), reels_buf_len(next) + 1);
    reels_buf_free(next);
    return count;
}
