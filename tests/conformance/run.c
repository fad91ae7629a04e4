#include "run.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    WAIT_US_MAX = 2000000
};

int run_fail(struct run *run, const char *file, int line, const char *what)
{
    const char *slash = strrchr(file, '/');
    run->outcome = REELS_CONFORMANCE_FAILED;
    (void)snprintf(run->detail,
                   sizeof run->detail,
                   "%s:%d: %.200s (last error: %.231s)",
                   slash != NULL ? slash + 1 : file,
                   line,
                   what,
                   run->err.message);
    return 0;
}

void run_skip(struct run *run, const char *why)
{
    run->outcome = REELS_CONFORMANCE_SKIPPED;
    (void)snprintf(run->detail, sizeof run->detail, "%s", why);
}

static int run_again(struct run *run)
{
    void *port = NULL;
    run->port = NULL;
    EXPECT_OK_OR_0(run->factory.reopen(run->factory.user, &port, &run->err));
    run->port = port;
    return 1;
}

int run_reopen(struct run *run)
{
    if (run->factory.reopen == NULL) {
        run_skip(run, "the backend keeps nothing");
        return 0;
    }
    run->factory.close(run->factory.user, run->port);
    return run_again(run);
}

int run_crash(struct run *run)
{
    if (run->factory.reopen == NULL || run->factory.crash == NULL) {
        run_skip(run, "the backend cannot crash here");
        return 0;
    }
    run->factory.crash(run->factory.user, run->port);
    return run_again(run);
}

int run_advance(struct run *run, int64_t duration_us)
{
    if (run->factory.advance != NULL) {
        run->factory.advance(run->factory.user, duration_us);
        return 1;
    }
    if (duration_us > WAIT_US_MAX) {
        run_skip(run, "the clock cannot be advanced");
        return 0;
    }
    int64_t until = reels_ctx_now_unix_us(run->ctx) + duration_us;
    while (reels_ctx_now_unix_us(run->ctx) <= until) {
        const struct timespec pause = {.tv_nsec = 1000000};
        (void)nanosleep(&pause, NULL);
    }
    return 1;
}

static void case_run(struct run *run, const struct run_case *it)
{
    void *port = NULL;
    run->outcome = REELS_CONFORMANCE_PASSED;
    run->detail[0] = '\0';
    memset(&run->err, 0, sizeof run->err);
    run->err.struct_size = sizeof run->err;
    if (run->factory.open(run->factory.user, &port, &run->err) != REELS_OK) {
        (void)run_fail(run, __FILE__, __LINE__, "open");
        return;
    }
    run->port = port;
    it->run(run);
    if (run->port != NULL) {
        run->factory.close(run->factory.user, run->port);
        run->port = NULL;
    }
}

reels_status run_cases(reels_ctx *ctx,
                       const reels_conformance_factory *factory,
                       const struct run_case *cases,
                       size_t cases_count,
                       reels_conformance_report_fn report,
                       void *user,
                       uint32_t *out_failed,
                       reels_error *err)
{
    if (ctx == NULL || factory == NULL || report == NULL || out_failed == NULL ||
        factory->struct_size < sizeof *factory || factory->open == NULL || factory->close == NULL ||
        factory->name == NULL) {
        return reels_error_set(
            err, REELS_ERR_INVALID_ARG, 0, "ctx, factory with its must slots, report, out_failed");
    }
    struct run run = {.ctx = ctx, .factory = *factory};
    uint32_t failed = 0;
    for (size_t i = 0; i < cases_count; i++) {
        case_run(&run, &cases[i]);
        failed += run.outcome == REELS_CONFORMANCE_FAILED ? 1u : 0u;
        report(user, factory->name, cases[i].promise, run.outcome, run.detail);
    }
    *out_failed = failed;
    return REELS_OK;
}
