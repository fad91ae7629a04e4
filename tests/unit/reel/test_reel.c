/* Shows what reels/reel.h promises: the state machine, compare-and-set, the events of steps, lists,
 * and texts that come back byte for byte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reels/reel.h>

#include "base/json.h"
#include "test_check.h"

enum {
    ADA = 11,
    BOB = 22,
    STATES = REELS_REEL_DELETED + 1,
    LEASE_US = 1000000
};

static struct test_env env;
static reels_catalog *catalog;
static reels_reel_store *reels;

static void setup(void)
{
    test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED);
    test_ok(&env, reels_catalog_open(env.ctx, "mem:", &catalog, &env.err));
    test_ok(&env, reels_reel_store_new(env.ctx, catalog, &reels, &env.err));
}

static void teardown(void)
{
    reels_reel_store_free(reels);
    reels_catalog_free(catalog);
    test_env_dispose(&env);
}

/* ---- ways ---- */

static reels_reel get(uint64_t id)
{
    reels_reel reel = {.struct_size = sizeof(reel)};
    test_ok(&env, reels_reel_get(reels, NULL, &id, 1, &reel, &env.err));
    return reel;
}

static void add(uint64_t id, uint64_t creator_id)
{
    reels_reel reel = {.struct_size = sizeof(reel), .id = id, .creator_id = creator_id};
    test_ok(&env, reels_reel_add(reels, NULL, &reel, &env.err));
}

static void step(uint64_t id, uint32_t state)
{
    reels_reel reel = get(id);
    reel.state = state;
    test_ok(&env, reels_reel_update(reels, NULL, &reel, &env.err));
}

/* Takes everything out of the outbox; gives the only event, or one of type 0. */
static reels_event take_event(void)
{
    reels_event event = {.struct_size = sizeof(event)};
    reels_records *records = NULL;
    reels_record record;
    test_ok(&env, reels_records_new(env.ctx, 0, &records, &env.err));
    test_ok(&env,
            reels_catalog_outbox_claim(catalog, NULL, "test", LEASE_US, 1000, records, &env.err));
    size_t count = reels_records_count(records);
    ck_assert_uint_le(count, 1);
    if (count == 1) {
        test_ok(&env, reels_records_get(records, 0, &record));
        ck_assert_str_eq(record.topic, "reel");
        test_ok(&env, reels_event_decode(record.payload, record.payload_len, &event, &env.err));
        ck_assert_uint_eq(record.key_len, 8);
        ck_assert_uint_eq(record.key[0], event.reel_id & 0xFF);
        test_ok(&env, reels_catalog_outbox_ack(catalog, NULL, "test", &record, 1, &env.err));
    }
    reels_records_free(records);
    return event;
}

static void drain(void)
{
    while (take_event().type != 0) {
    }
}

/* A way from INIT to each state. */
static const uint32_t ways[STATES][4] = {
    [REELS_REEL_UPLOADED] = {REELS_REEL_UPLOADED},
    [REELS_REEL_PROCESSING] = {REELS_REEL_UPLOADED, REELS_REEL_PROCESSING},
    [REELS_REEL_READY] = {REELS_REEL_UPLOADED, REELS_REEL_PROCESSING, REELS_REEL_READY},
    [REELS_REEL_FAILED] = {REELS_REEL_FAILED},
    [REELS_REEL_HELD] = {REELS_REEL_UPLOADED, REELS_REEL_PROCESSING, REELS_REEL_HELD},
    [REELS_REEL_BLOCKED] = {REELS_REEL_UPLOADED,
                            REELS_REEL_PROCESSING,
                            REELS_REEL_READY,
                            REELS_REEL_BLOCKED},
    [REELS_REEL_DELETED] = {REELS_REEL_DELETED},
};

static void make(uint64_t id, uint32_t state)
{
    add(id, ADA);
    for (size_t i = 0; i < 4 && ways[state][i] != 0; i++) {
        step(id, ways[state][i]);
        drain();
    }
    ck_assert_uint_eq(get(id).state, state);
}

