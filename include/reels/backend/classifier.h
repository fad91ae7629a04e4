/* Owns the classifier port: labels with probabilities for what a reel shows, sounds and says. */
#ifndef REELS_BACKEND_CLASSIFIER_H
#define REELS_BACKEND_CLASSIFIER_H

#include <reels/backend/embed.h>

REELS_BEGIN_DECLS

/** What a classifier is. */
typedef struct reels_classifier_info {
    uint32_t struct_size;
    uint32_t labels_count;
    const char *const *labels; /**< every label it may give, [a-z][a-z0-9_.]{0,63} */
    const char *name;
    const char *version;
} reels_classifier_info;

/** The classifier port. Slots may block, are called from any thread and overlap; none may call
 * back. */
typedef struct reels_classifier_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    /** must; once, after a successful registration */
    void (*destroy)(void *impl);

    /** must. Everything out_info points to stays as it is until destroy. Asked once, at
     * registration. */
    reels_status (*describe)(void *impl, reels_classifier_info *out_info, reels_error *err);

    /** must. Appends a row (content INT64, label UTF8, probability FLOAT64 of 0 to 1, time_us INT64
     * of the frame or -1) per finding. */
    reels_status (*classify)(void *impl,
                             const reels_call *call,
                             const reels_content *contents,
                             size_t contents_count,
                             reels_rows *findings,
                             reels_error *err);
} reels_classifier_vtable;

/** A classifier. @threadsafety internally locked */
typedef struct reels_classifier reels_classifier;

/**
 * Makes a classifier from a host's table, and asks it what it is.
 *
 * @param      ctx     context
 * @param      vtable  copied
 * @param      impl    handed to every slot
 * @param[out] out     the classifier, NULL on failure
 * @param[out] err     detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG when a must slot is missing or the description is
 * malformed; REELS_ERR_UNSUPPORTED for a newer table; REELS_ERR_NO_MEMORY; or what describe
 * returned
 * @ownership     takes impl on success: destroy is called once by reels_classifier_free()
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_classifier_new(reels_ctx *ctx,
                                            const reels_classifier_vtable *vtable,
                                            void *impl,
                                            reels_classifier **out,
                                            reels_error *err);

/**
 * Opens a classifier by URL, whose scheme an adapter has registered; none is embedded.
 *
 * @param      ctx  context
 * @param      url  scheme and rest
 * @param[out] out  the classifier, NULL on failure
 * @param[out] err  detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for a malformed URL; REELS_ERR_UNSUPPORTED for an unknown
 * scheme; or what the adapter fails with
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_classifier_open(reels_ctx *ctx,
                                             const char *url,
                                             reels_classifier **out,
                                             reels_error *err);

/**
 * Frees a classifier.
 *
 * @param classifier  NULL does nothing
 * @ownership     takes classifier
 * @threadsafety  one thread, when no call uses it
 * @since 0.1
 */
REELS_API void reels_classifier_free(reels_classifier *classifier);

/**
 * Tells what the classifier is.
 *
 * @param classifier  classifier
 * @return never NULL
 * @ownership     borrowed until the classifier is freed
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API const reels_classifier_info *
reels_classifier_describe(const reels_classifier *classifier);

/**
 * Classifies reels.
 *
 * @param      classifier     classifier
 * @param      call           deadline and cancel; may be NULL
 * @param      contents        reels
 * @param      contents_count  0..REELS_CONTENTS_MAX
 * @param      findings       a row (content INT64, label UTF8, probability FLOAT64, time_us INT64
 * or -1) is appended per finding
 * @param[out] err            detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG; REELS_ERR_CORRUPT for rows of another shape or
 * probabilities outside 0 to 1; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED;
 * REELS_ERR_NO_MEMORY; or what classify returned
 * @ownership     borrowed for the call
 * @threadsafety  any thread; findings one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_classifier_run(reels_classifier *classifier,
                                            const reels_call *call,
                                            const reels_content *contents,
                                            size_t contents_count,
                                            reels_rows *findings,
                                            reels_error *err);

REELS_END_DECLS

#endif
