/* Owns the stepping of roles: one step, a loop over steps on some threads, and steps until all is
 * quiet. */
#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/thread.h"
#include "platform_internal.h"

enum {
    ROLES = 5,
    THREADS_MAX = 64,
    STEP_US = 100000, /* budget of one step in a loop */
    NAP_US = 20000,   /* longest sleep, so that a cancel is soon seen */
    BACKOFF_FIRST_US = 100000,
    BACKOFF_MAX_US = 5000000,
    SETTLE_STEP_US = 20000,
    SETTLE_QUIET = 3 /* rounds without work that make it quiet: one role's work feeds another */
};

/* A role in a loop. */
struct loop_role {
    uint32_t role;
    int running; /* on some thread, now; under the loop's lock */
    int64_t due_mono_us;
    int64_t backoff_us;
};

struct loop {
    reels_platform *platform;
    const reels_call *call;
    pthread_mutex_t lock;
    struct loop_role roles[ROLES];
    size_t roles_count;
    reels_status status; /* INTERNAL ends the loop */
};

static reels_status step_role(reels_platform *platform,
                              uint32_t role,
                              int64_t budget_us,
                              int64_t *out_next_due,
                              reels_error *err)
{
    switch (role) {
    case REELS_ROLE_RELAY:
        return reels__relay_step(platform, budget_us, out_next_due, err);
    case REELS_ROLE_MEDIA:
        if (platform->media == NULL) {
            return reels__fail(err, REELS_ERR_UNSUPPORTED, "this build has no media");
        }
        return reels__media_role_step(platform->media, budget_us, out_next_due, err);
    case REELS_ROLE_COUNTER:
        return reels_counter_step(platform->counter, budget_us, out_next_due, err);
    case REELS_ROLE_FEED:
        return reels_feed_step(platform->feed, budget_us, out_next_due, err);
    case REELS_ROLE_MAINTENANCE:
        return reels__maintenance_step(platform, budget_us, out_next_due, err);
    default:
        return reels__fail(err, REELS_ERR_INVALID_ARG, "role must be one REELS_ROLE_* bit");
    }
}

reels_status reels_platform_step(reels_platform *platform,
                                 uint32_t role,
                                 int64_t budget_us,
                                 int64_t *out_next_due,
                                 reels_error *err)
{
    REELS_REQUIRE(
        platform != NULL && out_next_due != NULL, err, "platform and out_next_due are needed");
    REELS_REQUIRE(budget_us >= 0, err, "budget_us must not be negative");
    return step_role(platform, role, budget_us, out_next_due, err);
}

/* ---- the loop ---- */

/* Picks the role that has been due for longest and is not running; NULL when none is due. */
static struct loop_role *pick(struct loop *loop, int64_t now)
{
    struct loop_role *picked = NULL;
    for (size_t i = 0; i < loop->roles_count; i++) {
        struct loop_role *role = &loop->roles[i];
        if (!role->running && role->due_mono_us <= now &&
            (picked == NULL || role->due_mono_us < picked->due_mono_us)) {
            picked = role;
        }
    }
    return picked;
}

static void run_role(struct loop *loop, struct loop_role *role)
{
    reels_error err = REELS__ERROR_INIT;
    int64_t next_due = 0;
    reels_status status = step_role(loop->platform, role->role, STEP_US, &next_due, &err);
    int64_t now = reels_ctx_now_mono_us(loop->platform->ctx);
    if (status < 0) {
        reels__log(loop->platform->ctx,
                   REELS_LOG_ERROR,
                   "role %u: %s: %s",
                   role->role,
                   reels_status_name(status),
                   err.message);
        role->backoff_us = role->backoff_us == 0 ? BACKOFF_FIRST_US : role->backoff_us * 2;
        role->backoff_us = role->backoff_us < BACKOFF_MAX_US ? role->backoff_us : BACKOFF_MAX_US;
        next_due = now + role->backoff_us;
    } else {
        role->backoff_us = 0;
    }
    (void)pthread_mutex_lock(&loop->lock);
    role->due_mono_us = next_due;
    role->running = 0;
    if (status == REELS_ERR_INTERNAL) {
        loop->status = status;
    }
    (void)pthread_mutex_unlock(&loop->lock);
}

/* Until when nothing is due, and NAP_US at the most. */
static int64_t nap_of(const struct loop *loop, int64_t now)
{
    int64_t nap = NAP_US;
    for (size_t i = 0; i < loop->roles_count; i++) {
        int64_t wait = loop->roles[i].due_mono_us - now;
        if (!loop->roles[i].running && wait < nap) {
            nap = wait;
        }
    }
    return nap > 0 ? nap : 0;
}

