/* Owns the cases about tables, rows, conditions, tokens and versions. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalog_suite.h"

/* ---- declare ---- */

static void declare_again_changes_nothing(struct run *run)
{
    struct item item = item_make(1, 2);
    TRY(suite_declare(run));
    TRY(suite_put(run, &item));
    TRY(suite_declare(run));
    TRY(suite_expect(run, 1, 2, &item));
    reels_table copy = suite_items; /* the same words under another address */
    const reels_table *table = &copy;
    EXPECT_OK(reels_catalog_declare(run->port, NULL, &table, 1, &run->err));
    TRY(suite_expect(run, 1, 2, &item));
}

static void undeclared_tables_are_refused(struct run *run)
{
    struct item item = item_make(1, 2);
    reels_op op = op_put(&item, REELS_IF_ALWAYS);
    reels_commit commit = {
        .struct_size = sizeof commit, .shard = value_id(1), .ops = &op, .ops_count = 1};
    reels_commit_result result = {0};
    EXPECT(reels_catalog_commit(run->port, NULL, &commit, 1, &result, &run->err) ==
           REELS_ERR_INVALID_ARG);
}

/* The items table with `columns_count` columns of an array with room for more. */
static reels_table items_variant(reels_column *columns,
                                 uint32_t columns_count,
                                 const reels_index_def *indexes,
                                 uint32_t indexes_count)
{
    reels_table table = suite_items;
    table.version = 2;
    table.columns = columns;
    table.columns_count = columns_count;
    table.indexes = indexes;
    table.indexes_count = indexes_count;
    return table;
}

static int wide_row_works(struct run *run, const reels_table *wide)
{
    reels_value values[ITEM_COLUMNS + 1];
    struct item item = item_make(1, 3);
    memcpy(values, item.values, sizeof item.values);
    values[ITEM_COLUMNS] = value_text("added");
    reels_op op = {.table = wide, .values = values, .kind = REELS_OP_PUT};
    reels_commit_result result = {0};
    TRY_OR_0(suite_commit(run, value_id(1), &op, 1, &result));
    EXPECT_OR_0(result.status == REELS_OK);
    reels_rows *rows = NULL;
    EXPECT_OK_OR_0(reels_rows_new(run->ctx, 0, &rows, &run->err));
    reels_value keys[] = {value_id(1), value_id(2), value_id(1), value_id(3)};
    reels_status status = reels_catalog_get(run->port, NULL, wide, keys, 2, rows, &run->err);
    const reels_value *old = reels_rows_get(rows, 0, NULL);
    const reels_value *now = reels_rows_get(rows, 1, NULL);
    int right = status == REELS_OK && old != NULL && now != NULL &&
                old[ITEM_COLUMNS].type == REELS_TYPE_NULL &&
                value_equal(&old[ITEM_TITLE], &item.values[ITEM_TITLE]) &&
                value_equal(&now[ITEM_COLUMNS], &values[ITEM_COLUMNS]);
    reels_rows_free(rows);
    EXPECT_OR_0(right);
    return 1;
}

static int index_count(struct run *run, const reels_table *table, const char *index)
{
    reels_scan scan = {.struct_size = sizeof scan, .table = table, .index = index, .limit = 100};
    reels_rows *rows = NULL;
    int count = -1;
    if (reels_rows_new(run->ctx, 0, &rows, &run->err) == REELS_OK &&
        reels_catalog_scan(run->port, NULL, &scan, rows, NULL, &run->err) == REELS_OK) {
        count = (int)reels_rows_count(rows);
    }
    reels_rows_free(rows);
    return count;
}

