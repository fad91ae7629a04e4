/* The suite of the queue port: records that stay where they were put. Groups are in queue_groups.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue_suite.h"

enum {
    KEY_BYTES = 16,
    CASES_MAX = 64
};

/* The payload of record n: its number and n bytes made of it. */
static size_t payload_make(uint32_t number, uint8_t *out)
{
    memcpy(out, &number, sizeof number);
    for (uint32_t i = 0; i < number; i++) {
        out[sizeof number + i] = (uint8_t)(number * 31 + i);
    }
    return sizeof number + number;
}

static size_t key_make(uint32_t number, char out[KEY_BYTES])
{
    return (size_t)snprintf(out, KEY_BYTES, "key-%u", (unsigned)(number % 17));
}

int queue_suite_topic(struct run *run)
{
    uint32_t partitions = 0;
    EXPECT_OK_OR_0(reels_queue_topic_open(
        run->port, NULL, SUITE_TOPIC, SUITE_PARTITIONS, &partitions, &run->err));
    EXPECT_OR_0(partitions == SUITE_PARTITIONS);
    return 1;
}

/* Appends count records from `first` on in one call, and sees where they were put. */
static int append_many(struct run *run, uint32_t first, size_t count)
{
    reels_record *records = calloc(count, sizeof *records);
    uint8_t *payloads = malloc(count * (SUITE_NUMBERS_MAX + sizeof first));
    char(*keys)[KEY_BYTES] = malloc(count * sizeof *keys);
    int made = records != NULL && payloads != NULL && keys != NULL;
    for (size_t i = 0; i < count && made; i++) {
        uint32_t number = first + (uint32_t)i;
        uint8_t *payload = payloads + i * (SUITE_NUMBERS_MAX + sizeof first);
        records[i] = (reels_record){.key = (const uint8_t *)keys[i],
                                    .key_len = key_make(number, keys[i]),
                                    .payload = payload,
                                    .payload_len = payload_make(number, payload),
                                    .time_unix_us = 1000 + number};
    }
    reels_status status =
        made ? reels_queue_append(run->port, NULL, SUITE_TOPIC, records, count, &run->err)
             : REELS_ERR_NO_MEMORY;
    uint64_t ends[SUITE_PARTITIONS] = {0};
    int right = status == REELS_OK;
    for (size_t i = 0; i < count && right; i++) {
        uint32_t partition =
            reels_queue_partition(records[i].key, records[i].key_len, SUITE_PARTITIONS);
        right = records[i].partition == partition;
        /* Those of one append stand together. */
        right = right && (ends[partition] == 0 || records[i].offset == ends[partition]);
        ends[partition] = records[i].offset + 1;
    }
    free(records);
    free(payloads);
    free(keys);
    EXPECT_OK_OR_0(status);
    EXPECT_OR_0(right);
    return 1;
}

int queue_suite_append(struct run *run, uint32_t first, uint32_t last, int in_one)
{
    if (in_one) {
        return append_many(run, first, last - first + 1);
    }
    for (uint32_t number = first; number <= last; number++) {
        TRY_OR_0(append_many(run, number, 1));
    }
    return 1;
}

int queue_suite_join(struct run *run, const char *group, const char *consumer, struct reader *out)
{
    memset(out, 0, sizeof *out);
    reels_queue_join join = {.struct_size = sizeof join,
                             .topic = SUITE_TOPIC,
                             .group = group,
                             .consumer = consumer,
                             .lease_us = SUITE_LEASE_US};
    EXPECT_OK_OR_0(reels_queue_group_join(run->port, NULL, &join, &out->consumer, &run->err));
    EXPECT_OR_0(out->consumer != 0);
    return 1;
}

int queue_suite_learn(struct run *run, struct reader *reader)
{
    EXPECT_OK_OR_0(reels_queue_assigned(run->port,
                                        NULL,
                                        reader->consumer,
                                        reader->held,
                                        SUITE_PARTITIONS,
                                        &reader->held_count,
                                        &run->err));
    for (size_t i = 0; i < reader->held_count; i++) {
        EXPECT_OR_0(reader->held[i].partition < SUITE_PARTITIONS);
        EXPECT_OR_0(i == 0 || reader->held[i].partition > reader->held[i - 1].partition);
    }
    return 1;
}

