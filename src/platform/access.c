/* Owns who may read media: tokens over the prefix of a reel's generation, and the asking, at most
 * once a second for each reel, whether it may still be seen: a takedown is effective within that
 * second although tokens live for minutes. */
#include <string.h>

#include "backend/value.h"
#include "base/compiler.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "platform_internal.h"

enum {
    SECRET_NAME,
    SECRET_VALUE,
    SECRET_COLUMNS
};

enum {
    KEY_BYTES = 32,
    KEY_ID = 1,
    ACCESS_MAX = 65536, /* reels remembered; past it all are forgotten, which costs one read each */
    ACCESS_US = 1000000, /* how long a look at the row holds */
    ROWS_BYTES_MAX = 65536,
    PREFIX_BYTES = 48
};

static const reels_column secret_columns[SECRET_COLUMNS] = {
    [SECRET_NAME] = {"name", REELS_TYPE_UTF8, 0},
    [SECRET_VALUE] = {"value", REELS_TYPE_BYTES, 0},
};
static const uint32_t secret_key[] = {SECRET_NAME};
static const reels_table secret_descriptor = {
    .struct_size = sizeof(reels_table),
    .version = 1,
    .name = "secrets",
    .columns = secret_columns,
    .key_columns = secret_key,
    .columns_count = SECRET_COLUMNS,
    .key_columns_count = 1,
    .shard_column = SECRET_NAME,
    .ttl_column = UINT32_MAX,
};

const reels_table *reels__secret_table(void)
{
    return &secret_descriptor;
}

/* Makes the key if there is none; another process may be doing the same. */
static reels_status offer_key(reels_platform *platform, reels_error *err)
{
    uint8_t bytes[KEY_BYTES];
    REELS_TRY(reels__random_fill(platform->ctx, bytes, sizeof(bytes), err));
    reels_value row[SECRET_COLUMNS] = {reels__value_text("media_token"),
                                       reels__value_bytes(bytes, sizeof(bytes))};
    reels_op op = {.table = &secret_descriptor,
                   .values = row,
                   .kind = REELS_OP_PUT,
                   .condition = REELS_IF_ABSENT};
    reels_commit commit = {
        .struct_size = sizeof(commit), .shard = row[0], .ops = &op, .ops_count = 1};
    reels_commit_result result = {0};
    REELS_TRY(reels_catalog_commit(platform->catalog, NULL, &commit, 1, &result, err));
    if (result.status != REELS_OK && result.status != REELS_ERR_CONFLICT) {
        return reels__fail(err, result.status, "the key of media tokens could not be written");
    }
    return REELS_OK;
}

static reels_status
make_cdn(reels_platform *platform, const uint8_t *key, size_t key_len, reels_error *err)
{
    reels_cdn_key keys = {.id = KEY_ID, .secret = key, .secret_len = key_len};
    reels_cdn_options options = {.struct_size = sizeof(options), .keys_count = 1, .keys = &keys};
    return reels_cdn_new(platform->ctx, NULL, NULL, &options, &platform->cdn, err);
}

static reels_status stored_key(reels_platform *platform, reels_error *err)
{
    const reels_table *table = &secret_descriptor;
    reels_value name = reels__value_text("media_token");
    reels_rows *rows = NULL;
    REELS_TRY(reels_catalog_declare(platform->catalog, NULL, &table, 1, err));
    REELS_TRY(offer_key(platform, err));
    reels_status status = reels_rows_new(platform->ctx, ROWS_BYTES_MAX, &rows, err);
    if (status == REELS_OK) {
        status = reels_catalog_get(platform->catalog, NULL, table, &name, 1, rows, err);
    }
    if (status == REELS_OK) {
        const reels_value *row = reels_rows_get(rows, 0, NULL);
        status = row != NULL
                     ? make_cdn(platform, row[SECRET_VALUE].data, row[SECRET_VALUE].len, err)
                     : reels__fail(err, REELS_ERR_CORRUPT, "the key of media tokens is gone");
    }
    reels_rows_free(rows);
    return status;
}

reels_status
reels__access_init(reels_platform *platform, const reels_platform_config *config, reels_error *err)
{
    REELS_TRY(reels__map_u64_init(&platform->access, platform->ctx, ACCESS_MAX, err));
    if (config->token_key != NULL) {
        return make_cdn(platform, config->token_key, config->token_key_len, err);
    }
    return stored_key(platform, err);
}

