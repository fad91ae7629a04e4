/* ISO boxes: an init segment (its length in two bytes after the first one), then a media segment.
 * Every sample that the reader gives lies in the segment, and the sums are those of the samples. */
#include <string.h>

#include "fuzz.h"
#include "hls/aac.h"
#include "hls/h264.h"
#include "hls/mp4_read.h"

static void check_header(const struct reels__mp4_header *header, const uint8_t *data, size_t len)
{
    struct reels__avcc avcc = {0};
    struct reels__sps sps = {0};
    struct reels__asc asc = {0};
    if (header->configuration == NULL) {
        return;
    }
    fuzz_assert(header->configuration >= data && header->configuration_len <= len &&
                header->configuration + header->configuration_len <= data + len);
    if (reels__avcc_read(header->configuration, header->configuration_len, &avcc, NULL) ==
            REELS_OK &&
        reels__sps_read(avcc.sps, avcc.sps_len, &sps, NULL) == REELS_OK) {
        fuzz_assert(sps.width > 0 && sps.width <= REELS__H264_SIDE_MAX);
        fuzz_assert(sps.height > 0 && sps.height <= REELS__H264_SIDE_MAX);
        fuzz_assert(sps.aspect_num > 0 && sps.aspect_den > 0);
    }
    if (reels__asc_read(header->configuration, header->configuration_len, &asc, NULL) == REELS_OK) {
        fuzz_assert(asc.sample_rate > 0 && asc.frame_samples > 0);
    }
}

static void check_segment(const struct reels__mp4_segment *segment, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < segment->samples_count; i++) {
        const struct reels__mp4_read_sample *sample = &segment->samples[i];
        struct reels__nal_summary units = {0};
        fuzz_assert(sample->size > 0 && sample->offset <= len &&
                    sample->size <= len - sample->offset);
        (void)reels__nal_summarize(data + sample->offset, sample->size, 4, &units, NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_env env;
    struct reels__mp4_header header;
    reels_verify_report *report = NULL;
    if (size < 3) {
        return 0;
    }
    size_t init_len = (size_t)data[1] << 8 | data[2];
    init_len = init_len < size - 3 ? init_len : size - 3;
    const uint8_t *init = data + 3;
    fuzz_env_init(&env, data[0]);
    if (reels__report_new(env.ctx, 100, &report, &env.err) == REELS_OK) {
        struct reels__finder finder = {.report = report, .file = "fuzz.mp4", .segment = -1};
        struct reels__mp4_segment segment = {.ctx = env.ctx};
        reels__mp4_header_read(init, init_len, &finder, &header);
        check_header(&header, init, init_len);
        const uint8_t *media = init + init_len;
        size_t media_len = size - 3 - init_len;
        reels_status status = reels__mp4_segment_read(media, media_len, &header, &finder, &segment);
        fuzz_assert(status == REELS_OK ||
                    (status == REELS_ERR_NO_MEMORY && env.alloc.refused_count > 0));
        if (status == REELS_OK) {
            check_segment(&segment, media, media_len);
        }
        reels__mp4_segment_dispose(&segment);
    }
    reels_verify_report_free(report);
    fuzz_env_dispose(&env);
    return 0;
}
