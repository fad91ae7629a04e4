/* Owns the routes of the feed and of what viewers report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

/* ---- feed ---- */

/* A number of a query within bounds; 0 = absent; -1 after having answered. */
static int64_t query_number(struct request *request, const char *name, int64_t max)
{
    const char *text = request_query(request, name);
    char *end = NULL;
    if (text == NULL) {
        return 0;
    }
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || value < 1 || value > max) {
        answer_error(
            request, 400, "bad_request", "%s is not a number from 1 to %lld", name, (long long)max);
        return -1;
    }
    return value;
}

/* The steps for one reel of the page: the plan is made for each alone, so that any three that come
 * next are planned. */
static reels_status add_steps(struct request *request,
                              const reels_reel *reel,
                              const reels_prefetch_request *wanted,
                              json_t *steps,
                              reels_error *err)
{
    reels_prefetch_entry entries[REELS_PREFETCH_ENTRIES_MAX];
    size_t count = 0;
    char token[256];
    char prefix[64];
    char id[24];
    entries[0].struct_size = sizeof(entries[0]);
    reels_status status = reels_prefetch_plan(request->server->ctx,
                                              reels_platform_catalog(request->server->platform),
                                              NULL,
                                              reel,
                                              1,
                                              wanted,
                                              entries,
                                              REELS_PREFETCH_ENTRIES_MAX,
                                              &count,
                                              err);
    if (status == REELS_OK) {
        status = reels_platform_media_token(
            request->server->platform, reel, request->person_id, token, sizeof(token), err);
    }
    if (status == REELS_OK) {
        status = reels_reel_media_prefix(reel->id, reel->generation, prefix, sizeof(prefix));
    }
    id_to_text(reel->id, id);
    for (size_t i = 0; status == REELS_OK && i < count; i++) {
        char url[512];
        char range[64];
        (void)snprintf(url, sizeof(url), "/media/%s/%s%s", token, prefix, entries[i].file);
        (void)snprintf(range,
                       sizeof(range),
                       "bytes=%llu-%llu",
                       (unsigned long long)entries[i].offset,
                       (unsigned long long)(entries[i].offset + entries[i].bytes - 1));
        (void)json_array_append_new(
            steps,
            json_pack("{s:s,s:s,s:o,s:I}",
                      "reel_id",
                      id,
                      "url",
                      url,
                      "range",
                      entries[i].bytes > 0 ? json_string(range) : json_null(),
                      "bytes",
                      (json_int_t)entries[i].bytes));
    }
    return status;
}

static void answer_feed(struct request *request,
                        const reels_reel *reels,
                        size_t count,
                        const char *cursor,
                        const reels_prefetch_request *wanted)
{
    reels_error err = {.struct_size = sizeof(err)};
    json_t *items = view_reels(request, reels, count, &err);
    json_t *steps = json_array();
    for (size_t i = 0; items != NULL && i < count; i++) {
        /* A reel that cannot be planned is fetched when it comes. */
        (void)add_steps(request, &reels[i], wanted, steps, &err);
    }
    if (items == NULL) {
        json_decref(steps);
        answer_status(request, REELS_ERR_IO, &err);
        return;
    }
    answer_json(request,
                200,
                json_pack("{s:o,s:o,s:o}",
                          "items",
                          items,
                          "next_cursor",
                          cursor[0] != '\0' ? json_string(cursor) : json_null(),
                          "prefetch",
                          steps));
}

