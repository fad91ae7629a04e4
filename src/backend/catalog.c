/* Owns the front door of the catalog port: what passes here is well formed, so that a backend need
 * not check it again. Declared descriptors are a list that only grows, read without a lock. */
#include <stdatomic.h>
#include <string.h>

#include <reels/backend/catalog.h>

#include "backend/port.h"
#include "backend/record_internal.h"
#include "backend/table.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    NAME_LEN_MAX = 255,
    LEASE_US_MIN = 1000,
    CLAIM_MAX = 10000,
    /* A descriptor is declared again and again by many owners; each pointer is kept once. */
    DECLARED_MAX = 4096
};

#define LEASE_US_MAX INT64_C(86400000000)

struct declared {
    struct declared *next;
    const reels_table *table;
    atomic_int is_replaced; /* another version of the table took its place */
};

struct reels_catalog {
    reels_ctx *ctx;
    void *impl;
    reels_catalog_vtable vtable;
    pthread_mutex_t declare_lock; /* one declare at a time changes the list */
    _Atomic(struct declared *) declared;
};

#define SLOT(member)                                                                               \
    {                                                                                              \
        offsetof(reels_catalog_vtable, member), #member                                            \
    }

static const reels__slot MUSTS[] = {
    SLOT(destroy),
    SLOT(declare),
    SLOT(commit),
    SLOT(get),
    SLOT(scan),
    SLOT(outbox_claim),
    SLOT(outbox_ack),
    SLOT(lease_acquire),
    SLOT(lease_renew),
    SLOT(lease_release),
};

reels_status reels_catalog_new(reels_ctx *ctx,
                               const reels_catalog_vtable *vtable,
                               void *impl,
                               reels_catalog **out,
                               reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    reels_catalog_vtable copy;
    REELS_TRY(reels__vtable_copy(vtable,
                                 sizeof copy,
                                 &copy,
                                 sizeof copy,
                                 "reels_catalog_vtable",
                                 MUSTS,
                                 REELS__COUNT(MUSTS),
                                 err));
    reels_catalog *catalog = reels__mem_zalloc(ctx, sizeof *catalog);
    if (catalog == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "catalog: no memory");
    }
    if (pthread_mutex_init(&catalog->declare_lock, NULL) != 0) {
        reels__mem_free(ctx, catalog);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "catalog: the system refused a lock");
    }
    catalog->ctx = ctx;
    catalog->vtable = copy;
    catalog->impl = impl;
    *out = catalog;
    return REELS_OK;
}

reels_status
reels_catalog_open(reels_ctx *ctx, const char *url, reels_catalog **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    void *port = NULL;
    reels_status status = reels__scheme_open(ctx, REELS_PORT_CATALOG, url, &port, err);
    *out = port;
    return status;
}

void reels_catalog_free(reels_catalog *catalog)
{
    if (catalog == NULL) {
        return;
    }
    catalog->vtable.destroy(catalog->impl);
    struct declared *it = atomic_load(&catalog->declared);
    while (it != NULL) {
        struct declared *next = it->next;
        reels__mem_free(catalog->ctx, it);
        it = next;
    }
    (void)pthread_mutex_destroy(&catalog->declare_lock);
    reels__mem_free(catalog->ctx, catalog);
}

static reels_status
declared_check(reels_catalog *catalog, const reels_table *table, reels_error *err)
{
    struct declared *it = atomic_load_explicit(&catalog->declared, memory_order_acquire);
    while (it != NULL && it->table != table) {
        it = it->next;
    }
    REELS_REQUIRE(table != NULL, err, "table is NULL");
    REELS_REQUIRE(it != NULL && atomic_load(&it->is_replaced) == 0,
                  err,
                  "table is not a descriptor that was declared to this catalog");
    return REELS_OK;
}

/* Makes the nodes of what is declared, before anything changes, so that memory cannot fail after.
 */
