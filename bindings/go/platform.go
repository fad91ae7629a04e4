package reels

// #include "wrapper.h"
import "C"
import (
	"context"
	"encoding/json"
	"fmt"
	"time"
	"unsafe"
)

// Platform is everything wired by one configuration. Any number of goroutines may use it; each role
// is stepped or run by one at a time.
type Platform struct {
	lib    *Ctx
	handle *handle
}

// OpenPlatform opens a platform.
func OpenPlatform(lib *Ctx, config PlatformConfig) (*Platform, error) {
	var m memory
	defer m.free()
	c := newIn[C.reels_platform_config](&m)
	m.keep(config.toC(c, &m))
	if m.err != nil {
		return nil, m.err
	}
	return lib.open(func(p *C.reels_ctx, out **C.reels_platform, e *C.reels_error) C.reels_status {
		return C.reels_platform_open(p, c, out, e)
	})
}

// OpenPlatformJSON opens a platform from a JSON object with the members of reels_platform_config.
func OpenPlatformJSON(lib *Ctx, config []byte) (*Platform, error) {
	return lib.open(func(p *C.reels_ctx, out **C.reels_platform, e *C.reels_error) C.reels_status {
		bytes := append(config[:len(config):len(config)], 0)
		return C.reels_platform_open_json(p, first[C.char](bytes), C.size_t(len(config)), out, e)
	})
}

func (c *Ctx) open(f func(p *C.reels_ctx, out **C.reels_platform, e *C.reels_error) C.reels_status) (*Platform, error) {
	var out *C.reels_platform
	err := job{ctx: context.Background(), lib: c, handle: c.handle}.run(func(p unsafe.Pointer, _ *C.reels_call, e *C.reels_error) C.reels_status {
		return f((*C.reels_ctx)(p), &out, e)
	})
	if err != nil {
		return nil, err
	}
	return &Platform{c, newHandle(unsafe.Pointer(out), func(p unsafe.Pointer) {
		C.reels_platform_free((*C.reels_platform)(p))
	}, c.handle)}, nil
}

// Close stores what was added up and frees the platform, once no call uses it.
func (p *Platform) Close() error {
	p.handle.close()
	return nil
}

// run calls f with the platform.
func (p *Platform) run(ctx context.Context, s *state, f func(c *C.reels_platform, call *C.reels_call, e *C.reels_error) C.reels_status) error {
	return job{ctx: ctx, lib: p.lib, handle: p.handle, state: s}.run(func(c unsafe.Pointer, call *C.reels_call, e *C.reels_error) C.reels_status {
		return f((*C.reels_platform)(c), call, e)
	})
}

// IDs gives the generator of the platform, which is closed with it.
func (p *Platform) IDs() *IDGenerator {
	return &IDGenerator{p.lib, p.handle, func(c unsafe.Pointer) *C.reels_id_generator {
		return C.reels_platform_ids((*C.reels_platform)(c))
	}}
}

// AddEvents takes what a viewer's client reports and says of each event whether it was admitted;
// those are durable on return.
func (p *Platform) AddEvents(ctx context.Context, personID uint64, events []Event) ([]Status, error) {
	var m memory
	defer m.free()
	records, statuses := make([]C.reels_event, len(events)), make([]Status, len(events))
	for i := range events {
		if err := events[i].toC(&records[i], &m); err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
	}
	err := p.run(ctx, nil, func(c *C.reels_platform, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_platform_events_add(c, call, C.uint64_t(personID), first[C.reels_event](records),
			C.size_t(len(records)), first[C.reels_status](statuses), e)
	})
	if err != nil {
		return nil, err
	}
	return statuses, nil
}

