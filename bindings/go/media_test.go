//go:build !reels_nomedia

package reels

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func worker() Worker {
	return Worker{Path: os.Getenv("REELS_MEDIA_WORKER")}
}

var errGone = errors.New("the disk is gone")

type brokenReader struct{}

func (brokenReader) ReadAt([]byte, int64) (int, error) { return 0, errGone }

type panickingReader struct{}

func (panickingReader) ReadAt([]byte, int64) (int, error) { panic("the disk is on fire") }

func media(t *testing.T) Media {
	data := clip(t)
	return Media{Reader: bytes.NewReader(data), Size: int64(len(data))}
}

func letter() Media {
	text := strings.Repeat("this is a letter and no film ", 40)
	return Media{Reader: strings.NewReader(text), Size: int64(len(text))}
}

func mustBeGone(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Fatal("something is left at", path)
	}
}

func TestProbeOfFileAndReaderAgree(t *testing.T) {
	lib := newTestCtx(t)
	path := filepath.Join(t.TempDir(), "clip.mp4")
	must(t, os.WriteFile(path, clip(t), 0o600))
	info, err := Probe(background, lib, Media{Path: path}, ProbeOptions{Worker: worker()})
	must(t, err)
	same, err := Probe(background, lib, media(t), ProbeOptions{Worker: worker()})
	must(t, err)
	equal(t, same, info)
	equal(t, info.Verdict, VerdictTranscode)
	equal(t, info.Container+" "+info.VideoCodec+" "+info.AudioCodec, "mp4 h264 aac")
	equal(t, info.DisplayWidth, 360)
	equal(t, info.DisplayHeight, 640)
	if info.Duration < 3900*time.Millisecond || info.Duration > 4100*time.Millisecond {
		t.Fatal("duration", info.Duration)
	}
}

func TestProbeRefusesByLimitsAndStatus(t *testing.T) {
	lib := newTestCtx(t)
	info, err := Probe(background, lib, media(t), ProbeOptions{Limits: &MediaLimits{DurationMax: time.Second}, Worker: worker()})
	must(t, err)
	equal(t, info.Verdict, VerdictRefuse)
	equal(t, info.VerdictStatus, ErrLimit)
	_, err = Probe(background, lib, letter(), ProbeOptions{Worker: worker()})
	want(t, err, ErrUnsupported)
	_, err = Probe(background, lib, Media{Path: "nothing.mp4"}, ProbeOptions{Worker: worker()})
	want(t, err, ErrNotFound)
	_, err = Probe(background, lib, Media{}, ProbeOptions{Worker: worker()})
	if err == nil {
		t.Fatal("probed nothing")
	}
}

func TestCallbackErrorsAndPanicsComeBack(t *testing.T) {
	lib := newTestCtx(t)
	needMedia(t)
	_, err := Probe(background, lib, Media{Reader: brokenReader{}, Size: 1000}, ProbeOptions{Worker: worker()})
	want(t, err, errGone)
	want(t, err, ErrHost)
	out := filepath.Join(t.TempDir(), "out")
	panics := func(name string, f func()) {
		defer func() {
			if recover() == nil {
				t.Error(name, "did not panic")
			}
		}()
		f()
	}
	panics("the reader", func() {
		_, _ = Transcode(background, lib, Media{Reader: panickingReader{}, Size: 1000}, out, TranscodeOptions{Worker: worker()})
	})
	panics("progress", func() {
		_, _ = Transcode(background, lib, media(t), out,
			TranscodeOptions{Worker: worker(), Progress: func(TranscodeProgress) { panic("enough") }})
	})
	mustBeGone(t, out)
}

