/* Generated from include/reels by bindings/declarations; not to be edited. */

typedef int32_t reels_status;

enum {
    REELS_OK = 0,
    REELS_END = 1,
    REELS_ERR_INVALID_ARG = -1,
    REELS_ERR_NO_MEMORY = -2,
    REELS_ERR_NOT_FOUND = -3,
    REELS_ERR_EXISTS = -4,
    REELS_ERR_BUFFER_TOO_SMALL = -5,
    REELS_ERR_UNSUPPORTED = -6,
    REELS_ERR_LIMIT = -7,
    REELS_ERR_CORRUPT = -8,
    REELS_ERR_IO = -9,
    REELS_ERR_TIMEOUT = -10,
    REELS_ERR_CANCELLED = -11,
    REELS_ERR_BUSY = -12,
    REELS_ERR_CONFLICT = -13,
    REELS_ERR_STATE = -14,
    REELS_ERR_HOST = -15,
    REELS_ERR_INTERNAL = -16,
    REELS_ERR_STALE = -17,
    REELS_ERR_DENIED = -18,
    REELS_ERR_ENCRYPTED = -19
};

enum {
    REELS_ERROR_RETRIABLE = 1,
    REELS_ERROR_FATAL = 2
};

typedef struct reels_error {
    uint32_t struct_size;
    int32_t status;
    int32_t sys_errno;
    uint32_t flags;
    int64_t host_code;
    char message[232];
} reels_error;

const char *reels_status_name(reels_status status);

const char *reels_status_text(reels_status status);

reels_status reels_error_set(reels_error *err, reels_status status, int64_t host_code, const char *message);

uint32_t reels_version(void);

const char *reels_version_text(void);

int32_t reels_has_feature(const char *feature);

typedef struct reels_allocator {
    uint32_t struct_size;
    uint32_t reserved0;
    void *user;
    void *(*alloc)(void *user, size_t size, size_t align);
    void *(*realloc)(void *user, void *old, size_t old_size, size_t new_size, size_t align);
    void (*free)(void *user, void *ptr, size_t size);
} reels_allocator;

enum {
    REELS_LOG_ERROR = 1,
    REELS_LOG_WARN = 2,
    REELS_LOG_INFO = 3,
    REELS_LOG_DEBUG = 4
};

typedef struct reels_log {
    uint32_t struct_size;
    int32_t level_max;
    void *user;
    void (*write)(void *user, int32_t level, const char *message, size_t message_len);
} reels_log;

enum {
    REELS_METRIC_COUNTER = 1,
    REELS_METRIC_GAUGE = 2,
    REELS_METRIC_HISTOGRAM = 3
};

typedef struct reels_metric {
    const char *name;
    const char *help;
    const char *label;
    uint32_t kind;
    uint32_t reserved0;
} reels_metric;

typedef struct reels_metrics {
    uint32_t struct_size;
    uint32_t reserved0;
    void *user;
    void (*record)(void *user, const reels_metric *metric, const char *label_value, int64_t value);
} reels_metrics;

typedef struct reels_trace {
    uint32_t struct_size;
    uint32_t reserved0;
    void *user;
    uint64_t (*begin)(void *user, uint64_t parent_span, const char *name);
    void (*end)(void *user, uint64_t span, reels_status status);
} reels_trace;

typedef struct reels_clock {
    uint32_t struct_size;
    uint32_t reserved0;
    void *user;
    int64_t (*wall_unix_us)(void *user);
    int64_t (*mono_us)(void *user);
    void (*sleep_us)(void *user, int64_t duration_us);
} reels_clock;

typedef struct reels_random {
    uint32_t struct_size;
    uint32_t reserved0;
    void *user;
    reels_status (*fill)(void *user, uint8_t *data, size_t len);
} reels_random;

enum {
    REELS_FS_READ = 1,
    REELS_FS_WRITE = 2,
    REELS_FS_CREATE = 4,
    REELS_FS_EXCLUSIVE = 8,
    REELS_FS_TRUNCATE = 16
};

enum {
    REELS_FS_KIND_FILE = 1,
    REELS_FS_KIND_DIRECTORY = 2,
    REELS_FS_KIND_OTHER = 3
};

