/* Owns what the front doors of all ports share: the copying of a host's table, the reading of
 * arrays of versioned structs, and the opening by URL. */
#ifndef REELS_SRC_BACKEND_PORT_H
#define REELS_SRC_BACKEND_PORT_H

#include <reels/backend/open.h>

/* A slot that a table must have. */
typedef struct reels__slot {
    size_t offset;
    const char *name;
} reels__slot;

/* Copies a host's table of functions as every port demands it: smaller than size_v1 is INVALID_ARG,
 * a longer one must have an all-zero tail (UNSUPPORTED), what is missing is NULL, and a NULL must
 * slot is INVALID_ARG. */
reels_status reels__vtable_copy(const void *vtable,
                                size_t size_v1,
                                void *out_copy,
                                size_t copy_size,
                                const char *name,
                                const reels__slot *musts,
                                size_t musts_count,
                                reels_error *err);

/* Reads an array of structs that begin with struct_size, which is the stride. *out_copy is NULL
 * when the caller's array has the present layout and can be used as it is, else a full copy that
 * the caller frees by reels__mem_free. */
reels_status reels__array_read(const reels_ctx *ctx,
                               const void *items,
                               size_t items_count,
                               size_t size_v1,
                               size_t item_size,
                               const char *name,
                               void **out_copy,
                               reels_error *err);

/* Opens the backend behind a URL: an embedded scheme or a registered one. */
reels_status reels__scheme_open(
    reels_ctx *ctx, uint32_t port, const char *url, void **out_port, reels_error *err);

/* What follows the scheme's colon. The URL must have one. */
const char *reels__url_rest(const char *url);

/* What may name a topic, a group or a consumer: [a-z][a-z0-9._-]*, up to 200 bytes. */
reels_status reels__queue_name_check(const char *name, const char *what, reels_error *err);

/* 1..len_max bytes of UTF-8. */
reels_status
reels__name_check(const char *name, size_t len_max, const char *what, reels_error *err);

#endif
