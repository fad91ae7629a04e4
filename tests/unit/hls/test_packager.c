/* What the packager promises. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hls_fixture.h"
#include "hls_memory.h"

/* Encoded once, before the tests fork. */
static struct hls_tree media;
static struct hls_media video_2997;  /* 29.97 fps, 4.4 s */
static struct hls_media video_60;    /* 60 fps, two B pictures, 4.2 s */
static struct hls_media video_vfr;   /* every third frame twice as long */
static struct hls_media video_short; /* five frames */
static struct hls_media video_one;   /* one frame */
static struct hls_media video_keys_elsewhere;
static struct hls_media audio_mono;
static struct hls_media audio_long;
static struct hls_media audio_late;
static struct hls_media audio_surround;

static struct test_env env;
static struct hls_files files;

static void setup(void)
{
    test_env_init(&env, 0);
    memset(&files, 0, sizeof files);
}

static void teardown(void)
{
    ck_assert_uint_eq(files.open_count, 0);
    hls_files_dispose(&files);
    test_env_dispose(&env);
}

static reels_packager *new_packager(const reels_packager_options *options)
{
    reels_packager *packager = NULL;
    reels_output_vtable table = hls_files_output();
    test_ok(&env, reels_packager_new(env.ctx, options, &table, &files, &packager, &env.err));
    return packager;
}

/* The files are good and complete, and the report says how long the reel is. */
static reels_verify_summary verify_files(void)
{
    reels_verify_report *report = NULL;
    reels_verify_source_vtable table = hls_files_source();
    reels_verify_summary summary = {.struct_size = sizeof summary};
    test_ok(&env, reels_verify_source(env.ctx, &table, &files, NULL, &report, &env.err));
    test_ok(&env, reels_verify_report_summary(report, &summary, &env.err));
    for (size_t i = 0; i < reels_verify_report_findings_count(report); i++) {
        reels_verify_finding finding = {.struct_size = sizeof finding};
        test_ok(&env, reels_verify_report_finding(report, i, &finding, &env.err));
        (void)fprintf(
            stderr, "# %s[%d]: %s\n", finding.file, (int)finding.segment, finding.message);
    }
    ck_assert_uint_eq(summary.errors_count + summary.warnings_count, 0);
    reels_verify_report_free(report);
    return summary;
}

static reels_packager_track_info info_of(reels_packager *packager, uint32_t track)
{
    reels_packager_track_info info = {.struct_size = sizeof info};
    test_ok(&env, reels_packager_track_info_get(packager, track, &info, &env.err));
    return info;
}

/* The lengths of a playlist's segments in microseconds: how many. */
static size_t read_lengths(const char *playlist, int64_t lengths[], size_t capacity)
{
    const char *at = (const char *)hls_files_find(&files, playlist)->data;
    size_t count = 0;
    while ((at = strstr(at, "#EXTINF:")) != NULL && count < capacity) {
        char *end = NULL;
        at += 8;
        int64_t seconds = strtoll(at, &end, 10);
        lengths[count++] = seconds * 1000000 + strtoll(end + 1, NULL, 10);
    }
    return count;
}