int queue_suite_enter(struct run *run, const char *group, const char *consumer, struct reader *out)
{
    TRY_OR_0(queue_suite_join(run, group, consumer, out));
    return queue_suite_learn(run, out);
}

static const reels_queue_assignment *held_of(const struct reader *reader, uint32_t partition)
{
    for (size_t i = 0; i < reader->held_count; i++) {
        if (reader->held[i].partition == partition) {
            return &reader->held[i];
        }
    }
    return NULL;
}

static int record_note(struct run *run,
                       const reels_record *record,
                       const struct reader *reader,
                       uint64_t *ends,
                       struct seen *seen)
{
    uint8_t payload[SUITE_NUMBERS_MAX + sizeof(uint32_t)];
    char key[KEY_BYTES];
    uint32_t number = 0;
    EXPECT_OR_0(record->payload_len >= sizeof number);
    memcpy(&number, record->payload, sizeof number);
    EXPECT_OR_0(number < SUITE_NUMBERS_MAX);
    EXPECT_OR_0(record->payload_len == payload_make(number, payload));
    EXPECT_OR_0(memcmp(record->payload, payload, record->payload_len) == 0);
    EXPECT_OR_0(record->key_len == key_make(number, key));
    EXPECT_OR_0(memcmp(record->key, key, record->key_len) == 0);
    EXPECT_OR_0(record->time_unix_us == 1000 + number);
    EXPECT_OR_0(strcmp(record->topic, SUITE_TOPIC) == 0);
    const reels_queue_assignment *held = held_of(reader, record->partition);
    EXPECT_OR_0(held != NULL && held->epoch == record->epoch);
    EXPECT_OR_0(record->partition ==
                reels_queue_partition(record->key, record->key_len, SUITE_PARTITIONS));
    EXPECT_OR_0(ends[record->partition] == UINT64_MAX || ends[record->partition] == record->offset);
    ends[record->partition] = record->offset + 1;
    seen->offsets[number] = (uint32_t)record->offset;
    seen->partitions[number] = (uint8_t)record->partition;
    seen->times[number]++;
    seen->count++;
    return 1;
}

static int records_note(struct run *run,
                        const reels_records *records,
                        const struct reader *reader,
                        uint64_t *ends,
                        struct seen *seen)
{
    for (size_t i = 0; i < reels_records_count(records); i++) {
        reels_record record;
        EXPECT_OK_OR_0(reels_records_get(records, i, &record));
        TRY_OR_0(record_note(run, &record, reader, ends, seen));
    }
    return 1;
}

static int
drain_into(struct run *run, struct reader *reader, reels_records *records, struct seen *seen)
{
    uint64_t ends[SUITE_PARTITIONS];
    for (size_t i = 0; i < SUITE_PARTITIONS; i++) {
        ends[i] = UINT64_MAX;
    }
    do {
        uint32_t changed = 0;
        EXPECT_OK_OR_0(reels_queue_poll(
            run->port, NULL, reader->consumer, 7, 0, records, &changed, &run->err));
        EXPECT_OR_0(changed == 0);
        EXPECT_OR_0(reels_records_count(records) <= 7);
        TRY_OR_0(records_note(run, records, reader, ends, seen));
    } while (reels_records_count(records) > 0);
    return 1;
}

int queue_suite_drain(struct run *run, struct reader *reader, struct seen *seen)
{
    reels_records *records = NULL;
    EXPECT_OK_OR_0(reels_records_new(run->ctx, 0, &records, &run->err));
    int result = drain_into(run, reader, records, seen);
    reels_records_free(records);
    return result;
}

int queue_suite_expect(
    struct run *run, const struct seen *seen, uint32_t first, uint32_t last, int times)
{
    for (uint32_t number = first; number <= last; number++) {
        EXPECT_OR_0(seen->times[number] == times);
    }
    return 1;
}

