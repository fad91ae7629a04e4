#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_fail(const char *what, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: %s does not hold\n", file, line, what);
    abort();
}

void fuzz_env_init(struct fuzz_env *env, uint8_t refuse_at)
{
    memset(env, 0, sizeof *env);
    env->err.struct_size = sizeof env->err;
    test_alloc_init(&env->alloc);
    reels_ctx_options options = {.struct_size = sizeof options, .allocator = &env->alloc.table};
    fuzz_assert(reels_ctx_new(&options, &env->ctx, &env->err) == REELS_OK);
    test_alloc_fail(&env->alloc, refuse_at, 0);
}

void fuzz_env_dispose(struct fuzz_env *env)
{
    reels_ctx_free(env->ctx);
    fuzz_assert(env->alloc.live_blocks == 0);
    fuzz_assert(env->alloc.mistakes_count == 0);
    test_alloc_dispose(&env->alloc);
}
