/* Shows what reels/event.h promises: encoding, topics and keys, and what is admitted. */
#include <stdlib.h>
#include <string.h>

#include <reels/event.h>

#include "event/batch.h"
#include "test_check.h"

enum {
    TYPES_MAX = 64,
    S = 1000000
};

#define NOW_US INT64_C(1750000000000000)

static struct test_env env;
static reels_buf *buf;

static void setup(void)
{
    test_env_init(&env, TEST_ENV_SIM_CLOCK | TEST_ENV_SEED);
    test_ok(&env, reels_buf_new(env.ctx, 65536, &buf, &env.err));
}

static void teardown(void)
{
    reels_buf_free(buf);
    test_env_dispose(&env);
}

/* Every field set, each to something else. */
static reels_event full_event(uint32_t type)
{
    reels_event event = {.struct_size = sizeof(event),
                         .type = type,
                         .reel_id = UINT64_C(0x0102030405060708),
                         .person_id = INT64_MAX,
                         .creator_id = 3,
                         .target_id = 4,
                         .source = UINT64_MAX,
                         .sequence = UINT64_MAX - 1,
                         .time_unix_us = NOW_US,
                         .client_time_unix_us = -5,
                         .watch_us = 60 * S,
                         .position_us = INT64_MAX,
                         .duration_us = INT64_MIN,
                         .playback = UINT64_C(1) << 63,
                         .generation = UINT32_MAX,
                         .revision = 9,
                         .region = "eu-we-1",
                         .reason =
                             "a reason of sixty-three bytes, which is what fits: 6789 1234 67"};
    return event;
}

static void round_trip(const reels_event *event)
{
    reels_event got;
    memset(&got, 0xAA, sizeof(got));
    got.struct_size = sizeof(got);
    reels_buf_clear(buf);
    test_ok(&env, reels_event_encode(event, buf, &env.err));
    test_ok(&env, reels_event_decode(reels_buf_data(buf), reels_buf_len(buf), &got, &env.err));
    ck_assert_mem_eq(&got, event, sizeof(got));
}

START_TEST(test_event_every_type_comes_back_as_it_was)
{
    size_t types = 0;
    for (uint32_t type = 0; type < TYPES_MAX; type++) {
        const char *name = reels_event_type_name(type);
        reels_event event = full_event(type);
        reels_event bare = {.struct_size = sizeof(bare), .type = type};
        if (name == NULL) {
            reels_buf_clear(buf);
            test_status(REELS_ERR_INVALID_ARG, reels_event_encode(&event, buf, NULL));
            ck_assert_uint_eq(reels_buf_len(buf), 0);
            ck_assert_uint_eq(reels_event_topics(type), 0);
            continue;
        }
        ck_assert_uint_eq(reels_event_type_by_name(name), type);
        round_trip(&event);
        round_trip(&bare);
        types++;
    }
    ck_assert_uint_eq(types, 26);
    ck_assert_uint_eq(reels_event_type_by_name("no such type"), 0);
    ck_assert_uint_eq(reels_event_type_by_name(NULL), 0);
    ck_assert_ptr_null(reels_event_type_name(UINT32_MAX));
}
END_TEST

START_TEST(test_event_texts_must_end_within_their_fields)
{
    reels_event event = full_event(REELS_EVENT_REPORT);
    memset(event.reason, 'x', sizeof(event.reason));
    test_status(REELS_ERR_INVALID_ARG, reels_event_encode(&event, buf, NULL));
    event = full_event(REELS_EVENT_REPORT);
    memset(event.region, 'x', sizeof(event.region));
    test_status(REELS_ERR_INVALID_ARG, reels_event_encode(&event, buf, NULL));
    /* 64 bytes of reason as another writer could have sent. */
    uint8_t wire[2 + 3 + 64] = {0x08, REELS_EVENT_REPORT, 0x8A, 0x01, 64};
    memset(wire + 5, 'x', 64);
    reels_event got = {.struct_size = sizeof(got), .type = 77};
    test_status(REELS_ERR_CORRUPT, reels_event_decode(wire, sizeof(wire), &got, NULL));
    ck_assert_uint_eq(got.type, 77);
    /* A NUL inside would be cut off. */
    wire[4] = 63;
    wire[20] = '\0';
    test_status(REELS_ERR_CORRUPT, reels_event_decode(wire, sizeof(wire) - 1, &got, NULL));
    wire[20] = 'x';
    test_ok(&env, reels_event_decode(wire, sizeof(wire) - 1, &got, &env.err));
    ck_assert_uint_eq(strlen(got.reason), 63);
}
END_TEST

