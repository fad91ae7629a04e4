/* Owns the bytes of segment files: headers, records, and bodies through zstd. */
#include "queue_codec.h"

#include <string.h>
#include <zstd.h>

#include "base/buffer_internal.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"

enum {
    SEGMENT_MAGIC = 0x53514C52, /* "RLQS" */
    BATCH_MAGIC = 0x42514C52,   /* "RLQB" */
    BATCH_VERSION = 1,
    SEGMENT_HASHED_BYTES = REELS__SEGMENT_HEADER_BYTES - 8,
    BATCH_HASHED_BYTES = REELS__BATCH_HEADER_BYTES - 8,
    ZSTD_LEVEL = 1,
    ZSTD_RAW_BYTES_MIN = 512 /* below it the frame costs more than it saves */
};

struct reels__queue_codec {
    reels_ctx *ctx;
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
};

void reels__segment_header_write(uint8_t out[REELS__SEGMENT_HEADER_BYTES],
                                 const struct reels__segment_header *header)
{
    reels__le32_put(out, SEGMENT_MAGIC);
    reels__le32_put(out + 4, REELS__SEGMENT_VERSION);
    reels__le64_put(out + 8, header->base);
    reels__le64_put(out + 16, header->seed);
    reels__le64_put(out + 24, (uint64_t)header->made_unix_us);
    reels__le64_put(out + 32, reels__xxh3_64(out, SEGMENT_HASHED_BYTES, 0));
}

reels_status reels__segment_header_read(const uint8_t *data,
                                        size_t len,
                                        struct reels__segment_header *out,
                                        reels_error *err)
{
    if (len < REELS__SEGMENT_HEADER_BYTES || reels__le32_get(data) != SEGMENT_MAGIC ||
        reels__le64_get(data + 32) != reels__xxh3_64(data, SEGMENT_HASHED_BYTES, 0)) {
        return reels__fail(err, REELS_ERR_CORRUPT, "the segment has no valid header");
    }
    if (reels__le32_get(data + 4) > REELS__SEGMENT_VERSION) {
        return reels__fail(err, REELS_ERR_UNSUPPORTED, "the segment is of a newer version");
    }
    out->base = reels__le64_get(data + 8);
    out->seed = reels__le64_get(data + 16);
    out->made_unix_us = (int64_t)reels__le64_get(data + 24);
    return REELS_OK;
}

void reels__batch_header_write(uint8_t out[REELS__BATCH_HEADER_BYTES],
                               const struct reels__batch_header *header,
                               uint64_t seed,
                               uint64_t position)
{
    reels__le32_put(out, BATCH_MAGIC);
    reels__le_put(out + 4, 2, BATCH_VERSION);
    reels__le_put(out + 6, 2, header->flags);
    reels__le32_put(out + 8, header->body_bytes);
    reels__le32_put(out + 12, header->raw_bytes);
    reels__le64_put(out + 16, header->base);
    reels__le32_put(out + 24, header->records_count);
    reels__le32_put(out + 28, 0);
    reels__le64_put(out + 32, (uint64_t)header->time_min_unix_us);
    reels__le64_put(out + 40, (uint64_t)header->time_max_unix_us);
    reels__le64_put(out + 48, header->synced_bytes);
    reels__le64_put(out + 56, header->body_hash);
    reels__le64_put(out + 64, reels__xxh3_64(out, BATCH_HASHED_BYTES, seed ^ position));
}

int reels__batch_header_read(const uint8_t data[REELS__BATCH_HEADER_BYTES],
                             uint64_t seed,
                             uint64_t position,
                             struct reels__batch_header *out)
{
    if (reels__le32_get(data) != BATCH_MAGIC ||
        reels__le64_get(data + 64) != reels__xxh3_64(data, BATCH_HASHED_BYTES, seed ^ position)) {
        return 0;
    }
    struct reels__batch_header header = {
        .flags = (uint16_t)reels__le_get(data + 6, 2),
        .body_bytes = reels__le32_get(data + 8),
        .raw_bytes = reels__le32_get(data + 12),
        .base = reels__le64_get(data + 16),
        .records_count = reels__le32_get(data + 24),
        .time_min_unix_us = (int64_t)reels__le64_get(data + 32),
        .time_max_unix_us = (int64_t)reels__le64_get(data + 40),
        .synced_bytes = reels__le64_get(data + 48),
        .body_hash = reels__le64_get(data + 56),
    };
    if (reels__le_get(data + 4, 2) != BATCH_VERSION || (header.flags & ~REELS__BATCH_ZSTD) != 0 ||
        header.records_count == 0 || header.raw_bytes > REELS__BATCH_RAW_BYTES_MAX ||
        header.body_bytes > header.raw_bytes || header.base > UINT64_MAX / 2 ||
        header.records_count > header.raw_bytes / REELS__RECORD_FIXED_BYTES) {
        return 0;
    }
    *out = header;
    return 1;
}

size_t reels__record_bytes(const reels_record *record)
{
    return REELS__RECORD_FIXED_BYTES + record->key_len + record->payload_len;
}

uint8_t *reels__record_write(uint8_t *out, const reels_record *record)
{
    reels__le_put(out, 2, record->key_len);
    reels__le32_put(out + 2, (uint32_t)record->payload_len);
    reels__le64_put(out + 6, (uint64_t)record->time_unix_us);
    out += REELS__RECORD_FIXED_BYTES;
    memcpy(out, record->key, record->key_len);
    out += record->key_len;
    if (record->payload_len > 0) {
        memcpy(out, record->payload, record->payload_len);
    }
    return out + record->payload_len;
}

