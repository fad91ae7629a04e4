/* Owns the suite of the stats port. */
#include <stdlib.h>
#include <string.h>

#include "run.h"

#define HOUR_US INT64_C(3600000000)
#define AMOUNT_MAX (INT64_C(1) << 62)

static int
writer_open(struct run *run, const char *group, uint32_t partition, reels_stats_writer *out)
{
    EXPECT_OK_OR_0(
        reels_stats_writer_open(run->port, NULL, group, partition, "suite", out, NULL, &run->err));
    return 1;
}

static reels_stats_delta delta(int64_t entity_id, uint32_t counter, int64_t window, int64_t amount)
{
    reels_stats_delta made = {
        .entity_id = entity_id, .window_unix_us = window, .amount = amount, .counter = counter};
    return made;
}

static reels_stats_batch
batch(const char *group, uint32_t partition, uint64_t epoch, uint64_t begin, uint64_t end)
{
    reels_stats_batch made = {.struct_size = sizeof made,
                              .partition = partition,
                              .group = group,
                              .epoch = epoch,
                              .begin_offset = begin,
                              .end_offset = end};
    return made;
}

static int apply(struct run *run, const reels_stats_batch *it, int32_t expected)
{
    reels_stats_result result = {.status = 1};
    EXPECT_OK_OR_0(reels_stats_apply(run->port, NULL, it, 1, &result, &run->err));
    EXPECT_OR_0(result.status == expected);
    EXPECT_OR_0(expected != REELS_OK || result.offset == it->end_offset);
    return 1;
}

/* One counter of one window. */
static int expect_amount(struct run *run,
                         const char *group,
                         int64_t entity_id,
                         uint32_t counter,
                         int64_t window,
                         int64_t amount)
{
    int64_t found = 77;
    reels_stats_query query = {.struct_size = sizeof query,
                               .group = group,
                               .entity_ids = &entity_id,
                               .entities_count = 1,
                               .counters = &counter,
                               .counters_count = 1,
                               .windows_unix_us = &window,
                               .windows_count = 1};
    EXPECT_OK_OR_0(reels_stats_read(run->port, NULL, &query, &found, &run->err));
    EXPECT_OR_0(found == amount);
    return 1;
}

static void a_partition_begins_at_nothing(struct run *run)
{
    reels_stats_writer first = {0};
    reels_stats_writer second = {0};
    reels_stats_writer other = {0};
    reels_buf *state = NULL;
    EXPECT_OK(reels_buf_new(run->ctx, 0, &state, &run->err));
    reels_status status = reels_buf_append(state, (const uint8_t *)"old", 3, &run->err);
    status = status < 0
                 ? status
                 : reels_stats_writer_open(run->port, NULL, "g", 0, "a", &first, state, &run->err);
    size_t state_len = reels_buf_len(state);
    reels_buf_free(state);
    EXPECT(status == REELS_OK && state_len == 0);
    EXPECT(first.offset == 0 && first.epoch > 0);
    TRY(writer_open(run, "g", 0, &second));
    EXPECT(second.epoch > first.epoch && second.offset == 0);
    TRY(writer_open(run, "g", 4294967295u, &other));
    EXPECT(other.offset == 0);
    TRY(expect_amount(run, "g", 1, 1, 0, 0));
    TRY(expect_amount(run, "no such group", 1, 1, 0, 0));
}

