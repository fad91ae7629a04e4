/* What the packager promises. */
#include <stdio.h>
#include <string.h>

#include "hls_fixture.h"

START_TEST(test_packager_smoke)
{
    struct test_env env;
    struct hls_tree tree;
    char path[TEST_PATH_BYTES];
    test_env_init(&env, 0);
    hls_tree_make(&tree);
    test_temp_dir(path);
    test_ok(&env, hls_tree_package(env.ctx, &tree, NULL, path, &env.err));
    test_temp_dir_remove(path);
    hls_tree_free(&tree);
    test_env_dispose(&env);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("packager");
    TCase *tcase = tcase_create("packager");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_packager_smoke);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
