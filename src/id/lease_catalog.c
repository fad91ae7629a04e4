/* Owns the lease in a catalog. A named catalog lease says who holds a node, which spares newcomers
 * the nodes in use; what keeps IDs apart is the row of the node alone: its limit is only ever
 * replaced by compare-and-set on its version, so whoever was replaced without noticing fails at its
 * next extension, and until then stays below the limit that its successor started at. */
#include <stdio.h>
#include <string.h>

#include <reels/id.h>

#include "base/bytes.h"
#include "base/ctx_internal.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    HOLDER_BYTES = 16,
    NAME_BYTES = 64,
    NODES_TRIED_MAX = 4096,
    ROW_BYTES_MAX = 64 * 1024
};

/* A node stays taken for at least this long without an extension. Longer would let processes that
 * crash again and again run out of nodes; a generator at rest that loses its node acquires anew. */
static const int64_t hold_min_us = 10 * INT64_C(1000000);
static const int64_t hold_max_us = 86400 * INT64_C(1000000);

enum {
    COLUMN_REGION = 0,
    COLUMN_NODE = 1,
    COLUMN_LIMIT = 2,
    COLUMN_HOLDER = 3,
    COLUMNS_COUNT = 4
};

static const reels_column node_columns[COLUMNS_COUNT] = {
    {.name = "region", .type = REELS_TYPE_INT64},
    {.name = "node", .type = REELS_TYPE_INT64},
    {.name = "lease_until", .type = REELS_TYPE_TIME},
    {.name = "holder", .type = REELS_TYPE_UTF8},
};

static const uint32_t node_key[] = {COLUMN_REGION, COLUMN_NODE};

static const reels_table node_table = {
    .struct_size = sizeof(reels_table),
    .version = 1,
    .name = "id_nodes",
    .columns = node_columns,
    .key_columns = node_key,
    .columns_count = COLUMNS_COUNT,
    .key_columns_count = REELS__COUNT(node_key),
    .shard_column = COLUMN_REGION,
    .ttl_column = UINT32_MAX,
};

const reels_table *reels_id_node_table(void)
{
    return &node_table;
}

typedef struct lease_catalog {
    reels_ctx *ctx;
    reels_catalog *catalog;
    reels_rows *rows;
    char holder[2 * HOLDER_BYTES + 1]; /* random: names this object among all processes */
    char name[NAME_BYTES];             /* of the catalog lease */
    uint64_t fence;
    uint64_t version; /* of the row as we know it; 0 = not there */
    int64_t hold_us;
    uint32_t region;
    uint32_t node;
} lease_catalog;

static reels_value value_int64(int64_t integer)
{
    return (reels_value){.type = REELS_TYPE_INT64, .integer = integer};
}

static reels_status
name_acquire(lease_catalog *lease, const reels_call *call, uint32_t node, reels_error *err)
{
    lease->node = node;
    (void)snprintf(lease->name, sizeof lease->name, "reels.id.%u.%u", lease->region, node);
    return reels_catalog_lease_acquire(
        lease->catalog, call, lease->name, lease->holder, lease->hold_us, &lease->fence, err);
}

/* Reads the row of the node: its version, its limit, and whether this object wrote it. */
static reels_status row_read(lease_catalog *lease,
                             const reels_call *call,
                             int64_t *out_limit_us,
                             int *out_is_ours,
                             reels_error *err)
{
    reels_value key[] = {value_int64(lease->region), value_int64(lease->node)};
    reels_rows_clear(lease->rows);
    REELS_TRY(reels_catalog_get(lease->catalog, call, &node_table, key, 1, lease->rows, err));
    lease->version = 0;
    *out_limit_us = 0;
    *out_is_ours = 0;
    const reels_value *row = reels_rows_get(lease->rows, 0, &lease->version);
    if (row == NULL) {
        lease->version = 0;
        return REELS_OK;
    }
    const reels_value *holder = &row[COLUMN_HOLDER];
    *out_limit_us = row[COLUMN_LIMIT].integer;
    *out_is_ours = holder->len == strlen(lease->holder) &&
                   memcmp(holder->data, lease->holder, holder->len) == 0;
    return REELS_OK;
}

