/* Owns the format of the segment files of the queue. Numbers are little-endian.
 *
 * A segment file begins with a header of 40 bytes:
 *     0 "RLQS"  4 version  8 base offset  16 seed  24 time made  32 xxh3 of bytes 0..31
 * then come batches, each a header of 72 bytes and a body:
 *     0 "RLQB"  4 version (16 bits)  6 flags (16 bits)  8 body bytes  12 raw bytes  16 base offset
 *     24 records  28 zero  32 first time  40 last time  48 bytes of the file known to be synced
 * when this batch was written  56 xxh3 of the body  64 xxh3 of bytes 0..63 under seed ^ position A
 * body is, zstd-compressed when the flag says so, a row of records: 0 key bytes (16 bits)  2
 * payload bytes (32 bits)  6 time  14 key, payload
 *
 * The seed is random for each file and the place goes into the check, so that nothing in a payload
 * or left over from another file can pass for a batch. "Synced" is what tells a torn tail, which
 * was never acknowledged, from damage to what was: see queue_segment.c. */
#ifndef REELS_SRC_BACKEND_QUEUE_CODEC_H
#define REELS_SRC_BACKEND_QUEUE_CODEC_H

#include <reels/backend/queue.h>

enum {
    REELS__SEGMENT_VERSION = 1,
    REELS__SEGMENT_HEADER_BYTES = 40,
    REELS__BATCH_HEADER_BYTES = 72,
    REELS__RECORD_FIXED_BYTES = 14,
    REELS__BATCH_ZSTD = 1, /* flag */
    /* The largest append in one batch, 16 MiB and what records add to it, and then some. */
    REELS__BATCH_RAW_BYTES_MAX = 32 * 1024 * 1024
};

struct reels__segment_header {
    uint64_t base;
    uint64_t seed;
    int64_t made_unix_us;
};

struct reels__batch_header {
    uint16_t flags;
    uint32_t body_bytes;
    uint32_t raw_bytes;
    uint64_t base;
    uint32_t records_count;
    int64_t time_min_unix_us;
    int64_t time_max_unix_us;
    uint64_t synced_bytes;
    uint64_t body_hash;
};

void reels__segment_header_write(uint8_t out[REELS__SEGMENT_HEADER_BYTES],
                                 const struct reels__segment_header *header);
/* CORRUPT, or UNSUPPORTED for a newer version. */
reels_status reels__segment_header_read(const uint8_t *data,
                                        size_t len,
                                        struct reels__segment_header *out,
                                        reels_error *err);

void reels__batch_header_write(uint8_t out[REELS__BATCH_HEADER_BYTES],
                               const struct reels__batch_header *header,
                               uint64_t seed,
                               uint64_t position);
/* 1 when the bytes are a batch header written at that place of that file, else 0. */
int reels__batch_header_read(const uint8_t data[REELS__BATCH_HEADER_BYTES],
                             uint64_t seed,
                             uint64_t position,
                             struct reels__batch_header *out);

/* Bytes of a record, and the record itself. */
size_t reels__record_bytes(const reels_record *record);
uint8_t *reels__record_write(uint8_t *out, const reels_record *record);
/* Reads the record at data: its length, or 0 when it does not fit into len or breaks a limit. Sets
 * time, key and payload. */
size_t reels__record_read(const uint8_t *data, size_t len, reels_record *out);

/* Working space of whoever compresses or decompresses. One thread at a time. */
struct reels__queue_codec;

reels_status
reels__queue_codec_new(reels_ctx *ctx, struct reels__queue_codec **out, reels_error *err);
void reels__queue_codec_free(struct reels__queue_codec *codec);

/* Appends header and body of a batch to out. The header's counts, times and base are given; the
 * rest is filled in here. */
reels_status reels__batch_encode(struct reels__queue_codec *codec,
                                 struct reels__batch_header *header,
                                 const uint8_t *raw,
                                 size_t raw_len,
                                 uint64_t seed,
                                 uint64_t position,
                                 reels_buf *out,
                                 reels_error *err);

/* Replaces the content of out by the raw body. CORRUPT when the body is not what the header says.
 */
reels_status reels__batch_decode(struct reels__queue_codec *codec,
                                 const struct reels__batch_header *header,
                                 const uint8_t *body,
                                 reels_buf *out,
                                 reels_error *err);

#endif
