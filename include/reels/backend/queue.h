/* Owns the queue port: a partitioned log of records. Order holds within a partition, a record is
 * durable once its append has returned, and a partition is read by one consumer of a group at a
 * time, under an epoch that fences whoever had it before. */
#ifndef REELS_BACKEND_QUEUE_H
#define REELS_BACKEND_QUEUE_H

#include <reels/backend/record.h>

REELS_BEGIN_DECLS

enum {
    REELS_QUEUE_NAME_BYTES_MAX =
        200, /**< names of topics, groups and consumers, without their NUL */
    REELS_QUEUE_PARTITIONS_MAX = 1024,             /**< of one topic */
    REELS_QUEUE_BATCH_RECORDS_MAX = 10000,         /**< of one append or poll */
    REELS_QUEUE_BATCH_BYTES_MAX = 16777216,        /**< keys and payloads of one append: 16 MiB */
    REELS_QUEUE_RECORD_KEY_BYTES_MAX = 1024,       /**< a key */
    REELS_QUEUE_RECORD_PAYLOAD_BYTES_MAX = 1048576 /**< a payload: 1 MiB */
};

/** Asks to become a consumer of a group. */
typedef struct reels_queue_join {
    uint32_t struct_size;
    uint32_t reserved0;
    const char *topic;    /**< [a-z][a-z0-9._-]*, up to 200 bytes, as all names here */
    const char *group;    /**< consumers of one group share the partitions of the topic */
    const char *consumer; /**< who asks; a second join of the same name replaces the first */
    int64_t
        lease_us; /**< a consumer that does not poll for so long is out; 100 ms to 1 h, 0 = 30 s */
} reels_queue_join;

/** A partition that a consumer has. */
typedef struct reels_queue_assignment {
    uint32_t partition;
    uint32_t epoch; /**< grows with each owner the partition gets in this group */
    uint64_t next;  /**< offset of the next record that poll will give */
} reels_queue_assignment;

/** A stored offset, or one to store: the offset of the next record to read. */
typedef struct reels_queue_offset {
    uint32_t partition;
    uint32_t epoch; /**< offset_store: as assigned; offset_load: 0 */
    uint64_t next;  /**< offset_load: UINT64_MAX when none is stored */
} reels_queue_offset;

/** How far a group is in a partition. */
typedef struct reels_queue_lag {
    uint32_t partition;
    uint32_t reserved0;
    uint64_t oldest; /**< first offset still kept */
    uint64_t end;    /**< offset the next appended record will get */
    uint64_t stored; /**< as offset_store left it; UINT64_MAX when none is stored */
} reels_queue_lag;

enum {
    REELS_QUEUE_HAS_LAG = 1,
    REELS_QUEUE_HAS_OFFSETS = 2 /**< offset_store and offset_load are there */
};

/**
 * The queue port. All slots may block, calls come from any thread and overlap, none may call back
 * into the queue. Pointers are borrowed for the call. Names, limits and struct sizes have been
 * checked by the library. Consistency: append is durable on return; a poll that begins afterwards
 * sees it. Records of one append that go to one partition stand together, in order, all or none;
 * across partitions some may be there after a failure. Offsets of a partition start at 0 and grow
 * by one per record.
 */
