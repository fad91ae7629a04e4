/* The suite of the blob port: objects that are there in full or not at all, and never change. */
#include <string.h>

#include "run.h"

enum {
    LARGE_BYTES = 3 * 1024 * 1024 + 17,
    LAST_PART_BYTES = 70001,
    KEYS_SEEN_MAX = 64,
    ROOM_BYTES = 4096
};

/* Bytes made of a seed and a place, so that nothing large is kept. */
struct pattern {
    uint32_t seed;
    uint64_t at;
    uint64_t left;
    uint64_t fail_at; /* the reader or sink fails at that byte; 0 = never */
};

static uint8_t pattern_byte(uint32_t seed, uint64_t at)
{
    uint64_t mixed = (at + seed) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint8_t)(mixed >> 56);
}

static reels_status
pattern_read(void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err)
{
    struct pattern *pattern = user;
    if (pattern->fail_at != 0 && pattern->at >= pattern->fail_at) {
        return reels_error_set(err, REELS_ERR_HOST, 77, "the reader fails here");
    }
    /* In stretches of odd lengths, as sockets give them. */
    size_t len = capacity < 40961 ? capacity : 40961;
    len = pattern->left < len ? (size_t)pattern->left : len;
    for (size_t i = 0; i < len; i++) {
        data[i] = pattern_byte(pattern->seed, pattern->at + i);
    }
    pattern->at += len;
    pattern->left -= len;
    *out_len = len;
    return REELS_OK;
}

static reels_status pattern_sink(void *user, const uint8_t *data, size_t len, reels_error *err)
{
    struct pattern *pattern = user;
    if (pattern->fail_at != 0 && pattern->at + len > pattern->fail_at) {
        return reels_error_set(err, REELS_ERR_HOST, 78, "the sink fails here");
    }
    for (size_t i = 0; i < len; i++) {
        if (data[i] != pattern_byte(pattern->seed, pattern->at + i)) {
            return reels_error_set(err, REELS_ERR_CORRUPT, 0, "other bytes than were put");
        }
    }
    pattern->at += len;
    return REELS_OK;
}

static reels_blob_source source_of(struct pattern *pattern)
{
    reels_blob_source source = {.struct_size = sizeof source,
                                .length_bytes = pattern->left,
                                .reader = pattern_read,
                                .reader_user = pattern};
    return source;
}

static reels_status
put_pattern(struct run *run, const char *key, uint32_t seed, uint64_t len, reels_blob_info *info)
{
    struct pattern pattern = {.seed = seed, .left = len};
    reels_blob_source source = source_of(&pattern);
    return reels_blob_put(run->port, NULL, key, &source, info, &run->err);
}

/* The same bytes, read into memory. */
static int expect_read(
    struct run *run, const char *key, uint32_t seed, uint64_t offset, size_t ask, uint64_t len)
{
    uint8_t room[ROOM_BYTES + 1];
    struct pattern pattern = {.seed = seed, .at = offset};
    size_t got = SIZE_MAX;
    memset(room, 0xA5, sizeof room);
    EXPECT_OK_OR_0(reels_blob_read(run->port, NULL, key, offset, room, ask, &got, &run->err));
    EXPECT_OR_0(got == len && room[ask] == 0xA5);
    return pattern_sink(&pattern, room, got, &run->err) == REELS_OK;
}

/* Expects len bytes from offset on to be those of the seed, and nothing else. */
static int expect_range(
    struct run *run, const char *key, uint32_t seed, uint64_t offset, uint64_t ask, uint64_t len)
{
    struct pattern pattern = {.seed = seed, .at = offset};
    EXPECT_OK_OR_0(
        reels_blob_get(run->port, NULL, key, offset, ask, pattern_sink, &pattern, NULL, &run->err));
    EXPECT_OR_0(pattern.at == offset + len);
    return ask > ROOM_BYTES || expect_read(run, key, seed, offset, (size_t)ask, len);
}

static int expect_object(struct run *run, const char *key, uint32_t seed, uint64_t len)
{
    reels_blob_info info = {.struct_size = sizeof info};
    EXPECT_OK_OR_0(reels_blob_head(run->port, NULL, key, &info, &run->err));
    EXPECT_OR_0(info.size_bytes == len);
    return expect_range(run, key, seed, 0, UINT64_MAX, len);
}

