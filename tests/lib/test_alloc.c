#include "test_alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    GUARD_BYTES = 16,
    GUARD_BYTE = 0xE7,
    FRESH_BYTE = 0xA5,
    FREED_BYTE = 0x5A
};

/* In front of each block; 64 bytes, so that every alignment up to it is kept. */
struct block_header {
    uint64_t magic;
    size_t size;
    size_t align;
    uint8_t reserved[64 - 8 - 2 * sizeof(size_t)];
};

#define BLOCK_MAGIC UINT64_C(0x74657374626C6F63)

static int is_refused(struct test_alloc *alloc)
{
    alloc->calls_count++;
    int refused =
        alloc->fail_at != 0 && (alloc->calls_count == alloc->fail_at ||
                                (alloc->fail_all_after && alloc->calls_count > alloc->fail_at));
    alloc->refused_count += refused ? 1 : 0;
    return refused;
}

/* Both under the lock. */
static uint8_t *block_make(struct test_alloc *alloc, size_t size, size_t align)
{
    if (size > SIZE_MAX / 2 || align > sizeof(struct block_header)) {
        return NULL;
    }
    void *memory = NULL;
    if (posix_memalign(&memory, 64, sizeof(struct block_header) + size + GUARD_BYTES) != 0) {
        return NULL;
    }
    struct block_header *header = memory;
    memset(header, 0, sizeof *header);
    header->magic = BLOCK_MAGIC;
    header->size = size;
    header->align = align;
    uint8_t *block = (uint8_t *)(header + 1);
    memset(block, FRESH_BYTE, size);
    memset(block + size, GUARD_BYTE, GUARD_BYTES);
    alloc->live_bytes += size;
    alloc->live_blocks++;
    if (alloc->live_bytes > alloc->peak_bytes) {
        alloc->peak_bytes = alloc->live_bytes;
    }
    return block;
}

static void block_check(struct test_alloc *alloc, const uint8_t *block, size_t size)
{
    const struct block_header *header = (const struct block_header *)(const void *)block - 1;
    if (header->magic != BLOCK_MAGIC || header->size != size) {
        alloc->mistakes_count++;
        return;
    }
    for (size_t i = 0; i < GUARD_BYTES; i++) {
        if (block[size + i] != GUARD_BYTE) {
            alloc->mistakes_count++;
            return;
        }
    }
}

static void block_free(struct test_alloc *alloc, uint8_t *block, size_t size)
{
    block_check(alloc, block, size);
    struct block_header *header = (struct block_header *)(void *)block - 1;
    alloc->live_bytes -= header->size;
    alloc->live_blocks--;
    header->magic = 0;
    memset(block, FREED_BYTE, header->size);
    free(header);
}

static void *table_alloc(void *user, size_t size, size_t align)
{
    struct test_alloc *alloc = user;
    (void)pthread_mutex_lock(&alloc->lock);
    void *block = is_refused(alloc) ? NULL : block_make(alloc, size, align);
    (void)pthread_mutex_unlock(&alloc->lock);
    return block;
}

static void *table_realloc(void *user, void *old, size_t old_size, size_t new_size, size_t align)
{
    struct test_alloc *alloc = user;
    (void)pthread_mutex_lock(&alloc->lock);
    uint8_t *block = is_refused(alloc) ? NULL : block_make(alloc, new_size, align);
    if (block != NULL) {
        memcpy(block, old, old_size < new_size ? old_size : new_size);
        block_free(alloc, old, old_size);
    }
    (void)pthread_mutex_unlock(&alloc->lock);
    return block;
}

static void table_free(void *user, void *ptr, size_t size)
{
    struct test_alloc *alloc = user;
    (void)pthread_mutex_lock(&alloc->lock);
    block_free(alloc, ptr, size);
    (void)pthread_mutex_unlock(&alloc->lock);
}

void test_alloc_init(struct test_alloc *alloc)
{
    memset(alloc, 0, sizeof *alloc);
    (void)pthread_mutex_init(&alloc->lock, NULL);
    alloc->table = (reels_allocator){.struct_size = sizeof(reels_allocator),
                                     .user = alloc,
                                     .alloc = table_alloc,
                                     .realloc = table_realloc,
                                     .free = table_free};
}

void test_alloc_dispose(struct test_alloc *alloc)
{
    (void)pthread_mutex_destroy(&alloc->lock);
}

void test_alloc_fail(struct test_alloc *alloc, size_t nth, int and_all_after)
{
    (void)pthread_mutex_lock(&alloc->lock);
    alloc->calls_count = 0;
    alloc->refused_count = 0;
    alloc->fail_at = nth;
    alloc->fail_all_after = and_all_after;
    (void)pthread_mutex_unlock(&alloc->lock);
}
