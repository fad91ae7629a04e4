/* The ports: tables of functions through which a host brings its own infrastructure. Each port has
 * its own header; a port is opened by URL, or made from a host's table. */
#ifndef REELS_BACKEND_H
#define REELS_BACKEND_H

#include <reels/backend/catalog.h>
#include <reels/backend/open.h>
#include <reels/backend/record.h>
#include <reels/backend/stats.h>

#endif
