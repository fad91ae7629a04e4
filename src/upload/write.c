/* Owns the taking of bytes: parts by number and streams at an offset. The order is always: limits,
 * check of the first bytes, bytes durable, row. A byte is acknowledged when its piece's row is
 * written. */
#include <string.h>

#include "backend/digest.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "upload_internal.h"

enum {
    ROW_TRIES = 16,  /* parts of one upload put at once write its row in turn */
    PENDING_MAX = 64 /* pieces of one write with a digest: 512 MiB */
};

/* ---- the check of the first bytes ---- */

struct prefix {
    uint8_t *data;
    size_t len;
    size_t capacity;
};

/* Gathers what is stored below check_bytes_max and puts the new bytes behind it. */
static reels_status gather_prefix(reels_uploads *uploads,
                                  const reels_call *call,
                                  uint64_t reel_id,
                                  const struct reels__pieces *pieces,
                                  const uint8_t *data,
                                  size_t len,
                                  struct prefix *prefix,
                                  reels_error *err)
{
    char key[REELS__UPLOAD_KEY_BYTES];
    for (size_t i = 0; i < pieces->count && pieces->items[i].offset == prefix->len; i++) {
        const struct reels__piece *piece = &pieces->items[i];
        size_t room = prefix->capacity - prefix->len;
        size_t wanted = piece->size < room ? (size_t)piece->size : room;
        size_t got;
        reels__piece_key(reel_id, piece, key);
        REELS_TRY(reels_blob_read(
            uploads->blob, call, key, 0, prefix->data + prefix->len, wanted, &got, err));
        prefix->len += got;
    }
    size_t room = prefix->capacity - prefix->len;
    size_t take = len < room ? len : room;
    if (take > 0) {
        memcpy(prefix->data + prefix->len, data, take);
    }
    prefix->len += take;
    return REELS_OK;
}

/* Whether a failure of the check speaks of the bytes. All others say that they could not be judged:
 * no memory, no media worker, no time. */
static int is_verdict(reels_status status)
{
    switch (status) {
    case REELS_ERR_INVALID_ARG:
    case REELS_ERR_UNSUPPORTED:
    case REELS_ERR_LIMIT:
    case REELS_ERR_CORRUPT:
    case REELS_ERR_DENIED:
    case REELS_ERR_ENCRYPTED:
        return 1;
    default:
        return 0;
    }
}

/* Whether the first bytes are worth another look: they are all there, as many as are looked at, or
 * twice as many as at the last look. A client that sends a few bytes at a time would otherwise have
 * everything read again, and a media worker started, for each of them. */
static int is_worth_a_look(const reels_uploads *uploads,
                           const struct reels__upload *upload,
                           uint64_t before,
                           uint64_t after)
{
    uint64_t limit = uploads->options.check_bytes_max;
    limit = upload->length < limit ? upload->length : limit;
    uint64_t doubled = 1;
    while (doubled <= before) {
        doubled *= 2;
    }
    return after >= limit || after >= doubled;
}

/* Asks the host's check when this piece goes on where the durable bytes end and the first bytes
 * have not been judged yet. A refusal erases the upload, unless the bytes are not proved: with a
 * checksum to come they may have been damaged on their way, and the client sends them again. */
static reels_status check_first_bytes(reels_uploads *uploads,
                                      const reels_call *call,
                                      struct reels__upload *upload,
                                      const struct reels__pieces *pieces,
                                      const struct reels__piece *piece,
                                      const uint8_t *data,
                                      int are_proved,
                                      reels_error *err)
{
    const reels_upload_options *options = &uploads->options;
    if (options->check == NULL || upload->checked || piece->offset != pieces->contiguous ||
        !is_worth_a_look(uploads, upload, piece->offset, piece->offset + piece->size)) {
        return REELS_OK;
    }
    struct prefix prefix = {.capacity = (size_t)options->check_bytes_max};
    prefix.data = reels__mem_alloc(uploads->ctx, prefix.capacity);
    if (prefix.data == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to check the first bytes");
    }
    reels_status status = gather_prefix(
        uploads, call, upload->reel_id, pieces, data, (size_t)piece->size, &prefix, err);
    if (status == REELS_OK) {
        status = options->check(options->check_user, prefix.data, prefix.len, upload->length, err);
        if (status == REELS_OK || (status == REELS_END && prefix.len == prefix.capacity)) {
            upload->checked = 1;
        }
        if (is_verdict(status) && are_proved) {
            (void)reels__upload_erase(uploads, NULL, upload, NULL);
        }
    }
    reels__mem_free(uploads->ctx, prefix.data);
    return status < 0 ? status : REELS_OK;
}

