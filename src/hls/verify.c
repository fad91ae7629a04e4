/* Owns the door of verification: options, the first playlist, and the list of media playlists, each
 * looked at once. */
#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "verify_internal.h"

enum {
    FINDINGS_MAX = 1000,
    SEGMENT_BYTES_MAX = 256 * 1024 * 1024
};

int reels__verify_playlist(struct reels__verify *v,
                           struct reels__finder *finder,
                           const char *name,
                           reels_buf **text,
                           struct reels__m3u8 *out)
{
    REELS_TRY(reels_buf_new(v->ctx, REELS__M3U8_BYTES_MAX, text, v->err));
    int read = reels__verify_read(v, finder, name, NULL, REELS__M3U8_BYTES_MAX, *text);
    if (read != 1) {
        return read;
    }
    const char *data = (const char *)reels_buf_data(*text);
    REELS_TRY(reels__m3u8_read(v->ctx, data, reels_buf_len(*text), finder, out));
    return 1;
}

static void rendition_free(struct reels__verify *v, struct reels__rendition_facts *facts)
{
    if (facts != NULL) {
        reels__mem_free(v->ctx, facts->segments);
        reels__mem_free(v->ctx, facts);
    }
}

/* Makes the record of a playlist and keeps it. */
static reels_status
rendition_new(struct reels__verify *v, const char *name, struct reels__rendition_facts **out)
{
    if (v->renditions_count == v->renditions_capacity) {
        size_t capacity = v->renditions_capacity * 2 + 8;
        void *renditions = reels__mem_realloc(v->ctx, v->renditions, capacity * sizeof(void *));
        if (renditions == NULL) {
            return reels__fail(v->err, REELS_ERR_NO_MEMORY, "verify: no memory for a playlist");
        }
        v->renditions = renditions;
        v->renditions_capacity = capacity;
    }
    struct reels__rendition_facts *facts = reels__mem_zalloc(v->ctx, sizeof *facts);
    const char *kept = reels__arena_strndup(&v->report->arena, name, strlen(name));
    if (facts == NULL || kept == NULL) {
        rendition_free(v, facts);
        return reels__fail(v->err, REELS_ERR_NO_MEMORY, "verify: no memory for a playlist");
    }
    facts->name = kept;
    v->renditions[v->renditions_count++] = facts;
    *out = facts;
    return REELS_OK;
}

static reels_status look(struct reels__verify *v,
                         struct reels__rendition_facts *facts,
                         const struct reels__m3u8 *playlist,
                         struct reels__finder *finder)
{
    if (playlist->is_master) {
        reels__find(finder,
                    REELS_VERIFY_PLAYLIST_SYNTAX,
                    "a master playlist where a media playlist should be");
        return finder->status;
    }
    v->report->summary.playlists_count++;
    REELS_TRY(reels__verify_media(v, facts, playlist, finder));
    if (facts->duration_us > v->report->summary.duration_us) {
        v->report->summary.duration_us = facts->duration_us;
    }
    return REELS_OK;
}

reels_status reels__verify_rendition(struct reels__verify *v,
                                     const char *name,
                                     struct reels__rendition_facts **out)
{
    struct reels__rendition_facts *facts = NULL;
    struct reels__m3u8 playlist = {0};
    reels_buf *text = NULL;
    *out = NULL;
    for (size_t i = 0; i < v->renditions_count; i++) {
        if (strcmp(v->renditions[i]->name, name) == 0) {
            *out = v->renditions[i];
            return REELS_OK;
        }
    }
    REELS_TRY(rendition_new(v, name, &facts));
    struct reels__finder finder = {.report = v->report, .file = facts->name, .segment = -1};
    reels_status status = reels__verify_playlist(v, &finder, name, &text, &playlist);
    if (status == 1) {
        status = look(v, facts, &playlist, &finder);
    }
    reels__m3u8_dispose(&playlist);
    reels_buf_free(text);
    *out = facts;
    return status < 0 ? status : finder.status;
}

