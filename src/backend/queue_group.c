/* Owns groups: who is in them, who has which partition under which epoch, and the stored offsets.
 *
 * Epochs and offsets change in a draft that the store makes durable before anybody sees it, so that
 * an epoch never comes back. While a draft is being saved (`saving`) nobody else makes one. */
#include <string.h>

#include "backend/queue_core.h"
#include "base/error.h"
#include "base/mem.h"

void reels__topic_wake(struct reels__topic *topic)
{
    topic->changes_count++;
    pthread_cond_broadcast(&topic->changed);
}

static struct reels__group *group_find(const struct reels__topic *topic, const char *name)
{
    struct reels__group *it = topic->groups;
    while (it != NULL && strcmp(it->name, name) != 0) {
        it = it->next;
    }
    return it;
}

static void group_free(reels_ctx *ctx, struct reels__group *group)
{
    if (group != NULL) {
        reels__mem_free(ctx, group->name);
        reels__mem_free(ctx, group->slots);
        reels__mem_free(ctx, group->owners);
        reels__mem_free(ctx, group);
    }
}

static reels_status group_make(struct reels__topic *topic,
                               const char *name,
                               struct reels__group **out,
                               reels_error *err)
{
    struct reels__queue_core *core = topic->core;
    reels_ctx *ctx = core->ctx;
    struct reels__group *group = reels__mem_zalloc(ctx, sizeof *group);
    if (group != NULL) {
        group->topic = topic;
        group->name = reels__mem_strdup(ctx, name);
        group->slots = reels__mem_calloc(ctx, topic->partitions, sizeof *group->slots);
        group->owners = reels__mem_calloc(ctx, topic->partitions, sizeof *group->owners);
    }
    if (group == NULL || group->name == NULL || group->slots == NULL || group->owners == NULL) {
        group_free(ctx, group);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    for (uint32_t i = 0; i < topic->partitions; i++) {
        group->slots[i].next = UINT64_MAX;
    }
    reels_status status =
        core->table.group_load(core->store, topic->log, name, group->slots, topic->partitions, err);
    if (status < 0) {
        group_free(ctx, group);
        return status;
    }
    *out = group;
    return REELS_OK;
}

reels_status reels__group_get(struct reels__topic *topic,
                              const char *name,
                              struct reels__group **out,
                              reels_error *err)
{
    struct reels__group *group = group_find(topic, name);
    if (group == NULL) {
        if (topic->groups_count >= REELS__QUEUE_GROUPS_MAX) {
            return reels__fail(err, REELS_ERR_LIMIT, "the topic has 1024 groups");
        }
        struct reels__group *made = NULL;
        pthread_mutex_unlock(&topic->lock);
        reels_status status = group_make(topic, name, &made, err);
        pthread_mutex_lock(&topic->lock);
        if (status < 0) {
            return status;
        }
        group = group_find(topic, name);
        if (group == NULL) {
            made->next = topic->groups;
            topic->groups = made;
            topic->groups_count++;
            group = made;
        } else {
            group_free(topic->core->ctx, made);
        }
    }
    *out = group;
    return REELS_OK;
}

/* Waits until nobody saves. What was known about the group may be another thing afterwards. */
static void group_save_wait(struct reels__group *group)
{
    while (group->saving) {
        pthread_cond_wait(&group->topic->changed, &group->topic->lock);
    }
}

/* Makes a draft durable and adopts it. Takes the draft. */
static reels_status
group_adopt(struct reels__group *group, struct reels__group_slot *draft, reels_error *err)
{
    struct reels__topic *topic = group->topic;
    struct reels__queue_core *core = topic->core;
    group->saving = 1;
    pthread_mutex_unlock(&topic->lock);
    reels_status status =
        core->table.group_save(core->store, topic->log, group->name, draft, topic->partitions, err);
    pthread_mutex_lock(&topic->lock);
    group->saving = 0;
    if (status == REELS_OK) {
        struct reels__group_slot *old = group->slots;
        group->slots = draft;
        draft = old;
    }
    reels__mem_free(core->ctx, draft);
    reels__topic_wake(topic);
    return status;
}

static struct reels__group_slot *draft_make(const struct reels__group *group, reels_error *err)
{
    const struct reels__topic *topic = group->topic;
    struct reels__group_slot *draft =
        reels__mem_dup(topic->core->ctx, group->slots, topic->partitions * sizeof *draft);
    if (draft == NULL) {
        (void)reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    return draft;
}

static struct reels__consumer *consumer_of(const struct reels__group *group, uint64_t id)
{
    struct reels__consumer *it = group->consumers;
    while (it != NULL && it->id != id) {
        it = it->next;
    }
    return it;
}

struct reels__consumer *reels__consumer_find(struct reels__topic *topic, uint64_t id)
{
    for (const struct reels__group *group = topic->groups; group != NULL; group = group->next) {
        struct reels__consumer *found = consumer_of(group, id);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

void reels__consumers_free(struct reels__topic *topic, struct reels__consumer *list)
{
    struct reels__queue_core *core = topic->core;
    while (list != NULL) {
        struct reels__consumer *consumer = list;
        list = consumer->next;
        for (uint32_t i = 0; i < consumer->held_count; i++) {
            if (consumer->held[i].cursor != NULL) {
                core->table.cursor_free(core->store, consumer->held[i].cursor);
            }
        }
        reels__mem_free(core->ctx, consumer->held);
        reels__mem_free(core->ctx, consumer->name);
        reels__mem_free(core->ctx, consumer);
    }
}

void reels__topic_unlock(struct reels__topic *topic)
{
    struct reels__consumer *gone = topic->gone;
    topic->gone = NULL;
    pthread_mutex_unlock(&topic->lock);
    reels__consumers_free(topic, gone);
}

void reels__consumer_drop(struct reels__consumer *consumer)
{
    struct reels__group *group = consumer->group;
    struct reels__consumer **at = &group->consumers;
    while (*at != consumer) {
        at = &(*at)->next;
    }
    *at = consumer->next;
    group->consumers_count--;
    group->dirty = 1;
    if (consumer->busy) {
        consumer->out = 1;
    } else {
        consumer->next = group->topic->gone;
        group->topic->gone = consumer;
    }
    reels__topic_wake(group->topic);
}

static void group_expire(struct reels__group *group)
{
    int64_t now = reels_ctx_now_mono_us(group->topic->core->ctx);
    struct reels__consumer *it = group->consumers;
    while (it != NULL) {
        struct reels__consumer *next = it->next;
        if (!it->busy && it->expires_mono_us <= now) {
            reels__consumer_drop(it);
        }
        it = next;
    }
}

/* How many partitions each consumer may have: equal shares, the first ones one more. */
static void quotas_set(struct reels__group *group)
{
    uint32_t count = group->consumers_count;
    uint32_t share = count > 0 ? group->topic->partitions / count : 0;
    uint32_t extra = count > 0 ? group->topic->partitions % count : 0;
    for (struct reels__consumer *it = group->consumers; it != NULL; it = it->next) {
        it->quota = share + (extra > 0 ? 1 : 0);
        extra -= extra > 0 ? 1 : 0;
    }
}

/* Writes new owners: everybody keeps what fits the quota, the rest goes to those who have too
 * little. */
static void owners_share(struct reels__group *group, uint64_t *owners)
{
    uint32_t partitions = group->topic->partitions;
    quotas_set(group);
    for (uint32_t i = 0; i < partitions; i++) {
        struct reels__consumer *owner = consumer_of(group, group->owners[i]);
        owners[i] = 0;
        if (owner != NULL && owner->quota > 0) {
            owner->quota--;
            owners[i] = owner->id;
        }
    }
    struct reels__consumer *taker = group->consumers;
    for (uint32_t i = 0; i < partitions; i++) {
        while (taker != NULL && taker->quota == 0) {
            taker = taker->next;
        }
        if (owners[i] == 0 && taker != NULL) {
            taker->quota--;
            owners[i] = taker->id;
        }
    }
}

/* Adopts new owners: whoever gains or loses is told so at its next poll. */
static void owners_adopt(struct reels__group *group, const uint64_t *owners)
{
    for (uint32_t i = 0; i < group->topic->partitions; i++) {
        if (owners[i] == group->owners[i]) {
            continue;
        }
        struct reels__consumer *loser = consumer_of(group, group->owners[i]);
        struct reels__consumer *gainer = consumer_of(group, owners[i]);
        if (loser != NULL) {
            loser->shares_made++;
        }
        if (gainer != NULL) {
            gainer->shares_made++;
        }
        group->owners[i] = owners[i];
    }
}

/* One sharing out. Consumers may come or go while it is saved: then it is due again. */
static reels_status group_share(struct reels__group *group, uint64_t *owners, reels_error *err)
{
    uint32_t partitions = group->topic->partitions;
    owners_share(group, owners);
    struct reels__group_slot *draft = draft_make(group, err);
    if (draft == NULL) {
        return REELS_ERR_NO_MEMORY;
    }
    int moves = 0;
    for (uint32_t i = 0; i < partitions; i++) {
        if (owners[i] != group->owners[i] && owners[i] != 0) {
            draft[i].epoch++;
            moves = 1;
        }
    }
    group->dirty = 0;
    reels_status status = REELS_OK;
    if (moves) {
        status = group_adopt(group, draft, err);
    } else {
        reels__mem_free(group->topic->core->ctx, draft);
    }
    if (status == REELS_OK) {
        owners_adopt(group, owners);
        reels__topic_wake(group->topic);
    } else {
        group->dirty = 1;
    }
    return status;
}

reels_status reels__group_settle(struct reels__group *group, reels_error *err)
{
    struct reels__topic *topic = group->topic;
    uint64_t *owners = NULL;
    reels_status status = REELS_OK;
    group_expire(group);
    while (group->dirty && status == REELS_OK) {
        group_save_wait(group);
        if (owners == NULL) {
            owners = reels__mem_calloc(topic->core->ctx, topic->partitions, sizeof *owners);
        }
        status = owners != NULL ? group_share(group, owners, err)
                                : reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    reels__mem_free(topic->core->ctx, owners);
    return status;
}

reels_status reels__group_add(struct reels__group *group,
                              const reels_queue_join *join,
                              uint64_t id,
                              reels_error *err)
{
    reels_ctx *ctx = group->topic->core->ctx;
    struct reels__consumer *consumer = reels__mem_zalloc(ctx, sizeof *consumer);
    char *name = reels__mem_strdup(ctx, join->consumer);
    if (consumer == NULL || name == NULL) {
        reels__mem_free(ctx, consumer);
        reels__mem_free(ctx, name);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    struct reels__consumer **at = &group->consumers;
    while (*at != NULL) {
        if (strcmp((*at)->name, name) == 0) {
            reels__consumer_drop(*at); /* *at is the next one now */
        } else {
            at = &(*at)->next;
        }
    }
    consumer->group = group;
    consumer->id = id;
    consumer->name = name;
    consumer->lease_us = join->lease_us;
    consumer->expires_mono_us = reels_ctx_now_mono_us(ctx) + join->lease_us;
    consumer->shares_made = 1;
    *at = consumer;
    group->consumers_count++;
    group->dirty = 1;
    return REELS_OK;
}

/* Takes over place and cursor of a partition that the consumer had before under the same epoch. */
static void held_fill(struct reels__consumer *consumer, uint32_t partition, struct reels__held *out)
{
    struct reels__group *group = consumer->group;
    struct reels__queue_core *core = group->topic->core;
    out->partition = partition;
    out->epoch = group->slots[partition].epoch;
    for (uint32_t i = 0; i < consumer->held_count; i++) {
        struct reels__held *old = &consumer->held[i];
        if (old->partition == partition && old->epoch == out->epoch) {
            out->next = old->next;
            out->cursor = old->cursor;
            old->cursor = NULL;
            return;
        }
    }
    uint64_t oldest = 0;
    uint64_t end = 0;
    core->table.bounds(core->store, group->topic->log, partition, &oldest, &end);
    uint64_t stored = group->slots[partition].next;
    out->next = stored == UINT64_MAX || stored < oldest ? oldest : stored < end ? stored : end;
}

reels_status reels__consumer_learn(struct reels__consumer *consumer, reels_error *err)
{
    struct reels__group *group = consumer->group;
    struct reels__queue_core *core = group->topic->core;
    uint32_t count = 0;
    for (uint32_t i = 0; i < group->topic->partitions; i++) {
        count += group->owners[i] == consumer->id;
    }
    struct reels__held *held = reels__mem_calloc(core->ctx, count, sizeof *held);
    /* A shell in which what is not held any more goes away. */
    struct reels__consumer *shell = reels__mem_zalloc(core->ctx, sizeof *shell);
    if (held == NULL || shell == NULL) {
        reels__mem_free(core->ctx, held);
        reels__mem_free(core->ctx, shell);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "queue: no memory");
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < group->topic->partitions; i++) {
        if (group->owners[i] == consumer->id) {
            held_fill(consumer, i, &held[at++]);
        }
    }
    shell->held = consumer->held;
    shell->held_count = consumer->held_count;
    shell->next = group->topic->gone;
    group->topic->gone = shell;
    consumer->held = held;
    consumer->held_count = count;
    consumer->turn = 0;
    consumer->shares_known = consumer->shares_made;
    return REELS_OK;
}

/* STALE unless each partition is the consumer's under that epoch. */
static reels_status offsets_are_fenced(const struct reels__group *group,
                                       uint64_t consumer_id,
                                       const reels_queue_offset *offsets,
                                       size_t offsets_count,
                                       reels_error *err)
{
    for (size_t i = 0; i < offsets_count; i++) {
        uint32_t partition = offsets[i].partition;
        REELS_REQUIRE(partition < group->topic->partitions, err, "no such partition");
        if (group->owners[partition] != consumer_id ||
            group->slots[partition].epoch != offsets[i].epoch) {
            return reels__fail(err,
                               REELS_ERR_STALE,
                               "partition %u is not the consumer's under this epoch",
                               (unsigned)partition);
        }
    }
    return REELS_OK;
}

reels_status reels__group_offsets_store(struct reels__consumer *consumer,
                                        const reels_queue_offset *offsets,
                                        size_t offsets_count,
                                        reels_error *err)
{
    struct reels__group *group = consumer->group;
    uint64_t id = consumer->id;
    group_save_wait(group);
    REELS_TRY(offsets_are_fenced(group, id, offsets, offsets_count, err));
    if (offsets_count == 0) {
        return REELS_OK;
    }
    struct reels__group_slot *draft = draft_make(group, err);
    if (draft == NULL) {
        return REELS_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < offsets_count; i++) {
        draft[offsets[i].partition].next = offsets[i].next;
    }
    return group_adopt(group, draft, err);
}

void reels__groups_free(struct reels__topic *topic)
{
    while (topic->groups != NULL) {
        struct reels__group *group = topic->groups;
        topic->groups = group->next;
        reels__consumers_free(topic, group->consumers);
        group_free(topic->core->ctx, group);
    }
}