/* Replaces the row if it still is what we know: OK or CONFLICT. */
static reels_status
row_write(lease_catalog *lease, const reels_call *call, int64_t limit_us, reels_error *err)
{
    const reels_value values[COLUMNS_COUNT] = {
        value_int64(lease->region),
        value_int64(lease->node),
        {.type = REELS_TYPE_TIME, .integer = limit_us},
        {.type = REELS_TYPE_UTF8,
         .data = (const uint8_t *)lease->holder,
         .len = strlen(lease->holder)},
    };
    const reels_op put = {
        .table = &node_table,
        .values = values,
        .version = lease->version,
        .kind = REELS_OP_PUT,
        .condition = lease->version == 0 ? REELS_IF_ABSENT : REELS_IF_VERSION,
    };
    const reels_commit commit = {
        .struct_size = sizeof commit,
        .shard = value_int64(lease->region),
        .ops = &put,
        .ops_count = 1,
    };
    reels_commit_result result = {0};
    REELS_TRY(reels_catalog_commit(lease->catalog, call, &commit, 1, &result, err));
    if (result.status != REELS_OK) {
        return reels__fail(err, result.status, "the row of ID node %u has changed", lease->node);
    }
    lease->version = result.version;
    return REELS_OK;
}

/* The named lease may have run out while no ID was asked for; then it is taken again if nobody has
 * it. */
static reels_status name_renew(lease_catalog *lease, const reels_call *call, reels_error *err)
{
    reels_error detail = REELS__ERROR_INIT;
    reels_status status = reels_catalog_lease_renew(
        lease->catalog, call, lease->name, lease->fence, lease->hold_us, &detail);
    if (status == REELS_ERR_STALE) {
        status = name_acquire(lease, call, lease->node, &detail);
    }
    if (status == REELS_ERR_BUSY) {
        return reels__fail(
            err, REELS_ERR_STALE, "ID node %u was taken by another process", lease->node);
    }
    return status == REELS_OK ? REELS_OK : reels__fail(err, status, "%s", detail.message);
}

static reels_status
catalog_extend(void *impl, const reels_call *call, int64_t until_us, reels_error *err)
{
    lease_catalog *lease = impl;
    REELS_TRY(name_renew(lease, call, err));
    reels_error detail = REELS__ERROR_INIT;
    reels_status status = row_write(lease, call, until_us, &detail);
    if (status == REELS_ERR_CONFLICT) {
        /* An earlier write of our own may have taken effect although it was reported as failed. */
        int64_t limit_us = 0;
        int is_ours = 0;
        REELS_TRY(row_read(lease, call, &limit_us, &is_ours, err));
        status = is_ours ? row_write(lease, call, until_us, &detail) : REELS_ERR_STALE;
    }
    if (status == REELS_ERR_CONFLICT || status == REELS_ERR_STALE) {
        return reels__fail(
            err, REELS_ERR_STALE, "ID node %u was taken by another process", lease->node);
    }
    return status == REELS_OK ? REELS_OK : reels__fail(err, status, "%s", detail.message);
}

/* Takes the wanted node, or the first free one from a random start, so that processes that start
 * together do not all try the same one. */
static reels_status node_choose(lease_catalog *lease,
                                const reels_call *call,
                                const reels_id_lease_request *request,
                                reels_error *err)
{
    if ((request->flags & REELS_ID_NODE_LEASED) == 0) {
        reels_status status = name_acquire(lease, call, request->node, err);
        return status != REELS_ERR_BUSY
                   ? status
                   : reels__fail(err, status, "ID node %u is in use", request->node);
    }
    uint8_t bytes[4] = {0};
    REELS_TRY(reels__random_fill(lease->ctx, bytes, sizeof bytes, err));
    uint64_t start = reels__le32_get(bytes);
    for (uint64_t i = 0; i < request->nodes_count && i < NODES_TRIED_MAX; i++) {
        uint32_t node = (uint32_t)((start + i) % request->nodes_count);
        reels_error detail = REELS__ERROR_INIT;
        reels_status status = name_acquire(lease, call, node, &detail);
        if (status == REELS_OK) {
            return REELS_OK;
        }
        if (status != REELS_ERR_BUSY) {
            return reels__fail(err, status, "%s", detail.message);
        }
    }
    return reels__fail(err, REELS_ERR_LIMIT, "no ID node of region %u is free", request->region);
}

