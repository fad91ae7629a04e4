/* Owns what tests need of the real disk: temporary folders, the shared vectors and media. Free of
 * Check. */
#ifndef REELS_TESTS_LIB_TEST_FILES_H
#define REELS_TESTS_LIB_TEST_FILES_H

#include <stddef.h>
#include <stdint.h>

enum {
    TEST_PATH_BYTES = 1024
};

/* Makes a fresh folder and writes its path; ends the process when it cannot. */
void test_temp_dir(char out_path[TEST_PATH_BYTES]);
/* Removes a folder with all that is in it. */
void test_temp_dir_remove(const char *path);

/* The folder "shared" beside the checkout (or REELS_SHARED_DIR), or NULL when it is absent. */
const char *test_shared_dir(void);
/* Writes the path of something in it: 1 when it exists, else 0. */
int test_shared_path(const char *name, char out_path[TEST_PATH_BYTES]);

/* A whole file from malloc with a NUL after it, or NULL. */
uint8_t *test_file_read(const char *path, size_t *out_len);
/* Writes a whole file: 1, or 0. */
int test_file_write(const char *path, const void *data, size_t len);

/* Calls entry for each regular file of a folder in the order of names: how many, or -1. */
int test_dir_walk(const char *path,
                  void (*entry)(void *user, const char *path, const char *name),
                  void *user);

#endif
