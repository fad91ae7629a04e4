/* Owns the cache in memory: shards, what is forgotten when, and the slots. */
#include "cache_mem.h"

#include <string.h>

#include "backend/embedded.h"
#include "backend/port.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"

enum {
    SHARDS_COUNT = 16,
    FIELDS_MAX = 64,
    NUMBER_DIGITS_MAX = 15,
    /* What an entry costs beside what it holds: itself, its key twice, a slot of the map. */
    ENTRY_OVERHEAD_BYTES = sizeof(struct reels__cache_entry) + 96
};

#define BYTES_DEFAULT ((size_t)64 * 1024 * 1024)
#define BYTES_MIN ((size_t)64 * 1024)
/* Below it one shard has all the room, so that one value can be as large as values may be. */
#define BYTES_SHARDED ((size_t)32 * 1024 * 1024)

struct cache_mem {
    reels_ctx *ctx;
    size_t shards_count;
    struct reels__cache_shard shards[SHARDS_COUNT];
};

static void list_unlink(struct reels__cache_shard *shard, struct reels__cache_entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &shard->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &shard->oldest) = entry->newer;
    entry->newer = NULL;
    entry->older = NULL;
}

static void list_link(struct reels__cache_shard *shard, struct reels__cache_entry *entry)
{
    entry->newer = NULL;
    entry->older = shard->newest;
    *(entry->older != NULL ? &entry->older->newer : &shard->oldest) = entry;
    shard->newest = entry;
}

static void entry_drop(struct reels__cache_shard *shard, struct reels__cache_entry *entry)
{
    (void)reels__map_bytes_remove(&shard->entries, entry->key, entry->key_len);
    list_unlink(shard, entry);
    shard->bytes -= entry->bytes;
    reels__cache_content_free(shard->ctx, entry);
    reels__mem_free(shard->ctx, entry->key);
    reels__mem_free(shard->ctx, entry);
}

struct reels__cache_entry *
reels__cache_find(struct reels__cache_shard *shard, const uint8_t *key, size_t key_len)
{
    struct reels__cache_entry *entry = reels__map_bytes_get(&shard->entries, key, key_len);
    if (entry == NULL) {
        return NULL;
    }
    if (entry->expires_mono_us <= shard->now_mono_us) {
        entry_drop(shard, entry);
        return NULL;
    }
    list_unlink(shard, entry);
    list_link(shard, entry);
    return entry;
}

static reels_status entry_make(struct reels__cache_shard *shard,
                               const uint8_t *key,
                               size_t key_len,
                               struct reels__cache_entry **out,
                               reels_error *err)
{
    struct reels__cache_entry *entry = reels__mem_zalloc(shard->ctx, sizeof *entry);
    uint8_t *copy = reels__mem_dup(shard->ctx, key, key_len);
    reels_status status = entry != NULL && copy != NULL
                              ? REELS_OK
                              : reels__fail(err, REELS_ERR_NO_MEMORY, "cache: no memory");
    if (status == REELS_OK) {
        status = reels__map_bytes_put(&shard->entries, key, key_len, entry, NULL, err);
    }
    if (status < 0) {
        reels__mem_free(shard->ctx, entry);
        reels__mem_free(shard->ctx, copy);
        return status;
    }
    entry->key = copy;
    entry->key_len = key_len;
    entry->bytes = ENTRY_OVERHEAD_BYTES + 2 * key_len;
    shard->bytes += entry->bytes;
    list_link(shard, entry);
    *out = entry;
    return REELS_OK;
}

void reels__cache_count(struct reels__cache_shard *shard,
                        struct reels__cache_entry *entry,
                        size_t added,
                        size_t removed)
{
    entry->bytes = entry->bytes + added - removed;
    shard->bytes = shard->bytes + added - removed;
}

