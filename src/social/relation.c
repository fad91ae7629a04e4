/* Owns relations. The row is the truth: it is put only if absent and deleted only if present, in
 * one commit with its event, so that doing a thing twice changes and publishes nothing. */
#include "relation.h"

#include <string.h>

#include "backend/scan_page.h"
#include "backend/value.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "event/batch.h"
#include "tables.h"

enum {
    PAIRS_MAX = 10000,
    ROWS_BYTES_MAX = 8 * 1024 * 1024
};

reels_status reels_social_new(reels_ctx *ctx,
                              reels_catalog *catalog,
                              reels_id_generator *ids,
                              reels_reel_store *reels,
                              reels_social **out,
                              reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL && catalog != NULL && ids != NULL && reels != NULL,
                  err,
                  "ctx, catalog, ids and reels are needed");
    const reels_table *tables[] = {reels__relation_table(), reels__comment_table()};
    REELS_TRY(reels_catalog_declare(catalog, NULL, tables, 2, err));
    reels_social *social = reels__mem_zalloc(ctx, sizeof(*social));
    if (social == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for relations");
    }
    *social = (reels_social){.ctx = ctx, .catalog = catalog, .ids = ids, .reels = reels};
    *out = social;
    return REELS_OK;
}

void reels_social_free(reels_social *social)
{
    if (social != NULL) {
        reels__mem_free(social->ctx, social);
    }
}

static int kind_is_known(uint32_t kind)
{
    return kind >= REELS_RELATION_LIKE && kind <= REELS_RELATION_BLOCK;
}

static int kind_is_to_reel(uint32_t kind)
{
    return kind == REELS_RELATION_LIKE || kind == REELS_RELATION_SAVE;
}

static uint32_t event_type_of(uint32_t kind, int on)
{
    static const uint32_t types[][2] = {
        [REELS_RELATION_LIKE] = {REELS_EVENT_UNLIKE, REELS_EVENT_LIKE},
        [REELS_RELATION_SAVE] = {REELS_EVENT_UNSAVE, REELS_EVENT_SAVE},
        [REELS_RELATION_FOLLOW] = {REELS_EVENT_UNFOLLOW, REELS_EVENT_FOLLOW},
        [REELS_RELATION_MUTE] = {REELS_EVENT_UNMUTE, REELS_EVENT_MUTE},
        [REELS_RELATION_BLOCK] = {REELS_EVENT_UNBLOCK, REELS_EVENT_BLOCK},
    };
    return types[kind][on];
}

/* out[i] is 1 where from_ids[i] has the relation to to_ids[i]. Up to PAIRS_MAX pairs. */
static reels_status read_pairs(reels_social *social,
                               const reels_call *call,
                               uint32_t kind,
                               const uint64_t *from_ids,
                               const uint64_t *to_ids,
                               size_t pairs_count,
                               uint8_t *out,
                               reels_error *err)
{
    reels_rows *rows = NULL;
    reels_value *keys = NULL;
    reels_status status = REELS_OK;
    if (pairs_count == 0) {
        return REELS_OK;
    }
    keys = reels__mem_calloc(social->ctx, pairs_count * 3, sizeof(*keys));
    if (keys == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for %zu relations", pairs_count);
    }
    for (size_t i = 0; i < pairs_count; i++) {
        keys[3 * i] = reels__value_id(from_ids[i]);
        keys[3 * i + 1] = reels__value_int(kind);
        keys[3 * i + 2] = reels__value_id(to_ids[i]);
    }
    status = reels_rows_new(social->ctx, ROWS_BYTES_MAX, &rows, err);
    if (status == REELS_OK) {
        status = reels_catalog_get(
            social->catalog, call, reels__relation_table(), keys, pairs_count, rows, err);
    }
    for (size_t i = 0; status == REELS_OK && i < pairs_count; i++) {
        out[i] = reels_rows_get(rows, i, NULL) != NULL;
    }
    reels_rows_free(rows);
    reels__mem_free(social->ctx, keys);
    return status;
}

reels_status reels_relation_has(reels_social *social,
                                const reels_call *call,
                                uint32_t kind,
                                uint64_t from_id,
                                const uint64_t *to_ids,
                                size_t to_count,
                                uint8_t *out,
                                reels_error *err)
{
    REELS_REQUIRE(social != NULL && (to_count == 0 || (to_ids != NULL && out != NULL)),
                  err,
                  "social, to_ids and out are needed");
    REELS_REQUIRE(kind_is_known(kind), err, "kind is unknown");
    REELS_REQUIRE(to_count <= PAIRS_MAX, err, "to_count is at most 10000");
    REELS_REQUIRE(from_id > 0 && from_id <= INT64_MAX, err, "from_id must be a 63-bit ID");
    for (size_t i = 0; i < to_count; i++) {
        REELS_REQUIRE(to_ids[i] <= INT64_MAX, err, "to_ids must be 63-bit IDs");
    }
    if (to_count == 0) {
        return REELS_OK;
    }
    uint64_t *from_ids = reels__mem_calloc(social->ctx, to_count, sizeof(*from_ids));
    if (from_ids == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for %zu relations", to_count);
    }
    for (size_t i = 0; i < to_count; i++) {
        from_ids[i] = from_id;
    }
    reels_status status = read_pairs(social, call, kind, from_ids, to_ids, to_count, out, err);
    reels__mem_free(social->ctx, from_ids);
    return status;
}