/* ---- acknowledging ---- */

/* Writes the rows of pieces whose bytes are durable. The upload's row may have been written by
 * others meanwhile: read again and repeat; whether it is still open is what counts. */
static reels_status write_rows(reels_uploads *uploads,
                               const reels_call *call,
                               struct reels__upload *upload,
                               const struct reels__piece *pieces,
                               size_t pieces_count,
                               reels_error *err)
{
    uint32_t checked = upload->checked;
    reels_status status = REELS_ERR_CONFLICT;
    for (int attempt = 0; attempt < ROW_TRIES && status == REELS_ERR_CONFLICT; attempt++) {
        if (attempt > 0) {
            REELS_TRY(
                reels__upload_read(uploads, call, upload->reel_id, upload->person_id, upload, err));
        }
        if (upload->state != REELS__UPLOAD_OPEN) {
            return reels__fail(err, REELS_ERR_STATE, "the upload was committed meanwhile");
        }
        upload->checked |= checked;
        upload->expires_unix_us = reels__upload_expires_at(uploads);
        status = reels__upload_write(uploads, call, upload, pieces, pieces_count, err);
    }
    if (status == REELS_ERR_CONFLICT) {
        return reels__fail(err, REELS_ERR_BUSY, "too many requests write this upload: try again");
    }
    return status;
}

/* The same; what belongs to an upload that was erased meanwhile goes too, or nobody would ever find
 * it. */
static reels_status acknowledge(reels_uploads *uploads,
                                const reels_call *call,
                                struct reels__upload *upload,
                                const struct reels__piece *pieces,
                                size_t pieces_count,
                                reels_error *err)
{
    reels_status status = write_rows(uploads, call, upload, pieces, pieces_count, err);
    if (status == REELS_ERR_NOT_FOUND) {
        (void)reels__pieces_remove_objects(
            uploads, NULL, upload->reel_id, pieces, pieces_count, NULL);
    }
    return status;
}

static reels_status check_bounds(const reels_uploads *uploads,
                                 const struct reels__upload *upload,
                                 uint64_t end,
                                 reels_error *err)
{
    uint64_t max = upload->length != UINT64_MAX ? upload->length : uploads->options.bytes_max;
    if (end > max) {
        return reels__fail(err,
                           REELS_ERR_LIMIT,
                           "the bytes reach past the %s of %llu bytes",
                           upload->length != UINT64_MAX ? "length" : "limit",
                           (unsigned long long)max);
    }
    return REELS_OK;
}

static reels_status check_open(const struct reels__upload *upload, reels_error *err)
{
    if (upload->state != REELS__UPLOAD_OPEN) {
        return reels__fail(err, REELS_ERR_STATE, "the upload was committed");
    }
    return REELS_OK;
}

/* ---- parts by number ---- */

/* Compares a part with what is there already. *out_there: nothing is left to do. */
static reels_status find_part(const struct reels__pieces *pieces,
                              const struct reels__piece *part,
                              int *out_there,
                              reels_error *err)
{
    *out_there = 0;
    for (size_t i = 0; i < pieces->count; i++) {
        const struct reels__piece *piece = &pieces->items[i];
        if (piece->offset >= part->offset + part->size ||
            piece->offset + piece->size <= part->offset) {
            continue;
        }
        if (piece->offset != part->offset || piece->size != part->size ||
            piece->checksum != part->checksum) {
            return reels__fail(err, REELS_ERR_EXISTS, "other bytes are there already");
        }
        *out_there = 1;
    }
    return REELS_OK;
}

