/* Owns the queue port over a store: topics, appending with the waking of pollers, polling and
 * waiting. */
#include "queue_core.h"

#include <string.h>
#include <time.h>

#include "backend/record_internal.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/system.h"

enum {
    NANOSECONDS_PER_US = 1000
};

/* Consumer numbers carry the topic, so that one number finds its group. */
#define CONSUMER_TOPIC_SHIFT 40
#define CONSUMER_NUMBER_MASK (((uint64_t)1 << CONSUMER_TOPIC_SHIFT) - 1)

/* A clock of the host's own cannot wake us, nor can a cancel flag: then we look again so often. */
#define WAIT_SLICE_US ((int64_t)10 * 1000)

static reels_status out_of_group(reels_error *err)
{
    return reels__fail(err, REELS_ERR_STALE, "the consumer is out of its group: join again");
}

static struct reels__topic *topic_find(const struct reels__queue_core *core, const char *name)
{
    for (size_t i = 0; i < core->topics_count; i++) {
        if (core->topics[i] != NULL && strcmp(core->topics[i]->name, name) == 0) {
            return core->topics[i];
        }
    }
    return NULL;
}

static void topic_free(struct reels__topic *topic)
{
    reels_ctx *ctx = topic->core->ctx;
    reels__groups_free(topic);
    pthread_cond_destroy(&topic->changed);
    pthread_mutex_destroy(&topic->lock);
    reels__mem_free(ctx, topic->name);
    reels__mem_free(ctx, topic);
}

/* The condition runs on the monotonic clock, which the deadlines of calls are on. */
static int condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) {
        return -1;
    }
    int failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    failed = failed != 0 ? failed : pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return failed;
}

static reels_status topic_make(struct reels__queue_core *core,
                               const char *name,
                               struct reels__topic **out,
                               reels_error *err)
{
    struct reels__topic *topic = reels__mem_zalloc(core->ctx, sizeof *topic);
    char *copy = reels__mem_strdup(core->ctx, name);
    int locks = 0;
    if (topic == NULL || copy == NULL) {
        goto refused;
    }
    topic->core = core;
    topic->name = copy;
    topic->loading = 1;
    if (pthread_mutex_init(&topic->lock, NULL) != 0) {
        goto refused;
    }
    locks = 1;
    if (condition_init(&topic->changed) != 0) {
        goto refused;
    }
    *out = topic;
    return REELS_OK;
refused:
    if (locks) {
        pthread_mutex_destroy(&topic->lock);
    }
    reels__mem_free(core->ctx, topic);
    reels__mem_free(core->ctx, copy);
    return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
}

/* Under the core's lock: puts a topic that is being loaded into the list, at a place of its own for
 * ever: consumers' numbers carry it. */
static reels_status topic_announce(struct reels__queue_core *core,
                                   const char *name,
                                   struct reels__topic **out,
                                   reels_error *err)
{
    size_t at = 0;
    while (at < core->topics_count && core->topics[at] != NULL) {
        at++;
    }
    if (at >= REELS__QUEUE_TOPICS_MAX) {
        return reels__fail(err, REELS_ERR_LIMIT, "the queue has 65536 topics");
    }
    void *items = core->topics;
    REELS_TRY(reels__array_reserve(
        core->ctx, &items, &core->topics_capacity, at + 1, sizeof(struct reels__topic *), err));
    core->topics = items;
    REELS_TRY(topic_make(core, name, out, err));
    (*out)->index = (uint32_t)at;
    core->topics[at] = *out;
    core->topics_count += at == core->topics_count;
    return REELS_OK;
}

/* Finds a topic, or loads it; whoever asks meanwhile waits. Under the core's lock, which is let go
 * while the store is called. */
static reels_status topic_get_locked(struct reels__queue_core *core,
                                     const char *name,
                                     uint32_t partitions,
                                     struct reels__topic **out,
                                     reels_error *err)
{
    struct reels__topic *topic = topic_find(core, name);
    while (topic != NULL && topic->loading) {
        pthread_cond_wait(&core->loaded, &core->lock);
        topic = topic_find(core, name);
    }
    if (topic != NULL) {
        *out = topic;
        return REELS_OK;
    }
    REELS_TRY(topic_announce(core, name, &topic, err));
    void *log = NULL;
    uint32_t found = 0;
    pthread_mutex_unlock(&core->lock);
    reels_status status = core->table.topic_open(core->store, name, partitions, &log, &found, err);
    pthread_mutex_lock(&core->lock);
    topic->loading = 0;
    topic->log = log;
    topic->partitions = found;
    if (status < 0) {
        core->topics[topic->index] = NULL;
        topic_free(topic);
    }
    pthread_cond_broadcast(&core->loaded);
    *out = status < 0 ? NULL : topic;
    return status;
}

