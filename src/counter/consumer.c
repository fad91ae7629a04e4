/* Owns the counting consumer. For each partition it has, it keeps what was added up since the last
 * store and which sources were heard; a store writes the deltas, the offset they reach to and the
 * dedupe state in one batch. A batch that is refused (somebody else is the writer now, or the
 * offset is not ours) throws all of that away: the partition is opened again and read from the
 * stored offset. So every record is counted by exactly one stored batch.
 * What knows repeats may be megabytes, so it is stored when enough was heard since or it is old,
 * with the offset it belongs to. Whoever opens the partition reads from there on: up to the stored
 * offset events only make repeats known again, from there on they count. */
#include <string.h>

#include <reels/counter.h>

#include "aggregate.h"
#include "base/checked.h"
#include "base/compiler.h"
#include "base/ctx_internal.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "dedupe.h"
#include "kinds.h"

enum {
    DEFAULT_PARTITIONS = 16,
    DEFAULT_WINDOW_US = 1000000,
    WINDOW_US_MIN = 1000,
    WINDOW_US_MAX = 60000000,
    DEFAULT_BATCH_EVENTS = 50000,
    BATCH_EVENTS_MAX =
        100000, /* with one more poll their deltas stay below REELS_STATS_DELTAS_MAX */
    DEFAULT_SOURCES = 16384,
    SOURCES_MAX = 200000, /* their state stays below REELS_STATS_STATE_BYTES_MAX */
    POLL_RECORDS = 4096,
    POLL_BYTES = 1048576,
    RECORDS_BYTES_MAX = 8388608,
    DELTAS_PER_EVENT = 2,        /* the total and the hour */
    STATE_SOURCES_PER_EVENT = 4, /* a state of this many sources a new event is stored at once */
    STATE_SOURCES_FREE = 16,     /* and one of so few always */
    STATE_AGE_US = 60000000,     /* one that is behind for so long in any case */
    STATES_BYTES = 4194304,      /* of the batches that are stored in one call; one more fits */
    HOLDER_BYTES = 64
};

#define HOUR_US INT64_C(3600000000)

struct partition {
    uint32_t number;
    uint32_t queue_epoch;
    int opened;
    uint64_t stats_epoch;
    uint64_t stored_offset; /* the batch begins here */
    uint64_t next_offset;   /* and reaches to here; below it until the state is made up for */
    uint64_t state_offset;  /* what the stored state reaches to */
    uint64_t heard_count;   /* events since then */
    int64_t state_mono_us;  /* when it was stored */
    struct reels__aggregate aggregate;
    struct reels__dedupe dedupe;
};

struct reels_counter {
    reels_ctx *ctx;
    reels_queue *queue;
    reels_stats *stats;
    uint32_t partitions_count;
    uint32_t batch_events_max;
    uint32_t sources_max;
    int64_t window_us;
    uint64_t consumer;            /* 0 = not joined */
    struct partition *partitions; /* one per partition of the topic, by number */
    uint32_t events_pending;
    int64_t pending_since_us; /* monotonic time of the first event not stored yet */
    uint64_t seed;
    reels_records *records;
    reels_buf *state;            /* of the batches, one after the other */
    reels_stats_batch *batches;  /* room for one of each partition */
    reels_stats_result *results; /* the same */
    size_t batches_count;
    char holder[HOLDER_BYTES];
};

static const reels_metric metric_events = {"reels_counter_events",
                                           "Events taken by the counting consumer.",
                                           "outcome",
                                           REELS_METRIC_COUNTER,
                                           0};
static const reels_metric metric_batches = {"reels_counter_batches",
                                            "Batches of deltas stored or refused.",
                                            "outcome",
                                            REELS_METRIC_COUNTER,
                                            0};

static void partition_close(struct partition *partition)
{
    if (partition->opened) {
        reels__aggregate_dispose(&partition->aggregate);
        reels__dedupe_dispose(&partition->dedupe);
    }
    partition->opened = 0;
}