static reels_status check_digest(const reels_uploads *uploads,
                                 const reels_digest *digest,
                                 const uint8_t *data,
                                 size_t len,
                                 reels_error *err)
{
    struct reels__digest_stream stream = {0};
    reels_digest actual;
    if (digest == NULL || digest->kind == REELS_DIGEST_NONE) {
        return REELS_OK;
    }
    REELS_TRY(reels__digest_check(digest, err));
    REELS_TRY(reels__digest_init(&stream, uploads->ctx, digest->kind, err));
    reels__digest_update(&stream, data, len);
    reels__digest_finish(&stream, &actual);
    reels__digest_dispose(&stream);
    if (!reels__digest_equal(&actual, digest)) {
        return reels__fail(
            err, REELS_ERR_CORRUPT, "the bytes do not have the checksum given: send them again");
    }
    return REELS_OK;
}

static reels_status check_part_size(const struct reels__upload *upload,
                                    const struct reels__piece *part,
                                    reels_error *err)
{
    int is_last = upload->length != UINT64_MAX && part->offset + part->size == upload->length;
    if (part->size != REELS_UPLOAD_PART_BYTES && !is_last) {
        return reels__fail(err,
                           REELS_ERR_INVALID_ARG,
                           "every part but the last has %d bytes, this one has %llu",
                           REELS_UPLOAD_PART_BYTES,
                           (unsigned long long)part->size);
    }
    return REELS_OK;
}

static reels_status put_part(reels_uploads *uploads,
                             const reels_call *call,
                             struct reels__upload *upload,
                             struct reels__piece *part,
                             const uint8_t *data,
                             reels_error *err)
{
    struct reels__pieces pieces;
    int there = 0;
    part->checksum = reels__xxh3_64(data, (size_t)part->size, 0);
    REELS_TRY(reels__pieces_read(uploads, call, upload->reel_id, &pieces, err));
    reels_status status = find_part(&pieces, part, &there, err);
    if (status == REELS_OK && !there) {
        status = check_first_bytes(uploads, call, upload, &pieces, part, data, 1, err);
    }
    reels__pieces_dispose(uploads, &pieces);
    if (status < 0 || there) {
        return status;
    }
    REELS_TRY(reels__piece_store(uploads, call, upload, data, 0, part, err));
    return acknowledge(uploads, call, upload, part, 1, err);
}

reels_status reels_upload_part_put(reels_uploads *uploads,
                                   const reels_call *call,
                                   uint64_t reel_id,
                                   uint64_t person_id,
                                   uint32_t number,
                                   const uint8_t *data,
                                   size_t len,
                                   const reels_digest *digest,
                                   reels_error *err)
{
    REELS_REQUIRE(uploads != NULL && data != NULL, err, "uploads and data are needed");
    REELS_REQUIRE(person_id != 0, err, "person_id must be an ID");
    REELS_REQUIRE(number < REELS_UPLOAD_PARTS_MAX, err, "number is below 10000");
    REELS_REQUIRE(len > 0 && len <= REELS_UPLOAD_PART_BYTES, err, "a part has 1..8388608 bytes");
    struct reels__upload upload;
    struct reels__piece part = {.offset = (uint64_t)number * REELS_UPLOAD_PART_BYTES, .size = len};
    REELS_TRY(reels__upload_read(uploads, call, reel_id, person_id, &upload, err));
    REELS_TRY(check_open(&upload, err));
    REELS_TRY(check_bounds(uploads, &upload, part.offset + len, err));
    REELS_TRY(check_part_size(&upload, &part, err));
    REELS_TRY(check_digest(uploads, digest, data, len, err));
    return put_part(uploads, call, &upload, &part, data, err);
}

/* ---- streams ---- */

