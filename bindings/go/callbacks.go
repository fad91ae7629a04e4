package reels

// #include "wrapper.h"
import "C"
import (
	"fmt"
	"io"
	"runtime/cgo"
	"unsafe"
)

// state is what the callbacks of one call share; C knows it by a handle, see memory.user. A
// callback's failure or panic is kept here and comes back from the Go call that led to it.
type state struct {
	reader   io.Reader
	readerAt io.ReaderAt
	writer   io.Writer
	progress func(TranscodeProgress)
	log      func(LogLevel, string)
	url      func(name string) (string, error)

	later    error // came together with the last bytes of reader
	err      error
	panicked any
}

// readsMax bounds the reads of nothing that a reader may answer with, as bufio does.
const readsMax = 100

func stateOf(user unsafe.Pointer) *state {
	return cgo.Handle(*(*C.uintptr_t)(user)).Value().(*state)
}

// guard keeps a panic from unwinding through C.
func (s *state) guard(status *C.reels_status, e *C.reels_error) {
	if r := recover(); r != nil {
		s.panicked = r
		if status != nil {
			*status = s.failed(fmt.Errorf("panic: %v", r), e)
		}
	}
}

func (s *state) failed(err error, e *C.reels_error) C.reels_status {
	if s.err == nil {
		s.err = err
	}
	text := C.CString("a Go function failed")
	defer free(unsafe.Pointer(text))
	return C.reels_error_set(e, C.REELS_ERR_HOST, 0, text)
}

// read fills p from the reader; 0 bytes mean the end.
func (s *state) read(p []byte) (int, error) {
	if s.later != nil {
		if s.later == io.EOF {
			return 0, nil
		}
		return 0, s.later
	}
	for reads := 0; reads < readsMax; reads++ {
		n, err := s.reader.Read(p)
		if n > 0 {
			s.later = err
			return n, nil
		}
		if err == io.EOF {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

//export reelsGoRead
func reelsGoRead(user unsafe.Pointer, data *C.uint8_t, capacity C.size_t, outLen *C.size_t, e *C.reels_error) (status C.reels_status) {
	s := stateOf(user)
	defer s.guard(&status, e)
	n, err := s.read(unsafe.Slice((*byte)(data), int(capacity)))
	if err != nil {
		return s.failed(err, e)
	}
	*outLen = C.size_t(n)
	return C.REELS_OK
}

//export reelsGoReadAt
func reelsGoReadAt(user unsafe.Pointer, offset C.uint64_t, data *C.uint8_t, length C.size_t, outLen *C.size_t, e *C.reels_error) (status C.reels_status) {
	s := stateOf(user)
	defer s.guard(&status, e)
	n, err := s.readerAt.ReadAt(unsafe.Slice((*byte)(data), int(length)), int64(offset))
	if err != nil && err != io.EOF {
		return s.failed(err, e)
	}
	*outLen = C.size_t(n)
	return C.REELS_OK
}

//export reelsGoSink
func reelsGoSink(user unsafe.Pointer, data *C.reels_go_bytes, length C.size_t, e *C.reels_error) (status C.reels_status) {
	s := stateOf(user)
	defer s.guard(&status, e)
	if _, err := s.writer.Write(unsafe.Slice((*byte)(data), int(length))); err != nil {
		return s.failed(err, e)
	}
	return C.REELS_OK
}

//export reelsGoPlaylistURL
func reelsGoPlaylistURL(user unsafe.Pointer, name *C.reels_go_text, nameLen C.size_t, url *C.reels_buf, e *C.reels_error) (status C.reels_status) {
	s := stateOf(user)
	defer s.guard(&status, e)
	made, err := s.url(string(unsafe.Slice((*byte)(unsafe.Pointer(name)), int(nameLen))))
	if err != nil {
		return s.failed(err, e)
	}
	bytes := []byte(made)
	return C.reels_buf_append(url, first[C.uint8_t](bytes), C.size_t(len(bytes)), e)
}

//export reelsGoProgress
func reelsGoProgress(user unsafe.Pointer, told *C.reels_go_told) {
	s := stateOf(user)
	defer s.guard(nil, nil)
	if s.panicked == nil {
		s.progress(fromTranscodeProgress((*C.reels_transcode_progress)(unsafe.Pointer(told))))
	}
}

//export reelsGoLog
func reelsGoLog(user unsafe.Pointer, level C.int32_t, message *C.reels_go_text, length C.size_t) {
	s := stateOf(user)
	// There is no call to come back from: a log function that panics is silent.
	defer s.guard(nil, nil)
	s.log(LogLevel(level), string(unsafe.Slice((*byte)(unsafe.Pointer(message)), int(length))))
}