void reels_counter_free(reels_counter *counter)
{
    if (counter == NULL) {
        return;
    }
    if (counter->consumer != 0) {
        (void)reels_queue_group_leave(counter->queue, NULL, counter->consumer, NULL);
    }
    for (uint32_t i = 0; counter->partitions != NULL && i < counter->partitions_count; i++) {
        partition_close(&counter->partitions[i]);
    }
    reels_records_free(counter->records);
    reels_buf_free(counter->state);
    reels__mem_free(counter->ctx, counter->results);
    reels__mem_free(counter->ctx, counter->batches);
    reels__mem_free(counter->ctx, counter->partitions);
    reels__mem_free(counter->ctx, counter);
}

static reels_status
read_options(reels_counter *counter, const reels_counter_options *options, reels_error *err)
{
    reels_counter_options full;
    REELS_TRY(reels__options_read(options, sizeof(full), &full, sizeof(full), "options", err));
    counter->partitions_count =
        full.partitions_count != 0 ? full.partitions_count : DEFAULT_PARTITIONS;
    REELS_REQUIRE(counter->partitions_count <= REELS_QUEUE_PARTITIONS_MAX,
                  err,
                  "partitions_count is at most 1024");
    counter->window_us = full.window_us != 0 ? full.window_us : DEFAULT_WINDOW_US;
    REELS_REQUIRE(counter->window_us >= WINDOW_US_MIN && counter->window_us <= WINDOW_US_MAX,
                  err,
                  "window_us is 1 ms..60 s");
    counter->batch_events_max =
        full.batch_events_max != 0 ? full.batch_events_max : DEFAULT_BATCH_EVENTS;
    REELS_REQUIRE(
        counter->batch_events_max <= BATCH_EVENTS_MAX, err, "batch_events_max is at most 100000");
    counter->sources_max = full.sources_max != 0 ? full.sources_max : DEFAULT_SOURCES;
    REELS_REQUIRE(counter->sources_max >= 16 && counter->sources_max <= SOURCES_MAX,
                  err,
                  "sources_max is 16..200000");
    if (full.holder != NULL) {
        REELS_REQUIRE(
            strlen(full.holder) < sizeof(counter->holder), err, "holder is at most 63 bytes");
        memcpy(counter->holder, full.holder, strlen(full.holder) + 1);
        return REELS_OK;
    }
    uint8_t bytes[8];
    REELS_TRY(reels__random_fill(counter->ctx, bytes, sizeof(bytes), err));
    memcpy(counter->holder, "counter-", 8);
    reels__hex_encode(bytes, sizeof(bytes), counter->holder + 8);
    return REELS_OK;
}

static reels_status
counter_init(reels_counter *counter, const reels_counter_options *options, reels_error *err)
{
    REELS_TRY(read_options(counter, options, err));
    uint8_t seed[8];
    REELS_TRY(reels__random_fill(counter->ctx, seed, sizeof(seed), err));
    memcpy(&counter->seed, seed, sizeof(seed));
    uint32_t partitions = 0;
    REELS_TRY(reels_queue_topic_open(counter->queue,
                                     NULL,
                                     reels_event_topic_name(REELS_TOPIC_ENGAGE),
                                     counter->partitions_count,
                                     &partitions,
                                     err));
    counter->partitions =
        reels__mem_calloc(counter->ctx, counter->partitions_count, sizeof(*counter->partitions));
    counter->batches =
        reels__mem_calloc(counter->ctx, counter->partitions_count, sizeof(*counter->batches));
    counter->results =
        reels__mem_calloc(counter->ctx, counter->partitions_count, sizeof(*counter->results));
    if (counter->partitions == NULL || counter->batches == NULL || counter->results == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for the counting consumer");
    }
    for (uint32_t i = 0; i < counter->partitions_count; i++) {
        counter->partitions[i].number = i;
    }
    REELS_TRY(reels_buf_new(
        counter->ctx, STATES_BYTES + REELS_STATS_STATE_BYTES_MAX, &counter->state, err));
    return reels_records_new(counter->ctx, RECORDS_BYTES_MAX, &counter->records, err);
}

