/* Owns how long a connection may take to say what it wants. MHD ends only those that are silent, so
 * that a client that dribbles could hold one for as long as it likes, and all of them lock
 * everybody out. One thread ends those that are late: when all are taken no new one comes to do it.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "server.h"

enum {
    STEP_S = 1,
    NEVER = 0
};

struct deadline {
    struct deadline *next;
    struct deadline **link; /* what points here */
    int socket;
    time_t due_s; /* of the monotonic clock, or NEVER */
};

struct deadlines {
    pthread_mutex_t lock;
    pthread_cond_t stop;
    pthread_t thread;
    int stopped;
    struct deadline *first;
};

static time_t now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void *end_late(void *arg)
{
    struct deadlines *deadlines = arg;
    (void)pthread_mutex_lock(&deadlines->lock);
    while (!deadlines->stopped) {
        struct timespec until = {.tv_sec = now_s() + STEP_S};
        (void)pthread_cond_timedwait(&deadlines->stop, &deadlines->lock, &until);
        time_t now = now_s();
        for (struct deadline *at = deadlines->first; at != NULL; at = at->next) {
            if (at->due_s != NEVER && at->due_s < now) {
                /* Its own thread hears of it and closes: the number is good until it is off the
                 * list. */
                (void)shutdown(at->socket, SHUT_RDWR);
                at->due_s = NEVER;
            }
        }
    }
    (void)pthread_mutex_unlock(&deadlines->lock);
    return NULL;
}

struct deadlines *deadlines_new(void)
{
    struct deadlines *deadlines = calloc(1, sizeof(*deadlines));
    pthread_condattr_t monotonic;
    if (deadlines == NULL) {
        return NULL;
    }
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&deadlines->lock, NULL);
    (void)pthread_cond_init(&deadlines->stop, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if (pthread_create(&deadlines->thread, NULL, end_late, deadlines) != 0) {
        (void)pthread_cond_destroy(&deadlines->stop);
        (void)pthread_mutex_destroy(&deadlines->lock);
        free(deadlines);
        return NULL;
    }
    return deadlines;
}

void deadlines_free(struct deadlines *deadlines)
{
    if (deadlines == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&deadlines->lock);
    deadlines->stopped = 1;
    (void)pthread_cond_signal(&deadlines->stop);
    (void)pthread_mutex_unlock(&deadlines->lock);
    (void)pthread_join(deadlines->thread, NULL);
    (void)pthread_cond_destroy(&deadlines->stop);
    (void)pthread_mutex_destroy(&deadlines->lock);
    free(deadlines);
}

static void set(struct deadlines *deadlines, struct deadline *deadline, int seconds)
{
    (void)pthread_mutex_lock(&deadlines->lock);
    deadline->due_s = seconds > 0 ? now_s() + seconds : NEVER;
    (void)pthread_mutex_unlock(&deadlines->lock);
}

void deadline_set(struct request *request, int seconds)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info != NULL && info->socket_context != NULL) {
        set(request->server->deadlines, info->socket_context, seconds);
    }
}

void deadlines_notify(void *cls,
                      struct MHD_Connection *connection,
                      void **socket_context,
                      enum MHD_ConnectionNotificationCode code)
{
    struct deadlines *deadlines = cls;
    struct deadline *deadline = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        deadline = info != NULL ? calloc(1, sizeof(*deadline)) : NULL;
        if (deadline == NULL) {
            return; /* it has none then */
        }
        deadline->socket = info->connect_fd;
        *socket_context = deadline;
        (void)pthread_mutex_lock(&deadlines->lock);
        deadline->due_s = now_s() + DEADLINE_HEADERS_S;
        deadline->next = deadlines->first;
        deadline->link = &deadlines->first;
        if (deadline->next != NULL) {
            deadline->next->link = &deadline->next;
        }
        deadlines->first = deadline;
        (void)pthread_mutex_unlock(&deadlines->lock);
    } else if (deadline != NULL) {
        (void)pthread_mutex_lock(&deadlines->lock);
        *deadline->link = deadline->next;
        if (deadline->next != NULL) {
            deadline->next->link = deadline->link;
        }
        (void)pthread_mutex_unlock(&deadlines->lock);
        *socket_context = NULL;
        free(deadline);
    }
}
