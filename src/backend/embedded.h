/* Owns the list of the embedded backends' doors, which open.c finds by scheme. Each opens its port
 * as reels_scheme_open_fn says; user is NULL. */
#ifndef REELS_SRC_BACKEND_EMBEDDED_H
#define REELS_SRC_BACKEND_EMBEDDED_H

#include <reels/base.h>

reels_status reels__blob_dir_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err);
reels_status reels__blob_mem_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err);
reels_status reels__queue_log_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err);
reels_status reels__queue_mem_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err);
reels_status reels__cache_mem_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err);
reels_status reels__cache_none_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err);
reels_status reels__catalog_mem_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err);
reels_status reels__catalog_sqlite_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err);
reels_status reels__stats_mem_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err);
reels_status reels__stats_sqlite_open(
    void *user, reels_ctx *ctx, const char *url, void **out_port, reels_error *err);

#endif