/* A 32-bit number inside the first box of a type. */
static uint32_t box_u32(const char *file, const char *box, size_t offset)
{
    struct hls_file *found = hls_files_find(&files, file);
    const uint8_t *at = memmem(found->data, found->len, box, 4);
    ck_assert_ptr_nonnull(at);
    at += 4 + offset;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int has_box(const char *file, const char *box)
{
    struct hls_file *found = hls_files_find(&files, file);
    return memmem(found->data, found->len, box, 4) != NULL;
}

/* One video track and perhaps sound, in one go. */
static reels_packager *package_two(const struct hls_media *video, const struct hls_media *audio)
{
    reels_packager *packager = new_packager(NULL);
    uint32_t v = 0;
    uint32_t a = 0;
    if (video != NULL) {
        test_ok(&env, hls_add_video(packager, "v", video, &v, &env.err));
    }
    if (audio != NULL) {
        test_ok(&env, hls_add_audio(packager, "a", audio, &a, &env.err));
        test_ok(&env, hls_write(packager, a, audio, &env.err));
    }
    if (video != NULL) {
        test_ok(&env, hls_write(packager, v, video, &env.err));
    }
    test_ok(&env, reels_packager_finish(packager, &env.err));
    return packager;
}

START_TEST(test_packager_makes_the_same_bytes_in_any_interleaving)
{
    static struct hls_files together;
    reels_packager *packager = new_packager(NULL);
    uint32_t tracks[2] = {0};
    test_ok(&env, hls_add_video(packager, "v", &media.video[0], &tracks[0], &env.err));
    test_ok(&env, hls_add_audio(packager, "a", &media.audio, &tracks[1], &env.err));
    for (size_t i = 0; i < media.audio.count; i++) {
        test_ok(
            &env,
            reels_packager_write(
                packager, tracks[1], &media.audio.samples[i], sizeof(reels_sample), 1, &env.err));
        if (i < media.video[0].count) {
            test_ok(&env,
                    reels_packager_write(packager,
                                         tracks[0],
                                         &media.video[0].samples[i],
                                         sizeof(reels_sample),
                                         1,
                                         &env.err));
        }
    }
    test_ok(&env, reels_packager_finish(packager, &env.err));
    reels_packager_free(packager);
    together = files;
    memset(&files, 0, sizeof files);
    reels_packager_free(package_two(&media.video[0], &media.audio));
    ck_assert_uint_eq(files.count, together.count);
    for (size_t i = 0; i < files.count; i++) {
        struct hls_file *other = hls_files_find(&together, files.items[i].name);
        ck_assert_uint_eq(other->len, files.items[i].len);
        ck_assert_mem_eq(other->data, files.items[i].data, other->len);
    }
    hls_files_dispose(&together);
}
END_TEST

START_TEST(test_packager_writes_master_last_and_all_files_whole)
{
    reels_packager_free(package_two(&media.video[0], &media.audio));
    ck_assert_str_eq(files.items[files.count - 1].name, "master.m3u8");
    for (size_t i = 0; i < files.count; i++) {
        ck_assert_int_eq(files.items[i].finished, 1);
    }
}
END_TEST

START_TEST(test_packager_measures_what_it_writes)
{
    reels_packager *packager = package_two(&media.video[0], &media.audio);
    reels_packager_track_info v = info_of(packager, 0);
    reels_packager_track_info a = info_of(packager, 1);
    int64_t lengths[8];
    char line[200];
    ck_assert_uint_eq(v.segments_count, 3);
    ck_assert_uint_eq(v.samples_count, 156);
    ck_assert_int_eq(v.duration_us, 5200000);
    ck_assert_uint_eq(v.bytes, hls_files_find(&files, "v.mp4")->len);
    ck_assert_uint_eq(a.bytes, hls_files_find(&files, "a.mp4")->len);
    ck_assert_uint_eq(v.frame_rate_milli, 30000);
    ck_assert_str_eq(v.codecs, "avc1.4d400b");
    ck_assert_str_eq(a.codecs, "mp4a.40.2");
    ck_assert_str_eq(v.playlist, "v.m3u8");
    /* The peak and the mean, worked out here from the playlist alone. */
    size_t count = read_lengths("v.m3u8", lengths, 8);
    uint64_t peak = 0;
    uint64_t bytes = 0;
    int64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        struct hls_range range = hls_segment_range(&files, "v.m3u8", i);
        uint64_t rate = (range.len * 8 * 1000000 + (uint64_t)lengths[i] - 1) / (uint64_t)lengths[i];
        peak = rate > peak ? rate : peak;
        bytes += range.len;
        total += lengths[i];
    }
    ck_assert_uint_eq(v.bandwidth_bps, peak);
    ck_assert_uint_eq(v.average_bandwidth_bps,
                      (bytes * 8 * 1000000 + (uint64_t)total - 1) / (uint64_t)total);
    (void)snprintf(line,
                   sizeof line,
                   "BANDWIDTH=%llu,AVERAGE-BANDWIDTH=%llu,CODECS=\"avc1.4d400b,mp4a.40.2\","
                   "RESOLUTION=90x160,FRAME-RATE=30.000,"
                   "AUDIO=\"audio\",CLOSED-CAPTIONS=NONE\nv.m3u8\n",
                   (unsigned long long)(v.bandwidth_bps + a.bandwidth_bps),
                   (unsigned long long)(v.average_bandwidth_bps + a.average_bandwidth_bps));
    ck_assert_ptr_nonnull(strstr((const char *)hls_files_find(&files, "master.m3u8")->data, line));
    reels_packager_free(packager);
}
END_TEST

