/* Owns the configuration: its defaults, its limits and the reading of it from JSON. */
#include <string.h>

#include "base/compiler.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "platform_internal.h"

enum {
    DEFAULT_PARTITIONS = 16,
    DEFAULT_MEDIA_JOBS = 1,
    MEDIA_JOBS_MAX = 16,
    DEFAULT_MEDIA_THREADS = 2,
    DEFAULT_ATTEMPTS = 3,
    DEFAULT_LEASE_US = 30000000,
    DEFAULT_DURATION_US = 90000000,
    DEFAULT_WINDOW_US = 1000000,
    TOKEN_VALID_US_MAX = 900000000,
    TOKEN_KEY_BYTES_MIN = 32,
    JSON_BYTES_MAX = 65536,
    TEXT_BYTES_MAX = 1000,
    LEASE_US_MIN = 1000000
};

#define LEASE_US_MAX INT64_C(86400000000) /* the catalog's limit */

static void set_defaults(reels_platform_config *full)
{
    full->partitions_count =
        full->partitions_count != 0 ? full->partitions_count : DEFAULT_PARTITIONS;
    full->media_jobs_max = full->media_jobs_max != 0 ? full->media_jobs_max : DEFAULT_MEDIA_JOBS;
    full->media_threads_count =
        full->media_threads_count != 0 ? full->media_threads_count : DEFAULT_MEDIA_THREADS;
    full->media_attempts_max =
        full->media_attempts_max != 0 ? full->media_attempts_max : DEFAULT_ATTEMPTS;
    full->media_lease_us = full->media_lease_us != 0 ? full->media_lease_us : DEFAULT_LEASE_US;
    full->media_duration_us_max =
        full->media_duration_us_max != 0 ? full->media_duration_us_max : DEFAULT_DURATION_US;
    full->counter_window_us =
        full->counter_window_us != 0 ? full->counter_window_us : DEFAULT_WINDOW_US;
    full->token_valid_us = full->token_valid_us != 0 ? full->token_valid_us : TOKEN_VALID_US_MAX;
}

reels_status reels__platform_config_read(reels_platform *platform,
                                         const reels_platform_config *config,
                                         reels_platform_config *full,
                                         reels_error *err)
{
    REELS_REQUIRE(config != NULL, err, "config is NULL");
    REELS_TRY(reels__options_read(config, sizeof(*full), full, sizeof(*full), "config", err));
    set_defaults(full);
    int embedded = full->catalog_url == NULL || full->stats_url == NULL || full->blob_url == NULL ||
                   full->queue_url == NULL;
    REELS_REQUIRE(!embedded || (full->data_path != NULL && full->data_path[0] != '\0'),
                  err,
                  "config->data_path is needed for the embedded defaults");
    REELS_REQUIRE(full->partitions_count <= REELS_QUEUE_PARTITIONS_MAX,
                  err,
                  "partitions_count is at most 1024");
    REELS_REQUIRE(full->media_jobs_max <= MEDIA_JOBS_MAX, err, "media_jobs_max is at most 16");
    REELS_REQUIRE(full->media_threads_count <= 64, err, "media_threads_count is at most 64");
    REELS_REQUIRE(full->media_attempts_max <= 100, err, "media_attempts_max is at most 100");
    REELS_REQUIRE(full->media_lease_us >= LEASE_US_MIN && full->media_lease_us <= LEASE_US_MAX,
                  err,
                  "media_lease_us is 1 s to 24 h");
    REELS_REQUIRE(full->media_duration_us_max > 0, err, "media_duration_us_max is above 0");
    REELS_REQUIRE(full->token_valid_us > 0 && full->token_valid_us <= TOKEN_VALID_US_MAX,
                  err,
                  "token_valid_us is at most 15 minutes");
    REELS_REQUIRE(full->token_key == NULL || full->token_key_len >= TOKEN_KEY_BYTES_MIN,
                  err,
                  "token_key has at least 32 bytes");
    platform->config = *full;
    platform->config.data_path = NULL;
    platform->config.catalog_url = NULL;
    platform->config.stats_url = NULL;
    platform->config.blob_url = NULL;
    platform->config.queue_url = NULL;
    platform->config.cache_url = NULL;
    platform->config.token_key = NULL;
    platform->config.token_key_len = 0;
    if (full->media_worker_path != NULL) {
        platform->media_worker_path = reels__mem_strdup(platform->ctx, full->media_worker_path);
        if (platform->media_worker_path == NULL) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for the configuration");
        }
    }
    platform->config.media_worker_path = platform->media_worker_path;
    return REELS_OK;
}

reels_status reels__platform_url(const char *given,
                                 const char *scheme,
                                 const char *data_path,
                                 const char *name,
                                 char out[REELS__PLATFORM_URL_BYTES],
                                 reels_error *err)
{
    const char *parts[] = {scheme, ":", data_path, "/", name};
    size_t at = 0;
    if (given != NULL) {
        parts[0] = given;
        parts[1] = parts[2] = parts[3] = parts[4] = "";
    }
    for (size_t i = 0; i < REELS__COUNT(parts); i++) {
        size_t len = strlen(parts[i]);
        if (len >= REELS__PLATFORM_URL_BYTES - at) {
            return reels__fail(err,
                               REELS_ERR_LIMIT,
                               "a URL is longer than %d bytes",
                               REELS__PLATFORM_URL_BYTES - 1);
        }
        memcpy(out + at, parts[i], len + 1);
        at += len;
    }
    return REELS_OK;
}

/* ---- JSON ---- */

/* Where each member goes. */
enum {
    AS_TEXT,
    AS_U32,
    AS_I64,
    AS_U64
};