reels_status reels__social_reel(reels_social *social,
                                const reels_call *call,
                                uint64_t reel_id,
                                uint64_t person_id,
                                uint64_t *out_creator_id,
                                reels_error *err)
{
    reels_reel reel = {.struct_size = sizeof(reel)};
    REELS_TRY(reels_reel_get(social->reels, call, &reel_id, 1, &reel, err));
    int visible = reel.state == REELS_REEL_READY &&
                  (reel.visibility == REELS_VISIBILITY_PUBLIC || reel.creator_id == person_id);
    if (!visible) {
        return reels__fail(err, REELS_ERR_NOT_FOUND, "there is no such reel");
    }
    REELS_TRY(reels__social_not_apart(social, call, person_id, reel.creator_id, "reel", err));
    *out_creator_id = reel.creator_id;
    return REELS_OK;
}

reels_status reels__social_apart(reels_social *social,
                                 const reels_call *call,
                                 uint64_t person_id,
                                 const uint64_t *other_ids,
                                 size_t others_count,
                                 uint8_t *out,
                                 reels_error *err)
{
    size_t count = others_count;
    memset(out, 0, count);
    if (person_id == 0 || count == 0) {
        return REELS_OK;
    }
    /* Each pair in both directions, in one read. */
    uint64_t *from_ids = reels__mem_calloc(social->ctx, 4 * count, sizeof(*from_ids));
    uint8_t *blocked = reels__mem_zalloc(social->ctx, 2 * count);
    reels_status status = REELS_OK;
    if (from_ids == NULL || blocked == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for %zu relations", count);
    } else {
        uint64_t *to_ids = from_ids + 2 * count;
        for (size_t i = 0; i < count; i++) {
            from_ids[i] = to_ids[count + i] = person_id;
            to_ids[i] = from_ids[count + i] = other_ids[i];
        }
        status = read_pairs(
            social, call, REELS_RELATION_BLOCK, from_ids, to_ids, 2 * count, blocked, err);
    }
    for (size_t i = 0; status == REELS_OK && i < count; i++) {
        out[i] = blocked[i] || blocked[count + i];
    }
    reels__mem_free(social->ctx, blocked);
    reels__mem_free(social->ctx, from_ids);
    return status;
}

reels_status reels__social_not_apart(reels_social *social,
                                     const reels_call *call,
                                     uint64_t person_id,
                                     uint64_t other_id,
                                     const char *what,
                                     reels_error *err)
{
    uint8_t apart = 0;
    REELS_TRY(reels__social_apart(social, call, person_id, &other_id, 1, &apart, err));
    return apart ? reels__fail(err, REELS_ERR_NOT_FOUND, "there is no such %s", what) : REELS_OK;
}

/* Who may enter into this relation. Leaving one is always allowed. Gives the creator of a reel. */
static reels_status check_entry(reels_social *social,
                                const reels_call *call,
                                uint32_t kind,
                                uint64_t from_id,
                                uint64_t to_id,
                                uint64_t *out_creator_id,
                                reels_error *err)
{
    if (kind_is_to_reel(kind)) {
        return reels__social_reel(social, call, to_id, from_id, out_creator_id, err);
    }
    if (kind == REELS_RELATION_FOLLOW) {
        return reels__social_not_apart(social, call, from_id, to_id, "person", err);
    }
    return REELS_OK;
}

static reels_event make_event(reels_social *social,
                              uint32_t kind,
                              int on,
                              uint64_t from_id,
                              uint64_t to_id,
                              uint64_t creator_id)
{
    int to_reel = kind_is_to_reel(kind);
    return (reels_event){.struct_size = sizeof(reels_event),
                         .type = event_type_of(kind, on),
                         .reel_id = to_reel ? to_id : 0,
                         .person_id = from_id,
                         .creator_id = creator_id,
                         .target_id = to_reel ? 0 : to_id,
                         .time_unix_us = reels_ctx_now_unix_us(social->ctx)};
}

