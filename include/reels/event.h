/* Owns the vocabulary of what happens: typed events, their encoding (the proto3 message Event of
 * reels/event.proto, which is installed), the topics they travel on and the rules by which a
 * client's events are admitted. An event is one flat record; fields that a type does not use are
 * zero. */
#ifndef REELS_EVENT_H
#define REELS_EVENT_H

#include <reels/backend.h>

REELS_BEGIN_DECLS

enum {
    /* The life of a reel, topic "reel". */
    REELS_EVENT_REEL_UPLOADED = 1,
    REELS_EVENT_REEL_READY = 2,
    REELS_EVENT_REEL_FAILED = 3,
    REELS_EVENT_REEL_CHANGED =
        4, /**< visibility or state changed (blocked, held, restored): look at the row */
    REELS_EVENT_REEL_DELETED = 5,
    /* Relations, written through the catalog with the row that makes them unique. */
    REELS_EVENT_LIKE = 16,
    REELS_EVENT_UNLIKE = 17,
    REELS_EVENT_SAVE = 18,
    REELS_EVENT_UNSAVE = 19,
    REELS_EVENT_FOLLOW = 20, /**< target_id is the person followed */
    REELS_EVENT_UNFOLLOW = 21,
    REELS_EVENT_MUTE = 22,
    REELS_EVENT_UNMUTE = 23,
    REELS_EVENT_BLOCK = 24,
    REELS_EVENT_UNBLOCK = 25,
    REELS_EVENT_COMMENT = 26, /**< target_id is the comment */
    REELS_EVENT_COMMENT_REMOVED = 27,
    /* What a viewer's client reports. */
    REELS_EVENT_IMPRESSION = 48, /**< it was on screen: enough not to be shown again */
    REELS_EVENT_WATCH = 49, /**< watch_us more of watching since the last report of this playback */
    REELS_EVENT_VIEW = 50,  /**< this playback passed 3 s, or the end of a shorter reel */
    REELS_EVENT_COMPLETE = 51, /**< this playback reached the end */
    REELS_EVENT_REPLAY = 52,   /**< it looped and went on */
    REELS_EVENT_SKIP = 53,     /**< left before 3 s */
    REELS_EVENT_SHARE = 54,
    REELS_EVENT_REPORT = 55,
    REELS_EVENT_NOT_INTERESTED = 56
};

enum {
    REELS_TOPIC_REEL = 1, /**< "reel": the life of reels, keyed by reel */
    REELS_TOPIC_ENGAGE =
        2, /**< "engage": what counts for reels and persons, keyed by what it counts for */
    REELS_TOPIC_PERSON = 4 /**< "person": what describes viewers, keyed by person */
};

/** One event. */
typedef struct reels_event {
    uint32_t struct_size;
    uint32_t type; /**< REELS_EVENT_* */
    uint64_t reel_id;
    uint64_t person_id;  /**< who did it: the pseudonym, see reels_platform */
    uint64_t creator_id; /**< whose reel it is */
    uint64_t target_id;  /**< person followed, muted, blocked; comment */
    uint64_t
        source; /**< who numbered the event: the client's session, or a hash of the outbox shard */
    uint64_t sequence; /**< grows by one per source; with it a repeat is known. 0 = not numbered */
    int64_t time_unix_us;        /**< server time; the only one that counts */
    int64_t client_time_unix_us; /**< what the client claimed; informative */
    int64_t watch_us;
    int64_t position_us;
    int64_t duration_us; /**< of the reel */
    uint64_t playback;   /**< numbers the playbacks of a session: the client reports each milestone
                              once for each */
    uint32_t generation; /**< REEL events */
    uint32_t revision;   /**< REEL events */
    char region[8];      /**< as the host told; NUL-terminated, may be empty */
    char reason[64];     /**< REEL_FAILED, REPORT: short machine-readable word; NUL-terminated */
} reels_event;

/**
 * Encodes an event as the proto3 message Event, appended to a buffer.
 *
 * @param      event  event
 * @param      buf    the bytes are appended
 * @param[out] err    detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for an unknown type; REELS_ERR_LIMIT; REELS_ERR_NO_MEMORY
 * @ownership     borrowed for the call
 * @threadsafety  any thread; buf one thread at a time
 * @since 0.1
 */
REELS_API reels_status reels_event_encode(const reels_event *event,
                                          reels_buf *buf,
                                          reels_error *err);

/**
 * Decodes an event. Unknown fields are skipped, so that newer writers can be read.
 *
 * @param      data   bytes of one message
 * @param      len    how many, up to 4096
 * @param[out] out    filled up to out->struct_size
 * @param[out] err    detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_CORRUPT; REELS_ERR_INVALID_ARG
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_event_decode(const uint8_t *data,
                                          size_t len,
                                          reels_event *out,
                                          reels_error *err);

/**
 * Tells on which topics a type travels.
 *
 * @param type  REELS_EVENT_*
 * @return REELS_TOPIC_* bits; 0 for an unknown type
 * @ownership     none
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API uint32_t reels_event_topics(uint32_t type);

/**
 * Gives the name of a topic: "reel", "engage" or "person".
 *
 * @param topic  one REELS_TOPIC_* bit
 * @return a static string, or NULL
 * @ownership     the string is static
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API const char *reels_event_topic_name(uint32_t topic);

/**
 * Gives the number that keys an event on a topic: its 8 little-endian bytes are the record's key.
 *
 * @param event  event
 * @param topic  one REELS_TOPIC_* bit
 * @return reel, person or target ID; 0 when the event does not travel there
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API uint64_t reels_event_key(const reels_event *event, uint32_t topic);

/**
 * Gives the name of a type, such as "like", as used in JSON.
 *
 * @param type  REELS_EVENT_*
 * @return a static string; NULL for an unknown type
 * @ownership     the string is static
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API const char *reels_event_type_name(uint32_t type);

/**
 * Finds a type by its name.
 *
 * @param name  as given by reels_event_type_name()
 * @return REELS_EVENT_*; 0 when there is none
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API uint32_t reels_event_type_by_name(const char *name);

/**
 * Says whether a client may send this event as it is: a type that clients report, a session and
 * sequence, times and amounts within reason (watch_us at most what can have passed; VIEW needs 3 s
 * or the end of a shorter reel; COMPLETE needs a position within half a second of the end).
 *
 * @param      event        as the client sent it
 * @param      now_unix_us  server time
 * @param[out] err          names the field and the rule; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG when it is refused; REELS_ERR_DENIED for a type that only
 * the library writes
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_event_admit(const reels_event *event,
                                         int64_t now_unix_us,
                                         reels_error *err);

REELS_END_DECLS

#endif