typedef struct reels_queue_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    /** must; once, after a successful registration */
    void (*destroy)(void *impl);

    /** must. Makes a topic durably, or finds it. partitions 0 finds only: NOT_FOUND when missing.
     * Another number than the topic has is CONFLICT. */
    reels_status (*topic_open)(void *impl,
                               const reels_call *call,
                               const char *topic,
                               uint32_t partitions,
                               uint32_t *out_partitions,
                               reels_error *err);

    /** must. Appends records whose `partition`, `key`, `payload` and `time_unix_us` are set, and
     * writes the offset of each on OK. The array is not sorted by partition. NOT_FOUND for an
     * unknown topic. */
    reels_status (*append)(void *impl,
                           const reels_call *call,
                           const char *topic,
                           reels_record *records,
                           size_t records_count,
                           reels_error *err);

    /** must. Makes a consumer and a number for it. Partitions are shared out anew among the
     * consumers of the group; each learns it at its next poll. */
    reels_status (*group_join)(void *impl,
                               const reels_call *call,
                               const reels_queue_join *join,
                               uint64_t *out_consumer,
                               reels_error *err);

    /** must. Gives its partitions back; OK also for a consumer that is out already. */
    reels_status (*group_leave)(void *impl,
                                const reels_call *call,
                                uint64_t consumer,
                                reels_error *err);

    /** must. Writes the partitions that the consumer has, by number, and takes note that it knows
     * them. BUFFER_TOO_SMALL (with the number in out_count) when they are more than capacity. STALE
     * when it is out. The first record of a partition that is new to the consumer is the stored
     * offset of the group, or the oldest. */
    reels_status (*assignment)(void *impl,
                               const reels_call *call,
                               uint64_t consumer,
                               reels_queue_assignment *out_assignments,
                               size_t capacity,
                               size_t *out_count,
                               reels_error *err);

    /** must. Renews the lease of the consumer and appends up to records_max records or bytes_max
     * bytes (one record at least), those of a partition in order, fairly over its partitions. When
     * its partitions are not those of its last `assignment`, writes 1 to out_changed and gives
     * nothing, at once. Without records it waits until some are there or the deadline of the call
     * (without one it does not wait), then gives OK with none. STALE when the consumer is out: it
     * must join again. */
    reels_status (*poll)(void *impl,
                         const reels_call *call,
                         uint64_t consumer,
                         uint32_t records_max,
                         uint64_t bytes_max,
                         reels_records *records,
                         uint32_t *out_changed,
                         reels_error *err);

    /** must. The next poll goes on at `next` of that partition: below the oldest kept means the
     * oldest, behind the end means the end. STALE when the epoch is not the consumer's. */
    reels_status (*seek)(void *impl,
                         const reels_call *call,
                         uint64_t consumer,
                         const reels_queue_offset *offsets,
                         size_t offsets_count,
                         reels_error *err);

    /** may. Writes one entry per partition; BUFFER_TOO_SMALL as in assignment. group may be NULL.
     * Fallback: none, reels_queue_lag() is UNSUPPORTED. */
    reels_status (*lag)(void *impl,
                        const reels_call *call,
                        const char *topic,
                        const char *group,
                        reels_queue_lag *out_lags,
                        size_t capacity,
                        size_t *out_count,
                        reels_error *err);

    /** may, with offset_load. Stores offsets for the group, all or none, durably. STALE when an
     * epoch is not the consumer's. Fallback: none, groups store their offsets with their own state.
     */
    reels_status (*offset_store)(void *impl,
                                 const reels_call *call,
                                 uint64_t consumer,
                                 const reels_queue_offset *offsets,
                                 size_t offsets_count,
                                 reels_error *err);

    /** may. Fills `next` of each entry from its `partition`. */
    reels_status (*offset_load)(void *impl,
                                const reels_call *call,
                                const char *topic,
                                const char *group,
                                reels_queue_offset *offsets,
                                size_t offsets_count,
                                reels_error *err);
} reels_queue_vtable;

/** A queue. @threadsafety internally locked; one consumer is used by one thread at a time */
typedef struct reels_queue reels_queue;

/**
 * Makes a queue from a host's table.
 *
 * @param      ctx     context
 * @param      vtable  copied
 * @param      impl    handed to every slot
 * @param[out] out     the queue, NULL on failure
 * @param[out] err     detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG when a must slot is missing or only one of the offset
 * slots is there; REELS_ERR_UNSUPPORTED for a newer table; REELS_ERR_NO_MEMORY
 * @ownership     takes impl on success: destroy is called once by reels_queue_free()
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_queue_new(reels_ctx *ctx,
                                       const reels_queue_vtable *vtable,
                                       void *impl,
                                       reels_queue **out,
                                       reels_error *err);

/**
 * Opens a queue by URL: "file:PATH" (a folder, made when missing; one opener at a time, others get
 * REELS_ERR_BUSY), "mem:" (forgets at free), or a scheme an adapter has registered. After "?" a
 * file queue takes options joined by "&": "segment_bytes=N" (64 KiB to 1 GiB, 64 MiB when not
 * given), and what bounds the closed segments that are kept, off when not given: "retain_bytes=N"
 * per partition, "retain_s=N" after the last write to a segment.
 *
 * @param      ctx  context
 * @param      url  scheme and rest
 * @param[out] out  the queue, NULL on failure
 * @param[out] err  detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for a malformed URL; REELS_ERR_UNSUPPORTED for an unknown
 * scheme or a folder written by a newer version; REELS_ERR_BUSY; REELS_ERR_IO; REELS_ERR_CORRUPT;
 * REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_queue_open(reels_ctx *ctx,
                                        const char *url,
                                        reels_queue **out,
                                        reels_error *err);

/**
 * Frees a queue. Its consumers are gone with it.
 *
 * @param queue  NULL does nothing
 * @ownership     takes queue
 * @threadsafety  one thread, when no call uses it
 * @since 0.1
 */
REELS_API void reels_queue_free(reels_queue *queue);

