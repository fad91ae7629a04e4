/* Owns the header in front of each block: the size that was asked for and where the allocator's own
 * block begins. The only file that names malloc. */
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/ctx_internal.h"
#include "base/system.h"

enum {
    MEM_ALIGN = 16,
    MEM_ALIGN_WIDE = 64,
    MEM_MAGIC = 0x524C454D, /* a pointer that is not ours, or was freed, is seen in debug builds */
    MEM_MAGIC_FREED = 0x64656164
};

struct mem_header {
    uint64_t size;   /* what the caller asked for */
    uint32_t offset; /* from the start of the allocator's block to the caller's pointer; also its
                        alignment */
    uint32_t magic;
};

_Static_assert(sizeof(struct mem_header) == MEM_ALIGN, "the header keeps the alignment");

static struct mem_header *header_of(void *ptr)
{
    struct mem_header *header = (struct mem_header *)ptr - 1;
    if (header->magic != MEM_MAGIC) {
        REELS__TRAP();
    }
    return header;
}

static void *block_finish(uint8_t *block, size_t size, uint32_t offset)
{
    struct mem_header *header = (struct mem_header *)(void *)(block + offset) - 1;
    header->size = size;
    header->offset = offset;
    header->magic = MEM_MAGIC;
    return block + offset;
}

/* No block may pass PTRDIFF_MAX, or pointer differences inside it would not be defined. */
static int size_is_possible(size_t size)
{
    return size <= (size_t)PTRDIFF_MAX - MEM_ALIGN_WIDE;
}

static void *alloc_aligned(const reels_ctx *ctx, size_t size, uint32_t align)
{
    if (!size_is_possible(size)) {
        return NULL;
    }
    uint8_t *block = ctx->allocator.alloc(ctx->allocator.user, size + align, align);
    return block != NULL ? block_finish(block, size, align) : NULL;
}

void *reels__mem_alloc(const reels_ctx *ctx, size_t size)
{
    return alloc_aligned(ctx, size, MEM_ALIGN);
}

void *reels__mem_alloc64(const reels_ctx *ctx, size_t size)
{
    return alloc_aligned(ctx, size, MEM_ALIGN_WIDE);
}

void *reels__mem_zalloc(const reels_ctx *ctx, size_t size)
{
    void *ptr = reels__mem_alloc(ctx, size);
    if (ptr != NULL) {
        memset(ptr, 0, size);
    }
    return ptr;
}

void *reels__mem_calloc(const reels_ctx *ctx, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    return reels__mem_zalloc(ctx, count * size);
}

void *reels__mem_realloc(const reels_ctx *ctx, void *old, size_t new_size)
{
    if (old == NULL) {
        return reels__mem_alloc(ctx, new_size);
    }
    if (!size_is_possible(new_size)) {
        return NULL;
    }
    struct mem_header *header = header_of(old);
    uint32_t offset = header->offset;
    uint8_t *block = ctx->allocator.realloc(ctx->allocator.user,
                                            (uint8_t *)old - offset,
                                            (size_t)header->size + offset,
                                            new_size + offset,
                                            offset);
    return block != NULL ? block_finish(block, new_size, offset) : NULL;
}

void reels__mem_free(const reels_ctx *ctx, void *ptr)
{
    if (ptr == NULL) {
        return;
    }
    struct mem_header *header = header_of(ptr);
    uint32_t offset = header->offset;
    header->magic = MEM_MAGIC_FREED;
    ctx->allocator.free(
        ctx->allocator.user, (uint8_t *)ptr - offset, (size_t)header->size + offset);
}

void *reels__mem_dup(const reels_ctx *ctx, const void *data, size_t len)
{
    void *copy = reels__mem_alloc(ctx, len);
    if (copy != NULL && len > 0) {
        memcpy(copy, data, len);
    }
    return copy;
}

char *reels__mem_strdup(const reels_ctx *ctx, const char *text)
{
    return reels__mem_dup(ctx, text, strlen(text) + 1);
}

static void *system_alloc(void *user, size_t size, size_t align)
{
    (void)user;
    if (align <= _Alignof(max_align_t)) {
        return malloc(size);
    }
    void *ptr = NULL;
    return posix_memalign(&ptr, align, size) == 0 ? ptr : NULL;
}

static void *system_realloc(void *user, void *old, size_t old_size, size_t new_size, size_t align)
{
    if (align <= _Alignof(max_align_t)) {
        return realloc(old, new_size);
    }
    void *ptr = system_alloc(user, new_size, align);
    if (ptr != NULL) {
        memcpy(ptr, old, old_size < new_size ? old_size : new_size);
        free(old);
    }
    return ptr;
}

static void system_free(void *user, void *ptr, size_t size)
{
    (void)user;
    (void)size;
    free(ptr);
}

const reels_allocator reels__allocator_system = {
    .struct_size = sizeof(reels_allocator),
    .alloc = system_alloc,
    .realloc = system_realloc,
    .free = system_free,
};
