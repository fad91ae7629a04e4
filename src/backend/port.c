/* Owns the rules by which versioned tables and arrays cross the ports' front doors. */
#include "port.h"

#include <string.h>

#include <reels/backend/queue.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/utf8.h"

typedef void (*function_pointer)(void);

reels_status reels__vtable_copy(const void *vtable,
                                size_t size_v1,
                                void *out_copy,
                                size_t copy_size,
                                const char *name,
                                const reels__slot *musts,
                                size_t musts_count,
                                reels_error *err)
{
    if (vtable == NULL) {
        return reels__fail(err, REELS_ERR_INVALID_ARG, "%s is NULL", name);
    }
    REELS_TRY(reels__options_read(vtable, size_v1, out_copy, copy_size, name, err));
    for (size_t i = 0; i < musts_count; i++) {
        function_pointer slot = NULL;
        memcpy(&slot, (const uint8_t *)out_copy + musts[i].offset, sizeof slot);
        if (slot == NULL) {
            return reels__fail(
                err, REELS_ERR_INVALID_ARG, "%s: %s must be set", name, musts[i].name);
        }
    }
    return REELS_OK;
}

static uint32_t struct_size_at(const void *item)
{
    uint32_t size = 0;
    memcpy(&size, item, sizeof size);
    return size;
}

reels_status reels__array_read(const reels_ctx *ctx,
                               const void *items,
                               size_t items_count,
                               size_t size_v1,
                               size_t item_size,
                               const char *name,
                               void **out_copy,
                               reels_error *err)
{
    *out_copy = NULL;
    if (items_count == 0) {
        return REELS_OK;
    }
    const uint8_t *from = items;
    size_t stride = struct_size_at(from);
    /* Alignment of what follows hangs on it. */
    if (stride < size_v1 || stride % sizeof(uint64_t) != 0) {
        return reels__fail(
            err, REELS_ERR_INVALID_ARG, "%s: struct_size is %zu, not %zu", name, stride, item_size);
    }
    for (size_t i = 1; i < items_count; i++) {
        if (struct_size_at(from + i * stride) != stride) {
            return reels__fail(
                err, REELS_ERR_INVALID_ARG, "%s: struct_size of item %zu differs", name, i);
        }
    }
    if (stride == item_size) {
        return REELS_OK;
    }
    uint8_t *copy = reels__mem_calloc(ctx, items_count, item_size);
    if (copy == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "%s: no memory", name);
    }
    for (size_t i = 0; i < items_count; i++) {
        reels_status status = reels__options_read(
            from + i * stride, size_v1, copy + i * item_size, item_size, name, err);
        if (status < 0) {
            reels__mem_free(ctx, copy);
            return status;
        }
    }
    *out_copy = copy;
    return REELS_OK;
}

reels_status reels__queue_name_check(const char *name, const char *what, reels_error *err)
{
    size_t len = 0;
    if (name != NULL && name[0] >= 'a' && name[0] <= 'z') {
        len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-");
    }
    if (len == 0 || len > REELS_QUEUE_NAME_BYTES_MAX || name[len] != '\0') {
        return reels__fail(
            err, REELS_ERR_INVALID_ARG, "%s is not [a-z][a-z0-9._-]* of up to 200 bytes", what);
    }
    return REELS_OK;
}

reels_status reels__name_check(const char *name, size_t len_max, const char *what, reels_error *err)
{
    if (name == NULL) {
        return reels__fail(err, REELS_ERR_INVALID_ARG, "%s is NULL", what);
    }
    size_t len = strnlen(name, len_max + 1);
    if (len == 0 || len > len_max) {
        return reels__fail(err, REELS_ERR_INVALID_ARG, "%s has not 1 to %zu bytes", what, len_max);
    }
    if (!reels__utf8_valid((const uint8_t *)name, len)) {
        return reels__fail(err, REELS_ERR_INVALID_ARG, "%s is not UTF-8", what);
    }
    return REELS_OK;
}
