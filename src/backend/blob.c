/* Owns the front door of the blob port: what is a key, which slots there are, and that length and
 * digest are checked on the way through, whatever the backend does. */
#include <string.h>

#include <reels/backend/blob.h>
#include <reels/backend/open.h>

#include "backend/digest.h"
#include "backend/port.h"
#include "base/buffer_internal.h"
#include "base/checked.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

#define PART_BYTES_MAX ((uint64_t)5 << 30)

/* Sizes of the first version. */
enum {
    VTABLE_V1 = sizeof(reels_blob_vtable),
    SOURCE_V1 = sizeof(reels_blob_source),
    INFO_V1 = sizeof(reels_blob_info),
    URL_REQUEST_V1 = sizeof(reels_blob_url_request)
};

struct reels_blob {
    reels_ctx *ctx;
    reels_blob_vtable vtable;
    void *impl;
    uint32_t features;
};

static const reels__slot MUSTS[] = {
    {offsetof(reels_blob_vtable, destroy), "destroy"},
    {offsetof(reels_blob_vtable, put), "put"},
    {offsetof(reels_blob_vtable, get), "get"},
    {offsetof(reels_blob_vtable, head), "head"},
    {offsetof(reels_blob_vtable, remove), "remove"},
    {offsetof(reels_blob_vtable, list), "list"},
};

static reels_status
features_read(const reels_blob_vtable *table, uint32_t *out_features, reels_error *err)
{
    int parts = (table->part_begin != NULL) + (table->part_put != NULL) +
                (table->part_list != NULL) + (table->part_commit != NULL) +
                (table->part_abort != NULL);
    REELS_REQUIRE(parts == 0 || parts == 5, err, "reels_blob_vtable: part slots come together");
    *out_features =
        (parts == 5 ? REELS_BLOB_HAS_PARTS : 0u) | (table->url != NULL ? REELS_BLOB_HAS_URL : 0u);
    return REELS_OK;
}

reels_status reels_blob_new(
    reels_ctx *ctx, const reels_blob_vtable *vtable, void *impl, reels_blob **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    reels_blob_vtable copy = {0};
    uint32_t features = 0;
    REELS_TRY(reels__vtable_copy(vtable,
                                 VTABLE_V1,
                                 &copy,
                                 sizeof copy,
                                 "reels_blob_vtable",
                                 MUSTS,
                                 REELS__COUNT(MUSTS),
                                 err));
    REELS_TRY(features_read(&copy, &features, err));
    reels_blob *blob = reels__mem_zalloc(ctx, sizeof *blob);
    if (blob == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "blob store: no memory");
    }
    blob->ctx = ctx;
    blob->vtable = copy;
    blob->impl = impl;
    blob->features = features;
    *out = blob;
    return REELS_OK;
}

reels_status reels_blob_open(reels_ctx *ctx, const char *url, reels_blob **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    void *port = NULL;
    REELS_TRY(reels__scheme_open(ctx, REELS_PORT_BLOB, url, &port, err));
    *out = port;
    return REELS_OK;
}

void reels_blob_free(reels_blob *blob)
{
    if (blob != NULL) {
        blob->vtable.destroy(blob->impl);
        reels__mem_free(blob->ctx, blob);
    }
}

uint32_t reels_blob_features(const reels_blob *blob)
{
    return blob != NULL ? blob->features : 0;
}

