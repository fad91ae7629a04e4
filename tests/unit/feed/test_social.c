/* Shows what reels/social.h promises. */
#include "world.h"

enum {
    ADA = 11,
    BOB = 22,
    EVE = 33
};

static struct world world;

static void setup(void)
{
    world_open(&world, NULL);
}

static void teardown(void)
{
    world_close(&world);
}

static int has(uint32_t kind, uint64_t from, uint64_t to)
{
    uint8_t out = 9;
    test_ok(
        &world.env,
        reels_relation_has(
            reels_platform_social(world.platform), NULL, kind, from, &to, 1, &out, &world.env.err));
    return out;
}

START_TEST(test_social_relations_are_sets_and_counts_follow)
{
    uint64_t reel = world_reel(&world, ADA, REELS_VISIBILITY_PUBLIC);
    int32_t changed = 9;
    reels_social *social = reels_platform_social(world.platform);
    for (int i = 0; i < 3; i++) {
        test_ok(&world.env,
                reels_relation_set(
                    social, NULL, REELS_RELATION_LIKE, BOB, reel, 1, &changed, &world.env.err));
        ck_assert_int_eq(changed, i == 0);
    }
    test_ok(&world.env, world_relate(&world, REELS_RELATION_LIKE, EVE, reel, 1));
    ck_assert_int_eq(has(REELS_RELATION_LIKE, BOB, reel), 1);
    ck_assert_int_eq(has(REELS_RELATION_SAVE, BOB, reel), 0);
    world_settle(&world);
    ck_assert_int_eq(world_count(&world, reel, REELS_COUNTER_LIKES), 2);
    test_ok(&world.env, world_relate(&world, REELS_RELATION_LIKE, BOB, reel, 0));
    test_ok(&world.env, world_relate(&world, REELS_RELATION_LIKE, BOB, reel, 0));
    test_ok(&world.env, world_relate(&world, REELS_RELATION_LIKE, ADA, reel, 0)); /* never liked */
    world_settle(&world);
    ck_assert_int_eq(world_count(&world, reel, REELS_COUNTER_LIKES), 1);
    ck_assert_int_eq(has(REELS_RELATION_LIKE, BOB, reel), 0);
}
END_TEST

START_TEST(test_social_lists_are_newest_first_and_paged)
{
    uint64_t out[3];
    size_t count = 0;
    size_t seen = 0;
    uint64_t expected = 100 + 6;
    reels_buf *cursor = NULL;
    test_ok(&world.env, reels_buf_new(world.env.ctx, 8192, &cursor, &world.env.err));
    for (uint64_t i = 0; i < 7; i++) {
        test_ok(&world.env, world_relate(&world, REELS_RELATION_FOLLOW, ADA, 100 + i, 1));
        test_clock_advance(&world.env.clock, 10);
    }
    do {
        test_ok(&world.env,
                reels_relation_list(reels_platform_social(world.platform),
                                    NULL,
                                    REELS_RELATION_FOLLOW,
                                    ADA,
                                    cursor,
                                    out,
                                    3,
                                    &count,
                                    &world.env.err));
        for (size_t i = 0; i < count; i++) {
            ck_assert_uint_eq(out[i], expected--);
        }
        seen += count;
    } while (reels_buf_len(cursor) > 0);
    ck_assert_uint_eq(seen, 7);
    reels_buf_free(cursor);
}
END_TEST

START_TEST(test_social_hides_what_a_person_may_not_see)
{
    uint64_t hidden = world_reel(&world, ADA, REELS_VISIBILITY_PRIVATE);
    uint64_t shown = world_reel(&world, ADA, REELS_VISIBILITY_PUBLIC);
    reels_comment comment = {.struct_size = sizeof(comment)};
    reels_social *social = reels_platform_social(world.platform);
    test_status(REELS_ERR_NOT_FOUND, world_relate(&world, REELS_RELATION_LIKE, BOB, hidden, 1));
    test_status(REELS_ERR_NOT_FOUND, world_relate(&world, REELS_RELATION_LIKE, BOB, 424242, 1));
    test_ok(&world.env, world_relate(&world, REELS_RELATION_LIKE, ADA, hidden, 1));
    test_status(REELS_ERR_NOT_FOUND,
                reels_comment_add(social, NULL, hidden, BOB, "hi", NULL, &comment, NULL));
    world_move(&world, shown, REELS_REEL_BLOCKED);
    test_status(REELS_ERR_NOT_FOUND, world_relate(&world, REELS_RELATION_LIKE, BOB, shown, 1));
    test_status(REELS_ERR_INVALID_ARG, world_relate(&world, REELS_RELATION_FOLLOW, BOB, BOB, 1));
}
END_TEST