/* One entry a segment, which begins where it begins and is shorter. */
START_TEST(test_packager_lists_key_frames)
{
    reels_packager_free(package_two(&media.video[0], NULL));
    verify_files();
    const char *master = (const char *)hls_files_find(&files, "master.m3u8")->data;
    const char *entry = (const char *)hls_files_find(&files, "v.iframes.m3u8")->data;
    const char *segment = (const char *)hls_files_find(&files, "v.m3u8")->data;
    ck_assert_ptr_nonnull(strstr(master, ",URI=\"v.iframes.m3u8\"\n"));
    ck_assert_ptr_nonnull(strstr(entry, "#EXT-X-I-FRAMES-ONLY\n"));
    size_t count = 0;
    while ((entry = strstr(entry, "#EXT-X-BYTERANGE:")) != NULL) {
        segment = strstr(segment, "#EXT-X-BYTERANGE:");
        ck_assert_ptr_nonnull(segment);
        entry += 17;
        segment += 17;
        ck_assert_uint_lt(strtoull(entry, NULL, 10), strtoull(segment, NULL, 10));
        ck_assert_uint_eq(strtoull(strchr(entry, '@') + 1, NULL, 10),
                          strtoull(strchr(segment, '@') + 1, NULL, 10));
        count++;
    }
    ck_assert_uint_eq(count, 3);
}
END_TEST

START_TEST(test_packager_begins_with_variant_below_the_given_bandwidth)
{
    reels_packager_options options = {.struct_size = sizeof options, .first_bandwidth_bps = 350000};
    reels_output_vtable table = hls_files_output();
    test_ok(&env, hls_tree_package_to(env.ctx, &media, &options, &table, &files, &env.err));
    const char *master = (const char *)hls_files_find(&files, "master.m3u8")->data;
    const char *v90 = strstr(master, "\nv90.m3u8");
    const char *v136 = strstr(master, "\nv136.m3u8");
    const char *v180 = strstr(master, "\nv180.m3u8");
    ck_assert(v136 < v90 && v90 < v180);
}
END_TEST

START_TEST(test_packager_times_video_without_edit_list)
{
    reels_packager_free(package_two(&media.video[0], NULL));
    verify_files();
    ck_assert_int_eq(has_box("v.mp4", "elst"), 0);
    ck_assert_int_eq(has_box("v.mp4", "udta"), 0);
    /* Signed composition offsets: trun version 1. */
    ck_assert_uint_eq(box_u32("v.mp4", "trun", 0) >> 24, 1);
    ck_assert_ptr_null(strstr((const char *)hls_files_find(&files, "master.m3u8")->data, "AUDIO"));
    ck_assert_ptr_null(strstr((const char *)hls_files_find(&files, "master.m3u8")->data, "mp4a"));
}
END_TEST

