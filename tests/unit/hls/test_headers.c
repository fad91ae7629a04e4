/* Headers of the codecs: parameter sets of x264 and of other encoders, read against what those
 * encoders were asked for. */
#include <libavcodec/avcodec.h>
#include <stdlib.h>
#include <string.h>

#include "hls/aac.h"
#include "hls/h264.h"
#include "hls_fixture.h"

static struct test_env env;

static void setup(void)
{
    test_env_init(&env, 0);
}

static void teardown(void)
{
    test_env_dispose(&env);
}

/* Odd sizes need cropping, which is where readers go wrong. */
START_TEST(test_headers_read_sizes_of_x264)
{
    static const int sizes[][2] = {
        {2, 2}, {16, 16}, {18, 34}, {90, 160}, {136, 240}, {426, 240}, {1080, 1920}, {720, 1278}};
    struct hls_video_spec spec = {.width = sizes[_i][0],
                                  .height = sizes[_i][1],
                                  .fps_num = 30,
                                  .fps_den = 1,
                                  .frames = 1,
                                  .bitrate_bps = 100000,
                                  .key_ms = 1000};
    struct hls_media media;
    struct reels__avcc avcc;
    struct reels__sps sps;
    hls_media_video(&media, &spec);
    test_ok(&env, reels__avcc_read(media.extradata, media.extradata_len, &avcc, &env.err));
    test_ok(&env, reels__sps_read(avcc.sps, avcc.sps_len, &sps, &env.err));
    ck_assert_uint_eq(sps.width, (uint32_t)sizes[_i][0]);
    ck_assert_uint_eq(sps.height, (uint32_t)sizes[_i][1]);
    ck_assert_uint_eq(sps.chroma_format, 1);
    ck_assert_uint_eq(sps.bit_depth_luma, 8);
    ck_assert_uint_eq(sps.profile, avcc.profile);
    ck_assert_uint_eq(sps.level, avcc.level);
    hls_media_free(&media);
}
END_TEST

START_TEST(test_headers_read_high_profile_with_cropping_and_aspect)
{
    /* Written bit by bit after section 7.3.2.1.1: High at level 4.0, 1,088 lines of which 8 are
     * cropped, sample aspect ratio 14 of table E-1. */
    static const uint8_t nal[] = {
        0x67, 0x64, 0x00, 0x28, 0xac, 0xb4, 0x03, 0xc0, 0x11, 0x3f, 0x2e, 0x1c, 0x00, 0x40};
    struct reels__sps sps;
    test_ok(&env, reels__sps_read(nal, sizeof nal, &sps, &env.err));
    ck_assert_uint_eq(sps.profile, 100);
    ck_assert_uint_eq(sps.level, 40);
    ck_assert_uint_eq(sps.width, 1920);
    ck_assert_uint_eq(sps.height, 1080);
    ck_assert_uint_eq(sps.aspect_num, 4);
    ck_assert_uint_eq(sps.aspect_den, 3);
    for (size_t len = 0; len < 11; len++) {
        test_status(REELS_ERR_CORRUPT, reels__sps_read(nal, len, &sps, &env.err));
    }
    test_status(REELS_ERR_CORRUPT, reels__sps_read(nal + 1, sizeof nal - 1, &sps, &env.err));
}
END_TEST

/* The decoder learns the parameter sets with the first picture. scratch holds it with length
 * prefixes. */
static void decode_first(AVCodecContext *codec, const struct hls_media *media, reels_buf *scratch)
{
    const reels_sample *first = &media->samples[0];
    AVPacket *packet = av_packet_alloc();
    ck_assert_ptr_nonnull(packet);
    reels_buf_clear(scratch);
    if (first->data[0] == 0 && first->data[1] == 0 && first->data[2] <= 1 &&
        media->extradata[0] == 0) {
        test_ok(&env, reels__nal_convert(first->data, first->data_len, scratch, &env.err));
    } else {
        test_ok(&env, reels_buf_append(scratch, first->data, first->data_len, &env.err));
    }
    ck_assert_int_eq(av_new_packet(packet, (int)reels_buf_len(scratch)), 0);
    memcpy(packet->data, reels_buf_data(scratch), reels_buf_len(scratch));
    ck_assert_int_eq(avcodec_send_packet(codec, packet), 0);
    av_packet_free(&packet);
}

