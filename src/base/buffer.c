/* Owns reels_buf. Invariants: len <= bytes_max; capacity > len once there is memory, and then
 * data[len] == 0. */
#include <stdarg.h>
#include <string.h>

#include "base/error.h"
#include "base/format.h"
#include "base/mem.h"
#include "buffer_internal.h"

enum {
    BUF_BYTES_MAX_DEFAULT = 64 * 1024 * 1024,
    BUF_CAPACITY_FIRST = 64,
    BUF_FORMAT_BYTES = 1024
};

struct reels_buf {
    reels_ctx *ctx;
    uint8_t *data; /* NULL until the first byte */
    size_t len;
    size_t capacity;
    size_t bytes_max;
};

reels_status reels_buf_new(reels_ctx *ctx, size_t bytes_max, reels_buf **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    reels_buf *buf = reels__mem_zalloc(ctx, sizeof *buf);
    if (buf == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "buffer: no memory for its header");
    }
    buf->ctx = ctx;
    buf->bytes_max = bytes_max != 0 ? bytes_max : BUF_BYTES_MAX_DEFAULT;
    if (buf->bytes_max == SIZE_MAX) {
        buf->bytes_max--; /* room for the NUL */
    }
    *out = buf;
    return REELS_OK;
}

void reels_buf_free(reels_buf *buf)
{
    if (buf != NULL) {
        reels__mem_free(buf->ctx, buf->data);
        reels__mem_free(buf->ctx, buf);
    }
}

/* Makes room for `more` bytes and the NUL; doubles, so that appends cost constant time on average.
 */
static reels_status buf_reserve(reels_buf *buf, size_t more, reels_error *err)
{
    if (more > buf->bytes_max - buf->len) {
        return reels__fail(
            err, REELS_ERR_LIMIT, "buffer: %zu bytes are its maximum", buf->bytes_max);
    }
    size_t need = buf->len + more + 1;
    if (buf->data != NULL && need <= buf->capacity) {
        return REELS_OK;
    }
    size_t grown = buf->capacity != 0 ? buf->capacity : BUF_CAPACITY_FIRST;
    while (grown < need) {
        grown = grown > SIZE_MAX / 2 ? need : grown * 2;
    }
    if (grown > buf->bytes_max + 1) {
        grown = buf->bytes_max + 1;
    }
    uint8_t *data = reels__mem_realloc(buf->ctx, buf->data, grown);
    if (data == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "buffer: no memory for %zu bytes", grown);
    }
    buf->data = data;
    buf->capacity = grown;
    return REELS_OK;
}

reels_status reels__buf_extend(reels_buf *buf, size_t len, uint8_t **out_data, reels_error *err)
{
    REELS_TRY(buf_reserve(buf, len, err));
    REELS_INVARIANT(buf->data != NULL && buf->len + len < buf->capacity, err);
    *out_data = buf->data + buf->len;
    buf->len += len;
    buf->data[buf->len] = 0;
    return REELS_OK;
}

reels_status reels_buf_append(reels_buf *buf, const uint8_t *data, size_t len, reels_error *err)
{
    REELS_REQUIRE(buf != NULL, err, "buf is NULL");
    REELS_REQUIRE(data != NULL || len == 0, err, "data is NULL");
    /* The bytes may be the buffer's own, which growing can move. */
    uintptr_t start = (uintptr_t)buf->data;
    uintptr_t from = (uintptr_t)data;
    int inside = buf->data != NULL && from >= start && from - start < buf->capacity;
    uint8_t *to = NULL;
    REELS_TRY(reels__buf_extend(buf, len, &to, err));
    if (len > 0) {
        memmove(to, inside ? buf->data + (from - start) : data, len);
    }
    return REELS_OK;
}

reels_status reels__buf_append_text(reels_buf *buf, const char *text, reels_error *err)
{
    return reels_buf_append(buf, (const uint8_t *)text, strlen(text), err);
}

reels_status reels__buf_append_format(reels_buf *buf, reels_error *err, const char *format, ...)
{
    char text[BUF_FORMAT_BYTES];
    size_t len = 0;
    va_list args;
    va_start(args, format);
    int fits = reels__format(text, sizeof text, &len, format, args);
    va_end(args);
    if (!fits) {
        return reels__fail(
            err, REELS_ERR_LIMIT, "formatted text is longer than %d bytes", BUF_FORMAT_BYTES - 1);
    }
    return reels_buf_append(buf, (const uint8_t *)text, len, err);
}

void reels__buf_truncate(reels_buf *buf, size_t len)
{
    if (len < buf->len) {
        buf->len = len;
        buf->data[len] = 0;
    }
}

void reels_buf_clear(reels_buf *buf)
{
    if (buf != NULL) {
        reels__buf_truncate(buf, 0);
    }
}

uint8_t *reels__buf_bytes(reels_buf *buf)
{
    return buf->data;
}

const uint8_t *reels_buf_data(const reels_buf *buf)
{
    static const uint8_t empty[1] = {0};
    return buf != NULL && buf->data != NULL ? buf->data : empty;
}

size_t reels_buf_len(const reels_buf *buf)
{
    return buf != NULL ? buf->len : 0;
}
