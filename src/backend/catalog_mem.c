/* Owns the catalog in memory: tables, outbox, tokens and leases under one lock. It forgets
 * everything at free. It is the reference against which other catalogs are compared, and fits tests
 * and tools; a put costs time in proportion to the rows of its table. */
#include "catalog_mem.h"

#include <string.h>

#include "backend/embedded.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/map.h"
#include "base/mem.h"

#define TOKEN_LIFE_US INT64_C(86400000000)

enum {
    TOKEN_BYTES = 16,
    HOLDER_BYTES = 256
};

struct event {
    struct event *next;
    struct shard *shard;
    uint64_t sequence;
    int64_t time_unix_us;
    size_t topic_size; /* with its NUL */
    size_t key_len;
    size_t payload_len;
    uint8_t bytes[]; /* topic, key, payload */
};

struct shard {
    uint8_t bytes[REELS__SHARD_BYTES_MAX];
    size_t len;
    uint64_t sequence;         /* of its newest event */
    uint64_t claimed;          /* newest event that was claimed under the lease */
    int64_t lease_unix_us;     /* end of the lease */
    char holder[HOLDER_BYTES]; /* "" = nobody */
};

struct token {
    struct token *newer;
    int64_t time_unix_us;
    reels_commit_result result;
    size_t key_len;
    uint8_t key[REELS__SHARD_BYTES_MAX + TOKEN_BYTES]; /* shard, then the token */
};

struct lease {
    uint64_t fence;
    int64_t until_unix_us;
    char holder[HOLDER_BYTES]; /* "" = nobody */
};

struct store {
    reels_ctx *ctx;
    pthread_mutex_t lock;
    reels__mem_table *tables;
    struct reels__map_bytes shards; /* those that ever had an event, by encoded value */
    struct reels__map_bytes tokens;
    struct reels__map_bytes leases;
    struct token *token_oldest;
    struct token *token_newest;
    struct event *events; /* the oldest first */
    struct event **events_end;
    uint64_t version;
};

/* A change that can be taken back: `before` was replaced by `after`, either may be NULL. */
struct change {
    reels__mem_table *table;
    reels__mem_row *before;
    reels__mem_row *after;
};

static void map_values_free(const reels_ctx *ctx, struct reels__map_bytes *map)
{
    size_t cursor = 0;
    const uint8_t *key = NULL;
    size_t key_len = 0;
    void *value = NULL;
    while (reels__map_bytes_next(map, &cursor, &key, &key_len, &value)) {
        reels__mem_free(ctx, value);
    }
    reels__map_bytes_dispose(map);
}

static void store_destroy(void *impl)
{
    struct store *store = impl;
    while (store->tables != NULL) {
        reels__mem_table *table = store->tables;
        store->tables = table->next;
        reels__mem_table_free(store->ctx, table);
    }
    while (store->events != NULL) {
        struct event *event = store->events;
        store->events = event->next;
        reels__mem_free(store->ctx, event);
    }
    map_values_free(store->ctx, &store->shards);
    map_values_free(store->ctx, &store->tokens);
    map_values_free(store->ctx, &store->leases);
    (void)pthread_mutex_destroy(&store->lock);
    reels__mem_free(store->ctx, store);
}

static reels__mem_table **table_slot(struct store *store, const char *name)
{
    reels__mem_table **slot = &store->tables;
    while (*slot != NULL && strcmp((*slot)->def->name, name) != 0) {
        slot = &(*slot)->next;
    }
    return slot;
}

/* ---- declare ---- */

