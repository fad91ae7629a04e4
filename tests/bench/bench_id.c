/* How fast IDs are minted, and that none comes twice.
 *
 * The peer is the Snowflake generator as most libraries write it (one lock around clock, last time
 * and sequence, a spin until the next millisecond when the sequence is full), compiled with the
 * same flags and measured in the same run. The cost of one call is taken with a sequence that
 * cannot fill up (20 bits); rates, duplicates and processor time with the default one, whose bound
 * is 4096 a millisecond. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <reels/id.h>

enum {
    THREADS_MAX = 8,
    CALLS = 16384, /* short enough to fit between two switches of a busy machine */
    ROUNDS = 500,
    RUN_MS = 500,
    BATCH = 256,
    LONG_SEQUENCE_BITS = 20
};

static const int64_t second_ns = 1000000000;

static int64_t clock_ns(clockid_t id)
{
    struct timespec now = {0};
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * second_ns + now.tv_nsec;
}

static int64_t cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static void
report(const char *metric, double value, const char *unit, const char *peer, double peer_value)
{
    (void)printf("{\"bench\": \"id\", \"metric\": \"%s\", \"value\": %.3f, \"unit\": \"%s\", "
                 "\"peer\": \"%s\", \"peer_value\": %.3f, \"ratio\": %.3f}\n",
                 metric,
                 value,
                 unit,
                 peer,
                 peer_value,
                 peer_value != 0 ? value / peer_value : 0);
    (void)fflush(stdout);
}

/* The peer. */
struct classic {
    pthread_mutex_t lock;
    int64_t last_ms;
    uint64_t sequence;
    uint64_t node;
    uint32_t sequence_bits;
};

static int64_t classic_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - REELS_ID_EPOCH_UNIX_US / 1000;
}

static uint64_t classic_next(struct classic *classic)
{
    (void)pthread_mutex_lock(&classic->lock);
    int64_t now = classic_ms();
    if (now == classic->last_ms) {
        classic->sequence = (classic->sequence + 1) & ((UINT64_C(1) << classic->sequence_bits) - 1);
        while (classic->sequence == 0 && now <= classic->last_ms) {
            now = classic_ms();
        }
    } else {
        classic->sequence = 0;
    }
    classic->last_ms = now;
    uint64_t id = (uint64_t)now << (10 + classic->sequence_bits) |
                  classic->node << classic->sequence_bits | classic->sequence;
    (void)pthread_mutex_unlock(&classic->lock);
    return id;
}

/* What one thread minted; one of the two sources is set. */
struct minter {
    pthread_t thread;
    reels_id_generator *generator;
    struct classic *classic;
    uint64_t *ids;
    size_t capacity;
    size_t count;
    int64_t until_ns;
};

static void *mint(void *arg)
{
    struct minter *minter = arg;
    while (minter->count < minter->capacity) {
        /* The clock of the measurement is read rarely. */
        if (minter->count % 1024 == 0 && clock_ns(CLOCK_MONOTONIC) >= minter->until_ns) {
            break;
        }
        uint64_t id = 0;
        if (minter->classic != NULL) {
            id = classic_next(minter->classic);
        } else if (reels_id_next(minter->generator, NULL, &id, NULL) != REELS_OK) {
            break;
        }
        minter->ids[minter->count++] = id;
    }
    return NULL;
}

static int id_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

struct outcome {
    double ids_per_ms;
    double duplicates;
    double cpu_share; /* processors kept busy */
};

static size_t duplicates_count(struct minter *minters, size_t threads_count)
{
    size_t total = 0;
    for (size_t i = 0; i < threads_count; i++) {
        total += minters[i].count;
    }
    uint64_t *all = malloc(total * sizeof *all + 1);
    if (all == NULL) {
        exit(1);
    }
    size_t at = 0;
    for (size_t i = 0; i < threads_count; i++) {
        memcpy(all + at, minters[i].ids, minters[i].count * sizeof *all);
        at += minters[i].count;
    }
    qsort(all, total, sizeof *all, id_compare);
    size_t duplicates = 0;
    for (size_t i = 1; i < total; i++) {
        duplicates += all[i] == all[i - 1] ? 1 : 0;
    }
    free(all);
    return duplicates;
}

static struct outcome
run_threads(reels_id_generator *generator, struct classic *classic, size_t threads_count)
{
    static struct minter minters[THREADS_MAX];
    size_t capacity = (size_t)4096 * (RUN_MS + 50);
    memset(minters, 0, sizeof minters);
    int64_t start_ns = clock_ns(CLOCK_MONOTONIC);
    int64_t start_cpu_ns = cpu_ns();
    for (size_t i = 0; i < threads_count; i++) {
        minters[i] = (struct minter){
            .generator = generator,
            .classic = classic,
            .ids = malloc(capacity * sizeof(uint64_t)),
            .capacity = capacity,
            .until_ns = start_ns + (int64_t)RUN_MS * 1000000,
        };
        if (minters[i].ids == NULL ||
            pthread_create(&minters[i].thread, NULL, mint, &minters[i]) != 0) {
            exit(1);
        }
    }
    size_t total = 0;
    for (size_t i = 0; i < threads_count; i++) {
        (void)pthread_join(minters[i].thread, NULL);
        total += minters[i].count;
    }
    double took_ns = (double)(clock_ns(CLOCK_MONOTONIC) - start_ns);
    struct outcome outcome = {
        .ids_per_ms = (double)total / took_ns * 1e6,
        .cpu_share = (double)(cpu_ns() - start_cpu_ns) / took_ns,
        .duplicates = (double)duplicates_count(minters, threads_count),
    };
    for (size_t i = 0; i < threads_count; i++) {
        free(minters[i].ids);
    }
    return outcome;
}

