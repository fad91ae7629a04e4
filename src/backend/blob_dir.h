/* Owns what the files of the directory blob store share.
 *
 *     <root>/<key>                     an object, under its own name
 *     <root>/.reels/format, lock       see dir.h
 *     <root>/.reels/tmp/<number>       bytes on their way in; swept at open
 *     <root>/.reels/upload/<name>/     a multipart upload:
 *         meta    key, part size, time, checksum
 *         parts   one slot of 128 bytes per part number, each with its checksum
 *         data    the parts at their places; it becomes the object, and its absence says
 * "committed"
 *
 * Keys have no segment that begins with a dot, so none can reach the hidden folder. */
#ifndef REELS_SRC_BACKEND_BLOB_DIR_H
#define REELS_SRC_BACKEND_BLOB_DIR_H

#include <pthread.h>

#include <reels/backend/blob.h>

#include "base/ctx_internal.h"
#include "base/map.h"

enum {
    REELS__BLOB_IO_BYTES = 256 * 1024 /* what is read or written at once */
};

enum {
    REELS__BLOB_CLAIM_KEY = 1,   /* the making of an object under a key */
    REELS__BLOB_CLAIM_UPLOAD = 2 /* a part of an upload; number 0 = all of it */
};

/* Something that one call at a time may do. */
struct reels__blob_claim {
    struct reels__blob_claim *next;
    const char *name; /* borrowed from the call */
    uint32_t kind;
    uint32_t number;
};

struct reels__blob_dir {
    reels_ctx *ctx;
    char *root;
    char *tmp_path;
    char *upload_path;
    void *lock_file;
    pthread_mutex_t mutex; /* guards what follows; never held across a call of the file system */
    pthread_cond_t claim_ended;
    struct reels__blob_claim *claims;
    struct reels__map_bytes known; /* folders (as beginnings of keys) whose names are durable */
    uint64_t temp_next;
    uint64_t prunes_count;  /* folders taken away so far */
    uint32_t prunes_active; /* removals of folders that are under way */
    int64_t sweep_mono_us;  /* when committed uploads were looked through last */
};

/* blob_dir_tree.c */

/* Looks an object up without following symbolic links: NOT_FOUND also for what is no regular file.
 * path is "<root>/<key>" and is written to while it is walked. */
reels_status reels__blob_tree_find(struct reels__blob_dir *dir,
                                   char *path,
                                   reels_fs_info *out_info,
                                   reels_error *err);

/* Makes the folders of a key, durably. CONFLICT when an object has the name of one. */
reels_status reels__blob_tree_make(struct reels__blob_dir *dir, const char *key, reels_error *err);

/* Forgets that the folders of a key are there. */
void reels__blob_tree_forget(struct reels__blob_dir *dir, const char *key);

/* Takes away the folders of a key that are empty. */
void reels__blob_tree_prune(struct reels__blob_dir *dir, const char *key);

reels_status reels__blob_tree_list(void *impl,
                                   const reels_call *call,
                                   const char *prefix,
                                   const char *after,
                                   uint32_t limit,
                                   reels_blob_entry_fn entry,
                                   void *entry_user,
                                   reels_error *err);

/* blob_dir.c */

/* "<root>/<key>", or NULL when memory is refused. */
char *reels__blob_path(struct reels__blob_dir *dir, const char *key);

void reels__blob_info_fill(reels_blob_info *out, const reels_fs_info *info);

/* Takes a claim; one that is held by another call is waited for, or BUSY. */
reels_status reels__blob_claim_take(struct reels__blob_dir *dir,
                                    struct reels__blob_claim *claim,
                                    int wait,
                                    reels_error *err);
void reels__blob_claim_drop(struct reels__blob_dir *dir, struct reels__blob_claim *claim);

/* Makes the synced file `draft` the object of a key, durably; the rule of put when something is
 * there. When keeps_draft is set and the file system has links, the draft's name stays until the
 * object is durable, so that no moment exists at which a power cut loses both. */
reels_status reels__blob_publish(struct reels__blob_dir *dir,
                                 const char *draft,
                                 const char *key,
                                 int keeps_draft,
                                 reels_blob_info *out_info,
                                 reels_error *err);

/* blob_dir_parts.c */
reels_status reels__blob_parts_begin(void *impl,
                                     const reels_call *call,
                                     const char *key,
                                     uint64_t part_size_bytes,
                                     reels_buf *out_upload,
                                     reels_error *err);
reels_status reels__blob_parts_put(void *impl,
                                   const reels_call *call,
                                   const char *key,
                                   const char *upload,
                                   uint32_t number,
                                   const reels_blob_source *source,
                                   reels_error *err);
reels_status reels__blob_parts_list(void *impl,
                                    const reels_call *call,
                                    const char *key,
                                    const char *upload,
                                    uint32_t after,
                                    uint32_t limit,
                                    reels_blob_part_fn part,
                                    void *part_user,
                                    reels_error *err);
reels_status reels__blob_parts_commit(void *impl,
                                      const reels_call *call,
                                      const char *key,
                                      const char *upload,
                                      uint32_t parts_count,
                                      reels_blob_info *out_info,
                                      reels_error *err);
reels_status reels__blob_parts_abort(
    void *impl, const reels_call *call, const char *key, const char *upload, reels_error *err);

/* Removes uploads that were committed more than 24 hours ago or never came to be. */
reels_status reels__blob_parts_sweep(struct reels__blob_dir *dir, reels_error *err);

#endif
