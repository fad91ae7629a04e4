/* The reader, after "Encoding" of the Protocol Buffers documentation. */
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/proto.h"
#include "base/utf8.h"

enum {
    WIRE_GROUP_BEGIN = 3,
    WIRE_GROUP_END = 4,
    VARINT_BYTES_MAX = 10
};

void reels__proto_reader_init(struct reels__proto_reader *reader, const uint8_t *data, size_t len)
{
    static const uint8_t nothing[1] = {0};
    memset(reader, 0, sizeof *reader);
    reader->at = len > 0 ? data : nothing;
    reader->end = reader->at + len;
}

static reels_status fail_corrupt(const char *what, reels_error *err)
{
    return reels__fail(err, REELS_ERR_CORRUPT, "protobuf: %s", what);
}

/* Bits beyond 64 must not be there; longer forms of a small number are legal. */
static reels_status
varint_read(const uint8_t **at, const uint8_t *end, uint64_t *out, reels_error *err)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MAX && *at < end; i++) {
        uint8_t byte = *(*at)++;
        if (i == VARINT_BYTES_MAX - 1 && byte > 1) {
            break;
        }
        value |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (byte < 0x80) {
            *out = value;
            return REELS_OK;
        }
    }
    return fail_corrupt("a number without its end, or beyond 64 bits", err);
}

static reels_status
fixed_read(const uint8_t **at, const uint8_t *end, size_t width, uint64_t *out, reels_error *err)
{
    if ((size_t)(end - *at) < width) {
        return fail_corrupt("a number is cut short", err);
    }
    *out = reels__le_get(*at, width);
    *at += width;
    return REELS_OK;
}

static reels_status
tag_read(struct reels__proto_reader *reader, struct reels__proto_field *out, reels_error *err)
{
    uint64_t tag = 0;
    REELS_TRY(varint_read(&reader->at, reader->end, &tag, err));
    if (tag > UINT32_MAX || tag >> 3 == 0) {
        return fail_corrupt("a field number out of range", err);
    }
    if (reader->fields_count == REELS__PROTO_FIELDS_MAX) {
        return reels__fail(err,
                           REELS_ERR_LIMIT,
                           "protobuf: more than %d fields in a message",
                           REELS__PROTO_FIELDS_MAX);
    }
    reader->fields_count++;
    out->number = (uint32_t)(tag >> 3);
    out->wire_type = (uint32_t)(tag & 7);
    return REELS_OK;
}

/* Reads what follows a tag; the two tags of groups have nothing. */
static reels_status
payload_read(struct reels__proto_reader *reader, struct reels__proto_field *out, reels_error *err)
{
    uint64_t len = 0;
    switch (out->wire_type) {
    case REELS__PROTO_VARINT:
        return varint_read(&reader->at, reader->end, &out->value, err);
    case REELS__PROTO_FIXED64:
        return fixed_read(&reader->at, reader->end, 8, &out->value, err);
    case REELS__PROTO_FIXED32:
        return fixed_read(&reader->at, reader->end, 4, &out->value, err);
    case REELS__PROTO_BYTES:
        REELS_TRY(varint_read(&reader->at, reader->end, &len, err));
        if (len > (uint64_t)(reader->end - reader->at)) {
            return fail_corrupt("a field is longer than its message", err);
        }
        out->data = reader->at;
        out->len = (size_t)len;
        reader->at += out->len;
        return REELS_OK;
    case WIRE_GROUP_BEGIN:
    case WIRE_GROUP_END:
        return REELS_OK;
    default:
        return fail_corrupt("an unknown wire type", err);
    }
}

/* Passes over a group whose begin was read, and the groups inside it. */
static reels_status
group_skip(struct reels__proto_reader *reader, uint32_t number, reels_error *err)
{
    uint32_t open[REELS__PROTO_DEPTH_MAX];
    uint32_t depth = 0;
    open[depth++] = number;
    while (depth > 0) {
        struct reels__proto_field field = {0};
        REELS_TRY(tag_read(reader, &field, err));
        REELS_TRY(payload_read(reader, &field, err));
        if (field.wire_type == WIRE_GROUP_BEGIN) {
            if (depth == REELS__PROTO_DEPTH_MAX) {
                return reels__fail(err, REELS_ERR_LIMIT, "protobuf: groups nested too deep");
            }
            open[depth++] = field.number;
        } else if (field.wire_type == WIRE_GROUP_END && open[--depth] != field.number) {
            return fail_corrupt("the end of another group", err);
        }
    }
    return REELS_OK;
}

reels_status reels__proto_next(struct reels__proto_reader *reader,
                               struct reels__proto_field *out,
                               reels_error *err)
{
    while (reader->at < reader->end) {
        memset(out, 0, sizeof *out);
        REELS_TRY(tag_read(reader, out, err));
        if (out->wire_type == WIRE_GROUP_END) {
            return fail_corrupt("the end of a group that never began", err);
        }
        REELS_TRY(payload_read(reader, out, err));
        if (out->wire_type != WIRE_GROUP_BEGIN) {
            return REELS_OK;
        }
        REELS_TRY(group_skip(reader, out->number, err));
    }
    return REELS_END;
}

static reels_status
wire_check(const struct reels__proto_field *field, uint32_t wire_type, reels_error *err)
{
    if (field->wire_type != wire_type) {
        return reels__fail(err,
                           REELS_ERR_CORRUPT,
                           "protobuf: field %u has wire type %u, not %u",
                           (unsigned)field->number,
                           (unsigned)field->wire_type,
                           (unsigned)wire_type);
    }
    return REELS_OK;
}

