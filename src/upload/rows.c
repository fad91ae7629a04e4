/* Owns the rows of uploads and pieces. Columns are only ever appended. */
#include <string.h>

#include "backend/value.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/mem.h"
#include "upload_internal.h"

enum {
    UPLOAD_REEL_ID,
    UPLOAD_PERSON_ID,
    UPLOAD_LENGTH, /* -1 = not told yet */
    UPLOAD_STATE,
    UPLOAD_CHECKED,
    UPLOAD_CREATED_AT,
    UPLOAD_EXPIRES_AT,
    UPLOAD_MULTIPART,
    UPLOAD_TOKEN,
    UPLOAD_DIGEST, /* kind and bytes; NULL = none was given */
    UPLOAD_COLUMNS
};

enum {
    PIECE_REEL_ID,
    PIECE_OFFSET,
    PIECE_SIZE,
    PIECE_KIND,
    PIECE_CHECKSUM,
    PIECE_COLUMNS
};

enum {
    ROWS_BYTES_MAX = 8 * 1024 * 1024,
    PIECES_PER_COMMIT = 64,
    DELETES_PER_COMMIT = 1000
};

static const reels_column upload_columns[UPLOAD_COLUMNS] = {
    [UPLOAD_REEL_ID] = {"reel_id", REELS_TYPE_ID, 0},
    [UPLOAD_PERSON_ID] = {"person_id", REELS_TYPE_ID, 0},
    [UPLOAD_LENGTH] = {"length", REELS_TYPE_INT64, 0},
    [UPLOAD_STATE] = {"state", REELS_TYPE_INT64, 0},
    [UPLOAD_CHECKED] = {"checked", REELS_TYPE_INT64, 0},
    [UPLOAD_CREATED_AT] = {"created_at", REELS_TYPE_TIME, 0},
    [UPLOAD_EXPIRES_AT] = {"expires_at", REELS_TYPE_TIME, 0},
    [UPLOAD_MULTIPART] = {"multipart", REELS_TYPE_UTF8, 0},
    [UPLOAD_TOKEN] = {"token", REELS_TYPE_BYTES, REELS_COLUMN_NULLABLE},
    [UPLOAD_DIGEST] = {"digest", REELS_TYPE_BYTES, REELS_COLUMN_NULLABLE},
};

static const uint32_t upload_key[] = {UPLOAD_REEL_ID};
static const uint32_t upload_by_person[] = {UPLOAD_PERSON_ID, UPLOAD_STATE, UPLOAD_REEL_ID};
static const uint32_t upload_by_expiry[] = {UPLOAD_EXPIRES_AT, UPLOAD_REEL_ID};
static const uint32_t upload_by_token[] = {UPLOAD_PERSON_ID, UPLOAD_TOKEN};
static const reels_index_def upload_indexes[] = {
    {"by_person", upload_by_person, 3, 0},
    {"by_expiry", upload_by_expiry, 2, 0},
    {"by_token", upload_by_token, 2, 0},
};

static const reels_table upload_descriptor = {
    .struct_size = sizeof(reels_table),
    .version = 2,
    .name = "uploads",
    .columns = upload_columns,
    .key_columns = upload_key,
    .indexes = upload_indexes,
    .columns_count = UPLOAD_COLUMNS,
    .key_columns_count = 1,
    .indexes_count = 3,
    .shard_column = UPLOAD_REEL_ID,
    .ttl_column = UINT32_MAX,
};

static const reels_column piece_columns[PIECE_COLUMNS] = {
    [PIECE_REEL_ID] = {"reel_id", REELS_TYPE_ID, 0},
    [PIECE_OFFSET] = {"byte_offset", REELS_TYPE_INT64, 0},
    [PIECE_SIZE] = {"size_bytes", REELS_TYPE_INT64, 0},
    [PIECE_KIND] = {"kind", REELS_TYPE_INT64, 0},
    [PIECE_CHECKSUM] = {"checksum", REELS_TYPE_INT64, 0},
};

static const uint32_t piece_key[] = {PIECE_REEL_ID, PIECE_OFFSET};

