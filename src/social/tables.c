/* Owns the descriptors of the tables of relations and comments. Columns are only ever appended. */
#include "tables.h"

#include <stddef.h>

static const reels_column relation_columns[REELS__RELATION_COLUMNS] = {
    [REELS__RELATION_FROM_ID] = {"from_id", REELS_TYPE_ID, 0},
    [REELS__RELATION_KIND] = {"kind", REELS_TYPE_INT64, 0},
    [REELS__RELATION_TO_ID] = {"to_id", REELS_TYPE_ID, 0},
    [REELS__RELATION_SINCE] = {"since", REELS_TYPE_TIME, 0},
};

static const uint32_t relation_key[] = {
    REELS__RELATION_FROM_ID, REELS__RELATION_KIND, REELS__RELATION_TO_ID};
static const uint32_t relation_by_time[] = {
    REELS__RELATION_FROM_ID, REELS__RELATION_KIND, REELS__RELATION_SINCE};
static const reels_index_def relation_indexes[] = {{"by_time", relation_by_time, 3, 0}};

static const reels_table relation_descriptor = {
    .struct_size = sizeof(reels_table),
    .version = 1,
    .name = "relations",
    .columns = relation_columns,
    .key_columns = relation_key,
    .indexes = relation_indexes,
    .columns_count = REELS__RELATION_COLUMNS,
    .key_columns_count = 3,
    .indexes_count = 1,
    .shard_column = REELS__RELATION_FROM_ID,
    .ttl_column = UINT32_MAX,
};

static const reels_column comment_columns[REELS__COMMENT_COLUMNS] = {
    [REELS__COMMENT_REEL_ID] = {"reel_id", REELS_TYPE_ID, 0},
    [REELS__COMMENT_ID] = {"comment_id", REELS_TYPE_ID, 0},
    [REELS__COMMENT_PERSON_ID] = {"person_id", REELS_TYPE_ID, 0},
    [REELS__COMMENT_CREATED_AT] = {"created_at", REELS_TYPE_TIME, 0},
    [REELS__COMMENT_TEXT] = {"text", REELS_TYPE_UTF8, 0},
    [REELS__COMMENT_TOKEN] = {"token", REELS_TYPE_BYTES, REELS_COLUMN_NULLABLE},
};

static const uint32_t comment_key[] = {REELS__COMMENT_REEL_ID, REELS__COMMENT_ID};
static const uint32_t comment_by_token[] = {
    REELS__COMMENT_REEL_ID, REELS__COMMENT_PERSON_ID, REELS__COMMENT_TOKEN};
static const reels_index_def comment_indexes[] = {{"by_token", comment_by_token, 3, 0}};

static const reels_table comment_descriptor = {
    .struct_size = sizeof(reels_table),
    .version = 1,
    .name = "comments",
    .columns = comment_columns,
    .key_columns = comment_key,
    .indexes = comment_indexes,
    .columns_count = REELS__COMMENT_COLUMNS,
    .key_columns_count = 2,
    .indexes_count = 1,
    .shard_column = REELS__COMMENT_REEL_ID,
    .ttl_column = UINT32_MAX,
};

const reels_table *reels__relation_table(void)
{
    return &relation_descriptor;
}

const reels_table *reels__comment_table(void)
{
    return &comment_descriptor;
}
