/* How fast the embedded queue acknowledges and gives back, and how fast the directory blob store
 * puts, on the disk of the current folder.
 *
 * Peers, in the same run on the same disk: a file to which each record is written and synced by
 * itself (what "durable" costs without group commit), the same bytes read back by read(2), and a
 * copy with the syncs that make it durable. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <reels/backend.h>

enum {
    PAYLOAD_BYTES = 240, /* with key and time about 256 */
    PARTITIONS = 1,
    THREADS_MAX = 8,
    RUN_MS = 1500,
    FILL_RECORDS = 400000,
    FILL_BATCH = 1000,
    OBJECT_BYTES = 8 * 1024 * 1024,
    OBJECTS = 12,
    COPY_BYTES = 128 * 1024 /* as cp does */
};

static char folder[64];

static double now_s(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench-backend: %s: %s\n", what, why);
    exit(1);
}

static void must(reels_status status, const char *what, const reels_error *err)
{
    if (status != REELS_OK) {
        die(what, err->message);
    }
}

static void
report(const char *metric, double value, const char *unit, const char *peer, double peer_value)
{
    (void)printf("{\"bench\": \"backend\", \"metric\": \"%s\", \"value\": %.3f, \"unit\": \"%s\", "
                 "\"peer\": \"%s\", \"peer_value\": %.3f, \"ratio\": %.3f}\n",
                 metric,
                 value,
                 unit,
                 peer,
                 peer_value,
                 peer_value > 0 ? value / peer_value : 0);
    (void)fflush(stdout);
}

struct appender {
    reels_queue *queue;
    pthread_t thread;
    double until_s;
    size_t count;
};

static void *append(void *arg)
{
    struct appender *appender = arg;
    uint8_t payload[PAYLOAD_BYTES];
    reels_error err = {.struct_size = sizeof err};
    memset(payload, 'p', sizeof payload);
    while (now_s() < appender->until_s) {
        uint64_t key = appender->count;
        reels_record record = {.key = (const uint8_t *)&key,
                               .key_len = sizeof key,
                               .payload = payload,
                               .payload_len = sizeof payload};
        must(reels_queue_append(appender->queue, NULL, "bench", &record, 1, &err), "append", &err);
        appender->count++;
    }
    return NULL;
}

static double append_rate(reels_queue *queue, size_t threads_count)
{
    struct appender appenders[THREADS_MAX];
    double begin = now_s();
    size_t total = 0;
    for (size_t i = 0; i < threads_count; i++) {
        appenders[i] = (struct appender){.queue = queue, .until_s = begin + RUN_MS / 1e3};
        if (pthread_create(&appenders[i].thread, NULL, append, &appenders[i]) != 0) {
            die("thread", "refused");
        }
    }
    for (size_t i = 0; i < threads_count; i++) {
        (void)pthread_join(appenders[i].thread, NULL);
        total += appenders[i].count;
    }
    return (double)total / (now_s() - begin);
}

/* Each record written and synced by itself. */
static double synced_writes_rate(void)
{
    char path[96];
    uint8_t record[256];
    memset(record, 'p', sizeof record);
    (void)snprintf(path, sizeof path, "%s/peer.log", folder);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        die(path, strerror(errno));
    }
    size_t count = 0;
    double begin = now_s();
    while (now_s() < begin + RUN_MS / 1e3) {
        if (write(fd, record, sizeof record) != (ssize_t)sizeof record || fdatasync(fd) != 0) {
            die(path, strerror(errno));
        }
        count++;
    }
    double rate = (double)count / (now_s() - begin);
    (void)close(fd);
    return rate;
}

static void fill(reels_queue *queue, reels_error *err)
{
    static reels_record records[FILL_BATCH];
    static uint8_t payloads[FILL_BATCH][PAYLOAD_BYTES];
    static uint64_t keys[FILL_BATCH];
    uint32_t seed = 1;
    for (size_t done = 0; done < FILL_RECORDS; done += FILL_BATCH) {
        for (size_t i = 0; i < FILL_BATCH; i++) {
            /* Half of it repeats, as events do. */
            for (size_t j = 0; j < PAYLOAD_BYTES / 2; j++) {
                seed = seed * 1664525u + 1013904223u;
                payloads[i][j] = (uint8_t)(seed >> 24);
            }
            keys[i] = done + i;
            records[i] = (reels_record){.key = (const uint8_t *)&keys[i],
                                        .key_len = sizeof keys[i],
                                        .payload = payloads[i],
                                        .payload_len = PAYLOAD_BYTES};
        }
        must(reels_queue_append(queue, NULL, "full", records, FILL_BATCH, err), "fill", err);
    }
}

static double poll_rate(reels_ctx *ctx, reels_queue *queue, reels_error *err)
{
    reels_queue_join join = {
        .struct_size = sizeof join, .topic = "full", .group = "g", .consumer = "c"};
    reels_queue_assignment held[PARTITIONS];
    size_t held_count = 0;
    uint64_t consumer = 0;
    uint32_t changed = 0;
    reels_records *records = NULL;
    size_t bytes = 0;
    must(reels_records_new(ctx, 0, &records, err), "records", err);
    must(reels_queue_group_join(queue, NULL, &join, &consumer, err), "join", err);
    must(reels_queue_assigned(queue, NULL, consumer, held, PARTITIONS, &held_count, err),
         "assigned",
         err);
    double begin = now_s();
    size_t count = 0;
    do {
        must(
            reels_queue_poll(queue, NULL, consumer, 10000, 4 * 1024 * 1024, records, &changed, err),
            "poll",
            err);
        count = reels_records_count(records);
        for (size_t i = 0; i < count; i++) {
            reels_record record;
            (void)reels_records_get(records, i, &record);
            bytes += record.key_len + record.payload_len;
        }
    } while (count > 0);
    double rate = (double)bytes / 1e6 / (now_s() - begin);
    reels_records_free(records);
    return rate;
}