static void batches_add_up(struct run *run)
{
    reels_stats_writer writer = {0};
    TRY(writer_open(run, "g", 3, &writer));
    const reels_stats_delta first[] = {delta(1, 1, 0, 5),
                                       delta(1, 1, HOUR_US, 5),
                                       delta(1, 2, 0, -2),
                                       delta(2, 1, 0, 1),
                                       delta(1, 1, 0, 4), /* meets the first */
                                       delta(-9, 4294967295u, -HOUR_US, 0)};
    const reels_stats_delta second[] = {
        delta(1, 1, 0, 100), delta(1, 1, 2 * HOUR_US, 1), delta(-9, 4294967295u, -HOUR_US, 3)};
    reels_stats_batch it = batch("g", 3, writer.epoch, 0, 10);
    it.deltas = first;
    it.deltas_count = COUNT_OF(first);
    TRY(apply(run, &it, REELS_OK));
    it = batch("g", 3, writer.epoch, 10, 11);
    it.deltas = second;
    it.deltas_count = COUNT_OF(second);
    TRY(apply(run, &it, REELS_OK));
    it = batch("g", 3, writer.epoch, 11, 11); /* nothing happened */
    TRY(apply(run, &it, REELS_OK));
    TRY(expect_amount(run, "g", 1, 1, 0, 109));
    TRY(expect_amount(run, "g", 1, 1, HOUR_US, 5));
    TRY(expect_amount(run, "g", 1, 1, 2 * HOUR_US, 1));
    TRY(expect_amount(run, "g", 1, 2, 0, -2));
    TRY(expect_amount(run, "g", 2, 1, 0, 1));
    TRY(expect_amount(run, "g", -9, 4294967295u, -HOUR_US, 3));
    TRY(expect_amount(run, "g", 1, 3, 0, 0));
    TRY(writer_open(run, "g", 3, &writer));
    EXPECT(writer.offset == 11);
}

static void a_batch_counts_once(struct run *run)
{
    reels_stats_writer writer = {0};
    const reels_stats_delta one = delta(1, 1, 0, 1);
    reels_stats_result result = {0};
    TRY(writer_open(run, "g", 0, &writer));
    reels_stats_batch it = batch("g", 0, writer.epoch, 0, 10);
    it.deltas = &one;
    it.deltas_count = 1;
    TRY(apply(run, &it, REELS_OK));
    /* The same again, as after an answer that was lost: the stored offset tells that it was taken.
     */
    EXPECT_OK(reels_stats_apply(run->port, NULL, &it, 1, &result, &run->err));
    EXPECT(result.status == REELS_ERR_CONFLICT && result.offset == 10);
    it = batch("g", 0, writer.epoch, 5, 15);
    it.deltas = &one;
    it.deltas_count = 1;
    TRY(apply(run, &it, REELS_ERR_CONFLICT)); /* overlaps */
    it.begin_offset = 12;
    TRY(apply(run, &it, REELS_ERR_CONFLICT)); /* leaves a gap */
    TRY(expect_amount(run, "g", 1, 1, 0, 1));
}

static void an_older_epoch_is_stale(struct run *run)
{
    reels_stats_writer old = {0};
    reels_stats_writer now = {0};
    const reels_stats_delta one = delta(1, 1, 0, 1);
    TRY(writer_open(run, "g", 0, &old));
    TRY(writer_open(run, "g", 0, &now));
    reels_stats_batch it = batch("g", 0, old.epoch, 0, 10);
    it.deltas = &one;
    it.deltas_count = 1;
    TRY(apply(run, &it, REELS_ERR_STALE));
    it.epoch = now.epoch + 1; /* never opened */
    TRY(apply(run, &it, REELS_ERR_STALE));
    it.epoch = now.epoch;
    it.partition = 1; /* never opened */
    TRY(apply(run, &it, REELS_ERR_STALE));
    it.partition = 0;
    TRY(apply(run, &it, REELS_OK));
    /* Reading on is not held up by a stale writer. */
    it.epoch = old.epoch;
    it.begin_offset = 10;
    it.end_offset = 20;
    TRY(apply(run, &it, REELS_ERR_STALE));
    TRY(expect_amount(run, "g", 1, 1, 0, 1));
}

