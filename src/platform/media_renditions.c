/* Owns the reading of a finished ladder's playlists: which renditions there are, and how many bytes
 * from the start of each a player needs for its first segment. */
#include <string.h>

#include "base/error.h"
#include "hls/m3u8.h"
#include "media_job.h"

enum {
    FINDINGS_MAX = 16,
    PLAYLIST_BYTES_MAX = 1024 * 1024,
    KEY_BYTES = REELS__MEDIA_NAME_BYTES + REELS_OUTPUT_NAME_BYTES_MAX + 1
};

/* A playlist and the bytes its texts point into. The zero state may be disposed. */
struct playlist {
    reels_buf *text;
    struct reels__m3u8 m3u8;
};

static void playlist_dispose(struct playlist *playlist)
{
    reels__m3u8_dispose(&playlist->m3u8);
    reels_buf_free(playlist->text);
}

static reels_status
file_key(const char *prefix, const char *name, char out[KEY_BYTES], reels_error *err)
{
    size_t prefix_len = strlen(prefix);
    size_t name_len = strlen(name);
    if (prefix_len + name_len >= KEY_BYTES) {
        return reels__fail(err, REELS_ERR_CORRUPT, "a playlist names no file of ours");
    }
    memcpy(out, prefix, prefix_len);
    memcpy(out + prefix_len, name, name_len + 1);
    return REELS_OK;
}

static reels_status read_playlist(reels_platform *platform,
                                  const char *prefix,
                                  const char *name,
                                  struct playlist *out,
                                  reels_error *err)
{
    char key[KEY_BYTES];
    struct reels__finder finder = {.file = name, .segment = -1};
    REELS_TRY(file_key(prefix, name, key, err));
    REELS_TRY(reels_buf_new(platform->ctx, PLAYLIST_BYTES_MAX, &out->text, err));
    REELS_TRY(reels_blob_get_bytes(platform->blob, NULL, key, out->text, err));
    REELS_TRY(reels__report_new(platform->ctx, FINDINGS_MAX, &finder.report, err));
    reels_status status = reels__m3u8_read(platform->ctx,
                                           (const char *)reels_buf_data(out->text),
                                           reels_buf_len(out->text),
                                           &finder,
                                           &out->m3u8);
    reels_verify_report_free(finder.report);
    return status;
}

static reels_status copy_name(struct reels__text text, char *out, size_t capacity, reels_error *err)
{
    if (text.data == NULL || text.len == 0 || text.len >= capacity) {
        return reels__fail(err, REELS_ERR_CORRUPT, "a playlist names no file of ours");
    }
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return REELS_OK;
}

/* Init segment and first media segment lie one after the other at the start of the rendition's
 * file. */
static reels_status fill_file(reels_platform *platform,
                              const char *prefix,
                              reels_rendition *rendition,
                              reels_error *err)
{
    char key[KEY_BYTES];
    struct playlist media = {0};
    reels_blob_info info = {.struct_size = sizeof(info)};
    reels_status status = read_playlist(platform, prefix, rendition->playlist, &media, err);
    if (status == REELS_OK && media.m3u8.segments_count == 0) {
        status =
            reels__fail(err, REELS_ERR_CORRUPT, "playlist %s has no segment", rendition->playlist);
    }
    if (status == REELS_OK) {
        const struct reels__m3u8_segment *first = &media.m3u8.segments[0];
        status = copy_name(first->uri, rendition->file, sizeof(rendition->file), err);
        rendition->start_bytes = first->range.offset + first->range.len;
    }
    playlist_dispose(&media);
    REELS_TRY(status);
    REELS_TRY(file_key(prefix, rendition->file, key, err));
    REELS_TRY(reels_blob_head(platform->blob, NULL, key, &info, err));
    rendition->bytes = info.size_bytes;
    if (rendition->start_bytes == 0 || rendition->start_bytes > rendition->bytes) {
        rendition->start_bytes = rendition->bytes; /* one file per segment: all of the first */
    }
    return REELS_OK;
}

static reels_status add_rendition(reels_platform *platform,
                                  const char *prefix,
                                  struct reels__text uri,
                                  reels_rendition *rendition,
                                  reels_error *err)
{
    rendition->struct_size = sizeof(*rendition);
    REELS_TRY(copy_name(uri, rendition->playlist, sizeof(rendition->playlist), err));
    return fill_file(platform, prefix, rendition, err);
}

static reels_status add_all(reels_platform *platform,
                            const char *prefix,
                            const struct reels__m3u8 *master,
                            reels_rendition *out,
                            size_t capacity,
                            size_t *count,
                            reels_error *err)
{
    for (size_t i = 0; i < master->renditions_count && *count < capacity; i++) {
        if (!reels__text_is(master->renditions[i].type, "AUDIO") ||
            master->renditions[i].uri.data == NULL) {
            continue;
        }
        out[*count] = (reels_rendition){.kind = REELS_RENDITION_AUDIO};
        REELS_TRY(add_rendition(platform, prefix, master->renditions[i].uri, &out[*count], err));
        (*count)++;
    }
    for (size_t i = 0; i < master->variants_count && *count < capacity; i++) {
        const struct reels__m3u8_variant *variant = &master->variants[i];
        out[*count] = (reels_rendition){.kind = variant->width != 0 ? REELS_RENDITION_VIDEO
                                                                    : REELS_RENDITION_AUDIO,
                                        .width = variant->width,
                                        .height = variant->height,
                                        .bandwidth_bps = variant->bandwidth};
        REELS_TRY(add_rendition(platform, prefix, variant->uri, &out[*count], err));
        (*count)++;
    }
    return REELS_OK;
}

/* Few enough for insertion; the plan counts rungs from the lowest. */
static void sort_renditions(reels_rendition *renditions, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t k = i; k > 0 && renditions[k - 1].bandwidth_bps > renditions[k].bandwidth_bps;
             k--) {
            reels_rendition swap = renditions[k];
            renditions[k] = renditions[k - 1];
            renditions[k - 1] = swap;
        }
    }
}

reels_status reels__media_renditions(reels_platform *platform,
                                     const char *prefix,
                                     reels_rendition *out,
                                     size_t capacity,
                                     size_t *out_count,
                                     reels_error *err)
{
    struct playlist master = {0};
    *out_count = 0;
    reels_status status = read_playlist(platform, prefix, "master.m3u8", &master, err);
    if (status == REELS_OK) {
        status = add_all(platform, prefix, &master.m3u8, out, capacity, out_count, err);
    }
    playlist_dispose(&master);
    sort_renditions(out, *out_count);
    return status;
}