void handle_feed(struct request *request)
{
    reels_error err = {.struct_size = sizeof(err)};
    reels_feed_item items[REELS_FEED_PAGE_ITEMS];
    uint64_t ids[REELS_FEED_PAGE_ITEMS];
    size_t count = 0;
    reels_buf *cursor = NULL;
    int64_t short_side = query_number(request, "short_side", 16384);
    int64_t throughput =
        short_side >= 0 ? query_number(request, "throughput_bps", 100000000000LL) : -1;
    if (short_side < 0 || throughput < 0) {
        return;
    }
    reels_prefetch_request wanted = {.struct_size = sizeof(wanted),
                                     .short_side_max = (uint32_t)short_side,
                                     .throughput_bps = (uint64_t)throughput};
    reels_feed_request feed = {.struct_size = sizeof(feed),
                               .viewer_id = request->person_id,
                               .cursor = request_query(request, "cursor")};
    if (feed.cursor != NULL && feed.cursor[0] == '\0') { /* to the library it would be none */
        answer_error(request, 400, "bad_cursor", "the cursor was not made here");
        return;
    }
    reels_reel *reels = calloc(REELS_FEED_PAGE_ITEMS, sizeof(*reels));
    reels_status status = reels != NULL ? reels_buf_new(request->server->ctx, 4096, &cursor, &err)
                                        : REELS_ERR_NO_MEMORY;
    if (status == REELS_OK) {
        items[0].struct_size = sizeof(items[0]);
        status = reels_feed_page(reels_platform_feed(request->server->platform),
                                 NULL,
                                 &feed,
                                 items,
                                 REELS_FEED_PAGE_ITEMS,
                                 &count,
                                 cursor,
                                 &err);
    }
    for (size_t i = 0; i < count; i++) {
        ids[i] = items[i].reel_id;
    }
    if (status == REELS_OK && count > 0) {
        reels[0].struct_size = sizeof(reels[0]);
        status = reels_reel_get(
            reels_platform_reels(request->server->platform), NULL, ids, count, reels, &err);
    }
    if (status == REELS_ERR_INVALID_ARG) {
        answer_error(request, 400, "bad_cursor", "%s", err.message);
    } else if (status != REELS_OK) {
        answer_status(request, status, &err);
    } else {
        answer_feed(request, reels, count, (const char *)reels_buf_data(cursor), &wanted);
    }
    reels_buf_free(cursor);
    free(reels);
}

/* ---- events ---- */

enum {
    EVENTS_MAX = 100
};

static uint32_t event_type(const char *name)
{
    static const struct {
        const char *name;
        uint32_t type;
    } types[] = {{"impression", REELS_EVENT_IMPRESSION},
                 {"watch", REELS_EVENT_WATCH},
                 {"view_3s", REELS_EVENT_VIEW},
                 {"complete", REELS_EVENT_COMPLETE},
                 {"replay", REELS_EVENT_REPLAY},
                 {"skip", REELS_EVENT_SKIP},
                 {"share", REELS_EVENT_SHARE},
                 {"not_interested", REELS_EVENT_NOT_INTERESTED},
                 {"report", REELS_EVENT_REPORT}};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].name, name) == 0) {
            return types[i].type;
        }
    }
    return 0;
}

/* A whole number within bounds; NULL, or the name of what is wrong. */
static const char *read_number(
    const json_t *event, const char *name, int64_t min, int64_t max, int needed, int64_t *out)
{
    json_t *value = json_object_get(event, name);
    *out = 0;
    if (value == NULL) {
        return needed ? name : NULL;
    }
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max) {
        return name;
    }
    *out = (int64_t)json_integer_value(value);
    return NULL;
}

/* "session": 16 hexadecimal digits. */
static const char *read_session(const json_t *event, uint64_t *out)
{
    const char *text = json_text(event, "session");
    if (text == NULL || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16) {
        return "session";
    }
    *out = strtoull(text, NULL, 16);
    return NULL;
}

static const char *read_reason(const json_t *event, char *out, size_t capacity)
{
    json_t *value = json_object_get(event, "reason");
    const char *text = json_text(event, "reason");
    if (value == NULL) {
        return NULL;
    }
    if (text == NULL || strlen(text) >= capacity ||
        strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(text)) {
        return "reason";
    }
    memcpy(out, text, strlen(text) + 1);
    return NULL;
}