/* What is cut between two fields is an event with fewer fields; anywhere else it is CORRUPT. What
 * is taken can always be written again. */
START_TEST(test_event_cut_anywhere_is_an_event_or_corrupt)
{
    reels_event event = full_event(REELS_EVENT_WATCH);
    test_ok(&env, reels_event_encode(&event, buf, &env.err));
    size_t len = reels_buf_len(buf);
    size_t taken = 0;
    reels_buf *again = NULL;
    test_ok(&env, reels_buf_new(env.ctx, 4096, &again, &env.err));
    for (size_t cut = 0; cut < len; cut++) {
        reels_event got = {.struct_size = sizeof(got)};
        uint8_t *exact = malloc(cut + 1); /* so that the sanitizer sees a read past the end */
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, reels_buf_data(buf), cut);
        reels_status status = reels_event_decode(exact, cut, &got, NULL);
        ck_assert(status == REELS_OK || status == REELS_ERR_CORRUPT);
        if (status == REELS_OK) {
            taken++;
            reels_buf_clear(again);
            test_ok(&env, reels_event_encode(&got, again, &env.err));
            ck_assert_uint_eq(reels_buf_len(again), cut);
            ck_assert_mem_eq(reels_buf_data(again), exact, cut);
        }
        free(exact);
    }
    ck_assert_uint_eq(taken, 16); /* 17 fields end; the whole is not cut */
    reels_buf_free(again);
}
END_TEST

START_TEST(test_event_hostile_bytes_give_a_status)
{
    reels_event event = full_event(REELS_EVENT_LIKE);
    reels_event got = {.struct_size = sizeof(got)};
    test_ok(&env, reels_event_encode(&event, buf, &env.err));
    uint8_t copy[1024];
    size_t len = reels_buf_len(buf);
    size_t refused = 0;
    ck_assert_uint_lt(len, sizeof(copy));
    for (size_t at = 0; at < len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(copy, reels_buf_data(buf), len);
            copy[at] ^= (uint8_t)(1U << bit);
            reels_status status = reels_event_decode(copy, len, &got, NULL);
            ck_assert(status == REELS_OK || status == REELS_ERR_CORRUPT);
            refused += status != REELS_OK;
        }
    }
    ck_assert_uint_gt(refused, 50);
    static uint8_t large[4097];
    test_status(REELS_ERR_CORRUPT, reels_event_decode(large, sizeof(large), &got, NULL));
    test_status(REELS_ERR_CORRUPT, reels_event_decode(NULL, 0, &got, NULL));
    test_status(REELS_ERR_INVALID_ARG, reels_event_decode(NULL, 1, &got, NULL));
    test_status(REELS_ERR_INVALID_ARG, reels_event_decode(copy, 1, NULL, NULL));
    /* A varint where an ID is fixed. */
    const uint8_t wire[] = {0x08, 0x10, 0x10, 0x01};
    test_status(REELS_ERR_CORRUPT, reels_event_decode(wire, sizeof(wire), &got, NULL));
    /* A newer writer: unknown fields of each wire type are passed over, an unknown type is kept. */
    const uint8_t newer[] = {
        0x08, 0x7F, 0xF8, 0x01, 0x05, 0xFA, 0x01, 0x02, 'h', 'i', 0xFD, 0x01, 1, 2, 3, 4};
    test_ok(&env, reels_event_decode(newer, sizeof(newer), &got, &env.err));
    ck_assert_uint_eq(got.type, 127);
    ck_assert_uint_eq(got.reel_id, 0);
}
END_TEST

