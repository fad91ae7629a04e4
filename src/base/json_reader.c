/* The reader: a state machine over the grammar of RFC 8259; one bit per open container remembers
 * whether it is an object. */
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/number.h"
#include "base/utf8.h"

/* What may come next. */
enum {
    STATE_VALUE,        /* a value */
    STATE_VALUE_OR_END, /* the first value of an array, or its end */
    STATE_KEY,          /* a key, after a comma */
    STATE_KEY_OR_END,   /* the first key of an object, or its end */
    STATE_AFTER_VALUE,  /* a comma, the end of the container, or of the document */
    STATE_TOO_DEEP,
    STATE_BROKEN
};

void reels__json_reader_init(struct reels__json_reader *reader, const char *data, size_t len)
{
    memset(reader, 0, sizeof *reader);
    reader->data = data;
    reader->len = len;
    reader->state = STATE_VALUE;
}

static reels_status fail_at(struct reels__json_reader *reader, const char *what, reels_error *err)
{
    reader->state = STATE_BROKEN;
    return reels__fail(err, REELS_ERR_CORRUPT, "JSON: %s at byte %zu", what, reader->at);
}

static reels_status fail_deep(reels_error *err)
{
    return reels__fail(
        err, REELS_ERR_LIMIT, "JSON: more than %d levels deep", REELS__JSON_DEPTH_MAX);
}

/* The character at the place of reading, or NUL at the end (a NUL in the text is never legal
 * there). */
static char peek(const struct reels__json_reader *reader)
{
    if (reader->at == reader->len) {
        return '\0';
    }
    return reader->data[reader->at];
}

static void skip_space(struct reels__json_reader *reader)
{
    while (reader->at < reader->len) {
        char character = reader->data[reader->at];
        if (character != ' ' && character != '\n' && character != '\t' && character != '\r') {
            break;
        }
        reader->at++;
    }
}

static int in_object(const struct reels__json_reader *reader)
{
    uint32_t top = reader->depth - 1;
    return reader->depth > 0 && (reader->is_object[top / 64] >> (top % 64) & 1) != 0;
}

static int hex4(const char *text, uint32_t *out)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char digit = text[i];
        uint32_t part = digit >= '0' && digit <= '9'   ? (uint32_t)(digit - '0')
                        : digit >= 'a' && digit <= 'f' ? (uint32_t)(digit - 'a' + 10)
                        : digit >= 'A' && digit <= 'F' ? (uint32_t)(digit - 'A' + 10)
                                                       : 16;
        if (part == 16) {
            return 0;
        }
        value = value * 16 + part;
    }
    *out = value;
    return 1;
}

/* Reads \uXXXX, or two of them that make a surrogate pair: the length in the text, or 0. */
static size_t escape_unicode(const char *text, size_t len, uint32_t *out)
{
    uint32_t first = 0;
    uint32_t second = 0;
    if (len < 6 || !hex4(text + 2, &first)) {
        return 0;
    }
    if (first < 0xD800 || first > 0xDFFF) {
        *out = first;
        return 6;
    }
    if (first > 0xDBFF || len < 12 || text[6] != '\\' || text[7] != 'u' ||
        !hex4(text + 8, &second) || second < 0xDC00 || second > 0xDFFF) {
        return 0;
    }
    *out = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    return 12;
}

/* Reads one escape at text[0] == '\\': the length in the text, or 0 when there is no such escape.
 */
static size_t escape_read(const char *text, size_t len, uint32_t *out)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    if (len < 2) {
        return 0;
    }
    if (text[1] == 'u') {
        return escape_unicode(text, len, out);
    }
    const char *found = text[1] != '\0' ? strchr(names, text[1]) : NULL;
    if (found == NULL) {
        return 0;
    }
    *out = (uint32_t)(unsigned char)values[found - names];
    return 2;
}

