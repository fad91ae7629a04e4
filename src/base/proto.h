/* Owns the wire format of Protocol Buffers (proto3): a reader over a range of bytes, without memory
 * or recursion, and a writer into a buffer. Unknown fields, groups among them, are passed over. */
#ifndef REELS_SRC_BASE_PROTO_H
#define REELS_SRC_BASE_PROTO_H

#include <reels/base.h>

enum {
    REELS__PROTO_VARINT = 0,
    REELS__PROTO_FIXED64 = 1,
    REELS__PROTO_BYTES = 2, /* strings, bytes, messages, packed fields */
    REELS__PROTO_FIXED32 = 5
};

struct reels__proto_reader {
    const uint8_t *at;
    const uint8_t *end;
    uint32_t depth;        /* messages around this one */
    uint32_t fields_count; /* read so far */
};

/* Points into the message, so it lives as long. */
struct reels__proto_field {
    uint32_t number;
    uint32_t wire_type;  /* REELS__PROTO_* */
    uint64_t value;      /* VARINT, FIXED64, FIXED32: the raw bits */
    const uint8_t *data; /* BYTES */
    size_t len;
};

/* Borrows data for the life of the reader. */
void reels__proto_reader_init(struct reels__proto_reader *reader, const uint8_t *data, size_t len);

/* The next field; REELS_END at the end; CORRUPT; LIMIT for too many fields or groups too deep.
 * Groups are skipped. The same number may come again: for a single field the last one counts. */
reels_status reels__proto_next(struct reels__proto_reader *reader,
                               struct reels__proto_field *out,
                               reels_error *err);

/* A reader of the message in a BYTES field; CORRUPT for another wire type, LIMIT when too deep. */
reels_status reels__proto_enter(const struct reels__proto_reader *parent,
                                const struct reels__proto_field *field,
                                struct reels__proto_reader *out_child,
                                reels_error *err);

/* What a field means; CORRUPT when its wire type is not that of the declared type. 32-bit numbers
 * are cut as the specification says. */
reels_status
reels__proto_u64(const struct reels__proto_field *field, uint64_t *out, reels_error *err);
reels_status
reels__proto_u32(const struct reels__proto_field *field, uint32_t *out, reels_error *err);
reels_status
reels__proto_i64(const struct reels__proto_field *field, int64_t *out, reels_error *err);
/* Enums too: unknown numbers are kept. */
reels_status
reels__proto_i32(const struct reels__proto_field *field, int32_t *out, reels_error *err);
/* sint32 and sint64. */
reels_status
reels__proto_s64(const struct reels__proto_field *field, int64_t *out, reels_error *err);
reels_status reels__proto_bool(const struct reels__proto_field *field, int *out, reels_error *err);
reels_status
reels__proto_fixed64(const struct reels__proto_field *field, uint64_t *out, reels_error *err);
reels_status
reels__proto_fixed32(const struct reels__proto_field *field, uint32_t *out, reels_error *err);
reels_status
reels__proto_double(const struct reels__proto_field *field, double *out, reels_error *err);
reels_status
reels__proto_float(const struct reels__proto_field *field, float *out, reels_error *err);
reels_status reels__proto_bytes(const struct reels__proto_field *field,
                                const uint8_t **out_data,
                                size_t *out_len,
                                reels_error *err);
/* The same, and CORRUPT when it is not UTF-8. No NUL follows it. */
reels_status reels__proto_text(const struct reels__proto_field *field,
                               const char **out_text,
                               size_t *out_len,
                               reels_error *err);

/* Repeated numbers come packed or one by one, and readers must take both: for each field with that
 * number, init, then next until REELS_END. The values' wire type is that of the declared element.
 */
struct reels__proto_packed {
    const uint8_t *at;
    const uint8_t *end;
    uint32_t wire_type;
    int single; /* 1 = one value, not given yet */
    uint64_t value;
};
reels_status reels__proto_packed_init(struct reels__proto_packed *packed,
                                      const struct reels__proto_field *field,
                                      uint32_t element_wire_type,
                                      reels_error *err);
reels_status
reels__proto_packed_next(struct reels__proto_packed *packed, uint64_t *out, reels_error *err);

/* Zigzag and the bit patterns of doubles and floats. */
int64_t reels__proto_unzigzag(uint64_t value);
uint64_t reels__proto_zigzag(int64_t value);
double reels__proto_double_of(uint64_t bits);
float reels__proto_float_of(uint32_t bits);

/* Writing single fields: zero and empty are left out, as proto3 does. */
reels_status
reels__proto_put_u64(reels_buf *buf, uint32_t number, uint64_t value, reels_error *err);
reels_status reels__proto_put_i64(reels_buf *buf, uint32_t number, int64_t value, reels_error *err);
reels_status reels__proto_put_s64(reels_buf *buf, uint32_t number, int64_t value, reels_error *err);
reels_status reels__proto_put_bool(reels_buf *buf, uint32_t number, int value, reels_error *err);
reels_status
reels__proto_put_fixed64(reels_buf *buf, uint32_t number, uint64_t value, reels_error *err);
reels_status
reels__proto_put_fixed32(reels_buf *buf, uint32_t number, uint32_t value, reels_error *err);
reels_status
reels__proto_put_double(reels_buf *buf, uint32_t number, double value, reels_error *err);
reels_status reels__proto_put_float(reels_buf *buf, uint32_t number, float value, reels_error *err);
reels_status reels__proto_put_bytes(
    reels_buf *buf, uint32_t number, const void *data, size_t len, reels_error *err);
reels_status
reels__proto_put_text(reels_buf *buf, uint32_t number, const char *text, reels_error *err);

/* Writing elements of repeated fields and optional ones: always there. */
reels_status
reels__proto_add_u64(reels_buf *buf, uint32_t number, uint64_t value, reels_error *err);
reels_status reels__proto_add_bytes(
    reels_buf *buf, uint32_t number, const void *data, size_t len, reels_error *err);

/* A message or packed field of a length not known yet: begin, write what is inside, end. Nests;
 * each begin needs its own mark. */
reels_status
reels__proto_begin(reels_buf *buf, uint32_t number, size_t *out_mark, reels_error *err);
reels_status reels__proto_end(reels_buf *buf, size_t mark, reels_error *err);
/* One element inside a packed field. */
reels_status reels__proto_packed_u64(reels_buf *buf, uint64_t value, reels_error *err);
reels_status reels__proto_packed_fixed64(reels_buf *buf, uint64_t value, reels_error *err);
reels_status reels__proto_packed_fixed32(reels_buf *buf, uint32_t value, reels_error *err);

#endif
