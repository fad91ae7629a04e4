/* Owns the writing of produced files into a blob store; see blob_output.h. */
#include "blob_output.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

enum {
    PART_BYTES = 8 * 1024 * 1024,
    CHUNK_FIRST = 256 * 1024,
    KEY_BYTES = REELS__BLOB_OUTPUT_PREFIX_BYTES + REELS_OUTPUT_NAME_BYTES_MAX + 1,
    REMOVE_BATCH = 200
};

/* A file that is being written: what has not gone out yet. */
struct file {
    char key[KEY_BYTES];
    char name[REELS_OUTPUT_NAME_BYTES_MAX + 1];
    reels_buf *upload; /* name of the multipart upload; empty = none begun */
    uint8_t *data;
    size_t len;
    size_t capacity;
    uint32_t parts_count;
    uint64_t bytes; /* of the whole file so far */
};

struct reader {
    const uint8_t *data;
    size_t len;
};

static reels_status
read_data(void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err)
{
    (void)err;
    struct reader *reader = user;
    size_t len = reader->len < capacity ? reader->len : capacity;
    if (len > 0) {
        memcpy(data, reader->data, len);
    }
    reader->data += len;
    reader->len -= len;
    *out_len = len;
    return REELS_OK;
}

static void file_free(const reels_ctx *ctx, struct file *file)
{
    reels_buf_free(file->upload);
    reels__mem_free(ctx, file->data);
    reels__mem_free(ctx, file);
}

static reels_status output_begin(
    void *impl, const char *name, const char *content_type, void **out_file, reels_error *err)
{
    (void)content_type; /* hosts that serve the files tell it from the name */
    struct reels__blob_output *output = impl;
    REELS_REQUIRE(reels_output_name_is_valid(name), err, "a file name is not valid");
    struct file *file = reels__mem_zalloc(output->ctx, sizeof(*file));
    if (file == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for file %s", name);
    }
    size_t prefix_len = strlen(output->prefix);
    size_t name_len = strlen(name);
    memcpy(file->name, name, name_len + 1);
    memcpy(file->key, output->prefix, prefix_len);
    memcpy(file->key + prefix_len, name, name_len + 1);
    reels_status status =
        reels_buf_new(output->ctx, REELS_BLOB_UPLOAD_BYTES_MAX, &file->upload, err);
    if (status < 0) {
        file_free(output->ctx, file);
        return status;
    }
    *out_file = file;
    return REELS_OK;
}

static reels_status
grow(const struct reels__blob_output *output, struct file *file, size_t needed, reels_error *err)
{
    size_t capacity = file->capacity == 0 ? CHUNK_FIRST : file->capacity;
    while (capacity < needed) {
        capacity *= 2;
    }
    if (capacity == file->capacity) {
        return REELS_OK;
    }
    uint8_t *data = reels__mem_realloc(output->ctx, file->data, capacity);
    if (data == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for file %s", file->name);
    }
    file->data = data;
    file->capacity = capacity;
    return REELS_OK;
}

/* Sends what is there as one part. */
static reels_status
send_part(struct reels__blob_output *output, struct file *file, reels_error *err)
{
    struct reader reader = {.data = file->data, .len = file->len};
    reels_blob_source source = {.struct_size = sizeof(source),
                                .length_bytes = file->len,
                                .reader = read_data,
                                .reader_user = &reader};
    if (reels_buf_len(file->upload) == 0) {
        REELS_TRY(
            reels_blob_part_begin(output->blob, NULL, file->key, PART_BYTES, file->upload, err));
    }
    REELS_TRY(reels_blob_part_put(output->blob,
                                  NULL,
                                  file->key,
                                  (const char *)reels_buf_data(file->upload),
                                  ++file->parts_count,
                                  &source,
                                  err));
    file->len = 0;
    return REELS_OK;
}

static reels_status
output_write(void *impl, void *handle, const uint8_t *data, size_t len, reels_error *err)
{
    struct reels__blob_output *output = impl;
    struct file *file = handle;
    int in_parts = (reels_blob_features(output->blob) & REELS_BLOB_HAS_PARTS) != 0;
    while (len > 0) {
        size_t room = in_parts ? PART_BYTES - file->len : len;
        size_t take = len < room ? len : room;
        REELS_TRY(grow(output, file, file->len + take, err));
        memcpy(file->data + file->len, data, take);
        file->len += take;
        file->bytes += take;
        data += take;
        len -= take;
        if (in_parts && file->len == PART_BYTES) {
            REELS_TRY(send_part(output, file, err));
        }
    }
    return REELS_OK;
}

