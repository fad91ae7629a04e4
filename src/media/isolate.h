/* Owns a job that runs in a worker: what the worker asks for is given, what it says is checked, and
 * however it ends, a status comes of it. */
#ifndef REELS_SRC_MEDIA_ISOLATE_H
#define REELS_SRC_MEDIA_ISOLATE_H

#include <reels/media.h>

#include "media/pipeline.h"
#include "media/source.h"

typedef struct reels__media_isolate reels__media_isolate;

/* Starts the worker. source, settings and output_impl are borrowed until the isolate is freed. */
reels_status reels__media_isolate_new(reels_ctx *ctx,
                                      reels__media_source *source,
                                      const reels__media_settings *settings,
                                      const reels_output_vtable *output,
                                      void *output_impl,
                                      reels__media_isolate **out,
                                      reels_error *err);

/* The same for a probe, which has no output. */
reels_status reels__media_isolate_new_probe(reels_ctx *ctx,
                                            reels__media_source *source,
                                            const reels__media_settings *settings,
                                            uint32_t exact,
                                            reels__media_isolate **out,
                                            reels_error *err);

/* Serves the worker until until_us on the monotonic clock of the context, or until it has said
 * something new about its progress: REELS_OK = more to do, REELS_END = it has succeeded and is
 * gone. */
reels_status reels__media_isolate_step(reels__media_isolate *isolate,
                                       const reels_call *call,
                                       int64_t until_us,
                                       reels_error *err);

/* NULL before the worker has told. */
const reels_probe_info *reels__media_isolate_info(const reels__media_isolate *isolate);
void reels__media_isolate_progress(const reels__media_isolate *isolate,
                                   reels_transcode_progress *out);
void reels__media_isolate_summary(const reels__media_isolate *isolate,
                                  reels_transcode_summary *out,
                                  reels_rung rungs[REELS_RUNGS_MAX]);

/* Kills and reaps a worker that is still there. NULL does nothing. */
void reels__media_isolate_free(reels__media_isolate *isolate);

#endif
