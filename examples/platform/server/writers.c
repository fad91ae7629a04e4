/* Owns which uploads are being written to: each by one request of a person at a time, from its
 * headers to its answer, so that an upload never holds more than one body in memory. Somebody else
 * neither keeps the creator out nor ends what they send: whose it is is asked afterwards. */
#include <sys/socket.h>

#include "server.h"

/* After so long without a byte a writer is taken for a connection that its client has left: who
 * comes next ends it, is told to come again, and goes on where it stopped. */
#define SILENT_US (INT64_C(5) * 1000000)

static int connection_socket(struct request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info != NULL ? info->connect_fd : -1;
}

void writers_heard(struct request *request, struct writer *writer)
{
    atomic_store(&writer->heard_mono_us, reels_ctx_now_mono_us(request->server->ctx));
}

int writers_enter(struct request *request, struct writer *writer, uint64_t reel_id)
{
    struct server *server = request->server;
    writer->reel_id = reel_id;
    writer->person_id = request->person_id;
    writer->socket = connection_socket(request);
    writers_heard(request, writer);
    (void)pthread_mutex_lock(&server->writers_lock);
    struct writer *other = server->writers;
    while (other != NULL && (other->reel_id != reel_id || other->person_id != writer->person_id)) {
        other = other->next;
    }
    if (other == NULL) {
        writer->entered = 1;
        writer->next = server->writers;
        server->writers = writer;
    } else if (reels_ctx_now_mono_us(server->ctx) - atomic_load(&other->heard_mono_us) >
               SILENT_US) {
        (void)shutdown(other->socket, SHUT_RDWR); /* open: it leaves before it is closed */
    }
    (void)pthread_mutex_unlock(&server->writers_lock);
    return writer->entered;
}

void writers_leave(struct request *request, struct writer *writer)
{
    struct server *server = request->server;
    if (!writer->entered) {
        return;
    }
    (void)pthread_mutex_lock(&server->writers_lock);
    struct writer **at = &server->writers;
    while (*at != writer) {
        at = &(*at)->next;
    }
    *at = writer->next;
    writer->entered = 0;
    (void)pthread_mutex_unlock(&server->writers_lock);
}
