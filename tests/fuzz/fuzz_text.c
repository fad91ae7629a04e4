/* Numbers and encodings as text: what is read comes back, base64 has one text for one value, and
 * doubles are those of libc. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/number.h"
#include "fuzz.h"

enum {
    SIZE_MAX_HERE = 2000
};

/* Bit by bit, so that 0 and -0 differ. */
static int same_double(double a, double b)
{
    uint64_t a_bits = 0;
    uint64_t b_bits = 0;
    memcpy(&a_bits, &a, sizeof a);
    memcpy(&b_bits, &b, sizeof b);
    return a_bits == b_bits;
}

static void check_double(const char *text, size_t size)
{
    double value = 0;
    double back = 0;
    char written[REELS__NUMBER_TEXT_BYTES];
    reels_status status = reels__double_from_text(text, size, &value);
    if (status == REELS_ERR_CORRUPT) {
        return;
    }
    char copy[SIZE_MAX_HERE + 1];
    memcpy(copy, text, size);
    copy[size] = '\0';
    double expected = strtod(copy, NULL);
    if (status == REELS_ERR_LIMIT) {
        fuzz_assert(isinf(expected));
        return;
    }
    fuzz_assert(same_double(value, expected));
    size_t len = reels__double_to_text(value, written);
    fuzz_assert(len > 0 && len < sizeof written && len == strlen(written));
    fuzz_assert(reels__double_from_text(written, len, &back) == REELS_OK);
    fuzz_assert(same_double(value, back));
}

static void check_integers(const char *text, size_t size)
{
    uint64_t u64 = 0;
    int64_t i64 = 0;
    char written[REELS__NUMBER_TEXT_BYTES];
    if (reels__u64_from_text(text, size, &u64) == REELS_OK) {
        fuzz_assert(reels__u64_to_text(u64, written) == size);
        fuzz_assert(memcmp(text, written, size) == 0);
    }
    if (reels__i64_from_text(text, size, &i64) == REELS_OK && i64 != 0) {
        fuzz_assert(reels__i64_to_text(i64, written) == size);
        fuzz_assert(memcmp(text, written, size) == 0);
    }
}

static void check_base64(const char *text, size_t size, int kind)
{
    uint8_t bytes[SIZE_MAX_HERE + 8];
    char written[SIZE_MAX_HERE + 8];
    size_t len = 0;
    if (reels__base64_decode(text, size, kind, bytes, &len)) {
        fuzz_assert(len <= reels__base64_decoded_max(size));
        fuzz_assert(reels__base64_encode(bytes, len, kind, written) == size);
        fuzz_assert(memcmp(text, written, size) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > SIZE_MAX_HERE) {
        return 0;
    }
    const char *text = (const char *)data;
    check_double(text, size);
    check_integers(text, size);
    check_base64(text, size, REELS__BASE64);
    check_base64(text, size, REELS__BASE64_URL);
    /* The bytes of the input as a double. */
    double value = 0;
    memcpy(&value, data, size < sizeof value ? size : sizeof value);
    char written[REELS__NUMBER_TEXT_BYTES];
    size_t len = reels__double_to_text(value, written);
    fuzz_assert((len == 0) == !isfinite(value));
    fuzz_assert(len == 0 || strtod(written, NULL) == value);
    return 0;
}
