/* Owns the object, the beginning of uploads and the asking where they stand. */
#include <string.h>

#include "backend/value.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "upload_internal.h"

enum {
    DEFAULT_PER_PERSON = 16,
    PER_PERSON_MAX = 1000,
    DEFAULT_CHECK_BYTES = 2 * 1024 * 1024,
    WRITING_MAX = 65536,
    ABORT_TRIES = 16, /* parts may be put meanwhile */
    ROWS_BYTES_MAX = 4 * 1024 * 1024
};

#define DEFAULT_BYTES_MAX UINT64_C(536870912)
#define BYTES_MAX_MAX ((uint64_t)REELS_UPLOAD_PART_BYTES * REELS_UPLOAD_PARTS_MAX)
#define DEFAULT_EXPIRES_US INT64_C(86400000000)

static reels_status
read_options(reels_uploads *uploads, const reels_upload_options *options, reels_error *err)
{
    reels_upload_options *full = &uploads->options;
    REELS_TRY(reels__options_read(options, sizeof(*full), full, sizeof(*full), "options", err));
    full->per_person_max = full->per_person_max != 0 ? full->per_person_max : DEFAULT_PER_PERSON;
    full->bytes_max = full->bytes_max != 0 ? full->bytes_max : DEFAULT_BYTES_MAX;
    full->expires_after_us =
        full->expires_after_us != 0 ? full->expires_after_us : DEFAULT_EXPIRES_US;
    full->check_bytes_max =
        full->check_bytes_max != 0 ? full->check_bytes_max : DEFAULT_CHECK_BYTES;
    REELS_REQUIRE(full->per_person_max <= PER_PERSON_MAX, err, "per_person_max is at most 1000");
    REELS_REQUIRE(
        full->bytes_max <= BYTES_MAX_MAX, err, "bytes_max is at most 10000 parts of 8 MiB");
    REELS_REQUIRE(full->expires_after_us > 0, err, "expires_after_us must not be negative");
    REELS_REQUIRE(
        full->check_bytes_max <= REELS_UPLOAD_PART_BYTES, err, "check_bytes_max is at most 8 MiB");
    return REELS_OK;
}

reels_status reels_uploads_new(reels_ctx *ctx,
                               reels_catalog *catalog,
                               reels_blob *blob,
                               reels_id_generator *ids,
                               reels_reel_store *reels,
                               const reels_upload_options *options,
                               reels_uploads **out,
                               reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL && catalog != NULL && blob != NULL && ids != NULL && reels != NULL,
                  err,
                  "ctx, catalog, blob, ids and reels are needed");
    const reels_table *tables[] = {reels__upload_table(), reels__piece_table()};
    REELS_TRY(reels_catalog_declare(catalog, NULL, tables, 2, err));
    reels_uploads *uploads = reels__mem_zalloc(ctx, sizeof(*uploads));
    if (uploads == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for uploads");
    }
    uploads->ctx = ctx;
    uploads->catalog = catalog;
    uploads->blob = blob;
    uploads->ids = ids;
    uploads->reels = reels;
    reels_status status = read_options(uploads, options, err);
    if (status == REELS_OK) {
        status = reels__map_u64_init(&uploads->writing, ctx, WRITING_MAX, err);
    }
    if (status == REELS_OK && pthread_mutex_init(&uploads->lock, NULL) != 0) {
        reels__map_u64_dispose(&uploads->writing);
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "no lock for uploads");
    }
    if (status < 0) {
        reels__mem_free(ctx, uploads);
        return status;
    }
    *out = uploads;
    return REELS_OK;
}

void reels_uploads_free(reels_uploads *uploads)
{
    if (uploads == NULL) {
        return;
    }
    (void)pthread_mutex_destroy(&uploads->lock);
    reels__map_u64_dispose(&uploads->writing);
    reels__mem_free(uploads->ctx, uploads);
}

reels_status reels__upload_enter(reels_uploads *uploads, uint64_t reel_id, reels_error *err)
{
    reels_status status = REELS_OK;
    (void)pthread_mutex_lock(&uploads->lock);
    if (reels__map_u64_get(&uploads->writing, reel_id, NULL)) {
        status = reels__fail(err, REELS_ERR_BUSY, "another request writes this upload: try again");
    } else {
        status = reels__map_u64_put(&uploads->writing, reel_id, 1, err);
    }
    (void)pthread_mutex_unlock(&uploads->lock);
    return status;
}

void reels__upload_leave(reels_uploads *uploads, uint64_t reel_id)
{
    (void)pthread_mutex_lock(&uploads->lock);
    (void)reels__map_u64_remove(&uploads->writing, reel_id, NULL);
    (void)pthread_mutex_unlock(&uploads->lock);
}

