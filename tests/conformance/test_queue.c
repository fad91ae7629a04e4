/* Every embedded queue keeps the promises of its port. */
#include "harness.h"

static reels_status open_queue(reels_ctx *ctx, const char *url, void **out, reels_error *err)
{
    reels_queue *queue = NULL;
    reels_status status = reels_queue_open(ctx, url, &queue, err);
    *out = queue;
    return status;
}

static void free_queue(void *port)
{
    reels_queue_free(port);
}

static const struct harness_port port = {open_queue, free_queue};

START_TEST(test_queue_mem_conforms)
{
    harness_run(reels_conformance_queue, &port, "mem:", 0, 16);
}
END_TEST

START_TEST(test_queue_segments_conform)
{
    harness_run(reels_conformance_queue, &port, "file:/queues/%d", HARNESS_KEEPS, 19);
}
END_TEST

START_TEST(test_queue_small_segments_conform)
{
    harness_run(
        reels_conformance_queue, &port, "file:/queues/%d?segment_bytes=65536", HARNESS_KEEPS, 19);
}
END_TEST

START_TEST(test_queue_segments_on_the_disk_conform)
{
    harness_run(reels_conformance_queue, &port, "file:queues/%d", HARNESS_KEEPS | HARNESS_DISK, 17);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conformance-queue");
    TCase *cases = tcase_create("queue");
    tcase_set_timeout(cases, 240);
    tcase_add_test(cases, test_queue_mem_conforms);
    tcase_add_test(cases, test_queue_segments_conform);
    tcase_add_test(cases, test_queue_small_segments_conform);
    tcase_add_test(cases, test_queue_segments_on_the_disk_conform);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
