/* Owns the commit: pieces become one blob, and the reel becomes UPLOADED with its event. Every step
 * can be done again, so that a crash anywhere is mended by committing again, which the sweep does
 * when the client does not:
 *   1. the upload's row is closed: no byte is taken any more, and the digest of the whole is kept
 *   2. the pieces are joined under the raw key (the same bytes again are the same object)
 *   3. the reel goes from INIT to UPLOADED
 *   4. the pieces' objects and rows are removed */
#include <string.h>

#include "backend/digest.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/mem.h"
#include "upload_internal.h"

/* Reads pieces [at, end) one after the other. */
struct joiner {
    reels_uploads *uploads;
    const reels_call *call;
    uint64_t reel_id;
    const struct reels__piece *pieces;
    size_t at;
    size_t end;
    uint64_t piece_offset; /* within the piece at `at` */
};

static reels_status
read_joined(void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err)
{
    struct joiner *joiner = user;
    char key[REELS__UPLOAD_KEY_BYTES];
    *out_len = 0;
    if (joiner->at == joiner->end) {
        return REELS_OK;
    }
    const struct reels__piece *piece = &joiner->pieces[joiner->at];
    uint64_t left = piece->size - joiner->piece_offset;
    size_t wanted = left < capacity ? (size_t)left : capacity;
    reels__piece_key(joiner->reel_id, piece, key);
    REELS_TRY(reels_blob_read(joiner->uploads->blob,
                              joiner->call,
                              key,
                              joiner->piece_offset,
                              data,
                              wanted,
                              out_len,
                              err));
    if (*out_len != wanted) {
        return reels__fail(err, REELS_ERR_CORRUPT, "a piece is shorter than its row says");
    }
    joiner->piece_offset += wanted;
    if (joiner->piece_offset == piece->size) {
        joiner->at++;
        joiner->piece_offset = 0;
    }
    return REELS_OK;
}

static struct joiner make_joiner(reels_uploads *uploads,
                                 const reels_call *call,
                                 uint64_t reel_id,
                                 const struct reels__piece *pieces,
                                 size_t begin,
                                 size_t end)
{
    return (struct joiner){.uploads = uploads,
                           .call = call,
                           .reel_id = reel_id,
                           .pieces = pieces,
                           .at = begin,
                           .end = end};
}

/* Without parts: one put that reads all pieces. */
static reels_status join_by_put(reels_uploads *uploads,
                                const reels_call *call,
                                const struct reels__upload *upload,
                                const struct reels__pieces *pieces,
                                const char *key,
                                reels_error *err)
{
    struct joiner joiner =
        make_joiner(uploads, call, upload->reel_id, pieces->items, 0, pieces->count);
    reels_blob_source source = {.struct_size = sizeof(source),
                                .length_bytes = pieces->bytes,
                                .reader = read_joined,
                                .reader_user = &joiner};
    return reels_blob_put(uploads->blob, call, key, &source, NULL, err);
}

/* Puts each 8 MiB slot that consists of objects as the part it is. */
static reels_status put_missing_parts(reels_uploads *uploads,
                                      const reels_call *call,
                                      const struct reels__upload *upload,
                                      const struct reels__pieces *pieces,
                                      const char *key,
                                      reels_error *err)
{
    size_t begin = 0;
    while (begin < pieces->count) {
        uint64_t slot = pieces->items[begin].offset / REELS_UPLOAD_PART_BYTES;
        uint64_t bytes = 0;
        size_t end = begin;
        while (end < pieces->count && pieces->items[end].offset / REELS_UPLOAD_PART_BYTES == slot) {
            bytes += pieces->items[end].size;
            end++;
        }
        if (pieces->items[begin].kind == REELS__PIECE_OBJECT) {
            struct joiner joiner =
                make_joiner(uploads, call, upload->reel_id, pieces->items, begin, end);
            reels_blob_source source = {.struct_size = sizeof(source),
                                        .length_bytes = bytes,
                                        .reader = read_joined,
                                        .reader_user = &joiner};
            REELS_TRY(reels_blob_part_put(
                uploads->blob, call, key, upload->multipart, (uint32_t)slot + 1, &source, err));
        }
        begin = end;
    }
    return REELS_OK;
}

