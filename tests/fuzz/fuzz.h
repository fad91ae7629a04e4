/* Owns what the fuzz targets share. A target reads the first byte of its input as the number of the
 * allocation to refuse (0 = none), so that failures of memory are fuzzed together with the parser.
 */
#ifndef REELS_TESTS_FUZZ_FUZZ_H
#define REELS_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include <reels/base.h>

#include "test_alloc.h"

struct fuzz_env {
    struct test_alloc alloc;
    reels_ctx *ctx;
    reels_error err;
};

/* What libFuzzer and the replaying driver call. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Makes a context whose allocator refuses the refuse_at-th request from now on alone; 0 = none. */
void fuzz_env_init(struct fuzz_env *env, uint8_t refuse_at);
/* Ends the process when something leaked. */
void fuzz_env_dispose(struct fuzz_env *env);

/* Ends the process with a message when a property does not hold. */
#define fuzz_assert(cond)                                                                          \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fuzz_fail(#cond, __FILE__, __LINE__);                                                  \
        }                                                                                          \
    } while (0)

void fuzz_fail(const char *what, const char *file, int line);

#endif
