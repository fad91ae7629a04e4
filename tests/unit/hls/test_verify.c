/* What verification promises: trees of the packager are good, and a tree with one fault is not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hls_fixture.h"
#include "hls_memory.h"

/* Encoded and packaged once, before the tests fork. */
static struct hls_tree media;
static struct hls_files good_files;    /* byte ranges */
static struct hls_files good_segments; /* one file per segment */

static struct test_env env;
static struct hls_files files; /* a copy for each test to spoil */

static void setup(void)
{
    test_env_init(&env, 0);
    hls_files_copy(&good_files, &files);
}

static void setup_segments(void)
{
    test_env_init(&env, 0);
    hls_files_copy(&good_segments, &files);
}

static void teardown(void)
{
    hls_files_dispose(&files);
    test_env_dispose(&env);
}

static reels_verify_report *verify(uint32_t flags)
{
    reels_verify_options options = {.struct_size = sizeof options, .flags = flags};
    reels_verify_report *report = NULL;
    reels_verify_source_vtable table = hls_files_source();
    test_ok(&env, reels_verify_source(env.ctx, &table, &files, &options, &report, &env.err));
    return report;
}

static void show(const reels_verify_report *report)
{
    for (size_t i = 0; i < reels_verify_report_findings_count(report); i++) {
        reels_verify_finding finding = {.struct_size = sizeof finding};
        test_ok(&env, reels_verify_report_finding(report, i, &finding, &env.err));
        (void)fprintf(stderr,
                      "# %s: %s[%d]: %s\n",
                      reels_verify_code_name(finding.code),
                      finding.file,
                      (int)finding.segment,
                      finding.message);
    }
}

static size_t count_code(const reels_verify_report *report, uint32_t code)
{
    size_t count = 0;
    for (size_t i = 0; i < reels_verify_report_findings_count(report); i++) {
        reels_verify_finding finding = {.struct_size = sizeof finding};
        test_ok(&env, reels_verify_report_finding(report, i, &finding, &env.err));
        count += finding.code == code && finding.severity == REELS_VERIFY_ERROR;
    }
    return count;
}

static void expect_good(uint32_t flags)
{
    reels_verify_report *report = verify(flags);
    reels_verify_summary summary = {.struct_size = sizeof summary};
    test_ok(&env, reels_verify_report_summary(report, &summary, &env.err));
    if (summary.errors_count + summary.warnings_count > 0) {
        show(report);
    }
    ck_assert_uint_eq(summary.errors_count, 0);
    ck_assert_uint_eq(summary.warnings_count, 0);
    ck_assert_uint_gt(summary.segments_count, 0);
    reels_verify_report_free(report);
}

/* The tree is bad, and among the reasons is this one. */
static void expect_fault(uint32_t code, uint32_t flags)
{
    reels_verify_report *report = verify(flags);
    reels_verify_summary summary = {.struct_size = sizeof summary};
    test_ok(&env, reels_verify_report_summary(report, &summary, &env.err));
    if (count_code(report, code) == 0) {
        show(report);
    }
    ck_assert_uint_gt(summary.errors_count, 0);
    ck_assert_msg(count_code(report, code) > 0, "no finding %s", reels_verify_code_name(code));
    reels_verify_report_free(report);
}

START_TEST(test_verify_accepts_packaged_tree)
{
    expect_good(0);
}
END_TEST

START_TEST(test_verify_counts_what_it_saw)
{
    reels_verify_report *report = verify(0);
    reels_verify_summary summary = {.struct_size = sizeof summary};
    reels_buf *json = NULL;
    test_ok(&env, reels_verify_report_summary(report, &summary, &env.err));
    ck_assert_uint_eq(summary.variants_count, 3);
    ck_assert_uint_eq(summary.playlists_count, 7); /* three of them of key frames */
    ck_assert_uint_eq(summary.segments_count, 12);
    ck_assert_uint_eq(summary.samples_count, 3 * 156 + media.audio.count);
    ck_assert_uint_eq(summary.frames_count, summary.samples_count);
    test_ok(&env, reels_buf_new(env.ctx, 0, &json, &env.err));
    test_ok(&env, reels_verify_report_json(report, json, &env.err));
    ck_assert_ptr_nonnull(strstr((const char *)reels_buf_data(json),
                                 "{\"ok\":true,\"errors\":0,\"warnings\":0,\"variants\":3"));
    reels_buf_free(json);
    reels_verify_report_free(report);
}
END_TEST

