/* Owns the lease in a state file. The file holds two records that are written in turn, each with a
 * serial number and a checksum: a torn write leaves the other, whose limit is the one that was
 * acknowledged last. The file stays open and locked while the lease is held, so that nobody can
 * take over from a living process, however long it is paused.
 *
 * A new file gets two records without a limit before its first lease, record 1 first. So a file
 * whose record 0 was never written has never held a lease, whatever became of record 1; and
 * afterwards one record at a time is in flux.
 *
 * A record, little-endian, 64 bytes at offset 0 and at offset 4096 (so that no torn sector or page
 * holds both): magic "reelsid1", u64 serial, i64 limit in microseconds since 1970, u32 region, u32
 * node, 24 zero bytes, u64 xxh3-64 of all that. */
#include <string.h>

#include <reels/id.h>

#include "base/bytes.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"

enum {
    RECORD_BYTES = 64,
    RECORD_STRIDE = 4096,
    RECORDS_COUNT = 2,
    SERIAL_READY = 2, /* both records were written */
    AT_SERIAL = 8,
    AT_LIMIT = 16,
    AT_REGION = 24,
    AT_NODE = 28,
    AT_CHECK = 56
};

static const uint8_t magic[AT_SERIAL] = {'r', 'e', 'e', 'l', 's', 'i', 'd', '1'};

typedef struct lease_file {
    reels_ctx *ctx;
    char *path;
    void *file;      /* NULL = not held */
    uint64_t serial; /* of the last good record; 0 = none */
    uint32_t region;
    uint32_t node;
} lease_file;

static void record_encode(const lease_file *lease, uint64_t serial, int64_t limit_us, uint8_t *out)
{
    memset(out, 0, RECORD_BYTES);
    memcpy(out, magic, sizeof magic);
    reels__le64_put(out + AT_SERIAL, serial);
    reels__le64_put(out + AT_LIMIT, (uint64_t)limit_us);
    reels__le32_put(out + AT_REGION, lease->region);
    reels__le32_put(out + AT_NODE, lease->node);
    reels__le64_put(out + AT_CHECK, reels__xxh3_64(out, AT_CHECK, 0));
}

static int record_is_whole(const uint8_t *record)
{
    return memcmp(record, magic, sizeof magic) == 0 &&
           reels__le64_get(record + AT_CHECK) == reels__xxh3_64(record, AT_CHECK, 0);
}

static int record_is_blank(const uint8_t *record, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (record[i] != 0) {
            return 0;
        }
    }
    return 1;
}

/* Whether this may be the start of a first record whose write was cut short. */
static int record_is_torn(const uint8_t *record)
{
    for (size_t i = 0; i < sizeof magic; i++) {
        if (record[i] != 0 && record[i] != magic[i]) {
            return 0;
        }
    }
    return 1;
}

/* Reads the record with the highest serial number. A file without a whole record is new when it can
 * never have held a lease, and otherwise refused: starting again at nothing could repeat IDs, and
 * it may be somebody's diary. */
static reels_status file_read(lease_file *lease, int64_t *out_limit_us, reels_error *err)
{
    const reels_fs *fs = &lease->ctx->fs;
    uint8_t records[RECORDS_COUNT][RECORD_BYTES] = {{0}};
    lease->serial = 0;
    *out_limit_us = 0;
    for (uint64_t i = 0; i < RECORDS_COUNT; i++) {
        size_t len = 0;
        REELS_TRY(fs->read_at(
            fs->user, lease->file, i * RECORD_STRIDE, records[i], RECORD_BYTES, &len, err));
        uint64_t serial = reels__le64_get(records[i] + AT_SERIAL);
        if (record_is_whole(records[i]) && serial > lease->serial) {
            lease->serial = serial;
            *out_limit_us = (int64_t)reels__le64_get(records[i] + AT_LIMIT);
        }
    }
    int is_new = record_is_blank(records[0], RECORD_BYTES) && record_is_torn(records[1]);
    if (lease->serial == 0 && !is_new) {
        return reels__fail(err,
                           REELS_ERR_CORRUPT,
                           "%s holds no ID lease: it is another kind of file, or damaged",
                           lease->path);
    }
    return REELS_OK;
}

static reels_status
file_extend(void *impl, const reels_call *call, int64_t until_us, reels_error *err)
{
    lease_file *lease = impl;
    const reels_fs *fs = &lease->ctx->fs;
    REELS_TRY(reels__call_check(lease->ctx, call, err));
    uint8_t record[RECORD_BYTES];
    /* After a failure the serial number stays, so that the next attempt writes over the doubtful
     * record and never over the good one. */
    uint64_t serial = lease->serial + 1;
    record_encode(lease, serial, until_us, record);
    REELS_TRY(fs->write_at(
        fs->user, lease->file, serial % RECORDS_COUNT * RECORD_STRIDE, record, sizeof record, err));
    REELS_TRY(fs->sync(fs->user, lease->file, err));
    lease->serial = serial;
    return REELS_OK;
}