START_TEST(test_event_topics_and_keys)
{
    static const struct {
        uint32_t type;
        uint32_t topics;
        uint64_t engage_key;
    } rows[] = {
        {REELS_EVENT_REEL_UPLOADED, REELS_TOPIC_REEL, 0},
        {REELS_EVENT_REEL_DELETED, REELS_TOPIC_REEL, 0},
        {REELS_EVENT_LIKE, REELS_TOPIC_ENGAGE, 1},
        {REELS_EVENT_UNSAVE, REELS_TOPIC_ENGAGE, 1},
        {REELS_EVENT_FOLLOW, REELS_TOPIC_ENGAGE, 4},
        {REELS_EVENT_UNFOLLOW, REELS_TOPIC_ENGAGE, 4},
        {REELS_EVENT_MUTE, REELS_TOPIC_PERSON, 0},
        {REELS_EVENT_UNBLOCK, REELS_TOPIC_PERSON, 0},
        {REELS_EVENT_COMMENT, REELS_TOPIC_ENGAGE, 1},
        {REELS_EVENT_WATCH, REELS_TOPIC_ENGAGE | REELS_TOPIC_PERSON, 1},
        {REELS_EVENT_REPORT, REELS_TOPIC_ENGAGE | REELS_TOPIC_PERSON, 1},
        {REELS_EVENT_NOT_INTERESTED, REELS_TOPIC_PERSON, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        reels_event event = {.struct_size = sizeof(event),
                             .type = rows[i].type,
                             .reel_id = 1,
                             .person_id = 2,
                             .creator_id = 3,
                             .target_id = 4};
        uint32_t topics = rows[i].topics;
        ck_assert_uint_eq(reels_event_topics(event.type), topics);
        ck_assert_uint_eq(reels_event_key(&event, REELS_TOPIC_REEL),
                          (topics & REELS_TOPIC_REEL) != 0 ? 1 : 0);
        ck_assert_uint_eq(reels_event_key(&event, REELS_TOPIC_ENGAGE), rows[i].engage_key);
        ck_assert_uint_eq(reels_event_key(&event, REELS_TOPIC_PERSON),
                          (topics & REELS_TOPIC_PERSON) != 0 ? 2 : 0);
        ck_assert_uint_eq(reels_event_key(&event, topics | 64), 0);
    }
    ck_assert_str_eq(reels_event_topic_name(REELS_TOPIC_REEL), "reel");
    ck_assert_str_eq(reels_event_topic_name(REELS_TOPIC_ENGAGE), "engage");
    ck_assert_str_eq(reels_event_topic_name(REELS_TOPIC_PERSON), "person");
    ck_assert_ptr_null(reels_event_topic_name(REELS_TOPIC_REEL | REELS_TOPIC_PERSON));
    ck_assert_ptr_null(reels_event_topic_name(0));
    ck_assert_uint_eq(reels_event_key(NULL, REELS_TOPIC_REEL), 0);
}
END_TEST

/* ---- admission ---- */

static reels_event reported(uint32_t type)
{
    reels_event event = {.struct_size = sizeof(event),
                         .type = type,
                         .reel_id = 1,
                         .person_id = 2,
                         .source = 3,
                         .sequence = 1};
    return event;
}

START_TEST(test_event_only_what_clients_report_is_admitted)
{
    size_t admitted = 0;
    for (uint32_t type = 0; type < TYPES_MAX; type++) {
        reels_event event = reported(type);
        event.watch_us = 3 * S;
        reels_status status = reels_event_admit(&event, NOW_US, NULL);
        if (reels_event_type_name(type) == NULL) {
            ck_assert_int_eq(status, REELS_ERR_INVALID_ARG);
        } else if (type < REELS_EVENT_IMPRESSION) {
            ck_assert_int_eq(status, REELS_ERR_DENIED);
        } else {
            ck_assert_int_eq(status, REELS_OK);
            admitted++;
        }
    }
    ck_assert_uint_eq(admitted, 9);
}
END_TEST

START_TEST(test_event_milestones_need_what_they_stand_for)
{
    static const struct {
        uint32_t type;
        int64_t watch_us;
        int64_t position_us;
        int64_t duration_us;
        reels_status expected;
    } rows[] = {
        {REELS_EVENT_VIEW, 3 * S, 0, 10 * S, REELS_OK},
        {REELS_EVENT_VIEW, 3 * S - 1, 0, 10 * S, REELS_ERR_INVALID_ARG},
        {REELS_EVENT_VIEW, 0, 3 * S, 10 * S, REELS_OK},
        {REELS_EVENT_VIEW, 0, 3 * S - 1, 10 * S, REELS_ERR_INVALID_ARG},
        {REELS_EVENT_VIEW, 0, 1500000, 2 * S, REELS_OK}, /* the end of a shorter reel */
        {REELS_EVENT_VIEW, 0, 1499999, 2 * S, REELS_ERR_INVALID_ARG},
        {REELS_EVENT_VIEW, 0, 0, 0, REELS_ERR_INVALID_ARG}, /* how long it is, nobody knows */
        {REELS_EVENT_VIEW, 0, 3 * S, 0, REELS_OK},
        {REELS_EVENT_COMPLETE, 0, 9500000, 10 * S, REELS_OK},
        {REELS_EVENT_COMPLETE, 0, 9499999, 10 * S, REELS_ERR_INVALID_ARG},
        {REELS_EVENT_COMPLETE, 60 * S, 0, 10 * S, REELS_ERR_INVALID_ARG},
        {REELS_EVENT_COMPLETE, 0, 0, S / 2, REELS_OK},
        {REELS_EVENT_COMPLETE, 0, 3600 * INT64_C(1000000), 3600 * INT64_C(1000000), REELS_OK},
        {REELS_EVENT_WATCH, 60 * S, 0, 0, REELS_OK},
        {REELS_EVENT_WATCH, 60 * S + 1, 0, 0, REELS_ERR_INVALID_ARG},
        {REELS_EVENT_WATCH, -1, 0, 0, REELS_ERR_INVALID_ARG},
        {REELS_EVENT_WATCH, 0, -1, 0, REELS_ERR_INVALID_ARG},
        {REELS_EVENT_WATCH, 0, INT64_MAX, 0, REELS_ERR_INVALID_ARG},
        {REELS_EVENT_WATCH, 0, 0, -1, REELS_ERR_INVALID_ARG},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        reels_event event = reported(rows[i].type);
        event.watch_us = rows[i].watch_us;
        event.position_us = rows[i].position_us;
        event.duration_us = rows[i].duration_us;
        ck_assert_msg(reels_event_admit(&event, NOW_US, &env.err) == rows[i].expected,
                      "row %zu: %s",
                      i,
                      env.err.message);
    }
}
END_TEST

START_TEST(test_event_each_field_is_judged)
{
    reels_event event = reported(REELS_EVENT_IMPRESSION);
    test_ok(&env, reels_event_admit(&event, NOW_US, &env.err));
    test_status(REELS_ERR_INVALID_ARG, reels_event_admit(&event, 0, NULL));
    test_status(REELS_ERR_INVALID_ARG, reels_event_admit(NULL, NOW_US, NULL));
    uint64_t *const ids[] = {&event.reel_id, &event.person_id};
    for (size_t i = 0; i < 2; i++) {
        *ids[i] = 0;
        test_status(REELS_ERR_INVALID_ARG, reels_event_admit(&event, NOW_US, NULL));
        *ids[i] = UINT64_C(1) << 63;
        test_status(REELS_ERR_INVALID_ARG, reels_event_admit(&event, NOW_US, NULL));
        *ids[i] = INT64_MAX;
        test_ok(&env, reels_event_admit(&event, NOW_US, &env.err));
    }
    event.source = 0;
    test_status(REELS_ERR_INVALID_ARG, reels_event_admit(&event, NOW_US, &env.err));
    ck_assert_ptr_nonnull(strstr(env.err.message, "source"));
    event.source = 1;
    event.sequence = 0;
    test_status(REELS_ERR_INVALID_ARG, reels_event_admit(&event, NOW_US, &env.err));
    ck_assert_ptr_nonnull(strstr(env.err.message, "sequence"));
    event.sequence = UINT64_MAX;
    event.client_time_unix_us = -1;
    test_status(REELS_ERR_INVALID_ARG, reels_event_admit(&event, NOW_US, NULL));
    event.client_time_unix_us = INT64_MAX; /* informative: a wrong clock is no reason */
    test_ok(&env, reels_event_admit(&event, NOW_US, &env.err));
}
END_TEST

/* ---- batches ---- */

START_TEST(test_event_a_batch_addresses_every_topic)
{
    struct reels__event_batch batch = {0};
    reels_commit commit = {.struct_size = sizeof(commit)};
    reels_event event = reported(REELS_EVENT_SHARE);
    test_ok(&env, reels__event_batch_init(&batch, env.ctx, &env.err));
    for (int i = 0; i < REELS__EVENT_BATCH_MAX / 2; i++) {
        event.sequence = (uint64_t)i + 1;
        test_ok(&env, reels__event_batch_add(&batch, &event, &env.err));
    }
    reels__event_batch_attach(&batch, &commit);
    ck_assert_uint_eq(commit.events_count, REELS__EVENT_BATCH_MAX);
    for (size_t i = 0; i < commit.events_count; i++) {
        const reels_event_out *out = &commit.events[i];
        reels_event got = {.struct_size = sizeof(got)};
        const uint8_t key = i % 2 == 0 ? 1 : 2;
        ck_assert_str_eq(out->topic, i % 2 == 0 ? "engage" : "person");
        ck_assert_uint_eq(out->key_len, 8);
        ck_assert_uint_eq(out->key[0], key);
        test_ok(&env, reels_event_decode(out->payload, out->payload_len, &got, &env.err));
        ck_assert_uint_eq(got.sequence, i / 2 + 1);
    }
    reels__event_batch_dispose(&batch);
}
END_TEST

static reels_status oom(reels_ctx *ctx, void *arg)
{
    struct reels__event_batch batch = {0};
    reels_event event = full_event(REELS_EVENT_SHARE);
    (void)arg;
    reels_status status = reels__event_batch_init(&batch, ctx, NULL);
    for (int i = 0; status == REELS_OK && i < 3; i++) {
        status = reels__event_batch_add(&batch, &event, NULL);
    }
    reels__event_batch_dispose(&batch);
    return status;
}

START_TEST(test_event_a_batch_survives_lack_of_memory)
{
    ck_assert_uint_ge(test_oom_run(0, oom, NULL), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event");
    TCase *cases = tcase_create("event");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, test_event_every_type_comes_back_as_it_was);
    tcase_add_test(cases, test_event_texts_must_end_within_their_fields);
    tcase_add_test(cases, test_event_cut_anywhere_is_an_event_or_corrupt);
    tcase_add_test(cases, test_event_hostile_bytes_give_a_status);
    tcase_add_test(cases, test_event_topics_and_keys);
    tcase_add_test(cases, test_event_only_what_clients_report_is_admitted);
    tcase_add_test(cases, test_event_milestones_need_what_they_stand_for);
    tcase_add_test(cases, test_event_each_field_is_judged);
    tcase_add_test(cases, test_event_a_batch_addresses_every_topic);
    tcase_add_test(cases, test_event_a_batch_survives_lack_of_memory);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