reels_status reels_counter_new(reels_ctx *ctx,
                               reels_queue *queue,
                               reels_stats *stats,
                               const reels_counter_options *options,
                               reels_counter **out,
                               reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(
        ctx != NULL && queue != NULL && stats != NULL, err, "ctx, queue and stats are needed");
    reels_counter *counter = reels__mem_zalloc(ctx, sizeof(*counter));
    if (counter == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for the counting consumer");
    }
    counter->ctx = ctx;
    counter->queue = queue;
    counter->stats = stats;
    reels_status status = counter_init(counter, options, err);
    if (status < 0) {
        reels_counter_free(counter);
        return status;
    }
    *out = counter;
    return REELS_OK;
}

/* Reads the stored state and goes to where it ends, which is where the stored counts end or before.
 */
static reels_status state_read(reels_counter *counter,
                               struct partition *partition,
                               const reels_stats_writer *writer,
                               reels_error *err)
{
    reels__aggregate_init(&partition->aggregate, counter->ctx, counter->seed);
    partition->opened = 1;
    REELS_TRY(reels__dedupe_init(&partition->dedupe, counter->ctx, counter->sources_max, err));
    REELS_TRY(reels__dedupe_read(&partition->dedupe,
                                 reels_buf_data(counter->state),
                                 reels_buf_len(counter->state),
                                 &partition->state_offset,
                                 err));
    if (partition->state_offset > writer->offset) {
        return reels__fail(err, REELS_ERR_CORRUPT, "stored dedupe state is ahead of the counts");
    }
    reels_queue_offset offset = {.partition = partition->number,
                                 .epoch = partition->queue_epoch,
                                 .next = partition->state_offset};
    return reels_queue_seek(counter->queue, NULL, counter->consumer, &offset, 1, err);
}

/* Becomes the writer of a partition and goes to where it left off. */
static reels_status partition_open(reels_counter *counter,
                                   struct partition *partition,
                                   uint32_t queue_epoch,
                                   reels_error *err)
{
    reels_stats_writer writer = {0};
    partition_close(partition);
    reels_buf_clear(counter->state);
    REELS_TRY(reels_stats_writer_open(counter->stats,
                                      NULL,
                                      REELS__COUNTER_GROUP,
                                      partition->number,
                                      counter->holder,
                                      &writer,
                                      counter->state,
                                      err));
    partition->queue_epoch = queue_epoch;
    partition->stats_epoch = writer.epoch;
    partition->stored_offset = writer.offset;
    partition->heard_count = 0;
    partition->state_mono_us = reels_ctx_now_mono_us(counter->ctx);
    reels_status status = state_read(counter, partition, &writer, err);
    partition->next_offset = partition->state_offset;
    if (status < 0) {
        partition_close(partition);
    }
    return status;
}

/* Drops what was added up and not stored, in every partition: all are opened again at the next
 * poll. */
static void rejoin_later(reels_counter *counter)
{
    for (uint32_t i = 0; i < counter->partitions_count; i++) {
        partition_close(&counter->partitions[i]);
    }
    if (counter->consumer != 0) {
        (void)reels_queue_group_leave(counter->queue, NULL, counter->consumer, NULL);
    }
    counter->consumer = 0;
    counter->events_pending = 0;
}

static reels_status join(reels_counter *counter, reels_error *err)
{
    reels_queue_join request = {.struct_size = sizeof(request),
                                .topic = reels_event_topic_name(REELS_TOPIC_ENGAGE),
                                .group = REELS__COUNTER_GROUP,
                                .consumer = counter->holder};
    return reels_queue_group_join(counter->queue, NULL, &request, &counter->consumer, err);
}

