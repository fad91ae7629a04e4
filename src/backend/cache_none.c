/* Owns the cache that forgets at once ("none:"), which is legal: what works with it depends on no
 * cache. */
#include <reels/backend/cache.h>

#include "backend/embedded.h"
#include "base/error.h"

static void none_destroy(void *impl)
{
    (void)impl;
}

static reels_status none_put(void *impl,
                             const reels_call *call,
                             const reels_cache_item *items,
                             size_t items_count,
                             const reels_cache_write *write,
                             reels_error *err)
{
    (void)impl;
    (void)call;
    (void)items;
    (void)items_count;
    (void)write;
    (void)err;
    return REELS_OK;
}

static reels_status rows_missing(reels_rows *rows, size_t count, reels_error *err)
{
    for (size_t i = 0; i < count; i++) {
        REELS_TRY(reels_rows_add(rows, NULL, 0, 0, err));
    }
    return REELS_OK;
}

static reels_status none_get(void *impl,
                             const reels_call *call,
                             const reels_cache_name *keys,
                             size_t keys_count,
                             reels_rows *rows,
                             reels_error *err)
{
    (void)impl;
    (void)call;
    (void)keys;
    return rows_missing(rows, keys_count, err);
}

static reels_status none_remove(void *impl,
                                const reels_call *call,
                                const reels_cache_name *keys,
                                size_t keys_count,
                                const reels_cache_write *write,
                                reels_error *err)
{
    (void)impl;
    (void)call;
    (void)keys;
    (void)keys_count;
    (void)write;
    (void)err;
    return REELS_OK;
}

static reels_status none_hput(void *impl,
                              const reels_call *call,
                              const reels_cache_field *fields,
                              size_t fields_count,
                              const reels_cache_write *write,
                              reels_error *err)
{
    (void)impl;
    (void)call;
    (void)fields;
    (void)fields_count;
    (void)write;
    (void)err;
    return REELS_OK;
}

static reels_status none_hget(void *impl,
                              const reels_call *call,
                              const reels_cache_name *keys,
                              size_t keys_count,
                              const reels_cache_name *fields,
                              size_t fields_count,
                              reels_rows *rows,
                              reels_error *err)
{
    (void)impl;
    (void)call;
    (void)keys;
    (void)fields;
    (void)fields_count;
    return rows_missing(rows, keys_count, err);
}

static reels_status none_zput(void *impl,
                              const reels_call *call,
                              const reels_cache_name *key,
                              const reels_cache_member *members,
                              size_t members_count,
                              uint32_t keep_count,
                              const reels_cache_write *write,
                              reels_error *err)
{
    (void)impl;
    (void)call;
    (void)key;
    (void)members;
    (void)members_count;
    (void)keep_count;
    (void)write;
    (void)err;
    return REELS_OK;
}

static reels_status none_zrange(void *impl,
                                const reels_call *call,
                                const reels_cache_name *key,
                                const reels_cache_range *range,
                                reels_rows *rows,
                                reels_error *err)
{
    (void)impl;
    (void)call;
    (void)key;
    (void)range;
    (void)rows;
    (void)err;
    return REELS_OK;
}

static reels_status none_zremove(void *impl,
                                 const reels_call *call,
                                 const reels_cache_name *key,
                                 const reels_cache_name *members,
                                 size_t members_count,
                                 const reels_cache_write *write,
                                 reels_error *err)
{
    (void)impl;
    (void)call;
    (void)key;
    (void)members;
    (void)members_count;
    (void)write;
    (void)err;
    return REELS_OK;
}

static const reels_cache_vtable VTABLE = {
    .struct_size = sizeof(reels_cache_vtable),
    .destroy = none_destroy,
    .put = none_put,
    .get = none_get,
    .remove = none_remove,
    .hput = none_hput,
    .hget = none_hget,
    .zput = none_zput,
    .zrange = none_zrange,
    .zremove = none_zremove,
};

reels_status reels__cache_none_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err)
{
    (void)user;
    (void)url;
    reels_cache *cache = NULL;
    REELS_TRY(reels_cache_new(ctx, &VTABLE, NULL, &cache, err));
    *out_port = cache;
    return REELS_OK;
}