/* libavcodec reads the same from the same bytes. */
START_TEST(test_headers_agree_with_libavcodec)
{
    struct hls_tree tree;
    hls_tree_make(&tree);
    for (size_t i = 0; i < tree.video_count; i++) {
        reels_buf *record = NULL;
        struct reels__avcc avcc;
        struct reels__sps sps;
        const struct hls_media *media = &tree.video[i];
        test_ok(&env, reels_buf_new(env.ctx, 0, &record, &env.err));
        if (media->extradata[0] == 0) {
            test_ok(&env,
                    reels__avcc_build(media->extradata, media->extradata_len, record, &env.err));
        } else {
            test_ok(&env,
                    reels_buf_append(record, media->extradata, media->extradata_len, &env.err));
        }
        test_ok(&env,
                reels__avcc_read(reels_buf_data(record), reels_buf_len(record), &avcc, &env.err));
        test_ok(&env, reels__sps_read(avcc.sps, avcc.sps_len, &sps, &env.err));
        AVCodecContext *codec = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
        ck_assert_ptr_nonnull(codec);
        codec->extradata_size = (int)reels_buf_len(record);
        codec->extradata = av_mallocz(reels_buf_len(record) + AV_INPUT_BUFFER_PADDING_SIZE);
        memcpy(codec->extradata, reels_buf_data(record), reels_buf_len(record));
        ck_assert_int_eq(avcodec_open2(codec, NULL, NULL), 0);
        decode_first(codec, media, record);
        ck_assert_int_eq(codec->profile, (int)sps.profile);
        ck_assert_int_eq(codec->width, (int)sps.width);
        ck_assert_int_eq(codec->height, (int)sps.height);
        ck_assert_int_eq(codec->level, (int)sps.level);
        avcodec_free_context(&codec);
        reels_buf_free(record);
    }
    hls_tree_free(&tree);
}
END_TEST

START_TEST(test_headers_read_audio_configurations)
{
    static const struct {
        uint8_t data[5];
        size_t len;
        struct reels__asc asc;
    } cases[] = {
        {{0x11, 0x90}, 2, {2, 48000, 2, 1024}},
        {{0x12, 0x10}, 2, {2, 44100, 2, 1024}},
        {{0x15, 0x88}, 2, {2, 8000, 1, 1024}},
        {{0x11, 0xb0}, 2, {2, 48000, 6, 1024}},
        {{0x11, 0xb8}, 2, {2, 48000, 8, 1024}},
        {{0x11, 0x94}, 2, {2, 48000, 2, 960}},
        /* HE-AAC, explicit: 24 kHz core, 48 kHz out; then with parametric stereo over mono */
        {{0x2b, 0x11, 0x88, 0x00}, 4, {5, 48000, 2, 2048}},
        {{0xeb, 0x09, 0x88, 0x00}, 4, {29, 48000, 2, 2048}},
        /* rate written out: 96001 Hz */
        {{0x17, 0x80, 0xbb, 0x80, 0x90}, 5, {2, 96001, 2, 1024}},
    };
    struct reels__asc asc;
    test_ok(&env, reels__asc_read(cases[_i].data, cases[_i].len, &asc, &env.err));
    ck_assert_uint_eq(asc.object_type, cases[_i].asc.object_type);
    ck_assert_uint_eq(asc.sample_rate, cases[_i].asc.sample_rate);
    ck_assert_uint_eq(asc.channels, cases[_i].asc.channels);
    ck_assert_uint_eq(asc.frame_samples, cases[_i].asc.frame_samples);
    ck_assert_int_lt(reels__asc_read(cases[_i].data, 1, &asc, &env.err), 0);
}
END_TEST

/* The constant frames decode to silence, alone and after sound. */
START_TEST(test_headers_silence_is_silent)
{
    static const uint8_t configurations[2][2] = {{0x11, 0x88}, {0x11, 0x90}};
    size_t len = 0;
    const uint8_t *silence = reels__aac_silence((uint32_t)_i + 1, &len);
    AVCodecContext *codec = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_AAC));
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    ck_assert(codec != NULL && packet != NULL && frame != NULL);
    codec->extradata = av_mallocz(2 + AV_INPUT_BUFFER_PADDING_SIZE);
    codec->extradata_size = 2;
    memcpy(codec->extradata, configurations[_i], 2);
    ck_assert_int_eq(avcodec_open2(codec, NULL, NULL), 0);
    for (int n = 0; n < 4; n++) {
        ck_assert_int_eq(av_new_packet(packet, (int)len), 0);
        memcpy(packet->data, silence, len);
        ck_assert_int_eq(avcodec_send_packet(codec, packet), 0);
        ck_assert_int_eq(avcodec_receive_frame(codec, frame), 0);
        ck_assert_int_eq(frame->nb_samples, 1024);
        ck_assert_int_eq(frame->ch_layout.nb_channels, _i + 1);
        for (int c = 0; c <= _i; c++) {
            for (int i = 0; i < 1024; i++) {
                ck_assert(((const float *)(const void *)frame->data[c])[i] == 0.0F);
            }
        }
        av_packet_unref(packet);
    }
    avcodec_free_context(&codec);
    av_packet_free(&packet);
    av_frame_free(&frame);
    ck_assert_ptr_null(reels__aac_silence(6, &len));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("headers");
    TCase *tcase = tcase_create("headers");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, test_headers_read_sizes_of_x264, 0, 8);
    tcase_add_test(tcase, test_headers_read_high_profile_with_cropping_and_aspect);
    tcase_add_test(tcase, test_headers_agree_with_libavcodec);
    tcase_add_loop_test(tcase, test_headers_read_audio_configurations, 0, 9);
    tcase_add_loop_test(tcase, test_headers_silence_is_silent, 0, 2);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
