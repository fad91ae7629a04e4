/* Segment files of the queue: whatever stands in one, opening and reading it ends in a status, and
 * what is read has consecutive offsets and legal keys.
 *
 * Input: the allocation to refuse, a mode, the bytes of the file. In mode 1 checksums, places and
 * bases are made right first, so that lengths, counts, flags and bodies are what is fuzzed. */
#include <string.h>

#include <reels/backend.h>

#include "backend/queue_codec.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "fuzz.h"
#include "test_memfs.h"

enum {
    FILE_BYTES_MAX = 1 << 16,
    POLLS_MAX = 4096
};

static const char path[] = "/q/t/p0000/00000000000000000000.seg";

static void hash_put(uint8_t *header, size_t hashed, uint64_t seed)
{
    reels__le64_put(header + hashed, reels__xxh3_64(header, hashed, seed));
}

/* Makes headers valid where they would stand, as far as the bytes go. */
static void make_right(uint8_t *file, size_t len)
{
    if (len < REELS__SEGMENT_HEADER_BYTES) {
        return;
    }
    memcpy(file, "RLQS", 4);
    reels__le32_put(file + 4, REELS__SEGMENT_VERSION);
    reels__le64_put(file + 8, 0);
    hash_put(file, REELS__SEGMENT_HEADER_BYTES - 8, 0);
    uint64_t seed = reels__le64_get(file + 16);
    uint64_t base = 0;
    size_t at = REELS__SEGMENT_HEADER_BYTES;
    while (len - at >= REELS__BATCH_HEADER_BYTES) {
        uint8_t *header = file + at;
        size_t left = len - at - REELS__BATCH_HEADER_BYTES;
        size_t body = reels__le32_get(header + 8) % (left + 1);
        memcpy(header, "RLQB", 4);
        reels__le_put(header + 4, 2, 1);
        reels__le_put(header + 6, 2, header[6] & 1);
        reels__le32_put(header + 8, (uint32_t)body);
        if ((header[6] & 1) == 0 && (header[12] & 1) == 0) {
            reels__le32_put(header + 12, (uint32_t)body);
        }
        reels__le64_put(header + 16, base);
        reels__le32_put(header + 28, 0);
        reels__le64_put(header + 48, reels__le64_get(header + 48) % (at + 1));
        reels__le64_put(header + 56, reels__xxh3_64(header + REELS__BATCH_HEADER_BYTES, body, 0));
        hash_put(header, REELS__BATCH_HEADER_BYTES - 8, seed ^ at);
        base += reels__le32_get(header + 24);
        at += REELS__BATCH_HEADER_BYTES + body;
    }
}

static void file_write(struct test_memfs *memfs, const uint8_t *data, size_t len)
{
    const reels_fs *fs = test_memfs_table(memfs);
    void *file = NULL;
    fuzz_assert(fs->open(fs->user, path, REELS_FS_WRITE | REELS_FS_CREATE, &file, NULL) ==
                REELS_OK);
    fuzz_assert(fs->write_at(fs->user, file, 0, data, len, NULL) == REELS_OK);
    fs->close(fs->user, file);
}

static int status_is_expected(reels_status status)
{
    return status == REELS_OK || status == REELS_ERR_CORRUPT || status == REELS_ERR_UNSUPPORTED ||
           status == REELS_ERR_NO_MEMORY || status == REELS_ERR_LIMIT;
}

/* Reads to the end, or to the first failure. */
static void read_all(reels_ctx *ctx, reels_queue *queue)
{
    reels_queue_join join = {
        .struct_size = sizeof join, .topic = "t", .group = "g", .consumer = "c"};
    reels_queue_assignment held[1];
    size_t held_count = 0;
    uint64_t consumer = 0;
    uint64_t next = 0;
    uint32_t changed = 0;
    reels_records *records = NULL;
    reels_status status = reels_records_new(ctx, 0, &records, NULL);
    if (status == REELS_OK) {
        status = reels_queue_group_join(queue, NULL, &join, &consumer, NULL);
    }
    if (status == REELS_OK) {
        status = reels_queue_assigned(queue, NULL, consumer, held, 1, &held_count, NULL);
    }
    for (int i = 0; i < POLLS_MAX && status == REELS_OK; i++) {
        status = reels_queue_poll(queue, NULL, consumer, 1000, 0, records, &changed, NULL);
        if (status != REELS_OK || reels_records_count(records) == 0) {
            break;
        }
        for (size_t j = 0; j < reels_records_count(records); j++) {
            reels_record record;
            fuzz_assert(reels_records_get(records, j, &record) == REELS_OK);
            fuzz_assert(record.offset == next && record.key_len >= 1 && record.key_len <= 1024);
            next = record.offset + 1;
        }
    }
    fuzz_assert(status_is_expected(status));
    reels_records_free(records);
}

static void log_open(reels_ctx *ctx, uint32_t partitions, int reads)
{
    reels_queue *queue = NULL;
    reels_status status = reels_queue_open(ctx, "file:/q", &queue, NULL);
    if (status == REELS_OK) {
        status = reels_queue_topic_open(queue, NULL, "t", partitions, NULL, NULL);
    }
    fuzz_assert(status_is_expected(status));
    if (status == REELS_OK && reads) {
        read_all(ctx, queue);
    }
    reels_queue_free(queue);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t file[FILE_BYTES_MAX];
    if (size < 2 || size - 2 > sizeof file) {
        return 0;
    }
    memcpy(file, data + 2, size - 2);
    if (data[1] == 1) {
        make_right(file, size - 2);
    }
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct test_memfs *memfs = test_memfs_new(0, NULL);
    reels_ctx_options options = {
        .struct_size = sizeof options, .allocator = &alloc.table, .fs = test_memfs_table(memfs)};
    reels_ctx *ctx = NULL;
    fuzz_assert(reels_ctx_new(&options, &ctx, NULL) == REELS_OK);
    log_open(ctx, 1, 0);
    file_write(memfs, file, size - 2);
    test_alloc_fail(&alloc, data[0], 0);
    log_open(ctx, 0, 1);
    test_alloc_fail(&alloc, 0, 0);
    /* What recovery has left is a log like any other. */
    log_open(ctx, 0, 1);
    reels_ctx_free(ctx);
    fuzz_assert(alloc.live_bytes == 0 && alloc.mistakes_count == 0);
    fuzz_assert(test_memfs_open_count(memfs) == 0);
    test_memfs_free(memfs);
    test_alloc_dispose(&alloc);
    return 0;
}
