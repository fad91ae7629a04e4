/* Owns the table of signatures. Containers that point elsewhere (playlists) are known and refused.
 */
#include "media/sniff.h"

#include <string.h>

#include "base/compiler.h"
#include "base/error.h"

static const reels__media_container container_mp4 = {"mp4", "mov"};
static const reels__media_container container_matroska = {"matroska", "matroska"};
static const reels__media_container container_ts = {"mpegts", "mpegts"};
static const reels__media_container container_ps = {"mpegps", "mpeg"};
static const reels__media_container container_avi = {"avi", "avi"};
static const reels__media_container container_asf = {"asf", "asf"};
static const reels__media_container container_flv = {"flv", "flv"};
static const reels__media_container container_ogg = {"ogg", "ogg"};
static const reels__media_container container_wav = {"wav", "wav"};
static const reels__media_container container_flac = {"flac", "flac"};
static const reels__media_container container_mp3 = {"mp3", "mp3"};
static const reels__media_container container_aac = {"aac", "aac"};

/* Bytes at a place that settle the matter. */
typedef struct signature {
    size_t at;
    const char *bytes;
    size_t len;
    const reels__media_container *container; /* NULL: known, and not taken */
    const char *what;
} signature;

#define SIGN(at, text, container, what)                                                            \
    {                                                                                              \
        at, text, sizeof(text) - 1, container, what                                                \
    }

static const signature signatures[] = {
    SIGN(0, "\x1A\x45\xDF\xA3", &container_matroska, NULL),
    SIGN(8, "AVI ", &container_avi, NULL),
    SIGN(8, "WAVE", &container_wav, NULL),
    SIGN(0, "\x30\x26\xB2\x75\x8E\x66\xCF\x11", &container_asf, NULL),
    SIGN(0, "FLV", &container_flv, NULL),
    SIGN(0, "OggS", &container_ogg, NULL),
    SIGN(0, "fLaC", &container_flac, NULL),
    SIGN(0, "\xFF\xD8\xFF", NULL, "a JPEG picture"),
    SIGN(0, "\x89PNG\r\n", NULL, "a PNG picture"),
    SIGN(0, "GIF8", NULL, "a GIF picture"),
    SIGN(8, "WEBP", NULL, "a WebP picture"),
    SIGN(0, "BM", NULL, "a BMP picture"),
    SIGN(0, "II*\0", NULL, "a TIFF picture"),
    SIGN(0, "%PDF", NULL, "a PDF document"),
    SIGN(0, "PK\x03\x04", NULL, "a ZIP archive"),
    SIGN(0, "\x1F\x8B", NULL, "a gzip file"),
    SIGN(0,
         "\x7F"
         "ELF",
         NULL,
         "a program"),
    SIGN(0, "#EXTM3U", NULL, "a playlist: playlists are never followed"),
    SIGN(0, "ffconcat", NULL, "a playlist: playlists are never followed"),
    SIGN(0, "<?xml", NULL, "an XML document"),
    SIGN(0, "<MPD", NULL, "a playlist: playlists are never followed"),
    SIGN(0, "v=0", NULL, "a session description: addresses are never followed"),
};

/* First boxes that an ISO base media or QuickTime file may begin with. */
static const char *const iso_boxes[] = {"ftyp",
                                        "moov",
                                        "mdat",
                                        "free",
                                        "skip",
                                        "wide",
                                        "pnot",
                                        "styp",
                                        "sidx",
                                        "moof",
                                        "uuid",
                                        "junk",
                                        "pict"};