/* Copies all rows into the new shape of a table. CONFLICT when a new unique index has a clash. */
static reels_status rows_migrate(struct store *store,
                                 const reels__mem_table *from,
                                 reels__mem_table *to,
                                 reels_error *err)
{
    REELS_TRY(reels__mem_table_reserve(store->ctx, to, from->rows_count, err));
    for (size_t i = 0; i < from->rows_count; i++) {
        const reels__mem_row *old = from->orders[0].rows[i];
        reels__mem_row *row = reels__mem_row_new(
            store->ctx, to->def, old->values, from->def->columns_count, old->version);
        if (row == NULL) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "table %s: no memory", to->def->name);
        }
        if (reels__mem_table_clashes(to, row, NULL)) {
            reels__mem_free(store->ctx, row);
            return reels__fail(err,
                               REELS_ERR_CONFLICT,
                               "table %s: rows clash in a new unique index",
                               to->def->name);
        }
        reels__mem_table_add(to, row);
    }
    return REELS_OK;
}

static reels_status table_declare(struct store *store, const reels_table *def, reels_error *err)
{
    reels__mem_table **slot = table_slot(store, def->name);
    reels__mem_table *old = *slot;
    if (old != NULL) {
        REELS_TRY(reels__table_migration_check(old->def, def, err));
    }
    reels__mem_table *table = NULL;
    REELS_TRY(reels__mem_table_new(store->ctx, def, &table, err));
    if (old != NULL) {
        reels_status status = rows_migrate(store, old, table, err);
        if (status < 0) {
            reels__mem_table_free(store->ctx, table);
            return status;
        }
        table->next = old->next;
        reels__mem_table_free(store->ctx, old);
    }
    *slot = table;
    return REELS_OK;
}

static reels_status store_declare(void *impl,
                                  const reels_call *call,
                                  const reels_table *const *tables,
                                  size_t tables_count,
                                  reels_error *err)
{
    struct store *store = impl;
    REELS_TRY(reels__call_check(store->ctx, call, err));
    pthread_mutex_lock(&store->lock);
    reels_status status = REELS_OK;
    /* All are checked before the first is changed. */
    for (size_t i = 0; status == REELS_OK && i < tables_count; i++) {
        const reels__mem_table *old = *table_slot(store, tables[i]->name);
        if (old != NULL) {
            status = reels__table_migration_check(old->def, tables[i], err);
        }
    }
    for (size_t i = 0; status == REELS_OK && i < tables_count; i++) {
        status = table_declare(store, tables[i], err);
    }
    pthread_mutex_unlock(&store->lock);
    return status;
}

/* ---- commit ---- */

static void op_keys(const reels_op *op, reels_value out_keys[REELS_TABLE_KEY_COLUMNS_MAX])
{
    for (uint32_t i = 0; i < op->table->key_columns_count; i++) {
        out_keys[i] =
            op->kind == REELS_OP_PUT ? op->values[op->table->key_columns[i]] : op->values[i];
    }
}

static int condition_holds(const reels_op *op, const reels__mem_row *row)
{
    switch (op->condition) {
    case REELS_IF_ABSENT:
        return row == NULL;
    case REELS_IF_PRESENT:
        return row != NULL;
    case REELS_IF_VERSION:
        return row != NULL && row->version == op->version;
    case REELS_IF_COLUMN:
        return row != NULL &&
               reels__value_compare(&row->values[op->condition_column], &op->condition_value) == 0;
    default:
        return 1;
    }
}