static reels_status declared_prepare(reels_catalog *catalog,
                                     const reels_table *const *tables,
                                     size_t tables_count,
                                     struct declared **out_nodes,
                                     reels_error *err)
{
    *out_nodes = NULL;
    for (size_t i = 0; i < tables_count; i++) {
        struct declared *node = reels__mem_zalloc(catalog->ctx, sizeof *node);
        if (node == NULL) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "declare: no memory");
        }
        node->table = tables[i];
        node->next = *out_nodes;
        *out_nodes = node;
    }
    return REELS_OK;
}

/* Adds a node, or gives it back when its pointer is there already. Under declare_lock. */
static struct declared *declared_add(reels_catalog *catalog, struct declared *node)
{
    struct declared *same = NULL;
    struct declared *head = atomic_load(&catalog->declared);
    for (struct declared *it = head; it != NULL; it = it->next) {
        if (it->table == node->table) {
            same = it;
        } else if (strcmp(it->table->name, node->table->name) == 0 &&
                   !reels__table_equal(it->table, node->table)) {
            atomic_store(&it->is_replaced, 1);
        }
    }
    if (same != NULL) {
        atomic_store(&same->is_replaced, 0);
        return node;
    }
    node->next = head;
    atomic_store_explicit(&catalog->declared, node, memory_order_release);
    return NULL;
}

static reels_status
tables_check(const reels_table *const *tables, size_t tables_count, reels_error *err)
{
    for (size_t i = 0; i < tables_count; i++) {
        REELS_TRY(reels__table_check(tables[i], err));
        for (size_t k = 0; k < i; k++) {
            if (strcmp(tables[k]->name, tables[i]->name) == 0) {
                return reels__fail(err,
                                   REELS_ERR_INVALID_ARG,
                                   "declare: table %s is there twice",
                                   tables[i]->name);
            }
        }
    }
    return REELS_OK;
}

reels_status reels_catalog_declare(reels_catalog *catalog,
                                   const reels_call *call,
                                   const reels_table *const *tables,
                                   size_t tables_count,
                                   reels_error *err)
{
    REELS_REQUIRE(catalog != NULL, err, "catalog is NULL");
    REELS_REQUIRE(tables != NULL || tables_count == 0, err, "tables is NULL");
    REELS_REQUIRE(tables_count <= DECLARED_MAX, err, "declare: more than 4096 tables");
    REELS_TRY(tables_check(tables, tables_count, err));
    struct declared *nodes = NULL;
    reels_status status = declared_prepare(catalog, tables, tables_count, &nodes, err);
    if (status == REELS_OK) {
        status = catalog->vtable.declare(catalog->impl, call, tables, tables_count, err);
    }
    pthread_mutex_lock(&catalog->declare_lock);
    while (nodes != NULL) {
        struct declared *node = nodes;
        nodes = node->next;
        if (status == REELS_OK) {
            node = declared_add(catalog, node);
        }
        reels__mem_free(catalog->ctx, node);
    }
    pthread_mutex_unlock(&catalog->declare_lock);
    return status;
}

static reels_status
commits_check(reels_catalog *catalog, const reels_commit *commits, size_t count, reels_error *err)
{
    const reels_table *last = NULL;
    for (size_t i = 0; i < count; i++) {
        REELS_REQUIRE(
            commits[i].ops != NULL || commits[i].ops_count == 0, err, "commit: ops is NULL");
        for (size_t k = 0; k < commits[i].ops_count && k < REELS_COMMIT_OPS_MAX; k++) {
            if (commits[i].ops[k].table != last || last == NULL) {
                last = commits[i].ops[k].table;
                REELS_TRY(declared_check(catalog, last, err));
            }
        }
        REELS_TRY(reels__commit_check(&commits[i], err));
    }
    return REELS_OK;
}

