/* Owns the learner. Every process that serves pages has an index of its own, so its readers of
 * "reel" and "engage" are groups of one that begin at the end: first they stand there, then all
 * READY reels are scanned, then the topics are followed, and nothing falls between. Such groups are
 * numbered, so that there are ever only a few; see backend/group_reader.h. What was watched is
 * written once for all processes, so "person" is read in a shared group that stores its offsets
 * after the rows. */
#include <string.h>

#include "base/checked.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "counter/windows.h"
#include "feed_internal.h"

enum {
    POLL_RECORDS = 1000,
    SCAN_REELS = 100,
    COUNT_REELS = 200,
    IDLE_US = 50000,
    RANK_US = 200000, /* the lists are made anew at most this often */
    JOIN_POLLS_MAX = 8
};

#define HOUR_US INT64_C(3600000000)

static reels_status init_reader(reels_feed *feed,
                                struct reels__group_reader *reader,
                                uint32_t topic,
                                int shared,
                                reels_error *err)
{
    REELS_TRY(reels__group_reader_init(reader,
                                       feed->ctx,
                                       feed->parts.queue,
                                       reels_event_topic_name(topic),
                                       feed->options.partitions_count,
                                       shared ? 0 : REELS__READER_FROM_END,
                                       err));
    reels__group_reader_name(reader, shared ? "feed" : "feed-index", feed->holder);
    return REELS_OK;
}

reels_status reels__feed_readers_init(reels_feed *feed, reels_error *err)
{
    REELS_TRY(init_reader(feed, &feed->reel_reader, REELS_TOPIC_REEL, 0, err));
    REELS_TRY(init_reader(feed, &feed->engage_reader, REELS_TOPIC_ENGAGE, 0, err));
    return init_reader(feed, &feed->person_reader, REELS_TOPIC_PERSON, 1, err);
}

/* Puts a reel into the index or takes it out, as its row says now. */
static reels_status learn_reel(reels_feed *feed, const reels_reel *reel, reels_error *err)
{
    if (reel->state == REELS_REEL_READY && reel->visibility == REELS_VISIBILITY_PUBLIC) {
        return reels__feed_index_put(&feed->index, reel, err);
    }
    reels__feed_index_remove(&feed->index, reel->id);
    return REELS_OK;
}

/* Decodes a record; 0 for bytes that are no event, which are passed over. */
static int decode(const reels_records *records, size_t at, reels_event *event)
{
    reels_record record;
    memset(event, 0, sizeof(*event));
    event->struct_size = sizeof(*event);
    return reels_records_get(records, at, &record) == REELS_OK &&
           reels_event_decode(record.payload, record.payload_len, event, NULL) == REELS_OK;
}

/* What no row can hold is passed over: it could never be dealt with. */
static int is_id(uint64_t number)
{
    return number > 0 && number <= INT64_MAX;
}

static reels_status learn_reels(reels_feed *feed, size_t count, reels_error *err)
{
    for (size_t i = 0; i < count; i++) {
        reels_event event;
        reels_reel reel = {.struct_size = sizeof(reel)};
        if (!decode(feed->reel_reader.records, i, &event) || event.reel_id == 0) {
            continue;
        }
        REELS_TRY(reels_reel_get(feed->parts.reels, NULL, &event.reel_id, 1, &reel, err));
        REELS_TRY(learn_reel(feed, &reel, err));
    }
    return REELS_OK;
}

static void learn_engagement(reels_feed *feed, size_t count)
{
    int64_t now = reels_ctx_now_mono_us(feed->ctx);
    for (size_t i = 0; i < count; i++) {
        reels_event event;
        if (decode(feed->engage_reader.records, i, &event) && event.reel_id != 0) {
            reels__feed_index_touch(&feed->index, event.reel_id, now);
        }
    }
}

static reels_status learn_watched(reels_feed *feed, size_t count, reels_error *err)
{
    size_t made = 0;
    struct reels__watched *watched = reels__mem_calloc(feed->ctx, count + 1, sizeof(*watched));
    if (watched == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for %zu watched reels", count);
    }
    for (size_t i = 0; i < count; i++) {
        reels_event event;
        if (decode(feed->person_reader.records, i, &event) && is_id(event.reel_id) &&
            is_id(event.person_id)) {
            watched[made++] = (struct reels__watched){.person_id = event.person_id,
                                                      .reel_id = event.reel_id,
                                                      .seen_unix_us = event.time_unix_us};
        }
    }
    reels_status status = reels__watched_write(feed, watched, made, err);
    reels__mem_free(feed->ctx, watched);
    return status;
}

