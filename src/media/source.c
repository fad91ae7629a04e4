/* Owns reading at an offset. Nothing is ever read beyond the size that was found at the start. */
#include "media/source.h"

#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/utf8.h"

static reels_status open_path(reels__media_source *source, const char *path, reels_error *err)
{
    REELS_REQUIRE(path[0] != '\0' && reels__utf8_valid_text(path), err, "input: path is not text");
    const reels_fs *fs = &source->ctx->fs;
    REELS_TRY(fs->open(fs->user, path, REELS_FS_READ, &source->file, err));
    reels_fs_info info = {0};
    REELS_TRY(fs->file_info(fs->user, source->file, &info, err));
    if (info.kind != REELS_FS_KIND_FILE) {
        return reels__fail(err, REELS_ERR_INVALID_ARG, "input: path is not a regular file");
    }
    source->size_bytes = info.size_bytes;
    return REELS_OK;
}

reels_status reels__media_source_open(reels__media_source *source,
                                      reels_ctx *ctx,
                                      const reels_media_input *input,
                                      uint64_t bytes_max,
                                      reels_error *err)
{
    reels_media_input in = {0};
    REELS_REQUIRE(input != NULL, err, "input is NULL");
    REELS_TRY(reels__options_read(
        input, sizeof(reels_media_input), &in, sizeof in, "reels_media_input", err));
    int kinds = (in.path != NULL) + (in.data != NULL) + (in.read_at != NULL);
    REELS_REQUIRE(kinds == 1, err, "input: exactly one of path, data and read_at must be set");
    *source = (reels__media_source){.ctx = ctx,
                                    .data = in.data,
                                    .read_at = in.read_at,
                                    .user = in.user,
                                    .size_bytes = in.size_bytes};
    if (in.path != NULL) {
        reels_status status = open_path(source, in.path, err);
        if (status < 0) {
            reels__media_source_close(source);
            return status;
        }
    }
    if (source->size_bytes > bytes_max) {
        uint64_t size = source->size_bytes;
        reels__media_source_close(source);
        return reels__fail(err,
                           REELS_ERR_LIMIT,
                           "the file has %llu bytes, the limit is %llu",
                           (unsigned long long)size,
                           (unsigned long long)bytes_max);
    }
    return REELS_OK;
}

reels_status reels__media_source_read(reels__media_source *source,
                                      uint64_t offset,
                                      uint8_t *data,
                                      size_t len,
                                      size_t *out_len,
                                      reels_error *err)
{
    if (offset >= source->size_bytes) {
        *out_len = 0;
        return REELS_OK;
    }
    if (len > source->size_bytes - offset) {
        len = (size_t)(source->size_bytes - offset);
    }
    if (source->data != NULL) {
        memcpy(data, source->data + offset, len);
        *out_len = len;
        return REELS_OK;
    }
    size_t got = 0;
    if (source->file != NULL) {
        const reels_fs *fs = &source->ctx->fs;
        REELS_TRY(fs->read_at(fs->user, source->file, offset, data, len, &got, err));
    } else {
        reels_status status = source->read_at(source->user, offset, data, len, &got, err);
        if (status < 0) {
            return status;
        }
    }
    if (got > len) {
        return reels__fail(err, REELS_ERR_HOST, "input: read_at gave more bytes than asked for");
    }
    *out_len = got;
    return REELS_OK;
}

void reels__media_source_close(reels__media_source *source)
{
    if (source->file != NULL) {
        const reels_fs *fs = &source->ctx->fs;
        fs->close(fs->user, source->file);
    }
    *source = (reels__media_source){0};
}
