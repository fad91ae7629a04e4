/* Owns `reels worker`: the long-running roles of a platform, until a signal ends it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "stop.h"

enum {
    CONFIG_BYTES_MAX = 65536, /* what reels_platform_open_json() takes */
    THREADS_MAX = 64
};

struct worker_options {
    const char *data;
    const char *config;
    const char *roles;
    uint64_t threads_count;
    int is_settling;
    int is_verbose;
};

static const struct {
    const char *name;
    uint32_t role;
} roles[] = {
    {"relay", REELS_ROLE_RELAY},
    {"media", REELS_ROLE_MEDIA},
    {"counter", REELS_ROLE_COUNTER},
    {"feed", REELS_ROLE_FEED},
    {"maintenance", REELS_ROLE_MAINTENANCE},
};

/* A line on stderr with its time; the library has cleaned the message of controls. */
static void log_write(void *user, int32_t level, const char *message, size_t message_len)
{
    static const char *const names[] = {"", "error", "warning", "info", "debug"};
    struct timespec now = {0};
    struct tm parts = {0};
    char stamp[32] = "";
    (void)user;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &parts) != NULL) {
        (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
    (void)fprintf(stderr,
                  "%s %s %.*s\n",
                  stamp,
                  level >= 1 && level <= REELS_LOG_DEBUG ? names[level] : "",
                  (int)message_len,
                  message);
}

/* Reads "relay,media" into bits; 0 after a message. */
static uint32_t roles_read(const struct cli_verb *verb, const char *text)
{
    uint32_t bits = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        uint32_t bit = 0;
        for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
            if (strlen(roles[i].name) == len && memcmp(roles[i].name, text, len) == 0) {
                bit = roles[i].role;
            }
        }
        if (bit == 0 || (text[len] == ',' && text[len + 1] == '\0')) {
            (void)cli_usage(verb,
                            "--roles is a list of relay, media, counter, feed and maintenance, "
                            "not '%.*s'",
                            (int)(len < 100 ? len : 100),
                            text);
            return 0;
        }
        bits |= bit;
        text += len + (text[len] == ',' ? 1 : 0);
    }
    return bits;
}

/* Reads a whole file: its bytes, to be freed, or NULL after a message. */
static char *config_read(const char *path, size_t *out_len)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        (void)cli_fail(path, "%s", strerror(errno));
        return NULL;
    }
    char *text = malloc(CONFIG_BYTES_MAX + 1);
    size_t len = text != NULL ? fread(text, 1, CONFIG_BYTES_MAX + 1, file) : 0;
    int failed = text == NULL ? ENOMEM : ferror(file) ? errno : 0;
    (void)fclose(file);
    if (failed != 0 || len > CONFIG_BYTES_MAX) {
        (void)cli_fail(
            path, "%s", failed != 0 ? strerror(failed) : "a configuration has 64 KiB at most");
        free(text);
        return NULL;
    }
    *out_len = len;
    return text;
}

static int platform_open(reels_ctx *ctx, const struct worker_options *options, reels_platform **out)
{
    const char *what = options->data != NULL ? options->data : options->config;
    reels_error err = {.struct_size = sizeof err};
    reels_status status = REELS_OK;
    if (options->data != NULL) {
        reels_platform_config config = {
            .struct_size = sizeof config,
            .data_path = options->data,
            .media_worker_path = cli_worker_path(),
        };
        status = reels_platform_open(ctx, &config, out, &err);
    } else {
        size_t len = 0;
        char *text = config_read(options->config, &len);
        if (text == NULL) {
            return CLI_FAILED;
        }
        status = reels_platform_open_json(ctx, text, len, out, &err);
        free(text);
    }
    return status == REELS_OK ? CLI_OK : cli_fail_status(what, status, &err);
}

