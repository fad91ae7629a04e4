/* Owns the reading of layouts and what needs nothing else: taking IDs apart, bounds of a time
 * range. A checked layout has 16 time bits or more and 64 bits at most, so that no shift below
 * reaches 64. */
#include "layout.h"

#include "base/ctx_internal.h"
#include "base/error.h"

enum {
    TIME_BITS_MIN = 16,
    TIME_BITS_MAX = 63,
    NODE_BITS_MAX = 31,
    SEQUENCE_BITS_MAX = 31,
    ID_BITS_MAX = 64
};

/* Ticks are counted in int64_t microseconds from the epoch: beyond this many the sum could
 * overflow. */
static const uint64_t ticks_max = (uint64_t)(INT64_MAX / REELS__ID_TICK_US / 2);

uint64_t reels__id_mask(uint32_t bits)
{
    return bits == 0 ? 0 : UINT64_MAX >> (ID_BITS_MAX - bits);
}

static reels_status bits_check(const reels_id_layout *layout, reels_error *err)
{
    REELS_REQUIRE(layout->time_bits >= TIME_BITS_MIN && layout->time_bits <= TIME_BITS_MAX,
                  err,
                  "layout: time_bits must be 16 to 63");
    REELS_REQUIRE(layout->node_bits <= NODE_BITS_MAX, err, "layout: node_bits must be 0 to 31");
    REELS_REQUIRE(layout->region_bits <= layout->node_bits,
                  err,
                  "layout: region_bits are a part of node_bits and cannot be more");
    REELS_REQUIRE(layout->sequence_bits >= 1 && layout->sequence_bits <= SEQUENCE_BITS_MAX,
                  err,
                  "layout: sequence_bits must be 1 to 31");
    REELS_REQUIRE(layout->time_bits + layout->node_bits + layout->sequence_bits <= ID_BITS_MAX,
                  err,
                  "layout: time, node and sequence need more than 64 bits");
    return REELS_OK;
}

reels_status
reels__id_layout_read(const reels_id_layout *layout, reels__id_layout *out, reels_error *err)
{
    reels_id_layout full = {0};
    REELS_TRY(reels__options_read(layout, sizeof full, &full, sizeof full, "reels_id_layout", err));
    REELS_REQUIRE(
        (full.flags & ~(uint32_t)REELS_ID_LAYOUT_EPOCH_1970) == 0, err, "layout: unknown flag");
    if ((full.time_bits | full.region_bits | full.node_bits | full.sequence_bits) == 0) {
        full.time_bits = REELS_ID_TIME_BITS;
        full.region_bits = REELS_ID_REGION_BITS;
        full.node_bits = REELS_ID_NODE_BITS;
        full.sequence_bits = REELS_ID_SEQUENCE_BITS;
    }
    REELS_TRY(bits_check(&full, err));
    if (full.epoch_unix_us == 0 && (full.flags & REELS_ID_LAYOUT_EPOCH_1970) == 0) {
        full.epoch_unix_us = REELS_ID_EPOCH_UNIX_US;
    }
    REELS_REQUIRE(full.epoch_unix_us % REELS__ID_TICK_US == 0,
                  err,
                  "layout: epoch_unix_us is not a whole millisecond");
    REELS_REQUIRE(full.epoch_unix_us > -(INT64_MAX / 4) && full.epoch_unix_us < INT64_MAX / 4,
                  err,
                  "layout: epoch_unix_us is too far away");
    *out = (reels__id_layout){
        .time_bits = full.time_bits,
        .region_bits = full.region_bits,
        .node_bits = full.node_bits,
        .sequence_bits = full.sequence_bits,
        .epoch_unix_us = full.epoch_unix_us,
    };
    return REELS_OK;
}

reels_status reels_id_parse(const reels_id_layout *layout,
                            uint64_t id,
                            reels_id_parts *out_parts,
                            reels_error *err)
{
    REELS_REQUIRE(out_parts != NULL, err, "out_parts is NULL");
    reels__id_layout plan = {0};
    REELS_TRY(reels__id_layout_read(layout, &plan, err));
    uint32_t low_bits = plan.node_bits + plan.sequence_bits;
    uint64_t tick = id >> low_bits;
    REELS_REQUIRE(tick <= reels__id_mask(plan.time_bits), err, "id has bits above the layout");
    REELS_REQUIRE(tick <= ticks_max, err, "id lies further in time than 64 bits of microseconds");
    uint64_t node = (id >> plan.sequence_bits) & reels__id_mask(plan.node_bits);
    uint32_t plain_bits = plan.node_bits - plan.region_bits;
    reels_id_parts parts = {
        .struct_size = sizeof parts,
        .region = (uint32_t)(node >> plain_bits),
        .node = (uint32_t)(node & reels__id_mask(plain_bits)),
        .sequence = (uint32_t)(id & reels__id_mask(plan.sequence_bits)),
        .time_unix_us = plan.epoch_unix_us + (int64_t)tick * REELS__ID_TICK_US,
    };
    return reels__result_write(
        out_parts, sizeof parts, &parts, sizeof parts, "reels_id_parts", err);
}

/* Microseconds from the epoch; what 64 bits cannot hold becomes their end. */
static int64_t from_epoch_us(const reels__id_layout *plan, int64_t unix_us)
{
    int64_t epoch_us = plan->epoch_unix_us;
    if (epoch_us > 0 && unix_us < INT64_MIN + epoch_us) {
        return INT64_MIN;
    }
    if (epoch_us < 0 && unix_us > INT64_MAX + epoch_us) {
        return INT64_MAX;
    }
    return unix_us - epoch_us;
}

reels_status reels_id_range(const reels_id_layout *layout,
                            int64_t from_unix_us,
                            int64_t until_unix_us,
                            uint64_t *out_first,
                            uint64_t *out_last,
                            reels_error *err)
{
    REELS_REQUIRE(out_first != NULL && out_last != NULL, err, "out_first or out_last is NULL");
    reels__id_layout plan = {0};
    REELS_TRY(reels__id_layout_read(layout, &plan, err));
    REELS_REQUIRE(
        from_unix_us < until_unix_us, err, "the range is empty: from is not before until");
    int64_t from_us = from_epoch_us(&plan, from_unix_us);
    /* The last microsecond inside, so that the division below rounds to its millisecond. */
    int64_t last_us = from_epoch_us(&plan, until_unix_us - 1);
    uint64_t tick_max = reels__id_mask(plan.time_bits);
    uint64_t first_tick = from_us > 0 ? (uint64_t)from_us / REELS__ID_TICK_US : 0;
    uint64_t last_tick = last_us > 0 ? (uint64_t)last_us / REELS__ID_TICK_US : 0;
    if (last_us < 0 || first_tick > tick_max) {
        return reels__fail(err, REELS_ERR_LIMIT, "the range lies outside the time of the layout");
    }
    uint32_t low_bits = plan.node_bits + plan.sequence_bits;
    last_tick = last_tick < tick_max ? last_tick : tick_max;
    *out_first = first_tick << low_bits;
    *out_last = last_tick << low_bits | reels__id_mask(low_bits);
    return REELS_OK;
}
