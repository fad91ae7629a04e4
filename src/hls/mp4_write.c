/* Owns the writing of boxes. A writer remembers its first failure, so that boxes are put down line
 * by line and the failure is looked at once, at the end. */
#include "mp4_write.h"

#include <string.h>

#include "base/buffer_internal.h"
#include "base/error.h"

enum {
    DEPTH_MAX = 12,
    MDAT_BYTES_MAX = INT32_MAX - 1024 * 1024,
    TRUN_DATA_OFFSET = 0x1,
    TRUN_FIRST_FLAGS = 0x4,
    TRUN_DURATION = 0x100,
    TRUN_SIZE = 0x200,
    TRUN_FLAGS = 0x400,
    TRUN_COMPOSITION = 0x800,
    TFHD_DURATION = 0x8,
    TFHD_FLAGS = 0x20,
    TFHD_BASE_IS_MOOF = 0x20000,
    /* Section 8.8.3.1: sample_depends_on 2 (a key frame) or 1, and sample_is_non_sync_sample. */
    SAMPLE_KEY = 0x02000000,
    SAMPLE_DEPENDS = 0x01010000
};

struct writer {
    reels_buf *buf;
    reels_error *err;
    reels_status status;
    size_t depth;
    size_t starts[DEPTH_MAX];
};

static void put(struct writer *w, const void *data, size_t len)
{
    if (w->status == REELS_OK) {
        w->status = reels_buf_append(w->buf, data, len, w->err);
    }
}