/* Major brands of still pictures in the same boxes (image sequences have others). */
static int is_iso_picture(const uint8_t *data, size_t len)
{
    static const char *const brands[] = {"avif", "heic", "heix", "heim", "heis", "mif1"};
    if (len < 12 || memcmp(data + 4, "ftyp", 4) != 0) {
        return 0;
    }
    for (size_t i = 0; i < REELS__COUNT(brands); i++) {
        if (memcmp(data + 8, brands[i], 4) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_iso(const uint8_t *data, size_t len)
{
    if (len < 8) {
        return 0;
    }
    for (size_t i = 0; i < REELS__COUNT(iso_boxes); i++) {
        if (memcmp(data + 4, iso_boxes[i], 4) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Transport packets of 188 bytes, with the 4-byte times of camcorders (192) or with checks (204). A
 * file may begin inside a packet. */
static int is_transport_stream(const uint8_t *data, size_t len)
{
    static const size_t packet_sizes[] = {188, 192, 204};
    for (size_t k = 0; k < REELS__COUNT(packet_sizes); k++) {
        size_t size = packet_sizes[k];
        for (size_t start = 0; start < size && start + size * 2 < len; start++) {
            size_t at = start;
            size_t hits = 0;
            while (at < len && data[at] == 0x47 && hits < 8) {
                hits++;
                at += size;
            }
            /* Eight in a row, or as many as a short file has and at least three. */
            if (hits == 8 || (hits >= 3 && at >= len)) {
                return 1;
            }
        }
    }
    return 0;
}

/* A pack header, at the very front or behind zero padding. */
static int is_program_stream(const uint8_t *data, size_t len)
{
    size_t at = 0;
    while (at < len && data[at] == 0) {
        at++;
    }
    return at >= 2 && at + 1 < len && data[at] == 0x01 && data[at + 1] == 0xBA;
}

/* Length of the MPEG audio frame (layers I to III) whose header is at data, or 0. */
static size_t mpeg_audio_frame_len(const uint8_t *data)
{
    static const uint16_t kbits_v1[3][15] = {
        {0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
        {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
        {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}};
    static const uint16_t kbits_v2[3][15] = {
        {0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
        {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
        {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}};
    static const uint32_t rates[3] = {44100, 48000, 32000};
    unsigned version = (data[1] >> 3) & 3u; /* 3 = MPEG-1, 2 = MPEG-2, 0 = MPEG-2.5 */
    unsigned layer = (data[1] >> 1) & 3u;   /* 3 = I, 2 = II, 1 = III */
    unsigned kbits_index = data[2] >> 4;
    unsigned rate_index = (data[2] >> 2) & 3u;
    if (data[0] != 0xFF || (data[1] & 0xE0) != 0xE0 || version == 1 || layer == 0 ||
        kbits_index == 0 || kbits_index == 15 || rate_index == 3) {
        return 0;
    }
    uint32_t rate = rates[rate_index] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
    uint32_t kbits = (version == 3 ? kbits_v1 : kbits_v2)[3 - layer][kbits_index];
    uint32_t padding = (data[2] >> 1) & 1u;
    if (layer == 3) {
        return ((size_t)12000 * kbits / rate + padding) * 4;
    }
    uint32_t samples_kilo = layer == 1 && version != 3 ? 72000 : 144000;
    return (size_t)samples_kilo * kbits / rate + padding;
}

static size_t adts_frame_len(const uint8_t *data)
{
    if (data[0] != 0xFF || (data[1] & 0xF6) != 0xF0) {
        return 0;
    }
    return (size_t)(data[3] & 3u) << 11 | (size_t)data[4] << 3 | data[5] >> 5;
}

/* Three frames in a row, or two that fill the file. */
static int is_frames(const uint8_t *data, size_t len, size_t (*frame_len)(const uint8_t *))
{
    size_t at = 0;
    int frames = 0;
    while (at + 6 < len && frames < 3) {
        size_t step = frame_len(data + at);
        if (step < 7) {
            return 0;
        }
        at += step;
        frames++;
    }
    return frames >= 2;
}

reels_status reels__media_sniff(const uint8_t *data,
                                size_t len,
                                const reels__media_container **out,
                                reels_error *err)
{
    if (len == 0) {
        return reels__fail(err, REELS_ERR_CORRUPT, "the file is empty");
    }
    for (size_t i = 0; i < REELS__COUNT(signatures); i++) {
        const signature *s = &signatures[i];
        if (len < s->at + s->len || memcmp(data + s->at, s->bytes, s->len) != 0) {
            continue;
        }
        if (s->container == NULL) {
            return reels__fail(err, REELS_ERR_UNSUPPORTED, "not a video: it is %s", s->what);
        }
        *out = s->container;
        return REELS_OK;
    }
    *out = NULL;
    if (is_iso_picture(data, len)) {
        return reels__fail(
            err, REELS_ERR_UNSUPPORTED, "not a video: it is an AVIF or HEIF picture");
    }
    if (is_iso(data, len)) {
        *out = &container_mp4;
    } else if (is_transport_stream(data, len)) {
        *out = &container_ts;
    } else if (is_program_stream(data, len)) {
        *out = &container_ps;
    } else if (is_frames(data, len, adts_frame_len)) {
        *out = &container_aac;
    } else if ((len > 10 && memcmp(data, "ID3", 3) == 0) ||
               is_frames(data, len, mpeg_audio_frame_len)) {
        *out = &container_mp3;
    }
    if (*out == NULL) {
        return reels__fail(
            err, REELS_ERR_UNSUPPORTED, "not a media container that is accepted here");
    }
    return REELS_OK;
}

/* An stsd box whose first entry (size, type) hides its codec. */
static int is_encrypted_entry(const uint8_t *type)
{
    /* type, version and flags, count, size of the entry, its type. */
    const size_t entry_type_at = 16;
    return memcmp(type, "stsd", 4) == 0 && (memcmp(type + entry_type_at, "encv", 4) == 0 ||
                                            memcmp(type + entry_type_at, "enca", 4) == 0);
}

/* The boxes of PIFF 1.1, which came before Common Encryption: of tracks, of samples. */
static int is_piff(const uint8_t *type)
{
    static const uint8_t track[16] = {0x89,
                                      0x74,
                                      0xDB,
                                      0xCE,
                                      0x7B,
                                      0xE7,
                                      0x4C,
                                      0x51,
                                      0x84,
                                      0xF9,
                                      0x71,
                                      0x48,
                                      0xF9,
                                      0x88,
                                      0x25,
                                      0x54};
    static const uint8_t samples[16] = {0xA2,
                                        0x39,
                                        0x4F,
                                        0x52,
                                        0x5A,
                                        0x9B,
                                        0x4F,
                                        0x14,
                                        0xA2,
                                        0x44,
                                        0x6C,
                                        0x42,
                                        0x7C,
                                        0x64,
                                        0x8D,
                                        0xF4};
    return memcmp(type, "uuid", 4) == 0 && (memcmp(type + 4, track, sizeof track) == 0 ||
                                            memcmp(type + 4, samples, sizeof samples) == 0);
}

int reels__media_iso_is_encrypted(const uint8_t *data, size_t len)
{
    const size_t longest = 20;
    for (size_t at = 0; len >= longest && at <= len - longest; at++) {
        if ((data[at] == 's' && is_encrypted_entry(data + at)) ||
            (data[at] == 'u' && is_piff(data + at))) {
            return 1;
        }
    }
    return 0;
}
