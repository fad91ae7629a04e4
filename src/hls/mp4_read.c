/* Owns the reading of init segments. */
#include "mp4_read.h"

#include "mp4_box.h"

enum {
    DESCRIPTOR_ES = 3,
    DESCRIPTOR_DECODER = 4,
    DESCRIPTOR_SPECIFIC = 5,
    OBJECT_TYPE_AAC = 0x40,
    OBJECT_TYPE_AAC_MPEG2_LC = 0x67
};

void reels__fourcc_text(uint32_t fourcc, char out[5])
{
    for (unsigned i = 0; i < 4; i++) {
        uint32_t c = fourcc >> (24 - 8 * i) & 0xffU;
        out[i] = '?';
        if (c >= 0x20 && c < 0x7f) {
            out[i] = (char)c;
        }
    }
    out[4] = '\0';
}

int reels__box_next(struct reels__bytes *in,
                    const char *parent,
                    struct reels__finder *finder,
                    struct reels__box *out)
{
    if (reels__bytes_left(in) == 0) {
        return 0;
    }
    out->start = in->at;
    uint64_t size = reels__bytes_u32(in);
    out->type = reels__bytes_u32(in);
    if (size == 1) {
        size = reels__bytes_u64(in);
    }
    size_t head = in->at - out->start;
    if (in->failed || size < head || size - head > reels__bytes_left(in)) {
        reels__find(finder,
                    REELS_VERIFY_BOX,
                    "a box at byte %zu of %s is longer than what holds it",
                    out->start,
                    parent);
        return -1;
    }
    out->body = reels__bytes_take(in, (size_t)size - head);
    return 1;
}

void reels__box_full(struct reels__bytes *body, uint32_t *out_version, uint32_t *out_flags)
{
    uint32_t word = reels__bytes_u32(body);
    *out_version = word >> 24;
    *out_flags = word & 0xffffff;
}

static void
check_read(const struct reels__bytes *body, const char *box, struct reels__finder *finder)
{
    if (body->failed) {
        reels__find(finder, REELS_VERIFY_BOX, "box %s is too short", box);
    }
}

static void
read_tkhd(struct reels__bytes body, struct reels__finder *finder, struct reels__mp4_header *out)
{
    uint32_t version = 0;
    uint32_t flags = 0;
    reels__box_full(&body, &version, &flags);
    reels__bytes_skip(&body, version == 1 ? 16 : 8);
    out->track_id = reels__bytes_u32(&body);
    check_read(&body, "tkhd", finder);
}

static void
read_mdhd(struct reels__bytes body, struct reels__finder *finder, struct reels__mp4_header *out)
{
    uint32_t version = 0;
    uint32_t flags = 0;
    reels__box_full(&body, &version, &flags);
    reels__bytes_skip(&body, version == 1 ? 16 : 8);
    out->timescale = reels__bytes_u32(&body);
    check_read(&body, "mdhd", finder);
}

static void
read_hdlr(struct reels__bytes body, struct reels__finder *finder, struct reels__mp4_header *out)
{
    reels__bytes_skip(&body, 8);
    uint32_t handler = reels__bytes_u32(&body);
    check_read(&body, "hdlr", finder);
    if (out->handler != 0) {
        reels__find(finder, REELS_VERIFY_CMAF, "a track has two handlers");
    }
    out->handler = handler;
}

static void
read_elst(struct reels__bytes body, struct reels__finder *finder, struct reels__mp4_header *out)
{
    uint32_t version = 0;
    uint32_t flags = 0;
    reels__box_full(&body, &version, &flags);
    uint32_t count = reels__bytes_u32(&body);
    if (count > 0) {
        (void)(version == 1 ? reels__bytes_u64(&body) : reels__bytes_u32(&body));
        out->edit_media_time = version == 1 ? (int64_t)reels__bytes_u64(&body)
                                            : (int64_t)(int32_t)reels__bytes_u32(&body);
        (void)reels__bytes_u32(&body);
    }
    check_read(&body, "elst", finder);
    out->edits_count = count;
    if (count > 1) {
        reels__find(finder, REELS_VERIFY_CMAF, "the edit list has %u entries", (unsigned)count);
    }
    /* An empty edit (-1) delays the track; nothing else may be below 0. */
    if (out->edit_media_time < 0 || out->edit_media_time > INT32_MAX) {
        reels__find(finder, REELS_VERIFY_CMAF, "the edit list does not start inside the media");
        out->edit_media_time = 0;
    }
}

