/* Shows what reels/hls/render.h promises: other URLs, and not one other byte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reels/hls/render.h>

#include "test_check.h"

static struct test_env env;
static reels_buf *out;

static void setup(void)
{
    test_env_init(&env, TEST_ENV_SEED);
    test_ok(&env, reels_buf_new(env.ctx, 0, &out, &env.err));
}

static void teardown(void)
{
    reels_buf_free(out);
    test_env_dispose(&env);
}

static reels_status render(const char *text, const reels_playlist_urls *urls)
{
    reels_buf_clear(out);
    return reels_playlist_render(text, strlen(text), urls, out, &env.err);
}

static void expect(const char *text, const reels_playlist_urls *urls, const char *wanted)
{
    test_ok(&env, render(text, urls));
    ck_assert_uint_eq(reels_buf_len(out), strlen(wanted));
    ck_assert_mem_eq(reels_buf_data(out), wanted, strlen(wanted));
}

static const char master[] =
    "#EXTM3U\n#EXT-X-VERSION:7\n"
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"a, URI=b\",URI=\"a128.m3u8\"\n"
    "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f,mp4a.40.2\"\nv480p.m3u8\n"
    "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"v480p.iframes.m3u8\"\n";

static const char media[] = "#EXTM3U\r\n#EXT-X-MAP:URI=\"v.mp4\",BYTERANGE=\"800@0\"\r\n"
                            "#reels-xxh3:0123456789abcdef\r\n"
                            "#EXTINF:2.000000,URI=\"title\"\r\n#EXT-X-BYTERANGE:9@800\r\n"
                            "v.mp4\r\n\r\n#EXT-X-ENDLIST";

START_TEST(test_render_changes_nothing_without_urls)
{
    const reels_playlist_urls none = {.struct_size = sizeof none};
    expect(master, &none, master);
    expect(media, &none, media);
    expect("#EXTM3U", &none, "#EXTM3U");
}
END_TEST

START_TEST(test_render_puts_a_base_and_a_query_around_each_name)
{
    const reels_playlist_urls urls = {
        .struct_size = sizeof urls, .base_url = "https://cdn.example/m/7/", .query = "t=1.2_3"};
    expect(master,
           &urls,
           "#EXTM3U\n#EXT-X-VERSION:7\n"
           "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"a, URI=b\","
           "URI=\"https://cdn.example/m/7/a128.m3u8?t=1.2_3\"\n"
           "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f,mp4a.40.2\"\n"
           "https://cdn.example/m/7/v480p.m3u8?t=1.2_3\n"
           "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,"
           "URI=\"https://cdn.example/m/7/v480p.iframes.m3u8?t=1.2_3\"\n");
    expect(media,
           &urls,
           "#EXTM3U\r\n#EXT-X-MAP:URI=\"https://cdn.example/m/7/v.mp4?t=1.2_3\","
           "BYTERANGE=\"800@0\"\r\n#reels-xxh3:0123456789abcdef\r\n"
           "#EXTINF:2.000000,URI=\"title\"\r\n#EXT-X-BYTERANGE:9@800\r\n"
           "https://cdn.example/m/7/v.mp4?t=1.2_3\r\n\r\n#EXT-X-ENDLIST");
}
END_TEST

START_TEST(test_render_leaves_uris_that_say_where_they_are)
{
    const reels_playlist_urls urls = {.struct_size = sizeof urls, .base_url = "b/", .query = "q"};
    static const struct {
        const char *uri;
        const char *wanted;
    } rows[] = {
        {"https://other/x.m3u8", "https://other/x.m3u8"},
        {"skd://key", "skd://key"},
        {"data:text/plain,x", "data:text/plain,x"},
        {"/x.m3u8", "/x.m3u8"},
        {"//host/x.m3u8", "//host/x.m3u8"},
        {"x.m3u8?a=1", "b/x.m3u8?a=1&q"},
        {"x:y", "x:y"}, /* a scheme */
        {"./x:y", "b/./x:y?q"},
        {"1:y", "b/1:y?q"},
        {"a b", "b/a b?q"},
        {"\xC3\xA9.mp4", "b/\xC3\xA9.mp4?q"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[200];
        char wanted[200];
        (void)snprintf(text,
                       sizeof text,
                       "#EXTM3U\n%s\n#EXT-X-KEY:METHOD=X,URI=\"%s\"",
                       rows[i].uri,
                       rows[i].uri);
        (void)snprintf(wanted,
                       sizeof wanted,
                       "#EXTM3U\n%s\n#EXT-X-KEY:METHOD=X,URI=\"%s\"",
                       rows[i].wanted,
                       rows[i].wanted);
        expect(text, &urls, wanted);
    }
}
END_TEST

