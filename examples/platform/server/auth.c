/* Owns tokens: JSON Web Tokens (RFC 7519), HS256 with a key of this installation, by libjwt. */
#include <errno.h>
#include <fcntl.h>
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "server.h"

enum {
    TOKEN_VALID_S = 7 * 24 * 3600,
    TOKEN_BYTES_MAX = 4096
};

/* The key gets its name when it is whole: a crash in the middle leaves no short key behind, and
 * what an earlier crash left under the draft's name is written over. The data folder has one
 * server. */
static int write_key(const char *path, const uint8_t *key)
{
    char draft[4100];
    (void)snprintf(draft, sizeof(draft), "%s~", path);
    int file = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
        return 0;
    }
    int written = write(file, key, JWT_KEY_BYTES) == JWT_KEY_BYTES && fsync(file) == 0;
    (void)close(file);
    written = written && rename(draft, path) == 0;
    if (!written) {
        (void)unlink(draft);
    }
    return written;
}

int auth_key_open(struct server *server, const char *data_path)
{
    char path[4096];
    int len = snprintf(path, sizeof(path), "%s/token.key", data_path);
    if (len < 0 || (size_t)len >= sizeof(path)) {
        return 0;
    }
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file >= 0) {
        ssize_t got = read(file, server->jwt_key, JWT_KEY_BYTES);
        (void)close(file);
        return got == JWT_KEY_BYTES;
    }
    if (errno != ENOENT || getrandom(server->jwt_key, JWT_KEY_BYTES, 0) != JWT_KEY_BYTES) {
        return 0;
    }
    return write_key(path, server->jwt_key);
}

char *
auth_token(struct server *server, uint64_t person_id, const char *name, int64_t *out_expires_ms)
{
    jwt_t *jwt = NULL;
    char subject[24];
    char *copy = NULL;
    long now = (long)time(NULL);
    if (jwt_new(&jwt) != 0) {
        return NULL;
    }
    id_to_text(person_id, subject);
    *out_expires_ms = ((int64_t)now + TOKEN_VALID_S) * 1000;
    if (jwt_set_alg(jwt, JWT_ALG_HS256, server->jwt_key, JWT_KEY_BYTES) == 0 &&
        jwt_add_grant(jwt, "sub", subject) == 0 && jwt_add_grant(jwt, "name", name) == 0 &&
        jwt_add_grant_int(jwt, "iat", now) == 0 &&
        jwt_add_grant_int(jwt, "exp", now + TOKEN_VALID_S) == 0) {
        char *text = jwt_encode_str(jwt);
        copy = text != NULL ? strdup(text) : NULL;
        free(text); /* made by jansson with malloc; later versions have a function for it */
    }
    jwt_free(jwt);
    return copy;
}

/* Takes what a good token says; 0 when it says nothing of use. */
static int take_claims(struct request *request, jwt_t *jwt)
{
    const char *subject = jwt_get_grant(jwt, "sub");
    const char *name = jwt_get_grant(jwt, "name");
    if (subject == NULL || !id_from_text(subject, &request->person_id)) {
        return 0;
    }
    (void)snprintf(
        request->person_name, sizeof(request->person_name), "%s", name != NULL ? name : "");
    return 1;
}

/* A NumericDate: seconds, whole or not (RFC 7519, 2). 1 = read, 0 = not there, -1 = no number. */
static int read_date(jwt_t *jwt, const char *name, double *out)
{
    char *text = jwt_get_grants_json(jwt, name); /* of jansson, as above */
    json_t *value = text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    int result = text == NULL ? 0 : json_is_number(value) ? 1 : -1;
    *out = json_number_value(value);
    json_decref(value);
    free(text);
    return result;
}

static double now_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int auth_check(struct request *request)
{
    const char *header = request_header(request, "Authorization");
    jwt_t *jwt = NULL;
    if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0) {
        answer_error(request, 401, "token_missing", "a bearer token is needed");
        return 0;
    }
    const char *token = header + 7;
    if (strlen(token) > TOKEN_BYTES_MAX ||
        jwt_decode(&jwt, token, request->server->jwt_key, JWT_KEY_BYTES) != 0) {
        answer_error(request, 401, "token_bad", "the token is not one of ours");
        return 0;
    }
    /* libjwt takes an unsigned token when its header says so: we do not. */
    double expires = 0;
    double begins = 0;
    double now = now_seconds();
    int good = jwt_get_alg(jwt) == JWT_ALG_HS256 && take_claims(request, jwt) &&
               read_date(jwt, "exp", &expires) == 1 && read_date(jwt, "nbf", &begins) >= 0 &&
               begins <= now;
    jwt_free(jwt);
    if (!good) {
        answer_error(request, 401, "token_bad", "the token is not one of ours");
        return 0;
    }
    if (expires <= now) {
        answer_error(request, 401, "token_expired", "the token has expired: sign in again");
        return 0;
    }
    return 1;
}
