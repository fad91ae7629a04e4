/* Owns scoring and ordering; see rank.h and README.md. */
#include "rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    CREATOR_SPACING = 3
};

#define HOUR_US 3600000000.0

double reels__feed_trend_at(const struct reels__feed_entry *entry, int64_t now_unix_us)
{
    double age = (double)(now_unix_us - entry->trend_unix_us);
    return entry->trend * exp2(-(age > 0 ? age : 0) / (double)REELS__FEED_TREND_HALF_US);
}

/* ---- features: what the feed knows, by the name under which a model asks for it ---- */

static float feature_followed(const struct reels__candidate *candidate, int64_t now)
{
    (void)now;
    return (candidate->sources & REELS_FEED_SOURCE_FOLLOWED) != 0 ? 1.0F : 0.0F;
}

static float feature_age_hours(const struct reels__candidate *candidate, int64_t now)
{
    double age = (double)(now - candidate->entry.ready_unix_us) / HOUR_US;
    return (float)(age > 0 ? age : 0);
}

static float feature_trend(const struct reels__candidate *candidate, int64_t now)
{
    return (float)reels__feed_trend_at(&candidate->entry, now);
}

/* Rates are pulled towards a prior worth 20 views, so that a first lucky view is not the best reel
 * there is. Counts can be below zero for a moment only through erasure; a model never sees that. */
static float rate(int64_t part, int64_t whole, double prior)
{
    double top = (part > 0 ? (double)part : 0) + prior * 20.0;
    double bottom = (whole > 0 ? (double)whole : 0) + 20.0;
    double value = top / bottom;
    return (float)(value < 1.0 ? value : 1.0);
}

static float feature_completion_rate(const struct reels__candidate *candidate, int64_t now)
{
    (void)now;
    return rate(candidate->entry.completions, candidate->entry.views, 0.4);
}

static float feature_like_rate(const struct reels__candidate *candidate, int64_t now)
{
    (void)now;
    return rate(candidate->entry.likes, candidate->entry.views, 0.05);
}

static float feature_skip_rate(const struct reels__candidate *candidate, int64_t now)
{
    (void)now;
    int64_t shown = candidate->entry.views + candidate->entry.skips;
    return rate(candidate->entry.skips, shown, 0.3);
}

static float feature_views_log(const struct reels__candidate *candidate, int64_t now)
{
    (void)now;
    return (float)log1p(candidate->entry.views > 0 ? (double)candidate->entry.views : 0);
}

static float feature_duration_s(const struct reels__candidate *candidate, int64_t now)
{
    (void)now;
    return (float)((double)candidate->entry.duration_us / 1e6);
}

static const struct {
    const char *name;
    float (*value)(const struct reels__candidate *candidate, int64_t now_unix_us);
} features[] = {
    {"followed", feature_followed},
    {"age_hours", feature_age_hours},
    {"trend", feature_trend},
    {"completion_rate", feature_completion_rate},
    {"like_rate", feature_like_rate},
    {"skip_rate", feature_skip_rate},
    {"views_log", feature_views_log},
    {"duration_s", feature_duration_s},
};

/* ---- the default model ---- */

enum {
    IN_FOLLOWED,
    IN_AGE_HOURS,
    IN_TREND,
    IN_COMPLETION_RATE,
    IN_LIKE_RATE,
    IN_SKIP_RATE,
    IN_COUNT
};

static const reels_model_input default_inputs[IN_COUNT] = {
    [IN_FOLLOWED] = {"followed", REELS_MODEL_OF_CANDIDATE, REELS_MODEL_FLOAT32, 1, 0},
    [IN_AGE_HOURS] = {"age_hours", REELS_MODEL_OF_CANDIDATE, REELS_MODEL_FLOAT32, 1, 0},
    [IN_TREND] = {"trend", REELS_MODEL_OF_CANDIDATE, REELS_MODEL_FLOAT32, 1, 0},
    [IN_COMPLETION_RATE] = {"completion_rate", REELS_MODEL_OF_CANDIDATE, REELS_MODEL_FLOAT32, 1, 0},
    [IN_LIKE_RATE] = {"like_rate", REELS_MODEL_OF_CANDIDATE, REELS_MODEL_FLOAT32, 1, 0},
    [IN_SKIP_RATE] = {"skip_rate", REELS_MODEL_OF_CANDIDATE, REELS_MODEL_FLOAT32, 1, 0},
};

static const char *const default_heads[] = {"value"};

static reels_status default_describe(void *impl, reels_model_info *out_info, reels_error *err)
{
    (void)impl;
    (void)err;
    out_info->inputs_count = IN_COUNT;
    out_info->inputs = default_inputs;
    out_info->heads = default_heads;
    out_info->heads_count = 1;
    out_info->name = "feed-default";
    out_info->version = "1";
    out_info->space_id = "";
    return REELS_OK;
}