/* The first playlist is a master playlist, or a media playlist that stands alone. */
static reels_status run(struct reels__verify *v)
{
    char name[REELS__VERIFY_PATH_BYTES_MAX];
    struct reels__finder finder = {.report = v->report, .file = v->master, .segment = -1};
    struct reels__rendition_facts *facts = NULL;
    struct reels__m3u8 playlist = {0};
    reels_buf *text = NULL;
    struct reels__text uri = {v->master, strlen(v->master)};
    if (!reels__verify_resolve(&finder, "", uri, name)) {
        return finder.status;
    }
    reels_status status = reels__verify_playlist(v, &finder, name, &text, &playlist);
    if (status == 1 && playlist.is_master) {
        status = reels__verify_master(v, &playlist, &finder);
    } else if (status == 1) {
        status = rendition_new(v, name, &facts);
        status = status == REELS_OK ? look(v, facts, &playlist, &finder) : status;
    }
    reels__m3u8_dispose(&playlist);
    reels_buf_free(text);
    return status < 0 ? status : finder.status;
}

static reels_status
read_options(const reels_verify_options *options, reels_verify_options *out, reels_error *err)
{
    REELS_TRY(
        reels__options_read(options, sizeof *out, out, sizeof *out, "reels_verify_options", err));
    REELS_REQUIRE(
        (out->flags & ~(uint32_t)REELS_VERIFY_NO_DECODE) == 0, err, "verify: unknown flags");
    out->findings_max = out->findings_max != 0 ? out->findings_max : FINDINGS_MAX;
    out->segment_bytes_max =
        out->segment_bytes_max != 0 ? out->segment_bytes_max : SEGMENT_BYTES_MAX;
    REELS_REQUIRE(
        out->segment_bytes_max <= INT32_MAX, err, "verify: segment_bytes_max is above 2 GiB");
    return REELS_OK;
}

reels_status reels_verify_source(reels_ctx *ctx,
                                 const reels_verify_source_vtable *source,
                                 void *impl,
                                 const reels_verify_options *options,
                                 reels_verify_report **out,
                                 reels_error *err)
{
    struct reels__verify v = {.ctx = ctx, .impl = impl, .err = err};
    REELS_REQUIRE(out != NULL, err, "verify: out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL && source != NULL, err, "verify: an argument is NULL");
    REELS_TRY(reels__options_read(
        source, sizeof v.source, &v.source, sizeof v.source, "reels_verify_source_vtable", err));
    REELS_REQUIRE(
        v.source.size != NULL && v.source.read != NULL, err, "verify: size and read must be given");
    REELS_TRY(read_options(options, &v.options, err));
    v.master = v.options.master != NULL ? v.options.master : "master.m3u8";
    v.mp4.ctx = ctx;
    reels_status status = reels__report_new(ctx, v.options.findings_max, &v.report, err);
    if (status == REELS_OK) {
        status = reels_buf_new(ctx, (size_t)v.options.segment_bytes_max, &v.segment, err);
    }
    if (status == REELS_OK) {
        status = run(&v);
        if (status == REELS_ERR_NO_MEMORY) {
            (void)reels__fail(err, status, "verify: no memory");
        }
    }
    for (size_t i = 0; i < v.renditions_count; i++) {
        rendition_free(&v, v.renditions[i]);
    }
    reels__mem_free(ctx, v.renditions);
    reels__mp4_segment_dispose(&v.mp4);
    reels_buf_free(v.segment);
    if (status != REELS_OK) {
        reels_verify_report_free(v.report);
        return status;
    }
    *out = v.report;
    return REELS_OK;
}

reels_status reels_verify_directory(reels_ctx *ctx,
                                    const char *path,
                                    const reels_verify_options *options,
                                    reels_verify_report **out,
                                    reels_error *err)
{
    reels_verify_source_vtable table;
    void *impl = NULL;
    REELS_REQUIRE(out != NULL, err, "verify: out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL && path != NULL, err, "verify: an argument is NULL");
    REELS_TRY(reels__verify_directory_source(ctx, path, &table, &impl, err));
    reels_status status = reels_verify_source(ctx, &table, impl, options, out, err);
    reels__verify_directory_dispose(impl);
    return status;
}
