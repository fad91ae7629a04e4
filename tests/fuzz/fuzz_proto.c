/* Protobuf: the fields that the reader gives lie inside the message, and written again they are
 * read as the same fields; every field is also entered as a message and walked as packed numbers.
 */
#include <string.h>

#include "base/limits.h"
#include "base/proto.h"
#include "fuzz.h"

static void walk_packed(const struct reels__proto_field *field)
{
    static const uint32_t types[] = {
        REELS__PROTO_VARINT, REELS__PROTO_FIXED64, REELS__PROTO_FIXED32};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct reels__proto_packed packed;
        uint64_t value = 0;
        if (reels__proto_packed_init(&packed, field, types[i], NULL) != REELS_OK) {
            continue;
        }
        size_t count = 0;
        while (reels__proto_packed_next(&packed, &value, NULL) == REELS_OK) {
            count++;
        }
        fuzz_assert(count <= field->len || field->wire_type != REELS__PROTO_BYTES);
    }
}

/* Goes down into the first field that can be entered, level by level. */
static void walk_deep(const uint8_t *data, size_t size)
{
    struct reels__proto_reader reader;
    struct reels__proto_field field;
    reels__proto_reader_init(&reader, data, size);
    for (int level = 0; level < 2 * REELS__PROTO_DEPTH_MAX; level++) {
        struct reels__proto_reader child;
        reels_status status = REELS_ERR_CORRUPT;
        while (status != REELS_OK && reels__proto_next(&reader, &field, NULL) == REELS_OK) {
            status = reels__proto_enter(&reader, &field, &child, NULL);
        }
        if (status != REELS_OK) {
            return;
        }
        fuzz_assert(child.depth < REELS__PROTO_DEPTH_MAX);
        reader = child;
    }
}

static reels_status write_field(reels_buf *buf, const struct reels__proto_field *field)
{
    switch (field->wire_type) {
    case REELS__PROTO_VARINT:
        return reels__proto_add_u64(buf, field->number, field->value, NULL);
    case REELS__PROTO_FIXED64:
        return reels__proto_put_fixed64(buf, field->number, field->value, NULL);
    case REELS__PROTO_FIXED32:
        return reels__proto_put_fixed32(buf, field->number, (uint32_t)field->value, NULL);
    default:
        return reels__proto_add_bytes(buf, field->number, field->data, field->len, NULL);
    }
}

static int is_left_out(const struct reels__proto_field *field)
{
    return (field->wire_type == REELS__PROTO_FIXED64 || field->wire_type == REELS__PROTO_FIXED32) &&
           field->value == 0;
}

static int same_field(const struct reels__proto_field *a, const struct reels__proto_field *b)
{
    return a->number == b->number && a->wire_type == b->wire_type && a->value == b->value &&
           a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* Reads both messages in step. */
static void compare(const uint8_t *data, size_t size, const reels_buf *buf)
{
    struct reels__proto_reader first;
    struct reels__proto_reader second;
    struct reels__proto_field a;
    struct reels__proto_field b;
    reels__proto_reader_init(&first, data, size);
    reels__proto_reader_init(&second, reels_buf_data(buf), reels_buf_len(buf));
    while (reels__proto_next(&first, &a, NULL) == REELS_OK) {
        if (!is_left_out(&a)) {
            fuzz_assert(reels__proto_next(&second, &b, NULL) == REELS_OK);
            fuzz_assert(same_field(&a, &b));
        }
    }
    fuzz_assert(reels__proto_next(&second, &b, NULL) == REELS_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_env env;
    reels_buf *buf = NULL;
    if (size == 0) {
        return 0;
    }
    const uint8_t *message = data + 1;
    const uint8_t *end = data + size;
    fuzz_env_init(&env, data[0]);
    if (reels_buf_new(env.ctx, 0, &buf, &env.err) == REELS_OK) {
        struct reels__proto_reader reader;
        struct reels__proto_field field;
        reels__proto_reader_init(&reader, message, size - 1);
        reels_status written = REELS_OK;
        reels_status status = reels__proto_next(&reader, &field, &env.err);
        while (status == REELS_OK) {
            fuzz_assert(field.data == NULL ||
                        (field.data >= message && field.len <= (size_t)(end - field.data)));
            walk_packed(&field);
            written = written == REELS_OK ? write_field(buf, &field) : written;
            status = reels__proto_next(&reader, &field, &env.err);
        }
        fuzz_assert(status == REELS_END || status == REELS_ERR_CORRUPT ||
                    status == REELS_ERR_LIMIT);
        if (status == REELS_END && written == REELS_OK) {
            compare(message, size - 1, buf);
        }
    }
    walk_deep(message, size - 1);
    reels_buf_free(buf);
    fuzz_env_dispose(&env);
    return 0;
}
