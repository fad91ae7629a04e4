/* Owns the segment-file queue: the store under queue_core.c that keeps topics in folders. */
#include "queue_log.h"

#include <inttypes.h>
#include <string.h>

#include "backend/dir.h"
#include "backend/embedded.h"
#include "backend/port.h"
#include "base/buffer_internal.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"

enum {
    FORMAT_VERSION = 1,
    TOPIC_MAGIC = 0x54514C52, /* "RLQT" */
    TOPIC_VERSION = 1,
    TOPIC_BYTES = 24,
    GROUP_MAGIC = 0x47514C52, /* "RLQG" */
    GROUP_VERSION = 1,
    GROUP_FIXED_BYTES = 16,
    GROUP_SLOT_BYTES = 16,
    GROUP_BYTES_MAX = GROUP_FIXED_BYTES + GROUP_SLOT_BYTES * REELS_QUEUE_PARTITIONS_MAX + 8,
    SEGMENT_BYTES_MIN = 64 * 1024,
    SEGMENT_BYTES_MAX = 1024 * 1024 * 1024,
    SEGMENT_BYTES_DEFAULT = 64 * 1024 * 1024,
    NUMBER_DIGITS_MAX = 15
};

static void log_free(struct reels__log *log)
{
    reels_ctx *ctx = log->store->ctx;
    for (uint32_t i = 0; i < log->parts_ready; i++) {
        reels__part_dispose(&log->parts[i]);
    }
    reels__mem_free(ctx, log->parts);
    reels__mem_free(ctx, log->groups_path);
    reels__mem_free(ctx, log->path);
    reels__mem_free(ctx, log);
}

