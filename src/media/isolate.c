/* Owns the parent's side of the wire. Every length, number, text and order that a worker sends is
 * checked here before anything is done with it. */
#include "media/isolate.h"

#include <signal.h>
#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "config.h"
#include "media/demux.h"
#include "media/spawn.h"
#include "media/wire.h"

enum {
    /* How long a raised cancel flag may go unseen. */
    WAIT_US_MAX = 20000,
    /* A worker that says nothing for so long, while somebody listens, hangs. */
    SILENCE_US_MAX = 60000000
};

typedef struct open_file {
    void *file; /* of the output; NULL = not open */
    int ended;
} open_file;

struct reels__media_isolate {
    reels_ctx *ctx;
    reels__media_source *source;
    const reels__media_settings *settings;
    reels_output_vtable output; /* all NULL for a probe */
    void *output_impl;
    reels__media_child child;
    int64_t heard_us; /* when the worker last said something, on the clock of waiting below */
    int64_t waited_us;
    int news; /* something worth telling the host has come */
    int done;
    int failed;
    int probe;
    int has_info;
    reels_probe_info info;
    reels_transcode_progress progress;
    reels__wire_done result;
    reels__media_end end;
    reels__wire_fail failure;
    uint32_t files_count;
    open_file files[REELS__WIRE_FILES_MAX];
    size_t in_len;
    size_t out_len;
    size_t out_sent;
    uint8_t in[sizeof(reels__wire_header) + REELS__WIRE_PAYLOAD_MAX];
    uint8_t out[sizeof(reels__wire_header) + REELS__WIRE_PAYLOAD_MAX];
};

static void queue_message(reels__media_isolate *isolate, uint32_t type, size_t payload_len)
{
    reels__wire_header header = {type, (uint32_t)payload_len};
    memcpy(isolate->out, &header, sizeof header);
    isolate->out_len = sizeof header + payload_len;
    isolate->out_sent = 0;
}

static reels_status start(reels__media_isolate *isolate, uint32_t exact, reels_error *err)
{
    const reels__media_settings *settings = isolate->settings;
    const char *path =
        settings->worker_path[0] != '\0' ? settings->worker_path : REELS_MEDIA_WORKER_PATH;
    reels__wire_start message = {.version = reels_version(),
                                 .size = sizeof message,
                                 .probe = (uint32_t)isolate->probe,
                                 .exact = exact,
                                 .source_bytes = isolate->source->size_bytes,
                                 .settings = *settings};
    _Static_assert(sizeof message <= REELS__WIRE_PAYLOAD_MAX, "START fits a frame");
    memcpy(isolate->out + sizeof(reels__wire_header), &message, sizeof message);
    queue_message(isolate, REELS__WIRE_START, sizeof message);
    return reels__media_child_start(&isolate->child, path, err);
}

static reels_status make(reels_ctx *ctx,
                         reels__media_source *source,
                         const reels__media_settings *settings,
                         reels__media_isolate **out,
                         reels_error *err)
{
    reels__media_isolate *isolate = *out = reels__mem_zalloc(ctx, sizeof *isolate);
    if (isolate == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a media worker");
    }
    isolate->ctx = ctx;
    isolate->source = source;
    isolate->settings = settings;
    isolate->child.fd = -1;
    isolate->progress = (reels_transcode_progress){.struct_size = sizeof isolate->progress,
                                                   .stage = REELS_TRANSCODE_STAGE_PROBE,
                                                   .duration_us = -1};
    return REELS_OK;
}

reels_status reels__media_isolate_new(reels_ctx *ctx,
                                      reels__media_source *source,
                                      const reels__media_settings *settings,
                                      const reels_output_vtable *output,
                                      void *output_impl,
                                      reels__media_isolate **out,
                                      reels_error *err)
{
    REELS_TRY(make(ctx, source, settings, out, err));
    (*out)->output = *output;
    (*out)->output_impl = output_impl;
    return start(*out, 0, err);
}

