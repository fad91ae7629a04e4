//go:build !reels_nomedia

package reels

// #include "wrapper.h"
import "C"
import (
	"context"
	"io"
	"time"
	"unsafe"
)

// stepBudget is how long one step of a transcode may take.
const stepBudget = 100 * time.Millisecond

// Media says where media is: in a file, or wherever a reader gets its bytes from.
type Media struct {
	Path   string
	Reader io.ReaderAt // used when Path is ""
	Size   int64       // of what Reader serves
}

// Worker says where media is parsed and decoded.
type Worker struct {
	Path      string // of reels-media-worker; "" = where it was installed
	InProcess bool   // in this process: the headers say what that gives up
}

// ProbeOptions may be left zero.
type ProbeOptions struct {
	Exact  bool // read every packet
	Limits *MediaLimits
	Worker Worker
}

func (m *memory) input(media Media, s *state) *C.reels_media_input {
	c := newIn[C.reels_media_input](m)
	c.struct_size = C.uint32_t(unsafe.Sizeof(*c))
	if media.Path != "" || media.Reader == nil {
		c.path = m.word(media.Path)
		return c
	}
	s.readerAt = media.Reader
	c.read_at, c.user, c.size_bytes = C.reels_go_media_read, m.user(s), C.uint64_t(media.Size)
	return c
}

func (m *memory) isolation(worker Worker) *C.reels_media_isolation {
	c := newIn[C.reels_media_isolation](m)
	c.struct_size = C.uint32_t(unsafe.Sizeof(*c))
	c.worker_path = m.text(worker.Path)
	if worker.InProcess {
		c.mode = C.REELS_ISOLATION_NONE
	}
	return c
}

func (m *memory) limits(limits *MediaLimits) *C.reels_media_limits {
	if limits == nil {
		return nil
	}
	c := newIn[C.reels_media_limits](m)
	m.keep(limits.toC(c, m))
	return c
}

// Probe tells what media is and whether it can be made into a ladder. What cannot be used is
// described, with the reason; only what cannot be described is an error.
func Probe(ctx context.Context, lib *Ctx, media Media, options ProbeOptions) (ProbeInfo, error) {
	var m memory
	defer m.free()
	s := &state{}
	input := m.input(media, s)
	o := newIn[C.reels_probe_options](&m)
	o.struct_size = C.uint32_t(unsafe.Sizeof(*o))
	o.exact = C.uint32_t(number(options.Exact))
	o.limits, o.isolation = m.limits(options.Limits), m.isolation(options.Worker)
	info := newIn[C.reels_probe_info](&m)
	info.struct_size = C.uint32_t(unsafe.Sizeof(*info))
	if m.err != nil {
		return ProbeInfo{}, m.err
	}
	err := job{ctx: ctx, lib: lib, handle: lib.handle, state: s}.run(func(p unsafe.Pointer, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_probe_run((*C.reels_ctx)(p), call, input, o, info, e)
	})
	if err != nil {
		return ProbeInfo{}, err
	}
	return fromProbeInfo(info), nil
}

// TranscodeOptions may be left zero; 0 and "" mean the library's defaults.
type TranscodeOptions struct {
	Progress     func(TranscodeProgress) // called on the calling goroutine
	Replace      bool                    // files that are there are replaced
	Threads      uint32
	Preset       string
	Segment      time.Duration
	AudioBitrate uint32
	Limits       *MediaLimits
	Ladder       *LadderOptions
	Worker       Worker
}

// Transcoded is what a transcode made.
type Transcoded struct {
	Summary TranscodeSummary
	Rungs   []Rung
	Info    ProbeInfo
}

func (m *memory) transcodeOptions(options TranscodeOptions, s *state) *C.reels_transcode_options {
	o := newIn[C.reels_transcode_options](m)
	o.struct_size = C.uint32_t(unsafe.Sizeof(*o))
	o.threads_count, o.audio_bitrate_bps = C.uint32_t(options.Threads), C.uint32_t(options.AudioBitrate)
	o.segment_us, o.preset = durationToC(options.Segment), m.text(options.Preset)
	o.limits, o.isolation = m.limits(options.Limits), m.isolation(options.Worker)
	if options.Ladder != nil {
		ladder := newIn[C.reels_ladder_options](m)
		m.keep(options.Ladder.toC(ladder, m))
		o.ladder = ladder
	}
	if options.Progress != nil {
		s.progress = options.Progress
		o.progress, o.progress_user = C.reels_go_progress, m.user(s)
	}
	return o
}

// Transcode makes an HLS ladder in a directory: master.m3u8, its playlists and media, cover.jpg.
// When it fails, or ctx ends, or a callback panics, nothing of it is left.
func Transcode(ctx context.Context, lib *Ctx, media Media, directory string, options TranscodeOptions) (*Transcoded, error) {
	var m memory
	defer m.free()
	s := &state{}
	input, o, path := m.input(media, s), m.transcodeOptions(options, s), m.word(directory)
	if m.err != nil {
		return nil, m.err
	}
	var flags C.uint32_t
	if options.Replace {
		flags = C.REELS_OUTPUT_REPLACE
	}
	var made *Transcoded
	err := job{ctx: ctx, lib: lib, handle: lib.handle, state: s}.run(func(p unsafe.Pointer, call *C.reels_call, e *C.reels_error) C.reels_status {
		var output *C.reels_output
		status := C.reels_output_directory_new((*C.reels_ctx)(p), path, flags, &output, e)
		if status < 0 {
			return status
		}
		defer C.reels_output_free(output)
		made, status = transcode((*C.reels_ctx)(p), call, input, o, output, s, e)
		if made == nil {
			C.reels_output_discard(output, nil)
		}
		return status
	})
	return made, err
}

// transcode runs one job; what it made is nil unless all of it was made.
func transcode(lib *C.reels_ctx, call *C.reels_call, input *C.reels_media_input, o *C.reels_transcode_options,
	output *C.reels_output, s *state, e *C.reels_error) (*Transcoded, C.reels_status) {
	var t *C.reels_transcode
	status := C.reels_transcode_new(lib, input, o, C.reels_output_table(output), unsafe.Pointer(output), &t, e)
	defer C.reels_transcode_free(t)
	for status == C.REELS_OK && s.panicked == nil {
		status = C.reels_transcode_step(t, call, durationToC(stepBudget), e)
	}
	if status != C.REELS_END || s.panicked != nil {
		return nil, status
	}
	var m memory
	defer m.free()
	summary, info := newIn[C.reels_transcode_summary](&m), newIn[C.reels_probe_info](&m)
	summary.struct_size, info.struct_size = C.uint32_t(unsafe.Sizeof(*summary)), C.uint32_t(unsafe.Sizeof(*info))
	if status = C.reels_transcode_result(t, summary, e); status < 0 {
		return nil, status
	}
	if status = C.reels_transcode_info(t, info, e); status < 0 {
		return nil, status
	}
	made := &Transcoded{Summary: fromTranscodeSummary(summary), Info: fromProbeInfo(info)}
	for i := uint32(0); i < made.Summary.RungsCount; i++ {
		rung := newIn[C.reels_rung](&m)
		rung.struct_size = C.uint32_t(unsafe.Sizeof(*rung))
		if status = C.reels_transcode_rung(t, C.uint32_t(i), rung, e); status < 0 {
			return nil, status
		}
		made.Rungs = append(made.Rungs, fromRung(rung))
	}
	return made, C.REELS_OK
}
