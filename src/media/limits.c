/* Owns the table of default limits. Sources: shared findings on hostile media, and what widely used
 * servers allow (8.3 megapixels, 120 frames a second, 36,000 frames). */
#include "media/limits.h"

#include "base/ctx_internal.h"
#include "base/error.h"

#define DEFAULT_TO(field, value)                                                                   \
    do {                                                                                           \
        if (out->field == 0) {                                                                     \
            out->field = (value);                                                                  \
        }                                                                                          \
    } while (0)

reels_status reels__media_limits_read(const reels_media_limits *limits,
                                      reels_media_limits *out,
                                      reels_error *err)
{
    REELS_TRY(reels__options_read(
        limits, sizeof(reels_media_limits), out, sizeof *out, "reels_media_limits", err));
    DEFAULT_TO(streams_max, 16);
    DEFAULT_TO(duration_max_us, INT64_C(90000000));
    DEFAULT_TO(file_bytes_max, UINT64_C(1) << 30);
    DEFAULT_TO(probe_bytes_max, UINT64_C(2000000));
    DEFAULT_TO(analyse_max_us, INT64_C(3000000));
    DEFAULT_TO(pixels_max, UINT64_C(4096) * 2304);
    DEFAULT_TO(side_max, 8192);
    DEFAULT_TO(aspect_max, 10);
    DEFAULT_TO(frame_rate_max, 250);
    DEFAULT_TO(frames_max, 36000);
    DEFAULT_TO(sample_rate_min, 8000);
    DEFAULT_TO(sample_rate_max, 192000);
    DEFAULT_TO(channels_max, 8);
    DEFAULT_TO(decode_cost_max, 40);
    DEFAULT_TO(metadata_bytes_max, UINT64_C(1) << 20);
    DEFAULT_TO(output_bytes_max, UINT64_C(512) << 20);
    REELS_REQUIRE(out->duration_max_us > 0 && out->duration_max_us <= INT64_C(86400000000),
                  err,
                  "limits: duration_max_us must be at most a day");
    REELS_REQUIRE(out->analyse_max_us > 0, err, "limits: analyse_max_us is negative");
    REELS_REQUIRE(out->side_max <= 32768, err, "limits: side_max is above 32,768");
    REELS_REQUIRE(out->frames_max <= 10000000, err, "limits: frames_max is above 10,000,000");
    REELS_REQUIRE(out->streams_max <= 1000, err, "limits: streams_max is above 1,000");
    REELS_REQUIRE(out->probe_bytes_max >= 4096, err, "limits: probe_bytes_max is under 4,096");
    return REELS_OK;
}

uint64_t reels__media_memory_default(uint64_t pixels, uint32_t threads_count)
{
    const uint64_t full_hd = UINT64_C(1920) * 1088;
    /* 1080p: 508 MiB with one thread and 594 MiB with two were asked for. A larger source adds the
     * pictures that its decoder holds, a thread those in flight. */
    uint64_t mib = 768;
    if (pixels > full_hd) {
        mib += (pixels - full_hd) * 170 / full_hd;
    }
    if (threads_count > 2) {
        mib += UINT64_C(64) * (threads_count < 10 ? threads_count - 2 : 8);
    }
    return mib << 20;
}
