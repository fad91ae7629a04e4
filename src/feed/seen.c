/* Owns what viewers have seen. The table "watched" is the truth, written by the learner from the
 * topic "person"; until it has come that far, the cache holds what hosts have told
 * (reels_feed_seen), which may be forgotten at the price of a reel shown again within that second.
 */
#include <string.h>

#include "backend/value.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "feed_internal.h"
#include "tables.h"

enum {
    ROWS_BYTES_MAX = 8 * 1024 * 1024,
    SEEN_MAX = 1000,
    COMMITS_MAX = 256, /* of one call to the catalog */
    KEY_BYTES = 21     /* "seen/", the viewer's 8 bytes, the reel's 8 bytes */
};

#define SEEN_TTL_US INT64_C(600000000)

/* One cache key for each pair, so that each is forgotten for itself. */
static void seen_key(uint64_t viewer_id, uint64_t reel_id, uint8_t out[KEY_BYTES])
{
    memcpy(out, "seen/", 5);
    reels__be64_put(out + 5, viewer_id);
    reels__be64_put(out + 13, reel_id);
}

/* One commit per entry: they are of different shards, and one call carries many. */
static reels_status
write_some(reels_feed *feed, const struct reels__watched *watched, size_t count, reels_error *err)
{
    reels_commit *commits = reels__mem_calloc(feed->ctx, count, sizeof(*commits));
    reels_op *ops = reels__mem_calloc(feed->ctx, count, sizeof(*ops));
    reels_value *rows = reels__mem_calloc(feed->ctx, count * REELS__WATCHED_COLUMNS, sizeof(*rows));
    reels_commit_result *results = reels__mem_calloc(feed->ctx, count, sizeof(*results));
    reels_status status = REELS_OK;
    if (commits == NULL || ops == NULL || rows == NULL || results == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to write what was watched");
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        reels_value *row = rows + i * REELS__WATCHED_COLUMNS;
        row[REELS__WATCHED_PERSON_ID] = reels__value_id(watched[i].person_id);
        row[REELS__WATCHED_REEL_ID] = reels__value_id(watched[i].reel_id);
        row[REELS__WATCHED_SEEN_AT] = reels__value_time(watched[i].seen_unix_us);
        ops[i] = (reels_op){.table = reels__watched_table(), .values = row, .kind = REELS_OP_PUT};
        commits[i] = (reels_commit){.struct_size = sizeof(reels_commit),
                                    .shard = row[REELS__WATCHED_PERSON_ID],
                                    .ops = &ops[i],
                                    .ops_count = 1};
    }
    status = reels_catalog_commit(feed->parts.catalog, NULL, commits, count, results, err);
    for (size_t i = 0; status == REELS_OK && i < count; i++) {
        if (results[i].status != REELS_OK) {
            status = reels__fail(err, results[i].status, "what was watched could not be written");
        }
    }
out:
    reels__mem_free(feed->ctx, results);
    reels__mem_free(feed->ctx, rows);
    reels__mem_free(feed->ctx, ops);
    reels__mem_free(feed->ctx, commits);
    return status;
}

reels_status reels__watched_write(reels_feed *feed,
                                  const struct reels__watched *watched,
                                  size_t count,
                                  reels_error *err)
{
    for (size_t at = 0; at < count; at += COMMITS_MAX) {
        size_t batch = count - at < COMMITS_MAX ? count - at : COMMITS_MAX;
        REELS_TRY(write_some(feed, watched + at, batch, err));
    }
    return REELS_OK;
}

