/* Owns trees of files in memory. */
#include "hls_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fails(struct hls_files *files)
{
    return ++files->calls_count == files->fail_at;
}

/* These are called outside of tests too, where Check cannot assert. */
static void need(int ok)
{
    if (!ok) {
        abort();
    }
}

static reels_status memory_begin(
    void *impl, const char *name, const char *content_type, void **out_file, reels_error *err)
{
    struct hls_files *files = impl;
    need(reels_output_name_is_valid(name) == 1);
    need(strchr(content_type, '/') != NULL);
    if (fails(files)) {
        return reels_error_set(err, REELS_ERR_HOST, 7, "begin was told to fail");
    }
    need(files->count < HLS_FILES_MAX);
    struct hls_file *file = &files->items[files->count++];
    memset(file, 0, sizeof *file);
    (void)snprintf(file->name, sizeof file->name, "%s", name);
    files->open_count++;
    *out_file = file;
    return REELS_OK;
}

static reels_status
memory_write(void *impl, void *opaque, const uint8_t *data, size_t len, reels_error *err)
{
    struct hls_files *files = impl;
    struct hls_file *file = opaque;
    if (fails(files)) {
        return reels_error_set(err, REELS_ERR_HOST, 7, "write was told to fail");
    }
    uint8_t *grown = realloc(file->data, file->len + len + 1);
    need(grown != NULL);
    memcpy(grown + file->len, data, len);
    file->data = grown;
    file->len += len;
    file->data[file->len] = 0;
    return REELS_OK;
}

static reels_status memory_finish(void *impl, void *opaque, reels_error *err)
{
    struct hls_files *files = impl;
    struct hls_file *file = opaque;
    need(file->finished + file->aborted == 0);
    files->open_count--;
    file->finished = 1;
    if (fails(files)) {
        return reels_error_set(err, REELS_ERR_HOST, 7, "finish was told to fail");
    }
    return REELS_OK;
}

static void memory_abort(void *impl, void *opaque)
{
    struct hls_files *files = impl;
    struct hls_file *file = opaque;
    need(file->finished + file->aborted == 0);
    files->open_count--;
    file->aborted = 1;
}

reels_output_vtable hls_files_output(void)
{
    return (reels_output_vtable){.struct_size = sizeof(reels_output_vtable),
                                 .begin = memory_begin,
                                 .write = memory_write,
                                 .finish = memory_finish,
                                 .abort = memory_abort};
}

static struct hls_file *find(struct hls_files *files, const char *name)
{
    for (size_t i = 0; i < files->count; i++) {
        if (strcmp(files->items[i].name, name) == 0) {
            return &files->items[i];
        }
    }
    return NULL;
}

static reels_status memory_size(void *impl, const char *name, uint64_t *out_bytes, reels_error *err)
{
    struct hls_file *file = find(impl, name);
    if (file == NULL) {
        return reels_error_set(err, REELS_ERR_NOT_FOUND, 0, "no such file");
    }
    *out_bytes = file->len;
    return REELS_OK;
}

static reels_status memory_read(
    void *impl, const char *name, uint64_t offset, uint8_t *data, size_t len, reels_error *err)
{
    struct hls_file *file = find(impl, name);
    (void)err;
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_le(offset, file->len);
    ck_assert_uint_le(len, file->len - offset);
    memcpy(data, file->data + offset, len);
    return REELS_OK;
}

reels_verify_source_vtable hls_files_source(void)
{
    return (reels_verify_source_vtable){.struct_size = sizeof(reels_verify_source_vtable),
                                        .size = memory_size,
                                        .read = memory_read};
}

void hls_files_dispose(struct hls_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->items[i].data);
    }
    memset(files, 0, sizeof *files);
}

void hls_files_copy(const struct hls_files *from, struct hls_files *to)
{
    *to = *from;
    for (size_t i = 0; i < to->count; i++) {
        to->items[i].data = malloc(to->items[i].len + 1);
        ck_assert_ptr_nonnull(to->items[i].data);
        memcpy(to->items[i].data, from->items[i].data, to->items[i].len + 1);
    }
}

void hls_files_package(const struct hls_tree *tree, uint32_t packager_flags, struct hls_files *out)
{
    reels_ctx *ctx = NULL;
    reels_error err = {.struct_size = sizeof err};
    reels_packager_options options = {.struct_size = sizeof options, .flags = packager_flags};
    reels_output_vtable table = hls_files_output();
    memset(out, 0, sizeof *out);
    if (reels_ctx_new(NULL, &ctx, &err) != REELS_OK ||
        hls_tree_package_to(ctx, tree, &options, &table, out, &err) != REELS_OK) {
        (void)fprintf(stderr, "hls_files_package: %s\n", err.message);
        abort();
    }
    reels_ctx_free(ctx);
}