/* Tag and length of an MPEG-4 descriptor (ISO/IEC 14496-1 section 8.3.3). */
static struct reels__bytes take_descriptor(struct reels__bytes *in, uint32_t *out_tag)
{
    *out_tag = reels__bytes_u8(in);
    size_t len = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t byte = reels__bytes_u8(in);
        len = len << 7 | (byte & 0x7fU);
        if ((byte & 0x80) == 0) {
            break;
        }
    }
    return reels__bytes_take(in, len);
}

static void
read_esds(struct reels__bytes body, struct reels__finder *finder, struct reels__mp4_header *out)
{
    uint32_t tag = 0;
    reels__bytes_skip(&body, 4);
    struct reels__bytes es = take_descriptor(&body, &tag);
    uint32_t es_tag = tag;
    reels__bytes_skip(&es, 2);
    uint32_t flags = reels__bytes_u8(&es);
    reels__bytes_skip(&es, (flags & 0x80) != 0 ? 2 : 0);
    if ((flags & 0x40) != 0) {
        reels__bytes_skip(&es, reels__bytes_u8(&es));
    }
    reels__bytes_skip(&es, (flags & 0x20) != 0 ? 2 : 0);
    struct reels__bytes decoder = take_descriptor(&es, &tag);
    uint32_t decoder_tag = tag;
    uint32_t object_type = reels__bytes_u8(&decoder);
    reels__bytes_skip(&decoder, 12);
    struct reels__bytes specific = take_descriptor(&decoder, &tag);
    if (body.failed || es.failed || decoder.failed || es_tag != DESCRIPTOR_ES ||
        decoder_tag != DESCRIPTOR_DECODER || tag != DESCRIPTOR_SPECIFIC || specific.len == 0) {
        reels__find(finder, REELS_VERIFY_BOX, "box esds is not well formed");
        return;
    }
    if (object_type != OBJECT_TYPE_AAC && object_type != OBJECT_TYPE_AAC_MPEG2_LC) {
        return;
    }
    out->codec = REELS__MP4_CODEC_AAC;
    out->configuration = specific.data;
    out->configuration_len = specific.len;
}

static void read_entry_boxes(struct reels__bytes body,
                             struct reels__finder *finder,
                             struct reels__mp4_header *out)
{
    struct reels__box box;
    while (reels__box_next(&body, "the sample entry", finder, &box) == 1) {
        if (box.type == REELS__FOURCC('a', 'v', 'c', 'C')) {
            out->codec = REELS__MP4_CODEC_H264;
            out->configuration = box.body.data;
            out->configuration_len = box.body.len;
        } else if (box.type == REELS__FOURCC('e', 's', 'd', 's')) {
            read_esds(box.body, finder, out);
        }
    }
}

static void
read_stsd(struct reels__bytes body, struct reels__finder *finder, struct reels__mp4_header *out)
{
    struct reels__box entry;
    reels__bytes_skip(&body, 4);
    uint32_t count = reels__bytes_u32(&body);
    check_read(&body, "stsd", finder);
    if (count != 1) {
        reels__find(finder, REELS_VERIFY_CMAF, "the track has %u sample entries", (unsigned)count);
    }
    if (count == 0 || reels__box_next(&body, "stsd", finder, &entry) != 1) {
        return;
    }
    out->sample_entry = entry.type;
    reels__bytes_skip(&entry.body, 8);
    if (out->handler == REELS__FOURCC('v', 'i', 'd', 'e')) {
        reels__bytes_skip(&entry.body, 16);
        out->width = reels__bytes_u16(&entry.body);
        out->height = reels__bytes_u16(&entry.body);
        reels__bytes_skip(&entry.body, 50);
    } else if (out->handler == REELS__FOURCC('s', 'o', 'u', 'n')) {
        reels__bytes_skip(&entry.body, 8);
        out->channels = reels__bytes_u16(&entry.body);
        reels__bytes_skip(&entry.body, 10);
    } else {
        return;
    }
    check_read(&entry.body, "the sample entry", finder);
    read_entry_boxes(
        reels__bytes_of(entry.body.data + entry.body.at, reels__bytes_left(&entry.body)),
        finder,
        out);
}

