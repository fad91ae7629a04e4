/* Owns the routes of sessions, reels and persons. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

void handle_token(struct request *request)
{
    reels_error err = {.struct_size = sizeof(err)};
    char name[NAME_BYTES];
    uint64_t id = 0;
    int64_t expires_ms = 0;
    if (!request->server->demo_mode) {
        answer_error(request, 404, "not_found", "this platform makes no tokens: its host does");
        return;
    }
    json_t *body = request_json(request);
    if (body == NULL) {
        return;
    }
    const char *given = json_text(body, "name");
    size_t len = given != NULL ? strlen(given) : 0;
    int good = len >= 1 && len < NAME_BYTES - 1;
    for (size_t i = 0; good && i < len; i++) {
        good = isalnum((unsigned char)given[i]) || given[i] == '.' || given[i] == '_';
    }
    if (!good) {
        json_decref(body);
        answer_error(request, 422, "invalid_value", "name is 1 to 30 of A-Z a-z 0-9 . _");
        return;
    }
    reels_status status = people_sign_in(request->server, given, &id, name, &err);
    json_decref(body);
    if (status != REELS_OK) {
        answer_status(request, status, &err);
        return;
    }
    request->person_id = id;
    char *token = auth_token(request->server, id, name, &expires_ms);
    json_t *user = token != NULL ? view_user(request, id, name, &err) : NULL;
    if (user == NULL) {
        answer_status(request, REELS_ERR_IO, &err);
    } else {
        answer_json(request,
                    200,
                    json_pack("{s:s,s:I,s:o}",
                              "token",
                              token,
                              "expires_ms",
                              (json_int_t)expires_ms,
                              "user",
                              user));
    }
    free(token);
}

void handle_me(struct request *request)
{
    reels_error err = {.struct_size = sizeof(err)};
    json_t *user = view_user(request, request->person_id, request->person_name, &err);
    if (user == NULL) {
        answer_status(request, REELS_ERR_IO, &err);
        return;
    }
    answer_json(request, 200, user);
}

/* Reads one reel and answers 404 when it is not open to the viewer; 0 then. */
static int read_open(struct request *request, reels_reel *reel)
{
    reels_error err = {.struct_size = sizeof(err)};
    uint64_t id = request_id(request, 0);
    if (id == 0) {
        return 0;
    }
    memset(reel, 0, sizeof(*reel));
    reel->struct_size = sizeof(*reel);
    reels_status status =
        reels_reel_get(reels_platform_reels(request->server->platform), NULL, &id, 1, reel, &err);
    if (status != REELS_OK) {
        answer_status(request, status, &err);
        return 0;
    }
    if (!view_is_open(request, reel)) {
        answer_error(request, 404, "not_found", "there is no such reel");
        return 0;
    }
    return 1;
}

/* The progress of INIT is that of the upload. */
static void fill_progress(struct request *request, reels_reel *reel)
{
    reels_upload_info info = {.struct_size = sizeof(info)};
    if (reel->state == REELS_REEL_INIT &&
        reels_upload_get(reels_platform_uploads(request->server->platform),
                         NULL,
                         reel->id,
                         request->person_id,
                         &info,
                         NULL) == REELS_OK &&
        info.length != UINT64_MAX && info.length > 0) {
        reel->progress_permille = (uint32_t)(info.bytes_durable * 1000 / info.length);
    }
}

void handle_reel_get(struct request *request)
{
    reels_error err = {.struct_size = sizeof(err)};
    reels_reel reel;
    if (!read_open(request, &reel)) {
        return;
    }
    fill_progress(request, &reel);
    json_t *array = view_reels(request, &reel, 1, &err);
    if (array == NULL) {
        answer_status(request, REELS_ERR_IO, &err);
    } else if (json_array_size(array) == 0) { /* its creator and the viewer are apart */
        answer_error(request, 404, "not_found", "there is no such reel");
    } else {
        answer_json(request, 200, json_incref(json_array_get(array, 0)));
    }
    json_decref(array);
}

void handle_reel_delete(struct request *request)
{
    reels_error err = {.struct_size = sizeof(err)};
    uint64_t id = request_id(request, 0);
    if (id == 0) {
        return;
    }
    reels_status status =
        reels_platform_reel_remove(request->server->platform, NULL, id, request->person_id, &err);
    if (status == REELS_ERR_DENIED) {
        answer_error(request, 403, "not_yours", "%s", err.message);
    } else if (status != REELS_OK) {
        answer_status(request, status, &err);
    } else {
        answer_empty(request, 204, NULL, 0);
    }
}

/* Answers a page of reels; takes the cursor. */
static void
answer_page(struct request *request, const reels_reel *reels, size_t count, reels_buf *cursor)
{
    reels_error err = {.struct_size = sizeof(err)};
    json_t *items = view_reels(request, reels, count, &err);
    if (items == NULL) {
        answer_status(request, REELS_ERR_IO, &err);
    } else {
        answer_json(request,
                    200,
                    json_pack("{s:o,s:o}", "items", items, "next_cursor", cursor_json(cursor)));
    }
    reels_buf_free(cursor);
}

