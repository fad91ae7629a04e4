package reels

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"
)

const (
	creator  = 1001
	follower = 2002
	stranger = 3003
)

type flow struct {
	*testing.T
	lib  *Ctx
	data string
	*Platform
}

func newFlow(t *testing.T) *flow {
	t.Helper()
	f := &flow{T: t, lib: newTestCtx(t), data: filepath.Join(t.TempDir(), "data")}
	f.open()
	t.Cleanup(func() { f.Platform.Close() })
	return f
}

func (f *flow) open() {
	f.Helper()
	platform, err := OpenPlatform(f.lib, PlatformConfig{DataPath: f.data, PartitionsCount: 4, MediaLease: 5 * time.Second,
		MediaWorkerPath: os.Getenv("REELS_MEDIA_WORKER"), CounterWindow: 20 * time.Millisecond})
	must(f.T, err)
	f.Platform = platform
}

func (f *flow) upload() uint64 {
	f.Helper()
	data := clip(f.T)
	sum := sha256.Sum256(data)
	id, err := f.Uploads().Begin(background, UploadRequest{PersonID: creator, Length: uint64(len(data)),
		Filename: "clip.mp4", Caption: "a clip, un cliché"})
	must(f.T, err)
	offset, err := f.Uploads().Write(background, id, creator, 0, bytes.NewReader(data), nil)
	must(f.T, err)
	equal(f.T, offset, uint64(len(data)))
	must(f.T, f.Uploads().Commit(background, id, creator, &sum))
	return id
}

func (f *flow) settle() {
	f.Helper()
	must(f.T, f.Settle(within(f.T, 200*time.Second), RoleAll))
}

func (f *flow) reel(id uint64) Reel {
	f.Helper()
	reels, err := f.Reels().Get(background, id)
	must(f.T, err)
	return reels[0]
}

func (f *flow) ready() Reel {
	f.Helper()
	id := f.upload()
	for {
		f.settle()
		reel := f.reel(id)
		if reel.State == ReelUploaded || reel.State == ReelProcessing {
			continue
		}
		if reel.State != ReelReady {
			f.Fatal(reel.State, reel.Reason, reel.Detail)
		}
		return reel
	}
}

func (f *flow) watch(person, reelID uint64) {
	f.Helper()
	event := func(kind EventType, sequence uint64, position, watched time.Duration) Event {
		return Event{Type: kind, ReelID: reelID, Source: 77, Sequence: sequence, Position: position, Watch: watched, Playback: 1}
	}
	statuses, err := f.AddEvents(background, person, []Event{
		event(EventImpression, 1, 0, 0), event(EventView, 2, 3*time.Second, 0),
		event(EventWatch, 3, 4*time.Second, 4*time.Second), event(EventComplete, 4, 4*time.Second, 0)})
	must(f.T, err)
	equal(f.T, fmt.Sprint(len(statuses), statuses[0], statuses[1], statuses[2], statuses[3]),
		fmt.Sprint(4, StatusOK, StatusOK, StatusOK, StatusOK))
}

func (f *flow) page(viewer uint64) []FeedItem {
	f.Helper()
	items, _, err := f.Feed(background, FeedRequest{ViewerID: viewer})
	must(f.T, err)
	return items
}

func TestFlowUploadToFeedToExactCounts(t *testing.T) {
	f := newFlow(t)
	reel := f.ready()
	equal(t, reel.Caption+reel.Filename, "a clip, un clichéclip.mp4")
	set := func(relation Relation, to uint64) bool {
		changed, err := f.Social().Set(background, relation, follower, to, true)
		must(t, err)
		return changed
	}
	equal(t, set(RelationFollow, creator), true)
	items := f.page(follower)
	equal(t, len(items), 1)
	equal(t, items[0].ReelID, reel.ID)
	equal(t, items[0].Sources&FeedSourceFollowed, FeedSourceFollowed)
	equal(t, set(RelationLike, reel.ID), true)
	equal(t, set(RelationLike, reel.ID), false)
	has, err := f.Social().Has(background, RelationLike, follower, []uint64{reel.ID, creator})
	must(t, err)
	equal(t, fmt.Sprint(has), "[true false]")
	targets := make([]uint64, 10)
	n, cursor, err := f.Social().List(background, RelationLike, follower, "", targets)
	must(t, err)
	equal(t, fmt.Sprint(n, targets[0], cursor), fmt.Sprint(1, reel.ID, ""))
	f.watch(follower, reel.ID)
	f.watch(follower, reel.ID) // a client that never heard the answer says it again
	comment, err := f.Social().Comment(background, reel.ID, follower, "schön", &[16]byte{1})
	must(t, err)
	again, err := f.Social().Comment(background, reel.ID, follower, "schön", &[16]byte{1})
	must(t, err)
	equal(t, again, comment)
	f.settle()
	counters := []Counter{CounterLikes, CounterViews, CounterCompletions, CounterImpressions, CounterWatchMs,
		CounterComments, CounterFollowers}
	for restarts := 0; restarts < 2; restarts++ {
		totals := make([]int64, 2*len(counters))
		must(t, f.Counts(background, []uint64{reel.ID, creator}, counters, totals))
		equal(t, fmt.Sprint(totals), "[1 1 1 1 4000 1 0 0 0 0 0 0 0 1]")
		must(t, f.Platform.Close())
		f.open()
		f.settle()
	}
	equal(t, len(f.page(follower)), 0) // it was watched
	equal(t, len(f.page(stranger)), 1)
	comments, _, err := f.Social().Comments(background, reel.ID, stranger, "", 10)
	must(t, err)
	equal(t, len(comments), 1)
	equal(t, comments[0], comment)
	want(t, f.Counts(background, []uint64{1}, counters, make([]int64, 1)), ErrBufferTooSmall)
}

