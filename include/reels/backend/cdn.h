/* Owns the cdn port: who may fetch what is under a prefix, and for how long. Without a host's table
 * the library signs and checks tokens of its own:
 *
 *     1.<key id>.<expiry, seconds since 1970>.<length of the prefix>.<mac>
 *
 * Numbers are decimal without leading zeros; mac is the base64url form, without padding, of
 * HMAC-SHA-256 over "reels-cdn-1\n<key id>\n<expiry>\n<prefix>\n<viewer>". The viewer is empty when
 * the token is for anyone, else "=" and the viewer's bytes. The path that is asked for gives the
 * prefix again, so the token is at most 90 bytes and needs no escaping in a URL. */
#ifndef REELS_BACKEND_CDN_H
#define REELS_BACKEND_CDN_H

#include <reels/base.h>

REELS_BEGIN_DECLS

enum {
    REELS_CDN_PREFIX_BYTES_MAX = 1024,
    REELS_CDN_VIEWER_BYTES_MAX = 255,
    REELS_CDN_TOKEN_BYTES_MAX = 4096, /**< of any form; the library's own have 90 at most */
    REELS_CDN_KEYS_MAX = 16,
    REELS_CDN_KEY_BYTES_MIN = 16,
    REELS_CDN_KEY_BYTES_MAX = 1024
};

/** A secret for the library's own tokens. */
typedef struct reels_cdn_key {
    uint32_t id; /**< travels in the token, so that keys can be changed while tokens are out */
    uint32_t reserved0;
    const uint8_t *secret;
    size_t secret_len; /**< 16..1024 random bytes, 32 advised */
} reels_cdn_key;

/** Options of reels_cdn_new(). */
typedef struct reels_cdn_options {
    uint32_t struct_size;
    uint32_t keys_count;       /**< 1..16 when sign or check are not in the host's table */
    const reels_cdn_key *keys; /**< the first one signs, all of them check; copied */
} reels_cdn_options;

enum {
    REELS_CDN_HAS_PURGE = 1,
    REELS_CDN_OWN_TOKENS = 2 /**< sign and check are the library's */
};

/**
 * The cdn port. Slots may block, are called from any thread and overlap; none may call back.
 * Pointers are borrowed for the call; lengths and characters have been checked. Consistency: what
 * sign has given is accepted by check and by the edge until it expires. After the time that purge
 * gives, nothing under the prefix is served from any cache.
 */
typedef struct reels_cdn_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    /** must; once, after a successful registration */
    void (*destroy)(void *impl);

    /** may, with check. Appends a token, printable ASCII without blanks, that lets the viewer (NULL
     * = anyone who has it) fetch what is under the prefix until the expiry. Fallback: the library's
     * own tokens. */
    reels_status (*sign)(void *impl,
                         const reels_call *call,
                         const char *prefix,
                         const char *viewer,
                         int64_t expires_unix_us,
                         reels_buf *out_token,
                         reels_error *err);

    /** may, with sign. DENIED for a token that does not let this viewer fetch this path; STALE for
     * one that did and has expired. Takes the same time whatever is wrong with the token's secret
     * part. */
    reels_status (*check)(void *impl,
                          const reels_call *call,
                          const char *token,
                          const char *path,
                          const char *viewer,
                          int64_t now_unix_us,
                          reels_error *err);

    /** may. Asks that caches forget what is under the prefixes; out_done_unix_us: when that is so
     * everywhere. Fallback: none, what a cache holds dies with its tokens. */
    reels_status (*purge)(void *impl,
                          const reels_call *call,
                          const char *const *prefixes,
                          size_t prefixes_count,
                          int64_t *out_done_unix_us,
                          reels_error *err);
} reels_cdn_vtable;

/** A cdn. @threadsafety internally locked */
typedef struct reels_cdn reels_cdn;