/* The same number of bytes from a plain file in the cache, by read(2). */
static double read_rate(void)
{
    static uint8_t space[1024 * 1024];
    char path[96];
    size_t total = (size_t)FILL_RECORDS * (PAYLOAD_BYTES + 8);
    (void)snprintf(path, sizeof path, "%s/peer.read", folder);
    int fd = open(path, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0600);
    memset(space, 'r', sizeof space);
    for (size_t at = 0; fd >= 0 && at < total; at += sizeof space) {
        if (write(fd, space, sizeof space) != (ssize_t)sizeof space) {
            die(path, strerror(errno));
        }
    }
    (void)lseek(fd, 0, SEEK_SET);
    double begin = now_s();
    size_t bytes = 0;
    ssize_t n = 0;
    while ((n = read(fd, space, sizeof space)) > 0) {
        bytes += (size_t)n;
    }
    double rate = (double)bytes / 1e6 / (now_s() - begin);
    (void)close(fd);
    return rate;
}

static void bench_queue(reels_ctx *ctx)
{
    reels_error err = {.struct_size = sizeof err};
    reels_queue *queue = NULL;
    char url[96];
    (void)snprintf(url, sizeof url, "file:%s/queue", folder);
    must(reels_queue_open(ctx, url, &queue, &err), "open", &err);
    must(reels_queue_topic_open(queue, NULL, "bench", PARTITIONS, NULL, &err), "topic", &err);
    must(reels_queue_topic_open(queue, NULL, "full", PARTITIONS, NULL, &err), "topic", &err);
    /* The peer runs before and after, as the disk may be busy with other things too. */
    double peer = synced_writes_rate();
    double one = append_rate(queue, 1);
    double between = synced_writes_rate();
    double eight = append_rate(queue, THREADS_MAX);
    double after = synced_writes_rate();
    report(
        "append_acked_256B_threads_1", one, "records/s", "write_fdatasync", (peer + between) / 2);
    report("append_acked_256B_threads_8",
           eight,
           "records/s",
           "write_fdatasync",
           (between + after) / 2);
    double begin = now_s();
    fill(queue, &err);
    report("append_acked_batches_of_1000",
           FILL_RECORDS / (now_s() - begin),
           "records/s",
           "write_fdatasync",
           after);
    report("poll", poll_rate(ctx, queue, &err), "MB/s", "read", read_rate());
    reels_queue_free(queue);
}

/* A copy that survives a power cut: the file and its name are synced. */
static void copy_durably(const uint8_t *data, size_t number)
{
    char path[96];
    char draft[96];
    (void)snprintf(draft, sizeof draft, "%s/copy/draft", folder);
    (void)snprintf(path, sizeof path, "%s/copy/%zu", folder, number);
    int fd = open(draft, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    int dir = -1;
    for (size_t at = 0; fd >= 0 && at < OBJECT_BYTES; at += COPY_BYTES) {
        if (write(fd, data + at, COPY_BYTES) != COPY_BYTES) {
            die(draft, strerror(errno));
        }
    }
    if (fd < 0 || fdatasync(fd) != 0 || rename(draft, path) != 0) {
        die(path, strerror(errno));
    }
    (void)close(fd);
    (void)snprintf(draft, sizeof draft, "%s/copy", folder);
    dir = open(draft, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || fsync(dir) != 0) {
        die(draft, strerror(errno));
    }
    (void)close(dir);
}

static void bench_blob(reels_ctx *ctx)
{
    reels_error err = {.struct_size = sizeof err};
    reels_blob *blob = NULL;
    char url[96];
    char path[96];
    uint8_t *data = malloc(OBJECT_BYTES);
    if (data == NULL) {
        die("memory", "refused");
    }
    memset(data, 'b', OBJECT_BYTES);
    (void)snprintf(url, sizeof url, "file:%s/blob", folder);
    (void)snprintf(path, sizeof path, "%s/copy", folder);
    (void)mkdir(path, 0700);
    must(reels_blob_open(ctx, url, &blob, &err), "open", &err);
    double ours = 0;
    double theirs = 0;
    /* In turns, and each first in turns, so that both meet the same disk. */
    for (size_t i = 0; i < OBJECTS; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "media/%zu", i);
        for (size_t turn = 0; turn < 2; turn++) {
            double begin = now_s();
            if ((i + turn) % 2 == 0) {
                must(reels_blob_put_bytes(blob, NULL, key, data, OBJECT_BYTES, NULL, &err),
                     "put",
                     &err);
                ours += now_s() - begin;
            } else {
                copy_durably(data, i);
                theirs += now_s() - begin;
            }
        }
    }
    double bytes = (double)OBJECT_BYTES * OBJECTS / 1e6;
    report("blob_put_8MiB", bytes / ours, "MB/s", "write_fsync_rename", bytes / theirs);
    reels_blob_free(blob);
    free(data);
}

static void folder_remove(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry = NULL;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char name[512];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (unlink(name) != 0) {
            folder_remove(name); /* depth is that of the stores: four */
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    (void)rmdir(path);
}

int main(void)
{
    reels_ctx *ctx = NULL;
    (void)snprintf(folder, sizeof folder, "bench-backend-XXXXXX");
    if (mkdtemp(folder) == NULL || reels_ctx_new(NULL, &ctx, NULL) != REELS_OK) {
        die("set-up", strerror(errno));
    }
    bench_queue(ctx);
    bench_blob(ctx);
    reels_ctx_free(ctx);
    folder_remove(folder);
    return 0;
}
