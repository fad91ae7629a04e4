/* The suite of the cache port. A cache may forget at any time, so nothing here demands that
 * something is there: what is demanded is that what is there is right. A cache that forgets at once
 * passes; how much the others remember is told by the case "remembers", which such a cache skips.
 */
#include <stdio.h>
#include <string.h>

#include "run.h"

#define TTL_US ((int64_t)1000000)

static reels_cache_name name_of(const char *text)
{
    reels_cache_name name = {.data = (const uint8_t *)text, .len = strlen(text)};
    return name;
}

static reels_cache_write write_of(int64_t ttl_us, uint64_t version)
{
    reels_cache_write write = {.struct_size = sizeof write, .ttl_us = ttl_us, .version = version};
    return write;
}

static int
put(struct run *run, const char *key, const char *value, int64_t ttl_us, uint64_t version)
{
    reels_cache_write write = write_of(ttl_us, version);
    reels_cache_item item = {.key = (const uint8_t *)key,
                             .key_len = strlen(key),
                             .value = (const uint8_t *)value,
                             .value_len = strlen(value)};
    EXPECT_OK_OR_0(reels_cache_put(run->port, NULL, &item, 1, &write, &run->err));
    return 1;
}

static int remove_key(struct run *run, const char *key, uint64_t version)
{
    reels_cache_write write = write_of(0, version);
    reels_cache_name name = name_of(key);
    EXPECT_OK_OR_0(reels_cache_remove(run->port, NULL, &name, 1, &write, &run->err));
    return 1;
}

/* What a read has found, copied out of the rows. */
struct found {
    int there;
    uint64_t version;
    char text[64];
};

static void value_copy(struct found *out, const reels_value *value)
{
    out->there = value->type == REELS_TYPE_BYTES && value->len < sizeof out->text;
    if (out->there) {
        memcpy(out->text, value->data, value->len);
        out->text[value->len] = '\0';
    }
}

static int get(struct run *run, const char *key, struct found *out)
{
    reels_rows *rows = NULL;
    reels_cache_name name = name_of(key);
    memset(out, 0, sizeof *out);
    EXPECT_OK_OR_0(reels_rows_new(run->ctx, 0, &rows, &run->err));
    reels_status status = reels_cache_get(run->port, NULL, &name, 1, rows, &run->err);
    size_t count = reels_rows_count(rows);
    const reels_value *values = reels_rows_get(rows, 0, &out->version);
    if (status == REELS_OK && values != NULL) {
        value_copy(out, values);
    }
    reels_rows_free(rows);
    EXPECT_OK_OR_0(status);
    EXPECT_OR_0(count == 1);
    return 1;
}

/* There with this value, or forgotten. */
static int expect_value(struct run *run, const char *key, const char *value)
{
    struct found found;
    TRY_OR_0(get(run, key, &found));
    EXPECT_OR_0(!found.there || strcmp(found.text, value) == 0);
    return 1;
}

static int expect_gone(struct run *run, const char *key)
{
    struct found found;
    TRY_OR_0(get(run, key, &found));
    EXPECT_OR_0(!found.there);
    return 1;
}

static void remembers(struct run *run)
{
    struct found found;
    TRY(put(run, "key", "value", 0, 0));
    TRY(get(run, "key", &found));
    if (!found.there) {
        run_skip(run, "the cache forgets at once, which is legal");
        return;
    }
    EXPECT(strcmp(found.text, "value") == 0);
    EXPECT(found.version >= 1);
    TRY(put(run, "key", "", 0, 0));
    TRY(get(run, "key", &found));
    EXPECT(found.there && found.text[0] == '\0');
    TRY(put(run, "other", "2", 0, 7));
    TRY(get(run, "other", &found));
    EXPECT(found.there && found.version == 7);
}

