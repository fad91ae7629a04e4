//go:build !reels_nomedia

package reels

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The example of the README stands there word for word.
func TestExampleFlowStandsInTheReadme(t *testing.T) {
	example, err := os.ReadFile("examples/flow/main.go")
	must(t, err)
	readme, err := os.ReadFile("../README.md")
	must(t, err)
	if !strings.Contains(string(readme), "```go\n"+string(example)+"```") {
		t.Fatal("../README.md holds another example")
	}
}

func TestExampleFlowCountsOneLike(t *testing.T) {
	folder := t.TempDir()
	video := filepath.Join(folder, "clip.mp4")
	must(t, os.WriteFile(video, clip(t), 0o600))
	config := fmt.Sprintf(`{"data_path": %q, "media_worker_path": %q}`, filepath.Join(folder, "data"),
		os.Getenv("REELS_MEDIA_WORKER"))
	out, err := exec.Command("go", "run", "./examples/flow", video, config).Output()
	if failed, ok := err.(*exec.ExitError); ok {
		t.Fatal(err, string(failed.Stderr))
	}
	must(t, err)
	var state, text string
	var likes int
	_, err = fmt.Sscan(string(out), &state, &text, &likes)
	must(t, err)
	equal(t, state, "READY")
	equal(t, likes, 1)
	_, err = ParseID(text)
	must(t, err)
}
