/* Owns the check of playlists of key frames: each entry is the beginning of a segment that was
 * looked at before, down to the end of its first picture, and lasts until the next entry. */
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "verify_internal.h"

enum {
    EXTINF_OFF_US = 100001 /* the longest frame there is, and rounding */
};

struct iframes {
    struct reels__verify *v;
    const struct reels__m3u8 *playlist;
    struct reels__finder *finder;
    const struct reels__rendition_facts *facts; /* NULL until an entry was found */
    size_t next;                                /* its segment behind the last entry */
};

/* The place of a segment that begins there, or the number of segments. */
static size_t
find_in(const struct reels__rendition_facts *facts, size_t from, uint64_t file, uint64_t offset)
{
    for (size_t i = from; i < facts->segments_count; i++) {
        const struct reels__segment_facts *fact = &facts->segments[i];
        if (fact->known && fact->file == file && fact->offset == offset) {
            return i;
        }
    }
    return facts->segments_count;
}

/* Finds the rendition whose pictures these are by the first entry. */
static void find_rendition(struct iframes *f, uint64_t file, uint64_t offset)
{
    for (size_t i = 0; i < f->v->renditions_count && f->facts == NULL; i++) {
        const struct reels__rendition_facts *facts = f->v->renditions[i];
        if (facts->is_video && find_in(facts, 0, file, offset) < facts->segments_count) {
            f->facts = facts;
        }
    }
}

/* The init segment is the rendition's. */
static reels_status check_map(struct iframes *f)
{
    char name[REELS__VERIFY_PATH_BYTES_MAX];
    const struct reels__m3u8_map *map = f->playlist->maps;
    if (f->playlist->maps_count == 0) {
        reels__find(f->finder, REELS_VERIFY_TAG_MISSING, "EXT-X-MAP is missing");
        return REELS_OK;
    }
    if (f->facts == NULL || !reels__verify_resolve(f->finder, f->finder->file, map->uri, name)) {
        return REELS_OK;
    }
    int read = reels__verify_read(
        f->v, f->finder, name, &map->range, REELS__MP4_INIT_BYTES_MAX, f->v->segment);
    if (read <= 0) {
        return read;
    }
    const reels_buf *init = f->v->segment;
    if (reels__xxh3_64(reels_buf_data(init), reels_buf_len(init), 0) != f->facts->init_hash) {
        reels__find(f->finder,
                    REELS_VERIFY_BOX,
                    "line %u: the init segment is not that of %s",
                    (unsigned)map->line,
                    f->facts->name);
    }
    return REELS_OK;
}

/* The length of the rendition's segments from `from` up to `to`. */
static int64_t lasting_us(const struct reels__rendition_facts *facts, size_t from, size_t to)
{
    int64_t sum = 0;
    for (size_t i = from; i < to; i++) {
        sum += facts->segments[i].extinf_us;
    }
    return sum;
}

static void
check_extinf(struct iframes *f, const struct reels__m3u8_segment *entry, size_t from, size_t to)
{
    int64_t lasts = lasting_us(f->facts, from, to);
    int64_t off = entry->duration_us - lasts;
    if (off > EXTINF_OFF_US || off < -EXTINF_OFF_US) {
        reels__find(f->finder,
                    REELS_VERIFY_EXTINF,
                    "line %u: EXTINF is %lld us, the next picture comes after %lld us",
                    (unsigned)entry->line,
                    (long long)entry->duration_us,
                    (long long)lasts);
    }
}

static void check_range(struct iframes *f,
                        const struct reels__m3u8_segment *entry,
                        const struct reels__segment_facts *fact)
{
    uint64_t len = entry->range.present ? entry->range.len : fact->bytes;
    if (len < fact->key_bytes || len > fact->bytes) {
        reels__find(f->finder,
                    REELS_VERIFY_BYTERANGE,
                    "line %u: %llu bytes, the picture ends after %llu and its segment after %llu",
                    (unsigned)entry->line,
                    (unsigned long long)len,
                    (unsigned long long)fact->key_bytes,
                    (unsigned long long)fact->bytes);
    }
}