/* Does one operation and notes how to undo it. CONFLICT has no message: it goes to a result. */
static reels_status
op_apply(struct store *store, const reels_op *op, struct change *out, reels_error *err)
{
    reels__mem_table *table = *table_slot(store, op->table->name);
    REELS_REQUIRE(table != NULL, err, "table is not declared");
    reels_value keys[REELS_TABLE_KEY_COLUMNS_MAX];
    op_keys(op, keys);
    reels__mem_row *row = reels__mem_table_find(table, keys);
    *out = (struct change){.table = table};
    if (!condition_holds(op, row)) {
        return REELS_ERR_CONFLICT;
    }
    if (op->kind == REELS_OP_CHECK) {
        return REELS_OK;
    }
    if (op->kind == REELS_OP_PUT) {
        REELS_TRY(reels__mem_table_reserve(store->ctx, table, 1, err));
        out->after = reels__mem_row_new(
            store->ctx, table->def, op->values, table->def->columns_count, store->version);
        if (out->after == NULL) {
            return reels__fail(err, REELS_ERR_NO_MEMORY, "table %s: no memory", table->def->name);
        }
        if (reels__mem_table_clashes(table, out->after, row)) {
            reels__mem_free(store->ctx, out->after);
            out->after = NULL;
            return REELS_ERR_CONFLICT;
        }
    }
    out->before = row;
    if (row != NULL) {
        reels__mem_table_take(table, row);
    }
    if (out->after != NULL) {
        reels__mem_table_add(table, out->after);
    }
    return REELS_OK;
}

static void change_undo(struct store *store, const struct change *change)
{
    if (change->after != NULL) {
        reels__mem_table_take(change->table, change->after);
        reels__mem_free(store->ctx, change->after);
    }
    if (change->before != NULL) {
        reels__mem_table_add(change->table, change->before);
    }
}

/* Does all operations, or none. *out_failed tells which one did not hold. */
static reels_status ops_apply(struct store *store,
                              const reels_commit *commit,
                              struct change *changes,
                              uint32_t *out_failed,
                              reels_error *err)
{
    size_t done = 0;
    reels_status status = REELS_OK;
    while (status == REELS_OK && done < commit->ops_count) {
        status = op_apply(store, &commit->ops[done], &changes[done], err);
        done += status == REELS_OK ? 1 : 0;
    }
    if (status < 0) {
        *out_failed = (uint32_t)done;
        while (done > 0) {
            change_undo(store, &changes[--done]);
        }
    }
    return status;
}

static struct event *event_new(const struct store *store, const reels_event_out *from)
{
    size_t topic_size = strlen(from->topic) + 1;
    struct event *event = reels__mem_zalloc(
        store->ctx, sizeof *event + topic_size + from->key_len + from->payload_len);
    if (event == NULL) {
        return NULL;
    }
    event->topic_size = topic_size;
    event->key_len = from->key_len;
    event->payload_len = from->payload_len;
    memcpy(event->bytes, from->topic, topic_size);
    memcpy(event->bytes + topic_size, from->key, from->key_len);
    if (from->payload_len > 0) {
        memcpy(event->bytes + topic_size + from->key_len, from->payload, from->payload_len);
    }
    return event;
}

static void events_free(const struct store *store, struct event *events)
{
    while (events != NULL) {
        struct event *next = events->next;
        reels__mem_free(store->ctx, events);
        events = next;
    }
}

/* Finds an entry of a map or adds a zeroed one of `size` bytes; NULL when memory is refused. */
static void *map_entry(const reels_ctx *ctx,
                       struct reels__map_bytes *map,
                       const void *key,
                       size_t key_len,
                       size_t size)
{
    void *entry = reels__map_bytes_get(map, key, key_len);
    if (entry != NULL) {
        return entry;
    }
    entry = reels__mem_zalloc(ctx, size);
    if (entry != NULL && reels__map_bytes_put(map, key, key_len, entry, NULL, NULL) < 0) {
        reels__mem_free(ctx, entry);
        entry = NULL;
    }
    return entry;
}

/* What a commit needs beside its rows, made before anything changes. */
struct draft {
    struct change *changes;
    struct event *events;
    struct shard *shard;
    struct token *token; /* new, or NULL without a token */
    int64_t now_unix_us;
    size_t key_len;
    uint8_t key[REELS__SHARD_BYTES_MAX + TOKEN_BYTES];
};