/* ---- the state machine ---- */

/* What each step publishes; 0 = allowed without an event, NO = not allowed. */
enum {
    NO = -1,
    UP = REELS_EVENT_REEL_UPLOADED,
    RDY = REELS_EVENT_REEL_READY,
    FLD = REELS_EVENT_REEL_FAILED,
    CHG = REELS_EVENT_REEL_CHANGED,
    DEL = REELS_EVENT_REEL_DELETED
};

static const int steps[STATES][STATES] = {
    /* to:  NONE INIT UPL PROC RDY FLD HELD BLK DEL */
    /* NONE */ {NO, NO, NO, NO, NO, NO, NO, NO, NO},
    /* INIT */ {NO, 0, UP, NO, NO, FLD, NO, NO, DEL},
    /* UPLD */ {NO, NO, 0, 0, NO, FLD, NO, NO, DEL},
    /* PROC */ {NO, NO, UP, 0, RDY, FLD, CHG, NO, DEL},
    /* RDY  */ {NO, NO, NO, NO, 0, NO, NO, CHG, DEL},
    /* FLD  */ {NO, NO, UP, NO, NO, 0, NO, NO, DEL},
    /* HELD */ {NO, NO, NO, NO, CHG, NO, 0, CHG, DEL},
    /* BLKD */ {NO, NO, NO, NO, CHG, NO, NO, 0, DEL},
    /* DEL  */ {NO, NO, NO, NO, NO, NO, NO, NO, NO},
};

START_TEST(test_reel_every_pair_of_states_steps_as_the_table_says)
{
    uint64_t id = 1000;
    for (uint32_t from = REELS_REEL_INIT; from < STATES; from++) {
        for (uint32_t to = REELS_REEL_NONE; to < STATES; to++) {
            make(++id, from);
            reels_reel reel = get(id);
            uint64_t version = reel.version;
            reel.state = to;
            reel.generation = 3;
            (void)snprintf(reel.reason, sizeof(reel.reason), "word");
            reels_status status = reels_reel_update(reels, NULL, &reel, &env.err);
            reels_event event = take_event();
            int expected = steps[from][to];
            ck_assert_int_eq(reels_reel_step_allowed(from, to), expected != NO);
            ck_assert_msg(status == (expected == NO ? REELS_ERR_STATE : REELS_OK),
                          "%s to %s: %s",
                          reels_reel_state_name(from),
                          reels_reel_state_name(to),
                          reels_status_name(status));
            ck_assert_msg((int)event.type == (expected > 0 ? expected : 0),
                          "%s to %s published %u",
                          reels_reel_state_name(from),
                          reels_reel_state_name(to),
                          event.type);
            if (event.type != 0) {
                ck_assert_uint_eq(event.reel_id, id);
                ck_assert_uint_eq(event.creator_id, ADA);
                ck_assert_uint_eq(event.generation, 3);
                ck_assert_str_eq(event.reason, "word");
            }
            ck_assert_uint_eq(get(id).state, expected == NO ? from : to);
            ck_assert_int_eq(get(id).version != version, expected != NO);
            ck_assert_uint_eq(reel.version, get(id).version);
        }
    }
    ck_assert_int_eq(reels_reel_step_allowed(REELS_REEL_NONE, REELS_REEL_INIT), 1);
    ck_assert_int_eq(reels_reel_step_allowed(REELS_REEL_NONE, REELS_REEL_NONE), 0);
    ck_assert_int_eq(reels_reel_step_allowed(UINT32_MAX, REELS_REEL_INIT), 0);
    ck_assert_int_eq(reels_reel_step_allowed(REELS_REEL_INIT, STATES), 0);
    ck_assert_str_eq(reels_reel_state_name(STATES), "UNKNOWN");
    ck_assert_str_eq(reels_reel_state_name(REELS_REEL_HELD), "HELD");
}
END_TEST