static int work(reels_ctx *ctx, const struct worker_options *options, uint32_t role_bits)
{
    reels_platform *platform = NULL;
    if (platform_open(ctx, options, &platform) != CLI_OK) {
        return CLI_FAILED;
    }
    reels_error err = {.struct_size = sizeof err};
    reels_call call = {.struct_size = sizeof call, .cancel = cli_stop_flag()};
    reels_status status =
        options->is_settling
            ? reels_platform_settle(platform, &call, role_bits, &err)
            : reels_platform_run(
                  platform, &call, role_bits, (uint32_t)options->threads_count, &err);
    reels_platform_free(platform);
    /* A signal is how work without an end is ended; work with one was broken off by it. */
    if (status == REELS_OK || (status == REELS_ERR_CANCELLED && !options->is_settling)) {
        return CLI_OK;
    }
    return cli_fail_status("worker", status, &err);
}

static int worker_start(const struct worker_options *options, uint32_t role_bits)
{
    const reels_log log = {
        .struct_size = sizeof log,
        .level_max = options->is_verbose ? REELS_LOG_INFO : REELS_LOG_WARN,
        .write = log_write,
    };
    reels_ctx_options ctx_options = {.struct_size = sizeof ctx_options, .log = &log};
    reels_ctx *ctx = NULL;
    reels_error err = {.struct_size = sizeof err};
    reels_status status = reels_ctx_new(&ctx_options, &ctx, &err);
    if (status != REELS_OK) {
        return cli_fail_status("worker", status, &err);
    }
    int result = cli_stop_begin(ctx, "worker");
    if (result == CLI_OK) {
        result = work(ctx, options, role_bits);
        cli_stop_end();
    }
    reels_ctx_free(ctx);
    return result;
}

static int worker_run(const struct cli_verb *verb, int argc, char **argv)
{
    struct worker_options options = {.threads_count = 2};
    const struct cli_option table[] = {
        {"--data", CLI_TEXT, &options.data, 0, 0},
        {"--config", CLI_TEXT, &options.config, 0, 0},
        {"--roles", CLI_TEXT, &options.roles, 0, 0},
        {"--threads", CLI_NUMBER, &options.threads_count, 1, THREADS_MAX},
        {"--settle", CLI_FLAG, &options.is_settling, 0, 0},
        {"--verbose", CLI_FLAG, &options.is_verbose, 0, 0},
    };
    const struct cli_syntax syntax = {table, sizeof table / sizeof table[0], NULL, 0};
    int result = cli_options_read(verb, argc, argv, &syntax, NULL);
    if (result != CLI_GO_ON) {
        return result;
    }
    if ((options.data == NULL) == (options.config == NULL)) {
        return cli_usage(verb, "one of --data and --config is needed");
    }
    uint32_t role_bits = REELS_ROLES_ALL;
    if (options.roles != NULL) {
        role_bits = roles_read(verb, options.roles);
    } else if (!reels_has_feature("media")) {
        role_bits &= ~(uint32_t)REELS_ROLE_MEDIA;
    }
    return role_bits != 0 ? worker_start(&options, role_bits) : CLI_USAGE;
}

const struct cli_verb cli_verb_worker = {
    .name = "worker",
    .summary = "run the roles of a platform",
    .help =
        "Usage: reels worker (--data DIR | --config FILE) [--roles LIST] [--threads N]\n"
        "                    [--settle] [--verbose]\n"
        "\n"
        "Runs the long-running roles of a platform until SIGINT, SIGTERM or SIGHUP ends it, which\n"
        "is a success. Work that was begun is done again by the next worker. What goes wrong\n"
        "meanwhile is logged on stderr and tried again.\n"
        "\n"
        "  --data DIR     a platform with every default embedded, in this folder\n"
        "  --config FILE  a platform described by a JSON object whose members are named like the\n"
        "                 fields of reels_platform_config\n"
        "  --roles LIST   of relay, media, counter, feed, maintenance (all)\n"
        "  --threads N    1 to 64 (2)\n"
        "  --settle       ends as soon as nothing is left to do\n"
        "  --verbose      logs more\n"
        "\n"
        "The embedded stores belong to one process: a worker on the data folder of a running "
        "server\n"
        "is refused.\n",
    .run = worker_run,
};