START_TEST(test_packager_skips_priming_by_one_edit)
{
    reels_packager *packager = package_two(&media.video[0], &media.audio);
    verify_files();
    ck_assert_uint_eq(box_u32("a.mp4", "elst", 4), 1);
    ck_assert_uint_eq(box_u32("a.mp4", "elst", 20), 1024);
    /* What is presented is what was fed from 0 on. */
    int64_t fed = (int64_t)(media.audio.count - 1) * 1024 * 1000000 / 48000;
    ck_assert_int_le(llabs(info_of(packager, 1).duration_us - fed), 1);
    reels_packager_free(packager);
}
END_TEST

START_TEST(test_packager_fills_late_audio_to_the_tick)
{
    reels_packager *packager = package_two(&media.video[0], &audio_late);
    verify_files();
    /* It begins at 1,300 ms less 1,024 samples of priming: 61,376 samples, 59.9 frames. */
    uint32_t frames = (61376 + 1023) / 1024;
    ck_assert_uint_eq(box_u32("a.mp4", "elst", 20), frames * 1024 - 61376);
    ck_assert_uint_ge(info_of(packager, 1).samples_count, audio_late.count + frames);
    reels_packager_free(packager);
}
END_TEST

START_TEST(test_packager_fills_audio_that_ends_early)
{
    struct hls_media cut = media.audio;
    cut.count = 100;
    reels_packager *packager = package_two(&media.video[0], &cut);
    verify_files();
    reels_packager_track_info v = info_of(packager, 0);
    reels_packager_track_info a = info_of(packager, 1);
    ck_assert_uint_eq(a.segments_count, v.segments_count);
    ck_assert_int_ge(a.duration_us, v.duration_us);
    ck_assert_int_lt(a.duration_us, v.duration_us + 21334);
    reels_packager_free(packager);
}
END_TEST

START_TEST(test_packager_refuses_late_audio_it_cannot_fill)
{
    reels_packager *packager = new_packager(NULL);
    uint32_t track = 0;
    test_ok(&env, hls_add_audio(packager, "a", &audio_surround, &track, &env.err));
    test_status(REELS_ERR_UNSUPPORTED, hls_write(packager, track, &audio_surround, &env.err));
    test_status(REELS_ERR_STATE, reels_packager_finish(packager, &env.err));
    reels_packager_free(packager);
}
END_TEST

START_TEST(test_packager_cuts_audio_that_goes_on)
{
    reels_packager *packager = package_two(&media.video[0], &audio_long);
    int64_t lengths[8];
    ck_assert_uint_eq(info_of(packager, 0).segments_count, 3);
    size_t count = read_lengths("a.m3u8", lengths, 8);
    ck_assert_uint_ge(count, 4);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_ge(lengths[i], 1000000 - 21334);
        ck_assert_int_le(lengths[i], 3000000);
    }
    reels_packager_free(packager);
}
END_TEST

START_TEST(test_packager_makes_audio_only)
{
    reels_packager *packager = package_two(NULL, &audio_mono);
    reels_verify_summary summary = verify_files();
    int64_t lengths[8];
    const char *master = (const char *)hls_files_find(&files, "master.m3u8")->data;
    ck_assert_ptr_nonnull(strstr(master, "CODECS=\"mp4a.40.2\"\na.m3u8\n"));
    ck_assert_ptr_null(strstr(master, "EXT-X-MEDIA"));
    ck_assert_uint_eq(summary.variants_count, 1);
    ck_assert_uint_eq(read_lengths("a.m3u8", lengths, 8), 2);
    ck_assert_int_le(llabs(lengths[0] - 2000000), 11700);
    reels_packager_free(packager);
}
END_TEST

START_TEST(test_packager_packages_odd_cadences)
{
    const struct hls_media *const videos[] = {
        &video_2997, &video_60, &video_vfr, &video_short, &video_one};
    static const int64_t durations_us[] = {4404400, 4200000, 5300000, 166667, 33333};
    static const uint32_t rates[] = {29970, 60000, 30000, 30000, 30000};
    reels_packager *packager = package_two(videos[_i], NULL);
    verify_files();
    reels_packager_track_info info = info_of(packager, 0);
    ck_assert_int_eq(info.duration_us, durations_us[_i]);
    ck_assert_uint_eq(info.samples_count, videos[_i]->count);
    ck_assert_uint_eq(info.frame_rate_milli, rates[_i]);
    reels_packager_free(packager);
}
END_TEST

