/* Owns the windows of sequences and their stored form; see dedupe.h. */
#include "dedupe.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    WORDS = REELS__DEDUPE_WINDOW / 64,
    STATE_VERSION = 2,
    SOURCES_FIRST = 64,
    HEAD_BYTES = 16,       /* version and sources_count of 32 bits, offset of 64 */
    SOURCE_BYTES_MIN = 17, /* source, highest, length of the bitmap */
    BITMAP_BYTES = REELS__DEDUPE_WINDOW / 8
};

struct reels__dedupe_source {
    uint64_t source;
    uint64_t highest;
    uint64_t last_tick;
    uint64_t seen[WORDS]; /* bit i: highest - 1 - i was taken */
};

reels_status reels__dedupe_init(struct reels__dedupe *dedupe,
                                const reels_ctx *ctx,
                                size_t sources_max,
                                reels_error *err)
{
    memset(dedupe, 0, sizeof(*dedupe));
    dedupe->ctx = ctx;
    dedupe->sources_max = sources_max;
    /* An eviction frees a quarter at once, after the limit was passed by one. */
    return reels__map_u64_init(&dedupe->by_source, ctx, sources_max + 1, err);
}

void reels__dedupe_dispose(struct reels__dedupe *dedupe)
{
    reels__map_u64_dispose(&dedupe->by_source);
    reels__mem_free(dedupe->ctx, dedupe->sources);
    dedupe->sources = NULL;
    dedupe->sources_count = 0;
    dedupe->sources_capacity = 0;
}

/* Moves the bitmap up by `distance` and marks the old highest as taken. */
static void advance(struct reels__dedupe_source *entry, uint64_t distance)
{
    uint64_t moved[WORDS] = {0};
    for (uint64_t bit = 0; bit + distance < REELS__DEDUPE_WINDOW && bit < REELS__DEDUPE_WINDOW;
         bit++) {
        if ((entry->seen[bit / 64] >> (bit % 64) & 1) != 0) {
            uint64_t to = bit + distance;
            moved[to / 64] |= UINT64_C(1) << (to % 64);
        }
    }
    if (distance - 1 < REELS__DEDUPE_WINDOW) {
        moved[(distance - 1) / 64] |= UINT64_C(1) << ((distance - 1) % 64);
    }
    memcpy(entry->seen, moved, sizeof(moved));
}

/* The common case of the next number: shift by one, without walking the bits. */
static void advance_one(struct reels__dedupe_source *entry)
{
    uint64_t carry = 1;
    for (size_t i = 0; i < WORDS; i++) {
        uint64_t next = entry->seen[i] >> 63;
        entry->seen[i] = entry->seen[i] << 1 | carry;
        carry = next;
    }
}

static int take_in(struct reels__dedupe_source *entry, uint64_t sequence)
{
    if (sequence > entry->highest) {
        if (sequence == entry->highest + 1) {
            advance_one(entry);
        } else {
            advance(entry, sequence - entry->highest);
        }
        entry->highest = sequence;
        return 1;
    }
    if (sequence == entry->highest) {
        return 0;
    }
    uint64_t bit = entry->highest - 1 - sequence;
    if (bit >= REELS__DEDUPE_WINDOW) {
        return 0;
    }
    uint64_t mask = UINT64_C(1) << (bit % 64);
    if ((entry->seen[bit / 64] & mask) != 0) {
        return 0;
    }
    entry->seen[bit / 64] |= mask;
    return 1;
}

static int by_last_tick(const void *a, const void *b)
{
    const struct reels__dedupe_source *left = a;
    const struct reels__dedupe_source *right = b;
    return (left->last_tick > right->last_tick) - (left->last_tick < right->last_tick);
}

/* Fills the map anew after positions have changed. Its memory is there: no more keys than before.
 */
static reels_status reindex(struct reels__dedupe *dedupe, reels_error *err)
{
    reels__map_u64_clear(&dedupe->by_source);
    for (size_t i = 0; i < dedupe->sources_count; i++) {
        REELS_TRY(reels__map_u64_put(&dedupe->by_source, dedupe->sources[i].source, i, err));
    }
    return REELS_OK;
}

/* Forgets the least recently heard quarter. */
static reels_status evict(struct reels__dedupe *dedupe, reels_error *err)
{
    qsort(dedupe->sources, dedupe->sources_count, sizeof(dedupe->sources[0]), by_last_tick);
    size_t gone = dedupe->sources_count / 4 + 1;
    dedupe->sources_count -= gone;
    memmove(dedupe->sources,
            dedupe->sources + gone,
            dedupe->sources_count * sizeof(dedupe->sources[0]));
    return reindex(dedupe, err);
}

static reels_status
add_source(struct reels__dedupe *dedupe, uint64_t source, size_t *out_at, reels_error *err)
{
    if (dedupe->sources_count >= dedupe->sources_max) {
        REELS_TRY(evict(dedupe, err));
    }
    if (dedupe->sources_count == dedupe->sources_capacity) {
        size_t capacity =
            dedupe->sources_capacity == 0 ? SOURCES_FIRST : dedupe->sources_capacity * 2;
        struct reels__dedupe_source *sources =
            reels__mem_realloc(dedupe->ctx, dedupe->sources, capacity * sizeof(*sources));
        if (sources == NULL) {
            return reels__fail(
                err, REELS_ERR_NO_MEMORY, "no memory for %zu event sources", capacity);
        }
        dedupe->sources = sources;
        dedupe->sources_capacity = capacity;
    }
    REELS_TRY(reels__map_u64_put(&dedupe->by_source, source, dedupe->sources_count, err));
    dedupe->sources[dedupe->sources_count] = (struct reels__dedupe_source){.source = source};
    *out_at = dedupe->sources_count++;
    return REELS_OK;
}