static reels_status topic_get(struct reels__queue_core *core,
                              const char *name,
                              uint32_t partitions,
                              struct reels__topic **out,
                              reels_error *err)
{
    pthread_mutex_lock(&core->lock);
    reels_status status = topic_get_locked(core, name, partitions, out, err);
    pthread_mutex_unlock(&core->lock);
    return status;
}

static reels_status core_topic_open(void *impl,
                                    const reels_call *call,
                                    const char *name,
                                    uint32_t partitions,
                                    uint32_t *out_partitions,
                                    reels_error *err)
{
    (void)call;
    struct reels__topic *topic = NULL;
    REELS_TRY(topic_get(impl, name, partitions, &topic, err));
    if (partitions != 0 && partitions != topic->partitions) {
        return reels__fail(err,
                           REELS_ERR_CONFLICT,
                           "the topic has %u partitions, not %u",
                           (unsigned)topic->partitions,
                           (unsigned)partitions);
    }
    *out_partitions = topic->partitions;
    return REELS_OK;
}

static reels_status core_append(void *impl,
                                const reels_call *call,
                                const char *name,
                                reels_record *records,
                                size_t records_count,
                                reels_error *err)
{
    struct reels__queue_core *core = impl;
    struct reels__topic *topic = NULL;
    REELS_TRY(topic_get(core, name, 0, &topic, err));
    for (size_t i = 0; i < records_count; i++) {
        REELS_REQUIRE(records[i].partition < topic->partitions, err, "no such partition");
    }
    reels_status status =
        core->table.append(core->store, topic->log, call, records, records_count, err);
    /* After a failure too: some partitions may have grown. */
    pthread_mutex_lock(&topic->lock);
    reels__topic_wake(topic);
    pthread_mutex_unlock(&topic->lock);
    return status;
}

static uint64_t consumer_number(struct reels__queue_core *core, const struct reels__topic *topic)
{
    pthread_mutex_lock(&core->lock);
    uint64_t number = ++core->consumer_next & CONSUMER_NUMBER_MASK;
    uint64_t index = topic->index;
    pthread_mutex_unlock(&core->lock);
    return (index << CONSUMER_TOPIC_SHIFT) | number;
}

static reels_status group_join_locked(struct reels__topic *topic,
                                      const reels_queue_join *join,
                                      uint64_t id,
                                      reels_error *err)
{
    struct reels__group *group = NULL;
    REELS_TRY(reels__group_get(topic, join->group, &group, err));
    if (group->consumers_count >= REELS__QUEUE_CONSUMERS_MAX) {
        return reels__fail(err, REELS_ERR_LIMIT, "the group has 4096 consumers");
    }
    REELS_TRY(reels__group_add(group, join, id, err));
    reels_status status = reels__group_settle(group, err);
    struct reels__consumer *consumer = reels__consumer_find(topic, id);
    if (status < 0 && consumer != NULL) {
        reels__consumer_drop(consumer);
    }
    return status;
}

static reels_status core_group_join(void *impl,
                                    const reels_call *call,
                                    const reels_queue_join *join,
                                    uint64_t *out_consumer,
                                    reels_error *err)
{
    (void)call;
    struct reels__queue_core *core = impl;
    struct reels__topic *topic = NULL;
    REELS_TRY(topic_get(core, join->topic, 0, &topic, err));
    uint64_t id = consumer_number(core, topic);
    pthread_mutex_lock(&topic->lock);
    reels_status status = group_join_locked(topic, join, id, err);
    reels__topic_unlock(topic);
    if (status == REELS_OK) {
        *out_consumer = id;
    }
    return status;
}

