/* Owns the list of files that are begun in the host's output and not yet finished there. */
#include "media/stage.h"

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

typedef struct reels__media_stage_file {
    struct reels__media_stage_file *next;
    void *file;           /* of the host's output */
    uint32_t finished_at; /* place in the order of finishing, 0 = still being written */
} stage_file;

static reels_status stage_begin(
    void *impl, const char *name, const char *content_type, void **out_file, reels_error *err)
{
    reels__media_stage *stage = impl;
    *out_file = NULL;
    REELS_REQUIRE(reels_output_name_is_valid(name), err, "output: a file name is not valid");
    if (stage->files_count >= REELS__STAGE_FILES_MAX) {
        return reels__fail(
            err, REELS_ERR_LIMIT, "more than %d files were begun", REELS__STAGE_FILES_MAX);
    }
    stage_file *file = reels__mem_zalloc(stage->ctx, sizeof *file);
    if (file == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a file");
    }
    reels_status status = stage->output.begin(stage->impl, name, content_type, &file->file, err);
    if (status < 0) {
        reels__mem_free(stage->ctx, file);
        return status;
    }
    file->next = stage->files;
    stage->files = file;
    stage->files_count++;
    *out_file = file;
    return REELS_OK;
}

static reels_status
stage_write(void *impl, void *file, const uint8_t *data, size_t len, reels_error *err)
{
    reels__media_stage *stage = impl;
    stage_file *staged = file;
    if (len > stage->bytes_max - stage->bytes) {
        return reels__fail(err,
                           REELS_ERR_LIMIT,
                           "the output is larger than %llu bytes, the limit",
                           (unsigned long long)stage->bytes_max);
    }
    stage->bytes += len;
    return stage->output.write(stage->impl, staged->file, data, len, err);
}

static reels_status stage_finish(void *impl, void *file, reels_error *err)
{
    (void)err;
    reels__media_stage *stage = impl;
    stage_file *staged = file;
    uint32_t last = 0;
    for (const stage_file *at = stage->files; at != NULL; at = at->next) {
        last = at->finished_at > last ? at->finished_at : last;
    }
    staged->finished_at = last + 1;
    return REELS_OK;
}

static void forget(reels__media_stage *stage, stage_file *file)
{
    stage_file **link = &stage->files;
    while (*link != file) {
        link = &(*link)->next;
    }
    *link = file->next;
    reels__mem_free(stage->ctx, file);
}

static void stage_abort(void *impl, void *file)
{
    reels__media_stage *stage = impl;
    stage_file *staged = file;
    stage->output.abort(stage->impl, staged->file);
    forget(stage, staged);
    stage->files_count--;
}

const reels_output_vtable reels__media_stage_table = {.struct_size = sizeof(reels_output_vtable),
                                                      .begin = stage_begin,
                                                      .write = stage_write,
                                                      .finish = stage_finish,
                                                      .abort = stage_abort};

reels_status reels__media_stage_init(reels__media_stage *stage,
                                     reels_ctx *ctx,
                                     const reels_output_vtable *output,
                                     void *impl,
                                     uint64_t bytes_max,
                                     reels_error *err)
{
    *stage = (reels__media_stage){.ctx = ctx, .impl = impl, .bytes_max = bytes_max};
    REELS_REQUIRE(output != NULL, err, "output is NULL");
    REELS_TRY(reels__options_read(output,
                                  sizeof(reels_output_vtable),
                                  &stage->output,
                                  sizeof stage->output,
                                  "reels_output_vtable",
                                  err));
    REELS_REQUIRE(stage->output.begin != NULL && stage->output.write != NULL &&
                      stage->output.finish != NULL && stage->output.abort != NULL,
                  err,
                  "output: begin, write, finish and abort must be given");
    return REELS_OK;
}

reels_status reels__media_stage_commit(reels__media_stage *stage, reels_error *err)
{
    for (uint32_t place = 1; stage->files != NULL; place++) {
        stage_file *file = stage->files;
        while (file != NULL && file->finished_at != place) {
            file = file->next;
        }
        REELS_INVARIANT(file != NULL, err);
        void *inner = file->file;
        forget(stage, file);
        REELS_TRY(stage->output.finish(stage->impl, inner, err));
    }
    return REELS_OK;
}

void reels__media_stage_dispose(reels__media_stage *stage)
{
    while (stage->files != NULL) {
        stage->output.abort(stage->impl, stage->files->file);
        forget(stage, stage->files);
    }
}

reels_status reels__media_output_put(const reels_output_vtable *output,
                                     void *impl,
                                     const char *name,
                                     const char *content_type,
                                     const uint8_t *data,
                                     size_t len,
                                     reels_error *err)
{
    void *file = NULL;
    REELS_TRY(output->begin(impl, name, content_type, &file, err));
    reels_status status = output->write(impl, file, data, len, err);
    if (status < 0) {
        output->abort(impl, file);
        return status;
    }
    return output->finish(impl, file, err);
}
