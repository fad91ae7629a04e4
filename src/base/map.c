/* Linear probing at a load of at most 3/4; removal shifts the following slots back, so that there
 * are no tombstones and lookups stay short. Invariant: from a key's home slot to its slot there is
 * no empty one. */
#include "map.h"

#include <string.h>

#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"

enum {
    MAP_SLOTS_FIRST = 16,
    MAP_ITEMS_MAX_DEFAULT = 16 * 1024 * 1024
};

/* What is looked for: a number, or bytes. */
struct map_key {
    const void *bytes; /* NULL for a number */
    size_t len;
    uint64_t number;
    uint64_t hash;
};

static uint64_t hash_of(const struct reels__map *map, const void *data, size_t len)
{
    /* 0 marks an empty slot; the top bit is spare, since no map has 2^63 slots. */
    return reels__xxh3_64(data, len, map->seed) | (UINT64_C(1) << 63);
}

static struct map_key key_number(const struct reels__map *map, uint64_t number)
{
    struct map_key key = {.number = number, .hash = hash_of(map, &number, sizeof number)};
    return key;
}

static struct map_key key_bytes(const struct reels__map *map, const void *bytes, size_t len)
{
    struct map_key key = {
        .bytes = len > 0 ? bytes : "", .len = len, .hash = hash_of(map, len > 0 ? bytes : "", len)};
    return key;
}

static const void *slot_bytes(const struct reels__map_slot *slot)
{
    return (const void *)(uintptr_t)slot->key;
}

static int slot_holds(const struct reels__map_slot *slot, const struct map_key *key)
{
    if (slot->hash != key->hash) {
        return 0;
    }
    if (key->bytes == NULL) {
        return slot->key == key->number;
    }
    return slot->key_len == key->len && memcmp(slot_bytes(slot), key->bytes, key->len) == 0;
}

static reels_status
map_init(struct reels__map *map, const reels_ctx *ctx, size_t items_max, reels_error *err)
{
    memset(map, 0, sizeof *map);
    uint8_t seed[8];
    REELS_TRY(reels__random_fill(ctx, seed, sizeof seed, err));
    map->ctx = ctx;
    map->items_max = items_max != 0 ? items_max : MAP_ITEMS_MAX_DEFAULT;
    memcpy(&map->seed, seed, sizeof seed);
    return REELS_OK;
}

static struct reels__map_slot *map_find(const struct reels__map *map, const struct map_key *key)
{
    if (map->slots_count == 0) {
        return NULL;
    }
    size_t mask = map->slots_count - 1;
    for (size_t i = (size_t)key->hash & mask; map->slots[i].hash != 0; i = (i + 1) & mask) {
        if (slot_holds(&map->slots[i], key)) {
            return &map->slots[i];
        }
    }
    return NULL;
}

static struct reels__map_slot *slot_empty_for(struct reels__map *map, uint64_t hash)
{
    size_t mask = map->slots_count - 1;
    size_t i = (size_t)hash & mask;
    while (map->slots[i].hash != 0) {
        i = (i + 1) & mask;
    }
    return &map->slots[i];
}

static reels_status map_grow(struct reels__map *map, reels_error *err)
{
    size_t count = map->slots_count != 0 ? map->slots_count * 2 : MAP_SLOTS_FIRST;
    struct reels__map_slot *slots = reels__mem_calloc(map->ctx, count, sizeof *slots);
    if (slots == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "map: no memory for %zu slots", count);
    }
    struct reels__map_slot *old = map->slots;
    size_t old_count = map->slots_count;
    map->slots = slots;
    map->slots_count = count;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].hash != 0) {
            *slot_empty_for(map, old[i].hash) = old[i];
        }
    }
    reels__mem_free(map->ctx, old);
    return REELS_OK;
}