reels_status reels__media_isolate_new_probe(reels_ctx *ctx,
                                            reels__media_source *source,
                                            const reels__media_settings *settings,
                                            uint32_t exact,
                                            reels__media_isolate **out,
                                            reels_error *err)
{
    REELS_TRY(make(ctx, source, settings, out, err));
    (*out)->probe = 1;
    return start(*out, exact, err);
}

static reels_status misbehaves(const char *what, reels_error *err)
{
    return reels__fail(err, REELS_ERR_CORRUPT, "the media made its worker misbehave: %s", what);
}

/* Text that a worker sends: terminated, and fit to be shown. */
static void clean_text(char *text, size_t size)
{
    text[size - 1] = '\0';
    reels__utf8_clean(text, strlen(text));
}

static reels_status
serve_read(reels__media_isolate *isolate, const uint8_t *payload, size_t len, reels_error *err)
{
    reels__wire_read want;
    if (len != sizeof want || isolate->out_len > 0) {
        return misbehaves("READ", err);
    }
    memcpy(&want, payload, sizeof want);
    if (want.len == 0 || want.len > REELS__WIRE_DATA_MAX ||
        want.offset > isolate->source->size_bytes) {
        return misbehaves("READ out of range", err);
    }
    reels__wire_data answer = {REELS_OK, 0};
    uint8_t *to = isolate->out + sizeof(reels__wire_header);
    size_t got = 0;
    REELS_TRY(reels__media_source_read(
        isolate->source, want.offset, to + sizeof answer, want.len, &got, err));
    memcpy(to, &answer, sizeof answer);
    queue_message(isolate, REELS__WIRE_DATA, sizeof answer + got);
    return REELS_OK;
}

static reels_status
begin_file(reels__media_isolate *isolate, const uint8_t *payload, size_t len, reels_error *err)
{
    reels__wire_begin begin;
    if (len != sizeof begin || isolate->output.begin == NULL) {
        return misbehaves("BEGIN", err);
    }
    memcpy(&begin, payload, sizeof begin);
    if (begin.file.number != isolate->files_count ||
        isolate->files_count >= REELS__WIRE_FILES_MAX ||
        memchr(begin.name, 0, sizeof begin.name) == NULL ||
        memchr(begin.content_type, 0, sizeof begin.content_type) == NULL ||
        !reels_output_name_is_valid(begin.name)) {
        return misbehaves("BEGIN out of range", err);
    }
    clean_text(begin.content_type, sizeof begin.content_type);
    void *file = NULL;
    REELS_TRY(
        isolate->output.begin(isolate->output_impl, begin.name, begin.content_type, &file, err));
    isolate->files[isolate->files_count++].file = file;
    return REELS_OK;
}

static reels_status find_file(reels__media_isolate *isolate,
                              const uint8_t *payload,
                              size_t len,
                              open_file **out,
                              reels_error *err)
{
    reels__wire_file which;
    if (len < sizeof which) {
        return misbehaves("a file without a number", err);
    }
    memcpy(&which, payload, sizeof which);
    if (which.number >= isolate->files_count || isolate->files[which.number].ended) {
        return misbehaves("a file that is not open", err);
    }
    *out = &isolate->files[which.number];
    return REELS_OK;
}

static reels_status handle_file(reels__media_isolate *isolate,
                                uint32_t type,
                                const uint8_t *payload,
                                size_t len,
                                reels_error *err)
{
    open_file *file = NULL;
    const size_t head = sizeof(reels__wire_file);
    REELS_TRY(find_file(isolate, payload, len, &file, err));
    if (type == REELS__WIRE_WRITE) {
        return isolate->output.write(
            isolate->output_impl, file->file, payload + head, len - head, err);
    }
    if (len != head) {
        return misbehaves("FINISH or ABORT", err);
    }
    file->ended = 1;
    if (type == REELS__WIRE_ABORT) {
        isolate->output.abort(isolate->output_impl, file->file);
        return REELS_OK;
    }
    return isolate->output.finish(isolate->output_impl, file->file, err);
}

