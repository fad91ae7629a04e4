/* Owns comments. A comment's row is in its reel's shard; its ID sorts by time, so that the primary
 * key is the order in which comments are listed. */
#include <string.h>

#include "backend/scan_page.h"
#include "backend/value.h"
#include "base/bytes.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "erase.h"
#include "event/batch.h"
#include "relation.h"
#include "tables.h"

enum {
    LIST_MAX = 1000,
    ROWS_BYTES_MAX = 16 * 1024 * 1024,
    TOKEN_BYTES = 16,
    PAGES_MAX =
        8 /* pages read for one list, when many of their authors are hidden from the viewer */
};

static reels_status check_text(const char *text, reels_error *err)
{
    REELS_REQUIRE(text != NULL, err, "text is NULL");
    size_t len = strnlen(text, REELS_COMMENT_BYTES_MAX + 1);
    if (len > REELS_COMMENT_BYTES_MAX) {
        return reels__fail(
            err, REELS_ERR_LIMIT, "a comment is at most %d bytes", REELS_COMMENT_BYTES_MAX);
    }
    REELS_REQUIRE(reels__utf8_valid((const uint8_t *)text, len), err, "text is not valid UTF-8");
    REELS_REQUIRE(text[strspn(text, " \t\r\n")] != '\0', err, "text is empty");
    return REELS_OK;
}

static void comment_from_row(const reels_value *row, reels_comment *comment)
{
    memset(comment, 0, sizeof(*comment));
    comment->struct_size = sizeof(*comment);
    comment->id = (uint64_t)row[REELS__COMMENT_ID].integer;
    comment->reel_id = (uint64_t)row[REELS__COMMENT_REEL_ID].integer;
    comment->person_id = (uint64_t)row[REELS__COMMENT_PERSON_ID].integer;
    comment->created_unix_us = row[REELS__COMMENT_CREATED_AT].integer;
    reels__value_copy_text(&row[REELS__COMMENT_TEXT], comment->text, sizeof(comment->text));
}

/* Reads one comment; NOT_FOUND when it is not there. */
static reels_status read_comment(reels_social *social,
                                 const reels_call *call,
                                 uint64_t reel_id,
                                 uint64_t comment_id,
                                 reels_comment *out,
                                 reels_error *err)
{
    reels_value key[2] = {reels__value_id(reel_id), reels__value_id(comment_id)};
    reels_rows *rows = NULL;
    reels_status status = reels_rows_new(social->ctx, ROWS_BYTES_MAX, &rows, err);
    if (status == REELS_OK) {
        status =
            reels_catalog_get(social->catalog, call, reels__comment_table(), key, 1, rows, err);
    }
    if (status == REELS_OK) {
        const reels_value *row = reels_rows_get(rows, 0, NULL);
        if (row == NULL) {
            status = reels__fail(err, REELS_ERR_NOT_FOUND, "there is no such comment");
        } else {
            comment_from_row(row, out);
        }
    }
    reels_rows_free(rows);
    return status;
}

/* The catalog's token is one for all callers: the person's own is mixed with who it is for what. */
static void commit_token(const reels_comment *comment, const uint8_t *token, reels_commit *commit)
{
    uint8_t mixed[16 + TOKEN_BYTES];
    uint8_t digest[REELS__SHA256_BYTES];
    reels__le64_put(mixed, comment->reel_id);
    reels__le64_put(mixed + 8, comment->person_id);
    memcpy(mixed + 16, token, TOKEN_BYTES);
    reels__sha256(mixed, sizeof(mixed), digest);
    commit->has_token = 1;
    memcpy(commit->token, digest, sizeof(commit->token));
}

