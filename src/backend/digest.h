/* Owns the checksums that travel with bytes (reels_digest) and the reader that checks length and
 * digest while the bytes pass, so that no backend has to. */
#ifndef REELS_SRC_BACKEND_DIGEST_H
#define REELS_SRC_BACKEND_DIGEST_H

#include <reels/backend/blob.h>

#include "base/sha256.h"

struct reels__xxh3_stream; /* digest.c */

/* A checksum in the making. The zero state may be disposed. */
struct reels__digest_stream {
    const reels_ctx *ctx;
    uint32_t kind;
    uint32_t crc32c;
    struct reels__sha256 sha256;
    struct reels__xxh3_stream *xxh3;
};

reels_status reels__digest_init(struct reels__digest_stream *stream,
                                const reels_ctx *ctx,
                                uint32_t kind,
                                reels_error *err);
void reels__digest_update(struct reels__digest_stream *stream, const void *data, size_t len);
/* Ends the checksum; the stream must be initialised again before it is used again. */
void reels__digest_finish(struct reels__digest_stream *stream, reels_digest *out);
void reels__digest_dispose(struct reels__digest_stream *stream);

/* 1 when kind and bytes are equal. */
int reels__digest_equal(const reels_digest *a, const reels_digest *b);

/* INVALID_ARG for a kind that is none and for bytes behind those of the kind. */
reels_status reels__digest_check(const reels_digest *digest, reels_error *err);

/* A reader over another: gives exactly the source's bytes. CORRUPT in place of the last ones when
 * they do not have the source's digest, INVALID_ARG when there are too few. */
struct reels__checked_reader {
    const reels_blob_source *source;
    struct reels__digest_stream stream;
    uint64_t left_bytes;
    reels_status failed; /* once it has failed it goes on failing */
};

reels_status reels__checked_reader_init(struct reels__checked_reader *reader,
                                        const reels_ctx *ctx,
                                        const reels_blob_source *source,
                                        reels_error *err);
reels_status
reels__checked_read(void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err);
void reels__checked_reader_dispose(struct reels__checked_reader *reader);

#endif