/* Length of the plain or escaped character at the place of reading inside a string, or 0. */
static size_t string_step(const char *text, size_t len, int *has_escapes)
{
    uint32_t ignored = 0;
    if (text[0] == '\\') {
        *has_escapes = 1;
        return escape_read(text, len, &ignored);
    }
    if ((unsigned char)text[0] < 0x20) {
        return 0;
    }
    return reels__utf8_char_len((const uint8_t *)text, len);
}

static reels_status
string_read(struct reels__json_reader *reader, struct reels__json_token *out, reels_error *err)
{
    reader->at++;
    out->text = reader->data + reader->at;
    size_t start = reader->at;
    while (reader->at < reader->len && reader->data[reader->at] != '"') {
        size_t step =
            string_step(reader->data + reader->at, reader->len - reader->at, &out->has_escapes);
        if (step == 0) {
            return fail_at(reader, "a character or escape that a string cannot hold", err);
        }
        reader->at += step;
    }
    if (reader->at == reader->len) {
        return fail_at(reader, "a string without its end", err);
    }
    out->len = reader->at - start;
    reader->at++;
    return REELS_OK;
}

static reels_status
key_read(struct reels__json_reader *reader, struct reels__json_token *out, reels_error *err)
{
    if (peek(reader) != '"') {
        return fail_at(reader, "a key was expected", err);
    }
    out->kind = REELS__JSON_KEY;
    REELS_TRY(string_read(reader, out, err));
    skip_space(reader);
    if (peek(reader) != ':') {
        return fail_at(reader, "a colon was expected", err);
    }
    reader->at++;
    reader->state = STATE_VALUE;
    return REELS_OK;
}

static reels_status
number_read(struct reels__json_reader *reader, struct reels__json_token *out, reels_error *err)
{
    out->kind = REELS__JSON_NUMBER;
    out->text = reader->data + reader->at;
    out->len = reels__number_scan(out->text, reader->len - reader->at, &out->is_integer);
    if (out->len == 0) {
        return fail_at(reader, "a value was expected", err);
    }
    reader->at += out->len;
    reader->state = STATE_AFTER_VALUE;
    return REELS_OK;
}

static reels_status container_open(struct reels__json_reader *reader,
                                   int is_object,
                                   struct reels__json_token *out,
                                   reels_error *err)
{
    if (reader->depth == REELS__JSON_DEPTH_MAX) {
        reader->state = STATE_TOO_DEEP;
        return fail_deep(err);
    }
    uint64_t bit = UINT64_C(1) << (reader->depth % 64);
    uint64_t *word = &reader->is_object[reader->depth / 64];
    *word = is_object ? *word | bit : *word & ~bit;
    out->kind = is_object ? REELS__JSON_OBJECT_BEGIN : REELS__JSON_ARRAY_BEGIN;
    reader->depth++;
    reader->at++;
    reader->state = is_object ? STATE_KEY_OR_END : STATE_VALUE_OR_END;
    return REELS_OK;
}

static reels_status container_close(struct reels__json_reader *reader,
                                    struct reels__json_token *out)
{
    out->kind = in_object(reader) ? REELS__JSON_OBJECT_END : REELS__JSON_ARRAY_END;
    reader->depth--;
    out->depth = reader->depth;
    reader->at++;
    reader->state = STATE_AFTER_VALUE;
    return REELS_OK;
}

static reels_status literal_read(struct reels__json_reader *reader,
                                 const char *literal,
                                 int kind,
                                 struct reels__json_token *out,
                                 reels_error *err)
{
    size_t len = strlen(literal);
    if (reader->len - reader->at < len || memcmp(reader->data + reader->at, literal, len) != 0) {
        return fail_at(reader, "a value was expected", err);
    }
    out->kind = kind;
    reader->at += len;
    reader->state = STATE_AFTER_VALUE;
    return REELS_OK;
}

