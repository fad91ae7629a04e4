/* Owns what the files of the queue's suite share: appending numbered records and reading them back.
 */
#ifndef REELS_TESTS_CONFORMANCE_QUEUE_SUITE_H
#define REELS_TESTS_CONFORMANCE_QUEUE_SUITE_H

#include "run.h"

enum {
    SUITE_PARTITIONS = 4,
    SUITE_NUMBERS_MAX = 312,
    SUITE_LEASE_US = 1000000
};

#define SUITE_TOPIC "suite.events-1"

/* Records that were read, by their numbers. */
struct seen {
    uint32_t offsets[SUITE_NUMBERS_MAX];
    uint8_t partitions[SUITE_NUMBERS_MAX];
    uint8_t times[SUITE_NUMBERS_MAX]; /* how often */
    size_t count;
};

/* A consumer and what it has. */
struct reader {
    uint64_t consumer;
    reels_queue_assignment held[SUITE_PARTITIONS];
    size_t held_count;
};

int queue_suite_topic(struct run *run);

/* Appends records first..last, each an append of its own or all in one. */
int queue_suite_append(struct run *run, uint32_t first, uint32_t last, int in_one);

/* Joins; the partitions are not asked for. */
int queue_suite_join(struct run *run, const char *group, const char *consumer, struct reader *out);

/* Asks for the partitions. */
int queue_suite_learn(struct run *run, struct reader *reader);

/* Both. */
int queue_suite_enter(struct run *run, const char *group, const char *consumer, struct reader *out);

/* Polls until nothing comes; adds what came to seen. Fails when partitions change, when a record is
 * not what was appended, when order within a partition is broken, or when it is not the reader's
 * partition. */
int queue_suite_drain(struct run *run, struct reader *reader, struct seen *seen);

/* Expects each of first..last so often. */
int queue_suite_expect(
    struct run *run, const struct seen *seen, uint32_t first, uint32_t last, int times);

/* Polls once without waiting; *out_changed and *out_count may be NULL. */
int queue_suite_poll(struct run *run, uint64_t consumer, uint32_t *out_changed, size_t *out_count);

/* The groups of cases. */
extern const struct run_case queue_suite_group_cases[];
extern const size_t queue_suite_group_cases_count;

#endif
