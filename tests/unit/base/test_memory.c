/* The door to the allocator, the arena, the buffer, and structs that cross versions. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer_internal.h"
#include "base/ctx_internal.h"
#include "base/mem.h"
#include "test_check.h"

static struct test_env env;

static void setup(void)
{
    test_env_init(&env, 0);
}

static void teardown(void)
{
    test_env_dispose(&env);
}

START_TEST(test_mem_blocks_are_aligned_and_sized)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4096, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *small = reels__mem_alloc(env.ctx, sizes[i]);
        uint8_t *wide = reels__mem_alloc64(env.ctx, sizes[i]);
        uint8_t *zero = reels__mem_zalloc(env.ctx, sizes[i]);
        ck_assert(small != NULL && wide != NULL && zero != NULL);
        ck_assert_uint_eq((uintptr_t)small % 16, 0);
        ck_assert_uint_eq((uintptr_t)wide % 64, 0);
        memset(small, 1, sizes[i]);
        memset(wide, 2, sizes[i]);
        for (size_t at = 0; at < sizes[i]; at++) {
            ck_assert_uint_eq(zero[at], 0);
        }
        reels__mem_free(env.ctx, small);
        reels__mem_free(env.ctx, wide);
        reels__mem_free(env.ctx, zero);
    }
    reels__mem_free(env.ctx, NULL);
}
END_TEST

START_TEST(test_mem_realloc_keeps_content_and_alignment)
{
    uint8_t *block = reels__mem_alloc64(env.ctx, 100);
    ck_assert_ptr_nonnull(block);
    for (int i = 0; i < 100; i++) {
        block[i] = (uint8_t)i;
    }
    block = reels__mem_realloc(env.ctx, block, 10000);
    ck_assert_ptr_nonnull(block);
    ck_assert_uint_eq((uintptr_t)block % 64, 0);
    block = reels__mem_realloc(env.ctx, block, 50);
    ck_assert_ptr_nonnull(block);
    for (int i = 0; i < 50; i++) {
        ck_assert_uint_eq(block[i], i);
    }
    test_alloc_fail(&env.alloc, 1, 0);
    ck_assert_ptr_null(reels__mem_realloc(env.ctx, block, 5000));
    ck_assert_uint_eq(block[49], 49);
    reels__mem_free(env.ctx, block);
    block = reels__mem_realloc(env.ctx, NULL, 8);
    ck_assert_ptr_nonnull(block);
    reels__mem_free(env.ctx, block);
}
END_TEST

START_TEST(test_mem_impossible_sizes_are_refused)
{
    ck_assert_ptr_null(reels__mem_alloc(env.ctx, SIZE_MAX));
    ck_assert_ptr_null(reels__mem_alloc64(env.ctx, SIZE_MAX - 32));
    ck_assert_ptr_null(reels__mem_calloc(env.ctx, SIZE_MAX / 8 + 2, 8));
    ck_assert_ptr_null(reels__mem_calloc(env.ctx, (size_t)1 << 33, (size_t)1 << 33));
    void *block = reels__mem_calloc(env.ctx, 10, 0);
    ck_assert_ptr_nonnull(block);
    ck_assert_ptr_null(reels__mem_realloc(env.ctx, block, SIZE_MAX));
    reels__mem_free(env.ctx, block);
}
END_TEST

START_TEST(test_mem_copies)
{
    char *text = reels__mem_strdup(env.ctx, "h\xC3\xA9llo");
    uint8_t *data = reels__mem_dup(env.ctx, "\0\1\2", 3);
    void *nothing = reels__mem_dup(env.ctx, NULL, 0);
    ck_assert_str_eq(text, "h\xC3\xA9llo");
    ck_assert_mem_eq(data, "\0\1\2", 3);
    ck_assert_ptr_nonnull(nothing);
    reels__mem_free(env.ctx, text);
    reels__mem_free(env.ctx, data);
    reels__mem_free(env.ctx, nothing);
}
END_TEST

START_TEST(test_mem_system_allocator_serves_both_alignments)
{
    reels_ctx *ctx = NULL;
    test_ok(&env, reels_ctx_new(NULL, &ctx, &env.err));
    uint8_t *wide = reels__mem_alloc64(ctx, 10);
    wide = reels__mem_realloc(ctx, wide, 100000);
    ck_assert_uint_eq((uintptr_t)wide % 64, 0);
    uint8_t *small = reels__mem_realloc(ctx, reels__mem_alloc(ctx, 10), 100000);
    ck_assert_ptr_nonnull(small);
    reels__mem_free(ctx, wide);
    reels__mem_free(ctx, small);
    reels_ctx_free(ctx);
}
END_TEST

START_TEST(test_arena_gives_separate_aligned_blocks)
{
    struct reels__arena arena;
    uint8_t *blocks[500];
    reels__arena_init(&arena, env.ctx, 0);
    for (size_t i = 0; i < 500; i++) {
        blocks[i] = reels__arena_alloc(&arena, i);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], (int)(i & 0xFF), i);
    }
    for (size_t i = 0; i < 500; i++) {
        for (size_t at = 0; at < i; at++) {
            ck_assert_uint_eq(blocks[i][at], i & 0xFF);
        }
    }
    ck_assert_uint_lt(env.alloc.live_blocks, 20);
    reels__arena_dispose(&arena);
    reels__arena_dispose(&arena);
    ck_assert_uint_eq(arena.bytes_held, 0);
}
END_TEST

START_TEST(test_arena_holds_its_limit)
{
    struct reels__arena arena;
    reels__arena_init(&arena, env.ctx, 10000);
    ck_assert_ptr_null(reels__arena_alloc(&arena, 10000));
    ck_assert_ptr_nonnull(reels__arena_alloc(&arena, 100));
    ck_assert_ptr_null(reels__arena_alloc(&arena, 9000));
    ck_assert_ptr_nonnull(reels__arena_alloc(&arena, 100));
    ck_assert_ptr_null(reels__arena_alloc(&arena, SIZE_MAX));
    ck_assert_ptr_null(reels__arena_calloc(&arena, SIZE_MAX / 2, 4));
    ck_assert_ptr_null(reels__arena_strndup(&arena, "x", SIZE_MAX));
    ck_assert_uint_le(arena.bytes_held, 10000);
    reels__arena_dispose(&arena);
}
END_TEST

START_TEST(test_arena_reset_uses_the_memory_again)
{
    struct reels__arena arena;
    reels__arena_init(&arena, env.ctx, 0);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 100; i++) {
            ck_assert_str_eq(reels__arena_strndup(&arena, "abcdef", 3), "abc");
        }
        reels__arena_reset(&arena);
    }
    ck_assert_uint_eq(env.alloc.live_blocks, 2); /* the context and one chunk */
    uint32_t *zeros = reels__arena_calloc(&arena, 100, 4);
    for (int i = 0; i < 100; i++) {
        ck_assert_uint_eq(zeros[i], 0);
    }
    reels__arena_dispose(&arena);
}
END_TEST

