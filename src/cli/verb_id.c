/* Owns `reels id`: IDs from a node whose state file is locked meanwhile. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"

enum {
    BATCH = 4096,
    REGION_MAX = (1 << REELS_ID_REGION_BITS) - 1,
    NODE_MAX = (1 << (REELS_ID_NODE_BITS - REELS_ID_REGION_BITS)) - 1,
    BUSY_WAIT_MS = 20,
    BUSY_WAITS_MAX = 500 /* ten seconds */
};

static const uint64_t count_max = 1000000000;

struct id_options {
    uint64_t count;
    uint64_t region;
    uint64_t node;
    const char *state;
    int as_text;
    int as_json;
};

/* Waits for its turn while another process holds the state file. */
static reels_status generator_open(reels_ctx *ctx,
                                   const reels_id_options *options,
                                   reels_id_generator **out,
                                   reels_error *err)
{
    const struct timespec pause = {.tv_nsec = BUSY_WAIT_MS * 1000000L};
    reels_status status = reels_id_generator_new(ctx, options, NULL, out, err);
    for (int i = 0; i < BUSY_WAITS_MAX && status == REELS_ERR_BUSY; i++) {
        (void)nanosleep(&pause, NULL);
        status = reels_id_generator_new(ctx, options, NULL, out, err);
    }
    return status;
}

static void id_print(const struct id_options *options, uint64_t id, int is_first)
{
    char text[32];
    if (options->as_text) {
        (void)reels_id_text_write(id, text, sizeof text, NULL);
    } else {
        (void)snprintf(text, sizeof text, "%" PRIu64, id);
    }
    if (options->as_json) {
        (void)printf("%s\"%s\"", is_first ? "" : ", ", text);
    } else {
        (void)puts(text);
    }
}

static int ids_print(reels_id_generator *generator, const struct id_options *options)
{
    static uint64_t ids[BATCH];
    reels_error err = {.struct_size = sizeof err};
    uint64_t done = 0;
    /* With stdout gone there is nobody to mint for. */
    while (done < options->count && !ferror(stdout)) {
        uint64_t left = options->count - done;
        size_t count = left < BATCH ? (size_t)left : BATCH;
        reels_status status = reels_id_next_many(generator, NULL, count, ids, &err);
        if (status != REELS_OK) {
            return cli_fail_status("id", status, &err);
        }
        for (size_t i = 0; i < count; i++) {
            id_print(options, ids[i], done + i == 0);
        }
        done += count;
    }
    return CLI_OK;
}

static int state_path(const struct id_options *options, char *out, size_t capacity)
{
    static char folder[CLI_PATH_BYTES];
    int len = -1;
    if (options->state != NULL) {
        len = snprintf(out, capacity, "%s", options->state);
    } else if (cli_state_dir(folder) != CLI_OK) {
        return cli_fail("id", "%s", folder);
    } else {
        /* Each node has its own file: one for several would make them wait for each other. */
        len = snprintf(out,
                       capacity,
                       "%s/id-%u-%u.lease",
                       folder,
                       (unsigned)options->region,
                       (unsigned)options->node);
    }
    if (len < 0 || (size_t)len >= capacity) {
        return cli_fail("id", "the path of the state file is too long");
    }
    return CLI_OK;
}

static int mint(reels_ctx *ctx, const struct id_options *options, const char *path)
{
    const reels_id_lease_vtable *lease = NULL;
    void *impl = NULL;
    reels_id_generator *generator = NULL;
    reels_error err = {.struct_size = sizeof err};
    reels_status status = reels_id_lease_file_new(ctx, path, &lease, &impl, &err);
    if (status != REELS_OK) {
        return cli_fail_status("id", status, &err);
    }
    /* Short: what a kill costs the next start. */
    reels_id_options id_options = {
        .struct_size = sizeof id_options,
        .region = (uint32_t)options->region,
        .node = (uint32_t)options->node,
        .lease = lease,
        .lease_impl = impl,
        .lease_duration_us = 1000000,
    };
    status = generator_open(ctx, &id_options, &generator, &err);
    if (status != REELS_OK) {
        lease->destroy(impl);
        return cli_fail_status("id", status, &err);
    }
    (void)fputs(options->as_json ? "{\"ids\": [" : "", stdout);
    int result = ids_print(generator, options);
    (void)fputs(options->as_json ? "]}\n" : "", stdout);
    reels_id_generator_free(generator);
    return result;
}

static int id_run(const struct cli_verb *verb, int argc, char **argv)
{
    struct id_options options = {.count = 1};
    const struct cli_option table[] = {
        {"--count", CLI_NUMBER, &options.count, 1, count_max},
        {"--region", CLI_NUMBER, &options.region, 0, REGION_MAX},
        {"--node", CLI_NUMBER, &options.node, 0, NODE_MAX},
        {"--state", CLI_TEXT, &options.state, 0, 0},
        {"--text", CLI_FLAG, &options.as_text, 0, 0},
        {"--json", CLI_FLAG, &options.as_json, 0, 0},
    };
    const struct cli_syntax syntax = {table, sizeof table / sizeof table[0], NULL, 0};
    int result = cli_options_read(verb, argc, argv, &syntax, NULL);
    if (result != CLI_GO_ON) {
        return result;
    }
    static char path[CLI_PATH_BYTES + 64];
    if (state_path(&options, path, sizeof path) != CLI_OK) {
        return CLI_FAILED;
    }
    reels_ctx *ctx = cli_ctx_new("id");
    if (ctx == NULL) {
        return CLI_FAILED;
    }
    result = mint(ctx, &options, path);
    reels_ctx_free(ctx);
    return result;
}

const struct cli_verb cli_verb_id = {
    .name = "id",
    .summary = "mint IDs",
    .help =
        "Usage: reels id [--count N] [--region R] [--node N] [--state FILE] [--text] [--json]\n"
        "\n"
        "Mints unique 64-bit IDs that sort by time, one a line.\n"
        "\n"
        "  --count N     how many, 1 to 1000000000 (1)\n"
        "  --region R    region, 0 to 31 (0)\n"
        "  --node N      node in the region, 0 to 31 (0)\n"
        "  --state FILE  remembers how far IDs were given, and is locked meanwhile; others wait\n"
        "                up to ten seconds for their turn\n"
        "                ($XDG_STATE_HOME/reels/id-R-N.lease, by default below ~/.local/state)\n"
        "  --text        the 13-character form, which sorts as text\n"
        "  --json        one object: {\"ids\": [\"...\"]}\n"
        "\n"
        "No ID comes twice as long as each region and node has one state file.\n",
    .run = id_run,
};