/* The entry holds nothing any more, and is of that kind from now on. */
static reels_status entry_become(struct reels__cache_shard *shard,
                                 struct reels__cache_entry *entry,
                                 uint32_t kind,
                                 reels_error *err)
{
    reels__cache_content_free(shard->ctx, entry);
    reels__cache_count(shard, entry, 0, entry->bytes - ENTRY_OVERHEAD_BYTES - 2 * entry->key_len);
    entry->kind = REELS__CACHE_NOTHING;
    if (kind == REELS__CACHE_ZSET) {
        REELS_TRY(reels__map_bytes_init(&entry->by_member, shard->ctx, 0, err));
    }
    entry->kind = kind;
    return REELS_OK;
}

reels_status reels__cache_begin(struct reels__cache_shard *shard,
                                const uint8_t *key,
                                size_t key_len,
                                uint32_t kind,
                                const reels_cache_write *write,
                                struct reels__cache_entry **out,
                                reels_error *err)
{
    struct reels__cache_entry *entry = reels__cache_find(shard, key, key_len);
    *out = NULL;
    if (entry != NULL && write->version != 0 && entry->version > write->version) {
        return REELS_OK;
    }
    if (entry == NULL) {
        REELS_TRY(entry_make(shard, key, key_len, &entry, err));
    }
    if (entry->kind != kind) {
        REELS_TRY(entry_become(shard, entry, kind, err));
    }
    entry->version = write->version > entry->version ? write->version : entry->version;
    entry->expires_mono_us = write->ttl_us != 0
                                 ? reels__i64_add_saturated(shard->now_mono_us, write->ttl_us)
                                 : INT64_MAX;
    *out = entry;
    return REELS_OK;
}

void reels__cache_fit(struct reels__cache_shard *shard)
{
    while (shard->bytes > shard->bytes_max && shard->oldest != NULL) {
        entry_drop(shard, shard->oldest);
    }
}

/* The shard of a key, locked. */
static struct reels__cache_shard *
shard_lock(struct cache_mem *mem, const uint8_t *key, size_t key_len)
{
    size_t index =
        mem->shards_count > 1 ? (size_t)(reels__xxh3_64(key, key_len, 0) % mem->shards_count) : 0;
    struct reels__cache_shard *shard = &mem->shards[index];
    int64_t now = reels_ctx_now_mono_us(mem->ctx);
    pthread_mutex_lock(&shard->lock);
    shard->now_mono_us = now;
    return shard;
}

static void shard_unlock(struct reels__cache_shard *shard)
{
    pthread_mutex_unlock(&shard->lock);
}

static reels_status value_put(struct reels__cache_shard *shard,
                              const reels_cache_item *item,
                              const reels_cache_write *write,
                              reels_error *err)
{
    struct reels__cache_entry *entry = NULL;
    uint8_t *value = reels__mem_dup(shard->ctx, item->value, item->value_len);
    reels_status status =
        value != NULL ? reels__cache_begin(
                            shard, item->key, item->key_len, REELS__CACHE_VALUE, write, &entry, err)
                      : reels__fail(err, REELS_ERR_NO_MEMORY, "cache: no memory");
    if (entry == NULL) {
        reels__mem_free(shard->ctx, value);
        return status;
    }
    reels__cache_count(shard, entry, item->value_len, entry->value_len);
    reels__mem_free(shard->ctx, entry->value);
    entry->value = value;
    entry->value_len = item->value_len;
    reels__cache_fit(shard);
    return REELS_OK;
}

static reels_status mem_put(void *impl,
                            const reels_call *call,
                            const reels_cache_item *items,
                            size_t items_count,
                            const reels_cache_write *write,
                            reels_error *err)
{
    (void)call;
    reels_status status = REELS_OK;
    for (size_t i = 0; i < items_count && status == REELS_OK; i++) {
        struct reels__cache_shard *shard = shard_lock(impl, items[i].key, items[i].key_len);
        status = value_put(shard, &items[i], write, err);
        shard_unlock(shard);
    }
    return status;
}

