/* Owns what all queues of this library have in common: consumers, groups, fair polling and waiting.
 * What keeps the records is behind a small table, a store.
 *
 * Locks: the core's own (list of topics), then one per topic (groups and consumers). Neither is
 * held while a store is called. A store's calls overlap, also on one log. */
#ifndef REELS_SRC_BACKEND_QUEUE_CORE_H
#define REELS_SRC_BACKEND_QUEUE_CORE_H

#include <pthread.h>

#include <reels/backend/queue.h>

#include "base/ctx_internal.h"

/* What a group keeps of a partition. */
struct reels__group_slot {
    uint64_t next; /* stored offset; UINT64_MAX = none */
    uint32_t epoch;
    uint32_t reserved0;
};

/* One reading of a partition on behalf of a consumer. */
struct reels__queue_read {
    const reels_call *call;
    const char *topic;
    uint32_t partition;
    uint32_t epoch;
    uint64_t next;        /* in: first offset wanted; out: first one not given */
    uint32_t records_max; /* in: may be added; out: what is left of it */
    uint64_t bytes_max;   /* the same; a record that does not fit is given when it is the first */
    int is_first;         /* 1: nothing has been added yet */
    void **cursor;        /* the store's own, NULL at first; one thread at a time */
};

/* Everything may block; logs live until destroy. */
struct reels__queue_store {
    void (*destroy)(void *store);
    /* Finds, makes and loads; called once at a time per topic. */
    reels_status (*topic_open)(void *store,
                               const char *topic,
                               uint32_t partitions,
                               void **out_log,
                               uint32_t *out_partitions,
                               reels_error *err);
    reels_status (*append)(void *store,
                           void *log,
                           const reels_call *call,
                           reels_record *records,
                           size_t records_count,
                           reels_error *err);
    /* Adds what is there; nothing at the end of the log. */
    reels_status (*read)(void *store,
                         void *log,
                         struct reels__queue_read *read,
                         reels_records *records,
                         reels_error *err);
    void (*cursor_free)(void *store, void *cursor);
    /* Does not block. */
    void (*bounds)(
        void *store, void *log, uint32_t partition, uint64_t *out_oldest, uint64_t *out_end);
    /* Fills slots, or leaves them as they are for a group that is not known. */
    reels_status (*group_load)(void *store,
                               void *log,
                               const char *group,
                               struct reels__group_slot *slots,
                               uint32_t slots_count,
                               reels_error *err);
    /* Durable on return; one call at a time per group. */
    reels_status (*group_save)(void *store,
                               void *log,
                               const char *group,
                               const struct reels__group_slot *slots,
                               uint32_t slots_count,
                               reels_error *err);
};

/* Makes a queue over a store, which it takes on success. */
reels_status reels__queue_core_new(reels_ctx *ctx,
                                   const struct reels__queue_store *table,
                                   void *store,
                                   reels_queue **out,
                                   reels_error *err);

/* Inside of the core: queue_core.c and queue_group.c. */

enum {
    REELS__QUEUE_TOPICS_MAX = 65536,
    REELS__QUEUE_GROUPS_MAX = 1024,   /* of one topic */
    REELS__QUEUE_CONSUMERS_MAX = 4096 /* of one group */
};

/* A partition that a consumer knows it has. */
struct reels__held {
    uint32_t partition;
    uint32_t epoch;
    uint64_t next;
    void *cursor;
};

struct reels__consumer {
    struct reels__consumer *next;
    struct reels__group *group;
    uint64_t id;
    char *name;
    int64_t lease_us;
    int64_t expires_mono_us;  /* unless busy */
    uint64_t shares_made;     /* how often its partitions have changed */
    uint64_t shares_known;    /* of these, what it was told */
    struct reels__held *held; /* as it was told; its own thread's while busy */
    uint32_t held_count;
    uint32_t turn;  /* where the next poll begins */
    uint32_t quota; /* while sharing out */
    int busy;       /* a poll is under way */
    int out;        /* thrown out while busy: the poll frees it */
};

struct reels__group {
    struct reels__group *next;
    struct reels__topic *topic;
    char *name;
    struct reels__consumer *consumers; /* in the order of joining */
    uint32_t consumers_count;
    struct reels__group_slot *slots; /* one per partition, as they are durable */
    uint64_t *owners;                /* consumer of each partition; 0 = none */
    int dirty;                       /* consumers have come or gone since it was shared out */
    int saving;                      /* somebody writes slots */
};

struct reels__topic {
    struct reels__queue_core *core;
    char *name;
    void *log;
    uint32_t partitions;
    uint32_t index;
    int loading;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* records have come, groups have changed, a save has ended */
    uint64_t changes_count;
    struct reels__group *groups;
    uint32_t groups_count;
    struct reels__consumer *gone; /* to be freed once the lock is let go */
};

struct reels__queue_core {
    reels_ctx *ctx;
    struct reels__queue_store table;
    void *store;
    pthread_mutex_t lock;
    pthread_cond_t loaded;
    struct reels__topic **topics;
    size_t topics_count;
    size_t topics_capacity;
    uint64_t consumer_next; /* under lock */
};

/* queue_group.c. All under the topic's lock, which is let go while a store is called. */

/* Finds or loads a group. */
reels_status reels__group_get(struct reels__topic *topic,
                              const char *name,
                              struct reels__group **out,
                              reels_error *err);
/* Throws out whoever has not polled for too long, then shares partitions out anew if that is due.
 */
reels_status reels__group_settle(struct reels__group *group, reels_error *err);
reels_status reels__group_add(struct reels__group *group,
                              const reels_queue_join *join,
                              uint64_t id,
                              reels_error *err);
struct reels__consumer *reels__consumer_find(struct reels__topic *topic, uint64_t id);
/* Takes a consumer out of its group. */
void reels__consumer_drop(struct reels__consumer *consumer);
/* Frees the consumers of a list, which are in no group any more. Not under the lock. */
void reels__consumers_free(struct reels__topic *topic, struct reels__consumer *list);
/* Replaces what the consumer holds by what it has. */
reels_status reels__consumer_learn(struct reels__consumer *consumer, reels_error *err);
reels_status reels__group_offsets_store(struct reels__consumer *consumer,
                                        const reels_queue_offset *offsets,
                                        size_t offsets_count,
                                        reels_error *err);
void reels__groups_free(struct reels__topic *topic);

/* Wakes everybody who waits on the topic. */
void reels__topic_wake(struct reels__topic *topic);

/* Lets the topic's lock go and frees what has gone meanwhile. */
void reels__topic_unlock(struct reels__topic *topic);

#endif