int queue_suite_poll(struct run *run, uint64_t consumer, uint32_t *out_changed, size_t *out_count)
{
    reels_records *records = NULL;
    uint32_t changed = 0;
    EXPECT_OK_OR_0(reels_records_new(run->ctx, 0, &records, &run->err));
    reels_status status =
        reels_queue_poll(run->port, NULL, consumer, 100, 0, records, &changed, &run->err);
    size_t count = reels_records_count(records);
    reels_records_free(records);
    EXPECT_OK_OR_0(status);
    if (out_changed != NULL) {
        *out_changed = changed;
    }
    if (out_count != NULL) {
        *out_count = count;
    }
    return 1;
}

static void makes_topics_of_a_fixed_number_of_partitions(struct run *run)
{
    uint32_t partitions = 0;
    EXPECT(reels_queue_topic_open(run->port, NULL, SUITE_TOPIC, 0, &partitions, &run->err) ==
           REELS_ERR_NOT_FOUND);
    TRY(queue_suite_topic(run));
    TRY(queue_suite_topic(run));
    EXPECT_OK(reels_queue_topic_open(run->port, NULL, SUITE_TOPIC, 0, &partitions, &run->err));
    EXPECT(partitions == SUITE_PARTITIONS);
    EXPECT(reels_queue_topic_open(
               run->port, NULL, SUITE_TOPIC, SUITE_PARTITIONS + 1, &partitions, &run->err) ==
           REELS_ERR_CONFLICT);
    EXPECT_OK(reels_queue_topic_open(run->port, NULL, "other", 1, &partitions, &run->err));
    EXPECT(partitions == 1);
}

static void refuses_topics_that_are_not_there(struct run *run)
{
    uint8_t byte = 1;
    reels_record record = {.key = &byte, .key_len = 1};
    EXPECT(reels_queue_append(run->port, NULL, "nothing", &record, 1, &run->err) ==
           REELS_ERR_NOT_FOUND);
    reels_queue_join join = {
        .struct_size = sizeof join, .topic = "nothing", .group = "g", .consumer = "c"};
    uint64_t consumer = 0;
    EXPECT(reels_queue_group_join(run->port, NULL, &join, &consumer, &run->err) ==
           REELS_ERR_NOT_FOUND);
    EXPECT(consumer == 0);
}

static void gives_records_in_order(struct run *run)
{
    struct reader reader;
    struct seen seen = {.count = 0};
    TRY(queue_suite_topic(run));
    TRY(queue_suite_append(run, 0, 99, 0));
    TRY(queue_suite_append(run, 100, 299, 1));
    TRY(queue_suite_enter(run, "group", "one", &reader));
    EXPECT(reader.held_count == SUITE_PARTITIONS);
    TRY(queue_suite_drain(run, &reader, &seen));
    TRY(queue_suite_expect(run, &seen, 0, 299, 1));
    EXPECT(seen.count == 300);
    /* Within a partition the order of appending is the order of offsets, from 0. */
    uint64_t next[SUITE_PARTITIONS] = {0};
    for (uint32_t number = 0; number < 300; number++) {
        EXPECT(seen.offsets[number] == next[seen.partitions[number]]++);
    }
    TRY(queue_suite_append(run, 300, 310, 1));
    TRY(queue_suite_drain(run, &reader, &seen));
    TRY(queue_suite_expect(run, &seen, 0, 310, 1));
}

