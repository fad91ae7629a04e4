/* Owns sessions: a fixed list of reels, made once, served in pages. That no reel comes twice within
 * a session is so by construction; each page is judged again by what is so now. A cursor is the
 * session's ID and the position to go on at; whose session it is, is a matter of its row. */
#include <string.h>

#include "backend/value.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/number.h"
#include "feed_internal.h"
#include "tables.h"

enum {
    ITEM_BYTES = 28, /* reel, creator, score, sources */
    ROWS_BYTES_MAX = 65536,
    OLDER_MAX = 64, /* looks behind the newest, candidates_per_source at a time */
    CURSOR_MAX = REELS_ID_TEXT_LEN + 1 + 10
};

/* A session as it is stored. */
struct session {
    uint64_t id;
    size_t count;
    struct reels__candidate *items; /* REELS_FEED_SESSION_ITEMS_MAX of them */
};

/* ---- rows ---- */

static void item_write(const struct reels__candidate *item, uint8_t out[ITEM_BYTES])
{
    uint64_t bits = 0;
    memcpy(&bits, &item->score, sizeof(bits));
    reels__le64_put(out, item->entry.reel_id);
    reels__le64_put(out + 8, item->entry.creator_id);
    reels__le64_put(out + 16, bits);
    reels__le32_put(out + 24, item->sources);
}

static void item_read(const uint8_t data[ITEM_BYTES], struct reels__candidate *out)
{
    uint64_t bits = reels__le64_get(data + 16);
    memset(out, 0, sizeof(*out));
    memcpy(&out->score, &bits, sizeof(bits));
    out->entry.reel_id = reels__le64_get(data);
    out->entry.creator_id = reels__le64_get(data + 8);
    out->sources = reels__le32_get(data + 24);
}

static reels_status session_store(reels_feed *feed,
                                  const reels_call *call,
                                  uint64_t viewer_id,
                                  const struct session *session,
                                  reels_error *err)
{
    uint8_t items[REELS_FEED_SESSION_ITEMS_MAX * ITEM_BYTES];
    for (size_t i = 0; i < session->count; i++) {
        item_write(&session->items[i], items + i * ITEM_BYTES);
    }
    int64_t expires = reels__i64_add_saturated(reels_ctx_now_unix_us(feed->ctx),
                                               feed->options.session_expires_us);
    reels_value row[REELS__FEED_SESSION_COLUMNS] = {
        reels__value_id(viewer_id),
        reels__value_id(session->id),
        reels__value_time(expires),
        reels__value_bytes(items, session->count * ITEM_BYTES)};
    reels_op op = {.table = reels__feed_session_table(), .values = row, .kind = REELS_OP_PUT};
    reels_commit commit = {
        .struct_size = sizeof(commit), .shard = row[0], .ops = &op, .ops_count = 1};
    reels_commit_result result = {0};
    REELS_TRY(reels_catalog_commit(feed->parts.catalog, call, &commit, 1, &result, err));
    if (result.status != REELS_OK) {
        return reels__fail(err, result.status, "the session could not be written");
    }
    return REELS_OK;
}

/* *out_found is 0 when the viewer has no such session, or it has expired. */
static reels_status session_load(reels_feed *feed,
                                 const reels_call *call,
                                 uint64_t viewer_id,
                                 struct session *session,
                                 int *out_found,
                                 reels_error *err)
{
    reels_value key[2] = {reels__value_id(viewer_id), reels__value_id(session->id)};
    reels_rows *rows = NULL;
    reels_status status = reels_rows_new(feed->ctx, ROWS_BYTES_MAX, &rows, err);
    if (status == REELS_OK) {
        status = reels_catalog_get(
            feed->parts.catalog, call, reels__feed_session_table(), key, 1, rows, err);
    }
    const reels_value *row = status == REELS_OK ? reels_rows_get(rows, 0, NULL) : NULL;
    *out_found = row != NULL &&
                 row[REELS__FEED_SESSION_EXPIRES_AT].integer > reels_ctx_now_unix_us(feed->ctx);
    if (*out_found) {
        const reels_value *items = &row[REELS__FEED_SESSION_ITEMS];
        session->count = items->len / ITEM_BYTES;
        if (items->len % ITEM_BYTES != 0 || session->count > REELS_FEED_SESSION_ITEMS_MAX) {
            status = reels__fail(err, REELS_ERR_CORRUPT, "a stored session has a wrong length");
            session->count = 0;
        }
        for (size_t i = 0; i < session->count; i++) {
            item_read(items->data + i * ITEM_BYTES, &session->items[i]);
        }
    }
    reels_rows_free(rows);
    return status;
}

/* ---- cursors ---- */

