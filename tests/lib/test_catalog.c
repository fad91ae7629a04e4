/* Owns the catalog over a catalog: every slot hands its call on. */
#include "test_catalog.h"

static reels_catalog *inner_of(void *impl)
{
    return ((struct test_catalog_over *)impl)->inner;
}

static reels_status over_declare(void *impl,
                                 const reels_call *call,
                                 const reels_table *const *tables,
                                 size_t tables_count,
                                 reels_error *err)
{
    return reels_catalog_declare(inner_of(impl), call, tables, tables_count, err);
}

static reels_status over_commit(void *impl,
                                const reels_call *call,
                                const reels_commit *commits,
                                size_t commits_count,
                                reels_commit_result *results,
                                reels_error *err)
{
    return reels_catalog_commit(inner_of(impl), call, commits, commits_count, results, err);
}

static reels_status over_get(void *impl,
                             const reels_call *call,
                             const reels_table *table,
                             const reels_value *keys,
                             size_t keys_count,
                             reels_rows *rows,
                             reels_error *err)
{
    return reels_catalog_get(inner_of(impl), call, table, keys, keys_count, rows, err);
}

static reels_status over_scan(void *impl,
                              const reels_call *call,
                              const reels_scan *scan,
                              reels_rows *rows,
                              reels_buf *next,
                              reels_error *err)
{
    return reels_catalog_scan(inner_of(impl), call, scan, rows, next, err);
}

static reels_status over_claim(void *impl,
                               const reels_call *call,
                               const char *holder,
                               int64_t lease_us,
                               uint32_t limit,
                               reels_records *records,
                               reels_error *err)
{
    return reels_catalog_outbox_claim(inner_of(impl), call, holder, lease_us, limit, records, err);
}

static reels_status over_ack(void *impl,
                             const reels_call *call,
                             const char *holder,
                             const reels_record *records,
                             size_t records_count,
                             reels_error *err)
{
    return reels_catalog_outbox_ack(inner_of(impl), call, holder, records, records_count, err);
}

static reels_status over_acquire(void *impl,
                                 const reels_call *call,
                                 const char *name,
                                 const char *holder,
                                 int64_t duration_us,
                                 uint64_t *out_fence,
                                 reels_error *err)
{
    return reels_catalog_lease_acquire(
        inner_of(impl), call, name, holder, duration_us, out_fence, err);
}

static reels_status over_renew(void *impl,
                               const reels_call *call,
                               const char *name,
                               uint64_t fence,
                               int64_t duration_us,
                               reels_error *err)
{
    return reels_catalog_lease_renew(inner_of(impl), call, name, fence, duration_us, err);
}

static reels_status
over_release(void *impl, const reels_call *call, const char *name, uint64_t fence, reels_error *err)
{
    return reels_catalog_lease_release(inner_of(impl), call, name, fence, err);
}

static void over_destroy(void *impl)
{
    reels_catalog_free(inner_of(impl));
}

const reels_catalog_vtable test_catalog_over_table = {
    .struct_size = sizeof(reels_catalog_vtable),
    .destroy = over_destroy,
    .declare = over_declare,
    .commit = over_commit,
    .get = over_get,
    .scan = over_scan,
    .outbox_claim = over_claim,
    .outbox_ack = over_ack,
    .lease_acquire = over_acquire,
    .lease_renew = over_renew,
    .lease_release = over_release,
};
