package reels

// #include <stdlib.h>
// #include <string.h>
// #include "wrapper.h"
import "C"
import (
	"fmt"
	"math"
	"runtime/cgo"
	"strings"
	"time"
	"unsafe"
)

// memory is what C reads through pointers that lie in structs: Go's own memory may not be named
// there. It is freed after the call, or with the object that keeps it.
type memory struct {
	blocks  []unsafe.Pointer
	handles []cgo.Handle
	err     error // see keep
}

func free(p unsafe.Pointer) {
	C.free(p)
}

// alloc gives zeroed memory.
func (m *memory) alloc(size uintptr) unsafe.Pointer {
	p := C.malloc(C.size_t(size)) // never nil: cgo panics when there is no memory
	C.memset(p, 0, C.size_t(size))
	m.blocks = append(m.blocks, p)
	return p
}

func newIn[T any](m *memory) *T {
	var t T
	return (*T)(m.alloc(unsafe.Sizeof(t)))
}

// text gives a C string, NULL for "".
func (m *memory) text(s string) *C.char {
	if s == "" {
		return nil
	}
	if strings.IndexByte(s, 0) >= 0 {
		m.keep(&Error{Status: ErrInvalidArg, Message: "a text holds a NUL byte"})
		return nil
	}
	p := C.CString(s)
	m.blocks = append(m.blocks, unsafe.Pointer(p))
	return p
}

// word is text, but "" stays one.
func (m *memory) word(s string) *C.char {
	if s == "" {
		return (*C.char)(m.alloc(1))
	}
	return m.text(s)
}

// keep remembers the first failure of putting something into memory.
func (m *memory) keep(err error) {
	if m.err == nil {
		m.err = err
	}
}

func (m *memory) bytes(b []byte) (*C.uint8_t, C.size_t) {
	if len(b) == 0 {
		return nil, 0
	}
	p := C.CBytes(b)
	m.blocks = append(m.blocks, p)
	return (*C.uint8_t)(p), C.size_t(len(b))
}

// user gives C a name for s: memory that holds its handle.
func (m *memory) user(s *state) unsafe.Pointer {
	h := cgo.NewHandle(s)
	m.handles = append(m.handles, h)
	p := newIn[C.uintptr_t](m)
	*p = C.uintptr_t(h)
	return unsafe.Pointer(p)
}

func (m *memory) free() {
	for _, p := range m.blocks {
		C.free(p)
	}
	for _, h := range m.handles {
		h.Delete()
	}
	*m = memory{}
}

// first gives the memory of a slice, which may be empty.
func first[To, T any](s []T) *To {
	if len(s) == 0 {
		return nil
	}
	return (*To)(unsafe.Pointer(&s[0]))
}

func goText(c []C.char) string {
	return C.GoString(&c[0])
}

func putText(c []C.char, s, name string) error {
	if len(s) >= len(c) || strings.IndexByte(s, 0) >= 0 {
		return &Error{Status: ErrInvalidArg,
			Message: fmt.Sprintf("%s has at most %d bytes and no NUL", name, len(c)-1)}
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&c[0])), len(c)), s)
	return nil
}

func number(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

func durationFromC(us C.int64_t) time.Duration {
	if us > math.MaxInt64/1000 {
		return math.MaxInt64
	}
	if us < math.MinInt64/1000 {
		return math.MinInt64
	}
	return time.Duration(us) * time.Microsecond
}

func durationToC(d time.Duration) C.int64_t {
	return C.int64_t(d.Microseconds())
}

func timeFromC(us C.int64_t) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(us))
}

func timeToC(t time.Time) C.int64_t {
	if t.IsZero() {
		return 0
	}
	return C.int64_t(t.UnixMicro())
}
