/* The ports: tables of functions through which a host brings its own infrastructure. Each port has
 * its own header; a port is opened by URL, or made from a host's table. */
#ifndef REELS_BACKEND_H
#define REELS_BACKEND_H

#include <reels/backend/blob.h>
#include <reels/backend/cache.h>
#include <reels/backend/catalog.h>
#include <reels/backend/cdn.h>
#include <reels/backend/classifier.h>
#include <reels/backend/embed.h>
#include <reels/backend/model.h>
#include <reels/backend/open.h>
#include <reels/backend/push.h>
#include <reels/backend/queue.h>
#include <reels/backend/record.h>
#include <reels/backend/stats.h>

#endif
