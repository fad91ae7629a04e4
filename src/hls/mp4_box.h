/* Owns the walk over boxes inside a window of bytes. */
#ifndef REELS_SRC_HLS_MP4_BOX_H
#define REELS_SRC_HLS_MP4_BOX_H

#include "mp4_read.h"
#include "reader.h"

struct reels__box {
    uint32_t type;
    uint32_t reserved0;
    size_t start;             /* in the window */
    struct reels__bytes body; /* without the header */
};

/* The next box: 1, 0 at the end, -1 after a finding about one that is longer than its parent. A box
 * without a size (0) is refused: in a byte range there is no end of file for it to reach. */
int reels__box_next(struct reels__bytes *in,
                    const char *parent,
                    struct reels__finder *finder,
                    struct reels__box *out);

/* Version and flags of a full box. */
void reels__box_full(struct reels__bytes *body, uint32_t *out_version, uint32_t *out_flags);

#endif