static void gives_the_last_value(struct run *run)
{
    TRY(expect_gone(run, "key"));
    TRY(put(run, "key", "one", 0, 0));
    TRY(expect_value(run, "key", "one"));
    TRY(put(run, "key", "two", 0, 0));
    TRY(expect_value(run, "key", "two"));
    TRY(remove_key(run, "key", 0));
    TRY(expect_gone(run, "key"));
    TRY(remove_key(run, "key", 0));
    TRY(expect_gone(run, "ke"));
    TRY(expect_gone(run, "key2"));
}

static void gives_many_keys_in_their_order(struct run *run)
{
    static const char *const keys[] = {"a", "b", "c", "d", "a"};
    reels_cache_name names[COUNT_OF(keys)];
    reels_rows *rows = NULL;
    TRY(put(run, "a", "A", 0, 0));
    TRY(put(run, "c", "C", 0, 0));
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        names[i] = name_of(keys[i]);
    }
    EXPECT_OK(reels_rows_new(run->ctx, 0, &rows, &run->err));
    reels_status status = reels_cache_get(run->port, NULL, names, COUNT_OF(keys), rows, &run->err);
    int right = status == REELS_OK && reels_rows_count(rows) == COUNT_OF(keys);
    for (size_t i = 0; i < COUNT_OF(keys) && right; i++) {
        const reels_value *value = reels_rows_get(rows, i, NULL);
        char expected = (char)(keys[i][0] - 'a' + 'A');
        right = value == NULL || (value->type == REELS_TYPE_BYTES && value->len == 1 &&
                                  (char)value->data[0] == expected);
        right = right && (value == NULL || keys[i][0] == 'a' || keys[i][0] == 'c');
    }
    reels_rows_free(rows);
    EXPECT(right);
}

static void never_lets_an_older_version_win(struct run *run)
{
    struct found found;
    TRY(put(run, "key", "five", 0, 5));
    TRY(put(run, "key", "four", 0, 4));
    TRY(get(run, "key", &found));
    EXPECT(!found.there || (strcmp(found.text, "five") == 0 && found.version == 5));
    TRY(put(run, "key", "five again", 0, 5));
    TRY(expect_value(run, "key", "five again"));
    TRY(put(run, "key", "six", 0, 6));
    TRY(expect_value(run, "key", "six"));
    TRY(put(run, "key", "unversioned", 0, 0));
    TRY(expect_value(run, "key", "unversioned"));
    /* A removal has a version too: what is older stays away, what is newer comes in. */
    TRY(put(run, "gone", "three", 0, 3));
    TRY(remove_key(run, "gone", 2));
    TRY(expect_value(run, "gone", "three"));
    TRY(remove_key(run, "gone", 4));
    TRY(expect_gone(run, "gone"));
    TRY(put(run, "gone", "three", 0, 3));
    TRY(get(run, "gone", &found));
    struct found other;
    TRY(get(run, "key", &other));
    /* A cache that has forgotten the removal may take the old value in again. */
    EXPECT(!found.there || !other.there || strcmp(found.text, "three") != 0);
    TRY(put(run, "gone", "five", 0, 5));
    TRY(expect_value(run, "gone", "five"));
}

static void forgets_when_the_time_is_over(struct run *run)
{
    TRY(put(run, "short", "1", TTL_US, 0));
    TRY(put(run, "long", "2", 10 * TTL_US, 0));
    TRY(put(run, "renewed", "3", TTL_US, 0));
    TRY(run_advance(run, TTL_US / 2));
    TRY(expect_value(run, "short", "1"));
    TRY(put(run, "renewed", "4", TTL_US, 0));
    TRY(run_advance(run, TTL_US / 2));
    TRY(expect_gone(run, "short"));
    TRY(expect_value(run, "long", "2"));
    TRY(expect_value(run, "renewed", "4"));
}

static int
hput(struct run *run, const char *key, const char *field, const char *value, uint64_t version)
{
    reels_cache_write write = write_of(0, version);
    reels_cache_field item = {.key = (const uint8_t *)key,
                              .key_len = strlen(key),
                              .field = (const uint8_t *)field,
                              .field_len = strlen(field),
                              .value = (const uint8_t *)value,
                              .value_len = strlen(value)};
    EXPECT_OK_OR_0(reels_cache_hput(run->port, NULL, &item, 1, &write, &run->err));
    return 1;
}

