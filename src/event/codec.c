/* Owns the encoding of events: the proto3 message Event of include/reels/event.proto. */
#include <string.h>

#include "base/compiler.h"
#include "base/ctx_internal.h"
#include "base/error.h"
#include "base/proto.h"
#include "event_internal.h"

/* Field numbers of event.proto. */
enum {
    FIELD_TYPE = 1,
    FIELD_REEL_ID = 2,
    FIELD_PERSON_ID = 3,
    FIELD_CREATOR_ID = 4,
    FIELD_TARGET_ID = 5,
    FIELD_SOURCE = 6,
    FIELD_SEQUENCE = 7,
    FIELD_TIME = 8,
    FIELD_CLIENT_TIME = 9,
    FIELD_WATCH = 10,
    FIELD_POSITION = 11,
    FIELD_DURATION = 12,
    FIELD_PLAYBACK = 13,
    FIELD_GENERATION = 14,
    FIELD_REVISION = 15,
    FIELD_REGION = 16,
    FIELD_REASON = 17
};

static reels_status put_ids(const reels_event *event, reels_buf *buf, reels_error *err)
{
    REELS_TRY(reels__proto_put_u64(buf, FIELD_TYPE, event->type, err));
    REELS_TRY(reels__proto_put_fixed64(buf, FIELD_REEL_ID, event->reel_id, err));
    REELS_TRY(reels__proto_put_fixed64(buf, FIELD_PERSON_ID, event->person_id, err));
    REELS_TRY(reels__proto_put_fixed64(buf, FIELD_CREATOR_ID, event->creator_id, err));
    REELS_TRY(reels__proto_put_fixed64(buf, FIELD_TARGET_ID, event->target_id, err));
    REELS_TRY(reels__proto_put_fixed64(buf, FIELD_SOURCE, event->source, err));
    return reels__proto_put_u64(buf, FIELD_SEQUENCE, event->sequence, err);
}

static reels_status put_amounts(const reels_event *event, reels_buf *buf, reels_error *err)
{
    REELS_TRY(reels__proto_put_i64(buf, FIELD_TIME, event->time_unix_us, err));
    REELS_TRY(reels__proto_put_i64(buf, FIELD_CLIENT_TIME, event->client_time_unix_us, err));
    REELS_TRY(reels__proto_put_i64(buf, FIELD_WATCH, event->watch_us, err));
    REELS_TRY(reels__proto_put_i64(buf, FIELD_POSITION, event->position_us, err));
    REELS_TRY(reels__proto_put_i64(buf, FIELD_DURATION, event->duration_us, err));
    REELS_TRY(reels__proto_put_u64(buf, FIELD_PLAYBACK, event->playback, err));
    REELS_TRY(reels__proto_put_u64(buf, FIELD_GENERATION, event->generation, err));
    REELS_TRY(reels__proto_put_u64(buf, FIELD_REVISION, event->revision, err));
    REELS_TRY(reels__proto_put_text(buf, FIELD_REGION, event->region, err));
    return reels__proto_put_text(buf, FIELD_REASON, event->reason, err);
}

reels_status reels_event_encode(const reels_event *event, reels_buf *buf, reels_error *err)
{
    reels_event full;
    REELS_REQUIRE(event != NULL && buf != NULL, err, "event and buf are needed");
    REELS_TRY(reels__options_read(event, sizeof(full), &full, sizeof(full), "event", err));
    REELS_REQUIRE(reels__event_kind_find(full.type) != NULL, err, "event->type is unknown");
    REELS_REQUIRE(memchr(full.region, '\0', sizeof(full.region)) != NULL,
                  err,
                  "event->region is not terminated");
    REELS_REQUIRE(memchr(full.reason, '\0', sizeof(full.reason)) != NULL,
                  err,
                  "event->reason is not terminated");
    REELS_TRY(put_ids(&full, buf, err));
    return put_amounts(&full, buf, err);
}

/* Copies a string field into a fixed array. */
static reels_status
get_text(const struct reels__proto_field *field, char *out, size_t capacity, reels_error *err)
{
    const char *text = NULL;
    size_t len = 0;
    REELS_TRY(reels__proto_text(field, &text, &len, err));
    if (len >= capacity || memchr(text, '\0', len) != NULL) {
        return reels__fail(err, REELS_ERR_CORRUPT, "event field %u is too long", field->number);
    }
    memset(out, 0, capacity);
    if (len > 0) {
        memcpy(out, text, len);
    }
    return REELS_OK;
}

static reels_status
get_field(const struct reels__proto_field *field, reels_event *event, reels_error *err)
{
    switch (field->number) {
    case FIELD_TYPE:
        return reels__proto_u32(field, &event->type, err);
    case FIELD_REEL_ID:
        return reels__proto_fixed64(field, &event->reel_id, err);
    case FIELD_PERSON_ID:
        return reels__proto_fixed64(field, &event->person_id, err);
    case FIELD_CREATOR_ID:
        return reels__proto_fixed64(field, &event->creator_id, err);
    case FIELD_TARGET_ID:
        return reels__proto_fixed64(field, &event->target_id, err);
    case FIELD_SOURCE:
        return reels__proto_fixed64(field, &event->source, err);
    case FIELD_SEQUENCE:
        return reels__proto_u64(field, &event->sequence, err);
    case FIELD_TIME:
        return reels__proto_i64(field, &event->time_unix_us, err);
    case FIELD_CLIENT_TIME:
        return reels__proto_i64(field, &event->client_time_unix_us, err);
    case FIELD_WATCH:
        return reels__proto_i64(field, &event->watch_us, err);
    case FIELD_POSITION:
        return reels__proto_i64(field, &event->position_us, err);
    case FIELD_DURATION:
        return reels__proto_i64(field, &event->duration_us, err);
    case FIELD_PLAYBACK:
        return reels__proto_u64(field, &event->playback, err);
    case FIELD_GENERATION:
        return reels__proto_u32(field, &event->generation, err);
    case FIELD_REVISION:
        return reels__proto_u32(field, &event->revision, err);
    case FIELD_REGION:
        return get_text(field, event->region, sizeof(event->region), err);
    case FIELD_REASON:
        return get_text(field, event->reason, sizeof(event->reason), err);
    default:
        return REELS_OK; /* a newer writer's */
    }
}

reels_status reels_event_decode(const uint8_t *data, size_t len, reels_event *out, reels_error *err)
{
    REELS_REQUIRE(out != NULL && (data != NULL || len == 0), err, "data and out are needed");
    if (len > REELS__EVENT_BYTES_MAX) {
        return reels__fail(err, REELS_ERR_CORRUPT, "an event has at most 4096 bytes");
    }
    reels_event event = {.struct_size = sizeof(event)};
    struct reels__proto_reader reader;
    struct reels__proto_field field;
    reels_status status = REELS_OK;
    reels__proto_reader_init(&reader, data, len);
    while ((status = reels__proto_next(&reader, &field, err)) == REELS_OK) {
        REELS_TRY(get_field(&field, &event, err));
    }
    REELS_TRY(status);
    if (event.type == 0) {
        return reels__fail(err, REELS_ERR_CORRUPT, "the event has no type");
    }
    return reels__result_write(out, sizeof(event), &event, sizeof(event), "out", err);
}