static reels_status join_pieces(reels_uploads *uploads,
                                const reels_call *call,
                                const struct reels__upload *upload,
                                const struct reels__pieces *pieces,
                                const char *key,
                                reels_error *err)
{
    if (upload->multipart[0] == '\0') {
        return join_by_put(uploads, call, upload, pieces, key, err);
    }
    reels_status status = put_missing_parts(uploads, call, upload, pieces, key, err);
    if (status == REELS_OK) {
        uint64_t parts_count =
            (pieces->bytes + REELS_UPLOAD_PART_BYTES - 1) / REELS_UPLOAD_PART_BYTES;
        status = reels_blob_part_commit(
            uploads->blob, call, key, upload->multipart, (uint32_t)parts_count, NULL, err);
    }
    if (status == REELS_ERR_NOT_FOUND) {
        /* The multipart upload is over: an earlier commit may have joined it and stopped there. */
        reels_blob_info info = {.struct_size = sizeof(info)};
        if (reels_blob_head(uploads->blob, call, key, &info, NULL) == REELS_OK &&
            info.size_bytes == pieces->bytes) {
            return REELS_OK;
        }
    }
    return status;
}

static reels_status digest_sink(void *user, const uint8_t *data, size_t len, reels_error *err)
{
    (void)err;
    reels__digest_update(user, data, len);
    return REELS_OK;
}

static reels_status check_whole(reels_uploads *uploads,
                                const reels_call *call,
                                const char *key,
                                uint64_t length,
                                const reels_digest *digest,
                                reels_error *err)
{
    struct reels__digest_stream stream = {0};
    reels_digest actual;
    if (digest == NULL || digest->kind == REELS_DIGEST_NONE) {
        return REELS_OK;
    }
    REELS_TRY(reels__digest_init(&stream, uploads->ctx, digest->kind, err));
    reels_status status =
        reels_blob_get(uploads->blob, call, key, 0, length, digest_sink, &stream, NULL, err);
    if (status == REELS_OK) {
        reels__digest_finish(&stream, &actual);
        if (!reels__digest_equal(&actual, digest)) {
            status = reels__fail(err,
                                 REELS_ERR_CORRUPT,
                                 "the file does not have the checksum given: upload it again");
        }
    }
    reels__digest_dispose(&stream);
    return status;
}

/* INIT to UPLOADED, once. */
REELS__NOINLINE static reels_status mark_uploaded(reels_uploads *uploads,
                                                  const reels_call *call,
                                                  const struct reels__upload *upload,
                                                  reels_error *err)
{
    reels_reel reel = {.struct_size = sizeof(reel)};
    REELS_TRY(reels_reel_get(uploads->reels, call, &upload->reel_id, 1, &reel, err));
    if (reel.state == REELS_REEL_NONE) {
        return reels__fail(err, REELS_ERR_NOT_FOUND, "there is no such upload: it was aborted");
    }
    if (reel.state != REELS_REEL_INIT) {
        return REELS_OK;
    }
    reel.state = REELS_REEL_UPLOADED;
    reel.source_bytes = upload->length;
    return reels_reel_update(uploads->reels, call, &reel, err);
}

static void keep_digest(struct reels__upload *upload, const reels_digest *digest)
{
    if (digest != NULL && digest->kind != REELS_DIGEST_NONE) {
        upload->digest[0] = (uint8_t)digest->kind;
        memcpy(upload->digest + 1, digest->bytes, sizeof(digest->bytes));
    }
}

static reels_digest kept_digest(const struct reels__upload *upload)
{
    reels_digest digest = {.kind = upload->digest[0]};
    memcpy(digest.bytes, upload->digest + 1, sizeof(digest.bytes));
    return digest;
}

/* Closes the row, unless it is closed already. The length of an upload that never told one is what
 * is there. */
static reels_status close_upload(reels_uploads *uploads,
                                 const reels_call *call,
                                 struct reels__upload *upload,
                                 const struct reels__pieces *pieces,
                                 const reels_digest *digest,
                                 reels_error *err)
{
    uint64_t length = upload->length != UINT64_MAX ? upload->length : pieces->bytes;
    if (upload->state == REELS__UPLOAD_CLOSED) {
        return REELS_OK;
    }
    if (pieces->bytes == 0 || pieces->contiguous != length || pieces->bytes != length) {
        return reels__fail(err,
                           REELS_ERR_STATE,
                           "bytes are missing from %llu on",
                           (unsigned long long)pieces->contiguous);
    }
    upload->length = length;
    upload->state = REELS__UPLOAD_CLOSED;
    keep_digest(upload, digest);
    return reels__upload_write(uploads, call, upload, NULL, 0, err);
}