START_TEST(test_reel_staying_publishes_only_what_is_seen_otherwise)
{
    make(5, REELS_REEL_READY);
    reels_reel reel = get(5);
    reel.progress_permille = 999;
    (void)snprintf(reel.caption, sizeof(reel.caption), "new words");
    test_ok(&env, reels_reel_update(reels, NULL, &reel, &env.err));
    ck_assert_uint_eq(take_event().type, 0);
    reel.visibility = REELS_VISIBILITY_PRIVATE;
    test_ok(&env, reels_reel_update(reels, NULL, &reel, &env.err));
    ck_assert_uint_eq(take_event().type, REELS_EVENT_REEL_CHANGED);
    reel.revision++;
    test_ok(&env, reels_reel_update(reels, NULL, &reel, &env.err));
    ck_assert_uint_eq(take_event().type, REELS_EVENT_REEL_CHANGED);
}
END_TEST

START_TEST(test_reel_of_two_writers_one_is_told)
{
    make(7, REELS_REEL_PROCESSING);
    reels_reel first = get(7);
    reels_reel second = get(7);
    first.state = REELS_REEL_READY;
    second.state = REELS_REEL_FAILED;
    test_ok(&env, reels_reel_update(reels, NULL, &first, &env.err));
    test_status(REELS_ERR_CONFLICT, reels_reel_update(reels, NULL, &second, NULL));
    ck_assert_uint_eq(get(7).state, REELS_REEL_READY);
    ck_assert_uint_eq(take_event().type, REELS_EVENT_REEL_READY);
    ck_assert_uint_eq(take_event().type, 0);
    /* The version that an update gives is the one for the next. */
    first.visibility = REELS_VISIBILITY_PRIVATE;
    test_ok(&env, reels_reel_update(reels, NULL, &first, &env.err));
    second = first;
    second.id = 8;
    test_status(REELS_ERR_NOT_FOUND, reels_reel_update(reels, NULL, &second, NULL));
}
END_TEST

START_TEST(test_reel_is_added_once_and_begins_at_the_beginning)
{
    reels_reel reel = {.struct_size = sizeof(reel),
                       .id = 9,
                       .creator_id = ADA,
                       .state = REELS_REEL_READY,
                       .generation = 4,
                       .revision = 4,
                       .attempts_count = 4,
                       .progress_permille = 4,
                       .ready_unix_us = 4,
                       .visibility = REELS_VISIBILITY_PRIVATE};
    test_ok(&env, reels_reel_add(reels, NULL, &reel, &env.err));
    reels_reel got = get(9);
    ck_assert_uint_eq(got.state, REELS_REEL_INIT);
    ck_assert_uint_eq(got.generation + got.revision + got.attempts_count, 0);
    ck_assert_uint_eq(got.progress_permille, 0);
    ck_assert_int_eq(got.ready_unix_us, 0);
    ck_assert_int_eq(got.created_unix_us, reels_ctx_now_unix_us(env.ctx));
    ck_assert_uint_eq(got.visibility, REELS_VISIBILITY_PRIVATE);
    reel.creator_id = BOB;
    test_status(REELS_ERR_EXISTS, reels_reel_add(reels, NULL, &reel, NULL));
    ck_assert_uint_eq(get(9).creator_id, ADA);
    ck_assert_uint_eq(take_event().type, 0);
}
END_TEST

