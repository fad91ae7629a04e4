/* Read by clang-tidy in front of each source of the library. The analyzer sees one file at a time:
 * here it learns that reels__fail() gives back the status that it was given, so that what follows a
 * failed call is not walked as if the call had succeeded. */
#ifndef REELS_TESTS_GATES_TIDY_MODEL_H
#define REELS_TESTS_GATES_TIDY_MODEL_H

#include "base/error.h"

#define reels__fail(err, status, ...) (reels__fail((err), (status), __VA_ARGS__), (status))
#define reels__fail_errno(err, status, sys_errno, ...)                                             \
    (reels__fail_errno((err), (status), (sys_errno), __VA_ARGS__), (status))

#endif