static reels_status
number(void *user, const char *name, size_t name_len, reels_buf *url, reels_error *err)
{
    char text[80];
    int *count = user;
    int len = snprintf(text, sizeof text, "u%d-%.*s", ++*count, (int)name_len, name);
    return reels_buf_append(url, (const uint8_t *)text, (size_t)len, err);
}

struct answer {
    const char *text;
    reels_status status;
};

static reels_status
answer(void *user, const char *name, size_t name_len, reels_buf *url, reels_error *err)
{
    const struct answer *with = user;
    (void)name;
    (void)name_len;
    if (with->status < 0) {
        return reels_error_set(err, with->status, 0, "no token");
    }
    return reels_buf_append(url, (const uint8_t *)with->text, strlen(with->text), err);
}

START_TEST(test_render_asks_the_host_for_each_url)
{
    int count = 0;
    const reels_playlist_urls urls = {.struct_size = sizeof urls,
                                      .base_url = "https://not.used/",
                                      .query = "not=used",
                                      .url = number,
                                      .url_user = &count};
    expect("#EXTM3U\n#EXT-X-MAP:URI=\"i.mp4\"\na.mp4\nhttps://x/b.mp4\nc.mp4\n",
           &urls,
           "#EXTM3U\n#EXT-X-MAP:URI=\"u1-i.mp4\"\nu2-a.mp4\nhttps://x/b.mp4\nu3-c.mp4\n");
    ck_assert_int_eq(count, 3);
}
END_TEST

/* What a host says cannot make lines or attributes of its own, and leaves nothing half written. */
START_TEST(test_render_takes_no_url_that_breaks_the_playlist)
{
    static const struct answer bad[] = {{"a\nb", 0},
                                        {"a\rb", 0},
                                        {"a\"b", 0},
                                        {"a b", 0},
                                        {"#a", 0},
                                        {"", 0},
                                        {NULL, REELS_ERR_DENIED}};
    const char *const parts[] = {"a\n", "a\"", "a b", "#a", "\x7f"};
    test_ok(&env, reels_buf_append(out, (const uint8_t *)"before", 6, &env.err));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct answer with = bad[i];
        const reels_playlist_urls urls = {
            .struct_size = sizeof urls, .url = answer, .url_user = &with};
        test_status(with.status < 0 ? with.status : REELS_ERR_HOST,
                    reels_playlist_render(master, sizeof master - 1, &urls, out, &env.err));
        ck_assert_uint_eq(reels_buf_len(out), 6);
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const reels_playlist_urls base = {.struct_size = sizeof base, .base_url = parts[i]};
        const reels_playlist_urls query = {.struct_size = sizeof query, .query = parts[i]};
        test_status(REELS_ERR_INVALID_ARG, render(master, &base));
        test_status(REELS_ERR_INVALID_ARG, render(master, &query));
    }
}
END_TEST

