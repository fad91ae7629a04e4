/* Owns the cases about scans: every order, direction, prefix and page size is compared with a list
 * that the suite sorts itself. */
#include <stdlib.h>
#include <string.h>

#include "catalog_suite.h"

enum {
    ROWS = 40,
    OWNERS = 3,
    ORDER_MAX = 4
};

/* The rows a scan should find, in an order the suite knows. */
struct model {
    struct item items[ROWS];
    uint32_t order[ORDER_MAX]; /* columns */
    size_t order_count;
    int descending;
};

static int value_order(const reels_value *a, const reels_value *b)
{
    if (a->type == REELS_TYPE_NULL || b->type == REELS_TYPE_NULL) {
        return (a->type != REELS_TYPE_NULL) - (b->type != REELS_TYPE_NULL);
    }
    if (a->type == REELS_TYPE_FLOAT64) {
        return (a->real > b->real) - (a->real < b->real);
    }
    if (a->type == REELS_TYPE_UTF8) {
        size_t len = a->len < b->len ? a->len : b->len;
        int order = len > 0 ? memcmp(a->data, b->data, len) : 0;
        return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
    }
    return (a->integer > b->integer) - (a->integer < b->integer);
}

static int item_order(const struct model *model, const struct item *a, const struct item *b)
{
    for (size_t i = 0; i < model->order_count; i++) {
        uint32_t column = model->order[i];
        int order = value_order(&a->values[column], &b->values[column]);
        if (order != 0) {
            return model->descending ? -order : order;
        }
    }
    return 0;
}

static void model_sort(struct model *model)
{
    for (size_t i = 1; i < ROWS; i++) {
        struct item item = model->items[i];
        size_t to = i;
        while (to > 0 && item_order(model, &item, &model->items[to - 1]) < 0) {
            model->items[to] = model->items[to - 1];
            to--;
        }
        model->items[to] = item;
    }
}

/* Few different values, so that ties and nulls abound. */
static struct item model_item(size_t i)
{
    static const char *const titles[] = {"", "a", "aa", "b", "\xC3\xA9", "Z"};
    struct item item = item_make((int64_t)(i % OWNERS), (int64_t)(i * 7 % ROWS));
    item.values[ITEM_TITLE] = value_text(titles[i * 5 % 6]);
    item.values[ITEM_SCORE] = i % 4 == 0 ? value_null() : value_real((double)(i % 3) - 1.0);
    item.values[ITEM_SEEN] = i % 5 == 0 ? value_null() : value_time((int64_t)(i % 4) - 2);
    return item;
}

static int model_fill(struct run *run, struct model *model)
{
    TRY_OR_0(suite_declare(run));
    for (size_t i = 0; i < ROWS; i++) {
        model->items[i] = model_item(i);
        TRY_OR_0(suite_put(run, &model->items[i]));
    }
    return 1;
}

static int matches(const struct model *model, const struct item *item, const reels_scan *scan)
{
    for (size_t i = 0; i < scan->prefix_count; i++) {
        if (value_order(&item->values[model->order[i]], &scan->prefix[i]) != 0) {
            return 0;
        }
    }
    return 1;
}

struct pages {
    reels_rows *rows;
    reels_buf *cursor;
};

/* Reads all pages and expects the model's rows one after the other. */
static int
pages_expect(struct run *run, const struct model *model, reels_scan scan, struct pages *pages)
{
    size_t at = 0; /* in the model */
    reels_buf_clear(pages->cursor);
    do {
        size_t cursor_len = reels_buf_len(pages->cursor);
        reels_rows_clear(pages->rows);
        scan.after = cursor_len > 0 ? reels_buf_data(pages->cursor) : NULL;
        scan.after_len = cursor_len;
        EXPECT_OK_OR_0(
            reels_catalog_scan(run->port, NULL, &scan, pages->rows, pages->cursor, &run->err));
        size_t count = reels_rows_count(pages->rows);
        EXPECT_OR_0(count <= scan.limit);
        EXPECT_OR_0(count == scan.limit || reels_buf_len(pages->cursor) == 0);
        for (size_t i = 0; i < count; i++) {
            while (at < ROWS && !matches(model, &model->items[at], &scan)) {
                at++;
            }
            const reels_value *row = reels_rows_get(pages->rows, i, NULL);
            EXPECT_OR_0(at < ROWS && row != NULL);
            for (size_t k = 0; k < ITEM_COLUMNS; k++) {
                EXPECT_OR_0(value_equal(&row[k], &model->items[at].values[k]));
            }
            at++;
        }
    } while (reels_buf_len(pages->cursor) > 0);
    while (at < ROWS) {
        EXPECT_OR_0(!matches(model, &model->items[at], &scan));
        at++;
    }
    return 1;
}