reels_status reels_catalog_commit(reels_catalog *catalog,
                                  const reels_call *call,
                                  const reels_commit *commits,
                                  size_t commits_count,
                                  reels_commit_result *results,
                                  reels_error *err)
{
    REELS_REQUIRE(catalog != NULL, err, "catalog is NULL");
    REELS_REQUIRE(commits != NULL && results != NULL, err, "commits or results is NULL");
    REELS_REQUIRE(commits_count >= 1 && commits_count <= REELS_COMMITS_MAX,
                  err,
                  "commits_count is not 1..1024");
    void *copy = NULL;
    REELS_TRY(reels__array_read(catalog->ctx,
                                commits,
                                commits_count,
                                sizeof(reels_commit),
                                sizeof(reels_commit),
                                "reels_commit",
                                &copy,
                                err));
    const reels_commit *known = copy != NULL ? copy : commits;
    reels_status status = commits_check(catalog, known, commits_count, err);
    if (status == REELS_OK) {
        status = catalog->vtable.commit(catalog->impl, call, known, commits_count, results, err);
    }
    reels__mem_free(catalog->ctx, copy);
    return status;
}

reels_status reels_catalog_get(reels_catalog *catalog,
                               const reels_call *call,
                               const reels_table *table,
                               const reels_value *keys,
                               size_t keys_count,
                               reels_rows *rows,
                               reels_error *err)
{
    REELS_REQUIRE(catalog != NULL, err, "catalog is NULL");
    REELS_REQUIRE(rows != NULL, err, "rows is NULL");
    REELS_REQUIRE(keys != NULL || keys_count == 0, err, "keys is NULL");
    REELS_REQUIRE(keys_count <= REELS_GET_KEYS_MAX, err, "keys_count is above 10000");
    REELS_TRY(declared_check(catalog, table, err));
    for (size_t i = 0; i < keys_count; i++) {
        for (uint32_t k = 0; k < table->key_columns_count; k++) {
            const reels_value *value = &keys[i * table->key_columns_count + k];
            REELS_TRY(reels__value_check(table, table->key_columns[k], value, err));
        }
    }
    size_t before = reels_rows_count(rows);
    reels_status status =
        catalog->vtable.get(catalog->impl, call, table, keys, keys_count, rows, err);
    if (status < 0) {
        reels__rows_truncate(rows, before);
        return status;
    }
    REELS_INVARIANT(reels_rows_count(rows) == before + keys_count, err);
    return REELS_OK;
}

reels_status reels_catalog_scan(reels_catalog *catalog,
                                const reels_call *call,
                                const reels_scan *scan,
                                reels_rows *rows,
                                reels_buf *next,
                                reels_error *err)
{
    REELS_REQUIRE(catalog != NULL, err, "catalog is NULL");
    REELS_REQUIRE(scan != NULL && rows != NULL, err, "scan or rows is NULL");
    reels_scan known;
    REELS_TRY(reels__options_read(scan, sizeof known, &known, sizeof known, "reels_scan", err));
    REELS_TRY(declared_check(catalog, known.table, err));
    REELS_TRY(reels__scan_check(&known, err));
    size_t before = reels_rows_count(rows);
    reels_buf *cursor = next;
    if (cursor == NULL) {
        REELS_TRY(reels_buf_new(catalog->ctx, 0, &cursor, err));
    }
    /* The cursor may lie in the very buffer that takes the next one. */
    int in_next = known.after != NULL && known.after == reels_buf_data(cursor);
    void *after = in_next ? reels__mem_dup(catalog->ctx, known.after, known.after_len) : NULL;
    reels_status status = REELS_OK;
    if (in_next && after == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "scan: no memory for a cursor");
    } else {
        known.after = in_next ? after : known.after;
        reels_buf_clear(cursor);
        status = catalog->vtable.scan(catalog->impl, call, &known, rows, cursor, err);
    }
    if (status < 0) {
        reels__rows_truncate(rows, before);
        reels_buf_clear(cursor);
    }
    reels__mem_free(catalog->ctx, after);
    if (next == NULL) {
        reels_buf_free(cursor);
    }
    return status;
}