/* One relation on or off, with its event. *out_changed is 0 when it was so already. */
static reels_status commit_relation(reels_social *social,
                                    const reels_call *call,
                                    const reels_event *event,
                                    uint32_t kind,
                                    int on,
                                    int *out_changed,
                                    reels_error *err)
{
    uint64_t to_id = kind_is_to_reel(kind) ? event->reel_id : event->target_id;
    reels_value row[REELS__RELATION_COLUMNS] = {reels__value_id(event->person_id),
                                                reels__value_int(kind),
                                                reels__value_id(to_id),
                                                reels__value_time(event->time_unix_us)};
    /* The key columns lead the table, so that the row is also its key. */
    reels_op op = {.table = reels__relation_table(),
                   .values = row,
                   .kind = on ? REELS_OP_PUT : REELS_OP_DELETE,
                   .condition = on ? REELS_IF_ABSENT : REELS_IF_PRESENT};
    reels_commit commit = {
        .struct_size = sizeof(commit), .shard = row[0], .ops = &op, .ops_count = 1};
    reels_commit_result result = {0};
    struct reels__event_batch events;
    reels_status status = reels__event_batch_init(&events, social->ctx, err);
    if (status == REELS_OK) {
        status = reels__event_batch_add(&events, event, err);
    }
    if (status == REELS_OK) {
        reels__event_batch_attach(&events, &commit);
        status = reels_catalog_commit(social->catalog, call, &commit, 1, &result, err);
    }
    reels__event_batch_dispose(&events);
    if (status == REELS_OK && result.status != REELS_OK && result.status != REELS_ERR_CONFLICT) {
        status = reels__fail(err, result.status, "the relation could not be written");
    }
    *out_changed = status == REELS_OK && result.status == REELS_OK;
    return status;
}

/* A block ends follows in both directions. They live in two shards; doing it again mends what a
 * crash between them left. */
static reels_status
end_follows(reels_social *social, const reels_call *call, uint64_t a, uint64_t b, reels_error *err)
{
    int changed = 0;
    reels_event event = make_event(social, REELS_RELATION_FOLLOW, 0, a, b, 0);
    REELS_TRY(commit_relation(social, call, &event, REELS_RELATION_FOLLOW, 0, &changed, err));
    event = make_event(social, REELS_RELATION_FOLLOW, 0, b, a, 0);
    return commit_relation(social, call, &event, REELS_RELATION_FOLLOW, 0, &changed, err);
}

reels_status reels_relation_set(reels_social *social,
                                const reels_call *call,
                                uint32_t kind,
                                uint64_t from_id,
                                uint64_t to_id,
                                int32_t on,
                                int32_t *out_changed,
                                reels_error *err)
{
    REELS_REQUIRE(social != NULL, err, "social is NULL");
    REELS_REQUIRE(kind_is_known(kind), err, "kind is unknown");
    REELS_REQUIRE(from_id > 0 && from_id <= INT64_MAX, err, "from_id must be a 63-bit ID");
    REELS_REQUIRE(to_id > 0 && to_id <= INT64_MAX, err, "to_id must be a 63-bit ID");
    REELS_REQUIRE(on == 0 || on == 1, err, "on must be 0 or 1");
    REELS_REQUIRE(
        kind_is_to_reel(kind) || from_id != to_id, err, "nobody has a relation with themselves");
    uint64_t creator_id = 0;
    int changed = 0;
    if (on) {
        REELS_TRY(check_entry(social, call, kind, from_id, to_id, &creator_id, err));
    }
    reels_event event = make_event(social, kind, on, from_id, to_id, creator_id);
    REELS_TRY(commit_relation(social, call, &event, kind, on, &changed, err));
    if (kind == REELS_RELATION_BLOCK && on) {
        REELS_TRY(end_follows(social, call, from_id, to_id, err));
    }
    if (out_changed != NULL) {
        *out_changed = changed;
    }
    return REELS_OK;
}

reels_status reels_relation_list(reels_social *social,
                                 const reels_call *call,
                                 uint32_t kind,
                                 uint64_t from_id,
                                 reels_buf *cursor,
                                 uint64_t *out,
                                 size_t capacity,
                                 size_t *out_count,
                                 reels_error *err)
{
    REELS_REQUIRE(social != NULL && cursor != NULL && out != NULL && out_count != NULL,
                  err,
                  "social, cursor, out and out_count are needed");
    REELS_REQUIRE(kind_is_known(kind), err, "kind is unknown");
    REELS_REQUIRE(from_id > 0 && from_id <= INT64_MAX, err, "from_id must be a 63-bit ID");
    REELS_REQUIRE(capacity >= 1 && capacity <= PAIRS_MAX, err, "capacity is 1..10000");
    reels_value prefix[2] = {reels__value_id(from_id), reels__value_int(kind)};
    reels_scan scan = {.struct_size = sizeof(scan),
                       .descending = 1,
                       .table = reels__relation_table(),
                       .index = "by_time",
                       .prefix = prefix,
                       .prefix_count = 2,
                       .limit = (uint32_t)capacity};
    reels_rows *rows = NULL;
    reels_status status = reels_rows_new(social->ctx, ROWS_BYTES_MAX, &rows, err);
    if (status == REELS_OK) {
        status = reels__scan_page(social->ctx, social->catalog, call, &scan, cursor, rows, err);
    }
    if (status == REELS_OK) {
        *out_count = reels_rows_count(rows);
        for (size_t i = 0; i < *out_count; i++) {
            out[i] = (uint64_t)reels_rows_get(rows, i, NULL)[REELS__RELATION_TO_ID].integer;
        }
    }
    reels_rows_free(rows);
    return status;
}