static reels_status
cursor_write(uint64_t session_id, size_t position, reels_buf *cursor, reels_error *err)
{
    char text[CURSOR_MAX + 16];
    REELS_TRY(reels_id_text_write(session_id, text, sizeof(text), err));
    text[REELS_ID_TEXT_LEN] = '.';
    size_t len = REELS_ID_TEXT_LEN + 1;
    char digits[4] = {(char)('0' + position / 100 % 10),
                      (char)('0' + position / 10 % 10),
                      (char)('0' + position % 10),
                      '\0'};
    memcpy(text + len, digits, 3);
    return reels_buf_append(cursor, (const uint8_t *)text, len + 3, err);
}

static reels_status
cursor_read(const char *text, uint64_t *out_session_id, size_t *out_position, reels_error *err)
{
    size_t len = strnlen(text, CURSOR_MAX + 1);
    if (len != REELS_ID_TEXT_LEN + 4 || text[REELS_ID_TEXT_LEN] != '.' ||
        reels_id_text_read(text, REELS_ID_TEXT_LEN, out_session_id, NULL) != REELS_OK ||
        *out_session_id > INT64_MAX) {
        return reels__fail(err, REELS_ERR_INVALID_ARG, "cursor was not made here");
    }
    size_t position = 0;
    for (size_t i = REELS_ID_TEXT_LEN + 1; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return reels__fail(err, REELS_ERR_INVALID_ARG, "cursor was not made here");
        }
        position = position * 10 + (size_t)(text[i] - '0');
    }
    *out_position = position;
    return REELS_OK;
}

/* ---- making ---- */

/* Leaves of the candidates behind the first `kept` those that may be shown. */
static reels_status keep_showable(reels_feed *feed,
                                  const reels_call *call,
                                  uint64_t viewer_id,
                                  struct reels__candidate *candidates,
                                  size_t kept,
                                  size_t *count,
                                  reels_error *err)
{
    struct reels__candidate *added = candidates + kept;
    size_t left = *count - kept;
    REELS_TRY(reels__feed_drop_seen(feed, call, viewer_id, added, left, err));
    left = reels__feed_compact(added, left);
    REELS_TRY(reels__feed_drop_hidden(feed, call, viewer_id, added, left, err));
    *count = kept + reels__feed_compact(added, left);
    return REELS_OK;
}

/* Gathers and filters. Whoever has seen what the sources name first gets older reels. */
static reels_status gather_showable(reels_feed *feed,
                                    const reels_call *call,
                                    uint64_t viewer_id,
                                    struct reels__candidate *candidates,
                                    size_t *out_count,
                                    reels_error *err)
{
    size_t capacity = REELS__FEED_CANDIDATES_MAX;
    size_t count = 0;
    size_t fresh_at = 0;
    REELS_TRY(
        reels__feed_gather(feed, call, viewer_id, candidates, capacity, &count, &fresh_at, err));
    REELS_TRY(keep_showable(feed, call, viewer_id, candidates, 0, &count, err));
    for (int i = 0; i < OLDER_MAX && count < feed->options.session_items_max; i++) {
        size_t kept = count;
        size_t before = fresh_at;
        REELS_TRY(
            reels__feed_gather_older(feed, candidates, kept, capacity, &fresh_at, &count, err));
        if (fresh_at == before) {
            break;
        }
        REELS_TRY(keep_showable(feed, call, viewer_id, candidates, kept, &count, err));
    }
    *out_count = count;
    return REELS_OK;
}

/* Gathers, filters, scores and orders a new session. */
static reels_status session_make(reels_feed *feed,
                                 const reels_call *call,
                                 uint64_t viewer_id,
                                 struct session *session,
                                 reels_error *err)
{
    size_t count = 0;
    struct reels__candidate *candidates =
        reels__mem_calloc(feed->ctx, REELS__FEED_CANDIDATES_MAX, sizeof(*candidates));
    if (candidates == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for candidates");
    }
    reels_status status = gather_showable(feed, call, viewer_id, candidates, &count, err);
    if (status == REELS_OK) {
        status = reels__feed_score(feed->ctx,
                                   feed->parts.model,
                                   call,
                                   candidates,
                                   count,
                                   reels_ctx_now_unix_us(feed->ctx),
                                   err);
    }
    if (status == REELS_OK) {
        session->count = reels__feed_order(candidates, count, feed->options.session_items_max);
        memcpy(session->items, candidates, session->count * sizeof(*candidates));
        status = reels_id_next(feed->parts.ids, call, &session->id, err);
    }
    if (status == REELS_OK && session->count > 0) {
        status = session_store(feed, call, viewer_id, session, err);
    }
    reels__mem_free(feed->ctx, candidates);
    return status;
}