/* All prefixes that the rows have, and one that they have not, at several page sizes. */
static int order_expect(
    struct run *run, struct model *model, const char *index, size_t prefix_max, struct pages *pages)
{
    static const uint32_t limits[] = {1, 2, 3, 7, ROWS - 1, ROWS, 10000};
    reels_value prefix[ORDER_MAX];
    for (size_t p = 0; p <= prefix_max; p++) {
        for (size_t i = 0; i < ROWS; i++) {
            reels_scan scan = {.struct_size = sizeof scan,
                               .table = &suite_items,
                               .index = index,
                               .descending = (uint32_t)model->descending,
                               .prefix = prefix,
                               .prefix_count = p};
            for (size_t k = 0; k < p; k++) {
                prefix[k] = model->items[i].values[model->order[k]];
            }
            scan.limit = limits[i % COUNT_OF(limits)];
            TRY_OR_0(pages_expect(run, model, scan, pages));
            if (p == 0 && i >= COUNT_OF(limits)) {
                break;
            }
        }
    }
    return 1;
}

/* Runs a body with a model on the heap: it is too large for a frame. */
static void with_model(struct run *run, int (*body)(struct run *run, struct model *model))
{
    struct model *model = calloc(1, sizeof *model);
    EXPECT(model != NULL);
    if (suite_declare(run)) {
        (void)body(run, model);
    }
    free(model);
}

static int order_expect_pages(struct run *run, struct model *model, const char *index)
{
    struct pages pages = {NULL, NULL};
    int held = reels_rows_new(run->ctx, 0, &pages.rows, &run->err) == REELS_OK &&
               reels_buf_new(run->ctx, 0, &pages.cursor, &run->err) == REELS_OK;
    held = held ? order_expect(run, model, index, model->order_count, &pages)
                : run_fail(run, __FILE__, __LINE__, "no memory");
    reels_rows_free(pages.rows);
    reels_buf_free(pages.cursor);
    return held;
}

/* Both directions of an order. */
static int order_run(
    struct run *run, struct model *model, const char *index, const uint32_t *order, size_t count)
{
    model->order_count = count;
    memcpy(model->order, order, count * sizeof *order);
    TRY_OR_0(model_fill(run, model));
    for (model->descending = 0; model->descending <= 1; model->descending++) {
        model_sort(model);
        TRY_OR_0(order_expect_pages(run, model, index));
    }
    return 1;
}

static int the_key_is_an_order_body(struct run *run, struct model *model)
{
    static const uint32_t order[] = {ITEM_OWNER, ITEM_ID};
    return order_run(run, model, NULL, order, 2);
}

static void the_key_is_an_order(struct run *run)
{
    with_model(run, the_key_is_an_order_body);
}

static int an_index_with_nulls_is_an_order_body(struct run *run, struct model *model)
{
    static const uint32_t order[] = {ITEM_SCORE, ITEM_SEEN, ITEM_OWNER, ITEM_ID};
    return order_run(run, model, "by_score", order, 4);
}

static void an_index_with_nulls_is_an_order(struct run *run)
{
    with_model(run, an_index_with_nulls_is_an_order_body);
}

static int an_index_of_text_is_in_byte_order_body(struct run *run, struct model *model)
{
    static const uint32_t order[] = {ITEM_TITLE, ITEM_OWNER, ITEM_ID};
    return order_run(run, model, "by_title", order, 3);
}

static void an_index_of_text_is_in_byte_order(struct run *run)
{
    with_model(run, an_index_of_text_is_in_byte_order_body);
}

static int a_unique_index_is_an_order_body(struct run *run, struct model *model)
{
    static const uint32_t order[] = {ITEM_CODE, ITEM_OWNER, ITEM_ID};
    return order_run(run, model, "by_code", order, 3);
}

static void a_unique_index_is_an_order(struct run *run)
{
    with_model(run, a_unique_index_is_an_order_body);
}

/* ---- cursors ---- */

static int first_page(struct run *run, reels_scan scan, reels_buf *cursor)
{
    reels_rows *rows = NULL;
    EXPECT_OK_OR_0(reels_rows_new(run->ctx, 0, &rows, &run->err));
    reels_status status = reels_catalog_scan(run->port, NULL, &scan, rows, cursor, &run->err);
    reels_rows_free(rows);
    EXPECT_OR_0(status == REELS_OK && reels_buf_len(cursor) > 0);
    return 1;
}

