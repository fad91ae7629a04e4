/* Owns the queue in memory: the least that queue_core.c needs of a store. It forgets at free.
 * Records are copied once and never move, so that they can be handed over without the lock. */
#include <pthread.h>
#include <string.h>

#include "backend/embedded.h"
#include "backend/queue_core.h"
#include "backend/record_internal.h"
#include "base/error.h"
#include "base/mem.h"

struct mem_record {
    int64_t time_unix_us;
    size_t key_len;
    size_t payload_len;
    uint8_t bytes[]; /* key, payload */
};

struct mem_part {
    struct mem_record **records;
    size_t count;
    size_t capacity;
};

struct mem_log {
    struct mem_log *next;
    struct mem_part *parts;
    uint32_t parts_count;
};

struct queue_mem {
    reels_ctx *ctx;
    pthread_mutex_t lock;
    struct mem_log *logs;
};

static reels_status mem_topic_open(void *store,
                                   const char *topic,
                                   uint32_t partitions,
                                   void **out_log,
                                   uint32_t *out_partitions,
                                   reels_error *err)
{
    (void)topic;
    struct queue_mem *mem = store;
    if (partitions == 0) {
        return reels__fail(err, REELS_ERR_NOT_FOUND, "no such topic");
    }
    struct mem_log *log = reels__mem_zalloc(mem->ctx, sizeof *log);
    struct mem_part *parts = reels__mem_calloc(mem->ctx, partitions, sizeof *parts);
    if (log == NULL || parts == NULL) {
        reels__mem_free(mem->ctx, log);
        reels__mem_free(mem->ctx, parts);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    log->parts = parts;
    log->parts_count = partitions;
    pthread_mutex_lock(&mem->lock);
    log->next = mem->logs;
    mem->logs = log;
    pthread_mutex_unlock(&mem->lock);
    *out_log = log;
    *out_partitions = partitions;
    return REELS_OK;
}

static struct mem_record *record_copy(reels_ctx *ctx, const reels_record *record)
{
    struct mem_record *copy =
        reels__mem_alloc(ctx, sizeof *copy + record->key_len + record->payload_len);
    if (copy != NULL) {
        copy->time_unix_us = record->time_unix_us;
        copy->key_len = record->key_len;
        copy->payload_len = record->payload_len;
        memcpy(copy->bytes, record->key, record->key_len);
        if (record->payload_len > 0) {
            memcpy(copy->bytes + record->key_len, record->payload, record->payload_len);
        }
    }
    return copy;
}

/* Under the lock: makes room for all, so that nothing can fail half-way. */
static reels_status room_make(struct queue_mem *mem,
                              struct mem_log *log,
                              const reels_record *records,
                              size_t count,
                              reels_error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct mem_part *part = &log->parts[records[i].partition];
        void *items = part->records;
        REELS_TRY(reels__array_reserve(mem->ctx,
                                       &items,
                                       &part->capacity,
                                       part->count + count,
                                       sizeof(struct mem_record *),
                                       err));
        part->records = items;
    }
    return REELS_OK;
}

static reels_status mem_append(void *store,
                               void *log_,
                               const reels_call *call,
                               reels_record *records,
                               size_t records_count,
                               reels_error *err)
{
    (void)call;
    struct queue_mem *mem = store;
    struct mem_log *log = log_;
    size_t made = 0;
    struct mem_record **copies =
        reels__mem_calloc(mem->ctx, records_count, sizeof(struct mem_record *));
    while (copies != NULL && made < records_count &&
           (copies[made] = record_copy(mem->ctx, &records[made])) != NULL) {
        made++;
    }
    reels_status status = copies != NULL && made == records_count
                              ? REELS_OK
                              : reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    pthread_mutex_lock(&mem->lock);
    if (status == REELS_OK) {
        status = room_make(mem, log, records, records_count, err);
    }
    for (size_t i = 0; i < records_count && status == REELS_OK; i++) {
        struct mem_part *part = &log->parts[records[i].partition];
        records[i].offset = part->count;
        part->records[part->count++] = copies[i];
    }
    pthread_mutex_unlock(&mem->lock);
    for (size_t i = 0; i < made && status != REELS_OK; i++) {
        reels__mem_free(mem->ctx, copies[i]);
    }
    reels__mem_free(mem->ctx, copies);
    return status;
}

