/* Owns attribute lists and numbers of playlists. */
#include "m3u8_attribute.h"

#include <string.h>

enum {
    TYPE_ANY = 0,
    TYPE_INTEGER = 1,
    TYPE_DECIMAL = 2,
    TYPE_STRING = 3,
    TYPE_WORD = 4,
    TYPE_RESOLUTION = 5,
    TYPE_STRING_OR_WORD = 6
};

struct known {
    const char *name;
    uint32_t type;
};

/* The attributes of EXT-X-STREAM-INF, EXT-X-MEDIA and EXT-X-MAP (8216bis section 4.4). A name has
 * the same type wherever it stands. */
static const struct known known_attributes[] = {{"BANDWIDTH", TYPE_INTEGER},
                                                {"AVERAGE-BANDWIDTH", TYPE_INTEGER},
                                                {"SCORE", TYPE_DECIMAL},
                                                {"CODECS", TYPE_STRING},
                                                {"SUPPLEMENTAL-CODECS", TYPE_STRING},
                                                {"RESOLUTION", TYPE_RESOLUTION},
                                                {"FRAME-RATE", TYPE_DECIMAL},
                                                {"HDCP-LEVEL", TYPE_WORD},
                                                {"ALLOWED-CPC", TYPE_STRING},
                                                {"VIDEO-RANGE", TYPE_WORD},
                                                {"STABLE-VARIANT-ID", TYPE_STRING},
                                                {"AUDIO", TYPE_STRING},
                                                {"VIDEO", TYPE_STRING},
                                                {"SUBTITLES", TYPE_STRING},
                                                {"CLOSED-CAPTIONS", TYPE_STRING_OR_WORD},
                                                {"PATHWAY-ID", TYPE_STRING},
                                                {"TYPE", TYPE_WORD},
                                                {"URI", TYPE_STRING},
                                                {"GROUP-ID", TYPE_STRING},
                                                {"LANGUAGE", TYPE_STRING},
                                                {"ASSOC-LANGUAGE", TYPE_STRING},
                                                {"NAME", TYPE_STRING},
                                                {"STABLE-RENDITION-ID", TYPE_STRING},
                                                {"DEFAULT", TYPE_WORD},
                                                {"AUTOSELECT", TYPE_WORD},
                                                {"FORCED", TYPE_WORD},
                                                {"INSTREAM-ID", TYPE_STRING},
                                                {"CHARACTERISTICS", TYPE_STRING},
                                                {"CHANNELS", TYPE_STRING},
                                                {"BIT-DEPTH", TYPE_INTEGER},
                                                {"SAMPLE-RATE", TYPE_INTEGER},
                                                {"BYTERANGE", TYPE_STRING}};

int reels__text_is(struct reels__text text, const char *word)
{
    size_t len = strlen(word);
    return text.data != NULL && text.len == len && memcmp(text.data, word, len) == 0;
}

int reels__text_same(struct reels__text a, struct reels__text b)
{
    return a.data != NULL && b.data != NULL && a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int reels__text_u64(struct reels__text text, uint64_t *out)
{
    uint64_t value = 0;
    if (text.data == NULL || text.len == 0 || text.len > 20) {
        return 0;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i])) {
            return 0;
        }
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return 0;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return 1;
}

int reels__text_hex64(struct reels__text text, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t value = 0;
    if (text.data == NULL || text.len != 16) {
        return 0;
    }
    for (size_t i = 0; i < text.len; i++) {
        const char *digit = memchr(digits, text.data[i], sizeof digits - 1);
        if (digit == NULL) {
            return 0;
        }
        value = value << 4 | (uint64_t)(digit - digits);
    }
    *out = value;
    return 1;
}

int reels__text_decimal(struct reels__text text, int64_t *out_micro)
{
    const char *point = text.data != NULL ? memchr(text.data, '.', text.len) : NULL;
    struct reels__text whole = {text.data, point != NULL ? (size_t)(point - text.data) : text.len};
    uint64_t value = 0;
    /* Twelve digits of seconds are 31,000 years. */
    if (whole.len > 12 || !reels__text_u64(whole, &value)) {
        return 0;
    }
    int64_t micro = (int64_t)value * 1000000;
    if (point == NULL) {
        *out_micro = micro;
        return 1;
    }
    int64_t unit = 100000;
    size_t digits = text.len - whole.len - 1;
    for (size_t i = 0; i < digits; i++) {
        char c = point[1 + i];
        if (!is_digit(c)) {
            return 0;
        }
        if (i == 6) {
            micro += c >= '5';
        }
        micro += unit * (c - '0');
        unit /= 10;
    }
    *out_micro = micro;
    return digits > 0;
}

int reels__text_resolution(struct reels__text text, uint32_t *out_width, uint32_t *out_height)
{
    const char *x = text.data != NULL ? memchr(text.data, 'x', text.len) : NULL;
    uint64_t width = 0;
    uint64_t height = 0;
    if (x == NULL) {
        return 0;
    }
    struct reels__text left = {text.data, (size_t)(x - text.data)};
    struct reels__text right = {x + 1, text.len - left.len - 1};
    if (!reels__text_u64(left, &width) || !reels__text_u64(right, &height) || width == 0 ||
        height == 0 || width > UINT32_MAX || height > UINT32_MAX) {
        return 0;
    }
    *out_width = (uint32_t)width;
    *out_height = (uint32_t)height;
    return 1;
}