size_t reels__record_read(const uint8_t *data, size_t len, reels_record *out)
{
    if (len < REELS__RECORD_FIXED_BYTES) {
        return 0;
    }
    size_t key_len = (size_t)reels__le_get(data, 2);
    size_t payload_len = reels__le32_get(data + 2);
    len -= REELS__RECORD_FIXED_BYTES;
    if (key_len < 1 || key_len > REELS_QUEUE_RECORD_KEY_BYTES_MAX || key_len > len ||
        payload_len > REELS_QUEUE_RECORD_PAYLOAD_BYTES_MAX || payload_len > len - key_len) {
        return 0;
    }
    out->time_unix_us = (int64_t)reels__le64_get(data + 6);
    out->key = data + REELS__RECORD_FIXED_BYTES;
    out->key_len = key_len;
    out->payload = out->key + key_len;
    out->payload_len = payload_len;
    return REELS__RECORD_FIXED_BYTES + key_len + payload_len;
}

reels_status
reels__queue_codec_new(reels_ctx *ctx, struct reels__queue_codec **out, reels_error *err)
{
    struct reels__queue_codec *codec = reels__mem_zalloc(ctx, sizeof *codec);
    if (codec == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    codec->ctx = ctx;
    *out = codec;
    return REELS_OK;
}

void reels__queue_codec_free(struct reels__queue_codec *codec)
{
    if (codec != NULL) {
        (void)ZSTD_freeCCtx(codec->compressor);
        (void)ZSTD_freeDCtx(codec->decompressor);
        reels__mem_free(codec->ctx, codec);
    }
}

/* Compresses into the room behind the header: 1 and the length, or 0 when it is not worth it. */
static int body_compress(struct reels__queue_codec *codec,
                         uint8_t *out,
                         const uint8_t *raw,
                         size_t raw_len,
                         size_t *out_len)
{
    if (raw_len < ZSTD_RAW_BYTES_MIN) {
        return 0;
    }
    if (codec->compressor == NULL) {
        codec->compressor = ZSTD_createCCtx();
    }
    if (codec->compressor == NULL) {
        return 0;
    }
    /* No more room than the raw bytes take: what does not get smaller fails, which is meant. */
    size_t len = ZSTD_compressCCtx(codec->compressor, out, raw_len - 1, raw, raw_len, ZSTD_LEVEL);
    *out_len = len;
    return !ZSTD_isError(len);
}

reels_status reels__batch_encode(struct reels__queue_codec *codec,
                                 struct reels__batch_header *header,
                                 const uint8_t *raw,
                                 size_t raw_len,
                                 uint64_t seed,
                                 uint64_t position,
                                 reels_buf *out,
                                 reels_error *err)
{
    REELS_INVARIANT(raw_len > 0 && raw_len <= REELS__BATCH_RAW_BYTES_MAX, err);
    size_t before = reels_buf_len(out);
    uint8_t *data = NULL;
    REELS_TRY(reels__buf_extend(out, REELS__BATCH_HEADER_BYTES + raw_len, &data, err));
    uint8_t *body = data + REELS__BATCH_HEADER_BYTES;
    size_t body_len = raw_len;
    header->flags = 0;
    if (body_compress(codec, body, raw, raw_len, &body_len)) {
        header->flags = REELS__BATCH_ZSTD;
    } else {
        body_len = raw_len;
        memcpy(body, raw, raw_len);
    }
    header->raw_bytes = (uint32_t)raw_len;
    header->body_bytes = (uint32_t)body_len;
    header->body_hash = reels__xxh3_64(body, body_len, 0);
    reels__batch_header_write(data, header, seed, position);
    reels__buf_truncate(out, before + REELS__BATCH_HEADER_BYTES + body_len);
    return REELS_OK;
}

static reels_status body_decompress(struct reels__queue_codec *codec,
                                    const struct reels__batch_header *header,
                                    const uint8_t *body,
                                    uint8_t *out,
                                    reels_error *err)
{
    if (codec->decompressor == NULL) {
        codec->decompressor = ZSTD_createDCtx();
    }
    if (codec->decompressor == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: zstd has no memory");
    }
    size_t len =
        ZSTD_decompressDCtx(codec->decompressor, out, header->raw_bytes, body, header->body_bytes);
    if (ZSTD_isError(len) || len != header->raw_bytes) {
        return reels__fail(err, REELS_ERR_CORRUPT, "the body of a batch is damaged");
    }
    return REELS_OK;
}

reels_status reels__batch_decode(struct reels__queue_codec *codec,
                                 const struct reels__batch_header *header,
                                 const uint8_t *body,
                                 reels_buf *out,
                                 reels_error *err)
{
    if (header->body_hash != reels__xxh3_64(body, header->body_bytes, 0)) {
        return reels__fail(err, REELS_ERR_CORRUPT, "the body of a batch is damaged");
    }
    uint8_t *raw = NULL;
    reels_buf_clear(out);
    REELS_TRY(reels__buf_extend(out, header->raw_bytes, &raw, err));
    if ((header->flags & REELS__BATCH_ZSTD) == 0) {
        if (header->body_bytes != header->raw_bytes) {
            return reels__fail(err, REELS_ERR_CORRUPT, "the body of a batch is damaged");
        }
        memcpy(raw, body, header->raw_bytes);
        return REELS_OK;
    }
    return body_decompress(codec, header, body, raw, err);
}
