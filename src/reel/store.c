/* Owns reading and writing of reels through a catalog. A row is written by compare-and-set on its
 * version, in one commit with the event that the step publishes. */
#include <string.h>

#include <reels/id.h>
#include <reels/reel.h>

#include "backend/scan_page.h"
#include "backend/value.h"
#include "base/compiler.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "erase.h"
#include "event/batch.h"
#include "reel_internal.h"

struct reels_reel_store {
    reels_ctx *ctx;
    reels_catalog *catalog;
};

enum {
    READ_MAX = 1000,
    READ_BYTES_MAX = 16 * 1024 * 1024
};

reels_status reels_reel_store_new(reels_ctx *ctx,
                                  reels_catalog *catalog,
                                  reels_reel_store **out,
                                  reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL && catalog != NULL, err, "ctx and catalog are needed");
    const reels_table *table = reels_reel_table();
    REELS_TRY(reels_catalog_declare(catalog, NULL, &table, 1, err));
    reels_reel_store *store = reels__mem_zalloc(ctx, sizeof(*store));
    if (store == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for the reel store");
    }
    store->ctx = ctx;
    store->catalog = catalog;
    *out = store;
    return REELS_OK;
}

void reels_reel_store_free(reels_reel_store *store)
{
    if (store != NULL) {
        reels__mem_free(store->ctx, store);
    }
}

static void reel_from_row(const reels_value *row, uint64_t version, reels_reel *reel)
{
    memset(reel, 0, sizeof(*reel));
    reel->struct_size = sizeof(*reel);
    reel->version = version;
    reel->id = (uint64_t)row[REELS__REEL_ID].integer;
    reel->creator_id = (uint64_t)row[REELS__REEL_CREATOR_ID].integer;
    reel->state = (uint32_t)row[REELS__REEL_STATE].integer;
    reel->generation = (uint32_t)row[REELS__REEL_GENERATION].integer;
    reel->revision = (uint32_t)row[REELS__REEL_REVISION].integer;
    reel->visibility = (uint32_t)row[REELS__REEL_VISIBILITY].integer;
    reel->attempts_count = (uint32_t)row[REELS__REEL_ATTEMPTS_COUNT].integer;
    reel->created_unix_us = row[REELS__REEL_CREATED_AT].integer;
    reel->ready_unix_us = row[REELS__REEL_READY_AT].integer;
    reel->duration_us = row[REELS__REEL_DURATION_US].integer;
    reel->source_bytes = (uint64_t)row[REELS__REEL_SOURCE_BYTES].integer;
    reel->width = (uint32_t)row[REELS__REEL_WIDTH].integer;
    reel->height = (uint32_t)row[REELS__REEL_HEIGHT].integer;
    reel->progress_permille = (uint32_t)row[REELS__REEL_PROGRESS_PERMILLE].integer;
    reels__value_copy_text(&row[REELS__REEL_REASON], reel->reason, sizeof(reel->reason));
    reels__value_copy_text(&row[REELS__REEL_DETAIL], reel->detail, sizeof(reel->detail));
    reels__value_copy_text(&row[REELS__REEL_FILENAME], reel->filename, sizeof(reel->filename));
    reels__value_copy_text(&row[REELS__REEL_CAPTION], reel->caption, sizeof(reel->caption));
}

static void row_from_reel(const reels_reel *reel, reels_value row[REELS__REEL_COLUMNS])
{
    row[REELS__REEL_ID] = reels__value_id(reel->id);
    row[REELS__REEL_CREATOR_ID] = reels__value_id(reel->creator_id);
    row[REELS__REEL_STATE] = reels__value_int(reel->state);
    row[REELS__REEL_GENERATION] = reels__value_int(reel->generation);
    row[REELS__REEL_REVISION] = reels__value_int(reel->revision);
    row[REELS__REEL_VISIBILITY] = reels__value_int(reel->visibility);
    row[REELS__REEL_ATTEMPTS_COUNT] = reels__value_int(reel->attempts_count);
    row[REELS__REEL_CREATED_AT] = reels__value_time(reel->created_unix_us);
    row[REELS__REEL_READY_AT] = reels__value_time(reel->ready_unix_us);
    row[REELS__REEL_DURATION_US] = reels__value_int(reel->duration_us);
    row[REELS__REEL_SOURCE_BYTES] = reels__value_int((int64_t)reel->source_bytes);
    row[REELS__REEL_WIDTH] = reels__value_int(reel->width);
    row[REELS__REEL_HEIGHT] = reels__value_int(reel->height);
    row[REELS__REEL_PROGRESS_PERMILLE] = reels__value_int(reel->progress_permille);
    row[REELS__REEL_REASON] = reels__value_text(reel->reason);
    row[REELS__REEL_DETAIL] = reels__value_text(reel->detail);
    row[REELS__REEL_FILENAME] = reels__value_text(reel->filename);
    row[REELS__REEL_CAPTION] = reels__value_text(reel->caption);
}