/* Adds a key that is not there, with value 0. */
static reels_status map_add(struct reels__map *map,
                            const struct map_key *key,
                            struct reels__map_slot **out_slot,
                            reels_error *err)
{
    if (map->items_count >= map->items_max) {
        return reels__fail(err, REELS_ERR_LIMIT, "map: %zu keys are its maximum", map->items_max);
    }
    if (map->items_count >= map->slots_count - map->slots_count / 4) {
        REELS_TRY(map_grow(map, err));
    }
    uint64_t stored = key->number;
    if (key->bytes != NULL) {
        void *copy = reels__mem_dup(map->ctx, key->bytes, key->len);
        if (copy == NULL) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "map: no memory for a key");
        }
        stored = (uint64_t)(uintptr_t)copy;
    }
    struct reels__map_slot *slot = slot_empty_for(map, key->hash);
    *slot = (struct reels__map_slot){.hash = key->hash, .key = stored, .key_len = key->len};
    map->items_count++;
    *out_slot = slot;
    return REELS_OK;
}

/* Empties a slot and shifts back what probed past it. */
static void map_drop(struct reels__map *map, struct reels__map_slot *slot)
{
    size_t mask = map->slots_count - 1;
    size_t hole = (size_t)(slot - map->slots);
    for (size_t i = (hole + 1) & mask; map->slots[i].hash != 0; i = (i + 1) & mask) {
        size_t home = (size_t)map->slots[i].hash & mask;
        /* It may move when its home is not inside (hole, i], counted around the ring. */
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            map->slots[hole] = map->slots[i];
            hole = i;
        }
    }
    memset(&map->slots[hole], 0, sizeof map->slots[hole]);
    map->items_count--;
}

static const struct reels__map_slot *map_next(const struct reels__map *map, size_t *cursor)
{
    while (*cursor < map->slots_count) {
        const struct reels__map_slot *slot = &map->slots[(*cursor)++];
        if (slot->hash != 0) {
            return slot;
        }
    }
    return NULL;
}

static void map_empty(struct reels__map *map)
{
    if (map->items_count > 0) {
        memset(map->slots, 0, map->slots_count * sizeof *map->slots);
        map->items_count = 0;
    }
}

reels_status reels__map_u64_init(struct reels__map_u64 *map,
                                 const reels_ctx *ctx,
                                 size_t items_max,
                                 reels_error *err)
{
    return map_init(&map->map, ctx, items_max, err);
}

void reels__map_u64_dispose(struct reels__map_u64 *map)
{
    if (map->map.slots != NULL) {
        reels__mem_free(map->map.ctx, map->map.slots);
    }
    memset(map, 0, sizeof *map);
}

void reels__map_u64_clear(struct reels__map_u64 *map)
{
    map_empty(&map->map);
}

size_t reels__map_u64_count(const struct reels__map_u64 *map)
{
    return map->map.items_count;
}

reels_status reels__map_u64_upsert(struct reels__map_u64 *map,
                                   uint64_t key,
                                   uint64_t **out_value,
                                   reels_error *err)
{
    struct map_key wanted = key_number(&map->map, key);
    struct reels__map_slot *slot = map_find(&map->map, &wanted);
    if (slot == NULL) {
        REELS_TRY(map_add(&map->map, &wanted, &slot, err));
    }
    REELS_INVARIANT(slot != NULL, err);
    *out_value = &slot->value;
    return REELS_OK;
}

reels_status
reels__map_u64_put(struct reels__map_u64 *map, uint64_t key, uint64_t value, reels_error *err)
{
    uint64_t *place = NULL;
    REELS_TRY(reels__map_u64_upsert(map, key, &place, err));
    *place = value;
    return REELS_OK;
}

int reels__map_u64_get(const struct reels__map_u64 *map, uint64_t key, uint64_t *out_value)
{
    struct map_key wanted = key_number(&map->map, key);
    const struct reels__map_slot *slot = map_find(&map->map, &wanted);
    if (slot != NULL && out_value != NULL) {
        *out_value = slot->value;
    }
    return slot != NULL;
}

