/* Runs a fuzz target over every file of the folders it is given, as an ordinary test that speaks
 * TAP. Each input is also cut short in the middle, and lies in a block of exactly its size. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "test_files.h"

static void run_exact(const uint8_t *data, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    fuzz_assert(exact != NULL);
    if (len > 0) {
        memcpy(exact, data, len);
    }
    (void)LLVMFuzzerTestOneInput(exact, len);
    free(exact);
}

static void run_file(void *user, const char *path, const char *name)
{
    int *count = user;
    size_t len = 0;
    uint8_t *data = test_file_read(path, &len);
    fuzz_assert(data != NULL);
    run_exact(data, len);
    run_exact(data, len / 2);
    free(data);
    (*count)++;
    (void)printf("ok %d - %s\n", *count, name);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    int count = 0;
    run_exact(NULL, 0);
    for (int i = 1; i < argc; i++) {
        if (test_dir_walk(argv[i], run_file, &count) <= 0) {
            (void)printf("Bail out! no corpus in %s\n", argv[i]);
            return EXIT_FAILURE;
        }
    }
    (void)printf("1..%d\n", count);
    return EXIT_SUCCESS;
}