static void a_batch_is_taken_whole_or_not_at_all(struct run *run)
{
    reels_stats_writer writer = {0};
    const reels_stats_delta full = delta(1, 1, 0, AMOUNT_MAX);
    const reels_stats_delta more[] = {delta(2, 1, 0, 1), delta(1, 1, 0, 1), delta(3, 1, 0, 1)};
    const reels_stats_delta down[] = {delta(1, 1, 0, -AMOUNT_MAX), delta(1, 1, 0, -AMOUNT_MAX)};
    TRY(writer_open(run, "g", 0, &writer));
    reels_stats_batch it = batch("g", 0, writer.epoch, 0, 1);
    it.deltas = &full;
    it.deltas_count = 1;
    TRY(apply(run, &it, REELS_OK));
    it = batch("g", 0, writer.epoch, 1, 2);
    it.deltas = more;
    it.deltas_count = COUNT_OF(more);
    it.state = (const uint8_t *)"state";
    it.state_len = 5;
    reels_stats_result result = {0};
    EXPECT_OK(reels_stats_apply(run->port, NULL, &it, 1, &result, &run->err));
    EXPECT(result.status == REELS_ERR_LIMIT && result.offset == 1);
    TRY(expect_amount(run, "g", 1, 1, 0, AMOUNT_MAX));
    TRY(expect_amount(run, "g", 2, 1, 0, 0));
    TRY(expect_amount(run, "g", 3, 1, 0, 0));
    it.deltas = down;
    it.deltas_count = COUNT_OF(down);
    TRY(apply(run, &it, REELS_OK));
    TRY(expect_amount(run, "g", 1, 1, 0, -AMOUNT_MAX));
    it = batch("g", 0, writer.epoch, 2, 3);
    it.deltas = down;
    it.deltas_count = 1;
    TRY(apply(run, &it, REELS_ERR_LIMIT));
    TRY(expect_amount(run, "g", 1, 1, 0, -AMOUNT_MAX));
}

static int state_expect(struct run *run, const uint8_t *data, size_t len, uint64_t *out_epoch)
{
    reels_buf *state = NULL;
    reels_stats_writer writer = {0};
    EXPECT_OK_OR_0(reels_buf_new(run->ctx, 0, &state, &run->err));
    reels_status status =
        reels_stats_writer_open(run->port, NULL, "g", 7, "b", &writer, state, &run->err);
    int same = status == REELS_OK && reels_buf_len(state) == len &&
               (len == 0 || memcmp(reels_buf_data(state), data, len) == 0);
    reels_buf_free(state);
    EXPECT_OR_0(same);
    *out_epoch = writer.epoch;
    return 1;
}

static void the_state_goes_with_the_offset(struct run *run)
{
    size_t large_len = 3 * 1024 * 1024;
    uint8_t *large = malloc(large_len);
    EXPECT(large != NULL);
    for (size_t i = 0; i < large_len; i++) {
        large[i] = (uint8_t)(i % 253);
    }
    const uint8_t small[] = {0, 255, 0};
    const struct {
        const uint8_t *data;
        size_t len;
    } states[] = {{small, 3}, {large, large_len}, {NULL, 0}, {small, 0}, {NULL, 0}, {small, 1}};
    const uint8_t *kept = NULL;
    size_t kept_len = 0;
    reels_stats_writer writer = {0};
    int held = writer_open(run, "g", 7, &writer);
    for (size_t i = 0; held && i < COUNT_OF(states); i++) {
        reels_stats_batch it = batch("g", 7, writer.epoch, i, i + 1);
        it.state = states[i].data;
        it.state_len = states[i].len;
        held = apply(run, &it, REELS_OK);
        if (states[i].data != NULL) { /* without a state, what is stored stays */
            kept = states[i].data;
            kept_len = states[i].len;
        }
        it.begin_offset = 99; /* what is refused leaves the state alone */
        it.end_offset = 100;
        it.state = small;
        it.state_len = 2;
        held = held && apply(run, &it, REELS_ERR_CONFLICT) &&
               state_expect(run, kept, kept_len, &writer.epoch);
    }
    free(large);
    TRY(held);
}

