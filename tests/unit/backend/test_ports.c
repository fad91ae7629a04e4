/* The doors of the ports: which tables are taken, that impl is destroyed once, and that what a
 * backend says is looked at. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <reels/backend.h>

#include "test_check.h"

typedef void (*slot)(void);

enum {
    TABLE_BYTES_MAX = 256
};

static int destroyed;

static void count_destroy(void *impl)
{
    int *count = impl;
    (*count)++;
}

/* Stands in a slot that no test calls. */
static void never_called(void)
{
    ck_abort_msg("a slot was called that should not be");
}

static reels_status describe_model(void *impl, reels_model_info *out, reels_error *err)
{
    (void)impl;
    (void)err;
    static const reels_model_input inputs[] = {
        {"age", REELS_MODEL_OF_CANDIDATE, REELS_MODEL_FLOAT32, 1, 0}};
    static const char *const heads[] = {"p_like", "p_skip"};
    out->inputs = inputs;
    out->inputs_count = 1;
    out->heads = heads;
    out->heads_count = 2;
    out->name = "test";
    out->version = "1";
    out->space_id = "";
    return REELS_OK;
}

static reels_status describe_embed(void *impl, reels_embed_info *out, reels_error *err)
{
    (void)impl;
    (void)err;
    out->dimensions_count = 3;
    out->name = "test";
    out->version = "1";
    out->space_id = "space";
    return REELS_OK;
}

static reels_status describe_classifier(void *impl, reels_classifier_info *out, reels_error *err)
{
    (void)impl;
    (void)err;
    static const char *const labels[] = {"violence"};
    out->labels = labels;
    out->labels_count = 1;
    out->name = "test";
    out->version = "1";
    return REELS_OK;
}

/* One function per port that makes a handle of a table and gives its free function. */
#define PORT_DOORS(port)                                                                           \
    static reels_status port##_make(                                                               \
        reels_ctx *ctx, const void *table, void **out, reels_error *err)                           \
    {                                                                                              \
        reels_##port *made = NULL;                                                                 \
        reels_status status = reels_##port##_new(ctx, table, &destroyed, &made, err);              \
        *out = made;                                                                               \
        return status;                                                                             \
    }                                                                                              \
    static void port##_drop(void *made)                                                            \
    {                                                                                              \
        reels_##port##_free(made);                                                                 \
    }

PORT_DOORS(blob)
PORT_DOORS(queue)
PORT_DOORS(cache)
PORT_DOORS(model)
PORT_DOORS(embed)
PORT_DOORS(classifier)
PORT_DOORS(push)

#define MUST(port, name) offsetof(reels_##port##_vtable, name)

static const struct port {
    const char *name;
    size_t size;
    reels_status (*make)(reels_ctx *ctx, const void *table, void **out, reels_error *err);
    void (*drop)(void *made);
    size_t describe; /* offset, 0 = none */
    slot describer;
    size_t musts[10]; /* after destroy, which every table has first */
} ports[] = {
    {"blob",
     sizeof(reels_blob_vtable),
     blob_make,
     blob_drop,
     0,
     NULL,
     {MUST(blob, put), MUST(blob, get), MUST(blob, head), MUST(blob, remove), MUST(blob, list)}},
    {"queue",
     sizeof(reels_queue_vtable),
     queue_make,
     queue_drop,
     0,
     NULL,
     {MUST(queue, topic_open),
      MUST(queue, append),
      MUST(queue, group_join),
      MUST(queue, group_leave),
      MUST(queue, assignment),
      MUST(queue, poll),
      MUST(queue, seek)}},
    {"cache",
     sizeof(reels_cache_vtable),
     cache_make,
     cache_drop,
     0,
     NULL,
     {MUST(cache, put),
      MUST(cache, get),
      MUST(cache, remove),
      MUST(cache, hput),
      MUST(cache, hget),
      MUST(cache, zput),
      MUST(cache, zrange),
      MUST(cache, zremove)}},
    {"model",
     sizeof(reels_model_vtable),
     model_make,
     model_drop,
     MUST(model, describe),
     (slot)describe_model,
     {MUST(model, score)}},
    {"embed",
     sizeof(reels_embed_vtable),
     embed_make,
     embed_drop,
     MUST(embed, describe),
     (slot)describe_embed,
     {MUST(embed, embed)}},
    {"classifier",
     sizeof(reels_classifier_vtable),
     classifier_make,
     classifier_drop,
     MUST(classifier, describe),
     (slot)describe_classifier,
     {MUST(classifier, classify)}},
    {"push", sizeof(reels_push_vtable), push_make, push_drop, 0, NULL, {MUST(push, send)}},
};

