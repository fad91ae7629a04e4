/* Owns a platform in memory for tests of its roles, with a clock that is moved by hand, reels that
 * are moved by hand, and leases of workers elsewhere. */
#ifndef REELS_TESTS_UNIT_PLATFORM_ROLES_WORLD_H
#define REELS_TESTS_UNIT_PLATFORM_ROLES_WORLD_H

#include <stdio.h>
#include <string.h>

#include <reels/platform.h>

#include "platform/platform_internal.h"
#include "prefetch/renditions.h"
#include "social/tables.h"
#include "test_check.h"

enum {
    ADA = 11,
    BOB = 22,
    MEMORY_RUNS_MAX = 20000
};

#define LEASE_US INT64_C(30000000)

static struct test_env env;
static reels_platform *platform;

static inline reels_platform_config memory_config(void)
{
    return (reels_platform_config){.struct_size = sizeof(reels_platform_config),
                                   .catalog_url = "mem:",
                                   .stats_url = "mem:",
                                   .blob_url = "mem:",
                                   .queue_url = "mem:",
                                   .partitions_count = 2,
                                   .media_attempts_max = 3,
                                   .media_lease_us = LEASE_US,
                                   .counter_window_us = 1000};
}

static inline void setup(void)
{
    reels_platform_config config = memory_config();
    test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED);
    test_ok(&env, reels_platform_open(env.ctx, &config, &platform, &env.err));
}

static inline void teardown(void)
{
    reels_platform_free(platform);
    test_env_dispose(&env);
}

/* ---- ways ---- */

static inline reels_reel get(uint64_t id)
{
    reels_reel reel = {.struct_size = sizeof(reel)};
    test_ok(&env, reels_reel_get(reels_platform_reels(platform), NULL, &id, 1, &reel, &env.err));
    return reel;
}

static inline void move(uint64_t id, uint32_t state)
{
    reels_reel reel = get(id);
    reel.state = state;
    if (state == REELS_REEL_PROCESSING) {
        reel.generation++;
        reel.attempts_count++;
    }
    reel.duration_us = 8000000;
    test_ok(&env, reels_reel_update(reels_platform_reels(platform), NULL, &reel, &env.err));
}

static inline void make(uint64_t id, uint32_t state)
{
    static const uint32_t way[] = {REELS_REEL_UPLOADED, REELS_REEL_PROCESSING, REELS_REEL_READY};
    reels_reel reel = {.struct_size = sizeof(reel), .id = id, .creator_id = ADA};
    test_ok(&env, reels_reel_add(reels_platform_reels(platform), NULL, &reel, &env.err));
    for (size_t i = 0; i < 3 && get(id).state != state; i++) {
        move(id, way[i]);
    }
}

static inline void maintain(void)
{
    int64_t due = 0;
    test_clock_advance(&env.clock, 3000000);
    test_ok(&env, reels_platform_step(platform, REELS_ROLE_MAINTENANCE, 1000000, &due, &env.err));
}

static inline void lease_name(uint64_t id, char out[48])
{
    memcpy(out, "media/", 6);
    test_ok(&env, reels_id_text_write(id, out + 6, 42, &env.err));
}

static inline uint64_t take_lease(uint64_t id)
{
    char name[48];
    uint64_t fence = 0;
    lease_name(id, name);
    test_ok(&env,
            reels_catalog_lease_acquire(reels_platform_catalog(platform),
                                        NULL,
                                        name,
                                        "a worker elsewhere",
                                        LEASE_US,
                                        &fence,
                                        &env.err));
    return fence;
}

static inline reels_status renew(uint64_t id, uint64_t fence)
{
    char name[48];
    lease_name(id, name);
    return reels_catalog_lease_renew(
        reels_platform_catalog(platform), NULL, name, fence, LEASE_US, &env.err);
}

static inline reels_status
read_one(void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err)
{
    int *left = user;
    (void)err;
    *out_len = *left > 0 && capacity > 0 ? 1 : 0;
    if (*out_len > 0) {
        data[0] = 'x';
    }
    *left = 0;
    return REELS_OK;
}

static inline void put_blob(const char *key)
{
    int left = 1;
    reels_blob_source source = {
        .struct_size = sizeof(source), .length_bytes = 1, .reader = read_one, .reader_user = &left};
    test_ok(&env,
            reels_blob_put(reels_platform_blob(platform), NULL, key, &source, NULL, &env.err));
}

static inline reels_status head_blob(const char *key)
{
    reels_blob_info info = {.struct_size = sizeof(info)};
    return reels_blob_head(reels_platform_blob(platform), NULL, key, &info, NULL);
}

static inline void put_rendition(uint64_t id, uint32_t generation)
{
    reels_rendition rendition = {.struct_size = sizeof(rendition), .file = "v.mp4"};
    test_ok(&env,
            reels_renditions_put(env.ctx,
                                 reels_platform_catalog(platform),
                                 NULL,
                                 id,
                                 generation,
                                 &rendition,
                                 1,
                                 &env.err));
}

static inline size_t renditions_of(uint64_t id, uint32_t generation)
{
    reels_rendition found[REELS__RENDITIONS_MAX];
    size_t count = 0;
    test_ok(&env,
            reels__renditions_read(env.ctx,
                                   reels_platform_catalog(platform),
                                   NULL,
                                   id,
                                   generation,
                                   found,
                                   &count,
                                   &env.err));
    return count;
}

#endif
