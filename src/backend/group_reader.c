/* Owns the membership in a group; see group_reader.h.
 *
 * Readers FROM_END keep apart by what the queue tells them anyway: whoever has joined and is not
 * given all partitions is not alone, and goes to another number. Whoever was there before waits for
 * that, and nothing is lost meanwhile: in whatever group, a reader goes on at its own places. */
#include "group_reader.h"

#include <string.h>

#include "base/ctx_internal.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    RECORDS_BYTES_MAX = 8 * 1024 * 1024,
    POLL_BYTES = 4 * 1024 * 1024,
    NUMBER_BYTES = 3,       /* of a group's name: "-" and two digits */
    ALONE_WAIT_US = 5000000 /* a queue may take its time to share out, and who came to leave */
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
    reader->places = reels__mem_calloc(ctx, partitions, sizeof(*reader->places));
    if (reader->assigned == NULL || reader->places == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to read topic %s", topic);
    }
    for (uint32_t i = 0; i < partitions; i++) {
        reader->places[i] = UINT64_MAX;
    }
    return reels_records_new(ctx, RECORDS_BYTES_MAX, &reader->records, err);
}

static void copy_name(char out[REELS__READER_NAME_BYTES], const char *name)
{
    size_t len = strnlen(name, REELS__READER_NAME_BYTES - 1);
    memcpy(out, name, len);
    out[len] = '\0';
}

static void take_number(struct reels__group_reader *reader, uint8_t number)
{
    reader->group[reader->stem_len] = '-';
    reels__hex_encode(&number, 1, reader->group + reader->stem_len + 1);
}

void reels__group_reader_name(struct reels__group_reader *reader,
                              const char *group,
                              const char *name)
{
    copy_name(reader->group, group);
    copy_name(reader->name, name);
    if ((reader->flags & REELS__READER_FROM_END) != 0) {
        reader->stem_len = strnlen(group, REELS__READER_NAME_BYTES - 1 - NUMBER_BYTES);
        take_number(reader, 0);
    }
}

static void leave(struct reels__group_reader *reader)
{
    if (reader->consumer != 0) {
        (void)reels_queue_group_leave(reader->queue, NULL, reader->consumer, NULL);
    }
    reader->consumer = 0;
}

void reels__group_reader_dispose(struct reels__group_reader *reader)
{
    if (reader->ctx == NULL) {
        return;
    }
    leave(reader);
    reels_records_free(reader->records);
    reels__mem_free(reader->ctx, reader->places);
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
    reader->settled = 0;
    reader->whole_mono_us = reels_ctx_now_mono_us(reader->ctx);
    return reels_queue_group_join(reader->queue, NULL, &request, &reader->consumer, err);
}

/* Asks which partitions are ours. A host's queue may say anything: what indexes arrays is looked at
 * here. */
static reels_status ask_assignment(struct reels__group_reader *reader, reels_error *err)
{
    size_t count = 0;
    reader->assigned_count = 0;
    REELS_TRY(reels_queue_assigned(reader->queue,
                                   NULL,
                                   reader->consumer,
                                   reader->assigned,
                                   reader->partitions_count,
                                   &count,
                                   err));
    int fits = count <= reader->partitions_count;
    for (size_t i = 0; fits && i < count; i++) {
        fits = reader->assigned[i].partition < reader->partitions_count;
    }
    if (!fits) {
        return reels__fail(err, REELS_ERR_HOST, "the queue gave partitions that are not there");
    }
    reader->assigned_count = count;
    return REELS_OK;
}

/* Learns which partitions are ours. Offsets of FROM_END are stored nowhere, so whoever was out of
 * the group for a while is put back to its places. */
static reels_status take_assignment(struct reels__group_reader *reader, reels_error *err)
{
    REELS_TRY(ask_assignment(reader, err));
    if ((reader->flags & REELS__READER_FROM_END) == 0) {
        return REELS_OK;
    }
    for (size_t i = 0; i < reader->assigned_count; i++) {
        reels_queue_assignment *mine = &reader->assigned[i];
        reels_queue_offset place = {.partition = mine->partition,
                                    .epoch = mine->epoch,
                                    .next = reader->places[mine->partition]};
        REELS_TRY(reels_queue_seek(reader->queue, NULL, reader->consumer, &place, 1, err));
    }
    REELS_TRY(ask_assignment(reader, err));
    for (size_t i = 0; i < reader->assigned_count; i++) {
        reader->places[reader->assigned[i].partition] = reader->assigned[i].next;
    }
    return REELS_OK;
}

/* Whether somebody else is in the group of a reader FROM_END. To whoever has settled others may
 * come, who will leave; one that just came is given something at once, or nothing yet. */
static int is_crowded(struct reels__group_reader *reader)
{
    int64_t now = reels_ctx_now_mono_us(reader->ctx);
    if ((reader->flags & REELS__READER_FROM_END) == 0) {
        return 0;
    }
    if (reader->assigned_count == reader->partitions_count) {
        reader->settled = 1;
        reader->whole_mono_us = now;
        return 0;
    }
    return (!reader->settled && reader->assigned_count > 0) ||
           now - reader->whole_mono_us >= ALONE_WAIT_US;
}

/* Leaves for another group, at random: others may look for one at this very moment. Without a
 * random number it comes back to this one, and tries again. */
static void move_on(struct reels__group_reader *reader)
{
    uint8_t number = 0;
    leave(reader);
    if (reels__random_fill(reader->ctx, &number, sizeof(number), NULL) == REELS_OK) {
        take_number(reader, number);
    }
}

static void note_offset(struct reels__group_reader *reader, uint32_t partition, uint64_t next)
{
    for (size_t k = 0; k < reader->assigned_count; k++) {
        if (reader->assigned[k].partition == partition) {
            reader->assigned[k].next = next;
            reader->places[partition] = next;
        }
    }
}

/* Notes for each partition how far the records of this poll reach. */
static reels_status note_offsets(struct reels__group_reader *reader)
{
    size_t count = reels_records_count(reader->records);
    for (size_t i = 0; i < count; i++) {
        reels_record record;
        REELS_TRY(reels_records_get(reader->records, i, &record));
        note_offset(reader, record.partition, record.offset + 1);
    }
    return REELS_OK;
}

void reels__group_reader_rewind(struct reels__group_reader *reader)
{
    reels_status status = REELS_OK;
    /* From the last to the first: of each partition the first is what stays. */
    for (size_t i = reels_records_count(reader->records); i > 0; i--) {
        reels_record record = {0};
        if (reels_records_get(reader->records, i - 1, &record) == REELS_OK) {
            note_offset(reader, record.partition, record.offset);
        }
    }
    reels_records_clear(reader->records);
    for (size_t i = 0; i < reader->assigned_count && status == REELS_OK; i++) {
        const reels_queue_assignment *mine = &reader->assigned[i];
        reels_queue_offset place = {
            .partition = mine->partition, .epoch = mine->epoch, .next = mine->next};
        status = reels_queue_seek(reader->queue, NULL, reader->consumer, &place, 1, NULL);
    }
    if (status < 0) {
        /* It joins again, and goes on at what was stored or at its places. */
        leave(reader);
    }
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
        status = take_assignment(reader, err);
        if (status < 0) {
            leave(reader); /* half placed: the next poll begins anew */
            return status;
        }
    } else {
        *out_count = reels_records_count(reader->records);
        REELS_TRY(note_offsets(reader));
    }
    if (is_crowded(reader)) {
        *out_changed = 1;
        move_on(reader);
    }
    return REELS_OK;
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