/* Reads two fields of a hash; *out_row says whether there is a hash at all. */
static int hget2(struct run *run,
                 const char *key,
                 const char *const fields[2],
                 struct found out[2],
                 int *out_row)
{
    reels_rows *rows = NULL;
    reels_cache_name name = name_of(key);
    reels_cache_name names[2] = {name_of(fields[0]), name_of(fields[1])};
    memset(out, 0, 2 * sizeof *out);
    EXPECT_OK_OR_0(reels_rows_new(run->ctx, 0, &rows, &run->err));
    reels_status status = reels_cache_hget(run->port, NULL, &name, 1, names, 2, rows, &run->err);
    size_t count = reels_rows_count(rows);
    const reels_value *values = reels_rows_get(rows, 0, NULL);
    *out_row = values != NULL;
    for (size_t i = 0; i < 2 && status == REELS_OK && values != NULL; i++) {
        value_copy(&out[i], &values[i]);
    }
    reels_rows_free(rows);
    EXPECT_OK_OR_0(status);
    EXPECT_OR_0(count == 1);
    return 1;
}

static void holds_hashes(struct run *run)
{
    static const char *const fields[2] = {"likes", "views"};
    static const char *const mixed[2] = {"views", "none"};
    struct found found[2];
    int row = 0;
    TRY(hput(run, "reel:1", "likes", "10", 0));
    TRY(hput(run, "reel:1", "views", "99", 0));
    TRY(hput(run, "reel:1", "likes", "11", 0));
    TRY(hput(run, "reel:2", "likes", "7", 0));
    TRY(hget2(run, "reel:1", fields, found, &row));
    EXPECT(!found[0].there || strcmp(found[0].text, "11") == 0);
    EXPECT(!found[1].there || strcmp(found[1].text, "99") == 0);
    TRY(hget2(run, "reel:1", mixed, found, &row));
    EXPECT(!found[0].there || strcmp(found[0].text, "99") == 0);
    EXPECT(!found[1].there);
    TRY(hget2(run, "reel:2", fields, found, &row));
    EXPECT(!found[0].there || strcmp(found[0].text, "7") == 0);
    EXPECT(!found[1].there);
    TRY(hget2(run, "reel:3", fields, found, &row));
    EXPECT(!row);
    TRY(remove_key(run, "reel:1", 0));
    TRY(hget2(run, "reel:1", fields, found, &row));
    EXPECT(!row);
    TRY(hput(run, "reel:4", "likes", "new", 9));
    TRY(hput(run, "reel:4", "likes", "old", 8));
    TRY(hget2(run, "reel:4", fields, found, &row));
    EXPECT(!found[0].there || strcmp(found[0].text, "new") == 0);
}

static int zput(struct run *run,
                const char *key,
                const char *const *members,
                const double *scores,
                size_t count,
                uint32_t keep,
                uint64_t version)
{
    reels_cache_write write = write_of(0, version);
    reels_cache_name name = name_of(key);
    reels_cache_member items[8];
    EXPECT_OR_0(count <= COUNT_OF(items));
    for (size_t i = 0; i < count; i++) {
        items[i] = (reels_cache_member){.member = (const uint8_t *)members[i],
                                        .member_len = strlen(members[i]),
                                        .score = scores[i]};
    }
    EXPECT_OK_OR_0(reels_cache_zput(run->port, NULL, &name, items, count, keep, &write, &run->err));
    return 1;
}

