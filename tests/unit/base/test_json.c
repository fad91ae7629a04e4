/* The JSON reader against the public parsing suite and cases of our own; the writer against the
 * reader. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "test_check.h"

static struct test_env env;

static void setup(void)
{
    test_env_init(&env, 0);
}

static void teardown(void)
{
    test_env_dispose(&env);
}

static reels_status validate(const char *text)
{
    return reels__json_validate(text, strlen(text), &env.err);
}

struct suite_counts {
    int accepted;
    int refused;
    int free;
};

static void suite_file(void *user, const char *path, const char *name)
{
    struct suite_counts *counts = user;
    size_t len = 0;
    if (strstr(name, ".json") == NULL) {
        return;
    }
    uint8_t *data = test_file_read(path, &len);
    ck_assert_ptr_nonnull(data);
    /* Exactly as long as the file, so that a read past the end is seen by the sanitizers. */
    char *exact = malloc(len > 0 ? len : 1);
    ck_assert_ptr_nonnull(exact);
    if (len > 0) {
        memcpy(exact, data, len);
    }
    reels_status status = reels__json_validate(exact, len, &env.err);
    if (name[0] == 'y') {
        ck_assert_msg(status == REELS_OK, "%s was refused: %s", name, env.err.message);
        counts->accepted++;
    } else if (name[0] == 'n') {
        ck_assert_msg(status < 0, "%s was accepted", name);
        counts->refused++;
    } else {
        counts->free++;
    }
    free(exact);
    free(data);
}

START_TEST(test_json_accepts_every_y_and_refuses_every_n)
{
    char path[TEST_PATH_BYTES];
    struct suite_counts counts = {0};
    if (!test_shared_path("vectors/json", path)) {
        test_skip("JSON parsing suite: ../shared is absent");
        return;
    }
    ck_assert_int_gt(test_dir_walk(path, suite_file, &counts), 0);
    ck_assert_int_ge(counts.accepted, 47);
    ck_assert_int_ge(counts.refused, 92);
}
END_TEST

static const char *const good[] = {
    "0",
    " [ ] ",
    "{}",
    "\"\\u0000\"",
    "\"\\uD83C\\uDFAC\"",
    "{\"a\":{\"b\":[1,2,{\"c\":null}]}}",
    "-0.0e-0",
    "\t\r\n true \n",
    "[[],[],{},\"\"]",
    "{\"\":0,\"\":1}",
    "1e400",
};

static const char *const bad[] = {
    "",
    " ",
    "tru",
    "truex",
    "nul",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{1:1}",
    "{\"a\":1 \"b\":2}",
    "[}",
    "{]",
    "[",
    "]",
    "\"",
    "\"\\",
    "\"\\u12\"",
    "\"\\x41\"",
    "\"\\u\"",
    "\"\\uD800\"",
    "\"\\uDC00\\uD800\"",
    "\"\\uD800\\u0041\"",
    "\"\\uD800x\"",
    "\"\n\"",
    "\"\xFF\"",
    "\"\xC0\x80\"",
    "\"\xED\xA0\x80\"",
    "\xEF\xBB\xBF[]",
    "1 2",
    "[] []",
    "01",
    "1.",
    ".1",
    "+1",
    "-",
    "NaN",
    "Infinity",
    "0x10",
    "'a'",
    "[1]//",
    "/**/[]",
    "\v1",
};

#define CASES(array) (int)(sizeof(array) / sizeof((array)[0]))

START_TEST(test_json_accepts_what_the_rfc_does)
{
    ck_assert_msg(validate(good[_i]) == REELS_OK, "%s: %s", good[_i], env.err.message);
}
END_TEST

START_TEST(test_json_refuses_what_the_rfc_does)
{
    ck_assert_msg(validate(bad[_i]) == REELS_ERR_CORRUPT, "%s", bad[_i]);
    ck_assert_ptr_nonnull(strstr(env.err.message, "at byte"));
}
END_TEST