static void put_number(struct writer *w, uint64_t value, size_t bytes)
{
    uint8_t data[8];
    for (size_t i = 0; i < bytes; i++) {
        data[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
    }
    put(w, data, bytes);
}

static void put_u8(struct writer *w, uint32_t value)
{
    put_number(w, value, 1);
}

static void put_u16(struct writer *w, uint32_t value)
{
    put_number(w, value, 2);
}

static void put_u32(struct writer *w, uint32_t value)
{
    put_number(w, value, 4);
}

static void put_u64(struct writer *w, uint64_t value)
{
    put_number(w, value, 8);
}

static void put_zeros(struct writer *w, size_t count)
{
    static const uint8_t zeros[64];
    put(w, zeros, count);
}

static void box_begin(struct writer *w, const char *type)
{
    if (w->status == REELS_OK && w->depth == DEPTH_MAX) {
        w->status = reels__fail(w->err, REELS_ERR_INTERNAL, "boxes are nested too deeply");
    }
    if (w->status != REELS_OK) {
        return;
    }
    w->starts[w->depth++] = reels_buf_len(w->buf);
    put_u32(w, 0);
    put(w, type, 4);
}

static void full_box_begin(struct writer *w, const char *type, uint32_t version, uint32_t flags)
{
    box_begin(w, type);
    put_u32(w, version << 24 | flags);
}

static void patch_u32(struct writer *w, size_t at, uint32_t value)
{
    uint8_t data[4] = {
        (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    memcpy(reels__buf_bytes(w->buf) + at, data, sizeof data);
}

static void box_end(struct writer *w)
{
    if (w->status != REELS_OK) {
        return;
    }
    size_t start = w->starts[--w->depth];
    patch_u32(w, start, (uint32_t)(reels_buf_len(w->buf) - start));
}

static void put_matrix(struct writer *w)
{
    static const uint32_t unity[9] = {0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000};
    for (size_t i = 0; i < 9; i++) {
        put_u32(w, unity[i]);
    }
}

/* Brands: cmfc for all CMAF, cmf2 (signed composition offsets, no edit list) for video. */
static void write_ftyp(struct writer *w, const struct reels__mp4_track *track)
{
    box_begin(w, "ftyp");
    put(w, "cmfc", 4);
    put_u32(w, 0);
    put(w, "iso6cmfc", 8);
    if (track->kind == REELS__MP4_VIDEO) {
        put(w, "cmf2", 4);
    }
    box_end(w);
}

static void write_mvhd(struct writer *w, const struct reels__mp4_track *track)
{
    full_box_begin(w, "mvhd", 0, 0);
    put_u64(w, 0);
    put_u32(w, track->timescale);
    put_u32(w, 0);
    put_u32(w, 0x10000);
    put_u16(w, 0x100);
    put_zeros(w, 10);
    put_matrix(w);
    put_zeros(w, 24);
    put_u32(w, REELS__MP4_TRACK_ID + 1);
    box_end(w);
}

static void write_tkhd(struct writer *w, const struct reels__mp4_track *track)
{
    int video = track->kind == REELS__MP4_VIDEO;
    uint64_t display_width = (uint64_t)track->width * track->aspect_num * 0x10000;
    /* Enabled, in movie, in preview. */
    full_box_begin(w, "tkhd", 0, 7);
    put_u64(w, 0);
    put_u32(w, REELS__MP4_TRACK_ID);
    put_u32(w, 0);
    put_u32(w, 0);
    put_zeros(w, 8);
    put_u16(w, 0);
    put_u16(w, 0);
    put_u16(w, video ? 0 : 0x100);
    put_u16(w, 0);
    put_matrix(w);
    put_u32(w, video ? (uint32_t)(display_width / track->aspect_den) : 0);
    put_u32(w, track->height << 16);
    box_end(w);
}

/* The one edit list: the presentation starts `skip` ticks into the media and lasts as long as it.
 */
static void write_edts(struct writer *w, const struct reels__mp4_track *track)
{
    box_begin(w, "edts");
    full_box_begin(w, "elst", 1, 0);
    put_u32(w, 1);
    put_u64(w, 0);
    put_u64(w, (uint64_t)track->skip);
    put_u32(w, 0x10000);
    box_end(w);
    box_end(w);
}

static void write_avc1(struct writer *w, const struct reels__mp4_track *track)
{
    box_begin(w, "avc1");
    put_zeros(w, 6);
    put_u16(w, 1);
    put_zeros(w, 16);
    put_u16(w, track->width);
    put_u16(w, track->height);
    put_u32(w, 72 << 16);
    put_u32(w, 72 << 16);
    put_u32(w, 0);
    put_u16(w, 1);
    put_zeros(w, 32);
    put_u16(w, 0x18);
    put_u16(w, 0xffff);
    box_begin(w, "avcC");
    put(w, track->configuration, track->configuration_len);
    box_end(w);
    box_begin(w, "pasp");
    put_u32(w, track->aspect_num);
    put_u32(w, track->aspect_den);
    box_end(w);
    box_end(w);
}

/* Descriptor tag and length in the four-byte form that every reader knows. */
static void put_descriptor(struct writer *w, uint32_t tag, size_t len)
{
    put_u8(w, tag);
    put_u8(w, 0x80U | (uint32_t)(len >> 21 & 0x7f));
    put_u8(w, 0x80U | (uint32_t)(len >> 14 & 0x7f));
    put_u8(w, 0x80U | (uint32_t)(len >> 7 & 0x7f));
    put_u8(w, (uint32_t)(len & 0x7f));
}

static void write_esds(struct writer *w, const struct reels__mp4_track *track)
{
    size_t specific = 5 + track->configuration_len;
    size_t decoder = 13 + specific;
    full_box_begin(w, "esds", 0, 0);
    put_descriptor(w, 3, 3 + 5 + decoder + 5 + 1);
    put_u16(w, REELS__MP4_TRACK_ID);
    put_u8(w, 0);
    put_descriptor(w, 4, decoder);
    put_u8(w, 0x40);
    put_u8(w, 0x15);
    put_zeros(w, 3);
    put_u32(w, 0);
    put_u32(w, 0);
    put_descriptor(w, 5, track->configuration_len);
    put(w, track->configuration, track->configuration_len);
    put_descriptor(w, 6, 1);
    put_u8(w, 2);
    box_end(w);
}

static void write_mp4a(struct writer *w, const struct reels__mp4_track *track)
{
    box_begin(w, "mp4a");
    put_zeros(w, 6);
    put_u16(w, 1);
    put_zeros(w, 8);
    put_u16(w, track->channels);
    put_u16(w, 16);
    put_u32(w, 0);
    put_u32(w, track->timescale <= 0xffff ? track->timescale << 16 : 0);
    write_esds(w, track);
    box_end(w);
}

static void write_stbl(struct writer *w, const struct reels__mp4_track *track)
{
    box_begin(w, "stbl");
    full_box_begin(w, "stsd", 0, 0);
    put_u32(w, 1);
    if (track->kind == REELS__MP4_VIDEO) {
        write_avc1(w, track);
    } else {
        write_mp4a(w, track);
    }
    box_end(w);
    /* The samples are in fragments: these tables are empty (section 8.8.1). */
    full_box_begin(w, "stts", 0, 0);
    put_u32(w, 0);
    box_end(w);
    full_box_begin(w, "stsc", 0, 0);
    put_u32(w, 0);
    box_end(w);
    full_box_begin(w, "stsz", 0, 0);
    put_u64(w, 0);
    box_end(w);
    full_box_begin(w, "stco", 0, 0);
    put_u32(w, 0);
    box_end(w);
    box_end(w);
}

static void write_minf(struct writer *w, const struct reels__mp4_track *track)
{
    box_begin(w, "minf");
    if (track->kind == REELS__MP4_VIDEO) {
        full_box_begin(w, "vmhd", 0, 1);
        put_u64(w, 0);
    } else {
        full_box_begin(w, "smhd", 0, 0);
        put_u32(w, 0);
    }
    box_end(w);
    box_begin(w, "dinf");
    full_box_begin(w, "dref", 0, 0);
    put_u32(w, 1);
    full_box_begin(w, "url ", 0, 1);
    box_end(w);
    box_end(w);
    box_end(w);
    write_stbl(w, track);
    box_end(w);
}

static void write_mdia(struct writer *w, const struct reels__mp4_track *track)
{
    int video = track->kind == REELS__MP4_VIDEO;
    const char *name = video ? "VideoHandler" : "SoundHandler";
    box_begin(w, "mdia");
    full_box_begin(w, "mdhd", 0, 0);
    put_u64(w, 0);
    put_u32(w, track->timescale);
    put_u32(w, 0);
    /* "und", five bits a letter. */
    put_u16(w, 0x55c4);
    put_u16(w, 0);
    box_end(w);
    full_box_begin(w, "hdlr", 0, 0);
    put_u32(w, 0);
    put(w, video ? "vide" : "soun", 4);
    put_zeros(w, 12);
    put(w, name, strlen(name) + 1);
    box_end(w);
    write_minf(w, track);
    box_end(w);
}

reels_status
reels__mp4_write_init(const struct reels__mp4_track *track, reels_buf *out, reels_error *err)
{
    struct writer w = {.buf = out, .err = err};
    write_ftyp(&w, track);
    box_begin(&w, "moov");
    write_mvhd(&w, track);
    box_begin(&w, "trak");
    write_tkhd(&w, track);
    if (track->skip > 0) {
        write_edts(&w, track);
    }
    write_mdia(&w, track);
    box_end(&w);
    box_begin(&w, "mvex");
    full_box_begin(&w, "trex", 0, 0);
    put_u32(&w, REELS__MP4_TRACK_ID);
    put_u32(&w, 1);
    put_zeros(&w, 12);
    box_end(&w);
    box_end(&w);
    box_end(&w);
    return w.status;
}

/* What is the same for all samples stands once in the fragment's head. */
struct shape {
    uint32_t tfhd_flags;
    uint32_t trun_flags;
    uint32_t default_flags;
    uint64_t bytes;
};

static struct shape shape_of(const struct reels__mp4_fragment *fragment)
{
    const struct reels__mp4_sample *samples = fragment->samples;
    struct shape shape = {.tfhd_flags = TFHD_BASE_IS_MOOF | TFHD_DURATION | TFHD_FLAGS,
                          .trun_flags = TRUN_DATA_OFFSET | TRUN_SIZE,
                          .default_flags = SAMPLE_KEY};
    if (fragment->kind == REELS__MP4_VIDEO) {
        shape.default_flags = SAMPLE_DEPENDS;
        shape.trun_flags |= TRUN_FIRST_FLAGS;
    }
    for (size_t i = 0; i < fragment->samples_count; i++) {
        shape.bytes += samples[i].size;
        if (samples[i].duration != samples[0].duration) {
            shape.trun_flags |= TRUN_DURATION;
        }
        if (samples[i].composition_offset != 0) {
            shape.trun_flags |= TRUN_COMPOSITION;
        }
        if (i > 0 && fragment->kind == REELS__MP4_VIDEO && samples[i].key) {
            shape.trun_flags |= TRUN_FLAGS;
        }
    }
    if ((shape.trun_flags & TRUN_FLAGS) != 0) {
        shape.trun_flags &= ~(uint32_t)TRUN_FIRST_FLAGS;
    }
    return shape;
}

/* Gives where the data offset stands, to be patched once the size of moof is known. */
static size_t
write_trun(struct writer *w, const struct reels__mp4_fragment *fragment, const struct shape *shape)
{
    full_box_begin(w, "trun", 1, shape->trun_flags);
    put_u32(w, (uint32_t)fragment->samples_count);
    size_t offset_at = reels_buf_len(w->buf);
    put_u32(w, 0);
    if ((shape->trun_flags & TRUN_FIRST_FLAGS) != 0) {
        put_u32(w, SAMPLE_KEY);
    }
    for (size_t i = 0; i < fragment->samples_count && w->status == REELS_OK; i++) {
        const struct reels__mp4_sample *sample = &fragment->samples[i];
        if ((shape->trun_flags & TRUN_DURATION) != 0) {
            put_u32(w, sample->duration);
        }
        put_u32(w, sample->size);
        if ((shape->trun_flags & TRUN_FLAGS) != 0) {
            put_u32(w, sample->key ? SAMPLE_KEY : SAMPLE_DEPENDS);
        }
        if ((shape->trun_flags & TRUN_COMPOSITION) != 0) {
            put_u32(w, (uint32_t)sample->composition_offset);
        }
    }
    box_end(w);
    return offset_at;
}

reels_status reels__mp4_write_fragment(const struct reels__mp4_fragment *fragment,
                                       reels_buf *out,
                                       reels_error *err)
{
    struct writer w = {.buf = out, .err = err};
    struct shape shape = shape_of(fragment);
    if (shape.bytes > MDAT_BYTES_MAX || fragment->samples_count > MDAT_BYTES_MAX / 16) {
        return reels__fail(err, REELS_ERR_LIMIT, "a segment passes %d bytes", MDAT_BYTES_MAX);
    }
    size_t start = reels_buf_len(out);
    box_begin(&w, "moof");
    full_box_begin(&w, "mfhd", 0, 0);
    put_u32(&w, fragment->sequence);
    box_end(&w);
    box_begin(&w, "traf");
    full_box_begin(&w, "tfhd", 0, shape.tfhd_flags);
    put_u32(&w, REELS__MP4_TRACK_ID);
    put_u32(&w, fragment->samples[0].duration);
    put_u32(&w, shape.default_flags);
    box_end(&w);
    full_box_begin(&w, "tfdt", 1, 0);
    put_u64(&w, fragment->decode_time);
    box_end(&w);
    size_t offset_at = write_trun(&w, fragment, &shape);
    box_end(&w);
    box_end(&w);
    put_u32(&w, (uint32_t)(shape.bytes + 8));
    put(&w, "mdat", 4);
    if (w.status == REELS_OK) {
        patch_u32(&w, offset_at, (uint32_t)(reels_buf_len(out) - start));
    }
    return w.status;
}
