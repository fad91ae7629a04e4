/* Owns the names and sentences of the status numbers, and the version. Everything here is static.
 */
#include <string.h>

#include <reels/base.h>

#include "base/compiler.h"
#include "config.h"

struct status_entry {
    reels_status status;
    const char *name;
    const char *text;
};

static const struct status_entry status_table[] = {
    {REELS_OK, "OK", "It worked."},
    {REELS_END, "END", "There is nothing more."},
    {REELS_ERR_INVALID_ARG, "INVALID_ARG", "An argument is outside what the function accepts."},
    {REELS_ERR_NO_MEMORY, "NO_MEMORY", "The allocator refused."},
    {REELS_ERR_NOT_FOUND, "NOT_FOUND", "There is no such thing."},
    {REELS_ERR_EXISTS, "EXISTS", "It is there already, and differs."},
    {REELS_ERR_BUFFER_TOO_SMALL, "BUFFER_TOO_SMALL", "The given buffer is too small."},
    {REELS_ERR_UNSUPPORTED, "UNSUPPORTED", "This build, backend or kind of input cannot do it."},
    {REELS_ERR_LIMIT, "LIMIT", "A stated limit was reached."},
    {REELS_ERR_CORRUPT, "CORRUPT", "The bytes are not what they claim to be."},
    {REELS_ERR_IO, "IO", "Disk or network failed."},
    {REELS_ERR_TIMEOUT, "TIMEOUT", "The deadline passed."},
    {REELS_ERR_CANCELLED, "CANCELLED", "The call was cancelled."},
    {REELS_ERR_BUSY, "BUSY", "Somebody else holds it now."},
    {REELS_ERR_CONFLICT, "CONFLICT", "A condition of the write did not hold."},
    {REELS_ERR_STATE, "STATE", "This is not legal in the present state."},
    {REELS_ERR_HOST, "HOST", "A function given by the host failed."},
    {REELS_ERR_INTERNAL, "INTERNAL", "An invariant of the library is broken."},
    {REELS_ERR_STALE, "STALE", "Somebody with a newer epoch or lease took over."},
    {REELS_ERR_DENIED, "DENIED", "This person may not do this."},
    {REELS_ERR_ENCRYPTED, "ENCRYPTED", "The media is encrypted and no key is known."},
};

static const struct status_entry *status_find(reels_status status)
{
    for (size_t i = 0; i < REELS__COUNT(status_table); i++) {
        if (status_table[i].status == status) {
            return &status_table[i];
        }
    }
    return NULL;
}

const char *reels_status_name(reels_status status)
{
    const struct status_entry *entry = status_find(status);
    return entry != NULL ? entry->name : "UNKNOWN";
}

const char *reels_status_text(reels_status status)
{
    const struct status_entry *entry = status_find(status);
    return entry != NULL ? entry->text : "This status is not known to this version of the library.";
}

uint32_t reels_version(void)
{
    return REELS_VERSION_NUMBER;
}

const char *reels_version_text(void)
{
    return REELS_VERSION_TEXT;
}

int32_t reels_has_feature(const char *feature)
{
    if (feature == NULL) {
        return 0;
    }
    return strcmp(feature, "media") == 0 && REELS_HAS_MEDIA ? 1 : 0;
}