START_TEST(test_render_refuses_what_is_no_playlist)
{
    const reels_playlist_urls urls = {.struct_size = sizeof urls, .base_url = "b/"};
    static const char *const bad[] = {
        "", "x", "#EXTM3U8\n", "#EXTM3", " #EXTM3U\n", "\xEF\xBB\xBF#EXTM3U\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        test_status(REELS_ERR_CORRUPT, render(bad[i], &urls));
    }
    test_status(REELS_ERR_CORRUPT, render("#EXTM3U\n#EXT-X-MAP:URI=\"a", &urls));
    test_status(REELS_ERR_CORRUPT, render("#EXTM3U\n#EXT-X-MEDIA:NAME=\"a,URI=b\n", &urls));
    test_status(REELS_ERR_CORRUPT, reels_playlist_render("#EXTM3U\0a", 9, &urls, out, NULL));
    test_status(REELS_ERR_INVALID_ARG, reels_playlist_render(NULL, 1, &urls, out, NULL));
    test_status(REELS_ERR_INVALID_ARG, reels_playlist_render("", 0, NULL, out, NULL));
    test_status(REELS_ERR_INVALID_ARG, reels_playlist_render("", 0, &urls, NULL, NULL));
    size_t large = 8 * 1024 * 1024 + 1;
    char *text = calloc(1, large);
    ck_assert_ptr_nonnull(text);
    test_status(REELS_ERR_LIMIT, reels_playlist_render(text, large, &urls, out, NULL));
    free(text);
}
END_TEST

/* Any bytes: no harm, and rendered with nothing to change they are the same. */
START_TEST(test_render_survives_damage)
{
    const reels_playlist_urls urls = {.struct_size = sizeof urls, .base_url = "b/", .query = "q"};
    const reels_playlist_urls none = {.struct_size = sizeof none};
    for (int i = 0; i < 20000; i++) {
        char *text = malloc(sizeof master);
        ck_assert_ptr_nonnull(text);
        memcpy(text, master, sizeof master);
        size_t len = 7 + test_random_below(&env.random, sizeof master - 8);
        for (uint64_t flips = test_random_below(&env.random, 6); flips > 0; flips--) {
            text[7 + test_random_below(&env.random, len - 6)] =
                "\",:\n\r#U"[test_random_below(&env.random, 7)];
        }
        reels_buf_clear(out);
        reels_status status = reels_playlist_render(text, len, &urls, out, NULL);
        ck_assert(status == REELS_OK || status == REELS_ERR_CORRUPT);
        reels_buf_clear(out);
        ck_assert_int_eq(reels_playlist_render(text, len, &none, out, NULL), status);
        if (status == REELS_OK) {
            ck_assert_uint_eq(reels_buf_len(out), len);
            ck_assert_mem_eq(reels_buf_data(out), text, len);
        }
        free(text);
    }
}
END_TEST

static reels_status oom(reels_ctx *ctx, void *arg)
{
    const reels_playlist_urls urls = {.struct_size = sizeof urls, .base_url = "b/"};
    reels_buf *buf = NULL;
    (void)arg;
    reels_status status = reels_buf_new(ctx, 0, &buf, NULL);
    if (status == REELS_OK) {
        status = reels_playlist_render(master, sizeof master - 1, &urls, buf, NULL);
        ck_assert(status == REELS_OK || reels_buf_len(buf) == 0);
    }
    reels_buf_free(buf);
    return status;
}

START_TEST(test_render_survives_lack_of_memory)
{
    ck_assert_uint_gt(test_oom_run(0, oom, NULL), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("render");
    TCase *cases = tcase_create("render");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_render_changes_nothing_without_urls);
    tcase_add_test(cases, test_render_puts_a_base_and_a_query_around_each_name);
    tcase_add_test(cases, test_render_leaves_uris_that_say_where_they_are);
    tcase_add_test(cases, test_render_asks_the_host_for_each_url);
    tcase_add_test(cases, test_render_takes_no_url_that_breaks_the_playlist);
    tcase_add_test(cases, test_render_refuses_what_is_no_playlist);
    tcase_add_test(cases, test_render_survives_damage);
    tcase_add_test(cases, test_render_survives_lack_of_memory);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
