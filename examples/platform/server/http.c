/* Owns a request's way: route, token, body, handler, answer. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server.h"

enum {
    DROPPED_BYTES_MAX = 16 * 1024 * 1024
};

/* ---- answering ---- */

void queue_response(struct request *request, unsigned status, struct MHD_Response *response)
{
    request->answered = 1;
    request->status = status;
    if (request->in_body) {
        request->pending = response;
        request->result = MHD_YES;
        return;
    }
    request->result = MHD_queue_response(request->connection, status, response);
    MHD_destroy_response(response);
}

static void queue(struct request *request,
                  unsigned status,
                  struct MHD_Response *response,
                  const struct header *headers,
                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (headers[i].value != NULL) {
            (void)MHD_add_response_header(response, headers[i].name, headers[i].value);
        }
    }
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    queue_response(request, status, response);
}

void answer_bytes(struct request *request,
                  unsigned status,
                  const char *content_type,
                  const void *data,
                  size_t len,
                  const struct header *headers,
                  size_t count)
{
    /* MHD's type is not const, but with MUST_COPY it only reads. */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, (void *)(uintptr_t)data, MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        request->answered = 1;
        request->result = MHD_NO;
        return;
    }
    if (content_type != NULL) {
        (void)MHD_add_response_header(response, "Content-Type", content_type);
    }
    queue(request, status, response, headers, count);
}

void answer_empty(struct request *request,
                  unsigned status,
                  const struct header *headers,
                  size_t count)
{
    answer_bytes(request, status, NULL, "", 0, headers, count);
}

void answer_json(struct request *request, unsigned status, json_t *json)
{
    static const struct header no_store[] = {{"Cache-Control", "no-store"}};
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (text == NULL) {
        request->answered = 1;
        request->result = MHD_NO;
        return;
    }
    answer_bytes(request, status, "application/json", text, strlen(text), no_store, 1);
    free(text);
}

void answer_error_with(struct request *request,
                       unsigned status,
                       const char *code,
                       const char *message,
                       const struct header *headers,
                       size_t count)
{
    json_t *json = json_pack("{s:{s:s,s:s}}", "error", "code", code, "message", message);
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    const char *body =
        text != NULL ? text : "{\"error\":{\"code\":\"internal\",\"message\":\"no memory\"}}";
    answer_bytes(request, status, "application/json", body, strlen(body), headers, count);
    free(text);
}

void answer_error(
    struct request *request, unsigned status, const char *code, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    struct header headers[] = {
        {"Cache-Control", "no-store"},
        {"WWW-Authenticate", status == 401 ? "Bearer" : NULL},
        {"Retry-After", status == 503 || status == 429 ? "1" : NULL},
        {"Tus-Version", status == 412 ? "1.0.0" : NULL},
        {"Tus-Resumable",
         request->route != NULL && (request->route->flags & ROUTE_TUS) != 0 ? "1.0.0" : NULL},
    };
    answer_error_with(
        request, status, code, message, headers, sizeof(headers) / sizeof(headers[0]));
}

void answer_status(struct request *request, reels_status status, const reels_error *err)
{
    const char *message = err->message[0] != '\0' ? err->message : reels_status_text(status);
    switch (status) {
    case REELS_ERR_INVALID_ARG:
        answer_error(request, 422, "invalid_value", "%s", message);
        return;
    case REELS_ERR_NOT_FOUND:
    case REELS_ERR_DENIED: /* what a person may not do to what they may not see */
        answer_error(request, 404, "not_found", "%s", message);
        return;
    case REELS_ERR_LIMIT:
        answer_error(request, 413, "too_large", "%s", message);
        return;
    case REELS_ERR_CONFLICT:
    case REELS_ERR_EXISTS:
    case REELS_ERR_STATE:
        answer_error(request, 409, "conflict", "%s", message);
        return;
    case REELS_ERR_IO:
        if (err->sys_errno == 28 /* ENOSPC */) {
            answer_error(request, 507, "no_space", "the server's storage is full");
            return;
        }
        break;
    default:
        break;
    }
    answer_error(
        request, 503, "unavailable", "%s", "the server cannot reach its storage; try again");
}