/* Opens what is new, closes what was lost, keeps what stayed. */
static reels_status take_assignment(reels_counter *counter, reels_error *err)
{
    reels_queue_assignment *assigned =
        reels__mem_calloc(counter->ctx, counter->partitions_count, sizeof(*assigned));
    uint8_t *mine = reels__mem_zalloc(counter->ctx, counter->partitions_count);
    size_t count = 0;
    reels_status status = REELS_OK;
    if (assigned == NULL || mine == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for the assignment");
        goto out;
    }
    status = reels_queue_assigned(
        counter->queue, NULL, counter->consumer, assigned, counter->partitions_count, &count, err);
    for (size_t i = 0; status == REELS_OK && i < count; i++) {
        if (count > counter->partitions_count ||
            assigned[i].partition >= counter->partitions_count) {
            status =
                reels__fail(err, REELS_ERR_HOST, "the queue gave partitions that are not there");
            break;
        }
        struct partition *partition = &counter->partitions[assigned[i].partition];
        mine[assigned[i].partition] = 1;
        if (!partition->opened || partition->queue_epoch != assigned[i].epoch) {
            status = partition_open(counter, partition, assigned[i].epoch, err);
        }
    }
    for (uint32_t i = 0; status == REELS_OK && i < counter->partitions_count; i++) {
        if (!mine[i]) {
            partition_close(&counter->partitions[i]);
        }
    }
out:
    reels__mem_free(counter->ctx, mine);
    reels__mem_free(counter->ctx, assigned);
    return status;
}

/* Adds one record up. Bytes that are no event, or of a type that this version does not know, are
 * passed over: they are counted by nobody, and must not stop the partition. */
static reels_status add_record(reels_counter *counter,
                               struct partition *partition,
                               const reels_record *record,
                               reels_error *err)
{
    reels_event event = {.struct_size = sizeof(event)};
    const char *outcome = "counted";
    reels_status status = reels_event_decode(record->payload, record->payload_len, &event, NULL);
    struct reels__counter_effect effect = {0};
    int fresh = 1;
    if (status == REELS_ERR_NO_MEMORY) {
        return reels__fail(err, status, "no memory to decode an event");
    }
    if (status == REELS_OK) {
        effect = reels__counter_effect_of(&event);
    }
    if (effect.entity_id == 0) {
        outcome = status == REELS_OK ? "uncounted" : "malformed";
    } else {
        REELS_TRY(reels__aggregate_reserve(&partition->aggregate, DELTAS_PER_EVENT, err));
        REELS_TRY(
            reels__dedupe_take(&partition->dedupe, event.source, event.sequence, &fresh, err));
    }
    if (effect.entity_id != 0 && record->offset < partition->stored_offset) {
        return REELS_OK; /* known again, and counted before */
    }
    if (effect.entity_id != 0 && fresh) {
        int64_t hour = event.time_unix_us - event.time_unix_us % HOUR_US;
        reels__aggregate_add(
            &partition->aggregate, effect.entity_id, effect.counter, 0, effect.amount);
        if (hour != 0) { /* window 0 is the total: a clock that stands at 1970 has no hours */
            reels__aggregate_add(
                &partition->aggregate, effect.entity_id, effect.counter, hour, effect.amount);
        }
    } else if (effect.entity_id != 0) {
        outcome = "repeated";
    }
    reels__metric_add(counter->ctx, &metric_events, outcome, 1);
    return REELS_OK;
}

static reels_status add_records(reels_counter *counter, reels_error *err)
{
    size_t count = reels_records_count(counter->records);
    for (size_t i = 0; i < count; i++) {
        reels_record record;
        REELS_TRY(reels_records_get(counter->records, i, &record));
        REELS_INVARIANT(record.partition < counter->partitions_count, err);
        struct partition *partition = &counter->partitions[record.partition];
        if (!partition->opened || record.epoch != partition->queue_epoch ||
            record.offset < partition->next_offset) {
            continue;
        }
        REELS_TRY(add_record(counter, partition, &record, err));
        partition->next_offset = record.offset + 1;
        partition->heard_count++;
        if (record.offset < partition->stored_offset) {
            continue;
        }
        if (counter->events_pending == 0) {
            counter->pending_since_us = reels_ctx_now_mono_us(counter->ctx);
        }
        counter->events_pending++;
    }
    return REELS_OK;
}

