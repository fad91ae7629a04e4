/* Owns trees of files in memory: an output and a source for the engine, and the ways in which tests
 * spoil them. Memory is malloc's. */
#ifndef REELS_TESTS_UNIT_HLS_MEMORY_H
#define REELS_TESTS_UNIT_HLS_MEMORY_H

#include "hls_fixture.h"

enum {
    HLS_FILES_MAX = 64
};

struct hls_file {
    char name[REELS_OUTPUT_NAME_BYTES_MAX + 1];
    uint8_t *data; /* with a NUL after it */
    size_t len;
    int finished;
    int aborted;
};

struct hls_files {
    struct hls_file items[HLS_FILES_MAX];
    size_t count;
    size_t open_count;
    /* Fails the n-th call of a slot (1 = the next); 0 = none. */
    size_t fail_at;
    size_t calls_count;
};

reels_output_vtable hls_files_output(void);
reels_verify_source_vtable hls_files_source(void);
void hls_files_dispose(struct hls_files *files);
void hls_files_copy(const struct hls_files *from, struct hls_files *to);
/* Packages a tree; ends the process when that fails. */
void hls_files_package(const struct hls_tree *tree, uint32_t packager_flags, struct hls_files *out);
void hls_files_write(const struct hls_files *files, const char *path);

struct hls_file *hls_files_find(struct hls_files *files, const char *name); /* asserts */
void hls_files_remove(struct hls_files *files, const char *name);
void hls_files_swap(struct hls_files *files, const char *a, const char *b);
/* Replaces every occurrence: how many. */
int hls_files_replace(struct hls_files *files, const char *name, const char *from, const char *to);
/* Takes the checksum comments out of all playlists. */
void hls_files_strip_hashes(struct hls_files *files);

struct hls_range {
    uint8_t *data;
    size_t len;
};
/* The bytes that the n-th EXT-X-BYTERANGE of a playlist names. */
struct hls_range hls_segment_range(struct hls_files *files, const char *playlist, size_t n);
/* Exchanges two EXT-X-BYTERANGE lines with their checksums. */
void hls_files_swap_segments(struct hls_files *files, const char *playlist, size_t a, size_t b);

#endif
