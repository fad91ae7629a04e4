/* The part of the queue's suite that is about groups: who reads what, under which epoch, from
 * where. */
#include <string.h>

#include "queue_suite.h"

/* Sees to it that readers together have every partition once. */
static int expect_shared(struct run *run, const struct reader *readers, size_t count)
{
    int owners[SUITE_PARTITIONS] = {0};
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < readers[i].held_count; j++) {
            owners[readers[i].held[j].partition]++;
        }
    }
    for (size_t i = 0; i < SUITE_PARTITIONS; i++) {
        EXPECT_OR_0(owners[i] == 1);
    }
    return 1;
}

static int expect_changed(struct run *run, const struct reader *reader, uint32_t expected)
{
    uint32_t changed = 0;
    size_t count = 0;
    TRY_OR_0(queue_suite_poll(run, reader->consumer, &changed, &count));
    EXPECT_OR_0(changed == expected);
    EXPECT_OR_0(!changed || count == 0);
    return 1;
}

static int expect_out(struct run *run, const struct reader *reader)
{
    reels_records *records = NULL;
    uint32_t changed = 0;
    reels_queue_assignment held[SUITE_PARTITIONS];
    size_t count = 0;
    EXPECT_OK_OR_0(reels_records_new(run->ctx, 0, &records, &run->err));
    reels_status status =
        reels_queue_poll(run->port, NULL, reader->consumer, 1, 0, records, &changed, &run->err);
    reels_records_free(records);
    EXPECT_OR_0(status == REELS_ERR_STALE);
    EXPECT_OR_0(reels_queue_assigned(
                    run->port, NULL, reader->consumer, held, SUITE_PARTITIONS, &count, &run->err) ==
                REELS_ERR_STALE);
    EXPECT_OK_OR_0(reels_queue_group_leave(run->port, NULL, reader->consumer, &run->err));
    return 1;
}

static void tells_partitions_before_it_gives_records(struct run *run)
{
    struct reader reader;
    TRY(queue_suite_topic(run));
    TRY(queue_suite_append(run, 0, 9, 1));
    TRY(queue_suite_join(run, "group", "one", &reader));
    TRY(expect_changed(run, &reader, 1));
    TRY(expect_changed(run, &reader, 1));
    TRY(queue_suite_learn(run, &reader));
    EXPECT(reader.held_count == SUITE_PARTITIONS);
    TRY(expect_changed(run, &reader, 0));
    size_t count = 0;
    reels_queue_assignment few[1];
    EXPECT(reels_queue_assigned(run->port, NULL, reader.consumer, few, 1, &count, &run->err) ==
           REELS_ERR_BUFFER_TOO_SMALL);
    EXPECT(count == SUITE_PARTITIONS);
}

static void shares_partitions_and_takes_them_back(struct run *run)
{
    struct reader readers[3];
    struct seen seen = {.count = 0};
    TRY(queue_suite_topic(run));
    TRY(queue_suite_enter(run, "group", "one", &readers[0]));
    uint32_t epochs[SUITE_PARTITIONS];
    for (size_t i = 0; i < SUITE_PARTITIONS; i++) {
        epochs[i] = readers[0].held[i].epoch;
    }
    TRY(queue_suite_enter(run, "group", "two", &readers[1]));
    TRY(expect_changed(run, &readers[0], 1));
    TRY(queue_suite_learn(run, &readers[0]));
    TRY(expect_shared(run, readers, 2));
    EXPECT(readers[0].held_count == 2 && readers[1].held_count == 2);
    for (size_t i = 0; i < 2; i++) {
        EXPECT(readers[0].held[i].epoch == epochs[readers[0].held[i].partition]);
        EXPECT(readers[1].held[i].epoch > epochs[readers[1].held[i].partition]);
    }
    TRY(queue_suite_append(run, 0, 99, 1));
    TRY(queue_suite_drain(run, &readers[0], &seen));
    TRY(queue_suite_drain(run, &readers[1], &seen));
    TRY(queue_suite_expect(run, &seen, 0, 99, 1));
    TRY(queue_suite_enter(run, "group", "three", &readers[2]));
    TRY(queue_suite_learn(run, &readers[0]));
    TRY(queue_suite_learn(run, &readers[1]));
    TRY(expect_shared(run, readers, 3));
    EXPECT(readers[2].held_count == 1);
    EXPECT_OK(reels_queue_group_leave(run->port, NULL, readers[0].consumer, &run->err));
    TRY(expect_out(run, &readers[0]));
    TRY(queue_suite_learn(run, &readers[1]));
    TRY(queue_suite_learn(run, &readers[2]));
    TRY(expect_shared(run, readers + 1, 2));
}

