/* Owns the playlists of key frames (RFC 8216 section 4.3.3.6): one entry a segment, which reaches
 * from its start to the end of its first sample. The boxes before the sample describe the others
 * too; players stop at the end of the range. */
#include <inttypes.h>
#include <stdio.h>

#include "base/buffer_internal.h"
#include "base/error.h"
#include "packager_internal.h"

static void file_name(const struct reels__track *track, char out[REELS_OUTPUT_NAME_BYTES_MAX + 1])
{
    /* No track's name has a dot in it, so no other file has this name. */
    (void)snprintf(out, REELS_OUTPUT_NAME_BYTES_MAX + 1, "%s.iframes.m3u8", track->name);
}

reels_status
reels__iframes_write(reels_packager *p, const struct reels__track *track, reels_error *err)
{
    char name[REELS_OUTPUT_NAME_BYTES_MAX + 1];
    file_name(track, name);
    reels_buf_clear(p->scratch);
    REELS_TRY(reels__buf_append_format(p->scratch,
                                       err,
                                       "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%u\n"
                                       "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-I-FRAMES-ONLY\n",
                                       (unsigned)p->target_duration_s));
    REELS_TRY(reels__map_put(p, track, err));
    for (size_t i = 0; i < track->segments_count; i++) {
        const struct reels__segment *segment = &track->segments[i];
        uint64_t offset =
            (p->options.flags & REELS_PACKAGER_SEGMENT_FILES) != 0 ? 0 : segment->offset;
        REELS_TRY(reels__extinf_put(p, track, i, err));
        REELS_TRY(reels__buf_append_format(p->scratch,
                                           err,
                                           "#EXT-X-BYTERANGE:%" PRIu64 "@%" PRIu64 "\n",
                                           segment->key_bytes,
                                           offset));
        REELS_TRY(reels__segment_file_put(p, track, i, err));
    }
    REELS_TRY(reels__buf_append_text(p->scratch, "#EXT-X-ENDLIST\n", err));
    return reels__file_write(p, name, REELS__PLAYLIST_TYPE, p->scratch, err);
}

reels_status
reels__iframes_put_stream(reels_packager *p, const struct reels__track *track, reels_error *err)
{
    char name[REELS_OUTPUT_NAME_BYTES_MAX + 1];
    uint64_t peak = 0;
    uint64_t average = 0;
    file_name(track, name);
    REELS_TRY(reels__track_rates(p, track, 1, &peak, &average, err));
    return reels__buf_append_format(p->scratch,
                                    err,
                                    "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=%" PRIu64
                                    ",AVERAGE-BANDWIDTH=%" PRIu64
                                    ",CODECS=\"%s\",RESOLUTION=%ux%u,URI=\"%s\"\n",
                                    peak,
                                    average,
                                    track->codecs,
                                    (unsigned)track->mp4.width,
                                    (unsigned)track->mp4.height,
                                    name);
}
