/* Chunks double in size up to a bound, so that n blocks need O(log n) allocations; a block larger
 * than half a chunk gets a chunk of its own size. */
#include "arena.h"

#include <string.h>

#include "base/checked.h"
#include "base/mem.h"

enum {
    ARENA_ALIGN = 16,
    ARENA_CHUNK_FIRST = 4096,
    ARENA_CHUNK_LAST = 256 * 1024,
    ARENA_BYTES_MAX_DEFAULT = 64 * 1024 * 1024
};

/* The bytes follow the header, whose size keeps their alignment. */
struct reels__arena_chunk {
    struct reels__arena_chunk *next;
    size_t capacity;
    size_t used;
    size_t reserved0;
};

_Static_assert(sizeof(struct reels__arena_chunk) % ARENA_ALIGN == 0, "bytes must stay aligned");

void reels__arena_init(struct reels__arena *arena, const reels_ctx *ctx, size_t bytes_max)
{
    memset(arena, 0, sizeof *arena);
    arena->ctx = ctx;
    arena->bytes_max = bytes_max != 0 ? bytes_max : ARENA_BYTES_MAX_DEFAULT;
}

static void chunks_free(struct reels__arena *arena, struct reels__arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct reels__arena_chunk *next = chunk->next;
        arena->bytes_held -= chunk->capacity + sizeof *chunk;
        reels__mem_free(arena->ctx, chunk);
        chunk = next;
    }
}

void reels__arena_dispose(struct reels__arena *arena)
{
    chunks_free(arena, arena->chunks);
    arena->chunks = NULL;
}

void reels__arena_reset(struct reels__arena *arena)
{
    if (arena->chunks != NULL) {
        chunks_free(arena, arena->chunks->next);
        arena->chunks->next = NULL;
        arena->chunks->used = 0;
    }
}

static struct reels__arena_chunk *chunk_add(struct reels__arena *arena, size_t size)
{
    size_t capacity = arena->chunks != NULL ? arena->chunks->capacity * 2 : ARENA_CHUNK_FIRST;
    if (capacity > ARENA_CHUNK_LAST) {
        capacity = ARENA_CHUNK_LAST;
    }
    if (size > capacity / 2) {
        capacity = size;
    }
    size_t bytes = 0;
    if (!reels__size_add(capacity, sizeof(struct reels__arena_chunk), &bytes) ||
        bytes > arena->bytes_max - arena->bytes_held) {
        return NULL;
    }
    struct reels__arena_chunk *chunk = reels__mem_alloc(arena->ctx, bytes);
    if (chunk == NULL) {
        return NULL;
    }
    memset(chunk, 0, sizeof *chunk);
    chunk->capacity = capacity;
    arena->bytes_held += bytes;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

void *reels__arena_alloc(struct reels__arena *arena, size_t size)
{
    size_t padded = 0;
    if (!reels__size_add(size, ARENA_ALIGN - 1, &padded)) {
        return NULL;
    }
    padded &= ~(size_t)(ARENA_ALIGN - 1);
    struct reels__arena_chunk *chunk = arena->chunks;
    if (chunk == NULL || padded > chunk->capacity - chunk->used) {
        chunk = chunk_add(arena, padded);
        if (chunk == NULL) {
            return NULL;
        }
    }
    uint8_t *block = (uint8_t *)(chunk + 1) + chunk->used;
    chunk->used += padded;
    return block;
}

void *reels__arena_zalloc(struct reels__arena *arena, size_t size)
{
    void *block = reels__arena_alloc(arena, size);
    if (block != NULL) {
        memset(block, 0, size);
    }
    return block;
}

void *reels__arena_calloc(struct reels__arena *arena, size_t count, size_t size)
{
    size_t bytes = 0;
    return reels__size_mul(count, size, &bytes) ? reels__arena_zalloc(arena, bytes) : NULL;
}

char *reels__arena_strndup(struct reels__arena *arena, const char *text, size_t len)
{
    size_t bytes = 0;
    char *copy = reels__size_add(len, 1, &bytes) ? reels__arena_alloc(arena, bytes) : NULL;
    if (copy != NULL) {
        if (len > 0) {
            memcpy(copy, text, len);
        }
        copy[len] = '\0';
    }
    return copy;
}
