/* Owns reading a topic as a member of a group: joining, joining again when the lease was lost,
 * learning which partitions are ours, and storing offsets after their records were dealt with. For
 * consumers whose work may be repeated; the counting consumer, whose may not, has its own. One
 * thread at a time. */
#ifndef REELS_SRC_BACKEND_GROUP_READER_H
#define REELS_SRC_BACKEND_GROUP_READER_H

#include <reels/backend.h>

enum {
    /* Begin with what is appended from now on, all partitions of it; no offsets are stored. */
    REELS__READER_FROM_END = 1
};

enum {
    REELS__READER_NAME_BYTES = 96
};

struct reels__group_reader {
    reels_ctx *ctx;
    reels_queue *queue;
    const char *topic;
    uint32_t flags;
    uint32_t partitions_count;
    uint64_t consumer;                /* 0 = not joined */
    reels_records *records;           /* of the last poll */
    reels_queue_assignment *assigned; /* what we have; next is where the stored offset shall be */
    size_t assigned_count;
    uint64_t *places;      /* by partition: where FROM_END goes on; UINT64_MAX = at its end */
    size_t stem_len;       /* FROM_END: the group's name without its number */
    int settled;           /* FROM_END: it had all partitions since it joined */
    int64_t whole_mono_us; /* FROM_END: when it had them last, or joined */
    char group[REELS__READER_NAME_BYTES];
    char name[REELS__READER_NAME_BYTES];
};

/* Opens the topic (made when missing). The zero state may be disposed. topic is borrowed for ever.
 */
reels_status reels__group_reader_init(struct reels__group_reader *reader,
                                      reels_ctx *ctx,
                                      reels_queue *queue,
                                      const char *topic,
                                      uint32_t partitions_count,
                                      uint32_t flags,
                                      reels_error *err);
/* Names the group and this member before the first poll; each up to 95 bytes. Readers FROM_END each
 * need a group of their own: theirs is the name given, up to 92 bytes, and the first number that
 * nobody else is found in, of 256, so that processes that come and go do not leave ever more
 * groups.
 */
void reels__group_reader_name(struct reels__group_reader *reader,
                              const char *group,
                              const char *name);
void reels__group_reader_dispose(struct reels__group_reader *reader);

/* Reads on into reader->records, waiting until wait_until_mono_us at the latest (0 = not at all).
 * *out_count is 0 when there was nothing. *out_changed = 1 when partitions have changed: poll
 * again, there may be something. */
reels_status reels__group_reader_poll(struct reels__group_reader *reader,
                                      int64_t wait_until_mono_us,
                                      uint32_t records_max,
                                      size_t *out_count,
                                      int *out_changed,
                                      reels_error *err);

/* The records of the last poll could not be dealt with: the next one gives them again. */
void reels__group_reader_rewind(struct reels__group_reader *reader);

/* Stores that the records of the last poll were dealt with. A partition lost meanwhile is no
 * failure: whoever has it now reads them again. */
reels_status reels__group_reader_store(struct reels__group_reader *reader, reels_error *err);

#endif
