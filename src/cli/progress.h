/* Owns the progress bar: one line on stderr, on a terminal only, gone when the work is done. */
#ifndef REELS_SRC_CLI_PROGRESS_H
#define REELS_SRC_CLI_PROGRESS_H

#include "cli.h"

struct cli_progress {
    int is_shown;
    int64_t begin_us;
    int64_t drawn_us; /* 0 = never */
};

void cli_progress_begin(struct cli_progress *progress, int is_wanted);
/* A reels_transcode_progress_fn; user is the struct. */
void cli_progress_show(void *user, const reels_transcode_progress *now);
void cli_progress_end(struct cli_progress *progress);

#endif