static int expect_nothing(struct run *run, const char *key)
{
    reels_blob_info info = {.struct_size = sizeof info};
    struct pattern pattern = {0};
    EXPECT_OR_0(reels_blob_head(run->port, NULL, key, &info, &run->err) == REELS_ERR_NOT_FOUND);
    EXPECT_OR_0(
        reels_blob_get(run->port, NULL, key, 0, 1, pattern_sink, &pattern, NULL, &run->err) ==
        REELS_ERR_NOT_FOUND);
    EXPECT_OR_0(pattern.at == 0);
    return 1;
}

static void gives_back_what_was_put(struct run *run)
{
    reels_blob_info put = {.struct_size = sizeof put};
    reels_blob_info head = {.struct_size = sizeof head};
    TRY(expect_nothing(run, "media/1/clip.m4s"));
    EXPECT_OK(put_pattern(run, "media/1/clip.m4s", 1, 1000, &put));
    TRY(expect_object(run, "media/1/clip.m4s", 1, 1000));
    EXPECT_OK(reels_blob_head(run->port, NULL, "media/1/clip.m4s", &head, &run->err));
    EXPECT(put.size_bytes == 1000 && head.size_bytes == 1000);
    EXPECT(put.etag[0] != '\0' && strcmp(put.etag, head.etag) == 0);
    EXPECT(put.modified_unix_us == head.modified_unix_us && head.modified_unix_us > 0);
    for (const char *at = head.etag; *at != '\0'; at++) {
        EXPECT(*at > ' ' && *at < 0x7F && *at != '"');
    }
}

static void holds_empty_and_large_objects(struct run *run)
{
    EXPECT_OK(put_pattern(run, "empty", 1, 0, NULL));
    TRY(expect_object(run, "empty", 1, 0));
    EXPECT_OK(put_pattern(run, "large", 2, LARGE_BYTES, NULL));
    TRY(expect_object(run, "large", 2, LARGE_BYTES));
}

static void gives_ranges(struct run *run)
{
    EXPECT_OK(put_pattern(run, "ranges", 3, LARGE_BYTES, NULL));
    TRY(expect_range(run, "ranges", 3, 0, 1, 1));
    TRY(expect_range(run, "ranges", 3, 1000001, 333333, 333333));
    TRY(expect_range(run, "ranges", 3, LARGE_BYTES - 1, 1, 1));
    TRY(expect_range(run, "ranges", 3, LARGE_BYTES - 5, UINT64_MAX, 5));
    TRY(expect_range(run, "ranges", 3, LARGE_BYTES - 5, 1000, 5));
    TRY(expect_range(run, "ranges", 3, LARGE_BYTES, 10, 0));
    TRY(expect_range(run, "ranges", 3, UINT64_MAX / 2, UINT64_MAX, 0));
    TRY(expect_range(run, "ranges", 3, 7, 0, 0));
}

static void takes_the_same_bytes_again_and_no_others(struct run *run)
{
    reels_blob_info first = {.struct_size = sizeof first};
    reels_blob_info again = {.struct_size = sizeof again};
    EXPECT_OK(put_pattern(run, "a/key", 1, 5000, &first));
    EXPECT_OK(put_pattern(run, "a/key", 1, 5000, &again));
    EXPECT(strcmp(first.etag, again.etag) == 0 && again.size_bytes == 5000);
    EXPECT(put_pattern(run, "a/key", 2, 5000, NULL) == REELS_ERR_EXISTS);
    EXPECT(put_pattern(run, "a/key", 1, 4999, NULL) == REELS_ERR_EXISTS);
    EXPECT(put_pattern(run, "a/key", 1, 5001, NULL) == REELS_ERR_EXISTS);
    TRY(expect_object(run, "a/key", 1, 5000));
}

/* Puts an empty object under a digest. */
static reels_status
put_digest(struct run *run, const char *key, uint32_t kind, const uint8_t *bytes, size_t len)
{
    struct pattern pattern = {0};
    reels_blob_source source = source_of(&pattern);
    source.digest.kind = kind;
    memcpy(source.digest.bytes, bytes, len);
    return reels_blob_put(run->port, NULL, key, &source, NULL, &run->err);
}

