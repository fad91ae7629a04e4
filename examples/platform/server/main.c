/* Owns the program: its options, its life, and the threads on which the platform's roles run. */
#include <arpa/inet.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server.h"

enum {
    CONNECTIONS_MAX = 512,
    ROLE_THREADS = 3
};

struct options {
    const char *data_path;
    const char *web_path;
    const char *openapi_path;
    const char *media_worker_path;
    uint16_t port;
    int demo_mode;
    int64_t counter_window_us;
    int quiet;
};

struct roles {
    struct server *server;
    reels_cancel *cancel;
    reels_status status;
};

static const char usage[] =
    "Usage: reels-platform [OPTION...]\n"
    "Serves a short-video platform on 127.0.0.1: the example of libreels.\n\n"
    "  --data DIR           where everything is kept (./reels-data)\n"
    "  --port N             port (8080)\n"
    "  --web DIR            the web app (index.html and assets/)\n"
    "  --openapi FILE       the contract that is served at /openapi.yaml\n"
    "  --media-worker FILE  the executable that handles media\n"
    "  --no-demo            POST /v1/token is answered 404\n"
    "  --window-ms N        how often counts are stored (1000)\n"
    "  --quiet              no log\n"
    "  --help               this text\n";

static void write_log(void *user, int32_t level, const char *message, size_t message_len)
{
    static const char *const levels[] = {"", "error", "warning", "info", "debug"};
    (void)user;
    (void)fprintf(stderr, "reels-platform: %s: %.*s\n", levels[level], (int)message_len, message);
}

static int read_options(int argc, char **argv, struct options *out)
{
    static const struct option options[] = {{"data", required_argument, NULL, 'd'},
                                            {"port", required_argument, NULL, 'p'},
                                            {"web", required_argument, NULL, 'w'},
                                            {"openapi", required_argument, NULL, 'o'},
                                            {"media-worker", required_argument, NULL, 'm'},
                                            {"no-demo", no_argument, NULL, 'n'},
                                            {"window-ms", required_argument, NULL, 'c'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option = 0;
    *out = (struct options){.data_path = "reels-data",
                            .web_path = WEB_PATH,
                            .openapi_path = OPENAPI_PATH,
                            .port = 8080,
                            .demo_mode = 1,
                            .counter_window_us = 1000000};
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        char *end = NULL;
        long number = optarg != NULL ? strtol(optarg, &end, 10) : 0;
        int is_number = optarg != NULL && end != optarg && *end == '\0';
        switch (option) {
        case 'd':
            out->data_path = optarg;
            break;
        case 'w':
            out->web_path = optarg;
            break;
        case 'o':
            out->openapi_path = optarg;
            break;
        case 'm':
            out->media_worker_path = optarg;
            break;
        case 'n':
            out->demo_mode = 0;
            break;
        case 'q':
            out->quiet = 1;
            break;
        case 'p':
            if (!is_number || number < 1 || number > 65535) {
                return 2;
            }
            out->port = (uint16_t)number;
            break;
        case 'c':
            if (!is_number || number < 1 || number > 60000) {
                return 2;
            }
            out->counter_window_us = number * 1000;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return 1;
        default:
            return 2;
        }
    }
    return optind == argc ? 0 : 2;
}

static int open_platform(struct server *server, const struct options *options)
{
    reels_error err = {.struct_size = sizeof(err)};
    reels_platform_config config = {.struct_size = sizeof(config),
                                    .data_path = options->data_path,
                                    .media_worker_path = options->media_worker_path,
                                    .counter_window_us = options->counter_window_us};
    config.upload.struct_size = sizeof(config.upload);
    config.upload.bytes_max = server->upload_bytes_max;
    reels_status status = reels_platform_open(server->ctx, &config, &server->platform, &err);
    if (status == REELS_OK) {
        status = people_open(server, &err);
    }
    if (status != REELS_OK) {
        (void)fprintf(stderr, "reels-platform: %s: %s\n", reels_status_name(status), err.message);
        return 0;
    }
    if (!auth_key_open(server, options->data_path)) {
        (void)fprintf(stderr,
                      "reels-platform: the key of tokens cannot be read or made in %s\n",
                      options->data_path);
        return 0;
    }
    return 1;
}

static void *run_roles(void *arg)
{
    struct roles *roles = arg;
    reels_error err = {.struct_size = sizeof(err)};
    reels_call call = {.struct_size = sizeof(call), .cancel = roles->cancel};
    roles->status =
        reels_platform_run(roles->server->platform, &call, REELS_ROLES_ALL, ROLE_THREADS, &err);
    if (roles->status != REELS_OK) {
        (void)fprintf(
            stderr, "reels-platform: %s: %s\n", reels_status_name(roles->status), err.message);
        (void)kill(getpid(), SIGTERM);
    }
    return NULL;
}

/* The port is this server's alone. MHD takes one that has just been given up; its option to reuse
 * an address would let two servers share a port, and each get half of the requests. */
static struct MHD_Daemon *start_http(struct server *server, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                                MHD_USE_POLL,
                            port,
                            NULL,
                            NULL,
                            http_access,
                            server,
                            MHD_OPTION_SOCK_ADDR,
                            (struct sockaddr *)&address,
                            MHD_OPTION_NOTIFY_COMPLETED,
                            http_completed,
                            NULL,
                            MHD_OPTION_UNESCAPE_CALLBACK,
                            http_unescape,
                            NULL,
                            MHD_OPTION_NOTIFY_CONNECTION,
                            deadlines_notify,
                            server->deadlines,
                            MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)CONNECTIONS_MAX,
                            MHD_OPTION_CONNECTION_TIMEOUT,
                            (unsigned)CONNECTION_IDLE_S,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)(256 * 1024),
                            MHD_OPTION_END);
}