static int key_char_is_valid(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

/* Length of the legal beginning of a key; a prefix may end within a segment. */
static size_t key_span(const char *key, int *out_in_segment)
{
    size_t at = 0;
    size_t segment = 0;
    while (at < REELS_BLOB_KEY_BYTES_MAX && key[at] != '\0') {
        if (key[at] == '/' && segment > 0) {
            segment = 0;
        } else if (key_char_is_valid(key[at]) && !(segment == 0 && key[at] == '.') &&
                   segment < REELS_BLOB_SEGMENT_BYTES_MAX) {
            segment++;
        } else {
            break;
        }
        at++;
    }
    *out_in_segment = segment > 0;
    return at;
}

int32_t reels_blob_key_is_valid(const char *key)
{
    int in_segment = 0;
    return key != NULL && key[key_span(key, &in_segment)] == '\0' && in_segment;
}

static reels_status key_check(const char *key, reels_error *err)
{
    REELS_REQUIRE(reels_blob_key_is_valid(key),
                  err,
                  "key is not 1 to 1024 bytes of [a-zA-Z0-9._/-] in segments of 1 to 255 that do "
                  "not begin with a dot");
    return REELS_OK;
}

static reels_status
door_check(const reels_blob *blob, const reels_call *call, const char *key, reels_error *err)
{
    REELS_REQUIRE(blob != NULL, err, "blob is NULL");
    REELS_TRY(key_check(key, err));
    return reels__call_check(blob->ctx, call, err);
}

static reels_status info_give(reels_blob_info *out, const reels_blob_info *full, reels_error *err)
{
    if (out == NULL) {
        return REELS_OK;
    }
    return reels__result_write(out, INFO_V1, full, sizeof *full, "reels_blob_info", err);
}

/* Before anything is done: what could not be given afterwards. */
static reels_status info_check(const reels_blob_info *out, reels_error *err)
{
    REELS_REQUIRE(out == NULL || out->struct_size >= INFO_V1,
                  err,
                  "reels_blob_info: struct_size is too small");
    return REELS_OK;
}

/* A source as the caller has it, and the one the backend gets: the same behind a checking reader.
 */
struct checked_source {
    reels_blob_source given;
    reels_blob_source inner;
    struct reels__checked_reader reader;
};

static reels_status checked_source_init(struct checked_source *checked,
                                        reels_ctx *ctx,
                                        const reels_blob_source *source,
                                        reels_error *err)
{
    REELS_REQUIRE(source != NULL, err, "source is NULL");
    REELS_TRY(reels__options_read(
        source, SOURCE_V1, &checked->given, sizeof checked->given, "reels_blob_source", err));
    REELS_REQUIRE(checked->given.reader != NULL, err, "source has no reader");
    REELS_REQUIRE(checked->given.length_bytes <= INT64_MAX, err, "source is too long");
    REELS_TRY(reels__digest_check(&checked->given.digest, err));
    REELS_TRY(reels__checked_reader_init(&checked->reader, ctx, &checked->given, err));
    checked->inner = checked->given;
    checked->inner.reader = reels__checked_read;
    checked->inner.reader_user = &checked->reader;
    return REELS_OK;
}

reels_status reels_blob_put(reels_blob *blob,
                            const reels_call *call,
                            const char *key,
                            const reels_blob_source *source,
                            reels_blob_info *out_info,
                            reels_error *err)
{
    REELS_TRY(door_check(blob, call, key, err));
    REELS_TRY(info_check(out_info, err));
    struct checked_source checked = {0};
    REELS_TRY(checked_source_init(&checked, blob->ctx, source, err));
    reels_blob_info info = {.struct_size = sizeof info};
    reels_status status = blob->vtable.put(blob->impl, call, key, &checked.inner, &info, err);
    reels__checked_reader_dispose(&checked.reader);
    REELS_TRY(status);
    return info_give(out_info, &info, err);
}

struct memory_reader {
    const uint8_t *data;
    size_t left;
};

static reels_status
memory_read(void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err)
{
    (void)err;
    struct memory_reader *reader = user;
    size_t len = reader->left < capacity ? reader->left : capacity;
    if (len > 0) {
        memcpy(data, reader->data, len);
        reader->data += len;
        reader->left -= len;
    }
    *out_len = len;
    return REELS_OK;
}

reels_status reels_blob_put_bytes(reels_blob *blob,
                                  const reels_call *call,
                                  const char *key,
                                  const uint8_t *data,
                                  size_t len,
                                  reels_blob_info *out_info,
                                  reels_error *err)
{
    REELS_REQUIRE(data != NULL || len == 0, err, "data is NULL");
    struct memory_reader reader = {.data = data, .left = len};
    reels_blob_source source = {
        .struct_size = sizeof source,
        .length_bytes = len,
        .reader = memory_read,
        .reader_user = &reader,
    };
    return reels_blob_put(blob, call, key, &source, out_info, err);
}

/* Stands between the backend and the caller's sink: hands the info on before the first byte and
 * counts. */
struct counted_sink {
    reels_sink_fn sink;
    void *sink_user;
    reels_blob_info info;
    reels_blob_info *out_info;
    uint64_t offset;
    uint64_t length_bytes;
    uint64_t given_bytes;
    int began;
};

/* How many bytes the object has of the range. */
static uint64_t range_bytes(const struct counted_sink *counted)
{
    uint64_t size = counted->info.size_bytes;
    uint64_t left = size > counted->offset ? size - counted->offset : 0;
    return left < counted->length_bytes ? left : counted->length_bytes;
}

static reels_status counted_begin(struct counted_sink *counted, reels_error *err)
{
    if (counted->began) {
        return REELS_OK;
    }
    counted->began = 1;
    return info_give(counted->out_info, &counted->info, err);
}

static reels_status counted_take(void *user, const uint8_t *data, size_t len, reels_error *err)
{
    struct counted_sink *counted = user;
    REELS_TRY(counted_begin(counted, err));
    if (len > range_bytes(counted) - counted->given_bytes) {
        return reels__fail(err, REELS_ERR_CORRUPT, "the store gave more bytes than it should");
    }
    counted->given_bytes += len;
    return len > 0 ? counted->sink(counted->sink_user, data, len, err) : REELS_OK;
}

reels_status reels_blob_get(reels_blob *blob,
                            const reels_call *call,
                            const char *key,
                            uint64_t offset,
                            uint64_t length_bytes,
                            reels_sink_fn sink,
                            void *sink_user,
                            reels_blob_info *out_info,
                            reels_error *err)
{
    REELS_TRY(door_check(blob, call, key, err));
    REELS_REQUIRE(sink != NULL, err, "sink is NULL");
    REELS_TRY(info_check(out_info, err));
    struct counted_sink counted = {
        .sink = sink,
        .sink_user = sink_user,
        .info = {.struct_size = sizeof counted.info},
        .out_info = out_info,
        .offset = offset,
        .length_bytes = length_bytes,
    };
    REELS_TRY(blob->vtable.get(
        blob->impl, call, key, offset, length_bytes, counted_take, &counted, &counted.info, err));
    REELS_TRY(counted_begin(&counted, err));
    if (counted.given_bytes != range_bytes(&counted)) {
        return reels__fail(err, REELS_ERR_CORRUPT, "the store gave fewer bytes than it should");
    }
    return REELS_OK;
}

struct copy {
    uint8_t *data;
    size_t len;
};

/* reels_blob_get() hands over no byte beyond the range that was asked for. */
static reels_status copy_sink(void *user, const uint8_t *data, size_t len, reels_error *err)
{
    (void)err;
    struct copy *copy = user;
    memcpy(copy->data + copy->len, data, len);
    copy->len += len;
    return REELS_OK;
}

reels_status reels_blob_read(reels_blob *blob,
                             const reels_call *call,
                             const char *key,
                             uint64_t offset,
                             uint8_t *data,
                             size_t capacity,
                             size_t *out_len,
                             reels_error *err)
{
    REELS_REQUIRE(out_len != NULL, err, "out_len is NULL");
    *out_len = 0;
    REELS_REQUIRE(data != NULL || capacity == 0, err, "data is NULL");
    struct copy copy = {.data = data};
    REELS_TRY(reels_blob_get(blob, call, key, offset, capacity, copy_sink, &copy, NULL, err));
    *out_len = copy.len;
    return REELS_OK;
}

static reels_status buf_sink(void *user, const uint8_t *data, size_t len, reels_error *err)
{
    return reels_buf_append(user, data, len, err);
}

reels_status reels_blob_get_bytes(
    reels_blob *blob, const reels_call *call, const char *key, reels_buf *buf, reels_error *err)
{
    REELS_REQUIRE(buf != NULL, err, "buf is NULL");
    size_t before = reels_buf_len(buf);
    reels_status status = reels_blob_get(blob, call, key, 0, UINT64_MAX, buf_sink, buf, NULL, err);
    if (status < 0) {
        reels__buf_truncate(buf, before);
    }
    return status;
}

reels_status reels_blob_head(reels_blob *blob,
                             const reels_call *call,
                             const char *key,
                             reels_blob_info *out_info,
                             reels_error *err)
{
    REELS_TRY(door_check(blob, call, key, err));
    REELS_REQUIRE(out_info != NULL, err, "out_info is NULL");
    REELS_TRY(info_check(out_info, err));
    reels_blob_info info = {.struct_size = sizeof info};
    REELS_TRY(blob->vtable.head(blob->impl, call, key, &info, err));
    return info_give(out_info, &info, err);
}

reels_status reels_blob_remove(reels_blob *blob,
                               const reels_call *call,
                               const char *const *keys,
                               size_t keys_count,
                               reels_error *err)
{
    REELS_REQUIRE(blob != NULL, err, "blob is NULL");
    REELS_REQUIRE(keys_count <= REELS_BLOB_BATCH_MAX, err, "keys_count is above 1000");
    REELS_REQUIRE(keys != NULL || keys_count == 0, err, "keys is NULL");
    for (size_t i = 0; i < keys_count; i++) {
        REELS_TRY(key_check(keys[i], err));
    }
    REELS_TRY(reels__call_check(blob->ctx, call, err));
    return keys_count > 0 ? blob->vtable.remove(blob->impl, call, keys, keys_count, err) : REELS_OK;
}

static reels_status prefix_check(const char *prefix, const char *what, reels_error *err)
{
    int in_segment = 0;
    if (prefix == NULL || prefix[key_span(prefix, &in_segment)] != '\0') {
        return reels__fail(err, REELS_ERR_INVALID_ARG, "%s is not the beginning of a key", what);
    }
    return REELS_OK;
}

reels_status reels_blob_list(reels_blob *blob,
                             const reels_call *call,
                             const char *prefix,
                             const char *after,
                             uint32_t limit,
                             reels_blob_entry_fn entry,
                             void *entry_user,
                             reels_error *err)
{
    REELS_REQUIRE(blob != NULL, err, "blob is NULL");
    REELS_TRY(prefix_check(prefix, "prefix", err));
    REELS_TRY(prefix_check(after != NULL ? after : "", "after", err));
    REELS_REQUIRE(limit >= 1 && limit <= REELS_BLOB_BATCH_MAX, err, "limit is not 1 to 1000");
    REELS_REQUIRE(entry != NULL, err, "entry is NULL");
    REELS_TRY(reels__call_check(blob->ctx, call, err));
    return blob->vtable.list(
        blob->impl, call, prefix, after != NULL ? after : "", limit, entry, entry_user, err);
}

static reels_status parts_door_check(const reels_blob *blob,
                                     const reels_call *call,
                                     const char *key,
                                     const char *upload,
                                     reels_error *err)
{
    REELS_TRY(door_check(blob, call, key, err));
    if ((blob->features & REELS_BLOB_HAS_PARTS) == 0) {
        return reels__fail(err, REELS_ERR_UNSUPPORTED, "this blob store has no multipart uploads");
    }
    return reels__name_check(upload, REELS_BLOB_UPLOAD_BYTES_MAX, "upload", err);
}

reels_status reels_blob_part_begin(reels_blob *blob,
                                   const reels_call *call,
                                   const char *key,
                                   uint64_t part_size_bytes,
                                   reels_buf *out_upload,
                                   reels_error *err)
{
    REELS_TRY(parts_door_check(blob, call, key, "-", err));
    REELS_REQUIRE(part_size_bytes >= REELS_BLOB_PART_BYTES_MIN && part_size_bytes <= PART_BYTES_MAX,
                  err,
                  "part_size_bytes is not 5 MiB to 5 GiB");
    REELS_REQUIRE(out_upload != NULL, err, "out_upload is NULL");
    reels_buf_clear(out_upload);
    REELS_TRY(blob->vtable.part_begin(blob->impl, call, key, part_size_bytes, out_upload, err));
    return reels__name_check((const char *)reels_buf_data(out_upload),
                             REELS_BLOB_UPLOAD_BYTES_MAX,
                             "the store's name of the upload",
                             err);
}

reels_status reels_blob_part_put(reels_blob *blob,
                                 const reels_call *call,
                                 const char *key,
                                 const char *upload,
                                 uint32_t number,
                                 const reels_blob_source *source,
                                 reels_error *err)
{
    REELS_TRY(parts_door_check(blob, call, key, upload, err));
    REELS_REQUIRE(number >= 1 && number <= REELS_BLOB_PARTS_MAX, err, "number is not 1 to 10000");
    struct checked_source checked = {0};
    REELS_TRY(checked_source_init(&checked, blob->ctx, source, err));
    reels_status status =
        blob->vtable.part_put(blob->impl, call, key, upload, number, &checked.inner, err);
    reels__checked_reader_dispose(&checked.reader);
    return status;
}

reels_status reels_blob_part_list(reels_blob *blob,
                                  const reels_call *call,
                                  const char *key,
                                  const char *upload,
                                  uint32_t after,
                                  uint32_t limit,
                                  reels_blob_part_fn part,
                                  void *part_user,
                                  reels_error *err)
{
    REELS_TRY(parts_door_check(blob, call, key, upload, err));
    REELS_REQUIRE(limit >= 1 && limit <= REELS_BLOB_PARTS_MAX, err, "limit is not 1 to 10000");
    REELS_REQUIRE(part != NULL, err, "part is NULL");
    return blob->vtable.part_list(
        blob->impl, call, key, upload, after, limit, part, part_user, err);
}

reels_status reels_blob_part_commit(reels_blob *blob,
                                    const reels_call *call,
                                    const char *key,
                                    const char *upload,
                                    uint32_t parts_count,
                                    reels_blob_info *out_info,
                                    reels_error *err)
{
    REELS_TRY(parts_door_check(blob, call, key, upload, err));
    REELS_TRY(info_check(out_info, err));
    REELS_REQUIRE(parts_count >= 1 && parts_count <= REELS_BLOB_PARTS_MAX,
                  err,
                  "parts_count is not 1 to 10000");
    reels_blob_info info = {.struct_size = sizeof info};
    REELS_TRY(blob->vtable.part_commit(blob->impl, call, key, upload, parts_count, &info, err));
    return info_give(out_info, &info, err);
}

reels_status reels_blob_part_abort(
    reels_blob *blob, const reels_call *call, const char *key, const char *upload, reels_error *err)
{
    REELS_TRY(parts_door_check(blob, call, key, upload, err));
    return blob->vtable.part_abort(blob->impl, call, key, upload, err);
}

reels_status reels_blob_url(reels_blob *blob,
                            const reels_call *call,
                            const reels_blob_url_request *request,
                            reels_buf *out_urls,
                            reels_error *err)
{
    REELS_REQUIRE(blob != NULL, err, "blob is NULL");
    if ((blob->features & REELS_BLOB_HAS_URL) == 0) {
        return reels__fail(err, REELS_ERR_UNSUPPORTED, "this blob store gives no URLs");
    }
    REELS_REQUIRE(request != NULL && out_urls != NULL, err, "request or out_urls is NULL");
    reels_blob_url_request full = {0};
    REELS_TRY(reels__options_read(
        request, URL_REQUEST_V1, &full, sizeof full, "reels_blob_url_request", err));
    REELS_TRY(door_check(blob, call, full.key, err));
    REELS_REQUIRE(full.method >= REELS_BLOB_URL_GET && full.method <= REELS_BLOB_URL_PART,
                  err,
                  "url: unknown method");
    if (full.method == REELS_BLOB_URL_PART) {
        REELS_TRY(reels__name_check(full.upload, REELS_BLOB_UPLOAD_BYTES_MAX, "upload", err));
        uint64_t last = (uint64_t)full.part_first + full.parts_count;
        REELS_REQUIRE(full.part_first >= 1 && full.parts_count >= 1 &&
                          last <= REELS_BLOB_PARTS_MAX + 1,
                      err,
                      "url: part numbers are not 1 to 10000");
    }
    reels_buf_clear(out_urls);
    return blob->vtable.url(blob->impl, call, &full, out_urls, err);
}
