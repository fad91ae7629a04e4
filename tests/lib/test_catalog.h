/* A catalog that hands every call on to another one. A test copies the table and puts its own
 * function where it wants a failure. */
#ifndef REELS_TEST_CATALOG_H
#define REELS_TEST_CATALOG_H

#include <reels/backend/catalog.h>

/* The impl, or the first member of it. The inner catalog is freed with the outer one. */
struct test_catalog_over {
    reels_catalog *inner;
};

extern const reels_catalog_vtable test_catalog_over_table;

#endif
