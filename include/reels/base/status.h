/* Owns the status numbers, the error detail and the version. Numbers are pinned: none is ever
 * changed or used again. */
#ifndef REELS_BASE_STATUS_H
#define REELS_BASE_STATUS_H

#include <reels/base/api.h>

REELS_BEGIN_DECLS

/**
 * What every fallible function returns: 0 is success, negative a failure, REELS_END the end of an
 * iteration.
 */
typedef int32_t reels_status;

enum {
    REELS_OK = 0,
    REELS_END = 1,                   /**< iteration finished; the only positive value */
    REELS_ERR_INVALID_ARG = -1,      /**< the caller broke the documented contract */
    REELS_ERR_NO_MEMORY = -2,        /**< the allocator refused */
    REELS_ERR_NOT_FOUND = -3,        /**< no such thing */
    REELS_ERR_EXISTS = -4,           /**< it is there already, and differs */
    REELS_ERR_BUFFER_TOO_SMALL = -5, /**< the needed size was written to out_len */
    REELS_ERR_UNSUPPORTED = -6,      /**< this build, backend or input kind cannot do it */
    REELS_ERR_LIMIT = -7,            /**< a stated limit was reached */
    REELS_ERR_CORRUPT = -8,  /**< bytes that are not what they claim to be, or a checksum differs */
    REELS_ERR_IO = -9,       /**< disk or network failed; sys_errno tells more */
    REELS_ERR_TIMEOUT = -10, /**< the deadline of the call passed */
    REELS_ERR_CANCELLED = -11, /**< the cancel flag of the call was raised */
    REELS_ERR_BUSY = -12,      /**< somebody else holds it now; trying again later may work */
    REELS_ERR_CONFLICT = -13,  /**< a condition of the write did not hold */
    REELS_ERR_STATE = -14,     /**< not legal in the object's present state */
    REELS_ERR_HOST = -15, /**< a function given by the host failed; host_code is its own number */
    REELS_ERR_INTERNAL = -16, /**< a broken invariant: only the free function may still be called */
    REELS_ERR_STALE = -17,    /**< fenced: somebody with a newer epoch or lease took over */
    REELS_ERR_DENIED = -18,   /**< the person may not do this */
    REELS_ERR_ENCRYPTED = -19 /**< the media is encrypted and no key is known */
};

enum {
    REELS_ERROR_RETRIABLE = 1, /**< the same call may succeed later without any change */
    REELS_ERROR_FATAL = 2      /**< the object is dead: only its free function may be called */
};

/** Detail of a failure. Owned by the caller, written on failure only, never allocated. */
typedef struct reels_error {
    uint32_t struct_size; /**< sizeof(reels_error), set by the caller */
    int32_t status;       /**< the value that was returned */
    int32_t sys_errno;    /**< the errno behind it, or 0 */
    uint32_t flags;       /**< REELS_ERROR_* */
    int64_t host_code;    /**< chosen by a host function, passed through */
    char message[232];    /**< UTF-8, always terminated; names the argument and the limit, holds no
                             secret */
} reels_error;

/**
 * Gives the name of a status, such as "NOT_FOUND".
 *
 * @param status  any number, known or not
 * @return a static string; "UNKNOWN" for a number that is not a status
 * @ownership     the string is static
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API const char *reels_status_name(reels_status status);

/**
 * Gives one sentence about a status, fit to be shown where no reels_error is at hand.
 *
 * @param status  any number, known or not
 * @return a static string
 * @ownership     the string is static
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API const char *reels_status_text(reels_status status);

/**
 * Fills a reels_error from a host's own function, so that hosts need no knowledge of its layout.
 *
 * @param err        detail to fill; NULL does nothing
 * @param status     the status that will be returned
 * @param host_code  the host's own number, or 0
 * @param message    NUL-terminated UTF-8; cut to fit at a character boundary
 * @return status, so that a host can write `return reels_error_set(...)`
 * @ownership     message is borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_error_set(reels_error *err,
                                       reels_status status,
                                       int64_t host_code,
                                       const char *message);

/**
 * Gives the version of the library that is loaded, as major * 1000000 + minor * 1000 + patch.
 *
 * @return the version number
 * @ownership     none
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API uint32_t reels_version(void);

/**
 * Gives the version of the library that is loaded as text, such as "0.1.0".
 *
 * @return a static string
 * @ownership     the string is static
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API const char *reels_version_text(void);

/**
 * Tells whether this build holds an optional part.
 *
 * @param feature  "media" (libav is linked), or another name; unknown names give 0
 * @return 1 when it is there, 0 otherwise
 * @ownership     feature is borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API int32_t reels_has_feature(const char *feature);

REELS_END_DECLS

#endif
