/* Owns the reading of command lines. Small and strict: long options only (and -h), values behind
 * `=` or in the next word, nothing abbreviated, nothing twice. */
#include <string.h>

#include "cli.h"

int cli_number_read(const char *text, uint64_t max, uint64_t *out)
{
    uint64_t number = 0;
    if (*text == '\0') {
        return 0;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            return 0;
        }
        uint64_t digit = (uint64_t)(*at - '0');
        if (number > (max - digit) / 10 || digit > max) {
            return 0;
        }
        number = number * 10 + digit;
    }
    *out = number;
    return 1;
}

static const struct cli_option *
option_find(const struct cli_option *options, size_t options_count, const char *word, size_t len)
{
    for (size_t i = 0; i < options_count; i++) {
        if (strlen(options[i].name) == len && memcmp(options[i].name, word, len) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

static int
option_set(const struct cli_verb *verb, const struct cli_option *option, const char *value)
{
    if (option->kind == CLI_FLAG) {
        *(int *)option->into = 1;
        return CLI_GO_ON;
    }
    if (option->kind == CLI_TEXT) {
        if (*value == '\0') {
            return cli_usage(verb, "%s is empty", option->name);
        }
        *(const char **)option->into = value;
        return CLI_GO_ON;
    }
    uint64_t number = 0;
    if (!cli_number_read(value, option->max, &number) || number < option->min) {
        return cli_usage(verb,
                         "%s must be a number from %llu to %llu, not '%s'",
                         option->name,
                         (unsigned long long)option->min,
                         (unsigned long long)option->max,
                         value);
    }
    *(uint64_t *)option->into = number;
    return CLI_GO_ON;
}

/* The state of reading one command line. */
struct reading {
    const struct cli_verb *verb;
    int argc;
    char **argv;
    int at;
    uint64_t seen; /* a bit for each option */
};

/* Reads the option that the present word begins. */
static int
option_read(struct reading *reading, const struct cli_option *options, size_t options_count)
{
    const char *word = reading->argv[reading->at];
    const char *equals = strchr(word, '=');
    size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);
    const struct cli_option *option = option_find(options, options_count, word, len);
    if (option == NULL) {
        return cli_usage(
            reading->verb, "unknown option '%.*s'", (int)(len < 200 ? len : 200), word);
    }
    uint64_t bit = UINT64_C(1) << (option - options);
    if ((reading->seen & bit) != 0) {
        return cli_usage(reading->verb, "%s is given twice", option->name);
    }
    reading->seen |= bit;
    if (option->kind == CLI_FLAG) {
        return equals == NULL ? option_set(reading->verb, option, "")
                              : cli_usage(reading->verb, "%s takes no value", option->name);
    }
    if (equals != NULL) {
        return option_set(reading->verb, option, equals + 1);
    }
    if (reading->at + 1 >= reading->argc) {
        return cli_usage(reading->verb, "%s needs a value", option->name);
    }
    reading->at++;
    return option_set(reading->verb, option, reading->argv[reading->at]);
}

int cli_options_read(const struct cli_verb *verb,
                     int argc,
                     char **argv,
                     const struct cli_option *options,
                     size_t options_count,
                     const char *const *operand_names,
                     const char **operands,
                     size_t operands_count)
{
    struct reading reading = {.verb = verb, .argc = argc, .argv = argv};
    size_t found = 0;
    int only_operands = 0;
    for (; reading.at < argc; reading.at++) {
        const char *word = argv[reading.at];
        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = 1;
            continue;
        }
        if (!only_operands && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            (void)fputs(verb->help, stdout);
            return CLI_OK;
        }
        if (!only_operands && word[0] == '-' && word[1] != '\0') {
            int result = option_read(&reading, options, options_count);
            if (result != CLI_GO_ON) {
                return result;
            }
            continue;
        }
        if (found == operands_count) {
            return cli_usage(verb, "'%s' is one operand too many", word);
        }
        if (*word == '\0') {
            return cli_usage(verb, "%s is empty", operand_names[found]);
        }
        operands[found++] = word;
    }
    if (found < operands_count) {
        return cli_usage(verb, "%s is missing", operand_names[found]);
    }
    return CLI_GO_ON;
}
