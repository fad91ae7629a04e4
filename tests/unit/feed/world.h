/* Owns a small world for tests of social and feed: everything in memory, reels made READY by hand,
 * and an outbox that is published by the platform's own relay. */
#ifndef REELS_TESTS_UNIT_FEED_WORLD_H
#define REELS_TESTS_UNIT_FEED_WORLD_H

#include <string.h>

#include <reels/platform.h>

#include "test_check.h"

enum {
    WORLD_ROLES = REELS_ROLE_RELAY | REELS_ROLE_COUNTER | REELS_ROLE_FEED
};

struct world {
    struct test_env env;
    reels_platform *platform;
    uint64_t next_reel;
};

static inline reels_platform_config world_config(void)
{
    return (reels_platform_config){.struct_size = sizeof(reels_platform_config),
                                   .data_path = "/data",
                                   .partitions_count = 2,
                                   .counter_window_us = 1000};
}

/* catalog_open makes "over:"; NULL = there is none. */
static inline void world_open_with(struct world *world,
                                   const reels_platform_config *config,
                                   reels_scheme_open_fn catalog_open)
{
    memset(world, 0, sizeof(*world));
    world->next_reel = 5000;
    test_env_init(&world->env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED | TEST_ENV_MEM_FS);
    if (catalog_open != NULL) {
        test_ok(
            &world->env,
            reels_scheme_register(
                world->env.ctx, REELS_PORT_CATALOG, "over", catalog_open, NULL, &world->env.err));
    }
    test_ok(&world->env,
            reels_platform_open(world->env.ctx, config, &world->platform, &world->env.err));
}

static inline void world_open(struct world *world, const char *cache_url)
{
    reels_platform_config config = world_config();
    config.cache_url = cache_url;
    world_open_with(world, &config, NULL);
}

static inline void world_close(struct world *world)
{
    reels_platform_free(world->platform);
    test_env_dispose(&world->env);
}

static inline void world_settle(struct world *world)
{
    test_clock_advance(&world->env.clock, 2000000);
    test_ok(&world->env,
            reels_platform_settle(world->platform, NULL, WORLD_ROLES, &world->env.err));
}

/* Moves a reel to a state, step by step. */
static inline void world_move(struct world *world, uint64_t id, uint32_t state)
{
    reels_reel_store *reels = reels_platform_reels(world->platform);
    reels_reel reel = {.struct_size = sizeof(reel)};
    test_ok(&world->env, reels_reel_get(reels, NULL, &id, 1, &reel, &world->env.err));
    reel.state = state;
    if (state == REELS_REEL_READY) {
        reel.generation = 1;
        reel.revision = 1;
        reel.duration_us = 8000000;
        reel.ready_unix_us = reels_ctx_now_unix_us(world->env.ctx);
    }
    test_ok(&world->env, reels_reel_update(reels, NULL, &reel, &world->env.err));
}

static inline uint64_t world_reel(struct world *world, uint64_t creator_id, uint32_t visibility)
{
    reels_reel reel = {.struct_size = sizeof(reel),
                       .id = world->next_reel++,
                       .creator_id = creator_id,
                       .visibility = visibility};
    test_ok(&world->env,
            reels_reel_add(reels_platform_reels(world->platform), NULL, &reel, &world->env.err));
    world_move(world, reel.id, REELS_REEL_UPLOADED);
    world_move(world, reel.id, REELS_REEL_PROCESSING);
    world_move(world, reel.id, REELS_REEL_READY);
    test_clock_advance(&world->env.clock, 1000);
    return reel.id;
}

static inline reels_status
world_relate(struct world *world, uint32_t kind, uint64_t from, uint64_t to, int32_t on)
{
    return reels_relation_set(
        reels_platform_social(world->platform), NULL, kind, from, to, on, NULL, &world->env.err);
}

static inline int64_t world_count(struct world *world, uint64_t entity, uint32_t counter)
{
    int64_t count = -1;
    test_ok(&world->env,
            reels_counter_read(reels_platform_stats(world->platform),
                               NULL,
                               &entity,
                               1,
                               &counter,
                               1,
                               &count,
                               &world->env.err));
    return count;
}

#endif
