/* Segment rates against numbers worked out by hand from RFC 8216, section 4.3.4.2. */
#include "hls/rate.h"
#include "test_check.h"

START_TEST(test_rate_peak_counts_runs_of_half_to_three_halves_of_the_target)
{
    /* 2 s targets: runs of 1 to 3 s. */
    static const struct {
        struct reels__rate_segment segments[4];
        size_t count;
        uint64_t peak;
        uint64_t average;
    } cases[] = {
        /* one segment: 1000 bytes in 2 s */
        {{{1000, 2000000}}, 1, 4000, 4000},
        /* each alone; two together are 4 s, too long */
        {{{1000, 2000000}, {3000, 2000000}}, 2, 12000, 8000},
        /* the tail of 0.5 s is too short alone: (3000 + 2000) bytes in 2.5 s */
        {{{1000, 2000000}, {3000, 2000000}, {2000, 500000}}, 3, 16000, 10667},
        /* a first segment of exactly 1 s counts alone */
        {{{2000, 1000000}, {1000, 2000000}}, 2, 16000, 8000},
        /* short ones count only together: 1.2 s of three */
        {{{1000, 400000}, {1000, 400000}, {1000, 400000}}, 3, 20000, 20000},
        /* nothing fits: all of them */
        {{{1000, 400000}}, 1, 20000, 20000},
        /* rounded up: 1 byte in 3 s is 2.67 bits a second */
        {{{1, 3000000}}, 1, 3, 3},
        {{{0, 0}}, 0, 0, 0},
    };
    ck_assert_uint_eq(reels__rate_peak(cases[_i].segments, cases[_i].count, 2), cases[_i].peak);
    ck_assert_uint_eq(reels__rate_average(cases[_i].segments, cases[_i].count), cases[_i].average);
}
END_TEST

START_TEST(test_rate_survives_numbers_without_sense)
{
    struct reels__rate_segment segments[2] = {{UINT64_MAX, 1}, {UINT64_MAX, INT64_MAX / 4}};
    (void)reels__rate_peak(segments, 2, UINT32_MAX);
    ck_assert_uint_eq(reels__rate_average(&(struct reels__rate_segment){5, 0}, 1), 0);
    ck_assert_uint_eq(reels__rate_average(&(struct reels__rate_segment){5, -7}, 1), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rate");
    TCase *tcase = tcase_create("rate");
    tcase_add_loop_test(
        tcase, test_rate_peak_counts_runs_of_half_to_three_halves_of_the_target, 0, 8);
    tcase_add_test(tcase, test_rate_survives_numbers_without_sense);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
