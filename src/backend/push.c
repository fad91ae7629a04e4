/* Owns the front door of the push port. */
#include <string.h>

#include <reels/backend/open.h>
#include <reels/backend/push.h>

#include "backend/port.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    VTABLE_V1 = sizeof(reels_push_vtable)
};

struct reels_push {
    reels_ctx *ctx;
    reels_push_vtable vtable;
    void *impl;
};

static const reels__slot MUSTS[] = {
    {offsetof(reels_push_vtable, destroy), "destroy"},
    {offsetof(reels_push_vtable, send), "send"},
};

reels_status reels_push_new(
    reels_ctx *ctx, const reels_push_vtable *vtable, void *impl, reels_push **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    reels_push_vtable copy = {0};
    REELS_TRY(reels__vtable_copy(vtable,
                                 VTABLE_V1,
                                 &copy,
                                 sizeof copy,
                                 "reels_push_vtable",
                                 MUSTS,
                                 REELS__COUNT(MUSTS),
                                 err));
    reels_push *push = reels__mem_zalloc(ctx, sizeof *push);
    if (push == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "push: no memory");
    }
    push->ctx = ctx;
    push->vtable = copy;
    push->impl = impl;
    *out = push;
    return REELS_OK;
}

reels_status reels_push_open(reels_ctx *ctx, const char *url, reels_push **out, reels_error *err)
{
    REELS_REQUIRE(out != NULL, err, "out is NULL");
    *out = NULL;
    REELS_REQUIRE(ctx != NULL, err, "ctx is NULL");
    void *port = NULL;
    REELS_TRY(reels__scheme_open(ctx, REELS_PORT_PUSH, url, &port, err));
    *out = port;
    return REELS_OK;
}

void reels_push_free(reels_push *push)
{
    if (push != NULL) {
        push->vtable.destroy(push->impl);
        reels__mem_free(push->ctx, push);
    }
}

static reels_status item_check(const reels_push_item *item, reels_error *err)
{
    REELS_REQUIRE(item->device != NULL && item->device_len >= 1 &&
                      item->device_len <= REELS_PUSH_DEVICE_BYTES_MAX,
                  err,
                  "push: a device has not 1 to 4096 bytes");
    REELS_REQUIRE((item->payload != NULL || item->payload_len == 0) &&
                      item->payload_len <= REELS_PUSH_PAYLOAD_BYTES_MAX,
                  err,
                  "push: a payload has more than 4096 bytes");
    REELS_REQUIRE(item->ttl_us >= 0, err, "push: ttl_us is negative");
    return reels__name_check(item->dedupe, REELS_PUSH_DEDUPE_BYTES_MAX, "push: dedupe", err);
}

reels_status reels_push_send(reels_push *push,
                             const reels_call *call,
                             const reels_push_item *items,
                             size_t items_count,
                             reels_push_result *out_results,
                             reels_error *err)
{
    REELS_REQUIRE(push != NULL, err, "push is NULL");
    REELS_REQUIRE(items_count <= REELS_PUSH_BATCH_MAX, err, "items_count is above 1000");
    if (items_count == 0) {
        return REELS_OK;
    }
    REELS_REQUIRE(items != NULL && out_results != NULL, err, "items or out_results is NULL");
    for (size_t i = 0; i < items_count; i++) {
        REELS_TRY(item_check(&items[i], err));
    }
    REELS_TRY(reels__call_check(push->ctx, call, err));
    memset(out_results, 0, items_count * sizeof *out_results);
    REELS_TRY(push->vtable.send(push->impl, call, items, items_count, out_results, err));
    for (size_t i = 0; i < items_count; i++) {
        if (out_results[i].outcome < REELS_PUSH_SENT || out_results[i].outcome > REELS_PUSH_RETRY) {
            return reels__fail(err, REELS_ERR_CORRUPT, "push: a result has no known outcome");
        }
    }
    return REELS_OK;
}
