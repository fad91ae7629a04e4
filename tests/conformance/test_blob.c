/* Every embedded blob store keeps the promises of its port. */
#include "harness.h"

static reels_status open_blob(reels_ctx *ctx, const char *url, void **out, reels_error *err)
{
    reels_blob *blob = NULL;
    reels_status status = reels_blob_open(ctx, url, &blob, err);
    *out = blob;
    return status;
}

static void free_blob(void *port)
{
    reels_blob_free(port);
}

static const struct harness_port port = {open_blob, free_blob};

START_TEST(test_blob_mem_conforms)
{
    harness_run(reels_conformance_blob, &port, "mem:", 0, 13);
}
END_TEST

START_TEST(test_blob_directory_conforms)
{
    harness_run(reels_conformance_blob, &port, "file:/stores/%d", HARNESS_KEEPS, 21);
}
END_TEST

START_TEST(test_blob_directory_on_the_disk_conforms)
{
    harness_run(reels_conformance_blob, &port, "file:stores/%d", HARNESS_KEEPS | HARNESS_DISK, 19);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conformance-blob");
    TCase *cases = tcase_create("blob");
    tcase_set_timeout(cases, 240);
    tcase_add_test(cases, test_blob_mem_conforms);
    tcase_add_test(cases, test_blob_directory_conforms);
    tcase_add_test(cases, test_blob_directory_on_the_disk_conforms);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