static const struct mem_record *
record_at(struct queue_mem *mem, const struct mem_part *part, uint64_t offset)
{
    pthread_mutex_lock(&mem->lock);
    const struct mem_record *record = offset < part->count ? part->records[offset] : NULL;
    pthread_mutex_unlock(&mem->lock);
    return record;
}

static reels_status mem_read(void *store,
                             void *log_,
                             struct reels__queue_read *read,
                             reels_records *records,
                             reels_error *err)
{
    struct queue_mem *mem = store;
    struct mem_log *log = log_;
    const struct mem_part *part = &log->parts[read->partition];
    while (read->records_max > 0) {
        const struct mem_record *found = record_at(mem, part, read->next);
        if (found == NULL) {
            break;
        }
        uint64_t bytes = found->key_len + found->payload_len;
        if (!read->is_first && bytes > read->bytes_max) {
            read->records_max = 0;
            break;
        }
        reels_record record = {.partition = read->partition,
                               .epoch = read->epoch,
                               .offset = read->next,
                               .time_unix_us = found->time_unix_us,
                               .topic = read->topic,
                               .key = found->bytes,
                               .key_len = found->key_len,
                               .payload = found->bytes + found->key_len,
                               .payload_len = found->payload_len};
        reels_error *detail = read->is_first ? err : NULL;
        reels_status status = reels_records_add(records, &record, detail);
        if (status < 0) {
            return read->is_first ? status : REELS_OK;
        }
        read->is_first = 0;
        read->records_max--;
        read->bytes_max -= bytes < read->bytes_max ? bytes : read->bytes_max;
        read->next++;
    }
    return REELS_OK;
}

static void mem_cursor_free(void *store, void *cursor)
{
    (void)store;
    (void)cursor;
}

static void
mem_bounds(void *store, void *log_, uint32_t partition, uint64_t *out_oldest, uint64_t *out_end)
{
    struct queue_mem *mem = store;
    struct mem_log *log = log_;
    pthread_mutex_lock(&mem->lock);
    *out_oldest = 0;
    *out_end = log->parts[partition].count;
    pthread_mutex_unlock(&mem->lock);
}

/* The core keeps groups as long as the queue lives, which is as long as this store promises. */
static reels_status mem_group_load(void *store,
                                   void *log,
                                   const char *group,
                                   struct reels__group_slot *slots,
                                   uint32_t slots_count,
                                   reels_error *err)
{
    (void)store;
    (void)log;
    (void)group;
    (void)slots;
    (void)slots_count;
    (void)err;
    return REELS_OK;
}

static reels_status mem_group_save(void *store,
                                   void *log,
                                   const char *group,
                                   const struct reels__group_slot *slots,
                                   uint32_t slots_count,
                                   reels_error *err)
{
    (void)store;
    (void)log;
    (void)group;
    (void)slots;
    (void)slots_count;
    (void)err;
    return REELS_OK;
}

static void mem_destroy(void *store)
{
    struct queue_mem *mem = store;
    while (mem->logs != NULL) {
        struct mem_log *log = mem->logs;
        mem->logs = log->next;
        for (uint32_t i = 0; i < log->parts_count; i++) {
            for (size_t j = 0; j < log->parts[i].count; j++) {
                reels__mem_free(mem->ctx, log->parts[i].records[j]);
            }
            reels__mem_free(mem->ctx, log->parts[i].records);
        }
        reels__mem_free(mem->ctx, log->parts);
        reels__mem_free(mem->ctx, log);
    }
    pthread_mutex_destroy(&mem->lock);
    reels__mem_free(mem->ctx, mem);
}

static const struct reels__queue_store STORE = {
    .destroy = mem_destroy,
    .topic_open = mem_topic_open,
    .append = mem_append,
    .read = mem_read,
    .cursor_free = mem_cursor_free,
    .bounds = mem_bounds,
    .group_load = mem_group_load,
    .group_save = mem_group_save,
};

reels_status reels__queue_mem_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err)
{
    (void)user;
    (void)url;
    struct queue_mem *mem = reels__mem_zalloc(ctx, sizeof *mem);
    if (mem == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    mem->ctx = ctx;
    if (pthread_mutex_init(&mem->lock, NULL) != 0) {
        reels__mem_free(ctx, mem);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no lock");
    }
    reels_queue *queue = NULL;
    reels_status status = reels__queue_core_new(ctx, &STORE, mem, &queue, err);
    if (status < 0) {
        mem_destroy(mem);
        return status;
    }
    *out_port = queue;
    return REELS_OK;
}
