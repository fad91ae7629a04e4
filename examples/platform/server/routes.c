/* Owns the table of routes and the matching of paths. */
#include <string.h>

#include "server.h"

static const struct route routes[] = {
    {"POST", "/v1/token", handle_token, ROUTE_JSON},
    {"GET", "/v1/me", handle_me, ROUTE_AUTH},
    {"GET", "/v1/me/saved", handle_saved, ROUTE_AUTH},
    {"OPTIONS", "/v1/uploads", handle_uploads_options, ROUTE_TUS},
    {"POST", "/v1/uploads", handle_upload_create, ROUTE_AUTH | ROUTE_STREAM | ROUTE_TUS},
    {"HEAD", "/v1/uploads/{}", handle_upload_head, ROUTE_AUTH | ROUTE_TUS},
    {"PATCH", "/v1/uploads/{}", handle_upload_patch, ROUTE_AUTH | ROUTE_STREAM | ROUTE_TUS},
    {"DELETE", "/v1/uploads/{}", handle_upload_delete, ROUTE_AUTH | ROUTE_TUS},
    {"GET", "/v1/reels/{}", handle_reel_get, ROUTE_AUTH},
    {"DELETE", "/v1/reels/{}", handle_reel_delete, ROUTE_AUTH},
    {"PUT", "/v1/reels/{}/like", handle_relation_put, ROUTE_AUTH},
    {"DELETE", "/v1/reels/{}/like", handle_relation_delete, ROUTE_AUTH},
    {"PUT", "/v1/reels/{}/save", handle_relation_put, ROUTE_AUTH},
    {"DELETE", "/v1/reels/{}/save", handle_relation_delete, ROUTE_AUTH},
    {"GET", "/v1/reels/{}/comments", handle_comments_list, ROUTE_AUTH},
    {"POST", "/v1/reels/{}/comments", handle_comment_add, ROUTE_AUTH | ROUTE_JSON},
    {"DELETE", "/v1/reels/{}/comments/{}", handle_comment_delete, ROUTE_AUTH},
    {"GET", "/v1/feed", handle_feed, ROUTE_AUTH},
    {"POST", "/v1/events", handle_events, ROUTE_AUTH | ROUTE_JSON},
    {"GET", "/v1/users/{}", handle_user_get, ROUTE_AUTH},
    {"GET", "/v1/users/{}/reels", handle_user_reels, ROUTE_AUTH},
    {"PUT", "/v1/users/{}/follow", handle_relation_put, ROUTE_AUTH},
    {"DELETE", "/v1/users/{}/follow", handle_relation_delete, ROUTE_AUTH},
    {"PUT", "/v1/users/{}/mute", handle_relation_put, ROUTE_AUTH},
    {"DELETE", "/v1/users/{}/mute", handle_relation_delete, ROUTE_AUTH},
    {"PUT", "/v1/users/{}/block", handle_relation_put, ROUTE_AUTH},
    {"DELETE", "/v1/users/{}/block", handle_relation_delete, ROUTE_AUTH},
    {"GET", "/media/{}/{*}", handle_media, 0},
    {"GET", "/healthz", handle_health, ROUTE_ANYTIME},
    {"GET", "/metrics", handle_metrics, ROUTE_ANYTIME},
    {"GET", "/openapi.yaml", handle_contract, ROUTE_ANYTIME},
    {"GET", "/", handle_page, ROUTE_ANYTIME},
    {"GET", "/r/{}", handle_page, ROUTE_ANYTIME},
    {"GET", "/u/{}", handle_page, ROUTE_ANYTIME},
    {"GET", "/assets/{*}", handle_asset, ROUTE_ANYTIME},
};

static int take(const char *from, size_t len, struct request *request, int *params)
{
    if (len == 0 || len >= PARAM_BYTES || *params == PARAMS_MAX) {
        return 0;
    }
    memcpy(request->params[*params], from, len);
    request->params[*params][len] = '\0';
    (*params)++;
    return 1;
}

/* MHD has decoded the path already. */
static int matches(const char *pattern, const char *path, struct request *request)
{
    int params = 0;
    while (*pattern != '\0') {
        if (strncmp(pattern, "{*}", 3) == 0) {
            return take(path, strlen(path), request, &params);
        }
        if (strncmp(pattern, "{}", 2) == 0) {
            size_t len = strcspn(path, "/");
            if (!take(path, len, request, &params)) {
                return 0;
            }
            pattern += 2;
            path += len;
            continue;
        }
        if (*pattern != *path) {
            return 0;
        }
        pattern++;
        path++;
    }
    return *path == '\0';
}

/* HEAD is answered wherever GET is, unless it has a route of its own. */
static int method_is(const struct route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

/* The methods of a pattern, as an Allow header lists them. */
static const char *allowed(const char *pattern)
{
    static const struct {
        const char *pattern;
        const char *allow;
    } lists[] = {
        {"/v1/uploads", "OPTIONS, POST"},
        {"/v1/uploads/{}", "HEAD, PATCH, DELETE"},
        {"/v1/reels/{}", "GET, HEAD, DELETE"},
        {"/v1/reels/{}/comments", "GET, HEAD, POST"},
        {"/v1/reels/{}/comments/{}", "DELETE"},
        {"/v1/token", "POST"},
        {"/v1/events", "POST"},
    };
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (strcmp(lists[i].pattern, pattern) == 0) {
            return lists[i].allow;
        }
    }
    size_t len = strlen(pattern);
    static const char *const relations[] = {"/like", "/save", "/follow", "/mute", "/block"};
    for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++) {
        size_t tail = strlen(relations[i]);
        if (len > tail && strcmp(pattern + len - tail, relations[i]) == 0) {
            return "PUT, DELETE";
        }
    }
    return "GET, HEAD";
}

const struct route *
route_find(const char *method, const char *path, struct request *request, const char **allow)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!matches(routes[i].pattern, path, request)) {
            continue;
        }
        if (method_is(&routes[i], method)) {
            return &routes[i];
        }
        *allow = allowed(routes[i].pattern);
    }
    return NULL;
}