static void partitions_add_up_in_a_matrix(struct run *run)
{
    enum {
        PARTITIONS = 5
    };
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        reels_stats_writer writer = {0};
        TRY(writer_open(run, "g", p, &writer));
        reels_stats_delta deltas[2 * 3 * 2];
        size_t count = 0;
        for (int64_t e = 1; e <= 2; e++) {
            for (uint32_t c = 1; c <= 3; c++) {
                for (int64_t w = 0; w < 2; w++) {
                    deltas[count++] =
                        delta(e, c, w * HOUR_US, e * 1000 + (int64_t)c * 100 + w * 10 + p);
                }
            }
        }
        reels_stats_batch it = batch("g", p, writer.epoch, 0, 1);
        it.deltas = deltas;
        it.deltas_count = count;
        TRY(apply(run, &it, REELS_OK));
    }
    /* Out of order, with gaps and repeats. */
    const int64_t entities[] = {2, 7, 1, 2};
    const uint32_t counters[] = {3, 1, 9};
    const int64_t windows[] = {HOUR_US, 0, 5 * HOUR_US};
    int64_t amounts[4 * 3 * 3];
    reels_stats_query query = {.struct_size = sizeof query,
                               .group = "g",
                               .entity_ids = entities,
                               .entities_count = 4,
                               .counters = counters,
                               .counters_count = 3,
                               .windows_unix_us = windows,
                               .windows_count = 3};
    memset(amounts, 0x55, sizeof amounts);
    EXPECT_OK(reels_stats_read(run->port, NULL, &query, amounts, &run->err));
    for (size_t e = 0; e < 4; e++) {
        for (size_t c = 0; c < 3; c++) {
            for (size_t w = 0; w < 3; w++) {
                int counted = entities[e] <= 2 && counters[c] <= 3 && windows[w] <= HOUR_US;
                int64_t one =
                    entities[e] * 1000 + (int64_t)counters[c] * 100 + windows[w] / HOUR_US * 10;
                int64_t sum = one * PARTITIONS + PARTITIONS * (PARTITIONS - 1) / 2;
                EXPECT(amounts[(e * 3 + c) * 3 + w] == (counted ? sum : 0));
            }
        }
    }
}

static void a_sum_past_int64_is_a_limit(struct run *run)
{
    for (uint32_t p = 0; p < 2; p++) {
        reels_stats_writer writer = {0};
        const reels_stats_delta full = delta(1, 1, 0, AMOUNT_MAX);
        TRY(writer_open(run, "g", p, &writer));
        reels_stats_batch it = batch("g", p, writer.epoch, 0, 1);
        it.deltas = &full;
        it.deltas_count = 1;
        TRY(apply(run, &it, REELS_OK));
    }
    int64_t entity = 1;
    uint32_t counter = 1;
    int64_t window = 0;
    int64_t amount = 77;
    reels_stats_query query = {.struct_size = sizeof query,
                               .group = "g",
                               .entity_ids = &entity,
                               .entities_count = 1,
                               .counters = &counter,
                               .counters_count = 1,
                               .windows_unix_us = &window,
                               .windows_count = 1};
    EXPECT(reels_stats_read(run->port, NULL, &query, &amount, &run->err) == REELS_ERR_LIMIT);
    EXPECT(amount == 77);
}

static void groups_know_nothing_of_each_other(struct run *run)
{
    static const char *const groups[] = {"g", "G", "g ", "counter/reel.engagement"};
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        reels_stats_writer writer = {0};
        const reels_stats_delta some = delta(1, 1, 0, (int64_t)i + 1);
        TRY(writer_open(run, groups[i], 0, &writer));
        EXPECT(writer.offset == 0);
        reels_stats_batch it = batch(groups[i], 0, writer.epoch, 0, i + 5);
        it.deltas = &some;
        it.deltas_count = 1;
        TRY(apply(run, &it, REELS_OK));
    }
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        reels_stats_writer writer = {0};
        TRY(expect_amount(run, groups[i], 1, 1, 0, (int64_t)i + 1));
        TRY(writer_open(run, groups[i], 0, &writer));
        EXPECT(writer.offset == i + 5);
    }
}