static reels_status
check_text(const char *text, size_t bytes_max, const char *name, reels_error *err)
{
    if (text == NULL) {
        return REELS_OK;
    }
    size_t len = strnlen(text, bytes_max + 1);
    if (len > bytes_max) {
        return reels__fail(
            err, REELS_ERR_INVALID_ARG, "%s is longer than %zu bytes", name, bytes_max);
    }
    if (!reels__utf8_valid((const uint8_t *)text, len)) {
        return reels__fail(err, REELS_ERR_INVALID_ARG, "%s is not valid UTF-8", name);
    }
    return REELS_OK;
}

static reels_status check_length(const reels_uploads *uploads, uint64_t length, reels_error *err)
{
    if (length == UINT64_MAX) {
        return REELS_OK;
    }
    REELS_REQUIRE(length > 0, err, "an upload cannot be empty");
    if (length > uploads->options.bytes_max) {
        return reels__fail(err,
                           REELS_ERR_LIMIT,
                           "a file is at most %llu bytes",
                           (unsigned long long)uploads->options.bytes_max);
    }
    return REELS_OK;
}

/* Scans up to limit uploads by an index; gives how many there are and the first one's ID. */
static reels_status scan_uploads(reels_uploads *uploads,
                                 const reels_call *call,
                                 const char *index,
                                 const reels_value *prefix,
                                 uint32_t limit,
                                 size_t *out_count,
                                 uint64_t *out_first_id,
                                 reels_error *err)
{
    reels_scan scan = {.struct_size = sizeof(scan),
                       .table = reels__upload_table(),
                       .index = index,
                       .prefix = prefix,
                       .prefix_count = 2,
                       .limit = limit};
    reels_rows *rows = NULL;
    reels_status status = reels_rows_new(uploads->ctx, ROWS_BYTES_MAX, &rows, err);
    if (status == REELS_OK) {
        status = reels_catalog_scan(uploads->catalog, call, &scan, rows, NULL, err);
    }
    if (status == REELS_OK) {
        *out_count = reels_rows_count(rows);
        if (*out_count > 0) {
            *out_first_id = (uint64_t)reels_rows_get(rows, 0, NULL)[0].integer;
        }
    }
    reels_rows_free(rows);
    return status;
}

static reels_status check_request(reels_uploads *uploads,
                                  const reels_upload_begin_request *request,
                                  reels_upload_begin_request *full,
                                  reels_error *err)
{
    REELS_REQUIRE(request != NULL, err, "request is NULL");
    REELS_TRY(reels__options_read(request, sizeof(*full), full, sizeof(*full), "request", err));
    REELS_REQUIRE(full->person_id > 0 && full->person_id <= INT64_MAX,
                  err,
                  "request->person_id must be a 63-bit ID");
    REELS_REQUIRE(
        full->visibility <= REELS_VISIBILITY_PRIVATE, err, "request->visibility is unknown");
    REELS_TRY(check_text(full->filename, REELS_FILENAME_BYTES_MAX, "filename", err));
    REELS_TRY(check_text(full->caption, REELS_CAPTION_BYTES_MAX, "caption", err));
    return check_length(uploads, full->length, err);
}

REELS__NOINLINE static reels_status add_reel(reels_uploads *uploads,
                                             const reels_call *call,
                                             const reels_upload_begin_request *request,
                                             const struct reels__upload *upload,
                                             reels_error *err)
{
    reels_reel reel = {.struct_size = sizeof(reel),
                       .id = upload->reel_id,
                       .creator_id = upload->person_id,
                       .visibility = request->visibility,
                       .created_unix_us = upload->created_unix_us};
    if (request->filename != NULL) {
        memcpy(reel.filename, request->filename, strlen(request->filename) + 1);
    }
    if (request->caption != NULL) {
        memcpy(reel.caption, request->caption, strlen(request->caption) + 1);
    }
    return reels_reel_add(uploads->reels, call, &reel, err);
}

/* A request with a known token. A crash may have come between the upload's row and its reel's. */
REELS__NOINLINE static reels_status begin_again(reels_uploads *uploads,
                                                const reels_call *call,
                                                const reels_upload_begin_request *request,
                                                uint64_t reel_id,
                                                reels_error *err)
{
    struct reels__upload upload;
    REELS_TRY(reels__upload_read(uploads, call, reel_id, request->person_id, &upload, err));
    if (upload.state != REELS__UPLOAD_OPEN) {
        return REELS_OK;
    }
    reels_status status = add_reel(uploads, call, request, &upload, NULL);
    if (status != REELS_OK && status != REELS_ERR_EXISTS) {
        return reels__fail(err, status, "the reel of an earlier request could not be written");
    }
    return REELS_OK;
}

