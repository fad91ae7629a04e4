#include "test_log.h"

#include <string.h>

static void log_write(void *user, int32_t level, const char *message, size_t message_len)
{
    struct test_log *log = user;
    (void)pthread_mutex_lock(&log->lock);
    size_t len = message_len < sizeof log->last[level] ? message_len : sizeof log->last[level] - 1;
    memcpy(log->last[level], message, len);
    log->last[level][len] = '\0';
    log->counts[level]++;
    (void)pthread_mutex_unlock(&log->lock);
}

void test_log_init(struct test_log *log, int32_t level_max)
{
    memset(log, 0, sizeof *log);
    (void)pthread_mutex_init(&log->lock, NULL);
    log->table = (reels_log){
        .struct_size = sizeof(reels_log), .level_max = level_max, .user = log, .write = log_write};
}

void test_log_dispose(struct test_log *log)
{
    (void)pthread_mutex_destroy(&log->lock);
}