static void leaves_consumers_without_partitions_waiting(struct run *run)
{
    struct reader readers[SUITE_PARTITIONS + 1];
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    TRY(queue_suite_topic(run));
    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        TRY(queue_suite_join(run, "group", names[i], &readers[i]));
    }
    size_t without = 0;
    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        TRY(queue_suite_learn(run, &readers[i]));
        without += readers[i].held_count == 0 ? 1 : 0;
        TRY(expect_changed(run, &readers[i], 0));
    }
    TRY(expect_shared(run, readers, COUNT_OF(readers)));
    EXPECT(without == 1);
}

static void gives_the_partitions_of_the_silent_to_others(struct run *run)
{
    struct reader readers[2];
    TRY(queue_suite_topic(run));
    TRY(queue_suite_enter(run, "group", "one", &readers[0]));
    TRY(queue_suite_enter(run, "group", "two", &readers[1]));
    TRY(queue_suite_learn(run, &readers[0]));
    TRY(run_advance(run, SUITE_LEASE_US / 2));
    TRY(expect_changed(run, &readers[1], 0));
    TRY(run_advance(run, SUITE_LEASE_US / 2 + SUITE_LEASE_US / 4));
    /* The second has polled in time; the first has not. */
    TRY(expect_changed(run, &readers[1], 1));
    TRY(queue_suite_learn(run, &readers[1]));
    EXPECT(readers[1].held_count == SUITE_PARTITIONS);
    TRY(expect_out(run, &readers[0]));
    TRY(queue_suite_enter(run, "group", "one", &readers[0]));
    TRY(queue_suite_learn(run, &readers[1]));
    TRY(expect_shared(run, readers, 2));
}

static void lets_a_name_in_once(struct run *run)
{
    struct reader first;
    struct reader second;
    TRY(queue_suite_topic(run));
    TRY(queue_suite_enter(run, "group", "one", &first));
    TRY(queue_suite_enter(run, "group", "one", &second));
    EXPECT(second.held_count == SUITE_PARTITIONS);
    for (size_t i = 0; i < SUITE_PARTITIONS; i++) {
        EXPECT(second.held[i].epoch > first.held[i].epoch);
    }
    TRY(expect_out(run, &first));
    TRY(expect_changed(run, &second, 0));
}

static reels_status
seek(struct run *run, const struct reader *reader, size_t index, uint64_t next, uint32_t epoch_add)
{
    reels_queue_offset offset = {.partition = reader->held[index].partition,
                                 .epoch = reader->held[index].epoch + epoch_add,
                                 .next = next};
    return reels_queue_seek(run->port, NULL, reader->consumer, &offset, 1, &run->err);
}

