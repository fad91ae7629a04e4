/* The protobuf reader and writer, against bytes written by hand and by protoc's documentation. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/proto.h"
#include "test_check.h"

static struct test_env env;
static reels_buf *buf;

static void setup(void)
{
    test_env_init(&env, TEST_ENV_SEED);
    test_ok(&env, reels_buf_new(env.ctx, 0, &buf, &env.err));
}

static void teardown(void)
{
    reels_buf_free(buf);
    test_env_dispose(&env);
}

static reels_status read_all(const void *data, size_t len)
{
    struct reels__proto_reader reader;
    struct reels__proto_field field;
    reels__proto_reader_init(&reader, data, len);
    reels_status status = REELS_OK;
    while (status == REELS_OK) {
        status = reels__proto_next(&reader, &field, &env.err);
    }
    return status;
}

static struct reels__proto_field first_field(void)
{
    struct reels__proto_reader reader;
    struct reels__proto_field field;
    reels__proto_reader_init(&reader, reels_buf_data(buf), reels_buf_len(buf));
    test_ok(&env, reels__proto_next(&reader, &field, &env.err));
    return field;
}

/* The three examples of "Encoding" in the documentation. */
START_TEST(test_proto_documented_examples)
{
    struct reels__proto_field field;
    struct reels__proto_reader reader;
    struct reels__proto_reader inner;
    uint64_t value = 0;
    const char *text = NULL;
    size_t len = 0;
    reels__proto_reader_init(&reader, (const uint8_t *)"\x08\x96\x01", 3);
    test_ok(&env, reels__proto_next(&reader, &field, &env.err));
    ck_assert_uint_eq(field.number, 1);
    test_ok(&env, reels__proto_u64(&field, &value, &env.err));
    ck_assert_uint_eq(value, 150);
    test_status(REELS_END, reels__proto_next(&reader, &field, &env.err));
    reels__proto_reader_init(&reader, (const uint8_t *)"\x12\x07testing", 9);
    test_ok(&env, reels__proto_next(&reader, &field, &env.err));
    test_ok(&env, reels__proto_text(&field, &text, &len, &env.err));
    ck_assert_uint_eq(len, 7);
    ck_assert_mem_eq(text, "testing", 7);
    reels__proto_reader_init(&reader, (const uint8_t *)"\x1a\x03\x08\x96\x01", 5);
    test_ok(&env, reels__proto_next(&reader, &field, &env.err));
    test_ok(&env, reels__proto_enter(&reader, &field, &inner, &env.err));
    test_ok(&env, reels__proto_next(&inner, &field, &env.err));
    ck_assert_uint_eq(field.value, 150);
}
END_TEST

