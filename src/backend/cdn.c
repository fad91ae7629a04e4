/* Owns the front door of the cdn port and the choice between a host's tokens and the library's own.
 */
#include <string.h>

#include <reels/backend/blob.h>
#include <reels/backend/cdn.h>
#include <reels/backend/open.h>

#include "backend/cdn_token.h"
#include "backend/port.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/sha256.h"

enum {
    VTABLE_V1 = sizeof(reels_cdn_vtable),
    OPTIONS_V1 = sizeof(reels_cdn_options),
    PURGE_MAX = 1000
};

struct reels_cdn {
    reels_ctx *ctx;
    reels_cdn_vtable vtable; /* all NULL without a host's table */
    void *impl;
    reels_cdn_key keys[REELS_CDN_KEYS_MAX]; /* secrets are copies */
    size_t keys_count;
    uint32_t features;
};

static const reels__slot MUSTS[] = {
    {offsetof(reels_cdn_vtable, destroy), "destroy"},
};

static void keys_free(reels_cdn *cdn)
{
    for (size_t i = 0; i < cdn->keys_count; i++) {
        /* The copy is ours, the pointer is const for the signer. */
        uint8_t *secret = (uint8_t *)(uintptr_t)cdn->keys[i].secret;
        if (secret != NULL) {
            reels__secret_wipe(secret, cdn->keys[i].secret_len);
        }
        reels__mem_free(cdn->ctx, secret);
    }
}

static reels_status key_copy(reels_cdn *cdn, const reels_cdn_key *key, reels_error *err)
{
    REELS_REQUIRE(key->secret != NULL && key->secret_len >= REELS_CDN_KEY_BYTES_MIN &&
                      key->secret_len <= REELS_CDN_KEY_BYTES_MAX,
                  err,
                  "cdn: a secret has not 16 to 1024 bytes");
    for (size_t i = 0; i < cdn->keys_count; i++) {
        REELS_REQUIRE(cdn->keys[i].id != key->id, err, "cdn: two keys have one id");
    }
    reels_cdn_key *copy = &cdn->keys[cdn->keys_count];
    copy->id = key->id;
    copy->secret = reels__mem_dup(cdn->ctx, key->secret, key->secret_len);
    copy->secret_len = key->secret_len;
    if (copy->secret == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "cdn: no memory");
    }
    cdn->keys_count++;
    return REELS_OK;
}

static reels_status keys_copy(reels_cdn *cdn, const reels_cdn_options *options, reels_error *err)
{
    reels_cdn_options full = {0};
    REELS_TRY(
        reels__options_read(options, OPTIONS_V1, &full, sizeof full, "reels_cdn_options", err));
    REELS_REQUIRE(full.keys_count >= 1 && full.keys_count <= REELS_CDN_KEYS_MAX &&
                      full.keys != NULL,
                  err,
                  "cdn: own tokens need 1 to 16 keys");
    for (uint32_t i = 0; i < full.keys_count; i++) {
        REELS_TRY(key_copy(cdn, &full.keys[i], err));
    }
    return REELS_OK;
}

reels_status reels_cdn_new(reels_ctx *ctx,
                           const reels_cdn_vtable *vtable,
                           void *impl,
                           const reels_cdn_options *options,
                           reels_cdn **out,
                           reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    reels_cdn_vtable copy = {0};
    if (vtable != NULL) {
        REELS_TRY(reels__vtable_copy(
            vtable, VTABLE_V1, &copy, sizeof copy, "reels_cdn_vtable", MUSTS, 1, err));
        REELS_REQUIRE((copy.sign == NULL) == (copy.check == NULL),
                      err,
                      "reels_cdn_vtable: sign and check come together");
    }
    reels_cdn *cdn = reels__mem_zalloc(ctx, sizeof *cdn);
    if (cdn == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "cdn: no memory");
    }
    cdn->ctx = ctx;
    cdn->vtable = copy;
    cdn->impl = impl;
    cdn->features = (copy.purge != NULL ? REELS_CDN_HAS_PURGE : 0u) |
                    (copy.sign == NULL ? REELS_CDN_OWN_TOKENS : 0u);
    if (copy.sign == NULL) {
        reels_status status = keys_copy(cdn, options, err);
        if (status < 0) {
            keys_free(cdn);
            reels__mem_free(ctx, cdn);
            return status;
        }
    }
    *out = cdn;
    return REELS_OK;
}

reels_status reels_cdn_open(reels_ctx *ctx, const char *url, reels_cdn **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    void *port = NULL;
    REELS_TRY(reels__scheme_open(ctx, REELS_PORT_CDN, url, &port, err));
    *out = port;
    return REELS_OK;
}

void reels_cdn_free(reels_cdn *cdn)
{
    if (cdn == NULL) {
        return;
    }
    if (cdn->vtable.destroy != NULL) {
        cdn->vtable.destroy(cdn->impl);
    }
    keys_free(cdn);
    reels__mem_free(cdn->ctx, cdn);
}

