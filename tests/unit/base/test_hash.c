/* SHA-256, HMAC-SHA256, CRC32C and xxHash against published vectors. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/sha256.h"
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

static const char *hex_of(const uint8_t digest[REELS__SHA256_BYTES])
{
    static char text[2 * REELS__SHA256_BYTES + 1];
    reels__hex_encode(digest, REELS__SHA256_BYTES, text);
    return text;
}

/* FIPS 180-4 examples, as NIST publishes them. */
START_TEST(test_sha256_published_examples)
{
    uint8_t digest[REELS__SHA256_BYTES];
    reels__sha256("", 0, digest);
    ck_assert_str_eq(hex_of(digest),
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    reels__sha256("abc", 3, digest);
    ck_assert_str_eq(hex_of(digest),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    reels__sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, digest);
    ck_assert_str_eq(hex_of(digest),
                     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    char *million = malloc(1000000);
    ck_assert_ptr_nonnull(million);
    memset(million, 'a', 1000000);
    reels__sha256(million, 1000000, digest);
    ck_assert_str_eq(hex_of(digest),
                     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}
END_TEST

START_TEST(test_sha256_pieces_give_the_same_digest)
{
    uint8_t data[300];
    uint8_t whole[REELS__SHA256_BYTES];
    uint8_t pieces[REELS__SHA256_BYTES];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7);
    }
    for (size_t len = 0; len <= sizeof data; len++) {
        for (size_t step = 1; step <= 130; step += 43) {
            struct reels__sha256 sha;
            reels__sha256_init(&sha);
            for (size_t at = 0; at < len; at += step) {
                reels__sha256_update(&sha, data + at, len - at < step ? len - at : step);
            }
            reels__sha256_finish(&sha, pieces);
            reels__sha256(data, len, whole);
            ck_assert(memcmp(whole, pieces, sizeof whole) == 0);
        }
    }
}
END_TEST

struct hmac_vector {
    uint8_t key[256];
    uint8_t data[256];
    uint8_t mac[32];
    size_t key_len;
    size_t data_len;
    int fields;
};

static void vector_field(struct hmac_vector *vector,
                         const struct reels__json_token *key,
                         const struct reels__json_token *value)
{
    if (reels__json_text_is(key, "key")) {
        ck_assert(reels__hex_decode(value->text, value->len, vector->key));
        vector->key_len = value->len / 2;
    } else if (reels__json_text_is(key, "data")) {
        ck_assert(reels__hex_decode(value->text, value->len, vector->data));
        vector->data_len = value->len / 2;
    } else if (reels__json_text_is(key, "mac")) {
        ck_assert_uint_eq(value->len, 64);
        ck_assert(reels__hex_decode(value->text, value->len, vector->mac));
    } else {
        return;
    }
    vector->fields++;
}

static void vector_check(struct reels__json_reader *reader)
{
    struct hmac_vector vector = {0};
    struct reels__json_token key;
    struct reels__json_token value;
    uint8_t mac[REELS__SHA256_BYTES];
    test_ok(&env, reels__json_next(reader, &key, &env.err));
    while (key.kind == REELS__JSON_KEY) {
        test_ok(&env, reels__json_expect(reader, REELS__JSON_STRING, &value, &env.err));
        vector_field(&vector, &key, &value);
        test_ok(&env, reels__json_next(reader, &key, &env.err));
    }
    ck_assert_int_eq(vector.fields, 3);
    reels__hmac_sha256(vector.key, vector.key_len, vector.data, vector.data_len, mac);
    ck_assert_mem_eq(mac, vector.mac, sizeof mac);
    ck_assert(reels__secret_equal(mac, vector.mac, sizeof mac));
    mac[31] ^= 1;
    ck_assert(!reels__secret_equal(mac, vector.mac, sizeof mac));
}

START_TEST(test_hmac_sha256_rfc4231)
{
    char path[TEST_PATH_BYTES];
    if (!test_shared_path("vectors/small.json", path)) {
        test_skip("HMAC vectors: ../shared is absent");
        return;
    }
    size_t len = 0;
    char *text = (char *)test_file_read(path, &len);
    ck_assert_ptr_nonnull(text);
    struct reels__json_reader reader;
    struct reels__json_token token;
    reels__json_reader_init(&reader, text, len);
    test_ok(&env, reels__json_expect(&reader, REELS__JSON_OBJECT_BEGIN, &token, &env.err));
    test_ok(&env, reels__json_next(&reader, &token, &env.err));
    while (!reels__json_text_is(&token, "hmac_sha256_rfc4231")) {
        test_ok(&env, reels__json_skip(&reader, &token, &env.err));
        test_ok(&env, reels__json_next(&reader, &token, &env.err));
        ck_assert_int_eq(token.kind, REELS__JSON_KEY);
    }
    test_ok(&env, reels__json_expect(&reader, REELS__JSON_ARRAY_BEGIN, &token, &env.err));
    int count = 0;
    test_ok(&env, reels__json_next(&reader, &token, &env.err));
    while (token.kind == REELS__JSON_OBJECT_BEGIN) {
        vector_check(&reader);
        count++;
        test_ok(&env, reels__json_next(&reader, &token, &env.err));
    }
    ck_assert_int_ge(count, 5);
    free(text);
}
END_TEST

/* RFC 4231 test case 2, so that one vector is here whatever is beside the checkout. */
START_TEST(test_hmac_sha256_streams_and_wipes)
{
    struct reels__hmac_sha256 hmac;
    struct reels__hmac_sha256 zero;
    uint8_t mac[REELS__SHA256_BYTES];
    memset(&zero, 0, sizeof zero);
    reels__hmac_sha256_init(&hmac, "Jefe", 4);
    reels__hmac_sha256_update(&hmac, "what do ya want ", 16);
    reels__hmac_sha256_update(&hmac, "for nothing?", 12);
    reels__hmac_sha256_finish(&hmac, mac);
    ck_assert_str_eq(hex_of(mac),
                     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    ck_assert_mem_eq(&hmac, &zero, sizeof hmac);
}
END_TEST

/* RFC 3720 section B.4. */
START_TEST(test_crc32c_vectors)
{
    uint8_t data[32];
    memset(data, 0, sizeof data);
    ck_assert_uint_eq(reels__crc32c(0, data, sizeof data), 0x8A9136AA);
    memset(data, 0xFF, sizeof data);
    ck_assert_uint_eq(reels__crc32c(0, data, sizeof data), 0x62A8AB43);
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)i;
    }
    ck_assert_uint_eq(reels__crc32c(0, data, sizeof data), 0x46DD794E);
    ck_assert_uint_eq(reels__crc32c(0, "123456789", 9), 0xE3069283);
    ck_assert_uint_eq(reels__crc32c(0, data, 0), 0);
    for (size_t cut = 0; cut <= sizeof data; cut++) {
        uint32_t crc = reels__crc32c(reels__crc32c(0, data, cut), data + cut, sizeof data - cut);
        ck_assert_uint_eq(crc, 0x46DD794E);
    }
}
END_TEST