/* Appends one record of these lengths and reads it back. */
static int round_trip(struct run *run, struct reader *reader, size_t key_len, size_t payload_len)
{
    reels_records *records = NULL;
    uint8_t *bytes = malloc(key_len + payload_len);
    EXPECT_OR_0(bytes != NULL);
    for (size_t i = 0; i < key_len + payload_len; i++) {
        bytes[i] = (uint8_t)(i * 7 + key_len);
    }
    reels_record record = {.key = bytes,
                           .key_len = key_len,
                           .payload = payload_len > 0 ? bytes + key_len : NULL,
                           .payload_len = payload_len};
    reels_record found = {0};
    uint32_t changed = 0;
    reels_status status = reels_records_new(run->ctx, 0, &records, &run->err);
    if (status == REELS_OK) {
        status = reels_queue_append(run->port, NULL, SUITE_TOPIC, &record, 1, &run->err);
    }
    if (status == REELS_OK) {
        status = reels_queue_poll(
            run->port, NULL, reader->consumer, 10, 1, records, &changed, &run->err);
    }
    int right = status == REELS_OK && reels_records_count(records) == 1 &&
                reels_records_get(records, 0, &found) == REELS_OK;
    right = right && found.key_len == key_len && found.payload_len == payload_len &&
            memcmp(found.key, bytes, key_len) == 0 &&
            (payload_len == 0 || memcmp(found.payload, bytes + key_len, payload_len) == 0) &&
            found.offset == record.offset && found.time_unix_us == record.time_unix_us &&
            found.time_unix_us > 0;
    reels_records_free(records);
    free(bytes);
    EXPECT_OR_0(right);
    return 1;
}

static void takes_records_of_every_length(struct run *run)
{
    struct reader reader;
    TRY(queue_suite_topic(run));
    TRY(queue_suite_enter(run, "group", "one", &reader));
    TRY(round_trip(run, &reader, 1, 0));
    TRY(round_trip(run, &reader, REELS_QUEUE_RECORD_KEY_BYTES_MAX, 0));
    TRY(round_trip(run, &reader, 3, 1));
    TRY(round_trip(run, &reader, 8, 65536));
    TRY(round_trip(
        run, &reader, REELS_QUEUE_RECORD_KEY_BYTES_MAX, REELS_QUEUE_RECORD_PAYLOAD_BYTES_MAX));
}

static void gives_no_more_than_is_asked_for(struct run *run)
{
    struct reader reader;
    reels_records *records = NULL;
    uint32_t changed = 0;
    TRY(queue_suite_topic(run));
    TRY(queue_suite_append(run, 200, 220, 1)); /* of 204 bytes and more each */
    TRY(queue_suite_enter(run, "group", "one", &reader));
    EXPECT_OK(reels_records_new(run->ctx, 0, &records, &run->err));
    size_t counts[4] = {0};
    static const struct {
        uint32_t records_max;
        uint64_t bytes_max;
    } asks[4] = {{1, 0}, {5, 0}, {100, 1}, {100, 1000}};
    reels_status status = REELS_OK;
    for (size_t i = 0; i < 4 && status == REELS_OK; i++) {
        status = reels_queue_poll(run->port,
                                  NULL,
                                  reader.consumer,
                                  asks[i].records_max,
                                  asks[i].bytes_max,
                                  records,
                                  &changed,
                                  &run->err);
        counts[i] = reels_records_count(records);
    }
    reels_records_free(records);
    EXPECT_OK(status);
    EXPECT(counts[0] == 1 && counts[1] == 5);
    EXPECT(counts[2] == 1);
    EXPECT(counts[3] >= 1 && counts[3] <= 4);
}

static void waits_for_records_until_the_deadline(struct run *run)
{
    struct reader reader;
    reels_records *records = NULL;
    uint32_t changed = 0;
    TRY(queue_suite_topic(run));
    TRY(queue_suite_enter(run, "group", "one", &reader));
    TRY(queue_suite_poll(run, reader.consumer, NULL, NULL));
    EXPECT_OK(reels_records_new(run->ctx, 0, &records, &run->err));
    int64_t begin = reels_ctx_now_mono_us(run->ctx);
    /* Longer than the lease: whoever waits is there. */
    reels_call call = {.struct_size = sizeof call,
                       .deadline_mono_us = begin + SUITE_LEASE_US + SUITE_LEASE_US / 2};
    reels_status status =
        reels_queue_poll(run->port, &call, reader.consumer, 10, 0, records, &changed, &run->err);
    size_t count = reels_records_count(records);
    int64_t end = reels_ctx_now_mono_us(run->ctx);
    reels_records_free(records);
    EXPECT_OK(status);
    EXPECT(count == 0 && changed == 0);
    EXPECT(end >= call.deadline_mono_us);
    EXPECT(end < call.deadline_mono_us + SUITE_LEASE_US);
    TRY(queue_suite_append(run, 1, 1, 0));
    size_t found = 0;
    TRY(queue_suite_poll(run, reader.consumer, &changed, &found));
    EXPECT(changed == 0 && found == 1);
}