static void a_column_and_an_index_can_be_added(struct run *run)
{
    /* static: descriptors outlive the catalog */
    static reels_column columns[ITEM_COLUMNS + 1];
    static reels_index_def indexes[4];
    static reels_table wide;
    static const uint32_t by_extra[] = {ITEM_COLUMNS, ITEM_COUNT};
    memcpy(columns, suite_items.columns, sizeof(reels_column) * ITEM_COLUMNS);
    memcpy(indexes, suite_items.indexes, sizeof(reels_index_def) * 3);
    columns[ITEM_COLUMNS] = (reels_column){"extra", REELS_TYPE_UTF8, REELS_COLUMN_NULLABLE};
    indexes[3] = (reels_index_def){"by_extra", by_extra, 2, 0};
    wide = items_variant(columns, ITEM_COLUMNS + 1, indexes, 4);
    const reels_table *table = &wide;

    struct item item = item_make(1, 2);
    TRY(suite_declare(run));
    TRY(suite_put(run, &item));
    EXPECT_OK(reels_catalog_declare(run->port, NULL, &table, 1, &run->err));
    TRY(wide_row_works(run, &wide));
    EXPECT(index_count(run, &wide, "by_extra") == 2);
    /* The older descriptor cannot be used beside it, nor declared again. */
    reels_value key[] = {value_id(1), value_id(2)};
    reels_rows *rows = NULL;
    EXPECT_OK(reels_rows_new(run->ctx, 0, &rows, &run->err));
    reels_status status = reels_catalog_get(run->port, NULL, &suite_items, key, 1, rows, &run->err);
    reels_rows_free(rows);
    EXPECT(status == REELS_ERR_INVALID_ARG);
    table = &suite_items;
    EXPECT(reels_catalog_declare(run->port, NULL, &table, 1, &run->err) == REELS_ERR_CONFLICT);
    TRY(run_reopen(run));
    table = &wide;
    EXPECT_OK(reels_catalog_declare(run->port, NULL, &table, 1, &run->err));
    TRY(wide_row_works(run, &wide));
    EXPECT(index_count(run, &wide, "by_extra") == 2);
}

static int refused(struct run *run, const reels_table *changed, const char *name)
{
    run->err.message[0] = '\0';
    EXPECT_OR_0(reels_catalog_declare(run->port, NULL, &changed, 1, &run->err) ==
                REELS_ERR_CONFLICT);
    /* The message says what differs. */
    EXPECT_OR_0(strstr(run->err.message, suite_items.name) != NULL);
    EXPECT_OR_0(strstr(run->err.message, name) != NULL);
    return 1;
}

static void other_changes_are_conflicts(struct run *run)
{
    reels_column columns[ITEM_COLUMNS + 1];
    TRY(suite_declare(run));
    memcpy(columns, suite_items.columns, sizeof(reels_column) * ITEM_COLUMNS);
    reels_table changed = items_variant(columns, ITEM_COLUMNS, suite_items.indexes, 3);

    changed.columns_count = ITEM_COLUMNS - 1;
    changed.indexes_count = 2; /* the last index used the last column */
    TRY(refused(run, &changed, "code"));
    changed = items_variant(columns, ITEM_COLUMNS, suite_items.indexes, 3);
    columns[ITEM_TITLE].type = REELS_TYPE_BYTES;
    TRY(refused(run, &changed, "title"));
    columns[ITEM_TITLE] = suite_items.columns[ITEM_TITLE];
    columns[ITEM_TITLE].name = "headline";
    TRY(refused(run, &changed, "headline"));
    columns[ITEM_TITLE] = suite_items.columns[ITEM_TITLE];
    columns[ITEM_SCORE].flags = 0;
    TRY(refused(run, &changed, "score"));
    columns[ITEM_SCORE] = suite_items.columns[ITEM_SCORE];
    columns[ITEM_COLUMNS] = (reels_column){"extra", REELS_TYPE_UTF8, 0};
    changed.columns_count = ITEM_COLUMNS + 1;
    TRY(refused(run, &changed, "extra"));
    changed = items_variant(columns, ITEM_COLUMNS, suite_items.indexes, 2);
    TRY(refused(run, &changed, "by_code"));
    changed = items_variant(columns, ITEM_COLUMNS, suite_items.indexes, 3);
    changed.key_columns_count = 1;
    TRY(refused(run, &changed, "key"));
    /* And all is as it was. */
    struct item item = item_make(1, 2);
    TRY(suite_put(run, &item));
    TRY(suite_expect(run, 1, 2, &item));
}

/* ---- put and get ---- */

static void values_come_back_as_they_were_put(struct run *run)
{
    static const uint8_t bytes[] = {0, 0, 255, 254, '\'', '"', '\\', 0};
    static const double reals[] = {0.0, -1.5, DBL_MAX, -DBL_MAX, DBL_MIN, HUGE_VAL, -HUGE_VAL, 0.1};
    static const int64_t numbers[] = {0, -1, INT64_MAX, INT64_MIN, 1, 1L << 53, 42, -42};
    TRY(suite_declare(run));
    struct item items[COUNT_OF(reals)];
    for (size_t i = 0; i < COUNT_OF(reals); i++) {
        items[i] = item_make(1, (int64_t)i);
        items[i].values[ITEM_SCORE] = value_real(reals[i]);
        items[i].values[ITEM_COUNT] = value_int(numbers[i]);
        items[i].values[ITEM_SEEN] = i % 2 == 0 ? value_null() : value_time(numbers[i]);
        items[i].values[ITEM_BODY] = value_bytes(bytes, i);
        items[i].values[ITEM_FLAG] = value_bool((int64_t)i % 2);
        TRY(suite_put(run, &items[i]));
    }
    items[1].values[ITEM_TITLE] = value_text("");
    TRY(suite_put(run, &items[1]));
    for (size_t i = 0; i < COUNT_OF(reals); i++) {
        TRY(suite_expect(run, 1, (int64_t)i, &items[i]));
    }
    struct item last = item_make(INT64_MAX, INT64_MAX);
    TRY(suite_put(run, &last));
    TRY(suite_expect(run, INT64_MAX, INT64_MAX, &last));
}

