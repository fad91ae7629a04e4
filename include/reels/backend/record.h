/* Owns the containers in which backends hand back many things at once: records (of a queue or an
 * outbox) and rows (of a catalog). Both are made by the caller, filled by the backend, cleared and
 * used again without allocating in the long run. */
#ifndef REELS_BACKEND_RECORD_H
#define REELS_BACKEND_RECORD_H

#include <reels/base.h>

REELS_BEGIN_DECLS

/** One record of an event log. Pointers are borrowed from whoever handed the record over. */
typedef struct reels_record {
    uint32_t partition;   /**< queue: the partition; outbox: 0 */
    uint32_t epoch;       /**< queue: the consumer's epoch in that partition; outbox: 0 */
    uint64_t offset;      /**< queue: position in the partition; outbox: sequence in its shard */
    int64_t time_unix_us; /**< server time of the write */
    const char *topic;    /**< NUL-terminated */
    const uint8_t *key;   /**< decides the partition */
    size_t key_len;
    const uint8_t *payload;
    size_t payload_len;
    const uint8_t *shard; /**< outbox: encoded shard key, needed to acknowledge; queue: NULL */
    size_t shard_len;
} reels_record;

/** Growing list of records with its own copy of their bytes. @threadsafety one thread at a time */
typedef struct reels_records reels_records;

/**
 * Makes an empty list.
 *
 * @param      ctx        context
 * @param      bytes_max  keys and payloads together never pass it; 0 = 64 MiB
 * @param[out] out        the list, NULL on failure
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_records_new(reels_ctx *ctx,
                                         size_t bytes_max,
                                         reels_records **out,
                                         reels_error *err);

/**
 * Frees a list.
 *
 * @param records  NULL does nothing
 * @ownership     takes records
 * @threadsafety  one thread at a time per list
 * @since 0.1
 */
REELS_API void reels_records_free(reels_records *records);

/**
 * Forgets the records and keeps the memory.
 *
 * @param records  list
 * @ownership     none
 * @threadsafety  one thread at a time per list
 * @since 0.1
 */
REELS_API void reels_records_clear(reels_records *records);

/**
 * Appends a copy of a record; backends call it.
 *
 * @param      records  list
 * @param      record   copied with everything it points to
 * @param[out] err      detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_LIMIT past bytes_max (nothing is appended); REELS_ERR_NO_MEMORY
 * @ownership     record is copied
 * @threadsafety  one thread at a time per list
 * @since 0.1
 */
REELS_API reels_status reels_records_add(reels_records *records,
                                         const reels_record *record,
                                         reels_error *err);

/**
 * Gives the number of records.
 *
 * @param records  list
 * @return how many
 * @ownership     none
 * @threadsafety  one thread at a time per list
 * @since 0.1
 */
REELS_API size_t reels_records_count(const reels_records *records);

/**
 * Gives one record.
 *
 * @param      records     list
 * @param      index       below the count
 * @param[out] out_record  filled with borrowed pointers
 * @return REELS_OK; REELS_ERR_INVALID_ARG for an index past the end
 * @ownership     pointers in *out_record are borrowed until the next add, clear or free
 * @threadsafety  one thread at a time per list
 * @since 0.1
 */
REELS_API reels_status reels_records_get(const reels_records *records,
                                         size_t index,
                                         reels_record *out_record);

enum {
    REELS_TYPE_NULL = 0,
    REELS_TYPE_INT64 = 1,
    REELS_TYPE_FLOAT64 = 2,
    REELS_TYPE_BOOL = 3,  /**< integer 0 or 1 */
    REELS_TYPE_UTF8 = 4,  /**< data, len; valid UTF-8 without NUL */
    REELS_TYPE_BYTES = 5, /**< data, len */
    REELS_TYPE_TIME = 6,  /**< integer: microseconds since 1970 */
    REELS_TYPE_ID = 7     /**< integer: 63-bit ID, never negative */
};

/** One typed value. Pointers are borrowed. */
typedef struct reels_value {
    uint32_t type; /**< REELS_TYPE_* */
    uint32_t reserved0;
    int64_t integer;     /**< INT64, BOOL, TIME, ID */
    double real;         /**< FLOAT64 */
    const uint8_t *data; /**< UTF8, BYTES */
    size_t len;          /**< UTF8, BYTES */
} reels_value;

/** Growing list of rows with its own copy of their values. @threadsafety one thread at a time */
typedef struct reels_rows reels_rows;

/**
 * Makes an empty list.
 *
 * @param      ctx        context
 * @param      bytes_max  values together never pass it; 0 = 64 MiB
 * @param[out] out        the list, NULL on failure
 * @param[out] err        detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_rows_new(reels_ctx *ctx,
                                      size_t bytes_max,
                                      reels_rows **out,
                                      reels_error *err);

/**
 * Frees a list.
 *
 * @param rows  NULL does nothing
 * @ownership     takes rows
 * @threadsafety  one thread at a time per list
 * @since 0.1
 */
REELS_API void reels_rows_free(reels_rows *rows);

/**
 * Forgets the rows and keeps the memory.
 *
 * @param rows  list
 * @ownership     none
 * @threadsafety  one thread at a time per list
 * @since 0.1
 */
REELS_API void reels_rows_clear(reels_rows *rows);

/**
 * Appends a row, or marks a missing one; backends call it.
 *
 * @param      rows          list
 * @param      values        one per column in the order of the table; NULL marks a row that is not
 * there
 * @param      values_count  how many
 * @param      version       row version, from 1; 0 for a missing row
 * @param[out] err           detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_LIMIT past bytes_max (nothing is appended); REELS_ERR_NO_MEMORY
 * @ownership     values are copied
 * @threadsafety  one thread at a time per list
 * @since 0.1
 */
REELS_API reels_status reels_rows_add(reels_rows *rows,
                                      const reels_value *values,
                                      size_t values_count,
                                      uint64_t version,
                                      reels_error *err);

/**
 * Gives the number of rows, missing ones counted.
 *
 * @param rows  list
 * @return how many
 * @ownership     none
 * @threadsafety  one thread at a time per list
 * @since 0.1
 */
REELS_API size_t reels_rows_count(const reels_rows *rows);

/**
 * Gives the values of a row.
 *
 * @param      rows         list
 * @param      index        below the count
 * @param[out] out_version  row version; may be NULL
 * @return the values in the order of the table's columns, or NULL for a row that is not there
 * @ownership     borrowed until the next add, clear or free
 * @threadsafety  one thread at a time per list
 * @since 0.1
 */
REELS_API const reels_value *
reels_rows_get(const reels_rows *rows, size_t index, uint64_t *out_version);

REELS_END_DECLS

#endif