START_TEST(test_verify_writes_nothing_to_standard_output)
{
    int out[2] = {dup(1), dup(2)};
    FILE *catcher = tmpfile();
    ck_assert_ptr_nonnull(catcher);
    ck_assert_int_ge(dup2(fileno(catcher), 1), 0);
    ck_assert_int_ge(dup2(fileno(catcher), 2), 0);
    hls_files_strip_hashes(&files);
    struct hls_range range = hls_segment_range(&files, "v180.m3u8", 1);
    memset(range.data + range.len / 2, 0xa5, range.len / 4);
    reels_verify_report *report = verify(0);
    (void)fflush(NULL);
    ck_assert_int_ge(dup2(out[0], 1), 0);
    ck_assert_int_ge(dup2(out[1], 2), 0);
    ck_assert_int_eq((int)lseek(fileno(catcher), 0, SEEK_END), 0);
    ck_assert_uint_gt(count_code(report, REELS_VERIFY_DECODE), 0);
    reels_verify_report_free(report);
    (void)fclose(catcher);
}
END_TEST

/* One text replaced in one playlist, and what must be found. */
struct edit {
    const char *file;
    const char *from;
    const char *to;
    uint32_t code;
};

static const struct edit edits[] = {
    {"master.m3u8", "#EXTM3U\n", "\xef\xbb\xbf#EXTM3U\n", REELS_VERIFY_PLAYLIST_SYNTAX},
    {"master.m3u8", "#EXTM3U\n", "", REELS_VERIFY_PLAYLIST_SYNTAX},
    {"v90.m3u8", "#EXTM3U\n", "#EXTM3U8\n", REELS_VERIFY_PLAYLIST_SYNTAX},
    {"master.m3u8", "avc1.", "avc1.\x01", REELS_VERIFY_PLAYLIST_SYNTAX},
    {"master.m3u8", "avc1.", "avc1.\xff", REELS_VERIFY_PLAYLIST_SYNTAX},
    {"master.m3u8", "RESOLUTION=90x160", "RESOLUTION=\"90x160\"", REELS_VERIFY_PLAYLIST_SYNTAX},
    {"master.m3u8", "AUDIO=\"audio\"", "AUDIO=audio", REELS_VERIFY_PLAYLIST_SYNTAX},
    {"master.m3u8", ",RESOLUTION", ",,RESOLUTION", REELS_VERIFY_PLAYLIST_SYNTAX},
    {"v90.m3u8", "#EXTINF:2.000000,", "#EXTINF:2.0e0,", REELS_VERIFY_PLAYLIST_SYNTAX},
    {"v90.m3u8", "#EXTINF:2.000000,\n", "", REELS_VERIFY_PLAYLIST_SYNTAX},
    {"v90.m3u8", "#EXT-X-ENDLIST", "#EXTINF:2.0,\n#EXT-X-ENDLIST", REELS_VERIFY_PLAYLIST_SYNTAX},
    {"v90.m3u8",
     "#EXT-X-PLAYLIST-TYPE:VOD",
     "#EXT-X-PLAYLIST-TYPE:LIVE",
     REELS_VERIFY_PLAYLIST_SYNTAX},
    {"v90.m3u8",
     "#EXT-X-ENDLIST",
     "#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8",
     REELS_VERIFY_PLAYLIST_SYNTAX},
    {"v90.m3u8", "#EXT-X-ENDLIST\n", "", REELS_VERIFY_ENDLIST},
    {"v90.m3u8",
     "#EXT-X-TARGETDURATION:2",
     "#EXT-X-TARGETDURATION:1",
     REELS_VERIFY_TARGET_DURATION},
    {"v90.m3u8", "#EXT-X-TARGETDURATION:2\n", "", REELS_VERIFY_TAG_MISSING},
    {"v90.m3u8",
     "#EXT-X-TARGETDURATION:2",
     "#EXT-X-TARGETDURATION:2\n#EXT-X-TARGETDURATION:2",
     REELS_VERIFY_TAG_REPEATED},
    {"v90.m3u8", "#EXT-X-VERSION:7", "#EXT-X-VERSION:3", REELS_VERIFY_VERSION},
    {"v90.m3u8", "#EXT-X-VERSION:7\n", "", REELS_VERIFY_VERSION},
    {"master.m3u8", "BANDWIDTH=", "BANDWIDTH=1,BANDWIDTH=", REELS_VERIFY_TAG_REPEATED},
    {"master.m3u8", ",FRAME-RATE=30.000", ",FRAME-RATE=25.000", REELS_VERIFY_FRAME_RATE},
    {"master.m3u8", "RESOLUTION=180x320", "RESOLUTION=182x320", REELS_VERIFY_RESOLUTION},
    {"master.m3u8", "RESOLUTION=90x160", "RESOLUTION=136x240", REELS_VERIFY_RESOLUTION},
    {"master.m3u8", ",mp4a.40.2", ",mp4a.40.5", REELS_VERIFY_CODECS},
    {"master.m3u8", ",mp4a.40.2", "", REELS_VERIFY_CODECS},
    {"master.m3u8", "\"avc1.4d", "\"avc1.64", REELS_VERIFY_CODECS},
    {"master.m3u8", ",mp4a.40.2", ",mp4a.40.2,ac-3", REELS_VERIFY_CODECS},
    {"master.m3u8", "AUDIO=\"audio\"", "AUDIO=\"sound\"", REELS_VERIFY_GROUP},
    {"master.m3u8", "CLOSED-CAPTIONS=NONE", "SUBTITLES=\"subs\"", REELS_VERIFY_GROUP},
    {"master.m3u8", "AUTOSELECT=YES", "AUTOSELECT=NO", REELS_VERIFY_GROUP},
    {"master.m3u8", "v180.m3u8", "v181.m3u8", REELS_VERIFY_FILE_MISSING},
    {"master.m3u8", "\nv180.m3u8", "\nv90.m3u8", REELS_VERIFY_RESOLUTION},
    {"master.m3u8", "v180.m3u8", "../v180.m3u8", REELS_VERIFY_PATH_OUTSIDE},
    {"master.m3u8", "v180.m3u8", "/etc/passwd", REELS_VERIFY_PATH_OUTSIDE},
    {"master.m3u8", "v180.m3u8", "https://example.com/v180.m3u8", REELS_VERIFY_PATH_OUTSIDE},
    {"master.m3u8", "v180.m3u8", "file:///v180.m3u8", REELS_VERIFY_PATH_OUTSIDE},
    {"v90.m3u8", "v90.mp4\"", "a/../../v90.mp4\"", REELS_VERIFY_PATH_OUTSIDE},
    {"v90.m3u8", "\nv90.mp4", "\n%2e%2e/v90.mp4", REELS_VERIFY_PATH_OUTSIDE},
    {"v90.m3u8", "\nv90.mp4", "\n//host/v90.mp4", REELS_VERIFY_PATH_OUTSIDE},
    {"v90.m3u8", "\nv90.mp4", "\nv90.mp4?x=1", REELS_VERIFY_PATH_OUTSIDE},
    {"v90.m3u8", "\nv90.mp4", "\nv%0090.mp4", REELS_VERIFY_PATH_OUTSIDE},
    {"v90.m3u8", "#EXT-X-MAP:URI=\"v90.mp4\"", "#EXT-X-MAP:URI=\"v136.mp4\"", REELS_VERIFY_BOX},
    {"v90.m3u8", "#EXT-X-BYTERANGE:", "#EXT-X-BYTERANGE:9", REELS_VERIFY_BYTERANGE},
    {"v90.m3u8", "#EXT-X-BYTERANGE:", "#EXT-X-BYTERANGE:-", REELS_VERIFY_PLAYLIST_SYNTAX},
    {"v90.m3u8", "#EXTINF:2.000000,", "#EXTINF:1.900000,", REELS_VERIFY_EXTINF},
    {"v90.m3u8", "#EXTINF:1.200000,", "#EXTINF:1.300000,", REELS_VERIFY_EXTINF},
    {"a.m3u8", "#EXTINF:2.005333,", "#EXTINF:2.080000,", REELS_VERIFY_EXTINF},
    {"master.m3u8", "v180.iframes.m3u8", "v181.iframes.m3u8", REELS_VERIFY_FILE_MISSING},
    {"master.m3u8", "v180.iframes.m3u8", "v90.iframes.m3u8", REELS_VERIFY_RESOLUTION},
    {"master.m3u8", "v180.iframes.m3u8", "v180.m3u8", REELS_VERIFY_TAG_MISSING},
    {"master.m3u8", ",URI=\"v180.iframes.m3u8\"", "", REELS_VERIFY_TAG_MISSING},
    {"master.m3u8", "STREAM-INF:BANDWIDTH=", "STREAM-INF:BANDWIDTH=9", REELS_VERIFY_BANDWIDTH},
    {"v90.iframes.m3u8", "#EXT-X-I-FRAMES-ONLY\n", "", REELS_VERIFY_TAG_MISSING},
    {"v90.iframes.m3u8", "#EXT-X-ENDLIST\n", "", REELS_VERIFY_ENDLIST},
    {"v90.iframes.m3u8", "#EXTINF:2.000000,", "#EXTINF:1.500000,", REELS_VERIFY_EXTINF},
    {"v90.iframes.m3u8", "#EXTINF:1.200000,", "#EXTINF:2.000000,", REELS_VERIFY_EXTINF},
    {"v90.iframes.m3u8", "#EXT-X-BYTERANGE:", "#EXT-X-BYTERANGE:1", REELS_VERIFY_BYTERANGE},
    {"v90.iframes.m3u8", "\nv90.mp4", "\nv136.mp4", REELS_VERIFY_KEY_FRAME},
    {"v90.iframes.m3u8", "@", "@1", REELS_VERIFY_KEY_FRAME},
    {"v90.iframes.m3u8", "URI=\"v90.mp4\"", "URI=\"v136.mp4\"", REELS_VERIFY_BOX},
    {"v90.iframes.m3u8", "\nv90.mp4", "\n../v90.mp4", REELS_VERIFY_PATH_OUTSIDE},
};