static void text_is_kept_byte_for_byte(struct run *run)
{
    static const char *const texts[] = {
        "",
        " ",
        "'; DROP TABLE conformance_names; --",
        "\" OR 1=1",
        "%s%n%00",
        "\x01\x1f\x7f",
        "e\xCC\x81 and \xC3\xA9", /* one letter in two ways: they stay two */
        "\xEF\xBB\xBF",
        "\xF0\x9F\x92\xA9\xE2\x80\x8B\xE2\x80\xAE",
        "\xEF\xBF\xBF\xF4\x8F\xBF\xBF",
        "ABC",
        "abc",
        "abc ",
        "1e3",
        "0x10",
        "NULL",
    };
    TRY(suite_declare(run));
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        reels_value row[] = {value_text(texts[i]), value_int((int64_t)i)};
        reels_op op = {.table = &suite_names,
                       .values = row,
                       .kind = REELS_OP_PUT,
                       .condition = REELS_IF_ABSENT};
        reels_commit_result result = {0};
        TRY(suite_commit(run, row[0], &op, 1, &result));
        EXPECT(result.status == REELS_OK);
    }
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        reels_value key = value_text(texts[i]);
        reels_rows *rows = NULL;
        EXPECT_OK(reels_rows_new(run->ctx, 0, &rows, &run->err));
        reels_status status =
            reels_catalog_get(run->port, NULL, &suite_names, &key, 1, rows, &run->err);
        const reels_value *row = reels_rows_get(rows, 0, NULL);
        int same = status == REELS_OK && row != NULL && value_equal(&row[0], &key) &&
                   row[1].integer == (int64_t)i;
        reels_rows_free(rows);
        EXPECT(same);
    }
}

static void large_values_are_kept(struct run *run)
{
    TRY(suite_declare(run));
    uint8_t *data = malloc(REELS_VALUE_BYTES_MAX);
    EXPECT(data != NULL);
    for (size_t i = 0; i < REELS_VALUE_BYTES_MAX; i++) {
        data[i] = (uint8_t)(i * 31 + i / 251);
    }
    struct item item = item_make(1, 2);
    item.values[ITEM_BODY] = value_bytes(data, REELS_VALUE_BYTES_MAX);
    int held = suite_put(run, &item) && suite_expect(run, 1, 2, &item);
    free(data);
    TRY(held);
}

static void get_keeps_the_order_of_the_keys(struct run *run)
{
    TRY(suite_declare(run));
    for (int64_t i = 0; i < 3; i++) {
        struct item item = item_make(1, i);
        TRY(suite_put(run, &item));
    }
    reels_value keys[] = {value_id(1),
                          value_id(2),
                          value_id(1),
                          value_id(9),
                          value_id(1),
                          value_id(0),
                          value_id(1),
                          value_id(2)};
    static const int64_t wanted[] = {2, -1, 0, 2};
    reels_rows *rows = NULL;
    EXPECT_OK(reels_rows_new(run->ctx, 0, &rows, &run->err));
    reels_status status =
        reels_catalog_get(run->port, NULL, &suite_items, keys, 4, rows, &run->err);
    int right = status == REELS_OK && reels_rows_count(rows) == 4;
    for (size_t i = 0; right && i < 4; i++) {
        uint64_t version = 77;
        const reels_value *row = reels_rows_get(rows, i, &version);
        right = wanted[i] < 0 ? row == NULL && version == 0
                              : row != NULL && version > 0 && row[ITEM_ID].integer == wanted[i];
    }
    /* More is appended to what is there. */
    right =
        right &&
        reels_catalog_get(run->port, NULL, &suite_items, keys, 1, rows, &run->err) == REELS_OK &&
        reels_rows_count(rows) == 5;
    reels_rows_free(rows);
    EXPECT(right);
}