uint32_t reels_cdn_features(const reels_cdn *cdn)
{
    return cdn != NULL ? cdn->features : 0;
}

/* A key, or a key and a slash. */
static reels_status prefix_check(const char *prefix, reels_error *err)
{
    char key[REELS_CDN_PREFIX_BYTES_MAX + 1];
    size_t len = prefix != NULL ? strnlen(prefix, sizeof key) : 0;
    int valid = len > 0 && len < sizeof key;
    if (valid) {
        memcpy(key, prefix, len + 1);
        key[key[len - 1] == '/' ? len - 1 : len] = '\0';
        valid = reels_blob_key_is_valid(key);
    }
    REELS_REQUIRE(valid, err, "prefix is no blob key, nor one with a slash behind it");
    return REELS_OK;
}

static reels_status viewer_check(const char *viewer, reels_error *err)
{
    if (viewer == NULL) {
        return REELS_OK;
    }
    REELS_TRY(reels__name_check(viewer, REELS_CDN_VIEWER_BYTES_MAX, "viewer", err));
    for (const char *at = viewer; *at != '\0'; at++) {
        REELS_REQUIRE(
            (unsigned char)*at >= 0x20 && *at != 0x7F, err, "viewer holds a control character");
    }
    return REELS_OK;
}

reels_status reels_cdn_sign(reels_cdn *cdn,
                            const reels_call *call,
                            const char *prefix,
                            const char *viewer,
                            int64_t expires_unix_us,
                            reels_buf *out_token,
                            reels_error *err)
{
    REELS_REQUIRE(cdn != NULL && out_token != NULL, err, "cdn or out_token is NULL");
    REELS_TRY(prefix_check(prefix, err));
    REELS_TRY(viewer_check(viewer, err));
    REELS_REQUIRE(expires_unix_us >= 1000000 && expires_unix_us / 1000000 <= 999999999999,
                  err,
                  "expires_unix_us is not a time of our era");
    REELS_TRY(reels__call_check(cdn->ctx, call, err));
    reels_buf_clear(out_token);
    if (cdn->vtable.sign != NULL) {
        return cdn->vtable.sign(cdn->impl, call, prefix, viewer, expires_unix_us, out_token, err);
    }
    return reels__cdn_token_sign(
        &cdn->keys[0], prefix, viewer, expires_unix_us / 1000000, out_token, err);
}

reels_status reels_cdn_check(reels_cdn *cdn,
                             const reels_call *call,
                             const char *token,
                             const char *path,
                             const char *viewer,
                             reels_error *err)
{
    REELS_REQUIRE(cdn != NULL, err, "cdn is NULL");
    REELS_REQUIRE(token != NULL && path != NULL, err, "token or path is NULL");
    REELS_TRY(viewer_check(viewer, err));
    REELS_TRY(reels__call_check(cdn->ctx, call, err));
    /* Both come from outside: what is malformed is not let in, which is no fault of the caller. */
    if (!reels_blob_key_is_valid(path) ||
        strnlen(token, REELS_CDN_TOKEN_BYTES_MAX + 1) > REELS_CDN_TOKEN_BYTES_MAX) {
        return reels__fail(err, REELS_ERR_DENIED, "the path is no blob key, or the token too long");
    }
    int64_t now = reels_ctx_now_unix_us(cdn->ctx);
    if (cdn->vtable.check != NULL) {
        return cdn->vtable.check(cdn->impl, call, token, path, viewer, now, err);
    }
    return reels__cdn_token_check(cdn->keys, cdn->keys_count, token, path, viewer, now, err);
}

reels_status reels_cdn_purge(reels_cdn *cdn,
                             const reels_call *call,
                             const char *const *prefixes,
                             size_t prefixes_count,
                             int64_t *out_done_unix_us,
                             reels_error *err)
{
    REELS_REQUIRE(cdn != NULL, err, "cdn is NULL");
    if (cdn->vtable.purge == NULL) {
        return reels__fail(err, REELS_ERR_UNSUPPORTED, "this cdn purges nothing");
    }
    REELS_REQUIRE(prefixes_count <= PURGE_MAX, err, "prefixes_count is above 1000");
    REELS_REQUIRE(prefixes != NULL || prefixes_count == 0, err, "prefixes is NULL");
    for (size_t i = 0; i < prefixes_count; i++) {
        REELS_TRY(prefix_check(prefixes[i], err));
    }
    REELS_TRY(reels__call_check(cdn->ctx, call, err));
    int64_t done = reels_ctx_now_unix_us(cdn->ctx);
    if (prefixes_count > 0) {
        REELS_TRY(cdn->vtable.purge(cdn->impl, call, prefixes, prefixes_count, &done, err));
    }
    if (out_done_unix_us != NULL) {
        *out_done_unix_us = done;
    }
    return REELS_OK;
}
