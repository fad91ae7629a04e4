/* Owns the opening of a transcode: the decision, the plan, the grid, the codecs. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "media/pipeline_internal.h"

enum {
    US_PER_S = 1000000,
    TIMESCALE_MIN = 10000, /* players and editors are used to fine ones */
    COVER_CANDIDATES_MAX = 100,
    COVERS_PER_S = 4,
    DECODER_THREADS_MAX = 4
};

static reels_status refusal(const reels_probe_info *info, reels_error *err)
{
    return info->verdict == REELS_VERDICT_REFUSE
               ? reels__fail(err, info->verdict_status, "%s", info->verdict_reason)
               : REELS_OK;
}

reels_status
reels__media_pipeline_open(reels__media_pipeline *p, const reels_call *call, reels_error *err)
{
    const reels_media_limits *limits = &p->settings->limits;
    REELS_TRY(reels__media_demux_open(&p->demux,
                                      p->ctx,
                                      call,
                                      p->source,
                                      limits,
                                      REELS__DEMUX_STREAMS | REELS__DEMUX_REFUSE_EARLY,
                                      err));
    REELS_TRY(reels__media_describe(&p->demux, limits, &p->tracks, &p->info, err));
    return refusal(&p->info, err);
}

reels_status
reels__media_pipeline_scan(reels__media_pipeline *p, const reels_call *call, reels_error *err)
{
    const reels_media_limits *limits = &p->settings->limits;
    REELS_TRY(reels__media_scan(p->ctx, call, p->source, limits, &p->tracks, &p->timing, err));
    if (p->tracks.video >= 0 && p->timing.video_frames_count == 0) {
        return reels__fail(err, REELS_ERR_CORRUPT, "its video track holds no picture");
    }
    if (p->tracks.audio >= 0 && p->timing.audio_start_us == REELS__NO_TIME) {
        p->tracks.audio = -1;
    }
    reels__media_describe_exact(&p->timing, limits, &p->info);
    return refusal(&p->info, err);
}

static reels_status open_decoder(reels__media_pipeline *p,
                                 int stream_index,
                                 uint32_t threads_count,
                                 AVCodecContext **out,
                                 reels_error *err)
{
    const AVCodecParameters *parameters = p->demux.format->streams[stream_index]->codecpar;
    const AVCodec *codec = avcodec_find_decoder(parameters->codec_id);
    AVCodecContext *decoder = *out = codec != NULL ? avcodec_alloc_context3(codec) : NULL;
    if (decoder == NULL || avcodec_parameters_to_context(decoder, parameters) < 0) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a decoder");
    }
    decoder->codec_whitelist = av_strdup(reels__media_decoders);
    decoder->pkt_timebase = (AVRational){1, US_PER_S};
    decoder->max_pixels = (int64_t)p->settings->limits.pixels_max;
    decoder->thread_count = (int)threads_count;
    decoder->log_level_offset = REELS__LOG_LEVEL_OFFSET;
    int av_status =
        decoder->codec_whitelist == NULL ? AVERROR(ENOMEM) : avcodec_open2(decoder, codec, NULL);
    return av_status < 0 ? reels__media_av_fail(av_status, "its decoder cannot be opened", err)
                         : REELS_OK;
}

static reels_status plan_rungs(reels__media_pipeline *p, reels_rung *rungs, reels_error *err)
{
    if (p->settings->rungs_count > 0) {
        p->rungs_count = p->settings->rungs_count;
        memcpy(rungs, p->settings->rungs, p->rungs_count * sizeof *rungs);
        return REELS_OK;
    }
    size_t count = 0;
    rungs[0].struct_size = sizeof *rungs;
    REELS_TRY(
        reels_ladder_plan(&p->info, &p->settings->ladder, rungs, REELS_RUNGS_MAX, &count, err));
    p->rungs_count = (uint32_t)count;
    return REELS_OK;
}