/* The topic of a consumer's number, locked; NULL for a number that is none. */
static struct reels__topic *topic_lock_of(struct reels__queue_core *core, uint64_t id)
{
    uint64_t index = id >> CONSUMER_TOPIC_SHIFT;
    pthread_mutex_lock(&core->lock);
    struct reels__topic *topic = index < core->topics_count ? core->topics[index] : NULL;
    topic = topic != NULL && !topic->loading ? topic : NULL;
    pthread_mutex_unlock(&core->lock);
    if (topic != NULL) {
        pthread_mutex_lock(&topic->lock);
    }
    return topic;
}

static reels_status
core_group_leave(void *impl, const reels_call *call, uint64_t id, reels_error *err)
{
    (void)call;
    struct reels__topic *topic = topic_lock_of(impl, id);
    if (topic == NULL) {
        return REELS_OK;
    }
    reels_status status = REELS_OK;
    struct reels__consumer *consumer = reels__consumer_find(topic, id);
    if (consumer != NULL) {
        struct reels__group *group = consumer->group;
        reels__consumer_drop(consumer);
        status = reels__group_settle(group, err);
    }
    reels__topic_unlock(topic);
    return status;
}

/* Renews the lease of a consumer and brings its group up to date; NULL when it is out. */
static reels_status consumer_enter(struct reels__topic *topic,
                                   uint64_t id,
                                   struct reels__consumer **out,
                                   reels_error *err)
{
    struct reels__consumer *consumer = reels__consumer_find(topic, id);
    if (consumer == NULL) {
        return out_of_group(err);
    }
    struct reels__group *group = consumer->group;
    int64_t now = reels_ctx_now_mono_us(topic->core->ctx);
    if (!consumer->busy && consumer->expires_mono_us > now) {
        consumer->expires_mono_us = now + consumer->lease_us;
    }
    REELS_TRY(reels__group_settle(group, err));
    *out = reels__consumer_find(topic, id);
    return *out != NULL ? REELS_OK : out_of_group(err);
}

static reels_status assignment_locked(struct reels__topic *topic,
                                      uint64_t id,
                                      reels_queue_assignment *out,
                                      size_t capacity,
                                      size_t *out_count,
                                      reels_error *err)
{
    struct reels__consumer *consumer = NULL;
    REELS_TRY(consumer_enter(topic, id, &consumer, err));
    REELS_REQUIRE(!consumer->busy, err, "the consumer is polling on another thread");
    size_t count = 0;
    for (uint32_t i = 0; i < topic->partitions; i++) {
        count += consumer->group->owners[i] == id;
    }
    *out_count = count;
    if (count > capacity) {
        return reels__fail(
            err, REELS_ERR_BUFFER_TOO_SMALL, "the consumer has %zu partitions", count);
    }
    REELS_TRY(reels__consumer_learn(consumer, err));
    for (uint32_t i = 0; i < consumer->held_count; i++) {
        out[i] = (reels_queue_assignment){.partition = consumer->held[i].partition,
                                          .epoch = consumer->held[i].epoch,
                                          .next = consumer->held[i].next};
    }
    return REELS_OK;
}

static reels_status core_assignment(void *impl,
                                    const reels_call *call,
                                    uint64_t id,
                                    reels_queue_assignment *out,
                                    size_t capacity,
                                    size_t *out_count,
                                    reels_error *err)
{
    (void)call;
    struct reels__topic *topic = topic_lock_of(impl, id);
    if (topic == NULL) {
        return out_of_group(err);
    }
    reels_status status = assignment_locked(topic, id, out, capacity, out_count, err);
    reels__topic_unlock(topic);
    return status;
}

static reels_status seek_locked(struct reels__topic *topic,
                                uint64_t id,
                                const reels_queue_offset *offsets,
                                size_t offsets_count,
                                reels_error *err)
{
    struct reels__queue_core *core = topic->core;
    struct reels__consumer *consumer = NULL;
    REELS_TRY(consumer_enter(topic, id, &consumer, err));
    REELS_REQUIRE(!consumer->busy, err, "the consumer is polling on another thread");
    /* Twice through: all are looked at before one is moved. */
    for (size_t step = 0; step < 2 * offsets_count; step++) {
        int moves = step >= offsets_count;
        const reels_queue_offset *offset = &offsets[moves ? step - offsets_count : step];
        uint32_t at = 0;
        while (at < consumer->held_count && consumer->held[at].partition != offset->partition) {
            at++;
        }
        if (at == consumer->held_count || consumer->held[at].epoch != offset->epoch ||
            consumer->group->slots[offset->partition].epoch != offset->epoch) {
            return reels__fail(err,
                               REELS_ERR_STALE,
                               "partition %u is not the consumer's under this epoch",
                               (unsigned)offset->partition);
        }
        if (moves) {
            uint64_t oldest = 0;
            uint64_t end = 0;
            core->table.bounds(core->store, topic->log, offset->partition, &oldest, &end);
            uint64_t next = offset->next < oldest ? oldest : offset->next;
            consumer->held[at].next = next < end ? next : end;
        }
    }
    return REELS_OK;
}