static void checks_digests(struct run *run)
{
    /* Of nothing at all: FIPS 180-4, RFC 3720, xxHash. */
    static const uint8_t sha256[32] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                       0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                       0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                       0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
    static const uint8_t crc32c[4] = {0, 0, 0, 0};
    static const uint8_t xxh3[8] = {0x2d, 0x06, 0x80, 0x05, 0x38, 0xd3, 0x94, 0xc2};
    static const uint8_t wrong[4] = {1, 2, 3, 4};
    EXPECT_OK(put_digest(run, "sha256", REELS_DIGEST_SHA256, sha256, sizeof sha256));
    EXPECT_OK(put_digest(run, "crc32c", REELS_DIGEST_CRC32C, crc32c, sizeof crc32c));
    EXPECT_OK(put_digest(run, "xxh3", REELS_DIGEST_XXH3_64, xxh3, sizeof xxh3));
    for (uint32_t kind = REELS_DIGEST_SHA256; kind <= REELS_DIGEST_XXH3_64; kind++) {
        EXPECT(put_digest(run, "wrong", kind, wrong, sizeof wrong) == REELS_ERR_CORRUPT);
        TRY(expect_nothing(run, "wrong"));
        struct pattern pattern = {.seed = 4, .left = 300000};
        reels_blob_source source = source_of(&pattern);
        source.digest.kind = kind;
        EXPECT(reels_blob_put(run->port, NULL, "wrong", &source, NULL, &run->err) ==
               REELS_ERR_CORRUPT);
        TRY(expect_nothing(run, "wrong"));
    }
}

static void leaves_nothing_of_a_put_that_failed(struct run *run)
{
    struct pattern pattern = {.seed = 5, .left = 400000, .fail_at = 200000};
    reels_blob_source source = source_of(&pattern);
    EXPECT(reels_blob_put(run->port, NULL, "a/b/failed", &source, NULL, &run->err) ==
           REELS_ERR_HOST);
    EXPECT(run->err.host_code == 77);
    TRY(expect_nothing(run, "a/b/failed"));
    pattern = (struct pattern){.seed = 5, .left = 400000};
    source = source_of(&pattern);
    source.length_bytes = 400001;
    EXPECT(reels_blob_put(run->port, NULL, "a/b/failed", &source, NULL, &run->err) ==
           REELS_ERR_INVALID_ARG);
    TRY(expect_nothing(run, "a/b/failed"));
    EXPECT_OK(put_pattern(run, "a/b/failed", 6, 100, NULL));
    TRY(expect_object(run, "a/b/failed", 6, 100));
}

static void passes_on_what_a_sink_says(struct run *run)
{
    struct pattern pattern = {.seed = 7, .fail_at = 1000};
    EXPECT_OK(put_pattern(run, "sink", 7, LARGE_BYTES, NULL));
    EXPECT(reels_blob_get(
               run->port, NULL, "sink", 0, UINT64_MAX, pattern_sink, &pattern, NULL, &run->err) ==
           REELS_ERR_HOST);
    EXPECT(run->err.host_code == 78);
}

static void removes_objects(struct run *run)
{
    const char *const keys[] = {"r/1", "r/2", "r/none", "s/3"};
    reels_blob_info before = {.struct_size = sizeof before};
    reels_blob_info after = {.struct_size = sizeof after};
    EXPECT_OK(put_pattern(run, "r/1", 1, 100, &before));
    EXPECT_OK(put_pattern(run, "r/2", 2, 100, NULL));
    EXPECT_OK(put_pattern(run, "r/4", 4, 100, NULL));
    EXPECT_OK(put_pattern(run, "s/3", 3, 100, NULL));
    EXPECT_OK(reels_blob_remove(run->port, NULL, keys, COUNT_OF(keys), &run->err));
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        TRY(expect_nothing(run, keys[i]));
    }
    TRY(expect_object(run, "r/4", 4, 100));
    EXPECT_OK(reels_blob_remove(run->port, NULL, keys, COUNT_OF(keys), &run->err));
    /* A key is free again, and what stands there then is told apart. */
    EXPECT_OK(put_pattern(run, "r/1", 9, 200, &after));
    TRY(expect_object(run, "r/1", 9, 200));
    EXPECT(strcmp(before.etag, after.etag) != 0);
}

