/* Shows that the counting consumer believes a host's queue nothing that indexes its memory. */
#include <reels/counter.h>

#include "test_check.h"

enum {
    PARTITIONS = 4
};

static void odd_destroy(void *impl)
{
    (void)impl;
}

static reels_status odd_topic_open(void *impl,
                                   const reels_call *call,
                                   const char *topic,
                                   uint32_t partitions,
                                   uint32_t *out_partitions,
                                   reels_error *err)
{
    (void)impl;
    (void)call;
    (void)topic;
    (void)err;
    *out_partitions = partitions;
    return REELS_OK;
}

static reels_status odd_append(void *impl,
                               const reels_call *call,
                               const char *topic,
                               reels_record *records,
                               size_t records_count,
                               reels_error *err)
{
    (void)impl;
    (void)call;
    (void)topic;
    (void)records;
    (void)records_count;
    (void)err;
    return REELS_OK;
}

static reels_status odd_join(void *impl,
                             const reels_call *call,
                             const reels_queue_join *join,
                             uint64_t *out_consumer,
                             reels_error *err)
{
    (void)impl;
    (void)call;
    (void)join;
    (void)err;
    *out_consumer = 1;
    return REELS_OK;
}

static reels_status
odd_leave(void *impl, const reels_call *call, uint64_t consumer, reels_error *err)
{
    (void)impl;
    (void)call;
    (void)consumer;
    (void)err;
    return REELS_OK;
}

static reels_status odd_assignment(void *impl,
                                   const reels_call *call,
                                   uint64_t consumer,
                                   reels_queue_assignment *out_assignments,
                                   size_t capacity,
                                   size_t *out_count,
                                   reels_error *err)
{
    (void)call;
    (void)consumer;
    (void)err;
    ck_assert_uint_ge(capacity, 1);
    out_assignments[0] = *(const reels_queue_assignment *)impl;
    *out_count = 1;
    return REELS_OK;
}

static reels_status odd_poll(void *impl,
                             const reels_call *call,
                             uint64_t consumer,
                             uint32_t records_max,
                             uint64_t bytes_max,
                             reels_records *records,
                             uint32_t *out_changed,
                             reels_error *err)
{
    (void)impl;
    (void)call;
    (void)consumer;
    (void)records_max;
    (void)bytes_max;
    (void)records;
    (void)err;
    *out_changed = 1;
    return REELS_OK;
}

static reels_status odd_seek(void *impl,
                             const reels_call *call,
                             uint64_t consumer,
                             const reels_queue_offset *offsets,
                             size_t offsets_count,
                             reels_error *err)
{
    (void)impl;
    (void)call;
    (void)consumer;
    (void)offsets;
    (void)offsets_count;
    (void)err;
    return REELS_OK;
}

START_TEST(test_counter_queue_refuses_partitions_that_are_not_there)
{
    const reels_queue_vtable table = {.struct_size = sizeof(table),
                                      .destroy = odd_destroy,
                                      .topic_open = odd_topic_open,
                                      .append = odd_append,
                                      .group_join = odd_join,
                                      .group_leave = odd_leave,
                                      .assignment = odd_assignment,
                                      .poll = odd_poll,
                                      .seek = odd_seek};
    struct test_env env;
    reels_stats *stats = NULL;
    test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED);
    test_ok(&env, reels_stats_open(env.ctx, "mem:", &stats, &env.err));
    const uint32_t wrong[] = {PARTITIONS, 50000000};
    for (size_t i = 0; i < 2; i++) {
        reels_queue_assignment answer = {.partition = wrong[i], .epoch = 1};
        reels_counter_options options = {.struct_size = sizeof(options),
                                         .partitions_count = PARTITIONS};
        reels_queue *odd = NULL;
        reels_counter *counter = NULL;
        int64_t due = 0;
        test_ok(&env, reels_queue_new(env.ctx, &table, &answer, &odd, &env.err));
        test_ok(&env, reels_counter_new(env.ctx, odd, stats, &options, &counter, &env.err));
        test_status(REELS_ERR_HOST, reels_counter_step(counter, 0, &due, &env.err));
        reels_counter_free(counter);
        reels_queue_free(odd);
    }
    reels_stats_free(stats);
    test_env_dispose(&env);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("counter_queue");
    TCase *cases = tcase_create("counter_queue");
    tcase_add_test(cases, test_counter_queue_refuses_partitions_that_are_not_there);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
