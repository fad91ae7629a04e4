/* Owns the schemes by which ports are opened: the embedded ones, a constant table, and those that
 * adapters have registered with a context, a list under its registry lock. A registered scheme
 * stays until the context is freed, so that it may be used without the lock. */
#include <string.h>

#include <reels/backend/open.h>

#include "backend/embedded.h"
#include "backend/port.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    SCHEME_LEN_MAX = 32
};

struct reels__scheme {
    struct reels__scheme *next;
    reels_scheme_open_fn open;
    void *user;
    uint32_t port;
    char name[SCHEME_LEN_MAX + 1];
};

static const struct {
    uint32_t port;
    const char *name;
    reels_scheme_open_fn open;
} EMBEDDED[] = {
    {REELS_PORT_CACHE, "mem", reels__cache_mem_open},
    {REELS_PORT_CACHE, "none", reels__cache_none_open},
    {REELS_PORT_QUEUE, "file", reels__queue_log_open},
    {REELS_PORT_QUEUE, "mem", reels__queue_mem_open},
    {REELS_PORT_BLOB, "file", reels__blob_dir_open},
    {REELS_PORT_BLOB, "mem", reels__blob_mem_open},
    {REELS_PORT_CATALOG, "mem", reels__catalog_mem_open},
    {REELS_PORT_CATALOG, "sqlite", reels__catalog_sqlite_open},
    {REELS_PORT_STATS, "mem", reels__stats_mem_open},
    {REELS_PORT_STATS, "sqlite", reels__stats_sqlite_open},
};

static reels_scheme_open_fn embedded_find(uint32_t port, const char *scheme)
{
    for (size_t i = 0; i < REELS__COUNT(EMBEDDED); i++) {
        if (EMBEDDED[i].port == port && strcmp(EMBEDDED[i].name, scheme) == 0) {
            return EMBEDDED[i].open;
        }
    }
    return NULL;
}

/* Under the registry lock. */
static struct reels__scheme *registered_find(reels_ctx *ctx, uint32_t port, const char *scheme)
{
    struct reels__scheme *it = ctx->schemes;
    while (it != NULL && (it->port != port || strcmp(it->name, scheme) != 0)) {
        it = it->next;
    }
    return it;
}

static int scheme_char_is_valid(char c, size_t position)
{
    if (c >= 'a' && c <= 'z') {
        return 1;
    }
    return position > 0 && ((c >= '0' && c <= '9') || c == '+' || c == '.' || c == '-');
}

/* Length of a well-formed scheme that ends at `end`, or 0. */
static size_t scheme_len(const char *text, char end)
{
    size_t len = 0;
    while (len <= SCHEME_LEN_MAX && scheme_char_is_valid(text[len], len)) {
        len++;
    }
    return len <= SCHEME_LEN_MAX && text[len] == end ? len : 0;
}

static void schemes_free(reels_ctx *ctx)
{
    struct reels__scheme *it = ctx->schemes;
    while (it != NULL) {
        struct reels__scheme *next = it->next;
        reels__mem_free(ctx, it);
        it = next;
    }
    ctx->schemes = NULL;
}

reels_status reels_scheme_register(reels_ctx *ctx,
                                   uint32_t port,
                                   const char *scheme,
                                   reels_scheme_open_fn open,
                                   void *user,
                                   reels_error *err)
{
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    REELS_REQUIRE(open != NULL, err, "open is NULL");
    REELS_REQUIRE(port >= REELS_PORT_BLOB && port <= REELS_PORT_PUSH, err, "port is not a port");
    REELS_REQUIRE(scheme != NULL && scheme_len(scheme, '\0') > 0,
                  err,
                  "scheme is not [a-z][a-z0-9+.-]{0,31}");
    if (embedded_find(port, scheme) != NULL) {
        return reels__fail(err, REELS_ERR_EXISTS, "scheme %s: is embedded", scheme);
    }
    struct reels__scheme *made = reels__mem_zalloc(ctx, sizeof *made);
    if (made == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "scheme %s: no memory", scheme);
    }
    made->open = open;
    made->user = user;
    made->port = port;
    memcpy(made->name, scheme, strlen(scheme) + 1);

    pthread_mutex_lock(&ctx->registry_lock);
    int known = registered_find(ctx, port, scheme) != NULL;
    if (!known) {
        made->next = ctx->schemes;
        ctx->schemes = made;
        ctx->schemes_free = schemes_free;
    }
    pthread_mutex_unlock(&ctx->registry_lock);
    if (known) {
        reels__mem_free(ctx, made);
        return reels__fail(err, REELS_ERR_EXISTS, "scheme %s: is registered", scheme);
    }
    return REELS_OK;
}

reels_status reels__scheme_open(
    reels_ctx *ctx, uint32_t port, const char *url, void **out_port, reels_error *err)
{
    *out_port = NULL;
    REELS_REQUIRE(url != NULL, err, "url is NULL");
    size_t len = scheme_len(url, ':');
    REELS_REQUIRE(len > 0, err, "url does not begin with a scheme such as \"mem:\"");
    char scheme[SCHEME_LEN_MAX + 1] = {0};
    memcpy(scheme, url, len);

    reels_scheme_open_fn open = embedded_find(port, scheme);
    void *user = NULL;
    if (open == NULL) {
        pthread_mutex_lock(&ctx->registry_lock);
        struct reels__scheme *found = registered_find(ctx, port, scheme);
        pthread_mutex_unlock(&ctx->registry_lock);
        open = found != NULL ? found->open : NULL;
        user = found != NULL ? found->user : NULL;
    }
    if (open == NULL) {
        return reels__fail(
            err, REELS_ERR_UNSUPPORTED, "scheme %s: this port has no such backend", scheme);
    }
    reels_status status = open(user, ctx, url, out_port, err);
    if (status < 0) {
        *out_port = NULL;
        return status;
    }
    REELS_INVARIANT(*out_port != NULL, err);
    return REELS_OK;
}

const char *reels__url_rest(const char *url)
{
    const char *colon = strchr(url, ':');
    return colon != NULL ? colon + 1 : url;
}