/* The status of a scan that goes on after a cursor. */
static reels_status next_page(struct run *run, reels_scan scan, const uint8_t *after, size_t len)
{
    reels_rows *rows = NULL;
    scan.after = after;
    scan.after_len = len;
    reels_status status = reels_rows_new(run->ctx, 0, &rows, &run->err);
    if (status == REELS_OK) {
        status = reels_catalog_scan(run->port, NULL, &scan, rows, NULL, &run->err);
    }
    reels_rows_free(rows);
    return status;
}

static int cursor_is_bound(struct run *run, reels_scan scan, reels_buf *cursor)
{
    const uint8_t *after = reels_buf_data(cursor);
    size_t len = reels_buf_len(cursor);
    reels_value other_owner = value_id(2);
    EXPECT_OK_OR_0(next_page(run, scan, after, len));
    reels_scan wrong = scan;
    wrong.descending = 1;
    EXPECT_OR_0(next_page(run, wrong, after, len) == REELS_ERR_INVALID_ARG);
    wrong = scan;
    wrong.prefix = &other_owner;
    EXPECT_OR_0(next_page(run, wrong, after, len) == REELS_ERR_INVALID_ARG);
    wrong = scan;
    wrong.prefix_count = 0;
    wrong.index = "by_title";
    EXPECT_OR_0(next_page(run, wrong, after, len) == REELS_ERR_INVALID_ARG);
    wrong.index = NULL;
    wrong.table = &suite_names;
    EXPECT_OR_0(next_page(run, wrong, after, len) == REELS_ERR_INVALID_ARG);
    return 1;
}

/* Cursors come back through clients: whatever they hold gives a status. */
static int cursor_is_not_believed(struct run *run, reels_scan scan, reels_buf *cursor)
{
    uint8_t damaged[512];
    size_t len = reels_buf_len(cursor);
    EXPECT_OR_0(len < sizeof damaged);
    for (size_t i = 0; i < len; i++) {
        EXPECT_OR_0(next_page(run, scan, reels_buf_data(cursor), i) == REELS_ERR_INVALID_ARG ||
                    i == 0);
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(damaged, reels_buf_data(cursor), len);
            damaged[i] = (uint8_t)(damaged[i] ^ (1u << bit));
            reels_status status = next_page(run, scan, damaged, len);
            EXPECT_OR_0(status == REELS_OK || status == REELS_ERR_INVALID_ARG);
        }
    }
    memset(damaged, 0xff, sizeof damaged);
    EXPECT_OR_0(next_page(run, scan, damaged, sizeof damaged) == REELS_ERR_INVALID_ARG);
    return 1;
}

static int cursors_body(struct run *run, struct model *model)
{
    reels_value owner = value_id(1);
    reels_scan scan = {.struct_size = sizeof scan,
                       .table = &suite_items,
                       .prefix = &owner,
                       .prefix_count = 1,
                       .limit = 2};
    reels_buf *cursor = NULL;
    TRY_OR_0(model_fill(run, model));
    EXPECT_OK_OR_0(reels_buf_new(run->ctx, 0, &cursor, &run->err));
    int held = first_page(run, scan, cursor) && cursor_is_bound(run, scan, cursor) &&
               cursor_is_not_believed(run, scan, cursor);
    reels_buf_free(cursor);
    return held;
}

static void cursors_belong_to_their_scan(struct run *run)
{
    with_model(run, cursors_body);
}

/* Deletes the row that the cursor stands after, and restarts where that is possible. */
static int row_gone(struct run *run, const struct item *item)
{
    reels_op gone = op_delete(item->values, REELS_IF_PRESENT);
    reels_commit_result result = {0};
    TRY_OR_0(suite_commit(run, item->values[ITEM_OWNER], &gone, 1, &result));
    EXPECT_OR_0(result.status == REELS_OK);
    if (run->factory.reopen != NULL) {
        TRY_OR_0(run_reopen(run));
        TRY_OR_0(suite_declare(run));
    }
    return 1;
}