START_TEST(test_packager_keeps_a_short_tail_with_the_segment_before_it)
{
    struct hls_media cut = media.video[0];
    int64_t lengths[8];
    /* 4.9 s: a tail of 0.9 s joins the second segment. B pictures: the last three samples hold all
     * pictures up to 147. */
    cut.count = 147;
    reels_packager *packager = package_two(&cut, NULL);
    verify_files();
    ck_assert_uint_eq(read_lengths("v.m3u8", lengths, 8), 2);
    ck_assert_int_eq(lengths[0], 2000000);
    ck_assert_int_gt(lengths[1], 2800000);
    ck_assert_ptr_nonnull(
        strstr((const char *)hls_files_find(&files, "v.m3u8")->data, "#EXT-X-TARGETDURATION:3\n"));
    reels_packager_free(packager);
}
END_TEST

START_TEST(test_packager_makes_a_shorter_first_segment)
{
    reels_packager_options options = {
        .struct_size = sizeof options, .segment_us = 2000000, .first_segment_us = 1000000};
    struct hls_media clip;
    struct hls_video_spec spec = {.width = 64,
                                  .height = 96,
                                  .fps_num = 30,
                                  .fps_den = 1,
                                  .frames = 150,
                                  .bitrate_bps = 50000,
                                  .key_ms = 1000,
                                  .annexb = 1};
    int64_t lengths[8];
    uint32_t track = 0;
    reels_packager *packager = new_packager(&options);
    hls_media_video(&clip, &spec);
    test_ok(&env, hls_add_video(packager, "v", &clip, &track, &env.err));
    test_ok(&env, hls_write(packager, track, &clip, &env.err));
    test_ok(&env, reels_packager_finish(packager, &env.err));
    verify_files();
    ck_assert_uint_eq(read_lengths("v.m3u8", lengths, 8), 3);
    ck_assert_int_eq(lengths[0], 1000000);
    ck_assert_int_eq(lengths[1], 2000000);
    ck_assert_int_eq(lengths[2], 2000000);
    reels_packager_free(packager);
    hls_media_free(&clip);
}
END_TEST

START_TEST(test_packager_shows_first_picture_from_the_start)
{
    struct hls_media late = media.video[0];
    reels_sample *samples = malloc(late.count * sizeof *samples);
    ck_assert_ptr_nonnull(samples);
    for (size_t i = 0; i < late.count; i++) {
        samples[i] = late.samples[i];
        samples[i].pts += 500;
    }
    late.samples = samples;
    reels_packager *packager = package_two(&late, NULL);
    reels_packager_track_info info = info_of(packager, 0);
    ck_assert_int_eq(info.duration_us, 5216667);
    reels_packager_free(packager);
    free(samples);
}
END_TEST

START_TEST(test_packager_refuses_tracks_without_common_cuts)
{
    reels_packager *packager = new_packager(NULL);
    uint32_t tracks[2] = {0};
    test_ok(&env, hls_add_video(packager, "a", &media.video[0], &tracks[0], &env.err));
    test_ok(&env, hls_add_video(packager, "b", &video_keys_elsewhere, &tracks[1], &env.err));
    test_ok(&env, hls_write(packager, tracks[0], &media.video[0], &env.err));
    test_status(REELS_ERR_CONFLICT,
                hls_write(packager, tracks[1], &video_keys_elsewhere, &env.err));
    test_status(REELS_ERR_STATE, hls_write(packager, tracks[0], &media.video[0], &env.err));
    reels_packager_free(packager);
    /* A track that ends before a cut of another one is found at the end. */
    packager = new_packager(NULL);
    struct hls_media cut = media.video[1];
    cut.count = 90;
    test_ok(&env, hls_add_video(packager, "c", &media.video[0], &tracks[0], &env.err));
    test_ok(&env, hls_add_video(packager, "d", &cut, &tracks[1], &env.err));
    test_ok(&env, hls_write(packager, tracks[0], &media.video[0], &env.err));
    test_ok(&env, hls_write(packager, tracks[1], &cut, &env.err));
    test_status(REELS_ERR_CONFLICT, reels_packager_finish(packager, &env.err));
    reels_packager_free(packager);
}
END_TEST