/* The highest rate of the rungs is the grid. */
static void choose_grid(reels__media_pipeline *p, const reels_rung *rungs)
{
    p->rate_num = rungs[0].frame_rate_num;
    p->rate_den = rungs[0].frame_rate_den;
    for (uint32_t i = 1; i < p->rungs_count; i++) {
        uint64_t here = (uint64_t)rungs[i].frame_rate_num * p->rate_den;
        uint64_t best = (uint64_t)p->rate_num * rungs[i].frame_rate_den;
        if (here > best) {
            p->rate_num = rungs[i].frame_rate_num;
            p->rate_den = rungs[i].frame_rate_den;
        }
    }
    p->tick_scale = 1;
    while ((uint64_t)p->rate_num * p->tick_scale < TIMESCALE_MIN) {
        p->tick_scale *= 2;
    }
    const reels__media_timing *t = &p->timing;
    /* Whole pictures; what is left of one counts from half of it on. */
    p->frames_total = av_rescale(t->duration_us, p->rate_num, (int64_t)p->rate_den * US_PER_S);
    p->frames_total = p->frames_total > 1 ? p->frames_total : 1;
    int64_t lead_us = t->video_start_us - t->origin_us;
    int64_t lead = av_rescale(lead_us, p->rate_num, (int64_t)p->rate_den * US_PER_S);
    p->shift_us =
        av_rescale(lead, (int64_t)p->rate_den * US_PER_S, p->rate_num) - t->video_start_us;
}

static uint32_t common_multiple(uint32_t a, uint32_t b)
{
    uint32_t x = a;
    uint32_t y = b;
    while (y != 0) {
        uint32_t rest = x % y;
        x = y;
        y = rest;
    }
    return a / x * b;
}

/* Pictures of the grid between key frames: a segment, and whole pictures in every rung. */
static uint32_t choose_gop(const reels__media_pipeline *p, const reels_rung *rungs)
{
    uint32_t together = 1;
    for (uint32_t i = 0; i < p->rungs_count; i++) {
        uint64_t base = (uint64_t)p->rate_num * rungs[i].frame_rate_den;
        uint64_t own = (uint64_t)p->rate_den * rungs[i].frame_rate_num;
        uint64_t divider = own > 0 ? base / own : 1;
        together = common_multiple(together, (uint32_t)(divider > 0 && divider < 64 ? divider : 1));
    }
    int64_t frames = av_rescale(
        p->settings->segment_us, p->rate_num, (int64_t)p->rate_den * US_PER_S * together);
    return (uint32_t)(frames > 1 ? frames : 1) * together;
}

static reels_status
open_rungs(reels__media_pipeline *p, const reels_rung *rungs, uint32_t gop, reels_error *err)
{
    for (uint32_t i = 0; i < p->rungs_count; i++) {
        REELS_TRY(reels__media_rung_open(&p->rungs[i],
                                         p->ctx,
                                         &rungs[i],
                                         p->rate_num,
                                         p->rate_den,
                                         gop,
                                         p->settings->preset,
                                         p->pool,
                                         1,
                                         err));
        char name[20];
        snprintf(name, sizeof name, "v%s", rungs[i].name);
        const AVCodecContext *encoder = p->rungs[i].encoder;
        reels_packager_video video = {.struct_size = sizeof video,
                                      .name = name,
                                      .extradata = encoder->extradata,
                                      .extradata_len = (size_t)encoder->extradata_size,
                                      .width = rungs[i].width,
                                      .height = rungs[i].height,
                                      .timescale = p->rate_num * p->tick_scale,
                                      .frame_rate_num = rungs[i].frame_rate_num,
                                      .frame_rate_den = rungs[i].frame_rate_den};
        REELS_TRY(reels_packager_add_video(p->packager, &video, &p->rungs[i].track, err));
        if (rungs[i].short_side <= p->settings->cover_short_side_max) {
            p->cover_rung = i;
        }
    }
    return REELS_OK;
}

static reels_status write_audio(void *user, const AVPacket *packet, reels_error *err)
{
    reels__media_pipeline *p = user;
    reels_sample sample = {.pts = packet->pts,
                           .duration = packet->duration > 0 ? packet->duration
                                                            : p->audio.encoder->frame_size,
                           .data = packet->data,
                           .data_len = (size_t)packet->size};
    return reels_packager_write(p->packager, p->audio_track, &sample, sizeof sample, 1, err);
}

