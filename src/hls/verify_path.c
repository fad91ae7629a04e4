/* Owns the way from a URI in a playlist to a name inside the tree, and the reading of what it
 * names. */
#include <string.h>

#include "base/buffer_internal.h"
#include "base/error.h"
#include "verify_internal.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Undoes percent-encoding (RFC 3986 section 2.1): length, or 0 when it is broken, too long, or
 * gives a byte that no name holds. */
static size_t decode(struct reels__text uri, char *out, size_t capacity)
{
    size_t len = 0;
    for (size_t i = 0; i < uri.len; i++) {
        int c = (unsigned char)uri.data[i];
        if (c == '%') {
            int high = i + 2 < uri.len ? hex_digit(uri.data[i + 1]) : -1;
            int low = i + 2 < uri.len ? hex_digit(uri.data[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return 0;
            }
            c = high * 16 + low;
            i += 2;
        }
        if (c < 0x20 || c == 0x7f || c == '\\' || len + 1 >= capacity) {
            return 0;
        }
        out[len++] = (char)c;
    }
    out[len] = '\0';
    return len;
}

/* A scheme, another host, a path from the root, a query or a fragment: not a file of the tree. */
static int is_foreign(struct reels__text uri)
{
    const char *slash = memchr(uri.data, '/', uri.len);
    size_t first = slash != NULL ? (size_t)(slash - uri.data) : uri.len;
    return uri.len == 0 || uri.data[0] == '/' || memchr(uri.data, ':', first) != NULL ||
           memchr(uri.data, '?', uri.len) != NULL || memchr(uri.data, '#', uri.len) != NULL;
}

/* Appends one part of a path; ".." takes one away. 0 when that leaves the tree or does not fit. */
static int append_part(char *out, size_t *len, const char *part, size_t part_len)
{
    if (part_len == 0 || (part_len == 1 && part[0] == '.')) {
        return 1;
    }
    if (part_len == 2 && part[0] == '.' && part[1] == '.') {
        if (*len == 0) {
            return 0;
        }
        while (*len > 0 && out[*len - 1] != '/') {
            (*len)--;
        }
        *len -= *len > 0;
        return 1;
    }
    size_t slash = *len > 0;
    if (*len + slash + part_len + 1 > REELS__VERIFY_PATH_BYTES_MAX) {
        return 0;
    }
    if (slash) {
        out[(*len)++] = '/';
    }
    memcpy(out + *len, part, part_len);
    *len += part_len;
    return 1;
}

static int append_path(char *out, size_t *len, const char *path, size_t path_len)
{
    size_t at = 0;
    while (at < path_len) {
        const char *slash = memchr(path + at, '/', path_len - at);
        size_t end = slash != NULL ? (size_t)(slash - path) : path_len;
        if (!append_part(out, len, path + at, end - at)) {
            return 0;
        }
        at = end + 1;
    }
    return 1;
}

int reels__verify_resolve(struct reels__finder *finder,
                          const char *playlist,
                          struct reels__text uri,
                          char out[REELS__VERIFY_PATH_BYTES_MAX])
{
    char decoded[REELS__VERIFY_PATH_BYTES_MAX];
    const char *slash = strrchr(playlist, '/');
    size_t len = 0;
    size_t decoded_len = is_foreign(uri) ? 0 : decode(uri, decoded, sizeof decoded);
    int inside = decoded_len > 0 && decoded[0] != '/' &&
                 (slash == NULL || append_path(out, &len, playlist, (size_t)(slash - playlist))) &&
                 append_path(out, &len, decoded, decoded_len) && len > 0;
    if (!inside) {
        reels__find(finder,
                    REELS_VERIFY_PATH_OUTSIDE,
                    "the URI \"%.*s\" names no file of the tree",
                    (int)(uri.len < 100 ? uri.len : 100),
                    uri.data);
        return 0;
    }
    out[len] = '\0';
    return 1;
}

/* 1 when the range lies in the file and below the limit. */
static int check_range(struct reels__finder *finder,
                       const char *name,
                       const struct reels__m3u8_range *range,
                       uint64_t size,
                       uint64_t bytes_max)
{
    uint64_t len = range != NULL && range->present ? range->len : size;
    if (range != NULL && range->present &&
        (range->offset > size || range->len > size - range->offset || range->len == 0)) {
        reels__find(finder,
                    REELS_VERIFY_BYTERANGE,
                    "line %u: bytes %llu@%llu are not in %s, which has %llu",
                    (unsigned)range->line,
                    (unsigned long long)range->len,
                    (unsigned long long)range->offset,
                    name,
                    (unsigned long long)size);
        return 0;
    }
    if (len > bytes_max) {
        reels__find(finder,
                    REELS_VERIFY_LIMIT,
                    "%llu bytes of %s are above the limit of %llu",
                    (unsigned long long)len,
                    name,
                    (unsigned long long)bytes_max);
        return 0;
    }
    return 1;
}

/* Failures that are about this file alone become findings. */
static int finding_of(struct reels__verify *v,
                      struct reels__finder *finder,
                      const char *name,
                      reels_status status,
                      const reels_error *detail)
{
    if (status == REELS_ERR_NOT_FOUND) {
        reels__find(finder, REELS_VERIFY_FILE_MISSING, "%s is not there", name);
        return 0;
    }
    if (status == REELS_ERR_NO_MEMORY || status == REELS_ERR_CANCELLED ||
        status == REELS_ERR_TIMEOUT) {
        return reels__fail(v->err, status, "verify: %s: %s", name, detail->message);
    }
    reels__find(finder, REELS_VERIFY_READ, "%s could not be read: %s", name, detail->message);
    return 0;
}

int reels__verify_read(struct reels__verify *v,
                       struct reels__finder *finder,
                       const char *name,
                       const struct reels__m3u8_range *range,
                       uint64_t bytes_max,
                       reels_buf *buf)
{
    uint64_t size = 0;
    uint8_t *data = NULL;
    reels_error detail = REELS__ERROR_INIT;
    reels_status status = v->source.size(v->impl, name, &size, &detail);
    if (status != REELS_OK) {
        return finding_of(v, finder, name, status, &detail);
    }
    if (!check_range(finder, name, range, size, bytes_max)) {
        return 0;
    }
    int part = range != NULL && range->present;
    size_t len = (size_t)(part ? range->len : size);
    reels_buf_clear(buf);
    REELS_TRY(reels__buf_extend(buf, len, &data, v->err));
    if (len > 0) {
        status = v->source.read(v->impl, name, part ? range->offset : 0, data, len, &detail);
    }
    return status == REELS_OK ? 1 : finding_of(v, finder, name, status, &detail);
}
