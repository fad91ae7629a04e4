/* Owns the reading of media segments. */
#include "base/mem.h"
#include "mp4_box.h"

enum {
    TFHD_BASE_OFFSET = 0x1,
    TFHD_DESCRIPTION = 0x2,
    TFHD_DURATION = 0x8,
    TFHD_SIZE = 0x10,
    TFHD_FLAGS = 0x20,
    TFHD_BASE_IS_MOOF = 0x20000,
    TRUN_DATA_OFFSET = 0x1,
    TRUN_FIRST_FLAGS = 0x4,
    TRUN_DURATION = 0x100,
    TRUN_SIZE = 0x200,
    TRUN_FLAGS = 0x400,
    TRUN_COMPOSITION = 0x800
};

struct reading {
    const struct reels__mp4_header *header;
    struct reels__finder *finder;
    struct reels__mp4_segment *out;
    reels_status status;
    size_t moof_start;
    uint32_t tracks_in_fragment;
    uint32_t default_duration;
    uint32_t default_size;
    uint32_t default_flags;
    uint32_t ignored;      /* the fragment is of another track */
    uint64_t data_at;      /* where the next run's bytes are when it does not say */
    size_t samples_before; /* of earlier fragments */
};

static int reserve_samples(struct reading *r, uint32_t count)
{
    struct reels__mp4_segment *out = r->out;
    size_t needed = out->samples_count + count;
    if (count > REELS__MP4_SAMPLES_MAX || needed > REELS__MP4_SAMPLES_MAX) {
        reels__find(r->finder,
                    REELS_VERIFY_LIMIT,
                    "more than %d samples in a segment",
                    REELS__MP4_SAMPLES_MAX);
        r->status = REELS_ERR_LIMIT;
        return 0;
    }
    if (needed <= out->samples_capacity) {
        return 1;
    }
    size_t capacity = needed + needed / 2;
    void *samples = reels__mem_realloc(out->ctx, out->samples, capacity * sizeof *out->samples);
    if (samples == NULL) {
        r->status = REELS_ERR_NO_MEMORY;
        return 0;
    }
    out->samples = samples;
    out->samples_capacity = capacity;
    return 1;
}

static void read_tfhd(struct reading *r, struct reels__bytes body)
{
    uint32_t version = 0;
    uint32_t flags = 0;
    reels__box_full(&body, &version, &flags);
    uint32_t track_id = reels__bytes_u32(&body);
    reels__bytes_skip(&body, (flags & TFHD_BASE_OFFSET) != 0 ? 8 : 0);
    reels__bytes_skip(&body, (flags & TFHD_DESCRIPTION) != 0 ? 4 : 0);
    r->default_duration =
        (flags & TFHD_DURATION) != 0 ? reels__bytes_u32(&body) : r->header->default_duration;
    r->default_size = (flags & TFHD_SIZE) != 0 ? reels__bytes_u32(&body) : r->header->default_size;
    r->default_flags =
        (flags & TFHD_FLAGS) != 0 ? reels__bytes_u32(&body) : r->header->default_flags;
    if (body.failed) {
        reels__find(r->finder, REELS_VERIFY_BOX, "box tfhd is too short");
    }
    if (track_id != r->header->track_id) {
        reels__find(r->finder,
                    REELS_VERIFY_BOX,
                    "the fragment is of track %u, the init segment of track %u",
                    (unsigned)track_id,
                    (unsigned)r->header->track_id);
        r->ignored = 1;
    }
    if ((flags & TFHD_BASE_OFFSET) != 0 || (flags & TFHD_BASE_IS_MOOF) == 0) {
        reels__find(
            r->finder, REELS_VERIFY_CMAF, "offsets of the fragment do not count from its moof box");
    }
}