enum {
    PORTS_COUNT = sizeof ports / sizeof ports[0]
};

static void slot_set(uint8_t *table, size_t offset, slot value)
{
    memcpy(table + offset, &value, sizeof value);
}

/* A table with the must slots and nothing else, of the size given. */
static void must_table(const struct port *port, uint32_t size, uint8_t table[TABLE_BYTES_MAX])
{
    ck_assert_uint_le(port->size + 16, TABLE_BYTES_MAX);
    memset(table, 0, TABLE_BYTES_MAX);
    memcpy(table, &size, sizeof size);
    slot_set(table, 8, (slot)count_destroy);
    for (size_t i = 0; port->musts[i] != 0; i++) {
        slot_set(table, port->musts[i], never_called);
    }
    if (port->describe != 0) {
        slot_set(table, port->describe, port->describer);
    }
}

static void expect_make(struct test_env *env,
                        const struct port *port,
                        const uint8_t *table,
                        reels_status expected)
{
    void *made = &destroyed;
    destroyed = 0;
    reels_status status = port->make(env->ctx, table, &made, &env->err);
    ck_assert_msg(
        status == expected, "%s: %s (%s)", port->name, reels_status_name(status), env->err.message);
    if (status == REELS_OK) {
        ck_assert_ptr_nonnull(made);
        ck_assert_int_eq(destroyed, 0);
        port->drop(made);
        ck_assert_int_eq(destroyed, 1);
    } else {
        /* Ownership moves on success only. */
        ck_assert_ptr_null(made);
        ck_assert_int_eq(destroyed, 0);
    }
}

START_TEST(test_ports_take_tables_with_the_must_slots_only)
{
    const struct port *port = &ports[_i];
    struct test_env env;
    uint8_t table[TABLE_BYTES_MAX];
    test_env_init(&env, 0);
    must_table(port, (uint32_t)port->size, table);
    expect_make(&env, port, table, REELS_OK);
    expect_make(&env, port, NULL, REELS_ERR_INVALID_ARG);
    for (size_t i = 0; port->musts[i] != 0; i++) {
        must_table(port, (uint32_t)port->size, table);
        slot_set(table, port->musts[i], NULL);
        expect_make(&env, port, table, REELS_ERR_INVALID_ARG);
    }
    must_table(port, (uint32_t)port->size, table);
    slot_set(table, 8, NULL);
    expect_make(&env, port, table, REELS_ERR_INVALID_ARG);
    test_env_dispose(&env);
}
END_TEST

/* The sizes that 0.1 had: a host compiled against it goes on working with every later library. */
START_TEST(test_ports_take_tables_of_the_first_version_and_longer_ones_that_ask_for_nothing)
{
    static const size_t first_sizes[PORTS_COUNT] = {104, 96, 80, 32, 32, 32, 24};
    const struct port *port = &ports[_i];
    struct test_env env;
    uint8_t table[TABLE_BYTES_MAX];
    test_env_init(&env, 0);
    must_table(port, (uint32_t)first_sizes[_i], table);
    expect_make(&env, port, table, REELS_OK);
    must_table(port, (uint32_t)first_sizes[_i] - 8, table);
    expect_make(&env, port, table, REELS_ERR_INVALID_ARG);
    must_table(port, (uint32_t)port->size + 16, table);
    expect_make(&env, port, table, REELS_OK);
    slot_set(table, port->size + 8, never_called);
    expect_make(&env, port, table, REELS_ERR_UNSUPPORTED);
    test_env_dispose(&env);
}
END_TEST