/* Looks for the upload that an earlier request with this token has begun, and whether there is room
 * for one more. *out_reel_id stays 0 when a new one is to be made. */
static reels_status check_person(reels_uploads *uploads,
                                 const reels_call *call,
                                 const reels_upload_begin_request *request,
                                 uint64_t *out_reel_id,
                                 reels_error *err)
{
    static const uint8_t none[sizeof(request->token)] = {0};
    size_t count = 0;
    reels_value prefix[2] = {reels__value_id(request->person_id),
                             reels__value_bytes(request->token, sizeof(request->token))};
    if (memcmp(request->token, none, sizeof(none)) != 0) {
        REELS_TRY(scan_uploads(uploads, call, "by_token", prefix, 1, &count, out_reel_id, err));
        if (count > 0) {
            return REELS_OK;
        }
    }
    uint64_t first_id = 0;
    uint32_t max = uploads->options.per_person_max;
    prefix[1] = reels__value_int(REELS__UPLOAD_OPEN);
    REELS_TRY(scan_uploads(uploads, call, "by_person", prefix, max, &count, &first_id, err));
    if (count >= max) {
        return reels__fail(err,
                           REELS_ERR_LIMIT,
                           "a person has at most %u unfinished uploads: finish or abort one",
                           max);
    }
    return REELS_OK;
}

reels_status reels_upload_begin(reels_uploads *uploads,
                                const reels_call *call,
                                const reels_upload_begin_request *request,
                                uint64_t *out_reel_id,
                                reels_error *err)
{
    REELS_REQUIRE(
        uploads != NULL && out_reel_id != NULL, err, "uploads and out_reel_id are needed");
    reels_upload_begin_request full;
    REELS_TRY(check_request(uploads, request, &full, err));
    uint64_t reel_id = 0;
    REELS_TRY(check_person(uploads, call, &full, &reel_id, err));
    if (reel_id != 0) {
        REELS_TRY(begin_again(uploads, call, &full, reel_id, err));
        *out_reel_id = reel_id;
        return REELS_OK;
    }
    REELS_TRY(reels_id_next(uploads->ids, call, &reel_id, err));
    struct reels__upload upload = {.reel_id = reel_id,
                                   .person_id = full.person_id,
                                   .length = full.length,
                                   .created_unix_us = reels_ctx_now_unix_us(uploads->ctx),
                                   .expires_unix_us = reels__upload_expires_at(uploads)};
    memcpy(upload.token, full.token, sizeof(upload.token));
    /* The upload's row first: what a crash leaves then expires by itself. */
    REELS_TRY(reels__upload_write(uploads, call, &upload, NULL, 0, err));
    reels_status status = add_reel(uploads, call, &full, &upload, err);
    if (status < 0) {
        (void)reels__upload_erase(uploads, NULL, &upload, NULL);
        return status;
    }
    *out_reel_id = reel_id;
    return REELS_OK;
}

REELS__NOINLINE reels_status reels__upload_is_committed(reels_uploads *uploads,
                                                        const reels_call *call,
                                                        uint64_t reel_id,
                                                        int *out_committed,
                                                        reels_error *err)
{
    reels_reel reel = {.struct_size = sizeof(reel)};
    REELS_TRY(reels_reel_get(uploads->reels, call, &reel_id, 1, &reel, err));
    *out_committed = reel.state != REELS_REEL_INIT;
    return REELS_OK;
}

reels_status reels_upload_get(reels_uploads *uploads,
                              const reels_call *call,
                              uint64_t reel_id,
                              uint64_t person_id,
                              reels_upload_info *out,
                              reels_error *err)
{
    REELS_REQUIRE(uploads != NULL && out != NULL, err, "uploads and out are needed");
    REELS_REQUIRE(person_id != 0, err, "person_id must be an ID");
    struct reels__upload upload;
    struct reels__pieces pieces;
    REELS_TRY(reels__upload_read(uploads, call, reel_id, person_id, &upload, err));
    REELS_TRY(reels__pieces_read(uploads, call, reel_id, &pieces, err));
    int closed = upload.state == REELS__UPLOAD_CLOSED;
    int committed = 0;
    reels_status status =
        closed ? reels__upload_is_committed(uploads, call, reel_id, &committed, err) : REELS_OK;
    if (status < 0) {
        reels__pieces_dispose(uploads, &pieces);
        return status;
    }
    reels_upload_info info = {.struct_size = sizeof(info),
                              .parts_count = (uint32_t)pieces.count,
                              .reel_id = reel_id,
                              .person_id = upload.person_id,
                              .length = upload.length,
                              .offset = closed ? upload.length : pieces.contiguous,
                              .bytes_durable = closed ? upload.length : pieces.bytes,
                              .created_unix_us = upload.created_unix_us,
                              .expires_unix_us = upload.expires_unix_us,
                              .committed = (uint32_t)committed};
    reels__pieces_dispose(uploads, &pieces);
    return reels__result_write(out, sizeof(info), &info, sizeof(info), "out", err);
}