static reels_status arena_run(reels_ctx *ctx, void *arg)
{
    (void)arg;
    struct reels__arena arena;
    reels__arena_init(&arena, ctx, 0);
    reels_status status = REELS_OK;
    for (int i = 0; i < 2000 && status == REELS_OK; i++) {
        status = reels__arena_zalloc(&arena, 100) != NULL ? REELS_OK : REELS_ERR_NO_MEMORY;
    }
    reels__arena_dispose(&arena);
    return status;
}

START_TEST(test_arena_survives_refused_memory)
{
    ck_assert_uint_ge(test_oom_run(0, arena_run, NULL), 4);
}
END_TEST

START_TEST(test_buf_grows_and_ends_with_nul)
{
    reels_buf *buf = NULL;
    test_ok(&env, reels_buf_new(env.ctx, 0, &buf, &env.err));
    ck_assert_uint_eq(reels_buf_len(buf), 0);
    ck_assert_str_eq((const char *)reels_buf_data(buf), "");
    for (int i = 0; i < 1000; i++) {
        test_ok(&env, reels_buf_append(buf, (const uint8_t *)"0123456789", 10, &env.err));
        ck_assert_uint_eq(reels_buf_data(buf)[reels_buf_len(buf)], 0);
    }
    ck_assert_uint_eq(reels_buf_len(buf), 10000);
    ck_assert_mem_eq(reels_buf_data(buf) + 9990, "0123456789", 11);
    reels_buf_clear(buf);
    ck_assert_uint_eq(reels_buf_len(buf), 0);
    ck_assert_uint_eq(reels_buf_data(buf)[0], 0);
    reels_buf_free(buf);
    reels_buf_free(NULL);
}
END_TEST

