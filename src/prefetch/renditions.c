/* Owns the table of renditions: what a generation's files are, as the worker packaged them. Rows of
 * an old generation go with its files. */
#include "renditions.h"

#include <string.h>

#include "backend/value.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    REEL_ID,
    GENERATION,
    NUMBER,
    KIND,
    WIDTH,
    HEIGHT,
    BANDWIDTH_BPS,
    START_BYTES,
    BYTES,
    PLAYLIST,
    FILE_NAME,
    COLUMNS
};

enum {
    ROWS_BYTES_MAX = 65536,
    REMOVE_BATCH = 40 /* more than one generation has: each batch but the last removes some */
};

static const reels_column columns[COLUMNS] = {
    [REEL_ID] = {"reel_id", REELS_TYPE_ID, 0},
    [GENERATION] = {"generation", REELS_TYPE_INT64, 0},
    [NUMBER] = {"number", REELS_TYPE_INT64, 0},
    [KIND] = {"kind", REELS_TYPE_INT64, 0},
    [WIDTH] = {"width", REELS_TYPE_INT64, 0},
    [HEIGHT] = {"height", REELS_TYPE_INT64, 0},
    [BANDWIDTH_BPS] = {"bandwidth_bps", REELS_TYPE_INT64, 0},
    [START_BYTES] = {"start_bytes", REELS_TYPE_INT64, 0},
    [BYTES] = {"bytes", REELS_TYPE_INT64, 0},
    [PLAYLIST] = {"playlist", REELS_TYPE_UTF8, 0},
    [FILE_NAME] = {"file", REELS_TYPE_UTF8, 0},
};

static const uint32_t key_columns[] = {REEL_ID, GENERATION, NUMBER};

static const reels_table descriptor = {
    .struct_size = sizeof(reels_table),
    .version = 1,
    .name = "renditions",
    .columns = columns,
    .key_columns = key_columns,
    .columns_count = COLUMNS,
    .key_columns_count = 3,
    .shard_column = REEL_ID,
    .ttl_column = UINT32_MAX,
};

const reels_table *reels_rendition_table(void)
{
    return &descriptor;
}

static void rendition_from_row(const reels_value *row, reels_rendition *out)
{
    memset(out, 0, sizeof(*out));
    out->struct_size = sizeof(*out);
    out->kind = (uint32_t)row[KIND].integer;
    out->width = (uint32_t)row[WIDTH].integer;
    out->height = (uint32_t)row[HEIGHT].integer;
    out->bandwidth_bps = (uint64_t)row[BANDWIDTH_BPS].integer;
    out->start_bytes = (uint64_t)row[START_BYTES].integer;
    out->bytes = (uint64_t)row[BYTES].integer;
    reels__value_copy_text(&row[PLAYLIST], out->playlist, sizeof(out->playlist));
    reels__value_copy_text(&row[FILE_NAME], out->file, sizeof(out->file));
}

static void row_from_rendition(const reels_rendition *rendition,
                               uint64_t reel_id,
                               uint32_t generation,
                               size_t number,
                               reels_value row[COLUMNS])
{
    row[REEL_ID] = reels__value_id(reel_id);
    row[GENERATION] = reels__value_int(generation);
    row[NUMBER] = reels__value_int((int64_t)number);
    row[KIND] = reels__value_int(rendition->kind);
    row[WIDTH] = reels__value_int(rendition->width);
    row[HEIGHT] = reels__value_int(rendition->height);
    row[BANDWIDTH_BPS] = reels__value_int((int64_t)rendition->bandwidth_bps);
    row[START_BYTES] = reels__value_int((int64_t)rendition->start_bytes);
    row[BYTES] = reels__value_int((int64_t)rendition->bytes);
    row[PLAYLIST] = reels__value_text(rendition->playlist);
    row[FILE_NAME] = reels__value_text(rendition->file);
}

static reels_status
check(const reels_rendition *renditions, size_t renditions_count, reels_error *err)
{
    REELS_REQUIRE(renditions_count >= 1 && renditions_count <= REELS__RENDITIONS_MAX,
                  err,
                  "renditions_count is 1..16");
    for (size_t i = 0; i < renditions_count; i++) {
        const reels_rendition *rendition = &renditions[i];
        REELS_REQUIRE(rendition->struct_size == sizeof(*rendition),
                      err,
                      "renditions[i].struct_size is not sizeof(reels_rendition)");
        REELS_REQUIRE(memchr(rendition->file, '\0', sizeof(rendition->file)) != NULL &&
                          memchr(rendition->playlist, '\0', sizeof(rendition->playlist)) != NULL,
                      err,
                      "a rendition's names are not terminated");
    }
    return REELS_OK;
}

static reels_status commit_ops(reels_catalog *catalog,
                               const reels_call *call,
                               uint64_t reel_id,
                               const reels_op *ops,
                               size_t ops_count,
                               reels_error *err)
{
    reels_commit_result result = {0};
    reels_commit commit = {.struct_size = sizeof(commit),
                           .shard = reels__value_id(reel_id),
                           .ops = ops,
                           .ops_count = ops_count};
    REELS_TRY(reels_catalog_commit(catalog, call, &commit, 1, &result, err));
    return result.status == REELS_OK
               ? REELS_OK
               : reels__fail(err, result.status, "renditions could not be written");
}

