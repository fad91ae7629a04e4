/* Shows what reels/platform.h promises of configurations. Everything is in memory. */
#include <string.h>

#include <reels/platform.h>

#include "test_check.h"

#define LEASE_US INT64_C(30000000)

static struct test_env env;

static reels_platform_config memory_config(void)
{
    return (reels_platform_config){.struct_size = sizeof(reels_platform_config),
                                   .catalog_url = "mem:",
                                   .stats_url = "mem:",
                                   .blob_url = "mem:",
                                   .queue_url = "mem:",
                                   .partitions_count = 2,
                                   .media_attempts_max = 3,
                                   .media_lease_us = LEASE_US,
                                   .counter_window_us = 1000};
}

static void setup(void)
{
    test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED);
}

static void teardown(void)
{
    test_env_dispose(&env);
}

static reels_status open_json(const char *json, size_t len)
{
    reels_platform *opened = (reels_platform *)&env;
    reels_status status = reels_platform_open_json(env.ctx, json, len, &opened, &env.err);
    ck_assert_int_eq(opened == NULL, status != REELS_OK);
    reels_platform_free(opened);
    return status;
}

#define MEMORY_JSON                                                                                \
    "\"catalog_url\":\"mem:\",\"stats_url\":\"mem:\",\"blob_url\":\"mem:\",\"queue_url\":\"mem:\""

START_TEST(test_config_json_that_is_wrong_says_what)
{
    static const struct {
        const char *json;
        const char *said;
    } rows[] = {
        {"{" MEMORY_JSON ",\"regoin\":1}", "regoin"},
        {"{" MEMORY_JSON ",\"data_path\":7}", "data_path"},
        {"{" MEMORY_JSON ",\"data_path\":null}", "data_path"},
        {"{" MEMORY_JSON ",\"region\":\"1\"}", ""},
        {"{" MEMORY_JSON ",\"region\":-1}", ""},
        {"{" MEMORY_JSON ",\"region\":1.5}", ""},
        {"{" MEMORY_JSON ",\"region\":4294967296}", "too large"},
        {"{" MEMORY_JSON ",\"region\":true}", ""},
        {"{" MEMORY_JSON ",\"region\":{}}", ""},
        {"{" MEMORY_JSON ",\"region\":[[[[1]]]]}", ""},
        {"{" MEMORY_JSON ",\"media_lease_us\":-1}", "negative"},
        {"{" MEMORY_JSON ",\"media_lease_us\":999999}", "media_lease_us"},
        {"{" MEMORY_JSON ",\"media_lease_us\":9223372036854775808}", ""},
        {"{" MEMORY_JSON ",\"upload_bytes_max\":-1}", ""},
        {"{" MEMORY_JSON ",\"upload_bytes_max\":18446744073709551616}", ""},
        {"{" MEMORY_JSON ",\"partitions_count\":1025}", "partitions_count"},
        {"{" MEMORY_JSON ",\"media_jobs_max\":17}", "media_jobs_max"},
        {"{" MEMORY_JSON ",\"data_path\":\"a\\u0000b\"}", "NUL"},
        {"{" MEMORY_JSON ",\"cache_url\":\"nosuch:\"}", ""},
        {"{}", "data_path"},
        {"{\"data_path\":\"\"}", "data_path"},
        {"[]", ""},
        {"7", ""},
        {"", ""},
        {"{", ""},
        {"{" MEMORY_JSON "} {", ""},
        {"{" MEMORY_JSON "} 1", ""},
        {"{" MEMORY_JSON ",}", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        reels_status status = open_json(rows[i].json, strlen(rows[i].json));
        ck_assert_msg(status == REELS_ERR_INVALID_ARG || status == REELS_ERR_CORRUPT ||
                          status == REELS_ERR_LIMIT || status == REELS_ERR_UNSUPPORTED,
                      "%s gave %s",
                      rows[i].json,
                      reels_status_name(status));
        ck_assert_msg(strstr(env.err.message, rows[i].said) != NULL,
                      "%s said: %s",
                      rows[i].json,
                      env.err.message);
    }
    test_ok(&env, open_json("{" MEMORY_JSON "}", strlen("{" MEMORY_JSON "}")));
}
END_TEST

START_TEST(test_config_json_is_bounded_in_size_and_depth)
{
    static char deep[70000];
    memset(deep, '[', sizeof(deep));
    memcpy(deep, "{\"region\":", 10);
    ck_assert_int_ne(open_json(deep, 60000), REELS_OK);
    test_status(REELS_ERR_INVALID_ARG, open_json(deep, sizeof(deep)));
    memcpy(deep, "{\"data_path\":\"", 14);
    memset(deep + 14, 'x', 1100);
    memcpy(deep + 14 + 1100, "\"}", 2);
    ck_assert_int_ne(open_json(deep, 14 + 1100 + 2), REELS_OK);
}
END_TEST

START_TEST(test_config_configurations_are_judged)
{
    reels_platform *opened = NULL;
    reels_platform_config config = memory_config();
    config.media_duration_us_max = -1;
    test_status(REELS_ERR_INVALID_ARG, reels_platform_open(env.ctx, &config, &opened, NULL));
    config = memory_config();
    config.media_lease_us = -1;
    test_status(REELS_ERR_INVALID_ARG, reels_platform_open(env.ctx, &config, &opened, NULL));
    config = memory_config();
    config.media_lease_us = INT64_MAX; /* no catalog gives that */
    test_status(REELS_ERR_INVALID_ARG, reels_platform_open(env.ctx, &config, &opened, NULL));
    config = memory_config();
    config.token_valid_us = -1;
    test_status(REELS_ERR_INVALID_ARG, reels_platform_open(env.ctx, &config, &opened, NULL));
    config = memory_config();
    config.counter_window_us = -1;
    test_status(REELS_ERR_INVALID_ARG, reels_platform_open(env.ctx, &config, &opened, NULL));
    config = memory_config();
    config.token_key = (const uint8_t *)"too short";
    config.token_key_len = 9;
    test_status(REELS_ERR_INVALID_ARG, reels_platform_open(env.ctx, &config, &opened, NULL));
    test_status(REELS_ERR_INVALID_ARG, reels_platform_open(env.ctx, NULL, &opened, NULL));
    ck_assert_ptr_null(opened);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("platform_config");
    TCase *cases = tcase_create("platform_config");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_config_json_that_is_wrong_says_what);
    tcase_add_test(cases, test_config_json_is_bounded_in_size_and_depth);
    tcase_add_test(cases, test_config_configurations_are_judged);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