static reels_id_generator *make(reels_ctx *ctx, uint32_t sequence_bits)
{
    reels_id_layout layout = {
        .struct_size = sizeof layout,
        .time_bits = 41,
        .node_bits = 63 - 41 - sequence_bits < 10 ? 63 - 41 - sequence_bits : 10,
        .sequence_bits = sequence_bits,
    };
    reels_id_options options = {.struct_size = sizeof options, .layout = &layout};
    reels_id_generator *generator = NULL;
    reels_error err = {.struct_size = sizeof err};
    if (reels_id_generator_new(ctx, &options, NULL, &generator, &err) != REELS_OK) {
        (void)fprintf(stderr, "bench-id: %s\n", err.message);
        exit(1);
    }
    return generator;
}

/* Costs of one call in nanoseconds: the best of some rounds, each taken side by side. */
struct costs {
    double ours;
    double batched;
    double classic;
    double clock;
};

static double least(double a, double b)
{
    return b < a ? b : a;
}

static struct costs run_costs(reels_id_generator *generator, struct classic *classic)
{
    struct costs costs = {1e9, 1e9, 1e9, 1e9};
    uint64_t sum = 0;
    static uint64_t batch[BATCH];
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = clock_ns(CLOCK_MONOTONIC);
        for (int i = 0; i < CALLS; i++) {
            uint64_t id = 0;
            (void)reels_id_next(generator, NULL, &id, NULL);
            sum += id;
        }
        costs.ours = least(costs.ours, (double)(clock_ns(CLOCK_MONOTONIC) - start) / CALLS);
        start = clock_ns(CLOCK_MONOTONIC);
        for (int i = 0; i < CALLS / BATCH; i++) {
            (void)reels_id_next_many(generator, NULL, BATCH, batch, NULL);
            sum += batch[0];
        }
        costs.batched = least(
            costs.batched, (double)(clock_ns(CLOCK_MONOTONIC) - start) / (CALLS / BATCH) / BATCH);
        start = clock_ns(CLOCK_MONOTONIC);
        for (int i = 0; i < CALLS; i++) {
            sum += classic_next(classic);
        }
        costs.classic = least(costs.classic, (double)(clock_ns(CLOCK_MONOTONIC) - start) / CALLS);
        start = clock_ns(CLOCK_MONOTONIC);
        for (int i = 0; i < CALLS; i++) {
            sum += (uint64_t)clock_ns(CLOCK_REALTIME);
        }
        costs.clock = least(costs.clock, (double)(clock_ns(CLOCK_MONOTONIC) - start) / CALLS);
    }
    if (sum == 0) {
        (void)fprintf(stderr, "bench-id: no IDs\n");
    }
    return costs;
}

static pthread_mutex_t rest_lock = PTHREAD_MUTEX_INITIALIZER;

static void *rest(void *arg)
{
    (void)pthread_mutex_lock(&rest_lock);
    (void)pthread_mutex_unlock(&rest_lock);
    return arg;
}

int main(void)
{
    reels_ctx *ctx = NULL;
    if (reels_ctx_new(NULL, &ctx, NULL) != REELS_OK) {
        return 1;
    }
    struct classic classic = {.sequence_bits = LONG_SEQUENCE_BITS};
    (void)pthread_mutex_init(&classic.lock, NULL);
    reels_id_generator *generator = make(ctx, LONG_SEQUENCE_BITS);
    /* A second thread that rests: glibc's lock leaves out its atomics in a process of one thread,
     * which no server is. */
    pthread_t resting;
    (void)pthread_mutex_lock(&rest_lock);
    if (pthread_create(&resting, NULL, rest, NULL) != 0) {
        return 1;
    }
    struct costs costs = run_costs(generator, &classic);
    (void)pthread_mutex_unlock(&rest_lock);
    (void)pthread_join(resting, NULL);
    reels_id_generator_free(generator);
    report("next_uncontended", costs.ours, "ns/call", "mutex_snowflake", costs.classic);
    report("next_uncontended_over_clock", costs.ours, "ns/call", "clock_gettime", costs.clock);
    report("next_many_256", costs.batched, "ns/id", "mutex_snowflake", costs.classic);

    generator = make(ctx, REELS_ID_SEQUENCE_BITS);
    classic.sequence_bits = REELS_ID_SEQUENCE_BITS;
    for (size_t threads = 1; threads <= THREADS_MAX; threads *= 2) {
        struct outcome ours = run_threads(generator, NULL, threads);
        struct outcome theirs = run_threads(NULL, &classic, threads);
        char metric[64];
        (void)snprintf(metric, sizeof metric, "rate_threads_%zu", threads);
        report(metric, ours.ids_per_ms, "ids/ms", "mutex_snowflake", theirs.ids_per_ms);
        (void)snprintf(metric, sizeof metric, "duplicates_threads_%zu", threads);
        report(metric, ours.duplicates, "ids", "mutex_snowflake", theirs.duplicates);
        (void)snprintf(metric, sizeof metric, "processors_busy_threads_%zu", threads);
        report(metric, ours.cpu_share, "processors", "mutex_snowflake", theirs.cpu_share);
    }
    reels_id_generator_free(generator);
    (void)pthread_mutex_destroy(&classic.lock);
    reels_ctx_free(ctx);
    return 0;
}
