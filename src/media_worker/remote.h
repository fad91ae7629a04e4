/* Owns the worker's side of the wire: the medium is read from the parent, files are written to it.
 * All of it happens on one thread, and every answer is waited for. */
#ifndef REELS_SRC_MEDIA_WORKER_REMOTE_H
#define REELS_SRC_MEDIA_WORKER_REMOTE_H

#include <reels/media.h>

#include "media/wire.h"

typedef struct reels__remote {
    int fd;
    uint32_t files_count; /* begun so far */
} reels__remote;

/* Sends a frame made of two parts; -1 when the parent is gone. */
int reels__remote_send(const reels__remote *remote,
                       uint32_t type,
                       const void *head,
                       size_t head_len,
                       const void *body,
                       size_t body_len);

/* Receives a frame of exactly this type and length; -1 otherwise. */
int reels__remote_receive(const reels__remote *remote, uint32_t type, void *payload, size_t len);

/* A reels_media_read_fn; user is the reels__remote. */
reels_status reels__remote_read(
    void *user, uint64_t offset, uint8_t *data, size_t len, size_t *out_len, reels_error *err);

/* An output whose impl is the reels__remote. */
extern const reels_output_vtable reels__remote_output;

#endif