static void batches_of_one_call_stand_alone(struct run *run)
{
    reels_stats_writer writers[2] = {{0}, {0}};
    const reels_stats_delta one = delta(1, 1, 0, 1);
    reels_stats_batch items[4];
    reels_stats_result results[4];
    TRY(writer_open(run, "g", 0, &writers[0]));
    TRY(writer_open(run, "g", 1, &writers[1]));
    items[0] = batch("g", 0, writers[0].epoch, 0, 1);
    items[1] = batch("g", 1, writers[1].epoch, 5, 6);     /* wrong offset */
    items[2] = batch("g", 0, writers[0].epoch, 1, 2);     /* goes on from the first */
    items[3] = batch("g", 1, writers[1].epoch + 9, 0, 1); /* wrong epoch */
    for (size_t i = 0; i < 4; i++) {
        items[i].deltas = &one;
        items[i].deltas_count = 1;
    }
    EXPECT_OK(reels_stats_apply(run->port, NULL, items, 4, results, &run->err));
    EXPECT(results[0].status == REELS_OK && results[0].offset == 1);
    EXPECT(results[1].status == REELS_ERR_CONFLICT && results[1].offset == 0);
    EXPECT(results[2].status == REELS_OK && results[2].offset == 2);
    EXPECT(results[3].status == REELS_ERR_STALE);
    TRY(expect_amount(run, "g", 1, 1, 0, 2));
}

static void purged_entities_are_forgotten(struct run *run)
{
    static const char *const groups[] = {"g", "h"};
    const reels_stats_delta deltas[] = {delta(1, 1, 0, 1),
                                        delta(1, 2, HOUR_US, 1),
                                        delta(2, 1, 0, 1),
                                        delta(0, 1, 0, 1),
                                        delta(INT64_MIN, 1, INT64_MIN, 1)};
    const int64_t gone[] = {1, 99, INT64_MIN};
    reels_stats_writer writer = {0};
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        TRY(writer_open(run, groups[i], 0, &writer));
        reels_stats_batch it = batch(groups[i], 0, writer.epoch, 0, 3);
        it.deltas = deltas;
        it.deltas_count = COUNT_OF(deltas);
        TRY(apply(run, &it, REELS_OK));
    }
    EXPECT_OK(reels_stats_purge(run->port, NULL, gone, 3, &run->err));
    EXPECT_OK(reels_stats_purge(run->port, NULL, gone, 3, &run->err));
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        TRY(expect_amount(run, groups[i], 1, 1, 0, 0));
        TRY(expect_amount(run, groups[i], 1, 2, HOUR_US, 0));
        TRY(expect_amount(run, groups[i], INT64_MIN, 1, INT64_MIN, 0));
        TRY(expect_amount(run, groups[i], 2, 1, 0, 1));
        TRY(expect_amount(run, groups[i], 0, 1, 0, 1));
    }
    /* The offset stays, and counting goes on from nothing. */
    reels_stats_batch it = batch("h", 0, writer.epoch, 3, 4);
    it.deltas = deltas;
    it.deltas_count = 1;
    TRY(apply(run, &it, REELS_OK));
    TRY(expect_amount(run, "h", 1, 1, 0, 1));
}

static int counts_up(struct run *run, reels_stats_writer *writer, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        const reels_stats_delta one = delta((int64_t)(i % 3), 1, 0, 1);
        uint8_t state = (uint8_t)i;
        reels_stats_batch it = batch("g", 7, writer->epoch, i, i + 1);
        it.deltas = &one;
        it.deltas_count = 1;
        it.state = &state;
        it.state_len = 1;
        TRY_OR_0(apply(run, &it, REELS_OK));
    }
    return 1;
}

/* What was counted, the offset and the state agree, and the epoch still grows. */
static int counts_agree(struct run *run, uint64_t counted, reels_stats_writer *writer)
{
    uint8_t state = (uint8_t)(counted - 1);
    uint64_t epoch = 0;
    TRY_OR_0(state_expect(run, &state, 1, &epoch));
    EXPECT_OR_0(epoch > writer->epoch);
    TRY_OR_0(writer_open(run, "g", 7, writer));
    EXPECT_OR_0(writer->epoch > epoch && writer->offset == counted);
    for (int64_t e = 0; e < 3; e++) {
        TRY_OR_0(expect_amount(run, "g", e, 1, 0, (int64_t)(counted / 3)));
    }
    return 1;
}

static void everything_survives_a_restart(struct run *run)
{
    reels_stats_writer writer = {0};
    TRY(writer_open(run, "g", 7, &writer));
    TRY(counts_up(run, &writer, 0, 9));
    TRY(run_reopen(run));
    TRY(counts_agree(run, 9, &writer));
}