static const reels_table piece_descriptor = {
    .struct_size = sizeof(reels_table),
    .version = 1,
    .name = "upload_pieces",
    .columns = piece_columns,
    .key_columns = piece_key,
    .columns_count = PIECE_COLUMNS,
    .key_columns_count = 2,
    .shard_column = PIECE_REEL_ID,
    .ttl_column = UINT32_MAX,
};

const reels_table *reels__upload_table(void)
{
    return &upload_descriptor;
}

const reels_table *reels__piece_table(void)
{
    return &piece_descriptor;
}

void reels__upload_from_row(const reels_value *row, uint64_t version, struct reels__upload *out)
{
    memset(out, 0, sizeof(*out));
    out->reel_id = (uint64_t)row[UPLOAD_REEL_ID].integer;
    out->person_id = (uint64_t)row[UPLOAD_PERSON_ID].integer;
    out->length =
        row[UPLOAD_LENGTH].integer < 0 ? UINT64_MAX : (uint64_t)row[UPLOAD_LENGTH].integer;
    out->state = (uint32_t)row[UPLOAD_STATE].integer;
    out->checked = (uint32_t)row[UPLOAD_CHECKED].integer;
    out->created_unix_us = row[UPLOAD_CREATED_AT].integer;
    out->expires_unix_us = row[UPLOAD_EXPIRES_AT].integer;
    out->version = version;
    reels__value_copy_text(&row[UPLOAD_MULTIPART], out->multipart, sizeof(out->multipart));
    if (row[UPLOAD_TOKEN].type == REELS_TYPE_BYTES && row[UPLOAD_TOKEN].len == sizeof(out->token)) {
        memcpy(out->token, row[UPLOAD_TOKEN].data, sizeof(out->token));
    }
    if (row[UPLOAD_DIGEST].type == REELS_TYPE_BYTES &&
        row[UPLOAD_DIGEST].len == sizeof(out->digest)) {
        memcpy(out->digest, row[UPLOAD_DIGEST].data, sizeof(out->digest));
    }
}

reels_status reels__upload_read(reels_uploads *uploads,
                                const reels_call *call,
                                uint64_t reel_id,
                                uint64_t person_id,
                                struct reels__upload *out,
                                reels_error *err)
{
    REELS_REQUIRE(reel_id <= INT64_MAX, err, "reel_id must be a 63-bit ID");
    reels_value key = reels__value_id(reel_id);
    reels_rows *rows = NULL;
    uint64_t version = 0;
    reels_status status = reels_rows_new(uploads->ctx, ROWS_BYTES_MAX, &rows, err);
    if (status == REELS_OK) {
        status = reels_catalog_get(uploads->catalog, call, &upload_descriptor, &key, 1, rows, err);
    }
    if (status == REELS_OK) {
        const reels_value *row = reels_rows_get(rows, 0, &version);
        if (row == NULL ||
            (person_id != 0 && ((uint64_t)row[UPLOAD_PERSON_ID].integer != person_id ||
                                row[UPLOAD_STATE].integer == REELS__UPLOAD_GONE))) {
            status = reels__fail(
                err, REELS_ERR_NOT_FOUND, "there is no such upload: it was aborted or has expired");
        } else {
            reels__upload_from_row(row, version, out);
        }
    }
    reels_rows_free(rows);
    return status;
}

static int is_zero(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] != 0) {
            return 0;
        }
    }
    return 1;
}

static void row_from_upload(const struct reels__upload *upload, reels_value row[UPLOAD_COLUMNS])
{
    row[UPLOAD_REEL_ID] = reels__value_id(upload->reel_id);
    row[UPLOAD_PERSON_ID] = reels__value_id(upload->person_id);
    row[UPLOAD_LENGTH] =
        reels__value_int(upload->length == UINT64_MAX ? -1 : (int64_t)upload->length);
    row[UPLOAD_STATE] = reels__value_int(upload->state);
    row[UPLOAD_CHECKED] = reels__value_int(upload->checked);
    row[UPLOAD_CREATED_AT] = reels__value_time(upload->created_unix_us);
    row[UPLOAD_EXPIRES_AT] = reels__value_time(upload->expires_unix_us);
    row[UPLOAD_MULTIPART] = reels__value_text(upload->multipart);
    row[UPLOAD_TOKEN] = is_zero(upload->token, sizeof(upload->token))
                            ? reels__value_null()
                            : reels__value_bytes(upload->token, sizeof(upload->token));
    row[UPLOAD_DIGEST] = upload->digest[0] == REELS_DIGEST_NONE
                             ? reels__value_null()
                             : reels__value_bytes(upload->digest, sizeof(upload->digest));
}