START_TEST(test_json_refuses_a_nul_outside_strings)
{
    ck_assert_int_eq(reels__json_validate("1\0", 2, &env.err), REELS_ERR_CORRUPT);
    ck_assert_int_eq(reels__json_validate("[\0]", 3, &env.err), REELS_ERR_CORRUPT);
    ck_assert_int_eq(reels__json_validate("\"\\\0\"", 4, &env.err), REELS_ERR_CORRUPT);
}
END_TEST

START_TEST(test_json_every_prefix_of_a_document_is_refused)
{
    static const char text[] =
        "{\"a\":[true,false,null,-1.5e+3,\"\\u00e9\\uD83C\\uDFAC\\n\"],\"b\":{}}";
    size_t len = sizeof text - 1;
    for (size_t cut = 0; cut < len; cut++) {
        char *exact = malloc(cut > 0 ? cut : 1);
        ck_assert_ptr_nonnull(exact);
        if (cut > 0) {
            memcpy(exact, text, cut);
        }
        ck_assert_int_eq(reels__json_validate(exact, cut, &env.err), REELS_ERR_CORRUPT);
        free(exact);
    }
    ck_assert_int_eq(reels__json_validate(text, len, &env.err), REELS_OK);
}
END_TEST

START_TEST(test_json_depth_is_limited_and_a_megabyte_of_it_costs_nothing)
{
    static char deep[1 << 20];
    memset(deep, '[', sizeof deep);
    ck_assert_int_eq(reels__json_validate(deep, sizeof deep, &env.err), REELS_ERR_LIMIT);
    memset(deep + REELS__JSON_DEPTH_MAX, ']', REELS__JSON_DEPTH_MAX);
    ck_assert_int_eq(reels__json_validate(deep, 2 * REELS__JSON_DEPTH_MAX, &env.err), REELS_OK);
    memset(deep, '[', REELS__JSON_DEPTH_MAX + 1);
    memset(deep + REELS__JSON_DEPTH_MAX + 1, ']', REELS__JSON_DEPTH_MAX + 1);
    ck_assert_int_eq(reels__json_validate(deep, 2 * REELS__JSON_DEPTH_MAX + 2, &env.err),
                     REELS_ERR_LIMIT);
}
END_TEST

START_TEST(test_json_failure_stays)
{
    struct reels__json_reader reader;
    struct reels__json_token token;
    reels__json_reader_init(&reader, "[1,]", 4);
    test_ok(&env, reels__json_next(&reader, &token, &env.err));
    test_ok(&env, reels__json_next(&reader, &token, &env.err));
    test_status(REELS_ERR_CORRUPT, reels__json_next(&reader, &token, &env.err));
    test_status(REELS_ERR_CORRUPT, reels__json_next(&reader, &token, &env.err));
    reels__json_reader_init(&reader, "1", 1);
    test_ok(&env, reels__json_next(&reader, &token, &env.err));
    test_status(REELS_END, reels__json_next(&reader, &token, &env.err));
    test_status(REELS_END, reels__json_next(&reader, &token, &env.err));
}
END_TEST

START_TEST(test_json_tokens_come_in_order)
{
    static const int kinds[] = {REELS__JSON_OBJECT_BEGIN,
                                REELS__JSON_KEY,
                                REELS__JSON_ARRAY_BEGIN,
                                REELS__JSON_NUMBER,
                                REELS__JSON_STRING,
                                REELS__JSON_ARRAY_END,
                                REELS__JSON_KEY,
                                REELS__JSON_OBJECT_BEGIN,
                                REELS__JSON_OBJECT_END,
                                REELS__JSON_KEY,
                                REELS__JSON_TRUE,
                                REELS__JSON_KEY,
                                REELS__JSON_FALSE,
                                REELS__JSON_KEY,
                                REELS__JSON_NULL,
                                REELS__JSON_OBJECT_END};
    static const uint32_t depths[] = {0, 1, 1, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0};
    static const char text[] = "{\"a\":[1.5,\"x\"],\"b\":{},\"c\":true,\"d\":false,\"e\":null}";
    struct reels__json_reader reader;
    struct reels__json_token token;
    reels__json_reader_init(&reader, text, sizeof text - 1);
    for (int i = 0; i < CASES(kinds); i++) {
        test_ok(&env, reels__json_next(&reader, &token, &env.err));
        ck_assert_int_eq(token.kind, kinds[i]);
        ck_assert_uint_eq(token.depth, depths[i]);
    }
    test_status(REELS_END, reels__json_next(&reader, &token, &env.err));
}
END_TEST