static reels_status
take_info(reels__media_isolate *isolate, const uint8_t *payload, size_t len, reels_error *err)
{
    reels_probe_info info;
    if (len != sizeof info || isolate->has_info) {
        return misbehaves("INFO", err);
    }
    memcpy(&info, payload, sizeof info);
    clean_text(info.verdict_reason, sizeof info.verdict_reason);
    clean_text(info.container, sizeof info.container);
    clean_text(info.video_codec, sizeof info.video_codec);
    clean_text(info.pixel_format, sizeof info.pixel_format);
    clean_text(info.color_range, sizeof info.color_range);
    clean_text(info.color_matrix, sizeof info.color_matrix);
    clean_text(info.color_primaries, sizeof info.color_primaries);
    clean_text(info.color_transfer, sizeof info.color_transfer);
    clean_text(info.audio_codec, sizeof info.audio_codec);
    if (info.struct_size != sizeof info || info.verdict < REELS_VERDICT_TRANSCODE ||
        info.verdict > REELS_VERDICT_REFUSE || info.verdict_status > 0 ||
        (info.verdict == REELS_VERDICT_TRANSCODE) != (info.verdict_status == REELS_OK) ||
        info.duration_us < -1 || info.display_width > 65536 || info.display_height > 65536) {
        return misbehaves("INFO out of range", err);
    }
    info.file_bytes = isolate->source->size_bytes;
    isolate->info = info;
    isolate->has_info = 1;
    return REELS_OK;
}

static reels_status
take_progress(reels__media_isolate *isolate, const uint8_t *payload, size_t len, reels_error *err)
{
    reels_transcode_progress now;
    if (len != sizeof now) {
        return misbehaves("PROGRESS", err);
    }
    memcpy(&now, payload, sizeof now);
    /* Only what is written in full is done, and that is for the parent to say. */
    if (now.struct_size != sizeof now || now.stage < REELS_TRANSCODE_STAGE_PROBE ||
        now.stage > REELS_TRANSCODE_STAGE_FINISH || now.done_ppm >= 1000000) {
        return misbehaves("PROGRESS out of range", err);
    }
    isolate->progress = now;
    isolate->news = 1;
    return REELS_OK;
}

static reels_status
take_done(reels__media_isolate *isolate, const uint8_t *payload, size_t len, reels_error *err)
{
    if (isolate->probe) {
        if (len != 0 || !isolate->has_info) {
            return misbehaves("DONE", err);
        }
        isolate->done = 1;
        return REELS_OK;
    }
    if (len != sizeof isolate->result) {
        return misbehaves("DONE", err);
    }
    memcpy(&isolate->result, payload, sizeof isolate->result);
    int ok = isolate->result.summary.struct_size == sizeof isolate->result.summary &&
             isolate->result.summary.rungs_count <= REELS_RUNGS_MAX && isolate->has_info;
    for (uint32_t i = 0; ok && i < isolate->result.summary.rungs_count; i++) {
        reels_rung *rung = &isolate->result.rungs[i];
        clean_text(rung->name, sizeof rung->name);
        ok = rung->struct_size == sizeof *rung;
    }
    for (uint32_t i = 0; ok && i < isolate->files_count; i++) {
        ok = isolate->files[i].ended;
    }
    isolate->done = ok;
    return ok ? REELS_OK : misbehaves("DONE out of range", err);
}

static reels_status
take_failure(reels__media_isolate *isolate, const uint8_t *payload, size_t len, reels_error *err)
{
    if (len != sizeof isolate->failure) {
        return misbehaves("FAIL", err);
    }
    memcpy(&isolate->failure, payload, sizeof isolate->failure);
    clean_text(isolate->failure.message, sizeof isolate->failure.message);
    int32_t status = isolate->failure.status;
    /* What a worker may say of the media and of itself; the rest is the parent's to find out. */
    if (status != REELS_ERR_UNSUPPORTED && status != REELS_ERR_LIMIT &&
        status != REELS_ERR_CORRUPT && status != REELS_ERR_ENCRYPTED &&
        status != REELS_ERR_INVALID_ARG) {
        status = REELS_ERR_INTERNAL;
    }
    return reels__fail(err, status, "%s", isolate->failure.message);
}

