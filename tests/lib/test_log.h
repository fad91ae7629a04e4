/* Owns the log hook of tests: it counts and keeps the last line of each level. Free of Check. */
#ifndef REELS_TESTS_LIB_TEST_LOG_H
#define REELS_TESTS_LIB_TEST_LOG_H

#include <pthread.h>

#include <reels/base.h>

struct test_log {
    reels_log table; /* for reels_ctx_options.log */
    pthread_mutex_t lock;
    size_t counts[5];  /* by level */
    char last[5][200]; /* by level, cut to fit */
};

void test_log_init(struct test_log *log, int32_t level_max);
void test_log_dispose(struct test_log *log);

#endif
