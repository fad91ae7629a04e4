/* Owns the reading of the headers of tus 1.0.0. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tus.h"

int tus_version(struct request *request)
{
    const char *version = request_header(request, "Tus-Resumable");
    if (version == NULL || strcmp(version, "1.0.0") != 0) {
        answer_error(request, 412, "tus_version", "this server speaks tus 1.0.0");
        return 0;
    }
    return 1;
}

int tus_number(struct request *request, const char *name, uint64_t *out)
{
    const char *text = request_header(request, name);
    if (text == NULL) {
        return 0;
    }
    size_t len = strlen(text);
    *out = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || len > 16) {
            answer_error(request, 400, "bad_header", "%s is not a number of bytes", name);
            return -1;
        }
        *out = *out * 10 + (uint64_t)(text[i] - '0');
    }
    if (len == 0) {
        answer_error(request, 400, "bad_header", "%s is empty", name);
        return -1;
    }
    return 1;
}

/* Decodes base64; the number of bytes, or -1. out has room for len bytes and a NUL. */
static int decode_base64(const char *text, size_t len, uint8_t *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    int held = 0;
    int made = 0;
    while (len > 0 && text[len - 1] == '=') {
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        const char *digit = text[i] != '\0' ? strchr(digits, text[i]) : NULL;
        if (digit == NULL) {
            return -1;
        }
        bits = bits << 6 | (uint32_t)(digit - digits);
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[made++] = (uint8_t)(bits >> held);
        }
    }
    out[made] = '\0';
    return made;
}

int tus_checksum(struct request *request, struct upload_body *body)
{
    const char *header = request_header(request, "Upload-Checksum");
    if (header == NULL) {
        return 1;
    }
    const char *space = strchr(header, ' ');
    size_t name_len = space != NULL ? (size_t)(space - header) : 0;
    if (name_len == 4 && memcmp(header, "sha1", 4) == 0) {
        body->algorithm = EVP_sha1();
    } else if (name_len == 6 && memcmp(header, "sha256", 6) == 0) {
        body->algorithm = EVP_sha256();
    } else {
        answer_error(request, 400, "bad_header", "Upload-Checksum takes sha1 and sha256");
        return 0;
    }
    uint8_t digest[256];
    int len = strlen(space + 1) < 200 ? decode_base64(space + 1, strlen(space + 1), digest) : -1;
    if (len != EVP_MD_get_size(body->algorithm)) {
        answer_error(
            request, 400, "bad_header", "Upload-Checksum is not a digest of that kind in base64");
        return 0;
    }
    memcpy(body->digest, digest, (size_t)len);
    body->digest_len = (size_t)len;
    return 1;
}

/* ---- metadata ---- */

/* One pair; 0 after having answered. */
static int take_pair(struct request *request, const char *pair, size_t len, struct metadata *out)
{
    const char *space = memchr(pair, ' ', len);
    size_t key_len = space != NULL ? (size_t)(space - pair) : len;
    static const struct {
        const char *key;
        size_t offset;
        size_t capacity;
    } keys[] = {
        {"filename", offsetof(struct metadata, filename), sizeof(out->filename)},
        {"caption", offsetof(struct metadata, caption), sizeof(out->caption)},
        {"visibility", offsetof(struct metadata, visibility), sizeof(out->visibility)},
    };
    if (key_len == 0) {
        answer_error(request, 400, "bad_header", "Upload-Metadata has a pair without a key");
        return 0;
    }
    uint8_t *value = malloc(len + 1);
    int value_len = value == NULL   ? -1
                    : space != NULL ? decode_base64(space + 1, len - key_len - 1, value)
                                    : 0;
    int good = value_len >= 0;
    for (size_t i = 0; good && i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strlen(keys[i].key) != key_len || memcmp(keys[i].key, pair, key_len) != 0) {
            continue;
        }
        if ((size_t)value_len >= keys[i].capacity ||
            memchr(value, '\0', (size_t)value_len) != NULL) {
            free(value);
            answer_error(
                request, 422, "invalid_value", "%s is too long or holds a NUL", keys[i].key);
            return 0;
        }
        /* Of a key given twice nothing of the first value is left. */
        memset((char *)out + keys[i].offset, 0, keys[i].capacity);
        memcpy((char *)out + keys[i].offset, value, (size_t)value_len);
    }
    free(value);
    if (!good) {
        answer_error(request, 400, "bad_header", "Upload-Metadata holds what is not base64");
    }
    return good;
}

int tus_metadata(struct request *request, struct metadata *out)
{
    const char *header = request_header(request, "Upload-Metadata");
    if (header == NULL) {
        return 1;
    }
    if (strlen(header) > METADATA_BYTES_MAX) {
        answer_error(request,
                     400,
                     "bad_header",
                     "Upload-Metadata is longer than %d bytes",
                     METADATA_BYTES_MAX);
        return 0;
    }
    while (*header != '\0') {
        header += strspn(header, " ");
        size_t len = strcspn(header, ",");
        if (!take_pair(request, header, len, out)) {
            return 0;
        }
        header += len;
        header += *header == ',';
    }
    return 1;
}

/* ---- writing ---- */

void tus_date(int64_t unix_us, char out[64])
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(unix_us / 1000000);
    struct tm tm;
    (void)gmtime_r(&seconds, &tm);
    (void)snprintf(out,
                   64,
                   "%s, %02d %s %04d %02d:%02d:%02d GMT",
                   days[tm.tm_wday],
                   tm.tm_mday,
                   months[tm.tm_mon],
                   tm.tm_year + 1900,
                   tm.tm_hour,
                   tm.tm_min,
                   tm.tm_sec);
}
