/* Playlists: whatever the reader makes of them, its text lies in the input, its counts hold, and
 * its findings are text. */
#include <string.h>

#include "fuzz.h"
#include "hls/m3u8.h"

static void check_text(struct reels__text text, const char *data, size_t len)
{
    fuzz_assert(text.data == NULL ||
                (text.data >= data && text.len <= len && text.data + text.len <= data + len));
}

static void check_playlist(const struct reels__m3u8 *playlist, const char *data, size_t len)
{
    for (size_t i = 0; i < playlist->segments_count; i++) {
        const struct reels__m3u8_segment *segment = &playlist->segments[i];
        check_text(segment->uri, data, len);
        fuzz_assert(segment->uri.len > 0);
        fuzz_assert(segment->duration_us >= 0);
        fuzz_assert(segment->map >= -1 && segment->map < (int32_t)playlist->maps_count);
        fuzz_assert(segment->range.present <= 1);
    }
    for (size_t i = 0; i < playlist->maps_count; i++) {
        check_text(playlist->maps[i].uri, data, len);
    }
    for (size_t i = 0; i < playlist->variants_count; i++) {
        const struct reels__m3u8_variant *variant = &playlist->variants[i];
        check_text(variant->uri, data, len);
        check_text(variant->codecs, data, len);
        check_text(variant->audio, data, len);
        fuzz_assert(variant->uri.len > 0);
        fuzz_assert(variant->frame_rate_micro >= 0);
    }
    for (size_t i = 0; i < playlist->renditions_count; i++) {
        check_text(playlist->renditions[i].uri, data, len);
        check_text(playlist->renditions[i].group, data, len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_env env;
    struct reels__m3u8 playlist = {0};
    reels_verify_report *report = NULL;
    reels_buf *json = NULL;
    if (size == 0) {
        return 0;
    }
    const char *text = (const char *)data + 1;
    fuzz_env_init(&env, data[0]);
    if (reels__report_new(env.ctx, 100, &report, &env.err) == REELS_OK) {
        struct reels__finder finder = {.report = report, .file = "fuzz.m3u8", .segment = -1};
        reels_status status = reels__m3u8_read(env.ctx, text, size - 1, &finder, &playlist);
        fuzz_assert(status == REELS_OK ||
                    (status == REELS_ERR_NO_MEMORY && env.alloc.refused_count > 0));
        if (status == REELS_OK) {
            check_playlist(&playlist, text, size - 1);
        }
        if (reels_buf_new(env.ctx, 0, &json, &env.err) == REELS_OK) {
            status = reels_verify_report_json(report, json, &env.err);
            fuzz_assert(status == REELS_OK || env.alloc.refused_count > 0);
        }
    }
    reels_buf_free(json);
    reels__m3u8_dispose(&playlist);
    reels_verify_report_free(report);
    fuzz_env_dispose(&env);
    return 0;
}
