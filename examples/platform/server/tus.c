/* Owns uploads over tus 1.0.0. The body of a request is taken in windows that end where the
 * library's parts end, each made durable before more is read; with a checksum the whole body is
 * held (up to a limit) and goes in at once or not at all. */
#include "tus.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW_BYTES = REELS_UPLOAD_PART_BYTES,
    CHECKED_BYTES_MAX = 8 * 1024 * 1024
};

static const struct header tus_headers[] = {{"Tus-Resumable", "1.0.0"}};

/* ---- answers ---- */

static void answer_upload_status(struct request *request,
                                 reels_status status,
                                 const reels_error *err,
                                 uint64_t true_offset)
{
    char offset[24];
    id_to_text(true_offset, offset);
    struct header headers[] = {
        {"Tus-Resumable", "1.0.0"}, {"Cache-Control", "no-store"}, {"Upload-Offset", offset}};
    const char *message = err->message[0] != '\0' ? err->message : reels_status_text(status);
    switch (status) {
    case REELS_ERR_CONFLICT:
        answer_error_with(request, 409, "offset_mismatch", message, headers, 3);
        return;
    case REELS_ERR_STATE:
        answer_error_with(request, 409, "upload_finished", message, headers, 2);
        return;
    case REELS_ERR_BUSY:
        answer_error_with(request, 423, "upload_locked", message, headers, 2);
        return;
    case REELS_ERR_UNSUPPORTED:
    case REELS_ERR_CORRUPT:
    case REELS_ERR_ENCRYPTED:
        /* The first bytes told that it is nothing that can be played: the upload is gone. */
        answer_error_with(request, 415, "content_type", message, headers, 2);
        return;
    case REELS_ERR_NOT_FOUND:
        answer_error_with(request, 404, "not_found", message, headers, 2);
        return;
    default:
        answer_status(request, status, err);
        return;
    }
}

/* 403 for somebody else's upload, 404 for none. */
static void answer_missing(struct request *request, uint64_t reel_id)
{
    reels_reel reel = {.struct_size = sizeof(reel)};
    if (reels_reel_get(
            reels_platform_reels(request->server->platform), NULL, &reel_id, 1, &reel, NULL) ==
            REELS_OK &&
        reel.state == REELS_REEL_INIT && reel.creator_id != request->person_id) {
        answer_error(request, 403, "not_yours", "this is somebody else's upload");
        return;
    }
    answer_error(request, 404, "not_found", "there is no such upload");
}

/* ---- the body ---- */

static reels_uploads *uploads_of(struct request *request)
{
    return reels_platform_uploads(request->server->platform);
}

static reels_status
read_body(void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err)
{
    (void)err;
    struct upload_body *body = user;
    size_t len = body->len < capacity ? body->len : capacity;
    if (len > 0) {
        memcpy(data, body->data, len);
        memmove(body->data, body->data + len, body->len - len);
    }
    body->len -= len;
    *out_len = len;
    return REELS_OK;
}

/* Hands what is held to the library; durable on return. 0 after having answered. */
static int flush(struct request *request)
{
    struct upload_body *body = request->upload;
    reels_error err = {.struct_size = sizeof(err)};
    uint64_t offset = body->offset;
    static const reels_digest all_or_nothing = {.kind = REELS_DIGEST_NONE};
    if (body->len == 0) {
        return 1;
    }
    reels_status status = reels_upload_write(uploads_of(request),
                                             NULL,
                                             body->reel_id,
                                             request->person_id,
                                             body->offset,
                                             read_body,
                                             body,
                                             body->algorithm != NULL ? &all_or_nothing : NULL,
                                             &offset,
                                             &err);
    body->offset = offset;
    if (status != REELS_OK) {
        answer_upload_status(request, status, &err, offset);
        return 0;
    }
    return 1;
}

static void answer_too_long(struct request *request)
{
    answer_error(
        request, 413, "too_large", "a body with a checksum is at most %d bytes", CHECKED_BYTES_MAX);
}

