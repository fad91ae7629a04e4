/* Owns the two workloads under which the SQLite backends are broken: a catalog whose commits write
 * two rows and an event each, and a stats store that counts up. Both can be run while things fail,
 * and say afterwards whether every promise was kept. */
#ifndef REELS_TESTS_UNIT_BACKEND_SQL_WORLD_H
#define REELS_TESTS_UNIT_BACKEND_SQL_WORLD_H

#include <reels/backend.h>

enum {
    WORLD_STEPS = 10,
    WORLD_BODY_BYTES = 1500,
    WORLD_BODY_BYTES_LARGE = 700000 /* the log is moved into the main file every few steps */
};

/* How many of the steps are done: all, unless a test needs its lives short. */
extern int world_steps;

/* Of each row, and of the dedupe state; one of the two above. */
extern size_t world_body_bytes;

/* Called before a run closes its port, if it is set: what happens there is a kill or a power cut.
 */
extern void (*world_before_close)(void);

/* What the caller was told. */
struct world_told {
    int opened;
    int acknowledged[WORLD_STEPS];
    int failures_count; /* calls that did not succeed */
    reels_status last_failure;
    int32_t last_errno;
};

struct world {
    const char *name;
    const char *url;
    /* Opens, runs all steps and closes. A call that fails is tried again `tries` times in all, as a
     * caller would: with the same token, from the stored offset. */
    void (*run)(reels_ctx *ctx, const char *url, int tries, struct world_told *told);
    /* Opens and asserts (Check): what was acknowledged is there, everything else in full or not at
     * all, and the store still works. */
    void (*verify)(reels_ctx *ctx, const char *url, const struct world_told *told);
};

extern const struct world world_catalog;
extern const struct world world_stats;

/* The catalog's table, and one commit of it. */
extern const reels_table world_table;
reels_status
world_commit(reels_catalog *catalog, int step, reels_commit_result *out, reels_error *err);

#endif
