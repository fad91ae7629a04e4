/* Owns the one door to the allocator of a context. Sizes are remembered in front of each block, so
 * that callers need not carry them. Only mem.c may name malloc. */
#ifndef REELS_SRC_BASE_MEM_H
#define REELS_SRC_BASE_MEM_H

#include <reels/base.h>

/* All give NULL when refused; blocks are aligned to 16. A size of 0 gives a block that can be
 * freed. */
void *reels__mem_alloc(const reels_ctx *ctx, size_t size);
void *reels__mem_zalloc(const reels_ctx *ctx, size_t size);
/* count * size with a check for overflow, zeroed. */
void *reels__mem_calloc(const reels_ctx *ctx, size_t count, size_t size);
/* On refusal the old block stays. old may be NULL. */
void *reels__mem_realloc(const reels_ctx *ctx, void *old, size_t new_size);
void reels__mem_free(const reels_ctx *ctx, void *ptr);
char *reels__mem_strdup(const reels_ctx *ctx, const char *text);
void *reels__mem_dup(const reels_ctx *ctx, const void *data, size_t len);
/* Aligned to 64 for pictures and vectors; freed by reels__mem_free. */
void *reels__mem_alloc64(const reels_ctx *ctx, size_t size);

#endif
