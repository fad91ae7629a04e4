/* Owns the drawing of the progress bar, ten times a second at most. */
#include "progress.h"

#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
    DRAW_EVERY_US = 100000,
    COLUMNS_DEFAULT = 80,
    COLUMNS_MAX = 200,
    BESIDE_BAR = 34, /* columns of percentage, times and spaces */
    BAR_MIN = 10
};

static int64_t mono_us(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void cli_progress_begin(struct cli_progress *progress, int is_wanted)
{
    *progress = (struct cli_progress){
        .is_shown = is_wanted && isatty(STDERR_FILENO),
        .begin_us = mono_us(),
    };
}

static int columns(void)
{
    struct winsize size = {0};
    int count = COLUMNS_DEFAULT;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        count = size.ws_col;
    }
    return count < COLUMNS_MAX ? count : COLUMNS_MAX;
}

void cli_progress_show(void *user, const reels_transcode_progress *now)
{
    static const char full[] = "########################################"
                               "########################################"
                               "########################################"
                               "########################################"
                               "########################################";
    struct cli_progress *progress = user;
    int64_t time_us = mono_us();
    if (!progress->is_shown ||
        (progress->drawn_us != 0 && time_us - progress->drawn_us < DRAW_EVERY_US)) {
        return;
    }
    progress->drawn_us = time_us;
    int room = columns() - BESIDE_BAR;
    int bar = room < BAR_MIN ? BAR_MIN : room;
    int done = (int)((int64_t)bar * now->done_ppm / 1000000);
    double took_s = (double)(time_us - progress->begin_us) / 1e6;
    (void)fprintf(stderr,
                  "\r%3u %% [%.*s%*s] %.0f s",
                  (unsigned)(now->done_ppm / 10000),
                  done,
                  full,
                  bar - done,
                  "",
                  took_s);
    if (now->done_ppm > 20000) {
        double left_s = took_s * (1e6 - now->done_ppm) / now->done_ppm;
        (void)fprintf(stderr, ", %.0f s left  ", left_s);
    }
    (void)fflush(stderr);
}

void cli_progress_end(struct cli_progress *progress)
{
    if (progress->is_shown && progress->drawn_us != 0) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
    }
}
