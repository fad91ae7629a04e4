/* Owns what the files of the segment-file queue share.
 *
 *     <root>/.reels/format, lock           see dir.h
 *     <root>/<topic>/topic                 number of partitions; its presence says "made"
 *     <root>/<topic>/groups/<group>        epochs and stored offsets
 *     <root>/<topic>/p<number>/<base>.seg  segments of a partition, see queue_codec.h; the last one
 *                                          is written to, the others never change */
#ifndef REELS_SRC_BACKEND_QUEUE_LOG_H
#define REELS_SRC_BACKEND_QUEUE_LOG_H

#include <pthread.h>

#include "backend/queue_codec.h"
#include "backend/queue_core.h"

enum {
    REELS__SEGMENT_NAME_BYTES = 25, /* 20 digits, ".seg", NUL */
    REELS__INDEX_STEP_BYTES = 65536 /* an entry of the index stands for so much of a file */
};

/* Where in a file an offset is found. */
struct reels__index_entry {
    uint64_t offset;
    uint64_t position;
};

/* Sparse, in order. The zero state may be disposed. */
struct reels__segment_index {
    struct reels__index_entry *entries;
    size_t count;
    size_t capacity;
};

/* Remembers a batch when the last one that is remembered is far enough back. */
reels_status reels__index_add(reels_ctx *ctx,
                              struct reels__segment_index *index,
                              uint64_t offset,
                              uint64_t position,
                              reels_error *err);
/* The last entry at or before the offset; {base, header} when there is none. */
struct reels__index_entry
reels__index_find(const struct reels__segment_index *index, uint64_t base, uint64_t offset);

/* queue_segment.c: one open file, read through a window. The zero state may be disposed. */
struct reels__segment_file {
    reels_ctx *ctx;
    char *path;
    void *file;
    struct reels__segment_header header;
    reels_buf *window;
    uint64_t window_at;
    uint64_t limit_bytes; /* nothing behind it is read, as it may still change */
};

/* Opens a file and reads its header, which must carry the base. A header that is damaged is
 * CORRUPT. */
reels_status reels__segment_open(struct reels__segment_file *segment,
                                 reels_ctx *ctx,
                                 const char *folder,
                                 uint64_t base,
                                 uint32_t flags,
                                 reels_error *err);
void reels__segment_close(struct reels__segment_file *segment);

/* Makes an empty file of that base, durably, replacing one that never came to hold anything. */
reels_status reels__segment_make(struct reels__segment_file *segment,
                                 reels_ctx *ctx,
                                 const char *folder,
                                 uint64_t base,
                                 reels_error *err);

/* Reads the header of the batch at a position of a file of size_bytes; CORRUPT when there is none
 * or its base is not the one expected. */
reels_status reels__segment_batch(struct reels__segment_file *segment,
                                  uint64_t position,
                                  uint64_t size_bytes,
                                  uint64_t base,
                                  struct reels__batch_header *out,
                                  reels_error *err);
/* Gives its body, borrowed until the next reading. */
reels_status reels__segment_body(struct reels__segment_file *segment,
                                 uint64_t position,
                                 const struct reels__batch_header *header,
                                 const uint8_t **out_body,
                                 reels_error *err);

/* What recovery has found in the last segment of a partition. */
struct reels__recovery {
    uint64_t size_bytes; /* up to the end of the last batch */
    uint64_t end;        /* offset of the next record */
    struct reels__segment_index index;
};

/* Reads every batch of a file that was being written to, cuts a torn tail off, and makes what is
 * left durable. CORRUPT when something that was acknowledged is damaged. */
reels_status reels__segment_recover(struct reels__segment_file *segment,
                                    struct reels__recovery *out,
                                    reels_error *err);

/* A file of a partition. */
struct reels__segment {
    uint64_t base;
    uint64_t size_bytes; /* of the last one: what is durable */
    int64_t written_unix_us;
    struct reels__segment_index index;
    int indexed; /* the index covers the whole file */
};

/* One append's share of a partition, on the stack of the appender. */
struct reels__append {
    struct reels__append *next;
    const uint8_t *raw;
    size_t raw_len;
    uint32_t records_count;
    int64_t time_min_unix_us;
    int64_t time_max_unix_us;
    uint64_t base; /* out */
    reels_status status;
    int done;
    reels_error err;
};

struct reels__log_part {
    struct reels__log *log;
    char *path;
    pthread_mutex_t lock;
    pthread_cond_t written;
    struct reels__append *first; /* waiting to be written, oldest first */
    struct reels__append **last;
    int writing; /* somebody writes for all */
    struct reels__segment *segments;
    size_t segments_count;
    size_t segments_capacity;
    uint64_t end; /* offset of the next record */
    /* The writer's own while `writing`. */
    struct reels__segment_file active; /* closed before the first append */
    int torn;                          /* a write has failed: cut off before the next one */
};

/* A topic. */
struct reels__log {
    struct reels__log *next;
    struct reels__queue_log *store;
    char *path;
    char *groups_path;
    struct reels__log_part *parts;
    uint32_t parts_count;
    uint32_t parts_ready; /* how many are initialised */
};

struct reels__codec_item {
    struct reels__codec_item *next;
    struct reels__queue_codec *codec;
    reels_buf *buf;
};

struct reels__queue_log {
    reels_ctx *ctx;
    char *root;
    void *lock_file;
    uint64_t segment_bytes;
    uint64_t retain_bytes; /* 0 = no bound */
    int64_t retain_us;     /* 0 = no bound */
    pthread_mutex_t lock;
    struct reels__log *logs;
    struct reels__codec_item *codecs; /* free ones */
};

/* Working space for one writing or reading; at most as many are made as work at once. */
reels_status
reels__codec_take(struct reels__queue_log *store, struct reels__codec_item **out, reels_error *err);
void reels__codec_give(struct reels__queue_log *store, struct reels__codec_item *item);

/* queue_part.c */
reels_status reels__part_init(struct reels__log_part *part,
                              struct reels__log *log,
                              uint32_t number,
                              reels_error *err);
/* Finds and recovers the segments. */
reels_status reels__part_load(struct reels__log_part *part, reels_error *err);
void reels__part_dispose(struct reels__log_part *part);
/* Hands an append in; reels__part_wait() returns when it was written or has failed. */
void reels__part_submit(struct reels__log_part *part, struct reels__append *append);
void reels__part_wait(struct reels__log_part *part, struct reels__append *append);

/* queue_reader.c */
reels_status reels__part_read(struct reels__log_part *part,
                              struct reels__queue_read *read,
                              reels_records *records,
                              reels_error *err);
void reels__part_cursor_free(struct reels__queue_log *store, void *cursor);

#endif
