/* Owns the arena: many small blocks of one lifetime, freed at once. The zero state may be disposed.
 * One thread at a time. */
#ifndef REELS_SRC_BASE_ARENA_H
#define REELS_SRC_BASE_ARENA_H

#include <reels/base.h>

struct reels__arena_chunk;

struct reels__arena {
    const reels_ctx *ctx;
    struct reels__arena_chunk *chunks; /* the newest first */
    size_t bytes_max;
    size_t bytes_held; /* taken from the allocator */
};

/* bytes_max bounds what is taken from the allocator; 0 = 64 MiB. Takes no memory yet. */
void reels__arena_init(struct reels__arena *arena, const reels_ctx *ctx, size_t bytes_max);

/* Frees all blocks and all memory. */
void reels__arena_dispose(struct reels__arena *arena);

/* Frees all blocks and keeps the newest chunk for what comes next. */
void reels__arena_reset(struct reels__arena *arena);

/* Aligned to 16; NULL when the allocator refused or bytes_max is reached. */
void *reels__arena_alloc(struct reels__arena *arena, size_t size);
void *reels__arena_zalloc(struct reels__arena *arena, size_t size);
void *reels__arena_calloc(struct reels__arena *arena, size_t count, size_t size);

/* Copies len bytes and puts a NUL after them. */
char *reels__arena_strndup(struct reels__arena *arena, const char *text, size_t len);

#endif
