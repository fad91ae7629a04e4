/* Owns the lease of tests: a store of nodes in memory that outlives generators, as a catalog
 * outlives processes, with every failure on demand. A node goes to whoever asks for it (as if the
 * lease of the one before had run out), which fences that one: its next extension is STALE.
 * Internally locked. */
#ifndef REELS_TESTS_UNIT_ID_LEASE_STORE_H
#define REELS_TESTS_UNIT_ID_LEASE_STORE_H

#include <pthread.h>
#include <string.h>

#include <reels/id.h>

enum {
    STORE_NODES_MAX = 32
};

struct lease_node {
    int64_t limit_unix_us;
    uint64_t owner;
};

struct lease_store {
    pthread_mutex_t lock;
    struct lease_node nodes[STORE_NODES_MAX];
    uint64_t owners_count;
    uint32_t nodes_count;
    uint32_t grants_count;
    uint32_t extends_count;
    uint32_t fence_every; /* each nth extension finds that somebody took the node; 0 = none */
};

/* One process's view. */
struct store_lease {
    struct lease_store *store;
    uint64_t owner;
    uint32_t node;
    reels_status extend_status;  /* what extend fails with; REELS_OK = it works */
    reels_status acquire_status; /* the same for acquire */
    int extend_takes_effect;     /* a failing extend has stored the limit all the same */
    int dies; /* release and destroy do nothing, as when the process was killed */
    uint32_t extends_count;
    uint32_t releases_count;
    uint32_t destroys_count;
    void (*in_acquire)(void *user); /* called at the start of acquire; may be NULL */
    void *in_acquire_user;
};

static inline reels_status store_acquire(void *impl,
                                         const reels_call *call,
                                         const reels_id_lease_request *request,
                                         reels_id_lease *out,
                                         reels_error *err)
{
    (void)call;
    struct store_lease *lease = impl;
    if (lease->in_acquire != NULL) {
        lease->in_acquire(lease->in_acquire_user);
    }
    if (lease->acquire_status != REELS_OK) {
        return reels_error_set(err, lease->acquire_status, 0, "the store refuses");
    }
    (void)pthread_mutex_lock(&lease->store->lock);
    uint32_t node = request->node;
    if ((request->flags & REELS_ID_NODE_LEASED) != 0) {
        node = lease->store->grants_count % lease->store->nodes_count;
    }
    lease->store->grants_count++;
    lease->owner = ++lease->store->owners_count;
    lease->node = node;
    lease->store->nodes[node].owner = lease->owner;
    out->node = node;
    out->floor_unix_us = lease->store->nodes[node].limit_unix_us;
    (void)pthread_mutex_unlock(&lease->store->lock);
    return REELS_OK;
}

static inline reels_status
store_extend(void *impl, const reels_call *call, int64_t until_unix_us, reels_error *err)
{
    (void)call;
    struct store_lease *lease = impl;
    reels_status status = lease->extend_status;
    (void)pthread_mutex_lock(&lease->store->lock);
    struct lease_node *node = &lease->store->nodes[lease->node];
    lease->store->extends_count++;
    uint32_t fence_every = lease->store->fence_every;
    int is_fenced = fence_every != 0 && lease->store->extends_count % fence_every == 0;
    if (is_fenced || node->owner != lease->owner) {
        status = REELS_ERR_STALE;
    } else if (status == REELS_OK || lease->extend_takes_effect) {
        node->limit_unix_us = until_unix_us;
    }
    lease->extends_count++;
    (void)pthread_mutex_unlock(&lease->store->lock);
    return status == REELS_OK ? REELS_OK : reels_error_set(err, status, 0, "the store is away");
}

static inline void store_release(void *impl, int64_t until_unix_us)
{
    struct store_lease *lease = impl;
    if (lease->dies) {
        return;
    }
    (void)pthread_mutex_lock(&lease->store->lock);
    struct lease_node *node = &lease->store->nodes[lease->node];
    if (node->owner == lease->owner) {
        node->limit_unix_us = until_unix_us;
        node->owner = 0;
    }
    lease->releases_count++;
    (void)pthread_mutex_unlock(&lease->store->lock);
}

static inline void store_destroy(void *impl)
{
    struct store_lease *lease = impl;
    lease->destroys_count++;
}

static const reels_id_lease_vtable store_table = {
    .struct_size = sizeof(reels_id_lease_vtable),
    .acquire = store_acquire,
    .extend = store_extend,
    .release = store_release,
    .destroy = store_destroy,
};

static inline void lease_store_init(struct lease_store *store, uint32_t nodes_count)
{
    memset(store, 0, sizeof *store);
    store->nodes_count = nodes_count;
    (void)pthread_mutex_init(&store->lock, NULL);
}

static inline void lease_store_dispose(struct lease_store *store)
{
    (void)pthread_mutex_destroy(&store->lock);
}

#endif
