/* Owns `reels doctor`: whether what the library needs is there and works. */
#include <stdarg.h>
#include <string.h>

#include "doctor.h"

enum {
    SCHEMA_BYTES_MAX = 16 << 20
};

static const char *const result_names[] = {"ok", "warn", "fail"};

void doctor_add(
    struct doctor *doctor, const char *name, enum doctor_result result, const char *format, ...)
{
    if (doctor->checks_count == DOCTOR_CHECKS_MAX) {
        return;
    }
    struct doctor_check *check = &doctor->checks[doctor->checks_count++];
    check->name = name;
    check->result = result;
    va_list args;
    va_start(args, format);
    if (vsnprintf(check->detail, sizeof check->detail, format, args) < 0) {
        check->detail[0] = '\0';
    }
    va_end(args);
}

static size_t count_of(const struct doctor *doctor, enum doctor_result result)
{
    size_t count = 0;
    for (size_t i = 0; i < doctor->checks_count; i++) {
        count += doctor->checks[i].result == result ? 1 : 0;
    }
    return count;
}

static void library_text(void *user, const char *name, const char *version)
{
    (void)user;
    (void)printf("      %-18s %s\n", name, version);
}

static void text_print(const struct doctor *doctor)
{
    (void)printf("reels %s\n", reels_version_text());
    (void)printf("      %-18s %s\n", "media", reels_has_feature("media") ? "yes" : "no");
    doctor_libraries(library_text, NULL);
    for (size_t i = 0; i < doctor->checks_count; i++) {
        const struct doctor_check *check = &doctor->checks[i];
        (void)printf("%-5s %-18s ", result_names[check->result], check->name);
        cli_text_print(stdout, check->detail);
        (void)putchar('\n');
    }
}

static void library_json(void *user, const char *name, const char *version)
{
    int *count = user;
    (void)fputs((*count)++ == 0 ? "{\"name\": " : ", {\"name\": ", stdout);
    cli_json_text(stdout, name);
    (void)fputs(", \"version\": ", stdout);
    cli_json_text(stdout, version);
    (void)putchar('}');
}

static void json_print(const struct doctor *doctor)
{
    int count = 0;
    (void)printf("{\"ok\": %s, \"version\": ",
                 count_of(doctor, DOCTOR_FAIL) == 0 ? "true" : "false");
    cli_json_text(stdout, reels_version_text());
    (void)printf(", \"features\": {\"media\": %s}, \"libraries\": [",
                 reels_has_feature("media") ? "true" : "false");
    doctor_libraries(library_json, &count);
    (void)fputs("], \"checks\": [", stdout);
    for (size_t i = 0; i < doctor->checks_count; i++) {
        const struct doctor_check *check = &doctor->checks[i];
        (void)printf("%s{\"name\": \"%s\", \"result\": \"%s\", \"detail\": ",
                     i == 0 ? "" : ", ",
                     check->name,
                     result_names[check->result]);
        cli_json_text(stdout, check->detail);
        (void)putchar('}');
    }
    (void)fputs("]}\n", stdout);
}

/* Prints the descriptors of tables, topics and counters. */
static int schema_print(reels_ctx *ctx)
{
    reels_buf *buf = NULL;
    reels_error err = {.struct_size = sizeof err};
    reels_status status = reels_buf_new(ctx, SCHEMA_BYTES_MAX, &buf, &err);
    if (status == REELS_OK) {
        status = reels_platform_schema(ctx, buf, &err);
    }
    if (status == REELS_OK) {
        (void)fwrite(reels_buf_data(buf), 1, reels_buf_len(buf), stdout);
        (void)fputc('\n', stdout);
    }
    reels_buf_free(buf);
    return status == REELS_OK ? CLI_OK : cli_fail_status("doctor", status, &err);
}

static int doctor_run(const struct cli_verb *verb, int argc, char **argv)
{
    static struct doctor doctor;
    int as_json = 0;
    int is_schema = 0;
    const struct cli_option table[] = {
        {"--json", CLI_FLAG, &as_json, 0, 0},
        {"--schema", CLI_FLAG, &is_schema, 0, 0},
    };
    const struct cli_syntax syntax = {table, sizeof table / sizeof table[0], NULL, 0};
    int result = cli_options_read(verb, argc, argv, &syntax, NULL);
    if (result != CLI_GO_ON) {
        return result;
    }
    memset(&doctor, 0, sizeof doctor);
    doctor.ctx = cli_ctx_new("doctor");
    if (doctor.ctx == NULL) {
        return CLI_FAILED;
    }
    if (is_schema) {
        result = schema_print(doctor.ctx);
        reels_ctx_free(doctor.ctx);
        return result;
    }
    doctor_check_clock(&doctor);
    doctor_check_folders(&doctor);
    doctor_check_media(&doctor);
    doctor_check_sandbox(&doctor);
    if (as_json) {
        json_print(&doctor);
    } else {
        text_print(&doctor);
    }
    reels_ctx_free(doctor.ctx);
    size_t failed = count_of(&doctor, DOCTOR_FAIL);
    if (failed > 0) {
        return cli_fail("doctor", "%zu %s", failed, failed == 1 ? "check failed" : "checks failed");
    }
    return CLI_OK;
}

const struct cli_verb cli_verb_doctor = {
    .name = "doctor",
    .summary = "check that everything the library needs is there",
    .help =
        "Usage: reels doctor [--json] [--schema]\n"
        "\n"
        "Prints the versions of the library and of those behind it, and checks the clocks, the\n"
        "folders used by default, the encoders, the media worker and the kernel's means to\n"
        "isolate it. A line begins with ok, warn (works, not as it should) or fail; any fail\n"
        "makes the exit status 1.\n"
        "\n"
        "  --json  one object\n",
    .run = doctor_run,
};
