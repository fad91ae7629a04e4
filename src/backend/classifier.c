/* Owns the front door of the classifier port: findings have the shape and range that was promised.
 */
#include <string.h>

#include <reels/backend/classifier.h>
#include <reels/backend/open.h>

#include "backend/content.h"
#include "backend/port.h"
#include "backend/record_internal.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    VTABLE_V1 = sizeof(reels_classifier_vtable),
    TEXT_MAX = 255,
    LABELS_MAX = 10000,
    LABEL_MAX = 64,
    FINDING_VALUES = 4
};

struct reels_classifier {
    reels_ctx *ctx;
    reels_classifier_vtable vtable;
    void *impl;
    reels_classifier_info info;
};

static const reels__slot MUSTS[] = {
    {offsetof(reels_classifier_vtable, destroy), "destroy"},
    {offsetof(reels_classifier_vtable, describe), "describe"},
    {offsetof(reels_classifier_vtable, classify), "classify"},
};

static reels_status info_check(const reels_classifier_info *info, reels_error *err)
{
    REELS_REQUIRE(info->labels_count >= 1 && info->labels_count <= LABELS_MAX &&
                      info->labels != NULL,
                  err,
                  "classifier: labels are not 1 to 10000");
    for (uint32_t i = 0; i < info->labels_count; i++) {
        REELS_TRY(reels__name_check(info->labels[i], LABEL_MAX, "classifier: label", err));
    }
    REELS_TRY(reels__name_check(info->name, TEXT_MAX, "classifier: name", err));
    return reels__name_check(info->version, TEXT_MAX, "classifier: version", err);
}

reels_status reels_classifier_new(reels_ctx *ctx,
                                  const reels_classifier_vtable *vtable,
                                  void *impl,
                                  reels_classifier **out,
                                  reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    reels_classifier_vtable copy = {0};
    reels_classifier_info info = {.struct_size = sizeof info};
    REELS_TRY(reels__vtable_copy(vtable,
                                 VTABLE_V1,
                                 &copy,
                                 sizeof copy,
                                 "reels_classifier_vtable",
                                 MUSTS,
                                 REELS__COUNT(MUSTS),
                                 err));
    REELS_TRY(copy.describe(impl, &info, err));
    REELS_TRY(info_check(&info, err));
    reels_classifier *classifier = reels__mem_zalloc(ctx, sizeof *classifier);
    if (classifier == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "classifier: no memory");
    }
    classifier->ctx = ctx;
    classifier->vtable = copy;
    classifier->impl = impl;
    classifier->info = info;
    *out = classifier;
    return REELS_OK;
}

reels_status
reels_classifier_open(reels_ctx *ctx, const char *url, reels_classifier **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    void *port = NULL;
    REELS_TRY(reels__scheme_open(ctx, REELS_PORT_CLASSIFIER, url, &port, err));
    *out = port;
    return REELS_OK;
}

void reels_classifier_free(reels_classifier *classifier)
{
    if (classifier != NULL) {
        classifier->vtable.destroy(classifier->impl);
        reels__mem_free(classifier->ctx, classifier);
    }
}

const reels_classifier_info *reels_classifier_describe(const reels_classifier *classifier)
{
    return &classifier->info;
}

/* The rows that were appended. */
static reels_status
findings_check(const reels_rows *findings, size_t from, size_t contents_count, reels_error *err)
{
    for (size_t i = from; i < reels_rows_count(findings); i++) {
        const reels_value *values = reels_rows_get(findings, i, NULL);
        int fits = reels__rows_values_count(findings, i) == FINDING_VALUES &&
                   values[0].type == REELS_TYPE_INT64 && values[0].integer >= 0 &&
                   (uint64_t)values[0].integer < contents_count &&
                   values[1].type == REELS_TYPE_UTF8 && values[2].type == REELS_TYPE_FLOAT64 &&
                   values[2].real >= 0.0 && values[2].real <= 1.0 &&
                   values[3].type == REELS_TYPE_INT64;
        if (!fits) {
            return reels__fail(err, REELS_ERR_CORRUPT, "classifier: a finding is malformed");
        }
    }
    return REELS_OK;
}

reels_status reels_classifier_run(reels_classifier *classifier,
                                  const reels_call *call,
                                  const reels_content *contents,
                                  size_t contents_count,
                                  reels_rows *findings,
                                  reels_error *err)
{
    REELS_REQUIRE(classifier != NULL && findings != NULL, err, "classifier or findings is NULL");
    REELS_TRY(reels__contents_check(contents, contents_count, err));
    REELS_TRY(reels__call_check(classifier->ctx, call, err));
    if (contents_count == 0) {
        return REELS_OK;
    }
    size_t from = reels_rows_count(findings);
    reels_status status = classifier->vtable.classify(
        classifier->impl, call, contents, contents_count, findings, err);
    if (status >= 0) {
        status = findings_check(findings, from, contents_count, err);
    }
    if (status < 0) {
        reels__rows_truncate(findings, from);
    }
    return status;
}
