package reels

import (
	"runtime"
	"sync"
	"unsafe"
)

// handle owns a C object. It counts its users: the owner, each call in flight and each object made
// from it; the last of them frees it. So Close during a call, or before an object made from it is
// closed, frees nothing that is still used.
type handle struct {
	mu      sync.Mutex
	pointer unsafe.Pointer
	users   int
	closed  bool
	free    func(unsafe.Pointer)
	parents []*handle
}

// newHandle takes pointer; the caller holds the parents.
func newHandle(pointer unsafe.Pointer, free func(unsafe.Pointer), parents ...*handle) *handle {
	h := &handle{pointer: pointer, users: 1, free: free, parents: parents}
	for _, parent := range parents {
		parent.mu.Lock()
		parent.users++
		parent.mu.Unlock()
	}
	// The backstop. An object may take long to free: not on the finalizers' own goroutine.
	runtime.SetFinalizer(h, func(h *handle) { go h.close() })
	return h
}

func (h *handle) acquire() (unsafe.Pointer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	h.users++
	return h.pointer, nil
}

func (h *handle) release() {
	h.mu.Lock()
	h.users--
	last := h.users == 0
	h.mu.Unlock()
	if !last {
		return
	}
	runtime.SetFinalizer(h, nil)
	h.free(h.pointer)
	h.pointer = nil
	for _, parent := range h.parents {
		parent.release()
	}
}

func (h *handle) close() {
	h.mu.Lock()
	closed := h.closed
	h.closed = true
	h.mu.Unlock()
	if !closed {
		h.release()
	}
}
