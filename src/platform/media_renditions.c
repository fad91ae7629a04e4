/* Owns the reading of a finished ladder's playlists: which renditions there are, and how many bytes from the
 * start of each a player needs for its first segment. */
#include <string.h>

#include "base/error.h"
#include "hls/m3u8.h"
#include "media_job.h"

enum {
    FINDINGS_MAX = 16
};


static reels_status read_playlist(reels_platform *platform,
                                  const struct reels__blob_output *output,
                                  const char *name,
                                  struct reels__m3u8 *out,
                                  reels_error *err)
{
    const struct reels__kept_file *file = reels__blob_output_find(output, name);
    if (file == NULL || file->text == NULL) {
        return reels__fail(err, REELS_ERR_CORRUPT, "the ladder has no playlist %s", name);
    }
    struct reels__finder finder = {.file = name, .segment = -1};
    REELS_TRY(reels__report_new(platform->ctx, FINDINGS_MAX, &finder.report, err));
    reels_status status = reels__m3u8_read(platform->ctx,
                                           (const char *)reels_buf_data(file->text),
                                           reels_buf_len(file->text),
                                           &finder,
                                           out);
    reels_verify_report_free(finder.report);
    return status;
}

static reels_status
copy_name(struct reels__text text, char *out, size_t capacity, reels_error *err)
{
    if (text.data == NULL || text.len == 0 || text.len >= capacity) {
        return reels__fail(err, REELS_ERR_CORRUPT, "a playlist names no file of ours");
    }
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return REELS_OK;
}

/* Init segment and first media segment lie one after the other at the start of the rendition's file. */
static reels_status fill_file(reels_platform *platform,
                              const struct reels__blob_output *output,
                              reels_rendition *rendition,
                              reels_error *err)
{
    struct reels__m3u8 media = {0};
    reels_status status = read_playlist(platform, output, rendition->playlist, &media, err);
    if (status == REELS_OK && media.segments_count == 0) {
        status = reels__fail(err, REELS_ERR_CORRUPT, "playlist %s has no segment", rendition->playlist);
    }
    if (status == REELS_OK) {
        const struct reels__m3u8_segment *first = &media.segments[0];
        status = copy_name(first->uri, rendition->file, sizeof(rendition->file), err);
        rendition->start_bytes = first->range.offset + first->range.len;
    }
    reels__m3u8_dispose(&media);
    if (status == REELS_OK) {
        const struct reels__kept_file *file = reels__blob_output_find(output, rendition->file);
        rendition->bytes = file != NULL ? file->bytes : 0;
        if (rendition->start_bytes == 0 || rendition->start_bytes > rendition->bytes) {
            rendition->start_bytes = rendition->bytes;
        }
    }
    return status;
}

static reels_status add_rendition(reels_platform *platform,
                                  const struct reels__blob_output *output,
                                  struct reels__text uri,
                                  reels_rendition *rendition,
                                  reels_error *err)
{
    rendition->struct_size = sizeof(*rendition);
    REELS_TRY(copy_name(uri, rendition->playlist, sizeof(rendition->playlist), err));
    return fill_file(platform, output, rendition, err);
}

static reels_status add_all(reels_platform *platform,
                            const struct reels__blob_output *output,
                            const struct reels__m3u8 *master,
                            reels_rendition *out,
                            size_t *count,
                            size_t capacity,
                            reels_error *err)
{
    for (size_t i = 0; i < master->renditions_count && *count < capacity; i++) {
        if (!reels__text_is(master->renditions[i].type, "AUDIO") ||
            master->renditions[i].uri.data == NULL) {
            continue;
        }
        out[*count] = (reels_rendition){.kind = REELS_RENDITION_AUDIO};
        REELS_TRY(add_rendition(platform, output, master->renditions[i].uri, &out[*count], err));
        (*count)++;
    }
    for (size_t i = 0; i < master->variants_count && *count < capacity; i++) {
        const struct reels__m3u8_variant *variant = &master->variants[i];
        out[*count] = (reels_rendition){.kind = variant->width != 0 ? REELS_RENDITION_VIDEO
                                                                    : REELS_RENDITION_AUDIO,
                                        .width = variant->width,
                                        .height = variant->height,
                                        .bandwidth_bps = variant->bandwidth};
        REELS_TRY(add_rendition(platform, output, variant->uri, &out[*count], err));
        (*count)++;
    }
    return REELS_OK;
}

static int by_bandwidth(const reels_rendition *a, const reels_rendition *b)
{
    return (a->bandwidth_bps > b->bandwidth_bps) - (a->bandwidth_bps < b->bandwidth_bps);
}

/* Few enough for insertion; the plan counts rungs from the lowest. */
static void sort_renditions(reels_rendition *renditions, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t k = i; k > 0 && by_bandwidth(&renditions[k - 1], &renditions[k]) > 0; k--) {
            reels_rendition swap = renditions[k];
            renditions[k] = renditions[k - 1];
            renditions[k - 1] = swap;
        }
    }
}

reels_status reels__media_renditions(reels_platform *platform,
                                     const struct reels__blob_output *output,
                                     reels_rendition *out,
                                     size_t capacity,
                                     size_t *out_count,
                                     reels_error *err)
{
    struct reels__m3u8 master = {0};
    *out_count = 0;
    reels_status status = read_playlist(platform, output, "master.m3u8", &master, err);
    if (status == REELS_OK) {
        status = add_all(platform, output, &master, out, out_count, capacity, err);
    }
    reels__m3u8_dispose(&master);
    sort_renditions(out, *out_count);
    return status;
}
