/* Owns the stored form of a descriptor: a format byte, then big-endian 32-bit numbers and
 * NUL-terminated names, in the order of the structs. */
#include "descriptor.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    FORMAT = 1,
    DESCRIPTOR_BYTES_MAX = 64 * 1024
};

static reels_status number_add(reels_buf *buf, uint32_t number, reels_error *err)
{
    uint8_t bytes[4];
    reels__be32_put(bytes, number);
    return reels_buf_append(buf, bytes, sizeof bytes, err);
}

static reels_status
numbers_add(reels_buf *buf, const uint32_t *numbers, uint32_t count, reels_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        REELS_TRY(number_add(buf, numbers[i], err));
    }
    return REELS_OK;
}

static reels_status name_add(reels_buf *buf, const char *name, reels_error *err)
{
    return reels_buf_append(buf, (const uint8_t *)name, strlen(name) + 1, err);
}

reels_status reels__descriptor_write(const reels_table *table, reels_buf *buf, reels_error *err)
{
    const uint8_t format = FORMAT;
    const uint32_t head[] = {table->version,
                             table->columns_count,
                             table->key_columns_count,
                             table->indexes_count,
                             table->shard_column,
                             table->ttl_column};
    REELS_TRY(reels_buf_append(buf, &format, 1, err));
    REELS_TRY(numbers_add(buf, head, 6, err));
    REELS_TRY(name_add(buf, table->name, err));
    for (uint32_t i = 0; i < table->columns_count; i++) {
        REELS_TRY(number_add(buf, table->columns[i].type, err));
        REELS_TRY(number_add(buf, table->columns[i].flags, err));
        REELS_TRY(name_add(buf, table->columns[i].name, err));
    }
    REELS_TRY(numbers_add(buf, table->key_columns, table->key_columns_count, err));
    for (uint32_t i = 0; i < table->indexes_count; i++) {
        const reels_index_def *index = &table->indexes[i];
        REELS_TRY(number_add(buf, index->columns_count, err));
        REELS_TRY(number_add(buf, index->flags, err));
        REELS_TRY(numbers_add(buf, index->columns, index->columns_count, err));
        REELS_TRY(name_add(buf, index->name, err));
    }
    return REELS_OK;
}

/* Where the reading stands; it stays at the end once it has gone wrong. */
struct reader {
    const char *at;
    const char *end;
    int failed;
};

static uint32_t number_next(struct reader *reader)
{
    if (reader->failed || reader->end - reader->at < 4) {
        reader->failed = 1;
        return 0;
    }
    uint32_t number = reels__be32_get((const uint8_t *)reader->at);
    reader->at += 4;
    return number;
}

static const char *name_next(struct reader *reader)
{
    const char *name = reader->at;
    const char *nul =
        reader->failed ? NULL : memchr(name, '\0', (size_t)(reader->end - reader->at));
    if (nul == NULL) {
        reader->failed = 1;
        return "";
    }
    reader->at = nul + 1;
    return name;
}

/* A count that fails the reading when it is above its bound. */
static uint32_t count_next(struct reader *reader, uint32_t max)
{
    uint32_t count = number_next(reader);
    if (count > max) {
        reader->failed = 1;
        return 0;
    }
    return count;
}

static void descriptor_parse(struct reader *reader, reels__descriptor *to)
{
    reels_table *def = &to->def;
    def->struct_size = sizeof *def;
    def->version = number_next(reader);
    def->columns_count = count_next(reader, REELS_TABLE_COLUMNS_MAX);
    def->key_columns_count = count_next(reader, REELS_TABLE_KEY_COLUMNS_MAX);
    def->indexes_count = count_next(reader, REELS_TABLE_INDEXES_MAX);
    def->shard_column = number_next(reader);
    def->ttl_column = number_next(reader);
    def->name = name_next(reader);
    def->columns = to->columns;
    def->key_columns = to->key_columns;
    def->indexes = to->indexes;
    for (uint32_t i = 0; i < def->columns_count; i++) {
        to->columns[i].type = number_next(reader);
        to->columns[i].flags = number_next(reader);
        to->columns[i].name = name_next(reader);
    }
    for (uint32_t i = 0; i < def->key_columns_count; i++) {
        to->key_columns[i] = number_next(reader);
    }
    for (uint32_t i = 0; i < def->indexes_count; i++) {
        reels_index_def *index = &to->indexes[i];
        index->columns_count = count_next(reader, REELS_INDEX_COLUMNS_MAX);
        index->flags = number_next(reader);
        for (uint32_t k = 0; k < index->columns_count; k++) {
            to->index_columns[i][k] = number_next(reader);
        }
        index->columns = to->index_columns[i];
        index->name = name_next(reader);
    }
}

reels_status reels__descriptor_read(const reels_ctx *ctx,
                                    const uint8_t *data,
                                    size_t len,
                                    reels__descriptor **out,
                                    reels_error *err)
{
    *out = NULL;
    if (len < 1 || len > DESCRIPTOR_BYTES_MAX || data[0] != FORMAT) {
        return reels__fail(err, REELS_ERR_CORRUPT, "catalog: a stored descriptor is malformed");
    }
    reels__descriptor *read = reels__mem_zalloc(ctx, sizeof *read + len);
    if (read == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "catalog: no memory for a descriptor");
    }
    memcpy(read->names, data, len);
    struct reader reader = {.at = read->names + 1, .end = read->names + len};
    descriptor_parse(&reader, read);
    if (reader.failed || reader.at != reader.end || reels__table_check(&read->def, NULL) < 0) {
        reels__mem_free(ctx, read);
        return reels__fail(err, REELS_ERR_CORRUPT, "catalog: a stored descriptor is malformed");
    }
    *out = read;
    return REELS_OK;
}