/* Puts or deletes a comment together with its event. */
static reels_status commit_comment(reels_social *social,
                                   const reels_call *call,
                                   const reels_comment *comment,
                                   uint64_t creator_id,
                                   uint32_t event_type,
                                   const uint8_t *token,
                                   reels_commit_result *result,
                                   reels_error *err)
{
    int adds = event_type == REELS_EVENT_COMMENT;
    reels_value row[REELS__COMMENT_COLUMNS] = {
        reels__value_id(comment->reel_id),
        reels__value_id(comment->id),
        reels__value_id(comment->person_id),
        reels__value_time(comment->created_unix_us),
        reels__value_text(comment->text),
        token != NULL ? reels__value_bytes(token, TOKEN_BYTES) : reels__value_null()};
    reels_op op = {.table = reels__comment_table(),
                   .values = row,
                   .kind = adds ? REELS_OP_PUT : REELS_OP_DELETE,
                   .condition = adds ? REELS_IF_ABSENT : REELS_IF_PRESENT};
    reels_commit commit = {
        .struct_size = sizeof(commit), .shard = row[0], .ops = &op, .ops_count = 1};
    reels_event event = {.struct_size = sizeof(event),
                         .type = event_type,
                         .reel_id = comment->reel_id,
                         .person_id = comment->person_id,
                         .creator_id = creator_id,
                         .target_id = comment->id,
                         .time_unix_us = reels_ctx_now_unix_us(social->ctx)};
    if (token != NULL) {
        commit_token(comment, token, &commit);
    }
    struct reels__event_batch events;
    reels_status status = reels__event_batch_init(&events, social->ctx, err);
    if (status == REELS_OK) {
        status = reels__event_batch_add(&events, &event, err);
    }
    if (status == REELS_OK) {
        reels__event_batch_attach(&events, &commit);
        status = reels_catalog_commit(social->catalog, call, &commit, 1, result, err);
    }
    reels__event_batch_dispose(&events);
    return status;
}

/* The comment that an earlier request with this token has made. */
static reels_status find_by_token(reels_social *social,
                                  const reels_call *call,
                                  const uint8_t *token,
                                  reels_comment *comment,
                                  reels_error *err)
{
    reels_value prefix[3] = {reels__value_id(comment->reel_id),
                             reels__value_id(comment->person_id),
                             reels__value_bytes(token, TOKEN_BYTES)};
    reels_scan scan = {.struct_size = sizeof(scan),
                       .table = reels__comment_table(),
                       .index = "by_token",
                       .prefix = prefix,
                       .prefix_count = 3,
                       .limit = 1};
    reels_rows *rows = NULL;
    reels_status status = reels_rows_new(social->ctx, ROWS_BYTES_MAX, &rows, err);
    if (status == REELS_OK) {
        status = reels_catalog_scan(social->catalog, call, &scan, rows, NULL, err);
    }
    if (status == REELS_OK && reels_rows_count(rows) == 0) {
        status = reels__fail(err, REELS_ERR_NOT_FOUND, "this comment was removed");
    }
    if (status == REELS_OK) {
        comment_from_row(reels_rows_get(rows, 0, NULL), comment);
    }
    reels_rows_free(rows);
    return status;
}

reels_status reels_comment_add(reels_social *social,
                               const reels_call *call,
                               uint64_t reel_id,
                               uint64_t person_id,
                               const char *text,
                               const uint8_t *token,
                               reels_comment *out,
                               reels_error *err)
{
    uint64_t creator_id = 0;
    reels_comment comment = {
        .struct_size = sizeof(comment), .reel_id = reel_id, .person_id = person_id};
    reels_commit_result result = {0};
    REELS_REQUIRE(social != NULL && out != NULL, err, "social and out are needed");
    REELS_REQUIRE(reel_id <= INT64_MAX, err, "reel_id must be a 63-bit ID");
    REELS_REQUIRE(person_id > 0 && person_id <= INT64_MAX, err, "person_id must be a 63-bit ID");
    REELS_TRY(check_text(text, err));
    REELS_TRY(reels__social_reel(social, call, reel_id, person_id, &creator_id, err));
    REELS_TRY(reels_id_next(social->ids, call, &comment.id, err));
    comment.created_unix_us = reels_ctx_now_unix_us(social->ctx);
    memcpy(comment.text, text, strlen(text) + 1);
    REELS_TRY(commit_comment(
        social, call, &comment, creator_id, REELS_EVENT_COMMENT, token, &result, err));
    if (result.status != REELS_OK) {
        return reels__fail(err, result.status, "the comment could not be written");
    }
    if (result.repeated) {
        REELS_TRY(find_by_token(social, call, token, &comment, err));
    }
    return reels__result_write(out, sizeof(comment), &comment, sizeof(comment), "out", err);
}