/* Serves until a signal comes. */
static int serve(struct server *server, const struct options *options, const sigset_t *signals)
{
    struct roles roles = {.server = server};
    pthread_t thread;
    int signal_number = 0;
    if (reels_cancel_new(server->ctx, &roles.cancel, NULL) != REELS_OK) {
        return 1;
    }
    struct MHD_Daemon *daemon = start_http(server, options->port);
    if (daemon == NULL) {
        (void)fprintf(
            stderr, "reels-platform: port %u cannot be opened on 127.0.0.1\n", options->port);
        reels_cancel_free(roles.cancel);
        return 1;
    }
    if (pthread_create(&thread, NULL, run_roles, &roles) != 0) {
        MHD_stop_daemon(daemon);
        reels_cancel_free(roles.cancel);
        return 1;
    }
    server->state = SERVER_READY;
    (void)printf("http://127.0.0.1:%u/\n", options->port);
    (void)fflush(stdout);
    (void)sigwait(signals, &signal_number);
    server->state = SERVER_STOPPING;
    MHD_stop_daemon(daemon);
    reels_cancel_raise(roles.cancel);
    (void)pthread_join(thread, NULL);
    reels_cancel_free(roles.cancel);
    return roles.status == REELS_OK ? 0 : 1;
}

static int run(const struct options *options, const sigset_t *signals)
{
    struct server *server = calloc(1, sizeof(*server));
    reels_error err = {.struct_size = sizeof(err)};
    int result = 1;
    if (server == NULL || (server->metrics = metrics_new()) == NULL ||
        (server->deadlines = deadlines_new()) == NULL) {
        if (server != NULL) {
            metrics_free(server->metrics);
        }
        free(server);
        return 1;
    }
    reels_log log = {.struct_size = sizeof(log), .level_max = REELS_LOG_WARN, .write = write_log};
    reels_metrics metrics = metrics_hook(server->metrics);
    reels_ctx_options ctx_options = {.struct_size = sizeof(ctx_options),
                                     .log = options->quiet ? NULL : &log,
                                     .metrics = &metrics};
    server->web_path = options->web_path;
    server->openapi_path = options->openapi_path;
    server->demo_mode = options->demo_mode;
    server->upload_bytes_max = 256ULL * 1024 * 1024;
    (void)pthread_mutex_init(&server->writers_lock, NULL);
    if (reels_ctx_new(&ctx_options, &server->ctx, &err) != REELS_OK) {
        (void)fprintf(stderr, "reels-platform: %s\n", err.message);
    } else if (open_platform(server, options)) {
        result = serve(server, options, signals);
    }
    reels_platform_free(server->platform);
    reels_ctx_free(server->ctx);
    deadlines_free(server->deadlines);
    metrics_free(server->metrics);
    (void)pthread_mutex_destroy(&server->writers_lock);
    free(server);
    return result;
}

int main(int argc, char **argv)
{
    struct options options;
    sigset_t signals;
    int stop = read_options(argc, argv, &options);
    if (stop != 0) {
        if (stop == 2) {
            (void)fputs(usage, stderr);
        }
        return stop == 2 ? 2 : 0;
    }
    (void)umask(077);
    /* Signals are taken by sigwait() alone; a client that goes away is no signal. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    return run(&options, &signals);
}