static int reserve(struct request *request, size_t needed)
{
    struct upload_body *body = request->upload;
    if (needed <= body->capacity) {
        return 1;
    }
    size_t capacity = body->capacity == 0 ? 256 * 1024 : body->capacity;
    while (capacity < needed) {
        capacity *= 2;
    }
    uint8_t *data = realloc(body->data, capacity);
    if (data == NULL) {
        answer_error(request, 503, "unavailable", "no memory");
        return 0;
    }
    body->data = data;
    body->capacity = capacity;
    return 1;
}

/* The request goes on no further. What it has created and could not tell its client of would be
 * nobody's, and count among the client's unfinished uploads. */
static void leave(struct request *request)
{
    struct upload_body *body = request->upload;
    if (body->creates && body->reel_id != 0 && !body->told) {
        (void)reels_upload_abort(
            uploads_of(request), NULL, body->reel_id, request->person_id, NULL);
        body->reel_id = 0;
    }
    writers_leave(request, &body->writer);
}

static int take_bytes(struct request *request, const char *data, size_t len)
{
    struct upload_body *body = request->upload;
    while (len > 0) {
        /* Without a checksum a window ends where a part ends. */
        size_t window = body->algorithm != NULL
                            ? (size_t)CHECKED_BYTES_MAX
                            : (size_t)(WINDOW_BYTES - body->offset % WINDOW_BYTES);
        size_t room = window - body->len;
        size_t take = len < room ? len : room;
        if (take == 0) {
            answer_too_long(request);
            return 0;
        }
        if (!reserve(request, body->len + take)) {
            return 0;
        }
        memcpy(body->data + body->len, data, take);
        body->len += take;
        data += take;
        len -= take;
        if (body->algorithm == NULL && body->len == window && !flush(request)) {
            return 0;
        }
    }
    return 1;
}

int upload_bytes(struct request *request, const char *data, size_t len)
{
    writers_heard(request, &request->upload->writer);
    int good = take_bytes(request, data, len);
    if (!good) {
        leave(request);
    }
    return good;
}

void upload_end(struct request *request, int complete)
{
    struct upload_body *body = request->upload;
    if (body == NULL) {
        return;
    }
    if (!complete && !request->answered && !body->creates && body->algorithm == NULL &&
        body->len > 0) {
        /* The client went away: what came is kept, so that it can go on from there. */
        uint64_t offset = 0;
        (void)reels_upload_write(uploads_of(request),
                                 NULL,
                                 body->reel_id,
                                 request->person_id,
                                 body->offset,
                                 read_body,
                                 body,
                                 NULL,
                                 &offset,
                                 NULL);
    }
    leave(request);
    free(body->data);
    free(body);
    request->upload = NULL;
}

/* Compares the digest of the whole body; 0 after having answered. */
static int check_digest(struct request *request)
{
    struct upload_body *body = request->upload;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (body->algorithm == NULL) {
        return 1;
    }
    if (EVP_Digest(body->data, body->len, digest, &len, body->algorithm, NULL) != 1 ||
        len != body->digest_len || memcmp(digest, body->digest, len) != 0) {
        answer_error(request,
                     460,
                     "checksum_mismatch",
                     "the bytes do not have the checksum given: send them again");
        return 0;
    }
    return 1;
}

/* ---- beginning a request ---- */

static int content_type_is_offset(struct request *request)
{
    return request_type_is(request, "application/offset+octet-stream");
}

static struct upload_body *body_new(struct request *request)
{
    request->upload = calloc(1, sizeof(*request->upload));
    if (request->upload == NULL) {
        answer_error(request, 503, "unavailable", "no memory");
    }
    return request->upload;
}

/* The upload is this request's until it ends; 0 after having answered. */
static int enter(struct request *request, uint64_t reel_id)
{
    if (!writers_enter(request, &request->upload->writer, reel_id)) {
        answer_error(request, 423, "upload_locked", "another request writes to this upload");
        return 0;
    }
    return 1;
}

