/* Owns short ways of making and reading the values of catalog rows, so that engines write a row as
 * a list of what it holds. */
#ifndef REELS_SRC_BACKEND_VALUE_H
#define REELS_SRC_BACKEND_VALUE_H

#include <string.h>

#include <reels/backend.h>

static inline reels_value reels__value_null(void)
{
    return (reels_value){.type = REELS_TYPE_NULL};
}

static inline reels_value reels__value_int(int64_t number)
{
    return (reels_value){.type = REELS_TYPE_INT64, .integer = number};
}

static inline reels_value reels__value_time(int64_t unix_us)
{
    return (reels_value){.type = REELS_TYPE_TIME, .integer = unix_us};
}

static inline reels_value reels__value_id(uint64_t id)
{
    return (reels_value){.type = REELS_TYPE_ID, .integer = (int64_t)id};
}

static inline reels_value reels__value_text(const char *text)
{
    return (reels_value){
        .type = REELS_TYPE_UTF8, .data = (const uint8_t *)text, .len = strlen(text)};
}

static inline reels_value reels__value_bytes(const uint8_t *data, size_t len)
{
    return (reels_value){.type = REELS_TYPE_BYTES, .data = data, .len = len};
}

/* Copies a text or bytes value into a fixed array as a NUL-terminated string, cut to fit. */
static inline void reels__value_copy_text(const reels_value *value, char *out, size_t capacity)
{
    size_t len = value->len < capacity - 1 ? value->len : capacity - 1;
    if (len > 0) {
        memcpy(out, value->data, len);
    }
    out[len] = '\0';
}

#endif
