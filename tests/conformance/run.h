/* Owns the running of a suite: each case gets a fresh store, and says by EXPECT what must hold. A
 * case ends at its first failure. Over the public headers alone. */
#ifndef REELS_TESTS_CONFORMANCE_RUN_H
#define REELS_TESTS_CONFORMANCE_RUN_H

#include <reels/conformance.h>

struct run {
    reels_ctx *ctx;
    reels_conformance_factory factory;
    void *port;      /* open now, or NULL */
    reels_error err; /* for any call of a case */
    int32_t outcome; /* of the case that runs */
    char detail[512];
};

struct run_case {
    const char *promise;
    void (*run)(struct run *run);
};

/* Runs all cases; as the public functions say. */
reels_status run_cases(reels_ctx *ctx,
                       const reels_conformance_factory *factory,
                       const struct run_case *cases,
                       size_t cases_count,
                       reels_conformance_report_fn report,
                       void *user,
                       uint32_t *out_failed,
                       reels_error *err);

/* Notes a failure; gives 0, so that `return run_fail(...)` ends a helper. */
int run_fail(struct run *run, const char *file, int line, const char *what);

/* Notes that the case cannot be run with this factory. */
void run_skip(struct run *run, const char *why);

/* The port is closed, or crashes, and is opened again on what was stored. 0 when that failed or is
 * not possible (the case is then failed or skipped): return. */
int run_reopen(struct run *run);
int run_crash(struct run *run);

/* Time passes: by the factory, or by waiting when it is at most 2 s. 0 when the case is skipped:
 * return. */
int run_advance(struct run *run, int64_t duration_us);

/* In a case (returns nothing) and in a helper (returns 0 on failure, 1 at its end). */
#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)run_fail(run, __FILE__, __LINE__, #condition);                                   \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define EXPECT_OR_0(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return run_fail(run, __FILE__, __LINE__, #condition);                                  \
        }                                                                                          \
    } while (0)

/* A call that must succeed. */
#define EXPECT_OK(call) EXPECT((call) == REELS_OK)
#define EXPECT_OK_OR_0(call) EXPECT_OR_0((call) == REELS_OK)

/* A helper that has noted its own failure. */
#define TRY(helper)                                                                                \
    do {                                                                                           \
        if (!(helper)) {                                                                           \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define TRY_OR_0(helper)                                                                           \
    do {                                                                                           \
        if (!(helper)) {                                                                           \
            return 0;                                                                              \
        }                                                                                          \
    } while (0)

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