/* Looks at an entry; the one before it, at segment *last, is then known to last until here. */
static void check_entry(struct iframes *f, size_t index, size_t *last)
{
    char name[REELS__VERIFY_PATH_BYTES_MAX];
    const struct reels__m3u8_segment *entry = &f->playlist->segments[index];
    uint64_t offset = entry->range.present ? entry->range.offset : 0;
    if (!reels__verify_resolve(f->finder, f->finder->file, entry->uri, name)) {
        return;
    }
    uint64_t file = reels__xxh3_64(name, strlen(name), 0);
    if (f->facts == NULL) {
        find_rendition(f, file, offset);
    }
    size_t at = f->facts != NULL ? find_in(f->facts, f->next, file, offset) : 0;
    if (f->facts == NULL || at == f->facts->segments_count) {
        reels__find(f->finder,
                    REELS_VERIFY_KEY_FRAME,
                    "line %u: no segment behind the last entry begins there",
                    (unsigned)entry->line);
        return;
    }
    if (f->next > 0) {
        check_extinf(f, &f->playlist->segments[index - 1], *last, at);
    }
    check_range(f, entry, &f->facts->segments[at]);
    *last = at;
    f->next = at + 1;
}

static reels_status check_entries(struct iframes *f)
{
    size_t last = 0;
    size_t count = f->playlist->segments_count;
    if (!f->playlist->i_frames_only) {
        reels__find(f->finder, REELS_VERIFY_TAG_MISSING, "EXT-X-I-FRAMES-ONLY is missing");
    }
    if (!f->playlist->endlist) {
        reels__find(f->finder, REELS_VERIFY_ENDLIST, "EXT-X-ENDLIST is missing");
    }
    for (size_t i = 0; i < count; i++) {
        check_entry(f, i, &last);
    }
    if (f->next > 0) {
        check_extinf(f, &f->playlist->segments[count - 1], last, f->facts->segments_count);
    }
    return check_map(f);
}

/* The rates of the ranges alone. */
static reels_status
check_rates(struct iframes *f, const struct reels__m3u8_variant *line, struct reels__finder *master)
{
    size_t count = f->playlist->segments_count;
    struct reels__rate_segment *rates = reels__mem_calloc(f->v->ctx, count, sizeof *rates);
    if (rates == NULL) {
        return reels__fail(
            f->v->err, REELS_ERR_NO_MEMORY, "verify: no memory for %zu key frames", count);
    }
    for (size_t i = 0; i < count; i++) {
        const struct reels__m3u8_segment *entry = &f->playlist->segments[i];
        rates[i] = (struct reels__rate_segment){.bytes = entry->range.len,
                                                .duration_us = entry->duration_us};
    }
    reels__check_bandwidth(line,
                           reels__rate_peak(rates, count, f->playlist->target_duration_s),
                           reels__rate_average(rates, count),
                           master);
    reels__mem_free(f->v->ctx, rates);
    return REELS_OK;
}

static reels_status check_claims(struct iframes *f,
                                 const struct reels__m3u8_variant *line,
                                 struct reels__finder *master)
{
    if (f->facts == NULL) {
        return REELS_OK;
    }
    const char *codecs[] = {f->facts->codecs};
    if (codecs[0][0] != '\0') {
        reels__check_codecs(line, codecs, 1, master);
    }
    if (f->facts->width > 0) {
        reels__check_resolution(line, f->facts, master);
    }
    return check_rates(f, line, master);
}

static reels_status verify_one(struct reels__verify *v,
                               const struct reels__m3u8_variant *line,
                               struct reels__finder *master)
{
    char name[REELS__VERIFY_PATH_BYTES_MAX];
    struct reels__m3u8 playlist = {0};
    reels_buf *text = NULL;
    if (!reels__verify_resolve(master, master->file, line->uri, name)) {
        return REELS_OK;
    }
    struct reels__finder finder = {.report = v->report, .file = name, .segment = -1};
    struct iframes f = {.v = v, .playlist = &playlist, .finder = &finder};
    reels_status status = reels__verify_playlist(v, &finder, name, &text, &playlist);
    if (status == 1 && playlist.segments_count == 0) {
        reels__find(&finder, REELS_VERIFY_TAG_MISSING, "the playlist has no key frame");
    } else if (status == 1) {
        v->report->summary.playlists_count++;
        status = check_entries(&f);
        status = status < 0 ? status : check_claims(&f, line, master);
    }
    reels__m3u8_dispose(&playlist);
    reels_buf_free(text);
    return status < 0 ? status : finder.status;
}

reels_status reels__verify_iframes(struct reels__verify *v,
                                   const struct reels__m3u8 *master,
                                   struct reels__finder *finder)
{
    for (size_t i = 0; i < master->iframes_count; i++) {
        REELS_TRY(verify_one(v, &master->iframes[i], finder));
    }
    return REELS_OK;
}