START_TEST(test_verify_finds_fault_in_playlist)
{
    const struct edit *edit = &edits[_i];
    ck_assert_msg(hls_files_replace(&files, edit->file, edit->from, edit->to) > 0,
                  "%s is not in %s",
                  edit->from,
                  edit->file);
    expect_fault(edit->code, REELS_VERIFY_NO_DECODE * (edit->code != REELS_VERIFY_DECODE));
}
END_TEST

/* BANDWIDTH and AVERAGE-BANDWIDTH multiplied by percent. */
static void scale_bandwidth(const char *attribute, uint64_t percent)
{
    struct hls_file *master = hls_files_find(&files, "master.m3u8");
    char from[100];
    char to[100];
    const char *at = strstr((const char *)master->data, attribute);
    ck_assert_ptr_nonnull(at);
    uint64_t value = strtoull(at + strlen(attribute), NULL, 10);
    (void)snprintf(from, sizeof from, "%s%llu,", attribute, (unsigned long long)value);
    (void)snprintf(
        to, sizeof to, "%s%llu,", attribute, (unsigned long long)(value * percent / 100));
    ck_assert_int_gt(hls_files_replace(&files, "master.m3u8", from, to), 0);
}

/* An entry that ends within its picture. */
START_TEST(test_verify_finds_key_frame_that_is_cut_short)
{
    const char *text = (const char *)hls_files_find(&files, "v90.iframes.m3u8")->data;
    const char *range = strstr(text, "#EXT-X-BYTERANGE:");
    char from[80];
    char to[80];
    ck_assert_ptr_nonnull(range);
    unsigned long long len = strtoull(range + 17, NULL, 10);
    (void)snprintf(from, sizeof from, "#EXT-X-BYTERANGE:%llu@", len);
    (void)snprintf(to, sizeof to, "#EXT-X-BYTERANGE:%llu@", len - 1);
    ck_assert_int_gt(hls_files_replace(&files, "v90.iframes.m3u8", from, to), 0);
    expect_fault(REELS_VERIFY_BYTERANGE, REELS_VERIFY_NO_DECODE);
}
END_TEST

