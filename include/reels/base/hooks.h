/* Owns the tables through which a host gives a context its own allocator, log, metrics, trace,
 * clock, random source, file system and executor. Every table starts with struct_size, is copied by
 * reels_ctx_new(), and is called with the `user` it carries. A NULL slot means the default. */
#ifndef REELS_BASE_HOOKS_H
#define REELS_BASE_HOOKS_H

#include <reels/base/status.h>

REELS_BEGIN_DECLS

/**
 * Memory of the library itself; libav, SQLite and zstd keep theirs. Called from any thread, calls
 * overlap, must not call back.
 */
typedef struct reels_allocator {
    uint32_t struct_size;
    uint32_t reserved0;
    void *user;
    /** must; align is a power of two; NULL = refused */
    void *(*alloc)(void *user, size_t size, size_t align);
    /** must; NULL = refused, old stays */
    void *(*realloc)(void *user, void *old, size_t old_size, size_t new_size, size_t align);
    /** must; ptr is not NULL; size as it was allocated */
    void (*free)(void *user, void *ptr, size_t size);
} reels_allocator;

enum {
    REELS_LOG_ERROR = 1,
    REELS_LOG_WARN = 2,
    REELS_LOG_INFO = 3,
    REELS_LOG_DEBUG = 4
};

/**
 * Finished log text: UTF-8 without a newline. Called from any thread that is inside a call; must
 * not call back.
 */
typedef struct reels_log {
    uint32_t struct_size;
    int32_t level_max; /**< nothing above it is formatted; 0 = REELS_LOG_INFO */
    void *user;
    /** NULL = silent */
    void (*write)(void *user, int32_t level, const char *message, size_t message_len);
} reels_log;

enum {
    REELS_METRIC_COUNTER = 1,  /**< values are added */
    REELS_METRIC_GAUGE = 2,    /**< the last value stands */
    REELS_METRIC_HISTOGRAM = 3 /**< values are observed, in the unit of the name */
};

/** Describes one metric. Static in the library: the pointer identifies it for ever. */
typedef struct reels_metric {
    const char *name;  /**< snake case with the unit last, such as "reels_transcode_duration_us" */
    const char *help;  /**< one sentence */
    const char *label; /**< name of the one label, or NULL */
    uint32_t kind;     /**< REELS_METRIC_* */
    uint32_t reserved0;
} reels_metric;

/**
 * Where measurements go. Called from any thread, calls overlap; must be quick and not call back.
 */
typedef struct reels_metrics {
    uint32_t struct_size;
    uint32_t reserved0;
    void *user;
    /** NULL = none; label_value is NULL without a label */
    void (*record)(void *user, const reels_metric *metric, const char *label_value, int64_t value);
} reels_metrics;

/** Spans of work. Called from any thread, calls overlap; must be quick and not call back. */
typedef struct reels_trace {
    uint32_t struct_size;
    uint32_t reserved0;
    void *user;
    /** gives a span number, 0 = not traced; NULL = none */
    uint64_t (*begin)(void *user, uint64_t parent_span, const char *name);
    void (*end)(void *user, uint64_t span, reels_status status);
} reels_trace;

/** Time. Called from any thread, calls overlap; must not call back. */
typedef struct reels_clock {
    uint32_t struct_size;
    uint32_t reserved0;
    void *user;
    int64_t (*wall_unix_us)(void *user); /**< microseconds since 1970, may step */
    int64_t (*mono_us)(void *user);      /**< microseconds, never steps back */
    /** waits without burning a core; a simulated clock advances instead */
    void (*sleep_us)(void *user, int64_t duration_us);
} reels_clock;

/** Unpredictable bytes: tokens, pseudonyms, generations. Called from any thread, calls overlap. */
typedef struct reels_random {
    uint32_t struct_size;
    uint32_t reserved0;
    void *user;
    reels_status (*fill)(void *user, uint8_t *data, size_t len); /**< fills all or fails */
} reels_random;

enum {
    REELS_FS_READ = 1,
    REELS_FS_WRITE = 2,
    REELS_FS_CREATE = 4,    /**< made when missing */
    REELS_FS_EXCLUSIVE = 8, /**< with CREATE: EXISTS when it is there */
    REELS_FS_TRUNCATE = 16
};

