/* Owns the text form: 13 digits of Crockford's base 32, most significant first. The digits ascend
 * in ASCII, so that bytes compare as numbers do, and every number has exactly one text. */
#include <reels/id.h>

#include "base/error.h"

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

enum {
    DIGIT_BITS = 5,
    TOP_SHIFT = (REELS_ID_TEXT_LEN - 1) * DIGIT_BITS, /* 60: the first digit holds 4 bits */
    TOP_DIGIT_MAX = 15
};

_Static_assert(sizeof digits - 1 == 1U << DIGIT_BITS, "one digit per value");
_Static_assert(TOP_SHIFT < 64 && TOP_SHIFT + DIGIT_BITS >= 64, "13 digits hold 64 bits");

reels_status reels_id_text_write(uint64_t id, char *out_text, size_t capacity, reels_error *err)
{
    REELS_REQUIRE(out_text != NULL, err, "out_text is NULL");
    if (capacity < REELS_ID_TEXT_LEN + 1) {
        return reels__fail(
            err, REELS_ERR_BUFFER_TOO_SMALL, "out_text needs %d bytes", REELS_ID_TEXT_LEN + 1);
    }
    for (uint32_t i = 0; i < REELS_ID_TEXT_LEN; i++) {
        out_text[i] = digits[(id >> (TOP_SHIFT - i * DIGIT_BITS)) & ((1U << DIGIT_BITS) - 1)];
    }
    out_text[REELS_ID_TEXT_LEN] = '\0';
    return REELS_OK;
}

/* The value of a digit, or -1. Lower case and the look-alikes I, L, O are no digits: an alias would
 * give one ID two texts. */
static int digit_value(char c)
{
    for (int value = 0; value < 1 << DIGIT_BITS; value++) {
        if (digits[value] == c) {
            return value;
        }
    }
    return -1;
}

reels_status
reels_id_text_read(const char *text, size_t text_len, uint64_t *out_id, reels_error *err)
{
    REELS_REQUIRE(text != NULL && out_id != NULL, err, "text or out_id is NULL");
    if (text_len != REELS_ID_TEXT_LEN) {
        return reels__fail(
            err, REELS_ERR_CORRUPT, "an ID has exactly %d characters", REELS_ID_TEXT_LEN);
    }
    uint64_t id = 0;
    for (size_t i = 0; i < REELS_ID_TEXT_LEN; i++) {
        int value = digit_value(text[i]);
        if (value < 0) {
            return reels__fail(err, REELS_ERR_CORRUPT, "character %zu is no digit of an ID", i + 1);
        }
        if (i == 0 && value > TOP_DIGIT_MAX) {
            return reels__fail(err, REELS_ERR_CORRUPT, "the ID is above 64 bits");
        }
        id = id << DIGIT_BITS | (uint64_t)value;
    }
    *out_id = id;
    return REELS_OK;
}