reels_status reels__dedupe_take(struct reels__dedupe *dedupe,
                                uint64_t source,
                                uint64_t sequence,
                                int *out_fresh,
                                reels_error *err)
{
    if (source == 0 || sequence == 0) {
        *out_fresh = 1; /* not numbered */
        return REELS_OK;
    }
    uint64_t found = 0;
    size_t at = 0;
    if (reels__map_u64_get(&dedupe->by_source, source, &found)) {
        at = (size_t)found;
        *out_fresh = take_in(&dedupe->sources[at], sequence);
    } else {
        REELS_TRY(add_source(dedupe, source, &at, err));
        dedupe->sources[at].highest = sequence;
        *out_fresh = 1;
    }
    dedupe->sources[at].last_tick = ++dedupe->tick;
    return REELS_OK;
}

static reels_status
write_source(const struct reels__dedupe_source *entry, reels_buf *buf, reels_error *err)
{
    uint8_t bytes[SOURCE_BYTES_MIN + BITMAP_BYTES];
    size_t used = BITMAP_BYTES;
    reels__le64_put(bytes, entry->source);
    reels__le64_put(bytes + 8, entry->highest);
    for (size_t i = 0; i < WORDS; i++) {
        reels__le64_put(bytes + SOURCE_BYTES_MIN + 8 * i, entry->seen[i]);
    }
    while (used > 0 && bytes[SOURCE_BYTES_MIN + used - 1] == 0) {
        used--;
    }
    bytes[16] = (uint8_t)used;
    return reels_buf_append(buf, bytes, SOURCE_BYTES_MIN + used, err);
}

reels_status
reels__dedupe_write(struct reels__dedupe *dedupe, uint64_t offset, reels_buf *buf, reels_error *err)
{
    uint8_t head[HEAD_BYTES];
    if (dedupe->sources_count > 0) { /* qsort takes no NULL, even of nothing */
        qsort(dedupe->sources, dedupe->sources_count, sizeof(dedupe->sources[0]), by_last_tick);
    }
    REELS_TRY(reindex(dedupe, err));
    reels__le32_put(head, STATE_VERSION);
    reels__le32_put(head + 4, (uint32_t)dedupe->sources_count);
    reels__le64_put(head + 8, offset);
    REELS_TRY(reels_buf_append(buf, head, sizeof(head), err));
    for (size_t i = 0; i < dedupe->sources_count; i++) {
        REELS_TRY(write_source(&dedupe->sources[i], buf, err));
    }
    return REELS_OK;
}

static reels_status
read_source(struct reels__dedupe *dedupe, const uint8_t *data, size_t bitmap_len, reels_error *err)
{
    uint64_t source = reels__le64_get(data);
    uint8_t bitmap[BITMAP_BYTES] = {0};
    size_t at = 0;
    if (source == 0 || reels__le64_get(data + 8) == 0 ||
        (bitmap_len > 0 && data[SOURCE_BYTES_MIN + bitmap_len - 1] == 0)) {
        return reels__fail(err, REELS_ERR_CORRUPT, "stored dedupe state is in no form we write");
    }
    if (reels__map_u64_get(&dedupe->by_source, source, NULL)) {
        return reels__fail(err, REELS_ERR_CORRUPT, "stored dedupe state names a source twice");
    }
    REELS_TRY(add_source(dedupe, source, &at, err));
    if (bitmap_len > 0) {
        memcpy(bitmap, data + SOURCE_BYTES_MIN, bitmap_len);
    }
    struct reels__dedupe_source *entry = &dedupe->sources[at];
    entry->highest = reels__le64_get(data + 8);
    entry->last_tick = ++dedupe->tick;
    for (size_t i = 0; i < WORDS; i++) {
        entry->seen[i] = reels__le64_get(bitmap + 8 * i);
    }
    return REELS_OK;
}

reels_status reels__dedupe_read(struct reels__dedupe *dedupe,
                                const uint8_t *data,
                                size_t len,
                                uint64_t *out_offset,
                                reels_error *err)
{
    *out_offset = 0;
    if (len == 0) {
        return REELS_OK;
    }
    if (len < HEAD_BYTES || reels__le32_get(data) != STATE_VERSION) {
        return reels__fail(err, REELS_ERR_CORRUPT, "stored dedupe state has an unknown version");
    }
    size_t count = reels__le32_get(data + 4);
    size_t at = HEAD_BYTES;
    for (size_t i = 0; i < count; i++) {
        if (len - at < SOURCE_BYTES_MIN || data[at + 16] > BITMAP_BYTES ||
            len - at - SOURCE_BYTES_MIN < data[at + 16]) {
            return reels__fail(err, REELS_ERR_CORRUPT, "stored dedupe state is cut short");
        }
        size_t bitmap_len = data[at + 16];
        REELS_TRY(read_source(dedupe, data + at, bitmap_len, err));
        at += SOURCE_BYTES_MIN + bitmap_len;
    }
    if (at != len) {
        return reels__fail(err, REELS_ERR_CORRUPT, "stored dedupe state has bytes left over");
    }
    *out_offset = reels__le64_get(data + 8);
    return REELS_OK;
}