func TestTranscodeMakesALadderThatVerifies(t *testing.T) {
	lib := newTestCtx(t)
	out := filepath.Join(t.TempDir(), "out")
	var seen []TranscodeProgress
	made, err := Transcode(background, lib, media(t), out, TranscodeOptions{
		Worker: worker(), Preset: "ultrafast", Progress: func(p TranscodeProgress) { seen = append(seen, p) }})
	must(t, err)
	equal(t, len(made.Rungs), 2)
	equal(t, made.Rungs[1].ShortSide, 360)
	equal(t, made.Info.VideoCodec, "h264")
	for i := 1; i < len(seen); i++ {
		if seen[i].DonePpm < seen[i-1].DonePpm {
			t.Fatal("progress fell")
		}
	}
	equal(t, seen[len(seen)-1].Stage, StageDone)
	files, err := os.ReadDir(out)
	must(t, err)
	equal(t, len(files), int(made.Summary.FilesCount))
	report, err := Verify(background, lib, out, VerifyOptions{})
	must(t, err)
	if !report.OK() || report.Summary.VariantsCount != 2 || report.Summary.FramesCount < 240 {
		t.Fatalf("%+v", report)
	}
	_, err = Transcode(background, lib, media(t), out, TranscodeOptions{Worker: worker(), Preset: "ultrafast"})
	want(t, err, ErrExists)
	_, err = Transcode(background, lib, media(t), out, TranscodeOptions{Worker: worker(), Preset: "ultrafast",
		Replace: true, Ladder: &LadderOptions{ShortSideMax: 240}})
	must(t, err)
}

func TestVerifyFindsWhatIsMissing(t *testing.T) {
	lib := newTestCtx(t)
	out := filepath.Join(t.TempDir(), "out")
	_, err := Transcode(background, lib, media(t), out, TranscodeOptions{Worker: worker(), Preset: "ultrafast"})
	must(t, err)
	victims, err := filepath.Glob(filepath.Join(out, "*.m*4*"))
	must(t, err)
	must(t, os.Remove(victims[0]))
	report, err := Verify(background, lib, out, VerifyOptions{NoDecode: true})
	must(t, err)
	found := false
	for _, finding := range report.Findings {
		found = found || finding.Code == VerifyFileMissing && finding.Code.Name() == "file_missing"
	}
	if report.OK() || !found {
		t.Fatalf("%+v", report.Findings)
	}
	_, err = Verify(background, lib, filepath.Join(out, "nothing"), VerifyOptions{})
	want(t, err, ErrNotFound)
}

func TestRenderPlaylistGivesOtherURLs(t *testing.T) {
	lib := newTestCtx(t)
	text := "#EXTM3U\n#EXT-X-MAP:URI=\"v.mp4\"\n#EXTINF:2,\nv.mp4\nhttps://other/x.mp4\n"
	got, err := RenderPlaylist(lib, []byte(text), PlaylistURLs{Base: "https://cdn/7/", Query: "t=1"})
	must(t, err)
	equal(t, got, "#EXTM3U\n#EXT-X-MAP:URI=\"https://cdn/7/v.mp4?t=1\"\n#EXTINF:2,\nhttps://cdn/7/v.mp4?t=1\nhttps://other/x.mp4\n")
	got, err = RenderPlaylist(lib, []byte(text), PlaylistURLs{})
	must(t, err)
	equal(t, got, text)
	got, err = RenderPlaylist(lib, []byte("#EXTM3U\nv.mp4"), PlaylistURLs{URL: func(name string) (string, error) { return "u/" + name, nil }})
	must(t, err)
	equal(t, got, "#EXTM3U\nu/v.mp4")
	_, err = RenderPlaylist(lib, []byte(text), PlaylistURLs{URL: func(string) (string, error) { return "", errGone }})
	if !errors.Is(err, errGone) {
		t.Fatal(err)
	}
	_, err = RenderPlaylist(lib, nil, PlaylistURLs{})
	want(t, err, ErrCorrupt)
	_, err = RenderPlaylist(lib, []byte(text), PlaylistURLs{Base: "a b"})
	want(t, err, ErrInvalidArg)
}

func TestTranscodeLeavesNothingWhenItDoesNotEnd(t *testing.T) {
	lib := newTestCtx(t)
	out := filepath.Join(t.TempDir(), "out")
	_, err := Transcode(background, lib, letter(), out, TranscodeOptions{Worker: worker()})
	want(t, err, ErrUnsupported)
	ctx, cancel := context.WithCancel(background)
	_, err = Transcode(ctx, lib, media(t), out, TranscodeOptions{Worker: worker(), Progress: func(TranscodeProgress) { cancel() }})
	want(t, err, context.Canceled)
	_, err = Transcode(within(t, 20*time.Millisecond), lib, media(t), out, TranscodeOptions{Worker: worker()})
	want(t, err, context.DeadlineExceeded)
	mustBeGone(t, out)
}
