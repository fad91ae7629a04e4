/* Owns the bytes of pieces: making them durable, naming them, removing them. */
#include <string.h>

#include "backend/blob_prefix.h"
#include "base/bytes.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "reel/erase.h"
#include "upload_internal.h"

enum {
    REMOVE_BATCH = 256
};

/* "u/<id>/<offset>-<checksum>": the name tells the bytes, so that the same piece again is the same
 * object. */
void reels__piece_key(uint64_t reel_id,
                      const struct reels__piece *piece,
                      char out[REELS__UPLOAD_KEY_BYTES])
{
    uint8_t number[8];
    char *at = out;
    memcpy(at, "u/", 2);
    at += 2;
    (void)reels_id_text_write(reel_id, at, REELS_ID_TEXT_LEN + 1, NULL);
    at += REELS_ID_TEXT_LEN;
    *at++ = '/';
    reels__be64_put(number, piece->offset);
    reels__hex_encode(number, sizeof(number), at);
    at += 2 * sizeof(number);
    *at++ = '-';
    reels__be64_put(number, piece->checksum);
    reels__hex_encode(number, sizeof(number), at);
}

reels_status reels_upload_blob_key(uint64_t reel_id, char *out, size_t capacity)
{
    if (out == NULL || capacity < 4 + REELS_ID_TEXT_LEN + 1) {
        return REELS_ERR_BUFFER_TOO_SMALL;
    }
    memcpy(out, "raw/", 4);
    return reels_id_text_write(reel_id, out + 4, capacity - 4, NULL);
}

struct memory_reader {
    const uint8_t *data;
    size_t len;
    size_t at;
};

static reels_status
read_memory(void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err)
{
    (void)err;
    struct memory_reader *reader = user;
    size_t len = reader->len - reader->at;
    if (len > capacity) {
        len = capacity;
    }
    if (len > 0) {
        memcpy(data, reader->data + reader->at, len);
    }
    reader->at += len;
    *out_len = len;
    return REELS_OK;
}

/* Begins the multipart upload once; its name must be in the row before a part is put, or a crash
 * would leave it where nobody can find it. */
static reels_status begin_multipart(reels_uploads *uploads,
                                    const reels_call *call,
                                    struct reels__upload *upload,
                                    reels_error *err)
{
    char key[REELS__UPLOAD_KEY_BYTES];
    reels_buf *name = NULL;
    if (upload->multipart[0] != '\0') {
        return REELS_OK;
    }
    REELS_TRY(reels_upload_blob_key(upload->reel_id, key, sizeof(key)));
    reels_status status = reels_buf_new(uploads->ctx, REELS_BLOB_UPLOAD_BYTES_MAX, &name, err);
    if (status == REELS_OK) {
        status =
            reels_blob_part_begin(uploads->blob, call, key, REELS_UPLOAD_PART_BYTES, name, err);
    }
    if (status == REELS_OK) {
        memcpy(upload->multipart, reels_buf_data(name), reels_buf_len(name) + 1);
        status = reels__upload_write(uploads, call, upload, NULL, 0, err);
        if (status < 0) {
            upload->multipart[0] = '\0';
            (void)reels_blob_part_abort(
                uploads->blob, NULL, key, (const char *)reels_buf_data(name), NULL);
        }
    }
    if (status == REELS_ERR_CONFLICT) {
        /* Another part's request was first: its multipart upload is the one. */
        status = reels__upload_read(uploads, call, upload->reel_id, 0, upload, err);
        if (status == REELS_OK && upload->multipart[0] == '\0') {
            status = reels__fail(err, REELS_ERR_BUSY, "the upload is being written: try again");
        }
    }
    reels_buf_free(name);
    return status;
}