reels_status reels_feed_seen(reels_feed *feed,
                             const reels_call *call,
                             uint64_t viewer_id,
                             const uint64_t *reel_ids,
                             size_t reels_count,
                             reels_error *err)
{
    static const uint8_t mark = 1;
    REELS_REQUIRE(feed != NULL && (reels_count == 0 || reel_ids != NULL),
                  err,
                  "feed and reel_ids are needed");
    REELS_REQUIRE(reels_count <= SEEN_MAX, err, "reels_count is at most 1000");
    if (reels_count == 0) {
        return REELS_OK;
    }
    uint8_t(*keys)[KEY_BYTES] = reels__mem_calloc(feed->ctx, reels_count, sizeof(*keys));
    reels_cache_item *items = reels__mem_calloc(feed->ctx, reels_count, sizeof(*items));
    reels_cache_write write = {.struct_size = sizeof(write), .ttl_us = SEEN_TTL_US};
    reels_status status = REELS_OK;
    if (keys == NULL || items == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for what was seen");
        goto out;
    }
    for (size_t i = 0; i < reels_count; i++) {
        seen_key(viewer_id, reel_ids[i], keys[i]);
        items[i] = (reels_cache_item){
            .key = keys[i], .key_len = KEY_BYTES, .value = &mark, .value_len = 1};
    }
    status = reels_cache_put(feed->parts.cache, call, items, reels_count, &write, err);
out:
    reels__mem_free(feed->ctx, items);
    reels__mem_free(feed->ctx, keys);
    return status;
}

/* Drops candidates for which rows holds a row: one row per candidate, in order. */
static void drop_found(const reels_rows *rows, struct reels__candidate *candidates, size_t count)
{
    for (size_t i = 0; i < count && i < reels_rows_count(rows); i++) {
        candidates[i].dropped |= reels_rows_get(rows, i, NULL) != NULL;
    }
}

static reels_status drop_watched(reels_feed *feed,
                                 const reels_call *call,
                                 uint64_t viewer_id,
                                 struct reels__candidate *candidates,
                                 size_t count,
                                 reels_rows *rows,
                                 reels_error *err)
{
    reels_value *keys = reels__mem_calloc(feed->ctx, count * 2, sizeof(*keys));
    if (keys == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to look at %zu candidates", count);
    }
    for (size_t i = 0; i < count; i++) {
        keys[2 * i] = reels__value_id(viewer_id);
        keys[2 * i + 1] = reels__value_id(candidates[i].entry.reel_id);
    }
    reels_status status = reels_catalog_get(
        feed->parts.catalog, call, reels__watched_table(), keys, count, rows, err);
    if (status == REELS_OK) {
        drop_found(rows, candidates, count);
    }
    reels__mem_free(feed->ctx, keys);
    return status;
}

static reels_status drop_cached(reels_feed *feed,
                                const reels_call *call,
                                uint64_t viewer_id,
                                struct reels__candidate *candidates,
                                size_t count,
                                reels_rows *rows,
                                reels_error *err)
{
    uint8_t(*keys)[KEY_BYTES] = reels__mem_calloc(feed->ctx, count, sizeof(*keys));
    reels_cache_name *names = reels__mem_calloc(feed->ctx, count, sizeof(*names));
    reels_status status = REELS_OK;
    if (keys == NULL || names == NULL) {
        status =
            reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to look at %zu candidates", count);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        seen_key(viewer_id, candidates[i].entry.reel_id, keys[i]);
        names[i] = (reels_cache_name){.data = keys[i], .len = KEY_BYTES};
    }
    reels_rows_clear(rows);
    status = reels_cache_get(feed->parts.cache, call, names, count, rows, err);
    if (status == REELS_OK) {
        drop_found(rows, candidates, count);
    }
out:
    reels__mem_free(feed->ctx, names);
    reels__mem_free(feed->ctx, keys);
    return status;
}

reels_status reels__feed_drop_seen(reels_feed *feed,
                                   const reels_call *call,
                                   uint64_t viewer_id,
                                   struct reels__candidate *candidates,
                                   size_t count,
                                   reels_error *err)
{
    reels_rows *rows = NULL;
    if (count == 0) {
        return REELS_OK;
    }
    reels_status status = reels_rows_new(feed->ctx, ROWS_BYTES_MAX, &rows, err);
    if (status == REELS_OK) {
        status = drop_watched(feed, call, viewer_id, candidates, count, rows, err);
    }
    if (status == REELS_OK) {
        status = drop_cached(feed, call, viewer_id, candidates, count, rows, err);
    }
    reels_rows_free(rows);
    return status;
}