/* A text field of a caller: terminated within its array, within its limit, and UTF-8. */
static reels_status
check_text(const char *text, size_t capacity, size_t bytes_max, const char *name, reels_error *err)
{
    const char *end = memchr(text, '\0', capacity);
    if (end == NULL || (size_t)(end - text) > bytes_max) {
        return reels__fail(
            err, REELS_ERR_INVALID_ARG, "%s is longer than %zu bytes", name, bytes_max);
    }
    if (!reels__utf8_valid((const uint8_t *)text, (size_t)(end - text))) {
        return reels__fail(err, REELS_ERR_INVALID_ARG, "%s is not valid UTF-8", name);
    }
    return REELS_OK;
}

static reels_status check_reel(const reels_reel *reel, reels_error *err)
{
    REELS_REQUIRE(reel != NULL, err, "reel is NULL");
    REELS_REQUIRE(
        reel->struct_size == sizeof(*reel), err, "reel->struct_size is not sizeof(reels_reel)");
    REELS_REQUIRE(reel->id > 0 && reel->id <= INT64_MAX, err, "reel->id must be a 63-bit ID");
    REELS_REQUIRE(reel->creator_id > 0 && reel->creator_id <= INT64_MAX,
                  err,
                  "reel->creator_id must be a 63-bit ID");
    REELS_REQUIRE(reel->visibility <= REELS_VISIBILITY_PRIVATE, err, "reel->visibility is unknown");
    REELS_TRY(
        check_text(reel->reason, sizeof(reel->reason), sizeof(reel->reason) - 1, "reason", err));
    REELS_TRY(
        check_text(reel->detail, sizeof(reel->detail), sizeof(reel->detail) - 1, "detail", err));
    REELS_TRY(check_text(
        reel->filename, sizeof(reel->filename), REELS_FILENAME_BYTES_MAX, "filename", err));
    return check_text(
        reel->caption, sizeof(reel->caption), REELS_CAPTION_BYTES_MAX, "caption", err);
}

reels_status reels_reel_get(reels_reel_store *store,
                            const reels_call *call,
                            const uint64_t *ids,
                            size_t ids_count,
                            reels_reel *out,
                            reels_error *err)
{
    REELS_REQUIRE(store != NULL && (ids_count == 0 || (ids != NULL && out != NULL)),
                  err,
                  "store, ids and out are needed");
    REELS_REQUIRE(ids_count <= READ_MAX, err, "ids_count is at most 1000");
    if (ids_count == 0) {
        return REELS_OK;
    }
    REELS_REQUIRE(
        out[0].struct_size == sizeof(*out), err, "out[0].struct_size is not sizeof(reels_reel)");
    reels_rows *rows = NULL;
    reels_value *keys = reels__mem_calloc(store->ctx, ids_count, sizeof(*keys));
    reels_status status = REELS_OK;
    if (keys == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for %zu keys", ids_count);
    }
    for (size_t i = 0; i < ids_count; i++) {
        keys[i] = reels__value_id(ids[i] <= INT64_MAX ? ids[i] : 0);
    }
    status = reels_rows_new(store->ctx, READ_BYTES_MAX, &rows, err);
    if (status == REELS_OK) {
        status =
            reels_catalog_get(store->catalog, call, reels_reel_table(), keys, ids_count, rows, err);
    }
    for (size_t i = 0; status == REELS_OK && i < ids_count; i++) {
        uint64_t version = 0;
        const reels_value *row = reels_rows_get(rows, i, &version);
        if (row != NULL) {
            reel_from_row(row, version, &out[i]);
        } else {
            memset(&out[i], 0, sizeof(out[i]));
            out[i].struct_size = sizeof(out[i]);
            out[i].id = ids[i];
        }
    }
    reels_rows_free(rows);
    reels__mem_free(store->ctx, keys);
    return status;
}

