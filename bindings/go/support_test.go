package reels

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

var background = context.Background()

func needMedia(t *testing.T) {
	t.Helper()
	if !HasFeature("media") {
		t.Skip("this build has no media")
	}
}

func newTestCtx(t *testing.T) *Ctx {
	t.Helper()
	lib, err := NewCtx(CtxOptions{})
	must(t, err)
	t.Cleanup(func() { lib.Close() })
	return lib
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, err error, wanted error) {
	t.Helper()
	if !errors.Is(err, wanted) {
		t.Fatalf("wanted %v, got %v", wanted, err)
	}
}

func equal[T comparable](t *testing.T, got, wanted T) {
	t.Helper()
	if got != wanted {
		t.Fatalf("wanted %v, got %v", wanted, got)
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(background, d)
	t.Cleanup(cancel)
	return ctx
}

var clipOnce struct {
	sync.Once
	data []byte
	err  error
}

// clip gives the bytes of 4 s of moving pictures with sound.
func clip(t *testing.T) []byte {
	t.Helper()
	needMedia(t)
	clipOnce.Do(func() {
		path := filepath.Join(t.TempDir(), "clip.mp4")
		out, err := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i",
			"testsrc2=size=360x640:rate=30:duration=4", "-f", "lavfi", "-i", "sine=frequency=440:duration=4",
			"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac",
			"-movflags", "+faststart", path).CombinedOutput()
		if err != nil {
			clipOnce.err = errors.New(string(out) + err.Error())
			return
		}
		clipOnce.data, clipOnce.err = os.ReadFile(path)
	})
	must(t, clipOnce.err)
	return clipOnce.data
}
