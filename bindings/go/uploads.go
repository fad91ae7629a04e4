package reels

// #include "wrapper.h"
import "C"
import (
	"context"
	"io"
	"math"
	"unsafe"
)

// LengthUnknown begins an upload whose length is told later.
const LengthUnknown = math.MaxUint64

// Uploads are resumable: only bytes that are durable are acknowledged. Each is known by the ID of
// the reel that it will become; somebody else's upload is not found.
type Uploads struct{ platform *Platform }

// Uploads gives the uploads.
func (p *Platform) Uploads() Uploads {
	return Uploads{p}
}

func (u Uploads) run(ctx context.Context, s *state, f func(c *C.reels_uploads, call *C.reels_call, e *C.reels_error) C.reels_status) error {
	return u.platform.run(ctx, s, func(c *C.reels_platform, call *C.reels_call, e *C.reels_error) C.reels_status {
		return f(C.reels_platform_uploads(c), call, e)
	})
}

func (m *memory) sha256(sum *[32]byte) *C.reels_digest {
	if sum == nil {
		return nil
	}
	c := newIn[C.reels_digest](m)
	c.kind = C.REELS_DIGEST_SHA256
	*(*[32]byte)(unsafe.Pointer(&c.bytes)) = *sum
	return c
}

// Begin gives the ID of the new reel.
func (u Uploads) Begin(ctx context.Context, request UploadRequest) (uint64, error) {
	var m memory
	defer m.free()
	c := newIn[C.reels_upload_begin_request](&m)
	m.keep(request.toC(c, &m))
	if m.err != nil {
		return 0, m.err
	}
	var id C.uint64_t
	err := u.run(ctx, nil, func(uploads *C.reels_uploads, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_upload_begin(uploads, call, c, &id, e)
	})
	return uint64(id), err
}

// Get tells where an upload stands: a client goes on at Offset.
func (u Uploads) Get(ctx context.Context, reelID, personID uint64) (UploadInfo, error) {
	info := C.reels_upload_info{struct_size: C.uint32_t(unsafe.Sizeof(C.reels_upload_info{}))}
	err := u.run(ctx, nil, func(c *C.reels_uploads, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_upload_get(c, call, C.uint64_t(reelID), C.uint64_t(personID), &info, e)
	})
	return fromUploadInfo(&info), err
}

// SetLength tells the length of an upload that began without one.
func (u Uploads) SetLength(ctx context.Context, reelID, personID, length uint64) error {
	return u.run(ctx, nil, func(c *C.reels_uploads, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_upload_set_length(c, call, C.uint64_t(reelID), C.uint64_t(personID), C.uint64_t(length), e)
	})
}

// Write writes what r gives until its end and says where the upload stands then, also when reading
// fails: what was read is kept. sha256 is of these bytes, and nil when it is not known; with it the
// write is all or nothing.
func (u Uploads) Write(ctx context.Context, reelID, personID, offset uint64, r io.Reader, sha256 *[32]byte) (uint64, error) {
	var m memory
	defer m.free()
	s := &state{reader: r}
	user, digest := m.user(s), m.sha256(sha256)
	stands := C.uint64_t(offset)
	err := u.run(ctx, s, func(c *C.reels_uploads, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_upload_write(c, call, C.uint64_t(reelID), C.uint64_t(personID), C.uint64_t(offset),
			C.reels_go_reader, user, digest, &stands, e)
	})
	return uint64(stands), err
}

// PutPart puts one part, from 0 on, of UploadPartBytes but for the last, in any order.
func (u Uploads) PutPart(ctx context.Context, reelID, personID uint64, part uint32, data []byte, sha256 *[32]byte) error {
	var m memory
	defer m.free()
	digest := m.sha256(sha256)
	return u.run(ctx, nil, func(c *C.reels_uploads, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_upload_part_put(c, call, C.uint64_t(reelID), C.uint64_t(personID), C.uint32_t(part),
			first[C.uint8_t](data), C.size_t(len(data)), digest, e)
	})
}

// Commit makes the reel UPLOADED; the media role takes it up. sha256 is of the whole file, or nil.
func (u Uploads) Commit(ctx context.Context, reelID, personID uint64, sha256 *[32]byte) error {
	var m memory
	defer m.free()
	digest := m.sha256(sha256)
	return u.run(ctx, nil, func(c *C.reels_uploads, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_upload_commit(c, call, C.uint64_t(reelID), C.uint64_t(personID), digest, e)
	})
}

// Abort removes an upload that was not committed.
func (u Uploads) Abort(ctx context.Context, reelID, personID uint64) error {
	return u.run(ctx, nil, func(c *C.reels_uploads, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_upload_abort(c, call, C.uint64_t(reelID), C.uint64_t(personID), e)
	})
}