/* What the xxhsum tool of xxHash prints for the same bytes (-H1, -H3). */
START_TEST(test_xxhash_agrees_with_its_tool)
{
    ck_assert_uint_eq(reels__xxh64("", 0), UINT64_C(0xEF46DB3751D8E999));
    ck_assert_uint_eq(reels__xxh64("abc", 3), UINT64_C(0x44BC2CF5AD770999));
    ck_assert_uint_eq(reels__xxh3_64("", 0, 0), UINT64_C(0x2D06800538D394C2));
    ck_assert_uint_eq(reels__xxh3_64("abc", 3, 0), UINT64_C(0x78AF5F94892F3950));
    ck_assert_uint_ne(reels__xxh3_64("abc", 3, 1), reels__xxh3_64("abc", 3, 0));
    ck_assert_uint_eq(reels__xxh64_of_id(UINT64_C(0x0807060504030201)),
                      reels__xxh64("\x01\x02\x03\x04\x05\x06\x07\x08", 8));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hash");
    TCase *tcase = tcase_create("hash");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_sha256_published_examples);
    tcase_add_test(tcase, test_sha256_pieces_give_the_same_digest);
    tcase_add_test(tcase, test_hmac_sha256_rfc4231);
    tcase_add_test(tcase, test_hmac_sha256_streams_and_wipes);
    tcase_add_test(tcase, test_crc32c_vectors);
    tcase_add_test(tcase, test_xxhash_agrees_with_its_tool);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
