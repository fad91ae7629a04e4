/* Owns what the files of this folder share: the rows of uploads and of their pieces, and the
 * object.
 *
 * A piece is a run of durable bytes: either a full, aligned 8 MiB part put straight into a
 * multipart upload of the blob store (PART), or an object of its own (OBJECT), to be joined at
 * commit. No piece crosses a multiple of 8 MiB. A piece is acknowledged by its row, which is
 * written only after its bytes are durable. */
#ifndef REELS_SRC_UPLOAD_INTERNAL_H
#define REELS_SRC_UPLOAD_INTERNAL_H

#include <pthread.h>

#include <reels/upload.h>

#include "base/map.h"

enum {
    REELS__UPLOAD_OPEN = 0,
    REELS__UPLOAD_CLOSED = 1, /* a commit has begun: no byte is taken any more */
    REELS__UPLOAD_GONE = 2    /* it is being erased: for clients it is not there any more */
};

enum {
    REELS__PIECE_OBJECT = 0,
    REELS__PIECE_PART = 1
};

enum {
    REELS__UPLOAD_KEY_BYTES = 96,
    REELS__UPLOAD_DIGEST_BYTES = 1 + sizeof(((reels_digest *)0)->bytes),
    REELS__UPLOAD_NAME_BYTES = REELS_BLOB_UPLOAD_BYTES_MAX + 1
};

struct reels_uploads {
    reels_ctx *ctx;
    reels_catalog *catalog;
    reels_blob *blob;
    reels_id_generator *ids;
    reels_reel_store *reels;
    reels_upload_options options; /* defaults filled in */
    pthread_mutex_t lock;
    struct reels__map_u64 writing; /* under lock: uploads with a write or commit under way here */
};

/* The row of an upload. */
struct reels__upload {
    uint64_t reel_id;
    uint64_t person_id;
    uint64_t length; /* UINT64_MAX = not told yet */
    int64_t created_unix_us;
    int64_t expires_unix_us;
    uint32_t state;   /* REELS__UPLOAD_* */
    uint32_t checked; /* 1: the check function has said go on */
    uint64_t version;
    uint8_t token[16]; /* all zero = none */
    uint8_t
        digest[REELS__UPLOAD_DIGEST_BYTES];   /* that the commit gave: its kind (0 = none), bytes */
    char multipart[REELS__UPLOAD_NAME_BYTES]; /* name of the multipart upload, "" = none begun */
};

/* The row of a piece. */
struct reels__piece {
    uint64_t offset;
    uint64_t size;
    uint64_t checksum; /* xxh3 of its bytes */
    uint32_t kind;     /* REELS__PIECE_* */
    uint32_t reserved0;
};

/* The pieces of an upload in order of offset. */
struct reels__pieces {
    struct reels__piece *items;
    size_t count;
    uint64_t bytes;      /* all of them */
    uint64_t contiguous; /* every byte below it is there */
};

/* rows.c */
const reels_table *reels__upload_table(void);
const reels_table *reels__piece_table(void);
/* NOT_FOUND for somebody else's too; person_id 0 asks for nobody in particular. */
reels_status reels__upload_read(reels_uploads *uploads,
                                const reels_call *call,
                                uint64_t reel_id,
                                uint64_t person_id,
                                struct reels__upload *out,
                                reels_error *err);
/* Writes the row if nobody has since it was read (or if absent when version is 0), with up to 64
 * pieces that must be absent. CONFLICT when that does not hold. Raises upload->version. */
reels_status reels__upload_write(reels_uploads *uploads,
                                 const reels_call *call,
                                 struct reels__upload *upload,
                                 const struct reels__piece *pieces,
                                 size_t pieces_count,
                                 reels_error *err);
/* Makes an open upload GONE, so that no byte of it is acknowledged any more: what was written
 * meanwhile is CONFLICT. A closed one stays what it is. */
reels_status reels__upload_leave_to_erase(reels_uploads *uploads,
                                          const reels_call *call,
                                          struct reels__upload *upload,
                                          reels_error *err);
/* When an upload that saw a byte now expires. */
int64_t reels__upload_expires_at(const reels_uploads *uploads);
void reels__upload_from_row(const reels_value *row, uint64_t version, struct reels__upload *out);
reels_status reels__pieces_read(reels_uploads *uploads,
                                const reels_call *call,
                                uint64_t reel_id,
                                struct reels__pieces *out,
                                reels_error *err);
void reels__pieces_dispose(reels_uploads *uploads, struct reels__pieces *pieces);
/* Deletes the rows of pieces, and the upload's own when with_upload. */
reels_status reels__upload_rows_delete(reels_uploads *uploads,
                                       const reels_call *call,
                                       uint64_t reel_id,
                                       const struct reels__pieces *pieces,
                                       int with_upload,
                                       reels_error *err);

/* commit.c: does again what a commit has left that closed the upload and came no further. *out_over
 * is 1 when nothing is left to commit: it is committed, or never will be. */
reels_status reels__upload_finish(reels_uploads *uploads,
                                  const struct reels__upload *upload,
                                  int *out_over,
                                  reels_error *err);

/* pieces.c */
void reels__piece_key(uint64_t reel_id,
                      const struct reels__piece *piece,
                      char out[REELS__UPLOAD_KEY_BYTES]);
/* Makes the bytes durable and fills in piece->kind and checksum; acknowledges nothing. objects_only
 * keeps them removable. Begins the multipart upload (and writes its name to the row) when it is the
 * first. */
reels_status reels__piece_store(reels_uploads *uploads,
                                const reels_call *call,
                                struct reels__upload *upload,
                                const uint8_t *data,
                                int objects_only,
                                struct reels__piece *piece,
                                reels_error *err);
/* Removes the objects of pieces; their rows are another matter. */
reels_status reels__pieces_remove_objects(reels_uploads *uploads,
                                          const reels_call *call,
                                          uint64_t reel_id,
                                          const struct reels__piece *pieces,
                                          size_t count,
                                          reels_error *err);
/* Removes every object of an upload, also what a crash has left without a row. */
reels_status reels__pieces_remove_all(reels_uploads *uploads,
                                      const reels_call *call,
                                      uint64_t reel_id,
                                      reels_error *err);
/* Removes everything: objects, multipart upload, raw object, rows and the reel, if it never was
 * UPLOADED. */
reels_status reels__upload_erase(reels_uploads *uploads,
                                 const reels_call *call,
                                 const struct reels__upload *upload,
                                 reels_error *err);

/* uploads.c: one write or commit at a time for each upload in this process; BUSY otherwise. */
reels_status reels__upload_enter(reels_uploads *uploads, uint64_t reel_id, reels_error *err);
void reels__upload_leave(reels_uploads *uploads, uint64_t reel_id);
/* Whether the reel of a closed upload is UPLOADED or further on, or gone. A commit that failed
 * after it has closed the upload is to be done again. */
reels_status reels__upload_is_committed(reels_uploads *uploads,
                                        const reels_call *call,
                                        uint64_t reel_id,
                                        int *out_committed,
                                        reels_error *err);

#endif
