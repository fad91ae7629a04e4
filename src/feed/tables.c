/* Owns the descriptors of the feed's tables: what persons have watched, and the sessions that are
 * served. */
#include "tables.h"

#include <stddef.h>

#include "feed_internal.h"

static const reels_column watched_columns[REELS__WATCHED_COLUMNS] = {
    [REELS__WATCHED_PERSON_ID] = {"person_id", REELS_TYPE_ID, 0},
    [REELS__WATCHED_REEL_ID] = {"reel_id", REELS_TYPE_ID, 0},
    [REELS__WATCHED_SEEN_AT] = {"seen_at", REELS_TYPE_TIME, 0},
};

static const uint32_t watched_key[] = {REELS__WATCHED_PERSON_ID, REELS__WATCHED_REEL_ID};

static const reels_table watched_descriptor = {
    .struct_size = sizeof(reels_table),
    .version = 1,
    .name = "watched",
    .columns = watched_columns,
    .key_columns = watched_key,
    .columns_count = REELS__WATCHED_COLUMNS,
    .key_columns_count = 2,
    .shard_column = REELS__WATCHED_PERSON_ID,
    .ttl_column = UINT32_MAX,
};

static const reels_column session_columns[REELS__FEED_SESSION_COLUMNS] = {
    [REELS__FEED_SESSION_PERSON_ID] = {"person_id", REELS_TYPE_ID, 0},
    [REELS__FEED_SESSION_ID] = {"session_id", REELS_TYPE_ID, 0},
    [REELS__FEED_SESSION_EXPIRES_AT] = {"expires_at", REELS_TYPE_TIME, 0},
    [REELS__FEED_SESSION_ITEMS] = {"items", REELS_TYPE_BYTES, 0},
};

static const uint32_t session_key[] = {REELS__FEED_SESSION_PERSON_ID, REELS__FEED_SESSION_ID};

static const reels_table session_descriptor = {
    .struct_size = sizeof(reels_table),
    .version = 1,
    .name = "feed_sessions",
    .columns = session_columns,
    .key_columns = session_key,
    .columns_count = REELS__FEED_SESSION_COLUMNS,
    .key_columns_count = 2,
    .shard_column = REELS__FEED_SESSION_PERSON_ID,
    .ttl_column = REELS__FEED_SESSION_EXPIRES_AT,
};

const reels_table *reels__watched_table(void)
{
    return &watched_descriptor;
}

const reels_table *reels__feed_session_table(void)
{
    return &session_descriptor;
}
