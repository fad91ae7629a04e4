/* Owns hashes and sorted sets of the cache in memory: sorted arrays of pointers, so that reading a
 * stretch is a walk and a member moves by moving pointers. */
#include <string.h>

#include "backend/cache_mem.h"
#include "backend/record_internal.h"
#include "base/error.h"
#include "base/mem.h"

enum {
    /* What a member costs beside its bytes: block header, two pointers, a slot of the map and its
     * key. */
    MEMBER_OVERHEAD_BYTES = 112,
    FIELD_OVERHEAD_BYTES = 48
};

static int bytes_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

void reels__cache_content_free(reels_ctx *ctx, struct reels__cache_entry *entry)
{
    for (size_t i = 0; entry->fields != NULL && i < entry->count; i++) {
        reels__mem_free(ctx, entry->fields[i]);
    }
    for (size_t i = 0; entry->members != NULL && i < entry->count; i++) {
        reels__mem_free(ctx, entry->members[i]);
    }
    reels__map_bytes_dispose(&entry->by_member);
    reels__mem_free(ctx, entry->value);
    reels__mem_free(ctx, entry->fields);
    reels__mem_free(ctx, entry->members);
    memset(&entry->by_member, 0, sizeof entry->by_member);
    entry->value = NULL;
    entry->value_len = 0;
    entry->fields = NULL;
    entry->members = NULL;
    entry->count = 0;
    entry->capacity = 0;
}

/* Position of the first field that is not below; *out_there says whether it is the field itself. */
static size_t field_position(const struct reels__cache_entry *entry,
                             const uint8_t *field,
                             size_t field_len,
                             int *out_there)
{
    size_t low = 0;
    size_t high = entry->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct reels__cache_field *it = entry->fields[middle];
        if (bytes_compare(it->bytes, it->field_len, field, field_len) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_there =
        low < entry->count &&
        bytes_compare(entry->fields[low]->bytes, entry->fields[low]->field_len, field, field_len) ==
            0;
    return low;
}

static size_t field_bytes(const struct reels__cache_field *field)
{
    return sizeof *field + FIELD_OVERHEAD_BYTES + field->field_len + field->value_len;
}

reels_status reels__cache_field_put(struct reels__cache_shard *shard,
                                    struct reels__cache_entry *entry,
                                    const reels_cache_field *field,
                                    reels_error *err)
{
    int there = 0;
    size_t at = field_position(entry, field->field, field->field_len, &there);
    struct reels__cache_field *made =
        reels__mem_alloc(shard->ctx, sizeof *made + field->field_len + field->value_len);
    if (made == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "cache: no memory");
    }
    made->field_len = field->field_len;
    made->value_len = field->value_len;
    memcpy(made->bytes, field->field, field->field_len);
    if (field->value_len > 0) {
        memcpy(made->bytes + field->field_len, field->value, field->value_len);
    }
    if (there) {
        struct reels__cache_field *old = entry->fields[at];
        entry->fields[at] = made;
        reels__cache_count(shard, entry, field_bytes(made), field_bytes(old));
        reels__mem_free(shard->ctx, old);
        return REELS_OK;
    }
    void *fields = entry->fields;
    reels_status status = reels__array_reserve(shard->ctx,
                                               &fields,
                                               &entry->capacity,
                                               entry->count + 1,
                                               sizeof(struct reels__cache_field *),
                                               err);
    if (status < 0) {
        reels__mem_free(shard->ctx, made);
        return status;
    }
    entry->fields = fields;
    memmove(entry->fields + at + 1,
            entry->fields + at,
            (entry->count - at) * sizeof(struct reels__cache_field *));
    entry->fields[at] = made;
    entry->count++;
    reels__cache_count(shard, entry, field_bytes(made), 0);
    return REELS_OK;
}

const struct reels__cache_field *reels__cache_field_get(const struct reels__cache_entry *entry,
                                                        const reels_cache_name *field)
{
    int there = 0;
    size_t at = field_position(entry, field->data, field->len, &there);
    return there ? entry->fields[at] : NULL;
}