START_TEST(test_reel_what_is_not_a_reel_is_refused)
{
    const reels_reel good = {.struct_size = sizeof(good), .id = 1, .creator_id = ADA};
    reels_reel reel = good;
    uint64_t ids[2] = {1, UINT64_MAX};
    reels_reel out[2] = {{.struct_size = sizeof(reel)}};
    reel.struct_size--;
    test_status(REELS_ERR_INVALID_ARG, reels_reel_add(reels, NULL, &reel, NULL));
    reel = good;
    reel.id = 0;
    test_status(REELS_ERR_INVALID_ARG, reels_reel_add(reels, NULL, &reel, NULL));
    reel.id = UINT64_C(1) << 63;
    test_status(REELS_ERR_INVALID_ARG, reels_reel_add(reels, NULL, &reel, NULL));
    reel = good;
    reel.creator_id = 0;
    test_status(REELS_ERR_INVALID_ARG, reels_reel_add(reels, NULL, &reel, NULL));
    reel = good;
    reel.visibility = 2;
    test_status(REELS_ERR_INVALID_ARG, reels_reel_add(reels, NULL, &reel, NULL));
    reel = good;
    memset(reel.caption, 'x', REELS_CAPTION_BYTES_MAX + 1);
    test_status(REELS_ERR_INVALID_ARG, reels_reel_add(reels, NULL, &reel, NULL));
    reel = good;
    memset(reel.filename, 'x', sizeof(reel.filename));
    test_status(REELS_ERR_INVALID_ARG, reels_reel_add(reels, NULL, &reel, NULL));
    reel = good;
    memcpy(reel.caption, "\xED\xA0\x80", 3); /* a surrogate */
    test_status(REELS_ERR_INVALID_ARG, reels_reel_add(reels, NULL, &reel, NULL));
    test_ok(&env, reels_reel_get(reels, NULL, ids, 2, out, &env.err));
    ck_assert_uint_eq(out[0].state, REELS_REEL_NONE);
    ck_assert_uint_eq(out[1].state, REELS_REEL_NONE);
    ck_assert_uint_eq(out[0].id, 1);
    out[0].struct_size = 8;
    test_status(REELS_ERR_INVALID_ARG, reels_reel_get(reels, NULL, ids, 2, out, NULL));
    test_status(REELS_ERR_INVALID_ARG, reels_reel_get(reels, NULL, ids, 1001, out, NULL));
    test_ok(&env, reels_reel_get(reels, NULL, NULL, 0, NULL, &env.err));
}
END_TEST

/* ---- lists ---- */

static void
expect_list(uint32_t order, uint64_t key, const uint64_t *expected, size_t count, size_t page)
{
    reels_reel out[4] = {{.struct_size = sizeof(out[0])}};
    reels_buf *cursor = NULL;
    size_t at = 0;
    size_t got = 0;
    int pages = 0;
    test_ok(&env, reels_buf_new(env.ctx, 8192, &cursor, &env.err));
    do {
        out[0].struct_size = sizeof(out[0]);
        test_ok(&env, reels_reel_list(reels, NULL, order, key, cursor, out, page, &got, &env.err));
        ck_assert_uint_le(got, page);
        for (size_t i = 0; i < got; i++) {
            ck_assert_uint_lt(at, count);
            ck_assert_uint_eq(out[i].id, expected[at]);
            at++;
        }
        ck_assert_int_lt(++pages, 100);
    } while (reels_buf_len(cursor) > 0);
    ck_assert_uint_eq(at, count);
    reels_buf_free(cursor);
}

START_TEST(test_reel_lists_come_page_by_page_in_order)
{
    const uint64_t adas[] = {19, 17, 15, 13, 11};
    const uint64_t uploaded[] = {11, 12, 17};
    for (uint64_t id = 11; id < 20; id++) {
        add(id, id % 2 == 1 ? ADA : BOB);
    }
    step(17, REELS_REEL_UPLOADED);
    step(12, REELS_REEL_UPLOADED);
    step(11, REELS_REEL_UPLOADED);
    for (size_t page = 1; page <= 4; page++) {
        expect_list(REELS_REEL_ORDER_CREATOR, ADA, adas, 5, page);
        expect_list(REELS_REEL_ORDER_STATE, REELS_REEL_UPLOADED, uploaded, 3, page);
        expect_list(REELS_REEL_ORDER_STATE, REELS_REEL_BLOCKED, NULL, 0, page);
        expect_list(REELS_REEL_ORDER_CREATOR, 999, NULL, 0, page);
    }
}
END_TEST

