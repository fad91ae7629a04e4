/* Owns the check of a master playlist: references, and its claims against what was measured. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "verify_internal.h"

enum {
    CODECS_MAX = 16,
    /* Times of different timescales are the same when they differ by less. */
    ALIGNMENT_US = 1000,
    /* Renditions whose lengths differ by more end audibly or visibly apart. */
    LENGTH_US = 500000
};

/* The measured sums of a variant with the renditions it may be played with. */
struct sums {
    uint64_t peak;
    uint64_t average;
    uint32_t complete; /* 1 when all of them could be read */
};

static reels_status
rates_of(struct reels__verify *v, const struct reels__rendition_facts *facts, struct sums *out)
{
    size_t count = facts->segments_count;
    struct reels__rate_segment *rates = reels__mem_calloc(v->ctx, count, sizeof *rates);
    if (rates == NULL) {
        return reels__fail(
            v->err, REELS_ERR_NO_MEMORY, "verify: no memory for %zu segments", count);
    }
    out->complete = count > 0;
    for (size_t i = 0; i < count; i++) {
        rates[i] = (struct reels__rate_segment){.bytes = facts->segments[i].bytes,
                                                .duration_us = facts->segments[i].extinf_us};
        out->complete &= facts->segments[i].bytes > 0;
    }
    out->peak = reels__rate_peak(rates, count, facts->target_duration_s);
    out->average = reels__rate_average(rates, count);
    reels__mem_free(v->ctx, rates);
    return REELS_OK;
}

void reels__check_bandwidth(const struct reels__m3u8_variant *variant,
                            uint64_t peak,
                            uint64_t average,
                            struct reels__finder *finder)
{
    if (peak > variant->bandwidth) {
        reels__find(finder,
                    REELS_VERIFY_BANDWIDTH,
                    "line %u: BANDWIDTH is %llu, the measured peak %llu",
                    (unsigned)variant->line,
                    (unsigned long long)variant->bandwidth,
                    (unsigned long long)peak);
    } else if (variant->bandwidth - peak > variant->bandwidth / 10) {
        reels__find(finder,
                    REELS_VERIFY_BANDWIDTH,
                    "line %u: BANDWIDTH is %llu, more than 10 %% above the measured peak %llu",
                    (unsigned)variant->line,
                    (unsigned long long)variant->bandwidth,
                    (unsigned long long)peak);
    }
    if (variant->average_bandwidth == 0) {
        reels__find_warning(finder,
                            REELS_VERIFY_AVERAGE_BANDWIDTH,
                            "line %u: AVERAGE-BANDWIDTH is missing",
                            (unsigned)variant->line);
        return;
    }
    uint64_t off = average > variant->average_bandwidth ? average - variant->average_bandwidth
                                                        : variant->average_bandwidth - average;
    if (off > variant->average_bandwidth / 10) {
        reels__find(finder,
                    REELS_VERIFY_AVERAGE_BANDWIDTH,
                    "line %u: AVERAGE-BANDWIDTH is %llu, the measured average %llu",
                    (unsigned)variant->line,
                    (unsigned long long)variant->average_bandwidth,
                    (unsigned long long)average);
    }
}

static int codec_same(struct reels__text item, const char *codec)
{
    size_t len = strlen(codec);
    if (item.len != len) {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        int a = (unsigned char)item.data[i];
        /* The digits of avc1 are hexadecimal, in either case. */
        a = a >= 'A' && a <= 'F' ? a - 'A' + 'a' : a;
        if (a != (unsigned char)codec[i]) {
            return 0;
        }
    }
    return 1;
}

