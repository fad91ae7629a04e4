package reels

// #include "wrapper.h"
import "C"
import (
	"context"
	"time"
	"unsafe"
)

// IDGenerator mints 64-bit IDs that sort by time. Any number of goroutines may use it.
type IDGenerator struct {
	lib    *Ctx
	handle *handle
	get    func(unsafe.Pointer) *C.reels_id_generator
}

// IDOptions may be left zero: region 0, node 0, the default layout.
type IDOptions struct {
	Region uint32
	Node   uint32
	Layout *IDLayout
	// StateFile keeps IDs from coming twice after a restart or a step of the clock, and refuses a
	// second process; without it that is the caller's promise.
	StateFile string
}

// NewIDGenerator makes a generator.
func NewIDGenerator(ctx context.Context, lib *Ctx, options IDOptions) (*IDGenerator, error) {
	var m memory
	defer m.free()
	o := newIn[C.reels_id_options](&m)
	o.struct_size = C.uint32_t(unsafe.Sizeof(*o))
	o.region, o.node = C.uint32_t(options.Region), C.uint32_t(options.Node)
	layout, err := layoutIn(options.Layout, &m)
	if err != nil {
		return nil, err
	}
	o.layout = layout
	path := m.text(options.StateFile)
	if m.err != nil {
		return nil, m.err
	}
	var out *C.reels_id_generator
	err = job{ctx: ctx, lib: lib, handle: lib.handle}.run(func(p unsafe.Pointer, call *C.reels_call, e *C.reels_error) C.reels_status {
		if path != nil {
			if status := C.reels_id_lease_file_new((*C.reels_ctx)(p), path, &o.lease, &o.lease_impl, e); status < 0 {
				return status
			}
		}
		status := C.reels_id_generator_new((*C.reels_ctx)(p), o, call, &out, e)
		if status < 0 {
			C.reels_go_lease_destroy(o.lease, o.lease_impl)
		}
		return status
	})
	if err != nil {
		return nil, err
	}
	return &IDGenerator{lib, newHandle(unsafe.Pointer(out), func(p unsafe.Pointer) {
		C.reels_id_generator_free((*C.reels_id_generator)(p))
	}, lib.handle), func(p unsafe.Pointer) *C.reels_id_generator { return (*C.reels_id_generator)(p) }}, nil
}

// Close frees the generator; that of a platform is freed with it.
func (g *IDGenerator) Close() error {
	g.handle.close()
	return nil
}

// Next mints one ID, above every one that was minted here before.
func (g *IDGenerator) Next(ctx context.Context) (uint64, error) {
	var id [1]uint64
	err := g.NextMany(ctx, id[:])
	return id[0], err
}

// NextMany fills ids, in ascending order and in place.
func (g *IDGenerator) NextMany(ctx context.Context, ids []uint64) error {
	return job{ctx: ctx, lib: g.lib, handle: g.handle}.run(func(p unsafe.Pointer, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_id_next_many(g.get(p), call, C.size_t(len(ids)), first[C.uint64_t](ids), e)
	})
}

func layoutIn(layout *IDLayout, m *memory) (*C.reels_id_layout, error) {
	if layout == nil {
		return nil, nil
	}
	c := newIn[C.reels_id_layout](m)
	return c, layout.toC(c, m)
}

// IDText gives the text form: 13 characters that sort as the numbers do and that JSON leaves alone.
func IDText(id uint64) string {
	var text [IDTextLen + 1]C.char
	C.reels_id_text_write(C.uint64_t(id), &text[0], C.size_t(len(text)), nil)
	return goText(text[:])
}

// ParseID reads the text form, strictly.
func ParseID(text string) (uint64, error) {
	var id C.uint64_t
	e := newError()
	bytes := []byte(text + "\x00")
	status := C.reels_id_text_read(first[C.char](bytes), C.size_t(len(text)), &id, e)
	return uint64(id), failure(status, e, nil, nil)
}

// SplitID takes an ID apart; a nil layout is the default.
func SplitID(layout *IDLayout, id uint64) (IDParts, error) {
	var m memory
	defer m.free()
	c, err := layoutIn(layout, &m)
	if err != nil {
		return IDParts{}, err
	}
	parts := C.reels_id_parts{struct_size: C.uint32_t(unsafe.Sizeof(C.reels_id_parts{}))}
	e := newError()
	err = failure(C.reels_id_parse(c, C.uint64_t(id), &parts, e), e, nil, nil)
	return fromIDParts(&parts), err
}

// IDRange gives the first and last ID that can have been minted in [from, until).
func IDRange(layout *IDLayout, from, until time.Time) (firstID, lastID uint64, err error) {
	var m memory
	defer m.free()
	c, err := layoutIn(layout, &m)
	if err != nil {
		return 0, 0, err
	}
	var out [2]C.uint64_t
	e := newError()
	err = failure(C.reels_id_range(c, timeToC(from), timeToC(until), &out[0], &out[1], e), e, nil, nil)
	return uint64(out[0]), uint64(out[1]), err
}