static void moves_where_it_is_told(struct run *run)
{
    struct reader reader;
    struct seen seen = {.count = 0};
    TRY(queue_suite_topic(run));
    TRY(queue_suite_append(run, 0, 149, 1));
    TRY(queue_suite_enter(run, "group", "one", &reader));
    TRY(queue_suite_drain(run, &reader, &seen));
    TRY(queue_suite_expect(run, &seen, 0, 149, 1));
    for (size_t i = 0; i < reader.held_count; i++) {
        EXPECT_OK(seek(run, &reader, i, 0, 0));
    }
    TRY(queue_suite_drain(run, &reader, &seen));
    TRY(queue_suite_expect(run, &seen, 0, 149, 2));
    /* To the end, and from within. */
    for (size_t i = 0; i < reader.held_count; i++) {
        EXPECT_OK(seek(run, &reader, i, UINT64_MAX, 0));
    }
    TRY(queue_suite_append(run, 150, 160, 1));
    TRY(queue_suite_drain(run, &reader, &seen));
    TRY(queue_suite_expect(run, &seen, 0, 149, 2));
    TRY(queue_suite_expect(run, &seen, 150, 160, 1));
    EXPECT_OK(seek(run, &reader, 0, 3, 0));
    TRY(queue_suite_drain(run, &reader, &seen));
    for (uint32_t number = 0; number <= 160; number++) {
        int again =
            seen.partitions[number] == reader.held[0].partition && seen.offsets[number] >= 3;
        EXPECT(seen.times[number] == (number < 150 ? 2 : 1) + again);
    }
    EXPECT(seek(run, &reader, 0, 0, 1) == REELS_ERR_STALE);
}

static void lets_groups_read_for_themselves(struct run *run)
{
    struct reader first;
    struct reader second;
    struct seen seen = {.count = 0};
    struct seen others = {.count = 0};
    TRY(queue_suite_topic(run));
    TRY(queue_suite_append(run, 0, 29, 1));
    TRY(queue_suite_enter(run, "group", "one", &first));
    TRY(queue_suite_enter(run, "another.group", "one", &second));
    EXPECT(first.held_count == SUITE_PARTITIONS && second.held_count == SUITE_PARTITIONS);
    TRY(queue_suite_drain(run, &first, &seen));
    TRY(queue_suite_drain(run, &second, &others));
    TRY(queue_suite_expect(run, &seen, 0, 29, 1));
    TRY(queue_suite_expect(run, &others, 0, 29, 1));
}

/* 0 when the queue stores no offsets, which it then says. */
static int has_offsets(struct run *run)
{
    if ((reels_queue_features(run->port) & REELS_QUEUE_HAS_OFFSETS) != 0) {
        return 1;
    }
    EXPECT_OR_0(reels_queue_offset_store(run->port, NULL, 1, NULL, 0, &run->err) ==
                REELS_ERR_UNSUPPORTED);
    run_skip(run, "the queue stores no offsets");
    return 0;
}

static reels_status
store(struct run *run, const struct reader *reader, size_t index, uint64_t next, uint32_t epoch_add)
{
    reels_queue_offset offset = {.partition = reader->held[index].partition,
                                 .epoch = reader->held[index].epoch + epoch_add,
                                 .next = next};
    return reels_queue_offset_store(run->port, NULL, reader->consumer, &offset, 1, &run->err);
}

static int expect_stored(struct run *run, const char *group, uint32_t partition, uint64_t next)
{
    reels_queue_offset offset = {.partition = partition};
    EXPECT_OK_OR_0(
        reels_queue_offset_load(run->port, NULL, SUITE_TOPIC, group, &offset, 1, &run->err));
    EXPECT_OR_0(offset.next == next);
    return 1;
}

static void goes_on_at_stored_offsets(struct run *run)
{
    struct reader reader;
    struct seen seen = {.count = 0};
    TRY(has_offsets(run));
    TRY(queue_suite_topic(run));
    TRY(queue_suite_append(run, 0, 99, 1));
    TRY(expect_stored(run, "group", 0, UINT64_MAX));
    TRY(queue_suite_enter(run, "group", "one", &reader));
    EXPECT_OK(store(run, &reader, 1, 5, 0));
    EXPECT(store(run, &reader, 1, 6, 1) == REELS_ERR_STALE);
    TRY(expect_stored(run, "group", reader.held[1].partition, 5));
    TRY(expect_stored(run, "group", reader.held[0].partition, UINT64_MAX));
    TRY(expect_stored(run, "another", reader.held[1].partition, UINT64_MAX));
    EXPECT_OK(reels_queue_group_leave(run->port, NULL, reader.consumer, &run->err));
    EXPECT(store(run, &reader, 1, 7, 0) == REELS_ERR_STALE);
    uint32_t partition = reader.held[1].partition;
    TRY(queue_suite_enter(run, "group", "two", &reader));
    EXPECT(reader.held[1].next == 5 && reader.held[0].next == 0);
    TRY(queue_suite_drain(run, &reader, &seen));
    EXPECT(seen.count == 95);
    for (uint32_t number = 0; number < 100; number++) {
        EXPECT(seen.times[number] == 0 || seen.partitions[number] != partition ||
               seen.offsets[number] >= 5);
    }
    TRY(expect_stored(run, "group", partition, 5));
}

