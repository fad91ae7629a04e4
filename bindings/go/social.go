package reels

// #include "wrapper.h"
import "C"
import (
	"context"
	"unsafe"
)

// Social holds relations as sets (like, save, follow, mute, block) and comments.
type Social struct{ platform *Platform }

// Social gives relations and comments.
func (p *Platform) Social() Social {
	return Social{p}
}

func (s Social) run(ctx context.Context, f func(c *C.reels_social, call *C.reels_call, e *C.reels_error) C.reels_status) error {
	return s.platform.run(ctx, nil, func(c *C.reels_platform, call *C.reels_call, e *C.reels_error) C.reels_status {
		return f(C.reels_platform_social(c), call, e)
	})
}

// Set sets or clears a relation and tells whether it was not so before.
func (s Social) Set(ctx context.Context, relation Relation, fromID, toID uint64, on bool) (bool, error) {
	var changed C.int32_t
	err := s.run(ctx, func(c *C.reels_social, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_relation_set(c, call, C.uint32_t(relation), C.uint64_t(fromID), C.uint64_t(toID),
			C.int32_t(number(on)), &changed, e)
	})
	return changed == 1, err
}

// Has tells for each target whether the relation is there.
func (s Social) Has(ctx context.Context, relation Relation, fromID uint64, toIDs []uint64) ([]bool, error) {
	bytes, out := make([]byte, len(toIDs)), make([]bool, len(toIDs))
	err := s.run(ctx, func(c *C.reels_social, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_relation_has(c, call, C.uint32_t(relation), C.uint64_t(fromID), first[C.uint64_t](toIDs),
			C.size_t(len(toIDs)), first[C.uint8_t](bytes), e)
	})
	for i, b := range bytes {
		out[i] = b == 1
	}
	return out, err
}

// List fills out with the targets of a person's relations, newest first, and gives how many there
// were and the cursor for the next page, "" at the end.
func (s Social) List(ctx context.Context, relation Relation, fromID uint64, cursor string, out []uint64) (int, string, error) {
	var count C.size_t
	after, err := s.platform.lib.buffer(cursor, func(b *C.reels_buf) error {
		return s.run(ctx, func(c *C.reels_social, call *C.reels_call, e *C.reels_error) C.reels_status {
			return C.reels_relation_list(c, call, C.uint32_t(relation), C.uint64_t(fromID), b, first[C.uint64_t](out),
				C.size_t(len(out)), &count, e)
		})
	})
	return int(count), after, err
}

// Comment adds a comment. The same token again gives the same comment; nil is none.
func (s Social) Comment(ctx context.Context, reelID, personID uint64, text string, token *[16]byte) (Comment, error) {
	var m memory
	defer m.free()
	cText := m.word(text)
	if m.err != nil {
		return Comment{}, m.err
	}
	var cToken *C.uint8_t
	if token != nil {
		cToken, _ = m.bytes(token[:])
	}
	out := C.reels_comment{struct_size: C.uint32_t(unsafe.Sizeof(C.reels_comment{}))}
	err := s.run(ctx, func(c *C.reels_social, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_comment_add(c, call, C.uint64_t(reelID), C.uint64_t(personID), cText, cToken, &out, e)
	})
	return fromComment(&out), err
}

// RemoveComment removes a comment: its author or the reel's creator may.
func (s Social) RemoveComment(ctx context.Context, reelID, commentID, personID uint64) error {
	return s.run(ctx, func(c *C.reels_social, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_comment_remove(c, call, C.uint64_t(reelID), C.uint64_t(commentID), C.uint64_t(personID), e)
	})
}

// Comments gives up to limit comments of a reel, newest first, as a viewer may see them (0 =
// nobody in particular), and the cursor for the next page, "" at the end.
func (s Social) Comments(ctx context.Context, reelID, viewerID uint64, cursor string, limit int) ([]Comment, string, error) {
	return list(s.platform, cursor, limit, fromComment,
		func(c *C.reels_comment) { c.struct_size = C.uint32_t(unsafe.Sizeof(*c)) },
		func(b *C.reels_buf, out *C.reels_comment, count *C.size_t) error {
			return s.run(ctx, func(c *C.reels_social, call *C.reels_call, e *C.reels_error) C.reels_status {
				return C.reels_comment_list(c, call, C.uint64_t(reelID), C.uint64_t(viewerID), b, out,
					C.size_t(limit), count, e)
			})
		})
}

// list reads one page of records.
func list[R, T any](p *Platform, cursor string, limit int, from func(*R) T, size func(*R),
	read func(b *C.reels_buf, out *R, count *C.size_t) error) ([]T, string, error) {
	if limit <= 0 {
		return nil, "", &Error{Status: ErrInvalidArg, Message: "limit is at least 1"}
	}
	records := make([]R, limit)
	size(&records[0])
	var count C.size_t
	after, err := p.lib.buffer(cursor, func(b *C.reels_buf) error {
		return read(b, &records[0], &count)
	})
	if err != nil {
		return nil, "", err
	}
	out := make([]T, count)
	for i := range out {
		out[i] = from(&records[i])
	}
	return out, after, nil
}
