/* Every embedded cache keeps the promises of its port, the one that forgets at once included. */
#include "harness.h"

static reels_status open_cache(reels_ctx *ctx, const char *url, void **out, reels_error *err)
{
    reels_cache *cache = NULL;
    reels_status status = reels_cache_open(ctx, url, &cache, err);
    *out = cache;
    return status;
}

static void free_cache(void *port)
{
    reels_cache_free(port);
}

static const struct harness_port port = {open_cache, free_cache};

START_TEST(test_cache_mem_conforms)
{
    harness_run(reels_conformance_cache, &port, "mem:", 0, 11);
}
END_TEST

START_TEST(test_cache_small_conforms)
{
    harness_run(reels_conformance_cache, &port, "mem:?bytes=65536", 0, 11);
}
END_TEST

START_TEST(test_cache_that_forgets_conforms)
{
    harness_run(reels_conformance_cache, &port, "none:", 0, 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conformance-cache");
    TCase *cases = tcase_create("cache");
    tcase_set_timeout(cases, 240);
    tcase_add_test(cases, test_cache_mem_conforms);
    tcase_add_test(cases, test_cache_small_conforms);
    tcase_add_test(cases, test_cache_that_forgets_conforms);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