reels_status reels__upload_write(reels_uploads *uploads,
                                 const reels_call *call,
                                 struct reels__upload *upload,
                                 const struct reels__piece *pieces,
                                 size_t pieces_count,
                                 reels_error *err)
{
    REELS_INVARIANT(pieces_count <= PIECES_PER_COMMIT, err);
    reels_value row[UPLOAD_COLUMNS];
    row_from_upload(upload, row);
    reels_op *ops = reels__mem_calloc(uploads->ctx, 1 + pieces_count, sizeof(*ops));
    reels_value *piece_rows =
        reels__mem_calloc(uploads->ctx, 1 + pieces_count * PIECE_COLUMNS, sizeof(*piece_rows));
    reels_status status = REELS_OK;
    reels_commit_result result = {0};
    if (ops == NULL || piece_rows == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for %zu pieces", pieces_count);
        goto out;
    }
    ops[0] = (reels_op){.table = &upload_descriptor,
                        .values = row,
                        .version = upload->version,
                        .kind = REELS_OP_PUT,
                        .condition = upload->version == 0 ? REELS_IF_ABSENT : REELS_IF_VERSION};
    for (size_t i = 0; i < pieces_count; i++) {
        reels_value *values = piece_rows + i * PIECE_COLUMNS;
        values[PIECE_REEL_ID] = row[UPLOAD_REEL_ID];
        values[PIECE_OFFSET] = reels__value_int((int64_t)pieces[i].offset);
        values[PIECE_SIZE] = reels__value_int((int64_t)pieces[i].size);
        values[PIECE_KIND] = reels__value_int(pieces[i].kind);
        values[PIECE_CHECKSUM] = reels__value_int((int64_t)pieces[i].checksum);
        ops[1 + i] = (reels_op){.table = &piece_descriptor,
                                .values = values,
                                .kind = REELS_OP_PUT,
                                .condition = REELS_IF_ABSENT};
    }
    reels_commit commit = {.struct_size = sizeof(commit),
                           .shard = row[UPLOAD_REEL_ID],
                           .ops = ops,
                           .ops_count = 1 + pieces_count};
    status = reels_catalog_commit(uploads->catalog, call, &commit, 1, &result, err);
    if (status == REELS_OK && result.status != REELS_OK) {
        status =
            reels__fail(err, result.status, "the upload was written by another request meanwhile");
    }
    if (status == REELS_OK) {
        upload->version = result.version;
    }
out:
    reels__mem_free(uploads->ctx, piece_rows);
    reels__mem_free(uploads->ctx, ops);
    return status;
}

reels_status reels__upload_leave_to_erase(reels_uploads *uploads,
                                          const reels_call *call,
                                          struct reels__upload *upload,
                                          reels_error *err)
{
    if (upload->state != REELS__UPLOAD_OPEN) {
        return REELS_OK;
    }
    int64_t now = reels_ctx_now_unix_us(uploads->ctx);
    upload->state = REELS__UPLOAD_GONE;
    /* What cannot be erased now is found by the next sweep. */
    upload->expires_unix_us = upload->expires_unix_us < now ? upload->expires_unix_us : now;
    return reels__upload_write(uploads, call, upload, NULL, 0, err);
}

int64_t reels__upload_expires_at(const reels_uploads *uploads)
{
    return reels__i64_add_saturated(reels_ctx_now_unix_us(uploads->ctx),
                                    uploads->options.expires_after_us);
}