static void counts_are_exact_after_power_cuts(struct run *run)
{
    reels_stats_writer writer = {0};
    TRY(writer_open(run, "g", 7, &writer));
    for (uint64_t round = 0; round < 4; round++) {
        TRY(counts_up(run, &writer, round * 6, round * 6 + 6));
        TRY(run_crash(run));
        TRY(counts_agree(run, round * 6 + 6, &writer));
    }
}

static void malformed_calls_are_refused(struct run *run)
{
    reels_stats_writer writer = {0};
    reels_stats_result result = {0};
    const reels_stats_delta large = delta(1, 1, 0, AMOUNT_MAX + 1);
    TRY(writer_open(run, "g", 0, &writer));
    EXPECT(reels_stats_writer_open(run->port, NULL, "", 0, "a", &writer, NULL, &run->err) ==
           REELS_ERR_INVALID_ARG);
    reels_stats_batch it = batch("g", 0, writer.epoch, 5, 4);
    EXPECT(reels_stats_apply(run->port, NULL, &it, 1, &result, &run->err) == REELS_ERR_INVALID_ARG);
    it = batch("g", 0, writer.epoch, 0, 1);
    it.deltas = &large;
    it.deltas_count = 1;
    EXPECT(reels_stats_apply(run->port, NULL, &it, 1, &result, &run->err) == REELS_ERR_INVALID_ARG);
    it.group = "\xff";
    EXPECT(reels_stats_apply(run->port, NULL, &it, 1, &result, &run->err) == REELS_ERR_INVALID_ARG);
}

static void calls_can_be_cancelled(struct run *run)
{
    reels_stats_writer writer = {0};
    reels_stats_result result = {0};
    reels_cancel *cancel = NULL;
    TRY(writer_open(run, "g", 0, &writer));
    EXPECT_OK(reels_cancel_new(run->ctx, &cancel, &run->err));
    reels_cancel_raise(cancel);
    reels_call raised = {.struct_size = sizeof raised, .cancel = cancel};
    reels_call late = {.struct_size = sizeof late, .deadline_mono_us = 1};
    reels_stats_batch it = batch("g", 0, writer.epoch, 0, 1);
    reels_status cancelled = reels_stats_apply(run->port, &raised, &it, 1, &result, &run->err);
    reels_status timed_out = reels_stats_apply(run->port, &late, &it, 1, &result, &run->err);
    reels_cancel_free(cancel);
    EXPECT(cancelled == REELS_ERR_CANCELLED);
    EXPECT(timed_out == REELS_ERR_TIMEOUT);
    TRY(apply(run, &it, REELS_OK)); /* it had no effect */
}

static const struct run_case cases[] = {
    {"a partition begins at nothing", a_partition_begins_at_nothing},
    {"batches add up", batches_add_up},
    {"a batch counts once", a_batch_counts_once},
    {"an older epoch is stale", an_older_epoch_is_stale},
    {"a batch is taken whole or not at all", a_batch_is_taken_whole_or_not_at_all},
    {"the state goes with the offset", the_state_goes_with_the_offset},
    {"partitions add up in a matrix", partitions_add_up_in_a_matrix},
    {"a sum past int64 is a limit", a_sum_past_int64_is_a_limit},
    {"groups know nothing of each other", groups_know_nothing_of_each_other},
    {"batches of one call stand alone", batches_of_one_call_stand_alone},
    {"purged entities are forgotten", purged_entities_are_forgotten},
    {"everything survives a restart", everything_survives_a_restart},
    {"counts are exact after power cuts", counts_are_exact_after_power_cuts},
    {"malformed calls are refused", malformed_calls_are_refused},
    {"a call that is cancelled or late has no effect", calls_can_be_cancelled},
};

reels_status reels_conformance_stats(reels_ctx *ctx,
                                     const reels_conformance_factory *factory,
                                     reels_conformance_report_fn report,
                                     void *user,
                                     uint32_t *out_failed,
                                     reels_error *err)
{
    return run_cases(ctx, factory, cases, COUNT_OF(cases), report, user, out_failed, err);
}
