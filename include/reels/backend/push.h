/* Owns the push port: notifications to devices, at least once. Without one, notifications stay in
 * the inbox and the local stream. */
#ifndef REELS_BACKEND_PUSH_H
#define REELS_BACKEND_PUSH_H

#include <reels/base.h>

REELS_BEGIN_DECLS

enum {
    REELS_PUSH_BATCH_MAX = 1000,
    REELS_PUSH_DEVICE_BYTES_MAX = 4096,
    REELS_PUSH_PAYLOAD_BYTES_MAX = 4096,
    REELS_PUSH_DEDUPE_BYTES_MAX = 64
};

enum {
    REELS_PUSH_SENT = 1, /**< handed over to the service */
    REELS_PUSH_GONE = 2, /**< the device is no more: drop it */
    REELS_PUSH_RETRY = 3 /**< not now: again after retry_after_us */
};

/** One notification to one device. */
typedef struct reels_push_item {
    const uint8_t *device; /**< as the device registered, in the form of the push service */
    size_t device_len;     /**< 1..4096 */
    const uint8_t *payload;
    size_t payload_len; /**< up to 4096 */
    const char *dedupe; /**< 1..64 bytes: what is sent twice under one key shows once */
    int64_t ttl_us;     /**< not worth delivering later */
    uint32_t urgent;    /**< 1: may wake the device */
    uint32_t reserved0;
} reels_push_item;

/** What became of one notification. */
typedef struct reels_push_result {
    int64_t retry_after_us; /**< with RETRY */
    int64_t host_code;      /**< the service's own number, or 0 */
    uint32_t outcome;       /**< REELS_PUSH_* */
    uint32_t reserved0;
} reels_push_result;

/** The push port. Slots may block, are called from any thread and overlap; none may call back. */
typedef struct reels_push_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    /** must; once, after a successful registration */
    void (*destroy)(void *impl);

    /** must. Writes one result per item on REELS_OK. A failure of the call means that any of them
     * may have been sent: all are sent again under the same keys. */
    reels_status (*send)(void *impl,
                         const reels_call *call,
                         const reels_push_item *items,
                         size_t items_count,
                         reels_push_result *out_results,
                         reels_error *err);
} reels_push_vtable;

/** A push service. @threadsafety internally locked */
typedef struct reels_push reels_push;

/**
 * Makes a push service from a host's table.
 *
 * @param      ctx     context
 * @param      vtable  copied
 * @param      impl    handed to every slot
 * @param[out] out     the push service, NULL on failure
 * @param[out] err     detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG when a must slot is missing; REELS_ERR_UNSUPPORTED for a
 * newer table; REELS_ERR_NO_MEMORY
 * @ownership     takes impl on success: destroy is called once by reels_push_free()
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_push_new(reels_ctx *ctx,
                                      const reels_push_vtable *vtable,
                                      void *impl,
                                      reels_push **out,
                                      reels_error *err);

/**
 * Opens a push service by URL, whose scheme an adapter has registered; none is embedded.
 *
 * @param      ctx  context
 * @param      url  scheme and rest
 * @param[out] out  the push service, NULL on failure
 * @param[out] err  detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for a malformed URL; REELS_ERR_UNSUPPORTED for an unknown
 * scheme; or what the adapter fails with
 * @ownership     the caller owns *out
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_push_open(reels_ctx *ctx,
                                       const char *url,
                                       reels_push **out,
                                       reels_error *err);

/**
 * Frees a push service.
 *
 * @param push  NULL does nothing
 * @ownership     takes push
 * @threadsafety  one thread, when no call uses it
 * @since 0.1
 */
REELS_API void reels_push_free(reels_push *push);

/**
 * Sends notifications.
 *
 * @param      push         push service
 * @param      call         deadline and cancel; may be NULL
 * @param      items        notifications
 * @param      items_count  0..REELS_PUSH_BATCH_MAX
 * @param[out] out_results  one per item
 * @param[out] err          detail on failure; may be NULL
 * @return REELS_OK when every result was written; REELS_ERR_INVALID_ARG; REELS_ERR_CORRUPT for an
 * outcome that is none; REELS_ERR_IO; REELS_ERR_TIMEOUT; REELS_ERR_CANCELLED; or what send returned
 * @ownership     borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_push_send(reels_push *push,
                                       const reels_call *call,
                                       const reels_push_item *items,
                                       size_t items_count,
                                       reels_push_result *out_results,
                                       reels_error *err);

REELS_END_DECLS

#endif
