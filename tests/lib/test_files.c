#include "test_files.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void test_temp_dir(char out_path[TEST_PATH_BYTES])
{
    const char *base = getenv("TMPDIR");
    int n =
        snprintf(out_path, TEST_PATH_BYTES, "%s/reels-test-XXXXXX", base != NULL ? base : "/tmp");
    if (n <= 0 || n >= TEST_PATH_BYTES || mkdtemp(out_path) == NULL) {
        perror("test_temp_dir");
        abort();
    }
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *place)
{
    (void)st;
    (void)kind;
    (void)place;
    return remove(path);
}

void test_temp_dir_remove(const char *path)
{
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *test_shared_dir(void)
{
    static const char beside[] = TEST_SOURCE_ROOT "/../shared";
    const char *given = getenv("REELS_SHARED_DIR");
    const char *path = given != NULL ? given : beside;
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? path : NULL;
}

int test_shared_path(const char *name, char out_path[TEST_PATH_BYTES])
{
    const char *root = test_shared_dir();
    if (root == NULL) {
        return 0;
    }
    int n = snprintf(out_path, TEST_PATH_BYTES, "%s/%s", root, name);
    return n > 0 && n < TEST_PATH_BYTES && access(out_path, R_OK) == 0;
}

uint8_t *test_file_read(const char *path, size_t *out_len)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    uint8_t *data = NULL;
    struct stat st;
    if (fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode)) {
        size_t size = (size_t)st.st_size;
        data = malloc(size + 1);
        if (data != NULL && fread(data, 1, size, file) == size) {
            data[size] = 0;
            *out_len = size;
        } else {
            free(data);
            data = NULL;
        }
    }
    (void)fclose(file);
    return data;
}

int test_file_write(const char *path, const void *data, size_t len)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return 0;
    }
    size_t written = len > 0 ? fwrite(data, 1, len, file) : 0;
    return fclose(file) == 0 && written == len;
}

int test_dir_walk(const char *path,
                  void (*entry)(void *user, const char *path, const char *name),
                  void *user)
{
    struct dirent **names = NULL;
    int count = scandir(path, &names, NULL, alphasort);
    int files = count < 0 ? -1 : 0;
    for (int i = 0; i < count; i++) {
        char full[TEST_PATH_BYTES];
        struct stat st;
        int n = snprintf(full, sizeof full, "%s/%s", path, names[i]->d_name);
        if (n > 0 && (size_t)n < sizeof full && stat(full, &st) == 0 && S_ISREG(st.st_mode)) {
            entry(user, full, names[i]->d_name);
            files++;
        }
        free(names[i]);
    }
    free(names);
    return files;
}
