/* Owns the one way in which versioned structs cross the door: options inwards, results outwards. */
#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"

enum {
    /* A struct_size beyond this is garbage, not a later version. */
    STRUCT_SIZE_MAX = 64 * 1024
};

reels_status reels__options_read(const void *options,
                                 size_t size_v1,
                                 void *out_copy,
                                 size_t copy_size,
                                 const char *name,
                                 reels_error *err)
{
    uint32_t full_size = (uint32_t)copy_size;
    uint32_t size = full_size;
    if (options != NULL) {
        memcpy(&size, options, sizeof size);
        if (size < size_v1 || size > STRUCT_SIZE_MAX) {
            return reels__fail(err,
                               REELS_ERR_INVALID_ARG,
                               "%s: struct_size is %u, not %zu to %d",
                               name,
                               (unsigned)size,
                               size_v1,
                               STRUCT_SIZE_MAX);
        }
        const uint8_t *bytes = options;
        for (size_t i = copy_size; i < size; i++) {
            if (bytes[i] != 0) {
                return reels__fail(err,
                                   REELS_ERR_UNSUPPORTED,
                                   "%s: a field of a newer version is set (byte %zu)",
                                   name,
                                   i);
            }
        }
    }
    memset(out_copy, 0, copy_size);
    if (options != NULL) {
        memcpy(out_copy, options, size < copy_size ? size : copy_size);
    }
    memcpy(out_copy, &full_size, sizeof full_size);
    return REELS_OK;
}

reels_status reels__result_write(void *out,
                                 size_t size_v1,
                                 const void *full,
                                 size_t full_size,
                                 const char *name,
                                 reels_error *err)
{
    uint32_t size = 0;
    memcpy(&size, out, sizeof size);
    if (size < size_v1 || size > STRUCT_SIZE_MAX) {
        return reels__fail(err,
                           REELS_ERR_INVALID_ARG,
                           "%s: struct_size is %u, not %zu to %d",
                           name,
                           (unsigned)size,
                           size_v1,
                           STRUCT_SIZE_MAX);
    }
    size_t known = size < full_size ? size : full_size;
    memcpy(out, full, known);
    /* What a newer caller asks for and this version does not know is zero. */
    memset((uint8_t *)out + known, 0, size - known);
    memcpy(out, &size, sizeof size);
    return REELS_OK;
}
