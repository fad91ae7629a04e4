/* Whole trees: files one after the other, each as a number for its name, its length in two bytes
 * and its bytes. Verification ends with a report, or for lack of memory, whatever they hold.
 * Pictures are not decoded: that is libavcodec's own field. */
#include <string.h>

#include <reels/hls.h>

#include "fuzz.h"

enum {
    FUZZ_HLS_NAMES = 6
};

static const char *const fuzz_hls_names[FUZZ_HLS_NAMES] = {
    "master.m3u8", "v.m3u8", "v.mp4", "a.m3u8", "a.mp4", "w.m3u8"};

struct tree {
    const uint8_t *data[FUZZ_HLS_NAMES];
    size_t len[FUZZ_HLS_NAMES];
};

static size_t find(const char *name)
{
    size_t i = 0;
    while (i < FUZZ_HLS_NAMES && strcmp(fuzz_hls_names[i], name) != 0) {
        i++;
    }
    return i;
}

/* No part is empty, "." or "..". */
static int is_inside(const char *name)
{
    for (const char *part = name;; part += strcspn(part, "/") + 1) {
        size_t len = strcspn(part, "/");
        if (len == 0 || (len == 1 && part[0] == '.') || (len == 2 && memcmp(part, "..", 2) == 0)) {
            return 0;
        }
        if (part[len] == '\0') {
            return 1;
        }
    }
}

static reels_status tree_size(void *impl, const char *name, uint64_t *out_bytes, reels_error *err)
{
    const struct tree *tree = impl;
    size_t i = find(name);
    fuzz_assert(is_inside(name));
    if (i == FUZZ_HLS_NAMES || tree->data[i] == NULL) {
        return reels_error_set(err, REELS_ERR_NOT_FOUND, 0, "no such file");
    }
    *out_bytes = tree->len[i];
    return REELS_OK;
}

static reels_status tree_read(
    void *impl, const char *name, uint64_t offset, uint8_t *data, size_t len, reels_error *err)
{
    const struct tree *tree = impl;
    size_t i = find(name);
    (void)err;
    fuzz_assert(i < FUZZ_HLS_NAMES && offset <= tree->len[i] && len <= tree->len[i] - offset);
    memcpy(data, tree->data[i] + offset, len);
    return REELS_OK;
}

static void read_tree(const uint8_t *data, size_t size, struct tree *tree)
{
    size_t at = 0;
    while (size - at >= 3) {
        size_t name = data[at] % FUZZ_HLS_NAMES;
        size_t len = (size_t)data[at + 1] << 8 | data[at + 2];
        at += 3;
        len = len < size - at ? len : size - at;
        tree->data[name] = data + at;
        tree->len[name] = len;
        at += len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_env env;
    struct tree tree = {0};
    reels_verify_report *report = NULL;
    if (size == 0) {
        return 0;
    }
    fuzz_env_init(&env, data[0]);
    read_tree(data + 1, size - 1, &tree);
    reels_verify_source_vtable table = {
        .struct_size = sizeof table, .size = tree_size, .read = tree_read};
    reels_verify_options options = {
        .struct_size = sizeof options, .flags = REELS_VERIFY_NO_DECODE, .findings_max = 100};
    reels_status status = reels_verify_source(env.ctx, &table, &tree, &options, &report, &env.err);
    fuzz_assert(status == REELS_OK ||
                (status == REELS_ERR_NO_MEMORY && env.alloc.refused_count > 0));
    reels_verify_report_free(report);
    fuzz_env_dispose(&env);
    return 0;
}
