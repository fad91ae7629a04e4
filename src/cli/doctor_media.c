/* Owns the checks of what media work needs: encoders, the isolated worker, the kernel's means to
 * lock that worker in. */
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "doctor.h"

enum {
    LANDLOCK_VERSION_FLAG = 1,  /* LANDLOCK_CREATE_RULESET_VERSION */
    LANDLOCK_SYSTEM_CALL = 444, /* landlock_create_ruleset, the same number on every architecture */
    WORKER_PATIENCE_US = 10000000 /* for its answer about a few bytes */
};

void doctor_check_sandbox(struct doctor *doctor)
{
    uint32_t action = SECCOMP_RET_KILL_PROCESS;
    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0) {
        doctor_add(doctor, "seccomp", DOCTOR_OK, "system calls of the worker can be filtered");
    } else {
        doctor_add(doctor, "seccomp", DOCTOR_WARN, "not in this kernel: %s", strerror(errno));
    }
    long version = syscall(LANDLOCK_SYSTEM_CALL, NULL, 0, LANDLOCK_VERSION_FLAG);
    if (version > 0) {
        doctor_add(doctor, "landlock", DOCTOR_OK, "version %ld", version);
    } else {
        doctor_add(doctor, "landlock", DOCTOR_WARN, "not in this kernel: %s", strerror(errno));
    }
}

#ifdef CLI_HAS_MEDIA
static void encoder_check(struct doctor *doctor, const char *name, const char *encoder)
{
    const void *(*find)(const char *) = NULL;
    void *symbol = doctor_symbol("avcodec_find_encoder_by_name");
    memcpy(&find, &symbol, sizeof find);
    if (find != NULL && find(encoder) != NULL) {
        doctor_add(doctor, name, DOCTOR_OK, "libavcodec has it");
    } else {
        doctor_add(doctor, name, DOCTOR_FAIL, "libavcodec was built without it");
    }
}

/* The worker is asked about bytes that are no media: that it says so proves that it was found,
 * started inside its sandbox, and answered. */
static void worker_check(struct doctor *doctor)
{
    static const uint8_t bytes[] = "these bytes are no media";
    const char *path = cli_worker_path();
    reels_media_isolation isolation = {.struct_size = sizeof isolation, .worker_path = path};
    reels_probe_options options = {.struct_size = sizeof options, .isolation = &isolation};
    reels_media_input input = {
        .struct_size = sizeof input, .data = bytes, .size_bytes = sizeof bytes};
    reels_call call = {.struct_size = sizeof call,
                       .deadline_mono_us = reels_ctx_now_mono_us(doctor->ctx) + WORKER_PATIENCE_US};
    reels_probe_info info = {.struct_size = sizeof info};
    reels_error err = {.struct_size = sizeof err};
    reels_status status = reels_probe_run(doctor->ctx, &call, &input, &options, &info, &err);
    if (status == REELS_ERR_UNSUPPORTED || status == REELS_ERR_CORRUPT) {
        doctor_add(doctor,
                   "media_worker",
                   DOCTOR_OK,
                   "%s answers",
                   path != NULL ? path : "the one built in");
    } else {
        doctor_add(doctor,
                   "media_worker",
                   DOCTOR_FAIL,
                   "%s",
                   err.message[0] != '\0' ? err.message : reels_status_text(status));
    }
}

void doctor_check_media(struct doctor *doctor)
{
    encoder_check(doctor, "encoder_h264", "libx264");
    encoder_check(doctor, "encoder_aac", "aac");
    worker_check(doctor);
}
#else
void doctor_check_media(struct doctor *doctor)
{
    doctor_add(doctor, "media", DOCTOR_OK, "this build has no media engine");
}
#endif