static void read_tfdt(struct reading *r, struct reels__bytes body)
{
    uint32_t version = 0;
    uint32_t flags = 0;
    reels__box_full(&body, &version, &flags);
    uint64_t time = version == 1 ? reels__bytes_u64(&body) : reels__bytes_u32(&body);
    if (body.failed || time > INT64_MAX) {
        reels__find(r->finder, REELS_VERIFY_BOX, "box tfdt is not well formed");
        return;
    }
    if (!r->out->has_decode_time) {
        r->out->decode_time = time;
        r->out->has_decode_time = 1;
        return;
    }
    unsigned long long end = r->out->decode_time + r->out->duration;
    if (time != end) {
        reels__find(r->finder,
                    REELS_VERIFY_DECODE_TIME,
                    "a fragment inside the segment starts at %llu, the one before it ends at %llu",
                    (unsigned long long)time,
                    end);
    }
}

static void
read_run_samples(struct reading *r, struct reels__bytes *body, uint32_t flags, uint32_t count)
{
    uint32_t first_flags =
        (flags & TRUN_FIRST_FLAGS) != 0 ? reels__bytes_u32(body) : r->default_flags;
    for (uint32_t i = 0; i < count; i++) {
        struct reels__mp4_read_sample sample = {
            .duration = r->default_duration,
            .size = r->default_size,
            .flags = i == 0 ? first_flags : r->default_flags,
            .offset = r->data_at <= UINT32_MAX ? (uint32_t)r->data_at : UINT32_MAX};
        if ((flags & TRUN_DURATION) != 0) {
            sample.duration = reels__bytes_u32(body);
        }
        if ((flags & TRUN_SIZE) != 0) {
            sample.size = reels__bytes_u32(body);
        }
        if ((flags & TRUN_FLAGS) != 0) {
            sample.flags = reels__bytes_u32(body);
        }
        if ((flags & TRUN_COMPOSITION) != 0) {
            sample.composition_offset = (int32_t)reels__bytes_u32(body);
        }
        if (body->failed) {
            reels__find(r->finder, REELS_VERIFY_BOX, "box trun is too short for its samples");
            return;
        }
        r->data_at += sample.size;
        r->out->duration += sample.duration;
        r->out->samples[r->out->samples_count++] = sample;
    }
}

static void read_trun(struct reading *r, struct reels__bytes body)
{
    uint32_t version = 0;
    uint32_t flags = 0;
    reels__box_full(&body, &version, &flags);
    uint32_t count = reels__bytes_u32(&body);
    if ((flags & TRUN_DATA_OFFSET) != 0) {
        int64_t at = (int64_t)r->moof_start + (int32_t)reels__bytes_u32(&body);
        r->data_at = at >= 0 ? (uint64_t)at : UINT32_MAX;
    }
    if (body.failed) {
        reels__find(r->finder, REELS_VERIFY_BOX, "box trun is too short");
        return;
    }
    if (r->status == REELS_OK && !r->ignored && reserve_samples(r, count)) {
        read_run_samples(r, &body, flags, count);
    }
}

static void read_traf(struct reading *r, struct reels__bytes body)
{
    struct reels__box box;
    uint32_t heads = 0;
    uint32_t times = 0;
    uint32_t runs = 0;
    r->ignored = 0;
    while (reels__box_next(&body, "traf", r->finder, &box) == 1) {
        if (box.type == REELS__FOURCC('t', 'f', 'h', 'd') && heads++ == 0) {
            read_tfhd(r, box.body);
        } else if (box.type == REELS__FOURCC('t', 'f', 'd', 't') && times++ == 0) {
            read_tfdt(r, box.body);
        } else if (box.type == REELS__FOURCC('t', 'r', 'u', 'n') && heads > 0) {
            read_trun(r, box.body);
            runs++;
        }
    }
    if (heads != 1 || times != 1 || runs == 0) {
        reels__find(r->finder,
                    REELS_VERIFY_BOX,
                    "a traf box holds one tfhd, one tfdt and at least one trun");
    }
}

static void read_moof(struct reading *r, struct reels__box moof)
{
    struct reels__box box;
    uint32_t tracks = 0;
    r->moof_start = moof.start;
    r->data_at = moof.start;
    r->samples_before = r->out->samples_count;
    r->out->fragments_count++;
    while (reels__box_next(&moof.body, "moof", r->finder, &box) == 1) {
        if (box.type == REELS__FOURCC('t', 'r', 'a', 'f')) {
            tracks++;
            if (tracks == 1) {
                read_traf(r, box.body);
            }
        }
    }
    if (tracks != 1) {
        reels__find(
            r->finder, REELS_VERIFY_CMAF, "a fragment of %u tracks, not one", (unsigned)tracks);
    }
}