/* A store may refuse to hold both a key and one below it; whether it does or not, neither harms the
 * other. */
static void keeps_keys_below_other_keys_apart(struct run *run)
{
    const char *const below[] = {"apart/x/y", "apart/x/y/z"};
    const char *const folder[] = {"apart"};
    EXPECT_OK(put_pattern(run, "apart/x", 1, 100, NULL));
    TRY(expect_nothing(run, "apart/x/y"));
    EXPECT_OK(reels_blob_remove(run->port, NULL, below, COUNT_OF(below), &run->err));
    TRY(expect_object(run, "apart/x", 1, 100));
    EXPECT_OK(reels_blob_remove(run->port, NULL, folder, 1, &run->err));
    TRY(expect_object(run, "apart/x", 1, 100));
    reels_status status = put_pattern(run, "apart/x/y", 2, 100, NULL);
    EXPECT(status == REELS_OK || status == REELS_ERR_CONFLICT);
    TRY(expect_object(run, "apart/x", 1, 100));
    status = put_pattern(run, "apart", 3, 100, NULL);
    EXPECT(status == REELS_OK || status == REELS_ERR_CONFLICT);
    TRY(expect_object(run, "apart/x", 1, 100));
}

struct seen {
    char keys[KEYS_SEEN_MAX][40];
    size_t count;
    size_t stop_at; /* 0 = never */
};

static reels_status seen_add(void *user, const char *key, const reels_blob_info *info)
{
    struct seen *seen = user;
    if (seen->count >= KEYS_SEEN_MAX || strlen(key) >= sizeof seen->keys[0] ||
        info->size_bytes != 10 || info->etag[0] == '\0') {
        return REELS_ERR_CORRUPT;
    }
    memcpy(seen->keys[seen->count++], key, strlen(key) + 1);
    return seen->count == seen->stop_at ? REELS_END : REELS_OK;
}

static int expect_list(struct run *run,
                       const char *prefix,
                       const char *after,
                       uint32_t limit,
                       const char *const *keys,
                       size_t keys_count)
{
    struct seen seen = {.count = 0};
    EXPECT_OK_OR_0(
        reels_blob_list(run->port, NULL, prefix, after, limit, seen_add, &seen, &run->err));
    EXPECT_OR_0(seen.count == keys_count);
    for (size_t i = 0; i < keys_count; i++) {
        EXPECT_OR_0(strcmp(seen.keys[i], keys[i]) == 0);
    }
    return 1;
}

static void lists_by_the_bytes_of_keys(struct run *run)
{
    /* In order: '-' and '.' stand before '/', digits, capitals and '_' behind it. */
    static const char *const keys[] = {
        "a-b", "a-b-c/x", "a.b", "a/b/1", "a/b/10", "a/b/2", "a/c", "a0", "aB", "a_", "ab/c", "b"};
    enum {
        COUNT = COUNT_OF(keys)
    };
    TRY(expect_list(run, "", NULL, 10, NULL, 0));
    for (size_t i = 0; i < COUNT; i++) {
        EXPECT_OK(put_pattern(run, keys[(i * 7) % COUNT], (uint32_t)i, 10, NULL));
    }
    TRY(expect_list(run, "", NULL, 1000, keys, COUNT));
    TRY(expect_list(run, "a", NULL, 1000, keys, COUNT - 1));
    TRY(expect_list(run, "a/", NULL, 1000, keys + 3, 4));
    TRY(expect_list(run, "a/b/1", NULL, 1000, keys + 3, 2));
    TRY(expect_list(run, "a/", "a/b/10", 1000, keys + 5, 2));
    TRY(expect_list(run, "", "a.c", 3, keys + 3, 3));
    TRY(expect_list(run, "none", NULL, 10, NULL, 0));
    TRY(expect_list(run, "a", "b", 10, NULL, 0));
    /* Page by page: each key once, none left out. */
    const char *after = "";
    for (size_t i = 0; i < COUNT; i++) {
        TRY(expect_list(run, "", after, 1, keys + i, 1));
        after = keys[i];
    }
    TRY(expect_list(run, "", after, 1, NULL, 0));
    struct seen seen = {.stop_at = 2};
    EXPECT(reels_blob_list(run->port, NULL, "", NULL, 1000, seen_add, &seen, &run->err) ==
           REELS_END);
    EXPECT(seen.count == 2);
}