typedef struct reels_fs_info {
    uint64_t size_bytes;
    int64_t modified_unix_us;
    uint32_t kind;
    uint32_t reserved0;
} reels_fs_info;

typedef reels_status (*reels_fs_entry_fn)(void *user, const char *name, const reels_fs_info *info);

typedef struct reels_fs {
    uint32_t struct_size;
    uint32_t reserved0;
    void *user;
    reels_status (*open)(void *user, const char *path, uint32_t flags, void **out_file, reels_error *err);
    void (*close)(void *user, void *file);
    reels_status (*read_at)(void *user, void *file, uint64_t offset, uint8_t *data, size_t len, size_t *out_len, reels_error *err);
    reels_status (*write_at)(void *user, void *file, uint64_t offset, const uint8_t *data, size_t len, reels_error *err);
    reels_status (*sync)(void *user, void *file, reels_error *err);
    reels_status (*truncate)(void *user, void *file, uint64_t size_bytes, reels_error *err);
    reels_status (*file_info)(void *user, void *file, reels_fs_info *out_info, reels_error *err);
    reels_status (*lock)(void *user, void *file, reels_error *err);
    reels_status (*map)(void *user, void *file, uint64_t size_bytes, const uint8_t **out_data, reels_error *err);
    void (*unmap)(void *user, const uint8_t *data, uint64_t size_bytes);
    reels_status (*info)(void *user, const char *path, reels_fs_info *out_info, reels_error *err);
    reels_status (*rename)(void *user, const char *from, const char *to, reels_error *err);
    reels_status (*link)(void *user, const char *from, const char *to, reels_error *err);
    reels_status (*remove)(void *user, const char *path, reels_error *err);
    reels_status (*make_dir)(void *user, const char *path, reels_error *err);
    reels_status (*sync_dir)(void *user, const char *path, reels_error *err);
    reels_status (*list)(void *user, const char *path, reels_fs_entry_fn entry, void *entry_user, reels_error *err);
} reels_fs;

typedef void (*reels_task_fn)(void *arg);

typedef struct reels_executor {
    uint32_t struct_size;
    uint32_t threads_count;
    void *user;
    reels_status (*submit)(void *user, reels_task_fn task, void *arg, uint64_t *out_ticket);
    void (*wait)(void *user, uint64_t ticket);
} reels_executor;

typedef struct reels_ctx reels_ctx;

typedef struct reels_ctx_options {
    uint32_t struct_size;
    uint32_t reserved0;
    const reels_allocator *allocator;
    const reels_log *log;
    const reels_metrics *metrics;
    const reels_trace *trace;
    const reels_clock *clock;
    const reels_random *random;
    const reels_fs *fs;
    const reels_executor *executor;
} reels_ctx_options;

reels_status reels_ctx_new(const reels_ctx_options *options, reels_ctx **out, reels_error *err);

void reels_ctx_free(reels_ctx *ctx);

int64_t reels_ctx_now_unix_us(const reels_ctx *ctx);

int64_t reels_ctx_now_mono_us(const reels_ctx *ctx);

typedef struct reels_cancel reels_cancel;

reels_status reels_cancel_new(reels_ctx *ctx, reels_cancel **out, reels_error *err);

void reels_cancel_raise(reels_cancel *cancel);

int32_t reels_cancel_is_raised(const reels_cancel *cancel);

void reels_cancel_free(reels_cancel *cancel);

typedef struct reels_call {
    uint32_t struct_size;
    uint32_t reserved0;
    int64_t deadline_mono_us;
    const reels_cancel *cancel;
    uint64_t trace_parent;
} reels_call;

typedef struct reels_buf reels_buf;

reels_status reels_buf_new(reels_ctx *ctx, size_t bytes_max, reels_buf **out, reels_error *err);

void reels_buf_free(reels_buf *buf);

reels_status reels_buf_append(reels_buf *buf, const uint8_t *data, size_t len, reels_error *err);

void reels_buf_clear(reels_buf *buf);

const uint8_t *reels_buf_data(const reels_buf *buf);

size_t reels_buf_len(const reels_buf *buf);

typedef reels_status (*reels_reader_fn)(void *user, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err);

typedef reels_status (*reels_sink_fn)(void *user, const uint8_t *data, size_t len, reels_error *err);
