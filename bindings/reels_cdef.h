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

enum {
    REELS_BLOB_KEY_BYTES_MAX = 1024,
    REELS_BLOB_SEGMENT_BYTES_MAX = 255,
    REELS_BLOB_ETAG_BYTES_MAX = 127,
    REELS_BLOB_UPLOAD_BYTES_MAX = 1023,
    REELS_BLOB_PARTS_MAX = 10000,
    REELS_BLOB_BATCH_MAX = 1000,
    REELS_BLOB_PART_BYTES_MIN = 5242880
};

enum {
    REELS_DIGEST_NONE = 0,
    REELS_DIGEST_SHA256 = 1,
    REELS_DIGEST_CRC32C = 2,
    REELS_DIGEST_XXH3_64 = 3
};

typedef struct reels_digest {
    uint32_t kind;
    uint32_t reserved0;
    uint8_t bytes[32];
} reels_digest;

typedef struct reels_blob_source {
    uint32_t struct_size;
    uint32_t reserved0;
    uint64_t length_bytes;
    reels_reader_fn reader;
    void *reader_user;
    reels_digest digest;
} reels_blob_source;

typedef struct reels_blob_info {
    uint32_t struct_size;
    uint32_t reserved0;
    uint64_t size_bytes;
    int64_t modified_unix_us;
    char etag[128];
} reels_blob_info;

typedef reels_status (*reels_blob_entry_fn)(void *user, const char *key, const reels_blob_info *info);

typedef struct reels_blob_part {
    uint32_t number;
    uint32_t reserved0;
    uint64_t size_bytes;
    reels_digest digest;
} reels_blob_part;

typedef reels_status (*reels_blob_part_fn)(void *user, const reels_blob_part *part);

enum {
    REELS_BLOB_URL_GET = 1,
    REELS_BLOB_URL_PUT = 2,
    REELS_BLOB_URL_PART = 3
};

typedef struct reels_blob_url_request {
    uint32_t struct_size;
    uint32_t method;
    const char *key;
    const char *upload;
    uint32_t part_first;
    uint32_t parts_count;
    int64_t expires_unix_us;
} reels_blob_url_request;

enum {
    REELS_BLOB_HAS_PARTS = 1,
    REELS_BLOB_HAS_URL = 2
};

typedef struct reels_blob_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    void (*destroy)(void *impl);
    reels_status (*put)(void *impl, const reels_call *call, const char *key, const reels_blob_source *source, reels_blob_info *out_info, reels_error *err);
    reels_status (*get)(void *impl, const reels_call *call, const char *key, uint64_t offset, uint64_t length_bytes, reels_sink_fn sink, void *sink_user, reels_blob_info *out_info, reels_error *err);
    reels_status (*head)(void *impl, const reels_call *call, const char *key, reels_blob_info *out_info, reels_error *err);
    reels_status (*remove)(void *impl, const reels_call *call, const char *const *keys, size_t keys_count, reels_error *err);
    reels_status (*list)(void *impl, const reels_call *call, const char *prefix, const char *after, uint32_t limit, reels_blob_entry_fn entry, void *entry_user, reels_error *err);
    reels_status (*part_begin)(void *impl, const reels_call *call, const char *key, uint64_t part_size_bytes, reels_buf *out_upload, reels_error *err);
    reels_status (*part_put)(void *impl, const reels_call *call, const char *key, const char *upload, uint32_t number, const reels_blob_source *source, reels_error *err);
    reels_status (*part_list)(void *impl, const reels_call *call, const char *key, const char *upload, uint32_t after, uint32_t limit, reels_blob_part_fn part, void *part_user, reels_error *err);
    reels_status (*part_commit)(void *impl, const reels_call *call, const char *key, const char *upload, uint32_t parts_count, reels_blob_info *out_info, reels_error *err);
    reels_status (*part_abort)(void *impl, const reels_call *call, const char *key, const char *upload, reels_error *err);
    reels_status (*url)(void *impl, const reels_call *call, const reels_blob_url_request *request, reels_buf *out_urls, reels_error *err);
} reels_blob_vtable;

typedef struct reels_blob reels_blob;

reels_status reels_blob_new(reels_ctx *ctx, const reels_blob_vtable *vtable, void *impl, reels_blob **out, reels_error *err);

reels_status reels_blob_open(reels_ctx *ctx, const char *url, reels_blob **out, reels_error *err);

void reels_blob_free(reels_blob *blob);

uint32_t reels_blob_features(const reels_blob *blob);

int32_t reels_blob_key_is_valid(const char *key);

reels_status reels_blob_put(reels_blob *blob, const reels_call *call, const char *key, const reels_blob_source *source, reels_blob_info *out_info, reels_error *err);

reels_status reels_blob_put_bytes(reels_blob *blob, const reels_call *call, const char *key, const uint8_t *data, size_t len, reels_blob_info *out_info, reels_error *err);

reels_status reels_blob_get(reels_blob *blob, const reels_call *call, const char *key, uint64_t offset, uint64_t length_bytes, reels_sink_fn sink, void *sink_user, reels_blob_info *out_info, reels_error *err);

reels_status reels_blob_get_bytes(reels_blob *blob, const reels_call *call, const char *key, reels_buf *buf, reels_error *err);

reels_status reels_blob_read(reels_blob *blob, const reels_call *call, const char *key, uint64_t offset, uint8_t *data, size_t capacity, size_t *out_len, reels_error *err);

reels_status reels_blob_head(reels_blob *blob, const reels_call *call, const char *key, reels_blob_info *out_info, reels_error *err);

reels_status reels_blob_remove(reels_blob *blob, const reels_call *call, const char *const *keys, size_t keys_count, reels_error *err);

reels_status reels_blob_list(reels_blob *blob, const reels_call *call, const char *prefix, const char *after, uint32_t limit, reels_blob_entry_fn entry, void *entry_user, reels_error *err);

reels_status reels_blob_part_begin(reels_blob *blob, const reels_call *call, const char *key, uint64_t part_size_bytes, reels_buf *out_upload, reels_error *err);

reels_status reels_blob_part_put(reels_blob *blob, const reels_call *call, const char *key, const char *upload, uint32_t number, const reels_blob_source *source, reels_error *err);

reels_status reels_blob_part_list(reels_blob *blob, const reels_call *call, const char *key, const char *upload, uint32_t after, uint32_t limit, reels_blob_part_fn part, void *part_user, reels_error *err);

reels_status reels_blob_part_commit(reels_blob *blob, const reels_call *call, const char *key, const char *upload, uint32_t parts_count, reels_blob_info *out_info, reels_error *err);

reels_status reels_blob_part_abort(reels_blob *blob, const reels_call *call, const char *key, const char *upload, reels_error *err);

reels_status reels_blob_url(reels_blob *blob, const reels_call *call, const reels_blob_url_request *request, reels_buf *out_urls, reels_error *err);

typedef struct reels_record {
    uint32_t partition;
    uint32_t epoch;
    uint64_t offset;
    int64_t time_unix_us;
    const char *topic;
    const uint8_t *key;
    size_t key_len;
    const uint8_t *payload;
    size_t payload_len;
    const uint8_t *shard;
    size_t shard_len;
} reels_record;

typedef struct reels_records reels_records;

reels_status reels_records_new(reels_ctx *ctx, size_t bytes_max, reels_records **out, reels_error *err);

void reels_records_free(reels_records *records);

void reels_records_clear(reels_records *records);

reels_status reels_records_add(reels_records *records, const reels_record *record, reels_error *err);

size_t reels_records_count(const reels_records *records);

reels_status reels_records_get(const reels_records *records, size_t index, reels_record *out_record);

enum {
    REELS_TYPE_NULL = 0,
    REELS_TYPE_INT64 = 1,
    REELS_TYPE_FLOAT64 = 2,
    REELS_TYPE_BOOL = 3,
    REELS_TYPE_UTF8 = 4,
    REELS_TYPE_BYTES = 5,
    REELS_TYPE_TIME = 6,
    REELS_TYPE_ID = 7
};

typedef struct reels_value {
    uint32_t type;
    uint32_t reserved0;
    int64_t integer;
    double real;
    const uint8_t *data;
    size_t len;
} reels_value;

typedef struct reels_rows reels_rows;

reels_status reels_rows_new(reels_ctx *ctx, size_t bytes_max, reels_rows **out, reels_error *err);

void reels_rows_free(reels_rows *rows);

void reels_rows_clear(reels_rows *rows);

reels_status reels_rows_add(reels_rows *rows, const reels_value *values, size_t values_count, uint64_t version, reels_error *err);

size_t reels_rows_count(const reels_rows *rows);

const reels_value *reels_rows_get(const reels_rows *rows, size_t index, uint64_t *out_version);

enum {
    REELS_CACHE_KEY_BYTES_MAX = 1024,
    REELS_CACHE_VALUE_BYTES_MAX = 1048576,
    REELS_CACHE_MEMBER_BYTES_MAX = 1024,
    REELS_CACHE_BATCH_MAX = 10000,
    REELS_CACHE_ZSET_MAX = 100000
};

typedef struct reels_cache_write {
    uint32_t struct_size;
    uint32_t reserved0;
    int64_t ttl_us;
    uint64_t version;
} reels_cache_write;

typedef struct reels_cache_item {
    const uint8_t *key;
    size_t key_len;
    const uint8_t *value;
    size_t value_len;
} reels_cache_item;