/* Whose reel it is, in whatever state: comments can be removed from all. */
REELS__NOINLINE static reels_status reel_creator(reels_social *social,
                                                 const reels_call *call,
                                                 uint64_t reel_id,
                                                 uint64_t *out_creator_id,
                                                 reels_error *err)
{
    reels_reel reel = {.struct_size = sizeof(reel)};
    REELS_TRY(reels_reel_get(social->reels, call, &reel_id, 1, &reel, err));
    *out_creator_id = reel.creator_id;
    return REELS_OK;
}

reels_status reels_comment_remove(reels_social *social,
                                  const reels_call *call,
                                  uint64_t reel_id,
                                  uint64_t comment_id,
                                  uint64_t person_id,
                                  reels_error *err)
{
    uint64_t creator_id = 0;
    reels_comment comment;
    reels_commit_result result = {0};
    REELS_REQUIRE(social != NULL, err, "social is NULL");
    REELS_REQUIRE(reel_id <= INT64_MAX && comment_id <= INT64_MAX, err, "IDs have 63 bits");
    REELS_TRY(reel_creator(social, call, reel_id, &creator_id, err));
    REELS_TRY(read_comment(social, call, reel_id, comment_id, &comment, err));
    if (person_id != comment.person_id && person_id != creator_id) {
        REELS_TRY(reels__social_reel(social, call, reel_id, person_id, &creator_id, err));
        REELS_TRY(
            reels__social_not_apart(social, call, person_id, comment.person_id, "comment", err));
        return reels__fail(
            err, REELS_ERR_DENIED, "only its author and the reel's creator may remove a comment");
    }
    REELS_TRY(commit_comment(
        social, call, &comment, creator_id, REELS_EVENT_COMMENT_REMOVED, NULL, &result, err));
    if (result.status == REELS_ERR_CONFLICT) {
        return reels__fail(err, REELS_ERR_NOT_FOUND, "there is no such comment");
    }
    return result.status;
}

/* Marks the comments whose authors the viewer has blocked or muted, or who have blocked the viewer.
 */
static reels_status mark_hidden(reels_social *social,
                                const reels_call *call,
                                uint64_t viewer_id,
                                const uint64_t *authors,
                                size_t count,
                                uint8_t *hidden,
                                reels_error *err)
{
    uint8_t *muted = hidden + count; /* second half of the array */
    REELS_TRY(reels__social_apart(social, call, viewer_id, authors, count, hidden, err));
    if (viewer_id == 0) {
        return REELS_OK;
    }
    REELS_TRY(reels_relation_has(
        social, call, REELS_RELATION_MUTE, viewer_id, authors, count, muted, err));
    for (size_t i = 0; i < count; i++) {
        hidden[i] = hidden[i] || muted[i];
    }
    return REELS_OK;
}

/* Copies what the viewer may see of one scanned page to out, which has room for all of it. */
static reels_status take_page(reels_social *social,
                              const reels_call *call,
                              uint64_t viewer_id,
                              const reels_rows *rows,
                              reels_comment *out,
                              size_t *out_count,
                              reels_error *err)
{
    size_t count = reels_rows_count(rows);
    uint64_t *authors = reels__mem_calloc(social->ctx, count + 1, sizeof(*authors));
    uint8_t *hidden = reels__mem_calloc(social->ctx, count + 1, 2);
    reels_status status = REELS_OK;
    if (authors == NULL || hidden == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for %zu comments", count);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        authors[i] = (uint64_t)reels_rows_get(rows, i, NULL)[REELS__COMMENT_PERSON_ID].integer;
    }
    status = mark_hidden(social, call, viewer_id, authors, count, hidden, err);
    for (size_t i = 0; status == REELS_OK && i < count; i++) {
        if (!hidden[i]) {
            comment_from_row(reels_rows_get(rows, i, NULL), out);
            out++;
            (*out_count)++;
        }
    }
out:
    reels__mem_free(social->ctx, hidden);
    reels__mem_free(social->ctx, authors);
    return status;
}

