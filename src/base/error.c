/* Owns the writing of reels_error. The message is always formatted aside and copied, so that an
 * argument may point into the very message that is replaced. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* Copies a message of any length, cut at a character boundary and cleaned of control characters. */
static void error_message_set(reels_error *err, const char *message)
{
    size_t len = strlen(message);
    if (len >= sizeof err->message) {
        len = reels__utf8_cut(message, sizeof err->message - 1);
    }
    memcpy(err->message, message, len);
    memset(err->message + len, 0, sizeof err->message - len);
    reels__utf8_clean(err->message, len);
}

static void error_fill(reels_error *err,
                       reels_status status,
                       int32_t sys_errno,
                       int64_t host_code,
                       const char *message)
{
    err->status = status;
    err->sys_errno = sys_errno;
    err->flags = error_flags(status);
    err->host_code = host_code;
    error_message_set(err, message);
}

/* Four bytes more than fit, so that the cut is made here and at a character boundary. */
enum {
    FORMAT_BYTES = sizeof(((reels_error *)NULL)->message) + 4
};

reels_status reels__fail(reels_error *err, reels_status status, const char *format, ...)
{
    if (!error_is_usable(err)) {
        return status;
    }
    char text[FORMAT_BYTES];
    va_list args;
    va_start(args, format);
    if (vsnprintf(text, sizeof text, format, args) < 0) {
        text[0] = '\0';
    }
    va_end(args);
    error_fill(err, status, 0, 0, text);
    return status;
}

reels_status
reels__fail_errno(reels_error *err, reels_status status, int sys_errno, const char *format, ...)
{
    if (!error_is_usable(err)) {
        return status;
    }
    char text[FORMAT_BYTES];
    va_list args;
    va_start(args, format);
    if (vsnprintf(text, sizeof text, format, args) < 0) {
        text[0] = '\0';
    }
    va_end(args);
    error_fill(err, status, sys_errno, 0, text);
    return status;
}

void reels__error_prefix(reels_error *err, const char *what)
{
    if (!error_is_usable(err)) {
        return;
    }
    char text[FORMAT_BYTES];
    if (snprintf(text, sizeof text, "%s: %s", what, err->message) >= 0) {
        error_message_set(err, text);
    }
}

reels_status
reels_error_set(reels_error *err, reels_status status, int64_t host_code, const char *message)
{
    if (error_is_usable(err)) {
        error_fill(err, status, 0, host_code, message != NULL ? message : "");
    }
    return status;
}
