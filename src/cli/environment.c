/* Owns what the program asks of the system it runs on: its folders, its worker, its context. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

enum {
    STATE_MODE = 0700
};

reels_ctx *cli_ctx_new(const char *what)
{
    reels_ctx *ctx = NULL;
    reels_error err = {.struct_size = sizeof err};
    reels_status status = reels_ctx_new(NULL, &ctx, &err);
    if (status != REELS_OK) {
        (void)cli_fail_status(what, status, &err);
    }
    return ctx;
}

/* Makes a folder and those above it: 0, or an errno. */
static int folders_make(char *path)
{
    for (char *at = path + 1;; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        char end = *at;
        *at = '\0';
        int failed = mkdir(path, STATE_MODE) != 0 ? errno : 0;
        *at = end;
        if ((failed != 0 && failed != EEXIST) || end == '\0') {
            return failed == EEXIST ? 0 : failed;
        }
    }
}

int cli_state_dir(char out[CLI_PATH_BYTES])
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int len = -1;
    /* The XDG specification: a path that is not absolute is to be ignored. */
    if (state != NULL && state[0] == '/') {
        len = snprintf(out, CLI_PATH_BYTES, "%s/reels", state);
    } else if (home != NULL && home[0] == '/') {
        len = snprintf(out, CLI_PATH_BYTES, "%s/.local/state/reels", home);
    } else {
        (void)snprintf(
            out, CLI_PATH_BYTES, "neither XDG_STATE_HOME nor HOME says where state is kept");
        return CLI_FAILED;
    }
    if (len < 0 || len >= CLI_PATH_BYTES) {
        (void)snprintf(out, CLI_PATH_BYTES, "the path of the state folder is too long");
        return CLI_FAILED;
    }
    int failed = folders_make(out);
    if (failed != 0) {
        /* The path is cut when both do not fit. */
        size_t room = CLI_PATH_BYTES - 64;
        out[(size_t)len < room ? (size_t)len : room] = '\0';
        size_t end = strlen(out);
        (void)snprintf(out + end, CLI_PATH_BYTES - end, ": %s", strerror(failed));
        return CLI_FAILED;
    }
    return CLI_OK;
}

const char *cli_worker_path(void)
{
    static const char *const beside[] = {"../libexec/reels-media-worker",
                                         "../media_worker/reels-media-worker"};
    static char self[CLI_PATH_BYTES];
    static char path[CLI_PATH_BYTES + 64];
    static char resolved[PATH_MAX];
    const char *given = getenv("REELS_MEDIA_WORKER");
    if (given != NULL && given[0] != '\0') {
        return given;
    }
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    self[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash == NULL) {
        return NULL;
    }
    slash[1] = '\0';
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        (void)snprintf(path, sizeof path, "%s%s", self, beside[i]);
        if (access(path, X_OK) == 0 && realpath(path, resolved) != NULL) {
            return resolved;
        }
    }
    return NULL;
}