START_TEST(test_json_skip_passes_over_whole_values)
{
    static const char text[] = "{\"skip\":[[1,{\"x\":[]}],2],\"also\":1,\"want\":7}";
    struct reels__json_reader reader;
    struct reels__json_token token;
    int64_t value = 0;
    reels__json_reader_init(&reader, text, sizeof text - 1);
    test_ok(&env, reels__json_expect(&reader, REELS__JSON_OBJECT_BEGIN, &token, &env.err));
    for (int i = 0; i < 2; i++) {
        test_ok(&env, reels__json_expect(&reader, REELS__JSON_KEY, &token, &env.err));
        test_ok(&env, reels__json_skip(&reader, &token, &env.err));
    }
    test_ok(&env, reels__json_expect(&reader, REELS__JSON_KEY, &token, &env.err));
    ck_assert(reels__json_text_is(&token, "want"));
    test_ok(&env, reels__json_next(&reader, &token, &env.err));
    test_ok(&env, reels__json_i64(&token, &value, &env.err));
    ck_assert_int_eq(value, 7);
    test_ok(&env, reels__json_expect(&reader, REELS__JSON_OBJECT_END, &token, &env.err));
    reels__json_reader_init(&reader, text, sizeof text - 1);
    test_ok(&env, reels__json_next(&reader, &token, &env.err));
    test_ok(&env, reels__json_skip(&reader, &token, &env.err));
    test_status(REELS_END, reels__json_next(&reader, &token, &env.err));
    test_status(REELS_ERR_CORRUPT, reels__json_expect(&reader, REELS__JSON_NULL, &token, &env.err));
}
END_TEST

static struct reels__json_token token_of(const char *text)
{
    struct reels__json_reader reader;
    struct reels__json_token token;
    reels__json_reader_init(&reader, text, strlen(text));
    test_ok(&env, reels__json_next(&reader, &token, &env.err));
    return token;
}

START_TEST(test_json_strings_are_decoded)
{
    struct reels__json_token token =
        token_of("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\uD83C\\uDFAC\"");
    static const char meaning[] = "a\"\\/\b\f\n\r\t\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8E\xAC";
    char out[64];
    size_t len = 0;
    ck_assert_int_eq(token.has_escapes, 1);
    ck_assert(reels__json_text_is(&token, meaning));
    ck_assert(!reels__json_text_is(&token, "a"));
    ck_assert(!reels__json_text_is(&token, ""));
    test_ok(&env, reels__json_text_copy(&token, out, sizeof out, &len, &env.err));
    ck_assert_str_eq(out, meaning);
    ck_assert_uint_eq(len, sizeof meaning - 1);
    test_ok(&env, reels__json_text_copy(&token, out, len + 1, &len, &env.err));
    test_status(REELS_ERR_BUFFER_TOO_SMALL,
                reels__json_text_copy(&token, out, len, &len, &env.err));
    ck_assert_uint_eq(len, sizeof meaning - 1);
    test_status(REELS_ERR_BUFFER_TOO_SMALL, reels__json_text_copy(&token, NULL, 0, &len, &env.err));
    reels_buf *buf = NULL;
    test_ok(&env, reels_buf_new(env.ctx, 0, &buf, &env.err));
    test_ok(&env, reels__json_text_append(&token, buf, &env.err));
    ck_assert_str_eq((const char *)reels_buf_data(buf), meaning);
    reels_buf_free(buf);
    token = token_of("\"a\\u0000b\"");
    test_ok(&env, reels__json_text_copy(&token, out, sizeof out, &len, &env.err));
    ck_assert_uint_eq(len, 3);
    ck_assert_mem_eq(out, "a\0b", 4);
}
END_TEST