enum {
    REELS_FS_KIND_FILE = 1,
    REELS_FS_KIND_DIRECTORY = 2,
    REELS_FS_KIND_OTHER = 3
};

/** What stat and list tell of an entry. */
typedef struct reels_fs_info {
    uint64_t size_bytes;
    int64_t modified_unix_us;
    uint32_t kind; /**< REELS_FS_KIND_* */
    uint32_t reserved0;
} reels_fs_info;

/** Called by list for each entry; another status than REELS_OK ends the listing with it. */
typedef reels_status (*reels_fs_entry_fn)(void *user, const char *name, const reels_fs_info *info);

/**
 * Everything that touches disk goes through this table, SQLite's files too. Paths are
 * NUL-terminated UTF-8. Calls come from any thread and overlap; calls on one file overlap only for
 * read_at and write_at on different ranges. All slots may block, none may call back. `sys_errno`
 * may be set in err.
 */
typedef struct reels_fs {
    uint32_t struct_size;
    uint32_t reserved0;
    void *user;
    /** NOT_FOUND, EXISTS, IO */
    reels_status (*open)(
        void *user, const char *path, uint32_t flags, void **out_file, reels_error *err);
    void (*close)(void *user, void *file);
    /** short only at the end of the file */
    reels_status (*read_at)(void *user,
                            void *file,
                            uint64_t offset,
                            uint8_t *data,
                            size_t len,
                            size_t *out_len,
                            reels_error *err);
    /** all or failure */
    reels_status (*write_at)(
        void *user, void *file, uint64_t offset, const uint8_t *data, size_t len, reels_error *err);
    /** data and size are durable on return */
    reels_status (*sync)(void *user, void *file, reels_error *err);
    reels_status (*truncate)(void *user, void *file, uint64_t size_bytes, reels_error *err);
    reels_status (*file_info)(void *user, void *file, reels_fs_info *out_info, reels_error *err);
    /** exclusive against other processes and other opens until close; BUSY when taken */
    reels_status (*lock)(void *user, void *file, reels_error *err);
    /** read-only map; may be NULL: files are then read into memory */
    reels_status (*map)(
        void *user, void *file, uint64_t size_bytes, const uint8_t **out_data, reels_error *err);
    void (*unmap)(void *user, const uint8_t *data, uint64_t size_bytes);
    /** NOT_FOUND; symbolic links are OTHER */
    reels_status (*info)(void *user, const char *path, reels_fs_info *out_info, reels_error *err);
    /** replaces atomically */
    reels_status (*rename)(void *user, const char *from, const char *to, reels_error *err);
    /** second name; EXISTS when `to` is there; may be NULL */
    reels_status (*link)(void *user, const char *from, const char *to, reels_error *err);
    /** a file or an empty directory; NOT_FOUND */
    reels_status (*remove)(void *user, const char *path, reels_error *err);
    /** EXISTS when it is there */
    reels_status (*make_dir)(void *user, const char *path, reels_error *err);
    /** names in it are durable on return */
    reels_status (*sync_dir)(void *user, const char *path, reels_error *err);
    /** any order, without "." and ".." */
    reels_status (*list)(
        void *user, const char *path, reels_fs_entry_fn entry, void *entry_user, reels_error *err);
} reels_fs;

/** A piece of work for an executor. */
typedef void (*reels_task_fn)(void *arg);

/**
 * The host's own threads, in place of threads the library would start when asked for. Tasks may run
 * on any thread, also inside submit.
 */
typedef struct reels_executor {
    uint32_t struct_size;
    uint32_t threads_count; /**< how many tasks may run at once */
    void *user;
    /** BUSY when full: the work is done on the calling thread */
    reels_status (*submit)(void *user, reels_task_fn task, void *arg, uint64_t *out_ticket);
    /** returns when that task has returned; may run other tasks meanwhile */
    void (*wait)(void *user, uint64_t ticket);
} reels_executor;

REELS_END_DECLS

#endif
