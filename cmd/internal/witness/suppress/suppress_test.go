package suppress

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt/cmd/internal/witness/report"
)

// TestMatch: a star stands for anything, everything else for itself.
func TestMatch(t *testing.T) {
	for _, v := range []struct {
		pattern, key string
		want         bool
	}{
		{"order a -> b -> a", "order a -> b -> a", true}, {"order a -> b -> a", "order a -> c -> a", false},
		{"order *", "order a -> b -> a", true}, {"leak *", "order a", false}, {"*.mu", "leak s.mu", true}, {"*.mu", "leak s.muck", false},
		{"order * -> b -> *", "order a -> b -> a", true}, {"*b*k*", "leak b", false}, {"*", "", true}, {"leak a*a", "leak a", false},
	} {
		if match(v.pattern, v.key) != v.want {
			t.Errorf("%q, %q: %v", v.pattern, v.key, !v.want)
		}
	}
}

// TestFile writes a file, reads it, and is left with nothing.
func TestFile(t *testing.T) {
	l := &List{File: filepath.Join(t.TempDir(), ".witness")}
	reports := []report.Report{{Key: "leak a"}, {Key: "leak a"}, {Key: "order b -> c -> b"}}
	for _, bad := range []string{"", " ", "two\nlines"} {
		if l.Add(reports, bad) == nil {
			t.Errorf("%q is no reason", bad)
		}
	}
	if err := l.Add(reports, "because"); err != nil {
		t.Fatal(err)
	}
	again, err := Read(l.File)
	if err != nil || len(again.Lines) != 2 || again.Lines[0].Reason != "because" {
		t.Fatalf("%+v %v", again, err)
	}
	if kept, left := again.Filter(append(reports, report.Report{Key: "leak d"})); len(kept) != 1 || left != 3 || !again.Lines[1].Used {
		t.Errorf("%+v %d", kept, left)
	}
	// A file whose last line has no end is not spoiled.
	if err := os.WriteFile(l.File, []byte("leak a # because"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := l.Add(reports[2:], "so"); err != nil {
		t.Fatal(err)
	}
	if again, err := Read(l.File); err != nil || len(again.Lines) != 2 || again.Lines[0].Reason != "because" {
		t.Errorf("%+v %v", again, err)
	}
	if err := os.WriteFile(l.File, []byte("# a comment\n\nleak a #because\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(l.File); err == nil || !strings.Contains(err.Error(), ":3: no reason") {
		t.Error(err)
	}
}