/* Reads one event; NULL, or the name of the member that is wrong. */
static const char *read_event(const json_t *json, reels_event *out)
{
    const char *wrong = NULL;
    int64_t number = 0;
    memset(out, 0, sizeof(*out));
    out->struct_size = sizeof(*out);
    const char *type = json_text(json, "type");
    out->type = type != NULL ? event_type(type) : 0;
    const char *reel = json_text(json, "reel_id");
    if (out->type == 0) {
        return "type";
    }
    if (reel == NULL || strlen(reel) > 32) {
        return "reel_id";
    }
    if (!id_from_text(reel, &out->reel_id)) {
        out->reel_id = INT64_MAX; /* an ID that cannot be one is that of no reel: rejected alone */
    }
    wrong = read_session(json, &out->source);
    if (wrong == NULL) {
        wrong = read_number(json, "sequence", 1, UINT32_MAX, 1, &number);
        out->sequence = (uint64_t)number;
    }
    if (wrong == NULL) {
        wrong = read_number(json, "playback", 1, UINT32_MAX, 1, &number);
        out->playback = (uint64_t)number;
    }
    if (wrong == NULL) {
        wrong = read_number(json, "watch_ms", 0, 60000, 0, &number);
        out->watch_us = number * 1000;
    }
    if (wrong == NULL) {
        wrong = read_number(json, "position_ms", 0, 1000000, 0, &number);
        out->position_us = number * 1000;
    }
    if (wrong == NULL) {
        wrong = read_number(json, "time_ms", 0, INT64_C(9007199254740991), 0, &number);
        out->client_time_unix_us = number <= INT64_MAX / 1000 ? number * 1000 : 0;
    }
    return wrong != NULL ? wrong : read_reason(json, out->reason, sizeof(out->reason));
}

static const char *rejection_code(reels_status status)
{
    return status == REELS_ERR_NOT_FOUND ? "not_found" : "invalid_value";
}

static void answer_events(struct request *request, const reels_status *statuses, size_t count)
{
    json_t *rejected = json_array();
    int accepted = 0;
    for (size_t i = 0; i < count; i++) {
        accepted += statuses[i] == REELS_OK;
        if (statuses[i] != REELS_OK) {
            (void)json_array_append_new(rejected,
                                        json_pack("{s:i,s:s,s:s}",
                                                  "index",
                                                  (int)i,
                                                  "code",
                                                  rejection_code(statuses[i]),
                                                  "message",
                                                  reels_status_text(statuses[i])));
        }
    }
    answer_json(
        request,
        200,
        json_pack("{s:i,s:i,s:o}", "accepted", accepted, "repeated", 0, "rejected", rejected));
}

/* Reads the whole batch; the number of events, or 0 after having answered. */
static size_t read_events(struct request *request, const json_t *body, reels_event *out)
{
    json_t *array = json_object_get(body, "events");
    size_t count = json_array_size(array);
    if (!json_is_array(array) || count < 1 || count > EVENTS_MAX) {
        answer_error(request, 422, "invalid_value", "events is an array of 1 to %d", EVENTS_MAX);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        const char *wrong = read_event(json_array_get(array, i), &out[i]);
        if (wrong != NULL) {
            answer_error(request, 422, "invalid_value", "events[%zu].%s", i, wrong);
            return 0;
        }
    }
    return count;
}

void handle_events(struct request *request)
{
    reels_error err = {.struct_size = sizeof(err)};
    reels_status statuses[EVENTS_MAX];
    json_t *body = request_json(request);
    if (body == NULL) {
        return;
    }
    reels_event *events = calloc(EVENTS_MAX, sizeof(*events));
    size_t count = 0;
    if (events == NULL) {
        answer_error(request, 503, "unavailable", "no memory");
    } else {
        count = read_events(request, body, events);
    }
    json_decref(body);
    if (count > 0) {
        reels_status status = reels_platform_events_add(
            request->server->platform, NULL, request->person_id, events, count, statuses, &err);
        if (status != REELS_OK) {
            answer_status(request, status, &err);
        } else {
            answer_events(request, statuses, count);
        }
    }
    free(events);
}
