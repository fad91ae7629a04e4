package reels

// #include "wrapper.h"
import "C"
import (
	"context"
	"unsafe"
)

// Reels reads reels.
type Reels struct{ platform *Platform }

// Reels gives the reels.
func (p *Platform) Reels() Reels {
	return Reels{p}
}

func (r Reels) run(ctx context.Context, f func(c *C.reels_reel_store, call *C.reels_call, e *C.reels_error) C.reels_status) error {
	return r.platform.run(ctx, nil, func(c *C.reels_platform, call *C.reels_call, e *C.reels_error) C.reels_status {
		return f(C.reels_platform_reels(c), call, e)
	})
}

func sizeReel(c *C.reels_reel) {
	c.struct_size = C.uint32_t(unsafe.Sizeof(*c))
}

// Get gives reels in the order of ids; the state of one that is not there is ReelNone.
func (r Reels) Get(ctx context.Context, ids ...uint64) ([]Reel, error) {
	records, out := make([]C.reels_reel, len(ids)+1), make([]Reel, len(ids))
	sizeReel(&records[0])
	err := r.run(ctx, func(c *C.reels_reel_store, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_reel_get(c, call, first[C.uint64_t](ids), C.size_t(len(ids)), &records[0], e)
	})
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i] = fromReel(&records[i])
	}
	return out, nil
}

// OfCreator gives up to limit reels of a creator and the cursor for the next page, "" at the end.
func (r Reels) OfCreator(ctx context.Context, creatorID uint64, cursor string, limit int) ([]Reel, string, error) {
	return r.list(ctx, ReelOrderByCreator, creatorID, cursor, limit)
}

// InState is OfCreator for reels in a state.
func (r Reels) InState(ctx context.Context, state ReelState, cursor string, limit int) ([]Reel, string, error) {
	return r.list(ctx, ReelOrderByState, uint64(state), cursor, limit)
}

func (r Reels) list(ctx context.Context, order ReelOrder, key uint64, cursor string, limit int) ([]Reel, string, error) {
	return list(r.platform, cursor, limit, fromReel, sizeReel,
		func(b *C.reels_buf, out *C.reels_reel, count *C.size_t) error {
			return r.run(ctx, func(c *C.reels_reel_store, call *C.reels_call, e *C.reels_error) C.reels_status {
				return C.reels_reel_list(c, call, C.uint32_t(order), C.uint64_t(key), b, out, C.size_t(limit), count, e)
			})
		})
}

// String gives the name of a state, such as "PROCESSING".
func (s ReelState) String() string {
	return C.GoString(C.reels_reel_state_name(C.uint32_t(s)))
}

// MediaPrefix gives the blob prefix under which the files of a reel's generation lie; "master.m3u8"
// is one of them.
func MediaPrefix(reelID uint64, generation uint32) string {
	var out [64]C.char // the header promises that 40 are enough
	C.reels_reel_media_prefix(C.uint64_t(reelID), C.uint32_t(generation), &out[0], C.size_t(len(out)))
	return goText(out[:])
}
