/* Owns what clients see of reels and persons. A page of reels costs a fixed number of calls to the
 * library, however many reels it has, and one for each creator in it. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

static const uint32_t shown[] = {REELS_COUNTER_VIEWS,
                                 REELS_COUNTER_LIKES,
                                 REELS_COUNTER_COMMENTS,
                                 REELS_COUNTER_SHARES,
                                 REELS_COUNTER_COMPLETIONS};
enum {
    SHOWN = sizeof(shown) / sizeof(shown[0])
};

/* What a page of reels needs, in columns. */
struct page {
    uint64_t ids[VIEW_MAX];
    uint64_t creators[VIEW_MAX];
    char names[VIEW_MAX][NAME_BYTES];
    uint8_t liked[VIEW_MAX];
    uint8_t saved[VIEW_MAX];
    uint8_t followed[VIEW_MAX];
    uint8_t apart[VIEW_MAX]; /* the viewer and the creator, by a block */
    int64_t counts[VIEW_MAX * SHOWN];
};

static reels_status has_blocked(struct request *request,
                                uint64_t from,
                                const uint64_t *to,
                                size_t count,
                                uint8_t *out,
                                reels_error *err)
{
    return reels_relation_has(reels_platform_social(request->server->platform),
                              NULL,
                              REELS_RELATION_BLOCK,
                              from,
                              to,
                              count,
                              out,
                              err);
}

unsigned view_blocks(struct request *request, uint64_t other_id)
{
    uint64_t me = request->person_id;
    uint8_t by_me = 0;
    uint8_t by_other = 0;
    if (other_id == me) {
        return 0;
    }
    if (has_blocked(request, me, &other_id, 1, &by_me, NULL) != REELS_OK ||
        has_blocked(request, other_id, &me, 1, &by_other, NULL) != REELS_OK) {
        return VIEW_BLOCKED_BY_ME | VIEW_BLOCKED_BY_OTHER; /* in doubt, out of sight */
    }
    return (by_me ? VIEW_BLOCKED_BY_ME : 0U) | (by_other ? VIEW_BLOCKED_BY_OTHER : 0U);
}

int view_is_open(const struct request *request, const reels_reel *reel)
{
    if (reel->state == REELS_REEL_NONE || reel->state == REELS_REEL_DELETED) {
        return 0;
    }
    return reel->creator_id == request->person_id ||
           (reel->state == REELS_REEL_READY && reel->visibility == REELS_VISIBILITY_PUBLIC);
}

/* Which creators of a page the viewer is apart from: one question about all those whom the viewer
 * has blocked, and one to each creator about the viewer. */
static reels_status mark_apart(struct request *request,
                               const uint64_t *creators,
                               size_t count,
                               uint8_t *apart,
                               reels_error *err)
{
    uint64_t me = request->person_id;
    reels_status status = has_blocked(request, me, creators, count, apart, err);
    for (size_t i = 0; status == REELS_OK && i < count; i++) {
        size_t same = 0; /* the first reel of this creator */
        while (creators[same] != creators[i]) {
            same++;
        }
        if (same < i) {
            apart[i] = apart[same];
        } else if (!apart[i] && creators[i] != me && creators[i] != 0) {
            status = has_blocked(request, creators[i], &me, 1, &apart[i], err);
        }
    }
    return status;
}

static reels_status read_page(struct request *request,
                              const reels_reel *reels,
                              size_t count,
                              struct page *page,
                              reels_error *err)
{
    reels_platform *platform = request->server->platform;
    reels_social *social = reels_platform_social(platform);
    uint64_t me = request->person_id;
    for (size_t i = 0; i < count; i++) {
        page->ids[i] = reels[i].id;
        page->creators[i] = reels[i].creator_id;
    }
    reels_status status = people_names(request->server, page->creators, count, page->names, err);
    if (status == REELS_OK) {
        status = reels_relation_has(
            social, NULL, REELS_RELATION_LIKE, me, page->ids, count, page->liked, err);
    }
    if (status == REELS_OK) {
        status = reels_relation_has(
            social, NULL, REELS_RELATION_SAVE, me, page->ids, count, page->saved, err);
    }
    if (status == REELS_OK) {
        status = reels_relation_has(
            social, NULL, REELS_RELATION_FOLLOW, me, page->creators, count, page->followed, err);
    }
    if (status == REELS_OK) {
        status = mark_apart(request, page->creators, count, page->apart, err);
    }
    if (status == REELS_OK) {
        status = reels_counter_read(reels_platform_stats(platform),
                                    NULL,
                                    page->ids,
                                    count,
                                    shown,
                                    SHOWN,
                                    page->counts,
                                    err);
    }
    return status;
}