START_TEST(test_verify_finds_wrong_bandwidth)
{
    static const struct {
        const char *attribute;
        uint64_t percent;
        uint32_t code;
    } cases[] = {{":BANDWIDTH=", 99, REELS_VERIFY_BANDWIDTH},
                 {":BANDWIDTH=", 50, REELS_VERIFY_BANDWIDTH},
                 {":BANDWIDTH=", 125, REELS_VERIFY_BANDWIDTH},
                 {"AVERAGE-BANDWIDTH=", 80, REELS_VERIFY_AVERAGE_BANDWIDTH},
                 {"AVERAGE-BANDWIDTH=", 125, REELS_VERIFY_AVERAGE_BANDWIDTH}};
    scale_bandwidth(cases[_i].attribute, cases[_i].percent);
    expect_fault(cases[_i].code, REELS_VERIFY_NO_DECODE);
}
END_TEST

START_TEST(test_verify_finds_flipped_byte_by_checksum)
{
    struct hls_range range = hls_segment_range(&files, "v180.m3u8", 1);
    range.data[range.len - 40] ^= 1;
    expect_fault(REELS_VERIFY_CHECKSUM, REELS_VERIFY_NO_DECODE);
}
END_TEST

/* Without the checksums, decoding alone must see it. */
START_TEST(test_verify_finds_damaged_segment_by_decoding)
{
    hls_files_strip_hashes(&files);
    struct hls_range range =
        hls_segment_range(&files, _i % 2 == 0 ? "v180.m3u8" : "a.m3u8", (size_t)_i % 3);
    unsigned seed = (unsigned)_i + 1;
    for (size_t i = 0; i < 200; i++) {
        seed = seed * 1103515245U + 12345U;
        range.data[range.len / 3 + (seed >> 8) % (range.len / 2)] ^= (uint8_t)(seed >> 24);
    }
    reels_verify_report *report = verify(0);
    size_t found = count_code(report, REELS_VERIFY_DECODE) + count_code(report, REELS_VERIFY_BOX) +
                   count_code(report, REELS_VERIFY_KEY_FRAME);
    ck_assert_uint_gt(found, 0);
    reels_verify_report_free(report);
}
END_TEST