/* Writes one row under a condition, with an event when event_type is not 0. */
static reels_status write_row(reels_reel_store *store,
                              const reels_call *call,
                              const reels_reel *reel,
                              uint32_t condition,
                              uint32_t event_type,
                              uint64_t *out_version,
                              reels_error *err)
{
    reels_value row[REELS__REEL_COLUMNS];
    row_from_reel(reel, row);
    reels_op op = {.table = reels_reel_table(),
                   .values = row,
                   .version = reel->version,
                   .kind = REELS_OP_PUT,
                   .condition = condition};
    reels_commit commit = {
        .struct_size = sizeof(commit), .shard = row[REELS__REEL_ID], .ops = &op, .ops_count = 1};
    struct reels__event_batch events;
    reels_status status = reels__event_batch_init(&events, store->ctx, err);
    if (status == REELS_OK && event_type != 0) {
        reels_event event = {.struct_size = sizeof(event),
                             .type = event_type,
                             .reel_id = reel->id,
                             .creator_id = reel->creator_id,
                             .time_unix_us = reels_ctx_now_unix_us(store->ctx),
                             .duration_us = reel->duration_us,
                             .generation = reel->generation,
                             .revision = reel->revision};
        memcpy(event.reason, reel->reason, sizeof(event.reason));
        status = reels__event_batch_add(&events, &event, err);
        reels__event_batch_attach(&events, &commit);
    }
    reels_commit_result result = {0};
    if (status == REELS_OK) {
        status = reels_catalog_commit(store->catalog, call, &commit, 1, &result, err);
    }
    reels__event_batch_dispose(&events);
    if (status == REELS_OK && result.status != REELS_OK) {
        status =
            reels__fail(err, result.status, "reel was written by somebody else: read it again");
    }
    if (status == REELS_OK) {
        *out_version = result.version;
    }
    return status;
}

reels_status reels_reel_add(reels_reel_store *store,
                            const reels_call *call,
                            const reels_reel *reel,
                            reels_error *err)
{
    REELS_REQUIRE(store != NULL, err, "store is NULL");
    REELS_TRY(check_reel(reel, err));
    reels_reel fresh = *reel;
    fresh.state = REELS_REEL_INIT;
    fresh.version = 0;
    fresh.generation = 0;
    fresh.revision = 0;
    fresh.attempts_count = 0;
    fresh.progress_permille = 0;
    fresh.ready_unix_us = 0;
    if (fresh.created_unix_us == 0) {
        fresh.created_unix_us = reels_ctx_now_unix_us(store->ctx);
    }
    uint64_t version = 0;
    reels_status status = write_row(store, call, &fresh, REELS_IF_ABSENT, 0, &version, err);
    if (status == REELS_ERR_CONFLICT) {
        return reels__fail(err, REELS_ERR_EXISTS, "there is a reel with this ID already");
    }
    return status;
}

reels_status reels_reel_update(reels_reel_store *store,
                               const reels_call *call,
                               reels_reel *reel,
                               reels_error *err)
{
    REELS_REQUIRE(store != NULL, err, "store is NULL");
    REELS_TRY(check_reel(reel, err));
    reels_reel stored = {.struct_size = sizeof(stored)};
    REELS_TRY(reels_reel_get(store, call, &reel->id, 1, &stored, err));
    if (stored.state == REELS_REEL_NONE) {
        return reels__fail(err, REELS_ERR_NOT_FOUND, "there is no such reel");
    }
    if (stored.version != reel->version) {
        return reels__fail(
            err, REELS_ERR_CONFLICT, "reel was written by somebody else: read it again");
    }
    if (!reels_reel_step_allowed(stored.state, reel->state)) {
        return reels__fail(err,
                           REELS_ERR_STATE,
                           "a reel cannot go from %s to %s",
                           reels_reel_state_name(stored.state),
                           reels_reel_state_name(reel->state));
    }
    uint32_t event_type = reels__reel_step_event(&stored, reel);
    return write_row(store, call, reel, REELS_IF_VERSION, event_type, &reel->version, err);
}

/* Deletes a row in one state only. *out_result: OK, or CONFLICT when it is not there in that state.
 */
static reels_status erase_in_state(reels_reel_store *store,
                                   const reels_call *call,
                                   uint64_t reel_id,
                                   uint32_t state,
                                   reels_status *out_result,
                                   reels_error *err)
{
    reels_value key = reels__value_id(reel_id);
    reels_op op = {.table = reels_reel_table(),
                   .values = &key,
                   .condition_value = reels__value_int(state),
                   .condition_column = REELS__REEL_STATE,
                   .kind = REELS_OP_DELETE,
                   .condition = REELS_IF_COLUMN};
    reels_commit commit = {.struct_size = sizeof(commit), .shard = key, .ops = &op, .ops_count = 1};
    reels_commit_result result = {0};
    REELS_TRY(reels_catalog_commit(store->catalog, call, &commit, 1, &result, err));
    *out_result = result.status;
    return REELS_OK;
}