START_TEST(test_json_numbers_and_ids)
{
    struct reels__json_token token = token_of("9223372036854775807");
    int64_t i64 = 0;
    uint64_t u64 = 0;
    double real = 0;
    int flag = 0;
    ck_assert_int_eq(token.is_integer, 1);
    test_ok(&env, reels__json_i64(&token, &i64, &env.err));
    ck_assert(i64 == INT64_MAX);
    token = token_of("18446744073709551615");
    test_status(REELS_ERR_LIMIT, reels__json_i64(&token, &i64, &env.err));
    test_ok(&env, reels__json_u64(&token, &u64, &env.err));
    ck_assert(u64 == UINT64_MAX);
    token = token_of("1.5");
    ck_assert_int_eq(token.is_integer, 0);
    test_status(REELS_ERR_CORRUPT, reels__json_i64(&token, &i64, &env.err));
    test_ok(&env, reels__json_double(&token, &real, &env.err));
    ck_assert(real == 1.5);
    token = token_of("1e400");
    test_status(REELS_ERR_LIMIT, reels__json_double(&token, &real, &env.err));
    token = token_of("\"18446744073709551615\"");
    test_ok(&env, reels__json_u64_text(&token, &u64, &env.err));
    test_status(REELS_ERR_CORRUPT, reels__json_u64(&token, &u64, &env.err));
    token = token_of("\"\\u0031\"");
    test_status(REELS_ERR_CORRUPT, reels__json_u64_text(&token, &u64, &env.err));
    token = token_of("true");
    test_ok(&env, reels__json_bool(&token, &flag, &env.err));
    ck_assert_int_eq(flag, 1);
    test_status(REELS_ERR_CORRUPT, reels__json_double(&token, &real, &env.err));
    token = token_of("1");
    test_status(REELS_ERR_CORRUPT, reels__json_bool(&token, &flag, &env.err));
    size_t len = 0;
    test_status(REELS_ERR_CORRUPT, reels__json_text_copy(&token, NULL, 0, &len, &env.err));
}
END_TEST

static void write_sample(struct reels__json_writer *writer)
{
    reels__json_write_object_begin(writer);
    reels__json_write_key(writer, "id");
    reels__json_write_u64_text(writer, UINT64_MAX);
    reels__json_write_key(writer, "te\"xt");
    reels__json_write_text(writer, "a\"\\\b\f\n\r\t\x01\x7F\xC3\xA9</script>");
    reels__json_write_key(writer, "list");
    reels__json_write_array_begin(writer);
    reels__json_write_i64(writer, INT64_MIN);
    reels__json_write_u64(writer, UINT64_MAX);
    reels__json_write_double(writer, 0.1);
    reels__json_write_bool(writer, 1);
    reels__json_write_bool(writer, 0);
    reels__json_write_null(writer);
    reels__json_write_array_begin(writer);
    reels__json_write_array_end(writer);
    reels__json_write_object_begin(writer);
    reels__json_write_object_end(writer);
    reels__json_write_text_len(writer, "a\0b", 3);
    reels__json_write_array_end(writer);
    reels__json_write_object_end(writer);
}

START_TEST(test_json_writer_writes_what_the_reader_reads)
{
    reels_buf *buf = NULL;
    struct reels__json_writer writer;
    test_ok(&env, reels_buf_new(env.ctx, 0, &buf, &env.err));
    reels__json_writer_init(&writer, buf, &env.err);
    write_sample(&writer);
    test_ok(&env, reels__json_writer_finish(&writer));
    ck_assert_str_eq((const char *)reels_buf_data(buf),
                     "{\"id\":\"18446744073709551615\","
                     "\"te\\\"xt\":\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7F\xC3\xA9</script>\","
                     "\"list\":[-9223372036854775808,18446744073709551615,0.1,true,false,null,"
                     "[],{},\"a\\u0000b\"]}");
    ck_assert_int_eq(
        reels__json_validate((const char *)reels_buf_data(buf), reels_buf_len(buf), &env.err),
        REELS_OK);
    reels_buf_free(buf);
}
END_TEST

