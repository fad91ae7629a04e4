package reels

import (
	"errors"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"
)

func TestErrorCarriesWhatTheLibrarySays(t *testing.T) {
	lib := newTestCtx(t)
	_, err := NewIDGenerator(background, lib, IDOptions{Region: 99})
	var failure *Error
	if !errors.As(err, &failure) || failure.Status != ErrInvalidArg || !strings.Contains(failure.Message, "region") {
		t.Fatal(err)
	}
	equal(t, failure.Status.Name(), "INVALID_ARG")
	_, err = NewIDGenerator(background, lib, IDOptions{StateFile: filepath.Join(t.TempDir(), "no", "such", "ids")})
	want(t, err, ErrNotFound)
	if !errors.As(err, &failure) || failure.Errno == 0 {
		t.Fatal("no errno:", err)
	}
	_, err = NewIDGenerator(background, lib, IDOptions{StateFile: "a\x00b"})
	want(t, err, ErrInvalidArg)
	equal(t, Status(-9999).Name(), "UNKNOWN")
}

func TestErrorStatusesHaveNames(t *testing.T) {
	for s := ErrEncrypted; s < 0; s++ {
		if s.Name() == "UNKNOWN" || s.Error() == "" {
			t.Error("no name for", int(s))
		}
		if !errors.Is(&Error{Status: s}, s) || errors.Is(&Error{Status: s}, s-1) {
			t.Error("errors.Is does not know", s.Name())
		}
	}
}

func TestVersionOfAnotherLibraryIsRefused(t *testing.T) {
	must(t, checkVersion(1000, 1000))
	must(t, checkVersion(1000, 1001))
	want(t, checkVersion(1000, 2000), ErrUnsupported)
	want(t, checkVersion(1001, 1000), ErrUnsupported)
	must(t, checkVersion(1000000, 1002003))
	want(t, checkVersion(1000000, 2000000), ErrUnsupported)
}

func TestCloseWaitsForWhatWasMadeFromIt(t *testing.T) {
	lib, err := NewCtx(CtxOptions{})
	must(t, err)
	ids, err := NewIDGenerator(background, lib, IDOptions{})
	must(t, err)
	must(t, lib.Close())
	must(t, lib.Close())
	_, err = ids.Next(background)
	must(t, err)
	must(t, ids.Close())
	_, err = ids.Next(background)
	want(t, err, ErrClosed)
	_, err = NewIDGenerator(background, lib, IDOptions{})
	want(t, err, ErrClosed)
}

func TestHandleFreesOnceAfterTheLastUser(t *testing.T) {
	freed := 0
	h := newHandle(nil, func(unsafe.Pointer) { freed++ })
	_, err := h.acquire()
	must(t, err)
	h.close()
	h.close()
	equal(t, freed, 0)
	h.release()
	equal(t, freed, 1)
}

func TestForgottenObjectIsFreed(t *testing.T) {
	lib := newTestCtx(t)
	options := IDOptions{StateFile: filepath.Join(t.TempDir(), "ids")}
	_, err := NewIDGenerator(background, lib, options)
	must(t, err)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		runtime.GC()
		ids, err := NewIDGenerator(background, lib, options)
		if err == nil {
			must(t, ids.Close())
			return
		}
		want(t, err, ErrBusy) // its lock is there until it is collected
		if time.Now().After(deadline) {
			t.Fatal("never collected")
		}
	}
}

func TestRecordsThatDoNotFitAreRefused(t *testing.T) {
	lib := newTestCtx(t)
	platform, err := OpenPlatform(lib, PlatformConfig{DataPath: filepath.Join(t.TempDir(), "data")})
	must(t, err)
	defer platform.Close()
	_, err = platform.AddEvents(background, 1, []Event{{Region: "12345678"}})
	want(t, err, ErrInvalidArg)
	_, err = OpenPlatform(lib, PlatformConfig{DataPath: "a\x00b"})
	want(t, err, ErrInvalidArg)
}

// A reader may give its last bytes together with the end, or nothing for a while.
func TestReaderMannersAreUnderstood(t *testing.T) {
	s := &state{reader: io.MultiReader(strings.NewReader("ab"), silent{})}
	p := make([]byte, 8)
	n, err := s.read(p)
	must(t, err)
	equal(t, string(p[:n]), "ab")
	_, err = s.read(p)
	want(t, err, io.ErrNoProgress)
	s = &state{reader: dataWithError{io.EOF}}
	n, err = s.read(p)
	must(t, err)
	equal(t, n, 1)
	n, err = s.read(p)
	must(t, err)
	equal(t, n, 0)
	s = &state{reader: dataWithError{io.ErrClosedPipe}}
	_, err = s.read(p)
	must(t, err)
	_, err = s.read(p)
	want(t, err, io.ErrClosedPipe)
}

type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }

type dataWithError struct{ err error }

func (d dataWithError) Read(p []byte) (int, error) { return 1, d.err }
