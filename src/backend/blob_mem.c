/* Owns the blob store in memory: the least that the port demands, without multipart uploads, so
 * that tests see the fallbacks too. Objects stand in an array in the order of their keys; each is
 * counted by its readers, so that no lock is held while a sink is called. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <reels/backend/blob.h>

#include "backend/embedded.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    SINK_BYTES = 256 * 1024 /* what a sink is given at once */
};

struct object {
    size_t refs; /* under the lock of the store */
    char *key;
    uint8_t *data;
    reels_blob_info info;
};

struct blob_mem {
    reels_ctx *ctx;
    pthread_mutex_t lock;
    struct object **objects; /* by key */
    size_t count;
    size_t capacity;
    uint64_t etag_next;
};

static void object_free(reels_ctx *ctx, struct object *object)
{
    if (object != NULL) {
        reels__mem_free(ctx, object->key);
        reels__mem_free(ctx, object->data);
        reels__mem_free(ctx, object);
    }
}

/* Under the lock: position of the first key that is not below. */
static size_t position_of(const struct blob_mem *mem, const char *key)
{
    size_t low = 0;
    size_t high = mem->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(mem->objects[middle]->key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct object *find(const struct blob_mem *mem, const char *key)
{
    size_t at = position_of(mem, key);
    int there = at < mem->count && strcmp(mem->objects[at]->key, key) == 0;
    return there ? mem->objects[at] : NULL;
}

static struct object *object_ref(struct blob_mem *mem, const char *key)
{
    pthread_mutex_lock(&mem->lock);
    struct object *object = find(mem, key);
    if (object != NULL) {
        object->refs++;
    }
    pthread_mutex_unlock(&mem->lock);
    return object;
}

static void object_unref(struct blob_mem *mem, struct object *object)
{
    pthread_mutex_lock(&mem->lock);
    int last = --object->refs == 0;
    pthread_mutex_unlock(&mem->lock);
    if (last) {
        object_free(mem->ctx, object);
    }
}

static reels_status object_fill(reels_ctx *ctx,
                                const reels_call *call,
                                struct object *object,
                                const reels_blob_source *source,
                                reels_error *err)
{
    uint64_t at = 0;
    size_t len = 0;
    uint8_t end = 0;
    do {
        REELS_TRY(reels__call_check(ctx, call, err));
        uint64_t left = source->length_bytes - at;
        size_t capacity = left < SINK_BYTES ? (size_t)left : SINK_BYTES;
        /* The last question must get "the end": that is where an empty source is checked. */
        uint8_t *data = capacity > 0 ? object->data + at : &end;
        REELS_TRY(
            source->reader(source->reader_user, data, capacity > 0 ? capacity : 1, &len, err));
        at += len;
    } while (len > 0);
    return REELS_OK;
}

static reels_status object_make(struct blob_mem *mem,
                                const reels_call *call,
                                const char *key,
                                const reels_blob_source *source,
                                struct object **out,
                                reels_error *err)
{
    reels_ctx *ctx = mem->ctx;
    struct object *object = reels__mem_zalloc(ctx, sizeof *object);
    if (object != NULL) {
        object->key = reels__mem_strdup(ctx, key);
        object->data = source->length_bytes < SIZE_MAX / 2
                           ? reels__mem_alloc(ctx, (size_t)source->length_bytes)
                           : NULL;
    }
    reels_status status = REELS_OK;
    if (object == NULL || object->key == NULL || object->data == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    } else {
        status = object_fill(ctx, call, object, source, err);
    }
    if (status != REELS_OK) {
        object_free(ctx, object);
        return status;
    }
    object->refs = 1;
    object->info.struct_size = sizeof object->info;
    object->info.size_bytes = source->length_bytes;
    object->info.modified_unix_us = reels_ctx_now_unix_us(ctx);
    *out = object;
    return REELS_OK;
}

/* Under the lock: takes the object on OK. */
static reels_status insert(struct blob_mem *mem, struct object *object, reels_error *err)
{
    if (mem->count == mem->capacity) {
        size_t capacity = mem->capacity == 0 ? 16 : mem->capacity * 2;
        struct object **objects =
            reels__mem_realloc(mem->ctx, mem->objects, capacity * sizeof(struct object *));
        if (objects == NULL) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
        }
        mem->objects = objects;
        mem->capacity = capacity;
    }
    size_t at = position_of(mem, object->key);
    memmove(mem->objects + at + 1, mem->objects + at, (mem->count - at) * sizeof(struct object *));
    (void)snprintf(object->info.etag, sizeof object->info.etag, "m%" PRIu64, mem->etag_next++);
    mem->objects[at] = object;
    mem->count++;
    return REELS_OK;
}

static int objects_are_equal(const struct object *a, const struct object *b)
{
    return a->info.size_bytes == b->info.size_bytes &&
           memcmp(a->data, b->data, (size_t)a->info.size_bytes) == 0;
}

static reels_status blob_mem_put(void *impl,
                                 const reels_call *call,
                                 const char *key,
                                 const reels_blob_source *source,
                                 reels_blob_info *out_info,
                                 reels_error *err)
{
    struct blob_mem *mem = impl;
    struct object *object = NULL;
    REELS_TRY(object_make(mem, call, key, source, &object, err));
    pthread_mutex_lock(&mem->lock);
    const struct object *there = find(mem, key);
    reels_status status = REELS_OK;
    if (there == NULL) {
        status = insert(mem, object, err);
        *out_info = object->info;
        object = status == REELS_OK ? NULL : object;
    } else if (objects_are_equal(object, there)) {
        *out_info = there->info;
    } else {
        status = reels__fail(err, REELS_ERR_EXISTS, "the key holds other bytes");
    }
    pthread_mutex_unlock(&mem->lock);
    object_free(mem->ctx, object);
    return status;
}

static reels_status no_such_object(reels_error *err)
{
    return reels__fail(err, REELS_ERR_NOT_FOUND, "no such object");
}

static reels_status blob_mem_get(void *impl,
                                 const reels_call *call,
                                 const char *key,
                                 uint64_t offset,
                                 uint64_t length_bytes,
                                 reels_sink_fn sink,
                                 void *sink_user,
                                 reels_blob_info *out_info,
                                 reels_error *err)
{
    struct blob_mem *mem = impl;
    struct object *object = object_ref(mem, key);
    if (object == NULL) {
        return no_such_object(err);
    }
    *out_info = object->info;
    uint64_t end = object->info.size_bytes;
    uint64_t at = offset < end ? offset : end;
    end = length_bytes < end - at ? at + length_bytes : end;
    reels_status status = REELS_OK;
    while (at < end && status == REELS_OK) {
        size_t len = end - at < SINK_BYTES ? (size_t)(end - at) : SINK_BYTES;
        status = reels__call_check(mem->ctx, call, err);
        if (status == REELS_OK) {
            status = sink(sink_user, object->data + at, len, err);
        }
        at += len;
    }
    object_unref(mem, object);
    return status;
}

static reels_status blob_mem_head(void *impl,
                                  const reels_call *call,
                                  const char *key,
                                  reels_blob_info *out_info,
                                  reels_error *err)
{
    (void)call;
    struct blob_mem *mem = impl;
    pthread_mutex_lock(&mem->lock);
    const struct object *object = find(mem, key);
    int there = object != NULL;
    if (there) {
        *out_info = object->info;
    }
    pthread_mutex_unlock(&mem->lock);
    return there ? REELS_OK : no_such_object(err);
}

static reels_status blob_mem_remove(void *impl,
                                    const reels_call *call,
                                    const char *const *keys,
                                    size_t keys_count,
                                    reels_error *err)
{
    (void)call;
    (void)err;
    struct blob_mem *mem = impl;
    for (size_t i = 0; i < keys_count; i++) {
        pthread_mutex_lock(&mem->lock);
        struct object *object = find(mem, keys[i]);
        if (object != NULL) {
            size_t at = position_of(mem, keys[i]);
            mem->count--;
            memmove(mem->objects + at,
                    mem->objects + at + 1,
                    (mem->count - at) * sizeof(struct object *));
        }
        pthread_mutex_unlock(&mem->lock);
        if (object != NULL) {
            object_unref(mem, object);
        }
    }
    return REELS_OK;
}

/* Copies the first key behind `key` that begins with prefix: 0 when there is none. */
static int
next_after(struct blob_mem *mem, const char *prefix, char *key, reels_blob_info *out_info)
{
    size_t prefix_len = strlen(prefix);
    pthread_mutex_lock(&mem->lock);
    size_t at = position_of(mem, strcmp(key, prefix) > 0 ? key : prefix);
    if (at < mem->count && strcmp(mem->objects[at]->key, key) == 0) {
        at++;
    }
    const struct object *object = at < mem->count ? mem->objects[at] : NULL;
    int there = object != NULL && strncmp(object->key, prefix, prefix_len) == 0;
    if (there) {
        memcpy(key, object->key, strlen(object->key) + 1);
        *out_info = object->info;
    }
    pthread_mutex_unlock(&mem->lock);
    return there;
}

static reels_status blob_mem_list(void *impl,
                                  const reels_call *call,
                                  const char *prefix,
                                  const char *after,
                                  uint32_t limit,
                                  reels_blob_entry_fn entry,
                                  void *entry_user,
                                  reels_error *err)
{
    struct blob_mem *mem = impl;
    char key[REELS_BLOB_KEY_BYTES_MAX + 1];
    memcpy(key, after, strlen(after) + 1);
    for (uint32_t i = 0; i < limit; i++) {
        reels_blob_info info = {0};
        REELS_TRY(reels__call_check(mem->ctx, call, err));
        if (!next_after(mem, prefix, key, &info)) {
            break;
        }
        reels_status status = entry(entry_user, key, &info);
        if (status != REELS_OK) {
            return status;
        }
    }
    return REELS_OK;
}

static void blob_mem_destroy(void *impl)
{
    struct blob_mem *mem = impl;
    for (size_t i = 0; i < mem->count; i++) {
        object_free(mem->ctx, mem->objects[i]);
    }
    pthread_mutex_destroy(&mem->lock);
    reels__mem_free(mem->ctx, mem->objects);
    reels__mem_free(mem->ctx, mem);
}

static const reels_blob_vtable VTABLE = {
    .struct_size = sizeof(reels_blob_vtable),
    .destroy = blob_mem_destroy,
    .put = blob_mem_put,
    .get = blob_mem_get,
    .head = blob_mem_head,
    .remove = blob_mem_remove,
    .list = blob_mem_list,
};

reels_status
reels__blob_mem_open(void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err)
{
    (void)user;
    (void)url;
    struct blob_mem *mem = reels__mem_zalloc(ctx, sizeof *mem);
    if (mem == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    mem->ctx = ctx;
    if (pthread_mutex_init(&mem->lock, NULL) != 0) {
        reels__mem_free(ctx, mem);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no lock");
    }
    reels_blob *blob = NULL;
    reels_status status = reels_blob_new(ctx, &VTABLE, mem, &blob, err);
    if (status != REELS_OK) {
        blob_mem_destroy(mem);
        return status;
    }
    *out_port = blob;
    return REELS_OK;
}
