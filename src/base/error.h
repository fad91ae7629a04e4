/* Owns the one way in which errors are written: reels__fail() fills the caller's detail and gives
 * the status back, so that a failure is one `return`. Written on failure only. */
#ifndef REELS_SRC_BASE_ERROR_H
#define REELS_SRC_BASE_ERROR_H

#include <reels/base.h>

#include "compiler.h"

/* Fills err (may be NULL) with a printf-like message, cut at a UTF-8 boundary, and returns status.
 */
reels_status reels__fail(reels_error *err, reels_status status, const char *format, ...)
    REELS__PRINTF(3, 4);

/* The same with an errno behind it. */
reels_status
reels__fail_errno(reels_error *err, reels_status status, int sys_errno, const char *format, ...)
    REELS__PRINTF(4, 5);

/* Puts "what: " before a message that a lower layer has written; keeps everything else. */
void reels__error_prefix(reels_error *err, const char *what);

/* A reels_error ready to be handed to a callee. */
#define REELS__ERROR_INIT                                                                          \
    {                                                                                              \
        .struct_size = sizeof(reels_error)                                                         \
    }

/* At public entry: a broken contract of the caller is an answer in every build. */
#define REELS_REQUIRE(cond, err, text)                                                             \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            return reels__fail((err), REELS_ERR_INVALID_ARG, "%s", (text));                        \
        }                                                                                          \
    } while (0)

/* Inside: aborts in debug, test and fuzz builds (REELS_DEBUG), returns INTERNAL in release. */
#define REELS_INVARIANT(cond, err)                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            REELS__TRAP();                                                                         \
            return reels__fail((err), REELS_ERR_INTERNAL, "broken invariant: %s", #cond);          \
        }                                                                                          \
    } while (0)

/* Passes a failure of `expr` on. */
#define REELS_TRY(expr)                                                                            \
    do {                                                                                           \
        reels_status try_status_ = (expr);                                                         \
        if (try_status_ < 0) {                                                                     \
            return try_status_;                                                                    \
        }                                                                                          \
    } while (0)

#endif
