/* Owns the H.264 headers: sequence parameter sets, avcC records and the framing of NAL units. */
#include "h264.h"

#include <string.h>

#include "base/buffer_internal.h"
#include "base/error.h"
#include "reader.h"

enum {
    PROFILE_HIGH = 100,
    NAL_TYPE_MASK = 0x1f,
    AVCC_VERSION = 1,
    PARAMETER_SETS_MAX = 16
};

/* Profiles whose SPS carries chroma format, bit depths and scaling lists (section 7.3.2.1.1). */
static int profile_has_chroma(uint32_t profile)
{
    static const uint8_t profiles[] = {
        100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
    return memchr(profiles, (int)(profile & 0xff), sizeof profiles) != NULL;
}

/* Undoes emulation prevention (section 7.4.1): 00 00 03 stands for 00 00. */
static size_t unescape(const uint8_t *nal, size_t len, uint8_t *out)
{
    size_t out_len = 0;
    unsigned zeros = 0;
    for (size_t i = 0; i < len; i++) {
        if (zeros >= 2 && nal[i] == 3) {
            zeros = 0;
            continue;
        }
        zeros = nal[i] == 0 ? zeros + 1 : 0;
        out[out_len++] = nal[i];
    }
    return out_len;
}

static void skip_scaling_list(struct reels__bits *in, unsigned size)
{
    int32_t last = 8;
    int32_t next = 8;
    for (unsigned i = 0; i < size && !in->failed; i++) {
        if (next != 0) {
            next = (int32_t)(((int64_t)last + reels__bits_se(in) + 256) & 0xff);
        }
        last = next == 0 ? last : next;
    }
}

static void read_chroma(struct reels__bits *in, struct reels__sps *sps)
{
    sps->chroma_format = reels__bits_ue(in);
    if (sps->chroma_format == 3) {
        (void)reels__bits_read(in, 1);
    }
    sps->bit_depth_luma = 8 + (reels__bits_ue(in) & 0xff);
    sps->bit_depth_chroma = 8 + (reels__bits_ue(in) & 0xff);
    (void)reels__bits_read(in, 1);
    if (reels__bits_read(in, 1) == 0) {
        return;
    }
    unsigned lists = sps->chroma_format == 3 ? 12 : 8;
    for (unsigned i = 0; i < lists && !in->failed; i++) {
        if (reels__bits_read(in, 1) != 0) {
            skip_scaling_list(in, i < 6 ? 16 : 64);
        }
    }
}

static void skip_order_count(struct reels__bits *in)
{
    uint32_t type = reels__bits_ue(in);
    if (type == 0) {
        (void)reels__bits_ue(in);
    } else if (type == 1) {
        (void)reels__bits_read(in, 1);
        (void)reels__bits_se(in);
        (void)reels__bits_se(in);
        uint32_t count = reels__bits_ue(in);
        if (count > 255) {
            in->failed = 1;
        }
        for (uint32_t i = 0; i < count && !in->failed; i++) {
            (void)reels__bits_se(in);
        }
    } else if (type != 2) {
        in->failed = 1;
    }
}

/* Sizes in macroblocks, field coding and cropping (sections 7.4.2.1.1 and 6.2). */
static void read_size(struct reels__bits *in, struct reels__sps *sps)
{
    uint64_t width = ((uint64_t)reels__bits_ue(in) + 1) * 16;
    uint64_t map_units = (uint64_t)reels__bits_ue(in) + 1;
    uint32_t frames_only = reels__bits_read(in, 1);
    uint64_t height = map_units * 16 * (2 - frames_only);
    if (frames_only == 0) {
        (void)reels__bits_read(in, 1);
    }
    (void)reels__bits_read(in, 1);
    if (reels__bits_read(in, 1) != 0) {
        uint64_t unit_x = sps->chroma_format == 1 || sps->chroma_format == 2 ? 2 : 1;
        uint64_t unit_y = (sps->chroma_format == 1 ? (uint64_t)2 : 1) * (2 - frames_only);
        uint64_t crop_x = (uint64_t)reels__bits_ue(in) * unit_x;
        crop_x += (uint64_t)reels__bits_ue(in) * unit_x;
        uint64_t crop_y = (uint64_t)reels__bits_ue(in) * unit_y;
        crop_y += (uint64_t)reels__bits_ue(in) * unit_y;
        if (crop_x >= width || crop_y >= height) {
            in->failed = 1;
            return;
        }
        width -= crop_x;
        height -= crop_y;
    }
    sps->width = width <= UINT32_MAX ? (uint32_t)width : UINT32_MAX;
    sps->height = height <= UINT32_MAX ? (uint32_t)height : UINT32_MAX;
}

/* Table E-1; index 255 is followed by explicit numbers. */
static void read_aspect(struct reels__bits *in, struct reels__sps *sps)
{
    static const uint8_t table[17][2] = {{1, 1},
                                         {1, 1},
                                         {12, 11},
                                         {10, 11},
                                         {16, 11},
                                         {40, 33},
                                         {24, 11},
                                         {20, 11},
                                         {32, 11},
                                         {80, 33},
                                         {18, 11},
                                         {15, 11},
                                         {64, 33},
                                         {160, 99},
                                         {4, 3},
                                         {3, 2},
                                         {2, 1}};
    uint32_t index = reels__bits_read(in, 8);
    uint32_t num = 1;
    uint32_t den = 1;
    if (index == 255) {
        num = reels__bits_read(in, 16);
        den = reels__bits_read(in, 16);
    } else if (index < 17) {
        num = table[index][0];
        den = table[index][1];
    }
    if (num != 0 && den != 0) {
        sps->aspect_num = num;
        sps->aspect_den = den;
    }
}

reels_status
reels__sps_read(const uint8_t *nal, size_t len, struct reels__sps *out, reels_error *err)
{
    uint8_t rbsp[REELS__SPS_BYTES_MAX];
    if (len < 4 || (nal[0] & NAL_TYPE_MASK) != REELS__NAL_SPS) {
        return reels__fail(err, REELS_ERR_CORRUPT, "not a sequence parameter set");
    }
    if (len > sizeof rbsp) {
        return reels__fail(err, REELS_ERR_LIMIT, "sequence parameter set of %zu bytes", len);
    }
    struct reels__sps sps = {.chroma_format = 1,
                             .bit_depth_luma = 8,
                             .bit_depth_chroma = 8,
                             .aspect_num = 1,
                             .aspect_den = 1};
    struct reels__bits in = reels__bits_of(rbsp, unescape(nal + 1, len - 1, rbsp));
    sps.profile = reels__bits_read(&in, 8);
    sps.constraints = reels__bits_read(&in, 8);
    sps.level = reels__bits_read(&in, 8);
    (void)reels__bits_ue(&in);
    if (profile_has_chroma(sps.profile)) {
        read_chroma(&in, &sps);
    }
    (void)reels__bits_ue(&in);
    skip_order_count(&in);
    (void)reels__bits_ue(&in);
    (void)reels__bits_read(&in, 1);
    read_size(&in, &sps);
    uint32_t has_vui = reels__bits_read(&in, 1);
    if (has_vui != 0 && reels__bits_read(&in, 1) != 0) {
        read_aspect(&in, &sps);
    }
    if (in.failed || sps.chroma_format > 3) {
        return reels__fail(err, REELS_ERR_CORRUPT, "sequence parameter set is not well formed");
    }
    if (sps.width > REELS__H264_SIDE_MAX || sps.height > REELS__H264_SIDE_MAX) {
        return reels__fail(err,
                           REELS_ERR_LIMIT,
                           "pictures of %ux%u: a side is longer than %d",
                           (unsigned)sps.width,
                           (unsigned)sps.height,
                           REELS__H264_SIDE_MAX);
    }
    *out = sps;
    return REELS_OK;
}

reels_status
reels__avcc_read(const uint8_t *data, size_t len, struct reels__avcc *out, reels_error *err)
{
    struct reels__bytes in = reels__bytes_of(data, len);
    struct reels__avcc avcc = {0};
    uint32_t version = reels__bytes_u8(&in);
    avcc.profile = reels__bytes_u8(&in);
    avcc.constraints = reels__bytes_u8(&in);
    avcc.level = reels__bytes_u8(&in);
    avcc.nal_length_size = (reels__bytes_u8(&in) & 3U) + 1;
    uint32_t sps_count = reels__bytes_u8(&in) & 0x1fU;
    for (uint32_t i = 0; i < sps_count; i++) {
        struct reels__bytes set = reels__bytes_take(&in, reels__bytes_u16(&in));
        if (i == 0) {
            avcc.sps = set.data;
            avcc.sps_len = set.len;
        }
    }
    uint32_t pps_count = reels__bytes_u8(&in);
    for (uint32_t i = 0; i < pps_count; i++) {
        (void)reels__bytes_take(&in, reels__bytes_u16(&in));
    }
    if (in.failed || version != AVCC_VERSION || avcc.sps_len == 0 || pps_count == 0 ||
        avcc.nal_length_size == 3) {
        return reels__fail(err, REELS_ERR_CORRUPT, "avcC record is not well formed");
    }
    *out = avcc;
    return REELS_OK;
}

static reels_status
append_sets(const uint8_t *annexb, size_t len, uint32_t type, reels_buf *out, reels_error *err)
{
    size_t at = 0;
    const uint8_t *nal = NULL;
    size_t nal_len = 0;
    while (reels__nal_next_annexb(annexb, len, &at, &nal, &nal_len) == 1) {
        if ((nal[0] & NAL_TYPE_MASK) != type) {
            continue;
        }
        if (nal_len > REELS__SPS_BYTES_MAX) {
            return reels__fail(err, REELS_ERR_LIMIT, "parameter set of %zu bytes", nal_len);
        }
        uint8_t size[2] = {(uint8_t)(nal_len >> 8), (uint8_t)nal_len};
        REELS_TRY(reels_buf_append(out, size, sizeof size, err));
        REELS_TRY(reels_buf_append(out, nal, nal_len, err));
    }
    return REELS_OK;
}

reels_status reels__avcc_build(const uint8_t *annexb, size_t len, reels_buf *out, reels_error *err)
{
    const uint8_t *sps = NULL;
    size_t sps_len = 0;
    uint32_t sps_count = 0;
    uint32_t pps_count = 0;
    size_t at = 0;
    const uint8_t *nal = NULL;
    size_t nal_len = 0;
    while (reels__nal_next_annexb(annexb, len, &at, &nal, &nal_len) == 1) {
        uint32_t type = nal[0] & NAL_TYPE_MASK;
        if (type == REELS__NAL_SPS && sps_count++ == 0) {
            sps = nal;
            sps_len = nal_len;
        }
        pps_count += type == REELS__NAL_PPS;
    }
    if (sps_count == 0 || pps_count == 0 || sps_len < 4 || sps_count > PARAMETER_SETS_MAX ||
        pps_count > PARAMETER_SETS_MAX) {
        return reels__fail(err,
                           REELS_ERR_INVALID_ARG,
                           "extradata holds %u SPS and %u PPS, not 1 to %d of each",
                           (unsigned)sps_count,
                           (unsigned)pps_count,
                           PARAMETER_SETS_MAX);
    }
    struct reels__sps read = {0};
    REELS_TRY(reels__sps_read(sps, sps_len, &read, err));
    uint8_t head[6] = {AVCC_VERSION, sps[1], sps[2], sps[3], 0xff, (uint8_t)(0xe0U | sps_count)};
    REELS_TRY(reels_buf_append(out, head, sizeof head, err));
    REELS_TRY(append_sets(annexb, len, REELS__NAL_SPS, out, err));
    uint8_t count = (uint8_t)pps_count;
    REELS_TRY(reels_buf_append(out, &count, 1, err));
    REELS_TRY(append_sets(annexb, len, REELS__NAL_PPS, out, err));
    if (read.profile >= PROFILE_HIGH && profile_has_chroma(read.profile)) {
        uint8_t tail[4] = {(uint8_t)(0xfcU | read.chroma_format),
                           (uint8_t)(0xf8U | (read.bit_depth_luma - 8)),
                           (uint8_t)(0xf8U | (read.bit_depth_chroma - 8)),
                           0};
        REELS_TRY(reels_buf_append(out, tail, sizeof tail, err));
    }
    return REELS_OK;
}

int reels__nal_next(const uint8_t *data,
                    size_t len,
                    uint32_t nal_length_size,
                    size_t *at,
                    const uint8_t **out_nal,
                    size_t *out_len)
{
    if (*at == len) {
        return 0;
    }
    if (len - *at < nal_length_size) {
        return -1;
    }
    size_t nal_len = 0;
    for (uint32_t i = 0; i < nal_length_size; i++) {
        nal_len = nal_len << 8 | data[*at + i];
    }
    *at += nal_length_size;
    if (nal_len == 0 || nal_len > len - *at) {
        return -1;
    }
    *out_nal = data + *at;
    *out_len = nal_len;
    *at += nal_len;
    return 1;
}

/* Position of the next 00 00 01 at or after from, or len. */
static size_t find_start_code(const uint8_t *data, size_t len, size_t from)
{
    for (size_t i = from; len >= 3 && i <= len - 3; i++) {
        const uint8_t *one = memchr(data + i + 2, 1, len - i - 2);
        if (one == NULL) {
            return len;
        }
        i = (size_t)(one - data) - 2;
        if (data[i] == 0 && data[i + 1] == 0) {
            return i;
        }
    }
    return len;
}

int reels__nal_next_annexb(
    const uint8_t *data, size_t len, size_t *at, const uint8_t **out_nal, size_t *out_len)
{
    size_t start = find_start_code(data, len, *at);
    while (start < len) {
        size_t begin = start + 3;
        size_t next = find_start_code(data, len, begin);
        size_t end = next;
        /* Zeros before a start code belong to it or are trailing_zero_8bits (section B.1). */
        while (end > begin && data[end - 1] == 0) {
            end--;
        }
        *at = next;
        if (end > begin) {
            *out_nal = data + begin;
            *out_len = end - begin;
            return 1;
        }
        start = next;
    }
    return 0;
}

reels_status reels__nal_convert(const uint8_t *annexb, size_t len, reels_buf *out, reels_error *err)
{
    size_t at = 0;
    const uint8_t *nal = NULL;
    size_t nal_len = 0;
    size_t units = 0;
    while (reels__nal_next_annexb(annexb, len, &at, &nal, &nal_len) == 1) {
        uint32_t type = nal[0] & NAL_TYPE_MASK;
        if (type == REELS__NAL_SPS || type == REELS__NAL_PPS || type == REELS__NAL_DELIMITER ||
            type == REELS__NAL_FILLER) {
            continue;
        }
        if (nal_len > UINT32_MAX) {
            return reels__fail(err, REELS_ERR_LIMIT, "NAL unit of %zu bytes", nal_len);
        }
        uint8_t size[4] = {(uint8_t)(nal_len >> 24),
                           (uint8_t)(nal_len >> 16),
                           (uint8_t)(nal_len >> 8),
                           (uint8_t)nal_len};
        REELS_TRY(reels_buf_append(out, size, sizeof size, err));
        REELS_TRY(reels_buf_append(out, nal, nal_len, err));
        units++;
    }
    if (units == 0) {
        return reels__fail(err, REELS_ERR_INVALID_ARG, "sample holds no NAL unit of a picture");
    }
    return REELS_OK;
}

reels_status reels__nal_summarize(const uint8_t *data,
                                  size_t len,
                                  uint32_t nal_length_size,
                                  struct reels__nal_summary *out,
                                  reels_error *err)
{
    struct reels__nal_summary summary = {0};
    size_t at = 0;
    const uint8_t *nal = NULL;
    size_t nal_len = 0;
    int more = 0;
    while ((more = reels__nal_next(data, len, nal_length_size, &at, &nal, &nal_len)) == 1) {
        uint32_t type = nal[0] & NAL_TYPE_MASK;
        summary.slices_count += type == REELS__NAL_SLICE;
        summary.idr_count += type == REELS__NAL_IDR;
        summary.parameter_sets_count += type == REELS__NAL_SPS || type == REELS__NAL_PPS;
    }
    if (more < 0) {
        return reels__fail(
            err, REELS_ERR_CORRUPT, "NAL unit at byte %zu is longer than its sample", at);
    }
    *out = summary;
    return REELS_OK;
}
