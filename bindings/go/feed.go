package reels

// #include "wrapper.h"
import "C"
import (
	"context"
	"unsafe"
)

// Feed gives the next page of a session, without repeats, and the cursor for the one after it, ""
// at the end. A request without a cursor begins a session.
func (p *Platform) Feed(ctx context.Context, request FeedRequest) ([]FeedItem, string, error) {
	var m memory
	defer m.free()
	c := newIn[C.reels_feed_request](&m)
	m.keep(request.toC(c, &m))
	if m.err != nil {
		return nil, "", m.err
	}
	return list(p, "", FeedPageItems, fromFeedItem,
		func(c *C.reels_feed_item) { c.struct_size = C.uint32_t(unsafe.Sizeof(*c)) },
		func(b *C.reels_buf, out *C.reels_feed_item, count *C.size_t) error {
			return p.run(ctx, nil, func(platform *C.reels_platform, call *C.reels_call, e *C.reels_error) C.reels_status {
				return C.reels_feed_page(C.reels_platform_feed(platform), call, c, out, FeedPageItems, count, b, e)
			})
		})
}

// Seen takes note at once that a viewer has seen reels.
func (p *Platform) Seen(ctx context.Context, viewerID uint64, reelIDs []uint64) error {
	return p.run(ctx, nil, func(c *C.reels_platform, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_feed_seen(C.reels_platform_feed(c), call, C.uint64_t(viewerID), first[C.uint64_t](reelIDs),
			C.size_t(len(reelIDs)), e)
	})
}
