/* Owns the cases about events, the outbox and named leases. */
#include <stdlib.h>
#include <string.h>

#include "catalog_suite.h"

enum {
    LONG_US = 60000000,
    SHORT_US = 1000,
    LIST_MAX = 32
};

/* What a claim gave: records with pointers into a list. */
struct claimed {
    reels_records *list;
    reels_record items[LIST_MAX];
    size_t count;
};

static int
claim(struct run *run, const char *holder, int64_t lease_us, uint32_t limit, struct claimed *out)
{
    if (out->list == NULL) {
        EXPECT_OK_OR_0(reels_records_new(run->ctx, 0, &out->list, &run->err));
    }
    reels_records_clear(out->list);
    EXPECT_OK_OR_0(
        reels_catalog_outbox_claim(run->port, NULL, holder, lease_us, limit, out->list, &run->err));
    out->count = reels_records_count(out->list);
    EXPECT_OR_0(out->count <= limit && out->count <= LIST_MAX);
    for (size_t i = 0; i < out->count; i++) {
        EXPECT_OK_OR_0(reels_records_get(out->list, i, &out->items[i]));
        EXPECT_OR_0(out->items[i].shard != NULL && out->items[i].shard_len > 0);
    }
    return 1;
}

static reels_status ack(struct run *run, const char *holder, const struct claimed *claimed)
{
    return reels_catalog_outbox_ack(
        run->port, NULL, holder, claimed->items, claimed->count, &run->err);
}

static int payload_is(const reels_record *record, const char *payload)
{
    return record->payload_len == strlen(payload) &&
           memcmp(record->payload, payload, record->payload_len) == 0;
}

static int same_shard(const reels_record *a, const reels_record *b)
{
    return a->shard_len == b->shard_len && memcmp(a->shard, b->shard, a->shard_len) == 0;
}

static int event_put(struct run *run, int64_t owner, const char *payload)
{
    struct item item = item_make(owner, 1);
    return suite_put_event(run, &item, payload);
}

/* A case with a list that is freed however it ends. */
static void with_list(struct run *run, int (*body)(struct run *run, struct claimed *claimed))
{
    struct claimed claimed = {.list = NULL};
    if (suite_declare(run)) {
        (void)body(run, &claimed);
    }
    reels_records_free(claimed.list);
}

static int events_body(struct run *run, struct claimed *claimed)
{
    int64_t before = reels_ctx_now_unix_us(run->ctx);
    TRY_OR_0(claim(run, "a", LONG_US, 10, claimed));
    EXPECT_OR_0(claimed->count == 0);
    TRY_OR_0(event_put(run, 1, "one"));
    TRY_OR_0(event_put(run, 1, ""));
    TRY_OR_0(claim(run, "a", LONG_US, 10, claimed));
    EXPECT_OR_0(claimed->count == 2);
    const reels_record *first = &claimed->items[0];
    EXPECT_OR_0(payload_is(first, "one") && payload_is(&claimed->items[1], ""));
    EXPECT_OR_0(strcmp(first->topic, "suite.topic") == 0);
    EXPECT_OR_0(first->key_len == 3 && memcmp(first->key, "\1\2\3", 3) == 0);
    EXPECT_OR_0(first->time_unix_us >= before &&
                first->time_unix_us <= reels_ctx_now_unix_us(run->ctx));
    EXPECT_OR_0(same_shard(first, &claimed->items[1]));
    EXPECT_OR_0(claimed->items[1].offset == first->offset + 1);
    return 1;
}

static void events_are_handed_out_in_order(struct run *run)
{
    with_list(run, events_body);
}

