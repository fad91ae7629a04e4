/* Owns what `reels doctor` collects. A check looks at the real thing (it runs the worker, it syncs
 * a file); a result is "ok", "warn" (works, not as it should) or "fail" (something of the library
 * will not work here). */
#ifndef REELS_SRC_CLI_DOCTOR_H
#define REELS_SRC_CLI_DOCTOR_H

#include "cli.h"

enum {
    DOCTOR_CHECKS_MAX = 32,
    DOCTOR_DETAIL_BYTES = 512
};

enum doctor_result {
    DOCTOR_OK,
    DOCTOR_WARN,
    DOCTOR_FAIL
};

struct doctor_check {
    const char *name; /* snake case: the key for machines */
    enum doctor_result result;
    char detail[DOCTOR_DETAIL_BYTES];
};

struct doctor {
    reels_ctx *ctx;
    struct doctor_check checks[DOCTOR_CHECKS_MAX];
    size_t checks_count;
};

/* Adds what a check found. */
__attribute__((format(printf, 4, 5))) void doctor_add(
    struct doctor *doctor, const char *name, enum doctor_result result, const char *format, ...);

/* doctor_system.c: the clock, the default folders, what a sync is worth. */
void doctor_check_clock(struct doctor *doctor);
void doctor_check_folders(struct doctor *doctor);

/* doctor_media.c: encoders, the worker, what the kernel has for its sandbox. */
void doctor_check_media(struct doctor *doctor);
void doctor_check_sandbox(struct doctor *doctor);

/* doctor_libraries.c: calls entry for each library that libreels has brought into this process. */
void doctor_libraries(void (*entry)(void *user, const char *name, const char *version), void *user);
/* The address of a function of one of them, or NULL. */
void *doctor_symbol(const char *name);

#endif
