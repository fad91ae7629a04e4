package reels

// #include "wrapper.h"
import "C"
import (
	"context"
	"fmt"
	"time"
	"unsafe"
)

// Ctx holds the library's clock, memory, files and log; everything is made from it. Any number of
// goroutines may use it.
type Ctx struct {
	handle *handle
}

// CtxOptions may be left zero.
type CtxOptions struct {
	Log      func(level LogLevel, message string) // called by any thread; nil = silent
	LogLevel LogLevel                             // the most detailed level wanted; 0 = LogWarn
}

// Version gives the version of the library that is loaded.
func Version() string {
	return C.GoString(C.reels_version_text())
}

// HasFeature tells whether the library holds an optional part, such as "media".
func HasFeature(name string) bool {
	var m memory
	defer m.free()
	return C.reels_has_feature(m.word(name)) == 1
}

// checkVersion refuses a library of another ABI than that of the headers; before 1.0 each minor
// version is one.
func checkVersion(built, loaded int) error {
	abi := 1000000
	if built < abi {
		abi = 1000
	}
	if loaded/abi != built/abi || loaded < built {
		return &Error{Status: ErrUnsupported, Message: fmt.Sprintf(
			"the binding is for version number %d, the library has %d", built, loaded)}
	}
	return nil
}

// NewCtx makes a context.
func NewCtx(options CtxOptions) (*Ctx, error) {
	if err := checkVersion(generatedVersion, int(C.reels_version())); err != nil {
		return nil, err
	}
	m := &memory{} // the log's handle lives as long as the context
	o := newIn[C.reels_ctx_options](m)
	o.struct_size = C.uint32_t(unsafe.Sizeof(*o))
	if options.Log != nil {
		log := newIn[C.reels_log](m)
		log.struct_size = C.uint32_t(unsafe.Sizeof(*log))
		log.level_max = C.int32_t(LogWarn)
		if options.LogLevel != 0 {
			log.level_max = C.int32_t(options.LogLevel)
		}
		C.reels_go_log_set(log, m.user(&state{log: options.Log}))
		o.log = log
	}
	e := newError()
	var out *C.reels_ctx
	if err := failure(C.reels_ctx_new(o, &out, e), e, nil, nil); err != nil {
		m.free()
		return nil, err
	}
	return &Ctx{newHandle(unsafe.Pointer(out), func(p unsafe.Pointer) {
		C.reels_ctx_free((*C.reels_ctx)(p))
		m.free()
	})}, nil
}

// Close frees the context once nothing that was made from it is open.
func (c *Ctx) Close() error {
	c.handle.close()
	return nil
}

// begin makes the reels_call that ends when ctx does, NULL when it never does and none is needed,
// and what has to be done after the call.
func (c *Ctx) begin(ctx context.Context, needed bool) (*C.reels_call, func(), error) {
	deadline, limited := ctx.Deadline()
	if ctx.Done() == nil && !limited && !needed {
		return nil, func() {}, nil
	}
	if err := ctx.Err(); err != nil {
		status := ErrCancelled
		if err == context.DeadlineExceeded {
			status = ErrTimeout
		}
		return nil, nil, &Error{Status: status, Message: "before the call", cause: err}
	}
	p, err := c.handle.acquire()
	if err != nil {
		return nil, nil, err
	}
	var flag *C.reels_cancel
	e := newError()
	if err := failure(C.reels_cancel_new((*C.reels_ctx)(p), &flag, e), e, nil, nil); err != nil {
		c.handle.release()
		return nil, nil, err
	}
	m := &memory{}
	call := newIn[C.reels_call](m)
	call.struct_size = C.uint32_t(unsafe.Sizeof(*call))
	call.cancel = flag
	if limited {
		call.deadline_mono_us = C.reels_ctx_now_mono_us((*C.reels_ctx)(p)) + durationToC(time.Until(deadline))
		if call.deadline_mono_us <= 0 {
			call.deadline_mono_us = 1 // 0 would be none
		}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
			C.reels_cancel_raise(flag)
		case <-stop:
		}
		close(stopped)
	}()
	return call, func() {
		close(stop)
		<-stopped
		C.reels_cancel_free(flag)
		m.free()
		c.handle.release()
	}, nil
}

// job is one call of the library: the object it is made on, what may end it, what its callbacks
// share.
type job struct {
	ctx    context.Context
	lib    *Ctx
	handle *handle
	state  *state // may be nil
	always bool   // the function takes no NULL for its call
}

// run holds the object, calls f and turns its status into an error.
func (j job) run(f func(p unsafe.Pointer, call *C.reels_call, e *C.reels_error) C.reels_status) error {
	p, err := j.handle.acquire()
	if err != nil {
		return err
	}
	defer j.handle.release()
	call, done, err := j.lib.begin(j.ctx, j.always)
	if err != nil {
		return err
	}
	defer done()
	e := newError()
	return failure(f(p, call, e), e, j.ctx, j.state)
}

// buffer holds a growing buffer of the library for the time of f and gives its content.
func (c *Ctx) buffer(content string, f func(b *C.reels_buf) error) (string, error) {
	p, err := c.handle.acquire()
	if err != nil {
		return "", err
	}
	defer c.handle.release()
	var b *C.reels_buf
	e := newError()
	if err := failure(C.reels_buf_new((*C.reels_ctx)(p), 0, &b, e), e, nil, nil); err != nil {
		return "", err
	}
	defer C.reels_buf_free(b)
	bytes := []byte(content)
	if status := C.reels_buf_append(b, first[C.uint8_t](bytes), C.size_t(len(bytes)), e); len(bytes) > 0 && status < 0 {
		return "", failure(status, e, nil, nil)
	}
	err = f(b)
	return C.GoStringN((*C.char)(unsafe.Pointer(C.reels_buf_data(b))), C.int(C.reels_buf_len(b))), err
}