/**
 * Tells which optional slots the queue has.
 *
 * @param queue  queue
 * @return REELS_QUEUE_HAS_* flags
 * @ownership     none
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API uint32_t reels_queue_features(const reels_queue *queue);

/**
 * Gives the partition of a key: xxh64(key, seed 0) mod partitions. The same for ever and in every
 * backend.
 *
 * @param key         bytes; may be NULL when len is 0
 * @param len         how many
 * @param partitions  number of partitions; 0 counts as 1
 * @return 0..partitions-1
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API uint32_t reels_queue_partition(const uint8_t *key, size_t len, uint32_t partitions);

/**
 * Makes a topic, or finds it.
 *
 * @param      queue           queue
 * @param      call            deadline and cancel; may be NULL
 * @param      topic           [a-z][a-z0-9._-]*, up to 200 bytes
 * @param      partitions      1..REELS_QUEUE_PARTITIONS_MAX, fixed for ever; 0 = only find it
 * @param[out] out_partitions  how many it has; may be NULL
 * @param[out] err             detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_CONFLICT when it has another number; REELS_ERR_NOT_FOUND;
 * REELS_ERR_CORRUPT when a stored batch of a newest segment is damaged (the message names file and
 * place; older segments are checked when they are read);
 * REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_queue_topic_open(reels_queue *queue,
                                              const reels_call *call,
                                              const char *topic,
                                              uint32_t partitions,
                                              uint32_t *out_partitions,
                                              reels_error *err);

/**
 * Appends records; durable on return. Reads `key`, `payload` and `time_unix_us` of each (time 0 =
 * now), and writes `partition`, `offset` and `time_unix_us`.
 *
 * @param         queue          queue
 * @param         call           deadline and cancel; may be NULL
 * @param         topic          a topic that was made
 * @param[in,out] records        in order; keys of 1..1024 bytes, payloads of up to 1 MiB
 * @param         records_count  0..REELS_QUEUE_BATCH_RECORDS_MAX, up to 16 MiB together
 * @param[out]    err            detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_NOT_FOUND for an unknown topic; REELS_ERR_INVALID_ARG;
 * REELS_ERR_LIMIT; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED; REELS_ERR_NO_MEMORY. After
 * a failure the records of some partitions may have been appended: appending all again repeats them
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_queue_append(reels_queue *queue,
                                          const reels_call *call,
                                          const char *topic,
                                          reels_record *records,
                                          size_t records_count,
                                          reels_error *err);

/**
 * Makes a consumer of a group; see reels_queue_vtable.group_join. It begins without known
 * partitions: its first poll says that they changed.
 *
 * @param      queue         queue
 * @param      call          deadline and cancel; may be NULL
 * @param      join          who, what and for how long
 * @param[out] out_consumer  its number, never 0
 * @param[out] err           detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_NOT_FOUND for an unknown topic; REELS_ERR_INVALID_ARG; REELS_ERR_IO;
 * REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_queue_group_join(reels_queue *queue,
                                              const reels_call *call,
                                              const reels_queue_join *join,
                                              uint64_t *out_consumer,
                                              reels_error *err);

/**
 * Gives the partitions of a consumer back at once; OK also when it is out already.
 *
 * @param      queue     queue
 * @param      call      deadline and cancel; may be NULL
 * @param      consumer  as joined
 * @param[out] err       detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED; REELS_ERR_NO_MEMORY
 * @ownership     none
 * @threadsafety  one thread at a time per consumer
 * @since 0.1
 */
REELS_API reels_status reels_queue_group_leave(reels_queue *queue,
                                               const reels_call *call,
                                               uint64_t consumer,
                                               reels_error *err);

/**
 * Tells which partitions a consumer has, and from where it will read them. A consumer with state of
 * its own now opens that state for each new partition and seeks to the offset stored with it.
 *
 * @param      queue            queue
 * @param      call             deadline and cancel; may be NULL
 * @param      consumer         as joined
 * @param[out] out_assignments  by partition
 * @param      capacity         how many fit
 * @param[out] out_count        how many there are
 * @param[out] err              detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_STALE when the consumer is out: join again;
 * REELS_ERR_BUFFER_TOO_SMALL; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT;
 * REELS_ERR_CANCELLED
 * @ownership     borrowed for the call
 * @threadsafety  one thread at a time per consumer
 * @since 0.1
 */
REELS_API reels_status reels_queue_assigned(reels_queue *queue,
                                            const reels_call *call,
                                            uint64_t consumer,
                                            reels_queue_assignment *out_assignments,
                                            size_t capacity,
                                            size_t *out_count,
                                            reels_error *err);