static reels_status parts_make(struct reels__log *log, uint32_t partitions, reels_error *err)
{
    reels_ctx *ctx = log->store->ctx;
    log->parts = reels__mem_calloc(ctx, partitions, sizeof *log->parts);
    if (log->parts == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    log->parts_count = partitions;
    while (log->parts_ready < partitions) {
        REELS_TRY(reels__part_init(&log->parts[log->parts_ready], log, log->parts_ready, err));
        log->parts_ready++;
    }
    return REELS_OK;
}

static reels_status topic_read(const reels_buf *buf, uint32_t *out_partitions, reels_error *err)
{
    const uint8_t *data = reels_buf_data(buf);
    if (reels_buf_len(buf) != TOPIC_BYTES || reels__le32_get(data) != TOPIC_MAGIC ||
        reels__le64_get(data + 16) != reels__xxh3_64(data, 16, 0)) {
        return reels__fail(err, REELS_ERR_CORRUPT, "the description of the topic is damaged");
    }
    if (reels__le32_get(data + 4) > TOPIC_VERSION) {
        return reels__fail(err, REELS_ERR_UNSUPPORTED, "the topic is of a newer version");
    }
    uint32_t partitions = reels__le32_get(data + 8);
    if (partitions < 1 || partitions > REELS_QUEUE_PARTITIONS_MAX) {
        return reels__fail(err, REELS_ERR_CORRUPT, "the topic has an impossible description");
    }
    *out_partitions = partitions;
    return REELS_OK;
}

/* Makes folders and description of a new topic; the description comes last. */
static reels_status
topic_make(struct reels__log *log, const char *path, uint32_t partitions, reels_error *err)
{
    reels_ctx *ctx = log->store->ctx;
    REELS_TRY(reels__dir_make_durable(ctx, log->path, err));
    REELS_TRY(reels__dir_make_durable(ctx, log->groups_path, err));
    REELS_TRY(parts_make(log, partitions, err));
    for (uint32_t i = 0; i < partitions; i++) {
        reels_status status = ctx->fs.make_dir(ctx->fs.user, log->parts[i].path, err);
        if (status < 0 && status != REELS_ERR_EXISTS) {
            return status;
        }
    }
    REELS_TRY(ctx->fs.sync_dir(ctx->fs.user, log->path, err));
    uint8_t data[TOPIC_BYTES] = {0};
    reels__le32_put(data, TOPIC_MAGIC);
    reels__le32_put(data + 4, TOPIC_VERSION);
    reels__le32_put(data + 8, partitions);
    reels__le64_put(data + 16, reels__xxh3_64(data, 16, 0));
    return reels__file_write_small(ctx, path, data, sizeof data, err);
}

static reels_status
topic_load(struct reels__log *log, const char *path, const reels_buf *buf, reels_error *err)
{
    uint32_t partitions = 0;
    REELS_TRY(topic_read(buf, &partitions, err));
    REELS_TRY(parts_make(log, partitions, err));
    /* Whoever made the topic may have died before its name was durable. */
    REELS_TRY(reels__dir_sync_parent(log->store->ctx, path, err));
    for (uint32_t i = 0; i < partitions; i++) {
        REELS_TRY(reels__part_load(&log->parts[i], err));
    }
    return REELS_OK;
}

static reels_status
topic_find_or_make(struct reels__log *log, uint32_t partitions, reels_error *err)
{
    reels_ctx *ctx = log->store->ctx;
    reels_buf *buf = NULL;
    char *path = reels__path_join(ctx, log->path, "topic", NULL);
    if (path == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    reels_status status = reels_buf_new(ctx, TOPIC_BYTES, &buf, err);
    if (status == REELS_OK) {
        status = reels__file_read_small(ctx, path, TOPIC_BYTES, buf, err);
        if (status == REELS_OK) {
            status = topic_load(log, path, buf, err);
        } else if (status == REELS_ERR_NOT_FOUND && partitions > 0) {
            status = topic_make(log, path, partitions, err);
        } else if (status == REELS_ERR_NOT_FOUND) {
            status = reels__fail(err, status, "no such topic");
        }
    }
    reels_buf_free(buf);
    reels__mem_free(ctx, path);
    return status;
}

static reels_status log_topic_open(void *store_,
                                   const char *topic,
                                   uint32_t partitions,
                                   void **out_log,
                                   uint32_t *out_partitions,
                                   reels_error *err)
{
    struct reels__queue_log *store = store_;
    reels_ctx *ctx = store->ctx;
    struct reels__log *log = reels__mem_zalloc(ctx, sizeof *log);
    if (log == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    log->store = store;
    log->path = reels__path_join(ctx, store->root, topic, NULL);
    log->groups_path = reels__path_join(ctx, store->root, topic, "groups", NULL);
    reels_status status = log->path != NULL && log->groups_path != NULL
                              ? topic_find_or_make(log, partitions, err)
                              : reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    if (status < 0) {
        log_free(log);
        return status;
    }
    pthread_mutex_lock(&store->lock);
    log->next = store->logs;
    store->logs = log;
    pthread_mutex_unlock(&store->lock);
    *out_log = log;
    *out_partitions = log->parts_count;
    return REELS_OK;
}

/* The appends of one call, one per partition that is touched, over one block of encoded records. */
struct appends {
    struct reels__append *items;
    uint32_t *part_of;  /* partition of each item */
    uint32_t *index_of; /* item of each partition, plus one; 0 = not touched */
    uint8_t *raw;
    size_t count;
};

static void appends_dispose(reels_ctx *ctx, struct appends *appends)
{
    reels__mem_free(ctx, appends->items);
    reels__mem_free(ctx, appends->part_of);
    reels__mem_free(ctx, appends->index_of);
    reels__mem_free(ctx, appends->raw);
}

/* Counts what goes where, then gives each partition its stretch of the block. */
static void appends_measure(struct appends *appends, const reels_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const reels_record *record = &records[i];
        uint32_t *index = &appends->index_of[record->partition];
        if (*index == 0) {
            appends->part_of[appends->count] = record->partition;
            appends->items[appends->count].time_min_unix_us = record->time_unix_us;
            appends->items[appends->count].time_max_unix_us = record->time_unix_us;
            *index = (uint32_t)++appends->count;
        }
        struct reels__append *append = &appends->items[*index - 1];
        append->records_count++;
        append->raw_len += reels__record_bytes(record);
        if (record->time_unix_us < append->time_min_unix_us) {
            append->time_min_unix_us = record->time_unix_us;
        }
        if (record->time_unix_us > append->time_max_unix_us) {
            append->time_max_unix_us = record->time_unix_us;
        }
    }
}

static void appends_encode(struct appends *appends, const reels_record *records, size_t count)
{
    uint8_t *at = appends->raw;
    for (size_t i = 0; i < appends->count; i++) {
        struct reels__append *append = &appends->items[i];
        append->raw = at;
        at += append->raw_len;
        append->raw_len = 0;
    }
    for (size_t i = 0; i < count; i++) {
        struct reels__append *append = &appends->items[appends->index_of[records[i].partition] - 1];
        /* raw is const for the writer; here it is still ours. */
        uint8_t *out = appends->raw + (append->raw - appends->raw) + append->raw_len;
        append->raw_len += (size_t)(reels__record_write(out, &records[i]) - out);
    }
}

static reels_status appends_make(struct appends *appends,
                                 struct reels__log *log,
                                 const reels_record *records,
                                 size_t count,
                                 reels_error *err)
{
    reels_ctx *ctx = log->store->ctx;
    size_t items_max = count < log->parts_count ? count : log->parts_count;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += reels__record_bytes(&records[i]);
    }
    appends->items = reels__mem_calloc(ctx, items_max, sizeof *appends->items);
    appends->part_of = reels__mem_calloc(ctx, items_max, sizeof *appends->part_of);
    appends->index_of = reels__mem_calloc(ctx, log->parts_count, sizeof *appends->index_of);
    appends->raw = reels__mem_alloc(ctx, bytes);
    if (appends->items == NULL || appends->part_of == NULL || appends->index_of == NULL ||
        appends->raw == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    appends_measure(appends, records, count);
    appends_encode(appends, records, count);
    return REELS_OK;
}

/* Hands in everything before it waits for anything, so that partitions are written side by side.
 * Once handed in, an append is written whatever the deadline says. */
static reels_status appends_run(struct appends *appends, struct reels__log *log, reels_error *err)
{
    reels_status status = REELS_OK;
    for (size_t i = 0; i < appends->count; i++) {
        reels__part_submit(&log->parts[appends->part_of[i]], &appends->items[i]);
    }
    for (size_t i = 0; i < appends->count; i++) {
        struct reels__append *append = &appends->items[i];
        reels__part_wait(&log->parts[appends->part_of[i]], append);
        if (status == REELS_OK && append->status < 0) {
            status = append->status;
            if (err != NULL && err->struct_size >= sizeof append->err) {
                *err = append->err;
            }
        }
    }
    return status;
}

static reels_status log_append(void *store_,
                               void *log_,
                               const reels_call *call,
                               reels_record *records,
                               size_t records_count,
                               reels_error *err)
{
    struct reels__queue_log *store = store_;
    struct reels__log *log = log_;
    struct appends appends = {0};
    REELS_TRY(reels__call_check(store->ctx, call, err));
    reels_status status = appends_make(&appends, log, records, records_count, err);
    if (status == REELS_OK) {
        status = appends_run(&appends, log, err);
    }
    for (size_t i = 0; i < records_count && status == REELS_OK; i++) {
        struct reels__append *append = &appends.items[appends.index_of[records[i].partition] - 1];
        records[i].offset = append->base++;
    }
    appends_dispose(store->ctx, &appends);
    return status;
}

static reels_status log_read(void *store,
                             void *log_,
                             struct reels__queue_read *read,
                             reels_records *records,
                             reels_error *err)
{
    (void)store;
    struct reels__log *log = log_;
    return reels__part_read(&log->parts[read->partition], read, records, err);
}

static void log_cursor_free(void *store, void *cursor)
{
    reels__part_cursor_free(store, cursor);
}

static void
log_bounds(void *store, void *log_, uint32_t partition, uint64_t *out_oldest, uint64_t *out_end)
{
    (void)store;
    struct reels__log *log = log_;
    struct reels__log_part *part = &log->parts[partition];
    pthread_mutex_lock(&part->lock);
    *out_end = part->end;
    *out_oldest = part->segments_count > 0 ? part->segments[0].base : part->end;
    pthread_mutex_unlock(&part->lock);
}

static reels_status group_read(const reels_buf *buf,
                               struct reels__group_slot *slots,
                               uint32_t slots_count,
                               reels_error *err)
{
    const uint8_t *data = reels_buf_data(buf);
    size_t hashed = GROUP_FIXED_BYTES + (size_t)slots_count * GROUP_SLOT_BYTES;
    if (reels_buf_len(buf) != hashed + 8 || reels__le32_get(data) != GROUP_MAGIC ||
        reels__le32_get(data + 8) != slots_count ||
        reels__le64_get(data + hashed) != reels__xxh3_64(data, hashed, 0)) {
        return reels__fail(err, REELS_ERR_CORRUPT, "the offsets of the group are damaged");
    }
    if (reels__le32_get(data + 4) > GROUP_VERSION) {
        return reels__fail(err, REELS_ERR_UNSUPPORTED, "the group is of a newer version");
    }
    for (uint32_t i = 0; i < slots_count; i++) {
        const uint8_t *at = data + GROUP_FIXED_BYTES + (size_t)i * GROUP_SLOT_BYTES;
        slots[i].next = reels__le64_get(at);
        slots[i].epoch = reels__le32_get(at + 8);
    }
    return REELS_OK;
}

static reels_status log_group_load(void *store_,
                                   void *log_,
                                   const char *group,
                                   struct reels__group_slot *slots,
                                   uint32_t slots_count,
                                   reels_error *err)
{
    struct reels__queue_log *store = store_;
    struct reels__log *log = log_;
    reels_buf *buf = NULL;
    char *path = reels__path_join(store->ctx, log->groups_path, group, NULL);
    if (path == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    reels_status status = reels_buf_new(store->ctx, GROUP_BYTES_MAX, &buf, err);
    if (status == REELS_OK) {
        status = reels__file_read_small(store->ctx, path, GROUP_BYTES_MAX, buf, err);
        if (status == REELS_OK) {
            /* Whoever wrote it may have died before its name was durable. */
            status = reels__dir_sync_parent(store->ctx, path, err);
        }
        if (status == REELS_OK) {
            status = group_read(buf, slots, slots_count, err);
        }
        status = status == REELS_ERR_NOT_FOUND ? REELS_OK : status;
    }
    reels_buf_free(buf);
    reels__mem_free(store->ctx, path);
    return status;
}

static reels_status log_group_save(void *store_,
                                   void *log_,
                                   const char *group,
                                   const struct reels__group_slot *slots,
                                   uint32_t slots_count,
                                   reels_error *err)
{
    struct reels__queue_log *store = store_;
    struct reels__log *log = log_;
    size_t hashed = GROUP_FIXED_BYTES + (size_t)slots_count * GROUP_SLOT_BYTES;
    uint8_t *data = reels__mem_zalloc(store->ctx, hashed + 8);
    char *path = reels__path_join(store->ctx, log->groups_path, group, NULL);
    reels_status status = REELS_ERR_NO_MEMORY;
    if (data == NULL || path == NULL) {
        (void)reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
        goto out;
    }
    reels__le32_put(data, GROUP_MAGIC);
    reels__le32_put(data + 4, GROUP_VERSION);
    reels__le32_put(data + 8, slots_count);
    for (uint32_t i = 0; i < slots_count; i++) {
        uint8_t *at = data + GROUP_FIXED_BYTES + (size_t)i * GROUP_SLOT_BYTES;
        reels__le64_put(at, slots[i].next);
        reels__le32_put(at + 8, slots[i].epoch);
    }
    reels__le64_put(data + hashed, reels__xxh3_64(data, hashed, 0));
    status = reels__file_write_small(store->ctx, path, data, hashed + 8, err);
out:
    reels__mem_free(store->ctx, data);
    reels__mem_free(store->ctx, path);
    return status;
}

static void log_destroy(void *store_)
{
    struct reels__queue_log *store = store_;
    reels_ctx *ctx = store->ctx;
    while (store->logs != NULL) {
        struct reels__log *log = store->logs;
        store->logs = log->next;
        log_free(log);
    }
    while (store->codecs != NULL) {
        struct reels__codec_item *item = store->codecs;
        store->codecs = item->next;
        reels__queue_codec_free(item->codec);
        reels_buf_free(item->buf);
        reels__mem_free(ctx, item);
    }
    if (store->lock_file != NULL) {
        ctx->fs.close(ctx->fs.user, store->lock_file);
    }
    pthread_mutex_destroy(&store->lock);
    reels__mem_free(ctx, store->root);
    reels__mem_free(ctx, store);
}

static const struct reels__queue_store STORE = {
    .destroy = log_destroy,
    .topic_open = log_topic_open,
    .append = log_append,
    .read = log_read,
    .cursor_free = log_cursor_free,
    .bounds = log_bounds,
    .group_load = log_group_load,
    .group_save = log_group_save,
};

/* Reads "name=number" at *at and steps over it and a following "&": 1, or 0 when it is something
 * else. */
static int option_read(const char **at, const char *name, uint64_t *out)
{
    size_t len = strlen(name);
    const char *text = *at;
    if (strncmp(text, name, len) != 0 || text[len] != '=') {
        return 0;
    }
    text += len + 1;
    uint64_t number = 0;
    size_t digits = 0;
    while (digits < NUMBER_DIGITS_MAX && text[digits] >= '0' && text[digits] <= '9') {
        number = number * 10 + (uint64_t)(text[digits] - '0');
        digits++;
    }
    text += digits;
    if (digits == 0 || (*text != '\0' && *text != '&')) {
        return 0;
    }
    *out = number;
    *at = *text == '&' ? text + 1 : text;
    return 1;
}

static reels_status options_read(struct reels__queue_log *store, const char *at, reels_error *err)
{
    uint64_t retain_s = 0;
    store->segment_bytes = SEGMENT_BYTES_DEFAULT;
    while (*at != '\0') {
        int known = option_read(&at, "segment_bytes", &store->segment_bytes) ||
                    option_read(&at, "retain_bytes", &store->retain_bytes) ||
                    option_read(&at, "retain_s", &retain_s);
        REELS_REQUIRE(known, err, "queue url: an option is unknown or not a number");
    }
    REELS_REQUIRE(store->segment_bytes >= SEGMENT_BYTES_MIN &&
                      store->segment_bytes <= SEGMENT_BYTES_MAX,
                  err,
                  "queue url: segment_bytes is not 64 KiB to 1 GiB");
    REELS_REQUIRE(retain_s <= (uint64_t)100 * 365 * 86400, err, "queue url: retain_s is too long");
    store->retain_us = (int64_t)retain_s * 1000000;
    return REELS_OK;
}

static reels_status store_open(struct reels__queue_log *store, const char *rest, reels_error *err)
{
    reels_ctx *ctx = store->ctx;
    const char *query = strchr(rest, '?');
    size_t root_len = query != NULL ? (size_t)(query - rest) : strlen(rest);
    REELS_REQUIRE(root_len > 0, err, "url \"file:\" names no folder");
    REELS_TRY(options_read(store, query != NULL ? query + 1 : "", err));
    store->root = reels__mem_alloc(ctx, root_len + 1);
    if (store->root == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    memcpy(store->root, rest, root_len);
    store->root[root_len] = '\0';
    return reels__store_claim(
        ctx, store->root, "reels-queue", FORMAT_VERSION, &store->lock_file, err);
}

reels_status reels__queue_log_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err)
{
    (void)user;
    struct reels__queue_log *store = reels__mem_zalloc(ctx, sizeof *store);
    if (store == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    store->ctx = ctx;
    if (pthread_mutex_init(&store->lock, NULL) != 0) {
        reels__mem_free(ctx, store);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no lock");
    }
    reels_queue *queue = NULL;
    reels_status status = store_open(store, reels__url_rest(url), err);
    if (status == REELS_OK) {
        status = reels__queue_core_new(ctx, &STORE, store, &queue, err);
    }
    if (status < 0) {
        log_destroy(store);
        return status;
    }
    *out_port = queue;
    return REELS_OK;
}
