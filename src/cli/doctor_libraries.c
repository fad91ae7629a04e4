/* Owns the versions of the libraries behind libreels. They are asked in the process as it is,
 * through the dynamic linker, so that the answer is about what was loaded and not about what was
 * compiled against; and this program links none of them. */
#include <dlfcn.h>
#include <string.h>

#include "doctor.h"

enum version_kind {
    VERSION_TEXT,  /* const char *f(void) */
    VERSION_LIBAV, /* unsigned f(void): 8 bits for each part */
    VERSION_XXHASH /* unsigned f(void): two decimal digits for each part */
};

static const struct {
    const char *name;
    const char *function;
    enum version_kind kind;
} libraries[] = {
    {"libavcodec", "avcodec_version", VERSION_LIBAV},
    {"libavformat", "avformat_version", VERSION_LIBAV},
    {"libavutil", "avutil_version", VERSION_LIBAV},
    {"libswscale", "swscale_version", VERSION_LIBAV},
    {"libswresample", "swresample_version", VERSION_LIBAV},
    {"sqlite3", "sqlite3_libversion", VERSION_TEXT},
    {"zstd", "ZSTD_versionString", VERSION_TEXT},
    {"xxhash", "XXH_versionNumber", VERSION_XXHASH},
};

void *doctor_symbol(const char *name)
{
    return dlsym(RTLD_DEFAULT, name);
}

static void version_get(void *symbol, enum version_kind kind, char *out, size_t capacity)
{
    if (kind == VERSION_TEXT) {
        const char *(*text)(void) = NULL;
        /* ISO C has no cast from an object pointer to a function. */
        memcpy(&text, &symbol, sizeof text);
        (void)snprintf(out, capacity, "%s", text());
        return;
    }
    unsigned (*number)(void) = NULL;
    memcpy(&number, &symbol, sizeof number);
    unsigned value = number();
    if (kind == VERSION_LIBAV) {
        (void)snprintf(out, capacity, "%u.%u.%u", value >> 16, (value >> 8) & 0xFF, value & 0xFF);
    } else {
        (void)snprintf(out, capacity, "%u.%u.%u", value / 10000, value / 100 % 100, value % 100);
    }
}

void doctor_libraries(void (*entry)(void *user, const char *name, const char *version), void *user)
{
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
        void *symbol = doctor_symbol(libraries[i].function);
        if (symbol != NULL) {
            char version[64];
            version_get(symbol, libraries[i].kind, version, sizeof version);
            entry(user, libraries[i].name, version);
        }
    }
}