/* ---- storing ---- */

static int state_is_old(const struct partition *partition, int64_t now)
{
    return partition->heard_count > 0 && now - partition->state_mono_us >= STATE_AGE_US;
}

/* Whether there are counts to store, or a state that is old. */
static int store_is_due(const struct partition *partition, int64_t now)
{
    return partition->opened && partition->next_offset >= partition->stored_offset &&
           (partition->next_offset > partition->stored_offset || state_is_old(partition, now));
}

static int state_is_due(const struct partition *partition, int64_t now)
{
    return partition->dedupe.sources_count <=
               partition->heard_count * STATE_SOURCES_PER_EVENT + STATE_SOURCES_FREE ||
           state_is_old(partition, now);
}

static reels_status
add_batch(reels_counter *counter, struct partition *partition, int64_t now, reels_error *err)
{
    reels_stats_batch *batch = &counter->batches[counter->batches_count];
    *batch = (reels_stats_batch){.struct_size = sizeof(*batch),
                                 .partition = partition->number,
                                 .group = REELS__COUNTER_GROUP,
                                 .epoch = partition->stats_epoch,
                                 .begin_offset = partition->stored_offset,
                                 .end_offset = partition->next_offset,
                                 .deltas = partition->aggregate.cells,
                                 .deltas_count = partition->aggregate.cells_count};
    if (state_is_due(partition, now)) {
        size_t begin = reels_buf_len(counter->state);
        REELS_TRY(
            reels__dedupe_write(&partition->dedupe, partition->next_offset, counter->state, err));
        batch->state_len = reels_buf_len(counter->state) - begin;
    }
    counter->batches_count++;
    return REELS_OK;
}

/* What became of a batch. A refusal is not a failure: the partition is opened again. */
static reels_status take_result(reels_counter *counter, size_t at, int64_t now, reels_error *err)
{
    const reels_stats_batch *batch = &counter->batches[at];
    struct partition *partition = &counter->partitions[batch->partition];
    int is_stored = counter->results[at].status == REELS_OK;
    reels__metric_add(counter->ctx, &metric_batches, is_stored ? "stored" : "refused", 1);
    if (!is_stored) {
        return partition_open(counter, partition, partition->queue_epoch, err);
    }
    partition->stored_offset = batch->end_offset;
    if (batch->state != NULL) {
        partition->state_offset = batch->end_offset;
        partition->heard_count = 0;
        partition->state_mono_us = now;
    }
    reels__aggregate_clear(&partition->aggregate);
    return REELS_OK;
}

/* Stores the batches that were added, in one call. */
static reels_status store_batches(reels_counter *counter, int64_t now, reels_error *err)
{
    size_t count = counter->batches_count;
    const uint8_t *state = reels_buf_data(counter->state);
    counter->batches_count = 0;
    if (count == 0) {
        return REELS_OK;
    }
    for (size_t i = 0; i < count; i++) {
        /* Only now: the buffer has moved while it grew. */
        counter->batches[i].state = counter->batches[i].state_len > 0 ? state : NULL;
        state += counter->batches[i].state_len;
    }
    REELS_TRY(
        reels_stats_apply(counter->stats, NULL, counter->batches, count, counter->results, err));
    reels_status status = REELS_OK;
    for (size_t i = 0; i < count && status == REELS_OK; i++) {
        status = take_result(counter, i, now, err);
    }
    reels_buf_clear(counter->state);
    return status;
}