static void stops_waiting_when_cancelled(struct run *run)
{
    struct reader reader;
    reels_records *records = NULL;
    reels_cancel *cancel = NULL;
    uint32_t changed = 0;
    TRY(queue_suite_topic(run));
    TRY(queue_suite_enter(run, "group", "one", &reader));
    EXPECT_OK(reels_records_new(run->ctx, 0, &records, &run->err));
    reels_status status = reels_cancel_new(run->ctx, &cancel, &run->err);
    if (status == REELS_OK) {
        reels_cancel_raise(cancel);
        reels_call call = {.struct_size = sizeof call,
                           .deadline_mono_us =
                               reels_ctx_now_mono_us(run->ctx) + INT64_C(3600000000),
                           .cancel = cancel};
        status = reels_queue_poll(
            run->port, &call, reader.consumer, 10, 0, records, &changed, &run->err);
    }
    reels_cancel_free(cancel);
    reels_records_free(records);
    EXPECT(status == REELS_ERR_CANCELLED);
}

static void keeps_records_and_offsets_over_a_restart(struct run *run)
{
    struct reader reader;
    struct seen seen = {.count = 0};
    TRY(queue_suite_topic(run));
    TRY(queue_suite_append(run, 0, 49, 0));
    TRY(queue_suite_append(run, 50, 99, 1));
    TRY(run_reopen(run));
    TRY(queue_suite_topic(run));
    TRY(queue_suite_append(run, 100, 119, 1));
    TRY(queue_suite_enter(run, "group", "one", &reader));
    TRY(queue_suite_drain(run, &reader, &seen));
    TRY(queue_suite_expect(run, &seen, 0, 119, 1));
    uint64_t next[SUITE_PARTITIONS] = {0};
    for (uint32_t number = 0; number < 120; number++) {
        EXPECT(seen.offsets[number] == next[seen.partitions[number]]++);
    }
}

static void keeps_acknowledged_records_over_a_power_cut(struct run *run)
{
    struct reader reader;
    TRY(queue_suite_topic(run));
    for (uint32_t round = 0; round < 4; round++) {
        struct seen seen = {.count = 0};
        TRY(queue_suite_append(run, round * 40, round * 40 + 19, 0));
        TRY(queue_suite_append(run, round * 40 + 20, round * 40 + 39, 1));
        TRY(run_crash(run));
        TRY(queue_suite_enter(run, "group", "one", &reader));
        TRY(queue_suite_drain(run, &reader, &seen));
        TRY(queue_suite_expect(run, &seen, 0, round * 40 + 39, 1));
    }
}

static const struct run_case record_cases[] = {
    {"makes topics of a fixed number of partitions", makes_topics_of_a_fixed_number_of_partitions},
    {"refuses topics that are not there", refuses_topics_that_are_not_there},
    {"gives records in the order of each partition", gives_records_in_order},
    {"takes records of every length", takes_records_of_every_length},
    {"gives no more than is asked for, but one", gives_no_more_than_is_asked_for},
    {"waits for records until the deadline", waits_for_records_until_the_deadline},
    {"stops waiting when cancelled", stops_waiting_when_cancelled},
    {"keeps records and offsets over a restart", keeps_records_and_offsets_over_a_restart},
    {"keeps acknowledged records over a power cut", keeps_acknowledged_records_over_a_power_cut},
};

reels_status reels_conformance_queue(reels_ctx *ctx,
                                     const reels_conformance_factory *factory,
                                     reels_conformance_report_fn report,
                                     void *user,
                                     uint32_t *out_failed,
                                     reels_error *err)
{
    struct run_case all[CASES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(record_cases); i++) {
        all[count++] = record_cases[i];
    }
    for (size_t i = 0; i < queue_suite_group_cases_count && count < CASES_MAX; i++) {
        all[count++] = queue_suite_group_cases[i];
    }
    return run_cases(ctx, factory, all, count, report, user, out_failed, err);
}
