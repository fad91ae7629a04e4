/* Owns JSON (RFC 8259): a reader that gives one token at a time, without recursion, memory or
 * tolerance, and a writer into a buffer. Text is UTF-8 without a byte order mark; a lone surrogate
 * escape is refused, since UTF-8 cannot hold it. The same key twice is the caller's business. */
#ifndef REELS_SRC_BASE_JSON_H
#define REELS_SRC_BASE_JSON_H

#include <reels/base.h>

#include "limits.h"

enum {
    REELS__JSON_NULL = 1,
    REELS__JSON_FALSE,
    REELS__JSON_TRUE,
    REELS__JSON_NUMBER,
    REELS__JSON_STRING,
    REELS__JSON_KEY, /* its value comes next */
    REELS__JSON_ARRAY_BEGIN,
    REELS__JSON_ARRAY_END,
    REELS__JSON_OBJECT_BEGIN,
    REELS__JSON_OBJECT_END
};

/* Points into the document, so it lives as long. */
struct reels__json_token {
    int kind;
    int has_escapes;  /* STRING, KEY: text is not what it means yet */
    int is_integer;   /* NUMBER: neither fraction nor exponent */
    uint32_t depth;   /* containers open around it; of a BEGIN or END, without its own */
    const char *text; /* STRING, KEY: between the quotes; NUMBER: as written */
    size_t len;
};

struct reels__json_reader {
    const char *data;
    size_t len;
    size_t at;
    uint32_t depth;
    int state;
    uint64_t is_object[REELS__JSON_DEPTH_MAX / 64]; /* one bit per open container */
};

/* Borrows data for the life of the reader. */
void reels__json_reader_init(struct reels__json_reader *reader, const char *data, size_t len);

/* The next token; REELS_END when the document is complete; CORRUPT; LIMIT when it is too deep.
 * After a failure the reader gives the same failure again. */
reels_status reels__json_next(struct reels__json_reader *reader,
                              struct reels__json_token *out,
                              reels_error *err);

/* The next token, which must be of this kind, else CORRUPT. */
reels_status reels__json_expect(struct reels__json_reader *reader,
                                int kind,
                                struct reels__json_token *out,
                                reels_error *err);

/* Passes over the value that begins with `token`, the last one read; for a KEY, over its value. */
reels_status reels__json_skip(struct reels__json_reader *reader,
                              const struct reels__json_token *token,
                              reels_error *err);

/* Reads the whole document and forgets it: OK when it is JSON. */
reels_status reels__json_validate(const char *data, size_t len, reels_error *err);

/* What STRING and KEY tokens mean. */
int reels__json_text_is(const struct reels__json_token *token, const char *text);
/* Writes a NUL after it; BUFFER_TOO_SMALL with the needed *out_len (without NUL) beyond capacity.
 */
reels_status reels__json_text_copy(const struct reels__json_token *token,
                                   char *out,
                                   size_t capacity,
                                   size_t *out_len,
                                   reels_error *err);
reels_status
reels__json_text_append(const struct reels__json_token *token, reels_buf *buf, reels_error *err);

/* What NUMBER tokens mean: CORRUPT for another kind or a fraction, LIMIT out of range. */
reels_status reels__json_i64(const struct reels__json_token *token, int64_t *out, reels_error *err);
reels_status
reels__json_u64(const struct reels__json_token *token, uint64_t *out, reels_error *err);
reels_status
reels__json_double(const struct reels__json_token *token, double *out, reels_error *err);
/* An ID: a STRING of decimal digits, since many readers lose numbers above 2^53. */
reels_status
reels__json_u64_text(const struct reels__json_token *token, uint64_t *out, reels_error *err);
reels_status reels__json_bool(const struct reels__json_token *token, int *out, reels_error *err);

/* Writes commas and escapes by itself. The first failure is kept and what follows does nothing, so
 * that only reels__json_writer_finish() needs to be asked. */
struct reels__json_writer {
    reels_buf *buf;
    reels_error *err;
    reels_status status;
    uint32_t depth;
    int after_key;
    uint64_t has_items[REELS__JSON_DEPTH_MAX / 64 + 1]; /* bit d: depth d has an item already */
    uint64_t is_object[REELS__JSON_DEPTH_MAX / 64 + 1];
};

/* err (may be NULL) gets the detail of the first failure. */
void reels__json_writer_init(struct reels__json_writer *writer, reels_buf *buf, reels_error *err);
void reels__json_write_object_begin(struct reels__json_writer *writer);
void reels__json_write_object_end(struct reels__json_writer *writer);
void reels__json_write_array_begin(struct reels__json_writer *writer);
void reels__json_write_array_end(struct reels__json_writer *writer);
void reels__json_write_key(struct reels__json_writer *writer, const char *key);
/* Text must be UTF-8, else INVALID_ARG. */
void reels__json_write_text(struct reels__json_writer *writer, const char *text);
void reels__json_write_text_len(struct reels__json_writer *writer, const char *text, size_t len);
void reels__json_write_i64(struct reels__json_writer *writer, int64_t value);
void reels__json_write_u64(struct reels__json_writer *writer, uint64_t value);
/* A number between quotes: IDs. */
void reels__json_write_u64_text(struct reels__json_writer *writer, uint64_t value);
/* Infinities and NaN are INVALID_ARG. */
void reels__json_write_double(struct reels__json_writer *writer, double value);
void reels__json_write_bool(struct reels__json_writer *writer, int value);
void reels__json_write_null(struct reels__json_writer *writer);
/* The first failure, or STATE when a container is still open. */
reels_status reels__json_writer_finish(struct reels__json_writer *writer);

#endif