static void takes_the_longest_keys(struct run *run)
{
    char key[REELS_BLOB_KEY_BYTES_MAX + 1];
    memset(key, 'k', sizeof key);
    for (size_t i = REELS_BLOB_SEGMENT_BYTES_MAX; i < sizeof key;
         i += REELS_BLOB_SEGMENT_BYTES_MAX + 1) {
        key[i] = '/';
    }
    key[REELS_BLOB_KEY_BYTES_MAX - 1] = 'z';
    key[REELS_BLOB_KEY_BYTES_MAX - 100] = '/';
    key[REELS_BLOB_KEY_BYTES_MAX] = '\0';
    EXPECT_OK(put_pattern(run, key, 1, 10, NULL));
    TRY(expect_object(run, key, 1, 10));
    EXPECT_OK(put_pattern(run, "Az09._-/-_.x", 2, 10, NULL));
    TRY(expect_object(run, "Az09._-/-_.x", 2, 10));
}

static void stops_when_told(struct run *run)
{
    reels_cancel *cancel = NULL;
    EXPECT_OK(reels_cancel_new(run->ctx, &cancel, &run->err));
    reels_cancel_raise(cancel);
    reels_call cancelled = {.struct_size = sizeof cancelled, .cancel = cancel};
    reels_call late = {.struct_size = sizeof late,
                       .deadline_mono_us = reels_ctx_now_mono_us(run->ctx) - 1};
    struct pattern pattern = {.seed = 1, .left = 100};
    reels_blob_source source = source_of(&pattern);
    reels_status first = reels_blob_put(run->port, &cancelled, "stopped", &source, NULL, &run->err);
    reels_status second = reels_blob_put(run->port, &late, "stopped", &source, NULL, &run->err);
    reels_cancel_free(cancel);
    EXPECT(first == REELS_ERR_CANCELLED && second == REELS_ERR_TIMEOUT);
    TRY(expect_nothing(run, "stopped"));
}

static void keeps_objects_over_a_restart(struct run *run)
{
    EXPECT_OK(put_pattern(run, "kept/1", 1, 100000, NULL));
    EXPECT_OK(put_pattern(run, "kept/2", 2, 0, NULL));
    TRY(run_reopen(run));
    TRY(expect_object(run, "kept/1", 1, 100000));
    TRY(expect_object(run, "kept/2", 2, 0));
}

static void keeps_what_was_acknowledged_over_a_power_cut(struct run *run)
{
    const char *const gone[] = {"cut/2/x"};
    EXPECT_OK(put_pattern(run, "cut/1/x/y/z", 1, LARGE_BYTES, NULL));
    EXPECT_OK(put_pattern(run, "cut/2/x", 2, 100, NULL));
    EXPECT_OK(put_pattern(run, "cut/2/y", 3, 100, NULL));
    EXPECT_OK(reels_blob_remove(run->port, NULL, gone, 1, &run->err));
    TRY(run_crash(run));
    TRY(expect_object(run, "cut/1/x/y/z", 1, LARGE_BYTES));
    TRY(expect_nothing(run, "cut/2/x"));
    TRY(expect_object(run, "cut/2/y", 3, 100));
}

/* An upload of the suite. */
struct upload {
    const char *key;
    char name[REELS_BLOB_UPLOAD_BYTES_MAX + 1];
};

static int begin(struct run *run, const char *key, struct upload *out)
{
    reels_buf *name = NULL;
    out->key = key;
    EXPECT_OK_OR_0(reels_buf_new(run->ctx, 0, &name, &run->err));
    reels_status status =
        reels_blob_part_begin(run->port, NULL, key, REELS_BLOB_PART_BYTES_MIN, name, &run->err);
    size_t len = reels_buf_len(name);
    if (status == REELS_OK && len < sizeof out->name) {
        memcpy(out->name, reels_buf_data(name), len + 1);
    }
    reels_buf_free(name);
    EXPECT_OK_OR_0(status);
    EXPECT_OR_0(len > 0 && len < sizeof out->name);
    return 1;
}