void hls_files_write(const struct hls_files *files, const char *path)
{
    for (size_t i = 0; i < files->count; i++) {
        char name[TEST_PATH_BYTES + REELS_OUTPUT_NAME_BYTES_MAX + 2];
        (void)snprintf(name, sizeof name, "%s/%s", path, files->items[i].name);
        ck_assert_int_eq(test_file_write(name, files->items[i].data, files->items[i].len), 1);
    }
}

struct hls_file *hls_files_find(struct hls_files *files, const char *name)
{
    struct hls_file *file = find(files, name);
    ck_assert_msg(file != NULL, "there is no file %s", name);
    return file;
}

void hls_files_remove(struct hls_files *files, const char *name)
{
    hls_files_find(files, name)->name[0] = '\0';
}

void hls_files_swap(struct hls_files *files, const char *a, const char *b)
{
    struct hls_file *first = hls_files_find(files, a);
    struct hls_file *second = hls_files_find(files, b);
    (void)snprintf(first->name, sizeof first->name, "%s", b);
    (void)snprintf(second->name, sizeof second->name, "%s", a);
}

int hls_files_replace(struct hls_files *files, const char *name, const char *from, const char *to)
{
    struct hls_file *file = hls_files_find(files, name);
    size_t from_len = strlen(from);
    size_t to_len = strlen(to);
    int count = 0;
    for (size_t at = 0; at + from_len <= file->len;) {
        if (memcmp(file->data + at, from, from_len) != 0) {
            at++;
            continue;
        }
        uint8_t *data = malloc(file->len - from_len + to_len + 1);
        ck_assert_ptr_nonnull(data);
        memcpy(data, file->data, at);
        memcpy(data + at, to, to_len);
        memcpy(data + at + to_len, file->data + at + from_len, file->len - at - from_len + 1);
        free(file->data);
        file->data = data;
        file->len = file->len - from_len + to_len;
        at += to_len;
        count++;
    }
    return count;
}

void hls_files_strip_hashes(struct hls_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        struct hls_file *file = &files->items[i];
        const char *line = NULL;
        if (strstr(file->name, ".m3u8") == NULL) {
            continue;
        }
        while ((line = strstr((const char *)file->data, "#reels-xxh3:")) != NULL) {
            size_t at = (size_t)(line - (const char *)file->data);
            size_t end = at + strcspn(line, "\n") + 1;
            memmove(file->data + at, file->data + end, file->len - end + 1);
            file->len -= end - at;
        }
    }
}

/* The n-th EXT-X-BYTERANGE line of a playlist. */
static char *range_line(struct hls_files *files, const char *playlist, size_t n)
{
    char *at = (char *)hls_files_find(files, playlist)->data;
    for (size_t i = 0; i <= n; i++) {
        at = strstr(at + (i > 0), "#EXT-X-BYTERANGE:");
        ck_assert_ptr_nonnull(at);
    }
    return at;
}

struct hls_range hls_segment_range(struct hls_files *files, const char *playlist, size_t n)
{
    char *at = range_line(files, playlist, n) + strlen("#EXT-X-BYTERANGE:");
    char name[64];
    char *end = NULL;
    size_t len = strtoul(at, &end, 10);
    size_t offset = strtoul(end + 1, &end, 10);
    size_t name_len = strcspn(end + 1, "\n");
    (void)snprintf(name, sizeof name, "%.*s", (int)name_len, end + 1);
    struct hls_file *file = hls_files_find(files, name);
    ck_assert_uint_le(offset + len, file->len);
    return (struct hls_range){file->data + offset, len};
}

void hls_files_swap_segments(struct hls_files *files, const char *playlist, size_t a, size_t b)
{
    char first[100];
    char second[100];
    hls_files_strip_hashes(files);
    char *at = range_line(files, playlist, a);
    (void)snprintf(first, sizeof first, "%.*s", (int)strcspn(at, "\n"), at);
    at = range_line(files, playlist, b);
    (void)snprintf(second, sizeof second, "%.*s", (int)strcspn(at, "\n"), at);
    ck_assert_int_eq(hls_files_replace(files, playlist, first, "#EXT-X-PLACE"), 1);
    ck_assert_int_eq(hls_files_replace(files, playlist, second, first), 1);
    ck_assert_int_eq(hls_files_replace(files, playlist, "#EXT-X-PLACE", second), 1);
}