static reels_status
draft_make(struct store *store, const reels_commit *commit, struct draft *draft, reels_error *err)
{
    size_t shard_len = draft->key_len - TOKEN_BYTES;
    draft->changes = reels__mem_calloc(store->ctx, commit->ops_count, sizeof *draft->changes);
    int complete = draft->changes != NULL;
    if (complete && commit->events_count > 0) {
        draft->shard =
            map_entry(store->ctx, &store->shards, draft->key, shard_len, sizeof *draft->shard);
        complete = draft->shard != NULL;
    }
    if (draft->shard != NULL) {
        memcpy(draft->shard->bytes, draft->key, shard_len);
        draft->shard->len = shard_len;
    }
    struct event **end = &draft->events;
    for (size_t i = 0; complete && i < commit->events_count; i++) {
        *end = event_new(store, &commit->events[i]);
        complete = *end != NULL;
        end = complete ? &(*end)->next : end;
    }
    if (complete && commit->has_token) {
        draft->token =
            map_entry(store->ctx, &store->tokens, draft->key, draft->key_len, sizeof *draft->token);
        complete = draft->token != NULL;
    }
    return complete ? REELS_OK : reels__fail(err, REELS_ERR_NO_MEMORY, "commit: no memory");
}

static void draft_drop(struct store *store, struct draft *draft)
{
    events_free(store, draft->events);
    reels__mem_free(store->ctx, draft->changes);
    if (draft->token != NULL) {
        (void)reels__map_bytes_remove(&store->tokens, draft->key, draft->key_len);
        reels__mem_free(store->ctx, draft->token);
    }
}

static void events_publish(struct store *store, struct draft *draft)
{
    while (draft->events != NULL) {
        struct event *event = draft->events;
        draft->events = event->next;
        event->next = NULL;
        event->shard = draft->shard;
        event->sequence = ++draft->shard->sequence;
        event->time_unix_us = draft->now_unix_us;
        *store->events_end = event;
        store->events_end = &event->next;
    }
}

static void token_keep(struct store *store, struct draft *draft, const reels_commit_result *result)
{
    struct token *token = draft->token;
    draft->token = NULL;
    if (token == NULL) {
        return;
    }
    token->time_unix_us = draft->now_unix_us;
    token->result = *result;
    token->key_len = draft->key_len;
    memcpy(token->key, draft->key, draft->key_len);
    if (store->token_newest != NULL) {
        store->token_newest->newer = token;
    } else {
        store->token_oldest = token;
    }
    store->token_newest = token;
}

/* Forgets tokens past their life. A clock that stepped back lets them live longer. */
static void tokens_expire(struct store *store, int64_t now_unix_us)
{
    while (store->token_oldest != NULL &&
           store->token_oldest->time_unix_us + TOKEN_LIFE_US <= now_unix_us) {
        struct token *token = store->token_oldest;
        store->token_oldest = token->newer;
        if (store->token_oldest == NULL) {
            store->token_newest = NULL;
        }
        (void)reels__map_bytes_remove(&store->tokens, token->key, token->key_len);
        reels__mem_free(store->ctx, token);
    }
}

static reels_status commit_apply(struct store *store,
                                 const reels_commit *commit,
                                 int64_t now_unix_us,
                                 reels_commit_result *out,
                                 reels_error *err)
{
    struct draft draft = {.now_unix_us = now_unix_us};
    size_t shard_len = reels__shard_encode(&commit->shard, draft.key);
    memcpy(draft.key + shard_len, commit->token, TOKEN_BYTES);
    draft.key_len = shard_len + TOKEN_BYTES;
    *out = (reels_commit_result){.status = REELS_OK};
    if (commit->has_token) {
        const struct token *known = reels__map_bytes_get(&store->tokens, draft.key, draft.key_len);
        if (known != NULL) {
            *out = known->result;
            out->repeated = 1;
            return REELS_OK;
        }
    }
    store->version++;
    reels_status status = draft_make(store, commit, &draft, err);
    if (status == REELS_OK) {
        status = ops_apply(store, commit, draft.changes, &out->failed_op, err);
    }
    if (status == REELS_OK) {
        for (size_t i = 0; i < commit->ops_count; i++) {
            reels__mem_free(store->ctx, draft.changes[i].before);
        }
        events_publish(store, &draft);
        out->version = store->version;
        token_keep(store, &draft, out);
    } else if (status == REELS_ERR_CONFLICT) {
        out->status = REELS_ERR_CONFLICT;
        token_keep(store, &draft, out);
        status = REELS_OK;
    }
    draft_drop(store, &draft);
    return status;
}