static reels_status
value_read(struct reels__json_reader *reader, struct reels__json_token *out, reels_error *err)
{
    switch (peek(reader)) {
    case '{':
        return container_open(reader, 1, out, err);
    case '[':
        return container_open(reader, 0, out, err);
    case '"':
        out->kind = REELS__JSON_STRING;
        REELS_TRY(string_read(reader, out, err));
        reader->state = STATE_AFTER_VALUE;
        return REELS_OK;
    case 't':
        return literal_read(reader, "true", REELS__JSON_TRUE, out, err);
    case 'f':
        return literal_read(reader, "false", REELS__JSON_FALSE, out, err);
    case 'n':
        return literal_read(reader, "null", REELS__JSON_NULL, out, err);
    default:
        return number_read(reader, out, err);
    }
}

/* After a value: the end of the document, of the container, or a comma and what follows it. */
static reels_status
after_value(struct reels__json_reader *reader, struct reels__json_token *out, reels_error *err)
{
    if (reader->depth == 0) {
        return reader->at == reader->len ? REELS_END
                                         : fail_at(reader, "something after the document", err);
    }
    int is_object = in_object(reader);
    if (peek(reader) == (is_object ? '}' : ']')) {
        return container_close(reader, out);
    }
    if (peek(reader) != ',') {
        return fail_at(reader, "a comma or the end of a container was expected", err);
    }
    reader->at++;
    skip_space(reader);
    return is_object ? key_read(reader, out, err) : value_read(reader, out, err);
}

reels_status
reels__json_next(struct reels__json_reader *reader, struct reels__json_token *out, reels_error *err)
{
    memset(out, 0, sizeof *out);
    out->depth = reader->depth;
    skip_space(reader);
    switch (reader->state) {
    case STATE_VALUE:
        return value_read(reader, out, err);
    case STATE_VALUE_OR_END:
        return peek(reader) == ']' ? container_close(reader, out) : value_read(reader, out, err);
    case STATE_KEY:
        return key_read(reader, out, err);
    case STATE_KEY_OR_END:
        return peek(reader) == '}' ? container_close(reader, out) : key_read(reader, out, err);
    case STATE_AFTER_VALUE:
        return after_value(reader, out, err);
    case STATE_TOO_DEEP:
        return fail_deep(err);
    default:
        return fail_at(reader, "malformed text", err);
    }
}

reels_status reels__json_expect(struct reels__json_reader *reader,
                                int kind,
                                struct reels__json_token *out,
                                reels_error *err)
{
    REELS_TRY(reels__json_next(reader, out, err));
    return out->kind == kind ? REELS_OK
                             : fail_at(reader, "another kind of value was expected", err);
}

reels_status reels__json_skip(struct reels__json_reader *reader,
                              const struct reels__json_token *token,
                              reels_error *err)
{
    struct reels__json_token next = *token;
    if (next.kind == REELS__JSON_KEY) {
        REELS_TRY(reels__json_next(reader, &next, err));
    }
    if (next.kind != REELS__JSON_ARRAY_BEGIN && next.kind != REELS__JSON_OBJECT_BEGIN) {
        return REELS_OK;
    }
    uint32_t depth = next.depth;
    while (reader->depth > depth) {
        REELS_TRY(reels__json_next(reader, &next, err));
    }
    return REELS_OK;
}

reels_status reels__json_validate(const char *data, size_t len, reels_error *err)
{
    struct reels__json_reader reader;
    struct reels__json_token token;
    reels__json_reader_init(&reader, data, len);
    reels_status status = REELS_OK;
    while (status == REELS_OK) {
        status = reels__json_next(&reader, &token, err);
    }
    return status == REELS_END ? REELS_OK : status;
}

/* Takes the next character of a checked string: its bytes in out, and how many. */
static size_t text_next(const struct reels__json_token *token, size_t *at, uint8_t out[4])
{
    const char *text = token->text + *at;
    if (text[0] == '\\') {
        uint32_t code_point = 0;
        *at += escape_read(text, token->len - *at, &code_point);
        return reels__utf8_encode(code_point, out);
    }
    out[0] = (uint8_t)text[0];
    (*at)++;
    return 1;
}