/* Part n of an object that is made of one seed. */
static reels_status
put_part(struct run *run, const struct upload *upload, uint32_t number, uint32_t seed, uint64_t len)
{
    struct pattern pattern = {
        .seed = seed, .at = (uint64_t)(number - 1) * REELS_BLOB_PART_BYTES_MIN, .left = len};
    reels_blob_source source = source_of(&pattern);
    return reels_blob_part_put(
        run->port, NULL, upload->key, upload->name, number, &source, &run->err);
}

static reels_status
commit(struct run *run, const struct upload *upload, uint32_t count, reels_blob_info *info)
{
    return reels_blob_part_commit(
        run->port, NULL, upload->key, upload->name, count, info, &run->err);
}

struct parts {
    reels_blob_part items[8];
    size_t count;
};

static reels_status parts_add(void *user, const reels_blob_part *part)
{
    struct parts *parts = user;
    if (parts->count >= COUNT_OF(parts->items)) {
        return REELS_ERR_LIMIT;
    }
    parts->items[parts->count++] = *part;
    return REELS_OK;
}

static int expect_parts(struct run *run,
                        const struct upload *upload,
                        uint32_t after,
                        uint32_t limit,
                        const uint32_t *numbers,
                        size_t count)
{
    struct parts parts = {.count = 0};
    EXPECT_OK_OR_0(reels_blob_part_list(
        run->port, NULL, upload->key, upload->name, after, limit, parts_add, &parts, &run->err));
    EXPECT_OR_0(parts.count == count);
    for (size_t i = 0; i < count; i++) {
        EXPECT_OR_0(parts.items[i].number == numbers[i]);
        EXPECT_OR_0(parts.items[i].size_bytes ==
                    (numbers[i] == 3 ? LAST_PART_BYTES : REELS_BLOB_PART_BYTES_MIN));
    }
    return 1;
}

/* 0 (and the case is skipped or failed) when the store has no part slots. */
static int has_parts(struct run *run)
{
    reels_buf *name = NULL;
    if ((reels_blob_features(run->port) & REELS_BLOB_HAS_PARTS) != 0) {
        return 1;
    }
    EXPECT_OK_OR_0(reels_buf_new(run->ctx, 0, &name, &run->err));
    reels_status status =
        reels_blob_part_begin(run->port, NULL, "key", REELS_BLOB_PART_BYTES_MIN, name, &run->err);
    reels_buf_free(name);
    EXPECT_OR_0(status == REELS_ERR_UNSUPPORTED);
    run_skip(run, "the store has no multipart uploads");
    return 0;
}

static void joins_parts_in_any_order(struct run *run)
{
    static const uint32_t first[] = {3};
    static const uint32_t both[] = {1, 3};
    static const uint32_t all[] = {1, 2, 3};
    uint64_t part = REELS_BLOB_PART_BYTES_MIN;
    uint64_t size = 2 * part + LAST_PART_BYTES;
    struct upload upload;
    reels_blob_info info = {.struct_size = sizeof info};
    reels_blob_info again = {.struct_size = sizeof again};
    TRY(has_parts(run));
    TRY(begin(run, "up/clip.mp4", &upload));
    TRY(expect_parts(run, &upload, 0, 100, NULL, 0));
    EXPECT_OK(put_part(run, &upload, 3, 8, LAST_PART_BYTES));
    TRY(expect_parts(run, &upload, 0, 100, first, 1));
    EXPECT_OK(put_part(run, &upload, 1, 8, part));
    TRY(expect_parts(run, &upload, 0, 100, both, 2));
    EXPECT(commit(run, &upload, 3, NULL) == REELS_ERR_STATE);
    EXPECT(commit(run, &upload, 1, NULL) == REELS_ERR_STATE);
    TRY(expect_nothing(run, "up/clip.mp4"));
    EXPECT_OK(put_part(run, &upload, 2, 8, part));
    TRY(expect_parts(run, &upload, 0, 100, all, 3));
    TRY(expect_parts(run, &upload, 1, 100, all + 1, 2));
    TRY(expect_parts(run, &upload, 1, 1, all + 1, 1));
    EXPECT_OK(commit(run, &upload, 3, &info));
    EXPECT(info.size_bytes == size && info.etag[0] != '\0');
    TRY(expect_object(run, "up/clip.mp4", 8, size));
    /* The same commit again gives the same answer; the upload itself is over. */
    EXPECT_OK(commit(run, &upload, 3, &again));
    EXPECT(strcmp(info.etag, again.etag) == 0 && again.size_bytes == size);
    EXPECT(put_part(run, &upload, 1, 8, part) == REELS_ERR_NOT_FOUND);
}

