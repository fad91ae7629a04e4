/* Owns the checked form of a layout, in which no count is left to be a default. */
#ifndef REELS_SRC_ID_LAYOUT_H
#define REELS_SRC_ID_LAYOUT_H

#include <reels/id.h>

enum {
    REELS__ID_TICK_US = 1000 /* the time part of every layout counts milliseconds */
};

typedef struct reels__id_layout {
    uint32_t time_bits;
    uint32_t region_bits;
    uint32_t node_bits; /* the region's included */
    uint32_t sequence_bits;
    int64_t epoch_unix_us;
} reels__id_layout;

/* Reads a caller's layout at the door; NULL is the default one. */
reels_status
reels__id_layout_read(const reels_id_layout *layout, reels__id_layout *out, reels_error *err);

/* The lowest `bits` bits set, for 0..64. */
uint64_t reels__id_mask(uint32_t bits);

#endif