/**
 * Reads on; see reels_queue_vtable.poll. Each record carries its partition, offset and the epoch
 * under which it was given.
 *
 * @param      queue        queue
 * @param      call         waits until its deadline, or not at all without one; may be NULL
 * @param      consumer     as joined
 * @param      records_max  1..REELS_QUEUE_BATCH_RECORDS_MAX
 * @param      bytes_max    keys and payloads together, one record at least; 0 = 1 MiB
 * @param      records      cleared, then filled
 * @param[out] out_changed  1: the partitions have changed and nothing was given; ask
 * reels_queue_assigned()
 * @param[out] err          detail on failure; may be NULL
 * @return REELS_OK, also with no records when the deadline passes; REELS_ERR_STALE when the
 * consumer is out: join again; REELS_ERR_CANCELLED; REELS_ERR_CORRUPT; REELS_ERR_INVALID_ARG;
 * REELS_ERR_LIMIT when one record does not fit into records; REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  one thread at a time per consumer
 * @since 0.1
 */
REELS_API reels_status reels_queue_poll(reels_queue *queue,
                                        const reels_call *call,
                                        uint64_t consumer,
                                        uint32_t records_max,
                                        uint64_t bytes_max,
                                        reels_records *records,
                                        uint32_t *out_changed,
                                        reels_error *err);

/**
 * Moves a consumer within its partitions; all or none.
 *
 * @param      queue          queue
 * @param      call           deadline and cancel; may be NULL
 * @param      consumer       as joined
 * @param      offsets        partition, epoch as assigned, and where to go: below the oldest kept
 * means the oldest, behind the end means the end
 * @param      offsets_count  0..REELS_QUEUE_PARTITIONS_MAX
 * @param[out] err            detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_STALE when an epoch is not the consumer's; REELS_ERR_INVALID_ARG;
 * REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED
 * @ownership     borrowed for the call
 * @threadsafety  one thread at a time per consumer
 * @since 0.1
 */
REELS_API reels_status reels_queue_seek(reels_queue *queue,
                                        const reels_call *call,
                                        uint64_t consumer,
                                        const reels_queue_offset *offsets,
                                        size_t offsets_count,
                                        reels_error *err);

/**
 * Tells how far a group is.
 *
 * @param      queue      queue with REELS_QUEUE_HAS_LAG
 * @param      call       deadline and cancel; may be NULL
 * @param      topic      topic
 * @param      group      group; NULL = only the ends of the log
 * @param[out] out_lags   by partition
 * @param      capacity   how many fit
 * @param[out] out_count  how many there are
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_UNSUPPORTED without REELS_QUEUE_HAS_LAG; REELS_ERR_NOT_FOUND;
 *         REELS_ERR_BUFFER_TOO_SMALL; REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT;
 * REELS_ERR_CANCELLED
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_queue_lags(reels_queue *queue,
                                        const reels_call *call,
                                        const char *topic,
                                        const char *group,
                                        reels_queue_lag *out_lags,
                                        size_t capacity,
                                        size_t *out_count,
                                        reels_error *err);

/**
 * Stores offsets for the group of a consumer, all or none; durable on return.
 *
 * @param      queue          queue with REELS_QUEUE_HAS_OFFSETS
 * @param      call           deadline and cancel; may be NULL
 * @param      consumer       as joined
 * @param      offsets        partition, epoch as assigned, and the offset of the next record to
 * read
 * @param      offsets_count  0..REELS_QUEUE_PARTITIONS_MAX
 * @param[out] err            detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_STALE when an epoch is not the consumer's; REELS_ERR_UNSUPPORTED;
 *         REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED;
 * REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  one thread at a time per consumer
 * @since 0.1
 */
REELS_API reels_status reels_queue_offset_store(reels_queue *queue,
                                                const reels_call *call,
                                                uint64_t consumer,
                                                const reels_queue_offset *offsets,
                                                size_t offsets_count,
                                                reels_error *err);

/**
 * Loads stored offsets of a group.
 *
 * @param         queue          queue with REELS_QUEUE_HAS_OFFSETS
 * @param         call           deadline and cancel; may be NULL
 * @param         topic          topic
 * @param         group          group
 * @param[in,out] offsets        `next` of each is filled from its `partition`; UINT64_MAX when none
 * is stored
 * @param         offsets_count  0..REELS_QUEUE_PARTITIONS_MAX
 * @param[out]    err            detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_UNSUPPORTED; REELS_ERR_NOT_FOUND for an unknown topic;
 * REELS_ERR_INVALID_ARG; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_queue_offset_load(reels_queue *queue,
                                               const reels_call *call,
                                               const char *topic,
                                               const char *group,
                                               reels_queue_offset *offsets,
                                               size_t offsets_count,
                                               reels_error *err);

REELS_END_DECLS

#endif