typedef struct reels_cache_field {
    const uint8_t *key;
    size_t key_len;
    const uint8_t *field;
    size_t field_len;
    const uint8_t *value;
    size_t value_len;
} reels_cache_field;

typedef struct reels_cache_member {
    const uint8_t *member;
    size_t member_len;
    double score;
} reels_cache_member;

typedef struct reels_cache_range {
    uint32_t struct_size;
    uint32_t ascending;
    uint64_t skip;
    uint32_t limit;
    uint32_t reserved0;
} reels_cache_range;

typedef struct reels_cache_name {
    const uint8_t *data;
    size_t len;
} reels_cache_name;

typedef struct reels_cache_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    void (*destroy)(void *impl);
    reels_status (*put)(void *impl, const reels_call *call, const reels_cache_item *items, size_t items_count, const reels_cache_write *write, reels_error *err);
    reels_status (*get)(void *impl, const reels_call *call, const reels_cache_name *keys, size_t keys_count, reels_rows *rows, reels_error *err);
    reels_status (*remove)(void *impl, const reels_call *call, const reels_cache_name *keys, size_t keys_count, const reels_cache_write *write, reels_error *err);
    reels_status (*hput)(void *impl, const reels_call *call, const reels_cache_field *fields, size_t fields_count, const reels_cache_write *write, reels_error *err);
    reels_status (*hget)(void *impl, const reels_call *call, const reels_cache_name *keys, size_t keys_count, const reels_cache_name *fields, size_t fields_count, reels_rows *rows, reels_error *err);
    reels_status (*zput)(void *impl, const reels_call *call, const reels_cache_name *key, const reels_cache_member *members, size_t members_count, uint32_t keep_count, const reels_cache_write *write, reels_error *err);
    reels_status (*zrange)(void *impl, const reels_call *call, const reels_cache_name *key, const reels_cache_range *range, reels_rows *rows, reels_error *err);
    reels_status (*zremove)(void *impl, const reels_call *call, const reels_cache_name *key, const reels_cache_name *members, size_t members_count, const reels_cache_write *write, reels_error *err);
} reels_cache_vtable;

typedef struct reels_cache reels_cache;

reels_status reels_cache_new(reels_ctx *ctx, const reels_cache_vtable *vtable, void *impl, reels_cache **out, reels_error *err);

reels_status reels_cache_open(reels_ctx *ctx, const char *url, reels_cache **out, reels_error *err);

void reels_cache_free(reels_cache *cache);

reels_status reels_cache_put(reels_cache *cache, const reels_call *call, const reels_cache_item *items, size_t items_count, const reels_cache_write *write, reels_error *err);

reels_status reels_cache_get(reels_cache *cache, const reels_call *call, const reels_cache_name *keys, size_t keys_count, reels_rows *rows, reels_error *err);

reels_status reels_cache_remove(reels_cache *cache, const reels_call *call, const reels_cache_name *keys, size_t keys_count, const reels_cache_write *write, reels_error *err);

reels_status reels_cache_hput(reels_cache *cache, const reels_call *call, const reels_cache_field *fields, size_t fields_count, const reels_cache_write *write, reels_error *err);

reels_status reels_cache_hget(reels_cache *cache, const reels_call *call, const reels_cache_name *keys, size_t keys_count, const reels_cache_name *fields, size_t fields_count, reels_rows *rows, reels_error *err);

reels_status reels_cache_zput(reels_cache *cache, const reels_call *call, const reels_cache_name *key, const reels_cache_member *members, size_t members_count, uint32_t keep_count, const reels_cache_write *write, reels_error *err);

reels_status reels_cache_zrange(reels_cache *cache, const reels_call *call, const reels_cache_name *key, const reels_cache_range *range, reels_rows *rows, reels_error *err);

reels_status reels_cache_zremove(reels_cache *cache, const reels_call *call, const reels_cache_name *key, const reels_cache_name *members, size_t members_count, const reels_cache_write *write, reels_error *err);

enum {
    REELS_TABLE_COLUMNS_MAX = 64,
    REELS_TABLE_KEY_COLUMNS_MAX = 8,
    REELS_TABLE_INDEXES_MAX = 16,
    REELS_INDEX_COLUMNS_MAX = 8,
    REELS_KEY_BYTES_MAX = 1024,
    REELS_VALUE_BYTES_MAX = 1048576,
    REELS_COMMITS_MAX = 1024,
    REELS_COMMIT_OPS_MAX = 1024,
    REELS_COMMIT_EVENTS_MAX = 1024,
    REELS_COMMIT_BYTES_MAX = 67108864,
    REELS_EVENT_KEY_BYTES_MAX = 1024,
    REELS_EVENT_PAYLOAD_BYTES_MAX = 1048576,
    REELS_GET_KEYS_MAX = 10000,
    REELS_SCAN_LIMIT_MAX = 10000
};

enum {
    REELS_COLUMN_NULLABLE = 1
};

typedef struct reels_column {
    const char *name;
    uint32_t type;
    uint32_t flags;
} reels_column;

enum {
    REELS_INDEX_UNIQUE = 1
};

typedef struct reels_index_def {
    const char *name;
    const uint32_t *columns;
    uint32_t columns_count;
    uint32_t flags;
} reels_index_def;

typedef struct reels_table {
    uint32_t struct_size;
    uint32_t version;
    const char *name;
    const reels_column *columns;
    const uint32_t *key_columns;
    const reels_index_def *indexes;
    uint32_t columns_count;
    uint32_t key_columns_count;
    uint32_t indexes_count;
    uint32_t shard_column;
    uint32_t ttl_column;
    uint32_t reserved0;
} reels_table;

enum {
    REELS_OP_PUT = 1,
    REELS_OP_DELETE = 2,
    REELS_OP_CHECK = 3
};

enum {
    REELS_IF_ALWAYS = 0,
    REELS_IF_ABSENT = 1,
    REELS_IF_PRESENT = 2,
    REELS_IF_VERSION = 3,
    REELS_IF_COLUMN = 4
};

typedef struct reels_op {
    const reels_table *table;
    const reels_value *values;
    uint64_t version;
    reels_value condition_value;
    uint32_t condition_column;
    uint32_t kind;
    uint32_t condition;
    uint32_t reserved0;
} reels_op;

typedef struct reels_event_out {
    const char *topic;
    const uint8_t *key;
    size_t key_len;
    const uint8_t *payload;
    size_t payload_len;
} reels_event_out;

typedef struct reels_commit {
    uint32_t struct_size;
    uint32_t has_token;
    reels_value shard;
    const reels_op *ops;
    size_t ops_count;
    const reels_event_out *events;
    size_t events_count;
    uint8_t token[16];
} reels_commit;

typedef struct reels_commit_result {
    int32_t status;
    uint32_t failed_op;
    uint32_t repeated;
    uint32_t reserved0;
    uint64_t version;
} reels_commit_result;

typedef struct reels_scan {
    uint32_t struct_size;
    uint32_t descending;
    const reels_table *table;
    const char *index;
    const reels_value *prefix;
    size_t prefix_count;
    const uint8_t *after;
    size_t after_len;
    uint32_t limit;
    uint32_t reserved0;
} reels_scan;

typedef struct reels_catalog_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    void (*destroy)(void *impl);
    reels_status (*declare)(void *impl, const reels_call *call, const reels_table *const *tables, size_t tables_count, reels_error *err);
    reels_status (*commit)(void *impl, const reels_call *call, const reels_commit *commits, size_t commits_count, reels_commit_result *results, reels_error *err);
    reels_status (*get)(void *impl, const reels_call *call, const reels_table *table, const reels_value *keys, size_t keys_count, reels_rows *rows, reels_error *err);
    reels_status (*scan)(void *impl, const reels_call *call, const reels_scan *scan, reels_rows *rows, reels_buf *next, reels_error *err);
    reels_status (*outbox_claim)(void *impl, const reels_call *call, const char *holder, int64_t lease_us, uint32_t limit, reels_records *records, reels_error *err);
    reels_status (*outbox_ack)(void *impl, const reels_call *call, const char *holder, const reels_record *records, size_t records_count, reels_error *err);
    reels_status (*lease_acquire)(void *impl, const reels_call *call, const char *name, const char *holder, int64_t duration_us, uint64_t *out_fence, reels_error *err);
    reels_status (*lease_renew)(void *impl, const reels_call *call, const char *name, uint64_t fence, int64_t duration_us, reels_error *err);
    reels_status (*lease_release)(void *impl, const reels_call *call, const char *name, uint64_t fence, reels_error *err);
} reels_catalog_vtable;

typedef struct reels_catalog reels_catalog;

reels_status reels_catalog_new(reels_ctx *ctx, const reels_catalog_vtable *vtable, void *impl, reels_catalog **out, reels_error *err);

reels_status reels_catalog_open(reels_ctx *ctx, const char *url, reels_catalog **out, reels_error *err);

void reels_catalog_free(reels_catalog *catalog);

reels_status reels_catalog_declare(reels_catalog *catalog, const reels_call *call, const reels_table *const *tables, size_t tables_count, reels_error *err);

reels_status reels_catalog_commit(reels_catalog *catalog, const reels_call *call, const reels_commit *commits, size_t commits_count, reels_commit_result *results, reels_error *err);

reels_status reels_catalog_get(reels_catalog *catalog, const reels_call *call, const reels_table *table, const reels_value *keys, size_t keys_count, reels_rows *rows, reels_error *err);

reels_status reels_catalog_scan(reels_catalog *catalog, const reels_call *call, const reels_scan *scan, reels_rows *rows, reels_buf *next, reels_error *err);