static reels_status default_score(void *impl,
                                  const reels_call *call,
                                  const reels_model_column *columns,
                                  uint32_t candidates_count,
                                  float *out_scores,
                                  reels_error *err)
{
    (void)impl;
    (void)call;
    (void)err;
    for (uint32_t i = 0; i < candidates_count; i++) {
        float freshness = exp2f(-columns[IN_AGE_HOURS].float32[i] / 24.0F);
        float trend = log1pf(columns[IN_TREND].float32[i]);
        out_scores[i] =
            1.5F * columns[IN_FOLLOWED].float32[i] * (0.25F + 0.75F * freshness) + 0.3F * trend +
            0.8F * freshness + 1.0F * columns[IN_COMPLETION_RATE].float32[i] +
            2.0F * columns[IN_LIKE_RATE].float32[i] - 1.0F * columns[IN_SKIP_RATE].float32[i];
    }
    return REELS_OK;
}

static void default_destroy(void *impl)
{
    (void)impl;
}

static const reels_model_vtable default_vtable = {.struct_size = sizeof(reels_model_vtable),
                                                  .destroy = default_destroy,
                                                  .describe = default_describe,
                                                  .score = default_score};

const reels_model_vtable *reels__feed_default_model(void)
{
    return &default_vtable;
}

/* ---- asking a model ---- */

/* Position in `features`, or their number. */
static size_t find_feature(const char *name)
{
    size_t at = 0;
    while (at < REELS__COUNT(features) && strcmp(features[at].name, name) != 0) {
        at++;
    }
    return at;
}

/* Position of the head "value", or heads_count. */
static uint32_t find_value_head(const reels_model_info *info)
{
    uint32_t at = 0;
    while (at < info->heads_count && strcmp(info->heads[at], "value") != 0) {
        at++;
    }
    return at;
}

reels_status reels__feed_model_check(const reels_model *model, reels_error *err)
{
    const reels_model_info *info = reels_model_describe(model);
    for (uint32_t i = 0; i < info->inputs_count; i++) {
        const reels_model_input *input = &info->inputs[i];
        if (find_feature(input->name) == REELS__COUNT(features) || input->width != 1 ||
            input->type != REELS_MODEL_FLOAT32 || input->of != REELS_MODEL_OF_CANDIDATE) {
            return reels__fail(err,
                               REELS_ERR_UNSUPPORTED,
                               "the feed has no input \"%s\" of the kind this model wants",
                               input->name);
        }
    }
    if (find_value_head(info) == info->heads_count) {
        return reels__fail(err, REELS_ERR_UNSUPPORTED, "the model has no head \"value\"");
    }
    return REELS_OK;
}

reels_status reels__feed_score(const reels_ctx *ctx,
                               reels_model *model,
                               const reels_call *call,
                               struct reels__candidate *candidates,
                               size_t count,
                               int64_t now_unix_us,
                               reels_error *err)
{
    const reels_model_info *info = reels_model_describe(model);
    reels_status status = REELS_OK;
    if (count == 0) {
        return REELS_OK;
    }
    float *values = reels__mem_calloc(ctx, count * info->inputs_count + 1, sizeof(*values));
    float *scores = reels__mem_calloc(ctx, count * info->heads_count, sizeof(*scores));
    reels_model_column *columns = reels__mem_calloc(ctx, info->inputs_count + 1, sizeof(*columns));
    if (values == NULL || scores == NULL || columns == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to score %zu candidates", count);
        goto out;
    }
    for (uint32_t i = 0; i < info->inputs_count; i++) {
        float *column = values + (size_t)i * count;
        size_t feature = find_feature(info->inputs[i].name);
        for (size_t k = 0; k < count; k++) {
            column[k] = features[feature].value(&candidates[k], now_unix_us);
        }
        columns[i].float32 = column;
    }
    status =
        reels_model_score(model, call, columns, info->inputs_count, (uint32_t)count, scores, err);
    if (status == REELS_OK) {
        const float *value = scores + (size_t)find_value_head(info) * count;
        for (size_t k = 0; k < count; k++) {
            candidates[k].score = (double)value[k];
        }
    }
out:
    reels__mem_free(ctx, columns);
    reels__mem_free(ctx, scores);
    reels__mem_free(ctx, values);
    return status;
}

/* ---- order ---- */

static int by_score(const void *a, const void *b)
{
    const struct reels__candidate *left = a;
    const struct reels__candidate *right = b;
    if (left->score != right->score) {
        return left->score < right->score ? 1 : -1;
    }
    return (left->entry.reel_id < right->entry.reel_id) -
           (left->entry.reel_id > right->entry.reel_id);
}

/* 1 when the creator stands among the last places before `at`. */
static int is_near(const struct reels__candidate *candidates, size_t at, uint64_t creator_id)
{
    for (size_t back = 1; back < CREATOR_SPACING && back <= at; back++) {
        if (candidates[at - back].entry.creator_id == creator_id) {
            return 1;
        }
    }
    return 0;
}

size_t reels__feed_order(struct reels__candidate *candidates, size_t count, size_t wanted)
{
    size_t made = count < wanted ? count : wanted;
    qsort(candidates, count, sizeof(*candidates), by_score);
    for (size_t at = 0; at < made; at++) {
        size_t pick = at;
        while (pick < count && is_near(candidates, at, candidates[pick].entry.creator_id)) {
            pick++;
        }
        if (pick == count) {
            pick = at; /* only neighbours are left */
        }
        struct reels__candidate picked = candidates[pick];
        memmove(candidates + at + 1, candidates + at, (pick - at) * sizeof(*candidates));
        candidates[at] = picked;
    }
    return made;
}