static uint64_t row_version(const struct reels__cache_entry *entry)
{
    return entry->version > 0 ? entry->version : 1;
}

static reels_status mem_get(void *impl,
                            const reels_call *call,
                            const reels_cache_name *keys,
                            size_t keys_count,
                            reels_rows *rows,
                            reels_error *err)
{
    (void)call;
    reels_status status = REELS_OK;
    for (size_t i = 0; i < keys_count && status == REELS_OK; i++) {
        struct reels__cache_shard *shard = shard_lock(impl, keys[i].data, keys[i].len);
        const struct reels__cache_entry *entry =
            reels__cache_find(shard, keys[i].data, keys[i].len);
        if (entry != NULL && entry->kind == REELS__CACHE_VALUE) {
            reels_value value = {
                .type = REELS_TYPE_BYTES, .data = entry->value, .len = entry->value_len};
            status = reels_rows_add(rows, &value, 1, row_version(entry), err);
        } else {
            status = reels_rows_add(rows, NULL, 0, 0, err);
        }
        shard_unlock(shard);
    }
    return status;
}

static reels_status key_remove(struct reels__cache_shard *shard,
                               const reels_cache_name *key,
                               const reels_cache_write *write,
                               reels_error *err)
{
    struct reels__cache_entry *entry = NULL;
    if (write->version == 0) {
        entry = reels__cache_find(shard, key->data, key->len);
        if (entry != NULL) {
            entry_drop(shard, entry);
        }
        return REELS_OK;
    }
    REELS_TRY(
        reels__cache_begin(shard, key->data, key->len, REELS__CACHE_NOTHING, write, &entry, err));
    reels__cache_fit(shard);
    return REELS_OK;
}

static reels_status mem_remove(void *impl,
                               const reels_call *call,
                               const reels_cache_name *keys,
                               size_t keys_count,
                               const reels_cache_write *write,
                               reels_error *err)
{
    (void)call;
    reels_status status = REELS_OK;
    for (size_t i = 0; i < keys_count && status == REELS_OK; i++) {
        struct reels__cache_shard *shard = shard_lock(impl, keys[i].data, keys[i].len);
        status = key_remove(shard, &keys[i], write, err);
        shard_unlock(shard);
    }
    return status;
}

/* How many of the fields from `from` on belong to one key: those are written at once. */
static size_t same_key_count(const reels_cache_field *fields, size_t count)
{
    size_t same = 1;
    while (same < count && fields[same].key_len == fields[0].key_len &&
           memcmp(fields[same].key, fields[0].key, fields[0].key_len) == 0) {
        same++;
    }
    return same;
}

static reels_status mem_hput(void *impl,
                             const reels_call *call,
                             const reels_cache_field *fields,
                             size_t fields_count,
                             const reels_cache_write *write,
                             reels_error *err)
{
    (void)call;
    reels_status status = REELS_OK;
    for (size_t i = 0; i < fields_count && status == REELS_OK;) {
        size_t same = same_key_count(fields + i, fields_count - i);
        struct reels__cache_shard *shard = shard_lock(impl, fields[i].key, fields[i].key_len);
        struct reels__cache_entry *entry = NULL;
        status = reels__cache_begin(
            shard, fields[i].key, fields[i].key_len, REELS__CACHE_HASH, write, &entry, err);
        for (size_t j = 0; j < same && status == REELS_OK && entry != NULL; j++) {
            status = reels__cache_field_put(shard, entry, &fields[i + j], err);
        }
        reels__cache_fit(shard);
        shard_unlock(shard);
        i += same;
    }
    return status;
}