reels_status reels_platform_media_token(reels_platform *platform,
                                        const reels_reel *reel,
                                        uint64_t viewer_id,
                                        char *out,
                                        size_t capacity,
                                        reels_error *err)
{
    char prefix[PREFIX_BYTES];
    reels_buf *token = NULL;
    REELS_REQUIRE(
        platform != NULL && reel != NULL && out != NULL, err, "platform, reel and out are needed");
    REELS_REQUIRE(
        reel->struct_size == sizeof(*reel), err, "reel->struct_size is not sizeof(reels_reel)");
    if (reel->visibility != REELS_VISIBILITY_PUBLIC && reel->creator_id != viewer_id) {
        return reels__fail(err, REELS_ERR_DENIED, "a private reel plays for its creator only");
    }
    if (reel->state != REELS_REEL_READY) {
        return reels__fail(
            err, REELS_ERR_STATE, "the reel is %s", reels_reel_state_name(reel->state));
    }
    REELS_TRY(reels_reel_media_prefix(reel->id, reel->generation, prefix, sizeof(prefix)));
    REELS_TRY(reels_buf_new(platform->ctx, REELS_CDN_TOKEN_BYTES_MAX, &token, err));
    /* Rounded, so that a reel keeps its addresses for a third of that time and caches find them
     * again. */
    int64_t step = platform->config.token_valid_us / 3;
    int64_t now = reels_ctx_now_unix_us(platform->ctx);
    int64_t expires = now - (step > 0 ? now % step : 0) + platform->config.token_valid_us;
    reels_status status = reels_cdn_sign(platform->cdn, NULL, prefix, NULL, expires, token, err);
    if (status == REELS_OK && reels_buf_len(token) >= capacity) {
        status = reels__fail(
            err, REELS_ERR_BUFFER_TOO_SMALL, "a token has %zu bytes", reels_buf_len(token));
    }
    if (status == REELS_OK) {
        memcpy(out, reels_buf_data(token), reels_buf_len(token) + 1);
    }
    reels_buf_free(token);
    return status;
}

/* The ID in "m/<id>/...". */
static reels_status reel_of_key(const char *key, uint64_t *out_reel_id, reels_error *err)
{
    if (strncmp(key, "m/", 2) != 0 || strnlen(key + 2, REELS_ID_TEXT_LEN) != REELS_ID_TEXT_LEN ||
        key[2 + REELS_ID_TEXT_LEN] != '/' ||
        reels_id_text_read(key + 2, REELS_ID_TEXT_LEN, out_reel_id, NULL) != REELS_OK ||
        *out_reel_id > INT64_MAX) {
        return reels__fail(err, REELS_ERR_DENIED, "this is no media file");
    }
    return REELS_OK;
}

REELS__NOINLINE static reels_status
look_at_row(reels_platform *platform, uint64_t reel_id, int *out_ready, reels_error *err)
{
    reels_reel reel = {.struct_size = sizeof(reel)};
    REELS_TRY(reels_reel_get(platform->reels, NULL, &reel_id, 1, &reel, err));
    *out_ready = reel.state == REELS_REEL_READY;
    return REELS_OK;
}

/* Whether a reel is READY, as of a second ago at most. The value holds the time and, in its lowest
 * bit, what was seen. */
static reels_status
is_ready(reels_platform *platform, uint64_t reel_id, int *out_ready, reels_error *err)
{
    uint64_t seen = 0;
    int64_t now = reels_ctx_now_mono_us(platform->ctx);
    (void)pthread_mutex_lock(&platform->access_lock);
    int found = reels__map_u64_get(&platform->access, reel_id, &seen);
    (void)pthread_mutex_unlock(&platform->access_lock);
    if (found && now - (int64_t)(seen >> 1) < ACCESS_US) {
        *out_ready = (int)(seen & 1);
        return REELS_OK;
    }
    REELS_TRY(look_at_row(platform, reel_id, out_ready, err));
    (void)pthread_mutex_lock(&platform->access_lock);
    if (reels__map_u64_count(&platform->access) >= ACCESS_MAX - 1) {
        reels__map_u64_clear(&platform->access);
    }
    /* Not remembering it is no failure. */
    (void)reels__map_u64_put(
        &platform->access, reel_id, (uint64_t)now << 1 | (uint64_t)*out_ready, NULL);
    (void)pthread_mutex_unlock(&platform->access_lock);
    return REELS_OK;
}

reels_status reels_platform_media_check(reels_platform *platform,
                                        const char *token,
                                        const char *key,
                                        reels_error *err)
{
    uint64_t reel_id = 0;
    int ready = 0;
    REELS_REQUIRE(platform != NULL && token != NULL && key != NULL,
                  err,
                  "platform, token and key are needed");
    REELS_TRY(reel_of_key(key, &reel_id, err));
    reels_status status = reels_cdn_check(platform->cdn, NULL, token, key, NULL, err);
    if (status == REELS_ERR_STALE) {
        return reels__fail(err, REELS_ERR_DENIED, "the token has expired: ask for the reel again");
    }
    REELS_TRY(status);
    REELS_TRY(is_ready(platform, reel_id, &ready, err));
    if (!ready) {
        return reels__fail(err, REELS_ERR_DENIED, "the reel cannot be seen any more");
    }
    return REELS_OK;
}
