/* The writer. Invariant: while status is OK, what is in the buffer is the beginning of a JSON text.
 */
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/number.h"
#include "base/utf8.h"

void reels__json_writer_init(struct reels__json_writer *writer, reels_buf *buf, reels_error *err)
{
    memset(writer, 0, sizeof *writer);
    writer->buf = buf;
    writer->err = err;
}

static void put(struct reels__json_writer *writer, const char *text, size_t len)
{
    if (writer->status == REELS_OK) {
        writer->status = reels_buf_append(writer->buf, (const uint8_t *)text, len, writer->err);
    }
}

static void fail_state(struct reels__json_writer *writer, const char *what)
{
    if (writer->status == REELS_OK) {
        writer->status = reels__fail(writer->err, REELS_ERR_STATE, "JSON writer: %s", what);
    }
}

static int bit_get(const uint64_t *bits, uint32_t index)
{
    return (bits[index / 64] >> (index % 64) & 1) != 0;
}

static void bit_set(uint64_t *bits, uint32_t index, int value)
{
    uint64_t bit = UINT64_C(1) << (index % 64);
    bits[index / 64] = value ? bits[index / 64] | bit : bits[index / 64] & ~bit;
}

/* What stands before a key or an array's value: a comma but for the first. */
static void item_begin(struct reels__json_writer *writer)
{
    if (bit_get(writer->has_items, writer->depth)) {
        if (writer->depth == 0) {
            fail_state(writer, "a second document");
        }
        put(writer, ",", 1);
    }
    bit_set(writer->has_items, writer->depth, 1);
}

static void value_begin(struct reels__json_writer *writer)
{
    int in_object = writer->depth > 0 && bit_get(writer->is_object, writer->depth);
    if (in_object && !writer->after_key) {
        fail_state(writer, "a value without its key");
    }
    if (!writer->after_key) {
        item_begin(writer);
    }
    writer->after_key = 0;
}

static void container_begin(struct reels__json_writer *writer, int is_object)
{
    value_begin(writer);
    if (writer->depth == REELS__JSON_DEPTH_MAX) {
        if (writer->status == REELS_OK) {
            writer->status =
                reels__fail(writer->err, REELS_ERR_LIMIT, "JSON writer: nested too deep");
        }
        return;
    }
    writer->depth++;
    bit_set(writer->has_items, writer->depth, 0);
    bit_set(writer->is_object, writer->depth, is_object);
    put(writer, is_object ? "{" : "[", 1);
}

static void container_end(struct reels__json_writer *writer, int is_object)
{
    int matches = writer->depth > 0 && !writer->after_key &&
                  bit_get(writer->is_object, writer->depth) == is_object;
    if (!matches) {
        fail_state(writer, "an end without its begin");
        return;
    }
    writer->depth--;
    put(writer, is_object ? "}" : "]", 1);
}

void reels__json_write_object_begin(struct reels__json_writer *writer)
{
    container_begin(writer, 1);
}

void reels__json_write_object_end(struct reels__json_writer *writer)
{
    container_end(writer, 1);
}

void reels__json_write_array_begin(struct reels__json_writer *writer)
{
    container_begin(writer, 0);
}

void reels__json_write_array_end(struct reels__json_writer *writer)
{
    container_end(writer, 0);
}

/* Writes the escape of a byte that must not stand in a string. */
static void escape_put(struct reels__json_writer *writer, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    static const char named[] = "\"\\\b\f\n\r\t";
    static const char names[] = "\"\\bfnrt";
    char text[6] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
    const char *found = byte != 0 ? strchr(named, byte) : NULL;
    if (found != NULL) {
        text[1] = names[found - named];
    }
    put(writer, text, found != NULL ? 2 : 6);
}

static void string_put(struct reels__json_writer *writer, const char *text, size_t len)
{
    if (!reels__utf8_valid((const uint8_t *)text, len)) {
        if (writer->status == REELS_OK) {
            writer->status =
                reels__fail(writer->err, REELS_ERR_INVALID_ARG, "JSON writer: text is not UTF-8");
        }
        return;
    }
    put(writer, "\"", 1);
    size_t start = 0;
    for (size_t at = 0; at < len; at++) {
        unsigned char byte = (unsigned char)text[at];
        if (byte < 0x20 || byte == '"' || byte == '\\') {
            put(writer, text + start, at - start);
            escape_put(writer, byte);
            start = at + 1;
        }
    }
    put(writer, text + start, len - start);
    put(writer, "\"", 1);
}

void reels__json_write_key(struct reels__json_writer *writer, const char *key)
{
    if (writer->depth == 0 || writer->after_key || !bit_get(writer->is_object, writer->depth)) {
        fail_state(writer, "a key outside an object");
        return;
    }
    item_begin(writer);
    string_put(writer, key, strlen(key));
    put(writer, ":", 1);
    writer->after_key = 1;
}

void reels__json_write_text_len(struct reels__json_writer *writer, const char *text, size_t len)
{
    value_begin(writer);
    string_put(writer, text, len);
}

void reels__json_write_text(struct reels__json_writer *writer, const char *text)
{
    reels__json_write_text_len(writer, text, strlen(text));
}

void reels__json_write_i64(struct reels__json_writer *writer, int64_t value)
{
    char text[REELS__NUMBER_TEXT_BYTES];
    value_begin(writer);
    put(writer, text, reels__i64_to_text(value, text));
}

void reels__json_write_u64(struct reels__json_writer *writer, uint64_t value)
{
    char text[REELS__NUMBER_TEXT_BYTES];
    value_begin(writer);
    put(writer, text, reels__u64_to_text(value, text));
}

void reels__json_write_u64_text(struct reels__json_writer *writer, uint64_t value)
{
    char text[REELS__NUMBER_TEXT_BYTES];
    reels__json_write_text_len(writer, text, reels__u64_to_text(value, text));
}

void reels__json_write_double(struct reels__json_writer *writer, double value)
{
    char text[REELS__NUMBER_TEXT_BYTES];
    value_begin(writer);
    size_t len = reels__double_to_text(value, text);
    if (len == 0 && writer->status == REELS_OK) {
        writer->status = reels__fail(writer->err,
                                     REELS_ERR_INVALID_ARG,
                                     "JSON writer: infinities and NaN cannot be written");
    }
    put(writer, text, len);
}

void reels__json_write_bool(struct reels__json_writer *writer, int value)
{
    value_begin(writer);
    put(writer, value ? "true" : "false", value ? 4 : 5);
}

void reels__json_write_null(struct reels__json_writer *writer)
{
    value_begin(writer);
    put(writer, "null", 4);
}

reels_status reels__json_writer_finish(struct reels__json_writer *writer)
{
    if (writer->depth > 0 || writer->after_key || !bit_get(writer->has_items, 0)) {
        fail_state(writer, "the document is not complete");
    }
    return writer->status;
}
