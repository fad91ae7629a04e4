/* Owns the front door of the embed port and the checks of contents, which the classifier shares. */
#include <math.h>
#include <string.h>

#include <reels/backend/embed.h>
#include <reels/backend/open.h>

#include "backend/content.h"
#include "backend/port.h"
#include "backend/record_internal.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/utf8.h"

enum {
    VTABLE_V1 = sizeof(reels_embed_vtable),
    TEXT_MAX = 255,
    LANGUAGE_MAX = 64,
    RATE_MIN_HZ = 8000,
    RATE_MAX_HZ = 192000
};

/* Longest sound that is looked at: an hour at the highest rate. */
#define AUDIO_SAMPLES_MAX ((uint64_t)RATE_MAX_HZ * 3600)

struct reels_embed {
    reels_ctx *ctx;
    reels_embed_vtable vtable;
    void *impl;
    reels_embed_info info;
};

static const reels__slot MUSTS[] = {
    {offsetof(reels_embed_vtable, destroy), "destroy"},
    {offsetof(reels_embed_vtable, describe), "describe"},
    {offsetof(reels_embed_vtable, embed), "embed"},
};

static reels_status frame_check(const reels_content_frame *frame, reels_error *err)
{
    REELS_REQUIRE(frame->pixels != NULL, err, "content: a frame has no pixels");
    REELS_REQUIRE(frame->width >= 1 && frame->width <= REELS_CONTENT_SIDE_MAX &&
                      frame->height >= 1 && frame->height <= REELS_CONTENT_SIDE_MAX,
                  err,
                  "content: a side of a frame is not 1 to 4096");
    REELS_REQUIRE(frame->stride_bytes >= 3 * frame->width,
                  err,
                  "content: the stride of a frame is below 3 times its width");
    return REELS_OK;
}

static reels_status content_check(const reels_content *content, reels_error *err)
{
    REELS_REQUIRE(content->frames_count <= REELS_CONTENT_FRAMES_MAX &&
                      (content->frames != NULL || content->frames_count == 0),
                  err,
                  "content: frames are NULL or more than 64");
    for (uint32_t i = 0; i < content->frames_count; i++) {
        REELS_TRY(frame_check(&content->frames[i], err));
    }
    if (content->audio_samples_count > 0) {
        REELS_REQUIRE(content->audio != NULL && content->audio_samples_count <= AUDIO_SAMPLES_MAX,
                      err,
                      "content: audio is NULL or too long");
        REELS_REQUIRE(content->audio_rate_hz >= RATE_MIN_HZ &&
                          content->audio_rate_hz <= RATE_MAX_HZ,
                      err,
                      "content: audio_rate_hz is not 8000 to 192000");
    }
    if (content->text != NULL) {
        size_t len = strnlen(content->text, REELS_CONTENT_TEXT_BYTES_MAX + 1);
        REELS_REQUIRE(len <= REELS_CONTENT_TEXT_BYTES_MAX &&
                          reels__utf8_valid((const uint8_t *)content->text, len),
                      err,
                      "content: text is too long or not UTF-8");
    }
    return content->language != NULL
               ? reels__name_check(content->language, LANGUAGE_MAX, "content: language", err)
               : REELS_OK;
}

reels_status
reels__contents_check(const reels_content *contents, size_t contents_count, reels_error *err)
{
    REELS_REQUIRE(contents_count <= REELS_CONTENTS_MAX, err, "contents_count is above 256");
    REELS_REQUIRE(contents != NULL || contents_count == 0, err, "contents is NULL");
    for (size_t i = 0; i < contents_count; i++) {
        REELS_TRY(content_check(&contents[i], err));
    }
    return REELS_OK;
}

reels_status reels_embed_new(reels_ctx *ctx,
                             const reels_embed_vtable *vtable,
                             void *impl,
                             reels_embed **out,
                             reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    reels_embed_vtable copy = {0};
    reels_embed_info info = {.struct_size = sizeof info};
    REELS_TRY(reels__vtable_copy(vtable,
                                 VTABLE_V1,
                                 &copy,
                                 sizeof copy,
                                 "reels_embed_vtable",
                                 MUSTS,
                                 REELS__COUNT(MUSTS),
                                 err));
    REELS_TRY(copy.describe(impl, &info, err));
    REELS_REQUIRE(info.dimensions_count >= 1 && info.dimensions_count <= REELS_EMBED_DIMENSIONS_MAX,
                  err,
                  "embed: dimensions are not 1 to 4096");
    REELS_TRY(reels__name_check(info.name, TEXT_MAX, "embed: name", err));
    REELS_TRY(reels__name_check(info.version, TEXT_MAX, "embed: version", err));
    REELS_TRY(reels__name_check(info.space_id, TEXT_MAX, "embed: space_id", err));
    reels_embed *embed = reels__mem_zalloc(ctx, sizeof *embed);
    if (embed == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "embed: no memory");
    }
    embed->ctx = ctx;
    embed->vtable = copy;
    embed->impl = impl;
    embed->info = info;
    *out = embed;
    return REELS_OK;
}

reels_status reels_embed_open(reels_ctx *ctx, const char *url, reels_embed **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    void *port = NULL;
    REELS_TRY(reels__scheme_open(ctx, REELS_PORT_EMBED, url, &port, err));
    *out = port;
    return REELS_OK;
}

void reels_embed_free(reels_embed *embed)
{
    if (embed != NULL) {
        embed->vtable.destroy(embed->impl);
        reels__mem_free(embed->ctx, embed);
    }
}

const reels_embed_info *reels_embed_describe(const reels_embed *embed)
{
    return &embed->info;
}

reels_status reels_embed_run(reels_embed *embed,
                             const reels_call *call,
                             const reels_content *contents,
                             size_t contents_count,
                             float *out_vectors,
                             reels_rows *categories,
                             reels_error *err)
{
    REELS_REQUIRE(embed != NULL, err, "embed is NULL");
    REELS_TRY(reels__contents_check(contents, contents_count, err));
    REELS_TRY(reels__call_check(embed->ctx, call, err));
    if (contents_count == 0) {
        return REELS_OK;
    }
    REELS_REQUIRE(out_vectors != NULL, err, "out_vectors is NULL");
    reels_rows *unasked = NULL;
    if (categories == NULL) {
        REELS_TRY(reels_rows_new(embed->ctx, 0, &unasked, err));
        categories = unasked;
    }
    size_t from = reels_rows_count(categories);
    reels_status status = embed->vtable.embed(
        embed->impl, call, contents, contents_count, out_vectors, categories, err);
    size_t values_count = contents_count * embed->info.dimensions_count;
    for (size_t i = 0; i < values_count && status >= 0; i++) {
        if (!isfinite(out_vectors[i])) {
            status = reels__fail(err, REELS_ERR_CORRUPT, "embed: a vector is not finite");
        }
    }
    if (status < 0) {
        reels__rows_truncate(categories, from);
    }
    reels_rows_free(unasked);
    return status;
}