reels_status reels_renditions_put(reels_ctx *ctx,
                                  reels_catalog *catalog,
                                  const reels_call *call,
                                  uint64_t reel_id,
                                  uint32_t generation,
                                  const reels_rendition *renditions,
                                  size_t renditions_count,
                                  reels_error *err)
{
    REELS_REQUIRE(ctx != NULL && catalog != NULL && renditions != NULL,
                  err,
                  "ctx, catalog and renditions are needed");
    REELS_REQUIRE(reel_id > 0 && reel_id <= INT64_MAX, err, "reel_id must be a 63-bit ID");
    REELS_TRY(check(renditions, renditions_count, err));
    reels_value(*rows)[COLUMNS] = reels__mem_calloc(ctx, renditions_count, sizeof(*rows));
    reels_op *ops = reels__mem_calloc(ctx, renditions_count, sizeof(*ops));
    reels_status status = REELS_OK;
    if (rows == NULL || ops == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for renditions");
        goto out;
    }
    for (size_t i = 0; i < renditions_count; i++) {
        row_from_rendition(&renditions[i], reel_id, generation, i, rows[i]);
        ops[i] = (reels_op){.table = &descriptor, .values = rows[i], .kind = REELS_OP_PUT};
    }
    status = commit_ops(catalog, call, reel_id, ops, renditions_count, err);
out:
    reels__mem_free(ctx, ops);
    reels__mem_free(ctx, rows);
    return status;
}

/* Removes those of up to REMOVE_BATCH rows that are not of the kept generation. */
static reels_status remove_batch(reels_catalog *catalog,
                                 const reels_call *call,
                                 uint64_t reel_id,
                                 uint32_t kept_generation,
                                 reels_rows *rows,
                                 reels_error *err)
{
    reels_value prefix = reels__value_id(reel_id);
    reels_scan scan = {.struct_size = sizeof(scan),
                       .table = &descriptor,
                       .prefix = &prefix,
                       .prefix_count = 1,
                       .limit = REMOVE_BATCH};
    reels_op ops[REMOVE_BATCH];
    size_t ops_count = 0;
    reels_rows_clear(rows);
    REELS_TRY(reels_catalog_scan(catalog, call, &scan, rows, NULL, err));
    for (size_t i = 0; i < reels_rows_count(rows); i++) {
        const reels_value *row = reels_rows_get(rows, i, NULL);
        if (row[GENERATION].integer != kept_generation) {
            ops[ops_count++] =
                (reels_op){.table = &descriptor, .values = row, .kind = REELS_OP_DELETE};
        }
    }
    return ops_count > 0 ? commit_ops(catalog, call, reel_id, ops, ops_count, err) : REELS_OK;
}

reels_status reels_renditions_remove(reels_ctx *ctx,
                                     reels_catalog *catalog,
                                     const reels_call *call,
                                     uint64_t reel_id,
                                     uint32_t kept_generation,
                                     reels_error *err)
{
    REELS_REQUIRE(ctx != NULL && catalog != NULL, err, "ctx and catalog are needed");
    REELS_REQUIRE(reel_id > 0 && reel_id <= INT64_MAX, err, "reel_id must be a 63-bit ID");
    reels_rows *rows = NULL;
    reels_status status = reels_rows_new(ctx, ROWS_BYTES_MAX, &rows, err);
    do {
        status =
            status < 0 ? status : remove_batch(catalog, call, reel_id, kept_generation, rows, err);
    } while (status == REELS_OK && reels_rows_count(rows) == REMOVE_BATCH);
    reels_rows_free(rows);
    return status;
}

reels_status reels__renditions_read(reels_ctx *ctx,
                                    reels_catalog *catalog,
                                    const reels_call *call,
                                    uint64_t reel_id,
                                    uint32_t generation,
                                    reels_rendition *out,
                                    size_t *out_count,
                                    reels_error *err)
{
    reels_value prefix[2] = {reels__value_id(reel_id), reels__value_int(generation)};
    reels_scan scan = {.struct_size = sizeof(scan),
                       .table = &descriptor,
                       .prefix = prefix,
                       .prefix_count = 2,
                       .limit = REELS__RENDITIONS_MAX};
    reels_rows *rows = NULL;
    reels_status status = reels_rows_new(ctx, ROWS_BYTES_MAX, &rows, err);
    if (status == REELS_OK) {
        status = reels_catalog_scan(catalog, call, &scan, rows, NULL, err);
    }
    if (status == REELS_OK) {
        *out_count = reels_rows_count(rows);
        for (size_t i = 0; i < *out_count; i++) {
            rendition_from_row(reels_rows_get(rows, i, NULL), &out[i]);
        }
    }
    reels_rows_free(rows);
    return status;
}