static void full_rows_are_a_limit(struct run *run)
{
    TRY(suite_declare(run));
    reels_value keys[20];
    for (int64_t i = 0; i < 10; i++) {
        struct item item = item_make(1, i);
        TRY(suite_put(run, &item));
        keys[2 * i] = value_id(1);
        keys[2 * i + 1] = value_id(i);
    }
    reels_rows *rows = NULL;
    EXPECT_OK(reels_rows_new(run->ctx, 2048, &rows, &run->err));
    reels_status one = reels_catalog_get(run->port, NULL, &suite_items, keys, 1, rows, &run->err);
    reels_status all = reels_catalog_get(run->port, NULL, &suite_items, keys, 10, rows, &run->err);
    size_t count = reels_rows_count(rows);
    reels_rows_free(rows);
    EXPECT(one == REELS_OK && all == REELS_ERR_LIMIT);
    EXPECT(count == 1); /* the failed call left nothing */
}

/* ---- conditions ---- */

static int try_op(struct run *run, reels_op op, int32_t expected)
{
    reels_commit_result result = {.version = 1};
    TRY_OR_0(suite_commit(run, value_id(1), &op, 1, &result));
    EXPECT_OR_0(result.status == expected);
    EXPECT_OR_0(expected != REELS_ERR_CONFLICT || result.failed_op == 0);
    return 1;
}

static void conditions_decide(struct run *run)
{
    struct item item = item_make(1, 2);
    struct item other = item_make(1, 2);
    other.values[ITEM_COUNT] = value_int(8);
    reels_value here[] = {value_id(1), value_id(2)};
    reels_value nowhere[] = {value_id(1), value_id(3)};
    TRY(suite_declare(run));
    TRY(try_op(run, op_check(here, REELS_IF_ABSENT), REELS_OK));
    TRY(try_op(run, op_check(here, REELS_IF_PRESENT), REELS_ERR_CONFLICT));
    TRY(try_op(run, op_put(&item, REELS_IF_PRESENT), REELS_ERR_CONFLICT));
    TRY(try_op(run, op_put(&item, REELS_IF_ABSENT), REELS_OK));
    TRY(try_op(run, op_put(&other, REELS_IF_ABSENT), REELS_ERR_CONFLICT));
    TRY(suite_expect(run, 1, 2, &item));
    TRY(try_op(run, op_put(&other, REELS_IF_PRESENT), REELS_OK));
    TRY(suite_expect(run, 1, 2, &other));
    TRY(try_op(run, op_check(here, REELS_IF_PRESENT), REELS_OK));
    TRY(try_op(run, op_check(here, REELS_IF_ABSENT), REELS_ERR_CONFLICT));
    TRY(try_op(run, op_check(nowhere, REELS_IF_ALWAYS), REELS_OK));
    TRY(try_op(run, op_delete(nowhere, REELS_IF_ALWAYS), REELS_OK));
    TRY(try_op(run, op_delete(nowhere, REELS_IF_PRESENT), REELS_ERR_CONFLICT));
    TRY(try_op(run, op_delete(here, REELS_IF_ABSENT), REELS_ERR_CONFLICT));
    TRY(suite_expect(run, 1, 2, &other));
    TRY(try_op(run, op_delete(here, REELS_IF_PRESENT), REELS_OK));
    TRY(suite_expect(run, 1, 2, NULL));
}

static void versions_can_be_conditions(struct run *run)
{
    struct item item = item_make(1, 2);
    reels_value key[] = {value_id(1), value_id(2)};
    reels_op op = op_put(&item, REELS_IF_ALWAYS);
    reels_commit_result first = {0};
    reels_commit_result second = {0};
    TRY(suite_declare(run));
    TRY(suite_commit(run, value_id(1), &op, 1, &first));
    /* A put that changes nothing still gets a new version. */
    TRY(suite_commit(run, value_id(1), &op, 1, &second));
    EXPECT(second.status == REELS_OK && second.version > first.version);
    op.condition = REELS_IF_VERSION;
    op.version = first.version;
    TRY(try_op(run, op, REELS_ERR_CONFLICT));
    reels_op stale = op_delete(key, REELS_IF_VERSION);
    stale.version = first.version;
    TRY(try_op(run, stale, REELS_ERR_CONFLICT));
    op.version = second.version;
    reels_commit_result third = {0};
    TRY(suite_commit(run, value_id(1), &op, 1, &third));
    EXPECT(third.status == REELS_OK && third.version > second.version);
    reels_rows *rows = NULL;
    uint64_t version = 0;
    EXPECT_OK(reels_rows_new(run->ctx, 0, &rows, &run->err));
    int got = suite_get(run, 1, 2, rows, &version);
    reels_rows_free(rows);
    TRY(got);
    EXPECT(version == third.version);
    /* They grow across a restart. */
    TRY(run_reopen(run));
    TRY(suite_declare(run));
    reels_commit_result fourth = {0};
    op.condition = REELS_IF_ALWAYS;
    TRY(suite_commit(run, value_id(1), &op, 1, &fourth));
    EXPECT(fourth.version > third.version);
}