static reels_status commit_closed(reels_uploads *uploads,
                                  const reels_call *call,
                                  const struct reels__upload *upload,
                                  const struct reels__pieces *pieces,
                                  const reels_digest *digest,
                                  reels_error *err)
{
    char key[REELS__UPLOAD_KEY_BYTES];
    REELS_TRY(reels_upload_blob_key(upload->reel_id, key, sizeof(key)));
    if (pieces->count > 0) {
        REELS_TRY(join_pieces(uploads, call, upload, pieces, key, err));
        reels_status status = check_whole(uploads, call, key, upload->length, digest, err);
        if (status == REELS_ERR_CORRUPT) {
            (void)reels__upload_erase(uploads, NULL, upload, NULL);
        }
        REELS_TRY(status);
    }
    REELS_TRY(mark_uploaded(uploads, call, upload, err));
    /* Committed: what is left over is swept when the upload's row expires, if not now. */
    if (reels__pieces_remove_all(uploads, call, upload->reel_id, NULL) == REELS_OK) {
        (void)reels__upload_rows_delete(uploads, call, upload->reel_id, pieces, 0, NULL);
    }
    return REELS_OK;
}

reels_status reels_upload_commit(reels_uploads *uploads,
                                 const reels_call *call,
                                 uint64_t reel_id,
                                 uint64_t person_id,
                                 const reels_digest *digest,
                                 reels_error *err)
{
    REELS_REQUIRE(uploads != NULL, err, "uploads is NULL");
    REELS_REQUIRE(person_id != 0, err, "person_id must be an ID");
    struct reels__upload upload;
    struct reels__pieces pieces = {0};
    if (digest != NULL) {
        REELS_TRY(reels__digest_check(digest, err));
    }
    REELS_TRY(reels__upload_enter(uploads, reel_id, err));
    reels_status status = reels__upload_read(uploads, call, reel_id, person_id, &upload, err);
    if (status == REELS_OK) {
        status = reels__pieces_read(uploads, call, reel_id, &pieces, err);
    }
    if (status == REELS_OK) {
        status = close_upload(uploads, call, &upload, &pieces, digest, err);
    }
    if (status == REELS_OK) {
        reels_digest kept = kept_digest(&upload);
        int is_given = digest != NULL && digest->kind != REELS_DIGEST_NONE;
        status = commit_closed(uploads, call, &upload, &pieces, is_given ? digest : &kept, err);
    }
    reels__pieces_dispose(uploads, &pieces);
    reels__upload_leave(uploads, reel_id);
    return status;
}

/* What no other attempt can mend: bytes that are not there or not those that were sent, and a reel
 * that is gone. */
static int is_final(reels_status status)
{
    return status == REELS_ERR_CORRUPT || status == REELS_ERR_NOT_FOUND;
}

reels_status reels__upload_finish(reels_uploads *uploads,
                                  const struct reels__upload *upload,
                                  int *out_over,
                                  reels_error *err)
{
    int is_committed = 0;
    struct reels__pieces pieces = {0};
    reels_digest kept = kept_digest(upload);
    *out_over = 0;
    REELS_TRY(reels__upload_is_committed(uploads, NULL, upload->reel_id, &is_committed, err));
    if (is_committed || upload->state != REELS__UPLOAD_CLOSED) {
        *out_over = 1;
        return REELS_OK;
    }
    reels_error cause = REELS__ERROR_INIT;
    reels_status status = reels__pieces_read(uploads, NULL, upload->reel_id, &pieces, &cause);
    if (status == REELS_OK) {
        status = commit_closed(uploads, NULL, upload, &pieces, &kept, &cause);
    }
    reels__pieces_dispose(uploads, &pieces);
    if (status == REELS_ERR_CONFLICT) {
        return REELS_OK; /* somebody else commits it right now */
    }
    if (status < 0 && !is_final(status)) {
        return reels__fail(err, status, "%s", cause.message);
    }
    *out_over = 1;
    return REELS_OK;
}