int reels__map_u64_remove(struct reels__map_u64 *map, uint64_t key, uint64_t *out_old)
{
    struct map_key wanted = key_number(&map->map, key);
    struct reels__map_slot *slot = map_find(&map->map, &wanted);
    if (slot == NULL) {
        return 0;
    }
    if (out_old != NULL) {
        *out_old = slot->value;
    }
    map_drop(&map->map, slot);
    return 1;
}

int reels__map_u64_next(const struct reels__map_u64 *map,
                        size_t *cursor,
                        uint64_t *out_key,
                        uint64_t *out_value)
{
    const struct reels__map_slot *slot = map_next(&map->map, cursor);
    if (slot == NULL) {
        return 0;
    }
    *out_key = slot->key;
    *out_value = slot->value;
    return 1;
}

reels_status reels__map_bytes_init(struct reels__map_bytes *map,
                                   const reels_ctx *ctx,
                                   size_t items_max,
                                   reels_error *err)
{
    return map_init(&map->map, ctx, items_max, err);
}

static void slot_key_free(const struct reels__map *map, const struct reels__map_slot *slot)
{
    reels__mem_free(map->ctx, (void *)(uintptr_t)slot->key);
}

void reels__map_bytes_clear(struct reels__map_bytes *map)
{
    size_t cursor = 0;
    const struct reels__map_slot *slot = NULL;
    while ((slot = map_next(&map->map, &cursor)) != NULL) {
        slot_key_free(&map->map, slot);
    }
    map_empty(&map->map);
}

void reels__map_bytes_dispose(struct reels__map_bytes *map)
{
    if (map->map.slots != NULL) {
        reels__map_bytes_clear(map);
        reels__mem_free(map->map.ctx, map->map.slots);
    }
    memset(map, 0, sizeof *map);
}

size_t reels__map_bytes_count(const struct reels__map_bytes *map)
{
    return map->map.items_count;
}

reels_status reels__map_bytes_put(struct reels__map_bytes *map,
                                  const void *key,
                                  size_t key_len,
                                  void *value,
                                  void **out_old,
                                  reels_error *err)
{
    struct map_key wanted = key_bytes(&map->map, key, key_len);
    struct reels__map_slot *slot = map_find(&map->map, &wanted);
    if (slot == NULL) {
        REELS_TRY(map_add(&map->map, &wanted, &slot, err));
    }
    REELS_INVARIANT(slot != NULL, err);
    if (out_old != NULL) {
        *out_old = (void *)(uintptr_t)slot->value;
    }
    slot->value = (uint64_t)(uintptr_t)value;
    return REELS_OK;
}

static struct reels__map_slot *
bytes_find(const struct reels__map_bytes *map, const void *key, size_t key_len)
{
    struct map_key wanted = key_bytes(&map->map, key, key_len);
    return map_find(&map->map, &wanted);
}

void *reels__map_bytes_get(const struct reels__map_bytes *map, const void *key, size_t key_len)
{
    const struct reels__map_slot *slot = bytes_find(map, key, key_len);
    return slot != NULL ? (void *)(uintptr_t)slot->value : NULL;
}

int reels__map_bytes_has(const struct reels__map_bytes *map, const void *key, size_t key_len)
{
    return bytes_find(map, key, key_len) != NULL;
}

void *reels__map_bytes_remove(struct reels__map_bytes *map, const void *key, size_t key_len)
{
    struct reels__map_slot *slot = bytes_find(map, key, key_len);
    if (slot == NULL) {
        return NULL;
    }
    void *value = (void *)(uintptr_t)slot->value;
    slot_key_free(&map->map, slot);
    map_drop(&map->map, slot);
    return value;
}

int reels__map_bytes_next(const struct reels__map_bytes *map,
                          size_t *cursor,
                          const uint8_t **out_key,
                          size_t *out_key_len,
                          void **out_value)
{
    const struct reels__map_slot *slot = map_next(&map->map, cursor);
    if (slot == NULL) {
        return 0;
    }
    *out_key = slot_bytes(slot);
    *out_key_len = slot->key_len;
    *out_value = (void *)(uintptr_t)slot->value;
    return 1;
}
