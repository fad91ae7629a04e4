package reels

// #include "wrapper.h"
import "C"
import (
	"context"
	"io"
	"unsafe"
)

// ToTheEnd reads a blob from an offset to its end.
const ToTheEnd = -1

// Blobs reads stored files, from which a host serves media.
type Blobs struct{ platform *Platform }

// Blobs gives the stored files.
func (p *Platform) Blobs() Blobs {
	return Blobs{p}
}

// Head describes a blob.
func (b Blobs) Head(ctx context.Context, key string) (BlobInfo, error) {
	var m memory
	defer m.free()
	cKey, info := m.word(key), newBlobInfo()
	if m.err != nil {
		return BlobInfo{}, m.err
	}
	err := b.platform.run(ctx, nil, func(c *C.reels_platform, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_blob_head(C.reels_platform_blob(c), call, cKey, info, e)
	})
	return fromBlobInfo(info), err
}

func newBlobInfo() *C.reels_blob_info {
	return &C.reels_blob_info{struct_size: C.uint32_t(unsafe.Sizeof(C.reels_blob_info{}))}
}

// WriteTo writes bytes of a blob to w, piece by piece as they are read.
func (b Blobs) WriteTo(ctx context.Context, key string, offset, length int64, w io.Writer) (BlobInfo, error) {
	var m memory
	defer m.free()
	s := &state{writer: w}
	cKey, user, info := m.word(key), m.user(s), newBlobInfo()
	if offset < 0 {
		m.keep(&Error{Status: ErrInvalidArg, Message: "offset is negative"})
	}
	if m.err != nil {
		return BlobInfo{}, m.err
	}
	err := b.platform.run(ctx, s, func(c *C.reels_platform, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_blob_get(C.reels_platform_blob(c), call, cKey, C.uint64_t(offset), C.uint64_t(length),
			C.reels_go_sink, user, info, e)
	})
	return fromBlobInfo(info), err
}

// ReadAt fills buffer from offset on and says how many bytes there were.
func (b Blobs) ReadAt(ctx context.Context, key string, offset int64, buffer []byte) (int, error) {
	var m memory
	defer m.free()
	cKey := m.word(key)
	if offset < 0 {
		m.keep(&Error{Status: ErrInvalidArg, Message: "offset is negative"})
	}
	if m.err != nil {
		return 0, m.err
	}
	var done C.size_t
	err := b.platform.run(ctx, nil, func(c *C.reels_platform, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_blob_read(C.reels_platform_blob(c), call, cKey, C.uint64_t(offset),
			first[C.uint8_t](buffer), C.size_t(len(buffer)), &done, e)
	})
	return int(done), err
}