static int conflict_body(struct run *run, struct claimed *claimed)
{
    struct item item = item_make(1, 1);
    reels_op op = op_put(&item, REELS_IF_PRESENT);
    reels_event_out event = {.topic = "t", .key = (const uint8_t *)"k", .key_len = 1};
    reels_commit commit = {.struct_size = sizeof commit,
                           .has_token = 1,
                           .shard = value_id(1),
                           .ops = &op,
                           .ops_count = 1,
                           .events = &event,
                           .events_count = 1};
    reels_commit_result result = {0};
    EXPECT_OK_OR_0(reels_catalog_commit(run->port, NULL, &commit, 1, &result, &run->err));
    EXPECT_OR_0(result.status == REELS_ERR_CONFLICT);
    TRY_OR_0(claim(run, "a", LONG_US, 10, claimed));
    EXPECT_OR_0(claimed->count == 0);
    /* A repeated commit does not publish twice either. */
    commit.token[0] = 1;
    op.condition = REELS_IF_ABSENT;
    EXPECT_OK_OR_0(reels_catalog_commit(run->port, NULL, &commit, 1, &result, &run->err));
    EXPECT_OR_0(result.status == REELS_OK);
    EXPECT_OK_OR_0(reels_catalog_commit(run->port, NULL, &commit, 1, &result, &run->err));
    EXPECT_OR_0(result.repeated == 1);
    TRY_OR_0(claim(run, "a", LONG_US, 10, claimed));
    EXPECT_OR_0(claimed->count == 1);
    return 1;
}

static void a_commit_without_effect_publishes_nothing(struct run *run)
{
    with_list(run, conflict_body);
}

static int sequences_body(struct run *run, struct claimed *claimed)
{
    uint64_t next[3] = {0};
    int64_t given = 0;
    for (int64_t round = 0; round < 3; round++) {
        for (int64_t i = 0; i < 9; i++) {
            TRY_OR_0(event_put(run, i % 3, "x"));
        }
        TRY_OR_0(claim(run, "a", LONG_US, LIST_MAX, claimed));
        EXPECT_OR_0(claimed->count == 9);
        /* Records of one shard: each a step of one, also after all were acknowledged. */
        for (size_t i = 0; i < claimed->count; i++) {
            const reels_record *record = &claimed->items[i];
            uint64_t *expected = &next[i % 3];
            EXPECT_OR_0(same_shard(record, &claimed->items[i % 3]));
            EXPECT_OR_0(*expected == 0 || record->offset == *expected);
            *expected = record->offset + 1;
            given++;
        }
        EXPECT_OK_OR_0(ack(run, "a", claimed));
    }
    EXPECT_OR_0(given == 27);
    TRY_OR_0(claim(run, "a", LONG_US, 10, claimed));
    EXPECT_OR_0(claimed->count == 0);
    return 1;
}

static void sequences_grow_by_one_per_shard(struct run *run)
{
    with_list(run, sequences_body);
}

static int exclusive_body(struct run *run, struct claimed *claimed)
{
    struct claimed other = {.list = NULL};
    TRY_OR_0(event_put(run, 1, "a1"));
    TRY_OR_0(event_put(run, 2, "b1"));
    TRY_OR_0(event_put(run, 1, "a2"));
    TRY_OR_0(claim(run, "a", LONG_US, 1, claimed)); /* shard 1 is a's now */
    EXPECT_OR_0(claimed->count == 1 && payload_is(&claimed->items[0], "a1"));
    int held = claim(run, "b", LONG_US, 10, &other) && other.count == 1 &&
               payload_is(&other.items[0], "b1");
    /* The same holder is given what it has not acknowledged again. */
    held = held && claim(run, "a", LONG_US, 10, claimed) && claimed->count == 2 &&
           payload_is(&claimed->items[0], "a1") && payload_is(&claimed->items[1], "a2");
    /* Once all is acknowledged, the shard is free for anybody. */
    held = held && ack(run, "a", claimed) == REELS_OK && ack(run, "b", &other) == REELS_OK &&
           event_put(run, 1, "a3") && claim(run, "b", LONG_US, 10, &other) && other.count == 1 &&
           payload_is(&other.items[0], "a3");
    reels_records_free(other.list);
    EXPECT_OR_0(held);
    return 1;
}

static void claims_of_a_shard_are_exclusive(struct run *run)
{
    with_list(run, exclusive_body);
}

