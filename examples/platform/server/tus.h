/* Owns what the files of tus uploads share: the body of a request, and the reading of headers. */
#ifndef TUS_H
#define TUS_H

#include <openssl/evp.h>

#include "server.h"

enum {
    METADATA_BYTES_MAX = 8192,
    DIGEST_BYTES_MAX = 64
};

struct upload_body {
    uint64_t reel_id;
    uint64_t offset; /* durable so far */
    uint64_t length; /* UINT64_MAX = not told */
    uint8_t *data;
    size_t len;
    size_t capacity;
    const EVP_MD *algorithm; /* NULL = no checksum */
    uint8_t digest[DIGEST_BYTES_MAX];
    size_t digest_len;
    int creates; /* POST: answered 201 */
    int told;    /* and then its client knows of it */
    struct writer writer;
};

struct metadata {
    char filename[1024];
    char caption[REELS_CAPTION_BYTES_MAX * 2];
    char visibility[64];
};

/* Each gives 0 after having answered, but for tus_number. */
int tus_version(struct request *request);
/* A header that holds a number: 1 = there, 0 = not there, -1 after having answered. */
int tus_number(struct request *request, const char *name, uint64_t *out);
/* Upload-Checksum, when there is one. */
int tus_checksum(struct request *request, struct upload_body *body);
int tus_metadata(struct request *request, struct metadata *out);
/* A time as HTTP writes it (RFC 9110, 5.6.7). */
void tus_date(int64_t unix_us, char out[64]);

#endif
