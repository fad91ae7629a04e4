/* Owns what the files of the demo server share: the server, one request, and the ways to answer it.
 * The server uses the public headers of libreels only. */
#ifndef SERVER_H
#define SERVER_H

#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <reels/reels.h>

enum {
    PARAMS_MAX = 2,
    PARAM_BYTES = 1100,
    NAME_BYTES = 32,
    JSON_BODY_BYTES_MAX = 65536,
    JWT_KEY_BYTES = 32
};

struct metrics;   /* metrics.c */
struct deadlines; /* deadlines.c */
struct writer;    /* writers.c */

enum server_state {
    SERVER_STARTING,
    SERVER_READY,
    SERVER_STOPPING
};

struct server {
    reels_ctx *ctx;
    reels_platform *platform;
    struct metrics *metrics;
    struct deadlines *deadlines;
    const char *web_path;     /* folder of index.html and assets/ */
    const char *openapi_path; /* the contract, served as it is */
    int demo_mode;            /* POST /v1/token gives a token to whoever asks */
    uint64_t upload_bytes_max;
    uint8_t jwt_key[JWT_KEY_BYTES];
    pthread_mutex_t writers_lock;
    struct writer *writers; /* of uploads, now */
    atomic_int state;
};

struct upload_body; /* tus.c: bytes of a PATCH or POST that are being taken in */

/* One request. Lives from its first header to the end of its answer. */
struct request {
    struct server *server;
    struct MHD_Connection *connection;
    const struct route *route;
    const char *method;
    char params[PARAMS_MAX][PARAM_BYTES]; /* what the route's {} stood for, decoded */
    uint64_t person_id;                   /* of the token; 0 without one */
    char person_name[NAME_BYTES];
    char *body; /* of a JSON request */
    size_t body_len;
    struct upload_body *upload;
    int answered;
    int in_body; /* an answer is kept until the body is over */
    struct MHD_Response *pending;
    uint64_t dropped_bytes; /* of the body, after that */
    enum MHD_Result result;
    int64_t begun_mono_us;
    unsigned status;
};

enum {
    ROUTE_AUTH = 1,    /* a token is needed */
    ROUTE_JSON = 2,    /* the body is JSON of up to JSON_BODY_BYTES_MAX */
    ROUTE_STREAM = 4,  /* the body goes to tus.c as it comes */
    ROUTE_ANYTIME = 8, /* answered also while the server starts or stops */
    ROUTE_TUS = 16     /* every answer names the version of tus */
};

struct route {
    const char *method;
    const char *pattern; /* segments; {} takes one, {*} the rest */
    void (*handle)(struct request *request);
    unsigned flags;
};

/* ---- answering: each exactly once per request ---- */

struct header {
    const char *name;
    const char *value; /* NULL = left out */
};

/* Takes the response; kept back while a body is still coming in. */
void queue_response(struct request *request, unsigned status, struct MHD_Response *response);

/* Takes json. no-store unless the headers say otherwise. */
void answer_json(struct request *request, unsigned status, json_t *json);
void answer_empty(struct request *request,
                  unsigned status,
                  const struct header *headers,
                  size_t count);
void answer_bytes(struct request *request,
                  unsigned status,
                  const char *content_type,
                  const void *data,
                  size_t len,
                  const struct header *headers,
                  size_t count);
void answer_error(struct request *request,
                  unsigned status,
                  const char *code,
                  const char *format,
                  ...) __attribute__((format(printf, 4, 5)));
void answer_error_with(struct request *request,
                       unsigned status,
                       const char *code,
                       const char *message,
                       const struct header *headers,
                       size_t count);
/* What a status of the library means to a client. */
void answer_status(struct request *request, reels_status status, const reels_error *err);

/* ---- reading ---- */

const char *request_header(const struct request *request, const char *name);
const char *request_query(const struct request *request, const char *name);
/* The body as a JSON object, or NULL after having answered. */
json_t *request_json(struct request *request);
/* A member that is a string without U+0000 in it, or NULL. */
const char *json_text(const json_t *object, const char *name);
/* Compares as media types are: without letter case, and without what follows a ";". */
int request_type_is(const struct request *request, const char *type);
/* Whether If-None-Match holds an ETag, in a list, weak, or as "*" (RFC 9110, 13.1.2). */
int request_knows(const struct request *request, const char *etag);
/* A decimal ID in a parameter; 0 after having answered 404. */
uint64_t request_id(struct request *request, int param);
/* A page cursor (base64url of the library's) as a buffer, or NULL after having answered. */
reels_buf *request_cursor(struct request *request);
/* The cursor for the next page as JSON: a string or null. */
json_t *cursor_json(reels_buf *cursor);

int id_from_text(const char *text, uint64_t *out);
void id_to_text(uint64_t id, char out[24]);

/* ---- routes: routes.c and one file for each group ---- */

const struct route *
route_find(const char *method, const char *path, struct request *request, const char **allow);

