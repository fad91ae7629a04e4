/* Read by clang-tidy in front of each source of the library. The analyzer sees one file at a time:
 * here it learns that reels__fail() gives back the status that it was given, and that a function of
 * another file which did not do its work is not followed by what needs that work. (The real
 * REELS_TRY lets REELS_END pass; to the analyzer any status of an unknown function may be that.) */
#ifndef REELS_TESTS_GATES_TIDY_MODEL_H
#define REELS_TESTS_GATES_TIDY_MODEL_H

#include "base/error.h"

#define reels__fail(err, status, ...) (reels__fail((err), (status), __VA_ARGS__), (status))
#define reels__fail_errno(err, status, sys_errno, ...)                                             \
    (reels__fail_errno((err), (status), (sys_errno), __VA_ARGS__), (status))

#undef REELS_TRY
#define REELS_TRY(expr)                                                                            \
    do {                                                                                           \
        reels_status try_status_ = (expr);                                                         \
        if (try_status_ != REELS_OK) {                                                             \
            return try_status_;                                                                    \
        }                                                                                          \
    } while (0)

#endif