static void loop_main(void *arg)
{
    struct loop *loop = arg;
    reels_ctx *ctx = loop->platform->ctx;
    while (reels__call_check(ctx, loop->call, NULL) == REELS_OK) {
        int64_t now = reels_ctx_now_mono_us(ctx);
        (void)pthread_mutex_lock(&loop->lock);
        int over = loop->status != REELS_OK;
        struct loop_role *role = over ? NULL : pick(loop, now);
        if (role != NULL) {
            role->running = 1;
        }
        int64_t nap = nap_of(loop, now);
        (void)pthread_mutex_unlock(&loop->lock);
        if (over) {
            return;
        }
        if (role != NULL) {
            run_role(loop, role);
        } else if (nap > 0) {
            ctx->clock.sleep_us(ctx->clock.user, nap);
        }
    }
}

static void add_roles(struct loop *loop, uint32_t roles)
{
    for (uint32_t role = REELS_ROLE_RELAY; role <= REELS_ROLE_MAINTENANCE; role <<= 1) {
        if ((roles & role) != 0) {
            loop->roles[loop->roles_count++] = (struct loop_role){.role = role};
        }
    }
}

static reels_status run_threads(struct loop *loop, uint32_t threads_count, reels_error *err)
{
    struct reels__thread *threads[THREADS_MAX] = {NULL};
    reels_status status = REELS_OK;
    for (uint32_t i = 1; i < threads_count && status == REELS_OK; i++) {
        status = reels__thread_start(loop->platform->ctx, loop_main, loop, &threads[i], err);
    }
    if (status < 0) {
        (void)pthread_mutex_lock(&loop->lock);
        loop->status = status;
        (void)pthread_mutex_unlock(&loop->lock);
    }
    loop_main(loop);
    for (uint32_t i = 1; i < threads_count; i++) {
        reels__thread_join(threads[i]);
    }
    return loop->status;
}

reels_status reels_platform_run(reels_platform *platform,
                                const reels_call *call,
                                uint32_t roles,
                                uint32_t threads_count,
                                reels_error *err)
{
    REELS_REQUIRE(platform != NULL && call != NULL, err, "platform and call are needed");
    REELS_REQUIRE(roles != 0 && (roles & ~(uint32_t)REELS_ROLES_ALL) == 0,
                  err,
                  "roles are REELS_ROLE_* bits");
    REELS_REQUIRE(
        threads_count >= 1 && threads_count <= THREADS_MAX, err, "threads_count is 1..64");
    struct loop loop = {.platform = platform, .call = call};
    if (platform->media == NULL) {
        roles &= ~(uint32_t)REELS_ROLE_MEDIA;
    }
    if (pthread_mutex_init(&loop.lock, NULL) != 0) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no lock for the loop");
    }
    add_roles(&loop, roles);
    reels_status status = run_threads(&loop, threads_count, err);
    (void)pthread_mutex_destroy(&loop.lock);
    if (status == REELS_ERR_INTERNAL) {
        return reels__fail(err, status, "a role is dead: free the platform");
    }
    return status;
}

/* ---- until all is quiet ---- */

/* One step of each role. *out_busy: some role wants to go on at once. */
static reels_status
settle_round(reels_platform *platform, uint32_t roles, int *out_busy, reels_error *err)
{
    *out_busy = 0;
    for (uint32_t role = REELS_ROLE_RELAY; role <= REELS_ROLE_MAINTENANCE; role <<= 1) {
        int64_t next_due = 0;
        if ((roles & role) == 0 || (role == REELS_ROLE_MEDIA && platform->media == NULL)) {
            continue;
        }
        REELS_TRY(step_role(platform, role, SETTLE_STEP_US, &next_due, err));
        *out_busy |= next_due <= reels_ctx_now_mono_us(platform->ctx);
        if (role == REELS_ROLE_COUNTER) {
            REELS_TRY(reels_counter_flush(platform->counter, err));
        }
    }
    return REELS_OK;
}

reels_status reels_platform_settle(reels_platform *platform,
                                   const reels_call *call,
                                   uint32_t roles,
                                   reels_error *err)
{
    REELS_REQUIRE(platform != NULL, err, "platform is NULL");
    REELS_REQUIRE(roles != 0 && (roles & ~(uint32_t)REELS_ROLES_ALL) == 0,
                  err,
                  "roles are REELS_ROLE_* bits");
    int quiet = 0;
    while (quiet < SETTLE_QUIET) {
        int busy = 0;
        REELS_TRY(reels__call_check(platform->ctx, call, err));
        REELS_TRY(settle_round(platform, roles, &busy, err));
        quiet = busy ? 0 : quiet + 1;
    }
    return REELS_OK;
}