/* What one write carries from piece to piece. */
struct stream {
    reels_uploads *uploads;
    const reels_call *call;
    struct reels__upload upload;
    struct reels__pieces before; /* what was there when the write began; contiguous moves on */
    reels_reader_fn reader;
    void *reader_user;
    const reels_digest *digest; /* not NULL: all or nothing */
    struct reels__digest_stream digest_stream;
    uint8_t *window;
    size_t window_len;
    int at_end;                               /* the reader has said so */
    reels_status read_status;                 /* of a reader that failed */
    struct reels__piece pending[PENDING_MAX]; /* all or nothing: durable, not acknowledged yet */
    size_t pending_count;
};

/* Reads until the window reaches the next multiple of 8 MiB, or the end. */
static void fill_window(struct stream *stream, uint64_t offset, reels_error *err)
{
    size_t wanted = (size_t)(REELS_UPLOAD_PART_BYTES - offset % REELS_UPLOAD_PART_BYTES);
    stream->window_len = 0;
    while (stream->window_len < wanted && !stream->at_end && stream->read_status == REELS_OK) {
        size_t got = 0;
        size_t room = wanted - stream->window_len;
        stream->read_status = stream->reader(
            stream->reader_user, stream->window + stream->window_len, room, &got, err);
        if (stream->read_status == REELS_OK && got > room) {
            stream->read_status = reels__fail(
                err, REELS_ERR_HOST, "the reader gave more bytes than there was room for");
        }
        if (stream->read_status != REELS_OK || got == 0) {
            stream->at_end = stream->read_status == REELS_OK;
            break;
        }
        reels__digest_update(&stream->digest_stream, stream->window + stream->window_len, got);
        stream->window_len += got;
    }
}

/* One window: judged, made durable, and acknowledged unless a digest of the whole write is awaited.
 */
static reels_status take_window(struct stream *stream, uint64_t *offset, reels_error *err)
{
    struct reels__piece piece = {.offset = *offset, .size = stream->window_len};
    reels_uploads *uploads = stream->uploads;
    int wait = stream->digest != NULL;
    REELS_TRY(check_bounds(uploads, &stream->upload, piece.offset + piece.size, err));
    REELS_TRY(check_first_bytes(uploads,
                                stream->call,
                                &stream->upload,
                                &stream->before,
                                &piece,
                                stream->window,
                                !wait,
                                err));
    if (wait && stream->pending_count == PENDING_MAX) {
        return reels__fail(err, REELS_ERR_LIMIT, "a write with a checksum has at most 512 MiB");
    }
    REELS_TRY(reels__piece_store(
        uploads, stream->call, &stream->upload, stream->window, wait, &piece, err));
    if (wait) {
        stream->pending[stream->pending_count++] = piece;
    } else {
        REELS_TRY(acknowledge(uploads, stream->call, &stream->upload, &piece, 1, err));
    }
    *offset += piece.size;
    return REELS_OK;
}

/* All or nothing: once the last byte is there, and the reader and the digest agree. */
static reels_status settle_digest(struct stream *stream, reels_error *err)
{
    if (stream->digest == NULL) {
        return REELS_OK;
    }
    REELS_TRY(stream->read_status);
    reels_digest actual;
    reels__digest_finish(&stream->digest_stream, &actual);
    if (stream->digest->kind != REELS_DIGEST_NONE &&
        !reels__digest_equal(&actual, stream->digest)) {
        return reels__fail(
            err, REELS_ERR_CORRUPT, "the bytes do not have the checksum given: send them again");
    }
    /* From here on their rows may be there, whatever the answer is: nobody may remove them. */
    size_t pieces_count = stream->pending_count;
    stream->pending_count = 0;
    return pieces_count == 0 ? REELS_OK
                             : acknowledge(stream->uploads,
                                           stream->call,
                                           &stream->upload,
                                           stream->pending,
                                           pieces_count,
                                           err);
}

