/* Owns the playlist as it is served: the same text with other URLs. A tree is packaged once with
 * names relative to its playlists; where its files are fetched, and with which token, is decided at
 * each request. */
#ifndef REELS_HLS_RENDER_H
#define REELS_HLS_RENDER_H

#include <reels/base.h>

REELS_BEGIN_DECLS

/**
 * Makes the URL of one file.
 *
 * @param      user      as given with the URLs
 * @param      name      name in the playlist, without a NUL behind it
 * @param      name_len  bytes
 * @param      url       the URL is appended: visible ASCII or UTF-8 without blanks, quotation marks
 * and control characters, not beginning with '#'
 * @param[out] err       detail on failure
 * @return REELS_OK; a failure becomes that of reels_playlist_render()
 */
typedef reels_status (*reels_playlist_url_fn)(
    void *user, const char *name, size_t name_len, reels_buf *url, reels_error *err);

/** Where the files of a tree are fetched. All zero plus struct_size leaves the text as it is. */
typedef struct reels_playlist_urls {
    uint32_t struct_size;
    uint32_t reserved0;
    const char
        *base_url;     /**< put before each name, such as "https://cdn.example/m/7/"; NULL = none */
    const char *query; /**< put behind each after '?', or '&' where there is one; NULL = none */
    reels_playlist_url_fn url; /**< makes the whole URL in place of both; NULL = none */
    void *url_user;
} reels_playlist_urls;

/**
 * Appends a playlist with other URLs: those of segments, variants and renditions, and the URI of
 * EXT-X-MAP, -MEDIA, -I-FRAME-STREAM-INF, -KEY, -SESSION-KEY, -SESSION-DATA, -PART, -PRELOAD-HINT
 * and -RENDITION-REPORT (RFC 8216bis section 4.4). URIs with a scheme, and those that begin with
 * '/', stay as they are, and so does every other byte.
 *
 * @param      text  playlist, master or media
 * @param      len   bytes, up to 8 MiB
 * @param      urls  where its files are fetched
 * @param      out   the text is appended; as it was on failure
 * @param[out] err   detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG, also for a base_url or query that may not stand in a
 * playlist; REELS_ERR_CORRUPT when the text is no playlist or a quoted URI has no end;
 * REELS_ERR_LIMIT when it is too long, or out may not hold it; REELS_ERR_HOST when url gave what
 * may not stand in a playlist; REELS_ERR_NO_MEMORY; or what url returned
 * @ownership     borrowed for the call
 * @threadsafety  any thread; out one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_playlist_render(const char *text,
                                             size_t len,
                                             const reels_playlist_urls *urls,
                                             reels_buf *out,
                                             reels_error *err);

REELS_END_DECLS

#endif