reels_status reels_catalog_outbox_claim(reels_catalog *catalog, const reels_call *call, const char *holder, int64_t lease_us, uint32_t limit, reels_records *records, reels_error *err);

reels_status reels_catalog_outbox_ack(reels_catalog *catalog, const reels_call *call, const char *holder, const reels_record *records, size_t records_count, reels_error *err);

reels_status reels_catalog_lease_acquire(reels_catalog *catalog, const reels_call *call, const char *name, const char *holder, int64_t duration_us, uint64_t *out_fence, reels_error *err);

reels_status reels_catalog_lease_renew(reels_catalog *catalog, const reels_call *call, const char *name, uint64_t fence, int64_t duration_us, reels_error *err);

reels_status reels_catalog_lease_release(reels_catalog *catalog, const reels_call *call, const char *name, uint64_t fence, reels_error *err);

enum {
    REELS_CDN_PREFIX_BYTES_MAX = 1024,
    REELS_CDN_VIEWER_BYTES_MAX = 255,
    REELS_CDN_TOKEN_BYTES_MAX = 4096,
    REELS_CDN_KEYS_MAX = 16,
    REELS_CDN_KEY_BYTES_MIN = 16,
    REELS_CDN_KEY_BYTES_MAX = 1024
};

typedef struct reels_cdn_key {
    uint32_t id;
    uint32_t reserved0;
    const uint8_t *secret;
    size_t secret_len;
} reels_cdn_key;

typedef struct reels_cdn_options {
    uint32_t struct_size;
    uint32_t keys_count;
    const reels_cdn_key *keys;
} reels_cdn_options;

enum {
    REELS_CDN_HAS_PURGE = 1,
    REELS_CDN_OWN_TOKENS = 2
};

typedef struct reels_cdn_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    void (*destroy)(void *impl);
    reels_status (*sign)(void *impl, const reels_call *call, const char *prefix, const char *viewer, int64_t expires_unix_us, reels_buf *out_token, reels_error *err);
    reels_status (*check)(void *impl, const reels_call *call, const char *token, const char *path, const char *viewer, int64_t now_unix_us, reels_error *err);
    reels_status (*purge)(void *impl, const reels_call *call, const char *const *prefixes, size_t prefixes_count, int64_t *out_done_unix_us, reels_error *err);
} reels_cdn_vtable;

typedef struct reels_cdn reels_cdn;

reels_status reels_cdn_new(reels_ctx *ctx, const reels_cdn_vtable *vtable, void *impl, const reels_cdn_options *options, reels_cdn **out, reels_error *err);

reels_status reels_cdn_open(reels_ctx *ctx, const char *url, reels_cdn **out, reels_error *err);

void reels_cdn_free(reels_cdn *cdn);

uint32_t reels_cdn_features(const reels_cdn *cdn);

reels_status reels_cdn_sign(reels_cdn *cdn, const reels_call *call, const char *prefix, const char *viewer, int64_t expires_unix_us, reels_buf *out_token, reels_error *err);

reels_status reels_cdn_check(reels_cdn *cdn, const reels_call *call, const char *token, const char *path, const char *viewer, reels_error *err);

reels_status reels_cdn_purge(reels_cdn *cdn, const reels_call *call, const char *const *prefixes, size_t prefixes_count, int64_t *out_done_unix_us, reels_error *err);

enum {
    REELS_CONTENTS_MAX = 256,
    REELS_CONTENT_FRAMES_MAX = 64,
    REELS_CONTENT_SIDE_MAX = 4096,
    REELS_CONTENT_TEXT_BYTES_MAX = 65536,
    REELS_EMBED_DIMENSIONS_MAX = 4096
};

typedef struct reels_content_frame {
    const uint8_t *pixels;
    uint32_t width;
    uint32_t height;
    uint32_t stride_bytes;
    uint32_t reserved0;
    int64_t time_us;
} reels_content_frame;

typedef struct reels_content {
    int64_t reel_id;
    const reels_content_frame *frames;
    const float *audio;
    const char *text;
    uint64_t audio_samples_count;
    uint32_t frames_count;
    uint32_t audio_rate_hz;
    const char *language;
} reels_content;

typedef struct reels_embed_info {
    uint32_t struct_size;
    uint32_t dimensions_count;
    const char *name;
    const char *version;
    const char *space_id;
} reels_embed_info;

typedef struct reels_embed_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    void (*destroy)(void *impl);
    reels_status (*describe)(void *impl, reels_embed_info *out_info, reels_error *err);
    reels_status (*embed)(void *impl, const reels_call *call, const reels_content *contents, size_t contents_count, float *out_vectors, reels_rows *categories, reels_error *err);
} reels_embed_vtable;

typedef struct reels_embed reels_embed;

reels_status reels_embed_new(reels_ctx *ctx, const reels_embed_vtable *vtable, void *impl, reels_embed **out, reels_error *err);

reels_status reels_embed_open(reels_ctx *ctx, const char *url, reels_embed **out, reels_error *err);

void reels_embed_free(reels_embed *embed);

const reels_embed_info *reels_embed_describe(const reels_embed *embed);

reels_status reels_embed_run(reels_embed *embed, const reels_call *call, const reels_content *contents, size_t contents_count, float *out_vectors, reels_rows *categories, reels_error *err);

typedef struct reels_classifier_info {
    uint32_t struct_size;
    uint32_t labels_count;
    const char *const *labels;
    const char *name;
    const char *version;
} reels_classifier_info;

typedef struct reels_classifier_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    void (*destroy)(void *impl);
    reels_status (*describe)(void *impl, reels_classifier_info *out_info, reels_error *err);
    reels_status (*classify)(void *impl, const reels_call *call, const reels_content *contents, size_t contents_count, reels_rows *findings, reels_error *err);
} reels_classifier_vtable;

typedef struct reels_classifier reels_classifier;

reels_status reels_classifier_new(reels_ctx *ctx, const reels_classifier_vtable *vtable, void *impl, reels_classifier **out, reels_error *err);

reels_status reels_classifier_open(reels_ctx *ctx, const char *url, reels_classifier **out, reels_error *err);

void reels_classifier_free(reels_classifier *classifier);

const reels_classifier_info *reels_classifier_describe(const reels_classifier *classifier);

reels_status reels_classifier_run(reels_classifier *classifier, const reels_call *call, const reels_content *contents, size_t contents_count, reels_rows *findings, reels_error *err);

enum {
    REELS_MODEL_INPUTS_MAX = 256,
    REELS_MODEL_HEADS_MAX = 64,
    REELS_MODEL_CANDIDATES_MAX = 100000,
    REELS_MODEL_WIDTH_MAX = 4096
};

enum {
    REELS_MODEL_OF_VIEWER = 1,
    REELS_MODEL_OF_CONTEXT = 2,
    REELS_MODEL_OF_CANDIDATE = 3
};

enum {
    REELS_MODEL_FLOAT32 = 1,
    REELS_MODEL_INT64 = 2
};

typedef struct reels_model_input {
    const char *name;
    uint32_t of;
    uint32_t type;
    uint32_t width;
    uint32_t reserved0;
} reels_model_input;

typedef struct reels_model_info {
    uint32_t struct_size;
    uint32_t inputs_count;
    const reels_model_input *inputs;
    const char *const *heads;
    uint32_t heads_count;
    uint32_t reserved0;
    const char *name;
    const char *version;
    const char *space_id;
} reels_model_info;

typedef struct reels_model_column {
    const float *float32;
    const int64_t *int64;
} reels_model_column;

typedef struct reels_model_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    void (*destroy)(void *impl);
    reels_status (*describe)(void *impl, reels_model_info *out_info, reels_error *err);
    reels_status (*score)(void *impl, const reels_call *call, const reels_model_column *columns, uint32_t candidates_count, float *out_scores, reels_error *err);
} reels_model_vtable;

typedef struct reels_model reels_model;

reels_status reels_model_new(reels_ctx *ctx, const reels_model_vtable *vtable, void *impl, reels_model **out, reels_error *err);

reels_status reels_model_open(reels_ctx *ctx, const char *url, reels_model **out, reels_error *err);

void reels_model_free(reels_model *model);

const reels_model_info *reels_model_describe(const reels_model *model);

reels_status reels_model_score(reels_model *model, const reels_call *call, const reels_model_column *columns, uint32_t columns_count, uint32_t candidates_count, float *out_scores, reels_error *err);

enum {
    REELS_PORT_BLOB = 1,
    REELS_PORT_QUEUE = 2,
    REELS_PORT_CATALOG = 3,
    REELS_PORT_STATS = 4,
    REELS_PORT_CACHE = 5,
    REELS_PORT_CDN = 6,
    REELS_PORT_MODEL = 7,
    REELS_PORT_EMBED = 8,
    REELS_PORT_CLASSIFIER = 9,
    REELS_PORT_PUSH = 10
};

typedef reels_status (*reels_scheme_open_fn)(void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err);

reels_status reels_scheme_register(reels_ctx *ctx, uint32_t port, const char *scheme, reels_scheme_open_fn open, void *user, reels_error *err);

enum {
    REELS_PUSH_BATCH_MAX = 1000,
    REELS_PUSH_DEVICE_BYTES_MAX = 4096,
    REELS_PUSH_PAYLOAD_BYTES_MAX = 4096,
    REELS_PUSH_DEDUPE_BYTES_MAX = 64
};

enum {
    REELS_PUSH_SENT = 1,
    REELS_PUSH_GONE = 2,
    REELS_PUSH_RETRY = 3
};

