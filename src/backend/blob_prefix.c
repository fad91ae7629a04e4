/* Owns the removing of everything under a prefix. */
#include "blob_prefix.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

enum {
    KEY_BYTES = 256, /* longer than any key that the library makes */
    REMOVE_BATCH = 200
};

struct keys {
    char (*items)[KEY_BYTES];
    const char **pointers;
    size_t count;
};

static reels_status collect_key(void *user, const char *key, const reels_blob_info *info)
{
    (void)info;
    struct keys *keys = user;
    size_t len = strlen(key);
    if (keys->count == REMOVE_BATCH || len >= KEY_BYTES) {
        return REELS_END;
    }
    memcpy(keys->items[keys->count], key, len + 1);
    keys->pointers[keys->count] = keys->items[keys->count];
    keys->count++;
    return REELS_OK;
}

reels_status reels__blob_remove_prefix(
    reels_ctx *ctx, reels_blob *blob, const reels_call *call, const char *prefix, reels_error *err)
{
    struct keys keys = {.items = reels__mem_calloc(ctx, REMOVE_BATCH, KEY_BYTES),
                        .pointers = reels__mem_calloc(ctx, REMOVE_BATCH, sizeof(char *))};
    reels_status status = REELS_OK;
    if (keys.items == NULL || keys.pointers == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to remove files");
        goto out;
    }
    do {
        keys.count = 0;
        status = reels_blob_list(blob, call, prefix, NULL, REMOVE_BATCH, collect_key, &keys, err);
        if (status >= 0 && keys.count > 0) {
            status = reels_blob_remove(blob, call, keys.pointers, keys.count, err);
        }
    } while (status == REELS_OK && keys.count > 0);
out:
    reels__mem_free(ctx, keys.pointers);
    reels__mem_free(ctx, keys.items);
    return status < 0 ? status : REELS_OK;
}