static reels_status store_commit(void *impl,
                                 const reels_call *call,
                                 const reels_commit *commits,
                                 size_t commits_count,
                                 reels_commit_result *results,
                                 reels_error *err)
{
    struct store *store = impl;
    REELS_TRY(reels__call_check(store->ctx, call, err));
    reels_commit_result *made = reels__mem_calloc(store->ctx, commits_count, sizeof *made);
    if (made == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "commit: no memory");
    }
    int64_t now_unix_us = reels_ctx_now_unix_us(store->ctx);
    reels_status status = REELS_OK;
    pthread_mutex_lock(&store->lock);
    tokens_expire(store, now_unix_us);
    for (size_t i = 0; status == REELS_OK && i < commits_count; i++) {
        status = commit_apply(store, &commits[i], now_unix_us, &made[i], err);
    }
    pthread_mutex_unlock(&store->lock);
    if (status == REELS_OK) {
        memcpy(results, made, commits_count * sizeof *made);
    }
    reels__mem_free(store->ctx, made);
    return status;
}

/* ---- get and scan ---- */

static reels_status store_get(void *impl,
                              const reels_call *call,
                              const reels_table *def,
                              const reels_value *keys,
                              size_t keys_count,
                              reels_rows *rows,
                              reels_error *err)
{
    struct store *store = impl;
    REELS_TRY(reels__call_check(store->ctx, call, err));
    pthread_mutex_lock(&store->lock);
    const reels__mem_table *table = *table_slot(store, def->name);
    reels_status status =
        table != NULL ? REELS_OK : reels__fail(err, REELS_ERR_INVALID_ARG, "table is not declared");
    for (size_t i = 0; status == REELS_OK && i < keys_count; i++) {
        const reels__mem_row *row = reels__mem_table_find(table, &keys[i * def->key_columns_count]);
        status = row != NULL
                     ? reels_rows_add(rows, row->values, def->columns_count, row->version, err)
                     : reels_rows_add(rows, NULL, 0, 0, err);
    }
    pthread_mutex_unlock(&store->lock);
    return status;
}

static reels_status store_scan(void *impl,
                               const reels_call *call,
                               const reels_scan *scan,
                               reels_rows *rows,
                               reels_buf *next,
                               reels_error *err)
{
    struct store *store = impl;
    REELS_TRY(reels__call_check(store->ctx, call, err));
    pthread_mutex_lock(&store->lock);
    const reels__mem_table *table = *table_slot(store, scan->table->name);
    reels_status status = table != NULL
                              ? reels__mem_table_scan(table, scan, rows, next, err)
                              : reels__fail(err, REELS_ERR_INVALID_ARG, "table is not declared");
    pthread_mutex_unlock(&store->lock);
    return status;
}

/* ---- outbox ---- */

static int is_held_by_other(const struct shard *shard, const char *holder, int64_t now_unix_us)
{
    return shard->holder[0] != '\0' && shard->lease_unix_us > now_unix_us &&
           strcmp(shard->holder, holder) != 0;
}

static reels_status event_give(const struct event *event, reels_records *records, reels_error *err)
{
    reels_record record = {
        .offset = event->sequence,
        .time_unix_us = event->time_unix_us,
        .topic = (const char *)event->bytes,
        .key = event->bytes + event->topic_size,
        .key_len = event->key_len,
        .payload = event->bytes + event->topic_size + event->key_len,
        .payload_len = event->payload_len,
        .shard = event->shard->bytes,
        .shard_len = event->shard->len,
    };
    return reels_records_add(records, &record, err);
}