START_TEST(test_proto_zigzag_of_the_documentation)
{
    static const int64_t values[] = {0, -1, 1, -2, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    static const uint64_t encoded[] = {
        0, 1, 2, 3, 4294967294, 4294967295, UINT64_MAX - 1, UINT64_MAX};
    ck_assert(reels__proto_zigzag(values[_i]) == encoded[_i]);
    ck_assert(reels__proto_unzigzag(encoded[_i]) == values[_i]);
    test_ok(&env, reels__proto_put_s64(buf, 3, values[_i], &env.err));
    if (values[_i] != 0) {
        struct reels__proto_field field = first_field();
        int64_t back = 0;
        test_ok(&env, reels__proto_s64(&field, &back, &env.err));
        ck_assert(back == values[_i]);
    }
}
END_TEST

START_TEST(test_proto_zero_and_empty_are_left_out)
{
    test_ok(&env, reels__proto_put_u64(buf, 1, 0, &env.err));
    test_ok(&env, reels__proto_put_i64(buf, 1, 0, &env.err));
    test_ok(&env, reels__proto_put_s64(buf, 1, 0, &env.err));
    test_ok(&env, reels__proto_put_bool(buf, 1, 0, &env.err));
    test_ok(&env, reels__proto_put_fixed64(buf, 1, 0, &env.err));
    test_ok(&env, reels__proto_put_fixed32(buf, 1, 0, &env.err));
    test_ok(&env, reels__proto_put_double(buf, 1, 0, &env.err));
    test_ok(&env, reels__proto_put_float(buf, 1, 0, &env.err));
    test_ok(&env, reels__proto_put_text(buf, 1, "", &env.err));
    test_ok(&env, reels__proto_put_bytes(buf, 1, NULL, 0, &env.err));
    ck_assert_uint_eq(reels_buf_len(buf), 0);
    test_ok(&env, reels__proto_add_u64(buf, 1, 0, &env.err));
    test_ok(&env, reels__proto_add_bytes(buf, 2, "", 0, &env.err));
    ck_assert_uint_eq(reels_buf_len(buf), 4);
    ck_assert_mem_eq(reels_buf_data(buf), "\x08\x00\x12\x00", 4);
}
END_TEST

START_TEST(test_proto_every_type_comes_back)
{
    test_ok(&env, reels__proto_put_i64(buf, 1, -5, &env.err));
    test_ok(&env, reels__proto_put_bool(buf, 2, 7, &env.err));
    test_ok(&env, reels__proto_put_fixed64(buf, 3, UINT64_MAX - 1, &env.err));
    test_ok(&env, reels__proto_put_fixed32(buf, 4, 0xDEADBEEF, &env.err));
    test_ok(&env, reels__proto_put_double(buf, 5, -0.1, &env.err));
    test_ok(&env, reels__proto_put_float(buf, 6, 1.5F, &env.err));
    test_ok(&env, reels__proto_put_bytes(buf, 536870911, "\0\1", 2, &env.err));
    struct reels__proto_reader reader;
    struct reels__proto_field field;
    reels__proto_reader_init(&reader, reels_buf_data(buf), reels_buf_len(buf));
    int64_t i64 = 0;
    int32_t i32 = 0;
    uint32_t u32 = 0;
    uint64_t u64 = 0;
    int flag = 0;
    double real = 0;
    float small = 0;
    const uint8_t *data = NULL;
    size_t len = 0;
    test_ok(&env, reels__proto_next(&reader, &field, &env.err));
    test_ok(&env, reels__proto_i64(&field, &i64, &env.err));
    test_ok(&env, reels__proto_i32(&field, &i32, &env.err));
    test_ok(&env, reels__proto_u32(&field, &u32, &env.err));
    ck_assert(i64 == -5 && i32 == -5 && u32 == UINT32_MAX - 4);
    test_status(REELS_ERR_CORRUPT, reels__proto_double(&field, &real, &env.err));
    test_status(REELS_ERR_CORRUPT, reels__proto_bytes(&field, &data, &len, &env.err));
    test_ok(&env, reels__proto_next(&reader, &field, &env.err));
    test_ok(&env, reels__proto_bool(&field, &flag, &env.err));
    ck_assert_int_eq(flag, 1);
    test_ok(&env, reels__proto_next(&reader, &field, &env.err));
    test_ok(&env, reels__proto_fixed64(&field, &u64, &env.err));
    ck_assert(u64 == UINT64_MAX - 1);
    test_status(REELS_ERR_CORRUPT, reels__proto_u64(&field, &u64, &env.err));
    test_ok(&env, reels__proto_next(&reader, &field, &env.err));
    test_ok(&env, reels__proto_fixed32(&field, &u32, &env.err));
    ck_assert_uint_eq(u32, 0xDEADBEEF);
    test_ok(&env, reels__proto_next(&reader, &field, &env.err));
    test_ok(&env, reels__proto_double(&field, &real, &env.err));
    ck_assert(real == -0.1);
    test_ok(&env, reels__proto_next(&reader, &field, &env.err));
    test_ok(&env, reels__proto_float(&field, &small, &env.err));
    ck_assert(small == 1.5F);
    test_ok(&env, reels__proto_next(&reader, &field, &env.err));
    ck_assert_uint_eq(field.number, 536870911);
    test_ok(&env, reels__proto_bytes(&field, &data, &len, &env.err));
    ck_assert_uint_eq(len, 2);
    test_status(REELS_END, reels__proto_next(&reader, &field, &env.err));
}
END_TEST

struct bytes_case {
    const char *bytes;
    size_t len;
    reels_status status;
};

static const struct bytes_case stream_cases[] = {
    {"", 0, REELS_END},
    {"\x08", 1, REELS_ERR_CORRUPT},                                              /* no value */
    {"\x80", 1, REELS_ERR_CORRUPT},                                              /* half a tag */
    {"\x00\x00", 2, REELS_ERR_CORRUPT},                                          /* field 0 */
    {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, REELS_END},             /* 2^64 - 1 */
    {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11, REELS_ERR_CORRUPT},     /* 2^64 */
    {"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 12, REELS_ERR_CORRUPT}, /* 11 bytes */
    {"\x08\x80\x80\x00", 4, REELS_END},                                          /* long zero */
    {"\xff\xff\xff\xff\x7f\x00", 6, REELS_ERR_CORRUPT},                          /* tag too large */
    {"\x09\x01\x02\x03\x04\x05\x06\x07", 8, REELS_ERR_CORRUPT},                  /* 7 of 8 */
    {"\x0d\x01\x02\x03", 4, REELS_ERR_CORRUPT},                                  /* 3 of 4 */
    {"\x0a\x05zzzz", 6, REELS_ERR_CORRUPT},                                      /* 4 of 5 */
    {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, REELS_ERR_CORRUPT},     /* huge */
    {"\x0e", 1, REELS_ERR_CORRUPT},                                              /* wire type 6 */
    {"\x0f", 1, REELS_ERR_CORRUPT},                                              /* wire type 7 */
    {"\x0b\x08\x01\x0c", 4, REELS_END},                                          /* a group */
    {"\x0b\x13\x14\x0c", 4, REELS_END},                                          /* two */
    {"\x0b\x08\x01", 3, REELS_ERR_CORRUPT},                                      /* no end */
    {"\x0b\x14", 2, REELS_ERR_CORRUPT},                                          /* other end */
    {"\x0c", 1, REELS_ERR_CORRUPT},                                              /* end only */
};

START_TEST(test_proto_streams)
{
    const struct bytes_case *c = &stream_cases[_i];
    uint8_t *exact = malloc(c->len > 0 ? c->len : 1);
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, c->bytes, c->len);
    reels_status status = read_all(exact, c->len);
    /* A group without its end runs into the end of the bytes. */
    ck_assert_int_eq(status, c->status);
    free(exact);
}
END_TEST

START_TEST(test_proto_groups_are_skipped_and_bounded)
{
    uint8_t deep[200];
    memset(deep, 0x0b, 100);
    memset(deep + 100, 0x0c, 100);
    ck_assert_int_eq(read_all(deep, 200), REELS_ERR_LIMIT);
    struct reels__proto_reader reader;
    struct reels__proto_field field;
    reels__proto_reader_init(&reader, (const uint8_t *)"\x0b\x08\x01\x0c\x10\x05", 6);
    test_ok(&env, reels__proto_next(&reader, &field, &env.err));
    ck_assert_uint_eq(field.number, 2);
    ck_assert_uint_eq(field.value, 5);
}
END_TEST

START_TEST(test_proto_depth_of_messages_is_bounded)
{
    size_t marks[REELS__PROTO_DEPTH_MAX];
    for (int i = 0; i < REELS__PROTO_DEPTH_MAX; i++) {
        test_ok(&env, reels__proto_begin(buf, 1, &marks[i], &env.err));
    }
    for (int i = REELS__PROTO_DEPTH_MAX - 1; i >= 0; i--) {
        test_ok(&env, reels__proto_end(buf, marks[i], &env.err));
    }
    struct reels__proto_reader reader;
    struct reels__proto_field field;
    reels__proto_reader_init(&reader, reels_buf_data(buf), reels_buf_len(buf));
    reels_status status = REELS_OK;
    int depth = 0;
    while (status == REELS_OK) {
        test_ok(&env, reels__proto_next(&reader, &field, &env.err));
        struct reels__proto_reader outer = reader;
        status = reels__proto_enter(&outer, &field, &reader, &env.err);
        depth += status == REELS_OK ? 1 : 0;
    }
    ck_assert_int_eq(status, REELS_ERR_LIMIT);
    ck_assert_int_eq(depth, REELS__PROTO_DEPTH_MAX - 1);
}
END_TEST

START_TEST(test_proto_fields_are_bounded)
{
    size_t len = 2 * ((size_t)REELS__PROTO_FIELDS_MAX + 1);
    uint8_t *many = malloc(len);
    ck_assert_ptr_nonnull(many);
    for (size_t i = 0; i < len; i += 2) {
        many[i] = 0x08;
        many[i + 1] = 0x01;
    }
    ck_assert_int_eq(read_all(many, len - 2), REELS_END);
    ck_assert_int_eq(read_all(many, len), REELS_ERR_LIMIT);
    free(many);
}
END_TEST

/* A length of 127 fits the byte that was kept for it, 128 does not, 16384 needs two more. */
START_TEST(test_proto_nested_lengths_of_every_width)
{
    static const size_t sizes[] = {0, 1, 124, 125, 126, 127, 128, 129, 16380, 16384, 70000};
    static uint8_t filler[70000];
    size_t outer = 0;
    size_t inner = 0;
    test_ok(&env, reels__proto_put_u64(buf, 1, 11, &env.err));
    test_ok(&env, reels__proto_begin(buf, 2, &outer, &env.err));
    test_ok(&env, reels__proto_begin(buf, 3, &inner, &env.err));
    test_ok(&env, reels__proto_add_bytes(buf, 4, filler, sizes[_i], &env.err));
    test_ok(&env, reels__proto_end(buf, inner, &env.err));
    test_ok(&env, reels__proto_put_u64(buf, 5, 55, &env.err));
    test_ok(&env, reels__proto_end(buf, outer, &env.err));
    test_ok(&env, reels__proto_put_u64(buf, 6, 66, &env.err));
    struct reels__proto_reader top;
    struct reels__proto_reader middle;
    struct reels__proto_reader bottom;
    struct reels__proto_field field;
    reels__proto_reader_init(&top, reels_buf_data(buf), reels_buf_len(buf));
    test_ok(&env, reels__proto_next(&top, &field, &env.err));
    test_ok(&env, reels__proto_next(&top, &field, &env.err));
    test_ok(&env, reels__proto_enter(&top, &field, &middle, &env.err));
    test_ok(&env, reels__proto_next(&middle, &field, &env.err));
    test_ok(&env, reels__proto_enter(&middle, &field, &bottom, &env.err));
    test_ok(&env, reels__proto_next(&bottom, &field, &env.err));
    ck_assert_uint_eq(field.len, sizes[_i]);
    test_status(REELS_END, reels__proto_next(&bottom, &field, &env.err));
    test_ok(&env, reels__proto_next(&middle, &field, &env.err));
    ck_assert_uint_eq(field.value, 55);
    test_status(REELS_END, reels__proto_next(&middle, &field, &env.err));
    test_ok(&env, reels__proto_next(&top, &field, &env.err));
    ck_assert_uint_eq(field.value, 66);
    test_status(REELS_END, reels__proto_next(&top, &field, &env.err));
}
END_TEST

START_TEST(test_proto_repeated_numbers_packed_and_one_by_one)
{
    size_t mark = 0;
    uint64_t sum = 0;
    test_ok(&env, reels__proto_begin(buf, 4, &mark, &env.err));
    for (uint64_t i = 0; i < 300; i++) {
        test_ok(&env, reels__proto_packed_u64(buf, i, &env.err));
    }
    test_ok(&env, reels__proto_end(buf, mark, &env.err));
    test_ok(&env, reels__proto_add_u64(buf, 4, 1000000, &env.err));
    struct reels__proto_reader reader;
    struct reels__proto_field field;
    reels__proto_reader_init(&reader, reels_buf_data(buf), reels_buf_len(buf));
    while (reels__proto_next(&reader, &field, &env.err) == REELS_OK) {
        struct reels__proto_packed packed;
        uint64_t value = 0;
        test_ok(&env, reels__proto_packed_init(&packed, &field, REELS__PROTO_VARINT, &env.err));
        while (reels__proto_packed_next(&packed, &value, &env.err) == REELS_OK) {
            sum += value;
        }
    }
    ck_assert_uint_eq(sum, 1000000 + 44850);
}
END_TEST

START_TEST(test_proto_packed_fixed_numbers)
{
    size_t mark = 0;
    uint64_t value = 0;
    struct reels__proto_packed packed;
    test_ok(&env, reels__proto_begin(buf, 1, &mark, &env.err));
    test_ok(&env, reels__proto_packed_fixed32(buf, 7, &env.err));
    test_ok(&env, reels__proto_packed_fixed32(buf, 8, &env.err));
    test_ok(&env, reels__proto_packed_fixed64(buf, 9, &env.err));
    test_ok(&env, reels__proto_end(buf, mark, &env.err));
    struct reels__proto_field field = first_field();
    test_ok(&env, reels__proto_packed_init(&packed, &field, REELS__PROTO_FIXED32, &env.err));
    for (uint64_t expected = 7; expected < 10; expected++) {
        test_ok(&env, reels__proto_packed_next(&packed, &value, &env.err));
        ck_assert_uint_eq(value, expected);
    }
    test_ok(&env, reels__proto_packed_next(&packed, &value, &env.err));
    test_status(REELS_END, reels__proto_packed_next(&packed, &value, &env.err));
    field.len -= 1;
    test_ok(&env, reels__proto_packed_init(&packed, &field, REELS__PROTO_FIXED64, &env.err));
    test_ok(&env, reels__proto_packed_next(&packed, &value, &env.err));
    test_status(REELS_ERR_CORRUPT, reels__proto_packed_next(&packed, &value, &env.err));
    test_status(REELS_ERR_CORRUPT,
                reels__proto_packed_init(
                    &packed,
                    &(struct reels__proto_field){.number = 1, .wire_type = REELS__PROTO_VARINT},
                    REELS__PROTO_FIXED64,
                    &env.err));
}
END_TEST

START_TEST(test_proto_text_must_be_utf8)
{
    const char *text = NULL;
    size_t len = 0;
    test_ok(&env, reels__proto_put_text(buf, 1, "\xFF", &env.err));
    struct reels__proto_field field = first_field();
    test_status(REELS_ERR_CORRUPT, reels__proto_text(&field, &text, &len, &env.err));
}
END_TEST

START_TEST(test_proto_full_buffer_keeps_whole_fields)
{
    reels_buf *small = NULL;
    test_ok(&env, reels_buf_new(env.ctx, 10, &small, &env.err));
    test_ok(&env, reels__proto_put_u64(small, 1, 5, &env.err));
    test_status(REELS_ERR_LIMIT, reels__proto_put_bytes(small, 2, "12345678", 8, &env.err));
    ck_assert_uint_eq(reels_buf_len(small), 2);
    test_status(REELS_ERR_LIMIT, reels__proto_put_fixed64(small, 536870911, UINT64_MAX, &env.err));
    ck_assert_uint_eq(reels_buf_len(small), 2);
    reels_buf_free(small);
}
END_TEST

static reels_status writer_run(reels_ctx *ctx, void *arg)
{
    (void)arg;
    reels_buf *out = NULL;
    size_t mark = 0;
    reels_status status = reels_buf_new(ctx, 0, &out, NULL);
    if (status == REELS_OK) {
        status = reels__proto_begin(out, 1, &mark, NULL);
    }
    for (int i = 0; i < 200 && status == REELS_OK; i++) {
        status = reels__proto_put_text(out, 2, "some text", NULL);
    }
    if (status == REELS_OK) {
        status = reels__proto_end(out, mark, NULL);
    }
    reels_buf_free(out);
    return status;
}

START_TEST(test_proto_survives_refused_memory)
{
    ck_assert_uint_ge(test_oom_run(0, writer_run, NULL), 4);
}
END_TEST

#define CASES(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
    Suite *suite = suite_create("proto");
    TCase *tcase = tcase_create("proto");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_proto_documented_examples);
    tcase_add_loop_test(tcase, test_proto_zigzag_of_the_documentation, 0, 8);
    tcase_add_test(tcase, test_proto_zero_and_empty_are_left_out);
    tcase_add_test(tcase, test_proto_every_type_comes_back);
    tcase_add_loop_test(tcase, test_proto_streams, 0, CASES(stream_cases));
    tcase_add_test(tcase, test_proto_groups_are_skipped_and_bounded);
    tcase_add_test(tcase, test_proto_depth_of_messages_is_bounded);
    tcase_add_test(tcase, test_proto_fields_are_bounded);
    tcase_add_loop_test(tcase, test_proto_nested_lengths_of_every_width, 0, 11);
    tcase_add_test(tcase, test_proto_repeated_numbers_packed_and_one_by_one);
    tcase_add_test(tcase, test_proto_packed_fixed_numbers);
    tcase_add_test(tcase, test_proto_text_must_be_utf8);
    tcase_add_test(tcase, test_proto_full_buffer_keeps_whole_fields);
    tcase_add_test(tcase, test_proto_survives_refused_memory);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