static reels_status core_seek(void *impl,
                              const reels_call *call,
                              uint64_t id,
                              const reels_queue_offset *offsets,
                              size_t offsets_count,
                              reels_error *err)
{
    (void)call;
    struct reels__topic *topic = topic_lock_of(impl, id);
    if (topic == NULL) {
        return out_of_group(err);
    }
    reels_status status = seek_locked(topic, id, offsets, offsets_count, err);
    reels__topic_unlock(topic);
    return status;
}

struct poll {
    struct reels__topic *topic;
    const reels_call *call;
    uint64_t id;
    uint32_t records_max;
    uint64_t bytes_max;
    reels_records *records;
};

/* Reads the held partitions one after the other, beginning with another one each time. The consumer
 * is busy, so that what it holds is ours without the lock. */
static reels_status
poll_read(const struct poll *poll, struct reels__consumer *consumer, reels_error *err)
{
    struct reels__queue_core *core = poll->topic->core;
    struct reels__queue_read read = {
        .call = poll->call,
        .topic = poll->topic->name,
        .records_max = poll->records_max,
        .bytes_max = poll->bytes_max,
    };
    for (uint32_t i = 0; i < consumer->held_count && read.records_max > 0; i++) {
        struct reels__held *held = &consumer->held[(consumer->turn + i) % consumer->held_count];
        read.partition = held->partition;
        read.epoch = held->epoch;
        read.next = held->next;
        read.cursor = &held->cursor;
        read.is_first = reels_records_count(poll->records) == 0;
        reels_status status =
            core->table.read(core->store, poll->topic->log, &read, poll->records, err);
        if (status < 0) {
            /* What was read before is given; the partition is met again when its turn comes. */
            consumer->turn = (consumer->turn + 1) % consumer->held_count;
            return reels_records_count(poll->records) > 0 ? REELS_OK : status;
        }
        held->next = read.next;
    }
    consumer->turn = consumer->held_count > 0 ? (consumer->turn + 1) % consumer->held_count : 0;
    return REELS_OK;
}

/* One look, under the lock, which is let go while reading. */
static reels_status
poll_once(const struct poll *poll, uint64_t *out_seen, uint32_t *out_changed, reels_error *err)
{
    struct reels__topic *topic = poll->topic;
    struct reels__consumer *consumer = NULL;
    REELS_TRY(consumer_enter(topic, poll->id, &consumer, err));
    REELS_REQUIRE(!consumer->busy, err, "two polls of one consumer at once");
    *out_seen = topic->changes_count;
    if (consumer->shares_known != consumer->shares_made) {
        *out_changed = 1;
        return REELS_OK;
    }
    consumer->busy = 1;
    pthread_mutex_unlock(&topic->lock);
    reels_status status = poll_read(poll, consumer, err);
    pthread_mutex_lock(&topic->lock);
    consumer->busy = 0;
    consumer->expires_mono_us = reels_ctx_now_mono_us(topic->core->ctx) + consumer->lease_us;
    if (consumer->out) {
        consumer->next = topic->gone;
        topic->gone = consumer;
        return out_of_group(err);
    }
    return status;
}

/* When the next lease of another consumer runs out: then there may be partitions to get. */
static int64_t lease_end(const struct reels__group *group, int64_t now, int64_t until)
{
    for (const struct reels__consumer *it = group->consumers; it != NULL; it = it->next) {
        int64_t end = it->busy ? now + it->lease_us : it->expires_mono_us;
        until = end < until ? end : until;
    }
    return until;
}

