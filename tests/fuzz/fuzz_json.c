/* JSON: whatever the reader accepts, the writer writes again, and what it wrote reads as the same
 * tokens. */
#include <string.h>

#include "base/json.h"
#include "fuzz.h"

static void write_token(struct reels__json_writer *writer,
                        const struct reels__json_token *token,
                        reels_buf *text)
{
    int64_t integer = 0;
    double real = 0;
    reels_error err = {.struct_size = sizeof err};
    switch (token->kind) {
    case REELS__JSON_OBJECT_BEGIN:
        reels__json_write_object_begin(writer);
        break;
    case REELS__JSON_OBJECT_END:
        reels__json_write_object_end(writer);
        break;
    case REELS__JSON_ARRAY_BEGIN:
        reels__json_write_array_begin(writer);
        break;
    case REELS__JSON_ARRAY_END:
        reels__json_write_array_end(writer);
        break;
    case REELS__JSON_KEY:
    case REELS__JSON_STRING:
        reels_buf_clear(text);
        if (reels__json_text_append(token, text, &err) != REELS_OK) {
            writer->status = err.status;
        } else if (token->kind == REELS__JSON_STRING) {
            reels__json_write_text_len(
                writer, (const char *)reels_buf_data(text), reels_buf_len(text));
        } else {
            /* A key is NUL-terminated: one that holds a NUL comes back shorter. */
            reels__json_write_key(writer, (const char *)reels_buf_data(text));
        }
        break;
    case REELS__JSON_NUMBER:
        /* "-0" is the integer 0, but not the double. */
        if (reels__json_i64(token, &integer, NULL) == REELS_OK && integer != 0) {
            reels__json_write_i64(writer, integer);
        } else if (reels__json_double(token, &real, NULL) == REELS_OK) {
            reels__json_write_double(writer, real);
        } else {
            reels__json_write_null(writer);
        }
        break;
    case REELS__JSON_NULL:
        reels__json_write_null(writer);
        break;
    default:
        reels__json_write_bool(writer, token->kind == REELS__JSON_TRUE);
        break;
    }
}

static reels_status rewrite(const char *data, size_t size, reels_buf *out, reels_buf *text)
{
    struct reels__json_reader reader;
    struct reels__json_token token;
    struct reels__json_writer writer;
    reels_error err = {.struct_size = sizeof err};
    reels__json_reader_init(&reader, data, size);
    reels__json_writer_init(&writer, out, &err);
    reels_status status = reels__json_next(&reader, &token, &err);
    while (status == REELS_OK) {
        fuzz_assert(token.kind != 0);
        write_token(&writer, &token, text);
        status = reels__json_next(&reader, &token, &err);
    }
    if (status < 0) {
        fuzz_assert(status == REELS_ERR_CORRUPT || status == REELS_ERR_LIMIT);
        fuzz_assert(reels__json_next(&reader, &token, &err) == status);
        return status;
    }
    return reels__json_writer_finish(&writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_env env;
    reels_buf *first = NULL;
    reels_buf *second = NULL;
    reels_buf *text = NULL;
    if (size == 0) {
        return 0;
    }
    fuzz_env_init(&env, data[0]);
    const char *json = (const char *)data + 1;
    if (reels_buf_new(env.ctx, 0, &first, &env.err) == REELS_OK &&
        reels_buf_new(env.ctx, 0, &second, &env.err) == REELS_OK &&
        reels_buf_new(env.ctx, 0, &text, &env.err) == REELS_OK) {
        reels_status status = rewrite(json, size - 1, first, text);
        if (status == REELS_OK) {
            fuzz_assert(reels__json_validate(json, size - 1, &env.err) == REELS_OK);
            const char *again = (const char *)reels_buf_data(first);
            status = rewrite(again, reels_buf_len(first), second, text);
            fuzz_assert(status == REELS_OK || env.alloc.refused_count > 0);
        }
        if (status == REELS_OK) {
            fuzz_assert(reels_buf_len(first) == reels_buf_len(second));
            fuzz_assert(
                memcmp(reels_buf_data(first), reels_buf_data(second), reels_buf_len(first)) == 0);
        }
    }
    reels_buf_free(text);
    reels_buf_free(second);
    reels_buf_free(first);
    fuzz_env_dispose(&env);
    return 0;
}
