/* Owns the output into a blob store. A file is gathered in memory; past one part it goes on as a
 * multipart upload where the store has that. Nothing is seen under its key before it is whole. */
#include <stdio.h>
#include <string.h>

#include "base/buffer_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "output_internal.h"

enum {
    PART_BYTES = 8 * 1024 * 1024,
    /* A file in a store without multipart uploads is held in memory up to this. */
    WHOLE_BYTES_MAX = 1024 * 1024 * 1024
};

struct store {
    reels_output base;
    reels_blob *blob;
    const reels_call *call;
    char *prefix;
    uint32_t has_parts;
};

struct file {
    reels_buf *data;   /* what was not sent yet */
    reels_buf *upload; /* name of the multipart upload; empty before it began */
    uint64_t bytes;
    uint32_t parts_count;
    char name[REELS_OUTPUT_NAME_BYTES_MAX + 1];
    char key[REELS_BLOB_KEY_BYTES_MAX + 1];
};

static void
make_key(const struct store *store, const char *name, char key[REELS_BLOB_KEY_BYTES_MAX + 1])
{
    /* The prefix was measured when the output was made. */
    (void)snprintf(key, REELS_BLOB_KEY_BYTES_MAX + 1, "%s%s", store->prefix, name);
}

static void file_free(struct store *store, struct file *file)
{
    reels_buf_free(file->data);
    reels_buf_free(file->upload);
    reels__mem_free(store->base.ctx, file);
}

static reels_status blob_begin(
    void *impl, const char *name, const char *content_type, void **out_file, reels_error *err)
{
    struct store *store = impl;
    (void)content_type;
    *out_file = NULL;
    REELS_REQUIRE(reels_output_name_is_valid(name), err, "output: the file name is not valid");
    REELS_TRY(reels__output_names_reserve(&store->base, err));
    struct file *file = reels__mem_zalloc(store->base.ctx, sizeof *file);
    if (file == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "output: no memory for a file");
    }
    memcpy(file->name, name, strlen(name) + 1);
    make_key(store, name, file->key);
    reels_status status = reels_buf_new(store->base.ctx, WHOLE_BYTES_MAX, &file->data, err);
    if (status == REELS_OK) {
        status =
            reels_buf_new(store->base.ctx, REELS_BLOB_UPLOAD_BYTES_MAX + 1, &file->upload, err);
    }
    if (status != REELS_OK) {
        file_free(store, file);
        return status;
    }
    store->base.files_open++;
    *out_file = file;
    return REELS_OK;
}

/* Gives the bytes of a buffer to the store. */
struct reader {
    const uint8_t *data;
    size_t len;
    size_t at;
};

static reels_status
read_bytes(void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err)
{
    struct reader *reader = user;
    size_t left = reader->len - reader->at;
    size_t len = left < capacity ? left : capacity;
    (void)err;
    memcpy(data, reader->data + reader->at, len);
    reader->at += len;
    *out_len = len;
    return REELS_OK;
}

static reels_status put_part(struct store *store, struct file *file, reels_error *err)
{
    struct reader reader = {reels_buf_data(file->data), reels_buf_len(file->data), 0};
    reels_blob_source source = {.struct_size = sizeof source,
                                .length_bytes = reader.len,
                                .reader = read_bytes,
                                .reader_user = &reader};
    if (file->parts_count == 0) {
        REELS_TRY(reels_blob_part_begin(
            store->blob, store->call, file->key, PART_BYTES, file->upload, err));
    }
    const char *upload = (const char *)reels_buf_data(file->upload);
    REELS_TRY(reels_blob_part_put(
        store->blob, store->call, file->key, upload, file->parts_count + 1, &source, err));
    file->parts_count++;
    reels_buf_clear(file->data);
    return REELS_OK;
}

static reels_status
blob_write(void *impl, void *opaque, const uint8_t *data, size_t len, reels_error *err)
{
    struct store *store = impl;
    struct file *file = opaque;
    while (len > 0) {
        size_t held = reels_buf_len(file->data);
        size_t take = store->has_parts && len > PART_BYTES - held ? PART_BYTES - held : len;
        REELS_TRY(reels_buf_append(file->data, data, take, err));
        data += take;
        len -= take;
        file->bytes += take;
        /* A full part is sent once more follows, so that the last one is never empty. */
        if (store->has_parts && len > 0) {
            REELS_TRY(put_part(store, file, err));
        }
    }
    return REELS_OK;
}