START_TEST(test_buf_holds_its_limit)
{
    reels_buf *buf = NULL;
    test_ok(&env, reels_buf_new(env.ctx, 5, &buf, &env.err));
    test_ok(&env, reels_buf_append(buf, (const uint8_t *)"abc", 3, &env.err));
    test_status(REELS_ERR_LIMIT, reels_buf_append(buf, (const uint8_t *)"def", 3, &env.err));
    ck_assert_str_eq((const char *)reels_buf_data(buf), "abc");
    test_ok(&env, reels_buf_append(buf, (const uint8_t *)"de", 2, &env.err));
    test_ok(&env, reels_buf_append(buf, NULL, 0, &env.err));
    test_status(REELS_ERR_LIMIT, reels_buf_append(buf, (const uint8_t *)"f", 1, &env.err));
    test_status(REELS_ERR_LIMIT, reels_buf_append(buf, (const uint8_t *)"f", SIZE_MAX, &env.err));
    ck_assert_str_eq((const char *)reels_buf_data(buf), "abcde");
    reels_buf_free(buf);
}
END_TEST

START_TEST(test_buf_takes_its_own_bytes)
{
    reels_buf *buf = NULL;
    test_ok(&env, reels_buf_new(env.ctx, SIZE_MAX, &buf, &env.err));
    test_ok(&env, reels_buf_append(buf, (const uint8_t *)"abcd", 4, &env.err));
    for (int i = 0; i < 8; i++) {
        size_t len = reels_buf_len(buf);
        test_ok(&env, reels_buf_append(buf, reels_buf_data(buf), len, &env.err));
    }
    ck_assert_uint_eq(reels_buf_len(buf), 1024);
    for (size_t i = 0; i < 1024; i++) {
        ck_assert_int_eq(reels_buf_data(buf)[i], "abcd"[i % 4]);
    }
    reels_buf_free(buf);
}
END_TEST

START_TEST(test_buf_refuses_misuse)
{
    reels_buf *buf = (reels_buf *)&env;
    test_status(REELS_ERR_INVALID_ARG, reels_buf_new(NULL, 0, &buf, &env.err));
    ck_assert_ptr_null(buf);
    test_status(REELS_ERR_INVALID_ARG, reels_buf_new(env.ctx, 0, NULL, &env.err));
    test_status(REELS_ERR_INVALID_ARG, reels_buf_append(NULL, NULL, 0, &env.err));
    test_ok(&env, reels_buf_new(env.ctx, 0, &buf, &env.err));
    test_status(REELS_ERR_INVALID_ARG, reels_buf_append(buf, NULL, 1, &env.err));
    reels_buf_free(buf);
    reels_buf_clear(NULL);
    ck_assert_uint_eq(reels_buf_len(NULL), 0);
    ck_assert_str_eq((const char *)reels_buf_data(NULL), "");
}
END_TEST