static int column_case(struct run *run, uint32_t column, reels_value value, int32_t expected)
{
    reels_value key[] = {value_id(1), value_id(2)};
    reels_op op = op_check(key, REELS_IF_COLUMN);
    op.condition_column = column;
    op.condition_value = value;
    return try_op(run, op, expected);
}

static void columns_can_be_conditions(struct run *run)
{
    struct item item = item_make(1, 2);
    TRY(suite_declare(run));
    TRY(column_case(run, ITEM_TITLE, value_text("title"), REELS_ERR_CONFLICT)); /* no row */
    TRY(suite_put(run, &item));
    for (uint32_t i = 0; i < ITEM_COLUMNS; i++) {
        TRY(column_case(run, i, item.values[i], REELS_OK));
    }
    TRY(column_case(run, ITEM_TITLE, value_text("Title"), REELS_ERR_CONFLICT));
    TRY(column_case(run, ITEM_TITLE, value_text("title "), REELS_ERR_CONFLICT));
    TRY(column_case(run, ITEM_SCORE, value_null(), REELS_ERR_CONFLICT));
    TRY(column_case(run, ITEM_SCORE, value_real(0.25), REELS_ERR_CONFLICT));
    TRY(column_case(run, ITEM_CODE, value_text(""), REELS_ERR_CONFLICT)); /* null is not empty */
    TRY(column_case(run, ITEM_COUNT, value_int(7), REELS_ERR_CONFLICT));
}

/* ---- commits ---- */

static void a_commit_is_all_or_nothing(struct run *run)
{
    struct item kept = item_make(1, 1);
    struct item items[3] = {item_make(1, 1), item_make(1, 2), item_make(1, 3)};
    reels_value key_one[] = {value_id(1), value_id(1)};
    TRY(suite_declare(run));
    TRY(suite_put(run, &kept));
    items[0].values[ITEM_TITLE] = value_text("changed");
    reels_op ops[] = {op_put(&items[0], REELS_IF_PRESENT),
                      op_put(&items[1], REELS_IF_ABSENT),
                      op_delete(key_one, REELS_IF_ALWAYS),
                      op_put(&items[2], REELS_IF_PRESENT)};
    reels_commit_result result = {0};
    TRY(suite_commit(run, value_id(1), ops, 4, &result));
    EXPECT(result.status == REELS_ERR_CONFLICT && result.failed_op == 3);
    TRY(suite_expect(run, 1, 1, &kept));
    TRY(suite_expect(run, 1, 2, NULL));
    TRY(suite_expect(run, 1, 3, NULL));
}

static void operations_take_effect_in_order(struct run *run)
{
    struct item item = item_make(1, 1);
    struct item again = item_make(1, 1);
    again.values[ITEM_TITLE] = value_text("again");
    reels_value key[] = {value_id(1), value_id(1)};
    reels_op ops[] = {op_put(&item, REELS_IF_ABSENT),
                      op_check(key, REELS_IF_PRESENT),
                      op_delete(key, REELS_IF_PRESENT),
                      op_check(key, REELS_IF_ABSENT),
                      op_put(&again, REELS_IF_ABSENT)};
    reels_commit_result result = {0};
    TRY(suite_declare(run));
    TRY(suite_commit(run, value_id(1), ops, 5, &result));
    EXPECT(result.status == REELS_OK);
    TRY(suite_expect(run, 1, 1, &again));
}