START_TEST(test_verify_finds_truncated_file)
{
    struct hls_file *file = hls_files_find(&files, "v136.mp4");
    file->len -= 1;
    expect_fault(REELS_VERIFY_BYTERANGE, REELS_VERIFY_NO_DECODE);
}
END_TEST

START_TEST(test_verify_finds_swapped_ranges)
{
    hls_files_swap_segments(&files, "v136.m3u8", 0, 1);
    expect_fault(REELS_VERIFY_DECODE_TIME, REELS_VERIFY_NO_DECODE);
}
END_TEST

START_TEST(test_verify_segments_accepts_packaged_tree)
{
    expect_good(0);
}
END_TEST

START_TEST(test_verify_segments_finds_missing_file)
{
    hls_files_remove(&files, "v90_00002.m4s");
    expect_fault(REELS_VERIFY_FILE_MISSING, 0);
}
END_TEST

START_TEST(test_verify_segments_finds_swapped_files)
{
    hls_files_strip_hashes(&files);
    hls_files_swap(&files, "v90_00001.m4s", "v90_00002.m4s");
    expect_fault(REELS_VERIFY_DECODE_TIME, REELS_VERIFY_NO_DECODE);
}
END_TEST

/* A segment of another rung at the same time: only its pictures give it away. */
START_TEST(test_verify_segments_finds_other_rung_by_decoding)
{
    static const char *const pairs[][2] = {{"v90_00001.m4s", "v136_00001.m4s"},
                                           {"v136_00002.m4s", "v180_00002.m4s"},
                                           {"v180_00003.m4s", "v90_00003.m4s"}};
    hls_files_strip_hashes(&files);
    hls_files_swap(&files, pairs[_i][0], pairs[_i][1]);
    expect_fault(REELS_VERIFY_DECODE, 0);
}
END_TEST

START_TEST(test_verify_segments_finds_init_of_other_rung)
{
    hls_files_strip_hashes(&files);
    hls_files_swap(&files, "v90_init.mp4", "v136_init.mp4");
    expect_fault(REELS_VERIFY_DECODE, 0);
    expect_fault(REELS_VERIFY_RESOLUTION, REELS_VERIFY_NO_DECODE);
}
END_TEST

START_TEST(test_verify_segments_finds_other_rung_by_checksum)
{
    hls_files_swap(&files, "v90_00001.m4s", "v136_00001.m4s");
    expect_fault(REELS_VERIFY_CHECKSUM, REELS_VERIFY_NO_DECODE);
}
END_TEST

START_TEST(test_verify_segments_finds_audio_among_video)
{
    hls_files_strip_hashes(&files);
    hls_files_swap(&files, "v90_00001.m4s", "a_00001.m4s");
    reels_verify_report *report = verify(0);
    ck_assert_uint_gt(
        count_code(report, REELS_VERIFY_BOX) + count_code(report, REELS_VERIFY_DECODE), 0);
    reels_verify_report_free(report);
}
END_TEST