static reels_status
run_stream(struct stream *stream, uint64_t begin, uint64_t *out_offset, reels_error *err)
{
    uint64_t offset = begin;
    reels_status status = REELS_OK;
    while (status == REELS_OK && !stream->at_end && stream->read_status == REELS_OK) {
        status = reels__call_check(stream->uploads->ctx, stream->call, err);
        if (status == REELS_OK) {
            fill_window(stream, offset, err);
        }
        if (status == REELS_OK && stream->window_len > 0 &&
            (stream->read_status == REELS_OK || stream->digest == NULL)) {
            status = take_window(stream, &offset, err);
            if (stream->digest == NULL && status == REELS_OK) {
                *out_offset = offset;
            }
        }
        stream->before.contiguous = offset;
    }
    if (status == REELS_OK) {
        status = settle_digest(stream, err);
        if (status == REELS_OK && stream->read_status == REELS_OK) {
            *out_offset = offset;
        }
    }
    if (status < 0 && stream->pending_count > 0) {
        (void)reels__pieces_remove_objects(stream->uploads,
                                           NULL,
                                           stream->upload.reel_id,
                                           stream->pending,
                                           stream->pending_count,
                                           NULL);
    }
    return status < 0 ? status : stream->read_status;
}

/* Reads where the upload stands and whether this write may begin. */
static reels_status open_stream(
    struct stream *stream, uint64_t reel_id, uint64_t person_id, uint64_t offset, reels_error *err)
{
    reels_uploads *uploads = stream->uploads;
    REELS_TRY(reels__upload_read(uploads, stream->call, reel_id, person_id, &stream->upload, err));
    REELS_TRY(check_open(&stream->upload, err));
    REELS_TRY(reels__pieces_read(uploads, stream->call, reel_id, &stream->before, err));
    if (offset != stream->before.contiguous) {
        return reels__fail(err,
                           REELS_ERR_CONFLICT,
                           "the upload stands at %llu",
                           (unsigned long long)stream->before.contiguous);
    }
    if (stream->before.bytes != stream->before.contiguous) {
        return reels__fail(
            err, REELS_ERR_CONFLICT, "parts were put by number: put the missing ones by number");
    }
    if (stream->before.count >= REELS_UPLOAD_PARTS_MAX - PENDING_MAX) {
        return reels__fail(
            err, REELS_ERR_LIMIT, "an upload has at most 10000 pieces: send larger ones");
    }
    stream->window = reels__mem_alloc(uploads->ctx, REELS_UPLOAD_PART_BYTES);
    if (stream->window == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a window of 8 MiB");
    }
    return reels__digest_init(&stream->digest_stream,
                              uploads->ctx,
                              stream->digest != NULL ? stream->digest->kind : REELS_DIGEST_NONE,
                              err);
}

reels_status reels_upload_write(reels_uploads *uploads,
                                const reels_call *call,
                                uint64_t reel_id,
                                uint64_t person_id,
                                uint64_t offset,
                                reels_reader_fn reader,
                                void *reader_user,
                                const reels_digest *digest,
                                uint64_t *out_offset,
                                reels_error *err)
{
    REELS_REQUIRE(uploads != NULL && reader != NULL && out_offset != NULL,
                  err,
                  "uploads, reader and out_offset are needed");
    REELS_REQUIRE(person_id != 0, err, "person_id must be an ID");
    if (digest != NULL && digest->kind != REELS_DIGEST_NONE) {
        REELS_TRY(reels__digest_check(digest, err));
    }
    struct stream *stream = reels__mem_zalloc(uploads->ctx, sizeof(*stream));
    if (stream == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a write");
    }
    stream->uploads = uploads;
    stream->call = call;
    stream->reader = reader;
    stream->reader_user = reader_user;
    stream->digest = digest;
    reels_status status = reels__upload_enter(uploads, reel_id, err);
    if (status == REELS_OK) {
        status = open_stream(stream, reel_id, person_id, offset, err);
        if (status == REELS_OK) {
            *out_offset = offset;
            status = run_stream(stream, offset, out_offset, err);
        }
        reels__upload_leave(uploads, reel_id);
    }
    reels__digest_dispose(&stream->digest_stream);
    reels__pieces_dispose(uploads, &stream->before);
    reels__mem_free(uploads->ctx, stream->window);
    reels__mem_free(uploads->ctx, stream);
    return status;
}
