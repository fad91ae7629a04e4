/* The library's own tokens: the text is the documented one, and what is not exactly a grant is
 * refused. */
#include <stdio.h>
#include <string.h>

#include <reels/backend.h>

#include "test_check.h"

#define NOW_S ((int64_t)1750000000) /* the simulated clock begins here */

static const uint8_t secret[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                   16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
static const uint8_t other_secret[16] = "0123456789abcdef";

/* Made with Python's hmac, hashlib and base64 from the text in cdn.h. */
static const char for_anyone[] = "1.7.1750000900.10.4DBbEypur8_2GeR8FAeeKEwj78go_s0r7COsHQII0_g";
static const char for_one[] = "1.7.1750000900.10.M6O-MPT7M29oMx9bp_kDYGc1W332JflqCY2eoDdtMrs";
static const char for_a[] = "1.4294967295.1.1.DEI2NI6_hcvLgsk1NVp6PcOYQg-bFhbJQr4_NdNocJo";

static reels_cdn *cdn_of(struct test_env *env, uint32_t first_id, const uint8_t *first, size_t len)
{
    reels_cdn_key keys[2] = {{.id = first_id, .secret = first, .secret_len = len},
                             {.id = 7, .secret = secret, .secret_len = sizeof secret}};
    reels_cdn_options options = {
        .struct_size = sizeof options, .keys_count = first_id == 7 ? 1 : 2, .keys = keys};
    reels_cdn *cdn = NULL;
    test_ok(env, reels_cdn_new(env->ctx, NULL, NULL, &options, &cdn, &env->err));
    return cdn;
}

static void expect_token(struct test_env *env,
                         reels_cdn *cdn,
                         const char *prefix,
                         const char *viewer,
                         int64_t s,
                         const char *expected)
{
    reels_buf *buf = NULL;
    test_ok(env, reels_buf_new(env->ctx, 0, &buf, &env->err));
    test_ok(env, reels_cdn_sign(cdn, NULL, prefix, viewer, s * 1000000 + 999999, buf, &env->err));
    ck_assert_str_eq((const char *)reels_buf_data(buf), expected);
    ck_assert_uint_le(reels_buf_len(buf), 90);
    reels_buf_free(buf);
}

START_TEST(test_cdn_tokens_are_the_documented_text)
{
    struct test_env env;
    test_env_init(&env, TEST_ENV_SIM_CLOCK);
    reels_cdn *cdn = cdn_of(&env, 7, secret, sizeof secret);
    ck_assert_uint_eq(reels_cdn_features(cdn), REELS_CDN_OWN_TOKENS);
    expect_token(&env, cdn, "media/1/2/", NULL, 1750000900, for_anyone);
    expect_token(&env, cdn, "media/1/2/", "viewer-1", 1750000900, for_one);
    reels_cdn_free(cdn);
    cdn = cdn_of(&env, UINT32_MAX, other_secret, sizeof other_secret);
    expect_token(&env, cdn, "a", NULL, 1, for_a);
    reels_cdn_free(cdn);
    test_env_dispose(&env);
}
END_TEST

/* What check() says of a token, a path and a viewer. */
static const struct {
    const char *token;
    const char *path;
    const char *viewer;
    reels_status expected;
} checks[] = {
    {for_anyone, "media/1/2/seg-1.m4s", NULL, REELS_OK},
    {for_anyone, "media/1/2/a/b/c", "viewer-1", REELS_OK},
    {for_one, "media/1/2/seg-1.m4s", "viewer-1", REELS_OK},
    {for_one, "media/1/2/seg-1.m4s", "viewer-2", REELS_ERR_DENIED},
    {for_one, "media/1/2/seg-1.m4s", NULL, REELS_ERR_DENIED},
    {for_anyone, "media/1/3/seg-1.m4s", NULL, REELS_ERR_DENIED},
    {for_anyone, "media/1/2", NULL, REELS_ERR_DENIED},
    {for_anyone, "media/1/2/", NULL, REELS_ERR_DENIED},
    {for_anyone, "media/1/2/../3/x", NULL, REELS_ERR_DENIED},
    {for_anyone, "media/1/2/./x", NULL, REELS_ERR_DENIED},
    {for_anyone, "media/1/2//x", NULL, REELS_ERR_DENIED},
    {for_anyone, "media/1/2/%2e%2e/x", NULL, REELS_ERR_DENIED},
    {for_anyone, "/media/1/2/x", NULL, REELS_ERR_DENIED},
    {for_anyone, "", NULL, REELS_ERR_DENIED},
    {"", "media/1/2/x", NULL, REELS_ERR_DENIED},
    {"1.", "media/1/2/x", NULL, REELS_ERR_DENIED},
    {"2.7.1750000900.10.4DBbEypur8_2GeR8FAeeKEwj78go_s0r7COsHQII0_g",
     "media/1/2/x",
     NULL,
     REELS_ERR_DENIED},
    {"1.07.1750000900.10.4DBbEypur8_2GeR8FAeeKEwj78go_s0r7COsHQII0_g",
     "media/1/2/x",
     NULL,
     REELS_ERR_DENIED},
    {"1.7.1750000900.10.4DBbEypur8_2GeR8FAeeKEwj78go_s0r7COsHQII0_g=",
     "media/1/2/x",
     NULL,
     REELS_ERR_DENIED},
    {"1.7.1750000900.10.4DBbEypur8_2GeR8FAeeKEwj78go_s0r7COsHQII0_h",
     "media/1/2/x",
     NULL,
     REELS_ERR_DENIED},
    {"1.7.1750000901.10.4DBbEypur8_2GeR8FAeeKEwj78go_s0r7COsHQII0_g",
     "media/1/2/x",
     NULL,
     REELS_ERR_DENIED},
    {"1.7.1750000900.8.4DBbEypur8_2GeR8FAeeKEwj78go_s0r7COsHQII0_g",
     "media/1/2/x",
     NULL,
     REELS_ERR_DENIED},
    {"1.8.1750000900.10.4DBbEypur8_2GeR8FAeeKEwj78go_s0r7COsHQII0_g",
     "media/1/2/x",
     NULL,
     REELS_ERR_DENIED},
    {"1.7.99999999999999999999.10.4DBbEypur8_2GeR8FAeeKEwj78go_s0r7COsHQII0_g",
     "media/1/2/x",
     NULL,
     REELS_ERR_DENIED},
    {"1.7.1750000900.99999999999999999999.4DBbEypur8_2GeR8FAeeKEwj78go_s0r7COsHQII0_g",
     "media/1/2/x",
     NULL,
     REELS_ERR_DENIED},
};

START_TEST(test_cdn_lets_in_what_was_granted_and_nothing_else)
{
    struct test_env env;
    test_env_init(&env, TEST_ENV_SIM_CLOCK);
    reels_cdn *cdn = cdn_of(&env, 7, secret, sizeof secret);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        reels_status status =
            reels_cdn_check(cdn, NULL, checks[i].token, checks[i].path, checks[i].viewer, &env.err);
        ck_assert_msg(status == checks[i].expected,
                      "case %zu, path %s: %s",
                      i,
                      checks[i].path,
                      reels_status_name(status));
    }
    reels_cdn_free(cdn);
    test_env_dispose(&env);
}
END_TEST