START_TEST(test_buf_internal_helpers)
{
    reels_buf *buf = NULL;
    test_ok(&env, reels_buf_new(env.ctx, 4096, &buf, &env.err));
    test_ok(&env, reels__buf_append_text(buf, "x=", &env.err));
    test_ok(&env, reels__buf_append_format(buf, &env.err, "%d,%s", 42, "y"));
    ck_assert_str_eq((const char *)reels_buf_data(buf), "x=42,y");
    reels__buf_truncate(buf, 4);
    reels__buf_truncate(buf, 400);
    ck_assert_str_eq((const char *)reels_buf_data(buf), "x=42");
    uint8_t *more = NULL;
    test_ok(&env, reels__buf_extend(buf, 2, &more, &env.err));
    memcpy(more, "!!", 2);
    reels__buf_bytes(buf)[0] = 'z';
    ck_assert_str_eq((const char *)reels_buf_data(buf), "z=42!!");
    char text[2000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    test_status(REELS_ERR_LIMIT, reels__buf_append_format(buf, &env.err, "%s", text));
    ck_assert_str_eq((const char *)reels_buf_data(buf), "z=42!!");
    reels_buf_free(buf);
}
END_TEST

static reels_status buf_run(reels_ctx *ctx, void *arg)
{
    (void)arg;
    reels_buf *buf = NULL;
    reels_status status = reels_buf_new(ctx, 0, &buf, NULL);
    for (int i = 0; i < 300 && status == REELS_OK; i++) {
        size_t before = reels_buf_len(buf);
        status = reels_buf_append(buf, (const uint8_t *)"0123456789", 10, NULL);
        if (status != REELS_OK) {
            /* All or none, and the buffer goes on. */
            ck_assert_uint_eq(reels_buf_len(buf), before);
            ck_assert_uint_eq(reels_buf_data(buf)[before], 0);
        }
    }
    reels_buf_free(buf);
    return status;
}

START_TEST(test_buf_survives_refused_memory)
{
    ck_assert_uint_ge(test_oom_run(0, buf_run, NULL), 5);
}
END_TEST

struct version1 {
    uint32_t struct_size;
    uint32_t a;
};

struct version2 {
    uint32_t struct_size;
    uint32_t a;
    uint64_t b;
};

START_TEST(test_options_of_every_version_are_read)
{
    struct version2 copy;
    memset(&copy, 0xEE, sizeof copy);
    test_ok(
        &env,
        reels__options_read(NULL, sizeof(struct version1), &copy, sizeof copy, "test", &env.err));
    ck_assert_uint_eq(copy.struct_size, sizeof copy);
    ck_assert_uint_eq(copy.a, 0);
    ck_assert_uint_eq(copy.b, 0);
    struct version1 old = {.struct_size = sizeof old, .a = 3};
    memset(&copy, 0xEE, sizeof copy);
    test_ok(&env, reels__options_read(&old, sizeof old, &copy, sizeof copy, "test", &env.err));
    ck_assert_uint_eq(copy.struct_size, sizeof copy);
    ck_assert_uint_eq(copy.a, 3);
    ck_assert_uint_eq(copy.b, 0);
    old.struct_size = 4;
    test_status(REELS_ERR_INVALID_ARG,
                reels__options_read(&old, sizeof old, &copy, sizeof copy, "test", &env.err));
    old.struct_size = 0;
    test_status(REELS_ERR_INVALID_ARG,
                reels__options_read(&old, sizeof old, &copy, sizeof copy, "test", &env.err));
}
END_TEST

START_TEST(test_results_stay_inside_the_callers_struct)
{
    struct version2 full = {.struct_size = sizeof full, .a = 1, .b = 2};
    struct {
        struct version1 old;
        uint64_t guard;
    } caller = {.old = {.struct_size = sizeof caller.old}, .guard = 77};
    test_ok(&env,
            reels__result_write(
                &caller.old, sizeof(struct version1), &full, sizeof full, "test", &env.err));
    ck_assert_uint_eq(caller.old.a, 1);
    ck_assert_uint_eq(caller.old.struct_size, sizeof caller.old);
    ck_assert_uint_eq(caller.guard, 77);
    struct {
        struct version2 known;
        uint64_t later;
    } newer = {.known = {.struct_size = sizeof newer}, .later = 9};
    test_ok(&env,
            reels__result_write(
                &newer.known, sizeof(struct version1), &full, sizeof full, "test", &env.err));
    ck_assert_uint_eq(newer.known.b, 2);
    ck_assert_uint_eq(newer.later, 0);
    caller.old.struct_size = 0;
    test_status(REELS_ERR_INVALID_ARG,
                reels__result_write(
                    &caller.old, sizeof(struct version1), &full, sizeof full, "test", &env.err));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tcase = tcase_create("memory");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_mem_blocks_are_aligned_and_sized);
    tcase_add_test(tcase, test_mem_realloc_keeps_content_and_alignment);
    tcase_add_test(tcase, test_mem_impossible_sizes_are_refused);
    tcase_add_test(tcase, test_mem_copies);
    tcase_add_test(tcase, test_mem_system_allocator_serves_both_alignments);
    tcase_add_test(tcase, test_arena_gives_separate_aligned_blocks);
    tcase_add_test(tcase, test_arena_holds_its_limit);
    tcase_add_test(tcase, test_arena_reset_uses_the_memory_again);
    tcase_add_test(tcase, test_arena_survives_refused_memory);
    tcase_add_test(tcase, test_buf_grows_and_ends_with_nul);
    tcase_add_test(tcase, test_buf_holds_its_limit);
    tcase_add_test(tcase, test_buf_takes_its_own_bytes);
    tcase_add_test(tcase, test_buf_refuses_misuse);
    tcase_add_test(tcase, test_buf_internal_helpers);
    tcase_add_test(tcase, test_buf_survives_refused_memory);
    tcase_add_test(tcase, test_options_of_every_version_are_read);
    tcase_add_test(tcase, test_results_stay_inside_the_callers_struct);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
