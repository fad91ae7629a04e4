/* Owns printf-like formatting into memory of a fixed size. */
#ifndef REELS_SRC_BASE_FORMAT_H
#define REELS_SRC_BASE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

#include "compiler.h"

/* Writes what fits into capacity (at least 1), cut between two characters, and a NUL. Gives 1 when
 * all of it did, else 0; *out_len is what was written. No %f, %g, %e: they follow the locale. */
int reels__format(char *out, size_t capacity, size_t *out_len, const char *format, va_list args)
    REELS__PRINTF(4, 0);

#endif
