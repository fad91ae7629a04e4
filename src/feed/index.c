/* Owns the index of what may be shown; see index.h. */
#include "index.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "rank.h"

enum {
    SLOTS_FIRST = 256,
    READS = 3, /* of a reel that was counted: at once, soon, and once every window is over */
    READ_SOON_US = 2000000,
    READ_LATE_US = 65000000,
    SWEEP_PART = 16, /* past the limit one in so many goes: the oldest */
    RANK_PART = 4096 /* reels that ranking looks at before it lets others at the index */
};

reels_status reels__feed_index_init(struct reels__feed_index *index,
                                    const reels_ctx *ctx,
                                    size_t reels_max,
                                    reels_error *err)
{
    memset(index, 0, sizeof(*index));
    if (pthread_mutex_init(&index->lock, NULL) != 0) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no lock for the feed's index");
    }
    index->ctx = ctx;
    index->reels_max = reels_max;
    index->read_mono_us = INT64_MAX;
    REELS_TRY(reels__map_u64_init(&index->by_reel, ctx, reels_max + 1, err));
    return reels__map_u64_init(&index->by_creator, ctx, reels_max + 1, err);
}

void reels__feed_index_dispose(struct reels__feed_index *index)
{
    if (index->ctx == NULL) {
        return;
    }
    reels__mem_free(index->ctx, index->fresh);
    reels__mem_free(index->ctx, index->slots);
    reels__map_u64_dispose(&index->by_creator);
    reels__map_u64_dispose(&index->by_reel);
    (void)pthread_mutex_destroy(&index->lock);
    memset(index, 0, sizeof(*index));
}

/* ---- under the lock ---- */

static struct reels__feed_slot *find(struct reels__feed_index *index, uint64_t reel_id)
{
    uint64_t position = 0;
    if (!reels__map_u64_get(&index->by_reel, reel_id, &position)) {
        return NULL;
    }
    return &index->slots[position];
}

static void read_later(struct reels__feed_index *index, struct reels__feed_slot *slot, int64_t due)
{
    slot->read_mono_us = due;
    index->read_mono_us = due < index->read_mono_us ? due : index->read_mono_us;
}

static reels_status reserve_slot(struct reels__feed_index *index, reels_error *err)
{
    if (index->free_slot != 0 || index->slots_count < index->slots_capacity) {
        return REELS_OK;
    }
    size_t capacity = index->slots_capacity == 0 ? SLOTS_FIRST : index->slots_capacity * 2;
    struct reels__feed_slot *slots =
        reels__mem_realloc(index->ctx, index->slots, capacity * sizeof(*slots));
    if (slots == NULL) {
        return reels__fail(
            err, REELS_ERR_NO_MEMORY, "no memory for %zu reels in the feed", capacity);
    }
    index->slots = slots;
    index->slots_capacity = capacity;
    return REELS_OK;
}

static uint32_t take_slot(struct reels__feed_index *index)
{
    if (index->free_slot != 0) {
        uint32_t position = index->free_slot - 1;
        index->free_slot = index->slots[position].next_of_creator;
        return position;
    }
    return (uint32_t)index->slots_count++;
}

/* Takes a slot out of its creator's chain, if it is in it. */
static void unlink_creator(struct reels__feed_index *index, uint32_t position)
{
    const struct reels__feed_slot *slot = &index->slots[position];
    uint64_t creator_id = slot->entry.creator_id;
    uint64_t head = 0;
    if (slot->previous_of_creator != 0) {
        index->slots[slot->previous_of_creator - 1].next_of_creator = slot->next_of_creator;
    } else if (!reels__map_u64_get(&index->by_creator, creator_id, &head) || head != position) {
        return;
    } else if (slot->next_of_creator != 0) {
        /* The key is there: no memory is taken. */
        (void)reels__map_u64_put(&index->by_creator, creator_id, slot->next_of_creator - 1, NULL);
    } else {
        (void)reels__map_u64_remove(&index->by_creator, creator_id, NULL);
    }
    if (slot->next_of_creator != 0) {
        index->slots[slot->next_of_creator - 1].previous_of_creator = slot->previous_of_creator;
    }
}

/* Puts a slot into its creator's chain, which goes from the newest to the oldest. */
static reels_status
link_creator(struct reels__feed_index *index, uint32_t position, reels_error *err)
{
    struct reels__feed_slot *slot = &index->slots[position];
    uint64_t head = 0;
    uint32_t before = 0; /* position + 1, like `next` */
    uint32_t next = reels__map_u64_get(&index->by_creator, slot->entry.creator_id, &head)
                        ? (uint32_t)head + 1
                        : 0;
    while (next != 0 && index->slots[next - 1].entry.ready_unix_us > slot->entry.ready_unix_us) {
        before = next;
        next = index->slots[next - 1].next_of_creator;
    }
    if (before == 0) {
        REELS_TRY(reels__map_u64_put(&index->by_creator, slot->entry.creator_id, position, err));
    } else {
        index->slots[before - 1].next_of_creator = position + 1;
    }
    if (next != 0) {
        index->slots[next - 1].previous_of_creator = position + 1;
    }
    slot->previous_of_creator = before;
    slot->next_of_creator = next;
    return REELS_OK;
}

