/* Owns the front door of the cache port. */
#include <math.h>
#include <string.h>

#include <reels/backend/cache.h>
#include <reels/backend/open.h>

#include "backend/port.h"
#include "backend/record_internal.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    VTABLE_V1 = sizeof(reels_cache_vtable),
    WRITE_V1 = sizeof(reels_cache_write),
    RANGE_V1 = sizeof(reels_cache_range),
    HGET_FIELDS_MAX = 64
};

struct reels_cache {
    reels_ctx *ctx;
    reels_cache_vtable vtable;
    void *impl;
};

static const reels__slot MUSTS[] = {
    {offsetof(reels_cache_vtable, destroy), "destroy"},
    {offsetof(reels_cache_vtable, put), "put"},
    {offsetof(reels_cache_vtable, get), "get"},
    {offsetof(reels_cache_vtable, remove), "remove"},
    {offsetof(reels_cache_vtable, hput), "hput"},
    {offsetof(reels_cache_vtable, hget), "hget"},
    {offsetof(reels_cache_vtable, zput), "zput"},
    {offsetof(reels_cache_vtable, zrange), "zrange"},
    {offsetof(reels_cache_vtable, zremove), "zremove"},
};

reels_status reels_cache_new(reels_ctx *ctx,
                             const reels_cache_vtable *vtable,
                             void *impl,
                             reels_cache **out,
                             reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    reels_cache_vtable copy = {0};
    REELS_TRY(reels__vtable_copy(vtable,
                                 VTABLE_V1,
                                 &copy,
                                 sizeof copy,
                                 "reels_cache_vtable",
                                 MUSTS,
                                 REELS__COUNT(MUSTS),
                                 err));
    reels_cache *cache = reels__mem_zalloc(ctx, sizeof *cache);
    if (cache == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "cache: no memory");
    }
    cache->ctx = ctx;
    cache->vtable = copy;
    cache->impl = impl;
    *out = cache;
    return REELS_OK;
}

reels_status reels_cache_open(reels_ctx *ctx, const char *url, reels_cache **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    void *port = NULL;
    REELS_TRY(reels__scheme_open(ctx, REELS_PORT_CACHE, url, &port, err));
    *out = port;
    return REELS_OK;
}

void reels_cache_free(reels_cache *cache)
{
    if (cache != NULL) {
        cache->vtable.destroy(cache->impl);
        reels__mem_free(cache->ctx, cache);
    }
}

static reels_status name_check(const uint8_t *data, size_t len, reels_error *err)
{
    REELS_REQUIRE(data != NULL && len >= 1 && len <= REELS_CACHE_KEY_BYTES_MAX,
                  err,
                  "a key, field or member has not 1 to 1024 bytes");
    return REELS_OK;
}

static reels_status value_check(const uint8_t *data, size_t len, reels_error *err)
{
    REELS_REQUIRE((data != NULL || len == 0) && len <= REELS_CACHE_VALUE_BYTES_MAX,
                  err,
                  "a value is NULL or above 1 MiB");
    return REELS_OK;
}

static reels_status
names_check(const reels_cache_name *names, size_t count, size_t count_max, reels_error *err)
{
    REELS_REQUIRE(count <= count_max, err, "too many keys, fields or members at once");
    REELS_REQUIRE(names != NULL || count == 0, err, "keys, fields or members are NULL");
    for (size_t i = 0; i < count; i++) {
        REELS_TRY(name_check(names[i].data, names[i].len, err));
    }
    return REELS_OK;
}

/* A full copy of how to write; the zero copy for NULL. */
static reels_status
write_read(const reels_cache_write *write, reels_cache_write *out, reels_error *err)
{
    REELS_TRY(reels__options_read(write, WRITE_V1, out, sizeof *out, "reels_cache_write", err));
    REELS_REQUIRE(out->ttl_us >= 0, err, "ttl_us is negative");
    return REELS_OK;
}

