/* Owns the end by signal: SIGINT, SIGTERM and SIGHUP raise a cancel flag. A second one of a kind
 * ends the program at once, and what a parent has told us to ignore (nohup) stays ignored. */
#ifndef REELS_SRC_CLI_STOP_H
#define REELS_SRC_CLI_STOP_H

#include "cli.h"

/* Makes the flag and sets the signals: CLI_OK, or CLI_FAILED after a message. */
int cli_stop_begin(reels_ctx *ctx, const char *what);
const reels_cancel *cli_stop_flag(void);
void cli_stop_end(void);

#endif