reels_status reels_catalog_outbox_claim(reels_catalog *catalog,
                                        const reels_call *call,
                                        const char *holder,
                                        int64_t lease_us,
                                        uint32_t limit,
                                        reels_records *records,
                                        reels_error *err)
{
    REELS_REQUIRE(catalog != NULL, err, "catalog is NULL");
    REELS_REQUIRE(records != NULL, err, "records is NULL");
    REELS_REQUIRE(
        lease_us >= LEASE_US_MIN && lease_us <= LEASE_US_MAX, err, "lease_us is not 1 ms to 24 h");
    REELS_REQUIRE(limit >= 1 && limit <= CLAIM_MAX, err, "limit is not 1..10000");
    REELS_TRY(reels__name_check(holder, NAME_LEN_MAX, "holder", err));
    size_t before = reels_records_count(records);
    reels_status status =
        catalog->vtable.outbox_claim(catalog->impl, call, holder, lease_us, limit, records, err);
    if (status < 0) {
        reels__records_truncate(records, before);
    }
    return status;
}

reels_status reels_catalog_outbox_ack(reels_catalog *catalog,
                                      const reels_call *call,
                                      const char *holder,
                                      const reels_record *records,
                                      size_t records_count,
                                      reels_error *err)
{
    REELS_REQUIRE(catalog != NULL, err, "catalog is NULL");
    REELS_REQUIRE(records != NULL || records_count == 0, err, "records is NULL");
    REELS_TRY(reels__name_check(holder, NAME_LEN_MAX, "holder", err));
    for (size_t i = 0; i < records_count; i++) {
        REELS_REQUIRE(records[i].shard != NULL && records[i].shard_len > 0 &&
                          records[i].shard_len <= REELS__SHARD_BYTES_MAX,
                      err,
                      "record: shard is not one that outbox_claim gave");
    }
    if (records_count == 0) {
        return REELS_OK;
    }
    return catalog->vtable.outbox_ack(catalog->impl, call, holder, records, records_count, err);
}

reels_status reels_catalog_lease_acquire(reels_catalog *catalog,
                                         const reels_call *call,
                                         const char *name,
                                         const char *holder,
                                         int64_t duration_us,
                                         uint64_t *out_fence,
                                         reels_error *err)
{
    REELS_REQUIRE(catalog != NULL, err, "catalog is NULL");
    REELS_REQUIRE(out_fence != NULL, err, "out_fence is NULL");
    REELS_REQUIRE(duration_us >= LEASE_US_MIN && duration_us <= LEASE_US_MAX,
                  err,
                  "duration_us is not 1 ms to 24 h");
    REELS_TRY(reels__name_check(name, NAME_LEN_MAX, "name", err));
    REELS_TRY(reels__name_check(holder, NAME_LEN_MAX, "holder", err));
    uint64_t fence = 0;
    REELS_TRY(
        catalog->vtable.lease_acquire(catalog->impl, call, name, holder, duration_us, &fence, err));
    *out_fence = fence;
    return REELS_OK;
}

reels_status reels_catalog_lease_renew(reels_catalog *catalog,
                                       const reels_call *call,
                                       const char *name,
                                       uint64_t fence,
                                       int64_t duration_us,
                                       reels_error *err)
{
    REELS_REQUIRE(catalog != NULL, err, "catalog is NULL");
    REELS_REQUIRE(duration_us >= LEASE_US_MIN && duration_us <= LEASE_US_MAX,
                  err,
                  "duration_us is not 1 ms to 24 h");
    REELS_TRY(reels__name_check(name, NAME_LEN_MAX, "name", err));
    return catalog->vtable.lease_renew(catalog->impl, call, name, fence, duration_us, err);
}

reels_status reels_catalog_lease_release(reels_catalog *catalog,
                                         const reels_call *call,
                                         const char *name,
                                         uint64_t fence,
                                         reels_error *err)
{
    REELS_REQUIRE(catalog != NULL, err, "catalog is NULL");
    REELS_TRY(reels__name_check(name, NAME_LEN_MAX, "name", err));
    return catalog->vtable.lease_release(catalog->impl, call, name, fence, err);
}
