/* Owns the membership in a group; see group_reader.h. */
#include "group_reader.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

enum {
    RECORDS_BYTES_MAX = 8 * 1024 * 1024,
    POLL_BYTES = 4 * 1024 * 1024
};

reels_status reels__group_reader_init(struct reels__group_reader *reader,
                                      reels_ctx *ctx,
                                      reels_queue *queue,
                                      const char *topic,
                                      uint32_t partitions_count,
                                      uint32_t flags,
                                      reels_error *err)
{
    memset(reader, 0, sizeof(*reader));
    reader->ctx = ctx;
    reader->queue = queue;
    reader->topic = topic;
    reader->flags = flags;
    uint32_t partitions = 0;
    REELS_TRY(reels_queue_topic_open(queue, NULL, topic, partitions_count, &partitions, err));
    reader->partitions_count = partitions;
    reader->assigned = reels__mem_calloc(ctx, partitions, sizeof(*reader->assigned));
    reader->positioned = reels__mem_zalloc(ctx, partitions);
    if (reader->assigned == NULL || reader->positioned == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to read topic %s", topic);
    }
    return reels_records_new(ctx, RECORDS_BYTES_MAX, &reader->records, err);
}

static void copy_name(char out[REELS__READER_NAME_BYTES], const char *name)
{
    size_t len = strnlen(name, REELS__READER_NAME_BYTES - 1);
    memcpy(out, name, len);
    out[len] = '\0';
}

void reels__group_reader_name(struct reels__group_reader *reader,
                              const char *group,
                              const char *name)
{
    copy_name(reader->group, group);
    copy_name(reader->name, name);
}

void reels__group_reader_dispose(struct reels__group_reader *reader)
{
    if (reader->ctx == NULL) {
        return;
    }
    if (reader->consumer != 0) {
        (void)reels_queue_group_leave(reader->queue, NULL, reader->consumer, NULL);
    }
    reels_records_free(reader->records);
    reels__mem_free(reader->ctx, reader->positioned);
    reels__mem_free(reader->ctx, reader->assigned);
    memset(reader, 0, sizeof(*reader));
}

static reels_status join(struct reels__group_reader *reader, reels_error *err)
{
    reels_queue_join request = {.struct_size = sizeof(request),
                                .topic = reader->topic,
                                .group = reader->group,
                                .consumer = reader->name};
    reader->assigned_count = 0;
    return reels_queue_group_join(reader->queue, NULL, &request, &reader->consumer, err);
}

/* Learns which partitions are ours. */
static reels_status take_assignment(struct reels__group_reader *reader, reels_error *err)
{
    REELS_TRY(reels_queue_assigned(reader->queue,
                                   NULL,
                                   reader->consumer,
                                   reader->assigned,
                                   reader->partitions_count,
                                   &reader->assigned_count,
                                   err));
    if ((reader->flags & REELS__READER_FROM_END) == 0) {
        return REELS_OK;
    }
    for (size_t i = 0; i < reader->assigned_count; i++) {
        reels_queue_assignment *mine = &reader->assigned[i];
        if (reader->positioned[mine->partition]) {
            continue;
        }
        reels_queue_offset end = {
            .partition = mine->partition, .epoch = mine->epoch, .next = UINT64_MAX};
        REELS_TRY(reels_queue_seek(reader->queue, NULL, reader->consumer, &end, 1, err));
        reader->positioned[mine->partition] = 1;
    }
    return REELS_OK;
}

/* Notes for each partition how far the records of this poll reach. */
static reels_status note_offsets(struct reels__group_reader *reader)
{
    size_t count = reels_records_count(reader->records);
    for (size_t i = 0; i < count; i++) {
        reels_record record;
        REELS_TRY(reels_records_get(reader->records, i, &record));
        for (size_t k = 0; k < reader->assigned_count; k++) {
            if (reader->assigned[k].partition == record.partition) {
                reader->assigned[k].next = record.offset + 1;
            }
        }
    }
    return REELS_OK;
}

reels_status reels__group_reader_poll(struct reels__group_reader *reader,
                                      int64_t wait_until_mono_us,
                                      uint32_t records_max,
                                      size_t *out_count,
                                      int *out_changed,
                                      reels_error *err)
{
    reels_call call = {.struct_size = sizeof(call), .deadline_mono_us = wait_until_mono_us};
    uint32_t changed = 0;
    *out_count = 0;
    *out_changed = 0;
    if (reader->consumer == 0) {
        REELS_TRY(join(reader, err));
    }
    reels_status status = reels_queue_poll(reader->queue,
                                           wait_until_mono_us != 0 ? &call : NULL,
                                           reader->consumer,
                                           records_max,
                                           POLL_BYTES,
                                           reader->records,
                                           &changed,
                                           err);
    if (status == REELS_ERR_STALE) {
        /* Silent for longer than the lease: join again next time. */
        reader->consumer = 0;
        *out_changed = 1;
        return REELS_OK;
    }
    REELS_TRY(status);
    if (changed != 0) {
        *out_changed = 1;
        return take_assignment(reader, err);
    }
    *out_count = reels_records_count(reader->records);
    return note_offsets(reader);
}

reels_status reels__group_reader_store(struct reels__group_reader *reader, reels_error *err)
{
    if ((reader->flags & REELS__READER_FROM_END) != 0 || reader->assigned_count == 0) {
        return REELS_OK;
    }
    reels_queue_offset *offsets =
        reels__mem_calloc(reader->ctx, reader->assigned_count, sizeof(*offsets));
    if (offsets == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to store offsets");
    }
    for (size_t i = 0; i < reader->assigned_count; i++) {
        offsets[i] = (reels_queue_offset){.partition = reader->assigned[i].partition,
                                          .epoch = reader->assigned[i].epoch,
                                          .next = reader->assigned[i].next};
    }
    reels_status status = reels_queue_offset_store(
        reader->queue, NULL, reader->consumer, offsets, reader->assigned_count, err);
    reels__mem_free(reader->ctx, offsets);
    return status == REELS_ERR_STALE ? REELS_OK : status;
}