static int member_compare(const struct reels__cache_member *member,
                          double score,
                          const uint8_t *bytes,
                          size_t len)
{
    if (member->score < score) {
        return -1;
    }
    if (member->score > score) {
        return 1;
    }
    return bytes_compare(member->bytes, member->len, bytes, len);
}

/* Position of the first member that is not below. */
static size_t member_position(const struct reels__cache_entry *entry,
                              double score,
                              const uint8_t *bytes,
                              size_t len)
{
    size_t low = 0;
    size_t high = entry->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (member_compare(entry->members[middle], score, bytes, len) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static size_t member_bytes(const struct reels__cache_member *member)
{
    return sizeof *member + MEMBER_OVERHEAD_BYTES + 2 * member->len;
}

/* Takes the pointer out of the order; the member lives on. */
static void member_unlink(struct reels__cache_entry *entry,
                          const struct reels__cache_member *member)
{
    size_t at = member_position(entry, member->score, member->bytes, member->len);
    entry->count--;
    memmove(entry->members + at,
            entry->members + at + 1,
            (entry->count - at) * sizeof(struct reels__cache_member *));
}

/* There is room. */
static void member_link(struct reels__cache_entry *entry, struct reels__cache_member *member)
{
    size_t at = member_position(entry, member->score, member->bytes, member->len);
    memmove(entry->members + at + 1,
            entry->members + at,
            (entry->count - at) * sizeof(struct reels__cache_member *));
    entry->members[at] = member;
    entry->count++;
}

static reels_status member_add(struct reels__cache_shard *shard,
                               struct reels__cache_entry *entry,
                               const reels_cache_member *member,
                               reels_error *err)
{
    void *members = entry->members;
    REELS_TRY(reels__array_reserve(shard->ctx,
                                   &members,
                                   &entry->capacity,
                                   entry->count + 1,
                                   sizeof(struct reels__cache_member *),
                                   err));
    entry->members = members;
    struct reels__cache_member *made =
        reels__mem_alloc(shard->ctx, sizeof *made + member->member_len);
    if (made == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "cache: no memory");
    }
    made->score = member->score;
    made->len = member->member_len;
    memcpy(made->bytes, member->member, member->member_len);
    reels_status status = reels__map_bytes_put(
        &entry->by_member, member->member, member->member_len, made, NULL, err);
    if (status < 0) {
        reels__mem_free(shard->ctx, made);
        return status;
    }
    member_link(entry, made);
    reels__cache_count(shard, entry, member_bytes(made), 0);
    return REELS_OK;
}

reels_status reels__cache_member_put(struct reels__cache_shard *shard,
                                     struct reels__cache_entry *entry,
                                     const reels_cache_member *member,
                                     reels_error *err)
{
    struct reels__cache_member *known =
        reels__map_bytes_get(&entry->by_member, member->member, member->member_len);
    if (known == NULL) {
        return member_add(shard, entry, member, err);
    }
    member_unlink(entry, known);
    known->score = member->score;
    member_link(entry, known);
    return REELS_OK;
}

static void member_drop(struct reels__cache_shard *shard,
                        struct reels__cache_entry *entry,
                        struct reels__cache_member *member)
{
    reels__cache_count(shard, entry, 0, member_bytes(member));
    (void)reels__map_bytes_remove(&entry->by_member, member->bytes, member->len);
    reels__mem_free(shard->ctx, member);
}

void reels__cache_member_remove(struct reels__cache_shard *shard,
                                struct reels__cache_entry *entry,
                                const reels_cache_name *member)
{
    struct reels__cache_member *known =
        reels__map_bytes_get(&entry->by_member, member->data, member->len);
    if (known != NULL) {
        member_unlink(entry, known);
        member_drop(shard, entry, known);
    }
}

void reels__cache_members_keep(struct reels__cache_shard *shard,
                               struct reels__cache_entry *entry,
                               size_t keep_count)
{
    if (entry->count <= keep_count) {
        return;
    }
    size_t gone = entry->count - keep_count;
    for (size_t i = 0; i < gone; i++) {
        member_drop(shard, entry, entry->members[i]);
    }
    memmove(
        entry->members, entry->members + gone, keep_count * sizeof(struct reels__cache_member *));
    entry->count = keep_count;
}