typedef struct reels_push_item {
    const uint8_t *device;
    size_t device_len;
    const uint8_t *payload;
    size_t payload_len;
    const char *dedupe;
    int64_t ttl_us;
    uint32_t urgent;
    uint32_t reserved0;
} reels_push_item;

typedef struct reels_push_result {
    int64_t retry_after_us;
    int64_t host_code;
    uint32_t outcome;
    uint32_t reserved0;
} reels_push_result;

typedef struct reels_push_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    void (*destroy)(void *impl);
    reels_status (*send)(void *impl, const reels_call *call, const reels_push_item *items, size_t items_count, reels_push_result *out_results, reels_error *err);
} reels_push_vtable;

typedef struct reels_push reels_push;

reels_status reels_push_new(reels_ctx *ctx, const reels_push_vtable *vtable, void *impl, reels_push **out, reels_error *err);

reels_status reels_push_open(reels_ctx *ctx, const char *url, reels_push **out, reels_error *err);

void reels_push_free(reels_push *push);

reels_status reels_push_send(reels_push *push, const reels_call *call, const reels_push_item *items, size_t items_count, reels_push_result *out_results, reels_error *err);

enum {
    REELS_QUEUE_NAME_BYTES_MAX = 200,
    REELS_QUEUE_PARTITIONS_MAX = 1024,
    REELS_QUEUE_BATCH_RECORDS_MAX = 10000,
    REELS_QUEUE_BATCH_BYTES_MAX = 16777216,
    REELS_QUEUE_RECORD_KEY_BYTES_MAX = 1024,
    REELS_QUEUE_RECORD_PAYLOAD_BYTES_MAX = 1048576
};

typedef struct reels_queue_join {
    uint32_t struct_size;
    uint32_t reserved0;
    const char *topic;
    const char *group;
    const char *consumer;
    int64_t lease_us;
} reels_queue_join;

typedef struct reels_queue_assignment {
    uint32_t partition;
    uint32_t epoch;
    uint64_t next;
} reels_queue_assignment;

typedef struct reels_queue_offset {
    uint32_t partition;
    uint32_t epoch;
    uint64_t next;
} reels_queue_offset;

typedef struct reels_queue_lag {
    uint32_t partition;
    uint32_t reserved0;
    uint64_t oldest;
    uint64_t end;
    uint64_t stored;
} reels_queue_lag;

enum {
    REELS_QUEUE_HAS_LAG = 1,
    REELS_QUEUE_HAS_OFFSETS = 2
};

typedef struct reels_queue_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    void (*destroy)(void *impl);
    reels_status (*topic_open)(void *impl, const reels_call *call, const char *topic, uint32_t partitions, uint32_t *out_partitions, reels_error *err);
    reels_status (*append)(void *impl, const reels_call *call, const char *topic, reels_record *records, size_t records_count, reels_error *err);
    reels_status (*group_join)(void *impl, const reels_call *call, const reels_queue_join *join, uint64_t *out_consumer, reels_error *err);
    reels_status (*group_leave)(void *impl, const reels_call *call, uint64_t consumer, reels_error *err);
    reels_status (*assignment)(void *impl, const reels_call *call, uint64_t consumer, reels_queue_assignment *out_assignments, size_t capacity, size_t *out_count, reels_error *err);
    reels_status (*poll)(void *impl, const reels_call *call, uint64_t consumer, uint32_t records_max, uint64_t bytes_max, reels_records *records, uint32_t *out_changed, reels_error *err);
    reels_status (*seek)(void *impl, const reels_call *call, uint64_t consumer, const reels_queue_offset *offsets, size_t offsets_count, reels_error *err);
    reels_status (*lag)(void *impl, const reels_call *call, const char *topic, const char *group, reels_queue_lag *out_lags, size_t capacity, size_t *out_count, reels_error *err);
    reels_status (*offset_store)(void *impl, const reels_call *call, uint64_t consumer, const reels_queue_offset *offsets, size_t offsets_count, reels_error *err);
    reels_status (*offset_load)(void *impl, const reels_call *call, const char *topic, const char *group, reels_queue_offset *offsets, size_t offsets_count, reels_error *err);
} reels_queue_vtable;

typedef struct reels_queue reels_queue;

reels_status reels_queue_new(reels_ctx *ctx, const reels_queue_vtable *vtable, void *impl, reels_queue **out, reels_error *err);

reels_status reels_queue_open(reels_ctx *ctx, const char *url, reels_queue **out, reels_error *err);

void reels_queue_free(reels_queue *queue);

uint32_t reels_queue_features(const reels_queue *queue);

uint32_t reels_queue_partition(const uint8_t *key, size_t len, uint32_t partitions);

reels_status reels_queue_topic_open(reels_queue *queue, const reels_call *call, const char *topic, uint32_t partitions, uint32_t *out_partitions, reels_error *err);

reels_status reels_queue_append(reels_queue *queue, const reels_call *call, const char *topic, reels_record *records, size_t records_count, reels_error *err);

reels_status reels_queue_group_join(reels_queue *queue, const reels_call *call, const reels_queue_join *join, uint64_t *out_consumer, reels_error *err);

reels_status reels_queue_group_leave(reels_queue *queue, const reels_call *call, uint64_t consumer, reels_error *err);

reels_status reels_queue_assigned(reels_queue *queue, const reels_call *call, uint64_t consumer, reels_queue_assignment *out_assignments, size_t capacity, size_t *out_count, reels_error *err);

reels_status reels_queue_poll(reels_queue *queue, const reels_call *call, uint64_t consumer, uint32_t records_max, uint64_t bytes_max, reels_records *records, uint32_t *out_changed, reels_error *err);

reels_status reels_queue_seek(reels_queue *queue, const reels_call *call, uint64_t consumer, const reels_queue_offset *offsets, size_t offsets_count, reels_error *err);

reels_status reels_queue_lags(reels_queue *queue, const reels_call *call, const char *topic, const char *group, reels_queue_lag *out_lags, size_t capacity, size_t *out_count, reels_error *err);

reels_status reels_queue_offset_store(reels_queue *queue, const reels_call *call, uint64_t consumer, const reels_queue_offset *offsets, size_t offsets_count, reels_error *err);

reels_status reels_queue_offset_load(reels_queue *queue, const reels_call *call, const char *topic, const char *group, reels_queue_offset *offsets, size_t offsets_count, reels_error *err);

enum {
    REELS_STATS_BATCHES_MAX = 1024,
    REELS_STATS_DELTAS_MAX = 262144,
    REELS_STATS_STATE_BYTES_MAX = 16777216,
    REELS_STATS_ENTITIES_MAX = 10000,
    REELS_STATS_COUNTERS_MAX = 256,
    REELS_STATS_WINDOWS_MAX = 1024,
    REELS_STATS_CELLS_MAX = 1048576
};

typedef struct reels_stats_delta {
    int64_t entity_id;
    int64_t window_unix_us;
    int64_t amount;
    uint32_t counter;
    uint32_t reserved0;
} reels_stats_delta;

typedef struct reels_stats_writer {
    uint64_t epoch;
    uint64_t offset;
} reels_stats_writer;

typedef struct reels_stats_batch {
    uint32_t struct_size;
    uint32_t partition;
    const char *group;
    uint64_t epoch;
    uint64_t begin_offset;
    uint64_t end_offset;
    const reels_stats_delta *deltas;
    size_t deltas_count;
    const uint8_t *state;
    size_t state_len;
} reels_stats_batch;

typedef struct reels_stats_result {
    int32_t status;
    uint32_t reserved0;
    uint64_t offset;
} reels_stats_result;

typedef struct reels_stats_query {
    uint32_t struct_size;
    uint32_t reserved0;
    const char *group;
    const int64_t *entity_ids;
    size_t entities_count;
    const uint32_t *counters;
    size_t counters_count;
    const int64_t *windows_unix_us;
    size_t windows_count;
} reels_stats_query;

typedef struct reels_stats_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    void (*destroy)(void *impl);
    reels_status (*writer_open)(void *impl, const reels_call *call, const char *group, uint32_t partition, const char *holder, reels_stats_writer *out_writer, reels_buf *state, reels_error *err);
    reels_status (*apply)(void *impl, const reels_call *call, const reels_stats_batch *batches, size_t batches_count, reels_stats_result *results, reels_error *err);
    reels_status (*read)(void *impl, const reels_call *call, const reels_stats_query *query, int64_t *out_amounts, reels_error *err);
    reels_status (*purge)(void *impl, const reels_call *call, const int64_t *entity_ids, size_t entities_count, reels_error *err);
} reels_stats_vtable;

typedef struct reels_stats reels_stats;

reels_status reels_stats_new(reels_ctx *ctx, const reels_stats_vtable *vtable, void *impl, reels_stats **out, reels_error *err);

reels_status reels_stats_open(reels_ctx *ctx, const char *url, reels_stats **out, reels_error *err);

void reels_stats_free(reels_stats *stats);

reels_status reels_stats_writer_open(reels_stats *stats, const reels_call *call, const char *group, uint32_t partition, const char *holder, reels_stats_writer *out_writer, reels_buf *state, reels_error *err);

reels_status reels_stats_apply(reels_stats *stats, const reels_call *call, const reels_stats_batch *batches, size_t batches_count, reels_stats_result *results, reels_error *err);

reels_status reels_stats_read(reels_stats *stats, const reels_call *call, const reels_stats_query *query, int64_t *out_amounts, reels_error *err);