static reels_status store_all(reels_counter *counter, reels_error *err)
{
    int64_t now = reels_ctx_now_mono_us(counter->ctx);
    counter->batches_count = 0;
    reels_buf_clear(counter->state);
    for (uint32_t i = 0; i < counter->partitions_count; i++) {
        if (!store_is_due(&counter->partitions[i], now)) {
            continue;
        }
        REELS_TRY(add_batch(counter, &counter->partitions[i], now, err));
        if (reels_buf_len(counter->state) >= STATES_BYTES) {
            REELS_TRY(store_batches(counter, now, err));
        }
    }
    return store_batches(counter, now, err);
}

reels_status reels_counter_flush(reels_counter *counter, reels_error *err)
{
    REELS_REQUIRE(counter != NULL, err, "counter is NULL");
    reels_status status = store_all(counter, err);
    if (status < 0) {
        /* Whether the batches were taken is not known: only opening again tells. */
        rejoin_later(counter);
        return status;
    }
    counter->events_pending = 0;
    return REELS_OK;
}

static int has_old_state(const reels_counter *counter, int64_t now)
{
    for (uint32_t i = 0; i < counter->partitions_count; i++) {
        const struct partition *partition = &counter->partitions[i];
        if (store_is_due(partition, now) && state_is_old(partition, now)) {
            return 1;
        }
    }
    return 0;
}

static int window_is_full(const reels_counter *counter, int64_t now)
{
    return counter->events_pending >= counter->batch_events_max ||
           (counter->events_pending > 0 && now - counter->pending_since_us >= counter->window_us);
}

/* Polls once, until wait_until at the latest. *out_got: something was read or changed. */
static reels_status
poll_once(reels_counter *counter, int64_t wait_until, int *out_got, reels_error *err)
{
    reels_call call = {.struct_size = sizeof(call), .deadline_mono_us = wait_until};
    uint32_t changed = 0;
    REELS_TRY(reels_queue_poll(counter->queue,
                               &call,
                               counter->consumer,
                               POLL_RECORDS,
                               POLL_BYTES,
                               counter->records,
                               &changed,
                               err));
    *out_got = changed != 0 || reels_records_count(counter->records) > 0;
    if (changed != 0) {
        return take_assignment(counter, err);
    }
    return add_records(counter, err);
}

static reels_status
step(reels_counter *counter, int64_t end, int64_t *out_next_due, reels_error *err)
{
    if (counter->consumer == 0) {
        REELS_TRY(join(counter, err));
    }
    int got = 0;
    int64_t now = reels_ctx_now_mono_us(counter->ctx);
    do {
        /* Without anything pending it waits for a window too: a budget may have no end. */
        int64_t until =
            (counter->events_pending > 0 ? counter->pending_since_us : now) + counter->window_us;
        REELS_TRY(poll_once(counter, until < end ? until : end, &got, err));
        now = reels_ctx_now_mono_us(counter->ctx);
        if (window_is_full(counter, now) || (!got && has_old_state(counter, now))) {
            REELS_TRY(reels_counter_flush(counter, err));
        }
    } while (got && now < end);
    *out_next_due = now;
    if (!got) {
        *out_next_due = counter->events_pending > 0 ? counter->pending_since_us + counter->window_us
                                                    : now + counter->window_us;
    }
    return REELS_OK;
}

reels_status reels_counter_step(reels_counter *counter,
                                int64_t budget_us,
                                int64_t *out_next_due,
                                reels_error *err)
{
    REELS_REQUIRE(
        counter != NULL && out_next_due != NULL, err, "counter and out_next_due are needed");
    REELS_REQUIRE(budget_us >= 0, err, "budget_us must not be negative");
    int64_t now = reels_ctx_now_mono_us(counter->ctx);
    reels_status status =
        step(counter, reels__i64_add_saturated(now, budget_us), out_next_due, err);
    if (status < 0) {
        /* After any failure what was added up may not match what was read: read it again. */
        rejoin_later(counter);
    }
    if (status == REELS_ERR_STALE) {
        /* Asleep for longer than its lease: others count what it had, and it joins them again. */
        *out_next_due = reels_ctx_now_mono_us(counter->ctx);
        return REELS_OK;
    }
    return status;
}
