/* Owns the writing of reels_error. The message is always formatted aside and copied, so that an
 * argument may point into the very message that is replaced. */
#include "error.h"

#include <stdarg.h>
#include <string.h>

#include "base/format.h"
#include "base/utf8.h"

_Static_assert(sizeof(reels_error) == 256, "the first version of reels_error has 256 bytes");

/* A caller whose struct is smaller than the first version has no room for a detail. */
static int error_is_usable(const reels_error *err)
{
    return err != NULL && err->struct_size >= sizeof(reels_error);
}

static uint32_t error_flags(reels_status status)
{
    switch (status) {
    case REELS_ERR_NO_MEMORY:
    case REELS_ERR_TIMEOUT:
    case REELS_ERR_BUSY:
        return REELS_ERROR_RETRIABLE;
    case REELS_ERR_INTERNAL:
        return REELS_ERROR_FATAL;
    default:
        return 0;
    }
}

static void error_fill(reels_error *err,
                       reels_status status,
                       int32_t sys_errno,
                       int64_t host_code,
                       const char *message)
{
    size_t len = strlen(message);
    if (len >= sizeof err->message) {
        len = reels__utf8_cut(message, sizeof err->message - 1);
    }
    err->status = status;
    err->sys_errno = sys_errno;
    err->flags = error_flags(status);
    err->host_code = host_code;
    memmove(err->message, message, len); /* it may be the very message that is replaced */
    memset(err->message + len, 0, sizeof err->message - len);
    reels__utf8_clean(err->message, len);
}

REELS__PRINTF(4, 0)
static void error_format(
    reels_error *err, reels_status status, int32_t sys_errno, const char *format, va_list args)
{
    char text[sizeof err->message];
    size_t len = 0;
    (void)reels__format(text, sizeof text, &len, format, args);
    error_fill(err, status, sys_errno, 0, text);
}

reels_status reels__fail(reels_error *err, reels_status status, const char *format, ...)
{
    if (error_is_usable(err)) {
        va_list args;
        va_start(args, format);
        error_format(err, status, 0, format, args);
        va_end(args);
    }
    return status;
}

reels_status
reels__fail_errno(reels_error *err, reels_status status, int sys_errno, const char *format, ...)
{
    if (error_is_usable(err)) {
        va_list args;
        va_start(args, format);
        error_format(err, status, sys_errno, format, args);
        va_end(args);
    }
    return status;
}

void reels__error_prefix(reels_error *err, const char *what)
{
    if (!error_is_usable(err)) {
        return;
    }
    reels_error before = *err;
    (void)reels__fail(err, before.status, "%s: %s", what, before.message);
    err->sys_errno = before.sys_errno;
    err->flags = before.flags;
    err->host_code = before.host_code;
}

reels_status
reels_error_set(reels_error *err, reels_status status, int64_t host_code, const char *message)
{
    if (error_is_usable(err)) {
        error_fill(err, status, 0, host_code, message != NULL ? message : "");
    }
    return status;
}