/* Brings a new file to the state in which it can hold a lease. */
static reels_status file_begin(lease_file *lease, reels_error *err)
{
    while (lease->serial < SERIAL_READY) {
        REELS_TRY(file_extend(lease, NULL, 0, err));
    }
    return REELS_OK;
}

/* Makes the name of a file durable in its folder. */
static reels_status folder_sync(const lease_file *lease, reels_error *err)
{
    const reels_fs *fs = &lease->ctx->fs;
    const char *slash = strrchr(lease->path, '/');
    if (slash == NULL) {
        return fs->sync_dir(fs->user, ".", err);
    }
    if (slash == lease->path) {
        return fs->sync_dir(fs->user, "/", err);
    }
    char *folder = reels__mem_strdup(lease->ctx, lease->path);
    if (folder == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a path");
    }
    folder[slash - lease->path] = '\0';
    reels_status status = fs->sync_dir(fs->user, folder, err);
    reels__mem_free(lease->ctx, folder);
    return status;
}

static void file_close(lease_file *lease)
{
    const reels_fs *fs = &lease->ctx->fs;
    if (lease->file != NULL) {
        fs->close(fs->user, lease->file);
        lease->file = NULL;
    }
}

static reels_status file_open(lease_file *lease, int64_t *out_limit_us, reels_error *err)
{
    const reels_fs *fs = &lease->ctx->fs;
    uint32_t flags = REELS_FS_READ | REELS_FS_WRITE | REELS_FS_CREATE;
    REELS_TRY(fs->open(fs->user, lease->path, flags, &lease->file, err));
    reels_status status = fs->lock(fs->user, lease->file, err);
    if (status == REELS_ERR_BUSY) {
        return reels__fail(err, status, "%s is in use by another process", lease->path);
    }
    REELS_TRY(status);
    REELS_TRY(file_read(lease, out_limit_us, err));
    REELS_TRY(file_begin(lease, err));
    /* The name is made durable even when the file was there: its maker may have been killed. */
    return folder_sync(lease, err);
}

static reels_status file_acquire(void *impl,
                                 const reels_call *call,
                                 const reels_id_lease_request *request,
                                 reels_id_lease *out,
                                 reels_error *err)
{
    lease_file *lease = impl;
    REELS_TRY(reels__call_check(lease->ctx, call, err));
    if (lease->file != NULL) {
        return reels__fail(err, REELS_ERR_STATE, "the lease is held by a generator already");
    }
    if ((request->flags & REELS_ID_NODE_LEASED) != 0) {
        return reels__fail(
            err, REELS_ERR_UNSUPPORTED, "a state file guards one node and does not choose it");
    }
    int64_t limit_us = 0;
    lease->region = request->region;
    lease->node = request->node;
    reels_status status = file_open(lease, &limit_us, err);
    if (status != REELS_OK) {
        file_close(lease);
        return status;
    }
    out->node = request->node;
    out->floor_unix_us = limit_us;
    return REELS_OK;
}

static void file_release(void *impl, int64_t until_us)
{
    lease_file *lease = impl;
    reels_error err = REELS__ERROR_INIT;
    /* When it fails, the higher limit stays, which is safe. */
    if (file_extend(lease, NULL, until_us, &err) != REELS_OK) {
        reels__log(lease->ctx, REELS_LOG_WARN, "giving an ID lease back: %s", err.message);
    }
    file_close(lease);
}

static void file_destroy(void *impl)
{
    lease_file *lease = impl;
    file_close(lease);
    reels_ctx *ctx = lease->ctx;
    reels__mem_free(ctx, lease->path);
    reels__mem_free(ctx, lease);
}

static const reels_id_lease_vtable file_table = {
    .struct_size = sizeof(reels_id_lease_vtable),
    .acquire = file_acquire,
    .extend = file_extend,
    .release = file_release,
    .destroy = file_destroy,
};

reels_status reels_id_lease_file_new(reels_ctx *ctx,
                                     const char *path,
                                     const reels_id_lease_vtable **out_lease,
                                     void **out_impl,
                                     reels_error *err)
{
    REELS_REQUIRE(out_lease != NULL && out_impl != NULL, err, "out_lease or out_impl is NULL");
    *out_lease = NULL;
    *out_impl = NULL;
    REELS_REQUIRE(ctx != NULL && path != NULL && path[0] != '\0', err, "ctx or path is missing");
    lease_file *lease = reels__mem_zalloc(ctx, sizeof *lease);
    char *copy = reels__mem_strdup(ctx, path);
    if (lease == NULL || copy == NULL) {
        reels__mem_free(ctx, lease);
        reels__mem_free(ctx, copy);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a lease");
    }
    lease->ctx = ctx;
    lease->path = copy;
    *out_lease = &file_table;
    *out_impl = lease;
    return REELS_OK;
}