func TestFlowMediaIsServedByToken(t *testing.T) {
	f := newFlow(t)
	reel := f.ready()
	prefix := MediaPrefix(reel.ID, reel.Generation)
	token, err := f.MediaToken(&reel, stranger)
	must(t, err)
	must(t, f.CheckMedia(token, prefix+"master.m3u8"))
	want(t, f.CheckMedia("x", prefix+"master.m3u8"), ErrDenied)
	var whole strings.Builder
	info, err := f.Blobs().WriteTo(background, prefix+"cover.jpg", 0, ToTheEnd, &whole)
	must(t, err)
	equal(t, int(info.SizeBytes), whole.Len())
	head, err := f.Blobs().Head(background, prefix+"cover.jpg")
	must(t, err)
	equal(t, head, info)
	part := make([]byte, 100)
	n, err := f.Blobs().ReadAt(background, prefix+"cover.jpg", 50, part)
	must(t, err)
	equal(t, string(part[:n]), whole.String()[50:150])
	_, err = f.Blobs().Head(background, prefix+"nothing")
	want(t, err, ErrNotFound)
	_, err = f.Blobs().WriteTo(background, prefix+"cover.jpg", 0, ToTheEnd, brokenWriter{})
	want(t, err, io.ErrClosedPipe)
	want(t, err, ErrHost)
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestFlowRolesRunUntilTheContextEnds(t *testing.T) {
	f := newFlow(t)
	ctx, cancel := context.WithCancel(background)
	ended := make(chan error)
	go func() { ended <- f.Platform.Run(ctx, RoleAll, 2) }()
	id := f.upload()
	for deadline := time.Now().Add(200 * time.Second); f.reel(id).State != ReelReady; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(f.reel(id))
		}
	}
	cancel()
	must(t, <-ended)
	reels, cursor, err := f.Reels().OfCreator(background, creator, "", 10)
	must(t, err)
	equal(t, fmt.Sprint(len(reels), reels[0].ID, cursor), fmt.Sprint(1, id, ""))
	reels, _, err = f.Reels().InState(background, ReelReady, "", 10)
	must(t, err)
	equal(t, len(reels), 1)
	want(t, f.RemoveReel(background, id, stranger), ErrDenied)
	must(t, f.RemoveReel(background, id, creator))
	equal(t, len(f.page(stranger)), 0)
}

func TestFlowReelThatCannotBeMadeFailsAndIsLogged(t *testing.T) {
	needMedia(t)
	var mu sync.Mutex
	var lines []string
	lib, err := NewCtx(CtxOptions{Log: func(level LogLevel, message string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, fmt.Sprint(level == LogWarn, message))
		panic("the log is gone")
	}})
	must(t, err)
	defer lib.Close()
	worker := filepath.Join(t.TempDir(), "worker")
	must(t, os.Symlink(os.Getenv("REELS_MEDIA_WORKER"), worker))
	platform, err := OpenPlatform(lib, PlatformConfig{DataPath: filepath.Join(t.TempDir(), "data"),
		MediaWorkerPath: worker, MediaAttemptsMax: 1})
	must(t, err)
	defer platform.Close()
	f := &flow{T: t, lib: lib, Platform: platform}
	id := f.upload()
	must(t, os.Remove(worker))
	f.settle()
	equal(t, f.reel(id).State.String(), "FAILED")
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(strings.Join(lines, "\n"), fmt.Sprint("true", "reel ", id)) {
		t.Fatal("not logged:", lines)
	}
}

