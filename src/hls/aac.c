/* Owns the reader of AudioSpecificConfig and the constant frames of silence. */
#include "aac.h"

#include "base/compiler.h"
#include "base/error.h"
#include "reader.h"

static uint32_t read_object_type(struct reels__bits *in)
{
    uint32_t type = reels__bits_read(in, 5);
    return type == 31 ? 32 + reels__bits_read(in, 6) : type;
}

static uint32_t read_sample_rate(struct reels__bits *in)
{
    static const uint32_t rates[] = {
        96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350};
    uint32_t index = reels__bits_read(in, 4);
    if (index == 15) {
        return reels__bits_read(in, 24);
    }
    return index < REELS__COUNT(rates) ? rates[index] : 0;
}

reels_status
reels__asc_read(const uint8_t *data, size_t len, struct reels__asc *out, reels_error *err)
{
    /* Table 1.19: channel configuration 7 is 7.1, 11 is 6.1, 12 is 7.1 back, 14 is 7.1 top. */
    static const uint8_t channels[16] = {0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8, 0};
    struct reels__bits in = reels__bits_of(data, len);
    struct reels__asc asc = {0};
    asc.object_type = read_object_type(&in);
    asc.sample_rate = read_sample_rate(&in);
    uint32_t configuration = reels__bits_read(&in, 4);
    uint32_t core_rate = asc.sample_rate;
    uint32_t core_type = asc.object_type;
    if (asc.object_type == REELS__AAC_SBR || asc.object_type == REELS__AAC_PS) {
        asc.sample_rate = read_sample_rate(&in);
        core_type = read_object_type(&in);
    }
    /* frameLengthFlag of GASpecificConfig: 960 samples in place of 1,024. */
    uint32_t short_frames = reels__bits_read(&in, 1);
    if (in.failed || asc.sample_rate == 0 || core_rate == 0) {
        return reels__fail(err, REELS_ERR_CORRUPT, "AudioSpecificConfig is not well formed");
    }
    if (core_type < 1 || core_type > 4) {
        return reels__fail(err,
                           REELS_ERR_UNSUPPORTED,
                           "audio object type %u is not AAC Main, LC, SSR or LTP",
                           (unsigned)core_type);
    }
    asc.channels = asc.object_type == REELS__AAC_PS ? 2 : channels[configuration];
    asc.frame_samples = short_frames != 0 ? 960 : 1024;
    if (asc.sample_rate == 2 * core_rate) {
        asc.frame_samples *= 2;
    }
    *out = asc;
    return REELS_OK;
}

const uint8_t *reels__aac_silence(uint32_t channels, size_t *out_len)
{
    /* raw_data_block() of one SCE or CPE with max_sfb 0, so that every line is zero, then a fill
     * element of no bytes and the end mark (ISO/IEC 14496-3 section 4.4.2.1). */
    static const uint8_t mono[] = {0x00, 0xc8, 0x00, 0x80, 0x23, 0x80};
    static const uint8_t stereo[] = {0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80};
    switch (channels) {
    case 1:
        *out_len = sizeof mono;
        return mono;
    case 2:
        *out_len = sizeof stereo;
        return stereo;
    default:
        *out_len = 0;
        return NULL;
    }
}