static reels_status handle(reels__media_isolate *isolate,
                           uint32_t type,
                           const uint8_t *payload,
                           size_t len,
                           reels_error *err)
{
    if (isolate->done) {
        return misbehaves("more after the end", err);
    }
    switch (type) {
    case REELS__WIRE_READ:
        return serve_read(isolate, payload, len, err);
    case REELS__WIRE_BEGIN:
        return begin_file(isolate, payload, len, err);
    case REELS__WIRE_WRITE:
    case REELS__WIRE_FINISH:
    case REELS__WIRE_ABORT:
        return handle_file(isolate, type, payload, len, err);
    case REELS__WIRE_INFO:
        return take_info(isolate, payload, len, err);
    case REELS__WIRE_PROGRESS:
        return take_progress(isolate, payload, len, err);
    case REELS__WIRE_DONE:
        return take_done(isolate, payload, len, err);
    case REELS__WIRE_FAIL:
        return take_failure(isolate, payload, len, err);
    default:
        return misbehaves("an unknown message", err);
    }
}

/* Handles one message when it is complete; *out_did tells. */
static reels_status handle_next(reels__media_isolate *isolate, int *out_did, reels_error *err)
{
    reels__wire_header header;
    *out_did = 0;
    if (isolate->in_len < sizeof header) {
        return REELS_OK;
    }
    memcpy(&header, isolate->in, sizeof header);
    if (header.len > REELS__WIRE_PAYLOAD_MAX) {
        return misbehaves("a message that is too long", err);
    }
    size_t whole = sizeof header + header.len;
    if (isolate->in_len < whole) {
        return REELS_OK;
    }
    *out_did = 1;
    reels_status status =
        handle(isolate, header.type, isolate->in + sizeof header, header.len, err);
    isolate->in_len -= whole;
    memmove(isolate->in, isolate->in + whole, isolate->in_len);
    return status;
}

/* Moves bytes both ways without waiting. *out_moved tells whether any did, *out_closed whether the
 * worker has closed its end. */
static void move_bytes(reels__media_isolate *isolate, int *out_moved, int *out_closed)
{
    *out_moved = 0;
    *out_closed = 0;
    if (isolate->out_sent < isolate->out_len) {
        ssize_t sent = reels__media_child_send(&isolate->child,
                                               isolate->out + isolate->out_sent,
                                               isolate->out_len - isolate->out_sent);
        if (sent > 0) {
            *out_moved = 1;
            isolate->out_sent += (size_t)sent;
        }
        if (isolate->out_sent == isolate->out_len) {
            isolate->out_len = isolate->out_sent = 0;
        }
        /* A closed end is seen when receiving, after what the worker still had to say. */
    }
    ssize_t got = reels__media_child_receive(
        &isolate->child, isolate->in + isolate->in_len, sizeof isolate->in - isolate->in_len);
    if (got > 0) {
        *out_moved = 1;
        isolate->in_len += (size_t)got;
    }
    *out_closed = got < 0;
}

/* What became of a worker that closed its end. */
static reels_status conclude(reels__media_isolate *isolate, reels_error *err)
{
    reels__media_child_end(&isolate->child, 0, &isolate->end);
    if (isolate->done) {
        return REELS_END;
    }
    switch (isolate->end.signal) {
    case 0:
        break;
    case SIGXCPU:
        return reels__fail(err, REELS_ERR_LIMIT, "it needs more CPU time than is allowed");
    case SIGKILL:
        return reels__fail(
            err, REELS_ERR_LIMIT, "its worker was killed by the system, most likely for memory");
    case SIGSYS:
        return misbehaves("a system call it may not make", err);
    default:
        return reels__fail(
            err, REELS_ERR_CORRUPT, "its worker crashed on it (signal %d)", isolate->end.signal);
    }
    if (isolate->end.exit_code == REELS__WORKER_EXIT_VERSION) {
        return reels__fail(
            err, REELS_ERR_INTERNAL, "the media worker belongs to another version of the library");
    }
    if (isolate->end.exit_code == REELS__WORKER_EXIT_SANDBOX) {
        return reels__fail(
            err, REELS_ERR_INTERNAL, "the media worker could not confine itself on this system");
    }
    return reels__fail(err,
                       REELS_ERR_INTERNAL,
                       "the media worker ended without a result (exit code %d)",
                       isolate->end.exit_code);
}

