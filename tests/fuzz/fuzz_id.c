/* IDs: any layout and number is refused or taken apart so that it can be put together again, text
 * has one form, and whatever a state file holds gives a status or a lease whose limit is kept. */
#include <stdlib.h>
#include <string.h>

#include <reels/id.h>

#include "base/bytes.h"
#include "fuzz.h"
#include "test_memfs.h"
#include "test_time.h"

enum {
    LAYOUT_BYTES = 16,
    STATE_BYTES_MAX = 8192
};

static void check_text(const uint8_t *data, size_t size)
{
    uint64_t id = 0;
    char text[REELS_ID_TEXT_LEN + 1];
    if (reels_id_text_read((const char *)data, size, &id, NULL) == REELS_OK) {
        fuzz_assert(reels_id_text_write(id, text, sizeof text, NULL) == REELS_OK);
        fuzz_assert(size == REELS_ID_TEXT_LEN && memcmp(text, data, size) == 0);
    }
}

static void check_layout(const uint8_t *data)
{
    const reels_id_layout layout = {
        .struct_size = sizeof layout,
        .flags = data[0] & 3U,
        .time_bits = data[1] & 127U,
        .region_bits = data[2] & 63U,
        .node_bits = data[3] & 63U,
        .sequence_bits = data[4] & 63U,
        .epoch_unix_us = (int64_t)(reels__le64_get(data + 5) >> (data[4] >> 6)) / 1000 * 1000,
    };
    uint64_t id = reels__le64_get(data + LAYOUT_BYTES);
    reels_id_parts parts = {.struct_size = sizeof parts};
    uint64_t first = 0;
    uint64_t last = 0;
    if (reels_id_parse(&layout, id, &parts, NULL) != REELS_OK) {
        return;
    }
    int64_t time_us = parts.time_unix_us;
    fuzz_assert(reels_id_range(&layout, time_us, time_us + 1000, &first, &last, NULL) == REELS_OK);
    fuzz_assert(first <= id && id <= last);
    reels_id_parts bound = {.struct_size = sizeof bound};
    fuzz_assert(reels_id_parse(&layout, first, &bound, NULL) == REELS_OK);
    fuzz_assert(bound.time_unix_us == time_us && bound.sequence == 0 && bound.node == 0);
    fuzz_assert(reels_id_parse(&layout, last, &bound, NULL) == REELS_OK);
    fuzz_assert(bound.time_unix_us == time_us && bound.sequence >= parts.sequence);
    fuzz_assert(bound.node >= parts.node && bound.region >= parts.region);
}

static void state_write(const struct test_memfs *memfs, const uint8_t *data, size_t size)
{
    const reels_fs *fs = test_memfs_table(memfs);
    void *file = NULL;
    uint32_t flags = REELS_FS_WRITE | REELS_FS_CREATE;
    fuzz_assert(fs->open(fs->user, "/state", flags, &file, NULL) == REELS_OK);
    fuzz_assert(fs->write_at(fs->user, file, 0, data, size, NULL) == REELS_OK);
    fs->close(fs->user, file);
}

/* Opens a state file of these bytes twice: what the first one minted the second one does not. */
static void check_state(reels_ctx *ctx)
{
    uint64_t last = 0;
    for (int i = 0; i < 2; i++) {
        const reels_id_lease_vtable *lease = NULL;
        void *impl = NULL;
        reels_id_generator *generator = NULL;
        uint64_t id = 0;
        fuzz_assert(reels_id_lease_file_new(ctx, "/state", &lease, &impl, NULL) == REELS_OK);
        reels_id_options options = {
            .struct_size = sizeof options, .lease = lease, .lease_impl = impl};
        if (reels_id_generator_new(ctx, &options, NULL, &generator, NULL) != REELS_OK) {
            lease->destroy(impl);
            return;
        }
        if (reels_id_next(generator, NULL, &id, NULL) == REELS_OK) {
            fuzz_assert(id > last);
            last = id;
        }
        reels_id_generator_free(generator);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > STATE_BYTES_MAX) {
        return 0;
    }
    check_text(data, size);
    if (size >= LAYOUT_BYTES + sizeof(uint64_t)) {
        check_layout(data);
    }
    struct test_clock clock;
    test_clock_init(&clock, INT64_C(1750000000000000));
    struct test_memfs *memfs = test_memfs_new(0, &clock.table);
    reels_ctx_options options = {
        .struct_size = sizeof options, .clock = &clock.table, .fs = test_memfs_table(memfs)};
    reels_ctx *ctx = NULL;
    fuzz_assert(reels_ctx_new(&options, &ctx, NULL) == REELS_OK);
    state_write(memfs, data, size);
    check_state(ctx);
    reels_ctx_free(ctx);
    fuzz_assert(test_memfs_open_count(memfs) == 0);
    test_memfs_free(memfs);
    return 0;
}