/* Refuses a body that is longer than what may come, before it comes; 0 after having answered. */
static int check_room(struct request *request, uint64_t offset, uint64_t length)
{
    uint64_t max = request->server->upload_bytes_max;
    uint64_t end = length < max ? length : max;
    uint64_t given = 0;
    int has_given = tus_number(request, "Content-Length", &given);
    if (has_given > 0 && request->upload->algorithm != NULL && given > CHECKED_BYTES_MAX) {
        answer_too_long(request);
        return 0;
    }
    if (has_given > 0 && (offset > end || given > end - offset)) {
        answer_error(request, 413, "too_large", "the body goes beyond the upload's end");
        return 0;
    }
    return has_given >= 0;
}

static int begin_patch(struct request *request)
{
    uint64_t reel_id = 0;
    uint64_t offset = 0;
    uint64_t length = 0;
    reels_error err = {.struct_size = sizeof(err)};
    reels_upload_info info = {.struct_size = sizeof(info)};
    struct upload_body *body = request->upload;
    if (!content_type_is_offset(request)) {
        answer_error(
            request, 415, "content_type", "the body must be application/offset+octet-stream");
        return 0;
    }
    if (!id_from_text(request->params[0], &reel_id)) {
        answer_error(request, 404, "not_found", "there is no such upload");
        return 0;
    }
    int has_offset = tus_number(request, "Upload-Offset", &offset);
    if (has_offset < 0 || !enter(request, reel_id)) {
        return 0;
    }
    if (has_offset == 0) {
        answer_error(request, 400, "bad_header", "Upload-Offset is needed");
        return 0;
    }
    reels_status status =
        reels_upload_get(uploads_of(request), NULL, reel_id, request->person_id, &info, &err);
    if (status == REELS_ERR_NOT_FOUND) {
        answer_missing(request, reel_id);
        return 0;
    }
    int has_length = status == REELS_OK ? tus_number(request, "Upload-Length", &length) : 0;
    if (has_length < 0) {
        return 0;
    }
    if (status == REELS_OK && has_length) {
        status = reels_upload_set_length(
            uploads_of(request), NULL, reel_id, request->person_id, length, &err);
        if (status == REELS_ERR_CONFLICT) {
            answer_error(request, 409, "length_conflict", "%s", err.message);
            return 0;
        }
        info.length = length;
    }
    if (status == REELS_OK && (info.committed || offset != info.offset)) {
        status = info.committed ? REELS_ERR_STATE : REELS_ERR_CONFLICT;
        (void)reels_error_set(&err,
                              status,
                              0,
                              info.committed ? "the upload is finished"
                                             : "the upload stands elsewhere");
    }
    if (status != REELS_OK) {
        answer_upload_status(request, status, &err, info.offset);
        return 0;
    }
    body->reel_id = reel_id;
    body->offset = offset;
    body->length = info.length;
    return check_room(request, offset, info.length);
}

static int read_length(struct request *request, uint64_t *out)
{
    uint64_t defer = 0;
    int has_length = tus_number(request, "Upload-Length", out);
    int has_defer = has_length < 0 ? -1 : tus_number(request, "Upload-Defer-Length", &defer);
    if (has_length < 0 || has_defer < 0) {
        return 0;
    }
    if (has_length == has_defer || (has_defer && defer != 1) || (has_length && *out == 0)) {
        answer_error(request,
                     400,
                     "bad_header",
                     "one of Upload-Length (1 or more) and Upload-Defer-Length: 1 is needed");
        return 0;
    }
    if (has_defer) {
        *out = UINT64_MAX;
    }
    if (has_length && *out > request->server->upload_bytes_max) {
        answer_error(request,
                     413,
                     "too_large",
                     "a file is at most %llu bytes",
                     (unsigned long long)request->server->upload_bytes_max);
        return 0;
    }
    return 1;
}

