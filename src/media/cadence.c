/* Owns the finding of a steady cadence in presentation times. */
#include <libavutil/rational.h>
#include <stdlib.h>

#include "base/compiler.h"
#include "media/describe.h"

enum {
    US_PER_S = 1000000
};

/* Rates of cameras and of cinema, lowest first. */
static const AVRational usual_rates[] = {{10, 1},
                                         {12, 1},
                                         {25, 2},
                                         {15, 1},
                                         {20, 1},
                                         {24000, 1001},
                                         {24, 1},
                                         {25, 1},
                                         {30000, 1001},
                                         {30, 1},
                                         {48, 1},
                                         {50, 1},
                                         {60000, 1001},
                                         {60, 1},
                                         {90, 1},
                                         {100, 1},
                                         {120, 1},
                                         {240, 1}};

/* Slower rates are multiplied until frames are at most this far apart, so that a seek never waits.
 */
static const double rate_min = 10.0;

static double rate_of(AVRational rate)
{
    return (double)rate.num / (double)rate.den;
}

/* The usual rate within 1 part in 1000, else a fraction that is exact to the length of a clip. */
static AVRational snap(double rate)
{
    AVRational best = {0, 1};
    double best_error = 0.001;
    for (size_t i = 0; i < REELS__COUNT(usual_rates); i++) {
        double error = rate_of(usual_rates[i]) / rate - 1.0;
        error = error < 0 ? -error : error;
        if (error < best_error) {
            best = usual_rates[i];
            best_error = error;
        }
    }
    return best.num > 0 ? best : av_d2q(rate, 60000);
}

static int compare_i64(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* 1 when every time lies within 0.35 of a frame of an even grid: jitter and rounding, no more. */
static int is_even(const int64_t *pts_us, size_t count, double interval_us)
{
    for (size_t i = 0; i < count; i++) {
        double off = (double)(pts_us[i] - pts_us[0]) - (double)i * interval_us;
        if (off > 0.35 * interval_us || off < -0.35 * interval_us) {
            return 0;
        }
    }
    return 1;
}

/* Of unevenly spaced frames the middle interval is the camera's; pauses and bursts lie around it.
 */
static AVRational usual_rate_above(int64_t interval_us)
{
    double rate = (double)US_PER_S / (double)(interval_us > 0 ? interval_us : 1);
    for (size_t i = 0; i < REELS__COUNT(usual_rates); i++) {
        if (rate_of(usual_rates[i]) >= rate * 0.97) {
            return usual_rates[i];
        }
    }
    return (AVRational){240, 1};
}

/* The middle interval, found in place of the times: intervals of at most 36,000 frames or so. */
static int64_t middle_interval(const int64_t *pts_us, size_t count)
{
    /* A sample of intervals is enough for a middle, and needs no memory. */
    enum {
        SAMPLE = 255
    };
    int64_t intervals[SAMPLE];
    size_t taken = 0;
    size_t step = (count - 1 + SAMPLE - 1) / SAMPLE;
    for (size_t i = 1; i < count && taken < SAMPLE; i += step) {
        intervals[taken++] = pts_us[i] - pts_us[i - 1];
    }
    qsort(intervals, taken, sizeof intervals[0], compare_i64);
    return intervals[taken / 2];
}

void reels__media_cadence(const int64_t *pts_us,
                          size_t count,
                          uint32_t *out_num,
                          uint32_t *out_den,
                          uint32_t *out_variable)
{
    AVRational rate = {30, 1};
    *out_variable = 0;
    if (count >= 2 && pts_us[count - 1] > pts_us[0]) {
        double interval_us = (double)(pts_us[count - 1] - pts_us[0]) / (double)(count - 1);
        if (is_even(pts_us, count, interval_us)) {
            rate = snap((double)US_PER_S / interval_us);
        } else {
            rate = usual_rate_above(middle_interval(pts_us, count));
            *out_variable = 1;
        }
    }
    int factor = 1;
    while (rate_of(rate) * factor < rate_min && factor < 10000) {
        factor++;
    }
    av_reduce(&rate.num, &rate.den, (int64_t)rate.num * factor, rate.den, 1000000);
    *out_num = (uint32_t)rate.num;
    *out_den = (uint32_t)rate.den;
}
