/* Owns the allow-list of containers: what a file is, told from its first bytes by a table of our
 * own, so that no demuxer outside the list ever sees a byte of it. */
#ifndef REELS_SRC_MEDIA_SNIFF_H
#define REELS_SRC_MEDIA_SNIFF_H

#include <reels/media.h>

enum {
    REELS__SNIFF_BYTES = 2048 /* how much of the front is looked at */
};

typedef struct reels__media_container {
    const char *name;    /* as reels_probe_info says it */
    const char *demuxer; /* libavformat's name for it */
} reels__media_container;

/* The container of a file that begins with these bytes. CORRUPT when it is empty, UNSUPPORTED with
 * the reason when it is something else. */
reels_status reels__media_sniff(const uint8_t *data,
                                size_t len,
                                const reels__media_container **out,
                                reels_error *err);

/* 1 when a piece of an ISO base media file holds the box of an encrypted track. */
int reels__media_iso_is_encrypted(const uint8_t *data, size_t len);

#endif