static void name_release(lease_catalog *lease)
{
    reels_error err = REELS__ERROR_INIT;
    /* When it fails, the name runs out by itself. */
    if (reels_catalog_lease_release(lease->catalog, NULL, lease->name, lease->fence, &err) !=
        REELS_OK) {
        reels__log(lease->ctx, REELS_LOG_WARN, "giving an ID lease back: %s", err.message);
    }
}

static reels_status catalog_acquire(void *impl,
                                    const reels_call *call,
                                    const reels_id_lease_request *request,
                                    reels_id_lease *out,
                                    reels_error *err)
{
    lease_catalog *lease = impl;
    static const reels_table *const tables[] = {&node_table};
    REELS_TRY(reels_catalog_declare(lease->catalog, call, tables, REELS__COUNT(tables), err));
    int64_t hold_us = 2 * request->duration_us;
    hold_us = hold_us > hold_min_us ? hold_us : hold_min_us;
    lease->hold_us = hold_us < hold_max_us ? hold_us : hold_max_us;
    lease->region = request->region;
    REELS_TRY(node_choose(lease, call, request, err));
    int64_t limit_us = 0;
    int is_ours = 0;
    reels_status status = row_read(lease, call, &limit_us, &is_ours, err);
    if (status != REELS_OK) {
        name_release(lease);
        return status;
    }
    out->node = lease->node;
    out->floor_unix_us = limit_us;
    return REELS_OK;
}

static void catalog_release(void *impl, int64_t until_us)
{
    lease_catalog *lease = impl;
    reels_error err = REELS__ERROR_INIT;
    /* When it fails, the higher limit stays, which is safe. */
    if (row_write(lease, NULL, until_us, &err) != REELS_OK) {
        reels__log(lease->ctx, REELS_LOG_WARN, "giving an ID lease back: %s", err.message);
    }
    name_release(lease);
}

static void catalog_destroy(void *impl)
{
    lease_catalog *lease = impl;
    reels_ctx *ctx = lease->ctx;
    reels_rows_free(lease->rows);
    reels__mem_free(ctx, lease);
}

static const reels_id_lease_vtable catalog_table = {
    .struct_size = sizeof(reels_id_lease_vtable),
    .acquire = catalog_acquire,
    .extend = catalog_extend,
    .release = catalog_release,
    .destroy = catalog_destroy,
};

reels_status reels_id_lease_catalog_new(reels_ctx *ctx,
                                        reels_catalog *catalog,
                                        const reels_id_lease_vtable **out_lease,
                                        void **out_impl,
                                        reels_error *err)
{
    REELS_REQUIRE(out_lease != NULL && out_impl != NULL, err, "out_lease or out_impl is NULL");
    *out_lease = NULL;
    *out_impl = NULL;
    REELS_REQUIRE(ctx != NULL && catalog != NULL, err, "ctx or catalog is NULL");
    uint8_t bytes[HOLDER_BYTES] = {0};
    REELS_TRY(reels__random_fill(ctx, bytes, sizeof bytes, err));
    lease_catalog *lease = reels__mem_zalloc(ctx, sizeof *lease);
    if (lease == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a lease");
    }
    lease->ctx = ctx;
    lease->catalog = catalog;
    reels__hex_encode(bytes, sizeof bytes, lease->holder);
    reels_status status = reels_rows_new(ctx, ROW_BYTES_MAX, &lease->rows, err);
    if (status != REELS_OK) {
        reels__mem_free(ctx, lease);
        return status;
    }
    *out_lease = &catalog_table;
    *out_impl = lease;
    return REELS_OK;
}