reels_status reels_stats_purge(reels_stats *stats, const reels_call *call, const int64_t *entity_ids, size_t entities_count, reels_error *err);

enum {
    REELS_EVENT_REEL_UPLOADED = 1,
    REELS_EVENT_REEL_READY = 2,
    REELS_EVENT_REEL_FAILED = 3,
    REELS_EVENT_REEL_CHANGED = 4,
    REELS_EVENT_REEL_DELETED = 5,
    REELS_EVENT_LIKE = 16,
    REELS_EVENT_UNLIKE = 17,
    REELS_EVENT_SAVE = 18,
    REELS_EVENT_UNSAVE = 19,
    REELS_EVENT_FOLLOW = 20,
    REELS_EVENT_UNFOLLOW = 21,
    REELS_EVENT_MUTE = 22,
    REELS_EVENT_UNMUTE = 23,
    REELS_EVENT_BLOCK = 24,
    REELS_EVENT_UNBLOCK = 25,
    REELS_EVENT_COMMENT = 26,
    REELS_EVENT_COMMENT_REMOVED = 27,
    REELS_EVENT_IMPRESSION = 48,
    REELS_EVENT_WATCH = 49,
    REELS_EVENT_VIEW = 50,
    REELS_EVENT_COMPLETE = 51,
    REELS_EVENT_REPLAY = 52,
    REELS_EVENT_SKIP = 53,
    REELS_EVENT_SHARE = 54,
    REELS_EVENT_REPORT = 55,
    REELS_EVENT_NOT_INTERESTED = 56
};

enum {
    REELS_TOPIC_REEL = 1,
    REELS_TOPIC_ENGAGE = 2,
    REELS_TOPIC_PERSON = 4
};

typedef struct reels_event {
    uint32_t struct_size;
    uint32_t type;
    uint64_t reel_id;
    uint64_t person_id;
    uint64_t creator_id;
    uint64_t target_id;
    uint64_t source;
    uint64_t sequence;
    int64_t time_unix_us;
    int64_t client_time_unix_us;
    int64_t watch_us;
    int64_t position_us;
    int64_t duration_us;
    uint64_t playback;
    uint32_t generation;
    uint32_t revision;
    char region[8];
    char reason[64];
} reels_event;

reels_status reels_event_encode(const reels_event *event, reels_buf *buf, reels_error *err);

reels_status reels_event_decode(const uint8_t *data, size_t len, reels_event *out, reels_error *err);

uint32_t reels_event_topics(uint32_t type);

const char *reels_event_topic_name(uint32_t topic);

uint64_t reels_event_key(const reels_event *event, uint32_t topic);

const char *reels_event_type_name(uint32_t type);

uint32_t reels_event_type_by_name(const char *name);

reels_status reels_event_admit(const reels_event *event, int64_t now_unix_us, reels_error *err);

enum {
    REELS_COUNTER_VIEWS = 1,
    REELS_COUNTER_COMPLETIONS = 2,
    REELS_COUNTER_IMPRESSIONS = 3,
    REELS_COUNTER_REPLAYS = 4,
    REELS_COUNTER_SKIPS = 5,
    REELS_COUNTER_WATCH_MS = 6,
    REELS_COUNTER_LIKES = 7,
    REELS_COUNTER_SAVES = 8,
    REELS_COUNTER_COMMENTS = 9,
    REELS_COUNTER_SHARES = 10,
    REELS_COUNTER_REPORTS = 11,
    REELS_COUNTER_FOLLOWERS = 12
};

typedef struct reels_counter_options {
    uint32_t struct_size;
    uint32_t partitions_count;
    int64_t window_us;
    uint32_t batch_events_max;
    uint32_t sources_max;
    const char *holder;
} reels_counter_options;

typedef struct reels_counter reels_counter;

reels_status reels_counter_new(reels_ctx *ctx, reels_queue *queue, reels_stats *stats, const reels_counter_options *options, reels_counter **out, reels_error *err);

void reels_counter_free(reels_counter *counter);

reels_status reels_counter_step(reels_counter *counter, int64_t budget_us, int64_t *out_next_due, reels_error *err);

reels_status reels_counter_flush(reels_counter *counter, reels_error *err);

reels_status reels_counter_read(reels_stats *stats, const reels_call *call, const uint64_t *entities, size_t entities_count, const uint32_t *counters, size_t counters_count, int64_t *out, reels_error *err);

const char *reels_counter_name(uint32_t counter);

enum {
    REELS_ID_TIME_BITS = 41,
    REELS_ID_REGION_BITS = 5,
    REELS_ID_NODE_BITS = 10,
    REELS_ID_SEQUENCE_BITS = 12,
    REELS_ID_TEXT_LEN = 13,
    REELS_ID_BATCH_MAX = 1048576
};

enum {
    REELS_ID_LAYOUT_EPOCH_1970 = 1
};

typedef struct reels_id_layout {
    uint32_t struct_size;
    uint32_t flags;
    uint32_t time_bits;
    uint32_t region_bits;
    uint32_t node_bits;
    uint32_t sequence_bits;
    int64_t epoch_unix_us;
} reels_id_layout;

typedef struct reels_id_parts {
    uint32_t struct_size;
    uint32_t region;
    uint32_t node;
    uint32_t sequence;
    int64_t time_unix_us;
} reels_id_parts;

enum {
    REELS_ID_NODE_LEASED = 1
};

typedef struct reels_id_lease_request {
    uint32_t struct_size;
    uint32_t flags;
    uint32_t region;
    uint32_t node;
    uint32_t nodes_count;
    uint32_t reserved0;
    int64_t duration_us;
} reels_id_lease_request;

typedef struct reels_id_lease {
    uint32_t struct_size;
    uint32_t node;
    int64_t floor_unix_us;
} reels_id_lease;

typedef struct reels_id_lease_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    reels_status (*acquire)(void *impl, const reels_call *call, const reels_id_lease_request *request, reels_id_lease *out, reels_error *err);
    reels_status (*extend)(void *impl, const reels_call *call, int64_t until_unix_us, reels_error *err);
    void (*release)(void *impl, int64_t until_unix_us);
    void (*destroy)(void *impl);
} reels_id_lease_vtable;

typedef struct reels_id_generator reels_id_generator;

typedef struct reels_id_options {
    uint32_t struct_size;
    uint32_t flags;
    uint32_t region;
    uint32_t node;
    const reels_id_layout *layout;
    const reels_id_lease_vtable *lease;
    void *lease_impl;
    int64_t lease_duration_us;
    int64_t ahead_max_us;
} reels_id_options;

reels_status reels_id_generator_new(reels_ctx *ctx, const reels_id_options *options, const reels_call *call, reels_id_generator **out, reels_error *err);

void reels_id_generator_free(reels_id_generator *generator);

uint32_t reels_id_generator_node(const reels_id_generator *generator);

reels_status reels_id_next(reels_id_generator *generator, const reels_call *call, uint64_t *out_id, reels_error *err);

reels_status reels_id_next_many(reels_id_generator *generator, const reels_call *call, size_t ids_count, uint64_t *out_ids, reels_error *err);

reels_status reels_id_parse(const reels_id_layout *layout, uint64_t id, reels_id_parts *out_parts, reels_error *err);

reels_status reels_id_range(const reels_id_layout *layout, int64_t from_unix_us, int64_t until_unix_us, uint64_t *out_first, uint64_t *out_last, reels_error *err);

reels_status reels_id_text_write(uint64_t id, char *out_text, size_t capacity, reels_error *err);

reels_status reels_id_text_read(const char *text, size_t text_len, uint64_t *out_id, reels_error *err);

reels_status reels_id_lease_file_new(reels_ctx *ctx, const char *path, const reels_id_lease_vtable **out_lease, void **out_impl, reels_error *err);

reels_status reels_id_lease_catalog_new(reels_ctx *ctx, reels_catalog *catalog, const reels_id_lease_vtable **out_lease, void **out_impl, reels_error *err);

const reels_table *reels_id_node_table(void);

enum {
    REELS_REEL_NONE = 0,
    REELS_REEL_INIT = 1,
    REELS_REEL_UPLOADED = 2,
    REELS_REEL_PROCESSING = 3,
    REELS_REEL_READY = 4,
    REELS_REEL_FAILED = 5,
    REELS_REEL_HELD = 6,
    REELS_REEL_BLOCKED = 7,
    REELS_REEL_DELETED = 8
};

enum {
    REELS_VISIBILITY_PUBLIC = 0,
    REELS_VISIBILITY_PRIVATE = 1
};

enum {
    REELS_CAPTION_BYTES_MAX = 2200,
    REELS_FILENAME_BYTES_MAX = 255
};

typedef struct reels_reel {
    uint32_t struct_size;
    uint32_t state;
    uint64_t id;
    uint64_t creator_id;
    uint64_t version;
    uint32_t generation;
    uint32_t revision;
    uint32_t visibility;
    uint32_t attempts_count;
    int64_t created_unix_us;
    int64_t ready_unix_us;
    int64_t duration_us;
    uint64_t source_bytes;
    uint32_t width;
    uint32_t height;
    uint32_t progress_permille;
    uint32_t reserved0;
    char reason[64];
    char detail[256];
    char filename[256];
    char caption[2208];
} reels_reel;

typedef struct reels_reel_store reels_reel_store;

reels_status reels_reel_store_new(reels_ctx *ctx, reels_catalog *catalog, reels_reel_store **out, reels_error *err);

void reels_reel_store_free(reels_reel_store *store);