static int begin_create(struct request *request)
{
    reels_error err = {.struct_size = sizeof(err)};
    struct upload_body *body = request->upload;
    const char *content_length = request_header(request, "Content-Length");
    int with_bytes = content_length != NULL && strcmp(content_length, "0") != 0;
    if (request_header(request, "Upload-Concat") != NULL) {
        answer_error(request, 400, "bad_header", "this server has no concatenation");
        return 0;
    }
    if (with_bytes && !content_type_is_offset(request)) {
        answer_error(
            request, 415, "content_type", "the body must be application/offset+octet-stream");
        return 0;
    }
    struct metadata *metadata = calloc(1, sizeof(*metadata));
    if (metadata == NULL) {
        answer_error(request, 503, "unavailable", "no memory");
        return 0;
    }
    reels_upload_begin_request begin = {.struct_size = sizeof(begin),
                                        .person_id = request->person_id,
                                        .filename = metadata->filename,
                                        .caption = metadata->caption};
    int good = read_length(request, &begin.length) && check_room(request, 0, begin.length) &&
               tus_metadata(request, metadata);
    if (good && metadata->visibility[0] != '\0' && strcmp(metadata->visibility, "public") != 0) {
        good = strcmp(metadata->visibility, "private") == 0;
        begin.visibility = REELS_VISIBILITY_PRIVATE;
        if (!good) {
            answer_error(request, 422, "invalid_value", "visibility is public or private");
        }
    }
    if (good) {
        reels_status status =
            reels_upload_begin(uploads_of(request), NULL, &begin, &body->reel_id, &err);
        good = status == REELS_OK;
        if (status == REELS_ERR_LIMIT && begin.length <= request->server->upload_bytes_max) {
            answer_error(request, 429, "too_many_requests", "%s", err.message);
        } else if (!good) {
            answer_status(request, status, &err);
        }
    }
    free(metadata);
    body->length = begin.length;
    body->creates = 1;
    return good && enter(request, body->reel_id);
}

int upload_begin(struct request *request)
{
    if (!tus_version(request) || body_new(request) == NULL ||
        !tus_checksum(request, request->upload)) {
        return 0;
    }
    int good = strcmp(request->method, "POST") == 0 ? begin_create(request) : begin_patch(request);
    if (!good) {
        leave(request);
    }
    return good;
}

/* ---- ending a request ---- */

/* The last byte is there: the upload becomes a reel to be processed. 0 after having answered. */
static int finish_if_complete(struct request *request, int *out_finished)
{
    struct upload_body *body = request->upload;
    reels_error err = {.struct_size = sizeof(err)};
    *out_finished = body->length != UINT64_MAX && body->offset == body->length;
    if (!*out_finished) {
        return 1;
    }
    reels_status status = reels_upload_commit(
        uploads_of(request), NULL, body->reel_id, request->person_id, NULL, &err);
    if (status != REELS_OK) {
        answer_upload_status(request, status, &err, body->offset);
        return 0;
    }
    return 1;
}

static void end_request(struct request *request)
{
    struct upload_body *body = request->upload;
    reels_upload_info info = {.struct_size = sizeof(info)};
    char id[24];
    char offset[24];
    char location[64];
    char expires[64];
    int finished = 0;
    if (!check_digest(request) || !flush(request) || !finish_if_complete(request, &finished)) {
        return;
    }
    id_to_text(body->reel_id, id);
    id_to_text(body->offset, offset);
    (void)snprintf(location, sizeof(location), "/v1/uploads/%s", id);
    int open =
        !finished &&
        reels_upload_get(
            uploads_of(request), NULL, body->reel_id, request->person_id, &info, NULL) == REELS_OK;
    tus_date(info.expires_unix_us, expires);
    struct header headers[] = {{"Tus-Resumable", "1.0.0"},
                               {"Upload-Offset", offset},
                               {"Reel-Id", id},
                               {"Upload-Expires", open ? expires : NULL},
                               {"Location", body->creates ? location : NULL}};
    body->told = 1;
    answer_empty(request, body->creates ? 201 : 204, headers, sizeof(headers) / sizeof(headers[0]));
}

/* Left before the answer is sent: who has it may write again. */
void handle_upload_create(struct request *request)
{
    end_request(request);
    leave(request);
}