static reels_status open_audio(reels__media_pipeline *p, reels_error *err)
{
    if (p->tracks.audio < 0) {
        return REELS_OK;
    }
    REELS_TRY(open_decoder(p, p->tracks.audio, 1, &p->audio_decoder, err));
    p->audio_frame = av_frame_alloc();
    if (p->audio_frame == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for sound");
    }
    int64_t samples = av_rescale(p->timing.duration_us, REELS__AUDIO_RATE, US_PER_S);
    if (p->tracks.video >= 0) {
        /* As long as the pictures, to the sample. */
        samples =
            av_rescale(p->frames_total, (int64_t)REELS__AUDIO_RATE * p->rate_den, p->rate_num);
    }
    REELS_TRY(reels__media_audio_open(&p->audio,
                                      p->ctx,
                                      p->settings->audio_bitrate_bps,
                                      samples > 1 ? samples : 1,
                                      write_audio,
                                      p,
                                      err));
    p->has_audio = 1;
    const AVCodecContext *encoder = p->audio.encoder;
    char name[20];
    snprintf(name, sizeof name, "a%u", p->settings->audio_bitrate_bps / 1000);
    reels_packager_audio audio = {.struct_size = sizeof audio,
                                  .name = name,
                                  .extradata = encoder->extradata,
                                  .extradata_len = (size_t)encoder->extradata_size};
    return reels_packager_add_audio(p->packager, &audio, &p->audio_track, err);
}

static reels_status
open_video(reels__media_pipeline *p, const reels_rung *rungs, uint32_t gop, reels_error *err)
{
    uint32_t threads = p->settings->threads_count;
    threads = threads < DECODER_THREADS_MAX ? threads : DECODER_THREADS_MAX;
    REELS_TRY(open_decoder(p, p->tracks.video, threads, &p->video_decoder, err));
    if (p->settings->threads_count > 1) {
        REELS_TRY(reels__pool_new(p->ctx, p->settings->threads_count, &p->pool, err));
    }
    REELS_TRY(open_rungs(p, rungs, gop, err));
    const reels_rung *top = &rungs[p->rungs_count - 1];
    p->prepare =
        (reels__media_prepare){.ctx = p->ctx,
                               .pools = &p->pools,
                               .turn = p->tracks.turn,
                               .width = (int)top->width,
                               .height = (int)top->height,
                               .codec = p->demux.format->streams[p->tracks.video]->codecpar};
    int64_t step = p->rate_num / ((int64_t)p->rate_den * COVERS_PER_S);
    int64_t sparse = p->frames_total / COVER_CANDIDATES_MAX + 1;
    step = step > sparse ? step : sparse;
    int64_t slowest = p->rungs[0].divider;
    p->cover_step = (step + slowest - 1) / slowest * slowest;
    return REELS_OK;
}

reels_status reels__media_pipeline_prepare(reels__media_pipeline *p, reels_error *err)
{
    reels_rung rungs[REELS_RUNGS_MAX] = {0};
    reels_packager_options options = {.struct_size = sizeof options,
                                      .segment_us = p->settings->segment_us};
    uint32_t gop = 0;
    p->packet = av_packet_alloc();
    if (p->packet == NULL) {
        return reels__fail(err, REELS_ERR_NO_MEMORY, "no memory for a packet");
    }
    if (p->tracks.video >= 0) {
        REELS_TRY(plan_rungs(p, rungs, err));
        choose_grid(p, rungs);
        gop = choose_gop(p, rungs);
        options.segment_us =
            av_rescale_rnd(gop, (int64_t)p->rate_den * US_PER_S, p->rate_num, AV_ROUND_DOWN);
    }
    REELS_TRY(reels_packager_new(p->ctx, &options, &p->output, p->output_impl, &p->packager, err));
    if (p->tracks.video >= 0) {
        REELS_TRY(open_video(p, rungs, gop, err));
    }
    return open_audio(p, err);
}