static void check_empty_table(struct reels__box box, struct reels__finder *finder)
{
    char name[5];
    reels__bytes_skip(&box.body, box.type == REELS__FOURCC('s', 't', 's', 'z') ? 8 : 4);
    if (reels__bytes_u32(&box.body) != 0) {
        reels__fourcc_text(box.type, name);
        reels__find(finder, REELS_VERIFY_CMAF, "box %s of the init segment is not empty", name);
    }
}

static void
read_stbl(struct reels__bytes body, struct reels__finder *finder, struct reels__mp4_header *out)
{
    struct reels__box box;
    while (reels__box_next(&body, "stbl", finder, &box) == 1) {
        switch (box.type) {
        case REELS__FOURCC('s', 't', 's', 'd'):
            read_stsd(box.body, finder, out);
            break;
        case REELS__FOURCC('s', 't', 't', 's'):
        case REELS__FOURCC('s', 't', 's', 'c'):
        case REELS__FOURCC('s', 't', 's', 'z'):
        case REELS__FOURCC('s', 't', 'c', 'o'):
            check_empty_table(box, finder);
            break;
        default:
            break;
        }
    }
}

static void
read_minf(struct reels__bytes body, struct reels__finder *finder, struct reels__mp4_header *out)
{
    struct reels__box box;
    while (reels__box_next(&body, "minf", finder, &box) == 1) {
        if (box.type == REELS__FOURCC('s', 't', 'b', 'l')) {
            read_stbl(box.body, finder, out);
        }
    }
}

static void
read_mdia(struct reels__bytes body, struct reels__finder *finder, struct reels__mp4_header *out)
{
    struct reels__box box;
    while (reels__box_next(&body, "mdia", finder, &box) == 1) {
        switch (box.type) {
        case REELS__FOURCC('m', 'd', 'h', 'd'):
            read_mdhd(box.body, finder, out);
            break;
        case REELS__FOURCC('h', 'd', 'l', 'r'):
            read_hdlr(box.body, finder, out);
            break;
        case REELS__FOURCC('m', 'i', 'n', 'f'):
            read_minf(box.body, finder, out);
            break;
        default:
            break;
        }
    }
}

static void
read_edts(struct reels__bytes body, struct reels__finder *finder, struct reels__mp4_header *out)
{
    struct reels__box box;
    while (reels__box_next(&body, "edts", finder, &box) == 1) {
        if (box.type == REELS__FOURCC('e', 'l', 's', 't')) {
            read_elst(box.body, finder, out);
        }
    }
}

static void
read_trak(struct reels__bytes body, struct reels__finder *finder, struct reels__mp4_header *out)
{
    struct reels__box box;
    while (reels__box_next(&body, "trak", finder, &box) == 1) {
        switch (box.type) {
        case REELS__FOURCC('t', 'k', 'h', 'd'):
            read_tkhd(box.body, finder, out);
            break;
        case REELS__FOURCC('e', 'd', 't', 's'):
            read_edts(box.body, finder, out);
            break;
        case REELS__FOURCC('m', 'd', 'i', 'a'):
            read_mdia(box.body, finder, out);
            break;
        default:
            break;
        }
    }
}

