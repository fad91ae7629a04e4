/* Owns the plan: for each of the next reels the playlists and the first bytes of the sound and of
 * one rung, in the order in which they are needed. */
#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "renditions.h"

enum {
    DEFAULT_SHORT_SIDE = 1080,
    DEFAULT_BYTES = 4 * 1024 * 1024,
    PLAYLIST_BYTES = 2048, /* what a playlist is taken to cost */
    CARRIED_PERCENT = 70,  /* share of the measured throughput that a rung may take */
    ENTRIES_PER_REEL = 5,  /* master, two playlists, two starts */
    UNKNOWN_RUNG = 1       /* without a measurement: the second lowest */
};

struct plan {
    reels_prefetch_entry *out;
    size_t capacity;
    size_t count;
    uint64_t bytes;
};

static uint32_t short_side(const reels_rendition *rendition)
{
    return rendition->width < rendition->height ? rendition->width : rendition->height;
}

/* How many rungs are cheaper. */
static uint32_t
rank_of(const reels_rendition *renditions, size_t count, const reels_rendition *rung)
{
    uint32_t rank = 0;
    for (size_t i = 0; i < count; i++) {
        rank += renditions[i].kind == REELS_RENDITION_VIDEO &&
                renditions[i].bandwidth_bps < rung->bandwidth_bps;
    }
    return rank;
}

/* The best rung that the client's screen needs and its throughput carries; the lowest if none does.
 */
static const reels_rendition *
choose_rung(const reels_rendition *renditions, size_t count, const reels_prefetch_request *request)
{
    const reels_rendition *lowest = NULL;
    const reels_rendition *best = NULL;
    uint64_t carried = request->throughput_bps / 100 * CARRIED_PERCENT;
    for (size_t i = 0; i < count; i++) {
        const reels_rendition *rung = &renditions[i];
        if (rung->kind != REELS_RENDITION_VIDEO) {
            continue;
        }
        lowest = lowest == NULL || rung->bandwidth_bps < lowest->bandwidth_bps ? rung : lowest;
        int fits =
            short_side(rung) <= request->short_side_max &&
            (request->throughput_bps != 0 ? rung->bandwidth_bps <= carried
                                          : rank_of(renditions, count, rung) <= UNKNOWN_RUNG);
        if (fits && (best == NULL || rung->bandwidth_bps > best->bandwidth_bps)) {
            best = rung;
        }
    }
    return best != NULL ? best : lowest;
}

static const reels_rendition *find_audio(const reels_rendition *renditions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (renditions[i].kind == REELS_RENDITION_AUDIO) {
            return &renditions[i];
        }
    }
    return NULL;
}

static void
add(struct plan *plan, size_t reel_index, uint64_t reel_id, const char *file, uint64_t bytes)
{
    if (plan->count < plan->capacity) {
        reels_prefetch_entry *entry = &plan->out[plan->count];
        memset(entry, 0, sizeof(*entry));
        entry->struct_size = sizeof(*entry);
        entry->reel_index = (uint32_t)reel_index;
        entry->reel_id = reel_id;
        entry->bytes = bytes;
        memcpy(entry->file, file, strnlen(file, sizeof(entry->file) - 1));
    }
    plan->count++;
    plan->bytes += bytes != 0 ? bytes : PLAYLIST_BYTES;
}

/* Adds one reel, unless it would pass bytes_max and is not the first. */
static void plan_reel(struct plan *plan,
                      size_t reel_index,
                      uint64_t reel_id,
                      const reels_rendition *audio,
                      const reels_rendition *rung,
                      uint64_t bytes_max)
{
    uint64_t cost = (uint64_t)3 * PLAYLIST_BYTES + (audio != NULL ? audio->start_bytes : 0) +
                    (rung != NULL ? rung->start_bytes : 0);
    if (plan->count > 0 && plan->bytes + cost > bytes_max) {
        return;
    }
    add(plan, reel_index, reel_id, "master.m3u8", 0);
    if (rung != NULL) {
        add(plan, reel_index, reel_id, rung->playlist, 0);
    }
    if (audio != NULL) {
        add(plan, reel_index, reel_id, audio->playlist, 0);
    }
    if (rung != NULL) {
        add(plan, reel_index, reel_id, rung->file, rung->start_bytes);
    }
    if (audio != NULL) {
        add(plan, reel_index, reel_id, audio->file, audio->start_bytes);
    }
}

static reels_status plan_reels(reels_ctx *ctx,
                               reels_catalog *catalog,
                               const reels_call *call,
                               const reels_reel *reels,
                               size_t reels_count,
                               const reels_prefetch_request *request,
                               struct plan *plan,
                               reels_error *err)
{
    for (size_t i = 0; i < reels_count && i < REELS_PREFETCH_REELS; i++) {
        reels_rendition renditions[REELS__RENDITIONS_MAX];
        size_t count = 0;
        REELS_REQUIRE(reels[i].struct_size == sizeof(reels[i]),
                      err,
                      "reels[i].struct_size is not sizeof(reels_reel)");
        REELS_TRY(reels__renditions_read(
            ctx, catalog, call, reels[i].id, reels[i].generation, renditions, &count, err));
        if (count > 0) {
            plan_reel(plan,
                      i,
                      reels[i].id,
                      find_audio(renditions, count),
                      choose_rung(renditions, count, request),
                      request->bytes_max);
        }
    }
    return REELS_OK;
}

reels_status reels_prefetch_plan(reels_ctx *ctx,
                                 reels_catalog *catalog,
                                 const reels_call *call,
                                 const reels_reel *reels,
                                 size_t reels_count,
                                 const reels_prefetch_request *request,
                                 reels_prefetch_entry *out,
                                 size_t capacity,
                                 size_t *out_count,
                                 reels_error *err)
{
    reels_prefetch_request full;
    REELS_REQUIRE(ctx != NULL && catalog != NULL && (reels_count == 0 || reels != NULL) &&
                      (capacity == 0 || out != NULL) && out_count != NULL,
                  err,
                  "ctx, catalog, reels, out and out_count are needed");
    REELS_REQUIRE(capacity == 0 || out[0].struct_size == sizeof(*out),
                  err,
                  "out[0].struct_size is not sizeof(reels_prefetch_entry)");
    REELS_TRY(reels__options_read(request, sizeof(full), &full, sizeof(full), "request", err));
    full.short_side_max = full.short_side_max != 0 ? full.short_side_max : DEFAULT_SHORT_SIDE;
    full.bytes_max = full.bytes_max != 0 ? full.bytes_max : DEFAULT_BYTES;
    struct plan plan = {.out = out, .capacity = capacity};
    REELS_TRY(plan_reels(ctx, catalog, call, reels, reels_count, &full, &plan, err));
    *out_count = plan.count;
    if (plan.count > capacity) {
        return reels__fail(err, REELS_ERR_BUFFER_TOO_SMALL, "the plan has %zu entries", plan.count);
    }
    return REELS_OK;
}

_Static_assert(ENTRIES_PER_REEL *REELS_PREFETCH_REELS <= REELS_PREFETCH_ENTRIES_MAX,
               "REELS_PREFETCH_ENTRIES_MAX is always enough");
