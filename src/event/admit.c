/* Owns the rules by which a client's event is admitted. They bound what one event can claim, so
 * that a wrong clock or a forged event cannot distort a counter beyond what watching could have
 * done. */
#include "base/ctx_internal.h"
#include "base/error.h"
#include "event_internal.h"

enum {
    US_PER_S = 1000000,
    VIEW_US = 3 * US_PER_S,      /* what counts as a view */
    END_SLACK_US = US_PER_S / 2, /* players stop a little before the end */
    WATCH_US_MAX = 60 * US_PER_S /* of one report: clients report at least that often */
};

/* A day: far above any limit on durations that a host sets. */
#define POSITION_US_MAX INT64_C(86400000000)

static reels_status admit_amounts(const reels_event *event, reels_error *err)
{
    REELS_REQUIRE(event->watch_us >= 0 && event->watch_us <= WATCH_US_MAX,
                  err,
                  "watch_us must be 0..60000000: report at least once a minute");
    REELS_REQUIRE(event->position_us >= 0 && event->position_us <= POSITION_US_MAX,
                  err,
                  "position_us must be 0..86400000000");
    REELS_REQUIRE(event->duration_us >= 0, err, "duration_us must not be negative");
    return REELS_OK;
}

static reels_status admit_milestone(const reels_event *event, reels_error *err)
{
    int64_t end = event->duration_us > END_SLACK_US ? event->duration_us - END_SLACK_US : 0;
    int known = event->duration_us > 0;
    if (event->type == REELS_EVENT_VIEW) {
        int64_t needed = known && end < VIEW_US ? end : VIEW_US;
        REELS_REQUIRE(event->position_us >= needed || event->watch_us >= needed,
                      err,
                      "view needs 3 s of watching, or the end of a shorter reel");
    }
    if (event->type == REELS_EVENT_COMPLETE && known) {
        REELS_REQUIRE(event->position_us >= end,
                      err,
                      "complete needs a position within half a second of the end");
    }
    return REELS_OK;
}

reels_status reels_event_admit(const reels_event *event, int64_t now_unix_us, reels_error *err)
{
    reels_event full;
    REELS_REQUIRE(event != NULL, err, "event is NULL");
    REELS_TRY(reels__options_read(event, sizeof(full), &full, sizeof(full), "event", err));
    const struct reels__event_kind *kind = reels__event_kind_find(full.type);
    REELS_REQUIRE(kind != NULL, err, "type is unknown");
    if ((kind->flags & REELS__EVENT_BY_CLIENT) == 0) {
        return reels__fail(err, REELS_ERR_DENIED, "%s is not reported by clients", kind->name);
    }
    REELS_REQUIRE(
        full.reel_id > 0 && full.reel_id <= INT64_MAX, err, "reel_id must be a 63-bit ID");
    REELS_REQUIRE(
        full.person_id > 0 && full.person_id <= INT64_MAX, err, "person_id must be a 63-bit ID");
    REELS_REQUIRE(full.source != 0, err, "source (the session) must not be 0");
    REELS_REQUIRE(full.sequence != 0, err, "sequence must not be 0: numbers begin at 1");
    REELS_REQUIRE(full.client_time_unix_us >= 0, err, "client_time_unix_us must not be negative");
    REELS_REQUIRE(now_unix_us > 0, err, "now_unix_us must be a time");
    REELS_TRY(admit_amounts(&full, err));
    return admit_milestone(&full, err);
}