START_TEST(test_reel_a_foreign_cursor_is_refused)
{
    reels_reel out[2] = {{.struct_size = sizeof(out[0])}};
    reels_buf *cursor = NULL;
    size_t got = 0;
    for (uint64_t id = 1; id < 6; id++) {
        add(id, ADA);
    }
    test_ok(&env, reels_buf_new(env.ctx, 8192, &cursor, &env.err));
    test_ok(&env, reels_buf_append(cursor, (const uint8_t *)"rubbish", 7, &env.err));
    test_status(
        REELS_ERR_INVALID_ARG,
        reels_reel_list(reels, NULL, REELS_REEL_ORDER_CREATOR, ADA, cursor, out, 2, &got, NULL));
    reels_buf_clear(cursor);
    test_ok(&env,
            reels_reel_list(
                reels, NULL, REELS_REEL_ORDER_CREATOR, ADA, cursor, out, 2, &got, &env.err));
    ck_assert_uint_gt(reels_buf_len(cursor), 0);
    /* Another creator's page would begin somewhere in the middle. */
    test_status(
        REELS_ERR_INVALID_ARG,
        reels_reel_list(reels, NULL, REELS_REEL_ORDER_CREATOR, BOB, cursor, out, 2, &got, NULL));
    test_status(
        REELS_ERR_INVALID_ARG,
        reels_reel_list(
            reels, NULL, REELS_REEL_ORDER_STATE, REELS_REEL_INIT, cursor, out, 2, &got, NULL));
    test_status(REELS_ERR_INVALID_ARG,
                reels_reel_list(reels, NULL, 3, ADA, cursor, out, 2, &got, NULL));
    test_status(
        REELS_ERR_INVALID_ARG,
        reels_reel_list(reels, NULL, REELS_REEL_ORDER_CREATOR, ADA, cursor, out, 0, &got, NULL));
    reels_buf_free(cursor);
}
END_TEST

/* ---- names and texts ---- */

START_TEST(test_reel_media_prefix_fits_its_buffer_or_is_refused)
{
    char out[40];
    memset(out, '#', sizeof(out));
    test_ok(&env, reels_reel_media_prefix(INT64_MAX, UINT32_MAX, out, sizeof(out)));
    size_t len = strlen(out);
    ck_assert_uint_lt(len, sizeof(out));
    ck_assert_int_eq(strncmp(out, "m/", 2), 0);
    ck_assert_str_eq(strchr(out + 2, '/'), "/4294967295/");
    for (size_t capacity = 0; capacity <= len; capacity++) {
        char *exact = malloc(capacity + 1);
        ck_assert_ptr_nonnull(exact);
        exact[capacity] = '#';
        test_status(REELS_ERR_BUFFER_TOO_SMALL,
                    reels_reel_media_prefix(INT64_MAX, UINT32_MAX, exact, capacity));
        ck_assert_int_eq(exact[capacity], '#');
        free(exact);
    }
    char tight[40];
    test_ok(&env, reels_reel_media_prefix(INT64_MAX, UINT32_MAX, tight, len + 1));
    ck_assert_str_eq(tight, out);
    test_ok(&env, reels_reel_media_prefix(1, 0, out, sizeof(out)));
    ck_assert_str_eq(strchr(out + 2, '/'), "/0/");
}
END_TEST

static void text_round_trip(uint64_t id, const char *text, size_t len)
{
    reels_reel reel = {.struct_size = sizeof(reel), .id = id, .creator_id = ADA};
    ck_assert_uint_le(len, REELS_CAPTION_BYTES_MAX);
    memcpy(reel.caption, text, len);
    if (len <= REELS_FILENAME_BYTES_MAX) {
        memcpy(reel.filename, text, len);
    }
    test_ok(&env, reels_reel_add(reels, NULL, &reel, &env.err));
    reels_reel got = get(id);
    ck_assert_mem_eq(got.caption, reel.caption, sizeof(got.caption));
    ck_assert_mem_eq(got.filename, reel.filename, sizeof(got.filename));
}

START_TEST(test_reel_texts_at_their_limits_come_back_byte_for_byte)
{
    char text[REELS_CAPTION_BYTES_MAX];
    for (size_t i = 0; i + 4 <= sizeof(text); i += 4) {
        memcpy(text + i, "\xF0\x9F\x8E\xAC", 4);
    }
    text_round_trip(1, text, sizeof(text));
    text_round_trip(2, "", 0);
    text_round_trip(3, "'; DROP TABLE reels; --", 23);
}
END_TEST