void handle_upload_patch(struct request *request)
{
    end_request(request);
    leave(request);
}

/* ---- the other methods ---- */

void handle_uploads_options(struct request *request)
{
    char max[24];
    id_to_text(request->server->upload_bytes_max, max);
    struct header headers[] = {
        {"Tus-Resumable", "1.0.0"},
        {"Tus-Version", "1.0.0"},
        {"Tus-Extension",
         "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination"},
        {"Tus-Max-Size", max},
        {"Tus-Checksum-Algorithm", "sha1,sha256"}};
    answer_empty(request, 204, headers, sizeof(headers) / sizeof(headers[0]));
}

static void encode_pair(char *out, size_t capacity, const char *key, const char *value)
{
    size_t len = strlen(value);
    size_t used = strlen(out);
    if (len == 0 || used + strlen(key) + len * 4 / 3 + 8 >= capacity) {
        return;
    }
    used += (size_t)snprintf(out + used, capacity - used, "%s%s ", used > 0 ? "," : "", key);
    (void)EVP_EncodeBlock((unsigned char *)out + used, (const unsigned char *)value, (int)len);
}

void handle_upload_head(struct request *request)
{
    reels_error err = {.struct_size = sizeof(err)};
    reels_upload_info info = {.struct_size = sizeof(info)};
    reels_reel reel = {.struct_size = sizeof(reel)};
    uint64_t reel_id = 0;
    char offset[24];
    char length[24];
    char id[24];
    char expires[64];
    char metadata[METADATA_BYTES_MAX] = "";
    if (!tus_version(request)) {
        return;
    }
    reels_status status =
        id_from_text(request->params[0], &reel_id)
            ? reels_upload_get(uploads_of(request), NULL, reel_id, request->person_id, &info, &err)
            : REELS_ERR_NOT_FOUND;
    if (status == REELS_ERR_NOT_FOUND) {
        answer_missing(request, reel_id);
        return;
    }
    if (status == REELS_OK) {
        status = reels_reel_get(
            reels_platform_reels(request->server->platform), NULL, &reel_id, 1, &reel, &err);
    }
    if (status != REELS_OK) {
        answer_status(request, status, &err);
        return;
    }
    id_to_text(info.offset, offset);
    id_to_text(info.length, length);
    id_to_text(reel_id, id);
    tus_date(info.expires_unix_us, expires);
    encode_pair(metadata, sizeof(metadata), "filename", reel.filename);
    encode_pair(metadata, sizeof(metadata), "caption", reel.caption);
    encode_pair(metadata,
                sizeof(metadata),
                "visibility",
                reel.visibility == REELS_VISIBILITY_PRIVATE ? "private" : "public");
    int known = info.length != UINT64_MAX;
    struct header headers[] = {{"Tus-Resumable", "1.0.0"},
                               {"Cache-Control", "no-store"},
                               {"Upload-Offset", offset},
                               {"Upload-Length", known ? length : NULL},
                               {"Upload-Defer-Length", known ? NULL : "1"},
                               {"Upload-Metadata", metadata},
                               {"Upload-Expires", info.committed ? NULL : expires},
                               {"Reel-Id", id}};
    answer_empty(request, 200, headers, sizeof(headers) / sizeof(headers[0]));
}

void handle_upload_delete(struct request *request)
{
    reels_error err = {.struct_size = sizeof(err)};
    uint64_t reel_id = 0;
    if (!tus_version(request)) {
        return;
    }
    reels_status status =
        id_from_text(request->params[0], &reel_id)
            ? reels_upload_abort(uploads_of(request), NULL, reel_id, request->person_id, &err)
            : REELS_ERR_NOT_FOUND;
    if (status == REELS_ERR_NOT_FOUND) {
        answer_missing(request, reel_id);
    } else if (status != REELS_OK) {
        answer_upload_status(request, status, &err, 0);
    } else {
        answer_empty(request, 204, tus_headers, 1);
    }
}