int reels__json_text_is(const struct reels__json_token *token, const char *text)
{
    size_t len = strlen(text);
    if (!token->has_escapes) {
        return token->len == len && memcmp(token->text, text, len) == 0;
    }
    size_t matched = 0;
    size_t at = 0;
    while (at < token->len) {
        uint8_t bytes[4];
        size_t n = text_next(token, &at, bytes);
        if (n > len - matched || memcmp(bytes, text + matched, n) != 0) {
            return 0;
        }
        matched += n;
    }
    return matched == len;
}

static reels_status require_text(const struct reels__json_token *token, reels_error *err)
{
    if (token->kind != REELS__JSON_STRING && token->kind != REELS__JSON_KEY) {
        return reels__fail(err, REELS_ERR_CORRUPT, "JSON: a string was expected");
    }
    return REELS_OK;
}

reels_status reels__json_text_copy(const struct reels__json_token *token,
                                   char *out,
                                   size_t capacity,
                                   size_t *out_len,
                                   reels_error *err)
{
    REELS_TRY(require_text(token, err));
    size_t len = 0;
    size_t at = 0;
    while (at < token->len) {
        uint8_t bytes[4];
        size_t n = text_next(token, &at, bytes);
        if (len + n < capacity) {
            memcpy(out + len, bytes, n);
        }
        len += n;
    }
    *out_len = len;
    if (len >= capacity) {
        return reels__fail(err,
                           REELS_ERR_BUFFER_TOO_SMALL,
                           "JSON: a string of %zu bytes, and there is room for %zu",
                           len,
                           capacity > 0 ? capacity - 1 : 0);
    }
    out[len] = '\0';
    return REELS_OK;
}

reels_status
reels__json_text_append(const struct reels__json_token *token, reels_buf *buf, reels_error *err)
{
    REELS_TRY(require_text(token, err));
    if (!token->has_escapes) {
        return reels_buf_append(buf, (const uint8_t *)token->text, token->len, err);
    }
    size_t at = 0;
    while (at < token->len) {
        uint8_t bytes[4];
        size_t n = text_next(token, &at, bytes);
        REELS_TRY(reels_buf_append(buf, bytes, n, err));
    }
    return REELS_OK;
}

static reels_status number_status(reels_status status, reels_error *err)
{
    if (status == REELS_ERR_LIMIT) {
        return reels__fail(err, status, "JSON: a number is out of range");
    }
    return status == REELS_OK ? REELS_OK : reels__fail(err, status, "JSON: not such a number");
}

reels_status reels__json_i64(const struct reels__json_token *token, int64_t *out, reels_error *err)
{
    reels_status status = token->kind == REELS__JSON_NUMBER
                              ? reels__i64_from_text(token->text, token->len, out)
                              : REELS_ERR_CORRUPT;
    return number_status(status, err);
}

reels_status reels__json_u64(const struct reels__json_token *token, uint64_t *out, reels_error *err)
{
    reels_status status = token->kind == REELS__JSON_NUMBER
                              ? reels__u64_from_text(token->text, token->len, out)
                              : REELS_ERR_CORRUPT;
    return number_status(status, err);
}

reels_status
reels__json_double(const struct reels__json_token *token, double *out, reels_error *err)
{
    reels_status status = token->kind == REELS__JSON_NUMBER
                              ? reels__double_from_text(token->text, token->len, out)
                              : REELS_ERR_CORRUPT;
    return number_status(status, err);
}

reels_status
reels__json_u64_text(const struct reels__json_token *token, uint64_t *out, reels_error *err)
{
    reels_status status = token->kind == REELS__JSON_STRING && !token->has_escapes
                              ? reels__u64_from_text(token->text, token->len, out)
                              : REELS_ERR_CORRUPT;
    return number_status(status, err);
}

reels_status reels__json_bool(const struct reels__json_token *token, int *out, reels_error *err)
{
    if (token->kind != REELS__JSON_TRUE && token->kind != REELS__JSON_FALSE) {
        return reels__fail(err, REELS_ERR_CORRUPT, "JSON: true or false was expected");
    }
    *out = token->kind == REELS__JSON_TRUE;
    return REELS_OK;
}