static void blob_abort(void *impl, void *opaque)
{
    struct store *store = impl;
    struct file *file = opaque;
    if (reels_buf_len(file->upload) > 0) {
        /* Best effort: what made the file be given up is reported elsewhere. */
        (void)reels_blob_part_abort(
            store->blob, NULL, file->key, (const char *)reels_buf_data(file->upload), NULL);
    }
    file_free(store, file);
    store->base.files_open--;
}

static reels_status put_rest(struct store *store, struct file *file, reels_error *err)
{
    if (file->parts_count == 0) {
        return reels_blob_put_bytes(store->blob,
                                    store->call,
                                    file->key,
                                    reels_buf_data(file->data),
                                    reels_buf_len(file->data),
                                    NULL,
                                    err);
    }
    REELS_TRY(put_part(store, file, err));
    return reels_blob_part_commit(store->blob,
                                  store->call,
                                  file->key,
                                  (const char *)reels_buf_data(file->upload),
                                  file->parts_count,
                                  NULL,
                                  err);
}

static reels_status blob_finish(void *impl, void *opaque, reels_error *err)
{
    struct store *store = impl;
    struct file *file = opaque;
    reels_status status = put_rest(store, file, err);
    if (status != REELS_OK) {
        blob_abort(impl, opaque);
        return status;
    }
    reels__output_names_add(&store->base, file->name);
    store->base.bytes += file->bytes;
    store->base.files_open--;
    file_free(store, file);
    return REELS_OK;
}

static reels_status blob_remove_all(reels_output *output, reels_error *err)
{
    struct store *store = (struct store *)output;
    reels_status first = REELS_OK;
    for (size_t i = 0; i < output->finished.count; i++) {
        char key[REELS_BLOB_KEY_BYTES_MAX + 1];
        const char *keys[1] = {key};
        make_key(store, output->finished.items[i], key);
        reels_status status =
            reels_blob_remove(store->blob, store->call, keys, 1, first == REELS_OK ? err : NULL);
        first = first == REELS_OK ? status : first;
    }
    return first;
}

static void blob_dispose(reels_output *output)
{
    struct store *store = (struct store *)output;
    reels_ctx *ctx = output->ctx;
    reels__mem_free(ctx, store->prefix);
    reels__mem_free(ctx, store);
}

reels_status reels_output_blob_new(reels_ctx *ctx,
                                   reels_blob *blob,
                                   const char *prefix,
                                   const reels_call *call,
                                   reels_output **out,
                                   reels_error *err)
{
    char key[REELS_BLOB_KEY_BYTES_MAX + 1];
    REELS_REQUIRE(out != NULL, err, "output: out is NULL");
    *out = NULL;
    REELS_REQUIRE(
        ctx != NULL && blob != NULL && prefix != NULL, err, "output: an argument is NULL");
    size_t len = strlen(prefix);
    REELS_REQUIRE(len + REELS_OUTPUT_NAME_BYTES_MAX <= REELS_BLOB_KEY_BYTES_MAX,
                  err,
                  "output: the prefix is too long");
    (void)snprintf(key, sizeof key, "%sx", prefix);
    REELS_REQUIRE(reels_blob_key_is_valid(key) && (len == 0 || prefix[len - 1] == '/'),
                  err,
                  "output: the prefix is not the start of a key that ends with '/'");
    struct store *store = reels__mem_zalloc(ctx, sizeof *store);
    if (store == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "output: no memory");
    }
    store->base = (reels_output){.ctx = ctx,
                                 .table = {.struct_size = sizeof store->base.table,
                                           .begin = blob_begin,
                                           .write = blob_write,
                                           .finish = blob_finish,
                                           .abort = blob_abort},
                                 .remove_all = blob_remove_all,
                                 .dispose = blob_dispose};
    store->blob = blob;
    store->call = call;
    store->has_parts = (reels_blob_features(blob) & REELS_BLOB_HAS_PARTS) != 0;
    store->prefix = reels__mem_strdup(ctx, prefix);
    if (store->prefix == NULL) {
        blob_dispose(&store->base);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "output: no memory");
    }
    *out = &store->base;
    return REELS_OK;
}