reels_status reels_upload_parts(reels_uploads *uploads,
                                const reels_call *call,
                                uint64_t reel_id,
                                uint64_t person_id,
                                uint64_t *offsets,
                                uint64_t *sizes,
                                size_t capacity,
                                size_t *out_count,
                                reels_error *err)
{
    REELS_REQUIRE(uploads != NULL && out_count != NULL, err, "uploads and out_count are needed");
    REELS_REQUIRE(
        capacity == 0 || (offsets != NULL && sizes != NULL), err, "offsets and sizes are needed");
    REELS_REQUIRE(person_id != 0, err, "person_id must be an ID");
    struct reels__upload upload;
    struct reels__pieces pieces;
    REELS_TRY(reels__upload_read(uploads, call, reel_id, person_id, &upload, err));
    REELS_TRY(reels__pieces_read(uploads, call, reel_id, &pieces, err));
    reels_status status = REELS_OK;
    *out_count = pieces.count;
    if (pieces.count > capacity) {
        status = reels__fail(err, REELS_ERR_BUFFER_TOO_SMALL, "there are %zu parts", pieces.count);
    }
    for (size_t i = 0; status == REELS_OK && i < pieces.count; i++) {
        offsets[i] = pieces.items[i].offset;
        sizes[i] = pieces.items[i].size;
    }
    reels__pieces_dispose(uploads, &pieces);
    return status;
}

reels_status reels_upload_set_length(reels_uploads *uploads,
                                     const reels_call *call,
                                     uint64_t reel_id,
                                     uint64_t person_id,
                                     uint64_t length,
                                     reels_error *err)
{
    REELS_REQUIRE(uploads != NULL, err, "uploads is NULL");
    REELS_REQUIRE(person_id != 0, err, "person_id must be an ID");
    REELS_REQUIRE(length != UINT64_MAX, err, "length must be a number of bytes");
    struct reels__upload upload;
    struct reels__pieces pieces;
    REELS_TRY(check_length(uploads, length, err));
    REELS_TRY(reels__upload_read(uploads, call, reel_id, person_id, &upload, err));
    if (upload.length == length) {
        return REELS_OK;
    }
    if (upload.length != UINT64_MAX) {
        return reels__fail(err, REELS_ERR_CONFLICT, "another length was told already");
    }
    REELS_TRY(reels__pieces_read(uploads, call, reel_id, &pieces, err));
    uint64_t end = pieces.count > 0
                       ? pieces.items[pieces.count - 1].offset + pieces.items[pieces.count - 1].size
                       : 0;
    reels__pieces_dispose(uploads, &pieces);
    if (end > length) {
        return reels__fail(err, REELS_ERR_CONFLICT, "more bytes than that are there already");
    }
    upload.length = length;
    return reels__upload_write(uploads, call, &upload, NULL, 0, err);
}

reels_status reels_upload_abort(reels_uploads *uploads,
                                const reels_call *call,
                                uint64_t reel_id,
                                uint64_t person_id,
                                reels_error *err)
{
    REELS_REQUIRE(uploads != NULL, err, "uploads is NULL");
    REELS_REQUIRE(person_id != 0, err, "person_id must be an ID");
    struct reels__upload upload;
    reels_status status = REELS_ERR_CONFLICT;
    for (int attempt = 0; attempt < ABORT_TRIES && status == REELS_ERR_CONFLICT; attempt++) {
        REELS_TRY(reels__upload_read(uploads, call, reel_id, person_id, &upload, err));
        if (upload.state != REELS__UPLOAD_OPEN) {
            return reels__fail(
                err, REELS_ERR_STATE, "the upload was committed: remove the reel instead");
        }
        status = reels__upload_leave_to_erase(uploads, call, &upload, err);
    }
    if (status == REELS_ERR_CONFLICT) {
        return reels__fail(err, REELS_ERR_BUSY, "the upload is being written: try again");
    }
    REELS_TRY(status);
    return reels__upload_erase(uploads, call, &upload, err);
}
