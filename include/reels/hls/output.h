/* Owns the place where produced files go: a table for hosts, and ready-made outputs. */
#ifndef REELS_HLS_OUTPUT_H
#define REELS_HLS_OUTPUT_H

#include <reels/backend/blob.h>
#include <reels/base.h>

REELS_BEGIN_DECLS

enum {
    REELS_OUTPUT_NAME_BYTES_MAX = 127 /**< longest file name that is ever handed to an output */
};

/**
 * Where files go. Used as (table, impl); the table is copied by whoever takes it, so it may lie on
 * the stack.
 *
 * Names are 1 to REELS_OUTPUT_NAME_BYTES_MAX bytes of [A-Za-z0-9._-], do not start with a dot, and
 * hold no directory: whoever calls an output checks that first, so a name never leaves the place.
 * Several files are open at once; calls come from the thread that called the engine and never
 * overlap. Slots may block and must not call back into the object that called them. A file that was
 * begun ends in exactly one of finish and abort, whatever they return.
 */
typedef struct reels_output_vtable {
    uint32_t struct_size;
    uint32_t reserved0;
    /** must. Starts a file; content_type such as "video/mp4". name and content_type are borrowed
     * for the call. *out_file is handed to the other slots. A failure ends the work with the same
     * status. */
    reels_status (*begin)(
        void *impl, const char *name, const char *content_type, void **out_file, reels_error *err);
    /** must. Appends all len bytes or fails; data is borrowed for the call. */
    reels_status (*write)(
        void *impl, void *file, const uint8_t *data, size_t len, reels_error *err);
    /** must. The file is complete and, on REELS_OK, may be seen by readers: in full or not at all.
     * file is gone afterwards. */
    reels_status (*finish)(void *impl, void *file, reels_error *err);
    /** must. Forgets the file without a trace. file is gone afterwards. */
    void (*abort)(void *impl, void *file);
} reels_output_vtable;

/**
 * Tells whether a name may be handed to an output: 1 to REELS_OUTPUT_NAME_BYTES_MAX bytes of
 * [A-Za-z0-9._-], no leading dot.
 *
 * @param name  NUL-terminated; NULL gives 0
 * @return 1 when it may, else 0
 * @ownership     name is borrowed for the call
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API int32_t reels_output_name_is_valid(const char *name);

/** A ready-made output: its table is reels_output_table(), its impl the object itself.
 * @threadsafety one thread at a time */
typedef struct reels_output reels_output;

enum {
    REELS_OUTPUT_REPLACE =
        1 /**< a file of the same name is replaced; without it begin gives REELS_ERR_EXISTS */
};

/**
 * Makes an output that puts files into one directory, through the context's file system.
 *
 * A file is written under a hidden temporary name, synced, and renamed when it is finished, and the
 * directory is synced: a finished file survives a power cut, an unfinished one is never seen. The
 * directory is made when it is missing (its parent must be there).
 *
 * @param      ctx    context
 * @param      path   the directory, UTF-8
 * @param      flags  REELS_OUTPUT_*
 * @param[out] out    the output, NULL on failure
 * @param[out] err    detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for an empty path or unknown flags; REELS_ERR_NOT_FOUND
 * without a parent directory; REELS_ERR_EXISTS when path is there and not a directory;
 * REELS_ERR_IO; REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out; path is copied
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_output_directory_new(
    reels_ctx *ctx, const char *path, uint32_t flags, reels_output **out, reels_error *err);

/**
 * Makes an output that puts files into a blob store under prefix + name.
 *
 * Each file is one object, seen whole or not at all, durable when it is finished. It is gathered in
 * memory up to 8 MiB and goes on as a multipart upload where the store has that; elsewhere up to 1
 * GiB is held. A key that is there already with other bytes gives REELS_ERR_EXISTS at finish. The
 * content type is not stored: whoever serves the objects derives it from the name.
 *
 * @param      ctx     context
 * @param      blob    the store
 * @param      prefix  "" or the start of a legal key that ends with '/'
 * @param      call    deadline and cancel of all calls to the store; may be NULL
 * @param[out] out     the output, NULL on failure
 * @param[out] err     detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_INVALID_ARG for a prefix that is not legal; REELS_ERR_NO_MEMORY
 * @ownership     the caller owns *out; blob and call are borrowed and must outlive it; prefix is
 * copied
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API reels_status reels_output_blob_new(reels_ctx *ctx,
                                             reels_blob *blob,
                                             const char *prefix,
                                             const reels_call *call,
                                             reels_output **out,
                                             reels_error *err);

/**
 * Gives the table of a ready-made output; the impl that goes with it is the reels_output itself.
 *
 * @param output  output
 * @return never NULL
 * @ownership     borrowed until output is freed
 * @threadsafety  any thread
 * @since 0.1
 */
REELS_API const reels_output_vtable *reels_output_table(const reels_output *output);

/**
 * Gives how many bytes were written to files that were finished.
 *
 * @param output  output
 * @return bytes
 * @ownership     none
 * @threadsafety  one thread at a time per output
 * @since 0.1
 */
REELS_API uint64_t reels_output_bytes(const reels_output *output);

/**
 * Removes every file that this output has finished, and the directory if it made it and it is now
 * empty. What was replaced under REELS_OUTPUT_REPLACE does not come back. Files still open must
 * have been aborted before. Goes on after a failure and reports the first one.
 *
 * @param      output  output
 * @param[out] err     detail on failure; may be NULL
 * @return REELS_OK; REELS_ERR_STATE while a file is open; REELS_ERR_IO and what a store behind it
 * gives
 * @ownership     none; the output can be used again
 * @threadsafety  one thread at a time per output
 * @since 0.1
 */
REELS_API reels_status reels_output_discard(reels_output *output, reels_error *err);

/**
 * Frees an output. Finished files stay. No file may be open.
 *
 * @param output  NULL does nothing
 * @ownership     takes output
 * @threadsafety  one thread, once
 * @since 0.1
 */
REELS_API void reels_output_free(reels_output *output);

REELS_END_DECLS

#endif
