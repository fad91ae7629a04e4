//go:build !reels_nomedia

package reels

// #include "wrapper.h"
import "C"
import (
	"context"
	"unsafe"
)

// VerifyOptions may be left zero.
type VerifyOptions struct {
	Master      string // the first playlist; "" = "master.m3u8"
	NoDecode    bool   // leaves out the decoding, which takes nearly all of the time
	FindingsMax uint32
}

// Report says what a verification found.
type Report struct {
	Summary  VerifySummary
	Findings []VerifyFinding
}

// OK tells whether nothing is wrong; there may be warnings.
func (r *Report) OK() bool {
	return r.Summary.ErrorsCount == 0
}

// Name gives the word for the code of a finding, such as "file_missing".
func (c VerifyCode) Name() string {
	return C.GoString(C.reels_verify_code_name(C.uint32_t(c)))
}

// Verify examines the HLS tree below a directory and says what is wrong with it; it fails only when
// the tree cannot be examined.
func Verify(ctx context.Context, lib *Ctx, directory string, options VerifyOptions) (*Report, error) {
	var m memory
	defer m.free()
	o := newIn[C.reels_verify_options](&m)
	o.struct_size = C.uint32_t(unsafe.Sizeof(*o))
	o.master, o.findings_max = m.text(options.Master), C.uint32_t(options.FindingsMax)
	if options.NoDecode {
		o.flags = C.REELS_VERIFY_NO_DECODE
	}
	path := m.word(directory)
	if m.err != nil {
		return nil, m.err
	}
	var report *Report
	err := job{ctx: ctx, lib: lib, handle: lib.handle}.run(func(p unsafe.Pointer, call *C.reels_call, e *C.reels_error) C.reels_status {
		o.call = call
		var out *C.reels_verify_report
		status := C.reels_verify_directory((*C.reels_ctx)(p), path, o, &out, e)
		if status < 0 {
			return status
		}
		defer C.reels_verify_report_free(out)
		report, status = readReport(out, &m, e)
		return status
	})
	return report, err
}

func readReport(out *C.reels_verify_report, m *memory, e *C.reels_error) (*Report, C.reels_status) {
	summary, finding := newIn[C.reels_verify_summary](m), newIn[C.reels_verify_finding](m)
	summary.struct_size, finding.struct_size = C.uint32_t(unsafe.Sizeof(*summary)), C.uint32_t(unsafe.Sizeof(*finding))
	if status := C.reels_verify_report_summary(out, summary, e); status < 0 {
		return nil, status
	}
	report := &Report{Summary: fromVerifySummary(summary)}
	for i := C.size_t(0); i < C.reels_verify_report_findings_count(out); i++ {
		if status := C.reels_verify_report_finding(out, i, finding, e); status < 0 {
			return nil, status
		}
		report.Findings = append(report.Findings, fromVerifyFinding(finding))
	}
	return report, C.REELS_OK
}