/* One number changed inside a box. */
static void patch_box(const char *file, const char *box, size_t offset, uint32_t add)
{
    struct hls_file *found = hls_files_find(&files, file);
    uint8_t *at = memmem(found->data, found->len, box, 4);
    ck_assert_ptr_nonnull(at);
    at += 4 + offset;
    uint32_t value = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    value += add;
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

START_TEST(test_verify_segments_finds_fault_in_boxes)
{
    static const struct {
        const char *file;
        const char *box;
        size_t offset;
        uint32_t add;
        uint32_t code;
    } cases[] = {
        /* tfdt: low half of the 64-bit time */
        {"v90_00002.m4s", "tfdt", 8, 1, REELS_VERIFY_DECODE_TIME},
        {"v90_00001.m4s", "tfdt", 8, 1, REELS_VERIFY_DECODE_TIME},
        {"a_00003.m4s", "tfdt", 8, (uint32_t)-1, REELS_VERIFY_DECODE_TIME},
        /* tfhd: default duration, so the sum differs */
        {"v90_00001.m4s", "tfhd", 8, 10, REELS_VERIFY_DECODE_TIME},
        /* tfhd: track number */
        {"v90_00001.m4s", "tfhd", 4, 1, REELS_VERIFY_BOX},
        /* trun: number of samples, data offset, flags of the first sample */
        {"v90_00001.m4s", "trun", 4, 1, REELS_VERIFY_BOX},
        {"v90_00001.m4s", "trun", 4, (uint32_t)-1, REELS_VERIFY_BOX},
        {"v90_00001.m4s", "trun", 8, 1, REELS_VERIFY_BOX},
        {"v90_00001.m4s", "trun", 12, 0x10000, REELS_VERIFY_KEY_FRAME},
        /* sizes of boxes */
        {"v90_00001.m4s", "moof", (size_t)-8, 4, REELS_VERIFY_BOX},
        {"v90_init.mp4", "moov", (size_t)-8, 1, REELS_VERIFY_BOX},
        {"v90_init.mp4", "trex", 4, 1, REELS_VERIFY_BOX},
        /* the sample entry's size of pictures */
        {"v90_init.mp4", "avc1", 24, 0x20000, REELS_VERIFY_RESOLUTION},
        {"v90_init.mp4", "mdhd", 12, 0x10000, REELS_VERIFY_EXTINF},
    };
    hls_files_strip_hashes(&files);
    patch_box(cases[_i].file, cases[_i].box, cases[_i].offset, cases[_i].add);
    expect_fault(cases[_i].code, REELS_VERIFY_NO_DECODE);
}
END_TEST

/* A name of four letters changed to another one. */
START_TEST(test_verify_segments_finds_forbidden_boxes)
{
    static const struct {
        const char *file;
        const char *from;
        const char *to;
        uint32_t code;
    } cases[] = {{"v90_init.mp4", "mvex", "udta", REELS_VERIFY_CMAF},
                 {"v90_init.mp4", "ftyp", "free", REELS_VERIFY_BOX},
                 {"v90_init.mp4", "avcC", "free", REELS_VERIFY_BOX},
                 {"v90_00001.m4s", "tfdt", "free", REELS_VERIFY_BOX},
                 {"v90_00001.m4s", "mdat", "uuid", REELS_VERIFY_CMAF},
                 {"v90_00001.m4s", "moof", "moov", REELS_VERIFY_CMAF}};
    struct hls_file *file = hls_files_find(&files, cases[_i].file);
    hls_files_strip_hashes(&files);
    uint8_t *at = memmem(file->data, file->len, cases[_i].from, 4);
    ck_assert_ptr_nonnull(at);
    memcpy(at, cases[_i].to, 4);
    expect_fault(cases[_i].code, REELS_VERIFY_NO_DECODE);
}
END_TEST

/* A segment that was cut in the middle of a group of pictures. */
START_TEST(test_verify_segments_finds_cut_off_key_frame)
{
    hls_files_strip_hashes(&files);
    struct hls_file *file = hls_files_find(&files, "v90_00002.m4s");
    uint8_t *mdat = memmem(file->data, file->len, "mdat", 4);
    ck_assert_ptr_nonnull(mdat);
    for (size_t at = 4; at + 5 < 2000; at++) {
        if ((mdat[at + 4] & 0x1f) == 5 && mdat[at] == 0) {
            mdat[at + 4] = (uint8_t)((mdat[at + 4] & 0xe0) | 1);
            break;
        }
    }
    expect_fault(REELS_VERIFY_KEY_FRAME, REELS_VERIFY_NO_DECODE);
}
END_TEST

/* Every prefix of an init segment and of the playlists is bad, and none does harm. */
START_TEST(test_verify_segments_survives_truncation)
{
    static const char *const names[] = {"v90_init.mp4", "a_init.mp4", "v90.m3u8", "master.m3u8"};
    struct hls_file *file = hls_files_find(&files, names[_i]);
    size_t len = file->len;
    hls_files_strip_hashes(&files);
    len = len < file->len ? len : file->len;
    for (size_t cut = 0; cut < len; cut++) {
        reels_verify_summary summary = {.struct_size = sizeof summary};
        file->len = cut;
        reels_verify_report *report = verify(REELS_VERIFY_NO_DECODE);
        test_ok(&env, reels_verify_report_summary(report, &summary, &env.err));
        /* A playlist may lose its last newline; a master playlist that is cut between variants, or
         * between playlists of key frames, is one with fewer of them. */
        ck_assert_msg(summary.errors_count > 0 || cut + 1 == len || summary.variants_count < 3 ||
                          summary.playlists_count < 7,
                      "%s cut at %zu passes",
                      names[_i],
                      cut);
        reels_verify_report_free(report);
    }
}
END_TEST

/* Every prefix of a small media segment. */
START_TEST(test_verify_segments_survives_truncated_segment)
{
    struct hls_file *file = hls_files_find(&files, "v90_00003.m4s");
    hls_files_strip_hashes(&files);
    for (size_t cut = 0; cut < file->len; cut += cut < 900 ? 1 : 97) {
        struct hls_file whole = *file;
        reels_verify_summary summary = {.struct_size = sizeof summary};
        file->len = cut;
        reels_verify_report *report = verify(REELS_VERIFY_NO_DECODE);
        *file = whole;
        test_ok(&env, reels_verify_report_summary(report, &summary, &env.err));
        ck_assert_uint_gt(summary.errors_count, 0);
        reels_verify_report_free(report);
    }
}
END_TEST

START_TEST(test_verify_keeps_findings_to_the_limit_and_counts_all)
{
    reels_verify_options options = {
        .struct_size = sizeof options, .flags = REELS_VERIFY_NO_DECODE, .findings_max = 2};
    reels_verify_source_vtable table = hls_files_source();
    reels_verify_report *report = NULL;
    reels_verify_summary summary = {.struct_size = sizeof summary};
    for (size_t i = 0; i < 3; i++) {
        static const char *const names[] = {"v90.mp4", "v136.mp4", "v180.mp4"};
        hls_files_remove(&files, names[i]);
    }
    test_ok(&env, reels_verify_source(env.ctx, &table, &files, &options, &report, &env.err));
    test_ok(&env, reels_verify_report_summary(report, &summary, &env.err));
    ck_assert_uint_eq(reels_verify_report_findings_count(report), 2);
    ck_assert_uint_gt(summary.errors_count, 2);
    reels_verify_report_free(report);
}
END_TEST

START_TEST(test_verify_stops_when_cancelled)
{
    reels_cancel *cancel = NULL;
    reels_verify_report *report = NULL;
    test_ok(&env, reels_cancel_new(env.ctx, &cancel, &env.err));
    reels_cancel_raise(cancel);
    reels_call call = {.struct_size = sizeof call, .cancel = cancel};
    reels_verify_options options = {.struct_size = sizeof options, .call = &call};
    reels_verify_source_vtable table = hls_files_source();
    test_status(REELS_ERR_CANCELLED,
                reels_verify_source(env.ctx, &table, &files, &options, &report, &env.err));
    ck_assert_ptr_null(report);
    reels_cancel_free(cancel);
}
END_TEST

START_TEST(test_verify_directory_reads_files_and_no_links)
{
    char path[TEST_PATH_BYTES];
    char name[TEST_PATH_BYTES + 200];
    char target[TEST_PATH_BYTES + 200];
    reels_verify_report *report = NULL;
    reels_verify_summary summary = {.struct_size = sizeof summary};
    test_temp_dir(path);
    hls_files_write(&files, path);
    test_ok(&env, reels_verify_directory(env.ctx, path, NULL, &report, &env.err));
    test_ok(&env, reels_verify_report_summary(report, &summary, &env.err));
    ck_assert_uint_eq(summary.errors_count, 0);
    reels_verify_report_free(report);
    (void)snprintf(name, sizeof name, "%s/v90.mp4", path);
    (void)snprintf(target, sizeof target, "%s/elsewhere", path);
    ck_assert_int_eq(rename(name, target), 0);
    ck_assert_int_eq(symlink("elsewhere", name), 0);
    test_ok(&env, reels_verify_directory(env.ctx, path, NULL, &report, &env.err));
    ck_assert_uint_gt(count_code(report, REELS_VERIFY_READ), 0);
    reels_verify_report_free(report);
    test_temp_dir_remove(path);
    test_status(REELS_ERR_NOT_FOUND,
                reels_verify_directory(env.ctx, path, NULL, &report, &env.err));
    ck_assert_ptr_null(report);
}
END_TEST

static reels_status verify_once(reels_ctx *ctx, void *arg)
{
    reels_verify_report *report = NULL;
    reels_verify_source_vtable table = hls_files_source();
    reels_verify_options options = {.struct_size = sizeof options, .flags = REELS_VERIFY_NO_DECODE};
    reels_status status = reels_verify_source(ctx, &table, arg, &options, &report, NULL);
    if (status == REELS_OK) {
        reels_buf *json = NULL;
        status = reels_buf_new(ctx, 0, &json, NULL);
        if (status == REELS_OK) {
            status = reels_verify_report_json(report, json, NULL);
        }
        reels_buf_free(json);
    }
    reels_verify_report_free(report);
    return status;
}

START_TEST(test_verify_survives_lack_of_memory)
{
    /* With findings, so that their memory fails too. */
    ck_assert_int_gt(hls_files_replace(&files, "master.m3u8", "AUDIO=\"audio\"", "AUDIO=\"sound\""),
                     0);
    ck_assert_uint_gt(test_oom_run(0, verify_once, &files), 20);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("verify");
    TCase *ranges = tcase_create("ranges");
    tcase_add_checked_fixture(ranges, setup, teardown);
    tcase_set_timeout(ranges, 60);
    tcase_add_test(ranges, test_verify_accepts_packaged_tree);
    tcase_add_test(ranges, test_verify_counts_what_it_saw);
    tcase_add_test(ranges, test_verify_writes_nothing_to_standard_output);
    tcase_add_loop_test(
        ranges, test_verify_finds_fault_in_playlist, 0, (int)(sizeof edits / sizeof edits[0]));
    tcase_add_test(ranges, test_verify_finds_key_frame_that_is_cut_short);
    tcase_add_loop_test(ranges, test_verify_finds_wrong_bandwidth, 0, 5);
    tcase_add_test(ranges, test_verify_finds_flipped_byte_by_checksum);
    tcase_add_loop_test(ranges, test_verify_finds_damaged_segment_by_decoding, 0, 12);
    tcase_add_test(ranges, test_verify_finds_truncated_file);
    tcase_add_test(ranges, test_verify_finds_swapped_ranges);
    tcase_add_test(ranges, test_verify_keeps_findings_to_the_limit_and_counts_all);
    tcase_add_test(ranges, test_verify_stops_when_cancelled);
    tcase_add_test(ranges, test_verify_directory_reads_files_and_no_links);
    tcase_add_test(ranges, test_verify_survives_lack_of_memory);
    suite_add_tcase(suite, ranges);
    TCase *segments = tcase_create("segments");
    tcase_add_checked_fixture(segments, setup_segments, teardown);
    tcase_set_timeout(segments, 60);
    tcase_add_test(segments, test_verify_segments_accepts_packaged_tree);
    tcase_add_test(segments, test_verify_segments_finds_missing_file);
    tcase_add_test(segments, test_verify_segments_finds_swapped_files);
    tcase_add_loop_test(segments, test_verify_segments_finds_other_rung_by_decoding, 0, 3);
    tcase_add_test(segments, test_verify_segments_finds_init_of_other_rung);
    tcase_add_test(segments, test_verify_segments_finds_other_rung_by_checksum);
    tcase_add_test(segments, test_verify_segments_finds_audio_among_video);
    tcase_add_loop_test(segments, test_verify_segments_finds_fault_in_boxes, 0, 14);
    tcase_add_loop_test(segments, test_verify_segments_finds_forbidden_boxes, 0, 6);
    tcase_add_test(segments, test_verify_segments_finds_cut_off_key_frame);
    tcase_add_loop_test(segments, test_verify_segments_survives_truncation, 0, 4);
    tcase_add_test(segments, test_verify_segments_survives_truncated_segment);
    suite_add_tcase(suite, segments);
    return suite;
}

int main(void)
{
    hls_tree_make(&media);
    hls_files_package(&media, 0, &good_files);
    hls_files_package(&media, REELS_PACKAGER_SEGMENT_FILES, &good_segments);
    int status = test_main(make_suite());
    hls_files_dispose(&good_files);
    hls_files_dispose(&good_segments);
    hls_tree_free(&media);
    return status;
}