/* ---- serving ---- */

/* Fills a page from a position on with what may still be shown. *position moves past what was
 * looked at. */
static reels_status fill_page(reels_feed *feed,
                              const reels_call *call,
                              uint64_t viewer_id,
                              const struct session *session,
                              size_t *position,
                              size_t wanted,
                              reels_feed_item *out,
                              size_t *out_count,
                              reels_error *err)
{
    size_t count = 0;
    while (count < wanted && *position < session->count) {
        struct reels__candidate page[REELS_FEED_PAGE_ITEMS];
        size_t left = session->count - *position;
        size_t batch = wanted - count < left ? wanted - count : left;
        memcpy(page, session->items + *position, batch * sizeof(page[0]));
        REELS_TRY(reels__feed_drop_seen(feed, call, viewer_id, page, batch, err));
        REELS_TRY(reels__feed_drop_hidden(feed, call, viewer_id, page, batch, err));
        for (size_t i = 0; i < batch; i++) {
            if (!page[i].dropped) {
                out[count++] = (reels_feed_item){.struct_size = sizeof(*out),
                                                 .sources = page[i].sources,
                                                 .reel_id = page[i].entry.reel_id,
                                                 .creator_id = page[i].entry.creator_id,
                                                 .score = page[i].score,
                                                 .position = (uint32_t)(*position + i)};
            }
        }
        *position += batch;
    }
    *out_count = count;
    return REELS_OK;
}

/* Finds the session to serve from: the cursor's, or a new one when there is none, when it has
 * expired or is not this viewer's. */
static reels_status find_session(reels_feed *feed,
                                 const reels_call *call,
                                 const reels_feed_request *request,
                                 struct session *session,
                                 size_t *out_position,
                                 reels_error *err)
{
    int found = 0;
    *out_position = 0;
    if (request->cursor != NULL && request->cursor[0] != '\0') {
        REELS_TRY(cursor_read(request->cursor, &session->id, out_position, err));
        REELS_TRY(session_load(feed, call, request->viewer_id, session, &found, err));
    }
    if (found) {
        return REELS_OK;
    }
    *out_position = 0;
    return session_make(feed, call, request->viewer_id, session, err);
}

static reels_status serve(reels_feed *feed,
                          const reels_call *call,
                          const reels_feed_request *request,
                          struct session *session,
                          reels_feed_item *out,
                          size_t *out_count,
                          reels_buf *cursor,
                          reels_error *err)
{
    size_t position = 0;
    size_t wanted = request->items_max != 0 ? request->items_max : REELS_FEED_PAGE_ITEMS;
    size_t count = 0;
    REELS_TRY(find_session(feed, call, request, session, &position, err));
    REELS_TRY(
        fill_page(feed, call, request->viewer_id, session, &position, wanted, out, &count, err));
    reels_buf_clear(cursor);
    if (position < session->count) {
        REELS_TRY(cursor_write(session->id, position, cursor, err));
    }
    *out_count = count;
    return REELS_OK;
}

reels_status reels_feed_page(reels_feed *feed,
                             const reels_call *call,
                             const reels_feed_request *request,
                             reels_feed_item *out,
                             size_t capacity,
                             size_t *out_count,
                             reels_buf *cursor,
                             reels_error *err)
{
    reels_feed_request full;
    REELS_REQUIRE(feed != NULL && request != NULL && out != NULL && out_count != NULL &&
                      cursor != NULL,
                  err,
                  "feed, request, out, out_count and cursor are needed");
    REELS_TRY(reels__options_read(request, sizeof(full), &full, sizeof(full), "request", err));
    REELS_REQUIRE(full.viewer_id > 0 && full.viewer_id <= INT64_MAX,
                  err,
                  "request->viewer_id must be a 63-bit ID");
    REELS_REQUIRE(full.items_max <= REELS_FEED_PAGE_ITEMS, err, "request->items_max is at most 20");
    REELS_REQUIRE(capacity >= (full.items_max != 0 ? full.items_max : REELS_FEED_PAGE_ITEMS),
                  err,
                  "capacity is below the items asked for");
    REELS_REQUIRE(out[0].struct_size == sizeof(*out),
                  err,
                  "out[0].struct_size is not sizeof(reels_feed_item)");
    struct session session = {.items = reels__mem_calloc(feed->ctx,
                                                         REELS_FEED_SESSION_ITEMS_MAX,
                                                         sizeof(struct reels__candidate))};
    if (session.items == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a session");
    }
    reels_status status = serve(feed, call, &full, &session, out, out_count, cursor, err);
    reels__mem_free(feed->ctx, session.items);
    return status;
}