static const struct {
    const char *name;
    uint32_t as;
    size_t offset;
} members[] = {
    {"region", AS_U32, offsetof(reels_platform_config, region)},
    {"data_path", AS_TEXT, offsetof(reels_platform_config, data_path)},
    {"catalog_url", AS_TEXT, offsetof(reels_platform_config, catalog_url)},
    {"stats_url", AS_TEXT, offsetof(reels_platform_config, stats_url)},
    {"blob_url", AS_TEXT, offsetof(reels_platform_config, blob_url)},
    {"queue_url", AS_TEXT, offsetof(reels_platform_config, queue_url)},
    {"cache_url", AS_TEXT, offsetof(reels_platform_config, cache_url)},
    {"media_worker_path", AS_TEXT, offsetof(reels_platform_config, media_worker_path)},
    {"partitions_count", AS_U32, offsetof(reels_platform_config, partitions_count)},
    {"media_jobs_max", AS_U32, offsetof(reels_platform_config, media_jobs_max)},
    {"media_threads_count", AS_U32, offsetof(reels_platform_config, media_threads_count)},
    {"media_attempts_max", AS_U32, offsetof(reels_platform_config, media_attempts_max)},
    {"media_lease_us", AS_I64, offsetof(reels_platform_config, media_lease_us)},
    {"media_duration_us_max", AS_I64, offsetof(reels_platform_config, media_duration_us_max)},
    {"counter_window_us", AS_I64, offsetof(reels_platform_config, counter_window_us)},
    {"token_valid_us", AS_I64, offsetof(reels_platform_config, token_valid_us)},
    {"upload_bytes_max", AS_U64, offsetof(reels_platform_config, upload.bytes_max)},
    {"upload_expires_after_us", AS_I64, offsetof(reels_platform_config, upload.expires_after_us)},
};

/* Texts live here while the platform is opened. */
struct json_config {
    reels_platform_config config;
    char texts[REELS__COUNT(members)][TEXT_BYTES_MAX + 1];
};

static reels_status read_value(struct json_config *json,
                               size_t member,
                               const struct reels__json_token *token,
                               reels_error *err)
{
    uint8_t *field = (uint8_t *)&json->config + members[member].offset;
    uint64_t number = 0;
    int64_t signed_number = 0;
    size_t len = 0;
    if (members[member].as == AS_TEXT) {
        if (token->kind != REELS__JSON_STRING) {
            return reels__fail(
                err, REELS_ERR_INVALID_ARG, "%s must be a string", members[member].name);
        }
        char *text = json->texts[member];
        REELS_TRY(reels__json_text_copy(token, text, sizeof(json->texts[member]), &len, err));
        REELS_REQUIRE(strlen(text) == len, err, "a string of the configuration holds a NUL");
        const char *value = text;
        memcpy(field, &value, sizeof(value));
        return REELS_OK;
    }
    if (members[member].as == AS_I64) {
        REELS_TRY(reels__json_i64(token, &signed_number, err));
        REELS_REQUIRE(signed_number >= 0, err, "a number of the configuration is negative");
        memcpy(field, &signed_number, sizeof(signed_number));
        return REELS_OK;
    }
    REELS_TRY(reels__json_u64(token, &number, err));
    if (members[member].as == AS_U64) {
        memcpy(field, &number, sizeof(number));
        return REELS_OK;
    }
    uint32_t narrow = (uint32_t)number;
    REELS_REQUIRE(number <= UINT32_MAX, err, "a number of the configuration is too large");
    memcpy(field, &narrow, sizeof(narrow));
    return REELS_OK;
}

static reels_status
read_json(const char *text, size_t len, struct json_config *json, reels_error *err)
{
    struct reels__json_reader reader;
    struct reels__json_token token;
    reels__json_reader_init(&reader, text, len);
    REELS_TRY(reels__json_expect(&reader, REELS__JSON_OBJECT_BEGIN, &token, err));
    for (;;) {
        REELS_TRY(reels__json_next(&reader, &token, err));
        if (token.kind == REELS__JSON_OBJECT_END) {
            break;
        }
        size_t member = 0;
        while (member < REELS__COUNT(members) &&
               !reels__json_text_is(&token, members[member].name)) {
            member++;
        }
        if (member == REELS__COUNT(members)) {
            return reels__fail(err,
                               REELS_ERR_INVALID_ARG,
                               "the configuration has no member \"%.*s\"",
                               (int)(token.len < 64 ? token.len : 64),
                               token.text);
        }
        REELS_TRY(reels__json_next(&reader, &token, err));
        REELS_TRY(read_value(json, member, &token, err));
    }
    reels_status status = reels__json_next(&reader, &token, err);
    return status == REELS_END ? REELS_OK : status;
}

reels_status reels_platform_open_json(
    reels_ctx *ctx, const char *json, size_t len, reels_platform **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL && json != NULL, err, "ctx and json are needed");
    REELS_REQUIRE(len <= JSON_BYTES_MAX, err, "a configuration has at most 64 KiB");
    struct json_config *config = reels__mem_zalloc(ctx, sizeof(*config));
    if (config == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for the configuration");
    }
    config->config.struct_size = sizeof(config->config);
    reels_status status = read_json(json, len, config, err);
    if (config->config.upload.bytes_max != 0 || config->config.upload.expires_after_us != 0) {
        config->config.upload.struct_size = sizeof(config->config.upload);
    }
    if (status == REELS_OK) {
        status = reels_platform_open(ctx, &config->config, out, err);
    }
    reels__mem_free(ctx, config);
    return status;
}