// Counts reads totals of reels or persons into out, row by row, which has room for each entity and
// counter. Nothing is copied.
func (p *Platform) Counts(ctx context.Context, entities []uint64, counters []Counter, out []int64) error {
	if len(out) < len(entities)*len(counters) {
		return &Error{Status: ErrBufferTooSmall,
			Message: fmt.Sprintf("out has room for %d of %d totals", len(out), len(entities)*len(counters))}
	}
	return p.run(ctx, nil, func(c *C.reels_platform, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_counter_read(C.reels_platform_stats(c), call, first[C.uint64_t](entities), C.size_t(len(entities)),
			first[C.uint32_t](counters), C.size_t(len(counters)), first[C.int64_t](out), e)
	})
}

// MediaToken makes the token that lets a client read the files of a reel; viewer 0 is anybody.
func (p *Platform) MediaToken(reel *Reel, viewerID uint64) (string, error) {
	var m memory
	defer m.free()
	c := newIn[C.reels_reel](&m)
	if err := reel.toC(c, &m); err != nil {
		return "", err
	}
	var token [256]C.char
	err := p.run(context.Background(), nil, func(platform *C.reels_platform, _ *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_platform_media_token(platform, c, C.uint64_t(viewerID), &token[0], C.size_t(len(token)), e)
	})
	return goText(token[:]), err
}

// CheckMedia fails with ErrDenied unless the token is good for a blob key.
func (p *Platform) CheckMedia(token, key string) error {
	var m memory
	defer m.free()
	cToken, cKey := m.word(token), m.word(key)
	if m.err != nil {
		return m.err
	}
	return p.run(context.Background(), nil, func(c *C.reels_platform, _ *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_platform_media_check(c, cToken, cKey, e)
	})
}

// RemoveReel removes a reel, as its creator wishes.
func (p *Platform) RemoveReel(ctx context.Context, reelID, personID uint64) error {
	return p.run(ctx, nil, func(c *C.reels_platform, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_platform_reel_remove(c, call, C.uint64_t(reelID), C.uint64_t(personID), e)
	})
}

// Step steps one role and says how long it wants to be left alone.
func (p *Platform) Step(role Roles, budget time.Duration) (time.Duration, error) {
	var due C.int64_t
	var wait time.Duration
	err := p.run(context.Background(), nil, func(c *C.reels_platform, _ *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_platform_step(c, C.uint32_t(role), durationToC(budget), &due, e)
	})
	if err == nil {
		err = job{ctx: context.Background(), lib: p.lib, handle: p.lib.handle}.run(func(c unsafe.Pointer, _ *C.reels_call, _ *C.reels_error) C.reels_status {
			wait = durationFromC(due - C.reels_ctx_now_mono_us((*C.reels_ctx)(c)))
			return C.REELS_OK
		})
	}
	return wait, err
}

// Run runs roles on so many threads until ctx ends, which is no failure.
func (p *Platform) Run(ctx context.Context, roles Roles, threads uint32) error {
	if ctx.Err() != nil {
		return nil
	}
	return job{ctx: ctx, lib: p.lib, handle: p.handle, always: true}.run(func(c unsafe.Pointer, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_platform_run((*C.reels_platform)(c), call, C.uint32_t(roles), C.uint32_t(threads), e)
	})
}

// Settle steps roles until none of them has anything to do: what tests and small tools want.
func (p *Platform) Settle(ctx context.Context, roles Roles) error {
	return p.run(ctx, nil, func(c *C.reels_platform, call *C.reels_call, e *C.reels_error) C.reels_status {
		return C.reels_platform_settle(c, call, C.uint32_t(roles), e)
	})
}

// Health gives an entry for each port as JSON, and what the first unfit one said.
func (p *Platform) Health(ctx context.Context) (json.RawMessage, error) {
	report, err := p.lib.buffer("", func(b *C.reels_buf) error {
		return p.run(ctx, nil, func(c *C.reels_platform, call *C.reels_call, e *C.reels_error) C.reels_status {
			return C.reels_platform_health(c, call, b, e)
		})
	})
	return json.RawMessage(report), err
}