reels_status reels__proto_enter(const struct reels__proto_reader *parent,
                                const struct reels__proto_field *field,
                                struct reels__proto_reader *out_child,
                                reels_error *err)
{
    REELS_TRY(wire_check(field, REELS__PROTO_BYTES, err));
    if (parent->depth + 1 >= REELS__PROTO_DEPTH_MAX) {
        return reels__fail(err, REELS_ERR_LIMIT, "protobuf: messages nested too deep");
    }
    reels__proto_reader_init(out_child, field->data, field->len);
    out_child->depth = parent->depth + 1;
    return REELS_OK;
}

reels_status
reels__proto_u64(const struct reels__proto_field *field, uint64_t *out, reels_error *err)
{
    REELS_TRY(wire_check(field, REELS__PROTO_VARINT, err));
    *out = field->value;
    return REELS_OK;
}

reels_status
reels__proto_u32(const struct reels__proto_field *field, uint32_t *out, reels_error *err)
{
    REELS_TRY(wire_check(field, REELS__PROTO_VARINT, err));
    *out = (uint32_t)field->value;
    return REELS_OK;
}

/* Two's complement without leaning on how the compiler narrows. */
static int64_t signed_of(uint64_t bits)
{
    int64_t value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

reels_status
reels__proto_i64(const struct reels__proto_field *field, int64_t *out, reels_error *err)
{
    REELS_TRY(wire_check(field, REELS__PROTO_VARINT, err));
    *out = signed_of(field->value);
    return REELS_OK;
}

reels_status
reels__proto_i32(const struct reels__proto_field *field, int32_t *out, reels_error *err)
{
    REELS_TRY(wire_check(field, REELS__PROTO_VARINT, err));
    uint32_t bits = (uint32_t)field->value;
    memcpy(out, &bits, sizeof bits);
    return REELS_OK;
}

int64_t reels__proto_unzigzag(uint64_t value)
{
    return signed_of((value >> 1) ^ (0 - (value & 1)));
}

uint64_t reels__proto_zigzag(int64_t value)
{
    return value < 0 ? ~((uint64_t)value << 1) : (uint64_t)value << 1;
}

reels_status
reels__proto_s64(const struct reels__proto_field *field, int64_t *out, reels_error *err)
{
    REELS_TRY(wire_check(field, REELS__PROTO_VARINT, err));
    *out = reels__proto_unzigzag(field->value);
    return REELS_OK;
}

reels_status reels__proto_bool(const struct reels__proto_field *field, int *out, reels_error *err)
{
    REELS_TRY(wire_check(field, REELS__PROTO_VARINT, err));
    *out = field->value != 0;
    return REELS_OK;
}

reels_status
reels__proto_fixed64(const struct reels__proto_field *field, uint64_t *out, reels_error *err)
{
    REELS_TRY(wire_check(field, REELS__PROTO_FIXED64, err));
    *out = field->value;
    return REELS_OK;
}

reels_status
reels__proto_fixed32(const struct reels__proto_field *field, uint32_t *out, reels_error *err)
{
    REELS_TRY(wire_check(field, REELS__PROTO_FIXED32, err));
    *out = (uint32_t)field->value;
    return REELS_OK;
}

double reels__proto_double_of(uint64_t bits)
{
    double value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float reels__proto_float_of(uint32_t bits)
{
    float value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

reels_status
reels__proto_double(const struct reels__proto_field *field, double *out, reels_error *err)
{
    REELS_TRY(wire_check(field, REELS__PROTO_FIXED64, err));
    *out = reels__proto_double_of(field->value);
    return REELS_OK;
}

reels_status
reels__proto_float(const struct reels__proto_field *field, float *out, reels_error *err)
{
    REELS_TRY(wire_check(field, REELS__PROTO_FIXED32, err));
    *out = reels__proto_float_of((uint32_t)field->value);
    return REELS_OK;
}

reels_status reels__proto_bytes(const struct reels__proto_field *field,
                                const uint8_t **out_data,
                                size_t *out_len,
                                reels_error *err)
{
    REELS_TRY(wire_check(field, REELS__PROTO_BYTES, err));
    *out_data = field->data;
    *out_len = field->len;
    return REELS_OK;
}

reels_status reels__proto_text(const struct reels__proto_field *field,
                               const char **out_text,
                               size_t *out_len,
                               reels_error *err)
{
    REELS_TRY(wire_check(field, REELS__PROTO_BYTES, err));
    if (!reels__utf8_valid(field->data, field->len)) {
        return reels__fail(
            err, REELS_ERR_CORRUPT, "protobuf: field %u is not UTF-8", (unsigned)field->number);
    }
    *out_text = (const char *)field->data;
    *out_len = field->len;
    return REELS_OK;
}

reels_status reels__proto_packed_init(struct reels__proto_packed *packed,
                                      const struct reels__proto_field *field,
                                      uint32_t element_wire_type,
                                      reels_error *err)
{
    memset(packed, 0, sizeof *packed);
    packed->wire_type = element_wire_type;
    if (field->wire_type == REELS__PROTO_BYTES) {
        packed->at = field->data;
        packed->end = field->data + field->len;
        return REELS_OK;
    }
    REELS_TRY(wire_check(field, element_wire_type, err));
    packed->single = 1;
    packed->value = field->value;
    return REELS_OK;
}

reels_status
reels__proto_packed_next(struct reels__proto_packed *packed, uint64_t *out, reels_error *err)
{
    if (packed->single) {
        packed->single = 0;
        *out = packed->value;
        return REELS_OK;
    }
    if (packed->at == packed->end) {
        return REELS_END;
    }
    if (packed->wire_type == REELS__PROTO_VARINT) {
        return varint_read(&packed->at, packed->end, out, err);
    }
    size_t width = packed->wire_type == REELS__PROTO_FIXED64 ? 8 : 4;
    return fixed_read(&packed->at, packed->end, width, out, err);
}