static int expiry_body(struct run *run, struct claimed *claimed)
{
    struct claimed other = {.list = NULL};
    TRY_OR_0(event_put(run, 1, "x"));
    TRY_OR_0(claim(run, "a", SHORT_US, 10, claimed));
    EXPECT_OR_0(claimed->count == 1);
    TRY_OR_0(run_advance(run, SHORT_US));
    int held = claim(run, "b", LONG_US, 10, &other) && other.count == 1 &&
               other.items[0].offset == claimed->items[0].offset &&
               ack(run, "a", claimed) == REELS_ERR_STALE;
    /* It was not forgotten by that. */
    held = held && claim(run, "b", LONG_US, 10, &other) && other.count == 1 &&
           ack(run, "b", &other) == REELS_OK;
    /* What nobody knows any more is nobody's loss. */
    held = held && ack(run, "b", &other) == REELS_OK && ack(run, "a", claimed) == REELS_OK;
    reels_records_free(other.list);
    EXPECT_OR_0(held);
    return 1;
}

static void a_lost_claim_is_stale(struct run *run)
{
    with_list(run, expiry_body);
}

static int restart_body(struct run *run, struct claimed *claimed)
{
    TRY_OR_0(event_put(run, 1, "acked"));
    TRY_OR_0(claim(run, "a", SHORT_US, 10, claimed));
    EXPECT_OR_0(claimed->count == 1);
    uint64_t sequence = claimed->items[0].offset;
    EXPECT_OK_OR_0(ack(run, "a", claimed));
    TRY_OR_0(run_reopen(run));
    TRY_OR_0(suite_declare(run));
    TRY_OR_0(event_put(run, 1, "kept"));
    TRY_OR_0(run_reopen(run));
    TRY_OR_0(suite_declare(run));
    TRY_OR_0(claim(run, "a", SHORT_US, 10, claimed));
    EXPECT_OR_0(claimed->count == 1 && payload_is(&claimed->items[0], "kept"));
    EXPECT_OR_0(claimed->items[0].offset == sequence + 1);
    return 1;
}

static void the_outbox_survives_a_restart(struct run *run)
{
    with_list(run, restart_body);
}

static int crash_body(struct run *run, struct claimed *claimed)
{
    TRY_OR_0(event_put(run, 1, "one"));
    TRY_OR_0(event_put(run, 1, "two"));
    TRY_OR_0(claim(run, "a", LONG_US, 1, claimed));
    EXPECT_OR_0(claimed->count == 1);
    uint64_t sequence = claimed->items[0].offset;
    EXPECT_OK_OR_0(ack(run, "a", claimed));
    TRY_OR_0(run_crash(run));
    TRY_OR_0(suite_declare(run));
    TRY_OR_0(claim(run, "a", LONG_US, 10, claimed));
    EXPECT_OR_0(claimed->count == 1 && claimed->items[0].offset == sequence + 1);
    EXPECT_OR_0(payload_is(&claimed->items[0], "two"));
    return 1;
}

static void events_survive_a_power_cut(struct run *run)
{
    with_list(run, crash_body);
}

static int large_body(struct run *run, struct claimed *claimed)
{
    char *payload = malloc(REELS_EVENT_PAYLOAD_BYTES_MAX + 1);
    EXPECT_OR_0(payload != NULL);
    memset(payload, 'p', REELS_EVENT_PAYLOAD_BYTES_MAX);
    payload[REELS_EVENT_PAYLOAD_BYTES_MAX] = '\0';
    int held = event_put(run, 1, payload) && claim(run, "a", LONG_US, 10, claimed) &&
               claimed->count == 1 && payload_is(&claimed->items[0], payload);
    free(payload);
    EXPECT_OR_0(held);
    return 1;
}

static void an_event_of_the_largest_size_is_kept(struct run *run)
{
    with_list(run, large_body);
}

/* ---- leases ---- */

static reels_status acquire(
    struct run *run, const char *name, const char *holder, int64_t duration_us, uint64_t *out_fence)
{
    return reels_catalog_lease_acquire(
        run->port, NULL, name, holder, duration_us, out_fence, &run->err);
}