static void read_mvex(struct reels__bytes body,
                      struct reels__finder *finder,
                      struct reels__mp4_header *out,
                      int *found)
{
    struct reels__box box;
    while (reels__box_next(&body, "mvex", finder, &box) == 1) {
        if (box.type != REELS__FOURCC('t', 'r', 'e', 'x')) {
            continue;
        }
        reels__bytes_skip(&box.body, 4);
        uint32_t track_id = reels__bytes_u32(&box.body);
        reels__bytes_skip(&box.body, 4);
        uint32_t duration = reels__bytes_u32(&box.body);
        uint32_t size = reels__bytes_u32(&box.body);
        uint32_t flags = reels__bytes_u32(&box.body);
        check_read(&box.body, "trex", finder);
        if (track_id == out->track_id) {
            out->default_duration = duration;
            out->default_size = size;
            out->default_flags = flags;
            *found = 1;
        }
    }
}

static void check_header(struct reels__finder *finder, struct reels__mp4_header *out, int has_trex)
{
    if (out->tracks_count != 1) {
        reels__find(finder,
                    REELS_VERIFY_CMAF,
                    "the init segment has %u tracks, not one",
                    (unsigned)out->tracks_count);
    }
    if (!has_trex) {
        reels__find(finder, REELS_VERIFY_BOX, "no trex box for track %u", (unsigned)out->track_id);
    }
    if (out->timescale == 0) {
        reels__find(finder, REELS_VERIFY_BOX, "the timescale is 0 or missing");
    }
    if (out->sample_entry == 0) {
        reels__find(finder, REELS_VERIFY_BOX, "the track has no sample entry");
    }
    out->valid =
        out->tracks_count == 1 && has_trex && out->timescale != 0 && out->sample_entry != 0;
}

static void
read_moov(struct reels__bytes body, struct reels__finder *finder, struct reels__mp4_header *out)
{
    struct reels__box box;
    struct reels__bytes mvex = {0};
    int has_trex = 0;
    while (reels__box_next(&body, "moov", finder, &box) == 1) {
        char name[5];
        switch (box.type) {
        case REELS__FOURCC('t', 'r', 'a', 'k'):
            if (out->tracks_count++ == 0) {
                read_trak(box.body, finder, out);
            }
            break;
        case REELS__FOURCC('m', 'v', 'e', 'x'):
            mvex = box.body;
            break;
        case REELS__FOURCC('u', 'd', 't', 'a'):
        case REELS__FOURCC('m', 'e', 't', 'a'):
            reels__fourcc_text(box.type, name);
            reels__find(
                finder, REELS_VERIFY_CMAF, "the init segment has a %s box at file level", name);
            break;
        default:
            break;
        }
    }
    read_mvex(mvex, finder, out, &has_trex);
    check_header(finder, out, has_trex);
}

void reels__mp4_header_read(const uint8_t *data,
                            size_t len,
                            struct reels__finder *finder,
                            struct reels__mp4_header *out)
{
    struct reels__bytes in = reels__bytes_of(data, len);
    struct reels__box box;
    uint32_t position = 0;
    uint32_t has_ftyp = 0;
    uint32_t has_moov = 0;
    *out = (struct reels__mp4_header){0};
    for (; reels__box_next(&in, "the init segment", finder, &box) == 1; position++) {
        if (box.type == REELS__FOURCC('f', 't', 'y', 'p')) {
            has_ftyp += position == 0;
        } else if (box.type == REELS__FOURCC('m', 'o', 'o', 'v')) {
            if (has_moov++ == 0) {
                read_moov(box.body, finder, out);
            }
        } else if (box.type == REELS__FOURCC('m', 'e', 't', 'a')) {
            reels__find(finder, REELS_VERIFY_CMAF, "the init segment has a meta box at file level");
        } else if (box.type == REELS__FOURCC('m', 'o', 'o', 'f') ||
                   box.type == REELS__FOURCC('m', 'd', 'a', 't')) {
            reels__find(finder, REELS_VERIFY_CMAF, "the init segment holds media");
        }
    }
    if (has_ftyp == 0 || has_moov != 1) {
        reels__find(finder, REELS_VERIFY_BOX, "an init segment is one ftyp, then one moov");
        out->valid = 0;
    }
}
