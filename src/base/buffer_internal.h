/* Owns what the library may do with a reels_buf beyond the public functions. */
#ifndef REELS_SRC_BASE_BUFFER_INTERNAL_H
#define REELS_SRC_BASE_BUFFER_INTERNAL_H

#include <reels/base.h>

#include "compiler.h"

/* Grows by len bytes of undefined content and gives their address, valid until the next change. */
reels_status reels__buf_extend(reels_buf *buf, size_t len, uint8_t **out_data, reels_error *err);

/* Appends a NUL-terminated string without its NUL. */
reels_status reels__buf_append_text(reels_buf *buf, const char *text, reels_error *err);

/* Appends printf-like text of at most 1023 bytes (LIMIT beyond). No %f, %g, %e: they follow the
 * locale. */
reels_status reels__buf_append_format(reels_buf *buf, reels_error *err, const char *format, ...)
    REELS__PRINTF(3, 4);

/* Forgets what is after len; len must not be above the present length. */
void reels__buf_truncate(reels_buf *buf, size_t len);

/* Writable view of the bytes, for patching lengths. */
uint8_t *reels__buf_bytes(reels_buf *buf);

#endif