static reels_status store_outbox_claim(void *impl,
                                       const reels_call *call,
                                       const char *holder,
                                       int64_t lease_us,
                                       uint32_t limit,
                                       reels_records *records,
                                       reels_error *err)
{
    struct store *store = impl;
    REELS_TRY(reels__call_check(store->ctx, call, err));
    int64_t now_unix_us = reels_ctx_now_unix_us(store->ctx);
    reels_status status = REELS_OK;
    uint32_t given = 0;
    pthread_mutex_lock(&store->lock);
    for (struct event *event = store->events; event != NULL && given < limit; event = event->next) {
        struct shard *shard = event->shard;
        if (is_held_by_other(shard, holder, now_unix_us)) {
            continue;
        }
        status = event_give(event, records, err);
        if (status < 0) {
            break;
        }
        given++;
        memcpy(shard->holder, holder, strlen(holder) + 1);
        shard->lease_unix_us = now_unix_us + lease_us;
        shard->claimed = event->sequence;
    }
    pthread_mutex_unlock(&store->lock);
    /* A full list gives fewer; the rest comes with the next claim. */
    return status == REELS_ERR_LIMIT && given > 0 ? REELS_OK : status;
}

/* Takes one event out, if it is still there. */
static void event_remove(struct store *store, const struct shard *shard, uint64_t sequence)
{
    struct event **slot = &store->events;
    while (*slot != NULL && ((*slot)->shard != shard || (*slot)->sequence != sequence)) {
        slot = &(*slot)->next;
    }
    struct event *event = *slot;
    if (event != NULL) {
        *slot = event->next;
        if (event->next == NULL) {
            store->events_end = slot;
        }
        reels__mem_free(store->ctx, event);
    }
}

/* A shard whose claimed events are all published is free again. */
static void shard_release(const struct store *store, struct shard *shard)
{
    const struct event *event = store->events;
    while (event != NULL && (event->shard != shard || event->sequence > shard->claimed)) {
        event = event->next;
    }
    if (event == NULL) {
        shard->holder[0] = '\0';
    }
}

static reels_status store_outbox_ack(void *impl,
                                     const reels_call *call,
                                     const char *holder,
                                     const reels_record *records,
                                     size_t records_count,
                                     reels_error *err)
{
    struct store *store = impl;
    REELS_TRY(reels__call_check(store->ctx, call, err));
    reels_status status = REELS_OK;
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; status == REELS_OK && i < records_count; i++) {
        const struct shard *shard =
            reels__map_bytes_get(&store->shards, records[i].shard, records[i].shard_len);
        if (shard != NULL && shard->holder[0] != '\0' && strcmp(shard->holder, holder) != 0) {
            status = reels__fail(err, REELS_ERR_STALE, "outbox: another holder has the events");
        }
    }
    for (size_t i = 0; status == REELS_OK && i < records_count; i++) {
        struct shard *shard =
            reels__map_bytes_get(&store->shards, records[i].shard, records[i].shard_len);
        if (shard != NULL) {
            event_remove(store, shard, records[i].offset);
            shard_release(store, shard);
        }
    }
    pthread_mutex_unlock(&store->lock);
    return status;
}

/* ---- leases ---- */

