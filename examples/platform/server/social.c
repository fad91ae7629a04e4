/* Owns the routes of relations and comments. */
#include <stdlib.h>
#include <string.h>

#include "server.h"

/* Which relation a route is about: its pattern ends with its name. */
static uint32_t relation_kind(const struct request *request)
{
    static const struct {
        const char *tail;
        uint32_t kind;
    } kinds[] = {{"/like", REELS_RELATION_LIKE},
                 {"/save", REELS_RELATION_SAVE},
                 {"/follow", REELS_RELATION_FOLLOW},
                 {"/mute", REELS_RELATION_MUTE},
                 {"/block", REELS_RELATION_BLOCK}};
    const char *tail = strrchr(request->route->pattern, '/');
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].tail, tail) == 0) {
            return kinds[i].kind;
        }
    }
    return 0;
}

/* Persons are the host's: the library cannot know whether one is there. 0 after having answered. */
static int person_is_there(struct request *request, uint64_t id)
{
    reels_error err = {.struct_size = sizeof(err)};
    char name[1][NAME_BYTES];
    reels_status status = people_names(request->server, &id, 1, name, &err);
    if (status != REELS_OK) {
        answer_status(request, status, &err);
        return 0;
    }
    if (name[0][0] == '\0') {
        answer_error(request, 404, "not_found", "there is no such person");
        return 0;
    }
    return 1;
}

static void set_relation(struct request *request, int on)
{
    reels_error err = {.struct_size = sizeof(err)};
    uint32_t kind = relation_kind(request);
    uint64_t id = request_id(request, 0);
    int to_person = kind != REELS_RELATION_LIKE && kind != REELS_RELATION_SAVE;
    if (id == 0 || (to_person && !person_is_there(request, id))) {
        return;
    }
    if (to_person && id == request->person_id) {
        answer_error(request, 422, "self", "this cannot be done to oneself");
        return;
    }
    reels_status status = reels_relation_set(reels_platform_social(request->server->platform),
                                             NULL,
                                             kind,
                                             request->person_id,
                                             id,
                                             on,
                                             NULL,
                                             &err);
    if (status != REELS_OK) {
        answer_status(request, status, &err);
        return;
    }
    answer_empty(request, 204, NULL, 0);
}

void handle_relation_put(struct request *request)
{
    set_relation(request, 1);
}

void handle_relation_delete(struct request *request)
{
    set_relation(request, 0);
}

/* ---- comments ---- */

static json_t *comment_json(const reels_comment *comment, const char *name, int followed)
{
    char id[24];
    char reel[24];
    char person[24];
    id_to_text(comment->id, id);
    id_to_text(comment->reel_id, reel);
    id_to_text(comment->person_id, person);
    return json_pack("{s:s,s:s,s:{s:s,s:s,s:b},s:s,s:I}",
                     "id",
                     id,
                     "reel_id",
                     reel,
                     "author",
                     "id",
                     person,
                     "name",
                     name[0] != '\0' ? name : "someone",
                     "followed",
                     followed,
                     "text",
                     comment->text,
                     "created_ms",
                     (json_int_t)(comment->created_unix_us / 1000));
}

static json_t *comments_json(struct request *request,
                             const reels_comment *comments,
                             size_t count,
                             reels_error *err)
{
    uint64_t authors[VIEW_MAX];
    char names[VIEW_MAX][NAME_BYTES];
    uint8_t followed[VIEW_MAX];
    for (size_t i = 0; i < count; i++) {
        authors[i] = comments[i].person_id;
    }
    if (people_names(request->server, authors, count, names, err) != REELS_OK ||
        reels_relation_has(reels_platform_social(request->server->platform),
                           NULL,
                           REELS_RELATION_FOLLOW,
                           request->person_id,
                           authors,
                           count,
                           followed,
                           err) != REELS_OK) {
        return NULL;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(array, comment_json(&comments[i], names[i], followed[i]));
    }
    return array;
}

void handle_comments_list(struct request *request)
{
    reels_error err = {.struct_size = sizeof(err)};
    size_t count = 0;
    uint64_t reel_id = request_id(request, 0);
    reels_buf *cursor = reel_id != 0 ? request_cursor(request) : NULL;
    if (cursor == NULL) {
        return;
    }
    reels_comment *comments = calloc(VIEW_MAX, sizeof(*comments));
    reels_status status = REELS_ERR_NO_MEMORY;
    if (comments != NULL) {
        comments[0].struct_size = sizeof(comments[0]);
        status = reels_comment_list(reels_platform_social(request->server->platform),
                                    NULL,
                                    reel_id,
                                    request->person_id,
                                    cursor,
                                    comments,
                                    VIEW_MAX,
                                    &count,
                                    &err);
    }
    json_t *items = status == REELS_OK ? comments_json(request, comments, count, &err) : NULL;
    if (items != NULL) {
        answer_json(request,
                    200,
                    json_pack("{s:o,s:o}", "items", items, "next_cursor", cursor_json(cursor)));
    } else if (status == REELS_ERR_INVALID_ARG) {
        answer_error(request, 400, "bad_cursor", "the cursor was not made here");
    } else {
        answer_status(request, status == REELS_OK ? REELS_ERR_IO : status, &err);
    }
    free(comments);
    reels_buf_free(cursor);
}

void handle_comment_add(struct request *request)
{
    reels_error err = {.struct_size = sizeof(err)};
    reels_comment comment = {.struct_size = sizeof(comment)};
    uint64_t reel_id = request_id(request, 0);
    json_t *body = reel_id != 0 ? request_json(request) : NULL;
    if (body == NULL) {
        return;
    }
    const char *text = json_text(body, "text");
    if (text == NULL) {
        answer_error(
            request, 422, "invalid_value", "text is needed, and is a string without U+0000");
        json_decref(body);
        return;
    }
    reels_status status = reels_comment_add(reels_platform_social(request->server->platform),
                                            NULL,
                                            reel_id,
                                            request->person_id,
                                            text,
                                            NULL,
                                            &comment,
                                            &err);
    json_decref(body);
    if (status == REELS_ERR_LIMIT) {
        answer_error(request, 422, "invalid_value", "%s", err.message);
    } else if (status != REELS_OK) {
        answer_status(request, status, &err);
    } else {
        answer_json(request, 201, comment_json(&comment, request->person_name, 0));
    }
}

void handle_comment_delete(struct request *request)
{
    reels_error err = {.struct_size = sizeof(err)};
    uint64_t reel_id = request_id(request, 0);
    uint64_t comment_id = reel_id != 0 ? request_id(request, 1) : 0;
    if (comment_id == 0) {
        return;
    }
    reels_status status = reels_comment_remove(reels_platform_social(request->server->platform),
                                               NULL,
                                               reel_id,
                                               comment_id,
                                               request->person_id,
                                               &err);
    if (status == REELS_ERR_DENIED) {
        answer_error(request, 403, "not_yours", "%s", err.message);
    } else if (status != REELS_OK) {
        answer_status(request, status, &err);
    } else {
        answer_empty(request, 204, NULL, 0);
    }
}
