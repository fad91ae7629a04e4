/* Owns the object: its parts, its options and its life. */
#include <string.h>

#include "base/ctx_internal.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "feed_internal.h"

enum {
    DEFAULT_PARTITIONS = 16,
    DEFAULT_PER_SOURCE = 400,
    DEFAULT_SESSION_ITEMS = 60,
    DEFAULT_TRENDING_HOURS = 48,
    TRENDING_HOURS_MAX = 240,
    DEFAULT_INDEX_REELS = 200000,
    INDEX_REELS_MAX = 10000000,
    CURSOR_BYTES_MAX = 8192
};

#define DEFAULT_SESSION_EXPIRES_US INT64_C(3600000000)

static reels_status
read_options(reels_feed *feed, const reels_feed_options *options, reels_error *err)
{
    reels_feed_options *full = &feed->options;
    REELS_TRY(reels__options_read(options, sizeof(*full), full, sizeof(*full), "options", err));
    full->partitions_count =
        full->partitions_count != 0 ? full->partitions_count : DEFAULT_PARTITIONS;
    full->candidates_per_source =
        full->candidates_per_source != 0 ? full->candidates_per_source : DEFAULT_PER_SOURCE;
    full->session_items_max =
        full->session_items_max != 0 ? full->session_items_max : DEFAULT_SESSION_ITEMS;
    full->session_expires_us =
        full->session_expires_us != 0 ? full->session_expires_us : DEFAULT_SESSION_EXPIRES_US;
    full->trending_hours =
        full->trending_hours != 0 ? full->trending_hours : DEFAULT_TRENDING_HOURS;
    full->index_reels_max =
        full->index_reels_max != 0 ? full->index_reels_max : DEFAULT_INDEX_REELS;
    REELS_REQUIRE(full->candidates_per_source <= REELS__FEED_TOP_MAX,
                  err,
                  "candidates_per_source is at most 500");
    REELS_REQUIRE(full->session_items_max >= REELS_FEED_PAGE_ITEMS &&
                      full->session_items_max <= REELS_FEED_SESSION_ITEMS_MAX,
                  err,
                  "session_items_max is 20..100");
    REELS_REQUIRE(full->session_expires_us > 0, err, "session_expires_us must not be negative");
    REELS_REQUIRE(full->trending_hours <= TRENDING_HOURS_MAX, err, "trending_hours is at most 240");
    REELS_REQUIRE(
        full->index_reels_max <= INDEX_REELS_MAX, err, "index_reels_max is at most 10000000");
    if (full->holder != NULL) {
        REELS_REQUIRE(
            strlen(full->holder) < sizeof(feed->holder), err, "holder is at most 47 bytes");
        memcpy(feed->holder, full->holder, strlen(full->holder) + 1);
        full->holder = NULL;
        return REELS_OK;
    }
    uint8_t bytes[8];
    REELS_TRY(reels__random_fill(feed->ctx, bytes, sizeof(bytes), err));
    memcpy(feed->holder, "feed-", 5);
    reels__hex_encode(bytes, sizeof(bytes), feed->holder + 5);
    return REELS_OK;
}

static reels_status read_parts(reels_feed *feed, const reels_feed_parts *parts, reels_error *err)
{
    REELS_TRY(reels__options_read(
        parts, sizeof(feed->parts), &feed->parts, sizeof(feed->parts), "parts", err));
    const reels_feed_parts *p = &feed->parts;
    REELS_REQUIRE(p->catalog != NULL && p->queue != NULL && p->stats != NULL && p->cache != NULL &&
                      p->ids != NULL && p->reels != NULL && p->social != NULL,
                  err,
                  "every part but the model is needed");
    REELS_REQUIRE((reels_queue_features(p->queue) & REELS_QUEUE_HAS_OFFSETS) != 0,
                  err,
                  "the queue must store offsets for the feed");
    return REELS_OK;
}

static reels_status feed_init(reels_feed *feed,
                              const reels_feed_parts *parts,
                              const reels_feed_options *options,
                              reels_error *err)
{
    const reels_table *tables[] = {reels__watched_table(), reels__feed_session_table()};
    REELS_TRY(read_parts(feed, parts, err));
    REELS_TRY(read_options(feed, options, err));
    if (feed->parts.model == NULL) {
        REELS_TRY(reels_model_new(
            feed->ctx, reels__feed_default_model(), NULL, &feed->default_model, err));
        feed->parts.model = feed->default_model;
    }
    REELS_TRY(reels__feed_model_check(feed->parts.model, err));
    REELS_TRY(reels_catalog_declare(feed->parts.catalog, NULL, tables, 2, err));
    REELS_TRY(reels_buf_new(feed->ctx, CURSOR_BYTES_MAX, &feed->scan_cursor, err));
    REELS_TRY(reels__feed_index_init(&feed->index, feed->ctx, feed->options.index_reels_max, err));
    return reels__feed_readers_init(feed, err);
}

reels_status reels_feed_new(reels_ctx *ctx,
                            const reels_feed_parts *parts,
                            const reels_feed_options *options,
                            reels_feed **out,
                            reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL && parts != NULL, err, "ctx and parts are needed");
    reels_feed *feed = reels__mem_zalloc(ctx, sizeof(*feed));
    if (feed == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a feed");
    }
    feed->ctx = ctx;
    reels_status status = feed_init(feed, parts, options, err);
    if (status < 0) {
        reels_feed_free(feed);
        return status;
    }
    *out = feed;
    return REELS_OK;
}

void reels_feed_free(reels_feed *feed)
{
    if (feed == NULL) {
        return;
    }
    reels__group_reader_dispose(&feed->person_reader);
    reels__group_reader_dispose(&feed->engage_reader);
    reels__group_reader_dispose(&feed->reel_reader);
    reels__feed_index_dispose(&feed->index);
    reels_buf_free(feed->scan_cursor);
    reels_model_free(feed->default_model);
    reels__mem_free(feed->ctx, feed);
}
