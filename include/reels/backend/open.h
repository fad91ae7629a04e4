/* Owns the opening of ports by URL: which scheme of which port leads to which backend is known to a
 * context. The embedded schemes are always there; an adapter adds its own by one call per port. */
#ifndef REELS_BACKEND_OPEN_H
#define REELS_BACKEND_OPEN_H

#include <reels/base.h>

REELS_BEGIN_DECLS

enum {
    REELS_PORT_BLOB = 1,
    REELS_PORT_QUEUE = 2,
    REELS_PORT_CATALOG = 3,
    REELS_PORT_STATS = 4,
    REELS_PORT_CACHE = 5,
    REELS_PORT_CDN = 6,
    REELS_PORT_MODEL = 7,
    REELS_PORT_EMBED = 8,
    REELS_PORT_CLASSIFIER = 9,
    REELS_PORT_PUSH = 10
};

/**
 * Opens a backend for reels_<port>_open(). Called on the caller's thread, calls overlap, may block,
 * may use the context.
 *
 * @param      user      as registered
 * @param      ctx       context
 * @param      url       the whole URL, scheme and all; hosts' secrets may be in it: never put it in
 * a message
 * @param[out] out_port  the handle of the port, as reels_<port>_new() gave it: a reels_catalog *
 * for REELS_PORT_CATALOG and so on; NULL on failure
 * @param[out] err       detail on failure; may be NULL
 * @return REELS_OK; what the backend fails with
 */
typedef reels_status (*reels_scheme_open_fn)(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err);

/**
 * Registers a URL scheme for one port with a context; adapters do so in reels_<name>_register().
 *
 * @param      ctx     context
 * @param      port    REELS_PORT_*
 * @param      scheme  what stands before the colon: [a-z][a-z0-9+.-]{0,31}; copied
 * @param      open    called for each URL of that scheme
 * @param      user    handed to open; must outlive the context
 * @param[out] err     detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_EXISTS when the port has that scheme, embedded
 * ones included; REELS_ERR_NO_MEMORY
 * @ownership     user is borrowed until the context is freed
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_scheme_register(reels_ctx *ctx,
                                             uint32_t port,
                                             const char *scheme,
                                             reels_scheme_open_fn open,
                                             void *user,
                                             reels_error *err);

REELS_END_DECLS

#endif