static int outlives_body(struct run *run, struct model *model)
{
    static const uint32_t order[] = {ITEM_OWNER, ITEM_ID};
    reels_scan scan = {.struct_size = sizeof scan, .table = &suite_items, .limit = 5};
    reels_buf *cursor = NULL;
    reels_rows *rows = NULL;
    model->order_count = 2;
    memcpy(model->order, order, sizeof order);
    TRY_OR_0(model_fill(run, model));
    model_sort(model);
    EXPECT_OK_OR_0(reels_buf_new(run->ctx, 0, &cursor, &run->err));
    int held = first_page(run, scan, cursor) && row_gone(run, &model->items[4]);
    scan.after = reels_buf_data(cursor);
    scan.after_len = reels_buf_len(cursor);
    scan.limit = 1;
    held = held && reels_rows_new(run->ctx, 0, &rows, &run->err) == REELS_OK &&
           reels_catalog_scan(run->port, NULL, &scan, rows, NULL, &run->err) == REELS_OK;
    const reels_value *row = held ? reels_rows_get(rows, 0, NULL) : NULL;
    held = row != NULL && value_equal(&row[ITEM_ID], &model->items[5].values[ITEM_ID]);
    reels_rows_free(rows);
    reels_buf_free(cursor);
    EXPECT_OR_0(held);
    return 1;
}

static void a_cursor_outlives_its_row_and_a_restart(struct run *run)
{
    with_model(run, outlives_body);
}

static int full_body(struct run *run, struct model *model)
{
    reels_scan scan = {.struct_size = sizeof scan, .table = &suite_items, .limit = ROWS};
    reels_buf *cursor = NULL;
    reels_rows *rows = NULL;
    TRY_OR_0(model_fill(run, model));
    size_t seen = 0;
    int held = reels_buf_new(run->ctx, 0, &cursor, &run->err) == REELS_OK &&
               reels_rows_new(run->ctx, 4096, &rows, &run->err) == REELS_OK;
    do {
        scan.after = reels_buf_len(cursor) > 0 ? reels_buf_data(cursor) : NULL;
        scan.after_len = reels_buf_len(cursor);
        reels_rows_clear(rows);
        held = held &&
               reels_catalog_scan(run->port, NULL, &scan, rows, cursor, &run->err) == REELS_OK &&
               reels_rows_count(rows) > 0 && reels_rows_count(rows) < ROWS;
        seen += reels_rows_count(rows);
    } while (held && reels_buf_len(cursor) > 0);
    reels_rows_free(rows);
    reels_buf_free(cursor);
    EXPECT_OR_0(held && seen == ROWS);
    return 1;
}

static void a_full_list_gives_shorter_pages(struct run *run)
{
    with_model(run, full_body);
}

static void malformed_scans_are_refused(struct run *run)
{
    reels_value wrong = value_text("x");
    reels_value three[] = {value_id(1), value_id(1), value_id(1)};
    TRY(suite_declare(run));
    reels_scan good = {.struct_size = sizeof good, .table = &suite_items, .limit = 1};
    reels_scan scan = good;
    scan.limit = 0;
    EXPECT(next_page(run, scan, NULL, 0) == REELS_ERR_INVALID_ARG);
    scan.limit = REELS_SCAN_LIMIT_MAX + 1;
    EXPECT(next_page(run, scan, NULL, 0) == REELS_ERR_INVALID_ARG);
    scan = good;
    scan.index = "no_such";
    EXPECT(next_page(run, scan, NULL, 0) == REELS_ERR_INVALID_ARG);
    scan = good;
    scan.prefix = &wrong;
    scan.prefix_count = 1;
    EXPECT(next_page(run, scan, NULL, 0) == REELS_ERR_INVALID_ARG);
    scan.prefix = three;
    scan.prefix_count = 3;
    EXPECT(next_page(run, scan, NULL, 0) == REELS_ERR_INVALID_ARG);
    EXPECT(next_page(run, good, NULL, 0) == REELS_OK);
}

const struct run_case suite_scan_cases[] = {
    {"rows can be scanned in the order of the key", the_key_is_an_order},
    {"an index orders nulls first and ties by the key", an_index_with_nulls_is_an_order},
    {"text is ordered by its bytes", an_index_of_text_is_in_byte_order},
    {"a unique index can be scanned like any other", a_unique_index_is_an_order},
    {"a cursor belongs to its scan and is not believed", cursors_belong_to_their_scan},
    {"a cursor outlives its row and a restart", a_cursor_outlives_its_row_and_a_restart},
    {"a full list gives shorter pages", a_full_list_gives_shorter_pages},
    {"malformed scans are refused", malformed_scans_are_refused},
};
const size_t suite_scan_cases_count = COUNT_OF(suite_scan_cases);