static json_int_t at_least_zero(int64_t count)
{
    return count > 0 ? (json_int_t)count : 0;
}

static json_t *person_json(uint64_t id, const char *name, int followed)
{
    char text[24];
    id_to_text(id, text);
    return json_pack("{s:s,s:s,s:b}",
                     "id",
                     text,
                     "name",
                     name[0] != '\0' ? name : "someone",
                     "followed",
                     followed);
}

/* Why a reel failed, in the words of the contract. */
static json_t *failure_json(const reels_reel *reel)
{
    static const struct {
        const char *reason;
        const char *code;
    } codes[] = {{"UNSUPPORTED", "unsupported"},
                 {"CORRUPT", "damaged"},
                 {"ENCRYPTED", "encrypted"},
                 {"LIMIT", "too_large"}};
    if (reel->state != REELS_REEL_FAILED && reel->state != REELS_REEL_BLOCKED) {
        return json_null();
    }
    const char *code = reel->state == REELS_REEL_BLOCKED ? "blocked" : "internal";
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strcmp(reel->reason, codes[i].reason) == 0) {
            code = codes[i].code;
        }
    }
    if (strcmp(code, "too_large") == 0 && strncmp(reel->detail, "it lasts", 8) == 0) {
        code = "too_long";
    }
    return json_pack("{s:s,s:s}", "code", code, "message", reel->detail);
}

/* Addresses of the master playlist and the cover, or nulls. */
static void set_media(struct request *request, const reels_reel *reel, json_t *json)
{
    char token[256];
    char prefix[64];
    char url[512];
    int ready =
        reel->state == REELS_REEL_READY &&
        reels_platform_media_token(
            request->server->platform, reel, request->person_id, token, sizeof(token), NULL) ==
            REELS_OK &&
        reels_reel_media_prefix(reel->id, reel->generation, prefix, sizeof(prefix)) == REELS_OK;
    (void)snprintf(
        url, sizeof(url), "/media/%s/%smaster.m3u8", ready ? token : "", ready ? prefix : "");
    (void)json_object_set_new(json, "playlist_url", ready ? json_string(url) : json_null());
    (void)snprintf(
        url, sizeof(url), "/media/%s/%scover.jpg", ready ? token : "", ready ? prefix : "");
    (void)json_object_set_new(json, "cover_url", ready ? json_string(url) : json_null());
    (void)json_object_set_new(
        json, "duration_ms", ready ? json_integer(reel->duration_us / 1000) : json_null());
    (void)json_object_set_new(
        json, "width", ready && reel->width > 0 ? json_integer(reel->width) : json_null());
    (void)json_object_set_new(
        json, "height", ready && reel->height > 0 ? json_integer(reel->height) : json_null());
}

static json_t *
reel_json(struct request *request, const reels_reel *reel, const struct page *page, size_t i)
{
    char id[24];
    const int64_t *counts = page->counts + i * SHOWN;
    id_to_text(reel->id, id);
    json_t *json = json_pack("{s:s,s:s,s:i,s:o,s:o,s:s,s:s,s:I,s:{s:I,s:I,s:I,s:I,s:I},s:b,s:b}",
                             "id",
                             id,
                             "state",
                             reels_reel_state_name(reel->state),
                             "progress_permille",
                             reel->state == REELS_REEL_READY ? 1000 : (int)reel->progress_permille,
                             "failure",
                             failure_json(reel),
                             "creator",
                             person_json(reel->creator_id, page->names[i], page->followed[i]),
                             "caption",
                             reel->caption,
                             "visibility",
                             reel->visibility == REELS_VISIBILITY_PUBLIC ? "public" : "private",
                             "created_ms",
                             (json_int_t)(reel->created_unix_us / 1000),
                             "counts",
                             "views",
                             at_least_zero(counts[0]),
                             "likes",
                             at_least_zero(counts[1]),
                             "comments",
                             at_least_zero(counts[2]),
                             "shares",
                             at_least_zero(counts[3]),
                             "completions",
                             at_least_zero(counts[4]),
                             "liked",
                             page->liked[i],
                             "saved",
                             page->saved[i]);
    if (json != NULL) {
        set_media(request, reel, json);
    }
    return json;
}

