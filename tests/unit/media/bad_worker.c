/* A worker that does not behave. The first 16 bytes of the medium say in which way. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "media/wire.h"

static void put(const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len > 0) {
        ssize_t wrote = write(REELS__WIRE_FD, at, len);
        if (wrote <= 0) {
            _exit(0);
        }
        at += wrote;
        len -= (size_t)wrote;
    }
}

static void get(void *data, size_t len)
{
    uint8_t *at = data;
    while (len > 0) {
        ssize_t got = read(REELS__WIRE_FD, at, len);
        if (got <= 0) {
            _exit(0);
        }
        at += got;
        len -= (size_t)got;
    }
}

static void say(uint32_t type, const void *payload, size_t len)
{
    reels__wire_header header = {type, (uint32_t)len};
    put(&header, sizeof header);
    put(payload, len);
}

static void begin(uint32_t number, const char *name)
{
    reels__wire_begin message = {.file = {number, 0}, .content_type = "video/mp4"};
    memcpy(message.name, name, strlen(name));
    say(REELS__WIRE_BEGIN, &message, sizeof message);
}

static const reels_probe_info info = {
    .struct_size = sizeof(reels_probe_info), .verdict = REELS_VERDICT_TRANSCODE, .duration_us = 1};

static void misuse_files(const char *how)
{
    reels__wire_file other = {7, 0};
    uint8_t *much = calloc(1, REELS__WIRE_PAYLOAD_MAX);
    if (strcmp(how, "name") == 0) {
        begin(0, "../../etc/passwd");
    } else if (strcmp(how, "number") == 0) {
        begin(3, "a.mp4");
    } else if (strcmp(how, "unopened") == 0) {
        say(REELS__WIRE_WRITE, &other, sizeof other);
    } else if (strcmp(how, "flood") == 0) {
        begin(0, "a.mp4");
        for (int i = 0; i < 1000000; i++) {
            say(REELS__WIRE_WRITE, much, REELS__WIRE_PAYLOAD_MAX);
        }
    } else if (strcmp(how, "open") == 0) {
        reels__wire_done done = {.summary = {.struct_size = sizeof done.summary}};
        begin(0, "a.mp4");
        say(REELS__WIRE_INFO, &info, sizeof info);
        say(REELS__WIRE_DONE, &done, sizeof done);
    }
}

static void misuse_words(const char *how)
{
    reels__wire_header header = {REELS__WIRE_WRITE, 0xFFFFFFFFu};
    reels_transcode_progress progress = {
        .struct_size = sizeof progress, .stage = 2, .done_ppm = 1000000};
    reels_probe_info wrong = info;
    if (strcmp(how, "length") == 0) {
        put(&header, sizeof header);
    } else if (strcmp(how, "unknown") == 0) {
        say(99, "x", 1);
    } else if (strcmp(how, "ppm") == 0) {
        say(REELS__WIRE_PROGRESS, &progress, sizeof progress);
    } else if (strcmp(how, "info") == 0) {
        memset(&wrong, 0xFF, sizeof wrong);
        say(REELS__WIRE_INFO, &wrong, sizeof wrong);
    } else if (strcmp(how, "done") == 0) {
        say(REELS__WIRE_DONE, NULL, 0);
    } else if (strcmp(how, "short") == 0) {
        say(REELS__WIRE_PROGRESS, &progress, 3);
    } else if (strcmp(how, "noise") == 0) {
        for (int i = 0; i < 4096; i++) {
            uint32_t word = (uint32_t)i * 2654435761u;
            put(&word, sizeof word);
        }
    } else if (strcmp(how, "status") == 0) {
        reels__wire_fail fail = {.status = 1};
        memset(fail.message, 'x', sizeof fail.message);
        say(REELS__WIRE_FAIL, &fail, sizeof fail);
    }
}

static void misuse_life(const char *how)
{
    if (strcmp(how, "crash") == 0) {
        (void)signal(SIGSEGV, SIG_DFL); /* a sanitizer would report it and exit */
        (void)raise(SIGSEGV);
    } else if (strcmp(how, "abort") == 0) {
        abort();
    } else if (strcmp(how, "killed") == 0) {
        (void)raise(SIGKILL);
    } else if (strcmp(how, "cpu") == 0) {
        (void)raise(SIGXCPU);
    } else if (strcmp(how, "sys") == 0) {
        (void)raise(SIGSYS);
    } else if (strcmp(how, "exit") == 0) {
        _exit(0);
    } else if (strcmp(how, "hang") == 0) {
        for (;;) {
            (void)pause();
        }
    } else if (strcmp(how, "deaf") == 0) {
        /* Closes the wire and stays. */
        (void)close(REELS__WIRE_FD);
        for (;;) {
            (void)pause();
        }
    } else if (strcmp(how, "reader") == 0) {
        reels__wire_read far = {.offset = UINT64_MAX, .len = 10};
        say(REELS__WIRE_READ, &far, sizeof far);
    } else if (strcmp(how, "reads") == 0) {
        reels__wire_read ask = {.offset = 0, .len = 16};
        for (int i = 0; i < 100000; i++) {
            say(REELS__WIRE_READ, &ask, sizeof ask);
        }
    }
}

int main(void)
{
    reels__wire_header header;
    reels__wire_start start;
    reels__wire_read ask = {.offset = 0, .len = 16};
    reels__wire_data answer;
    char how[17] = "";
    get(&header, sizeof header);
    get(&start, sizeof start);
    say(REELS__WIRE_READ, &ask, sizeof ask);
    get(&header, sizeof header);
    get(&answer, sizeof answer);
    get(how, 16);
    misuse_files(how);
    misuse_words(how);
    misuse_life(how);
    _exit(0);
}
