/* A host that defines the names over which static libraries clash; linking it with the archive is
 * the test, running it shows that the library calls its own functions and not these. */
#include <stdio.h>
#include <stdlib.h>

#include <reels/reels.h>

#define HOST_NAME(name)                                                                            \
    void name(void);                                                                               \
    void name(void)                                                                                \
    {                                                                                              \
        abort();                                                                                   \
    }

HOST_NAME(log_init)
HOST_NAME(log_write)
HOST_NAME(log_message)
HOST_NAME(error_set)
HOST_NAME(fail)
HOST_NAME(buffer_new)
HOST_NAME(buffer_append)
HOST_NAME(buf_append)
HOST_NAME(hash_init)
HOST_NAME(hash_update)
HOST_NAME(map_get)
HOST_NAME(map_put)
HOST_NAME(list_add)
HOST_NAME(arena_alloc)
HOST_NAME(mem_alloc)
HOST_NAME(sha256_init)
HOST_NAME(sha256_update)
HOST_NAME(hmac)
HOST_NAME(base64_encode)
HOST_NAME(crc32)
HOST_NAME(json_parse)
HOST_NAME(proto_read)
HOST_NAME(utf8_check)
HOST_NAME(parse_uint)
HOST_NAME(clamp)
HOST_NAME(thread_pool_new)
HOST_NAME(queue_push)
HOST_NAME(queue_pop)
HOST_NAME(ring_push)
HOST_NAME(cache_get)
HOST_NAME(probe)
HOST_NAME(encode)
HOST_NAME(decode)
HOST_NAME(version)
HOST_NAME(init)
HOST_NAME(cleanup)

int main(void)
{
    reels_ctx *ctx = NULL;
    reels_buf *buf = NULL;

    if (reels_ctx_new(NULL, &ctx, NULL) != REELS_OK) {
        return 1;
    }
    if (reels_buf_new(ctx, 0, &buf, NULL) != REELS_OK ||
        reels_buf_append(buf, (const uint8_t *)"linked", 6, NULL) != REELS_OK) {
        reels_ctx_free(ctx);
        return 1;
    }
    puts((const char *)reels_buf_data(buf));
    reels_buf_free(buf);
    reels_ctx_free(ctx);
    return 0;
}
