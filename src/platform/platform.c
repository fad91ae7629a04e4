/* Owns the whole: opening every port and engine in the order in which they stand on each other, and
 * closing them in the reverse one. */
#include <string.h>

#include "base/ctx_internal.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "platform_internal.h"
#include "social/relation.h"

static reels_status make_data_folder(reels_platform *platform, const char *path, reels_error *err)
{
    if (path == NULL) {
        return REELS_OK;
    }
    const reels_fs *fs = &platform->ctx->fs;
    reels_status status = fs->make_dir(fs->user, path, err);
    return status == REELS_ERR_EXISTS ? REELS_OK : status;
}

static reels_status
open_ports(reels_platform *platform, const reels_platform_config *config, reels_error *err)
{
    reels_ctx *ctx = platform->ctx;
    const char *data = config->data_path;
    char url[REELS__PLATFORM_URL_BYTES];
    REELS_TRY(make_data_folder(platform, data, err));
    REELS_TRY(reels__platform_url(config->catalog_url, "sqlite", data, "catalog.db", url, err));
    REELS_TRY(reels_catalog_open(ctx, url, &platform->catalog, err));
    REELS_TRY(reels__platform_url(config->stats_url, "sqlite", data, "stats.db", url, err));
    REELS_TRY(reels_stats_open(ctx, url, &platform->stats, err));
    REELS_TRY(reels__platform_url(config->blob_url, "file", data, "blob", url, err));
    REELS_TRY(reels_blob_open(ctx, url, &platform->blob, err));
    REELS_TRY(reels__platform_url(config->queue_url, "file", data, "queue", url, err));
    REELS_TRY(reels_queue_open(ctx, url, &platform->queue, err));
    return reels_cache_open(
        ctx, config->cache_url != NULL ? config->cache_url : "mem:", &platform->cache, err);
}

static reels_status open_topics(reels_platform *platform, reels_error *err)
{
    for (uint32_t topic = REELS_TOPIC_REEL; topic <= REELS_TOPIC_PERSON; topic <<= 1) {
        uint32_t partitions = 0;
        REELS_TRY(reels_queue_topic_open(platform->queue,
                                         NULL,
                                         reels_event_topic_name(topic),
                                         platform->config.partitions_count,
                                         &partitions,
                                         err));
    }
    return REELS_OK;
}

static reels_status open_ids(reels_platform *platform, reels_error *err)
{
    const reels_id_lease_vtable *lease = NULL;
    void *lease_impl = NULL;
    REELS_TRY(
        reels_id_lease_catalog_new(platform->ctx, platform->catalog, &lease, &lease_impl, err));
    reels_id_options options = {.struct_size = sizeof(options),
                                .flags = REELS_ID_NODE_LEASED,
                                .region = platform->config.region,
                                .lease = lease,
                                .lease_impl = lease_impl};
    reels_status status =
        reels_id_generator_new(platform->ctx, &options, NULL, &platform->ids, err);
    if (status < 0 && lease->destroy != NULL) {
        lease->destroy(lease_impl);
    }
    return status;
}

static reels_status open_feed(reels_platform *platform, reels_error *err)
{
    reels_feed_parts parts = {.struct_size = sizeof(parts),
                              .catalog = platform->catalog,
                              .queue = platform->queue,
                              .stats = platform->stats,
                              .cache = platform->cache,
                              .ids = platform->ids,
                              .reels = platform->reels,
                              .social = platform->social};
    reels_feed_options options = platform->config.feed;
    options.struct_size = sizeof(options);
    options.partitions_count = platform->config.partitions_count;
    return reels_feed_new(platform->ctx, &parts, &options, &platform->feed, err);
}

static reels_status open_engines(reels_platform *platform, reels_error *err)
{
    reels_ctx *ctx = platform->ctx;
    const reels_table *renditions = reels_rendition_table();
    REELS_TRY(open_ids(platform, err));
    REELS_TRY(reels_reel_store_new(ctx, platform->catalog, &platform->reels, err));
    REELS_TRY(reels_catalog_declare(platform->catalog, NULL, &renditions, 1, err));
    reels_upload_options upload = platform->config.upload;
    upload.struct_size = sizeof(upload);
    upload.check = reels__media_upload_check();
    upload.check_user = platform;
    REELS_TRY(reels_uploads_new(ctx,
                                platform->catalog,
                                platform->blob,
                                platform->ids,
                                platform->reels,
                                &upload,
                                &platform->uploads,
                                err));
    REELS_TRY(reels_social_new(
        ctx, platform->catalog, platform->ids, platform->reels, &platform->social, err));
    REELS_TRY(open_feed(platform, err));
    reels_counter_options counter = {.struct_size = sizeof(counter),
                                     .partitions_count = platform->config.partitions_count,
                                     .window_us = platform->config.counter_window_us,
                                     .holder = platform->holder};
    REELS_TRY(reels_counter_new(
        ctx, platform->queue, platform->stats, &counter, &platform->counter, err));
    REELS_TRY(reels__relay_init(platform, err));
    return reels__media_role_new(platform, &platform->media, err);
}

