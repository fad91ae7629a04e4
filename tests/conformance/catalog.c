/* Owns the door of the catalog's suite and what its files share. */
#include <stdlib.h>
#include <string.h>

#include "catalog_suite.h"

static const reels_column item_columns[ITEM_COLUMNS] = {
    [ITEM_OWNER] = {"owner", REELS_TYPE_ID, 0},
    [ITEM_ID] = {"id", REELS_TYPE_ID, 0},
    [ITEM_TITLE] = {"title", REELS_TYPE_UTF8, 0},
    [ITEM_SCORE] = {"score", REELS_TYPE_FLOAT64, REELS_COLUMN_NULLABLE},
    [ITEM_FLAG] = {"flag", REELS_TYPE_BOOL, 0},
    [ITEM_SEEN] = {"seen", REELS_TYPE_TIME, REELS_COLUMN_NULLABLE},
    [ITEM_BODY] = {"body", REELS_TYPE_BYTES, 0},
    [ITEM_COUNT] = {"select", REELS_TYPE_INT64, 0}, /* a word of SQL is a name like any other */
    [ITEM_CODE] = {"code", REELS_TYPE_UTF8, REELS_COLUMN_NULLABLE},
};
static const uint32_t item_key[] = {ITEM_OWNER, ITEM_ID};
static const uint32_t item_by_score[] = {ITEM_SCORE, ITEM_SEEN};
static const uint32_t item_by_title[] = {ITEM_TITLE};
static const uint32_t item_by_code[] = {ITEM_CODE};
static const reels_index_def item_indexes[] = {
    {"by_score", item_by_score, 2, 0},
    {"by_title", item_by_title, 1, 0},
    {"by_code", item_by_code, 1, REELS_INDEX_UNIQUE},
};
const reels_table suite_items = {
    .struct_size = sizeof(reels_table),
    .version = 1,
    .name = "conformance_items",
    .columns = item_columns,
    .key_columns = item_key,
    .indexes = item_indexes,
    .columns_count = ITEM_COLUMNS,
    .key_columns_count = 2,
    .indexes_count = 3,
    .shard_column = ITEM_OWNER,
    .ttl_column = UINT32_MAX,
};

static const reels_column name_columns[] = {
    {"name", REELS_TYPE_UTF8, 0},
    {"number", REELS_TYPE_INT64, 0},
};
static const uint32_t first_key[] = {0};
const reels_table suite_names = {
    .struct_size = sizeof(reels_table),
    .version = 1,
    .name = "conformance_names",
    .columns = name_columns,
    .key_columns = first_key,
    .columns_count = 2,
    .key_columns_count = 1,
    .shard_column = 0,
    .ttl_column = UINT32_MAX,
};

static const reels_column timed_columns[] = {
    {"id", REELS_TYPE_ID, 0},
    {"until", REELS_TYPE_TIME, 0},
};
const reels_table suite_timed = {
    .struct_size = sizeof(reels_table),
    .version = 1,
    .name = "conformance_timed",
    .columns = timed_columns,
    .key_columns = first_key,
    .columns_count = 2,
    .key_columns_count = 1,
    .shard_column = 0,
    .ttl_column = 1,
};

reels_value value_null(void)
{
    reels_value value = {.type = REELS_TYPE_NULL};
    return value;
}

reels_value value_id(int64_t id)
{
    reels_value value = {.type = REELS_TYPE_ID, .integer = id};
    return value;
}

reels_value value_int(int64_t number)
{
    reels_value value = {.type = REELS_TYPE_INT64, .integer = number};
    return value;
}

reels_value value_real(double number)
{
    reels_value value = {.type = REELS_TYPE_FLOAT64, .real = number};
    return value;
}

reels_value value_bool(int64_t truth)
{
    reels_value value = {.type = REELS_TYPE_BOOL, .integer = truth};
    return value;
}

reels_value value_time(int64_t unix_us)
{
    reels_value value = {.type = REELS_TYPE_TIME, .integer = unix_us};
    return value;
}

reels_value value_text_len(const void *text, size_t len)
{
    reels_value value = {.type = REELS_TYPE_UTF8, .data = text, .len = len};
    return value;
}

reels_value value_text(const char *text)
{
    return value_text_len(text, strlen(text));
}

reels_value value_bytes(const void *data, size_t len)
{
    reels_value value = {.type = REELS_TYPE_BYTES, .data = data, .len = len};
    return value;
}

int value_equal(const reels_value *a, const reels_value *b)
{
    if (a->type != b->type) {
        return 0;
    }
    if (a->type == REELS_TYPE_UTF8 || a->type == REELS_TYPE_BYTES) {
        return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
    }
    if (a->type == REELS_TYPE_FLOAT64) {
        return !(a->real < b->real) && !(a->real > b->real);
    }
    return a->type == REELS_TYPE_NULL || a->integer == b->integer;
}

struct item item_make(int64_t owner, int64_t id)
{
    static const uint8_t body[] = {0, 1, 255, 0};
    struct item item = {{
        [ITEM_OWNER] = value_id(owner),
        [ITEM_ID] = value_id(id),
        [ITEM_TITLE] = value_text("title"),
        [ITEM_SCORE] = value_real(0.5),
        [ITEM_FLAG] = value_bool(1),
        [ITEM_SEEN] = value_time(1700000000000000),
        [ITEM_BODY] = value_bytes(body, sizeof body),
        [ITEM_COUNT] = value_int(-7),
        [ITEM_CODE] = value_null(),
    }};
    return item;
}

