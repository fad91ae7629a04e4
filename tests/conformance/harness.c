#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct harness {
    struct test_env env;
    const struct harness_port *port;
    const char *url_format;
    char url[128];
    int stores_count;
    int passed_count;
};

static reels_status harness_reopen(void *user, void **out_port, reels_error *err)
{
    struct harness *harness = user;
    return harness->port->open(harness->env.ctx, harness->url, out_port, err);
}

static reels_status harness_open(void *user, void **out_port, reels_error *err)
{
    struct harness *harness = user;
    /* One "%d" at most, and nothing from outside. */
    const char *mark = strstr(harness->url_format, "%d");
    int head = (int)(mark != NULL ? mark - harness->url_format : (long)strlen(harness->url_format));
    (void)snprintf(harness->url, sizeof harness->url, "%.*s", head, harness->url_format);
    if (mark != NULL) {
        size_t len = strlen(harness->url);
        (void)snprintf(harness->url + len,
                       sizeof harness->url - len,
                       "%d%s",
                       harness->stores_count++,
                       mark + 2);
    }
    return harness_reopen(user, out_port, err);
}

static void harness_close(void *user, void *port)
{
    struct harness *harness = user;
    harness->port->free(port);
}

static void harness_crash(void *user, void *port)
{
    struct harness *harness = user;
    test_memfs_crash(harness->env.fs, TEST_MEMFS_CRASH_LOSE, 0);
    harness->port->free(port); /* its files are dead */
}

static void harness_advance(void *user, int64_t duration_us)
{
    struct harness *harness = user;
    test_clock_advance(&harness->env.clock, duration_us);
}

static void harness_report(
    void *user, const char *backend, const char *promise, int32_t outcome, const char *detail)
{
    struct harness *harness = user;
    if (outcome == REELS_CONFORMANCE_PASSED) {
        harness->passed_count++;
        return;
    }
    (void)fprintf(stderr,
                  "%s: %s: %s: %s\n",
                  outcome == REELS_CONFORMANCE_FAILED ? "FAILED" : "skipped",
                  backend,
                  promise,
                  detail);
}

void harness_run(harness_suite_fn suite,
                 const struct harness_port *port,
                 const char *url_format,
                 uint32_t flags,
                 int cases_min)
{
    struct harness harness = {.port = port, .url_format = url_format};
    int keeps = (flags & HARNESS_KEEPS) != 0;
    int disk = (flags & HARNESS_DISK) != 0;
    char folder[TEST_PATH_BYTES];
    if (disk) {
        test_temp_dir(folder);
        ck_assert_int_eq(chdir(folder), 0);
    }
    test_env_init(&harness.env,
                  TEST_ENV_SIM_CLOCK | TEST_ENV_SEED | (disk ? 0u : (uint32_t)TEST_ENV_MEM_FS));
    reels_conformance_factory factory = {.struct_size = sizeof factory,
                                         .name = url_format,
                                         .user = &harness,
                                         .open = harness_open,
                                         .close = harness_close,
                                         .reopen = keeps ? harness_reopen : NULL,
                                         .crash = keeps && !disk ? harness_crash : NULL,
                                         .advance = harness_advance};
    uint32_t failed = 0;
    test_ok(&harness.env,
            suite(harness.env.ctx, &factory, harness_report, &harness, &failed, &harness.env.err));
    ck_assert_uint_eq(failed, 0);
    ck_assert_int_ge(harness.passed_count, cases_min);
    test_env_dispose(&harness.env);
    if (disk) {
        ck_assert_int_eq(chdir("/"), 0);
        test_temp_dir_remove(folder);
    }
}