static void keeps_offsets_and_epochs_over_a_power_cut(struct run *run)
{
    struct reader reader;
    TRY(has_offsets(run));
    TRY(queue_suite_topic(run));
    TRY(queue_suite_append(run, 0, 99, 1));
    uint32_t epoch = 0;
    for (uint64_t round = 1; round <= 3; round++) {
        TRY(queue_suite_enter(run, "group", "one", &reader));
        EXPECT(reader.held[2].epoch > epoch);
        EXPECT(reader.held[2].next == round - 1);
        epoch = reader.held[2].epoch;
        EXPECT_OK(store(run, &reader, 2, round, 0));
        TRY(run_crash(run));
        TRY(expect_stored(run, "group", reader.held[2].partition, round));
    }
}

static void tells_how_far_a_group_is(struct run *run)
{
    struct reader reader;
    reels_queue_lag lags[SUITE_PARTITIONS];
    size_t count = 0;
    TRY(queue_suite_topic(run));
    TRY(queue_suite_append(run, 0, 99, 1));
    reels_status status = reels_queue_lags(
        run->port, NULL, SUITE_TOPIC, "group", lags, SUITE_PARTITIONS, &count, &run->err);
    if ((reels_queue_features(run->port) & REELS_QUEUE_HAS_LAG) == 0) {
        EXPECT(status == REELS_ERR_UNSUPPORTED);
        run_skip(run, "the queue tells no lags");
        return;
    }
    EXPECT_OK(status);
    EXPECT(count == SUITE_PARTITIONS);
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        EXPECT(lags[i].partition == i && lags[i].oldest == 0);
        EXPECT(lags[i].stored == UINT64_MAX);
        sum += lags[i].end;
    }
    EXPECT(sum == 100);
    EXPECT(reels_queue_lags(run->port, NULL, SUITE_TOPIC, NULL, lags, 1, &count, &run->err) ==
           REELS_ERR_BUFFER_TOO_SMALL);
    EXPECT(count == SUITE_PARTITIONS);
    TRY(has_offsets(run));
    TRY(queue_suite_enter(run, "group", "one", &reader));
    EXPECT_OK(store(run, &reader, 3, 2, 0));
    EXPECT_OK(reels_queue_lags(
        run->port, NULL, SUITE_TOPIC, "group", lags, SUITE_PARTITIONS, &count, &run->err));
    EXPECT(lags[3].stored == 2 && lags[2].stored == UINT64_MAX);
}

const struct run_case queue_suite_group_cases[] = {
    {"tells partitions before it gives records", tells_partitions_before_it_gives_records},
    {"shares partitions and takes them back", shares_partitions_and_takes_them_back},
    {"leaves consumers without partitions waiting", leaves_consumers_without_partitions_waiting},
    {"gives the partitions of the silent to others", gives_the_partitions_of_the_silent_to_others},
    {"lets a consumer's name in once", lets_a_name_in_once},
    {"moves where it is told", moves_where_it_is_told},
    {"lets groups read for themselves", lets_groups_read_for_themselves},
    {"goes on at stored offsets, under the epoch only", goes_on_at_stored_offsets},
    {"keeps offsets and epochs over a power cut", keeps_offsets_and_epochs_over_a_power_cut},
    {"tells how far a group is", tells_how_far_a_group_is},
};
const size_t queue_suite_group_cases_count = COUNT_OF(queue_suite_group_cases);