reels_status reels_comment_list(reels_social *social,
                                const reels_call *call,
                                uint64_t reel_id,
                                uint64_t viewer_id,
                                reels_buf *cursor,
                                reels_comment *out,
                                size_t capacity,
                                size_t *out_count,
                                reels_error *err)
{
    REELS_REQUIRE(social != NULL && cursor != NULL && out != NULL && out_count != NULL,
                  err,
                  "social, cursor, out and out_count are needed");
    REELS_REQUIRE(capacity >= 1 && capacity <= LIST_MAX, err, "capacity is 1..1000");
    REELS_REQUIRE(
        out[0].struct_size == sizeof(*out), err, "out[0].struct_size is not sizeof(reels_comment)");
    REELS_REQUIRE(reel_id <= INT64_MAX && viewer_id <= INT64_MAX, err, "IDs have 63 bits");
    uint64_t creator_id = 0;
    reels_value prefix = reels__value_id(reel_id);
    reels_scan scan = {.struct_size = sizeof(scan),
                       .descending = 1,
                       .table = reels__comment_table(),
                       .prefix = &prefix,
                       .prefix_count = 1};
    reels_rows *rows = NULL;
    size_t count = 0;
    REELS_TRY(reels__social_reel(social, call, reel_id, viewer_id, &creator_id, err));
    reels_status status = reels_rows_new(social->ctx, ROWS_BYTES_MAX, &rows, err);
    for (int page = 0; status == REELS_OK && page < PAGES_MAX && count < capacity; page++) {
        scan.limit = (uint32_t)(capacity - count);
        reels_rows_clear(rows);
        status = reels__scan_page(social->ctx, social->catalog, call, &scan, cursor, rows, err);
        if (status == REELS_OK) {
            status = take_page(social, call, viewer_id, rows, out + count, &count, err);
        }
        if (status == REELS_OK && reels_buf_len(cursor) == 0) {
            break;
        }
    }
    reels_rows_free(rows);
    if (status == REELS_OK) {
        *out_count = count;
    }
    return status;
}

static reels_status erase_rows(reels_social *social,
                               const reels_call *call,
                               reels_value reel_id,
                               const reels_rows *rows,
                               reels_error *err)
{
    size_t count = reels_rows_count(rows);
    reels_op *ops = reels__mem_calloc(social->ctx, count, sizeof(*ops));
    reels_value *keys = reels__mem_calloc(social->ctx, 2 * count, sizeof(*keys));
    reels_commit_result result = {0};
    reels_status status = REELS_OK;
    if (ops == NULL || keys == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for %zu comments", count);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        keys[2 * i] = reel_id;
        keys[2 * i + 1] = reels_rows_get(rows, i, NULL)[REELS__COMMENT_ID];
        ops[i] = (reels_op){
            .table = reels__comment_table(), .values = keys + 2 * i, .kind = REELS_OP_DELETE};
    }
    reels_commit commit = {
        .struct_size = sizeof(commit), .shard = reel_id, .ops = ops, .ops_count = count};
    status = reels_catalog_commit(social->catalog, call, &commit, 1, &result, err);
    if (status == REELS_OK && result.status != REELS_OK) {
        status = reels__fail(err, result.status, "comments could not be deleted");
    }
out:
    reels__mem_free(social->ctx, keys);
    reels__mem_free(social->ctx, ops);
    return status;
}

reels_status reels__comments_erase(
    reels_social *social, const reels_call *call, uint64_t reel_id, int *out_more, reels_error *err)
{
    reels_value prefix = reels__value_id(reel_id);
    reels_scan scan = {.struct_size = sizeof(scan),
                       .table = reels__comment_table(),
                       .prefix = &prefix,
                       .prefix_count = 1,
                       .limit = REELS__COMMENTS_ERASE_MAX};
    reels_rows *rows = NULL;
    *out_more = 0;
    reels_status status = reels_rows_new(social->ctx, ROWS_BYTES_MAX, &rows, err);
    if (status == REELS_OK) {
        status = reels_catalog_scan(social->catalog, call, &scan, rows, NULL, err);
    }
    if (status == REELS_OK && reels_rows_count(rows) > 0) {
        status = erase_rows(social, call, prefix, rows, err);
        *out_more = reels_rows_count(rows) == REELS__COMMENTS_ERASE_MAX;
    }
    reels_rows_free(rows);
    return status;
}
