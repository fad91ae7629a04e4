/* Owns what the files of the catalog's suite share: its tables, and short ways to write, read and
 * expect. */
#ifndef REELS_TESTS_CONFORMANCE_CATALOG_SUITE_H
#define REELS_TESTS_CONFORMANCE_CATALOG_SUITE_H

#include "run.h"

/* Columns of the items table: every type, nullable ones, a unique index. */
enum {
    ITEM_OWNER, /* shard */
    ITEM_ID,
    ITEM_TITLE,
    ITEM_SCORE, /* nullable */
    ITEM_FLAG,
    ITEM_SEEN, /* nullable */
    ITEM_BODY,
    ITEM_COUNT,
    ITEM_CODE, /* nullable, unique within the owner */
    ITEM_COLUMNS
};

struct item {
    reels_value values[ITEM_COLUMNS];
};

extern const reels_table suite_items; /* key: owner, id; by_score(score, seen), by_title, by_code */
extern const reels_table suite_names; /* key: a text; one int64 */
extern const reels_table suite_timed; /* key: an id; a time to live */

reels_value value_null(void);
reels_value value_id(int64_t id);
reels_value value_int(int64_t number);
reels_value value_real(double number);
reels_value value_bool(int64_t truth);
reels_value value_time(int64_t unix_us);
reels_value value_text(const char *text);
reels_value value_text_len(const void *text, size_t len);
reels_value value_bytes(const void *data, size_t len);
int value_equal(const reels_value *a, const reels_value *b);

/* An item with something in every column. */
struct item item_make(int64_t owner, int64_t id);

reels_op op_put(const struct item *item, uint32_t condition);
/* key: two values, owner and id, that outlive the operation. */
reels_op op_delete(const reels_value *key, uint32_t condition);
reels_op op_check(const reels_value *key, uint32_t condition);

/* Declares the suite's tables. */
int suite_declare(struct run *run);

/* One commit; what became of it goes to *out. */
int suite_commit(struct run *run,
                 reels_value shard,
                 const reels_op *ops,
                 size_t ops_count,
                 reels_commit_result *out);

/* Puts an item without a condition. */
int suite_put(struct run *run, const struct item *item);

/* The same with one event of that payload. */
int suite_put_event(struct run *run, const struct item *item, const char *payload);

/* Reads an item: *out_version is 0 when it is not there. rows (cleared first) holds the values. */
int suite_get(struct run *run, int64_t owner, int64_t id, reels_rows *rows, uint64_t *out_version);

/* Expects an item as it was put, or, with NULL, that there is none. */
int suite_expect(struct run *run, int64_t owner, int64_t id, const struct item *item);

/* The groups of cases. */
extern const struct run_case suite_rows_cases[];
extern const size_t suite_rows_cases_count;
extern const struct run_case suite_scan_cases[];
extern const size_t suite_scan_cases_count;
extern const struct run_case suite_outbox_cases[];
extern const size_t suite_outbox_cases_count;

#endif
