/* Owns the making of a context: each table of the host is copied and completed by a default, so
 * that below nobody asks whether a hook is there. */
#include <stdarg.h>
#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/format.h"
#include "base/mem.h"
#include "base/system.h"
#include "base/utf8.h"

enum {
    LOG_BYTES = 1024
};

static void log_silent(void *user, int32_t level, const char *message, size_t message_len)
{
    (void)user;
    (void)level;
    (void)message;
    (void)message_len;
}

static void
metrics_none(void *user, const reels_metric *metric, const char *label_value, int64_t value)
{
    (void)user;
    (void)metric;
    (void)label_value;
    (void)value;
}

static uint64_t trace_begin_none(void *user, uint64_t parent_span, const char *name)
{
    (void)user;
    (void)parent_span;
    (void)name;
    return 0;
}

static void trace_end_none(void *user, uint64_t span, reels_status status)
{
    (void)user;
    (void)span;
    (void)status;
}

#define TABLE_READ(from, into, name, err)                                                          \
    reels__options_read((from), sizeof *(into), (into), sizeof *(into), (name), (err))

static reels_status allocator_read(const reels_allocator *table, reels_ctx *ctx, reels_error *err)
{
    if (table == NULL) {
        ctx->allocator = reels__allocator_system;
        return REELS_OK;
    }
    REELS_TRY(TABLE_READ(table, &ctx->allocator, "allocator", err));
    REELS_REQUIRE(ctx->allocator.alloc != NULL && ctx->allocator.realloc != NULL &&
                      ctx->allocator.free != NULL,
                  err,
                  "allocator: alloc, realloc and free must be set");
    return REELS_OK;
}

static reels_status
observers_read(const reels_ctx_options *options, reels_ctx *ctx, reels_error *err)
{
    REELS_TRY(TABLE_READ(options->log, &ctx->log, "log", err));
    REELS_REQUIRE(ctx->log.level_max >= 0 && ctx->log.level_max <= REELS_LOG_DEBUG,
                  err,
                  "log: level_max is not a level");
    if (ctx->log.write == NULL) {
        ctx->log.write = log_silent;
        ctx->log.level_max = -1; /* below every level: nothing is formatted */
    } else if (ctx->log.level_max == 0) {
        ctx->log.level_max = REELS_LOG_INFO;
    }
    REELS_TRY(TABLE_READ(options->metrics, &ctx->metrics, "metrics", err));
    if (ctx->metrics.record == NULL) {
        ctx->metrics.record = metrics_none;
    }
    REELS_TRY(TABLE_READ(options->trace, &ctx->trace, "trace", err));
    REELS_REQUIRE((ctx->trace.begin == NULL) == (ctx->trace.end == NULL),
                  err,
                  "trace: begin and end come together");
    if (ctx->trace.begin == NULL) {
        ctx->trace.begin = trace_begin_none;
        ctx->trace.end = trace_end_none;
    }
    return REELS_OK;
}

static reels_status sources_read(const reels_ctx_options *options, reels_ctx *ctx, reels_error *err)
{
    REELS_TRY(TABLE_READ(options->clock, &ctx->clock, "clock", err));
    /* The defaults ignore `user`, so that a host may give one clock of the three. */
    if (ctx->clock.wall_unix_us == NULL) {
        ctx->clock.wall_unix_us = reels__clock_system.wall_unix_us;
    }
    if (ctx->clock.mono_us == NULL) {
        ctx->clock.mono_us = reels__clock_system.mono_us;
    }
    if (ctx->clock.sleep_us == NULL) {
        ctx->clock.sleep_us = reels__clock_system.sleep_us;
    }
    REELS_TRY(TABLE_READ(options->random, &ctx->random, "random", err));
    if (ctx->random.fill == NULL) {
        ctx->random.fill = reels__random_system.fill;
    }
    REELS_TRY(TABLE_READ(options->executor, &ctx->executor, "executor", err));
    REELS_REQUIRE(options->executor == NULL ||
                      (ctx->executor.submit != NULL && ctx->executor.wait != NULL &&
                       ctx->executor.threads_count > 0),
                  err,
                  "executor: submit, wait and threads_count must be set");
    return REELS_OK;
}