static void never_changes_an_acknowledged_part(struct run *run)
{
    struct upload upload;
    uint64_t part = REELS_BLOB_PART_BYTES_MIN;
    TRY(has_parts(run));
    TRY(begin(run, "up/parts", &upload));
    EXPECT_OK(put_part(run, &upload, 1, 1, part));
    EXPECT_OK(put_part(run, &upload, 1, 1, part));
    EXPECT(put_part(run, &upload, 1, 2, part) == REELS_ERR_EXISTS);
    EXPECT(put_part(run, &upload, 1, 1, part - 1) == REELS_ERR_EXISTS);
    EXPECT(put_part(run, &upload, 2, 1, part + 1) == REELS_ERR_LIMIT);
    struct pattern pattern = {.seed = 1, .at = part, .left = part};
    reels_blob_source source = source_of(&pattern);
    source.digest.kind = REELS_DIGEST_CRC32C;
    EXPECT(reels_blob_part_put(run->port, NULL, upload.key, upload.name, 2, &source, &run->err) ==
           REELS_ERR_CORRUPT);
    pattern = (struct pattern){.seed = 1, .at = part, .left = part, .fail_at = part + 1000};
    source = source_of(&pattern);
    EXPECT(reels_blob_part_put(run->port, NULL, upload.key, upload.name, 2, &source, &run->err) ==
           REELS_ERR_HOST);
    EXPECT(commit(run, &upload, 2, NULL) == REELS_ERR_STATE);
    EXPECT_OK(put_part(run, &upload, 2, 1, 1000));
    EXPECT_OK(commit(run, &upload, 2, NULL));
    TRY(expect_object(run, "up/parts", 1, part + 1000));
}

static void refuses_short_parts_and_unknown_uploads(struct run *run)
{
    struct upload upload;
    struct parts parts = {.count = 0};
    TRY(has_parts(run));
    TRY(begin(run, "up/short", &upload));
    EXPECT_OK(put_part(run, &upload, 1, 1, 1000));
    EXPECT_OK(put_part(run, &upload, 2, 1, 1000));
    EXPECT(commit(run, &upload, 2, NULL) == REELS_ERR_STATE);
    TRY(expect_nothing(run, "up/short"));
    /* The right name under another key, and a wrong name. */
    struct upload other = upload;
    other.key = "up/other";
    EXPECT(put_part(run, &other, 3, 1, 1000) == REELS_ERR_NOT_FOUND);
    EXPECT(commit(run, &other, 1, NULL) == REELS_ERR_NOT_FOUND);
    memcpy(other.name, "../../x", sizeof "../../x");
    EXPECT(put_part(run, &other, 3, 1, 1000) == REELS_ERR_NOT_FOUND);
    EXPECT(reels_blob_part_list(
               run->port, NULL, other.key, other.name, 0, 8, parts_add, &parts, &run->err) ==
           REELS_ERR_NOT_FOUND);
}

static void keeps_the_rule_of_put_when_committing(struct run *run)
{
    struct upload upload;
    TRY(has_parts(run));
    EXPECT_OK(put_pattern(run, "up/there", 1, 1000, NULL));
    TRY(begin(run, "up/there", &upload));
    EXPECT_OK(put_part(run, &upload, 1, 2, 1000));
    EXPECT(commit(run, &upload, 1, NULL) == REELS_ERR_EXISTS);
    TRY(expect_object(run, "up/there", 1, 1000));
    TRY(begin(run, "up/there", &upload));
    EXPECT_OK(put_part(run, &upload, 1, 1, 1000));
    EXPECT_OK(commit(run, &upload, 1, NULL));
    TRY(expect_object(run, "up/there", 1, 1000));
}