void handle_token(struct request *request);
void handle_me(struct request *request);
void handle_saved(struct request *request);
void handle_uploads_options(struct request *request);
void handle_upload_create(struct request *request);
void handle_upload_head(struct request *request);
void handle_upload_patch(struct request *request);
void handle_upload_delete(struct request *request);
void handle_reel_get(struct request *request);
void handle_reel_delete(struct request *request);
void handle_relation_put(struct request *request);
void handle_relation_delete(struct request *request);
void handle_comments_list(struct request *request);
void handle_comment_add(struct request *request);
void handle_comment_delete(struct request *request);
void handle_feed(struct request *request);
void handle_events(struct request *request);
void handle_user_get(struct request *request);
void handle_user_reels(struct request *request);
void handle_media(struct request *request);
void handle_health(struct request *request);
void handle_metrics(struct request *request);
void handle_contract(struct request *request);
void handle_page(struct request *request);
void handle_asset(struct request *request);

/* ---- tus.c: the body of an upload request, piece by piece ---- */

/* Judges the headers before the body; 0 after having answered. */
int upload_begin(struct request *request);
/* Takes bytes of the body; 0 after having answered. */
int upload_bytes(struct request *request, const char *data, size_t len);
/* The request is over; what was read of a body that broke off is kept. */
void upload_end(struct request *request, int complete);

/* ---- deadlines.c ---- */

enum {
    CONNECTION_IDLE_S = 60,  /* MHD ends a connection on which nothing comes or goes for so long */
    DEADLINE_HEADERS_S = 10, /* the first request of a connection has its headers by then */
    DEADLINE_BODY_S = 20,    /* and the body, unless it is an upload's */
    DEADLINE_NEXT_S = CONNECTION_IDLE_S + DEADLINE_HEADERS_S /* headers of a further request */
};

struct deadlines *deadlines_new(void);
/* No connection is left then. */
void deadlines_free(struct deadlines *deadlines);
/* A connection begins or ends: for MHD_OPTION_NOTIFY_CONNECTION. */
void deadlines_notify(void *cls,
                      struct MHD_Connection *connection,
                      void **socket_context,
                      enum MHD_ConnectionNotificationCode code);
/* The request's connection is ended in so many seconds; 0 = it has no deadline. */
void deadline_set(struct request *request, int seconds);

/* ---- writers.c: one request at a time writes to an upload ---- */

struct writer {
    struct writer *next;
    uint64_t reel_id;
    uint64_t person_id;
    int socket;
    int entered;
    atomic_llong heard_mono_us; /* when bytes came last */
};

/* 0 when another request writes to this upload. */
int writers_enter(struct request *request, struct writer *writer, uint64_t reel_id);
void writers_heard(struct request *request, struct writer *writer);
/* Does nothing for one that has not entered, or has left. */
void writers_leave(struct request *request, struct writer *writer);

/* ---- auth.c ---- */

/* Reads the token of a request; 0 after having answered 401. */
int auth_check(struct request *request);
/* A token for a person; free() it. NULL when there is no memory. */
char *
auth_token(struct server *server, uint64_t person_id, const char *name, int64_t *out_expires_ms);
/* Reads or makes the key in the data folder. */
int auth_key_open(struct server *server, const char *data_path);

/* ---- people.c: the demo's own accounts, in tables of its own in the platform's catalog ---- */

reels_status people_open(struct server *server, reels_error *err);
/* The person of that name, made when there is none. */
reels_status people_sign_in(struct server *server,
                            const char *name,
                            uint64_t *out_id,
                            char out_name[NAME_BYTES],
                            reels_error *err);
/* Names of persons; "" for one that is not there. */
reels_status people_names(struct server *server,
                          const uint64_t *ids,
                          size_t count,
                          char (*out)[NAME_BYTES],
                          reels_error *err);

/* ---- view.c: reels and persons as JSON, many at once ---- */

enum {
    VIEW_MAX = 20,
    VIEW_BLOCKED_BY_ME = 1,
    VIEW_BLOCKED_BY_OTHER = 2
};

/* An array of the reels the viewer may see, in order; the others are left out. NULL with err on
 * failure. */
json_t *
view_reels(struct request *request, const reels_reel *reels, size_t count, reels_error *err);
json_t *view_user(struct request *request, uint64_t user_id, const char *name, reels_error *err);
/* Whether a reel is for the viewer's eyes, blocks aside: their own in every state but deleted;
 * others' READY and public. */
int view_is_open(const struct request *request, const reels_reel *reel);
/* Who of the viewer and another person has blocked the other: VIEW_BLOCKED_*. */
unsigned view_blocks(struct request *request, uint64_t other_id);

/* ---- metrics.c ---- */

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);
/* The table for the context; its user is the metrics. */
reels_metrics metrics_hook(struct metrics *metrics);
void metrics_request(struct metrics *metrics,
                     const char *route,
                     unsigned status,
                     int64_t duration_us);
/* The Prometheus text; free() it. */
char *metrics_text(struct metrics *metrics);

/* ---- http.c ---- */

enum MHD_Result http_access(void *cls,
                            struct MHD_Connection *connection,
                            const char *url,
                            const char *method,
                            const char *version,
                            const char *upload_data,
                            size_t *upload_data_size,
                            void **con_cls);
/* Decodes in place, all but %00: it would end the text, and what is behind it be lost. */
size_t http_unescape(void *cls, struct MHD_Connection *connection, char *text);
void http_completed(void *cls,
                    struct MHD_Connection *connection,
                    void **con_cls,
                    enum MHD_RequestTerminationCode code);

#endif
