/* Owns the descriptor of the reels table. Columns are only ever appended (nullable), never moved.
 */
#include <stddef.h>

#include "reel_internal.h"

static const reels_column columns[REELS__REEL_COLUMNS] = {
    [REELS__REEL_ID] = {"reel_id", REELS_TYPE_ID, 0},
    [REELS__REEL_CREATOR_ID] = {"creator_id", REELS_TYPE_ID, 0},
    [REELS__REEL_STATE] = {"state", REELS_TYPE_INT64, 0},
    [REELS__REEL_GENERATION] = {"generation", REELS_TYPE_INT64, 0},
    [REELS__REEL_REVISION] = {"revision", REELS_TYPE_INT64, 0},
    [REELS__REEL_VISIBILITY] = {"visibility", REELS_TYPE_INT64, 0},
    [REELS__REEL_ATTEMPTS_COUNT] = {"attempts_count", REELS_TYPE_INT64, 0},
    [REELS__REEL_CREATED_AT] = {"created_at", REELS_TYPE_TIME, 0},
    [REELS__REEL_READY_AT] = {"ready_at", REELS_TYPE_TIME, 0},
    [REELS__REEL_DURATION_US] = {"duration_us", REELS_TYPE_INT64, 0},
    [REELS__REEL_SOURCE_BYTES] = {"source_bytes", REELS_TYPE_INT64, 0},
    [REELS__REEL_WIDTH] = {"width", REELS_TYPE_INT64, 0},
    [REELS__REEL_HEIGHT] = {"height", REELS_TYPE_INT64, 0},
    [REELS__REEL_PROGRESS_PERMILLE] = {"progress_permille", REELS_TYPE_INT64, 0},
    [REELS__REEL_REASON] = {"reason", REELS_TYPE_UTF8, 0},
    [REELS__REEL_DETAIL] = {"detail", REELS_TYPE_UTF8, 0},
    [REELS__REEL_FILENAME] = {"filename", REELS_TYPE_UTF8, 0},
    [REELS__REEL_CAPTION] = {"caption", REELS_TYPE_UTF8, 0},
};

static const uint32_t key_columns[] = {REELS__REEL_ID};
/* IDs sort by time, so that a creator's reels and a state's queue are in the order of making. */
static const uint32_t creator_columns[] = {REELS__REEL_CREATOR_ID, REELS__REEL_ID};
static const uint32_t state_columns[] = {REELS__REEL_STATE, REELS__REEL_ID};

static const reels_index_def indexes[] = {
    {"by_creator", creator_columns, 2, 0},
    {"by_state", state_columns, 2, 0},
};

static const reels_table reels_descriptor = {
    .struct_size = sizeof(reels_table),
    .version = 1,
    .name = "reels",
    .columns = columns,
    .key_columns = key_columns,
    .indexes = indexes,
    .columns_count = REELS__REEL_COLUMNS,
    .key_columns_count = 1,
    .indexes_count = 2,
    .shard_column = REELS__REEL_ID,
    .ttl_column = UINT32_MAX,
};

const reels_table *reels_reel_table(void)
{
    return &reels_descriptor;
}
