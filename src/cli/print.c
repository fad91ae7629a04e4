/* Owns what is printed. Names come from whoever made the files, so nothing that a terminal would
 * obey is ever written raw, and a message is one line whatever is in it. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum {
    MESSAGE_BYTES = 8192,
    LINE_BYTES = 4 * MESSAGE_BYTES + 16
};

/* Reads one code point of well-formed UTF-8; gives its length, or 0 for a byte that begins none. */
static size_t utf8_read(const unsigned char *text, uint32_t *out)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = text[0] < 0x80   ? 1
                 : text[0] < 0xC2 ? 0
                 : text[0] < 0xE0 ? 2
                 : text[0] < 0xF0 ? 3
                 : text[0] < 0xF5 ? 4
                                  : 0;
    if (len <= 1) {
        *out = text[0];
        return len;
    }
    uint32_t code = text[0] & (0xFFU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((text[i] & 0xC0) != 0x80) {
            return 0;
        }
        code = code << 6 | (text[i] & 0x3F);
    }
    if (code < least[len] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
        return 0;
    }
    *out = code;
    return len;
}

/* Controls, line and paragraph separators, and marks that turn the direction of what follows. */
static int is_visible(uint32_t code)
{
    int is_control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    int is_break = code == 0x2028 || code == 0x2029;
    int is_direction = code == 0x061C || code == 0x200E || code == 0x200F ||
                       (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
    return !is_control && !is_break && !is_direction;
}

/* Appends text made visible; what does not fit is left out. */
static size_t visible_append(char *line, size_t at, size_t capacity, const char *text)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *in = (const unsigned char *)text;
    while (*in != '\0') {
        uint32_t code = 0;
        size_t len = utf8_read(in, &code);
        int is_plain = len > 0 && is_visible(code);
        size_t count = len > 0 ? len : 1;
        if (at + 4 * count >= capacity) {
            break;
        }
        for (size_t i = 0; i < count; i++) {
            if (is_plain) {
                line[at++] = (char)in[i];
                continue;
            }
            line[at++] = '\\';
            line[at++] = 'x';
            line[at++] = hex[in[i] >> 4];
            line[at++] = hex[in[i] & 15];
        }
        in += count;
    }
    line[at] = '\0';
    return at;
}

void cli_text_print(FILE *out, const char *text)
{
    static char line[LINE_BYTES];
    (void)visible_append(line, 0, sizeof line, text);
    (void)fputs(line, out);
}

/* One write, so that lines of several processes do not mix. */
static void line_print(const char *what, const char *why)
{
    static char line[2 * LINE_BYTES];
    size_t at = visible_append(line, 0, sizeof line - 2, "reels: ");
    if (what != NULL) {
        at = visible_append(line, at, LINE_BYTES, what);
        at = visible_append(line, at, sizeof line - 2, ": ");
    }
    at = visible_append(line, at, sizeof line - 2, why);
    line[at++] = '\n';
    line[at] = '\0';
    (void)fputs(line, stderr);
}

int cli_fail(const char *what, const char *format, ...)
{
    static char why[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    if (vsnprintf(why, sizeof why, format, args) < 0) {
        why[0] = '\0';
    }
    va_end(args);
    line_print(what, why);
    return CLI_FAILED;
}

int cli_fail_status(const char *what, reels_status status, const reels_error *err)
{
    int has_detail = err != NULL && err->status == status && err->message[0] != '\0';
    return cli_fail(what, "%s", has_detail ? err->message : reels_status_text(status));
}

int cli_usage(const struct cli_verb *verb, const char *format, ...)
{
    static char why[MESSAGE_BYTES];
    static char hint[MESSAGE_BYTES + 64];
    va_list args;
    va_start(args, format);
    if (vsnprintf(why, sizeof why, format, args) < 0) {
        why[0] = '\0';
    }
    va_end(args);
    (void)snprintf(hint,
                   sizeof hint,
                   "%s; see 'reels %s%s--help'",
                   why,
                   verb != NULL ? verb->name : "",
                   verb != NULL ? " " : "");
    line_print(verb != NULL ? verb->name : "usage", hint);
    return CLI_USAGE;
}

void cli_json_text(FILE *out, const char *text)
{
    const unsigned char *in = (const unsigned char *)text;
    (void)fputc('"', out);
    while (*in != '\0') {
        uint32_t code = 0;
        size_t len = utf8_read(in, &code);
        if (len == 0) {
            (void)fputs("\xEF\xBF\xBD", out);
            in++;
            continue;
        }
        if (code == '"' || code == '\\') {
            (void)fprintf(out, "\\%c", (char)code);
        } else if (!is_visible(code)) {
            (void)fprintf(out, "\\u%04x", (unsigned)code);
        } else {
            (void)fwrite(in, 1, len, out);
        }
        in += len;
    }
    (void)fputc('"', out);
}

int cli_finish(int status)
{
    int failed = ferror(stdout);
    errno = 0;
    if (fflush(stdout) != 0) {
        failed = 1;
    }
    if (failed && status == CLI_OK) {
        return cli_fail("standard output", "%s", errno != 0 ? strerror(errno) : "not written");
    }
    return status;
}