START_TEST(test_social_block_ends_follows_and_keeps_out)
{
    static reels_comment said[2];
    uint64_t reel = world_reel(&world, ADA, REELS_VISIBILITY_PUBLIC);
    uint64_t theirs = world_reel(&world, BOB, REELS_VISIBILITY_PUBLIC);
    reels_social *social = reels_platform_social(world.platform);
    reels_comment comment = {.struct_size = sizeof(comment)};
    said[0].struct_size = said[1].struct_size = sizeof(said[0]);
    test_ok(&world.env,
            reels_comment_add(social, NULL, theirs, EVE, "a", NULL, &said[0], &world.env.err));
    test_ok(&world.env,
            reels_comment_add(social, NULL, reel, EVE, "b", NULL, &said[1], &world.env.err));
    test_ok(&world.env, world_relate(&world, REELS_RELATION_FOLLOW, ADA, BOB, 1));
    test_ok(&world.env, world_relate(&world, REELS_RELATION_FOLLOW, BOB, ADA, 1));
    test_ok(&world.env, world_relate(&world, REELS_RELATION_BLOCK, ADA, BOB, 1));
    ck_assert_int_eq(has(REELS_RELATION_FOLLOW, ADA, BOB), 0);
    ck_assert_int_eq(has(REELS_RELATION_FOLLOW, BOB, ADA), 0);
    const uint64_t persons[] = {ADA, BOB};
    const uint64_t reels[] = {theirs, reel};
    for (size_t i = 0; i < 2; i++) { /* whichever of the two has set it */
        test_status(REELS_ERR_NOT_FOUND,
                    world_relate(&world, REELS_RELATION_FOLLOW, persons[i], persons[!i], 1));
        test_status(REELS_ERR_NOT_FOUND,
                    world_relate(&world, REELS_RELATION_LIKE, persons[i], reels[i], 1));
        test_status(REELS_ERR_NOT_FOUND,
                    world_relate(&world, REELS_RELATION_SAVE, persons[i], reels[i], 1));
        test_status(
            REELS_ERR_NOT_FOUND,
            reels_comment_add(social, NULL, reels[i], persons[i], "hi", NULL, &comment, NULL));
        test_status(REELS_ERR_NOT_FOUND,
                    reels_comment_remove(social, NULL, reels[i], said[i].id, persons[i], NULL));
        test_status(REELS_ERR_NOT_FOUND,
                    reels_platform_reel_remove(world.platform, NULL, reels[i], persons[i], NULL));
    }
    test_ok(&world.env, world_relate(&world, REELS_RELATION_LIKE, EVE, reel, 1));
    world_settle(&world);
    ck_assert_int_eq(world_count(&world, ADA, REELS_COUNTER_FOLLOWERS), 0);
    ck_assert_int_eq(world_count(&world, BOB, REELS_COUNTER_FOLLOWERS), 0);
    test_ok(&world.env, world_relate(&world, REELS_RELATION_BLOCK, ADA, BOB, 0));
    test_ok(&world.env, world_relate(&world, REELS_RELATION_LIKE, BOB, reel, 1));
}
END_TEST

static size_t list_comments(uint64_t reel, uint64_t viewer, reels_comment *out, size_t capacity)
{
    reels_buf *cursor = NULL;
    size_t count = 0;
    out[0].struct_size = sizeof(out[0]);
    test_ok(&world.env, reels_buf_new(world.env.ctx, 8192, &cursor, &world.env.err));
    test_ok(&world.env,
            reels_comment_list(reels_platform_social(world.platform),
                               NULL,
                               reel,
                               viewer,
                               cursor,
                               out,
                               capacity,
                               &count,
                               &world.env.err));
    reels_buf_free(cursor);
    return count;
}

