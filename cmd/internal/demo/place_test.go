// place_test.go: where journals go if nobody says, and the display on and off a terminal.

package demo

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/serializing-tokens/lwkt/cmd/internal/demo/journal"
)

func TestFreshDir(t *testing.T) {
	home, temp := t.TempDir(), t.TempDir()
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(name, home)
	}
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, temp)
	}
	one, err := openPlace("")
	if err != nil || !strings.HasPrefix(one.dir, home) {
		t.Errorf("got %v, %v, want a directory in the cache", one, err)
	}
	two, err := openPlace("")
	if err != nil || two.dir == one.dir || two.pile != one.pile {
		t.Errorf("got %v, %v, after %v", two, err, one)
	}
	file := filepath.Join(home, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(name, file) // nothing can be made in there
	}
	three, err := openPlace("")
	if err != nil || !strings.HasPrefix(three.dir, temp) || three.pile != three.dir {
		t.Errorf("got %v, %v, want a directory for temporary files", three, err)
	}
}

// TestLeft adds journals up, in a place that is the demo's own and in one that is not.
func TestLeft(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b")
	for name, size := range map[string]int{"demo-1/tokens.journal": 1500, "demo-2/tokens.journal": 1000, "tokens.journal": 700, "notes": 99} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := journal.MakeDir(filepath.Dir(path)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, size), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		place
		size, remove string
	}{
		{place{dir: filepath.Join(dir, "demo-2"), pile: dir}, " 3.2 kB; ", "  rm -r '" + dir + "'\n"},
		{place{dir: dir}, " 700 bytes; ", "  rm '" + dir + "'/*.journal\n"},
	} {
		var b bytes.Buffer
		if tt.left(&b); !strings.Contains(b.String(), tt.size) || !strings.HasSuffix(b.String(), tt.remove) {
			t.Errorf("%+v: %s", tt.place, &b)
		}
	}
}

func TestTmpfsIsNamed(t *testing.T) {
	var b bytes.Buffer
	place{dir: "/x", tmpfs: true}.describe(&b)
	r := report{place: place{dir: "/x", tmpfs: true}}
	r.explain(&b)
	if strings.Count(b.String(), "a tmpfs: fsync costs nothing here") != 2 {
		t.Errorf("got %q", b.String())
	}
	if isTmpfs(filepath.Join(t.TempDir(), "none")) {
		t.Error("a directory that does not exist is in memory")
	}
}

func TestProgress(t *testing.T) {
	var tl tally
	tl.transfers.Store(1234)
	for _, terminal := range []bool{true, false} {
		var b bytes.Buffer
		p := progress{&b, terminal}
		stop := p.start("tokens", time.Hour, &tl)
		stop()
		out := b.String()
		if !strings.Contains(out, "1,234 transfers") || !strings.HasSuffix(out, "0 deadlocks\n") || strings.Contains(out, "\r") != terminal {
			t.Errorf("terminal %v: %q", terminal, out)
		}
	}
	if newProgress(new(bytes.Buffer)).terminal {
		t.Error("a buffer is a terminal")
	}
}