static reels_status store_lease_acquire(void *impl,
                                        const reels_call *call,
                                        const char *name,
                                        const char *holder,
                                        int64_t duration_us,
                                        uint64_t *out_fence,
                                        reels_error *err)
{
    struct store *store = impl;
    REELS_TRY(reels__call_check(store->ctx, call, err));
    int64_t now_unix_us = reels_ctx_now_unix_us(store->ctx);
    reels_status status = REELS_OK;
    pthread_mutex_lock(&store->lock);
    struct lease *lease = map_entry(store->ctx, &store->leases, name, strlen(name), sizeof *lease);
    if (lease == NULL) {
        status = reels__fail(err, REELS_ERR_NO_MEMORY, "lease: no memory");
    } else if (lease->holder[0] != '\0' && lease->until_unix_us > now_unix_us &&
               strcmp(lease->holder, holder) != 0) {
        status = reels__fail(err, REELS_ERR_BUSY, "lease: another holder has it");
    } else {
        memcpy(lease->holder, holder, strlen(holder) + 1);
        lease->until_unix_us = now_unix_us + duration_us;
        *out_fence = ++lease->fence;
    }
    pthread_mutex_unlock(&store->lock);
    return status;
}

/* The lease if it is held under this fence, else NULL. */
static struct lease *lease_held(struct store *store, const char *name, uint64_t fence)
{
    struct lease *lease = reels__map_bytes_get(&store->leases, name, strlen(name));
    return lease != NULL && lease->fence == fence && lease->holder[0] != '\0' ? lease : NULL;
}

static reels_status store_lease_renew(void *impl,
                                      const reels_call *call,
                                      const char *name,
                                      uint64_t fence,
                                      int64_t duration_us,
                                      reels_error *err)
{
    struct store *store = impl;
    REELS_TRY(reels__call_check(store->ctx, call, err));
    int64_t now_unix_us = reels_ctx_now_unix_us(store->ctx);
    reels_status status = REELS_OK;
    pthread_mutex_lock(&store->lock);
    struct lease *lease = lease_held(store, name, fence);
    if (lease != NULL && lease->until_unix_us > now_unix_us) {
        lease->until_unix_us = now_unix_us + duration_us;
    } else {
        status = reels__fail(err, REELS_ERR_STALE, "lease: it is lost or has expired");
    }
    pthread_mutex_unlock(&store->lock);
    return status;
}

static reels_status store_lease_release(
    void *impl, const reels_call *call, const char *name, uint64_t fence, reels_error *err)
{
    struct store *store = impl;
    REELS_TRY(reels__call_check(store->ctx, call, err));
    pthread_mutex_lock(&store->lock);
    struct lease *lease = lease_held(store, name, fence);
    if (lease != NULL) {
        lease->holder[0] = '\0';
    }
    pthread_mutex_unlock(&store->lock);
    return REELS_OK;
}

static const reels_catalog_vtable VTABLE = {
    .struct_size = sizeof(reels_catalog_vtable),
    .destroy = store_destroy,
    .declare = store_declare,
    .commit = store_commit,
    .get = store_get,
    .scan = store_scan,
    .outbox_claim = store_outbox_claim,
    .outbox_ack = store_outbox_ack,
    .lease_acquire = store_lease_acquire,
    .lease_renew = store_lease_renew,
    .lease_release = store_lease_release,
};

reels_status reels__catalog_mem_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err)
{
    (void)user;
    (void)url;
    struct store *store = reels__mem_zalloc(ctx, sizeof *store);
    if (store == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "catalog: no memory");
    }
    store->ctx = ctx;
    store->events_end = &store->events;
    if (pthread_mutex_init(&store->lock, NULL) != 0) {
        reels__mem_free(ctx, store);
        return reels__fail(err, REELS_ERR_NO_MEMORY, "catalog: the system refused a lock");
    }
    reels_catalog *catalog = NULL;
    reels_status status = reels__map_bytes_init(&store->shards, ctx, 0, err);
    status = status < 0 ? status : reels__map_bytes_init(&store->tokens, ctx, 0, err);
    status = status < 0 ? status : reels__map_bytes_init(&store->leases, ctx, 0, err);
    status = status < 0 ? status : reels_catalog_new(ctx, &VTABLE, store, &catalog, err);
    if (status < 0) {
        store_destroy(store);
        return status;
    }
    *out_port = catalog;
    return REELS_OK;
}