static reels_status door_check(const reels_cache *cache, const reels_call *call, reels_error *err)
{
    REELS_REQUIRE(cache != NULL, err, "cache is NULL");
    return reels__call_check(cache->ctx, call, err);
}

reels_status reels_cache_put(reels_cache *cache,
                             const reels_call *call,
                             const reels_cache_item *items,
                             size_t items_count,
                             const reels_cache_write *write,
                             reels_error *err)
{
    reels_cache_write full = {0};
    REELS_TRY(door_check(cache, call, err));
    REELS_TRY(write_read(write, &full, err));
    REELS_REQUIRE(items_count <= REELS_CACHE_BATCH_MAX, err, "items_count is above 10000");
    REELS_REQUIRE(items != NULL || items_count == 0, err, "items is NULL");
    for (size_t i = 0; i < items_count; i++) {
        REELS_TRY(name_check(items[i].key, items[i].key_len, err));
        REELS_TRY(value_check(items[i].value, items[i].value_len, err));
    }
    return items_count > 0 ? cache->vtable.put(cache->impl, call, items, items_count, &full, err)
                           : REELS_OK;
}

/* What a failed read has appended goes again. */
static reels_status rows_settle(reels_rows *rows, size_t before, reels_status status)
{
    if (status < 0) {
        reels__rows_truncate(rows, before);
    }
    return status;
}

/* One row per key is what the caller counts on. */
static reels_status
rows_expect(reels_rows *rows, size_t before, size_t expected, reels_status status, reels_error *err)
{
    if (status >= 0 && reels_rows_count(rows) - before != expected) {
        status = reels__fail(err, REELS_ERR_CORRUPT, "the cache gave not one row per key");
    }
    return rows_settle(rows, before, status);
}

reels_status reels_cache_get(reels_cache *cache,
                             const reels_call *call,
                             const reels_cache_name *keys,
                             size_t keys_count,
                             reels_rows *rows,
                             reels_error *err)
{
    REELS_TRY(door_check(cache, call, err));
    REELS_REQUIRE(rows != NULL, err, "rows is NULL");
    REELS_TRY(names_check(keys, keys_count, REELS_CACHE_BATCH_MAX, err));
    if (keys_count == 0) {
        return REELS_OK;
    }
    size_t before = reels_rows_count(rows);
    reels_status status = cache->vtable.get(cache->impl, call, keys, keys_count, rows, err);
    return rows_expect(rows, before, keys_count, status, err);
}

reels_status reels_cache_remove(reels_cache *cache,
                                const reels_call *call,
                                const reels_cache_name *keys,
                                size_t keys_count,
                                const reels_cache_write *write,
                                reels_error *err)
{
    reels_cache_write full = {0};
    REELS_TRY(door_check(cache, call, err));
    REELS_TRY(write_read(write, &full, err));
    REELS_TRY(names_check(keys, keys_count, REELS_CACHE_BATCH_MAX, err));
    return keys_count > 0 ? cache->vtable.remove(cache->impl, call, keys, keys_count, &full, err)
                          : REELS_OK;
}

reels_status reels_cache_hput(reels_cache *cache,
                              const reels_call *call,
                              const reels_cache_field *fields,
                              size_t fields_count,
                              const reels_cache_write *write,
                              reels_error *err)
{
    reels_cache_write full = {0};
    REELS_TRY(door_check(cache, call, err));
    REELS_TRY(write_read(write, &full, err));
    REELS_REQUIRE(fields_count <= REELS_CACHE_BATCH_MAX, err, "fields_count is above 10000");
    REELS_REQUIRE(fields != NULL || fields_count == 0, err, "fields is NULL");
    for (size_t i = 0; i < fields_count; i++) {
        REELS_TRY(name_check(fields[i].key, fields[i].key_len, err));
        REELS_TRY(name_check(fields[i].field, fields[i].field_len, err));
        REELS_TRY(value_check(fields[i].value, fields[i].value_len, err));
    }
    return fields_count > 0
               ? cache->vtable.hput(cache->impl, call, fields, fields_count, &full, err)
               : REELS_OK;
}