/* Keeps the text of a playlist, before its bytes are given away. */
static reels_status
keep(struct reels__blob_output *output, const struct file *file, reels_error *err)
{
    size_t name_len = strlen(file->name);
    int is_playlist = name_len > 5 && strcmp(file->name + name_len - 5, ".m3u8") == 0;
    if (output->kept_count == REELS__BLOB_OUTPUT_KEPT_MAX) {
        return reels__fail(err, REELS_ERR_LIMIT, "more files than a ladder has");
    }
    struct reels__kept_file *kept = &output->kept[output->kept_count];
    memset(kept, 0, sizeof(*kept));
    if (is_playlist && file->parts_count == 0 && file->len <= REELS__BLOB_OUTPUT_KEPT_BYTES) {
        REELS_TRY(reels_buf_new(output->ctx, REELS__BLOB_OUTPUT_KEPT_BYTES, &kept->text, err));
        reels_status status = reels_buf_append(kept->text, file->data, file->len, err);
        if (status < 0) {
            reels_buf_free(kept->text);
            kept->text = NULL;
            return status;
        }
    }
    memcpy(kept->name, file->name, name_len + 1);
    kept->bytes = file->bytes;
    output->kept_count++;
    return REELS_OK;
}

static reels_status
send_rest(struct reels__blob_output *output, struct file *file, reels_error *err)
{
    struct reader reader = {.data = file->data, .len = file->len};
    reels_blob_source source = {.struct_size = sizeof(source),
                                .length_bytes = file->len,
                                .reader = read_data,
                                .reader_user = &reader};
    if (file->parts_count == 0) {
        return reels_blob_put(output->blob, NULL, file->key, &source, NULL, err);
    }
    if (file->len > 0) {
        REELS_TRY(send_part(output, file, err));
    }
    return reels_blob_part_commit(output->blob,
                                  NULL,
                                  file->key,
                                  (const char *)reels_buf_data(file->upload),
                                  file->parts_count,
                                  NULL,
                                  err);
}

static void output_abort(void *impl, void *handle)
{
    struct reels__blob_output *output = impl;
    struct file *file = handle;
    if (reels_buf_len(file->upload) > 0) {
        (void)reels_blob_part_abort(
            output->blob, NULL, file->key, (const char *)reels_buf_data(file->upload), NULL);
    }
    file_free(output->ctx, file);
}

static reels_status output_finish(void *impl, void *handle, reels_error *err)
{
    struct reels__blob_output *output = impl;
    struct file *file = handle;
    reels_status status = keep(output, file, err);
    if (status == REELS_OK) {
        status = send_rest(output, file, err);
    }
    if (status < 0) {
        output_abort(impl, handle);
        return status;
    }
    file_free(output->ctx, file);
    return REELS_OK;
}

static const reels_output_vtable table = {.struct_size = sizeof(reels_output_vtable),
                                          .begin = output_begin,
                                          .write = output_write,
                                          .finish = output_finish,
                                          .abort = output_abort};

const reels_output_vtable *reels__blob_output_table(void)
{
    return &table;
}

void reels__blob_output_init(struct reels__blob_output *output,
                             reels_ctx *ctx,
                             reels_blob *blob,
                             const char *prefix)
{
    memset(output, 0, sizeof(*output));
    output->ctx = ctx;
    output->blob = blob;
    memcpy(output->prefix, prefix, strnlen(prefix, sizeof(output->prefix) - 1));
}

void reels__blob_output_dispose(struct reels__blob_output *output)
{
    for (size_t i = 0; i < output->kept_count; i++) {
        reels_buf_free(output->kept[i].text);
    }
    output->kept_count = 0;
}

const struct reels__kept_file *reels__blob_output_find(const struct reels__blob_output *output,
                                                       const char *name)
{
    for (size_t i = 0; i < output->kept_count; i++) {
        if (strcmp(output->kept[i].name, name) == 0) {
            return &output->kept[i];
        }
    }
    return NULL;
}

/* ---- removing a prefix ---- */

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