static void remove_at(struct reels__feed_index *index, uint32_t position)
{
    struct reels__feed_slot *slot = &index->slots[position];
    unlink_creator(index, position);
    (void)reels__map_u64_remove(&index->by_reel, slot->entry.reel_id, NULL);
    memset(slot, 0, sizeof(*slot));
    slot->next_of_creator = index->free_slot;
    index->free_slot = position + 1;
    index->reels_count--;
    index->reels_changed = 1;
}

static int by_age(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* Makes room by forgetting the oldest part. */
static reels_status make_room(struct reels__feed_index *index, reels_error *err)
{
    if (index->reels_count < index->reels_max) {
        return REELS_OK;
    }
    REELS_INVARIANT(index->slots != NULL, err);
    int64_t *ages = reels__mem_calloc(index->ctx, index->slots_count, sizeof(*ages));
    if (ages == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to make room in the feed's index");
    }
    size_t count = 0;
    for (size_t i = 0; i < index->slots_count; i++) {
        if (index->slots[i].entry.reel_id != 0) {
            ages[count++] = index->slots[i].entry.ready_unix_us;
        }
    }
    qsort(ages, count, sizeof(*ages), by_age);
    int64_t limit = ages[count / SWEEP_PART];
    reels__mem_free(index->ctx, ages);
    for (size_t i = 0; i < index->slots_count; i++) {
        if (index->slots[i].entry.reel_id != 0 && index->slots[i].entry.ready_unix_us <= limit) {
            remove_at(index, (uint32_t)i);
        }
    }
    return REELS_OK;
}

static reels_status
put_locked(struct reels__feed_index *index, const reels_reel *reel, reels_error *err)
{
    struct reels__feed_slot *slot = find(index, reel->id);
    if (slot != NULL) {
        return REELS_OK; /* nothing that the index holds of a reel changes once it is READY */
    }
    REELS_TRY(make_room(index, err));
    REELS_TRY(reserve_slot(index, err));
    REELS_INVARIANT(index->slots != NULL, err);
    uint32_t position = take_slot(index);
    slot = &index->slots[position];
    *slot = (struct reels__feed_slot){.entry = {.reel_id = reel->id,
                                                .creator_id = reel->creator_id,
                                                .ready_unix_us = reel->ready_unix_us,
                                                .duration_us = reel->duration_us},
                                      .reads = READS - 1};
    read_later(index, slot, INT64_MIN);
    index->reels_count++;
    index->reels_changed = 1;
    reels_status status = reels__map_u64_put(&index->by_reel, reel->id, position, err);
    if (status == REELS_OK) {
        status = link_creator(index, position, err);
    }
    if (status < 0) {
        remove_at(index, position);
    }
    return status;
}

static size_t copy_list(struct reels__feed_index *index,
                        const uint64_t *ids,
                        size_t ids_count,
                        size_t *at,
                        struct reels__feed_entry *out,
                        size_t capacity)
{
    size_t count = 0;
    for (; *at < ids_count && count < capacity; (*at)++) {
        const struct reels__feed_slot *slot = find(index, ids[*at]);
        if (slot != NULL) {
            out[count++] = slot->entry;
        }
    }
    return count;
}

/* ---- calls ---- */

reels_status
reels__feed_index_put(struct reels__feed_index *index, const reels_reel *reel, reels_error *err)
{
    (void)pthread_mutex_lock(&index->lock);
    reels_status status = put_locked(index, reel, err);
    (void)pthread_mutex_unlock(&index->lock);
    return status;
}

void reels__feed_index_remove(struct reels__feed_index *index, uint64_t reel_id)
{
    uint64_t position = 0;
    (void)pthread_mutex_lock(&index->lock);
    if (reels__map_u64_get(&index->by_reel, reel_id, &position)) {
        remove_at(index, (uint32_t)position);
    }
    (void)pthread_mutex_unlock(&index->lock);
}

void reels__feed_index_touch(struct reels__feed_index *index, uint64_t reel_id, int64_t now_mono_us)
{
    (void)pthread_mutex_lock(&index->lock);
    struct reels__feed_slot *slot = find(index, reel_id);
    if (slot != NULL) {
        if (slot->reads == 0 || slot->read_mono_us > now_mono_us) {
            read_later(index, slot, now_mono_us);
        }
        slot->reads = READS;
    }
    (void)pthread_mutex_unlock(&index->lock);
}

size_t reels__feed_index_take_unread(struct reels__feed_index *index,
                                     int64_t now_mono_us,
                                     uint64_t *out,
                                     size_t capacity)
{
    size_t count = 0;
    size_t looked = 0;
    (void)pthread_mutex_lock(&index->lock);
    int64_t due_before = index->read_mono_us;
    if (due_before <= now_mono_us) {
        index->read_mono_us = INT64_MAX;
        for (; looked < index->slots_count && count < capacity; looked++) {
            index->read_at = index->read_at + 1 < index->slots_count ? index->read_at + 1 : 0;
            struct reels__feed_slot *slot = &index->slots[index->read_at];
            if (slot->reads == 0 || slot->entry.reel_id == 0) {
                continue;
            }
            if (slot->read_mono_us <= now_mono_us) {
                out[count++] = slot->entry.reel_id;
                slot->reads--;
                slot->read_mono_us = now_mono_us + (slot->reads > 1 ? READ_SOON_US : READ_LATE_US);
            }
            if (slot->reads > 0) {
                read_later(index, slot, slot->read_mono_us);
            }
        }
        if (looked < index->slots_count) {
            index->read_mono_us = due_before; /* not all were looked at */
        }
    }
    (void)pthread_mutex_unlock(&index->lock);
    return count;
}

void reels__feed_index_count(struct reels__feed_index *index,
                             const struct reels__feed_entry *counts)
{
    (void)pthread_mutex_lock(&index->lock);
    struct reels__feed_slot *slot = find(index, counts->reel_id);
    if (slot != NULL) {
        slot->entry.trend = counts->trend;
        slot->entry.trend_unix_us = counts->trend_unix_us;
        slot->entry.views = counts->views;
        slot->entry.completions = counts->completions;
        slot->entry.likes = counts->likes;
        slot->entry.skips = counts->skips;
        index->counts_changed = 1;
    }
    (void)pthread_mutex_unlock(&index->lock);
}

/* ---- ranking ---- */

struct ranked {
    double key;
    uint64_t reel_id;
};

/* Those with the largest keys that were offered. */
struct top {
    struct ranked items[REELS__FEED_TOP_MAX]; /* a heap: no item comes before its parent */
    size_t count;
};

static int by_key_descending(const void *a, const void *b)
{
    const struct ranked *left = a;
    const struct ranked *right = b;
    if (left->key != right->key) {
        return left->key < right->key ? 1 : -1;
    }
    return (left->reel_id < right->reel_id) - (left->reel_id > right->reel_id);
}

/* Puts an item where the root is, in its place, and the least one there. */
static void top_sink(struct top *top, const struct ranked *item)
{
    size_t at = 0;
    size_t child = 1;
    while (child < top->count) {
        if (child + 1 < top->count &&
            by_key_descending(&top->items[child + 1], &top->items[child]) > 0) {
            child++;
        }
        if (by_key_descending(item, &top->items[child]) >= 0) {
            break;
        }
        top->items[at] = top->items[child];
        at = child;
        child = 2 * at + 1;
    }
    top->items[at] = *item;
}

static void top_offer(struct top *top, const struct ranked *item)
{
    if (top->count == REELS__FEED_TOP_MAX) {
        if (by_key_descending(item, &top->items[0]) < 0) {
            top_sink(top, item);
        }
        return;
    }
    size_t at = top->count++;
    for (; at > 0 && by_key_descending(&top->items[(at - 1) / 2], item) < 0; at = (at - 1) / 2) {
        top->items[at] = top->items[(at - 1) / 2];
    }
    top->items[at] = *item;
}

/* Copies the ages of the reels that lie in [*at, *at + RANK_PART); 0 at the end. */
static int copy_ages(
    struct reels__feed_index *index, size_t *at, struct ranked *out, size_t capacity, size_t *count)
{
    (void)pthread_mutex_lock(&index->lock);
    size_t end = *at + RANK_PART < index->slots_count ? *at + RANK_PART : index->slots_count;
    for (; *at < end && *count < capacity; (*at)++) {
        const struct reels__feed_entry *entry = &index->slots[*at].entry;
        if (entry->reel_id != 0) {
            out[(*count)++] =
                (struct ranked){.key = (double)entry->ready_unix_us, .reel_id = entry->reel_id};
        }
    }
    int more = *at < index->slots_count && *count < capacity;
    (void)pthread_mutex_unlock(&index->lock);
    return more;
}

static reels_status rank_fresh(struct reels__feed_index *index, size_t capacity, reels_error *err)
{
    struct ranked *ranked = reels__mem_calloc(index->ctx, capacity + 1, sizeof(*ranked));
    uint64_t *fresh = reels__mem_calloc(index->ctx, capacity + 1, sizeof(*fresh));
    size_t count = 0;
    size_t at = 0;
    if (ranked == NULL || fresh == NULL) {
        reels__mem_free(index->ctx, fresh);
        reels__mem_free(index->ctx, ranked);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to rank the feed's index");
    }
    while (copy_ages(index, &at, ranked, capacity, &count)) {
    }
    qsort(ranked, count, sizeof(*ranked), by_key_descending);
    for (size_t i = 0; i < count; i++) {
        fresh[i] = ranked[i].reel_id;
    }
    reels__mem_free(index->ctx, ranked);
    (void)pthread_mutex_lock(&index->lock);
    uint64_t *old = index->fresh;
    index->fresh = fresh;
    index->fresh_count = count;
    (void)pthread_mutex_unlock(&index->lock);
    reels__mem_free(index->ctx, old);
    return REELS_OK;
}

/* Offers the reels that lie in [*at, *at + RANK_PART); 0 at the end. */
static int
offer_trends(struct reels__feed_index *index, int64_t now_unix_us, size_t *at, struct top *top)
{
    (void)pthread_mutex_lock(&index->lock);
    size_t end = *at + RANK_PART < index->slots_count ? *at + RANK_PART : index->slots_count;
    for (; *at < end; (*at)++) {
        const struct reels__feed_entry *entry = &index->slots[*at].entry;
        if (entry->reel_id != 0 && entry->trend > 0) {
            struct ranked item = {.key = reels__feed_trend_at(entry, now_unix_us),
                                  .reel_id = entry->reel_id};
            if (item.key > 0) {
                top_offer(top, &item);
            }
        }
    }
    int more = *at < index->slots_count;
    (void)pthread_mutex_unlock(&index->lock);
    return more;
}

static reels_status
rank_trending(struct reels__feed_index *index, int64_t now_unix_us, reels_error *err)
{
    struct top *top = reels__mem_zalloc(index->ctx, sizeof(*top));
    size_t at = 0;
    if (top == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory to rank the feed's index");
    }
    while (offer_trends(index, now_unix_us, &at, top)) {
    }
    qsort(top->items, top->count, sizeof(top->items[0]), by_key_descending);
    (void)pthread_mutex_lock(&index->lock);
    for (size_t i = 0; i < top->count; i++) {
        index->trending[i] = top->items[i].reel_id;
    }
    index->trending_count = top->count;
    (void)pthread_mutex_unlock(&index->lock);
    reels__mem_free(index->ctx, top);
    return REELS_OK;
}

reels_status
reels__feed_index_rank(struct reels__feed_index *index, int64_t now_unix_us, reels_error *err)
{
    (void)pthread_mutex_lock(&index->lock);
    int reels_changed = index->reels_changed;
    int counts_changed = index->counts_changed;
    size_t slots_count = index->slots_count;
    /* What changes from here on is for the next time. */
    index->reels_changed = 0;
    index->counts_changed = 0;
    (void)pthread_mutex_unlock(&index->lock);
    reels_status status = reels_changed ? rank_fresh(index, slots_count, err) : REELS_OK;
    if (status == REELS_OK && (reels_changed || counts_changed)) {
        status = rank_trending(index, now_unix_us, err);
    }
    if (status < 0) {
        (void)pthread_mutex_lock(&index->lock);
        index->reels_changed |= reels_changed;
        index->counts_changed |= counts_changed;
        (void)pthread_mutex_unlock(&index->lock);
    }
    return status;
}

/* ---- reading ---- */

size_t reels__feed_index_fresh(struct reels__feed_index *index,
                               size_t *at,
                               struct reels__feed_entry *out,
                               size_t capacity)
{
    (void)pthread_mutex_lock(&index->lock);
    size_t count = copy_list(index, index->fresh, index->fresh_count, at, out, capacity);
    (void)pthread_mutex_unlock(&index->lock);
    return count;
}

size_t reels__feed_index_trending(struct reels__feed_index *index,
                                  struct reels__feed_entry *out,
                                  size_t capacity)
{
    size_t at = 0;
    (void)pthread_mutex_lock(&index->lock);
    size_t count = copy_list(index, index->trending, index->trending_count, &at, out, capacity);
    (void)pthread_mutex_unlock(&index->lock);
    return count;
}

size_t reels__feed_index_of_creator(struct reels__feed_index *index,
                                    uint64_t creator_id,
                                    struct reels__feed_entry *out,
                                    size_t capacity)
{
    size_t count = 0;
    uint64_t head = 0;
    (void)pthread_mutex_lock(&index->lock);
    uint32_t at =
        reels__map_u64_get(&index->by_creator, creator_id, &head) ? (uint32_t)head + 1 : 0;
    while (at != 0 && count < capacity) {
        out[count++] = index->slots[at - 1].entry;
        at = index->slots[at - 1].next_of_creator;
    }
    (void)pthread_mutex_unlock(&index->lock);
    return count;
}
