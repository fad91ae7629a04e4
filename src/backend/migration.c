/* Owns what may change in a table that is stored: appended nullable columns and added indexes. */
#include <string.h>

#include "backend/table.h"
#include "base/error.h"

static reels_status columns_check(const reels_table *from, const reels_table *to, reels_error *err)
{
    for (uint32_t i = 0; i < from->columns_count; i++) {
        const reels_column *old = &from->columns[i];
        if (i >= to->columns_count) {
            return reels__fail(
                err, REELS_ERR_CONFLICT, "table %s: lost column %s", from->name, old->name);
        }
        const reels_column *now = &to->columns[i];
        if (strcmp(old->name, now->name) != 0) {
            return reels__fail(err,
                               REELS_ERR_CONFLICT,
                               "table %s: column %u was %s, now %s",
                               from->name,
                               (unsigned)i,
                               old->name,
                               now->name);
        }
        if (old->type != now->type || old->flags != now->flags) {
            return reels__fail(err,
                               REELS_ERR_CONFLICT,
                               "table %s: column %s changed its type or flags",
                               from->name,
                               old->name);
        }
    }
    for (uint32_t i = from->columns_count; i < to->columns_count; i++) {
        if ((to->columns[i].flags & REELS_COLUMN_NULLABLE) == 0) {
            return reels__fail(err,
                               REELS_ERR_CONFLICT,
                               "table %s: new column %s is not nullable",
                               from->name,
                               to->columns[i].name);
        }
    }
    return REELS_OK;
}

static int index_is_kept(const reels_index_def *old, const reels_table *to)
{
    const reels_index_def *now = reels__table_index(to, old->name);
    return now != NULL && now->flags == old->flags && now->columns_count == old->columns_count &&
           memcmp(now->columns, old->columns, old->columns_count * sizeof(uint32_t)) == 0;
}

reels_status
reels__table_migration_check(const reels_table *from, const reels_table *to, reels_error *err)
{
    if (to->version < from->version) {
        return reels__fail(err,
                           REELS_ERR_CONFLICT,
                           "table %s: is stored in version %u, newer than %u",
                           from->name,
                           (unsigned)from->version,
                           (unsigned)to->version);
    }
    if (from->key_columns_count != to->key_columns_count ||
        memcmp(from->key_columns, to->key_columns, from->key_columns_count * sizeof(uint32_t)) !=
            0) {
        return reels__fail(
            err, REELS_ERR_CONFLICT, "table %s: its primary key changed", from->name);
    }
    if (from->ttl_column != to->ttl_column) {
        return reels__fail(
            err, REELS_ERR_CONFLICT, "table %s: its time-to-live column changed", from->name);
    }
    REELS_TRY(columns_check(from, to, err));
    for (uint32_t i = 0; i < from->indexes_count; i++) {
        if (!index_is_kept(&from->indexes[i], to)) {
            return reels__fail(err,
                               REELS_ERR_CONFLICT,
                               "table %s: index %s is gone or changed",
                               from->name,
                               from->indexes[i].name);
        }
    }
    return REELS_OK;
}