/* Waits for a change of the topic, at most until the time given. Under the lock. */
static void
topic_wait(struct reels__topic *topic, const reels_call *call, int64_t now, int64_t until)
{
    reels_ctx *ctx = topic->core->ctx;
    int sliced = ctx->clock.sleep_us != reels__clock_system.sleep_us ||
                 ctx->clock.mono_us != reels__clock_system.mono_us;
    int64_t left = until - now;
    if ((sliced || call->cancel != NULL) && left > WAIT_SLICE_US) {
        left = WAIT_SLICE_US;
    }
    if (left <= 0) {
        return;
    }
    if (sliced) {
        pthread_mutex_unlock(&topic->lock);
        ctx->clock.sleep_us(ctx->clock.user, left);
        pthread_mutex_lock(&topic->lock);
        return;
    }
    int64_t wake_us = now + left;
    struct timespec wake = {.tv_sec = (time_t)(wake_us / 1000000),
                            .tv_nsec = (long)(wake_us % 1000000) * NANOSECONDS_PER_US};
    (void)pthread_cond_timedwait(&topic->changed, &topic->lock, &wake);
}

/* 1 when it is worth looking again, 0 when the deadline has passed. Under the lock. */
static reels_status
poll_wait(const struct poll *poll, uint64_t seen, int *out_again, reels_error *err)
{
    struct reels__topic *topic = poll->topic;
    reels_ctx *ctx = topic->core->ctx;
    const reels_call *call = poll->call;
    *out_again = 0;
    if (call == NULL || call->deadline_mono_us == 0) {
        return REELS_OK;
    }
    struct reels__consumer *consumer = reels__consumer_find(topic, poll->id);
    if (consumer == NULL) {
        return out_of_group(err);
    }
    /* Whoever waits is there: its lease does not run. */
    consumer->busy = 1;
    int64_t now = reels_ctx_now_mono_us(ctx);
    int64_t until = lease_end(consumer->group, now, call->deadline_mono_us);
    while (topic->changes_count == seen && now < until && !reels_cancel_is_raised(call->cancel)) {
        topic_wait(topic, call, now, until);
        now = reels_ctx_now_mono_us(ctx);
    }
    consumer->busy = 0;
    consumer->expires_mono_us = now + consumer->lease_us;
    if (consumer->out) {
        consumer->next = topic->gone;
        topic->gone = consumer;
        return out_of_group(err);
    }
    if (reels_cancel_is_raised(call->cancel)) {
        return reels__fail(err, REELS_ERR_CANCELLED, "the call was cancelled");
    }
    *out_again = topic->changes_count != seen || now < call->deadline_mono_us;
    return REELS_OK;
}

static reels_status poll_locked(const struct poll *poll, uint32_t *out_changed, reels_error *err)
{
    int again = 1;
    while (again) {
        uint64_t seen = 0;
        REELS_TRY(poll_once(poll, &seen, out_changed, err));
        if (*out_changed || reels_records_count(poll->records) > 0) {
            return REELS_OK;
        }
        REELS_TRY(poll_wait(poll, seen, &again, err));
    }
    return REELS_OK;
}

static reels_status core_poll(void *impl,
                              const reels_call *call,
                              uint64_t id,
                              uint32_t records_max,
                              uint64_t bytes_max,
                              reels_records *records,
                              uint32_t *out_changed,
                              reels_error *err)
{
    struct poll poll = {
        .topic = topic_lock_of(impl, id),
        .call = call,
        .id = id,
        .records_max = records_max,
        .bytes_max = bytes_max,
        .records = records,
    };
    if (poll.topic == NULL) {
        return out_of_group(err);
    }
    reels_status status = poll_locked(&poll, out_changed, err);
    reels__topic_unlock(poll.topic);
    return status;
}

