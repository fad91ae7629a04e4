/* Owns our own runs of the suites under Check: one backend, opened by URL, on files in memory that
 * crash, or on real ones. Cases of the suite are reported on stderr when they fail; a suite is one
 * case of Check. */
#ifndef REELS_TESTS_CONFORMANCE_HARNESS_H
#define REELS_TESTS_CONFORMANCE_HARNESS_H

#include <reels/conformance.h>

#include "test_check.h"

/* How a port is opened and freed. */
struct harness_port {
    reels_status (*open)(reels_ctx *ctx, const char *url, void **out_port, reels_error *err);
    void (*free)(void *port);
};

enum {
    HARNESS_KEEPS = 1, /* the backend keeps what it stores, so it is reopened and crashed */
    HARNESS_DISK = 2   /* on the real disk, in a fresh current folder: reopened, never crashed */
};

typedef reels_status (*harness_suite_fn)(reels_ctx *ctx,
                                         const reels_conformance_factory *factory,
                                         reels_conformance_report_fn report,
                                         void *user,
                                         uint32_t *out_failed,
                                         reels_error *err);

/* Runs a suite on a simulated clock and, with HARNESS_KEEPS, a file system in memory where a crash
 * loses what was not synced. "%d" in the URL is the number of the store, which is new for each
 * case. Asserts that no case failed and that at least cases_min passed. */
void harness_run(harness_suite_fn suite,
                 const struct harness_port *port,
                 const char *url_format,
                 uint32_t flags,
                 int cases_min);

#endif
