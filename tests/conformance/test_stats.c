/* Every embedded stats store keeps the promises of its port. */
#include "harness.h"

static reels_status open_stats(reels_ctx *ctx, const char *url, void **out, reels_error *err)
{
    reels_stats *stats = NULL;
    reels_status status = reels_stats_open(ctx, url, &stats, err);
    *out = stats;
    return status;
}

static void free_stats(void *port)
{
    reels_stats_free(port);
}

static const struct harness_port port = {open_stats, free_stats};

START_TEST(test_stats_mem_conforms)
{
    harness_run(reels_conformance_stats, &port, "mem:", 0, 13);
}
END_TEST

START_TEST(test_stats_sqlite_conforms)
{
    harness_run(reels_conformance_stats, &port, "sqlite:/stats-%d.db", HARNESS_KEEPS, 15);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conformance-stats");
    TCase *cases = tcase_create("stats");
    tcase_set_timeout(cases, 240);
    tcase_add_test(cases, test_stats_mem_conforms);
    tcase_add_test(cases, test_stats_sqlite_conforms);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
