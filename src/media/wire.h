/* Owns what a worker and its parent say to each other over one socket: frames of (type, length,
 * payload), each side of the same build on the same machine, so structs travel as they are. The
 * parent takes nothing a worker says on trust; the worker asks only for bytes of the medium.
 *
 *   parent: START, then one DATA for each READ.
 *   worker: READ, BEGIN, WRITE, FINISH, ABORT, INFO, PROGRESS in any order, then DONE or FAIL and
 * its end. */
#ifndef REELS_SRC_MEDIA_WIRE_H
#define REELS_SRC_MEDIA_WIRE_H

#include <reels/media.h>

#include "media/pipeline.h"

enum {
    REELS__WIRE_FD = 3, /* where the worker finds the socket */
    REELS__WIRE_PAYLOAD_MAX = 256 * 1024 + 64,
    REELS__WIRE_DATA_MAX = 256 * 1024, /* of the medium or of an output file in one frame */
    REELS__WIRE_FILES_MAX = 4096
};

enum {
    REELS__WIRE_START = 1,
    REELS__WIRE_DATA = 2,
    REELS__WIRE_READ = 16,
    REELS__WIRE_BEGIN = 17,
    REELS__WIRE_WRITE = 18,
    REELS__WIRE_FINISH = 19,
    REELS__WIRE_ABORT = 20,
    REELS__WIRE_INFO = 21,
    REELS__WIRE_PROGRESS = 22,
    REELS__WIRE_DONE = 23,
    REELS__WIRE_FAIL = 24
};

/* Exit codes of the worker, for what it cannot say over the wire. */
enum {
    REELS__WORKER_EXIT_USAGE = 2,
    REELS__WORKER_EXIT_VERSION = 3,
    REELS__WORKER_EXIT_SANDBOX = 4,
    REELS__WORKER_EXIT_WIRE = 5
};

typedef struct reels__wire_header {
    uint32_t type;
    uint32_t len; /* of the payload that follows */
} reels__wire_header;

typedef struct reels__wire_start {
    uint32_t version; /* of the library, and the size of this struct: both must agree */
    uint32_t size;
    uint32_t probe; /* 1 = probe, 0 = transcode */
    uint32_t exact;
    uint64_t source_bytes;
    reels__media_settings settings;
} reels__wire_start;

typedef struct reels__wire_read {
    uint64_t offset;
    uint32_t len;
    uint32_t reserved0;
} reels__wire_read;

/* In front of the bytes of DATA. */
typedef struct reels__wire_data {
    int32_t status;
    uint32_t reserved0;
} reels__wire_data;

/* In front of what BEGIN, WRITE, FINISH and ABORT carry. Numbers of files count up from 0. */
typedef struct reels__wire_file {
    uint32_t number;
    uint32_t reserved0;
} reels__wire_file;

/* After the file number in BEGIN; both texts NUL-terminated. */
typedef struct reels__wire_begin {
    reels__wire_file file;
    char name[REELS_OUTPUT_NAME_BYTES_MAX + 1];
    char content_type[64];
} reels__wire_begin;

typedef struct reels__wire_done {
    reels_transcode_summary summary;
    reels_rung rungs[REELS_RUNGS_MAX];
} reels__wire_done;

typedef struct reels__wire_fail {
    int32_t status;
    char message[220];
} reels__wire_fail;

#endif