/* ---- counts ---- */

static const uint32_t counters[] = {
    REELS_COUNTER_VIEWS, REELS_COUNTER_COMPLETIONS, REELS_COUNTER_LIKES, REELS_COUNTER_SKIPS};
enum {
    COUNTERS = sizeof(counters) / sizeof(counters[0])
};

/* What an hour's counts weigh. */
static double weigh(const int64_t counts[COUNTERS])
{
    return 1.0 * (double)counts[0] + 2.0 * (double)counts[1] + 4.0 * (double)counts[2] -
           0.5 * (double)counts[3];
}

/* windows[0] is the total, the others are hours from the newest to the oldest. */
static void count_reel(reels_feed *feed,
                       uint64_t reel_id,
                       const int64_t *amounts,
                       const int64_t *windows,
                       size_t windows_count,
                       int64_t now)
{
    struct reels__feed_entry counts = {.reel_id = reel_id, .trend_unix_us = now};
    for (size_t w = 1; w < windows_count; w++) {
        int64_t hour[COUNTERS];
        for (size_t c = 0; c < COUNTERS; c++) {
            hour[c] = amounts[c * windows_count + w];
        }
        struct reels__feed_entry then = {.trend = weigh(hour), .trend_unix_us = windows[w]};
        counts.trend += reels__feed_trend_at(&then, now);
    }
    counts.views = amounts[0];
    counts.completions = amounts[windows_count];
    counts.likes = amounts[2 * windows_count];
    counts.skips = amounts[3 * windows_count];
    counts.trend = counts.trend > 0 ? counts.trend : 0;
    reels__feed_index_count(&feed->index, &counts);
}

/* Reads the counts of reels that were counted since. They are read from the stats store, not added
 * up here, so that a restart gives the same trends. A failure marks them again. */
static reels_status refresh_counts(reels_feed *feed, int *out_more, reels_error *err)
{
    uint64_t ids[COUNT_REELS];
    size_t windows_count = 1 + (size_t)feed->options.trending_hours;
    int64_t now_mono = reels_ctx_now_mono_us(feed->ctx);
    size_t count = reels__feed_index_take_unread(&feed->index, now_mono, ids, COUNT_REELS);
    *out_more = count == COUNT_REELS;
    if (count == 0) {
        return REELS_OK;
    }
    int64_t now = reels_ctx_now_unix_us(feed->ctx);
    int64_t *windows = reels__mem_calloc(feed->ctx, windows_count, sizeof(*windows));
    int64_t *amounts =
        reels__mem_calloc(feed->ctx, count * COUNTERS * windows_count, sizeof(*amounts));
    reels_status status = REELS_OK;
    if (windows == NULL || amounts == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to read counts");
        goto out;
    }
    for (size_t w = 1; w < windows_count; w++) {
        windows[w] = now - now % HOUR_US - (int64_t)(w - 1) * HOUR_US;
    }
    status = reels__counter_read_windows(feed->parts.stats,
                                         NULL,
                                         ids,
                                         count,
                                         counters,
                                         COUNTERS,
                                         windows,
                                         windows_count,
                                         amounts,
                                         err);
    for (size_t i = 0; i < count; i++) {
        if (status == REELS_OK) {
            count_reel(
                feed, ids[i], amounts + i * COUNTERS * windows_count, windows, windows_count, now);
        } else {
            reels__feed_index_touch(&feed->index, ids[i], now_mono);
        }
    }
out:
    reels__mem_free(feed->ctx, amounts);
    reels__mem_free(feed->ctx, windows);
    return status;
}

/* ---- stages ---- */

/* Polls until both index readers stand at the end. Their first polls only tell their partitions. */
static reels_status
stand_at_end(struct reels__group_reader *reader, int *out_stands, reels_error *err)
{
    size_t count = 0;
    int changed = 0;
    for (int i = 0; i < JOIN_POLLS_MAX; i++) {
        REELS_TRY(reels__group_reader_poll(reader, 0, 1, &count, &changed, err));
        if (!changed && reader->assigned_count == reader->partitions_count) {
            /* A record that was read here is of a moment before the scan: the scan sees what it
             * did. */
            *out_stands = 1;
            return REELS_OK;
        }
    }
    *out_stands = 0;
    return REELS_OK;
}

