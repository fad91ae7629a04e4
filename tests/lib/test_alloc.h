/* Owns the allocator of tests: it counts, checks the sizes it is told, fills memory with rubbish,
 * moves on every realloc, and refuses the n-th request. Free of Check. Internally locked. */
#ifndef REELS_TESTS_LIB_TEST_ALLOC_H
#define REELS_TESTS_LIB_TEST_ALLOC_H

#include <pthread.h>

#include <reels/base.h>

struct test_alloc {
    reels_allocator table; /* for reels_ctx_options.allocator */
    pthread_mutex_t lock;
    size_t live_bytes;
    size_t live_blocks;
    size_t peak_bytes;
    size_t calls_count;    /* alloc and realloc since the last test_alloc_fail() */
    size_t refused_count;  /* how many of them were refused */
    size_t fail_at;        /* the number of the call to refuse, from 1; 0 = none */
    int fail_all_after;    /* refuse the later ones too */
    size_t mistakes_count; /* wrong sizes, blocks that are not ours, writes past the end */
};

void test_alloc_init(struct test_alloc *alloc);
void test_alloc_dispose(struct test_alloc *alloc);

/* Counts from here on, and refuses the n-th request; 0 = refuse none. */
void test_alloc_fail(struct test_alloc *alloc, size_t nth, int and_all_after);

#endif
