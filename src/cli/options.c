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
option_find(const struct cli_syntax *syntax, const char *word, size_t len)
{
    for (size_t i = 0; i < syntax->options_count; i++) {
        const struct cli_option *option = &syntax->options[i];
        if (strlen(option->name) == len && memcmp(option->name, word, len) == 0) {
            return option;
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
    const struct cli_syntax *syntax;
    const char **operands;
    int argc;
    char **argv;
    int at;
    int only_operands; /* `--` was read */
    size_t operands_count;
    uint64_t seen; /* a bit for each option */
};

/* Reads the option that the present word begins. */
static int option_read(struct reading *reading)
{
    const char *word = reading->argv[reading->at];
    const char *equals = strchr(word, '=');
    size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);
    const struct cli_option *option = option_find(reading->syntax, word, len);
    if (option == NULL) {
        return cli_usage(
            reading->verb, "unknown option '%.*s'", (int)(len < 200 ? len : 200), word);
    }
    uint64_t bit = UINT64_C(1) << (option - reading->syntax->options);
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

static int operand_read(struct reading *reading)
{
    const char *word = reading->argv[reading->at];
    if (reading->operands_count == reading->syntax->operands_count) {
        return cli_usage(reading->verb, "'%s' is one operand too many", word);
    }
    if (*word == '\0') {
        return cli_usage(
            reading->verb, "%s is empty", reading->syntax->operand_names[reading->operands_count]);
    }
    reading->operands[reading->operands_count++] = word;
    return CLI_GO_ON;
}

static int word_read(struct reading *reading)
{
    const char *word = reading->argv[reading->at];
    if (reading->only_operands || word[0] != '-' || word[1] == '\0') {
        return operand_read(reading);
    }
    if (strcmp(word, "--") == 0) {
        reading->only_operands = 1;
        return CLI_GO_ON;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        (void)fputs(reading->verb->help, stdout);
        return CLI_OK;
    }
    return option_read(reading);
}

int cli_options_read(const struct cli_verb *verb,
                     int argc,
                     char **argv,
                     const struct cli_syntax *syntax,
                     const char **operands)
{
    struct reading reading = {
        .verb = verb, .syntax = syntax, .operands = operands, .argc = argc, .argv = argv};
    for (; reading.at < argc; reading.at++) {
        int result = word_read(&reading);
        if (result != CLI_GO_ON) {
            return result;
        }
    }
    if (reading.operands_count < syntax->operands_count) {
        return cli_usage(verb, "%s is missing", syntax->operand_names[reading.operands_count]);
    }
    return CLI_GO_ON;
}