START_TEST(test_cdn_refuses_a_token_with_any_byte_changed)
{
    struct test_env env;
    test_env_init(&env, TEST_ENV_SIM_CLOCK);
    reels_cdn *cdn = cdn_of(&env, 7, secret, sizeof secret);
    for (size_t i = 0; i < sizeof for_anyone - 1; i++) {
        for (int value = 1; value < 256; value++) {
            char token[sizeof for_anyone];
            memcpy(token, for_anyone, sizeof token);
            if ((unsigned char)token[i] == value) {
                continue;
            }
            token[i] = (char)(unsigned char)value;
            test_status(REELS_ERR_DENIED,
                        reels_cdn_check(cdn, NULL, token, "media/1/2/x", NULL, &env.err));
        }
    }
    reels_cdn_free(cdn);
    test_env_dispose(&env);
}
END_TEST

START_TEST(test_cdn_tokens_end_at_their_second)
{
    struct test_env env;
    test_env_init(&env, TEST_ENV_SIM_CLOCK);
    reels_cdn *cdn = cdn_of(&env, 7, secret, sizeof secret);
    test_clock_step_wall(&env.clock, (int64_t)900 * 1000000 - 1);
    test_ok(&env, reels_cdn_check(cdn, NULL, for_anyone, "media/1/2/x", NULL, &env.err));
    test_clock_step_wall(&env.clock, 1);
    test_status(REELS_ERR_STALE,
                reels_cdn_check(cdn, NULL, for_anyone, "media/1/2/x", NULL, &env.err));
    /* Expired is told of genuine tokens alone. */
    test_status(REELS_ERR_DENIED,
                reels_cdn_check(cdn, NULL, for_anyone, "media/1/3/x", NULL, &env.err));
    ck_assert_int_eq(reels_ctx_now_unix_us(env.ctx) / 1000000, NOW_S + 900);
    reels_cdn_free(cdn);
    test_env_dispose(&env);
}
END_TEST

