/* Owns the plan of the fixed ladder: pure arithmetic on what a probe found. */
#include <stdio.h>
#include <string.h>

#include <reels/media.h>

#include "base/compiler.h"
#include "base/ctx_internal.h"
#include "base/error.h"

enum {
    SIDE_MAX = 4096,       /* what H.264 decoders of phones take */
    SLOW_SIDE_BELOW = 720, /* rungs under it get at most 30 frames a second */
    SLOW_RATE_MAX = 30,
    SIDE_MIN = 2
};

typedef struct step {
    uint32_t short_side;
    uint32_t bitrate_bps;
} step;

static const step steps[] = {
    {240, 300000}, {360, 600000}, {480, 1100000}, {720, 2400000}, {1080, 4500000}};

/* Rates between two steps lie on the line between them, below the first on the line to nothing. */
static uint32_t bitrate_at(uint32_t short_side)
{
    const uint32_t bitrate_min = 64000;
    step below = {0, 0};
    for (size_t i = 0; i < REELS__COUNT(steps); i++) {
        if (short_side <= steps[i].short_side) {
            uint64_t rise = steps[i].bitrate_bps - below.bitrate_bps;
            uint64_t run = steps[i].short_side - below.short_side;
            uint32_t rate =
                below.bitrate_bps + (uint32_t)(rise * (short_side - below.short_side) / run);
            return rate > bitrate_min ? rate : bitrate_min;
        }
        below = steps[i];
    }
    return below.bitrate_bps;
}

/* The even number nearest to side * num / den, not above `most` unless that is under 2. */
static uint32_t even_side(uint64_t side, uint64_t num, uint64_t den, uint64_t most)
{
    uint64_t twice = 2 * den;
    uint64_t even = (side * num + den) / twice * 2;
    if (even > most) {
        even = most & ~UINT64_C(1);
    }
    return (uint32_t)(even < SIDE_MIN ? SIDE_MIN : even);
}

/* Short sides of the ladder, smallest first: every step that the source reaches, and one of its own
 * when it is more than 1/8 larger than the last of them. */
static size_t plan_sides(uint32_t source_side, uint32_t side_max, uint32_t *sides)
{
    size_t count = 0;
    uint32_t top = source_side < side_max ? source_side : side_max;
    for (size_t i = 0; i < REELS__COUNT(steps); i++) {
        if (steps[i].short_side <= top) {
            sides[count++] = steps[i].short_side;
        }
    }
    if (count == 0 || (uint64_t)top * 8 > (uint64_t)sides[count - 1] * 9) {
        sides[count++] = top < SIDE_MIN ? SIDE_MIN : top & ~UINT32_C(1);
    }
    return count;
}

/* The largest rungs and then the smallest are kept. */
static size_t thin_out(uint32_t *sides, size_t count, size_t rungs_max)
{
    while (count > rungs_max) {
        size_t drop = rungs_max == 1 ? 0 : 1;
        memmove(&sides[drop], &sides[drop + 1], (count - drop - 1) * sizeof sides[0]);
        count--;
    }
    return count;
}

/* Halves a rate until it is allowed, so that frames of a slow rung are frames of the fast ones. */
static void limit_rate(uint32_t rate_max, uint32_t *num, uint32_t *den)
{
    /* 1/8 of grace: a phone's "30" is often 30.02, and 59.94 belongs to 60. */
    while (*num > 0 && (uint64_t)*num * 8 > (uint64_t)*den * rate_max * 9) {
        *den *= 2;
    }
    while (*num % 2 == 0 && *den % 2 == 0) {
        *num /= 2;
        *den /= 2;
    }
}