const reels_table *reels_reel_table(void);

reels_status reels_reel_get(reels_reel_store *store, const reels_call *call, const uint64_t *ids, size_t ids_count, reels_reel *out, reels_error *err);

reels_status reels_reel_add(reels_reel_store *store, const reels_call *call, const reels_reel *reel, reels_error *err);

reels_status reels_reel_update(reels_reel_store *store, const reels_call *call, reels_reel *reel, reels_error *err);

int32_t reels_reel_step_allowed(uint32_t from, uint32_t to);

const char *reels_reel_state_name(uint32_t state);

enum {
    REELS_REEL_ORDER_CREATOR = 1,
    REELS_REEL_ORDER_STATE = 2
};

reels_status reels_reel_list(reels_reel_store *store, const reels_call *call, uint32_t order, uint64_t key, reels_buf *cursor, reels_reel *out, size_t capacity, size_t *out_count, reels_error *err);

reels_status reels_reel_media_prefix(uint64_t reel_id, uint32_t generation, char *out, size_t capacity);

enum {
    REELS_RELATION_LIKE = 1,
    REELS_RELATION_SAVE = 2,
    REELS_RELATION_FOLLOW = 3,
    REELS_RELATION_MUTE = 4,
    REELS_RELATION_BLOCK = 5
};

enum {
    REELS_COMMENT_BYTES_MAX = 2000
};

typedef struct reels_social reels_social;

reels_status reels_social_new(reels_ctx *ctx, reels_catalog *catalog, reels_id_generator *ids, reels_reel_store *reels, reels_social **out, reels_error *err);

void reels_social_free(reels_social *social);

reels_status reels_relation_set(reels_social *social, const reels_call *call, uint32_t kind, uint64_t from_id, uint64_t to_id, int32_t on, int32_t *out_changed, reels_error *err);

reels_status reels_relation_has(reels_social *social, const reels_call *call, uint32_t kind, uint64_t from_id, const uint64_t *to_ids, size_t to_count, uint8_t *out, reels_error *err);

reels_status reels_relation_list(reels_social *social, const reels_call *call, uint32_t kind, uint64_t from_id, reels_buf *cursor, uint64_t *out, size_t capacity, size_t *out_count, reels_error *err);

typedef struct reels_comment {
    uint32_t struct_size;
    uint32_t reserved0;
    uint64_t id;
    uint64_t reel_id;
    uint64_t person_id;
    int64_t created_unix_us;
    char text[2008];
} reels_comment;

reels_status reels_comment_add(reels_social *social, const reels_call *call, uint64_t reel_id, uint64_t person_id, const char *text, const uint8_t *token, reels_comment *out, reels_error *err);

reels_status reels_comment_remove(reels_social *social, const reels_call *call, uint64_t reel_id, uint64_t comment_id, uint64_t person_id, reels_error *err);

reels_status reels_comment_list(reels_social *social, const reels_call *call, uint64_t reel_id, uint64_t viewer_id, reels_buf *cursor, reels_comment *out, size_t capacity, size_t *out_count, reels_error *err);

enum {
    REELS_FEED_PAGE_ITEMS = 20,
    REELS_FEED_SESSION_ITEMS_MAX = 100
};

enum {
    REELS_FEED_SOURCE_FOLLOWED = 1,
    REELS_FEED_SOURCE_TRENDING = 2,
    REELS_FEED_SOURCE_FRESH = 4
};

typedef struct reels_feed_parts {
    uint32_t struct_size;
    uint32_t reserved0;
    reels_catalog *catalog;
    reels_queue *queue;
    reels_stats *stats;
    reels_cache *cache;
    reels_id_generator *ids;
    reels_reel_store *reels;
    reels_social *social;
    reels_model *model;
} reels_feed_parts;

typedef struct reels_feed_options {
    uint32_t struct_size;
    uint32_t partitions_count;
    uint32_t candidates_per_source;
    uint32_t session_items_max;
    int64_t session_expires_us;
    uint32_t trending_hours;
    uint32_t index_reels_max;
    const char *holder;
} reels_feed_options;

typedef struct reels_feed reels_feed;

reels_status reels_feed_new(reels_ctx *ctx, const reels_feed_parts *parts, const reels_feed_options *options, reels_feed **out, reels_error *err);

void reels_feed_free(reels_feed *feed);

reels_status reels_feed_step(reels_feed *feed, int64_t budget_us, int64_t *out_next_due, reels_error *err);

typedef struct reels_feed_request {
    uint32_t struct_size;
    uint32_t items_max;
    uint64_t viewer_id;
    const char *cursor;
    char region[8];
} reels_feed_request;

typedef struct reels_feed_item {
    uint32_t struct_size;
    uint32_t sources;
    uint64_t reel_id;
    uint64_t creator_id;
    double score;
    uint32_t position;
    uint32_t reserved0;
} reels_feed_item;

reels_status reels_feed_page(reels_feed *feed, const reels_call *call, const reels_feed_request *request, reels_feed_item *out, size_t capacity, size_t *out_count, reels_buf *cursor, reels_error *err);

reels_status reels_feed_seen(reels_feed *feed, const reels_call *call, uint64_t viewer_id, const uint64_t *reel_ids, size_t reels_count, reels_error *err);

enum {
    REELS_OUTPUT_NAME_BYTES_MAX = 127
};

typedef struct reels_output_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    reels_status (*begin)(void *impl, const char *name, const char *content_type, void **out_file, reels_error *err);
    reels_status (*write)(void *impl, void *file, const uint8_t *data, size_t len, reels_error *err);
    reels_status (*finish)(void *impl, void *file, reels_error *err);
    void (*abort)(void *impl, void *file);
} reels_output_vtable;

int32_t reels_output_name_is_valid(const char *name);

typedef struct reels_output reels_output;

enum {
    REELS_OUTPUT_REPLACE = 1
};

reels_status reels_output_directory_new(reels_ctx *ctx, const char *path, uint32_t flags, reels_output **out, reels_error *err);

reels_status reels_output_blob_new(reels_ctx *ctx, reels_blob *blob, const char *prefix, const reels_call *call, reels_output **out, reels_error *err);

const reels_output_vtable *reels_output_table(const reels_output *output);

uint64_t reels_output_bytes(const reels_output *output);

reels_status reels_output_discard(reels_output *output, reels_error *err);

void reels_output_free(reels_output *output);

typedef struct reels_packager reels_packager;

enum {
    REELS_PACKAGER_TRACKS_MAX = 16,
    REELS_PACKAGER_NAME_BYTES_MAX = 48
};

enum {
    REELS_PACKAGER_SEGMENT_FILES = 1
};

typedef struct reels_packager_options {
    uint32_t struct_size;
    uint32_t flags;
    int64_t segment_us;
    int64_t first_segment_us;
    uint64_t buffered_bytes_max;
    uint64_t first_bandwidth_bps;
} reels_packager_options;

enum {
    REELS_PACKAGER_CODEC_H264 = 1,
    REELS_PACKAGER_CODEC_AAC = 2
};

typedef struct reels_packager_video {
    uint32_t struct_size;
    uint32_t codec;
    const char *name;
    const uint8_t *extradata;
    size_t extradata_len;
    uint32_t width;
    uint32_t height;
    uint32_t timescale;
    uint32_t frame_rate_num;
    uint32_t frame_rate_den;
    uint32_t reserved0;
} reels_packager_video;

typedef struct reels_packager_audio {
    uint32_t struct_size;
    uint32_t codec;
    const char *name;
    const uint8_t *extradata;
    size_t extradata_len;
    uint32_t sample_rate;
    uint32_t channels;
    const char *label;
    const char *language;
} reels_packager_audio;

enum {
    REELS_SAMPLE_KEY = 1
};

typedef struct reels_sample {
    int64_t pts;
    int64_t duration;
    const uint8_t *data;
    size_t data_len;
    uint32_t flags;
    uint32_t reserved0;
} reels_sample;

typedef struct reels_packager_track_info {
    uint32_t struct_size;
    uint32_t segments_count;
    uint64_t samples_count;
    uint64_t bytes;
    int64_t duration_us;
    uint64_t bandwidth_bps;
    uint64_t average_bandwidth_bps;
    uint32_t width;
    uint32_t height;
    uint32_t frame_rate_milli;
    uint32_t reserved0;
    char codecs[32];
    char playlist[64];
} reels_packager_track_info;

reels_status reels_packager_new(reels_ctx *ctx, const reels_packager_options *options, const reels_output_vtable *output, void *impl, reels_packager **out, reels_error *err);

reels_status reels_packager_add_video(reels_packager *packager, const reels_packager_video *video, uint32_t *out_track, reels_error *err);

reels_status reels_packager_add_audio(reels_packager *packager, const reels_packager_audio *audio, uint32_t *out_track, reels_error *err);

reels_status reels_packager_write(reels_packager *packager, uint32_t track, const reels_sample *samples, size_t sample_size, size_t samples_count, reels_error *err);

reels_status reels_packager_finish(reels_packager *packager, reels_error *err);

reels_status reels_packager_track_info_get(const reels_packager *packager, uint32_t track, reels_packager_track_info *info, reels_error *err);

void reels_packager_free(reels_packager *packager);

typedef reels_status (*reels_playlist_url_fn)(void *user, const char *name, size_t name_len, reels_buf *url, reels_error *err);

typedef struct reels_playlist_urls {
    uint32_t struct_size;
    uint32_t reserved0;
    const char *base_url;
    const char *query;
    reels_playlist_url_fn url;
    void *url_user;
} reels_playlist_urls;