reels_op op_put(const struct item *item, uint32_t condition)
{
    reels_op op = {.table = &suite_items,
                   .values = item->values,
                   .kind = REELS_OP_PUT,
                   .condition = condition};
    return op;
}

reels_op op_delete(const reels_value *key, uint32_t condition)
{
    reels_op op = {
        .table = &suite_items, .values = key, .kind = REELS_OP_DELETE, .condition = condition};
    return op;
}

reels_op op_check(const reels_value *key, uint32_t condition)
{
    reels_op op = {
        .table = &suite_items, .values = key, .kind = REELS_OP_CHECK, .condition = condition};
    return op;
}

int suite_declare(struct run *run)
{
    const reels_table *tables[] = {&suite_items, &suite_names, &suite_timed};
    EXPECT_OK_OR_0(reels_catalog_declare(run->port, NULL, tables, COUNT_OF(tables), &run->err));
    return 1;
}

int suite_commit(struct run *run,
                 reels_value shard,
                 const reels_op *ops,
                 size_t ops_count,
                 reels_commit_result *out)
{
    reels_commit commit = {
        .struct_size = sizeof commit, .shard = shard, .ops = ops, .ops_count = ops_count};
    EXPECT_OK_OR_0(reels_catalog_commit(run->port, NULL, &commit, 1, out, &run->err));
    return 1;
}

int suite_put(struct run *run, const struct item *item)
{
    reels_op op = op_put(item, REELS_IF_ALWAYS);
    reels_commit_result result = {0};
    TRY_OR_0(suite_commit(run, item->values[ITEM_OWNER], &op, 1, &result));
    EXPECT_OR_0(result.status == REELS_OK && result.version > 0);
    return 1;
}

int suite_put_event(struct run *run, const struct item *item, const char *payload)
{
    static const uint8_t key[] = {1, 2, 3};
    reels_op op = op_put(item, REELS_IF_ALWAYS);
    reels_event_out event = {.topic = "suite.topic",
                             .key = key,
                             .key_len = sizeof key,
                             .payload = (const uint8_t *)payload,
                             .payload_len = strlen(payload)};
    reels_commit commit = {.struct_size = sizeof commit,
                           .shard = item->values[ITEM_OWNER],
                           .ops = &op,
                           .ops_count = 1,
                           .events = &event,
                           .events_count = 1};
    reels_commit_result result = {0};
    EXPECT_OK_OR_0(reels_catalog_commit(run->port, NULL, &commit, 1, &result, &run->err));
    EXPECT_OR_0(result.status == REELS_OK);
    return 1;
}

int suite_get(struct run *run, int64_t owner, int64_t id, reels_rows *rows, uint64_t *out_version)
{
    reels_value key[] = {value_id(owner), value_id(id)};
    reels_rows_clear(rows);
    EXPECT_OK_OR_0(reels_catalog_get(run->port, NULL, &suite_items, key, 1, rows, &run->err));
    EXPECT_OR_0(reels_rows_count(rows) == 1);
    (void)reels_rows_get(rows, 0, out_version);
    return 1;
}

static int
row_expect(struct run *run, int64_t owner, int64_t id, const struct item *item, reels_rows *rows)
{
    uint64_t version = 0;
    TRY_OR_0(suite_get(run, owner, id, rows, &version));
    const reels_value *values = reels_rows_get(rows, 0, NULL);
    EXPECT_OR_0((values != NULL) == (item != NULL));
    EXPECT_OR_0((version > 0) == (item != NULL));
    for (size_t i = 0; item != NULL && i < ITEM_COLUMNS; i++) {
        EXPECT_OR_0(value_equal(&values[i], &item->values[i]));
    }
    return 1;
}

int suite_expect(struct run *run, int64_t owner, int64_t id, const struct item *item)
{
    reels_rows *rows = NULL;
    EXPECT_OK_OR_0(reels_rows_new(run->ctx, 0, &rows, &run->err));
    int held = row_expect(run, owner, id, item, rows);
    reels_rows_free(rows);
    return held;
}

reels_status reels_conformance_catalog(reels_ctx *ctx,
                                       const reels_conformance_factory *factory,
                                       reels_conformance_report_fn report,
                                       void *user,
                                       uint32_t *out_failed,
                                       reels_error *err)
{
    const struct {
        const struct run_case *cases;
        size_t count;
    } groups[] = {
        {suite_rows_cases, suite_rows_cases_count},
        {suite_scan_cases, suite_scan_cases_count},
        {suite_outbox_cases, suite_outbox_cases_count},
    };
    uint32_t failed = 0;
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        uint32_t part = 0;
        reels_status status =
            run_cases(ctx, factory, groups[i].cases, groups[i].count, report, user, &part, err);
        if (status < 0) {
            return status;
        }
        failed += part;
    }
    if (out_failed != NULL) {
        *out_failed = failed;
    }
    return REELS_OK;
}