static reels_status core_lag(void *impl,
                             const reels_call *call,
                             const char *name,
                             const char *group_name,
                             reels_queue_lag *out,
                             size_t capacity,
                             size_t *out_count,
                             reels_error *err)
{
    (void)call;
    struct reels__queue_core *core = impl;
    struct reels__topic *topic = NULL;
    struct reels__group *group = NULL;
    REELS_TRY(topic_get(core, name, 0, &topic, err));
    *out_count = topic->partitions;
    if (topic->partitions > capacity) {
        return reels__fail(err,
                           REELS_ERR_BUFFER_TOO_SMALL,
                           "the topic has %u partitions",
                           (unsigned)topic->partitions);
    }
    pthread_mutex_lock(&topic->lock);
    reels_status status =
        group_name != NULL ? reels__group_get(topic, group_name, &group, err) : REELS_OK;
    for (uint32_t i = 0; i < topic->partitions && status == REELS_OK; i++) {
        out[i] = (reels_queue_lag){.partition = i, .stored = UINT64_MAX};
        core->table.bounds(core->store, topic->log, i, &out[i].oldest, &out[i].end);
        out[i].stored = group != NULL ? group->slots[i].next : UINT64_MAX;
    }
    reels__topic_unlock(topic);
    return status;
}

static reels_status core_offset_store(void *impl,
                                      const reels_call *call,
                                      uint64_t id,
                                      const reels_queue_offset *offsets,
                                      size_t offsets_count,
                                      reels_error *err)
{
    (void)call;
    struct reels__topic *topic = topic_lock_of(impl, id);
    if (topic == NULL) {
        return out_of_group(err);
    }
    struct reels__consumer *consumer = NULL;
    reels_status status = consumer_enter(topic, id, &consumer, err);
    if (status == REELS_OK) {
        status = reels__group_offsets_store(consumer, offsets, offsets_count, err);
    }
    reels__topic_unlock(topic);
    return status;
}

static reels_status core_offset_load(void *impl,
                                     const reels_call *call,
                                     const char *name,
                                     const char *group_name,
                                     reels_queue_offset *offsets,
                                     size_t offsets_count,
                                     reels_error *err)
{
    (void)call;
    struct reels__topic *topic = NULL;
    struct reels__group *group = NULL;
    REELS_TRY(topic_get(impl, name, 0, &topic, err));
    for (size_t i = 0; i < offsets_count; i++) {
        REELS_REQUIRE(offsets[i].partition < topic->partitions, err, "no such partition");
    }
    pthread_mutex_lock(&topic->lock);
    reels_status status = reels__group_get(topic, group_name, &group, err);
    for (size_t i = 0; i < offsets_count && status == REELS_OK; i++) {
        offsets[i].epoch = 0;
        offsets[i].next = group->slots[offsets[i].partition].next;
    }
    reels__topic_unlock(topic);
    return status;
}

static void core_free(struct reels__queue_core *core)
{
    for (size_t i = 0; i < core->topics_count; i++) {
        if (core->topics[i] != NULL) {
            topic_free(core->topics[i]);
        }
    }
    pthread_cond_destroy(&core->loaded);
    pthread_mutex_destroy(&core->lock);
    reels__mem_free(core->ctx, core->topics);
    reels__mem_free(core->ctx, core);
}

static void core_destroy(void *impl)
{
    struct reels__queue_core *core = impl;
    struct reels__queue_store table = core->table;
    void *store = core->store;
    core_free(core);
    table.destroy(store);
}

static const reels_queue_vtable VTABLE = {
    .struct_size = sizeof(reels_queue_vtable),
    .destroy = core_destroy,
    .topic_open = core_topic_open,
    .append = core_append,
    .group_join = core_group_join,
    .group_leave = core_group_leave,
    .assignment = core_assignment,
    .poll = core_poll,
    .seek = core_seek,
    .lag = core_lag,
    .offset_store = core_offset_store,
    .offset_load = core_offset_load,
};

reels_status reels__queue_core_new(reels_ctx *ctx,
                                   const struct reels__queue_store *table,
                                   void *store,
                                   reels_queue **out,
                                   reels_error *err)
{
    struct reels__queue_core *core = reels__mem_zalloc(ctx, sizeof *core);
    if (core == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    core->ctx = ctx;
    core->table = *table;
    core->store = store;
    if (pthread_mutex_init(&core->lock, NULL) != 0) {
        reels__mem_free(ctx, core);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no lock");
    }
    if (pthread_cond_init(&core->loaded, NULL) != 0) {
        pthread_mutex_destroy(&core->lock);
        reels__mem_free(ctx, core);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no lock");
    }
    reels_status status = reels_queue_new(ctx, &VTABLE, core, out, err);
    if (status < 0) {
        core_free(core);
    }
    return status;
}
