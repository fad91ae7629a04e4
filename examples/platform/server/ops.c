/* Owns health, metrics, the contract, and the files of the web app. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server.h"

#define CSP                                                                                        \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "        \
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "         \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

enum {
    FILE_BYTES_MAX = 16 * 1024 * 1024
};

void handle_health(struct request *request)
{
    static const char *const names[] = {"starting", "ok", "stopping"};
    int state = request->server->state;
    const char *text = names[state];
    unsigned status = state == SERVER_READY ? 200 : 503;
    if (state == SERVER_READY) {
        reels_error err = {.struct_size = sizeof(err)};
        reels_buf *detail = NULL;
        if (reels_buf_new(request->server->ctx, 4096, &detail, NULL) != REELS_OK ||
            reels_platform_health(request->server->platform, NULL, detail, &err) != REELS_OK) {
            status = 503;
            text = "failed";
        }
        reels_buf_free(detail);
    }
    answer_json(request, status, json_pack("{s:s}", "status", text));
}

void handle_metrics(struct request *request)
{
    char *text = metrics_text(request->server->metrics);
    if (text == NULL) {
        answer_error(request, 503, "unavailable", "no memory");
        return;
    }
    answer_bytes(
        request, 200, "text/plain; version=0.0.4; charset=utf-8", text, strlen(text), NULL, 0);
    free(text);
}

/* ---- files ---- */

static const char *file_type(const char *path)
{
    static const char *const types[][2] = {{".js", "text/javascript; charset=utf-8"},
                                           {".mjs", "text/javascript; charset=utf-8"},
                                           {".css", "text/css; charset=utf-8"},
                                           {".html", "text/html; charset=utf-8"},
                                           {".svg", "image/svg+xml"},
                                           {".png", "image/png"},
                                           {".webmanifest", "application/manifest+json"},
                                           {".yaml", "application/yaml"}};
    size_t len = strlen(path);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t tail = strlen(types[i][0]);
        if (len > tail && strcmp(path + len - tail, types[i][0]) == 0) {
            return types[i][1];
        }
    }
    return "application/octet-stream";
}

static void
send_file(struct request *request, const char *path, const struct header *more, size_t more_count)
{
    struct stat info;
    char etag[64];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 || fstat(file, &info) != 0 || !S_ISREG(info.st_mode) ||
        info.st_size > FILE_BYTES_MAX) {
        if (file >= 0) {
            (void)close(file);
        }
        answer_error(request, 404, "not_found", "there is no such file");
        return;
    }
    (void)snprintf(etag,
                   sizeof(etag),
                   "\"%llx-%llx\"",
                   (unsigned long long)info.st_mtim.tv_sec * 1000000000ULL +
                       (unsigned long long)info.st_mtim.tv_nsec,
                   (unsigned long long)info.st_size);
    struct header headers[8] = {{"ETag", etag}, {"Cache-Control", "no-cache"}};
    size_t count = 2;
    for (size_t i = 0; i < more_count && count < 8; i++) {
        headers[count++] = more[i];
    }
    if (request_knows(request, etag)) {
        (void)close(file);
        answer_empty(request, 304, headers, count);
        return;
    }
    char *data = malloc((size_t)info.st_size + 1);
    ssize_t got = data != NULL ? read(file, data, (size_t)info.st_size) : -1;
    (void)close(file);
    if (got != info.st_size) {
        answer_error(request, 503, "unavailable", "the file could not be read");
    } else {
        answer_bytes(request, 200, file_type(path), data, (size_t)got, headers, count);
    }
    free(data);
}

void handle_contract(struct request *request)
{
    send_file(request, request->server->openapi_path, NULL, 0);
}

void handle_page(struct request *request)
{
    static const struct header headers[] = {{"Content-Security-Policy", CSP},
                                            {"Referrer-Policy", "same-origin"}};
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/index.html", request->server->web_path);
    send_file(request, path, headers, 2);
}

void handle_asset(struct request *request)
{
    char path[4096 + PARAM_BYTES];
    const char *name = request->params[0];
    static const char legal[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";
    /* Nothing that could lead out of the folder. */
    if (strspn(name, legal) != strlen(name) || strstr(name, "..") != NULL || name[0] == '/') {
        answer_error(request, 404, "not_found", "there is no such file");
        return;
    }
    (void)snprintf(path, sizeof(path), "%s/assets/%s", request->server->web_path, name);
    send_file(request, path, NULL, 0);
}
