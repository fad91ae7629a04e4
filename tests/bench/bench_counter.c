/* How fast events become counts.
 *
 * The events lie in a segment-file queue; the counting consumer reads them and stores deltas,
 * offset and dedupe state in the SQLite stats store. The peers, measured in the same run on the
 * same disk with the same durability (WAL, synchronous=FULL): one UPSERT in its own transaction for
 * each event, as a service that counts without a log does; and the same UPSERTs in transactions of
 * 1000, which loses count of repeats and of where it was after a kill, and is given to show what
 * batching alone is worth. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <reels/counter.h>

enum {
    EVENTS = 1000000,
    REELS = 2000,
    SESSIONS = 4000,
    BATCH = 500,
    PARTITIONS = 4,
    ALONE = 2000,      /* events of the peer without batches */
    TOGETHER = 100000, /* events of the peer with batches */
    TRANSACTION = 1000
};

static double now_s(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(reels_status status, const reels_error *err)
{
    if (status < 0) {
        (void)fprintf(stderr, "bench-counter: %s: %s\n", reels_status_name(status), err->message);
        exit(0); /* a benchmark reports and never fails a build */
    }
}

/* Event number i: every reel, session and kind in turn, with some disorder. */
static reels_event event_of(uint64_t i)
{
    static const uint32_t types[] = {
        REELS_EVENT_IMPRESSION, REELS_EVENT_VIEW, REELS_EVENT_WATCH, REELS_EVENT_COMPLETE};
    return (reels_event){.struct_size = sizeof(reels_event),
                         .type = types[i % 4],
                         .reel_id = 1 + i * 7919 % REELS,
                         .person_id = 1 + i % SESSIONS,
                         .source = 1 + i % SESSIONS,
                         .sequence = 1 + i / SESSIONS,
                         .time_unix_us = INT64_C(1790000000000000) + (int64_t)i * 1000,
                         .watch_us = 4000000,
                         .position_us = 4000000};
}

static void fill_queue(reels_ctx *ctx, reels_queue *queue, reels_error *err)
{
    static reels_record records[BATCH];
    static uint8_t keys[BATCH][8];
    static size_t begins[BATCH + 1];
    uint32_t partitions = 0;
    reels_buf *payloads = NULL;
    must(reels_queue_topic_open(queue, NULL, "engage", PARTITIONS, &partitions, err), err);
    must(reels_buf_new(ctx, 0, &payloads, err), err);
    for (uint64_t begin = 0; begin < EVENTS; begin += BATCH) {
        reels_buf_clear(payloads);
        for (uint64_t i = 0; i < BATCH; i++) {
            reels_event event = event_of(begin + i);
            begins[i] = reels_buf_len(payloads);
            must(reels_event_encode(&event, payloads, err), err);
            begins[i + 1] = reels_buf_len(payloads);
            for (unsigned b = 0; b < 8; b++) {
                keys[i][b] = (uint8_t)(event.reel_id >> (8 * b));
            }
        }
        for (size_t i = 0; i < BATCH; i++) {
            records[i] = (reels_record){.key = keys[i],
                                        .key_len = 8,
                                        .payload = reels_buf_data(payloads) + begins[i],
                                        .payload_len = begins[i + 1] - begins[i]};
        }
        must(reels_queue_append(queue, NULL, "engage", records, BATCH, err), err);
    }
    reels_buf_free(payloads);
}

static int64_t total(reels_stats *stats, uint32_t counter, reels_error *err)
{
    static uint64_t ids[REELS];
    static int64_t counts[REELS];
    int64_t sum = 0;
    for (uint64_t i = 0; i < REELS; i++) {
        ids[i] = i + 1;
    }
    must(reels_counter_read(stats, NULL, ids, REELS, &counter, 1, counts, err), err);
    for (size_t i = 0; i < REELS; i++) {
        sum += counts[i];
    }
    return sum;
}

/* Events a second through the library; exits when the counts are not exact. */
static double run_library(const char *folder, reels_error *err)
{
    char url[512];
    reels_ctx *ctx = NULL;
    reels_queue *queue = NULL;
    reels_stats *stats = NULL;
    reels_counter *counter = NULL;
    int64_t next_due = 0;
    reels_counter_options options = {.struct_size = sizeof(options),
                                     .partitions_count = PARTITIONS};
    must(reels_ctx_new(NULL, &ctx, err), err);
    (void)snprintf(url, sizeof(url), "file:%s/queue", folder);
    must(reels_queue_open(ctx, url, &queue, err), err);
    (void)snprintf(url, sizeof(url), "sqlite:%s/stats.db", folder);
    must(reels_stats_open(ctx, url, &stats, err), err);
    fill_queue(ctx, queue, err);
    must(reels_counter_new(ctx, queue, stats, &options, &counter, err), err);
    double begin = now_s();
    do {
        must(reels_counter_step(counter, 0, &next_due, err), err);
    } while (next_due <= reels_ctx_now_mono_us(ctx));
    /* The rest is stored now and not at the end of its window: waiting is no work. */
    must(reels_counter_flush(counter, err), err);
    double seconds = now_s() - begin;
    if (total(stats, REELS_COUNTER_VIEWS, err) != EVENTS / 4 ||
        total(stats, REELS_COUNTER_WATCH_MS, err) != (int64_t)EVENTS / 4 * 4000) {
        (void)fprintf(stderr, "bench-counter: the counts are not exact\n");
        exit(0);
    }
    reels_counter_free(counter);
    reels_stats_free(stats);
    reels_queue_free(queue);
    reels_ctx_free(ctx);
    return EVENTS / seconds;
}

/* Events a second with one UPSERT each, in transactions of so many. */
static double run_sqlite(const char *folder, uint64_t events, uint64_t transaction)
{
    char path[512];
    sqlite3 *db = NULL;
    sqlite3_stmt *upsert = NULL;
    (void)snprintf(path, sizeof(path), "%s/peer%llu.db", folder, (unsigned long long)transaction);
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "CREATE TABLE counts(reel INTEGER, counter INTEGER, amount INTEGER,"
                     " PRIMARY KEY(reel, counter)) WITHOUT ROWID;",
                     NULL,
                     NULL,
                     NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db,
                           "INSERT INTO counts VALUES(?1, ?2, 1) ON CONFLICT(reel, counter)"
                           " DO UPDATE SET amount = amount + 1",
                           -1,
                           &upsert,
                           NULL) != SQLITE_OK) {
        return 0;
    }
    double begin = now_s();
    for (uint64_t i = 0; i < events; i++) {
        reels_event event = event_of(i);
        if (transaction > 1 && i % transaction == 0) {
            (void)sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
        }
        (void)sqlite3_bind_int64(upsert, 1, (sqlite3_int64)event.reel_id);
        (void)sqlite3_bind_int64(upsert, 2, (sqlite3_int64)event.type);
        if (sqlite3_step(upsert) != SQLITE_DONE) {
            return 0;
        }
        (void)sqlite3_reset(upsert);
        if (transaction > 1 && (i + 1) % transaction == 0) {
            (void)sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
        }
    }
    double seconds = now_s() - begin;
    (void)sqlite3_finalize(upsert);
    (void)sqlite3_close(db);
    return (double)events / seconds;
}

static void report(double value, const char *peer, double peer_value)
{
    (void)printf(
        "{\"bench\": \"counter\", \"metric\": \"aggregation\", \"value\": %.0f, "
        "\"unit\": \"events/s\", \"peer\": \"%s\", \"peer_value\": %.0f, \"ratio\": %.2f}\n",
        value,
        peer,
        peer_value,
        peer_value > 0 ? value / peer_value : 0);
}

int main(void)
{
    char folder[] = "/tmp/bench-counter-XXXXXX";
    char command[128];
    reels_error err = {.struct_size = sizeof(err)};
    if (mkdtemp(folder) == NULL) {
        return 0;
    }
    double value = run_library(folder, &err);
    report(value,
           "one SQLite UPSERT per event, each its own transaction",
           run_sqlite(folder, ALONE, 1));
    report(value,
           "one SQLite UPSERT per event, 1000 in a transaction (not exact after a kill)",
           run_sqlite(folder, TOGETHER, TRANSACTION));
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    if (system(command) != 0) {
        (void)fprintf(stderr, "bench-counter: %s is left\n", folder);
    }
    return 0;
}