START_TEST(test_ports_take_slots_that_belong_together_together)
{
    struct test_env env;
    uint8_t table[TABLE_BYTES_MAX];
    static const size_t alone[] = {MUST(blob, part_begin), MUST(blob, part_commit)};
    static const size_t offsets[] = {MUST(queue, offset_store), MUST(queue, offset_load)};
    test_env_init(&env, 0);
    for (size_t i = 0; i < 2; i++) {
        must_table(&ports[0], (uint32_t)ports[0].size, table);
        slot_set(table, alone[i], never_called);
        expect_make(&env, &ports[0], table, REELS_ERR_INVALID_ARG);
        must_table(&ports[1], (uint32_t)ports[1].size, table);
        slot_set(table, offsets[i], never_called);
        expect_make(&env, &ports[1], table, REELS_ERR_INVALID_ARG);
    }
    test_env_dispose(&env);
}
END_TEST

START_TEST(test_ports_without_optional_slots_say_so)
{
    struct test_env env;
    uint8_t table[TABLE_BYTES_MAX];
    void *made = NULL;
    reels_buf *buf = NULL;
    size_t count = 0;
    test_env_init(&env, 0);
    test_ok(&env, reels_buf_new(env.ctx, 0, &buf, &env.err));
    must_table(&ports[0], (uint32_t)ports[0].size, table);
    test_ok(&env, ports[0].make(env.ctx, table, &made, &env.err));
    ck_assert_uint_eq(reels_blob_features(made), 0);
    test_status(REELS_ERR_UNSUPPORTED,
                reels_blob_part_begin(made, NULL, "k", REELS_BLOB_PART_BYTES_MIN, buf, &env.err));
    test_status(REELS_ERR_UNSUPPORTED, reels_blob_part_abort(made, NULL, "k", "upload", &env.err));
    reels_blob_url_request request = {.struct_size = sizeof request};
    test_status(REELS_ERR_UNSUPPORTED, reels_blob_url(made, NULL, &request, buf, &env.err));
    ports[0].drop(made);
    must_table(&ports[1], (uint32_t)ports[1].size, table);
    test_ok(&env, ports[1].make(env.ctx, table, &made, &env.err));
    ck_assert_uint_eq(reels_queue_features(made), 0);
    test_status(REELS_ERR_UNSUPPORTED,
                reels_queue_lags(made, NULL, "t", NULL, NULL, 0, &count, &env.err));
    test_status(REELS_ERR_UNSUPPORTED, reels_queue_offset_store(made, NULL, 1, NULL, 0, &env.err));
    test_status(REELS_ERR_UNSUPPORTED,
                reels_queue_offset_load(made, NULL, "t", "g", NULL, 0, &env.err));
    ports[1].drop(made);
    reels_buf_free(buf);
    test_env_dispose(&env);
}
END_TEST

START_TEST(test_ports_open_no_scheme_that_nobody_registered)
{
    struct test_env env;
    reels_blob *blob = NULL;
    reels_model *model = NULL;
    test_env_init(&env, TEST_ENV_MEM_FS);
    test_status(REELS_ERR_UNSUPPORTED, reels_blob_open(env.ctx, "s3://bucket", &blob, &env.err));
    test_status(REELS_ERR_UNSUPPORTED, reels_model_open(env.ctx, "mem:", &model, &env.err));
    test_status(REELS_ERR_INVALID_ARG, reels_blob_open(env.ctx, "no scheme", &blob, &env.err));
    test_status(REELS_ERR_INVALID_ARG, reels_blob_open(env.ctx, "file:", &blob, &env.err));
    test_status(REELS_ERR_INVALID_ARG, reels_blob_open(env.ctx, NULL, &blob, &env.err));
    reels_cache *cache = NULL;
    test_status(REELS_ERR_INVALID_ARG, reels_cache_open(env.ctx, "mem:?bytes=5", &cache, &env.err));
    test_status(REELS_ERR_INVALID_ARG, reels_cache_open(env.ctx, "mem:?x=5", &cache, &env.err));
    test_env_dispose(&env);
}
END_TEST