START_TEST(test_packager_refuses_bad_samples)
{
    reels_sample good = media.video[0].samples[0];
    reels_sample second = media.video[0].samples[1];
    reels_sample cases[6][2] = {{second, second},
                                {good, good},
                                {good, second},
                                {good, second},
                                {good, second},
                                {good, second}};
    cases[1][1].flags = 0;
    cases[2][1].flags = REELS_SAMPLE_KEY;
    cases[3][1].data_len = 0;
    cases[4][1].pts = INT64_MAX;
    cases[5][0].pts = -1000;
    reels_packager *packager = new_packager(NULL);
    uint32_t track = 0;
    test_ok(&env, hls_add_video(packager, "v", &media.video[0], &track, &env.err));
    reels_status status =
        reels_packager_write(packager, track, cases[_i], sizeof(reels_sample), 2, &env.err);
    if (_i == 1) {
        /* The same pts twice is seen when the segment is closed. */
        test_ok(&env, status);
        status = reels_packager_finish(packager, &env.err);
    }
    test_status(REELS_ERR_INVALID_ARG, status);
    reels_packager_free(packager);
}
END_TEST

START_TEST(test_packager_refuses_gaps_in_audio)
{
    reels_packager *packager = new_packager(NULL);
    uint32_t track = 0;
    test_ok(&env, hls_add_audio(packager, "a", &media.audio, &track, &env.err));
    test_ok(&env,
            reels_packager_write(
                packager, track, media.audio.samples, sizeof(reels_sample), 3, &env.err));
    test_status(REELS_ERR_INVALID_ARG,
                reels_packager_write(
                    packager, track, media.audio.samples + 4, sizeof(reels_sample), 1, &env.err));
    reels_packager_free(packager);
}
END_TEST

START_TEST(test_packager_refuses_bad_tracks)
{
    static const char *const names[] = {"",
                                        ".v",
                                        "a/b",
                                        "..",
                                        "v.mp4",
                                        "master",
                                        "v 1",
                                        "v\"",
                                        "v\n",
                                        "\xc3\xa4",
                                        NULL,
                                        "v234567890123456789012345678901234567890123456789"};
    reels_packager *packager = new_packager(NULL);
    uint32_t track = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        test_status(REELS_ERR_INVALID_ARG,
                    hls_add_video(packager, names[i], &media.video[0], &track, &env.err));
    }
    struct hls_media wrong = media.video[0];
    wrong.width = 92;
    test_status(REELS_ERR_INVALID_ARG, hls_add_video(packager, "v", &wrong, &track, &env.err));
    wrong = media.video[0];
    wrong.timescale = 0;
    test_status(REELS_ERR_INVALID_ARG, hls_add_video(packager, "v", &wrong, &track, &env.err));
    wrong = media.audio;
    wrong.timescale = 44100;
    test_status(REELS_ERR_INVALID_ARG, hls_add_audio(packager, "a", &wrong, &track, &env.err));
    /* Every prefix of the extradata is refused or read, and none does harm. */
    for (size_t len = 0; len < media.video[2].extradata_len; len++) {
        wrong = media.video[2];
        wrong.extradata_len = len;
        ck_assert_int_lt(hls_add_video(packager, "v", &wrong, &track, &env.err), 0);
    }
    test_ok(&env, hls_add_video(packager, "v", &media.video[0], &track, &env.err));
    test_status(REELS_ERR_EXISTS, hls_add_video(packager, "v", &media.video[0], &track, &env.err));
    test_status(REELS_ERR_INVALID_ARG, hls_add_video(packager, "w", &video_60, &track, &env.err));
    test_status(REELS_ERR_STATE, reels_packager_finish(packager, &env.err));
    reels_packager_free(packager);
}
END_TEST