/* Writes the members of a stretch joined by blanks; "" for none. */
static int zrange(
    struct run *run, const char *key, uint32_t ascending, uint64_t skip, uint32_t limit, char *out)
{
    reels_rows *rows = NULL;
    reels_cache_name name = name_of(key);
    reels_cache_range range = {
        .struct_size = sizeof range, .ascending = ascending, .skip = skip, .limit = limit};
    size_t len = 0;
    out[0] = '\0';
    EXPECT_OK_OR_0(reels_rows_new(run->ctx, 0, &rows, &run->err));
    reels_status status = reels_cache_zrange(run->port, NULL, &name, &range, rows, &run->err);
    int right = status == REELS_OK && reels_rows_count(rows) <= limit;
    double last = 0;
    for (size_t i = 0; i < reels_rows_count(rows) && right; i++) {
        const reels_value *values = reels_rows_get(rows, i, NULL);
        right = values != NULL && values[0].type == REELS_TYPE_BYTES &&
                values[1].type == REELS_TYPE_FLOAT64 && len + values[0].len + 2 < 64;
        right = right && (i == 0 || (ascending ? values[1].real >= last : values[1].real <= last));
        if (right) {
            last = values[1].real;
            memcpy(out + len, values[0].data, values[0].len);
            len += values[0].len;
            out[len++] = ' ';
            out[len] = '\0';
        }
    }
    reels_rows_free(rows);
    EXPECT_OR_0(right);
    return 1;
}

static int expect_range(struct run *run,
                        const char *key,
                        uint32_t ascending,
                        uint64_t skip,
                        uint32_t limit,
                        const char *expected)
{
    char found[64];
    TRY_OR_0(zrange(run, key, ascending, skip, limit, found));
    EXPECT_OR_0(found[0] == '\0' || strcmp(found, expected) == 0);
    return 1;
}

static void holds_sorted_sets(struct run *run)
{
    static const char *const members[] = {"a", "b", "c", "d", "e"};
    static const double scores[] = {3, -1.5, 3, 1e300, 0};
    static const char *const moved[] = {"b"};
    static const double to[] = {4};
    TRY(zput(run, "top", members, scores, 5, 0, 0));
    TRY(expect_range(run, "top", 0, 0, 10, "d c a e b "));
    TRY(expect_range(run, "top", 1, 0, 10, "b e a c d "));
    TRY(expect_range(run, "top", 0, 1, 2, "c a "));
    TRY(expect_range(run, "top", 1, 3, 10, "c d "));
    TRY(expect_range(run, "top", 0, 9, 10, ""));
    TRY(expect_range(run, "none", 0, 0, 10, ""));
    TRY(zput(run, "top", moved, to, 1, 0, 0));
    TRY(expect_range(run, "top", 0, 0, 10, "d b c a e "));
    reels_cache_name key = name_of("top");
    reels_cache_name gone[2] = {name_of("c"), name_of("x")};
    EXPECT_OK(reels_cache_zremove(run->port, NULL, &key, gone, 2, NULL, &run->err));
    TRY(expect_range(run, "top", 0, 0, 10, "d b a e "));
}

static void keeps_the_best_of_a_sorted_set(struct run *run)
{
    static const char *const members[] = {"a", "b", "c", "d", "e"};
    static const double scores[] = {5, 1, 4, 2, 3};
    static const char *const more[] = {"f", "g"};
    static const double more_scores[] = {10, 0};
    TRY(zput(run, "best", members, scores, 5, 3, 0));
    TRY(expect_range(run, "best", 0, 0, 10, "a c e "));
    TRY(zput(run, "best", more, more_scores, 2, 3, 0));
    TRY(expect_range(run, "best", 0, 0, 10, "f a c "));
    TRY(zput(run, "new", members, scores, 2, 3, 5));
    TRY(zput(run, "new", more, more_scores, 2, 3, 4));
    TRY(expect_range(run, "new", 0, 0, 10, "a b "));
}