static reels_rung make_rung(const reels_probe_info *info, uint32_t side, uint32_t rate_max)
{
    uint32_t shorter =
        info->display_width < info->display_height ? info->display_width : info->display_height;
    reels_rung rung = {.struct_size = sizeof rung,
                       .short_side = side,
                       .width = even_side(info->display_width, side, shorter, info->display_width),
                       .height =
                           even_side(info->display_height, side, shorter, info->display_height),
                       .frame_rate_num = info->frame_rate_num > 0 ? info->frame_rate_num : 30,
                       .frame_rate_den = info->frame_rate_num > 0 ? info->frame_rate_den : 1,
                       .video_bitrate_bps = bitrate_at(side)};
    rung.video_bitrate_max_bps = rung.video_bitrate_bps / 2 * 3;
    rung.buffer_bits = rung.video_bitrate_bps * 2;
    limit_rate(rate_max, &rung.frame_rate_num, &rung.frame_rate_den);
    if (side < SLOW_SIDE_BELOW) {
        limit_rate(SLOW_RATE_MAX, &rung.frame_rate_num, &rung.frame_rate_den);
    }
    snprintf(rung.name, sizeof rung.name, "%up", side);
    return rung;
}

reels_status reels_ladder_plan(const reels_probe_info *info,
                               const reels_ladder_options *options,
                               reels_rung *rungs,
                               size_t capacity,
                               size_t *out_count,
                               reels_error *err)
{
    reels_probe_info source = {0};
    reels_ladder_options plan = {0};
    REELS_REQUIRE(info != NULL && out_count != NULL && (rungs != NULL || capacity == 0),
                  err,
                  "ladder: info, rungs and out_count must be given");
    REELS_TRY(reels__options_read(
        info, sizeof(reels_probe_info), &source, sizeof source, "reels_probe_info", err));
    REELS_TRY(reels__options_read(
        options, sizeof(reels_ladder_options), &plan, sizeof plan, "reels_ladder_options", err));
    uint32_t side_max = plan.short_side_max > 0 ? plan.short_side_max : 1080;
    uint32_t rate_max = plan.frame_rate_max > 0 ? plan.frame_rate_max : 60;
    size_t rungs_max = plan.rungs_max > 0 ? plan.rungs_max : REELS_RUNGS_MAX;
    REELS_REQUIRE(side_max <= 1080 && side_max >= SIDE_MIN && rungs_max <= REELS_RUNGS_MAX,
                  err,
                  "ladder: short_side_max is 2 to 1080, rungs_max at most 8");
    uint32_t sides[REELS__COUNT(steps) + 1];
    size_t count = 0;
    if (source.video_present) {
        uint32_t shorter = source.display_width < source.display_height ? source.display_width
                                                                        : source.display_height;
        REELS_REQUIRE(shorter > 0, err, "ladder: the picture has no size");
        count = thin_out(sides, plan_sides(shorter, side_max, sides), rungs_max);
    }
    reels_rung planned[REELS__COUNT(steps) + 1];
    for (size_t i = 0; i < count; i++) {
        planned[i] = make_rung(&source, sides[i], rate_max);
        if (planned[i].width > SIDE_MAX || planned[i].height > SIDE_MAX) {
            return reels__fail(err,
                               REELS_ERR_LIMIT,
                               "ladder: a rung would be %ux%u, decoders take %d",
                               planned[i].width,
                               planned[i].height,
                               SIDE_MAX);
        }
    }
    if (count > capacity) {
        *out_count = count;
        return reels__fail(err, REELS_ERR_BUFFER_TOO_SMALL, "ladder: there are %zu rungs", count);
    }
    size_t stride = count > 0 && rungs[0].struct_size > 0 ? rungs[0].struct_size : sizeof *rungs;
    REELS_REQUIRE(stride >= sizeof *rungs && stride <= 4096,
                  err,
                  "ladder: struct_size of the first rung is too small");
    for (size_t i = 0; i < count; i++) {
        uint8_t *to = (uint8_t *)rungs + i * stride;
        memset(to, 0, stride);
        planned[i].struct_size = (uint32_t)stride;
        memcpy(to, &planned[i], sizeof planned[i]);
    }
    *out_count = count;
    return REELS_OK;
}
