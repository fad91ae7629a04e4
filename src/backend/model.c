/* Owns the front door of the model port: what a model says of itself is checked once, what it is
 * given and what it gives each time. */
#include <math.h>
#include <string.h>

#include <reels/backend/model.h>
#include <reels/backend/open.h>

#include "backend/port.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    VTABLE_V1 = sizeof(reels_model_vtable),
    NAME_MAX = 64,
    TEXT_MAX = 255
};

struct reels_model {
    reels_ctx *ctx;
    reels_model_vtable vtable;
    void *impl;
    reels_model_info info;
};

static const reels__slot MUSTS[] = {
    {offsetof(reels_model_vtable, destroy), "destroy"},
    {offsetof(reels_model_vtable, describe), "describe"},
    {offsetof(reels_model_vtable, score), "score"},
};

static int symbol_is_valid(const char *text)
{
    if (text == NULL || text[0] < 'a' || text[0] > 'z') {
        return 0;
    }
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return text[len] == '\0' && len <= NAME_MAX;
}

static reels_status input_check(const reels_model_input *input, reels_error *err)
{
    REELS_REQUIRE(symbol_is_valid(input->name), err, "model: an input's name is malformed");
    REELS_REQUIRE(input->of >= REELS_MODEL_OF_VIEWER && input->of <= REELS_MODEL_OF_CANDIDATE,
                  err,
                  "model: an input belongs to nothing known");
    REELS_REQUIRE(input->type == REELS_MODEL_FLOAT32 || input->type == REELS_MODEL_INT64,
                  err,
                  "model: an input has an unknown type");
    REELS_REQUIRE(input->width >= 1 && input->width <= REELS_MODEL_WIDTH_MAX,
                  err,
                  "model: an input's width is not 1 to 4096");
    return REELS_OK;
}

static reels_status info_check(const reels_model_info *info, reels_error *err)
{
    REELS_REQUIRE(info->inputs_count <= REELS_MODEL_INPUTS_MAX, err, "model: too many inputs");
    REELS_REQUIRE(info->heads_count >= 1 && info->heads_count <= REELS_MODEL_HEADS_MAX,
                  err,
                  "model: heads are not 1 to 64");
    REELS_REQUIRE((info->inputs != NULL || info->inputs_count == 0) && info->heads != NULL,
                  err,
                  "model: inputs or heads are NULL");
    for (uint32_t i = 0; i < info->inputs_count; i++) {
        REELS_TRY(input_check(&info->inputs[i], err));
    }
    for (uint32_t i = 0; i < info->heads_count; i++) {
        REELS_REQUIRE(symbol_is_valid(info->heads[i]), err, "model: a head's name is malformed");
    }
    REELS_TRY(reels__name_check(info->name, TEXT_MAX, "model: name", err));
    REELS_TRY(reels__name_check(info->version, TEXT_MAX, "model: version", err));
    REELS_REQUIRE(info->space_id != NULL, err, "model: space_id is NULL");
    return REELS_OK;
}

reels_status reels_model_new(reels_ctx *ctx,
                             const reels_model_vtable *vtable,
                             void *impl,
                             reels_model **out,
                             reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    reels_model_vtable copy = {0};
    reels_model_info info = {.struct_size = sizeof info};
    REELS_TRY(reels__vtable_copy(vtable,
                                 VTABLE_V1,
                                 &copy,
                                 sizeof copy,
                                 "reels_model_vtable",
                                 MUSTS,
                                 REELS__COUNT(MUSTS),
                                 err));
    REELS_TRY(copy.describe(impl, &info, err));
    REELS_TRY(info_check(&info, err));
    reels_model *model = reels__mem_zalloc(ctx, sizeof *model);
    if (model == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "model: no memory");
    }
    model->ctx = ctx;
    model->vtable = copy;
    model->impl = impl;
    model->info = info;
    *out = model;
    return REELS_OK;
}

reels_status reels_model_open(reels_ctx *ctx, const char *url, reels_model **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    void *port = NULL;
    REELS_TRY(reels__scheme_open(ctx, REELS_PORT_MODEL, url, &port, err));
    *out = port;
    return REELS_OK;
}

void reels_model_free(reels_model *model)
{
    if (model != NULL) {
        model->vtable.destroy(model->impl);
        reels__mem_free(model->ctx, model);
    }
}

const reels_model_info *reels_model_describe(const reels_model *model)
{
    return &model->info;
}

reels_status reels_model_score(reels_model *model,
                               const reels_call *call,
                               const reels_model_column *columns,
                               uint32_t columns_count,
                               uint32_t candidates_count,
                               float *out_scores,
                               reels_error *err)
{
    REELS_REQUIRE(model != NULL, err, "model is NULL");
    REELS_REQUIRE(columns_count == model->info.inputs_count,
                  err,
                  "columns_count is not the model's inputs_count");
    REELS_REQUIRE(columns != NULL || columns_count == 0, err, "columns is NULL");
    REELS_REQUIRE(candidates_count <= REELS_MODEL_CANDIDATES_MAX, err, "too many candidates");
    for (uint32_t i = 0; i < columns_count; i++) {
        int is_float = model->info.inputs[i].type == REELS_MODEL_FLOAT32;
        REELS_REQUIRE(
            (is_float ? (const void *)columns[i].float32 : (const void *)columns[i].int64) != NULL,
            err,
            "a column of the input's type is NULL");
    }
    REELS_TRY(reels__call_check(model->ctx, call, err));
    if (candidates_count == 0) {
        return REELS_OK;
    }
    REELS_REQUIRE(out_scores != NULL, err, "out_scores is NULL");
    REELS_TRY(model->vtable.score(model->impl, call, columns, candidates_count, out_scores, err));
    size_t scores_count = (size_t)model->info.heads_count * candidates_count;
    for (size_t i = 0; i < scores_count; i++) {
        if (!isfinite(out_scores[i])) {
            return reels__fail(err, REELS_ERR_CORRUPT, "the model gave a score that is not finite");
        }
    }
    return REELS_OK;
}