/**
 * Makes a cdn from a host's table, or from the library's own tokens alone.
 *
 * @param      ctx      context
 * @param      vtable   copied; NULL = own tokens and no purge
 * @param      impl     handed to every slot
 * @param      options  keys of own tokens; NULL when the table has sign and check
 * @param[out] out      the cdn, NULL on failure
 * @param[out] err      detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for only one of sign and check, for no keys where they
 * are needed, for two keys of one id or a secret that is too short; REELS_ERR_UNSUPPORTED for a
 * newer table or newer options; REELS_ERR_NO_MEMORY
 * @ownership     takes impl on success: destroy is called once by reels_cdn_free(); secrets are
 * copied and wiped there
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_cdn_new(reels_ctx *ctx,
                                     const reels_cdn_vtable *vtable,
                                     void *impl,
                                     const reels_cdn_options *options,
                                     reels_cdn **out,
                                     reels_error *err);

/**
 * Opens a cdn by URL, whose scheme an adapter has registered; none is embedded.
 *
 * @param      ctx  context
 * @param      url  scheme and rest
 * @param[out] out  the cdn, NULL on failure
 * @param[out] err  detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for a malformed URL; REELS_ERR_UNSUPPORTED for an unknown
 * scheme; or what the adapter fails with
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_cdn_open(reels_ctx *ctx,
                                      const char *url,
                                      reels_cdn **out,
                                      reels_error *err);

/**
 * Frees a cdn and wipes its secrets.
 *
 * @param cdn  NULL does nothing
 * @ownership     takes cdn
 * @threadsafety  one thread, when no call uses it
 * @since 0.1
 */
REELS_API void reels_cdn_free(reels_cdn *cdn);

/**
 * Tells what the cdn can do.
 *
 * @param cdn  cdn
 * @return REELS_CDN_* flags
 * @ownership     none
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API uint32_t reels_cdn_features(const reels_cdn *cdn);

/**
 * Signs a prefix.
 *
 * @param      cdn              cdn
 * @param      call             deadline and cancel; may be NULL
 * @param      prefix           a blob key, or one followed by a slash: then all under it
 * @param      viewer           who may use it, 1..255 bytes of UTF-8 without control characters;
 * NULL = anyone who has it
 * @param      expires_unix_us  when it ends; own tokens end at the full second before
 * @param      out_token        cleared, then holds the token
 * @param[out] err              detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED;
 * REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread; out_token one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_cdn_sign(reels_cdn *cdn,
                                      const reels_call *call,
                                      const char *prefix,
                                      const char *viewer,
                                      int64_t expires_unix_us,
                                      reels_buf *out_token,
                                      reels_error *err);

/**
 * Checks a token that came with a request, at the context's wall clock. Own tokens are compared in
 * constant time.
 *
 * @param      cdn    cdn
 * @param      call   deadline and cancel; may be NULL
 * @param      token  as it came: any bytes
 * @param      path   what is asked for: any bytes, a blob key to be let in
 * @param      viewer who asks; NULL = not known
 * @param[out] err    detail on failure; may be NULL
 * @return REELS_OK: let in; REELS_ERR_DENIED; REELS_ERR_STALE: it is genuine but has expired;
 * REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_cdn_check(reels_cdn *cdn,
                                       const reels_call *call,
                                       const char *token,
                                       const char *path,
                                       const char *viewer,
                                       reels_error *err);

/**
 * Asks that caches forget what is under some prefixes.
 *
 * @param      cdn               cdn with REELS_CDN_HAS_PURGE
 * @param      call              deadline and cancel; may be NULL
 * @param      prefixes          as for reels_cdn_sign()
 * @param      prefixes_count    0..1000
 * @param[out] out_done_unix_us  when it is so everywhere; may be NULL
 * @param[out] err               detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_UNSUPPORTED without REELS_CDN_HAS_PURGE; REELS_ERR_INVALID_ARG;
 * REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_cdn_purge(reels_cdn *cdn,
                                       const reels_call *call,
                                       const char *const *prefixes,
                                       size_t prefixes_count,
                                       int64_t *out_done_unix_us,
                                       reels_error *err);

REELS_END_DECLS

#endif