static void commits_of_one_call_stand_alone(struct run *run)
{
    struct item items[3] = {item_make(1, 1), item_make(2, 1), item_make(3, 1)};
    reels_op ops[] = {op_put(&items[0], REELS_IF_ABSENT),
                      op_put(&items[1], REELS_IF_PRESENT),
                      op_put(&items[2], REELS_IF_ABSENT),
                      op_put(&items[0], REELS_IF_PRESENT)};
    reels_commit commits[4];
    reels_commit_result results[4];
    memset(commits, 0, sizeof commits);
    for (size_t i = 0; i < 4; i++) {
        commits[i].struct_size = sizeof commits[i];
        commits[i].shard = ops[i].values[ITEM_OWNER];
        commits[i].ops = &ops[i];
        commits[i].ops_count = 1;
    }
    TRY(suite_declare(run));
    EXPECT_OK(reels_catalog_commit(run->port, NULL, commits, 4, results, &run->err));
    EXPECT(results[0].status == REELS_OK && results[1].status == REELS_ERR_CONFLICT);
    /* The fourth saw the first. */
    EXPECT(results[2].status == REELS_OK && results[3].status == REELS_OK);
    EXPECT(results[3].version > results[0].version);
    TRY(suite_expect(run, 1, 1, &items[0]));
    TRY(suite_expect(run, 2, 1, NULL));
    TRY(suite_expect(run, 3, 1, &items[2]));
}

static void an_empty_commit_is_fine(struct run *run)
{
    reels_commit_result result = {.status = 1};
    TRY(suite_declare(run));
    TRY(suite_commit(run, value_text("nobody"), NULL, 0, &result));
    EXPECT(result.status == REELS_OK);
}

/* ---- tokens ---- */

static int token_commit(struct run *run,
                        const struct item *item,
                        uint32_t condition,
                        uint8_t token,
                        reels_commit_result *out)
{
    reels_op op = op_put(item, condition);
    reels_commit commit = {.struct_size = sizeof commit,
                           .has_token = 1,
                           .shard = item->values[ITEM_OWNER],
                           .ops = &op,
                           .ops_count = 1};
    memset(commit.token, token, sizeof commit.token);
    EXPECT_OK_OR_0(reels_catalog_commit(run->port, NULL, &commit, 1, out, &run->err));
    return 1;
}

static void a_token_repeats_its_first_result(struct run *run)
{
    struct item item = item_make(1, 1);
    struct item changed = item_make(1, 1);
    changed.values[ITEM_TITLE] = value_text("changed");
    reels_commit_result first = {0};
    reels_commit_result again = {0};
    TRY(suite_declare(run));
    TRY(token_commit(run, &item, REELS_IF_ABSENT, 1, &first));
    EXPECT(first.status == REELS_OK && first.repeated == 0);
    TRY(token_commit(run, &changed, REELS_IF_ALWAYS, 1, &again));
    EXPECT(again.status == REELS_OK && again.repeated == 1 && again.version == first.version);
    TRY(suite_expect(run, 1, 1, &item));
    /* A conflict is a result as well. */
    TRY(token_commit(run, &changed, REELS_IF_ABSENT, 2, &first));
    EXPECT(first.status == REELS_ERR_CONFLICT && first.repeated == 0);
    TRY(token_commit(run, &changed, REELS_IF_PRESENT, 2, &again));
    EXPECT(again.status == REELS_ERR_CONFLICT && again.repeated == 1 && again.failed_op == 0);
    TRY(suite_expect(run, 1, 1, &item));
    /* Another shard, or another token, is another commit. */
    struct item elsewhere = item_make(2, 1);
    TRY(token_commit(run, &elsewhere, REELS_IF_ABSENT, 1, &again));
    EXPECT(again.status == REELS_OK && again.repeated == 0);
    TRY(token_commit(run, &changed, REELS_IF_PRESENT, 3, &again));
    EXPECT(again.status == REELS_OK && again.repeated == 0);
    TRY(suite_expect(run, 1, 1, &changed));
}

static void tokens_survive_a_restart(struct run *run)
{
    struct item item = item_make(1, 1);
    reels_commit_result first = {0};
    reels_commit_result again = {0};
    TRY(suite_declare(run));
    TRY(token_commit(run, &item, REELS_IF_ABSENT, 9, &first));
    TRY(run_reopen(run));
    TRY(suite_declare(run));
    TRY(token_commit(run, &item, REELS_IF_ABSENT, 9, &again));
    EXPECT(again.status == REELS_OK && again.repeated == 1 && again.version == first.version);
}

static void tokens_live_for_a_day(struct run *run)
{
    struct item item = item_make(1, 1);
    reels_commit_result result = {0};
    TRY(suite_declare(run));
    TRY(token_commit(run, &item, REELS_IF_ABSENT, 9, &result));
    TRY(run_advance(run, INT64_C(86390) * 1000000));
    TRY(token_commit(run, &item, REELS_IF_ABSENT, 9, &result));
    EXPECT(result.status == REELS_OK && result.repeated == 1);
    TRY(run_advance(run, INT64_C(20) * 1000000));
    TRY(token_commit(run, &item, REELS_IF_ABSENT, 9, &result));
    EXPECT(result.status == REELS_ERR_CONFLICT && result.repeated == 0);
}