static reels_status pieces_from_rows(reels_uploads *uploads,
                                     const reels_rows *rows,
                                     struct reels__pieces *out,
                                     reels_error *err)
{
    size_t count = reels_rows_count(rows);
    out->items = reels__mem_calloc(uploads->ctx, count + 1, sizeof(*out->items));
    if (out->items == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for %zu pieces", count);
    }
    for (size_t i = 0; i < count; i++) {
        const reels_value *row = reels_rows_get(rows, i, NULL);
        struct reels__piece *piece = &out->items[i];
        piece->offset = (uint64_t)row[PIECE_OFFSET].integer;
        piece->size = (uint64_t)row[PIECE_SIZE].integer;
        piece->kind = (uint32_t)row[PIECE_KIND].integer;
        piece->checksum = (uint64_t)row[PIECE_CHECKSUM].integer;
        out->bytes += piece->size;
        if (piece->offset == out->contiguous) {
            out->contiguous += piece->size;
        }
    }
    out->count = count;
    return REELS_OK;
}

reels_status reels__pieces_read(reels_uploads *uploads,
                                const reels_call *call,
                                uint64_t reel_id,
                                struct reels__pieces *out,
                                reels_error *err)
{
    memset(out, 0, sizeof(*out));
    reels_value prefix = reels__value_id(reel_id);
    reels_scan scan = {.struct_size = sizeof(scan),
                       .table = &piece_descriptor,
                       .prefix = &prefix,
                       .prefix_count = 1,
                       .limit = REELS_UPLOAD_PARTS_MAX};
    reels_rows *rows = NULL;
    reels_status status = reels_rows_new(uploads->ctx, ROWS_BYTES_MAX, &rows, err);
    if (status == REELS_OK) {
        status = reels_catalog_scan(uploads->catalog, call, &scan, rows, NULL, err);
    }
    if (status == REELS_OK) {
        status = pieces_from_rows(uploads, rows, out, err);
    }
    reels_rows_free(rows);
    return status;
}

void reels__pieces_dispose(reels_uploads *uploads, struct reels__pieces *pieces)
{
    reels__mem_free(uploads->ctx, pieces->items);
    memset(pieces, 0, sizeof(*pieces));
}

/* One commit of deletes: pieces [begin, end) and, when upload is set, the upload's row. */
static reels_status delete_some(reels_uploads *uploads,
                                const reels_call *call,
                                uint64_t reel_id,
                                const struct reels__piece *pieces,
                                size_t count,
                                int with_upload,
                                reels_error *err)
{
    reels_op *ops = reels__mem_calloc(uploads->ctx, count + 1, sizeof(*ops));
    reels_value *keys = reels__mem_calloc(uploads->ctx, 2 * count + 1, sizeof(*keys));
    reels_value shard = reels__value_id(reel_id);
    reels_status status = REELS_OK;
    reels_commit_result result = {0};
    if (ops == NULL || keys == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for %zu pieces", count);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        keys[2 * i] = shard;
        keys[2 * i + 1] = reels__value_int((int64_t)pieces[i].offset);
        ops[i] =
            (reels_op){.table = &piece_descriptor, .values = keys + 2 * i, .kind = REELS_OP_DELETE};
    }
    if (with_upload) {
        ops[count] =
            (reels_op){.table = &upload_descriptor, .values = &shard, .kind = REELS_OP_DELETE};
    }
    reels_commit commit = {.struct_size = sizeof(commit),
                           .shard = shard,
                           .ops = ops,
                           .ops_count = count + (with_upload ? 1 : 0)};
    status = reels_catalog_commit(uploads->catalog, call, &commit, 1, &result, err);
    if (status == REELS_OK && result.status != REELS_OK) {
        status = reels__fail(err, result.status, "rows of an upload could not be deleted");
    }
out:
    reels__mem_free(uploads->ctx, keys);
    reels__mem_free(uploads->ctx, ops);
    return status;
}

reels_status reels__upload_rows_delete(reels_uploads *uploads,
                                       const reels_call *call,
                                       uint64_t reel_id,
                                       const struct reels__pieces *pieces,
                                       int with_upload,
                                       reels_error *err)
{
    size_t at = 0;
    while (pieces->count - at > DELETES_PER_COMMIT) {
        REELS_TRY(
            delete_some(uploads, call, reel_id, pieces->items + at, DELETES_PER_COMMIT, 0, err));
        at += DELETES_PER_COMMIT;
    }
    if (pieces->count == at && !with_upload) {
        return REELS_OK;
    }
    return delete_some(
        uploads, call, reel_id, pieces->items + at, pieces->count - at, with_upload, err);
}