func TestFlowRefusesWhatIsNoMedia(t *testing.T) {
	needMedia(t)
	f := newFlow(t)
	text := []byte("this is a letter and no film, however long it may go on and on")
	id, err := f.Uploads().Begin(background, UploadRequest{PersonID: creator, Length: uint64(len(text))})
	must(t, err)
	err = f.Uploads().PutPart(background, id, creator, 0, text, nil)
	if !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
	equal(t, f.reel(id).State, ReelNone)
}

func TestUploadsAnswerForThemselves(t *testing.T) {
	uploads := newFlow(t).Uploads()
	id, err := uploads.Begin(background, UploadRequest{PersonID: creator, Length: LengthUnknown})
	must(t, err)
	info, err := uploads.Get(background, id, creator)
	must(t, err)
	equal(t, info.Length, LengthUnknown)
	must(t, uploads.SetLength(background, id, creator, 1000))
	_, err = uploads.Get(background, id, stranger)
	want(t, err, ErrNotFound)
	_, err = uploads.Write(background, id, creator, 7, strings.NewReader("late"), nil)
	want(t, err, ErrConflict)
	want(t, uploads.PutPart(background, id, creator, 0, make([]byte, 1000), &[32]byte{}), ErrCorrupt)
	want(t, uploads.Commit(background, id, creator, nil), ErrState)
	_, err = uploads.Write(background, id, creator, 0, iotest.ErrReader(io.ErrClosedPipe), nil)
	want(t, err, io.ErrClosedPipe)
	must(t, uploads.Abort(background, id, creator))
	want(t, uploads.Abort(background, id, creator), ErrNotFound)
	_, err = uploads.Begin(background, UploadRequest{PersonID: creator, Length: 1 << 40})
	want(t, err, ErrLimit)
	_, err = uploads.Begin(background, UploadRequest{PersonID: creator, Caption: "a\x00b"})
	want(t, err, ErrInvalidArg)
}

func TestPlatformRefusesWhatIsNotThere(t *testing.T) {
	f := newFlow(t)
	_, err := f.Social().Set(background, RelationLike, follower, 12345, true)
	want(t, err, ErrNotFound)
	_, err = f.Social().Set(background, RelationFollow, follower, follower, true)
	want(t, err, ErrInvalidArg)
	_, err = f.Social().Comment(background, 12345, follower, "hello", nil)
	want(t, err, ErrNotFound)
	statuses, err := f.AddEvents(background, follower, []Event{{Type: EventLike, ReelID: 1}})
	must(t, err)
	if statuses[0] >= 0 {
		t.Fatal("a client's like event was admitted")
	}
	_, _, err = f.Feed(background, FeedRequest{ViewerID: follower, Cursor: "not a cursor"})
	want(t, err, ErrInvalidArg)
	must(t, f.Seen(background, follower, nil))
}

func TestPlatformConfigurationIsCheckedAndDataLocked(t *testing.T) {
	f := newFlow(t)
	_, err := OpenPlatformJSON(f.lib, []byte(fmt.Sprintf(`{"data_path": %q}`, f.data)))
	want(t, err, ErrBusy)
	_, err = OpenPlatformJSON(f.lib, []byte(`{"data_pth": "x"}`))
	if err == nil || !strings.Contains(err.Error(), "data_pth") {
		t.Fatal(err)
	}
	_, err = OpenPlatformJSON(f.lib, []byte("{"))
	want(t, err, ErrCorrupt)
	id, err := f.IDs().Next(background)
	must(t, err)
	if id == 0 {
		t.Fatal("no ID")
	}
}

func TestPlatformHealthStepAndRun(t *testing.T) {
	f := newFlow(t)
	report, err := f.Health(within(t, 30*time.Second))
	must(t, err)
	if !strings.HasPrefix(string(report), "{") {
		t.Fatal(string(report))
	}
	_, err = f.Step(RoleCounter, 10*time.Millisecond)
	must(t, err)
	must(t, f.Platform.Run(within(t, 50*time.Millisecond), RoleAll, 1))
	ctx, cancel := context.WithCancel(background)
	cancel()
	must(t, f.Platform.Run(ctx, RoleAll, 1))
	must(t, f.Platform.Close())
	want(t, f.Settle(background, RoleAll), ErrClosed)
}
