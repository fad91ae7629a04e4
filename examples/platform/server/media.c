/* Owns the serving of media out of the blob store: tokens, ranges, cache headers. Bytes are read as
 * the client takes them, a block at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

enum {
    BLOCK_BYTES = 64 * 1024
};

/* What one answer reads. */
struct media_reader {
    reels_blob *blob;
    uint64_t begin; /* of the range, in the object */
    uint64_t len;
    char key[PARAM_BYTES];
};

static ssize_t read_media(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct media_reader *reader = cls;
    uint64_t left = reader->len - pos;
    size_t got;
    if (left == 0) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    reels_status status = reels_blob_read(reader->blob,
                                          NULL,
                                          reader->key,
                                          reader->begin + pos,
                                          (uint8_t *)buf,
                                          left < max ? (size_t)left : max,
                                          &got,
                                          NULL);
    return status == REELS_OK && got > 0 ? (ssize_t)got : MHD_CONTENT_READER_END_WITH_ERROR;
}

static const char *content_type(const char *key)
{
    static const char *const types[][2] = {{".m3u8", "application/vnd.apple.mpegurl"},
                                           {".mp4", "video/mp4"},
                                           {".m4s", "video/mp4"},
                                           {".jpg", "image/jpeg"}};
    const char *name = strrchr(key, '/');
    size_t len = strlen(key);
    /* Sound is named after its bit rate: a128.mp4. */
    if (name != NULL && name[1] == 'a' && name[2] >= '0' && name[2] <= '9' &&
        strstr(name, ".mp4") != NULL) {
        return "audio/mp4";
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t tail = strlen(types[i][0]);
        if (len > tail && strcmp(key + len - tail, types[i][0]) == 0) {
            return types[i][1];
        }
    }
    return "application/octet-stream";
}

/* Reads a number; NULL when there is none. */
static const char *digits(const char *text, uint64_t *out)
{
    const char *at = text;
    *out = 0;
    while (*at >= '0' && *at <= '9' && at - text < 18) {
        *out = *out * 10 + (uint64_t)(*at - '0');
        at++;
    }
    return at > text ? at : NULL;
}

enum range_result {
    RANGE_NONE, /* absent, many, or not to be read: the whole is sent (RFC 9110, 14.2) */
    RANGE_SOME,
    RANGE_BEYOND
};

static enum range_result
read_range(const char *header, uint64_t size, uint64_t *begin, uint64_t *len)
{
    uint64_t first = 0;
    uint64_t last = 0;
    const char *at = NULL;
    if (header == NULL || strncmp(header, "bytes=", 6) != 0 || strchr(header, ',') != NULL) {
        return RANGE_NONE;
    }
    header += 6;
    if (*header == '-') {
        at = digits(header + 1, &last);
        if (at == NULL || *at != '\0') {
            return RANGE_NONE;
        }
        *len = last < size ? last : size;
        *begin = size - *len;
        return *len > 0 ? RANGE_SOME : RANGE_BEYOND;
    }
    at = digits(header, &first);
    if (at == NULL || *at != '-') {
        return RANGE_NONE;
    }
    int open = at[1] == '\0';
    const char *end = open ? at + 1 : digits(at + 1, &last);
    if (end == NULL || *end != '\0' || (!open && last < first)) {
        return RANGE_NONE;
    }
    if (first >= size) {
        return RANGE_BEYOND;
    }
    last = open || last >= size ? size - 1 : last;
    *begin = first;
    *len = last - first + 1;
    return RANGE_SOME;
}

static void send_media(struct request *request,
                       const char *key,
                       const char *etag,
                       uint64_t size,
                       enum range_result ranged,
                       uint64_t begin,
                       uint64_t len)
{
    char range[96];
    int playlist = strstr(key, ".m3u8") != NULL;
    (void)snprintf(range,
                   sizeof(range),
                   "bytes %llu-%llu/%llu",
                   (unsigned long long)begin,
                   (unsigned long long)(begin + len - 1),
                   (unsigned long long)size);
    struct header headers[] = {
        {"Cache-Control",
         playlist ? "private, max-age=300" : "public, max-age=31536000, immutable"},
        {"ETag", etag},
        {"Accept-Ranges", "bytes"},
        {"Content-Range", ranged == RANGE_SOME ? range : NULL},
    };
    size_t count = sizeof(headers) / sizeof(headers[0]);
    if (request_knows(request, etag)) {
        answer_empty(request, 304, headers, 2);
        return;
    }
    struct media_reader *reader = malloc(sizeof(*reader));
    if (reader == NULL) {
        answer_error(request, 503, "unavailable", "no memory");
        return;
    }
    reader->blob = reels_platform_blob(request->server->platform);
    reader->begin = begin;
    reader->len = len;
    memcpy(reader->key, key, strlen(key) + 1);
    struct MHD_Response *response =
        MHD_create_response_from_callback(len, BLOCK_BYTES, read_media, reader, free);
    if (response == NULL) {
        free(reader);
        request->answered = 1;
        request->result = MHD_NO;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (headers[i].value != NULL) {
            (void)MHD_add_response_header(response, headers[i].name, headers[i].value);
        }
    }
    (void)MHD_add_response_header(response, "Content-Type", content_type(key));
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    request->answered = 1;
    request->status = ranged == RANGE_SOME ? 206 : 200;
    request->result = MHD_queue_response(request->connection, request->status, response);
    MHD_destroy_response(response);
}

/* The Range header; NULL when If-Range names something else than what is here: then the whole is
 * sent. A date never fits, there being no Last-Modified (RFC 9110, 13.1.5). */
static const char *request_range(const struct request *request, const char *etag)
{
    const char *wanted = request_header(request, "If-Range");
    return wanted == NULL || strcmp(wanted, etag) == 0 ? request_header(request, "Range") : NULL;
}

void handle_media(struct request *request)
{
    reels_error err = {.struct_size = sizeof(err)};
    reels_blob_info info = {.struct_size = sizeof(info)};
    const char *token = request->params[0];
    const char *key = request->params[1];
    char etag[160];
    uint64_t begin = 0;
    reels_status status = reels_platform_media_check(request->server->platform, token, key, &err);
    if (status == REELS_ERR_DENIED || status == REELS_ERR_INVALID_ARG) {
        answer_error(request, 403, "token_bad", "%s", err.message);
        return;
    }
    if (status == REELS_OK) {
        status =
            reels_blob_head(reels_platform_blob(request->server->platform), NULL, key, &info, &err);
    }
    if (status == REELS_ERR_NOT_FOUND || status == REELS_ERR_INVALID_ARG) {
        answer_error(request, 404, "not_found", "there is no such file");
        return;
    }
    if (status != REELS_OK) {
        answer_status(request, status, &err);
        return;
    }
    (void)snprintf(etag, sizeof(etag), "\"%s\"", info.etag);
    uint64_t len = info.size_bytes;
    enum range_result ranged = read_range(request_range(request, etag), len, &begin, &len);
    if (ranged == RANGE_BEYOND && !request_knows(request, etag)) {
        char range[48];
        (void)snprintf(range, sizeof(range), "bytes */%llu", (unsigned long long)info.size_bytes);
        struct header headers[] = {{"Content-Range", range}};
        answer_error_with(request, 416, "range", "the range lies beyond the end", headers, 1);
        return;
    }
    send_media(request, key, etag, info.size_bytes, ranged, begin, len);
}
