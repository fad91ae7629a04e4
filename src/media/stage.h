/* Owns the promise that a transcode leaves everything or nothing: files are begun and written in
 * the host's output as they come, and finished only when all is well. */
#ifndef REELS_SRC_MEDIA_STAGE_H
#define REELS_SRC_MEDIA_STAGE_H

#include <reels/hls/output.h>

enum {
    REELS__STAGE_FILES_MAX = 4096
};

struct reels__media_stage_file;

/* An output in front of the host's. Its table is reels__media_stage_table, its impl the struct. */
typedef struct reels__media_stage {
    reels_ctx *ctx;
    reels_output_vtable output;
    void *impl;
    uint64_t bytes_max;
    uint64_t bytes;
    uint32_t files_count;
    uint32_t reserved0;
    struct reels__media_stage_file *files; /* newest first */
} reels__media_stage;

extern const reels_output_vtable reels__media_stage_table;

reels_status reels__media_stage_init(reels__media_stage *stage,
                                     reels_ctx *ctx,
                                     const reels_output_vtable *output,
                                     void *impl,
                                     uint64_t bytes_max,
                                     reels_error *err);

/* Finishes every file, in the order in which the writers finished them. A failure aborts the rest.
 */
reels_status reels__media_stage_commit(reels__media_stage *stage, reels_error *err);

/* Aborts what is not finished. The zero state may be disposed. */
void reels__media_stage_dispose(reels__media_stage *stage);

/* Writes a whole small file through an output. */
reels_status reels__media_output_put(const reels_output_vtable *output,
                                     void *impl,
                                     const char *name,
                                     const char *content_type,
                                     const uint8_t *data,
                                     size_t len,
                                     reels_error *err);

#endif