static reels_status hash_row(const struct reels__cache_entry *entry,
                             const reels_cache_name *fields,
                             size_t fields_count,
                             reels_rows *rows,
                             reels_error *err)
{
    reels_value values[FIELDS_MAX] = {0};
    REELS_INVARIANT(fields_count <= FIELDS_MAX, err);
    for (size_t i = 0; i < fields_count; i++) {
        const struct reels__cache_field *found = reels__cache_field_get(entry, &fields[i]);
        if (found != NULL) {
            values[i].type = REELS_TYPE_BYTES;
            values[i].data = found->bytes + found->field_len;
            values[i].len = found->value_len;
        }
    }
    return reels_rows_add(rows, values, fields_count, row_version(entry), err);
}

static reels_status mem_hget(void *impl,
                             const reels_call *call,
                             const reels_cache_name *keys,
                             size_t keys_count,
                             const reels_cache_name *fields,
                             size_t fields_count,
                             reels_rows *rows,
                             reels_error *err)
{
    (void)call;
    reels_status status = REELS_OK;
    for (size_t i = 0; i < keys_count && status == REELS_OK; i++) {
        struct reels__cache_shard *shard = shard_lock(impl, keys[i].data, keys[i].len);
        const struct reels__cache_entry *entry =
            reels__cache_find(shard, keys[i].data, keys[i].len);
        status = entry != NULL && entry->kind == REELS__CACHE_HASH
                     ? hash_row(entry, fields, fields_count, rows, err)
                     : reels_rows_add(rows, NULL, 0, 0, err);
        shard_unlock(shard);
    }
    return status;
}

static reels_status mem_zput(void *impl,
                             const reels_call *call,
                             const reels_cache_name *key,
                             const reels_cache_member *members,
                             size_t members_count,
                             uint32_t keep_count,
                             const reels_cache_write *write,
                             reels_error *err)
{
    (void)call;
    struct reels__cache_shard *shard = shard_lock(impl, key->data, key->len);
    struct reels__cache_entry *entry = NULL;
    reels_status status =
        reels__cache_begin(shard, key->data, key->len, REELS__CACHE_ZSET, write, &entry, err);
    for (size_t i = 0; i < members_count && status == REELS_OK && entry != NULL; i++) {
        status = reels__cache_member_put(shard, entry, &members[i], err);
    }
    if (entry != NULL) {
        reels__cache_members_keep(shard, entry, keep_count);
    }
    reels__cache_fit(shard);
    shard_unlock(shard);
    return status;
}

static reels_status member_row(const struct reels__cache_member *member,
                               uint64_t version,
                               reels_rows *rows,
                               reels_error *err)
{
    reels_value values[2] = {
        {.type = REELS_TYPE_BYTES, .data = member->bytes, .len = member->len},
        {.type = REELS_TYPE_FLOAT64, .real = member->score},
    };
    return reels_rows_add(rows, values, 2, version, err);
}

static reels_status mem_zrange(void *impl,
                               const reels_call *call,
                               const reels_cache_name *key,
                               const reels_cache_range *range,
                               reels_rows *rows,
                               reels_error *err)
{
    (void)call;
    struct reels__cache_shard *shard = shard_lock(impl, key->data, key->len);
    const struct reels__cache_entry *entry = reels__cache_find(shard, key->data, key->len);
    size_t count = entry != NULL && entry->kind == REELS__CACHE_ZSET ? entry->count : 0;
    reels_status status = REELS_OK;
    for (uint64_t i = range->skip;
         i < count && i - range->skip < range->limit && status == REELS_OK;
         i++) {
        size_t at = range->ascending ? (size_t)i : count - 1 - (size_t)i;
        status = member_row(entry->members[at], row_version(entry), rows, err);
    }
    shard_unlock(shard);
    return status;
}

