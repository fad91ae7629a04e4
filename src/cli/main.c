/* Owns the program's beginning and end: safe descriptors, the choice of a verb, the exit status. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const struct cli_verb *const verbs[] = {
#ifdef CLI_HAS_MEDIA
    &cli_verb_probe,
    &cli_verb_transcode,
    &cli_verb_verify,
#endif
    &cli_verb_id,
    &cli_verb_worker,
    &cli_verb_doctor,
};

enum {
    VERBS_COUNT = sizeof verbs / sizeof verbs[0]
};

/* A standard stream that was closed is opened on /dev/null the wrong way round: what would use it
 * fails as before, and no file that is opened later can take its number and be written to by
 * mistake. */
static int descriptors_guard(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            continue;
        }
        /* The lowest free number is this one: those below are open. */
        if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) {
            return 0;
        }
    }
    return 1;
}

static void help_print(void)
{
    (void)fputs("Usage: reels VERB [OPTION...] [OPERAND...]\n"
                "\n"
                "Verbs:\n",
                stdout);
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        (void)printf("  %-10s  %s\n", verbs[i]->name, verbs[i]->summary);
    }
    (void)fputs("\n"
                "  reels VERB --help   says more about a verb\n"
                "  reels --version     prints the version\n"
                "\n"
                "Exit status: 0 success, 1 the work failed, 2 wrong usage.\n",
                stdout);
}

static int verb_run(int argc, char **argv)
{
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        if (strcmp(argv[1], verbs[i]->name) == 0) {
            return verbs[i]->run(verbs[i], argc - 2, argv + 2);
        }
    }
    return cli_usage(NULL, "unknown verb '%s'", argv[1]);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        return cli_usage(NULL, "no verb is given");
    }
    int is_help = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0;
    int is_version = strcmp(argv[1], "--version") == 0;
    if ((is_help || is_version) && argc > 2) {
        return cli_usage(NULL, "%s stands alone", argv[1]);
    }
    if (is_help) {
        help_print();
        return CLI_OK;
    }
    if (is_version) {
        (void)printf("reels %s\n", reels_version_text());
        return CLI_OK;
    }
    return verb_run(argc, argv);
}

int main(int argc, char **argv)
{
    if (!descriptors_guard()) {
        return CLI_FAILED;
    }
    /* A reader that went away is a failed write, with its message and exit status. */
    (void)signal(SIGPIPE, SIG_IGN);
    return cli_finish(run(argc, argv));
}
