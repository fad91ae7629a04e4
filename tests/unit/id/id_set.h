/* Owns the collecting of IDs in tests: a growing list that can say whether it holds one twice. */
#ifndef REELS_TESTS_UNIT_ID_ID_SET_H
#define REELS_TESTS_UNIT_ID_ID_SET_H

#include <stdint.h>
#include <stdlib.h>

struct id_set {
    uint64_t *ids;
    size_t count;
    size_t capacity;
};

static inline void id_set_add(struct id_set *set, uint64_t id)
{
    if (set->count == set->capacity) {
        set->capacity = set->capacity == 0 ? 1024 : set->capacity * 2;
        set->ids = realloc(set->ids, set->capacity * sizeof *set->ids);
        if (set->ids == NULL) {
            abort();
        }
    }
    set->ids[set->count++] = id;
}

static inline int id_set_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Sorts the list and counts the IDs that are there already. */
static inline size_t id_set_repeats(struct id_set *set)
{
    size_t repeats = 0;
    if (set->count > 1) {
        qsort(set->ids, set->count, sizeof *set->ids, id_set_compare);
    }
    for (size_t i = 1; i < set->count; i++) {
        repeats += set->ids[i] == set->ids[i - 1] ? 1 : 0;
    }
    return repeats;
}

static inline void id_set_dispose(struct id_set *set)
{
    free(set->ids);
    *set = (struct id_set){0};
}

#endif