static void tells_kinds_apart(struct run *run)
{
    static const char *const members[] = {"m"};
    static const double scores[] = {1};
    static const char *const fields[2] = {"f", "g"};
    struct found found[2];
    int row = 0;
    TRY(put(run, "key", "value", 0, 0));
    TRY(hget2(run, "key", fields, found, &row));
    EXPECT(!row);
    TRY(expect_range(run, "key", 0, 0, 10, ""));
    TRY(hput(run, "key", "f", "1", 0));
    TRY(expect_gone(run, "key"));
    TRY(zput(run, "key", members, scores, 1, 0, 0));
    TRY(hget2(run, "key", fields, found, &row));
    EXPECT(!row);
    TRY(expect_gone(run, "key"));
    TRY(put(run, "key", "again", 0, 0));
    TRY(expect_range(run, "key", 0, 0, 10, ""));
    TRY(expect_value(run, "key", "again"));
}

static void takes_any_bytes(struct run *run)
{
    static const uint8_t odd[] = {0, 0xFF, '\n', 0, '*', 0x80};
    uint8_t large[REELS_CACHE_KEY_BYTES_MAX];
    reels_rows *rows = NULL;
    memset(large, 0xA5, sizeof large);
    reels_cache_item items[2] = {
        {.key = odd, .key_len = sizeof odd, .value = odd, .value_len = sizeof odd},
        {.key = large, .key_len = sizeof large, .value = large, .value_len = sizeof large}};
    reels_cache_name names[2] = {{odd, sizeof odd}, {large, sizeof large}};
    EXPECT_OK(reels_cache_put(run->port, NULL, items, 2, NULL, &run->err));
    EXPECT_OK(reels_rows_new(run->ctx, 0, &rows, &run->err));
    reels_status status = reels_cache_get(run->port, NULL, names, 2, rows, &run->err);
    int right = status == REELS_OK && reels_rows_count(rows) == 2;
    for (size_t i = 0; i < 2 && right; i++) {
        const reels_value *value = reels_rows_get(rows, i, NULL);
        right = value == NULL || (value->len == items[i].value_len &&
                                  memcmp(value->data, items[i].value, value->len) == 0);
    }
    reels_rows_free(rows);
    EXPECT(right);
}

static void stays_within_its_room(struct run *run)
{
    /* Far more than any cache of a test may hold: writes go on succeeding, and what is there is
     * right. */
    char value[2001];
    char key[32];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(key, sizeof key, "key-%d", i);
        (void)snprintf(value, 16, "%015d", i);
        value[15] = 'v';
        TRY(put(run, key, value, 0, 0));
    }
    reels_rows *rows = NULL;
    EXPECT_OK(reels_rows_new(run->ctx, 0, &rows, &run->err));
    int right = 1;
    for (int i = 0; i < 20000 && right; i++) {
        (void)snprintf(key, sizeof key, "key-%d", i);
        (void)snprintf(value, 16, "%015d", i);
        reels_cache_name name = name_of(key);
        reels_rows_clear(rows);
        right = reels_cache_get(run->port, NULL, &name, 1, rows, &run->err) == REELS_OK;
        const reels_value *found = right ? reels_rows_get(rows, 0, NULL) : NULL;
        right = right && (found == NULL ||
                          (found->len == sizeof value - 1 && memcmp(found->data, value, 15) == 0));
    }
    reels_rows_free(rows);
    EXPECT(right);
}

static const struct run_case cases[] = {
    {"remembers", remembers},
    {"gives the last value of a key", gives_the_last_value},
    {"gives many keys in their order", gives_many_keys_in_their_order},
    {"never lets an older version win", never_lets_an_older_version_win},
    {"forgets when the time is over", forgets_when_the_time_is_over},
    {"holds hashes", holds_hashes},
    {"holds sorted sets", holds_sorted_sets},
    {"keeps the best of a sorted set", keeps_the_best_of_a_sorted_set},
    {"tells kinds apart", tells_kinds_apart},
    {"takes any bytes", takes_any_bytes},
    {"stays within its room", stays_within_its_room},
};

reels_status reels_conformance_cache(reels_ctx *ctx,
                                     const reels_conformance_factory *factory,
                                     reels_conformance_report_fn report,
                                     void *user,
                                     uint32_t *out_failed,
                                     reels_error *err)
{
    return run_cases(ctx, factory, cases, COUNT_OF(cases), report, user, out_failed, err);
}
