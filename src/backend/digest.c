/* Owns the three kinds of checksum behind one stream, and the checking reader. */
#include "digest.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

struct reels__xxh3_stream {
    XXH3_state_t state;
};

reels_status reels__digest_init(struct reels__digest_stream *stream,
                                const reels_ctx *ctx,
                                uint32_t kind,
                                reels_error *err)
{
    memset(stream, 0, sizeof *stream);
    stream->ctx = ctx;
    stream->kind = kind;
    if (kind == REELS_DIGEST_SHA256) {
        reels__sha256_init(&stream->sha256);
    }
    if (kind == REELS_DIGEST_XXH3_64) {
        /* The state is aligned to 64 and larger than a frame should bear. */
        stream->xxh3 = reels__mem_alloc64(ctx, sizeof *stream->xxh3);
        if (stream->xxh3 == NULL) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "digest: no memory");
        }
        (void)XXH3_64bits_reset(&stream->xxh3->state);
    }
    return REELS_OK;
}

void reels__digest_update(struct reels__digest_stream *stream, const void *data, size_t len)
{
    switch (stream->kind) {
    case REELS_DIGEST_SHA256:
        reels__sha256_update(&stream->sha256, data, len);
        break;
    case REELS_DIGEST_CRC32C:
        stream->crc32c = reels__crc32c(stream->crc32c, data, len);
        break;
    case REELS_DIGEST_XXH3_64:
        (void)XXH3_64bits_update(&stream->xxh3->state, data, len);
        break;
    default:
        break;
    }
}

void reels__digest_finish(struct reels__digest_stream *stream, reels_digest *out)
{
    memset(out, 0, sizeof *out);
    out->kind = stream->kind;
    switch (stream->kind) {
    case REELS_DIGEST_SHA256:
        reels__sha256_finish(&stream->sha256, out->bytes);
        break;
    case REELS_DIGEST_CRC32C:
        reels__be32_put(out->bytes, stream->crc32c);
        break;
    case REELS_DIGEST_XXH3_64:
        reels__be64_put(out->bytes, XXH3_64bits_digest(&stream->xxh3->state));
        break;
    default:
        break;
    }
}

void reels__digest_dispose(struct reels__digest_stream *stream)
{
    if (stream->xxh3 != NULL) {
        reels__mem_free(stream->ctx, stream->xxh3);
        stream->xxh3 = NULL;
    }
}

int reels__digest_equal(const reels_digest *a, const reels_digest *b)
{
    return a->kind == b->kind && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static size_t digest_bytes(uint32_t kind)
{
    switch (kind) {
    case REELS_DIGEST_SHA256:
        return REELS__SHA256_BYTES;
    case REELS_DIGEST_CRC32C:
        return 4;
    case REELS_DIGEST_XXH3_64:
        return 8;
    default:
        return 0;
    }
}

reels_status reels__digest_check(const reels_digest *digest, reels_error *err)
{
    REELS_REQUIRE(digest->kind <= REELS_DIGEST_XXH3_64, err, "digest: unknown kind");
    for (size_t i = digest_bytes(digest->kind); i < sizeof digest->bytes; i++) {
        REELS_REQUIRE(digest->bytes[i] == 0, err, "digest: bytes behind those of its kind");
    }
    return REELS_OK;
}

reels_status reels__checked_reader_init(struct reels__checked_reader *reader,
                                        const reels_ctx *ctx,
                                        const reels_blob_source *source,
                                        reels_error *err)
{
    memset(reader, 0, sizeof *reader);
    REELS_TRY(reels__digest_init(&reader->stream, ctx, source->digest.kind, err));
    reader->source = source;
    reader->left_bytes = source->length_bytes;
    return REELS_OK;
}

static reels_status checked_end(struct reels__checked_reader *reader, reels_error *err)
{
    reels_digest found = {0};
    reels__digest_finish(&reader->stream, &found);
    if (!reels__digest_equal(&found, &reader->source->digest)) {
        return reels__fail(err, REELS_ERR_CORRUPT, "the bytes do not have the digest given");
    }
    return REELS_OK;
}

static reels_status checked_step(struct reels__checked_reader *reader,
                                 uint8_t *data,
                                 size_t want,
                                 size_t *out_len,
                                 reels_error *err)
{
    size_t len = 0;
    reels_status status =
        reader->source->reader(reader->source->reader_user, data, want, &len, err);
    if (status < 0) {
        return status;
    }
    REELS_REQUIRE(status == REELS_OK && len <= want, err, "the reader gave more than was asked");
    REELS_REQUIRE(len > 0, err, "the reader ended before length_bytes");
    reels__digest_update(&reader->stream, data, len);
    reader->left_bytes -= len;
    if (reader->left_bytes == 0) {
        REELS_TRY(checked_end(reader, err));
    }
    *out_len = len;
    return REELS_OK;
}

reels_status
reels__checked_read(void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err)
{
    struct reels__checked_reader *reader = user;
    if (reader->failed < 0) {
        return reels__fail(err, reader->failed, "the reader has failed before");
    }
    size_t want = reader->left_bytes < capacity ? (size_t)reader->left_bytes : capacity;
    if (want == 0) {
        *out_len = 0;
        /* An empty source has its digest too. */
        if (reader->source->length_bytes == 0) {
            reader->failed = checked_end(reader, err);
        }
        return reader->failed;
    }
    reader->failed = checked_step(reader, data, want, out_len, err);
    return reader->failed;
}

void reels__checked_reader_dispose(struct reels__checked_reader *reader)
{
    reels__digest_dispose(&reader->stream);
}