/* ---- unique indexes ---- */

static int coded_put(struct run *run, int64_t owner, int64_t id, const char *code, int32_t expected)
{
    struct item item = item_make(owner, id);
    item.values[ITEM_CODE] = code != NULL ? value_text(code) : value_null();
    reels_op op = op_put(&item, REELS_IF_ALWAYS);
    reels_commit_result result = {0};
    TRY_OR_0(suite_commit(run, value_id(owner), &op, 1, &result));
    EXPECT_OR_0(result.status == expected);
    EXPECT_OR_0(expected == REELS_OK || result.failed_op == 0);
    return 1;
}

static void unique_holds_within_a_shard(struct run *run)
{
    reels_value key[] = {value_id(1), value_id(1)};
    TRY(suite_declare(run));
    TRY(coded_put(run, 1, 1, "a", REELS_OK));
    TRY(coded_put(run, 1, 2, "a", REELS_ERR_CONFLICT));
    TRY(suite_expect(run, 1, 2, NULL));
    TRY(coded_put(run, 2, 2, "a", REELS_OK)); /* another shard */
    TRY(coded_put(run, 1, 1, "a", REELS_OK)); /* the row itself */
    TRY(coded_put(run, 1, 2, "A", REELS_OK));
    TRY(coded_put(run, 1, 2, "a", REELS_ERR_CONFLICT)); /* a change into the other's */
    TRY(coded_put(run, 1, 3, NULL, REELS_OK));
    TRY(coded_put(run, 1, 4, NULL, REELS_OK)); /* nulls clash with nothing */
    TRY(try_op(run, op_delete(key, REELS_IF_PRESENT), REELS_OK));
    TRY(coded_put(run, 1, 2, "a", REELS_OK)); /* free again */
    TRY(coded_put(run, 1, 5, "A", REELS_OK));
}

/* ---- what is refused ---- */

static int refused_put(struct run *run, uint32_t column, reels_value value)
{
    struct item item = item_make(1, 1);
    item.values[column] = value;
    reels_op op = op_put(&item, REELS_IF_ALWAYS);
    reels_commit commit = {
        .struct_size = sizeof commit, .shard = value_id(1), .ops = &op, .ops_count = 1};
    reels_commit_result result = {0};
    EXPECT_OR_0(reels_catalog_commit(run->port, NULL, &commit, 1, &result, &run->err) ==
                REELS_ERR_INVALID_ARG);
    return 1;
}

static void malformed_values_are_refused(struct run *run)
{
    TRY(suite_declare(run));
    TRY(refused_put(run, ITEM_OWNER, value_id(2))); /* not the commit's shard */
    TRY(refused_put(run, ITEM_ID, value_id(-1)));
    TRY(refused_put(run, ITEM_ID, value_null()));
    TRY(refused_put(run, ITEM_TITLE, value_null()));
    TRY(refused_put(run, ITEM_TITLE, value_int(1)));
    TRY(refused_put(run, ITEM_TITLE, value_bytes("title", 5)));
    TRY(refused_put(run, ITEM_TITLE, value_text("\xC0\x80")));
    TRY(refused_put(run, ITEM_TITLE, value_text("\xED\xA0\x80")));
    TRY(refused_put(run, ITEM_TITLE, value_text_len("a\0b", 3)));
    TRY(refused_put(run, ITEM_SCORE, value_real((double)NAN)));
    TRY(refused_put(run, ITEM_FLAG, value_bool(2)));
    TRY(refused_put(run, ITEM_SEEN, value_int(1)));
    TRY(refused_put(run, ITEM_BODY, value_text_len("x", 1)));
    TRY(suite_expect(run, 1, 1, NULL));
}

