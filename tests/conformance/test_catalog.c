/* Every embedded catalog keeps the promises of its port. */
#include "harness.h"

static reels_status open_catalog(reels_ctx *ctx, const char *url, void **out, reels_error *err)
{
    reels_catalog *catalog = NULL;
    reels_status status = reels_catalog_open(ctx, url, &catalog, err);
    *out = catalog;
    return status;
}

static void free_catalog(void *port)
{
    reels_catalog_free(port);
}

static const struct harness_port port = {open_catalog, free_catalog};

START_TEST(test_catalog_mem_conforms)
{
    harness_run(reels_conformance_catalog, &port, "mem:", 0, 36);
}
END_TEST

START_TEST(test_catalog_sqlite_conforms)
{
    harness_run(reels_conformance_catalog, &port, "sqlite:/catalog-%d.db", HARNESS_KEEPS, 44);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conformance-catalog");
    TCase *cases = tcase_create("catalog");
    tcase_set_timeout(cases, 240);
    tcase_add_test(cases, test_catalog_mem_conforms);
    tcase_add_test(cases, test_catalog_sqlite_conforms);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