START_TEST(test_cdn_keys_can_be_changed_while_tokens_are_out)
{
    struct test_env env;
    test_env_init(&env, TEST_ENV_SIM_CLOCK);
    reels_buf *buf = NULL;
    reels_cdn *after = cdn_of(&env, 8, other_secret, sizeof other_secret);
    reels_cdn *before = cdn_of(&env, 7, secret, sizeof secret);
    test_ok(&env, reels_buf_new(env.ctx, 0, &buf, &env.err));
    test_ok(&env, reels_cdn_check(after, NULL, for_anyone, "media/1/2/x", NULL, &env.err));
    test_ok(&env,
            reels_cdn_sign(after, NULL, "media/1/2/", NULL, (NOW_S + 60) * 1000000, buf, &env.err));
    const char *token = (const char *)reels_buf_data(buf);
    test_ok(&env, reels_cdn_check(after, NULL, token, "media/1/2/x", NULL, &env.err));
    test_status(REELS_ERR_DENIED,
                reels_cdn_check(before, NULL, token, "media/1/2/x", NULL, &env.err));
    reels_buf_free(buf);
    reels_cdn_free(before);
    reels_cdn_free(after);
    test_env_dispose(&env);
}
END_TEST

START_TEST(test_cdn_wrong_keys_and_arguments_are_refused)
{
    struct test_env env;
    test_env_init(&env, TEST_ENV_SIM_CLOCK);
    reels_cdn_key keys[2] = {{.id = 1, .secret = secret, .secret_len = 15},
                             {.id = 1, .secret = secret, .secret_len = 32}};
    reels_cdn_options options = {.struct_size = sizeof options, .keys_count = 1, .keys = keys};
    reels_cdn *cdn = NULL;
    test_status(REELS_ERR_INVALID_ARG,
                reels_cdn_new(env.ctx, NULL, NULL, &options, &cdn, &env.err));
    keys[0].secret_len = 16;
    options.keys_count = 2;
    test_status(REELS_ERR_INVALID_ARG,
                reels_cdn_new(env.ctx, NULL, NULL, &options, &cdn, &env.err));
    options.keys_count = 0;
    test_status(REELS_ERR_INVALID_ARG,
                reels_cdn_new(env.ctx, NULL, NULL, &options, &cdn, &env.err));
    test_status(REELS_ERR_INVALID_ARG, reels_cdn_new(env.ctx, NULL, NULL, NULL, &cdn, &env.err));
    ck_assert_ptr_null(cdn);
    cdn = cdn_of(&env, 7, secret, sizeof secret);
    reels_buf *buf = NULL;
    test_ok(&env, reels_buf_new(env.ctx, 0, &buf, &env.err));
    static const char *const prefixes[] = {"", "/", "a//", "../", "a/../", ".a", "a b", "a/\n"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        test_status(REELS_ERR_INVALID_ARG,
                    reels_cdn_sign(cdn, NULL, prefixes[i], NULL, NOW_S * 1000000, buf, &env.err));
    }
    test_status(REELS_ERR_INVALID_ARG,
                reels_cdn_sign(cdn, NULL, "a/", "", NOW_S * 1000000, buf, &env.err));
    test_status(REELS_ERR_INVALID_ARG,
                reels_cdn_sign(cdn, NULL, "a/", "x\ny", NOW_S * 1000000, buf, &env.err));
    test_status(REELS_ERR_UNSUPPORTED, reels_cdn_purge(cdn, NULL, NULL, 0, NULL, &env.err));
    reels_buf_free(buf);
    reels_cdn_free(cdn);
    test_env_dispose(&env);
}
END_TEST

static reels_status sign_and_check(reels_ctx *ctx, void *arg)
{
    (void)arg;
    reels_cdn_key key = {.id = 7, .secret = secret, .secret_len = sizeof secret};
    reels_cdn_options options = {.struct_size = sizeof options, .keys_count = 1, .keys = &key};
    reels_cdn *cdn = NULL;
    reels_buf *buf = NULL;
    reels_status status = reels_cdn_new(ctx, NULL, NULL, &options, &cdn, NULL);
    if (status == REELS_OK) {
        status = reels_buf_new(ctx, 0, &buf, NULL);
    }
    if (status == REELS_OK) {
        status = reels_cdn_sign(cdn, NULL, "a/", NULL, (NOW_S + 60) * 1000000, buf, NULL);
    }
    if (status == REELS_OK) {
        status = reels_cdn_check(cdn, NULL, (const char *)reels_buf_data(buf), "a/b", NULL, NULL);
    }
    reels_buf_free(buf);
    reels_cdn_free(cdn);
    return status;
}

START_TEST(test_cdn_refused_memory_is_told)
{
    ck_assert_uint_ge(test_oom_run(TEST_ENV_SIM_CLOCK, sign_and_check, NULL), 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cdn");
    TCase *tcase = tcase_create("cdn");
    tcase_add_test(tcase, test_cdn_tokens_are_the_documented_text);
    tcase_add_test(tcase, test_cdn_lets_in_what_was_granted_and_nothing_else);
    tcase_add_test(tcase, test_cdn_refuses_a_token_with_any_byte_changed);
    tcase_add_test(tcase, test_cdn_tokens_end_at_their_second);
    tcase_add_test(tcase, test_cdn_keys_can_be_changed_while_tokens_are_out);
    tcase_add_test(tcase, test_cdn_wrong_keys_and_arguments_are_refused);
    tcase_add_test(tcase, test_cdn_refused_memory_is_told);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