START_TEST(test_blob_keys_are_of_a_closed_set)
{
    static const char *const good[] = {"a", "a/b", "A-Z_0.9", "a..b", "-", "_/-", "a./b"};
    static const char *const bad[] = {"",
                                      "/",
                                      "/a",
                                      "a/",
                                      "a//b",
                                      ".",
                                      "..",
                                      "a/..",
                                      "a/.",
                                      ".a",
                                      "a/.b",
                                      "a b",
                                      "a\nb",
                                      "a%",
                                      "\xC3\xA4",
                                      "a\\b",
                                      "a:b",
                                      "a*",
                                      "a\x7F"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ck_assert_msg(reels_blob_key_is_valid(good[i]), "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(!reels_blob_key_is_valid(bad[i]), "%s", bad[i]);
    }
    ck_assert(!reels_blob_key_is_valid(NULL));
    char longest[REELS_BLOB_KEY_BYTES_MAX + 2];
    memset(longest, 'a', sizeof longest);
    for (size_t i = 200; i < sizeof longest; i += 200) {
        longest[i] = '/';
    }
    longest[REELS_BLOB_KEY_BYTES_MAX] = '\0';
    ck_assert(reels_blob_key_is_valid(longest));
    longest[REELS_BLOB_KEY_BYTES_MAX] = 'a';
    longest[REELS_BLOB_KEY_BYTES_MAX + 1] = '\0';
    ck_assert(!reels_blob_key_is_valid(longest));
    memset(longest, 'a', REELS_BLOB_SEGMENT_BYTES_MAX);
    longest[REELS_BLOB_SEGMENT_BYTES_MAX] = '\0';
    ck_assert(reels_blob_key_is_valid(longest));
    longest[REELS_BLOB_SEGMENT_BYTES_MAX] = 'a';
    longest[REELS_BLOB_SEGMENT_BYTES_MAX + 1] = '\0';
    ck_assert(!reels_blob_key_is_valid(longest));
}
END_TEST

/* xxh64, seed 0, by the tool xxhsum -H1: "abc" is 44bc2cf5ad770999, nothing is ef46db3751d8e999,
 * "key-1" is dab069f200681a9e, the ID 1 in little-endian bytes is 9f29cb17a2a49995. */
START_TEST(test_queue_partitions_are_those_of_xxh64)
{
    static const uint8_t id[8] = {1};
    ck_assert_uint_eq(reels_queue_partition((const uint8_t *)"abc", 3, 1024),
                      0x44bc2cf5ad770999u % 1024);
    ck_assert_uint_eq(reels_queue_partition((const uint8_t *)"abc", 3, 7), 0x44bc2cf5ad770999u % 7);
    ck_assert_uint_eq(reels_queue_partition(NULL, 0, 12), 0xef46db3751d8e999u % 12);
    ck_assert_uint_eq(reels_queue_partition((const uint8_t *)"key-1", 5, 12),
                      0xdab069f200681a9eu % 12);
    ck_assert_uint_eq(reels_queue_partition(id, sizeof id, 100), 0x9f29cb17a2a49995u % 100);
    ck_assert_uint_eq(reels_queue_partition(id, sizeof id, 1), 0);
    ck_assert_uint_eq(reels_queue_partition(id, sizeof id, 0), 0);
}
END_TEST

START_TEST(test_queue_door_refuses_malformed_calls)
{
    struct test_env env;
    reels_queue *queue = NULL;
    reels_record record = {.key = (const uint8_t *)"k", .key_len = 1};
    test_env_init(&env, 0);
    test_ok(&env, reels_queue_open(env.ctx, "mem:", &queue, &env.err));
    static const char *const names[] = {"", "A", "1a", "a b", "a/b", "..", "a\n"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        test_status(REELS_ERR_INVALID_ARG,
                    reels_queue_topic_open(queue, NULL, names[i], 1, NULL, &env.err));
    }
    test_status(
        REELS_ERR_INVALID_ARG,
        reels_queue_topic_open(queue, NULL, "t", REELS_QUEUE_PARTITIONS_MAX + 1, NULL, &env.err));
    test_ok(&env, reels_queue_topic_open(queue, NULL, "t", 1, NULL, &env.err));
    record.key_len = 0;
    test_status(REELS_ERR_INVALID_ARG, reels_queue_append(queue, NULL, "t", &record, 1, &env.err));
    record.key_len = 1;
    record.payload_len = 1;
    test_status(REELS_ERR_INVALID_ARG, reels_queue_append(queue, NULL, "t", &record, 1, &env.err));
    record.payload = (const uint8_t *)"k";
    record.payload_len = REELS_QUEUE_RECORD_PAYLOAD_BYTES_MAX + 1;
    test_status(REELS_ERR_LIMIT, reels_queue_append(queue, NULL, "t", &record, 1, &env.err));
    reels_queue_join join = {
        .struct_size = sizeof join, .topic = "t", .group = "g", .consumer = "c", .lease_us = 1};
    uint64_t consumer = 0;
    test_status(REELS_ERR_INVALID_ARG,
                reels_queue_group_join(queue, NULL, &join, &consumer, &env.err));
    join.lease_us = 0;
    join.struct_size = 8;
    test_status(REELS_ERR_INVALID_ARG,
                reels_queue_group_join(queue, NULL, &join, &consumer, &env.err));
    reels_queue_free(queue);
    test_env_dispose(&env);
}
END_TEST

/* Backends that lie. */

static reels_status get_too_much(void *impl,
                                 const reels_call *call,
                                 const char *key,
                                 uint64_t offset,
                                 uint64_t length_bytes,
                                 reels_sink_fn sink,
                                 void *sink_user,
                                 reels_blob_info *out_info,
                                 reels_error *err)
{
    (void)impl;
    (void)call;
    (void)offset;
    (void)length_bytes;
    out_info->size_bytes = 4;
    return sink(sink_user, (const uint8_t *)"12345", strcmp(key, "more") == 0 ? 5 : 3, err);
}

START_TEST(test_blob_door_catches_stores_that_give_too_much_or_too_little)
{
    struct test_env env;
    uint8_t table[TABLE_BYTES_MAX];
    void *blob = NULL;
    reels_buf *buf = NULL;
    test_env_init(&env, 0);
    test_ok(&env, reels_buf_new(env.ctx, 0, &buf, &env.err));
    must_table(&ports[0], (uint32_t)ports[0].size, table);
    slot_set(table, MUST(blob, get), (slot)get_too_much);
    test_ok(&env, ports[0].make(env.ctx, table, &blob, &env.err));
    test_status(REELS_ERR_CORRUPT, reels_blob_get_bytes(blob, NULL, "more", buf, &env.err));
    test_status(REELS_ERR_CORRUPT, reels_blob_get_bytes(blob, NULL, "less", buf, &env.err));
    ck_assert_uint_eq(reels_buf_len(buf), 0);
    uint8_t room[4];
    size_t len = 1;
    test_status(REELS_ERR_CORRUPT,
                reels_blob_read(blob, NULL, "more", 0, room, sizeof room, &len, &env.err));
    ck_assert_uint_eq(len, 0);
    test_status(REELS_ERR_INVALID_ARG,
                reels_blob_read(blob, NULL, "more", 0, NULL, 1, &len, &env.err));
    ports[0].drop(blob);
    reels_buf_free(buf);
    test_env_dispose(&env);
}
END_TEST

static reels_status score_by_age(void *impl,
                                 const reels_call *call,
                                 const reels_model_column *columns,
                                 uint32_t candidates_count,
                                 float *out_scores,
                                 reels_error *err)
{
    (void)impl;
    (void)call;
    (void)err;
    for (uint32_t i = 0; i < candidates_count; i++) {
        out_scores[i] = columns[0].float32[i];
        out_scores[candidates_count + i] = 1.0f / columns[0].float32[i];
    }
    return REELS_OK;
}

START_TEST(test_model_scores_are_finite_or_an_error)
{
    struct test_env env;
    uint8_t table[TABLE_BYTES_MAX];
    void *model = NULL;
    test_env_init(&env, 0);
    must_table(&ports[3], (uint32_t)ports[3].size, table);
    slot_set(table, MUST(model, score), (slot)score_by_age);
    test_ok(&env, ports[3].make(env.ctx, table, &model, &env.err));
    ck_assert_uint_eq(reels_model_describe(model)->heads_count, 2);
    static const float ages[] = {1, 2, 4};
    static const float zero[] = {0};
    reels_model_column column = {.float32 = ages};
    float scores[6] = {0};
    test_ok(&env, reels_model_score(model, NULL, &column, 1, 3, scores, &env.err));
    ck_assert(scores[1] >= 2 && scores[1] <= 2 && scores[5] >= 0.25f && scores[5] <= 0.25f);
    column.float32 = zero;
    test_status(REELS_ERR_CORRUPT, reels_model_score(model, NULL, &column, 1, 1, scores, &env.err));
    column.float32 = NULL;
    test_status(REELS_ERR_INVALID_ARG,
                reels_model_score(model, NULL, &column, 1, 1, scores, &env.err));
    test_status(REELS_ERR_INVALID_ARG,
                reels_model_score(model, NULL, NULL, 0, 1, scores, &env.err));
    ports[3].drop(model);
    test_env_dispose(&env);
}
END_TEST

/* Says of each content what its ID asks for: 0 something right, else something malformed. */
static reels_status classify_by_id(void *impl,
                                   const reels_call *call,
                                   const reels_content *contents,
                                   size_t contents_count,
                                   reels_rows *findings,
                                   reels_error *err)
{
    (void)impl;
    (void)call;
    for (size_t i = 0; i < contents_count; i++) {
        int64_t id = contents[i].reel_id;
        reels_value values[4] = {
            {.type = REELS_TYPE_INT64, .integer = (int64_t)i + (id == 1 ? 5 : 0)},
            {.type = REELS_TYPE_UTF8, .data = (const uint8_t *)"violence", .len = 8},
            {.type = REELS_TYPE_FLOAT64, .real = id == 2 ? 1.5 : 0.5},
            {.type = REELS_TYPE_INT64, .integer = -1}};
        reels_status status = reels_rows_add(findings, values, id == 3 ? 2 : 4, 1, err);
        if (status != REELS_OK) {
            return status;
        }
    }
    return REELS_OK;
}

START_TEST(test_classifier_findings_have_their_shape_or_are_refused)
{
    struct test_env env;
    uint8_t table[TABLE_BYTES_MAX];
    void *classifier = NULL;
    reels_rows *rows = NULL;
    test_env_init(&env, 0);
    test_ok(&env, reels_rows_new(env.ctx, 0, &rows, &env.err));
    must_table(&ports[5], (uint32_t)ports[5].size, table);
    slot_set(table, MUST(classifier, classify), (slot)classify_by_id);
    test_ok(&env, ports[5].make(env.ctx, table, &classifier, &env.err));
    for (int64_t id = 0; id <= 3; id++) {
        reels_content content = {.reel_id = id, .text = "caption"};
        test_status(id == 0 ? REELS_OK : REELS_ERR_CORRUPT,
                    reels_classifier_run(classifier, NULL, &content, 1, rows, &env.err));
        ck_assert_uint_eq(reels_rows_count(rows), 1);
    }
    reels_content wrong = {.text = "\xFF"};
    test_status(REELS_ERR_INVALID_ARG,
                reels_classifier_run(classifier, NULL, &wrong, 1, rows, &env.err));
    uint8_t pixels[12] = {0};
    reels_content_frame frame = {.pixels = pixels, .width = 2, .height = 2, .stride_bytes = 5};
    wrong = (reels_content){.frames = &frame, .frames_count = 1};
    test_status(REELS_ERR_INVALID_ARG,
                reels_classifier_run(classifier, NULL, &wrong, 1, rows, &env.err));
    ports[5].drop(classifier);
    reels_rows_free(rows);
    test_env_dispose(&env);
}
END_TEST

static reels_status embed_by_id(void *impl,
                                const reels_call *call,
                                const reels_content *contents,
                                size_t contents_count,
                                float *out_vectors,
                                reels_rows *categories,
                                reels_error *err)
{
    (void)impl;
    (void)call;
    reels_value values[3] = {{.type = REELS_TYPE_INT64},
                             {.type = REELS_TYPE_UTF8, .data = (const uint8_t *)"dance", .len = 5},
                             {.type = REELS_TYPE_FLOAT64, .real = 1}};
    for (size_t i = 0; i < 3 * contents_count; i++) {
        out_vectors[i] = contents[0].reel_id == 0 ? 0.5f : (float)NAN;
    }
    return reels_rows_add(categories, values, 3, 1, err);
}

START_TEST(test_embed_vectors_are_finite_or_an_error)
{
    struct test_env env;
    uint8_t table[TABLE_BYTES_MAX];
    void *embed = NULL;
    reels_rows *rows = NULL;
    float vector[3] = {0};
    test_env_init(&env, 0);
    test_ok(&env, reels_rows_new(env.ctx, 0, &rows, &env.err));
    must_table(&ports[4], (uint32_t)ports[4].size, table);
    slot_set(table, MUST(embed, embed), (slot)embed_by_id);
    test_ok(&env, ports[4].make(env.ctx, table, &embed, &env.err));
    ck_assert_str_eq(reels_embed_describe(embed)->space_id, "space");
    reels_content content = {.reel_id = 0};
    test_ok(&env, reels_embed_run(embed, NULL, &content, 1, vector, rows, &env.err));
    test_ok(&env, reels_embed_run(embed, NULL, &content, 1, vector, NULL, &env.err));
    ck_assert_uint_eq(reels_rows_count(rows), 1);
    content.reel_id = 1;
    test_status(REELS_ERR_CORRUPT,
                reels_embed_run(embed, NULL, &content, 1, vector, rows, &env.err));
    ck_assert_uint_eq(reels_rows_count(rows), 1);
    ports[4].drop(embed);
    reels_rows_free(rows);
    test_env_dispose(&env);
}
END_TEST

static reels_status send_by_payload(void *impl,
                                    const reels_call *call,
                                    const reels_push_item *items,
                                    size_t items_count,
                                    reels_push_result *out_results,
                                    reels_error *err)
{
    (void)impl;
    (void)call;
    (void)err;
    for (size_t i = 0; i < items_count; i++) {
        out_results[i].outcome = items[i].payload_len > 0 ? items[i].payload[0] : 0;
    }
    return REELS_OK;
}

START_TEST(test_push_results_are_known_outcomes)
{
    struct test_env env;
    uint8_t table[TABLE_BYTES_MAX];
    void *push = NULL;
    reels_push_result result = {0};
    uint8_t outcome = REELS_PUSH_GONE;
    reels_push_item item = {.device = &outcome,
                            .device_len = 1,
                            .payload = &outcome,
                            .payload_len = 1,
                            .dedupe = "reel-1"};
    test_env_init(&env, 0);
    must_table(&ports[6], (uint32_t)ports[6].size, table);
    slot_set(table, MUST(push, send), (slot)send_by_payload);
    test_ok(&env, ports[6].make(env.ctx, table, &push, &env.err));
    test_ok(&env, reels_push_send(push, NULL, &item, 1, &result, &env.err));
    ck_assert_uint_eq(result.outcome, REELS_PUSH_GONE);
    outcome = 9;
    test_status(REELS_ERR_CORRUPT, reels_push_send(push, NULL, &item, 1, &result, &env.err));
    item.dedupe = NULL;
    test_status(REELS_ERR_INVALID_ARG, reels_push_send(push, NULL, &item, 1, &result, &env.err));
    ports[6].drop(push);
    test_env_dispose(&env);
}
END_TEST

static reels_status cache_once(reels_ctx *ctx, void *arg)
{
    (void)arg;
    reels_cache *cache = NULL;
    reels_rows *rows = NULL;
    const uint8_t *k = (const uint8_t *)"k";
    reels_cache_name name = {k, 1};
    reels_cache_item item = {k, 1, k, 1};
    reels_cache_field field = {(const uint8_t *)"h", 1, k, 1, k, 1};
    reels_cache_name hash = {(const uint8_t *)"h", 1};
    reels_cache_name set = {(const uint8_t *)"z", 1};
    reels_cache_member member = {k, 1, 1.0};
    reels_cache_range range = {.struct_size = sizeof range, .limit = 5};
    reels_cache_write write = {.struct_size = sizeof write, .version = 3};
    reels_status status = reels_cache_open(ctx, "mem:?bytes=65536", &cache, NULL);
    status = status == REELS_OK ? reels_rows_new(ctx, 0, &rows, NULL) : status;
    status = status == REELS_OK ? reels_cache_put(cache, NULL, &item, 1, NULL, NULL) : status;
    status = status == REELS_OK ? reels_cache_hput(cache, NULL, &field, 1, NULL, NULL) : status;
    status = status == REELS_OK ? reels_cache_zput(cache, NULL, &set, &member, 1, 1, NULL, NULL)
                                : status;
    status = status == REELS_OK ? reels_cache_get(cache, NULL, &name, 1, rows, NULL) : status;
    status =
        status == REELS_OK ? reels_cache_hget(cache, NULL, &hash, 1, &name, 1, rows, NULL) : status;
    status =
        status == REELS_OK ? reels_cache_zrange(cache, NULL, &set, &range, rows, NULL) : status;
    status = status == REELS_OK ? reels_cache_remove(cache, NULL, &name, 1, &write, NULL) : status;
    reels_rows_free(rows);
    reels_cache_free(cache);
    return status;
}

START_TEST(test_cache_refused_memory_is_told_and_leaks_nothing)
{
    ck_assert_uint_gt(test_oom_run(0, cache_once, NULL), 10);
}
END_TEST

/* The bound holds whatever is written: what the allocator has given stays within it and what maps
 * and lists cost. */
START_TEST(test_cache_stays_within_its_bytes)
{
    struct test_env env;
    reels_cache *cache = NULL;
    static uint8_t value[3000];
    test_env_init(&env, 0);
    test_ok(&env, reels_cache_open(env.ctx, "mem:?bytes=1000000", &cache, &env.err));
    for (uint32_t i = 0; i < 5000; i++) {
        reels_cache_item item = {.key = (const uint8_t *)&i,
                                 .key_len = sizeof i,
                                 .value = value,
                                 .value_len = i % sizeof value};
        test_ok(&env, reels_cache_put(cache, NULL, &item, 1, NULL, &env.err));
    }
    ck_assert_uint_gt(env.alloc.live_bytes, 500000);
    ck_assert_uint_lt(env.alloc.live_bytes, 1200000);
    reels_cache_free(cache);
    test_env_dispose(&env);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ports");
    TCase *tcase = tcase_create("ports");
    tcase_add_loop_test(tcase, test_ports_take_tables_with_the_must_slots_only, 0, PORTS_COUNT);
    tcase_add_loop_test(
        tcase,
        test_ports_take_tables_of_the_first_version_and_longer_ones_that_ask_for_nothing,
        0,
        PORTS_COUNT);
    tcase_add_test(tcase, test_ports_take_slots_that_belong_together_together);
    tcase_add_test(tcase, test_ports_without_optional_slots_say_so);
    tcase_add_test(tcase, test_ports_open_no_scheme_that_nobody_registered);
    tcase_add_test(tcase, test_blob_keys_are_of_a_closed_set);
    tcase_add_test(tcase, test_queue_partitions_are_those_of_xxh64);
    tcase_add_test(tcase, test_queue_door_refuses_malformed_calls);
    tcase_add_test(tcase, test_blob_door_catches_stores_that_give_too_much_or_too_little);
    tcase_add_test(tcase, test_model_scores_are_finite_or_an_error);
    tcase_add_test(tcase, test_classifier_findings_have_their_shape_or_are_refused);
    tcase_add_test(tcase, test_embed_vectors_are_finite_or_an_error);
    tcase_add_test(tcase, test_push_results_are_known_outcomes);
    tcase_add_test(tcase, test_cache_refused_memory_is_told_and_leaks_nothing);
    tcase_add_test(tcase, test_cache_stays_within_its_bytes);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