static void calls_can_be_cancelled(struct run *run)
{
    struct item item = item_make(1, 1);
    reels_cancel *cancel = NULL;
    TRY(suite_declare(run));
    EXPECT_OK(reels_cancel_new(run->ctx, &cancel, &run->err));
    reels_cancel_raise(cancel);
    reels_call raised = {.struct_size = sizeof raised, .cancel = cancel};
    reels_call late = {.struct_size = sizeof late, .deadline_mono_us = 1};
    reels_op op = op_put(&item, REELS_IF_ALWAYS);
    reels_commit commit = {
        .struct_size = sizeof commit, .shard = value_id(1), .ops = &op, .ops_count = 1};
    reels_commit_result result = {0};
    reels_status cancelled =
        reels_catalog_commit(run->port, &raised, &commit, 1, &result, &run->err);
    reels_status timed_out = reels_catalog_commit(run->port, &late, &commit, 1, &result, &run->err);
    reels_cancel_free(cancel);
    EXPECT(cancelled == REELS_ERR_CANCELLED);
    EXPECT(timed_out == REELS_ERR_TIMEOUT);
    TRY(suite_expect(run, 1, 1, NULL));
}

/* ---- durability ---- */

static void commits_survive_a_restart(struct run *run)
{
    struct item item = item_make(1, 1);
    TRY(suite_declare(run));
    TRY(suite_put(run, &item));
    TRY(run_reopen(run));
    TRY(suite_declare(run));
    TRY(suite_expect(run, 1, 1, &item));
}

static void acknowledged_commits_survive_a_power_cut(struct run *run)
{
    TRY(suite_declare(run));
    for (int64_t i = 0; i < 20; i++) {
        struct item item = item_make(i, i);
        TRY(suite_put(run, &item));
        if (i % 5 == 4) {
            TRY(run_crash(run));
            TRY(suite_declare(run));
        }
    }
    for (int64_t i = 0; i < 20; i++) {
        struct item item = item_make(i, i);
        TRY(suite_expect(run, i, i, &item));
    }
}

static void rows_live_until_their_time(struct run *run)
{
    TRY(suite_declare(run));
    int64_t now = reels_ctx_now_unix_us(run->ctx);
    reels_value row[] = {value_id(1), value_time(now + INT64_C(3600) * 1000000)};
    reels_op op = {.table = &suite_timed, .values = row, .kind = REELS_OP_PUT};
    reels_commit_result result = {0};
    TRY(suite_commit(run, row[0], &op, 1, &result));
    TRY(run_advance(run, INT64_C(1800) * 1000000));
    /* A commit is an occasion to sweep. */
    TRY(suite_commit(run, value_id(2), NULL, 0, &result));
    reels_rows *rows = NULL;
    EXPECT_OK(reels_rows_new(run->ctx, 0, &rows, &run->err));
    reels_status status = reels_catalog_get(run->port, NULL, &suite_timed, row, 1, rows, &run->err);
    int is_there = status == REELS_OK && reels_rows_get(rows, 0, NULL) != NULL;
    reels_rows_free(rows);
    EXPECT(is_there);
}

const struct run_case suite_rows_cases[] = {
    {"a table declared again keeps its rows", declare_again_changes_nothing},
    {"a table that was not declared is refused", undeclared_tables_are_refused},
    {"a nullable column and an index can be added", a_column_and_an_index_can_be_added},
    {"any other change of a table is a conflict that says what differs",
     other_changes_are_conflicts},
    {"values come back as they were put", values_come_back_as_they_were_put},
    {"text is kept byte for byte", text_is_kept_byte_for_byte},
    {"a value of the largest size is kept", large_values_are_kept},
    {"get keeps the order of its keys and marks what is missing", get_keeps_the_order_of_the_keys},
    {"full rows are a limit that leaves nothing behind", full_rows_are_a_limit},
    {"conditions decide whether an operation takes effect", conditions_decide},
    {"a version can be a condition, and versions grow", versions_can_be_conditions},
    {"a column can be a condition", columns_can_be_conditions},
    {"a commit takes effect in full or not at all", a_commit_is_all_or_nothing},
    {"operations of a commit take effect in their order", operations_take_effect_in_order},
    {"commits of one call stand alone", commits_of_one_call_stand_alone},
    {"a commit without operations is fine", an_empty_commit_is_fine},
    {"a token repeats its first result", a_token_repeats_its_first_result},
    {"tokens survive a restart", tokens_survive_a_restart},
    {"tokens live for a day", tokens_live_for_a_day},
    {"a unique index holds within a shard", unique_holds_within_a_shard},
    {"malformed values are refused", malformed_values_are_refused},
    {"a call that is cancelled or late has no effect", calls_can_be_cancelled},
    {"commits survive a restart", commits_survive_a_restart},
    {"acknowledged commits survive a power cut", acknowledged_commits_survive_a_power_cut},
    {"rows live until their time", rows_live_until_their_time},
};
const size_t suite_rows_cases_count = COUNT_OF(suite_rows_cases);
