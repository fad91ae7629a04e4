/* What a playlist costs at request time.
 *
 * The media playlist of a reel of 90 s is rendered with a base and a token, and with a function of
 * the host for each URL. The peer, measured in the same run, is memcpy of the text that comes out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <reels/hls.h>

enum {
    SEGMENTS = 45,
    ROUNDS = 20000,
    TEXT_BYTES = 16384
};

static double now_s(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t make_playlist(char *text)
{
    size_t len = (size_t)snprintf(text,
                                  TEXT_BYTES,
                                  "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n"
                                  "#EXT-X-MAP:URI=\"v720p.mp4\",BYTERANGE=\"801@0\"\n");
    for (int i = 0; i < SEGMENTS; i++) {
        len += (size_t)snprintf(text + len,
                                TEXT_BYTES - len,
                                "#reels-xxh3:0123456789abcdef\n#EXTINF:2.000000,\n"
                                "#EXT-X-BYTERANGE:%d@%d\nv720p.mp4\n",
                                612345,
                                801 + i * 612345);
    }
    return len;
}

static reels_status
make_url(void *user, const char *name, size_t name_len, reels_buf *url, reels_error *err)
{
    static const char base[] = "https://cdn.example/m/06XPSN5T83800/1/";
    (void)user;
    reels_status status = reels_buf_append(url, (const uint8_t *)base, sizeof base - 1, err);
    return status < 0 ? status : reels_buf_append(url, (const uint8_t *)name, name_len, err);
}

/* Nanoseconds for each URL. */
static double
run(const char *text, size_t len, const reels_playlist_urls *urls, reels_buf *out, reels_error *err)
{
    double begin = now_s();
    for (int i = 0; i < ROUNDS; i++) {
        reels_buf_clear(out);
        if (reels_playlist_render(text, len, urls, out, err) < 0) {
            (void)fprintf(stderr, "bench-render: %s\n", err->message);
            exit(0); /* a benchmark reports and never fails a build */
        }
    }
    return (now_s() - begin) * 1e9 / ROUNDS / (SEGMENTS + 1);
}

static double copy(reels_buf *out)
{
    static char to[TEXT_BYTES];
    size_t len = reels_buf_len(out) < sizeof to ? reels_buf_len(out) : sizeof to;
    double begin = now_s();
    for (int i = 0; i < ROUNDS; i++) {
        memcpy(to, reels_buf_data(out), len);
        __asm__ volatile("" ::: "memory");
    }
    return (now_s() - begin) * 1e9 / ROUNDS / (SEGMENTS + 1);
}

static void report(const char *metric, double value, double peer)
{
    (void)printf(
        "{\"bench\": \"render\", \"metric\": \"%s\", \"value\": %.1f, \"unit\": \"ns/URL\", "
        "\"peer\": \"memcpy of the result\", \"peer_value\": %.1f, \"ratio\": %.1f}\n",
        metric,
        value,
        peer,
        peer > 0 ? value / peer : 0);
}

int main(void)
{
    static char text[TEXT_BYTES];
    reels_error err = {.struct_size = sizeof err};
    reels_ctx *ctx = NULL;
    reels_buf *out = NULL;
    const reels_playlist_urls fixed = {.struct_size = sizeof fixed,
                                       .base_url = "https://cdn.example/m/06XPSN5T83800/1/",
                                       .query =
                                           "token=1.1.1795206000.18.CrW1m6EpAg2DT5FxhwH3VLrEytRZ"};
    const reels_playlist_urls asked = {.struct_size = sizeof asked, .url = make_url};
    size_t len = make_playlist(text);
    if (reels_ctx_new(NULL, &ctx, &err) < 0 || reels_buf_new(ctx, 0, &out, &err) < 0) {
        (void)fprintf(stderr, "bench-render: %s\n", err.message);
        return 0;
    }
    double value = run(text, len, &fixed, out, &err);
    report("base_and_query", value, copy(out));
    value = run(text, len, &asked, out, &err);
    report("url_of_the_host", value, copy(out));
    reels_buf_free(out);
    reels_ctx_free(ctx);
    return 0;
}
