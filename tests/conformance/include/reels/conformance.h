/* Owns the door of libreels-conformance: one suite per port, which a host or an adapter runs
 * against its own backend. The suites are plain functions over the public headers and know no test
 * framework. */
#ifndef REELS_CONFORMANCE_H
#define REELS_CONFORMANCE_H

#include <reels/backend.h>

REELS_BEGIN_DECLS

/**
 * How a suite gets at a backend. All slots are called on the caller's thread and do not overlap. A
 * port is the handle that its new or open function gave: for a catalog, a pointer to reels_catalog.
 */
typedef struct reels_conformance_factory {
    uint32_t struct_size;
    uint32_t reserved0;
    const char *name; /**< of the backend, for the report */
    void *user;
    /** must. Opens a backend in which nothing is stored; whatever an earlier one stored is gone */
    reels_status (*open)(void *user, void **out_port, reels_error *err);
    /** must. Frees the port in good order */
    void (*close)(void *user, void *port);
    /** Opens the backend on what the last one stored. NULL for one that keeps nothing */
    reels_status (*reopen)(void *user, void **out_port, reels_error *err);
    /** Frees the port as a power cut does: only what was durable may be there at the next reopen.
     * NULL: what is promised of crashes is not tried */
    void (*crash)(void *user, void *port);
    /** Lets time pass on the context's clocks. NULL: the suite waits where that is short */
    void (*advance)(void *user, int64_t duration_us);
} reels_conformance_factory;

enum {
    REELS_CONFORMANCE_PASSED = 0,
    REELS_CONFORMANCE_FAILED = 1,
    REELS_CONFORMANCE_SKIPPED = 2 /**< the factory cannot do what the case needs */
};

/** Told of each case as it ends; detail is "" or says where and what. Strings are borrowed for the
 * call. */
typedef void (*reels_conformance_report_fn)(
    void *user, const char *backend, const char *promise, int32_t outcome, const char *detail);

/**
 * Holds a catalog to what reels_catalog_vtable promises.
 *
 * @param      ctx         context of the backend
 * @param      factory     opens, closes and crashes it
 * @param      report      told of each case
 * @param      user        handed to report
 * @param[out] out_failed  number of cases that failed
 * @param[out] err         detail on failure of the run itself; may be NULL
 * @return REELS_OK when all cases were run, whatever became of them; REELS_ERR_INVALID_ARG;
 * REELS_ERR_NO_MEMORY
 * @ownership     everything is borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_conformance_catalog(reels_ctx *ctx,
                                                 const reels_conformance_factory *factory,
                                                 reels_conformance_report_fn report,
                                                 void *user,
                                                 uint32_t *out_failed,
                                                 reels_error *err);

/**
 * Holds a stats store to what reels_stats_vtable promises.
 *
 * @param      ctx         context of the backend
 * @param      factory     opens, closes and crashes it
 * @param      report      told of each case
 * @param      user        handed to report
 * @param[out] out_failed  number of cases that failed
 * @param[out] err         detail on failure of the run itself; may be NULL
 * @return REELS_OK when all cases were run, whatever became of them; REELS_ERR_INVALID_ARG;
 * REELS_ERR_NO_MEMORY
 * @ownership     everything is borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_conformance_stats(reels_ctx *ctx,
                                               const reels_conformance_factory *factory,
                                               reels_conformance_report_fn report,
                                               void *user,
                                               uint32_t *out_failed,
                                               reels_error *err);

/**
 * Holds a blob store to what reels_blob_vtable promises.
 *
 * @param      ctx         context of the backend
 * @param      factory     opens, closes and crashes it
 * @param      report      told of each case
 * @param      user        handed to report
 * @param[out] out_failed  number of cases that failed
 * @param[out] err         detail on failure of the run itself; may be NULL
 * @return REELS_OK when all cases were run, whatever became of them; REELS_ERR_INVALID_ARG;
 * REELS_ERR_NO_MEMORY
 * @ownership     everything is borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_conformance_blob(reels_ctx *ctx,
                                              const reels_conformance_factory *factory,
                                              reels_conformance_report_fn report,
                                              void *user,
                                              uint32_t *out_failed,
                                              reels_error *err);

/**
 * Holds a queue to what reels_queue_vtable promises.
 *
 * @param      ctx         context of the backend
 * @param      factory     opens, closes and crashes it
 * @param      report      told of each case
 * @param      user        handed to report
 * @param[out] out_failed  number of cases that failed
 * @param[out] err         detail on failure of the run itself; may be NULL
 * @return REELS_OK when all cases were run, whatever became of them; REELS_ERR_INVALID_ARG;
 * REELS_ERR_NO_MEMORY
 * @ownership     everything is borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_conformance_queue(reels_ctx *ctx,
                                               const reels_conformance_factory *factory,
                                               reels_conformance_report_fn report,
                                               void *user,
                                               uint32_t *out_failed,
                                               reels_error *err);

/**
 * Holds a cache to what reels_cache_vtable promises.
 *
 * @param      ctx         context of the backend
 * @param      factory     opens, closes and crashes it
 * @param      report      told of each case
 * @param      user        handed to report
 * @param[out] out_failed  number of cases that failed
 * @param[out] err         detail on failure of the run itself; may be NULL
 * @return REELS_OK when all cases were run, whatever became of them; REELS_ERR_INVALID_ARG;
 * REELS_ERR_NO_MEMORY
 * @ownership     everything is borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_conformance_cache(reels_ctx *ctx,
                                               const reels_conformance_factory *factory,
                                               reels_conformance_report_fn report,
                                               void *user,
                                               uint32_t *out_failed,
                                               reels_error *err);

REELS_END_DECLS

#endif
