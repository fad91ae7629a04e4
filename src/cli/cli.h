/* Owns what the verbs of `reels` share. The program owns its process: it reads the environment,
 * handles signals and writes to the standard streams, which the library never does. It sees public
 * headers only.
 *
 * Contract: exit status 0 for success, 1 when the work failed (one line `reels: <what>: <why>` on
 * stderr), 2 for wrong usage; results on stdout; --json prints one JSON object. */
#ifndef REELS_SRC_CLI_CLI_H
#define REELS_SRC_CLI_CLI_H

#include <stdint.h>
#include <stdio.h>

#include <reels/reels.h>

enum {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_GO_ON = -1 /* no exit status: the verb has its options and may begin */
};

/* A verb. `help` is its whole help text. run gets what stands behind the verb's name. */
struct cli_verb {
    const char *name;
    const char *summary;
    const char *help;
    int (*run)(const struct cli_verb *verb, int argc, char **argv);
};

extern const struct cli_verb cli_verb_doctor;
extern const struct cli_verb cli_verb_id;
extern const struct cli_verb cli_verb_worker;
#ifdef CLI_HAS_MEDIA
extern const struct cli_verb cli_verb_probe;
extern const struct cli_verb cli_verb_transcode;
extern const struct cli_verb cli_verb_verify;
#endif

/* options.c */

enum cli_option_kind {
    CLI_FLAG,  /* into: int, set to 1 */
    CLI_TEXT,  /* into: const char *, set to the value, which is not empty */
    CLI_NUMBER /* into: uint64_t, min to max */
};

struct cli_option {
    const char *name; /* with its dashes */
    enum cli_option_kind kind;
    void *into;
    uint64_t min;
    uint64_t max;
};

/* What may follow a verb. */
struct cli_syntax {
    const struct cli_option *options;
    size_t options_count;
    const char *const *operand_names; /* such as "FILE"; all of them must come */
    size_t operands_count;
};

/* Reads options, anywhere before `--`, and the operands. Gives CLI_GO_ON, or the exit status of a
 * help text or a mistake. */
int cli_options_read(const struct cli_verb *verb,
                     int argc,
                     char **argv,
                     const struct cli_syntax *syntax,
                     const char **operands);

/* Reads decimal digits and nothing else: 1, or 0. */
int cli_number_read(const char *text, uint64_t max, uint64_t *out);

/* print.c */

/* Prints `reels: <what>: <why>` as one line, with what a terminal would obey made visible. */
__attribute__((format(printf, 2, 3))) int cli_fail(const char *what, const char *format, ...);
/* The same with the detail of a library call. */
int cli_fail_status(const char *what, reels_status status, const reels_error *err);
/* A mistake of the user; gives CLI_USAGE. verb may be NULL. */
__attribute__((format(printf, 2, 3))) int
cli_usage(const struct cli_verb *verb, const char *format, ...);

/* Writes text with control characters, direction marks and broken UTF-8 as \xNN. */
void cli_text_print(FILE *out, const char *text);
/* Writes a JSON string; bytes that are not UTF-8 become U+FFFD. */
void cli_json_text(FILE *out, const char *text);

/* Closes stdout: the given status, or CLI_FAILED when not everything could be written. */
int cli_finish(int status);

/* environment.c */

/* A context on the system's own hooks; NULL after a message. */
reels_ctx *cli_ctx_new(const char *what);

enum {
    CLI_PATH_BYTES = 4096
};

/* Makes the folder in which the program keeps state by default ($XDG_STATE_HOME/reels or
 * ~/.local/state/reels) and writes its path: CLI_OK, or CLI_FAILED with the reason in its place. */
int cli_state_dir(char out[CLI_PATH_BYTES]);

/* Where the media worker is: $REELS_MEDIA_WORKER, or beside this program (installed or in its build
 * tree), or NULL for the path that was built in. The text lives as long as the program. */
const char *cli_worker_path(void);

#endif