reels_status reels_cache_hget(reels_cache *cache,
                              const reels_call *call,
                              const reels_cache_name *keys,
                              size_t keys_count,
                              const reels_cache_name *fields,
                              size_t fields_count,
                              reels_rows *rows,
                              reels_error *err)
{
    REELS_TRY(door_check(cache, call, err));
    REELS_REQUIRE(rows != NULL, err, "rows is NULL");
    REELS_TRY(names_check(keys, keys_count, REELS_CACHE_BATCH_MAX, err));
    REELS_TRY(names_check(fields, fields_count, HGET_FIELDS_MAX, err));
    REELS_REQUIRE(fields_count >= 1, err, "fields_count is not 1 to 64");
    if (keys_count == 0) {
        return REELS_OK;
    }
    size_t before = reels_rows_count(rows);
    reels_status status =
        cache->vtable.hget(cache->impl, call, keys, keys_count, fields, fields_count, rows, err);
    return rows_expect(rows, before, keys_count, status, err);
}

static reels_status key_check(const reels_cache_name *key, reels_error *err)
{
    REELS_REQUIRE(key != NULL, err, "key is NULL");
    return name_check(key->data, key->len, err);
}

reels_status reels_cache_zput(reels_cache *cache,
                              const reels_call *call,
                              const reels_cache_name *key,
                              const reels_cache_member *members,
                              size_t members_count,
                              uint32_t keep_count,
                              const reels_cache_write *write,
                              reels_error *err)
{
    reels_cache_write full = {0};
    REELS_TRY(door_check(cache, call, err));
    REELS_TRY(write_read(write, &full, err));
    REELS_TRY(key_check(key, err));
    REELS_REQUIRE(members_count <= REELS_CACHE_BATCH_MAX, err, "members_count is above 10000");
    REELS_REQUIRE(members != NULL || members_count == 0, err, "members is NULL");
    REELS_REQUIRE(keep_count <= REELS_CACHE_ZSET_MAX, err, "keep_count is above 100000");
    for (size_t i = 0; i < members_count; i++) {
        REELS_TRY(name_check(members[i].member, members[i].member_len, err));
        REELS_REQUIRE(isfinite(members[i].score), err, "a score is not finite");
    }
    uint32_t keep = keep_count != 0 ? keep_count : REELS_CACHE_ZSET_MAX;
    return cache->vtable.zput(cache->impl, call, key, members, members_count, keep, &full, err);
}

reels_status reels_cache_zrange(reels_cache *cache,
                                const reels_call *call,
                                const reels_cache_name *key,
                                const reels_cache_range *range,
                                reels_rows *rows,
                                reels_error *err)
{
    reels_cache_range full = {0};
    REELS_TRY(door_check(cache, call, err));
    REELS_TRY(key_check(key, err));
    REELS_REQUIRE(range != NULL && rows != NULL, err, "range or rows is NULL");
    REELS_TRY(reels__options_read(range, RANGE_V1, &full, sizeof full, "reels_cache_range", err));
    REELS_REQUIRE(
        full.limit >= 1 && full.limit <= REELS_CACHE_BATCH_MAX, err, "limit is not 1 to 10000");
    size_t before = reels_rows_count(rows);
    reels_status status = cache->vtable.zrange(cache->impl, call, key, &full, rows, err);
    return rows_settle(rows, before, status);
}

reels_status reels_cache_zremove(reels_cache *cache,
                                 const reels_call *call,
                                 const reels_cache_name *key,
                                 const reels_cache_name *members,
                                 size_t members_count,
                                 const reels_cache_write *write,
                                 reels_error *err)
{
    reels_cache_write full = {0};
    REELS_TRY(door_check(cache, call, err));
    REELS_TRY(write_read(write, &full, err));
    REELS_TRY(key_check(key, err));
    REELS_TRY(names_check(members, members_count, REELS_CACHE_BATCH_MAX, err));
    return members_count > 0
               ? cache->vtable.zremove(cache->impl, call, key, members, members_count, &full, err)
               : REELS_OK;
}