static reels_status scan_some(reels_feed *feed, reels_error *err)
{
    size_t count = 0;
    reels_reel *page = reels__mem_calloc(feed->ctx, SCAN_REELS, sizeof(*page));
    if (page == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to scan reels");
    }
    page[0].struct_size = sizeof(page[0]);
    reels_status status = reels_reel_list(feed->parts.reels,
                                          NULL,
                                          REELS_REEL_ORDER_STATE,
                                          REELS_REEL_READY,
                                          feed->scan_cursor,
                                          page,
                                          SCAN_REELS,
                                          &count,
                                          err);
    for (size_t i = 0; status == REELS_OK && i < count; i++) {
        status = learn_reel(feed, &page[i], err);
    }
    if (status == REELS_OK && reels_buf_len(feed->scan_cursor) == 0) {
        feed->stage = REELS__FEED_FOLLOW;
    }
    reels__mem_free(feed->ctx, page);
    return status;
}

static reels_status begin(reels_feed *feed, reels_error *err)
{
    int reel_stands = 0;
    int engage_stands = 0;
    REELS_TRY(stand_at_end(&feed->reel_reader, &reel_stands, err));
    REELS_TRY(stand_at_end(&feed->engage_reader, &engage_stands, err));
    if (reel_stands && engage_stands) {
        reels_buf_clear(feed->scan_cursor);
        feed->stage = REELS__FEED_SCAN;
    }
    return REELS_OK;
}

/* Records that were read and could not be learned from are read again at the next step. */
static reels_status learned(struct reels__group_reader *reader, reels_status status)
{
    if (status < 0) {
        reels__group_reader_rewind(reader);
    }
    return status;
}

/* One go over everything there is to follow. *out_busy: there was something. */
static reels_status follow(reels_feed *feed, int *out_busy, reels_error *err)
{
    size_t count = 0;
    int changed = 0;
    int more = 0;
    *out_busy = 0;
    REELS_TRY(reels__group_reader_poll(&feed->reel_reader, 0, POLL_RECORDS, &count, &changed, err));
    REELS_TRY(learned(&feed->reel_reader, learn_reels(feed, count, err)));
    *out_busy |= count > 0 || changed;
    REELS_TRY(
        reels__group_reader_poll(&feed->engage_reader, 0, POLL_RECORDS, &count, &changed, err));
    learn_engagement(feed, count);
    *out_busy |= count > 0 || changed;
    REELS_TRY(
        reels__group_reader_poll(&feed->person_reader, 0, POLL_RECORDS, &count, &changed, err));
    if (count > 0) {
        REELS_TRY(learned(&feed->person_reader, learn_watched(feed, count, err)));
        REELS_TRY(reels__group_reader_store(&feed->person_reader, err));
    }
    *out_busy |= count > 0 || changed;
    REELS_TRY(refresh_counts(feed, &more, err));
    *out_busy |= more;
    return REELS_OK;
}

static reels_status rank_when_due(reels_feed *feed, int now_or_never, reels_error *err)
{
    int64_t now = reels_ctx_now_mono_us(feed->ctx);
    if (!now_or_never && now - feed->ranked_mono_us < RANK_US) {
        return REELS_OK;
    }
    feed->ranked_mono_us = now;
    return reels__feed_index_rank(&feed->index, reels_ctx_now_unix_us(feed->ctx), err);
}

reels_status
reels_feed_step(reels_feed *feed, int64_t budget_us, int64_t *out_next_due, reels_error *err)
{
    REELS_REQUIRE(feed != NULL && out_next_due != NULL, err, "feed and out_next_due are needed");
    REELS_REQUIRE(budget_us >= 0, err, "budget_us must not be negative");
    int64_t end = reels__i64_add_saturated(reels_ctx_now_mono_us(feed->ctx), budget_us);
    int busy = 1;
    do {
        if (feed->stage == REELS__FEED_JOIN) {
            REELS_TRY(begin(feed, err));
        } else if (feed->stage == REELS__FEED_SCAN) {
            REELS_TRY(scan_some(feed, err));
        } else {
            REELS_TRY(follow(feed, &busy, err));
        }
        REELS_TRY(rank_when_due(feed, !busy, err));
    } while (busy && reels_ctx_now_mono_us(feed->ctx) < end);
    int64_t now = reels_ctx_now_mono_us(feed->ctx);
    *out_next_due = busy ? now : now + IDLE_US;
    return REELS_OK;
}