int reels__text_range(struct reels__text text,
                      uint64_t *out_len,
                      uint64_t *out_offset,
                      int *out_has_offset)
{
    const char *at = text.data != NULL ? memchr(text.data, '@', text.len) : NULL;
    struct reels__text len = {text.data, at != NULL ? (size_t)(at - text.data) : text.len};
    *out_has_offset = at != NULL;
    if (at != NULL) {
        struct reels__text offset = {at + 1, text.len - len.len - 1};
        if (!reels__text_u64(offset, out_offset)) {
            return 0;
        }
    }
    return reels__text_u64(len, out_len);
}

static int name_byte(char c)
{
    return (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-';
}

/* Takes the next attribute off the list: 1, or 0 when the list is not well formed there. */
static int take(struct reels__text *list, struct reels__attribute *out)
{
    size_t at = 0;
    while (at < list->len && name_byte(list->data[at])) {
        at++;
    }
    out->name = (struct reels__text){list->data, at};
    if (at == 0 || at == list->len || list->data[at] != '=') {
        return 0;
    }
    size_t begin = ++at;
    out->quoted = at < list->len && list->data[at] == '"';
    if (out->quoted) {
        const char *end = memchr(list->data + at + 1, '"', list->len - at - 1);
        if (end == NULL) {
            return 0;
        }
        begin = at + 1;
        at = (size_t)(end - list->data);
        out->value = (struct reels__text){list->data + begin, at - begin};
        at++;
    } else {
        while (at < list->len && list->data[at] != ',' && list->data[at] != '"' &&
               list->data[at] != ' ') {
            at++;
        }
        out->value = (struct reels__text){list->data + begin, at - begin};
        if (out->value.len == 0) {
            return 0;
        }
    }
    if (at < list->len && (list->data[at] != ',' || at + 1 == list->len)) {
        return 0;
    }
    size_t used = at < list->len ? at + 1 : at;
    *list = (struct reels__text){list->data + used, list->len - used};
    return 1;
}

static int type_fits(const struct reels__attribute *attribute, uint32_t type)
{
    uint64_t number = 0;
    int64_t micro = 0;
    uint32_t side = 0;
    switch (type) {
    case TYPE_INTEGER:
        return !attribute->quoted && reels__text_u64(attribute->value, &number);
    case TYPE_DECIMAL:
        return !attribute->quoted && reels__text_decimal(attribute->value, &micro);
    case TYPE_RESOLUTION:
        return !attribute->quoted && reels__text_resolution(attribute->value, &side, &side);
    case TYPE_STRING:
        return attribute->quoted != 0;
    case TYPE_WORD:
        return !attribute->quoted;
    default:
        return 1;
    }
}

static void check_type(const struct reels__attribute *attribute,
                       const char *tag,
                       uint32_t line,
                       struct reels__finder *finder)
{
    for (size_t i = 0; i < REELS__COUNT(known_attributes); i++) {
        if (!reels__text_is(attribute->name, known_attributes[i].name)) {
            continue;
        }
        if (!type_fits(attribute, known_attributes[i].type)) {
            reels__find(finder,
                        REELS_VERIFY_PLAYLIST_SYNTAX,
                        "line %u: %s: attribute %s has a value of another type",
                        (unsigned)line,
                        tag,
                        known_attributes[i].name);
        }
        return;
    }
}

void reels__attributes_read(struct reels__text list,
                            const char *tag,
                            uint32_t line,
                            struct reels__finder *finder,
                            struct reels__attributes *out)
{
    out->count = 0;
    while (list.len > 0) {
        struct reels__attribute attribute = {0};
        if (!take(&list, &attribute)) {
            reels__find(finder,
                        REELS_VERIFY_PLAYLIST_SYNTAX,
                        "line %u: %s: the attribute list is not well formed",
                        (unsigned)line,
                        tag);
            return;
        }
        for (size_t i = 0; i < out->count; i++) {
            if (reels__text_same(out->items[i].name, attribute.name)) {
                reels__find(finder,
                            REELS_VERIFY_TAG_REPEATED,
                            "line %u: %s: attribute %.*s stands twice",
                            (unsigned)line,
                            tag,
                            (int)(attribute.name.len < 64 ? attribute.name.len : 64),
                            attribute.name.data);
                break;
            }
        }
        check_type(&attribute, tag, line, finder);
        if (out->count == REELS__ATTRIBUTES_MAX) {
            reels__find(finder,
                        REELS_VERIFY_LIMIT,
                        "line %u: %s: more than %d attributes",
                        (unsigned)line,
                        tag,
                        REELS__ATTRIBUTES_MAX);
            return;
        }
        out->items[out->count++] = attribute;
    }
}

struct reels__text reels__attribute_get(const struct reels__attributes *attributes,
                                        const char *name)
{
    for (size_t i = 0; i < attributes->count; i++) {
        if (reels__text_is(attributes->items[i].name, name)) {
            return attributes->items[i].value;
        }
    }
    return (struct reels__text){0};
}
