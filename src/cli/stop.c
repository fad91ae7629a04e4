/* Owns the signals that ask for an end. */
#include "stop.h"

#include <signal.h>

/* Raised by the handler, which may do this and no more. */
static reels_cancel *stop;

static void stop_handler(int signal_number)
{
    (void)signal_number;
    reels_cancel_raise(stop);
}

static void signals_set(void (*handler)(int))
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = handler, .sa_flags = (int)SA_RESETHAND};
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction before;
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            (void)sigaction(signals[i], &action, NULL);
        }
    }
}

int cli_stop_begin(reels_ctx *ctx, const char *what)
{
    reels_error err = {.struct_size = sizeof err};
    reels_status status = reels_cancel_new(ctx, &stop, &err);
    if (status != REELS_OK) {
        return cli_fail_status(what, status, &err);
    }
    signals_set(stop_handler);
    return CLI_OK;
}

const reels_cancel *cli_stop_flag(void)
{
    return stop;
}

void cli_stop_end(void)
{
    signals_set(SIG_DFL);
    reels_cancel_free(stop);
    stop = NULL;
}
