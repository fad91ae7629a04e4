/* Owns what the files of this folder share. */
#ifndef REELS_SRC_PLATFORM_INTERNAL_H
#define REELS_SRC_PLATFORM_INTERNAL_H

#include <pthread.h>

#include <reels/platform.h>

#include "base/map.h"

enum {
    REELS__PLATFORM_HOLDER_BYTES = 40,
    REELS__PLATFORM_URL_BYTES = 1024
};

/* Publishes the outbox. What was claimed is kept until it is acknowledged. */
struct reels__relay {
    reels_records *claimed;
    reels_buf *payloads;
    reels_record *appended; /* one topic's records of a batch */
    int pending;
};

struct reels__media_role; /* media_role.c; NULL when this build has no media */

struct reels__maintenance {
    int64_t uploads_due;
    int64_t reels_due;
    reels_buf *cursors[2]; /* how far each walk of maintenance.c has come; NULL before the first */
};

struct reels_platform {
    reels_ctx *ctx;
    reels_platform_config
        config; /* numbers with their defaults; strings are NULL but media_worker_path */
    char *media_worker_path; /* NULL = where it was installed */
    char holder[REELS__PLATFORM_HOLDER_BYTES];
    reels_catalog *catalog;
    reels_stats *stats;
    reels_blob *blob;
    reels_queue *queue;
    reels_cache *cache;
    reels_cdn *cdn;
    reels_id_generator *ids;
    reels_reel_store *reels;
    reels_uploads *uploads;
    reels_social *social;
    reels_feed *feed;
    reels_counter *counter;
    struct reels__relay relay;
    struct reels__media_role *media;
    struct reels__maintenance maintenance;
    pthread_mutex_t access_lock;
    struct reels__map_u64
        access; /* under access_lock: reel -> when it was looked at, and what was seen */
    int locks_made;
};

/* config.c */
reels_status reels__platform_config_read(reels_platform *platform,
                                         const reels_platform_config *config,
                                         reels_platform_config *full,
                                         reels_error *err);
/* Writes "<scheme>:<data_path>/<name>" unless the config has a URL of its own. */
reels_status reels__platform_url(const char *given,
                                 const char *scheme,
                                 const char *data_path,
                                 const char *name,
                                 char out[REELS__PLATFORM_URL_BYTES],
                                 reels_error *err);

/* relay.c */
reels_status reels__relay_init(reels_platform *platform, reels_error *err);
void reels__relay_dispose(reels_platform *platform);
reels_status reels__relay_step(reels_platform *platform,
                               int64_t budget_us,
                               int64_t *out_next_due,
                               reels_error *err);
/* Number that the relay gives an outbox shard as the source of its events: top bit set. */
uint64_t reels__relay_source(const uint8_t *shard, size_t shard_len);

/* media_role.c, or media_none.c */
reels_status
reels__media_role_new(reels_platform *platform, struct reels__media_role **out, reels_error *err);
void reels__media_role_free(struct reels__media_role *role);
reels_status reels__media_role_step(struct reels__media_role *role,
                                    int64_t budget_us,
                                    int64_t *out_next_due,
                                    reels_error *err);
/* The check of an upload's first bytes; NULL when this build has no media. */
reels_upload_check_fn reels__media_upload_check(void);

/* maintenance.c */
void reels__maintenance_dispose(struct reels__maintenance *maintenance);
reels_status reels__maintenance_step(reels_platform *platform,
                                     int64_t budget_us,
                                     int64_t *out_next_due,
                                     reels_error *err);

/* access.c: the key of media tokens, made once and kept in the catalog. */
const reels_table *reels__secret_table(void);
reels_status
reels__access_init(reels_platform *platform, const reels_platform_config *config, reels_error *err);

#endif