START_TEST(test_reel_naughty_strings_come_back_byte_for_byte)
{
    char file[TEST_PATH_BYTES];
    if (!test_shared_path("vectors/strings/blns.json", file)) {
        test_skip("shared/vectors/strings/blns.json is absent");
        return;
    }
    size_t len = 0;
    uint8_t *json = test_file_read(file, &len);
    reels_buf *text = NULL;
    uint64_t id = 1;
    struct reels__json_reader reader;
    struct reels__json_token token;
    test_ok(&env, reels_buf_new(env.ctx, 0, &text, &env.err));
    reels__json_reader_init(&reader, (const char *)json, len);
    while (reels__json_next(&reader, &token, &env.err) == REELS_OK) {
        if (token.kind == REELS__JSON_STRING) {
            reels_buf_clear(text);
            test_ok(&env, reels__json_text_append(&token, text, &env.err));
            if (reels_buf_len(text) > 0) {
                text_round_trip(id, (const char *)reels_buf_data(text), reels_buf_len(text));
            }
            id++;
        }
    }
    ck_assert_uint_gt(id, 400);
    reels_buf_free(text);
    free(json);
}
END_TEST

/* ---- lack of memory ---- */

static reels_status oom_with(reels_reel_store *store, reels_buf *cursor)
{
    reels_reel reel = {.struct_size = sizeof(reel), .id = 1, .creator_id = ADA};
    reels_reel out[2] = {{.struct_size = sizeof(out[0])}};
    size_t count = 0;
    reels_status status = reels_reel_add(store, NULL, &reel, NULL);
    if (status == REELS_OK) {
        status = reels_reel_get(store, NULL, &reel.id, 1, &reel, NULL);
    }
    if (status == REELS_OK) {
        reel.state = REELS_REEL_UPLOADED;
        status = reels_reel_update(store, NULL, &reel, NULL);
    }
    if (status == REELS_OK) {
        status = reels_reel_list(
            store, NULL, REELS_REEL_ORDER_CREATOR, ADA, cursor, out, 2, &count, NULL);
    }
    return status;
}

static reels_status oom(reels_ctx *ctx, void *arg)
{
    reels_catalog *mem = NULL;
    reels_reel_store *store = NULL;
    reels_buf *cursor = NULL;
    (void)arg;
    reels_status status = reels_catalog_open(ctx, "mem:", &mem, NULL);
    if (status == REELS_OK) {
        status = reels_buf_new(ctx, 0, &cursor, NULL);
    }
    if (status == REELS_OK) {
        status = reels_reel_store_new(ctx, mem, &store, NULL);
    }
    if (status == REELS_OK) {
        status = oom_with(store, cursor);
    }
    reels_reel_store_free(store);
    reels_buf_free(cursor);
    reels_catalog_free(mem);
    return status;
}

START_TEST(test_reel_survives_lack_of_memory)
{
    ck_assert_uint_gt(test_oom_run(0, oom, NULL), 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reel");
    TCase *cases = tcase_create("reel");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_reel_every_pair_of_states_steps_as_the_table_says);
    tcase_add_test(cases, test_reel_staying_publishes_only_what_is_seen_otherwise);
    tcase_add_test(cases, test_reel_of_two_writers_one_is_told);
    tcase_add_test(cases, test_reel_is_added_once_and_begins_at_the_beginning);
    tcase_add_test(cases, test_reel_what_is_not_a_reel_is_refused);
    tcase_add_test(cases, test_reel_lists_come_page_by_page_in_order);
    tcase_add_test(cases, test_reel_a_foreign_cursor_is_refused);
    tcase_add_test(cases, test_reel_media_prefix_fits_its_buffer_or_is_refused);
    tcase_add_test(cases, test_reel_texts_at_their_limits_come_back_byte_for_byte);
    tcase_add_test(cases, test_reel_naughty_strings_come_back_byte_for_byte);
    tcase_add_test(cases, test_reel_survives_lack_of_memory);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