static void forgets_aborted_uploads(struct run *run)
{
    struct upload upload;
    TRY(has_parts(run));
    TRY(begin(run, "up/aborted", &upload));
    EXPECT_OK(put_part(run, &upload, 1, 1, 1000));
    for (int i = 0; i < 2; i++) {
        EXPECT_OK(reels_blob_part_abort(run->port, NULL, upload.key, upload.name, &run->err));
        EXPECT(put_part(run, &upload, 1, 1, 1000) == REELS_ERR_NOT_FOUND);
        EXPECT(commit(run, &upload, 1, NULL) == REELS_ERR_NOT_FOUND);
    }
    TRY(expect_nothing(run, "up/aborted"));
}

static void keeps_acknowledged_parts_over_a_power_cut(struct run *run)
{
    static const uint32_t numbers[] = {1, 3};
    struct upload upload;
    uint64_t part = REELS_BLOB_PART_BYTES_MIN;
    TRY(has_parts(run));
    TRY(begin(run, "up/cut", &upload));
    EXPECT_OK(put_part(run, &upload, 1, 1, part));
    EXPECT_OK(put_part(run, &upload, 3, 1, LAST_PART_BYTES));
    TRY(run_crash(run));
    TRY(expect_parts(run, &upload, 0, 100, numbers, 2));
    EXPECT_OK(put_part(run, &upload, 2, 1, part));
    EXPECT_OK(commit(run, &upload, 3, NULL));
    TRY(run_crash(run));
    TRY(expect_object(run, "up/cut", 1, 2 * part + LAST_PART_BYTES));
    EXPECT_OK(commit(run, &upload, 3, NULL));
}

static void says_what_it_cannot_do(struct run *run)
{
    reels_buf *urls = NULL;
    reels_blob_url_request request = {
        .struct_size = sizeof request,
        .method = REELS_BLOB_URL_GET,
        .key = "key",
        .expires_unix_us = reels_ctx_now_unix_us(run->ctx) + INT64_C(60000000),
    };
    EXPECT_OK(reels_buf_new(run->ctx, 0, &urls, &run->err));
    reels_status status = reels_blob_url(run->port, NULL, &request, urls, &run->err);
    size_t len = reels_buf_len(urls);
    int ends = len > 0 && reels_buf_data(urls)[len - 1] == '\n';
    reels_buf_free(urls);
    if ((reels_blob_features(run->port) & REELS_BLOB_HAS_URL) != 0) {
        EXPECT(status == REELS_OK && ends);
    } else {
        EXPECT(status == REELS_ERR_UNSUPPORTED && len == 0);
    }
}

static const struct run_case cases[] = {
    {"gives back what was put, with size, etag and time", gives_back_what_was_put},
    {"holds empty and large objects", holds_empty_and_large_objects},
    {"gives ranges, and nothing behind the end", gives_ranges},
    {"takes the same bytes again and no others", takes_the_same_bytes_again_and_no_others},
    {"checks digests of every kind", checks_digests},
    {"leaves nothing of a put that failed", leaves_nothing_of_a_put_that_failed},
    {"passes on what a sink says", passes_on_what_a_sink_says},
    {"removes objects, also those that are not there", removes_objects},
    {"keeps keys below other keys apart", keeps_keys_below_other_keys_apart},
    {"lists by the bytes of keys, by prefix and page", lists_by_the_bytes_of_keys},
    {"takes the longest keys and every character", takes_the_longest_keys},
    {"stops when cancelled or late, and leaves nothing", stops_when_told},
    {"keeps objects over a restart", keeps_objects_over_a_restart},
    {"keeps what was acknowledged over a power cut", keeps_what_was_acknowledged_over_a_power_cut},
    {"joins parts put in any order, and commits once", joins_parts_in_any_order},
    {"never changes an acknowledged part", never_changes_an_acknowledged_part},
    {"refuses short parts and unknown uploads", refuses_short_parts_and_unknown_uploads},
    {"keeps the rule of put when committing", keeps_the_rule_of_put_when_committing},
    {"forgets aborted uploads", forgets_aborted_uploads},
    {"keeps acknowledged parts over a power cut", keeps_acknowledged_parts_over_a_power_cut},
    {"says what it cannot do", says_what_it_cannot_do},
};

reels_status reels_conformance_blob(reels_ctx *ctx,
                                    const reels_conformance_factory *factory,
                                    reels_conformance_report_fn report,
                                    void *user,
                                    uint32_t *out_failed,
                                    reels_error *err)
{
    return run_cases(ctx, factory, cases, COUNT_OF(cases), report, user, out_failed, err);
}
