/* Owns the making and checking of tokens. Parsing is strict, so that one grant has one text. */
#include "cdn_token.h"

#include <inttypes.h>
#include <string.h>

#include "base/buffer_internal.h"
#include "base/bytes.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/sha256.h"

enum {
    MAC_TEXT_LEN = 43,      /* 32 bytes in base64url */
    NUMBER_DIGITS_MAX = 12, /* seconds until the year 33658 */
    NUMBER_BYTES = 21
};

struct token {
    uint32_t key_id;
    int64_t expires_unix_s;
    size_t prefix_len;
    uint8_t mac[REELS__SHA256_BYTES];
};

static void mac_number(struct reels__hmac_sha256 *hmac, uint64_t number)
{
    char text[NUMBER_BYTES];
    size_t at = sizeof text;
    do {
        text[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    reels__hmac_sha256_update(hmac, text + at, sizeof text - at);
    reels__hmac_sha256_update(hmac, "\n", 1);
}

static void mac_make(const reels_cdn_key *key,
                     const char *prefix,
                     size_t prefix_len,
                     const char *viewer,
                     int64_t expires_unix_s,
                     uint8_t out[REELS__SHA256_BYTES])
{
    static const char label[] = "reels-cdn-1\n";
    struct reels__hmac_sha256 hmac;
    reels__hmac_sha256_init(&hmac, key->secret, key->secret_len);
    reels__hmac_sha256_update(&hmac, label, sizeof label - 1);
    mac_number(&hmac, key->id);
    mac_number(&hmac, (uint64_t)expires_unix_s);
    reels__hmac_sha256_update(&hmac, prefix, prefix_len);
    reels__hmac_sha256_update(&hmac, "\n", 1);
    if (viewer != NULL) {
        reels__hmac_sha256_update(&hmac, "=", 1);
        reels__hmac_sha256_update(&hmac, viewer, strlen(viewer));
    }
    reels__hmac_sha256_finish(&hmac, out);
}

reels_status reels__cdn_token_sign(const reels_cdn_key *key,
                                   const char *prefix,
                                   const char *viewer,
                                   int64_t expires_unix_s,
                                   reels_buf *out,
                                   reels_error *err)
{
    uint8_t mac[REELS__SHA256_BYTES];
    char text[MAC_TEXT_LEN + 1];
    size_t prefix_len = strlen(prefix);
    mac_make(key, prefix, prefix_len, viewer, expires_unix_s, mac);
    (void)reels__base64_encode(mac, sizeof mac, REELS__BASE64_URL, text);
    return reels__buf_append_format(
        out, err, "1.%" PRIu32 ".%" PRId64 ".%zu.%s", key->id, expires_unix_s, prefix_len, text);
}

/* Reads a decimal number without leading zeros up to a dot, and steps over it: 1, or 0. */
static int number_read(const char **at, uint64_t max, uint64_t *out)
{
    const char *text = *at;
    uint64_t number = 0;
    size_t digits = 0;
    while (digits < NUMBER_DIGITS_MAX && text[digits] >= '0' && text[digits] <= '9') {
        number = number * 10 + (uint64_t)(text[digits] - '0');
        digits++;
    }
    if (digits == 0 || text[digits] != '.' || number > max || (text[0] == '0' && digits > 1)) {
        return 0;
    }
    *at = text + digits + 1;
    *out = number;
    return 1;
}

static int token_parse(const char *text, struct token *out)
{
    uint64_t id = 0;
    uint64_t expires = 0;
    uint64_t prefix_len = 0;
    size_t mac_len = 0;
    uint8_t mac[REELS__SHA256_BYTES + 3];
    if (text[0] != '1' || text[1] != '.') {
        return 0;
    }
    text += 2;
    if (!number_read(&text, UINT32_MAX, &id) || !number_read(&text, INT64_MAX, &expires) ||
        !number_read(&text, REELS_CDN_PREFIX_BYTES_MAX, &prefix_len)) {
        return 0;
    }
    if (strnlen(text, MAC_TEXT_LEN + 1) != MAC_TEXT_LEN ||
        !reels__base64_decode(text, MAC_TEXT_LEN, REELS__BASE64_URL, mac, &mac_len) ||
        mac_len != REELS__SHA256_BYTES) {
        return 0;
    }
    out->key_id = (uint32_t)id;
    out->expires_unix_s = (int64_t)expires;
    out->prefix_len = (size_t)prefix_len;
    memcpy(out->mac, mac, sizeof out->mac);
    return 1;
}

/* 1 when the first len bytes of the path are the path, or a folder of it. */
static int prefix_covers(const char *path, size_t len)
{
    size_t path_len = strlen(path);
    return len > 0 && (len == path_len || (len < path_len && path[len - 1] == '/'));
}

static reels_status denied(reels_error *err)
{
    /* One message for all reasons: it may be shown to whoever tries. */
    return reels__fail(err, REELS_ERR_DENIED, "the token does not cover this path for this viewer");
}

/* Both forms are always computed when there is a viewer, so that the time says nothing. */
static int mac_is_right(const reels_cdn_key *key,
                        const struct token *token,
                        const char *path,
                        const char *viewer)
{
    uint8_t mac[REELS__SHA256_BYTES];
    mac_make(key, path, token->prefix_len, NULL, token->expires_unix_s, mac);
    int right = reels__secret_equal(mac, token->mac, sizeof mac);
    if (viewer != NULL) {
        mac_make(key, path, token->prefix_len, viewer, token->expires_unix_s, mac);
        right |= reels__secret_equal(mac, token->mac, sizeof mac);
    }
    return right;
}

reels_status reels__cdn_token_check(const reels_cdn_key *keys,
                                    size_t keys_count,
                                    const char *token,
                                    const char *path,
                                    const char *viewer,
                                    int64_t now_unix_us,
                                    reels_error *err)
{
    struct token parsed = {0};
    if (!token_parse(token, &parsed) || !prefix_covers(path, parsed.prefix_len)) {
        return denied(err);
    }
    for (size_t i = 0; i < keys_count; i++) {
        if (keys[i].id != parsed.key_id) {
            continue;
        }
        if (!mac_is_right(&keys[i], &parsed, path, viewer)) {
            return denied(err);
        }
        if (now_unix_us / 1000000 >= parsed.expires_unix_s) {
            return reels__fail(err, REELS_ERR_STALE, "the token has expired");
        }
        return REELS_OK;
    }
    return denied(err);
}
