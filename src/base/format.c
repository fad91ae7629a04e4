/* Owns the only call of vsnprintf. What is cut is cut between two characters. */
#include "format.h"

#include <stdio.h>

#include "base/utf8.h"

int reels__format(char *out, size_t capacity, size_t *out_len, const char *format, va_list args)
{
    int wanted = vsnprintf(out, capacity, format, args);
    size_t len = wanted > 0 ? (size_t)wanted : 0;
    int fits = wanted >= 0 && len < capacity;
    if (!fits) {
        len = wanted > 0 ? reels__utf8_cut(out, capacity - 1) : 0;
        out[len] = '\0';
    }
    *out_len = len;
    return fits;
}