/* ---- reading ---- */

const char *request_header(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *request_query(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* Depth of arrays and objects, outside strings. jansson has its own limit, far above ours. */
static int json_depth(const char *text, size_t len)
{
    int depth = 0;
    int deepest = 0;
    int in_string = 0;
    for (size_t i = 0; i < len; i++) {
        if (in_string && text[i] == '\\') {
            i++;
        } else if (in_string) {
            in_string = text[i] != '"';
        } else if (text[i] == '"') {
            in_string = 1;
        } else if (text[i] == '{' || text[i] == '[') {
            depth++;
            deepest = depth > deepest ? depth : deepest;
        } else if (text[i] == '}' || text[i] == ']') {
            depth--;
        }
    }
    return deepest;
}

json_t *request_json(struct request *request)
{
    enum {
        DEPTH_MAX = 16
    };
    json_error_t error;
    if (json_depth(request->body, request->body_len) > DEPTH_MAX) {
        answer_error(request, 400, "bad_json", "JSON is nested more than %d deep", DEPTH_MAX);
        return NULL;
    }
    json_t *json = json_loadb(
        request->body, request->body_len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (json == NULL) {
        answer_error(request,
                     400,
                     "bad_json",
                     "%s at line %d, column %d",
                     error.text,
                     error.line,
                     error.column);
        return NULL;
    }
    if (!json_is_object(json)) {
        json_decref(json);
        answer_error(request, 422, "invalid_value", "the body must be an object");
        return NULL;
    }
    return json;
}

const char *json_text(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);
    return text != NULL && strlen(text) == json_string_length(value) ? text : NULL;
}

int id_from_text(const char *text, uint64_t *out)
{
    uint64_t id = 0;
    size_t len = strlen(text);
    if (len == 0 || len > 19 || text[0] == '0') {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return 0;
        }
        id = id * 10 + (uint64_t)(text[i] - '0');
    }
    *out = id;
    return id <= INT64_MAX;
}

void id_to_text(uint64_t id, char out[24])
{
    (void)snprintf(out, 24, "%llu", (unsigned long long)id);
}

uint64_t request_id(struct request *request, int param)
{
    uint64_t id = 0;
    if (!id_from_text(request->params[param], &id)) {
        answer_error(request, 404, "not_found", "there is no such thing");
        return 0;
    }
    return id;
}

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

json_t *cursor_json(reels_buf *cursor)
{
    size_t len = reels_buf_len(cursor);
    const uint8_t *data = reels_buf_data(cursor);
    char *text = len > 0 ? malloc(len * 4 / 3 + 4) : NULL;
    size_t at = 0;
    if (text == NULL) {
        return json_null();
    }
    for (size_t i = 0; i < len; i += 3) {
        uint32_t bits = (uint32_t)data[i] << 16 | (i + 1 < len ? (uint32_t)data[i + 1] << 8 : 0) |
                        (i + 2 < len ? data[i + 2] : 0);
        size_t digits = len - i >= 3 ? 4 : len - i + 1;
        for (size_t d = 0; d < digits; d++) {
            text[at++] = base64url[bits >> (18 - 6 * d) & 63];
        }
    }
    json_t *json = json_stringn(text, at);
    free(text);
    return json;
}

/* Each cursor has one text: a digit too many, or bits that belong to no byte, were not made here.
 */
static int cursor_decode(const char *text, reels_buf *cursor)
{
    uint32_t bits = 0;
    int held = 0;
    for (const char *at = text; *at != '\0'; at++) {
        const char *digit = strchr(base64url, *at);
        if (digit == NULL) {
            return 0;
        }
        bits = bits << 6 | (uint32_t)(digit - base64url);
        held += 6;
        if (held >= 8) {
            uint8_t byte = (uint8_t)(bits >> (held - 8));
            held -= 8;
            if (reels_buf_append(cursor, &byte, 1, NULL) != REELS_OK) {
                return 0;
            }
        }
    }
    return held < 6 && (bits & ((1U << held) - 1)) == 0 && reels_buf_len(cursor) > 0;
}

reels_buf *request_cursor(struct request *request)
{
    const char *text = request_query(request, "cursor");
    reels_buf *cursor = NULL;
    if (reels_buf_new(request->server->ctx, 8192, &cursor, NULL) != REELS_OK) {
        answer_error(request, 503, "unavailable", "no memory");
        return NULL;
    }
    if (text != NULL && (strlen(text) > 512 || text[0] == '\0' || !cursor_decode(text, cursor))) {
        reels_buf_free(cursor);
        answer_error(request, 400, "bad_cursor", "the cursor was not made here");
        return NULL;
    }
    return cursor;
}

static int hex(char digit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = digit != '\0' ? strchr(digits, digit) : NULL;
    return at != NULL ? (int)(at - digits) % 16 : -1;
}

size_t http_unescape(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    char *out = text;
    for (const char *at = text; *at != '\0'; at++) {
        int high = *at == '%' ? hex(at[1]) : -1;
        int low = high >= 0 ? hex(at[2]) : -1;
        if (low >= 0 && (high > 0 || low > 0)) {
            *out++ = (char)(high * 16 + low);
            at += 2;
        } else {
            *out++ = *at;
        }
    }
    *out = '\0';
    return (size_t)(out - text);
}

/* ---- the way of a request ---- */

static struct request *
request_new(struct server *server, struct MHD_Connection *connection, const char *method)
{
    struct request *request = calloc(1, sizeof(*request));
    if (request != NULL) {
        request->server = server;
        request->connection = connection;
        request->method = method;
        request->begun_mono_us = reels_ctx_now_mono_us(server->ctx);
        request->result = MHD_YES;
    }
    return request;
}

/* Whether a request has a body: known before the first byte of it. */
static int has_body(const struct request *request)
{
    const char *length = request_header(request, "Content-Length");
    return request_header(request, "Transfer-Encoding") != NULL ||
           (length != NULL && strcmp(length, "0") != 0);
}

int request_type_is(const struct request *request, const char *type)
{
    const char *given = request_header(request, "Content-Type");
    size_t len = strlen(type);
    return given != NULL && strncasecmp(given, type, len) == 0 &&
           (given[len] == '\0' || strchr("; \t", given[len]) != NULL);
}

int request_knows(const struct request *request, const char *etag)
{
    const char *at = request_header(request, "If-None-Match");
    size_t len = strlen(etag);
    while (at != NULL && *at != '\0') {
        at += strspn(at, " \t,");
        if (*at == '*') {
            return 1;
        }
        at += strncmp(at, "W/", 2) == 0 ? 2 : 0;
        if (*at != '"') {
            return 0; /* no list of tags */
        }
        if (strncmp(at, etag, len) == 0) {
            return 1;
        }
        at = strchr(at + 1, '"');
        at = at != NULL ? at + 1 : NULL;
    }
    return 0;
}

/* A client that still sends does not listen, and a connection that is closed on it loses the answer
 * with it: the rest of a body is read and dropped, unless it is long or waits to be asked for. */
static int worth_reading(const struct request *request)
{
    const char *length = request_header(request, "Content-Length");
    return has_body(request) && request_header(request, "Expect") == NULL &&
           (length == NULL || strtoull(length, NULL, 10) <= DROPPED_BYTES_MAX);
}

/* Everything that can be judged by the headers alone. */
static void begin(struct request *request, const char *url)
{
    const char *allow = NULL;
    const char *length = NULL;
    /* What http_unescape has left is the name of nothing. */
    request->route =
        strstr(url, "%00") == NULL ? route_find(request->method, url, request, &allow) : NULL;
    if (request->route == NULL && allow == NULL) {
        answer_error(request, 404, "not_found", "there is no such path");
        return;
    }
    if (request->route == NULL) {
        struct header headers[] = {{"Allow", allow}};
        answer_error_with(
            request, 405, "method_not_allowed", "the path does not know this method", headers, 1);
        return;
    }
    if ((request->route->flags & ROUTE_ANYTIME) == 0 && request->server->state != SERVER_READY) {
        answer_error(request, 503, "unavailable", "the server starts or stops");
        return;
    }
    if ((request->route->flags & ROUTE_AUTH) != 0 && !auth_check(request)) {
        return;
    }
    if ((request->route->flags & ROUTE_JSON) != 0) {
        length = request_header(request, "Content-Length");
        if (!request_type_is(request, "application/json")) {
            answer_error(request, 415, "content_type", "the body must be application/json");
        } else if (length != NULL && strtoull(length, NULL, 10) > JSON_BODY_BYTES_MAX) {
            answer_error(
                request, 413, "too_large", "the body is larger than %d bytes", JSON_BODY_BYTES_MAX);
        }
        return;
    }
    if ((request->route->flags & ROUTE_STREAM) != 0) {
        (void)upload_begin(request);
        return;
    }
    if (has_body(request)) {
        length = request_header(request, "Content-Length");
        if (length == NULL || strtoull(length, NULL, 10) > JSON_BODY_BYTES_MAX) {
            answer_error(request, 413, "too_large", "this request takes no body");
        }
    }
}

static void take_body(struct request *request, const char *data, size_t len)
{
    if ((request->route->flags & ROUTE_STREAM) != 0) {
        (void)upload_bytes(request, data, len);
        return;
    }
    if ((request->route->flags & ROUTE_JSON) == 0) {
        return;
    }
    if (len > JSON_BODY_BYTES_MAX - request->body_len) {
        answer_error(
            request, 413, "too_large", "the body is larger than %d bytes", JSON_BODY_BYTES_MAX);
        return;
    }
    if (request->body == NULL) {
        request->body = malloc(JSON_BODY_BYTES_MAX);
    }
    if (request->body == NULL) {
        answer_error(request, 503, "unavailable", "no memory");
        return;
    }
    memcpy(request->body + request->body_len, data, len);
    request->body_len += len;
}

enum MHD_Result http_access(void *cls,
                            struct MHD_Connection *connection,
                            const char *url,
                            const char *method,
                            const char *version,
                            const char *upload_data,
                            size_t *upload_data_size,
                            void **con_cls)
{
    (void)version;
    struct request *request = *con_cls;
    if (request == NULL) {
        request = request_new(cls, connection, method);
        if (request == NULL) {
            return MHD_NO;
        }
        *con_cls = request;
        request->in_body = worth_reading(request);
        begin(request, url);
        int is_upload = !request->answered && (request->route->flags & ROUTE_STREAM) != 0;
        deadline_set(request, has_body(request) && !is_upload ? DEADLINE_BODY_S : 0);
        return request->answered ? request->result : MHD_YES;
    }
    if (*upload_data_size > 0) {
        request->in_body = 1;
        if (request->answered) {
            request->dropped_bytes += *upload_data_size;
        } else {
            take_body(request, upload_data, *upload_data_size);
        }
        *upload_data_size = 0;
        return request->dropped_bytes <= DROPPED_BYTES_MAX && request->result == MHD_YES ? MHD_YES
                                                                                         : MHD_NO;
    }
    request->in_body = 0;
    deadline_set(request, 0);
    if (request->pending != NULL) {
        struct MHD_Response *response = request->pending;
        request->pending = NULL;
        queue_response(request, request->status, response);
    }
    if (!request->answered) {
        request->route->handle(request);
    }
    if (!request->answered) {
        answer_error(request, 503, "unavailable", "the server did not answer");
    }
    return request->result;
}

void http_completed(void *cls,
                    struct MHD_Connection *connection,
                    void **con_cls,
                    enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)connection;
    struct request *request = *con_cls;
    if (request == NULL) {
        return;
    }
    deadline_set(request, DEADLINE_NEXT_S);
    upload_end(request, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    metrics_request(request->server->metrics,
                    request->route != NULL ? request->route->pattern : "none",
                    request->status,
                    reels_ctx_now_mono_us(request->server->ctx) - request->begun_mono_us);
    if (request->pending != NULL) {
        MHD_destroy_response(request->pending);
    }
    free(request->body);
    free(request);
    *con_cls = NULL;
}