/* A page, or why there is none. Takes the cursor. */
static void answer_listed(struct request *request,
                          reels_status status,
                          const reels_reel *reels,
                          size_t count,
                          reels_buf *cursor,
                          const reels_error *err)
{
    if (status == REELS_OK) {
        answer_page(request, reels, count, cursor);
        return;
    }
    reels_buf_free(cursor);
    if (status == REELS_ERR_INVALID_ARG) {
        answer_error(request, 400, "bad_cursor", "the cursor was not made here");
    } else {
        answer_status(request, status, err);
    }
}

void handle_saved(struct request *request)
{
    reels_error err = {.struct_size = sizeof(err)};
    uint64_t ids[VIEW_MAX];
    size_t count = 0;
    reels_buf *cursor = request_cursor(request);
    reels_reel *reels = calloc(VIEW_MAX, sizeof(*reels));
    if (cursor == NULL || reels == NULL) {
        free(reels);
        reels_buf_free(cursor);
        if (!request->answered) {
            answer_error(request, 503, "unavailable", "no memory");
        }
        return;
    }
    reels_status status = reels_relation_list(reels_platform_social(request->server->platform),
                                              NULL,
                                              REELS_RELATION_SAVE,
                                              request->person_id,
                                              cursor,
                                              ids,
                                              VIEW_MAX,
                                              &count,
                                              &err);
    if (status == REELS_OK && count > 0) {
        reels[0].struct_size = sizeof(reels[0]);
        status = reels_reel_get(
            reels_platform_reels(request->server->platform), NULL, ids, count, reels, &err);
    }
    /* What is no longer playable is left out by view_reels, but for the viewer's own. */
    answer_listed(request, status, reels, count, cursor, &err);
    free(reels);
}

/* Reads a person's name and answers 404 for nobody, and for who has blocked the viewer; 0 then.
 * Whom the viewer has blocked is there, or nobody could end a block. */
static uint64_t read_person(struct request *request, char name[NAME_BYTES], unsigned *out_blocks)
{
    reels_error err = {.struct_size = sizeof(err)};
    uint64_t id = request_id(request, 0);
    if (id == 0) {
        return 0;
    }
    reels_status status = people_names(request->server, &id, 1, (char(*)[NAME_BYTES])name, &err);
    if (status != REELS_OK) {
        answer_status(request, status, &err);
        return 0;
    }
    *out_blocks = name[0] != '\0' ? view_blocks(request, id) : 0;
    if (name[0] == '\0' || (*out_blocks & VIEW_BLOCKED_BY_OTHER) != 0) {
        answer_error(request, 404, "not_found", "there is no such person");
        return 0;
    }
    return id;
}

void handle_user_get(struct request *request)
{
    reels_error err = {.struct_size = sizeof(err)};
    char name[NAME_BYTES];
    unsigned blocks = 0;
    uint64_t id = read_person(request, name, &blocks);
    if (id == 0) {
        return;
    }
    json_t *user = view_user(request, id, name, &err);
    if (user == NULL) {
        answer_status(request, REELS_ERR_IO, &err);
        return;
    }
    answer_json(request, 200, user);
}

/* Fills a page with what the viewer may see; a creator's hidden reels cost further reads, bounded.
 */
static reels_status list_visible(struct request *request,
                                 uint64_t user_id,
                                 reels_buf *cursor,
                                 reels_reel *out,
                                 size_t *out_count,
                                 reels_error *err)
{
    enum {
        READS_MAX = 5
    };
    reels_status status = REELS_OK;
    *out_count = 0;
    for (int reads = 0; reads < READS_MAX && *out_count < VIEW_MAX; reads++) {
        reels_reel *at = out + *out_count;
        size_t count = 0;
        at[0].struct_size = sizeof(at[0]);
        status = reels_reel_list(reels_platform_reels(request->server->platform),
                                 NULL,
                                 REELS_REEL_ORDER_CREATOR,
                                 user_id,
                                 cursor,
                                 at,
                                 VIEW_MAX - *out_count,
                                 &count,
                                 err);
        if (status != REELS_OK) {
            return status;
        }
        for (size_t i = 0; i < count; i++) {
            if (view_is_open(request, &at[i])) {
                reels_reel kept = at[i];
                out[(*out_count)++] = kept;
            }
        }
        if (reels_buf_len(cursor) == 0) {
            break;
        }
    }
    return status;
}

void handle_user_reels(struct request *request)
{
    reels_error err = {.struct_size = sizeof(err)};
    char name[NAME_BYTES];
    size_t count = 0;
    unsigned blocks = 0;
    uint64_t id = read_person(request, name, &blocks);
    reels_buf *cursor = id != 0 ? request_cursor(request) : NULL;
    if (cursor == NULL) {
        return;
    }
    reels_reel *reels = calloc(VIEW_MAX, sizeof(*reels));
    reels_status status = reels != NULL ? REELS_OK : REELS_ERR_NO_MEMORY;
    if (status == REELS_OK && blocks != 0) {
        reels_buf_clear(cursor); /* nothing is shown of somebody whom the viewer has blocked */
    } else if (status == REELS_OK) {
        status = list_visible(request, id, cursor, reels, &count, &err);
    }
    answer_listed(request, status, reels, count, cursor, &err);
    free(reels);
}