START_TEST(test_packager_writes_labels_or_refuses_them)
{
    static const char *const bad[] = {"", "a\"b", "a\nb", "a\x7f", "\xff", "a\rb"};
    reels_packager *packager = new_packager(NULL);
    reels_packager_audio audio = {.struct_size = sizeof audio,
                                  .name = "a",
                                  .extradata = media.audio.extradata,
                                  .extradata_len = media.audio.extradata_len,
                                  .label = "a",
                                  .language = "en\"x"};
    uint32_t track = 0;
    uint32_t video = 0;
    test_status(REELS_ERR_INVALID_ARG,
                reels_packager_add_audio(packager, &audio, &track, &env.err));
    audio.language = "pt-BR";
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        audio.label = bad[i];
        test_status(REELS_ERR_INVALID_ARG,
                    reels_packager_add_audio(packager, &audio, &track, &env.err));
    }
    audio.label = "Som, \xc3\xa9; #1";
    test_ok(&env, reels_packager_add_audio(packager, &audio, &track, &env.err));
    test_ok(&env, hls_add_video(packager, "v", &media.video[0], &video, &env.err));
    test_ok(&env, hls_write(packager, track, &media.audio, &env.err));
    test_ok(&env, hls_write(packager, video, &media.video[0], &env.err));
    test_ok(&env, reels_packager_finish(packager, &env.err));
    verify_files();
    ck_assert_ptr_nonnull(strstr((const char *)hls_files_find(&files, "master.m3u8")->data,
                                 "NAME=\"Som, \xc3\xa9; #1\",LANGUAGE=\"pt-BR\",DEFAULT=YES"));
    reels_packager_free(packager);
}
END_TEST

START_TEST(test_packager_holds_memory_to_its_limit)
{
    reels_packager_options options = {.struct_size = sizeof options, .buffered_bytes_max = 20000};
    reels_packager *packager = new_packager(&options);
    uint32_t track = 0;
    test_ok(&env, hls_add_video(packager, "v", &media.video[2], &track, &env.err));
    test_status(REELS_ERR_LIMIT, hls_write(packager, track, &media.video[2], &env.err));
    reels_packager_free(packager);
}
END_TEST

/* The n-th call of the output fails, for every n: its status comes back and no file stays open. */
START_TEST(test_packager_hands_failures_of_the_output_on)
{
    reels_output_vtable table = hls_files_output();
    reels_packager_options options = {.struct_size = sizeof options,
                                      .flags = _i == 0 ? 0 : REELS_PACKAGER_SEGMENT_FILES};
    size_t failures = 0;
    for (;;) {
        hls_files_dispose(&files);
        files.fail_at = failures + 1;
        reels_status status =
            hls_tree_package_to(env.ctx, &media, &options, &table, &files, &env.err);
        ck_assert_uint_eq(files.open_count, 0);
        if (status == REELS_OK) {
            break;
        }
        ck_assert_int_eq(status, REELS_ERR_HOST);
        ck_assert_int_eq((int)env.err.host_code, 7);
        failures++;
    }
    ck_assert_uint_gt(failures, 20);
}
END_TEST

static reels_status package_once(reels_ctx *ctx, void *arg)
{
    reels_output_vtable table = hls_files_output();
    struct hls_files *out = arg;
    struct hls_tree small = media;
    hls_files_dispose(out);
    small.video_count = 1;
    return hls_tree_package_to(ctx, &small, NULL, &table, out, NULL);
}