/* CODECS names each codec of the variant and no other one. */
void reels__check_codecs(const struct reels__m3u8_variant *variant,
                         const char *const *codecs,
                         size_t codecs_count,
                         struct reels__finder *finder)
{
    uint32_t found = 0;
    struct reels__text rest = variant->codecs;
    if (rest.data == NULL) {
        reels__find(finder,
                    REELS_VERIFY_TAG_MISSING,
                    "line %u: CODECS is missing",
                    (unsigned)variant->line);
        return;
    }
    while (rest.len > 0) {
        const char *comma = memchr(rest.data, ',', rest.len);
        struct reels__text item = {rest.data,
                                   comma != NULL ? (size_t)(comma - rest.data) : rest.len};
        size_t used = item.len + (comma != NULL);
        rest = (struct reels__text){rest.data + used, rest.len - used};
        while (item.len > 0 && item.data[0] == ' ') {
            item = (struct reels__text){item.data + 1, item.len - 1};
        }
        uint32_t match = 0;
        for (size_t i = 0; i < codecs_count; i++) {
            match |= codec_same(item, codecs[i]) ? 1U << i : 0;
        }
        if (match == 0) {
            reels__find(finder,
                        REELS_VERIFY_CODECS,
                        "line %u: CODECS names %.*s, which no track has",
                        (unsigned)variant->line,
                        (int)(item.len < 40 ? item.len : 40),
                        item.data);
        }
        found |= match;
    }
    for (size_t i = 0; i < codecs_count; i++) {
        if ((found & 1U << i) == 0) {
            reels__find(finder,
                        REELS_VERIFY_CODECS,
                        "line %u: CODECS lacks %s",
                        (unsigned)variant->line,
                        codecs[i]);
        }
    }
}

void reels__check_resolution(const struct reels__m3u8_variant *variant,
                             const struct reels__rendition_facts *facts,
                             struct reels__finder *finder)
{
    if (variant->width == 0) {
        reels__find_warning(finder,
                            REELS_VERIFY_RESOLUTION,
                            "line %u: RESOLUTION is missing",
                            (unsigned)variant->line);
    } else if (variant->height != facts->height ||
               (variant->width != facts->width && variant->width != facts->display_width)) {
        reels__find(finder,
                    REELS_VERIFY_RESOLUTION,
                    "line %u: RESOLUTION is %ux%u, pictures are %ux%u",
                    (unsigned)variant->line,
                    (unsigned)variant->width,
                    (unsigned)variant->height,
                    (unsigned)facts->width,
                    (unsigned)facts->height);
    }
}

/* Frames per million seconds. */
static int64_t rate_micro(uint64_t frames, uint64_t ticks, uint32_t timescale)
{
    if (ticks == 0) {
        return 0;
    }
    double rate = (double)frames * (double)timescale * 1e6 / (double)ticks;
    return rate < 1e15 ? (int64_t)(rate + 0.5) : (int64_t)1000000000000000;
}

/* With a steady cadence FRAME-RATE is the rate; without one it lies between the mean rate and that
 * of the shortest frame. Half a percent covers rounding of ticks. */
static void check_frame_rate(const struct reels__m3u8_variant *variant,
                             const struct reels__rendition_facts *facts,
                             struct reels__finder *finder)
{
    int64_t mean = rate_micro(facts->samples_count, facts->ticks, facts->timescale);
    int64_t highest = rate_micro(1, facts->duration_min, facts->timescale);
    int steady = facts->duration_max - facts->duration_min <= 1 + facts->duration_min / 200;
    highest = steady ? mean : highest;
    if (variant->frame_rate_micro == 0) {
        reels__find_warning(finder,
                            REELS_VERIFY_FRAME_RATE,
                            "line %u: FRAME-RATE is missing",
                            (unsigned)variant->line);
    } else if (variant->frame_rate_micro < mean - mean / 200 ||
               variant->frame_rate_micro > highest + highest / 200) {
        reels__find(finder,
                    REELS_VERIFY_FRAME_RATE,
                    "line %u: FRAME-RATE is %lld/1000, the samples have %lld/1000",
                    (unsigned)variant->line,
                    (long long)(variant->frame_rate_micro / 1000),
                    (long long)(mean / 1000));
    }
}

static void check_length(const struct reels__m3u8_variant *variant,
                         const struct reels__rendition_facts *facts,
                         const struct reels__rendition_facts *rendition,
                         struct reels__finder *finder)
{
    int64_t off = facts->duration_us - rendition->duration_us;
    if (off > LENGTH_US || off < -LENGTH_US) {
        reels__find_warning(finder,
                            REELS_VERIFY_ALIGNMENT,
                            "line %u: %s lasts %lld us, %s %lld us",
                            (unsigned)variant->line,
                            facts->name,
                            (long long)facts->duration_us,
                            rendition->name,
                            (long long)rendition->duration_us);
    }
}

struct variant_check {
    struct reels__verify *v;
    const struct reels__m3u8 *master;
    const struct reels__m3u8_variant *variant;
    struct reels__finder *finder;
    struct reels__rendition_facts *facts;
    struct sums sums;
    const char *codecs[CODECS_MAX];
    size_t codecs_count;
    uint32_t codecs_known;
};