/* The samples of the last fragment lie in this mdat, one after the other to its end. */
static void check_mdat(struct reading *r, struct reels__box mdat, size_t body_start)
{
    uint64_t at = body_start;
    for (size_t i = r->samples_before; i < r->out->samples_count; i++) {
        const struct reels__mp4_read_sample *sample = &r->out->samples[i];
        if (sample->offset != at || sample->size == 0 ||
            sample->size > body_start + mdat.body.len - at) {
            reels__find(r->finder,
                        REELS_VERIFY_BOX,
                        "sample %zu does not lie in its mdat box after the one before it",
                        i);
            r->out->samples_count = i;
            return;
        }
        at += sample->size;
    }
    if (at != body_start + mdat.body.len) {
        reels__find(r->finder, REELS_VERIFY_BOX, "the mdat box holds bytes of no sample");
    }
    r->samples_before = r->out->samples_count;
}

/* Boxes that may stand before a fragment (ISO/IEC 23000-19 section 7.3.2.3). */
static int may_stand(uint32_t type)
{
    switch (type) {
    case REELS__FOURCC('s', 't', 'y', 'p'):
    case REELS__FOURCC('s', 'i', 'd', 'x'):
    case REELS__FOURCC('p', 'r', 'f', 't'):
    case REELS__FOURCC('e', 'm', 's', 'g'):
    case REELS__FOURCC('f', 'r', 'e', 'e'):
    case REELS__FOURCC('s', 'k', 'i', 'p'):
        return 1;
    default:
        return 0;
    }
}

/* The samples of a moof without an mdat cannot be looked at: nothing says that they are there. */
static void forget_fragment(struct reading *r)
{
    reels__find(r->finder, REELS_VERIFY_BOX, "a moof box is not followed by its mdat");
    r->out->samples_count = r->samples_before;
}

static void read_top(struct reading *r, struct reels__bytes in)
{
    struct reels__box box;
    uint32_t moof_waits = 0;
    while (r->status == REELS_OK && reels__box_next(&in, "the segment", r->finder, &box) == 1) {
        char name[5];
        if (box.type == REELS__FOURCC('m', 'o', 'o', 'f')) {
            if (moof_waits) {
                forget_fragment(r);
            }
            read_moof(r, box);
            moof_waits = 1;
        } else if (box.type == REELS__FOURCC('m', 'd', 'a', 't') && moof_waits) {
            check_mdat(r, box, in.at - box.body.len);
            moof_waits = 0;
        } else if (!may_stand(box.type)) {
            reels__fourcc_text(box.type, name);
            reels__find(
                r->finder, REELS_VERIFY_CMAF, "a %s box where moof and mdat should be", name);
        }
    }
    if (moof_waits) {
        forget_fragment(r);
    }
    if (r->out->fragments_count == 0) {
        reels__find(r->finder, REELS_VERIFY_BOX, "a media segment holds at least one moof box");
    }
}

reels_status reels__mp4_segment_read(const uint8_t *data,
                                     size_t len,
                                     const struct reels__mp4_header *header,
                                     struct reels__finder *finder,
                                     struct reels__mp4_segment *out)
{
    struct reading r = {.header = header, .finder = finder, .out = out};
    out->samples_count = 0;
    out->duration = 0;
    out->decode_time = 0;
    out->has_decode_time = 0;
    out->fragments_count = 0;
    read_top(&r, reels__bytes_of(data, len));
    return r.status == REELS_ERR_NO_MEMORY ? r.status : finder->status;
}

void reels__mp4_segment_dispose(struct reels__mp4_segment *segment)
{
    if (segment->ctx != NULL) {
        reels__mem_free(segment->ctx, segment->samples);
    }
    segment->samples = NULL;
    segment->samples_capacity = 0;
}