static reels_status wait_for_more(reels__media_isolate *isolate, int64_t until_us, reels_error *err)
{
    int64_t left_us = until_us - reels_ctx_now_mono_us(isolate->ctx);
    if (left_us <= 0) {
        return REELS_OK;
    }
    int64_t wait_us = left_us < WAIT_US_MAX ? left_us : WAIT_US_MAX;
    int64_t begun_us = reels_ctx_now_mono_us(isolate->ctx);
    reels__media_child_wait(&isolate->child, isolate->out_len > 0, wait_us);
    isolate->waited_us += reels_ctx_now_mono_us(isolate->ctx) - begun_us;
    return isolate->waited_us - isolate->heard_us <= SILENCE_US_MAX
               ? REELS_OK
               : reels__fail(err,
                             REELS_ERR_LIMIT,
                             "its worker gave no sign of life for %d s",
                             SILENCE_US_MAX / 1000000);
}

static reels_status
serve(reels__media_isolate *isolate, const reels_call *call, int64_t until_us, reels_error *err)
{
    isolate->news = 0;
    do {
        int did = 0;
        int moved = 0;
        int closed = 0;
        REELS_TRY(reels__call_check(isolate->ctx, call, err));
        REELS_TRY(handle_next(isolate, &did, err));
        if (did) {
            continue;
        }
        move_bytes(isolate, &moved, &closed);
        if (moved) {
            isolate->heard_us = isolate->waited_us;
        } else if (closed) {
            return conclude(isolate, err);
        } else {
            REELS_TRY(wait_for_more(isolate, until_us, err));
        }
    } while (!isolate->news && reels_ctx_now_mono_us(isolate->ctx) < until_us);
    return REELS_OK;
}

reels_status reels__media_isolate_step(reels__media_isolate *isolate,
                                       const reels_call *call,
                                       int64_t until_us,
                                       reels_error *err)
{
    reels_status status = serve(isolate, call, until_us, err);
    if (status < 0) {
        isolate->failed = 1;
        reels__media_child_end(&isolate->child, 1, &isolate->end);
    }
    return status;
}

const reels_probe_info *reels__media_isolate_info(const reels__media_isolate *isolate)
{
    return isolate->has_info ? &isolate->info : NULL;
}

void reels__media_isolate_progress(const reels__media_isolate *isolate,
                                   reels_transcode_progress *out)
{
    *out = isolate->progress;
    if (isolate->done) {
        out->stage = REELS_TRANSCODE_STAGE_DONE;
        out->done_ppm = 1000000;
    }
}

void reels__media_isolate_summary(const reels__media_isolate *isolate,
                                  reels_transcode_summary *out,
                                  reels_rung rungs[REELS_RUNGS_MAX])
{
    *out = isolate->result.summary;
    out->cpu_us = isolate->end.cpu_us;
    out->memory_peak_bytes = isolate->end.memory_peak_bytes;
    memcpy(rungs, isolate->result.rungs, sizeof isolate->result.rungs);
}

void reels__media_isolate_free(reels__media_isolate *isolate)
{
    if (isolate == NULL) {
        return;
    }
    reels__media_end end;
    reels__media_child_end(&isolate->child, 1, &end);
    for (uint32_t i = 0; i < isolate->files_count; i++) {
        if (!isolate->files[i].ended) {
            isolate->output.abort(isolate->output_impl, isolate->files[i].file);
        }
    }
    reels__mem_free(isolate->ctx, isolate);
}