static void add_codec(struct variant_check *c, const struct reels__rendition_facts *facts)
{
    c->codecs_known &= facts->codecs[0] != '\0';
    if (c->codecs_count < CODECS_MAX) {
        c->codecs[c->codecs_count++] = facts->codecs;
    }
}

/* The audio group: it exists, and the highest rates in it count. */
static reels_status add_group(struct variant_check *c)
{
    struct sums highest = {.complete = 1};
    size_t members = 0;
    if (c->variant->audio.data == NULL) {
        return REELS_OK;
    }
    for (size_t i = 0; i < c->master->renditions_count; i++) {
        const struct reels__m3u8_rendition *rendition = &c->master->renditions[i];
        char name[REELS__VERIFY_PATH_BYTES_MAX];
        struct reels__rendition_facts *facts = NULL;
        struct sums sums = {0};
        if (!reels__text_is(rendition->type, "AUDIO") ||
            !reels__text_same(rendition->group, c->variant->audio)) {
            continue;
        }
        members++;
        if (rendition->uri.data == NULL ||
            !reels__verify_resolve(c->finder, c->finder->file, rendition->uri, name)) {
            continue;
        }
        REELS_TRY(reels__verify_rendition(c->v, name, &facts));
        if (facts == NULL || facts->segments_count == 0) {
            c->codecs_known = 0;
            highest.complete = 0;
            continue;
        }
        REELS_TRY(rates_of(c->v, facts, &sums));
        add_codec(c, facts);
        check_length(c->variant, c->facts, facts, c->finder);
        highest.peak = sums.peak > highest.peak ? sums.peak : highest.peak;
        highest.average = sums.average > highest.average ? sums.average : highest.average;
        highest.complete &= sums.complete;
    }
    if (members == 0) {
        reels__find(c->finder,
                    REELS_VERIFY_GROUP,
                    "line %u: there is no AUDIO group \"%.*s\"",
                    (unsigned)c->variant->line,
                    (int)(c->variant->audio.len < 60 ? c->variant->audio.len : 60),
                    c->variant->audio.data);
    }
    c->sums.peak += highest.peak;
    c->sums.average += highest.average;
    c->sums.complete &= highest.complete;
    return REELS_OK;
}

static reels_status check_variant(struct variant_check *c)
{
    char name[REELS__VERIFY_PATH_BYTES_MAX];
    c->codecs_known = 1;
    if (!reels__verify_resolve(c->finder, c->finder->file, c->variant->uri, name)) {
        return REELS_OK;
    }
    REELS_TRY(reels__verify_rendition(c->v, name, &c->facts));
    if (c->facts == NULL || c->facts->segments_count == 0) {
        return REELS_OK;
    }
    REELS_TRY(rates_of(c->v, c->facts, &c->sums));
    add_codec(c, c->facts);
    REELS_TRY(add_group(c));
    if (c->sums.complete) {
        reels__check_bandwidth(c->variant, c->sums.peak, c->sums.average, c->finder);
    }
    if (c->codecs_known) {
        reels__check_codecs(c->variant, c->codecs, c->codecs_count, c->finder);
    }
    if (c->facts->is_video && c->facts->width > 0) {
        reels__check_resolution(c->variant, c->facts, c->finder);
    }
    if (c->facts->is_video && c->facts->readable) {
        check_frame_rate(c->variant, c->facts, c->finder);
    }
    return REELS_OK;
}

/* Names within a group are unique, one is the default, a default is selectable. */
static void check_renditions(const struct reels__m3u8 *master, struct reels__finder *finder)
{
    for (size_t i = 0; i < master->renditions_count; i++) {
        const struct reels__m3u8_rendition *a = &master->renditions[i];
        if (a->is_default && !a->autoselect) {
            reels__find(finder,
                        REELS_VERIFY_GROUP,
                        "line %u: DEFAULT=YES with AUTOSELECT=NO",
                        (unsigned)a->line);
        }
        for (size_t j = 0; j < i; j++) {
            const struct reels__m3u8_rendition *b = &master->renditions[j];
            if (!reels__text_same(a->type, b->type) || !reels__text_same(a->group, b->group)) {
                continue;
            }
            if (reels__text_same(a->name, b->name)) {
                reels__find(finder,
                            REELS_VERIFY_GROUP,
                            "line %u: two renditions of a group have one NAME",
                            (unsigned)a->line);
            }
            if (a->is_default && b->is_default) {
                reels__find(finder,
                            REELS_VERIFY_GROUP,
                            "line %u: two renditions of a group are the default",
                            (unsigned)a->line);
            }
        }
    }
}

