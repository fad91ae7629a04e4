/* Owns what the ready-made outputs share: an object whose first member says which one it is. */
#ifndef REELS_SRC_HLS_OUTPUT_INTERNAL_H
#define REELS_SRC_HLS_OUTPUT_INTERNAL_H

#include <reels/hls/output.h>

/* The names of files that were finished, so that discard can remove them. */
struct reels__output_names {
    char (*items)[REELS_OUTPUT_NAME_BYTES_MAX + 1];
    size_t count;
    size_t capacity;
};

struct reels_output {
    reels_ctx *ctx;
    reels_output_vtable table;
    reels_status (*remove_all)(reels_output *output, reels_error *err); /* what discard does */
    void (*dispose)(reels_output *output); /* frees what the kind of output added, and output */
    struct reels__output_names finished;
    uint64_t bytes;
    uint32_t files_open;
    uint32_t flags;
};

/* Makes room for one more name, so that remembering it after the file is finished cannot fail. */
reels_status reels__output_names_reserve(reels_output *output, reels_error *err);
/* Remembers a name for which room was made; one that is there already is not added twice. */
void reels__output_names_add(reels_output *output, const char *name);

/* Reads a host's table at the door: INVALID_ARG without its must slots. */
reels_status reels__output_table_read(const reels_output_vtable *table,
                                      reels_output_vtable *out_copy,
                                      reels_error *err);

#endif
