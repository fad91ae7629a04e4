/* Owns the rewriting of a playlist's URLs; see render.h. One pass, every byte is copied once. */
#include <string.h>

#include <reels/hls/render.h>

#include "base/buffer_internal.h"
#include "base/compiler.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "m3u8.h"

struct render {
    reels_playlist_urls urls;
    reels_buf *out;
    reels_error *err;
};

/* Tags whose value is an attribute list that may hold a URI. */
static const char *const uri_tags[] = {"EXT-X-MAP",
                                       "EXT-X-MEDIA",
                                       "EXT-X-I-FRAME-STREAM-INF",
                                       "EXT-X-KEY",
                                       "EXT-X-SESSION-KEY",
                                       "EXT-X-SESSION-DATA",
                                       "EXT-X-PART",
                                       "EXT-X-PRELOAD-HINT",
                                       "EXT-X-RENDITION-REPORT"};

static reels_status put(const struct render *r, const char *data, size_t len)
{
    return reels_buf_append(r->out, (const uint8_t *)data, len, r->err);
}

/* Whether text may stand in a playlist as a URL, or as a part of one. */
static int is_plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= ' ' || c == '"' || c == 0x7f) {
            return 0;
        }
    }
    return len == 0 || text[0] != '#';
}

/* A URI that says itself where it is: with a scheme (RFC 3986 section 3.1), or from the root. */
static int is_absolute(struct reels__text uri)
{
    for (size_t i = 0; i < uri.len; i++) {
        char c = uri.data[i];
        int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (c == ':') {
            return i > 0;
        }
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'))) {
            return i == 0 && c == '/';
        }
    }
    return 0;
}

static reels_status put_made(const struct render *r, struct reels__text uri)
{
    size_t before = reels_buf_len(r->out);
    REELS_TRY(r->urls.url(r->urls.url_user, uri.data, uri.len, r->out, r->err));
    size_t after = reels_buf_len(r->out);
    const char *made = (const char *)reels_buf_data(r->out) + before;
    if (after <= before || !is_plain(made, after - before)) {
        return reels__fail(r->err, REELS_ERR_HOST, "the URL made may not stand in a playlist");
    }
    return REELS_OK;
}

static reels_status put_url(const struct render *r, struct reels__text uri)
{
    if (uri.len == 0 || is_absolute(uri)) {
        return put(r, uri.data, uri.len);
    }
    if (r->urls.url != NULL) {
        return put_made(r, uri);
    }
    if (r->urls.base_url != NULL) {
        REELS_TRY(put(r, r->urls.base_url, strlen(r->urls.base_url)));
    }
    REELS_TRY(put(r, uri.data, uri.len));
    if (r->urls.query == NULL || r->urls.query[0] == '\0') {
        return REELS_OK;
    }
    REELS_TRY(put(r, memchr(uri.data, '?', uri.len) != NULL ? "&" : "?", 1));
    return put(r, r->urls.query, strlen(r->urls.query));
}

/* The end of an attribute: the comma behind it, or the end of the list. NULL in an open quotation.
 */
static const char *attribute_end(const char *at, const char *end)
{
    int quoted = 0;
    while (at < end && (quoted || *at != ',')) {
        quoted ^= *at == '"';
        at++;
    }
    return quoted ? NULL : at;
}

static reels_status put_attributes(const struct render *r, const char *at, const char *end)
{
    static const char mark[] = "URI=\"";
    const size_t mark_len = sizeof mark - 1;
    while (at < end) {
        const char *next = attribute_end(at, end);
        if (next == NULL) {
            return reels__fail(r->err, REELS_ERR_CORRUPT, "a quotation in the playlist has no end");
        }
        const char *after = next < end ? next + 1 : end;
        if ((size_t)(next - at) > mark_len && memcmp(at, mark, mark_len) == 0 && next[-1] == '"') {
            struct reels__text uri = {at + mark_len, (size_t)(next - 1 - at) - mark_len};
            REELS_TRY(put(r, at, mark_len));
            REELS_TRY(put_url(r, uri));
            at = next - 1;
        }
        REELS_TRY(put(r, at, (size_t)(after - at)));
        at = after;
    }
    return REELS_OK;
}

static int tag_has_uri(struct reels__text name)
{
    for (size_t i = 0; i < REELS__COUNT(uri_tags); i++) {
        if (reels__text_is(name, uri_tags[i])) {
            return 1;
        }
    }
    return 0;
}

static reels_status put_line(const struct render *r, struct reels__text line)
{
    if (line.len == 0 || line.data[0] != '#') {
        return put_url(r, line);
    }
    const char *end = line.data + line.len;
    const char *colon = memchr(line.data, ':', line.len);
    if (colon == NULL ||
        !tag_has_uri((struct reels__text){line.data + 1, (size_t)(colon - line.data) - 1})) {
        return put(r, line.data, line.len);
    }
    REELS_TRY(put(r, line.data, (size_t)(colon - line.data) + 1));
    return put_attributes(r, colon + 1, end);
}

static reels_status put_lines(const struct render *r, const char *text, size_t len)
{
    const char *end = text + len;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *next = newline != NULL ? newline + 1 : end;
        const char *stop = newline != NULL ? newline : end;
        stop -= stop > text && stop[-1] == '\r';
        REELS_TRY(put_line(r, (struct reels__text){text, (size_t)(stop - text)}));
        REELS_TRY(put(r, stop, (size_t)(next - stop)));
        text = next;
    }
    return REELS_OK;
}

static reels_status
read_urls(const reels_playlist_urls *urls, reels_playlist_urls *out, reels_error *err)
{
    REELS_REQUIRE(urls != NULL, err, "urls is NULL");
    REELS_TRY(reels__options_read(urls, sizeof *out, out, sizeof *out, "reels_playlist_urls", err));
    REELS_REQUIRE(out->base_url == NULL || is_plain(out->base_url, strlen(out->base_url)),
                  err,
                  "base_url may not stand in a playlist");
    REELS_REQUIRE(out->query == NULL || is_plain(out->query, strlen(out->query)),
                  err,
                  "query may not stand in a playlist");
    return REELS_OK;
}

reels_status reels_playlist_render(
    const char *text, size_t len, const reels_playlist_urls *urls, reels_buf *out, reels_error *err)
{
    static const char head[] = "#EXTM3U";
    const size_t head_len = sizeof head - 1;
    struct render render = {.out = out, .err = err};
    REELS_REQUIRE(text != NULL && out != NULL, err, "text and out are needed");
    REELS_TRY(read_urls(urls, &render.urls, err));
    if (len > REELS__M3U8_BYTES_MAX) {
        return reels__fail(err, REELS_ERR_LIMIT, "the playlist is longer than 8 MiB");
    }
    if (len < head_len || memcmp(text, head, head_len) != 0 ||
        (len > head_len && text[head_len] != '\r' && text[head_len] != '\n')) {
        return reels__fail(err, REELS_ERR_CORRUPT, "the text is no playlist: #EXTM3U is missing");
    }
    size_t before = reels_buf_len(out);
    reels_status status = put_lines(&render, text, len);
    if (status < 0) {
        reels__buf_truncate(out, before);
    }
    return status;
}