START_TEST(test_social_comments_are_said_once_listed_and_removed)
{
    static reels_comment page[10];
    uint64_t reel = world_reel(&world, ADA, REELS_VISIBILITY_PUBLIC);
    reels_social *social = reels_platform_social(world.platform);
    uint8_t token[16] = {7};
    reels_comment first = {.struct_size = sizeof(first)};
    reels_comment again = {.struct_size = sizeof(again)};
    test_ok(&world.env,
            reels_comment_add(social, NULL, reel, BOB, "one", token, &first, &world.env.err));
    test_ok(&world.env,
            reels_comment_add(social, NULL, reel, BOB, "one", token, &again, &world.env.err));
    ck_assert_uint_eq(first.id, again.id);
    test_ok(&world.env,
            reels_comment_add(social, NULL, reel, EVE, "two", token, &again, &world.env.err));
    ck_assert_uint_ne(first.id, again.id);
    test_status(REELS_ERR_INVALID_ARG,
                reels_comment_add(social, NULL, reel, BOB, " \n\t", NULL, &again, NULL));
    test_status(REELS_ERR_INVALID_ARG,
                reels_comment_add(social, NULL, reel, BOB, "\xc3", NULL, &again, NULL));
    world_settle(&world);
    ck_assert_int_eq(world_count(&world, reel, REELS_COUNTER_COMMENTS), 2);
    ck_assert_uint_eq(list_comments(reel, ADA, page, 10), 2);
    ck_assert_str_eq(page[0].text, "two");
    test_ok(&world.env, world_relate(&world, REELS_RELATION_MUTE, ADA, EVE, 1));
    ck_assert_uint_eq(list_comments(reel, ADA, page, 10), 1);
    ck_assert_uint_eq(list_comments(reel, BOB, page, 10), 2);
    test_status(REELS_ERR_DENIED, reels_comment_remove(social, NULL, reel, first.id, EVE, NULL));
    test_ok(&world.env, reels_comment_remove(social, NULL, reel, first.id, ADA, &world.env.err));
    test_status(REELS_ERR_NOT_FOUND, reels_comment_remove(social, NULL, reel, first.id, ADA, NULL));
    world_settle(&world);
    ck_assert_int_eq(world_count(&world, reel, REELS_COUNTER_COMMENTS), 1);
}
END_TEST

START_TEST(test_social_block_hides_comments_both_ways)
{
    static reels_comment page[10];
    uint64_t reel = world_reel(&world, ADA, REELS_VISIBILITY_PUBLIC);
    reels_social *social = reels_platform_social(world.platform);
    reels_comment said = {.struct_size = sizeof(said)};
    reels_buf *cursor = NULL;
    size_t count = 0;
    test_ok(&world.env,
            reels_comment_add(social, NULL, reel, BOB, "one", NULL, &said, &world.env.err));
    test_ok(&world.env,
            reels_comment_add(social, NULL, reel, EVE, "two", NULL, &said, &world.env.err));
    ck_assert_uint_eq(list_comments(reel, EVE, page, 10), 2);
    test_ok(&world.env, world_relate(&world, REELS_RELATION_BLOCK, BOB, EVE, 1));
    ck_assert_uint_eq(list_comments(reel, BOB, page, 10), 1);
    ck_assert_uint_eq(page[0].person_id, BOB);
    ck_assert_uint_eq(list_comments(reel, EVE, page, 10), 1);
    ck_assert_uint_eq(page[0].person_id, EVE);
    ck_assert_uint_eq(list_comments(reel, 0, page, 10), 2);
    /* For whom the creator has blocked, the reel is not there. */
    test_ok(&world.env, world_relate(&world, REELS_RELATION_BLOCK, ADA, EVE, 1));
    test_ok(&world.env, reels_buf_new(world.env.ctx, 8192, &cursor, &world.env.err));
    page[0].struct_size = sizeof(page[0]);
    test_status(REELS_ERR_NOT_FOUND,
                reels_comment_list(social, NULL, reel, EVE, cursor, page, 10, &count, NULL));
    reels_buf_free(cursor);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("social");
    TCase *tcase = tcase_create("social");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_social_relations_are_sets_and_counts_follow);
    tcase_add_test(tcase, test_social_lists_are_newest_first_and_paged);
    tcase_add_test(tcase, test_social_hides_what_a_person_may_not_see);
    tcase_add_test(tcase, test_social_block_ends_follows_and_keeps_out);
    tcase_add_test(tcase, test_social_comments_are_said_once_listed_and_removed);
    tcase_add_test(tcase, test_social_block_hides_comments_both_ways);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