START_TEST(test_packager_survives_lack_of_memory)
{
    ck_assert_uint_gt(test_oom_run(0, package_once, &files), 20);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("packager");
    TCase *packager = tcase_create("packager");
    tcase_add_checked_fixture(packager, setup, teardown);
    tcase_set_timeout(packager, 60);
    tcase_add_test(packager, test_packager_makes_the_same_bytes_in_any_interleaving);
    tcase_add_test(packager, test_packager_writes_master_last_and_all_files_whole);
    tcase_add_test(packager, test_packager_measures_what_it_writes);
    tcase_add_test(packager, test_packager_lists_key_frames);
    tcase_add_test(packager, test_packager_begins_with_variant_below_the_given_bandwidth);
    tcase_add_test(packager, test_packager_times_video_without_edit_list);
    tcase_add_test(packager, test_packager_skips_priming_by_one_edit);
    tcase_add_test(packager, test_packager_fills_late_audio_to_the_tick);
    tcase_add_test(packager, test_packager_fills_audio_that_ends_early);
    tcase_add_test(packager, test_packager_refuses_late_audio_it_cannot_fill);
    tcase_add_test(packager, test_packager_cuts_audio_that_goes_on);
    tcase_add_test(packager, test_packager_makes_audio_only);
    tcase_add_loop_test(packager, test_packager_packages_odd_cadences, 0, 5);
    tcase_add_test(packager, test_packager_keeps_a_short_tail_with_the_segment_before_it);
    tcase_add_test(packager, test_packager_makes_a_shorter_first_segment);
    tcase_add_test(packager, test_packager_shows_first_picture_from_the_start);
    tcase_add_test(packager, test_packager_refuses_tracks_without_common_cuts);
    tcase_add_loop_test(packager, test_packager_refuses_bad_samples, 0, 6);
    tcase_add_test(packager, test_packager_refuses_gaps_in_audio);
    tcase_add_test(packager, test_packager_refuses_bad_tracks);
    tcase_add_test(packager, test_packager_writes_labels_or_refuses_them);
    tcase_add_test(packager, test_packager_holds_memory_to_its_limit);
    tcase_add_loop_test(packager, test_packager_hands_failures_of_the_output_on, 0, 2);
    tcase_add_test(packager, test_packager_survives_lack_of_memory);
    suite_add_tcase(suite, packager);
    return suite;
}

static void make_media(void)
{
    struct hls_video_spec spec = {.width = 64,
                                  .height = 96,
                                  .fps_num = 30,
                                  .fps_den = 1,
                                  .frames = 5,
                                  .bitrate_bps = 50000,
                                  .key_ms = 2000,
                                  .b_frames = 2,
                                  .annexb = 1};
    hls_tree_make(&media);
    hls_media_video(&video_short, &spec);
    spec.frames = 1;
    hls_media_video(&video_one, &spec);
    spec.frames = 120;
    spec.uneven = 1;
    hls_media_video(&video_vfr, &spec);
    spec.uneven = 0;
    spec.key_ms = 1500;
    hls_media_video(&video_keys_elsewhere, &spec);
    spec.key_ms = 2000;
    spec.frames = 132;
    spec.fps_num = 30000;
    spec.fps_den = 1001;
    hls_media_video(&video_2997, &spec);
    spec.frames = 252;
    spec.fps_num = 60;
    spec.fps_den = 1;
    hls_media_video(&video_60, &spec);
    hls_media_audio(&audio_mono, 44100, 1, 4500, 0);
    hls_media_audio(&audio_long, 48000, 2, 9000, 0);
    hls_media_audio(&audio_late, 48000, 2, 3000, 1300);
    hls_media_audio(&audio_surround, 48000, 6, 500, 1300);
}

int main(void)
{
    struct hls_media *const all[] = {&video_2997,
                                     &video_60,
                                     &video_vfr,
                                     &video_short,
                                     &video_one,
                                     &video_keys_elsewhere,
                                     &audio_mono,
                                     &audio_long,
                                     &audio_late,
                                     &audio_surround};
    make_media();
    int status = test_main(make_suite());
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        hls_media_free(all[i]);
    }
    hls_tree_free(&media);
    return status;
}