static reels_status renew(struct run *run, const char *name, uint64_t fence, int64_t duration_us)
{
    return reels_catalog_lease_renew(run->port, NULL, name, fence, duration_us, &run->err);
}

static reels_status release(struct run *run, const char *name, uint64_t fence)
{
    return reels_catalog_lease_release(run->port, NULL, name, fence, &run->err);
}

static void a_lease_has_one_holder(struct run *run)
{
    uint64_t first = 0;
    uint64_t second = 0;
    uint64_t third = 0;
    EXPECT_OK(acquire(run, "l", "a", LONG_US, &first));
    EXPECT(acquire(run, "l", "b", LONG_US, &second) == REELS_ERR_BUSY);
    EXPECT_OK(acquire(run, "other", "b", LONG_US, &second));
    EXPECT_OK(renew(run, "l", first, LONG_US));
    EXPECT(renew(run, "l", first + 1, LONG_US) == REELS_ERR_STALE);
    EXPECT(renew(run, "nothing", 1, LONG_US) == REELS_ERR_STALE);
    /* The same holder again: a new fence, and the old one is over. */
    EXPECT_OK(acquire(run, "l", "a", LONG_US, &second));
    EXPECT(second > first);
    EXPECT(renew(run, "l", first, LONG_US) == REELS_ERR_STALE);
    EXPECT_OK(release(run, "l", first)); /* not its own any more: changes nothing */
    EXPECT(acquire(run, "l", "b", LONG_US, &third) == REELS_ERR_BUSY);
    EXPECT_OK(release(run, "l", second));
    EXPECT(renew(run, "l", second, LONG_US) == REELS_ERR_STALE);
    EXPECT_OK(acquire(run, "l", "b", LONG_US, &third));
    EXPECT(third > second);
    EXPECT_OK(release(run, "l", second));
    EXPECT_OK(renew(run, "l", third, LONG_US));
}

static void a_lease_expires(struct run *run)
{
    uint64_t first = 0;
    uint64_t second = 0;
    EXPECT_OK(acquire(run, "l", "a", SHORT_US, &first));
    TRY(run_advance(run, SHORT_US));
    EXPECT(renew(run, "l", first, LONG_US) == REELS_ERR_STALE);
    EXPECT_OK(acquire(run, "l", "b", LONG_US, &second));
    EXPECT(second > first);
    EXPECT(renew(run, "l", first, LONG_US) == REELS_ERR_STALE);
}

static void fences_never_begin_again(struct run *run)
{
    uint64_t first = 0;
    uint64_t second = 0;
    EXPECT_OK(acquire(run, "l", "a", LONG_US, &first));
    EXPECT_OK(acquire(run, "l", "a", LONG_US, &first));
    EXPECT_OK(release(run, "l", first));
    TRY(run_reopen(run));
    EXPECT_OK(acquire(run, "l", "b", LONG_US, &second));
    EXPECT(second > first);
    TRY(run_reopen(run));
    EXPECT(acquire(run, "l", "a", LONG_US, &first) == REELS_ERR_BUSY);
    EXPECT_OK(renew(run, "l", second, LONG_US));
    TRY(run_crash(run));
    EXPECT_OK(renew(run, "l", second, LONG_US));
}

const struct run_case suite_outbox_cases[] = {
    {"events are handed out in the order of their commits", events_are_handed_out_in_order},
    {"a commit without effect publishes nothing", a_commit_without_effect_publishes_nothing},
    {"sequences grow by one per shard", sequences_grow_by_one_per_shard},
    {"nobody else gets events of a claimed shard", claims_of_a_shard_are_exclusive},
    {"a claim that was lost is stale", a_lost_claim_is_stale},
    {"the outbox survives a restart", the_outbox_survives_a_restart},
    {"events survive a power cut", events_survive_a_power_cut},
    {"an event of the largest size is kept", an_event_of_the_largest_size_is_kept},
    {"a lease has one holder", a_lease_has_one_holder},
    {"a lease expires", a_lease_expires},
    {"fences never begin again", fences_never_begin_again},
};
const size_t suite_outbox_cases_count = COUNT_OF(suite_outbox_cases);
