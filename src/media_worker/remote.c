/* Owns blocking reads and writes on the one descriptor that a worker has. */
#include "media_worker/remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

static int write_all(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len > 0) {
        ssize_t wrote = write(fd, at, len);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return -1;
        }
        at += wrote;
        len -= (size_t)wrote;
    }
    return 0;
}

static int read_all(int fd, void *data, size_t len)
{
    uint8_t *at = data;
    while (len > 0) {
        ssize_t got = read(fd, at, len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return -1;
        }
        at += got;
        len -= (size_t)got;
    }
    return 0;
}

int reels__remote_send(const reels__remote *remote,
                       uint32_t type,
                       const void *head,
                       size_t head_len,
                       const void *body,
                       size_t body_len)
{
    reels__wire_header header = {type, (uint32_t)(head_len + body_len)};
    return write_all(remote->fd, &header, sizeof header) == 0 &&
                   write_all(remote->fd, head, head_len) == 0 &&
                   write_all(remote->fd, body, body_len) == 0
               ? 0
               : -1;
}

int reels__remote_receive(const reels__remote *remote, uint32_t type, void *payload, size_t len)
{
    reels__wire_header header;
    return read_all(remote->fd, &header, sizeof header) == 0 && header.type == type &&
                   header.len == len && read_all(remote->fd, payload, len) == 0
               ? 0
               : -1;
}

static reels_status parent_gone(reels_error *err)
{
    return reels__fail(err, REELS_ERR_IO, "the parent is gone");
}

reels_status reels__remote_read(
    void *user, uint64_t offset, uint8_t *data, size_t len, size_t *out_len, reels_error *err)
{
    const reels__remote *remote = user;
    size_t total = 0;
    while (total < len) {
        size_t want = len - total < REELS__WIRE_DATA_MAX ? len - total : REELS__WIRE_DATA_MAX;
        reels__wire_read ask = {.offset = offset + total, .len = (uint32_t)want};
        reels__wire_header header;
        reels__wire_data answer;
        if (reels__remote_send(remote, REELS__WIRE_READ, &ask, sizeof ask, NULL, 0) != 0 ||
            read_all(remote->fd, &header, sizeof header) != 0 || header.type != REELS__WIRE_DATA ||
            header.len < sizeof answer || header.len - sizeof answer > want ||
            read_all(remote->fd, &answer, sizeof answer) != 0 ||
            read_all(remote->fd, data + total, header.len - sizeof answer) != 0) {
            return parent_gone(err);
        }
        size_t got = header.len - sizeof answer;
        total += got;
        if (got < want) {
            break;
        }
    }
    *out_len = total;
    return REELS_OK;
}

static reels_status remote_begin(
    void *impl, const char *name, const char *content_type, void **out_file, reels_error *err)
{
    reels__remote *remote = impl;
    reels__wire_begin begin = {.file = {remote->files_count, 0}};
    size_t name_len = strlen(name);
    size_t type_len = strlen(content_type);
    if (name_len >= sizeof begin.name || type_len >= sizeof begin.content_type) {
        return reels__fail(err, REELS_ERR_INVALID_ARG, "output: a name is too long");
    }
    memcpy(begin.name, name, name_len);
    memcpy(begin.content_type, content_type, type_len);
    uint32_t *number = malloc(sizeof *number);
    if (number == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a file");
    }
    *number = remote->files_count++;
    *out_file = number;
    return reels__remote_send(remote, REELS__WIRE_BEGIN, &begin, sizeof begin, NULL, 0) == 0
               ? REELS_OK
               : parent_gone(err);
}

static reels_status
remote_write(void *impl, void *file, const uint8_t *data, size_t len, reels_error *err)
{
    const uint32_t *number = file;
    reels__wire_file head = {*number, 0};
    for (size_t at = 0; at < len; at += REELS__WIRE_DATA_MAX) {
        size_t part = len - at < REELS__WIRE_DATA_MAX ? len - at : REELS__WIRE_DATA_MAX;
        if (reels__remote_send(impl, REELS__WIRE_WRITE, &head, sizeof head, data + at, part) != 0) {
            return parent_gone(err);
        }
    }
    return REELS_OK;
}

static int end_file(void *impl, void *file, uint32_t type)
{
    uint32_t *number = file;
    reels__wire_file head = {*number, 0};
    free(number);
    return reels__remote_send(impl, type, &head, sizeof head, NULL, 0);
}

static reels_status remote_finish(void *impl, void *file, reels_error *err)
{
    return end_file(impl, file, REELS__WIRE_FINISH) == 0 ? REELS_OK : parent_gone(err);
}

static void remote_abort(void *impl, void *file)
{
    (void)end_file(impl, file, REELS__WIRE_ABORT);
}

const reels_output_vtable reels__remote_output = {.struct_size = sizeof(reels_output_vtable),
                                                  .begin = remote_begin,
                                                  .write = remote_write,
                                                  .finish = remote_finish,
                                                  .abort = remote_abort};
