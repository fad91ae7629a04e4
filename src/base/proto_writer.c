/* The writer, after "Encoding" of the Protocol Buffers documentation. Each call appends all or
 * nothing, so that a failure leaves whole fields only. */
#include <string.h>

#include "base/buffer_internal.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/proto.h"

enum {
    VARINT_BYTES_MAX = 10,
    NUMBER_MAX = (1 << 29) - 1
};

static size_t varint_write(uint8_t out[VARINT_BYTES_MAX], uint64_t value)
{
    size_t len = 0;
    while (value >= 0x80) {
        out[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    out[len++] = (uint8_t)value;
    return len;
}

static reels_status number_check(uint32_t number, reels_error *err)
{
    REELS_INVARIANT(number > 0 && number <= NUMBER_MAX, err);
    return REELS_OK;
}

/* Appends a tag and up to 10 bytes after it. */
static reels_status field_put(reels_buf *buf,
                              uint32_t number,
                              uint32_t wire_type,
                              const uint8_t *payload,
                              size_t payload_len,
                              reels_error *err)
{
    uint8_t bytes[2 * VARINT_BYTES_MAX];
    REELS_TRY(number_check(number, err));
    size_t len = varint_write(bytes, (uint64_t)number << 3 | wire_type);
    memcpy(bytes + len, payload, payload_len);
    return reels_buf_append(buf, bytes, len + payload_len, err);
}

reels_status reels__proto_add_u64(reels_buf *buf, uint32_t number, uint64_t value, reels_error *err)
{
    uint8_t bytes[VARINT_BYTES_MAX];
    size_t len = varint_write(bytes, value);
    return field_put(buf, number, REELS__PROTO_VARINT, bytes, len, err);
}

reels_status reels__proto_put_u64(reels_buf *buf, uint32_t number, uint64_t value, reels_error *err)
{
    return value != 0 ? reels__proto_add_u64(buf, number, value, err) : REELS_OK;
}

reels_status reels__proto_put_i64(reels_buf *buf, uint32_t number, int64_t value, reels_error *err)
{
    return reels__proto_put_u64(buf, number, (uint64_t)value, err);
}

reels_status reels__proto_put_s64(reels_buf *buf, uint32_t number, int64_t value, reels_error *err)
{
    return reels__proto_put_u64(buf, number, reels__proto_zigzag(value), err);
}

reels_status reels__proto_put_bool(reels_buf *buf, uint32_t number, int value, reels_error *err)
{
    return reels__proto_put_u64(buf, number, value != 0 ? 1 : 0, err);
}

reels_status
reels__proto_put_fixed64(reels_buf *buf, uint32_t number, uint64_t value, reels_error *err)
{
    uint8_t bytes[8];
    reels__le64_put(bytes, value);
    return value != 0 ? field_put(buf, number, REELS__PROTO_FIXED64, bytes, 8, err) : REELS_OK;
}

reels_status
reels__proto_put_fixed32(reels_buf *buf, uint32_t number, uint32_t value, reels_error *err)
{
    uint8_t bytes[4];
    reels__le32_put(bytes, value);
    return value != 0 ? field_put(buf, number, REELS__PROTO_FIXED32, bytes, 4, err) : REELS_OK;
}

/* Zero is told by its bits: -0.0 is written. */
reels_status
reels__proto_put_double(reels_buf *buf, uint32_t number, double value, reels_error *err)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return reels__proto_put_fixed64(buf, number, bits, err);
}

reels_status reels__proto_put_float(reels_buf *buf, uint32_t number, float value, reels_error *err)
{
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return reels__proto_put_fixed32(buf, number, bits, err);
}

reels_status reels__proto_add_bytes(
    reels_buf *buf, uint32_t number, const void *data, size_t len, reels_error *err)
{
    uint8_t bytes[VARINT_BYTES_MAX];
    size_t before = reels_buf_len(buf);
    size_t prefix_len = varint_write(bytes, len);
    REELS_TRY(field_put(buf, number, REELS__PROTO_BYTES, bytes, prefix_len, err));
    reels_status status = reels_buf_append(buf, data, len, err);
    if (status != REELS_OK) {
        reels__buf_truncate(buf, before);
    }
    return status;
}

reels_status reels__proto_put_bytes(
    reels_buf *buf, uint32_t number, const void *data, size_t len, reels_error *err)
{
    return len > 0 ? reels__proto_add_bytes(buf, number, data, len, err) : REELS_OK;
}

reels_status
reels__proto_put_text(reels_buf *buf, uint32_t number, const char *text, reels_error *err)
{
    return reels__proto_put_bytes(buf, number, text, strlen(text), err);
}

reels_status reels__proto_begin(reels_buf *buf, uint32_t number, size_t *out_mark, reels_error *err)
{
    /* One byte is kept for the length; reels__proto_end() makes room when it needs more. */
    static const uint8_t length[1] = {0};
    REELS_TRY(field_put(buf, number, REELS__PROTO_BYTES, length, 1, err));
    *out_mark = reels_buf_len(buf);
    return REELS_OK;
}

reels_status reels__proto_end(reels_buf *buf, size_t mark, reels_error *err)
{
    REELS_INVARIANT(mark > 0 && mark <= reels_buf_len(buf), err);
    uint8_t prefix[VARINT_BYTES_MAX];
    uint8_t *unused = NULL;
    size_t len = reels_buf_len(buf) - mark;
    size_t prefix_len = varint_write(prefix, len);
    REELS_TRY(reels__buf_extend(buf, prefix_len - 1, &unused, err));
    uint8_t *bytes = reels__buf_bytes(buf);
    memmove(bytes + mark + prefix_len - 1, bytes + mark, len);
    memcpy(bytes + mark - 1, prefix, prefix_len);
    return REELS_OK;
}

reels_status reels__proto_packed_u64(reels_buf *buf, uint64_t value, reels_error *err)
{
    uint8_t bytes[VARINT_BYTES_MAX];
    return reels_buf_append(buf, bytes, varint_write(bytes, value), err);
}

reels_status reels__proto_packed_fixed64(reels_buf *buf, uint64_t value, reels_error *err)
{
    uint8_t bytes[8];
    reels__le64_put(bytes, value);
    return reels_buf_append(buf, bytes, sizeof bytes, err);
}

reels_status reels__proto_packed_fixed32(reels_buf *buf, uint32_t value, reels_error *err)
{
    uint8_t bytes[4];
    reels__le32_put(bytes, value);
    return reels_buf_append(buf, bytes, sizeof bytes, err);
}