reels_status reels_playlist_render(const char *text, size_t len, const reels_playlist_urls *urls, reels_buf *out, reels_error *err);

enum {
    REELS_VERIFY_ERROR = 1,
    REELS_VERIFY_WARNING = 2
};

enum {
    REELS_VERIFY_FILE_MISSING = 1,
    REELS_VERIFY_PATH_OUTSIDE = 2,
    REELS_VERIFY_PLAYLIST_SYNTAX = 3,
    REELS_VERIFY_TAG_REPEATED = 4,
    REELS_VERIFY_TAG_MISSING = 5,
    REELS_VERIFY_VERSION = 6,
    REELS_VERIFY_TARGET_DURATION = 7,
    REELS_VERIFY_ENDLIST = 8,
    REELS_VERIFY_GROUP = 9,
    REELS_VERIFY_BYTERANGE = 10,
    REELS_VERIFY_BANDWIDTH = 11,
    REELS_VERIFY_AVERAGE_BANDWIDTH = 12,
    REELS_VERIFY_EXTINF = 13,
    REELS_VERIFY_KEY_FRAME = 14,
    REELS_VERIFY_DECODE_TIME = 15,
    REELS_VERIFY_ALIGNMENT = 16,
    REELS_VERIFY_BOX = 17,
    REELS_VERIFY_CMAF = 18,
    REELS_VERIFY_RESOLUTION = 19,
    REELS_VERIFY_CODECS = 20,
    REELS_VERIFY_FRAME_RATE = 21,
    REELS_VERIFY_DECODE = 22,
    REELS_VERIFY_CHECKSUM = 23,
    REELS_VERIFY_LIMIT = 24,
    REELS_VERIFY_UNCHECKED = 25,
    REELS_VERIFY_READ = 26
};

typedef struct reels_verify_source_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    reels_status (*size)(void *impl, const char *name, uint64_t *out_bytes, reels_error *err);
    reels_status (*read)(void *impl, const char *name, uint64_t offset, uint8_t *data, size_t len, reels_error *err);
} reels_verify_source_vtable;

enum {
    REELS_VERIFY_NO_DECODE = 1
};

typedef struct reels_verify_options {
    uint32_t struct_size;
    uint32_t flags;
    const char *master;
    const reels_call *call;
    uint32_t findings_max;
    uint32_t reserved0;
    uint64_t segment_bytes_max;
} reels_verify_options;

typedef struct reels_verify_report reels_verify_report;

typedef struct reels_verify_finding {
    uint32_t struct_size;
    uint32_t code;
    uint32_t severity;
    int32_t segment;
    const char *file;
    const char *message;
} reels_verify_finding;

typedef struct reels_verify_summary {
    uint32_t struct_size;
    uint32_t errors_count;
    uint32_t warnings_count;
    uint32_t variants_count;
    uint32_t playlists_count;
    uint32_t segments_count;
    uint64_t samples_count;
    uint64_t frames_count;
    uint64_t bytes;
    int64_t duration_us;
} reels_verify_summary;

reels_status reels_verify_directory(reels_ctx *ctx, const char *path, const reels_verify_options *options, reels_verify_report **out, reels_error *err);

reels_status reels_verify_source(reels_ctx *ctx, const reels_verify_source_vtable *source, void *impl, const reels_verify_options *options, reels_verify_report **out, reels_error *err);

reels_status reels_verify_report_summary(const reels_verify_report *report, reels_verify_summary *summary, reels_error *err);

size_t reels_verify_report_findings_count(const reels_verify_report *report);

reels_status reels_verify_report_finding(const reels_verify_report *report, size_t index, reels_verify_finding *finding, reels_error *err);

reels_status reels_verify_report_json(const reels_verify_report *report, reels_buf *out, reels_error *err);

const char *reels_verify_code_name(uint32_t code);

void reels_verify_report_free(reels_verify_report *report);

typedef reels_status (*reels_media_read_fn)(void *user, uint64_t offset, uint8_t *data, size_t len, size_t *out_len, reels_error *err);

typedef struct reels_media_input {
    uint32_t struct_size;
    uint32_t reserved0;
    const char *path;
    const uint8_t *data;
    uint64_t size_bytes;
    reels_media_read_fn read_at;
    void *user;
} reels_media_input;

typedef struct reels_media_limits {
    uint32_t struct_size;
    uint32_t streams_max;
    int64_t duration_max_us;
    uint64_t file_bytes_max;
    uint64_t probe_bytes_max;
    int64_t analyse_max_us;
    uint64_t pixels_max;
    uint32_t side_max;
    uint32_t aspect_max;
    uint32_t frame_rate_max;
    uint32_t frames_max;
    uint32_t sample_rate_min;
    uint32_t sample_rate_max;
    uint32_t channels_max;
    uint32_t decode_cost_max;
    uint64_t metadata_bytes_max;
    uint64_t output_bytes_max;
    uint64_t memory_bytes_max;
} reels_media_limits;

enum {
    REELS_ISOLATION_PROCESS = 0,
    REELS_ISOLATION_NONE = 1
};

typedef struct reels_media_isolation {
    uint32_t struct_size;
    uint32_t mode;
    const char *worker_path;
} reels_media_isolation;

enum {
    REELS_VERDICT_TRANSCODE = 1,
    REELS_VERDICT_REFUSE = 2,
    REELS_VERDICT_PASSTHROUGH = 3
};

enum {
    REELS_HDR_NONE = 0,
    REELS_HDR_PQ = 1,
    REELS_HDR_HLG = 2,
    REELS_HDR_DOLBY_VISION = 3
};

typedef struct reels_probe_info {
    uint32_t struct_size;
    uint32_t verdict;
    int32_t verdict_status;
    uint32_t streams_count;
    char verdict_reason[208];
    char container[24];
    uint64_t file_bytes;
    int64_t duration_us;
    int64_t bitrate_bps;
    uint32_t video_present;
    uint32_t video_stream_index;
    char video_codec[24];
    char pixel_format[24];
    char color_range[16];
    char color_matrix[24];
    char color_primaries[24];
    char color_transfer[24];
    uint32_t hdr_kind;
    uint32_t bit_depth;
    uint32_t coded_width;
    uint32_t coded_height;
    uint32_t display_width;
    uint32_t display_height;
    uint32_t rotation_degrees;
    uint32_t mirrored;
    uint32_t sample_aspect_num;
    uint32_t sample_aspect_den;
    uint32_t frame_rate_num;
    uint32_t frame_rate_den;
    uint32_t variable_rate;
    uint32_t interlaced;
    uint64_t video_frames_count;
    uint32_t audio_present;
    uint32_t audio_stream_index;
    char audio_codec[24];
    uint32_t audio_sample_rate;
    uint32_t audio_channels;
    int64_t audio_offset_us;
    uint64_t reserved1[4];
} reels_probe_info;

typedef struct reels_probe_options {
    uint32_t struct_size;
    uint32_t exact;
    const reels_media_limits *limits;
    const reels_media_isolation *isolation;
} reels_probe_options;

reels_status reels_probe_run(reels_ctx *ctx, const reels_call *call, const reels_media_input *input, const reels_probe_options *options, reels_probe_info *out_info, reels_error *err);

reels_status reels_probe_json(const reels_probe_info *info, reels_buf *buf, reels_error *err);

enum {
    REELS_RUNGS_MAX = 8
};

typedef struct reels_rung {
    uint32_t struct_size;
    uint32_t short_side;
    uint32_t width;
    uint32_t height;
    uint32_t frame_rate_num;
    uint32_t frame_rate_den;
    uint32_t video_bitrate_bps;
    uint32_t video_bitrate_max_bps;
    uint32_t buffer_bits;
    uint32_t reserved0;
    char name[16];
    uint64_t reserved1[2];
} reels_rung;

typedef struct reels_ladder_options {
    uint32_t struct_size;
    uint32_t short_side_max;
    uint32_t frame_rate_max;
    uint32_t rungs_max;
} reels_ladder_options;

reels_status reels_ladder_plan(const reels_probe_info *info, const reels_ladder_options *options, reels_rung *rungs, size_t capacity, size_t *out_count, reels_error *err);

enum {
    REELS_TRANSCODE_STAGE_PROBE = 1,
    REELS_TRANSCODE_STAGE_ENCODE = 2,
    REELS_TRANSCODE_STAGE_FINISH = 3,
    REELS_TRANSCODE_STAGE_DONE = 4
};

typedef struct reels_transcode_progress {
    uint32_t struct_size;
    uint32_t stage;
    uint32_t done_ppm;
    uint32_t reserved0;
    uint64_t frames_count;
    uint64_t frames_total;
    int64_t media_us;
    int64_t duration_us;
} reels_transcode_progress;

typedef void (*reels_transcode_progress_fn)(void *user, const reels_transcode_progress *progress);

typedef struct reels_transcode_options {
    uint32_t struct_size;
    uint32_t threads_count;
    const reels_media_limits *limits;
    const reels_media_isolation *isolation;
    const reels_ladder_options *ladder;
    const reels_rung *rungs;
    uint32_t rungs_count;
    uint32_t audio_bitrate_bps;
    int64_t segment_us;
    const char *preset;
    uint32_t cover_short_side_max;
    uint32_t reserved0;
    reels_transcode_progress_fn progress;
    void *progress_user;
} reels_transcode_options;