static void check_reference(const struct reels__m3u8 *master,
                            struct reels__text group,
                            const char *type,
                            uint32_t line,
                            struct reels__finder *finder)
{
    if (group.data == NULL || reels__text_is(group, "NONE")) {
        return;
    }
    for (size_t i = 0; i < master->renditions_count; i++) {
        if (reels__text_is(master->renditions[i].type, type) &&
            reels__text_same(master->renditions[i].group, group)) {
            return;
        }
    }
    reels__find(finder,
                REELS_VERIFY_GROUP,
                "line %u: there is no %s group \"%.*s\"",
                (unsigned)line,
                type,
                (int)(group.len < 60 ? group.len : 60),
                group.data);
}

static int64_t start_us(const struct reels__rendition_facts *facts, size_t i)
{
    double us = (double)facts->segments[i].start * 1e6 / (double)facts->timescale;
    return us < 1e17 ? (int64_t)(us + 0.5) : (int64_t)100000000000000000;
}

/* All video renditions are cut at the same times as the first one. */
static void check_alignment(struct reels__verify *v, struct reels__finder *finder)
{
    const struct reels__rendition_facts *first = NULL;
    for (size_t r = 0; r < v->renditions_count; r++) {
        const struct reels__rendition_facts *facts = v->renditions[r];
        if (!facts->is_video || !facts->readable) {
            continue;
        }
        if (first == NULL) {
            first = facts;
            continue;
        }
        finder->file = facts->name;
        if (facts->segments_count != first->segments_count) {
            reels__find(finder,
                        REELS_VERIFY_ALIGNMENT,
                        "%zu segments, but %s has %zu",
                        facts->segments_count,
                        first->name,
                        first->segments_count);
            continue;
        }
        for (size_t i = 0; i < facts->segments_count; i++) {
            int64_t off = start_us(facts, i) - start_us(first, i);
            if (off > ALIGNMENT_US || off < -ALIGNMENT_US) {
                finder->segment = (int32_t)i;
                reels__find(finder,
                            REELS_VERIFY_ALIGNMENT,
                            "starts at %lld us, in %s at %lld us",
                            (long long)start_us(facts, i),
                            first->name,
                            (long long)start_us(first, i));
                finder->segment = -1;
                break;
            }
        }
    }
}

reels_status reels__verify_master(struct reels__verify *v,
                                  const struct reels__m3u8 *master,
                                  struct reels__finder *finder)
{
    const char *file = finder->file;
    if (master->variants_count == 0) {
        reels__find(finder, REELS_VERIFY_TAG_MISSING, "the master playlist has no variant");
    }
    check_renditions(master, finder);
    for (size_t i = 0; i < master->variants_count; i++) {
        const struct reels__m3u8_variant *variant = &master->variants[i];
        struct variant_check check = {
            .v = v, .master = master, .variant = variant, .finder = finder};
        check_reference(master, variant->video, "VIDEO", variant->line, finder);
        check_reference(master, variant->subtitles, "SUBTITLES", variant->line, finder);
        check_reference(master, variant->captions, "CLOSED-CAPTIONS", variant->line, finder);
        REELS_TRY(check_variant(&check));
    }
    /* Renditions that no variant refers to are looked at all the same. */
    for (size_t i = 0; i < master->renditions_count; i++) {
        char name[REELS__VERIFY_PATH_BYTES_MAX];
        struct reels__rendition_facts *facts = NULL;
        if (reels__text_is(master->renditions[i].type, "AUDIO") &&
            master->renditions[i].uri.data != NULL &&
            reels__verify_resolve(finder, file, master->renditions[i].uri, name)) {
            REELS_TRY(reels__verify_rendition(v, name, &facts));
        }
    }
    check_alignment(v, finder);
    finder->file = file;
    REELS_TRY(reels__verify_iframes(v, master, finder));
    v->report->summary.variants_count = (uint32_t)master->variants_count;
    return finder->status;
}
