package reels

// #include "wrapper.h"
import "C"
import (
	"context"
	"errors"
	"syscall"
	"unsafe"
)

// ErrClosed says that an object was used after Close.
var ErrClosed = errors.New("reels: the object is closed")

// Error is a failure of the library. errors.Is finds its Status, such as ErrNotFound; what a
// callback returned, or the context said, is found through Unwrap.
type Error struct {
	Status   Status
	Flags    ErrorFlags
	Errno    syscall.Errno
	HostCode int64
	Message  string // names the argument or limit and holds no secret
	cause    error
}

// Name gives the name of a status, such as "NOT_FOUND".
func (s Status) Name() string {
	return C.GoString(C.reels_status_name(C.reels_status(s)))
}

// Error gives one sentence about a status.
func (s Status) Error() string {
	return C.GoString(C.reels_status_text(C.reels_status(s)))
}

func (e *Error) Error() string {
	text := "reels: " + e.Status.Name() + ": " + e.Message
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Is tells whether target is the status of the error.
func (e *Error) Is(target error) bool {
	status, ok := target.(Status)
	return ok && status == e.Status
}

// Unwrap gives what a callback returned or the context said.
func (e *Error) Unwrap() error {
	return e.cause
}

// Retriable tells whether the same call may succeed later without any change.
func (e *Error) Retriable() bool {
	return e.Flags&ErrorRetriable != 0
}

// Fatal tells whether the object is dead: it can only be closed.
func (e *Error) Fatal() bool {
	return e.Flags&ErrorFatal != 0
}

func newError() *C.reels_error {
	return &C.reels_error{struct_size: C.uint32_t(unsafe.Sizeof(C.reels_error{}))}
}

// failure turns a status into an error; ctx and s may be nil.
func failure(status C.reels_status, e *C.reels_error, ctx context.Context, s *state) error {
	if s != nil && s.panicked != nil {
		panic(s.panicked)
	}
	if status >= 0 {
		return nil
	}
	err := &Error{Status: Status(status), Flags: ErrorFlags(e.flags), Errno: syscall.Errno(e.sys_errno),
		HostCode: int64(e.host_code), Message: goText(e.message[:])}
	if err.Message == "" {
		err.Message = err.Status.Error()
	}
	if s != nil {
		err.cause = s.err
	}
	if err.cause == nil && ctx != nil && (err.Status == ErrCancelled || err.Status == ErrTimeout) {
		err.cause = ctx.Err()
		if err.cause == nil && err.Status == ErrTimeout {
			err.cause = context.DeadlineExceeded // the library's clock was the first to see it
		}
	}
	return err
}