START_TEST(test_json_writer_refuses_what_is_not_json)
{
    reels_buf *buf = NULL;
    struct reels__json_writer writer;
    reels_status expected = REELS_ERR_STATE;
    test_ok(&env, reels_buf_new(env.ctx, 0, &buf, &env.err));
    reels__json_writer_init(&writer, buf, &env.err);
    switch (_i) {
    case 0:
        break; /* nothing */
    case 1:
        reels__json_write_null(&writer);
        reels__json_write_null(&writer);
        break;
    case 2:
        reels__json_write_array_begin(&writer);
        break;
    case 3:
        reels__json_write_object_begin(&writer);
        reels__json_write_null(&writer);
        break;
    case 4:
        reels__json_write_array_begin(&writer);
        reels__json_write_key(&writer, "x");
        break;
    case 5:
        reels__json_write_array_begin(&writer);
        reels__json_write_object_end(&writer);
        break;
    case 6:
        reels__json_write_object_begin(&writer);
        reels__json_write_key(&writer, "x");
        reels__json_write_object_end(&writer);
        break;
    case 7:
        reels__json_write_text(&writer, "\xFF");
        expected = REELS_ERR_INVALID_ARG;
        break;
    case 8:
        reels__json_write_double(&writer, HUGE_VAL);
        expected = REELS_ERR_INVALID_ARG;
        break;
    default:
        for (int i = 0; i <= REELS__JSON_DEPTH_MAX; i++) {
            reels__json_write_array_begin(&writer);
        }
        expected = REELS_ERR_LIMIT;
        break;
    }
    test_status(expected, reels__json_writer_finish(&writer));
    reels_buf_free(buf);
}
END_TEST

static reels_status writer_run(reels_ctx *ctx, void *arg)
{
    (void)arg;
    reels_buf *buf = NULL;
    struct reels__json_writer writer;
    reels_status status = reels_buf_new(ctx, 0, &buf, NULL);
    if (status == REELS_OK) {
        reels__json_writer_init(&writer, buf, NULL);
        write_sample(&writer);
        status = reels__json_writer_finish(&writer);
    }
    reels_buf_free(buf);
    return status;
}

START_TEST(test_json_writer_survives_refused_memory)
{
    ck_assert_uint_ge(test_oom_run(0, writer_run, NULL), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tcase = tcase_create("json");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_json_accepts_every_y_and_refuses_every_n);
    tcase_add_loop_test(tcase, test_json_accepts_what_the_rfc_does, 0, CASES(good));
    tcase_add_loop_test(tcase, test_json_refuses_what_the_rfc_does, 0, CASES(bad));
    tcase_add_test(tcase, test_json_refuses_a_nul_outside_strings);
    tcase_add_test(tcase, test_json_every_prefix_of_a_document_is_refused);
    tcase_add_test(tcase, test_json_depth_is_limited_and_a_megabyte_of_it_costs_nothing);
    tcase_add_test(tcase, test_json_failure_stays);
    tcase_add_test(tcase, test_json_tokens_come_in_order);
    tcase_add_test(tcase, test_json_skip_passes_over_whole_values);
    tcase_add_test(tcase, test_json_strings_are_decoded);
    tcase_add_test(tcase, test_json_numbers_and_ids);
    tcase_add_test(tcase, test_json_writer_writes_what_the_reader_reads);
    tcase_add_loop_test(tcase, test_json_writer_refuses_what_is_not_json, 0, 10);
    tcase_add_test(tcase, test_json_writer_survives_refused_memory);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
