// output_test.go: what cannot be written is refused before the run, under the name that was given.

package demo

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOutput(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(dir, "none")
	for path, want := range map[string]string{
		dir:                          "-svg " + dir + " is a directory; name a file",
		filepath.Join(none, "x.svg"): "-svg " + filepath.Join(none, "x.svg") + ": " + none + " does not exist",
		filepath.Join(file, "x.svg"): "-svg " + filepath.Join(file, "x.svg") + ": " + file + " is not a directory",
		os.DevNull:                   "-svg " + os.DevNull + " is not a regular file; name another",
	} {
		if o, err := createOutput(path); err == nil || err.Error() != want {
			t.Errorf("%s: %+v, %v, want %s", path, o, err, want)
		}
	}

	write := func(w io.Writer) error { _, err := io.WriteString(w, "<svg/>"); return err }
	o, err := createOutput(file) // an earlier one is replaced
	if err != nil {
		t.Fatal(err)
	}
	if err := o.finish(write); err != nil {
		t.Fatal(err)
	}
	o.discard()
	if got, err := os.ReadFile(file); err != nil || string(got) != "<svg/>" {
		t.Errorf("got %q, %v", got, err)
	}

	// The directory goes away while the demo runs.
	sub := filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	o, err = createOutput(filepath.Join(sub, "x.svg"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(sub); err != nil {
		t.Fatal(err)
	}
	if err = o.finish(write); err == nil || strings.Contains(err.Error(), ".x.svg-") || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

// TestDrawingNotWritten takes the directory of the drawing away during the run: its name must not be told as if it were there.
func TestDrawingNotWritten(t *testing.T) {
	sub := filepath.Join(t.TempDir(), "sub")
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	svg := filepath.Join(sub, "x.svg")
	var out strings.Builder
	gone := writerFunc(func(p []byte) (int, error) { return len(p), os.RemoveAll(sub) }) // with the first line of progress
	status := run(t.Context(), []string{"-for", "20ms", "-tellers", "2", "-journal", t.TempDir(), "-svg", svg}, &out, gone)
	if status != exitFailed || strings.Contains(out.String(), svg) || !strings.Contains(out.String(), "discipline ") {
		t.Errorf("status %d, %s", status, &out)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
