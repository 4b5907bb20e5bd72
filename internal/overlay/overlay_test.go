package overlay

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// here is the toolchain in PATH.
func here(t *testing.T) Toolchain {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(out), "\n")
	return Toolchain{lines[0], lines[1]}
}

// TestWriteIsStable: the same toolchain gives the same path, with the same content, and what is there is left alone.
func TestWriteIsStable(t *testing.T) {
	dir := t.TempDir()
	one, err := here(t).Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(one)
	if err != nil {
		t.Fatal(err)
	}
	two, err := here(t).Write(dir)
	if err != nil || one != two {
		t.Fatalf("%s, then %s, %v", one, two, err)
	}
	after, err := os.Stat(two)
	if err != nil || !before.ModTime().Equal(after.ModTime()) {
		t.Errorf("written again, or gone: %v", err)
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 1 {
		t.Errorf("left over: %v %v", list, err)
	}
}

// TestUnknownGo: a release that is not supported, and one whose source has changed, are named with how to go on.
func TestUnknownGo(t *testing.T) {
	for _, v := range []string{"go1.25.3", "go1.28", "go1.28rc1", "devel go1.29-abc", "go2.0"} {
		_, err := Toolchain{here(t).Root, v}.Write(t.TempDir())
		var unknown *UnknownError
		if !errors.As(err, &unknown) || !strings.Contains(err.Error(), v) || !strings.Contains(err.Error(), "GOTOOLCHAIN=") {
			t.Errorf("%s: %v", v, err)
		}
	}
	for _, v := range []string{"go1.26", "go1.26.8", "go1.27rc1", "go1.27.4", "go1.26.8 X:nogreenteagc"} {
		if !supported(v) {
			t.Errorf("%s is not supported", v)
		}
	}

	root := t.TempDir()
	for _, e := range append(append(runtimeEdits, syncEdits...), testingEdits...) {
		text, err := os.ReadFile(filepath.Join(here(t).Root, "src", e.file))
		if err != nil {
			t.Fatal(err)
		}
		if e.file == "sync/rwmutex.go" {
			text = []byte(strings.Replace(string(text), "\trw.w.Lock()\n", "\trw.writers.Lock()\n", 1))
		}
		if err := os.MkdirAll(filepath.Join(root, "src", filepath.Dir(e.file)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "src", e.file), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Toolchain{root, "go1.26.99"}.Write(t.TempDir())
	var changed *ChangedError
	if !errors.As(err, &changed) || changed.File != "sync/rwmutex.go" || !strings.Contains(err.Error(), "rw.w.Lock()") || !strings.Contains(err.Error(), "go1.26.99") {
		t.Errorf("a changed source: %v", err)
	}
}

// TestUnwatched: every function of the engine is hidden from the race detector.
func TestUnwatched(t *testing.T) {
	got, err := unwatched("a.go", "package a\n\n// F works.\n//\n//go:noinline\nfunc F() {}\n\nfunc (T) G() {}\n\nfunc asm()\n")
	want := "package a\n\n// F works.\n//\n//go:noinline\n//go:norace\nfunc F() {}\n\n//go:norace\nfunc (T) G() {}\n\nfunc asm()\n"
	if err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
}