reels_status reels__reel_erase_deleted(reels_reel_store *store,
                                       const reels_call *call,
                                       uint64_t reel_id,
                                       reels_error *err)
{
    reels_status result = REELS_OK;
    return erase_in_state(store, call, reel_id, REELS_REEL_DELETED, &result, err);
}

reels_status reels__reel_erase_unfinished(reels_reel_store *store,
                                          const reels_call *call,
                                          uint64_t reel_id,
                                          int *out_is_committed,
                                          reels_error *err)
{
    reels_status result = REELS_OK;
    REELS_TRY(erase_in_state(store, call, reel_id, REELS_REEL_INIT, &result, err));
    *out_is_committed = 0;
    if (result == REELS_OK) {
        return REELS_OK;
    }
    reels_reel reel = {.struct_size = sizeof(reel)};
    REELS_TRY(reels_reel_get(store, call, &reel_id, 1, &reel, err));
    *out_is_committed = reel.state != REELS_REEL_NONE;
    return REELS_OK;
}

reels_status reels_reel_list(reels_reel_store *store,
                             const reels_call *call,
                             uint32_t order,
                             uint64_t key,
                             reels_buf *cursor,
                             reels_reel *out,
                             size_t capacity,
                             size_t *out_count,
                             reels_error *err)
{
    REELS_REQUIRE(store != NULL && cursor != NULL && out != NULL && out_count != NULL,
                  err,
                  "store, cursor, out and out_count are needed");
    REELS_REQUIRE(capacity >= 1 && capacity <= READ_MAX, err, "capacity is 1..1000");
    REELS_REQUIRE(
        out[0].struct_size == sizeof(*out), err, "out[0].struct_size is not sizeof(reels_reel)");
    REELS_REQUIRE(order == REELS_REEL_ORDER_CREATOR || order == REELS_REEL_ORDER_STATE,
                  err,
                  "order is unknown");
    int by_creator = order == REELS_REEL_ORDER_CREATOR;
    reels_value prefix = by_creator ? reels__value_id(key) : reels__value_int((int64_t)key);
    reels_scan scan = {.struct_size = sizeof(scan),
                       .descending = by_creator ? 1 : 0,
                       .table = reels_reel_table(),
                       .index = by_creator ? "by_creator" : "by_state",
                       .prefix = &prefix,
                       .prefix_count = 1,
                       .limit = (uint32_t)capacity};
    reels_rows *rows = NULL;
    reels_status status = reels_rows_new(store->ctx, READ_BYTES_MAX, &rows, err);
    if (status == REELS_OK) {
        status = reels__scan_page(store->ctx, store->catalog, call, &scan, cursor, rows, err);
    }
    if (status == REELS_OK) {
        *out_count = reels_rows_count(rows);
        for (size_t i = 0; i < *out_count; i++) {
            uint64_t version = 0;
            const reels_value *row = reels_rows_get(rows, i, &version);
            reel_from_row(row, version, &out[i]);
        }
    }
    reels_rows_free(rows);
    return status;
}

reels_status
reels_reel_media_prefix(uint64_t reel_id, uint32_t generation, char *out, size_t capacity)
{
    char id[REELS_ID_TEXT_LEN + 1];
    REELS_REQUIRE(out != NULL, NULL, "out is NULL");
    REELS_TRY(reels_id_text_write(reel_id, id, sizeof(id), NULL));
    char digits[11];
    size_t digits_len = 0;
    do {
        digits[digits_len++] = (char)('0' + generation % 10);
        generation /= 10;
    } while (generation > 0);
    size_t needed = 2 + REELS_ID_TEXT_LEN + 1 + digits_len + 2;
    if (capacity < needed) {
        return REELS_ERR_BUFFER_TOO_SMALL;
    }
    size_t at = 0;
    memcpy(out + at, "m/", 2);
    at += 2;
    memcpy(out + at, id, REELS_ID_TEXT_LEN);
    at += REELS_ID_TEXT_LEN;
    out[at++] = '/';
    while (digits_len > 0) {
        out[at++] = digits[--digits_len];
    }
    out[at++] = '/';
    out[at] = '\0';
    return REELS_OK;
}