json_t *view_reels(struct request *request, const reels_reel *reels, size_t count, reels_error *err)
{
    struct page *page = calloc(1, sizeof(*page));
    json_t *array = json_array();
    reels_status status =
        page != NULL && array != NULL && count <= VIEW_MAX
            ? read_page(request, reels, count, page, err)
            : reels_error_set(err, REELS_ERR_NO_MEMORY, 0, "no memory for a page");
    for (size_t i = 0; status == REELS_OK && i < count; i++) {
        if (view_is_open(request, &reels[i]) && !page->apart[i]) {
            (void)json_array_append_new(array, reel_json(request, &reels[i], page, i));
        }
    }
    free(page);
    if (status != REELS_OK) {
        json_decref(array);
        return NULL;
    }
    return array;
}

/* How many of a person's reels anybody can see, and how many persons they follow: read page by
 * page, which is right for a demo; a product keeps counters. */
static reels_status
count_reels(struct request *request, uint64_t user_id, json_int_t *out, reels_error *err)
{
    enum {
        PAGE = 100,
        PAGES_MAX = 20
    };
    reels_reel *reels = calloc(PAGE, sizeof(*reels));
    reels_buf *cursor = NULL;
    reels_status status = reels_buf_new(request->server->ctx, 8192, &cursor, err);
    size_t count = 0;
    *out = 0;
    for (int page = 0; reels != NULL && status == REELS_OK && page < PAGES_MAX; page++) {
        reels[0].struct_size = sizeof(reels[0]);
        status = reels_reel_list(reels_platform_reels(request->server->platform),
                                 NULL,
                                 REELS_REEL_ORDER_CREATOR,
                                 user_id,
                                 cursor,
                                 reels,
                                 PAGE,
                                 &count,
                                 err);
        for (size_t i = 0; status == REELS_OK && i < count; i++) {
            *out += reels[i].state == REELS_REEL_READY &&
                    reels[i].visibility == REELS_VISIBILITY_PUBLIC;
        }
        if (reels_buf_len(cursor) == 0) {
            break;
        }
    }
    reels_buf_free(cursor);
    free(reels);
    return status;
}

static reels_status
count_following(struct request *request, uint64_t user_id, json_int_t *out, reels_error *err)
{
    enum {
        FOLLOWING_MAX = 10000
    };
    uint64_t *ids = calloc(FOLLOWING_MAX, sizeof(*ids));
    reels_buf *cursor = NULL;
    size_t count = 0;
    reels_status status = reels_buf_new(request->server->ctx, 8192, &cursor, err);
    if (status == REELS_OK && ids != NULL) {
        status = reels_relation_list(reels_platform_social(request->server->platform),
                                     NULL,
                                     REELS_RELATION_FOLLOW,
                                     user_id,
                                     cursor,
                                     ids,
                                     FOLLOWING_MAX,
                                     &count,
                                     err);
    }
    *out = (json_int_t)count;
    reels_buf_free(cursor);
    free(ids);
    return status;
}

json_t *view_user(struct request *request, uint64_t user_id, const char *name, reels_error *err)
{
    static const uint32_t kinds[] = {
        REELS_RELATION_FOLLOW, REELS_RELATION_MUTE, REELS_RELATION_BLOCK};
    reels_platform *platform = request->server->platform;
    uint32_t counter = REELS_COUNTER_FOLLOWERS;
    uint8_t related[3] = {0};
    int64_t followers = 0;
    json_int_t reels = 0;
    json_int_t following = 0;
    char id[24];
    reels_status status = REELS_OK;
    for (int i = 0; status == REELS_OK && i < 3 && user_id != request->person_id; i++) {
        status = reels_relation_has(reels_platform_social(platform),
                                    NULL,
                                    kinds[i],
                                    request->person_id,
                                    &user_id,
                                    1,
                                    &related[i],
                                    err);
    }
    if (status == REELS_OK) {
        status = reels_counter_read(
            reels_platform_stats(platform), NULL, &user_id, 1, &counter, 1, &followers, err);
    }
    if (status == REELS_OK) {
        status = count_reels(request, user_id, &reels, err);
    }
    if (status == REELS_OK) {
        status = count_following(request, user_id, &following, err);
    }
    if (status != REELS_OK) {
        return NULL;
    }
    id_to_text(user_id, id);
    return json_pack("{s:s,s:s,s:b,s:b,s:b,s:{s:I,s:I,s:I}}",
                     "id",
                     id,
                     "name",
                     name,
                     "followed",
                     related[0],
                     "muted",
                     related[1],
                     "blocked",
                     related[2],
                     "counts",
                     "reels",
                     reels,
                     "followers",
                     at_least_zero(followers),
                     "following",
                     following);
}