static reels_status mem_zremove(void *impl,
                                const reels_call *call,
                                const reels_cache_name *key,
                                const reels_cache_name *members,
                                size_t members_count,
                                const reels_cache_write *write,
                                reels_error *err)
{
    (void)call;
    (void)err;
    struct reels__cache_shard *shard = shard_lock(impl, key->data, key->len);
    struct reels__cache_entry *entry = reels__cache_find(shard, key->data, key->len);
    int passed_over = entry == NULL || entry->kind != REELS__CACHE_ZSET ||
                      (write->version != 0 && entry->version > write->version);
    for (size_t i = 0; i < members_count && !passed_over; i++) {
        reels__cache_member_remove(shard, entry, &members[i]);
    }
    if (!passed_over && write->version > entry->version) {
        entry->version = write->version;
    }
    shard_unlock(shard);
    return REELS_OK;
}

static void mem_destroy(void *impl)
{
    struct cache_mem *mem = impl;
    for (size_t i = 0; i < mem->shards_count; i++) {
        struct reels__cache_shard *shard = &mem->shards[i];
        while (shard->oldest != NULL) {
            entry_drop(shard, shard->oldest);
        }
        reels__map_bytes_dispose(&shard->entries);
        pthread_mutex_destroy(&shard->lock);
    }
    reels__mem_free(mem->ctx, mem);
}

static const reels_cache_vtable VTABLE = {
    .struct_size = sizeof(reels_cache_vtable),
    .destroy = mem_destroy,
    .put = mem_put,
    .get = mem_get,
    .remove = mem_remove,
    .hput = mem_hput,
    .hget = mem_hget,
    .zput = mem_zput,
    .zrange = mem_zrange,
    .zremove = mem_zremove,
};

/* Reads "", or "?bytes=N". */
static reels_status bound_read(const char *rest, size_t *out_bytes, reels_error *err)
{
    static const char name[] = "?bytes=";
    uint64_t number = 0;
    size_t digits = 0;
    *out_bytes = BYTES_DEFAULT;
    if (rest[0] == '\0') {
        return REELS_OK;
    }
    REELS_REQUIRE(strncmp(rest, name, sizeof name - 1) == 0, err, "cache url: unknown option");
    rest += sizeof name - 1;
    for (; digits < NUMBER_DIGITS_MAX && rest[digits] >= '0' && rest[digits] <= '9'; digits++) {
        number = number * 10 + (uint64_t)(rest[digits] - '0');
    }
    REELS_REQUIRE(digits > 0 && rest[digits] == '\0' && number >= BYTES_MIN &&
                      number <= SIZE_MAX / 2,
                  err,
                  "cache url: bytes is not a number from 65536");
    *out_bytes = (size_t)number;
    return REELS_OK;
}

static reels_status
shard_init(struct reels__cache_shard *shard, reels_ctx *ctx, size_t bytes_max, reels_error *err)
{
    shard->ctx = ctx;
    shard->bytes_max = bytes_max;
    REELS_TRY(reels__map_bytes_init(&shard->entries, ctx, 0, err));
    if (pthread_mutex_init(&shard->lock, NULL) != 0) {
        reels__map_bytes_dispose(&shard->entries);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "cache: no lock");
    }
    return REELS_OK;
}

reels_status reels__cache_mem_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err)
{
    (void)user;
    size_t bytes = 0;
    REELS_TRY(bound_read(reels__url_rest(url), &bytes, err));
    struct cache_mem *mem = reels__mem_zalloc(ctx, sizeof *mem);
    if (mem == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "cache: no memory");
    }
    mem->ctx = ctx;
    size_t shards = bytes >= BYTES_SHARDED ? SHARDS_COUNT : 1;
    reels_status status = REELS_OK;
    while (status == REELS_OK && mem->shards_count < shards) {
        status = shard_init(&mem->shards[mem->shards_count], ctx, bytes / shards, err);
        mem->shards_count += status == REELS_OK;
    }
    reels_cache *cache = NULL;
    if (status == REELS_OK) {
        status = reels_cache_new(ctx, &VTABLE, mem, &cache, err);
    }
    if (status < 0) {
        mem_destroy(mem);
        return status;
    }
    *out_port = cache;
    return REELS_OK;
}