typedef struct reels_transcode_summary {
    uint32_t struct_size;
    uint32_t rungs_count;
    int64_t duration_us;
    uint64_t output_bytes;
    uint64_t frames_count;
    uint32_t files_count;
    uint32_t audio_present;
    uint32_t cover_width;
    uint32_t cover_height;
    int64_t cover_media_us;
    int64_t cpu_us;
    uint64_t memory_peak_bytes;
    uint64_t reserved0[2];
} reels_transcode_summary;

typedef struct reels_transcode reels_transcode;

reels_status reels_transcode_new(reels_ctx *ctx, const reels_media_input *input, const reels_transcode_options *options, const reels_output_vtable *output, void *output_impl, reels_transcode **out, reels_error *err);

reels_status reels_transcode_step(reels_transcode *job, const reels_call *call, int64_t budget_us, reels_error *err);

reels_status reels_transcode_result(const reels_transcode *job, reels_transcode_summary *out, reels_error *err);

reels_status reels_transcode_rung(const reels_transcode *job, uint32_t index, reels_rung *out, reels_error *err);

reels_status reels_transcode_info(const reels_transcode *job, reels_probe_info *out, reels_error *err);

void reels_transcode_free(reels_transcode *job);

reels_status reels_transcode_run(reels_ctx *ctx, const reels_call *call, const reels_media_input *input, const reels_transcode_options *options, const reels_output_vtable *output, void *output_impl, reels_transcode_summary *out_summary, reels_error *err);

enum {
    REELS_PREFETCH_REELS = 3,
    REELS_PREFETCH_ENTRIES_MAX = 24
};

enum {
    REELS_RENDITION_VIDEO = 1,
    REELS_RENDITION_AUDIO = 2
};

typedef struct reels_rendition {
    uint32_t struct_size;
    uint32_t kind;
    uint32_t width;
    uint32_t height;
    uint64_t bandwidth_bps;
    uint64_t start_bytes;
    uint64_t bytes;
    char playlist[32];
    char file[32];
} reels_rendition;

const reels_table *reels_rendition_table(void);

reels_status reels_renditions_put(reels_ctx *ctx, reels_catalog *catalog, const reels_call *call, uint64_t reel_id, uint32_t generation, const reels_rendition *renditions, size_t renditions_count, reels_error *err);

reels_status reels_renditions_remove(reels_ctx *ctx, reels_catalog *catalog, const reels_call *call, uint64_t reel_id, uint32_t kept_generation, reels_error *err);

typedef struct reels_prefetch_entry {
    uint32_t struct_size;
    uint32_t reel_index;
    uint64_t reel_id;
    uint64_t offset;
    uint64_t bytes;
    char file[32];
} reels_prefetch_entry;

typedef struct reels_prefetch_request {
    uint32_t struct_size;
    uint32_t short_side_max;
    uint64_t throughput_bps;
    uint64_t bytes_max;
} reels_prefetch_request;

reels_status reels_prefetch_plan(reels_ctx *ctx, reels_catalog *catalog, const reels_call *call, const reels_reel *reels, size_t reels_count, const reels_prefetch_request *request, reels_prefetch_entry *out, size_t capacity, size_t *out_count, reels_error *err);

enum {
    REELS_UPLOAD_PART_BYTES = 8388608,
    REELS_UPLOAD_PARTS_MAX = 10000,
    REELS_UPLOAD_STREAM_WINDOW_BYTES = 8388608
};

typedef reels_status (*reels_upload_check_fn)(void *user, const uint8_t *prefix, size_t prefix_len, uint64_t length, reels_error *err);

typedef struct reels_upload_options {
    uint32_t struct_size;
    uint32_t per_person_max;
    uint64_t bytes_max;
    int64_t expires_after_us;
    uint64_t check_bytes_max;
    reels_upload_check_fn check;
    void *check_user;
} reels_upload_options;

typedef struct reels_uploads reels_uploads;

reels_status reels_uploads_new(reels_ctx *ctx, reels_catalog *catalog, reels_blob *blob, reels_id_generator *ids, reels_reel_store *reels, const reels_upload_options *options, reels_uploads **out, reels_error *err);

void reels_uploads_free(reels_uploads *uploads);

typedef struct reels_upload_begin_request {
    uint32_t struct_size;
    uint32_t visibility;
    uint64_t person_id;
    uint64_t length;
    const char *filename;
    const char *caption;
    uint8_t token[16];
} reels_upload_begin_request;

reels_status reels_upload_begin(reels_uploads *uploads, const reels_call *call, const reels_upload_begin_request *request, uint64_t *out_reel_id, reels_error *err);

typedef struct reels_upload_info {
    uint32_t struct_size;
    uint32_t parts_count;
    uint64_t reel_id;
    uint64_t person_id;
    uint64_t length;
    uint64_t offset;
    uint64_t bytes_durable;
    int64_t created_unix_us;
    int64_t expires_unix_us;
    uint32_t committed;
    uint32_t reserved0;
} reels_upload_info;

reels_status reels_upload_get(reels_uploads *uploads, const reels_call *call, uint64_t reel_id, uint64_t person_id, reels_upload_info *out, reels_error *err);

reels_status reels_upload_parts(reels_uploads *uploads, const reels_call *call, uint64_t reel_id, uint64_t person_id, uint64_t *offsets, uint64_t *sizes, size_t capacity, size_t *out_count, reels_error *err);

reels_status reels_upload_set_length(reels_uploads *uploads, const reels_call *call, uint64_t reel_id, uint64_t person_id, uint64_t length, reels_error *err);

reels_status reels_upload_part_put(reels_uploads *uploads, const reels_call *call, uint64_t reel_id, uint64_t person_id, uint32_t number, const uint8_t *data, size_t len, const reels_digest *digest, reels_error *err);

reels_status reels_upload_write(reels_uploads *uploads, const reels_call *call, uint64_t reel_id, uint64_t person_id, uint64_t offset, reels_reader_fn reader, void *reader_user, const reels_digest *digest, uint64_t *out_offset, reels_error *err);

reels_status reels_upload_commit(reels_uploads *uploads, const reels_call *call, uint64_t reel_id, uint64_t person_id, const reels_digest *digest, reels_error *err);

reels_status reels_upload_abort(reels_uploads *uploads, const reels_call *call, uint64_t reel_id, uint64_t person_id, reels_error *err);

reels_status reels_uploads_expire_step(reels_uploads *uploads, int64_t budget_us, int64_t *out_next_due, reels_error *err);

reels_status reels_upload_blob_key(uint64_t reel_id, char *out, size_t capacity);

typedef struct reels_platform_config {
    uint32_t struct_size;
    uint32_t region;
    const char *data_path;
    const char *catalog_url;
    const char *stats_url;
    const char *blob_url;
    const char *queue_url;
    const char *cache_url;
    const char *media_worker_path;
    uint32_t partitions_count;
    uint32_t media_jobs_max;
    uint32_t media_threads_count;
    uint32_t media_attempts_max;
    int64_t media_lease_us;
    int64_t media_duration_us_max;
    int64_t counter_window_us;
    int64_t token_valid_us;
    const uint8_t *token_key;
    size_t token_key_len;
    reels_upload_options upload;
    reels_feed_options feed;
} reels_platform_config;

typedef struct reels_platform reels_platform;

reels_status reels_platform_open(reels_ctx *ctx, const reels_platform_config *config, reels_platform **out, reels_error *err);

reels_status reels_platform_open_json(reels_ctx *ctx, const char *json, size_t len, reels_platform **out, reels_error *err);

void reels_platform_free(reels_platform *platform);

reels_uploads *reels_platform_uploads(reels_platform *platform);

reels_reel_store *reels_platform_reels(reels_platform *platform);

reels_social *reels_platform_social(reels_platform *platform);

reels_feed *reels_platform_feed(reels_platform *platform);

reels_stats *reels_platform_stats(reels_platform *platform);

reels_blob *reels_platform_blob(reels_platform *platform);

reels_catalog *reels_platform_catalog(reels_platform *platform);

reels_id_generator *reels_platform_ids(reels_platform *platform);

reels_status reels_platform_events_add(reels_platform *platform, const reels_call *call, uint64_t person_id, const reels_event *events, size_t events_count, reels_status *out_statuses, reels_error *err);

reels_status reels_platform_media_token(reels_platform *platform, const reels_reel *reel, uint64_t viewer_id, char *out, size_t capacity, reels_error *err);

reels_status reels_platform_media_check(reels_platform *platform, const char *token, const char *key, reels_error *err);

reels_status reels_platform_reel_remove(reels_platform *platform, const reels_call *call, uint64_t reel_id, uint64_t person_id, reels_error *err);

enum {
    REELS_ROLE_RELAY = 1,
    REELS_ROLE_MEDIA = 2,
    REELS_ROLE_COUNTER = 4,
    REELS_ROLE_FEED = 8,
    REELS_ROLE_MAINTENANCE = 16,
    REELS_ROLES_ALL = 31
};

reels_status reels_platform_step(reels_platform *platform, uint32_t role, int64_t budget_us, int64_t *out_next_due, reels_error *err);

reels_status reels_platform_run(reels_platform *platform, const reels_call *call, uint32_t roles, uint32_t threads_count, reels_error *err);

reels_status reels_platform_settle(reels_platform *platform, const reels_call *call, uint32_t roles, reels_error *err);

reels_status reels_platform_health(reels_platform *platform, const reels_call *call, reels_buf *json, reels_error *err);

reels_status reels_platform_schema(reels_ctx *ctx, reels_buf *json, reels_error *err);