static reels_status name_holder(reels_platform *platform, reels_error *err)
{
    uint8_t bytes[12];
    REELS_TRY(reels__random_fill(platform->ctx, bytes, sizeof(bytes), err));
    memcpy(platform->holder, "platform-", 9);
    reels__hex_encode(bytes, sizeof(bytes), platform->holder + 9);
    return REELS_OK;
}

static reels_status
platform_init(reels_platform *platform, const reels_platform_config *config, reels_error *err)
{
    reels_platform_config full;
    REELS_TRY(reels__platform_config_read(platform, config, &full, err));
    REELS_TRY(name_holder(platform, err));
    if (pthread_mutex_init(&platform->access_lock, NULL) != 0) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no lock for the platform");
    }
    platform->locks_made = 1;
    REELS_TRY(open_ports(platform, &full, err));
    REELS_TRY(open_topics(platform, err));
    REELS_TRY(reels__access_init(platform, &full, err));
    return open_engines(platform, err);
}

reels_status reels_platform_open(reels_ctx *ctx,
                                 const reels_platform_config *config,
                                 reels_platform **out,
                                 reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    reels_platform *platform = reels__mem_zalloc(ctx, sizeof(*platform));
    if (platform == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for the platform");
    }
    platform->ctx = ctx;
    reels_status status = platform_init(platform, config, err);
    if (status < 0) {
        reels_platform_free(platform);
        return status;
    }
    *out = platform;
    return REELS_OK;
}

void reels_platform_free(reels_platform *platform)
{
    if (platform == NULL) {
        return;
    }
    reels__media_role_free(platform->media);
    if (platform->counter != NULL) {
        /* What cannot be stored now is read again by the next consumer. */
        (void)reels_counter_flush(platform->counter, NULL);
    }
    reels__relay_dispose(platform);
    reels__maintenance_dispose(&platform->maintenance);
    reels_counter_free(platform->counter);
    reels_feed_free(platform->feed);
    reels_social_free(platform->social);
    reels_uploads_free(platform->uploads);
    reels_reel_store_free(platform->reels);
    reels_id_generator_free(platform->ids);
    reels_cdn_free(platform->cdn);
    reels_cache_free(platform->cache);
    reels_queue_free(platform->queue);
    reels_blob_free(platform->blob);
    reels_stats_free(platform->stats);
    reels_catalog_free(platform->catalog);
    reels__map_u64_dispose(&platform->access);
    if (platform->locks_made) {
        (void)pthread_mutex_destroy(&platform->access_lock);
    }
    reels__mem_free(platform->ctx, platform->media_worker_path);
    reels__mem_free(platform->ctx, platform);
}

reels_uploads *reels_platform_uploads(reels_platform *platform)
{
    return platform->uploads;
}

reels_reel_store *reels_platform_reels(reels_platform *platform)
{
    return platform->reels;
}

reels_social *reels_platform_social(reels_platform *platform)
{
    return platform->social;
}

reels_feed *reels_platform_feed(reels_platform *platform)
{
    return platform->feed;
}

reels_stats *reels_platform_stats(reels_platform *platform)
{
    return platform->stats;
}

reels_blob *reels_platform_blob(reels_platform *platform)
{
    return platform->blob;
}

reels_catalog *reels_platform_catalog(reels_platform *platform)
{
    return platform->catalog;
}

reels_id_generator *reels_platform_ids(reels_platform *platform)
{
    return platform->ids;
}

reels_status reels_platform_reel_remove(reels_platform *platform,
                                        const reels_call *call,
                                        uint64_t reel_id,
                                        uint64_t person_id,
                                        reels_error *err)
{
    REELS_REQUIRE(platform != NULL, err, "platform is NULL");
    reels_reel reel = {.struct_size = sizeof(reel)};
    reels_status status = REELS_ERR_CONFLICT;
    for (int attempt = 0; attempt < 8 && status == REELS_ERR_CONFLICT; attempt++) {
        REELS_TRY(reels_reel_get(platform->reels, call, &reel_id, 1, &reel, err));
        if (reel.state == REELS_REEL_NONE || reel.state == REELS_REEL_DELETED) {
            return reels__fail(err, REELS_ERR_NOT_FOUND, "there is no such reel");
        }
        if (reel.creator_id != person_id) {
            uint64_t creator_id = 0;
            REELS_TRY(
                reels__social_reel(platform->social, call, reel_id, person_id, &creator_id, err));
            return reels__fail(err, REELS_ERR_DENIED, "only its creator may remove a reel");
        }
        if (reel.state == REELS_REEL_INIT) {
            return reels_upload_abort(platform->uploads, call, reel_id, person_id, err);
        }
        reel.state = REELS_REEL_DELETED;
        status = reels_reel_update(platform->reels, call, &reel, err);
    }
    return status;
}