reels_status reels__piece_store(reels_uploads *uploads,
                                const reels_call *call,
                                struct reels__upload *upload,
                                const uint8_t *data,
                                int objects_only,
                                struct reels__piece *piece,
                                reels_error *err)
{
    struct memory_reader reader = {.data = data, .len = (size_t)piece->size};
    reels_blob_source source = {.struct_size = sizeof(source),
                                .length_bytes = piece->size,
                                .reader = read_memory,
                                .reader_user = &reader,
                                .digest = {.kind = REELS_DIGEST_XXH3_64}};
    char key[REELS__UPLOAD_KEY_BYTES];
    piece->checksum = reels__xxh3_64(data, (size_t)piece->size, 0);
    reels__be64_put(source.digest.bytes, piece->checksum);
    int is_part = !objects_only && piece->size == REELS_UPLOAD_PART_BYTES &&
                  piece->offset % REELS_UPLOAD_PART_BYTES == 0 &&
                  (reels_blob_features(uploads->blob) & REELS_BLOB_HAS_PARTS) != 0;
    if (!is_part) {
        piece->kind = REELS__PIECE_OBJECT;
        reels__piece_key(upload->reel_id, piece, key);
        return reels_blob_put(uploads->blob, call, key, &source, NULL, err);
    }
    piece->kind = REELS__PIECE_PART;
    REELS_TRY(begin_multipart(uploads, call, upload, err));
    REELS_TRY(reels_upload_blob_key(upload->reel_id, key, sizeof(key)));
    return reels_blob_part_put(uploads->blob,
                               call,
                               key,
                               upload->multipart,
                               (uint32_t)(piece->offset / REELS_UPLOAD_PART_BYTES) + 1,
                               &source,
                               err);
}

reels_status reels__pieces_remove_objects(reels_uploads *uploads,
                                          const reels_call *call,
                                          uint64_t reel_id,
                                          const struct reels__piece *pieces,
                                          size_t count,
                                          reels_error *err)
{
    char(*keys)[REELS__UPLOAD_KEY_BYTES] =
        reels__mem_calloc(uploads->ctx, REMOVE_BATCH, sizeof(*keys));
    const char **pointers = reels__mem_calloc(uploads->ctx, REMOVE_BATCH, sizeof(*pointers));
    reels_status status = REELS_OK;
    size_t used = 0;
    if (keys == NULL || pointers == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to remove pieces");
    }
    for (size_t i = 0; status == REELS_OK && i <= count; i++) {
        if (used == REMOVE_BATCH || (i == count && used > 0)) {
            status = reels_blob_remove(uploads->blob, call, pointers, used, err);
            used = 0;
        }
        if (i < count && pieces[i].kind == REELS__PIECE_OBJECT) {
            reels__piece_key(reel_id, &pieces[i], keys[used]);
            pointers[used] = keys[used];
            used++;
        }
    }
    reels__mem_free(uploads->ctx, pointers);
    reels__mem_free(uploads->ctx, keys);
    return status;
}

reels_status reels__pieces_remove_all(reels_uploads *uploads,
                                      const reels_call *call,
                                      uint64_t reel_id,
                                      reels_error *err)
{
    char prefix[REELS__UPLOAD_KEY_BYTES] = "u/";
    REELS_TRY(reels_id_text_write(reel_id, prefix + 2, sizeof(prefix) - 2, err));
    memcpy(prefix + 2 + REELS_ID_TEXT_LEN, "/", 2);
    return reels__blob_remove_prefix(uploads->ctx, uploads->blob, call, prefix, err);
}

reels_status reels__upload_erase(reels_uploads *uploads,
                                 const reels_call *call,
                                 const struct reels__upload *upload,
                                 reels_error *err)
{
    struct reels__pieces pieces;
    char key[REELS__UPLOAD_KEY_BYTES];
    const char *raw_key = key;
    int is_committed = 0;
    /* The reel goes first: from then on nobody else can go on with this upload. */
    REELS_TRY(
        reels__reel_erase_unfinished(uploads->reels, call, upload->reel_id, &is_committed, err));
    REELS_TRY(reels_upload_blob_key(upload->reel_id, key, sizeof(key)));
    REELS_TRY(reels__pieces_read(uploads, call, upload->reel_id, &pieces, err));
    reels_status status = reels__pieces_remove_all(uploads, call, upload->reel_id, err);
    if (status == REELS_OK && upload->multipart[0] != '\0') {
        status = reels_blob_part_abort(uploads->blob, call, key, upload->multipart, err);
    }
    if (status == REELS_OK && !is_committed) {
        status = reels_blob_remove(uploads->blob, call, &raw_key, 1, err);
    }
    if (status == REELS_OK) {
        status = reels__upload_rows_delete(uploads, call, upload->reel_id, &pieces, 1, err);
    }
    reels__pieces_dispose(uploads, &pieces);
    return status;
}