static reels_status fs_read(const reels_fs *table, reels_ctx *ctx, reels_error *err)
{
    if (table == NULL) {
        ctx->fs = reels__fs_posix;
        return REELS_OK;
    }
    REELS_TRY(TABLE_READ(table, &ctx->fs, "fs", err));
    const reels_fs *fs = &ctx->fs;
    /* Files of one table mean nothing to another, so defaults cannot fill gaps here. */
    int file_slots = fs->open != NULL && fs->close != NULL && fs->read_at != NULL &&
                     fs->write_at != NULL && fs->sync != NULL && fs->truncate != NULL &&
                     fs->file_info != NULL && fs->lock != NULL;
    int name_slots = fs->info != NULL && fs->rename != NULL && fs->remove != NULL &&
                     fs->make_dir != NULL && fs->sync_dir != NULL && fs->list != NULL;
    REELS_REQUIRE(file_slots && name_slots, err, "fs: only map, unmap and link may be NULL");
    REELS_REQUIRE((fs->map == NULL) == (fs->unmap == NULL), err, "fs: map and unmap come together");
    return REELS_OK;
}

reels_status reels_ctx_new(const reels_ctx_options *options, reels_ctx **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    reels_ctx_options full = {0};
    reels_ctx draft = {0};
    REELS_TRY(
        reels__options_read(options, sizeof full, &full, sizeof full, "reels_ctx_options", err));
    REELS_TRY(allocator_read(full.allocator, &draft, err));
    REELS_TRY(observers_read(&full, &draft, err));
    REELS_TRY(sources_read(&full, &draft, err));
    REELS_TRY(fs_read(full.fs, &draft, err));

    reels_ctx *ctx = reels__mem_dup(&draft, &draft, sizeof draft);
    if (ctx == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a context");
    }
    int failed = pthread_mutex_init(&ctx->registry_lock, NULL);
    if (failed != 0) {
        reels__mem_free(&draft, ctx);
        return reels__fail_errno(
            err, REELS_ERR_NO_MEMORY, failed, "the system refused a lock for a context");
    }
    *out = ctx;
    return REELS_OK;
}

void reels_ctx_free(reels_ctx *ctx)
{
    if (ctx == NULL) {
        return;
    }
    if (ctx->schemes_free != NULL) {
        ctx->schemes_free(ctx);
    }
    (void)pthread_mutex_destroy(&ctx->registry_lock);
    /* The table lies in the block that is freed. */
    reels_ctx last = {.allocator = ctx->allocator};
    reels__mem_free(&last, ctx);
}

int64_t reels_ctx_now_unix_us(const reels_ctx *ctx)
{
    return ctx->clock.wall_unix_us(ctx->clock.user);
}

int64_t reels_ctx_now_mono_us(const reels_ctx *ctx)
{
    return ctx->clock.mono_us(ctx->clock.user);
}

int reels__log_enabled(const reels_ctx *ctx, int32_t level)
{
    return level <= ctx->log.level_max;
}

void reels__log(const reels_ctx *ctx, int32_t level, const char *format, ...)
{
    if (!reels__log_enabled(ctx, level)) {
        return;
    }
    char text[LOG_BYTES];
    size_t len = 0;
    va_list args;
    va_start(args, format);
    (void)reels__format(text, sizeof text, &len, format, args);
    va_end(args);
    reels__utf8_clean(text, len);
    ctx->log.write(ctx->log.user, level, text, len);
}

void reels__metric_add(const reels_ctx *ctx,
                       const reels_metric *metric,
                       const char *label_value,
                       int64_t value)
{
    ctx->metrics.record(ctx->metrics.user, metric, label_value, value);
}

uint64_t reels__trace_begin(const reels_ctx *ctx, const reels_call *call, const char *name)
{
    return ctx->trace.begin(ctx->trace.user, call != NULL ? call->trace_parent : 0, name);
}

void reels__trace_end(const reels_ctx *ctx, uint64_t span, reels_status status)
{
    if (span != 0) {
        ctx->trace.end(ctx->trace.user, span, status);
    }
}

reels_status reels__random_fill(const reels_ctx *ctx, uint8_t *data, size_t len, reels_error *err)
{
    if (len == 0) {
        return REELS_OK;
    }
    reels_status status = ctx->random.fill(ctx->random.user, data, len);
    if (status == REELS_OK) {
        return REELS_OK;
    }
    return reels__fail(err, status < 0 ? status : REELS_ERR_HOST, "the random source failed");
}
