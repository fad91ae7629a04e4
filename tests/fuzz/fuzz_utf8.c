/* UTF-8: what is valid decodes and encodes to the same bytes, what is cut or cleaned is valid. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "fuzz.h"

static void check_valid(const uint8_t *data, size_t size)
{
    size_t count = 0;
    size_t at = 0;
    while (at < size) {
        uint32_t code_point = 0;
        uint8_t bytes[4];
        size_t n = reels__utf8_decode(data + at, size - at, &code_point);
        fuzz_assert(n >= 1 && n <= 4);
        fuzz_assert(code_point <= 0x10FFFF && (code_point < 0xD800 || code_point > 0xDFFF));
        fuzz_assert(reels__utf8_encode(code_point, bytes) == n);
        fuzz_assert(memcmp(bytes, data + at, n) == 0);
        at += n;
        count++;
    }
    fuzz_assert(reels__utf8_count(data, size) == count);
    for (size_t len = 0; len <= size; len++) {
        size_t cut = reels__utf8_cut((const char *)data, len);
        fuzz_assert(cut <= len && len - cut < 4);
        fuzz_assert(reels__utf8_valid(data, cut));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t nothing[1] = {0};
    if (size > 4096) {
        return 0; /* the check of cuts is quadratic */
    }
    if (reels__utf8_valid(size > 0 ? data : nothing, size)) {
        check_valid(size > 0 ? data : nothing, size);
    } else {
        fuzz_assert(reels__utf8_count(data, size) == SIZE_MAX);
    }
    char *text = malloc(size + 1);
    fuzz_assert(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    reels__utf8_clean(text, size);
    fuzz_assert(reels__utf8_valid((const uint8_t *)text, size));
    for (size_t i = 0; i < size; i++) {
        fuzz_assert((uint8_t)text[i] >= 0x20 && text[i] != 0x7F);
    }
    free(text);
    return 0;
}
